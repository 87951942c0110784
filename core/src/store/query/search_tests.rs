//! Search as people type (R23).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use crate::{
    model::Kind,
    policy::Visibility,
    store::{
        Database,
        contract::{alert, contact, conversation, document, put, put_contact},
    },
    sync::storage::{Storage, StorageError},
    time::Timestamp,
    triage::{ContactRow, ConversationRow},
};

/// Contacts in the order of their last activity, the latest last.
fn shop(contacts: &[(&str, &[&str])]) -> Database {
    let mut database = Database::in_memory().unwrap();
    database
        .write(|store| {
            for (number, (name, phones)) in (1..).zip(contacts) {
                put_contact(store, &contact(number, name, phones));
                put(store, &conversation(number), &[]);
            }
            Ok::<_, StorageError>(())
        })
        .unwrap();
    database
}

fn found(database: &Database, typed: &str) -> Vec<String> {
    let hits = database.reader().read(|read| read.search(typed, 50)).unwrap();
    hits.into_iter().map(|hit| hit.contact.display_name).collect()
}

/// R23: partial words, in any order, from the first character on.
#[test]
fn a_name_is_found_while_it_is_typed() {
    let shop = shop(&[("Bo Li", &[]), ("Hannah Anderson", &[]), ("Anna Sandoval", &[])]);
    for typed in ["a", "an", "ann", "anna"] {
        assert_eq!(found(&shop, typed)[0], "Anna Sandoval", "{typed}");
    }
    assert_eq!(found(&shop, "ander"), ["Hannah Anderson"]);
    assert_eq!(found(&shop, "DERS"), ["Hannah Anderson"], "inside a word");
    assert_eq!(found(&shop, "sand ann"), ["Anna Sandoval"], "in any order");
    assert_eq!(found(&shop, "b l"), ["Bo Li"]);
    assert_eq!(found(&shop, "o"), Vec::<String>::new(), "one character begins a word");
    assert_eq!(found(&shop, "anna li"), Vec::<String>::new(), "every word counts");
    assert_eq!(found(&shop, ""), Vec::<String>::new());
}

/// R23: any accents and scripts, on either side.
#[test]
fn accents_and_scripts_do_not_matter() {
    let shop = shop(&[
        ("Søren Ångström", &[]),
        ("Łucja Żółć", &[]),
        ("Jörg Weiß", &[]),
        ("Борис Иванов", &[]),
        ("Siobhán O’Brien", &[]),
        ("张伟", &[]),
        ("Jose\u{301} Nun\u{303}ez", &[]),
    ]);
    for (typed, name) in [
        ("soren", "Søren Ångström"),
        ("ANGSTROM", "Søren Ångström"),
        ("Ångst", "Søren Ångström"),
        ("lucja zolc", "Łucja Żółć"),
        ("weiss", "Jörg Weiß"),
        ("weiß", "Jörg Weiß"),
        ("WEISS", "Jörg Weiß"),
        ("Борис", "Борис Иванов"),
        ("boris", "Борис Иванов"),
        ("БОР", "Борис Иванов"),
        ("o'brien", "Siobhán O’Brien"),
        ("obrien", "Siobhán O’Brien"),
        ("brien", "Siobhán O’Brien"),
        ("张", "张伟"),
        ("zhangwei", "张伟"),
        ("josé nuñez", "Jose\u{301} Nun\u{303}ez"),
    ] {
        assert_eq!(found(&shop, typed), [name], "{typed}");
    }
    assert_eq!(found(&shop, "伟"), ["Jörg Weiß", "张伟"], "wei is also how Weiß begins");
}

/// R23: any phone format, any part of it.
#[test]
fn a_phone_is_found_in_any_format() {
    let shop =
        shop(&[("Clara", &["+15550102030"]), ("Derek", &["+442079460958", "+79161234567"]), ("Route 66 Diner", &[])]);
    for typed in [
        "(555) 010-2030",
        "+15550102030",
        "+1 555 010 2030",
        "1-555-010-2030",
        "555.010.2030",
        "5550102030",
        "2030",
        "(555)",
        "(55",
        "+1555",
        "102030",
        "clara 555",
        "555 010 clara",
        "001 555 010 2030",
    ] {
        assert_eq!(found(&shop, typed), ["Clara"], "{typed}");
    }
    for typed in [
        "020 7946 0958",
        "020 7946",
        "(020) 79",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "0044 20 7946",
        "011 44 20 7946",
        "0958",
        "8 916 123-45-67",
        "+7 916",
        "derek 0958",
    ] {
        assert_eq!(found(&shop, typed), ["Derek"], "{typed}");
    }
    for (typed, name) in [("02", "Derek"), ("5", "Clara"), ("30", "Clara"), ("+4", "Derek"), ("58", "Derek")] {
        assert_eq!(found(&shop, typed), [name], "{typed} begins or ends a number");
    }
    assert_eq!(found(&shop, "0"), ["Derek", "Clara"], "the trunk zero begins the one, the other ends so");
    assert_eq!(found(&shop, "66"), ["Route 66 Diner"], "digits of a name");
    assert_eq!(found(&shop, "route 66"), ["Route 66 Diner"]);
    assert_eq!(found(&shop, "99999"), Vec::<String>::new());
}

