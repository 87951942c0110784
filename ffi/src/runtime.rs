//! The runtime that everything async runs on, whatever executor the host polls with: so that what wakes a host's
//! continuation is a thread of ours that holds no lock, and never the one that has just written.

use std::{
    future::Future,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
};

use tokio::{
    runtime::{Builder, EnterGuard, Runtime},
    task::JoinHandle,
};

use crate::error::OffdeskError;

/// Two threads: one may wait for the disk while the other goes on.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn runtime() -> Result<&'static Runtime, OffdeskError> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let built = Builder::new_multi_thread().worker_threads(THREADS).thread_name("offdesk").enable_all().build();
    let built =
        built.map_err(|error| OffdeskError::Storage { reason: format!("no thread can be started: {error}") })?;
    // If two come at once, one of the two is dropped before anything ran on it.
    Ok(RUNTIME.get_or_init(|| built))
}

/// While the guard is held, what is called starts its tasks on the runtime.
pub(crate) fn enter() -> Result<EnterGuard<'static>, OffdeskError> {
    Ok(runtime()?.enter())
}

/// Runs a future on the runtime. Dropping the answer drops the future: that is how a host cancels.
pub(crate) async fn on_runtime<T: Send + 'static>(
    work: impl Future<Output = Result<T, OffdeskError>> + Send + 'static,
) -> Result<T, OffdeskError> {
    Running(runtime()?.spawn(work)).await
}

struct Running<T>(JoinHandle<Result<T, OffdeskError>>);

impl<T> Future for Running<T> {
    type Output = Result<T, OffdeskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ended| ended.unwrap_or(Err(OffdeskError::Closed)))
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
