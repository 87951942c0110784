//! The frames.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    alerts::Alert,
    ids::{DeviceId, DocumentId, IntentId, MemberId, MessageId, WorkspaceId},
    model::{Kind, Refusal},
    policy::{Visibility, held::Seen},
    time::Timestamp,
};

/// The position of an accepted change or fact in its workspace's log; the first is 1.
pub type Seq = u64;

/// A life of the relay's log. Restoring a backup starts a new one.
pub type Epoch = u64;

/// Hash of a change, 32 bytes.
pub type Hash = serde_bytes::ByteArray<32>;

/// How far a device has got. Opaque to the device, which stores it with the page that it closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The epoch in which `seq` counts.
    pub epoch: Epoch,
    /// Everything visible up to here has been sent, but for what the backfill still holds.
    pub seq: Seq,
    /// A backfill that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<Backfill>,
}

/// A backfill's place: the order of its documents was frozen when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backfill {
    /// Which backfill.
    pub id: u64,
    /// How many of its documents have been sent.
    pub sent: u64,
}

/// Which copy of a store speaks. A pushing device rotates `next` in; the relay takes either as current, since an answer
/// may be lost. A copy that knows neither is a clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// The one that the device knows to be stored at the relay.
    pub previous: u64,
    /// The one that takes its place with this push. Equal to `previous` when nothing is pushed.
    pub next: u64,
}

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
        /// Each with the device's own version of it.
        writes: Vec<RegisterWrite>,
    },
    /// Documents that the device asks for by name: records that a member opens (R7).
    Fetch {
        /// Which.
        documents: Vec<DocumentId>,
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

/// A write of one personal register.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterWrite {
    /// Which register.
    pub key: RegisterKey,
    /// The value.
    pub value: RegisterContent,
    /// The device's count of writes of this key, answered in [`Response::RegistersStored`].
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
    Dismissed(crate::ids::AlertId),
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
}

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
        values: Vec<(RegisterKey, RegisterContent)>,
    },
    /// Writes that are stored.
    RegistersStored {
        /// Keys with the device's version.
        versions: Vec<(RegisterKey, u64)>,
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
}

/// What a fact is about, within its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKey {
    /// A message.
    Message(MessageId),
    /// An alert.
    Alert(crate::ids::AlertId),
}

impl FactBody {
    /// What it is about.
    pub fn key(&self) -> FactKey {
        match self {
            FactBody::Message(fact) => FactKey::Message(fact.id),
            FactBody::Alert(alert) => FactKey::Alert(alert.id),
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
    pub delivery: Delivery,
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
    /// Dropped while held, never sent.
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

/// Body of the enrolment request (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The one-time code.
    pub code: String,
    /// The device's name, shown to administrators.
    pub device_name: String,
}

/// Answer to the enrolment request (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The member that the code was for.
    pub member: MemberId,
    /// The new device.
    pub device: DeviceId,
    /// The device's credential: the bearer token of every request. Shown once, stored hashed.
    pub credential: String,
    /// The first incarnation.
    pub incarnation: u64,
    /// The relay's epoch.
    pub epoch: Epoch,
}

/// Answer to the request for a further enrolment code (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentCode {
    /// The code.
    pub code: String,
    /// Until when it can be used.
    pub expires: Timestamp,
}

/// Body of every HTTP error of the relay (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable name of the problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub title: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
