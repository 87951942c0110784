//! Alerts: [`router`] decides at acceptance, once, who is told of what (R11 to R14); [`moot`] decides on the device
//! whether an alert still stands (R15); [`reminders`] come due there with no network, and [`quiet`] hours hold what would
//! disturb (R16).

pub mod moot;
pub mod quiet;
pub mod reminders;
pub mod router;

use serde::{Deserialize, Serialize};

use reminders::Reminder;

use crate::{
    ids::{AlertId, AutomationId, IntentId, MemberId, MessageId, QueueId},
    time::Timestamp,
    tolerant::{OrNewer, or_newer},
};

/// One telling of one member: a relay fact that reaches only that member's devices, or a reminder of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Alert {
    /// Its id: one per (member, cause), so that it is told once (R15). Worked out from the two, not written.
    pub id: AlertId,
    /// Who is told; `None` if an earlier version wrote the alert.
    pub member: Option<MemberId>,
    /// When it was decided, by the relay's clock; when a reminder came due.
    pub at: Timestamp,
    /// By which rule, on which facts.
    pub why: Why,
}

impl Alert {
    /// The alert of a member about a cause.
    pub fn new(member: MemberId, cause: IntentId, at: Timestamp, why: Why) -> Self {
        Self { id: router::alert_id(member, cause), member: Some(member), at, why }
    }
}

/// An alert as it is stored and sent: without the id if everybody who reads it can work it out. (A cause that is added
/// later can't be, by those who don't know it: such alerts are to be written with their id.)
#[derive(Serialize, Deserialize)]
struct Written {
    id: Option<AlertId>,
    at: Timestamp,
    #[serde(deserialize_with = "or_newer")]
    why: Why,
    // Last, since rows are written without names and older ones end before it.
    #[serde(default)]
    member: Option<MemberId>,
}

impl From<Alert> for Written {
    fn from(Alert { id, member, at, why }: Alert) -> Self {
        Self { id: alert_id_of(member, &why).is_none().then_some(id), member, at, why }
    }
}

/// An alert is stored without an id and without what its id is made of.
#[derive(Debug, thiserror::Error)]
#[error("an alert has neither an id nor a member and a cause")]
struct NoId;

impl TryFrom<Written> for Alert {
    type Error = NoId;
    fn try_from(Written { id, member, at, why }: Written) -> Result<Self, NoId> {
        let id = alert_id_of(member, &why).or(id).ok_or(NoId)?;
        Ok(Self { id, member, at, why })
    }
}

fn alert_id_of(member: Option<MemberId>, why: &Why) -> Option<AlertId> {
    Some(router::alert_id(member?, why.cause()?))
}

/// The rule that raised an alert, with the facts it stood on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// R11: an inbound message in a conversation that they are assigned to.
    Assigned {
        /// The message.
        message: MessageId,
        /// Its order.
        order: u64,
    },
    /// R12: an inbound message in a conversation that nobody is assigned to.
    Unassigned {
        /// The message.
        message: MessageId,
        /// Its order.
        order: u64,
        /// The queue that it was in, if that has members: then only those were asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<QueueId>,
    },
    /// R14: somebody else assigned them.
    AssignedBy {
        /// Who.
        by: Option<MemberId>,
        /// The intent that did; `None` if an earlier version wrote the alert.
        #[serde(default)]
        intent: Option<IntentId>,
        /// The automation that did, if one that is to say so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        automation: Option<AutomationId>,
    },
    /// R26: somebody mentioned them in a note.
    Mentioned {
        /// Who.
        by: Option<MemberId>,
        /// The note.
        message: MessageId,
        /// Its order.
        order: u64,
    },
    /// R16: something came due by itself. Never a fact of the relay: each device finds it out.
    Reminder(Reminder),
    /// A reason that only a newer version knows.
    Newer,
}

impl OrNewer for Why {
    const NEWER: Self = Self::Newer;
}

impl Why {
    /// What raised the alert: the message, or the assigning.
    pub const fn cause(&self) -> Option<IntentId> {
        match self {
            Why::Assigned { message, .. } | Why::Unassigned { message, .. } | Why::Mentioned { message, .. } => {
                Some(*message)
            }
            Why::AssignedBy { intent, .. } => *intent,
            Why::Reminder(_) | Why::Newer => None,
        }
    }

    /// The number of the rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Why::Assigned { .. } => "R11",
            Why::Unassigned { .. } => "R12",
            Why::AssignedBy { .. } => "R14",
            Why::Mentioned { .. } => "R26",
            Why::Reminder(_) => "R16",
            Why::Newer => "a newer rule",
        }
    }
}
