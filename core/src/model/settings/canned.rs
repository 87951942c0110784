//! Canned responses that everybody has (R37). A member's own are personal registers.

use serde::{Deserialize, Serialize};

use crate::model::settings::registers::{Fields, Registers};

/// A text to be inserted, by its shortcut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canned {
    /// What is typed to get it: one word.
    pub shortcut: String,
    /// The text, with variables ([`crate::template::CANNED`]).
    pub text: String,
}

impl Canned {
    pub(super) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        registers.text("shortcut", &self.shortcut);
        registers.text("text", &self.text);
        registers
    }

    pub(super) fn read(fields: &Fields) -> Self {
        Self { shortcut: fields.text("shortcut"), text: fields.text("text") }
    }
}

/// The longest shortcut, in bytes.
pub const MAX_SHORTCUT_BYTES: usize = 64;

/// Whether a text can be a shortcut: one word, to be typed.
pub fn is_shortcut(text: &str) -> bool {
    (1..=MAX_SHORTCUT_BYTES).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
