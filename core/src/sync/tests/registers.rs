//! Read marks, drafts, dismissals.

use super::*;
use crate::{
    protocol::{RegisterContent, RegisterKey},
    sync::registers::DRAFT_PAUSE,
};

fn setup() -> (Relay, Phone, DocumentId, Sent) {
    let mut relay = Relay::new(ANN);
    let (_, bob) = relay.conversation("Bob", "+14155550101");
    relay.inbound(bob, "Hello");
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    (relay, phone, bob, stream)
}

/// R27: a draft is durable with every keystroke and synced when the typing rests.
#[test]
fn a_draft_is_saved_at_once_and_synced_when_typing_rests() {
    let (mut relay, mut phone, bob, _) = setup();
    for text in ["H", "He", "Hello B"] {
        phone.now = phone.now.after(SECOND);
        phone.session.set_draft(phone.now, &mut phone.disk, bob, text).unwrap();
        phone.event(Event::Written);
        assert!(phone.sent.is_empty(), "still typing");
        assert_eq!(phone.wake, Some(phone.now.after(DRAFT_PAUSE)));
    }
    assert!(phone.disk.conversation_row(bob).unwrap().draft);
    phone.pass(DRAFT_PAUSE);
    let sent = phone.sent.front().unwrap();
    assert!(sent.groups().is_empty() && sent.number().is_some());
    phone.serve(&mut relay);
    assert_eq!(relay.registers[&RegisterKey::Draft(bob)], RegisterContent::Text("Hello B".into()));
    assert!(phone.disk.dirty_registers().unwrap().is_empty());
    phone.check();
}

/// A keystroke while the draft is on its way is not taken for stored.
#[test]
fn a_write_during_a_push_is_pushed_again() {
    let (mut relay, mut phone, bob, _) = setup();
    phone.session.set_draft(phone.now, &mut phone.disk, bob, "He").unwrap();
    phone.event(Event::Written);
    phone.pass(DRAFT_PAUSE);
    let sent = phone.sent.pop_front().unwrap();
    phone.session.set_draft(phone.now, &mut phone.disk, bob, "Hello").unwrap();
    phone.event(Event::Written);
    let frames = relay.answer(&sent.frames);
    phone.deliver(&sent, frames, None);
    assert_eq!(phone.disk.dirty_registers().unwrap().len(), 1);
    phone.pass(DRAFT_PAUSE);
    phone.serve(&mut relay);
    assert_eq!(relay.registers[&RegisterKey::Draft(bob)], RegisterContent::Text("Hello".into()));
}

/// R25: reading on the tablet and on the phone: the mark only moves forward.
#[test]
fn read_marks_merge_by_maximum() {
    let (mut relay, mut phone, bob, stream) = setup();
    assert!(phone.disk.conversation_row(bob).unwrap().unread);
    phone.session.mark_read(phone.now, &mut phone.disk, bob).unwrap();
    phone.event(Event::Written);
    phone.serve(&mut relay);
    let key = RegisterKey::ReadMark(bob);
    let read = phone.disk.register(key).unwrap().unwrap().content;
    assert_eq!(relay.registers[&key], read);
    assert!(!phone.disk.conversation_row(bob).unwrap().unread);
    let RegisterContent::Order(order) = read else { panic!() };
    let tell = |phone: &mut Phone, order| {
        let values = vec![(key, RegisterContent::Order(order))];
        phone.event(Event::Frame { request: stream.id, frame: Response::Registers { values } });
        phone.disk.register(key).unwrap().unwrap()
    };
    assert_eq!(tell(&mut phone, order - 1).content, RegisterContent::Order(order));
    let ahead = tell(&mut phone, order + 5);
    assert_eq!((ahead.content, ahead.version), (RegisterContent::Order(order + 5), ahead.stored_version));
    phone.check();
}

