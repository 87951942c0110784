//! From an outline and the relay's facts to the same row that the whole document gives, wherever that can be told from them.

use std::collections::BTreeSet;

use crate::{
    ids::{DocumentId, MemberId},
    model::{Conversation, Directory, Message, MessageKind},
    policy::Visibility,
    protocol::{Delivery, Fact, FactBody},
    triage::project::{Projected, Registers, project_conversation},
};

/// Projects a conversation from its outline; this device has no open intents in it. `None` if the document itself is
/// needed: for a held or scheduled reply (whose author decides what is shown), for one that may have ended a follow-up, and for the
/// texts of standing alerts.
pub fn project_outline(
    document: DocumentId,
    mut outline: Conversation,
    facts: &[Fact],
    registers: &Registers,
    visibility: Visibility,
    directory: &Directory,
    me: MemberId,
) -> Option<Projected> {
    let last = outline.messages.keys().next().copied();
    let mut latest = None;
    for fact in facts {
        let FactBody::Message(message) = &fact.body else { continue };
        latest = latest.max(Some((message.order, message.id)));
        // Whose message ends a follow-up, an outline doesn't tell.
        let may_end = registers.follow_up.is_some_and(|due| message.at >= due);
        let kind = match message.delivery {
            Delivery::Held(_) | Delivery::Scheduled { .. } | Delivery::Newer => return None,
            Delivery::Received => MessageKind::Inbound,
            Delivery::Internal => MessageKind::Note,
            _ if may_end => return None,
            _ => MessageKind::Outbound,
        };
        // A row tells neither the author nor the text of any but the last one.
        let bare = || Message {
            id: message.id,
            kind,
            by: None,
            text: String::new(),
            at: message.at,
            mentions: BTreeSet::new(),
            later: None,
        };
        outline.messages.entry(message.id).or_insert_with(bare);
    }
    if latest.map(|(_, id)| id) != last {
        return None;
    }
    let pending = BTreeSet::new();
    let projected = project_conversation(document, &outline, facts, registers, &pending, visibility, directory, me);
    // Less is known here of what makes an alert moot: if none stands, none does.
    projected.alerts.is_empty().then_some(projected)
}
