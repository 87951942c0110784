//! Search in the texts of messages (R23), as one types: each word is the beginning of one in the message.
//!
//! The index answers a beginning of three letters from a list of its own, from the latest message on, at no cost for the
//! rest; a longer one only by merging the lists of all words that begin so, which for `deli` is nearly every shop's every
//! third message. So the latest few hundred messages by three letters are looked at first. If they hold too few that
//! have the whole, then what was typed is rare, and merging is short.

use std::collections::BTreeSet;

use rusqlite::params_from_iter;

use super::Snapshot;
use crate::{
    ids::MessageId,
    store::{
        fold,
        rows::{CONVERSATION, WITH_CONTACT},
    },
    sync::storage::StorageError,
    triage::MessageHit,
};

/// The shortest beginning that is looked up; a shorter word narrows, and is found by itself.
const LETTERS: usize = 3;
/// The latest messages that are looked at by three letters.
const LATEST: usize = 150;
/// If so many of those have it, it is no rarity.
const FREQUENT: usize = LATEST / 10;
/// Words that are looked for; more make a search no narrower in practice.
const MAX_WORDS: usize = 8;
/// Bytes of what was typed that are read.
const MAX_TYPED: usize = 512;

/// What was typed, as words.
fn words(typed: &str) -> Vec<String> {
    let typed = &typed[..typed.floor_char_boundary(MAX_TYPED)];
    let mut words: Vec<String> = fold::words(&fold::ascii(typed)).collect();
    words.dedup();
    words.truncate(MAX_WORDS);
    words
}

/// The words as the index is asked first: those that are long enough, by their first three letters. They hold lower-case
/// letters and digits only.
fn beginnings(words: &[String]) -> Option<String> {
    let long = words.iter().filter(|word| word.len() >= LETTERS);
    let asked: Vec<String> = long.map(|word| format!("\"{}\" *", &word[..LETTERS])).collect();
    (!asked.is_empty()).then(|| asked.join(" AND "))
}

/// As it is asked next: by all that was typed of each; a short word stands by itself.
fn wholes(words: &[String]) -> String {
    let ask = |word: &String| if word.len() < LETTERS { format!("\"{word}\"") } else { format!("\"{word}\" *") };
    words.iter().map(ask).collect::<Vec<_>>().join(" AND ")
}

impl Snapshot<'_> {
    /// The latest messages in which words begin with what was typed, one of each conversation; none for less than three
    /// letters. Of conversations that come by a contact's record, too: the row says which.
    pub fn search_messages(&self, typed: &str, limit: usize) -> Result<Vec<MessageHit>, StorageError> {
        let words = words(typed);
        let Some(short) = beginnings(&words) else { return Ok(Vec::new()) };
        let (mut found, messages) = self.messages_with(&short, &words, limit)?;
        let whole = wholes(&words);
        if found.len() < limit && messages < FREQUENT && whole != short {
            let (rare, _) = self.messages_with(&whole, &words, limit)?;
            let known: BTreeSet<i64> = found.iter().map(|(id, _)| *id).collect();
            found.extend(rare.into_iter().filter(|(id, _)| !known.contains(id)));
            found.truncate(limit);
        }
        // Rows are large and lie apart: only those that are shown are read.
        let mut hits = Vec::with_capacity(found.len());
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r {WITH_CONTACT}
             WHERE r.id = ?1 AND r.visibility <> 0 AND r.dashboard <> 2"
        ))?;
        for (id, message) in found {
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                let conversation = self.conversation_of(row, 0)?;
                hits.push(MessageHit { by_record: !conversation.visibility.dashboard(), conversation, message });
            }
        }
        Ok(hits)
    }

    /// Of the latest messages that meet `asked`, those that hold the words: one of each conversation, and how many were
    /// looked at until there were enough.
    fn messages_with(
        &self,
        asked: &str,
        words: &[String],
        limit: usize,
    ) -> Result<(Vec<(i64, MessageId)>, usize), StorageError> {
        let holds = " AND instr(' ' || t.text, ' ' || ?) > 0".repeat(words.len());
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT t.conversation, t.message FROM (
                 SELECT rowid AS id FROM message_search WHERE message_search MATCH ? ORDER BY rowid DESC LIMIT {LATEST}
             ) found CROSS JOIN message_texts t ON t.id = found.id
             WHERE 1{holds} ORDER BY t.id DESC"
        ))?;
        let values = std::iter::once(asked).chain(words.iter().map(String::as_str));
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found: Vec<(i64, MessageId)> = Vec::new();
        let mut messages = 0;
        while let Some(row) = rows.next()?
            && found.len() < limit
        {
            messages += 1;
            let (id, message) = (row.get(0)?, row.get(1)?);
            if found.iter().all(|(known, _)| *known != id) {
                found.push((id, message));
            }
        }
        Ok((found, messages))
    }
}
