//! What Kotlin and Swift see of Offdesk.
//!
//! This crate translates and decides nothing: each exported function or method is one call of `offdesk-core`, each record
//! and enum the core's own in a shape that the hosts' languages have.
//!
//! - [`Device`]: one device of one member: its life, its sync, what it shows; `verbs`: what its member does.
//! - `lists`: live lists, pulled step by step; `runtime`: where everything async runs.
//! - `push`: wake-ups, and the process beside the app that only pulls.
//! - `inbox`, `conversation`, `alerts`, `outbox`, `status`, `set_up`: what they show.
//! - [`OffdeskError`]: why a call failed; `ids`: ids and instants; `log`: what the library says of itself.

// Error values are read by hosts, where their size doesn't matter.
#![allow(clippy::result_large_err)]

mod alerts;
mod conversation;
mod device;
mod error;
mod ids;
mod inbox;
mod lists;
mod log;
mod outbox;
mod push;
mod runtime;
mod set_up;
mod status;
mod verbs;

pub use alerts::{
    Alert, AlertList, AlertReason, AlertStep, ExplainedFact, Explanation, Mute, QuietHours, QuietSpan, ScheduledAlert,
    Shows,
};
pub use conversation::{
    Assignment, Colleague, ColleagueList, ColleagueStep, Contact, ConversationPanel, ConversationView, CustomerPanel,
    Deed, Delivery, Episode, Field, HeldBecause, Message, MessageList, MessageStep, Panels, PanelsList, PanelsStep,
    PhoneConsent, Record, Started, TimelineEntry,
};
pub use device::{Config, Device};
pub use error::OffdeskError;
pub use inbox::{
    Assignee, AssigneeFilter, Channel, ContactList, ContactRow, ContactStep, ConversationRow, Counts, InboxFilter,
    InboxList, InboxPage, InboxStep, MessageHit, MessageHits, PageKey, QueueCount, SavedFilter, SearchHit, TagCount,
};
pub use lists::open_lists;
pub use log::{LogLevel, LogRecord, LogSink, set_log_sink};
pub use outbox::{Attention, OutboxItem, OutboxList, OutboxState, OutboxStep};
pub use push::{Notices, Puller};
pub use set_up::{Access, CannedRef, CannedResponse, EnrolmentCode, Expanded, Me, Member, Queue, Workspace};
pub use status::{Connection, Network, Stats, StatusChanges, SyncReport, SyncStatus};
pub use verbs::{BulkAction, BulkOutcome, ContactEdit, CreatedContact, NewContact};

uniffi::setup_scaffolding!();

/// The version of this library, such as `0.1.0`: for the app's "about" screen and for bug reports.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The version of the sync protocol that this library speaks.
#[uniffi::export]
pub fn protocol_version() -> u16 {
    offdesk_core::protocol::VERSION
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_workspaces() {
        assert_eq!(super::version().split('.').count(), 3);
        assert_eq!(super::protocol_version(), offdesk_core::protocol::VERSION);
    }
}
