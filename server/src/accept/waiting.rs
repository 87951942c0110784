//! Replies that don't leave at once: the stale-reply guard holds them (R33), or they are to be sent later. Both wait in the
//! ledger; whoever may, decides about them; and when its time comes, a scheduled one passes the guard again.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, MemberId, MessageId, WorkspaceId},
    model::{Channel, Conversation, HeldChoice, MessageKind, NewMessage},
    policy::held::{self, Newer, Seen},
    protocol::{Delivery, Fact, FactBody, HeldBecause, Seq},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{apply::Accepted, document_row, id, pack, policies, set_delivery, unpack},
    store::{ReadTx, StoreError, Tx},
};

/// The stale-reply guard (R33).
pub(super) fn held_because(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &Conversation,
    message: MessageId,
) -> Result<Option<HeldBecause>, StoreError> {
    let Some(author) = accepted.author else { return Ok(None) };
    if let Some(held) = held_before(tx, accepted.document, conversation, author, message)? {
        return Ok(Some(HeldBecause::Behind(held)));
    }
    // The judge lets no reply pass without.
    let seen = accepted.seen.unwrap_or(Seen { order: 0, age_ms: u64::MAX });
    // A device may claim any number; nobody has seen what is not there yet.
    let seen = Seen { order: seen.order.min(accepted.seq), ..seen };
    let stale_after = policies(tx, accepted.workspace)?.settings.stale_after;
    if u128::from(seen.age_ms) <= stale_after.as_millis() {
        // Nothing can hold it: the conversation's facts need not be read.
        return Ok(None);
    }
    let later = later(tx, accepted.document, seen.order, conversation)?;
    Ok(held::stale(author, seen, stale_after, &later).map(HeldBecause::Newer))
}

/// An earlier reply of the author that is held: what they wrote after it waits behind it. An edit decides about the held
/// message in its very change: what it replaces doesn't hold it up.
fn held_before(
    tx: &Tx<'_>,
    document: DocumentId,
    conversation: &Conversation,
    author: MemberId,
    message: MessageId,
) -> Result<Option<MessageId>, StoreError> {
    let decided: BTreeSet<MessageId> = conversation.decisions.iter().map(|decision| decision.message).collect();
    let all = held_of(tx, document, author)?;
    Ok(all.into_iter().map(|(held, _)| held).find(|held| *held != message && !decided.contains(held)))
}

fn later(tx: &Tx<'_>, document: DocumentId, after: Seq, conversation: &Conversation) -> Result<Vec<Newer>, StoreError> {
    let facts = tx.reading().facts(document, after, None)?;
    Ok(facts.iter().filter_map(|fact| newer(fact, conversation)).collect())
}

fn newer(fact: &Fact, conversation: &Conversation) -> Option<Newer> {
    let FactBody::Message(known) = &fact.body else { return None };
    let message = conversation.messages.get(&known.id)?;
    let unsent = matches!(known.delivery, Delivery::Held(_) | Delivery::Scheduled { .. } | Delivery::Dropped);
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

pub(super) fn enter_ledger(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    conversation: &Conversation,
    message: MessageId,
    new: &NewMessage,
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
    let due = new.later.filter(|later| state != "unknown" && *later > accepted.now);
    tx.connection()
        .prepare_cached(
            "INSERT INTO ledger (message, workspace, document, author, position, sender, recipient, body, state, held_since, held_because, reason, updated, due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            message.as_bytes(),
            accepted.workspace.as_bytes(),
            accepted.document.as_bytes(),
            accepted.author.map(|author| author.0),
            accepted.seq,
            sender,
            peer.unwrap_or_default(),
            new.text,
            state,
            since,
            because,
            reason,
            accepted.now.millis(),
            due.map(Timestamp::millis)
        ])?;
    Ok(())
}

