//! Running intents again.
//!
//! When an own change is refused, or a document turns out to be another one than thought, what was authored on top of it
//! is void. Once nothing of the document is in flight any more, its unaccepted lineage is discarded and every open intent
//! is run again, in order, on what the relay confirmed, under a fresh actor: the discarded changes used up their
//! (actor, seq), and two changes of the same one would brick every replica that sees both.
//!
//! A verb that finds its work done counts as done; one that makes no sense any more goes back to its author, with its
//! whole group, and what was built on that is run again without it.

use std::collections::BTreeSet;

use automerge::ActorId;
use rand::Rng;

use crate::{
    ids::{DocumentId, IntentId, MemberId},
    intents::{Author, State, VerbError},
    model::{Action, Contact, Conversation, Document, DocumentError, Kind, document::intent_of, genesis},
    policy::Access,
    sync::{
        session::{Session, SessionError},
        storage::{Attention, IntentRecord, IntentState, Storage},
        verdict::{forget_change, keep_draft},
    },
    time::Timestamp,
};

/// Settling ends when nothing is left to run again. Each pass sends at least one intent to its author, so more passes
/// than this can't come up by use.
const MOST_PASSES: usize = 1000;

impl Session {
    /// Runs again what has to be, wherever nothing is in flight.
    pub(super) fn settle(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
    ) -> Result<(), SessionError> {
        self.unsettled = false;
        for _ in 0..MOST_PASSES {
            let mut any = false;
            for document in self.dirty(disk)? {
                any |= self.settle_document(now, rng, disk, document)?;
            }
            if !any {
                break;
            }
        }
        Ok(())
    }

    /// The documents whose lineage holds something void, or that hold an intent without a change.
    fn dirty(&mut self, disk: &dyn Storage) -> Result<BTreeSet<DocumentId>, SessionError> {
        let refused = disk.attention()?.into_iter().filter(|intent| !intent.change.is_empty());
        let void = disk.open_intents()?.into_iter().filter(|intent| intent.change.is_empty());
        Ok(refused.chain(void).map(|intent| intent.document).collect())
    }

    fn settle_document(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        document: DocumentId,
    ) -> Result<bool, SessionError> {
        let open = disk.open_intents_of(document)?;
        let held = disk.document_kind(document)?.is_some();
        if open.iter().any(|intent| matches!(intent.state, IntentState::InFlight { .. })) || (!held && !open.is_empty())
        {
            return Ok(false);
        }
        for mut intent in open {
            if matches!(intent.state, IntentState::WaitsFor { .. }) {
                intent.state = IntentState::Pending;
                disk.update_intent(&intent)?;
            }
        }
        for mut intent in disk.attention()? {
            if intent.document == document && !intent.change.is_empty() {
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
            }
        }
        if held {
            self.rerun(now, rng, disk, document, 0)?;
            self.outgoing = super::session::Outgoing::Unknown;
        }
        Ok(true)
    }

    /// Runs the document's pending intents from position `from` on again, on top of what comes before, under a fresh
    /// actor. Nothing from `from` on may be in flight.
    pub(super) fn rerun(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        document: DocumentId,
        from: u64,
    ) -> Result<(), SessionError> {
        let me = disk.identity()?.ok_or(SessionError::NotEnrolled)?.member;
        let assignable = Access::of(&*self.workspace.directory(disk)?, me).is_none_or(|access| access.assignable());
        let open = disk.open_intents_of(document)?;
        let Some(loaded) = self.workspace.load(disk, document)? else { return Ok(()) };
        let (mut base, known) = (loaded.confirmed()?.clone(), loaded.known);
        let (kept, again): (Vec<_>, Vec<_>) = open.into_iter().partition(|intent| intent.position < from);
        for intent in kept.iter().filter(|intent| !intent.change.is_empty()) {
            // In flight under a number that a copy of this store used first: nothing can be built on it, and its verdict, or
            // a new enrolment, will have it run again.
            if let Err(error) = base.apply_bytes(&[&intent.change]) {
                tracing::debug!(intent = %intent.id, %error, "an own change waits to be run again");
            }
        }
        let done =
            if again.iter().any(|intent| intent.change.is_empty()) { authored_in(&base) } else { BTreeSet::new() };
        let fresh = fresh_actor(rng);
        self.workspace.set_actor(disk, document, Some(fresh))?;
        self.workspace.restage(document);
        let mut left = kept.len();
        let mut failed = BTreeSet::new();
        for mut intent in again {
            if failed.contains(&intent.group) {
                continue;
            }
            if done.contains(&intent.id) {
                // It was accepted in an earlier life of the relay or of this device.
                intent.state = IntentState::Accepted { seq: disk.state()?.map_or(0, |state| state.cursor.seq) };
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
                continue;
            }
            match run(&mut base, document, fresh, (me, assignable), &mut intent)? {
                Ok(()) => {
                    intent.state = IntentState::Pending;
                    disk.update_intent(&intent)?;
                    left += 1;
                }
                Err(VerbError::NothingToDo) => disk.remove_intent(intent.id)?,
                Err(error) => {
                    failed.insert(intent.group);
                    self.no_longer_applies(disk, intent, &error)?;
                }
            }
        }
        if left == 0 && !known {
            // What would have made the document is refused or undone: nothing of it stays.
            let reason = "the conversation that it was written in was not started".into();
            keep_draft(now, disk, document, Attention::NoLongerApplies { reason })?;
            self.drop_document(disk, document)?;
        }
        Ok(())
    }

