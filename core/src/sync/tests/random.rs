//! Random days of a phone: messages, undo, refusals, evictions, a restore, connections cut at any frame, rollbacks and
//! restarts at any moment. Whatever happens: what Ann wrote is at the relay exactly once, or listed to her with a reason,
//! or was taken back by her; in order; and the phone ends up holding what the relay holds. A failure names its seed.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, RngExt};

use super::relay::OUR_NUMBER;
use super::*;
use crate::{
    ids::ConversationId,
    intents::NewContact,
    model::{Channel, Conversation, MessageKind},
    sync::Part,
};

struct Day {
    relay: Relay,
    phone: Phone,
    rng: ChaCha8Rng,
    /// Conversations that Ann may write in, and those that exist at the relay under a phone she may start.
    documents: Vec<DocumentId>,
    written: u32,
    /// What she wrote and did not take back.
    texts: BTreeMap<IntentId, String>,
    last: Option<IntentId>,
    restored: bool,
    new_ids: u8,
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut relay = Relay::new(ANN);
        let documents = (0..3).map(|n| relay.conversation("Customer", &format!("+1415555010{n}")).1).collect();
        let mut phone = Phone::in_sync(&mut relay);
        phone.rng = ChaCha8Rng::seed_from_u64(seed + 1_000_000);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let (texts, last, restored) = (BTreeMap::new(), None, false);
        Self { relay, phone, rng, documents, written: 0, texts, last, restored, new_ids: 0x80 }
    }

    fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn text(&mut self) -> String {
        self.written += 1;
        let text = format!("{:04}", self.written);
        if self.below(8) == 0 {
            self.relay.moods.refuses.insert(text.clone());
        }
        text
    }

    fn submit(&mut self, submission: Submission, text: Option<String>) {
        if let Ok(ids) = self.phone.submit(submission) {
            self.last = ids.last().copied();
            if let (Some(text), Some(id)) = (text, self.last) {
                self.texts.insert(id, text);
            }
        }
    }

    fn write(&mut self) {
        let at = self.below(self.documents.len());
        let document = self.documents[at];
        match self.below(6) {
            0 => self.submit(Submission::one(document, Verb::AddTag { tag: format!("tag {}", self.written) }), None),
            1 => self.submit(Submission::one(document, Verb::Close { seen: None }), None),
            2 => self.submit(Submission::one(document, Verb::Unassign { member: ANN, seen: Vec::new() }), None),
            _ => {
                let text = self.text();
                self.submit(Submission::one(document, Verb::Reply { text: text.clone() }), Some(text));
            }
        }
    }

    fn start(&mut self) {
        self.new_ids += 2;
        let (contact, document) = (DocumentId([self.new_ids; 16]), DocumentId([self.new_ids + 1; 16]));
        let phone = format!("+1415555020{}", self.below(4));
        let text = self.text();
        let new = NewContact { name: "Walk-in".into(), phones: vec![phone], ..NewContact::default() };
        let verb = Verb::StartConversation {
            conversation: ConversationId(document.0),
            contact,
            channel: Channel::Sms(OUR_NUMBER.into()),
            text: Some(text.clone()),
        };
        let parts = vec![
            Part { document: contact, verb: Verb::CreateContact(new), natural_key: None },
            Part { document, verb, natural_key: None },
        ];
        self.submit(Submission { parts }, Some(text));
        self.documents.push(document);
    }

    fn undo(&mut self) {
        let Some(last) = self.last.take() else { return };
        if self.phone.undo(last).is_ok() {
            self.texts.remove(&last);
        }
    }

    fn relay_acts(&mut self) {
        let known: Vec<DocumentId> = self
            .relay
            .documents
            .iter()
            .filter(|(_, held)| Conversation::read(&held.document).is_some())
            .map(|(id, _)| *id)
            .collect();
        let at = self.below(known.len());
        match self.below(8) {
            0 => {
                let phone = format!("+1415555020{}", self.below(4));
                if self.relay.contact_with(&phone).is_none() {
                    let (_, document) = self.relay.conversation("Wrote in", &phone);
                    self.documents.push(document);
                }
            }
            // One of the three that were there from the start, so that nothing that waits goes there later.
            1 if known.len() > 2 && self.below(4) == 0 && !self.restored => self.relay.evict(known[at]),
            _ => drop(self.relay.inbound(known[at], "Hello?")),
        }
    }

    fn connect(&mut self) {
        if self.phone.sent.is_empty() {
            self.phone.event(Event::SyncOnce);
        }
        for _ in 0..3 {
            let Some(sent) = self.phone.sent.pop_front() else { return };
            let frames = if self.below(6) == 0 { Vec::new() } else { self.relay.answer(&sent.frames) };
            let cut = (self.below(3) > 0).then(|| self.below(frames.len() + 1));
            let rollback = (self.below(4) == 0).then(|| self.below(frames.len() + 1));
            self.phone.event(Event::Opened { request: sent.id });
            for (index, frame) in frames.into_iter().enumerate().take(cut.unwrap_or(usize::MAX)) {
                let before = self.phone.disk.clone();
                self.phone.event(Event::Frame { request: sent.id, frame });
                if rollback == Some(index) {
                    // The commit failed; the effects were never carried out.
                    self.phone.disk = before;
                    self.phone.session.forget();
                    self.phone.sent.clear();
                    return;
                }
            }
            let end = if cut.is_some() { End::Broken("cut".into()) } else { End::Finished };
            self.phone.event(Event::Closed { request: sent.id, end });
        }
    }

    fn step(&mut self) {
        match self.below(20) {
            0..7 => self.write(),
            7 => self.start(),
            8 => self.undo(),
            9..12 => self.relay_acts(),
            12..17 => self.connect(),
            17 => self.phone.restart(),
            18 if self.below(12) == 0 && !self.restored && self.relay.evicted.is_empty() => {
                self.restored = true;
                let lost = self.rng.next_u64() % 6;
                self.relay.restore(self.relay.seq - lost);
            }
            _ => {
                let time = Duration::from_millis(self.rng.next_u64() % 5_000);
                self.phone.pass(time);
            }
        }
    }

    /// Everything is allowed to come through; then the books are balanced.
    fn end(&mut self) {
        for _ in 0..10 {
            self.phone.pass(61 * SECOND);
            self.phone.sent.clear();
            self.phone.restart();
            if self.phone.sync(&mut self.relay) == Ok(()) && self.phone.disk.open_intents().unwrap().is_empty() {
                break;
            }
        }
        assert_eq!(self.phone.disk.open_intents().unwrap(), [], "something never arrives");
        self.phone.check_against(&self.relay);
        let mut there: Vec<String> = Vec::new();
        for (id, held) in &self.relay.documents {
            let Some(conversation) = Conversation::read(&held.document) else { continue };
            let own = conversation.messages.values().filter(|message| message.kind == MessageKind::Outbound);
            there.extend(own.map(|message| message.text.clone()));
            let merged =
                held.facts.iter().any(|_| self.documents.iter().position(|known| known == id).is_none_or(|at| at >= 3));
            if !merged && !self.restored {
                let ids: BTreeSet<IntentId> = conversation.messages.keys().copied().collect();
                let order: Vec<&String> =
                    self.relay.accepted.iter().filter(|(id, _)| ids.contains(id)).map(|(_, text)| text).collect();
                assert!(order.is_sorted(), "out of order: {order:?}");
            }
        }
        // What went to conversations that were taken away later was accepted before.
        there.extend(self.relay.gone.iter().cloned());
        let listed = self.phone.disk.attention().unwrap();
        there.extend(listed.iter().filter_map(|intent| intent.verb.text().map(str::to_owned)));
        there.sort();
        let mut expected: Vec<String> = self.texts.values().cloned().collect();
        expected.sort();
        assert_eq!(there, expected, "what was written is not what is there or listed");
    }
}

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_reordered() {
    let days = std::env::var("OFFDESK_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(60);
    let first = std::env::var("OFFDESK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + days {
        let outcome = std::panic::catch_unwind(|| {
            let mut day = Day::new(seed);
            for _ in 0..80 {
                day.step();
            }
            day.end();
        });
        if let Err(panic) = outcome {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
