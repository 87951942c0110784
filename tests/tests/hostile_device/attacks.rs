//! The attacks that one would think of, one by one: each over the socket, by a member who has just so much access, and each
//! looked at from the other side, too: what everybody else holds is as it was.

use automerge::{
    ActorId, Automerge, ObjType, ScalarValue,
    transaction::{CommitOptions, Transactable},
};
use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId},
    model::{
        Action, AssignmentKey, Conversation, DashboardAccess, Document, Kind, MessageAccess, MessageKind, NewMessage,
        RefusalCode,
        action::{RegisterMap, RegisterValue},
        conversation::AssignmentReason,
    },
    protocol::{Delivery, FactBody, Goodbye, PushedIntent, RegisterContent, RegisterKey, RegisterWrite, Response},
    time::Timestamp,
};
use offdesk_relay::accept;
use offdesk_tests::raw::{
    Device, Fate,
    client::{Ask, pushed, told_of},
    documents, relay,
};
use rand::Rng;

use crate::office::{Family, Office, map};

/// Places in the list of people.
const ANA: usize = 0;
const BEN: usize = 1;
const REP: usize = 3;
const READER: usize = 6;
const NOBODY: usize = 8;

type Tx<'a> = automerge::transaction::Transaction<'a>;

struct Scene {
    office: Office,
    family: Family,
    rng: rand::rngs::StdRng,
}

impl Scene {
    /// A conversation that is assigned to nobody, with Ben's note in it.
    async fn open() -> Self {
        let mut office = Office::open(3).await;
        office.new_families(1).await;
        let family = office.families[0];
        let rng = office.relay.app.rng();
        let mut scene = Self { office, family, rng };
        let conversation = scene.conversation().await;
        for assignment in conversation.assignments {
            scene.relay_writes(family.conversation, Action::Unassign { key: assignment.key }).await;
        }
        assert_eq!(scene.act(BEN, |by, id, at| vec![note(by, id, at)]).await, Fate::Accepted);
        scene
    }

    async fn held(&self, document: DocumentId) -> Document {
        self.office.relay.write(move |tx, _, _| documents::one(tx, document)).await.unwrap()
    }

    async fn conversation(&self) -> Conversation {
        Conversation::read(&self.held(self.family.conversation).await).unwrap()
    }

    async fn relay_writes(&self, document: DocumentId, action: Action) {
        let workspace = self.office.workspace;
        self.office.relay.write(move |tx, now, rng| accept::author(tx, now, rng, workspace, document, &[action])).await;
    }

    async fn edit(&self, map: RegisterMap, key: String, value: Option<RegisterValue>) {
        self.relay_writes(self.office.directory, Action::SetRegister { map, key, value }).await;
    }

    fn id(&self, person: usize) -> MemberId {
        self.office.people[person].id
    }

    fn device(&mut self, person: usize) -> &mut Device {
        &mut self.office.people[person].device
    }

    fn actor(&mut self) -> ActorId {
        let mut actor = [0u8; 16];
        self.rng.fill_bytes(&mut actor);
        ActorId::from(actor)
    }

    /// A change of these actions on a document as it was at some time.
    fn author(&mut self, held: &mut Document, document: DocumentId, id: IntentId, actions: &[Action]) -> PushedIntent {
        let (actor, at) = (self.actor(), self.office.relay.app.now());
        pushed(id, document, held.kind(), &held.author(actor, id, at, actions).unwrap())
    }

    async fn push(&mut self, person: usize, intent: PushedIntent) -> Fate {
        let (verdicts, _) = self.device(person).push(vec![vec![intent]]).await;
        Fate::from(&verdicts[0])
    }

    /// Somebody pushes actions in the conversation as it is.
    async fn act(&mut self, person: usize, actions: impl FnOnce(MemberId, IntentId, Timestamp) -> Vec<Action>) -> Fate {
        let document = self.family.conversation;
        let (mut held, at) = (self.held(document).await, self.office.relay.app.now());
        let id = IntentId::generate(at, &mut self.rng);
        let actions = actions(self.id(person), id, at);
        let intent = self.author(&mut held, document, id, &actions);
        self.push(person, intent).await
    }

