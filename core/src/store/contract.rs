//! What every store must do: one function a promise of [`Storage`], run on the file and in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::{Database, DatabaseKey};
use crate::{
    alerts::{
        Alert, Why,
        reminders::{Reminders, Waiting},
    },
    ids::{AlertId, ConversationId, DeviceId, DocumentId, IntentId, MemberId, WorkspaceId},
    intents::Verb,
    model::{Channel, Kind, MessageKind, Origin, conversation::AssignmentReason},
    policy::Visibility,
    protocol::{Cursor, Delivery, Fact, FactBody, Incarnation, MessageFact, RegisterContent, RegisterKey},
    sync::MemoryStorage,
    sync::storage::{Attention, Identity, IntentRecord, IntentState, Storage, StorageError, StoredRegister, SyncState},
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow, Preview, Shows},
};

/// Ids by number, told apart by what they are of.
pub(super) const fn id(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let low = number.to_be_bytes();
    let mut at = 0;
    while at < 8 {
        bytes[8 + at] = low[at];
        at += 1;
    }
    bytes
}

pub(super) const fn document(number: u64) -> DocumentId {
    DocumentId(id(number))
}

pub(super) const ANNA: MemberId = MemberId(id(0xa));
pub(super) const BEN: MemberId = MemberId(id(0xb));

/// A conversation with the contact of the same number plus 1,000, in an open episode on the dashboard.
pub(super) fn conversation(number: u64) -> ConversationRow {
    let (conversation, contact) = (ConversationId(id(number + 5_000)), document(number + 1_000));
    ConversationRow {
        last_activity: Timestamp(i64::try_from(number).unwrap()),
        last_seq: number,
        preview: Preview { kind: Some(MessageKind::Inbound), text: "Is it still on sale?".into() },
        origins: vec![Origin::Direct],
        ..ConversationRow::plain(document(number), conversation, contact)
    }
}

/// The contact of a conversation.
pub(super) fn contact(number: u64, name: &str, phones: &[&str]) -> ContactRow {
    ContactRow {
        contact: document(number + 1_000),
        name: name.into(),
        display_name: if name.is_empty() { phones.first().copied().unwrap_or_default().into() } else { name.into() },
        phones: phones.iter().map(|phone| (*phone).into()).collect(),
        email: None,
        owner: None,
        blocked: false,
    }
}

pub(super) fn alert(number: u64, alert: u64) -> ActiveAlert {
    ActiveAlert {
        document: document(number),
        conversation: ConversationId(id(number + 5_000)),
        alert: Alert {
            id: AlertId(id(alert)),
            member: None,
            at: Timestamp(i64::try_from(alert).unwrap()),
            why: Why::AssignedBy { by: Some(BEN), intent: None, automation: None },
        },
        contact_name: String::new(),
        text: "Ben assigned you".into(),
        shows: Shows::default(),
    }
}

/// Writes a conversation as the session does: the document, then its row.
pub(super) fn put(store: &mut dyn Storage, row: &ConversationRow, alerts: &[ActiveAlert]) {
    store.put_document(row.document, Kind::Conversation, row.visibility, b"saved", true).unwrap();
    store.put_conversation(row, alerts).unwrap();
}

pub(super) fn put_contact(store: &mut dyn Storage, row: &ContactRow) {
    store.put_document(row.contact, Kind::Contact, Visibility::DASHBOARD, b"saved", true).unwrap();
    store.put_contact(row).unwrap();
}

fn message(number: u64, seq: u64, delivery: Delivery) -> Fact {
    let fact = MessageFact { id: IntentId(id(number)), order: seq, at: Timestamp(7), delivery };
    Fact { seq, body: FactBody::Message(fact) }
}

fn alert_fact(number: u64, seq: u64) -> Fact {
    Fact { seq, body: FactBody::Alert(alert(1, number).alert) }
}

pub(super) fn intent(number: u64, on: u64, state: IntentState) -> IntentRecord {
    IntentRecord {
        id: IntentId(id(number)),
        document: document(on),
        kind: Kind::Conversation,
        group: IntentId(id(number)),
        position: 0,
        verb: Verb::Reply { text: "On my way".into() },
        seen: 3,
        created: Timestamp(i64::try_from(number).unwrap()),
        send_after: Timestamp(0),
        change: vec![1, 2, 3],
        hash: [9; 32],
        state,
        natural_key: None,
        reoffered: false,
    }
}

