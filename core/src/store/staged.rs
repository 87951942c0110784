//! Pages that a puller received, until the app applies them (ADR 0022).

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{
    Snapshot, SqliteStorage,
    sql::{pack, unpack},
};
use crate::{
    ids::DocumentId,
    protocol::Cursor,
    sync::{
        staged_document,
        storage::{StagedPage, StorageError},
    },
    time::Timestamp,
};

/// How much is staged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staged {
    /// Where the device was before the first page.
    pub from: Cursor,
    /// Where it is after the last one.
    pub to: Cursor,
    /// Bytes of all frames.
    pub bytes: u64,
}

impl Snapshot<'_> {
    /// How much is staged; `None` if nothing is.
    pub fn staged(&self) -> Result<Option<Staged>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT (SELECT came_from FROM staged_pages ORDER BY page LIMIT 1), leads_to,
                 (SELECT coalesce(sum(length(body)), 0) FROM staged_frames)
             FROM staged_pages ORDER BY page DESC LIMIT 1",
        )?;
        let found: Option<(Vec<u8>, Vec<u8>, u64)> =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
        let staged = found
            .map(|(from, to, bytes)| Ok(Staged { from: unpack("cursor", &from)?, to: unpack("cursor", &to)?, bytes }));
        staged.transpose()
    }

    /// The first staged page after that number.
    pub fn staged_page(&self, after: u64) -> Result<Option<StagedPage>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT page, came_from, leads_to, received FROM staged_pages WHERE page > ?1 ORDER BY page LIMIT 1",
        )?;
        let found: Option<(u64, Vec<u8>, Vec<u8>, i64)> =
            statement.query_row([after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
        let Some((number, from, to, received)) = found else { return Ok(None) };
        let mut frames = Vec::new();
        let mut statement =
            self.connection.prepare_cached("SELECT body FROM staged_frames WHERE page = ?1 ORDER BY position")?;
        let mut rows = statement.query([number])?;
        while let Some(row) = rows.next()? {
            frames.push(unpack("staged frame", row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
        }
        let (from, to) = (unpack("cursor", &from)?, unpack("cursor", &to)?);
        Ok(Some(StagedPage { number, from, to, received: Timestamp(received), frames }))
    }
}

impl SqliteStorage<'_> {
    /// Stages a page after those that are staged. Its number is given here.
    pub fn stage(&mut self, page: &StagedPage) -> Result<(), StorageError> {
        let number: i64 = self
            .connection()
            .prepare_cached(
                "INSERT INTO staged_pages (came_from, leads_to, received) VALUES (?1, ?2, ?3) RETURNING page",
            )?
            .query_row(params![pack(&page.from)?, pack(&page.to)?, page.received.millis()], |row| row.get(0))?;
        let mut insert = self
            .connection()
            .prepare_cached("INSERT INTO staged_frames (page, position, document, body) VALUES (?1, ?2, ?3, ?4)")?;
        for (position, frame) in page.frames.iter().enumerate() {
            let document = staged_document(frame);
            insert.execute(params![number, position, document, pack(frame)?])?;
        }
        Ok(())
    }

    /// Takes out what is staged of a document (R9).
    pub fn forget_staged(&mut self, document: DocumentId) -> Result<(), StorageError> {
        let gone =
            self.connection().prepare_cached("DELETE FROM staged_frames WHERE document = ?1")?.execute([document])?;
        self.cut_log(gone > 0);
        Ok(())
    }

    /// The documents of which something is staged.
    pub fn staged_documents(&self) -> Result<BTreeSet<DocumentId>, StorageError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT DISTINCT document FROM staged_frames WHERE document IS NOT NULL")?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    pub(super) fn delete_staged(&self, number: Option<u64>) -> Result<(), StorageError> {
        match number {
            Some(number) => {
                self.connection().prepare_cached("DELETE FROM staged_pages WHERE page = ?1")?.execute([number])?;
            }
            None => self.connection().execute_batch("DELETE FROM staged_frames; DELETE FROM staged_pages;")?,
        }
        Ok(())
    }
}
