//! Small windows over the inbox: to pick a member, to type a tag, to start a conversation.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use offdesk_core::{
    engine::OutboxItem,
    ids::{ContactId, ConversationId, IntentId, MemberId},
    triage::InboxFilter,
};

use super::{choose::Choice, editor::Editor, filtering::Form, state::App};

/// A window that is open.
#[derive(Clone, Debug)]
pub(crate) enum Dialog {
    Help,
    /// Whom to assign, or whose assignment to end.
    Assign {
        members: Vec<(MemberId, bool)>,
        at: usize,
    },
    /// A tag to add, or to remove if it is there.
    Tag(Editor),
    /// Another text for a held reply.
    EditHeld {
        conversation: ConversationId,
        message: IntentId,
        text: Editor,
    },
    /// Phone, name and first message.
    Start {
        fields: [Editor; 3],
        at: usize,
    },
    /// One of a few.
    Choose(Choice),
    /// Any filter.
    Filter(Form),
    /// A name for a filter, or another name for a saved one.
    Name {
        filter: Option<InboxFilter>,
        id: Option<IntentId>,
        text: Editor,
    },
    /// A contact's card; a new one's without an id.
    Contact {
        contact: Option<ContactId>,
        fields: [Editor; 3],
        at: usize,
    },
    /// A question before something can't be undone.
    Discard(OutboxItem),
}

/// The labels of [`Dialog::Start`].
pub(crate) const START_FIELDS: [&str; 3] = ["Phone", "Name, if new", "Message"];

impl App {
    pub(crate) fn open_assign(&mut self) {
        let Some(view) = &self.view else { return };
        let mut members: Vec<(MemberId, bool)> =
            self.names.keys().map(|member| (*member, view.row.assignees.contains_key(member))).collect();
        let me = self.me.as_ref().map(|me| me.member);
        members.sort_by_key(|(member, _)| (Some(*member) != me, self.name(*member).to_lowercase()));
        self.dialog = Some(Dialog::Assign { members, at: 0 });
    }

    pub(crate) fn open_start(&mut self) {
        // What was searched for in vain is likely the customer to start with.
        let typed = self.search.text().to_owned();
        let phone = typed.chars().any(|c| c.is_ascii_digit());
        let (first, second) = if phone { (typed, String::new()) } else { (String::new(), typed) };
        let fields = [Editor::with(&first), Editor::with(&second), Editor::default()];
        self.dialog = Some(Dialog::Start { fields, at: 0 });
    }

    /// A key while a window is open.
    pub(crate) fn dialog_key(&mut self, mut dialog: Dialog, key: KeyEvent) {
        if key.code == KeyCode::Esc {
            return;
        }
        let enter = key.code == KeyCode::Enter;
        match &mut dialog {
            Dialog::Help => return,
            Dialog::Choose(choice) => {
                if let Some(choice) = self.choose_key(choice.clone(), key) {
                    self.dialog = Some(Dialog::Choose(choice));
                }
                return;
            }
            Dialog::Filter(form) => {
                if let Some(form) = self.filter_key(form.clone(), key) {
                    self.dialog = Some(Dialog::Filter(form));
                }
                return;
            }
            Dialog::Name { filter, id, text } => {
                if enter && self.name_filter(filter.as_ref(), *id, text.text()) {
                    return;
                }
                edit(text, key);
            }
            Dialog::Contact { contact, fields, at } => match key.code {
                KeyCode::Tab | KeyCode::Down => *at = (*at + 1) % fields.len(),
                KeyCode::BackTab | KeyCode::Up => *at = (*at + fields.len() - 1) % fields.len(),
                KeyCode::Enter => {
                    if self.save_contact(*contact, fields) {
                        return;
                    }
                }
                _ => {
                    if let Some(field) = fields.get_mut(*at) {
                        edit(field, key);
                    }
                }
            },
            Dialog::Discard(item) => {
                if matches!(key.code, KeyCode::Char('y') | KeyCode::Enter) {
                    let intent = item.intent;
                    let outcome = self.device.discard(intent);
                    self.done(outcome, "Discarded");
                }
                return;
            }
            Dialog::Assign { members, at } => {
                match key.code {
                    KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(members.len().saturating_sub(1)),
                    _ => {}
                }
                if enter {
                    if let Some((member, assigned)) = members.get(*at).copied() {
                        self.assign(member, assigned);
                    }
                    return;
                }
            }
            Dialog::Tag(text) => {
                if enter {
                    self.toggle_tag(text.text().trim());
                    return;
                }
                edit(text, key);
            }
            Dialog::EditHeld { conversation, message, text } => {
                if enter {
                    let outcome = self.device.edit_held(*conversation, *message, text.text());
                    self.done(outcome, "Saved: the new text goes out in its place");
                    return;
                }
                edit(text, key);
            }
            Dialog::Start { fields, at } => match key.code {
                KeyCode::Tab | KeyCode::Down => *at = (*at + 1) % fields.len(),
                KeyCode::BackTab | KeyCode::Up => *at = (*at + fields.len() - 1) % fields.len(),
                KeyCode::Enter if *at + 1 < fields.len() => *at += 1,
                KeyCode::Enter => {
                    if self.start(fields) {
                        return;
                    }
                }
                _ => {
                    if let Some(field) = fields.get_mut(*at) {
                        edit(field, key);
                    }
                }
            },
        }
        self.dialog = Some(dialog);
    }

    fn start(&mut self, fields: &[Editor; 3]) -> bool {
        let [phone, name, text] = fields;
        let name = Some(name.text().trim()).filter(|name| !name.is_empty());
        let text = Some(text.text()).filter(|text| !text.trim().is_empty());
        let outcome = self.device.start_conversation(phone.text(), name, None, text);
        let Some(started) = self.done(outcome, "Saved") else { return false };
        self.last_intent = started.intent.or(self.last_intent);
        self.leave_search();
        self.select(Some(started.conversation));
        true
    }
}

/// A key that edits a text.
pub(crate) fn edit(text: &mut Editor, key: KeyEvent) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('w') if control => text.delete_word(),
        KeyCode::Char('a') if control => text.home(),
        KeyCode::Char('e') if control => text.end(),
        KeyCode::Char('u') if control => drop(text.take()),
        KeyCode::Char(c) if !control => text.insert(c.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => text.backspace(),
        KeyCode::Delete => text.delete(),
        KeyCode::Left => text.left(),
        KeyCode::Right => text.right(),
        KeyCode::Home => text.home(),
        KeyCode::End => text.end(),
        _ => {}
    }
}
