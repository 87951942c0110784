//! What follows from an accepted change: projections, grants, natural keys, facts, alerts, ledger. The same for a device's
//! change and for the relay's own.

use std::collections::BTreeSet;

use offdesk_core::{
    alerts::router::{self, Happened},
    ids::{DocumentId, IntentId, MemberId, MessageId, WorkspaceId},
    model::{Action, Channel, Contact, Conversation, HeldChoice, Kind, MessageKind, NewMessage, Status},
    policy::held::{self, Newer, Seen},
    protocol::{Delivery, Fact, FactBody, HeldBecause, MessageFact, Seq},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{
        document_row,
        facts::Recipients,
        id, pack, policies,
        policies::{project_members, project_numbers},
        set_delivery, unpack,
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
    tx.grant_record(&contact, accepted.seq)
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
    for action in accepted.actions {
        match action {
            Action::AddMessage { id, message } => add_message(tx, accepted, &conversation, *id, message)?,
            Action::Assign { key, by, .. } => {
                let was =
                    conversation.assignments_of(key.member).any(|assignment| assignment.key.intent != accepted.intent);
                if !was {
                    let happened = Happened::Assigned { member: key.member, by: *by, intent: accepted.intent };
                    raise(tx, accepted, happened, &conversation.assignees())?;
                }
            }
            Action::DecideHeld { message, choice, .. } => decide(tx, accepted, *message, *choice)?,
            _ => {}
        }
    }
    project_status(tx, accepted, &conversation)
}

fn open(
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
            None => Delivery::Accepted,
        },
    };
    if new.kind == MessageKind::Outbound {
        enter_ledger(tx, accepted, conversation, message, &new.text, &delivery)?;
    }
    let fact = MessageFact { id: message, order: accepted.seq, at: accepted.now, delivery };
    tx.put_fact(accepted.workspace, accepted.document, &FactBody::Message(fact), Recipients::Everybody)?;
    if new.kind == MessageKind::Inbound {
        let happened = Happened::Inbound { message, order: accepted.seq };
        raise(tx, accepted, happened, &conversation.assignees())?;
    }
    Ok(())
}

/// The stale-reply guard (R33).
fn held_because(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &Conversation,
    message: MessageId,
) -> Result<Option<HeldBecause>, StoreError> {
    let Some(author) = accepted.author else { return Ok(None) };
    // An edit decides about the held message in this very change: what it replaces doesn't hold it up.
    let decided: BTreeSet<MessageId> = conversation.decisions.iter().map(|decision| decision.message).collect();
    let earlier = held_of(tx, accepted.document, author)?
        .into_iter()
        .find(|(held, _)| *held != message && !decided.contains(held));
    if let Some((held, _)) = earlier {
        return Ok(Some(HeldBecause::Behind(held)));
    }
    let Some(seen) = accepted.seen else { return Ok(None) };
    // A device may claim any number; nobody has seen what is not there yet.
    let seen = Seen { order: seen.order.min(accepted.seq), ..seen };
    let stale_after = policies(tx, accepted.workspace)?.settings.stale_after;
    if u128::from(seen.age_ms) <= stale_after.as_millis() {
        // Nothing can hold it: the conversation's facts need not be read.
        return Ok(None);
    }
    let later: Vec<Newer> = tx
        .reading()
        .facts(accepted.document, seen.order, None)?
        .iter()
        .filter_map(|fact| newer(fact, conversation))
        .collect();
    Ok(held::stale(author, seen, stale_after, &later).map(HeldBecause::Newer))
}

fn newer(fact: &Fact, conversation: &Conversation) -> Option<Newer> {
    let FactBody::Message(known) = &fact.body else { return None };
    let message = conversation.messages.get(&known.id)?;
    let unsent = matches!(known.delivery, Delivery::Held(_) | Delivery::Dropped);
    (message.kind != MessageKind::Note).then_some(Newer { id: known.id, order: known.order, by: message.by, unsent })
}

