//! Waiting for a condition. A scene never sleeps for a guessed time: it says what must become true.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long a condition may take. Far more than it ever needs on a busy machine: only a failing test waits this long.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `condition` holds.
///
/// # Panics
/// If it doesn't within [`PATIENCE`], naming `what` was waited for.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        if began.elapsed() > PATIENCE {
            panic!("waited {PATIENCE:?} in vain: {what}");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for `work`.
///
/// # Panics
/// If it doesn't end within [`PATIENCE`], naming `what` was waited for.
pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}
