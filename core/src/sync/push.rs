//! Requests as they go out: hello, the intents that are due, registers, documents asked for.
//!
//! A group goes when all of its intents are due and none of its documents is held up by an earlier intent: order is
//! strict within a document, and no document waits for another. What was in flight when a request broke goes first and
//! as it was, byte for byte, under a higher number: whatever the relay did with it, the answer is then the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::Rng;
use serde_bytes::ByteBuf;

use crate::{
    ids::{DocumentId, IntentId},
    policy::held::Seen,
    protocol::{Hello, Incarnation, PushedIntent, RegisterWrite, Request, VERSION, digest},
    sync::{
        registers::DRAFT_PAUSE,
        session::{Effect, Flight, Live, Outgoing, RequestId, Session, SessionError},
        storage::{IntentRecord, IntentState, Storage, SyncState},
    },
    time::Timestamp,
};

/// At most so many intents in one push, so that its verdicts come soon.
const MAX_INTENTS: usize = 1024;
/// At most so many bytes of changes in one push, unless a single group is larger.
const MAX_BYTES: usize = 512 * 1024;
/// At most so many documents are asked for in one request.
const MAX_FETCH: usize = 256;
/// How often digests are compared without a reason.
const DIGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// What one push carries.
#[derive(Default)]
pub(super) struct Batch {
    groups: Vec<Vec<IntentRecord>>,
    registers: Vec<RegisterWrite>,
    /// When the next thing is due that is not yet.
    next: Option<Timestamp>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.registers.is_empty()
    }

    fn wait_until(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

impl Session {
    /// Whether something could be pushed now.
    pub(super) fn anything_due(&mut self, now: Timestamp, disk: &dyn Storage) -> Result<bool, SessionError> {
        if self.outgoing == Outgoing::Unknown {
            let state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
            self.batch(now, disk, &state)?;
        }
        Ok(matches!(self.outgoing, Outgoing::From(at) if at <= now))
    }

    /// Selects what is due.
    fn batch(&mut self, now: Timestamp, disk: &dyn Storage, state: &SyncState) -> Result<Batch, SessionError> {
        let mut batch = Batch::default();
        if !state.clone && !state.revoked {
            select_groups(now, disk, &mut batch)?;
            for (key, register) in disk.dirty_registers()? {
                // Nothing rests longer than a draft, unless the clock was set back meanwhile.
                if register.send_after <= now || register.send_after > now.after(DRAFT_PAUSE) {
                    batch.registers.push(RegisterWrite { key, value: register.content, version: register.version });
                } else {
                    batch.wait_until(register.send_after);
                }
            }
        }
        self.outgoing = match batch.next {
            _ if !batch.is_empty() => Outgoing::From(now),
            Some(at) => Outgoing::From(at),
            None => Outgoing::Nothing,
        };
        Ok(batch)
    }

    pub(super) fn open_stream(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        Live(live): Live,
    ) -> Result<(), SessionError> {
        let state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.revoked {
            self.running = None;
            return Ok(());
        }
        let batch = self.batch(now, disk, &state)?;
        for intent in disk.open_intents()? {
            if let IntentState::WaitsFor { document } = intent.state {
                self.wants.entry(document).or_insert(false);
            }
        }
        let settled = state.cursor.seq > 0 && state.cursor.backfill.is_none();
        let digest = if settled && (self.suspicious || now.since(state.last_digest) >= DIGEST_INTERVAL) {
            Some(dashboard_digest(disk)?)
        } else {
            None
        };
        let flight = self.send(now, rng, disk, state, batch, Hello { pull: true, live, digest, ..blank() })?;
        self.stream = Some(flight);
        Ok(())
    }

    /// Sends what is due, and asks for what is wanted, in a request of its own.
    pub(super) fn push_beside(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
    ) -> Result<(), SessionError> {
        let speaks = self.speaks_at(now).is_some_and(|at| at <= now);
        if !self.anything_due(now, disk)? && !self.asks() && !speaks {
            return Ok(());
        }
        let state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.revoked {
            return Ok(());
        }
        let batch = self.batch(now, disk, &state)?;
        let flight = self.send(now, rng, disk, state, batch, blank())?;
        self.push = Some(flight);
        Ok(())
    }

    /// Makes durable that these are in flight, then sends them.
    fn send(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        mut state: SyncState,
        batch: Batch,
        hello: Hello,
    ) -> Result<Flight, SessionError> {
        let (documents, questions) = self.ask(disk, &state)?;
        let pushes = !batch.is_empty() || !questions.is_empty();
        if pushes {
            state.push_number += 1;
            // A rotation whose answer was lost is offered again as it was: the relay may have taken it or not.
            if state.incarnation.previous == state.incarnation.next {
                // 0 stands for no incarnation at the relay.
                state.incarnation.next = rng.next_u64().max(1);
            }
        }
        let speaks = self.speaks_at(now).is_some();
        let (live, digest) = (hello.live, hello.digest.is_some());
        let stream = hello.pull;
        let mut frames = vec![Request::Hello(Hello { incarnation: state.incarnation, cursor: state.cursor, ..hello })];
        let groups = !batch.groups.is_empty() || !questions.is_empty();
        if pushes {
            frames.push(Request::Push { number: state.push_number });
        }
        let mut first_sent = Vec::new();
        for group in batch.groups {
            let mut intents = Vec::with_capacity(group.len());
            for mut intent in group {
                if intent.state == IntentState::Pending {
                    first_sent.push(intent.id);
                }
                intent.state = IntentState::InFlight { push: state.push_number };
                disk.update_intent(&intent)?;
                intents.push(pushed(now, intent));
            }
            frames.push(Request::Group { intents });
        }
        if !batch.registers.is_empty() {
            frames.push(Request::Registers { writes: batch.registers });
        }
        let sought = questions.iter().map(|intent| intent.document).collect();
        frames.extend(questions.into_iter().map(|intent| Request::Group { intents: vec![pushed(now, intent)] }));
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let records = self.records.ask(id);
        if !documents.is_empty() || !records.is_empty() {
            frames.push(Request::Fetch { documents, records });
        }
        if speaks && let Some(states) = self.presence.say(now) {
            frames.push(Request::Presence { states });
        }
        if pushes {
            disk.set_state(&state)?;
        }
        // Looked up again when this push is done.
        self.outgoing = if pushes { Outgoing::Unknown } else { self.outgoing };
        self.effects.push(Effect::Send { request: id, frames, stream });
        Ok(Flight {
            id,
            live,
            opened: false,
            push: pushes.then_some(state.push_number),
            groups,
            first_sent,
            sought,
            digest,
            up_to_date: false,
            fruitful: false,
            last_frame: now,
            last_progress: now,
            progress: (0, 0),
        })
    }
}

/// The documents that are asked for, and the intents that wait for one of them without a change: what became of those is
/// asked, too, since the relay may have accepted them in documents that it doesn't show to this device.
type Asked = (Vec<DocumentId>, Vec<IntentRecord>);

impl Session {
    fn ask(&mut self, disk: &dyn Storage, state: &SyncState) -> Result<Asked, SessionError> {
        let (mut documents, mut questions) = (Vec::new(), Vec::new());
        for (id, asked) in self.wants.iter_mut().filter(|(_, asked)| !**asked).take(MAX_FETCH) {
            if questions.len() >= MAX_INTENTS {
                break;
            }
            *asked = true;
            documents.push(*id);
            if !state.clone && disk.document_kind(*id)?.is_none() {
                questions.extend(disk.open_intents_of(*id)?.into_iter().filter(IntentRecord::is_to_be_authored));
            }
        }
        Ok((documents, questions))
    }
}

/// A hello that neither pulls nor stays; incarnation and cursor are filled in when it is sent.
fn blank() -> Hello {
    Hello {
        version: VERSION,
        incarnation: Incarnation { previous: 0, next: 0 },
        cursor: crate::protocol::Cursor::default(),
        pull: false,
        live: false,
        digest: None,
    }
}

fn pushed(now: Timestamp, intent: IntentRecord) -> PushedIntent {
    let age = now.since(intent.created).as_millis();
    let seen = Seen { order: intent.seen, age_ms: u64::try_from(age).unwrap_or(u64::MAX) };
    PushedIntent {
        id: intent.id,
        document: intent.document,
        kind: intent.kind,
        change: ByteBuf::from(intent.change),
        seen: intent.verb.sends().then_some(seen),
        reoffered: intent.reoffered,
    }
}

/// Digest of what the member sees on the dashboard: what is held through a record only (R7) is here by chance.
fn dashboard_digest(disk: &dyn Storage) -> Result<Vec<u64>, SessionError> {
    let mut seen = Vec::new();
    for (id, digest) in disk.digests()? {
        if disk.document_kind(id)?.is_some_and(|(_, visibility)| visibility.dashboard()) {
            seen.push((id, digest));
        }
    }
    Ok(digest::fold(seen))
}

fn select_groups(now: Timestamp, disk: &dyn Storage, batch: &mut Batch) -> Result<(), SessionError> {
    let mut order: Vec<IntentId> = Vec::new();
    let mut groups: BTreeMap<IntentId, Vec<IntentRecord>> = BTreeMap::new();
    for intent in disk.open_intents()? {
        let group = groups.entry(intent.group).or_default();
        if group.is_empty() {
            order.push(intent.group);
        }
        group.push(intent);
    }
    if order.is_empty() {
        return Ok(());
    }
    // Documents whose lineage holds a refused change: it is discarded first, nothing built on it is sent.
    let refused =
        disk.attention()?.into_iter().filter(|intent| !intent.change.is_empty()).map(|intent| intent.document);
    let mut blocked: BTreeSet<DocumentId> = refused.collect();
    let (mut intents, mut bytes, mut full) = (0, 0, false);
    for id in order {
        let Some(group) = groups.remove(&id) else { continue };
        let in_flight = group.iter().any(|intent| matches!(intent.state, IntentState::InFlight { .. }));
        let free = !group.iter().any(|intent| blocked.contains(&intent.document));
        let whole = !group
            .iter()
            .any(|intent| intent.change.is_empty() || matches!(intent.state, IntentState::WaitsFor { .. }));
        // What was made in the future was made before the clock was set back.
        let sound = group.iter().filter(|intent| intent.created <= now);
        let due = sound.map(|intent| intent.send_after).max().unwrap_or(now);
        if !in_flight && free && whole && due > now {
            batch.wait_until(due);
        }
        let size: usize = group.iter().map(|intent| intent.change.len()).sum();
        let ready = whole && (in_flight || (free && due <= now));
        full = full || (intents > 0 && (intents + group.len() > MAX_INTENTS || bytes + size > MAX_BYTES));
        if ready && !full {
            (intents, bytes) = (intents + group.len(), bytes + size);
            batch.groups.push(group);
        } else {
            blocked.extend(group.iter().map(|intent| intent.document));
        }
    }
    Ok(())
}
