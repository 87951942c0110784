//! Contacts and their records (R7): the list as one types, a contact's card with all conversations, and editing it.

use crossterm::event::{KeyCode, KeyEvent};
use offdesk_core::{
    engine::RecordView,
    ids::ContactId,
    intents::{ContactEdit, NewContact},
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    dialog::{Dialog, edit},
    editor::Editor,
    state::{App, Focus, Pane},
    style::{ACCENT, DIM, SELECTED, STRONG, WARN},
    text::fit,
};
use crate::words;

/// Contacts listed at a time.
const MANY: usize = 100;

/// The labels of [`Dialog::Contact`].
pub(crate) const CONTACT_FIELDS: [&str; 3] = ["Name", "Phone", "E-mail"];

impl App {
    pub(crate) fn open_contacts(&mut self) {
        self.pane = Pane::Contacts;
        self.focus = Focus::Contacts;
        self.line = 0;
        self.find_contacts();
    }

    pub(crate) fn find_contacts(&mut self) {
        self.contacts = self.device.contacts(self.contact_search.text(), MANY, None).unwrap_or_default();
        self.line = self.line.min(self.contacts.len().saturating_sub(1));
    }

    /// Opens a contact's record; what is not here yet comes while one looks.
    pub(crate) fn open_record(&mut self, contact: ContactId) {
        let outcome = self.device.open_record(contact);
        if self.done(outcome, "").is_some() {
            self.notice = None;
            self.focus = Focus::List;
            self.pane = Pane::Record;
            self.line = 0;
            self.record = self.device.record(contact).ok();
            self.record_rows = Some(self.device.observe_record(contact));
        }
    }

    pub(crate) fn contacts_key(&mut self, key: KeyEvent) {
        let chosen = self.contacts.get(self.line).map(|row| row.contact);
        match (key.code, chosen) {
            (KeyCode::Esc, _) => {
                self.focus = Focus::List;
                self.pane = Pane::Conversation;
            }
            (KeyCode::Up, _) => self.line = self.line.saturating_sub(1),
            (KeyCode::Down, _) => self.line = (self.line + 1).min(self.contacts.len().saturating_sub(1)),
            (KeyCode::Enter, Some(contact)) => self.open_record(contact),
            (KeyCode::Enter, None) => self.edit_contact(None),
            _ => {
                edit(&mut self.contact_search, key);
                self.find_contacts();
            }
        }
    }

    pub(crate) fn record_key(&mut self, key: KeyEvent) -> bool {
        let Some(record) = self.record.clone() else { return false };
        let contact = record.contact.id;
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.line = self.line.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                self.line = (self.line + 1).min(record.conversations.len().saturating_sub(1));
            }
            KeyCode::Enter => {
                if let Some(row) = record.conversations.get(self.line) {
                    self.pane = Pane::Conversation;
                    self.select(Some(row.conversation));
                }
            }
            KeyCode::Char('e') => self.edit_contact(Some(&record)),
            KeyCode::Char('b') => {
                let blocked = !record.contact.reach.blocked;
                let said = if blocked { "Blocked as spam" } else { "Unblocked" };
                self.verb(said, |app| app.device.block_contact(contact, blocked));
            }
            KeyCode::Esc => self.pane = Pane::Conversation,
            _ => return false,
        }
        true
    }

    /// The card to fill in: a contact's, or a new one's.
    pub(crate) fn edit_contact(&mut self, record: Option<&RecordView>) {
        let card = record.map(|record| &record.contact);
        let phones = card.map(|card| card.phones.iter().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        let name = card.map_or(self.contact_search.text(), |card| card.name.as_str());
        let email = card.and_then(|card| card.email.clone()).unwrap_or_default();
        let fields = [Editor::with(name), Editor::with(&phones), Editor::with(&email)];
        self.dialog = Some(Dialog::Contact { contact: card.map(|card| card.id), fields, at: 0 });
    }

    /// Creates or changes the contact. Whether it could.
    pub(crate) fn save_contact(&mut self, contact: Option<ContactId>, fields: &[Editor; 3]) -> bool {
        let [name, phones, email] = fields;
        let phones: Vec<String> = phones.text().split([',', ';']).flat_map(words::phones_in).collect();
        let (name, email) = (name.text().trim().to_owned(), email.text().trim().to_owned());
        let Some(contact) = contact else {
            let email = Some(email).filter(|email| !email.is_empty());
            let outcome = self.device.create_contact(NewContact { name, phones, email, owner: None });
            let Some((contact, intent)) = self.done(outcome, "Contact saved") else { return false };
            self.last_intent = Some(intent);
            self.open_record(contact);
            return true;
        };
        let Ok(before) = self.device.contact(contact) else { return true };
        let changes = ContactEdit {
            name: (name != before.name).then_some(name),
            email: (email != before.email.clone().unwrap_or_default()).then_some(email),
            add_phones: phones.iter().filter(|phone| !before.phones.contains(*phone)).cloned().collect(),
            remove_phones: before.phones.iter().filter(|phone| !phones.contains(phone)).cloned().collect(),
            ..ContactEdit::default()
        };
        let outcome = self.device.edit_contact(contact, changes);
        let Some(intent) = self.done(outcome, "Contact saved") else { return false };
        self.last_intent = Some(intent);
        true
    }
}

