//! Step 6: policy, by the relay's state and clock. The directory and the settings are in [`super::registers`].

use super::*;
use offdesk_core::{
    intents::ContactEdit,
    model::{AssignmentKey, HeldChoice, MessageKind, NewMessage, conversation::AssignmentReason},
    protocol::{Delivery, HeldBecause},
};

impl Scene {
    fn note(&self, id: IntentId, by: Option<MemberId>, kind: MessageKind) -> Action {
        Action::AddMessage { id, message: NewMessage::new(kind, by, "Hi".into(), self.office.now) }
    }

    fn assign(&self, id: IntentId, member: MemberId, by: Option<MemberId>, reason: AssignmentReason) -> Action {
        Action::Assign { key: AssignmentKey { member, intent: id }, by, reason, at: self.office.now }
    }

    /// A hostile change of these actions, as the scene has them.
    fn forge(&mut self, actions: impl FnOnce(&Scene, IntentId) -> Vec<Action>) -> PushedIntent {
        let id = IntentId::generate(self.office.now, &mut self.office.rng);
        let actions = actions(self, id);
        self.phone.actors.clear();
        self.phone.pull(&self.office, self.document, Kind::Conversation);
        self.phone.raw(&mut self.office, self.document, Kind::Conversation, id, &actions)
    }

    fn as_member(&mut self, name: &str, level: Level) -> MemberId {
        let member = self.office.member(name, level);
        self.phone = self.office.phone(member);
        self.mallory = member;
        member
    }

    fn delivery(&self, message: IntentId) -> Delivery {
        let document = self.document;
        let fact = self.office.store.read_blocking(move |tx| tx.message_fact(document, message));
        fact.unwrap().unwrap().delivery
    }
}

#[test]
fn nobody_writes_in_anothers_name() {
    use AssignmentReason::{Automation, Manual, Reply};
    let mut scene = scene();
    let (ana, me) = (scene.ana, scene.mallory);
    type Forge = fn(&Scene, IntentId, MemberId, MemberId) -> Vec<Action>;
    let forgeries: [(Forge, RefusalCode); 11] = [
        (|s, id, ana, _| vec![s.note(id, Some(ana), MessageKind::Note)], RefusalCode::ForgedAuthor),
        (|s, id, _, _| vec![s.note(id, None, MessageKind::Note)], RefusalCode::ForgedAuthor),
        (|s, id, _, _| vec![s.note(id, None, MessageKind::Inbound)], RefusalCode::ForgedAuthor),
        (|s, id, _, me| vec![s.note(id, Some(me), MessageKind::Inbound)], RefusalCode::ForgedAuthor),
        (|s, id, ana, _| vec![s.assign(id, ana, Some(ana), Manual)], RefusalCode::ForgedAuthor),
        (|s, id, ana, _| vec![s.assign(id, ana, None, Automation)], RefusalCode::ForgedAuthor),
        (|s, id, ana, me| vec![s.assign(id, ana, Some(me), Automation)], RefusalCode::ForgedAuthor),
        (|s, id, _, me| vec![s.assign(id, me, Some(me), Reply)], RefusalCode::Malformed),
        (
            |s, id, ana, me| {
                vec![
                    s.note(id, Some(me), MessageKind::Outbound),
                    s.assign(id, me, Some(me), Reply),
                    s.assign(id, ana, Some(me), Reply),
                ]
            },
            RefusalCode::Malformed,
        ),
        (|_, id, ana, _| vec![Action::Close { id, by: ana, at: Timestamp(1), seen: None }], RefusalCode::ForgedAuthor),
        (
            |s, id, ana, _| {
                let choice = HeldChoice::Send;
                vec![Action::DecideHeld { message: s.anas.id, id, by: ana, choice }]
            },
            RefusalCode::ForgedAuthor,
        ),
    ];
    for (forge, expected) in forgeries {
        let intent = scene.forge(|scene, id| forge(scene, id, ana, me));
        scene.refuses(intent, expected);
    }
}

