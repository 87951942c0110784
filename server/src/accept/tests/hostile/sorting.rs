//! What conversations are sorted by, notes that call members, replies that are sent later, origins: steps 5 and 6.

use super::*;
use automerge::{ObjType, ScalarValue};
use offdesk_core::{
    ids::QueueId,
    model::{MessageKind, NewMessage, Origin, Priority, Queue},
};

const FIELDS: u64 = 10;
/// A year and a day more, in milliseconds.
const TOO_FAR: i64 = 367 * 24 * 60 * 60 * 1000;

fn me_and_now(scene: &Scene) -> (MemberId, Timestamp) {
    (scene.mallory, scene.office.now)
}

fn snooze(scene: &mut Scene, change: impl FnOnce(&mut Action)) -> PushedIntent {
    let (by, at) = me_and_now(scene);
    scene.actions(|id| {
        let mut action = Action::Snooze { id, by, at, until: Timestamp(at.millis() + 1000), seen: None };
        change(&mut action);
        vec![action]
    })
}

/// R20: a snooze is one's own, under one's own intent, and stays as it was written.
#[test]
fn snoozes_are_ones_own_and_stay() {
    let mut scene = scene();
    let ana = scene.ana;
    let forged = snooze(&mut scene, |action| {
        if let Action::Snooze { by, .. } = action {
            *by = ana
        }
    });
    scene.refuses(forged, RefusalCode::ForgedAuthor);
    let other = IntentId([5; 16]);
    let foreign = snooze(&mut scene, |action| {
        if let Action::Snooze { id, .. } = action {
            *id = other
        }
    });
    scene.refuses(foreign, RefusalCode::UnknownPath);
    let far = snooze(&mut scene, |action| {
        if let Action::Snooze { until, .. } = action {
            until.0 += TOO_FAR
        }
    });
    scene.refuses(far, RefusalCode::WrongType);
    let (by, at) = me_and_now(&scene);
    let nothing = scene.actions(|id| vec![Action::Wake { snooze: other, id, by, at }]);
    scene.refuses(nothing, RefusalCode::WrongType);
    let timeless = tweaked(&snooze(&mut scene, |_| ()), |change| {
        let until = change.operations.iter().position(|op| op.key == Key::Map("until".into())).unwrap();
        change.operations[until].action = OpType::Put(ScalarValue::Int(5));
    });
    scene.refuses(timeless, RefusalCode::WrongType);
    let scalar = tweaked(&snooze(&mut scene, |_| ()), |change| {
        change.operations.truncate(1);
        change.operations[0].action = OpType::Put(ScalarValue::Boolean(true));
    });
    scene.refuses(scalar, RefusalCode::UnknownPath);
    let standing = snooze(&mut scene, |_| ());
    accepted(scene.phone.push(&scene.office, vec![standing.clone()]));
    for write in [
        |tx: &mut Transaction<'_>, map: &automerge::ObjId, key: &str| drop(tx.delete(map, key)),
        |tx: &mut Transaction<'_>, map: &automerge::ObjId, key: &str| drop(tx.put_object(map, key, ObjType::Map)),
    ] {
        let intent = scene.crafted(|tx, _| {
            let snoozes = map(tx, "snoozes");
            write(tx, &snoozes, &standing.id.to_string());
        });
        scene.refuses(intent, RefusalCode::WrongAction);
    }
    let wake = |scene: &mut Scene, by| {
        let at = scene.office.now;
        scene.actions(|id| vec![Action::Wake { snooze: standing.id, id, by, at }])
    };
    let forged = wake(&mut scene, ana);
    scene.refuses(forged, RefusalCode::ForgedAuthor);
    let woken = wake(&mut scene, by);
    accepted(scene.phone.push(&scene.office, vec![woken]));
    let sorting = scene.office.conversation(scene.document).sorting;
    assert_eq!((sorting.snoozes.len(), sorting.standing_snoozes().count()), (1, 0));
}

