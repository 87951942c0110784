//! Local commands: from what a member asks for to a durable intent.
//!
//! A submission is authored on the optimistic document, one change for each intent, written together with its record and
//! projected: when the command returns and the driver has committed, it is "saved on device". What the device can know to
//! be refused is refused at once; the relay judges everything again when it gets it.

use std::collections::BTreeMap;

use rand::Rng;

use crate::{
    ids::{AlertId, DocumentId, IntentId, MemberId},
    intents::{Author, Verb, VerbError},
    model::{Action, Contact, Directory, DocumentError, Kind, Refusal, Settings},
    policy::{
        Access, After, ConversationFacts, Visibility, judge_contact, judge_conversation, judge_registers,
        set_up::looks_like_a_zone,
    },
    protocol::Fact,
    sync::{
        rebase::{actions, author_change, is_blank},
        seen::{fill_in, held, message_order},
        session::{Outgoing, Session, SessionError},
        storage::{IntentRecord, IntentState, NaturalKey, Storage, StorageError},
        verdict::forget_change,
    },
    time::Timestamp,
};

/// One intent of a [`Submission`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The document that it changes. For a verb that creates one ([`Verb::StartConversation`], [`Verb::CreateContact`]),
    /// a fresh id.
    pub document: DocumentId,
    /// What is asked for. What its author has seen ([`Verb::Unassign`], [`Verb::Close`], [`Verb::Reopen`]) is filled in
    /// from the document if it is left empty.
    pub verb: Verb,
    /// By what to find the document after a restore; filled in from the read model if left empty.
    pub natural_key: Option<NaturalKey>,
}

/// Intents with one outcome: all of them are accepted, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// In order; a later one may build on what an earlier one creates.
    pub parts: Vec<Part>,
}

impl Submission {
    /// A single intent.
    pub fn one(document: DocumentId, verb: Verb) -> Self {
        Self { parts: vec![Part { document, verb, natural_key: None }] }
    }
}

/// A local command can't be done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// This device is not enrolled.
    #[error("this device is not enrolled: enrol it with a code from an administrator")]
    NotEnrolled,
    /// This device's access was ended (R10).
    #[error("this device was revoked: enrol it anew")]
    Revoked,
    /// A submission needs at least one intent.
    #[error("nothing was asked for")]
    Empty,
    /// The document is not on this device.
    #[error("there is no document {0} on this device")]
    UnknownDocument(DocumentId),
    /// No such intent.
    #[error("there is no intent {0} on this device")]
    UnknownIntent(IntentId),
    /// No such alert.
    #[error("there is no alert {0} on this device")]
    UnknownAlert(AlertId),
    /// The intent is on its way or accepted: it can't be undone any more.
    #[error("too late: it is on its way")]
    TooLate,
    /// The intent is not one that needs attention.
    #[error("this intent needs no attention: it is still being delivered, or was")]
    NoAttentionNeeded,
    /// The verb can't be run here.
    #[error(transparent)]
    Verb(#[from] VerbError),
    /// The relay would refuse it, as far as this device can know.
    #[error("{}", .0.reason)]
    Refused(Refusal),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A document can't be read or authored.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl From<SessionError> for SubmitError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Storage(error) => Self::Storage(error),
            SessionError::Document(error) => Self::Document(error),
            SessionError::NotEnrolled => Self::NotEnrolled,
            SessionError::Protocol(what) => Self::Document(DocumentError::Unreadable(what.into())),
        }
    }
}

/// Local commands. Each runs inside a transaction of the driver, who commits on `Ok` and then hands in
/// [`crate::sync::session::Event::Written`]; on an error the driver rolls back (the session has then forgotten what it had
/// loaded, and needs no [`Session::forget`]).
impl Session {
    /// Makes intents durable and shows their effect. Returns the ids, in order.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing is then changed.
    pub fn submit(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        submission: Submission,
    ) -> Result<Vec<IntentId>, SubmitError> {
        self.command(disk, |session, disk, me| session.author_all(now, rng, disk, me, submission))
    }

