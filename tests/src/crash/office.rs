//! The scene: a relay's process, a provider that outlives it, members with phones.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use offdesk_core::{
    engine::{Config, Connection, Offdesk},
    store::DatabaseKey,
};
use offdesk_relay::demo::provider::{Options, Provider};
use tempfile::TempDir;

use super::{RelayProcess, evidence::Evidence, files::Copy};
use crate::{OUR_NUMBER, wait::PATIENCE};

/// A workspace with its relay and provider. Its folder is kept if the scene fails.
#[derive(Debug)]
pub struct Office {
    folder: Option<TempDir>,
    /// The relay.
    pub relay: RelayProcess,
    /// The provider: its log is what the customers' handsets got.
    pub provider: Arc<Provider>,
}

impl Office {
    /// A workspace with these members, all of whom see and write everything. `program` is the relay's. The relay runs.
    pub async fn open(program: &str, members: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Some(folder.path().join("provider.log"));
        let provider = Arc::new(Provider::start(Options { log, ..Options::default() }).await.unwrap());
        let mut relay = RelayProcess::configured(program, folder.path(), &provider);
        relay.admin(&["workspace", "create", "--name", "Acme", "--number", OUR_NUMBER]).await;
        for member in members {
            relay.admin(&["member", "add", "--name", member, "--role", "Agent"]).await;
        }
        relay.start(None).await;
        Self { folder: Some(folder), relay, provider }
    }

    /// A path for a file of the scene.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.as_ref().unwrap().path().join(name)
    }

    /// Enrols a phone of a member; the relay must run. It is not started.
    pub async fn enrol(&self, member: &str, name: &str, undo_window: Duration) -> Offdesk {
        let code = self.relay.admin(&["code", "create", "--member", member]).await;
        let config = device(&self.path(&format!("{name}.db")), undo_window);
        Offdesk::enrol(config, &self.relay.url(), code["code"].as_str().unwrap(), name).await.unwrap()
    }

    /// Enrols a phone, starts it, and waits until it has everything.
    pub async fn phone(&self, member: &str, name: &str) -> Offdesk {
        let phone = self.enrol(member, name, Duration::ZERO).await;
        phone.start();
        arrives(&phone, name).await;
        phone
    }

    /// What the relay's database says; the relay may run.
    pub fn evidence(&self) -> Evidence {
        Evidence::of(self.relay.database())
    }

    /// Holds that the dead relay's database is sound.
    pub fn relay_file_is_sound(&self) {
        Copy::of(self.relay.database(), None).is_sound();
    }

    /// A customer texts our number, again and again until the relay has it.
    pub async fn inbound(&self, from: &str, text: &str) {
        self.provider.inbound(from, OUR_NUMBER, text).await.unwrap();
    }

    /// How often the provider took this text from us.
    pub fn times_sent(&self, text: &str) -> usize {
        self.provider.texts().iter().filter(|sent| !sent.inbound && sent.body == text).count()
    }
}

impl Drop for Office {
    #[allow(clippy::print_stderr, reason = "a failed test says where its files are")]
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("the scene's files are kept in {}", folder.keep().display());
        }
    }
}

/// The key of every device of the scene.
pub const KEY: [u8; 32] = [0x42; 32];

/// What a device of the scene is opened with.
pub fn device(database: &Path, undo_window: Duration) -> Config {
    Config { undo_window, ..Config::new(database, DatabaseKey::new(KEY)) }
}

/// Waits until the relay has answered everything and said that nothing is missing.
///
/// # Panics
/// If that doesn't come, with what the phone says of itself.
pub async fn arrives(phone: &Offdesk, name: &str) {
    let mut status = phone.observe_status();
    let arrived = status.wait_for(|status| status.connection == Connection::Live && status.pending == 0);
    let arrived = tokio::time::timeout(PATIENCE, arrived).await.is_ok();
    assert!(arrived, "{name} isn't up to date: {:?}, {:?}", phone.status(), phone.outbox());
}
