//! The queries that choose among many documents say the same as the policy that is asked about one.

use offdesk_core::{
    ids::IntentId,
    model::{
        AssignmentKey, Contact, ContactAccess, MessageAccess, RoleKind,
        action::{ContactField, RegisterMap, RegisterValue},
        conversation::AssignmentReason,
    },
};
use rand::RngExt;
use rusqlite::params;

use super::*;
use crate::{accept::document_row, store::ReadTx};

const DASHBOARDS: [DashboardAccess; 3] = [DashboardAccess::All, DashboardAccess::Assigned, DashboardAccess::None];
const CONTACTS: [ContactAccess; 3] = [ContactAccess::All, ContactAccess::Own, ContactAccess::None];
const MESSAGES: [MessageAccess; 3] = [MessageAccess::Write, MessageAccess::Read, MessageAccess::None];
/// Things that happen in one run.
const HAPPENINGS: usize = 120;

struct Company {
    office: Office,
    dice: StdRng,
    members: Vec<MemberId>,
    conversations: Vec<DocumentId>,
    contacts: Vec<DocumentId>,
    assignments: Vec<(DocumentId, AssignmentKey)>,
}

/// A member of every level, and one without a role.
fn company(seed: u64) -> Company {
    let mut office = Office::open();
    let mut members = Vec::new();
    for dashboard in DASHBOARDS {
        for contacts in CONTACTS {
            for messages in MESSAGES {
                members.push(office.member("Member", (RoleKind::User, dashboard, contacts, messages)));
            }
        }
    }
    let mut company = Company {
        office,
        dice: StdRng::seed_from_u64(seed),
        members,
        conversations: Vec::new(),
        contacts: Vec::new(),
        assignments: Vec::new(),
    };
    let nobody = company.office.member("Without a role", AGENT);
    company.edit_member(nobody, "role", None);
    company.members.push(nobody);
    company
}

impl Company {
    fn pick<T: Copy>(&mut self, from: impl Fn(&Self) -> &Vec<T>) -> T {
        let many = from(self).len();
        let at = self.dice.random_range(0..many);
        from(self)[at]
    }

    fn author(&mut self, document: DocumentId, action: Action) {
        self.office.later(1);
        let (now, workspace, seed) = (self.office.now, self.office.workspace, self.dice.random());
        self.office.write(move |tx| {
            match accept::author(tx, now, &mut StdRng::seed_from_u64(seed), workspace, document, &[action]) {
                // It is so already: a change of nothing can't be authored.
                Err(StoreError::Unreadable { .. }) => Ok(()),
                other => other.map(drop),
            }
        });
    }

    fn edit_member(&mut self, member: MemberId, field: &str, value: Option<RegisterValue>) {
        let (directory, _) = self.office.directory();
        let key = format!("{member}.{field}");
        self.author(directory, Action::SetRegister { map: RegisterMap::Members, key, value });
    }

    /// A contact without a conversation.
    fn card(&mut self) {
        let (now, workspace, seed) = (self.office.now, self.office.workspace, self.dice.random());
        let contact = self.office.write(move |tx| {
            let mut rng = StdRng::seed_from_u64(seed);
            let contact = DocumentId::generate(now, &mut rng);
            let seq = tx.next_seq(workspace)?;
            tx.create_document(workspace, contact, Kind::Contact, seq)?;
            let name = Action::SetContactField { field: ContactField::Name, value: Some("Card".into()) };
            accept::author(tx, now, &mut rng, workspace, contact, &[name])?;
            Ok(contact)
        });
        self.contacts.push(contact);
    }

    fn texts(&mut self, from: usize) {
        let document = self.office.sms(&number(from), "Hi");
        if !self.conversations.contains(&document) {
            self.conversations.push(document);
            self.contacts.push(self.office.conversation(document).contact);
        }
    }

