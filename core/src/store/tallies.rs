//! Counts that are kept, not counted: how many rows of the dashboard are open, unread, assigned to a member, tagged …
//!
//! A screen shows a dozen counts beside its list and asks for them after every commit; with 100,000 conversations counting
//! took 60 ms. So each row says under which keys it counts, and whoever writes, hides or removes a row moves the difference.
//! Differences are summed up over a transaction and written once, before its commit.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{Snapshot, SqliteStorage, sql::unsigned};
use crate::{
    ids::{MemberId, QueueId},
    model::{Priority, Status},
    sync::storage::StorageError,
    triage::ConversationRow,
};

/// What is counted. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i64)]
pub(super) enum Tally {
    Open = 1,
    Closed = 2,
    /// Open or closed.
    Unread = 3,
    /// Open ones only.
    NeedsReply = 4,
    /// Open ones only.
    Unassigned = 5,
    /// Open ones of a member.
    OpenOf = 6,
    /// Closed ones of a member.
    ClosedOf = 7,
    /// Open ones with a tag.
    OpenTagged = 8,
    /// Closed ones with a tag.
    ClosedTagged = 9,
    /// Open ones in a queue.
    OpenQueued = 10,
    /// Closed ones in a queue.
    ClosedQueued = 11,
    /// Open ones of a priority: its number.
    OpenPriority = 12,
    /// Closed ones of a priority.
    ClosedPriority = 13,
    /// Open ones whose contact is blocked as spam.
    Blocked = 14,
}

/// A tally and whose: a member's id, a tag, or nothing.
type Key = (Tally, Vec<u8>);
/// What a transaction has changed so far.
pub(super) type Differences = BTreeMap<Key, i64>;

/// Under what a row counts; nothing unless it is on the dashboard, and only as such if its contact is blocked as spam.
fn keys(row: &ConversationRow) -> Vec<Key> {
    let open = row.status == Status::Open;
    if !row.visibility.dashboard() {
        return Vec::new();
    }
    if row.blocked {
        return if open { vec![(Tally::Blocked, Vec::new())] } else { Vec::new() };
    }
    let (status, of, tagged) = if open {
        (Tally::Open, Tally::OpenOf, Tally::OpenTagged)
    } else {
        (Tally::Closed, Tally::ClosedOf, Tally::ClosedTagged)
    };
    let (queued, priority) =
        if open { (Tally::OpenQueued, Tally::OpenPriority) } else { (Tally::ClosedQueued, Tally::ClosedPriority) };
    let flags = [
        (true, status),
        (row.unread, Tally::Unread),
        (open && row.needs_reply, Tally::NeedsReply),
        (open && row.assignees.is_empty(), Tally::Unassigned),
    ];
    let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, tally)| (tally, Vec::new()));
    let members = row.assignees.keys().map(|member| (of, member.0.to_vec()));
    let tags = row.tags.iter().map(|tag| (tagged, tag.as_bytes().to_vec()));
    let queue = row.queue.iter().map(|queue| (queued, queue.0.to_vec()));
    let priority = std::iter::once((priority, vec![row.priority as u8]));
    flags.chain(members).chain(tags).chain(queue).chain(priority).collect()
}

impl SqliteStorage<'_> {
    /// A row was `before` and is `after`.
    pub(super) fn recount(&self, before: Option<&ConversationRow>, after: Option<&ConversationRow>) {
        let mut differences = self.differences();
        for (row, by) in [(before, -1), (after, 1)] {
            for key in row.map(keys).unwrap_or_default() {
                *differences.entry(key).or_default() += by;
            }
        }
    }

    /// Writes what has changed.
    pub(super) fn write_tallies(&self) -> Result<(), StorageError> {
        let differences = std::mem::take(&mut *self.differences());
        let mut change = self.connection().prepare_cached(
            "INSERT INTO tallies (tally, whose, rows) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET rows = rows + ?3",
        )?;
        let mut lost = false;
        for ((tally, whose), by) in differences.into_iter().filter(|(_, by)| *by != 0) {
            change.execute(params![tally as i64, whose, by])?;
            lost |= by < 0;
        }
        if lost {
            // A tag that nobody may see any more is not kept either (R9).
            self.connection().prepare_cached("DELETE FROM tallies WHERE rows = 0")?.execute([])?;
        }
        Ok(())
    }
}

impl Snapshot<'_> {
    /// One tally.
    pub(super) fn tally(&self, tally: Tally, whose: &[u8]) -> Result<u64, StorageError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT coalesce(sum(rows), 0) FROM tallies WHERE tally = ?1 AND whose = ?2")?;
        Ok(unsigned(statement.query_row(params![tally as i64, whose], |row| row.get(0))?))
    }

    /// How many rows have this member, open or closed as asked.
    pub(super) fn assigned(&self, member: MemberId, status: Option<Status>) -> Result<u64, StorageError> {
        self.by_status(Tally::OpenOf, Tally::ClosedOf, member.as_bytes(), status)
    }

    /// How many rows have this tag.
    pub(super) fn tagged(&self, tag: &str, status: Option<Status>) -> Result<u64, StorageError> {
        self.by_status(Tally::OpenTagged, Tally::ClosedTagged, tag.as_bytes(), status)
    }

    /// How many rows are in this queue.
    pub(super) fn queued(&self, queue: QueueId, status: Option<Status>) -> Result<u64, StorageError> {
        self.by_status(Tally::OpenQueued, Tally::ClosedQueued, queue.as_bytes(), status)
    }

    /// How many rows have this priority.
    pub(super) fn of_priority(&self, priority: Priority, status: Option<Status>) -> Result<u64, StorageError> {
        self.by_status(Tally::OpenPriority, Tally::ClosedPriority, &[priority as u8], status)
    }

    /// Every queue that has open rows with their number.
    pub(super) fn queues(&self) -> Result<BTreeMap<QueueId, u64>, StorageError> {
        let mut statement = self.connection.prepare_cached("SELECT whose, rows FROM tallies WHERE tally = ?1")?;
        let rows = statement.query_map([Tally::OpenQueued as i64], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many rows there are.
    pub(super) fn rows(&self, status: Option<Status>) -> Result<u64, StorageError> {
        self.by_status(Tally::Open, Tally::Closed, &[], status)
    }

    fn by_status(&self, open: Tally, closed: Tally, whose: &[u8], status: Option<Status>) -> Result<u64, StorageError> {
        Ok(match status {
            Some(Status::Open) => self.tally(open, whose)?,
            Some(Status::Closed) => self.tally(closed, whose)?,
            None => self.tally(open, whose)? + self.tally(closed, whose)?,
        })
    }

    /// Every tag of open rows with its number.
    pub(super) fn tags(&self) -> Result<BTreeMap<String, u64>, StorageError> {
        let mut statement =
            self.connection.prepare_cached("SELECT CAST(whose AS TEXT), rows FROM tallies WHERE tally = ?1")?;
        let rows = statement.query_map([Tally::OpenTagged as i64], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
