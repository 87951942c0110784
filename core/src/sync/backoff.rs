//! When to try again: exponential, with full jitter, so that a thousand devices that lost the same relay don't come back
//! in the same second.

use std::time::Duration;

use rand::Rng;

/// The longest first wait.
pub const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(60);
/// The wait after a refused credential: only a person can change that, but a relay's mistake should heal by itself.
pub const UNAUTHORIZED: Duration = Duration::from_secs(60);

/// Counts failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: anything from nothing up to a bound that doubles from [`FIRST`] to [`LONGEST`].
    pub fn next(&mut self, rng: &mut dyn Rng) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(rng.next_u64() % (millis + 1))
    }

    /// Something came through: the next failure is the first again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn waits_grow_to_a_minute_and_start_over() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let mut longest = Duration::ZERO;
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            for failure in 0..12u32 {
                let wait = backoff.next(&mut rng);
                assert!(wait <= FIRST * 2u32.pow(failure.min(7)), "failure {failure}: {wait:?}");
                longest = longest.max(wait);
            }
            backoff.reset();
            assert!(backoff.next(&mut rng) <= FIRST);
        }
        assert!(longest > LONGEST / 2 && longest <= LONGEST, "{longest:?}");
    }
}
