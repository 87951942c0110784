//! Assign and unassign (R18, R20).

use crate::{
    ids::{IntentId, MemberId},
    intents::{Author, VerbError},
    model::{Action, AssignmentKey, Conversation, conversation::AssignmentReason},
};

/// Always a fresh assignment, even if the member is assigned: it wins over a concurrent removal.
pub(super) fn assign(author: &Author, member: MemberId) -> Vec<Action> {
    vec![Action::Assign {
        key: AssignmentKey { member, intent: author.intent },
        by: Some(author.member),
        reason: AssignmentReason::Manual,
        at: author.at,
    }]
}

pub(super) fn unassign(member: MemberId, seen: &[IntentId], on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let actions: Vec<Action> = on
        .assignments_of(member)
        .filter(|assignment| seen.contains(&assignment.key.intent))
        .map(|assignment| Action::Unassign { key: assignment.key })
        .collect();
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}
