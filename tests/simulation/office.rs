//! The relay: the exchange, the acceptor and the dispatcher that ship, over one connection. Between any two of its steps
//! it may die; what it had not committed is then gone, and every connection breaks.

use std::{collections::BTreeMap, rc::Rc};

use offdesk_core::{
    ids::{MemberId, RoleId, WorkspaceId},
    protocol::{Encoder, Goodbye, PushedIntent, Response},
    sync::session::{End, RequestId},
    time::Timestamp,
};
use offdesk_relay::{
    auth::{self, AuthError},
    dispatch::{Pace, desk::Desk},
    relay::{
        PageSizes,
        exchange::{Exchange, Step, goodbye},
        request,
    },
    store::{Changed, Ending, Solo, StoreError, Tx},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    faults::{self, Struck},
    furniture,
    plan::Moment,
    witness::{Visible, Witness},
    world::{Event, Violation, World, broken},
};

/// Pages so small that every run has long lists.
const PAGES: PageSizes = PageSizes { difference: 4, first: 2, later: 3, bytes: 4096 };
/// How long nothing is sent on a live stream before a heartbeat.
const HEARTBEAT: u64 = 20_000;

/// The relay.
pub struct Office {
    pub solo: Solo,
    /// Counts its lives.
    pub boot: u32,
    pub up: bool,
    pub rng: ChaCha8Rng,
    pub connections: BTreeMap<u64, Connection>,
    next: u64,
    pub desk: Desk,
    /// Whether the dispatcher is about to go on.
    pub desk_due: Option<Timestamp>,
    pub workspace: WorkspaceId,
    pub members: Vec<MemberId>,
    pub roles: Vec<RoleId>,
    pub backup: Option<(Solo, Witness)>,
    death: Option<(Moment, u32)>,
    disk: Option<(u8, u8)>,
}

/// A request being answered.
pub struct Connection {
    exchange: Exchange,
    encoder: Encoder,
    pub phone: usize,
    life: u32,
    pub request: RequestId,
    /// Nobody reads this answer: it belongs to a request that came twice.
    echo: bool,
    waiting: bool,
    beats: u64,
    /// What is pushed, to know what was judged.
    pushed: Vec<Vec<PushedIntent>>,
    /// The push's number, until it was judged.
    number: Option<u64>,
    /// Whether anything of a page was sent.
    paged: bool,
    /// What the member might see when the relay last read.
    visible: Rc<Visible>,
}

/// Why a transaction of the relay gave nothing.
#[derive(Debug)]
pub enum Stopped<E> {
    /// It died.
    Dead,
    /// It failed.
    Failed(E),
}

impl Office {
    /// A relay with a workspace, its roles and members, and no devices.
    pub fn new(seed: u64) -> Self {
        let furniture::Furniture { solo, workspace, members, roles } = furniture::furniture();
        Self {
            solo,
            boot: 0,
            up: true,
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x0ff1_ce00),
            connections: BTreeMap::new(),
            next: 0,
            desk: Desk::new(Pace::default()),
            desk_due: None,
            workspace,
            members,
            roles,
            backup: None,
            death: None,
            disk: None,
        }
    }

    /// What strikes the transaction that is about to end.
    fn strikes(&mut self) -> Struck {
        faults::strikes(&mut self.disk, &mut self.death)
    }
}

impl World {
    /// Arms a fault of the relay's process.
    pub fn kill_relay(&mut self, moment: Moment, down: u32) {
        if moment == Moment::Now {
            self.relay_dies(down);
        } else {
            self.office.death = Some((moment, down));
        }
    }

    /// Arms a fault of the relay's disk.
    pub fn relay_disk_fails(&mut self, wait: u8, times: u8) {
        self.office.disk = Some((wait, times + 1));
    }

    /// Takes faults off the relay.
    pub fn heal_relay(&mut self) {
        (self.office.death, self.office.disk) = (None, None);
    }

