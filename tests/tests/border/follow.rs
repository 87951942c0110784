//! What a screen follows: lists, status, the end of both.

use std::{sync::Arc, time::Duration};

use offdesk_ffi::{Connection, InboxFilter, InboxStep, Network, OffdeskError, open_lists};
use offdesk_tests::{eventually, in_time};

use crate::hand::{MARIA, Scene, follow, is_live, rows, the_conversation};

/// The counter of open lists is one for the whole process: who reads it is alone.
static COUNTED: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How many subscriptions are made to show that none is kept.
fn subscriptions() -> u32 {
    if std::env::var_os("OFFDESK_FULL").is_some() { 10_000 } else { 500 }
}

#[tokio::test(flavor = "multi_thread")]
async fn inbox_follows_by_diffs() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    let list = ada.observe_inbox(InboxFilter::default(), None).unwrap();
    let mut shown = Vec::new();
    let first = list.clone().next().await.unwrap().unwrap();
    assert_eq!(first, [InboxStep::Reset { items: Vec::new() }]);
    scene.inbound(MARIA, "Hello?").await;
    follow(&list, &mut shown, |rows| rows.len() == 1).await;
    scene.inbound("+14155550199", "Hi").await;
    follow(&list, &mut shown, |rows| rows.len() == 2).await;
    scene.inbound(MARIA, "Anybody there?").await;
    follow(&list, &mut shown, |rows| rows[0].preview == "Anybody there?").await;
    eventually("nothing is left out", || rows(&ada).len() == 2).await;
    assert_eq!(shown, rows(&ada));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_waits() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    let changes = ada.observe_status();
    ada.set_network(Network::Offline).unwrap();
    ada.reply(conversation, "Hello Maria".into()).unwrap();
    in_time("the status says that it waits", async {
        while changes.clone().next().await.unwrap().unwrap().pending != 1 {}
    })
    .await;
    assert_eq!((ada.status().network, ada.status().connection), (Network::Offline, Connection::Offline));
    ada.set_network(Network::Online).unwrap();
    in_time("and that it has arrived", async {
        loop {
            let status = changes.clone().next().await.unwrap().unwrap();
            if status.pending == 0 && status.connection == Connection::Live {
                break;
            }
        }
    })
    .await;
    changes.end();
    assert_eq!(changes.next().await.unwrap(), None);
}

/// Ending a list, letting it go, and closing the device each end what waits.
#[tokio::test(flavor = "multi_thread")]
async fn observers_end_with_their_handle() {
    let _alone = COUNTED.lock().await;
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    let before = open_lists();
    let list = ada.observe_inbox(InboxFilter::default(), None).unwrap();
    list.clone().next().await.unwrap();
    let waiting = tokio::spawn(list.clone().next());
    list.end();
    assert_eq!(in_time("the list ends", waiting).await.unwrap().unwrap(), None);
    drop(list);
    eventually("nothing is left of it", || open_lists() == before).await;

    let list = ada.observe_inbox(InboxFilter::default(), None).unwrap();
    list.clone().next().await.unwrap();
    // Cancelled half way, as a coroutine is: nothing of what comes meanwhile is lost.
    let cancelled = tokio::time::timeout(Duration::from_millis(20), list.clone().next()).await;
    assert!(cancelled.is_err());
    scene.inbound(MARIA, "Hello?").await;
    let mut shown = Vec::new();
    follow(&list, &mut shown, |rows| rows.len() == 1).await;

    let waiting = tokio::spawn(async move { while list.clone().next().await.unwrap().is_some() {} });
    ada.close().await.unwrap();
    in_time("closing ends it", waiting).await.unwrap();
    eventually("nothing is left of it", || open_lists() == before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_subscriptions_leak_nothing() {
    let _alone = COUNTED.lock().await;
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    let before = open_lists();
    for _ in 0..subscriptions() {
        let list = ada.observe_inbox(InboxFilter::default(), None).unwrap();
        list.clone().next().await.unwrap();
        let waiting = tokio::spawn(list.clone().next());
        list.end();
        waiting.await.unwrap().unwrap();
    }
    eventually("none is left", || open_lists() == before).await;
    assert_eq!(Arc::strong_count(&ada), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows() {
    let scene = Scene::open().await;
    scene.fill(10_000).await;
    let ada = scene.enrol("Ada", "agent").await;
    ada.start().unwrap();
    in_time("all of them come", is_live(&ada)).await;
    assert_eq!(ada.counts().unwrap().open, 10_000);
    let list = ada.observe_inbox(InboxFilter::default(), Some(10_000)).unwrap();
    let mut shown = Vec::new();
    follow(&list, &mut shown, |rows| rows.len() == 10_000).await;
    scene.inbound(MARIA, "I am new").await;
    follow(&list, &mut shown, |rows| rows[0].preview == "I am new").await;
    assert_eq!(shown.len(), 10_000);

    // By pages, and none twice.
    let (mut seen, mut after) = (std::collections::HashSet::new(), None);
    loop {
        let page = ada.inbox(InboxFilter::default(), Some(500), after).unwrap();
        let Some(next) = page.next else { break };
        seen.extend(page.rows.into_iter().map(|row| row.id));
        after = Some(next);
    }
    assert_eq!(seen.len(), 10_001);
}

/// A sync that is let go ends at once, and the next one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn cancelled_sync_ends_at_once() {
    let scene = Scene::open().await;
    scene.fill(2_000).await;
    let ada = scene.enrol("Ada", "agent").await;
    let cancelled =
        tokio::time::timeout(Duration::from_millis(1), ada.clone().sync_once(Duration::from_secs(60))).await;
    assert!(cancelled.is_err());
    assert!(ada.clone().sync_once(Duration::from_secs(60)).await.unwrap().up_to_date);
    assert_eq!(ada.counts().unwrap().open, 2_000);
}

/// A time that is not enough says so, and what came is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_ends_at_its_deadline() {
    let scene = Scene::open().await;
    scene.fill(2_000).await;
    let ada = scene.enrol("Ada", "agent").await;
    let late = ada.clone().sync_once(Duration::from_millis(1)).await;
    assert!(matches!(late, Err(OffdeskError::Deadline)), "{late:?}");
    assert!(ada.clone().sync_once(Duration::from_secs(60)).await.unwrap().up_to_date);
}
