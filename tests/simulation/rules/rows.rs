//! What lists show, by a reference written from the rules: status, needs-reply, unread, assignees.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, MemberId, MessageId, QueueId},
    model::{Conversation, MessageKind, Priority, Status},
    protocol::{Delivery, Fact, FactBody, RegisterContent, RegisterKey},
    time::Timestamp,
};

use super::{
    convergence::{relay_facts, relay_register},
    in_use, read,
};
use crate::world::{Violation, World, broken};

/// R20, R25: an inbound message that a closing didn't know of reopens the conversation, whichever was accepted first; what
/// was never sent to the contact doesn't count as a reply; unread is what came after the member's mark.
pub fn rows_say_what_the_documents_say(world: &mut World) -> Result<(), Violation> {
    let visible = world.witness.visible();
    for at in in_use(world) {
        let member = world.phones[at].member;
        for id in visible.dashboard.get(&member).cloned().unwrap_or_default() {
            let Some(conversation) = world.witness.mirrors.get(&id).and_then(|mirror| mirror.conversation.clone())
            else {
                continue;
            };
            let expected = expected(world, member, id, &conversation);
            let row = read(&mut world.phones[at], |disk| disk.reading().conversation_in(id))?;
            let Some(row) = row else {
                return broken("rows say what documents say", format!("phone {at} has no row for {id}"));
            };
            let shown = Row {
                closed: row.status == Status::Closed,
                needs_reply: row.needs_reply,
                unread: row.unread,
                assignees: row.assignees.keys().copied().collect(),
                tags: row.tags,
                scheduled: row.scheduled,
                snoozed_until: row.snoozed_until,
                priority: row.priority,
                queue: row.queue,
                blocked: row.blocked,
                last_activity: row.last_activity,
            };
            if shown != expected {
                return broken(
                    "rows say what documents say",
                    format!("phone {at}: {id} shows {shown:?}, is {expected:?}"),
                );
            }
            let closed: bool = {
                let sql = "SELECT closed FROM documents WHERE id = ?1";
                let connection = world.office.solo.connection();
                connection.prepare_cached(sql).unwrap().query_row([id.as_bytes()], |row| row.get(0)).unwrap()
            };
            if closed != expected.closed {
                return broken("rows say what documents say", format!("the relay takes {id} for closed: {closed}"));
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
struct Row {
    closed: bool,
    needs_reply: bool,
    unread: bool,
    assignees: BTreeSet<MemberId>,
    tags: BTreeSet<String>,
    scheduled: u32,
    snoozed_until: Option<Timestamp>,
    priority: Priority,
    queue: Option<QueueId>,
    blocked: bool,
    /// R41: by the relay's clock alone.
    last_activity: Timestamp,
}

fn expected(world: &mut World, member: MemberId, id: DocumentId, conversation: &Conversation) -> Row {
    let facts = relay_facts(world, id, member);
    let mut said: Vec<(u64, MessageId, MessageKind, Delivery)> = facts
        .iter()
        .filter_map(|Fact { body, .. }| {
            let FactBody::Message(fact) = body else { return None };
            let message = conversation.messages.get(&fact.id)?;
            Some((fact.order, fact.id, message.kind, fact.delivery.clone()))
        })
        .collect();
    said.sort_by_key(|(order, ..)| *order);
    let last_inbound = said.iter().rev().find(|(_, _, kind, _)| *kind == MessageKind::Inbound).map(|(_, id, ..)| *id);
    let undone: BTreeSet<_> = conversation.reopenings.iter().map(|reopening| reopening.closing).collect();
    let closed =
        conversation.closings.iter().any(|closing| !undone.contains(&closing.id) && closing.seen == last_inbound);
    let to_contact = said.iter().rev().find(|(_, _, kind, delivery)| {
        *kind != MessageKind::Note
            && !matches!(delivery, Delivery::Held(_) | Delivery::Dropped | Delivery::Scheduled { .. })
    });
    let sorting = &conversation.sorting;
    let woken: BTreeSet<_> = sorting.wakings.iter().map(|waking| waking.snooze).collect();
    let snoozes = sorting.snoozes.iter().filter(|snooze| !woken.contains(&snooze.id) && snooze.seen == last_inbound);
    let own = |id: &MessageId| conversation.messages.get(id).is_some_and(|message| message.by == Some(member));
    let scheduled = said.iter().filter(|(_, id, _, state)| own(id) && matches!(state, Delivery::Scheduled { .. }));
    let (mut said_at, mut first) = (None, None);
    for Fact { body, .. } in &facts {
        let at = match body {
            FactBody::Message(fact) => {
                said_at = said_at.max(Some(fact.at));
                fact.at
            }
            FactBody::Alert(alert) => alert.at,
            FactBody::Event(event) => event.at,
        };
        first = first.or(Some(at)).min(Some(at));
    }
    let mark = match relay_register(world, member, RegisterKey::ReadMark(id)) {
        Some(RegisterContent::Order(order)) => order,
        _ => 0,
    };
    let flagged = relay_register(world, member, RegisterKey::MarkedUnread(id)) == Some(RegisterContent::Flag(true));
    Row {
        closed,
        needs_reply: to_contact.is_some_and(|(_, _, kind, _)| *kind == MessageKind::Inbound),
        unread: flagged || said.iter().any(|(order, _, kind, _)| *kind == MessageKind::Inbound && *order > mark),
        assignees: conversation.assignments.iter().map(|assignment| assignment.key.member).collect(),
        tags: conversation.tags.clone(),
        scheduled: u32::try_from(scheduled.count()).unwrap(),
        snoozed_until: snoozes.map(|snooze| snooze.until).max(),
        priority: sorting.priority,
        queue: sorting.queue,
        blocked: world.witness.is_blocked(conversation.contact),
        last_activity: said_at.or(first).unwrap_or_default(),
    }
}
