//! What the rules say, written a second time: straight from their words (`docs/rules.md`), with types of its own, and with
//! nothing of the product's policy, so that a mistake there is not made here too. `tests/tests/structure.rs` holds it to
//! that. It is small and slow of purpose: a table of sentences, each with its rule.
//!
//! - [`access`]: what a member is given, how they stand to a conversation, and what they see by both.
//! - [`alerts`]: of what they are told.
//! - [`paths`]: what may be written where in a document, for changes that no verb makes.
//! - [`reads`]: what they get to see, by every way in which something is sent.
//! - [`verbs`]: what becomes of each thing that they may ask for.

pub mod access;
pub mod alerts;
pub mod paths;
pub mod reads;
pub mod verbs;

pub use access::{Dashboard, Kind, Member, Messages, Records, Stands};
pub use reads::{Read, Sight};
pub use verbs::{Outcome, Verb};
