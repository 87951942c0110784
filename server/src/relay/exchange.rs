//! One exchange with a device, without I/O: greeting, verdicts, pages, and for a live stream what happens from then on.
//!
//! [`Exchange::step`] says what comes next; the driver does it and asks again:
//!
//! ```text
//! Read, or Write (the push) ──→ Read ──→ Send (welcome, verdicts) ──→ Read, Write, Send (fetched documents)
//!   ──→ Read, Send (digests) ──→ Read, Write?, Send … (pages) ──→ Wait ⇄ pages … ──→ End
//! ```
//!
//! The relay drives it over sockets and its pool of readers (`stream.rs`), the simulator over one connection in
//! virtual time. A driver that fails at a read, a write or its commit throws the exchange away and ends the stream: all
//! that counts is in the database, and the device comes again with its cursor.

mod present;

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    ids::{DocumentId, MemberId},
    protocol::{Cursor, Goodbye, Presence, Response, VERSION, Verdict, Welcome, abridged::abridge},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::params;
use serde_bytes::ByteBuf;

use super::{
    backfill,
    catch_up::{self, PageSizes, Plan},
    digests,
    fetch::Answer,
    request::{PushBody, SyncRequest},
};
use crate::{
    accept::{self, Push, Pusher, is_clone},
    auth::{self, AuthError, Authenticated},
    store::{ReadTx, StoreError, Tx},
};

/// What the driver is to do next.
#[derive(Debug)]
pub enum Step {
    /// Call [`Exchange::read`] in a reader's snapshot.
    Read,
    /// Call [`Exchange::write`] in the writer, and go on once it is durable.
    Write,
    /// Send these frames, and if told to, all that was sent so far without waiting for more.
    Send {
        /// In order.
        frames: Vec<Response>,
        /// Whether the device is to have them now.
        flush: bool,
    },
    /// The stream is live and the device has everything: when the workspace's log grows, or has grown since the last
    /// [`Exchange::read`], call [`Exchange::woken`], when nothing was sent for a while [`Exchange::beat`].
    Wait,
    /// Nothing more comes.
    End,
}

/// A push of more groups than this is large.
const MANY_GROUPS: usize = 8;

/// Where the exchange is.
#[derive(Debug)]
enum Stage {
    /// Epoch and incarnation are to be looked at, and the push is to be judged, if there is one.
    Begin,
    /// Whether anything is missing is to be looked up, for the welcome.
    Compare { verdicts: Vec<Response> },
    /// Welcome and verdicts are to be sent.
    Greet { verdicts: Vec<Response> },
    /// Which of the conversations that the member says to be in they may see is to be looked up.
    Present,
    /// Documents asked for by name are to be read.
    Fetch,
    /// They are to go on being sent.
    Remember(Answer),
    /// Digests are to be compared.
    Mend { told: Vec<u64> },
    /// The next page is to be read.
    Page,
    /// A long list is to be written down.
    Backfill(Plan),
    /// Documents of a page are not to go on being sent.
    Forget { documents: Vec<DocumentId>, frames: Vec<Response> },
    /// These frames are to be sent; then `then`.
    Send { frames: Vec<Response>, flush: bool, then: Box<Stage> },
    /// Who is in these conversations is to be told, to a member who may see them.
    Tell(Vec<(DocumentId, Members)>),
    /// Live.
    Wait,
    /// Over.
    End,
}

/// One request being answered.
#[derive(Debug)]
pub struct Exchange {
    device: Authenticated,
    request: SyncRequest,
    sizes: PageSizes,
    stage: Stage,
    /// Where the device is once it has what was sent.
    cursor: Cursor,
    /// Where the device knows it is.
    told: Cursor,
    same_epoch: bool,
    clone: bool,
    up_to_date: bool,
    /// Whether the next cursor is told even if nothing was missing.
    tell: bool,
    /// Whether the driver told of something that was not looked for yet.
    grown: bool,
    /// The changes that this exchange accepted, until the device has caught up: its verdicts stand before the pages in the
    /// same stream, so it has them.
    accepted: BTreeSet<ByteBuf>,
    /// Where the member is, once it was looked up.
    present: Option<BTreeMap<DocumentId, Presence>>,
    /// Conversations in which the device was told somebody to be.
    peopled: BTreeSet<DocumentId>,
}

/// Colleagues in a conversation.
type Members = Vec<(MemberId, Presence)>;

