#![allow(clippy::unwrap_used, clippy::panic)]

use automerge::{ActorId, AutoCommit, ObjType, ROOT, ScalarValue, transaction::Transactable};
use proptest::prelude::*;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::*;

/// All that a frame can be made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
enum Any {
    Nothing(Option<()>),
    Yes(bool),
    Number(u64),
    Signed(i64),
    Float(f32),
    Double(f64),
    Text(String),
    Bytes(ByteBuf),
    List(Vec<Any>),
    Map(std::collections::BTreeMap<String, Any>),
    Pairs(std::collections::BTreeMap<u32, Any>),
}

fn id_text() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|id| ulid::Ulid(id).to_string())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "[a-z]{0,3}",
        id_text(),
        id_text().prop_map(|id| id.to_lowercase()),
        (id_text(), id_text()).prop_map(|(one, other)| format!("{one}/{other}")),
        (id_text(), id_text()).prop_map(|(one, other)| format!("{one}-{other}")),
        "[a-z]{70000}",
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40),
        2 => prop::collection::vec(0u8..3, 16),
        2 => prop::collection::vec(0u8..3, 32),
        2 => chunk(),
        1 => prop::collection::vec(any::<u64>(), 0..20).prop_map(|numbers| rmp_serde::to_vec(&numbers).unwrap()),
    ]
}

/// A saved document, one of its changes, or either with a byte changed.
fn chunk() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec((text(), text(), any::<i64>(), any::<u8>()), 1..6), any::<bool>(), any::<Option<u16>>())
        .prop_map(|(entries, whole, damage)| {
            let mut document = AutoCommit::new().with_actor(ActorId::from([7; 16]));
            for (key, value, time, byte) in entries {
                let Ok(entry) = document.put_object(ROOT, format!("k{key}"), ObjType::Map) else { continue };
                document.put(&entry, "text", value).unwrap();
                document.put(&entry, "at", ScalarValue::Timestamp(time)).unwrap();
                document.put(&entry, "flag", byte > 9).unwrap();
                document.put(&entry, "bytes", vec![byte; usize::from(byte % 5)]).unwrap();
                document.put(&entry, "number", i64::from(byte)).unwrap();
                document.commit();
            }
            let mut bytes = if whole {
                document.save_nocompress()
            } else {
                document.get_changes(&[]).last().unwrap().raw_bytes().to_vec()
            };
            if let Some(place) = damage.filter(|place| place % 3 == 0) {
                let place = usize::from(place) % bytes.len();
                bytes[place] ^= 1;
            }
            bytes
        })
}

fn any_value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Nothing(None)),
        any::<bool>().prop_map(Any::Yes),
        (any::<u64>(), 0u32..64).prop_map(|(number, shift)| Any::Number(number >> shift)),
        (any::<i64>(), 0u32..64).prop_map(|(number, shift)| Any::Signed(number >> shift)),
        any::<f32>().prop_map(Any::Float),
        any::<f64>().prop_map(Any::Double),
        text().prop_map(Any::Text),
        bytes().prop_map(|bytes| Any::Bytes(ByteBuf::from(bytes))),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Any::List),
            prop::collection::btree_map(text(), inner.clone(), 0..6).prop_map(Any::Map),
            prop::collection::btree_map(any::<u32>(), inner, 0..4).prop_map(Any::Pairs),
        ]
    })
}

