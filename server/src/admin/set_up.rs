//! Queues, canned responses, hours, engagements and automations (R36 to R39): things of the settings that have an id and a
//! title. Adding, changing and removing them is the same for all; what they must be is judged as a member's edit is.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use offdesk_core::{
    ids::{AutomationId, CannedId, EngagementId, HoursId, QueueId, WorkspaceId},
    model::{
        Action, Automation, Canned, Engagement, Hours, Queue, RegisterEdit, Settings, action::RegisterValue,
        settings::edits,
    },
    policy::{After, check_set_up},
    time::Timestamp,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Actor, AdminError, audit, name};
use crate::{
    accept,
    store::{ReadTx, StoreError, Tx},
};

/// A thing of the settings that has an id and a title.
pub trait Thing: Clone + PartialEq + Serialize {
    /// What it is known by.
    type Id: Copy + Ord + Display + FromStr + Serialize;
    /// What people call it.
    const WHAT: &'static str;

    /// All of them.
    fn all(settings: &mut Settings) -> &mut BTreeMap<Self::Id, Self>;
    /// The actions that write it.
    fn registers(&self, id: Self::Id) -> Vec<Action>;
    /// By what people name it.
    fn title(&self) -> &str;
    /// A fresh id.
    fn fresh(now: Timestamp, rng: &mut dyn Rng) -> Self::Id;
}

macro_rules! things {
    ($($type:ident, $id:ident, $what:literal, $map:ident, $title:ident;)*) => {$(
        impl Thing for $type {
            type Id = $id;
            const WHAT: &'static str = $what;

            fn all(settings: &mut Settings) -> &mut BTreeMap<$id, Self> {
                &mut settings.$map
            }

            fn registers(&self, id: $id) -> Vec<Action> {
                self.actions(id)
            }

            fn title(&self) -> &str {
                &self.$title
            }

            fn fresh(now: Timestamp, rng: &mut dyn Rng) -> $id {
                $id::generate(now, rng)
            }
        }
    )*};
}

things! {
    Queue, QueueId, "queue", queues, name;
    Canned, CannedId, "canned response", canned, shortcut;
    Hours, HoursId, "hours", hours, name;
    Engagement, EngagementId, "engagement", engagements, name;
    Automation, AutomationId, "automation", automations, name;
}

/// A thing with its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<I, T> {
    /// Its id.
    pub id: I,
    /// What it is.
    #[serde(flatten)]
    pub thing: T,
}

/// A thing of this type, listed.
pub type ListedOf<T> = Listed<<T as Thing>::Id, T>;

/// Adds one.
///
/// # Errors
/// [`AdminError::Name`] if its title is taken, [`AdminError::Setting`] if it can't be so.
pub fn add<T: Thing>(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    thing: T,
) -> Result<ListedOf<T>, AdminError> {
    let mut after = accept::policies(tx, workspace)?.settings.clone();
    let taken = T::all(&mut after).values().any(|other| other.title().eq_ignore_ascii_case(thing.title()));
    if taken {
        return Err(AdminError::Name(format!("there is a {} '{}'; choose another name", T::WHAT, thing.title())));
    }
    let id = T::fresh(actor.now, actor.rng);
    T::all(&mut after).insert(id, thing.clone());
    let edits = edits(&[], &thing.registers(id));
    write(tx, actor, workspace, &after, &edits)?;
    record(tx, actor, workspace, &format!("added {} '{}' ({id}): {}", T::WHAT, thing.title(), described(&edits)))?;
    Ok(Listed { id, thing })
}

