//! A device's store in memory: a backend like any other, for tests and simulation. A driver makes a transaction of it by
//! cloning it before an event and putting the clone back if the event failed.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    ids::{AlertId, ContactId, ConversationId, DocumentId, IntentId},
    model::{Channel, Kind},
    policy::Visibility,
    protocol::{Fact, FactBody, RegisterContent, RegisterKey, Seq},
    sync::storage::{
        Identity, IntentRecord, IntentState, StagedPage, Storage, StorageError, StoredDocument, StoredRegister,
        SyncState,
    },
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow, Registers},
};

/// The store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStorage {
    identity: Option<Identity>,
    state: Option<SyncState>,
    documents: BTreeMap<DocumentId, StoredDocument>,
    facts: BTreeMap<DocumentId, Vec<Fact>>,
    digests: BTreeMap<DocumentId, u64>,
    intents: BTreeMap<u64, IntentRecord>,
    last_position: u64,
    registers: BTreeMap<RegisterKey, StoredRegister>,
    conversations: BTreeMap<DocumentId, ConversationRow>,
    alerts: BTreeMap<DocumentId, Vec<ActiveAlert>>,
    contacts: BTreeMap<ContactId, ContactRow>,
}

impl MemoryStorage {
    /// The row of a conversation, with its contact's name.
    pub fn conversation_row(&self, document: DocumentId) -> Option<ConversationRow> {
        let mut row = self.conversations.get(&document)?.clone();
        row.contact_name =
            self.contacts.get(&row.contact).map(|contact| contact.display_name.clone()).unwrap_or_default();
        Some(row)
    }

    /// Every row of a conversation, in the order of documents.
    pub fn conversation_rows(&self) -> Vec<ConversationRow> {
        self.conversations.keys().filter_map(|document| self.conversation_row(*document)).collect()
    }

    /// Every row of a contact, in the order of ids.
    pub fn contact_rows(&self) -> Vec<ContactRow> {
        self.contacts.values().cloned().collect()
    }

    /// The alerts that stand.
    pub fn active_alerts(&self) -> Vec<ActiveAlert> {
        self.alerts.values().flatten().cloned().collect()
    }

    /// Every intent, whatever its state, in order.
    pub fn all_intents(&self) -> Vec<IntentRecord> {
        self.intents.values().cloned().collect()
    }

    fn select(&self, takes: impl Fn(&IntentRecord) -> bool) -> Vec<IntentRecord> {
        self.intents.values().filter(|intent| takes(intent)).cloned().collect()
    }

    fn alert_ids(&self, document: DocumentId) -> BTreeSet<AlertId> {
        self.facts
            .get(&document)
            .into_iter()
            .flatten()
            .filter_map(|fact| match &fact.body {
                FactBody::Alert(alert) => Some(alert.id),
                FactBody::Message(_) | FactBody::Event(_) => None,
            })
            .collect()
    }

    fn missing(&self, id: DocumentId) -> StorageError {
        StorageError::Io(format!("document {id} is not stored"))
    }

    fn stored(&self, id: DocumentId) -> Result<&StoredDocument, StorageError> {
        self.documents.get(&id).ok_or_else(|| self.missing(id))
    }

    fn confirmed(&self, id: DocumentId) -> bool {
        self.documents.get(&id).is_some_and(|document| document.confirmed)
    }
}

const fn is_open(state: &IntentState) -> bool {
    matches!(state, IntentState::Pending | IntentState::InFlight { .. } | IntentState::WaitsFor { .. })
}

impl Storage for MemoryStorage {
    fn identity(&self) -> Result<Option<Identity>, StorageError> {
        Ok(self.identity.clone())
    }

    fn set_identity(&mut self, identity: &Identity) -> Result<(), StorageError> {
        self.identity = Some(identity.clone());
        Ok(())
    }

    fn state(&self) -> Result<Option<SyncState>, StorageError> {
        Ok(self.state.clone())
    }

