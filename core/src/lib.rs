//! Offdesk's core.
#![forbid(unsafe_code)]
pub mod alerts;
pub mod failpoint;
pub mod ids;
pub mod intents;
pub mod model;
pub mod phone;
pub mod policy;
pub mod protocol;
pub mod store;
pub mod sync;
pub mod time;
pub mod triage;
