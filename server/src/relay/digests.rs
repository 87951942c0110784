//! The check that a device holds what it should: digests over (document, heads, last fact) in 256 buckets. A bucket that
//! differs is named with all that belongs into it and sent again; nothing else is touched.

use offdesk_core::{
    ids::DocumentId,
    protocol::{DIGEST_BUCKETS, Response, Seq, digest},
};
use rusqlite::params;

use super::{backfill, catch_up, contents};
use crate::{
    auth::Authenticated,
    store::{ReadTx, StoreError},
};

/// Frames that mend what differs; none if all is well. Only meaningful for a device that is up to date.
pub(super) fn mend(tx: &ReadTx<'_>, device: &Authenticated, told: &[u64]) -> Result<Vec<Response>, StoreError> {
    if told.len() != DIGEST_BUCKETS {
        return Ok(Vec::new());
    }
    let documents: Vec<DocumentId> =
        backfill::cold_order(tx, device)?.into_iter().map(|(document, _)| document).collect();
    let mut digests = Vec::with_capacity(documents.len());
    for document in &documents {
        digests.push((
            *document,
            digest::document_digest(*document, &heads(tx, *document)?, last_fact(tx, device, *document)?),
        ));
    }
    let ours = digest::fold(digests);
    let mut frames = Vec::new();
    for bucket in (0..DIGEST_BUCKETS).filter(|bucket| ours.get(*bucket) != told.get(*bucket)) {
        let held: Vec<DocumentId> =
            documents.iter().copied().filter(|document| digest::bucket(*document) == bucket).collect();
        let number = u8::try_from(bucket).unwrap_or(u8::MAX);
        frames.push(Response::Bucket { bucket: number, documents: held.clone() });
        for document in held {
            frames.extend(catch_up::frame(tx, device, document, 0)?);
        }
    }
    frames.extend(contents::marks(tx, device.member, &frames)?);
    if !frames.is_empty() {
        tracing::warn!(device = %device.device, frames = frames.len(), "a device's digest differs: its buckets are sent again");
    }
    Ok(frames)
}

fn heads(tx: &ReadTx<'_>, document: DocumentId) -> Result<Vec<[u8; 32]>, StoreError> {
    let heads: Vec<u8> = tx
        .connection()
        .prepare_cached("SELECT heads FROM documents WHERE id = ?1")?
        .query_row([document.as_bytes()], |row| row.get(0))?;
    Ok(heads.chunks_exact(32).filter_map(|head| head.try_into().ok()).collect())
}

fn last_fact(tx: &ReadTx<'_>, device: &Authenticated, document: DocumentId) -> Result<Seq, StoreError> {
    Ok(tx
        .connection()
        .prepare_cached(
            "SELECT coalesce(max(seq), 0) FROM facts WHERE document = ?1 AND (member IS NULL OR member = ?2)",
        )?
        .query_row(params![document.as_bytes(), device.member.as_bytes()], |row| row.get(0))?)
}
