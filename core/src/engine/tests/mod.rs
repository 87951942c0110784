//! A device against a relay that only says what a test tells it to say.

mod alerts;
mod http;
mod lifecycle;
mod panels;
mod second_process;
mod syncing;
mod verbs;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use automerge::ActorId;
use futures_util::stream::{self, StreamExt};
use serde_bytes::ByteBuf;

use super::*;
use crate::{
    ids::{ConversationId, DeviceId, DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    model::{
        Action, Channel, ContactAccess, DashboardAccess, Document, Kind, Member, MessageAccess, MessageKind,
        NewMessage, Role, RoleKind, Settings, action::ContactField,
    },
    policy::Visibility,
    protocol::{
        Cursor, Delivery, ENROL_PATH, EnrolRequest, EnrolResponse, Fact, FactBody, MessageFact, Problem, Request,
        Response, VERSION, Welcome,
    },
    store::DatabaseKey,
    time::Timestamp,
};

const START: Timestamp = Timestamp(1_760_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ADA: MemberId = MemberId([0xa1; 16]);
const OURS: &str = "+14155550100";

/// A relay of few words.
#[derive(Debug, Default)]
struct Script {
    codes: Mutex<Vec<&'static str>>,
    /// What it says to each sync request, in turn; each answer with how it ends, if it does.
    answers: Mutex<Vec<(Vec<Response>, Option<crate::sync::session::End>)>>,
    /// How many sync requests came.
    calls: Mutex<u64>,
    /// Where each said that the device is.
    cursors: Mutex<Vec<u64>>,
}

impl Script {
    fn says(&self, frames: Vec<Response>, end: Option<crate::sync::session::End>) {
        self.answers.lock().unwrap().push((frames, end));
    }

    fn cursors(&self) -> Vec<u64> {
        self.cursors.lock().unwrap().clone()
    }

    fn calls(&self) -> u64 {
        *self.calls.lock().unwrap()
    }
}

impl Transport for Script {
    fn sync(&self, call: Call) -> Parts {
        *self.calls.lock().unwrap() += 1;
        if let Some(Request::Hello(hello)) = call.frames.first() {
            self.cursors.lock().unwrap().push(hello.cursor.seq);
        }
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            // Neither an answer nor an end.
            return Box::pin(stream::pending());
        }
        let (frames, end) = answers.remove(0);
        let said = stream::iter([Part::Opened, Part::Frames(frames)]);
        match end {
            Some(end) => Box::pin(said.chain(stream::iter([Part::Ended(end)]))),
            None => Box::pin(said.chain(stream::pending())),
        }
    }

    fn post(&self, path: &'static str, _: Option<String>, body: Vec<u8>) -> Posted {
        assert_eq!(path, ENROL_PATH);
        let request: EnrolRequest = serde_json::from_slice(&body).unwrap();
        let mut codes = self.codes.lock().unwrap();
        let answer = match codes.iter().position(|code| *code == request.code) {
            Some(at) => {
                codes.remove(at);
                let enrolled = EnrolResponse {
                    workspace: WorkspaceId([1; 16]),
                    member: ADA,
                    device: DeviceId([3; 16]),
                    credential: "secret".into(),
                    incarnation: 7,
                    epoch: 1,
                };
                (200, serde_json::to_vec(&enrolled).unwrap())
            }
            None => {
                let problem = Problem {
                    kind: "unknown_code".into(),
                    status: 403,
                    title: "This code was used or has expired".into(),
                    detail: Some("Ask for another one".into()),
                };
                (403, serde_json::to_vec(&problem).unwrap())
            }
        };
        Box::pin(async move { Ok(answer) })
    }

    fn reset(&self) {}
}

/// Ada's phone, its clock, and the relay.
struct Scene {
    folder: tempfile::TempDir,
    clock: ManualClock,
    relay: Arc<Script>,
}

impl Scene {
    fn new() -> Self {
        let relay = Script { codes: Mutex::new(vec!["FIRST"]), ..Script::default() };
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::new(START), relay: Arc::new(relay) }
    }

    fn config(&self) -> Config {
        config(self.folder.path(), &self.clock, &self.relay)
    }

    async fn enrol(&self) -> Offdesk {
        Offdesk::enrol(self.config(), "http://relay.test", "FIRST", "Ada's phone").await.unwrap()
    }
}

