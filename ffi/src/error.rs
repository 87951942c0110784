//! Why a call failed, as the hosts can act on it. The core's error is mapped here and nowhere else.

use offdesk_core::{engine::Error, intents::VerbError, model::action::MAX_TEXT_BYTES, sync::storage::StorageError};

/// A call failed. Unless a case says otherwise nothing was changed. `toString()` (Kotlin) and `description` (Swift) are
/// sentences that can be shown to people and that say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Display)]
pub enum OffdeskError {
    /// The database holds no device yet: enrol it.
    #[error("this device is not enrolled: enrol it with a code from an administrator or from another device of yours")]
    NotEnrolled,
    /// The database holds a device already: open it, or wipe it first.
    #[error("this database belongs to an enrolled device: open it, or wipe it before enrolling anew")]
    AlreadyEnrolled,
    /// A database key has another length than 32 bytes.
    #[error("a database key has 32 bytes, this one has {bytes}: create one with the system's random numbers")]
    InvalidKey {
        /// The bytes that it has.
        bytes: u64,
    },
    /// The key is not this database's, or the file is no database.
    #[error("the key does not open this database: use the key that it was created with")]
    WrongKey,
    /// The device was out of contact for too long (R9): it unlocks when it reaches the relay.
    #[error("this device was out of contact for too long and has locked its data: connect it to unlock")]
    Locked,
    /// An administrator ended this device's or this member's access (R10); its data is deleted.
    #[error("this device's access was ended by an administrator")]
    Revoked,
    /// The database is a copy of another device's: enrol it anew. What waits in it is kept.
    #[error("this database is a copy of another device's: enrol it anew to send; what waits in it is kept")]
    Copied,
    /// The device is paused: resume it.
    #[error("this device is paused: resume it first")]
    Paused,
    /// The device is closed, or its data was wiped: open it again.
    #[error("this device is closed: open it again")]
    Closed,
    /// A text is no id: ids come from lists and views, and are not made by hand.
    #[error("'{text}' is no id: expected 26 letters and digits as lists and views give them")]
    InvalidId {
        /// Its beginning.
        text: String,
    },
    /// Something is not on this device: it never was, or access to it ended.
    #[error("there is no {thing} {id} on this device")]
    NotFound {
        /// What kind of thing: `conversation`, `contact`, `member`, `intent`, `message`, `filter` or `alert`.
        thing: String,
        /// Its id.
        id: String,
    },
    /// A text is needed.
    #[error("write a text first: a message can't be empty")]
    EmptyText,
    /// The text is too long: shorten it, or send it in parts.
    #[error("the text has {bytes} bytes; at most {limit} can be sent at once: shorten it or send it in parts")]
    TextTooLong {
        /// The bytes that it has.
        bytes: u64,
        /// The most that it may have.
        limit: u64,
    },
    /// Not a phone number.
    #[error("{reason}")]
    InvalidPhone {
        /// What is wrong with it.
        reason: String,
    },
    /// A value has not the form or the length that it needs.
    #[error("{reason}")]
    InvalidValue {
        /// What is wrong with it.
        reason: String,
    },
    /// A time has passed, or lies more than a year ahead.
    #[error("{reason}")]
    InvalidTime {
        /// Which of the two.
        reason: String,
    },
    /// It is so already.
    #[error("nothing to do: it is so already")]
    NothingToDo,
    /// It can't be done in the state that this is in.
    #[error("{reason}")]
    NotPossible {
        /// Why.
        reason: String,
    },
    /// It is on its way, or has arrived.
    #[error("too late: it is already on its way")]
    TooLate,
    /// The member can't be assigned (R8).
    #[error("{name} can't be assigned: they have no access to the dashboard")]
    NotEligible {
        /// Their name.
        name: String,
    },
    /// The member's role doesn't allow it.
    #[error("{reason}")]
    Forbidden {
        /// Why.
        reason: String,
    },
    /// The relay refused the enrolment.
    #[error("{title}{}", detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    EnrolmentRefused {
        /// What happened, in the relay's words.
        title: String,
        /// What to do, in the relay's words.
        detail: Option<String>,
    },
    /// Not an address of a relay.
    #[error("'{address}' is no address of a relay: expected something like https://relay.example.com")]
    InvalidRelay {
        /// What was given.
        address: String,
    },
    /// The relay can't be reached. What was done here is saved and goes out later.
    #[error("the relay can't be reached ({reason}): what was done here is saved and goes out later")]
    Offline {
        /// What the network said.
        reason: String,
    },
    /// The time given was not enough. What came until then is kept.
    #[error("the time was not enough: what came until then is kept, and the next sync goes on from there")]
    Deadline,
    /// The relay doesn't know this device's credential (any more): enrol anew.
    #[error("the relay refuses this device: enrol it anew")]
    Unauthorized,
    /// The relay failed: try again later.
    #[error("the relay answered {status} {title}: try again later")]
    Relay {
        /// The HTTP status.
        status: u16,
        /// What it said.
        title: String,
    },
    /// The relay's words can't be understood: update the app, or try again.
    #[error("the relay's answer can't be read ({reason}): update the app, or try again")]
    Protocol {
        /// What can't be read.
        reason: String,
    },
    /// The disk is full: free some space, and try again.
    #[error("the disk is full: free some space and try again")]
    DiskFull,
    /// Another process holds the database: try again.
    #[error("the database is busy: try again")]
    Busy,
    /// The database was written by a newer version: update the app.
    #[error("the database was written by a newer version of this app: update the app")]
    NewerDatabase,
    /// The database is damaged: enrol anew.
    #[error("the database is damaged ({reason}): enrol this device anew")]
    Damaged {
        /// What is damaged.
        reason: String,
    },
    /// Any other failure of the disk or the system.
    #[error("{reason}")]
    Storage {
        /// What the system said.
        reason: String,
    },
}

