//! The relay's embedded SQLite: one writer thread, a few readers, WAL.
//!
//! Work that writes is a closure handed to [`Store::write`]. The writer takes all that is waiting, runs each closure in a
//! savepoint of its own inside one transaction, commits once (`synchronous=FULL`: one disk flush for many acceptances) and
//! only then answers every caller. A closure that fails is rolled back to its savepoint and harms no other.
//!
//! The administration's command line writes to the same file from another process. The writer notices by SQLite's
//! `data_version` and tells everybody who listens on [`Store::changed`].

mod pool;
mod solo;
mod tx;
mod writer;

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use offdesk_core::ids::WorkspaceId;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use rusqlite_migration::{M, Migrations};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::broadcast,
    task::{block_in_place, spawn_blocking},
};

pub use solo::{Ending, Solo};
use writer::Company;

pub use tx::{Policies, ReadTx, Tx};

/// The store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite reported an error.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The schema can't be brought up to date.
    #[error("the database's schema can't be used: {0}")]
    Migration(String),
    /// Stored bytes can't be read.
    #[error("stored {what} can't be read: {why}")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The transaction could not be made durable; nothing of it is stored.
    #[error("the commit failed: {0}")]
    NotCommitted(String),
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// Something that must be there is not.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// Refused for a reason that the caller can act on.
    #[error("{0}")]
    Refused(String),
}

/// What a commit changed, for live streams to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A workspace's log grew.
    Log(WorkspaceId),
    /// Another process wrote: anything may have changed.
    Everything,
}

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: writer::Writer,
    readers: pool::Readers,
    changed: broadcast::Sender<Changed>,
    path: PathBuf,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish()
    }
}

/// How long a connection waits for another process' lock.
const BUSY: Duration = Duration::from_secs(10);
/// Pages that the writer keeps at most, in KiB.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Documents kept loaded by the writer.
pub(crate) const LOADED_DOCUMENTS: usize = 256;

impl Store {
    /// Opens the database, creating it and bringing its schema up to date as needed, and starts the writer.
    ///
    /// # Errors
    /// [`StoreError`] if the file can't be opened, is damaged or newer than this build.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        keep_private(path)?;
        let mut connection = connect(path)?;
        migrate(&mut connection)?;
        // What one push of 1,000 intents touches fits: with SQLite's 2 MB half of its pages were written twice.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        let (changed, _) = broadcast::channel(1024);
        let writer = writer::Writer::start(connection, changed.clone());
        let readers = pool::Readers::new(path.to_owned());
        Ok(Self { inner: Arc::new(Inner { writer, readers, changed, path: path.to_owned() }) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs `work` in the writer and returns once it is durable.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError`] if the commit failed: then nothing of it is stored.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.writer.run(work, Company::Shared).await
    }

    /// As [`Store::write`], for work that is large enough to be worth a commit of its own.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_alone<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.writer.run(work, Company::Alone).await
    }

    /// As [`Store::write`], for callers without an async runtime (the command line).
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.writer.run_blocking(work)
    }

    /// Runs `work` on a reader, in one consistent snapshot.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError`] if no reader can be had.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let this = self.clone();
        let read = move || this.read_blocking(work);
        // Most reads take less time than it takes to hand them to another thread and be woken by it. This one is allowed to
        // wait for the disk: the runtime goes on with another. A runtime of one thread only has none.
        let result = match Handle::current().runtime_flavor() {
            RuntimeFlavor::CurrentThread => spawn_blocking(read).await.ok(),
            // A panic ends the read, as on a thread of its own, and not the stream that asked for it.
            _ => std::panic::catch_unwind(AssertUnwindSafe(|| block_in_place(read))).ok(),
        };
        result.unwrap_or_else(|| Err(StoreError::Closed.into()))
    }

    /// As [`Store::read`], on the calling thread.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&ReadTx<'_>) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.inner.readers.with(work)
    }

    /// Tells of every commit.
    pub fn changed(&self) -> broadcast::Receiver<Changed> {
        self.inner.changed.subscribe()
    }

    /// Waits for what is under way, checkpoints and stops the writer.
    pub async fn close(self) {
        self.inner.writer.stop().await;
    }
}

/// Creates a database that is not there yet as a file that only its owner may read, and with it its log, which gets the
/// same rights: SQLite would make it readable for everybody whom the umask allows.
fn keep_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Refused(format!("the database {} can't be created: {error}", path.display()))),
    }
}

