//! What the relay's database says, read beside the running relay.

use std::{collections::BTreeMap, path::Path};

use offdesk_core::ids::IntentId;
use rusqlite::{Connection, OpenFlags};

/// The relay's database, open for reading.
#[derive(Debug)]
pub struct Evidence(Connection);

/// An outbound message in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message: IntentId,
    /// To which number.
    pub recipient: String,
    /// Its text.
    pub body: String,
    /// Where it stands.
    pub state: String,
}

impl Evidence {
    /// Opens it.
    pub fn of(database: &Path) -> Self {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        Self(connection)
    }

    /// How often each intent was accepted: the changes in the log that carry it.
    pub fn accepted(&self) -> BTreeMap<IntentId, u64> {
        let mut statement = self.0.prepare("SELECT intent, count(*) FROM changes GROUP BY intent").unwrap();
        let rows = statement.query_map([], |row| Ok((IntentId(row.get(0)?), row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// The ledger.
    pub fn ledger(&self) -> Vec<Entry> {
        let mut statement =
            self.0.prepare("SELECT message, recipient, body, state FROM ledger ORDER BY position").unwrap();
        let rows = statement
            .query_map([], |row| {
                Ok(Entry {
                    message: IntentId(row.get(0)?),
                    recipient: row.get(1)?,
                    body: row.get(2)?,
                    state: row.get(3)?,
                })
            })
            .unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// Whether no message is in one of these states.
    pub fn none_is(&self, states: &[&str]) -> bool {
        !self.ledger().iter().any(|entry| states.contains(&entry.state.as_str()))
    }
}
