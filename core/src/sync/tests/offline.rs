//! What is written without a network is durable, arrives once and in order.

use super::*;
use crate::{protocol::Delivery, sync::storage::IntentState};

/// R31, R32: Ann replies in a lift, the app is killed, and the reply arrives once she is out.
#[test]
fn a_reply_written_offline_survives_a_restart_and_is_accepted_once() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    relay.inbound(bob, "Still open?");
    let mut phone = Phone::in_sync(&mut relay);

    let reply = phone.reply(bob, "Until eight!");
    assert_eq!(phone.texts(bob), ["Still open?", "Until eight!"]);
    assert_eq!(phone.disk.conversation_row(bob).unwrap().pending, 1);
    assert!(!phone.disk.conversation_row(bob).unwrap().needs_reply);
    phone.restart();
    assert_eq!(phone.texts(bob), ["Still open?", "Until eight!"]);
    phone.check();

    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(accepted(&phone.state(reply)));
    assert_eq!(relay.accepted, [(reply, "Until eight!".to_owned())]);
    assert_eq!(phone.disk.conversation_row(bob).unwrap().pending, 0);
    phone.check_against(&relay);
    let sent = &relay.pushes[0].1[0][0];
    // R33: what Ann had seen, and how long ago she wrote.
    assert_eq!(sent.seen.unwrap().order, phone.intent(reply).seen);
    assert!(sent.seen.unwrap().order > 0);
    assert_eq!(sent.seen.unwrap().age_ms, 4_000);
}

/// R32: the answer is lost after the relay has accepted. The same bytes go out again under a higher number.
#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_bytes() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let reply = phone.reply(bob, "Hello Bob");
    phone.now = phone.now.after(4 * SECOND);
    phone.event(Event::SyncOnce);
    let first = phone.sent.pop_front().unwrap();
    let frames = relay.answer(&first.frames);
    phone.deliver(&first, frames, Some(1));
    assert!(matches!(phone.synced, Some(Err(End::Broken(_)))));
    assert!(matches!(phone.state(reply), IntentState::InFlight { .. }));
    phone.restart();

    // Typed meanwhile: it stands behind, and goes with it.
    let second = phone.reply(bob, "Are you there?");
    phone.now = phone.now.after(4 * SECOND);
    phone.event(Event::SyncOnce);
    let again = phone.sent.pop_front().unwrap();
    assert!(again.number() > first.number());
    let changes = |sent: &Sent| sent.groups().concat().into_iter().map(|intent| intent.change).collect::<Vec<_>>();
    assert_eq!(changes(&first)[0], changes(&again)[0]);
    let frames = relay.answer(&again.frames);
    phone.deliver(&again, frames, None);
    phone.serve(&mut relay);
    assert_eq!(phone.synced, Some(Ok(())));
    assert!(accepted(&phone.state(reply)) && accepted(&phone.state(second)));
    assert_eq!(relay.accepted.len(), 2);
    assert_eq!(relay.accepted[0].0, reply);
    phone.check_against(&relay);
}

/// The page with the own change comes before any verdict does: it counts as accepted, by its hash.
#[test]
fn an_own_change_that_comes_as_a_page_first_is_accepted() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let reply = phone.reply(bob, "Hello Bob");
    phone.now = phone.now.after(4 * SECOND);
    phone.event(Event::SyncOnce);
    let sent = phone.sent.pop_front().unwrap();
    let mut frames = relay.answer(&sent.frames);
    frames.retain(|frame| !matches!(frame, Response::Verdict { .. }));
    phone.deliver(&sent, frames, None);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(reply)));
    assert_eq!(relay.accepted.len(), 1);
    phone.check_against(&relay);
}

/// Whichever frame a push is cut at, everything arrives once and in order.
#[test]
fn a_push_cut_at_any_frame_loses_and_doubles_nothing() {
    for cut in 0..12 {
        let mut relay = Relay::new(ANN);
        let (_, bob) = relay.conversation("Bob", "+14155550101");
        let (_, eve) = relay.conversation("Eve", "+14155550102");
        let mut phone = Phone::in_sync(&mut relay);
        for number in 0..3 {
            phone.reply(bob, &format!("to Bob {number}"));
            phone.reply(eve, &format!("to Eve {number}"));
        }
        phone.now = phone.now.after(4 * SECOND);
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        let frames = relay.answer(&sent.frames);
        phone.deliver(&sent, frames, Some(cut));
        phone.check();
        phone.restart();
        assert_eq!(phone.sync(&mut relay), Ok(()), "cut at {cut}");
        assert_eq!(relay.texts(bob), ["to Bob 0", "to Bob 1", "to Bob 2"], "cut at {cut}");
        assert_eq!(relay.texts(eve), ["to Eve 0", "to Eve 1", "to Eve 2"], "cut at {cut}");
        assert_eq!(relay.accepted.len(), 6);
        assert!(phone.disk.open_intents().unwrap().is_empty());
        phone.check_against(&relay);
    }
}

