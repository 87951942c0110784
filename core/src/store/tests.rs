//! The database as a whole: keys, transactions, readers beside the writer, damage, release.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use rusqlite::Connection;

use super::{
    Database, DatabaseKey, SqliteStorage,
    connection::Place,
    contract::{ANNA, alert, contact, conversation, document, put, put_contact},
};
use crate::{
    model::Kind,
    policy::Visibility,
    sync::storage::{Storage, StorageError},
    triage::InboxFilter,
};

fn key() -> DatabaseKey {
    DatabaseKey::new([7; 32])
}

fn open(path: &Path) -> Database {
    Database::open(path, &key()).unwrap()
}

/// Clara's conversation with an alert, and Dmitri's.
fn fill(database: &mut Database) {
    database
        .write(|store| {
            put(store, &conversation(1), &[alert(1, 50)]);
            put_contact(store, &contact(1, "Clara Ng", &["+15550102030"]));
            put(store, &conversation(2), &[]);
            put_contact(store, &contact(2, "Dmitri", &["+442079460958"]));
            Ok::<_, StorageError>(())
        })
        .unwrap();
}

/// Another hand in the same file.
fn raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(&key().pragma()).unwrap();
    connection
}

fn names(database: &Database) -> Vec<String> {
    let rows = database
        .reader()
        .read(|read| read.inbox(&InboxFilter::default(), ANNA, crate::time::Timestamp(0), 50, None))
        .unwrap();
    rows.into_iter().map(|row| row.contact_name).collect()
}

#[test]
fn the_file_tells_nothing_without_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    for file in ["device.db", "device.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        assert!(!bytes.is_empty(), "{file}");
        for plain in [&b"SQLite format"[..], b"Clara", b"clara", b"15550102030", b"conversation_rows"] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain), "{file} shows {plain:?}");
        }
    }
    database.checkpoint_and_close().unwrap();
    assert!(matches!(Database::open(&path, &DatabaseKey::new([8; 32])), Err(StorageError::WrongKey)));
    assert_eq!(names(&open(&path)), ["Dmitri", "Clara Ng"], "the wrong key did no harm");
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    std::fs::write(&path, "Dear diary, ".repeat(1_000)).unwrap();
    assert!(matches!(Database::open(&path, &key()), Err(StorageError::WrongKey)));
    assert!(matches!(Database::open(folder.path(), &key()), Err(StorageError::Io(_))));
    assert!(matches!(Database::open(&folder.path().join("no/such/folder.db"), &key()), Err(StorageError::Io(_))));
}

#[test]
fn a_newer_schema_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    fill(&mut open(&path));
    raw(&path).pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Database::open(&path, &key()), Err(StorageError::Newer { found: 99, known: 3 })));
}

