//! The list: a filter as SQL, a page at a time. [`InboxFilter::takes`] is its meaning; a test holds the two together.

use rusqlite::{ToSql, params_from_iter};
use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::{
    ids::{DocumentId, MemberId},
    model::Status,
    store::{
        rows::{CONVERSATION, WITH_CONTACT, origin_bit, reason_bit},
        sql::unsigned,
    },
    sync::storage::StorageError,
    time::Timestamp,
    triage::{Assignee, ConversationRow, InboxFilter, Scope},
};

/// The place of a row in the list. A page begins after the last row of the one before, wherever that row is by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageKey {
    /// The row's last activity.
    pub last_activity: Timestamp,
    /// The row's document.
    pub document: DocumentId,
}

impl PageKey {
    /// The place of a row.
    pub fn of(row: &ConversationRow) -> Self {
        Self { last_activity: row.last_activity, document: row.document }
    }
}

/// Conditions on `conversation_rows r` with their values, and the index to walk.
pub(super) struct Conditions {
    index: &'static str,
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Conditions {
    fn add(&mut self, sql: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
    }

    fn with(&mut self, sql: &str, value: impl ToSql + 'static) {
        self.add(sql);
        self.values.push(Box::new(value));
    }

    /// What member `me` sees with this filter. Flags are literals, not values, so that the partial indexes apply.
    pub(super) fn of(filter: &InboxFilter, me: MemberId) -> Self {
        const ASSIGNED: &str = "r.id IN (SELECT conversation FROM conversation_assignees WHERE member = ?)";
        let mut conditions = Self { index: index_of(filter), sql: "r.dashboard = 1".into(), values: Vec::new() };
        match filter.status {
            Some(Status::Open) => conditions.add("r.open = 1"),
            Some(Status::Closed) => conditions.add("r.open = 0"),
            None => {}
        }
        if filter.unread {
            conditions.add("r.unread = 1");
        }
        if filter.needs_reply {
            conditions.add("r.needs_reply = 1");
        }
        if filter.scope == Scope::AssignedToMe {
            conditions.with(ASSIGNED, me);
        }
        match filter.assignee {
            Some(Assignee::Nobody) => conditions.add("r.assigned = 0"),
            Some(Assignee::Member(member)) => conditions.with(ASSIGNED, member),
            None => {}
        }
        if let Some(reason) = filter.reason {
            conditions.with(
                "r.id IN (SELECT conversation FROM conversation_assignees WHERE member = ? AND reasons & ? <> 0)",
                me,
            );
            conditions.values.push(Box::new(reason_bit(reason)));
        }
        if let Some(tag) = &filter.tag {
            conditions.with("r.id IN (SELECT conversation FROM conversation_tags WHERE tag = ?)", tag.clone());
        }
        if let Some(origin) = filter.origin {
            conditions.with("r.origins & ? <> 0", origin_bit(origin));
        }
        if let Some(contact) = filter.contact {
            conditions.with("r.contact = ?", contact);
        }
        conditions
    }
}

/// The shortest index that has the order: each holds only rows that the filter may take.
fn index_of(filter: &InboxFilter) -> &'static str {
    if filter.contact.is_some() {
        "conversations_of_contact"
    } else if filter.unread {
        "conversations_unread"
    } else if filter.needs_reply {
        "conversations_to_answer"
    } else if filter.assignee == Some(Assignee::Nobody) {
        "conversations_of_nobody"
    } else if filter.status.is_some() {
        "conversations_by_status"
    } else {
        "conversations_by_activity"
    }
}

impl Snapshot<'_> {
    /// The rows that member `me` sees with this filter, the latest activity first, then by document: at most `limit`,
    /// from after `after` on.
    pub fn inbox(
        &self,
        filter: &InboxFilter,
        me: MemberId,
        limit: usize,
        after: Option<PageKey>,
    ) -> Result<Vec<ConversationRow>, StorageError> {
        let mut conditions = Conditions::of(filter, me);
        if let Some(after) = after {
            conditions.with("r.last_activity <= ?", after.last_activity.millis());
            conditions.with("(r.last_activity < ?", after.last_activity.millis());
            conditions.sql.push_str(" OR r.document > ?)");
            conditions.values.push(Box::new(after.document));
        }
        let sql = format!(
            "SELECT {CONVERSATION} FROM conversation_rows r INDEXED BY {} {WITH_CONTACT} WHERE {}
             ORDER BY r.last_activity DESC, r.document LIMIT ?",
            conditions.index, conditions.sql
        );
        conditions.values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(conditions.values))?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(self.conversation_of(row, 0)?);
        }
        Ok(list)
    }

    /// How many rows member `me` sees with this filter.
    pub fn count(&self, filter: &InboxFilter, me: MemberId) -> Result<u64, StorageError> {
        let conditions = Conditions::of(filter, me);
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT count(*) FROM conversation_rows r INDEXED BY {} WHERE {}",
            conditions.index, conditions.sql
        ))?;
        Ok(unsigned(statement.query_row(params_from_iter(conditions.values), |row| row.get(0))?))
    }
}
