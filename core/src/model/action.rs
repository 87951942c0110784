//! What a change means. A verb authors its change from actions ([`crate::model::write`]); the relay decodes a
//! received change back into actions ([`crate::model::decode`]) and judges those, never the sender's word.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, ConversationId, IntentId, MemberId, MessageId, QueueId},
    model::{
        Kind,
        contact::Consent,
        conversation::{AssignmentReason, Channel, Origin},
        sorting::Priority,
    },
    time::Timestamp,
};

/// Who a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// From the contact. Written by the relay only.
    Inbound,
    /// To the contact.
    Outbound,
    /// Internal, never sent.
    Note,
}

/// The content of a message as written; immutable afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Who it goes to.
    pub kind: MessageKind,
    /// The member who wrote it; `None` for inbound.
    pub by: Option<MemberId>,
    /// The text, 1 to [`MAX_TEXT_BYTES`] bytes of UTF-8.
    pub text: String,
    /// The author's clock when writing: a hint for people, never an order (R41).
    pub at: Timestamp,
    /// Members whom a note calls (R26), at most [`MAX_MENTIONS`].
    pub mentions: BTreeSet<MemberId>,
    /// When an outbound message is to be sent, if not at once.
    pub later: Option<Timestamp>,
}

impl NewMessage {
    /// A message that calls nobody and is sent at once.
    pub const fn new(kind: MessageKind, by: Option<MemberId>, text: String, at: Timestamp) -> Self {
        Self { kind, by, text, at, mentions: BTreeSet::new(), later: None }
    }
}

/// The longest text of one message or note, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// The most members whom one note calls.
pub const MAX_MENTIONS: usize = 32;
/// The longest tag, name or field value, in bytes.
pub const MAX_FIELD_BYTES: usize = 1024;
/// The longest text of a canned response, a greeting or an automation, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 4 * 1024;

/// One assignment of one member: removing deletes the assignments that the remover saw, so that a concurrent
/// addition, which has a key of its own, stays (R20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssignmentKey {
    /// Who is assigned.
    pub member: MemberId,
    /// The intent that assigned them.
    pub intent: IntentId,
}

impl fmt::Display for AssignmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.member, self.intent)
    }
}

impl FromStr for AssignmentKey {
    type Err = crate::ids::InvalidId;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let invalid = || crate::ids::InvalidId(s.chars().take(64).collect());
        let (member, intent) = s.split_once('/').ok_or_else(invalid)?;
        Ok(Self { member: member.parse()?, intent: intent.parse()? })
    }
}

/// What is done with a held reply (R33).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldChoice {
    /// Dispatch it as it stands.
    Send,
    /// Never dispatch it. *Edit* is this together with a new reply, in one change.
    Drop,
}

