//! The same transactions on one connection and the caller's thread: for a simulation, in which nothing may happen by itself
//! and every commit is a place where a relay can die.

use std::time::Duration;

use rusqlite::{Connection, backup::Backup};

use super::{Changed, ReadTx, StoreError, Tx, migrate, tx::Cache};

/// A relay's database in memory, with one connection.
pub struct Solo {
    connection: Connection,
    cache: Cache,
}

impl std::fmt::Debug for Solo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solo").finish_non_exhaustive()
    }
}

/// How a transaction ends that itself went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is durable.
    Commit,
    /// The disk refuses the commit.
    Fail,
}

impl Solo {
    /// A new database.
    ///
    /// # Errors
    /// [`StoreError`] if there is no memory.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        settings(&connection)?;
        migrate(&mut connection)?;
        Ok(Self { connection, cache: Cache::new() })
    }

    /// A copy of what is committed: a backup.
    ///
    /// # Errors
    /// [`StoreError`] if SQLite can't copy it.
    pub fn copy(&self) -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        Backup::new(&self.connection, &mut connection)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        settings(&connection)?;
        Ok(Self { connection, cache: Cache::new() })
    }

    /// Forgets what is kept between transactions, as a process that starts anew.
    pub fn forget(&mut self) {
        self.cache.clear();
    }

    /// The connection, outside of any transaction.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Runs `work` as the writer does: in a savepoint inside a transaction. Returns its answer and what live streams are to
    /// be told.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError`] if the commit fails: then nothing of it is stored.
    pub fn write<T, E: From<StoreError>>(
        &mut self,
        ending: Ending,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<(T, Vec<Changed>), E> {
        self.execute("BEGIN IMMEDIATE; SAVEPOINT job")?;
        let mut changed = Vec::new();
        match work(&mut Tx::new(&self.connection, &mut self.cache, &mut changed)) {
            Ok(value) if ending == Ending::Commit => {
                self.execute("RELEASE job; COMMIT")?;
                Ok((value, changed))
            }
            Ok(_) => {
                self.cache.clear();
                self.execute("ROLLBACK")?;
                Err(StoreError::NotCommitted("database or disk is full".into()).into())
            }
            Err(error) => {
                self.cache.clear();
                self.execute("ROLLBACK TO job; RELEASE job; COMMIT")?;
                Err(error)
            }
        }
    }

    /// Runs `work` in one consistent snapshot.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError`] if the snapshot can't be had.
    pub fn read<T, E: From<StoreError>>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.execute("BEGIN")?;
        let result = work(&ReadTx::new(&self.connection));
        self.execute("COMMIT")?;
        result
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

fn settings(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn acts(solo: &Solo) -> i64 {
        solo.read(|tx| {
            Ok::<_, StoreError>(tx.connection().query_row("SELECT count(*) FROM audit", [], |row| row.get(0))?)
        })
        .unwrap()
    }

    #[test]
    fn what_is_not_committed_is_not_there() {
        let mut solo = Solo::in_memory().unwrap();
        let act = |tx: &mut Tx<'_>| {
            tx.connection().execute("INSERT INTO audit (at, who, act) VALUES (0, 'test', 'a')", [])?;
            Ok::<_, StoreError>(())
        };
        solo.write(Ending::Commit, act).unwrap();
        let backup = solo.copy().unwrap();
        assert!(solo.write(Ending::Fail, act).is_err());
        let refused: Result<((), _), StoreError> =
            solo.write(Ending::Commit, |tx| act(tx).and(Err(StoreError::Missing("reason"))));
        assert!(refused.is_err());
        assert_eq!(acts(&solo), 1);
        solo.write(Ending::Commit, act).unwrap();
        assert_eq!((acts(&solo), acts(&backup)), (2, 1));
    }
}
