//! Search in messages as people type (R23), and what stays of them (R9).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    ids::{IntentId, MessageId},
    policy::Visibility,
    store::{
        Database, SqliteStorage,
        connection::Place,
        contract::{contact, conversation, document, put, put_contact},
    },
    sync::storage::{Storage, StorageError},
    time::Timestamp,
    triage::{ConversationRow, MessageHit},
};

fn message(number: u64) -> MessageId {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    IntentId(id)
}

/// What each conversation said, the latest conversation last.
fn filled(mut database: Database, said: &[&[&str]]) -> Database {
    database
        .write(|store| {
            for number in 1..=u64::try_from(said.len()).unwrap() {
                put_contact(store, &contact(number, &format!("Customer {number}"), &[]));
                put(store, &conversation(number), &[]);
            }
            read_all(store, said)
        })
        .unwrap();
    database
}

/// As the engine does it: the latest first, a few at a time.
fn read_all(store: &mut SqliteStorage<'_>, said: &[&[&str]]) -> Result<(), StorageError> {
    loop {
        let documents = store.reading().texts_to_read(2)?;
        if documents.is_empty() {
            return Ok(());
        }
        for found in documents {
            let number = (1..).find(|number| document(*number) == found).unwrap();
            let texts = said[usize::try_from(number).unwrap() - 1];
            let texts: Vec<(MessageId, &str)> =
                (1..).zip(texts).map(|(at, text)| (message(number * 100 + at), *text)).collect();
            store.put_texts(found, &texts)?;
        }
    }
}

fn hits(database: &Database, typed: &str) -> Vec<MessageHit> {
    database.reader().read(|read| read.search_messages(typed, 50)).unwrap()
}

fn found(database: &Database, typed: &str) -> Vec<u64> {
    let number = |hit: &MessageHit| u64::from_be_bytes(hit.message.0[8..].try_into().unwrap());
    hits(database, typed).iter().map(number).collect()
}

/// R23: message text, as one types: any accents, every word by its beginning, the latest conversation first.
#[test]
fn a_message_is_found_while_it_is_typed() {
    let said: [&[&str]; 4] = [
        &["Is the slate roof covered?", "The roof, I mean"],
        &["Ein Dach für Łódź, bitte"],
        &["My roofing quote is 4711", "thanks"],
        &["It's raining in"],
    ];
    let database = filled(Database::in_memory().unwrap(), &said);
    for typed in ["roo", "roof", " ROOF "] {
        assert_eq!(found(&database, typed), [301, 102], "the latest message of each: {typed}");
    }
    assert_eq!(found(&database, "roofi"), [301]);
    assert_eq!(found(&database, "slate roof"), [101], "all in one message");
    assert_eq!(found(&database, "roof sla"), [101], "in any order");
    assert_eq!(found(&database, "lodz"), [201]);
    assert_eq!(found(&database, "für Łó"), [201], "short words narrow");
    assert_eq!(found(&database, "für xy"), Vec::<u64>::new());
    assert_eq!(found(&database, "4711"), [301]);
    assert_eq!(found(&database, "its"), [401]);
    assert_eq!(found(&database, "oof"), Vec::<u64>::new(), "beginnings only");
    for nothing in ["", "ro", "a b c", "\"", "* OR *", "roof\" OR \"dach"] {
        let found = found(&database, nothing);
        assert!(found.is_empty(), "{nothing}: {found:?}");
    }
}

/// R23: what most messages have, and what only one long ago has: the search looks at hundreds, not at all.
#[test]
fn what_is_rare_is_found_behind_what_is_frequent() {
    let texts: Vec<String> = (0..2_000).map(|at| format!("please deliver parcel {at}")).collect();
    let mut said: Vec<Vec<&str>> = texts.iter().map(|text| vec![text.as_str()]).collect();
    said[3].push("a delicious plum");
    let said: Vec<&[&str]> = said.iter().map(Vec::as_slice).collect();
    let database = filled(Database::in_memory().unwrap(), &said);
    assert_eq!(found(&database, "deliver").len(), 50);
    assert_eq!(found(&database, "deliver")[0], 200_001, "the latest first");
    assert_eq!(found(&database, "delicious"), [402]);
    assert_eq!(found(&database, "ple").len(), 50);
    assert_eq!(found(&database, "deliver parcel 179")[0], 180_001, "each word by its beginning, the latest first");
    assert_eq!(found(&database, "deliver parcel 17"), [1_801], "a short word by itself");
}

