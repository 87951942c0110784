//! One response: greeting, verdicts, pages, and for a live stream what happens from then on.

use std::time::Duration;

use axum::body::Bytes;
use offdesk_core::{
    ids::DocumentId,
    policy::Visibility,
    protocol::{CodecError, Cursor, Encoder, Goodbye, Response, VERSION, Welcome},
};
use rusqlite::params;
use tokio::sync::{broadcast, mpsc};

use super::{
    backfill,
    catch_up::{self, Step},
    contents, digests,
    request::SyncRequest,
};
use crate::{
    accept::{self, Push, Pusher, document_row, is_clone},
    auth::{self, AuthError, Authenticated},
    metrics::LIVE_STREAMS,
    serve::App,
    store::{Changed, StoreError},
};

/// Window of an ordinary response, as a power of two: 128 KiB a stream.
const SMALL_WINDOW: u32 = 17;
/// Window of a cold start: names and texts repeat over megabytes.
const LARGE_WINDOW: u32 = 23;
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
        tracing::error!(%error, "a sync stream failed");
        Stop::Goodbye(Goodbye::Internal)
    }
}

impl From<AuthError> for Stop {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Store(error) => error.into(),
            _ => Stop::Goodbye(Goodbye::Revoked),
        }
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
    device: Authenticated,
    chunks: mpsc::Sender<Bytes>,
    encoder: Option<Encoder>,
}

impl Stream {
    pub(super) fn new(app: App, device: Authenticated, chunks: mpsc::Sender<Bytes>) -> Self {
        Self { app, device, chunks, encoder: None }
    }

    pub(super) async fn run(mut self, request: SyncRequest) {
        let cold = request.hello.cursor.seq == 0 || request.hello.cursor.backfill.is_some();
        let window = if cold && request.hello.pull { LARGE_WINDOW } else { SMALL_WINDOW };
        self.encoder = Encoder::new(window).ok();
        let stop = self.serve(request).await.err();
        if let Some(Stop::Goodbye(reason)) = stop {
            let _ = self.push(&Response::Goodbye { reason });
        }
        if let Some(bytes) = self.encoder.take().and_then(|encoder| encoder.finish().ok()) {
            let _ = self.chunks.send_timeout(bytes.into(), PATIENCE).await;
        }
    }

    async fn serve(&mut self, request: SyncRequest) -> Result<(), Stop> {
        // Before anything is read, so that no commit falls between a page and the wait for the next.
        let mut changed = self.app.store.changed();
        let epoch = self.app.store.read(accept::epoch).await?;
        let hello = &request.hello;
        let same_epoch = hello.cursor.epoch == epoch || hello.cursor.epoch == 0;
        let clone = is_clone(self.device.incarnation, hello.incarnation);
        // In another epoch the device's work is to be offered again first, under fresh actors.
        let push = if same_epoch { request.push } else { None };
        let verdicts = match push {
            Some(push) if !clone => {
                let push = Push {
                    incarnation: hello.incarnation,
                    number: push.number,
                    groups: push.groups,
                    registers: push.registers,
                };
                self.judge(push).await?
            }
            _ => Some(Vec::new()),
        };
        let clone = clone || verdicts.is_none();
        let mut cursor =
            if same_epoch { Cursor { epoch, ..hello.cursor } } else { Cursor { epoch, seq: 0, backfill: None } };
        let up_to_date = hello.pull && same_epoch && !clone && self.up_to_date(cursor).await?;
        let welcome = Welcome { version: VERSION.min(hello.version), epoch, now: self.app.now(), up_to_date, clone };
        self.push(&Response::Welcome(welcome))?;
        for frame in verdicts.unwrap_or_default() {
            self.push(&frame)?;
        }
        self.flush().await?;
        if clone || !same_epoch {
            // The device must settle this before anything else is of use to it.
            return Ok(());
        }
        if !request.fetch.is_empty() {
            self.fetch(request.fetch).await?;
        }
        if !hello.pull {
            return Ok(());
        }
        if up_to_date && let Some(digest) = hello.digest.clone() {
            self.mend(digest, cursor).await?;
        }
        self.pages(&mut cursor, true).await?;
        if hello.live {
            self.shrink().await?;
            metrics::gauge!(LIVE_STREAMS).increment(1.0);
            let ended = self.live(&mut changed, cursor).await;
            metrics::gauge!(LIVE_STREAMS).decrement(1.0);
            return ended;
        }
        Ok(())
    }