/// R20: a snooze ends at an inbound message that it doesn't know of.
#[test]
fn a_snooze_ends_when_the_contact_writes() {
    let mut scene = scene();
    let hello = *scene.office.conversation(scene.document).messages.keys().next().unwrap();
    let knowing = snooze(&mut scene, |action| {
        if let Action::Snooze { seen, .. } = action {
            *seen = Some(hello)
        }
    });
    accepted(scene.phone.push(&scene.office, vec![knowing]));
    assert!(scene.office.conversation(scene.document).snooze(Some(hello)).is_some());
    scene.office.sms("+14155552671", "Still there?");
    let conversation = scene.office.conversation(scene.document);
    let last = *conversation.messages.iter().rfind(|(_, message)| message.kind == MessageKind::Inbound).unwrap().0;
    assert!(conversation.snooze(Some(last)).is_none());
}

/// R26, R36: priorities there are, queues that are open, and nothing else in the fields.
#[test]
fn fields_hold_what_the_schema_says() {
    let mut scene = scene();
    let (archived, open) = (QueueId([1; 16]), QueueId([2; 16]));
    for (id, archived) in [(archived, true), (open, false)] {
        scene.office.queue(id, &Queue { name: "Sales".into(), archived, ..Queue::default() });
    }
    for queue in [archived, QueueId([3; 16])] {
        let intent = scene.actions(|_| vec![Action::SetQueue { queue: Some(queue) }]);
        scene.refuses(intent, RefusalCode::UnknownQueue);
    }
    let detail = scene.actions(|_| vec![Action::SetDetail { name: "campaign.name".into(), value: Some("x".into()) }]);
    scene.refuses(detail, RefusalCode::ForgedAuthor);
    let text = |key: &'static str, value: &str| {
        op(genesis_at(FIELDS), key, OpType::Put(ScalarValue::Str(value.into())), vec![])
    };
    let wrong = [
        (text("priority", "highest"), RefusalCode::WrongType),
        (text("priority", ""), RefusalCode::WrongType),
        (text("queue", "sales"), RefusalCode::WrongType),
        (text("queue", &open.to_string().to_lowercase()), RefusalCode::WrongType),
        (text("handler", "ai"), RefusalCode::UnknownPath),
        (text("campaign", "x"), RefusalCode::UnknownPath),
        (text("campaign.", "x"), RefusalCode::UnknownPath),
        (text("other.name", "x"), RefusalCode::UnknownPath),
        (op(genesis_at(FIELDS), "priority", OpType::Put(ScalarValue::Int(1)), vec![]), RefusalCode::WrongType),
    ];
    for (operation, expected) in wrong {
        let tag = scene.actions(|_| vec![Action::AddTag { tag: "x".into() }]);
        scene.refuses(tweaked(&tag, |change| change.operations = vec![operation.clone()]), expected);
    }
    let right = [Action::SetPriority { priority: Priority::Urgent }, Action::SetQueue { queue: Some(open) }];
    let intent = scene.actions(|_| right.to_vec());
    accepted(scene.phone.push(&scene.office, vec![intent]));
    let unset = scene.crafted(|tx, _| {
        let fields = map(tx, "fields");
        tx.delete(&fields, "priority").unwrap();
    });
    scene.refuses(unset, RefusalCode::WrongAction);
    let none = scene.actions(|_| vec![Action::SetQueue { queue: None }]);
    accepted(scene.phone.push(&scene.office, vec![none]));
    let sorting = scene.office.conversation(scene.document).sorting;
    assert_eq!((sorting.priority, sorting.queue), (Priority::Urgent, None));
}

/// R7: who only reads sorts nothing.
#[test]
fn a_reader_sorts_nothing() {
    let mut scene = scene();
    let reader = scene.office.member("Rita", READER);
    scene.phone = scene.office.phone(reader);
    scene.mallory = reader;
    let intent = snooze(&mut scene, |_| ());
    scene.refuses(intent, RefusalCode::Forbidden);
    let sorted = [
        Action::SetPriority { priority: Priority::Low },
        Action::SetQueue { queue: None },
        Action::Wake { snooze: IntentId([1; 16]), id: IntentId([2; 16]), by: reader, at: Timestamp(1) },
    ];
    for action in sorted {
        let intent = scene.actions(|own| {
            vec![match action.clone() {
                Action::Wake { snooze, by, at, .. } => Action::Wake { snooze, id: own, by, at },
                // Nothing stands there that could be taken away.
                Action::SetQueue { .. } => Action::SetQueue { queue: Some(QueueId([1; 16])) },
                action => action,
            }]
        });
        scene.refuses(intent, RefusalCode::Forbidden);
    }
}

