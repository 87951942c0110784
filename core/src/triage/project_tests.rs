//! Rows are made by the relay's clock, whatever the documents' claims are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use automerge::ActorId;

use super::{
    outline::project_outline,
    project::{Registers, project_conversation},
};
use crate::{
    alerts::reminders::{Reminders, Rest, Waiting},
    ids::{ConversationId, DocumentId, IntentId, MemberId},
    model::{
        Action, AssignmentKey, Channel, Conversation, Directory, Document, Kind, MessageKind, NewMessage, Origin,
        Outline, conversation::AssignmentReason,
    },
    policy::Visibility,
    protocol::{Deed, Delivery, EventFact, Fact, FactBody, MessageFact},
    time::Timestamp,
    triage::ConversationRow,
};

const ANA: MemberId = MemberId([1; 16]);
const START: IntentId = IntentId([2; 16]);
const YEAR_9999: Timestamp = Timestamp(253_402_300_799_999);

/// A conversation that a clock of the year 9999 started without a word.
fn started() -> Document {
    let mut document = Document::new(Kind::Conversation);
    let key = AssignmentKey { member: ANA, intent: START };
    let (contact, at) = (DocumentId([3; 16]), YEAR_9999);
    let actions = [
        Action::OpenConversation {
            conversation: ConversationId([4; 16]),
            contact,
            channel: Channel::Sms("+14155550100".into()),
        },
        Action::AddOrigin { origin: Origin::Direct, at },
        Action::Assign { key, by: Some(ANA), reason: AssignmentReason::Manual, at },
    ];
    document.author(ActorId::from([5; 16]), START, Timestamp(1_000), &actions).unwrap();
    document
}

fn event(id: IntentId, seq: u64, at: i64, what: Deed) -> Fact {
    let event = EventFact { id, order: seq, at: Timestamp(at), by: Some(ANA), what: vec![what] };
    Fact { seq, body: FactBody::Event(event) }
}

fn row(document: &Document, facts: &[Fact], pending: &[IntentId]) -> ConversationRow {
    let conversation = Conversation::read(document).unwrap();
    let pending: BTreeSet<IntentId> = pending.iter().copied().collect();
    let (registers, directory) = (Registers::default(), Directory::default());
    let (id, seen) = (DocumentId([6; 16]), Visibility::DASHBOARD);
    project_conversation(id, &conversation, facts, &registers, &pending, seen, &directory, ANA).row
}

/// R41, R25: a conversation in which nothing was said is as old as the relay says, and no device's clock holds it at the top.
#[test]
fn a_claimed_time_moves_no_row() {
    let facts = [event(START, 7, 5_000, Deed::Opened), event(IntentId([8; 16]), 9, 9_000, Deed::Tagged("x".into()))];
    assert_eq!(row(&started(), &facts, &[]).last_activity, Timestamp(5_000));
    assert_eq!(row(&started(), &facts, &[IntentId([8; 16])]).last_activity, Timestamp(5_000));
    // Until the relay knows of it there is this device's own clock only.
    assert_eq!(row(&started(), &[], &[START]).last_activity, YEAR_9999);
    assert_eq!(row(&started(), &[], &[]).last_activity, Timestamp(0));
}

/// R22, R41: the latest origin comes first by the relay's clock.
#[test]
fn a_claimed_time_moves_no_origin() {
    let mut document = started();
    let campaign = IntentId([9; 16]);
    let marked = Action::AddOrigin { origin: Origin::Campaign, at: Timestamp(8_000) };
    document.author(ActorId::from([0; 16]), campaign, Timestamp(8_000), &[marked]).unwrap();
    let opened = event(START, 7, 5_000, Deed::Opened);
    let facts = [opened.clone(), event(campaign, 8, 8_000, Deed::Marked(Origin::Campaign))];
    assert_eq!(row(&document, &facts, &[]).origins, [Origin::Campaign, Origin::Direct]);
    let again = [facts.to_vec(), vec![event(IntentId([10; 16]), 9, 9_000, Deed::Marked(Origin::Direct))]].concat();
    assert_eq!(row(&document, &again, &[]).origins, [Origin::Direct, Origin::Campaign]);
}

/// A conversation with what was said in it, as (id, who, at, delivery).
fn said(messages: &[(u8, Option<MemberId>, i64, Delivery)]) -> (Document, Vec<Fact>) {
    let mut document = started();
    let mut facts = Vec::new();
    for (number, (id, by, at, delivery)) in (10u8..).zip(messages) {
        let id = IntentId([*id; 16]);
        let kind = if by.is_some() { MessageKind::Outbound } else { MessageKind::Inbound };
        let message = NewMessage::new(kind, *by, "Hello".into(), Timestamp(*at));
        document
            .author(ActorId::from([number; 16]), id, Timestamp(*at), &[Action::AddMessage { id, message }])
            .unwrap();
        let seq = u64::from(number);
        let fact = MessageFact { id, order: seq, at: Timestamp(*at), delivery: delivery.clone() };
        facts.push(Fact { seq, body: FactBody::Message(fact) });
    }
    (document, facts)
}

