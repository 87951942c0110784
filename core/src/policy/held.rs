//! The stale-reply guard (R33): when a reply is held, and who decides about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{MemberId, MessageId},
    model::{Refusal, RefusalCode},
    policy::change::ConversationFacts,
};

/// What a reply's author had seen, and how long ago they wrote, by their own device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The relay's order of the latest message that the author had before them; 0 for none.
    pub order: u64,
    /// Time elapsed on the author's device between writing and sending, in milliseconds. Not a clock reading: devices'
    /// clocks are hints, but the time that passes on one is fact enough for the guard.
    pub age_ms: u64,
}

/// One message that may have overtaken a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    /// Its id.
    pub id: MessageId,
    /// The relay's order of it.
    pub order: u64,
    /// Who wrote it; `None` for the contact.
    pub by: Option<MemberId>,
    /// Whether it was itself never sent (held or dropped): it then overtakes nobody.
    pub unsent: bool,
}

/// The message on account of which a reply is held, if it is: the contact or a colleague said something newer than its
/// author had seen, and more than `stale_after` has passed on their device since they wrote.
///
/// `later` are the conversation's inbound and outbound messages (no notes) in the relay's order.
pub fn stale(author: MemberId, seen: Seen, stale_after: Duration, later: &[Newer]) -> Option<MessageId> {
    if u128::from(seen.age_ms) <= stale_after.as_millis() {
        return None;
    }
    later
        .iter()
        .find(|newer| newer.order > seen.order && newer.by != Some(author) && !newer.unsent)
        .map(|newer| newer.id)
}

/// Judges a decision about a held message: by its author, or by any assignee after a time; the first one counts.
///
/// # Errors
/// `already_decided`, `not_held`, or `forbidden` for a colleague who is not assigned or too early.
pub fn judge_decision(member: MemberId, message: MessageId, facts: &ConversationFacts<'_>) -> Result<(), Refusal> {
    let path = "decisions";
    let conversation =
        facts.conversation.ok_or_else(|| Refusal::new(RefusalCode::NotHeld, path, "there is no such message"))?;
    if conversation.decisions.iter().any(|decision| decision.message == message) {
        return Err(Refusal::new(
            RefusalCode::AlreadyDecided,
            path,
            "somebody decided about this message before (R33)",
        ));
    }
    let Some((author, since)) = facts.held.get(&message) else {
        return Err(Refusal::new(RefusalCode::NotHeld, path, "this message is not held"));
    };
    if *author == member {
        return Ok(());
    }
    let assigned = conversation.assignments_of(member).next().is_some();
    let waited = facts.now.since(*since) >= facts.held_author_only;
    if assigned && waited {
        Ok(())
    } else {
        Err(Refusal::new(RefusalCode::Forbidden, path, "only its author may decide yet; an assignee may later (R33)"))
    }
}
