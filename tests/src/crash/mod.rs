//! The crash proof: real processes on real files, killed at random moments and at named points, and the evidence that is
//! looked at afterwards.
//!
//! A scene is an [`Office`]: the relay as a process of its own, run by its own command line; the SMS provider in the
//! test's process, so that it survives the relay and its log can be believed; phones with encrypted files. Between two
//! lives of a process its files are looked at in a copy, so that the next life finds exactly what the kill left behind.
//!
//! - [`deaths`]: how often and how each process dies; seeds.
//! - [`journal`]: what a device's caller was told is saved.
//! - [`files`]: databases as a kill left them.
//! - [`evidence`]: what the relay's database says.
//! - [`relay_process`], [`office`]: the scene.
//! - [`views`]: what a phone shows, to compare phones.

pub mod deaths;
pub mod evidence;
pub mod files;
pub mod journal;
pub mod office;
pub mod relay_process;
pub mod views;

pub use deaths::{Death, Deaths};
pub use office::Office;
pub use relay_process::RelayProcess;
