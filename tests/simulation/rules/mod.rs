//! The rules that must hold whenever everything has healed and come to rest. Others are checked as things happen: what
//! may be sent and which numbers are used (`witness`), what the provider is handed (`provider`), that what is cut can't be
//! read (`link`).

mod alerts;
mod convergence;
mod delivery;
mod events;
mod natural_keys;
mod read_model;
mod reminders;
mod rows;

use offdesk_core::{protocol::Verdict, store::SqliteStorage, sync::storage::StorageError};

use crate::{
    phone::Phone,
    world::{Violation, World, broken},
};

/// Checks every rule.
pub fn check(world: &mut World) -> Result<(), Violation> {
    delivery::queues_are_empty(world)?;
    delivery::no_intent_vanishes(world)?;
    delivery::the_ledger_is_settled(world)?;
    convergence::devices_hold_what_their_members_see(world)?;
    convergence::choices_are_the_same(world)?;
    convergence::digests_agree(world)?;
    natural_keys::natural_keys_are_unique(world)?;
    convergence::nothing_stays(world)?;
    alerts::alerts_are_raised_as_the_rules_say(world)?;
    alerts::alerts_are_shown_as_the_rules_say(world)?;
    reminders::reminders_come_due_as_the_rules_say(world)?;
    events::events_say_who_did_what(world)?;
    rows::rows_say_what_the_documents_say(world)?;
    read_model::the_read_model_is_a_projection(world)
}

/// Devices that are in use.
fn in_use(world: &World) -> Vec<usize> {
    (0..world.phones.len()).filter(|at| world.phones[*at].database.is_some()).collect()
}

/// Reads a device's disk.
fn read<T>(
    phone: &mut Phone,
    work: impl FnOnce(&mut SqliteStorage<'_>) -> Result<T, StorageError>,
) -> Result<T, Violation> {
    match phone.look(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => broken("a device's disk can be read", error.to_string()),
        None => broken("a device's disk can be read", "it can't"),
    }
}

/// A verdict's name, for the summary.
pub fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "verdict accepted",
        Verdict::Duplicate(_) => "verdict duplicate",
        Verdict::Resolved(_) => "verdict resolved",
        Verdict::MovedTo(_) => "verdict moved to",
        Verdict::MissingDeps(_) => "verdict missing deps",
        Verdict::Rejected(_) => "verdict rejected",
        Verdict::NeedsAccess => "verdict needs access",
        Verdict::BlockedBy(_) => "verdict blocked by",
        Verdict::RetryAfter(_) => "verdict retry after",
    }
}
