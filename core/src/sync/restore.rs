//! Starting over: the relay was restored from a backup, or this store was enrolled as a new device.
//!
//! A backup knows nothing of what came after it. So the device drops every document and takes what the relay now has;
//! but its own work of the last 30 days, accepted or not, it keeps and runs again where it is missing: the same intents,
//! under fresh actors. Documents are found again by their id, else by the contact's phone and the channel, else they are
//! made anew. What went out once is marked as offered again: the relay never sends it on its own.
//!
//! A document that did not come by itself need not be lost: its author may see it through a record only (R7), or not at
//! all any more (R9). So the relay is asked for it by name first, and what became of the intents in it: what it holds of
//! them was accepted, and nobody has to look after it, whether or not its author may see it.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;

use crate::{
    ids::{ConversationId, DocumentId, IntentId},
    intents::{NewContact, Verb},
    model::Kind,
    policy::Visibility,
    protocol::{Cursor, Epoch, RegisterKey},
    sync::{
        frames::ACCEPTED_KEPT,
        outbox::SubmitError,
        session::{Outgoing, Session, SessionError},
        storage::{Attention, Identity, IntentRecord, IntentState, NaturalKey, Storage, StoredRegister, SyncState},
        verdict::forget_change,
    },
    time::Timestamp,
};

impl Session {
    /// The relay lives in another epoch than this device knows. `unknown_before` are intents that no earlier life of it
    /// can have seen, though they are in flight.
    pub(super) fn start_over(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        epoch: Epoch,
        unknown_before: &[IntentId],
    ) -> Result<(), SessionError> {
        for mut intent in disk.accepted_since(now.before(ACCEPTED_KEPT))? {
            intent.reoffered = true;
            open_again(disk, &mut intent)?;
        }
        for mut intent in disk.open_intents()? {
            // What was in flight may have been accepted, and sent, in the life that the backup forgot.
            let in_flight = matches!(intent.state, IntentState::InFlight { .. });
            intent.reoffered |= in_flight && !unknown_before.contains(&intent.id);
            open_again(disk, &mut intent)?;
        }
        self.drop_everything(now, disk, epoch, true)
    }

    /// This store is enrolled as a new device, because it was proven a copy or because the relay doesn't know it any more:
    /// starts over under the new identity, keeping what was not delivered. If the relay lives in another epoch than the
    /// store knows, it was restored from a backup that is older than the former enrolment.
    ///
    /// # Errors
    /// The disk failed, or the store was never enrolled.
    pub fn re_enrolled(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        identity: &Identity,
        state: &SyncState,
    ) -> Result<(), SubmitError> {
        disk.identity()?.ok_or(SubmitError::NotEnrolled)?;
        let former = disk.state()?.ok_or(SubmitError::NotEnrolled)?.cursor.epoch;
        disk.set_identity(identity)?;
        disk.set_state(state)?;
        let epoch = state.cursor.epoch;
        if former != 0 && former != epoch {
            self.start_over(now, disk, epoch, &[])?;
        } else {
            for mut intent in disk.open_intents()? {
                open_again(disk, &mut intent)?;
            }
            self.drop_everything(now, disk, epoch, false)?;
        }
        self.retry_now();
        self.unauthorized = false;
        Ok(())
    }

    /// `forgotten` says that the relay has lost some of what it had stored.
    fn drop_everything(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        epoch: Epoch,
        forgotten: bool,
    ) -> Result<(), SessionError> {
        for mut intent in disk.attention()? {
            if !intent.change.is_empty() {
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
            }
        }
        // Drafts are typed text: they outlive their documents, and those of documents that did not come back since the relay
        // was last put back are offered once more. Read marks count in the old epoch's order and don't.
        let drafts = disk.drafts()?.into_iter().map(|(id, draft)| (RegisterKey::Draft(id), draft));
        // What the member chose is offered if the relay may have lost it; otherwise it knows better than a copy of a store.
        let lost = |register: &StoredRegister| forgotten || register.stored_version < register.version;
        let chosen = disk.chosen()?.into_iter().filter(|(_, register)| lost(register));
        let kept: Vec<(RegisterKey, StoredRegister)> = drafts.chain(chosen).collect();
        disk.remove_all_documents()?;
        for (key, register) in kept {
            let version = register.version + 1;
            disk.put_register(key, &StoredRegister { version, send_after: now, ..register })?;
        }
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        state.cursor = Cursor { epoch, seq: 0, backfill: None };
        state.last_digest = Timestamp::default();
        disk.set_state(&state)?;
        self.workspace.clear();
        self.cancel_all();
        self.wants.clear();
        self.records.clear();
        self.absent.clear();
        (self.changed, self.searching) = (true, true);
        (self.unsettled, self.outgoing, self.suspicious) = (true, Outgoing::Unknown, false);
        Ok(())
    }

    /// Once everything is here: finds the documents of intents that have none, or makes them anew. Those that the relay was
    /// not asked for yet are asked for first.
    pub(super) fn find_documents(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
    ) -> Result<(), SessionError> {
        let state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.clone || state.cursor.seq == 0 || state.cursor.backfill.is_some() {
            return Ok(());
        }
        self.searching = false;
        let mut all = lost(disk, Kind::Contact)?;
        all.extend(lost(disk, Kind::Conversation)?);
        all.retain(|document| !self.absent.contains(document));
        if !all.is_empty() {
            for document in all {
                self.wants.entry(document).or_insert(false);
            }
            return Ok(());
        }
        // Contacts first: conversations are found through them.
        for kind in [Kind::Contact, Kind::Conversation] {
            let lost = lost(disk, kind)?;
            if lost.is_empty() {
                continue;
            }
            // They may have come just now.
            self.project_touched(disk)?;
            for document in lost {
                self.absent.remove(&document);
                match kind {
                    Kind::Contact => self.find_contact(now, rng, disk, document)?,
                    _ => self.find_conversation(now, rng, disk, document)?,
                }
            }
            self.settle(now, rng, disk)?;
            // Finding a conversation looks contacts up in the read model.
            self.project_touched(disk)?;
        }
        Ok(())
    }