    /// Somebody pushes raw operations in a document as it is.
    async fn craft(
        &mut self,
        person: usize,
        document: DocumentId,
        kind: Kind,
        write: impl FnOnce(&mut Tx<'_>, IntentId),
    ) -> Fate {
        let held = self.held(document).await;
        let mut raw = Automerge::load(&held.save()).unwrap().with_actor(self.actor());
        let id = IntentId::generate(self.office.relay.app.now(), &mut self.rng);
        let mut tx = raw.transaction();
        write(&mut tx, id);
        tx.commit_with(CommitOptions::default().with_message(id.to_string()).with_time(1));
        let change = raw.get_last_local_change().unwrap();
        self.push(person, pushed(id, document, kind, &change)).await
    }

    /// Expects that a push changed nothing in the conversation.
    async fn unchanged(&self, before: &Conversation) {
        assert_eq!(self.conversation().await, *before);
    }
}

fn note(by: MemberId, id: IntentId, at: Timestamp) -> Action {
    Action::AddMessage { id, message: NewMessage::new(MessageKind::Note, Some(by), "Hm".into(), at) }
}

fn reply(by: MemberId, id: IntentId, at: Timestamp) -> Vec<Action> {
    let message = NewMessage::new(MessageKind::Outbound, Some(by), "Hello".into(), at);
    let (key, reason) = (AssignmentKey { member: by, intent: id }, AssignmentReason::Reply);
    vec![Action::AddMessage { id, message }, Action::Assign { key, by: Some(by), reason, at }]
}

fn assign(member: MemberId, by: MemberId, id: IntentId, at: Timestamp) -> Vec<Action> {
    let (key, reason) = (AssignmentKey { member, intent: id }, AssignmentReason::Manual);
    vec![Action::Assign { key, by: Some(by), reason, at }]
}

const FORBIDDEN: Fate = Fate::Refused(RefusalCode::Forbidden);
const FORGED: Fate = Fate::Refused(RefusalCode::ForgedAuthor);
const NOT_ELIGIBLE: Fate = Fate::Refused(RefusalCode::NotEligible);

/// R5, R7, R18: nobody assigns themselves into a conversation that they don't see or may not write.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_assigns_themselves_in() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    // The rep's record it isn't.
    let (rep, ana, contact) = (scene.id(REP), scene.id(ANA), scene.family.contact);
    let card = offdesk_core::model::Contact::read(contact, &scene.held(contact).await).unwrap();
    if card.owner == Some(rep) {
        let field = offdesk_core::model::action::ContactField::Owner;
        scene.relay_writes(contact, Action::SetContactField { field, value: Some(ana.to_string()) }).await;
    }
    if card.shared_with.contains(&rep) {
        scene.relay_writes(contact, Action::UnshareContact { member: rep }).await;
    }
    for (person, expected) in [(REP, Fate::NeedsAccess), (NOBODY, Fate::NeedsAccess), (READER, FORBIDDEN)] {
        let fate = scene.act(person, |me, id, at| assign(me, me, id, at)).await;
        assert_eq!(fate, expected, "person {person}");
    }
    scene.unchanged(&before).await;
}

/// R20: what was said stays said: nobody changes or takes away another's message, nor their own.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_a_message() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    let (document, keys): (_, Vec<String>) =
        (scene.family.conversation, before.messages.keys().map(ToString::to_string).collect());
    for person in [ANA, BEN] {
        for key in &keys {
            let changed = scene
                .craft(person, document, Kind::Conversation, |tx, _| {
                    let messages = map(tx, "messages");
                    let (_, entry) = automerge::ReadDoc::get(tx, &messages, key).unwrap().unwrap();
                    tx.put(&entry, "text", "I owe you a roof").unwrap();
                })
                .await;
            assert!(matches!(changed, Fate::Refused(_)), "{changed:?}");
            let deleted = scene
                .craft(person, document, Kind::Conversation, |tx, _| tx.delete(map(tx, "messages"), key).unwrap())
                .await;
            assert!(matches!(deleted, Fate::Refused(_)), "{deleted:?}");
            let replaced = scene
                .craft(person, document, Kind::Conversation, |tx, _| {
                    let entry = tx.put_object(map(tx, "messages"), key, ObjType::Map).unwrap();
                    tx.put(&entry, "kind", "note").unwrap();
                })
                .await;
            assert!(matches!(replaced, Fate::Refused(_)), "{replaced:?}");
        }
    }
    scene.unchanged(&before).await;
}