fn message(scene: &mut Scene, kind: MessageKind, change: impl FnOnce(&mut NewMessage)) -> PushedIntent {
    let (by, at) = me_and_now(scene);
    scene.actions(|id| {
        let mut message = NewMessage::new(kind, Some(by), "Hi".into(), at);
        change(&mut message);
        let mut actions = vec![Action::AddMessage { id, message }];
        if kind == MessageKind::Outbound {
            let key = offdesk_core::model::AssignmentKey { member: by, intent: id };
            let reason = offdesk_core::model::conversation::AssignmentReason::Reply;
            actions.push(Action::Assign { key, by: Some(by), reason, at });
        }
        actions
    })
}

/// R26: a note calls members of the workspace, in one spelling; nothing else does.
#[test]
fn only_notes_mention_and_only_members() {
    let mut scene = scene();
    let ana = scene.ana;
    let strangers = message(&mut scene, MessageKind::Note, |note| note.mentions = [MemberId([9; 16])].into());
    scene.refuses(strangers, RefusalCode::WrongType);
    let outbound = message(&mut scene, MessageKind::Outbound, |reply| reply.mentions = [ana].into());
    scene.refuses(outbound, RefusalCode::WrongType);
    let many = (0..33).map(|n| MemberId([n; 16])).collect();
    let crowd = message(&mut scene, MessageKind::Note, |note| note.mentions = many);
    scene.refuses(crowd, RefusalCode::TooLarge);
    let me = scene.mallory;
    let (low, high) = (ana.min(me), ana.max(me));
    let honest = message(&mut scene, MessageKind::Note, |note| note.mentions = [ana, me].into());
    let spellings = [
        String::new(),
        format!("{low} {low}"),
        format!("{high} {low}"),
        format!("{low}  {high}"),
        format!(" {low}"),
        low.to_string().to_lowercase(),
    ];
    for spelling in spellings {
        let odd = tweaked(&honest, |change| {
            let at = change.operations.iter().position(|op| op.key == Key::Map("mentions".into())).unwrap();
            change.operations[at].action = OpType::Put(ScalarValue::Str(spelling.as_str().into()));
        });
        scene.refuses(odd, RefusalCode::WrongType);
    }
    accepted(scene.phone.push(&scene.office, vec![honest]));
}

/// R26: only what goes to the contact is sent later, and not after more than a year.
#[test]
fn only_replies_are_sent_later() {
    let mut scene = scene();
    let now = scene.office.now.millis();
    let note = message(&mut scene, MessageKind::Note, |note| note.later = Some(Timestamp(now + 1)));
    scene.refuses(note, RefusalCode::WrongType);
    let far = message(&mut scene, MessageKind::Outbound, |reply| reply.later = Some(Timestamp(now + TOO_FAR)));
    scene.refuses(far, RefusalCode::WrongType);
    let never = message(&mut scene, MessageKind::Outbound, |reply| reply.later = Some(Timestamp(i64::MAX)));
    scene.refuses(never, RefusalCode::WrongType);
}

/// R33: a reply without what its author had seen would pass the stale-reply guard whatever was said meanwhile.
#[test]
fn a_reply_says_what_its_author_had_seen() {
    let mut scene = scene();
    let reply = PushedIntent { seen: None, ..scene.reply() };
    scene.refuses(reply, RefusalCode::Malformed);
}

/// R22, R41: marked later, with whatever time its author claims, "direct" would come before every campaign.
#[test]
fn a_member_marks_direct_only_with_what_they_open() {
    let mut scene = scene();
    for at in [Timestamp(1), Timestamp(253_402_300_799_999)] {
        let marked = scene.actions(|_| vec![Action::AddOrigin { origin: Origin::Direct, at }]);
        scene.refuses(marked, RefusalCode::ForgedAuthor);
    }
}

fn genesis_at(number: u64) -> ObjectId {
    genesis_map(number)
}
