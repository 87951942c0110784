//! The SMS provider and the customers behind it, and the relay's dispatcher as the simulated relay drives it.
//!
//! The provider may take a message and its answer get lost, never get it, be slow or busy, refuse, fail to list, and lose
//! its reports. It remembers what it took: nothing may be taken twice (R32).

use std::collections::{BTreeMap, VecDeque};

use offdesk_core::{
    ids::MessageId,
    protocol::{Delivery, FactBody},
    time::Timestamp,
};
use offdesk_relay::{
    channels::{ListError, Listed, Outcome, Outgoing, Progress, Received, twilio::webhook},
    dispatch::{
        Pace,
        desk::{Answer, Call, Step},
        ledger, recovery,
    },
    store::StoreError,
};

use crate::{
    furniture::OUR_NUMBER,
    office::Stopped,
    plan::ProviderMood,
    world::{Event, Violation, World, broken},
};

/// How long the relay's client waits for the provider.
const TIMEOUT: u64 = 15_000;

/// A message that the provider took.
#[derive(Clone, Debug)]
pub struct Taken {
    pub outgoing: Outgoing,
    pub provider_id: String,
    pub at: Timestamp,
    pub progress: Progress,
}

/// A report on its way.
#[derive(Clone, Debug)]
pub struct Report {
    pub provider_id: String,
    pub message: MessageId,
    pub progress: Progress,
    pub tries: u8,
}

/// The provider.
#[derive(Debug, Default)]
pub struct Provider {
    /// Everything that it took, in order.
    pub taken: Vec<Taken>,
    /// What customers wrote.
    pub inbound: Vec<(Received, Timestamp)>,
    pub moods: VecDeque<ProviderMood>,
    list_fails: u32,
    reports_lost: u32,
    calls: u64,
}

impl Provider {
    /// How often it took each message.
    pub fn counts(&self) -> BTreeMap<MessageId, usize> {
        let mut counts = BTreeMap::new();
        for taken in &self.taken {
            *counts.entry(taken.outgoing.message).or_default() += 1;
        }
        counts
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.moods.clear();
        (self.list_fails, self.reports_lost) = (0, 0);
    }

    /// How the next call is to go.
    pub fn expect(&mut self, mood: ProviderMood) {
        match mood {
            ProviderMood::ListFails => self.list_fails += 1,
            ProviderMood::NoReport => self.reports_lost += 1,
            mood => self.moods.push_back(mood),
        }
    }
}

impl World {
    /// The ledger may have something to do.
    pub fn wake_desk(&mut self) {
        self.office.desk.woken();
        self.desk_at(self.now);
    }

    fn desk_at(&mut self, at: Timestamp) {
        if self.office.desk_due.is_some_and(|due| due <= at && due > self.now) {
            return;
        }
        self.office.desk_due = Some(at);
        let boot = self.office.boot;
        self.at(at, Event::Desk { boot });
    }

    /// The dispatcher goes on: one step.
    pub fn desk(&mut self, boot: u32) -> Result<(), Violation> {
        if self.office.boot != boot || !self.office.up {
            return Ok(());
        }
        self.office.desk_due = None;
        let now = self.now;
        match self.office.desk.step(now) {
            Step::Look(look) => {
                let due = self.office.solo.read(|tx| look.run(now, tx));
                if let Err(error) = &due {
                    return broken("the ledger can be read", error.to_string());
                }
                self.office.desk.looked(now, due);
                self.desk_at(now);
            }
            Step::Write(work) => {
                match self.relay_write(|tx, now, rng| work.run(now, rng, tx))? {
                    Ok(done) => self.office.desk.written(now, Ok(done)),
                    Err(Stopped::Dead) => return Ok(()),
                    Err(Stopped::Failed(error)) => {
                        self.fine_or_disk(&error)?;
                        self.office.desk.written(now, Err(error));
                    }
                }
                self.desk_at(Timestamp(now.0 + 1));
            }
            Step::Call(call) => {
                if let Call::Send(outgoing) = &call {
                    self.may_leave(outgoing)?;
                }
                let way = 1 + self.noise(10, self.provider.calls, 60);
                self.after(way, Event::Called { boot, call });
                self.desk_at(now);
            }
            Step::Sleep(until) => self.desk_at(until.max(Timestamp(now.0 + 1))),
        }
        Ok(())
    }

    /// R32, R33: that it is under way is durable before the provider is called; what is held or dropped is not under way.
    fn may_leave(&mut self, outgoing: &Outgoing) -> Result<(), Violation> {
        let sql = "SELECT 1 FROM ledger WHERE message = ?1 AND state = 'dispatching' AND attempt = ?2";
        let mut statement = self.office.solo.connection().prepare_cached(sql).unwrap();
        if statement.exists([outgoing.message.as_bytes(), outgoing.attempt.0.as_bytes()]).unwrap() {
            drop(statement);
            return self.is_decided(outgoing);
        }
        broken("nothing leaves that is not durably under way (R32)", format!("'{}' is about to", outgoing.body))
    }

