//! The list in SQL against its meaning, on random rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection, option, prelude::*, sample::select};

use crate::{
    ids::{MemberId, QueueId},
    model::{Origin, Priority, Status, conversation::AssignmentReason},
    policy::Visibility,
    store::{
        Database, PageKey,
        contract::{ANNA, BEN, contact, conversation, document, put, put_contact},
    },
    sync::storage::StorageError,
    time::Timestamp,
    triage::{Assignee, ContactRow, ConversationRow, Counts, InboxFilter, Scope},
};

const CARL: MemberId = MemberId([0xc; 16]);
const NOW: Timestamp = Timestamp(3);
const QUEUES: [QueueId; 2] = [QueueId([0x91; 16]), QueueId([0x92; 16])];
const TAGS: [&str; 3] = ["vip", "refund", "a' OR 1=1 --"];

fn reason() -> impl Strategy<Value = AssignmentReason> {
    select(vec![AssignmentReason::Manual, AssignmentReason::Reply, AssignmentReason::Automation])
}

fn member() -> impl Strategy<Value = MemberId> {
    select(vec![ANNA, BEN, CARL])
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![Status::Open, Status::Closed])
}

prop_compose! {
    fn row()(
        number in 1u64..60,
        contact in 1u64..4,
        visibility in 0u8..4,
        status in status(),
        (unread, needs_reply) in any::<(bool, bool)>(),
        assignees in collection::btree_map(member(), collection::btree_set(reason(), 0..3), 0..3),
        tags in collection::btree_set(select(TAGS.to_vec()), 0..3),
        origins in collection::vec(select(Origin::ALL.to_vec()), 0..3),
        // Few values, so that many rows tie.
        last_activity in -2i64..6,
        (queue, priority) in (option::of(select(QUEUES.to_vec())), select(Priority::ALL.to_vec())),
        snoozed_until in option::of(0i64..6),
    ) -> ConversationRow {
        ConversationRow {
            contact: document(contact + 1_000),
            visibility: Visibility(visibility),
            status, unread, needs_reply, assignees, origins,
            tags: tags.into_iter().map(str::to_owned).collect(),
            last_activity: Timestamp(last_activity),
            queue, priority,
            snoozed_until: snoozed_until.map(Timestamp),
            ..conversation(number)
        }
    }
}

prop_compose! {
    fn filter()(
        scope in select(vec![Scope::All, Scope::AssignedToMe]),
        status in option::of(status()),
        (unread, needs_reply) in (prop::bool::weighted(0.2), prop::bool::weighted(0.2)),
        assignee in option::weighted(0.3, prop_oneof![Just(Assignee::Nobody), member().prop_map(Assignee::Member)]),
        reason in option::weighted(0.2, reason()),
        tag in option::weighted(0.2, select(TAGS.to_vec())),
        origin in option::weighted(0.2, select(Origin::ALL.to_vec())),
        contact in option::weighted(0.2, 1u64..5),
        blocked in prop::bool::weighted(0.2),
        queue in option::weighted(0.2, select(QUEUES.to_vec())),
        priority in option::weighted(0.2, select(Priority::ALL.to_vec())),
        snoozed in option::weighted(0.3, any::<bool>()),
    ) -> InboxFilter {
        InboxFilter {
            scope, status, unread, needs_reply, assignee, reason, origin,
            tag: tag.map(str::to_owned),
            contact: contact.map(|contact| document(contact + 1_000)),
            blocked, queue, priority, snoozed,
        }
    }
}

