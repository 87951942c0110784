//! What the workers of `two_processes` have in common: they do what their standard input says, one line at a time, and answer
//! each with `done`; before that they say what they do and have done, so that whoever kills them knows.

#![allow(clippy::print_stdout)]

use std::{io::Write, path::PathBuf, time::Duration};

use offdesk_core::{
    engine::{Error, Notices},
    ids::AlertId,
    sync::storage::StorageError,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long a sync may take: the test waits for longer.
pub const DEADLINE: Duration = Duration::from_secs(4);

/// The database: the only argument.
pub fn database() -> PathBuf {
    std::env::args().nth(1).map(PathBuf::from).expect("the worker is told its database")
}

/// Another process may be in the middle of a checkpoint or of recovering the log: then the host tries again.
pub async fn open<T>(open: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..20 {
        match open() {
            Err(Error::Storage(StorageError::Busy)) => tokio::time::sleep(Duration::from_millis(50)).await,
            answer => return answer,
        }
    }
    open()
}

/// What the standard input says, line by line.
pub fn lines() -> UnboundedReceiver<String> {
    let (to, lines) = unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
    lines
}

/// Says something.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Says what came of a line.
pub fn answer(line: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        say(&format!("failed {line}: {error}"));
    }
    say("done");
}

/// Shows what the system is to show, and says so.
pub fn show(notices: &Notices, shown: impl Fn(&[AlertId]) -> Result<(), Error>) -> Result<(), Error> {
    if let Some(why) = &notices.incomplete {
        say(&format!("incomplete: {why}"));
    }
    for alert in &notices.take_back {
        say(&format!("back {alert}"));
    }
    let ids: Vec<AlertId> = notices.show.iter().map(|active| active.alert.id).collect();
    for active in &notices.show {
        say(&format!("showing {} {} {}", active.alert.id, active.contact_name, active.text.replace('\n', " ")));
    }
    shown(&ids)?;
    ids.iter().for_each(|id| say(&format!("shown {id}")));
    say(&format!("badge {}", notices.badge));
    Ok(())
}

/// Says what this process has taken of the memory.
pub fn memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kinds = ["VmHWM", "RssAnon", "RssFile"];
    status.lines().filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).for_each(say);
}
