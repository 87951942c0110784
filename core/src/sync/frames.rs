//! Frames of a response, in the order of the protocol: welcome, verdicts, pages each closed by a cursor, goodbye.

use std::time::Duration;

use rand::Rng;

use crate::{
    ids::DocumentId,
    protocol::{Cursor, Goodbye, OLDEST_VERSION, Response, Seq, Verdict, Welcome},
    sync::{
        session::{Effect, End, Outgoing, RequestId, Session, SessionError},
        storage::Storage,
    },
    time::Timestamp,
};

/// How long accepted intents are kept, to offer them again should the relay be restored from a backup.
pub(super) const ACCEPTED_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often old accepted intents are forgotten, and the contact with the relay is noted while nothing else happens.
const HOUSEKEEPING: Duration = Duration::from_secs(60 * 60);
/// How long to wait if the relay speaks no version that this build understands: only an update helps.
const UNSUPPORTED_WAIT: Duration = Duration::from_secs(60);

impl Session {
    pub(super) fn frame(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        request: RequestId,
        mut frame: Response,
    ) -> Result<(), SessionError> {
        if self.stream.as_ref().is_some_and(|stream| stream.id == request) {
            self.records.overtake(&frame);
            self.left(&frame);
        } else {
            match &mut frame {
                Response::Snapshot { document, .. } if self.passed_over(request, *document) => return Ok(()),
                Response::Evict { documents } => documents.retain(|document| !self.passed_over(request, *document)),
                _ => {}
            }
        }
        // A frame of a request that was given up is no news: what it says comes again.
        let Some(flight) = self.flight(request) else { return Ok(()) };
        (flight.opened, flight.last_frame) = (true, now);
        if !matches!(frame, Response::Heartbeat) {
            flight.last_progress = now;
        }
        match frame {
            Response::Welcome(welcome) => self.welcome(now, rng, disk, request, &welcome),
            Response::Verdict { intents, verdict } => {
                flight.fruitful |= !matches!(verdict, Verdict::RetryAfter(_));
                self.came_through();
                self.verdict(now, disk, &intents, verdict)
            }
            Response::PushDone { number } => self.push_done(now, rng, disk, request, number),
            Response::Progress { done, total } => {
                flight.progress = (done, total);
                Ok(())
            }
            Response::Cursor { cursor, up_to_date } => self.cursor(now, disk, request, cursor, up_to_date),
            Response::Heartbeat => self.heard(now, disk),
            Response::Goodbye { reason } => self.goodbye(now, rng, disk, reason),
            Response::RegistersStored { .. } => {
                flight.fruitful = true;
                let last = !flight.groups && flight.push.is_some();
                self.page(now, disk, frame)?;
                if last { self.push_over(disk, request) } else { Ok(()) }
            }
            Response::Snapshot { .. } | Response::Delta { .. } => {
                flight.fruitful = true;
                flight.progress.0 += 1;
                if let Response::Snapshot { document, .. } = &frame {
                    // What is looked for besides may have waited for this answer.
                    self.searching |= flight.sought.remove(document);
                }
                self.page(now, disk, frame)
            }
            Response::Evict { ref documents } => {
                let absent: Vec<DocumentId> = documents.iter().copied().filter(|id| flight.sought.remove(id)).collect();
                self.searching |= !absent.is_empty();
                self.absent.extend(absent);
                self.page(now, disk, frame)
            }
            Response::Retain { .. } | Response::Bucket { .. } | Response::Registers { .. } => {
                self.page(now, disk, frame)
            }
            Response::Record { contact, more } => {
                self.changed |= self.records.answered(request, contact, more);
                Ok(())
            }
            Response::Presence { document, members } => {
                self.heard_of(now, document, members);
                Ok(())
            }
            Response::Unknown => Ok(()),
        }
    }

    /// Whether the answer about a document that was asked for beside the stream is to be passed over as old. What was looked
    /// for is then looked for anew.
    fn passed_over(&mut self, request: RequestId, document: DocumentId) -> bool {
        let old = self.is_old(document) && !self.records.brings(request, document);
        if old {
            self.searching |= self.flight(request).is_some_and(|flight| flight.sought.remove(&document));
        }
        old
    }

    /// Whether what was asked of a document beside the stream is old when it comes, because the stream brought or took it
    /// meanwhile: the document, or that there is none. If something newer of it came that could not be applied, it is asked
    /// for again. Nor is it the answer to a wish that was not sent yet.
    fn is_old(&mut self, document: DocumentId) -> bool {
        match self.wants.get_mut(&document) {
            None => true,
            Some(asked) if self.overtaken.remove(&document) => {
                *asked = false;
                true
            }
            Some(asked) => !*asked,
        }
    }

    /// Something was answered: the connection is a good one.
    fn came_through(&mut self) {
        self.backoff.reset();
        self.stuck = false;
        self.status.last_error = None;
    }

