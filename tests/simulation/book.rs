//! What members asked for, as they remember it: every intent that a device said was saved, until they took it back.

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{ids::IntentId, sync::storage::IntentRecord};

/// One intent as its author remembers it.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// On which device.
    pub phone: usize,
    /// What was asked for.
    pub verb: &'static str,
    /// The text that must not get lost.
    pub text: Option<String>,
    /// Whether they took it back.
    pub withdrawn: bool,
    /// Whether it may be gone for a reason that nobody can help: the device was wiped, or put back to an older copy.
    pub excused: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Book {
    pub intents: BTreeMap<IntentId, Remembered>,
    /// Texts given out, so that each is another one.
    pub texts: u32,
}

impl Book {
    /// Notes what a command made and what it took away.
    pub fn note(&mut self, phone: usize, before: &[IntentRecord], after: &[IntentRecord]) {
        let ids = |list: &[IntentRecord]| list.iter().map(|intent| intent.id).collect::<BTreeSet<IntentId>>();
        let (was, is) = (ids(before), ids(after));
        for gone in was.difference(&is) {
            if let Some(remembered) = self.intents.get_mut(gone) {
                remembered.withdrawn = true;
            }
        }
        for intent in after.iter().filter(|intent| !was.contains(&intent.id)) {
            let remembered = Remembered {
                phone,
                verb: intent.verb.name(),
                text: intent.verb.text().map(str::to_owned),
                withdrawn: false,
                excused: false,
            };
            self.intents.entry(intent.id).or_insert(remembered);
        }
    }

    /// A device's data is gone, or older than it was.
    pub fn excuse(&mut self, phone: usize) {
        self.intents.values_mut().filter(|intent| intent.phone == phone).for_each(|intent| intent.excused = true);
    }

    /// A text that nobody has written before.
    pub fn text(&mut self, kind: &str) -> String {
        self.texts += 1;
        format!("{kind} {}", self.texts)
    }
}
