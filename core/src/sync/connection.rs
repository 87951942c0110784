//! Requests: when they are opened, when they are given up, when to try again, and what people are shown of it.
//!
//! After each event [`Session::advance`] looks at what is wanted and what is under way:
//!
//! 1. intents without a document find theirs (see [`super::restore`]), and lineages that are to be run again are (see
//!    [`super::rebase`]);
//! 2. requests from which nothing came for too long are given up;
//! 3. a stream is opened if one is wanted and the time to try has come; whatever is due is pushed with it;
//! 4. otherwise what is due is pushed beside the stream, if no other push is under way.

use rand::Rng;

use crate::{
    sync::{
        backoff::{LONGEST, UNAUTHORIZED},
        session::{
            Connection, Effect, End, Flight, Live, Network, Once, Outgoing, RequestId, Session, SessionError, Status,
            WATCHDOG,
        },
        storage::Storage,
    },
    time::Timestamp,
};

/// After how many requests in a row that brought nothing a bounded catch-up gives up.
const IDLE_ROUNDS: u32 = 3;

impl Flight {
    /// When it is given up, unless something comes before: while it owes something, heartbeats don't count.
    fn deadline(&self) -> Timestamp {
        let owes = self.push.is_some() || !(self.up_to_date && self.live);
        let since = if owes { self.last_progress } else { self.last_frame };
        since.after(WATCHDOG)
    }
}

impl Session {
    pub(super) fn network_changed(&mut self, network: Network) {
        let before = std::mem::replace(&mut self.network, network);
        match network {
            Network::Offline => {
                self.cancel_all();
                self.end_once(Err(End::Broken("there is no network".into())));
            }
            Network::Metered => {
                if self.once.is_none() && self.stream.as_ref().is_some_and(|stream| stream.live) {
                    self.cancel_stream();
                }
            }
            Network::Online if before != Network::Online || self.stream.is_none() => self.retry_now(),
            Network::Online => {}
        }
        self.outgoing = Outgoing::Unknown;
    }

    /// Tries at once: there is a reason to hope.
    pub(super) fn retry_now(&mut self) {
        self.backoff.reset();
        (self.retry_at, self.push_at) = (None, None);
    }

    pub(super) fn cancel_stream(&mut self) {
        if let Some(flight) = self.stream.take() {
            self.searching |= !flight.sought.is_empty();
            self.records.ended(flight.id, true);
            self.stream_ended();
            self.effects.push(Effect::Cancel { request: flight.id });
            self.outgoing = Outgoing::Unknown;
            self.ask_again();
        }
    }

    /// Who is where is known while the stream is open.
    fn stream_ended(&mut self) {
        if self.presence.disconnected() {
            self.effects.push(Effect::Presence);
        }
    }

    fn cancel_push(&mut self) {
        if let Some(flight) = self.push.take() {
            self.searching |= !flight.sought.is_empty();
            self.records.ended(flight.id, true);
            self.effects.push(Effect::Cancel { request: flight.id });
            self.outgoing = Outgoing::Unknown;
            self.ask_again();
        }
    }

    /// Whether there is something to ask for.
    pub(super) fn asks(&self) -> bool {
        self.records.are_wanted() || self.wants.values().any(|asked| !*asked)
    }

    /// What was asked for may not have come.
    fn ask_again(&mut self) {
        self.wants.values_mut().for_each(|asked| *asked = false);
    }

    pub(super) fn cancel_all(&mut self) {
        self.cancel_stream();
        self.cancel_push();
    }

    pub(super) fn end_once(&mut self, result: Result<(), End>) {
        if self.once.take().is_some() {
            self.effects.push(Effect::Synced { result });
        }
    }

    /// Whether a stream is wanted, and whether it is to stay open.
    pub(super) fn wants_stream(&self) -> Option<Live> {
        match (self.running, self.network) {
            (_, Network::Offline) => None,
            (Some(Live(true)), Network::Online) => Some(Live(true)),
            _ if self.once.is_some() => Some(Live(false)),
            _ => None,
        }
    }

    pub(super) fn pushing(&self) -> bool {
        [&self.stream, &self.push].into_iter().flatten().any(|flight| flight.push.is_some())
    }

