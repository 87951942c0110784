//! What the relay says.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Cursor, Epoch, Fact, Hash, Presence, RegisterContent, RegisterKey, Seq};
use crate::{
    ids::{ContactId, DocumentId, IntentId, MemberId},
    model::{Kind, Refusal},
    policy::Visibility,
    time::Timestamp,
};

/// From relay to device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Response {
    /// First frame of every response.
    Welcome(Welcome),
    /// The outcome of one group, in the order of the push.
    Verdict {
        /// Of which intents.
        intents: Vec<IntentId>,
        /// What came of them.
        verdict: Verdict,
    },
    /// Every group of the push has its verdict.
    PushDone {
        /// The push's number.
        number: u64,
    },
    /// A whole document as of one seq, with the facts that this member sees.
    Snapshot {
        /// Which.
        document: DocumentId,
        /// Its kind.
        kind: Kind,
        /// How the member sees it.
        visibility: Visibility,
        /// A saved document, uncompressed; empty if `changes` holds it all.
        saved: ByteBuf,
        /// Changes since it was saved, uncompressed.
        changes: Vec<ByteBuf>,
        /// Its facts.
        #[serde(with = "crate::protocol::fact_columns")]
        facts: Vec<Fact>,
        /// What lists show of it, so that it need not be loaded for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outline: Option<Outlined>,
    },
    /// What is new in a document that the device holds.
    Delta {
        /// Which.
        document: DocumentId,
        /// How the member sees it now, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visibility: Option<Visibility>,
        /// New changes, uncompressed, in order; their dependencies may be [abridged](crate::protocol::abridged).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<ByteBuf>,
        /// New facts; a fact replaces an older one of the same key.
        #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::protocol::fact_columns")]
        facts: Vec<Fact>,
    },
    /// Documents that the member may not see any more.
    Evict {
        /// Which.
        documents: Vec<DocumentId>,
    },
    /// Everything but these is to go: the member's access was narrowed.
    Retain {
        /// What stays.
        documents: Vec<DocumentId>,
    },
    /// What the device is to hold of a digest bucket whose digests differ: it drops what is not named; snapshots of all
    /// that is named follow.
    Bucket {
        /// Which bucket.
        bucket: u8,
        /// What it holds.
        documents: Vec<DocumentId>,
    },
    /// Registers that the member wrote on some device.
    Registers {
        /// Keys and values.
        #[serde(deserialize_with = "crate::tolerant::known")]
        values: Vec<(RegisterKey, RegisterContent)>,
    },
    /// Writes that are stored.
    RegistersStored {
        /// Keys with the device's version.
        versions: Vec<(RegisterKey, u64)>,
    },
    /// The conversations of a contact whose record was asked for (R7) have come, as snapshots before this.
    Record {
        /// Which contact.
        contact: ContactId,
        /// Whether there are older ones, which did not come.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
    },
    /// Which colleagues are in a conversation right now, in place of what was said before (R27).
    Presence {
        /// Which conversation.
        document: DocumentId,
        /// Who, and what they do; empty when the last one left.
        members: Vec<(MemberId, Presence)>,
    },
    /// How far the backfill is.
    Progress {
        /// Documents sent.
        done: u64,
        /// Documents in all.
        total: u64,
    },
    /// Closes a page: store it with what came before.
    Cursor {
        /// How far the device now is.
        cursor: Cursor,
        /// Whether nothing more is waiting.
        up_to_date: bool,
    },
    /// Nothing new; the connection lives.
    Heartbeat,
    /// The relay ends the stream.
    Goodbye {
        /// Why.
        reason: Goodbye,
    },
    /// A frame of a newer version.
    #[serde(other)]
    Unknown,
}

/// What lists show of a document, with what a digest needs of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlined {
    /// The document's heads, sorted.
    pub heads: Vec<Hash>,
    /// Bytes of a [`crate::model::Outline`]. A device that can't read them loads the document.
    pub outline: ByteBuf,
}

/// The relay's side of the greeting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that is spoken from here on.
    pub version: u16,
    /// The relay's epoch. If it is not the device's, the device starts over and offers its own work again.
    pub epoch: Epoch,
    /// The relay's clock.
    pub now: Timestamp,
    /// Whether the device is up to date, so that no page follows.
    #[serde(default)]
    pub up_to_date: bool,
    /// Whether this store is a copy of another: it pushes nothing and enrols anew.
    #[serde(default)]
    pub clone: bool,
}

/// Why a relay ends a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goodbye {
    /// The relay shuts down; come again.
    ShuttingDown,
    /// The device was revoked or its member deactivated: wipe it (R10).
    Revoked,
    /// The device doesn't read fast enough; come again.
    TooSlow,
    /// A frame could not be read.
    Malformed(String),
    /// Nothing newer than this version is spoken here.
    UnsupportedVersion {
        /// The highest version that the relay speaks.
        newest: u16,
    },
    /// The relay can't go on; come again later.
    Internal,
}

/// What came of a group of intents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Accepted at this place of the log (the group's last). A change that was accepted before gets the same answer.
    Accepted(Seq),
    /// The intent was accepted before, at this place, but in another change than this one: the device drops its own; the
    /// accepted one comes with a page.
    Duplicate(Seq),
    /// Somebody else started the same contact or conversation: run the intents again there. Pairs of (from, to).
    Resolved(Vec<(DocumentId, DocumentId)>),
    /// The conversation goes on in another document: run the intents again there. Pairs of (from, to).
    MovedTo(Vec<(DocumentId, DocumentId)>),
    /// A change depends on one that the relay doesn't hold: run the intents again on what it sends.
    MissingDeps(Vec<Hash>),
    /// Refused for good.
    Rejected(Refusal),
    /// The conversation exists and its author may not write it. Nothing else is told.
    NeedsAccess,
    /// Depends on a change that was refused: run it again without.
    BlockedBy(Hash),
    /// Try again after this many milliseconds.
    RetryAfter(u64),
}
