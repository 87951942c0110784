//! R1 to R9, R17, R18 as one table, at the real relay over a real socket: every combination of role, dashboard access,
//! where it comes from, assignment, contact access and message access × every verb and every way to see something. What is
//! expected is computed by [`offdesk_tests::reference`], which knows nothing of the product's policy.
//!
//! ```text
//! cargo test --release -p offdesk-tests --test access_table -- --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, unreachable_pub)]

mod asked;
mod cells;
mod company;
mod looked;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use cells::Cell;
use futures_util::StreamExt;
use offdesk_tests::{
    raw::BareRelay,
    reference::{Read, Verb},
};
use rand::{SeedableRng, rngs::StdRng};

/// Workspaces that are played at the same time: the relay commits what they write together.
const TOGETHER: usize = 8;
/// Differences after which the rest is not worth waiting for.
const ENOUGH: usize = 10;

/// What differs from the reference.
#[derive(Default)]
struct Ledger {
    compared: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Ledger {
    fn compare<T: PartialEq + std::fmt::Debug>(&self, cell: &Cell, what: &str, expected: &T, found: &T) {
        self.compared.fetch_add(1, SeqCst);
        if expected != found {
            let told = format!("{what}: {found:?}, but the rules say {expected:?}, for {cell:?}");
            self.wrong.lock().unwrap().push(told);
        }
    }

    fn has_enough(&self) -> bool {
        self.wrong.lock().unwrap().len() >= ENOUGH
    }
}

async fn play(relay: &BareRelay, ledger: &Ledger, at: usize, cell: Cell) {
    if ledger.has_enough() {
        return;
    }
    let number = format!("+1415777{at:04}");
    let company = relay.write(move |tx, now, rng| company::found(tx, now, rng, cell, number)).await;
    let (member, stands) = (cell.member(), cell.stands());
    let mut device = relay.device(&company.enrolled);
    let looked = looked::look_everywhere(relay, &company, &mut device).await;
    for (read, found) in Read::ALL.into_iter().zip(&looked.sights) {
        ledger.compare(&cell, &format!("{read:?}"), &read.sight(&member, stands), found);
    }
    let cold = looked::cold(&company, &member, stands);
    assert_eq!(looked.cold, cold, "a cold start brings what may be seen and nothing else: {cell:?}");
    let mut rng = StdRng::seed_from_u64(at as u64);
    let fates = asked::push_all(&company, &mut device, &mut rng, relay.app.now()).await;
    for (verb, found) in Verb::ALL.into_iter().zip(&fates) {
        ledger.compare(&cell, &format!("{verb:?}"), &asked::fate(verb.outcome(&member, stands)), found);
    }
}

/// R1 to R9, R11, R12, R17, R18, R33: whatever a member is given and however they stand to a conversation, they see and do
/// what the rules say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_and_does_what_the_rules_say() {
    let relay = BareRelay::start(4).await;
    let ledger = Ledger::default();
    let cells = cells::cells();
    let all = futures_util::stream::iter(cells.into_iter().enumerate());
    all.for_each_concurrent(TOGETHER, |(at, cell)| play(&relay, &ledger, at, cell)).await;
    let wrong = std::mem::take(&mut *ledger.wrong.lock().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (compared, product) = (ledger.compared.load(SeqCst), cells::COUNT * (Verb::ALL.len() + Read::ALL.len()));
    println!(
        "access table: {} combinations x ({} verbs + {} reads) = {compared}",
        cells::COUNT,
        Verb::ALL.len(),
        Read::ALL.len()
    );
    assert_eq!(compared, product, "every combination was compared");
    relay.stop().await;
}
