//! What a change did, as its [`EventFact`](offdesk_core::protocol::EventFact) tells it: who did what stands in no document,
//! or with a clock that nobody can check.

use offdesk_core::{
    ids::MemberId,
    model::{Action, HeldChoice, conversation::AssignmentReason},
    protocol::Deed,
};

/// What these actions of one change did that no message tells, in their order, each once.
pub(super) fn deeds(author: Option<MemberId>, actions: &[Action]) -> Vec<Deed> {
    let says = actions.iter().any(|action| matches!(action, Action::AddMessage { .. }));
    let opens = actions.iter().any(|action| matches!(action, Action::OpenConversation { .. }));
    let snoozes = actions.iter().any(|action| matches!(action, Action::Snooze { .. }));
    let mut deeds = Vec::new();
    for action in actions {
        let deed = match action {
            // What the relay opens, it opens for a message.
            Action::OpenConversation { .. } if !says && author.is_some() => Deed::Opened,
            Action::AddOrigin { origin, .. } if !opens => Deed::Marked(*origin),
            // Who replies is assigned by that (R17).
            Action::Assign { key, reason, .. } if *reason != AssignmentReason::Reply => {
                Deed::Assigned { member: key.member, reason: *reason }
            }
            Action::Unassign { key } => Deed::Unassigned { member: key.member },
            Action::Close { .. } => Deed::Closed,
            Action::Reopen { .. } => Deed::Reopened,
            Action::Snooze { until, .. } => Deed::Snoozed { until: *until },
            // A snooze takes the place of those that its author saw.
            Action::Wake { .. } if !snoozes => Deed::Woken,
            Action::AddTag { tag } => Deed::Tagged(tag.clone()),
            Action::RemoveTag { tag } => Deed::Untagged(tag.clone()),
            Action::SetPriority { priority } => Deed::Prioritised(*priority),
            Action::SetQueue { queue } => Deed::Moved { queue: *queue },
            Action::DecideHeld { message, choice: HeldChoice::Send, .. } => Deed::Released(*message),
            Action::DecideHeld { message, choice: HeldChoice::Drop, .. } => Deed::Dropped(*message),
            Action::SetConsent { phone, consent } => Deed::Consent { phone: phone.clone(), consent: *consent },
            Action::SetBlocked { blocked } => Deed::Blocked(*blocked),
            _ => continue,
        };
        if !deeds.contains(&deed) {
            deeds.push(deed);
        }
    }
    deeds
}
