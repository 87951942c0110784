//! The relay with a workspace of Mia, whose access changes, and Cole, who may do everything. Mia stands to the
//! conversations in every way; all that anybody could recognise one by is a word of its own.

use std::collections::BTreeSet;

use automerge::ActorId;
use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    model::{
        Action, AssignmentKey, Channel, ContactAccess, Conversation, DashboardAccess, Document, Kind, Member,
        MessageAccess, Role, RoleKind, Settings,
        action::{ContactField, RegisterMap, RegisterValue},
        conversation::AssignmentReason,
    },
    protocol::{Encoder, EnrolResponse, Incarnation, Request, Response, Verdict},
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound, Push, Pusher},
    auth::{self, AuthError},
    relay::{
        PageSizes,
        exchange::{Exchange, Step, goodbye},
        request,
    },
    store::{Ending, Solo, StoreError, Tx},
};
use offdesk_tests::{
    raw::{client::pushed, documents, relay::enrol},
    reference::{self, Dashboard, Kind as RoleOf, Messages, Records, Stands},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

const NUMBER: &str = "+14155550100";
/// So small that every change of access is a list of several pages.
const PAGES: PageSizes = PageSizes { difference: 4, first: 4, later: 6, bytes: 64 * 1024 };

/// What Mia's role gives her.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    pub dashboard: Dashboard,
    pub records: Records,
}

impl Given {
    /// Every level.
    pub fn all() -> Vec<Given> {
        let dashboards = [Dashboard::All, Dashboard::Assigned, Dashboard::None];
        let records = [Records::All, Records::Own, Records::None];
        dashboards
            .iter()
            .flat_map(|dashboard| records.map(|records| Given { dashboard: *dashboard, records }))
            .collect()
    }

    /// As the reference has it.
    pub fn member(self) -> reference::Member {
        let (dashboard, records) = (self.dashboard, self.records);
        reference::Member { kind: Some(RoleOf::User), dashboard, records, messages: Messages::Write }
    }

    fn names(self) -> [(&'static str, &'static str); 2] {
        let dashboard = match self.dashboard {
            Dashboard::All => DashboardAccess::All,
            Dashboard::Assigned => DashboardAccess::Assigned,
            Dashboard::None => DashboardAccess::None,
        };
        let contacts = match self.records {
            Records::All => ContactAccess::All,
            Records::Own => ContactAccess::Own,
            Records::None => ContactAccess::None,
        };
        [("dashboard", dashboard.name()), ("contacts", contacts.name())]
    }
}

/// A contact, the conversation with it if there is one, and the words that stand nowhere else.
#[derive(Clone, Debug)]
pub struct Case {
    pub contact: DocumentId,
    pub conversation: Option<DocumentId>,
    /// Of the contact: name, phone, custom field.
    pub card: Vec<String>,
    /// The first letters of its name, in the search index.
    pub trigram: String,
    /// Of the conversation: messages, note, tag.
    pub said: Vec<String>,
    /// Whether Mia owns the record, or it is shared with her.
    pub own: bool,
}

/// The relay.
pub struct Company {
    solo: Solo,
    pub now: Timestamp,
    rng: StdRng,
    workspace: WorkspaceId,
    directory: DocumentId,
    pub mia: MemberId,
    cole: Pusher,
    role: RoleId,
    pub cases: Vec<Case>,
    pub enrolled: EnrolResponse,
}

/// Whether she is assigned, owns the record, is one of those that it is shared with; and whether there is a conversation.
const CASES: [(bool, bool, bool, bool); 12] = [
    (false, false, false, true),
    (false, false, false, true),
    (true, false, false, true),
    (true, false, false, true),
    (false, true, false, true),
    (false, true, false, true),
    (true, true, false, true),
    (false, false, true, true),
    (true, false, true, true),
    (false, false, false, true),
    (false, true, false, false),
    (false, false, false, false),
];

