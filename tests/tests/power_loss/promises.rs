//! The promises, looked at after every power cut and every failure of a story, and the table of what was tried.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use offdesk_faulty_disk::{Disk, Failure, Image, Loss, PointKind};

use super::{
    full,
    story::{Operation, Recorded, Subject, Survived, fail, inspect, record},
};

/// A promise that did not hold.
#[derive(Debug)]
pub(crate) struct Broken {
    operation: &'static str,
    case: String,
    what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}: {}", self.operation, self.case, self.what)
    }
}

/// What was tried.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    /// Per operation: name, points by kind, power cuts, failures, and how many of those were told to the caller.
    lines: Vec<Line>,
    pub(crate) broken: Vec<Broken>,
}

#[derive(Debug)]
struct Line {
    operation: &'static str,
    points: [usize; 4],
    cuts: usize,
    failures: usize,
    told: usize,
}

impl Tried {
    pub(crate) fn points(&self) -> usize {
        self.lines.iter().map(|line| line.points.iter().sum::<usize>()).sum()
    }

    pub(crate) fn cases(&self) -> usize {
        self.lines.iter().map(|line| line.cuts + line.failures).sum()
    }

    /// Prints the table, and fails if a promise is broken.
    pub(crate) fn settle(self, story: &str) {
        println!("{story:<34} writes  truncs   syncs deletes | power cuts failures (told)");
        for Line { operation, points: [writes, truncates, syncs, deletes], cuts, failures, told } in &self.lines {
            println!(
                "  {operation:<32} {writes:>6} {truncates:>7} {syncs:>7} {deletes:>7} | {cuts:>10} {failures:>8} ({told})"
            );
        }
        println!(
            "{story}: {} fault points, {} cases, {} broken promises",
            self.points(),
            self.cases(),
            self.broken.len()
        );
        let broken: Vec<String> = self.broken.iter().take(20).map(ToString::to_string).collect();
        assert!(
            broken.is_empty(),
            "{} promises are broken, the first of them:\n{}",
            self.broken.len(),
            broken.join("\n")
        );
    }
}

/// How a power cut takes what was not synced. Seeds differ from point to point, so that few of them cover much.
fn losses(event: usize) -> Vec<(String, Loss)> {
    let seeds = if full() { 12 } else { 1 };
    let torn = (0..seeds).map(|turn| {
        let seed = (event as u64) * 1_000 + turn;
        (format!("torn with seed {seed}"), Loss::Torn { seed })
    });
    [("lost".to_owned(), Loss::Unsynced)].into_iter().chain(torn).collect()
}

/// Power cuts and failures at every point of a story.
pub(crate) fn try_all<S: Subject>(story: &[Operation<S>]) -> Tried {
    let recorded = record(story, None);
    let mut tried = cut_everywhere::<S>(&recorded);
    for (index, operation) in story.iter().enumerate() {
        fail_everywhere(&recorded, index, operation, &mut tried);
    }
    tried
}

/// Broken promises beyond which nothing more is learned.
const ENOUGH: usize = 50;

/// Power cuts at every point of a recorded story, until enough promises are broken.
pub(crate) fn cut_everywhere<S: Subject>(recorded: &Recorded) -> Tried {
    let mut tried = Tried::default();
    // Many points leave the same disk: between two syncs nothing is lost that was not there before.
    let mut seen = HashMap::new();
    for (operation, range) in &recorded.operations {
        let points = recorded.disk.points(range.clone());
        let mut line = Line { operation, points: [0; 4], cuts: 0, failures: 0, told: 0 };
        points.iter().for_each(|point| line.points[kind(point.kind)] += 1);
        // The end of the operation is a moment too: everything has returned.
        let moments: Vec<usize> = points.iter().map(|point| point.event).chain([range.end]).collect();
        recorded.disk.after_power_cuts(&moments, |event, cut| {
            if tried.broken.len() > ENOUGH {
                return;
            }
            for (name, loss) in losses(event) {
                line.cuts += 1;
                let returned = recorded.returned_before(event);
                let image = cut(loss);
                let known = seen.entry((hash(&image), returned));
                let outcome = known.or_insert_with(|| look::<S>(recorded, &image, returned));
                if let Err(what) = outcome {
                    let case = format!("{name} at {}", place(&recorded.disk, event));
                    tried.broken.push(Broken { operation, case, what: what.clone() });
                }
            }
        });
        tried.lines.push(line);
    }
    tried
}

fn place(disk: &Disk, event: usize) -> String {
    match disk.points(event..event + 1).first() {
        Some(point) => format!("event {event} ({:?} of {})", point.kind, point.file),
        None => format!("event {event}"),
    }
}

fn kind(kind: PointKind) -> usize {
    match kind {
        PointKind::Write => 0,
        PointKind::Truncate => 1,
        PointKind::Sync => 2,
        PointKind::Delete => 3,
    }
}

fn hash(image: &Image) -> u64 {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    hasher.finish()
}

/// The store opens and is whole; it holds exactly what the calls that returned had done, or also, whole, what the one under
/// way was doing.
fn look<S: Subject>(recorded: &Recorded, image: &Image, returned: usize) -> Result<(), String> {
    let held = inspect::<S>(image)?;
    let (done, under_way) = (&recorded.held[returned], recorded.held.get(returned + 1));
    if held == *done || under_way == Some(&held) {
        return Ok(());
    }
    Err(match recorded.held[..returned].iter().rposition(|earlier| *earlier == held) {
        Some(earlier) => format!("{} calls that had returned are gone", returned - earlier),
        None => format!("it holds what no call left: {}", held.difference(done)),
    })
}

fn fail_everywhere<S: Subject>(recorded: &Recorded, index: usize, operation: &Operation<S>, tried: &mut Tried) {
    for failure in [Failure::Io, Failure::Full] {
        // The operation has, run from its beginning, other points than in the record; it ends when a failure hits nothing. A
        // full disk differs from one that fails once in what comes after: a part of the points shows it.
        let step = if failure == Failure::Full && !full() { 3 } else { 1 };
        for point in (0..).step_by(step) {
            match fail(recorded, index, operation, point, failure) {
                Ok(Survived::Untouched) => break,
                Ok(Survived::Unharmed) => {}
                Ok(Survived::Recovered) => tried.lines[index].told += 1,
                Err(what) => {
                    let case = format!("failed ({failure:?}) at its point {point}");
                    tried.broken.push(Broken { operation: operation.name, case, what });
                }
            }
            tried.lines[index].failures += 1;
            if tried.broken.len() > ENOUGH {
                return;
            }
        }
    }
}
