//! Step 3: dependencies.

use super::*;

/// Trap: a document with an orphan saves it for good, and the orphan comes to life with its dependency.
#[test]
fn an_orphan_is_never_stored_nor_resurrected() {
    let mut scene = scene();
    let first = scene.reply();
    let second = scene.phone.intent(&mut scene.office, scene.document, &reply("And"));
    let verdict = scene.answer(vec![second.clone()]);
    let hash = parse_change(&first.change).unwrap().hash();
    assert_eq!(verdict, Verdict::MissingDeps(vec![hash.0.into()]));
    let held = scene.office.held(scene.document, Kind::Conversation);
    let raw = Automerge::load(&held.save()).unwrap();
    assert_eq!(raw.get_missing_deps(&[]), []);
    // Its dependency comes: the orphan doesn't come with it, until it is pushed itself.
    accepted(scene.phone.push(&scene.office, vec![first]));
    assert!(!scene.office.conversation(scene.document).messages.contains_key(&second.id));
    assert_eq!(scene.office.count("SELECT count(*) FROM changes WHERE device IS NOT NULL"), 2);
    accepted(scene.phone.push(&scene.office, vec![second.clone()]));
    assert!(scene.office.conversation(scene.document).messages.contains_key(&second.id));
}

/// A second root: two creations have two `messages` maps, and one side's messages vanish.
#[test]
fn a_change_without_dependencies_is_refused() {
    let mut scene = scene();
    let genesis = offdesk_core::model::genesis::hash(Kind::Conversation);
    let root = tweaked(&scene.reply(), |change| change.deps.clear());
    assert_eq!(scene.answer(vec![root]), Verdict::MissingDeps(vec![genesis.0.into()]));
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let mut raw = Automerge::new().with_actor(ActorId::from([9; 16]));
    let mut tx = raw.transaction();
    tx.put_object(ROOT, "messages", automerge::ObjType::Map).unwrap();
    tx.commit_with(CommitOptions::default().with_message(id.to_string()).with_time(1));
    let root = pushed(id, scene.document, Kind::Conversation, &raw.get_last_local_change().unwrap());
    assert_eq!(scene.answer(vec![root.clone()]), Verdict::MissingDeps(vec![genesis.0.into()]));
    // The same in a document that doesn't exist yet.
    let fresh = PushedIntent { document: DocumentId::generate(scene.office.now, &mut scene.office.rng), ..root };
    assert_eq!(scene.answer(vec![fresh]), Verdict::MissingDeps(vec![genesis.0.into()]));
    scene.honest_devices_go_on();
}

/// Dependencies belong to the same document, whatever else the relay holds.
#[test]
fn dependencies_of_another_document_are_missing() {
    let mut scene = scene();
    let elsewhere = scene.office.sms("+14155559999", "Hello?");
    let head = scene.office.held(elsewhere, Kind::Conversation).heads()[0];
    let both = tweaked(&scene.reply(), |change| change.deps.push(head));
    assert_eq!(scene.answer(vec![both]), Verdict::MissingDeps(vec![head.0.into()]));
    scene.phone.pull(&scene.office, elsewhere, Kind::Conversation);
    scene.phone.actors.clear();
    let there = scene.phone.intent(&mut scene.office, elsewhere, &reply("Mine"));
    let moved = PushedIntent { document: scene.document, ..there };
    assert_eq!(scene.answer(vec![moved]), Verdict::MissingDeps(vec![head.0.into()]));
    // The genesis of another kind.
    let contact = offdesk_core::model::genesis::hash(Kind::Contact);
    let other = tweaked(&scene.reply(), |change| change.deps = vec![contact]);
    assert_eq!(scene.answer(vec![other]), Verdict::MissingDeps(vec![contact.0.into()]));
    scene.honest_devices_go_on();
}

#[test]
fn what_depends_on_a_refused_change_is_blocked_by_it() {
    let mut scene = scene();
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let forged = Action::AddMessage {
        id,
        message: offdesk_core::model::NewMessage::new(
            offdesk_core::model::MessageKind::Note,
            Some(scene.ana),
            "Ana said so".into(),
            scene.office.now,
        ),
    };
    let forged = scene.phone.raw(&mut scene.office, scene.document, Kind::Conversation, id, &[forged]);
    let after = scene.phone.intent(&mut scene.office, scene.document, &reply("As Ana said"));
    scene.refuses(forged.clone(), RefusalCode::ForgedAuthor);
    let hash = parse_change(&forged.change).unwrap().hash();
    assert_eq!(scene.answer(vec![after]), Verdict::BlockedBy(hash.0.into()));
}

/// A change may name 256 dependencies, so a document must not have more branches: nobody could join them.
#[test]
fn branches_are_bounded_and_honest_devices_join_them() {
    let mut scene = scene();
    let base = scene.office.held(scene.document, Kind::Conversation);
    let mut bounded = 0;
    for n in 0..200 {
        let branch = crafted(&mut scene.office, &base, scene.document, |tx, _| {
            let tags = map(tx, "tags");
            tx.put(&tags, format!("branch {n}"), true).unwrap();
        });
        match scene.phone.push(&scene.office, vec![branch]) {
            Verdict::Accepted(_) => {}
            Verdict::MissingDeps(heads) => {
                assert_eq!(heads.len(), scene.office.held(scene.document, Kind::Conversation).heads().len());
                bounded += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bounded, 200 - 128);
    scene.honest_devices_go_on();
    assert_eq!(scene.office.held(scene.document, Kind::Conversation).heads().len(), 1);
    let late = crafted(&mut scene.office, &base, scene.document, |tx, _| {
        let tags = map(tx, "tags");
        tx.put(&tags, "late", true).unwrap();
    });
    accepted(scene.phone.push(&scene.office, vec![late]));
}
