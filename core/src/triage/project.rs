//! From a document, its facts and the member's registers to a row of the read model. Pure: the same input gives the same
//! row on every device, and a damaged read model is built anew from the documents by the same function.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alerts::{
        Alert, Why,
        moot::{Moot, Standing, why_moot},
        reminders::{Reminders, Rest, Waiting},
    },
    ids::{AlertId, ContactId, DocumentId, IntentId, MemberId, MessageId},
    model::{Contact, Conversation, Directory, MessageKind, Origin, Status},
    policy::{Access, Visibility},
    protocol::{Deed, Delivery, Fact, FactBody, HeldBecause, MessageFact, Seq},
    time::Timestamp,
    triage::row::{ActiveAlert, ContactRow, ConversationRow, MessageView, PREVIEW_CHARS, Preview, Shows},
};

/// The member's registers that bear on one conversation.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    /// Log position up to which it was read.
    pub read: Seq,
    /// Whether it was marked unread since.
    pub marked_unread: bool,
    /// Whether a draft waits.
    pub draft: bool,
    /// Alerts that were dismissed.
    pub dismissed: BTreeSet<AlertId>,
    /// When they want to come back to it.
    pub follow_up: Option<Timestamp>,
    /// Up to when they have dealt with what came due in it.
    pub reminded: Timestamp,
}

/// What a conversation looks like to one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projected {
    /// The list row.
    pub row: ConversationRow,
    /// The alerts that stand, the latest first.
    pub alerts: Vec<ActiveAlert>,
}

/// Projects a conversation. `conversation` is optimistic (own pending intents included), `pending` are those intents;
/// `visibility` is as the relay said.
#[allow(clippy::too_many_arguments, reason = "a pure function of all that a row depends on")]
pub fn project_conversation(
    document: DocumentId,
    conversation: &Conversation,
    facts: &[Fact],
    registers: &Registers,
    pending: &BTreeSet<IntentId>,
    visibility: Visibility,
    directory: &Directory,
    me: MemberId,
) -> Projected {
    let messages = messages(conversation, facts);
    let inbound = |message: &&MessageView| message.kind == MessageKind::Inbound;
    let last_inbound = messages.iter().rev().find(inbound).map(|message| message.id);
    let own = |is: fn(&Delivery) -> bool| {
        let mine = messages.iter().filter(|message| message.by == Some(me));
        count(mine.filter(|message| message.delivery.as_ref().is_some_and(is)))
    };
    // What is held, waits for its time or was dropped never reached the contact: it doesn't clear needs-reply (R33).
    let counts = |message: &&MessageView| message.kind != MessageKind::Note && !is_unsent(message);
    let needs_reply = messages.iter().rev().find(counts).is_some_and(|message| message.kind == MessageKind::Inbound);
    let unread = registers.marked_unread
        || messages.iter().any(|message| {
            message.kind == MessageKind::Inbound && message.order.is_some_and(|order| order > registers.read)
        });
    let mut assignees: BTreeMap<MemberId, BTreeSet<_>> = BTreeMap::new();
    for assignment in &conversation.assignments {
        assignees.entry(assignment.key.member).or_default().insert(assignment.reason);
    }
    let row = ConversationRow {
        document,
        conversation: conversation.id,
        contact: conversation.contact,
        contact_name: String::new(),
        channel: conversation.channel.clone(),
        status: conversation.status(last_inbound),
        last_activity: messages
            .iter()
            .map(|message| message.at)
            .max()
            .unwrap_or_else(|| opened(conversation, facts, pending)),
        last_seq: facts.iter().map(|fact| fact.seq).max().unwrap_or(0),
        preview: messages.last().map(preview).unwrap_or_default(),
        unread,
        needs_reply,
        tags: conversation.tags.clone(),
        origins: origins(conversation, facts),
        visibility,
        held: own(|delivery| matches!(delivery, Delivery::Held(_))),
        pending: count(pending.iter()),
        draft: registers.draft,
        scheduled: own(|delivery| matches!(delivery, Delivery::Scheduled { .. })),
        snoozed_until: conversation.snooze(last_inbound).map(|snooze| snooze.until),
        priority: conversation.sorting.priority,
        queue: conversation.sorting.queue,
        blocked: false,
        assignees,
        reminders: reminders(conversation, &messages, last_inbound, registers, me),
    };
    let alerts = alerts(&row, &messages, facts, registers, directory, me);
    Projected { row, alerts }
}

