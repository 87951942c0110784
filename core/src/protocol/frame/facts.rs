//! What the relay alone knows of a document.

use serde::{Deserialize, Serialize};

use super::Seq;
use crate::{
    alerts::Alert,
    ids::{IntentId, MemberId, MessageId, QueueId},
    model::{Consent, Origin, Priority, conversation::AssignmentReason},
    time::Timestamp,
    tolerant::OrNewer,
};

/// A fact of the relay about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its place in the log.
    pub seq: Seq,
    /// What it says.
    pub body: FactBody,
}

/// What a fact says. Facts of the same [`FactKey`] replace each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactBody {
    /// Acceptance and delivery of a message.
    Message(MessageFact),
    /// An alert of the member who receives this fact.
    Alert(Alert),
    /// What a change did that no message tells.
    Event(EventFact),
}

/// What a fact is about, within its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKey {
    /// A message.
    Message(MessageId),
    /// An alert.
    Alert(crate::ids::AlertId),
    /// What an intent did.
    Event(IntentId),
}

impl FactBody {
    /// What it is about.
    pub fn key(&self) -> FactKey {
        match self {
            FactBody::Message(fact) => FactKey::Message(fact.id),
            FactBody::Alert(alert) => FactKey::Alert(alert.id),
            FactBody::Event(event) => FactKey::Event(event.id),
        }
    }
}

/// Acceptance and delivery of a message (R31, R41).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFact {
    /// Of which message.
    pub id: MessageId,
    /// Its place among the workspace's messages: the seq at which it was accepted, never changed later.
    pub order: u64,
    /// The relay's clock when it was accepted or received.
    pub at: Timestamp,
    /// How far it got.
    #[serde(deserialize_with = "crate::tolerant::or_newer")]
    pub delivery: Delivery,
}

/// What one change did in a document, who did it and when, by the relay's clock (R24, R41). A change that only says
/// something, or assigns who said it, has no such fact: its message tells that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFact {
    /// The intent of the change.
    pub id: IntentId,
    /// The place of the change in the workspace's log.
    pub order: Seq,
    /// The relay's clock when it was accepted.
    pub at: Timestamp,
    /// Who; `None` for the relay.
    pub by: Option<MemberId>,
    /// What, in the order of the change.
    #[serde(deserialize_with = "crate::tolerant::known")]
    pub what: Vec<Deed>,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Opened the conversation, saying nothing yet.
    Opened,
    /// It came up again from here (R22).
    Marked(Origin),
    /// Assigned a member, other than by a reply of their own.
    Assigned {
        /// Whom.
        member: MemberId,
        /// Why.
        reason: AssignmentReason,
    },
    /// Ended an assignment.
    Unassigned {
        /// Whose.
        member: MemberId,
    },
    /// Closed the episode.
    Closed,
    /// Undid a closing.
    Reopened,
    /// Let it rest.
    Snoozed {
        /// Until when.
        until: Timestamp,
    },
    /// Ended a rest before its time.
    Woken,
    /// Added a tag.
    Tagged(String),
    /// Removed a tag.
    Untagged(String),
    /// Said how urgent it is.
    Prioritised(Priority),
    /// Moved it to a queue, or out of any.
    Moved {
        /// Which.
        queue: Option<QueueId>,
    },
    /// Sent a held or scheduled message after all, or before its time (R33).
    Released(MessageId),
    /// Dropped a held or scheduled message (R33).
    Dropped(MessageId),
    /// Said whether one of the contact's phones may be written to (R34).
    Consent {
        /// In E.164.
        phone: String,
        /// What the contact said; `None`: nothing is known any more.
        consent: Option<Consent>,
    },
    /// Blocked the contact as spam, or no more.
    Blocked(bool),
}

/// The ladder of R31, from the relay on. A message without a fact is saved on its device only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// An inbound message.
    Received,
    /// A note: nothing is sent.
    Internal,
    /// Accepted by the relay; waits for dispatch.
    Accepted,
    /// Held by the stale-reply guard (R33).
    Held(HeldBecause),
    /// Waits for its time at the relay.
    Scheduled {
        /// When it is to be sent.
        at: Timestamp,
    },
    /// Dropped while held or before its time, never sent.
    Dropped,
    /// Handed to the provider.
    HandedOver,
    /// The provider sent it.
    Sent,
    /// It was delivered.
    Delivered,
    /// It failed.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
    /// The provider could not tell; never sent again on its own.
    Unknown,
    /// A state that only a newer version knows.
    Newer,
}

impl OrNewer for Delivery {
    const NEWER: Self = Self::Newer;
}

/// Why a reply is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBecause {
    /// This message came before it was accepted, and its author had not seen it.
    Newer(MessageId),
    /// An earlier reply of the same author in the conversation is held.
    Behind(MessageId),
}
