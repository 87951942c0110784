//! A message from a contact: into their conversation, which is found or created by its natural key.

use offdesk_core::{
    ids::{DocumentId, IntentId, MessageId, WorkspaceId},
    model::{Action, Channel, Kind, MessageKind, NewMessage, Origin, action::MAX_TEXT_BYTES},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{id, relay_changes::author_intent},
    store::{StoreError, Tx},
};

/// A message as a channel received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The workspace that owns the number.
    pub workspace: WorkspaceId,
    /// The channel with our number.
    pub channel: Channel,
    /// Who wrote, in E.164.
    pub phone: String,
    /// What.
    pub text: String,
    /// The provider's id: a second delivery of it changes nothing.
    pub provider_id: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundOutcome {
    /// The conversation's document.
    pub document: DocumentId,
    /// The message.
    pub message: MessageId,
    /// Whether it had been received before.
    pub duplicate: bool,
}

/// Receives a message.
///
/// # Errors
/// As the store's.
pub fn inbound(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    inbound: &Inbound,
) -> Result<InboundOutcome, StoreError> {
    if let Some(known) = known(tx, inbound)? {
        return Ok(known);
    }
    let contact = match tx.contact_of_phone(inbound.workspace, &inbound.phone)? {
        Some(contact) => contact,
        None => create(
            tx,
            now,
            rng,
            inbound.workspace,
            Kind::Contact,
            &[Action::AddPhone { phone: inbound.phone.clone() }],
        )?,
    };
    let document = match tx.conversation_of_key(inbound.workspace, &inbound.channel, contact)? {
        Some(document) => document,
        None => {
            let open = Action::OpenConversation {
                conversation: offdesk_core::ids::ConversationId::generate(now, rng),
                contact,
                channel: inbound.channel.clone(),
            };
            create(
                tx,
                now,
                rng,
                inbound.workspace,
                Kind::Conversation,
                &[open, Action::AddOrigin { origin: Origin::Direct, at: now }],
            )?
        }
    };
    let message = IntentId::generate(now, rng);
    tx.connection()
        .prepare_cached("INSERT INTO inbound (workspace, provider_id, message, received) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![inbound.workspace.as_bytes(), inbound.provider_id, message.as_bytes(), now.millis()])?;
    tx.connection()
        .prepare_cached("UPDATE documents SET peer = ?2 WHERE id = ?1")?
        .execute(params![document.as_bytes(), inbound.phone])?;
    let new = NewMessage::new(MessageKind::Inbound, None, bounded(&inbound.text), now);
    author_intent(tx, now, inbound.workspace, document, message, &[Action::AddMessage { id: message, message: new }])?;
    offdesk_core::failpoint::hit("inbound.in_transaction");
    Ok(InboundOutcome { document, message, duplicate: false })
}

fn known(tx: &Tx<'_>, inbound: &Inbound) -> Result<Option<InboundOutcome>, StoreError> {
    let found: Option<(Vec<u8>, Vec<u8>)> = tx
        .connection()
        .prepare_cached(
            "SELECT inbound.message, intents.document FROM inbound JOIN intents ON intents.intent = inbound.message
             WHERE inbound.workspace = ?1 AND inbound.provider_id = ?2",
        )?
        .query_row(params![inbound.workspace.as_bytes(), inbound.provider_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((message, document)) = found else { return Ok(None) };
    Ok(Some(InboundOutcome {
        document: id(&document, DocumentId::from_slice, "document id")?,
        message: id(&message, MessageId::from_slice, "message id")?,
        duplicate: true,
    }))
}

fn create(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    kind: Kind,
    actions: &[Action],
) -> Result<DocumentId, StoreError> {
    let document = DocumentId::generate(now, rng);
    let seq = tx.next_seq(workspace)?;
    tx.create_document(workspace, document, kind, seq)?;
    author_intent(tx, now, workspace, document, IntentId::generate(now, rng), actions)?;
    Ok(document)
}

/// A text that fits a message: an empty one (a picture alone) is said so, an overlong one is cut at a character.
fn bounded(text: &str) -> String {
    if text.is_empty() {
        return "(no text)".into();
    }
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
