//! Relay facts: what only the relay knows of a document, in the same log as its changes.

use offdesk_core::{
    ids::{DocumentId, MemberId, MessageId, WorkspaceId},
    protocol::{Delivery, Fact, FactBody, FactKey, MessageFact, Seq},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{pack, unpack},
    store::{ReadTx, StoreError, Tx},
};

/// Who receives a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Everybody who sees the document.
    Everybody,
    /// One member only.
    Member(MemberId),
}

impl Tx<'_> {
    /// Writes a fact at the next place of the log; it replaces one of the same key.
    pub(crate) fn put_fact(
        &mut self,
        workspace: WorkspaceId,
        document: DocumentId,
        body: &FactBody,
        recipients: Recipients,
    ) -> Result<Seq, StoreError> {
        let seq = self.next_seq(workspace)?;
        let member = match recipients {
            Recipients::Everybody => None,
            Recipients::Member(member) => Some(member.0),
        };
        self.connection()
            .prepare_cached(
                "INSERT INTO facts (document, key, seq, member, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (document, key) DO UPDATE SET seq = excluded.seq, member = excluded.member, body = excluded.body",
            )?
            .execute(params![document.as_bytes(), pack(&body.key())?, seq, member, pack(body)?])?;
        self.connection()
            .prepare_cached("UPDATE documents SET last_seq = ?2 WHERE id = ?1")?
            .execute(params![document.as_bytes(), seq])?;
        Ok(seq)
    }
}

impl ReadTx<'_> {
    /// The facts of a document after `since` that `member` receives, in the order of the log; all of them for `None`.
    pub(crate) fn facts(
        &self,
        document: DocumentId,
        since: Seq,
        member: Option<MemberId>,
    ) -> Result<Vec<Fact>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT seq, body FROM facts WHERE document = ?1 AND seq > ?2 AND (member IS NULL OR ?3 IS NULL OR member = ?3) ORDER BY seq",
        )?;
        let rows = statement
            .query_map(params![document.as_bytes(), since, member.map(|member| member.0)], |row| {
                Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))
            })?
            .collect::<Result<Vec<(Seq, Vec<u8>)>, _>>()?;
        rows.into_iter().map(|(seq, body)| Ok(Fact { seq, body: unpack(&body, "fact")? })).collect()
    }

    /// The fact of one message.
    pub(crate) fn message_fact(
        &self,
        document: DocumentId,
        message: MessageId,
    ) -> Result<Option<MessageFact>, StoreError> {
        let body: Option<Vec<u8>> = self
            .connection()
            .prepare_cached("SELECT body FROM facts WHERE document = ?1 AND key = ?2")?
            .query_row(params![document.as_bytes(), pack(&FactKey::Message(message))?], |row| row.get(0))
            .optional()?;
        match body.map(|body| unpack::<FactBody>(&body, "fact")).transpose()? {
            Some(FactBody::Message(fact)) => Ok(Some(fact)),
            _ => Ok(None),
        }
    }
}

/// How far a state is on the ladder of R31: a message never goes down again.
fn rung(delivery: &Delivery) -> u8 {
    match delivery {
        Delivery::Received | Delivery::Internal | Delivery::Newer => 0,
        // What was held may be let go for its time; at that time it may be held anew.
        Delivery::Held(_) | Delivery::Scheduled { .. } => 1,
        Delivery::Accepted => 2,
        Delivery::Unknown => 3,
        Delivery::HandedOver => 4,
        Delivery::Sent => 5,
        Delivery::Delivered | Delivery::Failed { .. } | Delivery::Dropped => 6,
    }
}

/// Moves a message up the ladder of R31; a state that is not further than the present one changes nothing.
///
/// # Errors
/// [`StoreError::Missing`] if the message was never accepted.
pub fn set_delivery(
    tx: &mut Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    document: DocumentId,
    message: MessageId,
    delivery: Delivery,
) -> Result<(), StoreError> {
    let _ = now;
    let fact = tx.reading().message_fact(document, message)?.ok_or(StoreError::Missing("message"))?;
    let waits = |delivery: &Delivery| matches!(delivery, Delivery::Held(_) | Delivery::Scheduled { .. });
    let waits_anew = waits(&delivery) && waits(&fact.delivery) && delivery != fact.delivery;
    if rung(&delivery) <= rung(&fact.delivery) && !waits_anew {
        return Ok(());
    }
    let body = FactBody::Message(MessageFact { delivery, ..fact });
    tx.put_fact(workspace, document, &body, Recipients::Everybody)?;
    Ok(())
}
