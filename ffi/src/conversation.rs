//! One conversation: messages with how far they got, who did what, and the panel beside it.

use offdesk_core::{
    engine,
    ids::{ConversationId, IntentId, MemberId, QueueId},
    model::{self, Consent, MessageKind, Origin, Priority, Status, conversation::AssignmentReason},
    protocol::{self, Presence},
    time::Timestamp,
    triage,
};

use crate::{
    ids::ContactId,
    inbox::{Channel, ConversationRow},
    lists::live_list,
};

/// Why a reply is held (R33).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum HeldBecause {
    /// This message came before the reply was accepted, and its author had not seen it.
    Newer {
        /// The message.
        message: IntentId,
    },
    /// An earlier reply of the same author in the conversation is held.
    Behind {
        /// That reply.
        message: IntentId,
    },
}

impl From<protocol::HeldBecause> for HeldBecause {
    fn from(because: protocol::HeldBecause) -> Self {
        match because {
            protocol::HeldBecause::Newer(message) => Self::Newer { message },
            protocol::HeldBecause::Behind(message) => Self::Behind { message },
        }
    }
}

/// How far a message got (R31).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Delivery {
    /// Saved on this device, and not at the relay yet.
    Saved,
    /// From the contact.
    Received,
    /// A note: nothing is sent.
    Internal,
    /// At the relay, about to be sent.
    Accepted,
    /// Held, until somebody sends, edits or drops it (R33).
    Held {
        /// Why.
        because: HeldBecause,
    },
    /// Waits for its time at the relay.
    Scheduled {
        /// When it is to be sent.
        at: Timestamp,
    },
    /// Dropped, never sent.
    Dropped,
    /// Handed to the provider.
    HandedOver,
    /// The provider sent it.
    Sent,
    /// It was delivered.
    Delivered,
    /// It failed.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
    /// The provider could not tell. It is never sent again on its own.
    Unknown,
    /// A state that only a newer version of the app knows.
    Newer,
}

impl From<Option<protocol::Delivery>> for Delivery {
    fn from(delivery: Option<protocol::Delivery>) -> Self {
        use protocol::Delivery as Known;
        match delivery {
            None => Self::Saved,
            Some(Known::Received) => Self::Received,
            Some(Known::Internal) => Self::Internal,
            Some(Known::Accepted) => Self::Accepted,
            Some(Known::Held(because)) => Self::Held { because: because.into() },
            Some(Known::Scheduled { at }) => Self::Scheduled { at },
            Some(Known::Dropped) => Self::Dropped,
            Some(Known::HandedOver) => Self::HandedOver,
            Some(Known::Sent) => Self::Sent,
            Some(Known::Delivered) => Self::Delivered,
            Some(Known::Failed { reason }) => Self::Failed { reason },
            Some(Known::Unknown) => Self::Unknown,
            Some(Known::Newer) => Self::Newer,
        }
    }
}

/// One message or note.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Message {
    /// Its id, which is also that of the intent that wrote it.
    pub id: IntentId,
    /// Who it goes to.
    pub kind: MessageKind,
    /// The member who wrote it; nobody for the contact's.
    pub by: Option<MemberId>,
    /// The text.
    pub text: String,
    /// Members whom a note calls.
    pub mentions: Vec<MemberId>,
    /// When it is to be sent, if not at once.
    pub later: Option<Timestamp>,
    /// The relay's time, or this device's while it is pending.
    pub at: Timestamp,
    /// How far it got.
    pub delivery: Delivery,
}

impl From<triage::MessageView> for Message {
    fn from(message: triage::MessageView) -> Self {
        Self {
            id: message.id,
            kind: message.kind,
            by: message.by,
            text: message.text,
            mentions: message.mentions.into_iter().collect(),
            later: message.later,
            at: message.at,
            delivery: message.delivery.into(),
        }
    }
}

/// What somebody did in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Deed {
    /// Opened it, saying nothing yet.
    Opened,
    /// It came up again from here.
    Marked {
        /// From where.
        origin: Origin,
    },
    /// Assigned a member, other than by a reply of their own.
    Assigned {
        /// Whom.
        member: MemberId,
        /// Why.
        reason: AssignmentReason,
    },
    /// Ended an assignment.
    Unassigned {
        /// Whose.
        member: MemberId,
    },
    /// Closed it.
    Closed,
    /// Undid a closing.
    Reopened,
    /// Let it rest.
    Snoozed {
        /// Until when.
        until: Timestamp,
    },
    /// Ended a rest before its time.
    Woken,
    /// Added a tag.
    Tagged {
        /// Which.
        tag: String,
    },
    /// Removed a tag.
    Untagged {
        /// Which.
        tag: String,
    },
    /// Said how urgent it is.
    Prioritised {
        /// How.
        priority: Priority,
    },
    /// Moved it to a queue, or out of any.
    Moved {
        /// Which.
        queue: Option<QueueId>,
    },
    /// Sent a held or scheduled message after all, or before its time.
    Released {
        /// Which.
        message: IntentId,
    },
    /// Dropped a held or scheduled message.
    Dropped {
        /// Which.
        message: IntentId,
    },
    /// Said whether one of the contact's phones may be written to.
    Consented {
        /// In E.164.
        phone: String,
        /// What the contact said; nothing: it is not known any more.
        consent: Option<Consent>,
    },
    /// Blocked the contact as spam, or no more.
    Blocked {
        /// Whether they are blocked.
        blocked: bool,
    },
}