    async fn judge(&self, push: Push) -> Result<Option<Vec<Response>>, Stop> {
        let pusher =
            Pusher { workspace: self.device.workspace, member: self.device.member, device: self.device.device };
        let now = self.app.now();
        let answered = self.app.store.write(move |tx| accept::push(tx, now, &pusher, &push)).await;
        match answered {
            Err(StoreError::Missing("device")) => Err(Stop::Goodbye(Goodbye::Revoked)),
            other => Ok(other?),
        }
    }

    async fn up_to_date(&self, cursor: Cursor) -> Result<bool, Stop> {
        if cursor.seq == 0 || cursor.backfill.is_some() {
            return Ok(false);
        }
        let workspace = self.device.workspace;
        let end = self.app.store.read(move |tx| catch_up::log_end(tx, workspace)).await?;
        Ok(cursor.seq >= end)
    }

    /// Sends pages until the device is up to date. `tell` says so even if nothing was missing.
    async fn pages(&mut self, cursor: &mut Cursor, mut tell: bool) -> Result<(), Stop> {
        loop {
            let (device, at) = (self.device.clone(), *cursor);
            let step = self
                .app
                .store
                .read(move |tx| {
                    // Access may have changed since the last page: what is sent is what may be seen now (R9, R10).
                    let access = auth::access(tx, device.workspace, device.member)?.ok_or(AuthError::Deactivated)?;
                    let device = Authenticated { access, ..device };
                    revoked(tx, &device)?;
                    let epoch = accept::epoch(tx)?;
                    Ok::<_, AuthError>((access, catch_up::next(tx, &device, epoch, &at)?))
                })
                .await?;
            let (access, step) = step;
            self.device.access = access;
            match step {
                Step::UpToDate => return Ok(()),
                Step::Backfill(plan) => {
                    let (device, mut rng) = (self.device.device, self.app.rng());
                    let (plan, place) = self
                        .app
                        .store
                        .write(move |tx| {
                            let place = backfill::begin(tx, device, &plan, &mut rng)?;
                            Ok::<_, StoreError>((plan, place))
                        })
                        .await?;
                    for frame in &plan.first {
                        self.push(frame)?;
                    }
                    *cursor = Cursor { epoch: cursor.epoch, seq: plan.seq, backfill: Some(place) };
                    tell = true;
                }
                Step::Page(page) => {
                    let nothing = page.frames.is_empty();
                    *cursor = page.cursor;
                    for frame in &page.frames {
                        self.push(frame)?;
                    }
                    if !page.unfetch.is_empty() {
                        self.unfetch(page.unfetch).await?;
                    }
                    let more = cursor.backfill.is_some();
                    if !nothing || tell {
                        self.push(&Response::Cursor { cursor: *cursor, up_to_date: !more })?;
                        self.flush().await?;
                    }
                    tell = more;
                }
            }
        }
    }

