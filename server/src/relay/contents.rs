//! A document as frames: whole, or what came after a place of the log.

use offdesk_core::{
    ids::{DocumentId, MemberId},
    model::Kind,
    policy::{Access, Visibility},
    protocol::{FactBody, Outlined, RegisterContent, RegisterKey, Response, Seq},
};
use rusqlite::{OptionalExtension, params};
use serde_bytes::{ByteArray, ByteBuf};

use crate::{
    accept::{DocumentRow, pack, unpack},
    store::{ReadTx, StoreError},
};

/// The whole document with the facts that the member sees.
pub(super) fn snapshot(
    tx: &ReadTx<'_>,
    access: &Access,
    document: DocumentId,
    row: &DocumentRow,
    visibility: Visibility,
) -> Result<Response, StoreError> {
    let (saved, from, heads, outline): (Vec<u8>, Seq, Vec<u8>, Option<Vec<u8>>) = tx
        .connection()
        .prepare_cached(
            "SELECT coalesce(s.saved, x''), coalesce(s.seq, 0), d.heads, d.outline
             FROM documents d LEFT JOIN snapshots s ON s.document = d.id WHERE d.id = ?1",
        )?
        .query_row([document.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let outline = outline.map(|outline| Outlined {
        heads: heads.as_chunks().0.iter().map(|head| ByteArray::new(*head)).collect(),
        outline: ByteBuf::from(outline),
    });
    Ok(Response::Snapshot {
        document,
        kind: row.kind,
        visibility,
        saved: ByteBuf::from(saved),
        changes: changes(tx, document, from)?,
        facts: tx.facts(document, 0, Some(access.member))?,
        outline,
    })
}

/// What came after `since`; `None` if nothing of it is this member's.
pub(super) fn delta(
    tx: &ReadTx<'_>,
    access: &Access,
    document: DocumentId,
    since: Seq,
    visibility: Option<Visibility>,
) -> Result<Option<Response>, StoreError> {
    let changes = changes(tx, document, since)?;
    let facts = tx.facts(document, since, Some(access.member))?;
    if changes.is_empty() && facts.is_empty() {
        return Ok(None);
    }
    Ok(Some(Response::Delta { document, visibility, changes, facts }))
}

/// What the member marked and wrote in the documents that these frames bring whole: a device that did not hold one has
/// forgotten it, or never knew.
pub(super) fn marks(tx: &ReadTx<'_>, member: MemberId, frames: &[Response]) -> Result<Option<Response>, StoreError> {
    let mut values = Vec::new();
    for frame in frames {
        let Response::Snapshot { document, kind: Kind::Conversation, facts, .. } = frame else { continue };
        let alerts = facts.iter().filter_map(|fact| match &fact.body {
            FactBody::Alert(alert) => Some(RegisterKey::Dismissed(alert.id)),
            FactBody::Message(_) | FactBody::Event(_) => None,
        });
        for key in RegisterKey::of(*document).into_iter().chain(alerts) {
            let content: Option<Vec<u8>> = tx
                .connection()
                .prepare_cached("SELECT content FROM registers WHERE member = ?1 AND key = ?2")?
                .query_row(params![member.as_bytes(), pack(&key)?], |row| row.get(0))
                .optional()?;
            if let Some(content) = content {
                values.push((key, unpack::<RegisterContent>(&content, "register")?));
            }
        }
    }
    Ok((!values.is_empty()).then_some(Response::Registers { values }))
}

fn changes(tx: &ReadTx<'_>, document: DocumentId, since: Seq) -> Result<Vec<ByteBuf>, StoreError> {
    let mut statement =
        tx.connection().prepare_cached("SELECT bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq")?;
    let rows = statement.query_map(params![document.as_bytes(), since], |row| row.get::<_, Vec<u8>>(0))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().map(ByteBuf::from).collect())
}

/// Roughly how many bytes a frame has.
pub(super) fn size(frame: &Response) -> usize {
    let bytes = |items: &[ByteBuf]| items.iter().map(|item| item.len()).sum::<usize>();
    match frame {
        Response::Snapshot { saved, changes, facts, outline, .. } => {
            let outline = outline.as_ref().map_or(0, |outlined| outlined.outline.len());
            64 + saved.len() + bytes(changes) + facts.len() * 80 + outline
        }
        Response::Delta { changes, facts, .. } => 64 + bytes(changes) + facts.len() * 80,
        _ => 64,
    }
}
