//! Administrators set the workspace up from their phones; members work with what was set up.

use offdesk_core::{
    engine::{CannedRef, Error, Offdesk, OutboxState},
    ids::{CannedId, QueueId},
    intents::VerbError,
    model::{
        Automation, Canned, Origin, Queue, RefusalCode, RegisterEdit, conversation::AssignmentReason, settings::edits,
    },
    sync::storage::Attention,
    triage::InboxFilter,
};
use offdesk_relay::automations::{self, Event};
use offdesk_tests::{ADMINISTRATOR, AGENT, REP, World, eventually};
use serde_json::json;

const MARIA: &str = "+14155550123";
const SALES: QueueId = QueueId([7; 16]);

fn sales(name: &str) -> Queue {
    Queue { name: name.into(), ..Queue::default() }
}

/// What a screen that shows `before` sends when it is saved as `after`.
fn queue(before: Option<&str>, after: &str) -> Vec<RegisterEdit> {
    let actions = |name: &str| sales(name).actions(SALES);
    edits(&before.map(actions).unwrap_or_default(), &actions(after))
}

fn name(phone: &Offdesk) -> Option<String> {
    phone.settings().unwrap().queues.get(&SALES).map(|queue| queue.name.clone())
}

/// What needs its author's attention.
fn attention(phone: &Offdesk) -> Vec<Attention> {
    let state = |state| match state {
        OutboxState::NeedsAttention(why) => Some(why),
        _ => None,
    };
    phone.outbox().unwrap().into_iter().filter_map(|item| state(item.state)).collect()
}

/// R1, R36: in a lift, Eve makes a queue and gives Ben another name. It shows on her phone at once, and on Ben's when she is out.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sets_up_offline() {
    let world = World::open().await;
    let (eve, ben) = (world.member("Eve", ADMINISTRATOR).await, world.member("Ben", AGENT).await);
    let (eves, bens) = (world.phone(&eve, "Eve's phone").await, world.phone(&ben, "Ben's phone").await);
    eventually("both know Ben", || [&eves, &bens].iter().all(|phone| phone.members().unwrap().len() == 2)).await;
    eves.go_offline();
    eves.administer(&queue(None, "Sales")).unwrap();
    assert_eq!(name(&eves).as_deref(), Some("Sales"), "it shows at once");
    let before = eves.members().unwrap().into_iter().find(|member| member.id == ben.id).unwrap();
    let mut after = before.clone();
    after.name = "Benjamin".into();
    eves.administer(&edits(&before.actions(), &after.actions())).unwrap();
    assert_eq!(name(&bens), None);

    let stranger = eves.administer(&edits(
        &sales("Sales").actions(SALES),
        &Queue { members: [offdesk_core::ids::MemberId([1; 16])].into(), ..sales("Sales") }.actions(SALES),
    ));
    assert!(matches!(stranger, Err(Error::Forbidden { .. })), "{stranger:?}");

    eves.go_online();
    eventually("Ben has the queue", || name(&bens).as_deref() == Some("Sales")).await;
    eventually("and his name", || bens.me().unwrap().name == "Benjamin").await;
    eventually("nothing waits", || eves.outbox().unwrap().is_empty()).await;
}

/// R1: what two Administrators edit at once is nobody's to overwrite unseen: the later one is told, and looks again.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_over_somebody_elses_needs_attention() {
    let world = World::open().await;
    let (eve, adam) = (world.member("Eve", ADMINISTRATOR).await, world.member("Adam", ADMINISTRATOR).await);
    let (eves, adams) = (world.phone(&eve, "Eve's phone").await, world.phone(&adam, "Adam's phone").await);
    eventually("Eve is known to herself", || eves.me().unwrap().access.is_some_and(|access| access.administrator))
        .await;
    eves.administer(&queue(None, "Sales")).unwrap();
    eventually("Adam has the queue", || name(&adams).is_some()).await;
    adams.go_offline();
    let late = adams.administer(&queue(Some("Sales"), "Sales west")).unwrap();
    // Built on the former one; it goes back with it.
    adams.administer(&queue(Some("Sales west"), "Sales south")).unwrap();
    eves.administer(&queue(Some("Sales"), "Sales east")).unwrap();
    eventually("Eve's is accepted", || eves.outbox().unwrap().is_empty()).await;

    adams.go_online();
    eventually("Adam is told of both", || attention(&adams).len() == 2).await;
    let told = attention(&adams);
    let stale = |why: &Attention| matches!(why, Attention::Rejected(refusal) if refusal.code == RefusalCode::Stale);
    assert!(told.iter().any(stale), "{told:?}");
    eventually("Eve's stands", || name(&adams).as_deref() == Some("Sales east")).await;
    let again = adams.retry(late);
    assert!(matches!(again, Err(Error::Verb(VerbError::ChangedMeanwhile))), "{again:?}");
    let unseen = adams.administer(&queue(Some("Sales"), "Sales west"));
    assert!(matches!(unseen, Err(Error::Verb(VerbError::ChangedMeanwhile))), "{unseen:?}");
    for item in adams.outbox().unwrap() {
        adams.discard(item.intent).unwrap();
    }
    adams.administer(&queue(Some("Sales east"), "Sales west")).unwrap();
    eventually("now it is Adam's to say", || name(&eves).as_deref() == Some("Sales west")).await;
}

