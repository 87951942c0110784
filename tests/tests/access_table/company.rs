//! A workspace for one cell: Mia, who is looked at, Cole, who may do everything, Nora, who has no dashboard; and for each
//! verb a conversation and a contact of its own, so that none changes what another finds.

use std::collections::BTreeMap;

use automerge::ActorId;
use offdesk_core::{
    ids::{ConversationId, DocumentId, IntentId, MemberId, MessageId, QueueId, RoleId, WorkspaceId},
    model::{
        Action, AssignmentKey, Channel, ContactAccess, DashboardAccess, Document, Kind, Member, MessageAccess,
        MessageKind, NewMessage, Origin, Queue, Role, RoleKind, Settings, action::ContactField,
        conversation::AssignmentReason,
    },
    policy::held::Seen,
    protocol::{EnrolResponse, Incarnation, PushedIntent, Response, Verdict},
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound, Push, Pusher},
    store::{StoreError, Tx},
};
use offdesk_tests::{
    raw::{client::pushed, documents, relay::enrol},
    reference::Verb,
};
use rand::{Rng, rngs::StdRng};

use crate::cells::{Cell, Record};

/// A conversation with its contact.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub conversation: DocumentId,
    pub contact: DocumentId,
    /// The contact's message.
    pub message: MessageId,
    /// What was prepared for the verb: an assignment, a closing, a held reply.
    pub prepared: IntentId,
}

/// The workspace.
pub struct Company {
    pub workspace: WorkspaceId,
    pub number: String,
    pub mia: MemberId,
    pub cole: MemberId,
    pub nora: MemberId,
    /// The role of Cole.
    pub role: RoleId,
    pub enrolled: EnrolResponse,
    pub directory: DocumentId,
    pub settings: DocumentId,
    /// A queue, and the id of one that is not set up.
    pub queue: QueueId,
    pub spare: QueueId,
    /// One for each verb, in their order.
    pub subjects: Vec<Subject>,
    /// One that Mia never asks for by name, and one that she does.
    pub watched: Subject,
    pub fetched: Subject,
    /// One whose contact's record she opens.
    pub recorded: Subject,
    /// A contact without a conversation.
    pub lonely: DocumentId,
    /// Everything as the relay holds it.
    pub documents: BTreeMap<DocumentId, Document>,
}

/// The contact's phone of a subject, by its place.
pub fn phone(at: usize) -> String {
    format!("+1415555{at:04}")
}

struct Founder<'a, 'b> {
    tx: &'a mut Tx<'b>,
    now: Timestamp,
    rng: &'a mut StdRng,
    cell: Cell,
    workspace: WorkspaceId,
    number: String,
    mia: MemberId,
    cole: Pusher,
    queue: QueueId,
    pushes: u64,
}

impl Founder<'_, '_> {
    /// The relay writes something itself.
    fn author(&mut self, document: DocumentId, actions: &[Action]) -> Result<(), StoreError> {
        accept::author(self.tx, self.now, self.rng, self.workspace, document, actions).map(drop)
    }

    /// Cole pushes something, which is accepted.
    fn coles(&mut self, document: DocumentId, kind: Kind, id: IntentId, actions: &[Action]) -> Result<(), StoreError> {
        let mut held = documents::one(self.tx, document)?.unwrap_or_else(|| Document::new(kind));
        let mut intent = change(&mut held, self.rng, self.now, id, document, actions);
        intent.seen = Some(Seen { order: 0, age_ms: u64::MAX });
        self.pushes += 1;
        let incarnation = Incarnation { previous: self.pushes, next: self.pushes + 1 };
        let push = Push { incarnation, number: self.pushes, groups: vec![vec![intent]], registers: Vec::new() };
        let answer = accept::push(self.tx, self.now, &self.cole, &push)?.expect("not a clone");
        let accepted = |frame: &Response| matches!(frame, Response::Verdict { verdict: Verdict::Accepted(_), .. });
        assert!(answer.iter().any(accepted), "{answer:?}");
        Ok(())
    }

