//! The device session: one state machine for a phone, a test and the simulator.
//!
//! The driver owns sockets, clock, randomness and disk. For every [`Event`] it opens a transaction, calls
//! [`Session::handle`], commits, and only then carries out the [`Effect`]s; if anything fails it rolls back and calls
//! [`Session::forget`], after which the session goes on from what is durable.
//!
//! Two kinds of requests go out. A **stream** (one at a time) carries a hello, whatever is to be pushed, and brings what
//! the device misses; when live it stays open. A **push** goes beside an open live stream, so that a reply need not wait
//! for a reconnect. At most one request that pushes is under way at any time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::Rng;

use crate::{
    ids::{DocumentId, IntentId},
    protocol::{Request, Response},
    sync::{
        backoff::Backoff,
        presence::Presences,
        records::Records,
        storage::{Storage, StorageError},
        workspace::Workspace,
    },
    time::Timestamp,
};

/// How a session behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// How long a message waits on the device, to be undone, before it is sent. 3 s.
    pub undo_window: Duration,
    /// How many documents are kept loaded. A typical one takes 44 kB, so these take 11 MB. 256: an outbox written in
    /// as many conversations is acknowledged without loading one of them twice.
    pub loaded_documents: usize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { undo_window: Duration::from_secs(3), loaded_documents: 256 }
    }
}

/// The device's side of sync. See the module's head for how it is driven.
pub struct Session {
    pub(super) options: SessionOptions,
    pub(super) workspace: Workspace,
    pub(super) status: Status,
    /// The status as last told.
    pub(super) shown: Status,
    /// Whether the driver runs, and whether it wants a live stream.
    pub(super) running: Option<Live>,
    pub(super) network: Network,
    pub(super) once: Option<Once>,
    pub(super) stream: Option<Flight>,
    /// A push (or a fetch) beside the stream.
    pub(super) push: Option<Flight>,
    pub(super) outgoing: Outgoing,
    pub(super) backoff: Backoff,
    /// Not to open a stream before.
    pub(super) retry_at: Option<Timestamp>,
    /// Not to push beside a stream before.
    pub(super) push_at: Option<Timestamp>,
    pub(super) last_request: u64,
    /// Documents to ask the relay for, and whether they were asked for.
    pub(super) wants: BTreeMap<DocumentId, bool>,
    /// Of these, those of which something newer came meanwhile, on another request: what was asked for is old when it comes.
    pub(super) overtaken: BTreeSet<DocumentId>,
    /// Records that the member opened.
    pub(super) records: Records,
    /// Who is where right now.
    pub(super) presence: Presences,
    /// Something unexplained was seen: compare digests.
    pub(super) suspicious: bool,
    /// Some document's lineage may have to be run again.
    pub(super) unsettled: bool,
    pub(super) unauthorized: bool,
    pub(super) stuck: bool,
    pub(super) changed: bool,
    /// Some intents may have no document (see [`super::restore`]): to be looked at when everything is here.
    pub(super) searching: bool,
    /// Documents of such intents that the relay, asked for them by name, does not show to this device.
    pub(super) absent: BTreeSet<DocumentId>,
    pub(super) pruned: Timestamp,
    /// The latest time that the device's clock has shown.
    clock: Timestamp,
    failed: bool,
    pub(super) wake: Option<Timestamp>,
    pub(super) effects: Vec<Effect>,
}

/// Whether a live stream is kept open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live(pub(super) bool);

/// A bounded catch-up under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Once {
    /// Requests in a row that brought nothing.
    pub(super) idle_rounds: u32,
}

/// When the outbox has something to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// To be looked up.
    Unknown,
    /// Something is due from then on.
    From(Timestamp),
    /// Nothing waits for a time.
    Nothing,
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) id: RequestId,
    /// Whether its response stays open.
    pub(super) live: bool,
    /// Whether the relay answered.
    pub(super) opened: bool,
    /// The push that it carries, until all its verdicts are here.
    pub(super) push: Option<u64>,
    /// Whether that push carries intents (else registers only).
    pub(super) groups: bool,
    /// The intents that it carries for the first time.
    pub(super) first_sent: Vec<IntentId>,
    /// Documents of intents that have none, which it asks for, until the relay has answered.
    pub(super) sought: BTreeSet<DocumentId>,
    /// Whether its hello carries a digest.
    pub(super) digest: bool,
    /// Whether the relay said that nothing more is waiting.
    pub(super) up_to_date: bool,
    /// Whether it brought anything.
    pub(super) fruitful: bool,
    /// When the last frame came; when it was sent, before the first.
    pub(super) last_frame: Timestamp,
    /// The same without heartbeats.
    pub(super) last_progress: Timestamp,
    /// Documents received, and in all.
    pub(super) progress: (u64, u64),
}

