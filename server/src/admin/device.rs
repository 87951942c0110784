//! Enrolled devices.

use offdesk_core::{
    ids::{DeviceId, MemberId, WorkspaceId},
    time::Timestamp,
};
use rusqlite::params;
use serde::Serialize;

use super::{Actor, AdminError, audit, name};
use crate::{
    accept,
    store::{ReadTx, StoreError, Tx},
};

/// A device as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: DeviceId,
    /// Its name, as its member gave it.
    pub name: String,
    /// Whose it is.
    pub member: MemberId,
    /// Their name.
    pub member_name: String,
    /// When it was enrolled.
    pub enrolled: Timestamp,
    /// When it last pushed.
    pub last_seen: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

/// The devices of a workspace, or of one member, the last enrolled first.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>, workspace: WorkspaceId, member: Option<MemberId>) -> Result<Vec<Listed>, StoreError> {
    let directory = accept::read_policies(tx, workspace)?.directory;
    let mut statement = tx.connection().prepare(
        "SELECT id, name, member, created, last_seen, revoked FROM devices
         WHERE workspace = ?1 AND (?2 IS NULL OR member = ?2) ORDER BY created DESC, id DESC",
    )?;
    let devices = statement.query_map(params![workspace.as_bytes(), member.map(|member| member.0)], |row| {
        let member = MemberId(row.get(2)?);
        Ok(Listed {
            id: DeviceId(row.get(0)?),
            name: row.get(1)?,
            member,
            member_name: directory.name_of(member).to_owned(),
            enrolled: Timestamp(row.get(3)?),
            last_seen: Timestamp(row.get(4)?),
            revoked: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        })
    })?;
    Ok(devices.collect::<Result<_, _>>()?)
}

/// The device that is meant, by its name or id.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`].
pub fn find(tx: &ReadTx<'_>, workspace: WorkspaceId, typed: &str) -> Result<DeviceId, AdminError> {
    let all: Vec<_> = list(tx, workspace, None)?.into_iter().map(|device| (device.id, device.name)).collect();
    name::resolve("device", typed, &all)
}

/// Ends a device's access at once; it wipes itself at its next contact (R10).
///
/// # Errors
/// [`AdminError::NothingToDo`] if it is revoked already.
pub fn revoke(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    device: DeviceId,
) -> Result<(), AdminError> {
    let revoked = tx.connection().execute(
        "UPDATE devices SET revoked = ?3 WHERE workspace = ?1 AND id = ?2 AND revoked IS NULL",
        params![workspace.as_bytes(), device.as_bytes(), actor.now.millis()],
    )?;
    if revoked == 0 {
        return Err(AdminError::NothingToDo(format!("device {device} is revoked already")));
    }
    // Its open stream is to end now, and not when somebody next writes something.
    tx.touch(workspace);
    Ok(audit::record(tx, actor.now, Some(workspace), actor.who, &format!("revoked device {device}"))?)
}