/// The relay's time of the first that it knows of a document.
fn first_known(facts: &[Fact]) -> Option<Timestamp> {
    facts
        .iter()
        .map(|fact| match &fact.body {
            FactBody::Message(message) => message.at,
            FactBody::Alert(alert) => alert.at,
            FactBody::Event(event) => event.at,
        })
        .min()
}

/// When a conversation in which nothing was said was opened. Only of what is pending here does a device's clock say so, and
/// only this one's: anybody's could otherwise hold a row at the top of everybody's list (R41).
fn opened(conversation: &Conversation, facts: &[Fact], pending: &BTreeSet<IntentId>) -> Timestamp {
    let marked = conversation.origins.values().copied().max().filter(|_| !pending.is_empty());
    first_known(facts).or(marked).unwrap_or_default()
}

/// The origins, the latest first. When one came up after the opening is an event of the relay's; the opening's own is no
/// later than the first that the relay knows, whatever time its author claims (R41).
fn origins(conversation: &Conversation, facts: &[Fact]) -> Vec<Origin> {
    let first = first_known(facts).unwrap_or(Timestamp(i64::MAX));
    let marked = |origin: Origin| {
        let events = facts.iter().filter_map(|fact| match &fact.body {
            FactBody::Event(event) if event.what.contains(&Deed::Marked(origin)) => Some(event.at),
            _ => None,
        });
        events.max()
    };
    let time = |(origin, at): (&Origin, &Timestamp)| (marked(*origin).unwrap_or_else(|| (*at).min(first)), *origin);
    let mut origins: Vec<(Timestamp, Origin)> = conversation.origins.iter().map(time).collect();
    origins.sort_by(|a, b| b.cmp(a));
    origins.into_iter().map(|(_, origin)| origin).collect()
}

/// The messages of a conversation in the relay's order, this device's pending ones last (R41).
pub fn messages(conversation: &Conversation, facts: &[Fact]) -> Vec<MessageView> {
    let known: BTreeMap<_, &MessageFact> = facts
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::Message(message) => Some((message.id, message)),
            FactBody::Alert(_) | FactBody::Event(_) => None,
        })
        .collect();
    let mut messages: Vec<MessageView> = conversation
        .messages
        .values()
        .map(|message| {
            let fact = known.get(&message.id);
            MessageView {
                id: message.id,
                kind: message.kind,
                by: message.by,
                text: message.text.clone(),
                mentions: message.mentions.clone(),
                later: message.later,
                at: fact.map_or(message.at, |fact| fact.at),
                order: fact.map(|fact| fact.order),
                delivery: fact.map(|fact| fact.delivery.clone()),
            }
        })
        .collect();
    messages.sort_by_key(|message| (message.order.unwrap_or(u64::MAX), message.id));
    messages
}

/// Whether the contact never got it, and doesn't yet: it is held, waits for its time, or was dropped.
fn is_unsent(message: &MessageView) -> bool {
    match &message.delivery {
        Some(delivery) => {
            matches!(delivery, Delivery::Held(_) | Delivery::Dropped | Delivery::Scheduled { .. })
        }
        None => message.later.is_some(),
    }
}

fn preview(message: &MessageView) -> Preview {
    let mut text = String::new();
    for word in message.text.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        if text.chars().count() > PREVIEW_CHARS {
            text = text.chars().take(PREVIEW_CHARS - 1).chain(['…']).collect();
            break;
        }
    }
    Preview { kind: Some(message.kind), text }
}

fn alerts(
    row: &ConversationRow,
    messages: &[MessageView],
    facts: &[Fact],
    registers: &Registers,
    directory: &Directory,
    me: MemberId,
) -> Vec<ActiveAlert> {
    let mut alerts: Vec<ActiveAlert> = facts
        .iter()
        .filter_map(|fact| {
            let FactBody::Alert(alert) = &fact.body else { return None };
            let stands = moot(alert, fact.seq, row, messages, registers, directory, me).is_none();
            stands.then(|| ActiveAlert {
                document: row.document,
                conversation: row.conversation,
                contact_name: String::new(),
                text: text(&alert.why, messages, directory),
                alert: alert.clone(),
                shows: Shows::default(),
            })
        })
        .collect();
    alerts.sort_by_key(|active| (std::cmp::Reverse(active.alert.at), active.alert.id));
    alerts
}

