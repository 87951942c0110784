//! Administrative acts. They work on the database file itself, while the relay runs or not: its writer notices another
//! process' commit and tells the live streams. Every act leaves a row in the audit trail (R40), in the same transaction.
//!
//! - [`workspace`], [`member`], [`role`], [`settings`]: what a company consists of. Edits are changes of the directory and
//!   the settings documents, authored by the relay, so that devices learn them as they learn everything.
//! - [`set_up`]: queues, canned responses, hours, engagements, automations: the rest of the settings.
//! - [`automation`]: the secret that events are signed with, and running an automation by hand.
//! - [`device`]: enrolled devices, their codes, their revocation.
//! - [`backup`], [`restore`]: copies of the database, and a relay's life after one was put back.
//! - [`transfer`]: a whole workspace as lines of JSON, out and in.
//! - [`quarantine`], [`audit`]: what was refused, what was done.
//! - [`name`]: how people name a thing.

pub mod audit;
pub mod automation;
pub mod backup;
pub mod device;
pub mod member;
pub mod name;
pub mod quarantine;
pub mod restore;
pub mod role;
pub mod set_up;
pub mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(crate) mod tests;
pub mod transfer;
pub mod workspace;

use offdesk_core::{model::Refusal, phone::InvalidPhone, time::Timestamp};
use rand::Rng;

use crate::{auth::code::CodeError, store::StoreError};

/// An administrative act was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is called so.
    #[error("there is no {what} '{typed}'; {known}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// How it was named.
        typed: String,
        /// What there is instead, as a sentence.
        known: String,
    },
    /// Several things are called so.
    #[error("'{typed}' can mean several {what}s: {candidates}; write more of the name, or the id")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// How it was named.
        typed: String,
        /// Those that it can mean.
        candidates: String,
    },
    /// A phone number is none.
    #[error(transparent)]
    Phone(#[from] InvalidPhone),
    /// A number belongs to another workspace.
    #[error("{0} belongs to another workspace; take it from there first (`admin settings set --remove-number`)")]
    NumberTaken(String),
    /// R1: nobody could administer the workspace any more.
    #[error(
        "this would leave the workspace without an active Administrator; make somebody else one first (`admin member set-role`)"
    )]
    LastAdministrator,
    /// A name that is needed is empty, too long or taken.
    #[error("{0}")]
    Name(String),
    /// A setting can't be so.
    #[error("{}", .0.reason)]
    Setting(Refusal),
    /// No code can be made.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// A backup or restore failed.
    #[error(transparent)]
    Copy(#[from] backup::CopyError),
    /// An export can't be written, or an import read.
    #[error("the file can't be read or written: {0}")]
    Transfer(std::io::Error),
    /// A line of an import can't be taken.
    #[error("line {line}: {why}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// Why.
        why: String,
    },
    /// There is nothing to do.
    #[error("{0}")]
    NothingToDo(String),
}

impl From<rusqlite::Error> for AdminError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Who acts, when, with which randomness.
pub struct Actor<'a> {
    /// The relay's time.
    pub now: Timestamp,
    /// Where ids come from.
    pub rng: &'a mut dyn Rng,
    /// Who acts, for the audit trail.
    pub who: &'a str,
}

impl std::fmt::Debug for Actor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("who", &self.who).finish()
    }
}
