//! Refusals, undo and what they do to everything written after.

use super::relay::OUR_NUMBER;
use super::*;
use crate::{
    intents::{NewContact, VerbError},
    model::Channel,
    sync::{Part, storage::Attention},
};

/// DESIGN 3: the refused text is kept for its author, the rest goes on under a fresh actor.
#[test]
fn a_refusal_keeps_the_text_and_the_rest_is_run_again_under_a_fresh_actor() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    relay.moods.refuses.insert("bad".into());
    let mut phone = Phone::in_sync(&mut relay);
    let (good, bad, after) = (phone.reply(bob, "good"), phone.reply(bob, "bad"), phone.reply(bob, "after"));
    let before = phone.actor(after);
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));

    assert!(accepted(&phone.state(good)) && accepted(&phone.state(after)));
    let refused = phone.intent(bad);
    assert!(matches!(refused.state, IntentState::NeedsAttention(Attention::Rejected(_))));
    assert_eq!(refused.verb.text(), Some("bad"));
    assert_eq!(phone.texts(bob), ["good", "after"]);
    assert_eq!(relay.texts(bob), ["good", "after"]);
    let last = &relay.pushes.last().unwrap().1[0][0];
    let actor = crate::model::document::parse_change(&last.change).unwrap().actor_id().to_bytes().to_vec();
    assert_ne!(actor, before);
    phone.check_against(&relay);

    // Ann rewords nothing and tries again on a better day: a new intent, whose id takes its place.
    relay.moods.refuses.clear();
    let again = phone.session.retry(phone.now, &mut phone.rng, &mut phone.disk, bad).unwrap();
    assert_ne!(again, bad);
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.texts(bob).len(), 3);
    assert!(phone.disk.attention().unwrap().is_empty());
    phone.check_against(&relay);
}

/// The connection breaks between the refusal and the verdicts of what was built on it, at every frame.
#[test]
fn a_refusal_cut_at_any_frame_ends_the_same() {
    for cut in 0..8 {
        let mut relay = Relay::new(ANN);
        let (_, bob) = relay.conversation("Bob", "+14155550101");
        relay.moods.refuses.insert("bad".into());
        let mut phone = Phone::in_sync(&mut relay);
        let bad = phone.reply(bob, "bad");
        phone.reply(bob, "second");
        phone.reply(bob, "third");
        phone.now = phone.now.after(4 * SECOND);
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        let frames = relay.answer(&sent.frames);
        phone.deliver(&sent, frames, Some(cut));
        // Typed while it is unclear what became of the others.
        phone.reply(bob, "fourth");
        phone.check();
        phone.restart();
        phone.now = phone.now.after(4 * SECOND);
        assert_eq!(phone.sync(&mut relay), Ok(()), "cut at {cut}");
        assert_eq!(relay.texts(bob), ["second", "third", "fourth"], "cut at {cut}");
        assert!(matches!(phone.state(bad), IntentState::NeedsAttention(_)));
        phone.check_against(&relay);
    }
}

/// R26: undo takes back what was not sent; what was written after it is authored anew.
#[test]
fn undo_takes_back_an_unsent_reply_and_later_ones_get_a_fresh_actor() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let (first, second, third) = (phone.reply(bob, "first"), phone.reply(bob, "second"), phone.reply(bob, "third"));
    let before = phone.actor(third);
    phone.undo(second).unwrap();
    assert_eq!(phone.texts(bob), ["first", "third"]);
    assert_eq!(phone.actor(first), before);
    assert_ne!(phone.actor(third), before);
    phone.check();
    phone.wait();
    phone.serve(&mut relay);
    assert_eq!(relay.texts(bob), ["first", "third"]);
    assert!(matches!(phone.undo(third), Err(SubmitError::TooLate)));
    assert!(matches!(phone.undo(second), Err(SubmitError::UnknownIntent(_))));
    phone.follow(&relay, &stream);
    phone.check_against(&relay);
}