#[test]
fn damage_beyond_the_read_model_is_called_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    database.checkpoint_and_close().unwrap();
    // Every page but the first, which holds the schema.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let error = Database::open(&path, &key()).map(drop).unwrap_err();
    assert!(matches!(error, StorageError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_full_disk_changes_nothing_and_says_so() {
    let mut database = Database::in_memory().unwrap();
    fill(&mut database);
    let full = database.write(|store| {
        let pages: i64 = store.connection().query_row("PRAGMA page_count", [], |row| row.get(0))?;
        store.connection().pragma_update(None, "max_page_count", pages + 2)?;
        store.remove_document(document(1))?;
        store.put_document(document(3), Kind::Conversation, Visibility::DASHBOARD, &vec![1; 1 << 20], true)
    });
    assert!(matches!(full, Err(StorageError::Full)), "{full:?}");
    assert_eq!(names(&database), ["Dmitri", "Clara Ng"]);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("device.db"));
    fill(&mut database);
    let failed: Result<(), StorageError> = database.write(|store| {
        store.remove_all_documents()?;
        Err(StorageError::Io("the session said no".into()))
    });
    assert!(failed.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        database.write(|store| -> Result<(), StorageError> {
            store.remove_all_documents()?;
            panic!("a defect")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(names(&database), ["Dmitri", "Clara Ng"]);
    fill(&mut database);
}

#[test]
fn readers_never_wait_for_the_writer_and_see_commits_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("device.db"));
    fill(&mut database);
    let reader = database.reader();
    database
        .write(|store| {
            store.remove_document(document(1))?;
            let elsewhere = reader.clone();
            let seen = std::thread::spawn(move || elsewhere.read(|read| read.stats())).join().unwrap()?;
            assert_eq!(seen.conversations, 2);
            let here = store.reading().stats()?;
            assert_eq!(here.conversations, 1);
            Ok::<_, StorageError>(())
        })
        .unwrap();
    assert_eq!(reader.read(|read| read.stats()).unwrap().conversations, 1);
}

#[test]
fn a_reader_can_not_write() {
    let database = Database::in_memory().unwrap();
    let written =
        database.reader().read(|read| Ok::<_, StorageError>(read.connection.execute("DELETE FROM documents", [])?));
    assert!(written.is_err());
}

#[test]
fn a_second_process_is_waited_for_and_then_called_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    let wait = std::time::Duration::from_millis(1);
    database.write(|store| Ok::<_, StorageError>(store.connection().busy_timeout(wait)?)).unwrap();
    let other = raw(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = database.write(|store| store.remove_all_documents());
    assert!(matches!(busy, Err(StorageError::Busy)), "{busy:?}");
    other.execute_batch("ROLLBACK").unwrap();
    fill(&mut database);
}

/// R9: what was removed is in no file any more. Looked at in a file that is not encrypted, where every byte shows.
#[test]
fn a_removed_conversation_leaves_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.db");
    let mut database = Database::at(Place::Memory { name: format!("file:{}", path.display()) }).unwrap();
    fill(&mut database);
    let holds = |text: &[u8]| std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text);
    let of_clara: [&[u8]; 5] = [b"Clara", b"clara", b"15550102030", b"Ben assigned you", &document(1).0];
    assert!(of_clara.iter().all(|text| holds(text)));
    database
        .write(|store| store.remove_document(document(1)).and_then(|()| store.remove_document(document(1_001))))
        .unwrap();
    for text in of_clara {
        assert!(!holds(text), "{text:?} is still there");
    }
    assert!(holds(b"Dmitri") && holds(b"442079460958"));
    // The index keeps trigrams, which say little one by one; that it wipes them too is a setting of its own.
    let wipes = "SELECT v FROM contact_search_config WHERE k = 'secure-delete'";
    let wipes =
        database.write(|store| Ok::<i64, StorageError>(store.connection().query_row(wipes, [], |row| row.get(0))?));
    assert_eq!(wipes.unwrap(), 1);
}

/// R9: the same when a narrowed access takes hundreds of contacts away at once.
#[test]
fn many_removed_contacts_leave_the_search_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.db");
    let mut database = Database::at(Place::Memory { name: format!("file:{}", path.display()) }).unwrap();
    let name = |number: u64| if number.is_multiple_of(2) { format!("Qzx{number}") } else { format!("Wvj{number}") };
    database
        .write(|store| {
            (1..=400).for_each(|number| put_contact(store, &contact(number, &name(number), &[])));
            Ok::<_, StorageError>(())
        })
        .unwrap();
    let holds = |text: &[u8]| std::fs::read(&path).unwrap().windows(text.len()).any(|window| window == text);
    assert!(holds(b"qzx") && holds(b"wvj"));
    let found =
        |database: &Database, typed: &str| database.reader().read(|read| read.search(typed, 999)).unwrap().len();
    let remove = |store: &mut SqliteStorage<'_>| {
        (1..=400)
            .filter(|number| number % 2 == 0)
            .try_for_each(|number| store.remove_document(document(number + 1_000)))
    };
    let failed: Result<(), StorageError> =
        database.write(|store| remove(store).and(Err(StorageError::Io("the session said no".into()))));
    assert!(failed.is_err());
    assert_eq!((found(&database, "qzx"), found(&database, "wvj")), (200, 200));
    database.write(remove).unwrap();
    assert_eq!((found(&database, "qzx"), found(&database, "wvj")), (0, 200));
    assert!(!holds(b"qzx"), "three letters of those names are still in the index");
    assert!(holds(b"wvj"));
    database.integrity_check().unwrap();
    // One by one they are wiped at once again.
    database
        .write(|store| {
            (1..=399).step_by(2).take(99).try_for_each(|number| store.remove_document(document(number + 1_000)))
        })
        .unwrap();
    assert_eq!(found(&database, "wvj"), 101);
}

