//! The dialog for any filter (R21): a line for each thing one can filter by, each with what it can be.

use crossterm::event::{KeyCode, KeyEvent};
use offdesk_core::{
    ids::QueueId,
    model::{Origin, Priority, Status, conversation::AssignmentReason},
    triage::{Assignee, InboxFilter, Scope},
};

use super::{dialog::Dialog, editor::Editor, state::App};
use crate::words;

/// One thing that a filter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    Any,
    Mine,
    Status(Status),
    Unread,
    NeedsReply,
    Assignee(Assignee),
    Reason(AssignmentReason),
    Tag(String),
    Origin(Origin),
    Queue(QueueId),
    Priority(Priority),
    Snoozed(bool),
    Blocked,
}

impl Setting {
    fn apply(&self, filter: &mut InboxFilter) {
        match self {
            Setting::Any => {}
            Setting::Mine => filter.scope = Scope::AssignedToMe,
            Setting::Status(status) => filter.status = Some(*status),
            Setting::Unread => filter.unread = true,
            Setting::NeedsReply => filter.needs_reply = true,
            Setting::Assignee(assignee) => filter.assignee = Some(*assignee),
            Setting::Reason(reason) => filter.reason = Some(*reason),
            Setting::Tag(tag) => filter.tag = Some(tag.clone()),
            Setting::Origin(origin) => filter.origin = Some(*origin),
            Setting::Queue(queue) => filter.queue = Some(*queue),
            Setting::Priority(priority) => filter.priority = Some(*priority),
            Setting::Snoozed(resting) => filter.snoozed = Some(*resting),
            Setting::Blocked => filter.blocked = true,
        }
    }
}

/// One line of the dialog.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) label: &'static str,
    pub(crate) options: Vec<(String, Setting)>,
    pub(crate) chosen: usize,
}

/// The dialog.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) lines: Vec<Line>,
    pub(crate) at: usize,
}

impl Form {
    pub(crate) fn filter(&self) -> InboxFilter {
        let mut filter = InboxFilter::default();
        for (_, setting) in self.lines.iter().filter_map(|line| line.options.get(line.chosen)) {
            setting.apply(&mut filter);
        }
        filter
    }

    /// What it says, for the list's head.
    fn name(&self) -> String {
        let said = self.lines.iter().filter(|line| line.chosen > 0);
        let said: Vec<&str> = said.filter_map(|line| Some(line.options.get(line.chosen)?.0.as_str())).collect();
        if said.is_empty() { "everything".into() } else { said.join(", ") }
    }
}

impl App {
    /// The dialog, on the filter that is shown.
    pub(crate) fn open_filter(&mut self) {
        let mut lines = self.filter_lines();
        let shown = self.shown_filter();
        for line in &mut lines {
            let says = |setting: &Setting| {
                let mut alone = InboxFilter::default();
                setting.apply(&mut alone);
                let mut with = shown.clone();
                setting.apply(&mut with);
                *setting != Setting::Any && with == shown && alone != InboxFilter::default()
            };
            line.chosen = line.options.iter().position(|(_, setting)| says(setting)).unwrap_or(0);
        }
        self.dialog = Some(Dialog::Filter(Form { lines, at: 0 }));
    }