impl Session {
    /// A session that has not started.
    pub fn new(options: SessionOptions) -> Self {
        Self {
            options,
            workspace: Workspace::new(options.loaded_documents),
            status: Status::default(),
            shown: Status::default(),
            running: None,
            network: Network::default(),
            once: None,
            stream: None,
            push: None,
            outgoing: Outgoing::Unknown,
            backoff: Backoff::default(),
            retry_at: None,
            push_at: None,
            last_request: 0,
            wants: BTreeMap::new(),
            overtaken: BTreeSet::new(),
            records: Records::default(),
            presence: Presences::default(),
            suspicious: false,
            unsettled: true,
            unauthorized: false,
            stuck: false,
            changed: false,
            searching: true,
            absent: BTreeSet::new(),
            pruned: Timestamp::default(),
            clock: Timestamp::default(),
            failed: false,
            wake: None,
            effects: Vec::new(),
        }
    }

    /// Takes one event, inside a transaction that the driver commits before it carries out the effects.
    ///
    /// # Errors
    /// [`SessionError`]: the driver rolls back, calls [`Session::forget`] and hands in [`Event::Woken`].
    pub fn handle(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        event: Event,
    ) -> Result<Vec<Effect>, SessionError> {
        self.handle_all(now, rng, disk, vec![event])
    }

    /// Takes several events in one transaction, in order: cheaper than one by one, since each document that they touch
    /// is projected once. The driver hands in what has come meanwhile.
    ///
    /// # Errors
    /// As [`Session::handle`].
    pub fn handle_all(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        events: Vec<Event>,
    ) -> Result<Vec<Effect>, SessionError> {
        let result = self.handle_each(now, rng, disk, events);
        if result.is_err() {
            // The driver rolls back; whether or not it says so.
            self.forget();
        }
        result
    }

    fn handle_each(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        events: Vec<Event>,
    ) -> Result<Vec<Effect>, SessionError> {
        if now < self.clock {
            self.clock_set_back(now);
        }
        self.clock = now;
        if std::mem::take(&mut self.failed) {
            self.recover(now, rng);
        }
        for event in events {
            self.take(now, rng, disk, event)?;
            // Every event may open or end a request, which the next one builds on.
            self.advance(now, rng, disk)?;
        }
        self.project_touched(disk)?;
        if std::mem::take(&mut self.changed) {
            self.effects.push(Effect::Changed);
        }
        self.wish_wake(now);
        self.show();
        Ok(std::mem::take(&mut self.effects))
    }

    fn take(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        event: Event,
    ) -> Result<(), SessionError> {
        match event {
            // The app died after it had noted that its access was ended, before its data was gone (R10).
            Event::Started { .. } if disk.state()?.is_some_and(|state| state.revoked) => {
                self.effects.push(Effect::Wipe)
            }
            Event::Started { live } => {
                self.running = Some(Live(live));
                self.retry_now();
                (self.unsettled, self.outgoing) = (true, Outgoing::Unknown);
            }
            Event::Paused => {
                self.running = None;
                self.cancel_all();
                self.end_once(Err(End::Broken("the device was paused".into())));
            }
            Event::Network(network) => self.network_changed(network),
            Event::SyncOnce => {
                self.once = Some(Once::default());
                self.retry_now();
                (self.unsettled, self.outgoing) = (true, Outgoing::Unknown);
            }
            Event::Woken => self.wake = None,
            Event::Written => self.outgoing = Outgoing::Unknown,
            Event::Staged => self.take_staged(now, disk)?,
            Event::Opened { request } => {
                self.unauthorized = false;
                if let Some(flight) = self.flight(request) {
                    (flight.opened, flight.last_frame, flight.last_progress) = (true, now, now);
                }
            }
            Event::Frame { request, frame } => self.frame(now, rng, disk, request, frame)?,
            Event::Closed { request, end } => self.closed(now, rng, disk, request, end)?,
        }
        Ok(())
    }

    /// Forgets what is not durable, after a rollback: loaded documents and the requests under way, which the next event
    /// cancels.
    pub fn forget(&mut self) {
        self.workspace.clear();
        self.effects.clear();
        self.failed = true;
    }

