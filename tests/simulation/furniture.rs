//! What every run begins with: a migrated database of a relay with a workspace, its roles and members, and a migrated
//! database of a device. Made once a thread; a run gets copies.

use std::{cell::OnceCell, time::Duration};

use offdesk_core::{
    ids::{MemberId, QueueId, RoleId, WorkspaceId},
    model::{ContactAccess, DashboardAccess, MessageAccess, Queue, RoleKind, Settings},
    store::Database,
    time::Timestamp,
};
use offdesk_relay::{
    accept,
    admin::{self, Actor, AdminError},
    store::{Ending, Solo, Tx},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{plan::Level, world::BEGINNING};

/// The workspace's number.
pub const OUR_NUMBER: &str = "+14155550100";
/// Members that a workspace may have.
pub const MOST_PEOPLE: usize = 5;

/// The workspace's queues: one of nobody's, one with the first three members on it, one that is archived.
pub const QUEUES: [QueueId; 3] = [QueueId([1; 16]), QueueId([2; 16]), QueueId([3; 16])];

/// A relay that is ready.
pub struct Furniture {
    pub solo: Solo,
    pub workspace: WorkspaceId,
    pub members: Vec<MemberId>,
    /// In the order of [`LEVELS`].
    pub roles: Vec<RoleId>,
}

/// Every level, by its place.
pub const LEVELS: [Level; 6] =
    [Level::Administrator, Level::Agent, Level::Rep, Level::Reader, Level::Records, Level::Nobody];

fn levels(level: Level) -> (RoleKind, DashboardAccess, ContactAccess, MessageAccess) {
    use {ContactAccess as C, DashboardAccess as D, MessageAccess as M, RoleKind as K};
    match level {
        Level::Administrator => (K::Administrator, D::All, C::All, M::Write),
        Level::Agent => (K::User, D::All, C::All, M::Write),
        Level::Rep => (K::User, D::Assigned, C::Own, M::Write),
        Level::Reader => (K::User, D::Assigned, C::All, M::Read),
        Level::Records => (K::User, D::None, C::Own, M::Write),
        Level::Nobody => (K::User, D::None, C::None, M::None),
    }
}

thread_local! {
    static RELAY: OnceCell<Furniture> = const { OnceCell::new() };
    static DEVICE: OnceCell<Database> = const { OnceCell::new() };
}

/// A relay of one's own.
pub fn furniture() -> Furniture {
    RELAY.with(|made| {
        let made = made.get_or_init(|| make().unwrap());
        Furniture {
            solo: made.solo.copy().unwrap(),
            workspace: made.workspace,
            members: made.members.clone(),
            roles: made.roles.clone(),
        }
    })
}

/// A device's empty database of one's own.
pub fn database() -> Database {
    DEVICE.with(|made| made.get_or_init(|| Database::in_memory().unwrap()).copy_in_memory().unwrap())
}

fn make() -> Result<Furniture, AdminError> {
    let mut solo = Solo::in_memory()?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let now = Timestamp(BEGINNING.0 - 60 * 60 * 1000);
    let (name, numbers, reply_within) = ("Acme".into(), vec![OUR_NUMBER.into()], Duration::from_secs(60));
    let settings = Settings { name, numbers, reply_within, ..Settings::default() };
    let work = |tx: &mut Tx<'_>| {
        let workspace = accept::create_workspace(tx, now, &mut rng, &settings)?;
        let mut roles = Vec::new();
        let mut actor = Actor { now, rng: &mut rng, who: "the simulator" };
        for level in LEVELS {
            let (kind, dashboard, contacts, messages) = levels(level);
            let given = admin::role::Levels { kind, dashboard, contacts, messages };
            roles.push(admin::role::add(tx, &mut actor, workspace, &format!("{level:?}"), given)?.id);
        }
        let mut members = Vec::new();
        for name in ["Ann", "Ben", "Cleo", "Dev", "Eve"] {
            members.push(admin::member::add(tx, &mut actor, workspace, name, None)?.id);
        }
        let settings = accept::settings_of(&tx.reading(), workspace)?;
        for (at, id) in QUEUES.into_iter().enumerate() {
            let on = if at == 1 { &members[..3] } else { &members[..0] };
            let queue = Queue {
                name: format!("queue {at}"),
                archived: at == 2,
                members: on.iter().copied().collect(),
                reply_within: (at == 1).then_some(Duration::from_secs(20)),
                ..Queue::default()
            };
            accept::author(tx, now, &mut rng, workspace, settings, &queue.actions(id))?;
        }
        Ok::<_, AdminError>((workspace, members, roles))
    };
    let ((workspace, members, roles), _) = solo.write(Ending::Commit, work)?;
    Ok(Furniture { solo, workspace, members, roles })
}