/// R17: nobody writes, replies, closes or assigns in another's name, nor in the contact's or the relay's.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_forges_an_author() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    let ana = scene.id(ANA);
    assert_eq!(scene.act(BEN, |_, id, at| vec![note(ana, id, at)]).await, FORGED);
    assert_eq!(scene.act(BEN, |_, id, at| reply(ana, id, at)).await, FORGED);
    assert_eq!(scene.act(BEN, |_, id, at| assign(ana, ana, id, at)).await, FORGED);
    let close = |_, id, at| vec![Action::Close { id, by: ana, at, seen: None }];
    assert_eq!(scene.act(BEN, close).await, FORGED);
    let inbound = |_, id, at| {
        let message = NewMessage::new(MessageKind::Inbound, None, "I agree to pay".into(), at);
        vec![Action::AddMessage { id, message }]
    };
    assert_eq!(scene.act(BEN, inbound).await, FORGED);
    let automation = |_, id, at| {
        let key = AssignmentKey { member: ana, intent: id };
        vec![Action::Assign { key, by: None, reason: AssignmentReason::Automation, at }]
    };
    assert_eq!(scene.act(BEN, automation).await, FORGED);
    scene.unchanged(&before).await;
}

/// R22, R1: what the relay alone writes, it alone writes: origins of campaigns, the workspace's numbers.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_what_is_the_relays() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    let (document, settings) = (scene.family.conversation, scene.office.settings);
    let campaign = scene
        .craft(ANA, document, Kind::Conversation, |tx, _| {
            tx.put(map(tx, "origins"), "campaign", ScalarValue::Timestamp(1)).unwrap();
        })
        .await;
    assert_eq!(campaign, FORGED);
    for name in ["handler", "timeline", "marks"] {
        let written =
            scene.craft(ANA, document, Kind::Conversation, |tx, _| tx.put(map(tx, name), "human", true).unwrap()).await;
        assert_eq!(written, Fate::Refused(RefusalCode::UnknownPath), "{name}");
    }
    let numbers = scene
        .craft(ANA, settings, Kind::Settings, |tx, _| tx.put(map(tx, "values"), "numbers", "+14155550200").unwrap())
        .await;
    assert_eq!(numbers, FORBIDDEN);
    scene.unchanged(&before).await;
}

/// R1, R2, R3: a User makes nobody an Administrator, least of all themselves, and gives themselves no access.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_edits_no_directory() {
    let mut scene = Scene::open().await;
    let directory = scene.office.directory;
    let before = scene.held(directory).await.heads();
    let (ana, rep) = (scene.id(ANA), scene.id(REP));
    let anas = offdesk_core::model::Directory::read(&scene.held(directory).await).members[&ana].role.unwrap();
    for (key, value) in [(format!("{rep}.role"), anas.to_string()), (format!("{rep}.dashboard"), "all".into())] {
        for person in [REP, BEN, NOBODY] {
            let fate = scene
                .craft(person, directory, Kind::Directory, |tx, _| {
                    tx.put(map(tx, "members"), key.as_str(), value.as_str()).unwrap();
                })
                .await;
            assert_eq!(fate, FORBIDDEN);
        }
    }
    // A directory of one's own is none.
    let (mut own, fresh) = (Document::new(Kind::Directory), DocumentId::generate(Timestamp(1), &mut scene.rng));
    let id = IntentId::generate(Timestamp(1), &mut scene.rng);
    let value = Some(RegisterValue::Text(anas.to_string()));
    let action = Action::SetRegister { map: RegisterMap::Members, key: format!("{rep}.role"), value };
    let intent = scene.author(&mut own, fresh, id, &[action]);
    assert_eq!(scene.push(REP, intent).await, Fate::Refused(RefusalCode::WrongDocument));
    assert_eq!(scene.held(directory).await.heads(), before);
}

