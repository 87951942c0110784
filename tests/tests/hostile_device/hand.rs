//! One crafted change: raw operations on a document as its author has it, and beside each what the rules make of it. Most
//! steps are sound in themselves; now and then one has a flaw.

use std::time::Duration;

use automerge::{Automerge, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, transaction::Transactable};
use offdesk_core::{
    ids::{ConversationId, IntentId, MemberId},
    time::Timestamp,
};
use offdesk_tests::reference::paths::{Deed, Place, Step};
use rand::{RngExt, rngs::StdRng};

use crate::office::{Family, Held, NUMBERS, Office, keys, map};

pub type Tx<'a> = automerge::transaction::Transaction<'a>;

/// How often a step has a flaw, in percent.
const FLAWED: u32 = 22;
/// A millisecond after the year 9999.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const TOO_LATE: i64 = 253_402_300_800_000;

pub struct Hand<'a> {
    pub dice: StdRng,
    pub office: &'a Office,
    /// Whose device it is.
    pub me: usize,
    pub intent: IntentId,
    pub at: Timestamp,
    /// A phone that no contact has.
    pub phone: String,
    pub steps: Vec<Step>,
}

/// An entry as a member would write it: who and when.
pub fn text(value: impl Into<String>) -> ScalarValue {
    ScalarValue::Str(value.into().into())
}

