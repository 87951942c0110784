//! How sync stands, and what the device counts about itself.

use std::{fmt, sync::Arc, time::Duration};

use offdesk_core::{engine, time::Timestamp};
use tokio::sync::{Mutex, watch};

use crate::{error::OffdeskError, lists::until, runtime::on_runtime};

/// What the host knows of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Network {
    /// There is one, as far as the host knows.
    Online,
    /// There is one that costs: nothing is kept open, what is written and `sync_once` go through.
    Metered,
    /// There is none: nothing is tried.
    Offline,
}

impl From<Network> for engine::NetworkState {
    fn from(network: Network) -> Self {
        match network {
            Network::Online => Self::Online,
            Network::Metered => Self::Metered,
            Network::Offline => Self::Offline,
        }
    }
}

impl From<engine::NetworkState> for Network {
    fn from(network: engine::NetworkState) -> Self {
        match network {
            engine::NetworkState::Online => Self::Online,
            engine::NetworkState::Metered => Self::Metered,
            engine::NetworkState::Offline => Self::Offline,
        }
    }
}

/// What the device is doing about sync.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Connection {
    /// Nothing is tried: no network, paused, or not started.
    Offline,
    /// A request is on its way, or the next try is waited for.
    Connecting,
    /// Pages are coming in.
    CatchingUp {
        /// Documents received.
        done: u64,
        /// Documents in all; 0 while unknown.
        total: u64,
    },
    /// Everything is here, and the relay said so.
    Live,
    /// Connected, but nothing moves.
    NotProgressing,
    /// The credential is refused: enrol anew.
    Unauthorized,
}

/// How sync stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SyncStatus {
    /// What the host last said of the network.
    pub network: Network,
    /// What the device is doing.
    pub connection: Connection,
    /// When the relay last answered, if it ever did.
    pub last_contact: Option<Timestamp>,
    /// What waits for the relay.
    pub pending: u64,
    /// What needs its author's attention.
    pub attention: u64,
    /// This member's replies that are held (R33).
    pub held: u64,
    /// The database is a copy: it sends nothing until it is enrolled anew.
    pub copied: bool,
    /// The device's access was ended (R10).
    pub revoked: bool,
    /// Out of contact for too long: reads fail with `Locked` (R9).
    pub locked: bool,
    /// What the last failure was, for people.
    pub last_error: Option<String>,
}

impl From<engine::SyncStatus> for SyncStatus {
    fn from(status: engine::SyncStatus) -> Self {
        let connection = match status.connection {
            engine::Connection::Offline => Connection::Offline,
            engine::Connection::Connecting => Connection::Connecting,
            engine::Connection::CatchingUp { done, total } => Connection::CatchingUp { done, total },
            engine::Connection::Live => Connection::Live,
            engine::Connection::NotProgressing => Connection::NotProgressing,
            engine::Connection::Unauthorized => Connection::Unauthorized,
        };
        Self {
            network: status.network.into(),
            connection,
            last_contact: (status.last_contact > Timestamp::default()).then_some(status.last_contact),
            pending: status.pending,
            attention: status.attention,
            held: status.held,
            copied: status.clone,
            revoked: status.revoked,
            locked: status.locked,
            last_error: status.last_error,
        }
    }
}

/// The status as it changes.
#[derive(uniffi::Object)]
pub struct StatusChanges {
    followed: Mutex<watch::Receiver<engine::SyncStatus>>,
    ended: watch::Sender<bool>,
}

impl fmt::Debug for StatusChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusChanges").finish_non_exhaustive()
    }
}

impl StatusChanges {
    pub(crate) fn over(mut changes: watch::Receiver<engine::SyncStatus>) -> Arc<Self> {
        changes.mark_changed();
        Arc::new(Self { followed: Mutex::new(changes), ended: watch::Sender::new(false) })
    }
}

#[uniffi::export]
impl StatusChanges {
    /// Waits for the next change and returns the status; at first as it is. `null`/`nil` once this was ended or the device
    /// let go. A slow caller skips what was in between.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub async fn next(self: Arc<Self>) -> Result<Option<SyncStatus>, OffdeskError> {
        on_runtime(async move {
            let mut ended = self.ended.subscribe();
            let next = async {
                let mut changes = self.followed.lock().await;
                changes.changed().await.ok()?;
                let status = changes.borrow_and_update().clone();
                Some(status.into())
            };
            Ok(until(next, async move { ended.wait_for(|ended| *ended).await.map(drop).unwrap_or_default() }).await)
        })
        .await
    }

    /// Ends it: a `next` that waits returns at once.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }
}

/// What a bounded sync did.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// How long it took.
    pub took: Duration,
    /// Requests sent.
    pub round_trips: u64,
    /// Bytes of the requests' bodies, as on the wire.
    pub bytes_up: u64,
    /// Bytes of the answers' bodies, as on the wire.
    pub bytes_down: u64,
    /// Documents received, new or changed.
    pub documents: u64,
    /// Whether nothing more waits on either side.
    pub up_to_date: bool,
}

impl From<engine::SyncReport> for SyncReport {
    fn from(report: engine::SyncReport) -> Self {
        Self {
            took: report.wall,
            round_trips: report.round_trips,
            bytes_up: report.bytes_up,
            bytes_down: report.bytes_down,
            documents: report.documents,
            up_to_date: report.up_to_date,
        }
    }
}

/// What the device holds, and what went over the network since it was opened.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Stats {
    /// Conversations held.
    pub conversations: u64,
    /// Contacts held.
    pub contacts: u64,
    /// What waits for the relay.
    pub pending: u64,
    /// Size of the database on disk, its log included, in bytes.
    pub database_bytes: u64,
    /// Requests sent.
    pub round_trips: u64,
    /// Bytes of the requests' bodies.
    pub bytes_up: u64,
    /// Bytes of the answers' bodies.
    pub bytes_down: u64,
}

impl From<engine::Stats> for Stats {
    fn from(stats: engine::Stats) -> Self {
        Self {
            conversations: stats.conversations,
            contacts: stats.contacts,
            pending: stats.pending,
            database_bytes: stats.database_bytes,
            round_trips: stats.round_trips,
            bytes_up: stats.bytes_up,
            bytes_down: stats.bytes_down,
        }
    }
}