    /// R33: people are told of no message that it is held, waits for its time, or was dropped, while it leaves.
    fn is_decided(&mut self, outgoing: &Outgoing) -> Result<(), Violation> {
        let sql = "SELECT facts.body FROM facts JOIN ledger ON ledger.document = facts.document
                   WHERE ledger.message = ?1 AND facts.member IS NULL";
        let mut statement = self.office.solo.connection().prepare_cached(sql).unwrap();
        let bodies = statement.query_map([outgoing.message.as_bytes()], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        for body in bodies {
            if let Ok(FactBody::Message(fact)) = rmp_serde::from_slice(&body.unwrap())
                && fact.id == outgoing.message
                && matches!(fact.delivery, Delivery::Held(_) | Delivery::Scheduled { .. } | Delivery::Dropped)
            {
                return broken("what is held is not sent (R33)", format!("'{}' is about to leave", outgoing.body));
            }
        }
        Ok(())
    }

    fn fine_or_disk(&mut self, error: &StoreError) -> Result<(), Violation> {
        match error {
            StoreError::Refused(_) | StoreError::NotCommitted(_) => Ok(()),
            other => broken("the relay serves", other.to_string()),
        }
    }

    /// A call reaches the provider, whether or not the relay still lives.
    pub fn called(&mut self, boot: u32, call: Call) -> Result<(), Violation> {
        self.provider.calls += 1;
        let calls = self.provider.calls;
        let way = 1 + self.noise(11, calls, 200);
        match call {
            Call::Send(outgoing) => {
                let mood = if self.healing { None } else { self.provider.moods.pop_front() };
                let (outcome, wait) = self.handed_over(&outgoing, mood)?;
                self.after(way + wait, Event::Called2 { boot, answer: Answer::Sent(outgoing, outcome) });
            }
            Call::Find(question) => {
                let listed = if self.provider.list_fails > 0 {
                    self.provider.list_fails -= 1;
                    Err(ListError::Unavailable("it is busy".into()))
                } else {
                    let here = |taken: &&Taken| {
                        taken.outgoing.recipient == question.entry.recipient
                            && taken.outgoing.sender == question.entry.sender
                            && taken.at >= question.since
                    };
                    Ok(self.provider.taken.iter().filter(here).map(listed).collect())
                };
                self.reached("provider asked");
                self.after(way, Event::Called2 { boot, answer: Answer::Listed(question, listed) });
            }
        }
        Ok(())
    }

    fn handed_over(&mut self, outgoing: &Outgoing, mood: Option<ProviderMood>) -> Result<(Outcome, u64), Violation> {
        let unclear = Outcome::Unclear { why: "no answer".into() };
        Ok(match mood {
            Some(ProviderMood::LosesIt) => (unclear, TIMEOUT),
            Some(ProviderMood::Busy) => (Outcome::TryLater { after: None, why: "busy".into() }, 0),
            Some(ProviderMood::Refuses) => (Outcome::Refused { reason: "no".into(), permanent: true }, 0),
            Some(ProviderMood::TakesSilently) => {
                self.take(outgoing)?;
                (unclear, TIMEOUT)
            }
            Some(ProviderMood::Slow(millis)) if u64::from(millis) > TIMEOUT => {
                self.take(outgoing)?;
                (unclear, TIMEOUT)
            }
            slow => {
                let provider_id = self.take(outgoing)?;
                let wait = if let Some(ProviderMood::Slow(millis)) = slow { u64::from(millis) } else { 0 };
                (Outcome::HandedOver { provider_id, progress: Progress::HandedOver }, wait)
            }
        })
    }

    fn take(&mut self, outgoing: &Outgoing) -> Result<String, Violation> {
        let provider_id = format!("SM{}", self.provider.taken.len());
        let (message, at) = (outgoing.message, self.now);
        self.trace.note(self.now, "taken", &[self.provider.taken.len() as u64], || {
            format!("the provider takes {message}: {}", outgoing.body)
        });
        if self.provider.taken.iter().any(|taken| taken.outgoing.message == message) {
            return broken(
                "nothing is dispatched twice (R32)",
                format!("{message} '{}' was taken twice", outgoing.body),
            );
        }
        self.provider.taken.push(Taken {
            outgoing: outgoing.clone(),
            provider_id: provider_id.clone(),
            at,
            progress: Progress::HandedOver,
        });
        if self.provider.reports_lost > 0 {
            self.provider.reports_lost -= 1;
            return Ok(provider_id);
        }
        for (step, progress) in [Progress::Sent, Progress::Delivered].into_iter().enumerate() {
            let which = (self.provider.taken.len() * 2 + step) as u64;
            let later = self.noise(12, which, 3000);
            let report = Report { provider_id: provider_id.clone(), message, progress, tries: 3 };
            self.after(later, Event::Report(report));
        }
        Ok(provider_id)
    }

    /// The provider's answer comes back, if the relay that called still lives.
    pub fn provider_answers(&mut self, boot: u32, answer: Answer) -> Result<(), Violation> {
        if self.office.boot == boot && self.office.up {
            self.office.desk.answered(answer);
            self.desk_at(self.now);
        }
        Ok(())
    }

    /// A report comes; one that can't be delivered is tried again a few times.
    pub fn report(&mut self, report: Report) -> Result<(), Violation> {
        if let Some(taken) = self.provider.taken.iter_mut().find(|taken| taken.provider_id == report.provider_id)
            && taken.progress != Progress::Delivered
        {
            taken.progress = report.progress.clone();
        }
        let Report { provider_id, message, progress, .. } = &report;
        let taken = if self.office.up {
            let written =
                self.relay_write(|tx, now, _| ledger::report(tx, now, provider_id, Some(*message), progress))?;
            match written {
                Ok(_) => true,
                Err(Stopped::Dead) => false,
                Err(Stopped::Failed(error)) => {
                    self.fine_or_disk(&error)?;
                    false
                }
            }
        } else {
            false
        };
        if !taken && report.tries > 0 {
            self.after(4000, Event::Report(Report { tries: report.tries - 1, ..report }));
        }
        Ok(())
    }

    /// A customer writes.
    pub fn customer_writes(&mut self, customer: u8, tries: u8) {
        let body = self.book.text("inbound");
        let count = self.provider.inbound.len();
        let received = Received {
            provider_id: format!("IN{count}"),
            from: phone_of(customer),
            to: OUR_NUMBER.into(),
            body,
            attachments: 0,
        };
        self.provider.inbound.push((received.clone(), self.now));
        let way = self.noise(13, count as u64, 100);
        // One that the provider delivers twice.
        if tries == 3 {
            self.after(way + 50, Event::Webhook(received.clone(), 0));
        }
        if tries > 0 {
            self.after(way, Event::Webhook(received, tries));
        }
    }

    /// A customer's message reaches the relay.
    pub fn webhook(&mut self, received: Received, tries: u8) -> Result<(), Violation> {
        let again = received.clone();
        let taken = if self.office.up {
            match self.relay_write(|tx, now, rng| webhook::take_in(tx, now, rng, received))? {
                Ok(Some(_)) => true,
                Ok(None) => return broken("the relay serves", "our number is nobody's"),
                Err(Stopped::Dead) => false,
                Err(Stopped::Failed(error)) => {
                    self.fine_or_disk(&error)?;
                    false
                }
            }
        } else {
            false
        };
        if !taken && tries > 0 {
            self.after(3000, Event::Webhook(again, tries - 1));
        }
        Ok(())
    }

    /// The relay asks the provider for what it missed.
    pub fn sweep(&mut self, boot: u32) -> Result<(), Violation> {
        if self.office.boot != boot || !self.office.up {
            return Ok(());
        }
        let (now, pace) = (self.now, Pace::default());
        let since = self.office.solo.read(|tx| {
            let certain = recovery::certain_until(tx)?.unwrap_or(now);
            recovery::inbound_since(tx, certain, &pace)
        });
        let Ok(since) = since else { return broken("the relay serves", "what to ask for can't be read") };
        for (number, since) in since {
            let listed: Vec<Received> = self
                .provider
                .inbound
                .iter()
                .filter(|(received, at)| received.to == number && *at >= since)
                .map(|(received, _)| received.clone())
                .collect();
            let Ok(unknown) = self.office.solo.read(|tx| recovery::not_yet_received(tx, listed)) else {
                return broken("the relay serves", "what is known can't be read");
            };
            for received in unknown {
                self.reached("inbound swept");
                self.after(0, Event::Webhook(received, 0));
            }
        }
        let overdue = self.office.solo.read(|tx| recovery::overdue(tx, now));
        for one in overdue.unwrap_or_default() {
            let here: Vec<Listed> = self
                .provider
                .taken
                .iter()
                .filter(|taken| taken.outgoing.recipient == one.recipient && taken.outgoing.sender == one.sender)
                .map(listed)
                .collect();
            // What fails is asked for with the next sweep.
            let _ = self.relay_write(|tx, now, _| recovery::take_reports(tx, now, &here))?;
        }
        Ok(())
    }
}

fn listed(taken: &Taken) -> Listed {
    Listed {
        provider_id: taken.provider_id.clone(),
        body: taken.outgoing.body.clone(),
        at: taken.at,
        progress: taken.progress.clone(),
    }
}

/// The number of a customer: few, so that they meet.
pub fn phone_of(customer: u8) -> String {
    format!("+1415555020{}", customer % 6)
}
