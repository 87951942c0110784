//! What a member finds in their list, by searching, and in the panel beside a conversation.

use std::time::Duration;

use offdesk_core::{
    engine::Error,
    intents::{ContactEdit, NewContact},
    model::{Origin, conversation::AssignmentReason},
    protocol::Deed,
    triage::InboxFilter,
};
use offdesk_tests::{AGENT, Phone, World, eventually};

const MARIA: &str = "+14155550123";
const PAUL: &str = "+14155550124";
const ZOE: &str = "+14155559876";

fn listed(phone: &Phone, filter: InboxFilter) -> Vec<String> {
    let rows = phone.inbox(&filter, 100, None).unwrap();
    let mut names: Vec<String> = rows.into_iter().map(|row| row.contact_name).collect();
    names.sort();
    names
}

/// R21, R22: the list is narrowed by why one is assigned, by tag and by origin, without a network.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_narrowed() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let phone = world.phone(&ana, "Ana's phone").await;
    for customer in [MARIA, PAUL, ZOE] {
        world.inbound(customer, "Hello").await;
        eventually("it is there", || phone.conversation_with(customer).is_some()).await;
    }
    let [maria, paul, zoe] = [MARIA, PAUL, ZOE].map(|customer| phone.conversation_with(customer).unwrap());
    phone.go_offline();
    phone.reply(maria, "Coming").unwrap();
    phone.assign(paul, ana.id).unwrap();
    phone.assign(zoe, ben.id).unwrap();
    phone.add_tag(zoe, "roof").unwrap();
    let reason = |reason| InboxFilter { reason: Some(reason), ..InboxFilter::default() };
    assert_eq!(listed(&phone, reason(AssignmentReason::Reply)), [MARIA]);
    assert_eq!(listed(&phone, reason(AssignmentReason::Manual)), [PAUL]);
    assert!(listed(&phone, reason(AssignmentReason::Automation)).is_empty());
    assert_eq!(listed(&phone, InboxFilter { tag: Some("roof".into()), ..InboxFilter::default() }), [ZOE]);
    assert_eq!(listed(&phone, InboxFilter { needs_reply: true, ..InboxFilter::default() }), [PAUL, ZOE]);
    let origin = |origin| InboxFilter { origin: Some(origin), ..InboxFilter::default() };
    assert_eq!(listed(&phone, origin(Origin::Direct)).len(), 3);
    assert!(listed(&phone, origin(Origin::Campaign)).is_empty());
    world.stop().await;
}

/// R23: a customer is found while one types, by any part of the name, with or without accents, and by the phone in whatever
/// form, without a network.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_found_as_one_types() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let phone = world.phone(&ana, "Ana's phone").await;
    phone.go_offline();
    for (name, number) in [("María Gómez", MARIA), ("Paul Newman", PAUL), ("Zoë Saldaña", ZOE)] {
        let new = NewContact { name: name.into(), phones: vec![number.into()], ..NewContact::default() };
        phone.create_contact(new).unwrap();
    }
    let found = |typed: &str| -> Vec<String> {
        phone.search(typed, 10).unwrap().into_iter().map(|hit| hit.contact.name).collect()
    };
    for typed in ["María", "maria", "gom", "GÓMEZ mar", "(415) 555-0123", "+1415 5550123", "0123"] {
        assert_eq!(found(typed), ["María Gómez"], "{typed}");
    }
    for typed in ["saldana", "zoe", "9876"] {
        assert_eq!(found(typed), ["Zoë Saldaña"], "{typed}");
    }
    assert!(found("nobody").is_empty());
    world.stop().await;
}

