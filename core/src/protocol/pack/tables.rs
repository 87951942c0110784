//! Where values go: a path for each place in a frame, each with four streams, and the tables of what came before. Writer and
//! reader make the same paths and tables in the same order.

use std::collections::{HashMap, HashSet};

use super::{
    super::abridged::{ABRIDGED_BYTES, is_abridged},
    Damaged,
    leb::{put_signed, put_unsigned, take_bytes, take_signed, take_unsigned},
    texts::Dictionary,
};

/// Where a frame begins.
pub(super) const ROOT: usize = 0;
/// The random bytes of ids.
const RANDOM: usize = 1;
const HASHES: usize = 2;
/// Words of few letters, when they come first.
pub(super) const NAMES: usize = 3;
/// Words of texts, when they come first.
pub(super) const NEW_WORDS: usize = 4;
/// Words of texts, as places in the dictionary: higher and lower part.
pub(super) const WORDS: usize = 5;
/// What stands between words.
pub(super) const GAPS: usize = 6;
const FIXED_PATHS: usize = 7;
/// More places than this has no frame; it bounds what a hostile batch makes the reader set up.
const MAX_PATHS: usize = 4096;
/// The most hashes, actors or columns of a chunk that is taken apart: a byte can stand for each, however long it is.
pub(super) const MAX_LISTED: u64 = 1 << 16;

/// The streams of a path: what like stands beside like there.
pub(super) mod stream {
    /// Kinds and lengths.
    pub(in super::super) const TAGS: usize = 0;
    /// Values.
    pub(in super::super) const DATA: usize = 1;
    /// Places of ids in their table.
    pub(in super::super) const PLACES: usize = 2;
    /// Times of new ids.
    pub(super) const TIMES: usize = 3;
    pub(super) const COUNT: usize = 4;
}
use stream::{COUNT, DATA, PLACES, TAGS, TIMES};

pub(super) type Id = [u8; 16];
pub(super) type Hash = [u8; 32];

/// How many ids back a number is compared with.
pub(super) const RECENT: usize = 4;

/// What a path knows of what came last there.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    number: u64,
    /// Place in the table of ids.
    id: usize,
    hash: usize,
    time: u64,
}

/// A tree of places, and what came last.
#[derive(Debug)]
pub(super) struct Paths {
    pub(super) children: Vec<HashMap<Vec<u8>, usize>>,
    last: Vec<Last>,
    /// Times of the ids that came last, the latest first.
    recent: [u64; RECENT],
}

impl Paths {
    fn new() -> Self {
        Self {
            children: vec![HashMap::new(); FIXED_PATHS],
            last: vec![Last::default(); FIXED_PATHS],
            recent: [0; RECENT],
        }
    }

    /// The path below `path`; `None` if there are too many.
    fn child(&mut self, path: usize, key: &[u8]) -> Option<usize> {
        if let Some(child) = self.children[path].get(key) {
            return Some(*child);
        }
        let child = self.children.len();
        if child == MAX_PATHS {
            return None;
        }
        self.children[path].insert(key.to_vec(), child);
        self.children.push(HashMap::new());
        self.last.push(Last::default());
        Some(child)
    }

    fn came(&mut self, id: &Id) {
        let time = time_of(id);
        if self.recent[0] != time {
            self.recent.rotate_right(1);
            self.recent[0] = time;
        }
    }
}

/// What came before, by number.
#[derive(Debug)]
pub(super) struct Known<K> {
    pub(super) places: HashMap<K, usize>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { places: HashMap::new() }
    }
}

impl<K: Eq + std::hash::Hash> Known<K> {
    pub(super) fn add(&mut self, key: K) -> usize {
        let place = self.places.len();
        self.places.insert(key, place);
        place
    }
}

/// Writes a batch.
#[derive(Debug)]
pub(super) struct Writer<'d> {
    pub(super) paths: Paths,
    pub(super) streams: Vec<Vec<u8>>,
    ids: Known<Id>,
    hashes: Known<Hash>,
    pub(super) names: Known<Vec<u8>>,
    pub(super) texts: Known<Vec<u8>>,
    pub(super) dictionary: &'d mut Dictionary,
}

impl<'d> Writer<'d> {
    pub(super) fn new(dictionary: &'d mut Dictionary) -> Self {
        Self {
            paths: Paths::new(),
            streams: vec![Vec::new(); FIXED_PATHS * COUNT],
            ids: Known::default(),
            hashes: Known::default(),
            names: Known::default(),
            texts: Known::default(),
            dictionary,
        }
    }

    /// The path below `path`; `None` if there are too many.
    pub(super) fn child(&mut self, path: usize, key: &[u8]) -> Option<usize> {
        let child = self.paths.child(path, key)?;
        self.streams.resize(self.paths.children.len() * COUNT, Vec::new());
        Some(child)
    }

    pub(super) fn stream(&mut self, path: usize, stream: usize) -> &mut Vec<u8> {
        &mut self.streams[path * COUNT + stream]
    }

