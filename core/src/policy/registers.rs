//! Judges the actions of a change of the directory or the settings: who may, which keys there are, what they hold.
//!
//! Keys are spelt in one way only: `{member}.{field}` with the id as we print it. Two spellings would be two registers
//! of one member, and the check that nobody changed the value meanwhile would look at the wrong one.

use crate::{
    ids::{MemberId, QueueId, RoleId},
    model::{
        Action, ContactAccess, DashboardAccess, Directory, MessageAccess, Refusal, RefusalCode, RoleKind,
        action::{RegisterMap, RegisterValue},
    },
    policy::{access::Access, change::forbid},
};

/// The longest time that a setting may name: ten years, in milliseconds.
const MAX_SPAN_MS: i64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// Judges a change of the directory or the settings: administrators only (R1), and one Administrator must remain.
/// `after` is the directory as it would be.
///
/// # Errors
/// `forbidden` for a User and for what only the relay's operator sets, `unknown_path` or `wrong_type` for a key or value
/// that the schema lacks, `last_administrator` if nobody could administer any more.
pub fn judge_registers(access: &Access, actions: &[Action], after: Option<&Directory>) -> Result<(), Refusal> {
    if !access.administrator {
        return Err(forbid("settings", "only an Administrator may change this (R1)"));
    }
    for action in actions {
        let Action::SetRegister { map, key, value } = action else {
            return Err(Refusal::new(RefusalCode::UnknownPath, "settings", "not a part of the settings"));
        };
        let fits = match map {
            RegisterMap::Members => member(key, value.as_ref())?,
            RegisterMap::Roles => role(key, value.as_ref())?,
            RegisterMap::Values => setting(key, value.as_ref())?,
            RegisterMap::Queues => queue(key, value.as_ref())?,
        };
        if !fits {
            return Err(Refusal::new(RefusalCode::WrongType, key, "this can't be its value"));
        }
    }
    if let Some(after) = after
        && !someone_administers(after)
    {
        return Err(Refusal::new(RefusalCode::LastAdministrator, "members", "one active Administrator must remain"));
    }
    Ok(())
}

fn someone_administers(directory: &Directory) -> bool {
    directory
        .members
        .keys()
        .any(|member| directory.role_of(*member).is_some_and(|role| role.kind == RoleKind::Administrator))
}

fn unknown<T>(key: &str) -> Result<T, Refusal> {
    Err(Refusal::new(RefusalCode::UnknownPath, key, "there is no such key"))
}

/// The field of a key `{id}.{field}`, if the id is spelt as we print it.
fn field<T: std::str::FromStr + std::fmt::Display>(key: &str) -> Result<&str, Refusal> {
    match key.split_once('.') {
        Some((id, field)) if id.parse::<T>().is_ok_and(|parsed| parsed.to_string() == id) => Ok(field),
        _ => unknown(key),
    }
}

/// Whether a text is one of those that `known` reads; nothing at all (the register is removed) always fits.
fn named(value: Option<&RegisterValue>, known: impl Fn(&str) -> bool) -> bool {
    match value {
        None => true,
        Some(RegisterValue::Text(text)) => known(text),
        Some(_) => false,
    }
}

fn member(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match field::<MemberId>(key)? {
        "name" => named(value, |_| true),
        "active" => matches!(value, None | Some(RegisterValue::Bool(_))),
        "role" => named(value, |role| role.parse::<RoleId>().is_ok_and(|id| id.to_string() == role)),
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
    let flag = matches!(value, None | Some(RegisterValue::Bool(_)));
    Ok(match field::<QueueId>(key)? {
        "name" => named(value, |name| !name.trim().is_empty()),
        "archived" => flag,
        field => match field.strip_prefix("member.") {
            Some(id) if id.parse::<MemberId>().is_ok_and(|parsed| parsed.to_string() == id) => flag,
            _ => return unknown(key),
        },
    })
}

fn setting(key: &str, value: Option<&RegisterValue>) -> Result<bool, Refusal> {
    Ok(match key {
        "name" => named(value, |_| true),
        "region" => named(value, |region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase())),
        "stale_after_ms" | "held_author_only_ms" | "lease_ms" => match value {
            None => true,
            Some(RegisterValue::Int(ms)) => (0..=MAX_SPAN_MS).contains(ms),
            Some(_) => false,
        },
        // A number is another workspace's, or nobody's yet: whose it is, is not for a workspace to say.
        "numbers" => return Err(forbid(key, "our numbers are set by the relay's operator")),
        _ => return unknown(key),
    })
}
