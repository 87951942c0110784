//! Which process syncs this database right now: the app, or a notification extension that pulls (ADR 0022).
//!
//! The row expires, so that a holder that was killed keeps nobody out for longer than [`HOLD`]. It is no lock: the app takes
//! it whoever has it, and a puller that lost it finds out in its next transaction and writes nothing more.

use std::time::Duration;

use rusqlite::{TransactionBehavior, params};

use super::{Database, Snapshot, SqliteStorage, database::released};
use crate::{sync::storage::StorageError, time::Timestamp};

/// How long a hold is believed without being renewed.
pub const HOLD: Duration = Duration::from_secs(10);

/// One holding: its number is drawn anew each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What tells it from every other.
    pub number: [u8; 16],
    /// Whether it is the app, which takes the hold from whoever has it.
    pub app: bool,
}

/// Who syncs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nobody, or somebody of whom nothing was heard for too long.
    Free,
    /// Whoever asks.
    Mine,
    /// The app, in another process.
    App,
    /// Another puller.
    Puller,
}

impl Snapshot<'_> {
    /// Who syncs, as `me` sees it.
    pub fn held(&self, me: &Holder, now: Timestamp) -> Result<Held, StorageError> {
        let mut statement = self.connection.prepare_cached("SELECT holder, app, until FROM hold")?;
        Ok(statement.query_row([], |row| {
            let (holder, app, until): (Vec<u8>, bool, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let until = Timestamp(until);
            // One that lasts longer than any is given was written before the clock was set back.
            let lasts = now < until && until <= now.after(HOLD);
            Ok(match (holder == me.number, lasts, app) {
                (true, ..) => Held::Mine,
                (false, false, _) => Held::Free,
                (false, true, true) => Held::App,
                (false, true, false) => Held::Puller,
            })
        })?)
    }

    /// How often pullers have written.
    pub fn pulled(&self) -> Result<u64, StorageError> {
        let mut statement = self.connection.prepare_cached("SELECT pulled FROM hold")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}

impl SqliteStorage<'_> {
    /// Takes or renews the hold; a puller only if it is free or its own already. Who has it then.
    pub fn take_hold(&self, me: &Holder, now: Timestamp) -> Result<Held, StorageError> {
        let held = self.reading().held(me, now)?;
        if !me.app && matches!(held, Held::App | Held::Puller) {
            return Ok(held);
        }
        self.connection().prepare_cached("UPDATE hold SET holder = ?1, app = ?2, until = ?3")?.execute(params![
            me.number,
            me.app,
            now.after(HOLD).millis()
        ])?;
        Ok(Held::Mine)
    }

    /// Lets go of the hold, if it is still one's own.
    pub fn drop_hold(&self, me: &Holder) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached("UPDATE hold SET holder = x'', app = 0, until = 0 WHERE holder = ?1")?
            .execute([me.number])?;
        Ok(())
    }

    /// Says that a puller has written: what an app holds in memory may be of the past.
    pub fn note_pulled(&self) -> Result<(), StorageError> {
        self.connection().prepare_cached("UPDATE hold SET pulled = pulled + 1")?.execute([])?;
        Ok(())
    }
}

impl Database {
    /// Writes something about the hold without waiting for the disk: it means nothing once the power was cut.
    ///
    /// # Errors
    /// What `work` returns, or [`StorageError`] of the database.
    pub fn write_hold<T>(
        &mut self,
        work: impl FnOnce(&SqliteStorage<'_>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let damaged = self.readers().clone();
        let writer = self.writer_mut().ok_or_else(released)?;
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        let written = (|| {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&SqliteStorage::new(&transaction, damaged.damaged()))?;
            transaction.commit()?;
            Ok(answer)
        })();
        writer.pragma_update(None, "synchronous", "FULL")?;
        written
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const APP: Holder = Holder { number: [1; 16], app: true };
    const EXTENSION: Holder = Holder { number: [2; 16], app: false };
    const OTHER: Holder = Holder { number: [3; 16], app: false };
    const NOW: Timestamp = Timestamp(1_760_000_000_000);

    fn takes(database: &mut Database, who: &Holder, now: Timestamp) -> Held {
        database.write_hold(|disk| disk.take_hold(who, now)).unwrap()
    }

    #[test]
    fn pullers_wait_for_each_other_and_for_the_app_which_waits_for_nobody() {
        let mut database = Database::in_memory().unwrap();
        assert_eq!(takes(&mut database, &EXTENSION, NOW), Held::Mine);
        assert_eq!(takes(&mut database, &OTHER, NOW), Held::Puller);
        assert_eq!(takes(&mut database, &APP, NOW), Held::Mine);
        assert_eq!(takes(&mut database, &EXTENSION, NOW), Held::App);
        // Who has lost it can't let go of another's.
        database.write_hold(|disk| disk.drop_hold(&EXTENSION)).unwrap();
        assert_eq!(takes(&mut database, &EXTENSION, NOW), Held::App);
        database.write_hold(|disk| disk.drop_hold(&APP)).unwrap();
        assert_eq!(takes(&mut database, &EXTENSION, NOW), Held::Mine);
    }

    #[test]
    fn the_hold_of_one_that_was_killed_runs_out_also_if_the_clock_is_set_back() {
        let mut database = Database::in_memory().unwrap();
        takes(&mut database, &APP, NOW);
        let almost = NOW.after(HOLD - Duration::from_millis(1));
        assert_eq!(takes(&mut database, &EXTENSION, almost), Held::App);
        assert_eq!(takes(&mut database, &EXTENSION, NOW.after(HOLD)), Held::Mine);
        takes(&mut database, &APP, NOW);
        assert_eq!(takes(&mut database, &EXTENSION, NOW.before(HOLD * 100)), Held::Mine);
    }
}
