//! What a member does: enrol, reply with and without a network, sort, search.

use std::time::{Duration, SystemTime};

use offdesk_core::{model::Status, time::Timestamp};
use offdesk_ffi::{AlertReason, Attention, Delivery, Device, InboxFilter, Network, OffdeskError, OutboxState, Puller};
use offdesk_tests::eventually;
use serde_json::json;

use crate::hand::{KEY, MARIA, Scene, is_live, messages, rows, the_conversation};

fn in_an_hour() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(3600);
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn enrol_and_open() {
    let scene = Scene::open().await;
    assert_eq!(Device::open(scene.config("Ada")).unwrap_err(), OffdeskError::NotEnrolled);
    let refused = Device::enrol(scene.config("Ada"), scene.relay.clone(), "WRONG".into(), "Ada".into()).await;
    assert!(matches!(refused, Err(OffdeskError::EnrolmentRefused { .. })), "{refused:?}");
    let ada = scene.enrol("Ada", "agent").await;
    let member = ada.me().unwrap().member;
    ada.close().await.unwrap();
    let again = Device::enrol(scene.config("Ada"), scene.relay.clone(), "ANY".into(), "Ada".into()).await;
    assert_eq!(again.unwrap_err(), OffdeskError::AlreadyEnrolled);
    let ada = Device::open(scene.config("Ada")).unwrap();
    assert!(ada.clone().sync_once(Duration::from_secs(30)).await.unwrap().up_to_date);
    let me = ada.me().unwrap();
    assert_eq!((me.member, me.name.as_str(), me.has_toggle), (member, "Ada", true));
}

/// R31: what is written without a network is durable, and arrives once when there is one.
#[tokio::test(flavor = "multi_thread")]
async fn offline_reply_is_delivered_later() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Is my order ready?").await;
    let conversation = the_conversation(&ada).await;
    scene.network(false).await;
    ada.set_network(Network::Offline).unwrap();
    ada.reply(conversation, "Yes, come by!".into()).unwrap();
    assert_eq!(messages(&ada, conversation)[1].delivery, Delivery::Saved);
    ada.clone().close().await.unwrap();

    let ada = Device::open(scene.config("Ada")).unwrap();
    assert_eq!(messages(&ada, conversation)[1].text, "Yes, come by!");
    scene.network(true).await;
    ada.start().unwrap();
    eventually("it is delivered", || messages(&ada, conversation)[1].delivery == Delivery::Delivered).await;
    assert_eq!(scene.sent().await, ["Yes, come by!"]);
}

/// R11, R12, R15, R16: told, told why, and dealt with.
#[tokio::test(flavor = "multi_thread")]
async fn alert_is_raised_and_dismissed() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    eventually("Ada is alerted", || ada.badge().unwrap() == 1).await;
    let alert = ada.alerts().unwrap().remove(0);
    assert_eq!((alert.text.as_str(), alert.rule.as_str()), ("Hello?", "R12"));
    assert!(matches!(alert.reason, AlertReason::Unassigned { queue: None, .. }), "{:?}", alert.reason);
    let explained = ada.explain(alert.id).unwrap();
    assert_eq!(explained.rule, "R12");
    assert!(explained.sentences[0].contains("Nobody was assigned"), "{:?}", explained.sentences);
    ada.dismiss_alert(alert.id).unwrap();
    assert_eq!(ada.badge().unwrap(), 0);
}

/// R15: a push brings what is to be shown, once, to the app or to a process beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_tells_each_alert_once() {
    const LONG: Duration = Duration::from_secs(30);
    let scene = Scene::open().await;
    let ada = scene.enrol("Ada", "agent").await;
    ada.clone().sync_once(LONG).await.unwrap();
    scene.inbound(MARIA, "Hello?").await;
    let notices = ada.clone().handle_push(b"{}".to_vec(), LONG).await.unwrap();
    assert_eq!((notices.incomplete, notices.badge), (None, 1));
    assert_eq!(notices.show.iter().map(|alert| alert.text.as_str()).collect::<Vec<_>>(), ["Hello?"]);
    ada.alerts_shown(notices.show.iter().map(|alert| alert.id).collect()).unwrap();
    assert!(ada.clone().handle_push(Vec::new(), LONG).await.unwrap().show.is_empty());

    scene.inbound(MARIA, "Anybody there?").await;
    ada.clone().pause().await.unwrap();
    let puller = Puller::open(scene.config("Ada")).unwrap();
    let pulled = puller.clone().pull(LONG).await.unwrap();
    assert_eq!(pulled.show.iter().map(|alert| alert.text.as_str()).collect::<Vec<_>>(), ["Anybody there?"]);
    puller.alerts_shown(pulled.show.iter().map(|alert| alert.id).collect()).unwrap();
    ada.clone().resume().await.unwrap();
    assert!(ada.clone().handle_push(Vec::new(), LONG).await.unwrap().show.is_empty());
    assert_eq!(ada.badge().unwrap(), 2);
}

/// What the relay refuses stays with its author, with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_reply_is_shown_with_its_reason() {
    let scene = Scene::open().await;
    let member = scene.person("Ada", "agent").await;
    let ada = scene.enrol_for(&member, "Ada").await;
    ada.start().unwrap();
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    is_live(&ada).await;
    scene.network(false).await;
    ada.set_network(Network::Offline).unwrap();
    scene.set_level(&member, "reader").await;
    let intent = ada.reply(conversation, "Hi Maria".into()).unwrap();
    scene.network(true).await;
    ada.set_network(Network::Online).unwrap();
    eventually("it needs attention", || ada.status().attention == 1).await;
    let item = ada.outbox().unwrap().remove(0);
    assert_eq!((item.intent, item.text.as_deref()), (intent, Some("Hi Maria")));
    let OutboxState::NeedsAttention { why: Attention::Rejected { code, reason } } = item.state else {
        panic!("{:?}", item.state)
    };
    assert_eq!(code, "forbidden");
    assert!(!reason.is_empty());
    ada.discard(intent).unwrap();
    assert!(ada.outbox().unwrap().is_empty());
    assert!(scene.sent().await.is_empty());
}

