//! Members: who works in a workspace.
//!
//! Deactivating somebody ends their access at once (R10): their devices are revoked and told to wipe themselves at their
//! next contact, and open codes are void. Activating them again brings no device back: they enrol anew.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{MemberId, RoleId, WorkspaceId},
    model::{
        Action, DashboardAccess, Directory, Member,
        action::{RegisterMap, RegisterValue},
    },
    policy::Access,
};
use rusqlite::params;
use serde::Serialize;

use super::{Actor, AdminError, audit, name, workspace};
use crate::{
    accept,
    store::{ReadTx, StoreError, Tx},
};

/// A member as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Who.
    #[serde(flatten)]
    pub member: Member,
    /// Their role's name.
    pub role_name: Option<String>,
    /// What reaches their dashboard, everything considered; none for the deactivated.
    pub dashboard: Option<DashboardAccess>,
    /// Their devices that are not revoked.
    pub devices: u64,
}

/// Adds a member.
///
/// # Errors
/// [`AdminError::Name`].
pub fn add(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: &str,
    role: Option<RoleId>,
) -> Result<Member, AdminError> {
    let name = name::check("member", member)?;
    let member =
        Member { id: MemberId::generate(actor.now, actor.rng), name, role, dashboard_override: None, active: true };
    workspace::edit_directory(tx, actor, workspace, &member.actions())?;
    let role = role.map_or_else(|| "no role".to_owned(), |role| format!("role {role}"));
    record(tx, actor, workspace, member.id, &format!("added, with {role}"))?;
    Ok(member)
}

/// Gives a member another name.
///
/// # Errors
/// [`AdminError::Name`], [`AdminError::NothingToDo`].
pub fn rename(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    name: &str,
) -> Result<(), AdminError> {
    let name = name::check("member", name)?;
    let value = Some(RegisterValue::Text(name.clone()));
    let new = name.clone();
    change(tx, actor, workspace, member, ("name", value), |member| member.name = new)?;
    record(tx, actor, workspace, member, &format!("renamed to '{name}'"))
}

/// Gives a member another role, or none: then no Conversations at all (R2).
///
/// # Errors
/// [`AdminError::LastAdministrator`], [`AdminError::NothingToDo`].
pub fn set_role(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    role: Option<RoleId>,
) -> Result<(), AdminError> {
    let value = role.map(|role| RegisterValue::Text(role.to_string()));
    change(tx, actor, workspace, member, ("role", value), |member| member.role = role)?;
    let role = role.map_or_else(|| "none".to_owned(), |role| role.to_string());
    record(tx, actor, workspace, member, &format!("role set to {role}"))
}

/// Overrides what reaches a member's dashboard (R3); `None` goes back to what the role says.
///
/// # Errors
/// [`AdminError::NothingToDo`].
pub fn set_dashboard(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    dashboard: Option<DashboardAccess>,
) -> Result<(), AdminError> {
    let value = dashboard.map(|dashboard| RegisterValue::Text(dashboard.name().into()));
    change(tx, actor, workspace, member, ("dashboard", value), |member| member.dashboard_override = dashboard)?;
    record(
        tx,
        actor,
        workspace,
        member,
        &format!("dashboard set to {}", dashboard.map_or("the role's", DashboardAccess::name)),
    )
}

/// Ends a member's access at once (R10). Returns how many devices were revoked.
///
/// # Errors
/// [`AdminError::LastAdministrator`], [`AdminError::NothingToDo`].
pub fn deactivate(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<usize, AdminError> {
    let revoked = tx.connection().query_row(
        "SELECT count(*) FROM devices WHERE workspace = ?1 AND member = ?2 AND revoked IS NULL",
        params![workspace.as_bytes(), member.as_bytes()],
        |row| row.get(0),
    )?;
    // Their devices and codes go with their access, which follows from the directory.
    change(tx, actor, workspace, member, ("active", Some(RegisterValue::Bool(false))), |member| member.active = false)?;
    record(tx, actor, workspace, member, &format!("deactivated, {revoked} devices revoked"))?;
    Ok(revoked)
}

/// Lets a deactivated member in again; they enrol their devices anew.
///
/// # Errors
/// [`AdminError::NothingToDo`].
pub fn activate(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
) -> Result<(), AdminError> {
    change(tx, actor, workspace, member, ("active", Some(RegisterValue::Bool(true))), |member| member.active = true)?;
    record(tx, actor, workspace, member, "activated")
}

/// Every member, by name.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Vec<Listed>, StoreError> {
    let directory = accept::read_policies(tx, workspace)?.directory;
    let mut devices = tx
        .connection()
        .prepare("SELECT count(*) FROM devices WHERE workspace = ?1 AND member = ?2 AND revoked IS NULL")?;
    let mut listed = Vec::new();
    for member in directory.members.values() {
        listed.push(Listed {
            role_name: member.role.and_then(|role| directory.roles.get(&role)).map(|role| role.name.clone()),
            dashboard: Access::of(&directory, member.id).map(|access| access.dashboard),
            devices: devices.query_row(params![workspace.as_bytes(), member.id.as_bytes()], |row| row.get(0))?,
            member: member.clone(),
        });
    }
    listed.sort_by(|a, b| a.member.name.cmp(&b.member.name));
    Ok(listed)
}

/// The member who is meant.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`].
pub fn find(tx: &ReadTx<'_>, workspace: WorkspaceId, typed: &str) -> Result<MemberId, AdminError> {
    let members = accept::read_policies(tx, workspace)?.directory.members;
    let all: Vec<_> = members.into_values().map(|member| (member.id, member.name)).collect();
    name::resolve("member", typed, &all)
}

/// The members who are meant.
///
/// # Errors
/// As [`find`].
pub fn find_all(tx: &ReadTx<'_>, workspace: WorkspaceId, typed: &[String]) -> Result<BTreeSet<MemberId>, AdminError> {
    typed.iter().map(|typed| find(tx, workspace, typed)).collect()
}

/// Refuses what would leave a workspace that has an active Administrator without one (R1). One that never had any (it is
/// being set up) may go on without.
pub(super) fn keep_an_administrator(before: &Directory, after: &Directory) -> Result<(), AdminError> {
    if administered(before) && !administered(after) { Err(AdminError::LastAdministrator) } else { Ok(()) }
}

/// Whether somebody could administer.
fn administered(directory: &Directory) -> bool {
    directory.members.keys().any(|member| Access::of(directory, *member).is_some_and(|access| access.administrator))
}

/// Changes one field of a member.
fn change(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    (field, value): (&str, Option<RegisterValue>),
    apply: impl FnOnce(&mut Member),
) -> Result<(), AdminError> {
    let before = accept::policies(tx, workspace)?.directory.clone();
    let mut after = before.clone();
    apply(after.members.get_mut(&member).ok_or(StoreError::Missing("member"))?);
    if after == before {
        return Err(AdminError::NothingToDo(format!("{} is already so", before.name_of(member))));
    }
    keep_an_administrator(&before, &after)?;
    let action = Action::SetRegister { map: RegisterMap::Members, key: format!("{member}.{field}"), value };
    workspace::edit_directory(tx, actor, workspace, &[action])
}

fn record(
    tx: &Tx<'_>,
    actor: &Actor<'_>,
    workspace: WorkspaceId,
    member: MemberId,
    act: &str,
) -> Result<(), AdminError> {
    Ok(audit::record(tx, actor.now, Some(workspace), actor.who, &format!("member {member}: {act}"))?)
}
