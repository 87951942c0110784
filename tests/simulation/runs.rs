//! Playing plans: one, or many on all cores.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::{
        Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{
    plan::Plan,
    shrink,
    world::{Violation, World},
};

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    pub hash: u64,
    pub events: u64,
    pub violation: Option<Violation>,
    pub seen: BTreeMap<&'static str, u64>,
}

/// A plan that is kept, with the story of the bug that it found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    pub story: String,
    pub plan: Plan,
}

impl Kept {
    pub fn read(file: &Path) -> Kept {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

/// A number from the environment.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of a run are violations: they are told with it, not in the midst of everything.
fn catch_panics() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if PANIC.with(|playing| playing.borrow().is_some()) {
                PANIC.with(|playing| *playing.borrow_mut() = Some(info.to_string()));
            } else {
                usual(info);
            }
        }));
    });
}

/// Plays a plan.
pub fn play(plan: &Plan, verbose: bool) -> Outcome {
    catch_panics();
    PANIC.with(|playing| *playing.borrow_mut() = Some(String::new()));
    let played = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut world = match World::new(plan, verbose) {
            Ok(world) => world,
            Err(violation) => {
                return Outcome { hash: 0, events: 0, violation: Some(violation), seen: BTreeMap::new() };
            }
        };
        let violation = world.play().err();
        Outcome { hash: world.trace.hash(), events: world.events, violation, seen: world.seen }
    }));
    let said = PANIC.with(|playing| playing.borrow_mut().take()).unwrap_or_default();
    played.unwrap_or_else(|_| Outcome {
        hash: 0,
        events: 0,
        violation: Some(Violation { rule: "nothing panics", what: said }),
        seen: BTreeMap::new(),
    })
}

/// Says how a plan fails, and the shortest one that fails so.
pub fn report(plan: &Plan, violation: &Violation) {
    println!("seed {} fails: {violation}", plan.seed);
    let (short, said) = shrink::shrink(plan, violation);
    println!("its shortest reproduction has {} steps (of {}): {said}", short.steps.len(), plan.steps.len());
    let kept = Kept { story: said.to_string(), plan: short };
    println!("{}", serde_json::to_string(&kept).unwrap_or_default());
}

/// Plays many seeds, on all cores, and fails if any does.
pub fn many(from: u64, count: u64) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let most_failures = usize::try_from(number("FAILURES").unwrap_or(3)).unwrap_or(3);
    let next = AtomicU64::new(0);
    let failed: Mutex<Vec<(u64, Violation)>> = Mutex::new(Vec::new());
    let seen: Mutex<BTreeMap<&'static str, u64>> = Mutex::new(BTreeMap::new());
    let events = AtomicU64::new(0);
    let played = AtomicU64::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || failed.lock().unwrap().len() >= most_failures {
                        return;
                    }
                    let seed = from.wrapping_add(index);
                    let outcome = play(&Plan::draw(seed), false);
                    events.fetch_add(outcome.events, Ordering::Relaxed);
                    let so_far = played.fetch_add(1, Ordering::Relaxed) + 1;
                    if so_far.is_multiple_of(1000) {
                        let failures = failed.lock().unwrap().len();
                        eprintln!("{so_far} of {count} seeds played, {failures} of them fail");
                    }
                    let mut all = seen.lock().unwrap();
                    for (what, times) in outcome.seen {
                        *all.entry(what).or_default() += times;
                    }
                    drop(all);
                    if let Some(violation) = outcome.violation {
                        println!("seed {seed} fails: {violation}");
                        failed.lock().unwrap().push((seed, violation));
                    }
                }
            });
        }
    });
    let took = began.elapsed();
    let (played, events) = (played.into_inner(), events.into_inner());
    println!(
        "{played} seeds from {from} in {:.1} s on {threads} threads: {:.1} ms of a thread each, {} events each",
        took.as_secs_f64(),
        took.as_secs_f64() * 1000.0 * threads as f64 / played.max(1) as f64,
        events / played.max(1)
    );
    let seen = seen.into_inner().unwrap();
    let reached: Vec<String> = seen.iter().map(|(what, times)| format!("{what} {times}")).collect();
    println!("reached: {}", reached.join(", "));
    let mut failed = failed.into_inner().unwrap();
    failed.sort_by_key(|(seed, _)| *seed);
    let Some((seed, violation)) = failed.first() else { return };
    report(&Plan::draw(*seed), violation);
    let seeds: Vec<String> = failed.iter().map(|(seed, _)| seed.to_string()).collect();
    panic!("seeds that fail: {}; play one with SEED={seed}", seeds.join(", "));
}
