//! Documents, confirmed and optimistic, and their projection into the read model.

use std::sync::Arc;

use crate::{
    ids::{ContactId, DocumentId},
    model::{Contact, Conversation, Directory, Document, Kind, Settings},
    sync::{
        session::{Session, SessionError},
        storage::Storage,
    },
};

pub(super) struct Workspace {
    capacity: usize,
}

impl Workspace {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity }
    }

    pub(super) fn clear(&mut self) {
        self.capacity = self.capacity.max(1);
    }
}

impl Session {
    /// A document with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// The disk failed, or the document is damaged.
    pub fn document(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<Document>, SessionError> {
        let Some(stored) = disk.document(id)? else { return Ok(None) };
        let mut document = if stored.saved.is_empty() {
            Document::new(stored.kind)
        } else {
            Document::load(stored.kind, &stored.saved)?
        };
        document.apply_bytes(&stored.tail)?;
        Ok(Some(document))
    }

    /// A conversation with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn conversation(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<Conversation>, SessionError> {
        Ok(self.document(disk, id)?.as_ref().and_then(Conversation::read))
    }

    /// A contact with this device's own open intents in it; `None` if it is not held.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn contact(&mut self, disk: &dyn Storage, id: ContactId) -> Result<Option<Contact>, SessionError> {
        Ok(self.document(disk, id)?.as_ref().and_then(|document| Contact::read(id, document)))
    }

    /// Members and roles; empty before the first sync.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn directory(&mut self, disk: &dyn Storage) -> Result<Arc<Directory>, SessionError> {
        let Some(id) = disk.documents(Some(Kind::Directory))?.first().copied() else { return Ok(Arc::default()) };
        Ok(self.document(disk, id)?.as_ref().map(Directory::read).map(Arc::new).unwrap_or_default())
    }

    /// The workspace's settings; the defaults before the first sync.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn settings(&mut self, disk: &dyn Storage) -> Result<Arc<Settings>, SessionError> {
        let Some(id) = disk.documents(Some(Kind::Settings))?.first().copied() else { return Ok(Arc::default()) };
        Ok(self.document(disk, id)?.as_ref().map(Settings::read).map(Arc::new).unwrap_or_default())
    }

    /// Builds the read model anew from the documents.
    ///
    /// # Errors
    /// As [`Session::document`].
    pub fn rebuild_read_model(&mut self, disk: &mut dyn Storage) -> Result<(), SessionError> {
        for id in disk.documents(None)? {
            self.document(disk, id)?;
        }
        Ok(())
    }
}
