//! What the relay said of an intent, and what follows from it.
//!
//! An accepted change moves from the outbox to the confirmed document. Whatever else is said of one, its text stays: the
//! intent is run again (on another document, or on what the relay holds), or waits for its author's attention. Only a
//! verdict ends an in-flight intent, and only the first one counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{
    ids::{DocumentId, IntentId},
    intents::Verb,
    model::{DocumentError, Kind, document::parse_change},
    protocol::{Hash, RegisterContent, RegisterKey, Seq, Verdict},
    sync::{
        rebase::authored_in,
        session::{Outgoing, Session, SessionError},
        storage::{Attention, IntentRecord, IntentState, Storage, StoredRegister},
    },
    time::Timestamp,
};

/// How long an intent waits if the relay lacks what this device takes for confirmed, for the document to come anew.
const REFETCH_WAIT: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn verdict(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        intents: &[IntentId],
        verdict: Verdict,
    ) -> Result<(), SessionError> {
        let mut group = Vec::with_capacity(intents.len());
        for id in intents {
            group.extend(disk.intent(*id)?);
        }
        if matches!(verdict, Verdict::Duplicate(_)) {
            // The intent counted before, maybe with another change than this one: the document says which.
            group.iter_mut().for_each(forget_change);
        }
        if let Verdict::Accepted(seq) | Verdict::Duplicate(seq) = verdict {
            return group.into_iter().try_for_each(|intent| self.accept(disk, intent, seq));
        }
        // What is not in flight any more was ended by what came before: it is run again, or evicted.
        group.retain(|intent| matches!(intent.state, IntentState::InFlight { .. }));
        if group.is_empty() {
            return Ok(());
        }
        self.unsettled = true;
        let blocked = matches!(verdict, Verdict::MissingDeps(_) | Verdict::BlockedBy(_) | Verdict::NeedsAccess);
        if blocked && evicted(disk, &group)? {
            // R9: there is nothing to run it on any more.
            return self.need_attention(disk, group, &Attention::AccessLost);
        }
        match verdict {
            Verdict::Accepted(_) | Verdict::Duplicate(_) => Ok(()),
            Verdict::Resolved(pairs) | Verdict::MovedTo(pairs) => {
                for intent in group {
                    self.run_again(disk, intent)?;
                }
                self.substitute(now, disk, &pairs.into_iter().collect())
            }
            Verdict::MissingDeps(hashes) => self.missing_deps(now, disk, group, &hashes),
            Verdict::BlockedBy(_) => group.into_iter().try_for_each(|intent| self.run_again(disk, intent)),
            Verdict::Rejected(refusal) => self.need_attention(disk, group, &Attention::Rejected(refusal)),
            Verdict::NeedsAccess => self.needs_access(now, disk, group),
            Verdict::RetryAfter(millis) => {
                for mut intent in group {
                    intent.state = IntentState::Pending;
                    intent.send_after = now.after(Duration::from_millis(millis));
                    disk.update_intent(&intent)?;
                }
                Ok(())
            }
        }
    }

    /// Moves an accepted change to the confirmed document, after those of the same document that it builds on.
    pub(super) fn accept(
        &mut self,
        disk: &mut dyn Storage,
        mut intent: IntentRecord,
        seq: Seq,
    ) -> Result<(), SessionError> {
        if matches!(intent.state, IntentState::Accepted { .. }) {
            return Ok(());
        }
        self.workspace.touch(intent.document);
        // What waited behind it may go.
        self.outgoing = Outgoing::Unknown;
        let change = std::mem::take(&mut intent.change);
        intent.state = IntentState::Accepted { seq };
        let (id, document, position) = (intent.id, intent.document, intent.position);
        disk.update_intent(&intent)?;
        if disk.document_kind(document)?.is_none() {
            return Ok(());
        }
        if change.is_empty() {
            // It was about to be run again: what the relay accepted is there, and maybe not here.
            let here = match self.workspace.load(disk, document)? {
                Some(on) => authored_in(on.confirmed()?).contains(&id),
                None => false,
            };
            self.workspace.restage(document);
            return if here { Ok(()) } else { self.distrust(disk, document) };
        }
        match self.workspace.append(disk, document, std::slice::from_ref(&change)) {
            Err(SessionError::Document(DocumentError::MissingDependency(_))) => {}
            other => return other,
        }
        // The relay accepts nothing before what it builds on: the verdicts of the earlier ones were lost.
        for earlier in disk.open_intents_of(document)? {
            if earlier.position < position && matches!(earlier.state, IntentState::InFlight { .. }) {
                self.accept(disk, earlier, seq)?;
            }
        }
        match self.workspace.append(disk, document, &[change]) {
            Err(SessionError::Document(DocumentError::MissingDependency(_))) => self.distrust(disk, document),
            other => other,
        }
    }

    /// The confirmed document misses something that the relay has: ask for it whole. The lineage's actor has a seq there
    /// that is not here, so it writes nothing more.
    pub(super) fn distrust(&mut self, disk: &mut dyn Storage, document: DocumentId) -> Result<(), SessionError> {
        self.suspicious = true;
        self.wants.entry(document).or_insert(false);
        self.workspace.restage(document);
        self.workspace.forget_actor(disk, document)
    }

    /// Back to the outbox, to be authored anew when its document is settled.
    pub(super) fn run_again(&mut self, disk: &mut dyn Storage, mut intent: IntentRecord) -> Result<(), SessionError> {
        intent.state = IntentState::Pending;
        forget_change(&mut intent);
        disk.update_intent(&intent)?;
        self.unsettled = true;
        self.workspace.restage(intent.document);
        Ok(())
    }

    fn missing_deps(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        group: Vec<IntentRecord>,
        hashes: &[Hash],
    ) -> Result<(), SessionError> {
        for mut intent in group {
            // What it builds on and is not confirmed is an own change, which has its own verdict.
            let deps = parse_change(&intent.change).map(|change| change.deps().to_vec()).unwrap_or_default();
            let on = self.workspace.load(disk, intent.document)?;
            let own = |hash: &Hash| {
                let hash = automerge::ChangeHash(**hash);
                deps.contains(&hash) && on.as_ref().is_none_or(|on| !on.holds(&hash))
            };
            if !hashes.iter().all(own) {
                // Running it again on the same heads would be answered in the same way.
                self.distrust(disk, intent.document)?;
                intent.send_after = intent.send_after.max(now.after(REFETCH_WAIT));
            }
            self.run_again(disk, intent)?;
        }
        Ok(())
    }

    /// Leaves intents to their author. Their changes stay in the lineage until it is settled, since in-flight ones may
    /// build on them.
    pub(super) fn need_attention(
        &mut self,
        disk: &mut dyn Storage,
        group: Vec<IntentRecord>,
        why: &Attention,
    ) -> Result<(), SessionError> {
        for mut intent in group {
            intent.state = IntentState::NeedsAttention(why.clone());
            disk.update_intent(&intent)?;
            self.workspace.touch(intent.document);
        }
        self.unsettled = true;
        Ok(())
    }

    /// R17: the documents that only the refused group made are gone, whatever else was written in them keeps its text.
    fn needs_access(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        group: Vec<IntentRecord>,
    ) -> Result<(), SessionError> {
        let documents: Vec<DocumentId> = group.iter().map(|intent| intent.document).collect();
        self.need_attention(disk, group, &Attention::NeedsAccess)?;
        for id in documents {
            if disk.document(id)?.is_some_and(|document| !document.confirmed) {
                let others = disk.open_intents_of(id)?;
                self.need_attention(disk, others, &Attention::NeedsAccess)?;
                keep_draft(now, disk, id, Attention::NeedsAccess)?;
                self.drop_document(disk, id)?;
            }
        }
        Ok(())
    }

    /// Removes a document; the intents in it that need attention keep everything but their change.
    pub(super) fn drop_document(&mut self, disk: &mut dyn Storage, id: DocumentId) -> Result<(), SessionError> {
        for mut intent in disk.attention()? {
            if intent.document == id && !intent.change.is_empty() {
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
            }
        }
        self.wants.remove(&id);
        self.records.remove(id);
        self.workspace.remove(disk, id)
    }

    /// Somebody else's contact or conversation takes the place of this device's own: every intent goes there, nothing
    /// stays under the old id.
    pub(super) fn substitute(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        to: &BTreeMap<DocumentId, DocumentId>,
    ) -> Result<(), SessionError> {
        let mut intents = disk.open_intents()?;
        intents.extend(disk.attention()?);
        let moves = |intent: &IntentRecord| to.get(&intent.document).is_some_and(|to| *to != intent.document);
        // Somebody else created the contact: completing it there is a thing of its own, on which nothing else depends.
        let parted = intents.iter().filter(|intent| moves(intent) && matches!(intent.verb, Verb::CreateContact(_)));
        let parted: BTreeSet<IntentId> = parted.map(|intent| intent.group).collect();
        for mut intent in intents {
            let moved = to.get(&intent.document).copied().filter(|to| *to != intent.document);
            let renamed = rename_contact(&mut intent.verb, to);
            if moved.is_none() && !renamed {
                continue;
            }
            self.workspace.restage(intent.document);
            if parted.contains(&intent.group) {
                intent.group = intent.id;
            }
            intent.document = moved.unwrap_or(intent.document);
            let document = intent.document;
            let waits = moved.is_some() && disk.document_kind(document)?.is_none();
            intent.state = match intent.state {
                state @ (IntentState::NeedsAttention(_) | IntentState::WaitsFor { .. }) if moved.is_none() => state,
                state @ IntentState::NeedsAttention(_) => state,
                _ if waits => IntentState::WaitsFor { document },
                _ => IntentState::Pending,
            };
            forget_change(&mut intent);
            disk.update_intent(&intent)?;
        }
        for (from, to) in to.iter().filter(|(from, to)| from != to) {
            move_draft(now, disk, *from, *to)?;
            if disk.document_kind(*to)?.is_none() {
                self.wants.entry(*to).or_insert(false);
            } else {
                self.workspace.touch(*to);
            }
            self.drop_document(disk, *from)?;
        }
        self.unsettled = true;
        Ok(())
    }
}