/// An intent in flight can't be undone, whatever the connection does: the relay may have it.
#[test]
fn an_intent_in_flight_is_not_undone() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let first = phone.reply(bob, "first");
    phone.now = phone.now.after(4 * SECOND);
    phone.event(Event::SyncOnce);
    let sent = phone.sent.pop_front().unwrap();
    let unsent = phone.reply(bob, "unsent");
    phone.event(Event::Closed { request: sent.id, end: End::Broken("gone".into()) });
    assert!(matches!(phone.undo(first), Err(SubmitError::TooLate)));
    phone.undo(unsent).unwrap();
    assert_eq!(phone.texts(bob), ["first"]);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.texts(bob), ["first"]);
    phone.check_against(&relay);
}

/// Seed 7526: a store is copied, both write on under the same actor, and the copy comes first. The original can be used as
/// before: what it has not sent is written anew, under an actor of its own, on top of what the copy did. Enrolled anew, it
/// sends everything.
#[test]
fn the_original_of_a_copy_that_came_first_goes_on() {
    for sent in [true, false] {
        let mut relay = Relay::new(ANN);
        let (_, bob) = relay.conversation("Bob", "+14155550101");
        let mut phone = Phone::in_sync(&mut relay);
        let first = phone.reply(bob, "first");
        phone.now = phone.now.after(4 * SECOND);
        assert_eq!(phone.sync(&mut relay), Ok(()));
        let stream = phone.go_live(&mut relay);
        let mut copy = Phone { disk: phone.disk.clone(), rng: ChaCha8Rng::seed_from_u64(43), ..Phone::new() };

        let mine = phone.reply(bob, "mine");
        if sent {
            phone.wait();
            assert!(matches!(phone.state(mine), IntentState::InFlight { .. }));
        }
        let theirs = copy.reply(bob, "theirs");
        assert_eq!(phone.actor(mine), copy.actor(theirs), "both go on as {first}");
        copy.now = phone.now.after(4 * SECOND);
        assert_eq!(copy.sync(&mut relay), Ok(()));
        phone.follow(&relay, &stream);

        let more = phone.reply(bob, "more");
        let undone = phone.reply(bob, "undone");
        phone.undo(undone).unwrap();
        assert_eq!(phone.intent(more).verb.text(), Some("more"));
        assert_eq!(phone.disk.open_intents().unwrap().len(), 2);
        phone.check();
        if !sent {
            assert_eq!(phone.texts(bob), ["first", "theirs", "mine", "more"]);
        }

        let mut state = phone.disk.state().unwrap().unwrap();
        (state.clone, state.incarnation) = (false, Incarnation { previous: 99, next: 99 });
        relay.incarnation = 99;
        let identity = phone.disk.identity().unwrap().unwrap();
        phone.session.re_enrolled(phone.now, &mut phone.disk, &identity, &state).unwrap();
        phone.event(Event::Paused);
        phone.now = phone.now.after(4 * SECOND);
        assert_eq!(phone.sync(&mut relay), Ok(()));
        assert_eq!(relay.texts(bob), ["first", "theirs", "mine", "more"]);
        phone.check_against(&relay);
    }
}

fn new_customer(phone: &str) -> Submission {
    let (contact, document) = (DocumentId([0x51; 16]), DocumentId([0x52; 16]));
    let new = NewContact { name: "Carol".into(), phones: vec![phone.into()], ..NewContact::default() };
    let start = Verb::StartConversation {
        conversation: crate::ids::ConversationId([0x52; 16]),
        contact,
        channel: Channel::Sms(OUR_NUMBER.into()),
        text: Some("Hello Carol".into()),
    };
    Submission {
        parts: vec![
            Part { document: contact, verb: Verb::CreateContact(new), natural_key: None },
            Part { document, verb: start, natural_key: None },
        ],
    }
}

