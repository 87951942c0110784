//! Snooze and wake. A snooze names the last inbound message that its author knew of, as a closing does, and counts only while
//! that is still the last one (R20). A new one takes the place of those that its author saw, so that it may also be shorter.

use crate::{
    ids::{IntentId, MessageId},
    intents::{Author, VerbError},
    model::{Action, Conversation},
    policy::MAX_AHEAD,
    time::Timestamp,
};

pub(super) fn snooze(
    author: &Author,
    until: Timestamp,
    seen: Option<MessageId>,
    replaces: &[IntentId],
    on: &Conversation,
) -> Result<Vec<Action>, VerbError> {
    if until <= author.at {
        return Err(VerbError::TimePassed);
    }
    if until > author.at.after(MAX_AHEAD) {
        return Err(VerbError::TooFarAhead);
    }
    let mut actions = end(author, replaces, on);
    actions.push(Action::Snooze { id: author.intent, by: author.member, at: author.at, until, seen });
    Ok(actions)
}

pub(super) fn wake(author: &Author, snoozes: &[IntentId], on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let actions = end(author, snoozes, on);
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}

fn end(author: &Author, snoozes: &[IntentId], on: &Conversation) -> Vec<Action> {
    on.sorting
        .standing_snoozes()
        .filter(|snooze| snoozes.contains(&snooze.id))
        .map(|snooze| Action::Wake { snooze: snooze.id, id: author.intent, by: author.member, at: author.at })
        .collect()
}