    fn set_state(&mut self, state: &SyncState) -> Result<(), StorageError> {
        self.state = Some(state.clone());
        Ok(())
    }

    fn document(&self, id: DocumentId) -> Result<Option<StoredDocument>, StorageError> {
        Ok(self.documents.get(&id).cloned())
    }

    fn document_kind(&self, id: DocumentId) -> Result<Option<(Kind, Visibility)>, StorageError> {
        Ok(self.documents.get(&id).map(|document| (document.kind, document.visibility)))
    }

    fn documents(&self, kind: Option<Kind>) -> Result<Vec<DocumentId>, StorageError> {
        let takes = |document: &StoredDocument| kind.is_none_or(|kind| document.kind == kind);
        Ok(self.documents.iter().filter(|(_, document)| takes(document)).map(|(id, _)| *id).collect())
    }

    fn put_document(
        &mut self,
        id: DocumentId,
        kind: Kind,
        visibility: Visibility,
        saved: &[u8],
        confirmed: bool,
    ) -> Result<(), StorageError> {
        let actor = self.documents.get(&id).and_then(|document| document.actor);
        let stored = StoredDocument { kind, visibility, saved: saved.to_vec(), tail: Vec::new(), actor, confirmed };
        self.documents.insert(id, stored);
        Ok(())
    }

    fn append_changes(&mut self, id: DocumentId, changes: &[Vec<u8>]) -> Result<(), StorageError> {
        let missing = self.missing(id);
        self.documents.get_mut(&id).ok_or(missing)?.tail.extend_from_slice(changes);
        Ok(())
    }

    fn set_visibility(&mut self, id: DocumentId, visibility: Visibility) -> Result<(), StorageError> {
        let missing = self.missing(id);
        self.documents.get_mut(&id).ok_or(missing)?.visibility = visibility;
        if let Some(row) = self.conversations.get_mut(&id) {
            row.visibility = visibility;
        }
        Ok(())
    }

    fn set_actor(&mut self, id: DocumentId, actor: Option<[u8; 16]>) -> Result<(), StorageError> {
        let missing = self.missing(id);
        self.documents.get_mut(&id).ok_or(missing)?.actor = actor;
        Ok(())
    }

    fn remove_document(&mut self, id: DocumentId) -> Result<(), StorageError> {
        let alerts = self.alert_ids(id);
        self.documents.remove(&id);
        self.facts.remove(&id);
        self.digests.remove(&id);
        self.conversations.remove(&id);
        self.alerts.remove(&id);
        self.contacts.remove(&id);
        self.registers.retain(|key, _| match key {
            RegisterKey::Dismissed(alert) => !alerts.contains(alert),
            key => key.document() != Some(id),
        });
        Ok(())
    }

    fn remove_all_documents(&mut self) -> Result<(), StorageError> {
        let all: Vec<DocumentId> = self.documents.keys().copied().collect();
        all.into_iter().try_for_each(|id| self.remove_document(id))
    }

    fn first_staged(&self) -> Result<Option<StagedPage>, StorageError> {
        // No other process shares this memory.
        Ok(None)
    }

    fn remove_staged(&mut self, _: Option<u64>) -> Result<(), StorageError> {
        Ok(())
    }

    fn facts(&self, id: DocumentId) -> Result<Vec<Fact>, StorageError> {
        Ok(self.facts.get(&id).cloned().unwrap_or_default())
    }

    fn put_facts(&mut self, id: DocumentId, facts: &[Fact]) -> Result<(), StorageError> {
        self.stored(id)?;
        let known = self.facts.entry(id).or_default();
        for fact in facts {
            match known.iter_mut().find(|known| known.body.key() == fact.body.key()) {
                Some(known) if known.seq > fact.seq => {}
                Some(known) => *known = fact.clone(),
                None => known.push(fact.clone()),
            }
        }
        known.sort_by_key(|fact| (fact.seq, fact.body.key()));
        Ok(())
    }

