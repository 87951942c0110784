//! The app and a notification extension as two processes on one encrypted file, against the real relay (ADR 0022).
//!
//! `INTERLEAVINGS` says how many plans are drawn; each is a seed, printed when something is wrong. `SEED` begins elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod memory;
mod pausing;
mod told;
mod worker;

use std::{path::PathBuf, time::Duration};

use offdesk_core::{
    engine::{Offdesk, Puller},
    ids::AlertId,
};
use offdesk_tests::{
    AGENT, LeapingClock, Person, Phone, REP, World,
    crash::{
        files::Copy,
        office::{KEY, arrives, device},
        views::shown,
    },
    eventually,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use told::Told;
use worker::Worker;

const CUSTOMERS: u32 = 6;

/// Ana, who sees what is assigned to her, with a phone of two processes; Ben, who assigns.
struct Stage {
    world: World,
    ana: Person,
    ben: Phone,
    database: PathBuf,
    told: Told,
}

impl Stage {
    async fn open() -> Self {
        let world = World::open().await;
        let (ana, ben) = (world.member("Ana", REP).await, world.member("Ben", AGENT).await);
        let ben = world.phone(&ben, "Ben's phone").await;
        let database = world.path("ana.db");
        let code = world.enrolment_code(&ana).await;
        let config = device(&database, Duration::ZERO);
        let phone = Offdesk::enrol(config, &world.url(), &code, "Ana's phone").await.unwrap();
        for customer in 0..CUSTOMERS {
            world.inbound(&number(customer), &format!("hello from {customer}")).await;
        }
        let stage = Self { world, ana, ben, database, told: Told::default() };
        let everybody = || stage.ben.counts().unwrap().open == u64::from(CUSTOMERS);
        eventually("every customer has written", everybody).await;
        for customer in 0..CUSTOMERS / 2 {
            stage.assign(customer, true);
        }
        stage.ben.live().await;
        phone.sync_once(worker::PATIENCE).await.unwrap();
        phone.close().await;
        stage
    }

    fn assign(&self, customer: u32, whether: bool) {
        let Some(conversation) = self.ben.conversation_with(&number(customer)) else { return };
        let done = match whether {
            true => self.ben.assign(conversation, self.ana.id),
            false => self.ben.unassign(conversation, self.ana.id),
        };
        // She is, or is not, already.
        let _ = done;
    }

    async fn worker(&self, role: &'static str) -> Worker {
        Worker::start(role, &self.database, &self.world.path("workers.log")).await
    }

    /// One plan: both processes do, and suffer, what the seed says.
    async fn interleave(&mut self, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut processes = [None, None];
        let mut text = 0;
        for _ in 0..rng.random_range(8..20) {
            let which = usize::from(rng.random_ratio(1, 3));
            match rng.random_range(0..100) {
                // Neither has to run for the other.
                0..62 => {
                    let role = ["app", "extension"][which];
                    if processes[which].is_none() {
                        let mut worker = self.worker(role).await;
                        if which == 0 && rng.random_ratio(2, 3) {
                            worker.tell("start").await;
                        }
                        processes[which] = Some(worker);
                    }
                    text += 1;
                    let told = what(&mut rng, which, &format!("{seed} {text}"));
                    processes[which].as_mut().unwrap().tell(&told).await;
                    if rng.random_ratio(1, 3) {
                        processes[which].as_mut().unwrap().finishes().await;
                    }
                }
                62..80 => {
                    let customer = rng.random_range(0..CUSTOMERS);
                    self.world.inbound(&number(customer), &format!("question {seed} {text}")).await;
                    text += 1;
                }
                80..90 => self.assign(rng.random_range(0..CUSTOMERS), rng.random_ratio(3, 5)),
                _ => {
                    let pause = Duration::from_millis(rng.random_range(0..25));
                    tokio::time::sleep(pause).await;
                    if let Some(worker) = processes[which].take() {
                        self.told.take(worker.role, worker.kill().await);
                    }
                }
            }
        }
        for worker in &mut processes {
            let Some(mut worker) = worker.take() else { continue };
            let role = worker.role;
            if rng.random_ratio(1, 4) {
                self.told.take(role, worker.kill().await);
            } else {
                worker.finishes().await;
                self.told.take(role, worker.quit().await);
            }
        }
        Copy::of(&self.database, Some(KEY)).is_sound();
        self.told.nothing_was_shown_twice();
    }

    /// In the end: nothing that was typed is lost, and whoever looks sees the same.
    async fn ends_well(&mut self) {
        for customer in 0..CUSTOMERS {
            self.assign(customer, true);
        }
        self.ben.live().await;
        let clock = LeapingClock::default();
        // Whatever was handed out to a process that died.
        clock.leap(2 * offdesk_core::store::TO_SHOW);
        let mut config = device(&self.database, Duration::ZERO);
        config.clock = std::sync::Arc::new(clock);
        let phone = Offdesk::open(config.clone()).unwrap();
        phone.start();
        arrives(&phone, "Ana's phone").await;
        eventually("both phones show the same", || shown(&phone) == shown(&self.ben)).await;
        let notices = phone.handle_push(b"{}", worker::PATIENCE).await.unwrap();
        let last: Vec<AlertId> = notices.show.iter().map(|active| active.alert.id).collect();
        phone.alerts_shown(&last).unwrap();
        self.told.shown_here(&last);
        self.told.everything_was_told(&phone, &self.ben);
        let badge = phone.badge().unwrap();
        phone.pause().await;
        let beside = Puller::open(config).unwrap().pull(worker::PATIENCE).await.unwrap();
        assert!(beside.incomplete.is_none(), "{beside:?}");
        assert_eq!((beside.show.len(), beside.badge), (0, badge), "the extension sees what the app sees");
        phone.resume().await;
        phone.close().await;
        Copy::of(&self.database, Some(KEY)).is_sound();
    }
}

/// What a process is told to do.
fn what(rng: &mut ChaCha8Rng, which: usize, text: &str) -> String {
    if which == 1 {
        return "pull".into();
    }
    let row = rng.random_range(0..CUSTOMERS);
    let verbs = ["reply", "reply", "note", "draft", "read", "tag"];
    match rng.random_range(0..100) {
        0..8 => "start".into(),
        8..20 => "pause".into(),
        20..38 => "resume".into(),
        38..44 => "sync".into(),
        44..56 => "push".into(),
        _ => {
            let verb = verbs.choose(rng).unwrap();
            format!("{verb} {row} {verb} {text}")
        }
    }
}

fn number(customer: u32) -> String {
    format!("+1415555{:04}", 2000 + customer)
}

/// R9, R15, R32: verbs, pauses, kills, pulls, customers and lost access in any order leave a sound file, an answer to every
/// call, all that was typed, and nothing shown twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_and_its_extension_share_a_database_through_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (first, count) = (number("SEED").unwrap_or(0), number("INTERLEAVINGS").unwrap_or(100));
    let mut stage = Stage::open().await;
    let began = std::time::Instant::now();
    for seed in first..first + count {
        let running = Running(seed);
        stage.interleave(seed).await;
        running.ends();
        if seed % 50 == 49 {
            stage.ends_well().await;
        }
    }
    stage.ends_well().await;
    let told = &stage.told;
    eprintln!("{count} interleavings in {:?}: {}", began.elapsed(), told.in_short());
    told.was_worth_it(count);
}

/// Names the seed of a plan that failed.
struct Running(u64);

impl Running {
    fn ends(self) {
        std::mem::forget(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the plan was SEED={}, with those before it", self.0);
        }
    }
}
