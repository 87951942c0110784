//! Who plays: a workspace, its members, their phones.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use offdesk_core::{
    engine::{Config, Error as DeviceError, Offdesk},
    ids::{MemberId, WorkspaceId},
    store::DatabaseKey,
};
use rand::Rng;

use crate::{
    admin::{self, Actor, AdminError},
    auth::code::{self, CodeError},
    serve::{App, Running},
    store::{StoreError, Tx},
};

/// The company's number.
pub(super) const OUR_NUMBER: &str = "+14155550100";
/// The customer's.
pub(super) const CARLA: &str = "+14155552671";
/// R33's threshold in the demo: two minutes would make a long scene.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(1);
const CODE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The workspace or a phone can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// An administrative act failed.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// No enrolment code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A phone failed.
    #[error("a phone can't be set up: {0}")]
    Device(#[from] DeviceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The workspace with its phones.
pub(super) struct Cast {
    app: App,
    workspace: WorkspaceId,
    ana: MemberId,
    pub(super) anas: Offdesk,
    pub(super) bens: Offdesk,
}

impl Cast {
    /// Creates the workspace and enrols both phones.
    pub(super) async fn gather(running: &Running, folder: &Path) -> Result<Self, CastError> {
        let app = running.app().clone();
        let (workspace, ana, ben) = found(&app).await?;
        let relay = running.url();
        let anas = phone(&app, &relay, (workspace, ana), "Ana's phone", folder.join("ana.db")).await?;
        let bens = phone(&app, &relay, (workspace, ben), "Ben's phone", folder.join("ben.db")).await?;
        Ok(Self { app, workspace, ana, anas, bens })
    }

    /// An enrolment code for one more phone of Ana's.
    pub(super) async fn code_for_ana(&self) -> Result<String, CastError> {
        new_code(&self.app, (self.workspace, self.ana)).await
    }

    /// Closes the phones.
    pub(super) async fn leave(self) {
        self.anas.close().await;
        self.bens.close().await;
    }
}

async fn found(app: &App) -> Result<(WorkspaceId, MemberId, MemberId), CastError> {
    let (now, mut rng) = (app.now(), app.rng());
    app.store
        .write(move |tx: &mut Tx<'_>| {
            let mut actor = Actor { now, rng: &mut rng, who: "demo" };
            let workspace = admin::workspace::create(tx, &mut actor, "Acme Bikes", "US", &[OUR_NUMBER.to_owned()])?;
            let agent = admin::role::find(&tx.reading(), workspace, "Agent")?;
            let ana = admin::member::add(tx, &mut actor, workspace, "Ana", Some(agent))?.id;
            let ben = admin::member::add(tx, &mut actor, workspace, "Ben", Some(agent))?.id;
            let changes = admin::settings::Changes { stale_after: Some(STALE_AFTER), ..Default::default() };
            admin::settings::set(tx, &mut actor, workspace, &changes)?;
            Ok((workspace, ana, ben))
        })
        .await
}

async fn new_code(app: &App, of: (WorkspaceId, MemberId)) -> Result<String, CastError> {
    let (now, mut rng) = (app.now(), app.rng());
    let made =
        app.store.write(move |tx: &mut Tx<'_>| code::create(tx, now, &mut rng, of, CODE_LIFETIME, "demo")).await?;
    Ok(made.code)
}

async fn phone(
    app: &App,
    relay: &str,
    of: (WorkspaceId, MemberId),
    name: &str,
    database: PathBuf,
) -> Result<Offdesk, CastError> {
    let code = new_code(app, of).await?;
    let mut key = [0u8; 32];
    app.rng().fill_bytes(&mut key);
    let mut config = Config::new(database, DatabaseKey::new(key));
    config.undo_window = Duration::from_millis(200);
    let device = Offdesk::enrol(config, relay, &code, name).await?;
    device.start();
    Ok(device)
}
