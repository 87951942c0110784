//! The ledger's transitions. Each one names the state that it leaves (and, while a message is `dispatching`, the attempt),
//! so that a late answer of an old attempt changes nothing; each one that people should see is told as the message's fact.
//!
//! ```text
//! held ─decided─→ queued ─claim─→ dispatching ─adopt─→ handed_over ─→ sent ─→ delivered
//!                   ↑ └──────────────│───────────────→ failed ←──────────┘
//!                   └── not taken ───┴── no telling ─→ unknown ─adopt─→ handed_over …
//! ```
//!
//! A queued row may wait for its time (`accept::ripen`), at which it is held after all if it was overtaken.
//!
//! `retry_at` says when a row is looked at again: a `queued` one to be sent, a `dispatching` one to be asked about. For one
//! that the acceptor wrote down as `unknown` (offered again after a restore) it is 0 until the provider was asked once.

use std::{collections::HashSet, time::Duration};

use offdesk_core::{
    ids::{IntentId, MessageId},
    protocol::Delivery,
    time::Timestamp,
};
use rand::Rng;
use rusqlite::params;

use crate::{
    accept,
    channels::{AttemptId, Listed, Outcome, Outgoing, Progress},
    dispatch::{
        Pace,
        entry::{COLUMNS, Entry, State, entry, entry_of_provider_id, read_entry},
        gate::{Circumstances, Gate, may_dispatch},
        question::{Answer, look_for},
    },
    metrics::DISPATCHED,
    store::{ReadTx, StoreError, Tx},
};

/// Whether the relay waits for an administrator after a restore, and when the backup was taken that it runs on.
///
/// # Errors
/// As the store's.
pub fn restored(tx: &ReadTx<'_>) -> Result<(bool, Option<Timestamp>), StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT recovering, backup_at FROM relay WHERE id = 1")?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(Timestamp))))?)
}

/// Queued rows with nothing open before them in their conversation: order within a conversation is kept. What waits for its
/// time holds nothing up.
const NEXT_OF_CONVERSATION: &str = "state = 'queued' AND due IS NULL AND NOT EXISTS (SELECT 1 FROM ledger earlier
    WHERE earlier.document = ledger.document AND earlier.position < ledger.position
      AND earlier.due IS NULL AND earlier.state IN ('queued', 'dispatching'))";

/// Rows whose fate is open and which nobody has asked about in vain.
const OPEN: &str =
    "(state = 'dispatching' OR (state = 'unknown' AND attempt IS NULL)) AND retry_at < 9223372036854775807";

/// When the next queued row may leave, at the earliest `now`; `None` if none waits, or if nothing may leave at all.
///
/// # Errors
/// As the store's.
pub fn next_claim(tx: &ReadTx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    if restored(tx)?.0 {
        return Ok(None);
    }
    // Two questions, so that a long queue is not read through after every commit: the first ends at its first row, the
    // second sees only what waits for a time.
    let due = format!("SELECT 1 FROM ledger WHERE {NEXT_OF_CONVERSATION} AND retry_at <= ?1");
    if tx.connection().prepare_cached(&due)?.exists([now.millis()])? {
        return Ok(Some(now));
    }
    let later = format!("SELECT min(retry_at) FROM ledger WHERE {NEXT_OF_CONVERSATION} AND retry_at > ?1");
    let next: Option<i64> = tx.connection().prepare_cached(&later)?.query_row([now.millis()], |row| row.get(0))?;
    let scheduled = accept::next_due(tx)?.map(|due| due.max(now));
    Ok(next.map(Timestamp).into_iter().chain(scheduled).min())
}

