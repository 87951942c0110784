//! An Automerge chunk (a saved document, or one change) taken apart, and put together again.
//!
//! The format is Automerge's binary document format, version 1: magic bytes, checksum, kind, length; then lists of hashes and
//! actors, the list of the columns, and the columns. The checksum is the beginning of the chunk's SHA-256, which for a change is
//! its hash as well: reader and writer work it out, so that the change that comes next need not name what it depends on. Only
//! that of an abridged change ([`super::super::abridged`]) is sent.

use sha2::{Digest, Sha256};

use super::{
    Damaged, columns,
    leb::{put_signed, put_unsigned, take_bytes, take_signed, take_unsigned},
    tables::{Hash, Id, MAX_LISTED, Reader, Writer, time_of},
    times::Brought,
};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const DOCUMENT: u8 = 0;
const CHANGE: u8 = 1;
/// Columns of changes and of operations in a document, of operations in a change.
const KINDS_OF_COLUMNS: [&[u8]; 2] = [b"\0first", b"\0second"];

/// Keys of the paths below a chunk's.
mod below {
    pub(super) const DOCUMENT: &[u8] = b"\0document";
    pub(super) const CHANGE: &[u8] = b"\0change";
    pub(super) const ACTORS: &[u8] = b"actors";
    pub(super) const HASHES: &[u8] = b"hashes";
    pub(super) const SEQ: &[u8] = b"seq";
    pub(super) const START: &[u8] = b"start";
    pub(super) const TIME: &[u8] = b"time";
    pub(super) const MESSAGE: &[u8] = b"message";
    pub(super) const REST: &[u8] = b"rest";
}

/// What stands only in a change.
struct Authored<'a> {
    seq: u64,
    start: u64,
    time: i64,
    message: &'a [u8],
}

/// A chunk, taken apart.
pub(super) struct Chunk<'a> {
    /// Heads of a document, dependencies of a change.
    hashes: Vec<Hash>,
    /// All actors of a document; the author of a change, then the others that it names.
    actors: Vec<&'a [u8]>,
    authored: Option<Authored<'a>>,
    columns: Vec<Vec<columns::Column<'a>>>,
    /// Places of a document's heads, or what a newer version appends.
    rest: &'a [u8],
    hash: Hash,
    /// The first bytes of the hash, or those of what an abridged change was.
    checksum: [u8; 4],
}

/// Takes a chunk apart; `None` if it is none, or would not come back byte by byte.
pub(super) fn parse(bytes: &[u8]) -> Option<Chunk<'_>> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (checksum, mut rest) = rest.split_first_chunk::<4>()?;
    let hash: Hash = Sha256::digest(rest).into();
    let (kind, after) = rest.split_first()?;
    rest = after;
    if take_unsigned(&mut rest)? != rest.len() as u64 {
        return None;
    }
    match *kind {
        DOCUMENT if hash[..4] == checksum[..] => parse_document(rest, hash),
        CHANGE => parse_change(rest, hash, *checksum),
        _ => None,
    }
}

fn parse_document(mut rest: &[u8], hash: Hash) -> Option<Chunk<'_>> {
    let actors = parse_list(&mut rest, parse_actor)?;
    let hashes = parse_list(&mut rest, parse_hash)?;
    let (changes, operations) = (parse_list(&mut rest, parse_column)?, parse_list(&mut rest, parse_column)?);
    let columns = vec![columns::parse(&changes, true, &mut rest)?, columns::parse(&operations, false, &mut rest)?];
    Some(Chunk { hashes, actors, authored: None, columns, rest, hash, checksum: [0; 4] })
}

fn parse_change(mut rest: &[u8], hash: Hash, checksum: [u8; 4]) -> Option<Chunk<'_>> {
    let hashes = parse_list(&mut rest, parse_hash)?;
    let mut actors = vec![parse_actor(&mut rest)?];
    let (seq, start) = (take_unsigned(&mut rest)?, take_unsigned(&mut rest)?);
    let time = take_signed(&mut rest)?;
    let length = take_unsigned(&mut rest)?;
    let message = take_bytes(&mut rest, length)?;
    actors.extend(parse_list(&mut rest, parse_actor)?);
    let operations = parse_list(&mut rest, parse_column)?;
    let columns = vec![columns::parse(&operations, false, &mut rest)?];
    let authored = Some(Authored { seq, start, time, message });
    Some(Chunk { hashes, actors, authored, columns, rest, hash, checksum })
}

