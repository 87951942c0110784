//! What is around a change: its bytes, its actor, its place in the document's history, its intent. Here everything but what
//! is sound must be refused, whatever the steps are.

use automerge::{
    Change, ExpandedChange,
    legacy::{Key, ObjectId, OpId, OpType},
};
use offdesk_core::{
    ids::{DocumentId, IntentId},
    model::{Kind, document::parse_change, genesis},
    protocol::PushedIntent,
    time::Timestamp,
};
use rand::{Rng, RngExt, rngs::StdRng};
use serde_bytes::ByteBuf;

/// What a device may have learned of others.
#[derive(Default)]
pub struct Learned {
    /// Accepted changes of other people, with who pushed them.
    pub accepted: Vec<(usize, PushedIntent)>,
}

impl Learned {
    fn of_another(&self, me: usize, dice: &mut StdRng) -> Option<&PushedIntent> {
        let others: Vec<&PushedIntent> =
            self.accepted.iter().filter(|(who, _)| *who != me).map(|(_, intent)| intent).collect();
        (!others.is_empty()).then(|| others[dice.random_range(0..others.len())])
    }
}

fn rebuilt(intent: PushedIntent, tweak: impl FnOnce(&mut ExpandedChange)) -> PushedIntent {
    let mut change = parse_change(&intent.change).unwrap().decode();
    tweak(&mut change);
    // What Automerge won't encode is cut short instead.
    let encoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Change::from(change).raw_bytes().to_vec()));
    let bytes = encoded.unwrap_or_else(|_| intent.change[..intent.change.len() / 2].to_vec());
    PushedIntent { change: ByteBuf::from(bytes), ..intent }
}

fn random<const N: usize>(dice: &mut StdRng) -> [u8; N] {
    let mut bytes = [0; N];
    dice.fill_bytes(&mut bytes);
    bytes
}

/// Spoils what is around a change. Whatever comes of it is to be refused.
pub fn spoil(
    intent: PushedIntent,
    me: usize,
    theirs: DocumentId,
    learned: &Learned,
    dice: &mut StdRng,
) -> PushedIntent {
    let other = learned.of_another(me, dice).cloned();
    match (dice.random_range(0..15), other) {
        (0, Some(other)) => other,
        (1, Some(other)) => PushedIntent { id: other.id, ..intent },
        (2, Some(other)) => {
            // Another's intent, named by the change too.
            let message = other.id.to_string();
            PushedIntent { id: other.id, ..rebuilt(intent, |change| change.message = Some(message)) }
        }
        (3, Some(other)) => {
            let actor = parse_change(&other.change).unwrap().actor_id().clone();
            let document = other.document;
            PushedIntent { document, ..rebuilt(intent, |change| change.actor_id = actor) }
        }
        (4, _) => rebuilt(intent, |change| change.seq = 7),
        (5, _) => rebuilt(intent, |change| change.start_op = 1.try_into().unwrap()),
        (6, _) => rebuilt(intent, |change| change.start_op = 1_000_000.try_into().unwrap()),
        (7, _) => rebuilt(intent, |change| change.deps.clear()),
        (8, _) => {
            let hash = automerge::ChangeHash(random(dice));
            rebuilt(intent, |change| change.deps.push(hash))
        }
        (9, _) => {
            let kind = intent.kind;
            rebuilt(intent, |change| change.actor_id = genesis::actor(kind))
        }
        (10, _) => rebuilt(intent, |change| change.extra_bytes = vec![1]),
        (11, _) => {
            let mut bytes = intent.change.to_vec();
            let at = dice.random_range(0..bytes.len());
            bytes[at] ^= 1 << dice.random_range(0..8);
            PushedIntent { change: ByteBuf::from(bytes), ..intent }
        }
        (12, _) => PushedIntent { document: theirs, kind: Kind::Conversation, ..intent },
        (13, _) => {
            let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| *kind != intent.kind).collect();
            PushedIntent { kind: kinds[dice.random_range(0..kinds.len())], ..intent }
        }
        (_, _) => {
            let id = IntentId::generate(Timestamp(1), dice);
            PushedIntent { id, ..intent }
        }
    }
}

/// Twists an operation of a change into one that no verb makes: another predecessor, object, key or action.
pub fn twist(intent: PushedIntent, dice: &mut StdRng) -> PushedIntent {
    let kind = intent.kind;
    let which = dice.random_range(0..8);
    let at = dice.random_range(0..1000usize);
    rebuilt(intent, |change| {
        let at = at % change.operations.len();
        let genesis = |number| ObjectId::Id(OpId(number, genesis::actor(kind)));
        let operation = &mut change.operations[at];
        match which {
            // It would erase what stands elsewhere.
            0 => operation.pred = vec![OpId(1, genesis::actor(kind))].into(),
            1 => operation.insert = true,
            2 => operation.action = OpType::Increment(1),
            3 => operation.action = OpType::Make(automerge::ObjType::List),
            4 => operation.obj = genesis(99),
            5 => operation.key = Key::Map("a\0b".into()),
            6 => {
                let again = operation.clone();
                change.operations.push(again);
            }
            _ => operation.key = Key::Map("".into()),
        }
    })
}
