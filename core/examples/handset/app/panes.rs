//! Alerts and outbox, in the conversation's place.

use offdesk_core::engine::{OutboxItem, OutboxState};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};
use unicode_width::UnicodeWidthStr;

use super::{
    state::App,
    style::{ACCENT, BAD, DIM, SELECTED, STRONG, WARN},
    text::{cut, fit, wrap},
};
use crate::words;

pub(crate) fn alerts(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines = vec![Line::styled(" Alerts", ACCENT.patch(STRONG)), Line::raw("")];
    if app.alerts.items().is_empty() {
        lines.push(Line::styled(" Nothing you should be told", DIM));
    }
    let entries = app.alerts.items().iter().enumerate().map(|(at, active)| {
        let style = if at == app.line { SELECTED } else { Style::new() };
        let right = format!(" {} {} ", active.alert.why.rule(), words::when(active.alert.at, app.now()));
        let name = fit(&format!(" {}", active.contact_name), width.saturating_sub(right.width()));
        let mut lines = vec![
            Line::from(vec![Span::styled(name, style.patch(STRONG)), Span::styled(right, style)]),
            Line::styled(fit(&format!("   {}", active.text), width), style),
        ];
        if at == app.line
            && let Ok(why) = app.device.explain(active.alert.id)
        {
            let rows = why.sentences.iter().flat_map(|sentence| wrap(sentence, width.saturating_sub(4)));
            lines.extend(rows.map(|row| Line::styled(fit(&format!("   {row}"), width), DIM)));
        }
        lines
    });
    push(&mut lines, entries.collect(), app.line, area);
    frame.render_widget(Paragraph::new(lines), area);
}

pub(crate) fn outbox(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let mut lines = vec![Line::styled(" Outbox", ACCENT.patch(STRONG)), Line::raw("")];
    if app.outbox.items().is_empty() {
        lines.push(Line::styled(" Everything has arrived", DIM));
    }
    let entries = app.outbox.items().iter().enumerate().map(|(at, item)| entry(app, item, at == app.line, width));
    push(&mut lines, entries.collect(), app.line, area);
    frame.render_widget(Paragraph::new(lines), area);
}

fn entry(app: &App, item: &OutboxItem, selected: bool, width: usize) -> Vec<Line<'static>> {
    let base = if selected { SELECTED } else { Style::new() };
    let state_style = match item.state {
        _ if selected => base,
        OutboxState::NeedsAttention(_) => BAD,
        OutboxState::Held { .. } | OutboxState::Scheduled { .. } => WARN,
        _ => DIM,
    };
    let verb = words::verb(item.verb);
    let name = fit(&format!(" {}", item.contact_name), width.saturating_sub(verb.width() + 2));
    let mut lines =
        vec![Line::from(vec![Span::styled(name, base.patch(STRONG)), Span::styled(format!("{verb}  "), base)])];
    if let Some(text) = &item.text {
        lines.push(Line::styled(fit(&format!("   {text}"), width), base));
    }
    let says = words::waiting(&item.state, app.now());
    let rows = wrap(&says, width.saturating_sub(4));
    lines.extend(rows.iter().take(2).map(|row| Line::styled(fit(&format!("   {row}"), width), state_style)));
    if selected {
        let keys = match (&item.state, item.conversation) {
            (OutboxState::Saved { .. }, _) => "z take back",
            (OutboxState::Held { .. }, Some(_)) => "s send anyway  e edit  x drop",
            (OutboxState::Scheduled { .. }, Some(_)) => "s send now  e edit and send now  x drop",
            (OutboxState::NeedsAttention(_), _) => "t try again  x discard",
            _ => "",
        };
        if !keys.is_empty() {
            lines.push(Line::styled(fit(&format!("   {}", cut(keys, width)), width), base.patch(STRONG)));
        }
    }
    lines.push(Line::raw(""));
    lines
}

/// Appends entries so that the selected one is in sight.
fn push(lines: &mut Vec<Line<'static>>, entries: Vec<Vec<Line<'static>>>, selected: usize, area: Rect) {
    let room = usize::from(area.height).saturating_sub(lines.len());
    let until: usize = entries.iter().take(selected + 1).map(Vec::len).sum();
    let skip = until.saturating_sub(room);
    lines.extend(entries.into_iter().flatten().skip(skip).take(room));
}
