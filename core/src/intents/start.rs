//! Start a conversation. Two devices may start the same one apart from each other: the relay keeps the first, and the
//! other's intent is run again on it, where it reopens and replies.

use crate::{
    ids::{ContactId, ConversationId},
    intents::{Author, VerbError, assign, message},
    model::{Action, Channel, Conversation, Origin},
};

pub(super) fn actions(
    author: &Author,
    conversation: ConversationId,
    contact: ContactId,
    channel: &Channel,
    text: Option<&str>,
    on: Option<&Conversation>,
) -> Result<Vec<Action>, VerbError> {
    let mut actions = Vec::new();
    match on {
        None => {
            actions.push(Action::OpenConversation { conversation, contact, channel: channel.clone() });
            actions.push(Action::AddOrigin { origin: Origin::Direct, at: author.at });
        }
        Some(on) => {
            actions.extend(on.standing_closings().map(|closing| Action::Reopen {
                closing: closing.id,
                id: author.intent,
                by: author.member,
                at: author.at,
            }));
        }
    }
    match text {
        Some(text) => actions.extend(message::reply(author, text)?),
        // Who opens a conversation has it: an `assigned` member would lose it again at once.
        // One who can't be assigned sees it through its contact's record (R7, R8).
        None if on.is_none() && author.assignable => actions.extend(assign::assign(author, author.member)),
        None => {}
    }
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}