/// R24: beside a conversation stand the customer's details and the conversation's, and who did what.
#[tokio::test(flavor = "multi_thread")]
async fn the_panel_tells_who_did_what() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);
    world.inbound(MARIA, "Hello").await;
    eventually("it is there", || anas.conversation_with(MARIA).is_some()).await;
    let conversation = anas.conversation_with(MARIA).unwrap();
    let contact = anas.conversation(conversation).unwrap().contact.unwrap();
    let edit = ContactEdit {
        name: Some("Maria Gomez".into()),
        email: Some("maria@example.com".into()),
        custom: vec![("roof".into(), "slate".into())],
        owner: Some(ben.id),
        ..ContactEdit::default()
    };
    anas.edit_contact(contact.id, edit).unwrap();
    anas.assign(conversation, ben.id).unwrap();
    anas.add_tag(conversation, "roof").unwrap();
    anas.close_conversation(conversation).unwrap();
    anas.live().await;
    eventually("Ben's panel has it all", || {
        let known = bens.conversation(conversation);
        known.is_ok_and(|view| view.timeline.iter().any(|entry| entry.what == Deed::Closed))
    })
    .await;
    let view = bens.conversation(conversation).unwrap();
    let card = view.contact.unwrap();
    assert_eq!((card.name.as_str(), card.email.as_deref()), ("Maria Gomez", Some("maria@example.com")));
    assert_eq!((card.owner, card.custom.get("roof").map(String::as_str)), (Some(ben.id), Some("slate")));
    assert!(card.phones.contains(MARIA) && view.row.tags.contains("roof"));
    assert_eq!(view.assignments.len(), 1);
    let told: Vec<_> = view.timeline.iter().map(|entry| (entry.by, entry.what.clone())).collect();
    let assigned = Deed::Assigned { member: ben.id, reason: AssignmentReason::Manual };
    let expected = [assigned, Deed::Tagged("roof".into()), Deed::Closed].map(|deed| (Some(ana.id), deed));
    assert_eq!(told, expected);
    world.stop().await;
}

/// R26: what was asked for is taken back until it is on its way, and then no more.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_left_is_taken_back() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let phone = world.phone(&ana, "Ana's phone").await;
    world.inbound(MARIA, "Hello").await;
    eventually("it is there", || phone.conversation_with(MARIA).is_some()).await;
    let conversation = phone.conversation_with(MARIA).unwrap();
    phone.go_offline();
    let (said, tagged) = (phone.reply(conversation, "Oops").unwrap(), phone.add_tag(conversation, "vip").unwrap());
    assert_eq!(phone.texts(conversation), ["Hello", "Oops"]);
    phone.undo(said).unwrap();
    assert_eq!(phone.texts(conversation), ["Hello"]);
    assert!(phone.conversation(conversation).unwrap().assignments.is_empty(), "R17: the assignment goes with it");
    phone.go_online();
    phone.live().await;
    assert!(phone.conversation(conversation).unwrap().row.tags.contains("vip"), "what came after it stands");
    assert!(matches!(phone.undo(tagged), Err(Error::TooLate | Error::UnknownIntent(_))));
    assert!(world.provider.handset(MARIA).is_empty(), "nobody was texted");
    world.stop().await;
}

/// R41: messages stand in the order in which the relay had them; one's own that wait stand last, whatever any clock says.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_reorder_nothing() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);
    world.inbound(MARIA, "First").await;
    eventually("it is on both", || [&anas, &bens].iter().all(|phone| phone.conversation_with(MARIA).is_some())).await;
    let conversation = anas.conversation_with(MARIA).unwrap();
    // Ana's clock is days ahead of Ben's.
    anas.clock.leap(Duration::from_secs(3 * 24 * 60 * 60));
    anas.note(conversation, "Second").unwrap();
    eventually("Ben has it", || bens.texts(conversation).len() == 2).await;
    bens.note(conversation, "Third").unwrap();
    eventually("Ana has it", || anas.texts(conversation).len() == 3).await;
    bens.go_offline();
    bens.note(conversation, "Pending").unwrap();
    anas.note(conversation, "Fourth").unwrap();
    assert_eq!(bens.texts(conversation), ["First", "Second", "Third", "Pending"]);
    anas.live().await;
    bens.go_online();
    let all = ["First", "Second", "Third", "Fourth", "Pending"];
    eventually("the same everywhere", || [&anas, &bens].iter().all(|phone| phone.texts(conversation) == all)).await;
    world.stop().await;
}
