//! A story: operations on one store, one after the other; recorded once, and run again with failures.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use offdesk_faulty_disk::{Disk, Failure, Image, Loss, Synchronous};
use tempfile::TempDir;

use super::rows::Rows;

/// What a story is about: a device or a relay, on a folder.
pub(crate) trait Subject: Sized {
    /// What its calls fail with.
    type Error: std::fmt::Debug;

    /// A process that has opened nothing yet.
    fn on(stage: &Stage) -> Self;
    /// Opens what is there.
    fn open(&mut self) -> Result<(), Self::Error>;
    /// Ends, as a process does that is asked to.
    fn end(self);
    /// Opens it as the next process would and looks at its promises: what it holds, or which promise is broken.
    fn inspect(folder: &Path) -> Result<Rows, String>;
    /// Whether an error is the one that is documented for this failure.
    fn is_typed(error: &Self::Error, failure: Failure) -> bool;
}

/// Where a subject lives, and where it says which of its calls have returned.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    disk: Arc<Disk>,
    /// Where in the record each call returned.
    acknowledged: Arc<Mutex<Vec<usize>>>,
}

impl Stage {
    fn new(folder: &Path) -> Self {
        let disk = Arc::new(Disk::watch(folder).unwrap());
        Self { folder: folder.to_owned(), disk, acknowledged: Arc::default() }
    }

    /// A call has returned: what it did is durable from now on.
    pub(crate) fn acknowledge(&self) {
        self.acknowledged.lock().unwrap().push(self.disk.now());
    }

    fn acknowledged(&self) -> Vec<usize> {
        self.acknowledged.lock().unwrap().clone()
    }
}

/// One operation. It builds on what is durable alone, so that it can be done again after it failed.
pub(crate) struct Operation<S: Subject> {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut S) -> Result<(), S::Error>,
    /// Whether it opens the store itself; else it finds it open.
    pub(crate) opens: bool,
}

/// What a recorded run left.
pub(crate) struct Recorded {
    pub(crate) disk: Arc<Disk>,
    /// Where in the record each operation began and ended.
    pub(crate) operations: Vec<(&'static str, Range<usize>)>,
    /// Where each call returned.
    pub(crate) acknowledged: Vec<usize>,
    /// What the store held before the first of them, and from each of them on.
    pub(crate) held: Vec<Rows>,
    _folder: TempDir,
}

/// Runs a story once. `lowered` is for showing that these tests can fail.
pub(crate) fn record<S: Subject>(story: &[Operation<S>], lowered: Option<Synchronous>) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path());
    if let Some(to) = lowered {
        stage.disk.lower_synchronous(to);
    }
    let mut subject = S::on(&stage);
    let mut operations = Vec::new();
    for operation in story {
        let began = stage.disk.now();
        (operation.run)(&mut subject).unwrap_or_else(|error| panic!("{}: {error:?}", operation.name));
        operations.push((operation.name, began..stage.disk.now()));
    }
    subject.end();
    let acknowledged = stage.acknowledged();
    let moments = std::iter::once(0).chain(acknowledged.iter().copied());
    let held = moments.map(|at| held::<S>(&stage.disk.after_power_cut(at, Loss::Nothing))).collect();
    Recorded { disk: stage.disk, operations, acknowledged, held, _folder: folder }
}

/// What a disk holds that nothing happened to.
fn held<S: Subject>(image: &Image) -> Rows {
    inspect::<S>(image).unwrap_or_else(|broken| panic!("without any fault: {broken}"))
}

/// Starts the next process on a disk, and looks at its promises.
pub(crate) fn inspect<S: Subject>(image: &Image) -> Result<Rows, String> {
    let folder = tempfile::tempdir().unwrap();
    image.write_to(folder.path()).unwrap();
    // Watched for its speed alone: nothing waits for the real disk.
    let _disk = Disk::watch(folder.path()).unwrap();
    S::inspect(folder.path())
}

/// What came of an operation whose disk failed once.
pub(crate) enum Survived {
    /// The operation has no such point: nothing failed.
    Untouched,
    /// The failure was none of the caller's business.
    Unharmed,
    /// The call said so, and the same process did it again.
    Recovered,
}

/// Runs one operation from where it began, with a failure at the given point; then once more in the same process, on a disk
/// that works again. Which promise is broken, if any.
pub(crate) fn fail<S: Subject>(
    recorded: &Recorded,
    index: usize,
    operation: &Operation<S>,
    point: usize,
    failure: Failure,
) -> Result<Survived, String> {
    let folder = tempfile::tempdir().unwrap();
    let (began, ended) = (recorded.operations[index].1.start, recorded.operations[index].1.end);
    recorded.disk.after_power_cut(began, Loss::Nothing).write_to(folder.path()).unwrap();
    let stage = Stage::new(folder.path());
    let mut subject = S::on(&stage);
    if !operation.opens {
        subject.open().map_err(|error| format!("it can't be opened before the operation: {error:?}"))?;
    }
    stage.disk.fail_at(stage.disk.passed() + point, failure);
    let outcome = (operation.run)(&mut subject);
    let survived = match outcome {
        Ok(()) if stage.disk.heal() == 0 => Survived::Untouched,
        Ok(()) => Survived::Unharmed,
        Err(error) => {
            if stage.disk.heal() == 0 {
                return Err(format!("it failed though the disk did not: {error:?}"));
            }
            if !S::is_typed(&error, failure) {
                return Err(format!("the error doesn't say what happened: {error:?}"));
            }
            may_hold::<S>(recorded, began..ended, &stage)?;
            (operation.run)(&mut subject)
                .map_err(|error| format!("the disk works again, and still it fails: {error:?}"))?;
            Survived::Recovered
        }
    };
    subject.end();
    let held = S::inspect(folder.path())?;
    let expected = recorded.held_at(ended);
    if held.counts() != expected.counts() {
        return Err(format!("it ended with something else: {}", held.difference(expected)));
    }
    Ok(survived)
}

/// After an error the disk holds what some call of the operation left, whole.
fn may_hold<S: Subject>(recorded: &Recorded, range: Range<usize>, stage: &Stage) -> Result<(), String> {
    let held = inspect::<S>(&stage.disk.after_power_cut(stage.disk.now(), Loss::Nothing))?;
    let before = recorded.returned_before(range.start);
    let after = recorded.returned_before(range.end);
    let known = &recorded.held[before..=after];
    match known.contains(&held) {
        true => Ok(()),
        false => Err(format!("a part of a transaction is there: {}", held.difference(&known[0]))),
    }
}

impl Recorded {
    /// How many calls had returned by then.
    pub(crate) fn returned_before(&self, event: usize) -> usize {
        self.acknowledged.partition_point(|at| *at <= event)
    }

    /// What the store held then.
    pub(crate) fn held_at(&self, event: usize) -> &Rows {
        &self.held[self.returned_before(event)]
    }
}