/// R25: mark-unread is a flag of its own, which reading clears.
#[test]
fn marked_unread_stays_until_read() {
    let (mut relay, mut phone, bob, stream) = setup();
    phone.session.mark_read(phone.now, &mut phone.disk, bob).unwrap();
    phone.session.mark_unread(phone.now, &mut phone.disk, bob).unwrap();
    assert!(phone.disk.conversation_row(bob).unwrap().unread);
    // The tablet's older word doesn't undo what was just done here and is not sent yet.
    let values = vec![(RegisterKey::MarkedUnread(bob), RegisterContent::Flag(false))];
    phone.event(Event::Frame { request: stream.id, frame: Response::Registers { values } });
    assert!(phone.disk.conversation_row(bob).unwrap().unread);
    phone.event(Event::Written);
    phone.serve(&mut relay);
    phone.session.mark_read(phone.now, &mut phone.disk, bob).unwrap();
    phone.event(Event::Written);
    phone.serve(&mut relay);
    assert!(!phone.disk.conversation_row(bob).unwrap().unread);
    assert_eq!(relay.registers[&RegisterKey::MarkedUnread(bob)], RegisterContent::Flag(false));
    phone.check();
}

/// R15, R16: a reminder that is dismissed or read on one device is dealt with on all, and nothing of what is to come is, not
/// even by a device whose clock is far ahead.
#[test]
fn reminders_are_dealt_with_once() {
    let (mut relay, mut phone, bob, stream) = setup();
    let due = phone.now.after(5 * SECOND);
    phone.session.choose(phone.now, &mut phone.disk, RegisterKey::FollowUp(bob), RegisterContent::Time(due)).unwrap();
    phone.event(Event::Written);
    phone.serve(&mut relay);
    let reminder = |phone: &mut Phone| {
        let viewer = phone.session.viewer(&phone.disk).unwrap();
        let row = phone.disk.conversation_row(bob).unwrap();
        crate::triage::told::reminders(&row, &viewer).pop().map(|active| active.alert)
    };
    let early = reminder(&mut phone).unwrap();
    let refused = phone.session.dismiss(phone.now, &mut phone.disk, early.id);
    assert!(matches!(refused, Err(SubmitError::UnknownAlert(_))), "it is not due: {refused:?}");
    phone.session.mark_read(phone.now, &mut phone.disk, bob).unwrap();
    phone.event(Event::Written);
    assert_eq!(reminder(&mut phone).as_ref(), Some(&early), "reading before its time deals with nothing");

    let ahead = due.after(400 * 24 * 3600 * SECOND);
    let mut other = (Session::new(SessionOptions::default()), phone.disk.clone());
    other.0.dismiss(ahead, &mut other.1, early.id).unwrap();
    let key = RegisterKey::Reminded(bob);
    let dealt = other.1.register(key).unwrap().unwrap();
    assert_eq!(dealt.content, RegisterContent::Time(due), "up to its own time, not this device's");

    phone.pass(6 * SECOND);
    phone.session.dismiss(phone.now, &mut phone.disk, early.id).unwrap();
    phone.event(Event::Written);
    assert_eq!(reminder(&mut phone), None);
    phone.serve(&mut relay);
    assert_eq!(relay.registers[&key], RegisterContent::Time(due));
    // An older word of another device takes nothing back, a later one counts.
    for (said, holds) in [(due.before(SECOND), due), (due.after(SECOND), due.after(SECOND))] {
        let values = vec![(key, RegisterContent::Time(said))];
        phone.event(Event::Frame { request: stream.id, frame: Response::Registers { values } });
        assert_eq!(phone.disk.register(key).unwrap().unwrap().content, RegisterContent::Time(holds));
    }
    phone.check();
}

/// R15: opening the conversation retracts what came due in it.
#[test]
fn reading_deals_with_what_came_due() {
    let (mut relay, mut phone, bob, _) = setup();
    let due = phone.now.after(5 * SECOND);
    phone.session.choose(phone.now, &mut phone.disk, RegisterKey::FollowUp(bob), RegisterContent::Time(due)).unwrap();
    phone.event(Event::Written);
    phone.serve(&mut relay);
    phone.pass(6 * SECOND);
    phone.session.mark_read(phone.now, &mut phone.disk, bob).unwrap();
    phone.event(Event::Written);
    phone.serve(&mut relay);
    assert_eq!(relay.registers[&RegisterKey::Reminded(bob)], RegisterContent::Time(due));
    assert_eq!(phone.disk.reminding(phone.now, None).unwrap(), []);
    phone.check();
}
