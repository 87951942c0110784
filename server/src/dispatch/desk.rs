//! Emptying the ledger, without I/O. [`Desk::step`] says what is to be done next; the driver does it, tells the desk what
//! came of it and asks again. A provider is called beside whatever else is done, for as many messages as there is room.
//!
//! ```text
//! Look ──→ Write (claim) ──→ Call (send) ──answered──→ Write (record)
//!   └────→ Call (find) ──answered──→ Write (record)
//! ```
//!
//! A message is claimed in one commit and handed over after it. Whoever dies in between leaves `dispatching` behind; the
//! next process finds it there, with nobody working on it, and asks.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::Duration,
};

use offdesk_core::{ids::MessageId, time::Timestamp};
use rand::Rng;

use crate::{
    channels::{ListError, Listed, Outcome, Outgoing},
    dispatch::{Pace, entry::Entry, ledger},
    store::{ReadTx, StoreError, Tx},
};

/// The longest sleep: a clock that was set and a missed notice must not stop dispatch for longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// The pause after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Run it in a reader's snapshot and hand what it found to [`Desk::looked`].
    Look(Look),
    /// Run it in the writer and hand what came of it to [`Desk::written`], once it is durable or has failed.
    Write(Work),
    /// Call the provider and hand its answer to [`Desk::answered`]; go on meanwhile.
    Call(Call),
    /// Nothing, until then; or until something was committed ([`Desk::woken`]) or a call was answered.
    Sleep(Timestamp),
}

/// A call of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Hand this over.
    Send(Outgoing),
    /// Ask what became of this.
    Find(Question),
}

/// A message whose fate is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its row as read.
    pub entry: Entry,
    /// Since when the provider may have it.
    pub since: Timestamp,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of handing over.
    Sent(Outgoing, Outcome),
    /// Of asking.
    Listed(Question, Result<Vec<Listed>, ListError>),
}

/// A look into the ledger.
#[derive(Debug)]
pub struct Look {
    under_way: HashSet<MessageId>,
    room: usize,
    pace: Pace,
}

/// What a look found.
#[derive(Debug)]
pub struct Due {
    claim_at: Option<Timestamp>,
    questions: Vec<(Timestamp, Question)>,
}

/// Something to write down.
#[derive(Debug)]
pub enum Work {
    /// Claim up to so many due messages.
    Claim(usize, Pace),
    /// Write down what calls brought.
    Record(Vec<(Answer, Asked)>, Pace),
}

/// What came of writing.
#[derive(Debug)]
pub enum Done {
    /// These are claimed.
    Claimed(Vec<Outgoing>),
    /// These are written down; about some of them is to be asked again.
    Recorded(Vec<(MessageId, Option<Asked>)>),
}

/// What asking about a message has brought so far in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    missed: bool,
    failed: u32,
}

/// Where the ledger is emptied. There must be only one in a relay.
#[derive(Debug)]
pub struct Desk {
    pace: Pace,
    under_way: HashSet<MessageId>,
    asked: BTreeMap<MessageId, Asked>,
    calls: VecDeque<Call>,
    answers: Vec<(Answer, Asked)>,
    /// What the work handed out last is about, should it fail.
    recording: Vec<MessageId>,
    claim: usize,
    look: bool,
    sleep: Option<Timestamp>,
    closing: bool,
}

