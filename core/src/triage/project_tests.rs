//! Rows are made by the relay's clock, whatever the documents' claims are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use automerge::ActorId;

use super::project::{Registers, project_conversation};
use crate::{
    ids::{ConversationId, DocumentId, IntentId, MemberId},
    model::{
        Action, AssignmentKey, Channel, Conversation, Directory, Document, Kind, Origin, conversation::AssignmentReason,
    },
    policy::Visibility,
    protocol::{Deed, EventFact, Fact, FactBody},
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