    fn happening(&mut self) {
        let (member, contact) = (self.pick(|company| &company.members), self.pick(|company| &company.contacts));
        match self.dice.random_range(0..9) {
            0 => {
                let from = self.dice.random_range(0..30);
                self.texts(from);
            }
            1 => self.card(),
            2 | 3 => {
                let document = self.pick(|company| &company.conversations);
                let key = AssignmentKey { member, intent: IntentId(self.dice.random()) };
                let (at, reason) = (self.office.now, AssignmentReason::Automation);
                self.author(document, Action::Assign { key, by: None, reason, at });
                self.assignments.push((document, key));
            }
            4 if !self.assignments.is_empty() => {
                let at = self.dice.random_range(0..self.assignments.len());
                let (document, key) = self.assignments.swap_remove(at);
                self.author(document, Action::Unassign { key });
            }
            5 => {
                let value = Some(member.to_string()).filter(|_| self.dice.random_bool(0.8));
                self.author(contact, Action::SetContactField { field: ContactField::Owner, value });
            }
            6 => self.author(contact, Action::ShareContact { member }),
            7 => {
                // Deleting what is not there would be a change of nothing.
                let held = Contact::read(contact, &self.office.held(contact, Kind::Contact)).unwrap();
                if let Some(member) = held.shared_with.first().copied() {
                    self.author(contact, Action::UnshareContact { member });
                }
            }
            _ => {
                let dashboard = DASHBOARDS[self.dice.random_range(0..3)].name();
                self.edit_member(member, "dashboard", Some(RegisterValue::Text(dashboard.into())));
            }
        }
    }

    /// Compares, for every member.
    fn check(&mut self) {
        let workspace = self.office.workspace;
        for member in self.members.clone() {
            let device = self.office.phone(member).pusher.device;
            let since = self.dice.random_range(0..400);
            self.office
                .store
                .read_blocking(move |tx| {
                    let access = auth::access(tx, workspace, member)?.ok_or(StoreError::Missing("member"))?;
                    let device = Authenticated { device, member, workspace, access, incarnation: 1, push_number: 0 };
                    compare(tx, &device, since)
                })
                .unwrap();
        }
    }
}

fn compare(tx: &ReadTx<'_>, device: &Authenticated, since: u64) -> Result<(), StoreError> {
    let mut all = tx.connection().prepare("SELECT id, last_seq FROM documents WHERE workspace = ?1")?;
    let all = all
        .query_map(params![device.workspace.as_bytes()], |row| Ok((DocumentId(row.get(0)?), row.get(1)?)))?
        .collect::<Result<Vec<(DocumentId, u64)>, _>>()?;
    let listed: Vec<DocumentId> = backfill::cold_order(tx, device)?.into_iter().map(|(document, _)| document).collect();
    let candidates = catch_up::candidates(tx, device, since)?;
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "nothing is listed twice");
    for (document, last) in all {
        let row = document_row(tx, document)?.ok_or(StoreError::Missing("document"))?;
        let seen = tx.visibility(&device.access, document, &row)?.dashboard();
        let sent = tx.sent_since(&device.access, document, &row)?;
        let told = format!("{document} ({:?}) for {:?}", row.kind, device.access);
        assert_eq!(sent.is_some(), seen, "sent as seen: {told}");
        assert_eq!(listed.contains(&document), seen, "a cold start lists what is seen: {told}");
        let news = seen && (last > since || sent.is_some_and(|from| from > since));
        assert!(!news || candidates.contains(&document), "news are looked at since {since}: {told}");
    }
    Ok(())
}

/// R4 to R7, R9: what a cold start lists and what a difference looks at is what the policy lets a member see, whatever
/// their level and whatever happened.
#[test]
fn the_queries_choose_what_the_policy_shows() {
    for seed in 0..4 {
        println!("seed {seed}");
        let mut company = company(seed);
        (0..5).for_each(|from| company.texts(from));
        company.card();
        for happening in 0..HAPPENINGS {
            company.happening();
            if happening % 30 == 29 {
                company.check();
            }
        }
    }
}
