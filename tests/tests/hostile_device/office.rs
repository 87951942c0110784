//! A workspace with members of every sort, each with a device without our client, and conversations to which they stand
//! in every way; beside it a neighbour on the same relay.

use std::collections::BTreeMap;

use automerge::{Automerge, ROOT, ReadDoc};
use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId, MessageId, QueueId, RoleId, WorkspaceId},
    model::{
        Action, AssignmentKey, Channel, ContactAccess, DashboardAccess, Document, Member, MessageAccess, Queue, Role,
        RoleKind, Settings, action::ContactField, conversation::AssignmentReason,
    },
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound},
    store::{StoreError, Tx},
};
use offdesk_tests::{
    raw::{BareRelay, Device, documents, relay::enrol},
    reference::{self, Dashboard, Kind, Messages, Records, Stands},
};
use rand::{Rng, RngExt, rngs::StdRng};

/// The workspace's numbers: contacts write to the first.
pub const NUMBERS: [&str; 2] = ["+14155550100", "+14155550101"];
const THEIR_NUMBER: &str = "+14155550200";

/// A member with their device.
pub struct Person {
    pub id: MemberId,
    pub given: reference::Member,
    pub device: Device,
}

/// A conversation with its contact.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub conversation: DocumentId,
    pub contact: DocumentId,
    /// Whether a conversation with the contact over the second number was started.
    pub second: bool,
    /// Who replied in that, and has it.
    pub opener: Option<MemberId>,
}

/// Queues of the workspace.
#[derive(Clone, Copy, Debug)]
pub struct Queues {
    /// Those that conversations are moved to.
    pub open: [QueueId; 2],
    pub archived: QueueId,
    /// One to be edited.
    pub dummy: QueueId,
}

/// A held reply, or one that is to leave later.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub message: MessageId,
    pub author: MemberId,
}

pub struct Office {
    pub relay: BareRelay,
    pub workspace: WorkspaceId,
    pub people: Vec<Person>,
    pub families: Vec<Family>,
    pub directory: DocumentId,
    pub settings: DocumentId,
    /// A member and a role whom nobody is: to be edited.
    pub dummy: (MemberId, RoleId),
    pub queues: Queues,
    /// Ids of a canned response, hours, an engagement and an automation, which come and go.
    pub things: [IntentId; 4],
    /// A conversation of the neighbour's.
    pub theirs: DocumentId,
    /// Everything as the relay holds it.
    pub documents: BTreeMap<DocumentId, Automerge>,
    /// Held replies by conversation.
    pub held: BTreeMap<DocumentId, Vec<Held>>,
    phones: usize,
}

type Level = (Option<Kind>, Dashboard, Records, Messages);

/// Ana first: she alone administers.
const PEOPLE: [Level; 10] = [
    (Some(Kind::Administrator), Dashboard::All, Records::All, Messages::Write),
    (Some(Kind::User), Dashboard::All, Records::All, Messages::Write),
    (Some(Kind::User), Dashboard::All, Records::None, Messages::Write),
    (Some(Kind::User), Dashboard::Assigned, Records::Own, Messages::Write),
    (Some(Kind::User), Dashboard::Assigned, Records::Own, Messages::Write),
    (Some(Kind::User), Dashboard::None, Records::Own, Messages::Write),
    (Some(Kind::User), Dashboard::All, Records::Own, Messages::Read),
    (Some(Kind::User), Dashboard::Assigned, Records::All, Messages::None),
    (Some(Kind::User), Dashboard::None, Records::None, Messages::None),
    (None, Dashboard::None, Records::None, Messages::None),
];

fn role(id: RoleId, (kind, dashboard, records, messages): Level) -> Option<Role> {
    let kind = match kind? {
        Kind::Administrator => RoleKind::Administrator,
        Kind::User => RoleKind::User,
    };
    let dashboard = match dashboard {
        Dashboard::All => DashboardAccess::All,
        Dashboard::Assigned => DashboardAccess::Assigned,
        Dashboard::None => DashboardAccess::None,
    };
    let contacts = match records {
        Records::All => ContactAccess::All,
        Records::Own => ContactAccess::Own,
        Records::None => ContactAccess::None,
    };
    let messages = match messages {
        Messages::Write => MessageAccess::Write,
        Messages::Read => MessageAccess::Read,
        Messages::None => MessageAccess::None,
    };
    Some(Role { id, name: "Role".into(), kind, dashboard, contacts, messages })
}

