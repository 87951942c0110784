//! What happens besides members' use of their devices: faults, copies, backups, and what administrators do.

use offdesk_core::{
    model::DashboardAccess,
    sync::{
        session::{Event as Input, Network},
        storage::{Storage, StorageError, born},
    },
};
use offdesk_relay::{
    admin::{self, Actor, AdminError},
    auth,
    store::StoreError,
};
use rand::Rng;

use crate::{
    furniture::{self, LEVELS, MOST_PEOPLE},
    office::Stopped,
    phone::Phone,
    plan::{Act, Level},
    world::{Event, Violation, World, broken},
};

/// Devices that a run may have.
const MOST_PHONES: usize = 8;

impl World {
    /// Gives members their access and their devices.
    pub fn furnish(&mut self) -> Result<(), Violation> {
        self.witness.observe(&mut self.office.solo)?;
        self.healing = true;
        for (person, level) in self.plan.people.clone().into_iter().take(MOST_PEOPLE).enumerate() {
            self.set_level(person, level)?;
        }
        for person in self.plan.devices.clone() {
            let person = usize::from(person) % self.people();
            self.new_phone(person)?;
        }
        self.healing = false;
        let boot = self.office.boot;
        self.after(0, Event::Sweep { boot });
        Ok(())
    }

    fn people(&self) -> usize {
        self.plan.people.len().clamp(1, MOST_PEOPLE)
    }

    /// A device that stands for the number.
    pub fn phone(&self, number: u8) -> usize {
        usize::from(number) % self.phones.len().max(1)
    }

    fn person(&self, number: u8) -> usize {
        usize::from(number) % self.people()
    }

    fn new_phone(&mut self, person: usize) -> Result<(), Violation> {
        let at = self.phones.len();
        let member = self.office.members[person];
        self.phones.push(Phone::new(self.plan.seed, at, person, member, furniture::database()));
        // Every third clock is right; the others are wrong by up to five days.
        let day = 24 * 60 * 60 * 1000;
        if self.noise(15, at as u64, 3) > 0 {
            self.phones[at].skew =
                i64::try_from(self.noise(16, at as u64, 10 * day)).unwrap_or(0) - 5 * i64::try_from(day).unwrap_or(0);
        }
        if !self.enrol(at)? {
            self.phones[at].database = None;
            return Ok(());
        }
        let life = self.phones[at].life;
        let pause = self.noise(14, at as u64, 300);
        self.after(pause, Event::PhoneUp { phone: at, life });
        Ok(())
    }

    /// Makes a phone's database a device of its member. Whether the relay did.
    pub fn enrol(&mut self, at: usize) -> Result<bool, Violation> {
        if !self.office.up {
            return Ok(false);
        }
        let of = (self.office.workspace, self.phones[at].member);
        let name = format!("phone {at}");
        let enrolled = self.relay_write(|tx, now, rng| {
            let lifetime = std::time::Duration::from_secs(600);
            let refused = |_| StoreError::Missing("active member");
            let code = auth::code::create(tx, now, rng, of, lifetime, "the simulator").map_err(refused)?;
            auth::code::enrol(tx, now, rng, &code.code, &name).map_err(|_| StoreError::Missing("code"))
        })?;
        let Ok(enrolled) = enrolled else { return Ok(false) };
        let now = self.local(at);
        let phone = &mut self.phones[at];
        (phone.device, phone.credential) = (enrolled.device, enrolled.credential.clone());
        let (identity, state) = born("relay", &enrolled, now);
        let anew = phone.running;
        let Phone { database, session, .. } = phone;
        let Some(database) = database.as_mut() else { return Ok(false) };
        let written = database.write(|disk| {
            if anew {
                let done = session.re_enrolled(now, disk, &identity, &state);
                return done.map_err(|error| StorageError::Io(error.to_string()));
            }
            disk.set_identity(&identity)?;
            disk.set_state(&state)
        });
        if let Err(error) = written {
            return broken("a device can be enrolled", error.to_string());
        }
        if anew {
            self.reached("enrolled anew");
            let phone = &mut self.phones[at];
            phone.session.forget();
            phone.flights.clear();
            self.drive(at, vec![Input::Started { live: true }])?;
        }
        Ok(true)
    }