/// R17: a reply and its author's assignment are one.
#[test]
fn a_reply_assigns_its_author() {
    let mut scene = scene();
    let (ana, me) = (scene.ana, scene.mallory);
    let alone = scene.forge(|scene, id| vec![scene.note(id, Some(me), MessageKind::Outbound)]);
    scene.refuses(alone, RefusalCode::Malformed);
    let other = scene.forge(|scene, id| {
        vec![scene.note(id, Some(me), MessageKind::Outbound), scene.assign(id, ana, Some(me), AssignmentReason::Manual)]
    });
    scene.refuses(other, RefusalCode::Malformed);
}

/// R8: nobody assigns who has no dashboard, is gone or never was.
#[test]
fn only_members_with_a_dashboard_are_assigned() {
    let mut scene = scene();
    let none = scene.office.member("Nobody", NOBODY);
    for member in [none, MemberId([9; 16]), MemberId([0xff; 16])] {
        let intent = scene.actions(|id| {
            let key = AssignmentKey { member, intent: id };
            vec![Action::Assign { key, by: None, reason: AssignmentReason::Manual, at: Timestamp(1) }]
        });
        scene.refuses(intent, RefusalCode::ForgedAuthor);
        let me = scene.mallory;
        let intent = scene.forge(|scene, id| vec![scene.assign(id, member, Some(me), AssignmentReason::Manual)]);
        scene.refuses(intent, RefusalCode::NotEligible);
    }
}

/// R8: a `none` member's reply through the record assigns them, inertly; they can't assign themselves otherwise.
#[test]
fn a_member_without_a_dashboard_replies_through_the_record_only() {
    let mut scene = scene();
    let level = (RoleKind::User, DashboardAccess::None, ContactAccess::All, MessageAccess::Write);
    let me = scene.as_member("Nadia", level);
    let intent = scene.forge(|scene, id| vec![scene.assign(id, me, Some(me), AssignmentReason::Manual)]);
    scene.refuses(intent, RefusalCode::NotEligible);
    let reply = scene.reply();
    accepted(scene.phone.push(&scene.office, vec![reply]));
    assert!(scene.office.conversation(scene.document).assignees().contains(&me));
}

/// R7: whoever may only read changes nothing at all.
#[test]
fn a_reader_changes_nothing() {
    let mut scene = scene();
    let key = scene.office.conversation(scene.document).assignments[0].key;
    let me = scene.as_member("Rita", READER);
    let reply = scene.reply();
    scene.refuses(reply, RefusalCode::Forbidden);
    type Forge = fn(&Scene, IntentId, MemberId, AssignmentKey) -> Vec<Action>;
    let forgeries: [Forge; 6] = [
        |s, id, me, _| vec![s.note(id, Some(me), MessageKind::Note)],
        |s, id, me, _| vec![s.assign(id, s.ana, Some(me), AssignmentReason::Manual)],
        |_, _, _, key| vec![Action::Unassign { key }],
        |_, _, _, _| vec![Action::AddTag { tag: "x".into() }],
        |_, id, me, _| vec![Action::Close { id, by: me, at: Timestamp(1), seen: None }],
        |s, id, me, _| vec![Action::DecideHeld { message: s.anas.id, id, by: me, choice: HeldChoice::Drop }],
    ];
    for forge in forgeries {
        let intent = scene.forge(|scene, id| forge(scene, id, me, key));
        scene.refuses(intent, RefusalCode::Forbidden);
    }
    // Nor starts anything.
    let (_, group) = scene.phone.start(&mut scene.office, "+14155557777", "Hi");
    let mut phone = scene.office.phone(me);
    assert!(matches!(phone.push(&scene.office, group), Verdict::Rejected(_)));
}

