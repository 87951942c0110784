//! Colours, in one place. Of the 256-colour palette, so that they look alike on dark and light terminals.

use ratatui::style::{Color, Modifier, Style};

pub(crate) const ACCENT: Style = Style::new().fg(Color::Indexed(39));
pub(crate) const DIM: Style = Style::new().fg(Color::Indexed(245));
pub(crate) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(crate) const SELECTED: Style = Style::new().bg(Color::Indexed(24)).fg(Color::Indexed(255));
pub(crate) const WARN: Style = Style::new().fg(Color::Indexed(214));
pub(crate) const BAD: Style = Style::new().fg(Color::Indexed(203));
pub(crate) const GOOD: Style = Style::new().fg(Color::Indexed(78));
pub(crate) const BAR: Style = Style::new().bg(Color::Indexed(236)).fg(Color::Indexed(252));
pub(crate) const INBOUND: Style = Style::new().bg(Color::Indexed(238)).fg(Color::Indexed(255));
pub(crate) const OUTBOUND: Style = Style::new().bg(Color::Indexed(25)).fg(Color::Indexed(255));
pub(crate) const NOTE: Style = Style::new().bg(Color::Indexed(58)).fg(Color::Indexed(230));
