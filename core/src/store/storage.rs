//! The session's [`Storage`] on SQLite: each method is one of the table groups' own.

use std::{
    cell::{RefCell, RefMut},
    collections::BTreeSet,
};

use rusqlite::Connection;

use super::{
    Snapshot,
    read_model::{self, Index},
    reader::Damaged,
    tallies::Differences,
};
use crate::{
    ids::{AlertId, ContactId, ConversationId, DocumentId, IntentId},
    model::{Channel, Kind},
    policy::Visibility,
    protocol::{Fact, RegisterKey},
    sync::storage::{
        Identity, IntentRecord, StagedPage, Storage, StorageError, StoredDocument, StoredRegister, SyncState,
    },
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow, Registers},
};

/// From how many removals in one transaction on the search index is cleaned once, at its end, instead of each time.
const MANY: u32 = 100;
/// The same for indexed messages, of which a conversation has dozens: their index is the larger one.
const MANY_TEXTS: u32 = 2_000;

/// The database inside one transaction of [`super::Database::write`].
#[derive(Debug)]
pub struct SqliteStorage<'a> {
    connection: &'a Connection,
    damaged: &'a Damaged,
    /// Documents removed in this transaction.
    removed: u32,
    /// Indexed messages removed in this transaction.
    forgotten: u32,
    /// Something else was removed that must leave the write-ahead log too.
    cuts: bool,
    /// What this transaction changes of the tallies.
    differences: RefCell<Differences>,
}

impl<'a> SqliteStorage<'a> {
    pub(super) fn new(connection: &'a Connection, damaged: &'a Damaged) -> Self {
        Self { connection, damaged, removed: 0, forgotten: 0, cuts: false, differences: RefCell::default() }
    }

    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub(super) fn differences(&self) -> RefMut<'_, Differences> {
        self.differences.borrow_mut()
    }

    /// Ends the work on the transaction, before its commit. Whether a document was removed: it must leave the
    /// write-ahead log too.
    pub(super) fn finish(&self) -> Result<bool, StorageError> {
        self.write_tallies()?;
        if self.removed >= MANY {
            read_model::end_bulk_removal(self.connection, Index::Contacts)?;
        }
        if self.forgotten >= MANY_TEXTS {
            read_model::end_bulk_removal(self.connection, Index::Messages)?;
        }
        Ok(self.removed > 0 || self.cuts)
    }

    /// Says whether something was removed that must leave the write-ahead log too.
    pub(super) fn cut_log(&mut self, removed: bool) {
        self.cuts |= removed;
    }

    /// Runs `work` as if, and undoes everything that it wrote: to see what would be shown.
    ///
    /// # Errors
    /// What `work` returns, or [`StorageError`] of the disk.
    pub fn rehearse<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&mut SqliteStorage<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let run = |sql: &str| self.connection.execute_batch(sql).map_err(StorageError::from);
        run("SAVEPOINT rehearsal")?;
        // Never finished: what it counted goes with what it wrote.
        let answer = work(&mut SqliteStorage::new(self.connection, self.damaged));
        run("ROLLBACK TO rehearsal; RELEASE rehearsal")?;
        answer
    }

    /// The same transaction for reading, with the UI's queries.
    pub fn reading(&self) -> Snapshot<'a> {
        Snapshot::new(self.connection, self.damaged)
    }
}