/// What a contact said about being written to at a phone (R34).
#[uniffi::remote(Enum)]
pub enum Consent {
    /// Yes.
    Granted,
    /// No: they opted out.
    Revoked,
}

/// One thing that somebody did in a conversation, and that no message tells.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TimelineEntry {
    /// When: the relay's time, or this device's while it is pending.
    pub at: Timestamp,
    /// Whether the relay has accepted it.
    pub accepted: bool,
    /// Who; nobody for the relay.
    pub by: Option<MemberId>,
    /// What.
    pub what: Deed,
}

impl From<engine::TimelineEntry> for TimelineEntry {
    fn from(entry: engine::TimelineEntry) -> Self {
        Self { at: entry.at, accepted: entry.order.is_some(), by: entry.by, what: entry.what.into() }
    }
}

/// One assignment that stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Assignment {
    /// Who is assigned.
    pub member: MemberId,
    /// Who assigned them; nobody for the relay.
    pub by: Option<MemberId>,
    /// Why.
    pub reason: AssignmentReason,
    /// When.
    pub at: Timestamp,
}

impl From<model::Assignment> for Assignment {
    fn from(assignment: model::Assignment) -> Self {
        Self { member: assignment.key.member, by: assignment.by, reason: assignment.reason, at: assignment.at }
    }
}

/// What a contact said about one of their phones.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PhoneConsent {
    /// In E.164.
    pub phone: String,
    /// What they said.
    pub consent: Consent,
}

/// One of a contact's own fields.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A customer's card.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The name, empty if nobody gave one yet.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phones, in E.164.
    pub phones: Vec<String>,
    /// The record owner: their salesperson.
    pub owner: Option<MemberId>,
    /// Members that the record is shared with.
    pub shared_with: Vec<MemberId>,
    /// Fields of the workspace's own.
    pub custom: Vec<Field>,
    /// What they said about being written to, by phone.
    pub consent: Vec<PhoneConsent>,
    /// Whether they are blocked as spam.
    pub blocked: bool,
}

impl From<model::Contact> for Contact {
    fn from(contact: model::Contact) -> Self {
        let consent = contact.reach.consent.into_iter().map(|(phone, consent)| PhoneConsent { phone, consent });
        Self {
            id: contact.id,
            name: contact.name,
            email: contact.email,
            phones: contact.phones.into_iter().collect(),
            owner: contact.owner,
            shared_with: contact.shared_with.into_iter().collect(),
            custom: contact.custom.into_iter().map(|(name, value)| Field { name, value }).collect(),
            consent: consent.collect(),
            blocked: contact.reach.blocked,
        }
    }
}

/// Everything that is shown of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ConversationView {
    /// Its row, as in the list.
    pub row: ConversationRow,
    /// With whom; nothing if the card is not on this device.
    pub contact: Option<Contact>,
    /// Messages and notes in the relay's order, this device's pending ones last (R41).
    pub messages: Vec<Message>,
    /// Every assignment that stands.
    pub assignments: Vec<Assignment>,
    /// This member's draft.
    pub draft: Option<String>,
    /// Who did what, in the relay's order, what is pending last.
    pub timeline: Vec<TimelineEntry>,
}

impl From<engine::ConversationView> for ConversationView {
    fn from(view: engine::ConversationView) -> Self {
        Self {
            row: view.row.into(),
            contact: view.contact.map(Into::into),
            messages: view.messages.into_iter().map(Into::into).collect(),
            assignments: view.assignments.into_iter().map(Into::into).collect(),
            draft: view.draft,
            timeline: view.timeline.into_iter().map(Into::into).collect(),
        }
    }
}

/// A contact's record: the card, and what was said with them (R7).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Record {
    /// The card.
    pub contact: Contact,
    /// The conversations with them that are on this device, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// Whether those are all that the member may see.
    pub complete: bool,
    /// Whether there are older ones that did not come.
    pub more: bool,
}

impl From<engine::RecordView> for Record {
    fn from(record: engine::RecordView) -> Self {
        Self {
            contact: record.contact.into(),
            conversations: record.conversations.into_iter().map(Into::into).collect(),
            complete: record.complete,
            more: record.more,
        }
    }
}

/// The panel beside a conversation, in its two sections (R24).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Panels {
    /// Who it is.
    pub customer: CustomerPanel,
    /// What it is about.
    pub conversation: ConversationPanel,
}

