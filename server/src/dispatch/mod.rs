//! Outbound messages leave through a ledger (R31, R32): `queued → dispatching → handed over → sent → delivered`, or
//! `failed`, or `unknown`. `dispatching` is durable before the provider is called; what stands there and is not under way
//! is asked about at the provider before anything else happens to it.
//!
//! - [`ledger`]: every transition, each checked by compare-and-set and told to devices as a fact.
//! - [`entry`]: a row of it.
//! - [`gate`]: whether a message may leave now.
//! - [`question`]: what the provider's list says of a message whose fate is open.
//! - [`backoff`]: when to try again.
//! - [`desk`]: what is to be done next, without I/O; [`run`]: the task that carries it out.
//! - [`recovery`]: asking the provider for what an outage or a restored backup made us miss.

pub mod backoff;
pub mod desk;
pub mod entry;
pub mod gate;
pub mod ledger;
pub mod question;
pub mod recovery;
pub mod run;

#[cfg(test)]
mod tests;

use std::time::Duration;

/// How the dispatcher paces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Conversations served at the same time. Within one, messages go one by one.
    pub parallel: usize,
    /// How long the provider gets before its list is believed to be complete. A message counts as not taken when it is
    /// missing from two lists, at this time after the attempt and again this time later.
    pub settle: Duration,
    /// How far the provider's clock may be from ours.
    pub clock_skew: Duration,
    /// Lists that may fail in a row before a message's fate is `unknown`.
    pub failed_lists: u32,
    /// How often to ask for what the provider could not deliver to us.
    pub sweep: Duration,
    /// When to try again what surely was not taken.
    pub backoff: backoff::Backoff,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            parallel: 8,
            settle: Duration::from_secs(10),
            clock_skew: Duration::from_secs(5 * 60),
            failed_lists: 8,
            sweep: Duration::from_secs(10 * 60),
            backoff: backoff::Backoff::default(),
        }
    }
}
