//! Opening, giving up, trying again, and what people are shown of it.

use super::*;
use crate::{
    protocol::Goodbye,
    sync::session::{Connection, Network, WATCHDOG},
};

fn setup() -> (Relay, Phone, DocumentId) {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let phone = Phone::in_sync(&mut relay);
    (relay, phone, bob)
}

#[test]
fn a_first_connection_catches_up_and_is_live() {
    let mut relay = Relay::new(ANN);
    relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::new();
    assert_eq!(phone.session.status().connection, Connection::Offline);
    phone.event(Event::Started { live: true });
    assert_eq!(phone.session.status().connection, Connection::Connecting);
    let sent = phone.sent.pop_front().unwrap();
    assert!(sent.stream && sent.hello().live && sent.hello().pull);
    let mut frames = relay.answer(&sent.frames).into_iter();
    phone.event(Event::Frame { request: sent.id, frame: frames.next().unwrap() });
    assert!(matches!(phone.session.status().connection, Connection::CatchingUp { .. }));
    for frame in frames {
        phone.event(Event::Frame { request: sent.id, frame });
    }
    assert_eq!(phone.session.status().connection, Connection::Live);
    assert_eq!(phone.disk.state().unwrap().unwrap().last_contact, phone.now);
}

/// DESIGN 5: an unchanged reconnect is one request and a welcome.
#[test]
fn an_unchanged_reconnect_is_one_round_trip() {
    let (mut relay, mut phone, _) = setup();
    let asked = relay.hellos.len();
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.hellos.len(), asked + 1);
}

#[test]
fn a_break_is_tried_again_with_growing_waits_and_the_network_at_once() {
    let (_, mut phone, _) = setup();
    phone.event(Event::Started { live: true });
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let sent = phone.sent.pop_front().expect("a try");
        phone.event(Event::Closed { request: sent.id, end: End::Broken("no route".into()) });
        if phone.sent.is_empty() {
            let wake = phone.wake.unwrap();
            longest = longest.max(wake.since(phone.now));
            phone.now = wake;
            phone.event(Event::Woken);
        }
    }
    assert!(longest > 10 * SECOND && longest <= 60 * SECOND, "{longest:?}");
    assert_eq!(phone.session.status().connection, Connection::Connecting);
    assert_eq!(phone.session.status().last_error.as_deref(), Some("no route"));

    phone.event(Event::Network(Network::Offline));
    assert!(phone.sent.is_empty());
    assert_eq!(phone.session.status().connection, Connection::Offline);
    phone.event(Event::Network(Network::Online));
    assert_eq!(phone.sent.len(), 1);
}

#[test]
fn retry_after_is_respected() {
    let (_, mut phone, _) = setup();
    phone.event(Event::Started { live: true });
    let sent = phone.sent.pop_front().unwrap();
    let end = End::Refused { status: 503, retry_after: Some(90 * SECOND) };
    phone.event(Event::Closed { request: sent.id, end });
    assert_eq!(phone.wake, Some(phone.now.after(90 * SECOND)));
    phone.pass(89 * SECOND);
    assert!(phone.sent.is_empty());
    phone.pass(SECOND);
    assert_eq!(phone.sent.len(), 1);
}

/// DESIGN 3: 401 pauses; it never deletes or wedges.
#[test]
fn a_refused_credential_pauses_and_keeps_everything() {
    let (mut relay, mut phone, bob) = setup();
    let reply = phone.reply(bob, "kept");
    phone.event(Event::Started { live: true });
    let sent = phone.sent.pop_front().unwrap();
    let before = phone.disk.clone();
    phone.event(Event::Closed { request: sent.id, end: End::Unauthorized });
    assert_eq!(phone.session.status().connection, Connection::Unauthorized);
    assert_eq!(phone.disk, before);
    assert_eq!(phone.wake, Some(phone.now.after(60 * SECOND)));
    phone.pass(60 * SECOND);
    phone.serve(&mut relay);
    assert_eq!(phone.session.status().connection, Connection::Live);
    assert!(accepted(&phone.state(reply)));
}

/// A connection that says nothing is opened anew, and said to be stuck.
#[test]
fn a_silent_stream_is_given_up() {
    let (mut relay, mut phone, _) = setup();
    let stream = phone.go_live(&mut relay);
    assert_eq!(phone.wake, Some(phone.now.after(WATCHDOG)));
    phone.now = phone.now.after(30 * SECOND);
    phone.event(Event::Frame { request: stream.id, frame: Response::Heartbeat });
    phone.pass(30 * SECOND);
    assert_eq!(phone.session.status().connection, Connection::Live);
    phone.pass(15 * SECOND);
    assert_eq!(phone.session.status().connection, Connection::NotProgressing);
    assert_eq!(phone.cancelled, [stream.id]);
    // A frame of the old one is no news.
    phone.event(Event::Frame { request: stream.id, frame: Response::Heartbeat });
    assert_eq!(phone.session.status().connection, Connection::NotProgressing);
    phone.pass(SECOND);
    phone.serve(&mut relay);
    assert_eq!(phone.session.status().connection, Connection::Live);
}

