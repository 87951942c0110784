//! One conversation as a screen shows it: the information panel's two sections (R24) and the messages in the relay's
//! order (R41).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{IntentId, MemberId},
    model::{Assignment, Contact, Conversation, conversation::AssignmentReason},
    protocol::{Deed, Fact, FactBody, Seq},
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
    /// Who did what that no message tells, in the relay's order; what this device has pending comes last (R41).
    pub timeline: Vec<TimelineEntry>,
}

/// One thing that somebody did in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When: the relay's time, or this device's while it is pending.
    pub at: Timestamp,
    /// Its order at the relay; `None` while it is pending.
    pub order: Option<Seq>,
    /// Who; `None` for the relay.
    pub by: Option<MemberId>,
    /// What.
    pub what: Deed,
}

/// Who did what in a conversation, earliest first.
pub(super) fn timeline(
    conversation: &Conversation,
    facts: &[Fact],
    pending: &BTreeSet<IntentId>,
) -> Vec<TimelineEntry> {
    let mut timeline = Vec::new();
    for fact in facts {
        let FactBody::Event(event) = &fact.body else { continue };
        let (at, order, by) = (event.at, Some(event.order), event.by);
        timeline.extend(event.what.iter().cloned().map(|what| TimelineEntry { at, order, by, what }));
    }
    timeline.sort_by_key(|entry| entry.order);
    let mut waits: Vec<TimelineEntry> = self::pending(conversation, pending).collect();
    waits.sort_by_key(|entry| entry.at);
    timeline.extend(waits);
    timeline
}

/// What this device's pending intents did, as far as the document says who did it.
fn pending<'a>(
    conversation: &'a Conversation,
    pending: &'a BTreeSet<IntentId>,
) -> impl Iterator<Item = TimelineEntry> + 'a {
    let entry = move |intent: IntentId, at, by, what| {
        pending.contains(&intent).then_some(TimelineEntry { at, order: None, by, what })
    };
    let assigned = conversation.assignments.iter().filter(|assignment| assignment.reason != AssignmentReason::Reply);
    let assigned = assigned.filter_map(move |assignment| {
        let what = Deed::Assigned { member: assignment.key.member, reason: assignment.reason };
        entry(assignment.key.intent, assignment.at, assignment.by, what)
    });
    let closed = conversation.closings.iter().filter_map(move |of| entry(of.id, of.at, Some(of.by), Deed::Closed));
    let reopened =
        conversation.reopenings.iter().filter_map(move |of| entry(of.id, of.at, Some(of.by), Deed::Reopened));
    let snoozed = conversation
        .sorting
        .snoozes
        .iter()
        .filter_map(move |of| entry(of.id, of.at, Some(of.by), Deed::Snoozed { until: of.until }));
    let woken = conversation.sorting.wakings.iter().filter_map(move |of| entry(of.id, of.at, Some(of.by), Deed::Woken));
    assigned.chain(closed).chain(reopened).chain(snoozed).chain(woken)
}
