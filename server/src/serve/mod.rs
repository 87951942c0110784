//! The running relay: routes behind one listener, background tasks, and an orderly end.
//!
//! Shutting down goes: stop accepting, cancel [`App::shutdown`] (live streams say goodbye, background tasks end), let
//! what is under way finish within the grace, then close the store, which checkpoints its log.

mod app;
mod listener;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::task::JoinHandle;

pub use app::App;

use crate::{
    automations,
    channels::twilio::client::ClientError,
    clock::SystemClock,
    config::Config,
    dispatch,
    random::Random,
    store::{Store, StoreError},
};

/// The relay can't run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("{0} can't be listened on: {1}; choose another address in 'listen', or end what holds this one")]
    Listen(SocketAddr, io::Error),
    /// The certificate or key can't be used.
    #[error("the certificate {certificate} with the key {key} can't be used: {why}")]
    Tls {
        /// The certificate's file.
        certificate: std::path::PathBuf,
        /// The key's file.
        key: std::path::PathBuf,
        /// Why.
        why: String,
    },
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Io(#[from] io::Error),
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The SMS provider's client can't be set up.
    #[error(transparent)]
    Sms(#[from] ClientError),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Random(#[from] rand::rngs::SysError),
}

/// Every route of the relay.
pub fn router(app: &App) -> Router {
    crate::api::router(app).with_state(app.clone())
}

/// Serves on `listener` until `app.shutdown` is cancelled, then ends in order and closes the store.
///
/// # Errors
/// [`ServeError`] if the listener or the certificate can't be used.
pub async fn serve(app: App, listener: std::net::TcpListener) -> Result<(), ServeError> {
    let background = background(&app)?;
    let served = listener::serve(&app, router(&app), listener).await;
    // Also when the listener failed: nobody is served any more.
    app.shutdown.cancel();
    let grace = app.config.shutdown_grace;
    for task in background {
        let handle = task.abort_handle();
        if tokio::time::timeout(grace, task).await.is_err() {
            handle.abort();
        }
    }
    app.store.close().await;
    served
}

/// The tasks that run beside the routes; each ends once `app.shutdown` is cancelled.
fn background(app: &App) -> Result<Vec<JoinHandle<()>>, ServeError> {
    let mut tasks = vec![tokio::spawn(upkeep(app.clone())), automations::runs::start(app)];
    tasks.extend(dispatch::run::start(app)?);
    Ok(tasks)
}

async fn upkeep(app: App) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    while app.shutdown.run_until_cancelled(every.tick()).await.is_some() {
        app.metrics.upkeep();
        app.enrolments.upkeep();
    }
}

/// A relay that runs in this process.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    app: App,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its state.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Its address as devices write it.
    pub fn url(&self) -> String {
        let scheme = if self.app.config.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Ends it in order and waits until the store is closed.
    ///
    /// # Errors
    /// [`ServeError`] if it had failed.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.app.shutdown.cancel();
        self.wait().await
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// [`ServeError`] if it failed.
    pub async fn wait(self) -> Result<(), ServeError> {
        self.task.await.unwrap_or_else(|error| Err(ServeError::Io(io::Error::other(error))))
    }
}

/// Opens the store, listens and serves in the background, with the machine's clock and randomness.
///
/// # Errors
/// [`ServeError`] if the relay can't start.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    let store = Store::open(&config.database)?;
    start_app(App::new(store, config, Arc::new(SystemClock), Random::system()?)).await
}

/// As [`start`], with a state of the caller's making: another clock or randomness.
///
/// # Errors
/// [`ServeError`] if the relay can't start.
pub async fn start_app(app: App) -> Result<Running, ServeError> {
    let listener =
        std::net::TcpListener::bind(app.config.listen).map_err(|error| ServeError::Listen(app.config.listen, error))?;
    let addr = listener.local_addr()?;
    let task = tokio::spawn(serve(app.clone(), listener));
    Ok(Running { addr, app, task })
}