pub(crate) fn contacts(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    let typed = format!(" Contacts / {}", app.contact_search.text());
    let mut lines = vec![Line::styled(fit(&typed, width), ACCENT.patch(STRONG)), Line::raw("")];
    if app.contacts.is_empty() {
        lines.push(Line::styled(" Nobody; Enter creates a contact", DIM));
    }
    let room = usize::from(area.height).saturating_sub(lines.len());
    let skip = (app.line + 1).saturating_sub(room);
    for (at, row) in app.contacts.iter().enumerate().skip(skip).take(room) {
        let style = if at == app.line { SELECTED } else { Style::new() };
        let phones: Vec<&str> = row.phones.iter().map(String::as_str).collect();
        let spam = if row.blocked { "  blocked" } else { "" };
        lines.push(Line::styled(fit(&format!(" {:<28} {}{spam}", row.display_name, phones.join(" ")), width), style));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

pub(crate) fn record(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let Some(record) = &app.record else { return };
    let width = usize::from(area.width);
    let card = &record.contact;
    let phones: Vec<&str> = card.phones.iter().map(String::as_str).collect();
    let owner = card.owner.map_or("nobody", |owner| app.name(owner));
    let mut lines = vec![
        Line::styled(fit(&format!(" {}", card.display_name()), width), ACCENT.patch(STRONG)),
        Line::styled(fit(&format!(" {}  {}", phones.join(" "), card.email.as_deref().unwrap_or_default()), width), DIM),
        Line::styled(fit(&format!(" owned by {owner}"), width), DIM),
    ];
    if card.reach.blocked {
        lines.push(Line::styled(" blocked as spam", WARN));
    }
    lines.push(Line::raw(""));
    for (at, row) in record.conversations.iter().enumerate() {
        let style = if at == app.line { SELECTED } else { Style::new() };
        let by = if row.visibility.dashboard() { "" } else { "  record only" };
        let when = words::when(row.last_activity, app.now());
        let head = format!(" {}  {when}  {}{by}", row.channel, words::status_name(row.status));
        lines.push(Line::styled(fit(&head, width), style.patch(STRONG)));
        lines.push(Line::styled(fit(&format!("   {}", row.preview.text), width), style));
    }
    let foot = match (record.complete, record.more) {
        (false, _) => " More may come: the relay was not asked yet",
        (true, true) => " Older ones are at the relay",
        (true, false) if record.conversations.is_empty() => " Nothing was said yet",
        (true, false) => "",
    };
    lines.push(Line::styled(foot, DIM));
    frame.render_widget(Paragraph::new(lines), area);
}

/// A card to fill in, as lines of labels and fields. Used with [`super::draw`].
pub(crate) fn field(label: &str, text: &str, chosen: bool, room: usize) -> Line<'static> {
    let style = if chosen { ACCENT } else { DIM };
    Line::from(vec![Span::styled(format!(" {} ", fit(label, 13)), style), Span::raw(fit(text, room))])
}
