//! Texts: ids as letters, short words, and what people write, word by word.
//!
//! What people write is taken apart into words and what stands between them. A word is a place in a dictionary that both sides
//! build as words come up, in the order in which they do, so that frequent words tend to have low places. Words with a single
//! space between them make a phrase, whose number of words is all that is said of the spaces. The compressor then
//! sees one byte for a frequent word and two for others, each with its like, instead of letters among which it has to find
//! that word again. On a cold start the dictionary outlives the batch; its size is bounded.

use std::collections::HashMap;

use super::{
    Damaged,
    leb::{put_unsigned, take_unsigned},
    tables::{
        GAPS, Id, NAMES, NEW_WORDS, Reader, WORDS, Writer,
        stream::{DATA, PLACES, TAGS},
    },
};

/// Longer texts are not kept as names.
const MAX_NAME: usize = 16;
const MAX_NAMES: usize = 4096;
/// Longer words are not kept.
const MAX_WORD: usize = 24;
/// Words below this one are a single byte. 0 is a word that is not known.
const SINGLE: usize = 160;
/// The most words of a dictionary: what two bytes can name.
const MAX_WORDS: usize = SINGLE - 1 + (256 - SINGLE) * 256;
/// The most gaps of a dictionary, and their length.
const MAX_GAPS: usize = 127;
const MAX_GAP: usize = 8;

/// What a text is, before its data.
mod form {
    pub(super) const NEW_NAME: u64 = 0;
    pub(super) const ID: u64 = 1;
    pub(super) const TWO_IDS: u64 = 2;
    /// Words and gaps.
    pub(super) const TEXT: u64 = 3;
    /// A text that came before, counted back from the last.
    pub(super) const AGAIN: u64 = 4;
    /// The first of the names; the others follow.
    pub(super) const NAMES: u64 = 5;
}

/// The words that have come up so far.
#[derive(Debug, Default)]
pub(in super::super) struct Dictionary {
    words: List,
    gaps: List,
}

#[derive(Debug, Default)]
struct List {
    all: Vec<Box<[u8]>>,
    places: HashMap<Box<[u8]>, usize>,
}

impl List {
    fn add(&mut self, word: &[u8], most: usize, longest: usize) {
        if self.all.len() < most && word.len() <= longest && !self.places.contains_key(word) {
            self.places.insert(word.into(), self.all.len());
            self.all.push(word.into());
        }
    }

    fn truncate(&mut self, length: usize) {
        for word in self.all.drain(length..) {
            self.places.remove(&word);
        }
    }
}

impl Dictionary {
    /// How much it holds, to go back to with [`Dictionary::truncate`].
    pub(super) fn length(&self) -> (usize, usize) {
        (self.words.all.len(), self.gaps.all.len())
    }

    pub(super) fn truncate(&mut self, (words, gaps): (usize, usize)) {
        self.words.truncate(words);
        self.gaps.truncate(gaps);
    }
}

impl Writer<'_> {
    /// A text. Returns its id if it is one's ULID.
    pub(super) fn text(&mut self, path: usize, text: &[u8]) -> Option<Id> {
        if let Some(id) = ulid(text) {
            self.unsigned(path, form::ID);
            self.id(path, id);
            return Some(id);
        }
        if let Some((first, second)) = two_ulids(text) {
            self.unsigned(path, form::TWO_IDS);
            self.id(path, first);
            self.id(path, second);
        } else if let Some(name) = self.names.places.get(text).copied() {
            self.unsigned(path, form::NAMES + name as u64);
        } else if text.len() <= MAX_NAME && self.names.places.len() < MAX_NAMES {
            self.unsigned(path, form::NEW_NAME);
            self.tag(NAMES, text.len() as u64);
            self.bytes(NAMES, text);
            self.names.add(text.to_vec());
        } else if let Some(place) = self.texts.places.get(text).copied() {
            self.unsigned(path, form::AGAIN);
            self.tag(path, (self.texts.places.len() - place) as u64);
        } else {
            self.texts.add(text.to_vec());
            self.unsigned(path, form::TEXT);
            self.words(path, text);
        }
        None
    }

    /// Phrase by phrase: words with a single space between them, and what ends it.
    fn words(&mut self, path: usize, text: &[u8]) {
        let (mut parts, mut phrases) = (text, 0);
        while !parts.is_empty() {
            let mut words = 0;
            let mut gap = cut(&mut parts, false);
            // A phrase may begin the text or follow a gap: nothing stands before its first word.
            if gap.is_empty() {
                loop {
                    let word = cut(&mut parts, true);
                    self.word(word);
                    words += 1;
                    gap = cut(&mut parts, false);
                    if gap != b" " || parts.is_empty() {
                        break;
                    }
                }
            }
            put_unsigned(self.stream(GAPS, PLACES), words);
            self.gap(gap);
            phrases += 1;
        }
        self.tag(path, phrases);
    }

    fn word(&mut self, word: &[u8]) {
        let code = self.dictionary.words.places.get(word).map_or(0, |place| place + 1);
        if code < SINGLE {
            self.stream(WORDS, TAGS).push(code as u8);
        } else {
            let code = code - SINGLE;
            self.stream(WORDS, TAGS).push((SINGLE + (code >> 8)) as u8);
            self.stream(WORDS, DATA).push(code as u8);
        }
        if code == 0 {
            self.tag(NEW_WORDS, word.len() as u64);
            self.bytes(NEW_WORDS, word);
            self.dictionary.words.add(word, MAX_WORDS, MAX_WORD);
        }
    }

    fn gap(&mut self, gap: &[u8]) {
        let code = self.dictionary.gaps.places.get(gap).map_or(0, |place| place + 1);
        self.stream(GAPS, TAGS).push(code as u8);
        if code == 0 {
            self.unsigned(GAPS, gap.len() as u64);
            self.bytes(GAPS, gap);
            self.dictionary.gaps.add(gap, MAX_GAPS, MAX_GAP);
        }
    }
}

