//! Send anyway, drop, edit: what is done with a held reply (R33). The first decision that the relay accepts counts.

use crate::{
    ids::MessageId,
    intents::{Author, VerbError, message},
    model::{Action, Conversation, HeldChoice},
};

pub(super) fn decide(
    author: &Author,
    held: MessageId,
    choice: HeldChoice,
    on: &Conversation,
) -> Result<Vec<Action>, VerbError> {
    let known = on.messages.contains_key(&held);
    let decided = on.decisions.iter().any(|decision| decision.message == held);
    if !known || decided {
        return Err(VerbError::NotHeld);
    }
    Ok(vec![Action::DecideHeld { message: held, id: author.intent, by: author.member, choice }])
}

pub(super) fn edit(author: &Author, held: MessageId, text: &str, on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let mut actions = decide(author, held, HeldChoice::Drop, on)?;
    actions.extend(message::reply(author, text)?);
    Ok(actions)
}