/// R33: what was overtaken asks its author.
#[tokio::test(flavor = "multi_thread")]
async fn held_reply_is_sent() {
    let scene = Scene::with(json!({ "stale_after_ms": 0 })).await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Is it ready?").await;
    let conversation = the_conversation(&ada).await;
    scene.network(false).await;
    ada.set_network(Network::Offline).unwrap();
    ada.reply(conversation, "I'll check.".into()).unwrap();
    scene.inbound(MARIA, "Never mind, I see it.").await;
    scene.network(true).await;
    ada.set_network(Network::Online).unwrap();
    eventually("it is held", || ada.status().held == 1).await;
    let item = ada.outbox().unwrap().remove(0);
    let OutboxState::Held { by_text, .. } = item.state else { panic!("{:?}", item.state) };
    assert_eq!(by_text.as_deref(), Some("Never mind, I see it."));
    assert!(scene.sent().await.is_empty());
    ada.send_held(conversation, item.intent).unwrap();
    scene.until_sent("I'll check.").await;
}

/// R27.
#[tokio::test(flavor = "multi_thread")]
async fn draft_survives_reopening() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    ada.set_draft(conversation, "Hi Mar".into()).unwrap();
    assert!(rows(&ada)[0].draft);
    ada.close().await.unwrap();
    let ada = Device::open(scene.config("Ada")).unwrap();
    assert_eq!(ada.draft(conversation).unwrap().as_deref(), Some("Hi Mar"));
}

/// R18, R20: triage without a network, taken back while it has not left, and seen by a colleague.
#[tokio::test(flavor = "multi_thread")]
async fn assign_close_snooze_and_undo() {
    let scene = Scene::open().await;
    let (ada, ben) = (scene.live("Ada", "agent").await, scene.live("Ben", "agent").await);
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    let bens = ben.me().unwrap().member;
    eventually("Ada knows Ben", || ada.members().unwrap().iter().any(|member| member.id == bens)).await;
    ada.set_network(Network::Offline).unwrap();
    ada.assign(conversation, bens).unwrap();
    assert_eq!(rows(&ada)[0].assignees[0].member, bens);
    ada.snooze(conversation, in_an_hour()).unwrap();
    assert!(rows(&ada)[0].snoozed_until.is_some());
    let closing = ada.close_conversation(conversation).unwrap();
    ada.add_tag(conversation, "vip".into()).unwrap();
    assert_eq!(ada.add_tag(conversation, "vip".into()).unwrap_err(), OffdeskError::NothingToDo);
    assert_eq!(rows(&ada)[0].status, Status::Closed);
    ada.undo(closing).unwrap();
    assert_eq!(rows(&ada)[0].status, Status::Open);
    ada.set_network(Network::Online).unwrap();
    eventually("Ben sees that it is his and rests", || {
        rows(&ben).first().is_some_and(|row| row.snoozed_until.is_some() && row.assignees[0].member == bens)
    })
    .await;
    assert_eq!(rows(&ben)[0].status, Status::Open);
    let mine = InboxFilter { mine: true, ..InboxFilter::default() };
    assert_eq!(ben.inbox(mine, None, None).unwrap().rows.len(), 1);
}

/// R23.
#[tokio::test(flavor = "multi_thread")]
async fn search_by_name_and_phone() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    ada.set_network(Network::Offline).unwrap();
    ada.start_conversation("(415) 555-0123".into(), Some("María López".into()), None, Some("Hello".into())).unwrap();
    for typed in ["lopez", "mar", "5550123", "0123"] {
        let hits = ada.search(typed.into(), None).unwrap();
        assert_eq!(hits.len(), 1, "{typed}");
        assert_eq!((hits[0].contact.display_name.as_str(), hits[0].conversations.len()), ("María López", 1));
    }
    assert!(ada.search("ben".into(), None).unwrap().is_empty());
}

/// R24.
#[tokio::test(flavor = "multi_thread")]
async fn panels_show_the_customer() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    let started =
        ada.start_conversation(MARIA.into(), Some("Maria".into()), None, Some("Hello".into())).unwrap().conversation;
    ada.add_tag(started, "vip".into()).unwrap();
    let panels = ada.panels(started).unwrap();
    assert_eq!(panels.customer.name, "Maria");
    assert_eq!(panels.customer.card.unwrap().phones, [MARIA]);
    assert_eq!(panels.conversation.tags, ["vip"]);
    assert_eq!(panels.conversation.assignments[0].member, ada.me().unwrap().member);
}

/// R10: what was revoked holds nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn revoked_device_loses_its_data() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    the_conversation(&ada).await;
    scene.revoke("Ada").await;
    eventually("it is revoked", || ada.status().revoked).await;
    assert_eq!(ada.inbox(InboxFilter::default(), None, None).unwrap_err(), OffdeskError::Revoked);
    eventually("its file is gone", || !scene.path("Ada").exists()).await;
    let mut config = scene.config("Ada");
    config.key = KEY.to_vec();
    assert_eq!(Device::open(config).unwrap_err(), OffdeskError::NotEnrolled);
}
