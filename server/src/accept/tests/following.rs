//! What follows from an accepted change, beyond its place in the document: events, alerts of queues, notes and blocked
//! contacts, replies that wait for their time.

use super::*;
use offdesk_core::{
    ids::QueueId,
    model::{HeldChoice, MessageKind, NewMessage, Priority, Queue, conversation::AssignmentReason},
    protocol::{Deed, Delivery, EventFact, FactBody, HeldBecause},
};

const PHONE: &str = "+14155552671";
const HOUR: i64 = 60 * 60 * 1000;

fn facts(office: &Office, document: DocumentId, member: MemberId) -> Vec<FactBody> {
    let facts = office.store.read_blocking(move |tx| tx.facts(document, 0, Some(member))).unwrap();
    facts.into_iter().map(|fact| fact.body).collect()
}

fn events(office: &Office, document: DocumentId) -> Vec<EventFact> {
    let event = |body| if let FactBody::Event(event) = body { Some(event) } else { None };
    facts(office, document, MemberId([0; 16])).into_iter().filter_map(event).collect()
}

fn rules(office: &Office, document: DocumentId, member: MemberId) -> Vec<&'static str> {
    let rule = |body| if let FactBody::Alert(alert) = body { Some(alert.why.rule()) } else { None };
    facts(office, document, member).into_iter().filter_map(rule).collect()
}

fn delivery(office: &Office, document: DocumentId, message: IntentId) -> Delivery {
    let fact = office.store.read_blocking(move |tx| tx.message_fact(document, message));
    fact.unwrap().unwrap().delivery
}

impl Phone {
    /// These actions, as this member's device would author them on what the relay holds.
    fn does(
        &mut self,
        office: &mut Office,
        document: DocumentId,
        actions: impl Fn(IntentId) -> Vec<Action>,
    ) -> PushedIntent {
        let kind =
            if office.store.read_blocking(move |tx| super::super::document_row(tx, document)).unwrap().unwrap().kind
                == Kind::Contact
            {
                Kind::Contact
            } else {
                Kind::Conversation
            };
        self.actors.clear();
        self.pull(office, document, kind);
        let id = IntentId::generate(office.now, &mut office.rng);
        self.raw(office, document, kind, id, &actions(id))
    }

    fn did(
        &mut self,
        office: &mut Office,
        document: DocumentId,
        actions: impl Fn(IntentId) -> Vec<Action>,
    ) -> IntentId {
        let intent = self.does(office, document, actions);
        let id = intent.id;
        let verdict = self.push(office, vec![intent]);
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        id
    }

    fn replies_later(&mut self, office: &mut Office, document: DocumentId, text: &str, due: Timestamp) -> IntentId {
        let (by, at) = (self.pusher.member, office.now);
        self.did(office, document, |id| {
            let message =
                NewMessage { later: Some(due), ..NewMessage::new(MessageKind::Outbound, Some(by), text.into(), at) };
            let key = offdesk_core::model::AssignmentKey { member: by, intent: id };
            let reason = AssignmentReason::Reply;
            vec![Action::AddMessage { id, message }, Action::Assign { key, by: Some(by), reason, at }]
        })
    }
}

/// R24, R41: who did what and when by the relay's clock, whatever the device's said; what a message tells is not told twice.
#[test]
fn events_say_who_did_what_by_the_relays_clock() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let mut phone = office.phone(ana);
    let document = office.sms(PHONE, "Hi");
    assert!(events(&office, document).is_empty());
    phone.pull(&office, document, Kind::Conversation);
    assert!(matches!(phone.run(&mut office, document, &reply("Hello")), Verdict::Accepted(_)));
    assert!(events(&office, document).is_empty(), "a message tells of itself and of whom it assigns");
    let (now, liar) = (office.now, Timestamp(253_402_300_799_999));
    let all = phone.did(&mut office, document, |id| {
        let key = offdesk_core::model::AssignmentKey { member: ben, intent: id };
        vec![
            Action::Assign { key, by: Some(ana), reason: AssignmentReason::Manual, at: liar },
            Action::Close { id, by: ana, at: liar, seen: None },
            Action::AddTag { tag: "vip".into() },
            Action::SetPriority { priority: Priority::High },
            Action::Snooze { id, by: ana, at: liar, until: Timestamp(now.millis() + HOUR), seen: None },
        ]
    });
    office.later(5);
    let untag = phone.did(&mut office, document, |_| vec![Action::RemoveTag { tag: "vip".into() }]);
    let told = events(&office, document);
    assert_eq!(told.iter().map(|event| event.id).collect::<Vec<_>>(), [all, untag]);
    assert!(told.iter().all(|event| event.by == Some(ana)) && told[0].order < told[1].order);
    assert_eq!((told[0].at, told[1].at), (now, office.now));
    let until = Timestamp(now.millis() + HOUR);
    let mut deeds = told[0].what.clone();
    deeds.sort_by_key(|deed| format!("{deed:?}"));
    assert_eq!(
        deeds,
        [
            Deed::Assigned { member: ben, reason: AssignmentReason::Manual },
            Deed::Closed,
            Deed::Prioritised(Priority::High),
            Deed::Snoozed { until },
            Deed::Tagged("vip".into()),
        ]
    );
    assert_eq!(told[1].what, [Deed::Untagged("vip".into())]);
}

