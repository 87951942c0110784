//! Where values go: a path for each place in a frame, each with a stream of tags and one of data, and the tables of what came
//! before. Writer and reader make the same paths and tables in the same order.

use std::collections::HashMap;

use super::{
    Damaged,
    leb::{put_signed, put_unsigned, take_bytes, take_signed, take_unsigned},
};

/// Where a frame begins.
pub(super) const ROOT: usize = 0;
/// The random bytes of ids.
const RANDOM: usize = 1;
const HASHES: usize = 2;
/// Words, when they come first.
const WORDS: usize = 3;
/// Texts, which never become words.
const TEXTS: usize = 4;
const FIXED_PATHS: usize = 5;
/// More places than this has no frame; it bounds what a hostile batch makes the reader set up.
const MAX_PATHS: usize = 4096;
/// Longer ones are texts.
const MAX_WORD: usize = 16;
const MAX_WORDS: usize = 4096;

/// What a text is, before its data.
mod form {
    pub(super) const NEW_WORD: u64 = 0;
    pub(super) const ID: u64 = 1;
    pub(super) const TWO_IDS: u64 = 2;
    pub(super) const TEXT: u64 = 3;
    /// The first word of the table; the others follow.
    pub(super) const WORDS: u64 = 4;
}

pub(super) type Id = [u8; 16];
pub(super) type Hash = [u8; 32];

/// What a path knows of what came last there.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    number: u64,
    /// Place in the table of ids.
    id: usize,
    hash: usize,
    time: u64,
}

/// A tree of places.
#[derive(Debug)]
struct Paths {
    children: Vec<HashMap<Vec<u8>, usize>>,
    last: Vec<Last>,
}

impl Paths {
    fn new() -> Self {
        Self { children: vec![HashMap::new(); FIXED_PATHS], last: vec![Last::default(); FIXED_PATHS] }
    }

    /// The path below `path`, and whether it is new; `None` if there are too many.
    fn child(&mut self, path: usize, key: &[u8]) -> Option<(usize, bool)> {
        if let Some(child) = self.children[path].get(key) {
            return Some((*child, false));
        }
        let child = self.children.len();
        if child == MAX_PATHS {
            return None;
        }
        self.children[path].insert(key.to_vec(), child);
        self.children.push(HashMap::new());
        self.last.push(Last::default());
        Some((child, true))
    }
}

/// What came before, by number.
#[derive(Debug)]
struct Known<K> {
    all: Vec<K>,
    /// Only the writer looks up.
    places: HashMap<K, usize>,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self { all: Vec::new(), places: HashMap::new() }
    }
}

impl<K: Clone + Eq + std::hash::Hash> Known<K> {
    fn add(&mut self, key: K) -> usize {
        let place = self.all.len();
        self.all.push(key.clone());
        self.places.insert(key, place);
        place
    }
}

/// Writes a batch.
#[derive(Debug)]
pub(super) struct Writer {
    paths: Paths,
    tags: Vec<Vec<u8>>,
    data: Vec<Vec<u8>>,
    ids: Known<Id>,
    hashes: Known<Hash>,
    words: Known<Vec<u8>>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            paths: Paths::new(),
            tags: vec![Vec::new(); FIXED_PATHS],
            data: vec![Vec::new(); FIXED_PATHS],
            ids: Known::default(),
            hashes: Known::default(),
            words: Known::default(),
        }
    }
}

impl Writer {
    /// The path below `path`; `None` if there are too many.
    pub(super) fn child(&mut self, path: usize, key: &[u8]) -> Option<usize> {
        let (child, new) = self.paths.child(path, key)?;
        if new {
            self.tags.push(Vec::new());
            self.data.push(Vec::new());
        }
        Some(child)
    }

    /// A number that says what follows.
    pub(super) fn tag(&mut self, path: usize, tag: u64) {
        put_unsigned(&mut self.tags[path], tag);
    }

    pub(super) fn unsigned(&mut self, path: usize, number: u64) {
        put_unsigned(&mut self.data[path], number);
    }

    pub(super) fn signed(&mut self, path: usize, number: i64) {
        put_signed(&mut self.data[path], number);
    }

    /// A number near the last one here.
    pub(super) fn near(&mut self, path: usize, number: u64) {
        let difference = number.wrapping_sub(self.paths.last[path].number);
        self.paths.last[path].number = number;
        self.signed(path, difference.cast_signed());
    }

