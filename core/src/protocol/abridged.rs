//! Changes for a device that holds what they depend on: each dependency's hash, 32 bytes that nothing compresses, is cut to
//! its first 6. Who holds the document completes it; the change's own checksum shows whether it was completed right.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// What is left of a hash.
pub(super) const ABRIDGED_BYTES: usize = 6;
/// Magic bytes, checksum and kind of an Automerge chunk.
const HEADER_BYTES: usize = 9;
const CHECKSUM: Range<usize> = 4..8;
const KIND: usize = 8;
const CHANGE: u8 = 1;

/// Whether a hash was cut.
pub(super) fn is_abridged(hash: &[u8; 32]) -> bool {
    hash[ABRIDGED_BYTES..].iter().all(|byte| *byte == 0)
}

/// Cuts the hashes of what a change depends on. What is no change stays as it is.
pub fn abridge(change: &mut [u8]) {
    for hash in dependencies(change) {
        hash[ABRIDGED_BYTES..].fill(0);
    }
}

/// Puts whole hashes in the place of cut ones: `whole` finds one that begins so. Returns whether the change is now what it was
/// before it was cut, or was not cut.
#[must_use]
pub fn complete(change: &mut [u8], mut whole: impl FnMut(&[u8]) -> Option<[u8; 32]>) -> bool {
    let mut cut = false;
    for hash in dependencies(change).iter_mut().filter(|hash| is_abridged(hash)) {
        match whole(&hash[..ABRIDGED_BYTES]) {
            Some(whole) => (*hash, cut) = (whole, true),
            None => return false,
        }
    }
    if !cut {
        return true;
    }
    let Some((head, content)) = change.split_at_checked(KIND) else { return false };
    head[CHECKSUM] == Sha256::digest(content)[..CHECKSUM.len()]
}

/// Where a change's dependencies stand.
fn dependencies(change: &mut [u8]) -> &mut [[u8; 32]] {
    let none = &mut [];
    if change.get(KIND) != Some(&CHANGE) {
        return none;
    }
    let mut rest = &change[HEADER_BYTES..];
    let Ok(_length) = leb128::read::unsigned(&mut rest) else { return none };
    let Ok(count) = leb128::read::unsigned(&mut rest) else { return none };
    let start = change.len() - rest.len();
    let hashes = change[start..].as_chunks_mut().0;
    match usize::try_from(count) {
        Ok(count) if count <= hashes.len() => &mut hashes[..count],
        _ => none,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use automerge::{AutoCommit, Change, ROOT, transaction::Transactable};
    use proptest::prelude::*;

    use super::*;

    fn change_on_another() -> (Change, Change) {
        let mut document = AutoCommit::new();
        document.put(ROOT, "a", 1).unwrap();
        document.commit();
        document.put(ROOT, "b", 2).unwrap();
        let changes = document.get_changes(&[]);
        (changes[0].clone(), changes[1].clone())
    }

    #[test]
    fn what_was_cut_is_completed() {
        let (before, change) = change_on_another();
        let mut bytes = change.raw_bytes().to_vec();
        abridge(&mut bytes);
        assert_ne!(bytes, change.raw_bytes());
        assert!(!complete(&mut bytes.clone(), |_| None), "something is missing");
        assert!(complete(&mut bytes, |start| before.hash().0.starts_with(start).then_some(before.hash().0)));
        assert_eq!(bytes, change.raw_bytes());
    }

    #[test]
    fn what_is_completed_wrong_is_noticed() {
        let (_, change) = change_on_another();
        let mut bytes = change.raw_bytes().to_vec();
        abridge(&mut bytes);
        let completed = complete(&mut bytes, |start| {
            let mut other = [9; 32];
            other[..start.len()].copy_from_slice(start);
            Some(other)
        });
        assert!(!completed);
    }

    proptest! {
        #[test]
        fn any_bytes_are_left_alone_or_cut(mut bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            abridge(&mut bytes);
            let _ = complete(&mut bytes, |_| None);
        }
    }
}