fn parse_list<'a, T>(from: &mut &'a [u8], one: impl Fn(&mut &'a [u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = take_unsigned(from).filter(|count| *count <= MAX_LISTED)?;
    (0..count).map(|_| one(from)).collect()
}

fn parse_actor<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_unsigned(from)?;
    take_bytes(from, length)
}

fn parse_hash(from: &mut &[u8]) -> Option<Hash> {
    take_bytes(from, 32)?.try_into().ok()
}

fn parse_column(from: &mut &[u8]) -> Option<(u64, u64)> {
    Some((take_unsigned(from)?, take_unsigned(from)?))
}

/// Packs a chunk; `None` if there are too many paths.
pub(super) fn put(writer: &mut Writer<'_>, path: usize, chunk: &Chunk<'_>) -> Option<()> {
    let below = if chunk.authored.is_some() { below::CHANGE } else { below::DOCUMENT };
    writer.unsigned(path, u64::from(chunk.authored.is_some()));
    let path = writer.child(path, below)?;
    let hashes = writer.child(path, below::HASHES)?;
    writer.tag(path, chunk.hashes.len() as u64);
    chunk.hashes.iter().for_each(|hash| writer.hash(hashes, *hash));
    let actors = writer.child(path, below::ACTORS)?;
    writer.tag(path, chunk.actors.len() as u64);
    chunk.actors.iter().for_each(|actor| put_actor(writer, actors, actor));
    if let Some(Authored { seq, start, time, message }) = chunk.authored {
        let paths = [below::SEQ, below::START, below::TIME, below::MESSAGE].map(|key| writer.child(path, key));
        writer.near(paths[0]?, seq);
        writer.near(paths[1]?, start);
        let id = writer.text(paths[3]?, message);
        writer.signed(paths[2]?, time.wrapping_sub(seconds_of(id)));
    }
    let mut brought = Brought::default();
    for (columns, key) in chunk.columns.iter().zip(KINDS_OF_COLUMNS) {
        let path = writer.child(path, key)?;
        columns::put(writer, path, columns, &mut brought)?;
    }
    let rest = writer.child(path, below::REST)?;
    writer.tag(rest, chunk.rest.len() as u64);
    writer.bytes(rest, chunk.rest);
    if chunk.authored.is_some() {
        let given = chunk.hash[..4] != chunk.checksum[..];
        writer.tag(path, u64::from(given));
        if given {
            writer.bytes(path, &chunk.checksum);
        } else {
            writer.know(chunk.hash);
        }
    }
    Some(())
}

fn put_actor(writer: &mut Writer<'_>, path: usize, actor: &[u8]) {
    writer.tag(path, actor.len() as u64);
    match actor.try_into() {
        Ok(id) => writer.id(path, id),
        Err(_) => writer.bytes(path, actor),
    }
}

