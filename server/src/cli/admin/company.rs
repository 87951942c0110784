//! Workspaces, members, roles and settings.

use offdesk_core::model::{ContactAccess, DashboardAccess, MessageAccess, Role, RoleKind, Settings};
use serde_json::json;

use super::{MemberCommand, Office, RoleCommand, SettingsCommand};
use crate::{
    admin::{Actor, AdminError, member, role, settings, workspace},
    cli::output::{Output, table},
    config::write_time,
};

pub(super) fn create_workspace(
    mut office: Office,
    name: String,
    region: String,
    numbers: Vec<String>,
) -> Result<Output, AdminError> {
    let id = office.store.write_blocking(move |tx| {
        let mut actor = Actor { now: office.now, rng: &mut office.rng, who: &office.who };
        workspace::create(tx, &mut actor, &name, &region, &numbers)
    })?;
    let next = "Next: `admin member add --name … --role Administrator`, then `admin code create --member …`.";
    Ok(Output::new(
        format!("Created workspace {id} with the roles Administrator, Agent and Field rep.\n{next}"),
        &json!({ "workspace": id }),
    ))
}

pub(super) fn list_workspaces(office: &Office) -> Result<Output, AdminError> {
    let all = office.store.read_blocking(workspace::list)?;
    let rows = all
        .iter()
        .map(|listed| {
            [
                listed.name.clone(),
                listed.members.to_string(),
                listed.devices.to_string(),
                listed.numbers.join(" "),
                listed.id.to_string(),
            ]
        })
        .collect();
    Ok(Output::new(table(["NAME", "MEMBERS", "DEVICES", "NUMBERS", "ID"], rows), &all))
}

pub(super) fn member(office: Office, typed: Option<String>, command: MemberCommand) -> Result<Output, AdminError> {
    match command {
        MemberCommand::Add { name, role } => {
            let added = office.write(typed, move |tx, actor, workspace| {
                let role = role.map(|role| role::find(&tx.reading(), workspace, &role)).transpose()?;
                member::add(tx, actor, workspace, &name, role)
            })?;
            Ok(Output::new(format!("Added {} ({}).", added.name, added.id), &added))
        }
        MemberCommand::List => list_members(&office, typed.as_deref()),
        MemberCommand::Rename { member, name } => {
            let id = office.write(typed, move |tx, actor, workspace| {
                let id = member::find(&tx.reading(), workspace, &member)?;
                member::rename(tx, actor, workspace, id, &name).map(|()| id)
            })?;
            Ok(Output::new("The member is renamed.", &json!({ "member": id })))
        }
        MemberCommand::SetRole { member, role } => {
            let id = office.write(typed, move |tx, actor, workspace| {
                let id = member::find(&tx.reading(), workspace, &member)?;
                let role = if role == "none" { None } else { Some(role::find(&tx.reading(), workspace, &role)?) };
                member::set_role(tx, actor, workspace, id, role).map(|()| id)
            })?;
            Ok(Output::new("The role is set.", &json!({ "member": id })))
        }
        MemberCommand::SetDashboard { member, access } => {
            let id = office.write(typed, move |tx, actor, workspace| {
                let id = member::find(&tx.reading(), workspace, &member)?;
                member::set_dashboard(tx, actor, workspace, id, DashboardAccess::from_name(&access)).map(|()| id)
            })?;
            Ok(Output::new("The dashboard access is set.", &json!({ "member": id })))
        }
        MemberCommand::Deactivate { member } => {
            let (id, devices) = office.write(typed, move |tx, actor, workspace| {
                let id = member::find(&tx.reading(), workspace, &member)?;
                Ok((id, member::deactivate(tx, actor, workspace, id)?))
            })?;
            let text =
                format!("Access has ended. {devices} devices are revoked and wipe themselves at their next contact.");
            Ok(Output::new(text, &json!({ "member": id, "devices_revoked": devices })))
        }
        MemberCommand::Activate { member } => {
            let id = office.write(typed, move |tx, actor, workspace| {
                let id = member::find(&tx.reading(), workspace, &member)?;
                member::activate(tx, actor, workspace, id).map(|()| id)
            })?;
            Ok(Output::new(
                "Active again. Make a code for each device with `admin code create`.",
                &json!({ "member": id }),
            ))
        }
    }
}

