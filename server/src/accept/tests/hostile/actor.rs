//! Step 4: actors. A squatted or reused (actor, seq) would brick every replica.

use super::*;
use offdesk_core::model::genesis;

#[test]
fn another_devices_actor_can_not_be_continued() {
    let mut scene = scene();
    let anas = parse_change(&scene.anas.change).unwrap();
    let squatted = tweaked(&scene.reply(), |change| {
        change.actor_id = anas.actor_id().clone();
        change.seq = 2;
    });
    scene.refuses(squatted, RefusalCode::ForeignActor);
    // Nor by another device of the same member.
    let mut second = scene.office.phone(scene.ana);
    second.actors.insert(scene.document, anas.actor_id().clone());
    second.pull(&scene.office, scene.document, Kind::Conversation);
    let intent = second.intent(&mut scene.office, scene.document, &reply("Mine too"));
    assert_eq!(code(second.push(&scene.office, vec![intent])), RefusalCode::ForeignActor);
}

#[test]
fn a_sequence_is_neither_reused_nor_skipped() {
    let mut scene = scene();
    let first = scene.reply();
    let actor = parse_change(&first.change).unwrap().actor_id().clone();
    accepted(scene.phone.push(&scene.office, vec![first]));
    for seq in [0, 1, 3, u64::from(u32::MAX), u64::MAX] {
        let Ok(intent) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            tweaked(&scene.reply(), |change| {
                change.actor_id = actor.clone();
                change.seq = seq;
            })
        })) else {
            continue;
        };
        scene.refuses(intent, RefusalCode::ActorSequence);
    }
    // A fresh actor begins with 1.
    let intent = tweaked(&scene.reply(), |change| change.seq = 2);
    scene.refuses(intent, RefusalCode::ActorSequence);
}

/// A change of an actor follows its last one: a branch of its own would be a second author under one name.
#[test]
fn a_change_follows_its_actors_last_one() {
    let mut scene = scene();
    let base = scene.office.held(scene.document, Kind::Conversation);
    let first = scene.reply();
    let actor = parse_change(&first.change).unwrap().actor_id().clone();
    accepted(scene.phone.push(&scene.office, vec![first]));
    let aside = crafted(&mut scene.office, &base, scene.document, |tx, _| {
        let tags = map(tx, "tags");
        tx.put(&tags, "aside", true).unwrap();
    });
    let aside = tweaked(&aside, |change| {
        change.actor_id = actor;
        change.seq = 2;
    });
    scene.refuses(aside, RefusalCode::ActorSequence);
}

#[test]
fn the_geneses_and_the_relays_actors_are_nobodys() {
    let mut scene = scene();
    let relay = {
        let held = scene.office.held(scene.document, Kind::Conversation);
        held.changes()[0].actor_id().clone()
    };
    let next_epoch = crate::accept::relay_changes::relay_actor(2, scene.document);
    for actor in [genesis::actor(Kind::Conversation), genesis::actor(Kind::Contact), relay, next_epoch] {
        for seq in [1, 2, 3, 4] {
            let intent = tweaked(&scene.reply(), |change| {
                change.actor_id = actor.clone();
                change.seq = seq;
            });
            scene.refuses(intent, RefusalCode::ForeignActor);
        }
    }
    // The very bytes of the genesis are no intent's.
    let genesis = genesis::change(Kind::Conversation);
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let intent = pushed(id, scene.document, Kind::Conversation, &genesis);
    scene.refuses(intent, RefusalCode::Malformed);
}

#[test]
fn the_operation_counter_neither_jumps_nor_runs_backwards() {
    let mut scene = scene();
    let honest = scene.reply();
    let start = parse_change(&honest.change).unwrap().start_op().get();
    for wrong in [1, start - 1, start + 1, start + 1000, u64::from(u32::MAX)] {
        let intent = tweaked(&honest, |change| change.start_op = wrong.try_into().unwrap());
        scene.refuses(intent, RefusalCode::OperationCounter);
    }
    accepted(scene.phone.push(&scene.office, vec![honest]));
}