/// R12: in a queue with members, only those of them who see everything are told; in one without, or that is archived,
/// everybody who does.
#[test]
fn a_queue_with_members_asks_only_those() {
    let mut office = Office::open();
    let (ana, ben, rep) = (office.member("Ana", AGENT), office.member("Ben", AGENT), office.member("Rep", REP));
    let queue = QueueId([1; 16]);
    let with = |members: &[MemberId], archived| Queue {
        name: "Sales".into(),
        archived,
        members: members.iter().copied().collect(),
        ..Queue::default()
    };
    office.queue(queue, &with(&[], false));
    let document = office.sms(PHONE, "Hi");
    let mut phone = office.phone(ana);
    phone.did(&mut office, document, |_| vec![Action::SetQueue { queue: Some(queue) }]);
    office.sms(PHONE, "in a queue of nobody's");
    assert_eq!((rules(&office, document, ana).len(), rules(&office, document, ben).len()), (2, 2));
    office.queue(queue, &with(&[ben, rep], false));
    office.sms(PHONE, "in Ben's and the rep's");
    let told = |office: &Office| [ana, ben, rep].map(|member| rules(office, document, member).len());
    assert_eq!(told(&office), [2, 3, 0]);
    let why = facts(&office, document, ben).into_iter().filter_map(|body| match body {
        FactBody::Alert(alert) => Some(alert.why),
        _ => None,
    });
    let why: Vec<_> = why.collect();
    assert!(
        matches!(why.last(), Some(offdesk_core::alerts::Why::Unassigned { queue: Some(known), .. }) if *known == queue)
    );
    office.queue(queue, &with(&[], true));
    office.sms(PHONE, "in an archived one");
    assert_eq!(told(&office), [3, 4, 0]);
}

/// R26: a note alerts those whom it mentions, if the conversation is on their dashboard; never its author.
#[test]
fn a_note_alerts_whom_it_mentions() {
    let mut office = Office::open();
    let (ana, ben, rep) = (office.member("Ana", AGENT), office.member("Ben", AGENT), office.member("Rep", REP));
    let document = office.sms(PHONE, "Hi");
    let mut phone = office.phone(ana);
    let note = |office: &mut Office, phone: &mut Phone| {
        let at = office.now;
        phone.did(office, document, |id| {
            let mut note = NewMessage::new(MessageKind::Note, Some(ana), "Look at this".into(), at);
            note.mentions = [ana, ben, rep].into();
            vec![Action::AddMessage { id, message: note }]
        })
    };
    note(&mut office, &mut phone);
    assert_eq!(rules(&office, document, ana), ["R12"]);
    assert_eq!(rules(&office, document, ben), ["R12", "R26"]);
    assert!(rules(&office, document, rep).is_empty(), "it is not on their dashboard");
    phone.pull(&office, document, Kind::Conversation);
    phone.actors.clear();
    assert!(matches!(phone.run(&mut office, document, &Verb::Assign { member: rep }), Verdict::Accepted(_)));
    note(&mut office, &mut phone);
    assert_eq!(rules(&office, document, rep), ["R14", "R26"]);
}

