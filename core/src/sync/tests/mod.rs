//! Stories of one device and a small relay, frame by frame. Ann is a salesperson; her phone is the device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod beside;
mod connection;
mod lineage;
mod natural_keys;
mod offline;
mod pages;
mod random;
mod registers;
mod relay;
mod restore;

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{
    ids::{DeviceId, DocumentId, IntentId, MemberId, WorkspaceId},
    intents::Verb,
    protocol::{Cursor, Incarnation, Request, Response},
    sync::{
        MemoryStorage, Session, SessionOptions, Submission,
        outbox::SubmitError,
        session::{Effect, End, Event, RequestId},
        storage::{Identity, IntentRecord, IntentState, Storage, SyncState},
    },
    time::Timestamp,
};

use relay::Relay;

pub(super) const ANN: MemberId = MemberId([0xa1; 16]);
const SECOND: Duration = Duration::from_secs(1);

/// A request that the device sent and nobody answered yet.
#[derive(Clone, Debug)]
struct Sent {
    id: RequestId,
    frames: Vec<Request>,
    stream: bool,
}

impl Sent {
    fn hello(&self) -> &crate::protocol::Hello {
        match &self.frames[0] {
            Request::Hello(hello) => hello,
            other => panic!("{other:?}"),
        }
    }

    fn groups(&self) -> Vec<Vec<crate::protocol::PushedIntent>> {
        let group = |frame: &Request| if let Request::Group { intents } = frame { Some(intents.clone()) } else { None };
        self.frames.iter().filter_map(group).collect()
    }

    fn number(&self) -> Option<u64> {
        self.frames.iter().find_map(|frame| if let Request::Push { number } = frame { Some(*number) } else { None })
    }
}

/// A phone: session, disk, clock.
struct Phone {
    session: Session,
    disk: MemoryStorage,
    rng: ChaCha8Rng,
    now: Timestamp,
    sent: VecDeque<Sent>,
    cancelled: Vec<RequestId>,
    wake: Option<Timestamp>,
    synced: Option<Result<(), End>>,
    wiped: bool,
}

impl Phone {
    fn new() -> Self {
        let mut disk = MemoryStorage::default();
        let identity = Identity {
            workspace: WorkspaceId([1; 16]),
            member: ANN,
            device: DeviceId([2; 16]),
            relay: "https://relay.example".into(),
            credential: "secret".into(),
        };
        disk.set_identity(&identity).unwrap();
        disk.set_state(&SyncState {
            cursor: Cursor { epoch: 1, seq: 0, backfill: None },
            incarnation: Incarnation { previous: 7, next: 7 },
            push_number: 0,
            last_contact: Timestamp::default(),
            last_digest: Timestamp::default(),
            clone: false,
            revoked: false,
        })
        .unwrap();
        Self {
            session: Session::new(SessionOptions::default()),
            disk,
            rng: ChaCha8Rng::seed_from_u64(42),
            now: Timestamp(1_700_000_000_000),
            sent: VecDeque::new(),
            cancelled: Vec::new(),
            wake: None,
            synced: None,
            wiped: false,
        }
    }

    /// A phone that holds everything the relay has.
    fn in_sync(relay: &mut Relay) -> Self {
        let mut phone = Self::new();
        assert_eq!(phone.sync(relay), Ok(()));
        phone
    }

    /// The app is killed and started anew.
    fn restart(&mut self) {
        self.session = Session::new(SessionOptions::default());
        self.sent.clear();
    }

