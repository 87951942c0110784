//! What honest devices get.

use super::*;
use offdesk_core::{
    model::{AssignmentKey, HeldChoice, MessageKind, RefusalCode, conversation::AssignmentReason},
    protocol::{Delivery, FactBody, HeldBecause},
};

fn delivery(office: &Office, document: DocumentId, message: IntentId) -> Delivery {
    office
        .store
        .read_blocking(move |tx| Ok::<_, StoreError>(tx.message_fact(document, message)?.unwrap().delivery))
        .unwrap()
}

fn alerts(office: &Office, document: DocumentId, member: MemberId) -> Vec<&'static str> {
    let facts = office.store.read_blocking(move |tx| tx.facts(document, 0, Some(member))).unwrap();
    facts
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::Alert(alert) => Some(alert.why.rule()),
            FactBody::Message(_) | FactBody::Event(_) => None,
        })
        .collect()
}

/// R17: a reply assigns its author in the same change; it waits in the ledger once.
#[test]
fn a_reply_is_accepted_assigns_its_author_and_enters_the_ledger() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let mut phone = office.phone(ana);
    let document = office.sms("+14155552671", "Is it ready?");
    phone.pull(&office, document, Kind::Conversation);
    let verdict = phone.run(&mut office, document, &reply("Yes"));
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    let conversation = office.conversation(document);
    assert_eq!(conversation.messages.len(), 2);
    assert_eq!(conversation.assignments[0].reason, AssignmentReason::Reply);
    assert_eq!(office.count("SELECT count(*) FROM ledger WHERE state = 'queued' AND recipient = '+14155552671'"), 1);
}

/// An empty change asks what became of an intent; asking does nothing.
#[test]
fn a_question_is_answered_and_does_nothing() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut phone, mut other) = (office.phone(ana), office.phone(ben));
    let document = office.sms("+14155552671", "Hi");
    phone.pull(&office, document, Kind::Conversation);
    let intent = phone.intent(&mut office, document, &reply("Hello"));
    let question = PushedIntent { change: serde_bytes::ByteBuf::new(), ..intent.clone() };
    assert_eq!(phone.push(&office, vec![question.clone()]), Verdict::MissingDeps(Vec::new()));
    let Verdict::Accepted(seq) = phone.push(&office, vec![intent]) else { panic!("the reply is accepted") };
    assert_eq!(phone.push(&office, vec![question.clone()]), Verdict::Duplicate(seq));
    assert!(matches!(other.push(&office, vec![question]), Verdict::Rejected(_)));
    assert_eq!(office.conversation(document).messages.len(), 2);
}

/// R32: the same change twice is once, and gets the same answer; a re-authored intent is a duplicate.
#[test]
fn accepting_an_intent_twice_is_the_same_as_once() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let mut phone = office.phone(ana);
    let document = office.sms("+14155552671", "Hi");
    phone.pull(&office, document, Kind::Conversation);
    let intent = phone.intent(&mut office, document, &reply("Hello"));
    let first = phone.push(&office, vec![intent.clone()]);
    assert_eq!(phone.push(&office, vec![intent.clone()]), first);
    // The same intent on the relay's heads, in another change.
    let mut other = office.phone(ana);
    other.pull(&office, document, Kind::Conversation);
    let message = office.conversation(document).messages[&intent.id].clone();
    let new = offdesk_core::model::NewMessage::new(MessageKind::Outbound, Some(ana), message.text, message.at);
    let again = other.raw(&mut office, document, Kind::Conversation, intent.id, &[Action::AddTag { tag: "x".into() }]);
    let _ = new;
    assert!(matches!(other.push(&office, vec![again]), Verdict::Duplicate(_)));
    assert_eq!(office.count("SELECT count(*) FROM ledger"), 1);
    assert!(office.conversation(document).tags.is_empty());
}

/// Two members start the same conversation apart from each other, and the contact writes first.
#[test]
fn natural_keys_resolve_to_the_first() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, mut bens) = (office.phone(ana), office.phone(ben));
    let (first, group) = anas.start(&mut office, "+14155552671", "Hi from Ana");
    assert!(matches!(anas.push(&office, group), Verdict::Accepted(_)));
    let (second, group) = bens.start(&mut office, "+14155552671", "Hi from Ben");
    let contact = group[0].document;
    let verdict = bens.push(&office, group);
    let Verdict::Resolved(pairs) = verdict else { panic!("{verdict:?}") };
    let existing = office.conversation(first).contact;
    assert_eq!(pairs, [(contact, existing), (second, first)]);
    assert_eq!(office.sms("+14155552671", "Hello both"), first);
    assert_eq!(office.count("SELECT count(*) FROM documents WHERE kind IN (1, 2)"), 2);
}

