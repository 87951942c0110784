//! What a member is told now: the alerts that stand and the reminders that are due, with their mutes and quiet hours held
//! against them (R15, R16). Pure, and without a network: the same state and time give the same on every device of theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    alerts::{
        Alert, Why,
        quiet::QuietHours,
        reminders::{Reminder, Setting},
    },
    ids::{DocumentId, MemberId, QueueId},
    model::{Directory, Settings},
    protocol::{Muted, RegisterContent, RegisterKey},
    time::Timestamp,
    triage::row::{ActiveAlert, ConversationRow, Shows},
};

/// What a member chose not to be disturbed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peace {
    /// When they are not to be disturbed.
    pub quiet: Option<QuietHours>,
    /// What they muted, until when.
    pub mutes: BTreeMap<Muted, Timestamp>,
}

impl Peace {
    /// Reads a member's registers; what is none of theirs is passed over.
    pub fn of(registers: impl IntoIterator<Item = (RegisterKey, RegisterContent)>) -> Self {
        let mut peace = Self::default();
        for (key, content) in registers {
            match (key, content) {
                // Unreadable quiet hours are a newer client's: better disturbed than never told.
                (RegisterKey::QuietHours, RegisterContent::Text(text)) => {
                    peace.quiet = QuietHours::parse(&text).ok().flatten();
                }
                (RegisterKey::Muted(what), RegisterContent::Time(until)) if until > Timestamp(0) => {
                    peace.mutes.insert(what, until);
                }
                _ => {}
            }
        }
        peace
    }

    /// The mute that keeps what was raised at `at` in a conversation from being told.
    pub fn mute_of(&self, at: Timestamp, document: DocumentId, queue: Option<QueueId>) -> Option<(Muted, Timestamp)> {
        let keys = [Some(Muted::Everything), Some(Muted::Conversation(document)), queue.map(Muted::Queue)];
        let mutes = keys.into_iter().flatten().filter_map(|key| Some((key, *self.mutes.get(&key)?)));
        mutes.filter(|(_, until)| at < *until).max_by_key(|(_, until)| *until)
    }

    /// When what was raised at `at` first shows; `None` if it never does.
    pub fn first_shows(&self, at: Timestamp, document: DocumentId, queue: Option<QueueId>) -> Option<Timestamp> {
        if self.mute_of(at, document, queue).is_some() {
            return None;
        }
        Some(self.quiet_until(at).unwrap_or(at))
    }

    /// Whether what was raised at `at` shows now.
    pub fn shows(&self, at: Timestamp, document: DocumentId, queue: Option<QueueId>, now: Timestamp) -> Shows {
        match self.first_shows(at, document, queue) {
            None => Shows::Muted,
            Some(first) if first > now && first > at => Shows::At(first),
            Some(_) if self.quiet_until(now).is_some() => Shows::Silently,
            Some(_) => Shows::Now,
        }
    }

    fn quiet_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.quiet.as_ref()?.until(at)
    }
}

/// Whose device it is, and by what it decides.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The member.
    pub me: MemberId,
    /// The members and roles.
    pub directory: Arc<Directory>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// What they chose not to be disturbed by.
    pub peace: Peace,
}

/// What a member is told, and when that changes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What stands, the latest first; of each whether it shows.
    pub alerts: Vec<ActiveAlert>,
    /// What will show later, the next first: held until quiet hours end, or not due yet.
    pub coming: Vec<(Timestamp, ActiveAlert)>,
    /// The next time at which something of this changes without anything happening.
    pub next: Option<Timestamp>,
}

