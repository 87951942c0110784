//! What a device misses at its cursor.
//!
//! - A small difference is one page: revocations first (all since the cursor, even of documents that came back), then
//!   documents that are newly visible as snapshots, then changes and facts of those the device holds, found by the index
//!   on (workspace, last seq) or through the member's grants: the cost follows what was missed.
//! - A large one, and a cold start, is written down as a list whose order is frozen ([`super::backfill`]) and sent page by
//!   page. What happens meanwhile comes after its end: the cursor's `seq` stays where the list was made.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, WorkspaceId},
    model::Kind,
    policy::Visibility,
    protocol::{Cursor, Epoch, RegisterContent, RegisterKey, Response, Seq},
};
use rusqlite::{OptionalExtension, params};

use super::{backfill, contents};
use crate::{
    accept::{document_row, id, unpack},
    auth::Authenticated,
    store::{ReadTx, StoreError},
};

/// How much goes into a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSizes {
    /// The most documents of a difference that is sent as one page.
    pub difference: usize,
    /// Documents of a list's first page: what a first screen shows, and its contacts.
    pub first: usize,
    /// The most documents of a later page.
    pub later: usize,
    /// A list's page ends once it holds this many bytes: what one transaction of a phone applies without a pause that
    /// people see.
    pub bytes: usize,
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { difference: 256, first: 64, later: 512, bytes: 256 * 1024 }
    }
}

/// What comes next for a device.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing: the device has it all.
    UpToDate,
    /// A page, which ends with its cursor.
    Page(Page),
    /// A large difference: the list must be written down first.
    Backfill(Plan),
}

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    /// The frames before the cursor.
    pub(super) frames: Vec<Response>,
    /// Where the device then is.
    pub(super) cursor: Cursor,
    /// Fetched documents that the member may not see any more: the page says so, and until the device has come past it,
    /// others will.
    pub(super) gone: Vec<DocumentId>,
}

/// A list of documents to send, in order.
#[derive(Debug)]
pub(super) struct Plan {
    /// Frames that go before the list: revocations, registers.
    pub(super) first: Vec<Response>,
    /// (document, place after which the device misses it; 0: all of it).
    pub(super) documents: Vec<(DocumentId, Seq)>,
    /// The log's end when the list was made.
    pub(super) seq: Seq,
}

/// The next step at `cursor`, whose epoch the caller has checked.
pub(super) fn next(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    epoch: Epoch,
    cursor: &Cursor,
    sizes: &PageSizes,
) -> Result<Step, StoreError> {
    let cursor = match cursor.backfill {
        Some(place) => match backfill::page(tx, device, cursor, place, sizes)? {
            Some(page) => return Ok(Step::Page(page)),
            // The list is gone: another took its place, or the device fell back to an old copy of its store. From the start,
            // and of what it holds, what is not among that goes (R9): the page that would have said so is behind it.
            None => return anew(tx, device, epoch, 0, log_end(tx, device.workspace)?, sizes),
        },
        None => *cursor,
    };
    let seq = log_end(tx, device.workspace)?;
    if cursor.seq == 0 {
        let first = registers(tx, device, 0)?.into_iter().collect();
        let documents = everything(tx, device)?;
        return plan_or_page(tx, device, epoch, Plan { first, documents, seq }, sizes);
    }
    if cursor.seq >= seq {
        return Ok(Step::UpToDate);
    }
    if scope_seq(tx, device)? > cursor.seq {
        return anew(tx, device, epoch, cursor.seq, seq, sizes);
    }
    difference(tx, device, epoch, cursor.seq, seq, sizes)
}

/// All that a device is to hold, to one that may hold something else: `since` is how far it has the registers.
fn anew(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    epoch: Epoch,
    since: Seq,
    seq: Seq,
    sizes: &PageSizes,
) -> Result<Step, StoreError> {
    let documents = everything(tx, device)?;
    let mut first = vec![Response::Retain { documents: documents.iter().map(|(document, _)| *document).collect() }];
    first.extend(registers(tx, device, since)?);
    plan_or_page(tx, device, epoch, Plan { first, documents, seq }, sizes)
}

/// All that the device is to hold, in the order of a cold start. What it opened or made is last: its first push may have
/// come with this request.
fn everything(tx: &ReadTx<'_>, device: &Authenticated) -> Result<Vec<(DocumentId, Seq)>, StoreError> {
    let mut documents = backfill::cold_order(tx, device)?;
    documents.extend(opened(tx, device)?.here.into_iter().map(|(document, _)| (document, 0)));
    Ok(documents)
}

