//! Step 5: the meaning of every operation. What patches would not show is in [`hidden`].

use super::*;
use automerge::{ObjType, ScalarValue};
use offdesk_core::model::{AssignmentKey, conversation::AssignmentReason};

fn opid(id: &automerge::ObjId) -> OpId {
    let automerge::ObjId::Id(counter, actor, _) = id else { panic!("the root") };
    OpId(*counter, actor.clone())
}

/// The operation that made Ana's message.
fn anas_message(scene: &Scene) -> OpId {
    let raw = Automerge::load(&scene.office.held(scene.document, Kind::Conversation).save()).unwrap();
    opid(&raw.get(map(&raw, "messages"), scene.anas.id.to_string()).unwrap().unwrap().1)
}

#[test]
fn a_message_is_neither_changed_nor_deleted() {
    let mut scene = scene();
    let key = scene.anas.id.to_string();
    type Write = fn(&mut Transaction<'_>, &automerge::ObjId, &str);
    let writes: [(Write, RefusalCode); 6] = [
        (|tx, map, key| drop(tx.delete(map, key)), RefusalCode::WrongAction),
        (|tx, map, key| drop(tx.put_object(map, key, ObjType::Map)), RefusalCode::WrongAction),
        (|tx, map, key| drop(tx.put(map, key, "gone")), RefusalCode::UnknownPath),
        (
            |tx, map, key| {
                let entry = tx.get(map, key).unwrap().unwrap().1;
                tx.put(&entry, "text", "No").unwrap();
            },
            RefusalCode::UnknownPath,
        ),
        (
            |tx, map, key| {
                let entry = tx.get(map, key).unwrap().unwrap().1;
                tx.put(&entry, "edited", true).unwrap();
            },
            RefusalCode::UnknownPath,
        ),
        (
            |tx, map, key| {
                let entry = tx.get(map, key).unwrap().unwrap().1;
                tx.delete(&entry, "by").unwrap();
            },
            RefusalCode::UnknownPath,
        ),
    ];
    for (write, expected) in writes {
        let intent = scene.crafted(|tx, _| {
            let messages = map(tx, "messages");
            write(tx, &messages, &key);
        });
        scene.refuses(intent, expected);
    }
    assert_eq!(scene.office.conversation(scene.document).messages[&scene.anas.id].text, "Yes");
}

#[test]
fn closings_stay_as_they_are() {
    let mut scene = scene();
    scene.phone.pull(&scene.office, scene.document, Kind::Conversation);
    accepted(scene.phone.run(&mut scene.office, scene.document, &Verb::Close { seen: None }));
    let closing = scene.office.conversation(scene.document).closings[0].id;
    let delete = scene.crafted(|tx, _| {
        let closings = map(tx, "closings");
        tx.delete(&closings, closing.to_string()).unwrap();
    });
    scene.refuses(delete, RefusalCode::WrongAction);
    let other = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let reopen = scene.actions(|id| vec![Action::Reopen { closing: other, id, by: other_member(), at: Timestamp(1) }]);
    scene.refuses(reopen, RefusalCode::ForgedAuthor);
    let (mallory, at) = (scene.mallory, scene.office.now);
    let reopen = scene.actions(|id| vec![Action::Reopen { closing: other, id, by: mallory, at }]);
    scene.refuses(reopen, RefusalCode::WrongType);
}

fn other_member() -> MemberId {
    MemberId([7; 16])
}

/// Trap: `pred` erases whatever operation it names, wherever that is.
#[test]
fn an_operation_supersedes_only_what_stood_at_its_own_key() {
    let mut scene = scene();
    let victim = anas_message(&scene);
    let tag = |scene: &mut Scene| scene.actions(|_| vec![Action::AddTag { tag: "urgent".into() }]);
    let intent = tweaked(&tag(&mut scene), |change| change.operations[0].pred = vec![victim.clone()].into());
    scene.refuses(intent, RefusalCode::WrongPredecessor);
    let intent = tweaked(&tag(&mut scene), |change| {
        let action = OpType::Delete;
        change.operations.push(op(genesis_map(TAGS), "none", action, vec![victim.clone()]));
    });
    scene.refuses(intent, RefusalCode::WrongPredecessor);
    let intent = tweaked(&tag(&mut scene), |change| {
        change.operations.push(op(genesis_map(TAGS), "none", OpType::Delete, Vec::new()));
    });
    scene.refuses(intent, RefusalCode::WrongPredecessor);
    // A message that erases another while it is written; one of its fields does; one that names itself.
    let intent = tweaked(&scene.reply(), |change| change.operations[0].pred = vec![victim.clone()].into());
    scene.refuses(intent, RefusalCode::WrongPredecessor);
    let intent = tweaked(&scene.reply(), |change| change.operations[1].pred = vec![victim.clone()].into());
    scene.refuses(intent, RefusalCode::WrongAction);
    let intent = tweaked(&scene.reply(), |change| {
        let own = OpId(change.start_op.get(), change.actor_id.clone());
        change.operations[0].pred = vec![own].into();
    });
    assert!(matches!(scene.answer(vec![intent]), Verdict::Rejected(_)));
    // The right one, twice.
    accepted({
        let intent = tag(&mut scene);
        scene.phone.push(&scene.office, vec![intent])
    });
    let removal = scene.actions(|_| vec![Action::RemoveTag { tag: "urgent".into() }]);
    let twice = tweaked(&removal, |change| {
        let pred = change.operations[0].pred.iter().next().unwrap().clone();
        change.operations[0].pred = vec![pred.clone(), pred].into();
    });
    scene.refuses(twice, RefusalCode::WrongPredecessor);
    // None at all, where something stands.
    let again = tweaked(&removal, |change| {
        change.operations[0].action = OpType::Put(ScalarValue::Boolean(true));
        change.operations[0].pred = Vec::new().into();
    });
    scene.refuses(again, RefusalCode::WrongPredecessor);
}

#[test]
fn the_root_and_unknown_places_are_nobodys() {
    let mut scene = scene();
    let put = |object: ObjectId, key: &'static str| op(object, key, OpType::Put(ScalarValue::Str("x".into())), vec![]);
    let genesis = offdesk_core::model::genesis::actor(Kind::Conversation);
    let places = [
        (put(ObjectId::Root, "v"), RefusalCode::UnknownPath),
        (put(ObjectId::Root, "messages"), RefusalCode::UnknownPath),
        (put(ObjectId::Root, "new"), RefusalCode::UnknownPath),
        (put(ObjectId::Root, "conversation"), RefusalCode::WrongAction),
        (put(ObjectId::Root, "contact"), RefusalCode::WrongAction),
        (put(ObjectId::Root, "channel"), RefusalCode::WrongAction),
        (put(genesis_map(8), "later"), RefusalCode::UnknownPath),
        (put(genesis_map(11), "happened"), RefusalCode::UnknownPath),
        (put(genesis_map(12), "mark"), RefusalCode::UnknownPath),
        (put(genesis_map(13), "v"), RefusalCode::UnknownPath),
        // Automerge reads the zeroth operation as the root, and would write it so.
        (put(genesis_map(0), "zero"), RefusalCode::Malformed),
        (put(genesis_map(99), "none"), RefusalCode::UnknownPath),
        (put(ObjectId::Id(OpId(u64::from(u32::MAX), genesis)), "none"), RefusalCode::UnknownPath),
        (put(ObjectId::Id(anas_message(&scene)), "text"), RefusalCode::UnknownPath),
    ];
    for (operation, expected) in places {
        let tag = scene.actions(|_| vec![Action::AddTag { tag: "x".into() }]);
        let intent = tweaked(&tag, |change| change.operations = vec![operation]);
        scene.refuses(intent, expected);
    }
    let list = tweaked(&scene.reply(), |change| change.operations[1].insert = true);
    assert!(matches!(scene.answer(vec![list]), Verdict::Rejected(_)));
    let nothing = tweaked(&scene.reply(), |change| change.operations.clear());
    scene.refuses(nothing, RefusalCode::Malformed);
}

#[test]
fn entries_hold_what_the_schema_says_and_nothing_more() {
    let mut scene = scene();
    let field = |key: &'static str, value: ScalarValue| {
        move |change: &mut ExpandedChange| {
            let operation = change.operations.iter_mut().find(|op| op.key == Key::Map(key.into())).unwrap();
            operation.action = OpType::Put(value);
        }
    };
    let text = |text: &str| ScalarValue::Str(text.into());
    let lower = scene.mallory.to_string().to_lowercase();
    let wrong = [
        ("text", ScalarValue::Int(1), RefusalCode::WrongType),
        ("text", ScalarValue::Null, RefusalCode::WrongType),
        ("text", ScalarValue::Bytes(vec![1]), RefusalCode::WrongType),
        ("text", ScalarValue::counter(1), RefusalCode::WrongType),
        ("text", text(""), RefusalCode::WrongType),
        ("text", text(" \n\t"), RefusalCode::WrongType),
        ("text", ScalarValue::Str("a".repeat(16 * 1024 + 1).into()), RefusalCode::TooLarge),
        ("kind", text("shout"), RefusalCode::WrongType),
        ("kind", text("in"), RefusalCode::ForgedAuthor),
        ("kind", ScalarValue::Uint(1), RefusalCode::WrongType),
        ("at", ScalarValue::Int(5), RefusalCode::WrongType),
        ("at", text("now"), RefusalCode::WrongType),
        ("at", ScalarValue::Timestamp(i64::MAX), RefusalCode::WrongType),
        ("at", ScalarValue::Timestamp(-1), RefusalCode::WrongType),
        ("by", text("Mallory"), RefusalCode::WrongType),
        ("by", text(&lower), RefusalCode::WrongType),
        ("by", ScalarValue::Bytes(scene.mallory.0.to_vec()), RefusalCode::WrongType),
        ("by", text(&scene.ana.to_string()), RefusalCode::ForgedAuthor),
        ("reason", text("because"), RefusalCode::WrongType),
    ];
    for (key, value, expected) in wrong {
        let intent = tweaked(&scene.reply(), field(key, value));
        scene.refuses(intent, expected);
    }
    let own = |change: &ExpandedChange| ObjectId::Id(OpId(change.start_op.get(), change.actor_id.clone()));
    let more: [(OpType, &str, RefusalCode); 4] = [
        (OpType::Put(text("x")), "colour", RefusalCode::UnknownPath),
        (OpType::Put(text("again")), "text", RefusalCode::WrongAction),
        (OpType::Make(ObjType::Map), "nested", RefusalCode::WrongAction),
        (OpType::Delete, "text", RefusalCode::WrongAction),
    ];
    for (action, key, expected) in more {
        let intent = tweaked(&scene.reply(), |change| {
            let operation = op(own(change), key, action, Vec::new());
            change.operations.push(operation);
        });
        scene.refuses(intent, expected);
    }
    for index in 1..5 {
        let intent = tweaked(&scene.reply(), |change| drop(change.operations.remove(index)));
        assert!(matches!(scene.answer(vec![intent]), Verdict::Rejected(_)), "without field {index}");
    }
}

