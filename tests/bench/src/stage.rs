//! A relay on a copy of a generated database, and devices that are enrolled with it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use offdesk_core::{
    engine::{Config as DeviceConfig, Offdesk, SyncReport},
    ids::{ConversationId, DocumentId},
    model::Channel,
    store::DatabaseKey,
    triage::{ConversationRow, InboxFilter},
};
use offdesk_relay::{
    accept::{self, Inbound},
    auth,
    clock::SystemClock,
    config::Config,
    random::Random,
    serve::{self, App, Running},
    store::{Store, StoreError, Tx},
};
use offdesk_tests::{OUR_NUMBER, Proxy};
use tempfile::TempDir;

use crate::office::{self, Office};

/// Longer than anything here takes.
pub const DEADLINE: Duration = Duration::from_secs(600);

/// A running relay with a workload in it.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    relay: Running,
    /// Whose workspace it is.
    pub office: Office,
}

impl Stage {
    /// A relay with this many conversations.
    pub async fn open(cache: &Path, conversations: usize) -> Self {
        let (database, office) = office::database(cache, conversations);
        let folder = tempfile::Builder::new().prefix("stage").tempdir_in(cache).unwrap();
        let copy = folder.path().join("relay.db");
        fs::copy(database, &copy).unwrap();
        let config = Config { database: copy.clone(), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
        let app = App::new(Store::open(&copy).unwrap(), config, Arc::new(SystemClock), Random::system().unwrap());
        let relay = serve::start_app(app).await.unwrap();
        Self { folder, relay, office }
    }

    /// The relay's state.
    pub fn app(&self) -> &App {
        self.relay.app()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.relay.addr()
    }

    /// A path in the stage's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A proxy that counts, before the relay.
    pub async fn proxy(&self) -> Proxy {
        Proxy::to(self.relay.addr()).await.unwrap()
    }

    /// Enrols a device of a member. It speaks to the relay itself.
    pub async fn enrol(&self, member: usize, name: &str) -> Device {
        let code = self.code(member).await;
        let config = self.device_config(name);
        let device = Offdesk::enrol(config.clone(), &self.relay.url(), &code, name).await.unwrap();
        Device { device, config }
    }

    /// A device of a member that has everything.
    pub async fn synced(&self, member: usize, name: &str) -> Device {
        let device = self.enrol(member, name).await;
        device.sync().await;
        device
    }

    /// A code for a device of a member.
    pub async fn code(&self, member: usize) -> String {
        let (app, of) = (self.app(), (self.office.workspace, self.office.members[member]));
        let (now, mut rng) = (app.now(), app.rng());
        let code = app
            .store
            .write(move |tx: &mut Tx<'_>| auth::code::create(tx, now, &mut rng, of, Duration::from_secs(600), "bench"))
            .await;
        code.unwrap().code
    }

    fn device_config(&self, name: &str) -> DeviceConfig {
        let mut config = DeviceConfig::new(self.path(&format!("{name}.db")), DatabaseKey::new([7; 32]));
        config.undo_window = Duration::ZERO;
        config
    }

    /// Customers write once each: these texts, into these conversations.
    pub async fn inbound(&self, rows: &[ConversationRow], texts: Vec<String>) {
        let app = self.app();
        let (now, mut rng, workspace) = (app.now(), app.rng(), self.office.workspace);
        let documents: Vec<DocumentId> = rows.iter().map(|row| row.document).collect();
        app.store
            .write(move |tx: &mut Tx<'_>| {
                for (document, text) in documents.into_iter().zip(texts) {
                    let sql = "SELECT peer FROM documents WHERE id = ?1";
                    let phone = tx.connection().query_row(sql, [document.as_bytes()], |row| row.get(0))?;
                    let provider_id = format!("SM{:032x}", rand::RngExt::random::<u128>(&mut rng));
                    let channel = Channel::Sms(OUR_NUMBER.into());
                    accept::inbound(tx, now, &mut rng, &Inbound { workspace, channel, phone, text, provider_id })?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    /// Ends the relay in order.
    pub async fn stop(self) -> TempDir {
        self.relay.stop().await.unwrap();
        self.folder
    }
}

/// A device, and what it was opened with.
#[derive(Debug)]
pub struct Device {
    device: Offdesk,
    /// What it was opened with.
    pub config: DeviceConfig,
}

impl std::ops::Deref for Device {
    type Target = Offdesk;
    fn deref(&self) -> &Offdesk {
        &self.device
    }
}

impl Device {
    /// One bounded catch-up, which must reach the end.
    pub async fn sync(&self) -> SyncReport {
        let report = self.device.sync_once(DEADLINE).await.unwrap();
        assert!(report.up_to_date);
        report
    }

    /// Closes it and opens it again, with its connections going to `via`.
    pub async fn reopen(self, via: SocketAddr) -> Self {
        let Device { device, mut config } = self;
        device.close().await;
        config.via = Some(via);
        let device = Offdesk::open(config.clone()).unwrap();
        Device { device, config }
    }

    /// Closes it; its file stays.
    pub async fn close(self) -> DeviceConfig {
        self.device.close().await;
        self.config
    }

    /// The first conversations of its list.
    pub fn first(&self, count: usize) -> Vec<ConversationRow> {
        self.device.inbox(&InboxFilter::default(), count, None).unwrap()
    }

    /// The ids of the first conversations of its list.
    pub fn conversations(&self, count: usize) -> Vec<ConversationId> {
        self.first(count).into_iter().map(|row| row.conversation).collect()
    }
}
