//! Backup and restore: until a copy is whole its name is not given, so that neither a half backup is kept for a whole one nor
//! a relay starts on half a restore.

use offdesk_core::time::Timestamp;
use offdesk_faulty_disk::{Disk, Failure, Image, Loss};
use offdesk_relay::admin::{
    Actor,
    backup::{self, CopyError},
    restore,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    full, relay,
    relay_rig::{FILE, Relay, START},
    story::{Subject, record},
};

const BACKUP: &str = "backup.db";
const RESTORED: &str = "restored.db";

fn restore(folder: &std::path::Path) -> Result<restore::Restored, CopyError> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut actor = Actor { now: Timestamp(START.millis() + 1), rng: &mut rng, who: "Olga" };
    restore::restore(&folder.join(BACKUP), &folder.join(RESTORED), &mut actor)
}

/// A folder with a relay's database, and with a backup of it.
fn office() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let recorded = record(relay::STORY, None);
    recorded.disk.after_power_cut(recorded.disk.now(), Loss::Nothing).write_to(folder.path()).unwrap();
    folder
}

/// Runs a copy on its own disk, and looks at the folder after a power cut at each point of it: `whole` says whether the file
/// of that name, which must not be there before it is whole, is.
fn cut(
    name: &str,
    target: &str,
    run: impl Fn(&std::path::Path) -> Result<(), CopyError>,
    whole: impl Fn(&Image) -> bool,
    prepare: impl Fn() -> tempfile::TempDir,
) {
    let folder = prepare();
    let disk = Disk::watch(folder.path()).unwrap();
    let began = disk.now();
    run(folder.path()).unwrap();
    let points = disk.points(began..disk.now());
    let seeds = if full() { 8 } else { 1 };
    let mut cases = 0;
    for point in &points {
        let torn = (0..seeds).map(|turn| Loss::Torn { seed: point.event as u64 * 100 + turn });
        for loss in [Loss::Unsynced, Loss::Nothing].into_iter().chain(torn) {
            cases += 1;
            let image = disk.after_power_cut(point.event, loss);
            assert!(
                !image.files.contains_key(target),
                "{name}: {target} is there before it is whole, {point:?}, {loss:?}"
            );
        }
    }
    disk.settle().unwrap();
    assert!(whole(&disk.after_power_cut(disk.now(), Loss::Unsynced)), "{name}: not whole in the end");
    let mut told = 0;
    for failure in [Failure::Io, Failure::Full] {
        for at in 0..points.len() {
            let folder = prepare();
            let disk = Disk::watch(folder.path()).unwrap();
            disk.fail_at(disk.passed() + at, failure);
            let outcome = run(folder.path());
            disk.heal();
            cases += 1;
            if let Err(error) = outcome {
                told += 1;
                assert!(
                    matches!(error, CopyError::Sqlite(_) | CopyError::Damaged { .. } | CopyError::Store(_)),
                    "{error:?}"
                );
                assert!(!folder.path().join(target).exists(), "{name}: {target} is left behind, {failure:?} at {at}");
                run(folder.path()).unwrap_or_else(|error| panic!("{name} again: {error}"));
            }
            disk.settle().unwrap();
            assert!(whole(&disk.after_power_cut(disk.now(), Loss::Unsynced)), "{name}: {failure:?} at {at}");
        }
    }
    println!("{name}: {} fault points, {cases} cases ({told} failures told), 0 broken promises", points.len());
}

/// Whether a file of a disk is a relay's whole database.
fn opens(image: &Image, name: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let Some(content) = image.files.get(name) else { return false };
    std::fs::write(folder.path().join(FILE), content).unwrap();
    Relay::inspect(folder.path()).is_ok_and(|rows| rows.0["changes"].len() > 3)
}

#[test]
fn a_backup_has_its_name_only_when_it_is_whole() {
    let office = office();
    let prepare = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(office.path().join(FILE), folder.path().join(FILE)).unwrap();
        folder
    };
    let run = |folder: &std::path::Path| backup::take(&folder.join(FILE), &folder.join(BACKUP), START).map(drop);
    cut("backup", BACKUP, run, |image| opens(image, BACKUP), prepare);
}

#[test]
fn a_restored_database_has_its_name_only_when_it_is_whole() {
    let office = office();
    backup::take(&office.path().join(FILE), &office.path().join(BACKUP), START).unwrap();
    let prepare = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(office.path().join(BACKUP), folder.path().join(BACKUP)).unwrap();
        folder
    };
    cut("restore", RESTORED, |folder| restore(folder).map(drop), |image| opens(image, RESTORED), prepare);
}
