//! The member's personal registers: read marks, mark-unread flags, drafts, dismissed alerts, follow-ups, mutes, quiet hours,
//! saved filters, canned responses of their own.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Snapshot, SqliteStorage,
    sql::{pack, signed, unpack, unsigned},
};
use crate::{
    ids::{AlertId, DocumentId, IntentId, QueueId},
    protocol::{Muted, RegisterContent, RegisterKey},
    sync::storage::{StorageError, StoredRegister},
    time::Timestamp,
    triage::Registers,
};

/// Codes of kinds. Of those in `of_document!` the subject is a document.
const READ_MARK: i64 = 1;
const MARKED_UNREAD: i64 = 2;
const DRAFT: i64 = 3;
const DISMISSED: i64 = 4;
const FOLLOW_UP: i64 = 5;
const MUTED_CONVERSATION: i64 = 6;
const MUTED_QUEUE: i64 = 7;
const MUTED_EVERYTHING: i64 = 8;
const QUIET_HOURS: i64 = 9;
const SAVED_FILTER: i64 = 10;
const CANNED: i64 = 11;
const REMINDED: i64 = 12;

/// The kinds that come and go with their document.
macro_rules! of_document {
    () => {
        "(1, 2, 3, 5, 6, 12)"
    };
}

const fn columns(key: &RegisterKey) -> (i64, [u8; 16]) {
    match key {
        RegisterKey::ReadMark(document) => (READ_MARK, document.0),
        RegisterKey::MarkedUnread(document) => (MARKED_UNREAD, document.0),
        RegisterKey::Draft(document) => (DRAFT, document.0),
        RegisterKey::Dismissed(alert) => (DISMISSED, alert.0),
        RegisterKey::FollowUp(document) => (FOLLOW_UP, document.0),
        RegisterKey::Reminded(document) => (REMINDED, document.0),
        RegisterKey::Muted(Muted::Conversation(document)) => (MUTED_CONVERSATION, document.0),
        RegisterKey::Muted(Muted::Queue(queue)) => (MUTED_QUEUE, queue.0),
        RegisterKey::Muted(Muted::Everything) => (MUTED_EVERYTHING, [0; 16]),
        RegisterKey::QuietHours => (QUIET_HOURS, [0; 16]),
        RegisterKey::SavedFilter(id) => (SAVED_FILTER, id.0),
        RegisterKey::Canned(id) => (CANNED, id.0),
    }
}

fn key(kind: i64, subject: [u8; 16]) -> Result<RegisterKey, StorageError> {
    match kind {
        READ_MARK => Ok(RegisterKey::ReadMark(DocumentId(subject))),
        MARKED_UNREAD => Ok(RegisterKey::MarkedUnread(DocumentId(subject))),
        DRAFT => Ok(RegisterKey::Draft(DocumentId(subject))),
        DISMISSED => Ok(RegisterKey::Dismissed(AlertId(subject))),
        FOLLOW_UP => Ok(RegisterKey::FollowUp(DocumentId(subject))),
        REMINDED => Ok(RegisterKey::Reminded(DocumentId(subject))),
        MUTED_CONVERSATION => Ok(RegisterKey::Muted(Muted::Conversation(DocumentId(subject)))),
        MUTED_QUEUE => Ok(RegisterKey::Muted(Muted::Queue(QueueId(subject)))),
        MUTED_EVERYTHING => Ok(RegisterKey::Muted(Muted::Everything)),
        QUIET_HOURS => Ok(RegisterKey::QuietHours),
        SAVED_FILTER => Ok(RegisterKey::SavedFilter(IntentId(subject))),
        CANNED => Ok(RegisterKey::Canned(IntentId(subject))),
        kind => Err(StorageError::Corrupt(format!("a register is of the unknown kind {kind}"))),
    }
}

/// The register of a row that starts with (content, version, stored_version, send_after).
fn register(row: &Row<'_>) -> Result<StoredRegister, StorageError> {
    let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(StoredRegister {
        content: unpack("register", bytes)?,
        version: unsigned(row.get(1)?),
        stored_version: unsigned(row.get(2)?),
        send_after: Timestamp(row.get(3)?),
    })
}

