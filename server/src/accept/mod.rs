//! The acceptor: what comes into a workspace's log, and in which order.
//!
//! A pushed change passes seven steps, in this order; the first that fails decides:
//!
//! 1. **Bytes** ([`offdesk_core::model::inspect`]): size and bounds, before anything is parsed.
//! 2. **Known?** A (document, hash) that has a final verdict gets it again, its owner only. An intent id that was accepted
//!    in another change is a `duplicate`.
//! 3. **Dependencies** must all be accepted: else `missing_deps`, or `blocked_by` a refused one. Nothing is queued.
//! 4. **Actor**: bound to one device at its first change; sequence and operation counter without gap or jump.
//! 5. **Meaning** ([`offdesk_core::model::decode`]): every operation on a path that members may write.
//! 6. **Policy** ([`offdesk_core::policy`]) with the relay's state and clock; natural keys; the stale-reply guard.
//! 7. **Commit**: log, projections, grants, facts, alerts and ledger in one transaction.
//!
//! A group of intents has one outcome: it runs in a savepoint, and what it did is undone if any of it fails.

mod apply;
mod automated;
mod documents;
mod events;
mod facts;
mod grants;
mod imported;
mod inbound;
mod judge;
mod natural_keys;
mod policies;
mod push;
mod relay_changes;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

pub use automated::{Automated, AutomatedOutcome, automated};
pub use facts::{Recipients, set_delivery};
pub use imported::{Past, import_contact, import_conversation, import_past};
pub use inbound::{Inbound, InboundOutcome, inbound};
pub use policies::{policies, settings_of};
pub use push::{ANY_INCARNATION, Push, Pusher, push};
pub use relay_changes::{author, create_workspace, create_workspace_as, epoch};

pub(crate) use documents::{DocumentRow, document_row, read_document};
pub(crate) use judge::is_zone;
pub(crate) use policies::{read_policies, registers_of};
pub(crate) use push::is_clone;
pub(crate) use waiting::{next_due, ripen};

use crate::store::StoreError;

/// Reads an id of 16 bytes from a row.
pub(crate) fn id<T>(bytes: &[u8], from: fn(&[u8]) -> Option<T>, what: &'static str) -> Result<T, StoreError> {
    from(bytes).ok_or(StoreError::Unreadable { what, why: "not 16 bytes".into() })
}

/// Packs a value for a column.
pub(crate) fn pack<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value).map_err(|error| StoreError::Unreadable { what: "value", why: error.to_string() })
}

/// Reads a packed column.
pub(crate) fn unpack<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Unreadable { what, why: error.to_string() })
}
