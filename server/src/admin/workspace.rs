//! Companies.

use offdesk_core::{
    ids::WorkspaceId,
    model::{Action, ContactAccess, DashboardAccess, MessageAccess, RoleKind, Settings},
    phone,
};
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Actor, AdminError, audit, name, role};
use crate::{
    accept,
    store::{ReadTx, StoreError, Tx},
};

/// A workspace as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its SMS numbers.
    pub numbers: Vec<String>,
    /// Its active members.
    pub members: u64,
    /// Devices of theirs that are not revoked.
    pub devices: u64,
}

/// Creates a workspace with three roles to start from: Administrator, Agent (every conversation) and Field rep (those
/// assigned, and records of their own).
///
/// # Errors
/// [`AdminError::Phone`], [`AdminError::NumberTaken`], [`AdminError::Name`].
pub fn create(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: &str,
    region: &str,
    numbers: &[String],
) -> Result<WorkspaceId, AdminError> {
    let title = name::check("workspace", workspace)?;
    if list(&tx.reading())?.iter().any(|listed| listed.name.eq_ignore_ascii_case(&title)) {
        return Err(AdminError::Name(format!("a workspace '{title}' exists; choose another name")));
    }
    let region = check_region(region)?;
    let numbers = check_numbers(&tx.reading(), numbers, &region, None)?;
    let settings = Settings { name: title.clone(), region, numbers, ..Settings::default() };
    let workspace = accept::create_workspace(tx, actor.now, actor.rng, &settings)?;
    audit::record(tx, actor.now, Some(workspace), actor.who, &format!("created workspace '{title}'"))?;
    let starting = [
        ("Administrator", RoleKind::Administrator, DashboardAccess::All, ContactAccess::All),
        ("Agent", RoleKind::User, DashboardAccess::All, ContactAccess::All),
        ("Field rep", RoleKind::User, DashboardAccess::Assigned, ContactAccess::Own),
    ];
    for (name, kind, dashboard, contacts) in starting {
        let access = role::Levels { kind, dashboard, contacts, messages: MessageAccess::Write };
        role::add(tx, actor, workspace, name, access)?;
    }
    Ok(workspace)
}

/// Every workspace, by name.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>) -> Result<Vec<Listed>, StoreError> {
    let mut statement = tx.connection().prepare(
        "SELECT id, name,
                (SELECT count(*) FROM members WHERE workspace = workspaces.id AND active),
                (SELECT count(*) FROM devices WHERE workspace = workspaces.id AND revoked IS NULL)
         FROM workspaces ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((WorkspaceId(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut listed = Vec::new();
    for row in rows {
        let (id, name, members, devices) = row?;
        listed.push(Listed { id, name, numbers: accept::read_policies(tx, id)?.settings.numbers, members, devices });
    }
    Ok(listed)
}

/// The workspace that is meant: the only one if none is named.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`].
pub fn find(tx: &ReadTx<'_>, typed: Option<&str>) -> Result<WorkspaceId, AdminError> {
    let all: Vec<_> = list(tx)?.into_iter().map(|listed| (listed.id, listed.name)).collect();
    match (typed, all.as_slice()) {
        (Some(typed), all) => name::resolve("workspace", typed, all),
        (None, [(only, _)]) => Ok(*only),
        (None, []) => Err(AdminError::NotFound {
            what: "workspace",
            typed: String::new(),
            known: "create one first (`admin workspace create`)".into(),
        }),
        (None, several) => Err(AdminError::Ambiguous {
            what: "workspace",
            typed: String::new(),
            candidates: several.iter().map(|(id, name)| format!("{name} ({id})")).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Authors a change of the directory. The relay's word is not judged as a member's is, so what a judge would refuse is
/// checked by the acts themselves.
pub(super) fn edit_directory(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    actions: &[Action],
) -> Result<(), AdminError> {
    let (directory, _) = accept::registers_of(&tx.reading(), workspace)?;
    accept::author(tx, actor.now, actor.rng, workspace, directory, actions)?;
    Ok(())
}

/// A country as ISO 3166 writes it.
pub(super) fn check_region(region: &str) -> Result<String, AdminError> {
    let upper = region.trim().to_ascii_uppercase();
    // The numbering plans are the library's: a region that it doesn't know can't complete a national number.
    if upper.len() == 2 && phone::is_region(&upper) {
        Ok(upper)
    } else {
        Err(AdminError::Name(format!("'{region}' is no country; write two letters of ISO 3166 such as US or GB")))
    }
}

/// Numbers in E.164, none of which belongs to another workspace than `own`.
pub(super) fn check_numbers(
    tx: &ReadTx<'_>,
    typed: &[String],
    region: &str,
    own: Option<WorkspaceId>,
) -> Result<Vec<String>, AdminError> {
    let mut numbers: Vec<String> = Vec::with_capacity(typed.len());
    for typed in typed {
        let number = phone::to_e164(typed, region)?;
        let holder: Option<[u8; 16]> = tx
            .connection()
            .query_row("SELECT workspace FROM numbers WHERE number = ?1", params![number], |row| row.get(0))
            .optional()?;
        if holder.is_some_and(|holder| Some(WorkspaceId(holder)) != own) {
            return Err(AdminError::NumberTaken(number));
        }
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}
