//! Commands of what one is told: reminders, mutes, quiet hours, and why.

use std::{collections::BTreeSet, time::Duration};

use clap::{Args, Subcommand};
use jiff::{civil, tz::TimeZone};
use offdesk_core::{
    alerts::quiet::{QuietHours, QuietSpan},
    engine::{FOR_GOOD, Mute, Offdesk},
    model::MessageKind,
    time::Timestamp,
    triage::{ActiveAlert, Explanation, Shows},
};
use serde_json::json;

use crate::{device::Failure, names, output::Output, words};

#[derive(Debug, Subcommand)]
pub(crate) enum Told {
    /// Reminds you of a conversation.
    FollowUp {
        /// The contact's name or phone, or the conversation's id.
        conversation: String,
        #[command(flatten)]
        when: Ahead,
    },
    /// Keeps alerts from being shown and counted: of a conversation, of a queue, or all.
    Mute {
        /// The contact's name or phone, or the conversation's id; without it and without a queue: everything.
        conversation: Option<String>,
        /// A queue, by its name.
        #[arg(long, conflicts_with = "conversation")]
        queue: Option<String>,
        #[command(flatten)]
        when: Ahead,
    },
    /// Sets when you are not to be disturbed; without a time: shows it.
    QuietHours {
        /// When they begin, such as 22:00.
        #[arg(long, requires = "to")]
        from: Option<civil::Time>,
        /// When they end, such as 07:00: on the next day, if that is earlier.
        #[arg(long, requires = "from")]
        to: Option<civil::Time>,
        /// On which days they begin: 1 is Monday, 7 Sunday.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5, 6, 7])]
        days: Vec<i8>,
        /// The time zone; the system's, unless named.
        #[arg(long)]
        zone: Option<String>,
        /// No quiet hours any more.
        #[arg(long, conflicts_with_all = ["from", "to"])]
        none: bool,
    },
    /// Says why you are told of something.
    Explain {
        /// The alert's id, or the beginning of it.
        alert: String,
    },
    /// Says why you were not told of a message.
    WhyNot {
        /// The contact's name or phone, or the conversation's id.
        conversation: String,
        /// The message's id, or the beginning of it; without it: the contact's last.
        message: Option<String>,
    },
    /// Lists what you will be told though nothing happens.
    NextAlerts {
        /// How far ahead to look.
        #[arg(long, default_value_t = 24)]
        hours: u32,
    },
}

/// A time to come.
#[derive(Debug, Args)]
pub(crate) struct Ahead {
    /// So many minutes from now.
    #[arg(long, conflicts_with = "none")]
    minutes: Option<u32>,
    /// Not any more.
    #[arg(long)]
    none: bool,
}

impl Ahead {
    fn at(&self, now: Timestamp) -> Option<Timestamp> {
        self.minutes.map(|minutes| now.after(Duration::from_secs(60) * minutes))
    }
}

/// Runs a command. Whether it changed something that is to be sent.
pub(crate) fn run(device: &Offdesk, out: Output, now: Timestamp, told: Told) -> Result<bool, Failure> {
    match told {
        Told::FollowUp { conversation, when } => {
            let at = when.at(now);
            if at.is_none() && !when.none {
                return Err(Failure::Usage("say when: --minutes 90, or --none".into()));
            }
            device.follow_up(names::conversation(device, &conversation)?, at)?;
            let line = at.map_or("no reminder".into(), |at| format!("you are reminded at {}", words::clock(at, now)));
            out.say(&json!({ "follow_up": at }), || vec![line]).map(|()| true)
        }
        Told::Mute { conversation, queue, when } => {
            let what = match (conversation, queue) {
                (Some(typed), _) => Mute::Conversation(names::conversation(device, &typed)?),
                (None, Some(name)) => {
                    let queues = device.settings()?.queues;
                    let found = queues.iter().find(|(_, queue)| queue.name.eq_ignore_ascii_case(&name));
                    Mute::Queue(*found.ok_or_else(|| Failure::Name(format!("there is no queue '{name}'")))?.0)
                }
                (None, None) => Mute::Everything,
            };
            let until = if when.none { None } else { Some(when.at(now).unwrap_or(FOR_GOOD)) };
            device.mute(what, until)?;
            let line = match until {
                None => "not muted".into(),
                Some(FOR_GOOD) => "muted".into(),
                Some(until) => format!("muted until {}", words::clock(until, now)),
            };
            out.say(&json!({ "muted_until": until }), || vec![line]).map(|()| true)
        }
        Told::QuietHours { from, to, days, zone, none } => quiet(device, out, from.zip(to), days, zone, none),
        Told::Explain { alert } => {
            let why = device.explain(names::alert(device, &alert)?.alert.id)?;
            explained(out, &why).map(|()| false)
        }
        Told::WhyNot { conversation, message } => {
            let id = names::conversation(device, &conversation)?;
            let messages = device.conversation(id)?.messages;
            let found = match message {
                Some(typed) => messages.iter().find(|known| known.id.to_string().starts_with(&typed.to_uppercase())),
                None => messages.iter().rev().find(|known| known.kind == MessageKind::Inbound),
            };
            let message = found.ok_or_else(|| Failure::Name("there is no such message".into()))?.id;
            explained(out, &device.why_not(id, message)?).map(|()| false)
        }
        Told::NextAlerts { hours } => {
            let coming = device.next_alerts(now.after(Duration::from_secs(3600) * hours))?;
            let said: Vec<_> = coming.iter().map(|next| json!({ "at": next.at, "alert": next.alert })).collect();
            let line = |next: &offdesk_core::engine::Scheduled| {
                format!("{:>12}  {:<20}  {}", words::clock(next.at, now), next.alert.contact_name, next.alert.text)
            };
            out.say(&json!({ "coming": said }), || coming.iter().map(line).collect()).map(|()| false)
        }
    }
}

fn quiet(
    device: &Offdesk,
    out: Output,
    span: Option<(civil::Time, civil::Time)>,
    days: Vec<i8>,
    zone: Option<String>,
    none: bool,
) -> Result<bool, Failure> {
    if let Some((from, to)) = span {
        let system = || TimeZone::system().iana_name().unwrap_or("UTC").to_owned();
        let spans = vec![QuietSpan { days: days.into_iter().collect::<BTreeSet<_>>(), from, to }];
        device.set_quiet_hours(Some(&QuietHours { zone: zone.unwrap_or_else(system), spans }))?;
    } else if none {
        device.set_quiet_hours(None)?;
    }
    let quiet = device.peace()?.quiet;
    let lines = || match &quiet {
        None => vec!["no quiet hours".into()],
        Some(quiet) => quiet
            .spans
            .iter()
            .map(|span| format!("{} to {}, on days {:?}, in {}", span.from, span.to, span.days, quiet.zone))
            .collect(),
    };
    out.say(&json!({ "quiet_hours": quiet }), lines).map(|()| span.is_some() || none)
}

fn explained(out: Output, why: &Explanation) -> Result<(), Failure> {
    let said = json!({ "rule": why.rule, "sentences": why.sentences, "facts": why.facts });
    out.say(&said, || {
        let facts = why.facts.iter().map(|(name, value)| format!("{name:>20}  {value}"));
        why.sentences.iter().cloned().chain(facts).collect()
    })
}

/// How an alert shows, for its line in a list.
pub(crate) fn shows(active: &ActiveAlert, now: Timestamp) -> String {
    match active.shows {
        Shows::Now | Shows::Silently => String::new(),
        Shows::At(at) => format!("  (held until {})", words::clock(at, now)),
        Shows::Muted => "  (muted)".into(),
    }
}
