//! The inbox: rows, filters, counts, search.

use offdesk_core::{
    engine,
    ids::{ConversationId, DocumentId, IntentId, MemberId, QueueId},
    model::{self, MessageKind, Origin, Priority, Status, conversation::AssignmentReason},
    store,
    time::Timestamp,
    triage,
};

use crate::{error::OffdeskError, ids::ContactId, lists::live_list};

/// Over what a conversation runs.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Channel {
    /// SMS.
    Sms {
        /// Our number, in E.164.
        number: String,
    },
    /// Web chat.
    WebChat {
        /// Our widget.
        widget: String,
    },
}

impl From<model::Channel> for Channel {
    fn from(channel: model::Channel) -> Self {
        match channel {
            model::Channel::Sms(number) => Self::Sms { number },
            model::Channel::WebChat(widget) => Self::WebChat { widget },
        }
    }
}

/// Whether an episode of a conversation runs.
#[uniffi::remote(Enum)]
pub enum Status {
    /// One runs.
    Open,
    /// It was closed, and nothing has come since.
    Closed,
}

/// How urgent a conversation is.
#[uniffi::remote(Enum)]
pub enum Priority {
    /// Can wait.
    Low,
    /// As usual.
    Normal,
    /// Before others.
    High,
    /// At once.
    Urgent,
}

/// Where a conversation came from (R22).
#[uniffi::remote(Enum)]
pub enum Origin {
    /// The contact wrote, or a member did.
    Direct,
    /// A campaign.
    Campaign,
    /// An abandoned checkout.
    CartRecovery,
}

/// Why a member is assigned.
#[uniffi::remote(Enum)]
pub enum AssignmentReason {
    /// Somebody assigned them.
    Manual,
    /// They replied (R17).
    Reply,
    /// An automation named them (R19).
    Automation,
}

/// Who a message goes to.
#[uniffi::remote(Enum)]
pub enum MessageKind {
    /// From the contact.
    Inbound,
    /// To the contact.
    Outbound,
    /// To colleagues only.
    Note,
}

/// A member on a conversation.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Assignee {
    /// Who.
    pub member: MemberId,
    /// Why: there may be several reasons at once.
    pub reasons: Vec<AssignmentReason>,
}

/// One conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// What lists call them: the name, else a phone.
    pub contact_name: String,
    /// Over what.
    pub channel: Channel,
    /// Whether an episode runs.
    pub status: Status,
    /// When something was last said.
    pub last_activity: Timestamp,
    /// Whose the last message is, if there is one.
    pub preview_kind: Option<MessageKind>,
    /// The last message, on one line and cut.
    pub preview: String,
    /// Whether this member has something unread in it.
    pub unread: bool,
    /// Whether the contact waits for a reply.
    pub needs_reply: bool,
    /// Who is assigned.
    pub assignees: Vec<Assignee>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its origins, the latest first.
    pub origins: Vec<Origin>,
    /// Whether it is on this member's dashboard, and not here through the contact's record only (R7).
    pub on_dashboard: bool,
    /// Whether a draft of this member waits in it.
    pub draft: bool,
    /// What this device has yet to deliver in it.
    pub pending: u32,
    /// This member's replies that are held (R33).
    pub held: u32,
    /// This member's replies that wait for their time.
    pub scheduled: u32,
    /// Until when it rests, unless the contact writes before. May have passed.
    pub snoozed_until: Option<Timestamp>,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue that it is in.
    pub queue: Option<QueueId>,
    /// Whether its contact is blocked as spam.
    pub blocked: bool,
}

impl From<triage::ConversationRow> for ConversationRow {
    fn from(row: triage::ConversationRow) -> Self {
        let assignee = |(member, reasons): (_, std::collections::BTreeSet<_>)| Assignee {
            member,
            reasons: reasons.into_iter().collect(),
        };
        Self {
            id: row.conversation,
            contact: row.contact,
            contact_name: row.contact_name,
            channel: row.channel.into(),
            status: row.status,
            last_activity: row.last_activity,
            preview_kind: row.preview.kind,
            preview: row.preview.text,
            unread: row.unread,
            needs_reply: row.needs_reply,
            assignees: row.assignees.into_iter().map(assignee).collect(),
            tags: row.tags.into_iter().collect(),
            origins: row.origins,
            on_dashboard: row.visibility.dashboard(),
            draft: row.draft,
            pending: row.pending,
            held: row.held,
            scheduled: row.scheduled,
            snoozed_until: row.snoozed_until,
            priority: row.priority,
            queue: row.queue,
            blocked: row.blocked,
        }
    }
}

