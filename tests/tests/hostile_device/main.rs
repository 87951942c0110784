//! The hostile device: it speaks the protocol itself and crafts raw Automerge changes. [`attacks`] are those that one would
//! think of, each with its story; the generator below draws change after change at random, from members of every sort, and
//! compares what the relay says with a reference that knows nothing of the product's policy
//! ([`offdesk_tests::reference::paths`]).
//!
//! ```text
//! cargo test --release -p offdesk-tests --test hostile_device                          10,000 changes
//! SEQUENCES=1000000 SEED=7 cargo test … --test hostile_device generated -- --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, unreachable_pub)]

mod attacks;
mod coverage;
mod envelope;
mod hand;
mod office;
mod set_up;
mod sorting;
mod things;

use automerge::{ActorId, Automerge, transaction::CommitOptions};
use coverage::Coverage;
use envelope::Learned;
use hand::Hand;
use offdesk_core::{
    ids::{DocumentId, IntentId},
    model::{Kind, RefusalCode},
    policy::held::Seen,
    protocol::{PushedIntent, Response},
};
use offdesk_tests::{
    raw::{Fate, client::pushed},
    reference::paths::{On, Place, Ruling, Step, judge},
};
use office::Office;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// Changes of one push.
const BATCH: usize = 12;
/// Conversations that are there at a time.
const FAMILIES: usize = 14;
/// Pushes after which new conversations take the place of the old: long ones would test the same, slower.
const ROUND: usize = 120;
/// Of how many changes, in percent, the envelope is spoilt, or an operation twisted.
const SPOILT: u32 = 18;
const TWISTED: u32 = 6;

/// Those of which there is most to get wrong several times. The order is that in which the steps of a change are made.
const CONVERSATION: [Place; 21] = [
    Place::Messages,
    Place::Messages,
    Place::Messages,
    Place::Messages,
    Place::Reopenings,
    Place::Reopenings,
    Place::Decisions,
    Place::Decisions,
    Place::Decisions,
    Place::Assignments,
    Place::Assignments,
    Place::Closings,
    Place::Snoozes,
    Place::Snoozes,
    Place::Priority,
    Place::Queue,
    Place::Details,
    Place::Origins,
    Place::Opening,
    Place::Unused,
    Place::Tags,
];
const CONTACT: [Place; 6] =
    [Place::Phones, Place::Shared, Place::Consent, Place::Blocked, Place::Fields, Place::Custom];
const SET_UP: [Place; 8] = [
    Place::Members,
    Place::Roles,
    Place::Values,
    Place::Queues,
    Place::Canned,
    Place::Hours,
    Place::Engagements,
    Place::Automations,
];

/// A change, and what the rules make of it; no ruling: whatever it is, it must not be done.
struct Sequence {
    intent: PushedIntent,
    steps: Vec<Step>,
    ruling: Option<Ruling>,
    touches: Vec<DocumentId>,
    family: Option<usize>,
    starts: bool,
}

struct Generator {
    office: Office,
    dice: StdRng,
    learned: Learned,
    coverage: Coverage,
}

