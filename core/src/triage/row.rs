//! Rows of the read model: what lists show without loading a document.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    alerts::{Alert, reminders::Reminders},
    ids::{ContactId, ConversationId, DocumentId, MemberId, MessageId, QueueId},
    model::{Channel, MessageKind, Origin, Priority, Status, conversation::AssignmentReason},
    policy::Visibility,
    protocol::{Delivery, Seq},
    time::Timestamp,
};

/// One conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRow {
    /// Its document.
    pub document: DocumentId,
    /// Its id.
    pub conversation: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// What the list shows of the contact: the name, else a phone. Filled by the store from the contact's row.
    pub contact_name: String,
    /// Over what.
    pub channel: Channel,
    /// Whether an episode runs.
    pub status: Status,
    /// The last message's time, or if there is none the opening's: the relay's, or this device's for what is pending.
    pub last_activity: Timestamp,
    /// The latest log position known of it.
    pub last_seq: Seq,
    /// The last message, cut for the list.
    pub preview: Preview,
    /// Whether this member has something unread in it (R25).
    pub unread: bool,
    /// Whether the last message that counts is inbound (R25).
    pub needs_reply: bool,
    /// Who is assigned and why.
    pub assignees: BTreeMap<MemberId, BTreeSet<AssignmentReason>>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Its origins, the latest first.
    pub origins: Vec<Origin>,
    /// How this member sees it.
    pub visibility: Visibility,
    /// This member's replies that are held (R33).
    pub held: u32,
    /// This device's intents that wait for the relay.
    pub pending: u32,
    /// Whether a draft of this member waits in it.
    pub draft: bool,
    /// This member's replies that wait for their time.
    pub scheduled: u32,
    /// Until when it rests, unless the contact writes before (R20). Whether that is past is for the viewer's clock.
    pub snoozed_until: Option<Timestamp>,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue that it is in.
    pub queue: Option<QueueId>,
    /// Whether its contact is blocked as spam, so that it is off every list that doesn't ask for those. Filled by the store
    /// from the contact's row.
    pub blocked: bool,
    /// What comes due in it by itself (R16).
    pub reminders: Reminders,
}

/// The last message of a conversation, for a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Whose it is; `None` if there is no message yet.
    pub kind: Option<MessageKind>,
    /// Its first [`PREVIEW_CHARS`] characters on one line.
    pub text: String,
}

/// Characters of a preview.
pub const PREVIEW_CHARS: usize = 120;

/// One contact in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    /// Its id.
    pub contact: ContactId,
    /// Its name.
    pub name: String,
    /// What a list shows: the name, else a phone, else the e-mail address.
    pub display_name: String,
    /// Its phones in E.164.
    pub phones: BTreeSet<String>,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Its record owner.
    pub owner: Option<MemberId>,
    /// Whether it is blocked as spam.
    pub blocked: bool,
}

/// What a search found (R23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The contact.
    pub contact: ContactRow,
    /// Their conversations on the dashboard, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// Whether they were found by their record only: nothing with them is on the dashboard (R7).
    pub by_record: bool,
}

/// A conversation that a search found by a message (R23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHit {
    /// The conversation.
    pub conversation: ConversationRow,
    /// Its latest message that has what was typed.
    pub message: MessageId,
    /// Whether it is on this device by its contact's record only (R7).
    pub by_record: bool,
}

/// An alert that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveAlert {
    /// The conversation's document.
    pub document: DocumentId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The alert.
    pub alert: Alert,
    /// What the alert shows: the contact's name. Filled by the store.
    pub contact_name: String,
    /// The message's text, or what happened.
    pub text: String,
    /// Whether it is to be shown. Filled when it is read.
    #[serde(skip)]
    pub shows: Shows,
}

/// Whether an alert that stands is to be shown now (R16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Yes.
    #[default]
    Now,
    /// Yes, but not to be heard: it was shown before the quiet hours began, or would have been if this device had known.
    Silently,
    /// Not before the quiet hours end.
    At(Timestamp),
    /// No: its member muted such alerts. It counts in no badge either.
    Muted,
}

impl Shows {
    /// Whether it is on the screen and in the badge.
    pub const fn is_shown(self) -> bool {
        matches!(self, Shows::Now | Shows::Silently)
    }
}

/// One message as a conversation shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Who it goes to.
    pub kind: MessageKind,
    /// The member who wrote it.
    pub by: Option<MemberId>,
    /// The text.
    pub text: String,
    /// Members whom a note calls.
    pub mentions: BTreeSet<MemberId>,
    /// When it is to be sent, if not at once.
    pub later: Option<Timestamp>,
    /// The relay's time, or this device's while it is pending.
    pub at: Timestamp,
    /// Its order at the relay; `None` while it is pending: such messages stand last (R41).
    pub order: Option<u64>,
    /// How far it got (R31); `None`: saved on this device.
    pub delivery: Option<Delivery>,
}

/// From where and to whom a message of a conversation goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sendable {
    /// The channel.
    pub channel: Channel,
    /// The contact's phone, in E.164.
    pub phone: Option<String>,
}

#[cfg(test)]
impl ConversationRow {
    /// A row of which nothing is to be said but that it is open and on the dashboard.
    pub(crate) fn plain(document: DocumentId, conversation: ConversationId, contact: ContactId) -> Self {
        Self {
            document,
            conversation,
            contact,
            contact_name: String::new(),
            channel: Channel::Sms("+15550109999".into()),
            status: Status::Open,
            last_activity: Timestamp(0),
            last_seq: 0,
            preview: Preview::default(),
            unread: false,
            needs_reply: false,
            assignees: BTreeMap::new(),
            tags: BTreeSet::new(),
            origins: Vec::new(),
            visibility: Visibility::DASHBOARD,
            held: 0,
            pending: 0,
            draft: false,
            scheduled: 0,
            snoozed_until: None,
            priority: Priority::Normal,
            queue: None,
            blocked: false,
            reminders: Reminders::default(),
        }
    }
}
