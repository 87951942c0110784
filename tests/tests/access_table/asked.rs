//! The verbs as Mia's device pushes them, and what is said to them.

use std::time::Duration;

use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId},
    model::{
        Action, AssignmentKey, Consent, HeldChoice, Kind, MessageKind, NewMessage, Priority, RefusalCode,
        action::{ContactField, RegisterMap, RegisterValue},
        conversation::AssignmentReason,
    },
    protocol::{PushedIntent, Response},
    time::Timestamp,
};
use offdesk_tests::{
    raw::{Device, Fate},
    reference::{Outcome, Verb},
};
use rand::rngs::StdRng;

use crate::company::{Company, Subject, change, opening, phone, reply};

const TOMORROW: Duration = Duration::from_secs(24 * 60 * 60);

/// What an outcome is called on the wire.
pub fn fate(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Done => Fate::Accepted,
        Outcome::Forbidden => Fate::Refused(RefusalCode::Forbidden),
        Outcome::NotEligible => Fate::Refused(RefusalCode::NotEligible),
        Outcome::Unseen => Fate::NeedsAccess,
        Outcome::Exists => Fate::Resolved,
    }
}

/// Pushes every verb in one request, each as a group of its own.
pub async fn push_all(company: &Company, device: &mut Device, rng: &mut StdRng, at: Timestamp) -> Vec<Fate> {
    let mut hand = Hand { company, rng, at };
    let groups = Verb::ALL.into_iter().enumerate().map(|(place, verb)| hand.group(place, verb)).collect();
    let (verdicts, rest) = device.push(groups).await;
    let quiet = |frame: &Response| matches!(frame, Response::Welcome(_) | Response::PushDone { .. });
    assert!(rest.iter().all(quiet), "verdicts alone answer a push: {rest:?}");
    verdicts.iter().map(Fate::from).collect()
}

struct Hand<'a> {
    company: &'a Company,
    rng: &'a mut StdRng,
    at: Timestamp,
}

