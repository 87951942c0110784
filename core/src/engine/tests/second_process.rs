//! The app and a puller on one database (ADR 0022), and what a push leads to.

use super::*;
use crate::{
    alerts::{Alert, Why},
    engine::{Notices, Puller},
    protocol::Goodbye,
    store::{Database, TO_SHOW},
    sync::{
        session::End,
        storage::{Attention, IntentState},
    },
    triage::InboxFilter,
};

const LONG: Duration = Duration::from_secs(30);

/// Ada's phone, in the background, with two customers.
async fn ada(scene: &Scene) -> Offdesk {
    let ada = scene.enrol().await;
    let mut frames = vec![welcome()];
    frames.extend(workspace());
    frames.extend(page(0..2));
    frames.push(cursor(10, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    ada
}

/// What the relay sends of a new customer, who wrote once and of whom Ada is alerted.
fn alerted(number: u8) -> Vec<Response> {
    let message = IntentId(id(5, number));
    let why = Why::Unassigned { message, order: u64::from(number) + 1, queue: None };
    let mut frames: Vec<Response> = customer(number).into();
    let Some(Response::Snapshot { facts, .. }) = frames.last_mut() else { panic!("{frames:?}") };
    facts.push(Fact { seq: 20, body: FactBody::Alert(Alert::new(ADA, message, START, why)) });
    frames
}

fn says(scene: &Scene, frames: Vec<Response>, to: u64) {
    let frames = [vec![welcome()], frames, vec![cursor(to, true)]].concat();
    scene.relay.says(frames, Some(End::Finished));
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(LONG, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

fn shown(notices: &Notices) -> Vec<(&str, &str)> {
    notices.show.iter().map(|active| (active.contact_name.as_str(), active.text.as_str())).collect()
}

fn rows(device: &Offdesk) -> usize {
    device.inbox(&InboxFilter::default(), 100, None).unwrap().len()
}

fn staged(scene: &Scene) -> usize {
    let config = scene.config();
    let mut database = Database::open_beside(&config.database, &config.key).unwrap().unwrap();
    database.write(|disk| disk.staged_documents()).unwrap().len()
}

/// R15: the extension says what came, by name and text, the app has it when it is back without asking again, and neither is
/// told twice.
#[tokio::test]
async fn what_a_puller_receives_is_shown_by_it_and_applied_once_by_the_app() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    ada.pause().await;
    let puller = Puller::open(scene.config()).unwrap();
    says(&scene, alerted(2), 20);
    let notices = puller.pull(LONG).await.unwrap();
    assert_eq!(shown(&notices), [("Customer 2", "Hello?")]);
    assert!(notices.incomplete.is_none() && notices.badge == 1, "{notices:?}");
    puller.alerts_shown(&[notices.show[0].alert.id]).unwrap();
    // Another page, on top of what is staged.
    says(&scene, alerted(3), 30);
    assert_eq!(shown(&puller.pull(LONG).await.unwrap()), [("Customer 3", "Hello?")]);
    assert_eq!(scene.relay.cursors(), [0, 10, 20]);
    assert_eq!(staged(&scene), 4);

    ada.resume().await;
    assert_eq!((rows(&ada), staged(&scene)), (4, 0));
    assert_eq!(ada.badge().unwrap(), 2);
    says(&scene, Vec::new(), 31);
    let notices = ada.handle_push(b"{}", LONG).await.unwrap();
    assert_eq!(shown(&notices), []);
    assert_eq!(scene.relay.cursors(), [0, 10, 20, 30], "the app goes on from where the puller was");
    // Nobody said that the second one was shown, as if that process had died.
    scene.clock.advance(TO_SHOW);
    says(&scene, Vec::new(), 32);
    assert_eq!(shown(&ada.handle_push(b"", LONG).await.unwrap()), [("Customer 3", "Hello?")]);
}

/// R9: what a puller hears that is to go, goes at once: documents, what is staged of them, and unsent work is left to its
/// author.
#[tokio::test]
async fn a_puller_lets_go_at_once_of_what_its_member_may_not_see_any_more() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    let reply = ada.reply(conversation(0), "Still on my way").unwrap();
    ada.set_draft(conversation(1), "half a thought").unwrap();
    ada.pause().await;
    let puller = Puller::open(scene.config()).unwrap();
    says(&scene, alerted(2), 20);
    let notices = puller.pull(LONG).await.unwrap();
    puller.alerts_shown(&[notices.show[0].alert.id]).unwrap();
    let gone = [id(3, 0), id(3, 1), id(3, 2), id(2, 2)].map(DocumentId);
    says(&scene, vec![Response::Evict { documents: gone.into() }], 21);
    let notices = puller.pull(LONG).await.unwrap();
    assert_eq!((notices.show.len(), notices.take_back.len(), notices.badge), (0, 1, 0));
    assert_eq!(staged(&scene), 0);
    let config = scene.config();
    let mut database = Database::open_beside(&config.database, &config.key).unwrap().unwrap();
    for document in gone {
        assert!(database.look(|seen| seen.document(document)).unwrap().is_none());
    }
    let intent = database.look(|seen| seen.intent(reply)).unwrap().unwrap();
    assert_eq!(intent.state, IntentState::NeedsAttention(Attention::AccessLost));
    drop(database);

    ada.resume().await;
    assert_eq!((rows(&ada), ada.status().attention), (0, 2));
    assert!(!scene.folder.path().join("device.db-wal").metadata().is_ok_and(|log| log.len() > 1_000_000));
}

/// While the app syncs, a puller asks nobody and answers from what the app has.
#[tokio::test]
async fn a_puller_leaves_the_network_to_an_app_that_syncs() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    says(&scene, alerted(2), 20);
    ada.sync_once(LONG).await.unwrap();
    let calls = scene.relay.calls() + 1;
    ada.start();
    until("it has asked for its stream", || scene.relay.calls() == calls).await;
    let puller = Puller::open(scene.config()).unwrap();
    assert_eq!(shown(&puller.pull(LONG).await.unwrap()), [("Customer 2", "Hello?")]);
    assert_eq!(scene.relay.calls(), calls);
    ada.pause().await;
    says(&scene, Vec::new(), 21);
    assert_eq!(shown(&puller.pull(LONG).await.unwrap()), []);
    assert_eq!(scene.relay.calls(), calls + 1);
}

/// Whatever an app does meanwhile, what was staged at another cursor is dropped, and what is loaded is not of the past.
#[tokio::test]
async fn pages_that_the_app_overtook_are_dropped() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    // As a puller that began before the app synced by itself, and that has not heard of that.
    let config = scene.config();
    let mut database = Database::open_beside(&config.database, &config.key).unwrap().unwrap();
    says(&scene, alerted(2), 20);
    ada.sync_once(LONG).await.unwrap();
    let at = |seq| Cursor { epoch: 1, seq, backfill: None };
    let page = crate::sync::storage::StagedPage {
        number: 0,
        from: at(10),
        to: at(15),
        received: START,
        frames: vec![Response::Evict { documents: vec![DocumentId(id(3, 0))] }],
    };
    database.write(|disk| disk.stage(&page).and_then(|()| disk.note_pulled())).unwrap();
    ada.add_tag(conversation(0), "vip").unwrap();
    assert_eq!((rows(&ada), staged(&scene)), (3, 0));
    let puller = Puller::open(scene.config()).unwrap();
    says(&scene, Vec::new(), 21);
    puller.pull(LONG).await.unwrap();
    assert_eq!(scene.relay.cursors().last(), Some(&20));
}

