//! What can go wrong for the caller of a device. Every text says what to do next.

use crate::{
    alerts::quiet::InvalidQuietHours,
    ids::{AlertId, ContactId, ConversationId, IntentId, MemberId, MessageId},
    intents::VerbError,
    model::DocumentError,
    phone::InvalidPhone,
    protocol::{CodecError, Problem},
    sync::{
        session::{End, SessionError},
        storage::StorageError,
    },
};

/// A call on a device failed. Nothing was changed unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database holds no device yet.
    #[error("this device is not enrolled: enrol it with a code from an administrator or from another device of yours")]
    NotEnrolled,
    /// The database holds a device already.
    #[error("this database belongs to an enrolled device: open it, or wipe it before enrolling anew")]
    AlreadyEnrolled,
    /// The key is not this database's.
    #[error("the key does not open this database: use the key that it was created with")]
    WrongKey,
    /// R9: too long without contact with the relay.
    #[error("this device was out of contact for too long and has locked its data: connect it to unlock")]
    Locked,
    /// R10: the device was revoked or its member deactivated.
    #[error("this device's access was ended by an administrator")]
    Revoked,
    /// This store is a copy of another device's.
    #[error("this database is a copy of another device's: enrol it anew to send; what waits in it is kept")]
    Clone,
    /// No such conversation on this device.
    #[error("there is no conversation {0} on this device")]
    UnknownConversation(ConversationId),
    /// No such contact on this device.
    #[error("there is no contact {0} on this device")]
    UnknownContact(ContactId),
    /// No such member in the workspace.
    #[error("there is no member {0} in this workspace")]
    UnknownMember(MemberId),
    /// No such intent waits on this device.
    #[error("nothing of this device waits under {0}")]
    UnknownIntent(IntentId),
    /// No such message in the conversation.
    #[error("there is no message {0} in this conversation")]
    UnknownMessage(MessageId),
    /// No such saved filter of this member.
    #[error("there is no saved filter {0}")]
    UnknownFilter(IntentId),
    /// Not a name for a filter.
    #[error("a filter needs a name of 1 to 60 characters")]
    FilterName,
    /// The member has as many saved filters as are kept.
    #[error("you have 200 saved filters: delete one first")]
    TooManyFilters,
    /// The intent is on its way or has arrived.
    #[error("too late: it is already on its way")]
    TooLate,
    /// R8: the member can't be assigned.
    #[error("{name} can't be assigned: they have no access to the dashboard")]
    NotEligible {
        /// The member's name.
        name: String,
    },
    /// The member's role doesn't allow it.
    #[error("{reason}")]
    Forbidden {
        /// Why, in words for people.
        reason: String,
    },
    /// The verb can't be run as asked.
    #[error(transparent)]
    Verb(VerbError),
    /// Not a phone number.
    #[error(transparent)]
    InvalidPhone(#[from] InvalidPhone),
    /// No such alert on this device.
    #[error("this device knows of no alert {0}")]
    UnknownAlert(AlertId),
    /// These are no quiet hours.
    #[error(transparent)]
    QuietHours(#[from] InvalidQuietHours),
    /// The relay refused the enrolment, in its own words.
    #[error("{}{}", .0.title, .0.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Enrolment(Problem),
    /// The relay's address can't be used.
    #[error("'{0}' is no address of a relay: expected something like https://relay.example.com")]
    InvalidRelay(String),
    /// The relay can't be reached.
    #[error("the relay can't be reached ({0}): what was done here is saved and goes out later")]
    Offline(String),
    /// The time given was not enough. What was received until then is kept.
    #[error("the time was not enough: what came until then is kept, and the next sync goes on from there")]
    Deadline,
    /// The relay doesn't know this device's credential (any more).
    #[error("the relay refuses this device: enrol it anew")]
    Unauthorized,
    /// The relay answered with an error.
    #[error("the relay answered {status} {title}: try again later")]
    Relay {
        /// The HTTP status.
        status: u16,
        /// What it said.
        title: String,
    },
    /// The relay's words can't be understood.
    #[error("the relay's answer can't be read ({0}): update the app, or try again")]
    Protocol(String),
    /// The disk.
    #[error(transparent)]
    Storage(StorageError),
    /// Only the app can bring this device up to date: it was updated, or too much was missed for a puller.
    #[error("the app has to be opened first: only it can bring this device up to date")]
    AppNeeded,
    /// The device is paused.
    #[error("this device is paused: resume it first")]
    Paused,
    /// The device is closed, or its data was wiped.
    #[error("this device is closed: open it again")]
    Closed,
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::WrongKey => Error::WrongKey,
            other => Error::Storage(other),
        }
    }
}

impl From<VerbError> for Error {
    fn from(error: VerbError) -> Self {
        match error {
            VerbError::InvalidPhone(error) => Error::InvalidPhone(error),
            other => Error::Verb(other),
        }
    }
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Self {
        Error::Protocol(error.to_string())
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        Error::Storage(StorageError::Corrupt(error.to_string()))
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Storage(error) => error.into(),
            SessionError::Document(error) => error.into(),
            SessionError::NotEnrolled => Error::NotEnrolled,
            SessionError::Protocol(what) => Error::Protocol(what.to_owned()),
        }
    }
}

impl From<End> for Error {
    fn from(end: End) -> Self {
        match end {
            End::Finished => Error::Protocol("the answer ended early".into()),
            End::Broken(why) => Error::Offline(why),
            End::Unauthorized => Error::Unauthorized,
            End::Refused { status, .. } => Error::Relay { status, title: reason(status).into() },
        }
    }
}

fn reason(status: u16) -> &'static str {
    reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

impl Error {
    /// The kind of error without its words, which may hold names: for diagnostics.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Error::Locked => "locked",
            Error::Revoked => "revoked",
            Error::Paused => "paused",
            Error::Closed => "closed",
            Error::WrongKey => "wrong_key",
            Error::Storage(StorageError::Full) => "disk_full",
            Error::Storage(StorageError::Busy) => "busy",
            Error::Storage(StorageError::Corrupt(_)) => "corrupt",
            Error::Storage(StorageError::Newer { .. }) => "newer_database",
            Error::Storage(_) => "storage",
            _ => "other",
        }
    }
}