/// Filters by who is assigned.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum AssigneeFilter {
    /// Nobody is.
    Nobody,
    /// This member is.
    Member {
        /// Who.
        member: MemberId,
    },
}

/// Which conversations a list takes: those that meet everything that is set. Without anything, all that is on the dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct InboxFilter {
    /// Only those assigned to this member: the toggle of R4.
    #[uniffi(default = false)]
    pub mine: bool,
    /// Open or closed.
    #[uniffi(default = None)]
    pub status: Option<Status>,
    /// Only unread ones.
    #[uniffi(default = false)]
    pub unread: bool,
    /// Only those that need a reply.
    #[uniffi(default = false)]
    pub needs_reply: bool,
    /// By who is assigned.
    #[uniffi(default = None)]
    pub assignee: Option<AssigneeFilter>,
    /// By why this member is assigned (R21).
    #[uniffi(default = None)]
    pub reason: Option<AssignmentReason>,
    /// By tag.
    #[uniffi(default = None)]
    pub tag: Option<String>,
    /// By origin.
    #[uniffi(default = None)]
    pub origin: Option<Origin>,
    /// By contact: all that there is with them.
    #[uniffi(default = None)]
    pub contact: Option<ContactId>,
    /// Those whose contact is blocked as spam; they are in no other list but their contact's.
    #[uniffi(default = false)]
    pub blocked: bool,
    /// By queue.
    #[uniffi(default = None)]
    pub queue: Option<QueueId>,
    /// By priority.
    #[uniffi(default = None)]
    pub priority: Option<Priority>,
    /// Only those that rest now, or only those that don't.
    #[uniffi(default = None)]
    pub snoozed: Option<bool>,
}

impl From<InboxFilter> for triage::InboxFilter {
    fn from(filter: InboxFilter) -> Self {
        Self {
            scope: if filter.mine { triage::Scope::AssignedToMe } else { triage::Scope::All },
            status: filter.status,
            unread: filter.unread,
            needs_reply: filter.needs_reply,
            assignee: filter.assignee.map(|assignee| match assignee {
                AssigneeFilter::Nobody => triage::Assignee::Nobody,
                AssigneeFilter::Member { member } => triage::Assignee::Member(member),
            }),
            reason: filter.reason,
            tag: filter.tag,
            origin: filter.origin,
            contact: filter.contact,
            blocked: filter.blocked,
            queue: filter.queue,
            priority: filter.priority,
            snoozed: filter.snoozed,
        }
    }
}

impl From<triage::InboxFilter> for InboxFilter {
    fn from(filter: triage::InboxFilter) -> Self {
        Self {
            mine: filter.scope == triage::Scope::AssignedToMe,
            status: filter.status,
            unread: filter.unread,
            needs_reply: filter.needs_reply,
            assignee: filter.assignee.map(|assignee| match assignee {
                triage::Assignee::Nobody => AssigneeFilter::Nobody,
                triage::Assignee::Member(member) => AssigneeFilter::Member { member },
            }),
            reason: filter.reason,
            tag: filter.tag,
            origin: filter.origin,
            contact: filter.contact,
            blocked: filter.blocked,
            queue: filter.queue,
            priority: filter.priority,
            snoozed: filter.snoozed,
        }
    }
}

/// A place in a list: the next page begins behind it, wherever the row that stood there is by then.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PageKey {
    /// The row's last activity.
    pub last_activity: Timestamp,
    /// Which of those with the same.
    pub document: String,
}

impl TryFrom<PageKey> for store::PageKey {
    type Error = OffdeskError;
    fn try_from(key: PageKey) -> Result<Self, OffdeskError> {
        let document: DocumentId = key.document.parse().map_err(|_| OffdeskError::invalid_id(&key.document))?;
        Ok(Self { last_activity: key.last_activity, document })
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct InboxPage {
    /// Its rows.
    pub rows: Vec<ConversationRow>,
    /// Where the next page begins; nothing if this one has no row.
    pub next: Option<PageKey>,
}

impl From<Vec<triage::ConversationRow>> for InboxPage {
    fn from(rows: Vec<triage::ConversationRow>) -> Self {
        let next = rows.last().map(store::PageKey::of);
        Self {
            rows: rows.into_iter().map(Into::into).collect(),
            next: next.map(|key| PageKey { last_activity: key.last_activity, document: key.document.to_string() }),
        }
    }
}

/// How many conversations bear a tag.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many open ones.
    pub open: u64,
}

/// How many conversations are in a queue.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct QueueCount {
    /// The queue.
    pub queue: QueueId,
    /// How many open ones.
    pub open: u64,
}

