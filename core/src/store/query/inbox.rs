//! The list: a filter as SQL, a page at a time. [`InboxFilter::takes`] is its meaning; a test holds the two together.

use rusqlite::{ToSql, params_from_iter};
use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::{
    ids::{DocumentId, MemberId},
    model::{Priority, Status},
    store::{
        rows::{CONVERSATION, WITH_CONTACT, origin_bit, reason_bit},
        sql::unsigned,
        tallies::Tally,
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

/// Rows that one looks at for each that is found through a label: its entry, the row itself on a page of its own, the sorting.
const FOUND_BY_LABEL: u64 = 8;

/// A list of conversations that have something: an assignee, a tag.
struct Label {
    /// The table, as `l`, and what its entries are to meet.
    table: &'static str,
    sql: &'static str,
    values: Vec<Box<dyn ToSql>>,
    /// How many entries meet it, or a few more.
    entries: u64,
}

/// What is read, and in which order: one index of the rows is walked in the list's order, or the entries of one label are
/// gathered and sorted, whichever is shorter.
struct Plan {
    from: String,
    conditions: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Plan {
    /// What member `me` sees with this filter at this time, of which `wanted` rows are read.
    fn of(
        snapshot: &Snapshot<'_>,
        filter: &InboxFilter,
        me: MemberId,
        now: Timestamp,
        wanted: u64,
    ) -> Result<Self, StorageError> {
        let mut labels = labels(snapshot, filter, me)?;
        labels.sort_by_key(|label| label.entries);
        let (index, rows) = index_of(snapshot, filter)?;
        let gathers = labels.first().is_some_and(|label| {
            // So many are walked until enough are found, if they lie evenly.
            let walked = wanted.saturating_mul(rows) / label.entries.max(1);
            label.entries.saturating_mul(FOUND_BY_LABEL) < walked.min(rows)
        });
        let mut plan = Self { from: String::new(), conditions: on_dashboard(filter).into(), values: Vec::new() };
        let mut labels = labels.into_iter();
        if gathers && let Some(label) = labels.next() {
            plan.from = format!("{} l CROSS JOIN conversation_rows r ON r.id = l.conversation", label.table);
            plan.add(label.sql);
            plan.values.extend(label.values);
        } else {
            plan.from = format!("conversation_rows r INDEXED BY {index}");
        }
        for label in labels {
            // As a value it is looked up for each row; as a set it would be made whole first.
            let Label { table, sql, values, .. } = label;
            plan.add(&format!("(SELECT 1 FROM {table} l WHERE l.conversation = r.id AND {sql}) IS NOT NULL"));
            plan.values.extend(values);
        }
        plan.flags(filter, now);
        Ok(plan)
    }

    /// Flags are literals, not values, so that the partial indexes apply.
    fn flags(&mut self, filter: &InboxFilter, now: Timestamp) {
        match filter.status {
            Some(Status::Open) => self.add("r.open = 1"),
            Some(Status::Closed) => self.add("r.open = 0"),
            None => {}
        }
        if filter.unread {
            self.add("r.unread = 1");
        }
        if filter.needs_reply {
            self.add("r.needs_reply = 1");
        }
        if filter.assignee == Some(Assignee::Nobody) {
            self.add("r.assigned = 0");
        }
        if let Some(origin) = filter.origin {
            self.with("r.origins & ? <> 0", origin_bit(origin));
        }
        if let Some(contact) = filter.contact {
            self.with("r.contact = ?", contact);
        }
        if let Some(queue) = filter.queue {
            // The index holds those with a queue, which the planner does not conclude by itself.
            self.add("r.queue IS NOT NULL");
            self.with("r.queue = ?", queue);
        }
        if let Some(priority) = filter.priority {
            self.add(&format!("r.priority = {}", priority as u8));
            if priority != Priority::Normal {
                self.add("r.priority <> 1");
            }
        }
        match filter.snoozed {
            Some(true) => {
                self.add("r.snoozed_until > 0");
                self.with("r.snoozed_until > ?", now.millis());
            }
            Some(false) => self.with("r.snoozed_until <= ?", now.millis().max(0)),
            None => {}
        }
    }

    fn add(&mut self, sql: &str) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(sql);
    }

    fn with(&mut self, sql: &str, value: impl ToSql + 'static) {
        self.add(sql);
        self.values.push(Box::new(value));
    }
}

fn labels(snapshot: &Snapshot<'_>, filter: &InboxFilter, me: MemberId) -> Result<Vec<Label>, StorageError> {
    const ASSIGNEES: &str = "conversation_assignees";
    let mut labels = Vec::new();
    let mut assigned = |member: MemberId, reason: Option<i64>| {
        let entries = snapshot.assigned(member, filter.status)?;
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(member)];
        values.extend(reason.map(|bit| Box::new(bit) as Box<dyn ToSql>));
        let sql = if reason.is_some() { "l.member = ? AND l.reasons & ? <> 0" } else { "l.member = ?" };
        labels.push(Label { table: ASSIGNEES, sql, values, entries });
        Ok::<_, StorageError>(())
    };
    match (filter.scope, filter.reason) {
        (_, Some(reason)) => assigned(me, Some(reason_bit(reason)))?,
        (Scope::AssignedToMe, None) => assigned(me, None)?,
        (Scope::All, None) => {}
    }
    if let Some(Assignee::Member(member)) = filter.assignee {
        assigned(member, None)?;
    }
    if let Some(tag) = &filter.tag {
        let entries = snapshot.tagged(tag, filter.status)?;
        labels.push(Label {
            table: "conversation_tags",
            sql: "l.tag = ?",
            values: vec![Box::new(tag.clone())],
            entries,
        });
    }
    Ok(labels)
}

/// The list of a contact shows all that there is with them, blocked or not.
fn on_dashboard(filter: &InboxFilter) -> &'static str {
    if filter.contact.is_some() {
        "r.dashboard IN (1, 2)"
    } else if filter.blocked {
        "r.dashboard = 2"
    } else {
        "r.dashboard = 1"
    }
}