/// R17: texting a number is no way into its history.
#[test]
fn starting_what_exists_without_access_reveals_nothing() {
    let mut office = Office::open();
    office.sms("+14155552671", "private");
    let rep = office.member("Rep", REP);
    let mut phone = office.phone(rep);
    let (_, group) = phone.start(&mut office, "+14155552671", "Hi");
    assert_eq!(phone.push(&office, group), Verdict::NeedsAccess);
    // One that is new is theirs.
    let (document, group) = phone.start(&mut office, "+14155559999", "Hi");
    assert!(matches!(phone.push(&office, group), Verdict::Accepted(_)));
    assert!(matches!(phone.run(&mut office, document, &reply("more")), Verdict::Accepted(_)));
}

/// R33: a stale reply is held, blocks its author's later ones, and is decided once.
#[test]
fn a_stale_reply_is_held_and_decided_once() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, mut bens) = (office.phone(ana), office.phone(ben));
    let document = office.sms("+14155552671", "Cash or card?");
    anas.pull(&office, document, Kind::Conversation);
    bens.pull(&office, document, Kind::Conversation);
    let seen = office.store.read_blocking(move |tx| tx.facts(document, 0, None)).unwrap().len() as u64;
    let _ = seen;
    let order = office.count("SELECT max(seq) FROM workspaces") as u64;
    // Ana answers offline; Ben answers meanwhile.
    let mut stale = anas.intent(&mut office, document, &reply("Card"));
    stale.seen = Some(Seen { order, age_ms: 10 * 60 * 1000 });
    let mut later = anas.intent(&mut office, document, &reply("Or cash"));
    later.seen = Some(Seen { order, age_ms: 10 * 60 * 1000 });
    let bens_reply = bens.intent(&mut office, document, &reply("Both are fine"));
    assert!(matches!(bens.push(&office, vec![bens_reply.clone()]), Verdict::Accepted(_)));
    let verdicts = anas.push_all(&office, vec![vec![stale.clone()], vec![later.clone()]]);
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Accepted(_))), "{verdicts:?}");
    assert_eq!(delivery(&office, document, stale.id), Delivery::Held(HeldBecause::Newer(bens_reply.id)));
    assert_eq!(delivery(&office, document, later.id), Delivery::Held(HeldBecause::Behind(stale.id)));
    // Ben may not decide yet; Ana may, once.
    bens.pull(&office, document, Kind::Conversation);
    bens.actors.clear();
    let verdict = bens.run(&mut office, document, &Verb::DecideHeld { message: stale.id, choice: HeldChoice::Drop });
    assert!(matches!(verdict, Verdict::Rejected(refusal) if refusal.code == RefusalCode::Forbidden));
    let send = anas.intent(&mut office, document, &Verb::DecideHeld { message: stale.id, choice: HeldChoice::Send });
    assert!(matches!(anas.push(&office, vec![send]), Verdict::Accepted(_)));
    assert_eq!(delivery(&office, document, stale.id), Delivery::Accepted);
    assert_eq!(delivery(&office, document, later.id), Delivery::Accepted);
    assert_eq!(office.count("SELECT count(*) FROM ledger WHERE state = 'queued'"), 3);
    bens.pull(&office, document, Kind::Conversation);
    bens.actors.clear();
    let intent = IntentId::generate(office.now, &mut office.rng);
    let again = Action::DecideHeld { message: stale.id, id: intent, by: ben, choice: HeldChoice::Drop };
    let again = bens.raw(&mut office, document, Kind::Conversation, intent, &[again]);
    let verdict = bens.push(&office, vec![again]);
    assert!(matches!(verdict, Verdict::Rejected(refusal) if refusal.code == RefusalCode::AlreadyDecided));
}