fn difference(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    epoch: Epoch,
    since: Seq,
    seq: Seq,
    sizes: &PageSizes,
) -> Result<Step, StoreError> {
    let mut frames = Vec::new();
    let revoked = revoked(tx, device, since)?;
    if !revoked.is_empty() {
        frames.push(Response::Evict { documents: revoked.iter().copied().collect() });
    }
    let opened = opened(tx, device)?;
    // Told once more to a device that may have missed it: a page can be cut off.
    let told: Vec<DocumentId> =
        opened.gone.iter().filter(|(_, noted)| *noted == 0 || *noted > since).map(|(document, _)| *document).collect();
    if !told.is_empty() {
        frames.push(Response::Evict { documents: told });
    }
    frames.extend(registers(tx, device, since)?);
    let mut documents = Vec::new();
    for document in candidates(tx, device, since)? {
        let Some(row) = document_row(tx, document)? else { continue };
        let Some(from) = tx.sent_since(&device.access, document, &row)? else { continue };
        // Newly visible, or taken away and given back since: all of it.
        let whole = from > since || revoked.contains(&document);
        documents.push((document, if whole { 0 } else { since }));
    }
    for (document, last) in opened.here {
        let whole = revoked.contains(&document);
        if whole || last > since {
            documents.push((document, if whole { 0 } else { since }));
        }
    }
    let mut step = plan_or_page(tx, device, epoch, Plan { first: frames, documents, seq }, sizes)?;
    if let Step::Page(page) = &mut step {
        page.gone = opened.gone.into_iter().filter(|(_, noted)| *noted == 0).map(|(document, _)| document).collect();
    }
    Ok(step)
}

fn plan_or_page(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    epoch: Epoch,
    plan: Plan,
    sizes: &PageSizes,
) -> Result<Step, StoreError> {
    if plan.documents.len() > sizes.difference {
        return Ok(Step::Backfill(plan));
    }
    let mut frames = plan.first;
    for (document, from) in plan.documents {
        frames.extend(frame(tx, device, document, from)?);
    }
    frames.extend(contents::marks(tx, device.member, &frames)?);
    Ok(Step::Page(Page { frames, cursor: Cursor { epoch, seq: plan.seq, backfill: None }, gone: Vec::new() }))
}

/// A document as the device is to get it now; `None` if it may not see it any more or nothing is new.
pub(super) fn frame(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    document: DocumentId,
    from: Seq,
) -> Result<Option<Response>, StoreError> {
    let Some(row) = document_row(tx, document)? else { return Ok(None) };
    let visibility = tx.visibility(&device.access, document, &row)?;
    if !(visibility.dashboard() || visibility.any() && is_opened(tx, device, document)?) {
        return Ok(None);
    }
    if from > 0 {
        // A device that made it, or lost it from its dashboard, takes it for more than it is.
        let told = (!visibility.dashboard()).then_some(visibility);
        return contents::delta(tx, &device.access, document, from, told);
    }
    contents::snapshot(tx, &device.access, document, &row, visibility).map(Some)
}

/// Whether a device is to hold this conversation: on the member's dashboard, or opened through its contact's record.
pub(super) fn shows(tx: &ReadTx<'_>, device: &Authenticated, document: DocumentId) -> Result<bool, StoreError> {
    let known = document_row(tx, document)?;
    let row = known.filter(|row| row.workspace == device.workspace && row.kind == Kind::Conversation);
    let Some(row) = row else { return Ok(false) };
    let visibility = tx.visibility(&device.access, document, &row)?;
    Ok(visibility.dashboard() || visibility.any() && is_opened(tx, device, document)?)
}

/// Documents that a device opened through a record (R7) or made there.
struct Opened {
    /// Those that are sent for no other reason, each with the last place of the log that concerns it.
    here: Vec<(DocumentId, Seq)>,
    /// Those that the member may not see any more, each with the place at which that was noted, 0: not yet.
    gone: Vec<(DocumentId, Seq)>,
}

