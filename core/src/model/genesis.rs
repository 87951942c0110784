//! The pinned first change of every document.
//!
//! Two devices that create the "same" document apart from each other must not create its maps twice: Automerge would
//! keep two conflicting `messages` maps and show one of them, and the other side's messages would vanish. So the
//! maps of a kind are created by one change whose bytes never vary: same actor, same time, same operations. The bytes
//! are pinned as fixtures under `core/fixtures/genesis`, and a test compares them with what this module builds.

use std::sync::OnceLock;

use automerge::{
    ActorId, Automerge, Change, ChangeHash, ObjType, ROOT,
    transaction::{CommitOptions, Transactable},
};
use serde::{Deserialize, Serialize};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything said with one contact on one channel.
    Conversation,
    /// A customer.
    Contact,
    /// Members and roles of the workspace.
    Directory,
    /// Settings of the workspace.
    Settings,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Conversation, Kind::Contact, Kind::Directory, Kind::Settings];

    /// The number that databases hold.
    pub const fn code(self) -> u8 {
        match self {
            Kind::Conversation => 1,
            Kind::Contact => 2,
            Kind::Directory => 3,
            Kind::Settings => 4,
        }
    }

    /// Reads the number that databases hold.
    pub const fn from_code(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Conversation),
            2 => Some(Kind::Contact),
            3 => Some(Kind::Directory),
            4 => Some(Kind::Settings),
            _ => None,
        }
    }

    /// The name in fixtures and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Conversation => "conversation",
            Kind::Contact => "contact",
            Kind::Directory => "directory",
            Kind::Settings => "settings",
        }
    }

    /// The root maps, in the order in which the genesis creates them: the n-th (from 1) is object `n@genesis`. Maps
    /// that only later versions fill are created now, since they could never be added without a conflict.
    pub(crate) const fn maps(self) -> &'static [&'static str] {
        match self {
            Kind::Conversation => &[
                MESSAGES,
                ASSIGNMENTS,
                CLOSINGS,
                REOPENINGS,
                DECISIONS,
                TAGS,
                ORIGINS,
                SNOOZES,
                HANDLER,
                FIELDS,
                TIMELINE,
                MARKS,
            ],
            Kind::Contact => &[PHONES, SHARED, CUSTOM, CONSENT, MERGES, FIELDS],
            Kind::Directory => &[MEMBERS, ROLES],
            Kind::Settings => &[VALUES, QUEUES, CANNED, ENGAGEMENTS, AUTOMATIONS, HOURS],
        }
    }
}

pub(crate) const MESSAGES: &str = "messages";
pub(crate) const ASSIGNMENTS: &str = "assignments";
pub(crate) const CLOSINGS: &str = "closings";
pub(crate) const REOPENINGS: &str = "reopenings";
pub(crate) const DECISIONS: &str = "decisions";
pub(crate) const TAGS: &str = "tags";
pub(crate) const ORIGINS: &str = "origins";
pub(crate) const PHONES: &str = "phones";
pub(crate) const SHARED: &str = "shared";
pub(crate) const CUSTOM: &str = "custom";
pub(crate) const FIELDS: &str = "fields";
pub(crate) const MEMBERS: &str = "members";
pub(crate) const ROLES: &str = "roles";
pub(crate) const VALUES: &str = "values";
pub(crate) const SNOOZES: &str = "snoozes";
const HANDLER: &str = "handler";
const TIMELINE: &str = "timeline";
const MARKS: &str = "marks";
pub(crate) const CONSENT: &str = "consent";
const MERGES: &str = "merges";
pub(crate) const QUEUES: &str = "queues";
pub(crate) const CANNED: &str = "canned";
pub(crate) const ENGAGEMENTS: &str = "engagements";
pub(crate) const AUTOMATIONS: &str = "automations";
pub(crate) const HOURS: &str = "hours";

/// Key of the schema version at the root of every document.
pub(crate) const VERSION: &str = "v";
/// The schema version that this build writes. Readers accept newer ones and preserve what they don't know.
pub const SCHEMA_VERSION: u64 = 1;

/// The actor of the genesis change of a kind: fifteen zeros and the kind's code. It has no second change.
pub fn actor(kind: Kind) -> ActorId {
    let mut bytes = [0u8; 16];
    bytes[15] = kind.code();
    ActorId::from(bytes)
}

