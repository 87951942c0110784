//! What a session reads: documents as people see them, with this device's own open intents in them.

use std::sync::Arc;

use crate::{
    ids::{ContactId, DocumentId},
    model::{Contact, Conversation, Directory, Document, Settings},
    sync::{
        session::{Session, SessionError},
        storage::Storage,
    },
};

impl Session {
    /// A document with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// The disk failed, or the document is damaged.
    pub fn document(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<&Document>, SessionError> {
        self.workspace.optimistic(disk, id)
    }

    /// A conversation with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn conversation(
        &mut self,
        disk: &dyn Storage,
        id: DocumentId,
    ) -> Result<Option<Arc<Conversation>>, SessionError> {
        self.workspace.conversation(disk, id)
    }

    /// A contact with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn contact(&mut self, disk: &dyn Storage, id: ContactId) -> Result<Option<Contact>, SessionError> {
        Ok(self.document(disk, id)?.and_then(|document| Contact::read(id, document)))
    }

    /// Members and roles; empty before the first sync.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn directory(&mut self, disk: &dyn Storage) -> Result<Arc<Directory>, SessionError> {
        self.workspace.directory(disk)
    }

    /// The workspace's settings; the defaults before the first sync.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn settings(&mut self, disk: &dyn Storage) -> Result<Arc<Settings>, SessionError> {
        Ok(self.workspace.settings(disk)?.unwrap_or_default())
    }

    /// Builds the read model anew from the documents: rows, alerts, search entries and digests.
    ///
    /// # Errors
    /// The disk failed. A damaged document is passed over.
    pub fn rebuild_read_model(&mut self, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let me = disk.identity()?.ok_or(SessionError::NotEnrolled)?.member;
        for id in disk.documents(None)? {
            self.workspace.touch(id);
        }
        self.workspace.flush(disk, me)?;
        Ok(())
    }
}
