//! The frames.

mod enrolment;
mod facts;
mod presence;
mod registers;
mod request;
mod response;

use serde::{Deserialize, Serialize};

pub use enrolment::*;
pub use facts::*;
pub use presence::*;
pub use registers::*;
pub use request::*;
pub use response::*;

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
