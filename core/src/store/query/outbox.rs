//! The outbox: intents that wait or need attention, replies that are held or wait for their time.

use super::Snapshot;
use crate::{
    ids::ConversationId,
    store::{
        intents::record,
        rows::{CONVERSATION, WITH_CONTACT},
        sql::unsigned,
    },
    sync::storage::{IntentRecord, StorageError},
    triage::ConversationRow,
};

/// An intent with what its document is to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The intent.
    pub intent: IntentRecord,
    /// The conversation that it is on; `None` for a contact, or when it has left this device.
    pub conversation: Option<ConversationId>,
    /// The contact's name, where it is known.
    pub contact_name: Option<String>,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Intents that are pending, in flight or waiting.
    pub pending: u64,
    /// Intents that need attention.
    pub attention: u64,
    /// Held replies of this member (R33).
    pub held: u64,
}

impl Snapshot<'_> {
    /// The intents that are not accepted, in the order in which they were made.
    pub fn outbox(&self) -> Result<Vec<OutboxEntry>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT i.position, i.body, r.conversation, coalesce(c.display_name, own.display_name) FROM intents i INDEXED BY intents_by_state
             LEFT JOIN documents d ON d.document = i.document
             LEFT JOIN conversation_rows r ON r.id = d.id
             LEFT JOIN contact_rows c ON c.contact = r.contact
             LEFT JOIN contact_rows own ON own.id = d.id
             WHERE i.state IN (0, 1, 2, 4) ORDER BY i.position",
        )?;
        let mut rows = statement.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(OutboxEntry { intent: record(row)?, conversation: row.get(2)?, contact_name: row.get(3)? });
        }
        Ok(entries)
    }

    /// The conversations with replies of this member that are held or wait for their time, on the dashboard or not, in the order of documents.
    pub fn waiting(&self) -> Result<Vec<ConversationRow>, StorageError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r INDEXED BY conversations_waiting {WITH_CONTACT} WHERE r.waits > 0 ORDER BY r.document"
        ))?;
        let mut rows = statement.query([])?;
        let mut held = Vec::new();
        while let Some(row) = rows.next()? {
            held.push(self.conversation_of(row, 0)?);
        }
        Ok(held)
    }

    /// How much waits.
    pub fn outbox_counts(&self) -> Result<OutboxCounts, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM intents WHERE state < 3), (SELECT count(*) FROM intents WHERE state = 4),
                    (SELECT coalesce(sum(held), 0) FROM conversation_rows WHERE waits > 0)",
        )?;
        Ok(statement.query_row([], |row| {
            Ok(OutboxCounts {
                pending: unsigned(row.get(0)?),
                attention: unsigned(row.get(1)?),
                held: unsigned(row.get(2)?),
            })
        })?)
    }
}
