//! What a restored relay asks the provider for: the inbound messages that came after the backup was taken. They are taken
//! in as if they came now; the ones that the backup has count once.
//!
//! Outbound messages need nothing of their own here. What was queued in the backup is asked about before it may leave
//! ([`crate::dispatch::gate`]), what was under way in it is a question anyway, and what devices offer again is `unknown`
//! and asked about once ([`crate::dispatch::ledger`]).

use std::time::Duration;

use offdesk_core::time::Timestamp;

use crate::{
    channels::{ListError, SmsProvider, twilio::webhook::take},
    dispatch::ledger::restored,
    serve::App,
    store::{ReadTx, StoreError},
};

/// How far before the backup to begin: the provider's clock is not ours, and its webhooks take a while.
const MARGIN: Duration = Duration::from_secs(60 * 60);

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

/// Asks for the inbound messages to all our numbers since the backup. Returns how many were new.
///
/// # Errors
/// [`RecoveryError`] if the provider or the store failed in between.
pub async fn fetch_inbound(app: &App, provider: &dyn SmsProvider) -> Result<usize, RecoveryError> {
    let (numbers, since) = app.store.read(|tx| Ok::<_, StoreError>((numbers(tx)?, backup(tx)?))).await?;
    let mut new = 0;
    for number in numbers {
        for received in provider.list_inbound(&number, since.before(MARGIN)).await? {
            if offdesk_core::phone::is_e164(&received.from) && take(app, received).await? == Some(true) {
                new += 1;
            }
        }
    }
    Ok(new)
}

fn numbers(tx: &ReadTx<'_>) -> Result<Vec<String>, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT number FROM numbers ORDER BY number")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// When the backup was taken; if nobody wrote that down, when the last message came in that it knows of.
fn backup(tx: &ReadTx<'_>) -> Result<Timestamp, StoreError> {
    if let (_, Some(at)) = restored(tx)? {
        return Ok(at);
    }
    let last: Option<i64> = tx.connection().query_row("SELECT max(received) FROM inbound", [], |row| row.get(0))?;
    Ok(Timestamp(last.unwrap_or(0)))
}
