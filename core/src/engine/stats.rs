//! What the device counts about itself.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::protocol::Response;

/// What went over the network since the device was opened.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    round_trips: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    documents: AtomicU64,
    first_page: Mutex<Option<Instant>>,
}

/// A reading of [`Traffic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) round_trips: u64,
    pub(super) bytes_up: u64,
    pub(super) bytes_down: u64,
    pub(super) documents: u64,
}

impl Traffic {
    pub(super) fn request(&self, bytes: usize) {
        self.round_trips.fetch_add(1, Relaxed);
        self.bytes_up.fetch_add(as_u64(bytes), Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.bytes_down.fetch_add(as_u64(bytes), Relaxed);
    }

    /// Frames were received and are durable.
    pub(super) fn stored(&self, documents: u64, page_closed: bool) {
        self.documents.fetch_add(documents, Relaxed);
        if page_closed {
            self.first_page.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        }
    }

    /// The first page from here on is the one that [`Traffic::first_page`] tells of.
    pub(super) fn expect_first_page(&self) {
        *self.first_page.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn first_page(&self) -> Option<Instant> {
        *self.first_page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> Reading {
        Reading {
            round_trips: self.round_trips.load(Relaxed),
            bytes_up: self.bytes_up.load(Relaxed),
            bytes_down: self.bytes_down.load(Relaxed),
            documents: self.documents.load(Relaxed),
        }
    }
}

/// How many documents frames bring, and whether they close a page.
pub(super) fn contents(frames: &[Response]) -> (u64, bool) {
    let documents =
        frames.iter().filter(|frame| matches!(frame, Response::Snapshot { .. } | Response::Delta { .. })).count();
    (as_u64(documents), frames.iter().any(|frame| matches!(frame, Response::Cursor { .. })))
}

fn as_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// What a bounded catch-up did ([`crate::engine::Offdesk::sync_once`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    /// How long it took.
    pub wall: Duration,
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
    /// How long until the first page was stored; `None` if none came.
    pub first_page: Option<Duration>,
}

/// What the device holds, and what went over the network since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Documents held, all kinds.
    pub documents: u64,
    /// Conversations among them.
    pub conversations: u64,
    /// Contacts among them.
    pub contacts: u64,
    /// Intents that wait for the relay.
    pub pending: u64,
    /// Size of the database on disk, its log included.
    pub database_bytes: u64,
    /// Requests sent.
    pub round_trips: u64,
    /// Bytes of the requests' bodies.
    pub bytes_up: u64,
    /// Bytes of the answers' bodies.
    pub bytes_down: u64,
}
