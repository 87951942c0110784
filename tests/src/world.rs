//! A workspace with its people, their phones, a relay and a provider.

use std::{
    io,
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use offdesk_core::{
    engine::{Config as DeviceConfig, Connection, NetworkState, Offdesk},
    ids::{ConversationId, DeviceId, DocumentId, MemberId, RoleId, WorkspaceId},
    model::{Action, ContactAccess, DashboardAccess, Member, MessageAccess, Role, RoleKind, Settings},
    store::DatabaseKey,
    triage::{InboxFilter, MessageView},
};
use offdesk_relay::{
    accept, auth,
    channels::twilio::INBOUND_PATH,
    config::{Config, Secret, Sms},
    demo::provider::{Options, Provider},
    random::Random,
    serve::{self, App, ServeError},
    store::{Store, StoreError, Tx},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{LeapingClock, Proxy, eventually};

/// The workspace's number.
pub const OUR_NUMBER: &str = "+14155550100";

/// Access in short: kind of role, dashboard, contacts, messages.
pub type Level = (RoleKind, DashboardAccess, ContactAccess, MessageAccess);
/// Administers, and sees and writes everything.
pub const ADMINISTRATOR: Level =
    (RoleKind::Administrator, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);
/// Sees and writes every conversation.
pub const AGENT: Level = (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);
/// Sees what is assigned to them, and the records that they own.
pub const REP: Level = (RoleKind::User, DashboardAccess::Assigned, ContactAccess::Own, MessageAccess::Write);

/// A stage. Everything on it is real: sockets, files, HTTP, encryption.
#[derive(Debug)]
pub struct World {
    folder: TempDir,
    relay: Relay,
    /// The SMS provider, with what every customer's handset got.
    pub provider: Provider,
    /// The relay's clock.
    pub clock: LeapingClock,
    workspace: WorkspaceId,
}

#[derive(Debug)]
struct Relay {
    app: App,
    addr: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// A person of the workspace.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id.
    pub id: MemberId,
    /// Their name.
    pub name: String,
}

impl World {
    /// A workspace with the usual settings.
    pub async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    /// A workspace with these settings; name and number are filled in.
    pub async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Provider::start(Options::default()).await.unwrap();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let clock = LeapingClock::default();
        let app = app(&folder.path().join("relay.db"), addr, &provider, &clock).unwrap();
        provider.set_inbound_url(format!("http://{addr}{INBOUND_PATH}").parse().unwrap());
        let (now, mut rng) = (app.now(), app.rng());
        let settings = Settings { name: "Acme".into(), numbers: vec![OUR_NUMBER.into()], ..settings };
        let workspace = app
            .store
            .write(move |tx: &mut Tx<'_>| accept::create_workspace(tx, now, &mut rng, &settings))
            .await
            .unwrap();
        let serving = tokio::spawn(serve::serve(app.clone(), listener));
        Self { folder, relay: Relay { app, addr, serving }, provider, clock, workspace }
    }

    /// The relay's store, for what no device can do.
    pub fn store(&self) -> &Store {
        &self.relay.app.store
    }

    /// The relay's state.
    pub fn app(&self) -> &App {
        &self.relay.app
    }

    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Where the relay listens.
    pub fn addr(&self) -> SocketAddr {
        self.relay.addr
    }

    /// The relay's address as devices write it.
    pub fn url(&self) -> String {
        format!("http://{}", self.relay.addr)
    }

    /// A path for a file of the scene.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs in the relay's writer.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store().write(work).await.unwrap()
    }

    /// Adds a member with a role of this access.
    pub async fn member(&self, name: &str, (kind, dashboard, contacts, messages): Level) -> Person {
        let (now, mut rng, workspace) = (self.app().now(), self.app().rng(), self.workspace);
        let role = Role { id: RoleId::generate(now, &mut rng), name: name.into(), kind, dashboard, contacts, messages };
        let member = Member {
            id: MemberId::generate(now, &mut rng),
            name: name.into(),
            role: Some(role.id),
            dashboard_override: None,
            active: true,
        };
        let id = member.id;
        let actions: Vec<Action> = role.actions().into_iter().chain(member.actions()).collect();
        self.write(move |tx| {
            let directory: Vec<u8> = tx.connection().query_row(
                "SELECT directory FROM workspaces WHERE id = ?1",
                [workspace.as_bytes()],
                |row| row.get(0),
            )?;
            let directory = DocumentId::from_slice(&directory).ok_or(StoreError::Missing("directory"))?;
            accept::author(tx, now, &mut rng, workspace, directory, &actions)
        })
        .await;
        Person { id, name: name.into() }
    }

    /// A code for a new device of a member.
    pub async fn enrolment_code(&self, person: &Person) -> String {
        let (now, mut rng, of) = (self.app().now(), self.app().rng(), (self.workspace, person.id));
        let code = self
            .store()
            .write(move |tx: &mut Tx<'_>| {
                auth::code::create(tx, now, &mut rng, of, Duration::from_secs(600), "the scene")
            })
            .await;
        code.unwrap().code
    }

    /// Enrols a phone of a member behind a proxy of its own, without starting it.
    pub async fn enrol(&self, person: &Person, name: &str) -> Phone {
        let proxy = Proxy::to(self.relay.addr).await.unwrap();
        let clock = LeapingClock::default();
        let config = self.device_config(name, &clock);
        let code = self.enrolment_code(person).await;
        let device = Offdesk::enrol(config.clone(), &proxy.url(), &code, name).await.unwrap();
        Phone { device, proxy, clock, config, key: key_of(name), name: name.into() }
    }

    /// Enrols and starts a phone of a member, and waits until it has everything.
    pub async fn phone(&self, person: &Person, name: &str) -> Phone {
        let phone = self.enrol(person, name).await;
        phone.start();
        phone.live().await;
        phone
    }

    /// What a device of this name is opened with.
    pub fn device_config(&self, name: &str, clock: &LeapingClock) -> DeviceConfig {
        let file: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut config = DeviceConfig::new(self.path(&format!("{file}.db")), DatabaseKey::new(key_of(name)));
        config.undo_window = Duration::ZERO;
        config.clock = Arc::new(clock.clone());
        config
    }

    /// The relay's id of a device, by the name that it was enrolled with.
    pub async fn device_id(&self, name: &str) -> DeviceId {
        let name = name.to_owned();
        self.write(move |tx| {
            let sql = "SELECT id FROM devices WHERE name = ?1";
            let id: Vec<u8> = tx.connection().query_row(sql, [name], |row| row.get(0))?;
            DeviceId::from_slice(&id).ok_or(StoreError::Missing("device"))
        })
        .await
    }

    /// A customer texts our number.
    pub async fn inbound(&self, from: &str, text: &str) {
        self.provider.inbound(from, OUR_NUMBER, text).await.unwrap();
    }

    /// Ends the relay in order.
    pub async fn stop(self) {
        self.relay.app.shutdown.cancel();
        self.relay.serving.await.unwrap().unwrap();
        self.provider.stop().await;
    }
}

