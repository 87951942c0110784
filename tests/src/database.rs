//! Looking into a phone's encrypted file, as no app does.

use std::path::Path;

use offdesk_core::store::CIPHER;
use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// Opens a phone's database for reading, with its raw key.
pub fn open(path: &Path, key: &[u8; 32]) -> Connection {
    keyed(path, key, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the database of a phone that is closed, to damage it.
pub fn open_writable(path: &Path, key: &[u8; 32]) -> Connection {
    keyed(path, key, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn keyed(path: &Path, key: &[u8; 32], flags: OpenFlags) -> Connection {
    let connection = Connection::open_with_flags(path, flags).unwrap();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    connection.execute_batch(&format!("PRAGMA key = \"x'{hex}'\"; {CIPHER}")).unwrap();
    connection
}

/// What SQLite says of the file's integrity: `ok`.
pub fn integrity(connection: &Connection) -> String {
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// The places (table.column) that hold exactly this id, as bytes or as text.
pub fn rows_under(connection: &Connection, id: &[u8; 16], text: &str) -> Vec<String> {
    let names = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut places = Vec::new();
    // Virtual tables are read through themselves; their shadow tables hold no ids of ours in the clear.
    for table in names("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (index, column) in columns.iter().enumerate() {
                let found = match row.get_ref(index).unwrap() {
                    ValueRef::Blob(bytes) => bytes == id,
                    ValueRef::Text(bytes) => bytes == text.as_bytes(),
                    _ => false,
                };
                if found {
                    places.push(format!("{table}.{column}"));
                }
            }
        }
    }
    places
}