impl Hand<'_> {
    fn id(&mut self) -> IntentId {
        IntentId::generate(self.at, self.rng)
    }

    /// A change of a document that is there.
    fn edit(&mut self, document: DocumentId, id: IntentId, actions: &[Action]) -> PushedIntent {
        let mut held = self.company.documents[&document].clone();
        change(&mut held, self.rng, self.at, id, document, actions)
    }

    /// A document that comes into being.
    fn create(&mut self, document: DocumentId, kind: Kind, id: IntentId, actions: &[Action]) -> PushedIntent {
        let mut fresh = offdesk_core::model::Document::new(kind);
        change(&mut fresh, self.rng, self.at, id, document, actions)
    }

    fn group(&mut self, place: usize, verb: Verb) -> Vec<PushedIntent> {
        let subject = self.company.subjects[place];
        let id = self.id();
        if let Some(actions) = self.in_conversation(verb, id, &subject) {
            return vec![self.edit(subject.conversation, id, &actions)];
        }
        if let Some(actions) = self.in_record(verb) {
            return vec![self.edit(subject.contact, id, &actions)];
        }
        if let Some((document, actions)) = self.in_set_up(verb) {
            return vec![self.edit(document, id, &actions)];
        }
        self.created(verb, id, place, &subject)
    }

    fn assign(&self, member: MemberId, intent: IntentId) -> Action {
        let (by, reason) = (Some(self.company.mia), AssignmentReason::Manual);
        Action::Assign { key: AssignmentKey { member, intent }, by, reason, at: self.at }
    }

    fn in_conversation(&self, verb: Verb, id: IntentId, subject: &Subject) -> Option<Vec<Action>> {
        let (by, at) = (self.company.mia, self.at);
        let decide = |choice| Action::DecideHeld { message: subject.prepared, id, by, choice };
        Some(match verb {
            Verb::Reply => reply(by, id, at),
            Verb::Note => {
                let message = NewMessage::new(MessageKind::Note, Some(by), "Hm".into(), at);
                vec![Action::AddMessage { id, message }]
            }
            Verb::AssignColleague => vec![self.assign(self.company.cole, id)],
            Verb::AssignSelf => vec![self.assign(by, id)],
            Verb::AssignWithoutDashboard => vec![self.assign(self.company.nora, id)],
            Verb::Unassign => {
                let key = AssignmentKey { member: self.company.cole, intent: subject.prepared };
                vec![Action::Unassign { key }]
            }
            Verb::Close => vec![Action::Close { id, by, at, seen: Some(subject.message) }],
            Verb::Reopen => vec![Action::Reopen { closing: subject.prepared, id, by, at }],
            Verb::AddTag => vec![Action::AddTag { tag: "new".into() }],
            Verb::RemoveTag => vec![Action::RemoveTag { tag: "vip".into() }],
            Verb::Snooze => {
                vec![Action::Snooze { id, by, at, until: at.after(TOMORROW), seen: Some(subject.message) }]
            }
            Verb::Wake => vec![Action::Wake { snooze: subject.prepared, id, by, at }],
            Verb::Prioritise => vec![Action::SetPriority { priority: Priority::Urgent }],
            Verb::MoveToQueue => vec![Action::SetQueue { queue: Some(self.company.queue) }],
            Verb::TakeFromQueue => vec![Action::SetQueue { queue: None }],
            Verb::Mention => {
                let message = NewMessage::new(MessageKind::Note, Some(by), "Have a look".into(), at);
                vec![Action::AddMessage { id, message: NewMessage { mentions: [self.company.cole].into(), ..message } }]
            }
            Verb::ReplyLater => {
                let mut actions = reply(by, id, at);
                let Action::AddMessage { message, .. } = &mut actions[0] else { panic!("a reply is a message") };
                message.later = Some(at.after(TOMORROW));
                actions
            }
            Verb::SendHeld => vec![decide(HeldChoice::Send)],
            Verb::EditHeld => [vec![decide(HeldChoice::Drop)], reply(by, id, at)].concat(),
            _ => return None,
        })
    }

    fn in_record(&self, verb: Verb) -> Option<Vec<Action>> {
        let field = |field, value: String| Action::SetContactField { field, value: Some(value) };
        let cole = self.company.cole;
        let place = Verb::ALL.iter().position(|known| *known == verb)?;
        Some(vec![match verb {
            Verb::RenameContact => field(ContactField::Name, "Maria".into()),
            Verb::AddPhone => Action::AddPhone { phone: phone(300) },
            Verb::RemovePhone => Action::RemovePhone { phone: phone(place) },
            Verb::SetCustomField => Action::SetCustomField { name: "roof".into(), value: Some("slate".into()) },
            // Somebody else than whoever has it, so that something changes.
            Verb::ChangeOwner => field(ContactField::Owner, self.company.nora.to_string()),
            Verb::Share => Action::ShareContact { member: cole },
            Verb::Unshare => Action::UnshareContact { member: cole },
            Verb::RevokeConsent => Action::SetConsent { phone: phone(place), consent: Some(Consent::Revoked) },
            Verb::Block => Action::SetBlocked { blocked: true },
            _ => return None,
        }])
    }

    fn in_set_up(&self, verb: Verb) -> Option<(DocumentId, Vec<Action>)> {
        let set = |map, key: String, value: &str| Action::SetRegister {
            map,
            key,
            value: Some(RegisterValue::Text(value.into())),
        };
        let (company, cole, role) = (self.company, self.company.cole, self.company.role);
        Some(match verb {
            Verb::EditMember => (company.directory, vec![set(RegisterMap::Members, format!("{cole}.name"), "Nick")]),
            Verb::EditRole => (company.directory, vec![set(RegisterMap::Roles, format!("{role}.messages"), "read")]),
            Verb::AddQueue => {
                (company.settings, vec![set(RegisterMap::Queues, format!("{}.name", company.spare), "Sales")])
            }
            Verb::EditSettings => (company.settings, vec![set(RegisterMap::Values, "region".into(), "DE")]),
            _ => return None,
        })
    }

    fn created(&mut self, verb: Verb, id: IntentId, place: usize, subject: &Subject) -> Vec<PushedIntent> {
        let (by, at, number) = (self.company.mia, self.at, self.company.number.clone());
        let document = DocumentId::generate(at, self.rng);
        let card = |phone: String| {
            let owner = Action::SetContactField { field: ContactField::Owner, value: Some(by.to_string()) };
            vec![Action::AddPhone { phone }, owner]
        };
        let start = |hand: &mut Self, contact, said: Vec<Action>| {
            let actions = [opening(hand.rng, contact, &number, at), said].concat();
            hand.create(document, Kind::Conversation, id, &actions)
        };
        match verb {
            Verb::Start | Verb::StartExisting => vec![start(self, subject.contact, reply(by, id, at))],
            Verb::StartSilently => {
                let assign = self.assign(by, id);
                vec![start(self, subject.contact, vec![assign])]
            }
            Verb::StartWithStranger => {
                let (contact, first) = (DocumentId::generate(at, self.rng), self.id());
                let created = self.create(contact, Kind::Contact, first, &card(phone(301)));
                vec![created, start(self, contact, reply(by, id, at))]
            }
            Verb::CreateContact => vec![self.create(document, Kind::Contact, id, &card(phone(302)))],
            Verb::CreateExisting => vec![self.create(document, Kind::Contact, id, &card(phone(place)))],
            other => panic!("{other:?} is not crafted"),
        }
    }
}
