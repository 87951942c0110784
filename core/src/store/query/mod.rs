//! What only the UI asks, on a [`Snapshot`]: the list and its counts, alerts, search, the outbox, figures.
//!
//! Everything here filters on the dashboard bit (R5, R7): a conversation that is on the device only by its contact's
//! record is in no list, count, search or badge.

mod alerts;
mod counts;
mod inbox;
#[cfg(test)]
mod inbox_tests;
mod outbox;
mod search;
mod search_terms;
#[cfg(test)]
mod search_tests;
mod stats;

pub use inbox::PageKey;
pub use outbox::{OutboxCounts, OutboxEntry};
pub use stats::StoreStats;

use super::Snapshot;
