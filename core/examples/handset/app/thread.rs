//! The right side: one conversation with its bubbles and the composer, or its details.

use offdesk_core::{
    engine::ConversationView,
    model::{MessageKind, Status},
    protocol::Delivery,
    triage::MessageView,
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Borders, Paragraph},
};
use unicode_width::UnicodeWidthStr;

use super::{
    state::{App, Focus},
    style::{ACCENT, BAD, DIM, GOOD, INBOUND, NOTE, OUTBOUND, STRONG, WARN},
    text::{cut, fit, wrap},
};
use crate::words;

pub(crate) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(view) = &app.view else {
        frame.render_widget(Paragraph::new(Line::styled(" Choose a conversation, or + to start one", DIM)), area);
        return;
    };
    let width = usize::from(area.width.saturating_sub(4)).max(10);
    let (composed, cursor) = app.compose.laid_out(width);
    let writing = matches!(app.focus, Focus::Compose { .. });
    let lines = u16::try_from(composed.len()).unwrap_or(u16::MAX).clamp(1, 5);
    let foot = if writing || view.draft.is_some() { lines + 2 } else { 0 };
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(3), Constraint::Length(foot)]).areas(area);
    frame.render_widget(Paragraph::new(heading(app, view, usize::from(head.width))), head);
    bubbles(app, view, frame, body);
    if foot.height > 0 {
        composer(app, view, frame, foot, &composed, cursor);
    }
}

fn heading(app: &App, view: &ConversationView, width: usize) -> Vec<Line<'static>> {
    let row = &view.row;
    let state = if row.status == Status::Closed { "closed" } else { "open" };
    let phone = view.contact.as_ref().and_then(|contact| contact.phones.first().cloned()).unwrap_or_default();
    let phone = if phone == row.contact_name { String::new() } else { phone };
    let right = format!("{phone} · {state} ");
    let name = fit(&format!(" {}", row.contact_name), width.saturating_sub(right.width()));
    let assigned: Vec<&str> = row.assignees.keys().map(|member| app.name(*member)).collect();
    let assigned = if assigned.is_empty() { "nobody assigned".to_owned() } else { assigned.join(", ") };
    let tags: Vec<String> = row.tags.iter().map(|tag| format!("#{tag}")).collect();
    let second = format!(" {assigned}  {}", tags.join(" "));
    let here = app.colleagues.as_ref().map(|live| live.items()).unwrap_or_default();
    let here = words::colleagues(here, &|member| app.name(member).to_owned());
    let room = width.saturating_sub(1);
    let here = cut(&here, room / 2);
    let left = fit(&second, room.saturating_sub(here.width() + 1));
    vec![
        Line::from(vec![Span::styled(name, STRONG), Span::styled(cut(&right, width), DIM)]),
        Line::from(vec![Span::styled(left, DIM), Span::styled(format!(" {here}"), WARN)]),
    ]
}

fn bubbles(app: &App, view: &ConversationView, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    for message in &view.messages {
        lines.extend(bubble(app, message, width));
    }
    if lines.is_empty() {
        lines.push(Line::styled(" No messages yet", DIM));
    }
    let height = usize::from(area.height);
    // Counted from the end: what is newest is what one looks for.
    let first = lines.len().saturating_sub(height + app.scroll);
    let shown: Vec<Line<'static>> = lines.into_iter().skip(first).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

fn bubble(app: &App, message: &MessageView, width: usize) -> Vec<Line<'static>> {
    let (style, right) = match message.kind {
        MessageKind::Inbound => (INBOUND, false),
        MessageKind::Outbound => (OUTBOUND, true),
        MessageKind::Note => (NOTE, true),
    };
    let text = wrap(&message.text, (width * 3 / 4).clamp(8, 72).saturating_sub(2));
    let widest = text.iter().map(|line| line.width()).max().unwrap_or(0);
    let indent = if right { width.saturating_sub(widest + 3) } else { 1 };
    let mut lines: Vec<Line<'static>> = text
        .iter()
        .map(|line| {
            Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(format!(" {} ", fit(line, widest)), style)])
        })
        .collect();
    let meta = meta(app, message, width.saturating_sub(3));
    let used: usize = meta.iter().map(|span| span.content.width()).sum();
    let indent = if right { width.saturating_sub(used + 1) } else { 2 };
    let mut spans = vec![Span::raw(" ".repeat(indent))];
    spans.extend(meta);
    lines.push(Line::from(spans));
    lines
}

/// Who and when, and for what goes out how far it got (R31).
fn meta(app: &App, message: &MessageView, width: usize) -> Vec<Span<'static>> {
    let when = words::clock(message.at, app.now());
    let who = match (message.kind, message.by) {
        (MessageKind::Inbound, _) => String::new(),
        (MessageKind::Note, Some(by)) => format!("note by {} · ", app.name(by)),
        (_, Some(by)) if app.me.as_ref().is_some_and(|me| me.member == by) => String::new(),
        (_, Some(by)) => format!("{} · ", app.name(by)),
        (_, None) => String::new(),
    };
    let head = cut(&format!("{}{when}", cut(&who, 24)), width);
    let room = width.saturating_sub(head.width());
    let mut spans = vec![Span::styled(head, DIM)];
    let (mark, state) = words::ladder(message);
    if !state.is_empty() {
        spans.push(Span::styled(cut(&format!(" {mark} {state}"), room.min(38)), ladder_style(message)));
    }
    spans
}

fn ladder_style(message: &MessageView) -> Style {
    match &message.delivery {
        None => WARN,
        Some(Delivery::Delivered) => GOOD,
        Some(Delivery::Held(_) | Delivery::Unknown) => WARN,
        Some(Delivery::Failed { .. } | Delivery::Dropped) => BAD,
        Some(_) => DIM,
    }
}

fn composer(
    app: &App,
    view: &ConversationView,
    frame: &mut Frame<'_>,
    area: Rect,
    composed: &[String],
    cursor: (usize, usize),
) {
    let (title, style) = match app.focus {
        Focus::Compose { note: true } => (" Note: never sent ", WARN),
        Focus::Compose { note: false } => (" Reply ", ACCENT),
        _ => (" Draft: r to go on ", DIM),
    };
    let block = Block::new().borders(Borders::ALL).border_type(BorderType::Rounded).border_style(style).title(title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    if !matches!(app.focus, Focus::Compose { .. }) {
        let draft = view.draft.as_deref().unwrap_or_default();
        frame.render_widget(Paragraph::new(Line::styled(cut(draft, usize::from(inside.width)), DIM)), inside);
        return;
    }
    // The cursor's line stays in sight.
    let first = cursor.1.saturating_sub(usize::from(inside.height).saturating_sub(1));
    let lines: Vec<Line<'_>> = composed.iter().skip(first).map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines), inside);
    let column = inside.x + u16::try_from(cursor.0).unwrap_or(0);
    let line = inside.y + u16::try_from(cursor.1 - first).unwrap_or(0);
    if app.dialog.is_none() {
        frame.set_cursor_position((column.min(inside.right().saturating_sub(1)), line));
    }
}
