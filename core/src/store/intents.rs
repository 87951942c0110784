//! Intents, from "saved on device" to their verdict, in the order in which they were made.

use rusqlite::{Params, Row, params};

use super::{
    Snapshot, SqliteStorage,
    sql::{pack, unpack, unsigned},
};
use crate::{
    ids::{DocumentId, IntentId},
    sync::storage::{IntentRecord, IntentState, StorageError},
    time::Timestamp,
};

/// Codes of states: below [`ACCEPTED`] an intent is open.
const PENDING: i64 = 0;
const IN_FLIGHT: i64 = 1;
const WAITS: i64 = 2;
const ACCEPTED: i64 = 3;
const ATTENTION: i64 = 4;

const fn code(state: &IntentState) -> i64 {
    match state {
        IntentState::Pending => PENDING,
        IntentState::InFlight { .. } => IN_FLIGHT,
        IntentState::WaitsFor { .. } => WAITS,
        IntentState::Accepted { .. } => ACCEPTED,
        IntentState::NeedsAttention(_) => ATTENTION,
    }
}

/// The record of a row that starts with (position, body).
pub(super) fn record(row: &Row<'_>) -> Result<IntentRecord, StorageError> {
    let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
    let mut record: IntentRecord = unpack("intent", bytes)?;
    record.position = unsigned(row.get(0)?);
    Ok(record)
}

impl Snapshot<'_> {
    /// An intent.
    pub fn intent(&self, id: IntentId) -> Result<Option<IntentRecord>, StorageError> {
        Ok(self.intents("SELECT position, body FROM intents WHERE intent = ?1", [id])?.pop())
    }

    /// The intents of a document that are pending, in flight or waiting, in order.
    pub fn open_intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        self.intents(
            "SELECT position, body FROM intents WHERE document = ?1 AND state < 3 ORDER BY position",
            [document],
        )
    }

    /// Every intent of a document, in order.
    pub(super) fn intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        self.intents("SELECT position, body FROM intents WHERE document = ?1 ORDER BY position", [document])
    }

    /// All intents that are pending, in flight or waiting, in order.
    pub fn open_intents(&self) -> Result<Vec<IntentRecord>, StorageError> {
        self.intents(
            "SELECT position, body FROM intents INDEXED BY intents_by_state WHERE state < 3 ORDER BY position",
            [],
        )
    }

    /// All intents that need attention, in order.
    pub fn attention(&self) -> Result<Vec<IntentRecord>, StorageError> {
        self.intents("SELECT position, body FROM intents WHERE state = ?1 ORDER BY position", [ATTENTION])
    }

    /// Accepted intents made since then, in order.
    pub fn accepted_since(&self, since: Timestamp) -> Result<Vec<IntentRecord>, StorageError> {
        self.intents(
            "SELECT position, body FROM intents WHERE state = ?1 AND created >= ?2 ORDER BY position",
            [ACCEPTED, since.millis()],
        )
    }

    fn intents(&self, sql: &str, params: impl Params) -> Result<Vec<IntentRecord>, StorageError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut intents = Vec::new();
        while let Some(row) = rows.next()? {
            intents.push(record(row)?);
        }
        Ok(intents)
    }
}

impl SqliteStorage<'_> {
    pub(super) fn add_intent(&self, intent: &IntentRecord) -> Result<u64, StorageError> {
        let position = self
            .connection()
            .prepare_cached("INSERT INTO intents (intent, document, state, created, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .insert(params![intent.id, intent.document, code(&intent.state), intent.created.millis(), pack(intent)?])?;
        Ok(unsigned(position))
    }

    pub(super) fn write_intent(&self, intent: &IntentRecord) -> Result<(), StorageError> {
        let changed = self
            .connection()
            .prepare_cached("UPDATE intents SET document = ?2, state = ?3, created = ?4, body = ?5 WHERE intent = ?1")?
            .execute(params![
                intent.id,
                intent.document,
                code(&intent.state),
                intent.created.millis(),
                pack(intent)?
            ])?;
        if changed == 0 {
            return Err(StorageError::Io(format!("intent {} is not stored", intent.id)));
        }
        Ok(())
    }

    pub(super) fn delete_intent(&self, id: IntentId) -> Result<(), StorageError> {
        self.connection().prepare_cached("DELETE FROM intents WHERE intent = ?1")?.execute([id])?;
        Ok(())
    }

    pub(super) fn delete_accepted_before(&self, before: Timestamp) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached("DELETE FROM intents WHERE state = ?1 AND created < ?2")?
            .execute([ACCEPTED, before.millis()])?;
        Ok(())
    }
}
