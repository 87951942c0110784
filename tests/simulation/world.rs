//! The world of one run: its clock, its queue of events, and everything in it. One thread; the same plan gives the same
//! trace, to the byte.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fmt,
};

use offdesk_core::{sync::session::RequestId, time::Timestamp};
use offdesk_relay::{channels::Received, dispatch::desk::Answer, dispatch::desk::Call};

use crate::{
    book::Book,
    link::Part,
    office::Office,
    phone::Phone,
    plan::{Act, Plan},
    provider::{Provider, Report},
    trace::Trace,
    witness::Witness,
};

/// When every run begins.
pub const BEGINNING: Timestamp = Timestamp(1_700_000_000_000);

/// A rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Says that a rule does not hold.
pub fn broken<T>(rule: &'static str, what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { rule, what: what.into() })
}

/// What waits to happen.
#[derive(Debug)]
pub enum Event {
    /// The plan's next step.
    Step(usize),
    /// A device's timer.
    Wake { phone: usize, life: u32, timer: u64 },
    /// A device's app starts.
    PhoneUp { phone: usize, life: u32 },
    /// A request reaches the relay.
    Arrive { phone: usize, life: u32, request: RequestId, credential: String, body: Vec<u8>, echo: bool },
    /// Something of an answer reaches a device.
    Answer { phone: usize, life: u32, request: RequestId, part: Part },
    /// The relay goes on with an exchange.
    Exchange { boot: u32, id: u64 },
    /// Nothing was sent on a live stream for a while.
    Beat { boot: u32, id: u64, beats: u64 },
    /// The relay notices that a device is gone.
    Gone { boot: u32, id: u64 },
    /// The relay's process starts.
    RelayUp { boot: u32 },
    /// The dispatcher goes on.
    Desk { boot: u32 },
    /// A call reaches the provider.
    Called { boot: u32, call: Call },
    /// The provider's answer reaches the relay.
    Called2 { boot: u32, answer: Answer },
    /// The provider's report reaches the relay.
    Report(Report),
    /// A customer's message reaches the relay.
    Webhook(Received, u8),
    /// The relay asks for what it missed.
    Sweep { boot: u32 },
}

struct Queued {
    at: Timestamp,
    tie: u64,
    count: u64,
    event: Event,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl Queued {
    fn key(&self) -> (Timestamp, u64, u64) {
        (self.at, self.tie, self.count)
    }
}

/// Everything.
pub struct World {
    pub plan: Plan,
    pub now: Timestamp,
    queue: BinaryHeap<Reverse<Queued>>,
    count: u64,
    pub trace: Trace,
    pub phones: Vec<Phone>,
    pub office: Office,
    pub provider: Provider,
    pub witness: Witness,
    pub book: Book,
    /// Whether everything is being healed: no fault strikes, and who needs a person's help gets it.
    pub healing: bool,
    /// The first rule that was seen broken in the middle of something.
    pub violation: Option<Violation>,
    /// What was reached, for the summary.
    pub seen: BTreeMap<&'static str, u64>,
    /// Events so far: a run that never ends is a broken one.
    pub events: u64,
}

/// More events than any sound run has.
const MOST_EVENTS: u64 = 200_000;

impl World {
    /// The world of a plan, before anything happens.
    pub fn new(plan: &Plan, verbose: bool) -> Result<Self, Violation> {
        let mut world = Self {
            plan: plan.clone(),
            now: BEGINNING,
            queue: BinaryHeap::new(),
            count: 0,
            trace: Trace::new(verbose),
            phones: Vec::new(),
            office: Office::new(plan.seed),
            provider: Provider::default(),
            witness: Witness::default(),
            book: Book::default(),
            healing: false,
            violation: None,
            seen: BTreeMap::new(),
            events: 0,
        };
        world.furnish()?;
        Ok(world)
    }

    /// Plays the plan to its end, heals everything, and checks all rules.
    pub fn play(&mut self) -> Result<(), Violation> {
        let mut at = self.now;
        for index in 0..self.plan.steps.len() {
            at = Timestamp(at.0 + i64::try_from(self.plan.steps[index].after).unwrap_or(0));
            at = at.max(self.now);
            self.at(at, Event::Step(index));
            self.run_until(at)?;
        }
        self.quiet()
    }

    /// A number that depends on the seed and on what it is for, and on nothing else: leaving a step out of a plan moves
    /// the others as little as possible.
    pub fn noise(&self, what: u64, which: u64, below: u64) -> u64 {
        let mut mixed =
            self.plan.seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ which.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }

    /// Queues an event.
    pub fn at(&mut self, at: Timestamp, event: Event) {
        self.count += 1;
        let tie = self.noise(1, self.count, 1 << 20);
        self.queue.push(Reverse(Queued { at: at.max(self.now), tie, count: self.count, event }));
    }

    /// Queues an event so many milliseconds from now.
    pub fn after(&mut self, millis: u64, event: Event) {
        self.at(Timestamp(self.now.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX))), event);
    }

    /// Notes that something was reached.
    pub fn reached(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Lets everything happen that is due until then.
    pub fn run_until(&mut self, until: Timestamp) -> Result<(), Violation> {
        while self.queue.peek().is_some_and(|Reverse(next)| next.at <= until) {
            let Some(Reverse(next)) = self.queue.pop() else { break };
            self.now = self.now.max(next.at);
            self.events += 1;
            if self.events > MOST_EVENTS {
                return broken("it comes to rest", format!("it goes round in circles, now at {:?}", next.event));
            }
            self.happen(next.event)?;
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Step(index) => self.step(index),
            Event::Wake { phone, life, timer } => self.phone_wakes(phone, life, timer),
            Event::PhoneUp { phone, life } => self.phone_up(phone, life),
            Event::Arrive { phone, life, request, credential, body, echo } => {
                self.arrive(phone, life, request, &credential, &body, echo)
            }
            Event::Answer { phone, life, request, part } => self.answer(phone, life, request, part),
            Event::Exchange { boot, id } => self.go_on(boot, id),
            Event::Beat { boot, id, beats } => self.beat(boot, id, beats),
            Event::Gone { boot, id } => self.gone(boot, id),
            Event::RelayUp { boot } => self.relay_up(boot),
            Event::Desk { boot } => self.desk(boot),
            Event::Called { boot, call } => self.called(boot, call),
            Event::Called2 { boot, answer } => self.provider_answers(boot, answer),
            Event::Report(report) => self.report(report),
            Event::Webhook(received, tries) => self.webhook(received, tries),
            Event::Sweep { boot } => self.sweep(boot),
        }
    }

    fn step(&mut self, index: usize) -> Result<(), Violation> {
        let act = self.plan.steps[index].act.clone();
        self.trace.note(self.now, "step", &[index as u64], || format!("step {index}: {act:?}"));
        if act == Act::Quiet { self.quiet() } else { self.act(act) }
    }
}
