//! The driver: gives the session its disk, clock, randomness and network.
//!
//! Every event goes the same way: one transaction, [`Session::handle_all`] inside it, commit, and only then the effects.
//! An error rolls back and makes the session forget; what was under way is dropped and tried again a little later, from
//! what is durable. Session and writer stand behind one std mutex, never held across an await; effects are carried out
//! under it, so that they happen in the order of the commits (they only spawn, abort and notify).

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng, RngExt};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    task::AbortHandle,
};

use super::{
    config::Config,
    error::Error,
    failpoints,
    live::CLOSED,
    stats::Traffic,
    status::{NetworkState, SyncStatus},
    transport::{Http, Part, Transport},
};
use crate::{
    ids::{ContactId, DocumentId, MemberId},
    protocol::Presence,
    store::{Database, Holder, OutboxCounts, Reader, Snapshot, SqliteStorage},
    sync::{
        Session, SessionOptions,
        session::{Effect, End, Event, RequestId},
        storage::{Identity, Storage, StorageError, SyncState},
    },
    time::Timestamp,
};

/// How long the driver waits after a transaction failed, doubled up to the longest.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// One device, shared by its handles and tasks.
pub(super) struct Engine {
    pub(super) config: Config,
    core: Mutex<Core>,
    reader: Reader,
    identity: RwLock<Identity>,
    transport: RwLock<Arc<dyn Transport>>,
    pub(super) traffic: Arc<Traffic>,
    revision: watch::Sender<u64>,
    status: watch::Sender<SyncStatus>,
    /// Whether the database is open: not while paused, nor once closed or wiped.
    available: AtomicBool,
    /// The records that were opened and have come, each with whether there is more.
    opened_records: RwLock<BTreeMap<ContactId, bool>>,
    /// Who is in which conversation.
    colleagues: RwLock<BTreeMap<DocumentId, Vec<(MemberId, Presence)>>>,
    /// Moves when that changes: it happens often, and no list of conversations shows it.
    presence: watch::Sender<u64>,
    /// When the data locks itself (R9), in milliseconds; moves with every contact.
    locks_at: AtomicI64,
    /// Tells the lists of alerts when something comes due, with the time. Apart from the core, since who lists alerts is not
    /// to wait for the writer.
    pub(super) alert_watch: Mutex<Option<(Timestamp, AbortHandle)>>,
}

/// What the mutex guards.
pub(super) struct Core {
    pub(super) session: Session,
    /// `None` once closed or wiped; released while paused.
    pub(super) database: Option<Database>,
    pub(super) runtime: Option<Handle>,
    pub(super) requests: HashMap<RequestId, AbortHandle>,
    pub(super) timer: Option<AbortHandle>,
    pub(super) lease_watch: Option<AbortHandle>,
    /// This engine, as the processes on the database know it.
    pub(super) holder: Holder,
    /// Renews the hold.
    pub(super) holding: Option<AbortHandle>,
    /// How often pullers had written when the session last knew what is on the disk, and when staged pages were last looked
    /// for.
    pub(super) pulled: u64,
    pub(super) looked: Option<u64>,
    /// Takes texts into the search.
    pub(super) indexing: Option<AbortHandle>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) started: bool,
    pub(super) network: NetworkState,
    pub(super) retry: Duration,
    pub(super) failure: Option<String>,
    /// What the events at hand bring, counted once it is durable: documents, and whether a page ends.
    pub(super) arrived: (u64, bool),
    /// The ends of pushes, taken in with what comes next.
    pub(super) put_off: Vec<(RequestId, Vec<Part>)>,
}

/// Somebody who waits for a bounded catch-up.
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Result<(), End>>,
    /// Set once nobody waits any more.
    pub(super) gone: Arc<AtomicBool>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("database", &self.config.database).finish_non_exhaustive()
    }
}

/// What the driver needs to know after each commit.
pub(super) struct Glance {
    state: Option<SyncState>,
    lease: Duration,
    /// Counted by the writer, which has the pages at hand: a reader would decipher them anew after each commit.
    counts: OutboxCounts,
}

