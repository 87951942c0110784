//! A clock that runs like the system's and can be set forward: for scenes in which hours pass.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use offdesk_core::{engine, time::Timestamp};
use tokio::sync::watch;

/// A clock for a device or the relay. Clones show the same time.
#[derive(Clone)]
pub struct LeapingClock {
    ahead: Arc<AtomicI64>,
    leaps: watch::Sender<u64>,
}

impl Default for LeapingClock {
    fn default() -> Self {
        Self { ahead: Arc::default(), leaps: watch::Sender::new(0) }
    }
}

impl fmt::Debug for LeapingClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LeapingClock").field(&self.time()).finish()
    }
}

impl LeapingClock {
    /// Sets it forward; whoever waits for a time up to then wakes.
    pub fn leap(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), SeqCst);
        self.leaps.send_modify(|leaps| *leaps += 1);
    }

    fn time(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.ahead.load(SeqCst))
    }
}

impl engine::Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let clock = self.clone();
        Box::pin(async move {
            let mut leaps = clock.leaps.subscribe();
            while clock.time() < at {
                let left = at.since(clock.time());
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    // The sender is in `clock`, so it never ends.
                    _ = leaps.changed() => {}
                }
            }
        })
    }
}

impl offdesk_relay::clock::Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
}
