//! A conversation as its document holds it. Order, acceptance time and delivery of messages are relay facts and join
//! in [`crate::triage`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use automerge::{ObjId, ROOT, ReadDoc, ScalarValue, Value};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, ConversationId, IntentId, MemberId, MessageId},
    model::{
        AssignmentKey, Document, HeldChoice, MessageKind,
        document::map,
        genesis::{ASSIGNMENTS, CLOSINGS, DECISIONS, MESSAGES, ORIGINS, REOPENINGS, TAGS},
    },
    time::Timestamp,
};

/// Keys inside a conversation document.
pub(crate) mod keys {
    use crate::model::MessageKind;

    pub(crate) const CONVERSATION: &str = "conversation";
    pub(crate) const CONTACT: &str = "contact";
    pub(crate) const CHANNEL: &str = "channel";
    pub(crate) const KIND: &str = "kind";
    pub(crate) const BY: &str = "by";
    pub(crate) const TEXT: &str = "text";
    pub(crate) const AT: &str = "at";
    pub(crate) const REASON: &str = "reason";
    pub(crate) const SEEN: &str = "seen";
    pub(crate) const CHOICE: &str = "choice";
    pub(crate) const SEND: &str = "send";
    pub(crate) const DROP: &str = "drop";

    pub(crate) const fn message_kind(kind: MessageKind) -> &'static str {
        match kind {
            MessageKind::Inbound => "in",
            MessageKind::Outbound => "out",
            MessageKind::Note => "note",
        }
    }

    pub(crate) fn parse_message_kind(text: &str) -> Option<MessageKind> {
        match text {
            "in" => Some(MessageKind::Inbound),
            "out" => Some(MessageKind::Outbound),
            "note" => Some(MessageKind::Note),
            _ => None,
        }
    }
}

/// Over what a conversation runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// SMS from and to one of our numbers, in E.164.
    Sms(String),
    /// Web chat through one of our widgets.
    WebChat(String),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Sms(number) => write!(f, "sms:{number}"),
            Channel::WebChat(widget) => write!(f, "web_chat:{widget}"),
        }
    }
}

/// The text names no channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a channel: expected sms:<our number> or web_chat:<widget>")]
pub struct InvalidChannel(pub String);

impl FromStr for Channel {
    type Err = InvalidChannel;
    fn from_str(s: &str) -> Result<Self, InvalidChannel> {
        match s.split_once(':') {
            Some(("sms", number)) if !number.is_empty() => Ok(Channel::Sms(number.into())),
            Some(("web_chat", widget)) if !widget.is_empty() => Ok(Channel::WebChat(widget.into())),
            _ => Err(InvalidChannel(s.chars().take(64).collect())),
        }
    }
}

/// Where a conversation came from (R22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The contact wrote, or a member did.
    Direct,
    /// A campaign.
    Campaign,
    /// An abandoned checkout.
    CartRecovery,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Origin; 3] = [Origin::Direct, Origin::Campaign, Origin::CartRecovery];

    /// The name in documents and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Direct => "direct",
            Origin::Campaign => "campaign",
            Origin::CartRecovery => "cart_recovery",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Origin> {
        Origin::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// Why a member is on a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentReason {
    /// Somebody assigned them.
    Manual,
    /// They replied (R17).
    Reply,
    /// An automation named them (R19).
    Automation,
}

impl AssignmentReason {
    /// The name in documents and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            AssignmentReason::Manual => "manual",
            AssignmentReason::Reply => "reply",
            AssignmentReason::Automation => "automation",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<AssignmentReason> {
        [AssignmentReason::Manual, AssignmentReason::Reply, AssignmentReason::Automation]
            .into_iter()
            .find(|reason| reason.name() == name)
    }
}

/// One assignment: a member may have several at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who, and which assignment.
    pub key: AssignmentKey,
    /// Who assigned them; `None` for the relay.
    pub by: Option<MemberId>,
    /// Why.
    pub reason: AssignmentReason,
    /// When, by the assigner's clock.
    pub at: Timestamp,
}

/// A message or note as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who it goes to.
    pub kind: MessageKind,
    /// The member who wrote it; `None` for inbound.
    pub by: Option<MemberId>,
    /// The text.
    pub text: String,
    /// The author's clock when writing.
    pub at: Timestamp,
}

/// One closing, with what its author knew of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Its id.
    pub id: IntentId,
    /// By whom.
    pub by: MemberId,
    /// When, by their clock.
    pub at: Timestamp,
    /// The last inbound message that they knew of.
    pub seen: Option<MessageId>,
}

/// One reopening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopening {
    /// The closing that it undid.
    pub closing: IntentId,
    /// Its id.
    pub id: IntentId,
    /// By whom.
    pub by: MemberId,
    /// When, by their clock.
    pub at: Timestamp,
}

/// One decision about a held message. The first that the relay accepts counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The held message.
    pub message: MessageId,
    /// The intent that decided.
    pub id: IntentId,
    /// By whom.
    pub by: MemberId,
    /// What.
    pub choice: HeldChoice,
}

/// Whether an episode runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An episode runs.
    Open,
    /// Closed, and no inbound message has come since that the closing didn't know of.
    Closed,
}

/// A conversation document read into memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// Over what.
    pub channel: Channel,
    /// Its origins with the time each was last marked.
    pub origins: BTreeMap<Origin, Timestamp>,
    /// Every message and note, by id.
    pub messages: BTreeMap<MessageId, Message>,
    /// Every assignment that stands.
    pub assignments: Vec<Assignment>,
    /// Every closing.
    pub closings: Vec<Closing>,
    /// Every reopening.
    pub reopenings: Vec<Reopening>,
    /// Every decision about a held message.
    pub decisions: Vec<Decision>,
    /// The tags.
    pub tags: BTreeSet<String>,
}

