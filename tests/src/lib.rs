//! The stage for scenes with several devices: a real relay on a real socket, real encrypted databases, a provider that
//! speaks Twilio's API, and a proxy in between that counts, cuts and refuses.
//!
//! - [`proxy`]: the network between a device and the relay.
//! - [`wait`]: waiting for a condition instead of for time.
#![forbid(unsafe_code)]

pub mod proxy;
pub mod wait;

pub use proxy::Proxy;
pub use wait::eventually;
