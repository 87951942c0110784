//! Reply and note. A reply assigns its author in the same change (R17), with a fresh assignment even if one stands, so
//! that a concurrent removal, which deletes only what it saw, loses (R20).

use crate::{
    intents::{Author, VerbError},
    model::{Action, AssignmentKey, MessageKind, NewMessage, action::MAX_TEXT_BYTES, conversation::AssignmentReason},
};

pub(super) fn reply(author: &Author, text: &str) -> Result<Vec<Action>, VerbError> {
    Ok(vec![message(author, MessageKind::Outbound, text)?, self_assignment(author)])
}

pub(super) fn note(author: &Author, text: &str) -> Result<Vec<Action>, VerbError> {
    Ok(vec![message(author, MessageKind::Note, text)?])
}

fn message(author: &Author, kind: MessageKind, text: &str) -> Result<Action, VerbError> {
    if text.trim().is_empty() {
        return Err(VerbError::EmptyText);
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(VerbError::TextTooLong(text.len()));
    }
    let message = NewMessage { kind, by: Some(author.member), text: text.to_owned(), at: author.at };
    Ok(Action::AddMessage { id: author.intent, message })
}

fn self_assignment(author: &Author) -> Action {
    Action::Assign {
        key: AssignmentKey { member: author.member, intent: author.intent },
        by: Some(author.member),
        reason: AssignmentReason::Reply,
        at: author.at,
    }
}