    /// A number that says what follows.
    pub(super) fn tag(&mut self, path: usize, tag: u64) {
        put_unsigned(self.stream(path, TAGS), tag);
    }

    pub(super) fn unsigned(&mut self, path: usize, number: u64) {
        put_unsigned(self.stream(path, DATA), number);
    }

    pub(super) fn signed(&mut self, path: usize, number: i64) {
        put_signed(self.stream(path, DATA), number);
    }

    /// A number near the last one here.
    pub(super) fn near(&mut self, path: usize, number: u64) {
        let difference = number.wrapping_sub(self.paths.last[path].number);
        self.paths.last[path].number = number;
        self.signed(path, difference.cast_signed());
    }

    /// Which of the ids that came last has this time.
    pub(super) fn recent(&self, time: u64) -> Option<u64> {
        self.paths.recent.iter().position(|recent| *recent == time).map(|place| place as u64)
    }

    pub(super) fn bytes(&mut self, path: usize, bytes: &[u8]) {
        self.stream(path, DATA).extend_from_slice(bytes);
    }

    pub(super) fn id(&mut self, path: usize, id: Id) {
        let last = self.paths.last[path];
        let place = if let Some(place) = self.ids.places.get(&id).copied() {
            put_unsigned(self.stream(path, PLACES), step(last.id, place));
            place
        } else {
            put_unsigned(self.stream(path, PLACES), 0);
            let time = time_of(&id);
            put_signed(self.stream(path, TIMES), time.wrapping_sub(last.time).cast_signed());
            self.paths.last[path].time = time;
            self.bytes(RANDOM, &id[6..]);
            self.ids.add(id)
        };
        self.paths.last[path].id = place;
        self.paths.came(&id);
    }

    pub(super) fn hash(&mut self, path: usize, hash: Hash) {
        let last = self.paths.last[path];
        let place = if let Some(place) = self.hashes.places.get(&hash).copied() {
            put_unsigned(self.stream(path, PLACES), step(last.hash, place));
            place
        } else {
            put_unsigned(self.stream(path, PLACES), 0);
            let length = if is_abridged(&hash) { ABRIDGED_BYTES } else { hash.len() };
            self.tag(HASHES, length as u64);
            self.bytes(HASHES, &hash[..length]);
            self.hashes.add(hash)
        };
        self.paths.last[path].hash = place;
    }

    /// A hash that the reader can work out as well.
    pub(super) fn know(&mut self, hash: Hash) {
        if !self.hashes.places.contains_key(&hash) {
            self.hashes.add(hash);
        }
    }

    /// The batch: how many values and paths, the lengths of the streams that hold something, and those.
    pub(super) fn finish(self, count: u64) -> Vec<u8> {
        let mut batch = Vec::new();
        put_unsigned(&mut batch, count);
        put_unsigned(&mut batch, (self.streams.len() / COUNT) as u64);
        put_unsigned(&mut batch, self.streams.iter().filter(|stream| !stream.is_empty()).count() as u64);
        let mut before = 0;
        for (number, stream) in self.streams.iter().enumerate().filter(|(_, stream)| !stream.is_empty()) {
            put_unsigned(&mut batch, (number - before) as u64);
            put_unsigned(&mut batch, stream.len() as u64);
            before = number;
        }
        self.streams.iter().for_each(|stream| batch.extend_from_slice(stream));
        batch
    }
}

/// Reads a batch.
#[derive(Debug)]
pub(super) struct Reader<'a, 'd> {
    paths: Paths,
    streams: Vec<&'a [u8]>,
    ids: Vec<Id>,
    hashes: Vec<Hash>,
    known_hashes: HashSet<Hash>,
    pub(super) names: Vec<&'a [u8]>,
    pub(super) texts: Vec<Vec<u8>>,
    pub(super) dictionary: &'d mut Dictionary,
    /// The most bytes of a text.
    pub(super) most: usize,
}

impl<'a, 'd> Reader<'a, 'd> {
    /// The reader of a batch that holds at most `most` bytes, and how many values there are.
    pub(super) fn new(batch: &'a [u8], dictionary: &'d mut Dictionary, most: usize) -> Result<(Self, u64), Damaged> {
        let mut rest = batch;
        let number = |rest: &mut &'a [u8]| take_unsigned(rest).ok_or(Damaged);
        let (count, paths, filled) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
        if !(FIXED_PATHS as u64..=MAX_PATHS as u64).contains(&paths) {
            return Err(Damaged);
        }
        let mut streams: Vec<&[u8]> = vec![&[]; paths as usize * COUNT];
        let mut lengths = Vec::new();
        let mut place: u64 = 0;
        for _ in 0..filled {
            place =
                place.checked_add(number(&mut rest)?).filter(|place| *place < paths * COUNT as u64).ok_or(Damaged)?;
            lengths.push((place as usize, number(&mut rest)?));
        }
        for (place, length) in lengths {
            streams[place] = take_bytes(&mut rest, length).ok_or(Damaged)?;
        }
        let reader = Self {
            paths: Paths::new(),
            streams,
            ids: Vec::new(),
            hashes: Vec::new(),
            known_hashes: HashSet::new(),
            names: Vec::new(),
            texts: Vec::new(),
            dictionary,
            most,
        };
        Ok((reader, count))
    }