/// R9: nor in the log that the commit went through, even if a reader was in the way at first.
#[test]
fn the_log_is_cut_after_a_removal() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("device.db"));
    fill(&mut database);
    let log = || std::fs::metadata(folder.path().join("device.db-wal")).unwrap().len();
    assert!(log() > 0);
    let reader = database.reader();
    reader
        .read(|read| {
            read.stats()?;
            database.write(|store| store.remove_document(document(1)))?;
            assert!(log() > 0, "the reader still reads from it");
            Ok::<_, StorageError>(())
        })
        .unwrap();
    database.write(|store| store.set_visibility(document(2), Visibility::RECORD)).unwrap();
    assert_eq!(log(), 0);
    database.write(|store| store.set_visibility(document(2), Visibility::DASHBOARD)).unwrap();
    assert!(log() > 0, "an ordinary write leaves it for later");
    assert!(database.truncate_wal().unwrap());
    assert_eq!(log(), 0);
}

#[test]
fn releasing_closes_every_file_and_reacquiring_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    let reader = database.reader();
    reader.read(|read| read.stats()).unwrap();
    database.release().unwrap();
    assert!(database.is_released());
    assert!(!folder.path().join("device.db-wal").exists(), "the last connection took the log along");
    assert!(reader.read(|read| read.stats()).is_err());
    assert!(database.write(|store| store.remove_all_documents()).is_err());
    // Nobody holds a lock: another hand may take the strongest one.
    raw(&path).execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK").unwrap();
    database.reacquire().unwrap();
    assert_eq!(reader.read(|read| read.stats()).unwrap().conversations, 2);
    fill(&mut database);
}

/// R10: once wiped, a database stays wiped.
#[test]
fn a_reader_that_comes_late_makes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    let reader = database.reader();
    std::fs::remove_file(&path).unwrap();
    assert!(reader.read(|read| read.stats()).is_err());
    drop(database);
    assert!(reader.read(|read| read.stats()).is_err());
    assert!(!path.exists());
}

/// Suspension comes while the UI reads: nothing new begins, and what runs is waited for.
#[test]
fn a_release_waits_for_a_query_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    let reader = database.reader();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let query = std::thread::spawn(move || {
        reader.read(|read| {
            begun.send(()).unwrap();
            // Runs on until others are turned away.
            while reader.read(|read| read.stats()).is_ok() {}
            read.stats()
        })
    });
    has_begun.recv().unwrap();
    database.release().unwrap();
    assert_eq!(query.join().unwrap().unwrap().conversations, 2);
    raw(&path).execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK").unwrap();
}

#[test]
fn memory_survives_a_release() {
    let mut database = Database::in_memory().unwrap();
    fill(&mut database);
    database.release().unwrap();
    database.reacquire().unwrap();
    assert_eq!(names(&database), ["Dmitri", "Clara Ng"]);
    assert_eq!(names(&Database::in_memory().unwrap()), Vec::<String>::new(), "each is a database of its own");
}

#[test]
fn a_copy_in_memory_goes_its_own_way() {
    let mut database = Database::in_memory().unwrap();
    let empty = database.copy_in_memory().unwrap();
    fill(&mut database);
    assert_eq!(names(&database.copy_in_memory().unwrap()), ["Dmitri", "Clara Ng"]);
    assert_eq!(names(&empty), Vec::<String>::new());
}

