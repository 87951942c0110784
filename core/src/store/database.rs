//! The handle that writes.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, TransactionBehavior, backup::Backup};

use super::{
    DatabaseKey, Reader, Snapshot, SqliteStorage,
    connection::{BUSY, Place},
    migrations, read_model,
    reader::Readers,
};
use crate::sync::storage::StorageError;

/// The device's database. One value a process writes; [`Database::reader`] gives handles that read beside it.
#[derive(Debug)]
pub struct Database {
    place: Place,
    /// `None` while released.
    writer: Option<Connection>,
    /// A memory database's connection while released: closing it would lose everything.
    parked: Option<Connection>,
    readers: Arc<Readers>,
    rebuild: bool,
    /// What was removed is in the write-ahead log still.
    log_to_cut: bool,
}

impl Database {
    /// Opens the database, creating it and bringing its schema up to date as needed. A read model that is damaged or of
    /// another version is made anew, empty: see [`Database::needs_rebuild`].
    ///
    /// # Errors
    /// [`StorageError::WrongKey`] if the key doesn't fit or the file is no database, [`StorageError::Newer`] if a newer
    /// build wrote it, [`StorageError::Corrupt`] if it is damaged beyond the read model, [`StorageError::Busy`] if
    /// another process holds it, [`StorageError::Full`] or [`StorageError::Io`] for the disk.
    pub fn open(path: &Path, key: &DatabaseKey) -> Result<Self, StorageError> {
        Self::at(Place::file(path, key))
    }

    /// A new, unencrypted database in memory, of the same schema and behaviour, gone with its last handle.
    ///
    /// # Errors
    /// [`StorageError::Io`] if there is no memory.
    pub fn in_memory() -> Result<Self, StorageError> {
        Self::at(Place::memory())
    }

    /// A copy in memory of what is committed in a memory database: for simulations, in which devices begin as copies of
    /// one that was made, are cloned, and are put back to an older copy.
    ///
    /// # Errors
    /// [`StorageError::Io`] if there is no memory, or if this one is a file or released.
    pub fn copy_in_memory(&self) -> Result<Self, StorageError> {
        if matches!(self.place, Place::File { .. }) {
            return Err(StorageError::Io("only a memory database is copied in memory".into()));
        }
        let source = self.writer.as_ref().ok_or_else(released)?;
        let place = Place::memory();
        let mut writer = place.writer()?;
        Backup::new(source, &mut writer)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        let readers = Arc::new(Readers::new(place.clone()));
        let rebuild = self.needs_rebuild();
        Ok(Self { place, writer: Some(writer), parked: None, readers, rebuild, log_to_cut: false })
    }

