//! What the author of an intent has before them: verbs carry it, so that running them again still means the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{MemberId, MessageId},
    intents::Verb,
    model::{Conversation, MessageKind},
    protocol::{Delivery, Fact, FactBody},
    time::Timestamp,
    triage::{MessageView, project::messages},
};

pub(super) fn message_order(fact: &Fact) -> Option<u64> {
    match &fact.body {
        FactBody::Message(message) => Some(message.order),
        FactBody::Alert(_) | FactBody::Event(_) => None,
    }
}

/// What the author sees, for verbs that carry it, unless the caller says it.
pub(super) fn fill_in(verb: &mut Verb, on: &Conversation, facts: &[Fact]) {
    match verb {
        Verb::Unassign { member, seen } if seen.is_empty() => {
            *seen = on.assignments_of(*member).map(|assignment| assignment.key.intent).collect();
        }
        Verb::Close { seen: seen @ None } => *seen = last_inbound(on, facts),
        Verb::Snooze { seen, replaces, .. } => {
            if seen.is_none() {
                *seen = last_inbound(on, facts);
            }
            if replaces.is_empty() {
                *replaces = on.sorting.standing_snoozes().map(|snooze| snooze.id).collect();
            }
        }
        Verb::Wake { snoozes } if snoozes.is_empty() => {
            *snoozes = on.sorting.standing_snoozes().map(|snooze| snooze.id).collect();
        }
        Verb::Reopen { closings } if closings.is_empty() => {
            *closings = on.standing_closings().map(|closing| closing.id).collect();
        }
        _ => {}
    }
}

fn last_inbound(on: &Conversation, facts: &[Fact]) -> Option<MessageId> {
    let inbound = |message: &MessageView| message.kind == MessageKind::Inbound;
    messages(on, facts).into_iter().rev().find(inbound).map(|message| message.id)
}

/// The held and scheduled messages with author and time (R33).
pub(super) fn held(conversation: &Conversation, facts: &[Fact]) -> BTreeMap<MessageId, (MemberId, Timestamp)> {
    let decided: BTreeSet<_> = conversation.decisions.iter().map(|decision| decision.message).collect();
    facts
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::Message(message)
                if matches!(message.delivery, Delivery::Held(_) | Delivery::Scheduled { .. }) =>
            {
                Some(message)
            }
            _ => None,
        })
        .filter(|message| !decided.contains(&message.id))
        .filter_map(|message| Some((message.id, (conversation.messages.get(&message.id)?.by?, message.at))))
        .collect()
}