impl OffdeskError {
    pub(crate) fn invalid_id(text: &str) -> Self {
        Self::InvalidId { text: text.chars().take(64).collect() }
    }

    fn not_found(thing: &str, id: impl ToString) -> Self {
        Self::NotFound { thing: thing.to_owned(), id: id.to_string() }
    }
}

impl From<Error> for OffdeskError {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::NotEnrolled => Self::NotEnrolled,
            Error::AlreadyEnrolled => Self::AlreadyEnrolled,
            Error::WrongKey => Self::WrongKey,
            Error::Locked => Self::Locked,
            Error::Revoked => Self::Revoked,
            Error::Clone => Self::Copied,
            Error::Paused => Self::Paused,
            Error::Closed => Self::Closed,
            Error::UnknownConversation(id) => Self::not_found("conversation", id),
            Error::UnknownContact(id) => Self::not_found("contact", id),
            Error::UnknownMember(id) => Self::not_found("member", id),
            Error::UnknownIntent(id) => Self::not_found("intent", id),
            Error::UnknownMessage(id) => Self::not_found("message", id),
            Error::UnknownFilter(id) => Self::not_found("filter", id),
            Error::UnknownAlert(id) => Self::not_found("alert", id),
            Error::FilterName | Error::QuietHours(_) => Self::InvalidValue { reason: said },
            Error::TooManyFilters | Error::AppNeeded => Self::NotPossible { reason: said },
            Error::TooLate => Self::TooLate,
            Error::NotEligible { name } => Self::NotEligible { name },
            Error::Forbidden { reason } => Self::Forbidden { reason },
            Error::Verb(error) => error.into(),
            Error::InvalidPhone(_) => Self::InvalidPhone { reason: said },
            Error::Enrolment(problem) => Self::EnrolmentRefused { title: problem.title, detail: problem.detail },
            Error::InvalidRelay(address) => Self::InvalidRelay { address },
            Error::Offline(reason) => Self::Offline { reason },
            Error::Deadline => Self::Deadline,
            Error::Unauthorized => Self::Unauthorized,
            Error::Relay { status, title } => Self::Relay { status, title },
            Error::Protocol(reason) => Self::Protocol { reason },
            Error::Storage(error) => error.into(),
        }
    }
}

impl From<VerbError> for OffdeskError {
    fn from(error: VerbError) -> Self {
        let reason = error.to_string();
        match error {
            VerbError::EmptyText => Self::EmptyText,
            VerbError::TextTooLong(bytes) => Self::TextTooLong { bytes: wide(bytes), limit: wide(MAX_TEXT_BYTES) },
            VerbError::InvalidPhone(_) => Self::InvalidPhone { reason },
            VerbError::InvalidTag | VerbError::FieldTooLong { .. } | VerbError::TooManyMentions => {
                Self::InvalidValue { reason }
            }
            VerbError::TimePassed | VerbError::TooFarAhead => Self::InvalidTime { reason },
            VerbError::NothingToDo => Self::NothingToDo,
            VerbError::WrongDocument | VerbError::NotHeld | VerbError::ChangedMeanwhile => Self::NotPossible { reason },
        }
    }
}

impl From<StorageError> for OffdeskError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Full => Self::DiskFull,
            StorageError::Busy => Self::Busy,
            StorageError::Corrupt(reason) => Self::Damaged { reason },
            StorageError::WrongKey => Self::WrongKey,
            StorageError::Newer { .. } => Self::NewerDatabase,
            error @ StorageError::Io(_) => Self::Storage { reason: error.to_string() },
        }
    }
}

pub(crate) fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Sizes and indices of lists, which no host counts beyond four thousand million.
pub(crate) fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
