//! What the relay sends: cut, doubled, replaced, taken away.

use super::*;
use crate::{
    protocol::{Delivery, Fact, FactBody, MessageFact, RegisterContent, RegisterKey},
    sync::storage::Attention,
};

fn busy_relay() -> (Relay, Vec<DocumentId>) {
    let mut relay = Relay::new(ANN);
    let mut documents = Vec::new();
    for number in 0..4 {
        let (_, document) = relay.conversation(&format!("Customer {number}"), &format!("+1415555020{number}"));
        relay.inbound(document, "Hello there");
        documents.push(document);
    }
    (relay, documents)
}

/// DESIGN 5: a cold start cut at any frame goes on from the last page, and never fetches a page twice.
#[test]
fn a_cold_start_cut_at_every_frame_resumes() {
    let (mut relay, _) = busy_relay();
    let whole = Phone::in_sync(&mut relay);
    let mut phone = Phone::new();
    for pages in 0..100 {
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        let held = phone.disk.state().unwrap().unwrap().cursor.backfill.map_or(0, |backfill| backfill.sent);
        assert_eq!(sent.hello().cursor.backfill.map_or(0, |backfill| backfill.sent), held);
        let frames = relay.answer(&sent.frames);
        if frames.len() <= 3 {
            phone.deliver(&sent, frames, None);
            break;
        }
        // Welcome, one document, and every other time its cursor.
        phone.deliver(&sent, frames, Some(2 + pages % 2));
        phone.restart();
        phone.check();
    }
    assert_eq!(phone.sync(&mut relay), Ok(()));
    phone.check_against(&relay);
    assert_eq!(phone.disk.conversation_rows(), whole.disk.conversation_rows());
}

#[test]
fn a_page_that_comes_twice_changes_nothing() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let cursor = phone.disk.state().unwrap().unwrap().cursor;
    relay.inbound(documents[0], "Anybody?");
    phone.reply(documents[1], "written meanwhile");
    let pages = relay.pages(cursor);
    for frame in pages.clone() {
        phone.event(Event::Frame { request: stream.id, frame });
    }
    let once = phone.disk.clone();
    for frame in pages {
        phone.event(Event::Frame { request: stream.id, frame });
    }
    assert_eq!(phone.disk, once);
    phone.check_against(&relay);
}

/// R9: what was not delivered is listed with the reason; nothing shows the document any more.
#[test]
fn an_evicted_conversation_leaves_its_undelivered_intents_to_their_author() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let reply = phone.reply(documents[0], "Coming!");
    let stays = phone.reply(documents[1], "Here too");
    relay.evict(documents[0]);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(phone.state(reply), IntentState::NeedsAttention(Attention::AccessLost));
    assert_eq!(phone.intent(reply).verb.text(), Some("Coming!"));
    assert!(phone.disk.conversation_row(documents[0]).is_none());
    assert_eq!(phone.state(stays), IntentState::Pending);
    assert!(matches!(
        phone.session.retry(phone.now, &mut phone.rng, &mut phone.disk, reply),
        Err(SubmitError::UnknownDocument(_))
    ));
    phone.check_against(&relay);
}

/// R9: the name and the phone by which an intent would find its contact after a restore leave with the conversation, out
/// of accepted intents too; what its author typed to create a contact of their own stays.
#[test]
fn an_eviction_takes_name_and_phone_out_of_the_intents() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let accepted_before = phone.tag(documents[0], "vip");
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let undelivered = phone.reply(documents[0], "Coming!");
    let elsewhere = phone.reply(documents[1], "Here too");
    let key = |phone: &Phone, intent| phone.intent(intent).natural_key.map(|key| key.name);
    for intent in [accepted_before, undelivered] {
        assert_eq!(key(&phone, intent).as_deref(), Some("Customer 0"));
    }
    relay.evict(documents[0]);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(accepted(&phone.state(accepted_before)));
    for intent in [accepted_before, undelivered] {
        assert_eq!(phone.intent(intent).natural_key, None);
    }
    assert_eq!(key(&phone, elsewhere).as_deref(), Some("Customer 1"));
    phone.check_against(&relay);
}

