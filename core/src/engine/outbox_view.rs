//! What has not arrived yet, as its author sees it: saved, on its way, waiting, held by the stale-reply guard (R33), or
//! in need of attention (R9, refusals). Nothing that was written is ever dropped silently.

use serde::Serialize;

use crate::{
    ids::{ConversationId, IntentId},
    protocol::HeldBecause,
    store::OutboxEntry,
    sync::storage::{Attention, IntentState},
    time::Timestamp,
    triage::MessageView,
};

/// One thing that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxItem {
    /// Its intent; for a held reply this is the message too.
    pub intent: IntentId,
    /// In which conversation; `None` for a contact's, or where the conversation is not on this device any more.
    pub conversation: Option<ConversationId>,
    /// With or about whom.
    pub contact_name: String,
    /// What was asked for, by the name of [`crate::intents::Verb::name`].
    pub verb: &'static str,
    /// The text that it carries.
    pub text: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// How far it is.
    pub state: OutboxState,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// Saved on this device; can be undone.
    Saved {
        /// Not sent before this time.
        send_after: Timestamp,
    },
    /// On its way to the relay.
    Sending,
    /// Waits for the document that the relay named, to be run again there.
    Waiting,
    /// Accepted, but held by the stale-reply guard: send, edit or drop it (R33).
    Held {
        /// On account of which message.
        because: HeldBecause,
        /// That message's text, if it is on this device.
        by_text: Option<String>,
    },
    /// Accepted, and waits at the relay for its time: send it at once, edit or drop it.
    Scheduled {
        /// When it is to be sent.
        at: Timestamp,
    },
    /// Refused, or impossible by now: retry, edit or discard it.
    NeedsAttention(Attention),
}

/// The item of an intent that has not been accepted; `None` for an accepted one.
pub(super) fn of_intent(entry: OutboxEntry) -> Option<OutboxItem> {
    let OutboxEntry { intent, conversation, contact_name } = entry;
    let state = match intent.state {
        IntentState::Pending => OutboxState::Saved { send_after: intent.send_after },
        IntentState::InFlight { .. } => OutboxState::Sending,
        IntentState::WaitsFor { .. } => OutboxState::Waiting,
        IntentState::NeedsAttention(why) => OutboxState::NeedsAttention(why),
        IntentState::Accepted { .. } => return None,
    };
    // What has left this device is still named as its author knew it.
    let remembered = intent.natural_key.map(|key| if key.name.is_empty() { key.phone } else { key.name });
    Some(OutboxItem {
        intent: intent.id,
        conversation,
        contact_name: contact_name.or(remembered).unwrap_or_default(),
        verb: intent.verb.name(),
        text: intent.verb.text().map(str::to_owned),
        created: intent.created,
        state,
    })
}

/// The item of a reply that waits for its time.
pub(super) fn of_scheduled(
    message: &MessageView,
    at: Timestamp,
    conversation: ConversationId,
    contact_name: String,
) -> OutboxItem {
    OutboxItem {
        intent: message.id,
        conversation: Some(conversation),
        contact_name,
        verb: "reply_later",
        text: Some(message.text.clone()),
        created: message.at,
        state: OutboxState::Scheduled { at },
    }
}

/// The item of a reply that is held.
pub(super) fn of_held(
    message: &MessageView,
    because: HeldBecause,
    conversation: ConversationId,
    contact_name: String,
    all: &[MessageView],
) -> OutboxItem {
    let (HeldBecause::Newer(cause) | HeldBecause::Behind(cause)) = because;
    OutboxItem {
        intent: message.id,
        conversation: Some(conversation),
        contact_name,
        verb: "reply",
        text: Some(message.text.clone()),
        created: message.at,
        state: OutboxState::Held {
            because,
            by_text: all.iter().find(|other| other.id == cause).map(|other| other.text.clone()),
        },
    }
}