    fn event(&mut self, event: Event) {
        let before = self.disk.clone();
        match self.session.handle(self.now, &mut self.rng, &mut self.disk, event) {
            Ok(effects) => effects.into_iter().for_each(|effect| self.effect(effect)),
            Err(error) => {
                self.disk = before;
                self.session.forget();
                panic!("{error}");
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Send { request, frames, stream } => self.sent.push_back(Sent { id: request, frames, stream }),
            Effect::Cancel { request } => {
                self.sent.retain(|sent| sent.id != request);
                self.cancelled.push(request);
            }
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Synced { result } => self.synced = Some(result),
            Effect::Wipe => self.wiped = true,
            Effect::Changed | Effect::Presence | Effect::Status => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.event(Event::Woken);
    }

    /// Answers one request, frame by frame; with `cut`, only its first frames, and then the connection breaks.
    fn deliver(&mut self, sent: &Sent, frames: Vec<Response>, cut: Option<usize>) {
        self.event(Event::Opened { request: sent.id });
        let all = frames.len();
        for frame in frames.into_iter().take(cut.unwrap_or(all)) {
            self.event(Event::Frame { request: sent.id, frame });
        }
        match cut {
            Some(_) => self.event(Event::Closed { request: sent.id, end: End::Broken("cut".into()) }),
            None if sent.hello().live => {}
            None => self.event(Event::Closed { request: sent.id, end: End::Finished }),
        }
    }

    /// Answers what is sent until nothing more is.
    fn serve(&mut self, relay: &mut Relay) {
        for _ in 0..100 {
            let Some(sent) = self.sent.pop_front() else { return };
            let frames = relay.answer(&sent.frames);
            self.deliver(&sent, frames, None);
        }
        panic!("no end of requests");
    }

    /// One bounded catch-up.
    fn sync(&mut self, relay: &mut Relay) -> Result<(), End> {
        self.synced = None;
        self.event(Event::SyncOnce);
        self.serve(relay);
        self.synced.take().expect("the catch-up ends")
    }

    /// Opens a live stream and returns it.
    fn go_live(&mut self, relay: &mut Relay) -> Sent {
        self.event(Event::Started { live: true });
        let stream = self.sent.front().cloned().expect("a stream is opened");
        self.serve(relay);
        stream
    }

    /// The live stream brings what is new.
    fn follow(&mut self, relay: &Relay, stream: &Sent) {
        for frame in relay.pages(self.disk.state().unwrap().unwrap().cursor) {
            self.event(Event::Frame { request: stream.id, frame });
        }
    }

    /// The undo window passes.
    fn wait(&mut self) {
        self.pass(4 * SECOND);
    }

    fn submit(&mut self, submission: Submission) -> Result<Vec<IntentId>, SubmitError> {
        self.now = self.now.after(Duration::from_millis(10));
        let before = self.disk.clone();
        let result = self.session.submit(self.now, &mut self.rng, &mut self.disk, submission);
        match &result {
            Ok(_) => self.event(Event::Written),
            Err(_) => self.disk = before,
        }
        result
    }

    fn act(&mut self, document: DocumentId, verb: Verb) -> IntentId {
        self.submit(Submission::one(document, verb)).unwrap()[0]
    }

    fn reply(&mut self, document: DocumentId, text: &str) -> IntentId {
        self.act(document, Verb::Reply { text: text.into() })
    }

    fn tag(&mut self, document: DocumentId, tag: &str) -> IntentId {
        self.act(document, Verb::AddTag { tag: tag.into() })
    }

    fn undo(&mut self, intent: IntentId) -> Result<(), SubmitError> {
        let before = self.disk.clone();
        let result = self.session.undo(self.now, &mut self.rng, &mut self.disk, intent);
        match &result {
            Ok(()) => self.event(Event::Written),
            Err(_) => self.disk = before,
        }
        result
    }

    fn intent(&self, id: IntentId) -> IntentRecord {
        self.disk.intent(id).unwrap().expect("the intent is known")
    }

    fn state(&self, id: IntentId) -> IntentState {
        self.intent(id).state
    }

    fn actor(&self, id: IntentId) -> Vec<u8> {
        crate::model::document::parse_change(&self.intent(id).change).unwrap().actor_id().to_bytes().to_vec()
    }

    /// The texts that the conversation shows, in order.
    fn texts(&mut self, document: DocumentId) -> Vec<String> {
        let Some(conversation) = self.session.conversation(&self.disk, document).unwrap() else { return Vec::new() };
        let facts = self.disk.facts(document).unwrap();
        crate::triage::project::messages(&conversation, &facts).into_iter().map(|message| message.text).collect()
    }

    /// Whatever happened, the read model is what the documents and facts say, and the digest what they are.
    fn check(&mut self) {
        let mut rebuilt = self.disk.clone();
        Session::new(SessionOptions::default()).rebuild_read_model(&mut rebuilt).unwrap();
        assert_eq!(rebuilt, self.disk, "the read model is not what the documents say");
    }

    /// The device holds what the relay holds.
    fn check_against(&mut self, relay: &Relay) {
        self.check();
        for (id, held) in &relay.documents {
            let stored = self.disk.document(*id).unwrap().expect("the document is held");
            let mut document = crate::model::Document::load(held.kind, &stored.saved).unwrap();
            document.apply_bytes(&stored.tail).unwrap();
            assert_eq!(document.heads(), held.document.heads());
            assert_eq!(self.disk.facts(*id).unwrap(), held.facts);
        }
        assert_eq!(self.disk.documents(None).unwrap().len(), relay.documents.len());
        // Whether a row came from an outline or from the document: it is the same.
        let mut again = self.disk.clone();
        Session::new(SessionOptions::default()).rebuild_read_model(&mut again).unwrap();
        assert_eq!(again, self.disk);
    }
}

const fn accepted(state: &IntentState) -> bool {
    matches!(state, IntentState::Accepted { .. })
}
