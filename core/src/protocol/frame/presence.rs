//! Who is looking at a conversation right now. Never stored: it lives in the memory of those who are connected.

use serde::{Deserialize, Serialize};

/// What a member does in a conversation right now (R27).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// They have it open.
    Viewing,
    /// They are writing in it.
    Drafting,
    /// Something that only a newer version knows.
    #[serde(other)]
    Unknown,
}
