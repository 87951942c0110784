//! Documents, confirmed and optimistic, and their projection into the read model.
//!
//! *Confirmed* is what the relay accepted: a snapshot and a tail of changes on disk. *Optimistic* is confirmed and this
//! device's own open intents on top; that is what people see. A few documents are kept loaded; the others cost a load
//! when they are touched. Whatever touches a document says so ([`Workspace::touch`]), and at the end of the event each
//! touched document is projected once ([`Workspace::flush`]). One that came with an outline is projected from that, with the
//! marks that came after it, as long as nothing else of it was touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
};

use automerge::Change;
use lru::LruCache;

use crate::{
    ids::{DocumentId, IntentId, MemberId},
    model::{
        Contact, Conversation, Directory, Document, DocumentError, Kind, Outline, Settings, document::parse_change,
    },
    policy::Visibility,
    protocol::{Fact, Outlined, abridged::complete, digest::document_digest},
    sync::{
        loaded::Loaded,
        rebase::is_blank,
        session::SessionError,
        storage::{IntentRecord, Storage},
    },
    triage::{project_contact, project_conversation, project_outline},
};

/// A document's tail is folded into its snapshot once it is longer than this: loading a snapshot is faster than applying
/// changes one by one, and writing one for each change would cost more than the changes.
const LONGEST_TAIL: usize = 32;

/// The loaded documents and what is to be projected.
pub(super) struct Workspace {
    loaded: LruCache<DocumentId, Loaded>,
    touched: BTreeSet<DocumentId>,
    /// Of those, the ones that are not loaded but came with an outline in this transaction.
    outlined: BTreeMap<DocumentId, Came>,
    /// Read, each with its document.
    directory: Option<(Option<DocumentId>, Arc<Directory>)>,
    settings: Option<(DocumentId, Arc<Settings>)>,
    directory_changed: bool,
}

/// What came with a document that is not loaded.
struct Came {
    outline: Outline,
    facts: Vec<Fact>,
    visibility: Visibility,
}

/// What [`Workspace::flush`] did.
#[derive(Debug, Default)]
pub(super) struct Flushed {
    /// Whether anything was projected.
    pub(super) any: bool,
    /// Documents that came with an outline, had to be loaded nevertheless, and can't be: they are not kept.
    pub(super) unreadable: Vec<DocumentId>,
}

