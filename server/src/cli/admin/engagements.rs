//! `admin engagement`.

use offdesk_core::{
    ids::{QueueId, WorkspaceId},
    model::{Engagement, Queue},
};

use super::{
    Office,
    args::set_up::{EngagementCommand, EngagementFields},
};
use crate::{
    admin::{AdminError, set_up},
    cli::output::{Output, table},
    config::write_time,
    store::Tx,
};

pub(super) fn engagement(
    office: Office,
    typed: Option<String>,
    command: EngagementCommand,
) -> Result<Output, AdminError> {
    let changed = match command {
        EngagementCommand::List => return list(&office, typed.as_deref()),
        EngagementCommand::Add { name, page, greeting, fields } => {
            office.write(typed, move |tx, actor, workspace| {
                let queue = find_queue(tx, workspace, fields.queue.as_deref())?;
                let mut engagement = Engagement { name, page, greeting, ..Engagement::default() };
                change(&mut engagement, fields, queue);
                set_up::add(tx, actor, workspace, engagement)
            })?
        }
        EngagementCommand::Set { engagement, name, page, greeting, fields } => {
            office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Engagement>(&tx.reading(), workspace, &engagement)?;
                let queue = find_queue(tx, workspace, fields.queue.as_deref())?;
                set_up::set::<Engagement>(tx, actor, workspace, id, move |engagement| {
                    engagement.name = name.unwrap_or_else(|| engagement.name.clone());
                    engagement.page = page.unwrap_or_else(|| engagement.page.clone());
                    engagement.greeting = greeting.unwrap_or_else(|| engagement.greeting.clone());
                    change(engagement, fields, queue);
                })
            })?
        }
        EngagementCommand::Enable { engagement } => enable(office, typed, engagement, true)?,
        EngagementCommand::Disable { engagement } => enable(office, typed, engagement, false)?,
        EngagementCommand::Remove { engagement } => {
            let removed = office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Engagement>(&tx.reading(), workspace, &engagement)?;
                set_up::remove::<Engagement>(tx, actor, workspace, id)
            })?;
            return Ok(Output::new(format!("The engagement '{}' is removed.", removed.thing.name), &removed));
        }
    };
    Ok(Output::new(format!("The engagement '{}' is saved ({}).", changed.thing.name, changed.id), &changed))
}

fn enable(
    office: Office,
    typed: Option<String>,
    engagement: String,
    enabled: bool,
) -> Result<set_up::ListedOf<Engagement>, AdminError> {
    office.write(typed, move |tx, actor, workspace| {
        let id = set_up::find::<Engagement>(&tx.reading(), workspace, &engagement)?;
        set_up::set::<Engagement>(tx, actor, workspace, id, |engagement| engagement.enabled = enabled)
    })
}

fn change(engagement: &mut Engagement, fields: EngagementFields, queue: Option<Option<QueueId>>) {
    engagement.delay = fields.delay.unwrap_or(engagement.delay);
    engagement.queue = queue.unwrap_or(engagement.queue);
    engagement.outside_hours = fields.outside_hours.unwrap_or(engagement.outside_hours);
    engagement.away = fields.away.or_else(|| engagement.away.take());
}

/// The queue that is meant; `none` is none.
fn find_queue(tx: &Tx<'_>, workspace: WorkspaceId, typed: Option<&str>) -> Result<Option<Option<QueueId>>, AdminError> {
    match typed {
        None => Ok(None),
        Some("none") => Ok(Some(None)),
        Some(typed) => Ok(Some(Some(set_up::find::<Queue>(&tx.reading(), workspace, typed)?))),
    }
}

fn list(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let (all, settings) = office.read(typed, |tx, workspace| {
        Ok((set_up::list::<Engagement>(tx, workspace)?, crate::accept::read_policies(tx, workspace)?.settings))
    })?;
    let rows = all.iter().map(|listed| {
        let engagement = &listed.thing;
        let queue = engagement.queue.and_then(|queue| settings.queues.get(&queue));
        [
            engagement.name.clone(),
            if engagement.enabled { "enabled" } else { "disabled" }.into(),
            engagement.page.clone(),
            write_time(engagement.delay),
            engagement.greeting.replace('\n', " "),
            queue.map_or_else(|| "-".into(), |queue| queue.name.clone()),
            engagement.outside_hours.name().into(),
            listed.id.to_string(),
        ]
    });
    let head = ["NAME", "STATE", "PAGE", "DELAY", "GREETING", "QUEUE", "OUTSIDE HOURS", "ID"];
    Ok(Output::new(table(head, rows.collect()), &all))
}
