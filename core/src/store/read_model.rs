//! The read model's life: made, looked at when the database opens, dropped and made anew when it can't be trusted.
//!
//! A row is written in the transaction of what it is projected from, so whatever ends the process, the two agree: opening
//! need not compare them, and takes as long after a crash as after an orderly end. What it looks for is what a look can
//! find soon: another version, a missing table, an index gone, the first rows unreadable. Damage beyond that is met by
//! whoever reads it (an unreadable row, a page that doesn't fit its HMAC), and then the whole is checked, and made anew if
//! that is what is damaged ([`super::Database::check_read_model`]).

use rusqlite::{Connection, TransactionBehavior, params};

use super::sql::unpack;
use crate::{
    model::Kind,
    sync::storage::StorageError,
    triage::{ActiveAlert, ContactRow, ConversationRow},
};

const SCHEMA: &str = include_str!("../../migrations/readmodel.sql");
/// To be raised with every change of [`SCHEMA`], of the rows' types, or of how documents are projected or names folded.
pub(super) const VERSION: i64 = 5;
/// In the order in which they can be dropped.
const TABLES: [&str; 8] = [
    "message_texts",
    "tallies",
    "contact_phones",
    "contact_rows",
    "alerts",
    "conversation_tags",
    "conversation_assignees",
    "conversation_rows",
];
const CONTACTS: &str = "contact_search";
const MESSAGES: &str = "message_search";

/// Makes sure that there is a read model of this version that is in order. Whether it waits to be filled.
pub(super) fn prepare(connection: &mut Connection) -> Result<bool, StorageError> {
    let (version, complete): (i64, bool) =
        connection.query_row("SELECT version, complete FROM read_model", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if version == VERSION {
        match check(connection, Depth::Quick) {
            Ok(None) => return Ok(!complete),
            Ok(Some(found)) => tracing::warn!(found, "the read model is damaged and made anew"),
            Err(error @ (StorageError::Busy | StorageError::Full)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the read model can't be read and is made anew");
                // Where a page can't be deciphered its table can't be dropped either, and SQLCipher's second answer says
                // nothing of it.
                return recreate(connection).map_err(|_| error);
            }
        }
    }
    recreate(connection)
}

/// Whether there is a filled read model of this version.
pub(super) fn stands(connection: &Connection) -> Result<bool, StorageError> {
    let sql = "SELECT version = ?1 AND complete FROM read_model";
    Ok(connection.query_row(sql, [VERSION], |row| row.get(0))?)
}

/// Drops the read model and makes it anew, empty. Whether it waits to be filled.
pub(super) fn recreate(connection: &mut Connection) -> Result<bool, StorageError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    drop_tables(&transaction)?;
    let rebuild = create_tables(&transaction)?;
    transaction.commit()?;
    Ok(rebuild)
}

/// Drops everything that [`create_tables`] makes, whatever its condition.
pub(super) fn drop_tables(connection: &Connection) -> Result<(), StorageError> {
    // Triggers would otherwise name a table that is gone.
    connection.execute_batch(
        "DROP TRIGGER IF EXISTS contact_search_insert; DROP TRIGGER IF EXISTS contact_search_delete;
         DROP TRIGGER IF EXISTS contact_search_update; DROP TRIGGER IF EXISTS message_search_insert;
         DROP TRIGGER IF EXISTS message_search_delete;",
    )?;
    for search in [CONTACTS, MESSAGES] {
        if let Err(error) = connection.execute_batch(&format!("DROP TABLE IF EXISTS {search}")) {
            // A virtual table whose own tables are damaged can't be dropped: its entry is taken out of the schema.
            tracing::warn!(%error, "a search index can't be dropped whole and is dropped in parts");
            connection.execute_batch(&format!(
                "PRAGMA writable_schema = ON;
                 DELETE FROM sqlite_schema WHERE type = 'table' AND name = '{search}';
                 PRAGMA writable_schema = RESET;"
            ))?;
        }
        for part in ["data", "idx", "docsize", "config", "content"] {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS {search}_{part}"))?;
        }
    }
    for table in TABLES {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    Ok(())
}

/// Makes the read model, empty. Whether it waits to be filled: not if there is nothing to project.
pub(super) fn create_tables(connection: &Connection) -> Result<bool, StorageError> {
    connection.execute_batch(SCHEMA)?;
    connection.execute("UPDATE documents SET projected = 0 WHERE projected = 1", [])?;
    let empty: bool = connection.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM documents WHERE kind IN (?1, ?2))",
        [Kind::Conversation.code(), Kind::Contact.code()],
        |row| row.get(0),
    )?;
    connection.execute("UPDATE read_model SET version = ?1, complete = ?2", params![VERSION, empty])?;
    Ok(!empty)
}

/// A search index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// Of names and phones.
    Contacts,
    /// Of messages.
    Messages,
}

impl Index {
    const fn table(self) -> &'static str {
        match self {
            Self::Contacts => CONTACTS,
            Self::Messages => MESSAGES,
        }
    }
}

