//! The information panel: the customer and the conversation (R24).

use offdesk_core::engine::Panels;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    state::App,
    style::{ACCENT, DIM, STRONG},
    text::{cut, fit},
};
use crate::words;

/// Lines of labels and values; one without a value is left out.
struct Sheet {
    lines: Vec<Line<'static>>,
    width: usize,
}

impl Sheet {
    fn head(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::raw(""));
        }
        self.lines.push(Line::styled(format!(" {title}"), ACCENT.patch(STRONG)));
    }

    fn field(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            let value = cut(value, self.width.saturating_sub(14));
            self.lines.push(Line::from(vec![Span::styled(format!(" {} ", fit(label, 12)), DIM), Span::raw(value)]));
        }
    }
}

pub(crate) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(panels) = &app.panels else { return };
    let mut sheet = Sheet { lines: Vec::new(), width: usize::from(area.width.saturating_sub(1)) };
    customer(app, panels, &mut sheet);
    conversation(app, panels, &mut sheet);
    sheet.head("Timeline");
    for entry in panels.conversation.timeline.iter().rev() {
        let by = entry.by.map_or("the relay", |by| app.name(by));
        let what = words::deed(&entry.what, by, &|member| app.name(member).to_owned());
        sheet.field(&words::clock(entry.at, app.now()), &what);
    }
    let first = app.scroll.min(sheet.lines.len().saturating_sub(1));
    let shown: Vec<Line<'static>> = sheet.lines.into_iter().skip(first).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

fn customer(app: &App, panels: &Panels, sheet: &mut Sheet) {
    let customer = &panels.customer;
    sheet.head("Customer");
    sheet.field("name", &customer.name);
    if let Some(card) = &customer.card {
        let names = |members: &mut dyn Iterator<Item = offdesk_core::ids::MemberId>| {
            members.map(|member| app.name(member).to_owned()).collect::<Vec<_>>().join(", ")
        };
        for phone in &card.phones {
            let consent = card.reach.consent.get(phone).map_or("", |consent| consent.name());
            sheet.field("phone", format!("{phone}  {consent}").trim_end());
        }
        sheet.field("e-mail", card.email.as_deref().unwrap_or_default());
        sheet.field("owner", &names(&mut card.owner.into_iter()));
        sheet.field("shared with", &names(&mut card.shared_with.iter().copied()));
        sheet.field("spam", if card.reach.blocked { "blocked" } else { "" });
        for (name, value) in &card.custom {
            sheet.field(name, value);
        }
    }
    for other in &customer.others {
        let by = if other.visibility.dashboard() { "" } else { " (record only)" };
        let when = words::when(other.last_activity, app.now());
        sheet.field("also", &format!("{} {when}{by}: {}", other.channel, other.preview.text));
    }
    for past in customer.past.iter().take(3) {
        let by = past.by.map(|by| format!(" by {}", app.name(by))).unwrap_or_default();
        sheet.field("closed", &format!("{}{by}", words::clock(past.closed, app.now())));
    }
}

fn conversation(app: &App, panels: &Panels, sheet: &mut Sheet) {
    let panel = &panels.conversation;
    sheet.head("Conversation");
    sheet.field("channel", &panel.channel.to_string());
    sheet.field("status", words::status_name(panel.status));
    if let Some(snooze) = panel.snooze.as_ref().filter(|snooze| snooze.until > app.now()) {
        let until = words::clock(snooze.until, app.now());
        sheet.field("snoozed", &format!("until {until} by {}", app.name(snooze.by)));
    }
    sheet.field("priority", panel.priority.name());
    sheet.field("queue", panel.queue.as_ref().map_or("", |(_, name)| name));
    let origins: Vec<&str> = panel.origins.iter().map(|origin| words::origin(*origin)).collect();
    sheet.field("origin", &origins.join(", "));
    for (name, value) in &panel.details {
        sheet.field(name, value);
    }
    sheet.field("tags", &panel.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    for given in &panel.assignments {
        let by = given.by.map_or("an automation", |by| app.name(by));
        let text = format!("{} ({} by {by})", app.name(given.key.member), given.reason.name());
        sheet.field("assigned", &text);
    }
}
