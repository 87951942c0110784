//! A conversation after one more change, without reading its document again: what the relay does with every change that
//! it accepts. Entries are written once, so that a change's actions say what is new; of what several changes may have
//! written apart from each other (tags, origins) the document is asked.

use automerge::{ReadDoc, ScalarValue, Value};

use crate::{
    model::{
        Action, Assignment, Conversation, Document, Message,
        conversation::{Closing, Decision, Reopening},
        document::map,
        genesis::{ASSIGNMENTS, ORIGINS, TAGS},
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
                    let (kind, by, text, at) = (message.kind, message.by, message.text.clone(), message.at);
                    self.messages.insert(*id, Message { id: *id, kind, by, text, at });
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
                // Its opening is read with the document; the others are no part of a conversation.
                _ => {}
            }
        }
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
