//! A device's life: birth, pause, lease, end; against a relay that only says what a test tells it to say.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::stream;

use super::*;
use crate::{
    ids::{DeviceId, MemberId, WorkspaceId},
    protocol::{ENROL_PATH, EnrolRequest, EnrolResponse, Problem},
    store::DatabaseKey,
    time::Timestamp,
    triage::InboxFilter,
};

const START: Timestamp = Timestamp(1_760_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A relay of few words.
#[derive(Debug, Default)]
struct Script {
    codes: Mutex<Vec<&'static str>>,
    calls: Mutex<u64>,
}

impl Transport for Script {
    fn sync(&self, _: Call) -> Parts {
        *self.calls.lock().unwrap() += 1;
        // Neither an answer nor an end.
        Box::pin(stream::pending())
    }

    fn post(&self, path: &'static str, _: Option<String>, body: Vec<u8>) -> Posted {
        assert_eq!(path, ENROL_PATH);
        let request: EnrolRequest = serde_json::from_slice(&body).unwrap();
        let known = self.codes.lock().unwrap().iter().position(|code| *code == request.code);
        let answer = match known {
            Some(at) => {
                self.codes.lock().unwrap().remove(at);
                let enrolled = EnrolResponse {
                    workspace: WorkspaceId([1; 16]),
                    member: MemberId([2; 16]),
                    device: DeviceId([3; 16]),
                    credential: "secret".into(),
                    incarnation: 7,
                    epoch: 1,
                };
                (200, serde_json::to_vec(&enrolled).unwrap())
            }
            None => {
                let problem = Problem {
                    kind: "unknown_code".into(),
                    status: 403,
                    title: "This code was used or has expired".into(),
                    detail: Some("Ask for another one".into()),
                };
                (403, serde_json::to_vec(&problem).unwrap())
            }
        };
        Box::pin(async move { Ok(answer) })
    }

    fn reset(&self) {}
}

fn config(folder: &Path, clock: &ManualClock, relay: &Arc<Script>) -> Config {
    let mut config = Config::new(folder.join("device.db"), DatabaseKey::new([9; 32]));
    config.clock = Arc::new(clock.clone());
    config.transport = Some(relay.clone());
    config
}

fn scene() -> (tempfile::TempDir, ManualClock, Arc<Script>) {
    let relay = Script { codes: Mutex::new(vec!["FIRST"]), ..Script::default() };
    (tempfile::tempdir().unwrap(), ManualClock::new(START), Arc::new(relay))
}

#[tokio::test]
async fn a_code_makes_a_device_once_and_a_refusal_leaves_nothing_behind() {
    let (folder, clock, relay) = scene();
    let config = || config(folder.path(), &clock, &relay);
    assert!(matches!(Offdesk::open(config()), Err(Error::NotEnrolled)));
    let refused = Offdesk::enrol(config(), "http://relay.test", "WRONG", "Ada's phone").await.unwrap_err();
    assert_eq!(refused.to_string(), "This code was used or has expired: Ask for another one");
    assert!(matches!(Offdesk::open(config()), Err(Error::NotEnrolled)));

    let ada = Offdesk::enrol(config(), "http://relay.test", " FIRST ", "Ada's phone").await.unwrap();
    assert_eq!(ada.me().unwrap().member, MemberId([2; 16]));
    ada.close().await;
    let again = Offdesk::enrol(config(), "http://relay.test", "FIRST", "Ada's phone").await;
    assert!(matches!(again, Err(Error::AlreadyEnrolled)));
    assert_eq!(Offdesk::open(config()).unwrap().me().unwrap().device, DeviceId([3; 16]));
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let (folder, clock, relay) = scene();
    let good = config(folder.path(), &clock, &relay);
    let mut other = good.clone();
    other.key = DatabaseKey::new([8; 32]);
    Offdesk::enrol(good, "http://relay.test", "FIRST", "Ada's phone").await.unwrap().close().await;
    assert!(matches!(Offdesk::open(other), Err(Error::WrongKey)));
}

#[tokio::test]
async fn a_paused_device_holds_no_file_and_answers_so() {
    let (folder, clock, relay) = scene();
    let config = config(folder.path(), &clock, &relay);
    let ada = Offdesk::enrol(config.clone(), "http://relay.test", "FIRST", "Ada's phone").await.unwrap();
    ada.start();
    ada.pause().await;
    assert!(matches!(ada.counts(), Err(Error::Paused)));
    assert!(matches!(ada.dismiss_alert(crate::ids::AlertId([0; 16])), Err(Error::Paused)));
    // The log goes with the last connection: none is open.
    assert!(!folder.path().join("device.db-wal").exists());
    ada.resume().await;
    assert_eq!(ada.counts().unwrap().open, 0);
}

#[tokio::test]
async fn closing_ends_lists_and_dropping_the_last_handle_does_too() {
    let (folder, clock, relay) = scene();
    let config = config(folder.path(), &clock, &relay);
    let ada = Offdesk::enrol(config.clone(), "http://relay.test", "FIRST", "Ada's phone").await.unwrap();
    let mut alerts = ada.observe_alerts();
    ada.close().await;
    assert_eq!(alerts.next().await, None);

    let ada = Offdesk::open(config).unwrap();
    let mut alerts = ada.observe_alerts();
    let clone = ada.clone();
    drop(ada);
    assert!(clone.alerts().unwrap().is_empty());
    drop(clone);
    assert_eq!(alerts.next().await, None);
}

#[tokio::test]
async fn wiping_leaves_no_file() {
    let (folder, clock, relay) = scene();
    let config = config(folder.path(), &clock, &relay);
    let ada = Offdesk::enrol(config, "http://relay.test", "FIRST", "Ada's phone").await.unwrap();
    ada.wipe().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// R9: out of contact for longer than the lease, a device shows nothing; its clock alone doesn't unlock it.
#[tokio::test]
async fn a_device_out_of_contact_locks_its_data() {
    let (folder, clock, relay) = scene();
    let ada = Offdesk::enrol(config(folder.path(), &clock, &relay), "http://relay.test", "FIRST", "Ada's phone").await;
    let ada = ada.unwrap();
    ada.start();
    let mut status = ada.observe_status();
    clock.advance(DAY * 30);
    assert!(!ada.status().locked);
    ada.inbox(&InboxFilter::default(), 10, None).unwrap();
    clock.advance(DAY);
    status.wait_for(|status| status.locked).await.unwrap();
    assert!(matches!(ada.inbox(&InboxFilter::default(), 10, None), Err(Error::Locked)));
    assert!(matches!(ada.search("ada", 10), Err(Error::Locked)));
    assert!(matches!(ada.alerts(), Err(Error::Locked)));
}

#[tokio::test]
async fn without_a_network_a_sync_says_so_at_once() {
    let (folder, clock, relay) = scene();
    let ada = Offdesk::enrol(config(folder.path(), &clock, &relay), "http://relay.test", "FIRST", "Ada's phone").await;
    let ada = ada.unwrap();
    ada.set_network(NetworkState::Offline);
    assert!(matches!(ada.sync_once(DAY).await, Err(Error::Offline(_))));
    assert_eq!(*relay.calls.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_relay_that_never_answers_costs_no_more_than_the_deadline() {
    let (folder, clock, relay) = scene();
    let ada = Offdesk::enrol(config(folder.path(), &clock, &relay), "http://relay.test", "FIRST", "Ada's phone").await;
    let outcome = ada.unwrap().sync_once(Duration::from_millis(50)).await;
    assert!(matches!(outcome, Err(Error::Deadline)), "{outcome:?}");
}