/// The undo window holds what was written behind an unsent reply in the same conversation, and nothing elsewhere.
#[test]
fn order_is_strict_within_a_conversation_and_free_across() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let (_, eve) = relay.conversation("Eve", "+14155550102");
    let mut phone = Phone::in_sync(&mut relay);
    phone.go_live(&mut relay);
    let reply = phone.reply(bob, "One moment");
    let behind = phone.tag(bob, "vip");
    let elsewhere = phone.tag(eve, "vip");
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(elsewhere)));
    assert_eq!((phone.state(reply), phone.state(behind)), (IntentState::Pending, IntentState::Pending));
    // The session asks to be woken when the reply's time has come.
    assert_eq!(phone.wake, Some(phone.intent(reply).send_after));
    phone.now = phone.wake.unwrap();
    phone.event(Event::Woken);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(reply)) && accepted(&phone.state(behind)));
    let order: Vec<IntentId> =
        relay.pushes.iter().flat_map(|push| push.1.iter().flatten()).map(|sent| sent.id).collect();
    assert_eq!(order, [elsewhere, reply, behind]);
}

/// R26: many offline intents go in pushes of bounded size, one at a time.
#[test]
fn a_long_outbox_goes_in_several_pushes() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    for number in 0..1100 {
        phone.tag(bob, &format!("tag {number}"));
    }
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let sizes: Vec<usize> = relay.pushes.iter().map(|push| push.1.len()).collect();
    assert_eq!(sizes, [1024, 76]);
    phone.check_against(&relay);
}

/// A push that the relay puts off waits, and goes out as it was.
#[test]
fn a_push_that_is_put_off_waits_and_is_the_same() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    phone.go_live(&mut relay);
    relay.moods.later = Some(10_000);
    let tag = phone.tag(bob, "vip");
    let change = phone.intent(tag).change;
    phone.serve(&mut relay);
    assert_eq!(phone.state(tag), IntentState::Pending);
    relay.moods.later = None;
    assert_eq!(phone.wake, Some(phone.now.after(10 * SECOND)));
    phone.pass(10 * SECOND);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(tag)));
    assert!(relay.pushes.iter().all(|push| push.1[0][0].change == change));
}

/// R32: the intent counted before with another change than the one that was offered: the document says which, and what
/// is written next goes under a fresh actor.
#[test]
fn a_duplicate_of_other_bytes_is_fetched_not_kept() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let reply = phone.reply(bob, "Hello");
    let actor = phone.actor(reply);
    phone.wait();
    let push = phone.sent.pop_front().unwrap();
    relay.accept_elsewhere(bob, reply, ANN, "Hello");
    relay.incarnation = push.hello().incarnation.next;
    let verdict = Response::Verdict { intents: vec![reply], verdict: crate::protocol::Verdict::Duplicate(relay.seq) };
    let done = Response::PushDone { number: push.number().unwrap() };
    phone.deliver(&push, vec![verdict, done], None);
    assert!(accepted(&phone.state(reply)));
    let asked = phone.sent.front().expect("it asks for the document");
    assert!(asked.frames.contains(&Request::Fetch { documents: vec![bob], records: Vec::new() }));
    phone.serve(&mut relay);
    assert_eq!(phone.texts(bob), ["Hello"]);
    let next = phone.reply(bob, "And more");
    assert_ne!(phone.actor(next), actor);
    phone.wait();
    phone.serve(&mut relay);
    phone.follow(&relay, &stream);
    assert_eq!(relay.texts(bob), ["Hello", "And more"]);
    phone.check_against(&relay);
}

/// The relay lacks what this device takes for confirmed: the document comes anew before the reply is tried again.
#[test]
fn a_change_on_ground_that_the_relay_lacks_waits_for_the_document() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    phone.go_live(&mut relay);
    let tag = phone.tag(bob, "vip");
    let push = phone.sent.pop_front().unwrap();
    relay.incarnation = push.hello().incarnation.next;
    let missing = crate::protocol::Verdict::MissingDeps(vec![serde_bytes::ByteArray::new([9; 32])]);
    let done = Response::PushDone { number: push.number().unwrap() };
    phone.deliver(&push, vec![Response::Verdict { intents: vec![tag], verdict: missing }, done], None);
    let asked = phone.sent.pop_front().unwrap();
    assert!(
        asked.groups().is_empty()
            && asked.frames.contains(&Request::Fetch { documents: vec![bob], records: Vec::new() })
    );
    let frames = relay.answer(&asked.frames);
    phone.deliver(&asked, frames, None);
    assert!(phone.sent.is_empty());
    phone.pass(2 * SECOND);
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(tag)));
    phone.check();
}

/// R31: the ladder goes on after acceptance, by facts.
#[test]
fn delivery_arrives_on_the_live_stream() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let reply = phone.reply(bob, "Hello");
    phone.wait();
    phone.serve(&mut relay);
    relay.seq += 1;
    let seq = relay.seq;
    let facts = &mut relay.documents.get_mut(&bob).unwrap().facts;
    let crate::protocol::FactBody::Message(fact) = &mut facts[0].body else { panic!() };
    fact.delivery = Delivery::Delivered;
    facts[0].seq = seq;
    phone.follow(&relay, &stream);
    assert!(accepted(&phone.state(reply)));
    phone.check_against(&relay);
}