    /// The path below `path`.
    pub(super) fn child(&mut self, path: usize, key: &[u8]) -> Result<usize, Damaged> {
        let child = self.paths.child(path, key).ok_or(Damaged)?;
        if child < self.streams.len() / COUNT { Ok(child) } else { Err(Damaged) }
    }

    pub(super) fn stream(&mut self, path: usize, stream: usize) -> &mut &'a [u8] {
        &mut self.streams[path * COUNT + stream]
    }

    pub(super) fn tag(&mut self, path: usize) -> Result<u64, Damaged> {
        take_unsigned(self.stream(path, TAGS)).ok_or(Damaged)
    }

    /// The tag that says how long a list is.
    pub(super) fn count(&mut self, path: usize) -> Result<u64, Damaged> {
        let count = self.tag(path)?;
        if count > MAX_LISTED { Err(Damaged) } else { Ok(count) }
    }

    pub(super) fn unsigned(&mut self, path: usize) -> Result<u64, Damaged> {
        take_unsigned(self.stream(path, DATA)).ok_or(Damaged)
    }

    pub(super) fn signed(&mut self, path: usize) -> Result<i64, Damaged> {
        take_signed(self.stream(path, DATA)).ok_or(Damaged)
    }

    pub(super) fn near(&mut self, path: usize) -> Result<u64, Damaged> {
        let number = self.paths.last[path].number.wrapping_add(self.signed(path)?.cast_unsigned());
        self.paths.last[path].number = number;
        Ok(number)
    }

    /// The time of one of the ids that came last.
    pub(super) fn recent(&self, place: u64) -> Result<u64, Damaged> {
        usize::try_from(place).ok().and_then(|place| self.paths.recent.get(place)).copied().ok_or(Damaged)
    }

    pub(super) fn bytes(&mut self, path: usize, length: u64) -> Result<&'a [u8], Damaged> {
        take_bytes(self.stream(path, DATA), length).ok_or(Damaged)
    }

    pub(super) fn id(&mut self, path: usize) -> Result<Id, Damaged> {
        let last = self.paths.last[path];
        let place = match take_unsigned(self.stream(path, PLACES)).ok_or(Damaged)? {
            0 => {
                let step = take_signed(self.stream(path, TIMES)).ok_or(Damaged)?;
                let time = last.time.wrapping_add(step.cast_unsigned());
                self.paths.last[path].time = time;
                let mut id = Id::default();
                id[..6].copy_from_slice(&time.to_be_bytes()[2..]);
                id[6..].copy_from_slice(self.bytes(RANDOM, 10)?);
                self.ids.push(id);
                self.ids.len() - 1
            }
            code => stepped(last.id, code),
        };
        self.paths.last[path].id = place;
        let id = self.ids.get(place).copied().ok_or(Damaged)?;
        self.paths.came(&id);
        Ok(id)
    }

    pub(super) fn hash(&mut self, path: usize) -> Result<Hash, Damaged> {
        let last = self.paths.last[path];
        let place = match take_unsigned(self.stream(path, PLACES)).ok_or(Damaged)? {
            0 => {
                let mut hash = Hash::default();
                let length = self.tag(HASHES)?;
                let bytes = self.bytes(HASHES, length)?;
                hash.get_mut(..bytes.len()).ok_or(Damaged)?.copy_from_slice(bytes);
                // A writer names a hash that is known by its place.
                if !self.known_hashes.insert(hash) {
                    return Err(Damaged);
                }
                self.hashes.push(hash);
                self.hashes.len() - 1
            }
            code => stepped(last.hash, code),
        };
        self.paths.last[path].hash = place;
        self.hashes.get(place).copied().ok_or(Damaged)
    }

    /// A hash that was worked out.
    pub(super) fn know(&mut self, hash: Hash) {
        if self.known_hashes.insert(hash) {
            self.hashes.push(hash);
        }
    }
}

/// How far a place in a table is from the one after the last; 1 is exactly there.
fn step(last: usize, place: usize) -> u64 {
    let ahead = place as i64 - (last as i64 + 1);
    ((ahead << 1) ^ (ahead >> 63)).cast_unsigned() + 1
}

fn stepped(last: usize, code: u64) -> usize {
    let folded = code - 1;
    let ahead = (folded >> 1) ^ (folded & 1).wrapping_neg();
    (last as u64).wrapping_add(1).wrapping_add(ahead) as usize
}

/// The milliseconds in an id's leading bits.
pub(super) fn time_of(id: &Id) -> u64 {
    id[..6].iter().fold(0, |time, byte| time << 8 | u64::from(*byte))
}
