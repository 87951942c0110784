//! Changes that were refused, kept for an administrator to look at.

use offdesk_core::{
    ids::{DeviceId, DocumentId, IntentId, WorkspaceId},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::AdminError;
use crate::store::{ReadTx, StoreError};

/// A refused change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// When it was refused.
    pub at: Timestamp,
    /// From which device.
    pub device: DeviceId,
    /// Which intent.
    pub intent: IntentId,
    /// Of which document.
    pub document: DocumentId,
    /// The reason's stable name.
    pub code: String,
    /// Where in the document.
    pub path: String,
    /// The reason in words.
    pub reason: String,
    /// How many bytes it has.
    pub size: u64,
}

const COLUMNS: &str = "id, at, device, intent, document, code, path, reason, length(bytes)";

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    Ok(Entry {
        id: row.get(0)?,
        at: Timestamp(row.get(1)?),
        device: DeviceId(row.get(2)?),
        intent: IntentId(row.get(3)?),
        document: DocumentId(row.get(4)?),
        code: row.get(5)?,
        path: row.get(6)?,
        reason: row.get(7)?,
        size: row.get(8)?,
    })
}

/// The newest first, at most `limit`.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list(tx: &ReadTx<'_>, workspace: WorkspaceId, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let mut statement = tx
        .connection()
        .prepare(&format!("SELECT {COLUMNS} FROM quarantine WHERE workspace = ?1 ORDER BY id DESC LIMIT ?2"))?;
    let entries = statement.query_map(params![workspace.as_bytes(), limit], entry)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

/// One of them with its bytes.
///
/// # Errors
/// [`AdminError::NotFound`].
pub fn show(tx: &ReadTx<'_>, workspace: WorkspaceId, id: i64) -> Result<(Entry, Vec<u8>), AdminError> {
    tx.connection()
        .query_row(
            &format!("SELECT {COLUMNS}, bytes FROM quarantine WHERE workspace = ?1 AND id = ?2"),
            params![workspace.as_bytes(), id],
            |row| Ok((entry(row)?, row.get(9)?)),
        )
        .optional()?
        .ok_or_else(|| AdminError::NotFound {
            what: "quarantined change",
            typed: id.to_string(),
            known: "`admin quarantine list` shows what there is".into(),
        })
}