/// The held messages of an author in a conversation, in order, each with why.
fn held_of(tx: &Tx<'_>, document: DocumentId, author: MemberId) -> Result<Vec<(MessageId, HeldBecause)>, StoreError> {
    let mut statement = tx
        .connection()
        .prepare_cached("SELECT message, held_because FROM ledger WHERE document = ?1 AND author = ?2 AND state = 'held' ORDER BY position")?;
    let rows = statement
        .query_map(params![document.as_bytes(), author.as_bytes()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(message, because)| {
            Ok((id(&message, MessageId::from_slice, "message id")?, unpack(&because, "held reason")?))
        })
        .collect()
}

fn enter_ledger(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &Conversation,
    message: MessageId,
    text: &str,
    delivery: &Delivery,
) -> Result<(), StoreError> {
    let Channel::Sms(sender) = &conversation.channel else { return Ok(()) };
    let peer = document_row(&tx.reading(), accepted.document)?.and_then(|row| row.peer);
    // Without a phone it waits all the same: the dispatcher says in plain words why it can't leave.
    let (state, since, because, reason) = match delivery {
        Delivery::Held(because) => ("held", Some(accepted.now.millis()), Some(pack(because)?), None),
        Delivery::Unknown => ("unknown", None, None, Some("offered again after the relay was restored")),
        _ => ("queued", None, None, None),
    };
    tx.connection()
        .prepare_cached(
            "INSERT INTO ledger (message, workspace, document, author, position, sender, recipient, body, state, held_since, held_because, reason, updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            message.as_bytes(),
            accepted.workspace.as_bytes(),
            accepted.document.as_bytes(),
            accepted.author.map(|author| author.0),
            accepted.seq,
            sender,
            peer.unwrap_or_default(),
            text,
            state,
            since,
            because,
            reason,
            accepted.now.millis()
        ])?;
    Ok(())
}

/// Carries out a decision about a held message, and lets go what waited behind it.
fn decide(tx: &mut Tx<'_>, accepted: &Accepted<'_>, message: MessageId, choice: HeldChoice) -> Result<(), StoreError> {
    let (state, delivery) = match choice {
        HeldChoice::Send => ("queued", Delivery::Accepted),
        HeldChoice::Drop => ("dropped", Delivery::Dropped),
    };
    let author: Option<Option<Vec<u8>>> = tx
        .connection()
        .prepare_cached("UPDATE ledger SET state = ?2, held_because = NULL, updated = ?3 WHERE message = ?1 AND state = 'held' RETURNING author")?
        .query_row(params![message.as_bytes(), state, accepted.now.millis()], |row| row.get(0))
        .optional()?;
    let Some(author) = author else { return Ok(()) };
    set_delivery(tx, accepted.now, accepted.workspace, accepted.document, message, delivery)?;
    let Some(author) = author.and_then(|bytes| MemberId::from_slice(&bytes)) else { return Ok(()) };
    for (held, because) in held_of(tx, accepted.document, author)? {
        if !matches!(because, HeldBecause::Behind(_)) {
            break;
        }
        tx.connection()
            .prepare_cached("UPDATE ledger SET state = 'queued', held_because = NULL, updated = ?2 WHERE message = ?1")?
            .execute(params![held.as_bytes(), accepted.now.millis()])?;
        set_delivery(tx, accepted.now, accepted.workspace, accepted.document, held, Delivery::Accepted)?;
    }
    Ok(())
}

fn raise(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    happened: Happened,
    assignees: &BTreeSet<MemberId>,
) -> Result<(), StoreError> {
    let policies = policies(tx, accepted.workspace)?;
    for (member, alert) in router::route(happened, assignees, &policies.directory, accepted.now) {
        tx.put_fact(accepted.workspace, accepted.document, &FactBody::Alert(alert), Recipients::Member(member))?;
    }
    Ok(())
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