/// The next rows to ask about, with the time for it, but for those that are `under_way`.
///
/// # Errors
/// As the store's.
pub fn next_questions(
    tx: &ReadTx<'_>,
    under_way: &HashSet<MessageId>,
    limit: usize,
) -> Result<Vec<(Timestamp, Entry)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, retry_at FROM ledger WHERE {OPEN} ORDER BY retry_at, position LIMIT ?1");
    let mut statement = tx.connection().prepare_cached(&sql)?;
    let rows = statement
        .query_map([limit + under_way.len()], |row| Ok((Timestamp(row.get(13)?), read_entry(row)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter(|(_, entry)| !under_way.contains(&entry.message)).take(limit).collect())
}

/// Takes up to `limit` due messages, of as many conversations: each is `dispatching` under a fresh attempt. To be made
/// durable before any of them is handed to the provider. What may not leave has failed instead; what has to be asked about
/// first becomes a question.
///
/// # Errors
/// As the store's.
pub fn claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    limit: usize,
    pace: &Pace,
) -> Result<Vec<Outgoing>, StoreError> {
    let (recovering, backup_at) = restored(&tx.reading())?;
    if recovering {
        return Ok(Vec::new());
    }
    accept::ripen(tx, now, limit, backup_at)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM ledger WHERE {NEXT_OF_CONVERSATION} AND retry_at <= ?1 ORDER BY position LIMIT ?2"
    );
    let due = tx
        .connection()
        .prepare_cached(&sql)?
        .query_map(params![now.millis(), limit], read_entry)?
        .collect::<Result<Vec<_>, _>>()?;
    let mut claimed = Vec::new();
    for entry in due {
        let number_is_ours = number_is_ours(&tx.reading(), &entry)?;
        match may_dispatch(&entry, &Circumstances { recovering, backup_at, number_is_ours }) {
            Gate::Wait => {}
            Gate::Refuse { reason } => fail(tx, now, &entry, reason)?,
            Gate::AskFirst { since } => {
                begin(tx, now, &entry, AttemptId(IntentId::generate(now, rng)), since, Timestamp(0))?;
            }
            Gate::Go => {
                let attempt = AttemptId(IntentId::generate(now, rng));
                if begin(tx, now, &entry, attempt, now, now.after(pace.settle))? {
                    let Entry { message, sender, recipient, body, .. } = entry;
                    claimed.push(Outgoing { message, attempt, sender, recipient, body });
                }
            }
        }
    }
    Ok(claimed)
}

fn number_is_ours(tx: &ReadTx<'_>, entry: &Entry) -> Result<bool, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT 1 FROM numbers WHERE number = ?1 AND workspace = ?2")?;
    Ok(statement.exists(params![entry.sender, entry.workspace.as_bytes()])?)
}

fn begin(
    tx: &mut Tx<'_>,
    now: Timestamp,
    entry: &Entry,
    attempt: AttemptId,
    attempted_at: Timestamp,
    ask_at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .connection()
        .prepare_cached(
            "UPDATE ledger SET state = 'dispatching', attempt = ?2, attempted_at = ?3, attempts = attempts + 1, retry_at = ?4,
                 updated = ?5
             WHERE message = ?1 AND state = 'queued'",
        )?
        .execute(params![
            entry.message.as_bytes(),
            attempt.0.as_bytes(),
            attempted_at.millis(),
            ask_at.millis(),
            now.millis()
        ])?;
    Ok(changed == 1)
}

/// Writes down what came of an attempt. A row that has moved on meanwhile (a report came first) keeps what it has.
///
/// # Errors
/// As the store's.
pub fn finish(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    sent: &Outgoing,
    outcome: &Outcome,
    pace: &Pace,
) -> Result<(), StoreError> {
    if let Outcome::HandedOver { provider_id, progress } = outcome {
        adopt(tx, now, sent.message, provider_id, progress)?;
        return Ok(());
    }
    let Some(entry) = dispatching(&tx.reading(), sent.message, sent.attempt)? else { return Ok(()) };
    match outcome {
        Outcome::HandedOver { .. } => Ok(()),
        Outcome::Refused { reason, permanent: true } => fail(tx, now, &entry, reason),
        Outcome::Refused { reason, permanent: false } => requeue_later(tx, now, rng, &entry, None, reason, pace),
        Outcome::TryLater { after, why } => requeue_later(tx, now, rng, &entry, *after, why, pace),
        Outcome::Unclear { why } => ask_at(tx, &entry, now.after(pace.settle), Some(why)),
    }
}

fn dispatching(tx: &ReadTx<'_>, message: MessageId, attempt: AttemptId) -> Result<Option<Entry>, StoreError> {
    let found = entry(tx, message)?;
    Ok(found.filter(|entry| entry.state == State::Dispatching && entry.attempt == Some(attempt)))
}

fn requeue_later(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    entry: &Entry,
    asked: Option<Duration>,
    why: &str,
    pace: &Pace,
) -> Result<(), StoreError> {
    if entry.attempts >= pace.backoff.attempts {
        return fail(tx, now, entry, &format!("It could not be handed to the provider: {why}"));
    }
    let pause = pace.backoff.pause(entry.attempts, asked, rng);
    requeue(tx, now, entry, now.after(pause), why)
}

