//! What is loaded from a file (`admin import`): documents as they were elsewhere, with the times and states that they had
//! there. None of what follows from a member's change follows here: nobody is alerted, and nothing enters the ledger, so that
//! nothing of it can ever be dispatched.

use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId, MessageId, WorkspaceId},
    model::{Action, Channel, Contact, Conversation, Kind, MessageKind, NewMessage, Status},
    protocol::{Deed, Delivery, EventFact, FactBody, MessageFact},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::params;

use crate::{
    accept::{
        apply,
        documents::unreadable,
        facts::Recipients,
        relay_changes::{epoch, relay_actor},
    },
    store::{StoreError, Tx},
};

/// One thing that was said or done in a conversation, or done to a contact, when and as the relay there accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// A message or note.
    Message {
        /// Its id.
        id: MessageId,
        /// As it was written.
        new: NewMessage,
        /// When it was accepted or received.
        at: Timestamp,
        /// How far it got.
        delivery: Delivery,
    },
    /// What a change did beside.
    Event {
        /// The intent of the change.
        id: IntentId,
        /// When it was accepted.
        at: Timestamp,
        /// Who.
        by: Option<MemberId>,
        /// What.
        what: Vec<Deed>,
    },
}

/// Enters a contact.
///
/// # Errors
/// As the store's.
pub fn import_contact(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    contact: &Contact,
    actions: &[Action],
) -> Result<(), StoreError> {
    let seq = tx.next_seq(workspace)?;
    tx.create_document(workspace, contact.id, Kind::Contact, seq)?;
    if !actions.is_empty() {
        append(tx, now, rng, workspace, (contact.id, Kind::Contact), actions)?;
    }
    for phone in &contact.phones {
        tx.take_phone(workspace, phone, contact.id)?;
    }
    tx.connection()
        .prepare_cached("UPDATE documents SET blocked = ?2 WHERE id = ?1")?
        .execute(params![contact.id.as_bytes(), contact.reach.blocked])?;
    tx.grant_record(contact, seq)
}

/// Enters a conversation without what was said in it. `peer` is the phone that replies go to.
///
/// # Errors
/// As the store's.
#[allow(clippy::too_many_arguments, reason = "one conversation with its natural key")]
pub fn import_conversation(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    document: DocumentId,
    (contact, channel): (DocumentId, &Channel),
    peer: Option<&str>,
    actions: &[Action],
) -> Result<(), StoreError> {
    let seq = tx.next_seq(workspace)?;
    tx.create_document(workspace, document, Kind::Conversation, seq)?;
    let (seq, intent) = append(tx, now, rng, workspace, (document, Kind::Conversation), actions)?;
    let conversation = tx.conversation(document)?.ok_or(StoreError::Missing("conversation"))?;
    let accepted = apply::Accepted {
        now,
        workspace,
        document,
        kind: Kind::Conversation,
        seq,
        intent,
        author: None,
        actions,
        seen: None,
        reoffered: false,
        automation: None,
    };
    apply::open(tx, &accepted, conversation.id.as_bytes(), contact, channel)?;
    if let Some(peer) = peer {
        tx.connection()
            .prepare_cached("UPDATE documents SET peer = ?2 WHERE id = ?1")?
            .execute(params![document.as_bytes(), peer])?;
    }
    if !conversation.closings.is_empty() {
        set_closed(tx, document, &conversation, None)?;
    }
    tx.grant_conversation(document, &conversation, seq)
}

/// Enters what was said and done in a document, in its order: the messages as one change.
///
/// # Errors
/// As the store's.
pub fn import_past(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    (document, kind): (DocumentId, Kind),
    past: &[Past],
) -> Result<(), StoreError> {
    let said = past.iter().filter_map(|past| match past {
        Past::Message { id, new, .. } => Some(Action::AddMessage { id: *id, message: new.clone() }),
        Past::Event { .. } => None,
    });
    let said: Vec<Action> = said.collect();
    if !said.is_empty() {
        append(tx, now, rng, workspace, (document, kind), &said)?;
    }
    for past in past {
        let order = tx.next_seq(workspace)?;
        let fact = match past {
            Past::Message { id, at, delivery, .. } => {
                FactBody::Message(MessageFact { id: *id, order, at: *at, delivery: delivery.clone() })
            }
            Past::Event { id, at, by, what } => {
                FactBody::Event(EventFact { id: *id, order, at: *at, by: *by, what: what.clone() })
            }
        };
        tx.put_fact(workspace, document, &fact, Recipients::Everybody)?;
    }
    if kind == Kind::Conversation { status(tx, document, past) } else { Ok(()) }
}

/// Keeps what orders a cold start, as acceptance does.
fn status(tx: &mut Tx<'_>, document: DocumentId, past: &[Past]) -> Result<(), StoreError> {
    let said = past.iter().filter_map(|past| match past {
        Past::Message { id, new, at, .. } => Some((*id, new.kind, *at)),
        Past::Event { .. } => None,
    });
    let (mut last_inbound, mut last_activity) = (None, None);
    for (id, kind, at) in said {
        last_activity = last_activity.max(Some(at.millis()));
        last_inbound = if kind == MessageKind::Inbound { Some(id) } else { last_inbound };
    }
    if let Some(at) = last_activity {
        tx.connection()
            .prepare_cached("UPDATE documents SET last_activity = max(coalesce(last_activity, 0), ?2) WHERE id = ?1")?
            .execute(params![document.as_bytes(), at])?;
    }
    let conversation = tx.conversation(document)?.ok_or(StoreError::Missing("conversation"))?;
    if last_inbound.is_some() && !conversation.closings.is_empty() {
        set_closed(tx, document, &conversation, last_inbound)?;
    }
    Ok(())
}

/// Says whether a conversation is closed, given the last inbound message.
fn set_closed(
    tx: &Tx<'_>,
    document: DocumentId,
    conversation: &Conversation,
    last_inbound: Option<MessageId>,
) -> Result<(), StoreError> {
    let closed = conversation.status(last_inbound) == Status::Closed;
    tx.connection()
        .prepare_cached("UPDATE documents SET closed = ?2 WHERE id = ?1")?
        .execute(params![document.as_bytes(), closed])?;
    Ok(())
}

/// Authors one change of the relay, and does nothing else.
fn append(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    (document, kind): (DocumentId, Kind),
    actions: &[Action],
) -> Result<(u64, IntentId), StoreError> {
    let intent = IntentId::generate(now, rng);
    let actor = relay_actor(epoch(&tx.reading())?, document);
    let change = tx.load(document, kind)?.author(actor, intent, now, actions).map_err(|error| unreadable(&error))?;
    let seq = tx.next_seq(workspace)?;
    tx.append(document, kind, seq, &change, actions, intent, None)?;
    Ok((seq, intent))
}
