//! One conversation as a screen shows it: the information panel's two sections (R24) and the messages in the relay's
//! order (R41).

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    model::{Assignment, Contact, Conversation, HeldChoice, Origin, conversation::AssignmentReason},
    time::Timestamp,
    triage::{ConversationRow, MessageView},
};

/// Everything that is shown of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationView {
    /// Its row, as in the list.
    pub row: ConversationRow,
    /// With whom; `None` if the contact's card is not on this device.
    pub contact: Option<Contact>,
    /// Messages and notes in the relay's order, this device's pending ones last (R41).
    pub messages: Vec<MessageView>,
    /// Every assignment that stands, with who assigned, when and why.
    pub assignments: Vec<Assignment>,
    /// This member's draft.
    pub draft: Option<String>,
    /// Who did what, in the order of their clocks.
    pub timeline: Vec<TimelineEntry>,
}

/// One thing that somebody did in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When, by the clock of who did it.
    pub at: Timestamp,
    /// Who; `None` for the relay.
    pub by: Option<MemberId>,
    /// What.
    pub what: TimelineEvent,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineEvent {
    /// It was opened from here, or came up again.
    Origin(Origin),
    /// A member was assigned, and still is.
    Assigned {
        /// Who.
        member: MemberId,
        /// Why.
        reason: AssignmentReason,
    },
    /// An episode was closed.
    Closed,
    /// A closing was undone.
    Reopened,
    /// A held reply was decided about (R33).
    DecidedHeld {
        /// How.
        choice: HeldChoice,
    },
}

/// Who did what in a conversation, earliest first.
pub(super) fn timeline(conversation: &Conversation) -> Vec<TimelineEntry> {
    let entry = |at, by, what| TimelineEntry { at, by, what };
    let origins = conversation.origins.iter().map(|(origin, at)| entry(*at, None, TimelineEvent::Origin(*origin)));
    let assignments = conversation.assignments.iter().map(|assignment| {
        let what = TimelineEvent::Assigned { member: assignment.key.member, reason: assignment.reason };
        entry(assignment.at, assignment.by, what)
    });
    let closings =
        conversation.closings.iter().map(|closing| entry(closing.at, Some(closing.by), TimelineEvent::Closed));
    let reopenings = conversation
        .reopenings
        .iter()
        .map(|reopening| entry(reopening.at, Some(reopening.by), TimelineEvent::Reopened));
    // A decision has no time of its own; its intent's id begins with the time of its making.
    let decisions = conversation.decisions.iter().map(|decision| {
        let what = TimelineEvent::DecidedHeld { choice: decision.choice };
        entry(made_at(&decision.id.0), Some(decision.by), what)
    });
    let mut timeline: Vec<TimelineEntry> =
        origins.chain(assignments).chain(closings).chain(reopenings).chain(decisions).collect();
    timeline.sort_by_key(|entry| entry.at);
    timeline
}

/// The time in the leading 48 bits of an id.
fn made_at(id: &[u8; 16]) -> Timestamp {
    Timestamp(id[..6].iter().fold(0, |millis, byte| (millis << 8) | i64::from(*byte)))
}
