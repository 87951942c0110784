//! The device: the only async code of the core, and its public face.
//!
//! [`Offdesk`] is one device. What it reads and writes locally is synchronous and takes a few milliseconds at most; only
//! what talks to the relay is async. Writes are durable when they return, whether or not there is a network.
//!
//! # Layout
//! - `driver`: one transaction for each event of the session; `effects`: what follows its commit: requests, timer,
//!   notices.
//! - `transport`: HTTP; `connection`: start, network, pause, bounded sync; `enrolment`: birth and end of a device.
//! - `puller`: a second process that only pulls, `hold` which of the two syncs, `notices` what either has the system show.
//! - `verbs`: what a member does; `canned`: canned responses; `reading`: what screens show; `alerts`: what the member is told;
//!   `live`: lists that follow the store.
//! - [`failpoints`]: where the kill tests kill.

mod alerts;
mod canned;
mod clock;
mod config;
mod connection;
mod conversation_view;
mod diagnostics;
mod driver;
mod effects;
mod enrolment;
mod error;
pub mod failpoints;
mod filters;
mod hold;
mod in_place;
mod indexing;
mod live;
mod notices;
mod outbox_view;
mod panels;
mod presence;
mod puller;
mod reading;
mod records;
mod stats;
mod status;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod transport;
mod verbs;

use std::sync::Arc;

pub use alerts::{FOR_GOOD, Mute, Scheduled};
pub use canned::{CannedChoice, CannedRef};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::Config;
pub use conversation_view::{ConversationView, TimelineEntry};
pub use diagnostics::Diagnostics;
pub use error::Error;
pub use filters::SavedFilter;
pub use live::LiveList;
pub use notices::Notices;
pub use outbox_view::{OutboxItem, OutboxState};
pub use panels::{ConversationPanel, CustomerPanel, Episode, Panels};
pub use presence::Colleague;
pub use puller::Puller;
pub use reading::Me;
pub use records::{MessageHits, RecordView};
pub use stats::{Stats, SyncReport};
pub use status::{Connection, NetworkState, SyncStatus};
pub use transport::{Call, Part, Parts, Posted, Transport};
pub use verbs::{Outcomes, Started};

use driver::Engine;

/// One device of one member. Cheap to clone: all clones share one store and one driver, and may be used from any thread.
/// When the last one is dropped everything stops.
///
/// Unless it says otherwise, a read fails only with [`Error::Locked`] (R9), [`Error::Revoked`] (R10),
/// [`Error::Paused`], [`Error::Closed`] or [`Error::Storage`], and so does a write.
#[derive(Clone, Debug)]
pub struct Offdesk {
    owner: Arc<Owner>,
}

/// Stops the engine with the last handle; the engine's own tasks hold the engine, not the owner.
#[derive(Debug)]
struct Owner {
    engine: Arc<Engine>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.engine.abandon();
    }
}

impl Offdesk {
    fn over(engine: Arc<Engine>) -> Self {
        Self { owner: Arc::new(Owner { engine }) }
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.owner.engine
    }
}