/// Trap: ids have many spellings, keys only one; a second spelling would be a second entry of the same id.
#[test]
fn an_id_in_another_spelling_makes_no_twin() {
    let mut scene = scene();
    let rename = |intent: &PushedIntent, index: usize, key: String| {
        tweaked(intent, |change| change.operations[index].key = Key::Map(key.into()))
    };
    let honest = scene.reply();
    let (id, member) = (honest.id.to_string(), scene.mallory.to_string());
    let keys = [
        (0, id.to_lowercase(), RefusalCode::WrongType),
        (0, scene.anas.id.to_string(), RefusalCode::WrongPredecessor),
        (0, scene.anas.id.to_string().to_lowercase(), RefusalCode::WrongType),
        (0, IntentId([5; 16]).to_string(), RefusalCode::UnknownPath),
        (0, "hello".into(), RefusalCode::WrongType),
        (0, format!("{id}/{id}"), RefusalCode::WrongType),
        (5, format!("{member}/{}", id.to_lowercase()), RefusalCode::WrongType),
        (5, format!("{}/{id}", member.to_lowercase()), RefusalCode::WrongType),
        (5, format!("{member}/{}", scene.anas.id), RefusalCode::UnknownPath),
        (5, member.clone(), RefusalCode::WrongType),
        (5, format!("{member}/{id}/{id}"), RefusalCode::WrongType),
    ];
    for (index, key, expected) in keys {
        let intent = rename(&honest, index, key);
        scene.refuses(intent, expected);
    }
    accepted(scene.phone.push(&scene.office, vec![honest]));
    let closing =
        scene.actions(|id| vec![Action::Close { id, by: scene_member(&member), at: Timestamp(1), seen: None }]);
    accepted(scene.phone.push(&scene.office, vec![closing.clone()]));
    let mallory = scene.mallory;
    let reopen = scene.actions(|id| vec![Action::Reopen { closing: closing.id, id, by: mallory, at: Timestamp(1) }]);
    let lower = format!("{}/{}", closing.id.to_string().to_lowercase(), reopen.id);
    scene.refuses(rename(&reopen, 0, lower), RefusalCode::WrongType);
}