fn found(tx: &mut Tx<'_>, now: Timestamp, rng: &mut StdRng, numbers: &[&str]) -> Result<WorkspaceId, StoreError> {
    let settings = Settings {
        name: "Acme".into(),
        numbers: numbers.iter().map(|number| (*number).to_owned()).collect(),
        held_author_only: std::time::Duration::ZERO,
        ..Settings::default()
    };
    accept::create_workspace(tx, now, rng, &settings)
}

fn texts(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut StdRng,
    workspace: WorkspaceId,
    number: &str,
    phone: String,
) -> Result<Family, StoreError> {
    let provider_id = format!("SM{:016x}", rng.next_u64());
    let message = Inbound { workspace, channel: Channel::Sms(number.into()), phone, text: "Hello".into(), provider_id };
    let conversation = accept::inbound(tx, now, rng, &message)?.document;
    let contact =
        tx.connection().query_row("SELECT contact FROM documents WHERE id = ?1", [conversation.as_bytes()], |row| {
            row.get(0).map(DocumentId)
        })?;
    Ok(Family { conversation, contact, second: false, opener: None })
}

impl Office {
    pub async fn open(seed: u64) -> Self {
        let relay = BareRelay::start(seed).await;
        let (workspace, directory, settings, theirs) = relay
            .write(|tx, now, rng| {
                let workspace = found(tx, now, rng, &NUMBERS)?;
                let (directory, settings) = tx.connection().query_row(
                    "SELECT directory, settings FROM workspaces WHERE id = ?1",
                    [workspace.as_bytes()],
                    |row| Ok((DocumentId(row.get(0)?), DocumentId(row.get(1)?))),
                )?;
                let neighbour = found(tx, now, rng, &[THEIR_NUMBER])?;
                let theirs = texts(tx, now, rng, neighbour, THEIR_NUMBER, "+14155559999".into())?;
                Ok((workspace, directory, settings, theirs.conversation))
            })
            .await;
        let mut people = Vec::new();
        for level in PEOPLE {
            let (id, enrolled) = relay
                .write(move |tx, now, rng| {
                    let role = role(RoleId::generate(now, rng), level);
                    let id = MemberId::generate(now, rng);
                    let role_id = role.as_ref().map(|role| role.id);
                    let member =
                        Member { id, name: "Person".into(), role: role_id, dashboard_override: None, active: true };
                    let actions: Vec<Action> = role.iter().flat_map(Role::actions).chain(member.actions()).collect();
                    accept::author(tx, now, rng, workspace, directory, &actions)?;
                    Ok((id, enrol(tx, now, rng, workspace, id)?))
                })
                .await;
            let (kind, dashboard, records, messages) = level;
            let given = reference::Member { kind, dashboard, records, messages };
            people.push(Person { id, given, device: relay.device(&enrolled) });
        }
        let dummy = relay
            .write(move |tx, now, rng| {
                let (id, level) = (RoleId::generate(now, rng), PEOPLE[8]);
                let role = role(id, level).expect("a role");
                let member = Member {
                    id: MemberId::generate(now, rng),
                    name: "Dummy".into(),
                    role: Some(id),
                    dashboard_override: Some(DashboardAccess::None),
                    active: true,
                };
                let actions: Vec<Action> = role.actions().into_iter().chain(member.actions()).collect();
                accept::author(tx, now, rng, workspace, directory, &actions)?;
                Ok((member.id, id))
            })
            .await;
        let queues = relay
            .write(move |tx, now, rng| {
                let mut queue = |archived| -> Result<QueueId, StoreError> {
                    let id = QueueId::generate(now, rng);
                    let queue = Queue { name: format!("Queue {id}"), archived, ..Queue::default() };
                    accept::author(tx, now, rng, workspace, settings, &queue.actions(id))?;
                    Ok(id)
                };
                Ok(Queues { open: [queue(false)?, queue(false)?], archived: queue(true)?, dummy: queue(false)? })
            })
            .await;
        let things = relay.write(|_, now, rng| Ok([(); 4].map(|()| IntentId::generate(now, rng)))).await;
        let mut office = Self {
            relay,
            workspace,
            people,
            families: Vec::new(),
            directory,
            settings,
            dummy,
            queues,
            things,
            theirs,
            documents: BTreeMap::new(),
            held: BTreeMap::new(),
            phones: 0,
        };
        office.refresh(&[directory, settings]).await;
        office
    }

