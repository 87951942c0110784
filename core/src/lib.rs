//! Offdesk's core: the offline-first shared inbox of one device, and the rules that device and relay share.
//!
//! # Layout
//! Dependencies point downward only. Everything above the line is pure or sans-IO: clock, randomness, disk and network
//! are arguments, so that the same code runs on a phone, at the relay and in a simulation.
//!
//! ```text
//!   ids, time, phone        identifiers, instants, phone numbers
//!   template                texts with variables
//!   model                   what the documents hold; Automerge's keys live only here
//!   policy  triage          who may do and see what; list rows, filters, diffs
//!   alerts  intents         who is told of what; what members ask for, one file a verb
//!   protocol                frames between device and relay
//!   sync                    the device session: events in, effects out
//!   ─────────────────────────────────────────────────────────────────────────────────
//!   store                   one SQLCipher file: documents, intents, read model, search
//!   engine                  the only async code: driver, HTTP, live lists, the public face
//! ```
//!
//! # First use
//! A device is enrolled once, with a code from an administrator, and opened from then on. Reading and writing are
//! synchronous and local; [`engine::Offdesk::start`] keeps the device in sync behind them.
//!
//! ```no_run
//! use offdesk_core::{
//!     engine::{Config, Error, Offdesk},
//!     store::DatabaseKey,
//!     triage::InboxFilter,
//! };
//!
//! # async fn first_use(key: [u8; 32]) -> Result<(), Error> {
//! let config = Config::new("inbox.db", DatabaseKey::new(key)); // the key comes from the host's keystore
//! let device = match Offdesk::open(config.clone()) {
//!     Err(Error::NotEnrolled) => Offdesk::enrol(config, "https://relay.example.com", "CODE", "Ada's phone").await?,
//!     opened => opened?,
//! };
//! device.start();
//!
//! let mut inbox = device.observe_inbox(InboxFilter::default(), 50);
//! for row in inbox.items() {
//!     device.reply(row.conversation, "Be right with you")?; // durable when it returns, network or not
//! }
//! while let Some(steps) = inbox.next().await {
//!     println!("{} changes; {} alerts stand", steps.len(), device.alerts()?.len());
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
pub mod alerts;
pub mod engine;
pub mod failpoint;
pub mod ids;
pub mod intents;
pub mod model;
pub mod phone;
pub mod policy;
pub mod protocol;
pub mod store;
pub mod sync;
pub mod template;
pub mod time;
mod tolerant;
pub mod triage;
