//! `admin canned`.

use std::collections::BTreeMap;

use offdesk_core::{model::Canned, template};

use super::{Office, args::set_up::CannedCommand};
use crate::{
    admin::{AdminError, member, set_up},
    cli::output::{Output, table},
};

pub(super) fn canned(office: Office, typed: Option<String>, command: CannedCommand) -> Result<Output, AdminError> {
    let changed = match command {
        CannedCommand::List => return list(&office, typed.as_deref()),
        CannedCommand::Preview { canned, text, contact, member } => {
            return preview(&office, typed.as_deref(), canned.as_deref(), text, &contact, member.as_deref());
        }
        CannedCommand::Add { shortcut, text } => office
            .write(typed, move |tx, actor, workspace| set_up::add(tx, actor, workspace, Canned { shortcut, text }))?,
        CannedCommand::Set { canned, shortcut, text } => office.write(typed, move |tx, actor, workspace| {
            let id = set_up::find::<Canned>(&tx.reading(), workspace, &canned)?;
            set_up::set::<Canned>(tx, actor, workspace, id, move |canned| {
                canned.shortcut = shortcut.unwrap_or_else(|| canned.shortcut.clone());
                canned.text = text.unwrap_or_else(|| canned.text.clone());
            })
        })?,
        CannedCommand::Remove { canned } => {
            let removed = office.write(typed, move |tx, actor, workspace| {
                let id = set_up::find::<Canned>(&tx.reading(), workspace, &canned)?;
                set_up::remove::<Canned>(tx, actor, workspace, id)
            })?;
            return Ok(Output::new(format!("The canned response '{}' is removed.", removed.thing.shortcut), &removed));
        }
    };
    let text = format!("The canned response '{}' is saved ({}).", changed.thing.shortcut, changed.id);
    Ok(Output::new(text, &changed))
}

fn list(office: &Office, typed: Option<&str>) -> Result<Output, AdminError> {
    let all = office.read(typed, |tx, workspace| Ok(set_up::list::<Canned>(tx, workspace)?))?;
    let rows = all
        .iter()
        .map(|listed| [listed.thing.shortcut.clone(), listed.thing.text.replace('\n', " "), listed.id.to_string()]);
    Ok(Output::new(table(["SHORTCUT", "TEXT", "ID"], rows.collect()), &all))
}

fn preview(
    office: &Office,
    typed: Option<&str>,
    canned: Option<&str>,
    text: Option<String>,
    contact: &str,
    member: Option<&str>,
) -> Result<Output, AdminError> {
    let (text, values) = office.read(typed, |tx, workspace| {
        let policies = crate::accept::read_policies(tx, workspace)?;
        let text = match canned {
            Some(canned) => {
                let id = set_up::find::<Canned>(tx, workspace, canned)?;
                policies.settings.canned.get(&id).map(|canned| canned.text.clone()).unwrap_or_default()
            }
            None => text.unwrap_or_default(),
        };
        let member = match member {
            Some(member) => policies.directory.name_of(member::find(tx, workspace, member)?).to_owned(),
            None => "Ana Silva".to_owned(),
        };
        let mut values = BTreeMap::from([
            ("contact.phone".to_owned(), "+14155550123".to_owned()),
            ("contact.email".to_owned(), "customer@example.com".to_owned()),
            ("workspace.name".to_owned(), policies.settings.name.clone()),
        ]);
        template::name_values(&mut values, "contact", contact);
        template::name_values(&mut values, "member", &member);
        Ok((text, values))
    })?;
    let expanded = template::expand(&text, template::CANNED, &values)
        .map_err(|error| AdminError::NothingToDo(format!("the text can't be used: {error}")))?;
    let warning = |what: &str, names: &[String]| {
        if names.is_empty() { String::new() } else { format!("\n\n{what}: {}", names.join(", ")) }
    };
    let unknown = warning("There are no such variables", &expanded.unknown);
    let missing = warning("Without a value, and nothing to stand in", &expanded.missing);
    Ok(Output::new(format!("{}{unknown}{missing}", expanded.text), &expanded))
}
