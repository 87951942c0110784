//! What makes a contact and a conversation one (DESIGN: natural keys are the relay's): (workspace, phone) and (channel,
//! contact).

use offdesk_core::{
    ids::{DocumentId, WorkspaceId},
    model::Channel,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::id,
    store::{StoreError, Tx},
};

impl Tx<'_> {
    /// The contact that has this phone.
    pub(crate) fn contact_of_phone(
        &self,
        workspace: WorkspaceId,
        phone: &str,
    ) -> Result<Option<DocumentId>, StoreError> {
        let found: Option<Vec<u8>> = self
            .connection()
            .prepare_cached("SELECT contact FROM contact_phones WHERE workspace = ?1 AND phone = ?2")?
            .query_row(params![workspace.as_bytes(), phone], |row| row.get(0))
            .optional()?;
        found.map(|bytes| id(&bytes, DocumentId::from_slice, "contact id")).transpose()
    }

    /// The conversation with this contact over this channel.
    pub(crate) fn conversation_of_key(
        &self,
        workspace: WorkspaceId,
        channel: &Channel,
        contact: DocumentId,
    ) -> Result<Option<DocumentId>, StoreError> {
        let found: Option<Vec<u8>> = self
            .connection()
            .prepare_cached(
                "SELECT document FROM conversation_keys WHERE workspace = ?1 AND channel = ?2 AND contact = ?3",
            )?
            .query_row(params![workspace.as_bytes(), channel.to_string(), contact.as_bytes()], |row| row.get(0))
            .optional()?;
        found.map(|bytes| id(&bytes, DocumentId::from_slice, "document id")).transpose()
    }

    pub(super) fn take_phone(
        &mut self,
        workspace: WorkspaceId,
        phone: &str,
        contact: DocumentId,
    ) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("INSERT OR IGNORE INTO contact_phones (workspace, phone, contact) VALUES (?1, ?2, ?3)")?
            .execute(params![workspace.as_bytes(), phone, contact.as_bytes()])?;
        Ok(())
    }

    pub(super) fn release_phone(
        &mut self,
        workspace: WorkspaceId,
        phone: &str,
        contact: DocumentId,
    ) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached("DELETE FROM contact_phones WHERE workspace = ?1 AND phone = ?2 AND contact = ?3")?
            .execute(params![workspace.as_bytes(), phone, contact.as_bytes()])?;
        Ok(())
    }

    pub(super) fn take_conversation_key(
        &mut self,
        workspace: WorkspaceId,
        channel: &Channel,
        contact: DocumentId,
        document: DocumentId,
    ) -> Result<(), StoreError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO conversation_keys (workspace, channel, contact, document) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![workspace.as_bytes(), channel.to_string(), contact.as_bytes(), document.as_bytes()])?;
        Ok(())
    }
}