    fn administer(
        &mut self,
        work: impl FnOnce(&mut offdesk_relay::store::Tx<'_>, &mut Actor<'_>) -> Result<(), AdminError>,
    ) -> Result<(), Violation> {
        if !self.office.up {
            return Ok(());
        }
        let written =
            self.relay_write(|tx, now, rng: &mut dyn Rng| work(tx, &mut Actor { now, rng, who: "the simulator" }))?;
        match written {
            Err(Stopped::Failed(AdminError::Store(error @ StoreError::Sqlite(_)))) => {
                broken("the relay serves", error.to_string())
            }
            _ => Ok(()),
        }
    }

    fn set_level(&mut self, person: usize, level: Level) -> Result<(), Violation> {
        let place = LEVELS.iter().position(|known| *known == level).unwrap_or(0);
        let (workspace, member, role) = (self.office.workspace, self.office.members[person], self.office.roles[place]);
        self.administer(|tx, actor| admin::member::set_role(tx, actor, workspace, member, Some(role)))
    }

    /// Does what a step says.
    pub fn act(&mut self, act: Act) -> Result<(), Violation> {
        let workspace = self.office.workspace;
        match act {
            Act::Use(phone, doing) => self.use_phone(self.phone(phone), &doing),
            Act::Online(phone, online) => self.set_online(self.phone(phone), online),
            Act::Foreground(phone, foreground) => self.set_foreground(self.phone(phone), foreground),
            Act::SyncOnce(phone) => self.drive(self.phone(phone), vec![Input::SyncOnce]),
            Act::CutRequest(phone, at) => {
                let phone = self.phone(phone);
                self.phones[phone].mishaps.cut_request = Some(at);
                Ok(())
            }
            Act::CutAnswer(phone, at) => {
                let phone = self.phone(phone);
                self.phones[phone].mishaps.cut_answer = Some(at);
                Ok(())
            }
            Act::Duplicate(phone, later) => {
                let phone = self.phone(phone);
                self.phones[phone].mishaps.duplicate = Some(later);
                Ok(())
            }
            Act::Delay(phone, by) => {
                let phone = self.phone(phone);
                self.phones[phone].mishaps.delay = Some(by);
                Ok(())
            }
            Act::CrashDevice(phone, moment, down) => {
                let phone = self.phone(phone);
                if self.phones[phone].alive() {
                    self.kill_phone(phone, moment, down);
                }
                Ok(())
            }
            Act::DiskFails(phone, wait, times) => {
                let phone = self.phone(phone);
                self.phone_disk_fails(phone, wait, times);
                Ok(())
            }
            Act::Clock(phone, minutes) => {
                let phone = self.phone(phone);
                self.phones[phone].skew = i64::from(minutes) * 60_000;
                Ok(())
            }
            Act::KeepCopy(phone) => {
                let at = self.phone(phone);
                let phone = &mut self.phones[at];
                phone.copy = phone.database.as_ref().and_then(|database| database.copy_in_memory().ok());
                Ok(())
            }
            Act::PutBackCopy(phone) => self.put_back_copy(self.phone(phone)),
            Act::Clone(phone) => self.clone_phone(self.phone(phone)),
            Act::Enrol(person) => {
                if self.phones.len() < MOST_PHONES {
                    self.new_phone(self.person(person))
                } else {
                    Ok(())
                }
            }
            Act::CrashRelay(moment, down) => {
                self.kill_relay(moment, down);
                Ok(())
            }
            Act::RelayDiskFails(wait, times) => {
                self.relay_disk_fails(wait, times);
                Ok(())
            }
            Act::Backup => self.back_up(),
            Act::Restore => self.restore(),
            Act::Inbound(customer, tries) => {
                self.customer_writes(customer, tries);
                Ok(())
            }
            Act::Provider(mood) => {
                self.provider.expect(mood);
                Ok(())
            }
            Act::SetLevel(person, level) => self.set_level(self.person(person), level),
            Act::Override(person, dashboard) => {
                let member = self.office.members[self.person(person)];
                let dashboard = dashboard.map(|level| match level % 3 {
                    0 => DashboardAccess::None,
                    1 => DashboardAccess::Assigned,
                    _ => DashboardAccess::All,
                });
                self.administer(|tx, actor| admin::member::set_dashboard(tx, actor, workspace, member, dashboard))
            }
            Act::Active(person, active) => {
                let member = self.office.members[self.person(person)];
                self.administer(|tx, actor| {
                    if active {
                        admin::member::activate(tx, actor, workspace, member)
                    } else {
                        admin::member::deactivate(tx, actor, workspace, member).map(|_| ())
                    }
                })
            }
            Act::Revoke(phone) => {
                let device = self.phones[self.phone(phone)].device;
                self.administer(|tx, actor| admin::device::revoke(tx, actor, workspace, device))
            }
            Act::Quiet => Ok(()),
        }
    }