impl Exchange {
    /// Begins to answer the request of a device.
    pub fn new(device: Authenticated, request: SyncRequest, sizes: PageSizes) -> Self {
        let cursor = request.hello.cursor;
        Self {
            device,
            request,
            sizes,
            stage: Stage::Begin,
            cursor,
            told: cursor,
            same_epoch: true,
            clone: false,
            up_to_date: false,
            tell: true,
            grown: false,
            accepted: BTreeSet::new(),
            present: None,
            peopled: BTreeSet::new(),
        }
    }

    /// Whose device it is, as last read.
    pub fn device(&self) -> &Authenticated {
        &self.device
    }

    /// Where the device is once it has what was sent.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Whether it begins with so much that a large compression window pays.
    pub fn is_cold(&self) -> bool {
        let hello = &self.request.hello;
        hello.pull && (hello.cursor.seq == 0 || hello.cursor.backfill.is_some())
    }

    /// Whether its answer is a few verdicts: a large compressor's tables take longer to make than they save.
    pub fn is_brief(&self) -> bool {
        !self.request.hello.pull && !self.request.fetches() && !self.pushes_much()
    }

    fn pushes_much(&self) -> bool {
        self.request.push.as_ref().is_some_and(|push| push.groups.len() > MANY_GROUPS)
    }

    /// Whether the [`Step::Write`] that is to be done is worth a commit of its own.
    pub fn is_large(&self) -> bool {
        match &self.stage {
            Stage::Begin => self.pushes_much(),
            Stage::Backfill(_) => true,
            _ => false,
        }
    }

