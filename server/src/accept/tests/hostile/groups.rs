//! Groups: one frame, one transaction, one outcome.

use super::*;
use offdesk_core::model::genesis;

#[test]
fn a_group_holds_1_to_64_intents() {
    let mut scene = scene();
    assert_eq!(code(scene.answer(Vec::new())), RefusalCode::TooLarge);
    let intent = scene.reply();
    assert_eq!(code(scene.answer(vec![intent; 65])), RefusalCode::TooLarge);
    let mut group = vec![scene.reply()];
    for n in 1..64 {
        group.push(scene.phone.intent(&mut scene.office, scene.document, &reply(&format!("{n}"))));
    }
    accepted(scene.phone.push(&scene.office, group));
}

/// Whatever fails, nothing of the group is left, in any of its documents; the next group of the same push is judged on
/// what is really there.
#[test]
fn a_group_over_documents_fails_as_a_whole() {
    let mut scene = scene();
    let elsewhere = scene.office.sms("+14155559999", "Hello?");
    scene.phone.pull(&scene.office, elsewhere, Kind::Conversation);
    let first = scene.reply();
    let second = scene.phone.intent(&mut scene.office, elsewhere, &reply("Mine"));
    let forged = tweaked(&second, |change| change.start_op = change.start_op.checked_add(1).unwrap());
    assert_eq!(code(scene.answer(vec![first.clone(), forged])), RefusalCode::OperationCounter);
    assert_eq!(cached_heads(&scene.office, elsewhere, Kind::Conversation).len(), 1);
    // The first's bytes are refused with it, and what builds on them is blocked.
    let after = scene.phone.intent(&mut scene.office, scene.document, &reply("More"));
    let verdicts = scene.phone.push_all(&scene.office, vec![vec![first], vec![after], vec![second]]);
    assert!(matches!(verdicts[0], Verdict::Rejected(_)), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::BlockedBy(_)), "{verdicts:?}");
    accepted(verdicts[2].clone());
    scene.honest_devices_go_on();
}

/// R32: a group is accepted as a whole, and told so again as a whole.
#[test]
fn a_group_is_not_mixed_from_old_and_new() {
    let mut scene = scene();
    let first = scene.reply();
    let second = scene.phone.intent(&mut scene.office, scene.document, &reply("And"));
    let group = vec![first.clone(), second.clone()];
    let verdict = scene.phone.push(&scene.office, group.clone());
    accepted(verdict.clone());
    assert_eq!(scene.answer(group), verdict);
    let third = scene.phone.intent(&mut scene.office, scene.document, &reply("More"));
    for group in [vec![first.clone(), third.clone()], vec![third.clone(), first.clone()]] {
        assert_eq!(code(scene.answer(group)), RefusalCode::IntentReused);
    }
    // A verdict about a whole group never covers what was not judged.
    assert!(!scene.office.conversation(scene.document).messages.contains_key(&third.id));
    let twice = scene.reply();
    assert_eq!(code(scene.answer(vec![twice.clone(), twice])), RefusalCode::IntentReused);
}

#[test]
fn the_genesis_covers_no_group() {
    let mut scene = scene();
    let mine = scene.reply();
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let genesis = pushed(id, scene.document, Kind::Conversation, &genesis::change(Kind::Conversation));
    assert_eq!(code(scene.answer(vec![genesis.clone(), mine.clone()])), RefusalCode::Malformed);
    let mine = scene.reply();
    assert_eq!(code(scene.answer(vec![mine, genesis])), RefusalCode::Malformed);
    scene.honest_devices_go_on();
}

/// Natural keys hold within a group too: nothing is resolved to what the group itself would make.
#[test]
fn a_group_does_not_start_the_same_twice() {
    let mut scene = scene();
    let create = |scene: &mut Scene| {
        let contact = DocumentId::generate(scene.office.now, &mut scene.office.rng);
        let new = NewContact { name: "New".into(), phones: vec!["+14155557777".into()], ..NewContact::default() };
        scene.phone.intent(&mut scene.office, contact, &Verb::CreateContact(new))
    };
    let (first, second) = (create(&mut scene), create(&mut scene));
    assert_eq!(code(scene.answer(vec![first.clone(), second])), RefusalCode::PhoneTaken);
    let contact = create(&mut scene);
    let start = |scene: &mut Scene, contact: DocumentId| {
        let document = DocumentId::generate(scene.office.now, &mut scene.office.rng);
        let verb = Verb::StartConversation {
            conversation: ConversationId::generate(scene.office.now, &mut scene.office.rng),
            contact,
            channel: Channel::Sms(OUR_NUMBER.into()),
            text: Some("Hi".into()),
        };
        scene.phone.intent(&mut scene.office, document, &verb)
    };
    let (one, two) = (start(&mut scene, contact.document), start(&mut scene, contact.document));
    assert_eq!(code(scene.answer(vec![contact, one, two])), RefusalCode::WrongDocument);
    // Once it is fine.
    let contact = create(&mut scene);
    let one = start(&mut scene, contact.document);
    accepted(scene.phone.push(&scene.office, vec![contact, one]));
}
