//! Who this device is and how far it has got.

use super::{
    Snapshot, SqliteStorage,
    sql::{pack, unpack},
};
use crate::sync::storage::{Identity, StorageError, SyncState};

impl Snapshot<'_> {
    /// Who this device is; `None` before enrolment.
    pub fn identity(&self) -> Result<Option<Identity>, StorageError> {
        self.device_value("SELECT identity FROM device", "identity")
    }

    /// The session's durable state; `None` before enrolment.
    pub fn state(&self) -> Result<Option<SyncState>, StorageError> {
        self.device_value("SELECT state FROM device", "sync state")
    }

    fn device_value<T: serde::de::DeserializeOwned>(
        &self,
        sql: &str,
        what: &'static str,
    ) -> Result<Option<T>, StorageError> {
        let bytes: Option<Vec<u8>> = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        bytes.map(|bytes| unpack(what, &bytes)).transpose()
    }
}

impl SqliteStorage<'_> {
    pub(super) fn write_identity(&self, identity: &Identity) -> Result<(), StorageError> {
        self.connection().prepare_cached("UPDATE device SET identity = ?1")?.execute([pack(identity)?])?;
        Ok(())
    }

    pub(super) fn write_state(&self, state: &SyncState) -> Result<(), StorageError> {
        self.connection().prepare_cached("UPDATE device SET state = ?1")?.execute([pack(state)?])?;
        Ok(())
    }
}
