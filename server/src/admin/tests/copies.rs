//! Backups and restores.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use offdesk_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::{BEGIN, Company, rng};
use crate::{
    admin::{
        Actor, AdminError, audit,
        backup::{self, CopyError},
        restore::{self, Restored},
    },
    auth::{self, AuthError, code::EnrolError},
    store::{Store, StoreError},
};

const HOUR: Duration = Duration::from_secs(3600);

fn database(company: &Company) -> PathBuf {
    company.app.store.path().to_owned()
}

fn restored(from: &Path, to: &Path, now: Timestamp) -> Result<Restored, CopyError> {
    restore::restore(from, to, &mut Actor { now, rng: &mut rng(), who: "Olga" })
}

/// A backup taken in the middle of work holds a prefix of it: everything up to some moment, nothing after.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_writing_is_one_moment() {
    let company = Company::new().await;
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let work = {
        let (app, stop, written) = (company.app.clone(), stop.clone(), written.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let next = written.load(Ordering::SeqCst);
                let at = app.now();
                // Two rows of one commit: a torn copy would hold one without the other.
                app.store
                    .write(move |tx| {
                        audit::record(tx, at, None, "left", &next.to_string())?;
                        audit::record(tx, at, None, "right", &next.to_string())
                    })
                    .await
                    .unwrap();
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let to = company.folder.path().join("backup.db");
    while written.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let (from, target) = (database(&company), to.clone());
    let taken = tokio::task::spawn_blocking(move || backup::take(&from, &target, BEGIN)).await.unwrap().unwrap();
    let at_end = written.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    work.await.unwrap();

    assert_eq!(taken.size, std::fs::metadata(&to).unwrap().len());
    let copy = Connection::open(&to).unwrap();
    let (left, right, last): (i64, i64, i64) = copy
        .query_row(
            "SELECT count(*) FILTER (WHERE who = 'left'), count(*) FILTER (WHERE who = 'right'),
                 max(CAST(act AS INTEGER)) FILTER (WHERE who = 'left') FROM audit",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!(left == right && left == last + 1 && left >= 20 && left <= at_end + 1, "{left} {right} {last} of {at_end}");
    assert_eq!(copy.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
}

#[tokio::test]
async fn a_copy_overwrites_nothing_and_leaves_nothing_half_done() {
    let company = Company::new().await;
    let there = company.folder.path().join("precious.db");
    std::fs::write(&there, b"precious").unwrap();
    let refused = backup::take(&database(&company), &there, BEGIN);
    assert!(matches!(refused, Err(CopyError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&there).unwrap(), b"precious");

    let new = company.folder.path().join("new.db");
    let foreign = backup::take(&there, &new, BEGIN);
    assert!(matches!(foreign, Err(CopyError::Foreign(_))), "{foreign:?}");
    assert!(matches!(restored(&there, &new, BEGIN), Err(CopyError::Foreign(_))));
    assert!(matches!(restored(Path::new("/nowhere/at/all.db"), &new, BEGIN), Err(CopyError::NoSource(..))));
    assert!(!new.exists() && !company.folder.path().join("new.db.partial").exists());

    let (good, other) = (company.folder.path().join("good.db"), company.folder.path().join("other.db"));
    backup::take(&database(&company), &good, BEGIN).unwrap();
    std::fs::write(company.folder.path().join("other.db-wal"), b"of another life").unwrap();
    assert!(matches!(restored(&good, &other, BEGIN), Err(CopyError::Exists(_))), "a log left behind would be applied");
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let company = Company::new().await;
    let (good, to) = (company.folder.path().join("good.db"), company.folder.path().join("to.db"));
    backup::take(&database(&company), &good, BEGIN).unwrap();
    let mut bytes = std::fs::read(&good).unwrap();
    let page: usize = Connection::open(&good)
        .unwrap()
        .query_row("SELECT (rootpage - 1) * 4096 FROM sqlite_schema WHERE name = 'members'", [], |row| row.get(0))
        .unwrap();
    bytes[page..page + 512].fill(0xAA);
    std::fs::write(&good, bytes).unwrap();
    let refused = restored(&good, &to, BEGIN);
    assert!(matches!(refused, Err(CopyError::Damaged { .. } | CopyError::Sqlite(_))), "{refused:?}");
    assert!(!to.exists());
}

/// A restore begins a new epoch, greater than any before; two restores of one backup never share it.
#[tokio::test]
async fn every_restore_is_an_epoch_of_its_own() {
    let company = Company::new().await;
    let folder = company.folder.path();
    let good = folder.join("good.db");
    backup::take(&database(&company), &good, BEGIN).unwrap();
    let mut rng = rng();
    let mut once = |to: &str, now: Timestamp| {
        restore::restore(&good, &folder.join(to), &mut Actor { now, rng: &mut rng, who: "Olga" }).unwrap().epoch
    };
    // The same millisecond on two machines; then a clock that was set back.
    let (first, second) = (once("a.db", BEGIN.after(HOUR)), once("b.db", BEGIN.after(HOUR)));
    assert_ne!(first, second);
    assert!(first > 1 && second > 1);
    assert!(first < 1 << 53, "a JSON reader keeps it whole");
    let again = restored(&folder.join("a.db"), &folder.join("c.db"), Timestamp(5)).unwrap();
    assert!(again.epoch > first, "{} after {first}", again.epoch);
}

/// What the lost relay did after the backup is unknown: honest devices are welcome, codes are void, dispatch waits.
#[tokio::test]
async fn a_restored_relay_takes_honest_devices_and_sends_nothing() {
    let company = Company::new().await;
    let phone = company.enrol(company.ben, "Ben's phone").await;
    let open = company.code(company.ben).await;
    let good = company.folder.path().join("good.db");
    backup::take(&database(&company), &good, BEGIN.after(HOUR)).unwrap();
    // After the backup the code is used; by the backup it isn't.
    company.try_enrol(open.clone(), "Ben's laptop").await.unwrap();

    let to = company.folder.path().join("restored.db");
    let result = restored(&good, &to, BEGIN.after(2 * HOUR)).unwrap();
    assert_eq!(result.backup_at, BEGIN.after(HOUR));
    let store = Store::open(&to).unwrap();
    let credential = phone.credential.clone();
    let device = store.read(move |tx| auth::authenticate(tx, &credential)).await.unwrap();
    assert_eq!(device.incarnation, crate::accept::ANY_INCARNATION);
    assert_ne!(phone.incarnation, crate::accept::ANY_INCARNATION);
    let reused = store
        .write(move |tx| {
            auth::code::enrol(tx, BEGIN.after(2 * HOUR), &mut rng(), &open, "Whose?").map_err(Reused::from)
        })
        .await;
    assert!(matches!(reused, Err(Reused(EnrolError::Code))));

    let checklist = store.read(restore::checklist).await.unwrap();
    assert!(checklist.recovering);
    let names: Vec<_> =
        checklist.devices.iter().flat_map(|(_, devices)| devices).map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["Ben's phone"]);
    let resume =
        || store.write(|tx| restore::resume(tx, &Actor { now: BEGIN.after(3 * HOUR), rng: &mut rng(), who: "Olga" }));
    resume().await.unwrap();
    assert!(!store.read(restore::checklist).await.unwrap().recovering);
    assert!(matches!(resume().await, Err(AdminError::NothingToDo(_))));
}

struct Reused(EnrolError);

impl From<EnrolError> for Reused {
    fn from(error: EnrolError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Reused {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// R32: whatever waits in the backup counts as from before it, also in a bare copy of the file that doesn't say when it was
/// made, so that the dispatcher asks about it before it lets it leave.
#[tokio::test]
async fn what_waited_in_the_backup_is_older_than_it() {
    let company = Company::new().await;
    let updated = BEGIN.after(HOUR);
    let queued = move |tx: &mut crate::store::Tx<'_>| {
        tx.connection().execute(
            "INSERT INTO ledger (message, workspace, document, position, sender, recipient, body, state, updated)
             VALUES (randomblob(16), randomblob(16), randomblob(16), 1, '+14155552671', '+14155550100', 'Hello', 'queued', ?1)",
            params![updated.millis()],
        )?;
        Ok::<_, StoreError>(())
    };
    company.app.store.write(queued).await.unwrap();
    let folder = company.folder.path();
    let (good, bare) = (folder.join("good.db"), folder.join("bare.db"));
    // The clock was set back between the message and the backup.
    backup::take(&database(&company), &good, BEGIN).unwrap();
    let source = Connection::open(database(&company)).unwrap();
    source.execute("VACUUM INTO ?1", [bare.to_str().unwrap()]).unwrap();
    for (copy, to) in [(&good, "a.db"), (&bare, "b.db")] {
        let result = restored(copy, &folder.join(to), BEGIN.after(5 * HOUR)).unwrap();
        assert_eq!((result.backup_at, result.uncertain), (updated, 1), "{to}");
        let state: String = Connection::open(folder.join(to))
            .unwrap()
            .query_row("SELECT state FROM ledger", [], |row| row.get(0))
            .unwrap();
        assert_eq!(state, "queued", "the ledger is the dispatcher's");
    }
}

/// R10: a device that was enrolled after the backup is not known to the restored relay; it is not told to wipe itself.
#[tokio::test]
async fn a_device_from_after_the_backup_is_unknown_not_revoked() {
    let company = Company::new().await;
    let good = company.folder.path().join("good.db");
    backup::take(&database(&company), &good, BEGIN).unwrap();
    let late = company.enrol(company.ben, "Late phone").await;
    let to = company.folder.path().join("to.db");
    restored(&good, &to, BEGIN.after(HOUR)).unwrap();
    let store = Store::open(&to).unwrap();
    let refused = store.read(move |tx| auth::authenticate(tx, &late.credential)).await;
    assert!(matches!(refused, Err(AuthError::Unknown)), "{refused:?}");
}
