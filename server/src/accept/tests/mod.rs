//! The acceptor against honest and hostile devices. [`Office`] is a workspace on a real store; a [`Phone`] authors changes
//! as a device does, and can be told to author ones that no device of ours would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod accepting;
mod following;
mod hostile;

use std::collections::BTreeMap;

use automerge::{ActorId, Change};
use offdesk_core::{
    ids::{ConversationId, DeviceId, DocumentId, IntentId, MemberId, QueueId, RoleId, WorkspaceId},
    intents::{Author, NewContact, State, Verb},
    model::{
        Action, Channel, Contact, ContactAccess, Conversation, DashboardAccess, Directory, Document, Kind, Member,
        MessageAccess, Queue, Role, RoleKind, Settings,
    },
    policy::held::Seen,
    protocol::{Incarnation, PushedIntent, Response, Verdict},
    time::Timestamp,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rusqlite::params;
use serde_bytes::ByteBuf;

use super::{Inbound, Push, Pusher, author, create_workspace, inbound, push, registers_of};
use crate::store::{Store, StoreError, Tx};

pub(crate) const OUR_NUMBER: &str = "+14155550100";

pub(crate) struct Office {
    pub(crate) store: Store,
    pub(crate) workspace: WorkspaceId,
    pub(crate) now: Timestamp,
    pub(crate) rng: StdRng,
    _folder: tempfile::TempDir,
}

/// A device with what it holds.
pub(crate) struct Phone {
    pub(crate) pusher: Pusher,
    pub(crate) documents: BTreeMap<DocumentId, Document>,
    pub(crate) actors: BTreeMap<DocumentId, ActorId>,
    pushes: u64,
    incarnation: u64,
}

/// A role's access in short.
pub(crate) type Level = (RoleKind, DashboardAccess, ContactAccess, MessageAccess);
pub(crate) const AGENT: Level = (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);
pub(crate) const REP: Level = (RoleKind::User, DashboardAccess::Assigned, ContactAccess::Own, MessageAccess::Write);
pub(crate) const READER: Level = (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Read);
pub(crate) const NOBODY: Level = (RoleKind::User, DashboardAccess::None, ContactAccess::None, MessageAccess::None);
pub(crate) const ADMIN: Level =
    (RoleKind::Administrator, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);

impl Office {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("relay.db")).unwrap();
        let now = Timestamp(1_800_000_000_000);
        let settings = Settings { name: "Acme".into(), numbers: vec![OUR_NUMBER.into()], ..Settings::default() };
        let workspace = store
            .write_blocking(move |tx: &mut Tx<'_>| create_workspace(tx, now, &mut StdRng::seed_from_u64(1), &settings))
            .unwrap();
        Self { store, workspace, now, rng: StdRng::seed_from_u64(2), _folder: folder }
    }

    /// Runs in the writer.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.write_blocking(work).unwrap()
    }

    pub(crate) fn later(&mut self, millis: i64) {
        self.now = Timestamp(self.now.millis() + millis);
    }

    pub(crate) fn rng(&mut self) -> StdRng {
        StdRng::seed_from_u64(self.rng.next_u64())
    }

    /// Adds a member with a role of this access.
    pub(crate) fn member(&mut self, name: &str, level: Level) -> MemberId {
        let (now, mut rng, workspace) = (self.now, self.rng(), self.workspace);
        let (kind, dashboard, contacts, messages) = level;
        let role = Role { id: RoleId::generate(now, &mut rng), name: name.into(), kind, dashboard, contacts, messages };
        let member = Member {
            id: MemberId::generate(now, &mut rng),
            name: name.into(),
            role: Some(role.id),
            dashboard_override: None,
            active: true,
        };
        let id = member.id;
        self.write(move |tx| {
            let (directory, _) = registers_of(&tx.reading(), workspace)?;
            let actions: Vec<Action> = role.actions().into_iter().chain(member.actions()).collect();
            author(tx, now, &mut rng, workspace, directory, &actions)
        });
        id
    }

    /// Makes a queue, or what is new of one.
    pub(crate) fn queue(&mut self, id: QueueId, queue: &Queue) {
        let (now, mut rng, workspace) = (self.now, self.rng(), self.workspace);
        let actions = queue.actions(id);
        self.write(move |tx| {
            let (_, settings) = registers_of(&tx.reading(), workspace)?;
            author(tx, now, &mut rng, workspace, settings, &actions)
        });
    }

    /// Enrols a device of a member.
    pub(crate) fn phone(&mut self, member: MemberId) -> Phone {
        let (now, mut rng, workspace) = (self.now, self.rng(), self.workspace);
        let device = DeviceId::generate(now, &mut rng);
        let secret = rng.next_u64().to_be_bytes();
        self.write(move |tx| {
            tx.connection().execute(
                "INSERT INTO devices (id, workspace, member, name, credential_hash, incarnation, created, last_seen)
                 VALUES (?1, ?2, ?3, 'phone', ?4, 1, 0, 0)",
                params![device.as_bytes(), workspace.as_bytes(), member.as_bytes(), secret],
            )?;
            Ok(())
        });
        let pusher = Pusher { workspace, member, device };
        Phone { pusher, documents: BTreeMap::new(), actors: BTreeMap::new(), pushes: 0, incarnation: 1 }
    }

    /// A contact writes an SMS.
    pub(crate) fn sms(&mut self, phone: &str, text: &str) -> DocumentId {
        self.later(1000);
        let (now, mut rng) = (self.now, self.rng());
        let provider_id = format!("SM{:016x}", rng.next_u64());
        let message = Inbound {
            workspace: self.workspace,
            channel: Channel::Sms(OUR_NUMBER.into()),
            phone: phone.into(),
            text: text.into(),
            provider_id,
        };
        self.write(move |tx| inbound(tx, now, &mut rng, &message)).document
    }

    /// What the relay holds of a document.
    pub(crate) fn held(&self, document: DocumentId, kind: Kind) -> Document {
        self.store.read_blocking(move |tx| super::documents::read_document(tx, document, kind)).unwrap()
    }

    pub(crate) fn conversation(&self, document: DocumentId) -> Conversation {
        Conversation::read(&self.held(document, Kind::Conversation)).unwrap()
    }

    pub(crate) fn directory(&self) -> (DocumentId, Directory) {
        let workspace = self.workspace;
        let (id, _) = self.store.read_blocking(move |tx| registers_of(tx, workspace)).unwrap();
        (id, Directory::read(&self.held(id, Kind::Directory)))
    }

    /// A number from the database.
    pub(crate) fn count(&self, sql: &'static str) -> i64 {
        self.store
            .read_blocking(move |tx| Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| row.get(0))?))
            .unwrap()
    }
}

