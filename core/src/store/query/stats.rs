//! Figures of the database.

use super::Snapshot;
use crate::{model::Kind, store::sql::unsigned, sync::storage::StorageError};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Documents of all kinds.
    pub documents: u64,
    /// Conversations.
    pub conversations: u64,
    /// Contacts.
    pub contacts: u64,
    /// Intents that are pending, in flight or waiting.
    pub pending: u64,
    /// Size of the database without its write-ahead log, in bytes.
    pub database_bytes: u64,
}

impl Snapshot<'_> {
    /// How much there is.
    pub fn stats(&self) -> Result<StoreStats, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM documents WHERE kind = ?1),
                    (SELECT count(*) FROM documents WHERE kind = ?2), (SELECT count(*) FROM intents WHERE state < 3),
                    (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)",
        )?;
        Ok(statement.query_row([Kind::Conversation.code(), Kind::Contact.code()], |row| {
            Ok(StoreStats {
                documents: unsigned(row.get(0)?),
                conversations: unsigned(row.get(1)?),
                contacts: unsigned(row.get(2)?),
                pending: unsigned(row.get(3)?),
                database_bytes: unsigned(row.get(4)?),
            })
        })?)
    }
}