    /// Pages as the log grows, heartbeats in between, until somebody ends it.
    async fn live(&mut self, changed: &mut broadcast::Receiver<Changed>, mut cursor: Cursor) -> Result<(), Stop> {
        let shutdown = self.app.shutdown.clone();
        let place = self.app.streams.enter(self.device.device, self.app.config.limits.streams_per_device);
        let mut told = cursor;
        let mut heartbeat = tokio::time::interval(self.app.config.heartbeat);
        heartbeat.reset();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Err(Stop::Goodbye(Goodbye::ShuttingDown)),
                () = self.chunks.closed() => return Err(Stop::Gone),
                () = place.taken.cancelled() => return Err(Stop::Gone),
                _ = heartbeat.tick() => {
                    // A cursor that moved without a frame of the member's own is told now and then.
                    let frame = if told == cursor { Response::Heartbeat } else { Response::Cursor { cursor, up_to_date: true } };
                    self.push(&frame)?;
                    self.flush().await?;
                    told = cursor;
                }
                change = changed.recv() => {
                    match change {
                        Ok(Changed::Log(workspace)) if workspace != self.device.workspace => continue,
                        Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => return Err(Stop::Goodbye(Goodbye::ShuttingDown)),
                    }
                    let before = cursor;
                    self.pages(&mut cursor, false).await?;
                    if cursor != before {
                        heartbeat.reset();
                    }
                }
            }
        }
    }

    async fn mend(&mut self, told: Vec<u64>, cursor: Cursor) -> Result<(), Stop> {
        let device = self.device.clone();
        let frames = self.app.store.read(move |tx| digests::mend(tx, &device, &told)).await?;
        for frame in &frames {
            self.push(frame)?;
        }
        if !frames.is_empty() {
            self.push(&Response::Cursor { cursor, up_to_date: true })?;
            self.flush().await?;
        }
        Ok(())
    }

    /// Documents asked for by name: sent if the member may see them by any path, else evicted. Those that are not sent by
    /// themselves (R7) are remembered, so that they go on.
    async fn fetch(&mut self, documents: Vec<DocumentId>) -> Result<(), Stop> {
        let device = self.device.clone();
        let (frames, remember) = self
            .app
            .store
            .read(move |tx| {
                let (mut frames, mut remember) = (Vec::new(), Vec::new());
                for document in documents {
                    let row = document_row(tx, document)?.filter(|row| row.workspace == device.workspace);
                    let visibility = match &row {
                        Some(row) => tx.visibility(&device.access, document, row)?,
                        None => Visibility::NONE,
                    };
                    match row.filter(|_| visibility.any()) {
                        Some(row) => {
                            frames.push(contents::snapshot(tx, &device.access, document, &row, visibility)?);
                            if !visibility.dashboard() {
                                remember.push(document);
                            }
                        }
                        None => frames.push(Response::Evict { documents: vec![document] }),
                    }
                }
                Ok::<_, StoreError>((frames, remember))
            })
            .await?;
        if !remember.is_empty() {
            let device = self.device.device;
            self.app
                .store
                .write(move |tx| {
                    for document in &remember {
                        tx.connection()
                            .prepare_cached("INSERT OR IGNORE INTO fetched (device, document, seq) VALUES (?1, ?2, 0)")?
                            .execute(params![device.as_bytes(), document.as_bytes()])?;
                    }
                    Ok::<_, StoreError>(())
                })
                .await?;
        }
        for frame in &frames {
            self.push(frame)?;
        }
        self.flush().await
    }

    async fn unfetch(&self, documents: Vec<DocumentId>) -> Result<(), Stop> {
        let device = self.device.device;
        self.app
            .store
            .write(move |tx| {
                for document in &documents {
                    tx.connection()
                        .prepare_cached("DELETE FROM fetched WHERE device = ?1 AND document = ?2")?
                        .execute(params![device.as_bytes(), document.as_bytes()])?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// Ends a cold start's compressed frame and begins one with a small window: a stream stays open for hours, and megabytes
    /// of window for each would be the relay's largest use of memory.
    async fn shrink(&mut self) -> Result<(), Stop> {
        let Some(large) = self.encoder.take_if(|encoder| encoder.window_log() > SMALL_WINDOW) else { return Ok(()) };
        let rest = large.finish()?;
        self.encoder = Some(Encoder::new(SMALL_WINDOW)?);
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

/// Whether the device was revoked since it authenticated.
fn revoked(tx: &crate::store::ReadTx<'_>, device: &Authenticated) -> Result<(), AuthError> {
    let revoked: Option<i64> = tx
        .connection()
        .prepare_cached("SELECT revoked FROM devices WHERE id = ?1")?
        .query_row([device.device.as_bytes()], |row| row.get(0))?;
    if revoked.is_some() { Err(AuthError::Revoked) } else { Ok(()) }
}