/// Wiping one entry from a search index at once takes up to a millisecond. For many, entries are only marked as removed,
/// until [`end_bulk_removal`].
pub(super) fn begin_bulk_removal(connection: &Connection, index: Index) -> Result<(), StorageError> {
    let table = index.table();
    Ok(connection.execute_batch(&format!("INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 0)"))?)
}

/// Writes the search index anew without what was removed; the pages that held it are wiped by SQLite.
pub(super) fn end_bulk_removal(connection: &Connection, index: Index) -> Result<(), StorageError> {
    let table = index.table();
    Ok(connection.execute_batch(&format!(
        "INSERT INTO {table} ({table}) VALUES ('optimize');
         INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1);"
    ))?)
}

/// Notes that every document has been projected.
pub(super) fn mark_complete(connection: &Connection) -> Result<(), StorageError> {
    connection.execute("UPDATE read_model SET complete = 1", [])?;
    Ok(())
}

/// How much is looked at. The whole takes some 10 ms a thousand conversations: too long for every start on a large
/// database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The tables and their counts, and up to [`QUICK_ROWS`] rows of each; the search index up to [`QUICK_CONTACTS`].
    Quick,
    /// Everything.
    Whole,
}

const QUICK_ROWS: i64 = 200;
const QUICK_CONTACTS: i64 = 1_000;

/// What is wrong with the read model, if anything.
///
/// # Errors
/// [`StorageError`] if it can't even be read.
pub(super) fn check(connection: &Connection, depth: Depth) -> Result<Option<&'static str>, StorageError> {
    if parts(connection)? != expected()? {
        return Ok(Some("a table of the read model is missing or of another form"));
    }
    let counts_agree: bool = connection.query_row(
        "SELECT (SELECT count(*) FROM conversation_rows) = (SELECT count(*) FROM documents WHERE kind = ?1 AND projected = 1)
            AND (SELECT count(*) FROM contact_rows) = (SELECT count(*) FROM documents WHERE kind = ?2 AND projected = 1)
            AND (SELECT count(*) FROM contact_rows) = (SELECT count(*) FROM contact_search_docsize)",
        [Kind::Conversation.code(), Kind::Contact.code()],
        |row| row.get(0),
    )?;
    if !counts_agree {
        return Ok(Some("the read model has other rows than there are documents"));
    }
    let contacts: i64 = connection.query_row("SELECT count(*) FROM contact_rows", [], |row| row.get(0))?;
    if depth == Depth::Whole || contacts <= QUICK_CONTACTS {
        // Compares the index with the texts that it is of.
        connection.execute_batch("INSERT INTO contact_search (contact_search, rank) VALUES ('integrity-check', 1)")?;
    }
    if depth == Depth::Whole {
        connection.execute_batch("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)")?;
    }
    let rows = if depth == Depth::Whole { -1 } else { QUICK_ROWS };
    readable::<ConversationRow>(
        connection,
        "SELECT body FROM conversation_rows INDEXED BY conversations_by_activity WHERE dashboard = 1
         ORDER BY last_activity DESC, document LIMIT ?1",
        rows,
    )?;
    if depth == Depth::Whole {
        readable::<ConversationRow>(
            connection,
            "SELECT body FROM conversation_rows WHERE dashboard = 0 LIMIT ?1",
            rows,
        )?;
    }
    readable::<ActiveAlert>(connection, "SELECT body FROM alerts LIMIT ?1", rows)?;
    readable::<ContactRow>(connection, "SELECT body FROM contact_rows ORDER BY id DESC LIMIT ?1", rows)?;
    Ok(None)
}

fn readable<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    limit: i64,
) -> Result<(), StorageError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([limit])?;
    while let Some(row) = rows.next()? {
        unpack::<T>("row", row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
    }
    Ok(())
}

/// Name and SQL of everything in the read model.
fn parts(connection: &Connection) -> Result<Vec<(String, String)>, StorageError> {
    let mut statement =
        connection.prepare("SELECT tbl_name, name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        if TABLES.contains(&table.as_str()) || table.starts_with(CONTACTS) || table.starts_with(MESSAGES) {
            parts.push((row.get(1)?, row.get(2)?));
        }
    }
    Ok(parts)
}

fn expected() -> Result<Vec<(String, String)>, StorageError> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(SCHEMA)?;
    parts(&fresh)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_version_is_raised_with_the_schema() {
        let hash: String = Sha256::digest(SCHEMA).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        // A device with the old tables would go on with them if only the hash were changed here.
        assert_eq!((VERSION, hash.as_str()), (5, "bc45a03656acc0d4"), "raise VERSION, then note the new pair here");
    }

    #[test]
    fn every_table_of_the_schema_is_known_for_dropping() {
        let fresh = Connection::open_in_memory().unwrap();
        fresh.execute_batch(SCHEMA).unwrap();
        let all: i64 = fresh.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(all).unwrap(), parts(&fresh).unwrap().len());
    }
}
