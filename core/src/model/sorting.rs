//! What members sort conversations by, beside what is said in them: snoozes, priority, queue; and what the relay knows of
//! the campaign or checkout that a conversation comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{IntentId, MemberId, MessageId, QueueId},
    model::Conversation,
    time::Timestamp,
};

/// How urgent a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// As most.
    #[default]
    Normal,
    /// Before others.
    High,
    /// First of all.
    Urgent,
}

impl Priority {
    /// Every priority, the lowest first.
    pub const ALL: [Priority; 4] = [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];

    /// The name in documents and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| priority.name() == name)
    }
}

/// One snooze: the conversation rests until a time, or until the contact writes (R20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Its id.
    pub id: IntentId,
    /// By whom.
    pub by: MemberId,
    /// When, by their clock.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The last inbound message that they knew of: a later one ends the snooze.
    pub seen: Option<MessageId>,
}

/// The end of one snooze before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waking {
    /// The snooze that it ends.
    pub snooze: IntentId,
    /// Its id.
    pub id: IntentId,
    /// By whom.
    pub by: MemberId,
    /// When, by their clock.
    pub at: Timestamp,
}

/// What a conversation is sorted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sorting {
    /// Every snooze.
    pub snoozes: Vec<Snooze>,
    /// Every end of one before its time.
    pub wakings: Vec<Waking>,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue that it is in.
    pub queue: Option<QueueId>,
    /// Of the campaign or checkout that it comes from, such as `campaign.name` (R24). The relay's to write.
    pub details: BTreeMap<String, String>,
}

impl Sorting {
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The snoozes that nobody ended before their time.
    pub fn standing_snoozes(&self) -> impl Iterator<Item = &Snooze> {
        self.snoozes.iter().filter(|snooze| !self.wakings.iter().any(|waking| waking.snooze == snooze.id))
    }
}

impl Conversation {
    /// The snooze that counts, given the last inbound message in the relay's order: of those that stand and know of that
    /// message the one that lasts longest (R20). Whether its time has come is for the caller's clock.
    pub fn snooze(&self, last_inbound: Option<MessageId>) -> Option<&Snooze> {
        let knowing = self.sorting.standing_snoozes().filter(|snooze| snooze.seen == last_inbound);
        knowing.max_by_key(|snooze| (snooze.until, snooze.id))
    }
}