impl Company {
    /// Founds it, with Mia's access as given.
    pub fn found(given: Given) -> Self {
        let mut rng = StdRng::seed_from_u64(11);
        let now = Timestamp(1_800_000_000_000);
        let mut solo = Solo::in_memory().unwrap();
        let settings = Settings { name: "Acme".into(), numbers: vec![NUMBER.into()], ..Settings::default() };
        let (role, mia) = (RoleId::generate(now, &mut rng), MemberId::generate(now, &mut rng));
        let founded = solo.write(Ending::Commit, |tx| {
            let workspace = accept::create_workspace(tx, now, &mut rng, &settings)?;
            let directory = tx.connection().query_row(
                "SELECT directory FROM workspaces WHERE id = ?1",
                [workspace.as_bytes()],
                |row| row.get(0).map(DocumentId),
            )?;
            let role = Role {
                id: role,
                name: "Mia's".into(),
                kind: RoleKind::User,
                dashboard: DashboardAccess::None,
                contacts: ContactAccess::None,
                messages: MessageAccess::Write,
            };
            let mia =
                Member { id: mia, name: "Mia".into(), role: Some(role.id), dashboard_override: None, active: true };
            let actions: Vec<Action> = role.actions().into_iter().chain(mia.actions()).collect();
            accept::author(tx, now, &mut rng, workspace, directory, &actions)?;
            let everything = Role {
                id: RoleId::generate(now, &mut rng),
                dashboard: DashboardAccess::All,
                contacts: ContactAccess::All,
                ..role.clone()
            };
            let cole = Member {
                id: MemberId::generate(now, &mut rng),
                name: "Cole".into(),
                role: Some(everything.id),
                ..mia.clone()
            };
            let actions: Vec<Action> = everything.actions().into_iter().chain(cole.actions()).collect();
            accept::author(tx, now, &mut rng, workspace, directory, &actions)?;
            let enrolled = enrol(tx, now, &mut rng, workspace, mia.id)?;
            let coles = enrol(tx, now, &mut rng, workspace, cole.id)?;
            // The one that takes whichever comes next.
            tx.connection().execute("UPDATE devices SET incarnation = 0 WHERE id = ?1", [coles.device.as_bytes()])?;
            let cole = Pusher { workspace, member: cole.id, device: coles.device };
            Ok::<_, StoreError>((workspace, directory, enrolled, cole))
        });
        let ((workspace, directory, enrolled, cole), _) = founded.unwrap();
        let mut company = Self { solo, now, rng, workspace, directory, mia, cole, role, cases: Vec::new(), enrolled };
        for at in 0..CASES.len() {
            company.case(at);
        }
        company.give(given);
        company
    }

    /// The same relay once more, to go another way with.
    pub fn copy(&self) -> Self {
        Self {
            solo: self.solo.copy().unwrap(),
            now: self.now,
            rng: StdRng::seed_from_u64(12),
            workspace: self.workspace,
            directory: self.directory,
            mia: self.mia,
            cole: self.cole,
            role: self.role,
            cases: self.cases.clone(),
            enrolled: self.enrolled.clone(),
        }
    }