impl Told {
    /// `standing` are the relay's alerts that stand, each with the queue of its conversation, `rows` the conversations on the
    /// dashboard in which something comes due.
    pub fn new(
        standing: Vec<(ActiveAlert, Option<QueueId>)>,
        rows: &[ConversationRow],
        viewer: &Viewer,
        now: Timestamp,
    ) -> Self {
        let mut told = Self::default();
        for (active, queue) in standing {
            told.add(active, queue, &viewer.peace, now);
        }
        for row in rows {
            for active in reminders(row, viewer) {
                if active.alert.at > now {
                    told.add_coming(active, row.queue, &viewer.peace);
                } else {
                    told.add(active, row.queue, &viewer.peace, now);
                }
            }
        }
        told.alerts.sort_by_key(|active| (std::cmp::Reverse(active.alert.at), active.alert.id));
        told.coming.sort_by_key(|(at, active)| (*at, active.alert.id));
        let silent = told.alerts.iter().any(|active| active.shows == Shows::Silently);
        let quiet_ends = viewer.peace.quiet_until(now).filter(|_| silent);
        told.next = told.coming.first().map(|(at, _)| *at).into_iter().chain(quiet_ends).min();
        told
    }

    fn add(&mut self, mut active: ActiveAlert, queue: Option<QueueId>, peace: &Peace, now: Timestamp) {
        active.shows = peace.shows(active.alert.at, active.document, queue, now);
        if let Shows::At(at) = active.shows {
            self.coming.push((at, active.clone()));
        }
        self.alerts.push(active);
    }

    fn add_coming(&mut self, mut active: ActiveAlert, queue: Option<QueueId>, peace: &Peace) {
        if let Some(first) = peace.first_shows(active.alert.at, active.document, queue) {
            active.shows = Shows::At(first);
            self.coming.push((first, active));
        }
    }

    /// How many show: what the badge says.
    pub fn badge(&self) -> usize {
        self.alerts.iter().filter(|active| active.shows.is_shown()).count()
    }
}

/// What came due or will come due in a conversation for the viewer, as alerts.
pub fn reminders(row: &ConversationRow, viewer: &Viewer) -> Vec<ActiveAlert> {
    let assignees: BTreeSet<MemberId> = row.assignees.keys().copied().collect();
    // An archived queue is nobody's any more: what is left in it is everybody's.
    let queue = row.queue.and_then(|id| Some((id, viewer.settings.queues.get(&id)?)));
    let queue = queue.filter(|(_, queue)| !queue.archived).map(|(id, queue)| (id, &queue.members));
    let setting = Setting {
        me: viewer.me,
        document: row.document,
        assignees: &assignees,
        queue,
        within: viewer.settings.reply_within(row.queue),
        directory: &viewer.directory,
    };
    let due = row.reminders.due(&setting).into_iter();
    due.map(|(at, reminder)| ActiveAlert {
        document: row.document,
        conversation: row.conversation,
        contact_name: row.contact_name.clone(),
        text: text(&reminder, viewer),
        alert: Alert {
            id: reminder.id(viewer.me, row.document, at),
            member: Some(viewer.me),
            at,
            why: Why::Reminder(reminder),
        },
        shows: Shows::Now,
    })
    .collect()
}

/// The shortest time that a contact may wait anywhere; `None` if they may for ever.
pub fn shortest_wait(settings: &Settings) -> Option<Duration> {
    let queues = settings.queues.keys().map(|queue| settings.reply_within(Some(*queue)));
    queues.chain([settings.reply_within(None)]).filter(|within| !within.is_zero()).min()
}

fn text(reminder: &Reminder, viewer: &Viewer) -> String {
    match reminder {
        Reminder::SnoozeEnded { by, .. } if *by == viewer.me => "Its rest has ended".into(),
        Reminder::SnoozeEnded { by, .. } => {
            format!("The rest that {} gave it has ended", viewer.directory.name_of(*by))
        }
        Reminder::FollowUp => "You wanted to come back to this".into(),
        Reminder::ReplyOverdue { within, .. } => format!("No reply for {}", in_words(*within)),
    }
}

/// A span of time for people: of its units the largest two.
pub fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut left = seconds;
    let mut words = Vec::new();
    for (unit, name) in units {
        let count = left / unit;
        left %= unit;
        if count > 0 && words.len() < 2 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        } else if !words.is_empty() {
            break;
        }
    }
    if words.is_empty() { "no time".into() } else { words.join(" ") }
}
