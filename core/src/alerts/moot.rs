//! Whether an alert still stands, from replicated state alone (R15): the badge is the number of alerts that do.

use std::collections::BTreeSet;

use crate::{
    alerts::{Alert, Why},
    ids::MemberId,
};

/// What the member's device knows of the alert's conversation.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Who is told.
    pub member: MemberId,
    /// The order of the last message that they have read.
    pub read: u64,
    /// The order of their own last message in it, sent, held or pending (pending ones count as latest).
    pub replied: u64,
    /// Whether they dismissed the alert.
    pub dismissed: bool,
    /// Who is assigned and counts (R8).
    pub effective_assignees: &'a BTreeSet<MemberId>,
    /// Whether the conversation is on their dashboard.
    pub on_dashboard: bool,
    /// Whether they have opened it since the alert was raised; ends an alert that is not about a message.
    pub opened_since: bool,
}

/// Whether an alert has become moot.
pub fn is_moot(alert: &Alert, standing: &Standing<'_>) -> bool {
    if standing.dismissed || !standing.on_dashboard {
        return true;
    }
    let assigned = standing.effective_assignees.contains(&standing.member);
    match alert.why {
        Why::Assigned { order, .. } => standing.read >= order || standing.replied > order || !assigned,
        // Once someone else is assigned, only assignees are told (R13).
        Why::Unassigned { order, .. } => {
            standing.read >= order
                || standing.replied > order
                || (!standing.effective_assignees.is_empty() && !assigned)
        }
        Why::AssignedBy { .. } => !assigned || standing.opened_since,
        // Answering the contact is no answer to a colleague: only reading the note is.
        Why::Mentioned { order, .. } => standing.read >= order,
        Why::Newer => standing.opened_since,
    }
}