    fn write<T>(&mut self, work: impl FnOnce(&mut Tx<'_>, Timestamp, &mut StdRng) -> Result<T, StoreError>) -> T {
        self.now = Timestamp(self.now.millis() + 1);
        let (now, rng) = (self.now, &mut self.rng);
        self.solo.write(Ending::Commit, |tx| work(tx, now, rng)).unwrap().0
    }

    fn case(&mut self, at: usize) {
        let (assigned, owns, shared, talks) = CASES[at];
        let (workspace, mia, cole) = (self.workspace, self.mia, self.cole);
        let letter = char::from(b'a' + u8::try_from(at).unwrap());
        let word = |what: &str| format!("{what}{letter}{letter}zq");
        let phone = format!("+1415555{:04}", 4100 + at * 37);
        let trigram = format!("{letter}xj");
        let name = format!("{trigram}{letter}rqv");
        let roof = word("roof");
        let card = vec![name.clone(), phone[2..].to_owned(), roof.clone()];
        let said = [word("hello"), word("internal"), word("tag"), word("again")];
        let texts = said.clone();
        let (conversation, contact) = self.write(move |tx, now, rng| {
            let text = |tx: &mut Tx<'_>, rng: &mut StdRng, text: &str, n: usize| {
                let (channel, provider_id) = (Channel::Sms(NUMBER.into()), format!("SM{at}-{n}"));
                let message = Inbound { workspace, channel, phone: phone.clone(), text: text.into(), provider_id };
                accept::inbound(tx, now, rng, &message).map(|said| said.document)
            };
            let contact_of = |tx: &Tx<'_>| -> Result<DocumentId, StoreError> {
                Ok(tx.connection().query_row(
                    "SELECT contact FROM contact_phones WHERE workspace = ?1 AND phone = ?2",
                    rusqlite::params![workspace.as_bytes(), phone],
                    |row| row.get(0).map(DocumentId),
                )?)
            };
            let field = |field, value: &str| Action::SetContactField { field, value: Some(value.into()) };
            let mut edits = vec![
                field(ContactField::Name, &name),
                Action::SetCustomField { name: "roof".into(), value: Some(roof) },
            ];
            if owns {
                edits.push(field(ContactField::Owner, &mia.to_string()));
            }
            if shared {
                edits.push(Action::ShareContact { member: mia });
            }
            if !talks {
                let contact = lonely(tx, now, rng, &cole, u64::try_from(at).unwrap() + 1, &phone)?;
                accept::author(tx, now, rng, workspace, contact, &edits)?;
                return Ok((None, contact));
            }
            let document = text(tx, rng, &texts[0], 0)?;
            let contact = contact_of(tx)?;
            accept::author(tx, now, rng, workspace, contact, &edits)?;
            let mut actions = vec![Action::AddTag { tag: texts[2].clone() }];
            if assigned {
                let key = AssignmentKey { member: mia, intent: IntentId::generate(now, rng) };
                actions.push(Action::Assign { key, by: None, reason: AssignmentReason::Automation, at: now });
            }
            accept::author(tx, now, rng, workspace, document, &actions)?;
            text(tx, rng, &texts[1], 1)?;
            text(tx, rng, &texts[3], 2)?;
            Ok((Some(document), contact))
        });
        let own = owns || shared;
        let said = said.to_vec();
        self.cases.push(Case { contact, conversation, card, trigram, said, own });
    }

    /// Gives Mia another access.
    pub fn give(&mut self, given: Given) {
        let (workspace, directory, role) = (self.workspace, self.directory, self.role);
        self.write(|tx, now, rng| {
            let set = |(field, value): (&str, &str)| Action::SetRegister {
                map: RegisterMap::Roles,
                key: format!("{role}.{field}"),
                value: Some(RegisterValue::Text(value.into())),
            };
            // A value that stands there already is no change.
            let held = documents::one(tx, directory)?.ok_or(StoreError::Missing("directory"))?;
            let known = offdesk_core::model::Directory::read(&held).roles[&role].clone();
            let before = [("dashboard", known.dashboard.name()), ("contacts", known.contacts.name())];
            let actions: Vec<Action> = given.names().into_iter().filter(|new| !before.contains(new)).map(set).collect();
            if !actions.is_empty() {
                accept::author(tx, now, rng, workspace, directory, &actions)?;
            }
            Ok(())
        });
    }

    /// Somebody writes in every conversation: what was revoked must not come back with news.
    pub fn news(&mut self) {
        let workspace = self.workspace;
        let all: Vec<(usize, DocumentId)> =
            self.cases.iter().enumerate().filter_map(|(at, case)| Some((at, case.conversation?))).collect();
        self.write(|tx, now, rng| {
            for (at, document) in all {
                let tag = Action::AddTag { tag: format!("news{at}") };
                accept::author(tx, now, rng, workspace, document, &[tag])?;
            }
            Ok(())
        });
    }

    fn document(&mut self, id: DocumentId) -> Document {
        self.write(|tx, _, _| documents::one(tx, id)).unwrap()
    }

    /// How Mia stands to a case now.
    pub fn stands(&mut self, case: &Case) -> Stands {
        let assigned = match case.conversation {
            Some(id) => Conversation::read(&self.document(id)).unwrap().assignees().contains(&self.mia),
            None => false,
        };
        Stands { assigned, own: case.own }
    }

    /// The texts that Mia wrote and that were accepted.
    pub fn accepted(&mut self) -> BTreeSet<String> {
        let all: Vec<DocumentId> = self.cases.iter().filter_map(|case| case.conversation).collect();
        let mut texts = BTreeSet::new();
        for id in all {
            let conversation = Conversation::read(&self.document(id)).unwrap();
            let own = conversation.messages.values().filter(|message| message.by == Some(self.mia));
            texts.extend(own.map(|message| message.text.clone()));
        }
        texts
    }

    /// Answers a request to its end.
    pub fn answer(&mut self, frames: &[Request]) -> Vec<Response> {
        let mut encoder = Encoder::new(17).unwrap();
        frames.iter().for_each(|frame| encoder.push(frame).unwrap());
        let request = request::read(&encoder.finish().unwrap()).unwrap();
        let credential = self.enrolled.credential.clone();
        let device = self.solo.read(|tx| auth::authenticate(tx, &credential)).unwrap();
        let mut exchange = Exchange::new(device, request, PAGES);
        let mut frames = Vec::new();
        loop {
            let now = self.now;
            match exchange.step() {
                Step::Read => {
                    let read: Result<(), AuthError> = self.solo.read(|tx| exchange.read(now, tx));
                    if let Err(error) = read {
                        frames.push(Response::Goodbye { reason: goodbye(&error) });
                        return frames;
                    }
                }
                Step::Write => {
                    let rng = &mut self.rng;
                    let written: Result<_, AuthError> =
                        self.solo.write(Ending::Commit, |tx| exchange.write(now, rng, tx));
                    written.unwrap();
                }
                Step::Send { frames: sent, .. } => frames.extend(sent),
                Step::Wait | Step::End => return frames,
            }
        }
    }
}

/// A contact without a conversation, which a colleague creates.
fn lonely(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut StdRng,
    cole: &Pusher,
    number: u64,
    phone: &str,
) -> Result<DocumentId, StoreError> {
    let (contact, id) = (DocumentId::generate(now, rng), IntentId::generate(now, rng));
    let mut actor = [0u8; 16];
    rng.fill_bytes(&mut actor);
    let mut fresh = Document::new(Kind::Contact);
    let change = fresh.author(ActorId::from(actor), id, now, &[Action::AddPhone { phone: phone.into() }]).unwrap();
    let group = vec![pushed(id, contact, Kind::Contact, &change)];
    let incarnation = Incarnation { previous: number - 1, next: number };
    let push = Push { incarnation, number, groups: vec![group], registers: Vec::new() };
    let answer = accept::push(tx, now, cole, &push)?.expect("not a clone");
    let accepted = |frame: &Response| matches!(frame, Response::Verdict { verdict: Verdict::Accepted(_), .. });
    assert!(answer.iter().any(accepted), "{answer:?}");
    Ok(contact)
}
