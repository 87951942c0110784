//! What comes in, what goes out, and what happens when something fails in between.

use super::*;
use crate::{
    protocol::{Goodbye, Verdict},
    sync::session::End,
    triage::{InboxFilter, ListDiff},
};

const LONG: Duration = Duration::from_secs(30);

fn first_page(customers: std::ops::Range<u8>) -> Vec<Response> {
    let mut frames = vec![welcome()];
    frames.extend(workspace());
    frames.extend(page(customers));
    frames
}

#[tokio::test]
async fn a_sync_brings_the_inbox_and_says_what_it_took() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..5);
    frames.push(cursor(10, true));
    scene.relay.says(frames, Some(End::Finished));
    let report = ada.sync_once(LONG).await.unwrap();
    assert!(report.up_to_date && report.first_page.is_some());
    assert_eq!(report.documents, 12);
    assert_eq!(ada.inbox(&InboxFilter::default(), 10, None).unwrap().len(), 5);
    assert_eq!(ada.me().unwrap().name, "Ada");
    assert_eq!(ada.settings().unwrap().name, "Sprocket");
    assert_eq!(ada.search("customer 3", 10).unwrap().len(), 1);
    let view = ada.conversation(conversation(3)).unwrap();
    assert_eq!((view.messages.len(), view.contact.unwrap().name.as_str()), (1, "Customer 3"));
}

#[tokio::test]
async fn what_came_before_the_deadline_is_kept() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..3);
    frames.push(cursor(3, false));
    scene.relay.says(frames, None);
    // The page is stored when the list shows it; only then the deadline may strike.
    let mut inbox = ada.observe_inbox(InboxFilter::default(), 10);
    let (outcome, _) = tokio::join!(ada.sync_once(Duration::from_secs(2)), inbox.next());
    assert!(matches!(outcome, Err(Error::Deadline)), "{outcome:?}");
    drop((ada, inbox));
    let ada = Offdesk::open(scene.config()).unwrap();
    assert_eq!(ada.inbox(&InboxFilter::default(), 10, None).unwrap().len(), 3);
}

#[tokio::test]
async fn a_live_device_shows_what_comes() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut inbox = ada.observe_inbox(InboxFilter::default(), 10);
    let mut status = ada.observe_status();
    let mut frames = first_page(0..1);
    frames.push(cursor(1, true));
    scene.relay.says(frames, None);
    ada.start();
    let steps = inbox.next().await.unwrap();
    assert!(
        matches!(&steps[..], [ListDiff::Insert { index: 0, item }] if item.contact_name == "Customer 0"),
        "{steps:?}"
    );
    status.wait_for(|status| status.connection == Connection::Live).await.unwrap();
    ada.set_network(NetworkState::Offline);
    status.wait_for(|status| status.connection == Connection::Offline).await.unwrap();
}

/// The end of a push waits a moment for the news of what was pushed; without them it is taken in all the same.
#[tokio::test]
async fn a_verdict_comes_without_news_too() {
    let scene = Scene::new();
    let config = Config { undo_window: Duration::ZERO, ..scene.config() };
    let ada = Offdesk::enrol(config, "http://relay.test", "FIRST", "Ada's phone").await.unwrap();
    let mut status = ada.observe_status();
    let mut frames = first_page(0..1);
    frames.push(cursor(1, true));
    scene.relay.says(frames, None);
    ada.start();
    status.wait_for(|status| status.connection == Connection::Live).await.unwrap();
    for (number, text) in [(1, "On my way"), (2, "Ten minutes")] {
        let intent = ada.reply(conversation(0), text).unwrap();
        let verdict = Response::Verdict { intents: vec![intent], verdict: Verdict::Accepted(2) };
        scene.relay.says(vec![welcome(), verdict, Response::PushDone { number }], Some(End::Finished));
        status.wait_for(|status| status.pending == 1).await.unwrap();
        status.wait_for(|status| status.pending == 0).await.unwrap();
    }
    assert_eq!(scene.relay.calls(), 3);
}

/// R10: a revoked device deletes its data, and shows nothing from then on.
#[tokio::test]
async fn a_revoked_device_wipes_itself() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..2);
    frames.push(cursor(2, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    let mut inbox = ada.observe_inbox(InboxFilter::default(), 10);
    assert_eq!(inbox.items().len(), 2);

    scene.relay.says(vec![Response::Goodbye { reason: Goodbye::Revoked }], Some(End::Finished));
    assert!(matches!(ada.sync_once(LONG).await, Err(Error::Revoked)));
    assert_eq!(inbox.next().await.unwrap().len(), 2);
    assert!(inbox.items().is_empty());
    assert!(matches!(ada.inbox(&InboxFilter::default(), 10, None), Err(Error::Revoked)));
    assert!(matches!(ada.reply(conversation(0), "hello"), Err(Error::Revoked)));
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0);
}

/// R31: saved on the device means saved, whatever happens next.
#[tokio::test]
async fn a_reply_survives_a_device_that_is_dropped() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..1);
    frames.push(cursor(1, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    let intent = ada.reply(conversation(0), "On my way").unwrap();
    drop(ada);
    let ada = Offdesk::open(scene.config()).unwrap();
    let outbox = ada.outbox().unwrap();
    assert_eq!(
        outbox.iter().map(|item| (item.intent, item.contact_name.as_str())).collect::<Vec<_>>(),
        [(intent, "Customer 0")]
    );
    let last = ada.conversation(conversation(0)).unwrap().messages.pop().unwrap();
    assert_eq!((last.text.as_str(), last.delivery), ("On my way", None));
    assert!(ada.conversation(conversation(0)).unwrap().row.assignees.contains_key(&ADA), "R17");
    ada.undo(intent).unwrap();
    assert!(ada.outbox().unwrap().is_empty());
    assert!(matches!(ada.undo(intent), Err(Error::UnknownIntent(_))));
}

/// A customer that is known already is not started twice.
#[tokio::test]
async fn starting_what_is_there_replies_there() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..1);
    frames.push(cursor(1, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    let started = ada.start_conversation("(415) 555-2000", None, None, Some("Hello again")).unwrap();
    assert_eq!(started.conversation, conversation(0));
    assert_eq!(ada.conversation(conversation(0)).unwrap().messages.len(), 2);
    assert_eq!(ada.start_conversation("415 555 2000", None, None, None).unwrap().intent, None);
    let new = ada.start_conversation("415-555-2999", Some("Zoë"), None, Some("Hello")).unwrap();
    assert_eq!(ada.conversation(new.conversation).unwrap().row.contact_name, "Zoë");
    assert!(matches!(ada.start_conversation("hello", None, None, None), Err(Error::InvalidPhone(_))));
    assert!(matches!(
        ada.start_conversation("415-555-2999", None, Some("+14155550199"), None),
        Err(Error::Forbidden { .. })
    ));
}

/// One document that can't be read costs only itself.
#[tokio::test]
async fn a_damaged_document_is_passed_over() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut frames = first_page(0..1);
    frames.push(cursor(1, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();

    let mut frames = vec![welcome()];
    frames.extend(page(1..2));
    frames.push(Response::Snapshot {
        document: DocumentId(id(3, 9)),
        kind: Kind::Conversation,
        visibility: Visibility::DASHBOARD,
        saved: ByteBuf::from(vec![1, 2, 3]),
        changes: Vec::new(),
        facts: Vec::new(),
        outline: None,
    });
    frames.push(cursor(9, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    assert_eq!(ada.inbox(&InboxFilter::default(), 10, None).unwrap().len(), 2);
    ada.reply(conversation(0), "Still here").unwrap();
}
