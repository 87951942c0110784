//! What the driver does after a commit: requests, the timer, notices; and what it does after a failure.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use tokio::{
    runtime::Handle,
    task::AbortHandle,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    driver::{Core, Engine, FIRST_RETRY, Glance, LONGEST_RETRY},
    error::Error,
    failpoints,
    in_place::in_place,
    stats,
    transport::{Call, Part},
};
use crate::{
    protocol::{Request, Response},
    sync::session::{Connection, Effect, End, Event, RequestId},
    time::Timestamp,
};

/// Events of one transaction, about: a batch of frames and what surrounds it.
const BATCH_EVENTS: usize = 64;
/// Events that are applied in less time than handing them to another thread takes.
const FEW_EVENTS: usize = 16;
/// How long the answer to a push waits for the news of what was pushed, which comes by the live stream a little later: one
/// transaction, and one disk flush, then takes in both.
const NEWS: Duration = Duration::from_millis(10);

impl Engine {
    pub(super) fn carry_out(self: &Arc<Self>, core: &mut Core, effects: Vec<Effect>, glance: &Glance) {
        if effects.contains(&Effect::Wipe) {
            // Nothing else matters then.
            self.erase(core);
            return;
        }
        let mut told = false;
        if self.note_contact(glance) {
            self.changed();
            told = true;
        }
        for effect in effects {
            match effect {
                Effect::Send { request, frames, .. } => self.send(core, request, frames),
                Effect::Cancel { request } => {
                    if let Some(task) = core.requests.remove(&request) {
                        task.abort();
                    }
                }
                Effect::WakeAt(at) => self.wake_at(core, at),
                Effect::Changed => {
                    self.note_records(core);
                    self.index_soon(core);
                    self.changed();
                    told = true;
                }
                Effect::Presence => self.note_colleagues(core),
                Effect::Status => told = true,
                Effect::Synced { result } => {
                    for waiting in core.waiting.drain(..) {
                        // Whoever waited may have gone: then nobody misses the answer.
                        let _ = waiting.answer.send(result.clone());
                    }
                }
                Effect::Wipe => {}
            }
        }
        if told {
            self.refresh(core, glance);
        }
        self.watch_lease(core);
    }

    /// The lease runs out with nothing happening (R9): then the lists must be told.
    fn watch_lease(self: &Arc<Self>, core: &mut Core) {
        if core.runtime.is_none() || core.lease_watch.as_ref().is_some_and(|watch| !watch.is_finished()) {
            return;
        }
        let engine = self.clone();
        core.lease_watch = core.spawn(async move {
            // Every contact moves the end of the lease; whether it did shows when the old end has come.
            while !engine.is_locked() {
                engine.config.clock.sleep_until(engine.locks_at().after(Duration::from_millis(1))).await;
            }
            engine.mark_locked();
        });
    }

    /// Rolled back: drops what is under way and goes on from what is durable, a little later each time.
    pub(super) fn recover(self: &Arc<Self>, core: &mut Core, error: &Error) {
        tracing::warn!(%error, "a transaction failed and was rolled back");
        core.session.forget();
        core.drop_tasks();
        if let Error::Storage(error) = error
            && let Err(error) = core.mend(error)
        {
            tracing::warn!(%error, "the read model can't be made anew");
        }
        core.failure = Some(error.to_string());
        self.note_failure(error);
        for waiting in core.waiting.drain(..) {
            let _ = waiting.answer.send(Err(End::Broken(error.to_string())));
        }
        let at = self.now().after(core.retry);
        core.retry = (core.retry * 2).clamp(FIRST_RETRY, LONGEST_RETRY);
        self.wake_at(core, at);
    }

    fn send(self: &Arc<Self>, core: &mut Core, request: RequestId, frames: Vec<Request>) {
        failpoints::sending(&frames);
        let call = Call { credential: self.identity().credential, frames };
        let engine = self.clone();
        match core.spawn(engine.exchange(request, call)) {
            Some(task) => drop(core.requests.insert(request, task)),
            None => tracing::error!("a request can't be sent: the device was not started on a Tokio runtime"),
        }
    }

    /// Instead of an earlier wish.
    fn wake_at(self: &Arc<Self>, core: &mut Core, at: Timestamp) {
        if let Some(timer) = core.timer.take() {
            timer.abort();
        }
        let engine = self.clone();
        core.timer = core.spawn(async move {
            engine.config.clock.sleep_until(at).await;
            // Errors are in the status, and the driver has its own way to go on.
            let _ = in_place(move || engine.drive(&mut engine.lock(), vec![Event::Woken])).await;
        });
    }

