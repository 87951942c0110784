//! What hostile devices get: a refusal with the right code, and an unharmed workspace, in which honest devices go on.
//! One file a step of the acceptor. [`Scene::refuses`] compares the whole database before and after.

mod actor;
mod bytes;
mod commit;
mod contacts;
mod dependencies;
mod generator;
mod groups;
mod known;
mod meaning;
mod policy;
mod registers;
mod set_up;
mod sorting;

use super::*;
use automerge::{
    Automerge, ExpandedChange, ROOT, ReadDoc,
    legacy::{Key, ObjectId, Op, OpId, OpType},
    transaction::{CommitOptions, Transactable, Transaction},
};
use offdesk_core::model::{RefusalCode, document::parse_change};
use rusqlite::types::Value;

/// A conversation in which the contact and Ana have written; Mallory is a member with full access and a hostile phone.
struct Scene {
    office: Office,
    ana: MemberId,
    mallory: MemberId,
    phone: Phone,
    document: DocumentId,
    /// Ana's reply.
    anas: PushedIntent,
}

fn scene() -> Scene {
    let mut office = Office::open();
    let (ana, mallory) = (office.member("Ana", AGENT), office.member("Mallory", AGENT));
    let document = office.sms("+14155552671", "Is it ready?");
    let mut anas = office.phone(ana);
    anas.pull(&office, document, Kind::Conversation);
    let intent = anas.intent(&mut office, document, &reply("Yes"));
    assert!(matches!(anas.push(&office, vec![intent.clone()]), Verdict::Accepted(_)));
    let mut phone = office.phone(mallory);
    phone.pull(&office, document, Kind::Conversation);
    Scene { office, ana, mallory, phone, document, anas: intent }
}

/// Everything that the relay knows but what it keeps of refusals and of devices' pushes.
const TABLES: [&str; 14] = [
    "relay",
    "workspaces",
    "numbers",
    "members",
    "documents",
    "changes",
    "facts",
    "intents",
    "actors",
    "contact_phones",
    "conversation_keys",
    "grants",
    "registers",
    "ledger",
];

fn everything(office: &Office) -> Vec<Vec<Value>> {
    let read = move |tx: &crate::store::ReadTx<'_>| {
        let mut rows = Vec::new();
        for table in TABLES {
            let mut statement = tx.connection().prepare(&format!("SELECT * FROM {table}"))?;
            let columns = statement.column_count();
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                rows.push((0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?);
            }
        }
        Ok::<_, StoreError>(rows)
    };
    office.store.read_blocking(read).unwrap()
}

/// The document in the writer's cache, which must be what the store holds.
fn cached_heads(office: &Office, document: DocumentId, kind: Kind) -> Vec<automerge::ChangeHash> {
    office.write(move |tx| Ok(tx.load(document, kind)?.heads()))
}

fn code(verdict: Verdict) -> RefusalCode {
    match verdict {
        Verdict::Rejected(refusal) => refusal.code,
        other => panic!("not rejected: {other:?}"),
    }
}

fn accepted(verdict: Verdict) {
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
}

/// Another change of the same intent.
fn tweaked(intent: &PushedIntent, tweak: impl FnOnce(&mut ExpandedChange)) -> PushedIntent {
    let mut expanded = parse_change(&intent.change).unwrap().decode();
    tweak(&mut expanded);
    pushed(intent.id, intent.document, intent.kind, &Change::from(expanded))
}

impl Scene {
    /// Pushes a group and expects that nothing at all comes of it.
    fn answer(&mut self, group: Vec<PushedIntent>) -> Verdict {
        let before = everything(&self.office);
        let verdict = self.phone.push(&self.office, group);
        assert_eq!(everything(&self.office), before, "{verdict:?}");
        let held = self.office.held(self.document, Kind::Conversation);
        assert_eq!(cached_heads(&self.office, self.document, Kind::Conversation), held.heads());
        verdict
    }

    /// Pushes an intent that must be refused and leave no trace; honest devices go on.
    fn refuses(&mut self, intent: PushedIntent, expected: RefusalCode) {
        let verdict = self.answer(vec![intent.clone()]);
        assert_eq!(code(verdict.clone()), expected, "{verdict:?}");
        // Asked again, the relay says the same.
        assert_eq!(code(self.answer(vec![intent])), expected);
        self.honest_devices_go_on();
    }

    fn honest_devices_go_on(&mut self) {
        let mut honest = self.office.phone(self.ana);
        honest.pull(&self.office, self.document, Kind::Conversation);
        accepted(honest.run(&mut self.office, self.document, &reply("Still here")));
        let held = self.office.held(self.document, Kind::Conversation);
        assert_eq!(Document::load(Kind::Conversation, &held.save()).unwrap().heads(), held.heads());
    }

    /// An honest reply of Mallory's, which no one has pushed: what a hostile change is made from.
    fn reply(&mut self) -> PushedIntent {
        self.phone.actors.clear();
        self.phone.pull(&self.office, self.document, Kind::Conversation);
        self.phone.intent(&mut self.office, self.document, &reply("Mine"))
    }

    /// A change with any actions on the accepted document.
    fn actions(&mut self, actions: impl FnOnce(IntentId) -> Vec<Action>) -> PushedIntent {
        self.phone.actors.clear();
        self.phone.pull(&self.office, self.document, Kind::Conversation);
        let id = IntentId::generate(self.office.now, &mut self.office.rng);
        let actions = actions(id);
        self.phone.raw(&mut self.office, self.document, Kind::Conversation, id, &actions)
    }

    /// A change that Automerge itself would make on the accepted document.
    fn crafted(&mut self, write: impl FnOnce(&mut Transaction<'_>, IntentId)) -> PushedIntent {
        let base = self.office.held(self.document, Kind::Conversation);
        crafted(&mut self.office, &base, self.document, write)
    }
}

/// A change that Automerge itself would make on `base`, under a fresh actor and intent.
fn crafted(
    office: &mut Office,
    base: &Document,
    document: DocumentId,
    write: impl FnOnce(&mut Transaction<'_>, IntentId),
) -> PushedIntent {
    let id = IntentId::generate(office.now, &mut office.rng);
    let mut actor = [0u8; 16];
    office.rng.fill_bytes(&mut actor);
    let mut raw = Automerge::load(&base.save()).unwrap().with_actor(ActorId::from(actor));
    let mut tx = raw.transaction();
    write(&mut tx, id);
    tx.commit_with(CommitOptions::default().with_message(id.to_string()).with_time(office.now.millis() / 1000));
    pushed(id, document, base.kind(), &raw.get_last_local_change().unwrap())
}

/// The object of a root map.
fn map(doc: &impl ReadDoc, name: &str) -> automerge::ObjId {
    doc.get(ROOT, name).unwrap().unwrap().1
}

/// An operation as it stands in a change.
fn op(object: ObjectId, key: &str, action: OpType, pred: Vec<OpId>) -> Op {
    Op { action, obj: object, key: Key::Map(key.into()), pred: pred.into(), insert: false }
}

/// The object of the n-th map that the genesis of a conversation makes.
fn genesis_map(number: u64) -> ObjectId {
    ObjectId::Id(OpId(number, offdesk_core::model::genesis::actor(Kind::Conversation)))
}
const TAGS: u64 = 6;