impl Reader<'_, '_> {
    /// Appends a text. Returns its id if it is one's ULID.
    pub(super) fn text(&mut self, path: usize, to: &mut Vec<u8>) -> Result<Option<Id>, Damaged> {
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
            form::NEW_NAME => {
                let length = self.tag(NAMES)?;
                let name = self.bytes(NAMES, length)?;
                self.names.push(name);
                to.extend_from_slice(name);
            }
            form::AGAIN => {
                let back = usize::try_from(self.tag(path)?).map_err(|_| Damaged)?;
                let text = self.texts.len().checked_sub(back).and_then(|place| self.texts.get(place));
                to.extend_from_slice(text.ok_or(Damaged)?);
            }
            form::TEXT => {
                let start = to.len();
                for _ in 0..self.tag(path)? {
                    for word in 0..take_unsigned(self.stream(GAPS, PLACES)).ok_or(Damaged)? {
                        if word > 0 {
                            to.push(b' ');
                        }
                        self.word(to)?;
                        if to.len() - start > self.most {
                            return Err(Damaged);
                        }
                    }
                    self.gap(to)?;
                }
                self.texts.push(to[start..].to_vec());
            }
            name => {
                let name = name.checked_sub(form::NAMES).and_then(|name| usize::try_from(name).ok());
                to.extend_from_slice(name.and_then(|name| self.names.get(name)).ok_or(Damaged)?);
            }
        }
        Ok(None)
    }

    fn word(&mut self, to: &mut Vec<u8>) -> Result<(), Damaged> {
        let first = usize::from(self.byte(WORDS, TAGS)?);
        let place = match first {
            0 => {
                let length = self.tag(NEW_WORDS)?;
                let word = self.bytes(NEW_WORDS, length)?;
                self.dictionary.words.add(word, MAX_WORDS, MAX_WORD);
                to.extend_from_slice(word);
                return Ok(());
            }
            1..SINGLE => first - 1,
            _ => SINGLE + ((first - SINGLE) << 8) + usize::from(self.byte(WORDS, DATA)?) - 1,
        };
        to.extend_from_slice(self.dictionary.words.all.get(place).ok_or(Damaged)?);
        Ok(())
    }

    fn gap(&mut self, to: &mut Vec<u8>) -> Result<(), Damaged> {
        match usize::from(self.byte(GAPS, TAGS)?) {
            0 => {
                let length = self.unsigned(GAPS)?;
                let gap = self.bytes(GAPS, length)?;
                self.dictionary.gaps.add(gap, MAX_GAPS, MAX_GAP);
                to.extend_from_slice(gap);
            }
            code => to.extend_from_slice(self.dictionary.gaps.all.get(code - 1).ok_or(Damaged)?),
        }
        Ok(())
    }

    fn byte(&mut self, path: usize, stream: usize) -> Result<u8, Damaged> {
        let stream = self.stream(path, stream);
        let (byte, rest) = stream.split_first().ok_or(Damaged)?;
        *stream = rest;
        Ok(*byte)
    }
}

/// Cuts the longest part off the front that is a word, or that is none.
fn cut<'t>(text: &mut &'t [u8], word: bool) -> &'t [u8] {
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'\'' || !byte.is_ascii();
    let length = text.iter().position(|byte| in_word(byte) != word).unwrap_or(text.len());
    let (part, rest) = text.split_at(length);
    *text = rest;
    part
}

/// The id that a text is. Small letters and letters that are read for digits name an id too, and would not come back.
fn ulid(text: &[u8]) -> Option<Id> {
    if text.len() != ulid::ULID_LEN {
        return None;
    }
    let id = ulid::Ulid::from_string(std::str::from_utf8(text).ok()?).ok()?;
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
