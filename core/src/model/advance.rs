//! A conversation after one more change, without reading its document again: what the relay does with every change that
//! it accepts. Entries are written once, so that a change's actions say what is new; of what several changes may have
//! written apart from each other (tags, origins) the document is asked.

use automerge::{ReadDoc, ScalarValue, Value};

use crate::{
    model::{
        Action, Assignment, Conversation, Document, Message, NewMessage, Priority, Snooze, Waking,
        conversation::{Closing, Decision, Reopening, keys},
        document::map,
        genesis::{ASSIGNMENTS, FIELDS, ORIGINS, TAGS},
    },
    time::Timestamp,
};

impl Conversation {
    /// Brings the conversation up to date with `after`, which holds one accepted change more: that of these actions.
    pub fn advance(&mut self, after: &Document, actions: &[Action]) {
        for action in actions {
            match action {
                Action::AddOrigin { origin, .. } => {
                    if let Some(ScalarValue::Timestamp(at)) = value(after, ORIGINS, origin.name()) {
                        self.origins.insert(*origin, Timestamp(at));
                    }
                }
                Action::AddMessage { id, message } => {
                    let NewMessage { kind, by, text, at, mentions, later } = message.clone();
                    self.messages.insert(*id, Message { id: *id, kind, by, text, at, mentions, later });
                }
                Action::Assign { key, by, reason, at } => {
                    self.assignments.push(Assignment { key: *key, by: *by, reason: *reason, at: *at });
                    self.assignments.sort_by_key(|assignment| assignment.key);
                }
                Action::Unassign { key } if !stands(after, ASSIGNMENTS, &key.to_string()) => {
                    self.assignments.retain(|assignment| assignment.key != *key);
                }
                Action::Close { id, by, at, seen } => {
                    self.closings.push(Closing { id: *id, by: *by, at: *at, seen: *seen });
                    self.closings.sort_by_key(|closing| closing.id);
                }
                Action::Reopen { closing, id, by, at } => {
                    self.reopenings.push(Reopening { closing: *closing, id: *id, by: *by, at: *at });
                    self.reopenings.sort_by_key(|reopening| (reopening.closing, reopening.id));
                }
                Action::DecideHeld { message, id, by, choice } => {
                    self.decisions.push(Decision { message: *message, id: *id, by: *by, choice: *choice });
                    self.decisions.sort_by_key(|decision| (decision.message, decision.id));
                }
                Action::AddTag { tag } | Action::RemoveTag { tag } => {
                    if stands(after, TAGS, tag) {
                        self.tags.insert(tag.clone());
                    } else {
                        self.tags.remove(tag);
                    }
                }
                Action::Snooze { id, by, at, until, seen } => {
                    let snooze = Snooze { id: *id, by: *by, at: *at, until: *until, seen: *seen };
                    self.sorting.snoozes.push(snooze);
                    self.sorting.snoozes.sort_by_key(|snooze| snooze.id);
                }
                Action::Wake { snooze, id, by, at } => {
                    self.sorting.wakings.push(Waking { snooze: *snooze, id: *id, by: *by, at: *at });
                    self.sorting.wakings.sort_by_key(|waking| (waking.snooze, waking.id));
                }
                Action::SetPriority { .. } => {
                    let priority = text(after, keys::PRIORITY).and_then(|name| Priority::from_name(&name));
                    self.sorting.priority = priority.unwrap_or_default();
                }
                Action::SetQueue { .. } => {
                    self.sorting.queue = text(after, keys::QUEUE).and_then(|queue| queue.parse().ok());
                }
                Action::SetDetail { name, .. } => match text(after, name) {
                    Some(value) => drop(self.sorting.details.insert(name.clone(), value)),
                    None => drop(self.sorting.details.remove(name)),
                },
                // Its opening is read with the document; the others are no part of a conversation.
                _ => {}
            }
        }
    }
}

fn text(document: &Document, field: &str) -> Option<String> {
    match value(document, FIELDS, field)? {
        ScalarValue::Str(text) => Some(text.to_string()),
        _ => None,
    }
}

fn stands(document: &Document, name: &'static str, key: &str) -> bool {
    let doc = document.inner();
    map(doc, name).is_ok_and(|map| matches!(doc.get(&map, key), Ok(Some(_))))
}

fn value(document: &Document, name: &'static str, key: &str) -> Option<ScalarValue> {
    let doc = document.inner();
    match doc.get(&map(doc, name).ok()?, key).ok()?? {
        (Value::Scalar(value), _) => Some(value.into_owned()),
        (Value::Object(_), _) => None,
    }
}
