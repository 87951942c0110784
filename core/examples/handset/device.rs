//! Opening the device: its key, its database, its relay.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use offdesk_core::{
    engine::{Config, Error},
    store::DatabaseKey,
};
use rand::Rng;

use crate::cli::DeviceArgs;

/// The handset can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The device refused.
    #[error(transparent)]
    Device(#[from] Error),
    /// What was named is not there, or not only one.
    #[error("{0}")]
    Name(String),
    /// It was asked for in a way that can't be.
    #[error("{0}")]
    Usage(String),
    /// A file or the terminal.
    #[error("{what}: {error}")]
    Io { what: String, error: io::Error },
}

impl Failure {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        let what = what.into();
        move |error| Failure::Io { what, error }
    }

    /// 1: it failed; 2: it was asked for in a way that can't be.
    pub(crate) fn exit_code(&self) -> u8 {
        if matches!(self, Failure::Usage(_)) { 2 } else { 1 }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io { what: "the terminal".into(), error }
    }
}

/// What the device is opened with. `new` says that it may be made; looking makes nothing.
pub(crate) fn config(args: &DeviceArgs, undo: Duration, new: bool) -> Result<Config, Failure> {
    if !new && !args.db.exists() {
        return Err(Error::NotEnrolled.into());
    }
    let mut config = Config::new(&args.db, key(args, new)?);
    config.undo_window = match args.undo {
        None => undo,
        Some(seconds) => seconds_of(seconds)?,
    };
    if let Some(path) = &args.ca {
        config.root_certificates = vec![fs::read(path).map_err(Failure::io(path.display().to_string()))?];
    }
    Ok(config)
}

pub(crate) fn seconds_of(seconds: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(seconds).map_err(|_| Failure::Usage(format!("{seconds} is no number of seconds")))
}

fn key(args: &DeviceArgs, new: bool) -> Result<DatabaseKey, Failure> {
    if let Ok(text) = env::var("OFFDESK_KEY") {
        return parse(&text).ok_or_else(|| Failure::Usage("OFFDESK_KEY must be 64 hex digits".into()));
    }
    let path = args.key_file.clone().unwrap_or_else(|| beside(&args.db));
    match fs::read_to_string(&path) {
        Ok(text) => {
            parse(&text).ok_or_else(|| Failure::Usage(format!("{} holds no key of 64 hex digits", path.display())))
        }
        // A key is made for a database that is to be made, never for one that has another.
        Err(error) if error.kind() == io::ErrorKind::NotFound && new && !args.db.exists() => make(&path),
        Err(error) => Err(Failure::io(format!("the key file {}", path.display()))(error)),
    }
}

fn beside(db: &Path) -> PathBuf {
    let mut name = db.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

fn make(path: &Path) -> Result<DatabaseKey, Failure> {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let written = options.open(path).and_then(|mut file| writeln!(file, "{text}"));
    written.map_err(Failure::io(format!("the key file {}", path.display())))?;
    Ok(DatabaseKey::new(bytes))
}

fn parse(text: &str) -> Option<DatabaseKey> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect();
    DatabaseKey::from_slice(&bytes?)
}
