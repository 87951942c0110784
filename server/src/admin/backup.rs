//! Copies of the database, taken while the relay runs.
//!
//! SQLite's backup API copies one consistent state: in WAL mode a single step reads a snapshot and keeps nobody from
//! writing. The copy is written beside its place (`….partial`), checked page by page, and only then given its name; a file
//! that is there is never overwritten. A copy that a power cut interrupted leaves its `….partial`, to be removed by hand.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use offdesk_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags, backup::Backup};
use serde::Serialize;

use crate::store::StoreError;

/// A copy can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source is not there.
    #[error("{0} is not there or can't be read: {1}")]
    NoSource(PathBuf, io::Error),
    /// The target exists.
    #[error("{0} exists and is not overwritten; name another file, or move this one away")]
    Exists(PathBuf),
    /// The target can't be written.
    #[error("{0} can't be written: {1}")]
    Target(PathBuf, io::Error),
    /// SQLite failed.
    #[error("the copy failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The source is no relay's database.
    #[error("{0} is no database of a relay")]
    Foreign(PathBuf),
    /// The copy is damaged.
    #[error("{file} is damaged and was not used: {what}")]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What SQLite found.
        what: String,
    },
    /// The schema can't be brought up to date.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A backup that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The epoch that it was taken in.
    pub epoch: u64,
}

/// Takes a backup of `database` as of now.
///
/// # Errors
/// [`CopyError`]; nothing is left behind then.
pub fn take(database: &Path, to: &Path, now: Timestamp) -> Result<Taken, CopyError> {
    let source = open_source(database)?;
    let place = Place::reserve(to)?;
    let mut copy = copy(&source, place.partial())?;
    stamp(&copy, now)?;
    let epoch: i64 = copy.query_row("SELECT epoch FROM relay", [], |row| row.get(0))?;
    finish(&mut copy, place.partial())?;
    drop(copy);
    let size = place.keep()?;
    Ok(Taken { file: to.to_owned(), size, epoch: epoch.cast_unsigned() })
}

/// Notes in a copy when it was taken.
///
/// # Errors
/// As SQLite's.
pub fn stamp(copy: &Connection, now: Timestamp) -> Result<(), rusqlite::Error> {
    copy.execute("UPDATE relay SET backup_at = ?1", [now.millis()]).map(|_| ())
}

/// Opens a database to copy from, without changing it.
pub(super) fn open_source(path: &Path) -> Result<Connection, CopyError> {
    File::open(path).map_err(|error| CopyError::NoSource(path.to_owned(), error))?;
    let source = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    source.busy_timeout(Duration::from_secs(10))?;
    match source.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name IN ('relay', 'workspaces', 'changes')",
        [],
        |row| row.get::<_, i64>(0),
    ) {
        Ok(3) => Ok(source),
        Ok(_) => Err(CopyError::Foreign(path.to_owned())),
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::NotADatabase => {
            Err(CopyError::Foreign(path.to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Copies everything into a new database.
pub(super) fn copy(source: &Connection, to: &Path) -> Result<Connection, CopyError> {
    let mut target = Connection::open(to)?;
    {
        let backup = Backup::new(source, &mut target)?;
        // All pages in one step: several would start over whenever the relay writes in between.
        backup.run_to_completion(i32::MAX, Duration::from_millis(50), None)?;
    }
    Ok(target)
}

/// Makes a single file of the copy and checks it.
pub(super) fn finish(copy: &mut Connection, file: &Path) -> Result<(), CopyError> {
    let mode: String = copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    debug_assert_eq!(mode, "delete");
    let mut check = copy.prepare("PRAGMA integrity_check(10)")?;
    let found = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    if found.iter().map(String::as_str).eq(["ok"]) {
        Ok(())
    } else {
        Err(CopyError::Damaged { file: file.to_owned(), what: found.join("; ") })
    }
}

/// A place for a new file. Its content is written beside it; the name itself is given to a whole file only, so that a power
/// cut never leaves an empty or half one for a relay to start on.
pub(super) struct Place {
    to: PathBuf,
    partial: PathBuf,
}

impl Place {
    /// Reserves `to`, by the file beside it.
    pub(super) fn reserve(to: &Path) -> Result<Self, CopyError> {
        if to.symlink_metadata().is_ok() {
            return Err(CopyError::Exists(to.to_owned()));
        }
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        // One that is there may be that of a copy under way, or of one that was interrupted: nobody can tell.
        create_new(&partial)?;
        Ok(Self { to: to.to_owned(), partial })
    }

    /// Where to write.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives what was written its name, durably. Returns its size.
    pub(super) fn keep(self) -> Result<u64, CopyError> {
        let failed = |error| CopyError::Target(self.to.clone(), error);
        let file = File::open(&self.partial).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        match fs::hard_link(&self.partial, &self.to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(CopyError::Exists(self.to.clone()));
            }
            // Not every file system has links. Without them a name can't be given and kept from being overwritten in one step.
            Err(_) => {
                create_new(&self.to)?;
                fs::rename(&self.partial, &self.to).map_err(|error| {
                    let _ = fs::remove_file(&self.to);
                    failed(error)
                })?;
            }
        }
        let _ = fs::remove_file(&self.partial);
        // The name is durable once its folder is.
        if let Some(folder) = self.to.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(size)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.partial);
    }
}

/// Creates a file that only its owner may read: it holds what people said.
fn create_new(path: &Path) -> Result<(), CopyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CopyError::Exists(path.to_owned())),
        Err(error) => Err(CopyError::Target(path.to_owned(), error)),
    }
}
