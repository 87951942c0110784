//! What only the UI asks, on a [`Snapshot`]: the list and its counts, alerts, search, the outbox, figures.
//!
//! Lists, counts and badges filter on the dashboard bit (R5, R7): a conversation that is on the device only by its contact's
//! record is in none of them. The search says of a hit that it is there by the record only, and `records` shows it.

mod alerts;
mod counts;
mod inbox;
#[cfg(test)]
mod inbox_tests;
mod outbox;
mod records;
mod search;
mod search_terms;
#[cfg(test)]
mod search_tests;
mod stats;
mod text_search;
#[cfg(test)]
mod text_search_tests;

pub use inbox::PageKey;
pub use outbox::{OutboxCounts, OutboxEntry};
pub use records::ContactKey;
pub use stats::StoreStats;

use super::Snapshot;
