//! Personal registers of a member.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AlertId, DocumentId, IntentId, QueueId},
    time::Timestamp,
};

/// A write of one personal register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterWrite {
    /// Which register.
    pub key: RegisterKey,
    /// The value.
    pub value: RegisterContent,
    /// The device's count of writes of this key, answered in [`crate::protocol::Response::RegistersStored`].
    pub version: u64,
}

/// A personal register of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterKey {
    /// How far the member has read a conversation.
    ReadMark(DocumentId),
    /// Whether they marked it unread.
    MarkedUnread(DocumentId),
    /// Their draft in it.
    Draft(DocumentId),
    /// An alert they dismissed.
    Dismissed(AlertId),
    /// When they want to be reminded of a conversation (R16).
    FollowUp(DocumentId),
    /// Up to which time they have dealt with what came due in a conversation by itself (R16).
    Reminded(DocumentId),
    /// What they are not alerted of (R16).
    Muted(Muted),
    /// When they are not disturbed (R16), as a text of the client's.
    QuietHours,
    /// One of their filters, under an id of its own (R21), as a text of the client's.
    SavedFilter(IntentId),
    /// One of their own canned responses, under an id of its own (R37), as a text of the client's.
    Canned(IntentId),
}

/// What a member is not alerted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Muted {
    /// Anything.
    Everything,
    /// One conversation.
    Conversation(DocumentId),
    /// The conversations of a queue.
    Queue(QueueId),
}

impl RegisterKey {
    /// The conversation that the register belongs to: it comes and goes with it (R9).
    pub const fn document(&self) -> Option<DocumentId> {
        match self {
            Self::ReadMark(id)
            | Self::MarkedUnread(id)
            | Self::Draft(id)
            | Self::FollowUp(id)
            | Self::Reminded(id)
            | Self::Muted(Muted::Conversation(id)) => Some(*id),
            Self::Dismissed(_) | Self::Muted(_) | Self::QuietHours | Self::SavedFilter(_) | Self::Canned(_) => None,
        }
    }

    /// Whether the member chose it, rather than that it came about by working.
    pub const fn is_chosen(&self) -> bool {
        matches!(self, Self::FollowUp(_) | Self::Muted(_) | Self::QuietHours | Self::SavedFilter(_) | Self::Canned(_))
    }

    /// The registers of a conversation.
    pub const fn of(document: DocumentId) -> [RegisterKey; 6] {
        [
            Self::ReadMark(document),
            Self::MarkedUnread(document),
            Self::Draft(document),
            Self::FollowUp(document),
            Self::Reminded(document),
            Self::Muted(Muted::Conversation(document)),
        ]
    }
}

/// What a register holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterContent {
    /// The relay's order of the last message read. Merges by maximum, so a read mark only moves forward (R25).
    Order(u64),
    /// A text. The last accepted counts.
    Text(String),
    /// A yes or no. The last accepted counts.
    Flag(bool),
    /// A time; 0 is none. The last accepted counts, but for what a member has dealt with: that merges by maximum.
    Time(Timestamp),
}
