//! Documents in the relay's store: a snapshot and the changes since, loaded into the writer's cache when one is judged.

use std::sync::Arc;

use automerge::{Change, ChangeHash};
use offdesk_core::{
    ids::{DeviceId, DocumentId, IntentId, WorkspaceId},
    model::{Action, Conversation, Document, DocumentError, Kind, Outline, genesis},
    protocol::Seq,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::id,
    store::{ReadTx, StoreError, Tx},
};

/// A document is saved anew once the changes since it was last saved are this part of it: a cold start then sends hardly
/// any raw changes, which take thrice the bytes, and saving costs the same for each change whatever the length.
const TAIL_PART: usize = 16;
/// The same for directory and settings, which are long and rarely sent: a number of changes.
const REGISTERS_TAIL: usize = 8;

/// What the store knows of a document without loading it.
#[derive(Clone, Debug)]
pub(crate) struct DocumentRow {
    pub(crate) workspace: WorkspaceId,
    pub(crate) kind: Kind,
    pub(crate) created_seq: Seq,
    pub(crate) public_seq: Option<Seq>,
    pub(crate) moved_to: Option<DocumentId>,
    pub(crate) contact: Option<DocumentId>,
    pub(crate) peer: Option<String>,
}

/// A document's row; `None` if the relay holds no such document.
pub(crate) fn document_row(tx: &ReadTx<'_>, document: DocumentId) -> Result<Option<DocumentRow>, StoreError> {
    let row = tx
        .connection()
        .prepare_cached(
            "SELECT workspace, kind, created_seq, public_seq, moved_to, contact, peer FROM documents WHERE id = ?1",
        )?
        .query_row([document.as_bytes()], |row| {
            Ok((
                row.get::<_, Vec<u8>>(0)?,
                row.get::<_, u8>(1)?,
                row.get::<_, u64>(2)?,
                row.get::<_, Option<u64>>(3)?,
                row.get::<_, Option<Vec<u8>>>(4)?,
                row.get::<_, Option<Vec<u8>>>(5)?,
                row.get::<_, Option<String>>(6)?,
            ))
        })
        .optional()?;
    let Some((workspace, kind, created_seq, public_seq, moved_to, contact, peer)) = row else { return Ok(None) };
    Ok(Some(DocumentRow {
        workspace: id(&workspace, WorkspaceId::from_slice, "workspace id")?,
        kind: Kind::from_code(kind).ok_or(StoreError::Unreadable { what: "document kind", why: kind.to_string() })?,
        created_seq,
        public_seq,
        moved_to: moved_to.map(|bytes| id(&bytes, DocumentId::from_slice, "document id")).transpose()?,
        contact: contact.map(|bytes| id(&bytes, DocumentId::from_slice, "contact id")).transpose()?,
        peer,
    }))
}

pub(super) fn unreadable(error: &DocumentError) -> StoreError {
    StoreError::Unreadable { what: "document", why: error.to_string() }
}

