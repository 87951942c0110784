//! Faults of a process that keeps a database, device or relay: they are armed, and strike at one of its next commits.

use crate::plan::Moment;

/// What strikes a transaction that is about to end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Struck {
    /// The disk refuses it.
    pub refuses: bool,
    /// The process dies before its commit, rather than after.
    pub before: bool,
    /// It dies, and stays down for so many milliseconds.
    pub dies: Option<u32>,
}

/// Counts a transaction down on what is armed: transactions until the disk refuses, and how many it then refuses; when the process
/// dies, and for how long.
pub fn strikes(disk: &mut Option<(u8, u8)>, death: &mut Option<(Moment, u32)>) -> Struck {
    let refuses = match disk {
        Some((0, times)) if *times > 0 => {
            *times -= 1;
            true
        }
        Some((wait, _)) if *wait > 0 => {
            *wait -= 1;
            false
        }
        _ => false,
    };
    let (before, dies) = match death {
        Some((Moment::BeforeCommit(0), down)) => (true, Some(*down)),
        Some((Moment::AfterCommit(0), down)) => (false, Some(*down)),
        Some((Moment::BeforeCommit(left) | Moment::AfterCommit(left), _)) => {
            *left -= 1;
            (false, None)
        }
        _ => (false, None),
    };
    Struck { refuses, before, dies }
}
