//! Roles: what their members may see and do (R1 to R8).

use offdesk_core::{
    ids::{RoleId, WorkspaceId},
    model::{ContactAccess, DashboardAccess, Directory, MessageAccess, RegisterEdit, Role, RoleKind, settings::edits},
};

use super::{Actor, AdminError, audit, member, name, workspace};
use crate::{
    accept,
    store::{ReadTx, StoreError, Tx},
};

/// The access levels of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// What it may administer.
    pub kind: RoleKind,
    /// What reaches its members' dashboards.
    pub dashboard: DashboardAccess,
    /// Which records they may open.
    pub contacts: ContactAccess,
    /// What they may do with messages.
    pub messages: MessageAccess,
}

/// What is to change about a role; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Its name.
    pub name: Option<String>,
    /// What it may administer.
    pub kind: Option<RoleKind>,
    /// What reaches its members' dashboards.
    pub dashboard: Option<DashboardAccess>,
    /// Which records they may open.
    pub contacts: Option<ContactAccess>,
    /// What they may do with messages.
    pub messages: Option<MessageAccess>,
}

/// Adds a role.
///
/// # Errors
/// [`AdminError::Name`] if the name is taken or can't be one.
pub fn add(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    role: &str,
    levels: Levels,
) -> Result<Role, AdminError> {
    let title = free_name(&accept::policies(tx, workspace)?.directory, role, None)?;
    let Levels { kind, dashboard, contacts, messages } = levels;
    let role = Role { id: RoleId::generate(actor.now, actor.rng), name: title, kind, dashboard, contacts, messages };
    workspace::edit_directory(tx, actor, workspace, &role.actions())?;
    audit::record(tx, actor.now, Some(workspace), actor.who, &format!("added role {}", described(&role)))?;
    Ok(role)
}

/// Changes a role, and with it what all its members may do.
///
/// # Errors
/// [`AdminError::LastAdministrator`] if it was the last Administrators' role; [`AdminError::NothingToDo`].
pub fn set(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    role: RoleId,
    changes: &Changes,
) -> Result<Role, AdminError> {
    let before = accept::policies(tx, workspace)?.directory.clone();
    let old = before.roles.get(&role).ok_or(StoreError::Missing("role"))?;
    let name = changes.name.as_deref().map(|name| free_name(&before, name, Some(role))).transpose()?;
    let new = Role {
        id: role,
        name: name.unwrap_or_else(|| old.name.clone()),
        kind: changes.kind.unwrap_or(old.kind),
        dashboard: changes.dashboard.unwrap_or(old.dashboard),
        contacts: changes.contacts.unwrap_or(old.contacts),
        messages: changes.messages.unwrap_or(old.messages),
    };
    if new == *old {
        return Err(AdminError::NothingToDo(format!("the role is already so: {}", described(old))));
    }
    let mut after = before.clone();
    after.roles.insert(role, new.clone());
    member::keep_an_administrator(&before, &after)?;
    let kept = old.actions();
    let actions: Vec<_> = new.actions().into_iter().filter(|action| !kept.contains(action)).collect();
    workspace::edit_directory(tx, actor, workspace, &actions)?;
    audit::record(
        tx,
        actor.now,
        Some(workspace),
        actor.who,
        &format!("changed role {} to {}", described(old), described(&new)),
    )?;
    Ok(new)
}

/// Removes a role that nobody has.
///
/// # Errors
/// [`AdminError::Name`] if a member has it, deactivated ones included: they would come back without any.
pub fn remove(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    role: RoleId,
) -> Result<Role, AdminError> {
    let directory = accept::policies(tx, workspace)?.directory.clone();
    let old = directory.roles.get(&role).ok_or(StoreError::Missing("role"))?;
    let holders: Vec<&str> = directory
        .members
        .values()
        .filter(|member| member.role == Some(role))
        .map(|member| member.name.as_str())
        .collect();
    if !holders.is_empty() {
        return Err(AdminError::Name(format!(
            "{} have the role '{}': give them another one first (`admin member set-role`)",
            holders.join(", "),
            old.name
        )));
    }
    let actions: Vec<_> = edits(&old.actions(), &[]).iter().map(RegisterEdit::action).collect();
    workspace::edit_directory(tx, actor, workspace, &actions)?;
    audit::record(tx, actor.now, Some(workspace), actor.who, &format!("removed role {}", described(old)))?;
    Ok(old.clone())
}

/// Every role, by name.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Vec<Role>, StoreError> {
    let mut roles: Vec<_> = accept::read_policies(tx, workspace)?.directory.roles.into_values().collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(roles)
}

/// The role that is meant.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`].
pub fn find(tx: &ReadTx<'_>, workspace: WorkspaceId, typed: &str) -> Result<RoleId, AdminError> {
    let all: Vec<_> = list(tx, workspace)?.into_iter().map(|role| (role.id, role.name)).collect();
    name::resolve("role", typed, &all)
}

fn free_name(directory: &Directory, typed: &str, own: Option<RoleId>) -> Result<String, AdminError> {
    let title = name::check("role", typed)?;
    let taken = directory.roles.values().any(|role| Some(role.id) != own && role.name.eq_ignore_ascii_case(&title));
    if taken { Err(AdminError::Name(format!("a role '{title}' exists; choose another name"))) } else { Ok(title) }
}

fn described(role: &Role) -> String {
    format!(
        "'{}' ({}, dashboard {}, contacts {}, messages {})",
        role.name,
        role.kind.name(),
        role.dashboard.name(),
        role.contacts.name(),
        role.messages.name()
    )
}
