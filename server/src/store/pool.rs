//! Readers: connections that are opened as needed and kept.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use super::{ReadTx, StoreError, connect};

pub(super) struct Readers {
    path: PathBuf,
    // A std Mutex: it is held for a push or a pop, never across an await.
    idle: Mutex<Vec<Connection>>,
}

/// Idle connections kept; more are opened under load and closed after use.
const KEPT: usize = 8;

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn with<T, E: From<StoreError>>(&self, work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let result = {
            let transaction = connection.transaction().map_err(StoreError::from)?;
            work(&ReadTx::new(&transaction))
        };
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        result
    }
}

fn open(path: &std::path::Path) -> Result<Connection, StoreError> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}
