//! What a phone shows, so that phones can be compared.

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    engine::Offdesk,
    ids::{ConversationId, MemberId},
    model::{Status, conversation::AssignmentReason},
    triage::{InboxFilter, MessageView},
};

/// One conversation as every member sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// With whom.
    pub contact: String,
    /// Open or closed.
    pub status: Status,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Who is assigned and why.
    pub assignees: BTreeMap<MemberId, BTreeSet<AssignmentReason>>,
    /// Its messages in their order, with their states.
    pub messages: Vec<MessageView>,
}

/// Everything that a phone shows.
pub fn shown(phone: &Offdesk) -> BTreeMap<ConversationId, Shown> {
    let rows = phone.inbox(&InboxFilter::default(), 10_000, None).unwrap();
    rows.into_iter()
        .map(|row| {
            let view = phone.conversation(row.conversation).unwrap();
            let shown = Shown {
                contact: row.contact_name,
                status: row.status,
                tags: row.tags,
                assignees: row.assignees,
                messages: view.messages,
            };
            (row.conversation, shown)
        })
        .collect()
}

/// How often a text is shown, in all conversations.
pub fn times_shown(shown: &BTreeMap<ConversationId, Shown>) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for message in shown.values().flat_map(|shown| &shown.messages) {
        *times.entry(message.text.clone()).or_default() += 1;
    }
    times
}