    fn find_contact(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        lost: DocumentId,
    ) -> Result<(), SessionError> {
        let intents = disk.open_intents_of(lost)?;
        let key = intents.iter().find_map(|intent| intent.natural_key.clone());
        let creates = intents.first().is_some_and(|intent| matches!(intent.verb, Verb::CreateContact(_)));
        let found = match &key {
            Some(key) => disk.contact_by_phone(&key.phone)?,
            None => None,
        };
        match (found, key) {
            (Some(found), _) => self.substitute(now, disk, &BTreeMap::from([(lost, found)])),
            (None, _) if creates => self.workspace.create(disk, lost, Kind::Contact, Visibility::DASHBOARD),
            (None, Some(key)) => {
                let contact = self.make_contact(now, rng, disk, &key)?;
                self.substitute(now, disk, &BTreeMap::from([(lost, contact)]))?;
                behind(disk, contact)
            }
            (None, None) => self.need_attention(disk, intents, &Attention::AccessLost),
        }
    }

    fn find_conversation(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        lost: DocumentId,
    ) -> Result<(), SessionError> {
        let intents = disk.open_intents_of(lost)?;
        let creates = intents.first().is_some_and(|intent| matches!(intent.verb, Verb::StartConversation { .. }));
        let key = intents.iter().find_map(|intent| intent.natural_key.clone());
        let Some((key, channel)) = key.and_then(|key| key.channel.clone().map(|channel| (key, channel))) else {
            return if creates {
                self.workspace.create(disk, lost, Kind::Conversation, Visibility::DASHBOARD)
            } else {
                self.need_attention(disk, intents, &Attention::AccessLost)
            };
        };
        let contact = match disk.contact_by_phone(&key.phone)? {
            Some(contact) => contact,
            None => self.make_contact(now, rng, disk, &key)?,
        };
        if let Some(found) = disk.conversation_with(contact, &channel)? {
            return self.substitute(now, disk, &BTreeMap::from([(lost, found)]));
        }
        if creates {
            for mut intent in intents {
                if let Verb::StartConversation { contact: with, .. } = &mut intent.verb {
                    *with = contact;
                    disk.update_intent(&intent)?;
                }
            }
            return self.workspace.create(disk, lost, Kind::Conversation, Visibility::DASHBOARD);
        }
        let document = DocumentId::generate(now, rng);
        let conversation = ConversationId::generate(now, rng);
        self.workspace.create(disk, document, Kind::Conversation, Visibility::DASHBOARD)?;
        let verb = Verb::StartConversation { conversation, contact, channel, text: None };
        insert(now, rng, disk, document, verb, Some(key))?;
        self.substitute(now, disk, &BTreeMap::from([(lost, document)]))?;
        behind(disk, document)
    }

    fn make_contact(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        key: &NaturalKey,
    ) -> Result<DocumentId, SessionError> {
        let contact = DocumentId::generate(now, rng);
        self.workspace.create(disk, contact, Kind::Contact, Visibility::DASHBOARD)?;
        let new = NewContact { name: key.name.clone(), phones: vec![key.phone.clone()], ..NewContact::default() };
        insert(now, rng, disk, contact, Verb::CreateContact(new), Some(key.clone()))?;
        // Another conversation with the same contact is to find it.
        self.settle(now, rng, disk)?;
        self.project_touched(disk)?;
        Ok(contact)
    }
}

/// The documents of a kind that open intents wait for in vain, in the order of the intents.
fn lost(disk: &dyn Storage, kind: Kind) -> Result<Vec<DocumentId>, SessionError> {
    let mut seen = BTreeSet::new();
    let mut lost = Vec::new();
    for intent in disk.open_intents()? {
        let waits = intent.kind == kind && intent.is_to_be_authored();
        if waits && seen.insert(intent.document) && disk.document_kind(intent.document)?.is_none() {
            lost.push(intent.document);
        }
    }
    Ok(lost)
}

fn open_again(disk: &mut dyn Storage, intent: &mut IntentRecord) -> Result<(), SessionError> {
    intent.state = IntentState::Pending;
    // Orders of the old life mean nothing in the new one: the stale-reply guard then holds rather than lets through.
    intent.seen = 0;
    forget_change(intent);
    disk.update_intent(intent)?;
    Ok(())
}

fn insert(
    now: Timestamp,
    rng: &mut dyn Rng,
    disk: &mut dyn Storage,
    document: DocumentId,
    verb: Verb,
    natural_key: Option<NaturalKey>,
) -> Result<(), SessionError> {
    let id = IntentId::generate(now, rng);
    disk.insert_intent(&IntentRecord {
        id,
        document,
        kind: verb.kind(),
        group: id,
        position: 0,
        verb,
        seen: 0,
        created: now,
        send_after: now,
        change: Vec::new(),
        hash: [0; 32],
        state: IntentState::Pending,
        natural_key,
        reoffered: false,
    })?;
    Ok(())
}

/// Puts a document's intents behind the one that makes it, which was inserted last, keeping their order.
fn behind(disk: &mut dyn Storage, document: DocumentId) -> Result<(), SessionError> {
    let mut intents = disk.open_intents_of(document)?;
    intents.pop();
    for intent in intents {
        disk.remove_intent(intent.id)?;
        disk.insert_intent(&intent)?;
    }
    Ok(())
}