/// The shortest index that has the order, and how many rows are in it: each holds only rows that the filter may take.
fn index_of(snapshot: &Snapshot<'_>, filter: &InboxFilter) -> Result<(&'static str, u64), StorageError> {
    Ok(if filter.contact.is_some() {
        ("conversations_of_contact", 1)
    } else if filter.blocked {
        ("conversations_blocked", 1)
    } else if filter.snoozed == Some(true) {
        ("conversations_resting", 1)
    } else if let Some(queue) = filter.queue {
        ("conversations_of_queue", snapshot.queued(queue, None)?)
    } else if let Some(priority) = filter.priority.filter(|priority| *priority != Priority::Normal) {
        ("conversations_by_priority", snapshot.of_priority(priority, None)?)
    } else if filter.unread {
        ("conversations_unread", snapshot.tally(Tally::Unread, &[])?)
    } else if filter.needs_reply {
        ("conversations_to_answer", snapshot.tally(Tally::NeedsReply, &[])?)
    } else if filter.assignee == Some(Assignee::Nobody) {
        ("conversations_of_nobody", snapshot.tally(Tally::Unassigned, &[])?)
    } else if filter.status.is_some() {
        ("conversations_by_status", snapshot.rows(filter.status)?)
    } else {
        ("conversations_by_activity", snapshot.rows(None)?)
    })
}

impl Snapshot<'_> {
    /// The rows that member `me` sees with this filter, the latest activity first, then by document: at most `limit`,
    /// from after `after` on.
    pub fn inbox(
        &self,
        filter: &InboxFilter,
        me: MemberId,
        now: Timestamp,
        limit: usize,
        after: Option<PageKey>,
    ) -> Result<Vec<ConversationRow>, StorageError> {
        let mut plan = Plan::of(self, filter, me, now, u64::try_from(limit).unwrap_or(u64::MAX))?;
        if let Some(after) = after {
            plan.with("r.last_activity <= ?", after.last_activity.millis());
            plan.with("(r.last_activity < ?", after.last_activity.millis());
            plan.conditions.push_str(" OR r.document > ?)");
            plan.values.push(Box::new(after.document));
        }
        let sql = format!(
            "SELECT {CONVERSATION} FROM {} {WITH_CONTACT} WHERE {} ORDER BY r.last_activity DESC, r.document LIMIT ?",
            plan.from, plan.conditions
        );
        plan.values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(plan.values))?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(self.conversation_of(row, 0)?);
        }
        Ok(list)
    }

    /// How many rows member `me` sees with this filter.
    pub fn count(&self, filter: &InboxFilter, me: MemberId, now: Timestamp) -> Result<u64, StorageError> {
        let plan = Plan::of(self, filter, me, now, u64::MAX)?;
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT count(*) FROM {} WHERE {}", plan.from, plan.conditions))?;
        Ok(unsigned(statement.query_row(params_from_iter(plan.values), |row| row.get(0))?))
    }
}
