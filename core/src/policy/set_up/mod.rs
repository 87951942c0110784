//! Judges a change of the directory or the settings (R1, R36 to R39): who may, which keys there are and what they hold
//! (`form.rs`), and whether what it makes of the set-up fits together (`fit.rs`).
//!
//! Only what the change itself writes is held to fit: a member of a queue may be deactivated, and the queue renamed
//! afterwards.

mod fit;
mod form;

use crate::{
    model::{Action, Directory, Refusal, RefusalCode, RoleKind, Settings},
    policy::{access::Access, change::forbid},
};

/// The set-up as it would be after a change, and what can be known of the world.
#[derive(Clone, Copy)]
pub struct After<'a> {
    /// The members and roles.
    pub directory: &'a Directory,
    /// The settings.
    pub settings: &'a Settings,
    /// Whether there is such a time zone.
    pub known_zone: &'a dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for After<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("After").field("directory", self.directory).field("settings", self.settings).finish()
    }
}

/// Judges a change of the directory or the settings: administrators only (R1), of keys and values that there are, to a state
/// that fits together, and one Administrator must remain.
///
/// # Errors
/// `forbidden` for a User and for what only the relay's operator sets, `unknown_path` or `wrong_type` for a key or value
/// that the schema lacks, `invalid_setting` for what names something that isn't there, is taken or is left in halves,
/// `last_administrator` if nobody could administer any more.
pub fn judge_registers(access: &Access, actions: &[Action], after: &After<'_>) -> Result<(), Refusal> {
    if !access.administrator {
        return Err(forbid("settings", "only an Administrator may change this (R1)"));
    }
    check_set_up(actions, after)?;
    if !someone_administers(after.directory) {
        return Err(Refusal::new(RefusalCode::LastAdministrator, "members", "one active Administrator must remain"));
    }
    Ok(())
}

/// What [`judge_registers`] asks of the change itself, whoever makes it.
///
/// # Errors
/// As there.
pub fn check_set_up(actions: &[Action], after: &After<'_>) -> Result<(), Refusal> {
    check_form(actions)?;
    fit::check(actions, after)
}

/// Whether each key is there and holds what it can.
///
/// # Errors
/// As [`judge_registers`] of one change, whatever it makes of the set-up.
pub fn check_form(actions: &[Action]) -> Result<(), Refusal> {
    for action in actions {
        let Action::SetRegister { map, key, value } = action else {
            return Err(Refusal::new(RefusalCode::UnknownPath, "settings", "not a part of the settings"));
        };
        form::check(*map, key, value.as_ref())?;
    }
    Ok(())
}

/// Whether a text is formed as the name of a time zone: what a device, which has no list of them, can tell.
pub fn looks_like_a_zone(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    name.len() <= 64 && name.split('/').all(part)
}

fn someone_administers(directory: &Directory) -> bool {
    directory
        .members
        .keys()
        .any(|member| directory.role_of(*member).is_some_and(|role| role.kind == RoleKind::Administrator))
}
