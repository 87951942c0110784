//! Steps in contacts, directory and settings.

use automerge::{ReadDoc, ScalarValue, transaction::Transactable};
use offdesk_core::ids::MemberId;
use offdesk_tests::reference::paths::{Deed, Place};
use rand::RngExt;

use crate::{
    hand::Hand,
    office::{keys, map},
};

type Tx<'a> = automerge::transaction::Transaction<'a>;

fn text(value: impl Into<String>) -> ScalarValue {
    ScalarValue::Str(value.into().into())
}

impl Hand<'_> {
    /// A step in a contact that is there.
    pub fn in_contact(&mut self, tx: &mut Tx<'_>, place: Place) {
        match place {
            Place::Phones => self.phones(tx),
            Place::Shared => self.shared(tx),
            Place::Custom => self.custom(tx),
            Place::Consent => self.consent(tx),
            Place::Blocked => self.blocked(tx),
            _ => self.fields(tx),
        }
    }

    /// A contact that comes into being.
    pub fn new_contact(&mut self, tx: &mut Tx<'_>) {
        let flaw = self.flaw_of(2);
        let phone = if flaw == Some(0) { "555 0102".to_owned() } else { self.phone.clone() };
        let phones = map(tx, "phones");
        tx.put(&phones, phone, true).unwrap();
        self.note(Place::Phones, Deed::Add, flaw.is_none());
        let fields = map(tx, "fields");
        let owner = if flaw == Some(1) { self.stranger() } else { self.office.people[self.me].id };
        tx.put(&fields, "owner", text(owner.to_string())).unwrap();
        self.note(Place::Fields, Deed::Add, flaw.is_none());
    }

    fn stranger(&mut self) -> MemberId {
        MemberId::generate(self.at, &mut self.dice)
    }

    fn flaw_of(&mut self, kinds: usize) -> Option<usize> {
        (self.dice.random_range(0..100) < 25).then(|| self.dice.random_range(0..kinds))
    }

    fn note(&mut self, place: Place, deed: Deed, sound: bool) {
        self.steps.push(offdesk_tests::reference::paths::Step { place, deed, sound, eligible: true, own: false });
    }

    fn one_of(&mut self, from: &[String]) -> Option<String> {
        (!from.is_empty()).then(|| from[self.dice.random_range(0..from.len())].clone())
    }

    fn phones(&mut self, tx: &mut Tx<'_>) {
        let phones = map(tx, "phones");
        let known = keys(tx, "phones");
        match (self.dice.random_range(0..4), self.one_of(&known)) {
            (0, Some(known)) => {
                tx.put(&phones, known, text("mobile")).unwrap();
                self.note(Place::Phones, Deed::Change, true);
            }
            (1, Some(known)) => {
                tx.delete(&phones, known).unwrap();
                self.note(Place::Phones, Deed::Remove, true);
            }
            _ => {
                let flaw = self.flaw_of(4);
                let phone = match flaw {
                    Some(0) => "415 555 0102".to_owned(),
                    Some(1) => format!("{} ", self.phone),
                    Some(2) => self.anothers_phone(&known),
                    _ => self.phone.clone(),
                };
                let value = if flaw == Some(3) { ScalarValue::Null } else { true.into() };
                tx.put(&phones, phone, value).unwrap();
                self.note(Place::Phones, Deed::Add, flaw.is_none());
            }
        }
    }

    fn anothers_phone(&mut self, own: &[String]) -> String {
        let contacts = self.office.families.iter().map(|family| &self.office.documents[&family.contact]);
        let mut others: Vec<String> = contacts.flat_map(|contact| keys(contact, "phones")).collect();
        others.retain(|phone| !own.contains(phone));
        self.one_of(&others).unwrap_or_else(|| "nobody's".into())
    }

    fn shared(&mut self, tx: &mut Tx<'_>) {
        let shared = map(tx, "shared");
        let known = keys(tx, "shared");
        match (self.dice.random_range(0..4), self.one_of(&known)) {
            (0, Some(known)) => {
                tx.put(&shared, known, text("write")).unwrap();
                self.note(Place::Shared, Deed::Change, true);
            }
            (1, Some(known)) => {
                tx.delete(&shared, known).unwrap();
                self.note(Place::Shared, Deed::Remove, true);
            }
            _ => {
                let flaw = self.flaw_of(3);
                let members: Vec<String> = self.office.people.iter().map(|person| person.id.to_string()).collect();
                let others: Vec<String> = members.into_iter().filter(|member| !known.contains(member)).collect();
                let Some(member) = self.one_of(&others) else { return self.custom(tx) };
                let member = match flaw {
                    Some(0) => self.stranger().to_string(),
                    Some(1) => member.to_lowercase(),
                    _ => member,
                };
                let value: ScalarValue = if flaw == Some(2) { 1.into() } else { true.into() };
                tx.put(&shared, member, value).unwrap();
                self.note(Place::Shared, Deed::Add, flaw.is_none());
            }
        }
    }

    fn custom(&mut self, tx: &mut Tx<'_>) {
        let custom = map(tx, "custom");
        let known = keys(tx, "custom");
        let flaw = self.flaw_of(2);
        let value = match flaw {
            Some(0) => 5.into(),
            Some(1) => text("x".repeat(1025)),
            _ => text(format!("value {}", self.dice.random::<u32>())),
        };
        match (self.dice.random_range(0..3), self.one_of(&known)) {
            (0, Some(known)) => {
                tx.put(&custom, known, value).unwrap();
                self.note(Place::Custom, Deed::Change, flaw.is_none());
            }
            (1, Some(known)) => {
                tx.delete(&custom, known).unwrap();
                self.note(Place::Custom, Deed::Remove, true);
            }
            _ => {
                tx.put(&custom, format!("field {}", self.dice.random::<u32>()), value).unwrap();
                self.note(Place::Custom, Deed::Add, flaw.is_none());
            }
        }
    }

    fn fields(&mut self, tx: &mut Tx<'_>) {
        let fields = map(tx, "fields");
        let flaw = self.flaw_of(4);
        let field = match flaw {
            Some(0) => "vip",
            _ => ["name", "email", "owner"][self.dice.random_range(0..3)],
        };
        let there = tx.get(&fields, field).unwrap().is_some();
        if there && self.dice.random_range(0..3) == 0 {
            tx.delete(&fields, field).unwrap();
            return self.note(Place::Fields, Deed::Remove, true);
        }
        let (owner, sound) = match flaw {
            Some(1) => (self.stranger().to_string(), field != "owner"),
            Some(2) => (self.office.people[0].id.to_string().to_lowercase(), field != "owner"),
            _ => (self.office.people[self.dice.random_range(0..10)].id.to_string(), true),
        };
        let value = match (flaw, field) {
            (Some(3), _) => 5.into(),
            (_, "owner") => text(owner),
            _ => text(format!("Maria {}", self.dice.random::<u32>())),
        };
        if tx.get(&fields, field).unwrap().is_some_and(|(old, _)| old.as_scalar() == Some(&value)) {
            // That would change nothing.
            return self.custom(tx);
        }
        tx.put(&fields, field, value).unwrap();
        let sound = sound && !matches!(flaw, Some(0 | 3));
        self.note(Place::Fields, if there { Deed::Change } else { Deed::Add }, sound);
    }

    /// A step in the directory or the settings.
    pub fn in_set_up(&mut self, tx: &mut Tx<'_>, place: Place) {
        let (member, role) = self.office.dummy;
        let word = format!("word {}", self.dice.random::<u32>());
        let (name, owner): (&str, String) = match place {
            Place::Members => ("members", member.to_string()),
            Place::Roles => ("roles", role.to_string()),
            _ => ("values", String::new()),
        };
        let object = map(tx, name);
        let (field, value): (&str, ScalarValue) = match (place, self.dice.random_range(0..3)) {
            (Place::Members, 0) => ("dashboard", text(self.access())),
            (Place::Members, 1) => ("active", self.dice.random_bool(0.5).into()),
            (Place::Members, _) => ("name", text(word)),
            (Place::Roles, 0) => ("dashboard", text(self.access())),
            (Place::Roles, 1) => ("messages", text(["none", "read"][self.dice.random_range(0..2)])),
            (Place::Roles, _) => ("name", text(word)),
            (_, 0) => ("region", text(["US", "DE", "CA"][self.dice.random_range(0..3)])),
            (_, 1) => ("lease_ms", i64::from(self.dice.random::<u32>()).into()),
            (_, _) => ("name", text(word)),
        };
        let key = |owner: &str, field: &str| if owner.is_empty() { field.into() } else { format!("{owner}.{field}") };
        let flaw = self.flaw_of(6);
        let (key, value) = match (flaw, place) {
            (Some(0), _) => (key(&owner, "shoe_size"), value),
            (Some(1), _) => (key(&owner, field), ScalarValue::Timestamp(5)),
            (Some(2), Place::Values) => ("numbers".into(), text("+14155550999")),
            (Some(2), _) => (key(&owner.to_lowercase(), field), value),
            (Some(3), Place::Values) => ("region".into(), text("usa")),
            (Some(3), _) => (key(&owner, "dashboard"), text("some")),
            (Some(4), Place::Members) => {
                // R1: one active Administrator remains.
                (format!("{}.active", self.office.people[0].id), false.into())
            }
            (Some(4), Place::Roles) => (key(&owner, "kind"), text("king")),
            (Some(4), _) => ("lease_ms".into(), (-1).into()),
            (Some(_), Place::Members) => (key(&owner, "role"), text("boss")),
            (Some(_), _) => (key(&owner, "name"), 7.into()),
            (None, _) => (key(&owner, field), value),
        };
        let there = tx.get(&object, &key).unwrap();
        let deed = if there.is_some() { Deed::Change } else { Deed::Add };
        // What stands there already would be no change at all.
        let same = there.is_some_and(|(old, _)| old.as_scalar() == Some(&value));
        if deed == Deed::Change && flaw.is_none() && (same || self.dice.random_range(0..3) == 0) {
            tx.delete(&object, &key).unwrap();
            return self.note(place, Deed::Remove, true);
        }
        if same {
            tx.delete(&object, &key).unwrap();
            return self.note(place, Deed::Remove, flaw.is_none());
        }
        tx.put(&object, key, value).unwrap();
        self.note(place, deed, flaw.is_none());
    }

    fn access(&mut self) -> &'static str {
        ["all", "assigned", "none"][self.dice.random_range(0..3)]
    }
}