impl Glance {
    fn last_contact(&self) -> Timestamp {
        self.state.as_ref().map(|state| state.last_contact).unwrap_or_default()
    }
}

impl Engine {
    /// A device over an open database that holds `identity`.
    pub(super) fn new(config: Config, mut database: Database, identity: Identity) -> Result<Arc<Self>, Error> {
        let traffic = Arc::new(Traffic::default());
        let transport = transport(&config, &identity.relay, traffic.clone())?;
        let options = SessionOptions { undo_window: config.undo_window, ..SessionOptions::default() };
        let mut session = Session::new(options);
        rebuild(&mut session, &mut database)?;
        let reader = database.reader();
        let engine = Arc::new(Self {
            config,
            core: Mutex::new(Core {
                session,
                database: Some(database),
                runtime: None,
                requests: HashMap::new(),
                timer: None,
                lease_watch: None,
                holder: Holder { number: rand::rng().random(), app: true },
                holding: None,
                pulled: 0,
                looked: None,
                indexing: None,
                waiting: Vec::new(),
                started: false,
                network: NetworkState::Online,
                retry: FIRST_RETRY,
                failure: None,
                arrived: (0, false),
                put_off: Vec::new(),
            }),
            reader,
            identity: RwLock::new(identity),
            transport: RwLock::new(transport),
            traffic,
            revision: watch::Sender::new(0),
            status: watch::Sender::new(SyncStatus::default()),
            available: AtomicBool::new(true),
            opened_records: RwLock::default(),
            colleagues: RwLock::default(),
            presence: watch::Sender::new(0),
            locks_at: AtomicI64::new(i64::MAX),
            alert_watch: Mutex::new(None),
        });
        let mut core = engine.lock();
        let ((), glance) = core.transact(|_, _, _| Ok(()))?;
        engine.note_contact(&glance);
        engine.refresh(&core, &glance);
        engine.take_staged(&mut core);
        drop(core);
        Ok(engine)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in between left a transaction that was rolled back: the disk is the truth, go on from it.
        self.core.lock().unwrap_or_else(|poisoned| {
            let mut core = PoisonError::into_inner(poisoned);
            core.session.forget();
            self.core.clear_poison();
            core
        })
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn opened_records(&self) -> BTreeMap<ContactId, bool> {
        self.opened_records.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what the session has in memory only, for whoever reads beside it.
    pub(super) fn note_records(&self, core: &Core) {
        let opened = core.session.opened_records();
        *self.opened_records.write().unwrap_or_else(PoisonError::into_inner) = opened;
    }

    pub(super) fn colleagues(&self) -> BTreeMap<DocumentId, Vec<(MemberId, Presence)>> {
        self.colleagues.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn observe_presence(&self) -> watch::Receiver<u64> {
        self.presence.subscribe()
    }

    /// Who is where has changed.
    pub(super) fn note_colleagues(&self, core: &Core) {
        *self.colleagues.write().unwrap_or_else(PoisonError::into_inner) = core.session.colleagues();
        self.presence.send_modify(|revision| *revision = (*revision + 1).min(CLOSED - 1));
    }

    pub(super) fn transport(&self) -> Arc<dyn Transport> {
        self.transport.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    pub(super) fn observe_status(&self) -> watch::Receiver<SyncStatus> {
        self.status.subscribe()
    }

    pub(super) fn observe_revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The status as of now: the lease may have run out since the last commit.
    pub(super) fn status(&self) -> SyncStatus {
        let mut status = self.status.borrow().clone();
        status.locked = self.is_locked();
        status
    }

    /// When the data locks itself, or did.
    pub(super) fn locks_at(&self) -> Timestamp {
        Timestamp(self.locks_at.load(Relaxed))
    }

    /// The lease has run out: what is shown has to go.
    pub(super) fn mark_locked(&self) {
        self.status.send_modify(|status| status.locked = true);
        self.changed();
    }

    pub(super) fn is_locked(&self) -> bool {
        self.now() > self.locks_at()
    }

    /// Whether data may be shown (R9, R10).
    pub(super) fn check_access(&self) -> Result<(), Error> {
        if self.status.borrow().revoked {
            return Err(Error::Revoked);
        }
        if self.is_locked() { Err(Error::Locked) } else { Ok(()) }
    }

    /// Why the database is not open.
    pub(super) fn unavailable(&self) -> Error {
        if *self.revision.borrow() == CLOSED { Error::Closed } else { Error::Paused }
    }

    pub(super) fn set_available(&self, available: bool) {
        self.available.store(available, Relaxed);
    }

    /// Reads what is committed, for a screen.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Revoked`], [`Error::Paused`], [`Error::Closed`], [`Error::Storage`], or what `work` answers.
    pub(super) fn read<T>(&self, work: impl Fn(&Snapshot<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.check_access()?;
        if !self.available.load(Relaxed) {
            return Err(self.unavailable());
        }
        match self.reader.read(&work) {
            Err(Error::Storage(error)) => {
                if !self.available.load(Relaxed) {
                    return Err(self.unavailable());
                }
                if self.lock().mend(&error)? { self.reader.read(&work) } else { Err(Error::Storage(error)) }
            }
            answer => answer,
        }
    }

    /// Hands events to the session: one transaction, then the effects.
    ///
    /// # Errors
    /// The disk failed or the relay broke the protocol; the driver then tries again by itself. [`Error::Paused`],
    /// [`Error::Closed`].
    pub(super) fn drive(self: &Arc<Self>, core: &mut Core, events: Vec<Event>) -> Result<(), Error> {
        let now = self.now();
        let points = failpoints::inside(&events);
        let outcome = core.transact(|session, disk, rng| {
            let effects = session.handle_all(now, rng, disk, events)?;
            points.for_each(failpoints::hit);
            Ok(effects)
        });
        match outcome {
            Ok((effects, glance)) => {
                core.retry = FIRST_RETRY;
                core.failure = None;
                let (documents, page_closed) = std::mem::take(&mut core.arrived);
                self.traffic.stored(documents, page_closed);
                self.carry_out(core, effects, &glance);
                Ok(())
            }
            Err(error @ (Error::Paused | Error::Closed)) => Err(error),
            Err(error) => {
                self.recover(core, &error);
                Err(error)
            }
        }
    }

    /// Runs a local command, durable when this returns, and lets the session send what there is to send.
    pub(super) fn local<T>(
        self: &Arc<Self>,
        run: impl FnOnce(&mut Session, Timestamp, &mut dyn Rng, &mut SqliteStorage<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_access()?;
        let now = self.now();
        let mut core = self.lock();
        // What is known already is not kept from what is done now.
        self.catch_up(&mut core);
        let outcome = core.transact(|session, disk, rng| {
            let value = run(session, now, rng, disk)?;
            // In the same transaction: one flush to the disk instead of two.
            let effects = session.handle(now, rng, disk, Event::Written)?;
            failpoints::hit(failpoints::DEVICE_BEFORE_COMMIT);
            Ok((value, effects))
        });
        match outcome {
            Ok(((value, mut effects), glance)) => {
                failpoints::hit(failpoints::DEVICE_AFTER_COMMIT);
                effects.push(Effect::Changed);
                self.carry_out(&mut core, effects, &glance);
                Ok(value)
            }
            // A refusal is an answer; only a failing disk disturbs what is under way.
            Err(error @ Error::Storage(_)) => {
                self.recover(&mut core, &error);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Says that lists and views may have changed.
    pub(super) fn changed(&self) {
        self.revision.send_if_modified(|revision| {
            let goes_on = *revision != CLOSED;
            *revision = if goes_on { (*revision + 1).min(CLOSED - 1) } else { CLOSED };
            goes_on
        });
    }

    /// Ends every list. Nothing is told afterwards.
    pub(super) fn end_lists(&self) {
        self.revision.send_replace(CLOSED);
        self.presence.send_replace(CLOSED);
    }

    /// Takes note of when the relay last answered. Returns whether that unlocked the data (R9).
    pub(super) fn note_contact(&self, glance: &Glance) -> bool {
        let locked = self.is_locked();
        self.locks_at.store(glance.last_contact().after(glance.lease).millis(), Relaxed);
        locked && !self.is_locked()
    }

    /// Derives the status from what is durable, and tells it if it is another one.
    pub(super) fn refresh(&self, core: &Core, glance: &Glance) {
        let counts = glance.counts;
        let state = glance.state.as_ref();
        let shown = core.session.status();
        let status = SyncStatus {
            network: core.network,
            connection: shown.connection.clone(),
            last_contact: glance.last_contact(),
            pending: counts.pending,
            attention: counts.attention,
            held: counts.held,
            clone: state.is_some_and(|state| state.clone),
            revoked: self.status.borrow().revoked || state.is_some_and(|state| state.revoked),
            locked: self.is_locked(),
            last_error: core.failure.clone().or_else(|| shown.last_error.clone()),
        };
        self.status.send_if_modified(|known| {
            let other = *known != status;
            *known = status;
            other
        });
    }

    /// The host said what the network is: it shows at once, whatever the session makes of it.
    pub(super) fn note_network(&self, network: NetworkState) {
        self.status.send_if_modified(|status| std::mem::replace(&mut status.network, network) != network);
    }

    /// A transaction failed: the status says so now, not only after one that works.
    pub(super) fn note_failure(&self, error: &Error) {
        self.status.send_modify(|status| status.last_error = Some(error.to_string()));
    }

    /// The device's access was ended: nothing may be shown any more (R10).
    pub(super) fn mark_revoked(&self) {
        self.status.send_modify(|status| status.revoked = true);
    }

    pub(super) fn set_identity(&self, identity: Identity) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity;
    }
}

impl Core {
    /// Whether every text is in the search, found out without a transaction.
    pub(super) fn nothing_to_index(&mut self) -> Result<bool, Error> {
        let database = self.database.as_ref().ok_or(Error::Closed)?;
        if database.is_released() {
            return Err(Error::Paused);
        }
        Ok(database.reader().read(|snapshot| snapshot.texts_are_read())?)
    }

    /// Runs `run` in one transaction; it is committed if it answers, else rolled back.
    pub(super) fn transact<T>(
        &mut self,
        run: impl FnOnce(&mut Session, &mut SqliteStorage<'_>, &mut dyn Rng) -> Result<T, Error>,
    ) -> Result<(T, Glance), Error> {
        let Core { session, database, pulled, .. } = self;
        let database = database.as_mut().ok_or(Error::Closed)?;
        if database.is_released() {
            return Err(Error::Paused);
        }
        database.write(|disk| {
            let now = disk.reading().pulled()?;
            if std::mem::replace(pulled, now) != now {
                session.written_elsewhere();
            }
            let value = run(session, disk, &mut rand::rng())?;
            let (lease, counts) = (session.settings(disk)?.lease, disk.reading().outbox_counts()?);
            let glance = Glance { state: disk.state()?, lease, counts };
            Ok((value, glance))
        })
    }

    /// Something stored could not be read. The read model is derived data: if that is what is damaged, it is made anew
    /// from the documents. Returns whether it was.
    pub(super) fn mend(&mut self, error: &StorageError) -> Result<bool, Error> {
        let Self { session, database, .. } = self;
        let Some(database) = database.as_mut().filter(|database| !database.is_released()) else { return Ok(false) };
        let damaged =
            database.needs_rebuild() || matches!(error, StorageError::Corrupt(_)) && database.check_read_model()?;
        if damaged {
            database.recreate_read_model()?;
            rebuild(session, database).inspect_err(|_| session.forget())?;
        }
        Ok(damaged)
    }
}

/// Fills the read model from the documents, if it waits for that.
fn rebuild(session: &mut Session, database: &mut Database) -> Result<(), Error> {
    if database.needs_rebuild() {
        database.write(|disk| session.rebuild_read_model(disk))?;
        database.read_model_rebuilt()?;
    }
    Ok(())
}

pub(super) fn transport(config: &Config, relay: &str, traffic: Arc<Traffic>) -> Result<Arc<dyn Transport>, Error> {
    match &config.transport {
        Some(transport) => Ok(transport.clone()),
        None => Ok(Arc::new(Http::new(relay, config, traffic)?)),
    }
}
