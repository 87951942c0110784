//! Alerts: [`router`] decides at acceptance, once, who is told of what (R11 to R14); [`moot`] decides on the device
//! whether an alert still stands (R15).

pub mod moot;
pub mod router;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AlertId, MemberId, MessageId},
    time::Timestamp,
};

/// One telling of one member, as a relay fact that reaches only that member's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id: one per (member, cause), so that it is told once (R15).
    pub id: AlertId,
    /// When it was decided, by the relay's clock.
    pub at: Timestamp,
    /// By which rule, on which facts.
    pub why: Why,
}

/// The rule that raised an alert, with the facts it stood on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// R11: an inbound message in a conversation that they are assigned to.
    Assigned {
        /// The message.
        #[serde(serialize_with = "crate::ids::as_text")]
        message: MessageId,
        /// Its order.
        order: u64,
    },
    /// R12: an inbound message in a conversation that nobody is assigned to.
    Unassigned {
        /// The message.
        #[serde(serialize_with = "crate::ids::as_text")]
        message: MessageId,
        /// Its order.
        order: u64,
    },
    /// R14: somebody else assigned them.
    AssignedBy {
        /// Who.
        by: Option<MemberId>,
    },
}

impl Why {
    /// The number of the rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Why::Assigned { .. } => "R11",
            Why::Unassigned { .. } => "R12",
            Why::AssignedBy { .. } => "R14",
        }
    }
}
