//! What belongs to automations beside their settings: the secret that events are signed with, and running one by hand.

use offdesk_core::ids::{AutomationId, WorkspaceId};
use rusqlite::{OptionalExtension, params};

use super::{Actor, AdminError, audit};
use crate::{
    automations::{self, Event, EventError, Handled},
    store::{ReadTx, StoreError, Tx},
};

/// The secret that a workspace's events are signed with, if it has one.
///
/// # Errors
/// As the store's.
pub fn secret_of(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Option<Vec<u8>>, StoreError> {
    let found: Option<Option<String>> = tx
        .connection()
        .prepare_cached("SELECT event_secret FROM workspaces WHERE id = ?1")?
        .query_row([workspace.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.flatten().map(String::into_bytes))
}

/// The secret of a workspace: made if there is none, or anew. What is signed with a former one is then refused.
///
/// # Errors
/// As the store's.
pub fn secret(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    anew: bool,
) -> Result<String, AdminError> {
    if let Some(known) = secret_of(&tx.reading(), workspace)?.filter(|_| !anew) {
        return Ok(String::from_utf8_lossy(&known).into_owned());
    }
    let mut bytes = [0u8; 32];
    actor.rng.fill_bytes(&mut bytes);
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    tx.connection()
        .execute("UPDATE workspaces SET event_secret = ?2 WHERE id = ?1", params![workspace.as_bytes(), secret])?;
    audit::record(tx, actor.now, Some(workspace), actor.who, "made a new secret for events")?;
    Ok(secret)
}

/// Has one automation act about an event, enabled or not.
///
/// # Errors
/// [`AdminError::Name`] if the event can't be taken.
pub fn run(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    automation: AutomationId,
    event: &Event,
) -> Result<Handled, AdminError> {
    let handled =
        automations::run(tx, actor.now, actor.rng, workspace, automation, event).map_err(|error| match error {
            EventError::Store(error) => AdminError::Store(error),
            EventError::Phone(error) => AdminError::Phone(error),
            error => AdminError::Name(error.to_string()),
        })?;
    let act = format!("ran automation {automation} for {} (event {})", event.contact.phone, event.id);
    audit::record(tx, actor.now, Some(workspace), actor.who, &act)?;
    Ok(handled)
}