fn ids(intents: Vec<IntentRecord>) -> Vec<u64> {
    intents.iter().map(|intent| u64::from_be_bytes(intent.id.0[8..].try_into().unwrap())).collect()
}

fn identity_and_state(store: &mut dyn Storage) {
    assert_eq!(store.identity().unwrap(), None);
    assert_eq!(store.state().unwrap(), None);
    let identity = Identity {
        workspace: WorkspaceId(id(1)),
        member: ANNA,
        device: DeviceId(id(2)),
        relay: "https://relay.example".into(),
        credential: "secret".into(),
    };
    let mut state = SyncState {
        cursor: Cursor { epoch: 1, seq: 0, backfill: None },
        incarnation: Incarnation { previous: u64::MAX, next: 4 },
        push_number: 0,
        last_contact: Timestamp(1),
        last_digest: Timestamp(2),
        clone: false,
        revoked: false,
    };
    store.set_identity(&identity).unwrap();
    store.set_state(&state).unwrap();
    state.push_number = 7;
    store.set_state(&state).unwrap();
    assert_eq!(store.identity().unwrap(), Some(identity));
    assert_eq!(store.state().unwrap(), Some(state));
}

fn documents(store: &mut dyn Storage) {
    let (a, b) = (document(1), document(2));
    assert_eq!(store.document(a).unwrap(), None);
    store.put_document(b, Kind::Contact, Visibility::DASHBOARD, b"", false).unwrap();
    store.put_document(a, Kind::Conversation, Visibility::RECORD, b"one", true).unwrap();
    store.append_changes(a, &[b"c1".to_vec(), b"c2".to_vec()]).unwrap();
    store.append_changes(a, &[b"c3".to_vec()]).unwrap();
    store.set_actor(a, Some([5; 16])).unwrap();
    let stored = store.document(a).unwrap().unwrap();
    assert_eq!((stored.kind, stored.visibility, stored.confirmed), (Kind::Conversation, Visibility::RECORD, true));
    assert_eq!((stored.saved, stored.actor), (b"one".to_vec(), Some([5; 16])));
    assert_eq!(stored.tail, [b"c1".to_vec(), b"c2".to_vec(), b"c3".to_vec()]);

    store.put_document(a, Kind::Conversation, Visibility::DASHBOARD, b"two", true).unwrap();
    let stored = store.document(a).unwrap().unwrap();
    assert_eq!((stored.saved, stored.tail), (b"two".to_vec(), Vec::new()), "a snapshot empties the tail");
    assert_eq!(stored.actor, Some([5; 16]), "a snapshot keeps the actor");
    store.set_actor(a, None).unwrap();
    assert_eq!(store.document(a).unwrap().unwrap().actor, None);

    store.set_visibility(a, Visibility::NONE).unwrap();
    assert_eq!(store.document_kind(a).unwrap(), Some((Kind::Conversation, Visibility::NONE)));
    assert!(!store.document(b).unwrap().unwrap().confirmed);
    assert_eq!(store.documents(None).unwrap(), [a, b]);
    assert_eq!(store.documents(Some(Kind::Contact)).unwrap(), [b]);
    assert_eq!(store.documents(Some(Kind::Settings)).unwrap(), []);
}

fn what_belongs_to_a_document_needs_it(store: &mut dyn Storage) {
    let nowhere = document(9);
    assert!(matches!(store.append_changes(nowhere, &[vec![1]]), Err(StorageError::Io(_))));
    assert!(matches!(store.put_facts(nowhere, &[message(1, 1, Delivery::Sent)]), Err(StorageError::Io(_))));
    assert!(matches!(store.put_conversation(&conversation(9), &[]), Err(StorageError::Io(_))));
    assert!(matches!(store.put_contact(&contact(9, "Clara", &[])), Err(StorageError::Io(_))));
    assert!(matches!(store.set_visibility(nowhere, Visibility::NONE), Err(StorageError::Io(_))));
    assert!(matches!(store.set_actor(nowhere, None), Err(StorageError::Io(_))));
    assert!(matches!(store.set_digest(nowhere, 1), Err(StorageError::Io(_))));
    assert_eq!(store.facts(nowhere).unwrap(), []);
    assert_eq!(store.document_kind(nowhere).unwrap(), None);
    store.remove_document(nowhere).unwrap();
}