    /// The relay's process ends, and with it everything that it had not committed.
    pub fn relay_dies(&mut self, down: u32) {
        if !self.office.up {
            return;
        }
        self.reached("relay crash");
        self.trace.note(self.now, "relay dies", &[], || "the relay dies".into());
        self.office.solo.forget();
        self.office.boot += 1;
        (self.office.up, self.office.death) = (false, None);
        let open = std::mem::take(&mut self.office.connections);
        for connection in open.into_values().filter(|connection| !connection.echo) {
            self.finish(
                connection.phone,
                connection.life,
                connection.request,
                End::Broken("the relay closed the connection".into()),
            );
        }
        self.office.desk = Desk::new(Pace::default());
        self.office.desk_due = None;
        let boot = self.office.boot;
        self.after(u64::from(down), Event::RelayUp { boot });
    }

    /// The relay's process starts.
    pub fn relay_up(&mut self, boot: u32) -> Result<(), Violation> {
        if self.office.boot == boot && !self.office.up {
            self.office.up = true;
            self.wake_desk();
            let boot = self.office.boot;
            self.after(100, Event::Sweep { boot });
        }
        Ok(())
    }

    /// One transaction of the relay's writer, with what may strike it.
    pub fn relay_write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>, Timestamp, &mut dyn Rng) -> Result<T, E>,
    ) -> Result<Result<T, Stopped<E>>, Violation> {
        let Struck { refuses, before, dies } = if self.healing { Struck::default() } else { self.office.strikes() };
        let ending = if refuses || before { Ending::Fail } else { Ending::Commit };
        let now = self.now;
        let Office { solo, rng, .. } = &mut self.office;
        let written = solo.write(ending, |tx| work(tx, now, rng));
        if before {
            self.relay_dies(dies.unwrap_or(0));
            return Ok(Err(Stopped::Dead));
        }
        let (value, changed) = match written {
            Ok(written) => written,
            Err(error) => return Ok(Err(Stopped::Failed(error))),
        };
        self.witness.observe(&mut self.office.solo)?;
        if let Some(down) = dies {
            self.relay_dies(down);
            return Ok(Err(Stopped::Dead));
        }
        if changed.contains(&Changed::Log(self.office.workspace)) {
            self.wake_streams();
        }
        self.wake_desk();
        Ok(Ok(value))
    }

    fn wake_streams(&mut self) {
        let boot = self.office.boot;
        let mut woken = Vec::new();
        for (id, connection) in &mut self.office.connections {
            connection.exchange.woken();
            if std::mem::take(&mut connection.waiting) {
                connection.beats += 1;
                woken.push(*id);
            }
        }
        for id in woken {
            self.after(1, Event::Exchange { boot, id });
        }
    }

    /// A request has come.
    pub fn arrive(
        &mut self,
        phone: usize,
        life: u32,
        request: RequestId,
        credential: &str,
        body: &[u8],
        echo: bool,
    ) -> Result<(), Violation> {
        if !self.office.up {
            if !echo {
                self.finish(phone, life, request, End::Broken("connection refused".into()));
            }
            return Ok(());
        }
        let device = match self.office.solo.read(|tx| auth::authenticate(tx, credential)) {
            Ok(device) => device,
            Err(AuthError::Revoked | AuthError::Deactivated) => {
                return if echo { Ok(()) } else { self.farewell(phone, life, request) };
            }
            Err(AuthError::Unknown) => {
                if !echo {
                    self.reached("unknown device");
                    self.finish(phone, life, request, End::Unauthorized);
                }
                return Ok(());
            }
            Err(error) => return broken("the relay serves", error.to_string()),
        };
        let read = match request::read(body) {
            Ok(read) => read,
            Err(error) => return broken("the codec", format!("a whole request can't be read: {error}")),
        };
        let pushed = read.push.as_ref().map(|push| push.groups.clone()).unwrap_or_default();
        let number = read.push.as_ref().map(|push| push.number);
        let exchange = Exchange::new(device, read, PAGES);
        let Ok(encoder) = Encoder::new(17) else { return broken("the codec", "no encoder") };
        self.office.next += 1;
        let id = self.office.next;
        let visible = self.witness.visible();
        self.office.connections.insert(
            id,
            Connection {
                exchange,
                encoder,
                phone,
                life,
                request,
                echo,
                waiting: false,
                beats: 0,
                pushed,
                number,
                paged: false,
                visible,
            },
        );
        let boot = self.office.boot;
        self.after(0, Event::Exchange { boot, id });
        Ok(())
    }

    fn farewell(&mut self, phone: usize, life: u32, request: RequestId) -> Result<(), Violation> {
        let Ok(mut encoder) = Encoder::new(17) else { return broken("the codec", "no encoder") };
        let said = encoder.push(&Response::Goodbye { reason: Goodbye::Revoked }).and_then(|()| encoder.finish());
        let Ok(bytes) = said else { return broken("the codec", "a goodbye can't be encoded") };
        self.transmit(phone, life, request, bytes);
        self.finish(phone, life, request, End::Finished);
        Ok(())
    }

    /// Goes on with an exchange: at most one commit, or one page, at a time.
    pub fn go_on(&mut self, boot: u32, id: u64) -> Result<(), Violation> {
        if self.office.boot != boot {
            return Ok(());
        }
        loop {
            let now = self.now;
            let Some(connection) = self.office.connections.get_mut(&id) else { return Ok(()) };
            match connection.exchange.step() {
                Step::Read => {
                    let visible = self.witness.visible();
                    let Some(connection) = self.office.connections.get_mut(&id) else { return Ok(()) };
                    connection.visible = visible;
                    let read = self.office.solo.read(|tx| connection.exchange.read(now, tx));
                    if let Err(error) = read {
                        return self.hang_up(id, Some(goodbye(&error)));
                    }
                }
                Step::Write => {
                    if !self.write_exchange(id)? {
                        return Ok(());
                    }
                    let pause = self.noise(8, id ^ now.0 as u64, 5);
                    self.after(pause, Event::Exchange { boot, id });
                    return Ok(());
                }
                Step::Send { frames, flush } => {
                    if !self.send_frames(id, &frames, flush)? {
                        return Ok(());
                    }
                    if flush {
                        let pause = self.noise(9, id ^ now.0 as u64, 20);
                        self.after(pause, Event::Exchange { boot, id });
                        return Ok(());
                    }
                }
                Step::Wait => {
                    connection.waiting = true;
                    connection.beats += 1;
                    let beats = connection.beats;
                    self.after(HEARTBEAT, Event::Beat { boot, id, beats });
                    return Ok(());
                }
                Step::End => return self.hang_up(id, None),
            }
        }
    }

    /// Whether the exchange goes on.
    fn write_exchange(&mut self, id: u64) -> Result<bool, Violation> {
        // Taken out, since the relay may die in between.
        let Some(mut connection) = self.office.connections.remove(&id) else { return Ok(false) };
        let overtaken = connection.number.take().and_then(|number| self.overtaken(&connection, number));
        if overtaken.is_some() {
            self.reached("push overtaken");
        }
        let written = self.relay_write(|tx, now, rng| connection.exchange.write(now, rng, tx))?;
        match written {
            Ok(()) if overtaken.is_some() && overtaken != Some(self.log_end()) => {
                broken("an older push changes nothing", format!("one of phone {} did", connection.phone))
            }
            Ok(()) => {
                self.office.connections.insert(id, connection);
                Ok(true)
            }
            Err(Stopped::Dead) => {
                if !connection.echo {
                    let end = End::Broken("the relay closed the connection".into());
                    self.finish(connection.phone, connection.life, connection.request, end);
                }
                Ok(false)
            }
            Err(Stopped::Failed(error)) => {
                self.office.connections.insert(id, connection);
                self.hang_up(id, Some(goodbye(&error)))?;
                Ok(false)
            }
        }
    }

    /// The log's end, if a newer push has overtaken the one of this number.
    fn overtaken(&mut self, connection: &Connection, number: u64) -> Option<u64> {
        let sql = "SELECT push_number FROM devices WHERE id = ?1";
        let device = connection.exchange.device().device;
        let solo = self.office.solo.connection();
        let last: Option<u64> = solo.query_row(sql, [device.as_bytes()], |row| row.get(0)).ok();
        last.filter(|last| number <= *last).map(|_| self.log_end())
    }

    fn log_end(&mut self) -> u64 {
        self.office.solo.connection().query_row("SELECT max(seq) FROM workspaces", [], |row| row.get(0)).unwrap_or(0)
    }

    /// Whether anybody still listens.
    fn send_frames(&mut self, id: u64, frames: &[Response], flush: bool) -> Result<bool, Violation> {
        let Some(connection) = self.office.connections.get_mut(&id) else { return Ok(false) };
        for frame in frames {
            let member = connection.exchange.device().member;
            self.witness.may_be_sent(member, &connection.visible, frame)?;
            connection.paged |=
                matches!(frame, Response::Evict { .. } | Response::Snapshot { .. } | Response::Delta { .. });
            if connection.paged && matches!(frame, Response::Verdict { .. }) {
                return broken(
                    "verdicts go before pages",
                    format!("phone {} is told {frame:?} late", connection.phone),
                );
            }
            if let Response::Verdict { intents, verdict } = frame {
                let told =
                    |group: &&Vec<PushedIntent>| group.iter().map(|intent| intent.id).eq(intents.iter().copied());
                if let Some(group) = connection.pushed.iter().find(told) {
                    let copied = self.phones[connection.phone].copied;
                    self.witness.judged(group, verdict, copied)?;
                }
                *self.seen.entry(crate::rules::verdict_name(verdict)).or_default() += 1;
            }
            if connection.encoder.push(frame).is_err() {
                return broken("the codec", "a frame can't be encoded");
            }
        }
        if !flush {
            return Ok(true);
        }
        let Ok(bytes) = connection.encoder.flush() else { return broken("the codec", "a stream can't be flushed") };
        let (phone, life, request, echo) = (connection.phone, connection.life, connection.request, connection.echo);
        self.trace.note(self.now, "answers", &[phone as u64, bytes.len() as u64], || {
            format!("the relay answers phone {phone} with {} frames, {} bytes", frames.len(), bytes.len())
        });
        if !echo && !self.transmit(phone, life, request, bytes) {
            // The relay learns of it later; until then it talks to nobody.
            let boot = self.office.boot;
            let delay = self.noise(3, id, 20_000);
            self.after(delay, Event::Gone { boot, id });
        }
        Ok(true)
    }

    /// An exchange is over.
    fn hang_up(&mut self, id: u64, reason: Option<Goodbye>) -> Result<(), Violation> {
        let Some(mut connection) = self.office.connections.remove(&id) else { return Ok(()) };
        if let Some(reason) = reason {
            let _ = connection.encoder.push(&Response::Goodbye { reason });
        }
        let Ok(bytes) = connection.encoder.finish() else { return broken("the codec", "a stream can't be finished") };
        if !connection.echo {
            self.transmit(connection.phone, connection.life, connection.request, bytes);
            self.finish(connection.phone, connection.life, connection.request, End::Finished);
        }
        Ok(())
    }

    /// Time for a heartbeat, if nothing was sent since.
    pub fn beat(&mut self, boot: u32, id: u64, beats: u64) -> Result<(), Violation> {
        if self.office.boot != boot {
            return Ok(());
        }
        match self.office.connections.get_mut(&id) {
            Some(connection) if connection.waiting && connection.beats == beats => {
                connection.exchange.beat();
                connection.waiting = false;
                self.go_on(boot, id)
            }
            _ => Ok(()),
        }
    }

    /// The relay notices that nobody listens any more.
    pub fn gone(&mut self, boot: u32, id: u64) -> Result<(), Violation> {
        if self.office.boot == boot {
            self.office.connections.remove(&id);
        }
        Ok(())
    }

    /// A device gave a request up.
    pub fn cancelled(&mut self, phone: usize, request: RequestId) {
        let (boot, life) = (self.office.boot, self.phones[phone].life);
        let found = self.office.connections.iter().find(|(_, connection)| {
            connection.phone == phone && connection.life == life && connection.request == request && !connection.echo
        });
        if let Some(id) = found.map(|(id, _)| *id) {
            let delay = self.noise(3, id, 200);
            self.after(delay, Event::Gone { boot, id });
        }
    }
}