    fn filter_lines(&self) -> Vec<Line> {
        let line = |label, options: Vec<(String, Setting)>| {
            let any = std::iter::once(("any".to_owned(), Setting::Any));
            Line { label, options: any.chain(options).collect(), chosen: 0 }
        };
        let one = |name: &str, setting| vec![(name.to_owned(), setting)];
        let mut members = vec![("nobody".to_owned(), Setting::Assignee(Assignee::Nobody))];
        let known = self.names.iter().map(|(id, name)| (name.clone(), Setting::Assignee(Assignee::Member(*id))));
        members.extend(known);
        let mut lines = vec![
            line(
                "status",
                [Status::Open, Status::Closed].map(|s| (words::status_name(s).into(), Setting::Status(s))).into(),
            ),
            line("unread", one("unread", Setting::Unread)),
            line("reply", one("needs a reply", Setting::NeedsReply)),
        ];
        if self.offers(super::state::Tab::Mine) {
            // R5: who sees only their own has no toggle.
            lines.push(line("whose", one("mine", Setting::Mine)));
            lines.push(line("assigned", members));
        }
        let reasons = [AssignmentReason::Manual, AssignmentReason::Reply, AssignmentReason::Automation];
        lines.push(line("why mine", reasons.map(|why| (format!("by {}", why.name()), Setting::Reason(why))).into()));
        let queues = self.queues.iter().map(|(id, queue)| (queue.name.clone(), Setting::Queue(*id)));
        lines.push(line("queue", queues.collect()));
        let priorities = Priority::ALL.into_iter().rev().map(|one| (one.name().to_owned(), Setting::Priority(one)));
        lines.push(line("priority", priorities.collect()));
        let snoozed = [("resting", true), ("not resting", false)];
        lines.push(line("snooze", snoozed.map(|(name, is)| (name.to_owned(), Setting::Snoozed(is))).into()));
        lines.push(line("origin", Origin::ALL.map(|one| (words::origin(one).to_owned(), Setting::Origin(one))).into()));
        let tags = self.counts.by_tag.keys().map(|tag| (format!("#{tag}"), Setting::Tag(tag.clone())));
        lines.push(line("tag", tags.collect()));
        lines.push(line("spam", one("blocked", Setting::Blocked)));
        lines
    }

    /// A key while the dialog is open. Returns it if it stays open.
    pub(crate) fn filter_key(&mut self, mut form: Form, key: KeyEvent) -> Option<Form> {
        let count = form.lines.len();
        let line = form.lines.get_mut(form.at);
        match (key.code, line) {
            (KeyCode::Up | KeyCode::Char('k'), _) => form.at = form.at.saturating_sub(1),
            (KeyCode::Down | KeyCode::Char('j'), _) => form.at = (form.at + 1).min(count.saturating_sub(1)),
            (KeyCode::Right | KeyCode::Char('l' | ' '), Some(line)) => {
                line.chosen = (line.chosen + 1) % line.options.len().max(1);
            }
            (KeyCode::Left | KeyCode::Char('h'), Some(line)) => {
                line.chosen = (line.chosen + line.options.len().saturating_sub(1)) % line.options.len().max(1);
            }
            (KeyCode::Char('w'), _) => {
                let filter = form.filter();
                self.dialog = Some(Dialog::Name { filter: Some(filter), id: None, text: Editor::default() });
                return None;
            }
            (KeyCode::Char('x'), _) => {
                self.filter = None;
                self.observe();
                return None;
            }
            (KeyCode::Enter, _) => {
                self.show_filter(form.name(), form.filter());
                return None;
            }
            _ => {}
        }
        Some(form)
    }

    /// Shows what a filter takes, under this name, until a tab is chosen.
    pub(crate) fn show_filter(&mut self, name: String, filter: InboxFilter) {
        self.filter = Some((name, filter));
        self.observe();
        let first = self.rows().first().map(|row| row.conversation);
        self.select(first);
    }

    /// Saves the filter, or gives a saved one another name. Whether it could.
    pub(crate) fn name_filter(
        &mut self,
        filter: Option<&InboxFilter>,
        id: Option<offdesk_core::ids::IntentId>,
        name: &str,
    ) -> bool {
        match (filter, id) {
            (Some(filter), _) => {
                let outcome = self.device.save_filter(name, filter);
                let saved = self.done(outcome, "Saved: F lists it, on all of your devices").is_some();
                if saved {
                    self.show_filter(name.trim().to_owned(), filter.clone());
                }
                saved
            }
            (None, Some(id)) => {
                let outcome = self.device.change_filter(id, Some(name), None);
                self.done(outcome, "Renamed").is_some()
            }
            (None, None) => true,
        }
    }
}
