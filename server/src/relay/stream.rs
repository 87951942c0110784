//! Carries an exchange out over a socket: its reads go to the store's readers, its writes to the writer, its frames
//! through one compressed stream to the device.

use std::{collections::BTreeSet, time::Duration};

use axum::body::Bytes;
use offdesk_core::{
    ids::{DeviceId, DocumentId, MemberId},
    protocol::{CodecError, Cursor, Encoder, Goodbye, Presence, Response},
};
use tokio::{
    sync::{broadcast, mpsc},
    time::Interval,
};

use super::{
    catch_up::PageSizes,
    exchange::{Exchange, Step, goodbye},
    live::Place,
    presence::Notice,
    request::SyncRequest,
};
use crate::{
    auth::{AuthError, Authenticated},
    metrics::LIVE_STREAMS,
    serve::App,
    store::{Changed, ReadTx, StoreError, Tx},
};

/// Window of an ordinary response, as a power of two: 128 KiB a stream.
const SMALL_WINDOW: u32 = 17;
/// Window of a live stream: the compressor's buffers and tables follow it, and each open stream has them. With 128 KiB a live
/// device took 870 kB of the relay's memory; frames that come one at a time find the names that they repeat in 4 KiB too.
const LIVE_WINDOW: u32 = 12;
/// Window of a cold start: names and texts repeat over megabytes.
const LARGE_WINDOW: u32 = 23;
/// How long a live stream waits with news that its own device has just pushed: whoever doesn't know it yet comes first, and
/// the device has its verdict beside it.
const OWN_NEWS: Duration = Duration::from_millis(4);
/// How long a reader may leave a chunk untaken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a stream ends before its time.
enum Stop {
    /// The reader has gone.
    Gone,
    /// Said to the reader.
    Goodbye(Goodbye),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        AuthError::from(error).into()
    }
}

impl From<AuthError> for Stop {
    fn from(error: AuthError) -> Self {
        Stop::Goodbye(goodbye(&error))
    }
}

impl From<CodecError> for Stop {
    fn from(error: CodecError) -> Self {
        tracing::error!(%error, "a frame can't be written");
        Stop::Goodbye(Goodbye::Internal)
    }
}

pub(super) struct Stream {
    app: App,
    chunks: mpsc::Sender<Bytes>,
    encoder: Option<Encoder>,
    live: Option<Live>,
}

/// What a live stream has besides.
struct Live {
    place: Place,
    heartbeat: Interval,
    device: DeviceId,
    app: App,
}

impl Live {
    fn begin(app: &App, exchange: &Exchange) -> Self {
        metrics::gauge!(LIVE_STREAMS).increment(1.0);
        let place = app.streams.enter(exchange.device().device, app.config.limits.streams_per_device);
        let mut heartbeat = tokio::time::interval(app.config.heartbeat);
        heartbeat.reset();
        Self { place, heartbeat, device: exchange.device().device, app: app.clone() }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        metrics::gauge!(LIVE_STREAMS).decrement(1.0);
        if self.app.streams.is_last(self.device) {
            self.app.presences.leave(self.device);
        }
    }
}

impl Stream {
    pub(super) fn new(app: App, chunks: mpsc::Sender<Bytes>) -> Self {
        Self { app, chunks, encoder: None, live: None }
    }

    pub(super) async fn run(mut self, device: Authenticated, request: SyncRequest) {
        let exchange = Exchange::new(device, request, PageSizes::default());
        let window = match (exchange.is_cold(), exchange.is_brief()) {
            (true, _) => LARGE_WINDOW,
            (false, true) => LIVE_WINDOW,
            (false, false) => SMALL_WINDOW,
        };
        self.encoder = Encoder::new(window).ok();
        let stop = self.serve(exchange).await.err();
        if let Some(Stop::Goodbye(reason)) = stop {
            let _ = self.push(&Response::Goodbye { reason });
        }
        if let Some(bytes) = self.encoder.take().and_then(|encoder| encoder.finish().ok()) {
            let _ = self.chunks.send_timeout(bytes.into(), PATIENCE).await;
        }
    }