impl Storage for SqliteStorage<'_> {
    fn identity(&self) -> Result<Option<Identity>, StorageError> {
        self.reading().identity()
    }

    fn set_identity(&mut self, identity: &Identity) -> Result<(), StorageError> {
        self.write_identity(identity)
    }

    fn state(&self) -> Result<Option<SyncState>, StorageError> {
        self.reading().state()
    }

    fn set_state(&mut self, state: &SyncState) -> Result<(), StorageError> {
        self.write_state(state)
    }

    fn document(&self, id: DocumentId) -> Result<Option<StoredDocument>, StorageError> {
        self.reading().document(id)
    }

    fn document_kind(&self, id: DocumentId) -> Result<Option<(Kind, Visibility)>, StorageError> {
        self.reading().document_kind(id)
    }

    fn documents(&self, kind: Option<Kind>) -> Result<Vec<DocumentId>, StorageError> {
        self.reading().documents(kind)
    }

    fn put_document(
        &mut self,
        id: DocumentId,
        kind: Kind,
        visibility: Visibility,
        saved: &[u8],
        confirmed: bool,
    ) -> Result<(), StorageError> {
        self.write_document(id, kind, visibility, saved, confirmed)
    }

    fn append_changes(&mut self, id: DocumentId, changes: &[Vec<u8>]) -> Result<(), StorageError> {
        self.write_changes(id, changes)
    }

    fn set_visibility(&mut self, id: DocumentId, visibility: Visibility) -> Result<(), StorageError> {
        self.write_visibility(id, visibility)
    }

    fn set_actor(&mut self, id: DocumentId, actor: Option<[u8; 16]>) -> Result<(), StorageError> {
        self.write_actor(id, actor)
    }

    fn remove_document(&mut self, id: DocumentId) -> Result<(), StorageError> {
        self.removed += 1;
        if self.removed == MANY {
            read_model::begin_bulk_removal(self.connection, Index::Contacts)?;
        }
        let few = self.forgotten < MANY_TEXTS;
        self.forgotten = self.forgotten.saturating_add(self.texts_of(id)?);
        if few && self.forgotten >= MANY_TEXTS {
            read_model::begin_bulk_removal(self.connection, Index::Messages)?;
        }
        self.delete_document(id)
    }

    fn remove_all_documents(&mut self) -> Result<(), StorageError> {
        self.removed += 1;
        self.delete_all_documents()
    }

    fn first_staged(&self) -> Result<Option<StagedPage>, StorageError> {
        self.reading().staged_page(0)
    }

    fn remove_staged(&mut self, number: Option<u64>) -> Result<(), StorageError> {
        self.delete_staged(number)
    }

    fn facts(&self, id: DocumentId) -> Result<Vec<Fact>, StorageError> {
        self.reading().facts(id)
    }

    fn put_facts(&mut self, id: DocumentId, facts: &[Fact]) -> Result<(), StorageError> {
        self.write_facts(id, facts)
    }

    fn digests(&self) -> Result<Vec<(DocumentId, u64)>, StorageError> {
        self.reading().digests()
    }

    fn set_digest(&mut self, id: DocumentId, digest: u64) -> Result<(), StorageError> {
        self.write_digest(id, digest)
    }

    fn insert_intent(&mut self, intent: &IntentRecord) -> Result<u64, StorageError> {
        self.add_intent(intent)
    }

    fn update_intent(&mut self, intent: &IntentRecord) -> Result<(), StorageError> {
        self.write_intent(intent)
    }

    fn remove_intent(&mut self, id: IntentId) -> Result<(), StorageError> {
        self.delete_intent(id)
    }

    fn intent(&self, id: IntentId) -> Result<Option<IntentRecord>, StorageError> {
        self.reading().intent(id)
    }

    fn open_intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        self.reading().open_intents_of(document)
    }

    fn intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        self.reading().intents_of(document)
    }

    fn open_intents(&self) -> Result<Vec<IntentRecord>, StorageError> {
        self.reading().open_intents()
    }

    fn attention(&self) -> Result<Vec<IntentRecord>, StorageError> {
        self.reading().attention()
    }

    fn accepted_since(&self, since: Timestamp) -> Result<Vec<IntentRecord>, StorageError> {
        self.reading().accepted_since(since)
    }

    fn forget_accepted_before(&mut self, before: Timestamp) -> Result<(), StorageError> {
        self.delete_accepted_before(before)
    }

    fn register(&self, key: RegisterKey) -> Result<Option<StoredRegister>, StorageError> {
        self.reading().register(key)
    }

    fn put_register(&mut self, key: RegisterKey, register: &StoredRegister) -> Result<(), StorageError> {
        self.write_register(key, register)
    }

    fn chosen(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        self.reading().chosen()
    }

    fn dirty_registers(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        self.reading().dirty_registers()
    }

    fn drafts(&self) -> Result<Vec<(DocumentId, StoredRegister)>, StorageError> {
        self.reading().drafts()
    }

    fn registers_of(&self, document: DocumentId) -> Result<Registers, StorageError> {
        self.reading().registers_of(document)
    }

    fn put_conversation(&mut self, row: &ConversationRow, alerts: &[ActiveAlert]) -> Result<(), StorageError> {
        self.write_conversation(row, alerts)
    }

    fn put_contact(&mut self, row: &ContactRow) -> Result<(), StorageError> {
        self.write_contact(row)
    }

    fn row(&self, document: DocumentId) -> Result<Option<ConversationRow>, StorageError> {
        self.reading().conversation_in(document)
    }

    fn reminding(&self, until: Timestamp, waiting: Option<Timestamp>) -> Result<Vec<ConversationRow>, StorageError> {
        self.reading().reminding(until, waiting)
    }

    fn document_of(&self, conversation: ConversationId) -> Result<Option<DocumentId>, StorageError> {
        self.reading().document_of(conversation)
    }

    fn contact_by_phone(&self, phone: &str) -> Result<Option<ContactId>, StorageError> {
        self.reading().contact_by_phone(phone)
    }

    fn conversation_with(&self, contact: ContactId, channel: &Channel) -> Result<Option<DocumentId>, StorageError> {
        self.reading().conversation_with(contact, channel)
    }

    fn contact_row(&self, contact: ContactId) -> Result<Option<ContactRow>, StorageError> {
        self.reading().contact_row(contact)
    }

    fn documents_with_alerts(&self) -> Result<BTreeSet<DocumentId>, StorageError> {
        self.reading().documents_with_alerts()
    }

    fn document_of_alert(&self, alert: AlertId) -> Result<Option<DocumentId>, StorageError> {
        self.reading().document_of_alert(alert)
    }
}
