//! What is not as it should be: arguments, closed and paused devices, everything at once.

use std::time::Duration;

use offdesk_core::ids::{AlertId, ConversationId, IntentId, MemberId};
use offdesk_ffi::{Device, InboxFilter, NewContact, OffdeskError, QuietHours, QuietSpan};
use offdesk_tests::eventually;

use crate::hand::{MARIA, Scene, is_live, rows, the_conversation};

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_are_typed_errors() {
    let scene = Scene::open().await;
    let short = offdesk_ffi::Config { key: vec![1; 31], ..scene.config("Ada") };
    assert_eq!(Device::open(short).unwrap_err(), OffdeskError::InvalidKey { bytes: 31 });
    let ada = scene.live("Ada", "agent").await;
    let other = offdesk_ffi::Config { key: vec![1; 32], ..scene.config("Ada") };
    assert_eq!(Device::open(other).unwrap_err(), OffdeskError::WrongKey);
    let nowhere = Device::enrol(scene.config("Ben"), "not an address".into(), "CODE".into(), "Ben".into()).await;
    assert!(matches!(nowhere, Err(OffdeskError::InvalidRelay { .. })), "{nowhere:?}");
    let nobody = Device::enrol(scene.config("Ben"), "http://127.0.0.1:9".into(), "CODE".into(), "Ben".into()).await;
    assert!(matches!(nobody, Err(OffdeskError::Offline { .. })), "{nobody:?}");

    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    for empty in ["", " \n\t"] {
        assert_eq!(ada.reply(conversation, empty.into()).unwrap_err(), OffdeskError::EmptyText);
    }
    let long = ada.reply(conversation, "x".repeat(1 << 20)).unwrap_err();
    assert!(matches!(long, OffdeskError::TextTooLong { bytes: 1_048_576, .. }), "{long:?}");
    let (gone, stranger) = (ConversationId([1; 16]), MemberId([2; 16]));
    let not_found = |thing: &str, id: String| OffdeskError::NotFound { thing: thing.into(), id };
    assert_eq!(ada.reply(gone, "Hi".into()).unwrap_err(), not_found("conversation", gone.to_string()));
    assert_eq!(ada.conversation(gone).unwrap_err(), not_found("conversation", gone.to_string()));
    let strange = ada.note(conversation, "Hi".into(), vec![stranger]).unwrap_err();
    assert_eq!(strange, not_found("member", stranger.to_string()));
    let intent = IntentId([3; 16]);
    assert_eq!(ada.undo(intent).unwrap_err(), not_found("intent", intent.to_string()));
    let alert = AlertId([4; 16]);
    assert_eq!(ada.explain(alert).unwrap_err(), not_found("alert", alert.to_string()));
    let phone = NewContact { phones: vec!["12".into()], ..NewContact::default() };
    let phone = ada.create_contact(phone).unwrap_err();
    assert!(matches!(phone, OffdeskError::InvalidPhone { .. }), "{phone:?}");
    let spans = vec![QuietSpan { days: vec![1], from: "25:00".into(), to: "7:00".into() }];
    let hours = ada.set_quiet_hours(Some(QuietHours { zone: "Europe/Berlin".into(), spans })).unwrap_err();
    assert!(matches!(hours, OffdeskError::InvalidValue { .. }), "{hours:?}");
    let past = ada.reply_later(conversation, "Hi".into(), offdesk_core::time::Timestamp(0)).unwrap_err();
    assert!(matches!(past, OffdeskError::InvalidTime { .. }), "{past:?}");
    assert!(ada.outbox().unwrap().is_empty(), "none of it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_on_a_closed_device_are_typed_errors() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    ada.clone().close().await.unwrap();
    ada.clone().close().await.unwrap();
    assert_eq!(ada.inbox(InboxFilter::default(), None, None).unwrap_err(), OffdeskError::Closed);
    assert_eq!(ada.reply(conversation, "Hi".into()).unwrap_err(), OffdeskError::Closed);
    assert_eq!(ada.clone().sync_once(Duration::from_secs(1)).await.unwrap_err(), OffdeskError::Closed);
    ada.start().unwrap();
    ada.clone().resume().await.unwrap();
    assert_eq!(ada.counts().unwrap_err(), OffdeskError::Closed);
    let list = ada.observe_inbox(InboxFilter::default(), None).unwrap();
    list.clone().next().await.unwrap();
    assert_eq!(list.next().await.unwrap(), None);
    assert!(ada.diagnostics().contains("\"closed\""));
}

/// Whatever runs while a device is closed ends with an answer or a typed error, and the file is whole.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_close_is_safe() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    scene.inbound(MARIA, "Hello?").await;
    let conversation = the_conversation(&ada).await;
    let mut workers = Vec::new();
    for worker in 0..8 {
        let ada = ada.clone();
        workers.push(tokio::task::spawn_blocking(move || {
            let mut written = 0;
            loop {
                let done = if worker % 2 == 0 {
                    ada.note(conversation, format!("note {written}"), Vec::new()).map(|_| written += 1)
                } else {
                    ada.inbox(InboxFilter::default(), None, None).map(drop)
                };
                match done {
                    Ok(()) => {}
                    Err(OffdeskError::Closed) => return written,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }));
    }
    eventually("they are at it", || rows(&ada)[0].preview != "Hello?").await;
    tokio::join!(ada.clone().close(), ada.clone().close()).0.unwrap();
    let mut written = 0;
    for worker in workers {
        written += worker.await.unwrap();
    }
    let ada = Device::open(scene.config("Ada")).unwrap();
    assert_eq!(ada.conversation(conversation).unwrap().messages.len(), written + 1, "what returned is there");
}

/// A paused device holds no file and answers so; resumed it goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn pause_lets_go_and_resume_goes_on() {
    let scene = Scene::open().await;
    let ada = scene.live("Ada", "agent").await;
    ada.clone().pause().await.unwrap();
    assert_eq!(ada.counts().unwrap_err(), OffdeskError::Paused);
    assert!(!scene.path("Ada-wal").exists(), "no connection is open");
    scene.inbound(MARIA, "Hello?").await;
    ada.clone().resume().await.unwrap();
    the_conversation(&ada).await;
    is_live(&ada).await;
}