/// R26: what a blocked contact writes is stored, and nobody is told, assigned or not.
#[test]
fn a_blocked_contact_is_stored_in_silence() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let document = office.sms(PHONE, "Hi");
    let contact = office.conversation(document).contact;
    let mut phone = office.phone(ana);
    phone.did(&mut office, contact, |_| vec![Action::SetBlocked { blocked: true }]);
    assert_eq!(events(&office, contact)[0].what, [Deed::Blocked(true)]);
    office.sms(PHONE, "Buy now!");
    assert_eq!(office.conversation(document).messages.len(), 2);
    assert_eq!(rules(&office, document, ana), ["R12"]);
    phone.pull(&office, document, Kind::Conversation);
    phone.actors.clear();
    assert!(matches!(phone.run(&mut office, document, &Verb::Assign { member: ana }), Verdict::Accepted(_)));
    office.sms(PHONE, "Really!");
    assert_eq!(rules(&office, document, ana), ["R12"]);
    phone.did(&mut office, contact, |_| vec![Action::SetBlocked { blocked: false }]);
    office.sms(PHONE, "I am a customer");
    assert_eq!(rules(&office, document, ana), ["R12", "R11"]);
}

/// R26: replies follow the contact's phones.
#[test]
fn replies_go_to_a_phone_that_the_contact_has() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let document = office.sms(PHONE, "Hi");
    let contact = office.conversation(document).contact;
    let mut phone = office.phone(ana);
    let peer = |office: &Office| {
        let row = office.store.read_blocking(move |tx| super::super::document_row(tx, document)).unwrap();
        row.unwrap().peer
    };
    phone.did(&mut office, contact, |_| vec![Action::AddPhone { phone: "+14155550001".into() }]);
    assert_eq!(peer(&office).as_deref(), Some(PHONE), "a further phone changes nothing");
    phone.did(&mut office, contact, |_| vec![Action::RemovePhone { phone: PHONE.into() }]);
    assert_eq!(peer(&office).as_deref(), Some("+14155550001"));
    phone.did(&mut office, contact, |_| vec![Action::RemovePhone { phone: "+14155550001".into() }]);
    assert_eq!(peer(&office), None);
}

/// R7, R8: who sees a conversation through its contact's record only can start one without a word.
#[test]
fn who_can_not_be_assigned_starts_without_being_assigned() {
    let mut office = Office::open();
    let level = (RoleKind::User, DashboardAccess::None, ContactAccess::All, MessageAccess::Write);
    let outsider = office.member("Outsider", level);
    let mut phone = office.phone(outsider);
    let contact = DocumentId::generate(office.now, &mut office.rng);
    let document = DocumentId::generate(office.now, &mut office.rng);
    let create = Verb::CreateContact(NewContact { phones: vec![PHONE.into()], ..NewContact::default() });
    let create = phone.intent(&mut office, contact, &create);
    let start = Verb::StartConversation {
        conversation: ConversationId::generate(office.now, &mut office.rng),
        contact,
        channel: Channel::Sms(OUR_NUMBER.into()),
        text: None,
    };
    let id = IntentId::generate(office.now, &mut office.rng);
    let author = Author { member: outsider, intent: id, at: office.now, assignable: false };
    let actions = start.actions(&author, State::Conversation(None)).unwrap();
    let start = phone.raw(&mut office, document, Kind::Conversation, id, &actions);
    let verdict = phone.push(&office, vec![create, start]);
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    assert!(office.conversation(document).assignments.is_empty());
    let told = events(&office, document);
    assert_eq!((told[0].what.as_slice(), told[0].by), ([Deed::Opened].as_slice(), Some(outsider)));
}

fn ripen(office: &Office) {
    let now = office.now;
    office.write(move |tx| super::super::ripen(tx, now, 100, None));
}

/// R26: a reply that is sent later waits at the relay, holds nothing up, doesn't count as said, and leaves at its time.
#[test]
fn a_scheduled_reply_leaves_at_its_time() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let document = office.sms(PHONE, "Hi");
    let mut phone = office.phone(ana);
    let due = Timestamp(office.now.millis() + HOUR);
    let later = phone.replies_later(&mut office, document, "Good morning", due);
    assert_eq!(delivery(&office, document, later), Delivery::Scheduled { at: due });
    let past = office.now;
    let at_once = phone.replies_later(&mut office, document, "And now", past);
    assert_eq!(delivery(&office, document, at_once), Delivery::Accepted, "its time has passed");
    let claimable = "SELECT count(*) FROM ledger WHERE state = 'queued' AND due IS NULL";
    assert_eq!(office.count(claimable), 1);
    ripen(&office);
    assert_eq!(delivery(&office, document, later), Delivery::Scheduled { at: due });
    office.later(HOUR);
    ripen(&office);
    assert_eq!(delivery(&office, document, later), Delivery::Accepted);
    assert_eq!(office.count(claimable), 2);
}

