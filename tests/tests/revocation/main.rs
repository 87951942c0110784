//! R9: every change of what a member may see, at every page boundary at which its delivery can break off, with and without
//! work under way: in the end the device holds exactly what they may see, what they wrote is delivered or left to them with
//! the reason, and no byte of anything else is in its file.
//!
//! ```text
//! cargo test --release -p offdesk-tests --test revocation -- --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, unreachable_pub)]

mod company;
mod leftovers;
mod phone;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use company::{Case, Company, Given};
use leftovers::Bytes;
use offdesk_core::ids::DocumentId;
use phone::{Cut, Phone};

/// What is under way when access changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Nothing,
    /// Replies that were never sent.
    Pending,
    /// Replies that were sent and never came.
    InFlight,
    /// Replies that were sent and accepted; the answer was lost.
    Accepted,
}

const WORK: [Work; 4] = [Work::Nothing, Work::Pending, Work::InFlight, Work::Accepted];

/// A device that has everything that a level shows, its records opened, and its relay.
struct Stage {
    company: Mutex<Company>,
    file: std::path::PathBuf,
    given: Given,
    held: BTreeSet<DocumentId>,
}

fn stage(folder: &Path, at: usize, given: Given) -> Stage {
    let mut company = Company::found(given);
    let file = folder.join(format!("stage-{at}.db"));
    let mut phone = Phone::enrol(&file, &company);
    assert!(phone.sync(&mut company, Cut::Never));
    // R7: every conversation that a record opens.
    let member = given.member();
    let mut records = Vec::new();
    for case in company.cases.clone() {
        let stands = company.stands(&case);
        if member.by_record(stands) && !member.on_dashboard(stands) {
            records.extend(case.conversation);
        }
    }
    phone.open_records(&records);
    assert!(phone.sync(&mut company, Cut::Never));
    let held: BTreeSet<DocumentId> = phone.held().into_iter().collect();
    phone.close();
    check(&mut company, &held, &file, &format!("{given:?} at first"), given);
    Stage { company: Mutex::new(company), file, given, held }
}

/// Compares what the device holds with what may be seen, and its file's bytes with both.
fn check(company: &mut Company, held: &BTreeSet<DocumentId>, file: &Path, told: &str, given: Given) {
    let member = given.member();
    let words = company.cases.iter().flat_map(|case| case.card.iter().chain(&case.said)).cloned();
    let bytes = Bytes::of(file, words);
    for case in company.cases.clone() {
        let stands = company.stands(&case);
        let talks = case.conversation.is_some();
        let card = if talks { member.sees_card(stands) } else { member.opens_record(stands) };
        assert_eq!(held.contains(&case.contact), card, "the card of {:?}: {told}", case.card);
        stand(&bytes, &case.card, card, told);
        assert_eq!(bytes.index(&case.trigram), card, "the search for {}: {told}", case.card[0]);
        let Some(conversation) = case.conversation else { continue };
        let here = held.contains(&conversation);
        assert!(here || !member.on_dashboard(stands), "what the dashboard shows is here: {:?}: {told}", case.said);
        assert!(!here || member.sees(stands), "what may not be seen is not: {:?}: {told}", case.said);
        stand(&bytes, &case.said, here, told);
    }
}

fn stand(bytes: &Bytes, words: &[String], here: bool, told: &str) {
    for word in words {
        assert_eq!(bytes.hold(word), here, "the bytes of '{word}': {told}");
    }
}

/// Mia writes in every conversation that she has on her device.
fn write(phone: &mut Phone, cases: &[Case], held: &BTreeSet<DocumentId>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for case in cases {
        let Some(conversation) = case.conversation.filter(|conversation| held.contains(conversation)) else { continue };
        let text = format!("own words about {}", case.trigram.to_uppercase());
        phone.reply(conversation, &text);
        texts.insert(text);
    }
    texts
}

/// One change of access. Returns whether the cut was reached.
fn play(stage: &Stage, to: Given, work: Work, cut: Cut, file: &Path) -> bool {
    let told = format!("{:?} -> {to:?}, {work:?}, {cut:?}", stage.given);
    let mut company = stage.company.lock().unwrap().copy();
    phone::copy(&stage.file, file);
    let mut phone = Phone::open(file, company.now);
    let texts = match work {
        Work::Nothing => BTreeSet::new(),
        _ => write(&mut phone, &company.cases, &stage.held),
    };
    match work {
        Work::InFlight | Work::Accepted if !texts.is_empty() => {
            phone.lose_a_push(&mut company, work == Work::Accepted);
        }
        _ => {}
    }
    company.give(to);
    company.news();
    let whole = phone.sync(&mut company, cut);
    // What was delivered may have brought something about: an assignment, and with it a conversation.
    for _ in 0..3 {
        phone.sync(&mut company, Cut::Never);
    }
    let held: BTreeSet<DocumentId> = phone.held().into_iter().collect();
    let (accepted, attention) = (company.accepted(), phone.attention());
    assert_eq!(phone.open_intents(), 0, "{told}");
    for text in &texts {
        let kept = attention.iter().any(|(kept, lost)| kept == text && *lost);
        assert!(accepted.contains(text) != kept, "'{text}' is delivered or left to her with the reason: {told}");
    }
    check(&mut company, &held, file, &told, to);
    phone.close();
    !whole
}

/// R4 to R7, R9, R32: see the head of this file.
#[test]
fn a_device_ends_with_what_may_be_seen_and_no_byte_more() {
    let folder = tempfile::tempdir().unwrap();
    let stages: Vec<Stage> =
        Given::all().into_iter().enumerate().map(|(at, given)| stage(folder.path(), at, given)).collect();
    let (runs, cuts, next) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let changes: Vec<(&Stage, Given)> = stages
        .iter()
        .flat_map(|stage| Given::all().into_iter().filter(|to| *to != stage.given).map(move |to| (stage, to)))
        .collect();
    // The disk is waited for most of the time.
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let file = folder.path().join(format!("device-{thread}.db"));
            let (runs, cuts, next, changes) = (&runs, &cuts, &next, &changes);
            scope.spawn(move || {
                while let Some((stage, to)) = changes.get(next.fetch_add(1, SeqCst)) {
                    for work in WORK {
                        play(stage, *to, work, Cut::Never, &file);
                        // What was sent has an answer of its own, which is cut once.
                        let most = if [Work::Nothing, Work::Pending].contains(&work) { usize::MAX } else { 1 };
                        let mut page = 1;
                        while page <= most && play(stage, *to, work, Cut::After(page), &file) {
                            page += 1;
                        }
                        runs.fetch_add(page + 1, SeqCst);
                        cuts.fetch_add(page - 1, SeqCst);
                    }
                }
            });
        }
    });
    let (runs, cuts) = (runs.load(SeqCst), cuts.load(SeqCst));
    assert_eq!(changes.len(), 72, "every change between nine levels");
    println!(
        "revocation: 72 changes of access x {} kinds of work, {runs} runs, {cuts} of them cut after a page",
        WORK.len()
    );
    assert!(cuts > 72 * WORK.len(), "every change takes several pages: {cuts}");
}
