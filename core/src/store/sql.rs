//! Ids and MessagePack as SQL values.

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ids::{AlertId, ConversationId, DocumentId, IntentId, MemberId, QueueId},
    sync::storage::StorageError,
};

macro_rules! ids {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let bytes = value.as_blob()?;
                $name::from_slice(bytes).ok_or(FromSqlError::InvalidBlobSize { expected_size: 16, blob_size: bytes.len() })
            }
        }
    )*};
}

ids!(AlertId, ConversationId, DocumentId, IntentId, MemberId, QueueId);

/// What is durable keeps its field names, so that a later version can add to it.
pub(super) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, StorageError> {
    rmp_serde::to_vec_named(value).map_err(|error| StorageError::Io(format!("a value can't be stored: {error}")))
}

/// What the read model holds goes without names: another version of it is made anew.
pub(super) fn pack_row<T: Serialize>(value: &T) -> Result<Vec<u8>, StorageError> {
    rmp_serde::to_vec(value).map_err(|error| StorageError::Io(format!("a row can't be stored: {error}")))
}

pub(super) fn unpack<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, StorageError> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| StorageError::Corrupt(format!("a stored {what} can't be read: {error}")))
}

/// Log positions and counters fit SQLite's integers; digests use all 64 bits.
pub(super) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

pub(super) const fn unsigned(value: i64) -> u64 {
    value.cast_unsigned()
}
