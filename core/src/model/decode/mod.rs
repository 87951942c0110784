//! From the operations of a received change back to its meaning.
//!
//! Every operation is mapped to a path of the schema and checked against the list of what may be written there. Not
//! the patches that applying would give: a concurrent write that loses shows only as a conflict, and a put with a
//! delete shows as nothing at all.
//!
//! The check needs no search in the document. All root maps are made by the pinned genesis, so their object ids are
//! known numbers; entries are immutable, so the only other objects that an operation may write to are those made by
//! the same change. What an operation supersedes (`pred`) must be exactly what stood at its own key at the heads that
//! its author saw: a `pred` that names an operation elsewhere would erase it.

mod entries;
mod scalars;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use crate::{
    ids::{IntentId, MemberId},
    model::{
        Action, AssignmentKey, Document, Kind, Refusal, RefusalCode,
        action::MAX_FIELD_BYTES,
        conversation::keys,
        document::{intent_of, map},
        genesis::{self, ASSIGNMENTS, CLOSINGS, DECISIONS, MESSAGES, REOPENINGS, SNOOZES},
    },
    time::Timestamp,
};
use automerge::{
    ChangeHash, ExpandedChange, ObjType, ROOT, ReadDoc, ScalarValue,
    legacy::{Key, ObjectId, Op, OpId, OpType},
};

/// The times, in milliseconds since the epoch, that a change may hold: 1970 to 9999.
const TIMES: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

/// Decodes what a change of `author` means, against the accepted document that holds all of its dependencies.
/// `author` is `None` for the relay, which alone writes inbound messages and automations' assignments.
///
/// # Errors
/// The first [`Refusal`] found.
pub fn decode(
    document: &Document,
    change: &automerge::Change,
    intent: IntentId,
    author: Option<MemberId>,
) -> Result<Vec<Action>, Refusal> {
    let expanded = change.decode();
    Reader::new(document, &expanded.deps, intent, Author::Is(author)).read(&expanded)
}

/// What an accepted change means if all that it does is to write entries of its own (messages, assignments, closings …),
/// which can be told from it alone: `document` need not hold its dependencies. `None` of any other, and of one that is none
/// of ours.
pub fn entries(document: &Document, change: &automerge::Change) -> Option<Vec<Action>> {
    let expanded = change.decode();
    // As if it had seen nothing: whatever it supersedes is then not what stood there, and ends this.
    let actions = Reader::new(document, &[], intent_of(change)?, Author::Accepted).read(&expanded).ok()?;
    let entry = |action: &Action| {
        matches!(
            action,
            Action::AddMessage { .. }
                | Action::Assign { .. }
                | Action::Close { .. }
                | Action::Reopen { .. }
                | Action::Snooze { .. }
                | Action::Wake { .. }
                | Action::DecideHeld { .. }
        )
    };
    actions.iter().all(entry).then_some(actions)
}

/// Who may have written a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Author {
    /// This member; `None`: the relay.
    Is(Option<MemberId>),
    /// Whom it names: it was judged before.
    Accepted,
}

struct Entry {
    map: &'static str,
    key: String,
    fields: BTreeMap<String, ScalarValue>,
}

struct Reader<'a> {
    document: &'a Document,
    deps: &'a [ChangeHash],
    intent: IntentId,
    author: Author,
    entries: BTreeMap<u64, Entry>,
    touched: BTreeSet<(&'static str, String)>,
    root: BTreeMap<String, String>,
    actions: Vec<Action>,
}

impl<'a> Reader<'a> {
    fn new(document: &'a Document, deps: &'a [ChangeHash], intent: IntentId, author: Author) -> Self {
        Self {
            document,
            deps,
            intent,
            author,
            entries: BTreeMap::new(),
            touched: BTreeSet::new(),
            root: BTreeMap::new(),
            actions: Vec::new(),
        }
    }

    fn read(mut self, expanded: &ExpandedChange) -> Result<Vec<Action>, Refusal> {
        let genesis = genesis::actor(self.document.kind());
        for (index, op) in expanded.operations.iter().enumerate() {
            let counter = expanded.start_op.get() + index as u64;
            self.operation(counter, &expanded.actor_id, &genesis, op)?;
        }
        self.finish()
    }