fn scene_member(text: &str) -> MemberId {
    text.parse().unwrap()
}

#[test]
fn keys_are_bounded_and_plain_and_texts_are_free() {
    let mut scene = scene();
    let honest = scene.actions(|_| vec![Action::AddTag { tag: "x".into() }]);
    for (key, expected) in [
        ("a".repeat(1025), RefusalCode::TooLarge),
        (String::new(), RefusalCode::WrongType),
        ("a\0b".into(), RefusalCode::WrongType),
        ("a\u{1b}[31m".into(), RefusalCode::WrongType),
        ("two\nlines".into(), RefusalCode::WrongType),
        (" padded ".into(), RefusalCode::WrongType),
    ] {
        let intent = tweaked(&honest, |change| change.operations[0].key = Key::Map(key.into()));
        scene.refuses(intent, expected);
    }
    for value in [ScalarValue::Boolean(false), ScalarValue::Null, ScalarValue::Int(1), ScalarValue::Str("true".into())]
    {
        let intent = tweaked(&honest, |change| change.operations[0].action = OpType::Put(value));
        scene.refuses(intent, RefusalCode::WrongType);
    }
    for text in ["a\0b\u{1b}[31m\r\n\u{202e}".to_owned(), "é".repeat(8 * 1024)] {
        scene.phone.actors.clear();
        scene.phone.pull(&scene.office, scene.document, Kind::Conversation);
        accepted(scene.phone.run(&mut scene.office, scene.document, &reply(&text)));
        assert!(scene.office.conversation(scene.document).messages.values().any(|message| message.text == text));
    }
}

