//! Who works in a world: adding people, what they may do, their devices.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use offdesk_core::{
    ids::{MemberId, RoleId},
    model::{ContactAccess, DashboardAccess, MessageAccess, Role, RoleKind},
};
use offdesk_relay::{
    accept,
    admin::{Actor, AdminError, device, member},
    store::{StoreError, Tx},
};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Scene, Trouble, Worlds, done};
use crate::{ADMINISTRATOR, AGENT, Person, REP, world};

/// What somebody may do, by a word.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// Administers.
    Administrator,
    /// Sees and writes every conversation.
    Agent,
    /// Sees what is assigned to them.
    Rep,
    /// Sees every conversation and writes none.
    Reader,
}

impl Level {
    fn access(self) -> world::Level {
        match self {
            Level::Administrator => ADMINISTRATOR,
            Level::Agent => AGENT,
            Level::Rep => REP,
            Level::Reader => (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Read),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Newcomer {
    name: String,
    level: Level,
}

pub(super) async fn add(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<u64>,
    Json(newcomer): Json<Newcomer>,
) -> Answer {
    let person = worlds.scene(world).await?.world.member(&newcomer.name, newcomer.level.access()).await;
    Ok(Json(json!({"member": person.id.to_string()})))
}

#[derive(Deserialize)]
pub(super) struct Who {
    member: String,
}

impl Who {
    fn id(&self) -> Result<MemberId, Trouble> {
        self.member.parse().map_err(Trouble::bad)
    }
}

pub(super) async fn code(State(worlds): State<Arc<Worlds>>, Path(world): Path<u64>, Json(who): Json<Who>) -> Answer {
    let person = Person { id: who.id()?, name: String::new() };
    Ok(Json(json!({"code": worlds.scene(world).await?.world.enrolment_code(&person).await})))
}

#[derive(Deserialize)]
pub(super) struct Raised {
    #[serde(flatten)]
    who: Who,
    level: Level,
}

pub(super) async fn set_level(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<u64>,
    Json(raised): Json<Raised>,
) -> Answer {
    let (id, (kind, dashboard, contacts, messages)) = (raised.who.id()?, raised.level.access());
    let scene = worlds.scene(world).await?;
    let workspace = scene.world.workspace();
    administer(&scene, move |tx, actor| {
        let role = Role {
            id: RoleId::generate(actor.now, actor.rng),
            name: id.to_string(),
            kind,
            dashboard,
            contacts,
            messages,
        };
        let directory = tx.connection().query_row(
            "SELECT directory FROM workspaces WHERE id = ?1",
            [workspace.as_bytes()],
            |row| row.get(0),
        )?;
        accept::author(tx, actor.now, actor.rng, workspace, directory_id(directory)?, &role.actions())?;
        member::set_role(tx, actor, workspace, id, Some(role.id))
    })
    .await
}

fn directory_id(bytes: Vec<u8>) -> Result<offdesk_core::ids::DocumentId, StoreError> {
    offdesk_core::ids::DocumentId::from_slice(&bytes).ok_or(StoreError::Missing("directory"))
}

pub(super) async fn deactivate(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<u64>,
    Json(who): Json<Who>,
) -> Answer {
    let id = who.id()?;
    let scene = worlds.scene(world).await?;
    let workspace = scene.world.workspace();
    administer(&scene, move |tx, actor| member::deactivate(tx, actor, workspace, id).map(drop)).await
}

#[derive(Deserialize)]
pub(super) struct Revoked {
    device: String,
}

pub(super) async fn revoke(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<u64>,
    Json(revoked): Json<Revoked>,
) -> Answer {
    let scene = worlds.scene(world).await?;
    let workspace = scene.world.workspace();
    administer(&scene, move |tx, actor| {
        let device = device::find(&tx.reading(), workspace, &revoked.device)?;
        device::revoke(tx, actor, workspace, device)
    })
    .await
}

/// An administrative act at the relay.
async fn administer(
    scene: &Scene,
    act: impl FnOnce(&mut Tx<'_>, &mut Actor<'_>) -> Result<(), AdminError> + Send + 'static,
) -> Answer {
    let (now, mut rng) = (scene.world.app().now(), scene.world.app().rng());
    let acted = scene
        .world
        .store()
        .write(move |tx: &mut Tx<'_>| act(tx, &mut Actor { now, rng: &mut rng, who: "the stage" }))
        .await;
    acted.map_err(Trouble::bad)?;
    done()
}
