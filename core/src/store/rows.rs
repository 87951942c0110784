//! Rows of the read model: conversations with their labels and alerts, contacts with their search entry.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use super::{Snapshot, SqliteStorage, error::no_document, fold, sql::pack_row};
use crate::{
    ids::{ContactId, ConversationId, DocumentId},
    model::{Channel, Origin, Status, conversation::AssignmentReason},
    policy::Visibility,
    sync::storage::StorageError,
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow},
};

/// What stands for the name of a contact that is not on the device (yet).
const NO_NAME: &str = "Unknown contact";

/// The columns that [`Snapshot::conversation_of`] reads, of `conversation_rows r` with [`WITH_CONTACT`].
pub(super) const CONVERSATION: &str = "r.body, r.visibility, c.display_name, c.blocked";
/// The join that gives a conversation its contact's present name.
pub(super) const WITH_CONTACT: &str = "LEFT JOIN contact_rows c ON c.contact = r.contact";

/// Values of `conversation_rows.dashboard`; the schema's indexes name them as literals.
const LISTED: i64 = 1;
const BLOCKED: i64 = 2;

const fn dashboard(visibility: Visibility, blocked: bool) -> i64 {
    match (visibility.dashboard(), blocked) {
        (false, _) => 0,
        (true, false) => LISTED,
        (true, true) => BLOCKED,
    }
}

/// The bit of a reason in `conversation_assignees.reasons`.
pub(super) const fn reason_bit(reason: AssignmentReason) -> i64 {
    match reason {
        AssignmentReason::Manual => 1,
        AssignmentReason::Reply => 2,
        AssignmentReason::Automation => 4,
    }
}

/// The bit of an origin in `conversation_rows.origins`.
pub(super) const fn origin_bit(origin: Origin) -> i64 {
    match origin {
        Origin::Direct => 1,
        Origin::Campaign => 2,
        Origin::CartRecovery => 4,
    }
}

/// The contact's name, where it is known.
pub(super) fn name_of(row: &Row<'_>, column: usize) -> Result<String, StorageError> {
    Ok(row.get::<_, Option<String>>(column)?.unwrap_or_else(|| NO_NAME.into()))
}

impl Snapshot<'_> {
    /// Reads [`CONVERSATION`] from the columns that begin at `from`.
    pub(super) fn conversation_of(&self, row: &Row<'_>, from: usize) -> Result<ConversationRow, StorageError> {
        let bytes = row.get_ref(from)?.as_blob().map_err(rusqlite::Error::from)?;
        let mut conversation: ConversationRow = self.unpack_row(bytes)?;
        conversation.visibility = Visibility(row.get(from + 1)?);
        conversation.contact_name = name_of(row, from + 2)?;
        conversation.blocked = row.get::<_, Option<bool>>(from + 3)?.unwrap_or(false);
        Ok(conversation)
    }

    /// The row of a conversation, on the dashboard or not.
    pub fn conversation(&self, conversation: ConversationId) -> Result<Option<ConversationRow>, StorageError> {
        let Some(document) = self.document_of(conversation)? else { return Ok(None) };
        self.conversation_in(document)
    }

    /// The row of the conversation in a document.
    pub fn conversation_in(&self, document: DocumentId) -> Result<Option<ConversationRow>, StorageError> {
        let Some(id) = self.row_id(document)? else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r {WITH_CONTACT} WHERE r.id = ?1"
        ))?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(|row| self.conversation_of(row, 0)).transpose()
    }

    /// The document of a conversation.
    pub fn document_of(&self, conversation: ConversationId) -> Result<Option<DocumentId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT document FROM conversation_rows WHERE conversation = ?1 ORDER BY last_activity DESC, document LIMIT 1",
        )?;
        Ok(statement.query_row([conversation], |row| row.get(0)).optional()?)
    }

    /// The contact with this phone (E.164). One that the relay knows comes before one that only this device does.
    pub fn contact_by_phone(&self, phone: &str) -> Result<Option<ContactId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.document FROM contact_phones p JOIN documents d ON d.id = p.contact
             WHERE p.phone = ?1 ORDER BY d.confirmed DESC, d.document LIMIT 1",
        )?;
        Ok(statement.query_row([phone], |row| row.get(0)).optional()?)
    }

    /// The conversation with this contact over this channel. One that the relay knows comes first.
    pub fn conversation_with(&self, contact: ContactId, channel: &Channel) -> Result<Option<DocumentId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT r.document FROM conversation_rows r JOIN documents d ON d.id = r.id
             WHERE r.contact = ?1 AND r.channel = ?2 ORDER BY d.confirmed DESC, r.last_activity DESC, r.document LIMIT 1",
        )?;
        Ok(statement.query_row(params![contact, channel.to_string()], |row| row.get(0)).optional()?)
    }

    /// A contact's row.
    pub fn contact_row(&self, contact: ContactId) -> Result<Option<ContactRow>, StorageError> {
        let mut statement = self.connection.prepare_cached("SELECT body FROM contact_rows WHERE contact = ?1")?;
        let mut rows = statement.query([contact])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        self.unpack_row(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?).map(Some)
    }

    /// Documents of which the member was ever alerted: whether an alert stands depends on who counts as assigned.
    pub fn documents_with_alerts(&self) -> Result<BTreeSet<DocumentId>, StorageError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT document FROM documents WHERE id IN (SELECT document FROM facts WHERE about = 2)",
        )?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

