//! A device with more conversations than a relay is generated with: a stand-in for the relay sends the workload as the
//! frames of a cold start, and the device's own session stores and projects them. What lists, counts and search read is then
//! exactly what a sync makes; only the documents' history is short (a change each), which no list looks at.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use automerge::ActorId;
use futures_util::stream;
use offdesk_core::{
    engine::{Call, Config, Offdesk, Part, Parts, Posted, Transport},
    ids::{ConversationId, DeviceId, DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    model::{
        Action, AssignmentKey, Channel, Document, Kind, Member, MessageKind, NewMessage, Origin, Role, Settings,
        action::ContactField, conversation::AssignmentReason,
    },
    policy::Visibility,
    protocol::{
        Cursor, Delivery, EnrolResponse, Fact, FactBody, MessageFact, RegisterContent, RegisterKey, Response, Welcome,
    },
    store::DatabaseKey,
    time::Timestamp,
};
use offdesk_tests::{AGENT, OUR_NUMBER};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_bytes::ByteBuf;

use crate::{
    stage::DEADLINE,
    workload::{self, END, MEMBERS, Speaker, Talk},
};

/// Conversations of one page.
const PAGE: usize = 250;

/// The file of a device with this many conversations, made if it isn't in `cache` yet.
pub async fn database(cache: &Path, conversations: usize) -> PathBuf {
    let path = cache.join(format!("device-{conversations}-{}.db", workload::VERSION));
    if !path.exists() {
        eprintln!("making a device with {conversations} conversations, once");
        let making = path.with_extension("making");
        let _ = std::fs::remove_file(&making);
        let relay = StandIn { told: Arc::new(Mutex::new(Some(Told::new(conversations)))) };
        let mut config = config(&making);
        config.transport = Some(Arc::new(relay));
        let device = Offdesk::enrol(config, "http://127.0.0.1:1", "CODE", "handset").await.unwrap();
        device.sync_once(DEADLINE).await.unwrap();
        assert_eq!(device.stats().unwrap().conversations, conversations as u64);
        device.close().await;
        std::fs::rename(making, &path).unwrap();
    }
    path
}

/// How a file of [`database`] is opened.
pub fn config(path: &Path) -> Config {
    Config::new(path, DatabaseKey::new([7; 32]))
}

/// Speaks as a relay would to a device that is new.
#[derive(Debug)]
struct StandIn {
    told: Arc<Mutex<Option<Told>>>,
}

impl Transport for StandIn {
    fn sync(&self, _: Call) -> Parts {
        let told = self.told.lock().unwrap().take();
        let Some(told) = told else {
            return Box::pin(stream::iter([Part::Opened, Part::Frames(vec![welcome(true)]), ended()]));
        };
        let pages = told.map(Part::Frames);
        Box::pin(stream::iter([Part::Opened].into_iter().chain(pages).chain([ended()])))
    }

    fn post(&self, _: &'static str, _: Option<String>, _: Vec<u8>) -> Posted {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let answer = EnrolResponse {
            workspace: WorkspaceId::generate(END, &mut rng),
            member: member(0),
            device: DeviceId::generate(END, &mut rng),
            credential: "none".into(),
            incarnation: 1,
            epoch: 1,
        };
        Box::pin(async move { Ok((201, serde_json::to_vec(&answer).unwrap())) })
    }

    fn reset(&self) {}
}

fn ended() -> Part {
    Part::Ended(offdesk_core::sync::session::End::Finished)
}

fn welcome(up_to_date: bool) -> Response {
    Response::Welcome(Welcome {
        version: offdesk_core::protocol::VERSION,
        epoch: 1,
        now: END,
        up_to_date,
        clone: false,
    })
}

fn member(number: usize) -> MemberId {
    MemberId::generate(Timestamp(number as i64 + 1), &mut ChaCha8Rng::seed_from_u64(number as u64))
}

/// The frames of a cold start, page by page.
#[derive(Debug)]
struct Told {
    rng: ChaCha8Rng,
    talks: std::vec::IntoIter<Talk>,
    seq: u64,
    begun: bool,
}

impl Told {
    fn new(conversations: usize) -> Self {
        let talks = workload::talks(conversations).into_iter();
        Self { rng: ChaCha8Rng::seed_from_u64(9), talks, seq: 10, begun: false }
    }

    fn actor(&mut self) -> ActorId {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        ActorId::from(bytes)
    }

    /// A document of one change.
    fn document(&mut self, kind: Kind, at: Timestamp, actions: &[Action]) -> Document {
        let mut document = Document::new(kind);
        let (actor, intent) = (self.actor(), IntentId::generate(at, &mut self.rng));
        document.author(actor, intent, at, actions).unwrap();
        document
    }

