//! A conversation as its document holds it. Order, acceptance time and delivery of messages are relay facts and join
//! in [`crate::triage`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, ConversationId, IntentId, MemberId, MessageId},
    model::{
        AssignmentKey, Document, HeldChoice, MessageKind,
        contents::{Contents, Fields},
        genesis::{ASSIGNMENTS, CLOSINGS, DECISIONS, FIELDS, MESSAGES, ORIGINS, REOPENINGS, SNOOZES, TAGS},
        sorting::{Priority, Snooze, Sorting, Waking},
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
    pub(crate) const UNTIL: &str = "until";
    pub(crate) const LATER: &str = "later";
    pub(crate) const MENTIONS: &str = "mentions";
    pub(crate) const PRIORITY: &str = "priority";
    pub(crate) const QUEUE: &str = "queue";

    /// Whether a field says something of the campaign or checkout that a conversation comes from.
    pub(crate) fn is_detail(field: &str) -> bool {
        field.split_once('.').is_some_and(|(of, what)| ["campaign", "cart"].contains(&of) && !what.is_empty())
    }

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
    /// Members whom a note calls. No part of an outline, and neither is the next.
    #[serde(skip)]
    pub mentions: BTreeSet<MemberId>,
    /// When an outbound message is to be sent, if not at once.
    #[serde(skip)]
    pub later: Option<Timestamp>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What it is sorted by. Last, since outlines are written without names and leave it out if it says nothing.
    #[serde(default, skip_serializing_if = "Sorting::is_plain")]
    pub sorting: Sorting,
}

impl Conversation {
    /// Reads a document; `None` if it was never opened (it holds only its genesis) or is of another kind.
    ///
    /// Entries that this version can't read are passed over: they stay in the document.
    pub fn read(document: &Document) -> Option<Self> {
        let contents = Contents::of(document.inner());
        let root = |key| contents.root().text(key);
        Some(Self {
            id: root(keys::CONVERSATION)?.parse().ok()?,
            contact: root(keys::CONTACT)?.parse().ok()?,
            channel: root(keys::CHANNEL)?.parse().ok()?,
            origins: contents
                .scalars(ORIGINS)
                .filter_map(|(key, value)| match value {
                    ScalarValue::Timestamp(at) => Some((Origin::from_name(key)?, Timestamp(*at))),
                    _ => None,
                })
                .collect(),
            messages: contents
                .entries(MESSAGES)
                .filter_map(|(key, entry)| message(key, entry))
                .map(|message| (message.id, message))
                .collect(),
            assignments: contents.entries(ASSIGNMENTS).filter_map(|(key, entry)| assignment(key, entry)).collect(),
            closings: contents.entries(CLOSINGS).filter_map(|(key, entry)| closing(key, entry)).collect(),
            reopenings: contents.entries(REOPENINGS).filter_map(|(key, entry)| reopening(key, entry)).collect(),
            decisions: contents.entries(DECISIONS).filter_map(|(key, entry)| decision(key, entry)).collect(),
            tags: contents.scalars(TAGS).map(|(tag, _)| tag.to_owned()).collect(),
            sorting: sorting(&contents),
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

fn message(key: &str, entry: &Fields) -> Option<Message> {
    Some(Message {
        id: key.parse().ok()?,
        kind: keys::parse_message_kind(entry.text(keys::KIND)?)?,
        by: member(entry),
        text: entry.text(keys::TEXT)?.to_owned(),
        at: at(entry),
        mentions: entry.text(keys::MENTIONS).unwrap_or_default().split(' ').filter_map(|id| id.parse().ok()).collect(),
        later: time(entry, keys::LATER),
    })
}

fn sorting(contents: &Contents) -> Sorting {
    let mut sorting = Sorting::default();
    for (key, entry) in contents.entries(SNOOZES) {
        if key.contains('/') {
            sorting.wakings.extend(waking(key, entry));
        } else {
            sorting.snoozes.extend(snooze(key, entry));
        }
    }
    for (key, value) in contents.scalars(FIELDS) {
        let ScalarValue::Str(text) = value else { continue };
        match key {
            keys::PRIORITY => sorting.priority = Priority::from_name(text).unwrap_or_default(),
            keys::QUEUE => sorting.queue = text.parse().ok(),
            detail if keys::is_detail(detail) => {
                sorting.details.insert(detail.to_owned(), text.to_string());
            }
            _ => {}
        }
    }
    sorting
}

fn snooze(key: &str, entry: &Fields) -> Option<Snooze> {
    Some(Snooze {
        id: key.parse().ok()?,
        by: member(entry)?,
        at: at(entry),
        until: time(entry, keys::UNTIL)?,
        seen: entry.text(keys::SEEN).and_then(|seen| seen.parse().ok()),
    })
}

fn waking(key: &str, entry: &Fields) -> Option<Waking> {
    let (snooze, id) = pair(key)?;
    Some(Waking { snooze, id, by: member(entry)?, at: at(entry) })
}

fn assignment(key: &str, entry: &Fields) -> Option<Assignment> {
    Some(Assignment {
        key: key.parse().ok()?,
        by: member(entry),
        reason: AssignmentReason::from_name(entry.text(keys::REASON)?)?,
        at: at(entry),
    })
}

fn closing(key: &str, entry: &Fields) -> Option<Closing> {
    Some(Closing {
        id: key.parse().ok()?,
        by: member(entry)?,
        at: at(entry),
        seen: entry.text(keys::SEEN).and_then(|seen| seen.parse().ok()),
    })
}

fn reopening(key: &str, entry: &Fields) -> Option<Reopening> {
    let (closing, id) = pair(key)?;
    Some(Reopening { closing, id, by: member(entry)?, at: at(entry) })
}

fn decision(key: &str, entry: &Fields) -> Option<Decision> {
    let (message, id) = pair(key)?;
    let choice = match entry.text(keys::CHOICE)? {
        keys::SEND => HeldChoice::Send,
        keys::DROP => HeldChoice::Drop,
        _ => return None,
    };
    Some(Decision { message, id, by: member(entry)?, choice })
}

fn pair(key: &str) -> Option<(IntentId, IntentId)> {
    let (first, second) = key.split_once('/')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

fn member(entry: &Fields) -> Option<MemberId> {
    entry.text(keys::BY)?.parse().ok()
}

fn at(entry: &Fields) -> Timestamp {
    time(entry, keys::AT).unwrap_or_default()
}

fn time(entry: &Fields, key: &str) -> Option<Timestamp> {
    match entry.value(key) {
        Some(ScalarValue::Timestamp(at)) => Some(Timestamp(*at)),
        _ => None,
    }
}