/// R20: a concurrent addition wins over a removal only if its author may still write when it is accepted; and what was
/// removed can't be brought back under its old key.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_assignment_is_not_resurrected() {
    let mut scene = Scene::open().await;
    let (ben, document) = (scene.id(BEN), scene.family.conversation);
    assert_eq!(scene.act(ANA, |me, id, at| assign(ben, me, id, at)).await, Fate::Accepted);
    let mut old = scene.held(document).await;
    let key = scene.conversation().await.assignments[0].key;
    assert_eq!(scene.act(ANA, |_, _, _| vec![Action::Unassign { key }]).await, Fate::Accepted);
    let role =
        offdesk_core::model::Directory::read(&scene.held(scene.office.directory).await).members[&ben].role.unwrap();
    let read = Some(RegisterValue::Text(MessageAccess::Read.name().into()));
    scene.edit(RegisterMap::Roles, format!("{role}.messages"), read).await;
    let before = scene.conversation().await;
    // Made when he still might, and without having seen the removal.
    let (id, at) = (IntentId::generate(Timestamp(1), &mut scene.rng), scene.office.relay.app.now());
    let again = scene.author(&mut old, document, id, &assign(ben, ben, id, at));
    assert_eq!(scene.push(BEN, again).await, FORBIDDEN);
    for person in [BEN, ANA] {
        let same = scene
            .craft(person, document, Kind::Conversation, |tx, _| {
                let entry = tx.put_object(map(tx, "assignments"), key.to_string(), ObjType::Map).unwrap();
                tx.put(&entry, "by", ben.to_string()).unwrap();
                tx.put(&entry, "at", ScalarValue::Timestamp(1)).unwrap();
                tx.put(&entry, "reason", "manual").unwrap();
            })
            .await;
        assert!(matches!(same, Fate::Refused(_)), "{same:?}");
    }
    scene.unchanged(&before).await;
}

/// R8: whoever has no dashboard, is unknown, or is gone, is not assigned.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_assigned_who_may_not_be() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    let (nobody, rep) = (scene.id(NOBODY), scene.id(REP));
    scene.edit(RegisterMap::Members, format!("{rep}.active"), Some(RegisterValue::Bool(false))).await;
    for member in [nobody, rep, MemberId([7; 16])] {
        assert_eq!(scene.act(ANA, |me, id, at| assign(member, me, id, at)).await, NOT_ELIGIBLE);
    }
    scene.unchanged(&before).await;
}

/// R33: a colleague's held reply is nobody's for a while, and never that of one who is not assigned.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_what_is_held_for_another() {
    let mut scene = Scene::open().await;
    let (document, ben, settings) = (scene.family.conversation, scene.id(BEN), scene.office.settings);
    let wait = |ms| Action::SetRegister {
        map: RegisterMap::Values,
        key: "held_author_only_ms".into(),
        value: Some(RegisterValue::Int(ms)),
    };
    scene.relay_writes(settings, wait(3_600_000)).await;
    let (mut held, at) = (scene.held(document).await, scene.office.relay.app.now());
    let message = IntentId::generate(at, &mut scene.rng);
    let mut stale = scene.author(&mut held, document, message, &reply(ben, message, at));
    stale.seen = Some(offdesk_core::policy::held::Seen { order: 0, age_ms: u64::MAX });
    assert_eq!(scene.push(BEN, stale).await, Fate::Accepted);
    let choice = offdesk_core::model::HeldChoice::Send;
    let send = |by, id, _| vec![Action::DecideHeld { message, id, by, choice }];
    let before = scene.conversation().await;
    assert_eq!(scene.act(ANA, send).await, FORBIDDEN, "not assigned");
    scene.unchanged(&before).await;
    let ana = scene.id(ANA);
    assert_eq!(scene.act(ANA, |me, id, at| assign(ana, me, id, at)).await, Fate::Accepted);
    assert_eq!(scene.act(ANA, send).await, FORBIDDEN, "too early");
    scene.relay_writes(settings, wait(0)).await;
    assert_eq!(scene.act(ANA, send).await, Fate::Accepted, "an assignee, later");
    assert_eq!(scene.act(BEN, send).await, Fate::Refused(RefusalCode::AlreadyDecided));
}

