//! Close and reopen. Status is no value that the last writer wins: a closing names the last inbound message that its
//! author knew of, and counts only while that is still the last one (R20).

use crate::{
    ids::{IntentId, MessageId},
    intents::{Author, VerbError},
    model::{Action, Conversation},
};

pub(super) fn close(author: &Author, seen: Option<MessageId>) -> Vec<Action> {
    vec![Action::Close { id: author.intent, by: author.member, at: author.at, seen }]
}

pub(super) fn reopen(author: &Author, closings: &[IntentId], on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let actions: Vec<Action> = on
        .standing_closings()
        .filter(|closing| closings.contains(&closing.id))
        .map(|closing| Action::Reopen { closing: closing.id, id: author.intent, by: author.member, at: author.at })
        .collect();
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}