fn digests(store: &mut dyn Storage) {
    for number in [2, 1, 3] {
        store.put_document(document(number), Kind::Conversation, Visibility::DASHBOARD, b"", number != 3).unwrap();
    }
    store.set_digest(document(1), u64::MAX).unwrap();
    assert_eq!(store.digests().unwrap(), [(document(1), u64::MAX), (document(2), 0)], "only what the relay knows");
}

fn facts(store: &mut dyn Storage) {
    store.put_document(document(1), Kind::Conversation, Visibility::DASHBOARD, b"", true).unwrap();
    store.put_facts(document(1), &[alert_fact(50, 5), message(40, 4, Delivery::Accepted)]).unwrap();
    store.put_facts(document(1), &[message(40, 6, Delivery::Sent), message(41, 3, Delivery::Received)]).unwrap();
    store.put_facts(document(1), &[message(40, 2, Delivery::Accepted)]).unwrap();
    let facts = store.facts(document(1)).unwrap();
    let expected = [message(41, 3, Delivery::Received), alert_fact(50, 5), message(40, 6, Delivery::Sent)];
    assert_eq!(facts, expected, "in the log's order; a later fact replaces, an older one doesn't");
    store.put_facts(document(1), &[message(40, 6, Delivery::Delivered)]).unwrap();
    assert_eq!(store.facts(document(1)).unwrap()[2], message(40, 6, Delivery::Delivered), "the same seq replaces");
    assert_eq!(store.document_of_alert(AlertId(id(50))).unwrap(), Some(document(1)));
    assert_eq!(store.document_of_alert(AlertId(id(51))).unwrap(), None);
}

fn intents(store: &mut dyn Storage) {
    let first = store.insert_intent(&intent(30, 1, IntentState::Pending)).unwrap();
    let second = store.insert_intent(&intent(20, 2, IntentState::InFlight { push: 1 })).unwrap();
    let third = store.insert_intent(&intent(10, 1, IntentState::WaitsFor { document: document(2) })).unwrap();
    assert!(first < second && second < third, "{first} {second} {third}");
    assert_eq!(store.intent(IntentId(id(20))).unwrap().unwrap().position, second);
    assert_eq!(ids(store.open_intents().unwrap()), [30, 20, 10], "in the order in which they were made");
    assert_eq!(ids(store.open_intents_of(document(1)).unwrap()), [30, 10]);
    assert_eq!(ids(store.intents_of(document(1)).unwrap()), [30, 10]);

    let mut moved = store.intent(IntentId(id(30))).unwrap().unwrap();
    moved.document = document(2);
    moved.state = IntentState::NeedsAttention(Attention::AccessLost);
    store.update_intent(&moved).unwrap();
    assert_eq!(store.intent(IntentId(id(30))).unwrap(), Some(moved));
    assert_eq!(ids(store.open_intents().unwrap()), [20, 10]);
    assert_eq!(ids(store.attention().unwrap()), [30]);

    for number in [10, 20] {
        let mut accepted = store.intent(IntentId(id(number))).unwrap().unwrap();
        accepted.state = IntentState::Accepted { seq: 4 };
        store.update_intent(&accepted).unwrap();
    }
    assert_eq!(ids(store.accepted_since(Timestamp(10)).unwrap()), [20, 10]);
    assert_eq!(ids(store.intents_of(document(2)).unwrap()), [30, 20], "whatever became of them");
    assert_eq!(ids(store.accepted_since(Timestamp(11)).unwrap()), [20]);
    store.forget_accepted_before(Timestamp(20)).unwrap();
    assert_eq!(ids(store.accepted_since(Timestamp(0)).unwrap()), [20]);
    assert_eq!(ids(store.attention().unwrap()), [30], "only accepted ones are forgotten");

    store.remove_intent(IntentId(id(30))).unwrap();
    store.remove_intent(IntentId(id(20))).unwrap();
    assert_eq!(store.intent(IntentId(id(30))).unwrap(), None);
    assert!(
        store.insert_intent(&intent(60, 1, IntentState::Pending)).unwrap() > third,
        "a position is never used twice"
    );
    assert!(store.insert_intent(&intent(60, 1, IntentState::Pending)).is_err(), "an id is used once");
    assert!(store.update_intent(&intent(61, 1, IntentState::Pending)).is_err());
}