/// Back to the queue: the provider surely doesn't have it.
fn requeue(tx: &mut Tx<'_>, now: Timestamp, entry: &Entry, at: Timestamp, why: &str) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached(
            "UPDATE ledger SET state = 'queued', retry_at = ?3, reason = ?4, updated = ?5
             WHERE message = ?1 AND state = 'dispatching' AND attempt IS ?2",
        )?
        .execute(params![entry.message.as_bytes(), attempt_bytes(entry), at.millis(), why, now.millis()])?;
    tx.touch(entry.workspace);
    Ok(())
}

fn attempt_bytes(entry: &Entry) -> Option<[u8; 16]> {
    entry.attempt.map(|attempt| attempt.0.0)
}

/// Asks (again) at this time.
pub(super) fn ask_at(tx: &mut Tx<'_>, entry: &Entry, at: Timestamp, why: Option<&str>) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached(&format!(
            "UPDATE ledger SET retry_at = ?3, reason = coalesce(?4, reason) WHERE message = ?1 AND attempt IS ?2 AND {OPEN}"
        ))?
        .execute(params![entry.message.as_bytes(), attempt_bytes(entry), at.millis(), why])?;
    Ok(())
}

fn fail(tx: &mut Tx<'_>, now: Timestamp, entry: &Entry, reason: &str) -> Result<(), StoreError> {
    let changed = tx
        .connection()
        .prepare_cached(
            "UPDATE ledger SET state = 'failed', reason = ?2, updated = ?3
             WHERE message = ?1 AND state IN ('queued', 'dispatching')",
        )?
        .execute(params![entry.message.as_bytes(), reason, now.millis()])?;
    if changed == 1 {
        tell(tx, now, entry, State::Failed, Delivery::Failed { reason: reason.to_owned() })?;
    }
    Ok(())
}

/// Gives up finding out: people decide, nothing is sent again (R31).
pub(super) fn give_up(tx: &mut Tx<'_>, now: Timestamp, entry: &Entry, why: &str) -> Result<(), StoreError> {
    if entry.state == State::Unknown {
        return ask_at(tx, entry, Timestamp(i64::MAX), None);
    }
    let changed = tx
        .connection()
        .prepare_cached(
            "UPDATE ledger SET state = 'unknown', reason = ?3, retry_at = ?4, updated = ?5
             WHERE message = ?1 AND state = 'dispatching' AND attempt IS ?2",
        )?
        .execute(params![entry.message.as_bytes(), attempt_bytes(entry), why, i64::MAX, now.millis()])?;
    if changed == 1 {
        tell(tx, now, entry, State::Unknown, Delivery::Unknown)?;
    }
    Ok(())
}

/// Weighs the provider's list of what it took `since` then. `convinced` says that an earlier list missed the message too:
/// then it was not taken and goes back to the queue. Returns whether to ask once more.
pub(super) fn weigh(
    tx: &mut Tx<'_>,
    now: Timestamp,
    asked: &Entry,
    since: Timestamp,
    listed: &[Listed],
    convinced: bool,
) -> Result<bool, StoreError> {
    // What was read before the list was asked for may be old by now.
    let Some(entry) = entry(&tx.reading(), asked.message)? else { return Ok(false) };
    if entry.state != asked.state || entry.attempt != asked.attempt {
        return Ok(false);
    }
    let claimed = claimed(&tx.reading(), listed)?;
    match look_for(&entry.body, listed, &claimed, rivals(&tx.reading(), &entry, since)?) {
        Answer::Found(one) => adopt(tx, now, entry.message, &one.provider_id, &one.progress).map(|_| false),
        Answer::Ambiguous => {
            give_up(tx, now, &entry, "the provider lists several messages that it could be").map(|()| false)
        }
        Answer::Absent if entry.state == State::Unknown => give_up(tx, now, &entry, "").map(|()| false),
        Answer::Absent if convinced => requeue(tx, now, &entry, now, "the provider had not taken it").map(|()| false),
        Answer::Absent => Ok(true),
    }
}

