//! Steps in what a conversation is sorted by: snoozes and the plain values; and a contact's consent.

use automerge::{ObjType, ReadDoc, ScalarValue, transaction::Transactable};
use offdesk_core::ids::QueueId;
use offdesk_tests::reference::paths::{Deed, Place};
use rand::RngExt;

use crate::{
    hand::{DAY, Hand, Tx, YEAR, text},
    office::{keys, map},
};

impl Hand<'_> {
    /// A snooze, or the end of one.
    pub fn snoozes(&mut self, tx: &mut Tx<'_>) {
        if self.chance(25) && self.disturb(tx, Place::Snoozes, "snoozes", "until") {
            return;
        }
        let own = self.intent.to_string();
        let mut standing = keys(tx, "snoozes");
        standing.retain(|key| !key.contains('/') && *key != own);
        match self.pick(&standing).filter(|_| self.chance(50)) {
            Some(snooze) => self.wake(tx, snooze),
            None => self.snooze(tx),
        }
    }

    fn snooze(&mut self, tx: &mut Tx<'_>) {
        let flaw = self.flaw(8);
        let id = if flaw == Some(4) { self.foreign_id() } else { self.intent };
        let entry = tx.put_object(map(tx, "snoozes"), id.to_string(), ObjType::Map).unwrap();
        self.signed(tx, &entry, flaw);
        let tomorrow = self.at.after(DAY);
        match flaw {
            Some(5) => {}
            // Whoever sleeps for longer is forgotten.
            Some(6) => tx.put(&entry, "until", ScalarValue::Timestamp(self.at.after(2 * YEAR).millis())).unwrap(),
            Some(7) => tx.put(&entry, "until", text("tomorrow")).unwrap(),
            _ => tx.put(&entry, "until", ScalarValue::Timestamp(tomorrow.millis())).unwrap(),
        }
        let seen = self.pick(&keys(tx, "messages"));
        if let Some(seen) = seen.filter(|seen| *seen != self.intent.to_string()) {
            tx.put(&entry, "seen", text(seen)).unwrap();
        }
        self.step(Place::Snoozes, Deed::Add, flaw.is_none());
    }

    fn wake(&mut self, tx: &mut Tx<'_>, snooze: String) {
        let flaw = self.flaw(6);
        let snooze = if flaw == Some(4) { self.foreign_id().to_string() } else { snooze };
        let id = if flaw == Some(5) { self.foreign_id() } else { self.intent };
        let entry = tx.put_object(map(tx, "snoozes"), format!("{snooze}/{id}"), ObjType::Map).unwrap();
        self.signed(tx, &entry, flaw);
        self.step(Place::Snoozes, Deed::Add, flaw.is_none());
    }

    /// How urgent it is.
    pub fn priority(&mut self, tx: &mut Tx<'_>) {
        let names = ["low", "normal", "high", "urgent", "highest"];
        let name = names[self.dice.random_range(0..names.len())];
        let value = if self.chance(5) { ScalarValue::Int(3) } else { text(name) };
        let sound = name != "highest" && matches!(value, ScalarValue::Str(_));
        self.plain(tx, Place::Priority, "priority", value, sound);
    }

    /// Which queue it is in.
    pub fn queue(&mut self, tx: &mut Tx<'_>) {
        let queues = self.office.queues;
        let (queue, sound) = match self.flaw(3) {
            Some(0) => (QueueId::generate(self.at, &mut self.dice).to_string(), false),
            Some(1) => (queues.archived.to_string(), false),
            Some(_) => (queues.open[0].to_string().to_lowercase(), false),
            None => (queues.open[self.dice.random_range(0..2)].to_string(), true),
        };
        self.plain(tx, Place::Queue, "queue", text(queue), sound);
    }

    /// What campaign it comes from, which is the relay's to say.
    pub fn detail(&mut self, tx: &mut Tx<'_>) {
        let value = text(format!("sale {}", self.dice.random::<u32>()));
        let key = ["campaign.name", "campaign.name", "cart.value"][self.dice.random_range(0..3)];
        self.plain(tx, Place::Details, key, value, true);
    }

    /// Sets a plain value of the conversation, or takes it away.
    fn plain(&mut self, tx: &mut Tx<'_>, place: Place, key: &str, value: ScalarValue, sound: bool) {
        let fields = map(tx, "fields");
        let old = tx.get(&fields, key).unwrap().map(|(old, _)| old.into_owned());
        let same = old.as_ref().is_some_and(|old| old.as_scalar() == Some(&value));
        if old.is_some() && (same || self.chance(30)) {
            tx.delete(&fields, key).unwrap();
            return self.step(place, Deed::Remove, true);
        }
        tx.put(&fields, key, value).unwrap();
        self.step(place, if old.is_some() { Deed::Change } else { Deed::Add }, sound);
    }

    /// What the contact said about messages (R34).
    pub fn consent(&mut self, tx: &mut Tx<'_>) {
        let consent = map(tx, "consent");
        let known = keys(tx, "consent");
        let there = self.pick(&known).filter(|_| self.chance(60));
        if let Some(phone) = there.clone().filter(|_| self.chance(40)) {
            tx.delete(&consent, phone).unwrap();
            return self.step(Place::Consent, Deed::Remove, true);
        }
        let flaw = self.flaw(3);
        let (phone, deed) = match (there, flaw) {
            (_, Some(0)) => (format!("415 {}", self.dice.random::<u32>()), Deed::Add),
            (Some(phone), _) => (phone, Deed::Change),
            (None, _) => (self.phone.clone(), Deed::Add),
        };
        let old = tx.get(&consent, &phone).unwrap().and_then(|(old, _)| old.into_string().ok());
        let value = match flaw {
            Some(1) => text("maybe"),
            Some(2) => true.into(),
            _ => text(if old.as_deref() == Some("revoked") { "granted" } else { "revoked" }),
        };
        tx.put(&consent, phone, value).unwrap();
        self.step(Place::Consent, deed, flaw.is_none());
    }

    /// R26: blocked as spam.
    pub fn blocked(&mut self, tx: &mut Tx<'_>) {
        let fields = map(tx, "fields");
        let there = tx.get(&fields, "blocked").unwrap().is_some();
        match (there, self.flaw(2)) {
            (true, None) if self.chance(60) => {
                tx.delete(&fields, "blocked").unwrap();
                self.step(Place::Blocked, Deed::Remove, true);
            }
            (true, _) => {
                // Something is blocked or it isn't: there is no other value.
                tx.put(&fields, "blocked", text("a little")).unwrap();
                self.step(Place::Blocked, Deed::Change, true);
            }
            (false, Some(0)) => {
                tx.put(&fields, "blocked", text("true")).unwrap();
                self.step(Place::Blocked, Deed::Add, false);
            }
            (false, flaw) => {
                tx.put(&fields, "blocked", flaw.is_none()).unwrap();
                self.step(Place::Blocked, Deed::Add, flaw.is_none());
            }
        }
    }
}