/// R33: at its time the stale-reply guard looks again: what the contact has said since holds it, and people decide.
#[test]
fn a_scheduled_reply_that_was_overtaken_is_held() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let document = office.sms(PHONE, "Hi");
    let mut phone = office.phone(ana);
    let due = Timestamp(office.now.millis() + HOUR);
    let later = phone.replies_later(&mut office, document, "Shall we call tomorrow?", due);
    office.sms(PHONE, "Never mind");
    office.later(HOUR);
    ripen(&office);
    let held = delivery(&office, document, later);
    assert!(matches!(held, Delivery::Held(HeldBecause::Newer(_))), "{held:?}");
    // The time of a colleague's right to decide begins now.
    let mut bens = office.phone(ben);
    bens.pull(&office, document, Kind::Conversation);
    assert!(matches!(bens.run(&mut office, document, &Verb::Assign { member: ben }), Verdict::Accepted(_)));
    let send = |by| move |id| vec![Action::DecideHeld { message: later, id, by, choice: HeldChoice::Send }];
    let early = bens.does(&mut office, document, send(ben));
    assert!(matches!(bens.push(&office, vec![early]), Verdict::Rejected(_)));
    phone.did(&mut office, document, send(ana));
    assert_eq!(delivery(&office, document, later), Delivery::Accepted);
}

/// R26, R33: what waits for its time can be sent at once, or dropped, by its author.
#[test]
fn a_scheduled_reply_is_sent_at_once_or_dropped() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let document = office.sms(PHONE, "Hi");
    let mut phone = office.phone(ana);
    let due = Timestamp(office.now.millis() + HOUR);
    let (first, second) = (
        phone.replies_later(&mut office, document, "first", due),
        phone.replies_later(&mut office, document, "second", due),
    );
    let decide = |message, by, choice| move |id| vec![Action::DecideHeld { message, id, by, choice }];
    let mut bens = office.phone(ben);
    let not_his = bens.does(&mut office, document, decide(first, ben, HeldChoice::Drop));
    assert!(matches!(bens.push(&office, vec![not_his]), Verdict::Rejected(_)));
    phone.did(&mut office, document, decide(first, ana, HeldChoice::Send));
    phone.did(&mut office, document, decide(second, ana, HeldChoice::Drop));
    assert_eq!(delivery(&office, document, first), Delivery::Accepted);
    assert_eq!(delivery(&office, document, second), Delivery::Dropped);
    office.later(HOUR);
    ripen(&office);
    assert_eq!(delivery(&office, document, second), Delivery::Dropped);
    let what: Vec<Deed> = events(&office, document).into_iter().flat_map(|event| event.what).collect();
    assert_eq!(what, [Deed::Released(first), Deed::Dropped(second)]);
}

/// R21, R37: filters and canned responses of a member's own are bounded in number and size, and of no other form.
#[test]
fn a_members_own_registers_are_bounded() {
    use offdesk_core::protocol::{Muted, RegisterContent, RegisterKey, RegisterWrite};
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let phone = office.phone(ana);
    let write = |key, value| RegisterWrite { key, value, version: 1 };
    let text = |bytes: usize| RegisterContent::Text("x".repeat(bytes));
    let id = |number: u8| IntentId([number; 16]);
    let mut writes: Vec<RegisterWrite> = (0..=250).map(|n| write(RegisterKey::SavedFilter(id(n)), text(9))).collect();
    writes.extend([
        write(RegisterKey::Canned(id(1)), text(4096)),
        write(RegisterKey::Canned(id(2)), text(4097)),
        write(RegisterKey::SavedFilter(id(0)), text(8)),
        write(RegisterKey::QuietHours, RegisterContent::Flag(true)),
        write(RegisterKey::Muted(Muted::Everything), RegisterContent::Time(Timestamp(5))),
        write(RegisterKey::Muted(Muted::Queue(QueueId([1; 16]))), text(1)),
        write(RegisterKey::FollowUp(DocumentId([1; 16])), RegisterContent::Time(Timestamp(5))),
    ]);
    let push =
        Push { incarnation: Incarnation { previous: 1, next: 2 }, number: 1, groups: Vec::new(), registers: writes };
    let (now, pusher) = (office.now, phone.pusher);
    office.write(move |tx| super::super::push(tx, now, &pusher, &push)).unwrap();
    // 200 filters, one canned response, one mute, one follow-up.
    assert_eq!(office.count("SELECT count(*) FROM registers"), 203);
    let changed = "SELECT length(content) FROM registers ORDER BY seq DESC LIMIT 1 OFFSET 2";
    assert_eq!(office.count(changed), 6 + 1 + 8, "a filter that is there can be changed");
}
