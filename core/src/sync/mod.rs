//! The device's side of sync, without I/O: events in, effects out; clock, randomness and disk are arguments.
//!
//! - [`storage`]: what the session asks of the disk, inside the transaction that the driver opens for each event;
//!   [`memory`] is the simplest backend.
//! - [`session`]: the state machine: which events it takes, which effects it asks for.
//! - `connection`: requests, the watchdog, trying again ([`backoff`]); `push`: what goes out; `frames`: what comes back,
//!   with `verdict` for intents, `pages` for documents and registers, `restore` for a relay in another epoch.
//! - [`outbox`]: intents from "saved on device" to their verdict; `rebase` runs them again under a fresh actor;
//!   [`registers`]: read marks, drafts, dismissals.
//! - `workspace`: documents, confirmed and optimistic, and their projection into the read model; `reading`: what others see of them.
//! - `records`: contacts whose record a member opens; [`presence`]: who is where right now.
//! - `staged`: pages that another process received.
//! - [`lease`]: when a device locks its data.

pub mod backoff;
mod connection;
mod frames;
pub mod lease;
mod loaded;
pub mod memory;
pub mod outbox;
mod pages;
pub mod presence;
mod push;
mod reading;
mod rebase;
mod records;
pub mod registers;
mod restore;
mod seen;
pub mod session;
mod staged;
pub mod storage;
#[cfg(test)]
mod tests;
mod verdict;
mod workspace;

pub use lease::locked;
pub use memory::MemoryStorage;
pub use outbox::{Part, Submission, SubmitError};
pub use session::{Session, SessionOptions};
pub(crate) use staged::document as staged_document;
