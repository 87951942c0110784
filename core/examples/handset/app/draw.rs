//! The whole screen: header, list, right side, keys; and the windows over it.

use offdesk_core::engine::{Connection, OutboxState};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Borders, Clear, Paragraph},
};
use unicode_width::UnicodeWidthStr;

use super::{
    details,
    dialog::{Dialog, START_FIELDS},
    editor::Editor,
    filtering::Form,
    list, panes, people,
    people::CONTACT_FIELDS,
    state::{App, Focus, Pane},
    style::{ACCENT, BAD, BAR, DIM, GOOD, SELECTED, STRONG, WARN},
    text::{cut, fit, wrap},
    thread,
};
use crate::words;

/// Below this width list and conversation take turns.
const TWO_SIDES: u16 = 64;

pub(crate) fn draw(app: &App, frame: &mut Frame<'_>) {
    let [head, tabs, body, keys] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(Paragraph::new(header(app, head.width)).style(BAR), head);
    frame.render_widget(Paragraph::new(list::tabs(app, tabs.width)), tabs);
    let both = body.width >= TWO_SIDES;
    let right_only = matches!(app.focus, Focus::Compose { .. }) || app.pane != Pane::Conversation;
    if both {
        let left = (body.width * 2 / 5).clamp(30, 48);
        let [left, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(body);
        list::draw(app, frame, left);
        side(app, frame, right);
    } else if right_only {
        side(app, frame, body);
    } else {
        list::draw(app, frame, body);
    }
    frame.render_widget(Paragraph::new(last_line(app, keys.width)).style(BAR), keys);
    if let Some(dialog) = &app.dialog {
        window(app, dialog, frame);
    }
}

fn side(app: &App, frame: &mut Frame<'_>, area: Rect) {
    match app.pane {
        Pane::Conversation => thread::draw(app, frame, area),
        Pane::Details => details::draw(app, frame, area),
        Pane::Contacts => people::contacts(app, frame, area),
        Pane::Record => people::record(app, frame, area),
        Pane::Alerts => panes::alerts(app, frame, area),
        Pane::Outbox => panes::outbox(app, frame, area),
    }
}

/// Who this is, what waits, and how sync stands: from what the relay said, never from a socket.
fn header(app: &App, width: u16) -> Line<'static> {
    let name = app.me.as_ref().map(|me| me.name.clone()).unwrap_or_default();
    let workspace = if app.workspace.is_empty() { "Offdesk".to_owned() } else { app.workspace.clone() };
    let mut right = Vec::new();
    if !app.alerts.items().is_empty() {
        right.push(Span::styled(format!("g alerts {}", app.alerts.items().len()), WARN.patch(STRONG)));
    }
    let status = &app.status;
    if status.attention + status.held > 0 {
        right.push(Span::styled(format!("o outbox {}!", status.attention + status.held), BAD.patch(STRONG)));
    } else if status.pending > 0 {
        right.push(Span::styled(format!("o outbox {}", status.pending), WARN));
    }
    let style = match status.connection {
        Connection::Live => GOOD,
        Connection::Unauthorized | Connection::NotProgressing => BAD,
        _ if status.revoked || status.locked || status.clone => BAD,
        _ => WARN,
    };
    let mark = if app.airplane() { "✈" } else { "●" };
    right.push(Span::styled(format!("{mark} {}", words::status(status)), style));
    let right_width: usize = right.iter().map(|span| span.content.width() + 2).sum();
    let left = fit(&format!(" {workspace} · {name}"), usize::from(width).saturating_sub(right_width));
    let mut spans = vec![Span::styled(left, STRONG)];
    for span in right {
        spans.push(span);
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

/// A notice while there is one, else the keys.
fn last_line(app: &App, width: u16) -> Line<'static> {
    let width = usize::from(width);
    if let Some(notice) = app.notice.as_ref().filter(|notice| notice.until > app.now()) {
        return Line::styled(cut(&format!(" {}", notice.text), width), if notice.error { BAD } else { GOOD });
    }
    let keys = match (app.focus, app.pane) {
        (Focus::Compose { .. }, _) => {
            "Enter send  Ctrl+T later  Ctrl+K canned  Alt+Enter new line  Esc leave (kept as draft)"
        }
        (Focus::Search, _) => "type to search  ↑↓ choose  Enter keep  Esc leave",
        (Focus::Contacts, _) => "type to find  ↑↓ choose  Enter opens the record  Esc leave",
        (_, Pane::Record) => "↑↓ choose  Enter open  e edit  b block  Esc back",
        (_, Pane::Alerts) => "↑↓ choose  Enter open  x dismiss  Esc back",
        (_, Pane::Outbox) => "↑↓ choose  Enter open  Esc back",
        _ => "r reply  n note  a assign  d done  t tag  s snooze  / find  f filter  + new  ? keys  q quit",
    };
    let saved = app.outbox.items().iter().find_map(|item| match item.state {
        OutboxState::Saved { send_after } if send_after > app.now() => Some(words::waiting(&item.state, app.now())),
        _ => None,
    });
    match saved {
        Some(saved) if app.focus == Focus::List => Line::from(vec![
            Span::styled(format!(" {saved}: z takes it back  "), WARN),
            Span::raw(cut(keys, width.saturating_sub(saved.width() + 21))),
        ]),
        _ => Line::raw(cut(&format!(" {keys}"), width)),
    }
}

fn window(app: &App, dialog: &Dialog, frame: &mut Frame<'_>) {
    match dialog {
        Dialog::Help => help(frame),
        Dialog::Assign { members, at } => {
            let lines: Vec<Line<'static>> = members
                .iter()
                .enumerate()
                .map(|(index, (member, assigned))| {
                    let text = format!(" {} {}", if *assigned { "✓" } else { " " }, app.name(*member));
                    Line::styled(fit(&text, 40), if index == *at { SELECTED } else { Style::new() })
                })
                .collect();
            let height = lines.len().clamp(1, 14);
            let first = (*at + 1).saturating_sub(height);
            let lines = lines.into_iter().skip(first).take(height).collect();
            boxed(frame, " Assign: Enter adds or removes ", lines, 42);
        }
        Dialog::Tag(text) => input(frame, " Tag: adds it, or removes it if it is there ", text),
        Dialog::EditHeld { text, .. } => input(frame, " Send this in its place ", text),
        Dialog::Discard(item) => {
            let mut lines = vec![Line::raw(format!(" Drop this {} for good?", words::verb(item.verb)))];
            lines.extend(
                wrap(item.text.as_deref().unwrap_or_default(), 48)
                    .into_iter()
                    .take(4)
                    .map(|row| Line::styled(format!(" {row}"), DIM)),
            );
            lines.push(Line::styled(" y discard   Esc keep", STRONG));
            boxed(frame, " Discard ", lines, 52);
        }
        Dialog::Start { fields, at } => card(frame, " Start a conversation ", START_FIELDS, fields, *at),
        Dialog::Contact { contact, fields, at } => {
            let title =
                if contact.is_some() { " Edit the contact: Enter saves " } else { " New contact: Enter saves " };
            card(frame, title, CONTACT_FIELDS, fields, *at);
        }
        Dialog::Name { text, .. } => input(frame, " Save the filter as ", text),
        Dialog::Choose(choice) => {
            let height = choice.entries.len().clamp(1, 14);
            let first = (choice.at + 1).saturating_sub(height);
            let entry = |(at, (label, _)): (usize, &(String, _))| {
                Line::styled(fit(&format!(" {label}"), 56), if at == choice.at { SELECTED } else { Style::new() })
            };
            let lines = choice.entries.iter().enumerate().skip(first).take(height).map(entry).collect();
            boxed(frame, choice.title, lines, 58);
        }
        Dialog::Filter(form) => filter(frame, form),
    }
}

fn help(frame: &mut Frame<'_>) {
    let rows = [
        ("↑ ↓  j k", "choose a conversation"),
        ("Tab  1–6", "another list"),
        ("/", "search by name, phone or text"),
        ("r  Enter", "reply; n note"),
        ("a", "assign or unassign"),
        ("d", "close, or reopen"),
        ("t", "tag; s snooze; ! priority; m queue"),
        ("Space  A", "mark one, or all: the next verb is for these"),
        ("v", "insert a canned response; Ctrl+K while writing"),
        ("f  F", "filter; saved filters"),
        ("c  C", "the customer's record; contacts"),
        ("u", "mark read or unread"),
        ("i", "customer and conversation details"),
        ("z", "take back what has not left"),
        ("+", "start a conversation"),
        ("g  o", "alerts; outbox"),
        ("p", "airplane mode"),
        ("PgUp PgDn", "scroll the conversation"),
        ("q", "quit"),
    ];
    let lines = rows
        .into_iter()
        .map(|(key, what)| Line::from(vec![Span::styled(format!(" {}", fit(key, 11)), ACCENT), Span::raw(what)]))
        .collect();
    boxed(frame, " Keys ", lines, 52);
}

fn filter(frame: &mut Frame<'_>, form: &Form) {
    let line = |(at, line): (usize, &super::filtering::Line)| {
        let says = line.options.get(line.chosen).map_or("", |(label, _)| label);
        let style = match (at == form.at, line.chosen > 0) {
            (true, _) => SELECTED,
            (false, true) => STRONG,
            (false, false) => DIM,
        };
        Line::styled(fit(&format!(" {} ‹ {says} ›", fit(line.label, 10)), 52), style)
    };
    let mut lines: Vec<Line<'static>> = form.lines.iter().enumerate().map(line).collect();
    lines.push(Line::styled(" ←→ change  Enter show  w save it  x show the tab", DIM));
    boxed(frame, " Filter ", lines, 54);
}

/// Fields to fill in.
fn card(frame: &mut Frame<'_>, title: &str, labels: [&str; 3], fields: &[Editor; 3], at: usize) {
    let room = 36;
    let mut lines = Vec::new();
    let mut cursor = (0, 0);
    for (index, (label, field)) in labels.into_iter().zip(fields).enumerate() {
        let chosen = index == at;
        let (rows, place) = field.laid_out(room);
        let row = rows.get(place.1).cloned().unwrap_or_default();
        if chosen {
            cursor = (15 + place.0, lines.len());
        }
        lines.push(people::field(label, &row, chosen, room));
        lines.push(Line::raw(""));
    }
    lines.push(Line::styled(" Tab next field   Enter go on   Esc leave", DIM));
    let inside = boxed(frame, title, lines, 62);
    place_cursor(frame, inside, cursor);
}

fn input(frame: &mut Frame<'_>, title: &str, text: &Editor) {
    let (rows, place) = text.laid_out(54);
    let first = place.1.saturating_sub(3);
    let lines = rows.into_iter().skip(first).take(4).map(|row| Line::raw(format!(" {row}"))).collect();
    let inside = boxed(frame, title, lines, 58);
    place_cursor(frame, inside, (place.0 + 1, place.1 - first));
}

fn place_cursor(frame: &mut Frame<'_>, inside: Rect, (column, line): (usize, usize)) {
    let column = inside.x + u16::try_from(column).unwrap_or(0);
    let line = inside.y + u16::try_from(line).unwrap_or(0);
    frame.set_cursor_position((
        column.min(inside.right().saturating_sub(1)),
        line.min(inside.bottom().saturating_sub(1)),
    ));
}

/// A window in the middle of the screen. Returns its inside.
fn boxed(frame: &mut Frame<'_>, title: &str, lines: Vec<Line<'static>>, width: u16) -> Rect {
    let area = frame.area();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let width = width.min(area.width);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let title = cut(title, usize::from(width.saturating_sub(2)));
    let block = Block::new().borders(Borders::ALL).border_type(BorderType::Rounded).border_style(ACCENT).title(title);
    let inside = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
    inside
}
