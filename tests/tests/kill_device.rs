//! A phone's process is killed again and again at its busiest: nothing that it said was saved is lost, nothing is done
//! twice, and its file is sound.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use offdesk_core::{
    engine::{Offdesk, failpoints},
    failpoint,
};
use offdesk_tests::{
    crash::{
        Death, Deaths, Office,
        files::Copy,
        journal::Told,
        office::{KEY, arrives, device},
        views::{shown, times_shown},
    },
    eventually,
};
use rand::{Rng, RngExt};
use tokio::process::{Child, Command};

/// As the device's database writes it.
const NEEDS_ATTENTION: i64 = 4;

fn worker(office: &Office, death: Death, seed: u64, life: usize) -> Child {
    let log = || std::fs::OpenOptions::new().append(true).create(true).open(office.path("device.log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_device_worker"));
    command.arg(office.path("phone.db")).arg(office.path("journal")).arg(seed.to_string()).arg(life.to_string());
    command.env_remove(failpoint::VARIABLE).stdin(Stdio::null()).stdout(log()).stderr(log()).kill_on_drop(true);
    if let Some(armed) = death.armed() {
        command.env(failpoint::VARIABLE, armed);
    }
    command.spawn().unwrap()
}

fn journal_bytes(office: &Office) -> u64 {
    std::fs::metadata(office.path("journal")).map_or(0, |journal| journal.len())
}

/// What the file holds right after a death, before anybody recovers it.
fn everything_told_is_in_the_file(file: &Path, told: &Told, death: Death) {
    let copy = Copy::of(file, Some(KEY));
    let held = copy.is_sound().intents();
    for (intent, deed) in &told.kept {
        // A tag that turns out to be there already is done; a message is always somewhere, and on its way.
        if deed.message().is_some() {
            let state = held.get(intent);
            assert!(state.is_some(), "{deed:?} ({intent}) was saved and is lost after {death:?}");
            assert_ne!(state, Some(&NEEDS_ATTENTION), "{deed:?} ({intent}) needs attention after {death:?}");
        }
    }
}

/// R32: kill -9 of the device's process, at random moments and at crash points, loses and doubles nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_phone_loses_nothing_that_it_said_was_saved() {
    let deaths = Deaths::planned(&failpoints::ALL);
    let mut rng = deaths.rng(0);
    let office = Office::open(env!("CARGO_BIN_EXE_relay_under_test"), &["Ana", "Ben"]).await;
    office.phone("Ana", "phone").await.close().await;

    let (mut at_points, mut inbound) = (0, Vec::new());
    for (life, death) in deaths.iter().enumerate() {
        let written = journal_bytes(&office);
        let mut process = worker(&office, death, rng.next_u64(), life);
        if life % 3 != 0 && matches!(death, Death::After(_)) {
            // Else most of the random kills on a slow machine would hit a process that only starts.
            eventually("the phone is at work", || journal_bytes(&office) > written).await;
        }
        let dying = death.strike(&mut process);
        tokio::pin!(dying);
        // Customers write meanwhile, so that pages come in.
        loop {
            let pause = Duration::from_millis(rng.random_range(10..60));
            tokio::select! {
                at_point = &mut dying => {
                    at_points += usize::from(at_point);
                    break;
                }
                () = tokio::time::sleep(pause) => {
                    let text = format!("question {} in life {life}", inbound.len());
                    office.inbound(&format!("+1415555{:04}", 2000 + rng.random_range(0..16)), &text).await;
                    inbound.push(text);
                }
            }
        }
        everything_told_is_in_the_file(&office.path("phone.db"), &Told::read(&office.path("journal")), death);
    }
    deaths.were_mostly_at_points(at_points);

    // The last life is a long one.
    let phone = Offdesk::open(device(&office.path("phone.db"), Duration::ZERO)).unwrap();
    phone.start();
    arrives(&phone, "Ana's phone").await;
    let told = Told::read(&office.path("journal"));
    for (conversation, possible) in &told.drafts {
        // A conversation that somebody else had started too goes on under that one's id, the draft with it.
        let Ok(draft) = phone.draft(*conversation) else { continue };
        let draft = draft.unwrap_or_default();
        let kept = possible.iter().any(|possible| draft.lines().any(|line| line == possible) || draft == *possible);
        assert!(kept, "the draft is '{draft}', not one of {possible:?}");
    }
    let on_the_way = ["queued", "dispatching", "handed_over", "sent"];
    eventually("every message has been delivered", || office.evidence().none_is(&on_the_way)).await;
    each_deed_counted_once(&office, &told);

    // Ben's phone, which comes only now, sees what the relay has; so does Ana's.
    let witness = office.phone("Ben", "witness").await;
    for (name, phone) in [("Ana", &phone), ("Ben", &witness)] {
        messages_are_shown_once(name, &times_shown(&shown(phone)), &told, &inbound);
    }
    eventually("both phones show the same", || shown(&phone) == shown(&witness)).await;
    phone.close().await;
    Copy::of(&office.path("phone.db"), Some(KEY)).is_sound();
}

fn each_deed_counted_once(office: &Office, told: &Told) {
    assert!(told.kept.len() > 20 && !told.undone.is_empty(), "the worker did next to nothing");
    let (accepted, ledger) = (office.evidence().accepted(), office.evidence().ledger());
    for (intent, deed) in &told.kept {
        let times = accepted.get(intent).copied().unwrap_or_default();
        // A tag that turned out to be there already needs no change.
        let fine = times == 1 || (times == 0 && deed.message().is_none());
        assert!(fine, "the relay accepted {deed:?} ({intent}) {times} times");
    }
    for (intent, deed) in told.kept.iter().chain(&told.undone) {
        let Some(text) = deed.message().filter(|_| deed.is_outbound()) else { continue };
        let expected = match told.undone.contains_key(intent) {
            true if told.doubtful.contains(text) => continue,
            true => 0,
            false => 1,
        };
        let entries: Vec<_> = ledger.iter().filter(|entry| entry.body == text).collect();
        assert_eq!(entries.len(), expected, "'{text}' in the ledger");
        assert!(entries.iter().all(|entry| entry.state == "delivered"), "{entries:?}");
        assert_eq!(office.times_sent(text), expected, "how often '{text}' was sent");
    }
    for text in &told.doubtful {
        assert!(office.times_sent(text) <= 1, "'{text}' was sent twice");
    }
}

fn messages_are_shown_once(who: &str, times: &BTreeMap<String, usize>, told: &Told, inbound: &[String]) {
    let kept = told.kept.values().filter_map(|deed| deed.message());
    for text in kept.chain(inbound.iter().map(String::as_str)) {
        assert_eq!(times.get(text), Some(&1), "how often {who} sees '{text}'");
    }
    for text in told.undone.values().filter_map(|deed| deed.message()).filter(|text| !told.doubtful.contains(*text)) {
        assert_eq!(times.get(text), None, "{who} sees '{text}', which was taken back");
    }
    for (text, times) in times {
        assert_eq!(*times, 1, "how often {who} sees '{text}'");
    }
}
