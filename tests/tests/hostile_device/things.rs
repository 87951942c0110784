//! Steps in the things that a workspace is set up with: queues, canned responses, hours, engagements, automations. Each is
//! a group of registers that must be whole, or not there at all.

use automerge::{ReadDoc, ScalarValue, transaction::Transactable};
use offdesk_core::ids::IntentId;
use offdesk_tests::reference::paths::{Deed, Place};
use rand::RngExt;

use crate::{
    hand::{Hand, Tx, text},
    office::map,
};

/// A register of a thing, with a value that fits it.
struct Field {
    name: String,
    value: ScalarValue,
    /// Whether nothing is whole without it.
    needed: bool,
}

fn field(name: impl Into<String>, value: impl Into<ScalarValue>, needed: bool) -> Field {
    Field { name: name.into(), value: value.into(), needed }
}

impl Hand<'_> {
    fn fields_of(&mut self, place: Place) -> (&'static str, IntentId, Vec<Field>) {
        let office = self.office;
        // Whoever can be named, active.
        let people = &office.people;
        let member = format!("member.{}", people[self.dice.random_range(0..people.len())].id);
        let mut word = || format!("word{}", self.dice.random::<u32>());
        let (name, other) = (field("name", word(), true), word());
        let span = i64::from(self.dice.random::<u16>());
        let (queue, things) = (office.queues.dummy.0, office.things);
        match place {
            Place::Queues => (
                "queues",
                IntentId(queue),
                vec![
                    name,
                    field("archived", self.dice.random_bool(0.5), false),
                    field("reply_within_ms", span, false),
                    field(member, true, false),
                ],
            ),
            Place::Canned => {
                let hello = format!("Hello {{contact.first_name|there}}, {other}");
                ("canned", things[0], vec![field("shortcut", other, true), field("text", hello, true)])
            }
            Place::Hours => (
                "hours",
                things[1],
                vec![
                    name,
                    field("zone", ["Europe/Berlin", "America/New_York"][self.dice.random_range(0..2)], true),
                    field("mon", ["09:00-17:00", "08:00-12:00 13:00-18:00"][self.dice.random_range(0..2)], false),
                    field("closed.2026-12-25", true, false),
                ],
            ),
            Place::Engagements => (
                "engagements",
                things[2],
                vec![
                    name,
                    field("page", format!("https://example.com/{other}/*"), true),
                    field("greeting", format!("{other} at {{workspace.name}}"), true),
                    field("enabled", self.dice.random_bool(0.5), false),
                    field("delay_ms", span, false),
                ],
            ),
            _ => (
                "automations",
                things[3],
                vec![
                    name,
                    field("event", other.clone(), true),
                    field("template", format!("Dear {{contact.name}}, {{data.item|it}} {other}"), true),
                    field("enabled", self.dice.random_bool(0.5), false),
                    field("origin", ["campaign", "cart_recovery"][self.dice.random_range(0..2)], false),
                    field(member, true, false),
                ],
            ),
        }
    }

    /// One of them is made, changed or taken away.
    pub fn thing(&mut self, tx: &mut Tx<'_>, place: Place) {
        let (name, id, fields) = self.fields_of(place);
        let object = map(tx, name);
        let is_there = tx.get(&object, format!("{id}.{}", fields[0].name)).unwrap().is_some();
        if !is_there {
            let flaw = self.flaw(2);
            for (at, field) in fields.into_iter().enumerate() {
                // One without the first of what is needed is none.
                if !(flaw == Some(0) && at == 0) && (field.needed || self.chance(30)) {
                    tx.put(&object, format!("{id}.{}", field.name), field.value).unwrap();
                }
            }
            if flaw == Some(1) {
                tx.put(&object, format!("{id}.colour"), text("red")).unwrap();
            }
            return self.step(place, Deed::Add, flaw.is_none());
        }
        // A queue is archived: conversations are in it.
        if self.chance(15) {
            let all: Vec<String> = tx.keys(&object).filter(|key| key.starts_with(&id.to_string())).collect();
            for key in all {
                tx.delete(&object, key).unwrap();
            }
            return self.step(place, Deed::Remove, place != Place::Queues);
        }
        let at = self.dice.random_range(0..fields.len());
        let chosen = &fields[at];
        self.field(tx, place, &object, &id.to_string(), chosen);
    }

    fn field(&mut self, tx: &mut Tx<'_>, place: Place, object: &automerge::ObjId, id: &str, chosen: &Field) {
        let flaw = self.flaw(4);
        let key = match flaw {
            Some(0) => format!("{id}.colour"),
            Some(1) => format!("{}.{}", id.to_lowercase(), chosen.name),
            _ => format!("{id}.{}", chosen.name),
        };
        let value = match flaw {
            Some(2) => ScalarValue::Timestamp(5),
            Some(3) => self.unfit(place, &chosen.name),
            _ => chosen.value.clone(),
        };
        let old = tx.get(object, &key).unwrap().map(|(old, _)| old.into_owned());
        let same = old.as_ref().is_some_and(|old| old.as_scalar() == Some(&value));
        if old.is_some() && (same || self.chance(25)) {
            tx.delete(object, key).unwrap();
            return self.step(place, Deed::Remove, !chosen.needed && flaw.is_none_or(|flaw| flaw > 1));
        }
        tx.put(object, key, value).unwrap();
        self.step(place, if old.is_some() { Deed::Change } else { Deed::Add }, flaw.is_none());
    }

    /// A value of the right type, or nearly, that means nothing there.
    fn unfit(&self, place: Place, name: &str) -> ScalarValue {
        match (place, name) {
            (_, "name") => text(" "),
            (Place::Canned, "shortcut") => text("two words"),
            (Place::Canned, "text") => text("Hello {nobody}"),
            (_, "zone") => text("Mars/Olympus"),
            (_, "mon") => text("17:00-09:00"),
            (_, "page") => text("my page"),
            (_, "greeting") => text("Hello {contact.name}"),
            (_, "event") => text("Something Happened"),
            (_, "template") => text("Dear {"),
            (_, "origin") => text("luck"),
            (_, "delay_ms" | "reply_within_ms") => ScalarValue::Int(-1),
            _ => text("yes"),
        }
    }
}
