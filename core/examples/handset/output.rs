//! What commands print: lines for people, or one JSON value a line for scripts.

use std::io::{self, Write};

use offdesk_core::{
    engine::{ConversationView, Offdesk, OutboxItem, Panels},
    model::MessageKind,
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow},
};
use serde_json::Value;

use crate::{device::Failure, told, words};

/// Where a command's answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints `json`, or the lines that `lines` gives.
    pub(crate) fn say(self, json: &Value, lines: impl FnOnce() -> Vec<String>) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{json}")?;
        } else {
            for line in lines() {
                writeln!(out, "{line}")?;
            }
        }
        Ok(out.flush()?)
    }

    /// Says why it failed.
    pub(crate) fn fail(self, failure: &Failure) {
        // Nobody is left to tell if this fails too.
        let _ = writeln!(io::stderr(), "handset: {failure}");
        if self.json {
            let _ = writeln!(io::stdout(), "{}", serde_json::json!({ "error": failure.to_string() }));
        }
    }
}

/// One conversation on one line.
pub(crate) fn row(row: &ConversationRow, now: Timestamp) -> String {
    let mut marks = Vec::new();
    if row.unread {
        marks.push("unread");
    }
    if row.needs_reply {
        marks.push("needs reply");
    }
    if row.held > 0 {
        marks.push("held");
    }
    if row.pending > 0 {
        marks.push("waiting");
    }
    let tags: Vec<String> = row.tags.iter().map(|tag| format!("#{tag}")).collect();
    let id = row.conversation;
    let head = format!("{id}  {:<24}  {:>5}", row.contact_name, words::when(row.last_activity, now));
    [head, row.preview.text.clone(), marks.join(", "), tags.join(" ")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("  ")
}

/// A whole conversation.
pub(crate) fn conversation(device: &Offdesk, view: &ConversationView, now: Timestamp) -> Result<Vec<String>, Failure> {
    let members = device.members()?;
    let name = |id| members.iter().find(|member| member.id == id).map_or("somebody", |member| member.name.as_str());
    let row = &view.row;
    let mut lines = vec![format!("{}  {}  {:?}  {}", row.contact_name, row.channel, row.status, row.conversation)];
    if let Some(contact) = &view.contact {
        let phones: Vec<&str> = contact.phones.iter().map(String::as_str).collect();
        lines.push(format!("phones: {}", phones.join(", ")));
    }
    let assigned: Vec<String> =
        view.assignments.iter().map(|given| format!("{} ({})", name(given.key.member), given.reason.name())).collect();
    lines.push(format!("assigned: {}", if assigned.is_empty() { "nobody".into() } else { assigned.join(", ") }));
    if !row.tags.is_empty() {
        lines.push(format!("tags: {}", row.tags.iter().cloned().collect::<Vec<_>>().join(", ")));
    }
    lines.push(String::new());
    for message in &view.messages {
        let who = match (message.kind, message.by) {
            (MessageKind::Inbound, _) => row.contact_name.as_str(),
            (_, Some(by)) => name(by),
            (_, None) => "relay",
        };
        let note = if message.kind == MessageKind::Note { " (note)" } else { "" };
        let (mark, state) = words::ladder(message);
        let state = if state.is_empty() { String::new() } else { format!("  [{mark} {state}]") };
        lines.push(format!("{:>12}  {who}{note}: {}{state}", words::clock(message.at, now), message.text));
    }
    if let Some(draft) = &view.draft {
        lines.push(format!("       draft  {draft}"));
    }
    lines.push(String::new());
    for entry in &view.timeline {
        let by = entry.by.map_or("relay", name);
        let what = words::deed(&entry.what, by, &|member| name(member).to_owned());
        lines.push(format!("{:>12}  · {what}", words::clock(entry.at, now)));
    }
    Ok(lines)
}

/// One thing that waits on one line.
pub(crate) fn waiting(item: &OutboxItem, now: Timestamp) -> String {
    let text = item.text.as_deref().unwrap_or_default();
    let state = words::waiting(&item.state, now);
    format!("{}  {:<10}  {:<20}  {state}  {text}", item.intent, words::verb(item.verb), item.contact_name)
}

/// One alert on one line, with the rule that raised it (R16).
pub(crate) fn alert(active: &ActiveAlert, now: Timestamp) -> String {
    let rule = active.alert.why.rule();
    format!(
        "{}  {:>5}  {:<20}  {rule}  {}{}",
        active.alert.id,
        words::when(active.alert.at, now),
        active.contact_name,
        active.text,
        told::shows(active, now)
    )
}

/// One contact on one line.
pub(crate) fn contact(row: &ContactRow) -> String {
    let phones: Vec<&str> = row.phones.iter().map(String::as_str).collect();
    let spam = if row.blocked { "  blocked" } else { "" };
    format!("{}  {:<24}  {}{spam}", row.contact, row.display_name, phones.join(", "))
}

/// The information panel (R24).
pub(crate) fn panels(device: &Offdesk, panels: &Panels, now: Timestamp) -> Result<Vec<String>, Failure> {
    let members = device.members()?;
    let name = |id| members.iter().find(|member| member.id == id).map_or("somebody", |member| member.name.as_str());
    let (customer, panel) = (&panels.customer, &panels.conversation);
    let mut lines = vec![customer.name.clone()];
    let mut field = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {label:<12} {value}"));
        }
    };
    if let Some(card) = &customer.card {
        for phone in &card.phones {
            let consent = card.reach.consent.get(phone).map_or("", |consent| consent.name());
            field("phone", format!("{phone} {consent}").trim_end().to_owned());
        }
        field("e-mail", card.email.clone().unwrap_or_default());
        field("owner", card.owner.map(name).unwrap_or_default().to_owned());
        field("shared with", card.shared_with.iter().map(|member| name(*member)).collect::<Vec<_>>().join(", "));
        field("spam", if card.reach.blocked { "blocked".into() } else { String::new() });
        for (label, value) in &card.custom {
            field(label, value.clone());
        }
    }
    for other in &customer.others {
        field("also", row(other, now));
    }
    field("channel", panel.channel.to_string());
    field("status", words::status_name(panel.status).to_owned());
    let snooze = panel.snooze.as_ref().filter(|snooze| snooze.until > now);
    field(
        "snoozed",
        snooze.map(|s| format!("until {} by {}", words::clock(s.until, now), name(s.by))).unwrap_or_default(),
    );
    field("priority", panel.priority.name().to_owned());
    field("queue", panel.queue.as_ref().map(|(_, name)| name.clone()).unwrap_or_default());
    let origins: Vec<&str> = panel.origins.iter().map(|origin| words::origin(*origin)).collect();
    field("origin", origins.join(", "));
    for (label, value) in &panel.details {
        field(label, value.clone());
    }
    field("tags", panel.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    for given in &panel.assignments {
        let by = given.by.map_or("an automation", name);
        field("assigned", format!("{} ({} by {by})", name(given.key.member), given.reason.name()));
    }
    for entry in &panel.timeline {
        let by = entry.by.map_or("relay", name);
        field(&words::clock(entry.at, now), words::deed(&entry.what, by, &|member| name(member).to_owned()));
    }
    Ok(lines)
}