impl Snapshot<'_> {
    /// A register.
    pub fn register(&self, key: RegisterKey) -> Result<Option<StoredRegister>, StorageError> {
        let (kind, subject) = columns(&key);
        let mut statement = self.connection.prepare_cached(
            "SELECT content, version, stored_version, send_after FROM registers WHERE kind = ?1 AND subject = ?2",
        )?;
        let mut rows = statement.query(params![kind, subject])?;
        rows.next()?.map(register).transpose()
    }

    /// What the member chose, whether or not the conversation that it is about is on this device.
    pub fn chosen(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT content, version, stored_version, send_after, kind, subject FROM registers
             WHERE kind BETWEEN ?1 AND ?2 ORDER BY kind, subject",
        )?;
        let mut rows = statement.query([FOLLOW_UP, CANNED])?;
        let mut chosen = Vec::new();
        while let Some(row) = rows.next()? {
            chosen.push((key(row.get(4)?, row.get(5)?)?, register(row)?));
        }
        Ok(chosen)
    }

    /// Registers that the relay has not stored in their present version.
    pub fn dirty_registers(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT content, version, stored_version, send_after, kind, subject FROM registers
             WHERE stored_version < version ORDER BY kind, subject",
        )?;
        let mut rows = statement.query([])?;
        let mut dirty = Vec::new();
        while let Some(row) = rows.next()? {
            dirty.push((key(row.get(4)?, row.get(5)?)?, register(row)?));
        }
        Ok(dirty)
    }

    /// Drafts that hold text, whether or not their conversations are here.
    pub fn drafts(&self) -> Result<Vec<(DocumentId, StoredRegister)>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT content, version, stored_version, send_after, subject FROM registers WHERE kind = ?1 ORDER BY subject",
        )?;
        let mut rows = statement.query([DRAFT])?;
        let mut drafts = Vec::new();
        while let Some(row) = rows.next()? {
            let draft = register(row)?;
            if matches!(&draft.content, RegisterContent::Text(text) if !text.is_empty()) {
                drafts.push((DocumentId(row.get(4)?), draft));
            }
        }
        Ok(drafts)
    }

    /// The registers that bear on one conversation, for its projection.
    pub fn registers_of(&self, document: DocumentId) -> Result<Registers, StorageError> {
        let mut registers = Registers::default();
        let mut of_document = self
            .connection
            .prepare_cached("SELECT kind, content FROM registers WHERE kind IN (1, 2, 3, 5, 12) AND subject = ?1")?;
        let mut rows = of_document.query([document])?;
        while let Some(row) = rows.next()? {
            let content = unpack("register", row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            match (row.get(0)?, content) {
                (READ_MARK, RegisterContent::Order(order)) => registers.read = order,
                (MARKED_UNREAD, RegisterContent::Flag(flag)) => registers.marked_unread = flag,
                (DRAFT, RegisterContent::Text(text)) => registers.draft = !text.is_empty(),
                (FOLLOW_UP, RegisterContent::Time(at)) => registers.follow_up = (at > Timestamp(0)).then_some(at),
                (REMINDED, RegisterContent::Time(until)) => registers.reminded = until,
                _ => {}
            }
        }
        let mut of_alerts = self.connection.prepare_cached(
            "SELECT r.subject, r.content FROM documents d
             JOIN facts f ON f.document = d.id AND f.about = 2
             JOIN registers r ON r.kind = 4 AND r.subject = f.subject WHERE d.document = ?1",
        )?;
        let mut rows = of_alerts.query([document])?;
        while let Some(row) = rows.next()? {
            let content: RegisterContent =
                unpack("register", row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?;
            if content == RegisterContent::Flag(true) {
                registers.dismissed.insert(row.get(0)?);
            }
        }
        Ok(registers)
    }

    /// The member's draft in a conversation; `None` if there is none or it is empty (R27).
    pub fn draft(&self, document: DocumentId) -> Result<Option<String>, StorageError> {
        Ok(self.register(RegisterKey::Draft(document))?.and_then(|register| match register.content {
            RegisterContent::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }))
    }
}

impl SqliteStorage<'_> {
    pub(super) fn write_register(&self, key: RegisterKey, register: &StoredRegister) -> Result<(), StorageError> {
        let (kind, subject) = columns(&key);
        self.connection()
            .prepare_cached(
                "INSERT INTO registers (kind, subject, content, version, stored_version, send_after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET content = ?3, version = ?4, stored_version = ?5, send_after = ?6",
            )?
            .execute(params![
                kind,
                subject,
                pack(&register.content)?,
                signed(register.version),
                signed(register.stored_version),
                register.send_after.millis()
            ])?;
        Ok(())
    }

    /// To be called before the document's facts go: they name its alerts.
    pub(super) fn delete_registers_of(&self, document: DocumentId) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached(concat!("DELETE FROM registers WHERE kind IN ", of_document!(), " AND subject = ?1"))?
            .execute([document])?;
        let id: Option<i64> = self
            .connection()
            .prepare_cached("SELECT id FROM documents WHERE document = ?1")?
            .query_row([document], |row| row.get(0))
            .optional()?;
        self.connection()
            .prepare_cached(
                "DELETE FROM registers WHERE kind = 4 AND subject IN (SELECT subject FROM facts WHERE document = ?1 AND about = 2)",
            )?
            .execute([id])?;
        Ok(())
    }

    pub(super) fn delete_registers_of_all(&self) -> Result<(), StorageError> {
        self.connection().execute_batch(concat!(
            "DELETE FROM registers WHERE kind IN ",
            of_document!(),
            " AND subject IN (SELECT document FROM documents);
             DELETE FROM registers WHERE kind = 4 AND subject IN (SELECT subject FROM facts WHERE about = 2);",
        ))?;
        Ok(())
    }
}
