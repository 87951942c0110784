//! What a demo needs besides a relay.

pub mod provider;