#[test]
fn a_fresh_database_waits_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    assert!(!open(&path).needs_rebuild());
    assert!(!open(&path).needs_rebuild());
}

/// Each way in which a read model can go wrong: it is made anew, and the documents are all there.
#[test]
fn a_damaged_read_model_is_made_anew_and_documents_stay() {
    let wrongs = [
        "UPDATE conversation_rows SET body = x'c1ff00' WHERE id = (SELECT min(id) FROM conversation_rows)",
        "UPDATE contact_rows SET body = x'93'",
        "UPDATE alerts SET body = x''",
        "DELETE FROM conversation_rows WHERE id = (SELECT min(id) FROM conversation_rows)",
        "DELETE FROM contact_search_data WHERE id > 10",
        "DELETE FROM contact_search_docsize",
        "DELETE FROM contact_search_config",
        "DROP TABLE contact_search_data",
        "DROP TABLE contact_search_idx",
        "DROP TABLE contact_search",
        "DROP TABLE conversation_tags",
        "DROP INDEX conversations_unread",
        "DROP TRIGGER contact_search_update",
        "UPDATE contact_rows SET names = '  someone  else  '; DROP TRIGGER contact_search_delete",
        "INSERT INTO contact_search (contact_search) VALUES ('delete-all')",
        "UPDATE read_model SET version = 0",
        "UPDATE read_model SET version = 99",
    ];
    for wrong in wrongs {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.db");
        let mut database = open(&path);
        fill(&mut database);
        database.checkpoint_and_close().unwrap();
        raw(&path).execute_batch(wrong).unwrap_or_else(|error| panic!("{wrong}: {error}"));

        let mut database = Database::open(&path, &key()).unwrap_or_else(|error| panic!("{wrong}: {error}"));
        assert!(database.needs_rebuild(), "{wrong}");
        assert_eq!(names(&database), Vec::<String>::new(), "{wrong}");
        database
            .write(|store| {
                assert_eq!(store.documents(None).unwrap().len(), 4, "{wrong}");
                assert_eq!(store.document(document(1)).unwrap().unwrap().saved, b"saved", "{wrong}");
                Ok::<_, StorageError>(())
            })
            .unwrap();
        drop(database);

        // The app is killed before the rebuild: it is still due.
        let mut database = open(&path);
        assert!(database.needs_rebuild(), "{wrong}");
        fill(&mut database);
        database.read_model_rebuilt().unwrap();
        assert!(!database.needs_rebuild(), "{wrong}");
        database.integrity_check().unwrap_or_else(|error| panic!("{wrong}: {error}"));
        drop(database);
        let database = open(&path);
        assert!(!database.needs_rebuild(), "{wrong}");
        assert_eq!(names(&database), ["Dmitri", "Clara Ng"], "{wrong}");
        assert_eq!(database.reader().read(|read| read.search("clar", 5)).unwrap().len(), 1, "{wrong}");
    }
}

#[test]
fn a_row_found_unreadable_while_running_asks_for_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    raw(&path).execute_batch("UPDATE conversation_rows SET body = x'c1'").unwrap();
    let read =
        database.reader().read(|read| read.inbox(&InboxFilter::default(), ANNA, crate::time::Timestamp(0), 50, None));
    assert!(matches!(read, Err(StorageError::Io(_))), "{read:?}");
    assert!(database.needs_rebuild());
    database.recreate_read_model().unwrap();
    fill(&mut database);
    database.read_model_rebuilt().unwrap();
    assert!(!database.needs_rebuild());
    assert_eq!(names(&database), ["Dmitri", "Clara Ng"]);
}

#[test]
fn the_whole_file_can_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.db");
    let mut database = open(&path);
    fill(&mut database);
    database.integrity_check().unwrap();
    database
        .write(|store| Ok::<_, StorageError>(store.connection().execute_batch("UPDATE documents SET projected = 0")?))
        .unwrap();
    assert!(matches!(database.integrity_check(), Err(StorageError::Corrupt(_))));
}
