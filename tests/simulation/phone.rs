//! A device: the session that ships, on its real database, with a driver of a few lines around it. Every event is one
//! transaction; the app may be killed before or after any commit, and the disk may refuse any.

use std::{collections::BTreeMap, time::Duration};

use offdesk_core::{
    ids::{DeviceId, MemberId},
    protocol::Response,
    store::{Database, SqliteStorage},
    sync::{
        Session, SessionOptions, SubmitError,
        session::{Connection, Effect, End, Event as Input, Network, RequestId, SessionError},
        storage::{Storage, StorageError},
    },
    time::Timestamp,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    faults::{self, Struck},
    link::{Flight, Mishaps, Part},
    plan::Moment,
    world::{Event, Violation, World, broken},
};

/// A device and its owner's hands.
pub struct Phone {
    /// Whose it is, by place in the plan.
    pub person: usize,
    pub member: MemberId,
    pub device: DeviceId,
    pub credential: String,
    /// `None` once it was wiped (R10).
    pub database: Option<Database>,
    pub session: Session,
    pub rng: ChaCha8Rng,
    /// How far its clock is ahead of the relay's, in milliseconds.
    pub skew: i64,
    pub running: bool,
    /// Counts the app's lives: what was meant for an earlier one is lost.
    pub life: u32,
    pub online: bool,
    pub foreground: bool,
    pub flights: BTreeMap<RequestId, Flight>,
    /// Parts of answers so far.
    pub heard: u64,
    /// Requests so far.
    pub sent: u64,
    pub mishaps: Mishaps,
    /// A kept copy of its file.
    pub copy: Option<Database>,
    /// Whether another phone has, or had, a copy of its file.
    pub copied: bool,
    death: Option<(Moment, u32)>,
    disk: Option<(u8, u8)>,
    timer: u64,
    retry: u64,
}

/// How a transaction of a device ended otherwise than in order.
#[derive(Debug)]
enum Failed {
    /// The disk refused.
    Disk,
    /// The app was killed in it.
    Killed,
    /// The command was refused.
    Refused(SubmitError),
    /// The session can't go on.
    Session(SessionError),
}

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Failed::Session(error.into())
    }
}
impl From<SessionError> for Failed {
    fn from(error: SessionError) -> Self {
        Failed::Session(error)
    }
}

/// What became of a local command.
#[derive(Debug)]
pub enum Said<T> {
    /// It is durable. If the app died right after, nobody was told so.
    Done(T),
    /// Nothing changed: it was refused, or the app is not running, or died, or its disk refused.
    Nothing,
}

impl Phone {
    /// A device over a database that holds its identity.
    pub fn new(seed: u64, at: usize, person: usize, member: MemberId, database: Database) -> Self {
        Self {
            person,
            member,
            device: DeviceId([0; 16]),
            credential: String::new(),
            database: Some(database),
            session: Session::new(SessionOptions::default()),
            rng: ChaCha8Rng::seed_from_u64(seed ^ (at as u64 + 1).wrapping_mul(0x1234_5678_9abc)),
            skew: 0,
            running: false,
            life: 0,
            online: true,
            foreground: true,
            flights: BTreeMap::new(),
            heard: 0,
            sent: 0,
            mishaps: Mishaps::default(),
            copy: None,
            copied: false,
            death: None,
            disk: None,
            timer: 0,
            retry: 1000,
        }
    }

    /// Reads what is durable.
    pub fn look<T>(&mut self, work: impl FnOnce(&mut SqliteStorage<'_>) -> T) -> Option<T> {
        let database = self.database.as_mut()?;
        database.write(|disk| Ok::<_, StorageError>(work(disk))).ok()
    }

    /// Whether it can be used.
    pub fn alive(&self) -> bool {
        self.running && self.database.is_some()
    }

    /// What strikes the transaction that is about to end.
    fn strikes(&mut self) -> Struck {
        faults::strikes(&mut self.disk, &mut self.death)
    }
}

impl World {
    /// A device's time.
    pub fn local(&self, at: usize) -> Timestamp {
        Timestamp(self.now.0 + self.phones[at].skew)
    }

    /// Arms a fault of a device's process.
    pub fn kill_phone(&mut self, at: usize, moment: Moment, down: u32) {
        if moment == Moment::Now {
            self.phone_dies(at, down);
        } else {
            self.phones[at].death = Some((moment, down));
        }
    }

    /// Arms a fault of a device's disk.
    pub fn phone_disk_fails(&mut self, at: usize, wait: u8, times: u8) {
        self.phones[at].disk = Some((wait, times + 1));
    }

    /// Takes faults off a device.
    pub fn heal_phone(&mut self, at: usize) {
        let phone = &mut self.phones[at];
        (phone.death, phone.disk, phone.mishaps) = (None, None, Mishaps::default());
    }

