//! The lines of an export. Each is one object that says in `record` what it is; what a line refers to stands in an earlier one. Ids are ULIDs.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use offdesk_core::{
    ids::{
        AutomationId, CannedId, ContactId, ConversationId, DocumentId, EngagementId, HoursId, IntentId, MemberId,
        MessageId, QueueId, WorkspaceId,
    },
    model::{
        Assignment, Automation, Canned, Contact, Engagement, Hours, Member, MessageKind, Origin, Priority, Queue, Role,
        Snooze, Waking,
        conversation::{Closing, Decision, Reopening},
    },
    protocol::{Deed, Delivery, RegisterContent, RegisterKey},
    time::{Timestamp, as_millis},
};
use serde::{Deserialize, Serialize};

use crate::admin::set_up::Listed;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// The workspace; the first line, if there is one.
    Workspace(WorkspaceRecord),
    /// A role.
    Role(Role),
    /// A member.
    Member(Member),
    /// Opening hours.
    Hours(Listed<HoursId, Hours>),
    /// A queue.
    Queue(Listed<QueueId, Queue>),
    /// A canned response.
    Canned(Listed<CannedId, Canned>),
    /// An engagement.
    Engagement(Listed<EngagementId, Engagement>),
    /// An automation.
    Automation(Listed<AutomationId, Automation>),
    /// A contact.
    Contact(Contact),
    /// A conversation, without what was said in it.
    Conversation(ConversationRecord),
    /// A message or note.
    Message(MessageRecord),
    /// What somebody did beside.
    Event(EventRecord),
    /// What a member marked or keeps for themselves.
    Mark(MarkRecord),
}

impl Record {
    /// Its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Record::Workspace(_) => "workspace",
            Record::Role(_) => "role",
            Record::Member(_) => "member",
            Record::Hours(_) => "hours",
            Record::Queue(_) => "queue",
            Record::Canned(_) => "canned",
            Record::Engagement(_) => "engagement",
            Record::Automation(_) => "automation",
            Record::Contact(_) => "contact",
            Record::Conversation(_) => "conversation",
            Record::Message(_) => "message",
            Record::Event(_) => "event",
            Record::Mark(_) => "mark",
        }
    }
}

/// A workspace with its plain settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceRecord {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The country of phone numbers without a country code.
    pub region: String,
    /// Its SMS numbers.
    #[serde(default)]
    pub numbers: Vec<String>,
    /// R33.
    #[serde(rename = "stale_after_ms", with = "as_millis")]
    pub stale_after: Duration,
    /// R33.
    #[serde(rename = "held_author_only_ms", with = "as_millis")]
    pub held_author_only: Duration,
    /// R9.
    #[serde(rename = "lease_ms", with = "as_millis")]
    pub lease: Duration,
    /// R16.
    #[serde(default, rename = "reply_within_ms", with = "as_millis")]
    pub reply_within: Duration,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationRecord {
    /// Its document.
    pub document: DocumentId,
    /// Its id.
    pub id: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// Over what, such as `sms:+14155550100`.
    pub channel: String,
    /// The phone that replies go to; one of the contact's if it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// Its origins, each with the time it was last marked.
    #[serde(default)]
    pub origins: BTreeMap<Origin, Timestamp>,
    /// The tags.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// The queue that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueId>,
    /// Of the campaign or checkout that it comes from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Who is assigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignments: Vec<Assignment>,
    /// Every closing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closings: Vec<Closing>,
    /// Every reopening.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopenings: Vec<Reopening>,
    /// Every decision about a held message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// Every snooze.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snoozes: Vec<Snooze>,
    /// Every end of one before its time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wakings: Vec<Waking>,
}

/// A message or note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// The conversation's document.
    pub document: DocumentId,
    /// Its id.
    pub id: MessageId,
    /// Which way it goes.
    pub way: MessageKind,
    /// Who wrote it; nobody for inbound ones and automations'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<MemberId>,
    /// The text.
    pub text: String,
    /// When it was accepted or received.
    pub at: Timestamp,
    /// When it was written, by its author's clock; as accepted if it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
    /// How far it got.
    pub delivery: Delivery,
    /// Members whom a note calls.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mentions: BTreeSet<MemberId>,
    /// When it was to be sent, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Timestamp>,
}

/// What somebody did in a conversation or to a contact (R24).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The document.
    pub document: DocumentId,
    /// The intent of the change.
    pub id: IntentId,
    /// When it was accepted.
    pub at: Timestamp,
    /// Who; nobody for the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<MemberId>,
    /// What.
    pub what: Vec<Deed>,
}

/// What a member marked, chose or drafted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkRecord {
    /// Whose.
    pub member: MemberId,
    /// What it is about.
    pub key: RegisterKey,
    /// The last message that they read, of a read mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_to: Option<MessageId>,
    /// What it holds, of any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<RegisterContent>,
}
