//! What can go wrong with a provider.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// Knobs for what goes wrong. The counted ones count down to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer of the API takes this long, in milliseconds.
    pub delay_ms: u64,
    /// Messages that are taken, but whose answer is cut off.
    pub drop_answers: u32,
    /// Messages that are taken, but never answered: the caller's time runs out.
    pub hang_after: u32,
    /// Messages that are answered with 500 and not taken.
    pub fail_before: u32,
    /// Messages that are answered with 500 though they were taken.
    pub fail_after: u32,
    /// Messages that are answered with 429 and not taken.
    pub busy: u32,
    /// Lists that are answered with 500.
    pub fail_lists: u32,
    /// Every webhook and report comes twice.
    pub duplicate_webhooks: bool,
    /// What becomes of a message is never reported.
    pub no_callbacks: bool,
    /// Reports come the wrong way round: delivered before sent.
    pub reversed_callbacks: bool,
    /// Recipients for whom the API refuses a message, with Twilio's code of why.
    pub refuse: BTreeMap<String, i64>,
    /// Recipients to whom a message is taken but not delivered, with Twilio's code of why.
    pub undelivered: BTreeMap<String, i64>,
    /// How far the provider's clock is ahead, in milliseconds.
    pub clock_skew_ms: i64,
}

impl Faults {
    /// How long an answer takes.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// Takes one off a counted fault; whether there was one.
pub(super) fn take(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}
