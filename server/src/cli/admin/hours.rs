//! `admin hours`.

use offdesk_core::model::Hours;

use super::{
    Office,
    args::set_up::{HoursCommand, Open},
};
use crate::{
    admin::{AdminError, set_up},
    cli::output::{Output, table},
};

pub(super) fn hours(office: Office, typed: Option<String>, command: HoursCommand) -> Result<Output, AdminError> {
    let changed = match command {
        HoursCommand::List => return list(&office, typed.as_deref()),
        HoursCommand::Add { name, zone, open, closed } => {
            let mut hours = Hours { name, zone, closed: closed.into_iter().collect(), ..Hours::default() };
            opened(&mut hours, open);
            office.write(typed, move |tx, actor, workspace| set_up::add(tx, actor, workspace, hours))?
        }
        HoursCommand::Set { hours, name, zone, open, shut, closed, not_closed } => {
            office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Hours>(&tx.reading(), workspace, &hours)?;
                set_up::set::<Hours>(tx, actor, workspace, id, move |hours| {
                    hours.name = name.unwrap_or_else(|| hours.name.clone());
                    hours.zone = zone.unwrap_or_else(|| hours.zone.clone());
                    opened(hours, open);
                    hours.week.retain(|day, _| !shut.iter().any(|days| days.0.contains(day)));
                    hours.closed.extend(closed);
                    hours.closed.retain(|date| !not_closed.contains(date));
                })
            })?
        }
        HoursCommand::Remove { hours } => {
            let removed = office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Hours>(&tx.reading(), workspace, &hours)?;
                set_up::remove::<Hours>(tx, actor, workspace, id)
            })?;
            return Ok(Output::new(format!("The hours '{}' are removed.", removed.thing.name), &removed));
        }
    };
    Ok(Output::new(format!("The hours '{}' are saved ({}).", changed.thing.name, changed.id), &changed))
}

fn opened(hours: &mut Hours, open: Vec<Open>) {
    for Open { days, spans } in open {
        hours.week.extend(days.into_iter().map(|day| (day, spans.clone())));
    }
}

fn list(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let all = office.read(typed, |tx, workspace| Ok(set_up::list::<Hours>(tx, workspace)?))?;
    let rows = all.iter().map(|listed| {
        let hours = &listed.thing;
        let week: Vec<_> = hours.week.iter().map(|(day, spans)| format!("{} {spans}", day.name())).collect();
        let closed: Vec<_> = hours.closed.iter().map(ToString::to_string).collect();
        [
            hours.name.clone(),
            hours.zone.clone(),
            if week.is_empty() { "never".into() } else { week.join(", ") },
            if closed.is_empty() { "-".into() } else { closed.join(", ") },
            listed.id.to_string(),
        ]
    });
    Ok(Output::new(table(["NAME", "ZONE", "OPEN", "CLOSED", "ID"], rows.collect()), &all))
}