fn shown(row: &ConversationRow) -> ConversationRow {
    let contact_name = if row.blocked { "Spammer".into() } else { "Unknown contact".into() };
    ConversationRow { contact_name, ..row.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// R4, R5, R21, R25: the list is what the filter takes, in order, whatever was written before, page by page; and
    /// every count is the length of its list.
    #[test]
    fn the_list_is_what_the_filter_takes(
        written in collection::vec(row(), 0..50),
        hidden in collection::btree_set(1u64..60, 0..4),
        removed in collection::btree_set(1u64..60, 0..6),
        rewritten in collection::vec(row(), 0..10),
        filters in collection::vec(filter(), 12),
        // Blocked before their conversations come, or after.
        blocked in collection::btree_map(1u64..4, any::<bool>(), 0..3),
        page in 1usize..7,
    ) {
        let mut database = Database::in_memory().unwrap();
        // Rows of the same number replace each other.
        let mut rows: BTreeMap<_, ConversationRow> = BTreeMap::new();
        let spammer = |number: &u64| ContactRow { blocked: true, ..contact(*number, "Spammer", &[]) };
        let with_blocking = |row: &ConversationRow| {
            let known = (1..4).find(|number| row.contact == document(number + 1_000));
            let blocked = known.is_some_and(|number| blocked.contains_key(&number));
            ConversationRow { blocked, ..row.clone() }
        };
        database.write(|store| {
            for (number, _) in blocked.iter().filter(|(_, before)| **before) {
                put_contact(store, &spammer(number));
            }
            for row in &written {
                put(store, row, &[]);
                rows.insert(row.document, with_blocking(row));
            }
            for (number, _) in blocked.iter().filter(|(_, before)| !**before) {
                put_contact(store, &spammer(number));
            }
            for number in hidden {
                if let Some(row) = rows.get_mut(&document(number)) {
                    row.visibility = Visibility::RECORD;
                    crate::sync::storage::Storage::set_visibility(store, row.document, Visibility::RECORD)?;
                }
            }
            Ok::<_, StorageError>(())
        }).unwrap();
        database.write(|store| {
            for number in removed.into_iter().map(document).filter(|document| rows.contains_key(document)).collect::<Vec<_>>() {
                crate::sync::storage::Storage::remove_document(store, number)?;
                rows.remove(&number);
            }
            for row in &rewritten {
                put(store, row, &[]);
                rows.insert(row.document, with_blocking(row));
            }
            Ok::<_, StorageError>(())
        }).unwrap();
        let reader = database.reader();
        for filter in &filters {
            let mut expected: Vec<_> = rows.values().filter(|row| filter.takes(row, ANNA, NOW)).map(shown).collect();
            expected.sort_by_key(|row| (std::cmp::Reverse(row.last_activity), row.document));
            let list = reader.read(|read| read.inbox(filter, ANNA, NOW, 1_000, None)).unwrap();
            prop_assert_eq!(&list, &expected);
            prop_assert_eq!(reader.read(|read| read.count(filter, ANNA, NOW)).unwrap(), expected.len() as u64);

            let mut paged: Vec<ConversationRow> = Vec::new();
            loop {
                let after = paged.last().map(PageKey::of);
                let next = reader.read(|read| read.inbox(filter, ANNA, NOW, page, after)).unwrap();
                prop_assert!(next.len() <= page);
                if next.is_empty() {
                    break;
                }
                paged.extend(next);
            }
            prop_assert_eq!(paged, expected);
        }
        prop_assert_eq!(reader.read(|read| read.counts(ANNA, NOW)).unwrap(), counts(rows.values()));
    }
}

/// The counts as their descriptions say.
fn counts<'a>(rows: impl Iterator<Item = &'a ConversationRow>) -> Counts {
    let mut counts = Counts::default();
    for row in rows.filter(|row| row.visibility.dashboard()) {
        let open = u64::from(row.status == Status::Open);
        if row.blocked {
            counts.blocked += open;
            continue;
        }
        counts.urgent += open * u64::from(row.priority == Priority::Urgent);
        counts.snoozed += open * u64::from(row.snoozed_until.is_some_and(|until| until > NOW));
        if let Some(queue) = row.queue.filter(|_| open == 1) {
            *counts.by_queue.entry(queue).or_default() += 1;
        }
        counts.open += open;
        counts.closed += 1 - open;
        counts.mine += open * u64::from(row.assignees.contains_key(&ANNA));
        counts.unassigned += open * u64::from(row.assignees.is_empty());
        counts.unread += u64::from(row.unread);
        counts.needs_reply += open * u64::from(row.needs_reply);
        for tag in row.tags.iter().filter(|_| open == 1) {
            *counts.by_tag.entry(tag.clone()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_conversation_that_moves_up_while_one_pages_is_not_shown_twice_below() {
    let mut database = Database::in_memory().unwrap();
    let reader = database.reader();
    database
        .write(|store| {
            (1..=6).for_each(|number| put(store, &conversation(number), &[]));
            Ok::<_, StorageError>(())
        })
        .unwrap();
    let first = reader.read(|read| read.inbox(&InboxFilter::default(), ANNA, NOW, 3, None)).unwrap();
    database
        .write(|store| {
            put(store, &ConversationRow { last_activity: Timestamp(99), ..conversation(1) }, &[]);
            Ok::<_, StorageError>(())
        })
        .unwrap();
    let second =
        reader.read(|read| read.inbox(&InboxFilter::default(), ANNA, NOW, 3, first.last().map(PageKey::of))).unwrap();
    let documents: BTreeSet<_> = first.iter().chain(&second).map(|row| row.document).collect();
    assert_eq!(documents.len(), 5, "2 to 6, each once; 1 has gone to the top");
}
