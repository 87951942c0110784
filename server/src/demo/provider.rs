//! A provider with Twilio's API for demos and tests: it speaks HTTP on loopback, signs its webhooks as Twilio does, and
//! keeps its own log of what every handset received, exactly as often as it was sent. That log is the judge of R32.
//!
//! In a test or demo, start it with [`Provider::start`] and ask it directly. In a process of its own (`cargo run --example
//! sms_provider`) it is told over `/control/…` and writes its log to a file, each line synced before its answer goes out.

mod api;
mod control;
mod faults;
mod log;
mod webhooks;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use offdesk_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use faults::Faults;
pub use webhooks::Undelivered;

use crate::clock::{Clock, SystemClock};

/// What the provider is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 for any.
    pub listen: SocketAddr,
    /// The account's id.
    pub account_sid: String,
    /// The account's secret.
    pub auth_token: String,
    /// Where inbound messages go: the relay's webhook. May be told later.
    pub inbound_url: Option<Url>,
    /// A file for the log, one JSON object a line; what it already holds is read first.
    pub log: Option<PathBuf>,
    /// The provider's own clock.
    pub clock: Arc<dyn Clock>,
    /// The first pause before a webhook that failed is tried again; it doubles up to a second.
    pub retry_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account_sid: "AC00000000000000000000000000000001".into(),
            auth_token: "a-token-for-demos".into(),
            inbound_url: None,
            log: None,
            clock: Arc::new(SystemClock),
            retry_pause: Duration::from_millis(20),
        }
    }
}

/// One SMS as the provider holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The provider's id of it.
    pub sid: String,
    /// Who sent it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// The text.
    pub body: String,
    /// From a handset to the relay.
    pub inbound: bool,
    /// When the provider got it, by its clock.
    pub at: Timestamp,
    /// Twilio's name of how far it is.
    pub status: String,
    /// Twilio's code of why it failed.
    pub error_code: Option<i64>,
    /// Where reports go.
    pub status_callback: Option<String>,
}

struct State {
    texts: Vec<Text>,
    faults: Faults,
    inbound_url: Option<Url>,
    log: Option<log::Log>,
}

struct Inner {
    options: Options,
    // A std Mutex: it is held for a look or a change, never across an await.
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    http: reqwest::Client,
    stop: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        let skew = self.state().faults.clock_skew_ms;
        Timestamp(self.options.clock.now().millis() + skew)
    }

    fn sid(prefix: &str) -> String {
        format!("{prefix}{:032x}", rand::random::<u128>())
    }

    /// Keeps a text for good; an error means that it is not kept.
    fn keep(&self, text: Text) -> io::Result<()> {
        {
            let mut state = self.state();
            if let Some(log) = &mut state.log {
                log.write(&text)?;
            }
            state.texts.push(text);
        }
        self.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    fn set_status(&self, sid: &str, status: &str, error_code: Option<i64>) {
        {
            let mut state = self.state();
            let Some(text) = state.texts.iter_mut().find(|text| text.sid == sid) else { return };
            status.clone_into(&mut text.status);
            text.error_code = error_code;
        }
        self.changes.send_modify(|changes| *changes += 1);
    }
}

/// The provider can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It can't listen, or its log can't be used.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client for its webhooks can't be set up.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A running provider.
pub struct Provider {
    inner: Arc<Inner>,
    addr: SocketAddr,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Provider {
    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`] if it can't listen or its log can't be read.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (log, texts) = match &options.log {
            Some(path) => log::Log::open(path).map(|(log, texts)| (Some(log), texts))?,
            None => (None, Vec::new()),
        };
        let listener = TcpListener::bind(options.listen).await?;
        let addr = listener.local_addr()?;
        let state = State { texts, faults: Faults::default(), inbound_url: options.inbound_url.clone(), log };
        let inner = Arc::new(Inner {
            options,
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?,
            stop: CancellationToken::new(),
            tasks: Mutex::new(JoinSet::new()),
        });
        let routes = api::routes().merge(control::routes()).with_state(inner.clone());
        let stop = inner.stop.clone();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the SMS provider's listener failed");
            }
        });
        Ok(Self { inner, addr, server: Mutex::new(Some(server)) })
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The account's id.
    pub fn account_sid(&self) -> &str {
        &self.inner.options.account_sid
    }

    /// The account's secret.
    pub fn auth_token(&self) -> &str {
        &self.inner.options.auth_token
    }

    /// Tells where inbound messages go.
    pub fn set_inbound_url(&self, url: Url) {
        self.inner.state().inbound_url = Some(url);
    }

    /// Changes what goes wrong from here on.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.inner.state().faults);
    }

    /// Every text it took, in order.
    pub fn texts(&self) -> Vec<Text> {
        self.inner.state().texts.clone()
    }

    /// What the handset with this number received from us, in order and as often as it was sent.
    pub fn handset(&self, number: &str) -> Vec<String> {
        let state = self.inner.state();
        state.texts.iter().filter(|text| !text.inbound && text.to == number).map(|text| text.body.clone()).collect()
    }

    /// Waits until what it holds satisfies `condition`.
    pub async fn until(&self, condition: impl Fn(&[Text]) -> bool) {
        let mut changes = self.inner.changes.subscribe();
        loop {
            if condition(&self.inner.state().texts) {
                return;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Tells of every change of what it holds.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// A handset texts one of our numbers: the webhook is called, again and again with the same id, until it is answered
    /// with success. Returns the provider's id of the message.
    ///
    /// # Errors
    /// [`Undelivered`] if the relay refuses it for good, or the provider stops before.
    pub async fn inbound(&self, from: &str, to: &str, body: &str) -> Result<String, Undelivered> {
        self.inner.inbound(from, to, body).await
    }

    /// As [`Provider::inbound`], but the webhook is never called: as if it got lost on the way. Only the list has it.
    ///
    /// # Errors
    /// [`io::Error`] if it can't be kept.
    pub fn inbound_without_webhook(&self, from: &str, to: &str, body: &str) -> io::Result<String> {
        self.inner.receive(from, to, body).map(|text| text.sid)
    }

    /// Posts a signed webhook as it stands and returns the status of the answer: for what Twilio would never send.
    ///
    /// # Errors
    /// [`reqwest::Error`] if there is no answer.
    pub async fn post_signed(&self, url: &str, form: &[(&str, &str)]) -> Result<u16, reqwest::Error> {
        self.inner.post(url, form).await.map(|status| status.as_u16())
    }

    /// Ends it, and waits until nothing of it runs.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            // A client that keeps its connection open must not keep us.
            server.abort();
            let _ = server.await;
        }
    }
}
