//! The task that empties the ledger. It looks when something was committed, when a time in the ledger has come, and when
//! one of its own jobs has ended; then it starts as many jobs as there is room for. A job hands one message over, or asks
//! the provider about one.
//!
//! A message is claimed in one commit and handed over after it. Whoever dies in between leaves `dispatching` behind; the
//! next process finds it there, with nobody working on it, and asks.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use offdesk_core::{ids::MessageId, time::Timestamp};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::{JoinHandle, JoinSet},
};

use crate::{
    channels::{
        Outgoing, SmsProvider,
        twilio::{Account, Twilio, client::ClientError},
    },
    dispatch::{
        Pace,
        entry::Entry,
        ledger,
        recovery::{self, RecoveryError},
    },
    failpoints,
    serve::App,
    store::{Changed, StoreError},
};

/// The longest sleep: a clock that was set and a missed notice must not stop dispatch for longer.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// The pause after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Starts dispatching through the configured provider; `None` if no provider is configured.
///
/// # Errors
/// [`ClientError`] if the provider's client can't be set up.
pub fn start(app: &App) -> Result<Option<JoinHandle<()>>, ClientError> {
    let Some(sms) = &app.config.sms else { return Ok(None) };
    let provider = Twilio::new(Account {
        base_url: sms.base_url.clone(),
        sid: sms.account_sid.clone(),
        auth_token: sms.auth_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
        public_url: app.config.public_url.clone().filter(|_| sms.status_callback),
    })?;
    let pace = Pace { settle: sms.settle, ..Pace::default() };
    Ok(Some(tokio::spawn(Dispatcher::new(app.clone(), Arc::new(provider), pace).run())))
}

/// Hands queued messages to a provider.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    app: App,
    provider: Arc<dyn SmsProvider>,
    pace: Pace,
    // Std Mutexes: held for a look or a change, never across an await.
    under_way: Arc<Mutex<HashSet<MessageId>>>,
    asked: Arc<Mutex<HashMap<MessageId, Asked>>>,
}

/// What asking about a message has brought so far in this process.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    missed: bool,
    failed: u32,
}

