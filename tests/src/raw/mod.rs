//! A device without our client: it speaks frames over a socket and pushes whatever it likes.
//!
//! - [`relay`]: a relay that serves many workspaces and sends nothing to any provider.
//! - [`client`]: enrolled devices of members, their requests and what comes back.
//! - [`documents`]: every document of a workspace, taken behind the relay's back: a hostile device may have learned any.

pub mod client;
pub mod documents;
pub mod relay;

pub use client::{Device, Fate, LiveStream};
pub use relay::BareRelay;
