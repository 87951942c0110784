//! Why a member is told of something, and why they are not (R16), in plain words with the facts and the rule.
//!
//! What the relay decided stands in the alert. What it did not decide leaves no trace, so *why not* is worked out from what
//! is here: who was assigned when the message came follows from the events and replies before it; members, roles, queues,
//! mutes and blocking are known as of now only, and the words say so.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::{
    alerts::{Alert, Why, moot::Moot, reminders::Reminder},
    ids::{MemberId, MessageId, QueueId},
    model::{DashboardAccess, MessageKind},
    policy::Access,
    protocol::{Deed, Fact, FactBody, Muted, Seq},
    time::Timestamp,
    triage::{
        project::{Registers, effective, moot},
        row::{ConversationRow, MessageView, Shows},
        told::{Viewer, in_words},
    },
};

/// An answer in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The number of the rule that decided.
    pub rule: &'static str,
    /// What happened and why, sentence by sentence.
    pub sentences: Vec<String>,
    /// What it stood on: names and values.
    pub facts: Vec<(&'static str, String)>,
}

/// What an explanation is made from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Whose alerts they are, and by what it is decided.
    pub viewer: &'a Viewer,
    /// The conversation.
    pub row: &'a ConversationRow,
    /// What was said in it.
    pub messages: &'a [MessageView],
    /// What the relay knows of it.
    pub facts: &'a [Fact],
    /// What the member marked in it.
    pub registers: &'a Registers,
    /// The zone in which times are told (R41).
    pub zone: &'a TimeZone,
    /// Now.
    pub now: Timestamp,
}

