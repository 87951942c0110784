//! Everybody who may see a document has it, as the relay has it; nobody else has anything of it.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, MemberId},
    model::{Document, Kind},
    protocol::{Fact, FactBody, RegisterContent, RegisterKey, digest},
    store::SqliteStorage,
    sync::storage::{Storage, StorageError, StoredDocument},
    time::Timestamp,
};

use super::{in_use, read};
use crate::{
    doing::choices,
    world::{Violation, World, broken},
};

/// R3 to R9, R41: each device holds exactly what its member may see; the same changes, the same facts and so the same
/// order, the same registers, and nothing of its own on top.
pub fn devices_hold_what_their_members_see(world: &mut World) -> Result<(), Violation> {
    let visible = world.witness.visible();
    for at in in_use(world) {
        let member = world.phones[at].member;
        let (Some(dashboard), Some(record)) = (visible.dashboard.get(&member), visible.record.get(&member)) else {
            return broken("a device of a deactivated member is wiped (R10)", format!("phone {at} is not"));
        };
        let held = read(&mut world.phones[at], held)?;
        for (id, document) in &held {
            let by_record = record.contains(id) && !document.visibility.dashboard();
            if !dashboard.contains(id) && !by_record {
                return broken(
                    "nothing stays that may not be seen (R9)",
                    format!("phone {at} of {member} still holds {:?} {id}, {:?}", document.kind, document.visibility),
                );
            }
        }
        for id in dashboard {
            let Some((_, document)) = held.iter().find(|(held, _)| held == id) else {
                let kind = world.witness.mirrors.get(id).map(|mirror| mirror.kind);
                return broken("devices converge", format!("phone {at} of {member} lacks {kind:?} {id}"));
            };
            if !document.visibility.dashboard() {
                return broken("devices converge", format!("phone {at} of {member} hides {id}"));
            }
        }
        for (id, document) in held {
            same_document(world, at, id, &document)?;
            same_facts(world, at, id)?;
            same_registers(world, at, id)?;
        }
    }
    Ok(())
}

fn held(disk: &mut SqliteStorage<'_>) -> Result<Vec<(DocumentId, StoredDocument)>, StorageError> {
    let mut held = Vec::new();
    for id in disk.documents(None)? {
        held.extend(disk.document(id)?.map(|document| (id, document)));
    }
    Ok(held)
}

fn same_document(world: &World, at: usize, id: DocumentId, stored: &StoredDocument) -> Result<(), Violation> {
    let loaded = if stored.saved.is_empty() {
        Ok(Document::new(stored.kind))
    } else {
        Document::load(stored.kind, &stored.saved)
    };
    let document = match loaded.and_then(|mut document| document.apply_bytes(&stored.tail).map(|()| document)) {
        Ok(document) => document,
        Err(error) => return broken("a device's documents can be read", format!("phone {at}: {id}: {error}")),
    };
    let Some(mirror) = world.witness.mirrors.get(&id) else {
        return broken("devices converge", format!("phone {at} holds {:?} {id}, which the relay has not", stored.kind));
    };
    if document.heads() != mirror.document.heads() {
        return broken(
            "devices converge",
            format!(
                "phone {at} has {:?} {id} with {} changes, the relay with {}",
                stored.kind,
                document.changes().len(),
                mirror.document.changes().len()
            ),
        );
    }
    Ok(())
}

/// The relay's facts of a document, as a member gets them.
pub fn relay_facts(world: &mut World, id: DocumentId, member: MemberId) -> Vec<Fact> {
    let connection = world.office.solo.connection();
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, body FROM facts WHERE document = ?1 AND (member IS NULL OR member = ?2) ORDER BY seq",
        )
        .unwrap();
    let rows =
        statement.query_map([id.as_bytes(), member.as_bytes()], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)));
    rows.unwrap()
        .map(|row| {
            let (seq, body) = row.unwrap();
            Fact { seq, body: rmp_serde::from_slice::<FactBody>(&body).unwrap() }
        })
        .collect()
}

fn same_facts(world: &mut World, at: usize, id: DocumentId) -> Result<(), Violation> {
    let theirs = relay_facts(world, id, world.phones[at].member);
    let own = read(&mut world.phones[at], |disk| disk.facts(id))?;
    if own == theirs {
        return Ok(());
    }
    let odd = own.iter().find(|fact| !theirs.contains(fact));
    let lacks = theirs.iter().find(|fact| !own.contains(fact));
    broken("devices converge", format!("phone {at}: the facts of {id} differ: it has {odd:?}, lacks {lacks:?}"))
}

/// R25, R27: a member's marks and drafts are the same on all of their devices.
fn same_registers(world: &mut World, at: usize, id: DocumentId) -> Result<(), Violation> {
    same_values(world, at, &RegisterKey::of(id))
}

