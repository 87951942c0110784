//! Local commands: from what a member asks for to a durable intent.

use rand::Rng;

use crate::{
    ids::{AlertId, DocumentId, IntentId},
    intents::{Verb, VerbError},
    model::{DocumentError, Refusal},
    sync::{
        session::{Session, SessionError},
        storage::{NaturalKey, Storage, StorageError},
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
/// [`crate::sync::session::Event::Written`]; on an error the driver rolls back (the session has already forgotten what
/// it had loaded).
impl Session {
    /// Makes intents durable and shows their effect. Returns the ids, in order.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing is then changed.
    pub fn submit(
        &mut self,
        _now: Timestamp,
        _rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        submission: Submission,
    ) -> Result<Vec<IntentId>, SubmitError> {
        disk.identity()?.ok_or(SubmitError::NotEnrolled)?;
        submission
            .parts
            .first()
            .ok_or(SubmitError::Empty)
            .map(|part| Err(SubmitError::UnknownDocument(part.document)))?
    }

    /// Takes back an intent, with its group, that has not been sent yet.
    ///
    /// # Errors
    /// [`SubmitError::TooLate`] once it is in flight; [`SubmitError::UnknownIntent`].
    pub fn undo(
        &mut self,
        _now: Timestamp,
        _rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        intent: IntentId,
    ) -> Result<(), SubmitError> {
        disk.intent(intent)?.ok_or(SubmitError::UnknownIntent(intent)).map(|_| ())
    }

    /// Drops an intent that needs attention, with its group.
    ///
    /// # Errors
    /// [`SubmitError::NoAttentionNeeded`], [`SubmitError::UnknownIntent`].
    pub fn discard(&mut self, _now: Timestamp, disk: &mut dyn Storage, intent: IntentId) -> Result<(), SubmitError> {
        disk.intent(intent)?.ok_or(SubmitError::UnknownIntent(intent)).map(|_| ())
    }

    /// Runs an intent that needs attention again, with its group, as new intents. Returns the id that takes its place.
    ///
    /// # Errors
    /// As [`Session::submit`], and [`SubmitError::NoAttentionNeeded`], [`SubmitError::UnknownIntent`].
    pub fn retry(
        &mut self,
        _now: Timestamp,
        _rng: &mut dyn Rng,
        disk: &mut dyn Storage,
        intent: IntentId,
    ) -> Result<IntentId, SubmitError> {
        disk.intent(intent)?.ok_or(SubmitError::UnknownIntent(intent)).map(|record| record.id)
    }

    /// Marks a conversation read, up to what this device knows of it (R25).
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn mark_read(
        &mut self,
        _now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
    ) -> Result<(), SubmitError> {
        disk.document_kind(document)?.ok_or(SubmitError::UnknownDocument(document)).map(|_| ())
    }

    /// Marks a conversation unread, until it is next read (R25).
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn mark_unread(
        &mut self,
        _now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
    ) -> Result<(), SubmitError> {
        disk.document_kind(document)?.ok_or(SubmitError::UnknownDocument(document)).map(|_| ())
    }

    /// Saves a draft (R27); an empty text removes it.
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn set_draft(
        &mut self,
        _now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
        _text: &str,
    ) -> Result<(), SubmitError> {
        disk.document_kind(document)?.ok_or(SubmitError::UnknownDocument(document)).map(|_| ())
    }

    /// Dismisses an alert (R15).
    ///
    /// # Errors
    /// [`SubmitError::UnknownAlert`].
    pub fn dismiss(&mut self, _now: Timestamp, disk: &mut dyn Storage, alert: AlertId) -> Result<(), SubmitError> {
        disk.document_of_alert(alert)?.ok_or(SubmitError::UnknownAlert(alert)).map(|_| ())
    }

    /// Asks the relay for documents by name: records that a member opens (R7). They come with the next request.
    pub fn fetch(&mut self, _documents: &[DocumentId]) {}

    /// After this store was enrolled as a new device (it was proven a copy): starts over, keeping what was not
    /// delivered. `disk` already holds the new identity and state.
    ///
    /// # Errors
    /// The disk failed.
    pub fn re_enrolled(&mut self, _now: Timestamp, disk: &mut dyn Storage) -> Result<(), SubmitError> {
        disk.identity()?.ok_or(SubmitError::NotEnrolled).map(|_| ())
    }
}
