//! The relay's process is killed again and again while phones and customers write and the provider misbehaves: nothing
//! that was accepted is lost, nothing reaches a customer twice, every phone ends up with the same, and the file is sound.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use offdesk_core::{
    engine::{Error, NetworkState, Offdesk},
    ids::IntentId,
    triage::InboxFilter,
};
use offdesk_relay::{
    demo::provider::{Faults, Provider},
    failpoints,
};
use offdesk_tests::{
    OUR_NUMBER,
    crash::{
        Deaths, Office,
        evidence::Entry,
        journal::Deed,
        office::arrives,
        views::{shown, times_shown},
    },
    eventually, in_time,
};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use tokio::{sync::watch, task::JoinSet};

/// What several replies to one customer say in the same words: of these the provider can't always tell which it has.
const THANKS: &str = "Thank you!";

/// Everything that calls returned for, by intent.
type Done = Arc<Mutex<BTreeMap<IntentId, Deed>>>;

/// A member who works until told to stop, in and out of tunnels.
struct Member {
    phone: Offdesk,
    name: &'static str,
    rng: ChaCha8Rng,
    done: Done,
    count: u32,
}

impl Member {
    async fn work(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow_and_update() {
            let deeds = self.rng.random_range(1..4);
            let tunnel = self.rng.random_ratio(1, 10);
            if tunnel {
                self.phone.set_network(NetworkState::Offline);
            }
            // Writing waits for the disk; the provider, who shares the runtime, is not to wait with it.
            tokio::task::block_in_place(|| (0..deeds).for_each(|_| self.something()));
            let pause = Duration::from_millis(self.rng.random_range(20..90));
            let stopped = tokio::time::timeout(pause, stop.changed()).await.is_ok();
            if tunnel {
                self.phone.set_network(NetworkState::Online);
            }
            if stopped {
                return;
            }
        }
    }

    fn text(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what} {} of {}", self.count, self.name)
    }

    fn something(&mut self) {
        let rows = self.phone.inbox(&InboxFilter::default(), 100, None).unwrap();
        let conversation = rows.choose(&mut self.rng).map(|row| row.conversation);
        let (deed, done) = match (conversation, self.rng.random_range(0..100)) {
            (None, _) | (_, 0..12) => {
                let text = self.text("start");
                let customer = format!("+1415555{:04}", 3000 + self.rng.random_range(0..24));
                let started = self.phone.start_conversation(&customer, None, None, Some(&text));
                (Deed::Start(text), started.map(|started| started.intent.unwrap()))
            }
            (Some(conversation), 12..64) => {
                let text = self.text("reply");
                let done = self.phone.reply(conversation, &text);
                (Deed::Reply(text), done)
            }
            (Some(conversation), 64..68) => (Deed::Mark(THANKS.into()), self.phone.reply(conversation, THANKS)),
            (Some(conversation), 68..80) => {
                let text = self.text("note");
                let done = self.phone.note(conversation, &text);
                (Deed::Note(text), done)
            }
            (Some(conversation), 80..90) => {
                let tag = format!("tag {}", self.rng.random_range(0..8));
                (Deed::Mark(tag.clone()), self.phone.add_tag(conversation, &tag))
            }
            (Some(conversation), _) => {
                let member = self.phone.members().unwrap().choose(&mut self.rng).unwrap().id;
                (Deed::Mark("assign".into()), self.phone.assign(conversation, member))
            }
        };
        match done {
            Ok(intent) => drop(self.done.lock().unwrap().insert(intent, deed)),
            // It has that tag already; or it turned out to be a conversation that a colleague started first.
            Err(Error::Verb(_) | Error::UnknownConversation(_)) => {}
            Err(error) => panic!("{deed:?}: {error}"),
        }
    }
}

/// What goes wrong at the provider during one life of the relay.
fn misbehave(provider: &Provider, rng: &mut ChaCha8Rng) {
    let faults = Faults {
        delay_ms: rng.random_range(0..40),
        drop_answers: rng.random_range(0..3),
        fail_before: rng.random_range(0..2),
        fail_after: rng.random_range(0..2),
        busy: rng.random_range(0..2),
        fail_lists: rng.random_range(0..2),
        duplicate_webhooks: rng.random(),
        reversed_callbacks: rng.random(),
        ..Faults::default()
    };
    provider.faults(|now| *now = faults);
}

/// Customers write until the relay dies; each text is tried until some life of the relay has it.
struct Customers {
    rng: ChaCha8Rng,
    sent: Vec<String>,
    waiting: JoinSet<()>,
}

impl Customers {
    async fn write(&mut self, provider: &Arc<Provider>) {
        loop {
            let text = format!("question {}", self.sent.len());
            self.sent.push(text.clone());
            let from = format!("+1415555{:04}", 3000 + self.rng.random_range(0..32));
            let provider = provider.clone();
            self.waiting.spawn(async move { drop(provider.inbound(&from, OUR_NUMBER, &text).await.unwrap()) });
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(15..90))).await;
        }
    }
}

