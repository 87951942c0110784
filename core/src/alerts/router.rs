//! Who is alerted of an accepted change. Pure; run once, at acceptance, in the same transaction.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{
    alerts::{Alert, Why},
    ids::{AlertId, IntentId, MemberId, MessageId},
    model::{DashboardAccess, Directory},
    policy::Access,
    time::Timestamp,
};

/// What happened in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The contact wrote.
    Inbound {
        /// The message.
        message: MessageId,
        /// Its order.
        order: u64,
    },
    /// A member was assigned.
    Assigned {
        /// Who.
        member: MemberId,
        /// By whom; `None` for an automation, which alerts only if it says so and then names itself elsewhere.
        by: Option<MemberId>,
        /// The intent that did.
        intent: IntentId,
    },
}

/// The alerts that `happened` raises, each with its member. `assignees` are those assigned when it happened.
pub fn route(
    happened: Happened,
    assignees: &BTreeSet<MemberId>,
    directory: &Directory,
    now: Timestamp,
) -> Vec<(MemberId, Alert)> {
    match happened {
        Happened::Inbound { message, order } => {
            // R8: an assignee whose access became `none`, or who was deactivated, counts as nobody.
            let effective =
                |member: &&MemberId| Access::of(directory, **member).is_some_and(|access| access.assignable());
            let assigned: Vec<MemberId> = assignees.iter().filter(effective).copied().collect();
            if assigned.is_empty() {
                directory
                    .members
                    .keys()
                    .filter(|member| {
                        Access::of(directory, **member).is_some_and(|access| access.dashboard == DashboardAccess::All)
                    })
                    .map(|member| (*member, Alert::new(*member, message, now, Why::Unassigned { message, order })))
                    .collect()
            } else {
                assigned
                    .into_iter()
                    .map(|member| (member, Alert::new(member, message, now, Why::Assigned { message, order })))
                    .collect()
            }
        }
        // R14: never of one's own assigning; an automation's is silent unless it says otherwise.
        Happened::Assigned { member, by: Some(by), intent } if by != member => {
            let sees = Access::of(directory, member).is_some_and(|access| access.assignable());
            if sees {
                vec![(member, Alert::new(member, intent, now, Why::AssignedBy { by: Some(by), intent: Some(intent) }))]
            } else {
                Vec::new()
            }
        }
        Happened::Assigned { .. } => Vec::new(),
    }
}

/// The id of the alert of one member about one cause: always the same, so that it can't be told twice (R15).
pub fn alert_id(member: MemberId, cause: IntentId) -> AlertId {
    let digest = Sha256::new().chain_update(b"alert").chain_update(member.0).chain_update(cause.0).finalize();
    let mut id = [0u8; 16];
    id.copy_from_slice(&digest[..16]);
    AlertId(id)
}