/// R1, R2: a User is refused at once; an Administrator who is none any more, when their edit arrives. The edit is kept with the
/// reason.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_administer_is_refused() {
    let world = World::open().await;
    let (eve, adam) = (world.member("Eve", ADMINISTRATOR).await, world.member("Adam", ADMINISTRATOR).await);
    let ben = world.member("Ben", AGENT).await;
    let (eves, adams) = (world.phone(&eve, "Eve's phone").await, world.phone(&adam, "Adam's phone").await);
    let bens = world.phone(&ben, "Ben's phone").await;
    eventually("all know each other", || {
        [&eves, &adams, &bens].iter().all(|phone| phone.members().unwrap().len() == 3)
    })
    .await;
    let refused = bens.administer(&queue(None, "Mine"));
    assert!(matches!(&refused, Err(Error::Forbidden { reason }) if reason.contains("Administrator")), "{refused:?}");

    adams.go_offline();
    adams.administer(&queue(None, "Adam's")).unwrap();
    let member = |id| eves.members().unwrap().into_iter().find(|member| member.id == id).unwrap();
    let (before, agent) = (member(adam.id), member(ben.id).role);
    let mut after = before.clone();
    after.role = agent;
    eves.administer(&edits(&before.actions(), &after.actions())).unwrap();
    eventually("Adam is an Agent", || eves.outbox().unwrap().is_empty()).await;
    adams.go_online();
    eventually("Adam is told", || attention(&adams).len() == 1).await;
    let told = attention(&adams);
    assert!(matches!(&told[0], Attention::Rejected(refusal) if refusal.code == RefusalCode::Forbidden), "{told:?}");
    assert_eq!(name(&eves), None);
}

/// R26, R37: everybody's canned responses and one's own are found by a few letters, filled in, and inserted into the draft; one's
/// own follow to the other device.
#[tokio::test(flavor = "multi_thread")]
async fn canned_responses_are_found_and_inserted() {
    let world = World::open().await;
    let (eve, ben) = (world.member("Eve", ADMINISTRATOR).await, world.member("Ben Okafor", AGENT).await);
    let (eves, bens) = (world.phone(&eve, "Eve's phone").await, world.phone(&ben, "Ben's phone").await);
    let laptop = world.phone(&ben, "Ben's laptop").await;
    world.inbound(MARIA, "Is it ready?").await;
    eventually("Eve administers", || eves.me().unwrap().access.is_some_and(|access| access.administrator)).await;
    let thanks =
        Canned { shortcut: "thanks".into(), text: "Thanks, {contact.first_name|there}! {member.first_name}".into() };
    eves.administer(&edits(&[], &thanks.actions(CannedId([9; 16])))).unwrap();
    eventually("Ben has it, and Maria's conversation", || {
        !bens.canned("").unwrap().is_empty() && bens.conversation_with(MARIA).is_some()
    })
    .await;

    bens.go_offline();
    let own = Canned { shortcut: "there".into(), text: "We are there at {contact.email}".into() };
    let id = bens.keep_canned(None, &own).unwrap();
    for (canned, why) in [
        (Canned { shortcut: "two words".into(), ..own.clone() }, "one word"),
        (Canned { shortcut: "price".into(), text: "{price}".into() }, "no variable price"),
        (Canned { shortcut: "There".into(), ..own.clone() }, "of this shortcut"),
        (Canned { shortcut: "none".into(), text: " ".into() }, "write a text"),
    ] {
        let refused = bens.keep_canned(None, &canned);
        assert!(matches!(&refused, Err(Error::Forbidden { reason }) if reason.contains(why)), "{why}: {refused:?}");
    }
    let found =
        |typed: &str| -> Vec<CannedRef> { bens.canned(typed).unwrap().into_iter().map(|choice| choice.id).collect() };
    let shared = CannedRef::Shared(CannedId([9; 16]));
    assert_eq!(found("TH"), [shared, CannedRef::Own(id)], "by the beginning of the shortcut, in its order");
    assert_eq!(found("we are"), [CannedRef::Own(id)], "by the text");
    assert!(found("nothing").is_empty());

    let conversation = bens.conversation_with(MARIA).unwrap();
    bens.set_draft(conversation, "Hello.").unwrap();
    assert_eq!(bens.insert_canned(conversation, shared).unwrap().text, "Thanks, there! Ben");
    assert_eq!(bens.draft(conversation).unwrap().as_deref(), Some("Hello. Thanks, there! Ben"));
    let inserted = bens.insert_canned(conversation, CannedRef::Own(id)).unwrap();
    assert_eq!(inserted.missing, ["contact.email"]);
    assert_eq!(bens.preview_canned(conversation, "{price}").unwrap().unknown, ["price"]);

    bens.go_online();
    eventually("his own are on the laptop", || laptop.canned("there").unwrap().iter().any(|one| one.canned == own))
        .await;
    laptop.remove_canned(id).unwrap();
    eventually("and gone from both", || bens.canned("there").unwrap().iter().all(|one| one.id == shared)).await;
    assert!(matches!(bens.insert_canned(conversation, CannedRef::Own(id)), Err(Error::Verb(_))));
}

