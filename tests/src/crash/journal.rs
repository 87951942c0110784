//! What a device's caller was told. The worker writes a line before a call and one after it returned, each synced to disk
//! before it goes on: a deed with its second line must survive whatever happens next, one with only the first may or may
//! not have happened, but not twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
};

use offdesk_core::ids::{ConversationId, IntentId};
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A reply; its text occurs once in the scene.
    Reply(String),
    /// A note, likewise.
    Note(String),
    /// A conversation started (or found) with a first message, likewise.
    Start(String),
    /// A tag, an assignment, a closing: what carries no text.
    Mark(String),
    /// A draft.
    Draft(ConversationId, String),
    /// Something taken back.
    Undo(IntentId),
}

impl Deed {
    /// The text that everybody sees exactly once.
    pub fn message(&self) -> Option<&str> {
        match self {
            Deed::Reply(text) | Deed::Note(text) | Deed::Start(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the customer gets it.
    pub fn is_outbound(&self) -> bool {
        matches!(self, Deed::Reply(_) | Deed::Start(_))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    deed: Deed,
    returned: bool,
    intent: Option<IntentId>,
}

/// The worker's end: appends.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Opens or creates it.
    pub fn open(path: &Path) -> Self {
        Self(OpenOptions::new().append(true).create(true).open(path).unwrap())
    }

    /// About to do it.
    pub fn trying(&mut self, deed: &Deed) {
        self.write(&Line { deed: deed.clone(), returned: false, intent: None });
    }

    /// The call returned with success.
    pub fn returned(&mut self, deed: &Deed, intent: Option<IntentId>) {
        self.write(&Line { deed: deed.clone(), returned: true, intent });
    }

    fn write(&mut self, line: &Line) {
        let mut bytes = serde_json::to_vec(line).unwrap();
        bytes.push(b'\n');
        self.0.write_all(&bytes).unwrap();
        self.0.sync_data().unwrap();
    }
}

/// The judge's end: what must be, and what may be.
#[derive(Debug, Default)]
pub struct Told {
    /// Deeds that returned an intent and were not taken back, nor perhaps.
    pub kept: BTreeMap<IntentId, Deed>,
    /// Intents that were taken back for sure.
    pub undone: BTreeMap<IntentId, Deed>,
    /// Texts of messages that may or may not have been saved, or taken back.
    pub doubtful: BTreeSet<String>,
    /// The drafts that may stand: the last that returned, and those tried after it.
    pub drafts: BTreeMap<ConversationId, Vec<String>>,
}

impl Told {
    /// Reads a journal. A line that the kill cut off says nothing.
    pub fn read(path: &Path) -> Self {
        let mut told = Self::default();
        for line in fs::read_to_string(path).unwrap_or_default().lines() {
            if let Ok(line) = serde_json::from_str::<Line>(line) {
                told.take(line);
            }
        }
        told
    }

    fn take(&mut self, Line { deed, returned, intent }: Line) {
        if let Some(text) = deed.message() {
            if returned {
                self.doubtful.remove(text)
            } else {
                self.doubtful.insert(text.to_owned())
            };
        }
        match (&deed, returned) {
            (Deed::Draft(conversation, text), true) => {
                self.drafts.insert(*conversation, vec![text.clone()]);
            }
            // The reply that sends a draft's text leaves the draft; only another draft replaces it.
            (Deed::Draft(conversation, text), false) => {
                self.drafts.entry(*conversation).or_insert_with(|| vec![String::new()]).push(text.clone());
            }
            (Deed::Undo(intent), returned) => {
                if let Some(deed) = self.kept.remove(intent) {
                    if !returned {
                        self.doubtful.extend(deed.message().map(str::to_owned));
                    }
                    self.undone.insert(*intent, deed);
                }
                if returned {
                    let text = self.undone.get(intent).and_then(Deed::message).unwrap_or_default();
                    self.doubtful.remove(text);
                }
            }
            (_, true) => {
                if let Some(intent) = intent {
                    self.kept.insert(intent, deed);
                }
            }
            (_, false) => {}
        }
    }
}
