//! `admin automation`.

use offdesk_core::{
    ids::{IntentId, WorkspaceId},
    model::Automation,
};
use serde_json::json;

use super::{
    Office,
    args::set_up::{AutomationCommand, AutomationFields},
};
use crate::{
    admin::{AdminError, automation, member, set_up},
    automations::{Done, Event, EventContact, runs},
    cli::output::{Output, table, time},
    config::write_time,
    store::Tx,
};

pub(super) fn automation(
    office: Office,
    typed: Option<String>,
    command: AutomationCommand,
) -> Result<Output, AdminError> {
    let changed = match command {
        AutomationCommand::List => return list(&office, typed.as_deref()),
        AutomationCommand::Runs { limit } => return runs(&office, typed.as_deref(), limit),
        AutomationCommand::Secret { new } => {
            let (id, secret) = office.write(typed, move |tx, actor, workspace| {
                Ok((workspace, automation::secret(tx, actor, workspace, new)?))
            })?;
            let text = format!("{secret}\n\nPost events to /v1/events/{id}, signed as docs/operations.md says.");
            return Ok(Output::new(text, &json!({ "workspace": id, "secret": secret })));
        }
        AutomationCommand::Run { automation, phone, name, data, from, id } => {
            return run(office, typed, automation, EventContact { phone, name, email: None }, (data, from, id));
        }
        AutomationCommand::Add { name, event, template, fields } => {
            office.write(typed, move |tx, actor, workspace| {
                let mut automation = Automation { name, event, template, ..Automation::default() };
                change(tx, workspace, fields)?(&mut automation);
                set_up::add(tx, actor, workspace, automation)
            })?
        }
        AutomationCommand::Set { automation, name, event, template, fields, not_quiet } => {
            office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Automation>(&tx.reading(), workspace, &automation)?;
                let change = change(tx, workspace, fields)?;
                set_up::set::<Automation>(tx, actor, workspace, id, move |automation| {
                    automation.name = name.unwrap_or_else(|| automation.name.clone());
                    automation.event = event.unwrap_or_else(|| automation.event.clone());
                    automation.template = template.unwrap_or_else(|| automation.template.clone());
                    change(automation);
                    automation.quiet = automation.quiet.filter(|_| !not_quiet);
                })
            })?
        }
        AutomationCommand::Enable { automation } => enable(office, typed, automation, true)?,
        AutomationCommand::Disable { automation } => enable(office, typed, automation, false)?,
        AutomationCommand::Remove { automation } => {
            let removed = office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Automation>(&tx.reading(), workspace, &automation)?;
                set_up::remove::<Automation>(tx, actor, workspace, id)
            })?;
            return Ok(Output::new(format!("The automation '{}' is removed.", removed.thing.name), &removed));
        }
    };
    Ok(Output::new(format!("The automation '{}' is saved ({}).", changed.thing.name, changed.id), &changed))
}

fn run(
    office: Office,
    typed: Option<String>,
    automation: String,
    contact: EventContact,
    (data, from, id): (Vec<(String, String)>, Option<String>, Option<String>),
) -> Result<Output, AdminError> {
    let handled = office.write(typed, move |tx, actor, workspace| {
        let chosen = set_up::find::<Automation>(&tx.reading(), workspace, &automation)?;
        let settings = &crate::accept::policies(tx, workspace)?.settings;
        let event = Event {
            id: id.unwrap_or_else(|| IntentId::generate(actor.now, actor.rng).to_string()),
            event: settings.automations.get(&chosen).map(|automation| automation.event.clone()).unwrap_or_default(),
            contact,
            from,
            data: data.into_iter().map(|(name, value)| (name, value.into())).collect(),
        };
        automation::run(tx, actor, workspace, chosen, &event)
    })?;
    let told = |done: &Done| match (&done.message, &done.left_alone) {
        (Some(message), _) => format!("Sent message {message}."),
        (None, because) => format!("Left alone: {}.", because.as_deref().unwrap_or("nothing to do")),
    };
    let text: Vec<String> = handled.done.iter().map(told).collect();
    let before = if handled.duplicate { "This event had come before.\n" } else { "" };
    Ok(Output::new(format!("{before}{}", text.join("\n")), &handled))
}

fn enable(
    office: Office,
    typed: Option<String>,
    automation: String,
    enabled: bool,
) -> Result<set_up::ListedOf<Automation>, AdminError> {
    office.write(typed, move |tx, actor, workspace| {
        let id = set_up::find::<Automation>(&tx.reading(), workspace, &automation)?;
        set_up::set::<Automation>(tx, actor, workspace, id, |automation| automation.enabled = enabled)
    })
}

/// What the flags ask for.
fn change(
    tx: &Tx<'_>,
    workspace: WorkspaceId,
    fields: AutomationFields,
) -> Result<impl FnOnce(&mut Automation) + use<>, AdminError> {
    let add = member::find_all(&tx.reading(), workspace, &fields.add_members)?;
    let remove = member::find_all(&tx.reading(), workspace, &fields.remove_members)?;
    Ok(move |automation: &mut Automation| {
        automation.members.extend(add);
        automation.members.retain(|member| !remove.contains(member));
        automation.delay = fields.delay.unwrap_or(automation.delay);
        automation.record_owner = fields.record_owner.unwrap_or(automation.record_owner);
        automation.alert = fields.alert.unwrap_or(automation.alert);
        automation.origin = fields.origin.unwrap_or(automation.origin);
        automation.handler = fields.handler.unwrap_or(automation.handler);
        automation.quiet = fields.quiet.or(automation.quiet);
    })
}

fn runs(office: &Office, typed: Option<&str>, limit: u32) -> Result<Output, AdminError> {
    let (all, settings) = office.read(typed, |tx, workspace| {
        Ok((runs::latest(tx, workspace, limit)?, crate::accept::read_policies(tx, workspace)?.settings))
    })?;
    let rows = all.iter().map(|run| {
        let name = settings.automations.get(&run.automation).map(|automation| automation.name.clone());
        [
            time(run.received),
            name.unwrap_or_else(|| run.automation.to_string()),
            run.phone.clone(),
            if run.state == "waiting" {
                format!("waiting until {}", time(run.due))
            } else {
                run.state.replace('_', " ")
            },
            run.because.clone().or(run.message.map(|message| message.to_string())).unwrap_or_default(),
            run.event.clone(),
        ]
    });
    let head = ["RECEIVED", "AUTOMATION", "PHONE", "STATE", "MESSAGE OR REASON", "EVENT"];
    Ok(Output::new(table(head, rows.collect()), &all))
}

fn list(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let (all, directory) = office.read(typed, |tx, workspace| {
        Ok((set_up::list::<Automation>(tx, workspace)?, crate::accept::read_policies(tx, workspace)?.directory))
    })?;
    let rows = all.iter().map(|listed| {
        let automation = &listed.thing;
        let mut assigns: Vec<&str> = automation.members.iter().map(|member| directory.name_of(*member)).collect();
        if automation.record_owner {
            assigns.push("the record owner");
        }
        [
            automation.name.clone(),
            if automation.enabled { "enabled" } else { "disabled" }.into(),
            automation.event.clone(),
            write_time(automation.delay),
            automation.template.replace('\n', " "),
            automation.origin.name().into(),
            if assigns.is_empty() { "-".into() } else { assigns.join(", ") },
            listed.id.to_string(),
        ]
    });
    let head = ["NAME", "STATE", "EVENT", "DELAY", "TEMPLATE", "ORIGIN", "ASSIGNS", "ID"];
    Ok(Output::new(table(head, rows.collect()), &all))
}