impl Tx<'_> {
    /// The next place in a workspace's log. Allocated inside the transaction, so that places are committed in order.
    pub(crate) fn next_seq(&mut self, workspace: WorkspaceId) -> Result<Seq, StoreError> {
        let seq = self
            .connection()
            .prepare_cached("UPDATE workspaces SET seq = seq + 1 WHERE id = ?1 RETURNING seq")?
            .query_row([workspace.as_bytes()], |row| row.get(0))
            .optional()?
            .ok_or(StoreError::Missing("workspace"))?;
        self.touch(workspace);
        Ok(seq)
    }

    /// A document, from the cache or loaded.
    pub(crate) fn load(&mut self, document: DocumentId, kind: Kind) -> Result<&mut Document, StoreError> {
        if !self.cache.documents.contains(&document) {
            let loaded = read_document(&self.reading(), document, kind)?;
            self.cache.documents.put(document, loaded);
        }
        // It was there or has just been put.
        self.cache.documents.get_mut(&document).ok_or(StoreError::Missing("document"))
    }

    /// Enters a new document, holding its genesis only.
    pub(crate) fn create_document(
        &mut self,
        workspace: WorkspaceId,
        document: DocumentId,
        kind: Kind,
        seq: Seq,
    ) -> Result<(), StoreError> {
        let heads = genesis::hash(kind).0;
        self.connection()
            .prepare_cached(
                "INSERT INTO documents (id, workspace, kind, created_seq, last_seq, heads) VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
            )?
            .execute(params![document.as_bytes(), workspace.as_bytes(), kind.code(), seq, heads])?;
        self.cache.documents.put(document, Document::new(kind));
        Ok(())
    }

    /// What a conversation's document says, from the cache or read; `None` if it was never opened.
    pub(crate) fn conversation(&mut self, document: DocumentId) -> Result<Option<Arc<Conversation>>, StoreError> {
        let loaded = self.load(document, Kind::Conversation)?;
        let heads = loaded.heads();
        if let Some((at, known)) = self.cache.conversations.get(&document)
            && *at == heads
        {
            return Ok(Some(known.clone()));
        }
        let read = Conversation::read(self.load(document, Kind::Conversation)?).map(Arc::new);
        if let Some(read) = &read {
            self.cache.conversations.put(document, (heads, read.clone()));
        }
        Ok(read)
    }

    /// Keeps the cached conversation up to date with a change of these actions that was made on `before`.
    fn advance(&mut self, document: DocumentId, before: &[ChangeHash], actions: &[Action]) {
        let cache = &mut *self.cache;
        let (Some((at, known)), Some(loaded)) =
            (cache.conversations.get_mut(&document), cache.documents.peek(&document))
        else {
            return;
        };
        if at == before {
            Arc::make_mut(known).advance(loaded, actions);
            *at = loaded.heads();
        }
    }

    /// What lists show of a document after a change of these actions was applied; `None` if that can't be told, such as of
    /// a conversation whose last message is not known.
    fn outline(&mut self, document: DocumentId, kind: Kind, actions: &[Action]) -> Result<Option<Vec<u8>>, StoreError> {
        if kind != Kind::Conversation {
            let outline = Outline::of_other(document, self.load(document, kind)?);
            return Ok(outline.and_then(|outline| outline.pack()));
        }
        let Some(conversation) = self.conversation(document)? else { return Ok(None) };
        let said = actions.iter().rev().find_map(|action| match action {
            Action::AddMessage { id, .. } => Some(*id),
            _ => None,
        });
        let last = match said {
            None if !conversation.messages.is_empty() => {
                let before: Option<Vec<u8>> = self
                    .connection()
                    .prepare_cached("SELECT outline FROM documents WHERE id = ?1")?
                    .query_row([document.as_bytes()], |row| row.get(0))?;
                match before
                    .and_then(|bytes| Outline::unpack(document, &bytes))
                    .and_then(|before| before.last_message())
                {
                    None => return Ok(None),
                    known => known,
                }
            }
            said => said,
        };
        Ok(Outline::of_conversation(&conversation, last).pack())
    }

    /// Appends an accepted change at `seq`: to the loaded document, the log and the actor's row. `actions` are what it
    /// means.
    #[allow(clippy::too_many_arguments, reason = "one change with its place, its meaning and its author")]
    pub(crate) fn append(
        &mut self,
        document: DocumentId,
        kind: Kind,
        seq: Seq,
        change: &Change,
        actions: &[Action],
        intent: IntentId,
        device: Option<DeviceId>,
    ) -> Result<(), StoreError> {
        let hash = change.hash();
        let loaded = self.load(document, kind)?;
        // The relay authors in the loaded document, on all of its heads.
        let before = if loaded.contains(&hash) { change.deps().to_vec() } else { loaded.heads() };
        loaded.apply(vec![change.clone()]).map_err(|error| unreadable(&error))?;
        let heads: Vec<u8> = loaded.heads().iter().flat_map(|head| head.0).collect();
        self.advance(document, &before, actions);
        let outline = self.outline(document, kind, actions)?;
        let connection = self.connection();
        connection
            .prepare_cached(
                "INSERT INTO changes (document, seq, hash, bytes, device, intent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                document.as_bytes(),
                seq,
                hash.0,
                change.raw_bytes(),
                device.map(|device| device.0),
                intent.as_bytes()
            ])?;
        connection
            .prepare_cached("INSERT INTO intents (intent, document, seq) VALUES (?1, ?2, ?3)")?
            .execute(params![intent.as_bytes(), document.as_bytes(), seq])?;
        connection
            .prepare_cached("UPDATE documents SET last_seq = ?2, heads = ?3, outline = ?4 WHERE id = ?1")?
            .execute(params![document.as_bytes(), seq, heads, outline])?;
        connection
            .prepare_cached(
                "INSERT INTO actors (document, actor, device, seq, hash) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (document, actor) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
            )?
            .execute(params![
                document.as_bytes(),
                change.actor_id().to_bytes(),
                device.map(|device| device.0),
                change.seq(),
                hash.0
            ])?;
        self.compact(document, kind, seq)
    }

    fn compact(&mut self, document: DocumentId, kind: Kind, seq: Seq) -> Result<(), StoreError> {
        let longest = match kind {
            Kind::Conversation => self.conversation(document)?.map_or(0, |known| known.messages.len() / TAIL_PART),
            Kind::Contact => 0,
            Kind::Directory | Kind::Settings => REGISTERS_TAIL,
        };
        let since: usize = self
            .connection()
            .prepare_cached("SELECT count(*) FROM changes WHERE document = ?1 AND seq > coalesce((SELECT seq FROM snapshots WHERE document = ?1), 0)")?
            .query_row([document.as_bytes()], |row| row.get(0))?;
        if since <= longest {
            return Ok(());
        }
        let saved = self.load(document, kind)?.save();
        self.connection()
            .prepare_cached(
                "INSERT INTO snapshots (document, seq, saved) VALUES (?1, ?2, ?3)
                 ON CONFLICT (document) DO UPDATE SET seq = excluded.seq, saved = excluded.saved",
            )?
            .execute(params![document.as_bytes(), seq, saved])?;
        Ok(())
    }

    /// Whether the relay holds this change, the genesis included.
    pub(crate) fn holds(&self, document: DocumentId, kind: Kind, hash: &ChangeHash) -> Result<bool, StoreError> {
        if *hash == genesis::hash(kind) {
            return Ok(true);
        }
        Ok(self
            .connection()
            .prepare_cached("SELECT 1 FROM changes WHERE document = ?1 AND hash = ?2")?
            .exists(params![document.as_bytes(), hash.0])?)
    }
}

/// Reads a document from its snapshot and the changes since.
pub(crate) fn read_document(tx: &ReadTx<'_>, document: DocumentId, kind: Kind) -> Result<Document, StoreError> {
    let (saved, from): (Vec<u8>, u64) = tx
        .connection()
        .prepare_cached(
            "SELECT coalesce(s.saved, x''), coalesce(s.seq, 0)
             FROM documents d LEFT JOIN snapshots s ON s.document = d.id WHERE d.id = ?1",
        )?
        .query_row([document.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::Missing("document"))?;
    let mut loaded = if saved.is_empty() {
        Document::new(kind)
    } else {
        Document::load(kind, &saved).map_err(|error| unreadable(&error))?
    };
    let mut statement =
        tx.connection().prepare_cached("SELECT bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq")?;
    let changes = statement
        .query_map(params![document.as_bytes(), from], |row| row.get(0))?
        .collect::<Result<Vec<Vec<u8>>, _>>()?;
    loaded.apply_bytes(&changes).map_err(|error| unreadable(&error))?;
    Ok(loaded)
}
