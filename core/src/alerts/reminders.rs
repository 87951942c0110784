//! Reminders: what comes due in a conversation by itself, with no network (R16). A rest has ended, a follow-up is due, or
//! the contact has waited too long for a reply.
//!
//! [`Reminders`] is what a conversation's document, facts and registers say, and stands in its row: no clock, settings or
//! directory is asked for it, so that a row stays true while nothing happens. [`Reminders::due`] asks those: when which
//! reminder comes due for one member. A reminder ends by being acted on, or by [`Reminders::reminded`]: up to which time its
//! member has dealt with what came due here, a register that merges by maximum. So what was dismissed or read on one device
//! is gone on all, also where it had not come due yet.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    ids::{AlertId, DocumentId, IntentId, MemberId, MessageId, QueueId},
    model::{DashboardAccess, Directory},
    policy::Access,
    time::Timestamp,
};

/// A rest that nobody ended, and after which nobody has written to the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The snooze.
    pub snooze: IntentId,
    /// Whose it is.
    pub by: MemberId,
    /// Until when.
    pub until: Timestamp,
}

/// The contact waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Their first message that nobody has answered.
    pub message: MessageId,
    /// Its order.
    pub order: u64,
    /// Since when: the message's time, or the end of a rest that was meant after it.
    pub since: Timestamp,
}

/// What can come due in one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminders {
    /// It rests.
    pub rest: Option<Rest>,
    /// This member wants to come back to it.
    pub follow_up: Option<Timestamp>,
    /// The contact waits.
    pub waiting: Option<Waiting>,
    /// Up to when this member has dealt with what came due here.
    pub reminded: Timestamp,
}

/// What came due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// A rest has ended.
    SnoozeEnded {
        /// The snooze.
        snooze: IntentId,
        /// Whose it is.
        by: MemberId,
    },
    /// The member wanted to come back to it.
    FollowUp,
    /// Nobody has replied in time.
    ReplyOverdue {
        /// The first message that nobody has answered.
        message: MessageId,
        /// Its order.
        order: u64,
        /// Since when the contact waits.
        since: Timestamp,
        /// How long they may.
        within: Duration,
        /// The queue that it is in, if that has members: then only those are told while nobody is assigned (R12).
        queue: Option<QueueId>,
    },
}

/// What else decides who is reminded, as of now.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Who might be.
    pub me: MemberId,
    /// The conversation.
    pub document: DocumentId,
    /// Who is assigned.
    pub assignees: &'a BTreeSet<MemberId>,
    /// The queue that it is in, with the members on that.
    pub queue: Option<(QueueId, &'a BTreeSet<MemberId>)>,
    /// How long a contact may wait there; zero: for ever.
    pub within: Duration,
    /// The members and roles.
    pub directory: &'a Directory,
}

impl Setting<'_> {
    /// R8: who is assigned and counts.
    fn effective(&self) -> impl Iterator<Item = MemberId> {
        let counts = |member: &MemberId| Access::of(self.directory, *member).is_some_and(|access| access.assignable());
        self.assignees.iter().copied().filter(counts)
    }

    /// R11 to R13: whether the contact's writing concerns them.
    fn is_told(&self) -> bool {
        if self.effective().next().is_some() {
            return self.effective().any(|member| member == self.me);
        }
        let asked = self.asked_queue().is_none_or(|(_, members)| members.contains(&self.me));
        asked && Access::of(self.directory, self.me).is_some_and(|access| access.dashboard == DashboardAccess::All)
    }

    fn asked_queue(&self) -> Option<(QueueId, &BTreeSet<MemberId>)> {
        self.queue.filter(|(_, members)| !members.is_empty())
    }
}

impl Reminders {
    /// The first time that is known without the settings, of what was not dealt with.
    pub fn first(&self) -> Option<Timestamp> {
        let times = [self.rest.map(|rest| rest.until), self.follow_up];
        times.into_iter().flatten().filter(|at| *at > self.reminded).min()
    }

    /// Since when the contact waits.
    pub fn waits_since(&self) -> Option<Timestamp> {
        self.waiting.map(|waiting| waiting.since)
    }

    /// What comes due for a member who has the conversation on their dashboard, and when; what they have dealt with is not
    /// among it.
    pub fn due(&self, setting: &Setting<'_>) -> Vec<(Timestamp, Reminder)> {
        let all = self.rest_ended(setting).into_iter().chain(self.come_back()).chain(self.overdue(setting));
        all.filter(|(at, _)| *at > self.reminded).collect()
    }

    /// Who let it rest is told, and who is assigned.
    fn rest_ended(&self, setting: &Setting<'_>) -> Option<(Timestamp, Reminder)> {
        let rest = self.rest?;
        let told = rest.by == setting.me || setting.effective().any(|member| member == setting.me);
        told.then_some((rest.until, Reminder::SnoozeEnded { snooze: rest.snooze, by: rest.by }))
    }

    fn come_back(&self) -> Option<(Timestamp, Reminder)> {
        self.follow_up.map(|at| (at, Reminder::FollowUp))
    }

    /// Whom the message concerned in the first place.
    fn overdue(&self, setting: &Setting<'_>) -> Option<(Timestamp, Reminder)> {
        let Waiting { message, order, since } = self.waiting?;
        if setting.within.is_zero() || !setting.is_told() {
            return None;
        }
        let queue = setting.asked_queue().map(|(queue, _)| queue);
        let reminder = Reminder::ReplyOverdue { message, order, since, within: setting.within, queue };
        Some((since.after(setting.within), reminder))
    }
}

impl Reminder {
    /// The id of a member's alert of it: the same on all of their devices, since there is one per member and cause (R15).
    pub fn id(&self, member: MemberId, document: DocumentId, at: Timestamp) -> AlertId {
        let digest = Sha256::new().chain_update(b"reminder").chain_update(member.0).chain_update(document.0);
        let digest = match self {
            Reminder::SnoozeEnded { snooze, .. } => digest.chain_update(b"rest").chain_update(snooze.0),
            Reminder::FollowUp => digest.chain_update(b"follow").chain_update(at.millis().to_be_bytes()),
            Reminder::ReplyOverdue { message, .. } => digest.chain_update(b"reply").chain_update(message.0),
        };
        let mut id = [0u8; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        AlertId(id)
    }
}
