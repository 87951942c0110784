//! Members at their devices: every verb there is (R26), on whatever the device holds.

use offdesk_core::{
    ids::{ConversationId, DocumentId, IntentId, MessageId},
    intents::{ConsentEdit, ContactEdit, NewContact, Verb},
    model::{Channel, Consent, HeldChoice, Kind, Priority},
    protocol::{Delivery, FactBody, Muted, RegisterContent, RegisterKey},
    store::SqliteStorage,
    sync::{
        Part, Session, Submission, SubmitError,
        storage::{IntentRecord, Storage, StorageError},
    },
    time::Timestamp,
};
use rand::Rng;

use crate::{
    furniture::{OUR_NUMBER, QUEUES},
    phone::Said,
    plan::Doing,
    provider::phone_of,
    world::{Violation, World},
};

/// The tags that members use.
const TAGS: [&str; 3] = ["vip", "refund", "later"];

fn nth<T: Copy>(list: &[T], number: u8) -> Option<T> {
    list.get(usize::from(number) % list.len().max(1)).copied()
}

/// What the device holds of a member's own doing.
fn own(disk: &SqliteStorage<'_>) -> Vec<IntentRecord> {
    let mut own = disk.open_intents().unwrap();
    own.extend(disk.attention().unwrap());
    own
}

impl World {
    /// A member uses a device.
    pub fn use_phone(&mut self, at: usize, doing: &Doing) -> Result<(), Violation> {
        if !self.phones[at].alive() {
            return Ok(());
        }
        let before = self.phones[at].look(|disk| own(disk)).unwrap_or_default();
        let said = match doing {
            Doing::MarkRead(_)
            | Doing::MarkUnread(_)
            | Doing::Draft(..)
            | Doing::Dismiss(_)
            | Doing::OpenRecord(_)
            | Doing::Choose(..) => self.look_after(at, doing)?,
            Doing::Each(which) => self.on_each(at, *which)?,
            Doing::Undo(_) | Doing::Discard(_) | Doing::Retry(_) => self.change_mind(at, doing)?,
            _ => self.submit(at, doing)?,
        };
        if let Said::Done(()) = said {
            self.reached(name(doing));
            let after = self.phones[at].look(|disk| own(disk)).unwrap_or_default();
            self.trace.note(self.now, "done", &[at as u64, after.len() as u64], || {
                let new: Vec<String> = after
                    .iter()
                    .filter(|intent| !before.iter().any(|known| known.id == intent.id))
                    .map(|intent| format!("{} {}@{}", intent.verb.name(), intent.id, intent.document))
                    .collect();
                format!("phone {at}: {doing:?} -> {}", new.join(", "))
            });
            self.book.note(at, &before, &after);
        }
        Ok(())
    }

    fn submit(&mut self, at: usize, doing: &Doing) -> Result<Said<()>, Violation> {
        let text = self.book.text(name(doing));
        let members = self.office.members[..self.plan.people.len().clamp(1, 5)].to_vec();
        let doing = doing.clone();
        self.command(at, |session, now, rng, disk| {
            let submission = submission(&doing, text, &members, session, now, rng, disk)?;
            session.submit(now, rng, disk, submission).map(|_| ())
        })
    }

    /// The same on every conversation at once: what can't be done on one hinders none of the others.
    fn on_each(&mut self, at: usize, which: u8) -> Result<Said<()>, Violation> {
        let verb = match which % 3 {
            0 => Verb::AddTag { tag: TAGS[0].into() },
            1 => Verb::SetPriority { priority: Priority::ALL[usize::from(which / 3) % 4] },
            _ => Verb::Close { seen: None },
        };
        self.command(at, |session, now, rng, disk| {
            let conversations = disk.documents(Some(Kind::Conversation))?;
            session.submit_each(now, rng, disk, &conversations, &verb).map(|_| ())
        })
    }