/// Heartbeats don't hide that a push is never answered.
#[test]
fn a_push_that_is_never_answered_is_noticed_despite_heartbeats() {
    let (mut relay, mut phone, bob) = setup();
    let stream = phone.go_live(&mut relay);
    let tag = phone.tag(bob, "vip");
    let push = phone.sent.pop_front().unwrap();
    phone.event(Event::Opened { request: push.id });
    for _ in 0..2 {
        phone.now = phone.now.after(20 * SECOND);
        phone.event(Event::Frame { request: stream.id, frame: Response::Heartbeat });
        phone.event(Event::Frame { request: push.id, frame: Response::Heartbeat });
    }
    phone.pass(6 * SECOND);
    assert_eq!(phone.session.status().connection, Connection::NotProgressing);
    assert_eq!(phone.cancelled, [stream.id, push.id]);
    phone.pass(SECOND);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(tag)));
    phone.check();
}

/// DESIGN 3: one push at a time, beside the stream; a second one waits for the first one's verdicts.
#[test]
fn at_most_one_request_pushes() {
    let (mut relay, mut phone, bob) = setup();
    phone.go_live(&mut relay);
    phone.tag(bob, "one");
    let first = phone.sent.pop_front().unwrap();
    assert!(!first.stream && !first.hello().pull && !first.hello().live);
    phone.tag(bob, "two");
    assert!(phone.sent.is_empty());
    let frames = relay.answer(&first.frames);
    phone.deliver(&first, frames, None);
    assert_eq!(phone.sent.len(), 1);
    phone.serve(&mut relay);
    assert_eq!(relay.pushes.len(), 2);
}

/// On a metered network nothing stays open, but what is written goes out.
#[test]
fn a_metered_network_pushes_without_a_stream() {
    let (mut relay, mut phone, bob) = setup();
    let stream = phone.go_live(&mut relay);
    phone.event(Event::Network(Network::Metered));
    assert_eq!(phone.cancelled, [stream.id]);
    assert!(phone.sent.is_empty());
    let tag = phone.tag(bob, "vip");
    assert!(!phone.sent[0].hello().live && !phone.sent[0].hello().pull);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(tag)));
    assert_eq!(phone.sync(&mut relay), Ok(()));
    phone.check_against(&relay);
}

/// A catch-up asked for beside a live stream ends when what is due has its verdict.
#[test]
fn a_bounded_catch_up_beside_a_live_stream_ends() {
    let (mut relay, mut phone, bob) = setup();
    phone.go_live(&mut relay);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    phone.tag(bob, "vip");
    phone.event(Event::SyncOnce);
    assert_eq!(phone.synced, None);
    phone.serve(&mut relay);
    assert_eq!(phone.synced, Some(Ok(())));
}

/// R10: a revoked device wipes itself and says nothing more.
#[test]
fn a_revoked_device_is_wiped() {
    let (mut relay, mut phone, bob) = setup();
    let stream = phone.go_live(&mut relay);
    phone.event(Event::Frame { request: stream.id, frame: Response::Goodbye { reason: Goodbye::Revoked } });
    assert!(phone.wiped && phone.disk.state().unwrap().unwrap().revoked);
    let refused = phone.submit(Submission::one(bob, Verb::AddTag { tag: "x".into() }));
    assert!(matches!(refused, Err(SubmitError::Revoked)));
    phone.event(Event::Started { live: true });
    phone.pass(60 * SECOND);
    assert!(phone.sent.is_empty());
}

#[test]
fn a_relay_that_shuts_down_is_tried_again() {
    let (mut relay, mut phone, _) = setup();
    let stream = phone.go_live(&mut relay);
    phone.event(Event::Frame { request: stream.id, frame: Response::Goodbye { reason: Goodbye::ShuttingDown } });
    phone.pass(SECOND);
    phone.serve(&mut relay);
    assert_eq!(phone.session.status().connection, Connection::Live);
}

/// A pause closes everything and starts nothing; a catch-up under way ends.
#[test]
fn a_pause_is_quiet() {
    let (mut relay, mut phone, bob) = setup();
    let stream = phone.go_live(&mut relay);
    phone.event(Event::Paused);
    assert_eq!(phone.cancelled, [stream.id]);
    phone.tag(bob, "vip");
    phone.pass(60 * SECOND);
    assert!(phone.sent.is_empty());
    assert_eq!(phone.session.status().connection, Connection::Offline);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    phone.check_against(&relay);
}

/// The disk fails in the middle of a stream: the driver rolls back, and the session goes on from what is durable.
#[test]
fn after_a_rollback_the_session_goes_on_from_the_disk() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::new();
    phone.event(Event::Started { live: true });
    let sent = phone.sent.pop_front().unwrap();
    for (index, frame) in relay.answer(&sent.frames).into_iter().enumerate() {
        let before = phone.disk.clone();
        phone.event(Event::Frame { request: sent.id, frame });
        if index == 6 {
            phone.disk = before;
            phone.session.forget();
            break;
        }
    }
    phone.pass(Duration::ZERO);
    assert_eq!(phone.cancelled, [sent.id]);
    phone.pass(SECOND);
    phone.serve(&mut relay);
    assert_eq!(phone.session.status().connection, Connection::Live);
    assert!(phone.disk.conversation_row(bob).is_some());
    phone.check_against(&relay);
}