/// Unpacks a chunk of at most `most` bytes.
pub(super) fn take(reader: &mut Reader<'_, '_>, path: usize, to: &mut Vec<u8>, most: usize) -> Result<(), Damaged> {
    let (kind, below) = match reader.unsigned(path)? {
        0 => (DOCUMENT, below::DOCUMENT),
        1 => (CHANGE, below::CHANGE),
        _ => return Err(Damaged),
    };
    let path = reader.child(path, below)?;
    let mut body = Vec::new();
    let hashes = take_hashes(reader, path)?;
    let actors = take_actors(reader, path)?;
    if kind == DOCUMENT {
        put_list(&mut body, &actors, |to, actor| put_sized(to, actor));
        put_list(&mut body, &hashes, |to, hash| to.extend_from_slice(hash));
    } else {
        let (author, others) = actors.split_first().ok_or(Damaged)?;
        put_list(&mut body, &hashes, |to, hash| to.extend_from_slice(hash));
        put_sized(&mut body, author);
        take_authored(reader, path, &mut body)?;
        put_list(&mut body, others, |to, actor| put_sized(to, actor));
    }
    take_columns(reader, path, kind, &mut body, most)?;
    let rest = reader.child(path, below::REST)?;
    let length = reader.tag(rest)?;
    body.extend_from_slice(reader.bytes(rest, length)?);
    let mut chunk = vec![kind];
    put_sized(&mut chunk, &body);
    let hash: Hash = Sha256::digest(&chunk).into();
    to.extend_from_slice(&MAGIC);
    if kind == CHANGE && reader.tag(path)? == 1 {
        let checksum = reader.bytes(path, 4)?;
        // A writer says only what can't be worked out.
        if checksum == &hash[..4] {
            return Err(Damaged);
        }
        to.extend_from_slice(checksum);
    } else {
        if kind == CHANGE {
            reader.know(hash);
        }
        to.extend_from_slice(&hash[..4]);
    }
    to.extend_from_slice(&chunk);
    if to.len() > most { Err(Damaged) } else { Ok(()) }
}

fn take_hashes(reader: &mut Reader<'_, '_>, path: usize) -> Result<Vec<Hash>, Damaged> {
    let hashes = reader.child(path, below::HASHES)?;
    (0..reader.count(path)?).map(|_| reader.hash(hashes)).collect()
}

fn take_actors(reader: &mut Reader<'_, '_>, path: usize) -> Result<Vec<Vec<u8>>, Damaged> {
    let actors = reader.child(path, below::ACTORS)?;
    (0..reader.count(path)?)
        .map(|_| match reader.tag(actors)? {
            16 => Ok(reader.id(actors)?.to_vec()),
            length => Ok(reader.bytes(actors, length)?.to_vec()),
        })
        .collect()
}

fn take_authored(reader: &mut Reader<'_, '_>, path: usize, to: &mut Vec<u8>) -> Result<(), Damaged> {
    let paths = [below::SEQ, below::START, below::TIME, below::MESSAGE].map(|key| reader.child(path, key));
    put_unsigned(to, reader.near(paths[0]?)?);
    put_unsigned(to, reader.near(paths[1]?)?);
    let mut message = Vec::new();
    let id = reader.text(paths[3]?, &mut message)?;
    put_signed(to, reader.signed(paths[2]?)?.wrapping_add(seconds_of(id)));
    put_sized(to, &message);
    Ok(())
}

/// The time that a change with this id in its message most likely has.
fn seconds_of(id: Option<Id>) -> i64 {
    id.map_or(0, |id| time_of(&id).cast_signed().div_euclid(1000))
}

fn take_columns(
    reader: &mut Reader<'_, '_>,
    path: usize,
    kind: u8,
    to: &mut Vec<u8>,
    most: usize,
) -> Result<(), Damaged> {
    let kinds = if kind == DOCUMENT { &KINDS_OF_COLUMNS[..] } else { &KINDS_OF_COLUMNS[..1] };
    let (mut data, mut brought) = (Vec::new(), Brought::default());
    for key in kinds {
        let path = reader.child(path, key)?;
        let of_changes = kind == DOCUMENT && *key == KINDS_OF_COLUMNS[0];
        let columns = columns::take(reader, path, of_changes, &mut data, &mut brought, most)?;
        put_list(to, &columns, |to, (spec, length)| {
            put_unsigned(to, *spec);
            put_unsigned(to, *length);
        });
    }
    to.extend_from_slice(&data);
    Ok(())
}

fn put_list<T>(to: &mut Vec<u8>, list: &[T], one: impl Fn(&mut Vec<u8>, &T)) {
    put_unsigned(to, list.len() as u64);
    list.iter().for_each(|item| one(to, item));
}

fn put_sized(to: &mut Vec<u8>, bytes: &[u8]) {
    put_unsigned(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}