    fn look_after(&mut self, at: usize, doing: &Doing) -> Result<Said<()>, Violation> {
        let text = self.book.text("draft");
        let doing = doing.clone();
        self.command(at, |session, now, _, disk| {
            let conversations = disk.documents(Some(Kind::Conversation))?;
            let pick = |number: u8| nth(&conversations, number).ok_or(SubmitError::Empty);
            match doing {
                Doing::MarkRead(n) => session.mark_read(now, disk, pick(n)?),
                Doing::MarkUnread(n) => session.mark_unread(now, disk, pick(n)?),
                Doing::Draft(n, keep) => session.set_draft(now, disk, pick(n)?, if keep { &text } else { "" }),
                Doing::Dismiss(n) => {
                    let viewer = session.viewer(disk)?;
                    let told = disk.reading().told(&viewer, now, now)?;
                    let alerts: Vec<_> = told.alerts.iter().map(|active| active.alert.id).collect();
                    session.dismiss(now, disk, nth(&alerts, n).ok_or(SubmitError::Empty)?)
                }
                Doing::OpenRecord(n) => {
                    let contacts = disk.documents(Some(Kind::Contact))?;
                    let contact = nth(&contacts, n).ok_or(SubmitError::Empty)?;
                    session.open_record(contact);
                    Ok(())
                }
                Doing::Choose(n, what) => {
                    let (key, value) = chosen(pick(n), what, now, text);
                    session.choose(now, disk, key?, value)
                }
                _ => Err(SubmitError::Empty),
            }
        })
    }

    fn change_mind(&mut self, at: usize, doing: &Doing) -> Result<Said<()>, Violation> {
        let doing = doing.clone();
        self.command(at, |session, now, rng, disk| {
            let open: Vec<IntentId> = disk.open_intents()?.iter().map(|intent| intent.id).collect();
            let attention: Vec<IntentId> = disk.attention()?.iter().map(|intent| intent.id).collect();
            match doing {
                Doing::Undo(n) => session.undo(now, rng, disk, nth(&open, n).ok_or(SubmitError::Empty)?),
                Doing::Discard(n) => session.discard(now, disk, nth(&attention, n).ok_or(SubmitError::Empty)?),
                Doing::Retry(n) => {
                    session.retry(now, rng, disk, nth(&attention, n).ok_or(SubmitError::Empty)?).map(|_| ())
                }
                _ => Err(SubmitError::Empty),
            }
        })
    }
}

/// The registers that members choose for themselves and that belong to no conversation.
pub fn choices() -> [RegisterKey; 5] {
    [
        RegisterKey::QuietHours,
        RegisterKey::Muted(Muted::Everything),
        RegisterKey::Muted(Muted::Queue(QUEUES[1])),
        RegisterKey::SavedFilter(IntentId([1; 16])),
        RegisterKey::Canned(IntentId([2; 16])),
    ]
}

fn chosen(
    conversation: Result<DocumentId, SubmitError>,
    what: u8,
    now: Timestamp,
    text: String,
) -> (Result<RegisterKey, SubmitError>, RegisterContent) {
    let time = if what >= 128 { Timestamp::default() } else { Timestamp(now.0 + i64::from(what) * 1000) };
    match what % 7 {
        0 => (conversation.map(RegisterKey::FollowUp), RegisterContent::Time(time)),
        1 => (conversation.map(|id| RegisterKey::Muted(Muted::Conversation(id))), RegisterContent::Time(time)),
        which => {
            let key = choices()[usize::from(which) - 2];
            let content = match key {
                RegisterKey::Muted(_) => RegisterContent::Time(time),
                RegisterKey::QuietHours if what >= 128 => RegisterContent::Text(String::new()),
                RegisterKey::QuietHours => RegisterContent::Text(quiet_from(now, i64::from(what % 6) + 1)),
                _ => RegisterContent::Text(text),
            };
            (Ok(key), content)
        }
    }
}

