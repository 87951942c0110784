//! Lists that follow the store.
//!
//! A [`LiveList`] holds the rows of one query. Each commit bumps the store's revision; [`LiveList::next`] waits for a
//! revision newer than the one it has seen, runs the query again on a reader connection, and returns the steps from the
//! rows that were to the rows that are. It is pulled, not pushed: a slow observer skips revisions instead of queueing
//! them, there is no task to leak, and dropping the list ends it.

use std::{fmt, hash::Hash, sync::Arc};

use tokio::sync::watch;

use super::{error::Error, in_place::in_place};
use crate::triage::{ListDiff, diff};

/// The revision after which nothing follows: the device is closed.
pub(super) const CLOSED: u64 = u64::MAX;

type Query<T> = Arc<dyn Fn() -> Result<Vec<T>, Error> + Send + Sync>;
type Differ<T> = Box<dyn Fn(&[T], &[T]) -> Vec<ListDiff<T>> + Send + Sync>;

/// A list that follows the store. See the module's head.
pub struct LiveList<T> {
    items: Vec<T>,
    revision: watch::Receiver<u64>,
    query: Query<T>,
    differ: Differ<T>,
    /// A revision was seen whose rows were not delivered yet; survives a `next` that is dropped half way.
    stale: bool,
}

impl<T: fmt::Debug> fmt::Debug for LiveList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveList").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<T: Clone + PartialEq + Send + 'static> LiveList<T> {
    /// A list of what `query` answers; items with the same `key` are the same. Runs the query once, for
    /// [`LiveList::items`]; if that fails the list starts empty and tries again at the first [`LiveList::next`].
    pub(super) fn new<K: Clone + Eq + Hash + Ord>(
        mut revision: watch::Receiver<u64>,
        query: impl Fn() -> Result<Vec<T>, Error> + Send + Sync + 'static,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> Self {
        // Marked as seen before the query runs: a commit in between is then delivered once more, never missed.
        revision.mark_unchanged();
        let (items, stale) = query().map_or_else(|_| (Vec::new(), true), |items| (items, false));
        let differ = Box::new(move |old: &[T], new: &[T]| diff(old, new, &key));
        Self { items, revision, query: Arc::new(query), differ, stale }
    }

    /// The rows as of the last [`LiveList::next`], or as they were when the list was made.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Waits until the rows change and returns the steps that lead there, which are then applied to
    /// [`LiveList::items`] too. `None` once the device is closed. May be dropped half way without losing a change.
    pub async fn next(&mut self) -> Option<Vec<ListDiff<T>>> {
        loop {
            if !self.stale {
                self.revision.changed().await.ok()?;
                self.stale = true;
            }
            if *self.revision.borrow_and_update() == CLOSED {
                return None;
            }
            let query = self.query.clone();
            let rows = in_place(move || query()).await;
            self.stale = false;
            let rows = match rows {
                Some(Ok(rows)) => rows,
                // R9, R10: what may not be shown any more leaves the screen.
                Some(Err(Error::Locked | Error::Revoked | Error::NotEnrolled)) => Vec::new(),
                // A busy or paused store has nothing new to say; the next revision asks again.
                Some(Err(_)) | None => continue,
            };
            let steps = (self.differ)(&self.items, &rows);
            if !steps.is_empty() {
                self.items = rows;
                return Some(steps);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use super::*;

    struct Shelf {
        rows: Arc<Mutex<Vec<(u8, &'static str)>>>,
        revision: watch::Sender<u64>,
    }

    impl Shelf {
        fn new(rows: &[(u8, &'static str)]) -> Self {
            Self { rows: Arc::new(Mutex::new(rows.to_vec())), revision: watch::Sender::new(0) }
        }

        fn put(&self, rows: &[(u8, &'static str)]) {
            *self.rows.lock().unwrap() = rows.to_vec();
            self.revision.send_modify(|revision| *revision += 1);
        }

        fn list(&self) -> LiveList<(u8, &'static str)> {
            let rows = self.rows.clone();
            LiveList::new(self.revision.subscribe(), move || Ok(rows.lock().unwrap().clone()), |row| row.0)
        }
    }

    #[tokio::test]
    async fn a_change_arrives_as_steps_and_is_applied() {
        let shelf = Shelf::new(&[(1, "Ada"), (2, "Bo")]);
        let mut list = shelf.list();
        assert_eq!(list.items(), [(1, "Ada"), (2, "Bo")]);
        shelf.put(&[(2, "Bo!"), (1, "Ada")]);
        let steps = list.next().await.unwrap();
        assert_eq!(steps, [ListDiff::Move { from: 1, to: 0, item: (2, "Bo!") }]);
        assert_eq!(list.items(), [(2, "Bo!"), (1, "Ada")]);
    }

    #[tokio::test]
    async fn many_changes_between_two_looks_are_one_answer() {
        let shelf = Shelf::new(&[]);
        let mut list = shelf.list();
        for name in ["Ada", "Bo", "Cy"] {
            shelf.put(&[(1, name)]);
        }
        assert_eq!(list.next().await.unwrap(), [ListDiff::Insert { index: 0, item: (1, "Cy") }]);
        let more = tokio::time::timeout(Duration::from_millis(20), list.next()).await;
        assert!(more.is_err(), "nothing else changed, so nothing else is told");
    }

    #[tokio::test]
    async fn a_revision_without_a_change_of_these_rows_stays_silent_and_a_dropped_wait_loses_nothing() {
        let shelf = Shelf::new(&[(1, "Ada")]);
        let mut list = shelf.list();
        shelf.put(&[(1, "Ada")]);
        assert!(tokio::time::timeout(Duration::from_millis(20), list.next()).await.is_err());
        shelf.put(&[]);
        assert_eq!(list.next().await.unwrap(), [ListDiff::Remove { index: 0 }]);
    }

    #[tokio::test]
    async fn a_closed_device_ends_its_lists() {
        let shelf = Shelf::new(&[(1, "Ada")]);
        let mut list = shelf.list();
        drop(shelf.revision);
        assert_eq!(list.next().await, None);
    }
}
