//! The task that empties the ledger: does what the [`Desk`] says, calls the provider, and asks for what was missed. It goes
//! on when something was committed, when a time in the ledger has come, and when a call has ended.

use std::{collections::HashMap, sync::Arc};

use offdesk_core::{ids::MessageId, time::Timestamp};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::{self, JoinHandle, JoinSet},
};

use crate::{
    channels::{
        SmsProvider,
        twilio::{Account, Twilio, client::ClientError},
    },
    dispatch::{
        Pace,
        desk::{Answer, Call, Desk, Step, Work},
        recovery::{self, RecoveryError},
    },
    failpoints,
    serve::App,
    store::{Changed, StoreError},
};

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
}

/// Calls of the provider that are under way.
#[derive(Default)]
struct Calls {
    tasks: JoinSet<Answer>,
    /// Which message each is about, in case it dies.
    about: HashMap<task::Id, MessageId>,
}

impl Dispatcher {
    /// A dispatcher for the relay's ledger. There must be only one in a relay.
    pub fn new(app: App, provider: Arc<dyn SmsProvider>, pace: Pace) -> Self {
        Self { app, provider, pace }
    }

    /// Works until the app shuts down, then finishes what is under way.
    pub async fn run(self) {
        let sweeping = tokio::spawn(self.clone().sweep());
        if let Err(error) = self.empty_ledger().await {
            tracing::error!(%error, "dispatching has ended");
        }
        let _ = sweeping.await;
    }

    async fn empty_ledger(&self) -> Result<(), StoreError> {
        let mut changed = self.app.store.changed();
        let (mut desk, mut calls) = (Desk::new(self.pace), Calls::default());
        loop {
            let now = self.app.now();
            let closing = self.app.shutdown.is_cancelled();
            if closing {
                // Outcomes of calls that are under way are worth waiting for: each one missed is a question later.
                desk.close();
            }
            match desk.step(now) {
                Step::Call(call) => self.call(&mut calls, call),
                Step::Look(look) => {
                    let due = self.app.store.read(move |tx| look.run(now, tx)).await;
                    desk.looked(now, told(due, "the ledger can't be read")?);
                }
                Step::Write(work) => {
                    let claims = matches!(work, Work::Claim(..));
                    if !claims {
                        failpoints::hit(failpoints::DISPATCH_BEFORE_OUTCOME);
                    }
                    let mut rng = self.app.rng();
                    let done = self.app.store.write(move |tx| work.run(now, &mut rng, tx)).await;
                    if claims {
                        failpoints::hit(failpoints::DISPATCH_CLAIMED);
                    }
                    desk.written(now, told(done, "the ledger can't be written; what is open will be asked about")?);
                }
                Step::Sleep(_) if closing && desk.is_idle() => return Ok(()),
                Step::Sleep(until) => self.sleep(&mut desk, &mut calls, &mut changed, until, closing).await,
            }
        }
    }

    fn call(&self, calls: &mut Calls, call: Call) {
        let (provider, message) = (self.provider.clone(), call.message());
        let task = calls.tasks.spawn(async move {
            match call {
                Call::Send(outgoing) => {
                    failpoints::hit(failpoints::DISPATCH_BEFORE_PROVIDER);
                    let outcome = provider.send(&outgoing).await;
                    failpoints::hit(failpoints::DISPATCH_AFTER_PROVIDER);
                    tracing::debug!(message = %outgoing.message, ?outcome, "handed over");
                    Answer::Sent(outgoing, outcome)
                }
                Call::Find(question) => {
                    let (recipient, sender) = (&question.entry.recipient, &question.entry.sender);
                    let listed = provider.find(recipient, sender, question.since).await;
                    if let Err(error) = &listed {
                        tracing::warn!(%error, message = %question.entry.message, "the provider can't be asked about a message");
                    }
                    Answer::Listed(question, listed)
                }
            }
        });
        calls.about.insert(task.id(), message);
    }

    async fn sleep(
        &self,
        desk: &mut Desk,
        calls: &mut Calls,
        changed: &mut broadcast::Receiver<Changed>,
        until: Timestamp,
        closing: bool,
    ) {
        tokio::select! {
            () = self.app.shutdown.cancelled(), if !closing => {}
            () = tokio::time::sleep(until.since(self.app.now())) => desk.woken(),
            () = wait(changed) => desk.woken(),
            Some(ended) = calls.tasks.join_next_with_id() => match ended {
                Ok((id, answer)) => {
                    calls.about.remove(&id);
                    desk.answered(answer);
                }
                Err(error) => {
                    tracing::error!(%error, "a call of the provider died; its message will be asked about");
                    if let Some(message) = calls.about.remove(&error.id()) {
                        desk.lost(message);
                    }
                }
            }
        }
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

/// Passes a result on, telling what failed; only a closed store ends everything.
fn told<T>(result: Result<T, StoreError>, what: &str) -> Result<Result<T, StoreError>, StoreError> {
    match result {
        Err(StoreError::Closed) => Err(StoreError::Closed),
        Err(error) => {
            tracing::error!(%error, "{what}");
            Ok(Err(error))
        }
        fine => Ok(fine),
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