impl Ground<'_> {
    /// Why an alert was raised, and whether and how it stands.
    pub fn explain(&self, alert: &Alert) -> Explanation {
        let mut sentences = vec![self.raised(alert)];
        sentences.push(match self.moot_of(alert) {
            Some(moot) => self.ended(moot),
            None => self.shown(alert.at),
        });
        let mut facts = vec![("raised", self.clock(alert.at)), ("conversation with", self.row.contact_name.clone())];
        facts.extend(alert.why.cause().map(|cause| ("cause", cause.to_string())));
        facts.push(("assigned now", self.names(&effective(self.row, &self.viewer.directory))));
        facts.push(("alert", alert.id.to_string()));
        Explanation { rule: alert.why.rule(), sentences, facts }
    }

    /// Why this member was not told of a message, or that they were; `None` if it is not in the conversation.
    pub fn why_not(&self, message: MessageId) -> Option<Explanation> {
        let message = self.messages.iter().find(|known| known.id == message)?;
        let told = self.facts.iter().find_map(|fact| match &fact.body {
            FactBody::Alert(alert) if alert.why.cause() == Some(message.id) => Some(alert),
            _ => None,
        });
        if let Some(alert) = told {
            let mut explained = self.explain(alert);
            explained.sentences.insert(0, "You were told of it.".into());
            return Some(explained);
        }
        let (rule, sentence) = match message.kind {
            MessageKind::Outbound => {
                ("R11", "Nobody is told of what the company writes, only of what the contact does.".into())
            }
            MessageKind::Note => self.not_called(message),
            MessageKind::Inbound => self.not_told(message),
        };
        let at_that_time = message.order.map(|order| self.assigned_at(order));
        let mut facts = vec![("message", message.id.to_string()), ("came", self.clock(message.at))];
        facts.extend(at_that_time.map(|assigned| ("assigned then", self.names(&assigned))));
        Some(Explanation { rule, sentences: vec![sentence], facts })
    }

    fn not_called(&self, note: &MessageView) -> (&'static str, String) {
        let me = self.viewer.me;
        let words = if note.by == Some(me) {
            "It is your own note."
        } else if !note.mentions.contains(&me) {
            "A note is told only to those whom it mentions, and it doesn't mention you."
        } else if note.order.is_none() {
            "The note has not reached the relay yet."
        } else {
            "It mentions you, but the conversation was not on your dashboard when it was written: through a contact's record \
             nobody is told of anything (R7)."
        };
        ("R26", words.into())
    }

    fn not_told(&self, message: &MessageView) -> (&'static str, String) {
        let (me, directory) = (self.viewer.me, &self.viewer.directory);
        let contact = &self.row.contact_name;
        let Some(order) = message.order else {
            return ("R11", "The message has not reached the relay yet.".into());
        };
        if self.row.blocked {
            return ("R26", format!("{contact} is blocked as spam, as of now: nobody is told of what they write."));
        }
        let dashboard = Access::of(directory, me).map(|access| access.dashboard);
        if matches!(dashboard, None | Some(DashboardAccess::None)) {
            return (
                "R6",
                "You have no dashboard, as of now, and without one there are no alerts of conversations.".into(),
            );
        }
        let assigned = self.assigned_at(order);
        if assigned.contains(&me) {
            let words = "You were assigned when it came, and would have been told with your access of now: it must have \
                         been another then.";
            return ("R8", words.into());
        }
        let counted: BTreeSet<MemberId> = assigned.into_iter().filter(|member| self.counts(*member)).collect();
        if !counted.is_empty() {
            let (names, verb) = (self.names(&counted), if counted.len() == 1 { "was" } else { "were" });
            return ("R13", format!("{names} {verb} assigned when it came: then only who is assigned is told."));
        }
        if dashboard != Some(DashboardAccess::All) {
            let words = "Nobody was assigned when it came: then those are told who see all conversations, and you, as of now, \
                         see only what is assigned to you.";
            return ("R12", words.into());
        }
        let queue = self.queue_at(order).and_then(|id| self.viewer.settings.queues.get(&id));
        if let Some(queue) = queue.filter(|queue| !queue.archived && !queue.members.is_empty())
            && !queue.members.contains(&me)
        {
            let name = &queue.name;
            return (
                "R12",
                format!("It came in the queue {name}, whose members are told; you are, as of now, not on it."),
            );
        }
        let words = "Nothing that is known now kept you from being told: your access, the queue or the contact must have been \
                     another when it came.";
        ("R12", words.into())
    }

    fn counts(&self, member: MemberId) -> bool {
        Access::of(&self.viewer.directory, member).is_some_and(|access| access.assignable())
    }

    /// Who was assigned when the relay accepted what has this order.
    fn assigned_at(&self, order: u64) -> BTreeSet<MemberId> {
        let mut deeds: Vec<(Seq, MemberId, bool)> = Vec::new();
        for fact in self.facts {
            let FactBody::Event(event) = &fact.body else { continue };
            for deed in &event.what {
                match deed {
                    Deed::Assigned { member, .. } => deeds.push((event.order, *member, true)),
                    Deed::Unassigned { member } => deeds.push((event.order, *member, false)),
                    _ => {}
                }
            }
        }
        // Who replies is assigned by that (R17), and no event says so.
        let replies = self.messages.iter().filter(|message| message.kind == MessageKind::Outbound);
        deeds.extend(replies.filter_map(|message| Some((message.order?, message.by?, true))));
        deeds.sort_by_key(|(at, ..)| *at);
        let mut assigned = BTreeSet::new();
        for (_, member, is) in deeds.into_iter().filter(|(at, ..)| *at < order) {
            if is {
                assigned.insert(member)
            } else {
                assigned.remove(&member)
            };
        }
        assigned
    }

    fn queue_at(&self, order: u64) -> Option<QueueId> {
        let moves = self.facts.iter().filter_map(|fact| match &fact.body {
            FactBody::Event(event) if event.order < order => event.what.iter().rev().find_map(|deed| match deed {
                Deed::Moved { queue } => Some((event.order, *queue)),
                _ => None,
            }),
            _ => None,
        });
        moves.max_by_key(|(at, _)| *at).and_then(|(_, queue)| queue)
    }

    fn raised(&self, alert: &Alert) -> String {
        let (contact, directory) = (&self.row.contact_name, &self.viewer.directory);
        match &alert.why {
            Why::Assigned { .. } => format!("You were assigned when {contact} wrote, so you were told (R11)."),
            Why::Unassigned { queue: None, .. } => {
                format!(
                    "Nobody was assigned when {contact} wrote, and you see all conversations, so you were told (R12)."
                )
            }
            Why::Unassigned { queue: Some(queue), .. } => format!(
                "Nobody was assigned when {contact} wrote, and you are on the queue {}, so you were told (R12).",
                self.queue_name(*queue)
            ),
            Why::AssignedBy { by: Some(by), .. } => {
                format!("{} assigned you to the conversation with {contact} (R14).", directory.name_of(*by))
            }
            Why::AssignedBy { by: None, .. } => {
                format!("An automation that says so assigned you to the conversation with {contact} (R14).")
            }
            Why::Mentioned { by: Some(by), .. } => {
                format!("{} mentioned you in a note (R26).", directory.name_of(*by))
            }
            Why::Mentioned { by: None, .. } => "You were mentioned in a note (R26).".into(),
            Why::Reminder(reminder) => self.reminded(reminder, alert.at),
            Why::Newer => "Only a newer version of this app knows why you were told.".into(),
        }
    }

    fn reminded(&self, reminder: &Reminder, at: Timestamp) -> String {
        let (me, at) = (self.viewer.me, self.clock(at));
        match reminder {
            Reminder::SnoozeEnded { by, .. } if *by == me => {
                format!("You let the conversation rest until {at}, and that has come (R16).")
            }
            Reminder::SnoozeEnded { by, .. } => format!(
                "{} let the conversation rest until {at}; that has come, and you are assigned (R16).",
                self.viewer.directory.name_of(*by)
            ),
            Reminder::FollowUp => format!("You wanted to come back to the conversation at {at} (R16)."),
            Reminder::ReplyOverdue { since, within, queue, .. } => {
                let (contact, since, within) = (&self.row.contact_name, self.clock(*since), in_words(*within));
                let whom = if self.row.assignees.contains_key(&me) {
                    "you are assigned".to_owned()
                } else if let Some(queue) = queue {
                    format!("nobody is assigned and you are on the queue {}", self.queue_name(*queue))
                } else {
                    "nobody is assigned and you see all conversations".to_owned()
                };
                format!("{contact} has waited for a reply since {since}, longer than {within}, and {whom} (R16).")
            }
        }
    }

    fn moot_of(&self, alert: &Alert) -> Option<Moot> {
        if let Why::Reminder(_) = alert.why {
            return (alert.at <= self.registers.reminded).then_some(Moot::Dismissed);
        }
        let seq = self.facts.iter().find(|fact| matches!(&fact.body, FactBody::Alert(known) if known.id == alert.id));
        moot(alert, seq?.seq, self.row, self.messages, self.registers, &self.viewer.directory, self.viewer.me)
    }

    fn ended(&self, moot: Moot) -> String {
        match moot {
            Moot::Dismissed => "You have dealt with it, on this device or another.".into(),
            Moot::OutOfSight => "It was taken back: the conversation has left your dashboard (R15).".into(),
            Moot::Read => "It was taken back: you have read it, on this device or another (R15).".into(),
            Moot::Replied => "It was taken back: you have replied since (R15).".into(),
            Moot::Unassigned => "It was taken back: you are not assigned any more (R15).".into(),
            Moot::OthersAssigned => {
                let assigned = effective(self.row, &self.viewer.directory);
                let verb = if assigned.len() == 1 { "is" } else { "are" };
                format!("It was taken back: {} {verb} assigned by now (R13).", self.names(&assigned))
            }
        }
    }

    fn shown(&self, at: Timestamp) -> String {
        let (document, queue) = (self.row.document, self.row.queue);
        if self.row.blocked {
            return format!("It does not show: {} is blocked as spam (R26).", self.row.contact_name);
        }
        let peace = &self.viewer.peace;
        match peace.shows(at, document, queue, self.now) {
            Shows::Now => "It stands and shows.".into(),
            Shows::Silently => "It stands and shows, without a sound while your quiet hours last (R16).".into(),
            Shows::At(end) => format!("It waits for the end of your quiet hours at {} (R16).", self.clock(end)),
            Shows::Muted => match peace.mute_of(at, document, queue) {
                Some((what, until)) => self.muted(what, until),
                None => "It is muted (R16).".into(),
            },
        }
    }

    fn muted(&self, what: Muted, until: Timestamp) -> String {
        let what = match what {
            Muted::Everything => "all alerts".to_owned(),
            Muted::Conversation(_) => "this conversation".to_owned(),
            Muted::Queue(queue) => format!("the queue {}", self.queue_name(queue)),
        };
        if until == Timestamp(i64::MAX) {
            format!("It does not show: you muted {what} (R16).")
        } else {
            format!("It does not show: you muted {what} until {} (R16).", self.clock(until))
        }
    }

    fn queue_name(&self, queue: QueueId) -> &str {
        self.viewer.settings.queues.get(&queue).map_or("that is gone", |queue| queue.name.as_str())
    }

    fn names(&self, members: &BTreeSet<MemberId>) -> String {
        let names: Vec<&str> = members.iter().map(|member| self.viewer.directory.name_of(*member)).collect();
        match names.as_slice() {
            [] => "nobody".into(),
            [one] => (*one).into(),
            [others @ .., last] => format!("{} and {last}", others.join(", ")),
        }
    }

    fn clock(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_millisecond(at.millis()) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
            Err(_) => "a time that is none".into(),
        }
    }
}
