//! List diffs: what an observer of a list applies, in order, to turn the rows it had into the rows there are.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// One step. Indices are those of the list as the steps before have left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListDiff<T> {
    /// Puts an item in.
    Insert {
        /// Where it then stands.
        index: usize,
        /// The item.
        item: T,
    },
    /// Replaces an item that stays in its place.
    Update {
        /// Where it stands.
        index: usize,
        /// The item.
        item: T,
    },
    /// Takes an item out and puts it in elsewhere.
    Move {
        /// Where it stood.
        from: usize,
        /// Where it stands once taken out and put in.
        to: usize,
        /// The item, which may have changed too.
        item: T,
    },
    /// Takes an item out.
    Remove {
        /// Where it stood.
        index: usize,
    },
}

/// The steps from `old` to `new`; items are the same if their keys are. Keys are unique within a list.
pub fn diff<T: Clone + PartialEq, K: Clone + Eq + Hash + Ord>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> K,
) -> Vec<ListDiff<T>> {
    let (old_keys, new_keys): (Vec<K>, Vec<K>) = (old.iter().map(&key).collect(), new.iter().map(&key).collect());
    let old_at: HashMap<&K, usize> = old_keys.iter().enumerate().map(|(index, key)| (key, index)).collect();
    let in_new: HashMap<&K, usize> = new_keys.iter().enumerate().map(|(index, key)| (key, index)).collect();

    // Keys that keep their relative order stay; every other old key is removed or moved.
    let mut stays = vec![false; new.len()];
    for op in capture_diff_slices(Algorithm::Myers, &old_keys, &new_keys) {
        if let DiffOp::Equal { new_index, len, .. } = op {
            stays[new_index..new_index + len].fill(true);
        }
    }

    let mut steps = Vec::new();
    let mut current: Vec<K> = old_keys.clone();
    for index in (0..current.len()).rev() {
        if !in_new.contains_key(&current[index]) {
            current.remove(index);
            steps.push(ListDiff::Remove { index });
        }
    }
    for (index, item) in new.iter().enumerate() {
        let key = &new_keys[index];
        match old_at.get(key) {
            None => {
                current.insert(index, key.clone());
                steps.push(ListDiff::Insert { index, item: item.clone() });
            }
            Some(_) if current.get(index) == Some(key) => {}
            Some(_) if stays[index] => {
                // What stands before it and doesn't belong there moves away below, when its own turn comes: bring this
                // one forward only if nothing else will.
                let from = current.iter().position(|other| other == key).unwrap_or(index);
                let blockers_move =
                    current[index..from].iter().all(|other| in_new.get(other).is_some_and(|at| !stays[*at]));
                if blockers_move {
                    let mut end = from;
                    while end > index {
                        let other = current.remove(index);
                        let to = in_new.get(&other).map_or(current.len(), |at| (*at).min(current.len()));
                        current.insert(to, other.clone());
                        let item = in_new.get(&other).map(|at| new[*at].clone());
                        if let Some(item) = item {
                            steps.push(ListDiff::Move { from: index, to, item });
                        }
                        end = current.iter().position(|other| other == key).unwrap_or(index);
                    }
                } else {
                    let taken = current.remove(from);
                    current.insert(index, taken);
                    steps.push(ListDiff::Move { from, to: index, item: item.clone() });
                }
            }
            Some(_) => {
                let from = current.iter().position(|other| other == key).unwrap_or(index);
                let taken = current.remove(from);
                current.insert(index, taken);
                steps.push(ListDiff::Move { from, to: index, item: item.clone() });
            }
        }
    }
    for (index, item) in new.iter().enumerate() {
        let unchanged = old_at.get(&new_keys[index]).is_none_or(|at| old[*at] == *item);
        let moved = steps
            .iter()
            .any(|step| matches!(step, ListDiff::Move { item: moved, .. } if key(moved) == new_keys[index]));
        if !unchanged && !moved {
            steps.push(ListDiff::Update { index, item: item.clone() });
        }
    }
    steps
}

/// Applies steps to a list, as an observer does.
pub fn apply<T: Clone>(list: &mut Vec<T>, steps: &[ListDiff<T>]) {
    for step in steps {
        match step {
            ListDiff::Insert { index, item } => list.insert(*index, item.clone()),
            ListDiff::Update { index, item } => list[*index] = item.clone(),
            ListDiff::Move { from, to, item } => {
                list.remove(*from);
                list.insert(*to, item.clone());
            }
            ListDiff::Remove { index } => {
                list.remove(*index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &[(u8, u8)], new: &[(u8, u8)]) -> Vec<ListDiff<(u8, u8)>> {
        let steps = diff(old, new, |item| item.0);
        let mut list = old.to_vec();
        apply(&mut list, &steps);
        assert_eq!(list, new);
        steps
    }

    #[test]
    fn the_latest_to_the_top_is_one_move() {
        let steps = check(&[(1, 0), (2, 0), (3, 0)], &[(3, 1), (1, 0), (2, 0)]);
        assert_eq!(steps, [ListDiff::Move { from: 2, to: 0, item: (3, 1) }]);
    }

    #[test]
    fn an_unchanged_list_has_no_steps() {
        assert!(check(&[(1, 0), (2, 0)], &[(1, 0), (2, 0)]).is_empty());
    }

    #[test]
    fn the_first_to_the_end_is_one_move() {
        assert_eq!(check(&[(1, 0), (2, 0), (3, 0)], &[(2, 0), (3, 0), (1, 0)]).len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn steps_always_lead_to_the_new_list(old in proptest::collection::btree_map(0u8..20, 0u8..3, 0..12), new in proptest::collection::btree_map(0u8..20, 0u8..3, 0..12), a: u64, b: u64) {
            let shuffle = |map: std::collections::BTreeMap<u8, u8>, seed: u64| {
                let mut list: Vec<(u8, u8)> = map.into_iter().collect();
                list.sort_by_key(|(key, _)| (u64::from(*key) + 1).wrapping_mul(seed | 1).rotate_left(17));
                list
            };
            check(&shuffle(old, a), &shuffle(new, b));
        }
    }
}
