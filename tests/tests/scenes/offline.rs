//! The main scene: somebody works without a network, and comes back.

use std::time::Duration;

use offdesk_core::{
    engine::OutboxState,
    model::{MessageKind, conversation::AssignmentReason},
    protocol::{Delivery, HeldBecause},
    triage::InboxFilter,
};
use offdesk_tests::{AGENT, Phone, World, eventually};

const MARIA: &str = "+14155550123";

fn row(phone: &Phone) -> offdesk_core::triage::ConversationRow {
    let rows = phone.inbox(&InboxFilter::default(), 10, None).unwrap();
    assert_eq!(rows.len(), 1, "one conversation");
    rows.into_iter().next().unwrap()
}

/// R26, R33, R31, R11 to R13, R25, R41: Ben triages and replies on a plane; meanwhile Ana answers and Maria writes again. His
/// triage stands, his stale reply is held and he is asked; what he then sends reaches Maria once, and both phones show the
/// same.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_reply_is_held_and_the_rest_stands() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);

    world.inbound(MARIA, "Is my order ready?").await;
    for phone in [&anas, &bens] {
        eventually("both are alerted: nobody is assigned (R12)", || phone.alerts().unwrap().len() == 1).await;
    }
    let conversation = bens.conversation_with(MARIA).unwrap();

    bens.go_offline();
    anas.reply(conversation, "Yes, it is.").unwrap();
    world.provider.until(|texts| texts.iter().any(|text| text.body == "Yes, it is.")).await;
    world.inbound(MARIA, "When can I come?").await;
    eventually("Ana is alerted as the assignee (R11)", || {
        anas.alerts().unwrap().iter().any(|active| active.alert.why.rule() == "R11")
    })
    .await;

    // Ben knows of none of this.
    assert_eq!(bens.texts(conversation), ["Is my order ready?"]);
    bens.add_tag(conversation, "pickup").unwrap();
    bens.note(conversation, "Her order is on shelf 4.").unwrap();
    bens.reply(conversation, "I'll check.").unwrap();
    assert_eq!(bens.texts(conversation), ["Is my order ready?", "Her order is on shelf 4.", "I'll check."]);
    assert!(row(&bens).tags.contains("pickup"));
    assert_eq!(bens.status().pending, 3);
    assert_eq!(bens.messages(conversation)[2].delivery, None, "saved on the device, no more (R31)");
    bens.clock.leap(Duration::from_secs(10 * 60));

    bens.go_online();
    bens.live().await;
    eventually("Ben is asked about his reply", || {
        bens.outbox().unwrap().iter().any(|item| matches!(item.state, OutboxState::Held { .. }))
    })
    .await;
    assert!(bens.alerts().unwrap().is_empty(), "Ana is assigned: nothing of this is Ben's to be told (R13, R15)");
    let held = bens.messages(conversation).into_iter().find(|message| message.text == "I'll check.").unwrap();
    let Some(Delivery::Held(HeldBecause::Newer(_))) = held.delivery else { panic!("{:?}", held.delivery) };
    assert!(row(&bens).needs_reply, "a held reply answers nobody (R25)");
    eventually("Ana sees tag, note and the held reply", || {
        row(&anas).tags.contains("pickup") && anas.messages(conversation).len() == 5
    })
    .await;
    let assignees = row(&anas).assignees;
    assert!(assignees.values().all(|reasons| reasons.contains(&AssignmentReason::Reply)));
    assert_eq!(assignees.len(), 2, "R17: both replied");

    bens.edit_held(conversation, held.id, "Any time until six.").unwrap();
    world.provider.until(|texts| texts.iter().any(|text| text.body == "Any time until six.")).await;
    for phone in [&anas, &bens] {
        eventually("the edited reply is delivered", || {
            phone.messages(conversation).last().unwrap().delivery == Some(Delivery::Delivered)
        })
        .await;
    }
    assert_eq!(world.provider.handset(MARIA), ["Yes, it is.", "Any time until six."]);
    assert_eq!(anas.messages(conversation), bens.messages(conversation), "the same, in the same order (R41)");
    let orders: Vec<_> = anas.messages(conversation).iter().map(|message| message.order).collect();
    assert!(orders.is_sorted() && orders.iter().all(Option::is_some));
    let dropped = anas.messages(conversation).into_iter().find(|message| message.id == held.id).unwrap();
    assert_eq!((dropped.kind, dropped.delivery), (MessageKind::Outbound, Some(Delivery::Dropped)));
    assert!(!row(&bens).needs_reply);
    assert!(bens.outbox().unwrap().is_empty());
}

/// R31: what was saved before a crash of the app is sent after it.
#[tokio::test(flavor = "multi_thread")]
async fn work_saved_offline_survives_the_app() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let phone = world.phone(&ana, "Ana's phone").await;
    world.inbound(MARIA, "Hello?").await;
    eventually("Maria's message is there", || phone.conversation_with(MARIA).is_some()).await;
    let conversation = phone.conversation_with(MARIA).unwrap();
    phone.go_offline();
    phone.reply(conversation, "Hello Maria").unwrap();
    phone.set_draft(conversation, "How can I h").unwrap();

    let phone = phone.reopen().await;
    assert_eq!(phone.texts(conversation), ["Hello?", "Hello Maria"]);
    assert_eq!(phone.draft(conversation).unwrap().as_deref(), Some("How can I h"), "R27");
    phone.go_online();
    phone.start();
    phone.live().await;
    world.provider.until(|texts| texts.iter().any(|text| text.body == "Hello Maria")).await;
    assert_eq!(world.provider.handset(MARIA), ["Hello Maria"]);
}
