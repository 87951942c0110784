//! `pause()` as an operating system sees it, which ends an app that is suspended with a lock on a shared file.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};

use super::{Stage, number};

/// What of a database another process still has: open files, and locks on them.
fn held_by(pid: u32, database: &Path) -> (usize, usize) {
    let files = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", database.display()));
    let open =
        fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let open = open.filter(|path| files.iter().any(|file| path.to_string_lossy().starts_with(file.as_str()))).count();
    let inodes: Vec<String> =
        files.iter().filter_map(|file| Some(format!(":{} ", fs::metadata(file).ok()?.ino()))).collect();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let of_it = |line: &&str| {
        line.split_whitespace().any(|word| word == pid.to_string()) && inodes.iter().any(|inode| line.contains(inode))
    };
    (open, locks.lines().filter(of_it).count())
}

/// A live app with lists on the screen, pages coming in and another process at its file lets go of every file and lock within
/// a second, however often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_lets_go_of_every_file_and_lock_within_a_second() {
    let stage = Stage::open().await;
    let mut app = stage.worker("app").await;
    let mut extension = stage.worker("extension").await;
    let (mut longest, mut locked) = (Duration::ZERO, 0);
    app.does("start").await;
    for round in 0..12 {
        app.does(&format!("reply {round} on my way {round}")).await;
        let held = held_by(app.pid(), &stage.database);
        assert!(held.0 > 0, "a live app has its database open: this test looks in the wrong place");
        locked += held.1;
        stage.world.inbound(&number(round % 3), &format!("question {round}")).await;
        extension.tell("pull").await;
        let began = Instant::now();
        app.tell("pause").await;
        while held_by(app.pid(), &stage.database) != (0, 0) {
            assert!(began.elapsed() < Duration::from_secs(1), "{:?}", held_by(app.pid(), &stage.database));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        longest = longest.max(began.elapsed());
        app.finishes().await;
        extension.does("pull").await;
        assert_eq!(held_by(extension.pid(), &stage.database), (0, 0), "an extension holds nothing between two calls");
        app.does("resume").await;
    }
    assert!(locked > 0, "no lock of a live app was seen: this test can't fail");
    eprintln!("the longest of 12 pauses took {longest:?}, seen from outside");
    app.quit().await;
    extension.quit().await;
}
