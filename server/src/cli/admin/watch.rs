//! Codes, devices, refused changes, the audit trail.

use std::time::Duration;

use base64::Engine;
use serde_json::json;

use super::{DeviceCommand, Office, QuarantineCommand, args::AuditCommand};
use crate::{
    admin::{AdminError, audit, device, member, quarantine, workspace},
    auth::code,
    cli::output::{Output, table, time},
};

pub(super) fn create_code(
    office: Office,
    typed: Option<String>,
    member: String,
    lifetime: Duration,
) -> Result<Output, AdminError> {
    let code = office.write(typed, move |tx, actor, workspace| {
        let member = member::find(&tx.reading(), workspace, &member)?;
        Ok(code::create(tx, actor.now, actor.rng, (workspace, member), lifetime, actor.who)?)
    })?;
    Ok(Output::new(format!("{}\nIt enrols one device, until {}.", code.code, time(code.expires)), &code))
}

pub(super) fn device(office: Office, typed: Option<String>, command: DeviceCommand) -> Result<Output, AdminError> {
    match command {
        DeviceCommand::List { member } => {
            let all = office.read(typed.as_deref(), |tx, workspace| {
                let member = member.map(|member| member::find(tx, workspace, &member)).transpose()?;
                Ok(device::list(tx, workspace, member)?)
            })?;
            let rows = all
                .iter()
                .map(|device| {
                    let state =
                        device.revoked.map_or_else(|| "active".to_owned(), |at| format!("revoked {}", time(at)));
                    [
                        device.member_name.clone(),
                        device.name.clone(),
                        time(device.enrolled),
                        time(device.last_seen),
                        state,
                        device.id.to_string(),
                    ]
                })
                .collect();
            Ok(Output::new(table(["MEMBER", "DEVICE", "ENROLLED", "LAST SEEN", "STATE", "ID"], rows), &all))
        }
        DeviceCommand::Revoke { device } => {
            let id = office.write(typed, move |tx, actor, workspace| {
                let id = device::find(&tx.reading(), workspace, &device)?;
                device::revoke(tx, actor, workspace, id).map(|()| id)
            })?;
            Ok(Output::new("Revoked. It wipes itself at its next contact.", &json!({ "device": id })))
        }
    }
}

pub(super) fn quarantine(
    office: &Office,
    typed: Option<String>,
    command: QuarantineCommand,
) -> Result<Output, AdminError> {
    match command {
        QuarantineCommand::List { limit } => {
            let all = office.read(typed.as_deref(), |tx, workspace| Ok(quarantine::list(tx, workspace, limit)?))?;
            let rows = all
                .iter()
                .map(|entry| {
                    [
                        entry.id.to_string(),
                        time(entry.at),
                        entry.code.clone(),
                        entry.path.clone(),
                        entry.reason.clone(),
                        entry.device.to_string(),
                    ]
                })
                .collect();
            Ok(Output::new(table(["NUMBER", "AT", "CODE", "PATH", "REASON", "DEVICE"], rows), &all))
        }
        QuarantineCommand::Show { id } => {
            let (entry, bytes) = office.read(typed.as_deref(), |tx, workspace| quarantine::show(tx, workspace, id))?;
            let encoded = base64::engine::general_purpose::STANDARD.encode(&bytes);
            let text = format!(
                "number    {}\nat        {}\ncode      {}\npath      {}\nreason    {}\ndevice    {}\nintent    {}\ndocument  {}\nbytes     {} in base64:\n{encoded}",
                entry.id,
                time(entry.at),
                entry.code,
                entry.path,
                entry.reason,
                entry.device,
                entry.intent,
                entry.document,
                bytes.len()
            );
            Ok(Output::new(text, &json!({ "entry": entry, "bytes": encoded })))
        }
    }
}

pub(super) fn audit(office: &Office, typed: Option<String>, command: &AuditCommand) -> Result<Output, AdminError> {
    let AuditCommand::List { limit } = command;
    let all = office.store.read_blocking(|tx| {
        let workspace = typed.map(|typed| workspace::find(tx, Some(&typed))).transpose()?;
        Ok::<_, AdminError>(audit::list(tx, workspace, *limit)?)
    })?;
    let rows =
        all.iter().map(|entry| [entry.id.to_string(), time(entry.at), entry.who.clone(), entry.act.clone()]).collect();
    Ok(Output::new(table(["NUMBER", "AT", "WHO", "ACT"], rows), &all))
}
