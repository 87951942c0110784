//! The counts beside the list.

use super::Snapshot;
use crate::{
    ids::MemberId,
    model::Status,
    store::sql::unsigned,
    sync::storage::StorageError,
    triage::{Assignee, Counts, InboxFilter, Scope},
};

impl Snapshot<'_> {
    /// The counts that member `me` sees: each is the length of the list that its filter gives.
    pub fn counts(&self, me: MemberId) -> Result<Counts, StorageError> {
        let open = InboxFilter { status: Some(Status::Open), ..InboxFilter::default() };
        let of = |filter: InboxFilter| self.count(&filter, me);
        Ok(Counts {
            open: of(open.clone())?,
            closed: of(InboxFilter { status: Some(Status::Closed), ..InboxFilter::default() })?,
            mine: of(InboxFilter { scope: Scope::AssignedToMe, ..open.clone() })?,
            unassigned: of(InboxFilter { assignee: Some(Assignee::Nobody), ..open.clone() })?,
            unread: of(InboxFilter { unread: true, ..InboxFilter::default() })?,
            needs_reply: of(InboxFilter { needs_reply: true, ..open })?,
            by_tag: self
                .connection
                .prepare_cached(
                    "SELECT t.tag, count(*) FROM conversation_tags t JOIN conversation_rows r ON r.id = t.conversation
                     WHERE r.dashboard = 1 AND r.open = 1 GROUP BY t.tag",
                )?
                .query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?
                .collect::<Result<_, _>>()?,
        })
    }
}