/// R11 to R14: who is alerted of what.
#[test]
fn alerts_follow_the_assignment() {
    let mut office = Office::open();
    let (ana, ben, rep) = (office.member("Ana", AGENT), office.member("Ben", AGENT), office.member("Rep", REP));
    let none = office.member("Nobody", NOBODY);
    let document = office.sms("+14155552671", "Hi");
    assert_eq!(alerts(&office, document, ana), ["R12"]);
    assert_eq!(alerts(&office, document, ben), ["R12"]);
    assert!(alerts(&office, document, rep).is_empty() && alerts(&office, document, none).is_empty());
    let mut phone = office.phone(ana);
    phone.pull(&office, document, Kind::Conversation);
    assert!(matches!(phone.run(&mut office, document, &Verb::Assign { member: rep }), Verdict::Accepted(_)));
    assert_eq!(alerts(&office, document, rep), ["R14"]);
    office.sms("+14155552671", "Anybody?");
    assert_eq!(alerts(&office, document, rep), ["R14", "R11"]);
    assert_eq!(alerts(&office, document, ana), ["R12"]);
    // R14: never of one's own assigning.
    phone.pull(&office, document, Kind::Conversation);
    phone.actors.clear();
    assert!(matches!(phone.run(&mut office, document, &Verb::Assign { member: ana }), Verdict::Accepted(_)));
    assert_eq!(alerts(&office, document, ana), ["R12"]);
}

/// R19, R14, R11: whom an automation names is assigned as by an automation, is not told of that, and is told when the contact
/// replies. The relay writes it itself, as it will for automations.
#[test]
fn whom_an_automation_assigns_is_told_of_the_reply_and_not_before() {
    let mut office = Office::open();
    let (ana, rep) = (office.member("Ana", AGENT), office.member("Rep", REP));
    let document = office.sms("+14155552671", "Hi");
    let (now, mut rng, workspace) = (office.now, office.rng(), office.workspace);
    office.write(move |tx| {
        let key = AssignmentKey { member: rep, intent: IntentId::generate(now, &mut rng) };
        let assign = Action::Assign { key, by: None, reason: AssignmentReason::Automation, at: now };
        author(tx, now, &mut rng, workspace, document, &[assign])
    });
    let assigned = office.conversation(document).assignments;
    assert_eq!((assigned.len(), assigned[0].reason), (1, AssignmentReason::Automation));
    assert!(alerts(&office, document, rep).is_empty(), "a campaign raises no thousand alerts");
    office.sms("+14155552671", "Yes please");
    assert_eq!(alerts(&office, document, rep), ["R11"]);
    assert_eq!(alerts(&office, document, ana), ["R12"], "of the first message only");
}

/// R20: removing deletes what was seen; a concurrent reply keeps its author assigned.
#[test]
fn a_concurrent_reply_survives_an_unassign() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, mut bens) = (office.phone(ana), office.phone(ben));
    let document = office.sms("+14155552671", "Hi");
    anas.pull(&office, document, Kind::Conversation);
    assert!(matches!(anas.run(&mut office, document, &reply("Hello")), Verdict::Accepted(_)));
    bens.pull(&office, document, Kind::Conversation);
    let seen = office.conversation(document).assignments.iter().map(|assignment| assignment.key.intent).collect();
    let unassign = bens.intent(&mut office, document, &Verb::Unassign { member: ana, seen });
    assert!(matches!(anas.run(&mut office, document, &reply("Again")), Verdict::Accepted(_)));
    assert!(matches!(bens.push(&office, vec![unassign]), Verdict::Accepted(_)));
    assert!(office.conversation(document).assignees().contains(&ana));
}

/// A group is one outcome: if its second intent is refused, the first leaves nothing behind.
#[test]
fn a_group_is_atomic() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let mut phone = office.phone(ana);
    let contact = DocumentId::generate(office.now, &mut office.rng);
    let document = DocumentId::generate(office.now, &mut office.rng);
    let create = Verb::CreateContact(NewContact { phones: vec!["+14155552671".into()], ..NewContact::default() });
    let start = Verb::StartConversation {
        conversation: ConversationId::generate(office.now, &mut office.rng),
        contact,
        channel: Channel::Sms("+19995550000".into()),
        text: Some("Hi".into()),
    };
    let group = vec![phone.intent(&mut office, contact, &create), phone.intent(&mut office, document, &start)];
    let verdict = phone.push(&office, group);
    assert!(matches!(verdict, Verdict::Rejected(refusal) if refusal.code == RefusalCode::UnknownChannel));
    assert_eq!(office.count("SELECT count(*) FROM documents WHERE kind IN (1, 2)"), 0);
    assert_eq!(office.count("SELECT count(*) FROM contact_phones"), 0);
}
