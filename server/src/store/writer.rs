//! The writer thread with its group commit.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::{broadcast, oneshot};

use super::{Changed, StoreError, Tx, tx::Cache};
use crate::failpoints;

/// A closure's work and its answer: run inside the transaction, told once of the commit.
trait Job: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    fn done(self: Box<Self>, commit: Result<(), String>);
}

struct Work<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Work<T, E, F>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        // A panic in one closure must not take the writer down with everybody's work.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(StoreError::Refused("an internal error was contained".into()).into()));
        let fine = result.is_ok();
        self.result = Some(result);
        fine
    }

    fn done(self: Box<Self>, commit: Result<(), String>) {
        let result = match (self.result, commit) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)), Err(error)) => Err(StoreError::NotCommitted(error).into()),
            (None, _) => Err(StoreError::Closed.into()),
        };
        // The caller may have gone; what it asked for is done all the same.
        let _ = self.answer.send(result);
    }
}

enum Message {
    Job(Box<dyn Job>, Company),
    Stop(oneshot::Sender<()>),
}

/// Whether a closure shares its transaction with others that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// It does little: one commit for many is what makes them quick.
    Shared,
    /// It does much, in savepoints of its own. SQLite keeps the former content of every page that an outer savepoint
    /// might want back in a list that it walks at each release of an inner one: in a savepoint, a push of 1,000 groups
    /// took ten seconds, nearly all of them there. Alone it needs none, since the transaction is its own.
    Alone,
}

pub(super) struct Writer {
    jobs: Mutex<mpsc::Sender<Message>>,
}

/// The most closures in one commit.
const BATCH: usize = 256;
/// How often the writer looks for another process' writes when it has nothing to do.
const LOOK: Duration = Duration::from_millis(100);

impl Writer {
    pub(super) fn start(connection: Connection, changed: broadcast::Sender<Changed>) -> Self {
        let (jobs, received) = mpsc::channel();
        let spawned = thread::Builder::new()
            .name("relay-writer".into())
            .spawn(move || Loop { connection, changed, cache: Cache::new(), version: 0 }.run(&received));
        if let Err(error) = spawned {
            // Every later call answers `Closed`.
            tracing::error!(%error, "the writer thread can't be started");
        }
        Self { jobs: Mutex::new(jobs) }
    }

    fn send<T, E, F>(&self, work: F, company: Company) -> oneshot::Receiver<Result<T, E>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Message::Job(Box::new(Work { work: Some(work), result: None, answer }), company);
        // If the writer is gone, the answer's sender is dropped with the job, which the receiver reports.
        let _ = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        answered
    }

    pub(super) async fn run<T, E, F>(&self, work: F, company: Company) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.send(work, company).await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) fn run_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.send(work, Company::Alone).blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    pub(super) async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Stop(answer));
        if sent.is_ok() {
            let _ = answered.await;
        }
    }
}

struct Loop {
    connection: Connection,
    changed: broadcast::Sender<Changed>,
    cache: Cache,
    version: i64,
}

impl Loop {
    fn run(mut self, received: &mpsc::Receiver<Message>) {
        self.version = self.data_version();
        let mut put_off = None;
        loop {
            let first = match put_off.take().map_or_else(|| received.recv_timeout(LOOK), Ok) {
                Ok(message) => message,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.look_for_others();
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut jobs = Vec::new();
            let mut stop = None;
            for message in std::iter::once(first).chain(std::iter::from_fn(|| received.try_recv().ok())) {
                match message {
                    Message::Job(job, Company::Alone) if jobs.is_empty() => {
                        jobs.push(job);
                        break;
                    }
                    Message::Job(_, Company::Alone) => {
                        put_off = Some(message);
                        break;
                    }
                    Message::Job(job, Company::Shared) => jobs.push(job),
                    Message::Stop(answer) => stop = Some(answer),
                }
                if jobs.len() >= BATCH || stop.is_some() {
                    break;
                }
            }
            if !jobs.is_empty() {
                self.batch(jobs);
            }
            if let Some(answer) = stop {
                let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                drop(self);
                let _ = answer.send(());
                return;
            }
        }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        metrics::histogram!(crate::metrics::WRITER_BATCH).record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let mut changed = Vec::new();
        let commit = self.transaction(&mut jobs, &mut changed).map_err(|error| error.to_string());
        if commit.is_err() {
            self.cache.clear();
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if commit.is_ok() {
            // Before the answers: whoever waits for news waits longer than whoever brought them.
            for changed in changed {
                // Nobody listening is fine.
                let _ = self.changed.send(changed);
            }
        }
        for job in jobs {
            job.done(commit.clone());
        }
    }

    fn transaction(&mut self, jobs: &mut [Box<dyn Job>], changed: &mut Vec<Changed>) -> Result<(), rusqlite::Error> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        // With the lock held nobody else can write: what is cached is either valid now or thrown away.
        self.look_for_others();
        if let [job] = jobs {
            let mut told = Vec::new();
            if !job.run(&mut Tx::new(&self.connection, &mut self.cache, &mut told)) {
                self.cache.clear();
                return self.connection.execute_batch("ROLLBACK");
            }
            changed.append(&mut told);
            return self.commit();
        }
        for job in jobs {
            self.connection.execute_batch("SAVEPOINT job")?;
            let mut told = Vec::new();
            let fine = job.run(&mut Tx::new(&self.connection, &mut self.cache, &mut told));
            if fine {
                changed.extend(told.into_iter().filter(|new| !changed.contains(new)).collect::<Vec<_>>());
            } else {
                self.connection.execute_batch("ROLLBACK TO job")?;
                self.cache.clear();
            }
            self.connection.execute_batch("RELEASE job")?;
        }
        self.commit()
    }

    fn commit(&self) -> Result<(), rusqlite::Error> {
        failpoints::hit(failpoints::WRITER_BEFORE_COMMIT);
        self.connection.execute_batch("COMMIT")?;
        failpoints::hit(failpoints::WRITER_AFTER_COMMIT);
        Ok(())
    }

    fn look_for_others(&mut self) {
        let version = self.data_version();
        if version != self.version {
            self.version = version;
            self.cache.clear();
            let _ = self.changed.send(Changed::Everything);
        }
    }

    fn data_version(&self) -> i64 {
        self.connection.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap_or(self.version)
    }
}
