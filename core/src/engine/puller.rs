//! A second process on a device's database, such as an iOS notification extension, that only pulls (ADR 0022).
//!
//! [`Puller::pull`] asks the relay for what is new since the app's cursor and what is staged after it, and stages the pages
//! as they come; the app applies them when it is back. Nothing is pushed, no intent is run again, and documents are loaded
//! only where the member was alerted, one at a time: it works in a few megabytes however much the device holds. What its
//! member may not see any more leaves at once (R9). Files are open during a call and not between calls.

use std::{mem::take, sync::Arc, time::Duration};

use futures_util::StreamExt;
use rand::RngExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    config::Config,
    driver::transport,
    enrolment::delete,
    error::Error,
    notices::{Notices, hand_out, told},
    reading,
    transport::{Call, Part, Transport},
};
use crate::{
    ids::AlertId,
    protocol::{
        Cursor, Goodbye, Hello, OLDEST_VERSION, RegisterContent, RegisterKey, Request, Response, VERSION, Welcome,
    },
    store::{Database, Held, Holder, SqliteStorage},
    sync::{
        Session, SessionOptions, locked,
        storage::{Identity, StagedPage, Storage, StorageError, SyncState},
    },
    time::Timestamp,
    triage::Told,
};

/// How much is staged before only the app goes on, in bytes.
const STAGED: u64 = 2 * 1024 * 1024;
/// How often a puller looks whether another one has ended.
const LOOK: Duration = Duration::from_millis(50);
/// What of the time is kept for working out what to show.
const RESERVE: Duration = Duration::from_millis(500);
/// Documents that are loaded at a time: the members, and the one that is looked at.
const LOADED: usize = 2;

/// A process beside the app that only pulls. See the module's head.
#[derive(Debug)]
pub struct Puller {
    config: Config,
    transport: Arc<dyn Transport>,
}

impl Puller {
    /// A puller beside the app whose database this is.
    ///
    /// # Errors
    /// [`Error::NotEnrolled`] if there is no device, [`Error::Revoked`], [`Error::WrongKey`], [`Error::AppNeeded`] if another
    /// version of the app wrote the database last, [`Error::Storage`].
    pub fn open(config: Config) -> Result<Self, Error> {
        let transport = transport(&config, &Guest::open(&config)?.identity.relay, Arc::default())?;
        Ok(Self { config, transport })
    }

    /// Answers a push: unless the app syncs by itself, pulls what is new, up to the deadline; then says what the system is to
    /// show that nobody was handed yet.
    ///
    /// # Errors
    /// [`Error::NotEnrolled`], [`Error::Revoked`], [`Error::Locked`], [`Error::AppNeeded`] if another version of the app
    /// wrote the database last, [`Error::Storage`]. That the relay could not be reached, or not in time, is told in
    /// [`Notices::incomplete`], beside what is known without it.
    pub async fn pull(&self, deadline: Duration) -> Result<Notices, Error> {
        let end = Instant::now() + deadline.saturating_sub(RESERVE.min(deadline / 4));
        let mut guest = Guest::open(&self.config)?;
        let incomplete = match guest.take_turn(end).await? {
            // It has the same stream, and applies what comes.
            Held::App => None,
            Held::Free | Held::Mine => self.receive(&mut guest, end).await?.err(),
            Held::Puller => Some(Error::Deadline),
        };
        let notices = guest.hand_out()?;
        Ok(Notices { incomplete, ..notices })
    }

    /// Says that alerts are shown: no other process is then handed them.
    ///
    /// # Errors
    /// As [`Puller::pull`].
    pub fn alerts_shown(&self, alerts: &[AlertId]) -> Result<(), Error> {
        let mut guest = Guest::open(&self.config)?;
        let now = guest.now();
        guest.database.write(|disk| Ok(disk.note_shown(alerts, now)?))
    }

    /// Receives and stages. The inner error says why not everything came.
    async fn receive(&self, guest: &mut Guest, end: Instant) -> Result<Result<(), Error>, Error> {
        let (state, cursor) = match guest.begin()? {
            Ok(begin) => begin,
            Err(why) => return Ok(Err(why)),
        };
        let hello =
            Hello { version: VERSION, incarnation: state.incarnation, cursor, pull: true, live: false, digest: None };
        let call = Call { credential: guest.identity.credential.clone(), frames: vec![Request::Hello(hello)] };
        let mut parts = self.transport.sync(call);
        let mut page = Incoming { cursor, frames: Vec::new() };
        loop {
            let Ok(part) = timeout_at(end, parts.next()).await else { return Ok(Err(Error::Deadline)) };
            let frames = match part {
                Some(Part::Opened) => continue,
                Some(Part::Frames(frames)) => frames,
                Some(Part::Ended(end)) => return Ok(Err(end.into())),
                None => return Ok(Err(Error::Offline("the answer was cut off".into()))),
            };
            for frame in frames {
                match guest.frame(&mut page, frame)? {
                    Step::More => {}
                    Step::Over(outcome) => return Ok(outcome),
                }
            }
        }
    }
}