fn claimed(tx: &ReadTx<'_>, listed: &[Listed]) -> Result<HashSet<String>, StoreError> {
    let mut known = HashSet::new();
    for one in listed {
        if entry_of_provider_id(tx, &one.provider_id)?.is_some() {
            known.insert(one.provider_id.clone());
        }
    }
    Ok(known)
}

fn rivals(tx: &ReadTx<'_>, entry: &Entry, since: Timestamp) -> Result<usize, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT count(*) FROM ledger WHERE state IN ('dispatching', 'unknown') AND message != ?1 AND sender = ?2
             AND recipient = ?3 AND trim(body) = trim(?4) AND provider_id IS NULL
             AND (attempted_at IS NULL OR attempted_at >= ?5)",
    )?;
    let found: i64 = statement.query_row(
        params![entry.message.as_bytes(), entry.sender, entry.recipient, entry.body, since.millis()],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

/// What a report of the provider changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The message moved up the ladder.
    Moved,
    /// It is as far already.
    NothingNew,
    /// No message of ours.
    NotOurs,
}

/// Takes the provider's report on a message. `message` comes from the address that the report was sent to; with it a
/// report is understood even if it comes before the answer that brings the provider's id, or instead of it.
///
/// # Errors
/// As the store's.
pub fn report(
    tx: &mut Tx<'_>,
    now: Timestamp,
    provider_id: &str,
    message: Option<MessageId>,
    progress: &Progress,
) -> Result<Reported, StoreError> {
    let message = match entry_of_provider_id(&tx.reading(), provider_id)? {
        Some(entry) => Some(entry.message),
        None => message,
    };
    let Some(message) = message else { return Ok(Reported::NotOurs) };
    adopt(tx, now, message, provider_id, progress)
}

/// The provider has the message under this id, and it got this far.
fn adopt(
    tx: &mut Tx<'_>,
    now: Timestamp,
    message: MessageId,
    provider_id: &str,
    progress: &Progress,
) -> Result<Reported, StoreError> {
    let Some(entry) = entry(&tx.reading(), message)? else { return Ok(Reported::NotOurs) };
    match &entry.provider_id {
        Some(known) if known == provider_id => {}
        Some(known) => {
            tracing::error!(%message, known, provider_id, "the provider took a message twice: this must never happen");
            return Ok(Reported::NothingNew);
        }
        None => {
            tx.connection()
                .prepare_cached(
                    "UPDATE ledger SET provider_id = ?2, updated = ?3 WHERE message = ?1 AND provider_id IS NULL",
                )?
                .execute(params![message.as_bytes(), provider_id, now.millis()])?;
        }
    }
    let handed_over = advance(tx, now, &entry, &Progress::HandedOver)?;
    let further = *progress != Progress::HandedOver && advance(tx, now, &entry, progress)?;
    Ok(if handed_over || further { Reported::Moved } else { Reported::NothingNew })
}

/// Moves up, never down: reports may come twice and in any order.
fn advance(tx: &mut Tx<'_>, now: Timestamp, entry: &Entry, progress: &Progress) -> Result<bool, StoreError> {
    let (to, below, delivery, reason) = match progress {
        Progress::HandedOver => {
            (State::HandedOver, "'held', 'queued', 'dispatching', 'unknown'", Delivery::HandedOver, None)
        }
        Progress::Sent => (State::Sent, "'handed_over'", Delivery::Sent, None),
        Progress::Delivered => (State::Delivered, "'handed_over', 'sent'", Delivery::Delivered, None),
        Progress::Failed { reason } => {
            (State::Failed, "'handed_over', 'sent'", Delivery::Failed { reason: reason.clone() }, Some(reason))
        }
    };
    let changed = tx
        .connection()
        .prepare_cached(&format!(
            "UPDATE ledger SET state = ?2, reason = ?3, updated = ?4 WHERE message = ?1 AND state IN ({below})"
        ))?
        .execute(params![entry.message.as_bytes(), to.name(), reason, now.millis()])?;
    if changed == 1 {
        tell(tx, now, entry, to, delivery)?;
    }
    Ok(changed == 1)
}

fn tell(tx: &mut Tx<'_>, now: Timestamp, entry: &Entry, state: State, delivery: Delivery) -> Result<(), StoreError> {
    metrics::counter!(DISPATCHED, "state" => state.name()).increment(1);
    accept::set_delivery(tx, now, entry.workspace, entry.document, entry.message, delivery)?;
    tx.touch(entry.workspace);
    Ok(())
}
