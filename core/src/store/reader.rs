//! Handles that read: each call gets one consistent snapshot of what is committed.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, InterruptHandle};

use super::{connection::Place, database::released};
use crate::sync::storage::StorageError;

/// Idle connections kept; more are opened under load and closed after use. Each holds a page cache of up to 2 MB.
const KEPT: usize = 3;
/// How long closing waits for queries under way, which it ends.
const CLOSING: Duration = Duration::from_millis(500);

/// Set once a row of the read model turned out unreadable.
#[derive(Debug, Default)]
pub(super) struct Damaged(AtomicBool);

impl Damaged {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The readers' connections.
#[derive(Debug)]
pub(super) struct Readers {
    place: Place,
    // A std Mutex: it is held for a push or a pop, never during a query.
    pool: Mutex<Pool>,
    returned: Condvar,
    damaged: Damaged,
}

struct Pool {
    idle: Vec<Connection>,
    lent: usize,
    /// How to end what those run that are lent, by number.
    busy: Vec<(u64, InterruptHandle)>,
    loans: u64,
    open: bool,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("lent", &self.lent).field("open", &self.open).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn new(place: Place) -> Self {
        let pool = Mutex::new(Pool { idle: Vec::new(), lent: 0, busy: Vec::new(), loans: 0, open: true });
        Self { place, pool, returned: Condvar::new(), damaged: Damaged::default() }
    }

    pub(super) fn damaged(&self) -> &Damaged {
        &self.damaged
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes all connections, those in use when they come back.
    pub(super) fn end(&self) {
        let mut pool = self.pool();
        pool.open = false;
        pool.idle.clear();
    }

    /// Closes all connections; whether those in use came back in time.
    pub(super) fn close(&self) -> bool {
        self.end();
        let pool = self.pool();
        // The host is about to suspend the process: no list is worth being killed for.
        pool.busy.iter().for_each(|(_, query)| query.interrupt());
        let (pool, _) = self
            .returned
            .wait_timeout_while(pool, CLOSING, |pool| pool.lent > 0)
            .unwrap_or_else(PoisonError::into_inner);
        pool.lent == 0
    }

    pub(super) fn reopen(&self) {
        self.pool().open = true;
    }

    fn lend(&self) -> Result<Lent<'_>, StorageError> {
        let mut pool = self.pool();
        if !pool.open {
            return Err(released());
        }
        pool.lent += 1;
        pool.loans += 1;
        let (idle, number) = (pool.idle.pop(), pool.loans);
        drop(pool);
        // From here on the loan ends by dropping, whatever happens.
        let mut lent = Lent { readers: self, connection: idle, number, failed: false };
        if lent.connection.is_none() {
            lent.connection = Some(self.place.reader()?);
        }
        let mut pool = self.pool();
        if !pool.open {
            // Closed while it was opened.
            drop(pool);
            return Err(released());
        }
        pool.busy.extend(lent.connection.as_ref().map(|connection| (number, connection.get_interrupt_handle())));
        drop(pool);
        Ok(lent)
    }
}

struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
    number: u64,
    /// It read something that it couldn't: SQLCipher refuses everything on a connection that met one damaged page.
    failed: bool,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool();
        pool.lent -= 1;
        pool.busy.retain(|(number, _)| *number != self.number);
        if pool.open && !self.failed && pool.idle.len() < KEPT {
            pool.idle.extend(self.connection.take());
        } else {
            // Closed before anybody is told that it came back.
            drop(self.connection.take());
        }
        drop(pool);
        self.readers.returned.notify_all();
    }
}

/// A handle that reads. Cheap to clone; each call takes a connection of its own, so that callers never wait for each
/// other or for the writer.
#[derive(Clone, Debug)]
pub struct Reader {
    readers: Arc<Readers>,
}

impl Reader {
    pub(super) fn new(readers: Arc<Readers>) -> Self {
        Self { readers }
    }

    /// Runs `work` on one consistent snapshot. Keep it short: the write-ahead log can't be cut meanwhile.
    ///
    /// # Errors
    /// What `work` returns, or [`StorageError`] if no connection can be had.
    pub fn read<T, E: From<StorageError>>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut lent = self.readers.lend()?;
        let connection = lent.connection.as_mut().ok_or_else(released)?;
        let answer = match connection.transaction() {
            Ok(transaction) => work(&Snapshot::new(&transaction, &self.readers.damaged)),
            Err(error) => Err(StorageError::from(error).into()),
        };
        lent.failed = answer.is_err();
        answer
    }
}

/// What was committed when the read began. Its methods are in the modules of what they read; each fails only with a
/// [`StorageError`] of the disk or of something unreadable on it.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub(super) connection: &'a Connection,
    damaged: &'a Damaged,
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(connection: &'a Connection, damaged: &'a Damaged) -> Self {
        Self { connection, damaged }
    }

    /// Reads a row of the read model; if it can't be, the read model is to be rebuilt.
    pub(super) fn unpack_row<T: serde::de::DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, StorageError> {
        rmp_serde::from_slice(bytes).map_err(|error| {
            self.damaged.set();
            StorageError::Io(format!("a list's row can't be read and is to be rebuilt: {error}"))
        })
    }
}
