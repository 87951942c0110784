//! A large catch-up: its list, frozen when it begins, and its pages.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DeviceId, DocumentId},
    protocol::{Backfill, Cursor, Response, Seq},
};
use rand::Rng;
use rusqlite::params;

use super::{
    catch_up::{Page, PageSizes, Plan, frame},
    contents,
};
use crate::{
    accept::id,
    auth::Authenticated,
    store::{ReadTx, StoreError, Tx},
};

/// After how many documents their marks are sent. A device that takes both in one transaction shows a row from its outline;
/// once it has committed the row it has to load the document. After each document there would be half as many frames again.
const MARKED: usize = 16;

/// Every document that the member's devices are sent, in the order of a cold start: directory and settings, then
/// conversations (open before closed, one's own before others', the latest first), each after its contact, then contacts
/// without a conversation.
pub(super) fn cold_order(tx: &ReadTx<'_>, device: &Authenticated) -> Result<Vec<(DocumentId, Seq)>, StoreError> {
    let mut list = Vec::new();
    let mut listed = BTreeSet::new();
    let mut add = |document: DocumentId| {
        if listed.insert(document) {
            list.push((document, 0));
        }
    };
    let (directory, settings) = crate::accept::registers_of(tx, device.workspace)?;
    add(directory);
    add(settings);
    if device.access.shows(true) {
        let everything = device.access.shows(false);
        let mut statement = tx.connection().prepare_cached(
            "SELECT d.id, d.contact FROM documents d
             LEFT JOIN grants g ON g.document = d.id AND g.member = ?2 AND g.source = 1 AND g.active
             WHERE d.workspace = ?1 AND d.kind = 1 AND (?3 OR g.member IS NOT NULL)
             ORDER BY d.closed, g.member IS NULL, d.last_activity DESC, d.id",
        )?;
        let rows = statement
            .query_map(params![device.workspace.as_bytes(), device.member.as_bytes(), everything], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
            })?;
        for row in rows {
            let (document, contact) = row?;
            if let Some(contact) = contact {
                add(id(&contact, DocumentId::from_slice, "contact id")?);
            }
            add(id(&document, DocumentId::from_slice, "document id")?);
        }
    }
    if device.access.opens_record(true) {
        let everything = device.access.opens_record(false);
        let mut statement = tx.connection().prepare_cached(
            "SELECT d.id FROM documents d
             LEFT JOIN grants g ON g.document = d.id AND g.member = ?2 AND g.source = 2 AND g.active
             WHERE d.workspace = ?1 AND d.kind = 2 AND (?3 OR g.member IS NOT NULL) ORDER BY d.last_seq DESC",
        )?;
        let rows = statement
            .query_map(params![device.workspace.as_bytes(), device.member.as_bytes(), everything], |row| {
                row.get::<_, Vec<u8>>(0)
            })?;
        for row in rows {
            add(id(&row?, DocumentId::from_slice, "contact id")?);
        }
    }
    Ok(list)
}

/// Writes a list down; a device has one at a time.
pub(super) fn begin(tx: &mut Tx<'_>, device: DeviceId, plan: &Plan, rng: &mut dyn Rng) -> Result<Backfill, StoreError> {
    let connection = tx.connection();
    connection.prepare_cached("DELETE FROM backfills WHERE device = ?1")?.execute([device.as_bytes()])?;
    // 63 random bits: SQLite's integers are signed.
    let backfill = rng.next_u64() >> 1;
    let mut insert = connection.prepare_cached(
        "INSERT INTO backfills (device, backfill, position, document, from_seq) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (position, (document, from)) in plan.documents.iter().enumerate() {
        insert.execute(params![device.as_bytes(), backfill, position, document.as_bytes(), from])?;
    }
    Ok(Backfill { id: backfill, sent: 0 })
}

/// The next page of a list; `None` if there is no such list.
pub(super) fn page(
    tx: &ReadTx<'_>,
    device: &Authenticated,
    cursor: &Cursor,
    place: Backfill,
    sizes: &PageSizes,
) -> Result<Option<Page>, StoreError> {
    let total: u64 = tx
        .connection()
        .prepare_cached("SELECT count(*) FROM backfills WHERE device = ?1 AND backfill = ?2")?
        .query_row(params![device.device.as_bytes(), place.id], |row| row.get(0))?;
    if total == 0 || place.sent > total {
        return Ok(None);
    }
    let most = if place.sent == 0 { sizes.first } else { sizes.later };
    let mut statement = tx.connection().prepare_cached(
        "SELECT document, from_seq FROM backfills WHERE device = ?1 AND backfill = ?2 AND position >= ?3 ORDER BY position LIMIT ?4",
    )?;
    let rows = statement
        .query_map(params![device.device.as_bytes(), place.id, place.sent, most], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Seq>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let (mut frames, mut bytes, mut sent, mut marked) = (Vec::new(), 0, place.sent, 0);
    for (document, from) in rows {
        let document = id(&document, DocumentId::from_slice, "document id")?;
        if let Some(frame) = frame(tx, device, document, from)? {
            bytes += contents::size(&frame);
            frames.push(frame);
        }
        if frames.len() - marked >= MARKED {
            frames.extend(contents::marks(tx, device.member, &frames[marked..])?);
            marked = frames.len();
        }
        sent += 1;
        if bytes >= sizes.bytes {
            break;
        }
    }
    frames.extend(contents::marks(tx, device.member, &frames[marked..])?);
    frames.push(Response::Progress { done: sent, total });
    let rest = (sent < total).then_some(Backfill { id: place.id, sent });
    Ok(Some(Page { frames, cursor: Cursor { backfill: rest, ..*cursor }, gone: Vec::new() }))
}