/// R16, R21: what a member chose is the same on all of their devices.
pub fn choices_are_the_same(world: &mut World) -> Result<(), Violation> {
    in_use(world).into_iter().try_for_each(|at| same_values(world, at, &choices()))
}

fn same_values(world: &mut World, at: usize, keys: &[RegisterKey]) -> Result<(), Violation> {
    for key in keys.iter().copied() {
        let theirs = relay_register(world, world.phones[at].member, key);
        let own = read(&mut world.phones[at], |disk| disk.register(key))?.map(|register| register.content);
        if significant(own.clone()) != significant(theirs.clone()) {
            return broken(
                "marks and drafts are the same everywhere (R25, R27)",
                format!("phone {at}: {key:?} is {own:?}, at the relay {theirs:?}"),
            );
        }
    }
    Ok(())
}

/// What the relay holds under a member's key.
pub fn relay_register(world: &mut World, member: MemberId, key: RegisterKey) -> Option<RegisterContent> {
    let connection = world.office.solo.connection();
    let mut statement =
        connection.prepare_cached("SELECT content FROM registers WHERE member = ?1 AND key = ?2").unwrap();
    let key = rmp_serde::to_vec_named(&key).unwrap();
    let content: Vec<u8> = statement.query_row((member.as_bytes(), key), |row| row.get(0)).ok()?;
    Some(rmp_serde::from_slice(&content).unwrap())
}

/// Nothing, and what says nothing, are the same.
fn significant(content: Option<RegisterContent>) -> Option<RegisterContent> {
    content.filter(|content| match content {
        RegisterContent::Order(order) => *order > 0,
        RegisterContent::Flag(flag) => *flag,
        RegisterContent::Text(text) => !text.is_empty(),
        RegisterContent::Time(time) => *time != Timestamp::default(),
    })
}

/// The digests that a device computes are those that the relay would.
pub fn digests_agree(world: &mut World) -> Result<(), Violation> {
    let visible = world.witness.visible();
    for at in in_use(world) {
        let member = world.phones[at].member;
        let mut expected = Vec::new();
        for id in visible.dashboard.get(&member).into_iter().flatten() {
            let Some(mirror) = world.witness.mirrors.get(id) else { continue };
            let heads: Vec<[u8; 32]> = mirror.document.heads().iter().map(|head| head.0).collect();
            let last = relay_facts(world, *id, member).iter().map(|fact| fact.seq).max().unwrap_or(0);
            expected.push((*id, digest::document_digest(*id, &heads, last)));
        }
        let own = read(&mut world.phones[at], |disk| {
            let mut own = Vec::new();
            for (id, digest) in disk.digests()? {
                if disk.document_kind(id)?.is_some_and(|(_, visibility)| visibility.dashboard()) {
                    own.push((id, digest));
                }
            }
            Ok(own)
        })?;
        if digest::fold(own.clone()) != digest::fold(expected.clone()) {
            let odd = own.iter().find(|one| !expected.contains(one));
            return broken("digests agree", format!("phone {at}: {odd:?}"));
        }
    }
    Ok(())
}

/// R5, R9: of what a device does not hold there is no row, no search entry, no fact, no alert and no register on it.
pub fn nothing_stays(world: &mut World) -> Result<(), Violation> {
    let all: Vec<(DocumentId, Kind)> = world.witness.mirrors.iter().map(|(id, mirror)| (*id, mirror.kind)).collect();
    for at in in_use(world) {
        let left = read(&mut world.phones[at], |disk| {
            let held: BTreeSet<DocumentId> = disk.documents(None)?.into_iter().collect();
            for (id, kind) in &all {
                if held.contains(id) {
                    continue;
                }
                if !disk.facts(*id)?.is_empty() {
                    return Ok(Some(format!("facts of {id}")));
                }
                for key in RegisterKey::of(*id) {
                    if disk.register(key)?.is_some() {
                        return Ok(Some(format!("{key:?}")));
                    }
                }
                if *kind == Kind::Conversation && disk.reading().conversation_in(*id)?.is_some() {
                    return Ok(Some(format!("the row of {id}")));
                }
                if *kind == Kind::Contact && disk.contact_row(*id)?.is_some() {
                    return Ok(Some(format!("the card of {id}")));
                }
            }
            for active in disk.reading().alerts()? {
                if !held.contains(&active.document) {
                    return Ok(Some(format!("an alert of {}", active.document)));
                }
            }
            for hit in disk.reading().search("415", 100)? {
                if !held.contains(&hit.contact.contact) {
                    return Ok(Some(format!("{} in search", hit.contact.contact)));
                }
            }
            Ok(None)
        })?;
        if let Some(left) = left {
            return broken("nothing stays that may not be seen (R9)", format!("phone {at} still has {left}"));
        }
    }
    Ok(())
}