    /// Puts new conversations in the place of those there are. Members stand to them at random.
    pub async fn new_families(&mut self, many: usize) {
        let (workspace, first) = (self.workspace, self.phones);
        let members: Vec<MemberId> = self.people.iter().map(|person| person.id).collect();
        self.phones += many;
        self.families = self
            .relay
            .write(move |tx, now, rng| {
                let mut families = Vec::new();
                for at in first..first + many {
                    let family = texts(tx, now, rng, workspace, NUMBERS[0], format!("+1415{at:07}"))?;
                    for member in &members {
                        if rng.random_bool(0.4) {
                            let key = AssignmentKey { member: *member, intent: IntentId::generate(now, rng) };
                            let assign =
                                Action::Assign { key, by: None, reason: AssignmentReason::Automation, at: now };
                            accept::author(tx, now, rng, workspace, family.conversation, &[assign])?;
                        }
                        if rng.random_bool(0.2) {
                            let share = Action::ShareContact { member: *member };
                            accept::author(tx, now, rng, workspace, family.contact, &[share])?;
                        }
                    }
                    if rng.random_bool(0.5) {
                        let detail = Action::SetDetail { name: "campaign.name".into(), value: Some("Spring".into()) };
                        accept::author(tx, now, rng, workspace, family.conversation, &[detail])?;
                    }
                    let owner = members[rng.random_range(0..members.len())];
                    let owner = Action::SetContactField { field: ContactField::Owner, value: Some(owner.to_string()) };
                    accept::author(tx, now, rng, workspace, family.contact, &[owner])?;
                    families.push(family);
                }
                Ok(families)
            })
            .await;
        let all: Vec<DocumentId> =
            self.families.iter().flat_map(|family| [family.conversation, family.contact]).collect();
        self.documents.retain(|id, _| [self.directory, self.settings].contains(id));
        self.held.clear();
        self.refresh(&all).await;
    }

    /// Takes documents as the relay holds them now.
    pub async fn refresh(&mut self, wanted: &[DocumentId]) {
        let wanted = wanted.to_vec();
        let read = self
            .relay
            .write(move |tx, _, _| {
                let mut read = Vec::new();
                for id in wanted {
                    let document = documents::one(tx, id)?.ok_or(StoreError::Missing("document"))?;
                    read.push((id, document, held(tx, id)?));
                }
                Ok(read)
            })
            .await;
        for (id, document, held) in read {
            self.documents.insert(id, open(&document));
            self.held.insert(id, held);
        }
    }

    /// How a member stands to a contact: by all conversations with it.
    pub fn stands_to_contact(&self, person: usize, family: &Family) -> Stands {
        let stands = self.stands(person, family);
        Stands { assigned: stands.assigned || family.opener == Some(self.people[person].id), ..stands }
    }

    /// How a member stands to a conversation, by the documents' own words.
    pub fn stands(&self, person: usize, family: &Family) -> Stands {
        let id = self.people[person].id.to_string();
        let (conversation, contact) = (&self.documents[&family.conversation], &self.documents[&family.contact]);
        let assigned = keys(conversation, "assignments").iter().any(|key| key.starts_with(&id));
        let shared = keys(contact, "shared").contains(&id);
        let owner = contact.get(map(contact, "fields"), "owner").unwrap();
        let owns = owner.is_some_and(|(owner, _)| owner.as_str() == Some(&id));
        Stands { assigned, own: shared || owns }
    }

    /// A phone that no contact has.
    pub fn fresh_phone(&mut self) -> String {
        self.phones += 1;
        format!("+1415{:07}", self.phones - 1)
    }
}

fn held(tx: &Tx<'_>, document: DocumentId) -> Result<Vec<Held>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT message, author FROM ledger WHERE document = ?1 AND author IS NOT NULL
         AND (state = 'held' OR (state = 'queued' AND due IS NOT NULL))",
    )?;
    let rows = statement.query_map([document.as_bytes()], |row| {
        Ok(Held { message: IntentId(row.get(0)?), author: MemberId(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A document for raw changes.
pub fn open(document: &Document) -> Automerge {
    Automerge::load(&document.save()).unwrap()
}

/// A root map.
pub fn map(document: &impl ReadDoc, name: &str) -> automerge::ObjId {
    document.get(ROOT, name).unwrap().unwrap_or_else(|| panic!("no map {name}")).1
}

/// The keys of a root map.
pub fn keys(document: &impl ReadDoc, name: &str) -> Vec<String> {
    document.keys(map(document, name)).collect()
}
