//! Opening a connection, with the settings of each.

use std::{
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::DatabaseKey;
use crate::sync::storage::StorageError;

/// How long a connection waits for another process (the notification extension) to end its transaction.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Statements kept prepared on each connection: more than the store has.
const STATEMENTS: usize = 128;
/// Statements and pages (of 4 KiB) that a process beside keeps: an iOS extension is ended when it takes more than some 24 MB.
const BESIDE_STATEMENTS: usize = 24;
const BESIDE_PAGES: i64 = 128;
/// The log is cut to this size once it was checkpointed, in bytes.
const LOG_BYTES: i64 = 4 * 1024 * 1024;

/// Where the database is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// An encrypted file.
    File {
        path: PathBuf,
        key: DatabaseKey,
        /// Whether this process is a guest that is to take little memory and to create nothing.
        beside: bool,
    },
    /// This process' memory, under a name that its connections share.
    Memory { name: String },
}

/// Done once SQLCipher is ready in this process.
static CIPHER: Once = Once::new();
/// How often that is tried, a millisecond apart.
const TRIES: u32 = 1_000;

/// SQLite calls itself initialised a moment before SQLCipher is: whoever opens a database in that moment, while another thread
/// opens the process' first, would be refused its key.
fn await_cipher() {
    for _ in 0..TRIES {
        let asked = "PRAGMA cipher_log_level = NONE; PRAGMA key = 'ready?'";
        if Connection::open_in_memory().is_ok_and(|connection| connection.execute_batch(asked).is_ok()) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    tracing::error!("the cipher of the databases does not start");
}

impl Place {
    pub(super) fn file(path: &Path, key: &DatabaseKey) -> Self {
        Self::File { path: path.to_owned(), key: key.clone(), beside: false }
    }

    /// The same file, for a process beside the one that it belongs to.
    pub(super) fn beside(path: &Path, key: &DatabaseKey) -> Self {
        Self::File { path: path.to_owned(), key: key.clone(), beside: true }
    }

    pub(super) fn memory() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // The memory VFS rather than a shared cache: its readers see commits only, as those of a file do.
        Self::Memory { name: format!("file:/offdesk-{}?vfs=memdb", COUNT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// The connection that writes.
    pub(super) fn writer(&self) -> Result<Connection, StorageError> {
        let beside = matches!(self, Self::File { beside: true, .. });
        let connection = self.connect(if beside { OpenFlags::empty() } else { OpenFlags::SQLITE_OPEN_CREATE })?;
        if beside {
            connection.pragma_update(None, "cache_size", BESIDE_PAGES)?;
            connection.set_prepared_statement_cache_capacity(BESIDE_STATEMENTS);
        }
        if matches!(self, Self::File { .. }) {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        Ok(connection)
    }

    /// A connection that reads.
    pub(super) fn reader(&self) -> Result<Connection, StorageError> {
        // It must be there: a late reader must not put an empty file where a database was wiped (R10).
        let connection = self.connect(OpenFlags::empty())?;
        connection.pragma_update(None, "query_only", "ON")?;
        Ok(connection)
    }

    fn connect(&self, create: OpenFlags) -> Result<Connection, StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let connection = match self {
            Self::File { path, key, .. } => {
                CIPHER.call_once(await_cipher);
                let connection = Connection::open_with_flags(path, flags)?;
                // SQLCipher would write to stderr about a wrong key; the error says it all.
                connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
                // Page size and cipher stay at SQLCipher 4's defaults. `cipher_memory_security` stays off: it
                // wipes and locks every allocation of SQLite at a multiple of the cost; keys are wiped without it.
                // The error's own text would quote the statement, and with it the key.
                let refused = |error: rusqlite::Error| {
                    let code = error.sqlite_error().map_or(0, |error| error.extended_code);
                    StorageError::Io(format!("the cipher can't be set up (SQLite's code {code})"))
                };
                connection.execute_batch(&key.pragma()).map_err(refused)?;
                connection
            }
            Self::Memory { name } => Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?,
        };
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise a prepared statement with a bound limit is planned anew each time that it runs: half of what a list cost.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // The first page is decrypted here: a wrong key ends here.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        Ok(connection)
    }
}