/// Whether a document of a group left the device while the group was in flight.
fn evicted(disk: &dyn Storage, group: &[IntentRecord]) -> Result<bool, SessionError> {
    for intent in group {
        if disk.document_kind(intent.document)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the change out of an intent: it is to be authored anew, or never.
pub(super) fn forget_change(intent: &mut IntentRecord) {
    intent.change = Vec::new();
    intent.hash = [0; 32];
}

fn rename_contact(verb: &mut Verb, to: &BTreeMap<DocumentId, DocumentId>) -> bool {
    match verb {
        Verb::StartConversation { contact, .. } => match to.get(contact) {
            Some(to) if to != contact => {
                *contact = *to;
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// The draft of a document that goes is typed text: unless the relay has it, it is left to its author as a reply that was
/// not sent.
pub(super) fn keep_draft(
    now: Timestamp,
    disk: &mut dyn Storage,
    document: DocumentId,
    why: Attention,
) -> Result<(), SessionError> {
    let Some(draft) = disk.register(RegisterKey::Draft(document))? else { return Ok(()) };
    let RegisterContent::Text(text) = draft.content else { return Ok(()) };
    if text.trim().is_empty() || draft.stored_version >= draft.version {
        return Ok(());
    }
    let digest = Sha256::new()
        .chain_update(b"draft")
        .chain_update(document.0)
        .chain_update(draft.version.to_be_bytes())
        .chain_update(now.millis().to_be_bytes())
        .finalize();
    let mut id = [0u8; 16];
    id.copy_from_slice(&digest[..16]);
    let id = IntentId(id);
    disk.insert_intent(&IntentRecord {
        id,
        document,
        kind: Kind::Conversation,
        group: id,
        position: 0,
        verb: Verb::Reply { text },
        seen: 0,
        created: now,
        send_after: now,
        change: Vec::new(),
        hash: [0; 32],
        state: IntentState::NeedsAttention(why),
        natural_key: None,
        reoffered: false,
    })?;
    Ok(())
}

/// A draft follows its conversation; what was typed there before stays in front of it.
fn move_draft(now: Timestamp, disk: &mut dyn Storage, from: DocumentId, to: DocumentId) -> Result<(), SessionError> {
    let text = |register: Option<StoredRegister>| match register.map(|register| register.content) {
        Some(RegisterContent::Text(text)) => text,
        _ => String::new(),
    };
    let moved = text(disk.register(RegisterKey::Draft(from))?);
    if moved.is_empty() {
        return Ok(());
    }
    let there = disk.register(RegisterKey::Draft(to))?;
    let (version, stored_version) = there.as_ref().map_or((0, 0), |there| (there.version, there.stored_version));
    let there = text(there);
    let joined = if there.is_empty() { moved } else { format!("{there}\n{moved}") };
    let register = StoredRegister {
        content: RegisterContent::Text(joined),
        version: version + 1,
        stored_version,
        send_after: now,
    };
    disk.put_register(RegisterKey::Draft(to), &register)?;
    Ok(())
}