/// A key of its own for each phone.
fn key_of(name: &str) -> [u8; 32] {
    let mut key = [7; 32];
    key.iter_mut().zip(name.bytes()).for_each(|(key, byte)| *key = byte);
    key
}

fn app(database: &Path, addr: SocketAddr, provider: &Provider, clock: &LeapingClock) -> io::Result<App> {
    let config = Config {
        database: database.to_owned(),
        listen: addr,
        public_url: Some(format!("http://{addr}").parse().map_err(io::Error::other)?),
        shutdown_grace: Duration::from_secs(2),
        sms: Some(Sms {
            base_url: provider.url().parse().map_err(io::Error::other)?,
            account_sid: provider.account_sid().into(),
            auth_token: Some(Secret::new(provider.auth_token())),
            auth_token_file: None,
            status_callback: true,
            settle: Duration::from_millis(500),
        }),
        ..Config::default()
    };
    let store = Store::open(database).map_err(io::Error::other)?;
    Ok(App::new(store, config, Arc::new(clock.clone()), Random::system().map_err(io::Error::other)?))
}

/// A phone with the network before it. It is an [`Offdesk`].
#[derive(Debug)]
pub struct Phone {
    device: Offdesk,
    /// The network between it and the relay.
    pub proxy: Proxy,
    /// Its clock.
    pub clock: LeapingClock,
    /// What it was opened with.
    pub config: DeviceConfig,
    /// Its database's key.
    pub key: [u8; 32],
    name: String,
}

impl Deref for Phone {
    type Target = Offdesk;
    fn deref(&self) -> &Offdesk {
        &self.device
    }
}

impl Phone {
    /// Airplane mode: the host says so, and nothing would get through anyway.
    pub fn go_offline(&self) {
        self.proxy.refuse(true);
        self.set_network(NetworkState::Offline);
    }

    /// Back on the ground.
    pub fn go_online(&self) {
        self.proxy.refuse(false);
        self.set_network(NetworkState::Online);
    }

    /// Waits until the relay has answered everything and said that nothing is missing.
    pub async fn live(&self) {
        let live = eventually("it is up to date", || {
            let status = self.status();
            status.connection == Connection::Live && status.pending == 0
        });
        // A scene that hangs here is told with what the phone itself says.
        if std::panic::AssertUnwindSafe(live).catch_unwind().await.is_err() {
            panic!("{} is not up to date: {:#?} {:#?}", self.name, self.status(), self.outbox());
        }
    }

    /// Closes it; its files stay.
    pub async fn close(self) {
        self.device.close().await;
    }

    /// Closes it and opens it again from its file.
    pub async fn reopen(self) -> Phone {
        self.tampered(|_, _| {}).await
    }

    /// Closes it, lets somebody at its file, and opens it again.
    pub async fn tampered(self, tamper: impl FnOnce(&Path, &[u8; 32])) -> Phone {
        let Phone { device, proxy, clock, config, key, name } = self;
        device.close().await;
        tamper(&config.database, &key);
        let device = Offdesk::open(config.clone()).unwrap();
        Phone { device, proxy, clock, config, key, name }
    }

    /// The only conversation with a customer of this name or phone.
    pub fn conversation_with(&self, customer: &str) -> Option<ConversationId> {
        let rows = self.inbox(&InboxFilter::default(), 1000, None).unwrap();
        let mut found = rows.into_iter().filter(|row| row.contact_name == customer);
        let first = found.next()?;
        assert!(found.next().is_none(), "{} shows several conversations with {customer}", self.name);
        Some(first.conversation)
    }

    /// The messages of a conversation, as shown.
    pub fn messages(&self, conversation: ConversationId) -> Vec<MessageView> {
        self.conversation(conversation).unwrap().messages
    }

    /// The texts of a conversation, as shown.
    pub fn texts(&self, conversation: ConversationId) -> Vec<String> {
        self.messages(conversation).into_iter().map(|message| message.text).collect()
    }
}
