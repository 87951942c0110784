//! What a closure gets: a transaction, and for the writer what it keeps between transactions. The operations themselves
//! are methods in the modules that they belong to (`accept`, `relay`, `dispatch`, `admin`, `auth`).

use std::{collections::HashMap, sync::Arc};

use automerge::ChangeHash;
use lru::LruCache;
use offdesk_core::{
    ids::{DocumentId, WorkspaceId},
    model::{Conversation, Directory, Document, Settings},
};
use rusqlite::Connection;

use super::Changed;

/// Members, roles and settings of a workspace, read once and kept until they change.
#[derive(Clone, Debug)]
pub struct Policies {
    /// Members and roles.
    pub directory: Directory,
    /// Settings.
    pub settings: Settings,
}

/// What the writer keeps between transactions. All of it can be read again from the database, and is thrown away when a
/// closure fails or another process has written.
pub(crate) struct Cache {
    pub(crate) documents: LruCache<DocumentId, Document>,
    /// Conversations as read from their documents at these heads: reading a long one takes longer than all else that is
    /// done with a change.
    pub(crate) conversations: LruCache<DocumentId, (Vec<ChangeHash>, Arc<Conversation>)>,
    pub(crate) policies: HashMap<WorkspaceId, Arc<Policies>>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        let capacity = std::num::NonZeroUsize::new(super::LOADED_DOCUMENTS).unwrap_or(std::num::NonZeroUsize::MIN);
        Self { documents: LruCache::new(capacity), conversations: LruCache::new(capacity), policies: HashMap::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.documents.clear();
        self.conversations.clear();
        self.policies.clear();
    }
}

/// The writer's transaction.
pub struct Tx<'a> {
    connection: &'a Connection,
    pub(crate) cache: &'a mut Cache,
    pub(crate) changed: &'a mut Vec<Changed>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(connection: &'a Connection, cache: &'a mut Cache, changed: &'a mut Vec<Changed>) -> Self {
        Self { connection, cache, changed }
    }

    /// The connection, inside the transaction.
    pub fn connection(&self) -> &Connection {
        self.connection
    }

    /// The same transaction for reading.
    pub fn reading(&self) -> ReadTx<'_> {
        ReadTx::new(self.connection)
    }

    /// Says, once committed, that a workspace's log grew.
    pub fn touch(&mut self, workspace: WorkspaceId) {
        let changed = Changed::Log(workspace);
        if !self.changed.contains(&changed) {
            self.changed.push(changed);
        }
    }
}

/// A reader's snapshot.
pub struct ReadTx<'a> {
    connection: &'a Connection,
}

impl<'a> ReadTx<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// The connection, inside the snapshot.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
}
