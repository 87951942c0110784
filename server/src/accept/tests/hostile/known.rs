//! Step 2: what is known, and whose intent an id is.

use super::*;

/// The bytes of a colleague's change, which every device of the workspace holds.
#[test]
fn another_devices_change_is_refused_and_reveals_nothing() {
    let mut scene = scene();
    let stolen = scene.anas.clone();
    scene.refuses(stolen.clone(), RefusalCode::ForeignActor);
    // Nor to the same member's other device; its own device is told again what it was told.
    let mut second = scene.office.phone(scene.ana);
    assert_eq!(code(second.push(&scene.office, vec![stolen])), RefusalCode::ForeignActor);
}

/// What a device is told of its own change doesn't depend on what others pushed before or after.
#[test]
fn an_accepted_change_stays_accepted_for_its_owner() {
    let mut scene = scene();
    let mine = scene.reply();
    let verdict = scene.phone.push(&scene.office, vec![mine.clone()]);
    accepted(verdict.clone());
    let mut other = scene.office.phone(scene.ana);
    assert_eq!(code(other.push(&scene.office, vec![mine.clone()])), RefusalCode::ForeignActor);
    assert_eq!(scene.phone.push(&scene.office, vec![mine.clone()]), verdict);
    // Even if the row of its verdict is another's, who pushed the bytes first.
    let (device, document) = (other.pusher.device, scene.document);
    scene.office.write(move |tx| {
        tx.connection().execute(
            "UPDATE verdicts SET device = ?1 WHERE document = ?2",
            params![device.as_bytes(), document.as_bytes()],
        )?;
        Ok(())
    });
    assert_eq!(scene.phone.push(&scene.office, vec![mine]), verdict);
}

#[test]
fn a_refusal_is_told_to_its_owner_only() {
    let mut scene = scene();
    let forged = tweaked(&scene.reply(), |change| change.start_op = change.start_op.checked_add(7).unwrap());
    scene.refuses(forged.clone(), RefusalCode::OperationCounter);
    let stored = |scene: &Scene| scene.office.count("SELECT count(*) FROM verdicts WHERE verdict IS NOT NULL");
    let before = stored(&scene);
    // Another device with the same bytes is judged for itself, and changes nothing of the first one's verdict.
    let mut other = scene.office.phone(scene.ana);
    assert_eq!(code(other.push(&scene.office, vec![forged.clone()])), RefusalCode::OperationCounter);
    assert_eq!(stored(&scene), before);
    scene.refuses(forged, RefusalCode::OperationCounter);
}

/// R32: an id counts once; nobody takes another's.
#[test]
fn another_members_intent_id_can_not_be_used() {
    let mut scene = scene();
    let id = scene.anas.id;
    scene.phone.actors.clear();
    let tag = [Action::AddTag { tag: "mine".into() }];
    let intent = scene.phone.raw(&mut scene.office, scene.document, Kind::Conversation, id, &tag);
    scene.refuses(intent, RefusalCode::IntentReused);
    // Nor that of the contact's message, which the relay wrote.
    let inbound = scene.office.conversation(scene.document).messages.into_values().find(|message| message.by.is_none());
    scene.phone.actors.clear();
    scene.phone.pull(&scene.office, scene.document, Kind::Conversation);
    let intent = scene.phone.raw(&mut scene.office, scene.document, Kind::Conversation, inbound.unwrap().id, &tag);
    scene.refuses(intent, RefusalCode::IntentReused);
}

/// The same in another document, where nothing else would stand against it: a message's id is what it is sent by.
#[test]
fn an_intent_id_of_another_document_can_not_be_used() {
    let mut scene = scene();
    let elsewhere = scene.office.sms("+14155559999", "Hello?");
    for id in [scene.anas.id, *scene.office.conversation(scene.document).messages.keys().next().unwrap()] {
        scene.phone.actors.clear();
        scene.phone.pull(&scene.office, elsewhere, Kind::Conversation);
        let member = scene.mallory;
        let author = offdesk_core::intents::Author { member, intent: id, at: scene.office.now, assignable: true };
        let held = scene.office.conversation(elsewhere);
        let actions = reply("Mine").actions(&author, State::Conversation(Some(&held))).unwrap();
        let intent = scene.phone.raw(&mut scene.office, elsewhere, Kind::Conversation, id, &actions);
        scene.refuses(intent, RefusalCode::IntentReused);
    }
    // Nor may a member send two messages under one id of their own.
    let mine = scene.reply();
    accepted(scene.phone.push(&scene.office, vec![mine.clone()]));
    scene.phone.actors.clear();
    scene.phone.pull(&scene.office, elsewhere, Kind::Conversation);
    let author = offdesk_core::intents::Author {
        member: scene.mallory,
        intent: mine.id,
        at: scene.office.now,
        assignable: true,
    };
    let held = scene.office.conversation(elsewhere);
    let actions = reply("Mine").actions(&author, State::Conversation(Some(&held))).unwrap();
    let again = scene.phone.raw(&mut scene.office, elsewhere, Kind::Conversation, mine.id, &actions);
    scene.refuses(again, RefusalCode::IntentReused);
}