/// A page that is coming in.
struct Incoming {
    /// Where the device is before it.
    cursor: Cursor,
    frames: Vec<Response>,
}

/// What follows a frame.
enum Step {
    More,
    Over(Result<(), Error>),
}

/// The database, open for one call.
struct Guest {
    config: Config,
    database: Database,
    identity: Identity,
    holder: Holder,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let holder = self.holder;
        if let Err(error) = self.database.write_hold(|disk| disk.drop_hold(&holder)) {
            tracing::debug!(%error, "the hold is left to run out");
        }
    }
}

impl Guest {
    fn open(config: &Config) -> Result<Self, Error> {
        if !config.database.exists() {
            return Err(Error::NotEnrolled);
        }
        let mut database = Database::open_beside(&config.database, &config.key)?.ok_or(Error::AppNeeded)?;
        let (identity, state) = database.look(|seen| Ok::<_, StorageError>((seen.identity()?, seen.state()?)))?;
        let identity = identity.ok_or(Error::NotEnrolled)?;
        if state.is_some_and(|state| state.revoked) {
            delete(&config.database, Some(database))?;
            return Err(Error::Revoked);
        }
        let holder = Holder { number: rand::rng().random(), app: false };
        Ok(Self { config: config.clone(), database, identity, holder })
    }

    fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    fn session() -> Session {
        Session::new(SessionOptions { loaded_documents: LOADED, ..SessionOptions::default() })
    }

    /// Waits for other pullers, not for the app.
    async fn take_turn(&mut self, end: Instant) -> Result<Held, Error> {
        loop {
            let (holder, now) = (self.holder, self.now());
            match self.database.write_hold(|disk| disk.take_hold(&holder, now))? {
                Held::Puller if Instant::now() < end => sleep(LOOK).await,
                held => return Ok(held),
            }
        }
    }

    /// From where on to ask; the inner error says why only the app can.
    fn begin(&mut self) -> Result<Result<(SyncState, Cursor), Error>, Error> {
        self.database.write(|disk| {
            let state = disk.state()?.ok_or(Error::NotEnrolled)?;
            let (cursor, bytes) = match disk.reading().staged()? {
                Some(staged) if staged.from == state.cursor => (staged.to, staged.bytes),
                Some(_) => {
                    disk.remove_staged(None)?;
                    (state.cursor, 0)
                }
                None => (state.cursor, 0),
            };
            if state.clone {
                return Ok(Err(Error::Clone));
            }
            // A first sync is the app's, and so is a long list: its stream takes megabytes of window.
            if cursor.seq == 0 || cursor.backfill.is_some() || bytes >= STAGED {
                return Ok(Err(Error::AppNeeded));
            }
            Ok(Ok((state, cursor)))
        })
    }

    fn frame(&mut self, page: &mut Incoming, frame: Response) -> Result<Step, Error> {
        match frame {
            Response::Welcome(welcome) => self.welcome(page, &welcome),
            Response::Cursor { cursor, up_to_date } => {
                let taken_over = !self.stage(page, cursor)?;
                Ok(match cursor.backfill {
                    _ if up_to_date || taken_over => Step::Over(Ok(())),
                    Some(_) => Step::Over(Err(Error::AppNeeded)),
                    None => Step::More,
                })
            }
            Response::Registers { values } => {
                page.frames.extend(by_document(values));
                Ok(Step::More)
            }
            Response::Goodbye { reason: Goodbye::Revoked } => self.revoked(),
            Response::Goodbye { reason } => {
                Ok(Step::Over(Err(Error::Offline(format!("it ended the answer: {reason:?}")))))
            }
            Response::Snapshot { .. } | Response::Delta { .. } | Response::Evict { .. } | Response::Retain { .. } => {
                page.frames.push(frame);
                Ok(Step::More)
            }
            _ => Ok(Step::More),
        }
    }