    /// Whether a push beside a stream (or without any) could go now, but for its time.
    fn may_push(&self) -> bool {
        let beside = match (self.wants_stream(), &self.stream) {
            (Some(_), Some(stream)) => stream.live && stream.opened,
            (Some(_), None) => false,
            (None, _) => self.running.is_some() && self.network != Network::Offline,
        };
        beside && self.push.is_none() && !self.pushing()
    }

    /// When this member's presence is to be told next, if it may be: only beside a live stream that has everything, and not
    /// by the hundreds while it is being opened.
    pub(super) fn speaks_at(&self, now: Timestamp) -> Option<Timestamp> {
        let live = self.stream.as_ref().is_some_and(|stream| stream.live && stream.up_to_date);
        if live && self.may_push() { self.presence.due_at(now) } else { None }
    }

    /// Does what is to be done now.
    pub(super) fn advance(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
    ) -> Result<(), SessionError> {
        if self.searching {
            self.find_documents(now, rng, disk)?;
        }
        if self.unsettled {
            self.settle(now, rng, disk)?;
        }
        self.watch(now, rng);
        self.expire_presence(now);
        self.finish_live_once(now, disk)?;
        let due = |at: Option<Timestamp>| at.is_none_or(|at| at <= now);
        if let Some(live) = self.wants_stream()
            && self.stream.is_none()
        {
            // A push beside an earlier stream has to end first: only one request pushes at a time.
            if due(self.retry_at) && self.push.is_none() {
                self.open_stream(now, rng, disk, live)?;
            }
        } else if self.may_push() && due(self.push_at) {
            self.push_beside(now, rng, disk)?;
        }
        Ok(())
    }

    /// Gives up requests from which nothing has come for too long.
    fn watch(&mut self, now: Timestamp, rng: &mut dyn Rng) {
        let late = |flight: &Option<Flight>| flight.as_ref().is_some_and(|flight| flight.deadline() <= now);
        let (stream, push) = (late(&self.stream), late(&self.push));
        if !stream && !push {
            return;
        }
        let at = now.after(self.backoff.next(rng));
        self.stuck = true;
        self.status.last_error = Some("connected, but nothing came through: connecting anew".into());
        // A push that got no answer says that the connection beside it is as dead.
        self.cancel_all();
        (self.retry_at, self.push_at) = (Some(at), Some(at));
        self.end_once(Err(End::Broken("nothing came from the relay for too long".into())));
    }

    /// A bounded catch-up beside a live stream ends when that is up to date and everything due has its verdict.
    fn finish_live_once(&mut self, now: Timestamp, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let current = self.stream.as_ref().is_some_and(|stream| stream.live && stream.up_to_date);
        if self.once.is_some() && current && !self.pushing() && !self.anything_due(now, disk)? {
            self.end_once(Ok(()));
        }
        Ok(())
    }

    pub(super) fn closed(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        request: RequestId,
        end: End,
    ) -> Result<(), SessionError> {
        if self.push.as_ref().is_some_and(|flight| flight.id == request) {
            if let Some(flight) = self.push.take() {
                let complete = end == End::Finished && flight.push.is_none();
                self.push_at = if complete { None } else { Some(self.next_try(now, rng, &end)) };
                self.asked(&flight, &end);
            }
        } else if self.stream.as_ref().is_some_and(|flight| flight.id == request) {
            let Some(flight) = self.stream.take() else { return Ok(()) };
            self.stream_ended();
            self.asked(&flight, &end);
            match self.once {
                Some(once) if !flight.live => self.round_ended(now, rng, disk, once, &flight, end)?,
                _ => {
                    self.retry_at = Some(self.next_try(now, rng, &end));
                    if end != End::Finished {
                        self.end_once(Err(end));
                    }
                }
            }
        } else {
            return Ok(());
        }
        (self.unsettled, self.outgoing) = (true, Outgoing::Unknown);
        Ok(())
    }

    /// A request is over: if it ended in order, whatever was to be had came.
    fn asked(&mut self, flight: &Flight, end: &End) {
        self.searching |= !flight.sought.is_empty();
        self.records.ended(flight.id, *end != End::Finished);
        if *end == End::Finished {
            self.absent.extend(&flight.sought);
            self.wants.retain(|_, asked| !*asked);
            self.overtaken.retain(|id| self.wants.contains_key(id));
        } else {
            self.ask_again();
        }
    }