impl Hand<'_> {
    pub fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    /// The number of a flaw, if this step has one.
    pub fn flaw(&mut self, kinds: usize) -> Option<usize> {
        self.chance(FLAWED).then(|| self.dice.random_range(0..kinds))
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.dice.random_range(0..from.len())].clone())
    }

    pub fn step(&mut self, place: Place, deed: Deed, sound: bool) {
        self.steps.push(Step { place, deed, sound, eligible: true, own: false });
    }

    fn me(&self) -> String {
        self.office.people[self.me].id.to_string()
    }

    fn somebody_else(&mut self) -> String {
        let many = self.office.people.len();
        let other = (self.me + 1 + self.dice.random_range(0..many - 1)) % many;
        self.office.people[other].id.to_string()
    }

    pub fn foreign_id(&mut self) -> IntentId {
        IntentId::generate(self.at, &mut self.dice)
    }

    fn time(&self) -> ScalarValue {
        ScalarValue::Timestamp(self.at.millis())
    }

    /// Puts who and when into an entry, with one of four flaws.
    pub fn signed(&mut self, tx: &mut Tx<'_>, entry: &ObjId, flaw: Option<usize>) {
        let by = match flaw {
            Some(0) => Some(self.somebody_else()),
            Some(1) => None,
            _ => Some(self.me()),
        };
        if let Some(by) = by {
            tx.put(entry, "by", text(by)).unwrap();
        }
        let at = match flaw {
            Some(2) => ScalarValue::Timestamp(TOO_LATE),
            _ => self.time(),
        };
        tx.put(entry, "at", at).unwrap();
        if flaw == Some(3) {
            tx.put(entry, "delivery", text("delivered")).unwrap();
        }
    }

    /// A step in a conversation that is there.
    pub fn in_conversation(&mut self, tx: &mut Tx<'_>, place: Place, held: &[Held]) {
        match place {
            Place::Messages => self.messages(tx),
            Place::Assignments => self.assignments(tx),
            Place::Closings => self.closings(tx),
            Place::Reopenings => self.reopenings(tx),
            Place::Decisions => self.decisions(tx, held),
            Place::Tags => self.tags(tx),
            Place::Origins => self.origins(tx),
            Place::Snoozes => self.snoozes(tx),
            Place::Priority => self.priority(tx),
            Place::Queue => self.queue(tx),
            Place::Details => self.detail(tx),
            Place::Opening => self.reopen_root(tx),
            _ => {
                let name = ["handler", "timeline", "marks"][self.dice.random_range(0..3)];
                let object = map(tx, name);
                tx.put(&object, "ai", text("off")).unwrap();
                self.step(Place::Unused, Deed::Add, true);
            }
        }
    }

    /// Writes into an entry that stands there, or takes it away. `false` if there is none.
    pub fn disturb(&mut self, tx: &mut Tx<'_>, place: Place, name: &str, field: &str) -> bool {
        let own = self.intent.to_string();
        let standing: Vec<String> = keys(tx, name).into_iter().filter(|key| !key.contains(&own)).collect();
        let Some(key) = self.pick(&standing) else { return false };
        let object = map(tx, name);
        match self.dice.random_range(0..3) {
            0 => {
                let Some((_, entry)) = tx.get(&object, &key).unwrap() else { return false };
                tx.put(&entry, field, text("something else")).unwrap();
                self.step(place, Deed::Change, true);
            }
            1 => {
                let entry = tx.put_object(&object, &key, ObjType::Map).unwrap();
                tx.put(&entry, field, text("another")).unwrap();
                self.step(place, Deed::Change, true);
            }
            _ => {
                tx.delete(&object, &key).unwrap();
                self.step(place, Deed::Remove, true);
            }
        }
        true
    }

    fn messages(&mut self, tx: &mut Tx<'_>) {
        if self.chance(20) && self.disturb(tx, Place::Messages, "messages", "text") {
            return;
        }
        let flaw = self.flaw(17);
        let replies = match flaw {
            Some(4 | 13 | 15) => true,
            Some(14 | 16) => false,
            _ => self.chance(60),
        };
        let key = match flaw {
            Some(5) => self.foreign_id().to_string(),
            Some(6) => self.intent.to_string().to_lowercase(),
            _ => self.intent.to_string(),
        };
        let entry = tx.put_object(map(tx, "messages"), key, ObjType::Map).unwrap();
        let kind = match flaw {
            Some(7) => "in",
            Some(8) => "fax",
            _ if replies => "out",
            _ => "note",
        };
        tx.put(&entry, "kind", text(kind)).unwrap();
        self.signed(tx, &entry, flaw);
        let said = format!("message {}", self.dice.random::<u32>());
        match flaw {
            Some(9) => tx.put(&entry, "text", text("  ")).unwrap(),
            Some(10) => tx.put(&entry, "text", text("x".repeat(16 * 1024 + 1))).unwrap(),
            Some(11) => {}
            Some(12) => tx.put(&entry, "text", 5).unwrap(),
            _ => tx.put(&entry, "text", text(said)).unwrap(),
        }
        self.addressed(tx, &entry, replies, flaw);
        self.step(Place::Messages, Deed::Add, flaw.is_none());
        if replies && flaw != Some(4) {
            // R17: who sends is assigned in the same change.
            let key = format!("{}/{}", self.me(), self.intent);
            let entry = tx.put_object(map(tx, "assignments"), key, ObjType::Map).unwrap();
            self.signed(tx, &entry, None);
            tx.put(&entry, "reason", text("reply")).unwrap();
            self.step(Place::Assignments, Deed::Add, true);
        }
    }

    /// Whom a note calls (R26), and when a reply is to leave.
    fn addressed(&mut self, tx: &mut Tx<'_>, entry: &ObjId, replies: bool, flaw: Option<usize>) {
        let colleague = self.somebody_else();
        let time = |after: Duration| ScalarValue::Timestamp(self.at.after(after).millis());
        let (tomorrow, too_far) = (time(DAY), time(2 * YEAR));
        match flaw {
            Some(13) => tx.put(entry, "mentions", text(colleague)).unwrap(),
            Some(14) => {
                let stranger = MemberId::generate(self.at, &mut self.dice);
                tx.put(entry, "mentions", text(stranger.to_string())).unwrap();
            }
            Some(15) => tx.put(entry, "later", too_far).unwrap(),
            Some(16) => tx.put(entry, "later", tomorrow).unwrap(),
            None if replies && self.chance(15) => tx.put(entry, "later", tomorrow).unwrap(),
            None if !replies && self.chance(30) => tx.put(entry, "mentions", text(colleague)).unwrap(),
            _ => {}
        }
    }

    fn assignments(&mut self, tx: &mut Tx<'_>) {
        if self.chance(30) && self.disturb(tx, Place::Assignments, "assignments", "reason") {
            return;
        }
        let flaw = self.flaw(10);
        let whom = self.dice.random_range(0..self.office.people.len());
        let member = match flaw {
            Some(4) => MemberId::generate(self.at, &mut self.dice).to_string(),
            Some(5) => self.office.people[whom].id.to_string().to_lowercase(),
            _ => self.office.people[whom].id.to_string(),
        };
        let intent = if flaw == Some(6) { self.foreign_id() } else { self.intent };
        // A reply assigns its author under this very key.
        let own = format!("{}/{}", self.me(), self.intent);
        let key = format!("{member}/{intent}");
        if key == own && self.steps.iter().any(|step| step.place == Place::Messages) {
            return self.tags(tx);
        }
        let entry = tx.put_object(map(tx, "assignments"), key, ObjType::Map).unwrap();
        self.signed(tx, &entry, flaw);
        let reason = match flaw {
            Some(7) => "automation",
            Some(8) => "whim",
            // It belongs to a reply of the one assigned, and this is none.
            Some(9) => "reply",
            _ => "manual",
        };
        tx.put(&entry, "reason", text(reason)).unwrap();
        let eligible = self.office.people[whom].given.can_be_assigned();
        let sound = flaw.is_none();
        self.steps.push(Step { place: Place::Assignments, deed: Deed::Add, sound, eligible, own: false });
    }

    fn closings(&mut self, tx: &mut Tx<'_>) {
        if self.chance(30) && self.disturb(tx, Place::Closings, "closings", "seen") {
            return;
        }
        let flaw = self.flaw(6);
        let id = if flaw == Some(4) { self.foreign_id() } else { self.intent };
        let entry = tx.put_object(map(tx, "closings"), id.to_string(), ObjType::Map).unwrap();
        self.signed(tx, &entry, flaw);
        match flaw {
            Some(5) => tx.put(&entry, "seen", text("yesterday")).unwrap(),
            _ => {
                let seen = self.pick(&keys(tx, "messages"));
                if let Some(seen) = seen.filter(|seen| *seen != self.intent.to_string()) {
                    tx.put(&entry, "seen", text(seen)).unwrap();
                }
            }
        }
        self.step(Place::Closings, Deed::Add, flaw.is_none());
    }

    fn reopenings(&mut self, tx: &mut Tx<'_>) {
        if self.chance(30) && self.disturb(tx, Place::Reopenings, "reopenings", "by") {
            return;
        }
        let known: Vec<String> =
            keys(tx, "closings").into_iter().filter(|closing| *closing != self.intent.to_string()).collect();
        let Some(closing) = self.pick(&known) else { return self.closings(tx) };
        let flaw = self.flaw(6);
        let closing = if flaw == Some(4) { self.foreign_id().to_string() } else { closing };
        let id = if flaw == Some(5) { self.foreign_id() } else { self.intent };
        let entry = tx.put_object(map(tx, "reopenings"), format!("{closing}/{id}"), ObjType::Map).unwrap();
        self.signed(tx, &entry, flaw);
        self.step(Place::Reopenings, Deed::Add, flaw.is_none());
    }

    fn decisions(&mut self, tx: &mut Tx<'_>, held: &[Held]) {
        if self.chance(50) && self.disturb(tx, Place::Decisions, "decisions", "choice") {
            return;
        }
        let flaw = self.flaw(5);
        let mut open = held.to_vec();
        let decided = keys(tx, "decisions");
        open.retain(|held| !decided.iter().any(|key| key.starts_with(&held.message.to_string())));
        let (message, author) = match self.pick(&open) {
            Some(held) if flaw != Some(3) => (held.message.to_string(), Some(held.author)),
            _ => {
                // One that is not held, or was decided about.
                let Some(message) = self.pick(&keys(tx, "messages")) else { return self.tags(tx) };
                if open.iter().any(|held| held.message.to_string() == message) {
                    return self.tags(tx);
                }
                (message, None)
            }
        };
        let id = if flaw == Some(2) { self.foreign_id() } else { self.intent };
        let entry = tx.put_object(map(tx, "decisions"), format!("{message}/{id}"), ObjType::Map).unwrap();
        let by = if flaw == Some(0) { self.somebody_else() } else { self.me() };
        tx.put(&entry, "by", text(by)).unwrap();
        let choice = match flaw {
            Some(1) => "maybe",
            _ => ["send", "drop"][self.dice.random_range(0..2)],
        };
        tx.put(&entry, "choice", text(choice)).unwrap();
        if flaw == Some(4) {
            tx.put(&entry, "at", ScalarValue::Timestamp(1)).unwrap();
        }
        let own = author == Some(self.office.people[self.me].id);
        let sound = flaw.is_none() && author.is_some();
        self.steps.push(Step { place: Place::Decisions, deed: Deed::Add, sound, eligible: true, own });
    }

    fn tags(&mut self, tx: &mut Tx<'_>) {
        let tags = map(tx, "tags");
        let known = keys(tx, "tags");
        match (self.dice.random_range(0..4), self.pick(&known)) {
            (0, Some(known)) => {
                tx.put(&tags, known, false).unwrap();
                self.step(Place::Tags, Deed::Change, true);
            }
            (1, Some(known)) => {
                tx.delete(&tags, known).unwrap();
                self.step(Place::Tags, Deed::Remove, true);
            }
            _ => {
                let flaw = self.flaw(5);
                let tag = format!("tag {}", self.dice.random::<u32>());
                match flaw {
                    Some(0) => tx.put(&tags, format!(" {tag}"), true).unwrap(),
                    Some(1) => tx.put(&tags, format!("{tag}\u{7}"), true).unwrap(),
                    Some(2) => tx.put(&tags, "t".repeat(1025), true).unwrap(),
                    Some(3) => tx.put(&tags, tag, 1).unwrap(),
                    Some(4) => drop(tx.put_object(&tags, tag, ObjType::Map).unwrap()),
                    _ => tx.put(&tags, tag, true).unwrap(),
                }
                self.step(Place::Tags, Deed::Add, flaw.is_none());
            }
        }
    }

    fn origins(&mut self, tx: &mut Tx<'_>) {
        let origins = map(tx, "origins");
        match self.dice.random_range(0..4) {
            // Once more, dated to tomorrow: it would come before what the relay marked (R22, R41).
            3 => {
                tx.put(&origins, "direct", ScalarValue::Timestamp(self.at.after(DAY).millis())).unwrap();
                self.step(Place::Origins, Deed::Change, true);
            }
            0 => {
                tx.put(&origins, "direct", text("today")).unwrap();
                self.step(Place::Origins, Deed::Change, true);
            }
            1 => {
                tx.delete(&origins, "direct").unwrap();
                self.step(Place::Origins, Deed::Remove, true);
            }
            _ => {
                let origin = ["campaign", "cart_recovery", "luck"][self.dice.random_range(0..3)];
                tx.put(&origins, origin, self.time()).unwrap();
                self.step(Place::Origins, Deed::Add, true);
            }
        }
    }

    /// A conversation's fixed facts, once more.
    fn reopen_root(&mut self, tx: &mut Tx<'_>) {
        let key = ["conversation", "contact", "channel"][self.dice.random_range(0..3)];
        if self.chance(50) {
            tx.put(ROOT, key, text(self.intent.to_string())).unwrap();
            self.step(Place::Opening, Deed::Change, true);
        } else {
            tx.delete(ROOT, key).unwrap();
            self.step(Place::Opening, Deed::Remove, true);
        }
    }

    /// A conversation that comes into being, with a contact that is there, over the second number.
    pub fn opening(&mut self, tx: &mut Tx<'_>, family: &Family) {
        let flaw = self.flaw(8);
        let contact = match flaw {
            Some(0) => self.office.theirs.to_string(),
            Some(1) => family.conversation.to_string(),
            Some(2) => self.foreign_id().to_string(),
            _ => family.contact.to_string(),
        };
        let channel = match flaw {
            Some(3) => "sms:+14155550200".to_owned(),
            Some(4) => "web_chat:widget".to_owned(),
            _ => format!("sms:{}", NUMBERS[1]),
        };
        let id = ConversationId::generate(self.at, &mut self.dice).to_string();
        let id = if flaw == Some(5) { id.to_lowercase() } else { id };
        tx.put(ROOT, "conversation", text(id)).unwrap();
        tx.put(ROOT, "contact", text(contact)).unwrap();
        if flaw != Some(6) {
            tx.put(ROOT, "channel", text(channel)).unwrap();
        }
        if flaw == Some(7) {
            tx.put(ROOT, "owner", text(self.me())).unwrap();
        }
        self.step(Place::Opening, Deed::Add, flaw.is_none());
        if self.chance(15) {
            // Nothing is said in it.
            return;
        }
        let origin = map(tx, "origins");
        tx.put(&origin, "direct", self.time()).unwrap();
        self.messages(tx);
    }
}

/// A document as its author has it.
pub fn fresh(kind: offdesk_core::model::Kind) -> Automerge {
    crate::office::open(&offdesk_core::model::Document::new(kind))
}