impl Generator {
    /// Draws a change of a member on a family of documents, or on the set-up if there is none.
    fn draw(&mut self, me: usize, family: Option<usize>) -> Sequence {
        let phone = self.office.fresh_phone();
        let at = self.office.relay.app.now();
        let mut dice = StdRng::seed_from_u64(self.dice.next_u64());
        let intent = IntentId::generate(at, &mut dice);
        let (document, on) = self.target(family, &mut dice);
        let place = match on {
            On::NewConversation | On::NewContact => DocumentId::generate(at, &mut dice),
            _ => document,
        };
        let kind = match on {
            On::Conversation | On::NewConversation => Kind::Conversation,
            On::Contact | On::NewContact => Kind::Contact,
            On::SetUp if place == self.office.directory => Kind::Directory,
            On::SetUp => Kind::Settings,
        };
        let mut hand = Hand { dice, office: &self.office, me, intent, at, phone, steps: Vec::new() };
        let mut held: Automerge = match on {
            On::NewConversation | On::NewContact => hand::fresh(kind),
            _ => self.office.documents[&document].clone(),
        };
        let mut actor = [0u8; 16];
        hand.dice.fill_bytes(&mut actor);
        held.set_actor(ActorId::from(actor));
        let mut tx = held.transaction();
        write(&mut hand, &mut tx, on, family, document, place == self.office.directory);
        tx.commit_with(CommitOptions::default().with_message(intent.to_string()).with_time(at.millis() / 1000));
        let change = held.get_last_local_change().expect("a change");
        let mut pushed = pushed(intent, place, kind, &change);
        if hand.dice.random_range(0..100) < 40 {
            // R33: written long ago, on what was there then.
            pushed.seen = Some(Seen { order: 0, age_ms: u64::MAX });
        }
        let given = self.office.people[me].given;
        let stands = family.map(|family| {
            let family = &self.office.families[family];
            match on {
                On::Conversation => self.office.stands(me, family),
                _ => self.office.stands_to_contact(me, family),
            }
        });
        let stands = stands.unwrap_or(offdesk_tests::reference::Stands { assigned: false, own: false });
        let Hand { mut dice, mut steps, .. } = hand;
        let roll = dice.random_range(0..100);
        if roll < SPOILT {
            pushed = envelope::spoil(pushed, me, self.office.theirs, &self.learned, &mut dice);
        } else if roll < SPOILT + TWISTED {
            pushed = envelope::twist(pushed, &mut dice);
            steps.iter_mut().for_each(|step| step.sound = false);
        }
        let ruling = (roll >= SPOILT).then(|| judge(&given, stands, on, &steps));
        let touches = if ruling == Some(Ruling::Done) && document == place { vec![document] } else { Vec::new() };
        Sequence { intent: pushed, steps, ruling, touches, family, starts: on == On::NewConversation }
    }

    fn target(&self, family: Option<usize>, dice: &mut StdRng) -> (DocumentId, On) {
        let Some(family) = family.map(|at| &self.office.families[at]) else {
            let directory = dice.random_bool(0.35);
            return (if directory { self.office.directory } else { self.office.settings }, On::SetUp);
        };
        match dice.random_range(0..10) {
            0..=5 => (family.conversation, On::Conversation),
            6 | 7 => (family.contact, On::Contact),
            8 if !family.second => (family.contact, On::NewConversation),
            _ => (family.contact, On::NewContact),
        }
    }

    /// One push of a member, compared with the reference.
    async fn push(&mut self) {
        // Those who see nothing are asked less often, and she who sets everything up more often.
        let me = match self.dice.random_range(0..10) {
            0 | 1 => 0,
            2..=7 => self.dice.random_range(0..7),
            _ => self.dice.random_range(0..10),
        };
        let mut families: Vec<usize> = (0..self.office.families.len()).collect();
        let mut sequences = Vec::new();
        for at in 0..BATCH {
            let set_up = at + 1 == BATCH && (me == 0 || self.dice.random_bool(0.3));
            let family = families.swap_remove(self.dice.random_range(0..families.len()));
            let sequence = self.draw(me, (!set_up).then_some(family));
            sequences.push(sequence);
        }
        let groups = sequences.iter().map(|sequence| vec![sequence.intent.clone()]).collect();
        let (verdicts, rest) = self.office.people[me].device.push(groups).await;
        let quiet = |frame: &Response| matches!(frame, Response::Welcome(_) | Response::PushDone { .. });
        assert!(rest.iter().all(quiet), "verdicts alone answer a push: {rest:?}");
        let mut changed = Vec::new();
        for (sequence, verdict) in sequences.into_iter().zip(&verdicts) {
            let fate = Fate::from(verdict);
            let fits = match sequence.ruling {
                Some(Ruling::Done) => fate == Fate::Accepted,
                Some(Ruling::Refused) => matches!(fate, Fate::Refused(_)),
                Some(Ruling::Unseen) => fate == Fate::NeedsAccess || by_its_bytes(fate),
                None => fate != Fate::Accepted,
            };
            assert!(
                fits,
                "the rules say {:?}, the relay {verdict:?}\nof {:?}\nby {:?} who stands {:?}\nwith {:?}",
                sequence.ruling,
                sequence.steps,
                self.office.people[me].given,
                sequence.family.map(|family| self.office.stands(me, &self.office.families[family])),
                offdesk_core::model::document::parse_change(&sequence.intent.change).map(|change| change.decode()),
            );
            self.coverage.count(&sequence.steps, sequence.ruling.is_some(), fate, early(fate));
            if fate == Fate::Accepted {
                changed.extend(sequence.touches);
                if let Some(family) = sequence.family.filter(|_| sequence.starts) {
                    let replies = sequence.steps.iter().any(|step| step.place == Place::Assignments);
                    let family = &mut self.office.families[family];
                    family.second = true;
                    family.opener = replies.then_some(self.office.people[me].id);
                }
                self.learned.accepted.push((me, sequence.intent));
            }
        }
        let many = self.learned.accepted.len();
        self.learned.accepted.drain(..many.saturating_sub(200));
        self.office.refresh(&changed).await;
    }
}

