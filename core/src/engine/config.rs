//! What a device is opened with.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use super::{
    clock::{Clock, SystemClock},
    transport::Transport,
};
use crate::{store::DatabaseKey, sync::SessionOptions};

/// What a device is opened with. [`Config::new`] fills in everything but the first two.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database's file. Its log lies beside it.
    pub database: PathBuf,
    /// The database's key, from the host's keystore.
    pub key: DatabaseKey,
    /// How long a reply waits on the device, to be undone, before it is sent. 3 s.
    pub undo_window: Duration,
    /// The device's clock.
    pub clock: Arc<dyn Clock>,
    /// Certificates (PEM) that are trusted beside the system's.
    pub root_certificates: Vec<Vec<u8>>,
    /// Where connections to the relay go instead of to the relay's own address: a tunnel, or something that measures.
    pub via: Option<SocketAddr>,
    /// A way to the relay other than HTTP, for tests.
    pub transport: Option<Arc<dyn Transport>>,
}

impl Config {
    /// A device at `database`, with everything else as usual.
    pub fn new(database: impl Into<PathBuf>, key: DatabaseKey) -> Self {
        Self {
            database: database.into(),
            key,
            undo_window: SessionOptions::default().undo_window,
            clock: Arc::new(SystemClock),
            root_certificates: Vec::new(),
            via: None,
            transport: None,
        }
    }
}