/// A first sync, and what only an update of the app can read, are the app's.
#[tokio::test]
async fn what_is_too_much_for_a_puller_is_left_to_the_app() {
    let scene = Scene::new();
    assert!(matches!(Puller::open(scene.config()), Err(Error::NotEnrolled)));
    let ada = scene.enrol().await;
    ada.pause().await;
    let puller = Puller::open(scene.config()).unwrap();
    let notices = puller.pull(LONG).await.unwrap();
    assert!(matches!(notices.incomplete, Some(Error::AppNeeded)), "{notices:?}");
    assert_eq!(scene.relay.calls(), 0);
}

/// R10: a puller that hears that the device's access was ended deletes its data, and the app finds none.
#[tokio::test]
async fn a_puller_wipes_a_device_whose_access_was_ended() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    ada.pause().await;
    let puller = Puller::open(scene.config()).unwrap();
    scene.relay.says(vec![Response::Goodbye { reason: Goodbye::Revoked }], Some(End::Finished));
    assert!(matches!(puller.pull(LONG).await, Err(Error::Revoked)));
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0);
    assert!(matches!(puller.pull(LONG).await, Err(Error::NotEnrolled)));
    ada.resume().await;
    assert!(matches!(ada.inbox(&InboxFilter::default(), 10, None), Err(Error::Revoked)));
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0);
}

/// A relay that doesn't answer in time costs no more than the deadline, and what is known is told nevertheless.
#[tokio::test]
async fn a_push_is_answered_from_what_is_known_if_the_relay_is_not_reached_in_time() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    says(&scene, alerted(2), 20);
    ada.sync_once(LONG).await.unwrap();
    let notices = ada.handle_push(b"of a newer version", Duration::from_millis(50)).await.unwrap();
    assert_eq!(shown(&notices), [("Customer 2", "Hello?")]);
    assert!(matches!(notices.incomplete, Some(Error::Deadline)), "{notices:?}");
    ada.alerts_shown(&[notices.show[0].alert.id]).unwrap();
    ada.mark_read(conversation(2)).unwrap();
    scene.relay.says(vec![welcome()], Some(End::Broken("no network".into())));
    let notices = ada.handle_push(b"", LONG).await.unwrap();
    assert_eq!((notices.show.len(), notices.take_back.len(), notices.badge), (0, 1, 0));
    assert!(matches!(notices.incomplete, Some(Error::Offline(_))), "{notices:?}");
}

/// Whoever stops waiting for a sync ends it, unless another waits for it too.
#[tokio::test]
async fn a_sync_that_nobody_waits_for_any_more_ends() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    let mut status = ada.observe_status();
    let calls = scene.relay.calls();
    let first = tokio::spawn({
        let ada = ada.clone();
        async move { ada.sync_once(DAY).await.map(|_| ()) }
    });
    status.wait_for(|status| status.connection == Connection::Connecting).await.unwrap();
    let second = tokio::spawn({
        let ada = ada.clone();
        async move { ada.sync_once(Duration::from_secs(2)).await.map(|_| ()) }
    });
    until("both wait", || ada.engine().lock().waiting.len() == 2).await;
    first.abort();
    assert!(matches!(second.await.unwrap(), Err(Error::Deadline)));
    status.wait_for(|status| status.connection == Connection::Offline).await.unwrap();
    assert_eq!(scene.relay.calls(), calls + 1);
    // Alone, dropped at whatever moment: at once, and on its way.
    drop(ada.sync_once(DAY));
    for wait in [0, 20] {
        let dropped = tokio::time::timeout(Duration::from_millis(wait), ada.sync_once(DAY)).await;
        assert!(dropped.is_err());
        status.wait_for(|status| status.connection == Connection::Offline).await.unwrap();
    }
    // Nothing is left over: what is asked next is answered.
    says(&scene, alerted(2), 20);
    ada.sync_once(LONG).await.unwrap();
    assert_eq!(rows(&ada), 3);
}
