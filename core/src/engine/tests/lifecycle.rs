//! Birth, pause, lease, end.

use super::*;
use crate::{
    sync::{session::End, storage::StorageError},
    triage::InboxFilter,
};

#[tokio::test]
async fn a_code_makes_a_device_once_and_a_refusal_leaves_nothing_behind() {
    let scene = Scene::new();
    let config = || scene.config();
    assert!(matches!(Offdesk::open(config()), Err(Error::NotEnrolled)));
    let refused = Offdesk::enrol(config(), "http://relay.test", "WRONG", "Ada's phone").await.unwrap_err();
    assert_eq!(refused.to_string(), "This code was used or has expired: Ask for another one");
    assert!(matches!(Offdesk::open(config()), Err(Error::NotEnrolled)));

    let ada = Offdesk::enrol(config(), "http://relay.test", " FIRST ", "Ada's phone").await.unwrap();
    assert_eq!(ada.me().unwrap().member, ADA);
    ada.close().await;
    let again = Offdesk::enrol(config(), "http://relay.test", "FIRST", "Ada's phone").await;
    assert!(matches!(again, Err(Error::AlreadyEnrolled)));
    assert_eq!(Offdesk::open(config()).unwrap().me().unwrap().device, DeviceId([3; 16]));
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let scene = Scene::new();
    let good = scene.config();
    let mut other = good.clone();
    other.key = DatabaseKey::new([8; 32]);
    Offdesk::enrol(good, "http://relay.test", "FIRST", "Ada's phone").await.unwrap().close().await;
    assert!(matches!(Offdesk::open(other), Err(Error::WrongKey)));
}

#[tokio::test]
async fn a_paused_device_holds_no_file_and_answers_so() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    ada.start();
    ada.pause().await;
    assert!(matches!(ada.counts(), Err(Error::Paused)));
    assert!(matches!(ada.dismiss_alert(crate::ids::AlertId([0; 16])), Err(Error::Paused)));
    // The log goes with the last connection: none is open.
    assert!(!scene.folder.path().join("device.db-wal").exists());
    ada.resume().await;
    assert_eq!(ada.counts().unwrap().open, 0);
}

#[tokio::test]
async fn closing_ends_lists_and_dropping_the_last_handle_does_too() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let mut alerts = ada.observe_alerts();
    let other = ada.clone();
    ada.close().await;
    assert_eq!(alerts.next().await, None);
    assert!(matches!(other.counts(), Err(Error::Closed)));
    assert!(matches!(other.dismiss_alert(crate::ids::AlertId([0; 16])), Err(Error::Closed)));
    other.resume().await;
    assert!(matches!(other.sync_once(DAY).await, Err(Error::Closed)));
    assert_eq!(other.diagnostics().unreadable, Some("closed"));

    let ada = Offdesk::open(scene.config()).unwrap();
    let mut alerts = ada.observe_alerts();
    let clone = ada.clone();
    drop(ada);
    assert!(clone.alerts().unwrap().is_empty());
    drop(clone);
    assert_eq!(alerts.next().await, None);
}

/// What is sent along with a report says how the device is, and nothing of what anybody wrote or who they are.
#[tokio::test]
async fn diagnostics_hold_nothing_personal() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let frames = workspace().into_iter().chain(page(1..=2)).chain([cursor(3, true)]).collect();
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(Duration::from_secs(5)).await.unwrap();
    let started = ada.start_conversation("+15555550123", Some("Zebulon Quux"), None, Some("the secret plan")).unwrap();
    let report = ada.diagnostics();
    assert_eq!(report.outbox.values().sum::<u64>(), 2, "{report:?}");
    assert_eq!(report.stats.as_ref().map(|stats| stats.pending), Some(2));
    let json = report.to_json();
    for personal in ["Zebulon", "5550123", "secret", "Ada", &started.contact.to_string()] {
        assert!(!json.contains(personal), "{personal} in {json}");
    }
}

#[tokio::test]
async fn wiping_leaves_no_file() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    ada.wipe().await.unwrap();
    assert_eq!(std::fs::read_dir(scene.folder.path()).unwrap().count(), 0);
}

/// R9: out of contact for longer than the lease, a device shows nothing; its clock alone doesn't unlock it.
#[tokio::test]
async fn a_device_out_of_contact_locks_its_data() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    ada.start();
    let mut status = ada.observe_status();
    scene.clock.advance(DAY * 30);
    assert!(!ada.status().locked);
    ada.inbox(&InboxFilter::default(), 10, None).unwrap();
    scene.clock.advance(DAY);
    status.wait_for(|status| status.locked).await.unwrap();
    assert!(matches!(ada.inbox(&InboxFilter::default(), 10, None), Err(Error::Locked)));
    assert!(matches!(ada.search("ada", 10), Err(Error::Locked)));
    assert!(matches!(ada.alerts(), Err(Error::Locked)));
}

#[tokio::test]
async fn without_a_network_a_sync_says_so_at_once() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    ada.set_network(NetworkState::Offline);
    assert!(matches!(ada.sync_once(DAY).await, Err(Error::Offline(_))));
    assert_eq!(scene.relay.calls(), 0);
}

#[tokio::test]
async fn a_relay_that_never_answers_costs_no_more_than_the_deadline() {
    let scene = Scene::new();
    let outcome = scene.enrol().await.sync_once(Duration::from_millis(50)).await;
    assert!(matches!(outcome, Err(Error::Deadline)), "{outcome:?}");
}

/// Opening looks at the beginning of the lists only. Whatever page of the file is damaged: what is shown afterwards is
/// whole, or an error says that the file is damaged; and a list is made anew as long as the documents can be read.
#[tokio::test]
async fn a_damaged_page_is_noticed_wherever_it_is() {
    let scene = Scene::new();
    let ada = scene.enrol().await;
    let frames = workspace().into_iter().chain(page(1..=255)).chain([cursor(256, true)]).collect();
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(Duration::from_secs(5)).await.unwrap();
    let all = |device: &Offdesk| {
        let rows = device.inbox(&InboxFilter::default(), 500, None)?;
        Ok::<_, Error>((rows, device.search("customer", 300)?.len()))
    };
    let whole = all(&ada).unwrap();
    assert_eq!((whole.0.len(), whole.1), (255, 255));
    ada.close().await;

    let file = scene.folder.path().join("device.db");
    let sound = std::fs::read(&file).unwrap();
    let (mut shown, mut told) = (0, 0);
    for page in (1..sound.len() / 4096).step_by(3) {
        let mut damaged = sound.clone();
        damaged[page * 4096 + 2_000] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        match Offdesk::open(scene.config()).and_then(|device| all(&device)) {
            Ok(answer) => {
                assert_eq!(answer, whole, "page {page}");
                shown += 1;
            }
            Err(Error::Storage(StorageError::Corrupt(_))) => told += 1,
            Err(other) => panic!("page {page}: {other:?}"),
        }
        for beside in ["device.db-wal", "device.db-shm"] {
            let _ = std::fs::remove_file(scene.folder.path().join(beside));
        }
    }
    assert!(shown > 0 && told > 0, "{shown} {told}");
}
