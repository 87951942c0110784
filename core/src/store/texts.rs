//! Texts of messages for the search (R23).
//!
//! Lists need no document loaded, texts do; so they are taken in while nothing else is to be done, in small transactions,
//! those of the latest conversations first. A row whose conversation said something new is noted (`texts` = 0), and the
//! search says whether any is left. Entries go with their conversation's row, out of the index too (R9).
//!
//! Messages never change, so each is an entry of its own: a new one costs one insertion however long the conversation
//! is. Ids grow with time, by and large: what is taken in from the backlog, latest first, is numbered downwards, what
//! comes later upwards. The search reads the index from its end and stops when it has enough.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::{Snapshot, SqliteStorage, fold};
use crate::{
    ids::{DocumentId, MessageId},
    sync::storage::StorageError,
};

/// The id between backlog and news.
const MIDDLE: i64 = 1 << 40;
/// Bytes of one message's words that are kept.
const MAX_BYTES: usize = 4 * 1024;

impl Snapshot<'_> {
    /// Conversations whose messages are not all in the search, the latest first.
    pub fn texts_to_read(&self, limit: usize) -> Result<Vec<DocumentId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT document FROM conversation_rows INDEXED BY conversations_to_read WHERE texts = 0
             ORDER BY last_activity DESC, id LIMIT ?1",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(statement.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether every message on this device is in the search.
    pub fn texts_are_read(&self) -> Result<bool, StorageError> {
        Ok(self.texts_to_read(1)?.is_empty())
    }
}

impl SqliteStorage<'_> {
    /// Takes the messages of a conversation into the search, in the order in which they are shown. Those that are in it
    /// stay, and those that are no more leave it.
    pub fn put_texts(&mut self, document: DocumentId, messages: &[(MessageId, &str)]) -> Result<(), StorageError> {
        let Some(id) = self.reading().row_id(document)? else { return Ok(()) };
        let mut known: BTreeMap<MessageId, i64> = self
            .connection()
            .prepare_cached("SELECT message, id FROM message_texts WHERE conversation = ?1")?
            .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let fresh = known.is_empty();
        let new: Vec<&(MessageId, &str)> =
            messages.iter().filter(|(message, _)| known.remove(message).is_none()).collect();
        let mut insert = self
            .connection()
            .prepare_cached("INSERT INTO message_texts (id, conversation, message, text) VALUES (?1, ?2, ?3, ?4)")?;
        let mut enter = |at: i64, (message, text): &(MessageId, &str)| {
            let mut text = fold::plain(text);
            text.truncate(MAX_BYTES);
            insert.execute(params![at, id, message, text])
        };
        if fresh && self.is_backlog(id)? {
            let first = self.outermost("min")?.unwrap_or(MIDDLE);
            for (at, message) in (1..).zip(new.into_iter().rev()) {
                enter(first - at, message)?;
            }
        } else {
            let last = self.outermost("max")?.unwrap_or(MIDDLE);
            for (at, message) in (1..).zip(new) {
                enter(last + at, message)?;
            }
        }
        let mut remove = self.connection().prepare_cached("DELETE FROM message_texts WHERE id = ?1")?;
        for gone in known.into_values() {
            remove.execute([gone])?;
        }
        self.connection().prepare_cached("UPDATE conversation_rows SET texts = 1 WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Something was said in a conversation.
    pub(super) fn texts_changed(&self, id: i64) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached("UPDATE conversation_rows SET texts = 0 WHERE id = ?1 AND texts = 1")?
            .execute([id])?;
        Ok(())
    }

    /// How many messages of a document are in the search.
    pub(super) fn texts_of(&self, document: DocumentId) -> Result<u32, StorageError> {
        let Some(id) = self.reading().row_id(document)? else { return Ok(0) };
        let mut statement =
            self.connection().prepare_cached("SELECT count(*) FROM message_texts WHERE conversation = ?1")?;
        Ok(statement.query_row([id], |row| row.get(0))?)
    }

    /// Whether a conversation is older than what was taken in last.
    fn is_backlog(&self, id: i64) -> Result<bool, StorageError> {
        let Some(last) = self.outermost("max")? else { return Ok(true) };
        let mut statement = self.connection().prepare_cached(
            "SELECT one.last_activity < last.last_activity FROM conversation_rows one, message_texts t
             JOIN conversation_rows last ON last.id = t.conversation WHERE one.id = ?1 AND t.id = ?2",
        )?;
        Ok(statement.query_row(params![id, last], |row| row.get(0)).optional()?.unwrap_or(true))
    }

    fn outermost(&self, which: &str) -> Result<Option<i64>, StorageError> {
        let mut statement = self.connection().prepare_cached(&format!("SELECT {which}(id) FROM message_texts"))?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }
}