/// Keeps a message marked as being worked on, also if the job dies.
struct UnderWay {
    message: MessageId,
    all: Arc<Mutex<HashSet<MessageId>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.message);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dispatcher {
    /// A dispatcher for the relay's ledger. There must be only one in a relay.
    pub fn new(app: App, provider: Arc<dyn SmsProvider>, pace: Pace) -> Self {
        Self { app, provider, pace, under_way: Arc::default(), asked: Arc::default() }
    }

    /// Works until the app shuts down, then finishes what is under way.
    pub async fn run(self) {
        let mut changed = self.app.store.changed();
        let mut jobs = JoinSet::new();
        jobs.spawn(self.clone().sweep());
        while !self.app.shutdown.is_cancelled() {
            let sleep = match self.start_due(&mut jobs).await {
                Ok(sleep) => sleep,
                Err(StoreError::Closed) => break,
                Err(error) => {
                    tracing::error!(%error, "the ledger can't be read");
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = self.app.shutdown.cancelled() => break,
                () = tokio::time::sleep(sleep) => {}
                () = wait(&mut changed) => {}
                Some(ended) = jobs.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a dispatch job died; its message will be asked about");
                    }
                }
            }
        }
        // Outcomes of calls that are under way are worth waiting for: each one missed is a question later.
        while jobs.join_next().await.is_some() {}
    }

    /// Starts what is due, as far as there is room. Returns how long nothing more is due.
    async fn start_due(&self, jobs: &mut JoinSet<()>) -> Result<Duration, StoreError> {
        let room = self.pace.parallel.saturating_sub(lock(&self.under_way).len());
        if room == 0 {
            return Ok(LONGEST_SLEEP);
        }
        let now = self.app.now();
        let under_way = lock(&self.under_way).clone();
        let (claim_at, questions) = self
            .app
            .store
            .read(move |tx| {
                Ok::<_, StoreError>((ledger::next_claim(tx, now)?, ledger::next_questions(tx, &under_way, room)?))
            })
            .await?;
        let mut next = claim_at.into_iter().chain(questions.iter().map(|(at, _)| *at)).filter(|at| *at > now).min();
        let mut left = room;
        for (_, entry) in questions.into_iter().filter(|(at, _)| *at <= now) {
            left -= 1;
            let guard = self.mark(entry.message);
            jobs.spawn(self.clone().ask(entry, guard));
        }
        if left > 0 && claim_at.is_some_and(|at| at <= now) {
            let claimed = self.claim(now, left).await?;
            failpoints::hit(failpoints::DISPATCH_CLAIMED);
            for message in claimed {
                let guard = self.mark(message.message);
                jobs.spawn(self.clone().hand_over(message, guard));
            }
            // Something may have been refused or become a question: look again at once.
            next = Some(now);
        }
        let full = lock(&self.under_way).len() >= self.pace.parallel;
        Ok(if full { LONGEST_SLEEP } else { next.map_or(LONGEST_SLEEP, |at| at.since(now).min(LONGEST_SLEEP)) })
    }

    fn mark(&self, message: MessageId) -> UnderWay {
        lock(&self.under_way).insert(message);
        UnderWay { message, all: self.under_way.clone() }
    }

    async fn claim(&self, now: Timestamp, limit: usize) -> Result<Vec<Outgoing>, StoreError> {
        let (pace, mut rng) = (self.pace, self.app.rng());
        self.app.store.write(move |tx| ledger::claim(tx, now, &mut rng, limit, &pace)).await
    }

    async fn hand_over(self, message: Outgoing, _under_way: UnderWay) {
        failpoints::hit(failpoints::DISPATCH_BEFORE_PROVIDER);
        let outcome = self.provider.send(&message).await;
        failpoints::hit(failpoints::DISPATCH_AFTER_PROVIDER);
        tracing::debug!(message = %message.message, ?outcome, "handed over");
        let (now, pace, mut rng) = (self.app.now(), self.pace, self.app.rng());
        let id = message.message;
        failpoints::hit(failpoints::DISPATCH_BEFORE_OUTCOME);
        let written =
            self.app.store.write(move |tx| ledger::finish(tx, now, &mut rng, &message, &outcome, &pace)).await;
        if let Err(error) = written {
            tracing::error!(%error, message = %id, "an outcome can't be written down; the message will be asked about");
        }
    }

    async fn ask(self, entry: Entry, _under_way: UnderWay) {
        let id = entry.message;
        if let Err(error) = self.ask_about(entry).await {
            tracing::error!(%error, message = %id, "what the provider says of a message can't be written down");
        }
    }

    async fn ask_about(&self, entry: Entry) -> Result<(), StoreError> {
        let since = match entry.attempted_at {
            Some(at) => at,
            None => self.app.store.read(ledger::restored).await?.1.unwrap_or(entry.updated),
        };
        let since = since.before(self.pace.clock_skew);
        let listed = self.provider.find(&entry.recipient, &entry.sender, since).await;
        let mut asked = lock(&self.asked).remove(&entry.message).unwrap_or_default();
        let (now, settle) = (self.app.now(), self.pace.settle);
        let id = entry.message;
        match listed {
            Ok(listed) => {
                let missed = asked.missed;
                let again = self
                    .app
                    .store
                    .write(move |tx| {
                        let again = ledger::weigh(tx, now, &entry, since, &listed, missed)?;
                        if again {
                            ledger::ask_at(tx, &entry, now.after(settle), None)?;
                        }
                        Ok::<_, StoreError>(again)
                    })
                    .await?;
                asked = Asked { missed: true, failed: 0 };
                if again {
                    lock(&self.asked).insert(id, asked);
                }
            }
            Err(error) => {
                asked.failed += 1;
                tracing::warn!(%error, message = %id, failed = asked.failed, "the provider can't be asked about a message");
                if asked.failed >= self.pace.failed_lists {
                    let why = error.to_string();
                    return self.app.store.write(move |tx| ledger::give_up(tx, now, &entry, &why)).await;
                }
                let mut rng = self.app.rng();
                let pause = self.pace.backoff.pause(asked.failed, Some(settle), &mut rng);
                lock(&self.asked).insert(id, asked);
                self.app.store.write(move |tx| ledger::ask_at(tx, &entry, now.after(pause), None)).await?;
            }
        }
        Ok(())
    }

    /// Asks for what was missed, at the start and from time to time.
    async fn sweep(self) {
        let shutdown = self.app.shutdown.clone();
        shutdown.run_until_cancelled(self.sweep_on()).await;
    }

    async fn sweep_on(&self) {
        let (mut certain_until, mut failed) = (None, 0);
        loop {
            let began = self.app.now();
            let pause = match self.sweep_once(certain_until).await {
                Ok(()) => {
                    (certain_until, failed) = (Some(began), 0);
                    self.pace.sweep
                }
                Err(error) => {
                    tracing::warn!(%error, "the provider can't be asked for what was missed; trying again");
                    failed += 1;
                    self.pace.backoff.pause(failed, None, &mut self.app.rng())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn sweep_once(&self, certain_until: Option<Timestamp>) -> Result<(), RecoveryError> {
        let certain_until = match certain_until {
            Some(at) => Some(at),
            None => self.app.store.read(recovery::certain_until).await?,
        };
        let Some(certain_until) = certain_until else { return Ok(()) };
        let provider = self.provider.as_ref();
        let new = recovery::fetch_inbound(&self.app, provider, certain_until, &self.pace).await?;
        let moved = recovery::refresh_reports(&self.app, provider, &self.pace).await?;
        if new > 0 || moved > 0 {
            tracing::info!(new, moved, "the provider had messages or reports that had not reached us");
        }
        Ok(())
    }
}

/// Waits until something was committed, and passes over everything else that was committed meanwhile.
async fn wait(changed: &mut broadcast::Receiver<Changed>) {
    if let Err(RecvError::Closed) = changed.recv().await {
        // The store is gone; the loop notices that by itself.
        std::future::pending::<()>().await;
    }
    while changed.try_recv().is_ok() {}
}
