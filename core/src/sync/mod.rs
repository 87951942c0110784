//! The device's side of sync, without I/O: events in, effects out; clock, randomness and disk are arguments.
//!
//! - [`storage`]: what the session asks of the disk, inside the transaction that the driver opens for each event.
//! - [`session`]: the state machine: requests, pages, verdicts, reconnecting.
//! - [`outbox`]: intents from "saved on device" to their verdict; undo, rejection, rebase under a fresh actor.
//! - [`workspace`]: documents, confirmed and optimistic, and their projection into the read model.
//! - [`backoff`]: when to try again.

pub mod lease;
pub mod outbox;
pub mod session;
pub mod storage;
pub mod workspace;

pub use lease::locked;
pub use outbox::{Part, Submission, SubmitError};
pub use session::{Session, SessionOptions};
