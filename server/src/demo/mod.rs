//! The demo: a relay, two phones and an SMS provider in one process, and a scene played on them. The only part of the relay
//! that uses the device's engine.

mod cast;
pub mod provider;
mod run;
mod scene;

pub use run::{Args, DemoError, run};
