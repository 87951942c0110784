//! Starting, stopping and looking: what the host says about the network and about its own life.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::{
    Offdesk,
    driver::{Core, Engine, Waiting},
    error::Error,
    in_place::in_place,
    stats::{Stats, SyncReport},
    status::{NetworkState, SyncStatus},
};
use crate::sync::session::{End, Event};

/// How long a device that stops waits for another process that writes.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);

impl Offdesk {
    /// Keeps the device in sync from here on: a live stream while the network allows, and whatever is written goes out
    /// at once. Must be called on a Tokio runtime, which the device's tasks then run on.
    pub fn start(&self) {
        let engine = self.engine();
        let mut core = engine.lock();
        core.runtime = Handle::try_current().ok().or(core.runtime.take());
        core.started = true;
        engine.take_hold(&mut core);
        engine.take_staged(&mut core);
        // A failing disk shows in the status, and the driver tries again by itself.
        let _ = engine.restart(&mut core);
    }

    /// Says what the network is. `Offline` closes what is open; `Online` connects at once.
    pub fn set_network(&self, state: NetworkState) {
        let engine = self.engine();
        let mut core = engine.lock();
        if core.network == NetworkState::Offline && state != NetworkState::Offline {
            // Connections of another network would only time out.
            engine.transport().reset();
        }
        core.network = state;
        engine.note_network(state);
        let _ = engine.drive(&mut core, vec![Event::Network(state)]);
    }

    /// Stops, and lets go of every file within a second: for a host that is about to suspend the process. Until
    /// [`Offdesk::resume`], calls answer [`Error::Paused`].
    pub async fn pause(&self) {
        let engine = self.engine().clone();
        let _ = tokio::task::spawn_blocking(move || engine.release()).await;
    }

    /// Goes on after [`Offdesk::pause`].
    pub async fn resume(&self) {
        let engine = self.engine().clone();
        let _ = tokio::task::spawn_blocking(move || engine.reacquire()).await;
    }

    /// One bounded catch-up: sends what waits, fetches what is new, and ends. Works whether or not the device was
    /// started; for background fetch and push handlers. What came before the deadline is kept, and the next sync goes
    /// on from there. Dropping the future ends the catch-up as its deadline does.
    ///
    /// # Errors
    /// [`Error::Deadline`], [`Error::Offline`], [`Error::Unauthorized`], [`Error::Relay`], [`Error::Revoked`],
    /// [`Error::Paused`], [`Error::Closed`], [`Error::Storage`].
    pub async fn sync_once(&self, deadline: Duration) -> Result<SyncReport, Error> {
        let engine = self.engine().clone();
        if engine.status().revoked {
            return Err(Error::Revoked);
        }
        let (began, before) = (Instant::now(), engine.traffic.read());
        engine.traffic.expect_first_page();
        let mut waiter = Waiter::new(engine.clone());
        let answer = match waiter.begin().await {
            Ok(answer) => answer,
            Err(error) => {
                waiter.answered();
                return Err(error);
            }
        };
        let up_to_date = match tokio::time::timeout(deadline, answer).await {
            Ok(answer) => {
                waiter.answered();
                let done = engine.clone();
                let _ = in_place(move || done.let_go_if_idle(&mut done.lock())).await;
                match answer {
                    Ok(Ok(())) => true,
                    Ok(Err(end)) => return Err(engine.ended(end)),
                    // Nobody answers any more: paused, closed or wiped meanwhile.
                    Err(_) => return Err(engine.check_access().err().unwrap_or_else(|| engine.unavailable())),
                }
            }
            Err(_) => {
                waiter.give_up().await;
                return Err(Error::Deadline);
            }
        };
        let after = engine.traffic.read();
        Ok(SyncReport {
            wall: began.elapsed(),
            round_trips: after.round_trips - before.round_trips,
            bytes_up: after.bytes_up - before.bytes_up,
            bytes_down: after.bytes_down - before.bytes_down,
            documents: after.documents - before.documents,
            up_to_date,
            first_page: engine.traffic.first_page().map(|at| at.saturating_duration_since(began)),
        })
    }

    /// How sync stands, from what the relay said and what waits.
    pub fn status(&self) -> SyncStatus {
        self.engine().status()
    }

    /// The status, and every change of it.
    pub fn observe_status(&self) -> watch::Receiver<SyncStatus> {
        self.engine().observe_status()
    }

    /// What the device holds, and what went over the network since it was opened.
    ///
    /// # Errors
    /// As any read.
    pub fn stats(&self) -> Result<Stats, Error> {
        let engine = self.engine();
        let (held, pending) = engine.read(|snapshot| Ok((snapshot.stats()?, snapshot.outbox_counts()?.pending)))?;
        let traffic = engine.traffic.read();
        Ok(Stats {
            documents: held.documents,
            conversations: held.conversations,
            contacts: held.contacts,
            pending,
            database_bytes: engine.database_bytes(),
            round_trips: traffic.round_trips,
            bytes_up: traffic.bytes_up,
            bytes_down: traffic.bytes_down,
        })
    }
}