    /// One request from its first byte to its last. While a long batch is applied the next is received and decoded.
    async fn exchange(self: Arc<Self>, request: RequestId, call: Call) {
        let pulls = call.frames.iter().any(|frame| matches!(frame, Request::Hello(hello) if hello.pull));
        let mut parts = self.transport().sync(call);
        let mut following = parts.next().await;
        while let Some(part) = following.take() {
            let mut batch = vec![part];
            // That a push was received is nothing to anybody before its verdicts come.
            if !pulls && matches!(batch[..], [Part::Opened]) {
                batch.extend(parts.next().await);
            }
            // What has come already goes into the same transaction: the greeting with the first page, the end with the last.
            while batch.len() < 3 && size(&batch) < BATCH_EVENTS {
                match parts.next().now_or_never() {
                    Some(Some(part)) => batch.push(part),
                    Some(None) | None => break,
                }
            }
            if !pulls && self.lock().is_live() {
                let until = Instant::now() + NEWS;
                while !ended(&batch) && size(&batch) <= FEW_EVENTS {
                    let Ok(Some(part)) = timeout_at(until, parts.next()).await else { break };
                    batch.push(part);
                }
                if ended(&batch) {
                    self.lock().put_off.push((request, batch));
                    sleep_until(until).await;
                    batch = Vec::new();
                }
            }
            let ended = batch.is_empty() || ended(&batch);
            let engine = self.clone();
            if size(&batch) <= FEW_EVENTS {
                let _ = in_place(move || engine.received(request, batch)).await;
                if ended {
                    return;
                }
                following = parts.next().await;
                continue;
            }
            let applied = tokio::task::spawn_blocking(move || engine.received(request, batch));
            if ended {
                let _ = applied.await;
                return;
            }
            (_, following) = tokio::join!(applied, parts.next());
        }
    }

    fn received(self: &Arc<Self>, request: RequestId, parts: Vec<Part>) {
        let mut core = self.lock();
        core.put_off.push((request, parts));
        self.catch_up(&mut core);
    }

    /// Takes in what has come, and before it what another process has received.
    pub(super) fn catch_up(self: &Arc<Self>, core: &mut Core) {
        self.take_staged(core);
        let mut events = Vec::new();
        core.arrived = (0, false);
        for (request, parts) in std::mem::take(&mut core.put_off) {
            core.take_in(request, parts, &mut events);
        }
        if !events.is_empty() {
            // Errors are in the status, and the driver tries again by itself.
            let _ = self.drive(core, events);
        }
    }
}

fn ended(parts: &[Part]) -> bool {
    matches!(parts.last(), Some(Part::Ended(_)))
}

fn size(parts: &[Part]) -> usize {
    parts.iter().map(|part| if let Part::Frames(frames) = part { frames.len() } else { 1 }).sum()
}

impl Core {
    fn is_live(&self) -> bool {
        self.session.status().connection == Connection::Live
    }

    fn take_in(&mut self, request: RequestId, parts: Vec<Part>, events: &mut Vec<Event>) {
        if !self.requests.contains_key(&request) {
            // Cancelled meanwhile.
            return;
        }
        for part in parts {
            match part {
                Part::Opened => events.push(Event::Opened { request }),
                Part::Frames(frames) => {
                    let (count, closed) = stats::contents(&frames);
                    self.arrived = (self.arrived.0 + count, self.arrived.1 || closed);
                    events.extend(frames.into_iter().map(|frame: Response| Event::Frame { request, frame }));
                }
                Part::Ended(end) => {
                    self.requests.remove(&request);
                    events.push(Event::Closed { request, end });
                }
            }
        }
    }

    /// Spawns on the runtime that the device was started on.
    pub(super) fn spawn(&mut self, future: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        if self.runtime.is_none() {
            self.runtime = Handle::try_current().ok();
        }
        self.runtime.as_ref().map(|runtime| runtime.spawn(future).abort_handle())
    }

    /// Aborts every request and the timer.
    pub(super) fn drop_tasks(&mut self) {
        self.put_off.clear();
        self.requests.drain().for_each(|(_, task)| task.abort());
        for timer in [self.timer.take(), self.lease_watch.take(), self.indexing.take()].into_iter().flatten() {
            timer.abort();
        }
    }
}
