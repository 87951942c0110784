//! A relay restored from a backup, and a store that is a copy.

use super::relay::OUR_NUMBER;
use super::*;
use crate::{
    intents::NewContact,
    model::Channel,
    protocol::{RegisterContent, RegisterKey},
    sync::Part,
};

/// DESIGN 4, restoring a backup: what Ann did after the backup comes back under the same ids, once, in order; what the
/// backup holds is not done twice.
#[test]
fn after_a_restore_the_device_offers_its_own_work_again() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    relay.inbound(bob, "Hello");
    let mut phone = Phone::in_sync(&mut relay);
    let kept = phone.reply(bob, "in the backup");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let backup = relay.seq;

    let lost = phone.reply(bob, "after the backup");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let unsent = phone.reply(bob, "never sent");
    phone.session.set_draft(phone.now, &mut phone.disk, bob, "half a thought").unwrap();
    relay.restore(backup);

    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.texts(bob), ["Hello", "in the backup", "after the backup", "never sent"]);
    assert!([kept, lost, unsent].into_iter().all(|id| accepted(&phone.state(id))));
    assert_eq!(relay.accepted.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [lost, unsent]);
    let sent: Vec<_> = relay.pushes.last().unwrap().1.concat();
    // What went out once is never sent again on its own; what never did is sent.
    assert_eq!(sent.iter().map(|sent| (sent.id, sent.reoffered)).collect::<Vec<_>>(), [(lost, true), (unsent, false)]);
    let draft = phone.disk.register(RegisterKey::Draft(bob)).unwrap().unwrap();
    assert_eq!(draft.content, RegisterContent::Text("half a thought".into()));
    phone.check_against(&relay);
}

/// R27, seed 6374: the draft of a conversation that did not come back yet was stored by a relay that was then put back once
/// more. It is offered again.
#[test]
fn a_draft_outlives_two_restores_while_its_conversation_is_away() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let backup = relay.seq;
    phone.reply(bob, "not sent yet");
    phone.session.set_draft(phone.now, &mut phone.disk, bob, "half a thought").unwrap();
    relay.restore(backup);
    // In the background nothing is pulled: the draft is stored, the conversation does not come.
    phone.event(Event::Started { live: false });
    phone.wait();
    phone.serve(&mut relay);
    let draft = RegisterKey::Draft(bob);
    assert_eq!(relay.registers.remove(&draft), Some(RegisterContent::Text("half a thought".into())));
    assert!(phone.disk.document(bob).unwrap().is_none());
    relay.restore(backup);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.registers[&draft], RegisterContent::Text("half a thought".into()));
    assert_eq!(relay.texts(bob), ["not sent yet"]);
    phone.check_against(&relay);
}

/// The whole conversation came after the backup: Ann's own start makes it again.
#[test]
fn a_conversation_started_after_the_backup_is_made_again() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let backup = relay.seq;
    let (contact, document) = (DocumentId([0x51; 16]), DocumentId([0x52; 16]));
    let new = NewContact { name: "Carol".into(), phones: vec!["+14155550177".into()], ..NewContact::default() };
    let channel = Channel::Sms(OUR_NUMBER.into());
    let conversation = crate::ids::ConversationId([0x52; 16]);
    let verb = Verb::StartConversation { conversation, contact, channel, text: Some("Hello".into()) };
    let parts = vec![
        Part { document: contact, verb: Verb::CreateContact(new), natural_key: None },
        Part { document, verb, natural_key: None },
    ];
    phone.submit(Submission { parts }).unwrap();
    phone.reply(document, "Carol?");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    relay.restore(backup);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let row = &phone.disk.conversation_rows()[0];
    assert_eq!(row.contact_name, "Carol");
    assert_eq!(relay.texts(row.document), ["Hello", "Carol?"]);
    phone.check_against(&relay);
}

/// Somebody else's conversation came after the backup, and came back under another id: Ann's reply finds it by phone and
/// channel. Had it not come back, her reply would make it again.
#[test]
fn a_reply_finds_its_conversation_by_phone_or_makes_it_again() {
    for came_back in [true, false] {
        let mut relay = Relay::new(ANN);
        let mut phone = Phone::in_sync(&mut relay);
        let backup = relay.seq;
        let (_, document) = relay.conversation("Dan", "+14155550188");
        relay.inbound(document, "Hi, Dan here");
        assert_eq!(phone.sync(&mut relay), Ok(()));
        let reply = phone.reply(document, "Hi Dan");
        phone.now = phone.now.after(4 * SECOND);
        assert_eq!(phone.sync(&mut relay), Ok(()));
        relay.restore(backup);
        let back = came_back.then(|| {
            let (_, back) = relay.conversation("", "+14155550188");
            relay.inbound(back, "Hi, Dan here");
            back
        });
        assert_eq!(phone.sync(&mut relay), Ok(()));
        assert!(accepted(&phone.state(reply)));
        let rows = phone.disk.conversation_rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(relay.texts(rows[0].document).last().map(String::as_str), Some("Hi Dan"));
        if let Some(back) = back {
            assert_eq!(rows[0].document, back);
        } else {
            assert_eq!(rows[0].contact_name, "Dan");
        }
        phone.check_against(&relay);
    }
}

