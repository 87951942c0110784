//! The simulation: several devices of several members and the relay, all of them the machines that ship on the real SQLite
//! code, in one thread and virtual time, under every fault that we can invent; and rules that must hold whenever it has
//! come to rest. The same seed gives the same trace.
//!
//! ```text
//! cargo test --release -p offdesk-tests --test simulation                      500 seeds from 0
//! SEEDS=100000 SEED_FROM=7 cargo test … --test simulation -- --nocapture       more
//! SEED=42 cargo test … --test simulation -- --nocapture                        one, with a readable trace
//! PLAN=file.json cargo test … --test simulation -- --nocapture                 a kept plan, likewise
//! ```
//!
//! - [`plan`], [`weights`], [`scenes`]: what happens in a run, as a list drawn from the seed.
//! - [`world`]: clock and queue; [`link`]: the network; [`phone`], [`office`], [`provider`]: who takes part; [`people`],
//!   [`doing`]: what is done; [`furniture`]: what every run begins with.
//! - [`witness`], [`book`]: what a bystander and the members themselves know; [`quiet`], [`rules`]: healing, and what must
//!   hold then.
//! - [`runs`]: many seeds on all cores; [`shrink`]: from a failing plan to a short one. `regressions/`: plans that failed
//!   once, each with its story.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod book;
mod doing;
mod faults;
mod furniture;
mod link;
mod office;
mod people;
mod phone;
mod plan;
mod provider;
mod quiet;
mod rules;
mod runs;
mod scenes;
mod shrink;
mod trace;
mod weights;
mod witness;
mod world;

use plan::Plan;
use runs::{number, play};

/// Every rule holds in every run.
#[test]
fn every_rule_holds_for_every_seed() {
    if let Some(seed) = number("SEED") {
        let outcome = play(&Plan::draw(seed), true);
        println!("trace {:016x}, {} events", outcome.hash, outcome.events);
        if let Some(violation) = outcome.violation {
            runs::report(&Plan::draw(seed), &violation);
            panic!("seed {seed}: {violation}");
        }
        return;
    }
    if let Ok(file) = std::env::var("PLAN") {
        let kept = runs::Kept::read(std::path::Path::new(&file));
        let outcome = play(&kept.plan, true);
        println!("trace {:016x}, {} events: {:?}", outcome.hash, outcome.events, outcome.violation);
        assert_eq!(outcome.violation, None);
        return;
    }
    runs::many(number("SEED_FROM").unwrap_or(0), number("SEEDS").unwrap_or(500));
}

/// A run depends on its plan alone: no clock, no address, no order of a hash map gets in.
#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..6 {
        let plan = Plan::draw(seed);
        let (one, other) = (play(&plan, false), play(&plan, false));
        assert_eq!(one.hash, other.hash, "seed {seed}");
        let elsewhere = std::thread::spawn(move || play(&plan, false).hash).join().unwrap();
        assert_eq!(one.hash, elsewhere, "seed {seed}, in another thread");
    }
}

/// What failed once holds now.
#[test]
fn what_failed_once_holds_now() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("simulation/regressions");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let kept = runs::Kept::read(file);
        assert_eq!(play(&kept.plan, false).violation, None, "{}: {}", file.display(), kept.story);
    }
}