    fn operation(
        &mut self,
        counter: u64,
        actor: &automerge::ActorId,
        genesis: &automerge::ActorId,
        op: &Op,
    ) -> Result<(), Refusal> {
        let Key::Map(key) = &op.key else {
            return Err(Refusal::new(RefusalCode::UnknownPath, "list", "documents hold no lists"));
        };
        if op.insert {
            return Err(Refusal::new(RefusalCode::UnknownPath, "list", "documents hold no lists"));
        }
        if key.len() > MAX_FIELD_BYTES {
            return Err(Refusal::new(RefusalCode::TooLarge, "key", "a key is longer than 1024 bytes"));
        }
        // A text may hold what its author likes; a key is compared, sorted and shown in lists.
        if key.is_empty() || key.chars().any(char::is_control) {
            return Err(Refusal::new(
                RefusalCode::WrongType,
                "key",
                "a key is not empty and holds no control characters",
            ));
        }
        match &op.obj {
            ObjectId::Root => self.root_operation(key, op),
            ObjectId::Id(OpId(object, by)) if by == genesis => {
                let Some(map) = genesis::map_name(self.document.kind(), *object) else {
                    return Err(Refusal::new(RefusalCode::UnknownPath, "object", "the genesis makes no such map"));
                };
                self.map_operation(map, key, counter, op)
            }
            ObjectId::Id(OpId(object, by)) if by == actor && self.entries.contains_key(object) => {
                self.entry_operation(*object, key, op)
            }
            ObjectId::Id(_) => {
                Err(Refusal::new(RefusalCode::UnknownPath, key, "entries can't be changed once written"))
            }
        }
    }

    fn root_operation(&mut self, key: &str, op: &Op) -> Result<(), Refusal> {
        let known = self.document.kind() == Kind::Conversation
            && [keys::CONVERSATION, keys::CONTACT, keys::CHANNEL].contains(&key);
        if !known {
            return Err(Refusal::new(RefusalCode::UnknownPath, key, "nobody writes this key of the root"));
        }
        let OpType::Put(ScalarValue::Str(value)) = &op.action else {
            return Err(Refusal::new(RefusalCode::WrongType, key, "must be a text"));
        };
        let taken = !matches!(self.document.inner().get(ROOT, key), Ok(None));
        if taken || !op.pred.is_empty() || self.root.contains_key(key) {
            return Err(Refusal::new(RefusalCode::WrongAction, key, "is set once, when the conversation is opened"));
        }
        self.root.insert(key.to_owned(), bounded(key, value)?);
        Ok(())
    }

    fn map_operation(&mut self, map: &'static str, key: &str, counter: u64, op: &Op) -> Result<(), Refusal> {
        if !self.touched.insert((map, key.to_owned())) {
            return Err(Refusal::new(RefusalCode::WrongAction, map, "one change touches a key once"));
        }
        self.check_predecessors(map, key, op)?;
        match (map, &op.action) {
            (MESSAGES | ASSIGNMENTS | CLOSINGS | REOPENINGS | DECISIONS | SNOOZES, OpType::Make(ObjType::Map)) => {
                if !op.pred.is_empty() || self.exists(map, key) {
                    return Err(Refusal::new(RefusalCode::WrongAction, map, "entries can't be changed once written"));
                }
                self.entries.insert(counter, Entry { map, key: key.to_owned(), fields: BTreeMap::new() });
                Ok(())
            }
            (ASSIGNMENTS, OpType::Delete) => {
                let key: AssignmentKey = parse(map, key)?;
                self.actions.push(Action::Unassign { key });
                Ok(())
            }
            (MESSAGES | CLOSINGS | REOPENINGS | DECISIONS | SNOOZES, OpType::Delete) => {
                Err(Refusal::new(RefusalCode::WrongAction, map, "entries can't be deleted"))
            }
            (_, OpType::Put(value)) => self.scalar(map, key, Some(value)),
            (_, OpType::Delete) => self.scalar(map, key, None),
            _ => Err(Refusal::new(RefusalCode::WrongAction, map, "the path doesn't allow this")),
        }
    }