/// Somebody who waits for a bounded catch-up, and takes their wish back by going away.
struct Waiter {
    engine: Arc<Engine>,
    gone: Arc<AtomicBool>,
    runtime: Handle,
    waits: bool,
}

impl Waiter {
    fn new(engine: Arc<Engine>) -> Self {
        Self { engine, gone: Arc::default(), runtime: Handle::current(), waits: true }
    }

    async fn begin(&self) -> Result<oneshot::Receiver<Result<(), End>>, Error> {
        let (engine, gone, runtime) = (self.engine.clone(), self.gone.clone(), self.runtime.clone());
        self.runtime
            .spawn_blocking(move || engine.begin_sync(gone, runtime))
            .await
            .map_err(|_| self.engine.unavailable())?
    }

    fn answered(&mut self) {
        self.waits = false;
    }

    async fn give_up(mut self) {
        let _ = self.leave().await;
    }

    fn leave(&mut self) -> JoinHandle<()> {
        self.waits = false;
        // A beginning that is still under way sees it too, once it has the core.
        self.gone.store(true, Release);
        let engine = self.engine.clone();
        self.runtime.spawn_blocking(move || engine.abandon_sync())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.waits {
            drop(self.leave());
        }
    }
}

impl Engine {
    fn begin_sync(
        self: &Arc<Self>,
        gone: Arc<AtomicBool>,
        runtime: Handle,
    ) -> Result<oneshot::Receiver<Result<(), End>>, Error> {
        let mut core = self.lock();
        if gone.load(Acquire) {
            // Nobody hears it.
            return Err(Error::Paused);
        }
        if core.network == NetworkState::Offline {
            return Err(Error::Offline("there is no network".into()));
        }
        core.runtime.get_or_insert(runtime);
        self.catch_up(&mut core);
        let (answer, answered) = oneshot::channel();
        core.waiting.push(Waiting { answer, gone });
        self.take_hold(&mut core);
        let network = core.network;
        self.drive(&mut core, vec![Event::Network(network), Event::SyncOnce])?;
        Ok(answered)
    }

    /// The deadline has struck, or whoever waited has gone: a device that isn't live, and that nobody else waits for, stops
    /// altogether.
    fn abandon_sync(self: &Arc<Self>) {
        let mut core = self.lock();
        core.waiting.retain(|waiting| !waiting.gone.load(Acquire));
        if !core.started && core.waiting.is_empty() {
            let _ = self.drive(&mut core, vec![Event::Paused]);
        }
        self.let_go_if_idle(&mut core);
    }

    fn ended(&self, end: End) -> Error {
        if self.status().revoked { Error::Revoked } else { end.into() }
    }

    /// Stops everything and closes the files, to be opened again.
    pub(super) fn release(self: &Arc<Self>) {
        let mut core = self.lock();
        self.stop(&mut core);
        if let Some(database) = core.database.as_mut()
            && let Err(error) = database.release()
        {
            tracing::warn!(%error, "a reader held the database longer than it should");
        }
    }

    fn reacquire(self: &Arc<Self>) {
        let mut core = self.lock();
        if core.database.is_some() && !self.config.database.exists() {
            // A puller heard that this device's access was ended, and deleted its data (R10).
            self.erase(&mut core);
            return;
        }
        let Core { session, database, .. } = &mut *core;
        let Some(database) = database.as_mut() else { return };
        if let Err(error) = database.reacquire() {
            tracing::warn!(%error, "the database can't be opened again");
            return;
        }
        // Another process may have written meanwhile.
        session.forget();
        self.set_available(true);
        core.looked = None;
        if core.started {
            self.take_hold(&mut core);
        }
        self.take_staged(&mut core);
        // A failing disk shows in the status, and the driver tries again by itself.
        let _ = self.restart(&mut core);
        self.changed();
    }

    /// Tells the session what it can't know: the network, and whether a live stream is wanted.
    pub(super) fn restart(self: &Arc<Self>, core: &mut Core) -> Result<(), Error> {
        let mut events = vec![Event::Network(core.network)];
        if core.started {
            events.push(Event::Started { live: true });
        }
        self.drive(core, events)
    }

    /// Ends requests and timers; what is not acknowledged is asked again after the next start.
    pub(super) fn stop(self: &Arc<Self>, core: &mut Core) {
        // The host gives a second at most: another process is not waited for.
        if let Some(database) = &core.database {
            let _ = database.wait_atmost(PATIENCE);
        }
        let _ = self.drive(core, vec![Event::Paused]);
        self.let_go(core);
        core.drop_tasks();
        core.waiting.clear();
        self.set_available(false);
    }
}
