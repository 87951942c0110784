//! What the relay sends of documents, facts and registers.
//!
//! Frames are applied as they come and may come again: a cut stream is resumed from the last stored cursor, so everything
//! here gives the same when repeated. A frame that can't be applied never wedges the device: the document is asked for
//! anew, and the stream goes on.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Change, ChangeHash};

use crate::{
    ids::DocumentId,
    intents::Verb,
    model::{
        Document, Kind,
        document::{intent_of, parse_change},
    },
    policy::Visibility,
    protocol::{Fact, RegisterContent, RegisterKey, Response, digest},
    sync::{
        session::{Session, SessionError},
        storage::{Attention, IntentRecord, IntentState, Storage, StoredRegister},
        verdict::{forget_change, keep_draft},
    },
    time::Timestamp,
};

impl Session {
    /// Applies a frame that is about documents or registers; others are not for here.
    pub(super) fn page(&mut self, now: Timestamp, disk: &mut dyn Storage, frame: Response) -> Result<(), SessionError> {
        match frame {
            Response::Snapshot { document, kind, visibility, saved, changes, facts, outline } => {
                let changes: Vec<Vec<u8>> = changes.into_iter().map(serde_bytes::ByteBuf::into_vec).collect();
                if let Some(outline) = outline
                    && self.workspace.take_outlined(
                        disk,
                        document,
                        (kind, visibility),
                        &saved,
                        &changes,
                        &facts,
                        &outline,
                    )?
                {
                    self.wants.remove(&document);
                    return Ok(());
                }
                self.snapshot(disk, document, (kind, visibility), &saved, &changes, &facts)
            }
            Response::Delta { document, visibility, changes, facts } => {
                let changes: Vec<Vec<u8>> = changes.into_iter().map(serde_bytes::ByteBuf::into_vec).collect();
                self.delta(disk, document, visibility, &changes, &facts)
            }
            Response::Evict { documents } => documents.into_iter().try_for_each(|id| self.evict(now, disk, id)),
            Response::Retain { documents } => self.retain(now, disk, &documents),
            Response::Bucket { bucket, documents } => self.bucket(now, disk, usize::from(bucket), &documents),
            Response::Registers { values } => {
                values.into_iter().try_for_each(|(key, content)| self.register(now, disk, key, content))
            }
            Response::RegistersStored { versions } => {
                versions.into_iter().try_for_each(|(key, version)| self.register_stored(disk, key, version))
            }
            _ => Ok(()),
        }
    }

    /// Projects what was touched.
    pub(super) fn project_touched(&mut self, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let me = disk.identity()?.ok_or(SessionError::NotEnrolled)?.member;
        let flushed = self.workspace.flush(disk, me)?;
        self.changed |= flushed.any;
        // As with a snapshot that can't be read, though that turned out only when it was to be shown.
        for id in flushed.unreadable {
            self.status.last_error = Some(format!("document {id} from the relay can't be read"));
            self.suspicious = true;
            self.workspace.remove(disk, id)?;
        }
        Ok(())
    }

    fn snapshot(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        (kind, visibility): (Kind, Visibility),
        saved: &[u8],
        changes: &[Vec<u8>],
        facts: &[Fact],
    ) -> Result<(), SessionError> {
        let held = disk.document_kind(id)?.is_some();
        let before = match held.then(|| self.workspace.load(disk, id)).transpose() {
            // A damaged one has nothing to keep.
            Ok(loaded) => loaded
                .flatten()
                .filter(|loaded| loaded.known)
                .and_then(|loaded| loaded.confirmed().ok())
                .map(Document::changes),
            Err(SessionError::Document(_)) => None,
            Err(error) => return Err(error),
        };
        match self.workspace.replace(disk, id, (kind, visibility), saved, changes) {
            Err(SessionError::Document(error)) => {
                tracing::warn!(document = %id, %error, "a snapshot can't be read");
                self.status.last_error = Some(format!("a document from the relay can't be read: {error}"));
                self.suspicious = true;
                return Ok(());
            }
            other => other?,
        }
        self.wants.remove(&id);
        self.overtaken.remove(&id);
        disk.put_facts(id, facts)?;
        if let Some(before) = before {
            self.keep_accepted(disk, id, &before)?;
        }
        self.reconcile(disk, id)
    }

