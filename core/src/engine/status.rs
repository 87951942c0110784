//! What the device says of its sync, for a status line. It derives from what the relay said and what waits, never from a
//! socket being open.

pub use crate::sync::session::{Connection, Network as NetworkState};
use crate::time::Timestamp;

/// How sync stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncStatus {
    /// What the host last said of the network.
    pub network: NetworkState,
    /// What the device is doing about it.
    pub connection: Connection,
    /// When the relay last answered, by this device's clock.
    pub last_contact: Timestamp,
    /// Intents that wait for the relay.
    pub pending: u64,
    /// Intents that need their author's attention.
    pub attention: u64,
    /// This member's replies that are held (R33).
    pub held: u64,
    /// This store is a copy: it sends nothing until it is enrolled anew.
    pub clone: bool,
    /// The device's access was ended (R10).
    pub revoked: bool,
    /// R9: out of contact for longer than the workspace's lease; reads answer [`crate::engine::Error::Locked`].
    pub locked: bool,
    /// What the last failure was, for people.
    pub last_error: Option<String>,
}