/// R20, R22: what only the relay writes, and what nobody removes.
#[test]
fn origins_are_the_relays() {
    let mut scene = scene();
    let at = scene.office.now;
    for origin in [offdesk_core::model::Origin::Campaign, offdesk_core::model::Origin::CartRecovery] {
        let intent = scene.actions(|_| vec![Action::AddOrigin { origin, at }]);
        scene.refuses(intent, RefusalCode::ForgedAuthor);
    }
    let delete = scene.crafted(|tx, _| {
        let origins = map(tx, "origins");
        tx.delete(&origins, "direct").unwrap();
    });
    scene.refuses(delete, RefusalCode::WrongAction);
    let unknown = scene.crafted(|tx, _| {
        let origins = map(tx, "origins");
        tx.put(&origins, "referral", ScalarValue::Timestamp(1)).unwrap();
    });
    scene.refuses(unknown, RefusalCode::WrongType);
}

/// Traps: writes that the patches of applying them don't show.
mod hidden {
    use super::*;

    /// A write that loses against a concurrent one is a conflict that nobody sees, until the winner goes.
    #[test]
    fn a_losing_concurrent_write_is_seen() {
        let mut scene = scene();
        let genesis = Document::new(Kind::Conversation);
        for key in ["conversation", "contact", "channel"] {
            let intent = crafted(&mut scene.office, &genesis, scene.document, |tx, _| {
                tx.put(ROOT, key, "sms:+19005550000").unwrap();
            });
            scene.refuses(intent, RefusalCode::WrongAction);
        }
        let key = scene.anas.id.to_string();
        let intent = crafted(&mut scene.office, &genesis, scene.document, |tx, _| {
            let messages = map(tx, "messages");
            let entry = tx.put_object(&messages, &key, ObjType::Map).unwrap();
            tx.put(&entry, "text", "No").unwrap();
        });
        scene.refuses(intent, RefusalCode::WrongAction);
        let intent = crafted(&mut scene.office, &genesis, scene.document, |tx, _| {
            tx.put_object(ROOT, "messages", ObjType::Map).unwrap();
        });
        scene.refuses(intent, RefusalCode::UnknownPath);
    }