fn registers(store: &mut dyn Storage) {
    let draft = RegisterKey::Draft(document(1));
    let written = |content: RegisterContent, version, stored_version| StoredRegister {
        content,
        version,
        stored_version,
        send_after: Timestamp(9),
    };
    assert_eq!(store.register(draft).unwrap(), None);
    store.put_register(draft, &written(RegisterContent::Text("Hel".into()), 1, 0)).unwrap();
    let latest = written(RegisterContent::Text("Hello".into()), 2, 1);
    store.put_register(draft, &latest).unwrap();
    let read = (RegisterKey::ReadMark(document(1)), written(RegisterContent::Order(12), 3, 3));
    store.put_register(read.0, &read.1).unwrap();
    assert_eq!(store.register(draft).unwrap(), Some(latest.clone()));
    assert_eq!(store.dirty_registers().unwrap(), [(draft, latest.clone())]);
    assert_eq!(store.drafts().unwrap(), [(document(1), latest)], "of a conversation that is not here, too");

    store.put_document(document(1), Kind::Conversation, Visibility::DASHBOARD, b"", true).unwrap();
    store.put_facts(document(1), &[alert_fact(50, 5), alert_fact(51, 6)]).unwrap();
    let dismissed = |alert| RegisterKey::Dismissed(AlertId(id(alert)));
    store.put_register(dismissed(50), &written(RegisterContent::Flag(true), 1, 1)).unwrap();
    store.put_register(dismissed(51), &written(RegisterContent::Flag(false), 1, 1)).unwrap();
    store.put_register(dismissed(52), &written(RegisterContent::Flag(true), 1, 1)).unwrap();
    store.put_register(RegisterKey::MarkedUnread(document(1)), &written(RegisterContent::Flag(true), 1, 1)).unwrap();
    let of = store.registers_of(document(1)).unwrap();
    assert_eq!((of.read, of.marked_unread, of.draft), (12, true, true));
    assert_eq!(of.dismissed, BTreeSet::from([AlertId(id(50))]));
    store.put_register(draft, &written(RegisterContent::Text(String::new()), 3, 3)).unwrap();
    assert!(!store.registers_of(document(1)).unwrap().draft, "an empty draft is none");
    assert_eq!(store.drafts().unwrap(), []);
    let none = store.registers_of(document(2)).unwrap();
    assert_eq!((none.read, none.marked_unread, none.draft, none.dismissed.len()), (0, false, false, 0));
}

fn lookups(store: &mut dyn Storage) {
    let row = conversation(1);
    put(store, &row, &[]);
    put_contact(store, &contact(1, "Clara", &["+15550102030", "+15550102031"]));
    assert_eq!(store.document_of(row.conversation).unwrap(), Some(document(1)));
    assert_eq!(store.document_of(ConversationId(id(1))).unwrap(), None);
    assert_eq!(store.contact_by_phone("+15550102031").unwrap(), Some(row.contact));
    assert_eq!(store.contact_by_phone("+15550102032").unwrap(), None);
    assert_eq!(store.conversation_with(row.contact, &row.channel).unwrap(), Some(document(1)));
    assert_eq!(store.conversation_with(row.contact, &Channel::WebChat("shop".into())).unwrap(), None);
    assert_eq!(store.contact_row(row.contact).unwrap().unwrap().name, "Clara");

    put_contact(store, &contact(1, "Clara Ng", &["+15550102032"]));
    assert_eq!(store.contact_row(row.contact).unwrap().unwrap().name, "Clara Ng");
    assert_eq!(store.contact_by_phone("+15550102031").unwrap(), None, "a number that was taken away finds nobody");

    // Ben starts one offline with a number that the relay already knows.
    store.put_document(document(1_002), Kind::Contact, Visibility::DASHBOARD, b"", false).unwrap();
    store.put_contact(&contact(2, "Clara?", &["+15550102032"])).unwrap();
    assert_eq!(store.contact_by_phone("+15550102032").unwrap(), Some(row.contact), "the relay's contact comes first");
}

