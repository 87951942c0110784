//! The peer of the sync lines: `samod`, the Rust library that syncs Automerge documents as automerge-repo does. It gets the
//! very documents that our relay holds, and what is favourable to it: both sides in memory without a disk, no
//! authorization, no validation, no TLS, frames over bare TCP without HTTP, and a server that announces nothing by itself.
//!
//! It is compiled with the feature `peer` only; without, its column stays empty.

#[cfg(feature = "peer")]
mod samod;

use std::time::Duration;

use crate::measure::{bytes, time};

/// What the peer needed.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Bytes both ways.
    pub bytes: Option<u64>,
    /// Time.
    pub wall: Option<Duration>,
    /// CPU time of both sides.
    pub cpu: Duration,
    /// For the live line.
    pub latency: String,
}

impl Figures {
    /// Its bytes for the table.
    pub fn bytes(&self) -> String {
        self.bytes.map(bytes).unwrap_or_default()
    }

    /// Its time for the table.
    pub fn time(&self) -> String {
        self.wall.map(|wall| format!("{} ({} CPU)", time(wall), time(self.cpu))).unwrap_or_default()
    }
}

#[cfg(feature = "peer")]
pub use samod::{cold, live, reconnect, upload};

#[cfg(not(feature = "peer"))]
mod absent {
    use super::Figures;
    use crate::stage::Stage;

    /// A reconnect after so many documents changed.
    pub async fn reconnect(_: &Stage, _: usize) -> Figures {
        Figures::default()
    }

    /// A cold start.
    pub async fn cold(_: &Stage) -> Figures {
        Figures::default()
    }

    /// An upload of what was written offline.
    pub async fn upload(_: &Stage) -> Figures {
        Figures::default()
    }

    /// Changes from one client to another.
    pub async fn live(_: &Stage) -> Figures {
        Figures::default()
    }
}
#[cfg(not(feature = "peer"))]
pub use absent::{cold, live, reconnect, upload};
