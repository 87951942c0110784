//! What a device says.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Cursor, Incarnation, Presence, RegisterWrite};
use crate::{
    ids::{ContactId, DocumentId, IntentId},
    model::Kind,
    policy::held::Seen,
};

/// From device to relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Request {
    /// First frame of every request.
    Hello(Hello),
    /// Opens a push.
    Push {
        /// The number of this push. A number at or below one seen before only returns verdicts.
        number: u64,
    },
    /// One atomic group of intents: one outcome for all of them.
    Group {
        /// In the order in which they were made.
        intents: Vec<PushedIntent>,
    },
    /// Writes of personal registers.
    Registers {
        /// Each with the device's own version of it. One that only a newer version knows is passed over, unanswered.
        #[serde(deserialize_with = "crate::tolerant::known")]
        writes: Vec<RegisterWrite>,
    },
    /// Documents that the device asks for by name: records that a member opens (R7).
    Fetch {
        /// Which.
        documents: Vec<DocumentId>,
        /// Contacts of which the conversations are to come, too, that are not sent by themselves.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        records: Vec<ContactId>,
    },
    /// What the member does right now, in place of what was said before; said again while it lasts (R27).
    Presence {
        /// In which conversations, and what.
        states: Vec<(DocumentId, Presence)>,
    },
    /// A frame of a newer version.
    #[serde(other)]
    Unknown,
}

/// Who speaks, and from where on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The highest protocol version that the device speaks.
    pub version: u16,
    /// Which copy of the store speaks.
    pub incarnation: Incarnation,
    /// How far it has got.
    pub cursor: Cursor,
    /// Whether it wants what it misses.
    pub pull: bool,
    /// Whether the response stays open.
    pub live: bool,
    /// Digest of what it holds, in [`DIGEST_BUCKETS`] buckets, when it is due for a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Vec<u64>>,
}

/// Buckets of a digest; a document's bucket is the last byte of its id.
pub const DIGEST_BUCKETS: usize = 256;

/// One intent with its change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushedIntent {
    /// Its id, which its change names too.
    pub id: IntentId,
    /// The document that it changes.
    pub document: DocumentId,
    /// That document's kind.
    pub kind: Kind,
    /// The change, uncompressed.
    pub change: ByteBuf,
    /// For a reply: what its author had seen (R33).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Accepted once in an earlier epoch and offered again after a restore: an outbound message among these is never
    /// sent on its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reoffered: bool,
}
