//! Who is alerted of an accepted change. Pure; run once, at acceptance, in the same transaction.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{
    alerts::{Alert, Why},
    ids::{AlertId, AutomationId, IntentId, MemberId, MessageId, QueueId},
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
        /// By whom; `None` for an automation.
        by: Option<MemberId>,
        /// The automation that did, if it says that those whom it assigns are to be told.
        automation: Option<AutomationId>,
        /// The intent that did.
        intent: IntentId,
    },
    /// A note called a member.
    Mentioned {
        /// Whom.
        member: MemberId,
        /// Who wrote it.
        by: Option<MemberId>,
        /// The note.
        message: MessageId,
        /// Its order.
        order: u64,
    },
}

/// The conversation as it stood when it happened.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Who was assigned.
    pub assignees: &'a BTreeSet<MemberId>,
    /// The queue that it was in, with the members on that.
    pub queue: Option<(QueueId, &'a BTreeSet<MemberId>)>,
    /// Whether the contact was blocked as spam: nobody is told of what they write.
    pub blocked: bool,
    /// The members and roles.
    pub directory: &'a Directory,
}

/// The alerts that `happened` raises, each with its member.
pub fn route(happened: Happened, situation: &Situation<'_>, now: Timestamp) -> Vec<(MemberId, Alert)> {
    let directory = situation.directory;
    match happened {
        Happened::Inbound { .. } if situation.blocked => Vec::new(),
        Happened::Inbound { message, order } => {
            // R8: an assignee whose access became `none`, or who was deactivated, counts as nobody.
            let effective =
                |member: &&MemberId| Access::of(directory, **member).is_some_and(|access| access.assignable());
            let assigned: Vec<MemberId> = situation.assignees.iter().filter(effective).copied().collect();
            if assigned.is_empty() {
                // R12: in a queue with members, only those of them who see everything; a queue without is everybody's.
                let queue = situation.queue.filter(|(_, members)| !members.is_empty());
                let why = Why::Unassigned { message, order, queue: queue.map(|(queue, _)| queue) };
                let asked = |member: &&MemberId| {
                    queue.is_none_or(|(_, members)| members.contains(*member))
                        && Access::of(directory, **member)
                            .is_some_and(|access| access.dashboard == DashboardAccess::All)
                };
                let told = directory.members.keys().filter(asked);
                told.map(|member| (*member, Alert::new(*member, message, now, why.clone()))).collect()
            } else {
                assigned
                    .into_iter()
                    .map(|member| (member, Alert::new(member, message, now, Why::Assigned { message, order })))
                    .collect()
            }
        }
        // R14: never of one's own assigning; an automation's is silent unless it says otherwise.
        Happened::Assigned { member, by, automation, intent } if by.map_or(automation.is_some(), |by| by != member) => {
            let sees = Access::of(directory, member).is_some_and(|access| access.assignable());
            if sees {
                vec![(
                    member,
                    Alert::new(member, intent, now, Why::AssignedBy { by, intent: Some(intent), automation }),
                )]
            } else {
                Vec::new()
            }
        }
        Happened::Assigned { .. } => Vec::new(),
        // Only who has it on their dashboard: the record path raises no alerts (R7), and nobody calls themselves.
        Happened::Mentioned { member, by, message, order } if by != Some(member) => {
            let sees = Access::of(directory, member)
                .is_some_and(|access| access.conversation(situation.assignees.contains(&member), false).dashboard());
            let why = Why::Mentioned { by, message, order };
            if sees { vec![(member, Alert::new(member, message, now, why))] } else { Vec::new() }
        }
        Happened::Mentioned { .. } => Vec::new(),
    }
}

/// The id of the alert of one member about one cause: always the same, so that it can't be told twice (R15).
pub fn alert_id(member: MemberId, cause: IntentId) -> AlertId {
    let digest = Sha256::new().chain_update(b"alert").chain_update(member.0).chain_update(cause.0).finalize();
    let mut id = [0u8; 16];
    id.copy_from_slice(&digest[..16]);
    AlertId(id)
}