/// R13: an alert that is moot may stand again, so that the fact counts and not whether it is shown.
fn alerts(store: &mut dyn Storage) {
    put(store, &conversation(1), &[alert(1, 50), alert(1, 51)]);
    put(store, &conversation(2), &[]);
    put(store, &conversation(3), &[]);
    store.put_facts(document(1), &[alert_fact(50, 5), alert_fact(51, 6)]).unwrap();
    store.put_facts(document(2), &[alert_fact(52, 7)]).unwrap();
    store.put_facts(document(3), &[message(60, 8, Delivery::Received)]).unwrap();
    assert_eq!(store.documents_with_alerts().unwrap(), BTreeSet::from([document(1), document(2)]));
    store.put_conversation(&conversation(1), &[]).unwrap();
    assert_eq!(store.documents_with_alerts().unwrap(), BTreeSet::from([document(1), document(2)]));
}

/// R9: nothing of a removed document stays but its author's intents.
fn removal(store: &mut dyn Storage) {
    for number in [1, 2] {
        put(store, &conversation(number), &[alert(number, 50 + number)]);
        put_contact(store, &contact(number, "Clara", &[&format!("+1555010203{number}")]));
        store.append_changes(document(number), &[vec![1]]).unwrap();
        store
            .put_facts(document(number), &[alert_fact(50 + number, 5), message(number, 4, Delivery::Received)])
            .unwrap();
        store.insert_intent(&intent(30 + number, number, IntentState::Pending)).unwrap();
        let register = StoredRegister {
            content: RegisterContent::Flag(true),
            version: 1,
            stored_version: 0,
            send_after: Timestamp(0),
        };
        store.put_register(RegisterKey::MarkedUnread(document(number)), &register).unwrap();
        store.put_register(RegisterKey::Dismissed(AlertId(id(50 + number))), &register).unwrap();
    }
    store.remove_document(document(1)).unwrap();
    store.remove_document(document(1_001)).unwrap();
    assert_eq!(store.document(document(1)).unwrap(), None);
    assert_eq!(store.facts(document(1)).unwrap(), []);
    assert_eq!(store.document_of(conversation(1).conversation).unwrap(), None);
    assert_eq!(store.contact_by_phone("+15550102031").unwrap(), None);
    assert_eq!(store.contact_row(document(1_001)).unwrap(), None);
    assert_eq!(store.document_of_alert(AlertId(id(51))).unwrap(), None);
    assert_eq!(store.documents_with_alerts().unwrap(), BTreeSet::from([document(2)]));
    assert_eq!(store.register(RegisterKey::MarkedUnread(document(1))).unwrap(), None);
    assert_eq!(store.register(RegisterKey::Dismissed(AlertId(id(51)))).unwrap(), None);
    assert_eq!(store.dirty_registers().unwrap().len(), 2, "another conversation keeps its own");
    assert_eq!(ids(store.open_intents().unwrap()), [31, 32], "intents stay");

    // A document that comes back comes back empty.
    store.put_document(document(1), Kind::Conversation, Visibility::DASHBOARD, b"", true).unwrap();
    let back = store.document(document(1)).unwrap().unwrap();
    assert_eq!((back.tail.len(), back.actor, store.facts(document(1)).unwrap().len()), (0, None, 0));

    store.remove_all_documents().unwrap();
    assert_eq!(store.documents(None).unwrap(), []);
    assert_eq!(store.dirty_registers().unwrap(), []);
    assert_eq!(store.contact_by_phone("+15550102032").unwrap(), None);
    assert!(store.documents_with_alerts().unwrap().is_empty());
    assert_eq!(ids(store.open_intents().unwrap()), [31, 32]);
}

