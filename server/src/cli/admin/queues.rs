//! `admin queue`.

use offdesk_core::{
    ids::{HoursId, WorkspaceId},
    model::{Hours, Queue},
};

use super::{Office, args::set_up::QueueCommand};
use crate::{
    admin::{AdminError, member, set_up},
    cli::output::{Output, table},
    config::write_time,
    store::Tx,
};

pub(super) fn queue(office: Office, typed: Option<String>, command: QueueCommand) -> Result<Output, AdminError> {
    let changed = match command {
        QueueCommand::List => return list(&office, typed.as_deref()),
        QueueCommand::Add { name, members, hours, reply_within } => {
            office.write(typed, move |tx, actor, workspace| {
                let mut queue = Queue { name, reply_within, ..Queue::default() };
                queue.hours = find_hours(tx, workspace, hours)?.unwrap_or_default();
                queue.members = member::find_all(&tx.reading(), workspace, &members)?;
                set_up::add(tx, actor, workspace, queue)
            })?
        }
        QueueCommand::Set { queue, name, add_members, remove_members, hours, reply_within, reply_within_default } => {
            office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Queue>(&tx.reading(), workspace, &queue)?;
                let hours = find_hours(tx, workspace, hours)?;
                let add = member::find_all(&tx.reading(), workspace, &add_members)?;
                let remove = member::find_all(&tx.reading(), workspace, &remove_members)?;
                set_up::set::<Queue>(tx, actor, workspace, id, move |queue| {
                    queue.name = name.unwrap_or_else(|| queue.name.clone());
                    queue.hours = hours.unwrap_or(queue.hours);
                    queue.members.extend(add);
                    queue.members.retain(|member| !remove.contains(member));
                    queue.reply_within = if reply_within_default { None } else { reply_within.or(queue.reply_within) };
                })
            })?
        }
        QueueCommand::Archive { queue } => archive(office, typed, queue, true)?,
        QueueCommand::Restore { queue } => archive(office, typed, queue, false)?,
    };
    Ok(Output::new(format!("The queue '{}' is saved ({}).", changed.thing.name, changed.id), &changed))
}

fn archive(
    office: Office,
    typed: Option<String>,
    queue: String,
    archived: bool,
) -> Result<set_up::ListedOf<Queue>, AdminError> {
    office.write(typed, move |tx, actor, workspace| {
        let id = set_up::find::<Queue>(&tx.reading(), workspace, &queue)?;
        set_up::set::<Queue>(tx, actor, workspace, id, |queue| queue.archived = archived)
    })
}

/// The hours that are meant; `none` are none.
fn find_hours(
    tx: &Tx<'_>,
    workspace: WorkspaceId,
    typed: Option<String>,
) -> Result<Option<Option<HoursId>>, AdminError> {
    match typed.as_deref() {
        None => Ok(None),
        Some("none") => Ok(Some(None)),
        Some(typed) => Ok(Some(Some(set_up::find::<Hours>(&tx.reading(), workspace, typed)?))),
    }
}

fn list(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let (all, policies) = office.read(typed, |tx, workspace| {
        Ok((set_up::list::<Queue>(tx, workspace)?, crate::accept::read_policies(tx, workspace)?))
    })?;
    let rows = all.iter().map(|listed| {
        let queue = &listed.thing;
        let names: Vec<&str> = queue.members.iter().map(|member| policies.directory.name_of(*member)).collect();
        let hours = queue.hours.and_then(|hours| policies.settings.hours.get(&hours));
        [
            queue.name.clone(),
            if names.is_empty() { "everybody".into() } else { names.join(", ") },
            hours.map_or_else(|| "-".into(), |hours| hours.name.clone()),
            write_time(policies.settings.reply_within(Some(listed.id))),
            if queue.archived { "archived" } else { "in use" }.into(),
            listed.id.to_string(),
        ]
    });
    Ok(Output::new(table(["NAME", "MEMBERS", "HOURS", "REPLY WITHIN", "STATE", "ID"], rows.collect()), &all))
}
