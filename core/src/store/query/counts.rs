//! The counts beside the list.

use super::Snapshot;
use crate::{
    ids::MemberId,
    model::{Priority, Status},
    store::{sql::unsigned, tallies::Tally},
    sync::storage::StorageError,
    time::Timestamp,
    triage::Counts,
};

impl Snapshot<'_> {
    /// The counts that member `me` sees: each is the length of the list that its filter gives.
    pub fn counts(&self, me: MemberId, now: Timestamp) -> Result<Counts, StorageError> {
        let of = |tally| self.tally(tally, &[]);
        Ok(Counts {
            open: of(Tally::Open)?,
            closed: of(Tally::Closed)?,
            mine: self.tally(Tally::OpenOf, me.as_bytes())?,
            unassigned: of(Tally::Unassigned)?,
            unread: of(Tally::Unread)?,
            needs_reply: of(Tally::NeedsReply)?,
            by_tag: self.tags()?,
            by_queue: self.queues()?,
            urgent: self.of_priority(Priority::Urgent, Some(Status::Open))?,
            snoozed: self.resting(now)?,
            blocked: of(Tally::Blocked)?,
        })
    }

    /// How many open conversations rest now: those that woke up are counted no more, whatever their rows say.
    fn resting(&self, now: Timestamp) -> Result<u64, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM conversation_rows INDEXED BY conversations_resting_until
             WHERE dashboard = 1 AND open = 1 AND snoozed_until > 0 AND snoozed_until > ?1",
        )?;
        Ok(unsigned(statement.query_row([now.millis()], |row| row.get(0))?))
    }
}