/// What a row was, as far as writing it again depends on it.
struct Before {
    labels: Vec<u8>,
    alerts: u32,
    body: Vec<u8>,
    visibility: u8,
    dashboard: i64,
}

impl SqliteStorage<'_> {
    pub(super) fn write_conversation(&self, row: &ConversationRow, alerts: &[ActiveAlert]) -> Result<(), StorageError> {
        let id = self.projected(row.document)?;
        let labels = pack_row(&(&row.assignees, &row.tags))?;
        // The name, and whether they are blocked, is the contact's to change: it is joined when read.
        let body = pack_row(&ConversationRow { contact_name: String::new(), blocked: false, ..row.clone() })?;
        let before = self
            .connection()
            .prepare_cached("SELECT labels, alerts, body, visibility, dashboard FROM conversation_rows WHERE id = ?1")?
            .query_row([id], |row| {
                let (labels, alerts, body) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Before { labels, alerts, body, visibility: row.get(3)?, dashboard: row.get(4)? })
            })
            .optional()?;
        let same =
            |before: &Before| before.body == body && before.visibility == row.visibility.0 && before.labels == labels;
        if alerts.is_empty() && before.as_ref().is_some_and(|before| before.alerts == 0 && same(before)) {
            return Ok(());
        }
        let was = before
            .as_ref()
            .map(|before| self.row_as_it_was(&before.body, before.visibility, before.dashboard))
            .transpose()?;
        let blocked = self.is_blocked(row.contact)?;
        let row = &ConversationRow { blocked, ..row.clone() };
        self.recount(was.as_ref(), Some(row));
        let said = |row: &ConversationRow| (row.last_activity, row.last_seq, row.pending, row.preview.clone());
        let spoken = was.as_ref().is_none_or(|was| said(was) != said(row));
        self.write_conversation_row(id, row, &labels, alerts.len(), &body)?;
        if spoken {
            self.texts_changed(id)?;
        }
        if before.as_ref().is_none_or(|before| before.labels != labels) {
            self.write_labels(id, row, before.is_some())?;
        }
        self.write_alerts(id, alerts, before.is_some_and(|before| before.alerts > 0))
    }

    fn write_conversation_row(
        &self,
        id: i64,
        row: &ConversationRow,
        labels: &[u8],
        alerts: usize,
        body: &[u8],
    ) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO conversation_rows (id, document, conversation, contact, channel, visibility, dashboard, open, unread,
                     needs_reply, assigned, held, last_activity, labels, alerts, body, origins, waits,
                     snoozed_until, priority, queue, reminds_at, waits_since, texts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                     ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, 0)
                 ON CONFLICT (id) DO UPDATE SET conversation = ?3, contact = ?4, channel = ?5, visibility = ?6,
                     dashboard = ?7,
                     open = ?8, unread = ?9, needs_reply = ?10, assigned = ?11, held = ?12, last_activity = ?13, labels = ?14,
                     alerts = ?15, body = ?16, origins = ?17, waits = ?18,
                     snoozed_until = ?19, priority = ?20, queue = ?21, reminds_at = ?22, waits_since = ?23",
            )?
            .execute(params![
                id,
                row.document,
                row.conversation,
                row.contact,
                row.channel.to_string(),
                row.visibility.0,
                dashboard(row.visibility, row.blocked),
                row.status == Status::Open,
                row.unread,
                row.needs_reply,
                integer(row.assignees.len()),
                row.held,
                row.last_activity.millis(),
                labels,
                integer(alerts),
                body,
                row.origins.iter().fold(0, |bits, origin| bits | origin_bit(*origin)),
                row.held + row.scheduled,
                row.snoozed_until.map_or(0, |until| until.millis().max(0)),
                row.priority as i64,
                row.queue,
                row.reminders.first().map(Timestamp::millis),
                row.reminders.waits_since().map(Timestamp::millis)
            ])?;
        Ok(())
    }

    fn write_labels(&self, id: i64, row: &ConversationRow, replace: bool) -> Result<(), StorageError> {
        let connection = self.connection();
        if replace {
            connection.prepare_cached("DELETE FROM conversation_assignees WHERE conversation = ?1")?.execute([id])?;
            connection.prepare_cached("DELETE FROM conversation_tags WHERE conversation = ?1")?.execute([id])?;
        }
        let mut assignee = connection
            .prepare_cached("INSERT INTO conversation_assignees (member, conversation, reasons) VALUES (?1, ?2, ?3)")?;
        for (member, reasons) in &row.assignees {
            let bits = reasons.iter().fold(0, |bits, reason| bits | reason_bit(*reason));
            assignee.execute(params![member, id, bits])?;
        }
        let mut tag = connection.prepare_cached("INSERT INTO conversation_tags (tag, conversation) VALUES (?1, ?2)")?;
        for name in &row.tags {
            tag.execute(params![name, id])?;
        }
        Ok(())
    }

    fn write_alerts(&self, id: i64, alerts: &[ActiveAlert], replace: bool) -> Result<(), StorageError> {
        if replace {
            self.connection().prepare_cached("DELETE FROM alerts WHERE conversation = ?1")?.execute([id])?;
        }
        let mut insert = self
            .connection()
            .prepare_cached("INSERT OR REPLACE INTO alerts (conversation, alert, at, body) VALUES (?1, ?2, ?3, ?4)")?;
        for active in alerts {
            let body = pack_row(&ActiveAlert { contact_name: String::new(), ..active.clone() })?;
            insert.execute(params![id, active.alert.id, active.alert.at.millis(), body])?;
        }
        Ok(())
    }

    /// A row as it stands, for what is about to change it.
    fn row_as_it_was(&self, body: &[u8], visibility: u8, dashboard: i64) -> Result<ConversationRow, StorageError> {
        let mut row: ConversationRow = self.reading().unpack_row(body)?;
        (row.visibility, row.blocked) = (Visibility(visibility), dashboard == BLOCKED);
        Ok(row)
    }

    /// The row as it stands, unless it has this visibility.
    fn standing_row(&self, id: i64, unless: Option<Visibility>) -> Result<Option<ConversationRow>, StorageError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT body, visibility, dashboard FROM conversation_rows WHERE id = ?1 AND visibility IS NOT ?2",
        )?;
        let mut rows = statement.query(params![id, unless.map(|visibility| visibility.0)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let body = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        self.row_as_it_was(body, row.get(1)?, row.get(2)?).map(Some)
    }

    /// A row is about to go with its document.
    pub(super) fn row_goes(&self, document: DocumentId) -> Result<(), StorageError> {
        let Some(id) = self.reading().row_id(document)? else { return Ok(()) };
        let row = self.standing_row(id, None)?;
        self.recount(row.as_ref(), None);
        Ok(())
    }

    /// The row follows its document at once, so that nothing shows what has left the dashboard (R5).
    pub(super) fn write_row_visibility(&self, id: i64, visibility: Visibility) -> Result<(), StorageError> {
        let Some(row) = self.standing_row(id, Some(visibility))? else { return Ok(()) };
        let blocked = self.is_blocked(row.contact)?;
        self.recount(Some(&row), Some(&ConversationRow { visibility, blocked, ..row.clone() }));
        self.connection()
            .prepare_cached("UPDATE conversation_rows SET visibility = ?2, dashboard = ?3 WHERE id = ?1")?
            .execute(params![id, visibility.0, dashboard(visibility, blocked)])?;
        Ok(())
    }

    fn is_blocked(&self, contact: ContactId) -> Result<bool, StorageError> {
        let mut statement = self.connection().prepare_cached("SELECT blocked FROM contact_rows WHERE contact = ?1")?;
        Ok(statement.query_row([contact], |row| row.get(0)).optional()?.unwrap_or(false))
    }

    /// A contact's conversations leave the lists when they are blocked as spam, and come back.
    fn follow_blocking(&self, contact: ContactId, blocked: bool) -> Result<(), StorageError> {
        let ids: Vec<i64> = self
            .connection()
            .prepare_cached("SELECT id FROM conversation_rows WHERE contact = ?1 AND dashboard NOT IN (0, ?2)")?
            .query_map(params![contact, if blocked { BLOCKED } else { LISTED }], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in ids {
            let Some(row) = self.standing_row(id, None)? else { continue };
            self.recount(Some(&row), Some(&ConversationRow { blocked, ..row.clone() }));
            self.connection()
                .prepare_cached("UPDATE conversation_rows SET dashboard = ?2 WHERE id = ?1")?
                .execute(params![id, dashboard(row.visibility, blocked)])?;
        }
        Ok(())
    }

    pub(super) fn write_contact(&self, row: &ContactRow) -> Result<(), StorageError> {
        let id = self.projected(row.contact)?;
        let body = pack_row(row)?;
        let before: Option<Vec<u8>> = self
            .connection()
            .prepare_cached("SELECT body FROM contact_rows WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        if before.as_ref() == Some(&body) {
            return Ok(());
        }
        // A contact without a name is known by its e-mail address.
        let name = if row.name.is_empty() { row.email.as_deref().unwrap_or_default() } else { &row.name };
        self.connection()
            .prepare_cached(
                "INSERT INTO contact_rows (id, contact, display_name, names, phones, body, blocked, sorted)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET display_name = ?3, names = ?4, phones = ?5, body = ?6, blocked = ?7,
                     sorted = ?8",
            )?
            .execute(params![
                id,
                row.contact,
                row.display_name,
                fold::name_entry(name),
                fold::phone_entry(row.phones.iter().map(String::as_str)),
                body,
                row.blocked,
                fold::plain(&row.display_name)
            ])?;
        self.follow_blocking(row.contact, row.blocked)?;
        if before.is_some() {
            self.connection().prepare_cached("DELETE FROM contact_phones WHERE contact = ?1")?.execute([id])?;
        }
        let mut insert =
            self.connection().prepare_cached("INSERT INTO contact_phones (phone, contact) VALUES (?1, ?2)")?;
        for phone in &row.phones {
            insert.execute(params![phone, id])?;
        }
        Ok(())
    }

    /// The number of a document that gets a row, noted so that the read model can be checked against the documents.
    fn projected(&self, document: DocumentId) -> Result<i64, StorageError> {
        let found: Option<(i64, bool)> = self
            .connection()
            .prepare_cached("SELECT id, projected FROM documents WHERE document = ?1")?
            .query_row([document], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (id, projected) = found.ok_or_else(|| no_document(document))?;
        if !projected {
            self.connection().prepare_cached("UPDATE documents SET projected = 1 WHERE id = ?1")?.execute([id])?;
        }
        Ok(id)
    }
}

fn integer(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
