//! The device's database: one SQLCipher file, one writer, a few readers.
//!
//! [`Database`] holds the writer. Whatever happens on the device happens in one [`Database::write`]: the session gets a
//! [`SqliteStorage`] inside a transaction, and when the call returns its work is on the disk (`synchronous=FULL`). The
//! UI reads through a [`Reader`], whose connections see the last commit and, with the write-ahead log, never wait for
//! the writer.
//!
//! # What is in it
//! - What must not be lost: documents (snapshot and tail), relay facts, registers, intents, identity and sync state.
//!   Its schema is migrated (`core/migrations`, `migrations`).
//! - The read model (`read_model`, `rows`): rows, alerts and search index, derived from the former. It has a version
//!   of its own; if it is of another version, incomplete or damaged, opening drops it and makes it anew, empty, and
//!   [`Database::needs_rebuild`] tells the session to project every document.
//!
//! # Layout
//! `key`, `connection`, `error`, `sql`: opening, settings, errors, values. `database`, `reader`: the two handles.
//! `documents`, `facts`, `intents`, `registers`, `rows`, `texts`, `device`: one table group each, wired to the
//! session's trait in `storage`. `hold`, `staged`, `handed_out`: the app and a puller beside it (ADR 0022). [`query`]: what only the UI asks. `fold`: how names and numbers are made comparable.

mod connection;
#[cfg(test)]
mod contract;
mod database;
mod device;
mod dialling;
mod documents;
mod error;
mod facts;
mod fold;
mod handed_out;
mod hold;
mod intents;
mod key;
mod migrations;
pub mod query;
mod read_model;
mod reader;
mod registers;
mod rows;
mod sql;
mod staged;
mod storage;
mod tallies;
#[cfg(test)]
mod tests;
mod texts;

pub use database::Database;
pub use handed_out::{Handout, TO_SHOW};
pub use hold::{HOLD, Held, Holder};
pub use key::{CIPHER, DatabaseKey};
pub use query::{ContactKey, OutboxCounts, OutboxEntry, PageKey, StoreStats};
pub use reader::{Reader, Snapshot};
pub use staged::Staged;
pub use storage::SqliteStorage;
