//! Events of other systems: a checkout was abandoned, an appointment is due. Whoever knows the workspace's secret posts them
//! (`http.rs`), signed ([`signature`]); each enabled automation of that event then acts once ([`crate::accept::automated()`]),
//! however often the event comes, at once or after its delay ([`runs`]).

pub mod event;
pub(crate) mod http;
pub mod runs;
pub mod signature;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

pub use event::{Done, Event, EventContact, EventError, Handled, handle, run};
