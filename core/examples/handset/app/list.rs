//! The left side: tabs or search over the conversations.

use offdesk_core::{
    model::{MessageKind, Origin, Priority, Status},
    time::Timestamp,
    triage::ConversationRow,
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
    state::{App, Focus, Tab},
    style::{ACCENT, BAD, DIM, GOOD, SELECTED, STRONG, WARN},
    text::{cut, fit},
};
use crate::words;

/// Lines of one conversation in the list.
const ROW_LINES: usize = 2;

pub(crate) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let block = Block::new().borders(Borders::RIGHT).border_type(BorderType::Plain).border_style(DIM);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let [head, body] = Layout::vertical([Constraint::Length(2), Constraint::Min(0)]).areas(inside);
    frame.render_widget(Paragraph::new(vec![search_line(app, head.width), summary(app, head.width)]), head);
    if app.focus == Focus::Search {
        let typed = cut(app.search.text(), usize::from(head.width.saturating_sub(4))).width();
        let column = head.x + 3 + u16::try_from(typed).unwrap_or(0);
        frame.set_cursor_position((column.min(head.right().saturating_sub(1)), head.y));
    }
    rows(app, frame, body);
}

fn search_line(app: &App, width: u16) -> Line<'static> {
    let room = usize::from(width.saturating_sub(4));
    match app.focus {
        Focus::Search => {
            Line::from(vec![Span::styled(" / ", ACCENT), Span::styled(fit(app.search.text(), room), STRONG)])
        }
        _ if app.found.is_some() => {
            Line::from(vec![Span::styled(" / ", ACCENT), Span::raw(fit(app.search.text(), room))])
        }
        _ => Line::from(Span::styled(fit(" / search name, phone, text", room + 4), DIM)),
    }
}

fn summary(app: &App, width: u16) -> Line<'static> {
    let rows = app.rows().len();
    let marked = if app.marked.is_empty() { String::new() } else { format!(" · {} marked", app.marked.len()) };
    let rest = if app.looked_through { "" } else { " · still reading messages" };
    let text = match (&app.found, &app.filter) {
        (Some(_), _) if rows == 0 => format!("nothing found; + starts one{rest}"),
        (Some(_), _) => format!("{rows} found{rest}{marked}"),
        (None, Some((name, _))) => format!("{name} · {rows} (f){marked}"),
        (None, None) => format!("{} · {}{marked}", app.tab.label(), app.tab.count(&app.counts)),
    };
    Line::styled(fit(&format!(" {text}"), usize::from(width)), DIM)
}

fn rows(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let visible = (usize::from(area.height) / ROW_LINES).max(1);
    let at = app.index().unwrap_or(0);
    // The selected row stays in sight, in the middle where it can.
    let first = at.saturating_sub(visible / 2).min(app.rows().len().saturating_sub(visible));
    let now = app.now();
    let mut lines = Vec::new();
    for row in app.rows().iter().skip(first).take(visible) {
        let selected = Some(row.conversation) == app.selected;
        let marked = app.marked.contains(&row.conversation);
        let excerpt = app.excerpts.get(&row.conversation).filter(|_| app.found.is_some());
        lines.extend(row_lines(row, excerpt, now, usize::from(area.width), (selected, marked)));
    }
    if lines.is_empty() && app.found.is_none() {
        let text = if app.status.locked { "Locked: connect to unlock" } else { "Nothing here" };
        lines.push(Line::styled(format!(" {text}"), DIM));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn row_lines(
    row: &ConversationRow,
    excerpt: Option<&String>,
    now: Timestamp,
    width: usize,
    (selected, marked): (bool, bool),
) -> [Line<'static>; 2] {
    let base = if selected { SELECTED } else { Style::new() };
    let when = words::when(row.last_activity, now);
    let mark = if marked {
        Span::styled("✓ ", GOOD.patch(base))
    } else if row.unread {
        Span::styled("● ", ACCENT.patch(base))
    } else {
        Span::styled("  ", base)
    };
    let name_room = width.saturating_sub(2 + when.width() + 2);
    let name_style = if row.unread { base.patch(STRONG) } else { base };
    let dim = if selected { base } else { DIM };
    let first = Line::from(vec![
        mark,
        Span::styled(fit(&row.contact_name, name_room), name_style),
        Span::styled(format!(" {when} "), dim),
    ]);

    let mut badges: Vec<(String, Style)> = Vec::new();
    if !row.visibility.dashboard() {
        badges.push(("record".into(), ACCENT));
    }
    if row.priority > Priority::Normal {
        badges.push((row.priority.name().into(), BAD));
    }
    if row.snoozed_until.is_some_and(|until| until > now) {
        badges.push(("zz".into(), DIM));
    }
    if row.scheduled > 0 {
        badges.push(("⏲".into(), WARN));
    }
    if row.held > 0 {
        badges.push(("held".into(), BAD));
    }
    if row.pending > 0 {
        badges.push(("◌".into(), WARN));
    }
    if row.draft {
        badges.push(("✎".into(), WARN));
    }
    if row.needs_reply {
        badges.push(("↩".into(), WARN));
    }
    if row.status == Status::Closed {
        badges.push(("closed".into(), DIM));
    }
    if let Some(origin) = row.origins.first().filter(|origin| **origin != Origin::Direct) {
        badges.push((words::origin(*origin).into(), ACCENT));
    }
    let badge_room: usize = badges.iter().map(|(text, _)| text.width() + 1).sum();
    let who = match row.preview.kind {
        _ if excerpt.is_some() => "… ",
        Some(MessageKind::Outbound) => "→ ",
        Some(MessageKind::Note) => "✎ ",
        _ => "",
    };
    let preview_room = width.saturating_sub(2 + badge_room + 1);
    let mut second = vec![
        Span::styled("  ", base),
        Span::styled(fit(&format!("{who}{}", excerpt.unwrap_or(&row.preview.text)), preview_room), dim),
    ];
    for (text, style) in badges {
        second.push(Span::styled(format!(" {text}"), if selected { base } else { style }));
    }
    second.push(Span::styled(" ", base));
    [first, Line::from(second)]
}

/// The tabs with their counts, as far as they fit.
pub(crate) fn tabs(app: &App, width: u16) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (at, tab) in Tab::ALL.into_iter().enumerate().filter(|(_, tab)| app.offers(*tab)) {
        let text = format!("{} {} {}", at + 1, tab.label(), tab.count(&app.counts));
        used += text.width() + 2;
        if used > usize::from(width) {
            break;
        }
        let chosen = tab == app.tab && app.found.is_none() && app.filter.is_none();
        spans.push(Span::styled(text, if chosen { ACCENT.patch(STRONG) } else { DIM }));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}