/// One meaning of one or more operations of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The first change of a conversation after its genesis: its fixed facts.
    OpenConversation {
        /// Its id.
        conversation: ConversationId,
        /// With whom.
        contact: ContactId,
        /// Over what, from which of our numbers.
        channel: Channel,
    },
    /// Marks an origin (R22), with the time it was last so.
    AddOrigin {
        /// Which origin.
        origin: Origin,
        /// When, by the author's clock.
        at: Timestamp,
    },
    /// Appends a message or note.
    AddMessage {
        /// Its id, which is the intent's.
        id: MessageId,
        /// Its content.
        message: NewMessage,
    },
    /// Adds an assignment.
    Assign {
        /// Member and fresh id.
        key: AssignmentKey,
        /// Who assigns; `None` for the relay (automations).
        by: Option<MemberId>,
        /// Why.
        reason: AssignmentReason,
        /// When, by the author's clock.
        at: Timestamp,
    },
    /// Removes one assignment that the author saw.
    Unassign {
        /// Which.
        key: AssignmentKey,
    },
    /// Closes an episode.
    Close {
        /// The closing's id, which is the intent's.
        id: IntentId,
        /// By whom.
        by: MemberId,
        /// When, by the author's clock.
        at: Timestamp,
        /// The last inbound message that the author knew of: a later one reopens (R20).
        seen: Option<MessageId>,
    },
    /// Undoes one closing.
    Reopen {
        /// The closing that it undoes.
        closing: IntentId,
        /// The reopening's id, which is the intent's.
        id: IntentId,
        /// By whom.
        by: MemberId,
        /// When, by the author's clock.
        at: Timestamp,
    },
    /// Adds a tag.
    AddTag {
        /// The tag, trimmed.
        tag: String,
    },
    /// Removes a tag.
    RemoveTag {
        /// The tag.
        tag: String,
    },
    /// Lets a conversation rest (R20).
    Snooze {
        /// The snooze's id, which is the intent's.
        id: IntentId,
        /// By whom.
        by: MemberId,
        /// When, by the author's clock.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
        /// The last inbound message that the author knew of: a later one ends the snooze.
        seen: Option<MessageId>,
    },
    /// Ends one snooze before its time.
    Wake {
        /// The snooze that it ends.
        snooze: IntentId,
        /// The waking's id, which is the intent's.
        id: IntentId,
        /// By whom.
        by: MemberId,
        /// When, by the author's clock.
        at: Timestamp,
    },
    /// Says how urgent a conversation is.
    SetPriority {
        /// How.
        priority: Priority,
    },
    /// Moves a conversation to a queue (R36).
    SetQueue {
        /// Which; `None` takes it out of any.
        queue: Option<QueueId>,
    },
    /// Says something of the campaign or checkout that a conversation comes from. Written by the relay only.
    SetDetail {
        /// What, such as `campaign.name`.
        name: String,
        /// The value; `None` clears it.
        value: Option<String>,
    },
    /// Decides about a held or scheduled message (R33).
    DecideHeld {
        /// The held message.
        message: MessageId,
        /// The intent that decides.
        id: IntentId,
        /// By whom.
        by: MemberId,
        /// What is done.
        choice: HeldChoice,
    },
    /// Sets or clears a contact's name, e-mail or owner.
    SetContactField {
        /// Which field.
        field: ContactField,
        /// The value; `None` clears it.
        value: Option<String>,
    },
    /// Adds a phone to a contact.
    AddPhone {
        /// In E.164, such as `+15550102030`.
        phone: String,
    },
    /// Removes a phone from a contact.
    RemovePhone {
        /// In E.164.
        phone: String,
    },
    /// Shares a contact with a member (R7).
    ShareContact {
        /// With whom.
        member: MemberId,
    },
    /// Ends the sharing of a contact with a member.
    UnshareContact {
        /// With whom no more.
        member: MemberId,
    },
    /// Says whether one of the contact's phones may be written to (R34).
    SetConsent {
        /// In E.164.
        phone: String,
        /// What the contact said; `None`: nothing is known any more.
        consent: Option<Consent>,
    },
    /// Blocks a contact as spam, or no more.
    SetBlocked {
        /// Whether they are.
        blocked: bool,
    },
    /// Sets or clears a custom field of a contact.
    SetCustomField {
        /// The field's name.
        name: String,
        /// The value; `None` clears it.
        value: Option<String>,
    },
    /// Sets one value of the directory or the settings. Written by administrators.
    SetRegister {
        /// Which map of the document.
        map: RegisterMap,
        /// Which key of it.
        key: String,
        /// The value; `None` removes it.
        value: Option<RegisterValue>,
    },
}

/// A scalar field of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactField {
    /// The name.
    Name,
    /// The e-mail address.
    Email,
    /// The record owner, a member id.
    Owner,
}

/// A map of scalar values in the directory or the settings document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterMap {
    /// Directory: members, keys `{member}.{field}`.
    Members,
    /// Directory: roles, keys `{role}.{field}`.
    Roles,
    /// Settings: plain values by name.
    Values,
    /// Settings: queues, keys `{queue}.{field}`.
    Queues,
    /// Settings: canned responses, keys `{canned}.{field}`.
    Canned,
    /// Settings: engagements, keys `{engagement}.{field}`.
    Engagements,
    /// Settings: automations, keys `{automation}.{field}`.
    Automations,
    /// Settings: opening hours, keys `{hours}.{field}`.
    Hours,
}

impl RegisterMap {
    /// The map's name in its document.
    pub fn name(self) -> &'static str {
        crate::model::write::register_map(self)
    }

    /// The kind of document that has it.
    pub const fn kind(self) -> Kind {
        match self {
            RegisterMap::Members | RegisterMap::Roles => Kind::Directory,
            _ => Kind::Settings,
        }
    }

    /// The longest text that one of its registers holds, in bytes.
    pub const fn max_text_bytes(self) -> usize {
        match self {
            RegisterMap::Canned | RegisterMap::Engagements | RegisterMap::Automations => MAX_TEMPLATE_BYTES,
            _ => MAX_FIELD_BYTES,
        }
    }
}

/// A scalar value of a register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RegisterValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
}