/// The customer's details.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CustomerPanel {
    /// What lists call them.
    pub name: String,
    /// The card; nothing while it is not on this device.
    pub card: Option<Contact>,
    /// The other conversations with them on this device, the latest first.
    pub others: Vec<ConversationRow>,
    /// What was closed of this conversation, the latest first.
    pub past: Vec<Episode>,
}

/// An episode of a conversation that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Episode {
    /// When it was closed.
    pub closed: Timestamp,
    /// Who closed it.
    pub by: Option<MemberId>,
}

/// The conversation's details.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ConversationPanel {
    /// Over what.
    pub channel: Channel,
    /// Whether an episode runs.
    pub status: Status,
    /// Where it came from, the latest first.
    pub origins: Vec<Origin>,
    /// Of the campaign or checkout that it comes from, such as `campaign.name`.
    pub details: Vec<Field>,
    /// Every assignment that stands.
    pub assignments: Vec<Assignment>,
    /// Until when it rests. May have passed.
    pub snoozed_until: Option<Timestamp>,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue that it is in.
    pub queue: Option<QueueId>,
    /// That queue's name.
    pub queue_name: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Who did what, in the relay's order, what is pending last.
    pub timeline: Vec<TimelineEntry>,
}

impl From<engine::Panels> for Panels {
    fn from(panels: engine::Panels) -> Self {
        let engine::Panels { customer, conversation } = panels;
        let (queue, queue_name) = conversation.queue.unzip();
        Self {
            customer: CustomerPanel {
                name: customer.name,
                card: customer.card.map(Into::into),
                others: customer.others.into_iter().map(Into::into).collect(),
                past: customer.past.into_iter().map(|past| Episode { closed: past.closed, by: past.by }).collect(),
            },
            conversation: ConversationPanel {
                channel: conversation.channel.into(),
                status: conversation.status,
                origins: conversation.origins,
                details: conversation.details.into_iter().map(|(name, value)| Field { name, value }).collect(),
                assignments: conversation.assignments.into_iter().map(Into::into).collect(),
                snoozed_until: conversation.snooze.map(|snooze| snooze.until),
                priority: conversation.priority,
                queue,
                queue_name,
                tags: conversation.tags.into_iter().collect(),
                timeline: conversation.timeline.into_iter().map(Into::into).collect(),
            },
        }
    }
}

/// What a colleague does in a conversation.
#[uniffi::remote(Enum)]
pub enum Presence {
    /// They have it open.
    Viewing,
    /// They are writing in it.
    Drafting,
    /// Something that only a newer version of the app knows.
    Unknown,
}

/// A colleague who is in a conversation right now (R27).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Colleague {
    /// Who.
    pub member: MemberId,
    /// What they do.
    pub doing: Presence,
}

impl From<engine::Colleague> for Colleague {
    fn from(colleague: engine::Colleague) -> Self {
        Self { member: colleague.member, doing: colleague.doing }
    }
}

/// A conversation that was started, or found.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Started {
    /// The conversation. If a colleague started the same one first, the relay names theirs and this id goes away.
    pub conversation: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// What waits for the relay; nothing if the conversation was there, open, and no text was given.
    pub intent: Option<IntentId>,
}

impl From<engine::Started> for Started {
    fn from(started: engine::Started) -> Self {
        Self { conversation: started.conversation, contact: started.contact, intent: started.intent }
    }
}

impl From<protocol::Deed> for Deed {
    fn from(deed: protocol::Deed) -> Self {
        use protocol::Deed as Known;
        match deed {
            Known::Opened => Self::Opened,
            Known::Marked(origin) => Self::Marked { origin },
            Known::Assigned { member, reason } => Self::Assigned { member, reason },
            Known::Unassigned { member } => Self::Unassigned { member },
            Known::Closed => Self::Closed,
            Known::Reopened => Self::Reopened,
            Known::Snoozed { until } => Self::Snoozed { until },
            Known::Woken => Self::Woken,
            Known::Tagged(tag) => Self::Tagged { tag },
            Known::Untagged(tag) => Self::Untagged { tag },
            Known::Prioritised(priority) => Self::Prioritised { priority },
            Known::Moved { queue } => Self::Moved { queue },
            Known::Released(message) => Self::Released { message },
            Known::Dropped(message) => Self::Dropped { message },
            Known::Consent { phone, consent } => Self::Consented { phone, consent },
            Known::Blocked(blocked) => Self::Blocked { blocked },
        }
    }
}

live_list!(
    /// The messages of one conversation, as they change.
    MessageList,
    /// A step of a [`MessageList`].
    MessageStep,
    triage::MessageView => Message
);

live_list!(
    /// The panel beside a conversation as it changes: one item, none while the conversation is not on this device.
    PanelsList,
    /// A step of a [`PanelsList`].
    PanelsStep,
    engine::Panels => Panels
);

live_list!(
    /// The colleagues who are in a conversation, as they come, write and go.
    ColleagueList,
    /// A step of a [`ColleagueList`].
    ColleagueStep,
    engine::Colleague => Colleague
);
