//! What lists show of a document, without its history: the relay keeps it beside the document and sends it with a snapshot,
//! so that a device can show thousands of conversations without loading one of them (ADR 0013). An outline says nothing that
//! the document doesn't; whoever can't read one loads the document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{DocumentId, MessageId},
    model::{Assignment, Contact, Conversation, Document, Kind, Sorting},
};

/// What lists show of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outline {
    /// Of the messages the last one that the relay accepted, of each member's assignments the latest for each reason, of
    /// the closings and snoozes those that stand; nothing of reopenings, wakings and decisions.
    Conversation(Conversation),
    /// The contact as it is. Its id is the document's, which is known: in the bytes it is left out.
    Contact(Contact),
}

impl Outline {
    /// The outline of a conversation whose last accepted message is `last`.
    pub fn of_conversation(conversation: &Conversation, last: Option<MessageId>) -> Self {
        let last = last.and_then(|id| conversation.messages.get_key_value(&id));
        Self::Conversation(Conversation {
            id: conversation.id,
            contact: conversation.contact,
            channel: conversation.channel.clone(),
            origins: conversation.origins.clone(),
            messages: last.map(|(id, message)| (*id, message.clone())).into_iter().collect(),
            assignments: latest_assignments(&conversation.assignments),
            closings: conversation.standing_closings().cloned().collect(),
            reopenings: Vec::new(),
            decisions: Vec::new(),
            tags: conversation.tags.clone(),
            sorting: Sorting {
                snoozes: conversation.sorting.standing_snoozes().cloned().collect(),
                wakings: Vec::new(),
                ..conversation.sorting.clone()
            },
        })
    }

    /// The outline of a document other than a conversation; `None` if lists show nothing of it.
    pub fn of_other(id: DocumentId, document: &Document) -> Option<Self> {
        match document.kind() {
            Kind::Contact => Contact::read(id, document).map(Self::Contact),
            Kind::Conversation | Kind::Directory | Kind::Settings => None,
        }
    }

    /// The last accepted message of a conversation.
    pub fn last_message(&self) -> Option<MessageId> {
        match self {
            Self::Conversation(conversation) => conversation.messages.keys().next().copied(),
            Self::Contact(_) => None,
        }
    }

    /// The bytes that are stored and sent; `None` if it can't be expressed.
    pub fn pack(&self) -> Option<Vec<u8>> {
        match self {
            Self::Conversation(_) => rmp_serde::to_vec(self).ok(),
            Self::Contact(contact) => {
                let nameless = Contact { id: DocumentId([0; 16]), ..contact.clone() };
                rmp_serde::to_vec(&Self::Contact(nameless)).ok()
            }
        }
    }

    /// Reads the bytes of a document's outline; `None` if another version wrote them.
    pub fn unpack(document: DocumentId, bytes: &[u8]) -> Option<Self> {
        match rmp_serde::from_slice(bytes).ok()? {
            Self::Contact(contact) => Some(Self::Contact(Contact { id: document, ..contact })),
            conversation @ Self::Conversation(_) => Some(conversation),
        }
    }
}

fn latest_assignments(all: &[Assignment]) -> Vec<Assignment> {
    let mut latest: BTreeMap<_, &Assignment> = BTreeMap::new();
    for assignment in all {
        let known = latest.entry((assignment.key.member, assignment.reason)).or_insert(assignment);
        if (assignment.at, assignment.key) > (known.at, known.key) {
            *known = assignment;
        }
    }
    latest.into_values().cloned().collect()
}