/// R23: until the texts of a conversation are taken in, an answer says that it is not complete; new messages wait again.
#[test]
fn an_answer_says_whether_it_is_complete() {
    let said: [&[&str]; 2] = [&["one thing"], &["another thing"]];
    let mut database = filled(Database::in_memory().unwrap(), &said);
    let complete = |database: &Database| database.reader().read(|read| read.texts_are_read()).unwrap();
    assert!(complete(&database));
    let tagged = ConversationRow { tags: ["vip".to_owned()].into(), ..conversation(1) };
    database.write(|store| store.put_conversation(&tagged, &[])).unwrap();
    assert!(complete(&database), "nothing was said");
    let newer = ConversationRow { last_activity: Timestamp(99), last_seq: 99, ..tagged };
    database.write(|store| store.put_conversation(&newer, &[])).unwrap();
    assert!(!complete(&database));
    let said: [&[&str]; 2] = [&["one thing", "a new thing"], &["another thing"]];
    database.write(|store| read_all(store, &said)).unwrap();
    assert!(complete(&database));
    assert_eq!(found(&database, "thing"), [102, 201], "what came later is later");
    // One that was taken back is no more.
    database.write(|store| store.put_texts(document(1), &[(message(101), "one thing")])).unwrap();
    assert_eq!(found(&database, "new"), Vec::<u64>::new());
}

/// R5, R7: by the record only: said so. A contact blocked as spam is in no search for messages.
#[test]
fn what_is_not_on_the_dashboard_is_marked_or_left_out() {
    let said: [&[&str]; 3] = [&["my roof"], &["a roof"], &["roof roof"]];
    let mut database = filled(Database::in_memory().unwrap(), &said);
    database
        .write(|store| {
            store.set_visibility(document(1), Visibility::RECORD)?;
            put_contact(store, &crate::triage::ContactRow { blocked: true, ..contact(3, "Spammer", &[]) });
            Ok::<_, StorageError>(())
        })
        .unwrap();
    let found: Vec<(u64, bool)> =
        hits(&database, "roof").iter().map(|hit| (hit.conversation.last_seq, hit.by_record)).collect();
    assert_eq!(found, [(2, false), (1, true)]);
}

/// R9: what was said in a conversation leaves the file with it, one by one and many at once. Looked at in a file that is not
/// encrypted, where every byte shows.
#[test]
fn texts_leave_the_file_with_their_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.db");
    let texts: Vec<String> = (0..400u32)
        .map(|at| if at.is_multiple_of(2) { format!("wombat{at} xylophone") } else { format!("gherkin{at}") })
        .collect();
    let said: Vec<Vec<&str>> = texts.iter().map(|text| vec![text.as_str(); 12]).collect();
    let mut said: Vec<&[&str]> = said.iter().map(Vec::as_slice).collect();
    said[0] = &["the quokka sleeps"];
    let database = Database::at(Place::Memory { name: format!("file:{}", path.display()) }).unwrap();
    let mut database = filled(database, &said);
    let holds = |text: &str| {
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(["quokka", "wombat", "xylo", "gherkin"].into_iter().all(holds));
    database.write(|store| store.remove_document(document(1))).unwrap();
    assert!(!holds("quokka") && !holds("quo"), "one by one");
    database
        .write(|store| (3..=400).step_by(2).try_for_each(|number| store.remove_document(document(number))))
        .unwrap();
    for gone in ["wombat", "wom", "xylo", "xyl"] {
        assert!(!holds(gone), "{gone} is still there");
    }
    assert!(holds("gherkin"));
    assert!(found(&database, "gherkin").len() > 5, "the latest messages, of some twenty conversations");
    database.integrity_check().unwrap();
}