fn config(folder: &Path, clock: &ManualClock, relay: &Arc<Script>) -> Config {
    let mut config = Config::new(folder.join("device.db"), DatabaseKey::new([9; 32]));
    config.clock = Arc::new(clock.clone());
    config.transport = Some(relay.clone());
    config
}

fn id(group: u8, number: u8) -> [u8; 16] {
    let mut id = [0; 16];
    (id[0], id[1], id[15]) = (1, group, number);
    id
}

fn welcome() -> Response {
    Response::Welcome(Welcome { version: VERSION, epoch: 1, now: START, up_to_date: false, clone: false })
}

fn cursor(seq: u64, up_to_date: bool) -> Response {
    Response::Cursor { cursor: Cursor { epoch: 1, seq, backfill: None }, up_to_date }
}

fn snapshot(kind: Kind, document: [u8; 16], actions: &[Action], facts: Vec<Fact>) -> Response {
    let mut doc = Document::new(kind);
    let actor = ActorId::from(id(9, document[15]).to_vec());
    doc.author(actor, IntentId(id(8, document[15])), START, actions).unwrap();
    Response::Snapshot {
        document: DocumentId(document),
        kind,
        visibility: Visibility::DASHBOARD,
        saved: ByteBuf::from(doc.save()),
        changes: Vec::new(),
        facts,
        outline: None,
    }
}

/// Members and settings of a small workspace in which Ada may do everything.
fn workspace() -> [Response; 2] {
    let role = Role {
        id: RoleId(id(7, 1)),
        name: "Agent".into(),
        kind: RoleKind::User,
        dashboard: DashboardAccess::All,
        contacts: ContactAccess::All,
        messages: MessageAccess::Write,
    };
    let ada = Member { id: ADA, name: "Ada".into(), role: Some(role.id), dashboard_override: None, active: true };
    let settings = Settings { name: "Sprocket".into(), numbers: vec![OURS.into()], ..Settings::default() };
    [
        snapshot(Kind::Directory, id(1, 1), &[role.actions(), ada.actions()].concat(), Vec::new()),
        snapshot(Kind::Settings, id(1, 2), &settings.actions(), Vec::new()),
    ]
}

/// A customer who wrote once.
fn customer(number: u8) -> [Response; 2] {
    let contact = DocumentId(id(2, number));
    let name = Action::SetContactField { field: ContactField::Name, value: Some(format!("Customer {number}")) };
    let phone = Action::AddPhone { phone: format!("+1415555{:04}", 2000 + u16::from(number)) };
    let message = IntentId(id(5, number));
    let hello = NewMessage::new(MessageKind::Inbound, None, "Hello?".into(), START);
    let order = u64::from(number) + 1;
    let fact = MessageFact { id: message, order, at: START, delivery: Delivery::Received };
    let open =
        Action::OpenConversation { conversation: conversation(number), contact, channel: Channel::Sms(OURS.into()) };
    [
        snapshot(Kind::Contact, contact.0, &[name, phone], Vec::new()),
        snapshot(
            Kind::Conversation,
            id(3, number),
            &[open, Action::AddMessage { id: message, message: hello }],
            vec![Fact { seq: order, body: FactBody::Message(fact) }],
        ),
    ]
}

fn conversation(number: u8) -> ConversationId {
    ConversationId(id(4, number))
}

fn page(customers: impl IntoIterator<Item = u8>) -> Vec<Response> {
    customers.into_iter().flat_map(customer).collect()
}
