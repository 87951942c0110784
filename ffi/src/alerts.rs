//! What the member is told (R11 to R16).

use offdesk_core::{
    alerts::{self, quiet, reminders::Reminder},
    engine,
    ids::{AlertId, ConversationId, IntentId, MemberId, QueueId},
    time::Timestamp,
    triage,
};

use crate::{error::OffdeskError, lists::live_list};

/// Why a member is told.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum AlertReason {
    /// The contact wrote in a conversation that they are assigned to (R11).
    Assigned {
        /// The message.
        message: IntentId,
    },
    /// The contact wrote in a conversation that nobody is assigned to (R12).
    Unassigned {
        /// The message.
        message: IntentId,
        /// The queue that it was in, if that has members.
        queue: Option<QueueId>,
    },
    /// They were assigned (R14).
    AssignedBy {
        /// By whom; nobody for an automation.
        by: Option<MemberId>,
    },
    /// They were mentioned in a note (R26).
    Mentioned {
        /// By whom.
        by: Option<MemberId>,
        /// In which note.
        message: IntentId,
    },
    /// A rest has ended (R16).
    SnoozeEnded {
        /// Whose it was.
        by: MemberId,
    },
    /// They wanted to come back to it (R16).
    FollowUp,
    /// Nobody has replied in time (R16).
    ReplyOverdue {
        /// The first message that nobody has answered.
        message: IntentId,
        /// Since when the contact waits.
        since: Timestamp,
    },
    /// A reason that only a newer version of the app knows.
    Newer,
}

impl From<alerts::Why> for AlertReason {
    fn from(why: alerts::Why) -> Self {
        use alerts::Why;
        match why {
            Why::Assigned { message, .. } => Self::Assigned { message },
            Why::Unassigned { message, queue, .. } => Self::Unassigned { message, queue },
            Why::AssignedBy { by, .. } => Self::AssignedBy { by },
            Why::Mentioned { by, message, .. } => Self::Mentioned { by, message },
            Why::Reminder(Reminder::SnoozeEnded { by, .. }) => Self::SnoozeEnded { by },
            Why::Reminder(Reminder::FollowUp) => Self::FollowUp,
            Why::Reminder(Reminder::ReplyOverdue { message, since, .. }) => Self::ReplyOverdue { message, since },
            Why::Newer => Self::Newer,
        }
    }
}

/// Whether an alert that stands is to be shown now (R16).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Shows {
    /// Yes.
    Now,
    /// Yes, without a sound.
    Silently,
    /// Not before the quiet hours end.
    Later {
        /// When that is.
        at: Timestamp,
    },
    /// No: the member muted such alerts.
    Muted,
}

impl From<triage::Shows> for Shows {
    fn from(shows: triage::Shows) -> Self {
        match shows {
            triage::Shows::Now => Self::Now,
            triage::Shows::Silently => Self::Silently,
            triage::Shows::At(at) => Self::Later { at },
            triage::Shows::Muted => Self::Muted,
        }
    }
}

/// An alert that stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Alert {
    /// Its id: the same on all of the member's devices.
    pub id: AlertId,
    /// The conversation.
    pub conversation: ConversationId,
    /// What it is headed with: the contact's name.
    pub contact_name: String,
    /// The message's text, or what happened.
    pub text: String,
    /// When it was raised.
    pub at: Timestamp,
    /// Why.
    pub reason: AlertReason,
    /// The number of the rule that raised it, such as `R12`.
    pub rule: String,
    /// Whether it is to be shown.
    pub shows: Shows,
}

impl From<triage::ActiveAlert> for Alert {
    fn from(active: triage::ActiveAlert) -> Self {
        Self {
            id: active.alert.id,
            conversation: active.conversation,
            contact_name: active.contact_name,
            text: active.text,
            at: active.alert.at,
            rule: active.alert.why.rule().to_owned(),
            reason: active.alert.why.into(),
            shows: active.shows.into(),
        }
    }
}

/// Something to be shown at its time, for the system's own scheduler.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ScheduledAlert {
    /// When.
    pub at: Timestamp,
    /// What.
    pub alert: Alert,
}

impl From<engine::Scheduled> for ScheduledAlert {
    fn from(scheduled: engine::Scheduled) -> Self {
        Self { at: scheduled.at, alert: scheduled.alert.into() }
    }
}

/// A fact that an explanation stands on.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ExplainedFact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// An answer to "why was I alerted" or "why was I not", in plain words.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Explanation {
    /// The number of the rule that decided.
    pub rule: String,
    /// What happened and why, sentence by sentence.
    pub sentences: Vec<String>,
    /// What it stood on.
    pub facts: Vec<ExplainedFact>,
}

impl From<triage::Explanation> for Explanation {
    fn from(explanation: triage::Explanation) -> Self {
        let fact = |(name, value): (&str, String)| ExplainedFact { name: name.to_owned(), value };
        Self {
            rule: explanation.rule.to_owned(),
            sentences: explanation.sentences,
            facts: explanation.facts.into_iter().map(fact).collect(),
        }
    }
}

/// What can be muted.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Mute {
    /// All alerts.
    Everything,
    /// Those of a conversation.
    Conversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Those of conversations while they are in a queue.
    Queue {
        /// Which.
        queue: QueueId,
    },
}

impl From<Mute> for engine::Mute {
    fn from(mute: Mute) -> Self {
        match mute {
            Mute::Everything => Self::Everything,
            Mute::Conversation { conversation } => Self::Conversation(conversation),
            Mute::Queue { queue } => Self::Queue(queue),
        }
    }
}

/// A time of the day, on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct QuietSpan {
    /// On which days it begins: 1 is Monday, 7 Sunday.
    pub days: Vec<i8>,
    /// When it begins, such as `22:00`.
    pub from: String,
    /// When it ends: on the next day, if that is no later than it begins.
    pub to: String,
}

/// When a member is not to be disturbed.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct QuietHours {
    /// The time zone, such as `Europe/Berlin`.
    pub zone: String,
    /// When they are.
    pub spans: Vec<QuietSpan>,
}

impl TryFrom<QuietHours> for quiet::QuietHours {
    type Error = OffdeskError;
    fn try_from(hours: QuietHours) -> Result<Self, OffdeskError> {
        let span = |span: QuietSpan| {
            let (from, to) = (time_of_day(&span.from)?, time_of_day(&span.to)?);
            Ok(quiet::QuietSpan { days: span.days.into_iter().collect(), from, to })
        };
        let spans = hours.spans.into_iter().map(span).collect::<Result<_, OffdeskError>>()?;
        Ok(Self { zone: hours.zone, spans })
    }
}

impl From<quiet::QuietHours> for QuietHours {
    fn from(hours: quiet::QuietHours) -> Self {
        let span = |span: quiet::QuietSpan| QuietSpan {
            days: span.days.into_iter().collect(),
            from: span.from.strftime("%H:%M").to_string(),
            to: span.to.strftime("%H:%M").to_string(),
        };
        Self { zone: hours.zone, spans: hours.spans.into_iter().map(span).collect() }
    }
}

fn time_of_day(text: &str) -> Result<jiff::civil::Time, OffdeskError> {
    let no_time = |_| OffdeskError::InvalidValue { reason: format!("'{text}' is no time of day: expected 22:00") };
    text.parse().map_err(no_time)
}

live_list!(
    /// The alerts that show, as they change, also when nothing but time passes: an insert is to be shown, a removal to be
    /// taken back.
    AlertList,
    /// A step of an [`AlertList`].
    AlertStep,
    triage::ActiveAlert => Alert
);