/// R9: an id that was guessed, or learned, opens nothing: what one doesn't see is answered as what isn't there.
#[tokio::test(flavor = "multi_thread")]
async fn a_guessed_id_opens_nothing() {
    let mut scene = Scene::open().await;
    let nowhere = DocumentId([9; 16]);
    let wanted = [scene.family.conversation, scene.family.contact, scene.office.theirs, nowhere];
    let answer = scene.device(NOBODY).fetch(&wanted).await;
    assert!(told_of(&answer).is_empty(), "{answer:?}");
    for document in wanted {
        let gone = |frame: &Response| matches!(frame, Response::Evict { documents } if documents.contains(&document));
        assert!(answer.iter().any(gone), "{answer:?}");
    }
    let theirs = scene.office.theirs;
    let answer = scene.device(ANA).fetch(&[theirs]).await;
    assert!(told_of(&answer).is_empty(), "another company's: {answer:?}");
    // Nor by claiming to be far on in the log, or to hold something.
    let device = scene.device(NOBODY);
    device.cursor.seq = 1;
    let answer = device.pull().await;
    let told = told_of(&answer);
    assert!(!told.contains_key(&wanted[0]) && !told.contains_key(&wanted[1]), "{answer:?}");
}

/// R10: a credential that was copied is worth nothing once its device is revoked, or its member deactivated: for reading, for
/// writing, and on a stream that is open.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_ends_with_its_device() {
    let mut scene = Scene::open().await;
    let before = scene.conversation().await;
    let mut stolen = scene.device(BEN).clone();
    let mut stream = stolen.live().await;
    stream.until("the greeting", |frame| matches!(frame, Response::Cursor { .. })).await;
    let (workspace, device) = (scene.office.workspace, stolen.device);
    scene.office.relay.write(move |tx, now, _| relay::revoke(tx, now, workspace, device)).await;
    stream.until("the farewell", |frame| *frame == Response::Goodbye { reason: Goodbye::Revoked }).await;
    farewell(&mut stolen, &scene.family).await;
    // Deactivated by an Administrator's device; activated again, the old credential stays worth nothing.
    let rep = scene.id(REP);
    for active in [false, true] {
        let directory = scene.office.directory;
        let fate = scene
            .craft(ANA, directory, Kind::Directory, |tx, _| {
                tx.put(map(tx, "members"), format!("{rep}.active"), active).unwrap();
            })
            .await;
        assert_eq!(fate, Fate::Accepted);
        let mut reps = scene.device(REP).clone();
        farewell(&mut reps, &scene.family).await;
    }
    scene.unchanged(&before).await;
}

/// Whatever it asks for, a device whose access has ended is told so and nothing else.
async fn farewell(device: &mut Device, family: &Family) {
    let pulled = device.pull().await;
    let fetched = device.fetch(&[family.conversation]).await;
    for answer in [pulled, fetched] {
        assert_eq!(answer, [Response::Goodbye { reason: Goodbye::Revoked }]);
    }
}

