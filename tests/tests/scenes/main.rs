//! Scenes of several devices against a real relay. One binary, since linking each costs more than running it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod access;
mod bad_input;
mod day;
mod finding;
mod merging;
mod offline;
mod own_devices;
mod presence;
mod reconnect;
mod record;
mod same_number;
mod set_up;