fn opened(tx: &ReadTx<'_>, device: &Authenticated) -> Result<Opened, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT f.document, f.seq, coalesce(d.last_seq, 0) FROM fetched f LEFT JOIN documents d ON d.id = f.document
         WHERE f.device = ?1 ORDER BY f.document",
    )?;
    let rows = statement
        .query_map([device.device.as_bytes()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(Vec<u8>, Seq, Seq)>, _>>()?;
    let mut opened = Opened { here: Vec::new(), gone: Vec::new() };
    for (bytes, noted, last) in rows {
        let document = id(&bytes, DocumentId::from_slice, "document id")?;
        let visibility = match document_row(tx, document)? {
            Some(row) if row.workspace == device.workspace => tx.visibility(&device.access, document, &row)?,
            _ => Visibility::NONE,
        };
        if !visibility.any() || noted > 0 {
            opened.gone.push((document, noted));
        } else if !visibility.dashboard() {
            opened.here.push((document, last));
        }
    }
    Ok(opened)
}

fn is_opened(tx: &ReadTx<'_>, device: &Authenticated, document: DocumentId) -> Result<bool, StoreError> {
    let mut statement =
        tx.connection().prepare_cached("SELECT 1 FROM fetched WHERE device = ?1 AND document = ?2 AND seq = 0")?;
    Ok(statement.exists(params![device.device.as_bytes(), document.as_bytes()])?)
}

/// The last place of a workspace's log.
pub(super) fn log_end(tx: &ReadTx<'_>, workspace: WorkspaceId) -> Result<Seq, StoreError> {
    tx.connection()
        .prepare_cached("SELECT seq FROM workspaces WHERE id = ?1")?
        .query_row([workspace.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::Missing("workspace"))
}

fn scope_seq(tx: &ReadTx<'_>, device: &Authenticated) -> Result<Seq, StoreError> {
    Ok(tx
        .connection()
        .prepare_cached("SELECT scope_seq FROM members WHERE workspace = ?1 AND id = ?2")?
        .query_row(params![device.workspace.as_bytes(), device.member.as_bytes()], |row| row.get(0))?)
}

fn revoked(tx: &ReadTx<'_>, device: &Authenticated, since: Seq) -> Result<BTreeSet<DocumentId>, StoreError> {
    let mut statement =
        tx.connection().prepare_cached("SELECT document FROM grants WHERE member = ?1 AND revoked_seq > ?2")?;
    let rows = statement
        .query_map(params![device.member.as_bytes(), since], |row| row.get::<_, Vec<u8>>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut documents = BTreeSet::new();
    for bytes in rows {
        let document = id(&bytes, DocumentId::from_slice, "document id")?;
        // Who sees every conversation loses nothing with an assignment.
        let by_role = match document_row(tx, document)? {
            Some(row) => tx.sent_since(&device.access, document, &row)?.is_some_and(|from| from <= since),
            None => false,
        };
        if !by_role {
            documents.insert(document);
        }
    }
    Ok(documents)
}

/// Documents that may have something new for the member, in the order of the log.
pub(super) fn candidates(tx: &ReadTx<'_>, device: &Authenticated, since: Seq) -> Result<Vec<DocumentId>, StoreError> {
    let everything = device.access.shows(false);
    let sql = if everything {
        "SELECT id FROM documents WHERE workspace = ?1 AND last_seq > ?2 AND ?3 = ?3 AND ?4 = ?4 ORDER BY last_seq"
    } else {
        "SELECT id FROM (
             SELECT d.id, d.last_seq FROM grants g JOIN documents d ON d.id = g.document
                 WHERE g.member = ?3 AND g.active AND (d.last_seq > ?2 OR g.granted_seq > ?2)
             UNION
             SELECT id, last_seq FROM documents
                 WHERE workspace = ?1 AND last_seq > ?2 AND (kind IN (3, 4) OR (kind = 2 AND ?4))
         ) ORDER BY last_seq"
    };
    let all_contacts = device.access.opens_record(false);
    let mut statement = tx.connection().prepare_cached(sql)?;
    let rows = statement
        .query_map(params![device.workspace.as_bytes(), since, device.member.as_bytes(), all_contacts], |row| {
            row.get::<_, Vec<u8>>(0)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.iter().map(|bytes| id(bytes, DocumentId::from_slice, "document id")).collect()
}

/// The member's registers written after `since`.
pub(super) fn registers(tx: &ReadTx<'_>, device: &Authenticated, since: Seq) -> Result<Option<Response>, StoreError> {
    let mut statement = tx
        .connection()
        .prepare_cached("SELECT key, content FROM registers WHERE member = ?1 AND seq > ?2 ORDER BY seq")?;
    let rows = statement
        .query_map(params![device.member.as_bytes(), since], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let values = rows
        .iter()
        .map(|(key, content)| {
            Ok((unpack::<RegisterKey>(key, "register key")?, unpack::<RegisterContent>(content, "register")?))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok((!values.is_empty()).then_some(Response::Registers { values }))
}
