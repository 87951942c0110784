//! Members, roles and settings as the acceptor and the streams need them: read from their documents, cached by the
//! writer, projected into `members` and `numbers`.

use std::sync::Arc;

use offdesk_core::{
    ids::{DocumentId, MemberId, WorkspaceId},
    model::{Directory, Kind, Settings},
    policy::Access,
    protocol::Seq,
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{documents::read_document, id},
    store::{Policies, ReadTx, StoreError, Tx},
};

/// The members, roles and settings of a workspace.
///
/// # Errors
/// [`StoreError::Missing`] for an unknown workspace.
pub fn policies(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Arc<Policies>, StoreError> {
    if let Some(known) = tx.cache.policies.get(&workspace) {
        return Ok(known.clone());
    }
    let policies = Arc::new(read_policies(&tx.reading(), workspace)?);
    tx.cache.policies.insert(workspace, policies.clone());
    Ok(policies)
}

/// As [`policies`], from a reader's snapshot.
pub(crate) fn read_policies(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Policies, StoreError> {
    let (directory, settings) = registers_of(tx, workspace)?;
    Ok(Policies {
        directory: Directory::read(&read_document(tx, directory, Kind::Directory)?),
        settings: Settings::read(&read_document(tx, settings, Kind::Settings)?),
    })
}

/// The settings document of a workspace.
///
/// # Errors
/// [`StoreError::Missing`] for an unknown workspace.
pub fn settings_of(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<DocumentId, StoreError> {
    Ok(registers_of(tx, workspace)?.1)
}

/// The directory and the settings document of a workspace.
pub(crate) fn registers_of(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<(DocumentId, DocumentId), StoreError> {
    let (directory, settings): (Vec<u8>, Vec<u8>) = tx
        .connection()
        .prepare_cached("SELECT directory, settings FROM workspaces WHERE id = ?1")?
        .query_row([workspace.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::Missing("workspace"))?;
    Ok((id(&directory, DocumentId::from_slice, "directory id")?, id(&settings, DocumentId::from_slice, "settings id")?))
}

/// Brings `members` up to date with the directory as of `seq`. A member whose access changed gets that place as their
/// scope's: their devices then learn anew what they may see. One who was deactivated loses every device (R10), whoever
/// did it by whatever way; activating them again brings none back.
pub(super) fn project_members(
    tx: &mut Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    seq: Seq,
) -> Result<(), StoreError> {
    tx.cache.policies.remove(&workspace);
    let policies = policies(tx, workspace)?;
    for member in policies.directory.members.keys() {
        let access = Access::of(&policies.directory, *member);
        let (active, access) = (access.is_some(), access.unwrap_or_else(|| no_access(*member)));
        if !active && is_active(tx, workspace, *member)? {
            revoke_devices(tx, now, workspace, *member)?;
        }
        tx.connection()
            .prepare_cached(
                "INSERT INTO members (workspace, id, active, administrator, dashboard, contacts, messages, scope_seq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (workspace, id) DO UPDATE SET active = excluded.active, administrator = excluded.administrator,
                     dashboard = excluded.dashboard, contacts = excluded.contacts, messages = excluded.messages, scope_seq = excluded.scope_seq
                 WHERE (active, administrator, dashboard, contacts, messages)
                     IS NOT (excluded.active, excluded.administrator, excluded.dashboard, excluded.contacts, excluded.messages)",
            )?
            .execute(params![
                workspace.as_bytes(),
                member.as_bytes(),
                active,
                access.administrator,
                access.dashboard.name(),
                access.contacts.name(),
                access.messages.name(),
                seq
            ])?;
    }
    Ok(())
}

fn is_active(tx: &Tx<'_>, workspace: WorkspaceId, member: MemberId) -> Result<bool, StoreError> {
    Ok(tx
        .connection()
        .prepare_cached("SELECT 1 FROM members WHERE workspace = ?1 AND id = ?2 AND active")?
        .exists(params![workspace.as_bytes(), member.as_bytes()])?)
}

/// Ends the access of a member's devices, and voids the codes by which they might enrol others.
fn revoke_devices(tx: &Tx<'_>, now: Timestamp, workspace: WorkspaceId, member: MemberId) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached("UPDATE devices SET revoked = ?3 WHERE workspace = ?1 AND member = ?2 AND revoked IS NULL")?
        .execute(params![workspace.as_bytes(), member.as_bytes(), now.millis()])?;
    tx.connection()
        .prepare_cached("DELETE FROM enrolment_codes WHERE workspace = ?1 AND member = ?2 AND used IS NULL")?
        .execute(params![workspace.as_bytes(), member.as_bytes()])?;
    Ok(())
}

/// Brings `numbers` up to date with the settings.
pub(super) fn project_numbers(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<(), StoreError> {
    tx.cache.policies.remove(&workspace);
    let policies = policies(tx, workspace)?;
    tx.connection().execute("DELETE FROM numbers WHERE workspace = ?1", [workspace.as_bytes()])?;
    for number in &policies.settings.numbers {
        tx.connection().execute(
            "INSERT OR IGNORE INTO numbers (number, workspace) VALUES (?1, ?2)",
            params![number, workspace.as_bytes()],
        )?;
    }
    Ok(())
}

fn no_access(member: MemberId) -> Access {
    use offdesk_core::model::{ContactAccess, DashboardAccess, MessageAccess};
    Access {
        member,
        administrator: false,
        dashboard: DashboardAccess::None,
        contacts: ContactAccess::None,
        messages: MessageAccess::None,
    }
}
