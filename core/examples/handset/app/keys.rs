//! What each key does. The last line of the screen names them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use offdesk_core::{
    engine::{NetworkState, OutboxItem, OutboxState},
    ids::IntentId,
    time::Timestamp,
};

use super::{
    dialog::{Dialog, edit},
    editor::Editor,
    state::{App, Focus, Pane, Tab},
};

impl App {
    /// Takes a key.
    pub(crate) fn key(&mut self, key: KeyEvent) {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            self.quit = true;
            return;
        }
        if let Some(dialog) = self.dialog.take() {
            self.dialog_key(dialog, key);
            return;
        }
        match (self.focus, self.pane) {
            (Focus::Compose { note }, _) => self.compose_key(key, note),
            (Focus::Search, _) => self.search_key(key),
            (Focus::Contacts, _) => self.contacts_key(key),
            (Focus::List, Pane::Record) if self.record_key(key) => {}
            (Focus::List, Pane::Alerts) => self.alerts_key(key),
            (Focus::List, Pane::Outbox) => self.outbox_key(key),
            (Focus::List, _) => self.list_key(key),
        }
    }

    /// Pasted text goes where typed text would.
    pub(crate) fn paste(&mut self, text: &str) {
        match (&mut self.dialog, self.focus) {
            (
                Some(Dialog::Tag(editor) | Dialog::EditHeld { text: editor, .. } | Dialog::Name { text: editor, .. }),
                _,
            ) => editor.insert(text),
            (Some(Dialog::Start { fields, at } | Dialog::Contact { fields, at, .. }), _) => {
                if let Some(field) = fields.get_mut(*at) {
                    field.insert(text);
                }
            }
            (Some(_), _) => {}
            (None, Focus::Compose { .. }) => {
                self.compose.insert(text);
                self.keep_draft();
            }
            (None, Focus::Search) => {
                self.search.insert(&text.replace('\n', " "));
                self.find();
            }
            (None, Focus::Contacts) => {
                self.contact_search.insert(&text.replace('\n', " "));
                self.find_contacts();
            }
            (None, Focus::List) => {}
        }
    }

    fn list_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.select_by(-1),
            KeyCode::Down | KeyCode::Char('j') => self.select_by(1),
            KeyCode::Home => self.select_by(isize::MIN),
            KeyCode::End => self.select_by(isize::MAX),
            KeyCode::PageUp => self.scroll += 5,
            KeyCode::PageDown => self.scroll = self.scroll.saturating_sub(5),
            KeyCode::Tab => self.next_tab(1),
            KeyCode::BackTab => self.next_tab(-1),
            KeyCode::Char('i') => {
                self.show(if self.pane == Pane::Details { Pane::Conversation } else { Pane::Details })
            }
            KeyCode::Esc if self.found.is_some() => self.leave_search(),
            KeyCode::Esc => self.show(Pane::Conversation),
            KeyCode::Enter | KeyCode::Char('r') => self.write(false),
            KeyCode::Char('n') => self.write(true),
            _ if self.global_key(key) => {}
            _ => self.conversation_key(key),
        }
    }

    /// Keys that work wherever no text is written.
    fn global_key(&mut self, key: KeyEvent) -> bool {
        match key.code {
            KeyCode::Char('q') => self.quit = true,
            KeyCode::Char('?') => self.dialog = Some(Dialog::Help),
            KeyCode::Char('/') => self.focus = Focus::Search,
            KeyCode::Char('+') => self.open_start(),
            KeyCode::Char('C') => self.open_contacts(),
            KeyCode::Char('f') => self.open_filter(),
            KeyCode::Char('F') => self.open_saved_filters(),
            KeyCode::Char('p') => self.toggle_airplane(),
            KeyCode::Char('g') => self.show(if self.pane == Pane::Alerts { Pane::Conversation } else { Pane::Alerts }),
            KeyCode::Char('o') => self.show(if self.pane == Pane::Outbox { Pane::Conversation } else { Pane::Outbox }),
            KeyCode::Char('z') => self.undo_last(),
            KeyCode::Char(digit @ '1'..='6') => {
                let at = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1) - 1;
                if let Some(tab) = Tab::ALL.get(at).copied().filter(|tab| self.offers(*tab)) {
                    self.show_tab(tab);
                }
            }
            _ => return false,
        }
        true
    }

    fn alerts_key(&mut self, key: KeyEvent) {
        let alert = self.alerts.items().get(self.line).cloned();
        match (key.code, alert) {
            (KeyCode::Up | KeyCode::Char('k'), _) => self.line = self.line.saturating_sub(1),
            (KeyCode::Down | KeyCode::Char('j'), _) => {
                self.line = (self.line + 1).min(self.alerts.items().len().saturating_sub(1));
            }
            (KeyCode::Esc, _) => self.show(Pane::Conversation),
            (KeyCode::Enter, Some(active)) => {
                self.show(Pane::Conversation);
                self.select(Some(active.conversation));
            }
            (KeyCode::Char('x'), Some(active)) => {
                let outcome = self.device.dismiss_alert(active.alert.id);
                self.done(outcome, "Dismissed");
            }
            _ => {
                self.global_key(key);
            }
        }
    }

    fn outbox_key(&mut self, key: KeyEvent) {
        let item = self.outbox.items().get(self.line).cloned();
        match (key.code, item) {
            (KeyCode::Up | KeyCode::Char('k'), _) => self.line = self.line.saturating_sub(1),
            (KeyCode::Down | KeyCode::Char('j'), _) => {
                self.line = (self.line + 1).min(self.outbox.items().len().saturating_sub(1));
            }
            (KeyCode::Esc, _) => self.show(Pane::Conversation),
            (KeyCode::Enter, Some(OutboxItem { conversation: Some(id), .. })) => {
                self.show(Pane::Conversation);
                self.select(Some(id));
            }
            (KeyCode::Char(c @ ('s' | 'e' | 'x' | 'z' | 't')), Some(item)) => self.waiting_key(c, item),
            _ => {
                self.global_key(key);
            }
        }
    }

    /// What can be done about something that waits depends on how far it is.
    fn waiting_key(&mut self, key: char, item: OutboxItem) {
        let id = item.intent;
        match (key, &item.state, item.conversation) {
            ('z', OutboxState::Saved { .. }, _) => {
                let outcome = self.device.undo(id);
                self.done(outcome, "Taken back");
            }
            ('s', OutboxState::Held { .. } | OutboxState::Scheduled { .. }, Some(conversation)) => {
                self.verb("It will be sent as it stands", |app| app.device.send_held(conversation, id));
            }
            ('x', OutboxState::Held { .. } | OutboxState::Scheduled { .. }, Some(conversation)) => {
                self.verb("Dropped", |app| app.device.drop_held(conversation, id));
            }
            ('e', OutboxState::Held { .. } | OutboxState::Scheduled { .. }, Some(conversation)) => {
                let text = Editor::with(item.text.as_deref().unwrap_or_default());
                self.dialog = Some(Dialog::EditHeld { conversation, message: id, text });
            }
            ('t', OutboxState::NeedsAttention(_), _) => self.verb("Trying again", |app| app.device.retry(id)),
            ('x', OutboxState::NeedsAttention(_), _) => self.dialog = Some(Dialog::Discard(item)),
            _ => self.say("That can't be done with this one"),
        }
    }

    fn search_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Esc => self.leave_search(),
            KeyCode::Enter => self.focus = Focus::List,
            KeyCode::Up => self.select_by(-1),
            KeyCode::Down => self.select_by(1),
            _ => {
                edit(&mut self.search, key);
                self.find();
                let first = self.rows().first().map(|row| row.conversation);
                if first.is_some() {
                    self.select(first);
                }
            }
        }
    }

    fn compose_key(&mut self, key: KeyEvent, note: bool) {
        let newline = key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT | KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => self.focus = Focus::List,
            KeyCode::PageUp => self.scroll += 5,
            KeyCode::PageDown => self.scroll = self.scroll.saturating_sub(5),
            KeyCode::Char('t') if key.modifiers.contains(KeyModifiers::CONTROL) && !note => self.open_later(),
            KeyCode::Char('k') if key.modifiers.contains(KeyModifiers::CONTROL) && !note => self.open_canned(),
            KeyCode::Enter if newline => self.compose.insert("\n"),
            KeyCode::Enter => self.send(note),
            _ => edit(&mut self.compose, key),
        }
        if matches!(self.focus, Focus::Compose { note: false }) {
            self.keep_draft();
        }
    }

    /// Opens the composer, on the draft that waits.
    pub(crate) fn write(&mut self, note: bool) {
        let Some(view) = &self.view else { return };
        let draft = view.draft.clone().unwrap_or_default();
        let (id, unread) = (view.row.conversation, view.row.unread);
        self.show(Pane::Conversation);
        self.compose = if note { Editor::default() } else { Editor::with(&draft) };
        self.focus = Focus::Compose { note };
        self.scroll = 0;
        if unread {
            // Who answers has read.
            let _ = self.device.mark_read(id);
            self.refresh();
        }
    }

    /// R27: from the first keystroke on.
    fn keep_draft(&mut self) {
        if let Some(id) = self.selected {
            let _ = self.device.set_draft(id, self.compose.text());
        }
    }

    fn send(&mut self, note: bool) {
        let Some(id) = self.selected else { return };
        if self.compose.is_empty() {
            self.focus = Focus::List;
            return;
        }
        let text = self.compose.text().to_owned();
        let outcome = if note {
            let called = crate::names::mentioned(&text, &self.names);
            self.device.note_to(id, &text, &called)
        } else {
            self.device.reply(id, &text)
        };
        let said = if note { "Note saved" } else { "Saved; z takes it back until it leaves" };
        if let Some(intent) = self.done(outcome, said) {
            self.compose.take();
            self.last_intent = Some(intent);
            if !note {
                let _ = self.device.set_draft(id, "");
            }
            self.focus = Focus::List;
            self.refresh();
        }
    }

    /// Sends what is being written at a later time (R26).
    pub(crate) fn send_later(&mut self, at: Timestamp) {
        let Some(id) = self.selected else { return };
        let text = self.compose.text().to_owned();
        let outcome = self.device.reply_later(id, &text, at);
        if let Some(intent) = self.done(outcome, "Saved; it leaves at its time") {
            self.compose.take();
            self.last_intent = Some(intent);
            let _ = self.device.set_draft(id, "");
            self.focus = Focus::List;
            self.refresh();
        }
    }

    fn undo_last(&mut self) {
        if !self.last_many.is_empty() {
            let many = std::mem::take(&mut self.last_many);
            let outcome = self.device.undo_each(&many);
            if let Some(outcomes) = self.done(outcome, "Taken back") {
                let late = outcomes.iter().filter(|outcome| outcome.is_err()).count();
                if late > 0 {
                    self.say(format!("{late} were on their way already"));
                }
            }
            return;
        }
        let newest = self.outbox.items().iter().find(|item| matches!(item.state, OutboxState::Saved { .. }));
        match self.last_intent.take().or(newest.map(|item| item.intent)) {
            Some(intent) => {
                let outcome = self.device.undo(intent);
                self.done(outcome, "Taken back");
            }
            None => self.say("There is nothing to take back"),
        }
    }

    pub(crate) fn verb(&mut self, said: &str, run: impl FnOnce(&App) -> Result<IntentId, offdesk_core::engine::Error>) {
        let outcome = run(self);
        if let Some(intent) = self.done(outcome, said) {
            self.last_intent = Some(intent);
            self.last_many.clear();
        }
    }

    fn toggle_airplane(&mut self) {
        let state = if self.airplane() { NetworkState::Online } else { NetworkState::Offline };
        self.device.set_network(state);
        self.refresh();
        self.say(if state == NetworkState::Offline { "Airplane mode" } else { "Network on" });
    }

    pub(crate) fn show(&mut self, pane: Pane) {
        self.pane = pane;
        self.line = 0;
    }

    fn next_tab(&mut self, step: isize) {
        let offered: Vec<Tab> = Tab::ALL.into_iter().filter(|tab| self.offers(*tab)).collect();
        let at = offered.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        let next = (at + offered.len()).saturating_add_signed(step) % offered.len().max(1);
        if let Some(tab) = offered.get(next) {
            self.show_tab(*tab);
        }
    }
}
