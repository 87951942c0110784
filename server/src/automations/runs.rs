//! Runs: what an automation is to do about an event, and what it did. One without a delay is carried out when the event
//! comes; one with a delay waits here, whatever happens to this process, and is carried out by what holds when its time has
//! come: the automation's text and members, the contact's consent, who owns the record (R19, R39).

use std::{collections::BTreeMap, time::Duration};

use offdesk_core::{
    ids::{AutomationId, DocumentId, MessageId, WorkspaceId},
    model::{Automation, Channel},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{
    accept::{self, Automated, AutomatedOutcome},
    automations::event::Done,
    serve::App,
    store::{ReadTx, StoreError, Tx},
};

/// How often the clock is looked at while something waits, at least: it may be set.
const LOOK: Duration = Duration::from_secs(1);

/// An event's id, and what it brings that an automation needs.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) workspace: WorkspaceId,
    pub(super) event: &'a str,
    pub(super) brings: Brings,
}

/// What an event brings, checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Brings {
    pub(super) channel: Channel,
    pub(super) phone: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) data: BTreeMap<String, String>,
}

/// A run, for whoever looks after automations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The event's id.
    pub event: String,
    /// Which automation.
    pub automation: AutomationId,
    /// Whom it concerns, in E.164.
    pub phone: String,
    /// When the event came.
    pub received: Timestamp,
    /// When it is to be carried out, or was.
    pub due: Timestamp,
    /// `waiting`, `sent` or `left_alone`.
    pub state: String,
    /// The message, if it was sent.
    pub message: Option<MessageId>,
    /// Why the contact was left alone.
    pub because: Option<String>,
}

/// Carries a run out now, and notes what came of it.
pub(super) fn at_once(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    occurrence: &Occurrence<'_>,
    (id, automation): (AutomationId, Automation),
) -> Result<Done, StoreError> {
    let Occurrence { workspace, event, brings } = occurrence;
    let outcome = carry_out(tx, now, rng, (*workspace, id, automation), brings.clone())?;
    let (state, done) = told(id, outcome);
    tx.connection()
        .prepare_cached(
            "INSERT INTO runs (workspace, event, automation, phone, received, due, state, document, message, because)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            workspace.as_bytes(),
            event,
            id.as_bytes(),
            brings.phone,
            now.millis(),
            state,
            done.document.map(|id| id.0),
            done.message.map(|id| id.0),
            done.left_alone,
        ])?;
    Ok(done)
}

/// Lets a run wait for its time.
pub(super) fn later(
    tx: &mut Tx<'_>,
    now: Timestamp,
    occurrence: &Occurrence<'_>,
    id: AutomationId,
    delay: Duration,
) -> Result<Done, StoreError> {
    let due = now.after(delay);
    tx.connection()
        .prepare_cached(
            "INSERT INTO runs (workspace, event, automation, phone, received, due, state, brings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', ?7)",
        )?
        .execute(params![
            occurrence.workspace.as_bytes(),
            occurrence.event,
            id.as_bytes(),
            occurrence.brings.phone,
            now.millis(),
            due.millis(),
            accept::pack(&occurrence.brings)?,
        ])?;
    Ok(Done { automation: id, document: None, message: None, left_alone: None, due: Some(due) })
}

/// When the next run is due.
///
/// # Errors
/// As the store's.
pub fn next_due(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT due FROM runs WHERE state = 'waiting' ORDER BY due LIMIT 1";
    let due: Option<i64> = tx.connection().prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
    Ok(due.map(Timestamp))
}