    fn set_online(&mut self, at: usize, online: bool) -> Result<(), Violation> {
        if self.phones[at].online == online {
            return Ok(());
        }
        self.phones[at].online = online;
        if !online {
            self.disconnect(at, "the network went away");
        }
        let network = if online { Network::Online } else { Network::Offline };
        self.drive(at, vec![Input::Network(network)])
    }

    fn set_foreground(&mut self, at: usize, foreground: bool) -> Result<(), Violation> {
        self.phones[at].foreground = foreground;
        let input = if foreground { Input::Started { live: true } } else { Input::Paused };
        self.drive(at, vec![input])
    }

    fn put_back_copy(&mut self, at: usize) -> Result<(), Violation> {
        let Some(copy) = self.phones[at].copy.take() else { return Ok(()) };
        if self.phones[at].database.is_none() {
            return Ok(());
        }
        self.reached("device put back");
        self.relay_will_notice(at);
        self.book.excuse(at);
        let phone = &mut self.phones[at];
        phone.copied = true;
        phone.database = Some(copy);
        self.restart(at, 500)
    }

    fn clone_phone(&mut self, of: usize) -> Result<(), Violation> {
        let Some(copy) = self.phones[of].database.as_ref().and_then(|database| database.copy_in_memory().ok()) else {
            return Ok(());
        };
        if self.phones.len() >= MOST_PHONES {
            return Ok(());
        }
        self.reached("device cloned");
        let at = self.phones.len();
        let original = &mut self.phones[of];
        original.copied = true;
        let (person, member) = (original.person, original.member);
        let (device, credential) = (original.device, original.credential.clone());
        let mut phone = Phone::new(self.plan.seed, at, person, member, copy);
        (phone.device, phone.credential, phone.copied) = (device, credential, true);
        self.phones.push(phone);
        self.restart(at, 200)
    }

    /// Another file is in place: the app begins anew, as whoever the file says.
    fn restart(&mut self, at: usize, down: u64) -> Result<(), Violation> {
        let identity = self.phones[at].look(|disk| disk.identity().ok().flatten()).flatten();
        let phone = &mut self.phones[at];
        if let Some(identity) = identity {
            (phone.device, phone.credential) = (identity.device, identity.credential);
        }
        phone.life += 1;
        phone.running = false;
        phone.flights.clear();
        let life = phone.life;
        self.after(down, Event::PhoneUp { phone: at, life });
        Ok(())
    }

    fn back_up(&mut self) -> Result<(), Violation> {
        let Ok(mut copy) = self.office.solo.copy() else { return broken("a backup can be taken", "it can't") };
        if admin::backup::stamp(copy.connection(), self.now).is_err() {
            return broken("a backup can be taken", "it can't be stamped");
        }
        self.office.backup = Some((copy, self.witness.clone()));
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Violation> {
        let Some((backup, witness)) = self.office.backup.take() else { return Ok(()) };
        self.reached("relay restored");
        self.relay_dies(2000);
        let Ok(mut copy) = backup.copy() else { return broken("a backup can be put back", "it can't be copied") };
        let (now, rng) = (self.now, &mut self.office.rng);
        let mut actor = Actor { now, rng, who: "the simulator" };
        if let Err(error) = admin::restore::begin_epoch(copy.connection(), &mut actor) {
            return broken("a backup can be put back", error.to_string());
        }
        self.witness.put_back(&witness);
        self.office.solo = copy;
        self.office.backup = Some((backup, witness));
        Ok(())
    }

    /// An administrator has looked at everything after a restore.
    pub fn confirm(&mut self) -> Result<(), Violation> {
        self.administer(|tx, actor| admin::restore::resume(tx, actor))
    }
}