    /// What is to be done next.
    pub fn step(&mut self) -> Step {
        self.look();
        match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::Send { frames, flush, then } => {
                self.stage = *then;
                Step::Send { frames, flush }
            }
            Stage::End => Step::End,
            stage => {
                let step = match stage {
                    Stage::Wait => Step::Wait,
                    // What a push begins with is read where it is judged: one look at the database less.
                    Stage::Begin if self.request.push.is_some() => Step::Write,
                    Stage::Remember(_) | Stage::Backfill(_) | Stage::Forget { .. } => Step::Write,
                    _ => Step::Read,
                };
                self.stage = stage;
                step
            }
        }
    }

    /// Does what [`Step::Read`] stands for.
    ///
    /// # Errors
    /// [`AuthError`] if the device's access has ended or the store failed: then the exchange is over ([`goodbye`]).
    pub fn read(&mut self, now: Timestamp, tx: &ReadTx<'_>) -> Result<(), AuthError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::Begin => {
                self.begin(accept::epoch(tx)?);
                self.compare(Vec::new())
            }
            Stage::Compare { verdicts } => {
                self.up_to_date = self.cursor.seq >= catch_up::log_end(tx, self.device.workspace)?;
                Stage::Greet { verdicts }
            }
            Stage::Present => {
                self.check_access(tx)?;
                self.present = Some(self.seen_among(tx)?);
                self.after_presence()
            }
            Stage::Tell(told) => self.tell(tx, told)?,
            Stage::Fetch => self.fetch(tx)?,
            Stage::Mend { told } => {
                self.check_access(tx)?;
                let mut frames = digests::mend(tx, &self.device, &told)?;
                if frames.is_empty() {
                    self.page(tx)?
                } else {
                    frames.push(Response::Cursor { cursor: self.cursor, up_to_date: true });
                    Stage::Send { frames, flush: true, then: Box::new(Stage::Page) }
                }
            }
            Stage::Page => self.page(tx)?,
            other => other,
        };
        self.greet(now);
        Ok(())
    }

    /// Does what [`Step::Write`] stands for.
    ///
    /// # Errors
    /// As [`Exchange::read`].
    pub fn write(&mut self, now: Timestamp, rng: &mut dyn Rng, tx: &mut Tx<'_>) -> Result<(), AuthError> {
        let device = self.device.device;
        self.stage = match std::mem::replace(&mut self.stage, Stage::End) {
            Stage::Begin => {
                self.begin(accept::epoch(&tx.reading())?);
                // In another epoch the device's work is to be offered again first, under fresh actors.
                let verdicts = match self.request.push.take() {
                    Some(push) if self.same_epoch && !self.clone => self.judge(now, tx, push)?,
                    _ => Some(Vec::new()),
                };
                self.clone |= verdicts.is_none();
                self.compare(verdicts.unwrap_or_default())
            }
            Stage::Remember(answer) => {
                let frames = answer.remembered(tx, &self.device)?;
                Stage::Send { frames, flush: true, then: Box::new(self.pull()) }
            }
            Stage::Backfill(mut plan) => {
                let place = backfill::begin(tx, device, &plan, rng)?;
                self.cursor = Cursor { epoch: self.cursor.epoch, seq: plan.seq, backfill: Some(place) };
                self.tell = true;
                let frames = std::mem::take(&mut plan.first);
                Stage::Send { frames, flush: false, then: Box::new(Stage::Page) }
            }
            Stage::Forget { documents, frames } => {
                self.forget(tx, &documents)?;
                self.send_page(frames)
            }
            other => other,
        };
        self.greet(now);
        Ok(())
    }

    /// The workspace's log may have grown; may also be said while it doesn't wait.
    pub fn woken(&mut self) {
        self.grown = true;
        self.look();
    }

    /// Looks for what is new, if it waits and was told of something.
    fn look(&mut self) {
        if self.grown && matches!(self.stage, Stage::Wait) {
            (self.stage, self.tell) = (Stage::Page, false);
        }
    }

    /// Nothing was sent for a while. A cursor that moved without a frame of the member's own is told now and then.
    pub fn beat(&mut self) {
        if matches!(self.stage, Stage::Wait) {
            let told = self.told == self.cursor;
            let frame =
                if told { Response::Heartbeat } else { Response::Cursor { cursor: self.cursor, up_to_date: true } };
            self.told = self.cursor;
            self.stage = Stage::Send { frames: vec![frame], flush: true, then: Box::new(Stage::Wait) };
        }
    }

    fn begin(&mut self, epoch: u64) {
        let hello = &self.request.hello;
        self.same_epoch = hello.cursor.epoch == epoch || hello.cursor.epoch == 0;
        self.clone = is_clone(self.device.incarnation, hello.incarnation);
        self.cursor =
            if self.same_epoch { Cursor { epoch, ..hello.cursor } } else { Cursor { epoch, seq: 0, backfill: None } };
        self.told = self.cursor;
    }

    fn judge(&mut self, now: Timestamp, tx: &mut Tx<'_>, push: PushBody) -> Result<Option<Vec<Response>>, AuthError> {
        let pusher =
            Pusher { workspace: self.device.workspace, member: self.device.member, device: self.device.device };
        let push = Push {
            incarnation: self.request.hello.incarnation,
            number: push.number,
            groups: push.groups,
            registers: push.registers,
        };
        let answered = match accept::push(tx, now, &pusher, &push) {
            Err(StoreError::Missing("device")) => return Err(AuthError::Revoked),
            other => other?,
        };
        let verdicts = answered.iter().flatten().filter_map(|frame| match frame {
            Response::Verdict { verdict, .. } => Some(verdict),
            _ => None,
        });
        for (group, _) in
            push.groups.into_iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Accepted(_)))
        {
            self.accepted.extend(group.into_iter().map(|intent| intent.change));
        }
        Ok(answered)
    }

    fn compare(&self, verdicts: Vec<Response>) -> Stage {
        let whole = self.cursor.seq > 0 && self.cursor.backfill.is_none();
        if self.request.hello.pull && self.same_epoch && !self.clone && whole {
            Stage::Compare { verdicts }
        } else {
            Stage::Greet { verdicts }
        }
    }

    /// Turns what is known into the greeting, once it is.
    fn greet(&mut self, now: Timestamp) {
        let Stage::Greet { verdicts } = &mut self.stage else { return };
        let welcome = Welcome {
            version: VERSION.min(self.request.hello.version),
            epoch: self.cursor.epoch,
            now,
            up_to_date: self.up_to_date,
            clone: self.clone,
        };
        let mut frames = vec![Response::Welcome(welcome)];
        frames.append(verdicts);
        let then = if self.clone || !self.same_epoch {
            // The device must settle this before anything else is of use to it.
            Stage::End
        } else if self.request.presence.is_some() {
            Stage::Present
        } else {
            self.after_presence()
        };
        // What ends with it leaves with the end, in one piece.
        self.stage = Stage::Send { frames, flush: !matches!(then, Stage::End), then: Box::new(then) };
    }

    /// What was asked for by name. What is not sent by itself (R7) is remembered, so that it goes on.
    fn fetch(&mut self, tx: &ReadTx<'_>) -> Result<Stage, AuthError> {
        self.check_access(tx)?;
        let answer = Answer::read(tx, &self.device, &mut self.request)?;
        Ok(if answer.remember.is_empty() {
            Stage::Send { frames: answer.frames, flush: true, then: Box::new(self.pull()) }
        } else {
            Stage::Remember(answer)
        })
    }

    fn after_presence(&mut self) -> Stage {
        if self.request.fetches() { Stage::Fetch } else { self.pull() }
    }

    fn pull(&mut self) -> Stage {
        if !self.request.hello.pull {
            return Stage::End;
        }
        match self.request.hello.digest.take() {
            Some(told) if self.up_to_date => Stage::Mend { told },
            _ => Stage::Page,
        }
    }

    /// Access may have changed since the device authenticated, or since the last page: what is sent is what may be seen now
    /// (R9, R10).
    fn check_access(&mut self, tx: &ReadTx<'_>) -> Result<(), AuthError> {
        self.device.access =
            auth::access(tx, self.device.workspace, self.device.member)?.ok_or(AuthError::Deactivated)?;
        revoked(tx, &self.device)
    }

    fn page(&mut self, tx: &ReadTx<'_>) -> Result<Stage, AuthError> {
        // A list ends at the place of the log where it was made: what came meanwhile is still to be looked for.
        self.grown = self.cursor.backfill.is_some();
        self.check_access(tx)?;
        let epoch = accept::epoch(tx)?;
        Ok(match catch_up::next(tx, &self.device, epoch, &self.cursor, &self.sizes)? {
            catch_up::Step::UpToDate if self.request.hello.live => {
                self.accepted.clear();
                Stage::Wait
            }
            catch_up::Step::UpToDate => Stage::End,
            catch_up::Step::Backfill(plan) => Stage::Backfill(plan),
            catch_up::Step::Page(mut page) => {
                for frame in &mut page.frames {
                    if let Response::Delta { changes, .. } = frame {
                        changes.retain(|change| !self.accepted.contains(change));
                        changes.iter_mut().for_each(|change| abridge(change));
                    }
                }
                self.tell |= !page.frames.is_empty();
                self.cursor = page.cursor;
                if page.gone.is_empty() {
                    self.send_page(page.frames)
                } else {
                    Stage::Forget { documents: page.gone, frames: page.frames }
                }
            }
        })
    }

    /// Notes at which place a device is told that documents are gone, and forgets those of which it has surely heard.
    fn forget(&self, tx: &Tx<'_>, documents: &[DocumentId]) -> Result<(), StoreError> {
        let device = self.device.device;
        tx.connection()
            .prepare_cached("DELETE FROM fetched WHERE device = ?1 AND seq BETWEEN 1 AND ?2")?
            .execute(params![device.as_bytes(), self.request.hello.cursor.seq])?;
        for document in documents {
            tx.connection()
                .prepare_cached("UPDATE fetched SET seq = ?3 WHERE device = ?1 AND document = ?2")?
                .execute(params![device.as_bytes(), document.as_bytes(), self.cursor.seq])?;
        }
        Ok(())
    }

    fn send_page(&mut self, mut frames: Vec<Response>) -> Stage {
        let more = self.cursor.backfill.is_some();
        let then = if more || !self.request.hello.live {
            Stage::Page
        } else {
            // It is all there was when the page was read, and of what came since the driver tells.
            self.accepted.clear();
            Stage::Wait
        };
        if !std::mem::replace(&mut self.tell, more) {
            return then;
        }
        frames.push(Response::Cursor { cursor: self.cursor, up_to_date: !more });
        self.told = self.cursor;
        Stage::Send { frames, flush: true, then: Box::new(then) }
    }
}

/// What a device is told when its exchange ends with an error.
pub fn goodbye(error: &AuthError) -> Goodbye {
    match error {
        AuthError::Store(error) => {
            tracing::error!(%error, "a sync stream failed");
            Goodbye::Internal
        }
        _ => Goodbye::Revoked,
    }
}

/// Whether the device was revoked since it authenticated.
fn revoked(tx: &ReadTx<'_>, device: &Authenticated) -> Result<(), AuthError> {
    let revoked: Option<i64> = tx
        .connection()
        .prepare_cached("SELECT revoked FROM devices WHERE id = ?1")?
        .query_row([device.device.as_bytes()], |row| row.get(0))?;
    if revoked.is_some() { Err(AuthError::Revoked) } else { Ok(()) }
}
