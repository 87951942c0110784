//! A whole workspace as lines of JSON ([`record`]): written by [`export()`], read by [`Importer`], or made by a program that loads
//! what another system held.
//!
//! What is written is what people see: the set-up, contacts, conversations with what was said and done in them, what members
//! marked. What belongs to one relay stays there: devices and codes, secrets, the ledger, alerts, the audit trail.

mod export;
mod import;
pub mod record;

use std::collections::BTreeMap;

pub use export::export;
pub use import::{Importer, LINES_AT_ONCE};

/// How many records of each kind.
pub type Tally = BTreeMap<&'static str, u64>;
