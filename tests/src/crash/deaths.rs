//! How often a process is killed, and how: a good half of the deaths at named crash points, evenly over all of them, the
//! others by SIGKILL at a random moment.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use offdesk_core::failpoint;
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use tokio::process::Child;

/// How long a process gets to reach its point. One that doesn't is killed all the same, which then counts as random.
const TO_REACH_POINT: Duration = Duration::from_secs(10);
const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

/// One death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// At a named point, the given time that it is reached.
    At(&'static str, u32),
    /// By SIGKILL, this long after the start.
    After(Duration),
}

impl Death {
    /// What the process is told, in [`failpoint::VARIABLE`].
    pub fn armed(self) -> Option<String> {
        match self {
            Death::At(name, count) => Some(format!("{name}:{count}")),
            Death::After(_) => None,
        }
    }

    /// Sees to it that the process dies, and waits for it. Returns whether it died at its point.
    ///
    /// # Panics
    /// If it ends in any other way: then it failed by itself.
    pub async fn strike(self, process: &mut Child) -> bool {
        let patience = match self {
            Death::At(..) => TO_REACH_POINT,
            Death::After(moment) => moment,
        };
        let status = match tokio::time::timeout(patience, process.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => {
                process.start_kill().unwrap();
                process.wait().await.unwrap()
            }
        };
        self.judge(status)
    }

    fn judge(self, status: ExitStatus) -> bool {
        match (self, status.signal()) {
            (Death::At(..), Some(SIGABRT)) => true,
            (_, Some(SIGKILL)) => false,
            _ => panic!("the process was to die ({self:?}) but ended by itself: {status}"),
        }
    }
}

/// All deaths of a scene. Names its seed if the scene fails.
#[derive(Debug)]
pub struct Deaths {
    seed: u64,
    deaths: Vec<Death>,
}

impl Deaths {
    /// As many as `KILLS` says (20), at `points` and at random, from the seed in `SEED` or a new one.
    pub fn planned(points: &[&'static str]) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let seed = number("SEED").unwrap_or_else(|| rand::rng().next_u64());
        let kills = usize::try_from(number("KILLS").unwrap_or(20)).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A few more than half, for those that don't reach their point in time.
        let at_points = kills * 13 / 20;
        let first = rng.random_range(0..points.len());
        let mut deaths: Vec<_> = (0..kills)
            .map(|index| match index < at_points {
                true => Death::At(points[(first + index) % points.len()], rng.random_range(1..=6)),
                false => Death::After(Duration::from_millis(rng.random_range(1..=400))),
            })
            .collect();
        deaths.shuffle(&mut rng);
        Self { seed, deaths }
    }

    /// The deaths in their order.
    pub fn iter(&self) -> impl Iterator<Item = Death> + '_ {
        self.deaths.iter().copied()
    }

    /// A generator for one part of the scene.
    pub fn rng(&self, part: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(part + 1);
        rng
    }

    /// Holds that at least half of all deaths were at their points.
    ///
    /// # Panics
    /// If they were not.
    pub fn were_mostly_at_points(&self, at_points: usize) {
        assert!(
            at_points * 2 >= self.deaths.len(),
            "only {at_points} of {} deaths were at their point",
            self.deaths.len()
        );
    }
}

impl Drop for Deaths {
    #[allow(clippy::print_stderr, reason = "a failed test says how to repeat it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "repeat with SEED={} KILLS={} ({} set by the test)",
                self.seed,
                self.deaths.len(),
                failpoint::VARIABLE
            );
        }
    }
}