/// R32: re-authored by its own member, on whatever device, it is a duplicate.
#[test]
fn an_own_intent_authored_again_is_a_duplicate() {
    let mut scene = scene();
    let mine = scene.reply();
    accepted(scene.phone.push(&scene.office, vec![mine.clone()]));
    scene.phone.actors.clear();
    scene.phone.pull(&scene.office, scene.document, Kind::Conversation);
    let again = scene.phone.raw(
        &mut scene.office,
        scene.document,
        Kind::Conversation,
        mine.id,
        &[Action::AddTag { tag: "other".into() }],
    );
    assert!(matches!(scene.answer(vec![again.clone()]), Verdict::Duplicate(_)));
    let mut second = scene.office.phone(scene.mallory);
    std::mem::swap(&mut second, &mut scene.phone);
    assert!(matches!(scene.answer(vec![again]), Verdict::Duplicate(_)));
}

/// A copied store must not speak for the device, nor leave a door open for its copies.
#[test]
fn a_clone_pushes_nothing() {
    let mut scene = scene();
    let mine = scene.reply();
    let pushes = |scene: &Scene, incarnation: Incarnation, intent: &PushedIntent| {
        let request = Push { incarnation, number: 100, groups: vec![vec![intent.clone()]], registers: Vec::new() };
        let (now, pusher) = (scene.office.now, scene.phone.pusher);
        scene.office.write(move |tx| push(tx, now, &pusher, &request))
    };
    let before = everything(&scene.office);
    assert_eq!(pushes(&scene, Incarnation { previous: 77, next: 78 }, &mine), None);
    let current = scene.phone.incarnation;
    assert_eq!(
        pushes(&scene, Incarnation { previous: current, next: super::super::super::ANY_INCARNATION }, &mine),
        None
    );
    assert_eq!(everything(&scene.office), before);
    accepted(scene.phone.push(&scene.office, vec![mine]));
}

#[test]
fn an_overtaken_push_changes_nothing() {
    let mut scene = scene();
    let mine = scene.reply();
    accepted(scene.phone.push(&scene.office, vec![mine.clone()]));
    let late = scene.reply();
    scene.phone.pushes = 0;
    assert!(matches!(scene.answer(vec![late.clone()]), Verdict::RetryAfter(_)));
    // An overtaken push doesn't rotate the incarnation either.
    scene.phone.incarnation -= 1;
    scene.phone.pushes = 0;
    assert!(matches!(scene.answer(vec![mine]), Verdict::Accepted(_)));
    scene.phone.incarnation -= 1;
    let write = offdesk_core::protocol::RegisterWrite {
        key: offdesk_core::protocol::RegisterKey::Draft(scene.document),
        value: offdesk_core::protocol::RegisterContent::Text("late".into()),
        version: 1,
    };
    let incarnation = Incarnation { previous: scene.phone.incarnation, next: scene.phone.incarnation };
    let request = Push { incarnation, number: 1, groups: Vec::new(), registers: vec![write] };
    let (now, pusher) = (scene.office.now, scene.phone.pusher);
    assert!(scene.office.write(move |tx| push(tx, now, &pusher, &request)).is_some());
    assert_eq!(scene.office.count("SELECT count(*) FROM registers"), 0);
    // With a number of its own it is judged.
    scene.phone.pushes = 50;
    accepted(scene.phone.push(&scene.office, vec![late]));
}

/// R10: the race between a request's authentication and its work.
#[test]
fn a_revoked_device_and_a_deactivated_member_push_nothing() {
    let mut scene = scene();
    let (first, second) = (scene.reply(), scene.reply());
    let (directory, _) = scene.office.directory();
    let (workspace, now, mallory) = (scene.office.workspace, scene.office.now, scene.mallory);
    let mut rng = scene.office.rng();
    scene.office.write(move |tx| {
        let off = Action::SetRegister {
            map: offdesk_core::model::action::RegisterMap::Members,
            key: format!("{mallory}.active"),
            value: Some(offdesk_core::model::action::RegisterValue::Bool(false)),
        };
        author(tx, now, &mut rng, workspace, directory, &[off])
    });
    let request = Push {
        incarnation: Incarnation { previous: scene.phone.incarnation, next: scene.phone.incarnation },
        number: 100,
        groups: vec![vec![second]],
        registers: Vec::new(),
    };
    let before = everything(&scene.office);
    let pusher = scene.phone.pusher;
    let refused = scene.office.store.write_blocking(move |tx| push(tx, now, &pusher, &request));
    assert!(matches!(refused, Err(StoreError::Missing("device"))), "{refused:?}");
    assert_eq!(everything(&scene.office), before);
    // The devices went with the member; one that had stayed would do nothing either.
    let device = scene.phone.pusher.device;
    scene.office.write(move |tx| {
        tx.connection().execute("UPDATE devices SET revoked = NULL WHERE id = ?1", [device.as_bytes()])?;
        Ok(())
    });
    scene.refuses(first, RefusalCode::Forbidden);
}