    /// A snapshot may have left the relay before a verdict that overtook it on another request. Own accepted changes that
    /// it lacks are kept; if anything else is gone, the lineage's actor may have lost a seq and writes nothing more.
    fn keep_accepted(&mut self, disk: &mut dyn Storage, id: DocumentId, before: &[Change]) -> Result<(), SessionError> {
        for change in before {
            let missing = match self.workspace.load(disk, id)? {
                Some(loaded) => !loaded.holds(&change.hash()),
                None => false,
            };
            if !missing {
                continue;
            }
            let own = match intent_of(change) {
                Some(intent) => disk.intent(intent)?.is_some_and(|intent| intent.hash == change.hash().0),
                None => false,
            };
            let kept = own && self.workspace.append(disk, id, &[change.raw_bytes().to_vec()]).is_ok();
            if !kept {
                self.workspace.set_actor(disk, id, None)?;
            }
        }
        Ok(())
    }

    fn delta(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        visibility: Option<Visibility>,
        changes: &[Vec<u8>],
        facts: &[Fact],
    ) -> Result<(), SessionError> {
        if self.wants.get(&id) == Some(&true) {
            self.overtaken.insert(id);
        }
        if disk.document_kind(id)?.is_none() {
            self.suspicious = true;
            self.wants.entry(id).or_insert(false);
            return Ok(());
        }
        match self.workspace.append(disk, id, changes) {
            Err(SessionError::Document(error)) => {
                tracing::warn!(document = %id, %error, "a delta can't be applied: asking for the document");
                self.distrust(disk, id)?;
            }
            other => other?,
        }
        if let Some(visibility) = visibility {
            self.workspace.set_visibility(disk, id, visibility)?;
        }
        disk.put_facts(id, facts)?;
        self.workspace.touch(id);
        self.reconcile(disk, id)
    }

    /// After the confirmed document changed: own changes that are in it now were accepted; those whose ground is gone,
    /// and those that waited for the document, are run again.
    fn reconcile(&mut self, disk: &mut dyn Storage, id: DocumentId) -> Result<(), SessionError> {
        let open = disk.open_intents_of(id)?;
        if open.is_empty() {
            return Ok(());
        }
        let Some(loaded) = self.workspace.load(disk, id)? else { return Ok(()) };
        let accepted: Vec<IntentRecord> = open
            .into_iter()
            .filter(|intent| intent.hash != [0; 32] && loaded.holds(&ChangeHash(intent.hash)))
            .collect();
        let seq = disk.state()?.map_or(0, |state| state.cursor.seq);
        for intent in accepted {
            let group = disk.open_intents()?.into_iter().filter(|other| other.group == intent.group);
            let group: Vec<IntentRecord> = group.collect();
            for member in group {
                self.accept(disk, member, seq)?;
            }
        }
        let Some(loaded) = self.workspace.load(disk, id)? else { return Ok(()) };
        let (mut standing, mut next_seqs) = (BTreeSet::new(), BTreeMap::new());
        let mut void = Vec::new();
        for intent in disk.open_intents_of(id)? {
            let waits = intent.change.is_empty();
            let here = |dep: &ChangeHash| standing.contains(dep) || loaded.holds(dep);
            let stands = !waits
                && parse_change(&intent.change).is_ok_and(|change| {
                    let actor = change.actor_id();
                    // A copy of this store may write under the same actor: whoever comes first has the number.
                    let next = next_seqs.entry(actor.clone()).or_insert_with(|| loaded.next_seq(actor));
                    change.deps().iter().all(here) && *next <= change.seq()
                });
            if stands {
                standing.insert(ChangeHash(intent.hash));
            }
            if waits || (!stands && intent.state == IntentState::Pending) {
                void.push((intent, waits));
            }
        }
        for (mut intent, waits) in void {
            self.unsettled = true;
            if !waits {
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
            }
        }
        Ok(())
    }

    /// R9: the document leaves the device; what its author had not delivered is left to them with the reason. What is in
    /// flight may have been accepted: it keeps its change and is offered again until its verdict is here.
    fn evict(&mut self, now: Timestamp, disk: &mut dyn Storage, id: DocumentId) -> Result<(), SessionError> {
        let held = disk.document_kind(id)?.is_some();
        for intent in disk.open_intents_of(id)? {
            if !held && intent.state == IntentState::Pending {
                // It is being looked for (see [`super::restore`]).
                self.searching = true;
                continue;
            }
            let group = disk.open_intents()?.into_iter().filter(|other| other.group == intent.group);
            let group: Vec<IntentRecord> = group.collect();
            if !group.iter().any(|other| matches!(other.state, IntentState::InFlight { .. })) {
                self.need_attention(disk, group, &Attention::AccessLost)?;
            }
        }
        if held {
            forget_natural_keys(disk, id)?;
        }
        keep_draft(now, disk, id, Attention::AccessLost)?;
        self.drop_document(disk, id)
    }

