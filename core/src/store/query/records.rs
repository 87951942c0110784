//! Contacts and their records: the list of contacts by name, and all that this device holds with one of them, on the
//! dashboard or not (R7).

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::{
    ids::ContactId,
    store::{
        fold,
        rows::{CONVERSATION, WITH_CONTACT},
    },
    sync::storage::StorageError,
    triage::{ContactRow, ConversationRow},
};

/// The place of a contact in the list. A page begins after the last contact of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactKey {
    sorted: String,
    contact: ContactId,
}

impl ContactKey {
    /// The place of a contact.
    pub fn of(row: &ContactRow) -> Self {
        Self { sorted: fold::plain(&row.display_name), contact: row.contact }
    }
}

impl Snapshot<'_> {
    /// Contacts by name: at most `limit`, from after `after` on.
    pub fn contacts(&self, limit: usize, after: Option<&ContactKey>) -> Result<Vec<ContactRow>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT body FROM contact_rows INDEXED BY contacts_by_name
             WHERE (sorted, contact) > (?1, ?2) ORDER BY sorted, contact LIMIT ?3",
        )?;
        // Before the first: nothing sorts before the empty name.
        let (sorted, contact) = after.map_or(("", Vec::new()), |key| (&key.sorted, key.contact.as_bytes().to_vec()));
        let mut rows = statement.query(params![sorted, contact, i64::try_from(limit).unwrap_or(i64::MAX)])?;
        let mut contacts = Vec::new();
        while let Some(row) = rows.next()? {
            contacts.push(self.unpack_row(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
        }
        Ok(contacts)
    }

    /// Every conversation with a contact on this device, the latest first; those that are here by the record only, too.
    pub fn record_of(&self, contact: ContactId) -> Result<Vec<ConversationRow>, StorageError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r INDEXED BY conversations_of_contact {WITH_CONTACT}
             WHERE r.contact = ?1 AND r.visibility <> 0 ORDER BY r.last_activity DESC, r.document"
        ))?;
        let mut rows = statement.query([contact])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(self.conversation_of(row, 0)?);
        }
        Ok(list)
    }
}