    fn welcome(&mut self, page: &Incoming, welcome: &Welcome) -> Result<Step, Error> {
        if welcome.version < OLDEST_VERSION {
            return Ok(Step::Over(Err(Error::Protocol(format!("it speaks version {}", welcome.version)))));
        }
        if welcome.clone {
            // The app finds out by itself, before it sends anything.
            return Ok(Step::Over(Err(Error::Clone)));
        }
        if welcome.epoch != page.cursor.epoch {
            return Ok(Step::Over(Err(Error::AppNeeded)));
        }
        let now = self.now();
        self.database.write(|disk| heard(disk, now))?;
        Ok(if welcome.up_to_date { Step::Over(Ok(())) } else { Step::More })
    }

    /// Stages a page and lets go of what it takes away. `false` if the app has taken over meanwhile.
    fn stage(&mut self, page: &mut Incoming, to: Cursor) -> Result<bool, Error> {
        let now = self.now();
        let (holder, from, frames) = (self.holder, page.cursor, take(&mut page.frames));
        page.cursor = to;
        self.database.write(|disk| {
            let state = disk.state()?.ok_or(Error::NotEnrolled)?;
            let at = disk.reading().staged()?.map_or(state.cursor, |staged| staged.to);
            if disk.reading().held(&holder, now)? != Held::Mine || at != from {
                return Ok(false);
            }
            let mut session = Self::session();
            for frame in &frames {
                forget_staged(disk, frame)?;
                session.purge(now, disk, frame)?;
            }
            disk.stage(&StagedPage { number: 0, from, to, received: now, frames })?;
            heard(disk, now)?;
            disk.take_hold(&holder, now)?;
            disk.note_pulled()?;
            Ok(true)
        })
    }

    /// R10: the device's access was ended.
    fn revoked(&mut self) -> Result<Step, Error> {
        self.database.write(|disk| {
            let mut state = disk.state()?.ok_or(Error::NotEnrolled)?;
            state.revoked = true;
            disk.set_state(&state)?;
            disk.note_pulled()?;
            Ok::<_, Error>(())
        })?;
        self.database.release()?;
        delete(&self.config.database, None)?;
        Err(Error::Revoked)
    }

    fn hand_out(&mut self) -> Result<Notices, Error> {
        let (holder, now, me) = (self.holder, self.now(), self.identity.member);
        self.database.write(|disk| {
            let state = disk.state()?.ok_or(Error::NotEnrolled)?;
            let staged = disk.reading().staged()?.is_some_and(|staged| staged.from == state.cursor);
            let told: Told = disk.rehearse(|as_if| {
                if staged {
                    let pages = as_if.reading();
                    Self::session().rehearse(now, as_if, &|after| pages.staged_page(after))?;
                }
                let lease = reading::settings(&as_if.reading())?.lease;
                if locked(now, state.last_contact, lease) {
                    return Err(Error::Locked);
                }
                told(&as_if.reading(), me, now)
            })?;
            disk.drop_hold(&holder)?;
            hand_out(disk, told, now)
        })
    }
}

/// The relay has answered: the lease of R9 counts from here.
fn heard(disk: &mut SqliteStorage<'_>, now: Timestamp) -> Result<(), Error> {
    let mut state = disk.state()?.ok_or(Error::NotEnrolled)?;
    state.last_contact = now;
    Ok(disk.set_state(&state)?)
}

/// What a frame takes away leaves the pages that were staged before it, too.
fn forget_staged(disk: &mut SqliteStorage<'_>, frame: &Response) -> Result<(), Error> {
    let gone = match frame {
        Response::Evict { documents } => documents.clone(),
        Response::Retain { documents } => {
            disk.staged_documents()?.into_iter().filter(|document| !documents.contains(document)).collect()
        }
        _ => Vec::new(),
    };
    Ok(gone.into_iter().try_for_each(|document| disk.forget_staged(document))?)
}

/// Registers in frames of one document each, and one of those that are about none.
fn by_document(values: Vec<(RegisterKey, RegisterContent)>) -> Vec<Response> {
    let mut frames: Vec<Vec<(RegisterKey, RegisterContent)>> = Vec::new();
    for (key, content) in values {
        let of = key.document();
        match frames.iter_mut().find(|frame| frame.first().is_some_and(|(other, _)| other.document() == of)) {
            Some(frame) => frame.push((key, content)),
            None => frames.push(vec![(key, content)]),
        }
    }
    frames.into_iter().map(|values| Response::Registers { values }).collect()
}
