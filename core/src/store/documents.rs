//! Documents: a snapshot of what the relay confirmed and the confirmed changes since.

use rusqlite::{OptionalExtension, params};

use super::{
    Snapshot, SqliteStorage,
    error::no_document,
    read_model,
    sql::{signed, unsigned},
};
use crate::{
    ids::DocumentId,
    model::Kind,
    policy::Visibility,
    sync::storage::{StorageError, StoredDocument},
};

fn kind(code: u8) -> Result<Kind, StorageError> {
    Kind::from_code(code).ok_or_else(|| StorageError::Corrupt(format!("a document is of the unknown kind {code}")))
}

impl Snapshot<'_> {
    /// A document.
    pub fn document(&self, document: DocumentId) -> Result<Option<StoredDocument>, StorageError> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT d.id, d.kind, d.visibility, d.confirmed, d.actor, s.bytes
                 FROM documents d JOIN snapshots s ON s.document = d.id WHERE d.document = ?1",
            )?
            .query_row([document], |row| {
                let (id, code): (i64, u8) = (row.get(0)?, row.get(1)?);
                let stored = StoredDocument {
                    kind: Kind::Conversation,
                    visibility: Visibility(row.get(2)?),
                    saved: row.get(5)?,
                    tail: Vec::new(),
                    actor: row.get(4)?,
                    confirmed: row.get(3)?,
                };
                Ok((id, code, stored))
            })
            .optional()?;
        let Some((id, code, mut stored)) = found else { return Ok(None) };
        stored.kind = kind(code)?;
        let mut tail =
            self.connection.prepare_cached("SELECT bytes FROM changes WHERE document = ?1 ORDER BY position")?;
        stored.tail = tail.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Some(stored))
    }

    /// Kind and visibility of a document, without its bytes.
    pub fn document_kind(&self, document: DocumentId) -> Result<Option<(Kind, Visibility)>, StorageError> {
        let found: Option<(u8, u8)> = self
            .connection
            .prepare_cached("SELECT kind, visibility FROM documents WHERE document = ?1")?
            .query_row([document], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.map(|(code, visibility)| Ok((kind(code)?, Visibility(visibility)))).transpose()
    }

    /// Every document of a kind (of all kinds for `None`), in the order of ids.
    pub fn documents(&self, kind: Option<Kind>) -> Result<Vec<DocumentId>, StorageError> {
        let rows: Result<_, rusqlite::Error> = match kind {
            Some(kind) => self
                .connection
                .prepare_cached("SELECT document FROM documents WHERE kind = ?1 ORDER BY document")?
                .query_map([kind.code()], |row| row.get(0))?
                .collect(),
            None => self
                .connection
                .prepare_cached("SELECT document FROM documents ORDER BY document")?
                .query_map([], |row| row.get(0))?
                .collect(),
        };
        Ok(rows?)
    }

    /// Document and digest of every confirmed document, in the order of ids.
    pub fn digests(&self) -> Result<Vec<(DocumentId, u64)>, StorageError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT document, digest FROM documents WHERE confirmed = 1 ORDER BY document")?;
        Ok(statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?.collect::<Result<_, _>>()?)
    }

    /// The number under which the tables know a document.
    pub(super) fn row_id(&self, document: DocumentId) -> Result<Option<i64>, StorageError> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM documents WHERE document = ?1")?;
        Ok(statement.query_row([document], |row| row.get(0)).optional()?)
    }
}

impl SqliteStorage<'_> {
    pub(super) fn write_document(
        &self,
        document: DocumentId,
        kind: Kind,
        visibility: Visibility,
        saved: &[u8],
        confirmed: bool,
    ) -> Result<(), StorageError> {
        let id: i64 = self
            .connection()
            .prepare_cached(
                "INSERT INTO documents (document, kind, visibility, confirmed) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (document) DO UPDATE SET kind = ?2, visibility = ?3, confirmed = ?4 RETURNING id",
            )?
            .query_row(params![document, kind.code(), visibility.0, confirmed], |row| row.get(0))?;
        self.connection()
            .prepare_cached("INSERT INTO snapshots (document, bytes) VALUES (?1, ?2) ON CONFLICT (document) DO UPDATE SET bytes = ?2")?
            .execute(params![id, saved])?;
        self.connection().prepare_cached("DELETE FROM changes WHERE document = ?1")?.execute([id])?;
        self.write_row_visibility(id, visibility)
    }

    pub(super) fn write_changes(&self, document: DocumentId, changes: &[Vec<u8>]) -> Result<(), StorageError> {
        let id = self.stored(document)?;
        let next: i64 = self
            .connection()
            .prepare_cached("SELECT coalesce(max(position), 0) + 1 FROM changes WHERE document = ?1")?
            .query_row([id], |row| row.get(0))?;
        let mut insert =
            self.connection().prepare_cached("INSERT INTO changes (document, position, bytes) VALUES (?1, ?2, ?3)")?;
        for (position, change) in (next..).zip(changes) {
            insert.execute(params![id, position, change])?;
        }
        Ok(())
    }

    pub(super) fn write_visibility(&self, document: DocumentId, visibility: Visibility) -> Result<(), StorageError> {
        let id = self.stored(document)?;
        self.connection()
            .prepare_cached("UPDATE documents SET visibility = ?2 WHERE id = ?1")?
            .execute(params![id, visibility.0])?;
        self.write_row_visibility(id, visibility)
    }

    pub(super) fn write_actor(&self, document: DocumentId, actor: Option<[u8; 16]>) -> Result<(), StorageError> {
        let id = self.stored(document)?;
        self.connection()
            .prepare_cached("UPDATE documents SET actor = ?2 WHERE id = ?1")?
            .execute(params![id, actor])?;
        Ok(())
    }

    pub(super) fn write_digest(&self, document: DocumentId, digest: u64) -> Result<(), StorageError> {
        let id = self.stored(document)?;
        self.connection()
            .prepare_cached("UPDATE documents SET digest = ?2 WHERE id = ?1")?
            .execute(params![id, signed(digest)])?;
        Ok(())
    }

    /// Facts, rows, search entries and alerts go by reference; registers are no children, since they may come first.
    pub(super) fn delete_document(&self, document: DocumentId) -> Result<(), StorageError> {
        self.delete_registers_of(document)?;
        self.row_goes(document)?;
        self.connection().prepare_cached("DELETE FROM documents WHERE document = ?1")?.execute([document])?;
        Ok(())
    }

    pub(super) fn delete_all_documents(&self) -> Result<(), StorageError> {
        self.delete_registers_of_all()?;
        self.delete_staged(None)?;
        // Whole tables at once: row by row the search index would be cleaned ten thousand times.
        self.differences().clear();
        let connection = self.connection();
        read_model::drop_tables(connection)?;
        connection
            .execute_batch("DELETE FROM facts; DELETE FROM changes; DELETE FROM snapshots; DELETE FROM documents;")?;
        read_model::create_tables(connection)?;
        Ok(())
    }

    /// The number of a document that must be there.
    pub(super) fn stored(&self, document: DocumentId) -> Result<i64, StorageError> {
        self.reading().row_id(document)?.ok_or_else(|| no_document(document))
    }
}