/// R23: what begins a word comes before what is inside one, then the latest activity.
#[test]
fn beginnings_come_first_and_then_the_latest() {
    let shop = shop(&[("Mary Ann", &[]), ("Annette", &[]), ("Joanne", &[]), ("Hannah", &[])]);
    assert_eq!(found(&shop, "ann"), ["Annette", "Mary Ann", "Hannah", "Joanne"]);
    let two = shop.reader().read(|read| read.search("ann", 2)).unwrap();
    assert_eq!(two.len(), 2);
}

#[test]
fn a_hit_shows_its_conversations_with_the_latest_first() {
    let mut shop = shop(&[("Clara", &["+15550102030"])]);
    shop.write(|store| {
        let later = ConversationRow { contact: document(1_001), last_activity: Timestamp(500), ..conversation(2) };
        put(store, &later, &[]);
        let by_record = ConversationRow { contact: document(1_001), visibility: Visibility::RECORD, ..conversation(3) };
        put(store, &by_record, &[]);
        Ok::<_, StorageError>(())
    })
    .unwrap();
    let hits = shop.reader().read(|read| read.search("cla", 5)).unwrap();
    let documents: Vec<_> = hits[0].conversations.iter().map(|row| row.document).collect();
    assert_eq!(documents, [document(2), document(1)], "R7: a conversation of the record path is in no search");
    assert!(hits[0].conversations.iter().all(|row| row.contact_name == "Clara"));
}

/// R5: who is not visible is not found.
#[test]
fn a_contact_out_of_sight_is_not_found() {
    let mut shop = shop(&[("Clara", &["+15550102030"]), ("Clarence", &[])]);
    shop.write(|store| store.set_visibility(document(1_001), Visibility::NONE)).unwrap();
    assert_eq!(found(&shop, "clar"), ["Clarence"]);
    assert_eq!(found(&shop, "2030"), Vec::<String>::new());
    shop.write(|store| store.remove_document(document(1_002))).unwrap();
    assert_eq!(found(&shop, "clar"), Vec::<String>::new());
}

/// A contact's new name shows in every list, and its old one finds nothing.
#[test]
fn a_rename_shows_everywhere() {
    let mut shop = shop(&[("Clara", &["+15550102030"])]);
    shop.write(|store| {
        store.put_conversation(&conversation(1), &[alert(1, 50)])?;
        store.put_contact(&contact(1, "Klara Ng", &["+15550102031"]))
    })
    .unwrap();
    assert_eq!(found(&shop, "clara"), Vec::<String>::new());
    assert_eq!(found(&shop, "2030"), Vec::<String>::new());
    assert_eq!(found(&shop, "ng"), ["Klara Ng"]);
    assert_eq!(found(&shop, "2031"), ["Klara Ng"]);
    let (list, alerts) = shop
        .reader()
        .read(|read| Ok::<_, StorageError>((read.conversations_of(document(1_001))?, read.alerts()?)))
        .unwrap();
    assert_eq!((list[0].contact_name.as_str(), alerts[0].contact_name.as_str()), ("Klara Ng", "Klara Ng"));
}

#[test]
fn a_contact_without_a_name_is_found_by_its_address() {
    let mut shop = shop(&[]);
    let nameless = ContactRow {
        email: Some("clara.ng@example.com".into()),
        display_name: "clara.ng@example.com".into(),
        ..contact(1, "", &[])
    };
    shop.write(|store| {
        store.put_document(nameless.contact, Kind::Contact, Visibility::DASHBOARD, b"", true)?;
        store.put_contact(&nameless)
    })
    .unwrap();
    assert_eq!(found(&shop, "clara ng"), ["clara.ng@example.com"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is typed, the search answers.
    #[test]
    fn nothing_typed_is_an_error(typed in prop_oneof![
        any::<String>(),
        "[\"*'(){}:^+\\-0-9a-z AND OR NOT NEAR,.]{0,40}",
        "[👑é李\u{0}\u{301}٥ \"]{0,12}",
    ]) {
        let shop = shop(&[("Clara 👑", &["+15550102030"])]);
        prop_assert!(shop.reader().read(|read| read.search(&typed, 5)).is_ok());
    }

    /// A contact is found by any part of three or more characters of its own name.
    #[test]
    fn every_part_of_a_name_finds_it(name in "[a-zà-žа-яё]{1,12}( [a-zà-žа-яё]{1,12}){0,2}", from in 0usize..30, length in 3usize..10) {
        let shop = shop(&[(&name, &[])]);
        let word: String = name.chars().skip(from % name.chars().count()).take(length).collect();
        let part = word.split(' ').next().unwrap_or_default();
        prop_assume!(part.chars().count() >= 3);
        prop_assert_eq!(found(&shop, part), [name.clone()]);
    }
}

#[test]
fn ten_thousand_bytes_are_no_error() {
    let shop = shop(&[("Clara", &["+15550102030"])]);
    for typed in ["a".repeat(10_000), "a ".repeat(5_000), "\"".repeat(10_000), "5".repeat(10_000), "👑".repeat(2_500)]
    {
        assert_eq!(found(&shop, &typed), Vec::<String>::new());
    }
}
