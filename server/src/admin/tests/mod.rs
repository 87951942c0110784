//! Acts as an administrator does them, one after the other.

mod company;
mod copies;
mod set_up;
mod transfer;

use std::{sync::Arc, time::Duration};

use offdesk_core::{
    ids::{MemberId, WorkspaceId},
    protocol::EnrolResponse,
    time::Timestamp,
};
use rand::{SeedableRng, rngs::StdRng};

use super::{Actor, AdminError, member, role, workspace};
use crate::{
    auth::code::{self, EnrolError},
    clock::ManualClock,
    config::Config,
    random::Random,
    serve::App,
    store::{Store, StoreError, Tx},
};

/// When the tests begin.
pub(crate) const BEGIN: Timestamp = Timestamp(1_760_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A company in a database of its own, with Ana as its Administrator and Ben as an Agent.
pub(crate) struct Company {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) ana: MemberId,
    pub(crate) ben: MemberId,
}

impl Company {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { database: folder.path().join("relay.db"), ..config };
        let store = Store::open(&config.database).unwrap();
        let clock = Arc::new(ManualClock::at(BEGIN));
        let app = App::new(store, config, clock.clone(), Random::seeded(7));
        let workspace =
            act(&app, |tx, actor| workspace::create(tx, actor, "Acme Roofing", "US", &["(415) 555-2671".into()]))
                .await
                .unwrap();
        let [ana, ben] = [("Ana Silva", "Administrator"), ("Ben Okafor", "Agent")].map(|(name, role)| {
            move |tx: &mut Tx<'_>, actor: &mut Actor<'_>| {
                let role = role::find(&tx.reading(), workspace, role)?;
                Ok::<_, AdminError>(member::add(tx, actor, workspace, name, Some(role))?.id)
            }
        });
        let (ana, ben) = (act(&app, ana).await.unwrap(), act(&app, ben).await.unwrap());
        Self { folder, app, clock, workspace, ana, ben }
    }

    /// Does something as the administrator at the command line.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>, &mut Actor<'_>) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, AdminError> {
        act(&self.app, work).await
    }

    /// A code for a device of a member.
    pub(crate) async fn code(&self, member: MemberId) -> String {
        let workspace = self.workspace;
        let code =
            self.act(move |tx, actor| Ok(code::create(tx, actor.now, actor.rng, (workspace, member), DAY, actor.who)?));
        code.await.unwrap().code
    }

    /// Enrols a device of a member.
    pub(crate) async fn enrol(&self, member: MemberId, name: &'static str) -> EnrolResponse {
        let code = self.code(member).await;
        self.try_enrol(code, name).await.unwrap()
    }

    pub(crate) async fn try_enrol(&self, code: String, name: &'static str) -> Result<EnrolResponse, EnrolError> {
        let (now, mut rng) = (self.app.now(), self.app.rng());
        self.app.store.write(move |tx| code::enrol(tx, now, &mut rng, &code, name)).await
    }

    /// A number from the database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let read =
            self.app.store.read(move |tx| Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| row.get(0))?));
        read.await.unwrap()
    }
}

async fn act<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&mut Tx<'_>, &mut Actor<'_>) -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    let (now, mut rng) = (app.now(), app.rng());
    app.store.write(move |tx| work(tx, &mut Actor { now, rng: &mut rng, who: "Olga" })).await
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(11)
}