/// R9: what Ann did was accepted, and she lost sight of the conversation; then the relay was restored, and holds it still. She
/// need not look after it, and it is not done again elsewhere.
#[test]
fn what_the_relay_accepted_out_of_sight_stays_accepted() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let tag = phone.tag(bob, "vip");
    assert_eq!(phone.sync(&mut relay), Ok(()));
    relay.evict(bob);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    let before = relay.documents.len();
    relay.restore(relay.seq);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(accepted(&phone.state(tag)));
    assert!(phone.disk.attention().unwrap().is_empty());
    assert_eq!(relay.documents.len(), before);
    phone.check_against(&relay);
}

/// The backup is older than the device's enrolment: enrolled anew it offers its accepted work again, too.
#[test]
fn a_device_that_the_backup_does_not_know_offers_its_own_work_again() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let backup = relay.seq;
    let lost = phone.reply(bob, "after the backup");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    relay.restore(backup);
    relay.incarnation = 99;

    let identity = phone.disk.identity().unwrap().unwrap();
    let mut state = phone.disk.state().unwrap().unwrap();
    (state.cursor, state.incarnation) =
        (Cursor { epoch: relay.epoch, seq: 0, backfill: None }, Incarnation { previous: 99, next: 99 });
    phone.session.re_enrolled(phone.now, &mut phone.disk, &identity, &state).unwrap();
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(accepted(&phone.state(lost)));
    assert_eq!(relay.texts(bob), ["after the backup"]);
    assert!(relay.pushes.last().unwrap().1.concat().iter().all(|sent| sent.reoffered));
    phone.check_against(&relay);
}

/// A restore while the answer to a push is lost, cut at any frame of the resync.
#[test]
fn a_resync_cut_at_any_frame_still_brings_everything_back() {
    for cut in 1..10 {
        let mut relay = Relay::new(ANN);
        let (_, bob) = relay.conversation("Bob", "+14155550101");
        let backup = relay.seq;
        let mut phone = Phone::in_sync(&mut relay);
        phone.reply(bob, "first");
        phone.now = phone.now.after(4 * SECOND);
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        let frames = relay.answer(&sent.frames);
        phone.deliver(&sent, frames, Some(1));
        relay.restore(backup);
        phone.reply(bob, "second");
        phone.now = phone.now.after(4 * SECOND);
        phone.event(Event::SyncOnce);
        for _ in 0..2 {
            let sent = phone.sent.pop_front().unwrap();
            let frames = relay.answer(&sent.frames);
            phone.deliver(&sent, frames, Some(cut));
            if phone.sent.is_empty() {
                phone.event(Event::SyncOnce);
            }
        }
        phone.restart();
        assert_eq!(phone.sync(&mut relay), Ok(()), "cut at {cut}");
        assert_eq!(relay.texts(bob), ["first", "second"], "cut at {cut}");
        phone.check_against(&relay);
    }
}

/// DESIGN 3: a copy pushes nothing, keeps what is pending, and goes on once it is enrolled as a device of its own.
#[test]
fn a_copy_pushes_nothing_until_it_is_enrolled_anew() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let mut copy = Phone::new();
    copy.disk = phone.disk.clone();
    copy.rng = ChaCha8Rng::seed_from_u64(43);
    phone.tag(bob, "one");
    assert_eq!(phone.sync(&mut relay), Ok(()));

    let reply = copy.reply(bob, "from the copy");
    assert!(copy.sync(&mut relay).is_err());
    assert!(copy.disk.state().unwrap().unwrap().clone);
    assert!(copy.session.status().last_error.as_deref().is_some_and(|error| error.contains("enrol it anew")));
    copy.now = copy.now.after(4 * SECOND);
    assert!(copy.sync(&mut relay).is_err());
    assert_eq!((relay.pushes.len(), copy.state(reply)), (1, IntentState::Pending));
    assert!(relay.hellos.last().is_some_and(|hello| hello.incarnation.previous == hello.incarnation.next));

    let mut state = copy.disk.state().unwrap().unwrap();
    (state.clone, state.incarnation) = (false, Incarnation { previous: 99, next: 99 });
    relay.incarnation = 99;
    let identity = copy.disk.identity().unwrap().unwrap();
    copy.session.re_enrolled(copy.now, &mut copy.disk, &identity, &state).unwrap();
    assert_eq!(copy.sync(&mut relay), Ok(()));
    assert!(accepted(&copy.state(reply)));
    assert_eq!(relay.texts(bob), ["from the copy"]);
    copy.check_against(&relay);
}

/// DESIGN 3: an answer that is lost is no clone, however often.
#[test]
fn lost_answers_are_never_taken_for_a_clone() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    for number in 0..6 {
        phone.tag(bob, &format!("tag {number}"));
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        // Twice the request gets lost, twice the answer, twice half of it.
        match number % 3 {
            0 => phone.event(Event::Closed { request: sent.id, end: End::Broken("lost".into()) }),
            other => {
                let frames = relay.answer(&sent.frames);
                phone.deliver(&sent, frames, Some(other - 1));
            }
        }
        phone.restart();
    }
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(!phone.disk.state().unwrap().unwrap().clone);
    assert_eq!(phone.disk.conversation_row(bob).unwrap().tags.len(), 6);
    phone.check_against(&relay);
}
