//! A row of the ledger, and reading it.

use offdesk_core::{
    ids::{DocumentId, IntentId, MessageId, WorkspaceId},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, Row};

use crate::{
    channels::AttemptId,
    store::{ReadTx, StoreError},
};

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The states of the ladder, as the module's picture shows them.
pub enum State {
    Held,
    Dropped,
    Queued,
    Dispatching,
    HandedOver,
    Sent,
    Delivered,
    Failed,
    Unknown,
}

impl State {
    const ALL: [State; 9] = [
        State::Held,
        State::Dropped,
        State::Queued,
        State::Dispatching,
        State::HandedOver,
        State::Sent,
        State::Delivered,
        State::Failed,
        State::Unknown,
    ];

    /// Its name in the database and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Dropped => "dropped",
            State::Queued => "queued",
            State::Dispatching => "dispatching",
            State::HandedOver => "handed_over",
            State::Sent => "sent",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Unknown => "unknown",
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The message.
    pub message: MessageId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its conversation's document.
    pub document: DocumentId,
    /// Our number.
    pub sender: String,
    /// The contact's number.
    pub recipient: String,
    /// The text.
    pub body: String,
    /// Where it stands.
    pub state: State,
    /// Since when it is or was held (R33).
    pub held_since: Option<Timestamp>,
    /// The last attempt.
    pub attempt: Option<AttemptId>,
    /// When that was.
    pub attempted_at: Option<Timestamp>,
    /// How many there were.
    pub attempts: u32,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// When the row last changed.
    pub updated: Timestamp,
}

pub(super) const COLUMNS: &str = "message, workspace, document, sender, recipient, body, state, held_since, attempt, attempted_at, \
                       attempts, provider_id, updated";

pub(super) fn read_entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    let state: String = row.get(6)?;
    let unreadable = || rusqlite::Error::InvalidColumnType(6, "state".into(), rusqlite::types::Type::Text);
    Ok(Entry {
        message: IntentId(row.get(0)?),
        workspace: WorkspaceId(row.get(1)?),
        document: DocumentId(row.get(2)?),
        sender: row.get(3)?,
        recipient: row.get(4)?,
        body: row.get(5)?,
        state: State::ALL.into_iter().find(|known| known.name() == state).ok_or_else(unreadable)?,
        held_since: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        attempt: row.get::<_, Option<[u8; 16]>>(8)?.map(|bytes| AttemptId(IntentId(bytes))),
        attempted_at: row.get::<_, Option<i64>>(9)?.map(Timestamp),
        attempts: row.get(10)?,
        provider_id: row.get(11)?,
        updated: Timestamp(row.get(12)?),
    })
}

/// The row of a message.
///
/// # Errors
/// As the store's.
pub fn entry(tx: &ReadTx<'_>, message: MessageId) -> Result<Option<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ledger WHERE message = ?1");
    Ok(tx.connection().prepare_cached(&sql)?.query_row([message.as_bytes()], read_entry).optional()?)
}

pub(super) fn entry_of_provider_id(tx: &ReadTx<'_>, provider_id: &str) -> Result<Option<Entry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ledger WHERE provider_id = ?1");
    Ok(tx.connection().prepare_cached(&sql)?.query_row([provider_id], read_entry).optional()?)
}
