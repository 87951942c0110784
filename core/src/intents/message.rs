//! Reply, at once or later, and note. A reply assigns its author in the same change (R17), with a fresh assignment even if one stands, so
//! that a concurrent removal, which deletes only what it saw, loses (R20).

use crate::{
    ids::MemberId,
    intents::{Author, VerbError},
    model::{
        Action, AssignmentKey, MessageKind, NewMessage,
        action::{MAX_MENTIONS, MAX_TEXT_BYTES},
        conversation::AssignmentReason,
    },
    policy::MAX_AHEAD,
    time::Timestamp,
};

pub(super) fn reply(author: &Author, text: &str) -> Result<Vec<Action>, VerbError> {
    let message = message(author, MessageKind::Outbound, text)?;
    Ok(vec![Action::AddMessage { id: author.intent, message }, self_assignment(author)])
}

/// Once its time has passed, such as on a device that was offline, it is sent when it can be.
pub(super) fn reply_later(author: &Author, text: &str, at: Timestamp) -> Result<Vec<Action>, VerbError> {
    if at <= author.at {
        return Err(VerbError::TimePassed);
    }
    if at > author.at.after(MAX_AHEAD) {
        return Err(VerbError::TooFarAhead);
    }
    let message = NewMessage { later: Some(at), ..message(author, MessageKind::Outbound, text)? };
    Ok(vec![Action::AddMessage { id: author.intent, message }, self_assignment(author)])
}

pub(super) fn note(author: &Author, text: &str, mentions: &[MemberId]) -> Result<Vec<Action>, VerbError> {
    let mentions = mentions.iter().copied().collect::<std::collections::BTreeSet<_>>();
    if mentions.len() > MAX_MENTIONS {
        return Err(VerbError::TooManyMentions);
    }
    let message = NewMessage { mentions, ..message(author, MessageKind::Note, text)? };
    Ok(vec![Action::AddMessage { id: author.intent, message }])
}

fn message(author: &Author, kind: MessageKind, text: &str) -> Result<NewMessage, VerbError> {
    if text.trim().is_empty() {
        return Err(VerbError::EmptyText);
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(VerbError::TextTooLong(text.len()));
    }
    Ok(NewMessage::new(kind, Some(author.member), text.to_owned(), author.at))
}

fn self_assignment(author: &Author) -> Action {
    Action::Assign {
        key: AssignmentKey { member: author.member, intent: author.intent },
        by: Some(author.member),
        reason: AssignmentReason::Reply,
        at: author.at,
    }
}