    fn digests(&self) -> Result<Vec<(DocumentId, u64)>, StorageError> {
        let confirmed = self.documents.iter().filter(|(_, document)| document.confirmed);
        Ok(confirmed.map(|(id, _)| (*id, self.digests.get(id).copied().unwrap_or_default())).collect())
    }

    fn set_digest(&mut self, id: DocumentId, digest: u64) -> Result<(), StorageError> {
        self.stored(id)?;
        self.digests.insert(id, digest);
        Ok(())
    }

    fn insert_intent(&mut self, intent: &IntentRecord) -> Result<u64, StorageError> {
        if self.intents.values().any(|stored| stored.id == intent.id) {
            return Err(StorageError::Io(format!("intent {} is stored already", intent.id)));
        }
        self.last_position += 1;
        let position = self.last_position;
        self.intents.insert(position, IntentRecord { position, ..intent.clone() });
        Ok(position)
    }

    fn update_intent(&mut self, intent: &IntentRecord) -> Result<(), StorageError> {
        match self.intents.values_mut().find(|stored| stored.id == intent.id) {
            Some(stored) => {
                *stored = IntentRecord { position: stored.position, ..intent.clone() };
                Ok(())
            }
            None => Err(StorageError::Io(format!("intent {} is not stored", intent.id))),
        }
    }

    fn remove_intent(&mut self, id: IntentId) -> Result<(), StorageError> {
        self.intents.retain(|_, intent| intent.id != id);
        Ok(())
    }

    fn intent(&self, id: IntentId) -> Result<Option<IntentRecord>, StorageError> {
        Ok(self.intents.values().find(|intent| intent.id == id).cloned())
    }

