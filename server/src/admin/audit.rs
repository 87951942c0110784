//! The trail of administrative acts (R40).

use offdesk_core::{ids::WorkspaceId, time::Timestamp};
use rusqlite::params;
use serde::Serialize;

use crate::store::{ReadTx, StoreError, Tx};

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number; a later one is newer.
    pub id: i64,
    /// In which workspace; none for acts on the whole relay.
    pub workspace: Option<WorkspaceId>,
    /// When.
    pub at: Timestamp,
    /// Who acted.
    pub who: String,
    /// What they did.
    pub act: String,
}

/// Adds an act to the trail, in the transaction of the act itself.
///
/// # Errors
/// [`StoreError`] if it can't be written: then the act isn't done either.
pub fn record(
    tx: &Tx<'_>,
    now: Timestamp,
    workspace: Option<WorkspaceId>,
    who: &str,
    act: &str,
) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached("INSERT INTO audit (workspace, at, who, act) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![workspace.map(|workspace| workspace.0), now.millis(), who, act])?;
    Ok(())
}

/// The newest acts first, at most `limit`: those of one workspace, or all.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>, workspace: Option<WorkspaceId>, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let mut statement = tx.connection().prepare(
        "SELECT id, workspace, at, who, act FROM audit WHERE ?1 IS NULL OR workspace = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let entries = statement.query_map(params![workspace.map(|workspace| workspace.0), limit], |row| {
        Ok(Entry {
            id: row.get(0)?,
            workspace: row.get::<_, Option<[u8; 16]>>(1)?.map(WorkspaceId),
            at: Timestamp(row.get(2)?),
            who: row.get(3)?,
            act: row.get(4)?,
        })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}
