//! Contacts, their records, and the search over both and over messages (R7, R23).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Offdesk,
    error::Error,
    live::LiveList,
    reading::{document, opened},
};
use crate::{
    ids::{ContactId, ConversationId, MessageId},
    model::{Contact, DashboardAccess},
    store::ContactKey,
    triage::{ContactRow, ConversationRow, MessageHit, MessageView},
};

/// A contact's record: the card, and what was said with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordView {
    /// The card.
    pub contact: Contact,
    /// The conversations with them that are on this device, the latest first: those of the dashboard, and those that came
    /// when the record was opened (R7).
    pub conversations: Vec<ConversationRow>,
    /// Whether those are all that the member may see: the relay was asked since the device was opened, or sends all by
    /// itself.
    pub complete: bool,
    /// Whether there are older ones that did not come.
    pub more: bool,
}

/// What a search in messages found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHits {
    /// Conversations by their latest message that has it, the latest first.
    pub hits: Vec<MessageHit>,
    /// Whether all messages on this device were looked through: those that came just now are taken in a little later.
    pub complete: bool,
}

impl Offdesk {
    /// Contacts by name, or those that `typed` finds as [`Offdesk::search`] does; at most `limit`, those behind `after`.
    /// What was typed is one page.
    ///
    /// # Errors
    /// As any read.
    pub fn contacts(&self, typed: &str, limit: usize, after: Option<&ContactKey>) -> Result<Vec<ContactRow>, Error> {
        self.engine().read(|snapshot| {
            if typed.trim().is_empty() {
                return Ok(snapshot.contacts(limit, after)?);
            }
            Ok(snapshot.search(typed, limit)?.into_iter().map(|hit| hit.contact).collect())
        })
    }

    /// The first `limit` contacts by name, as they change.
    pub fn observe_contacts(&self, limit: usize) -> LiveList<ContactRow> {
        self.live(move |snapshot| Ok(snapshot.contacts(limit, None)?), |row| row.contact)
    }

    /// Opens a contact's record (R7): asks the relay for the conversations with them that are not on the dashboard. What
    /// comes is on this device from then on, offline too. Without a network it is asked for when there is one.
    ///
    /// # Errors
    /// [`Error::UnknownContact`], or as any write.
    pub fn open_record(&self, contact: ContactId) -> Result<(), Error> {
        self.engine().local(|session, _, _, disk| {
            if session.contact(disk, contact)?.is_none() {
                return Err(Error::UnknownContact(contact));
            }
            session.open_record(contact);
            Ok(())
        })
    }

    /// A contact's record as far as it is here.
    ///
    /// # Errors
    /// [`Error::UnknownContact`], or as any read.
    pub fn record(&self, contact: ContactId) -> Result<RecordView, Error> {
        let opened: BTreeMap<ContactId, bool> = self.engine().opened_records();
        let all = self.me()?.access.is_some_and(|access| access.dashboard == DashboardAccess::All);
        self.engine().read(|snapshot| {
            let card = document(snapshot, contact)?;
            let card = card.as_ref().and_then(|card| Contact::read(contact, card));
            let here = snapshot.state()?.is_some_and(|state| state.cursor.seq > 0 && state.cursor.backfill.is_none());
            Ok(RecordView {
                contact: card.ok_or(Error::UnknownContact(contact))?,
                conversations: snapshot.record_of(contact)?,
                complete: here && (all || opened.contains_key(&contact)),
                more: opened.get(&contact).copied().unwrap_or(false),
            })
        })
    }

    /// The conversations of a contact's record, as they come and change.
    pub fn observe_record(&self, contact: ContactId) -> LiveList<ConversationRow> {
        self.live(move |snapshot| Ok(snapshot.record_of(contact)?), |row| row.document)
    }

    /// Conversations by the text of a message, as typed so far: words that begin so, any accents; from three letters on
    /// (R23). Works offline.
    ///
    /// # Errors
    /// As any read.
    pub fn search_messages(&self, typed: &str, limit: usize) -> Result<MessageHits, Error> {
        self.engine().read(|snapshot| {
            Ok(MessageHits { hits: snapshot.search_messages(typed, limit)?, complete: snapshot.texts_are_read()? })
        })
    }

    /// One message of a conversation.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], [`Error::UnknownMessage`], or as any read.
    pub fn message(&self, conversation: ConversationId, message: MessageId) -> Result<MessageView, Error> {
        self.engine().read(|snapshot| {
            let document = snapshot.document_of(conversation)?.ok_or(Error::UnknownConversation(conversation))?;
            let messages = opened(snapshot, document)?.map(|(_, messages)| messages).unwrap_or_default();
            messages.into_iter().find(|known| known.id == message).ok_or(Error::UnknownMessage(message))
        })
    }
}