fn write(
    hand: &mut Hand<'_>,
    tx: &mut automerge::transaction::Transaction<'_>,
    on: On,
    family: Option<usize>,
    document: DocumentId,
    directory: bool,
) {
    let office = hand.office;
    let drawn = |dice: &mut StdRng, places: &[Place]| -> Vec<Place> {
        let most = if dice.random_bool(0.6) { 1 } else { 3 };
        let mut chosen: Vec<Place> = (0..most).map(|_| places[dice.random_range(0..places.len())]).collect();
        // In the order of the table, in which a step that can't be done is done as one of a later place.
        chosen.sort_by_key(|place| places.iter().position(|known| known == place));
        chosen.dedup();
        chosen
    };
    match (on, family.map(|family| office.families[family])) {
        (On::Conversation, _) => {
            let held = office.held.get(&document).cloned().unwrap_or_default();
            for place in drawn(&mut hand.dice, &CONVERSATION) {
                let again = [Place::Closings, Place::Tags].contains(&place);
                if !(again && hand.steps.iter().any(|step| step.place == place)) {
                    hand.in_conversation(tx, place, &held);
                }
            }
        }
        (On::Contact, _) => {
            for place in drawn(&mut hand.dice, &CONTACT) {
                if !(place == Place::Custom && hand.steps.iter().any(|step| step.place == place)) {
                    hand.in_contact(tx, place);
                }
            }
        }
        (On::NewContact, _) => hand.new_contact(tx),
        (On::NewConversation, Some(family)) => hand.opening(tx, &family),
        _ => {
            let places = if directory { &SET_UP[..2] } else { &SET_UP[2..] };
            let place = places[hand.dice.random_range(0..places.len())];
            match place {
                Place::Members | Place::Roles | Place::Values => hand.in_set_up(tx, place),
                _ => hand.thing(tx, place),
            }
        }
    }
}

/// Whether steps 1 to 4 of acceptance can have said it: bytes, what is known, dependencies, actor.
fn early(fate: Fate) -> bool {
    use RefusalCode::{ActorSequence, ForeignActor, IntentReused, Malformed, OperationCounter, TooLarge, WrongAction};
    match fate {
        Fate::Refused(code) => {
            [TooLarge, Malformed, ForeignActor, ActorSequence, OperationCounter, IntentReused, WrongAction]
                .contains(&code)
        }
        Fate::Other => true,
        _ => false,
    }
}

/// Whether the change's own bytes can have been reason enough: that tells nothing of what is there.
fn by_its_bytes(fate: Fate) -> bool {
    use RefusalCode::{Malformed, TooLarge, WrongAction};
    matches!(fate, Fate::Refused(code) if [TooLarge, Malformed, WrongAction].contains(&code))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// R1 to R9, R17, R18, R20, R22, R33: whatever is pushed, the relay does what the rules allow and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_changes_are_done_if_the_rules_allow_them_and_only_then() {
    let (sequences, seed) = (number("SEQUENCES").unwrap_or(10_000), number("SEED").unwrap_or(1));
    println!("SEED={seed} SEQUENCES={sequences}");
    // What Automerge won't encode is tried all the same.
    std::panic::set_hook(Box::new(|info| {
        let ours = info.location().is_some_and(|location| !location.file().contains("automerge"));
        if ours {
            println!("{info}");
        }
    }));
    let office = Office::open(seed).await;
    let dice = StdRng::seed_from_u64(seed);
    let mut generator = Generator { office, dice, learned: Learned::default(), coverage: Coverage::default() };
    let mut pushes = 0;
    while generator.coverage.sequences() < sequences {
        if pushes % ROUND == 0 {
            generator.office.new_families(FAMILIES).await;
        }
        generator.push().await;
        pushes += 1;
    }
    generator.coverage.report();
    generator.coverage.is_complete();
    generator.office.relay.stop().await;
}
