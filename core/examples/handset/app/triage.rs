//! What is done to conversations: to the selected one, or to all that are marked (R26).

use crossterm::event::{KeyCode, KeyEvent};
use offdesk_core::{
    ids::{ConversationId, MemberId},
    intents::Verb,
    model::Status,
};

use super::{dialog::Dialog, editor::Editor, state::App};

impl App {
    /// Keys about conversations.
    pub(crate) fn conversation_key(&mut self, key: KeyEvent) {
        let (Some(id), Some(view)) = (self.selected, &self.view) else { return };
        let (closed, unread, contact) = (view.row.status == Status::Closed, view.row.unread, view.row.contact);
        match key.code {
            KeyCode::Char('a') => self.open_assign(),
            KeyCode::Char('t') => self.dialog = Some(Dialog::Tag(Editor::default())),
            KeyCode::Char('d') if closed => self.triage("Reopened", Verb::Reopen { closings: Vec::new() }),
            KeyCode::Char('d') => self.triage("Closed", Verb::Close { seen: None }),
            KeyCode::Char('u') => self.mark_read(id, unread),
            KeyCode::Char('s') => self.open_snooze(),
            KeyCode::Char('!') => self.open_priority(),
            KeyCode::Char('m') => self.open_queue(),
            KeyCode::Char('v') => self.open_canned(),
            KeyCode::Char('c') => self.open_record(contact),
            KeyCode::Char(' ') => self.mark(id),
            KeyCode::Char('A') => self.mark_all(),
            _ => {}
        }
    }

    /// What the next verb is for.
    fn targets(&self) -> Vec<ConversationId> {
        if self.marked.is_empty() { self.selected.into_iter().collect() } else { self.marked.iter().copied().collect() }
    }

    /// Does something to the selected conversation, or to each of the marked ones.
    pub(crate) fn triage(&mut self, said: &str, verb: Verb) {
        let targets = self.targets();
        let outcome = self.device.on_each(&targets, &verb);
        let Some(outcomes) = self.done(outcome, said) else { return };
        self.last_intent = None;
        self.last_many = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok().copied()).collect();
        let first = outcomes.into_iter().find_map(|(_, outcome)| outcome.err());
        match first {
            // One: why it could not be done. Many: on how many it was done.
            Some(error) if targets.len() == 1 => drop(self.done::<()>(Err(error), "")),
            _ if targets.len() > 1 => self.say(format!("{said}: {} of {}", self.last_many.len(), targets.len())),
            _ => {}
        }
        self.marked.clear();
    }

    fn mark(&mut self, id: ConversationId) {
        if !self.marked.remove(&id) {
            self.marked.insert(id);
        }
        self.select_by(1);
    }

    fn mark_all(&mut self) {
        let shown = self.rows().iter().map(|row| row.conversation).collect();
        self.marked = if self.marked.is_empty() { shown } else { Default::default() };
    }

    fn mark_read(&mut self, id: ConversationId, unread: bool) {
        if self.marked.is_empty() {
            let outcome = if unread { self.device.mark_read(id) } else { self.device.mark_unread(id) };
            self.done(outcome, if unread { "Marked read" } else { "Marked unread" });
        } else {
            let outcome = self.device.mark_each_read(&self.targets());
            self.done(outcome, "Marked read");
            self.marked.clear();
        }
    }

    pub(crate) fn assign(&mut self, member: MemberId, assigned: bool) {
        if assigned {
            self.triage("Unassigned", Verb::Unassign { member, seen: Vec::new() });
        } else if let (Some(id), true) = (self.selected, self.marked.is_empty()) {
            // By itself it says who can't be assigned, by name (R8).
            self.verb("Assigned", |app| app.device.assign(id, member));
        } else {
            self.triage("Assigned", Verb::Assign { member });
        }
    }

    pub(crate) fn toggle_tag(&mut self, tag: &str) {
        let Some(view) = &self.view else { return };
        let (has, tag) = (view.row.tags.contains(tag), tag.to_owned());
        if has {
            self.triage("Tag removed", Verb::RemoveTag { tag });
        } else {
            self.triage("Tagged", Verb::AddTag { tag });
        }
    }
}