fn list_members(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let all = office.read(typed, |tx, workspace| Ok(member::list(tx, workspace)?))?;
    let rows = all
        .iter()
        .map(|listed| {
            let state = if listed.member.active { "active" } else { "deactivated" };
            let role = listed.role_name.clone().unwrap_or_else(|| "none".into());
            let dashboard = match (listed.dashboard, listed.member.dashboard_override) {
                (None, _) => "-".to_owned(),
                (Some(access), None) => access.name().to_owned(),
                (Some(access), Some(_)) => format!("{} (own)", access.name()),
            };
            [
                listed.member.name.clone(),
                role,
                dashboard,
                state.into(),
                listed.devices.to_string(),
                listed.member.id.to_string(),
            ]
        })
        .collect();
    Ok(Output::new(table(["NAME", "ROLE", "DASHBOARD", "STATE", "DEVICES", "ID"], rows), &all))
}

pub(super) fn role(office: Office, typed: Option<String>, command: RoleCommand) -> Result<Output, AdminError> {
    match command {
        RoleCommand::Add { name, levels } => {
            let levels = role::Levels {
                kind: levels.kind.unwrap_or(RoleKind::User),
                dashboard: levels.dashboard.unwrap_or(DashboardAccess::Assigned),
                contacts: levels.contacts.unwrap_or(ContactAccess::Own),
                messages: levels.messages.unwrap_or(MessageAccess::Write),
            };
            let added =
                office.write(typed, move |tx, actor, workspace| role::add(tx, actor, workspace, &name, levels))?;
            Ok(Output::new(roles(std::slice::from_ref(&added)), &added))
        }
        RoleCommand::List => {
            let all = office.read(typed.as_deref(), |tx, workspace| Ok(role::list(tx, workspace)?))?;
            Ok(Output::new(roles(&all), &all))
        }
        RoleCommand::Set { role, name, levels } => {
            let changes = role::Changes {
                name,
                kind: levels.kind,
                dashboard: levels.dashboard,
                contacts: levels.contacts,
                messages: levels.messages,
            };
            let changed = office.write(typed, move |tx, actor, workspace| {
                let id = role::find(&tx.reading(), workspace, &role)?;
                role::set(tx, actor, workspace, id, &changes)
            })?;
            Ok(Output::new(roles(std::slice::from_ref(&changed)), &changed))
        }
        RoleCommand::Remove { role } => {
            let removed = office.write(typed, move |tx, actor, workspace| {
                let id = role::find(&tx.reading(), workspace, &role)?;
                role::remove(tx, actor, workspace, id)
            })?;
            Ok(Output::new(format!("The role '{}' is removed.", removed.name), &removed))
        }
    }
}

fn roles(roles: &[Role]) -> String {
    let rows = roles
        .iter()
        .map(|role| {
            let levels = [role.kind.name(), role.dashboard.name(), role.contacts.name(), role.messages.name()]
                .map(str::to_owned);
            let [kind, dashboard, contacts, messages] = levels;
            [role.name.clone(), kind, dashboard, contacts, messages, role.id.to_string()]
        })
        .collect();
    table(["NAME", "KIND", "DASHBOARD", "CONTACTS", "MESSAGES", "ID"], rows)
}

pub(super) fn settings(office: Office, typed: Option<String>, command: SettingsCommand) -> Result<Output, AdminError> {
    let settings = match command {
        SettingsCommand::Show => office.read(typed.as_deref(), |tx, workspace| Ok(settings::show(tx, workspace)?))?,
        SettingsCommand::Set(args) => {
            let changes = settings::Changes {
                name: args.name,
                region: args.region,
                stale_after: args.stale_after,
                held_author_only: args.held_author_only,
                lease: args.lease,
                reply_within: args.reply_within,
                add_numbers: args.add_numbers,
                remove_numbers: args.remove_numbers,
            };
            office.write(typed, move |tx, actor, workspace| settings::set(tx, actor, workspace, &changes))?
        }
    };
    Ok(Output::new(described(&settings), &as_json(&settings)))
}

fn described(settings: &Settings) -> String {
    format!(
        "name              {}\nregion            {}\nnumbers           {}\nstale after       {}\nheld author only  {}\nlease             {}\nreply within      {}",
        settings.name,
        settings.region,
        if settings.numbers.is_empty() { "none".to_owned() } else { settings.numbers.join(" ") },
        write_time(settings.stale_after),
        write_time(settings.held_author_only),
        write_time(settings.lease),
        if settings.reply_within.is_zero() { "for ever".to_owned() } else { write_time(settings.reply_within) }
    )
}

fn as_json(settings: &Settings) -> serde_json::Value {
    json!({
        "name": settings.name,
        "region": settings.region,
        "numbers": settings.numbers,
        "stale_after_seconds": settings.stale_after.as_secs(),
        "held_author_only_seconds": settings.held_author_only.as_secs(),
        "lease_seconds": settings.lease.as_secs(),
        "reply_within_seconds": settings.reply_within.as_secs(),
    })
}
