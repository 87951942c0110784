//! What a device asks for by name: documents, and the conversations of a contact whose record a member opens (R7).
//!
//! What is sent for no other reason is remembered, so that it goes on being sent. Between reading and remembering access
//! may have ended, and whoever is told of that is found by what is remembered: so what is remembered is looked at once
//! more, in the writer.

use offdesk_core::{
    ids::{ContactId, DocumentId},
    model::Kind,
    policy::Visibility,
    protocol::Response,
};
use rusqlite::params;

use super::{contents, request::SyncRequest};
use crate::{
    accept::{document_row, id},
    auth::{self, Authenticated},
    store::{ReadTx, StoreError, Tx},
};

/// Conversations that come with a record, the latest ones. Older ones are asked for by nobody yet.
const OF_A_RECORD: usize = 50;

/// What is answered, and which of it is to be remembered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) frames: Vec<Response>,
    pub(super) remember: Vec<DocumentId>,
}

impl Answer {
    /// Each document is sent if the member may see it by any path, else the device is told to remove it.
    pub(super) fn read(tx: &ReadTx<'_>, device: &Authenticated, request: &mut SyncRequest) -> Result<Self, StoreError> {
        let mut answer = Self::default();
        for document in std::mem::take(&mut request.fetch) {
            if !answer.send(tx, device, document)? {
                answer.frames.push(Response::Evict { documents: vec![document] });
            }
        }
        for contact in std::mem::take(&mut request.records) {
            answer.record(tx, device, contact)?;
        }
        let marks = contents::marks(tx, device.member, &answer.frames)?;
        answer.frames.extend(marks);
        Ok(answer)
    }

    /// The conversations with a contact that come to the member by its record alone.
    fn record(&mut self, tx: &ReadTx<'_>, device: &Authenticated, contact: ContactId) -> Result<(), StoreError> {
        let row = document_row(tx, contact)?;
        let known = row.filter(|row| row.workspace == device.workspace && row.kind == Kind::Contact);
        let sees = match &known {
            Some(row) => tx.visibility(&device.access, contact, row)?.any(),
            None => false,
        };
        if !sees {
            self.frames.push(Response::Evict { documents: vec![contact] });
            return Ok(());
        }
        let mut sent = 0;
        let mut more = false;
        for document in conversations(tx, contact)? {
            let Some(row) = document_row(tx, document)? else { continue };
            let visibility = tx.visibility(&device.access, document, &row)?;
            if !visibility.any() || visibility.dashboard() {
                continue;
            }
            if sent == OF_A_RECORD {
                more = true;
                break;
            }
            if !self.remember.contains(&document) {
                self.send(tx, device, document)?;
            }
            sent += 1;
        }
        self.frames.push(Response::Record { contact, more });
        Ok(())
    }

    fn send(&mut self, tx: &ReadTx<'_>, device: &Authenticated, document: DocumentId) -> Result<bool, StoreError> {
        let row = document_row(tx, document)?.filter(|row| row.workspace == device.workspace);
        let visibility = match &row {
            Some(row) => tx.visibility(&device.access, document, row)?,
            None => Visibility::NONE,
        };
        let Some(row) = row.filter(|_| visibility.any()) else { return Ok(false) };
        self.frames.push(contents::snapshot(tx, &device.access, document, &row, visibility)?);
        if !visibility.dashboard() {
            self.remember.push(document);
        }
        Ok(true)
    }

    /// Remembers what is to go on being sent. What may not be seen any more is taken out instead.
    pub(super) fn remembered(mut self, tx: &mut Tx<'_>, device: &Authenticated) -> Result<Vec<Response>, StoreError> {
        let mut gone = Vec::new();
        let access = auth::access(&tx.reading(), device.workspace, device.member)?;
        for document in self.remember {
            let reading = tx.reading();
            let visible = match (&access, document_row(&reading, document)?) {
                (Some(access), Some(row)) => reading.visibility(access, document, &row)?.any(),
                _ => false,
            };
            if visible {
                tx.connection()
                    .prepare_cached("INSERT OR REPLACE INTO fetched (device, document, seq) VALUES (?1, ?2, 0)")
                    .and_then(|mut insert| insert.execute(params![device.device.as_bytes(), document.as_bytes()]))?;
            } else {
                gone.push(document);
            }
        }
        for frame in &mut self.frames {
            if let Response::Snapshot { document, .. } = frame
                && gone.contains(document)
            {
                *frame = Response::Evict { documents: vec![*document] };
            }
        }
        Ok(self.frames)
    }
}

/// The conversations with a contact, the latest first.
fn conversations(tx: &ReadTx<'_>, contact: ContactId) -> Result<Vec<DocumentId>, StoreError> {
    let mut statement = tx
        .connection()
        .prepare_cached("SELECT id FROM documents WHERE contact = ?1 AND kind = ?2 ORDER BY last_activity DESC, id")?;
    let rows = statement
        .query_map(params![contact.as_bytes(), Kind::Conversation.code()], |row| row.get::<_, Vec<u8>>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.iter().map(|bytes| id(bytes, DocumentId::from_slice, "document id")).collect()
}