    /// Whose a contact's record is.
    fn own(&mut self, contact: DocumentId) -> Result<(), StoreError> {
        let owner = if self.cell.owns() { self.mia } else { self.cole.member };
        let mut actions = vec![Action::SetContactField { field: ContactField::Owner, value: Some(owner.to_string()) }];
        if self.cell.record == Record::OwnAsShared {
            actions.push(Action::ShareContact { member: self.mia });
        }
        self.author(contact, &actions)
    }

    fn assign(&mut self, conversation: DocumentId, member: MemberId) -> Result<IntentId, StoreError> {
        let key = AssignmentKey { member, intent: IntentId::generate(self.now, self.rng) };
        let (at, reason) = (self.now, AssignmentReason::Automation);
        self.author(conversation, &[Action::Assign { key, by: None, reason, at }])?;
        Ok(key.intent)
    }

    /// A contact writes.
    fn subject(&mut self, at: usize) -> Result<Subject, StoreError> {
        let provider_id = format!("SM{:016x}", self.rng.next_u64());
        let channel = Channel::Sms(self.number.clone());
        let message =
            Inbound { workspace: self.workspace, channel, phone: phone(at), text: "Hello".into(), provider_id };
        let said = accept::inbound(self.tx, self.now, self.rng, &message)?;
        let contact = self.tx.connection().query_row(
            "SELECT contact FROM documents WHERE id = ?1",
            [said.document.as_bytes()],
            |row| row.get(0).map(DocumentId),
        )?;
        self.own(contact)?;
        if self.cell.assigned {
            self.assign(said.document, self.mia)?;
        }
        Ok(Subject { conversation: said.document, contact, message: said.message, prepared: said.message })
    }

    /// What a verb needs to find.
    fn prepare(&mut self, verb: Verb, subject: &mut Subject) -> Result<(), StoreError> {
        let (id, by, at) = (IntentId::generate(self.now, self.rng), self.cole.member, self.now);
        let document = subject.conversation;
        match verb {
            Verb::Unassign => subject.prepared = self.assign(document, by)?,
            Verb::Reopen => {
                subject.prepared = id;
                self.author(document, &[Action::Close { id, by, at, seen: Some(subject.message) }])?;
            }
            Verb::Wake => {
                subject.prepared = id;
                let until = at.after(std::time::Duration::from_secs(3600));
                self.author(document, &[Action::Snooze { id, by, at, until, seen: Some(subject.message) }])?;
            }
            Verb::TakeFromQueue => {
                let queue = Some(self.queue);
                self.author(document, &[Action::SetQueue { queue }])?;
            }
            Verb::RemoveTag => self.author(document, &[Action::AddTag { tag: "vip".into() }])?,
            Verb::SendHeld | Verb::EditHeld => {
                subject.prepared = id;
                self.coles(document, Kind::Conversation, id, &reply(by, id, at))?;
            }
            Verb::Unshare => self.author(subject.contact, &[Action::ShareContact { member: by }])?,
            Verb::Start | Verb::StartSilently => subject.contact = self.lonely(verb as usize + 100)?,
            _ => {}
        }
        Ok(())
    }

    fn lonely(&mut self, at: usize) -> Result<DocumentId, StoreError> {
        let (contact, id) = (DocumentId::generate(self.now, self.rng), IntentId::generate(self.now, self.rng));
        self.coles(contact, Kind::Contact, id, &[Action::AddPhone { phone: phone(at) }])?;
        self.own(contact)?;
        Ok(contact)
    }
}

/// The actions of a reply.
pub fn reply(by: MemberId, id: IntentId, at: Timestamp) -> Vec<Action> {
    vec![
        Action::AddMessage { id, message: NewMessage::new(MessageKind::Outbound, Some(by), "Good morning".into(), at) },
        Action::Assign {
            key: AssignmentKey { member: by, intent: id },
            by: Some(by),
            reason: AssignmentReason::Reply,
            at,
        },
    ]
}

/// The actions that open a conversation.
pub fn opening(rng: &mut StdRng, contact: DocumentId, number: &str, at: Timestamp) -> Vec<Action> {
    let (conversation, channel) = (ConversationId::generate(at, rng), Channel::Sms(number.into()));
    vec![Action::OpenConversation { conversation, contact, channel }, Action::AddOrigin { origin: Origin::Direct, at }]
}

