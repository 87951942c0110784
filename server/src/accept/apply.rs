//! What follows from an accepted change: projections, grants, natural keys, facts, alerts, ledger. The same for a device's
//! change and for the relay's own.

use std::collections::BTreeSet;

use offdesk_core::{
    alerts::router::{self, Happened, Situation},
    ids::{AutomationId, DocumentId, IntentId, MemberId, MessageId, WorkspaceId},
    model::{Action, Channel, Contact, Conversation, Kind, MessageKind, NewMessage, Status},
    policy::held::Seen,
    protocol::{Delivery, EventFact, FactBody, MessageFact, Seq},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{
        events::deeds,
        facts::Recipients,
        policies,
        policies::{project_members, project_numbers},
        waiting::{decide, enter_ledger, held_because},
    },
    store::{StoreError, Tx},
};

/// An accepted change.
pub(super) struct Accepted<'a> {
    pub(super) now: Timestamp,
    pub(super) workspace: WorkspaceId,
    pub(super) document: DocumentId,
    pub(super) kind: Kind,
    pub(super) seq: Seq,
    pub(super) intent: IntentId,
    /// `None`: the relay.
    pub(super) author: Option<MemberId>,
    pub(super) actions: &'a [Action],
    /// R33: what a reply's author had seen.
    pub(super) seen: Option<Seen>,
    pub(super) reoffered: bool,
    /// The automation whose change it is, if those whom it assigns are to be told (R14).
    pub(super) automation: Option<AutomationId>,
}

pub(super) fn consequences(tx: &mut Tx<'_>, accepted: &Accepted<'_>) -> Result<(), StoreError> {
    match accepted.kind {
        Kind::Directory => project_members(tx, accepted.now, accepted.workspace, accepted.seq),
        Kind::Settings => project_numbers(tx, accepted.workspace),
        Kind::Contact => contact(tx, accepted),
        Kind::Conversation => conversation(tx, accepted),
    }
}

fn contact(tx: &mut Tx<'_>, accepted: &Accepted<'_>) -> Result<(), StoreError> {
    let contact = Contact::read(accepted.document, tx.load(accepted.document, Kind::Contact)?)
        .ok_or(StoreError::Missing("contact"))?;
    for action in accepted.actions {
        match action {
            Action::AddPhone { phone } => tx.take_phone(accepted.workspace, phone, accepted.document)?,
            // A removal takes what its author saw; a phone that was added again meanwhile stays.
            Action::RemovePhone { phone } if !contact.phones.contains(phone) => {
                tx.release_phone(accepted.workspace, phone, accepted.document)?;
            }
            _ => {}
        }
    }
    let phones = |action: &Action| matches!(action, Action::AddPhone { .. } | Action::RemovePhone { .. });
    if accepted.actions.iter().any(phones) {
        redirect_replies(tx, &contact)?;
    }
    if accepted.actions.iter().any(|action| matches!(action, Action::SetBlocked { .. })) {
        tx.connection()
            .prepare_cached("UPDATE documents SET blocked = ?2 WHERE id = ?1")?
            .execute(params![accepted.document.as_bytes(), contact.reach.blocked])?;
    }
    tell_event(tx, accepted)?;
    tx.grant_record(&contact, accepted.seq)
}