    fn open_intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        Ok(self.select(|intent| intent.document == document && is_open(&intent.state)))
    }

    fn intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError> {
        Ok(self.select(|intent| intent.document == document))
    }

    fn open_intents(&self) -> Result<Vec<IntentRecord>, StorageError> {
        Ok(self.select(|intent| is_open(&intent.state)))
    }

    fn attention(&self) -> Result<Vec<IntentRecord>, StorageError> {
        Ok(self.select(|intent| matches!(intent.state, IntentState::NeedsAttention(_))))
    }

    fn accepted_since(&self, since: Timestamp) -> Result<Vec<IntentRecord>, StorageError> {
        Ok(self.select(|intent| matches!(intent.state, IntentState::Accepted { .. }) && intent.created >= since))
    }

    fn forget_accepted_before(&mut self, before: Timestamp) -> Result<(), StorageError> {
        let old =
            |intent: &IntentRecord| matches!(intent.state, IntentState::Accepted { .. }) && intent.created < before;
        self.intents.retain(|_, intent| !old(intent));
        Ok(())
    }

    fn register(&self, key: RegisterKey) -> Result<Option<StoredRegister>, StorageError> {
        Ok(self.registers.get(&key).cloned())
    }

    fn put_register(&mut self, key: RegisterKey, register: &StoredRegister) -> Result<(), StorageError> {
        self.registers.insert(key, register.clone());
        Ok(())
    }

    fn dirty_registers(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        let dirty = |register: &StoredRegister| register.stored_version < register.version;
        Ok(self.registers.iter().filter(|(_, register)| dirty(register)).map(|(key, r)| (*key, r.clone())).collect())
    }

    fn drafts(&self) -> Result<Vec<(DocumentId, StoredRegister)>, StorageError> {
        let drafts = self.registers.iter().filter_map(|(key, register)| match (key, &register.content) {
            (RegisterKey::Draft(id), RegisterContent::Text(text)) if !text.is_empty() => Some((*id, register.clone())),
            _ => None,
        });
        Ok(drafts.collect())
    }

    fn chosen(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        let chosen = |key: &RegisterKey| key.is_chosen();
        Ok(self.registers.iter().filter(|(key, _)| chosen(key)).map(|(key, r)| (*key, r.clone())).collect())
    }

    fn registers_of(&self, document: DocumentId) -> Result<Registers, StorageError> {
        let content = |key| self.registers.get(&key).map(|register| &register.content);
        let read = match content(RegisterKey::ReadMark(document)) {
            Some(RegisterContent::Order(order)) => *order,
            _ => 0 as Seq,
        };
        let set = |key| matches!(content(key), Some(RegisterContent::Flag(true)));
        let time = |key| match content(key) {
            Some(RegisterContent::Time(time)) => Some(*time),
            _ => None,
        };
        Ok(Registers {
            read,
            marked_unread: set(RegisterKey::MarkedUnread(document)),
            draft: matches!(content(RegisterKey::Draft(document)), Some(RegisterContent::Text(text)) if !text.is_empty()),
            follow_up: time(RegisterKey::FollowUp(document)).filter(|at| *at > Timestamp(0)),
            reminded: time(RegisterKey::Reminded(document)).unwrap_or_default(),
            dismissed: self
                .alert_ids(document)
                .into_iter()
                .filter(|alert| set(RegisterKey::Dismissed(*alert)))
                .collect(),
        })
    }

    fn put_conversation(&mut self, row: &ConversationRow, alerts: &[ActiveAlert]) -> Result<(), StorageError> {
        self.stored(row.document)?;
        self.conversations.insert(row.document, row.clone());
        self.alerts.insert(row.document, alerts.to_vec());
        Ok(())
    }

    fn put_contact(&mut self, row: &ContactRow) -> Result<(), StorageError> {
        self.stored(row.contact)?;
        self.contacts.insert(row.contact, row.clone());
        Ok(())
    }

    fn row(&self, document: DocumentId) -> Result<Option<ConversationRow>, StorageError> {
        Ok(self.conversation_row(document))
    }

    fn reminding(&self, until: Timestamp, waiting: Option<Timestamp>) -> Result<Vec<ConversationRow>, StorageError> {
        let blocked = |row: &ConversationRow| self.contacts.get(&row.contact).is_some_and(|contact| contact.blocked);
        let comes_due = |row: &ConversationRow| {
            let waits =
                row.reminders.waits_since().is_some_and(|since| waiting.is_some_and(|waiting| since <= waiting));
            row.reminders.first().is_some_and(|first| first <= until) || waits
        };
        let mut rows = self.conversation_rows();
        rows.retain(|row| row.visibility.dashboard() && !blocked(row) && comes_due(row));
        Ok(rows)
    }

    fn document_of(&self, conversation: ConversationId) -> Result<Option<DocumentId>, StorageError> {
        let rows = self.conversations.values().filter(|row| row.conversation == conversation);
        Ok(rows.min_by_key(|row| (Reverse(row.last_activity), row.document)).map(|row| row.document))
    }

    fn contact_by_phone(&self, phone: &str) -> Result<Option<ContactId>, StorageError> {
        let rows = self.contacts.values().filter(|row| row.phones.contains(phone));
        Ok(rows.map(|row| row.contact).min_by_key(|contact| (!self.confirmed(*contact), *contact)))
    }

    fn conversation_with(&self, contact: ContactId, channel: &Channel) -> Result<Option<DocumentId>, StorageError> {
        let rows = self.conversations.values().filter(|row| row.contact == contact && row.channel == *channel);
        let best = rows.min_by_key(|row| (!self.confirmed(row.document), Reverse(row.last_activity), row.document));
        Ok(best.map(|row| row.document))
    }

    fn contact_row(&self, contact: ContactId) -> Result<Option<ContactRow>, StorageError> {
        Ok(self.contacts.get(&contact).cloned())
    }

    fn documents_with_alerts(&self) -> Result<BTreeSet<DocumentId>, StorageError> {
        Ok(self.facts.keys().copied().filter(|document| !self.alert_ids(*document).is_empty()).collect())
    }

    fn document_of_alert(&self, alert: AlertId) -> Result<Option<DocumentId>, StorageError> {
        Ok(self.facts.keys().copied().find(|document| self.alert_ids(*document).contains(&alert)))
    }
}
