//! Whether an alert still stands, and if not why, from replicated state alone (R15): the badge is the number of alerts that
//! do and that may show.

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

/// Why an alert stands no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moot {
    /// They dismissed it.
    Dismissed,
    /// The conversation left their dashboard.
    OutOfSight,
    /// They read it.
    Read,
    /// They replied.
    Replied,
    /// They are not assigned any more.
    Unassigned,
    /// Somebody else is assigned by now (R13).
    OthersAssigned,
}

/// Why an alert has become moot; `None` while it stands.
pub fn why_moot(alert: &Alert, standing: &Standing<'_>) -> Option<Moot> {
    let assigned = standing.effective_assignees.contains(&standing.member);
    let when = |is: bool, moot: Moot| is.then_some(moot);
    let general = when(standing.dismissed, Moot::Dismissed).or_else(|| when(!standing.on_dashboard, Moot::OutOfSight));
    general.or_else(|| match alert.why {
        Why::Assigned { order, .. } => when(standing.read >= order, Moot::Read)
            .or_else(|| when(standing.replied > order, Moot::Replied))
            .or_else(|| when(!assigned, Moot::Unassigned)),
        // Once someone else is assigned, only assignees are told (R13).
        Why::Unassigned { order, .. } => when(standing.read >= order, Moot::Read)
            .or_else(|| when(standing.replied > order, Moot::Replied))
            .or_else(|| when(!standing.effective_assignees.is_empty() && !assigned, Moot::OthersAssigned)),
        Why::AssignedBy { .. } => when(!assigned, Moot::Unassigned).or_else(|| when(standing.opened_since, Moot::Read)),
        // Answering the contact is no answer to a colleague: only reading the note is.
        Why::Mentioned { order, .. } => when(standing.read >= order, Moot::Read),
        // A reminder is there while it is due and not dealt with; nothing else ends it here.
        Why::Reminder(_) => None,
        Why::Newer => when(standing.opened_since, Moot::Read),
    })
}

/// Whether an alert has become moot.
pub fn is_moot(alert: &Alert, standing: &Standing<'_>) -> bool {
    why_moot(alert, standing).is_some()
}
