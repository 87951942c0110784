//! The arguments of `admin queue`, `canned`, `hours`, `engagement` and `automation`.

use std::time::Duration;

use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use offdesk_core::model::{
    Origin,
    settings::{
        Handler, OutsideHours,
        hours::{Date, Day, Span, Spans},
    },
};

use crate::config::parse_time;

#[derive(Debug, Subcommand)]
pub(in crate::cli::admin) enum QueueCommand {
    /// Add a queue.
    Add {
        /// Its name.
        #[arg(long)]
        name: String,
        /// A member on it; without any it is everybody's.
        #[arg(long = "member", value_name = "MEMBER")]
        members: Vec<String>,
        /// The hours in which somebody is there, by their name.
        #[arg(long)]
        hours: Option<String>,
        /// How long a customer may wait for a reply before the assigned are reminded, such as 1h; 0s is for ever.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        reply_within: Option<Duration>,
    },
    /// List queues.
    List,
    /// Change a queue.
    Set {
        /// Its name or id.
        queue: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        /// A member to put on it.
        #[arg(long = "add-member", value_name = "MEMBER")]
        add_members: Vec<String>,
        /// A member to take off it.
        #[arg(long = "remove-member", value_name = "MEMBER")]
        remove_members: Vec<String>,
        /// Its hours' name, or `none`.
        #[arg(long)]
        hours: Option<String>,
        /// How long a customer may wait for a reply.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        reply_within: Option<Duration>,
        /// Customers may wait as long as in all the workspace.
        #[arg(long, conflicts_with = "reply_within")]
        reply_within_default: bool,
    },
    /// Let no conversation be moved to a queue any more; those in it stay.
    Archive {
        /// Its name or id.
        queue: String,
    },
    /// Take an archived queue into use again.
    Restore {
        /// Its name or id.
        queue: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli::admin) enum CannedCommand {
    /// Add a canned response.
    Add {
        /// What is typed to get it: one word.
        #[arg(long)]
        shortcut: String,
        /// The text, with variables such as {contact.first_name|there}.
        #[arg(long)]
        text: String,
    },
    /// List canned responses.
    List,
    /// Change a canned response.
    Set {
        /// Its shortcut or id.
        canned: String,
        /// A new shortcut.
        #[arg(long)]
        shortcut: Option<String>,
        /// A new text.
        #[arg(long)]
        text: Option<String>,
    },
    /// Remove a canned response.
    Remove {
        /// Its shortcut or id.
        canned: String,
    },
    /// Show what a canned response, or a text that is to become one, looks like.
    Preview {
        /// Its shortcut or id.
        #[arg(required_unless_present = "text")]
        canned: Option<String>,
        /// A text instead.
        #[arg(long, conflicts_with = "canned")]
        text: Option<String>,
        /// The customer's name.
        #[arg(long, default_value = "Mara Lindgren")]
        contact: String,
        /// The member who inserts it, by name or id.
        #[arg(long)]
        member: Option<String>,
    },
}

/// `mon-fri=09:00-12:00,13:00-17:30`.
#[derive(Clone, Debug)]
pub(in crate::cli::admin) struct Open {
    pub(in crate::cli::admin) days: Vec<Day>,
    pub(in crate::cli::admin) spans: Spans,
}

/// `sat-sun`.
#[derive(Clone, Debug)]
pub(in crate::cli::admin) struct Days(pub(in crate::cli::admin) Vec<Day>);

fn parse_open(text: &str) -> Result<Open, String> {
    let (days, spans) = text.split_once('=').ok_or("write days and times, such as mon-fri=09:00-17:30")?;
    let spans = spans.replace(',', " ").parse().map_err(|error| format!("{error}"))?;
    Ok(Open { days: parse_days(days)?.0, spans })
}

/// A day of the week, or several as `mon-fri`.
fn parse_days(text: &str) -> Result<Days, String> {
    let day = |name: &str| {
        let known = Day::ALL.iter().position(|day| day.name() == name.trim().to_ascii_lowercase());
        known.ok_or_else(|| format!("'{name}' is no day: write mon, tue, wed, thu, fri, sat or sun"))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    if first > last {
        return Err(format!("'{text}' runs backwards: the week begins on mon"));
    }
    Ok(Days(Day::ALL[first..=last].to_vec()))
}

fn parse_date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn parse_datum(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not of the form NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_span(text: &str) -> Result<Span, String> {
    text.parse().map_err(|error| format!("{error}"))
}

#[derive(Debug, Subcommand)]
pub(in crate::cli::admin) enum HoursCommand {
    /// Add opening hours.
    Add {
        /// Their name.
        #[arg(long)]
        name: String,
        /// The time zone, such as America/New_York.
        #[arg(long)]
        zone: String,
        /// When it is open, such as mon-fri=09:00-12:00,13:00-17:30.
        #[arg(long = "open", value_parser = parse_open, value_name = "DAYS=TIMES")]
        open: Vec<Open>,
        /// A date on which it is closed, such as 2026-12-25.
        #[arg(long = "closed", value_parser = parse_date, value_name = "DATE")]
        closed: Vec<Date>,
    },
    /// List opening hours.
    List,
    /// Change opening hours.
    Set {
        /// Their name or id.
        hours: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        /// Another time zone.
        #[arg(long)]
        zone: Option<String>,
        /// When it is open on these days, instead of what was.
        #[arg(long = "open", value_parser = parse_open, value_name = "DAYS=TIMES")]
        open: Vec<Open>,
        /// Days on which it is not open any more, such as sat-sun.
        #[arg(long = "shut", value_parser = parse_days, value_name = "DAYS")]
        shut: Vec<Days>,
        /// A date on which it is closed.
        #[arg(long = "closed", value_parser = parse_date, value_name = "DATE")]
        closed: Vec<Date>,
        /// A date on which it is open as always.
        #[arg(long = "not-closed", value_parser = parse_date, value_name = "DATE")]
        not_closed: Vec<Date>,
    },
    /// Remove opening hours that no queue has.
    Remove {
        /// Their name or id.
        hours: String,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli::admin) struct EngagementFields {
    /// How long a visitor is there before they are greeted, such as 20s.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(in crate::cli::admin) delay: Option<Duration>,
    /// The queue that its conversations enter, by its name, or `none`.
    #[arg(long)]
    pub(in crate::cli::admin) queue: Option<String>,
    /// What it does outside the queue's hours.
    #[arg(long, value_parser = PossibleValuesParser::new(["hide", "greet", "away"]).try_map(|name| OutsideHours::from_name(&name).ok_or("unknown")))]
    pub(in crate::cli::admin) outside_hours: Option<OutsideHours>,
    /// What it says then, if that is `away`.
    #[arg(long)]
    pub(in crate::cli::admin) away: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli::admin) enum EngagementCommand {
    /// Add an engagement. It greets once it is enabled.
    Add {
        /// Its name.
        #[arg(long)]
        name: String,
        /// On which pages: an address in which * stands for anything.
        #[arg(long)]
        page: String,
        /// What it says, with the variable {workspace.name}.
        #[arg(long)]
        greeting: String,
        #[command(flatten)]
        fields: EngagementFields,
    },
    /// List engagements.
    List,
    /// Change an engagement.
    Set {
        /// Its name or id.
        engagement: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        /// On which pages.
        #[arg(long)]
        page: Option<String>,
        /// What it says.
        #[arg(long)]
        greeting: Option<String>,
        #[command(flatten)]
        fields: EngagementFields,
    },
    /// Let it greet.
    Enable {
        /// Its name or id.
        engagement: String,
    },
    /// Let it greet no more.
    Disable {
        /// Its name or id.
        engagement: String,
    },
    /// Remove an engagement.
    Remove {
        /// Its name or id.
        engagement: String,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli::admin) struct AutomationFields {
    /// How long after the event it sends, such as 1h.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(in crate::cli::admin) delay: Option<Duration>,
    /// A member whom it assigns.
    #[arg(long = "add-member", value_name = "MEMBER")]
    pub(in crate::cli::admin) add_members: Vec<String>,
    /// A member whom it assigns no more.
    #[arg(long = "remove-member", value_name = "MEMBER")]
    pub(in crate::cli::admin) remove_members: Vec<String>,
    /// Whether it assigns the contact's record owner.
    #[arg(long, value_name = "YES_OR_NO")]
    pub(in crate::cli::admin) record_owner: Option<bool>,
    /// Whether those whom it assigns are alerted of that.
    #[arg(long, value_name = "YES_OR_NO")]
    pub(in crate::cli::admin) alert: Option<bool>,
    /// Where its conversations come from.
    #[arg(long, value_parser = PossibleValuesParser::new(["direct", "campaign", "cart_recovery"]).try_map(|name| Origin::from_name(&name).ok_or("unknown")))]
    pub(in crate::cli::admin) origin: Option<Origin>,
    /// Who answers the contact.
    #[arg(long, value_parser = PossibleValuesParser::new(["human", "ai"]).try_map(|name| Handler::from_name(&name).ok_or("unknown")))]
    pub(in crate::cli::admin) handler: Option<Handler>,
    /// When nothing is sent, by the recipient's clock, such as 21:00-08:00.
    #[arg(long, value_parser = parse_span, value_name = "TIMES")]
    pub(in crate::cli::admin) quiet: Option<Span>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli::admin) enum AutomationCommand {
    /// Add an automation. It works once it is enabled.
    Add {
        /// Its name.
        #[arg(long)]
        name: String,
        /// The event that sets it off, such as abandoned_checkout.
        #[arg(long)]
        event: String,
        /// What it sends, with variables such as {contact.first_name|there} and {data.cart_url}.
        #[arg(long)]
        template: String,
        #[command(flatten)]
        fields: AutomationFields,
    },
    /// List automations.
    List,
    /// Change an automation.
    Set {
        /// Its name or id.
        automation: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        /// The event that sets it off.
        #[arg(long)]
        event: Option<String>,
        /// What it sends.
        #[arg(long)]
        template: Option<String>,
        #[command(flatten)]
        fields: AutomationFields,
        /// It sends at any time of the day.
        #[arg(long, conflicts_with = "quiet")]
        not_quiet: bool,
    },
    /// Print the secret that events are signed with; the first time, it is made.
    Secret {
        /// Make a new one: what is signed with the former is refused from then on.
        #[arg(long)]
        new: bool,
    },
    /// List what automations did about events, and what waits, the latest first.
    Runs {
        /// How many at most.
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: u32,
    },
    /// Have an automation act now, enabled or not and without its delay, as if its event had come.
    Run {
        /// Its name or id.
        automation: String,
        /// The contact's phone.
        #[arg(long, value_name = "PHONE")]
        phone: String,
        /// The contact's name, if they are new.
        #[arg(long)]
        name: Option<String>,
        /// What the event brings, such as cart_url=https://shop.example/c/7.
        #[arg(long = "data", value_parser = parse_datum, value_name = "NAME=VALUE")]
        data: Vec<(String, String)>,
        /// From which of our numbers; the first if left out.
        #[arg(long, value_name = "PHONE")]
        from: Option<String>,
        /// The event's id: a second one of the same changes nothing. Without one, a fresh one.
        #[arg(long)]
        id: Option<String>,
    },
    /// Let it work.
    Enable {
        /// Its name or id.
        automation: String,
    },
    /// Let it work no more.
    Disable {
        /// Its name or id.
        automation: String,
    },
    /// Remove an automation.
    Remove {
        /// Its name or id.
        automation: String,
    },
}
