//! A workspace's settings.

use std::time::Duration;

use offdesk_core::{ids::WorkspaceId, model::Settings};

use super::{Actor, AdminError, audit, name, workspace};
use crate::{
    accept,
    config::write_time,
    store::{ReadTx, StoreError, Tx},
};

/// What is to change; `None` and empty leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The workspace's name.
    pub name: Option<String>,
    /// The country assumed for phone numbers without a country code.
    pub region: Option<String>,
    /// R33: how old a reply may be before something newer holds it.
    pub stale_after: Option<Duration>,
    /// R33: how long only the author may decide about a held reply.
    pub held_author_only: Option<Duration>,
    /// R9: how long a device may be without contact before it locks its data.
    pub lease: Option<Duration>,
    /// R16: how long a customer may wait for a reply.
    pub reply_within: Option<Duration>,
    /// SMS numbers to add, after those that are there; the first of all is the default sender.
    pub add_numbers: Vec<String>,
    /// SMS numbers to remove.
    pub remove_numbers: Vec<String>,
}

/// The settings of a workspace.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn show(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Settings, StoreError> {
    Ok(accept::read_policies(tx, workspace)?.settings)
}

/// Changes settings.
///
/// # Errors
/// [`AdminError::Name`], [`AdminError::Phone`], [`AdminError::NumberTaken`], [`AdminError::NotFound`] for a number to remove
/// that is not there, [`AdminError::NothingToDo`].
pub fn set(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    changes: &Changes,
) -> Result<Settings, AdminError> {
    let old = accept::policies(tx, workspace)?.settings.clone();
    let mut new = old.clone();
    if let Some(title) = &changes.name {
        new.name = name::check("workspace", title)?;
    }
    if let Some(region) = &changes.region {
        new.region = workspace::check_region(region)?;
    }
    new.stale_after = changes.stale_after.unwrap_or(old.stale_after);
    new.held_author_only = changes.held_author_only.unwrap_or(old.held_author_only);
    new.lease = changes.lease.unwrap_or(old.lease);
    new.reply_within = changes.reply_within.unwrap_or(old.reply_within);
    change_numbers(&tx.reading(), workspace, &mut new, changes)?;
    if new == old {
        return Err(AdminError::NothingToDo("the settings are already so".into()));
    }
    let (_, document) = accept::registers_of(&tx.reading(), workspace)?;
    let kept = old.actions();
    let actions: Vec<_> = new.actions().into_iter().filter(|action| !kept.contains(action)).collect();
    accept::author(tx, actor.now, actor.rng, workspace, document, &actions)?;
    tx.connection()
        .execute("UPDATE workspaces SET name = ?2 WHERE id = ?1", rusqlite::params![workspace.as_bytes(), new.name])?;
    audit::record(
        tx,
        actor.now,
        Some(workspace),
        actor.who,
        &format!("changed settings: {}", difference(&old, &new).join(", ")),
    )?;
    Ok(new)
}

fn change_numbers(
    tx: &ReadTx<'_>,
    workspace: WorkspaceId,
    new: &mut Settings,
    changes: &Changes,
) -> Result<(), AdminError> {
    for number in workspace::check_numbers(tx, &changes.remove_numbers, &new.region, Some(workspace))? {
        if !new.numbers.contains(&number) {
            return Err(AdminError::NotFound {
                what: "number",
                typed: number,
                known: format!("known are {}", new.numbers.join(", ")),
            });
        }
        new.numbers.retain(|known| *known != number);
    }
    for number in workspace::check_numbers(tx, &changes.add_numbers, &new.region, Some(workspace))? {
        if !new.numbers.contains(&number) {
            new.numbers.push(number);
        }
    }
    Ok(())
}

fn difference(old: &Settings, new: &Settings) -> Vec<String> {
    let fields = [
        ("name", old.name.clone(), new.name.clone()),
        ("region", old.region.clone(), new.region.clone()),
        ("stale_after", write_time(old.stale_after), write_time(new.stale_after)),
        ("held_author_only", write_time(old.held_author_only), write_time(new.held_author_only)),
        ("lease", write_time(old.lease), write_time(new.lease)),
        ("reply_within", write_time(old.reply_within), write_time(new.reply_within)),
        ("numbers", old.numbers.join(" "), new.numbers.join(" ")),
    ];
    fields
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(field, old, new)| format!("{field} from '{old}' to '{new}'"))
        .collect()
}
