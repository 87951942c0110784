//! What the relay holds, read from its tables: a hostile device may have learned any of it, and needs it to make changes
//! that fit.

use std::collections::BTreeMap;

use offdesk_core::{
    ids::{DocumentId, WorkspaceId},
    model::{Document, Kind},
};
use offdesk_relay::store::{StoreError, Tx};

/// Every document of a workspace.
///
/// # Errors
/// [`StoreError`] if one can't be read.
pub fn all(tx: &Tx<'_>, workspace: WorkspaceId) -> Result<BTreeMap<DocumentId, Document>, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT id, kind FROM documents WHERE workspace = ?1")?;
    let rows = statement
        .query_map([workspace.as_bytes()], |row| Ok((DocumentId(row.get(0)?), row.get(1)?)))?
        .collect::<Result<Vec<(DocumentId, u8)>, _>>()?;
    rows.into_iter().map(|(id, kind)| Ok((id, read(tx, id, kind)?))).collect()
}

/// One document; `None` if there is no such.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub fn one(tx: &Tx<'_>, id: DocumentId) -> Result<Option<Document>, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT kind FROM documents WHERE id = ?1")?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    read(tx, id, row.get(0)?).map(Some)
}

/// From its changes alone: how the relay saves it is its own affair.
fn read(tx: &Tx<'_>, id: DocumentId, kind: u8) -> Result<Document, StoreError> {
    let kind = Kind::from_code(kind).ok_or(StoreError::Missing("kind"))?;
    let mut document = Document::new(kind);
    let mut statement = tx.connection().prepare_cached("SELECT bytes FROM changes WHERE document = ?1 ORDER BY seq")?;
    let changes =
        statement.query_map([id.as_bytes()], |row| row.get(0))?.collect::<Result<Vec<Vec<u8>>, rusqlite::Error>>()?;
    document
        .apply_bytes(&changes)
        .map_err(|error| StoreError::Unreadable { what: "document", why: error.to_string() })?;
    Ok(document)
}