impl Phone {
    /// Takes a document as the relay holds it.
    pub(crate) fn pull(&mut self, office: &Office, document: DocumentId, kind: Kind) {
        self.documents.insert(document, office.held(document, kind));
    }

    fn actor(&mut self, office: &mut Office, document: DocumentId) -> ActorId {
        let mut bytes = [0u8; 16];
        office.rng.fill_bytes(&mut bytes);
        self.actors.entry(document).or_insert_with(|| ActorId::from(bytes)).clone()
    }

    /// Authors a verb as our device would.
    pub(crate) fn intent(&mut self, office: &mut Office, document: DocumentId, verb: &Verb) -> PushedIntent {
        let id = IntentId::generate(office.now, &mut office.rng);
        let author = Author { member: self.pusher.member, intent: id, at: office.now, assignable: true };
        let held = self.documents.entry(document).or_insert_with(|| Document::new(verb.kind()));
        let actions = match verb.kind() {
            Kind::Contact => {
                let on = Contact::read(document, held).filter(|contact| !contact.phones.is_empty());
                verb.actions(&author, State::Contact(on.as_ref()))
            }
            _ => verb.actions(&author, State::Conversation(Conversation::read(held).as_ref())),
        }
        .unwrap();
        self.raw(office, document, verb.kind(), id, &actions)
    }

    /// Authors any actions under any intent.
    pub(crate) fn raw(
        &mut self,
        office: &mut Office,
        document: DocumentId,
        kind: Kind,
        id: IntentId,
        actions: &[Action],
    ) -> PushedIntent {
        let actor = self.actor(office, document);
        let held = self.documents.entry(document).or_insert_with(|| Document::new(kind));
        let change = held.author(actor, id, office.now, actions).unwrap();
        pushed(id, document, kind, &change)
    }

    /// Pushes one group and returns its verdict.
    pub(crate) fn push(&mut self, office: &Office, group: Vec<PushedIntent>) -> Verdict {
        self.push_all(office, vec![group]).remove(0)
    }

    pub(crate) fn push_all(&mut self, office: &Office, groups: Vec<Vec<PushedIntent>>) -> Vec<Verdict> {
        self.pushes += 1;
        let incarnation = Incarnation { previous: self.incarnation, next: self.incarnation + 1 };
        self.incarnation += 1;
        let request = Push { incarnation, number: self.pushes, groups, registers: Vec::new() };
        let (now, pusher) = (office.now, self.pusher);
        let frames = office.write(move |tx| push(tx, now, &pusher, &request)).expect("not a clone");
        frames
            .into_iter()
            .filter_map(|frame| match frame {
                Response::Verdict { verdict, .. } => Some(verdict),
                _ => None,
            })
            .collect()
    }

    /// Authors and pushes a verb.
    pub(crate) fn run(&mut self, office: &mut Office, document: DocumentId, verb: &Verb) -> Verdict {
        let intent = self.intent(office, document, verb);
        self.push(office, vec![intent])
    }

    /// A group that starts a conversation with a new contact.
    pub(crate) fn start(&mut self, office: &mut Office, phone: &str, text: &str) -> (DocumentId, Vec<PushedIntent>) {
        let contact = DocumentId::generate(office.now, &mut office.rng);
        let document = DocumentId::generate(office.now, &mut office.rng);
        let create =
            Verb::CreateContact(NewContact { name: "New".into(), phones: vec![phone.into()], ..NewContact::default() });
        let start = Verb::StartConversation {
            conversation: ConversationId::generate(office.now, &mut office.rng),
            contact,
            channel: Channel::Sms(OUR_NUMBER.into()),
            text: Some(text.into()),
        };
        let group = vec![self.intent(office, contact, &create), self.intent(office, document, &start)];
        (document, group)
    }
}

pub(crate) fn pushed(id: IntentId, document: DocumentId, kind: Kind, change: &Change) -> PushedIntent {
    let change = ByteBuf::from(change.raw_bytes().to_vec());
    PushedIntent { id, document, kind, change, seen: Some(Seen { order: u64::MAX, age_ms: 0 }), reoffered: false }
}

pub(crate) fn reply(text: &str) -> Verb {
    Verb::Reply { text: text.into() }
}
