//! Power loss and failing disks: each core operation of the device and of the relay, run by the real code on a disk that
//! loses power, tears writes or fails at every write, sync, truncation and deletion (`tests/faulty_disk`).
//!
//! A **story** is a list of operations on one store. It runs once, recorded. Then, for each point of the record, the disk is
//! built as a power cut there leaves it, with all unsynced writes **lost** and with any part of them **torn**; the store is
//! opened again and the promises are looked at (`promises`). For **failed** the operation runs again from where it began,
//! once for each point and kind of failure, and has to answer with a typed error or to succeed; the same process then does it
//! once more on the disk that works again.
//!
//! `POWER_LOSS=full` tries more ways to tear, and prints what it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

mod copies;
mod device;
mod engine;
mod phone;
mod promises;
mod relay;
mod relay_rig;
mod rows;
mod story;

/// Whether the long run was asked for.
fn full() -> bool {
    std::env::var("POWER_LOSS").is_ok_and(|value| value == "full")
}
