//! Which keys there are, and what each holds.
//!
//! Keys are spelt in one way only: `{id}.{field}` with the id as we print it. Two spellings would be two registers
//! of one thing, and the check that nobody changed the value meanwhile would look at the wrong one.

use std::{fmt::Display, str::FromStr};

use crate::{
    ids::{AutomationId, CannedId, EngagementId, HoursId, MemberId, QueueId, RoleId},
    model::{
        ContactAccess, DashboardAccess, MessageAccess, Origin, Refusal, RefusalCode, RoleKind,
        action::{RegisterMap, RegisterValue},
        settings::{
            Handler, OutsideHours, automations,
            canned::is_shortcut,
            hours::{Date, Day, Span, Spans},
        },
    },
    policy::change::forbid,
    template,
};

/// The longest time that a setting may name: ten years, in milliseconds.
const MAX_SPAN_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1000;
/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 200;

pub(super) fn check(map: RegisterMap, key: &str, value: Option<&RegisterValue>) -> Result<(), Refusal> {
    if let Some(RegisterValue::Text(text)) = value
        && text.len() > map.max_text_bytes()
    {
        let reason = format!("longer than {} bytes: shorten it", map.max_text_bytes());
        return Err(Refusal::new(RefusalCode::TooLarge, key, &reason));
    }
    let fits = match map {
        RegisterMap::Members => member(key, value)?,
        RegisterMap::Roles => role(key, value)?,
        RegisterMap::Values => setting(key, value)?,
        RegisterMap::Queues => queue(key, value)?,
        RegisterMap::Canned => canned(key, value)?,
        RegisterMap::Hours => hours(key, value)?,
        RegisterMap::Engagements => engagement(key, value)?,
        RegisterMap::Automations => automation(key, value)?,
    };
    if fits { Ok(()) } else { Err(Refusal::new(RefusalCode::WrongType, key, "this can't be its value")) }
}

fn unknown<T>(key: &str) -> Result<T, Refusal> {
    Err(Refusal::new(RefusalCode::UnknownPath, key, "there is no such key"))
}

/// The field of a key `{id}.{field}`, if the id is spelt as we print it.
fn field<T: FromStr + Display>(key: &str) -> Result<&str, Refusal> {
    match key.split_once('.') {
        Some((id, field)) if is::<T>(id) => Ok(field),
        _ => unknown(key),
    }
}

/// Whether a text is a `T` as we print it.
fn is<T: FromStr + Display>(text: &str) -> bool {
    text.parse::<T>().is_ok_and(|parsed| parsed.to_string() == text)
}

/// Whether a text is one of those that `known` takes; nothing at all (the register is removed) always fits.
fn named(value: Option<&RegisterValue>, known: impl Fn(&str) -> bool) -> bool {
    match value {
        None => true,
        Some(RegisterValue::Text(text)) => known(text),
        Some(_) => false,
    }
}

fn flag(value: Option<&RegisterValue>) -> bool {
    matches!(value, None | Some(RegisterValue::Bool(_)))
}

fn span(value: Option<&RegisterValue>) -> bool {
    match value {
        None => true,
        Some(RegisterValue::Int(ms)) => (0..=MAX_SPAN_MS).contains(ms),
        Some(_) => false,
    }
}

fn is_name(name: &str) -> bool {
    name.trim() == name && (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control)
}

/// A text that people are sent, with none but these variables.
fn template(key: &str, value: Option<&RegisterValue>, known: &[&str]) -> Result<bool, Refusal> {
    let Some(RegisterValue::Text(text)) = value else { return Ok(value.is_none()) };
    let invalid = |reason: &str| Refusal::new(RefusalCode::InvalidSetting, key, reason);
    let unknown = template::unknown(text, known).map_err(|error| invalid(&error.to_string()))?;
    if !unknown.is_empty() {
        let reason = format!("there is no variable {}; there are {}", unknown.join(", "), known.join(", "));
        return Err(invalid(&reason));
    }
    Ok(!text.trim().is_empty())
}

fn member(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<MemberId>(key)? {
        "name" => named(value, |_| true),
        "active" => flag(value),
        "role" => named(value, is::<RoleId>),
        "dashboard" => named(value, |name| DashboardAccess::from_name(name).is_some()),
        _ => return unknown(key),
    })
}

fn role(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<RoleId>(key)? {
        "name" => named(value, |_| true),
        "kind" => named(value, |name| RoleKind::from_name(name).is_some()),
        "dashboard" => named(value, |name| DashboardAccess::from_name(name).is_some()),
        "contacts" => named(value, |name| ContactAccess::from_name(name).is_some()),
        "messages" => named(value, |name| MessageAccess::from_name(name).is_some()),
        _ => return unknown(key),
    })
}

fn queue(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<QueueId>(key)? {
        "name" => named(value, is_name),
        "archived" => flag(value),
        "hours" => named(value, is::<HoursId>),
        "reply_within_ms" => span(value),
        field => return one_of_members(key, field, value),
    })
}

/// `member.{id}`: whether somebody is one of those meant.
fn one_of_members(key: &str, field: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    match field.strip_prefix("member.") {
        Some(id) if is::<MemberId>(id) => Ok(flag(value)),
        _ => unknown(key),
    }
}

fn canned(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    match field::<CannedId>(key)? {
        "shortcut" => Ok(named(value, is_shortcut)),
        "text" => template(key, value, template::CANNED),
        _ => unknown(key),
    }
}

fn hours(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<HoursId>(key)? {
        "name" => named(value, is_name),
        "zone" => named(value, super::looks_like_a_zone),
        field => match (Day::ALL.iter().any(|day| day.name() == field), field.strip_prefix("closed.")) {
            (true, _) => named(value, is::<Spans>),
            (_, Some(date)) if is::<Date>(date) => flag(value),
            _ => return unknown(key),
        },
    })
}

fn engagement(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<EngagementId>(key)? {
        "name" => named(value, is_name),
        "enabled" => flag(value),
        "page" => {
            named(value, |page| !page.is_empty() && !page.contains(|c: char| c.is_whitespace() || c.is_control()))
        }
        "delay_ms" => span(value),
        "greeting" | "away" => return template(key, value, template::GREETING),
        "queue" => named(value, is::<QueueId>),
        "outside_hours" => named(value, |name| OutsideHours::from_name(name).is_some()),
        _ => return unknown(key),
    })
}

fn automation(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<AutomationId>(key)? {
        "name" => named(value, is_name),
        "enabled" | "record_owner" | "alert" => flag(value),
        "event" => named(value, automations::is_event),
        "template" => return template(key, value, template::AUTOMATION),
        "delay_ms" => span(value),
        "origin" => named(value, |name| Origin::from_name(name).is_some()),
        "handler" => named(value, |name| Handler::from_name(name).is_some()),
        "quiet" => named(value, is::<Span>),
        field => return one_of_members(key, field, value),
    })
}

fn setting(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match key {
        "name" => named(value, |_| true),
        "region" => named(value, |region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase())),
        "stale_after_ms" | "held_author_only_ms" | "lease_ms" | "reply_within_ms" => span(value),
        // A number is another workspace's, or nobody's yet: whose it is, is not for a workspace to say.
        "numbers" => return Err(forbid(key, "our numbers are set by the relay's operator")),
        _ => return unknown(key),
    })
}
