//! Consent and blocking: steps 5 and 6 on a contact's document.

use super::*;
use automerge::ScalarValue;
use offdesk_core::model::Consent;

const PHONE: &str = "+14155552671";

impl Scene {
    fn contact(&self) -> DocumentId {
        self.office.conversation(self.document).contact
    }

    /// A change of the contact's, made on what the relay holds.
    fn edit(&mut self, action: Action) -> PushedIntent {
        let contact = self.contact();
        self.phone.actors.clear();
        self.phone.pull(&self.office, contact, Kind::Contact);
        self.edit_unseen(action)
    }

    /// The same on what the phone holds.
    fn edit_unseen(&mut self, action: Action) -> PushedIntent {
        let contact = self.contact();
        let id = IntentId::generate(self.office.now, &mut self.office.rng);
        self.phone.raw(&mut self.office, contact, Kind::Contact, id, &[action])
    }

    fn card(&self) -> Contact {
        let contact = self.contact();
        Contact::read(contact, &self.office.held(contact, Kind::Contact)).unwrap()
    }
}

fn consent(phone: &str, consent: Option<Consent>) -> Action {
    Action::SetConsent { phone: phone.into(), consent }
}

/// R34: an opt-out is not overlooked by a consent that was written without knowing of it, and needs no knowledge itself.
#[test]
fn an_opt_out_is_not_overlooked() {
    let mut scene = scene();
    let contact = scene.contact();
    let blank = scene.office.held(contact, Kind::Contact);
    let first = scene.edit(consent(PHONE, Some(Consent::Granted)));
    accepted(scene.phone.push(&scene.office, vec![first]));
    // Mallory's phone knows of that at most; meanwhile the contact opts out.
    let held = scene.office.held(contact, Kind::Contact);
    let mut anas = scene.office.phone(scene.ana);
    anas.pull(&scene.office, contact, Kind::Contact);
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let out = anas.raw(&mut scene.office, contact, Kind::Contact, id, &[consent(PHONE, Some(Consent::Revoked))]);
    accepted(anas.push(&scene.office, vec![out]));
    for (said, known) in [(Some(Consent::Granted), &blank), (None, &held)] {
        scene.phone.documents.insert(contact, known.clone());
        scene.phone.actors.clear();
        let unknowing = scene.edit_unseen(consent(PHONE, said));
        scene.refuses(unknowing, RefusalCode::Stale);
    }
    scene.phone.documents.insert(contact, blank);
    scene.phone.actors.clear();
    let too = scene.edit_unseen(consent(PHONE, Some(Consent::Revoked)));
    accepted(scene.phone.push(&scene.office, vec![too]));
    assert_eq!(scene.card().reach.consent[PHONE], Consent::Revoked);
    let knowing = scene.edit(consent(PHONE, Some(Consent::Granted)));
    accepted(scene.phone.push(&scene.office, vec![knowing]));
    assert_eq!(scene.card().reach.consent[PHONE], Consent::Granted);
}

/// R34: consent is of a phone, and one of two things.
#[test]
fn consent_has_one_form() {
    let mut scene = scene();
    let words = scene.edit(consent("by e-mail", Some(Consent::Granted)));
    scene.refuses(words, RefusalCode::InvalidPhone);
    let honest = scene.edit(consent(PHONE, Some(Consent::Granted)));
    for value in [ScalarValue::Str("maybe".into()), ScalarValue::Boolean(true), ScalarValue::Null] {
        let odd = tweaked(&honest, |change| change.operations[0].action = OpType::Put(value.clone()));
        scene.refuses(odd, RefusalCode::WrongType);
    }
    let blocked = scene.edit(Action::SetBlocked { blocked: true });
    for value in [ScalarValue::Str("true".into()), ScalarValue::Boolean(false), ScalarValue::Int(1)] {
        let odd = tweaked(&blocked, |change| change.operations[0].action = OpType::Put(value.clone()));
        scene.refuses(odd, RefusalCode::WrongType);
    }
    let merge = tweaked(&blocked, |change| {
        // The map of merges is nobody's yet.
        let merges = ObjectId::Id(OpId(5, offdesk_core::model::genesis::actor(Kind::Contact)));
        change.operations[0].obj = merges;
    });
    scene.refuses(merge, RefusalCode::UnknownPath);
}

/// R7: who may not open the record changes neither.
#[test]
fn a_stranger_to_the_record_changes_nothing() {
    let mut scene = scene();
    let rep = scene.office.member("Rep", REP);
    let mut anas = scene.office.phone(scene.ana);
    anas.pull(&scene.office, scene.document, Kind::Conversation);
    accepted(anas.run(&mut scene.office, scene.document, &Verb::Assign { member: rep }));
    scene.phone = scene.office.phone(rep);
    for action in [consent(PHONE, Some(Consent::Revoked)), Action::SetBlocked { blocked: true }] {
        let intent = scene.edit(action);
        scene.refuses(intent, RefusalCode::Forbidden);
    }
}
