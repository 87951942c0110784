//! One Automerge document with its kind: loading, applying accepted changes, authoring one change.

use automerge::{
    ActorId, Automerge, AutomergeError, Change, ChangeHash, LoadOptions, ObjId, ROOT, ReadDoc, ScalarValue, Value,
    transaction::{CommitOptions, Transaction},
};

use crate::{
    ids::IntentId,
    model::{
        Action, Kind,
        action::{RegisterMap, RegisterValue},
        genesis, write,
    },
    time::Timestamp,
};

/// A document's bytes or changes can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The saved bytes are damaged or not of this format.
    #[error("the saved document can't be read: {0}")]
    Unreadable(String),
    /// A change's bytes are damaged.
    #[error("a change can't be read: {0}")]
    UnreadableChange(String),
    /// A change depends on one that is not here.
    #[error("a change depends on {0}, which is not here")]
    MissingDependency(ChangeHash),
    /// The document lacks a map that its genesis makes.
    #[error("the document has no map '{0}': it was not made from the genesis of its kind")]
    NoMap(&'static str),
    /// Automerge refused an operation of our own.
    #[error("the change can't be authored: {0}")]
    Authoring(#[from] AutomergeError),
}

/// An Automerge document of a known kind, always descending from that kind's genesis.
#[derive(Clone, Debug)]
pub struct Document {
    kind: Kind,
    inner: Automerge,
}

impl Document {
    /// A new document: the genesis only.
    pub fn new(kind: Kind) -> Self {
        Self { kind, inner: genesis::document(kind) }
    }

    /// Loads saved bytes.
    ///
    /// # Errors
    /// [`DocumentError::Unreadable`] if the bytes are damaged; [`DocumentError::MissingDependency`] if they hold an
    /// orphan.
    pub fn load(kind: Kind, saved: &[u8]) -> Result<Self, DocumentError> {
        // A panic in the decoder must not take the process down: a damaged file is an error like any other.
        let loaded = std::panic::catch_unwind(|| Automerge::load_with_options(saved, LoadOptions::new()));
        let inner = match loaded {
            Ok(Ok(inner)) => inner,
            Ok(Err(error)) => return Err(DocumentError::Unreadable(error.to_string())),
            Err(_) => return Err(DocumentError::Unreadable("the decoder gave up".into())),
        };
        if let Some(hash) = inner.get_missing_deps(&[]).first() {
            return Err(DocumentError::MissingDependency(*hash));
        }
        Ok(Self { kind, inner })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The document for reading.
    pub(crate) fn inner(&self) -> &Automerge {
        &self.inner
    }

    /// The whole document, uncompressed: compression is the stream's or the store's.
    pub fn save(&self) -> Vec<u8> {
        self.inner.save_nocompress()
    }

    /// The heads, sorted.
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads = self.inner.get_heads();
        heads.sort();
        heads
    }

    /// Whether the change of this hash is part of the document.
    pub fn contains(&self, hash: &ChangeHash) -> bool {
        self.inner.get_change_meta_by_hash(hash).is_some()
    }

    /// Every change but the genesis, in a topological order.
    pub fn changes(&self) -> Vec<Change> {
        let genesis = genesis::hash(self.kind);
        self.inner.get_changes(&[]).into_iter().filter(|change| change.hash() != genesis).collect()
    }

    /// The change whose hash begins so.
    pub fn beginning_with(&self, start: &[u8]) -> Option<ChangeHash> {
        self.inner.get_changes_meta(&[]).iter().map(|change| change.hash).find(|hash| hash.0.starts_with(start))
    }

    /// The sequence number that the next change of `actor` has.
    pub fn next_seq(&self, actor: &ActorId) -> u64 {
        self.inner
            .get_changes_meta(&[])
            .iter()
            .filter(|change| *change.actor == *actor)
            .map(|change| change.seq)
            .max()
            .map_or(1, |seq| seq + 1)
    }

    /// Whether the change of this hash is one of `heads` or an ancestor of one. All of them must be here.
    pub fn descends(&self, heads: &[ChangeHash], hash: &ChangeHash) -> bool {
        heads.contains(hash)
            || (self.contains(hash) && !self.inner.get_changes_meta(heads).iter().any(|change| change.hash == *hash))
    }

    /// The operation counter that a change with these dependencies starts with: the next after everything that it
    /// depends on, and so after everything that its author had.
    pub fn start_op(&self, deps: &[ChangeHash]) -> u64 {
        let after = deps
            .iter()
            .filter_map(|dep| self.inner.get_change_meta_by_hash(dep))
            .map(|change| change.max_op)
            .max()
            .unwrap_or(0);
        after + 1
    }

    /// Whether nobody has written this key of a root map since `deps`: what a change of the directory or the settings
    /// must show for every key that it touches.
    pub fn is_current(&self, map_name: &'static str, key: &str, deps: &[ChangeHash]) -> bool {
        let Ok(map) = map(&self.inner, map_name) else { return false };
        let ids = |values: Result<Vec<(automerge::Value<'_>, ObjId)>, AutomergeError>| {
            values.map(|values| {
                values.into_iter().map(|(_, id)| id.to_string()).collect::<std::collections::BTreeSet<_>>()
            })
        };
        match (ids(self.inner.get_all(&map, key)), ids(self.inner.get_all_at(&map, key, deps))) {
            (Ok(now), Ok(seen)) => now == seen,
            _ => false,
        }
    }

    /// What stands in a register of the directory or the settings.
    pub fn register(&self, map_of: RegisterMap, key: &str) -> Option<RegisterValue> {
        let object = map(&self.inner, map_of.name()).ok()?;
        match self.inner.get(&object, key).ok()?? {
            (Value::Scalar(value), _) => match value.as_ref() {
                ScalarValue::Boolean(value) => Some(RegisterValue::Bool(*value)),
                ScalarValue::Int(value) => Some(RegisterValue::Int(*value)),
                ScalarValue::Str(value) => Some(RegisterValue::Text(value.to_string())),
                _ => None,
            },
            _ => None,
        }
    }

    /// Applies changes whose dependencies are all here; known ones are passed over.
    ///
    /// # Errors
    /// [`DocumentError::MissingDependency`] before anything is applied, so that no orphan is ever queued: Automerge
    /// would keep it in every save.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<(), DocumentError> {
        let mut fresh: Vec<Change> = Vec::with_capacity(changes.len());
        for change in changes {
            if self.contains(&change.hash()) {
                continue;
            }
            for dep in change.deps() {
                if !self.contains(dep) && !fresh.iter().any(|change| change.hash() == *dep) {
                    return Err(DocumentError::MissingDependency(*dep));
                }
            }
            fresh.push(change);
        }
        if !fresh.is_empty() {
            self.inner.apply_changes(fresh)?;
        }
        Ok(())
    }

    /// Applies changes from their uncompressed bytes, as [`Document::apply`].
    ///
    /// # Errors
    /// [`DocumentError::UnreadableChange`] if bytes are damaged, otherwise as [`Document::apply`].
    pub fn apply_bytes<B: AsRef<[u8]>>(&mut self, changes: &[B]) -> Result<(), DocumentError> {
        let changes = changes.iter().map(|bytes| parse_change(bytes.as_ref())).collect::<Result<Vec<_>, _>>()?;
        self.apply(changes)
    }

    /// Authors one change for one intent: its actions become operations, the intent's id its message.
    ///
    /// # Errors
    /// [`DocumentError::Authoring`] if Automerge refuses an operation; the document is then unchanged.
    pub fn author(
        &mut self,
        actor: ActorId,
        intent: IntentId,
        at: Timestamp,
        actions: &[Action],
    ) -> Result<Change, DocumentError> {
        self.inner.set_actor(actor);
        let mut tx = self.inner.transaction();
        if let Err(error) = write::write(&mut tx, actions) {
            tx.rollback();
            return Err(error);
        }
        let options = CommitOptions::default().with_message(intent.to_string()).with_time(at.millis() / 1000);
        let (committed, _) = tx.commit_with(options);
        // Without a commit the actor's last change is an earlier intent's.
        committed
            .and_then(|_| self.inner.get_last_local_change())
            .ok_or_else(|| DocumentError::UnreadableChange("the intent changes nothing".into()))
    }
}

