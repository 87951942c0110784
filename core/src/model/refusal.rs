//! Why a change is refused: a code for programs, a place and words for people.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Beyond a size limit.
    TooLarge,
    /// Bytes that are not what they should be.
    Malformed,
    /// The actor belongs to another device, or is the genesis'.
    ForeignActor,
    /// The (actor, seq) is taken, or a seq is left out.
    ActorSequence,
    /// The operation counter jumps or runs backwards.
    OperationCounter,
    /// No such path in the schema, or one that members may not write.
    UnknownPath,
    /// A value of the wrong type or form.
    WrongType,
    /// An action that the path doesn't allow, such as deleting a message.
    WrongAction,
    /// It supersedes what its author can't have meant.
    WrongPredecessor,
    /// It names another member as its author.
    ForgedAuthor,
    /// The intent's id was used before.
    IntentReused,
    /// The document is of another kind or workspace than claimed.
    WrongDocument,
    /// The member's role doesn't allow it.
    Forbidden,
    /// The member named can't be assigned (R8).
    NotEligible,
    /// Another contact has this phone.
    PhoneTaken,
    /// Not a phone number in E.164.
    InvalidPhone,
    /// The workspace has no such number or widget to write from.
    UnknownChannel,
    /// It does not descend from the current value (directory and settings).
    Stale,
    /// Somebody decided about this held message before.
    AlreadyDecided,
    /// The message is not held.
    NotHeld,
    /// At least one Administrator must remain.
    LastAdministrator,
    /// The workspace has no such queue, or it is archived.
    UnknownQueue,
    /// Settings that don't fit together: something named that isn't there, a shortcut that is taken.
    InvalidSetting,
    /// A code of a newer version.
    #[serde(other)]
    Unknown,
}

impl RefusalCode {
    /// The name on the wire and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            RefusalCode::TooLarge => "too_large",
            RefusalCode::Malformed => "malformed",
            RefusalCode::ForeignActor => "foreign_actor",
            RefusalCode::ActorSequence => "actor_sequence",
            RefusalCode::OperationCounter => "operation_counter",
            RefusalCode::UnknownPath => "unknown_path",
            RefusalCode::WrongType => "wrong_type",
            RefusalCode::WrongAction => "wrong_action",
            RefusalCode::WrongPredecessor => "wrong_predecessor",
            RefusalCode::ForgedAuthor => "forged_author",
            RefusalCode::IntentReused => "intent_reused",
            RefusalCode::WrongDocument => "wrong_document",
            RefusalCode::Forbidden => "forbidden",
            RefusalCode::NotEligible => "not_eligible",
            RefusalCode::PhoneTaken => "phone_taken",
            RefusalCode::InvalidPhone => "invalid_phone",
            RefusalCode::UnknownChannel => "unknown_channel",
            RefusalCode::Stale => "stale",
            RefusalCode::AlreadyDecided => "already_decided",
            RefusalCode::NotHeld => "not_held",
            RefusalCode::LastAdministrator => "last_administrator",
            RefusalCode::UnknownQueue => "unknown_queue",
            RefusalCode::InvalidSetting => "invalid_setting",
            RefusalCode::Unknown => "unknown",
        }
    }
}

/// A refusal: what, where, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {reason} (at {path})", code.name())]
pub struct Refusal {
    /// What kind of refusal.
    pub code: RefusalCode,
    /// Where: a path of the schema such as `messages`, or a part of the change.
    pub path: Cow<'static, str>,
    /// Why, in words that its author can act on.
    pub reason: Cow<'static, str>,
}

impl Refusal {
    /// A refusal at a path.
    pub fn new(code: RefusalCode, path: &str, reason: &str) -> Self {
        Self { code, path: Cow::Owned(path.to_owned()), reason: Cow::Owned(reason.to_owned()) }
    }
}
