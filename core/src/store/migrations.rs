//! The schema of what must not be lost: numbered SQL files, never edited once released.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::sync::storage::StorageError;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_device.sql")),
    M::up(include_str!("../../migrations/0002_read_model_without_clean.sql")),
    M::up(include_str!("../../migrations/0003_second_process.sql")),
];

/// Brings the schema up to date.
///
/// # Errors
/// [`StorageError::Newer`] if a newer build wrote it.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StorageError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    if found == known {
        return Ok(());
    }
    Migrations::from_slice(STEPS).to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        error => StorageError::Io(error.to_string()),
    })
}

/// Whether the schema is this build's.
pub(super) fn is_current(connection: &Connection) -> Result<bool, StorageError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(found).is_ok_and(|found| found == STEPS.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let mut statement =
            connection.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_old_schema_comes_up_to_a_fresh_one() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        for oldest in 1..=STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            Migrations::from_slice(STEPS).to_version(&mut old, oldest).unwrap();
            migrate(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {oldest}");
        }
        assert!(Migrations::from_slice(STEPS).validate().is_ok());
    }

    #[test]
    fn a_newer_schema_is_not_touched() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut connection), Err(StorageError::Newer { found: 99, .. })));
        assert!(schema(&connection).is_empty());
    }
}