/// Carries out the run that has been due for the longest. Returns whether there was one.
///
/// # Errors
/// As the store's; nothing is then done.
pub fn carry_out_next(tx: &mut Tx<'_>, now: Timestamp, rng: &mut dyn Rng) -> Result<bool, StoreError> {
    let found = tx
        .connection()
        .prepare_cached(
            "SELECT workspace, event, automation, received, brings FROM runs
             WHERE state = 'waiting' AND due <= ?1 ORDER BY due LIMIT 1",
        )?
        .query_row([now.millis()], |row| {
            let (workspace, event, automation): (Vec<u8>, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((workspace, event, automation, row.get::<_, i64>(3)?, row.get::<_, Vec<u8>>(4)?))
        })
        .optional()?;
    let Some((workspace, event, automation, received, brings)) = found else { return Ok(false) };
    let workspace = accept::id(&workspace, WorkspaceId::from_slice, "workspace id")?;
    let id = accept::id(&automation, AutomationId::from_slice, "automation id")?;
    let settings = &accept::policies(tx, workspace)?.settings;
    let outcome = match settings.automations.get(&id).cloned() {
        None => AutomatedOutcome::LeftAlone { because: "the automation was removed meanwhile".into() },
        Some(automation) if !automation.enabled => {
            AutomatedOutcome::LeftAlone { because: "the automation was disabled meanwhile".into() }
        }
        Some(automation) => match accept::unpack::<Brings>(&brings, "event") {
            Ok(brings) => carry_out(tx, now, rng, (workspace, id, automation), brings)?,
            // It would stand before all others for ever.
            Err(error) => AutomatedOutcome::LeftAlone { because: error.to_string() },
        },
    };
    if let AutomatedOutcome::Sent { message, .. } = &outcome {
        // It was as good as written when the event came: if that was before the backup that a relay was restored from, the
        // provider may have it already, and is asked (R32).
        tx.connection()
            .prepare_cached("UPDATE ledger SET held_since = ?2 WHERE message = ?1")?
            .execute(params![message.as_bytes(), received])?;
    }
    let (state, done) = told(id, outcome);
    tx.connection()
        .prepare_cached(
            "UPDATE runs SET state = ?4, brings = NULL, document = ?5, message = ?6, because = ?7
             WHERE workspace = ?1 AND event = ?2 AND automation = ?3",
        )?
        .execute(params![
            workspace.as_bytes(),
            event,
            id.as_bytes(),
            state,
            done.document.map(|id| id.0),
            done.message.map(|id| id.0),
            done.left_alone,
        ])?;
    Ok(true)
}

/// The latest runs of a workspace, the latest first.
///
/// # Errors
/// As the store's.
pub fn latest(tx: &ReadTx<'_>, workspace: WorkspaceId, limit: u32) -> Result<Vec<Run>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT event, automation, phone, received, due, state, message, because FROM runs
         WHERE workspace = ?1 ORDER BY received DESC, event DESC LIMIT ?2",
    )?;
    let rows = statement
        .query_map(params![workspace.as_bytes(), limit], |row| {
            let (automation, message): (Vec<u8>, Option<Vec<u8>>) = (row.get(1)?, row.get(6)?);
            let run = Run {
                event: row.get(0)?,
                automation: AutomationId([0; 16]),
                phone: row.get(2)?,
                received: Timestamp(row.get(3)?),
                due: Timestamp(row.get(4)?),
                state: row.get(5)?,
                message: message.as_deref().and_then(MessageId::from_slice),
                because: row.get(7)?,
            };
            Ok((automation, run))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let with_id = |(automation, run): (Vec<u8>, Run)| {
        Ok(Run { automation: accept::id(&automation, AutomationId::from_slice, "automation id")?, ..run })
    };
    rows.into_iter().map(with_id).collect()
}

fn carry_out(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    (workspace, id, automation): (WorkspaceId, AutomationId, Automation),
    brings: Brings,
) -> Result<AutomatedOutcome, StoreError> {
    let Brings { channel, phone, name, email, data } = brings;
    accept::automated(tx, now, rng, &Automated { workspace, id, automation, channel, phone, name, email, data })
}

fn told(automation: AutomationId, outcome: AutomatedOutcome) -> (&'static str, Done) {
    let (document, message, left_alone): (Option<DocumentId>, Option<MessageId>, Option<String>) = match outcome {
        AutomatedOutcome::Sent { document, message } => (Some(document), Some(message), None),
        AutomatedOutcome::LeftAlone { because } => (None, None, Some(because)),
    };
    let state = if message.is_some() { "sent" } else { "left_alone" };
    (state, Done { automation, document, message, left_alone, due: None })
}

/// Carries out what comes due, until the app shuts down.
pub(crate) fn start(app: &App) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        let shutdown = app.shutdown.clone();
        shutdown.run_until_cancelled(carry_on(&app)).await;
    })
}

async fn carry_on(app: &App) {
    loop {
        let now = app.now();
        let due = match app.store.read(next_due).await {
            Ok(due) => due.is_some_and(|due| due <= now),
            Err(error) => {
                tracing::warn!(%error, "what automations wait for can't be read; trying again");
                false
            }
        };
        if due {
            let mut rng = app.rng();
            match app.store.write(move |tx: &mut Tx<'_>| carry_out_next(tx, now, &mut rng)).await {
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "an automation's run failed; trying again"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