impl Desk {
    /// A desk that has looked at nothing yet.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            under_way: HashSet::new(),
            asked: BTreeMap::new(),
            calls: VecDeque::new(),
            answers: Vec::new(),
            recording: Vec::new(),
            claim: 0,
            look: true,
            sleep: None,
            closing: false,
        }
    }

    /// What is to be done now.
    pub fn step(&mut self, now: Timestamp) -> Step {
        if let Some(call) = self.calls.pop_front() {
            return Step::Call(call);
        }
        if !self.answers.is_empty() {
            let answers = std::mem::take(&mut self.answers);
            self.recording = answers.iter().map(|(answer, _)| message(answer)).collect();
            return Step::Write(Work::Record(answers, self.pace));
        }
        let room = self.pace.parallel.saturating_sub(self.under_way.len());
        if self.closing || room == 0 {
            return Step::Sleep(now.after(LONGEST_SLEEP));
        }
        let claim = std::mem::take(&mut self.claim).min(room);
        if claim > 0 {
            return Step::Write(Work::Claim(claim, self.pace));
        }
        if std::mem::take(&mut self.look) || self.sleep.is_some_and(|at| at <= now) {
            self.sleep = None;
            return Step::Look(Look { under_way: self.under_way.clone(), room, pace: self.pace });
        }
        Step::Sleep(self.sleep.unwrap_or_else(|| now.after(LONGEST_SLEEP)))
    }

    /// Something was committed, or the time to sleep is over.
    pub fn woken(&mut self) {
        self.look = true;
    }

    /// Nothing more is begun; what is under way is finished.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.answers.is_empty()
    }

    /// What a look brought.
    pub fn looked(&mut self, now: Timestamp, due: Result<Due, StoreError>) {
        let Ok(due) = due else {
            self.sleep = Some(now.after(AFTER_FAILURE));
            return;
        };
        let times = due.claim_at.into_iter().chain(due.questions.iter().map(|(at, _)| *at));
        let next = times.filter(|at| *at > now).min();
        self.sleep = Some(next.map_or(now.after(LONGEST_SLEEP), |at| at.min(now.after(LONGEST_SLEEP))));
        for (_, question) in due.questions.into_iter().filter(|(at, _)| *at <= now) {
            self.under_way.insert(question.entry.message);
            self.calls.push_back(Call::Find(question));
        }
        if due.claim_at.is_some_and(|at| at <= now) {
            self.claim = self.pace.parallel.saturating_sub(self.under_way.len());
        }
    }

    /// What came of writing.
    pub fn written(&mut self, now: Timestamp, done: Result<Done, StoreError>) {
        let recording = std::mem::take(&mut self.recording);
        match done {
            Ok(Done::Claimed(claimed)) => {
                for message in claimed {
                    self.under_way.insert(message.message);
                    self.calls.push_back(Call::Send(message));
                }
                // Something may have been refused or become a question: look again at once.
                self.look = true;
            }
            Ok(Done::Recorded(recorded)) => {
                for (message, asked) in recorded {
                    self.under_way.remove(&message);
                    self.asked.extend(asked.map(|asked| (message, asked)));
                }
                self.look = true;
            }
            // What could not be written down is `dispatching` still, and will be asked about.
            Err(_) => {
                self.under_way.retain(|message| !recording.contains(message));
                self.sleep = Some(now.after(AFTER_FAILURE));
            }
        }
    }

    /// What the provider answered.
    pub fn answered(&mut self, answer: Answer) {
        let asked = self.asked.remove(&message(&answer)).unwrap_or_default();
        self.answers.push((answer, asked));
    }

    /// A call ended without any answer: its message will be asked about.
    pub fn lost(&mut self, message: MessageId) {
        self.under_way.remove(&message);
        self.look = true;
    }
}

impl Call {
    /// The message that it is about.
    pub fn message(&self) -> MessageId {
        match self {
            Call::Send(outgoing) => outgoing.message,
            Call::Find(question) => question.entry.message,
        }
    }
}

fn message(answer: &Answer) -> MessageId {
    match answer {
        Answer::Sent(outgoing, _) => outgoing.message,
        Answer::Listed(question, _) => question.entry.message,
    }
}

impl Look {
    /// Looks.
    ///
    /// # Errors
    /// As the store's.
    pub fn run(&self, now: Timestamp, tx: &ReadTx<'_>) -> Result<Due, StoreError> {
        let mut questions = Vec::new();
        for (at, entry) in ledger::next_questions(tx, &self.under_way, self.room)? {
            let since = match entry.attempted_at {
                Some(at) => at,
                None => ledger::restored(tx)?.1.unwrap_or(entry.updated),
            };
            questions.push((at, Question { since: since.before(self.pace.clock_skew), entry }));
        }
        Ok(Due { claim_at: ledger::next_claim(tx, now)?, questions })
    }
}

impl Work {
    /// Writes.
    ///
    /// # Errors
    /// As the store's: then nothing of it is stored.
    pub fn run(self, now: Timestamp, rng: &mut dyn Rng, tx: &mut Tx<'_>) -> Result<Done, StoreError> {
        match self {
            Work::Claim(limit, pace) => ledger::claim(tx, now, rng, limit, &pace).map(Done::Claimed),
            Work::Record(answers, pace) => {
                let mut recorded = Vec::with_capacity(answers.len());
                for (answer, asked) in answers {
                    let again = match &answer {
                        Answer::Sent(outgoing, outcome) => {
                            ledger::finish(tx, now, rng, outgoing, outcome, &pace)?;
                            None
                        }
                        Answer::Listed(question, listed) => weigh(tx, now, rng, question, listed, asked, &pace)?,
                    };
                    recorded.push((message(&answer), again));
                }
                Ok(Done::Recorded(recorded))
            }
        }
    }
}

/// Writes down what the provider's list says, and whether it has to be asked again.
fn weigh(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    question: &Question,
    listed: &Result<Vec<Listed>, ListError>,
    asked: Asked,
    pace: &Pace,
) -> Result<Option<Asked>, StoreError> {
    let Question { entry, since } = question;
    match listed {
        Ok(listed) => {
            if !ledger::weigh(tx, now, entry, *since, listed, asked.missed)? {
                return Ok(None);
            }
            ledger::ask_at(tx, entry, now.after(pace.settle), None)?;
            Ok(Some(Asked { missed: true, failed: 0 }))
        }
        Err(error) => {
            let failed = asked.failed + 1;
            if failed >= pace.failed_lists {
                ledger::give_up(tx, now, entry, &error.to_string())?;
                return Ok(None);
            }
            let pause = pace.backoff.pause(failed, Some(pace.settle), rng);
            ledger::ask_at(tx, entry, now.after(pause), None)?;
            Ok(Some(Asked { failed, ..asked }))
        }
    }
}
