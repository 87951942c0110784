//! Digests, by which device and relay find out that they hold the same without listing it. Both sides compute them with
//! these functions.
//!
//! A document's digest covers its confirmed heads and the last fact of it that the member sees. Digests of the documents
//! on the member's dashboard are folded into [`DIGEST_BUCKETS`] numbers: a mismatch refetches one bucket, never wipes a
//! device.

use sha2::{Digest, Sha256};

use crate::{
    ids::DocumentId,
    protocol::{DIGEST_BUCKETS, Seq},
};

/// The digest of one document. The order of `heads` does not matter; `last_fact` is the seq of the last fact of it that
/// the member sees, 0 for none.
pub fn document_digest(id: DocumentId, heads: &[[u8; 32]], last_fact: Seq) -> u64 {
    let mut heads = heads.to_vec();
    heads.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(id.0);
    for head in &heads {
        hash.update(head);
    }
    hash.update(last_fact.to_be_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    u64::from_be_bytes(first)
}

/// The bucket of a document: the last byte of its id, which is random.
pub fn bucket(id: DocumentId) -> usize {
    usize::from(id.0[15])
}

/// Folds documents' digests into buckets; the order does not matter.
pub fn fold(digests: impl IntoIterator<Item = (DocumentId, u64)>) -> Vec<u64> {
    let mut buckets = vec![0u64; DIGEST_BUCKETS];
    for (id, digest) in digests {
        buckets[bucket(id)] ^= digest;
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(last: u8) -> DocumentId {
        let mut bytes = [7; 16];
        bytes[15] = last;
        DocumentId(bytes)
    }

    #[test]
    fn a_digest_is_pinned_since_device_and_relay_must_agree() {
        assert_eq!(document_digest(id(1), &[[1; 32], [2; 32]], 9), document_digest(id(1), &[[2; 32], [1; 32]], 9));
        assert_eq!(format!("{:016x}", document_digest(id(1), &[[1; 32]], 9)), "1b0758d861bc8e9c");
    }

    #[test]
    fn every_part_counts() {
        let digest = document_digest(id(1), &[[1; 32]], 9);
        assert_ne!(digest, document_digest(id(2), &[[1; 32]], 9));
        assert_ne!(digest, document_digest(id(1), &[[2; 32]], 9));
        assert_ne!(digest, document_digest(id(1), &[[1; 32]], 10));
    }

    #[test]
    fn a_document_lies_in_one_bucket() {
        let folded = fold([(id(3), 5), (id(3), 6), (id(4), 8)]);
        assert_eq!(folded.len(), DIGEST_BUCKETS);
        assert_eq!((folded[3], folded[4]), (5 ^ 6, 8));
        assert_eq!(folded.iter().filter(|bucket| **bucket != 0).count(), 2);
    }
}
