//! The whole device, driver included, on a disk that fails: what was refused can be done again, and what came from the relay
//! comes again; and a device whose access ended deletes its data even if it dies in between.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::stream::{self, StreamExt};
use offdesk_core::{
    engine::{Call, Config, Error, ManualClock, Offdesk, Part, Parts, Posted, Transport},
    ids::ConversationId,
    protocol::{EnrolResponse, Goodbye, Response},
    store::{Database, DatabaseKey},
    sync::{
        session::End,
        storage::{Storage, StorageError},
    },
    triage::InboxFilter,
};
use offdesk_faulty_disk::{Disk, Failure};

use super::phone::{FILE, KEY, START, cursor, customer, id, identity, welcome, workspace};

/// A relay that gives each sync request the next of its answers.
#[derive(Debug, Default)]
struct Script(Mutex<Vec<Vec<Response>>>);

impl Script {
    fn says(&self, frames: Vec<Response>) {
        self.0.lock().unwrap().push(frames);
    }
}

impl Transport for Script {
    fn sync(&self, _: Call) -> Parts {
        let mut answers = self.0.lock().unwrap();
        let frames = if answers.is_empty() { Vec::new() } else { answers.remove(0) };
        let end = if frames.is_empty() { End::Broken("no network".into()) } else { End::Finished };
        Box::pin(stream::iter([Part::Opened, Part::Frames(frames), Part::Ended(end)]).boxed())
    }

    fn post(&self, _: &'static str, _: Option<String>, _: Vec<u8>) -> Posted {
        let (identity, _) = identity();
        let enrolled = EnrolResponse {
            workspace: identity.workspace,
            member: identity.member,
            device: identity.device,
            credential: identity.credential,
            incarnation: 7,
            epoch: 1,
        };
        let body = serde_json::to_vec(&enrolled).unwrap();
        Box::pin(async move { Ok((200, body)) })
    }

    fn reset(&self) {}
}

struct Scene {
    folder: tempfile::TempDir,
    disk: Disk,
    clock: ManualClock,
    relay: Arc<Script>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::watch(folder.path()).unwrap();
        Self { folder, disk, clock: ManualClock::new(START), relay: Arc::default() }
    }

    fn config(&self) -> Config {
        let mut config = Config::new(self.folder.path().join(FILE), DatabaseKey::new(KEY));
        config.clock = Arc::new(self.clock.clone());
        config.transport = Some(self.relay.clone());
        config
    }

    async fn enrol(&self) -> Offdesk {
        Offdesk::enrol(self.config(), "https://relay.test", "CODE", "Ada's phone").await.unwrap()
    }

    fn says_page(&self) {
        self.relay.says([vec![welcome(1)], workspace(), customer(0), customer(1), vec![cursor(1, 2, None)]].concat());
    }
}

const LONG: Duration = Duration::from_secs(30);
const ZERO: ConversationId = ConversationId(id(4, 0));

/// How many conversations are listed.
fn listed(device: &Offdesk) -> usize {
    device.inbox(&InboxFilter::default(), 10, None).unwrap().len()
}

/// A page whose transaction fails, at whichever point, leaves nothing, and the same process gets it whole the next time.
#[tokio::test]
async fn a_page_that_can_not_be_stored_comes_again() {
    let mut failed = 0;
    for (point, failure) in (0..).step_by(9).flat_map(|point| [(point, Failure::Io), (point, Failure::Full)]) {
        let scene = Scene::new();
        let ada = scene.enrol().await;
        scene.says_page();
        scene.disk.fail_at(scene.disk.passed() + point, failure);
        let outcome = ada.sync_once(LONG).await;
        if scene.disk.heal() == 0 {
            break;
        }
        if outcome.is_err() {
            failed += 1;
            assert!(listed(&ada) == 0, "{failure:?} at {point}: a part of a page is shown");
            assert!(ada.status().last_error.is_some());
            // Its retry has asked in vain meanwhile, or has yet to; the member asks again.
            scene.clock.advance(Duration::from_secs(120));
            scene.relay.0.lock().unwrap().clear();
            scene.says_page();
            ada.sync_once(LONG).await.unwrap_or_else(|error| panic!("{failure:?} at {point}: {error}"));
        }
        assert_eq!(listed(&ada), 2, "{failure:?} at {point}");
        ada.reply(ZERO, "On my way").unwrap();
        ada.close().await;
        assert_eq!(Offdesk::open(scene.config()).unwrap().outbox().unwrap().len(), 1);
    }
    assert!(failed > 4, "{failed} failures reached the session");
}

/// A reply whose transaction fails is refused with the disk's reason, and not shown; the next one is as good as any.
#[tokio::test]
async fn a_reply_that_can_not_be_stored_is_refused() {
    let mut refused = [0, 0];
    for point in (0..).step_by(3) {
        for (kind, failure) in [Failure::Io, Failure::Full].into_iter().enumerate() {
            let scene = Scene::new();
            let ada = scene.enrol().await;
            scene.says_page();
            ada.sync_once(LONG).await.unwrap();
            scene.disk.fail_at(scene.disk.passed() + point, failure);
            let outcome = ada.reply(ZERO, "On my way");
            if scene.disk.heal() == 0 {
                assert!(refused.iter().all(|count| *count > 2), "{refused:?}");
                return;
            }
            if let Err(error) = outcome {
                refused[kind] += 1;
                let expected = matches!(
                    (&error, failure),
                    (Error::Storage(StorageError::Full), Failure::Full) | (Error::Storage(StorageError::Io(_)), _)
                );
                assert!(expected, "{failure:?} at {point}: {error:?}");
                assert!(ada.outbox().unwrap().is_empty(), "{failure:?} at {point}");
                assert_eq!(ada.conversation(ZERO).unwrap().messages.len(), 1);
                ada.reply(ZERO, "On my way").unwrap();
            }
            assert_eq!(ada.outbox().unwrap().len(), 1);
            assert_eq!(ada.conversation(ZERO).unwrap().messages.len(), 2);
        }
    }
}

/// R10: a device that died after it learned of the end of its access, and before it had deleted its data, deletes it when it
/// is next opened.
#[tokio::test]
async fn a_device_that_died_before_it_wiped_itself_does_so_later() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    scene.says_page();
    ada.sync_once(LONG).await.unwrap();
    ada.close().await;
    // As the session leaves it right before the wipe: what it heard is durable, the data still there.
    let mut database = Database::open(&scene.config().database, &DatabaseKey::new(KEY)).unwrap();
    let mut session = offdesk_core::sync::Session::new(offdesk_core::sync::SessionOptions::default());
    let heard = database.write(|disk| {
        use offdesk_core::sync::session::{Event, SessionError};
        let rng = &mut rand::rng();
        let sent = session.handle(START, rng, disk, Event::SyncOnce)?;
        let (request, _) = super::phone::sent(sent).expect("a request");
        let goodbye = Response::Goodbye { reason: Goodbye::Revoked };
        session.handle(START, rng, disk, Event::Frame { request, frame: goodbye })?;
        Ok::<_, SessionError>(disk.state()?.expect("a state").revoked)
    });
    assert!(heard.unwrap());
    drop(database);
    assert!(matches!(Offdesk::open(scene.config()), Err(Error::Revoked)));
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0, "nothing is left");
    assert!(matches!(Offdesk::open(scene.config()), Err(Error::NotEnrolled)));
}