/// R19, R21, R22: what an automation assigned to a rep is on their phone, and found by why they have it and where it comes from.
#[tokio::test(flavor = "multi_thread")]
async fn an_automations_work_is_found() {
    let world = World::open().await;
    let (eve, rita) = (world.member("Eve", ADMINISTRATOR).await, world.member("Rita", REP).await);
    let (eves, ritas) = (world.phone(&eve, "Eve's phone").await, world.phone(&rita, "Rita's phone").await);
    eventually("Eve administers", || eves.me().unwrap().access.is_some_and(|access| access.administrator)).await;
    let cart = Automation {
        name: "Cart".into(),
        enabled: true,
        event: "abandoned_checkout".into(),
        template: "Still there, {contact.first_name}?".into(),
        members: [rita.id].into(),
        origin: Origin::CartRecovery,
        ..Automation::default()
    };
    eves.administer(&edits(&[], &cart.actions(offdesk_core::ids::AutomationId(eves.fresh_id().unwrap())))).unwrap();
    eventually("the relay has it", || eves.outbox().unwrap().is_empty()).await;
    let event: Event = serde_json::from_value(json!({
        "id": "7", "event": "abandoned_checkout", "contact": { "phone": MARIA, "name": "Maria Silva" },
    }))
    .unwrap();
    let (now, mut rng, workspace) = (world.app().now(), world.app().rng(), world.workspace());
    world
        .write(move |tx| {
            let handled = automations::handle(tx, now, &mut rng, workspace, &event).unwrap();
            assert!(handled.done[0].message.is_some(), "{handled:?}");
            Ok(())
        })
        .await;
    eventually("Rita has it", || !ritas.inbox(&InboxFilter::default(), 10, None).unwrap().is_empty()).await;
    let found = |filter: InboxFilter| ritas.inbox(&filter, 10, None).unwrap().len();
    assert_eq!(found(InboxFilter { reason: Some(AssignmentReason::Automation), ..InboxFilter::default() }), 1);
    assert_eq!(found(InboxFilter { reason: Some(AssignmentReason::Manual), ..InboxFilter::default() }), 0);
    assert_eq!(found(InboxFilter { origin: Some(Origin::CartRecovery), ..InboxFilter::default() }), 1);
    assert_eq!(found(InboxFilter { origin: Some(Origin::Direct), ..InboxFilter::default() }), 0);
    assert!(ritas.alerts().unwrap().is_empty(), "R14: it doesn't say that she is to be told");
    world.inbound(MARIA, "Yes!").await;
    eventually("R11: she is told of the answer", || ritas.alerts().unwrap().len() == 1).await;
    assert!(eves.alerts().unwrap().is_empty());
}
