//! What the relay says about a document: acceptance and delivery of messages, alerts.

use rusqlite::{OptionalExtension, params};

use super::{
    Snapshot, SqliteStorage,
    sql::{pack, signed, unpack, unsigned},
};
use crate::{
    ids::{AlertId, DocumentId},
    protocol::{Fact, FactKey},
    sync::storage::StorageError,
};

/// Codes of what a fact is about; the schema's index names `ALERT` as a literal.
const MESSAGE: i64 = 1;
const ALERT: i64 = 2;
const EVENT: i64 = 3;

impl Snapshot<'_> {
    /// The facts of a document, in the order of the log.
    pub fn facts(&self, document: DocumentId) -> Result<Vec<Fact>, StorageError> {
        let Some(id) = self.row_id(document)? else { return Ok(Vec::new()) };
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, body FROM facts WHERE document = ?1 ORDER BY seq, about, subject")?;
        let mut rows = statement.query([id])?;
        let mut facts = Vec::new();
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            facts.push(Fact { seq: unsigned(row.get(0)?), body: unpack("fact", bytes)? });
        }
        Ok(facts)
    }

    /// The document of an alert.
    pub fn document_of_alert(&self, alert: AlertId) -> Result<Option<DocumentId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.document FROM facts f JOIN documents d ON d.id = f.document WHERE f.about = 2 AND f.subject = ?1",
        )?;
        Ok(statement.query_row([alert], |row| row.get(0)).optional()?)
    }
}

impl SqliteStorage<'_> {
    pub(super) fn write_facts(&self, document: DocumentId, facts: &[Fact]) -> Result<(), StorageError> {
        let id = self.stored(document)?;
        let mut insert = self.connection().prepare_cached(
            "INSERT INTO facts (document, about, subject, seq, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET seq = ?4, body = ?5 WHERE seq <= ?4",
        )?;
        for fact in facts {
            let (about, subject) = match fact.body.key() {
                FactKey::Message(message) => (MESSAGE, message.0),
                FactKey::Alert(alert) => (ALERT, alert.0),
                FactKey::Event(intent) => (EVENT, intent.0),
            };
            insert.execute(params![id, about, subject, signed(fact.seq), pack(&fact.body)?])?;
        }
        Ok(())
    }
}
