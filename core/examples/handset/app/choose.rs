//! Picking one of a few: a time to rest until, a priority, a queue, a canned response, a saved filter.

use crossterm::event::{KeyCode, KeyEvent};
use offdesk_core::{
    engine::CannedRef,
    ids::{IntentId, QueueId},
    intents::Verb,
    model::Priority,
    time::Timestamp,
};

use super::{
    dialog::Dialog,
    editor::Editor,
    state::{App, Focus},
};
use crate::words;

/// What can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Snooze(Timestamp),
    Wake,
    Priority(Priority),
    Queue(Option<QueueId>),
    Canned(CannedRef),
    Filter(IntentId),
    /// When what is being written is to be sent.
    Later(Timestamp),
}

/// A list to pick from.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) title: &'static str,
    pub(crate) entries: Vec<(String, Pick)>,
    pub(crate) at: usize,
}

/// Times as people say them.
const TIMES: [&str; 5] = ["1h", "3h", "tomorrow", "3d", "7d"];

impl App {
    pub(crate) fn open_snooze(&mut self) {
        let mut entries = times(self.now(), Pick::Snooze);
        if self.view.as_ref().is_some_and(|view| view.row.snoozed_until.is_some()) {
            entries.insert(0, ("wake it now".into(), Pick::Wake));
        }
        self.choose(" Snooze until ", entries);
    }

    pub(crate) fn open_later(&mut self) {
        let entries = times(self.now(), Pick::Later);
        self.choose(" Send this ", entries);
    }

    pub(crate) fn open_priority(&mut self) {
        let entries = Priority::ALL.into_iter().rev().map(|one| (one.name().to_owned(), Pick::Priority(one)));
        self.choose(" Priority ", entries.collect());
    }

    pub(crate) fn open_queue(&mut self) {
        let open = self.queues.iter().filter(|(_, queue)| !queue.archived);
        let mut entries: Vec<_> = open.map(|(id, queue)| (queue.name.clone(), Pick::Queue(Some(*id)))).collect();
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries.push(("no queue".into(), Pick::Queue(None)));
        self.choose(" Move to queue ", entries);
    }

    /// The canned responses, those of the shortcut that is being typed first.
    pub(crate) fn open_canned(&mut self) {
        let typed = match self.focus {
            Focus::Compose { .. } => {
                self.compose.text().rsplit(char::is_whitespace).next().unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        let mut found = self.device.canned(&typed).unwrap_or_default();
        if found.is_empty() {
            found = self.device.canned("").unwrap_or_default();
        }
        let entries = found
            .into_iter()
            .map(|choice| (format!("{:<10} {}", choice.canned.shortcut, choice.canned.text), Pick::Canned(choice.id)));
        self.choose(" Canned response ", entries.collect());
    }

    pub(crate) fn open_saved_filters(&mut self) {
        let saved = self.device.saved_filters().unwrap_or_default();
        let entries = saved.into_iter().map(|saved| (saved.name, Pick::Filter(saved.id)));
        self.choose(" Saved filters: Enter shows, n renames, x deletes ", entries.collect());
    }

    fn choose(&mut self, title: &'static str, entries: Vec<(String, Pick)>) {
        if entries.is_empty() {
            self.say("There is nothing to choose from yet");
        } else {
            self.dialog = Some(Dialog::Choose(Choice { title, entries, at: 0 }));
        }
    }

    /// A key while one is being picked. Returns the list if it stays open.
    pub(crate) fn choose_key(&mut self, mut choice: Choice, key: KeyEvent) -> Option<Choice> {
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => choice.at = choice.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                choice.at = (choice.at + 1).min(choice.entries.len().saturating_sub(1));
            }
            KeyCode::Enter => {
                if let Some((_, pick)) = choice.entries.get(choice.at) {
                    self.picked(*pick);
                }
                return None;
            }
            KeyCode::Char(c @ ('x' | 'n')) => {
                if let Some((name, Pick::Filter(id))) = choice.entries.get(choice.at).cloned() {
                    if c == 'x' {
                        let outcome = self.device.delete_filter(id);
                        self.done(outcome, "Deleted");
                    } else {
                        self.dialog = Some(Dialog::Name { filter: None, id: Some(id), text: Editor::with(&name) });
                    }
                    return None;
                }
            }
            _ => {}
        }
        Some(choice)
    }

    fn picked(&mut self, pick: Pick) {
        match pick {
            Pick::Snooze(until) => {
                self.triage(
                    &format!("Rests until {}", words::clock(until, self.now())),
                    Verb::Snooze { until, seen: None, replaces: Vec::new() },
                );
            }
            Pick::Wake => self.triage("Woken", Verb::Wake { snoozes: Vec::new() }),
            Pick::Priority(priority) => self.triage("Priority set", Verb::SetPriority { priority }),
            Pick::Queue(queue) => self.triage("Moved", Verb::MoveToQueue { queue }),
            Pick::Canned(id) => self.insert_canned(id),
            Pick::Later(at) => self.send_later(at),
            Pick::Filter(id) => {
                let saved = self.device.saved_filters().unwrap_or_default();
                if let Some(saved) = saved.into_iter().find(|saved| saved.id == id) {
                    self.show_filter(saved.name, saved.filter);
                }
            }
        }
    }

    /// Into the draft, which is then open to be finished.
    fn insert_canned(&mut self, id: CannedRef) {
        let Some(conversation) = self.selected else { return };
        if matches!(self.focus, Focus::Compose { note: false }) {
            // The shortcut that was typed makes room for what it stands for.
            let text = self.compose.text().to_owned();
            let typed = text.rsplit(char::is_whitespace).next().unwrap_or_default();
            let known = self.device.canned(typed).unwrap_or_default();
            if !typed.is_empty() && known.iter().any(|choice| choice.id == id && choice.canned.shortcut == typed) {
                let kept = text.strip_suffix(typed).unwrap_or(&text).trim_end().to_owned();
                let _ = self.device.set_draft(conversation, &kept);
            }
        }
        let outcome = self.device.insert_canned(conversation, id);
        if let Some(expanded) = self.done(outcome, "Inserted") {
            if !expanded.missing.is_empty() {
                self.say(format!("To be filled in: {}", expanded.missing.join(", ")));
            }
            self.write(false);
        }
    }
}

fn times(now: Timestamp, pick: impl Fn(Timestamp) -> Pick) -> Vec<(String, Pick)> {
    let known = TIMES.into_iter().filter_map(|said| Some((said, words::time_of(said, now)?)));
    known.map(|(said, at)| (format!("{said:<9} {}", words::clock(at, now)), pick(at))).collect()
}
