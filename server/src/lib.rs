//! The Offdesk relay: accepts, orders and replicates changes, and dispatches messages.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod failpoints;
pub mod store;
