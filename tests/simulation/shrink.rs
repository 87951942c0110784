//! From a plan that fails to a short one that breaks the same rule: steps are left out, in large parts first, then devices
//! and members, then pauses.

use std::time::{Duration, Instant};

use crate::{
    plan::{Plan, Step},
    runs::play,
    world::Violation,
};

/// Shrinking ends after this time: a plan that is short enough to read is all that is asked for.
const LONGEST: Duration = Duration::from_secs(40);

/// The shortest plan found, with what it breaks.
pub fn shrink(plan: &Plan, violation: &Violation) -> (Plan, Violation) {
    let began = Instant::now();
    let mut best = (plan.clone(), violation.clone());
    let fails = |candidate: &Plan| -> Option<Violation> {
        play(candidate, false).violation.filter(|found| found.rule == violation.rule)
    };
    loop {
        let before = best.0.clone();
        drop_steps(&mut best, &fails, began);
        for people in 1..best.0.people.len() {
            let mut candidate = best.0.clone();
            candidate.people.truncate(people);
            if take(&mut best, candidate, &fails) {
                break;
            }
        }
        for at in (0..best.0.devices.len()).rev() {
            let mut candidate = best.0.clone();
            if candidate.devices.len() > 1 {
                candidate.devices.remove(at);
                take(&mut best, candidate, &fails);
            }
        }
        for at in 0..best.0.steps.len() {
            for after in [0, 50, 2000] {
                let mut candidate = best.0.clone();
                if after < candidate.steps[at].after {
                    candidate.steps[at].after = after;
                    if take(&mut best, candidate, &fails) {
                        break;
                    }
                }
            }
            if began.elapsed() > LONGEST {
                return best;
            }
        }
        if best.0 == before || began.elapsed() > LONGEST {
            return best;
        }
    }
}

fn drop_steps(best: &mut (Plan, Violation), fails: &impl Fn(&Plan) -> Option<Violation>, began: Instant) {
    let mut size = best.0.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.0.steps.len() {
            if began.elapsed() > LONGEST {
                return;
            }
            let mut candidate = best.0.clone();
            let end = (at + size).min(candidate.steps.len());
            let dropped: u64 = candidate.steps.drain(at..end).map(|step: Step| step.after).sum();
            // First with the time that it took, then without.
            let mut slower = candidate.clone();
            if let Some(next) = slower.steps.get_mut(at) {
                next.after += dropped;
            }
            if !take(best, candidate, fails) && !take(best, slower, fails) {
                at += size;
            }
        }
        size /= 2;
    }
}

fn take(best: &mut (Plan, Violation), candidate: Plan, fails: &impl Fn(&Plan) -> Option<Violation>) -> bool {
    match fails(&candidate) {
        Some(found) => {
            *best = (candidate, found);
            true
        }
        None => false,
    }
}