    fn welcome(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        request: RequestId,
        welcome: &Welcome,
    ) -> Result<(), SessionError> {
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if welcome.version < OLDEST_VERSION {
            return self.goodbye(now, rng, disk, Goodbye::UnsupportedVersion { newest: welcome.version });
        }
        state.last_contact = now;
        if state.cursor.epoch != 0 && welcome.epoch != state.cursor.epoch {
            disk.set_state(&state)?;
            let first_sent = self.flight(request).map(|flight| flight.first_sent.clone()).unwrap_or_default();
            return self.start_over(now, disk, welcome.epoch, &first_sent);
        }
        if welcome.clone && !state.clone {
            state.clone = true;
            self.status.last_error =
                Some("this device's data is a copy of another device's: enrol it anew to send from here".into());
            self.outgoing = Outgoing::Unknown;
        }
        disk.set_state(&state)?;
        if state.clone {
            // Nothing else comes of this: not an error to try again soon.
            self.end_once(Err(End::Broken("this device's data is a copy of another device's".into())));
        }
        if welcome.up_to_date {
            if self.flight(request).is_some_and(|flight| flight.digest) {
                // Only now is the digest looked at: a device that lags behind differs anyway.
                state.last_digest = now;
                disk.set_state(&state)?;
                self.suspicious = false;
            }
            self.up_to_date(now, disk, request)?;
        }
        Ok(())
    }

    /// Notes, now and then, that the relay is there: the lease of R9 counts from the last contact.
    fn heard(&mut self, now: Timestamp, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if now.since(state.last_contact) >= HOUSEKEEPING {
            state.last_contact = now;
            disk.set_state(&state)?;
        }
        Ok(())
    }

    fn cursor(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        request: RequestId,
        cursor: Cursor,
        up_to_date: bool,
    ) -> Result<(), SessionError> {
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if let Some(flight) = self.flight(request) {
            flight.fruitful |= cursor != state.cursor;
            flight.up_to_date = up_to_date;
        }
        state.cursor = cursor;
        state.last_contact = now;
        disk.set_state(&state)?;
        self.came_through();
        if up_to_date { self.up_to_date(now, disk, request) } else { Ok(()) }
    }

    /// Everything is here.
    fn up_to_date(&mut self, now: Timestamp, disk: &mut dyn Storage, request: RequestId) -> Result<(), SessionError> {
        self.came_through();
        if let Some(flight) = self.flight(request) {
            flight.up_to_date = true;
        }
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.last_digest == Timestamp::default() {
            // What was just received whole needs no check.
            state.last_digest = now;
            disk.set_state(&state)?;
        }
        if now.since(self.pruned) >= HOUSEKEEPING {
            self.pruned = now;
            disk.forget_accepted_before(now.before(ACCEPTED_KEPT))?;
        }
        Ok(())
    }

    fn push_done(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        request: RequestId,
        number: Seq,
    ) -> Result<(), SessionError> {
        self.came_through();
        if self.flight(request).is_none_or(|flight| flight.push != Some(number)) {
            return Ok(());
        }
        // An intent without a verdict is offered again, but not in a tight loop.
        let left = disk
            .open_intents()?
            .into_iter()
            .any(|intent| matches!(intent.state, super::storage::IntentState::InFlight { push } if push == number));
        if left {
            self.push_at = Some(now.after(self.backoff.next(rng).max(Duration::from_secs(1))));
        }
        self.push_over(disk, request)
    }

    /// The relay has worked on the whole push: it knows the incarnation that came with it, whatever else it said.
    fn push_over(&mut self, disk: &mut dyn Storage, request: RequestId) -> Result<(), SessionError> {
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.incarnation.previous != state.incarnation.next {
            state.incarnation.previous = state.incarnation.next;
            disk.set_state(&state)?;
        }
        if let Some(flight) = self.flight(request) {
            flight.push = None;
            flight.fruitful = true;
        }
        (self.unsettled, self.outgoing) = (true, Outgoing::Unknown);
        Ok(())
    }

    fn goodbye(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        reason: Goodbye,
    ) -> Result<(), SessionError> {
        let why = match reason {
            Goodbye::Revoked => return self.revoked(disk),
            Goodbye::ShuttingDown => "the relay is shutting down".into(),
            Goodbye::TooSlow => "the relay found this device too slow".into(),
            Goodbye::Malformed(what) => format!("the relay could not read what was sent: {what}"),
            Goodbye::Internal => "the relay can't go on for now".into(),
            Goodbye::UnsupportedVersion { newest } => {
                self.retry_at = Some(now.after(UNSUPPORTED_WAIT));
                format!("the relay speaks protocol version {newest}, which this app does not: update it")
            }
        };
        self.cancel_all();
        let wait = now.after(self.backoff.next(rng));
        self.retry_at = Some(self.retry_at.map_or(wait, |at| at.max(wait)));
        self.push_at = self.retry_at;
        self.end_once(Err(End::Broken(why.clone())));
        self.status.last_error = Some(why);
        Ok(())
    }

    /// R10: the relay ended this device's access.
    fn revoked(&mut self, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        state.revoked = true;
        disk.set_state(&state)?;
        self.cancel_all();
        self.running = None;
        self.status.last_error = Some("this device's access was ended".into());
        self.end_once(Err(End::Unauthorized));
        self.effects.push(Effect::Wipe);
        Ok(())
    }
}
