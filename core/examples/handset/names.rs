//! From what a person types to the conversation, member or intent that they mean.

use std::collections::BTreeMap;

use offdesk_core::{
    engine::{Offdesk, OutboxItem, SavedFilter},
    ids::{ContactId, ConversationId, MemberId, QueueId},
    model::Member,
    triage::{ActiveAlert, ConversationRow, InboxFilter},
};

use crate::device::Failure;

/// Conversations looked through for an id's beginning: more than anybody holds.
const ALL: usize = 1_000_000;

fn ambiguous<T>(what: &str, typed: &str, mut found: Vec<T>, label: impl Fn(&T) -> String) -> Result<T, Failure> {
    match found.len() {
        0 => Err(Failure::Name(format!("no {what} is called '{typed}'"))),
        1 => Ok(found.remove(0)),
        many => {
            let some: Vec<String> = found.iter().take(5).map(label).collect();
            Err(Failure::Name(format!("'{typed}' could be {many} {what}s: {}", some.join(", "))))
        }
    }
}

fn begins(id: &impl ToString, typed: &str) -> bool {
    typed.len() >= 4 && id.to_string().starts_with(&typed.to_ascii_uppercase())
}

/// A conversation by its id or the beginning of it, or by its contact's name or phone.
pub(crate) fn conversation(device: &Offdesk, typed: &str) -> Result<ConversationId, Failure> {
    if let Ok(id) = typed.parse() {
        return Ok(id);
    }
    let rows = device.inbox(&InboxFilter::default(), ALL, None)?;
    let by_id: Vec<&ConversationRow> = rows.iter().filter(|row| begins(&row.conversation, typed)).collect();
    if !by_id.is_empty() {
        return ambiguous("conversation", typed, by_id, |row| row.conversation.to_string()).map(|row| row.conversation);
    }
    let hits = device.search(typed, 50)?;
    let exact = hits.iter().any(|hit| hit.contact.display_name.eq_ignore_ascii_case(typed));
    let rows: Vec<ConversationRow> = hits
        .into_iter()
        .filter(|hit| !exact || hit.contact.display_name.eq_ignore_ascii_case(typed))
        .flat_map(|hit| hit.conversations)
        .collect();
    ambiguous("conversation", typed, rows, |row| format!("{} ({})", row.contact_name, row.conversation))
        .map(|row| row.conversation)
}

/// A member by the beginning of their id or by name; oneself if nobody is named.
pub(crate) fn member(device: &Offdesk, typed: Option<&str>) -> Result<MemberId, Failure> {
    let Some(typed) = typed else { return Ok(device.me()?.member) };
    if let Ok(id) = typed.parse() {
        return Ok(id);
    }
    let members = device.members()?;
    let lower = typed.to_lowercase();
    let exact: Vec<&Member> = members.iter().filter(|member| member.name.to_lowercase() == lower).collect();
    let found = if exact.is_empty() {
        let near = |member: &&Member| member.name.to_lowercase().contains(&lower) || begins(&member.id, typed);
        members.iter().filter(near).collect()
    } else {
        exact
    };
    ambiguous("member", typed, found, |member| member.name.clone()).map(|member| member.id)
}

/// Something in the outbox by the beginning of its id.
pub(crate) fn waiting(device: &Offdesk, typed: &str) -> Result<OutboxItem, Failure> {
    let found = device.outbox()?.into_iter().filter(|item| begins(&item.intent, typed)).collect();
    ambiguous("waiting item", typed, found, |item: &OutboxItem| item.intent.to_string())
}

/// An alert by the beginning of its id.
pub(crate) fn alert(device: &Offdesk, typed: &str) -> Result<ActiveAlert, Failure> {
    let found = device.alerts()?.into_iter().filter(|active| begins(&active.alert.id, typed)).collect();
    ambiguous("alert", typed, found, |active: &ActiveAlert| active.alert.id.to_string())
}

/// The members whom a note calls: `@` and a name, or the beginning of one that only one has.
pub(crate) fn mentioned(text: &str, names: &BTreeMap<MemberId, String>) -> Vec<MemberId> {
    let mut called = Vec::new();
    for word in text.split('@').skip(1) {
        let word = word.to_lowercase();
        // The longest name that stands there, else the only one that begins so.
        let whole = names.iter().filter(|(_, name)| word.starts_with(&name.to_lowercase()) && !name.is_empty());
        let whole = whole.max_by_key(|(_, name)| name.len()).map(|(id, _)| *id);
        let typed: String = word.chars().take_while(|c| c.is_alphanumeric()).collect();
        let mut near = names.iter().filter(|(_, name)| !typed.is_empty() && name.to_lowercase().starts_with(&typed));
        let near = near.next().filter(|_| near.next().is_none()).map(|(id, _)| *id);
        called.extend(whole.or(near).filter(|id| !called.contains(id)));
    }
    called
}

/// A queue by its name or the beginning of its id; `none` is none.
pub(crate) fn queue(device: &Offdesk, typed: &str) -> Result<Option<QueueId>, Failure> {
    if typed == "none" {
        return Ok(None);
    }
    let lower = typed.to_lowercase();
    let queues: Vec<(QueueId, String)> =
        device.settings()?.queues.into_iter().map(|(id, queue)| (id, queue.name)).collect();
    let exact: Vec<_> = queues.iter().filter(|(_, name)| name.to_lowercase() == lower).cloned().collect();
    let found = if exact.is_empty() {
        let near = |(id, name): &&(QueueId, String)| name.to_lowercase().contains(&lower) || begins(id, typed);
        queues.iter().filter(near).cloned().collect()
    } else {
        exact
    };
    ambiguous("queue", typed, found, |(_, name)| name.clone()).map(|(id, _)| Some(id))
}

/// A contact by the beginning of their id, or by name or phone.
pub(crate) fn contact(device: &Offdesk, typed: &str) -> Result<ContactId, Failure> {
    if let Ok(id) = typed.parse() {
        return Ok(id);
    }
    let hits = device.contacts(typed, 50, None)?;
    let exact: Vec<_> = hits.iter().filter(|row| row.display_name.eq_ignore_ascii_case(typed)).cloned().collect();
    let found = if exact.is_empty() { hits } else { exact };
    ambiguous("contact", typed, found, |row| format!("{} ({})", row.display_name, row.contact)).map(|row| row.contact)
}

/// A saved filter by its name or the beginning of its id.
pub(crate) fn filter(device: &Offdesk, typed: &str) -> Result<SavedFilter, Failure> {
    let saved = device.saved_filters()?;
    let exact: Vec<_> = saved.iter().filter(|saved| saved.name.eq_ignore_ascii_case(typed)).cloned().collect();
    let found =
        if exact.is_empty() { saved.into_iter().filter(|saved| begins(&saved.id, typed)).collect() } else { exact };
    ambiguous("saved filter", typed, found, |saved| saved.name.clone())
}
