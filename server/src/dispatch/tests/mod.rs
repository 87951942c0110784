//! A relay and a provider, each on a socket of its own. [`Shop`] is a workspace whose relay can be stopped, looked at and
//! started again on the same database; what customers received is read off the provider.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crashes;
mod killed;
mod restored;
mod sending;
mod webhooks;

use std::{
    future::Future,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use offdesk_core::{
    ids::{DocumentId, IntentId, MessageId, WorkspaceId},
    model::{Action, MessageKind, NewMessage, Settings},
    protocol::Delivery,
};
use rusqlite::params;
use tokio::task::JoinHandle;
use url::Url;

use super::{
    entry::{self, Entry, State},
    ledger,
};
use crate::{
    accept,
    channels::twilio::{INBOUND_PATH, STATUS_PATH},
    clock::SystemClock,
    config::{Config, Secret, Sms},
    demo::provider::{Options, Provider},
    random::Random,
    serve::{self, App, ServeError},
    store::{Store, StoreError, Tx},
};

pub(super) const OUR_NUMBER: &str = "+14155550100";
pub(super) const ANA: &str = "+14155552671";
pub(super) const BEN: &str = "+14155552672";

/// Long enough for a machine under load, short against the relay's own patience.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the provider gets until its list is believed, in these tests.
const SETTLE: Duration = Duration::from_millis(40);

pub(super) struct Shop {
    pub(super) app: App,
    pub(super) provider: Arc<Provider>,
    pub(super) workspace: WorkspaceId,
    relay: Option<JoinHandle<Result<(), ServeError>>>,
    folder: tempfile::TempDir,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::with(Options::default()).await
    }

    pub(super) async fn with(options: Options) -> Self {
        let provider = Arc::new(Provider::start(options).await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let (app, listener) = relay(&folder.path().join("relay.db"), &provider.url());
        provider.set_inbound_url(Url::parse(&inbound_url(&app)).unwrap());
        let (now, mut rng) = (app.now(), app.rng());
        let settings = Settings { name: "Shop".into(), numbers: vec![OUR_NUMBER.into()], ..Settings::default() };
        let workspace =
            app.store.write(move |tx| accept::create_workspace(tx, now, &mut rng, &settings)).await.unwrap();
        let relay = Some(tokio::spawn(serve::serve(app.clone(), listener)));
        Self { app, provider, workspace, relay, folder }
    }

    /// Ends the relay's process, as far as its database can tell. [`Shop::start`] begins a new one.
    pub(super) async fn stop(&mut self) {
        self.app.shutdown.cancel();
        if let Some(relay) = self.relay.take() {
            relay.await.unwrap().unwrap();
        }
    }

    /// Looks at or changes the database while no relay runs.
    pub(super) fn database<T>(&self, act: impl FnOnce(&rusqlite::Connection) -> T) -> T {
        assert!(self.relay.is_none(), "stop the relay first");
        act(&rusqlite::Connection::open(self.database_file()).unwrap())
    }

    fn database_file(&self) -> PathBuf {
        self.folder.path().join("relay.db")
    }

    pub(super) fn start(&mut self) {
        assert!(self.relay.is_none(), "stop the relay first");
        let (app, listener) = relay(&self.database_file(), &self.provider.url());
        self.provider.set_inbound_url(Url::parse(&inbound_url(&app)).unwrap());
        self.app = app;
        self.relay = Some(tokio::spawn(serve::serve(self.app.clone(), listener)));
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.app.store.write(work).await.unwrap()
    }

    /// A customer texts us; their conversation's document.
    pub(super) async fn conversation(&self, customer: &str) -> DocumentId {
        patiently(self.provider.inbound(customer, OUR_NUMBER, "Hello?")).await.unwrap();
        self.document(customer).await.unwrap()
    }

    pub(super) async fn document(&self, customer: &str) -> Option<DocumentId> {
        let customer = customer.to_owned();
        let find = "SELECT id FROM documents WHERE peer = ?1";
        self.write(move |tx| {
            let mut statement = tx.connection().prepare(find)?;
            let mut rows = statement.query([customer])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?.map(DocumentId))
        })
        .await
    }

    /// Somebody replies; the reply is accepted and waits in the ledger.
    pub(super) async fn reply(&self, conversation: DocumentId, text: &str) -> MessageId {
        let (now, mut rng, workspace, text) = (self.app.now(), self.app.rng(), self.workspace, text.to_owned());
        let id = IntentId::generate(now, &mut rng);
        let message = NewMessage::new(MessageKind::Outbound, None, text, now);
        self.write(move |tx| {
            accept::author(tx, now, &mut rng, workspace, conversation, &[Action::AddMessage { id, message }])
        })
        .await;
        id
    }

    pub(super) async fn entry(&self, message: MessageId) -> Entry {
        self.app.store.read(move |tx| entry::entry(tx, message)).await.unwrap().unwrap()
    }

    /// What devices are told of the message.
    pub(super) async fn delivery(&self, message: MessageId) -> Delivery {
        let document = self.entry(message).await.document;
        self.app.store.read(move |tx| tx.message_fact(document, message)).await.unwrap().unwrap().delivery
    }

    /// Waits until the message is in this state.
    pub(super) async fn until(&self, message: MessageId, state: State) -> Entry {
        let mut changed = self.app.store.changed();
        let waiting = async {
            loop {
                let entry = self.entry(message).await;
                if entry.state == state {
                    return entry;
                }
                let _ = changed.recv().await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(entry) => entry,
            Err(_) => panic!("waited for {state:?}, it is {:?}", self.entry(message).await),
        }
    }

    /// The texts of a conversation, by the time of their ids.
    pub(super) async fn texts(&self, conversation: DocumentId) -> Vec<String> {
        self.write(move |tx| {
            let document = tx.load(conversation, offdesk_core::model::Kind::Conversation)?;
            let read = offdesk_core::model::Conversation::read(document).unwrap();
            Ok(read.messages.into_values().map(|message| message.text).collect())
        })
        .await
    }

    pub(super) fn inbound_url(&self) -> String {
        inbound_url(&self.app)
    }

    pub(super) fn status_url(&self) -> String {
        format!("http://{}{STATUS_PATH}", self.app.config.listen)
    }

    /// Leaves the message as a process does that died after claiming it. The relay is stopped.
    pub(super) fn claimed_and_died(&self, message: MessageId) {
        let now = self.app.now().millis();
        self.database(|db| {
            let left = db.execute(
                "UPDATE ledger SET state = 'dispatching', attempt = ?2, attempted_at = ?3, attempts = 1, retry_at = ?3
                 WHERE message = ?1 AND state = 'queued'",
                params![message.as_bytes(), [9_u8; 16], now],
            );
            assert_eq!(left.unwrap(), 1);
        });
    }

    /// Stops the ledger's emptying, as a restore does, until [`Shop::confirm`].
    pub(super) async fn pause(&self) {
        self.recovering(1).await;
    }

    pub(super) async fn confirm(&self) {
        self.recovering(0).await;
    }

    async fn recovering(&self, recovering: u8) {
        let workspace = self.workspace;
        self.write(move |tx| {
            tx.connection().execute("UPDATE relay SET recovering = ?1", [recovering])?;
            tx.touch(workspace);
            Ok(())
        })
        .await;
    }

    pub(super) async fn close(mut self) {
        self.stop().await;
        self.provider.stop().await;
    }
}

/// A relay's state on a database, and the listener under whose address the provider is told to know it.
fn relay(database: &Path, provider_url: &str) -> (App, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    let account = Options::default();
    let sms = Sms {
        base_url: Url::parse(provider_url).unwrap(),
        account_sid: account.account_sid,
        auth_token: Some(Secret::new(account.auth_token)),
        auth_token_file: None,
        status_callback: true,
        settle: SETTLE,
    };
    let config = Config {
        database: database.to_owned(),
        listen,
        public_url: Some(Url::parse(&format!("http://{listen}")).unwrap()),
        sms: Some(sms),
        shutdown_grace: Duration::from_millis(500),
        ..Config::default()
    };
    let store = Store::open(database).unwrap();
    (App::new(store, config, Arc::new(SystemClock), Random::system().unwrap()), listener)
}

/// The relay's webhook for inbound messages.
fn inbound_url(app: &App) -> String {
    format!("http://{}{INBOUND_PATH}", app.config.listen)
}

/// Fails the test rather than let it hang.
pub(super) async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it takes too long")
}
