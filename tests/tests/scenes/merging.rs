//! Two members who don't know of each other, and what becomes of both their work (R20).

use offdesk_core::{
    model::{Status, conversation::AssignmentReason},
    triage::{ConversationRow, InboxFilter},
};
use offdesk_tests::{AGENT, Phone, World, database, eventually};

const MARIA: &str = "+14155550123";

fn row(phone: &Phone) -> ConversationRow {
    let mut rows = phone.inbox(&InboxFilter::default(), 10, None).unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// R20: Ben closes offline what Maria reopens by writing: it is open. Closing it knowing her message closes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_inbound_message_that_a_closing_did_not_know_of_reopens() {
    let world = World::open().await;
    let ben = world.member("Ben", AGENT).await;
    let phone = world.phone(&ben, "Ben's phone").await;
    world.inbound(MARIA, "Thanks, bye").await;
    eventually("it is there", || phone.conversation_with(MARIA).is_some()).await;
    let conversation = phone.conversation_with(MARIA).unwrap();
    phone.go_offline();
    phone.close_conversation(conversation).unwrap();
    assert_eq!(row(&phone).status, Status::Closed);
    world.inbound(MARIA, "One more thing").await;
    phone.go_online();
    eventually("it is open again", || row(&phone).status == Status::Open && phone.texts(conversation).len() == 2).await;
    phone.live().await;
    phone.close_conversation(conversation).unwrap();
    phone.live().await;
    assert_eq!(row(&phone).status, Status::Closed);
    world.inbound(MARIA, "And another").await;
    eventually("a new episode", || row(&phone).status == Status::Open).await;
}

/// R18, R20: Ana assigns Carl while Ben, offline, unassigns Carl as he knew him and tags: the assignment that Ben didn't know
/// of stays, the tags of both stand.
#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_survives_a_removal_that_did_not_know_of_it() {
    let world = World::open().await;
    let (ana, ben, carl) =
        (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await, world.member("Carl", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);
    world.inbound(MARIA, "Hello").await;
    for phone in [&anas, &bens] {
        eventually("it is there", || phone.conversation_with(MARIA).is_some()).await;
    }
    let conversation = anas.conversation_with(MARIA).unwrap();
    anas.assign(conversation, carl.id).unwrap();
    eventually("Ben sees Carl", || row(&bens).assignees.contains_key(&carl.id)).await;

    bens.go_offline();
    bens.unassign(conversation, carl.id).unwrap();
    bens.add_tag(conversation, "roof").unwrap();
    assert!(!row(&bens).assignees.contains_key(&carl.id));
    anas.assign(conversation, carl.id).unwrap();
    anas.add_tag(conversation, "urgent").unwrap();
    anas.live().await;
    bens.go_online();
    for phone in [&anas, &bens] {
        eventually("both see both", || {
            let row = row(phone);
            row.tags.len() == 2 && row.assignees.contains_key(&carl.id) && row.pending == 0
        })
        .await;
        assert!(row(phone).assignees[&carl.id].contains(&AssignmentReason::Manual));
    }
    assert_eq!(
        anas.conversation(conversation).unwrap().assignments.len(),
        1,
        "the removal took what Ben had seen, and only that"
    );
    assert_eq!(
        anas.conversation(conversation).unwrap().assignments,
        bens.conversation(conversation).unwrap().assignments
    );
}

/// A read model that is damaged on disk is built anew from the documents when the device opens: same list, same search, and
/// what was waiting still goes out.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_read_model_is_built_anew() {
    let world = World::open().await;
    let ben = world.member("Ben", AGENT).await;
    let phone = world.phone(&ben, "Ben's phone").await;
    world.inbound(MARIA, "About the gutter").await;
    eventually("it is there", || phone.conversation_with(MARIA).is_some()).await;
    let conversation = phone.conversation_with(MARIA).unwrap();
    phone.add_tag(conversation, "gutter").unwrap();
    phone.live().await;
    phone.go_offline();
    phone.reply(conversation, "On Monday").unwrap();
    let (before, texts) = (row(&phone), phone.texts(conversation));

    let phone = phone
        .tampered(|path, key| {
            let connection = database::open_writable(path, key);
            connection
                .execute_batch(
                    "DROP TABLE conversation_tags; DELETE FROM conversation_rows; UPDATE contact_rows SET body = x'c1'",
                )
                .unwrap();
        })
        .await;
    assert_eq!(row(&phone), before);
    assert_eq!(phone.texts(conversation), texts);
    assert_eq!(phone.search("0123", 10).unwrap().len(), 1);
    phone.go_online();
    phone.start();
    phone.live().await;
    world.provider.until(|texts| texts.iter().any(|text| text.body == "On Monday")).await;
}