    /// One request of a bounded catch-up is over: done, once more, or failed.
    fn round_ended(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        once: Once,
        flight: &Flight,
        end: End,
    ) -> Result<(), SessionError> {
        if end != End::Finished {
            self.retry_at = Some(self.next_try(now, rng, &end));
            self.end_once(Err(end));
            return Ok(());
        }
        self.outgoing = Outgoing::Unknown;
        self.settle(now, rng, disk)?;
        if flight.up_to_date && flight.push.is_none() && !self.asks() && !self.anything_due(now, disk)? {
            self.end_once(Ok(()));
            return Ok(());
        }
        let idle_rounds = if flight.fruitful { 0 } else { once.idle_rounds + 1 };
        if idle_rounds >= IDLE_ROUNDS {
            self.end_once(Err(End::Broken("the relay ends the exchange without finishing it".into())));
        } else {
            self.once = Some(Once { idle_rounds });
            self.retry_at = None;
        }
        Ok(())
    }

    fn next_try(&mut self, now: Timestamp, rng: &mut dyn Rng, end: &End) -> Timestamp {
        let wait = self.backoff.next(rng);
        match end {
            End::Finished => now.after(wait),
            End::Broken(why) => {
                self.status.last_error = Some(why.clone());
                now.after(wait)
            }
            End::Unauthorized => {
                self.unauthorized = true;
                self.status.last_error = Some("the relay does not accept this device's credential".into());
                let at = now.after(UNAUTHORIZED);
                (self.retry_at, self.push_at) = (Some(at), Some(at));
                at
            }
            End::Refused { status, retry_after } => {
                self.status.last_error = Some(format!("the relay answered with status {status}"));
                now.after(retry_after.unwrap_or(wait).max(wait))
            }
        }
    }

    /// Asks to be woken when next something is to be done without an event.
    pub(super) fn wish_wake(&mut self, now: Timestamp) {
        let mut times: Vec<Timestamp> =
            [&self.stream, &self.push].into_iter().flatten().map(Flight::deadline).collect();
        // While a push of an earlier stream is under way no new stream is opened: its end is waited for, not a time that has
        // come already.
        if self.wants_stream().is_some() && self.stream.is_none() && self.push.is_none() {
            times.extend(self.retry_at);
        }
        if self.may_push()
            && let Outgoing::From(at) = self.outgoing
        {
            times.push(self.push_at.map_or(at, |push_at| push_at.max(at)));
        }
        if self.may_push() && self.asks() {
            times.extend(self.push_at);
        }
        if let Some(at) = self.speaks_at(now) {
            times.push(self.push_at.map_or(at, |push_at| push_at.max(at)));
        }
        times.extend(self.presence.ends_at());
        let wish = times.into_iter().min();
        if let Some(at) = wish
            && self.wake != Some(at)
        {
            self.effects.push(Effect::WakeAt(at));
        }
        self.wake = wish;
    }

    /// The device's clock was set back: what is waited for until a time of the old one would be waited for too long.
    pub(super) fn clock_set_back(&mut self, now: Timestamp) {
        for at in [&mut self.retry_at, &mut self.push_at].into_iter().flatten() {
            *at = (*at).min(now.after(LONGEST));
        }
        for flight in [&mut self.stream, &mut self.push].into_iter().flatten() {
            flight.last_frame = flight.last_frame.min(now);
            flight.last_progress = flight.last_progress.min(now);
        }
        self.pruned = self.pruned.min(now);
        (self.outgoing, self.wake) = (Outgoing::Unknown, None);
    }

    /// Derives what people are shown.
    pub(super) fn show(&mut self) {
        let connection = match (&self.stream, self.wants_stream()) {
            _ if self.unauthorized => Connection::Unauthorized,
            _ if self.stuck => Connection::NotProgressing,
            (Some(stream), _) if stream.up_to_date => Connection::Live,
            (Some(stream), _) if stream.opened => {
                Connection::CatchingUp { done: stream.progress.0, total: stream.progress.1 }
            }
            (Some(_), _) | (None, Some(_)) => Connection::Connecting,
            (None, None) if self.push.is_some() => Connection::Connecting,
            (None, None) => Connection::Offline,
        };
        let shown = Status { connection, last_error: self.status.last_error.clone() };
        if self.shown != shown {
            self.effects.push(Effect::Status);
        }
        self.status = shown.clone();
        self.shown = shown;
    }
}
