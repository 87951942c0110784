//! Databases as a kill left them. They are looked at in a copy: opening the file itself would recover its log, and the
//! next process is to do that.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use offdesk_core::{ids::IntentId, store::CIPHER};
use rusqlite::Connection;
use tempfile::TempDir;

/// A copy of a database with its log, open.
#[derive(Debug)]
pub struct Copy {
    database: Connection,
    _folder: TempDir,
}

impl Copy {
    /// Copies a database that no process has open. `key` for an encrypted one.
    pub fn of(path: &Path, key: Option<[u8; 32]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.db");
        fs::copy(path, &to).unwrap();
        let log = beside(path, "-wal");
        if log.exists() {
            fs::copy(log, beside(&to, "-wal")).unwrap();
        }
        let database = Connection::open(&to).unwrap();
        if let Some(key) = key {
            let digits = key.iter().fold(String::new(), |mut digits, byte| {
                write!(digits, "{byte:02x}").unwrap();
                digits
            });
            database.execute_batch(&format!("PRAGMA key = \"x'{digits}'\"; {CIPHER}")).unwrap();
        }
        Self { database, _folder: folder }
    }

    /// Holds that SQLite finds nothing wrong with it.
    ///
    /// # Panics
    /// With what it found.
    pub fn is_sound(&self) -> &Self {
        for check in ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] {
            let mut statement = self.database.prepare(check).unwrap();
            let mut rows = statement.query([]).unwrap();
            let mut found = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                found.push(row.get::<_, String>(0).unwrap());
            }
            found.retain(|line| line != "ok");
            assert!(found.is_empty(), "{check} after a kill: {found:?}");
        }
        self
    }

    /// The intents that a device's database holds, with the number of their state (4: needs attention).
    pub fn intents(&self) -> BTreeMap<IntentId, i64> {
        let mut statement = self.database.prepare("SELECT intent, state FROM intents").unwrap();
        let rows = statement.query_map([], |row| Ok((IntentId(row.get(0)?), row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