/// Opens a connection with our settings.
pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    // Otherwise a prepared statement with a bound limit is planned anew each time that it runs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // Not in memory: SQLite keeps what a savepoint may have to undo in a list of kilobytes there, and walks along it at the
    // end of every statement. A push of 1,000 intents took 3 s, nearly all of it on such walks. The file is as readable as
    // the database beside it.
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/0001_relay.sql")),
        M::up(include_str!("../../migrations/0002_quarantine_by_workspace.sql")),
        M::up(include_str!("../../migrations/0003_outlines.sql")),
        M::up(include_str!("../../migrations/0004_snapshots.sql")),
        M::up(include_str!("../../migrations/0005_waiting.sql")),
        M::up(include_str!("../../migrations/0006_events.sql")),
        M::up(include_str!("../../migrations/0007_runs.sql")),
    ])
}

/// Brings the schema up to date.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrations().to_latest(connection).map_err(|error| StoreError::Migration(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failing_closure_harms_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let act = |text: &'static str, fail: bool| {
            store.write(move |tx: &mut Tx<'_>| {
                tx.connection().execute("INSERT INTO audit (at, who, act) VALUES (0, 'test', ?1)", [text])?;
                if fail { Err(StoreError::Refused("no".into())) } else { Ok(()) }
            })
        };
        let (a, b, c) = tokio::join!(act("a", false), act("b", true), act("c", false));
        assert!(a.is_ok() && b.is_err() && c.is_ok());
        let acts: i64 = store
            .read(|tx| {
                Ok::<_, StoreError>(tx.connection().query_row("SELECT count(*) FROM audit", [], |row| row.get(0))?)
            })
            .await
            .unwrap();
        assert_eq!(acts, 2);
        store.close().await;
    }

    /// Work that has a commit of its own is undone as a whole like any other, and harms nobody before or behind it.
    #[tokio::test]
    async fn large_work_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let act = |text: &'static str, fail: bool| {
            move |tx: &mut Tx<'_>| {
                tx.connection().execute("INSERT INTO audit (at, who, act) VALUES (0, 'test', ?1)", [text])?;
                tx.connection().execute_batch("SAVEPOINT inner; RELEASE inner")?;
                if fail { Err(StoreError::Refused("no".into())) } else { Ok(()) }
            }
        };
        let (a, b, c, d) = tokio::join!(
            store.write(act("a", false)),
            store.write_alone(act("b", true)),
            store.write_alone(act("c", false)),
            store.write(act("d", false)),
        );
        assert!(a.is_ok() && c.is_ok() && d.is_ok());
        assert!(matches!(b, Err(StoreError::Refused(_))));
        let sql = "SELECT group_concat(act, '') FROM (SELECT act FROM audit ORDER BY id)";
        let read = move |tx: &ReadTx<'_>| Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| row.get(0))?);
        let acts: String = store.read(read).await.unwrap();
        assert_eq!(acts, "acd");
        store.close().await;
    }

    /// A database of an earlier build keeps its saved documents, where they are now.
    #[tokio::test]
    async fn saved_documents_are_brought_along() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let mut earlier = connect(&path).unwrap();
        migrations().to_version(&mut earlier, 3).unwrap();
        let insert = "INSERT INTO documents (id, workspace, kind, created_seq, last_seq, snapshot, snapshot_seq, heads)
                      VALUES (x'01', x'aa', 1, 1, 9, x'5a5a', 7, x''), (x'02', x'aa', 1, 2, 2, x'', 0, x'')";
        earlier.execute_batch(insert).unwrap();
        drop(earlier);
        let store = Store::open(&path).unwrap();
        let read = |tx: &ReadTx<'_>| {
            let sql = "SELECT group_concat(hex(document) || seq || hex(saved)), (SELECT count(*) FROM documents) FROM snapshots";
            Ok::<(String, i64), StoreError>(tx.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
        };
        assert_eq!(store.read(read).await.unwrap(), ("0175A5A".into(), 2));
        store.close().await;
    }

    /// The database holds what people said: nobody else on the machine reads it.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_database_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        for file in ["relay.db", "relay.db-wal"] {
            let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        store.close().await;
        let nowhere = Store::open(&folder.path().join("no/such/folder/relay.db")).unwrap_err().to_string();
        assert!(nowhere.contains("no/such/folder/relay.db can't be created"), "{nowhere}");
    }
}