/// R16: what comes due is found by its time, where it is on the dashboard and not dealt with; what was dealt with goes with
/// its conversation.
fn what_comes_due_is_found(store: &mut dyn Storage) {
    let follow_up = |number, at, reminded| {
        let reminders =
            Reminders { follow_up: Some(Timestamp(at)), reminded: Timestamp(reminded), ..Reminders::default() };
        ConversationRow { reminders, ..conversation(number) }
    };
    put(store, &follow_up(1, 50, 0), &[]);
    put(store, &follow_up(2, 60, 0), &[]);
    put(store, &follow_up(3, 50, 50), &[]);
    put(store, &ConversationRow { visibility: Visibility::RECORD, ..follow_up(4, 50, 0) }, &[]);
    let waiting = Waiting { message: IntentId(id(9)), order: 9, since: Timestamp(40) };
    let reminders = Reminders { waiting: Some(waiting), ..Reminders::default() };
    put(store, &ConversationRow { reminders, ..conversation(5) }, &[]);
    let found = |store: &dyn Storage, until, waiting: Option<i64>| -> Vec<u64> {
        let rows = store.reminding(Timestamp(until), waiting.map(Timestamp)).unwrap();
        rows.iter().map(|row| row.last_seq).collect()
    };
    assert_eq!(found(store, 49, None), [0u64; 0]);
    assert_eq!(found(store, 50, None), [1]);
    assert_eq!(found(store, 60, Some(39)), [1, 2]);
    assert_eq!(found(store, 60, Some(40)), [1, 2, 5]);
    assert_eq!(store.row(document(1)).unwrap().unwrap().reminders.follow_up, Some(Timestamp(50)));

    let dealt = StoredRegister {
        content: RegisterContent::Time(Timestamp(50)),
        version: 1,
        stored_version: 0,
        send_after: Timestamp(0),
    };
    for key in [RegisterKey::Reminded(document(1)), RegisterKey::FollowUp(document(1))] {
        store.put_register(key, &dealt).unwrap();
    }
    let registers = store.registers_of(document(1)).unwrap();
    assert_eq!((registers.reminded, registers.follow_up), (Timestamp(50), Some(Timestamp(50))));
    assert_eq!(store.chosen().unwrap().len(), 1, "that something was dealt with is no choice");
    store.remove_document(document(1)).unwrap();
    assert_eq!(store.dirty_registers().unwrap(), []);
}

fn assigned_rows_are_written_again(store: &mut dyn Storage) {
    let mut row = conversation(1);
    row.assignees = BTreeMap::from([(ANNA, BTreeSet::from([AssignmentReason::Manual]))]);
    row.tags = BTreeSet::from(["vip".into()]);
    put(store, &row, &[]);
    row.assignees = BTreeMap::from([(BEN, BTreeSet::from([AssignmentReason::Reply]))]);
    row.tags = BTreeSet::from(["refund".into(), "vip".into()]);
    row.origins = vec![Origin::Campaign, Origin::Direct];
    store.put_conversation(&row, &[]).unwrap();
    store.put_conversation(&row, &[]).unwrap();
    assert_eq!(store.document_of(row.conversation).unwrap(), Some(document(1)));
}

/// A conversation may be in two documents while it moves, and be started twice with one contact.
fn of_two_documents_the_better_one_is_found(store: &mut dyn Storage) {
    let moved = ConversationRow { conversation: conversation(1).conversation, ..conversation(2) };
    put(store, &conversation(1), &[]);
    put(store, &moved, &[]);
    assert_eq!(store.document_of(moved.conversation).unwrap(), Some(document(2)), "where it goes on");

    let contact = document(1_009);
    let of = |number| ConversationRow { contact, ..conversation(number) };
    store.put_document(document(8), Kind::Conversation, Visibility::DASHBOARD, b"", false).unwrap();
    store.put_conversation(&of(8), &[]).unwrap();
    assert_eq!(store.conversation_with(contact, &of(8).channel).unwrap(), Some(document(8)));
    put(store, &of(6), &[]);
    put(store, &of(7), &[]);
    assert_eq!(store.conversation_with(contact, &of(8).channel).unwrap(), Some(document(7)), "the relay's, the latest");
}

/// Every promise; `run` gives each a store of its own.
fn contract(mut run: impl FnMut(fn(&mut dyn Storage))) {
    let promises: [fn(&mut dyn Storage); 13] = [
        identity_and_state,
        documents,
        what_belongs_to_a_document_needs_it,
        digests,
        facts,
        intents,
        registers,
        lookups,
        alerts,
        what_comes_due_is_found,
        removal,
        assigned_rows_are_written_again,
        of_two_documents_the_better_one_is_found,
    ];
    promises.into_iter().for_each(&mut run);
}

fn on(mut database: Database, promise: fn(&mut dyn Storage)) {
    database
        .write(|storage| {
            promise(storage);
            Ok::<_, StorageError>(())
        })
        .unwrap();
    database.integrity_check().unwrap();
}

#[test]
fn the_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    contract(|promise| {
        count += 1;
        on(Database::open(&folder.path().join(format!("{count}.db")), &DatabaseKey::new([7; 32])).unwrap(), promise);
    });
}

#[test]
fn the_database_in_memory_keeps_the_contract() {
    contract(|promise| on(Database::in_memory().unwrap(), promise));
}

#[test]
fn the_storage_of_the_sessions_tests_keeps_the_contract() {
    contract(|promise| promise(&mut MemoryStorage::default()));
}