/// R9, R32: what is in flight when its conversation is taken away may have been accepted. It is offered until its verdict is
/// here, and only then left to its author.
#[test]
fn what_is_in_flight_in_an_evicted_conversation_waits_for_its_verdict() {
    for taken in [true, false] {
        let (mut relay, documents) = busy_relay();
        let mut phone = Phone::in_sync(&mut relay);
        let stream = phone.go_live(&mut relay);
        let tag = phone.tag(documents[0], "vip");
        let push = phone.sent.pop_front().unwrap();
        if taken {
            relay.answer(&push.frames);
        }
        relay.evict(documents[0]);
        phone.follow(&relay, &stream);
        assert!(phone.disk.document(documents[0]).unwrap().is_none());
        assert!(matches!(phone.state(tag), IntentState::InFlight { .. }));
        phone.event(Event::Closed { request: push.id, end: End::Broken("the answer is lost".into()) });
        phone.restart();
        assert_eq!(phone.sync(&mut relay), Ok(()));
        assert_eq!(accepted(&phone.state(tag)), taken);
        assert_eq!(phone.disk.attention().unwrap().len(), usize::from(!taken));
        phone.check_against(&relay);
    }
}

/// R27: a draft that the relay doesn't have yet is typed text, too.
#[test]
fn an_unsynced_draft_of_an_evicted_conversation_is_kept() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    phone.session.set_draft(phone.now, &mut phone.disk, documents[0], "Dear customer").unwrap();
    phone.event(Event::Frame { request: stream.id, frame: Response::Evict { documents: vec![documents[0]] } });
    let kept = &phone.disk.attention().unwrap()[0];
    assert_eq!(
        (kept.verb.text(), &kept.state),
        (Some("Dear customer"), &IntentState::NeedsAttention(Attention::AccessLost))
    );
    phone.check();
}

/// Access narrows to one conversation; what only the device knows is not the relay's to take.
#[test]
fn retain_removes_everything_else_but_not_what_is_only_here() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    phone.event(Event::Network(crate::sync::session::Network::Online));
    let new = DocumentId([0x77; 16]);
    let verb = Verb::CreateContact(crate::intents::NewContact { name: "Dan".into(), ..Default::default() });
    phone.session.submit(phone.now, &mut phone.rng, &mut phone.disk, Submission::one(new, verb)).unwrap();
    let reply = phone.reply(documents[1], "Coming!");
    phone.event(Event::Frame { request: stream.id, frame: Response::Retain { documents: vec![documents[0]] } });
    assert_eq!(phone.disk.documents(None).unwrap(), [documents[0], new]);
    assert_eq!(phone.state(reply), IntentState::NeedsAttention(Attention::AccessLost));
    phone.check();
}

/// A snapshot takes the place of what was held while replies wait: they stay on top.
#[test]
fn a_snapshot_keeps_what_is_pending() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let reply = phone.reply(documents[0], "One moment");
    let change = phone.intent(reply).change;
    relay.inbound(documents[0], "Anybody?");
    let frame = relay.snapshot(documents[0]);
    phone.event(Event::Frame { request: stream.id, frame });
    assert_eq!(phone.texts(documents[0]), ["Hello there", "Anybody?", "One moment"]);
    assert_eq!(phone.intent(reply).change, change);
    phone.wait();
    phone.serve(&mut relay);
    assert!(accepted(&phone.state(reply)));
    phone.check();
}

/// A snapshot that left the relay before the verdict that overtook it doesn't take the accepted reply away.
#[test]
fn a_late_snapshot_does_not_hide_an_accepted_reply() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let late = relay.snapshot(documents[0]);
    phone.reply(documents[0], "Sent");
    phone.wait();
    phone.serve(&mut relay);
    phone.event(Event::Frame { request: stream.id, frame: late });
    assert_eq!(phone.texts(documents[0]).last().map(String::as_str), Some("Sent"));
    phone.reply(documents[0], "And another");
    phone.wait();
    phone.serve(&mut relay);
    phone.follow(&relay, &stream);
    assert_eq!(relay.texts(documents[0]), ["Hello there", "Sent", "And another"]);
    phone.check_against(&relay);
}

/// A delta whose ground is missing is no dead end: the document is asked for, the stream goes on.
#[test]
fn a_delta_without_its_ground_fetches_the_document() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    relay.inbound(documents[0], "lost on the way");
    relay.inbound(documents[0], "arrives");
    let held = &relay.documents[&documents[0]];
    let (_, last) = held.changes.last().unwrap();
    let delta = Response::Delta {
        document: documents[0],
        visibility: None,
        changes: vec![serde_bytes::ByteBuf::from(last.clone())],
        facts: Vec::<Fact>::new(),
    };
    phone.event(Event::Frame { request: stream.id, frame: delta });
    phone.event(Event::Frame {
        request: stream.id,
        frame: Response::Cursor { cursor: relay.cursor(), up_to_date: true },
    });
    let asked = phone.sent.front().expect("it asks");
    assert!(asked.frames.contains(&Request::Fetch { documents: vec![documents[0]], records: Vec::new() }));
    assert!(!asked.hello().pull);
    phone.serve(&mut relay);
    assert_eq!(phone.texts(documents[0]).len(), 3);
    phone.check_against(&relay);
}