/// Replies to a contact go to one of the phones that they have: what went to one that was taken away goes to the first of
/// the others, and to none if none is left, which the dispatcher then says.
fn redirect_replies(tx: &mut Tx<'_>, contact: &Contact) -> Result<(), StoreError> {
    let conversations: Vec<(Vec<u8>, Option<String>)> = tx
        .connection()
        .prepare_cached("SELECT id, peer FROM documents WHERE contact = ?1")?
        .query_map([contact.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (document, peer) in conversations {
        if peer.is_none_or(|peer| !contact.phones.contains(&peer)) {
            tx.connection()
                .prepare_cached("UPDATE documents SET peer = ?2 WHERE id = ?1")?
                .execute(params![document, contact.phones.first()])?;
        }
    }
    Ok(())
}

/// What the change did that no message tells (R24).
fn tell_event(tx: &mut Tx<'_>, accepted: &Accepted<'_>) -> Result<(), StoreError> {
    let what = deeds(accepted.author, accepted.actions);
    if what.is_empty() {
        return Ok(());
    }
    let (id, order, at, by) = (accepted.intent, accepted.seq, accepted.now, accepted.author);
    let event = FactBody::Event(EventFact { id, order, at, by, what });
    tx.put_fact(accepted.workspace, accepted.document, &event, Recipients::Everybody)?;
    Ok(())
}

fn conversation(tx: &mut Tx<'_>, accepted: &Accepted<'_>) -> Result<(), StoreError> {
    for action in accepted.actions {
        if let Action::OpenConversation { conversation, contact, channel } = action {
            open(tx, accepted, conversation.as_bytes(), *contact, channel)?;
        }
    }
    let conversation = tx.conversation(accepted.document)?.ok_or(StoreError::Missing("conversation"))?;
    let assigns =
        accepted.actions.iter().any(|action| matches!(action, Action::Assign { .. } | Action::Unassign { .. }));
    if assigns {
        tx.grant_conversation(accepted.document, &conversation, accepted.seq)?;
    }
    tell_event(tx, accepted)?;
    for action in accepted.actions {
        match action {
            Action::AddMessage { id, message } => add_message(tx, accepted, &conversation, *id, message)?,
            Action::Assign { key, by, .. } => {
                let was =
                    conversation.assignments_of(key.member).any(|assignment| assignment.key.intent != accepted.intent);
                if !was {
                    let (member, automation, intent) = (key.member, accepted.automation, accepted.intent);
                    let happened = Happened::Assigned { member, by: *by, automation, intent };
                    raise(tx, accepted, happened, &conversation)?;
                }
            }
            Action::DecideHeld { message, choice, .. } => decide(tx, accepted, *message, *choice)?,
            _ => {}
        }
    }
    project_status(tx, accepted, &conversation)
}

pub(super) fn open(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &[u8],
    contact: DocumentId,
    channel: &Channel,
) -> Result<(), StoreError> {
    tx.take_conversation_key(accepted.workspace, channel, contact, accepted.document)?;
    let card = Contact::read(contact, tx.load(contact, Kind::Contact)?);
    let peer = card.and_then(|card| card.phones.first().cloned());
    tx.connection()
        .prepare_cached("UPDATE documents SET conversation = ?2, contact = ?3, channel = ?4, peer = ?5, public_seq = created_seq WHERE id = ?1")?
        .execute(params![accepted.document.as_bytes(), conversation, contact.as_bytes(), channel.to_string(), peer])?;
    // R7: seeing a conversation includes its contact's card.
    tx.connection()
        .prepare_cached("UPDATE documents SET public_seq = ?2, last_seq = ?2 WHERE id = ?1 AND public_seq IS NULL")?
        .execute(params![contact.as_bytes(), accepted.seq])?;
    Ok(())
}

fn add_message(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &Conversation,
    message: MessageId,
    new: &NewMessage,
) -> Result<(), StoreError> {
    let delivery = match new.kind {
        MessageKind::Inbound => Delivery::Received,
        MessageKind::Note => Delivery::Internal,
        MessageKind::Outbound if accepted.reoffered => Delivery::Unknown,
        MessageKind::Outbound => match held_because(tx, accepted, conversation, message)? {
            Some(because) => Delivery::Held(because),
            None => match new.later.filter(|later| *later > accepted.now) {
                Some(at) => Delivery::Scheduled { at },
                None => Delivery::Accepted,
            },
        },
    };
    if new.kind == MessageKind::Outbound {
        enter_ledger(tx, accepted, conversation, message, new, &delivery)?;
    }
    let fact = MessageFact { id: message, order: accepted.seq, at: accepted.now, delivery };
    tx.put_fact(accepted.workspace, accepted.document, &FactBody::Message(fact), Recipients::Everybody)?;
    if new.kind == MessageKind::Inbound {
        let happened = Happened::Inbound { message, order: accepted.seq };
        raise(tx, accepted, happened, conversation)?;
    }
    for member in new.mentions.iter().copied() {
        let happened = Happened::Mentioned { member, by: new.by, message, order: accepted.seq };
        raise(tx, accepted, happened, conversation)?;
    }
    Ok(())
}

fn raise(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    happened: Happened,
    conversation: &Conversation,
) -> Result<(), StoreError> {
    let policies = policies(tx, accepted.workspace)?;
    // An archived queue is nobody's any more: what is left in it is everybody's.
    let queue = conversation.sorting.queue.and_then(|id| Some((id, policies.settings.queues.get(&id)?)));
    let queue = queue.filter(|(_, queue)| !queue.archived).map(|(id, queue)| (id, &queue.members));
    let inbound = matches!(happened, Happened::Inbound { .. });
    let assignees: BTreeSet<MemberId> = conversation.assignees();
    let situation = Situation {
        assignees: &assignees,
        queue,
        blocked: inbound && is_blocked(tx, conversation.contact)?,
        directory: &policies.directory,
    };
    for (member, alert) in router::route(happened, &situation, accepted.now) {
        tx.put_fact(accepted.workspace, accepted.document, &FactBody::Alert(alert), Recipients::Member(member))?;
    }
    Ok(())
}

fn is_blocked(tx: &Tx<'_>, contact: DocumentId) -> Result<bool, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT blocked FROM documents WHERE id = ?1")?;
    Ok(statement.query_row([contact.as_bytes()], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Keeps what orders a cold start: whether it is open, and when something was last said.
fn project_status(tx: &mut Tx<'_>, accepted: &Accepted<'_>, conversation: &Conversation) -> Result<(), StoreError> {
    let speaks = accepted.actions.iter().any(|action| matches!(action, Action::AddMessage { .. }));
    if speaks {
        tx.connection()
            .prepare_cached("UPDATE documents SET last_activity = ?2 WHERE id = ?1")?
            .execute(params![accepted.document.as_bytes(), accepted.now.millis()])?;
    }
    let moves = accepted.actions.iter().any(|action| {
        matches!(action, Action::Close { .. } | Action::Reopen { .. })
            || matches!(action, Action::AddMessage { message, .. } if message.kind == MessageKind::Inbound)
    });
    if moves && !conversation.closings.is_empty() {
        let facts = tx.reading().facts(accepted.document, 0, None)?;
        let last_inbound = facts
            .iter()
            .filter_map(|fact| match &fact.body {
                FactBody::Message(message) if message.delivery == Delivery::Received => {
                    Some((message.order, message.id))
                }
                _ => None,
            })
            .max()
            .map(|(_, id)| id);
        let closed = conversation.status(last_inbound) == Status::Closed;
        tx.connection()
            .prepare_cached("UPDATE documents SET closed = ?2 WHERE id = ?1")?
            .execute(params![accepted.document.as_bytes(), closed])?;
    }
    Ok(())
}
