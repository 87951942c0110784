//! The Offdesk relay: accepts, orders and replicates changes, and dispatches messages.
//!
//! # Layout
//! - [`config`]: what can be configured, and from where it is read.
//! - [`cli`]: the command line of `offdesk-relay`.
//! - [`serve`]: the running relay: its state ([`serve::App`]), its listener, its end.
//! - [`api`]: the HTTP routes that are not the sync route, and the problems that every route answers with.
//! - [`automations`]: signed events of other systems, and what automations do about them.
//! - [`auth`]: enrolment codes, device credentials.
//! - [`admin`]: administrative acts on the database, also while the relay runs.
//! - [`store`]: SQLite with one writer and a few readers.
//! - [`metrics`]: what the relay counts.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod accept;
pub mod admin;
pub mod api;
pub mod auth;
pub mod automations;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod dispatch;
pub mod failpoints;
pub mod metrics;
pub mod random;
pub mod relay;
pub mod serve;
pub mod store;