/// Carries out a decision about a held or scheduled message, and lets go what waited behind it. A held one that is let go
/// before its time waits for that; a scheduled one that is let go leaves at once.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    accepted: &Accepted<'_>,
    message: MessageId,
    choice: HeldChoice,
) -> Result<(), StoreError> {
    let found: Option<(Option<Vec<u8>>, String, Option<i64>)> = tx
        .connection()
        .prepare_cached("SELECT author, state, due FROM ledger WHERE message = ?1 AND (state = 'held' OR (state = 'queued' AND due IS NOT NULL))")?
        .query_row([message.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((author, state, due)) = found else { return Ok(()) };
    match choice {
        HeldChoice::Send => {
            let due = due.map(Timestamp).filter(|_| state == "held");
            let_go(tx, accepted.now, accepted.workspace, accepted.document, message, due)?;
        }
        HeldChoice::Drop => {
            tx.connection()
                .prepare_cached(
                    "UPDATE ledger SET state = 'dropped', held_because = NULL, updated = ?2 WHERE message = ?1",
                )?
                .execute(params![message.as_bytes(), accepted.now.millis()])?;
            set_delivery(tx, accepted.now, accepted.workspace, accepted.document, message, Delivery::Dropped)?;
        }
    }
    let Some(author) = author.and_then(|bytes| MemberId::from_slice(&bytes)) else { return Ok(()) };
    for (held, because) in held_of(tx, accepted.document, author)? {
        if !matches!(because, HeldBecause::Behind(_)) {
            break;
        }
        let due: Option<i64> = tx
            .connection()
            .prepare_cached("SELECT due FROM ledger WHERE message = ?1")?
            .query_row([held.as_bytes()], |row| row.get(0))?;
        let_go(tx, accepted.now, accepted.workspace, accepted.document, held, due.map(Timestamp))?;
    }
    Ok(())
}

/// Into the queue: to leave at once, or when it is due. The row goes on telling since when it waited: if that was before the
/// backup that a relay was restored from, the provider may have it already, and is asked.
fn let_go(
    tx: &mut Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    document: DocumentId,
    message: MessageId,
    due: Option<Timestamp>,
) -> Result<(), StoreError> {
    let due = due.filter(|due| *due > now);
    tx.connection()
        .prepare_cached(
            "UPDATE ledger SET state = 'queued', held_because = NULL, held_since = coalesce(held_since, updated),
                 updated = ?2, due = ?3 WHERE message = ?1",
        )?
        .execute(params![message.as_bytes(), now.millis(), due.map(Timestamp::millis)])?;
    let delivery = due.map_or(Delivery::Accepted, |at| Delivery::Scheduled { at });
    set_delivery(tx, now, workspace, document, message, delivery)
}

/// When the next scheduled message is due.
pub(crate) fn next_due(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = tx
        .connection()
        .prepare_cached("SELECT min(due) FROM ledger WHERE state = 'queued' AND due IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(due.map(Timestamp))
}

/// A scheduled message whose time has come.
struct Ripe {
    message: MessageId,
    workspace: WorkspaceId,
    document: DocumentId,
    author: Option<MemberId>,
    order: Seq,
    updated: Timestamp,
}

/// Lets up to `limit` scheduled messages go whose time has come; but one that the contact or a colleague has overtaken since
/// it was accepted is held, since its author could not know. `backup_at` is as the dispatcher's gate has it: the row's time
/// must go on telling that the provider may have the message already.
pub(crate) fn ripen(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: usize,
    backup_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    for ripe in ripe(tx, now, limit)? {
        let because = match (ripe.author, tx.conversation(ripe.document)?) {
            (Some(author), Some(conversation)) => overtaken(tx, &ripe, author, &conversation)?,
            _ => None,
        };
        let peer = document_row(&tx.reading(), ripe.document)?.and_then(|row| row.peer).unwrap_or_default();
        let delivery = match because {
            None => Delivery::Accepted,
            Some(because) => Delivery::Held(because),
        };
        let since = if backup_at.is_some_and(|backup_at| ripe.updated <= backup_at) { ripe.updated } else { now };
        tx.connection()
            .prepare_cached(
                "UPDATE ledger SET due = NULL, recipient = ?2, state = ?3, held_since = iif(?3 = 'held', ?4, held_since),
                     held_because = ?5 WHERE message = ?1",
            )?
            .execute(params![
                ripe.message.as_bytes(),
                peer,
                if because.is_some() { "held" } else { "queued" },
                since.millis(),
                because.map(|because| pack(&because)).transpose()?
            ])?;
        set_delivery(tx, now, ripe.workspace, ripe.document, ripe.message, delivery)?;
    }
    Ok(())
}

fn overtaken(
    tx: &Tx<'_>,
    ripe: &Ripe,
    author: MemberId,
    conversation: &Conversation,
) -> Result<Option<HeldBecause>, StoreError> {
    if let Some(held) = held_before(tx, ripe.document, conversation, author, ripe.message)? {
        return Ok(Some(HeldBecause::Behind(held)));
    }
    let seen = Seen { order: ripe.order, age_ms: u64::MAX };
    let later = later(tx, ripe.document, ripe.order, conversation)?;
    Ok(held::stale(author, seen, std::time::Duration::ZERO, &later).map(HeldBecause::Newer))
}

fn ripe(tx: &Tx<'_>, now: Timestamp, limit: usize) -> Result<Vec<Ripe>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT message, workspace, document, author, position, updated FROM ledger
         WHERE state = 'queued' AND due IS NOT NULL AND due <= ?1 ORDER BY due LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now.millis(), limit], |row| {
        Ok(Ripe {
            message: offdesk_core::ids::IntentId(row.get(0)?),
            workspace: WorkspaceId(row.get(1)?),
            document: DocumentId(row.get(2)?),
            author: row.get::<_, Option<[u8; 16]>>(3)?.map(MemberId),
            order: row.get(4)?,
            updated: Timestamp(row.get(5)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