/// R32, R31: kill -9 of the relay's process, at random moments and at crash points inside its transactions and around the
/// provider, loses and doubles nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_loses_nothing_and_sends_nothing_twice() {
    let deaths = Deaths::planned(&failpoints::ALL);
    let mut rng = deaths.rng(0);
    let mut office = Office::open(env!("CARGO_BIN_EXE_relay_under_test"), &["Ana", "Ben"]).await;
    let phones = [
        ("Ana's phone", office.phone("Ana", "ana").await),
        ("Ana's tablet", office.phone("Ana", "tablet").await),
        ("Ben's phone", office.phone("Ben", "ben").await),
    ];
    office.relay.kill().await;

    let done = Done::default();
    let stop = watch::Sender::new(false);
    let mut members = JoinSet::new();
    for (part, (name, phone)) in (1..).zip(&phones) {
        let member = Member { phone: phone.clone(), name, rng: deaths.rng(part), done: done.clone(), count: 0 };
        members.spawn(member.work(stop.subscribe()));
    }
    let mut customers = Customers { rng: deaths.rng(9), sent: Vec::new(), waiting: JoinSet::new() };
    let mut at_points = 0;
    for death in deaths.iter() {
        misbehave(&office.provider, &mut rng);
        office.relay.start(Some(death)).await;
        for (_, phone) in &phones {
            // The host sees the network come back; else the phones would wait out their pauses.
            phone.set_network(NetworkState::Online);
        }
        let provider = office.provider.clone();
        tokio::select! {
            at_point = office.relay.dies(death) => at_points += usize::from(at_point),
            () = customers.write(&provider) => {}
        }
        office.relay_file_is_sound();
    }
    deaths.were_mostly_at_points(at_points);

    stop.send_replace(true);
    in_time("the members stop", async {
        while let Some(stopped) = members.join_next().await {
            stopped.unwrap()
        }
    })
    .await;
    office.provider.faults(|now| *now = Faults::default());
    office.relay.start(None).await;
    for (name, phone) in &phones {
        phone.set_network(NetworkState::Online);
        arrives(phone, name).await;
    }
    in_time("all questions come through", async {
        while let Some(came) = customers.waiting.join_next().await {
            came.unwrap();
        }
    })
    .await;
    eventually("nothing waits to be sent", || office.evidence().none_is(&["queued", "dispatching"])).await;
    eventually("all phones show the same", || phones.iter().all(|(_, phone)| shown(phone) == shown(&phones[0].1)))
        .await;

    let done = std::mem::take(&mut *done.lock().unwrap());
    each_deed_counted_once(&office, &phones[0].1, &done, &customers.sent);
    nothing_was_sent_twice(&office.provider, &office.evidence().ledger());
    office.relay.kill().await;
    office.relay_file_is_sound();
}

fn each_deed_counted_once(office: &Office, phone: &Offdesk, done: &BTreeMap<IntentId, Deed>, inbound: &[String]) {
    let (accepted, times) = (office.evidence().accepted(), times_shown(&shown(phone)));
    for (intent, deed) in done {
        let times = accepted.get(intent).copied().unwrap_or_default();
        // A tag that a colleague had added first needs no change.
        let fine = times == 1 || (times == 0 && deed.message().is_none());
        assert!(fine, "the relay accepted {deed:?} ({intent}) {times} times");
    }
    for text in done.values().filter_map(Deed::message).chain(inbound.iter().map(String::as_str)) {
        assert_eq!(times.get(text), Some(&1), "how often '{text}' is shown");
    }
    for (text, times) in times.iter().filter(|(text, _)| *text != THANKS) {
        assert_eq!(*times, 1, "how often '{text}' is shown");
    }
}

/// The provider's own log is the judge.
fn nothing_was_sent_twice(provider: &Provider, ledger: &[Entry]) {
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    for text in provider.texts().into_iter().filter(|text| !text.inbound) {
        *taken.entry((text.to, text.body)).or_default() += 1;
    }
    let mut written: BTreeMap<(String, String), Vec<&Entry>> = BTreeMap::new();
    for entry in ledger {
        written.entry((entry.recipient.clone(), entry.body.clone())).or_default().push(entry);
    }
    for (key, times) in &taken {
        let entries = written.get(key).map_or(0, Vec::len);
        assert!(*times <= entries, "{key:?}: {entries} messages in the ledger, but the provider took {times}");
    }
    for (key, entries) in &written {
        let times = taken.get(key).copied().unwrap_or_default();
        let known =
            entries.iter().filter(|entry| matches!(entry.state.as_str(), "handed_over" | "sent" | "delivered")).count();
        let unknown = entries.iter().filter(|entry| entry.state == "unknown").count();
        assert_eq!(known + unknown, entries.len(), "{entries:?}");
        assert!(known <= times, "{entries:?}: the provider took {times}");
        // Only of texts that occur more than once can the provider not tell which one it has.
        assert!(unknown == 0 || entries.len() > 1, "{entries:?}: the provider took {times}");
    }
}
