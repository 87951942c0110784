//! What the two processes said over all their lives, and what must follow from it.

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    engine::{Offdesk, OutboxItem},
    ids::{AlertId, ConversationId},
};
use offdesk_tests::crash::views::{shown, times_shown};

#[derive(Default)]
pub(crate) struct Told {
    /// Texts of messages that were saved.
    kept: BTreeSet<String>,
    /// Drafts of each conversation since the last one that was saved.
    drafts: BTreeMap<ConversationId, Vec<String>>,
    /// How often an alert was about to be shown, and how often that was said to be done.
    showing: BTreeMap<AlertId, usize>,
    confirmed: BTreeMap<AlertId, usize>,
    by: BTreeMap<&'static str, usize>,
    failed: BTreeMap<String, usize>,
}

impl Told {
    pub(crate) fn take(&mut self, role: &'static str, lines: Vec<String>) {
        for line in lines {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["showing", id, ..] => {
                    *self.showing.entry(id.parse().unwrap()).or_default() += 1;
                    *self.by.entry(role).or_default() += 1;
                }
                ["shown", id] => *self.confirmed.entry(id.parse().unwrap()).or_default() += 1,
                ["kept", "reply" | "note", _, text] => drop(self.kept.insert(text.into())),
                ["trying", "draft", conversation, text] => {
                    self.drafts.entry(conversation.parse().unwrap()).or_default().push(text.into());
                }
                ["kept", "draft", conversation, text] => {
                    drop(self.drafts.insert(conversation.parse().unwrap(), vec![text.into()]));
                }
                ["failed" | "incomplete", ..] => {
                    let why = line.split_once(": ").map_or(line.as_str(), |(_, why)| why);
                    *self.failed.entry(format!("{role}: {why}")).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// The test itself was handed these and showed them.
    pub(crate) fn shown_here(&mut self, alerts: &[AlertId]) {
        for alert in alerts {
            *self.showing.entry(*alert).or_default() += 1;
            *self.confirmed.entry(*alert).or_default() += 1;
        }
        self.nothing_was_shown_twice();
    }

    /// R15: an alert is shown again only after a process died between showing it and saying so.
    pub(crate) fn nothing_was_shown_twice(&self) {
        for (alert, times) in &self.showing {
            let confirmed = self.confirmed.get(alert).copied().unwrap_or_default();
            assert!(confirmed <= 1, "alert {alert} was shown {confirmed} times");
            assert!(
                *times <= 1 || *times > confirmed,
                "alert {alert} was shown {times} times, {confirmed} of them well"
            );
        }
    }

    pub(crate) fn everything_was_told(&self, phone: &Offdesk, witness: &Offdesk) {
        let outbox: Vec<OutboxItem> = phone.outbox().unwrap();
        let left: BTreeSet<&str> = outbox.iter().filter_map(|item| item.text.as_deref()).collect();
        let sent = times_shown(&shown(witness));
        for text in &self.kept {
            let times = sent.get(text).copied().unwrap_or_default();
            let fine = times == 1 || (times == 0 && left.contains(text.as_str()));
            assert!(fine, "'{text}' was saved; it was sent {times} times, and the outbox has {left:?}");
        }
        for (conversation, possible) in &self.drafts {
            let draft = phone.draft(*conversation).unwrap().unwrap_or_default();
            let fine = possible.iter().any(|text| draft == *text || left.contains(text.as_str()));
            assert!(fine, "the draft is '{draft}', and not one of {possible:?}, nor is one in {left:?}");
        }
        for active in phone.alerts().unwrap() {
            let id = active.alert.id;
            assert!(self.showing.contains_key(&id), "nobody was told of {active:?}");
        }
    }

    pub(crate) fn in_short(&self) -> String {
        format!(
            "{} messages, {} drafts, alerts {:?}, refused {:?}",
            self.kept.len(),
            self.drafts.len(),
            self.by,
            self.failed
        )
    }

    /// Plans that do next to nothing prove nothing.
    pub(crate) fn was_worth_it(&self, plans: u64) {
        if plans >= 50 {
            assert!(self.kept.len() >= 50 && self.by.len() == 2, "{}", self.in_short());
        }
        let bad = ["database", "disk", "panicked"];
        let wrong = self.failed.keys().filter(|why| bad.iter().any(|bad| why.contains(bad)));
        assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&String>::new());
    }
}