/// R5, R6, R9: who doesn't see a document is told nothing about it, however they learned its id.
#[test]
fn an_unseen_document_can_not_be_written() {
    let mut scene = scene();
    for (name, level) in [("Rep", REP), ("Nobody", NOBODY)] {
        scene.as_member(name, level);
        let reply = scene.reply();
        assert_eq!(scene.answer(vec![reply]), Verdict::NeedsAccess);
        let contact = scene.office.conversation(scene.document).contact;
        scene.phone.pull(&scene.office, contact, Kind::Contact);
        let edit = Verb::EditContact(ContactEdit { name: Some("Mine".into()), ..ContactEdit::default() });
        let edit = scene.phone.intent(&mut scene.office, contact, &edit);
        assert_eq!(scene.answer(vec![edit]), Verdict::NeedsAccess);
    }
    scene.honest_devices_go_on();
}

/// Another company on the same relay.
struct Neighbour {
    workspace: WorkspaceId,
    conversation: DocumentId,
    contact: DocumentId,
}

const THEIR_NUMBER: &str = "+14155550200";

fn neighbour(office: &mut Office) -> Neighbour {
    let (now, mut rng) = (office.now, office.rng());
    let settings = Settings { name: "Umbrella".into(), numbers: vec![THEIR_NUMBER.into()], ..Settings::default() };
    let (workspace, conversation) = office.write(move |tx| {
        let workspace = create_workspace(tx, now, &mut rng, &settings)?;
        let message = Inbound {
            workspace,
            channel: Channel::Sms(THEIR_NUMBER.into()),
            phone: "+14155552671".into(),
            text: "private".into(),
            provider_id: "SM1".into(),
        };
        Ok((workspace, inbound(tx, now, &mut rng, &message)?.document))
    });
    let contact = office.conversation(conversation).contact;
    Neighbour { workspace, conversation, contact }
}

#[test]
fn another_companys_documents_are_out_of_reach() {
    let mut scene = scene();
    let theirs = neighbour(&mut scene.office);
    assert_ne!(theirs.workspace, scene.office.workspace);
    let home = std::mem::replace(&mut scene.document, theirs.conversation);
    let reply = scene.reply();
    assert_eq!(scene.answer(vec![reply]), Verdict::NeedsAccess);
    scene.document = home;
    // Nor is a conversation started with their contact, with none, with what is no contact, or from their number.
    let (directory, _) = scene.office.directory();
    let mine = scene.office.conversation(scene.document).contact;
    let nobody = DocumentId::generate(scene.office.now, &mut scene.office.rng);
    let ours = || Channel::Sms(OUR_NUMBER.into());
    let starts = [
        (theirs.contact, ours(), RefusalCode::WrongDocument),
        (nobody, ours(), RefusalCode::WrongDocument),
        (directory, ours(), RefusalCode::WrongDocument),
        (scene.document, ours(), RefusalCode::WrongDocument),
        (mine, Channel::Sms(THEIR_NUMBER.into()), RefusalCode::UnknownChannel),
        (mine, Channel::Sms("+19005550000".into()), RefusalCode::UnknownChannel),
        (mine, Channel::WebChat("widget".into()), RefusalCode::UnknownChannel),
    ];
    for (contact, channel, expected) in starts {
        let intent = start(&mut scene, contact, channel, None);
        scene.refuses(intent, expected);
    }
    let channel = Channel::Sms(OUR_NUMBER.into());
    let taken = scene.office.conversation(scene.document).id;
    let other = scene.office.sms("+14155551111", "Hi");
    let contact = scene.office.conversation(other).contact;
    scene.office.write(move |tx| {
        tx.connection().execute("DELETE FROM conversation_keys WHERE document = ?1", [other.as_bytes()])?;
        Ok(())
    });
    let intent = start(&mut scene, contact, channel, Some(taken));
    scene.refuses(intent, RefusalCode::WrongDocument);
}

