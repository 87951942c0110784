//! What has not arrived yet, as its author sees it.

use offdesk_core::{
    engine,
    ids::{ConversationId, IntentId},
    sync::storage,
    time::Timestamp,
};

use crate::{conversation::HeldBecause, lists::live_list};

/// Why something needs its author's attention.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Attention {
    /// The relay refused it.
    Rejected {
        /// A stable name of the reason, such as `forbidden`.
        code: String,
        /// Why, in words.
        reason: String,
    },
    /// It went to a conversation that exists and that its author may not write in.
    NeedsAccess,
    /// The conversation left this device before it was delivered.
    AccessLost,
    /// What the relay holds by now leaves no sense in it.
    NoLongerApplies {
        /// Why, in words.
        reason: String,
    },
}

impl From<storage::Attention> for Attention {
    fn from(attention: storage::Attention) -> Self {
        match attention {
            storage::Attention::Rejected(refusal) => {
                Self::Rejected { code: refusal.code.name().to_owned(), reason: refusal.reason.into_owned() }
            }
            storage::Attention::NeedsAccess => Self::NeedsAccess,
            storage::Attention::AccessLost => Self::AccessLost,
            storage::Attention::NoLongerApplies { reason } => Self::NoLongerApplies { reason },
        }
    }
}

/// How far something is.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum OutboxState {
    /// Saved on this device: it can be undone.
    Saved {
        /// It is not sent before this time.
        send_after: Timestamp,
    },
    /// On its way to the relay.
    Sending,
    /// Waits for the conversation that the relay named, to be run again there.
    Waiting,
    /// Accepted and held: send, edit or drop it (R33).
    Held {
        /// Why.
        because: HeldBecause,
        /// The text of the message that holds it, if that is here.
        by_text: Option<String>,
    },
    /// Accepted, and waits for its time: send it at once, edit or drop it.
    Scheduled {
        /// When it is to be sent.
        at: Timestamp,
    },
    /// Retry, or discard it.
    NeedsAttention {
        /// Why.
        why: Attention,
    },
}

impl From<engine::OutboxState> for OutboxState {
    fn from(state: engine::OutboxState) -> Self {
        use engine::OutboxState as Known;
        match state {
            Known::Saved { send_after } => Self::Saved { send_after },
            Known::Sending => Self::Sending,
            Known::Waiting => Self::Waiting,
            Known::Held { because, by_text } => Self::Held { because: because.into(), by_text },
            Known::Scheduled { at } => Self::Scheduled { at },
            Known::NeedsAttention(why) => Self::NeedsAttention { why: why.into() },
        }
    }
}

/// One thing that has not arrived.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct OutboxItem {
    /// Its intent; of a held or scheduled reply this is the message too.
    pub intent: IntentId,
    /// In which conversation; nothing for a contact's, or where the conversation is not on this device any more.
    pub conversation: Option<ConversationId>,
    /// With or about whom.
    pub contact_name: String,
    /// What was asked for, such as `reply` or `assign`.
    pub verb: String,
    /// The text that it carries.
    pub text: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// How far it is.
    pub state: OutboxState,
}

impl From<engine::OutboxItem> for OutboxItem {
    fn from(item: engine::OutboxItem) -> Self {
        Self {
            intent: item.intent,
            conversation: item.conversation,
            contact_name: item.contact_name,
            verb: item.verb.to_owned(),
            text: item.text,
            created: item.created,
            state: item.state.into(),
        }
    }
}

live_list!(
    /// What has not arrived, the latest first, as it changes.
    OutboxList,
    /// A step of an [`OutboxList`].
    OutboxStep,
    engine::OutboxItem => OutboxItem
);