/// R9, R25, R27: registers are the member's own: whatever is written into those of a conversation that isn't seen, or in a form
/// that none has, is answered alike and reaches nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn registers_are_ones_own() {
    let mut scene = Scene::open().await;
    let (seen, unseen) = (scene.family.conversation, scene.office.theirs);
    let write = |key, value| RegisterWrite { key, value, version: 1 };
    let text = |size| RegisterContent::Text("x".repeat(size));
    let writes = vec![
        write(RegisterKey::Draft(seen), RegisterContent::Text("Dear Maria".into())),
        write(RegisterKey::Draft(unseen), RegisterContent::Text("Dear neighbour".into())),
        write(RegisterKey::ReadMark(seen), RegisterContent::Order(u64::MAX)),
        write(RegisterKey::ReadMark(unseen), text(3)),
        write(RegisterKey::MarkedUnread(seen), text(1_000_000)),
        write(RegisterKey::Draft(DocumentId([3; 16])), text(1_000_000)),
    ];
    for person in [BEN, NOBODY] {
        let answer = scene.device(person).ask(Ask { registers: writes.clone(), ..Ask::default() }).await;
        let stored = |frame: &Response| matches!(frame, Response::RegistersStored { versions } if versions.len() == 6);
        assert!(answer.iter().any(stored), "{answer:?}");
    }
    let registers = |frames: &[Response]| -> usize {
        frames.iter().map(|frame| if let Response::Registers { values } = frame { values.len() } else { 0 }).sum()
    };
    let anas = scene.device(ANA).pull().await;
    assert_eq!(registers(&anas), 0, "nothing of it is Ana's");
    let bens = scene.device(BEN).pull().await;
    let read = bens.iter().find_map(|frame| match frame {
        Response::Registers { values } => values.iter().find(|(key, _)| *key == RegisterKey::ReadMark(seen)).cloned(),
        _ => None,
    });
    let Some((_, RegisterContent::Order(read))) = read else { panic!("{bens:?}") };
    let end = scene.device(BEN).cursor.seq;
    assert!(read <= end, "nobody has read what is not there yet: {read} of {end}");
    assert!(told_of(&scene.device(NOBODY).pull().await).keys().all(|document| *document != seen));
}

/// R41: a device's clock orders nothing: what claims to be old, or of next year, stands where the relay received it. A time
/// that no calendar has is refused.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_backdates() {
    let mut scene = Scene::open().await;
    let document = scene.family.conversation;
    let mut last = 0;
    for claimed in [Timestamp(0), Timestamp(4_000_000_000_000), Timestamp(1)] {
        let mut said = None;
        let fate = scene
            .act(BEN, |me, id, _| {
                said = Some(id);
                vec![note(me, id, claimed)]
            })
            .await;
        assert_eq!(fate, Fate::Accepted);
        let now = scene.office.relay.app.now();
        let (answer, id) = (scene.device(ANA).fetch(&[document]).await, said.unwrap());
        let fact = answer.iter().find_map(|frame| match frame {
            Response::Snapshot { facts, .. } => facts.iter().find_map(|fact| match &fact.body {
                FactBody::Message(message) if message.id == id => Some(message.clone()),
                _ => None,
            }),
            _ => None,
        });
        let fact = fact.expect("the message has a fact");
        assert_eq!(fact.delivery, Delivery::Internal);
        assert!(fact.order > last, "in the order of acceptance");
        assert!(now.since(fact.at).as_secs() < 60, "at the relay's time: {:?}", fact.at);
        last = fact.order;
    }
    for at in [-1, 253_402_300_800_000] {
        let fate = scene.act(BEN, |me, id, _| vec![note(me, id, Timestamp(at))]).await;
        assert_eq!(fate, Fate::Refused(RefusalCode::WrongType));
    }
}

/// R3, R9: access that was taken ends at once, for what is asked by name and for what is pushed, however new the device's
/// copy is.
#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_taken_is_gone() {
    let mut scene = Scene::open().await;
    let (document, ben) = (scene.family.conversation, scene.id(BEN));
    assert!(told_of(&scene.device(BEN).fetch(&[document]).await).contains_key(&document));
    let none = Some(RegisterValue::Text(DashboardAccess::None.name().into()));
    let role =
        offdesk_core::model::Directory::read(&scene.held(scene.office.directory).await).members[&ben].role.unwrap();
    scene.edit(RegisterMap::Members, format!("{ben}.dashboard"), none).await;
    let contacts = Some(RegisterValue::Text("none".into()));
    scene.edit(RegisterMap::Roles, format!("{role}.contacts"), contacts).await;
    let before = scene.conversation().await;
    assert!(told_of(&scene.device(BEN).fetch(&[document]).await).is_empty());
    assert_eq!(scene.act(BEN, reply).await, Fate::NeedsAccess);
    let contact = scene.family.contact;
    let edit =
        scene.craft(BEN, contact, Kind::Contact, |tx, _| tx.put(map(tx, "fields"), "name", "Mine").unwrap()).await;
    assert_eq!(edit, Fate::NeedsAccess);
    scene.unchanged(&before).await;
}