    /// After a rollback: what the requests under way brought may be lost, so they end and are made again.
    fn recover(&mut self, now: Timestamp, rng: &mut dyn Rng) {
        self.cancel_all();
        self.end_once(Err(End::Broken("this device's disk failed".into())));
        let at = now.after(self.backoff.next(rng));
        (self.retry_at, self.push_at) = (Some(at), Some(at));
        (self.unsettled, self.outgoing, self.wake) = (true, Outgoing::Unknown, None);
        self.searching = true;
    }

    /// What the session is doing.
    pub fn status(&self) -> &Status {
        &self.status
    }

    pub(super) fn flight(&mut self, request: RequestId) -> Option<&mut Flight> {
        [&mut self.stream, &mut self.push].into_iter().flatten().find(|flight| flight.id == request)
    }
}

/// Numbers the requests of one session object, so that a late event of an old one is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What the network is, as the app's host says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// There is one.
    #[default]
    Online,
    /// There is one that costs: no live stream, pushes and [`Event::SyncOnce`] only.
    Metered,
    /// There is none: nothing is tried.
    Offline,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The driver runs (again): connect if the network allows and live sync is wanted.
    Started {
        /// Whether a live stream is kept open.
        live: bool,
    },
    /// Stop: close what is open, start nothing.
    Paused,
    /// The network changed.
    Network(Network),
    /// One bounded catch-up: push what waits, pull until up to date, then stop. Answered by [`Effect::Synced`].
    SyncOnce,
    /// The time asked for by [`Effect::WakeAt`] has come.
    Woken,
    /// Something was written locally (the outbox or a register has something to push).
    Written,
    /// Another process may have staged a page (ADR 0022): the first one is applied.
    Staged,
    /// The relay answered a request with success; frames follow.
    Opened {
        /// Which request.
        request: RequestId,
    },
    /// A frame of a response.
    Frame {
        /// Which request.
        request: RequestId,
        /// The frame.
        frame: Response,
    },
    /// A request is over.
    Closed {
        /// Which request.
        request: RequestId,
        /// How it ended.
        end: End,
    },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The response ended after a whole frame.
    Finished,
    /// It broke: no connection, cut off, unreadable. Why, for people.
    Broken(String),
    /// 401: the credential is not known (any more), or the device was revoked.
    Unauthorized,
    /// Any other status. The time to wait if the relay named one.
    Refused {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
}

/// What the driver is to do, after the commit.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Send a request.
    Send {
        /// Its number.
        request: RequestId,
        /// Its frames, the hello first.
        frames: Vec<Request>,
        /// Whether it is the stream (else a push beside it).
        stream: bool,
    },
    /// Drop a request and its response.
    Cancel {
        /// Which.
        request: RequestId,
    },
    /// Send [`Event::Woken`] at this time (instead of an earlier wish).
    WakeAt(Timestamp),
    /// Something that lists and views show has changed.
    Changed,
    /// Who is where has changed (R27); read it from [`Session::colleagues`].
    Presence,
    /// The status changed; read it from [`Session::status`].
    Status,
    /// A bounded catch-up ended.
    Synced {
        /// Whether everything was pushed and pulled; else the error that ended it.
        result: Result<(), End>,
    },
    /// The relay ended this device's access: wipe the database (R10).
    Wipe,
}

/// What the session is doing, for people (never derived from a socket being open).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Nothing is tried: no network, paused or not started.
    #[default]
    Offline,
    /// A request is on its way, or the next try is waited for.
    Connecting,
    /// Pages are coming in.
    CatchingUp {
        /// Documents received.
        done: u64,
        /// Documents in all; 0 while unknown.
        total: u64,
    },
    /// Everything is here, and the relay said so.
    Live,
    /// Connected, but something waits and no verdict or page has come for [`crate::sync::session::WATCHDOG`].
    NotProgressing,
    /// The credential is refused: enrol anew.
    Unauthorized,
}

/// After how long without progress a connection is called stuck, and opened anew.
pub const WATCHDOG: Duration = Duration::from_secs(45);

/// What the session shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub connection: Connection,
    /// What the last failure was.
    pub last_error: Option<String>,
}

/// The session can't go on with this event; the driver rolls back.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A document can't be read or authored.
    #[error(transparent)]
    Document(#[from] crate::model::DocumentError),
    /// This device is not enrolled.
    #[error("this device is not enrolled")]
    NotEnrolled,
    /// The relay broke the protocol.
    #[error("the relay broke the protocol: {0}")]
    Protocol(&'static str),
}
