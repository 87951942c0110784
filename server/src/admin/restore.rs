//! A relay's life after a backup was put back.
//!
//! What the lost relay did after the backup is unknown here, so a restore starts a **new epoch**: devices resync from the
//! start and offer their own accepted work again. Until an administrator has confirmed devices and revocations, nothing is
//! dispatched. In particular:
//!
//! - The epoch is the time of the restore with random bits below it: greater than any before, and two restores of one
//!   backup never share it.
//! - Devices' incarnations become [`accept::ANY_INCARNATION`], "whichever comes next": honest devices went on after the
//!   backup, and must not be taken for clones.
//! - Enrolment codes are void: one that was used after the backup would work a second time.
//! - Messages that waited to be sent may have been sent since (R32). The ledger stays as it is: the dispatcher asks the
//!   provider about every row that is not younger than `backup_at` before it lets it leave.
//! - `backup_at` is when the backup was taken. For a bare copy of the file, which doesn't say, it is the last thing that the
//!   copy knows of.
//! - Backfills under way are forgotten.

use std::path::{Path, PathBuf};

use offdesk_core::{ids::WorkspaceId, time::Timestamp};
use rand::Rng;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{Actor, AdminError, audit, backup, backup::CopyError, device};
use crate::{
    accept, store,
    store::{ReadTx, StoreError, Tx},
};

/// Ledger rows about which the provider will be asked.
const UNCERTAIN: &str = "state IN ('queued', 'dispatching')";

/// A backup that was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The new database.
    pub database: PathBuf,
    /// When the backup was taken.
    pub backup_at: Timestamp,
    /// The new epoch.
    pub epoch: u64,
    /// Messages about which the provider will be asked.
    pub uncertain: u64,
}

/// Puts a backup back as a new database.
///
/// # Errors
/// [`CopyError`]; nothing is left behind then. [`CopyError::Exists`] if `to` is there: it may hold what came after the
/// backup.
pub fn restore(from: &Path, to: &Path, actor: &mut Actor<'_>) -> Result<Restored, CopyError> {
    let source = backup::open_source(from)?;
    // A log left beside would be applied to the new database.
    for suffix in ["-wal", "-shm", "-journal"] {
        let mut beside = to.as_os_str().to_owned();
        beside.push(suffix);
        if Path::new(&beside).exists() {
            return Err(CopyError::Exists(PathBuf::from(beside)));
        }
    }
    let place = backup::Place::reserve(to)?;
    let mut copy = backup::copy(&source, place.partial())?;
    backup::finish(&mut copy, from)?;
    store::migrate(&mut copy)?;
    let (backup_at, epoch, uncertain) = begin_epoch(&mut copy, actor)?;
    backup::finish(&mut copy, place.partial())?;
    drop(copy);
    place.keep()?;
    Ok(Restored { database: to.to_owned(), backup_at, epoch, uncertain })
}

/// Makes a copy that was put back the relay's database: a new epoch, in which nothing is dispatched yet. Returns when the
/// backup was taken, the epoch, and the messages about which the provider will be asked.
///
/// # Errors
/// [`CopyError`]; the copy is then unchanged.
pub fn begin_epoch(copy: &mut Connection, actor: &mut Actor<'_>) -> Result<(Timestamp, u64, u64), CopyError> {
    let transaction = copy.transaction()?;
    let (old, backup_at): (i64, Option<i64>) =
        transaction.query_row("SELECT epoch, backup_at FROM relay", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // A copy of a database that was itself restored still says when that older backup was taken.
    let backup_at = backup_at.map_or(Timestamp(0), Timestamp).max(last_known(&transaction)?);
    let epoch = next_epoch(old, actor.now, actor.rng);
    transaction
        .execute("UPDATE relay SET epoch = ?1, recovering = 1, backup_at = ?2", params![epoch, backup_at.millis()])?;
    transaction.execute("UPDATE devices SET incarnation = ?1", [accept::ANY_INCARNATION.cast_signed()])?;
    transaction.execute_batch("DELETE FROM enrolment_codes; DELETE FROM backfills;")?;
    let uncertain =
        transaction.query_row(&format!("SELECT count(*) FROM ledger WHERE {UNCERTAIN}"), [], |row| row.get(0))?;
    transaction.execute(
        "INSERT INTO audit (at, who, act) VALUES (?1, ?2, ?3)",
        params![
            actor.now.millis(),
            actor.who,
            format!("restored the backup of {} ms; epoch {old} ended, epoch {epoch} began", backup_at.millis())
        ],
    )?;
    transaction.commit()?;
    Ok((backup_at, epoch.cast_unsigned(), uncertain))
}

/// 42 bits of milliseconds, 10 of randomness: whole in any JSON reader until the year 2109.
fn next_epoch(old: i64, now: Timestamp, rng: &mut dyn Rng) -> i64 {
    let random = i64::from(rng.next_u32() & 0x3ff);
    ((now.millis().max(0) << 10) | random).max(old + 1)
}

/// The last thing that a database knows of.
fn last_known(copy: &Connection) -> Result<Timestamp, CopyError> {
    let last: Option<i64> = copy.query_row(
        "SELECT max(at) FROM (SELECT max(updated) AS at FROM ledger UNION ALL SELECT max(received) FROM inbound
             UNION ALL SELECT max(at) FROM verdicts UNION ALL SELECT max(at) FROM audit UNION ALL SELECT max(last_seen) FROM devices)",
        [],
        |row| row.get(0),
    )?;
    Ok(Timestamp(last.unwrap_or(0)))
}

/// What an administrator looks at before dispatch resumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checklist {
    /// Whether dispatch waits for this at all.
    pub recovering: bool,
    /// When the restored backup was taken: whatever was done since is missing.
    pub backup_at: Option<Timestamp>,
    /// Devices that can sign in, by workspace. Those that were revoked since the backup are among them again.
    pub devices: Vec<(WorkspaceId, Vec<device::Listed>)>,
    /// Messages about which the provider will be asked.
    pub uncertain: u64,
    /// Held messages, which wait for their authors.
    pub held: u64,
}

/// Reads the checklist.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub fn checklist(tx: &ReadTx<'_>) -> Result<Checklist, StoreError> {
    let connection = tx.connection();
    let (recovering, backup_at): (bool, Option<i64>) =
        connection.query_row("SELECT recovering, backup_at FROM relay", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let count =
        |which: &str| connection.query_row(&format!("SELECT count(*) FROM ledger WHERE {which}"), [], |row| row.get(0));
    let mut devices = Vec::new();
    for listed in super::workspace::list(tx)? {
        let mut active = device::list(tx, listed.id, None)?;
        active.retain(|device| device.revoked.is_none());
        devices.push((listed.id, active));
    }
    Ok(Checklist {
        recovering,
        backup_at: backup_at.map(Timestamp),
        devices,
        uncertain: count(UNCERTAIN)?,
        held: count("state = 'held'")?,
    })
}

/// Lets dispatch go on after a restore. Devices and revocations are the administrator's to confirm first.
///
/// # Errors
/// [`AdminError::NothingToDo`] if dispatch doesn't wait.
pub fn resume(tx: &mut Tx<'_>, actor: &Actor<'_>) -> Result<(), AdminError> {
    let resumed = tx.connection().execute("UPDATE relay SET recovering = 0 WHERE recovering = 1", [])?;
    if resumed == 0 {
        return Err(AdminError::NothingToDo("dispatch doesn't wait for anything".into()));
    }
    Ok(audit::record(
        tx,
        actor.now,
        None,
        actor.who,
        "confirmed devices and revocations after a restore; dispatch resumes",
    )?)
}