/// The same for a snapshot that can't be read: nothing wedges, and the next hello compares digests.
#[test]
fn a_damaged_snapshot_is_passed_over_and_noticed() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let Response::Snapshot { document, kind, visibility, changes, facts, .. } = relay.snapshot(documents[0]) else {
        panic!()
    };
    let saved = serde_bytes::ByteBuf::from(vec![1, 2, 3]);
    let frame = Response::Snapshot { document, kind, visibility, saved, changes, facts, outline: None };
    let before = phone.disk.clone();
    phone.event(Event::Frame { request: stream.id, frame });
    assert_eq!(phone.disk, before);
    phone.event(Event::Closed { request: stream.id, end: End::Finished });
    phone.pass(SECOND);
    assert!(phone.sent.front().expect("it reconnects").hello().digest.is_some());
}

/// ADR 0014: a row comes from the outline and the marks that follow it, without a look at the document; a document that has
/// to be looked at after all, and can't be read, is not kept.
#[test]
fn marks_that_follow_an_outline_load_no_document() {
    let (mut relay, _) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    for number in 0..8u8 {
        let (_, new) = relay.conversation(&format!("New {number}"), &format!("+1415555030{number}"));
        relay.inbound(new, "Hello there");
        let Response::Snapshot { document, kind, visibility, changes, mut facts, outline: Some(outline), .. } =
            relay.snapshot(new)
        else {
            continue;
        };
        let needed = number % 2 == 0;
        if needed {
            // The outline knows nothing of this message.
            let message =
                MessageFact { id: IntentId([number; 16]), order: 999, at: Timestamp(1), delivery: Delivery::Received };
            facts.push(Fact { seq: 999, body: FactBody::Message(message) });
        }
        let saved = serde_bytes::ByteBuf::from(vec![1, 2, 3]);
        let snapshot = Response::Snapshot { document, kind, visibility, saved, changes, facts, outline: Some(outline) };
        let values = vec![(RegisterKey::ReadMark(document), RegisterContent::Order(1_000))];
        let frames = [snapshot, Response::Registers { values }];
        let events = frames.map(|frame| Event::Frame { request: stream.id, frame });
        phone.session.handle_all(phone.now, &mut phone.rng, &mut phone.disk, events.into()).unwrap();
        let row = phone.disk.conversation_row(document);
        assert_eq!(row.is_none(), needed);
        assert_eq!(phone.disk.document_kind(document).unwrap().is_none(), needed);
        assert!(row.is_none_or(|row| !row.unread && row.preview.text == "Hello there"));
    }
}

/// DESIGN 5: digests are compared once a day, over what is on the dashboard.
#[test]
fn digests_are_sent_daily_and_say_what_is_held() {
    let (mut relay, _) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(relay.hellos.iter().all(|hello| hello.digest.is_none()));
    phone.now = phone.now.after(25 * 3600 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let sent: Vec<_> = relay.hellos.iter().filter_map(|hello| hello.digest.clone()).collect();
    let expected = crate::protocol::digest::fold(relay.documents.iter().map(|(id, held)| {
        let heads: Vec<[u8; 32]> = held.document.heads().iter().map(|head| head.0).collect();
        let last = held.facts.iter().map(|fact| fact.seq).max().unwrap_or(0);
        (*id, crate::protocol::digest::document_digest(*id, &heads, last))
    }));
    assert_eq!(sent, [expected]);
}

/// A bucket that differs is mended: what the relay doesn't know goes, what is missing comes.
#[test]
fn a_bucket_that_differs_is_mended() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let gone = documents[0];
    relay.documents.remove(&gone);
    let bucket = crate::protocol::digest::bucket(gone) as u8;
    phone.event(Event::Frame { request: stream.id, frame: Response::Bucket { bucket, documents: Vec::new() } });
    phone.check_against(&relay);
}

/// A long tail is folded into the snapshot.
#[test]
fn a_tail_stays_short() {
    let (mut relay, documents) = busy_relay();
    let mut phone = Phone::in_sync(&mut relay);
    for number in 0..100 {
        relay.inbound(documents[0], &format!("message {number}"));
        assert_eq!(phone.sync(&mut relay), Ok(()));
        assert!(phone.disk.document(documents[0]).unwrap().unwrap().tail.len() <= 32);
    }
    phone.check_against(&relay);
}
