//! Every byte of a device's file, decrypted: free pages included, as a thief with the key would read them.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use offdesk_tests::database;
use rusqlite::MAIN_DB;

use crate::phone::KEY;

/// A device's file as it lies there.
pub struct Bytes {
    words: BTreeSet<String>,
    terms: BTreeSet<String>,
}

impl Bytes {
    /// Reads a file, whose app may be running, and looks for words in it.
    pub fn of(file: &Path, wanted: impl Iterator<Item = String>) -> Self {
        let connection = database::open(file, &KEY);
        let plain = connection.serialize(MAIN_DB).unwrap().to_vec();
        connection
            .execute_batch("CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'contact_search', 'row')")
            .unwrap();
        let mut statement = connection.prepare("SELECT term FROM temp.terms").unwrap();
        let terms = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        Self { words: found(&plain, wanted), terms }
    }

    /// Whether a word stands anywhere.
    pub fn hold(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// Whether the search index has this trigram.
    pub fn index(&self, trigram: &str) -> bool {
        self.terms.contains(trigram)
    }
}

/// Those of the words that stand somewhere, in one walk over the bytes.
fn found(plain: &[u8], wanted: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut by_start: HashMap<[u8; 2], Vec<String>> = HashMap::new();
    for word in wanted {
        let bytes = word.as_bytes();
        by_start.entry([bytes[0], bytes[1]]).or_default().push(word);
    }
    let mut found = BTreeSet::new();
    for (at, start) in plain.windows(2).enumerate() {
        let Some(words) = by_start.get(&[start[0], start[1]]) else { continue };
        found.extend(words.iter().filter(|word| plain[at..].starts_with(word.as_bytes())).cloned());
    }
    found
}