/// Changes one.
///
/// # Errors
/// As [`add`]; [`AdminError::NothingToDo`].
pub fn set<T: Thing>(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    id: T::Id,
    change: impl FnOnce(&mut T),
) -> Result<ListedOf<T>, AdminError> {
    let mut after = accept::policies(tx, workspace)?.settings.clone();
    let thing = T::all(&mut after).get_mut(&id).ok_or(StoreError::Missing("setting"))?;
    let before = thing.clone();
    change(thing);
    let thing = thing.clone();
    if thing == before {
        return Err(AdminError::NothingToDo(format!("the {} '{}' is already so", T::WHAT, before.title())));
    }
    let edits = edits(&before.registers(id), &thing.registers(id));
    write(tx, actor, workspace, &after, &edits)?;
    record(tx, actor, workspace, &format!("changed {} '{}' ({id}): {}", T::WHAT, before.title(), described(&edits)))?;
    Ok(Listed { id, thing })
}

/// Removes one.
///
/// # Errors
/// [`AdminError::Setting`] if something needs it.
pub fn remove<T: Thing>(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    id: T::Id,
) -> Result<ListedOf<T>, AdminError> {
    let mut after = accept::policies(tx, workspace)?.settings.clone();
    let thing = T::all(&mut after).remove(&id).ok_or(StoreError::Missing("setting"))?;
    let edits = edits(&thing.registers(id), &[]);
    write(tx, actor, workspace, &after, &edits)?;
    record(tx, actor, workspace, &format!("removed {} '{}' ({id})", T::WHAT, thing.title()))?;
    Ok(Listed { id, thing })
}

/// Every one, by title.
///
/// # Errors
/// [`StoreError`] if they can't be read.
pub fn list<T: Thing>(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Vec<ListedOf<T>>, StoreError> {
    let mut settings = accept::read_policies(tx, workspace)?.settings;
    let all = std::mem::take(T::all(&mut settings));
    let mut listed: Vec<_> = all.into_iter().map(|(id, thing)| Listed { id, thing }).collect();
    listed.sort_by(|a, b| a.thing.title().cmp(b.thing.title()));
    Ok(listed)
}

/// The one that is meant.
///
/// # Errors
/// [`AdminError::NotFound`] or [`AdminError::Ambiguous`].
pub fn find<T: Thing>(tx: &ReadTx<'_>, workspace: WorkspaceId, typed: &str) -> Result<T::Id, AdminError> {
    let all: Vec<_> =
        list::<T>(tx, workspace)?.into_iter().map(|listed| (listed.id, listed.thing.title().to_owned())).collect();
    name::resolve(T::WHAT, typed, &all)
}

fn write(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    after: &Settings,
    edits: &[RegisterEdit],
) -> Result<(), AdminError> {
    let actions: Vec<Action> = edits.iter().map(RegisterEdit::action).collect();
    let directory = accept::policies(tx, workspace)?.directory.clone();
    check_set_up(&actions, &After { directory: &directory, settings: after, known_zone: &accept::is_zone })
        .map_err(AdminError::Setting)?;
    let document = accept::settings_of(&tx.reading(), workspace)?;
    accept::author(tx, actor.now, actor.rng, workspace, document, &actions)?;
    Ok(())
}

fn record(tx: &Tx<'_>, actor: &Actor<'_>, workspace: WorkspaceId, act: &str) -> Result<(), AdminError> {
    Ok(audit::record(tx, actor.now, Some(workspace), actor.who, act)?)
}

/// What the edits did, in words: `name from 'Sales' to 'Sales east'`.
fn described(edits: &[RegisterEdit]) -> String {
    let value = |value: &RegisterValue| match value {
        RegisterValue::Bool(value) => value.to_string(),
        RegisterValue::Int(value) => value.to_string(),
        RegisterValue::Text(value) => format!("'{value}'"),
    };
    let edit = |edit: &RegisterEdit| {
        let field = edit.key.split_once('.').map_or(edit.key.as_str(), |(_, field)| field);
        match (&edit.seen, &edit.value) {
            (Some(before), Some(after)) => format!("{field} from {} to {}", value(before), value(after)),
            (None, Some(after)) => format!("{field} {}", value(after)),
            (_, None) => format!("without {field}"),
        }
    };
    edits.iter().map(edit).collect::<Vec<_>>().join(", ")
}