    /// Runs a verb on many documents: what can't be done on one hinders none of the others. Returns for each the intent, or
    /// why not, in order.
    ///
    /// # Errors
    /// [`SubmitError`] if the disk fails; nothing is then changed.
    pub fn submit_each(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        documents: &[DocumentId],
        verb: &Verb,
    ) -> Result<Vec<Result<IntentId, SubmitError>>, SubmitError> {
        self.command(disk, |session, disk, me| {
            let mut outcomes = Vec::with_capacity(documents.len());
            for document in documents {
                // A refusal comes before anything is written of the intent.
                match session.author_all(now, rng, disk, me, Submission::one(*document, verb.clone())) {
                    Ok(intents) => outcomes.push(intents.first().copied().ok_or(SubmitError::Empty)),
                    Err(error @ (SubmitError::Storage(_) | SubmitError::Document(_))) => return Err(error),
                    Err(error) => outcomes.push(Err(error)),
                }
            }
            Ok(outcomes)
        })
    }

    /// Takes back an intent, with its group, that has not been sent yet. What was written after it is authored anew.
    ///
    /// # Errors
    /// [`SubmitError::TooLate`] once it is in flight; [`SubmitError::UnknownIntent`].
    pub fn undo(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        intent: IntentId,
    ) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            let record = disk.intent(intent)?.ok_or(SubmitError::UnknownIntent(intent))?;
            let mut group = disk.open_intents()?;
            group.retain(|other| other.group == record.group);
            let sent = |other: &IntentRecord| matches!(other.state, IntentState::InFlight { .. }) || other.reoffered;
            if !group.iter().any(|other| other.id == intent) || group.iter().any(sent) {
                return Err(SubmitError::TooLate);
            }
            session.take_out(now, rng, disk, &group)
        })
    }

    /// Drops an intent that needs attention, with its group.
    ///
    /// # Errors
    /// [`SubmitError::NoAttentionNeeded`], [`SubmitError::UnknownIntent`].
    pub fn discard(&mut self, _now: Timestamp, disk: &mut dyn Storage, intent: IntentId) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            let group = attention_group(disk, intent)?;
            session.take_out_refused(disk, &group)
        })
    }

    /// Runs an intent that needs attention again, with its group, as new intents. Returns the id that takes its place.
    ///
    /// # Errors
    /// As [`Session::submit`], and [`SubmitError::NoAttentionNeeded`], [`SubmitError::UnknownIntent`].
    pub fn retry(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        intent: IntentId,
    ) -> Result<IntentId, SubmitError> {
        self.command(disk, |session, disk, me| {
            let group = attention_group(disk, intent)?;
            session.take_out_refused(disk, &group)?;
            let at = group.iter().position(|record| record.id == intent).unwrap_or(0);
            let part = |record: IntentRecord| Part {
                document: record.document,
                verb: record.verb,
                natural_key: record.natural_key,
            };
            let submission = Submission { parts: group.into_iter().map(part).collect() };
            let ids = session.author_all(now, rng, disk, me, submission)?;
            ids.get(at).copied().ok_or(SubmitError::Empty)
        })
    }

    /// Asks the relay for documents by name: records that a member opens (R7). They come with the next request.
    pub fn fetch(&mut self, documents: &[DocumentId]) {
        for id in documents {
            self.wants.entry(*id).or_insert(false);
        }
    }

    /// Runs a command and projects what it touched.
    pub(super) fn command<T>(
        &mut self,
        disk: &mut dyn Storage,
        run: impl FnOnce(&mut Self, &mut dyn Storage, MemberId) -> Result<T, SubmitError>,
    ) -> Result<T, SubmitError> {
        if disk.state()?.is_some_and(|state| state.revoked) {
            return Err(SubmitError::Revoked);
        }
        let me = disk.identity()?.ok_or(SubmitError::NotEnrolled)?.member;
        let result = run(self, disk, me).and_then(|value| {
            self.workspace.flush(disk, me)?;
            Ok(value)
        });
        if result.is_err() {
            // The driver rolls back: what is loaded may hold what was authored.
            self.workspace.clear();
        }
        self.outgoing = Outgoing::Unknown;
        self.changed = true;
        result
    }

    fn author_all(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        me: MemberId,
        submission: Submission,
    ) -> Result<Vec<IntentId>, SubmitError> {
        if submission.parts.is_empty() {
            return Err(SubmitError::Empty);
        }
        let sends = submission.parts.iter().any(|part| part.verb.sends());
        let send_after = if sends { now.after(self.options.undo_window) } else { now };
        let keys: BTreeMap<DocumentId, NaturalKey> = submission.parts.iter().filter_map(created_key).collect();
        let ids: Vec<IntentId> = submission.parts.iter().map(|_| IntentId::generate(now, rng)).collect();
        for (part, id) in submission.parts.into_iter().zip(&ids) {
            let record = IntentRecord {
                id: *id,
                document: part.document,
                kind: part.verb.kind(),
                group: ids[0],
                position: 0,
                verb: part.verb,
                seen: 0,
                created: now,
                send_after,
                change: Vec::new(),
                hash: [0; 32],
                state: IntentState::Pending,
                natural_key: part.natural_key,
                reoffered: false,
            };
            self.author_one(now, disk, me, record, &keys)?;
        }
        Ok(ids)
    }

    fn author_one(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        me: MemberId,
        mut record: IntentRecord,
        keys: &BTreeMap<DocumentId, NaturalKey>,
    ) -> Result<(), SubmitError> {
        let id = record.document;
        if disk.document_kind(id)?.is_none() {
            let visibility = match &record.verb {
                Verb::CreateContact(_) => Visibility::DASHBOARD,
                Verb::StartConversation { .. } => self.visibility_of_new(disk, me)?,
                _ => return Err(SubmitError::UnknownDocument(id)),
            };
            self.workspace.create(disk, id, record.kind, visibility)?;
        }
        let facts = disk.facts(id)?;
        record.seen = facts.iter().filter_map(message_order).max().unwrap_or(0);
        let actions = self.judge(now, disk, me, &mut record, &facts)?;
        if record.natural_key.is_none() {
            record.natural_key = self.natural_key(disk, &record, keys)?;
        }
        let actor = match self.workspace.lineage_actor(disk, id)? {
            Some(actor) => actor,
            None => {
                // The intent's own id, which is as random and has no other lineage; whoever gets the change knows it already.
                let actor = record.id.0;
                self.workspace.set_actor(disk, id, Some(actor))?;
                actor
            }
        };
        let loaded = self.workspace.built(disk, id)?.ok_or(SubmitError::UnknownDocument(id))?;
        loaded.author(&actions, |document| author_change(document, actor, &mut record, &actions))??;
        disk.insert_intent(&record)?;
        self.workspace.touch(id);
        Ok(())
    }

    /// How a conversation that this device starts is visible to its author, until the relay says so.
    fn visibility_of_new(&mut self, disk: &dyn Storage, me: MemberId) -> Result<Visibility, SubmitError> {
        let directory = self.workspace.directory(disk)?;
        let visibility =
            Access::of(&directory, me).map_or(Visibility::DASHBOARD, |access| access.conversation(true, false));
        Ok(if visibility.any() { visibility } else { Visibility::RECORD })
    }

    /// What the record's verb means. Fills in what its author has seen, and refuses early what the relay would refuse as
    /// far as this device can know.
    fn judge(
        &mut self,
        now: Timestamp,
        disk: &dyn Storage,
        me: MemberId,
        record: &mut IntentRecord,
        facts: &[Fact],
    ) -> Result<Vec<Action>, SubmitError> {
        let id = record.document;
        let directory = self.workspace.directory(disk)?;
        let settings = self.workspace.settings(disk)?;
        let assignable = Access::of(&directory, me).is_none_or(|access| access.assignable());
        let author = Author { member: me, intent: record.id, at: now, assignable };
        let conversation = self.workspace.conversation(disk, id)?;
        let conversation = conversation.as_deref();
        if let Some(conversation) = conversation {
            fill_in(&mut record.verb, conversation, facts);
        }
        let document = self.workspace.optimistic(disk, id)?.ok_or(SubmitError::UnknownDocument(id))?;
        let actions = actions(document, conversation, id, &author, record)?;
        let Some(access) = Access::of(&directory, me) else {
            // Before the first sync nobody is known here: the relay judges alone.
            return Ok(actions);
        };
        let allowed = match document.kind() {
            Kind::Contact => {
                let before = Contact::read(id, document).filter(|_| !is_blank(document));
                judge_contact(&access, &actions, before.as_ref(), &directory)
            }
            Kind::Conversation => {
                let Some(settings) = settings else { return Ok(actions) };
                let facts = ConversationFacts {
                    conversation,
                    held: conversation.map(|conversation| held(conversation, facts)).unwrap_or_default(),
                    directory: &directory,
                    numbers: &settings.numbers,
                    queues: &settings.queues,
                    held_author_only: settings.held_author_only,
                    now,
                };
                judge_conversation(&access, &actions, &facts)
            }
            Kind::Directory | Kind::Settings => {
                let mut after = document.clone();
                author_change(&mut after, record.id.0, record, &actions)??;
                let none = Settings::default();
                let settings = settings.as_deref().unwrap_or(&none);
                let (read_directory, read_settings);
                let (directory, settings) = if after.kind() == Kind::Directory {
                    read_directory = Directory::read(&after);
                    (&read_directory, settings)
                } else {
                    read_settings = Settings::read(&after);
                    (&*directory, &read_settings)
                };
                // Which time zones there are, only the relay knows.
                judge_registers(&access, &actions, &After { directory, settings, known_zone: &looks_like_a_zone })
            }
        };
        allowed.map(|()| actions).map_err(SubmitError::Refused)
    }

    /// By what to find the document again after a restore.
    fn natural_key(
        &mut self,
        disk: &dyn Storage,
        record: &IntentRecord,
        created: &BTreeMap<DocumentId, NaturalKey>,
    ) -> Result<Option<NaturalKey>, SubmitError> {
        let (contact, channel) = match (&record.verb, record.kind) {
            (Verb::StartConversation { contact, channel, .. }, _) => (*contact, Some(channel.clone())),
            (_, Kind::Contact) => (record.document, None),
            _ => match self.workspace.conversation(disk, record.document)? {
                Some(conversation) => (conversation.contact, Some(conversation.channel.clone())),
                None => return Ok(None),
            },
        };
        let known = match created.get(&contact) {
            Some(key) => Some((key.phone.clone(), key.name.clone())),
            None => disk.contact_row(contact)?.and_then(|row| Some((row.phones.first()?.clone(), row.name))),
        };
        Ok(known.map(|(phone, name)| NaturalKey { phone, name, channel }))
    }

    /// Takes pending intents out of the outbox. What was written after them in the same documents is run again without
    /// them, under a fresh actor: their (actor, seq) is used up, sent or not.
    fn take_out(
        &mut self,
        now: Timestamp,
        rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        group: &[IntentRecord],
    ) -> Result<(), SubmitError> {
        let mut documents: BTreeMap<DocumentId, u64> = BTreeMap::new();
        for intent in group {
            let from = documents.entry(intent.document).or_insert(intent.position);
            *from = (*from).min(intent.position);
            disk.remove_intent(intent.id)?;
        }
        for (document, from) in documents {
            self.workspace.restage(document);
            self.workspace.forget_actor(disk, document)?;
            let open = disk.open_intents_of(document)?;
            let in_flight = |intent: &IntentRecord| matches!(intent.state, IntentState::InFlight { .. });
            let void =
                open.iter().any(|intent| intent.change.is_empty() || (intent.position > from && in_flight(intent)));
            let refused = disk.attention()?.iter().any(|other| other.document == document && !other.change.is_empty());
            if void || refused {
                // The document is to be settled as a whole, once nothing of it is in flight.
                self.void_after(disk, document, from)?;
            } else {
                self.rerun(now, rng, disk, document, from)?;
            }
        }
        Ok(())
    }

    /// Takes refused intents out. Only where their changes are still part of a lineage is there anything to run again.
    fn take_out_refused(&mut self, disk: &mut dyn Storage, group: &[IntentRecord]) -> Result<(), SubmitError> {
        for intent in group {
            disk.remove_intent(intent.id)?;
            self.workspace.touch(intent.document);
            if !intent.change.is_empty() {
                self.workspace.restage(intent.document);
                self.workspace.forget_actor(disk, intent.document)?;
                self.void_after(disk, intent.document, intent.position)?;
            }
        }
        Ok(())
    }

    fn void_after(&mut self, disk: &mut dyn Storage, document: DocumentId, position: u64) -> Result<(), SubmitError> {
        for mut intent in disk.open_intents_of(document)? {
            if intent.position > position && intent.state == IntentState::Pending {
                forget_change(&mut intent);
                disk.update_intent(&intent)?;
            }
        }
        self.unsettled = true;
        Ok(())
    }
}

/// The intents that need attention together with this one, in order.
fn attention_group(disk: &dyn Storage, intent: IntentId) -> Result<Vec<IntentRecord>, SubmitError> {
    let record = disk.intent(intent)?.ok_or(SubmitError::UnknownIntent(intent))?;
    if !matches!(record.state, IntentState::NeedsAttention(_)) {
        return Err(SubmitError::NoAttentionNeeded);
    }
    let mut group = disk.attention()?;
    group.retain(|other| other.group == record.group);
    Ok(group)
}

/// The natural key of a contact that the submission itself creates.
fn created_key(part: &Part) -> Option<(DocumentId, NaturalKey)> {
    let Verb::CreateContact(new) = &part.verb else { return None };
    let phone = new.phones.first()?.clone();
    Some((part.document, NaturalKey { phone, name: new.name.clone(), channel: None }))
}