/// DESIGN 3: a group that spans documents has one outcome; nothing of a refused one stays but the text.
#[test]
fn a_group_is_refused_as_a_whole() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    relay.moods.refuses.insert("Hello Carol".into());
    let ids = phone.submit(new_customer("+14155550177")).unwrap();
    assert_eq!(phone.disk.conversation_rows()[0].contact_name, "Carol");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    for id in &ids {
        assert!(matches!(phone.state(*id), IntentState::NeedsAttention(Attention::Rejected(_))));
    }
    assert!(phone.disk.conversation_rows().is_empty() && phone.disk.contact_rows().is_empty());
    phone.check_against(&relay);

    relay.moods.refuses.clear();
    phone.session.retry(phone.now, &mut phone.rng, &mut phone.disk, ids[1]).unwrap();
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(relay.accepted.len(), 1);
    phone.check_against(&relay);
}

#[test]
fn a_group_is_accepted_and_undone_as_a_whole() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let ids = phone.submit(new_customer("+14155550177")).unwrap();
    phone.undo(ids[1]).unwrap();
    assert!(phone.disk.all_intents().is_empty());
    assert!(phone.disk.conversation_rows().is_empty() && phone.disk.contact_rows().is_empty());
    phone.check();

    let ids = phone.submit(new_customer("+14155550177")).unwrap();
    let note = phone.act(DocumentId([0x52; 16]), Verb::Note { text: "met at the fair".into(), mentions: Vec::new() });
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(ids.iter().chain([&note]).all(|id| accepted(&phone.state(*id))));
    assert_eq!(relay.pushes[0].1[0].len(), 2);
    phone.check_against(&relay);
}

/// What was written in a conversation that is then refused goes back to its author with it.
#[test]
fn what_was_written_behind_a_refused_start_is_kept_for_its_author() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    relay.moods.refuses.insert("Hello Carol".into());
    phone.submit(new_customer("+14155550177")).unwrap();
    let second = phone.reply(DocumentId([0x52; 16]), "One more thing");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(matches!(phone.state(second), IntentState::NeedsAttention(Attention::NoLongerApplies { .. })));
    assert_eq!(phone.intent(second).verb.text(), Some("One more thing"));
    assert!(phone.disk.conversation_rows().is_empty());
    phone.check_against(&relay);
}

#[test]
fn a_verb_that_makes_no_sense_changes_nothing() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let mut phone = Phone::in_sync(&mut relay);
    let before = phone.disk.clone();
    let empty = phone.submit(Submission::one(bob, Verb::Reply { text: "  ".into() }));
    assert!(matches!(empty, Err(SubmitError::Verb(VerbError::EmptyText))));
    let unknown =
        phone.submit(Submission::one(DocumentId([9; 16]), Verb::Note { text: "x".into(), mentions: Vec::new() }));
    assert!(matches!(unknown, Err(SubmitError::UnknownDocument(_))));
    // R8, R18: a stranger can't be assigned, and Ann is told at once.
    let stranger = phone.submit(Submission::one(bob, Verb::Assign { member: MemberId([9; 16]) }));
    assert!(matches!(stranger, Err(SubmitError::Refused(_))));
    assert_eq!(phone.disk, before);
    phone.reply(bob, "works still");
    phone.check();
}

/// R20: closing and reopening run on what the author saw.
#[test]
fn what_the_author_has_seen_is_filled_in() {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    let inbound = relay.inbound(bob, "Thanks, bye");
    let mut phone = Phone::in_sync(&mut relay);
    let close = phone.act(bob, Verb::Close { seen: None });
    assert_eq!(phone.intent(close).verb, Verb::Close { seen: Some(inbound) });
    assert_eq!(phone.disk.conversation_row(bob).unwrap().status, crate::model::Status::Closed);
    let reopen = phone.act(bob, Verb::Reopen { closings: Vec::new() });
    assert_eq!(phone.intent(reopen).verb, Verb::Reopen { closings: vec![close] });
    assert_eq!(phone.disk.conversation_row(bob).unwrap().status, crate::model::Status::Open);
    phone.check();
}
