//! The counts beside the list.

use super::Snapshot;
use crate::{ids::MemberId, store::tallies::Tally, sync::storage::StorageError, triage::Counts};

impl Snapshot<'_> {
    /// The counts that member `me` sees: each is the length of the list that its filter gives.
    pub fn counts(&self, me: MemberId) -> Result<Counts, StorageError> {
        let of = |tally| self.tally(tally, &[]);
        Ok(Counts {
            open: of(Tally::Open)?,
            closed: of(Tally::Closed)?,
            mine: self.tally(Tally::OpenOf, me.as_bytes())?,
            unassigned: of(Tally::Unassigned)?,
            unread: of(Tally::Unread)?,
            needs_reply: of(Tally::NeedsReply)?,
            by_tag: self.tags()?,
        })
    }
}