    pub(super) fn bytes(&mut self, path: usize, bytes: &[u8]) {
        self.data[path].extend_from_slice(bytes);
    }

    pub(super) fn id(&mut self, path: usize, id: Id) {
        let last = self.paths.last[path];
        let place = if let Some(place) = self.ids.places.get(&id).copied() {
            put_unsigned(&mut self.data[path], step(last.id, place));
            place
        } else {
            put_unsigned(&mut self.data[path], 0);
            let time = time_of(&id);
            put_signed(&mut self.tags[path], time.wrapping_sub(last.time).cast_signed());
            self.paths.last[path].time = time;
            self.data[RANDOM].extend_from_slice(&id[6..]);
            self.ids.add(id)
        };
        self.paths.last[path].id = place;
    }

    pub(super) fn hash(&mut self, path: usize, hash: Hash) {
        let last = self.paths.last[path];
        let place = if let Some(place) = self.hashes.places.get(&hash).copied() {
            put_unsigned(&mut self.data[path], step(last.hash, place));
            place
        } else {
            put_unsigned(&mut self.data[path], 0);
            self.data[HASHES].extend_from_slice(&hash);
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

    /// A text whose length the reader may know from elsewhere. Returns its id if it is one's ULID.
    pub(super) fn text(&mut self, path: usize, text: &[u8], length_known: bool) -> Option<Id> {
        if let Some(id) = ulid(text) {
            self.unsigned(path, form::ID);
            self.id(path, id);
            return Some(id);
        }
        if let Some((first, second)) = two_ulids(text) {
            self.unsigned(path, form::TWO_IDS);
            self.id(path, first);
            self.id(path, second);
            return None;
        }
        if text.len() <= MAX_WORD {
            if let Some(word) = self.words.places.get(text).copied() {
                self.unsigned(path, form::WORDS + word as u64);
                return None;
            }
            if self.words.all.len() < MAX_WORDS {
                self.unsigned(path, form::NEW_WORD);
                put_unsigned(&mut self.data[WORDS], text.len() as u64);
                self.bytes(WORDS, text);
                self.words.add(text.to_vec());
                return None;
            }
        }
        self.unsigned(path, form::TEXT);
        if !length_known {
            put_unsigned(&mut self.tags[TEXTS], text.len() as u64);
        }
        self.bytes(TEXTS, text);
        None
    }

    /// The batch: how many values and paths, each path's lengths, then the streams themselves.
    pub(super) fn finish(self, count: u64) -> Vec<u8> {
        let mut batch = Vec::new();
        put_unsigned(&mut batch, count);
        put_unsigned(&mut batch, self.tags.len() as u64);
        for (tags, data) in self.tags.iter().zip(&self.data) {
            put_unsigned(&mut batch, tags.len() as u64);
            put_unsigned(&mut batch, data.len() as u64);
        }
        for (tags, data) in self.tags.iter().zip(&self.data) {
            batch.extend_from_slice(tags);
            batch.extend_from_slice(data);
        }
        batch
    }
}

/// Reads a batch.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    paths: Paths,
    tags: Vec<&'a [u8]>,
    data: Vec<&'a [u8]>,
    ids: Vec<Id>,
    hashes: Vec<Hash>,
    known_hashes: std::collections::HashSet<Hash>,
    words: Vec<&'a [u8]>,
}

impl<'a> Reader<'a> {
    /// The reader, and how many values the batch holds.
    pub(super) fn new(batch: &'a [u8]) -> Result<(Self, u64), Damaged> {
        let mut rest = batch;
        let count = take_unsigned(&mut rest).ok_or(Damaged)?;
        let paths = take_unsigned(&mut rest).ok_or(Damaged)?;
        if !(FIXED_PATHS as u64..=MAX_PATHS as u64).contains(&paths) {
            return Err(Damaged);
        }
        let lengths: Vec<u64> =
            (0..paths * 2).map(|_| take_unsigned(&mut rest)).collect::<Option<_>>().ok_or(Damaged)?;
        let streams: Vec<&[u8]> =
            lengths.iter().map(|length| take_bytes(&mut rest, *length)).collect::<Option<_>>().ok_or(Damaged)?;
        let (tags, data) = streams.as_chunks::<2>().0.iter().map(|[tags, data]| (*tags, *data)).unzip();
        let reader = Self {
            paths: Paths::new(),
            tags,
            data,
            ids: Vec::new(),
            hashes: Vec::new(),
            known_hashes: std::collections::HashSet::new(),
            words: Vec::new(),
        };
        Ok((reader, count))
    }

