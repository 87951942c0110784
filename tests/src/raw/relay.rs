//! A relay on a real socket with its database in a file, and no SMS provider: what is accepted stays in the ledger.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use offdesk_core::{
    ids::{DeviceId, MemberId, WorkspaceId},
    protocol::EnrolResponse,
    time::Timestamp,
};
use offdesk_relay::{
    auth,
    config::Config,
    random::Random,
    serve::{self, App, ServeError},
    store::{Store, StoreError, Tx},
};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::client::Device;
use crate::LeapingClock;

/// A running relay.
#[derive(Debug)]
pub struct BareRelay {
    _folder: TempDir,
    /// Its state.
    pub app: App,
    addr: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
    http: reqwest::Client,
}

impl BareRelay {
    /// Starts one; its ids are drawn from `seed`.
    pub async fn start(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let database = folder.path().join("relay.db");
        let config = Config {
            database: database.clone(),
            listen: addr,
            shutdown_grace: Duration::from_secs(2),
            ..Config::default()
        };
        let store = Store::open(&database).unwrap();
        let app = App::new(store, config, Arc::new(LeapingClock::default()), Random::seeded(seed));
        let serving = tokio::spawn(serve::serve(app.clone(), listener));
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Sooner than the relay ends an idle connection: a request must not meet that end.
        let http = reqwest::Client::builder().no_proxy().pool_idle_timeout(Duration::from_secs(5)).build().unwrap();
        Self { _folder: folder, app, addr, serving, http }
    }

    /// Runs in the relay's writer.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, Timestamp, &mut StdRng) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let (now, mut rng) = (self.app.now(), self.app.rng());
        self.app.store.write(move |tx: &mut Tx<'_>| work(tx, now, &mut rng)).await.unwrap()
    }

    /// A device that was enrolled by [`enrol`].
    pub fn device(&self, enrolled: &EnrolResponse) -> Device {
        Device::new(self.http.clone(), format!("http://{}", self.addr), enrolled)
    }

    /// Enrols a device of a member.
    pub async fn enrol(&self, workspace: WorkspaceId, member: MemberId) -> Device {
        let enrolled = self.write(move |tx, now, rng| enrol(tx, now, rng, workspace, member)).await;
        self.device(&enrolled)
    }

    /// Ends it in order.
    pub async fn stop(self) {
        self.app.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// Enrols a device of a member, inside a transaction.
///
/// # Errors
/// [`StoreError`] if the member is not active.
pub fn enrol(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut StdRng,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<EnrolResponse, StoreError> {
    let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
    let lifetime = Duration::from_secs(600);
    let code = auth::code::create(tx, now, rng, (workspace, member), lifetime, "the test").map_err(|e| refused(&e))?;
    auth::code::enrol(tx, now, rng, &code.code, "by hand").map_err(|error| refused(&error))
}

/// Ends a device's access.
///
/// # Errors
/// [`StoreError`] if it is revoked already.
pub fn revoke(tx: &mut Tx<'_>, now: Timestamp, workspace: WorkspaceId, device: DeviceId) -> Result<(), StoreError> {
    let mut rng = StdRng::seed_from_u64(0);
    let mut actor = offdesk_relay::admin::Actor { now, rng: &mut rng, who: "the test" };
    offdesk_relay::admin::device::revoke(tx, &mut actor, workspace, device)
        .map_err(|error| StoreError::Refused(error.to_string()))
}