    /// The intent goes back to its author with the rest of its group, which has one outcome.
    fn no_longer_applies(
        &mut self,
        disk: &mut dyn Storage,
        intent: IntentRecord,
        error: &VerbError,
    ) -> Result<(), SessionError> {
        let why = Attention::NoLongerApplies { reason: error.to_string() };
        let (id, group) = (intent.id, intent.group);
        self.need_attention(disk, vec![IntentRecord { change: Vec::new(), hash: [0; 32], ..intent }], &why)?;
        let rest = disk.open_intents()?.into_iter().filter(|other| other.group == group && other.id != id);
        let rest: Vec<IntentRecord> = rest.collect();
        self.need_attention(disk, rest, &why)
    }
}

/// A new actor: 16 random bytes.
fn fresh_actor(rng: &mut dyn Rng) -> [u8; 16] {
    let mut actor = [0u8; 16];
    rng.fill_bytes(&mut actor);
    actor
}

/// The intents whose changes a document holds.
pub(super) fn authored_in(document: &Document) -> BTreeSet<IntentId> {
    document.changes().iter().filter_map(intent_of).collect()
}

/// Runs an intent's verb on a document: authors its change there and keeps it in the record.
///
/// # Errors
/// Inside: what the verb says. Outside: the change can't be authored.
pub(super) fn run(
    on: &mut Document,
    document: DocumentId,
    actor: [u8; 16],
    (member, assignable): (MemberId, bool),
    intent: &mut IntentRecord,
) -> Result<Result<(), VerbError>, SessionError> {
    let author = Author { member, intent: intent.id, at: intent.created, assignable };
    let conversation = Conversation::read(on);
    let actions = match actions(on, conversation.as_ref(), document, &author, intent) {
        Ok(actions) => actions,
        Err(error) => return Ok(Err(error)),
    };
    Ok(author_change(on, actor, intent, &actions)?)
}

/// Authors an intent's actions as one change and keeps it in the record.
///
/// # Errors
/// Inside: the actions change nothing. Outside: the change can't be authored.
pub(super) fn author_change(
    on: &mut Document,
    actor: [u8; 16],
    intent: &mut IntentRecord,
    actions: &[Action],
) -> Result<Result<(), VerbError>, DocumentError> {
    let change = on.author(ActorId::from(actor), intent.id, intent.created, actions)?;
    if intent_of(&change) != Some(intent.id) {
        return Ok(Err(VerbError::NothingToDo));
    }
    intent.change = change.raw_bytes().to_vec();
    intent.hash = change.hash().0;
    Ok(Ok(()))
}

/// Whether a document holds nothing but its genesis.
pub(super) fn is_blank(document: &Document) -> bool {
    document.heads() == [genesis::hash(document.kind())]
}

/// What an intent's verb means on a document, which holds this conversation if it is one's.
pub(super) fn actions(
    on: &Document,
    conversation: Option<&Conversation>,
    document: DocumentId,
    author: &Author,
    intent: &IntentRecord,
) -> Result<Vec<Action>, VerbError> {
    match on.kind() {
        Kind::Conversation => intent.verb.actions(author, State::Conversation(conversation)),
        Kind::Contact => {
            // A document that holds only its genesis is a contact that nobody has created yet.
            let contact = Contact::read(document, on).filter(|_| !is_blank(on));
            intent.verb.actions(author, State::Contact(contact.as_ref()))
        }
        Kind::Directory | Kind::Settings => intent.verb.actions(author, State::SetUp(on)),
    }
}