    /// The path below `path`.
    pub(super) fn child(&mut self, path: usize, key: &[u8]) -> Result<usize, Damaged> {
        let (child, _) = self.paths.child(path, key).ok_or(Damaged)?;
        if child < self.tags.len() { Ok(child) } else { Err(Damaged) }
    }

    pub(super) fn tag(&mut self, path: usize) -> Result<u64, Damaged> {
        take_unsigned(&mut self.tags[path]).ok_or(Damaged)
    }

    pub(super) fn unsigned(&mut self, path: usize) -> Result<u64, Damaged> {
        take_unsigned(&mut self.data[path]).ok_or(Damaged)
    }

    pub(super) fn signed(&mut self, path: usize) -> Result<i64, Damaged> {
        take_signed(&mut self.data[path]).ok_or(Damaged)
    }

    pub(super) fn near(&mut self, path: usize) -> Result<u64, Damaged> {
        let number = self.paths.last[path].number.wrapping_add(self.signed(path)?.cast_unsigned());
        self.paths.last[path].number = number;
        Ok(number)
    }

    pub(super) fn bytes(&mut self, path: usize, length: u64) -> Result<&'a [u8], Damaged> {
        take_bytes(&mut self.data[path], length).ok_or(Damaged)
    }

    pub(super) fn id(&mut self, path: usize) -> Result<Id, Damaged> {
        let last = self.paths.last[path];
        let place = match self.unsigned(path)? {
            0 => {
                let step = take_signed(&mut self.tags[path]).ok_or(Damaged)?;
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
        self.ids.get(place).copied().ok_or(Damaged)
    }

    pub(super) fn hash(&mut self, path: usize) -> Result<Hash, Damaged> {
        let last = self.paths.last[path];
        let place = match self.unsigned(path)? {
            0 => {
                let hash: Hash = self.bytes(HASHES, 32)?.try_into().map_err(|_| Damaged)?;
                self.know(hash);
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

    /// A text; its length if that is known from elsewhere.
    pub(super) fn text(&mut self, path: usize, length: Option<u64>, to: &mut Vec<u8>) -> Result<Option<Id>, Damaged> {
        match self.unsigned(path)? {
            form::ID => {
                let id = self.id(path)?;
                put_ulid(to, id);
                return Ok(Some(id));
            }
            form::TWO_IDS => {
                let (first, second) = (self.id(path)?, self.id(path)?);
                put_ulid(to, first);
                to.push(b'/');
                put_ulid(to, second);
            }
            form::NEW_WORD => {
                let length = self.unsigned(WORDS)?;
                let word = self.bytes(WORDS, length)?;
                self.words.push(word);
                to.extend_from_slice(word);
            }
            form::TEXT => {
                let length = match length {
                    Some(length) => length,
                    None => self.tag(TEXTS)?,
                };
                to.extend_from_slice(self.bytes(TEXTS, length)?);
            }
            word => {
                let word = usize::try_from(word - form::WORDS).ok().and_then(|word| self.words.get(word));
                to.extend_from_slice(word.ok_or(Damaged)?);
            }
        }
        Ok(None)
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

fn ulid(text: &[u8]) -> Option<Id> {
    if text.len() != ulid::ULID_LEN {
        return None;
    }
    let id = ulid::Ulid::from_string(std::str::from_utf8(text).ok()?).ok()?;
    // Small letters and letters that are read for digits name an id too, and would not come back.
    let mut again = [0; ulid::ULID_LEN];
    (id.array_to_str(&mut again).as_bytes() == text).then(|| id.to_bytes())
}

fn two_ulids(text: &[u8]) -> Option<(Id, Id)> {
    if text.len() != 2 * ulid::ULID_LEN + 1 || text[ulid::ULID_LEN] != b'/' {
        return None;
    }
    Some((ulid(&text[..ulid::ULID_LEN])?, ulid(&text[ulid::ULID_LEN + 1..])?))
}

fn put_ulid(to: &mut Vec<u8>, id: Id) {
    to.extend_from_slice(ulid::Ulid::from_bytes(id).array_to_str(&mut [0; ulid::ULID_LEN]).as_bytes());
}
