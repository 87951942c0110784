//! What a member does (R26). Every call is durable when it returns, with or without a network.
//!
//! [`messages`]: what is said; [`triage`]: what conversations are sorted by, one or many at once; [`contacts`];
//! [`administration`]: what an Administrator sets up.

mod administration;
mod contacts;
mod messages;
mod triage;

use rand::Rng;

use super::{Offdesk, error::Error};
use crate::{
    ids::{ConversationId, DocumentId, IntentId},
    intents::{Verb, VerbError},
    model::RefusalCode,
    store::SqliteStorage,
    sync::{Session, Submission, SubmitError, storage::Storage},
    time::Timestamp,
};

pub use messages::Started;
pub use triage::Outcomes;

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::NotEnrolled => Error::NotEnrolled,
            SubmitError::Revoked => Error::Revoked,
            SubmitError::Empty | SubmitError::UnknownDocument(_) => Error::Verb(VerbError::WrongDocument),
            SubmitError::UnknownIntent(id) => Error::UnknownIntent(id),
            SubmitError::UnknownAlert(_) => Error::Verb(VerbError::NothingToDo),
            SubmitError::TooLate | SubmitError::NoAttentionNeeded => Error::TooLate,
            SubmitError::Verb(error) => error.into(),
            SubmitError::Refused(refusal) if refusal.code == RefusalCode::NotEligible => {
                Error::NotEligible { name: "this member".into() }
            }
            SubmitError::Refused(refusal) => Error::Forbidden { reason: refusal.reason.into_owned() },
            SubmitError::Storage(error) => error.into(),
            SubmitError::Document(error) => error.into(),
        }
    }
}

impl Offdesk {
    /// Takes back something that has not left yet.
    ///
    /// # Errors
    /// [`Error::TooLate`] once it is on its way, [`Error::UnknownIntent`].
    pub fn undo(&self, intent: IntentId) -> Result<(), Error> {
        self.engine().local(|session, now, rng, disk| Ok(session.undo(now, rng, disk, intent)?))
    }

    /// Drops an intent that needs attention, its text with it.
    ///
    /// # Errors
    /// [`Error::TooLate`] if it doesn't need attention, [`Error::UnknownIntent`].
    pub fn discard(&self, intent: IntentId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| Ok(session.discard(now, disk, intent)?))
    }

    /// Runs an intent that needs attention again, as a new one.
    ///
    /// # Errors
    /// As the verb itself; [`Error::TooLate`] if it doesn't need attention, [`Error::UnknownIntent`].
    pub fn retry(&self, intent: IntentId) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| Ok(session.retry(now, rng, disk, intent)?))
    }

    fn verb(&self, conversation: ConversationId, verb: Verb) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| submit(session, now, rng, disk, conversation, verb))
    }
}

fn submit(
    session: &mut Session,
    now: Timestamp,
    rng: &mut dyn Rng,
    disk: &mut SqliteStorage<'_>,
    conversation: ConversationId,
    verb: Verb,
) -> Result<IntentId, Error> {
    let document = find(disk, conversation)?;
    first(&session.submit(now, rng, disk, Submission::one(document, verb))?)
}

pub(super) fn find(disk: &SqliteStorage<'_>, conversation: ConversationId) -> Result<DocumentId, Error> {
    disk.document_of(conversation)?.ok_or(Error::UnknownConversation(conversation))
}

fn first(intents: &[IntentId]) -> Result<IntentId, Error> {
    intents.first().copied().ok_or(Error::Verb(VerbError::NothingToDo))
}
