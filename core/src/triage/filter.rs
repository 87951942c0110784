//! Which conversations a list takes, and the counts beside it. The store turns a filter into SQL; [`InboxFilter::takes`]
//! is its meaning, and a test holds the two together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, MemberId, QueueId},
    model::{Origin, Priority, Status, conversation::AssignmentReason},
    time::Timestamp,
    triage::ConversationRow,
};

/// The toggle of R4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every conversation that the member may see on the dashboard.
    #[default]
    All,
    /// Only those assigned to them.
    AssignedToMe,
}

/// Filters by who is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// Nobody is.
    Nobody,
    /// This member is.
    Member(MemberId),
}

/// Which conversations a list takes: those that meet everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InboxFilter {
    /// All, or only one's own.
    pub scope: Scope,
    /// Open or closed.
    pub status: Option<Status>,
    /// Only unread ones.
    pub unread: bool,
    /// Only those that need a reply.
    pub needs_reply: bool,
    /// By who is assigned.
    pub assignee: Option<Assignee>,
    /// By why the member is assigned (R21).
    pub reason: Option<AssignmentReason>,
    /// By tag.
    pub tag: Option<String>,
    /// By origin.
    pub origin: Option<Origin>,
    /// By contact: all that there is with them.
    pub contact: Option<ContactId>,
    /// Only those whose contact is blocked as spam; they are in no other list but their contact's.
    pub blocked: bool,
    /// By queue.
    pub queue: Option<QueueId>,
    /// By priority.
    pub priority: Option<Priority>,
    /// Only those that rest now (R20), or only those that don't.
    pub snoozed: Option<bool>,
}

impl InboxFilter {
    /// Whether a row belongs into the list of member `me` at this time. Only rows on the dashboard ever do (R5, R7).
    pub fn takes(&self, row: &ConversationRow, me: MemberId, now: Timestamp) -> bool {
        row.visibility.dashboard()
            && (self.contact.is_some() || row.blocked == self.blocked)
            && (self.scope == Scope::All || row.assignees.contains_key(&me))
            && self.status.is_none_or(|status| row.status == status)
            && (!self.unread || row.unread)
            && (!self.needs_reply || row.needs_reply)
            && match self.assignee {
                None => true,
                Some(Assignee::Nobody) => row.assignees.is_empty(),
                Some(Assignee::Member(member)) => row.assignees.contains_key(&member),
            }
            && self.reason.is_none_or(|reason| row.assignees.get(&me).is_some_and(|reasons| reasons.contains(&reason)))
            && self.tag.as_ref().is_none_or(|tag| row.tags.contains(tag))
            && self.origin.is_none_or(|origin| row.origins.contains(&origin))
            && self.contact.is_none_or(|contact| row.contact == contact)
            && self.queue.is_none_or(|queue| row.queue == Some(queue))
            && self.priority.is_none_or(|priority| row.priority == priority)
            && self.snoozed.is_none_or(|resting| row.snoozed_until.is_some_and(|until| until > now) == resting)
    }
}

/// Counts beside the list, of the dashboard only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Open ones by tag.
    pub by_tag: BTreeMap<String, u64>,
    /// Open ones by queue.
    pub by_queue: BTreeMap<QueueId, u64>,
    /// Open ones of the highest priority.
    pub urgent: u64,
    /// Open ones that rest now.
    pub snoozed: u64,
    /// Open ones whose contact is blocked as spam: they are in none of the other counts.
    pub blocked: u64,
}
