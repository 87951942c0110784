//! Step 1: bytes.

use super::*;
use automerge::{ObjType, ScalarValue};
use offdesk_core::model::inspect::MAX_CHANGE_BYTES;

fn with_bytes(intent: &PushedIntent, bytes: Vec<u8>) -> PushedIntent {
    PushedIntent { change: ByteBuf::from(bytes), ..intent.clone() }
}

/// A chunk of this body with a checksum that fits.
fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut hashed = vec![kind];
    hashed.extend(leb(body.len()));
    hashed.extend_from_slice(body);
    let sum = Sha256::digest(&hashed);
    [&[0x85, 0x6f, 0x4a, 0x83], &sum[..4], &hashed].concat()
}

/// The header of a change up to its columns, as its own bytes have it.
fn body_of(intent: &PushedIntent) -> Vec<u8> {
    let mut at = 9;
    while intent.change[at] & 0x80 != 0 {
        at += 1;
    }
    intent.change[at + 1..].to_vec()
}

fn number(bytes: &[u8], at: &mut usize) -> usize {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// The body with one of its columns in another encoding, everything else fitting.
fn with_column(body: &[u8], spec: usize, column: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    at += 32 * number(body, &mut at);
    at += number(body, &mut at);
    for _ in 0..3 {
        number(body, &mut at);
    }
    at += number(body, &mut at);
    for _ in 0..number(body, &mut at) {
        at += number(body, &mut at);
    }
    let header = body[..at].to_vec();
    let count = number(body, &mut at);
    let columns: Vec<(usize, usize)> = (0..count).map(|_| (number(body, &mut at), number(body, &mut at))).collect();
    let (mut metadata, mut data, mut column) = (leb(count), Vec::new(), Some(column));
    for (found, length) in columns {
        let bytes = &body[at..at + length];
        at += length;
        let bytes = if found == spec { column.take().unwrap()(bytes) } else { bytes.to_vec() };
        metadata.extend([leb(found), leb(bytes.len())].concat());
        data.extend(bytes);
    }
    assert!(column.is_none(), "no such column");
    [header, metadata, data].concat()
}

/// The column of the operations' actions, and that of their keys.
const ACTIONS: usize = 0x42;
const KEYS: usize = 0x15;

fn bomb(scene: &mut Scene) -> PushedIntent {
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let mut raw = Automerge::new();
    let mut tx = raw.transaction();
    tx.put(ROOT, "text", "a".repeat(5_000_000)).unwrap();
    tx.commit_with(CommitOptions::default().with_message(id.to_string()));
    let mut change = raw.get_last_local_change().unwrap();
    let bytes = change.bytes().to_vec();
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    with_bytes(&pushed(id, scene.document, Kind::Conversation, &change), bytes)
}

/// Trap: 5 kB that inflate to 5 MB.
#[test]
fn a_deflated_bomb_is_not_inflated() {
    let mut scene = scene();
    let bomb = bomb(&mut scene);
    scene.refuses(bomb, RefusalCode::TooLarge);
}

/// Trap: the answer to an overtaken push looks for stored verdicts; it must not inflate what the first look refuses.
#[test]
fn an_overtaken_push_inflates_nothing_either() {
    let mut scene = scene();
    let bomb = bomb(&mut scene);
    let real = scene.reply();
    let deflated = {
        let mut change =
            parse_change(&tweaked(&real, |change| change.message = Some("x".repeat(2000))).change).unwrap();
        with_bytes(&real, change.bytes().to_vec())
    };
    accepted(scene.phone.push(&scene.office, vec![real]));
    // A verdict is stored under the very hash that the deflated change has: an inflating look would find it.
    let hash = parse_change(&deflated.change).unwrap().hash().0;
    let (document, device) = (scene.document, scene.phone.pusher.device);
    scene.office.write(move |tx| {
        tx.connection().execute(
            "UPDATE verdicts SET hash = ?1 WHERE document = ?2 AND device = ?3",
            params![hash, document.as_bytes(), device.as_bytes()],
        )?;
        Ok(())
    });
    scene.phone.pushes = 0;
    assert!(matches!(scene.answer(vec![deflated, bomb]), Verdict::RetryAfter(_)));
}

#[test]
fn an_oversized_change_is_refused_before_parsing() {
    let mut scene = scene();
    let intent = scene.actions(|id| {
        (0..80)
            .map(|n| Action::AddTag { tag: format!("{n}{}", "a".repeat(1000)) })
            .chain([Action::AddTag { tag: id.to_string() }])
            .collect()
    });
    assert!(intent.change.len() > MAX_CHANGE_BYTES);
    scene.refuses(intent, RefusalCode::TooLarge);
}

/// Trap: a run of operations takes no bytes of its own.
#[test]
fn a_run_length_bomb_is_refused_before_parsing() {
    let mut scene = scene();
    let honest = scene.reply();
    let body = body_of(&honest);
    // 2^40 puts: a signed count, then the action. And as many absent actions, keys.
    let run = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    for (column, tail) in [(ACTIONS, vec![1]), (KEYS, vec![1, b'k'])] {
        let bombed = with_column(&body, column, |_| [&run[..], &tail[..]].concat());
        scene.refuses(with_bytes(&honest, chunk(1, &bombed)), RefusalCode::TooLarge);
        let absent = with_column(&body, column, |_| [&[0x00], &run[..]].concat());
        scene.refuses(with_bytes(&honest, chunk(1, &absent)), RefusalCode::TooLarge);
        // A literal run that is longer than its bytes.
        let longer = with_column(&body, column, |_| vec![0x81, 0x7f, 1]);
        scene.refuses(with_bytes(&honest, chunk(1, &longer)), RefusalCode::Malformed);
    }
}

#[test]
fn more_operations_than_a_change_may_hold_are_refused() {
    let mut scene = scene();
    let intent = scene.actions(|_| (0..1025).map(|n| Action::AddTag { tag: format!("{n}") }).collect());
    assert!(intent.change.len() < MAX_CHANGE_BYTES);
    scene.refuses(intent, RefusalCode::TooLarge);
}

#[test]
fn truncated_and_garbled_bytes_are_refused() {
    let mut scene = scene();
    let honest = scene.reply();
    // No bytes at all are a question, which changes nothing.
    let asked = scene.answer(vec![with_bytes(&honest, Vec::new())]);
    assert!(matches!(asked, Verdict::MissingDeps(_)), "{asked:?}");
    for length in [1, 3, 8, 9, 20, honest.change.len() / 2, honest.change.len() - 1] {
        let verdict = scene.answer(vec![with_bytes(&honest, honest.change[..length].to_vec())]);
        assert_eq!(code(verdict), RefusalCode::Malformed, "{length} bytes");
    }
    for at in 0..honest.change.len() {
        let mut bytes = honest.change.to_vec();
        bytes[at] ^= 0x55;
        let verdict = scene.answer(vec![with_bytes(&honest, bytes)]);
        assert!(matches!(verdict, Verdict::Rejected(_)), "byte {at}: {verdict:?}");
    }
    let longer = [honest.change.to_vec(), vec![0]].concat();
    scene.refuses(with_bytes(&honest, longer), RefusalCode::Malformed);
    // It was never its content that was wrong.
    accepted(scene.phone.push(&scene.office, vec![honest]));
}

/// As above with checksums that fit, so that the parser gets to see the damage.
#[test]
fn damage_under_a_checksum_that_fits_is_refused_or_harmless() {
    let mut scene = scene();
    let honest = scene.reply();
    let body = body_of(&honest);
    for at in 0..body.len() {
        for flip in [1u8, 0x40, 0x80, 0xff] {
            let mut body = body.clone();
            body[at] ^= flip;
            let verdict = scene.phone.push(&scene.office, vec![with_bytes(&honest, chunk(1, &body))]);
            let conversation = scene.office.conversation(scene.document);
            if matches!(verdict, Verdict::Accepted(_)) {
                // A letter of the text or a time: it is the author's to choose. Undo it by a new scene.
                assert!(conversation.messages[&honest.id].by == Some(scene.mallory));
                let held = scene.office.held(scene.document, Kind::Conversation);
                assert_eq!(Document::load(Kind::Conversation, &held.save()).unwrap().heads(), held.heads());
                return_to_before(&mut scene, &honest);
            } else {
                assert!(!conversation.messages.contains_key(&honest.id), "byte {at}: {verdict:?}");
            }
        }
    }
}

/// Takes the last acceptance back, as if the relay's disk had been set back.
fn return_to_before(scene: &mut Scene, intent: &PushedIntent) {
    let (id, document) = (intent.id, scene.document);
    scene.office.write(move |tx| {
        for table in ["changes", "intents", "verdicts"] {
            tx.connection().execute(&format!("DELETE FROM {table} WHERE intent = ?1"), [id.as_bytes()])?;
        }
        tx.connection().execute("DELETE FROM ledger WHERE message = ?1", [id.as_bytes()])?;
        // The saved document holds it too.
        tx.connection().execute("DELETE FROM snapshots WHERE document = ?1", [document.as_bytes()])?;
        tx.connection().execute(
            "DELETE FROM actors WHERE document = ?1 AND hash NOT IN (SELECT hash FROM changes)",
            [document.as_bytes()],
        )?;
        tx.cache.clear();
        Ok(())
    });
}

/// Counters, lists, texts and marks have no place in our documents.
#[test]
fn actions_that_no_document_uses_are_refused_before_parsing() {
    let mut scene = scene();
    type Write = fn(&mut Transaction<'_>, IntentId);
    let writes: [Write; 5] = [
        |tx, _| {
            let tags = map(tx, "tags");
            tx.put_object(&tags, "list", ObjType::List).unwrap();
        },
        |tx, _| {
            let tags = map(tx, "tags");
            tx.put_object(&tags, "text", ObjType::Text).unwrap();
        },
        |tx, _| {
            let tags = map(tx, "tags");
            let list = tx.put_object(&tags, "list", ObjType::List).unwrap();
            tx.insert(&list, 0, 1).unwrap();
        },
        |tx, _| {
            let tags = map(tx, "tags");
            tx.put(&tags, "n", ScalarValue::counter(1)).unwrap();
            tx.increment(&tags, "n", 5).unwrap();
        },
        |tx, _| {
            let tags = map(tx, "tags");
            let text = tx.put_object(&tags, "text", ObjType::Text).unwrap();
            tx.splice_text(&text, 0, 0, "hello").unwrap();
            let mark = automerge::marks::Mark::new("bold".into(), true, 0, 5);
            tx.mark(&text, mark, automerge::marks::ExpandMark::Both).unwrap();
        },
    ];
    for write in writes {
        let intent = scene.crafted(write);
        scene.refuses(intent, RefusalCode::WrongAction);
    }
    // An action that Automerge doesn't know, which would make its decoder panic.
    let honest = scene.reply();
    let body = with_column(&body_of(&honest), ACTIONS, |_| vec![9, 99]);
    scene.refuses(with_bytes(&honest, chunk(1, &body)), RefusalCode::WrongAction);
}

#[test]
fn a_change_carries_its_intents_id_and_nothing_else() {
    let mut scene = scene();
    let honest = scene.reply();
    for message in [None, Some(String::new()), Some("hello".into()), Some(honest.id.to_string().to_lowercase())] {
        let intent = tweaked(&honest, |change| change.message = message);
        scene.refuses(intent, RefusalCode::Malformed);
    }
    let more = tweaked(&honest, |change| change.extra_bytes = vec![1, 2, 3]);
    scene.refuses(more, RefusalCode::Malformed);
    let other = PushedIntent { id: IntentId::generate(scene.office.now, &mut scene.office.rng), ..honest };
    scene.refuses(other, RefusalCode::Malformed);
}

/// Why: Automerge takes the change, and can't load what it saved.
fn bricks(scene: &Scene, intent: &PushedIntent) {
    let mut raw = Automerge::load(&scene.office.held(scene.document, Kind::Conversation).save()).unwrap();
    raw.apply_changes([parse_change(&intent.change).unwrap()]).unwrap();
    assert!(Automerge::load(&raw.save()).is_err());
}

/// A saved document holds contents and no bytes: a change whose bytes its contents don't give back makes the saved
/// document unreadable, and with it everything that anybody wrote in it.
#[test]
fn an_encoding_that_saving_would_change_is_refused() {
    let mut scene = scene();
    let honest = scene.reply();
    // Nine actions one by one instead of in runs.
    let spelt = with_column(&body_of(&honest), ACTIONS, |_| vec![0x77, 0, 1, 1, 1, 1, 0, 1, 1, 1]);
    let spelt = with_bytes(&honest, chunk(1, &spelt));
    bricks(&scene, &spelt);
    scene.refuses(spelt, RefusalCode::Malformed);
    // The same dependency twice.
    let twice = tweaked(&honest, |change| change.deps.push(change.deps[0]));
    scene.refuses(twice, RefusalCode::Malformed);
    // Times whose differences can't be held.
    for time in [-1, i64::MIN, i64::MAX] {
        let intent = tweaked(&honest, |change| change.time = time);
        scene.refuses(intent, RefusalCode::Malformed);
    }
}