/// Counts beside the list, of the dashboard only.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Counts {
    /// Open conversations.
    pub open: u64,
    /// Closed ones.
    pub closed: u64,
    /// Open ones assigned to this member.
    pub mine: u64,
    /// Open ones assigned to nobody.
    pub unassigned: u64,
    /// Unread ones, open or closed.
    pub unread: u64,
    /// Open ones that need a reply.
    pub needs_reply: u64,
    /// Open ones of the highest priority.
    pub urgent: u64,
    /// Open ones that rest now.
    pub snoozed: u64,
    /// Open ones whose contact is blocked as spam: they are in none of the other counts.
    pub blocked: u64,
    /// Open ones by tag.
    pub by_tag: Vec<TagCount>,
    /// Open ones by queue.
    pub by_queue: Vec<QueueCount>,
}

impl From<triage::Counts> for Counts {
    fn from(counts: triage::Counts) -> Self {
        Self {
            open: counts.open,
            closed: counts.closed,
            mine: counts.mine,
            unassigned: counts.unassigned,
            unread: counts.unread,
            needs_reply: counts.needs_reply,
            urgent: counts.urgent,
            snoozed: counts.snoozed,
            blocked: counts.blocked,
            by_tag: counts.by_tag.into_iter().map(|(tag, open)| TagCount { tag, open }).collect(),
            by_queue: counts.by_queue.into_iter().map(|(queue, open)| QueueCount { queue, open }).collect(),
        }
    }
}

/// One contact in a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ContactRow {
    /// Its id.
    pub id: ContactId,
    /// What lists call them: the name, else a phone, else the e-mail address.
    pub display_name: String,
    /// The phones, in E.164.
    pub phones: Vec<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The record owner.
    pub owner: Option<MemberId>,
    /// Whether they are blocked as spam.
    pub blocked: bool,
}

impl From<triage::ContactRow> for ContactRow {
    fn from(row: triage::ContactRow) -> Self {
        Self {
            id: row.contact,
            display_name: row.display_name,
            phones: row.phones.into_iter().collect(),
            email: row.email,
            owner: row.owner,
            blocked: row.blocked,
        }
    }
}

/// What a search found (R23).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SearchHit {
    /// The contact.
    pub contact: ContactRow,
    /// Their conversations on the dashboard, the latest first.
    pub conversations: Vec<ConversationRow>,
    /// Whether they were found by their record only (R7).
    pub by_record: bool,
}

impl From<triage::SearchHit> for SearchHit {
    fn from(hit: triage::SearchHit) -> Self {
        Self {
            contact: hit.contact.into(),
            conversations: hit.conversations.into_iter().map(Into::into).collect(),
            by_record: hit.by_record,
        }
    }
}

/// A conversation that was found by one of its messages.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct MessageHit {
    /// The conversation.
    pub conversation: ConversationRow,
    /// Its latest message that has what was typed.
    pub message: IntentId,
    /// Whether it is on this device by its contact's record only (R7).
    pub by_record: bool,
}

/// What a search in messages found.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct MessageHits {
    /// The conversations, the latest first.
    pub hits: Vec<MessageHit>,
    /// Whether all messages on this device were looked through: those that came just now are taken in a little later.
    pub complete: bool,
}

impl From<engine::MessageHits> for MessageHits {
    fn from(found: engine::MessageHits) -> Self {
        let hit = |hit: triage::MessageHit| MessageHit {
            conversation: hit.conversation.into(),
            message: hit.message,
            by_record: hit.by_record,
        };
        Self { hits: found.hits.into_iter().map(hit).collect(), complete: found.complete }
    }
}

/// A filter that this member saved, on all of their devices.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SavedFilter {
    /// Its id.
    pub id: IntentId,
    /// Its name.
    pub name: String,
    /// Which conversations it takes.
    pub filter: InboxFilter,
}

impl From<engine::SavedFilter> for SavedFilter {
    fn from(saved: engine::SavedFilter) -> Self {
        Self { id: saved.id, name: saved.name, filter: saved.filter.into() }
    }
}

/// How many rows a page or a live list has when nothing is said.
pub(crate) const PAGE: u32 = 50;

pub(crate) fn limit(limit: Option<u32>) -> usize {
    usize::try_from(limit.unwrap_or(PAGE)).unwrap_or(usize::MAX)
}

live_list!(
    /// The first rows of an inbox, as they change.
    InboxList,
    /// A step of an [`InboxList`].
    InboxStep,
    triage::ConversationRow => ConversationRow
);

live_list!(
    /// The first contacts by name, as they change.
    ContactList,
    /// A step of a [`ContactList`].
    ContactStep,
    triage::ContactRow => ContactRow
);