    fn retain(&mut self, now: Timestamp, disk: &mut dyn Storage, stays: &[DocumentId]) -> Result<(), SessionError> {
        for id in disk.documents(None)? {
            // What only this device knows is not the relay's to take.
            if !stays.contains(&id) && disk.document(id)?.is_some_and(|document| document.confirmed) {
                self.evict(now, disk, id)?;
            }
        }
        // An answer that is on its way may be from before, and may not: it is asked for anew.
        let asked = self.wants.iter().filter(|(id, asked)| **asked && !stays.contains(*id)).map(|(id, _)| *id);
        self.overtaken.extend(asked);
        Ok(())
    }

    /// Of one digest bucket the device holds something that the relay doesn't name. What is held through a record (R7) is
    /// not in the digest.
    fn bucket(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        bucket: usize,
        named: &[DocumentId],
    ) -> Result<(), SessionError> {
        for id in disk.documents(None)? {
            if digest::bucket(id) != bucket || named.contains(&id) {
                continue;
            }
            if disk.document(id)?.is_some_and(|document| document.confirmed && document.visibility.dashboard()) {
                self.evict(now, disk, id)?;
            }
        }
        Ok(())
    }

    /// The relay has a register in this version. One of a conversation that is not here, and that nothing waits for, goes: it
    /// comes back with the conversation, if that comes (R9).
    fn register_stored(&mut self, disk: &mut dyn Storage, key: RegisterKey, version: u64) -> Result<(), SessionError> {
        let Some(mut register) = disk.register(key)? else { return Ok(()) };
        register.stored_version = register.stored_version.max(version);
        let stored = register.stored_version >= register.version;
        disk.put_register(key, &register)?;
        if let Some(id) = key.document()
            && stored
            && disk.document_kind(id)?.is_none()
            && disk.open_intents_of(id)?.is_empty()
        {
            disk.remove_document(id)?;
        }
        Ok(())
    }

    /// A register as the relay has it. A read mark only moves forward (R25), and so does what was dealt with (R16); of the
    /// others the last accepted counts, and a local write that is not stored yet will be the last.
    fn register(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        key: RegisterKey,
        content: RegisterContent,
    ) -> Result<(), SessionError> {
        if let Some(id) = key.document()
            && disk.document_kind(id)?.is_none()
        {
            // It comes with the document, if that comes.
            return Ok(());
        }
        let local = disk.register(key)?;
        let unsent = local.as_ref().is_some_and(|local| local.stored_version < local.version);
        let version = local.as_ref().map_or(0, |local| local.version);
        let ahead = match (&key, &content, local.as_ref().map(|local| &local.content)) {
            (RegisterKey::ReadMark(_), RegisterContent::Order(theirs), Some(RegisterContent::Order(ours))) => {
                ours > theirs
            }
            (RegisterKey::ReadMark(_), ..) => false,
            (RegisterKey::Reminded(_), RegisterContent::Time(theirs), Some(RegisterContent::Time(ours))) => {
                ours > theirs
            }
            (RegisterKey::Reminded(_), ..) => false,
            _ => unsent,
        };
        // Marks come with every snapshot, most of them known: nothing is to be projected anew for those.
        let known = !unsent && local.as_ref().is_some_and(|local| local.content == content);
        if ahead || known {
            return Ok(());
        }
        disk.put_register(key, &StoredRegister { content, version, stored_version: version, send_after: now })?;
        let of = match key {
            RegisterKey::Dismissed(alert) => disk.document_of_alert(alert)?,
            key => key.document(),
        };
        if let Some(id) = of {
            self.workspace.touch_marks(id);
        }
        Ok(())
    }
}

/// R9: an intent notes the name and the phone of its contact, to find it again after a restore. They leave with the
/// document, from accepted intents too; what its author typed themselves (in creating the contact, or as the verb's own
/// text) is theirs and stays.
fn forget_natural_keys(disk: &mut dyn Storage, document: DocumentId) -> Result<(), SessionError> {
    for mut intent in disk.intents_of(document)? {
        let first = disk.intent(intent.group)?;
        let typed = first.is_some_and(|first| matches!(first.verb, Verb::CreateContact(_)));
        if !typed && intent.natural_key.take().is_some() {
            disk.update_intent(&intent)?;
        }
    }
    Ok(())
}
