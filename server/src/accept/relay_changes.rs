//! Changes that the relay authors itself: inbound messages, edits by the administration.

use automerge::ActorId;
use offdesk_core::{
    ids::{AutomationId, DocumentId, IntentId, WorkspaceId},
    model::{Action, Kind, Settings, genesis},
    protocol::{Epoch, Seq},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::params;
use sha2::{Digest, Sha256};

use crate::{
    accept::{apply, document_row, documents::unreadable},
    store::{ReadTx, StoreError, Tx},
};

/// The relay's epoch.
///
/// # Errors
/// As the store's.
pub fn epoch(tx: &ReadTx<'_>) -> Result<Epoch, StoreError> {
    Ok(tx.connection().prepare_cached("SELECT epoch FROM relay WHERE id = 1")?.query_row([], |row| row.get(0))?)
}

/// The relay's actor in a document: one per epoch, so that a restored relay never writes a sequence number twice. No
/// device may write as one of them, of whatever epoch.
pub(super) fn relay_actor(epoch: Epoch, document: DocumentId) -> ActorId {
    let digest =
        Sha256::new().chain_update(b"relay").chain_update(epoch.to_be_bytes()).chain_update(document.0).finalize();
    let mut name = [0u8; 8];
    name.copy_from_slice(&digest[..8]);
    genesis::relay_actor(name)
}

/// Creates a workspace with its directory and its settings.
///
/// # Errors
/// As the store's.
pub fn create_workspace(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    settings: &Settings,
) -> Result<WorkspaceId, StoreError> {
    let workspace = WorkspaceId::generate(now, rng);
    create_workspace_as(tx, now, rng, workspace, settings)?;
    Ok(workspace)
}

/// As [`create_workspace`], under a given id.
///
/// # Errors
/// As the store's.
pub fn create_workspace_as(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    settings: &Settings,
) -> Result<(), StoreError> {
    let (directory, settings_document) = (DocumentId::generate(now, rng), DocumentId::generate(now, rng));
    tx.connection().execute(
        "INSERT INTO workspaces (id, name, directory, settings, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![workspace.as_bytes(), settings.name, directory.as_bytes(), settings_document.as_bytes(), now.millis()],
    )?;
    for (document, kind) in [(directory, Kind::Directory), (settings_document, Kind::Settings)] {
        let seq = tx.next_seq(workspace)?;
        tx.create_document(workspace, document, kind, seq)?;
    }
    author(tx, now, rng, workspace, settings_document, &settings.actions())?;
    Ok(())
}

/// Authors and accepts one change of the relay; everything that follows from it (projections, grants, alerts) is done.
///
/// # Errors
/// [`StoreError::Missing`] for an unknown document.
pub fn author(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    document: DocumentId,
    actions: &[Action],
) -> Result<Seq, StoreError> {
    author_intent(tx, now, workspace, document, IntentId::generate(now, rng), actions)
}

/// As [`author`], under a given intent id.
pub(super) fn author_intent(
    tx: &mut Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    document: DocumentId,
    intent: IntentId,
    actions: &[Action],
) -> Result<Seq, StoreError> {
    author_as(tx, now, workspace, document, intent, actions, None)
}

/// As [`author_intent`], by an automation that tells those whom it assigns (R14).
pub(super) fn author_as(
    tx: &mut Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    document: DocumentId,
    intent: IntentId,
    actions: &[Action],
    automation: Option<AutomationId>,
) -> Result<Seq, StoreError> {
    let row = document_row(&tx.reading(), document)?
        .filter(|row| row.workspace == workspace)
        .ok_or(StoreError::Missing("document"))?;
    let actor = relay_actor(epoch(&tx.reading())?, document);
    let change =
        tx.load(document, row.kind)?.author(actor, intent, now, actions).map_err(|error| unreadable(&error))?;
    let seq = tx.next_seq(workspace)?;
    tx.append(document, row.kind, seq, &change, actions, intent, None)?;
    apply::consequences(
        tx,
        &apply::Accepted {
            now,
            workspace,
            document,
            kind: row.kind,
            seq,
            intent,
            author: None,
            actions,
            seen: None,
            reoffered: false,
            automation,
        },
    )?;
    Ok(seq)
}
