//! What only the UI asks, on a [`Snapshot`]: the list and its counts, alerts, search, the outbox, figures.
//!
//! Everything here filters on the dashboard bit (R5, R7): a conversation that is on the device only by its contact's
//! record is in no list, count, search or badge.

mod alerts;
mod counts;
mod inbox;
mod outbox;
mod search;
mod search_terms;
mod stats;

pub use inbox::PageKey;
pub use outbox::{OutboxCounts, OutboxEntry};
pub use stats::StoreStats;

use super::Snapshot;