    #[test]
    fn a_write_inside_an_object_that_loses_is_seen() {
        let mut scene = scene();
        let intent = scene.crafted(|tx, _| {
            let tags = map(tx, "tags");
            let inner = tx.put_object(&tags, "x", ObjType::Map).unwrap();
            tx.put(&inner, "secret", "text").unwrap();
            tx.put(&tags, "x", true).unwrap();
        });
        scene.refuses(intent, RefusalCode::WrongAction);
        let intent = scene.crafted(|tx, id| {
            let messages = map(tx, "messages");
            let first = tx.put_object(&messages, id.to_string(), ObjType::Map).unwrap();
            tx.put(&first, "text", "hidden").unwrap();
            tx.put_object(&messages, id.to_string(), ObjType::Map).unwrap();
        });
        scene.refuses(intent, RefusalCode::WrongAction);
    }

    #[test]
    fn a_put_that_the_same_change_deletes_is_seen() {
        let mut scene = scene();
        let intent = scene.crafted(|tx, _| {
            let tags = map(tx, "tags");
            tx.put(&tags, "x", true).unwrap();
            tx.delete(&tags, "x").unwrap();
        });
        scene.refuses(intent, RefusalCode::WrongAction);
        let intent = scene.crafted(|tx, id| {
            let messages = map(tx, "messages");
            let entry = tx.put_object(&messages, id.to_string(), ObjType::Map).unwrap();
            tx.put(&entry, "text", "hidden").unwrap();
            tx.delete(&messages, id.to_string()).unwrap();
        });
        scene.refuses(intent, RefusalCode::WrongAction);
    }

    #[test]
    fn a_key_is_touched_once_by_a_change() {
        let mut scene = scene();
        let tag = scene.actions(|_| vec![Action::AddTag { tag: "x".into() }]);
        let twice = tweaked(&tag, |change| change.operations.push(change.operations[0].clone()));
        scene.refuses(twice, RefusalCode::WrongAction);
        let twice = tweaked(&scene.reply(), |change| change.operations.push(change.operations[0].clone()));
        scene.refuses(twice, RefusalCode::WrongAction);
    }

    /// R20: an assignment that somebody else made can be removed, not rewritten.
    #[test]
    fn an_assignment_is_not_rewritten() {
        let mut scene = scene();
        let key = scene.office.conversation(scene.document).assignments[0].key;
        let other = scene.mallory.to_string();
        let intent = scene.crafted(|tx, _| {
            let assignments = map(tx, "assignments");
            let entry = tx.get(&assignments, key.to_string()).unwrap().unwrap().1;
            tx.put(&entry, "by", other).unwrap();
        });
        scene.refuses(intent, RefusalCode::UnknownPath);
        let (mallory, at) = (scene.mallory, scene.office.now);
        let intent = scene.actions(|_| {
            let key = AssignmentKey { member: mallory, intent: key.intent };
            vec![Action::Assign { key, by: Some(mallory), reason: AssignmentReason::Manual, at }]
        });
        scene.refuses(intent, RefusalCode::UnknownPath);
    }
}
