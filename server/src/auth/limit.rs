//! How often one address may try to enrol. Codes can't be guessed; the limit keeps a flood from the writer.

use std::{fmt, net::IpAddr, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};

use super::address;

/// Counts attempts by address.
pub struct EnrolLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
}

impl fmt::Debug for EnrolLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolLimit").field("addresses", &self.limiter.len()).finish()
    }
}

impl EnrolLimit {
    /// So many attempts a minute, all of which may come at once.
    pub fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self { limiter: RateLimiter::keyed(quota) }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// After how many seconds the next one is allowed.
    pub(crate) fn attempt(&self, from: IpAddr) -> Result<(), u64> {
        self.limiter
            .check_key(&address::limited_by(from))
            .map_err(|wait| wait.wait_time_from(self.limiter.clock().now()).as_secs() + 1)
    }

    /// Forgets addresses that have not tried for a while.
    pub(crate) fn upkeep(&self) {
        self.limiter.retain_recent();
    }
}