    fn phone_dies(&mut self, at: usize, down: u32) {
        self.reached("device crash");
        self.trace.note(self.now, "dies", &[at as u64], || format!("phone {at} dies"));
        self.relay_will_notice(at);
        let options = self.options();
        let phone = &mut self.phones[at];
        phone.life += 1;
        (phone.running, phone.death) = (false, None);
        phone.flights.clear();
        phone.session = Session::new(options);
        let life = self.phones[at].life;
        self.after(u64::from(down), Event::PhoneUp { phone: at, life });
    }

    fn options(&self) -> SessionOptions {
        // Few documents are kept loaded, so that loading them again is part of the run.
        SessionOptions { undo_window: Duration::from_millis(self.plan.undo_window), loaded_documents: 3 }
    }

    /// The app starts.
    pub fn phone_up(&mut self, at: usize, life: u32) -> Result<(), Violation> {
        if self.phones[at].life != life || self.phones[at].running || self.phones[at].database.is_none() {
            return Ok(());
        }
        self.phones[at].running = true;
        self.phones[at].session = Session::new(self.options());
        let (online, live) = (self.phones[at].online, self.phones[at].foreground);
        let network = if online { Network::Online } else { Network::Offline };
        self.drive(at, vec![Input::Network(network), Input::Started { live }])
    }

    /// The device's timer goes off.
    pub fn phone_wakes(&mut self, at: usize, life: u32, timer: u64) -> Result<(), Violation> {
        let phone = &self.phones[at];
        if phone.life != life || phone.timer != timer || !phone.alive() {
            return Ok(());
        }
        self.drive(at, vec![Input::Woken])
    }

    /// Hands events to a device's session, as its driver does.
    pub fn drive(&mut self, at: usize, events: Vec<Input>) -> Result<(), Violation> {
        if !self.phones[at].alive() {
            return Ok(());
        }
        let now = self.local(at);
        let ended = self.transact(at, |session, rng, disk| Ok(session.handle_all(now, rng, disk, events)?));
        match ended {
            Ok((effects, killed)) => self.carry_out(at, effects, killed),
            Err(failed) => self.phone_failed(at, failed),
        }
    }