/// Whether no device may write as this actor: those that begin with eight zeros are the geneses' and the relay's.
pub fn is_reserved(actor: &ActorId) -> bool {
    actor.to_bytes().starts_with(&[0; 8])
}

/// The relay's actor of these eight bytes.
pub fn relay_actor(name: [u8; 8]) -> ActorId {
    let mut bytes = [0u8; 16];
    bytes[8..].copy_from_slice(&name);
    ActorId::from(bytes)
}

/// A document that holds nothing but its genesis.
///
/// It is built once a kind and process; callers fork it.
pub fn document(kind: Kind) -> Automerge {
    static DOCUMENTS: OnceLock<Vec<Automerge>> = OnceLock::new();
    let all = DOCUMENTS.get_or_init(|| Kind::ALL.iter().map(|kind| build(*kind)).collect());
    let index = usize::from(kind.code()) - 1;
    all[index].fork()
}

/// The genesis change of a kind.
pub fn change(kind: Kind) -> Change {
    let document = document(kind);
    let mut changes = document.get_changes(&[]);
    // `build` commits exactly one change, so one is there.
    changes.swap_remove(0)
}

/// The hash of the genesis change of a kind.
pub fn hash(kind: Kind) -> ChangeHash {
    static HASHES: OnceLock<Vec<ChangeHash>> = OnceLock::new();
    let all = HASHES.get_or_init(|| Kind::ALL.iter().map(|kind| change(*kind).hash()).collect());
    all[usize::from(kind.code()) - 1]
}

fn build(kind: Kind) -> Automerge {
    let mut document = Automerge::new().with_actor(actor(kind));
    {
        let mut tx = document.transaction();
        for map in kind.maps() {
            // Putting a map under a root key of an empty document can't fail: the object and the key's type fit.
            let _ = tx.put_object(ROOT, *map, ObjType::Map);
        }
        let _ = tx.put(ROOT, VERSION, SCHEMA_VERSION);
        tx.commit_with(CommitOptions::default().with_time(0));
    }
    document
}

/// The name of the root map that an operation's object counter means, if the object was made by the genesis.
pub(crate) fn map_name(kind: Kind, counter: u64) -> Option<&'static str> {
    let index = usize::try_from(counter.checked_sub(1)?).ok()?;
    kind.maps().get(index).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use automerge::ReadDoc;

    #[test]
    fn genesis_bytes_are_pinned() {
        for kind in Kind::ALL {
            let path = format!("{}/fixtures/genesis/{}.bin", env!("CARGO_MANIFEST_DIR"), kind.name());
            let built = change(kind).raw_bytes().to_vec();
            if std::env::var_os("PIN_GENESIS").is_some() {
                std::fs::write(&path, &built).unwrap();
            }
            let pinned = std::fs::read(&path).unwrap();
            assert_eq!(pinned, built, "the genesis of {} changed: documents in the field would fork", kind.name());
        }
    }

    #[test]
    fn maps_are_numbered_in_order() {
        for kind in Kind::ALL {
            let document = document(kind);
            for (index, map) in kind.maps().iter().enumerate() {
                let (_, id) = document.get(ROOT, *map).unwrap().unwrap();
                let automerge::ObjId::Id(counter, by, _) = id else { panic!("root") };
                assert_eq!((counter, by), (index as u64 + 1, actor(kind)));
                assert_eq!(map_name(kind, counter), Some(*map));
            }
        }
    }

    #[test]
    fn two_creations_merge_into_one() {
        let mut a = document(Kind::Conversation);
        let mut b = document(Kind::Conversation);
        for (document, key) in [(&mut a, "a"), (&mut b, "b")] {
            document.set_actor(ActorId::from([key.as_bytes()[0]; 16]));
            let (_, messages) = document.get(ROOT, MESSAGES).unwrap().unwrap();
            let mut tx = document.transaction();
            tx.put(&messages, key, "text").unwrap();
            tx.commit();
        }
        a.merge(&mut b).unwrap();
        let (_, messages) = a.get(ROOT, MESSAGES).unwrap().unwrap();
        assert_eq!(a.keys(&messages).collect::<Vec<_>>(), ["a", "b"]);
    }
}
