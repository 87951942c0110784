//! Identifiers. Each is a ULID (128 bits: 48 of time, 80 random) behind its own type, so that a member can't be
//! passed where a device is meant. On the wire and in databases an id is 16 bytes; for people and in JSON it is
//! the 26-character ULID text.

use std::{fmt, str::FromStr};

use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Timestamp;

/// The text is not a ULID of 26 characters in Crockford's base 32.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an id: expected 26 characters such as 01JD3Z5N8QW2V4X6Y7A9BCDEFG")]
pub struct InvalidId(pub String);

fn generate(now: Timestamp, rng: &mut dyn Rng) -> [u8; 16] {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let random = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
    ulid::Ulid::from_parts(millis, random).to_bytes()
}

/// Reads 16 bytes or the text, whichever is there: serde hands the fields of a tagged enum on through a buffer that calls
/// itself human-readable whatever the format was.
fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
    struct BytesOrText;
    impl de::Visitor<'_> for BytesOrText {
        type Value = [u8; 16];
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id of 16 bytes or 26 characters")
        }
        fn visit_bytes<E: de::Error>(self, v: &[u8]) -> Result<Self::Value, E> {
            v.try_into().map_err(|_| E::invalid_length(v.len(), &self))
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
            parse(v).map_err(E::custom)
        }
    }
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(BytesOrText)
    } else {
        deserializer.deserialize_bytes(BytesOrText)
    }
}

fn parse(text: &str) -> Result<[u8; 16], InvalidId> {
    ulid::Ulid::from_string(text).map(|id| id.to_bytes()).map_err(|_| InvalidId(text.chars().take(64).collect()))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A fresh id: `now` in its leading bits, so that ids sort by creation; the rest from `rng`.
            pub fn generate(now: Timestamp, rng: &mut dyn Rng) -> Self {
                Self(generate(now, rng))
            }

            /// The 16 bytes that databases and frames hold.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// Reads the 16 bytes of a database or frame; `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&ulid::Ulid::from_bytes(self.0).to_string())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(s: &str) -> Result<Self, InvalidId> {
                parse(s).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize(deserializer).map(Self)
            }
        }
    )*};
}

ids! {
    /// A company.
    WorkspaceId;
    /// A person in a workspace.
    MemberId;
    /// A role that members hold; it carries their access (R3, R7).
    RoleId;
    /// One enrolled phone or laptop of a member.
    DeviceId;
    /// An Automerge document. Not the same as a [`ConversationId`]: the relay may move a conversation into a new
    /// document.
    DocumentId;
    /// Everything said with one contact on one channel.
    ConversationId;
    /// What a member asked for, durable until accepted or rejected. A message's id is the id of the intent that
    /// sent it; an inbound message gets its id from the relay.
    IntentId;
    /// A queue of the workspace.
    QueueId;
    /// An automation of the workspace.
    AutomationId;
    /// A canned response of the workspace.
    CannedId;
    /// An engagement of the workspace's web chat.
    EngagementId;
    /// Opening hours that queues refer to.
    HoursId;
    /// One telling of one member about one cause (R15).
    AlertId;
}

/// A message is known by the intent that wrote it.
pub type MessageId = IntentId;

/// A contact is known by its document.
pub type ContactId = DocumentId;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn text_and_bytes_round_trip() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let id = MemberId::generate(Timestamp(1_700_000_000_000), &mut rng);
        assert_eq!(id.to_string().parse::<MemberId>(), Ok(id));
        let packed = rmp_serde::to_vec_named(&id).unwrap_or_default();
        assert_eq!(packed.len(), 18);
        assert_eq!(rmp_serde::from_slice::<MemberId>(&packed).ok(), Some(id));
        assert_eq!(serde_json::to_string(&id).ok(), Some(format!("\"{id}\"")));
    }

    #[test]
    fn a_wrong_text_is_a_clear_error() {
        let error = "not-an-id".parse::<MemberId>();
        assert_eq!(error, Err(InvalidId("not-an-id".into())));
    }
}