/// A change of these actions under an actor of its own.
pub fn change(
    document: &mut Document,
    rng: &mut StdRng,
    now: Timestamp,
    id: IntentId,
    place: DocumentId,
    actions: &[Action],
) -> PushedIntent {
    let mut actor = [0u8; 16];
    rng.fill_bytes(&mut actor);
    let change = document.author(ActorId::from(actor), id, now, actions).unwrap();
    pushed(id, place, document.kind(), &change)
}

fn role(now: Timestamp, rng: &mut StdRng, name: &str, kind: RoleKind, dashboard: DashboardAccess) -> Role {
    let id = RoleId::generate(now, rng);
    Role { id, name: name.into(), kind, dashboard, contacts: ContactAccess::All, messages: MessageAccess::Write }
}

fn member(now: Timestamp, rng: &mut StdRng, name: &str, role: Option<RoleId>) -> Member {
    let id = MemberId::generate(now, rng);
    Member { id, name: name.into(), role, dashboard_override: None, active: true }
}

/// Founds the workspace of a cell.
pub fn found(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut StdRng,
    cell: Cell,
    number: String,
) -> Result<Company, StoreError> {
    let (queue, spare) = (QueueId::generate(now, rng), QueueId::generate(now, rng));
    let support = Queue { name: "Support".into(), ..Queue::default() };
    let settings = Settings {
        name: "Acme".into(),
        numbers: vec![number.clone()],
        held_author_only: std::time::Duration::ZERO,
        ..Settings::default()
    };
    let workspace = accept::create_workspace(tx, now, rng, &settings)?;
    let (directory, settings) = tx.connection().query_row(
        "SELECT directory, settings FROM workspaces WHERE id = ?1",
        [workspace.as_bytes()],
        |row| Ok((DocumentId(row.get(0)?), DocumentId(row.get(1)?))),
    )?;
    accept::author(tx, now, rng, workspace, settings, &support.actions(queue))?;
    let coles = role(now, rng, "Everything", RoleKind::Administrator, DashboardAccess::All);
    let noras = role(now, rng, "No dashboard", RoleKind::User, DashboardAccess::None);
    let (dashboard, own) = cell.role_dashboard();
    let mias = cell.role_kind().map(|kind| Role {
        contacts: cell.role_contacts(),
        messages: cell.role_messages(),
        ..role(now, rng, "Mia's", kind, dashboard)
    });
    let cole = member(now, rng, "Cole", Some(coles.id));
    let nora = member(now, rng, "Nora", Some(noras.id));
    let mia = Member { dashboard_override: own, ..member(now, rng, "Mia", mias.as_ref().map(|role| role.id)) };
    let roles = [&coles, &noras].into_iter().chain(&mias).flat_map(Role::actions);
    let actions: Vec<Action> = roles.chain([&cole, &nora, &mia].into_iter().flat_map(Member::actions)).collect();
    accept::author(tx, now, rng, workspace, directory, &actions)?;
    let enrolled = enrol(tx, now, rng, workspace, mia.id)?;
    let device = enrol(tx, now, rng, workspace, cole.id)?.device;
    tx.connection().execute("UPDATE devices SET incarnation = 1 WHERE id = ?1", [device.as_bytes()])?;
    let pusher = Pusher { workspace, member: cole.id, device };
    let mut founder =
        Founder { tx, now, rng, cell, workspace, number: number.clone(), mia: mia.id, cole: pusher, queue, pushes: 0 };
    let mut subjects = Vec::new();
    for (at, verb) in Verb::ALL.into_iter().enumerate() {
        let mut subject = founder.subject(at)?;
        founder.prepare(verb, &mut subject)?;
        subjects.push(subject);
    }
    let (watched, fetched, recorded) = (founder.subject(200)?, founder.subject(201)?, founder.subject(203)?);
    let lonely = founder.lonely(202)?;
    let documents = documents::all(tx, workspace)?;
    Ok(Company {
        workspace,
        number,
        mia: mia.id,
        cole: cole.id,
        nora: nora.id,
        role: coles.id,
        enrolled,
        directory,
        settings,
        queue,
        spare,
        subjects,
        watched,
        fetched,
        recorded,
        lonely,
        documents,
    })
}
