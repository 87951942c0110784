//! When to try again: after a pause that doubles, with jitter, so that what failed together doesn't come back together.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Pauses between tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest one.
    pub longest: Duration,
    /// After so many attempts a message has failed: about an hour, by when its author should rather be told than have it
    /// arrive out of the blue.
    pub attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(5 * 60), attempts: 20 }
    }
}

impl Backoff {
    /// The pause after the `attempts`-th attempt: half to all of the doubled one, but never less than `asked`.
    pub fn pause(&self, attempts: u32, asked: Option<Duration>, rng: &mut dyn Rng) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        let pause = doubled.min(self.longest).mul_f64(rng.random_range(0.5..=1.0));
        pause.max(asked.unwrap_or(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_heed_the_provider() {
        let backoff = Backoff::default();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for (attempts, most) in [(1, 1), (2, 2), (3, 4), (10, 300), (40, 300)] {
            let pause = backoff.pause(attempts, None, &mut rng);
            let most = Duration::from_secs(most);
            assert!(pause <= most && pause >= most / 2, "{attempts}: {pause:?}");
        }
        assert_eq!(backoff.pause(1, Some(Duration::from_secs(30)), &mut rng), Duration::from_secs(30));
    }
}