    fn entry_operation(&mut self, object: u64, key: &str, op: &Op) -> Result<(), Refusal> {
        // The caller found the entry under this number.
        let Some(entry) = self.entries.get_mut(&object) else { return Ok(()) };
        let OpType::Put(value) = &op.action else {
            return Err(Refusal::new(RefusalCode::WrongAction, entry.map, "an entry holds plain values"));
        };
        if !op.pred.is_empty() || entry.fields.insert(key.to_owned(), value.clone()).is_some() {
            return Err(Refusal::new(RefusalCode::WrongAction, entry.map, "a field of an entry is written once"));
        }
        Ok(())
    }

    fn exists(&self, map_name: &'static str, key: &str) -> bool {
        let doc = self.document.inner();
        map(doc, map_name).is_ok_and(|map| !matches!(doc.get(&map, key), Ok(None)))
    }

    /// What the operation supersedes must be what its author saw at this very key, no more and no less.
    fn check_predecessors(&self, map_name: &'static str, key: &str, op: &Op) -> Result<(), Refusal> {
        let doc = self.document.inner();
        let wrong = |reason| Refusal::new(RefusalCode::WrongPredecessor, map_name, reason);
        let map = map(doc, map_name).map_err(|_| wrong("the document lacks this map"))?;
        let seen = doc.get_all_at(&map, key, self.deps).map_err(|_| wrong("its dependencies can't be read"))?;
        let seen: BTreeSet<String> = seen.into_iter().map(|(_, id)| id.to_string()).collect();
        let named: BTreeSet<String> = op.pred.iter().map(|OpId(counter, actor)| format!("{counter}@{actor}")).collect();
        if matches!(op.action, OpType::Delete) && named.is_empty() {
            return Err(wrong("it deletes nothing"));
        }
        if seen != named || named.len() != op.pred.len() {
            return Err(wrong("it supersedes something else than what stood at this key"));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Action>, Refusal> {
        let mut actions = Vec::new();
        if !self.root.is_empty() {
            let mut take = |key: &str| {
                self.root.remove(key).ok_or_else(|| Refusal::new(RefusalCode::WrongType, key, "is missing"))
            };
            let (conversation, contact, channel) =
                (take(keys::CONVERSATION)?, take(keys::CONTACT)?, take(keys::CHANNEL)?);
            actions.push(Action::OpenConversation {
                conversation: parse(keys::CONVERSATION, &conversation)?,
                contact: parse(keys::CONTACT, &contact)?,
                channel: parse(keys::CHANNEL, &channel)?,
            });
        }
        let entries = std::mem::take(&mut self.entries);
        actions.append(&mut self.actions);
        for entry in entries.into_values() {
            actions.push(self.entry(entry)?);
        }
        if actions.is_empty() {
            return Err(Refusal::new(RefusalCode::Malformed, "ops", "it changes nothing"));
        }
        Ok(actions)
    }
}

fn bounded(path: &str, text: &str) -> Result<String, Refusal> {
    if text.len() > MAX_FIELD_BYTES {
        return Err(Refusal::new(RefusalCode::TooLarge, path, "longer than 1024 bytes"));
    }
    Ok(text.to_owned())
}

/// Reads an id or channel in the one spelling that we write: ids may be spelt in many ways (lower case, `O` for `0`),
/// and two spellings of a key would be two entries.
fn parse<T: FromStr + Display>(path: &str, text: &str) -> Result<T, Refusal> {
    let parsed: Option<T> = text.parse().ok();
    parsed
        .filter(|parsed| parsed.to_string() == text)
        .ok_or_else(|| Refusal::new(RefusalCode::WrongType, path, "not a valid id"))
}

/// Devices' clocks are hints, but one that no calendar holds is none.
fn time(path: &str, millis: i64) -> Result<Timestamp, Refusal> {
    if TIMES.contains(&millis) {
        Ok(Timestamp(millis))
    } else {
        Err(Refusal::new(RefusalCode::WrongType, path, "a time lies between 1970 and 9999"))
    }
}

fn foreign_key(map: &'static str) -> Refusal {
    Refusal::new(RefusalCode::UnknownPath, map, "an entry's key is the id of the intent that writes it")
}
