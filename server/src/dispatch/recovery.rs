//! What the provider holds and we have missed. Twilio gives up on a webhook after 15 seconds of trying, so that every
//! outage, not only a restored backup, loses messages of customers and reports on ours. The relay therefore asks for them:
//! when it starts, and from time to time. Whatever it knows already counts once.
//!
//! After a restore this goes back to when the backup was taken. Outbound messages need nothing more there: what was queued
//! in the backup is asked about before it may leave ([`crate::dispatch::gate`]), what was under way in it is a question
//! anyway, and what devices offer again is `unknown` and asked about once ([`crate::dispatch::ledger`]).

use std::time::Duration;

use offdesk_core::{phone, time::Timestamp};
use rusqlite::params;

use crate::{
    channels::{ListError, Listed, Received, SmsProvider, twilio::webhook::take},
    dispatch::{
        Pace,
        ledger::{self, restored},
    },
    serve::App,
    store::{ReadTx, StoreError, Tx},
};

/// How far back to look beyond the last certainty: the provider's clock is not ours, and its webhooks take a while.
const MARGIN: Duration = Duration::from_secs(60 * 60);
/// A message whose report is overdue: carriers take seconds, seldom minutes.
const OVERDUE: Duration = Duration::from_secs(5 * 60);
/// Nobody learns any more what became of an older one: carriers report within 72 hours or never.
const PAST_REPORTING: Duration = Duration::from_secs(4 * 24 * 60 * 60);
/// Conversations asked about in one sweep.
const CONVERSATIONS: usize = 100;

/// The messages could not be had; those that were are kept. Try again.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The provider's list can't be had.
    #[error(transparent)]
    List(#[from] ListError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From when on this relay may have missed something; `None` before there is a workspace.
///
/// # Errors
/// As the store's.
pub fn certain_until(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, StoreError> {
    if let (true, Some(backup_at)) = restored(tx)? {
        return Ok(Some(backup_at));
    }
    let last: Option<i64> = tx.connection().query_row("SELECT max(received) FROM inbound", [], |row| row.get(0))?;
    let founded: Option<i64> =
        tx.connection().query_row("SELECT min(created) FROM workspaces", [], |row| row.get(0))?;
    Ok(last.or(founded).map(Timestamp))
}

/// Asks for the inbound messages to all our numbers since then. Returns how many were new.
///
/// # Errors
/// [`RecoveryError`] if the provider or the store failed in between.
pub async fn fetch_inbound(
    app: &App,
    provider: &dyn SmsProvider,
    since: Timestamp,
    pace: &Pace,
) -> Result<usize, RecoveryError> {
    let pace = *pace;
    let mut new = 0;
    for (number, since) in app.store.read(move |tx| inbound_since(tx, since, &pace)).await? {
        let listed = provider.list_inbound(&number, since).await?;
        let unknown = app.store.read(move |tx| not_yet_received(tx, listed)).await?;
        for received in unknown {
            if phone::is_e164(&received.from) && take(app, received).await? == Some(true) {
                new += 1;
            }
        }
    }
    Ok(new)
}

/// Since when inbound messages to each of our numbers are to be asked for.
///
/// # Errors
/// As the store's.
pub fn inbound_since(tx: &ReadTx<'_>, since: Timestamp, pace: &Pace) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT number, created FROM numbers JOIN workspaces ON workspaces.id = numbers.workspace ORDER BY number",
    )?;
    let rows = statement.query_map([], |row| {
        let founded = Timestamp(row.get(1)?);
        // What was said before there was a workspace is none of its business.
        Ok((row.get(0)?, since.before(MARGIN).max(founded.before(pace.clock_skew))))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Those that the relay does not know yet.
///
/// # Errors
/// As the store's.
pub fn not_yet_received(tx: &ReadTx<'_>, listed: Vec<Received>) -> Result<Vec<Received>, StoreError> {
    let mut known = tx.connection().prepare_cached(
        "SELECT 1 FROM inbound JOIN numbers ON numbers.workspace = inbound.workspace
         WHERE numbers.number = ?1 AND inbound.provider_id = ?2",
    )?;
    let mut unknown = Vec::new();
    for received in listed {
        if !known.exists(params![received.to, received.provider_id])? {
            unknown.push(received);
        }
    }
    Ok(unknown)
}

/// Asks what became of messages whose report is overdue (R31). Returns how many moved.
///
/// # Errors
/// [`RecoveryError`] if the provider or the store failed in between.
pub async fn refresh_reports(app: &App, provider: &dyn SmsProvider, pace: &Pace) -> Result<usize, RecoveryError> {
    let now = app.now();
    let mut moved = 0;
    for Overdue { sender, recipient, since } in app.store.read(move |tx| overdue(tx, now)).await? {
        let listed = provider.find(&recipient, &sender, since.before(pace.clock_skew)).await?;
        moved += app.store.write(move |tx| take_reports(tx, now, &listed)).await?;
    }
    Ok(moved)
}

/// Takes what the provider's list says of messages that it has. Returns how many moved.
///
/// # Errors
/// As the store's.
pub fn take_reports(tx: &mut Tx<'_>, now: Timestamp, listed: &[Listed]) -> Result<usize, StoreError> {
    let mut moved = 0;
    for one in listed {
        let reported = ledger::report(tx, now, &one.provider_id, None, &one.progress)?;
        moved += usize::from(reported == ledger::Reported::Moved);
    }
    Ok(moved)
}

/// A conversation with messages that nobody reported on, and when the first of them was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Our number.
    pub sender: String,
    /// The contact's.
    pub recipient: String,
    /// When the first was handed over.
    pub since: Timestamp,
}

/// Conversations whose reports are overdue.
///
/// # Errors
/// As the store's.
pub fn overdue(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<Overdue>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT sender, recipient, min(attempted_at) FROM ledger
         WHERE state IN ('handed_over', 'sent') AND updated BETWEEN ?1 AND ?2 AND attempted_at IS NOT NULL
         GROUP BY sender, recipient ORDER BY max(updated) DESC LIMIT ?3",
    )?;
    let rows = statement.query_map(
        params![now.before(PAST_REPORTING).millis(), now.before(OVERDUE).millis(), CONVERSATIONS],
        |row| Ok(Overdue { sender: row.get(0)?, recipient: row.get(1)?, since: Timestamp(row.get(2)?) }),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