/// R8: who is assigned and counts.
pub(super) fn effective(row: &ConversationRow, directory: &Directory) -> BTreeSet<MemberId> {
    let counts = |member: &MemberId| Access::of(directory, *member).is_some_and(|access| access.assignable());
    row.assignees.keys().copied().filter(counts).collect()
}

/// Why one of the relay's alerts is moot; `None` while it stands. `seq` is its fact's.
pub(super) fn moot(
    alert: &Alert,
    seq: Seq,
    row: &ConversationRow,
    messages: &[MessageView],
    registers: &Registers,
    directory: &Directory,
    me: MemberId,
) -> Option<Moot> {
    let own = messages.iter().filter(|message| message.by == Some(me) && message.kind == MessageKind::Outbound);
    let standing = Standing {
        member: me,
        read: registers.read,
        replied: own.map(|message| answers_before(message, messages)).max().unwrap_or(0),
        dismissed: registers.dismissed.contains(&alert.id),
        effective_assignees: &effective(row, directory),
        on_dashboard: row.visibility.dashboard(),
        opened_since: registers.read >= seq,
    };
    why_moot(alert, &standing)
}

/// The order before which a reply answers everything: its own, but a held one (R33) answers nothing from the message on that
/// its author had not seen.
fn answers_before(reply: &MessageView, messages: &[MessageView]) -> u64 {
    match &reply.delivery {
        Some(Delivery::Held(HeldBecause::Newer(newer))) => {
            messages.iter().find(|message| message.id == *newer).and_then(|message| message.order).unwrap_or(0)
        }
        Some(Delivery::Held(HeldBecause::Behind(_)) | Delivery::Dropped | Delivery::Scheduled { .. }) => 0,
        // Still on this device; but it is not to leave yet.
        None if reply.later.is_some() => 0,
        _ => reply.order.unwrap_or(u64::MAX),
    }
}

fn text(why: &Why, messages: &[MessageView], directory: &Directory) -> String {
    match why {
        Why::Assigned { message, .. } | Why::Unassigned { message, .. } | Why::Mentioned { message, .. } => {
            messages.iter().find(|known| known.id == *message).map(|known| preview(known).text).unwrap_or_default()
        }
        // Worded where it comes due.
        Why::Reminder(_) => String::new(),
        Why::Newer => "Something that only a newer version of this app can show".into(),
        Why::AssignedBy { by: Some(by), .. } => format!("{} assigned you", directory.name_of(*by)),
        Why::AssignedBy { by: None, .. } => "An automation assigned you".into(),
    }
}

/// What comes due by itself. What somebody acted on doesn't: a rest or a wait ends with the next message to the contact and
/// with closing, a follow-up with the member's own message.
fn reminders(
    conversation: &Conversation,
    messages: &[MessageView],
    last_inbound: Option<MessageId>,
    registers: &Registers,
    me: MemberId,
) -> Reminders {
    let said = |message: &&MessageView| message.kind == MessageKind::Outbound && !is_unsent(message);
    let open = conversation.status(last_inbound) == Status::Open;
    let snooze = conversation.snooze(last_inbound).filter(|_| open);
    let waits = messages
        .iter()
        .rev()
        .filter(|message| message.kind != MessageKind::Note && !is_unsent(message))
        .take_while(|message| message.kind == MessageKind::Inbound)
        .last()
        .filter(|_| open);
    Reminders {
        rest: snooze
            .map(|snooze| Rest { snooze: snooze.id, by: snooze.by, until: snooze.until })
            .filter(|rest| !messages.iter().filter(said).any(|message| message.at >= rest.until)),
        follow_up: registers
            .follow_up
            .filter(|due| !messages.iter().filter(said).any(|message| message.by == Some(me) && message.at >= *due)),
        waiting: waits.map(|message| Waiting {
            message: message.id,
            order: message.order.unwrap_or(u64::MAX),
            since: snooze.map_or(message.at, |snooze| message.at.max(snooze.until)),
        }),
        reminded: registers.reminded,
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

/// Projects a contact.
pub fn project_contact(id: ContactId, contact: &Contact) -> ContactRow {
    ContactRow {
        contact: id,
        name: contact.name.clone(),
        display_name: contact.display_name().to_owned(),
        phones: contact.phones.clone(),
        email: contact.email.clone(),
        owner: contact.owner,
        blocked: contact.reach.blocked,
    }
}
