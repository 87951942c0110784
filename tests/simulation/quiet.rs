//! Healing: every fault is over, everybody is online and in the foreground, and people do what only people can (enrol a
//! copy anew, confirm a restored relay). Then everything must come to rest in time, and all rules must hold.

use offdesk_core::{
    sync::session::{Event as Input, Network},
    time::Timestamp,
};

use crate::{
    rules,
    world::{Event, Violation, World, broken},
};

/// How long it takes at most until everybody has noticed who is a copy and who is not known any more: longer than anything
/// is on its way.
const NOTICING: i64 = 25_000;
/// In this time all queues drain, once everything is healed.
const DRAINING: i64 = 60_000;
/// More rounds of enrolling anew than any run has devices.
const MOST_ROUNDS: usize = 10;

impl World {
    /// Heals everything, waits until it has come to rest, and checks all rules.
    pub fn quiet(&mut self) -> Result<(), Violation> {
        self.trace.note(self.now, "quiet", &[], || "everything heals".into());
        self.healing = true;
        self.heal()?;
        self.help()?;
        let healed = Timestamp(self.now.0 + DRAINING);
        self.run_until(healed)?;
        rules::check(self)?;
        self.healing = false;
        Ok(())
    }

    fn heal(&mut self) -> Result<(), Violation> {
        self.provider.heal();
        self.heal_relay();
        if !self.office.up {
            let boot = self.office.boot;
            self.relay_up(boot)?;
        }
        self.confirm()?;
        let boot = self.office.boot;
        self.after(0, Event::Sweep { boot });
        for at in 0..self.phones.len() {
            self.heal_phone(at);
            let phone = &mut self.phones[at];
            (phone.online, phone.foreground) = (true, true);
            let life = phone.life;
            if phone.running {
                self.drive(at, vec![Input::Network(Network::Online), Input::Started { live: true }])?;
            } else {
                self.phone_up(at, life)?;
            }
        }
        Ok(())
    }

    /// Gives devices that need it a new enrolment, until none does.
    fn help(&mut self) -> Result<(), Violation> {
        for _ in 0..MOST_ROUNDS {
            let noticed = Timestamp(self.now.0 + NOTICING);
            self.run_until(noticed)?;
            let mut helped = false;
            for at in 0..self.phones.len() {
                if !self.needs_enrolment(at) {
                    continue;
                }
                helped = true;
                if !self.enrol(at)? {
                    // Its member is not active any more: it goes into a drawer.
                    self.book.excuse(at);
                    let phone = &mut self.phones[at];
                    (phone.database, phone.running) = (None, false);
                    phone.life += 1;
                    phone.flights.clear();
                }
            }
            if !helped {
                return Ok(());
            }
        }
        broken("a device that was enrolled anew is known", "some device needs help again and again")
    }
}
