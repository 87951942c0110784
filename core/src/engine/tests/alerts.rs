//! What is told with no network: at its time, and as the member wishes (R16).

use super::*;
use crate::{
    alerts::{Why, quiet::QuietHours, reminders::Reminder},
    engine::{FOR_GOOD, Mute},
    sync::session::End,
    triage::{ListDiff, Shows},
};

const LONG: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(60 * 60);

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

/// R16: a follow-up comes due by this device's clock alone: the list that is on the screen says so at its time, the scheduler
/// was told, and reading it ends it.
#[tokio::test]
async fn a_reminder_shows_at_its_time_without_a_network() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    let before = ada.alerts().unwrap().len();
    let mut list = ada.observe_alerts();
    ada.follow_up(conversation(0), Some(START.after(HOUR))).unwrap();
    ada.follow_up(conversation(1), Some(START.after(2 * HOUR))).unwrap();
    let coming = ada.next_alerts(START.after(3 * HOUR)).unwrap();
    assert_eq!(coming.iter().map(|next| next.at).collect::<Vec<_>>(), [START.after(HOUR), START.after(2 * HOUR)]);
    assert_eq!(ada.next_alerts(START.after(HOUR / 2)).unwrap(), []);
    assert_eq!(ada.alerts().unwrap().len(), before);

    for (nth, hours) in [(0, 1), (1, 1)] {
        scene.clock.advance(HOUR * hours);
        let steps = tokio::time::timeout(LONG, list.next()).await.unwrap().unwrap();
        let [ListDiff::Insert { item, .. }] = steps.as_slice() else { panic!("{steps:?}") };
        assert_eq!((item.conversation, &item.alert.why), (conversation(nth), &Why::Reminder(Reminder::FollowUp)));
    }
    assert_eq!(ada.badge().unwrap(), before + 2);
    ada.mark_read(conversation(0)).unwrap();
    let second = ada.alerts().unwrap()[0].alert.id;
    ada.dismiss_alert(second).unwrap();
    assert_eq!(ada.badge().unwrap(), before);
}

/// R16: muted reminders show nowhere, and quiet hours hold them until their end, of which the lists are told.
#[tokio::test]
async fn mutes_and_quiet_hours_keep_a_reminder_from_showing() {
    let scene = Scene::new();
    let ada = ada(&scene).await;
    ada.follow_up(conversation(0), Some(START)).unwrap();
    ada.mute(Mute::Conversation(conversation(0)), Some(FOR_GOOD)).unwrap();
    assert_eq!((ada.alerts().unwrap()[0].shows, ada.badge().unwrap()), (Shows::Muted, 0));
    ada.mute(Mute::Conversation(conversation(0)), None).unwrap();
    assert_eq!(ada.badge().unwrap(), 1);

    // 2025-10-09, 8:53 UTC, a Thursday.
    let quiet = r#"{"zone":"UTC","spans":[{"days":[4],"from":"08:00","to":"12:00"}]}"#;
    let quiet = QuietHours::parse(quiet).unwrap();
    ada.set_quiet_hours(quiet.as_ref()).unwrap();
    assert_eq!(ada.peace().unwrap().quiet, quiet);
    let Shows::At(end) = ada.alerts().unwrap()[0].shows else { panic!("{:?}", ada.alerts()) };
    let mut list = ada.observe_alerts();
    assert_eq!((list.items().len(), ada.badge().unwrap()), (0, 0));
    assert_eq!(ada.next_alerts(end).unwrap()[0].at, end);
    scene.clock.advance(end.since(START));
    let steps = tokio::time::timeout(LONG, list.next()).await.unwrap().unwrap();
    assert!(matches!(steps.as_slice(), [ListDiff::Insert { .. }]), "{steps:?}");
    let odd = QuietHours { zone: "Mars/Olympus".into(), ..quiet.unwrap() };
    assert!(matches!(ada.set_quiet_hours(Some(&odd)), Err(Error::QuietHours(_))));
}