fn start(
    scene: &mut Scene,
    contact: DocumentId,
    channel: Channel,
    conversation: Option<ConversationId>,
) -> PushedIntent {
    let office = &mut scene.office;
    let fresh = ConversationId::generate(office.now, &mut office.rng);
    let conversation = conversation.unwrap_or(fresh);
    let document = DocumentId::generate(office.now, &mut office.rng);
    let verb = Verb::StartConversation { conversation, contact, channel, text: Some("Hi".into()) };
    scene.phone.intent(office, document, &verb)
}

#[test]
fn documents_of_other_kinds_are_not_addressed_as_conversations() {
    let mut scene = scene();
    let (directory, _) = scene.office.directory();
    let contact = scene.office.conversation(scene.document).contact;
    for document in [directory, contact] {
        let honest = scene.reply();
        let intent = PushedIntent { document, ..honest };
        scene.refuses(intent, RefusalCode::WrongDocument);
    }
    let nowhere = DocumentId::generate(scene.office.now, &mut scene.office.rng);
    for kind in [Kind::Directory, Kind::Settings] {
        let honest = scene.reply();
        scene.refuses(PushedIntent { document: nowhere, kind, ..honest }, RefusalCode::WrongDocument);
    }
    // A conversation that is never opened.
    let fresh = Document::new(Kind::Conversation);
    let tag = crafted(&mut scene.office, &fresh, nowhere, |tx, _| {
        let tags = map(tx, "tags");
        tx.put(&tags, "x", true).unwrap();
    });
    scene.refuses(tag, RefusalCode::WrongDocument);
}

#[test]
fn a_contact_names_members_and_phones_that_are() {
    let mut scene = scene();
    let contact = scene.office.conversation(scene.document).contact;
    scene.office.sms("+14155559999", "Hello?");
    let stranger = MemberId([9; 16]);
    let field = |value: String| Action::SetContactField {
        field: offdesk_core::model::action::ContactField::Owner,
        value: Some(value),
    };
    let edits = [
        (field(stranger.to_string()), RefusalCode::WrongType),
        (field(scene.ana.to_string().to_lowercase()), RefusalCode::WrongType),
        (field("Ana".into()), RefusalCode::WrongType),
        (Action::ShareContact { member: stranger }, RefusalCode::WrongType),
        (Action::AddPhone { phone: "4155551234".into() }, RefusalCode::InvalidPhone),
        (Action::AddPhone { phone: "+1 415 555 1234".into() }, RefusalCode::InvalidPhone),
        (Action::AddPhone { phone: "+１４１５５５５１２３４".into() }, RefusalCode::InvalidPhone),
        (Action::AddPhone { phone: "+14155559999".into() }, RefusalCode::PhoneTaken),
        (Action::SetCustomField { name: "n".into(), value: Some("a".repeat(1025)) }, RefusalCode::TooLarge),
    ];
    for (action, expected) in edits {
        scene.phone.actors.clear();
        scene.phone.pull(&scene.office, contact, Kind::Contact);
        let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
        let intent = scene.phone.raw(&mut scene.office, contact, Kind::Contact, id, &[action]);
        scene.refuses(intent, expected);
    }
}

/// A phone that one device removes while another adds it again stays, and stays this contact's.
#[test]
fn a_phone_that_stays_is_not_given_away() {
    let mut scene = scene();
    let contact = scene.office.conversation(scene.document).contact;
    let base = scene.office.held(contact, Kind::Contact);
    let again = crafted(&mut scene.office, &base, contact, |tx, _| {
        let phones = map(tx, "phones");
        tx.delete(&phones, "+14155552671").unwrap();
    });
    let removal = again;
    let anew = crafted(&mut scene.office, &base, contact, |tx, _| {
        let phones = map(tx, "phones");
        tx.delete(&phones, "+14155552671").unwrap();
        tx.put(&phones, "+14155552671", true).unwrap();
    });
    let anew = tweaked(&anew, |change| {
        let pred = change.operations[0].pred.clone();
        change.operations.remove(0);
        change.operations[0].pred = pred;
    });
    accepted(scene.phone.push(&scene.office, vec![anew]));
    accepted(scene.phone.push(&scene.office, vec![removal]));
    let held = Contact::read(contact, &scene.office.held(contact, Kind::Contact)).unwrap();
    assert!(held.phones.contains("+14155552671"));
    assert_eq!(scene.office.count("SELECT count(*) FROM contact_phones WHERE phone = '+14155552671'"), 1);
}