fn unpacked(batch: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Damaged> {
    let mut frames = Vec::new();
    unpack(batch, &mut Dictionary::default(), most, |frame| frames.push(frame.to_vec()))?;
    Ok(frames)
}

proptest! {
    #[test]
    fn what_is_packed_comes_back_byte_by_byte(values in prop::collection::vec(any_value(), 0..5)) {
        let frames: Vec<Vec<u8>> = values.iter().map(|value| rmp_serde::to_vec_named(value).unwrap()).collect();
        let batch = pack(frames.iter().map(Vec::as_slice), &mut Dictionary::default()).unwrap();
        let total: usize = frames.iter().map(Vec::len).sum();
        prop_assert_eq!(unpacked(&batch, total).unwrap(), frames);
        if total > 0 {
            prop_assert!(unpacked(&batch, total - 1).is_err());
        }
    }

    #[test]
    fn a_damaged_batch_is_an_error_or_something_else(
        values in prop::collection::vec(any_value(), 1..3),
        damage in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let frames: Vec<Vec<u8>> = values.iter().map(|value| rmp_serde::to_vec_named(value).unwrap()).collect();
        let mut batch = pack(frames.iter().map(Vec::as_slice), &mut Dictionary::default()).unwrap();
        for (place, byte) in damage {
            let place = usize::from(place) % batch.len();
            batch[place] = byte;
        }
        if let Ok(frames) = unpacked(&batch, 1 << 20) {
            prop_assert!(frames.iter().map(Vec::len).sum::<usize>() <= 1 << 20);
        }
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = unpacked(&bytes, 1 << 16);
        if let Some(batch) = pack([&bytes[..]], &mut Dictionary::default()) {
            prop_assert_eq!(unpacked(&batch, bytes.len()).unwrap(), [bytes]);
        }
    }
}

/// What another program writes longer than needed can't be given back, and is not packed.
#[test]
fn only_the_shortest_form_is_packed() {
    assert!(pack([&[0x05][..]], &mut Dictionary::default()).is_some());
    assert!(pack([&[0xcc, 0x05][..]], &mut Dictionary::default()).is_none());
    assert!(pack([&[0xd9, 1, b'a'][..]], &mut Dictionary::default()).is_none());
    assert!(pack([&[0xd0, 5][..]], &mut Dictionary::default()).is_none());
    assert!(pack([&[0x05, 0x05][..]], &mut Dictionary::default()).is_none());
}

/// Bytes inside bytes inside bytes don't make it deep.
#[test]
fn nested_bytes_are_looked_into_once() {
    let mut value = vec![0x91, 0x05];
    for _ in 0..2000 {
        value = rmp_serde::to_vec(&[ByteBuf::from(value)]).unwrap();
    }
    let batch = pack([&value[..]], &mut Dictionary::default()).unwrap();
    assert_eq!(unpacked(&batch, value.len()).unwrap(), [value]);
}

/// A dictionary outlives its batch: what the first one brought is named by its place in the second.
#[test]
fn words_are_remembered() {
    let text = rmp_serde::to_vec("a rather longer sentence of eleven words, for there to be several").unwrap();
    let (mut ours, mut theirs) = (Dictionary::default(), Dictionary::default());
    let first = pack([&text[..]], &mut ours).unwrap();
    let second = pack([&text[..]], &mut ours).unwrap();
    assert!(second.len() < first.len() / 2, "{} of {}", second.len(), first.len());
    for batch in [first, second] {
        let mut frames = Vec::new();
        unpack(&batch, &mut theirs, 1000, |frame| frames.push(frame.to_vec())).unwrap();
        assert_eq!(frames, [&text[..]]);
    }
}

/// What could not be packed leaves nothing behind that only one side knows.
#[test]
fn a_batch_that_is_not_packed_leaves_the_dictionary_as_it_was() {
    let mut dictionary = Dictionary::default();
    let text = rmp_serde::to_vec("words that are in no dictionary yet").unwrap();
    assert!(pack([&text[..], &[0xcc, 5][..]], &mut dictionary).is_none());
    assert_eq!(dictionary.length(), (0, 0));
}

/// What goes over the wire is pinned: another side must be able to read it.
#[test]
fn the_packed_form_is_pinned() {
    let mut document = AutoCommit::new().with_actor(ActorId::from([7; 16]));
    let entry = document.put_object(ROOT, "01JD3Z5N8QW2V4X6Y7A9BCDEFG", ObjType::Map).unwrap();
    document.put(&entry, "text", "Is the blue one still there? I'd take the blue one.").unwrap();
    document.put(&entry, "at", ScalarValue::Timestamp(1_731_955_000_000)).unwrap();
    let saved = document.save_nocompress();
    let frame = (ByteBuf::from(saved), "held", ByteBuf::from([1; 16]), ByteBuf::from([2; 32]), 70_000, -3);
    let frame = rmp_serde::to_vec_named(&frame).unwrap();
    let packed = pack([&frame[..], &frame[..]], &mut Dictionary::default()).unwrap();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&packed);
    assert_eq!(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>(), "e743e8d618e41905");
}

/// A chunk that lists more than a reader takes is sent as it is.
#[test]
fn a_chunk_with_too_long_a_list_comes_back_too() {
    let mut body = vec![1];
    let hashes = 70_000u32;
    leb128::write::unsigned(&mut body, 5 + 32 * u64::from(hashes)).unwrap();
    leb128::write::unsigned(&mut body, u64::from(hashes)).unwrap();
    body.extend((0..hashes).flat_map(|number| [number.to_be_bytes(); 8].concat()));
    body.extend([0, 0]);
    let checksum = <sha2::Sha256 as sha2::Digest>::digest(&body);
    let chunk = [&[0x85, 0x6f, 0x4a, 0x83][..], &checksum[..4], &body].concat();
    let frame = rmp_serde::to_vec(&ByteBuf::from(chunk)).unwrap();
    let batch = pack([&frame[..]], &mut Dictionary::default()).unwrap();
    assert_eq!(unpacked(&batch, frame.len()).unwrap(), [frame]);
}