impl Conversation {
    /// Reads a document; `None` if it was never opened (it holds only its genesis) or is of another kind.
    ///
    /// Entries that this version can't read are passed over: they stay in the document.
    pub fn read(document: &Document) -> Option<Self> {
        let doc = document.inner();
        let root = |key| text(doc, &ROOT, key);
        Some(Self {
            id: root(keys::CONVERSATION)?.parse().ok()?,
            contact: root(keys::CONTACT)?.parse().ok()?,
            channel: root(keys::CHANNEL)?.parse().ok()?,
            origins: scalars(doc, ORIGINS)
                .into_iter()
                .filter_map(|(key, value)| match value {
                    ScalarValue::Timestamp(at) => Some((Origin::from_name(&key)?, Timestamp(at))),
                    _ => None,
                })
                .collect(),
            messages: entries(doc, MESSAGES)
                .filter_map(|(key, entry)| {
                    let id = key.parse().ok()?;
                    Some((
                        id,
                        Message {
                            id,
                            kind: keys::parse_message_kind(&text(doc, &entry, keys::KIND)?)?,
                            by: member(doc, &entry),
                            text: text(doc, &entry, keys::TEXT)?,
                            at: at(doc, &entry),
                        },
                    ))
                })
                .collect(),
            assignments: entries(doc, ASSIGNMENTS)
                .filter_map(|(key, entry)| {
                    Some(Assignment {
                        key: key.parse().ok()?,
                        by: member(doc, &entry),
                        reason: AssignmentReason::from_name(&text(doc, &entry, keys::REASON)?)?,
                        at: at(doc, &entry),
                    })
                })
                .collect(),
            closings: entries(doc, CLOSINGS)
                .filter_map(|(key, entry)| {
                    Some(Closing {
                        id: key.parse().ok()?,
                        by: member(doc, &entry)?,
                        at: at(doc, &entry),
                        seen: text(doc, &entry, keys::SEEN).and_then(|seen| seen.parse().ok()),
                    })
                })
                .collect(),
            reopenings: entries(doc, REOPENINGS)
                .filter_map(|(key, entry)| {
                    let (closing, id) = pair(&key)?;
                    Some(Reopening { closing, id, by: member(doc, &entry)?, at: at(doc, &entry) })
                })
                .collect(),
            decisions: entries(doc, DECISIONS)
                .filter_map(|(key, entry)| {
                    let (message, id) = pair(&key)?;
                    let choice = match text(doc, &entry, keys::CHOICE)?.as_str() {
                        keys::SEND => HeldChoice::Send,
                        keys::DROP => HeldChoice::Drop,
                        _ => return None,
                    };
                    Some(Decision { message, id, by: member(doc, &entry)?, choice })
                })
                .collect(),
            tags: scalars(doc, TAGS).into_iter().map(|(tag, _)| tag).collect(),
        })
    }

    /// The members who are assigned.
    pub fn assignees(&self) -> BTreeSet<MemberId> {
        self.assignments.iter().map(|assignment| assignment.key.member).collect()
    }

    /// The assignments of one member.
    pub fn assignments_of(&self, member: MemberId) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(move |assignment| assignment.key.member == member)
    }

    /// Whether an episode runs, given the last inbound message in the relay's order. A closing counts while no
    /// reopening names it and while no inbound message came that it didn't know of (R20).
    pub fn status(&self, last_inbound: Option<MessageId>) -> Status {
        let closed = self.standing_closings().any(|closing| closing.seen == last_inbound);
        if closed { Status::Closed } else { Status::Open }
    }

    /// The closings that no reopening names.
    pub fn standing_closings(&self) -> impl Iterator<Item = &Closing> {
        self.closings.iter().filter(|closing| !self.reopenings.iter().any(|reopening| reopening.closing == closing.id))
    }
}

fn pair(key: &str) -> Option<(IntentId, IntentId)> {
    let (first, second) = key.split_once('/')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

fn member(doc: &impl ReadDoc, entry: &ObjId) -> Option<MemberId> {
    text(doc, entry, keys::BY)?.parse().ok()
}

fn at(doc: &impl ReadDoc, entry: &ObjId) -> Timestamp {
    match doc.get(entry, keys::AT) {
        Ok(Some((Value::Scalar(value), _))) => match value.as_ref() {
            ScalarValue::Timestamp(at) => Timestamp(*at),
            _ => Timestamp::default(),
        },
        _ => Timestamp::default(),
    }
}

pub(crate) fn text(doc: &impl ReadDoc, object: &ObjId, key: &str) -> Option<String> {
    match doc.get(object, key).ok()?? {
        (Value::Scalar(value), _) => match value.as_ref() {
            ScalarValue::Str(text) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn entries<'a, D: ReadDoc>(doc: &'a D, name: &'static str) -> impl Iterator<Item = (String, ObjId)> + 'a {
    map(doc, name).ok().into_iter().flat_map(move |map| {
        doc.map_range(&map, ..)
            .filter(|item| matches!(item.value, automerge::ValueRef::Object(automerge::ObjType::Map)))
            .map(|item| (item.key.to_string(), item.id()))
            .collect::<Vec<_>>()
    })
}

pub(crate) fn scalars(doc: &impl ReadDoc, name: &'static str) -> Vec<(String, ScalarValue)> {
    let Ok(map) = map(doc, name) else { return Vec::new() };
    doc.map_range(&map, ..)
        .filter_map(|item| match item.value {
            automerge::ValueRef::Scalar(value) => Some((item.key.to_string(), value.into())),
            automerge::ValueRef::Object(_) => None,
        })
        .collect()
}