    async fn serve(&mut self, mut exchange: Exchange) -> Result<(), Stop> {
        // Before anything is read, so that no commit falls between a page and the wait for the next.
        let mut changed = self.app.store.changed();
        let mut notices = self.app.presences.notices();
        let mut told = exchange.cursor();
        loop {
            match exchange.step() {
                Step::Read => {
                    let now = self.app.now();
                    let read = move |tx: &ReadTx<'_>| exchange.read(now, tx).map(|()| exchange);
                    exchange = self.app.store.read(read).await?;
                    if let Some(states) = exchange.take_presence() {
                        let device = exchange.device();
                        let who = (device.workspace, device.member, device.device);
                        self.app.presences.say(now, who, states);
                    }
                }
                Step::Write => {
                    let (now, mut rng) = (self.app.now(), self.app.rng());
                    let large = exchange.is_large();
                    self.app.streams.pushes(exchange.device().device);
                    let write = move |tx: &mut Tx<'_>| exchange.write(now, &mut rng, tx).map(|()| exchange);
                    let store = &self.app.store;
                    exchange = if large { store.write_alone(write).await? } else { store.write(write).await? };
                }
                Step::Send { frames, flush } => {
                    for frame in &frames {
                        self.push(frame)?;
                    }
                    if flush {
                        self.flush().await?;
                    }
                }
                Step::Wait => {
                    if self.live.is_none() {
                        self.shrink().await?;
                        self.live = Some(Live::begin(&self.app, &exchange));
                        told = exchange.cursor();
                        let here = self.app.presences.of(exchange.device().workspace);
                        exchange.noticed(self.who_is_in(&exchange, here));
                        continue;
                    }
                    self.wait(&mut changed, &mut notices, &mut exchange, &mut told).await?;
                }
                Step::End => return Ok(()),
            }
        }
    }

    /// Waits for the log to grow, or for the time of a heartbeat, or for somebody to end it.
    async fn wait(
        &mut self,
        changed: &mut broadcast::Receiver<Changed>,
        notices: &mut broadcast::Receiver<Notice>,
        exchange: &mut Exchange,
        told: &mut Cursor,
    ) -> Result<(), Stop> {
        let Some(live) = &mut self.live else { return Ok(()) };
        if *told != exchange.cursor() {
            *told = exchange.cursor();
            live.heartbeat.reset();
        }
        loop {
            tokio::select! {
                () = self.app.shutdown.cancelled() => return Err(Stop::Goodbye(Goodbye::ShuttingDown)),
                () = self.chunks.closed() => return Err(Stop::Gone),
                () = live.place.taken.cancelled() => return Err(Stop::Gone),
                _ = live.heartbeat.tick() => {
                    exchange.beat();
                    return Ok(());
                }
                notice = notices.recv() => {
                    // What a slow stream missed is said again soon.
                    let mut documents: BTreeSet<DocumentId> = BTreeSet::new();
                    let workspace = exchange.device().workspace;
                    let mut next = notice.ok();
                    while let Some((of, document)) = next {
                        documents.extend((of == workspace).then_some(document));
                        next = notices.try_recv().ok();
                    }
                    if !documents.is_empty() {
                        let told = self.who_is_in(exchange, documents);
                        exchange.noticed(told);
                        return Ok(());
                    }
                }
                change = changed.recv() => match change {
                    Ok(Changed::Log(workspace)) if workspace != exchange.device().workspace => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                        if self.app.streams.take_pushed(exchange.device().device) {
                            tokio::time::sleep(OWN_NEWS).await;
                        }
                        exchange.woken();
                        return Ok(());
                    }
                    Err(broadcast::error::RecvError::Closed) => return Err(Stop::Goodbye(Goodbye::ShuttingDown)),
                },
            }
        }
    }

    /// Who else is in these conversations right now.
    fn who_is_in(
        &self,
        exchange: &Exchange,
        documents: BTreeSet<DocumentId>,
    ) -> Vec<(DocumentId, Vec<(MemberId, Presence)>)> {
        let (now, me) = (self.app.now(), exchange.device().member);
        documents.into_iter().map(|document| (document, self.app.presences.others(now, document, me))).collect()
    }

    /// Ends a cold start's compressed frame and begins one with a small window: a stream stays open for hours, and megabytes
    /// of window for each would be the relay's largest use of memory.
    async fn shrink(&mut self) -> Result<(), Stop> {
        let Some(large) = self.encoder.take_if(|encoder| encoder.window_log() > LIVE_WINDOW) else { return Ok(()) };
        let rest = large.finish()?;
        self.encoder = Some(Encoder::new(LIVE_WINDOW)?);
        self.send(rest).await
    }

    fn push(&mut self, frame: &Response) -> Result<(), Stop> {
        self.encoder.as_mut().ok_or(Stop::Gone)?.push(frame)?;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        let bytes = self.encoder.as_mut().ok_or(Stop::Gone)?.flush()?;
        self.send(bytes).await
    }

    async fn send(&self, bytes: Vec<u8>) -> Result<(), Stop> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.chunks.send_timeout(bytes.into(), PATIENCE).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(Stop::Goodbye(Goodbye::TooSlow)),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Stop::Gone),
        }
    }
}