/// Parses one change from bytes that passed [`crate::model::inspect`] or that we stored ourselves.
///
/// # Errors
/// [`DocumentError::UnreadableChange`] if the bytes are not exactly one change.
pub fn parse_change(bytes: &[u8]) -> Result<Change, DocumentError> {
    match std::panic::catch_unwind(|| Change::from_bytes(bytes.to_vec())) {
        Ok(Ok(change)) => Ok(change),
        Ok(Err(error)) => Err(DocumentError::UnreadableChange(error.to_string())),
        Err(_) => Err(DocumentError::UnreadableChange("the decoder gave up".into())),
    }
}

/// Whether the change is encoded as Automerge encodes it. A saved document holds the changes' contents and not their
/// bytes: one whose bytes can't be made again from its contents has another hash after loading, and the document can't
/// be loaded any more. It holds nothing beside its contents either, such as extra bytes or unknown columns.
pub fn is_canonical(change: &Change) -> bool {
    let ordered = change.deps().is_sorted_by(|a, b| a < b);
    // A panic of the decoder means that it is not.
    let again = std::panic::catch_unwind(|| Change::from(change.decode()));
    ordered && change.extra_bytes().is_empty() && again.is_ok_and(|again| again.raw_bytes() == change.raw_bytes())
}

/// The intent that a change names as its message.
pub fn intent_of(change: &Change) -> Option<IntentId> {
    let message = change.message()?;
    message.parse().ok().filter(|intent: &IntentId| intent.to_string() == message)
}

/// The object of one of the root maps that the genesis makes.
pub(crate) fn map(document: &impl ReadDoc, name: &'static str) -> Result<ObjId, DocumentError> {
    match document.get(ROOT, name)? {
        Some((automerge::Value::Object(automerge::ObjType::Map), id)) => Ok(id),
        _ => Err(DocumentError::NoMap(name)),
    }
}

pub(crate) type Tx<'a> = Transaction<'a>;
