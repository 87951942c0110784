//! Whether what a change makes of the set-up fits together: things that are whole, and name only what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use crate::{
    ids::{AutomationId, CannedId, EngagementId, HoursId, MemberId, QueueId, RoleId},
    model::{
        Action, Refusal, RefusalCode, Settings,
        action::{RegisterMap, RegisterValue},
        settings::OutsideHours,
    },
    policy::set_up::After,
};

/// The most things of one kind that a workspace has.
const MOST: usize = 1000;

fn invalid(key: &str, reason: &str) -> Refusal {
    Refusal::new(RefusalCode::InvalidSetting, key, reason)
}

pub(super) fn check(actions: &[Action], after: &After<'_>) -> Result<(), Refusal> {
    let mut touched = BTreeSet::new();
    for action in actions {
        let Action::SetRegister { map, key, value } = action else { continue };
        let Some((id, field)) = key.split_once('.') else { continue };
        touched.insert((*map, id));
        if let Some(member) = field.strip_prefix("member.")
            && *value == Some(RegisterValue::Bool(true))
        {
            active(key, member, after)?;
        }
        if (*map, field) == (RegisterMap::Members, "role")
            && let Some(RegisterValue::Text(role)) = value
            && !role.parse().is_ok_and(|role: RoleId| after.directory.roles.contains_key(&role))
        {
            return Err(invalid(key, "there is no such role"));
        }
        if (*map, field) == (RegisterMap::Hours, "zone")
            && let Some(RegisterValue::Text(zone)) = value
            && !(after.known_zone)(zone)
        {
            return Err(invalid(
                key,
                "there is no such time zone; names are such as America/New_York or Europe/Berlin",
            ));
        }
    }
    for (map, id) in touched {
        match map {
            RegisterMap::Members | RegisterMap::Values => {}
            RegisterMap::Roles => role(id, after)?,
            RegisterMap::Queues => queue(id, after.settings)?,
            RegisterMap::Canned => canned(id, after.settings)?,
            RegisterMap::Hours => hours(id, after.settings)?,
            RegisterMap::Engagements => engagement(id, after.settings)?,
            RegisterMap::Automations => automation(id, after.settings)?,
        }
    }
    Ok(())
}

fn active(key: &str, member: &str, after: &After<'_>) -> Result<(), Refusal> {
    let known = member.parse::<MemberId>().ok().and_then(|member| after.directory.members.get(&member));
    match known {
        Some(member) if member.active => Ok(()),
        Some(_) => Err(invalid(key, "this member is deactivated")),
        None => Err(invalid(key, "there is no such member")),
    }
}

/// A role that somebody has stays: they would lose all access without anybody having said so.
fn role(id: &str, after: &After<'_>) -> Result<(), Refusal> {
    let Ok(role) = id.parse::<RoleId>() else { return Ok(()) };
    let held = after.directory.members.values().find(|member| member.role == Some(role));
    match held {
        Some(member) if !after.directory.roles.contains_key(&role) => {
            Err(invalid(id, &format!("{} has this role: give them another one first", member.name)))
        }
        _ => Ok(()),
    }
}

/// The thing of this id: it was touched, and so it is whole or gone.
fn of<'a, I: FromStr + Ord, T>(id: &str, things: &'a BTreeMap<I, T>) -> Result<Option<&'a T>, Refusal> {
    if things.len() > MOST {
        return Err(invalid(id, "there are too many of these: remove some first"));
    }
    Ok(id.parse().ok().and_then(|id: I| things.get(&id)))
}

fn needs(id: &str, fields: &[(&str, bool)]) -> Result<(), Refusal> {
    match fields.iter().find(|(_, there)| !there) {
        Some((field, _)) => Err(invalid(&format!("{id}.{field}"), &format!("this is needed: {field}"))),
        None => Ok(()),
    }
}

fn queue(id: &str, settings: &Settings) -> Result<(), Refusal> {
    let Some(queue) = of::<QueueId, _>(id, &settings.queues)? else {
        // What was in it would be in no queue that anybody can see.
        return Err(invalid(id, "a queue is archived, not removed: conversations are in it"));
    };
    needs(id, &[("name", !queue.name.is_empty())])?;
    let others =
        settings.queues.values().filter(|other| !other.archived && other.name.eq_ignore_ascii_case(&queue.name));
    if !queue.archived && others.count() > 1 {
        return Err(invalid(&format!("{id}.name"), "another queue has this name"));
    }
    match queue.hours {
        Some(hours) if !settings.hours.contains_key(&hours) => {
            Err(invalid(&format!("{id}.hours"), "there are no such hours"))
        }
        _ => Ok(()),
    }
}

fn canned(id: &str, settings: &Settings) -> Result<(), Refusal> {
    let Some(canned) = of::<CannedId, _>(id, &settings.canned)? else { return Ok(()) };
    needs(id, &[("shortcut", !canned.shortcut.is_empty()), ("text", !canned.text.is_empty())])?;
    let same = settings.canned.values().filter(|other| other.shortcut.to_lowercase() == canned.shortcut.to_lowercase());
    if same.count() > 1 {
        return Err(invalid(&format!("{id}.shortcut"), "another canned response has this shortcut"));
    }
    Ok(())
}

fn hours(id: &str, settings: &Settings) -> Result<(), Refusal> {
    if let Some(hours) = of::<HoursId, _>(id, &settings.hours)? {
        return needs(id, &[("name", !hours.name.is_empty()), ("zone", !hours.zone.is_empty())]);
    }
    let used = settings.queues.values().find(|queue| queue.hours.is_some_and(|hours| hours.to_string() == id));
    match used {
        Some(queue) => Err(invalid(id, &format!("the queue '{}' has these hours: give it others first", queue.name))),
        None => Ok(()),
    }
}

fn engagement(id: &str, settings: &Settings) -> Result<(), Refusal> {
    let Some(engagement) = of::<EngagementId, _>(id, &settings.engagements)? else { return Ok(()) };
    needs(
        id,
        &[
            ("name", !engagement.name.is_empty()),
            ("page", !engagement.page.is_empty()),
            ("greeting", !engagement.greeting.is_empty()),
            ("away", engagement.outside_hours != OutsideHours::Away || engagement.away.is_some()),
        ],
    )?;
    let there = engagement.queue.is_none_or(|queue| settings.queues.get(&queue).is_some_and(|queue| !queue.archived));
    if there { Ok(()) } else { Err(invalid(&format!("{id}.queue"), "there is no such queue, or it is archived")) }
}

fn automation(id: &str, settings: &Settings) -> Result<(), Refusal> {
    let Some(automation) = of::<AutomationId, _>(id, &settings.automations)? else { return Ok(()) };
    needs(
        id,
        &[
            ("name", !automation.name.is_empty()),
            ("event", !automation.event.is_empty()),
            ("template", !automation.template.is_empty()),
        ],
    )
}