/// Quiet hours of so many minutes from now on, every day.
fn quiet_from(now: Timestamp, minutes: i64) -> String {
    let from = now.0 / 60_000 % (24 * 60);
    let to = (from + minutes) % (24 * 60);
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    let (from, to) = (clock(from), clock(to));
    format!(r#"{{"zone":"UTC","spans":[{{"days":[1,2,3,4,5,6,7],"from":"{from}","to":"{to}"}}]}}"#)
}

/// From which minute of the day to which such quiet hours are.
pub fn quiet_minutes(text: &str) -> Option<(i64, i64)> {
    let quiet: serde_json::Value = serde_json::from_str(text).ok()?;
    let minute = |key: &str| {
        let (hours, minutes) = quiet["spans"][0][key].as_str()?.split_once(':')?;
        Some(hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
    };
    Some((minute("from")?, minute("to")?))
}

fn submission(
    doing: &Doing,
    text: String,
    members: &[offdesk_core::ids::MemberId],
    session: &mut Session,
    now: Timestamp,
    rng: &mut dyn Rng,
    disk: &mut SqliteStorage<'_>,
) -> Result<Submission, SubmitError> {
    let conversations = disk.documents(Some(Kind::Conversation))?;
    let one = |number: u8, verb: Verb| {
        nth(&conversations, number).map(|document| Submission::one(document, verb)).ok_or(SubmitError::Empty)
    };
    let member = |number: u8| nth(members, number).ok_or(SubmitError::Empty);
    match *doing {
        Doing::Reply(n) => one(n, Verb::Reply { text }),
        Doing::Note(n) => one(n, Verb::Note { text, mentions: Vec::new() }),
        Doing::Assign(n, who) => one(n, Verb::Assign { member: member(who)? }),
        Doing::Unassign(n, who) => {
            let document = nth(&conversations, n).ok_or(SubmitError::Empty)?;
            let assigned: Vec<_> = session
                .conversation(disk, document)
                .map_err(SubmitError::from)?
                .map(|conversation| conversation.assignees().into_iter().collect())
                .unwrap_or_default();
            let member = nth(&assigned, who).ok_or(SubmitError::Empty)?;
            one(n, Verb::Unassign { member, seen: Vec::new() })
        }
        Doing::Close(n) => one(n, Verb::Close { seen: None }),
        Doing::Reopen(n) => one(n, Verb::Reopen { closings: Vec::new() }),
        Doing::AddTag(n, tag) => one(n, Verb::AddTag { tag: TAGS[usize::from(tag) % TAGS.len()].into() }),
        Doing::RemoveTag(n, tag) => one(n, Verb::RemoveTag { tag: TAGS[usize::from(tag) % TAGS.len()].into() }),
        Doing::Snooze(n, minutes) => {
            let until = Timestamp(now.0 + (i64::from(minutes) + 1) * 60_000);
            one(n, Verb::Snooze { until, seen: None, replaces: Vec::new() })
        }
        Doing::Wake(n) => one(n, Verb::Wake { snoozes: Vec::new() }),
        Doing::Priority(n, which) => one(n, Verb::SetPriority { priority: Priority::ALL[usize::from(which) % 4] }),
        Doing::Queue(n, which) => {
            let all = [Some(QUEUES[1]), Some(QUEUES[0]), Some(QUEUES[1]), Some(QUEUES[2]), None];
            one(n, Verb::MoveToQueue { queue: all[usize::from(which) % all.len()] })
        }
        Doing::Mention(n, who) => one(n, Verb::Note { text, mentions: vec![member(who)?] }),
        Doing::ReplyLater(n, tens) => {
            let at = Timestamp(now.0 + (i64::from(tens) + 1) * 10_000);
            one(n, Verb::ReplyLater { text, at })
        }
        Doing::Block(n, blocked) => {
            let contact = nth(&disk.documents(Some(Kind::Contact))?, n).ok_or(SubmitError::Empty)?;
            let edit = ContactEdit { blocked: Some(blocked), ..ContactEdit::default() };
            Ok(Submission::one(contact, Verb::EditContact(edit)))
        }
        Doing::Consent(n, what) => {
            let phone = phone_of(what / 4);
            let consent = [Some(Consent::Granted), Some(Consent::Revoked), None][usize::from(what) % 3];
            let contact = nth(&disk.documents(Some(Kind::Contact))?, n).ok_or(SubmitError::Empty)?;
            let card = session.contact(disk, contact)?;
            let seen = card.and_then(|card| card.reach.consent.get(&phone).copied());
            let consent = vec![ConsentEdit { phone, consent, seen }];
            Ok(Submission::one(contact, Verb::EditContact(ContactEdit { consent, ..ContactEdit::default() })))
        }
        Doing::SendHeld(n) | Doing::DropHeld(n) | Doing::EditHeld(n) => {
            let held = held(disk, &conversations)?;
            let (document, message) = nth(&held, n).ok_or(SubmitError::Empty)?;
            let verb = match doing {
                Doing::SendHeld(_) => Verb::DecideHeld { message, choice: HeldChoice::Send },
                Doing::DropHeld(_) => Verb::DecideHeld { message, choice: HeldChoice::Drop },
                _ => Verb::EditHeld { message, text },
            };
            Ok(Submission::one(document, verb))
        }
        Doing::Start(customer, says) => start(customer, says.then_some(text), session, now, rng, disk),
        Doing::CreateContact(customer) => {
            let new = NewContact { name: text, phones: vec![phone_of(customer)], ..NewContact::default() };
            Ok(Submission::one(DocumentId::generate(now, rng), Verb::CreateContact(new)))
        }
        Doing::EditContact(n, which) => {
            let contacts = disk.documents(Some(Kind::Contact))?;
            let contact = nth(&contacts, n).ok_or(SubmitError::Empty)?;
            let who = vec![member(which / 8)?];
            let edit = match which % 8 {
                0 | 1 => ContactEdit { name: Some(text), ..ContactEdit::default() },
                2 => ContactEdit { add_phones: vec![phone_of(which / 8)], ..ContactEdit::default() },
                3 => ContactEdit { remove_phones: vec![phone_of(which / 8)], ..ContactEdit::default() },
                4 => ContactEdit { owner: who.first().copied(), ..ContactEdit::default() },
                5 | 6 => ContactEdit { share: who, ..ContactEdit::default() },
                _ => ContactEdit { unshare: who, ..ContactEdit::default() },
            };
            Ok(Submission::one(contact, Verb::EditContact(edit)))
        }
        _ => Err(SubmitError::Empty),
    }
}

/// As the engine starts one: on what the device holds, else anew.
fn start(
    customer: u8,
    text: Option<String>,
    session: &mut Session,
    now: Timestamp,
    rng: &mut dyn Rng,
    disk: &mut SqliteStorage<'_>,
) -> Result<Submission, SubmitError> {
    let phone = phone_of(customer);
    let channel = Channel::Sms(OUR_NUMBER.into());
    let known = disk.contact_by_phone(&phone)?;
    if let Some(contact) = known
        && let Some(document) = disk.conversation_with(contact, &channel)?
        && let Some(held) = session.conversation(disk, document).map_err(SubmitError::from)?
    {
        let verb = Verb::StartConversation { conversation: held.id, contact, channel, text };
        return Ok(Submission::one(document, verb));
    }
    let contact = known.unwrap_or_else(|| DocumentId::generate(now, rng));
    let conversation = ConversationId::generate(now, rng);
    let mut parts = Vec::new();
    if known.is_none() {
        let new =
            NewContact { name: format!("customer {}", customer % 6), phones: vec![phone], ..NewContact::default() };
        parts.push(Part { document: contact, verb: Verb::CreateContact(new), natural_key: None });
    }
    let verb = Verb::StartConversation { conversation, contact, channel, text };
    parts.push(Part { document: DocumentId::generate(now, rng), verb, natural_key: None });
    Ok(Submission { parts })
}

fn held(disk: &SqliteStorage<'_>, conversations: &[DocumentId]) -> Result<Vec<(DocumentId, MessageId)>, StorageError> {
    let mut held = Vec::new();
    for document in conversations {
        for fact in disk.facts(*document)? {
            if let FactBody::Message(message) = fact.body
                && matches!(message.delivery, Delivery::Held(_) | Delivery::Scheduled { .. })
            {
                held.push((*document, message.id));
            }
        }
    }
    Ok(held)
}

fn name(doing: &Doing) -> &'static str {
    match doing {
        Doing::Reply(_) => "reply",
        Doing::Note(_) => "note",
        Doing::Assign(..) => "assign",
        Doing::Unassign(..) => "unassign",
        Doing::Close(_) => "close",
        Doing::Reopen(_) => "reopen",
        Doing::AddTag(..) => "add tag",
        Doing::RemoveTag(..) => "remove tag",
        Doing::SendHeld(_) => "send held",
        Doing::DropHeld(_) => "drop held",
        Doing::EditHeld(_) => "edit held",
        Doing::Start(..) => "start",
        Doing::CreateContact(_) => "create contact",
        Doing::EditContact(..) => "edit contact",
        Doing::MarkRead(_) => "mark read",
        Doing::MarkUnread(_) => "mark unread",
        Doing::Draft(..) => "draft",
        Doing::Dismiss(_) => "dismiss",
        Doing::Undo(_) => "undo",
        Doing::Discard(_) => "discard",
        Doing::Retry(_) => "retry",
        Doing::Snooze(..) => "snooze",
        Doing::Wake(_) => "wake",
        Doing::Priority(..) => "priority",
        Doing::Queue(..) => "queue",
        Doing::Mention(..) => "mention",
        Doing::ReplyLater(..) => "reply later",
        Doing::Block(..) => "block",
        Doing::Consent(..) => "consent",
        Doing::Each(_) => "each",
        Doing::Choose(..) => "choose",
        Doing::OpenRecord(_) => "open record",
    }
}