/// R33: who decides about a held message, when, and once.
#[test]
fn held_messages_are_decided_by_whom_they_concern() {
    let mut scene = scene();
    let order = scene.office.count("SELECT max(position) FROM ledger") as u64 - 1;
    let mut stale = scene.reply();
    stale.seen = Some(Seen { order, age_ms: u64::MAX });
    accepted(scene.phone.push(&scene.office, vec![stale.clone()]));
    assert_eq!(scene.delivery(stale.id), Delivery::Held(HeldBecause::Newer(scene.anas.id)));
    let ana = scene.ana;
    let decide = |by: MemberId, message: IntentId| {
        move |_: &Scene, id: IntentId| vec![Action::DecideHeld { message, id, by, choice: HeldChoice::Send }]
    };
    let author = std::mem::replace(&mut scene.phone, scene.office.phone(ana));
    // Ana is assigned, but it is too early for her.
    let early = scene.forge(decide(ana, stale.id));
    scene.refuses(early, RefusalCode::Forbidden);
    for message in [scene.anas.id, IntentId([3; 16])] {
        let intent = scene.forge(decide(ana, message));
        scene.refuses(intent, RefusalCode::NotHeld);
    }
    // Later an assignee may, and a member who is not assigned may not.
    scene.office.later(31 * 60 * 1000);
    let ben = scene.office.member("Ben", AGENT);
    let anas = std::mem::replace(&mut scene.phone, scene.office.phone(ben));
    let outsider = scene.forge(decide(ben, stale.id));
    scene.refuses(outsider, RefusalCode::Forbidden);
    scene.phone = anas;
    let decision = scene.forge(decide(ana, stale.id));
    accepted(scene.phone.push(&scene.office, vec![decision]));
    assert_eq!(scene.delivery(stale.id), Delivery::Accepted);
    scene.phone = author;
    let me = scene.mallory;
    let second = scene.forge(decide(me, stale.id));
    scene.refuses(second, RefusalCode::AlreadyDecided);
}

/// R33: what a device claims to have seen is a hint; no number of it harms.
#[test]
fn absurd_claims_of_what_was_seen_harm_nobody() {
    let mut scene = scene();
    for (order, age_ms) in [(u64::MAX, u64::MAX), (u64::MAX, 0), (0, 0), (i64::MAX as u64 + 1, 1)] {
        let mut intent = scene.reply();
        intent.seen = Some(Seen { order, age_ms });
        accepted(scene.phone.push(&scene.office, vec![intent.clone()]));
        assert_eq!(scene.delivery(intent.id), Delivery::Accepted, "{order} {age_ms}");
    }
}

/// R32: what is offered again is never sent on its own, and nothing makes it so.
#[test]
fn a_message_offered_again_is_not_sent() {
    let mut scene = scene();
    let mut intent = scene.reply();
    intent.reoffered = true;
    accepted(scene.phone.push(&scene.office, vec![intent.clone()]));
    assert_eq!(scene.delivery(intent.id), Delivery::Unknown);
    let queued = "SELECT count(*) FROM ledger WHERE state = 'queued'";
    assert_eq!(scene.office.count(queued), 1, "Ana's");
    let me = scene.mallory;
    let send =
        scene.forge(|_, id| vec![Action::DecideHeld { message: intent.id, id, by: me, choice: HeldChoice::Send }]);
    scene.refuses(send, RefusalCode::NotHeld);
    // A message that was accepted can't be offered again to be sent twice.
    let mut again = scene.anas.clone();
    again.reoffered = true;
    assert!(matches!(scene.answer(vec![again]), Verdict::Rejected(_)));
}