    fn first(&mut self) -> Vec<Response> {
        let (kind, dashboard, contacts, messages) = AGENT;
        let role = Role {
            id: RoleId::generate(END, &mut self.rng),
            name: "Agent".into(),
            kind,
            dashboard,
            contacts,
            messages,
        };
        let mut actions = role.actions();
        for (number, name) in MEMBERS.iter().enumerate() {
            let role = Some(role.id);
            let of = Member { id: member(number), name: (*name).into(), role, dashboard_override: None, active: true };
            actions.extend(of.actions());
        }
        let settings = Settings { name: "Acme".into(), numbers: vec![OUR_NUMBER.into()], ..Settings::default() };
        let documents = [
            (Kind::Directory, self.document(Kind::Directory, END, &actions)),
            (Kind::Settings, self.document(Kind::Settings, END, &settings.actions())),
        ];
        let snapshots = documents.into_iter().map(|(kind, document)| {
            let id = DocumentId::generate(END, &mut self.rng);
            snapshot(id, kind, &document, Vec::new())
        });
        [welcome(false)].into_iter().chain(snapshots).collect()
    }

    fn talk(&mut self, talk: &Talk, frames: &mut Vec<Response>) {
        let began = talk.lines.first().map_or(END, |line| line.at);
        let field = |field, value: &String| Action::SetContactField { field, value: Some(value.clone()) };
        let mut card = vec![Action::AddPhone { phone: talk.phone.clone() }, field(ContactField::Name, &talk.name)];
        card.extend(talk.email.as_ref().map(|email| field(ContactField::Email, email)));
        let contact = DocumentId::generate(began, &mut self.rng);
        let card = self.document(Kind::Contact, began, &card);
        frames.push(snapshot(contact, Kind::Contact, &card, Vec::new()));

        let channel = Channel::Sms(OUR_NUMBER.into());
        let conversation = ConversationId::generate(began, &mut self.rng);
        let mut actions = vec![
            Action::OpenConversation { conversation, contact, channel },
            Action::AddOrigin { origin: Origin::Direct, at: began },
        ];
        let (mut facts, mut assigned, mut seen) = (Vec::new(), Vec::new(), None);
        for line in &talk.lines {
            let id = IntentId::generate(line.at, &mut self.rng);
            let (kind, by, delivery) = match line.by {
                Speaker::Customer => (MessageKind::Inbound, None, Delivery::Received),
                Speaker::Member(of) => (MessageKind::Outbound, Some(of), Delivery::Delivered),
                Speaker::Note(of) => (MessageKind::Note, Some(of), Delivery::Internal),
            };
            if kind == MessageKind::Inbound {
                seen = Some(id);
            }
            let at = line.at;
            if let (MessageKind::Outbound, Some(of)) = (kind, by)
                && !assigned.contains(&of)
            {
                assigned.push(of);
                let key = AssignmentKey { member: member(of), intent: id };
                actions.push(Action::Assign { key, by: Some(member(of)), reason: AssignmentReason::Reply, at });
            }
            let message = NewMessage::new(kind, by.map(member), line.text.clone(), at);
            actions.push(Action::AddMessage { id, message });
            self.seq += 1;
            let fact = MessageFact { id, order: self.seq, at, delivery };
            facts.push(Fact { seq: self.seq, body: FactBody::Message(fact) });
        }
        actions.extend(talk.tag.map(|tag| Action::AddTag { tag: tag.into() }));
        if let Some(of) = talk.closed_by {
            actions.push(Action::Close { id: IntentId::generate(END, &mut self.rng), by: member(of), at: END, seen });
        }
        let document = self.document(Kind::Conversation, began, &actions);
        let id = DocumentId::generate(began, &mut self.rng);
        frames.push(snapshot(id, Kind::Conversation, &document, facts));
        if talk.read {
            let read = (RegisterKey::ReadMark(id), RegisterContent::Order(self.seq));
            frames.push(Response::Registers { values: vec![read] });
        }
    }
}

impl Iterator for Told {
    type Item = Vec<Response>;

    fn next(&mut self) -> Option<Vec<Response>> {
        let mut frames = if self.begun { Vec::new() } else { self.first() };
        self.begun = true;
        for _ in 0..PAGE {
            let Some(talk) = self.talks.next() else { break };
            self.talk(&talk, &mut frames);
        }
        if frames.is_empty() {
            return None;
        }
        let cursor = Cursor { epoch: 1, seq: self.seq, backfill: None };
        frames.push(Response::Cursor { cursor, up_to_date: self.talks.len() == 0 });
        Some(frames)
    }
}

fn snapshot(document: DocumentId, kind: Kind, of: &Document, facts: Vec<Fact>) -> Response {
    let (visibility, saved) = (Visibility::DASHBOARD, ByteBuf::from(of.save()));
    Response::Snapshot { document, kind, visibility, saved, changes: Vec::new(), facts, outline: None }
}