    /// Runs a local command on a device, as its engine does.
    pub fn command<T>(
        &mut self,
        at: usize,
        run: impl FnOnce(&mut Session, Timestamp, &mut dyn Rng, &mut SqliteStorage<'_>) -> Result<T, SubmitError>,
    ) -> Result<Said<T>, Violation> {
        if !self.phones[at].alive() {
            return Ok(Said::Nothing);
        }
        let now = self.local(at);
        let ended = self.transact(at, |session, rng, disk| {
            let value = run(session, now, rng, disk).map_err(Failed::Refused)?;
            let effects = session.handle(now, rng, disk, Input::Written)?;
            Ok((value, effects))
        });
        match ended {
            Ok(((value, effects), killed)) => {
                self.carry_out(at, effects, killed)?;
                Ok(Said::Done(value))
            }
            Err(Failed::Refused(SubmitError::Storage(error))) => broken("a sound disk serves", error.to_string()),
            Err(Failed::Refused(SubmitError::Document(error))) => broken("a command is authored", error.to_string()),
            Err(Failed::Refused(refused)) => {
                self.trace.note(self.now, "refused", &[at as u64], || format!("phone {at} refuses: {refused}"));
                Ok(Said::Nothing)
            }
            Err(failed) => self.phone_failed(at, failed).map(|()| Said::Nothing),
        }
    }

    /// One transaction. On success: whether the app is to die now, and for how long.
    #[allow(clippy::type_complexity, reason = "a closure over all that a driver has")]
    fn transact<T>(
        &mut self,
        at: usize,
        run: impl FnOnce(&mut Session, &mut dyn Rng, &mut SqliteStorage<'_>) -> Result<T, Failed>,
    ) -> Result<(T, Option<u32>), Failed> {
        let healing = self.healing;
        let phone = &mut self.phones[at];
        let Struck { refuses, before, dies } = if healing { Struck::default() } else { phone.strikes() };
        let Phone { session, rng, database, .. } = phone;
        let Some(database) = database.as_mut() else { return Err(Failed::Disk) };
        let value = database.write(|disk| {
            let value = run(session, rng, disk)?;
            match (before, refuses) {
                (true, _) => Err(Failed::Killed),
                (_, true) => Err(Failed::Disk),
                _ => Ok(value),
            }
        });
        // What was to strike a command that was refused strikes the next transaction.
        value.map(|value| (value, dies))
    }

    fn phone_failed(&mut self, at: usize, failed: Failed) -> Result<(), Violation> {
        match failed {
            Failed::Killed => {
                let down = match self.phones[at].death {
                    Some((_, down)) => down,
                    None => 0,
                };
                self.phone_dies(at, down);
                Ok(())
            }
            Failed::Disk => {
                self.reached("device disk refuses");
                self.trace.note(self.now, "disk", &[at as u64], || format!("the disk of phone {at} refuses"));
                self.relay_will_notice(at);
                let phone = &mut self.phones[at];
                phone.session.forget();
                phone.flights.clear();
                phone.timer += 1;
                let (life, timer, retry) = (phone.life, phone.timer, phone.retry);
                phone.retry = (retry * 2).min(60_000);
                self.after(retry, Event::Wake { phone: at, life, timer });
                Ok(())
            }
            Failed::Session(error) => broken("the session goes on", format!("phone {at}: {error}")),
            Failed::Refused(refused) => broken("the session goes on", format!("phone {at}: {refused}")),
        }
    }

    fn carry_out(&mut self, at: usize, effects: Vec<Effect>, killed: Option<u32>) -> Result<(), Violation> {
        self.phones[at].retry = 1000;
        if let Some(down) = killed {
            self.phone_dies(at, down);
            return Ok(());
        }
        if effects.contains(&Effect::Wipe) {
            self.reached("wipe");
            self.book.excuse(at);
            self.trace.note(self.now, "wipe", &[at as u64], || format!("phone {at} is wiped"));
            let phone = &mut self.phones[at];
            (phone.database, phone.copy, phone.running) = (None, None, false);
            phone.life += 1;
            phone.flights.clear();
            self.relay_will_notice(at);
            return Ok(());
        }
        for effect in effects {
            match effect {
                Effect::Send { request, frames, .. } => self.send(at, request, &frames)?,
                Effect::Cancel { request } => {
                    self.phones[at].flights.remove(&request);
                    self.cancelled(at, request);
                }
                Effect::WakeAt(wanted) => {
                    let phone = &mut self.phones[at];
                    phone.timer += 1;
                    let (life, timer) = (phone.life, phone.timer);
                    let when = Timestamp(wanted.0.saturating_sub(phone.skew));
                    self.at(when, Event::Wake { phone: at, life, timer });
                }
                Effect::Changed | Effect::Presence | Effect::Status | Effect::Synced { .. } | Effect::Wipe => {}
            }
        }
        Ok(())
    }

    /// Something of an answer has come.
    pub fn answer(&mut self, at: usize, life: u32, request: RequestId, part: Part) -> Result<(), Violation> {
        let phone = &mut self.phones[at];
        if phone.life != life || !phone.alive() {
            return Ok(());
        }
        let Some(flight) = phone.flights.get_mut(&request) else { return Ok(()) };
        let mut inputs = Vec::new();
        match part {
            Part::Bytes(bytes) => {
                if !std::mem::replace(&mut flight.opened, true) {
                    inputs.push(Input::Opened { request });
                }
                flight.decoder.feed(&bytes);
                loop {
                    match flight.decoder.read::<Response>() {
                        Ok(Some(frame)) => inputs.push(Input::Frame { request, frame }),
                        Ok(None) => break,
                        Err(error) => return broken("the codec", format!("an answer can't be read: {error}")),
                    }
                }
            }
            Part::Ended(end) => {
                let whole = flight.decoder.finish().is_ok();
                let end = match end {
                    End::Finished if !flight.opened => {
                        inputs.push(Input::Opened { request });
                        End::Finished
                    }
                    End::Finished if !whole => {
                        return broken("the codec", "a whole answer ends in the middle of a frame");
                    }
                    other => other,
                };
                phone.flights.remove(&request);
                inputs.push(Input::Closed { request, end });
            }
        }
        self.trace.note(self.now, "hears", &[at as u64, inputs.len() as u64], || {
            format!("phone {at} hears {}", inputs.iter().map(describe).collect::<Vec<_>>().join(", "))
        });
        self.phones[at].heard += 1;
        let one_by_one = self.noise(6, ((at as u64) << 40) ^ self.phones[at].heard, 2) == 0;
        if !one_by_one {
            return self.drive(at, inputs);
        }
        for input in inputs {
            if self.phones[at].life != life {
                break;
            }
            // A disk that failed, or a request that was cancelled in between, ends the rest.
            let gone = matches!(&input, Input::Frame { .. } | Input::Opened { .. })
                && !self.phones[at].flights.contains_key(&request);
            if !gone {
                self.drive(at, vec![input])?;
            }
        }
        Ok(())
    }

    /// Whether a device needs a person's help: it is a copy, or not known any more.
    pub fn needs_enrolment(&mut self, at: usize) -> bool {
        let phone = &mut self.phones[at];
        if !phone.alive() {
            return false;
        }
        let unauthorized = phone.session.status().connection == Connection::Unauthorized;
        let clone = phone.look(|disk| disk.state().ok().flatten().is_some_and(|state| state.clone)).unwrap_or(false);
        unauthorized || clone
    }
}

fn describe(input: &Input) -> String {
    match input {
        Input::Frame { frame, .. } => match frame {
            Response::Snapshot { document, facts, changes, .. } => {
                format!("snapshot {document} +{} facts {}", changes.len(), facts.len())
            }
            Response::Delta { document, changes, facts, .. } => {
                format!("delta {document} +{} facts {}", changes.len(), facts.len())
            }
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}
