//! SQLite's errors as the session's [`StorageError`]: the only place where they are told apart.

use rusqlite::{Error, ErrorCode};

use crate::sync::storage::StorageError;

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, ref message) = error else {
            return match error {
                // A value of another type than the schema says: not written by us.
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..) => StorageError::Corrupt(error.to_string()),
                error => StorageError::Io(error.to_string()),
            };
        };
        match failure.code {
            ErrorCode::DiskFull => StorageError::Full,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StorageError::Busy,
            // SQLCipher can't tell a wrong key from a file that is no database.
            ErrorCode::NotADatabase => StorageError::WrongKey,
            // So SQLCipher says of a page that doesn't fit its HMAC: it has no bytes to give.
            ErrorCode::OutOfMemory => StorageError::Corrupt("a page can't be deciphered".into()),
            ErrorCode::DatabaseCorrupt => StorageError::Corrupt(message.clone().unwrap_or_else(|| failure.to_string())),
            _ => StorageError::Io(error.to_string()),
        }
    }
}

/// A document that must be stored is not.
pub(super) fn no_document(document: crate::ids::DocumentId) -> StorageError {
    StorageError::Io(format!("document {document} is not stored: write it before what belongs to it"))
}