fn due(document: &Document, facts: &[Fact], registers: &Registers) -> Reminders {
    let conversation = Conversation::read(document).unwrap();
    let (id, seen, directory) = (DocumentId([6; 16]), Visibility::DASHBOARD, Directory::default());
    let whole = project_conversation(id, &conversation, facts, registers, &BTreeSet::new(), seen, &directory, ANA).row;
    let last = facts.iter().rev().find_map(|fact| match &fact.body {
        FactBody::Message(message) => Some(message.id),
        _ => None,
    });
    let Outline::Conversation(outline) = Outline::of_conversation(&conversation, last) else { panic!() };
    if let Some(brief) = project_outline(id, outline, facts, registers, seen, &directory, ANA) {
        assert_eq!(brief.row, whole, "the outline says the same");
    }
    whole.reminders
}

/// R16: the contact waits since their first message that nobody answered; a reply that never left answers nothing, a closing
/// ends the wait, a rest puts it off.
#[test]
fn a_contact_waits_since_their_first_unanswered_message() {
    const BEN: MemberId = MemberId([7; 16]);
    let received = Delivery::Received;
    let registers = Registers::default();
    let waits = |messages: &[_]| {
        let (document, facts) = said(messages);
        due(&document, &facts, &registers).waiting.map(|waiting| (waiting.message.0[0], waiting.since.0))
    };
    let first = (21, None, 1_000, received.clone());
    let sent = (22, Some(BEN), 2_000, Delivery::Sent);
    let again = (23, None, 3_000, received.clone());
    let more = (24, None, 4_000, received);
    assert_eq!(waits(&[first.clone(), again.clone()]), Some((21, 1_000)));
    assert_eq!(waits(&[first.clone(), sent.clone()]), None);
    assert_eq!(waits(&[first.clone(), sent, again.clone(), more]), Some((23, 3_000)));
    assert_eq!(waits(&[first.clone(), (22, Some(BEN), 2_000, Delivery::Dropped)]), Some((21, 1_000)));
    let note = (22, Some(BEN), 2_000, Delivery::Scheduled { at: Timestamp(9_000) });
    assert_eq!(waits(&[first.clone(), note, again]), Some((21, 1_000)));

    let (mut document, facts) = said(&[first]);
    let seen = Some(IntentId([21; 16]));
    let rest = Action::Snooze { id: IntentId([30; 16]), by: BEN, at: Timestamp(0), until: Timestamp(50_000), seen };
    document.author(ActorId::from([40; 16]), IntentId([30; 16]), Timestamp(0), &[rest]).unwrap();
    let resting = due(&document, &facts, &registers);
    let expected = Rest { snooze: IntentId([30; 16]), by: BEN, until: Timestamp(50_000) };
    assert_eq!(resting.rest, Some(expected));
    let waiting = Waiting { message: IntentId([21; 16]), order: 10, since: Timestamp(50_000) };
    assert_eq!(resting.waiting, Some(waiting));
    let closing = Action::Close { id: IntentId([31; 16]), by: BEN, at: Timestamp(0), seen };
    document.author(ActorId::from([41; 16]), IntentId([31; 16]), Timestamp(0), &[closing]).unwrap();
    assert_eq!(due(&document, &facts, &registers), Reminders::default(), "what is closed waits for nobody");
}

/// R15, R16: what was acted on is no reminder: anybody's message after the end of a rest, the member's own after their
/// follow-up.
#[test]
fn what_was_acted_on_comes_due_no_more() {
    const BEN: MemberId = MemberId([7; 16]);
    let follow_up = Registers { follow_up: Some(Timestamp(5_000)), ..Registers::default() };
    let after = |by, at, delivery| {
        let (mut document, facts) = said(&[(21, None, 1_000, Delivery::Received), (22, Some(by), at, delivery)]);
        let seen = Some(IntentId([21; 16]));
        let rest = Action::Snooze { id: IntentId([30; 16]), by: BEN, at: Timestamp(0), until: Timestamp(5_000), seen };
        document.author(ActorId::from([40; 16]), IntentId([30; 16]), Timestamp(0), &[rest]).unwrap();
        let due = due(&document, &facts, &follow_up);
        (due.rest.is_some(), due.follow_up.is_some())
    };
    assert_eq!(after(ANA, 4_999, Delivery::Sent), (true, true));
    assert_eq!(after(ANA, 5_000, Delivery::Sent), (false, false));
    assert_eq!(after(BEN, 5_000, Delivery::Sent), (false, true));
    assert_eq!(after(ANA, 5_000, Delivery::Dropped), (true, true));
}