impl Workspace {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            loaded: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)),
            touched: BTreeSet::new(),
            outlined: BTreeMap::new(),
            directory: None,
            settings: None,
            directory_changed: false,
        }
    }

    /// Forgets everything that is loaded: the disk may hold something else.
    pub(super) fn clear(&mut self) {
        self.loaded.clear();
        self.touched.clear();
        self.outlined.clear();
        self.directory = None;
        self.settings = None;
        self.directory_changed = false;
    }

    /// A document; `None` if it is not held.
    pub(super) fn load(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<&mut Loaded>, SessionError> {
        if !self.loaded.contains(&id) {
            let Some(stored) = disk.document(id)? else { return Ok(None) };
            let mut confirmed = open(stored.kind, &stored.saved)?;
            confirmed.apply_bytes(&stored.tail)?;
            let mut loaded = Loaded::new(confirmed, stored.visibility, stored.confirmed, stored.tail.len());
            loaded.actor = stored.actor;
            self.loaded.put(id, loaded);
        }
        Ok(self.loaded.get_mut(&id))
    }

    /// A document with this device's open intents in it; `None` if it is not held.
    pub(super) fn optimistic(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<&Document>, SessionError> {
        match self.built(disk, id)? {
            Some(loaded) => Ok(Some(loaded.optimistic()?)),
            None => Ok(None),
        }
    }

    /// A conversation with this device's open intents in it; `None` if it is not held, not opened or of another kind.
    pub(super) fn conversation(
        &mut self,
        disk: &dyn Storage,
        id: DocumentId,
    ) -> Result<Option<Arc<Conversation>>, SessionError> {
        match self.built(disk, id)? {
            Some(loaded) => Ok(loaded.conversation()?),
            None => Ok(None),
        }
    }

    /// A document whose optimistic side is built; `None` if it is not held.
    pub(super) fn built(&mut self, disk: &dyn Storage, id: DocumentId) -> Result<Option<&mut Loaded>, SessionError> {
        let Some(loaded) = self.load(disk, id)? else { return Ok(None) };
        if loaded.is_unbuilt() {
            let lineage = lineage(disk, id, disk.open_intents_of(id)?)?;
            loaded.build(&lineage)?;
        }
        Ok(Some(loaded))
    }

    /// Makes a document that only this device knows so far.
    pub(super) fn create(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        kind: Kind,
        visibility: Visibility,
    ) -> Result<(), SessionError> {
        disk.put_document(id, kind, visibility, &[], false)?;
        self.loaded.pop(&id);
        self.touch(id);
        Ok(())
    }

    /// Takes what the relay confirmed of a document, in place of what was held.
    pub(super) fn replace(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        (kind, visibility): (Kind, Visibility),
        saved: &[u8],
        changes: &[Vec<u8>],
    ) -> Result<(), SessionError> {
        let mut confirmed = open(kind, saved)?;
        confirmed.apply_bytes(changes)?;
        let actor = self.load(disk, id).ok().flatten().and_then(|loaded| loaded.actor);
        let mut tail = changes.len();
        if tail > LONGEST_TAIL || saved.is_empty() {
            disk.put_document(id, kind, visibility, &confirmed.save(), true)?;
            tail = 0;
        } else {
            disk.put_document(id, kind, visibility, saved, true)?;
            if tail > 0 {
                disk.append_changes(id, changes)?;
            }
        }
        let mut loaded = Loaded::new(confirmed, visibility, true, tail);
        loaded.actor = actor;
        self.loaded.put(id, loaded);
        self.changed(id, kind);
        Ok(())
    }

    /// Takes a document that was not held as it was sent, without loading it: its outline says what lists show. The row
    /// waits for [`Workspace::flush`]: what its member read and dismissed comes after the documents of a page. Returns
    /// whether that was possible; otherwise nothing was done.
    #[allow(clippy::too_many_arguments, reason = "a snapshot frame, field by field")]
    pub(super) fn take_outlined(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        (kind, visibility): (Kind, Visibility),
        saved: &[u8],
        changes: &[Vec<u8>],
        facts: &[Fact],
        outlined: &Outlined,
    ) -> Result<bool, SessionError> {
        let Some(outline) = Outline::unpack(id, &outlined.outline) else { return Ok(false) };
        if changes.len() > LONGEST_TAIL || disk.document_kind(id)?.is_some() || !disk.open_intents_of(id)?.is_empty() {
            return Ok(false);
        }
        match (&outline, kind) {
            (Outline::Conversation(_), Kind::Conversation) | (Outline::Contact(_), Kind::Contact) => {}
            (Outline::Conversation(_) | Outline::Contact(_), _) => return Ok(false),
        }
        disk.put_document(id, kind, visibility, saved, true)?;
        disk.append_changes(id, changes)?;
        disk.put_facts(id, facts)?;
        let heads: Vec<[u8; 32]> = outlined.heads.iter().map(|head| **head).collect();
        let last_fact = facts.iter().map(|fact| fact.seq).max().unwrap_or(0);
        disk.set_digest(id, document_digest(id, &heads, last_fact))?;
        self.touched.insert(id);
        self.outlined.insert(id, Came { outline, facts: facts.to_vec(), visibility });
        Ok(true)
    }

    /// Appends confirmed changes to a document that is held; known ones are passed over, abridged ones completed.
    ///
    /// # Errors
    /// [`DocumentError::MissingDependency`] if one depends on a change that is not here; nothing is then changed.
    pub(super) fn append(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        changes: &[Vec<u8>],
    ) -> Result<(), SessionError> {
        let Some(loaded) = self.load(disk, id)? else { return Ok(()) };
        let mut fresh = Vec::new();
        let mut parsed = Vec::new();
        for bytes in changes {
            let mut bytes = bytes.clone();
            let whole = complete(&mut bytes, |start| {
                let here = parsed.iter().map(Change::hash).find(|hash| hash.0.starts_with(start));
                here.or_else(|| loaded.beginning_with(start)).map(|hash| hash.0)
            });
            if !whole {
                let why = "what it depends on can't be told from its abridged form";
                return Err(DocumentError::UnreadableChange(why.into()).into());
            }
            let change = parse_change(&bytes)?;
            if !loaded.holds(&change.hash()) {
                fresh.push(bytes);
                parsed.push(change);
            }
        }
        loaded.append(parsed)?;
        if !loaded.known || loaded.tail + fresh.len() > LONGEST_TAIL {
            disk.put_document(id, loaded.kind, loaded.visibility, &loaded.confirmed()?.save(), true)?;
            (loaded.known, loaded.tail) = (true, 0);
        } else if !fresh.is_empty() {
            disk.append_changes(id, &fresh)?;
            loaded.tail += fresh.len();
        }
        let kind = loaded.kind;
        self.changed(id, kind);
        Ok(())
    }

    fn changed(&mut self, id: DocumentId, kind: Kind) {
        self.touch(id);
        match kind {
            Kind::Directory => (self.directory, self.directory_changed) = (None, true),
            Kind::Settings => self.settings = None,
            Kind::Conversation | Kind::Contact => {}
        }
    }

    pub(super) fn set_visibility(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        visibility: Visibility,
    ) -> Result<(), SessionError> {
        disk.set_visibility(id, visibility)?;
        if let Some(loaded) = self.loaded.get_mut(&id) {
            loaded.visibility = visibility;
        }
        self.touch(id);
        Ok(())
    }

    pub(super) fn set_actor(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        actor: Option<[u8; 16]>,
    ) -> Result<(), SessionError> {
        disk.set_actor(id, actor)?;
        if let Some(loaded) = self.loaded.get_mut(&id) {
            loaded.actor = actor;
        }
        Ok(())
    }

    /// The actor that the document's present lineage goes on with; `None` if a fresh one is to be drawn, because there is
    /// none or because some of its changes are not on top of the confirmed document: their seqs would be used again.
    pub(super) fn lineage_actor(
        &mut self,
        disk: &dyn Storage,
        id: DocumentId,
    ) -> Result<Option<[u8; 16]>, SessionError> {
        Ok(self.built(disk, id)?.filter(|loaded| loaded.is_complete()).and_then(|loaded| loaded.actor))
    }

    /// Ends the document's present lineage: the next change is authored under a fresh actor.
    pub(super) fn forget_actor(&mut self, disk: &mut dyn Storage, id: DocumentId) -> Result<(), SessionError> {
        if disk.document_kind(id)?.is_some() { self.set_actor(disk, id, None) } else { Ok(()) }
    }

    /// Removes a document with all that shows it.
    pub(super) fn remove(&mut self, disk: &mut dyn Storage, id: DocumentId) -> Result<(), SessionError> {
        if let Some((kind, _)) = disk.document_kind(id)? {
            self.changed(id, kind);
        }
        self.loaded.pop(&id);
        disk.remove_document(id)?;
        Ok(())
    }

    /// The own lineage of a document is not what it was: it is built anew when next needed.
    pub(super) fn restage(&mut self, id: DocumentId) {
        if let Some(loaded) = self.loaded.get_mut(&id) {
            loaded.restage();
        }
        self.touch(id);
    }

    /// Something that a document's row shows has changed.
    pub(super) fn touch(&mut self, id: DocumentId) {
        self.outlined.remove(&id);
        self.touched.insert(id);
        // What an Administrator edits on this device shows at once.
        if self.directory.as_ref().is_some_and(|(of, _)| *of == Some(id)) {
            (self.directory, self.directory_changed) = (None, true);
        }
        if self.settings.as_ref().is_some_and(|(of, _)| *of == id) {
            self.settings = None;
        }
    }

    /// What the member marked of a document has changed, and nothing else: what came with it still says what it is.
    pub(super) fn touch_marks(&mut self, id: DocumentId) {
        self.touched.insert(id);
    }

    /// Of a change of members, projects no more than what was touched besides.
    pub(super) fn pass_over_the_rest(&mut self) {
        self.directory_changed = false;
    }

    /// Projects what was touched.
    pub(super) fn flush(&mut self, disk: &mut dyn Storage, me: MemberId) -> Result<Flushed, SessionError> {
        if std::mem::take(&mut self.directory_changed) {
            self.touched.extend(disk.documents_with_alerts()?);
        }
        let touched = std::mem::take(&mut self.touched);
        let mut flushed = Flushed { any: !touched.is_empty(), unreadable: Vec::new() };
        for id in touched {
            let came = self.outlined.remove(&id);
            let outlined = came.is_some();
            if let Some(came) = came
                && self.project_outlined(disk, id, came, me)?
            {
                continue;
            }
            if !self.project(disk, id, me)? && outlined {
                flushed.unreadable.push(id);
            }
        }
        Ok(flushed)
    }

    /// Whether the outline is enough.
    fn project_outlined(
        &mut self,
        disk: &mut dyn Storage,
        id: DocumentId,
        came: Came,
        me: MemberId,
    ) -> Result<bool, SessionError> {
        match came.outline {
            Outline::Conversation(outline) => {
                let (registers, directory) = (disk.registers_of(id)?, self.directory(disk)?);
                let row = project_outline(id, outline, &came.facts, &registers, came.visibility, &directory, me);
                let Some(projected) = row else { return Ok(false) };
                disk.put_conversation(&projected.row, &[])?;
            }
            Outline::Contact(contact) => disk.put_contact(&project_contact(id, &contact))?,
        }
        Ok(true)
    }

    /// Projects one document; `false` if it is damaged.
    fn project(&mut self, disk: &mut dyn Storage, id: DocumentId, me: MemberId) -> Result<bool, SessionError> {
        if !self.loaded.contains(&id) && disk.document_kind(id)?.is_none() {
            return Ok(true);
        }
        let directory = self.directory(disk)?;
        let open = disk.open_intents_of(id)?;
        let pending: BTreeSet<IntentId> = open.iter().map(|intent| intent.id).collect();
        let lineage = lineage(disk, id, open)?;
        let facts = disk.facts(id)?;
        let loaded = match self.load(disk, id) {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(true),
            Err(SessionError::Document(error)) => {
                // One damaged document must not keep every other from being shown.
                tracing::warn!(document = %id, %error, "a document can't be projected");
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        loaded.build(&lineage)?;
        if loaded.known {
            let heads: Vec<[u8; 32]> = loaded.confirmed_heads().iter().map(|head| head.0).collect();
            let last_fact = facts.iter().map(|fact| fact.seq).max().unwrap_or(0);
            disk.set_digest(id, document_digest(id, &heads, last_fact))?;
        }
        match loaded.kind {
            Kind::Conversation => {
                let Some(conversation) = loaded.conversation()? else { return Ok(true) };
                let registers = disk.registers_of(id)?;
                let projected = project_conversation(
                    id,
                    &conversation,
                    &facts,
                    &registers,
                    &pending,
                    loaded.visibility,
                    &directory,
                    me,
                );
                disk.put_conversation(&projected.row, &projected.alerts)?;
            }
            Kind::Contact => {
                let document = loaded.optimistic()?;
                if is_blank(document) {
                    return Ok(true);
                }
                if let Some(contact) = Contact::read(id, document) {
                    disk.put_contact(&project_contact(id, &contact))?;
                }
            }
            Kind::Directory | Kind::Settings => {}
        }
        Ok(true)
    }

    pub(super) fn directory(&mut self, disk: &dyn Storage) -> Result<Arc<Directory>, SessionError> {
        if let Some((_, directory)) = &self.directory {
            return Ok(directory.clone());
        }
        let id = disk.documents(Some(Kind::Directory))?.first().copied();
        let read = match id {
            Some(id) => self.optimistic(disk, id)?.map(Directory::read).unwrap_or_default(),
            None => Directory::default(),
        };
        Ok(self.directory.insert((id, Arc::new(read))).1.clone())
    }

    pub(super) fn settings(&mut self, disk: &dyn Storage) -> Result<Option<Arc<Settings>>, SessionError> {
        if let Some((_, settings)) = &self.settings {
            return Ok(Some(settings.clone()));
        }
        let Some(id) = disk.documents(Some(Kind::Settings))?.first().copied() else { return Ok(None) };
        let read = self.optimistic(disk, id)?.map(Settings::read).unwrap_or_default();
        Ok(Some(self.settings.insert((id, Arc::new(read))).1.clone()))
    }
}

/// The own changes on top of a confirmed document, in order: those of open intents, and those of refused ones that open
/// ones still build on until the document is rebased.
pub(super) fn lineage(
    disk: &dyn Storage,
    id: DocumentId,
    open: Vec<IntentRecord>,
) -> Result<Vec<IntentRecord>, SessionError> {
    if open.is_empty() {
        return Ok(open);
    }
    let mut lineage = open;
    lineage.extend(disk.attention()?.into_iter().filter(|intent| intent.document == id));
    lineage.retain(|intent| !intent.change.is_empty());
    lineage.sort_by_key(|intent| intent.position);
    Ok(lineage)
}

fn open(kind: Kind, saved: &[u8]) -> Result<Document, DocumentError> {
    if saved.is_empty() { Ok(Document::new(kind)) } else { Document::load(kind, saved) }
}