    /// Opens the database of a device beside the process that owns it: nothing is created or migrated, and the connection
    /// takes little memory. `None` if the owner has to open it first, because another version of the app wrote it or its
    /// read model is not filled.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_beside(path: &Path, key: &DatabaseKey) -> Result<Option<Self>, StorageError> {
        let place = Place::beside(path, key);
        let writer = place.writer()?;
        if !(migrations::is_current(&writer)? && read_model::stands(&writer)?) {
            return Ok(None);
        }
        let readers = Arc::new(Readers::new(place.clone()));
        Ok(Some(Self { place, writer: Some(writer), parked: None, readers, rebuild: false, log_to_cut: false }))
    }

    /// How often pullers have written, and how many pages they have staged: looked up outside of a transaction.
    ///
    /// # Errors
    /// [`StorageError`] of the disk.
    pub fn pulled(&self) -> Result<(u64, u64), StorageError> {
        let writer = self.writer.as_ref().ok_or_else(released)?;
        let mut statement = writer.prepare_cached("SELECT pulled, (SELECT count(*) FROM staged_pages) FROM hold")?;
        Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// Reads what is committed on the connection that writes: for a process that has no other.
    ///
    /// # Errors
    /// What `work` returns, or [`StorageError`] of the disk.
    pub fn look<T, E: From<StorageError>>(&mut self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        let writer = self.writer.as_mut().ok_or_else(released)?;
        let transaction = writer.transaction().map_err(StorageError::from)?;
        work(&Snapshot::new(&transaction, self.readers.damaged()))
    }

    pub(super) fn writer_mut(&mut self) -> Option<&mut Connection> {
        self.writer.as_mut()
    }

    pub(super) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    /// From now on another process is waited for no longer than this.
    ///
    /// # Errors
    /// [`StorageError`] if the database is released.
    pub fn wait_atmost(&self, patience: Duration) -> Result<(), StorageError> {
        Ok(self.writer.as_ref().ok_or_else(released)?.busy_timeout(patience)?)
    }

    pub(super) fn at(place: Place) -> Result<Self, StorageError> {
        let mut writer = place.writer()?;
        migrations::migrate(&mut writer)?;
        let rebuild = read_model::prepare(&mut writer)?;
        let readers = Arc::new(Readers::new(place.clone()));
        Ok(Self { place, writer: Some(writer), parked: None, readers, rebuild, log_to_cut: false })
    }

    /// Runs `work` in one transaction: all of it is on the disk when this returns, or, on any error, nothing. After a
    /// removal the write-ahead log is cut as by [`Database::truncate_wal`].
    ///
    /// # Errors
    /// What `work` returns, or [`StorageError`] if the transaction can't begin or commit.
    pub fn write<T, E: From<StorageError>>(
        &mut self,
        work: impl FnOnce(&mut SqliteStorage<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let writer = self.writer.as_mut().ok_or_else(released)?;
        let transaction =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StorageError::from)?;
        // Dropping the transaction rolls it back, on an error as on a panic.
        let mut storage = SqliteStorage::new(&transaction, self.readers.damaged());
        let value = work(&mut storage)?;
        let removed = storage.finish()?;
        transaction.commit().map_err(StorageError::from)?;
        self.log_to_cut |= removed;
        if self.log_to_cut {
            // The commit stands whatever comes of this; a reader in the middle of a query puts it off to the next one.
            match self.truncate_wal() {
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what was removed stays in the encrypted log for now"),
            }
        }
        Ok(value)
    }

    /// A handle that reads, for any thread.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.readers))
    }

    /// Whether the read model waits to be filled: project every document, then call [`Database::read_model_rebuilt`].
    /// True after opening if it was missing, damaged, of another version or never filled, and once a row of it turned
    /// out unreadable.
    pub fn needs_rebuild(&self) -> bool {
        self.rebuild || self.readers.damaged().is_set()
    }

    /// Looks at the whole read model, after something stored could not be read: whether that is in it, and then
    /// [`Database::needs_rebuild`]. Takes some 10 ms a thousand conversations.
    ///
    /// # Errors
    /// [`StorageError`] of the disk, if the database can't even be opened.
    pub fn check_read_model(&mut self) -> Result<bool, StorageError> {
        // On a connection of its own: SQLCipher refuses everything on one that met a damaged page.
        match read_model::check(&self.place.writer()?, read_model::Depth::Whole) {
            Ok(None) => {}
            Ok(Some(found)) => {
                tracing::warn!(found, "the read model is damaged and made anew");
                self.rebuild = true;
            }
            Err(error @ (StorageError::Busy | StorageError::Full)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the read model can't be read and is made anew");
                self.rebuild = true;
            }
        }
        Ok(self.needs_rebuild())
    }

    /// Empties the read model, for a rebuild while the database is open.
    ///
    /// # Errors
    /// [`StorageError`] of the disk.
    pub fn recreate_read_model(&mut self) -> Result<(), StorageError> {
        self.rebuild = read_model::recreate(&mut self.place.writer()?)?;
        self.readers.damaged().clear();
        Ok(())
    }

    /// Says that every document has been projected.
    ///
    /// # Errors
    /// [`StorageError`] of the disk.
    pub fn read_model_rebuilt(&mut self) -> Result<(), StorageError> {
        let writer = self.writer.as_ref().ok_or_else(released)?;
        read_model::mark_complete(writer)?;
        self.readers.damaged().clear();
        self.rebuild = false;
        Ok(())
    }

    /// Moves the write-ahead log into the database and cuts it to nothing, so that what was removed (R9) is in neither.
    /// Returns whether it could: a reader in the middle of a query prevents it, then try again later.
    ///
    /// # Errors
    /// [`StorageError`] of the disk.
    pub fn truncate_wal(&mut self) -> Result<bool, StorageError> {
        let writer = self.writer.as_ref().ok_or_else(released)?;
        // Without waiting: whoever writes next tries again.
        writer.busy_timeout(Duration::ZERO)?;
        let cut = checkpoint(writer);
        writer.busy_timeout(BUSY)?;
        self.log_to_cut = !cut.as_ref().is_ok_and(|cut| *cut);
        cut
    }

    /// Closes every connection and with them every file lock, within a second, for a host that is about to suspend the
    /// process. Until [`Database::reacquire`] every call fails.
    ///
    /// # Errors
    /// [`StorageError::Busy`] if a query of another thread runs on beyond a second.
    pub fn release(&mut self) -> Result<(), StorageError> {
        let idle = self.readers.close();
        let writer = self.writer.take();
        match self.place {
            Place::Memory { .. } => self.parked = writer.or(self.parked.take()),
            // The last connection to close moves the log into the database and removes it.
            Place::File { .. } => drop(writer),
        }
        if idle { Ok(()) } else { Err(StorageError::Busy) }
    }

    /// Opens again after [`Database::release`]. Nothing to do if it wasn't released.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn reacquire(&mut self) -> Result<(), StorageError> {
        if self.writer.is_none() {
            let writer = match self.parked.take() {
                Some(parked) => parked,
                None => self.place.writer()?,
            };
            self.writer = Some(writer);
        }
        self.readers.reopen();
        Ok(())
    }

    /// Whether it is released.
    pub fn is_released(&self) -> bool {
        self.writer.is_none()
    }

    /// Writes everything into the one file and closes it.
    ///
    /// # Errors
    /// [`StorageError`] of the disk, or [`StorageError::Busy`] as [`Database::release`]. What was written is durable
    /// either way.
    pub fn checkpoint_and_close(mut self) -> Result<(), StorageError> {
        let idle = self.readers.close();
        if let Some(writer) = self.writer.take() {
            checkpoint(&writer)?;
            writer.close().map_err(|(_, error)| StorageError::from(error))?;
        }
        if idle { Ok(()) } else { Err(StorageError::Busy) }
    }

    /// Checks the whole file: every page against its HMAC, SQLite's own structures, foreign keys, the read model
    /// against the documents. Takes seconds on a large database.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] with what was found first; [`StorageError::Busy`] while a query of another thread runs.
    pub fn integrity_check(&mut self) -> Result<(), StorageError> {
        // The cipher's check reads the file past the write-ahead log. After a power cut during a checkpoint, pages may be
        // torn there whose whole copies are in the log: first they go where they belong.
        if !self.truncate_wal()? {
            return Err(StorageError::Busy);
        }
        let writer = self.writer.as_ref().ok_or_else(released)?;
        let first = |sql: &str| -> Result<Option<String>, StorageError> {
            let mut statement = writer.prepare(sql)?;
            let mut rows = statement.query([])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        };
        if matches!(self.place, Place::File { .. })
            && let Some(found) = first("PRAGMA cipher_integrity_check")?
        {
            return Err(StorageError::Corrupt(found));
        }
        if let Some(found) = first("PRAGMA integrity_check(1)")?.filter(|found| found != "ok") {
            return Err(StorageError::Corrupt(found));
        }
        if let Some(table) = first("PRAGMA foreign_key_check")? {
            return Err(StorageError::Corrupt(format!("a row of {table} belongs to no document")));
        }
        read_model::check(writer, read_model::Depth::Whole)?
            .map_or(Ok(()), |found| Err(StorageError::Corrupt(found.into())))
    }
}

impl Drop for Database {
    /// Readers end with their database: none may hold a file that is about to be wiped.
    fn drop(&mut self) {
        self.readers.end();
    }
}

pub(super) fn released() -> StorageError {
    StorageError::Io("the database is released: acquire it again first".into())
}

fn checkpoint(writer: &Connection) -> Result<bool, StorageError> {
    // In memory there is no log, and the answer is (0, -1, -1).
    Ok(writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))? == 0)
}
