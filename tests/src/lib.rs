//! The stage for scenes with several devices: a real relay on a real socket, real encrypted databases, a provider that
//! speaks Twilio's API, and a proxy in between that counts, cuts and refuses.
//!
//! - [`world`]: a workspace with its people, their phones, a relay and a provider.
//! - [`crash`]: processes that are killed.
//! - [`proxy`]: the network between a device and the relay.
//! - [`clock`]: clocks that can be set forward.
//! - [`database`]: looking into a phone's encrypted file.
//! - [`raw`]: devices without our client, that push whatever they like.
//! - [`mod@reference`]: what the rules say, written a second time.
//! - [`stage`]: worlds for suites in other languages, told over HTTP.
//! - [`worker`]: what the processes that share a phone's database have in common.
//! - [`wait`]: waiting for a condition instead of for time.
#![forbid(unsafe_code)]
// A scene that can't be set up is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod clock;
pub mod crash;
pub mod database;
pub mod proxy;
pub mod raw;
pub mod reference;
pub mod stage;
pub mod wait;
pub mod worker;
pub mod world;

pub use clock::LeapingClock;
pub use proxy::{Proxy, Traffic};
pub use wait::{eventually, in_time};
pub use world::{ADMINISTRATOR, AGENT, OUR_NUMBER, Person, Phone, REP, World};
