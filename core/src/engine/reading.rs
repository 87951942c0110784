//! What screens show: lists, counts and search from the read model, one conversation from its document. Everything here
//! reads a committed snapshot on a connection of its own and never waits for the writer.

use super::{
    Offdesk,
    conversation_view::{ConversationView, timeline},
    driver::Engine,
    error::Error,
    live::LiveList,
    outbox_view::{self, OutboxItem},
};
use crate::{
    ids::{ContactId, ConversationId, DeviceId, DocumentId, MemberId, WorkspaceId},
    model::{Contact, Conversation, DashboardAccess, Directory, Document, Kind, Member, Settings},
    policy::Access,
    protocol::Delivery,
    store::{PageKey, Snapshot},
    sync::storage::IntentRecord,
    triage::{ConversationRow, Counts, InboxFilter, MessageView, SearchHit, project},
};
use std::sync::Arc;

/// Who uses this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The member.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// This device.
    pub device: DeviceId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Where the relay is.
    pub relay: String,
    /// What they may do; `None` while the directory is not here, and for a member who was deactivated.
    pub access: Option<Access>,
}

impl Me {
    /// Whether they can toggle between all conversations and their own (R4, R5).
    pub fn has_toggle(&self) -> bool {
        self.access.is_some_and(|access| access.dashboard == DashboardAccess::All)
    }
}

impl Offdesk {
    /// Who uses this device, and what they may do.
    ///
    /// # Errors
    /// As any read.
    pub fn me(&self) -> Result<Me, Error> {
        let identity = self.engine().identity();
        let directory = match self.engine().read(directory) {
            // Who the device belongs to is known even while its data is locked.
            Err(Error::Locked) => Directory::default(),
            directory => directory?,
        };
        Ok(Me {
            member: identity.member,
            name: directory.name_of(identity.member).to_owned(),
            device: identity.device,
            workspace: identity.workspace,
            relay: identity.relay,
            access: Access::of(&directory, identity.member),
        })
    }

    /// The workspace's members, deactivated ones included, by name.
    ///
    /// # Errors
    /// As any read.
    pub fn members(&self) -> Result<Vec<Member>, Error> {
        let mut members: Vec<Member> = self.engine().read(directory)?.members.into_values().collect();
        members.sort_by(|a, b| (!a.active, &a.name, a.id).cmp(&(!b.active, &b.name, b.id)));
        Ok(members)
    }

    /// The workspace's settings; the defaults before the first sync.
    ///
    /// # Errors
    /// As any read.
    pub fn settings(&self) -> Result<Settings, Error> {
        self.engine().read(settings)
    }

    /// The conversations on the dashboard that `filter` takes, the latest first; at most `limit`, those behind `after`.
    ///
    /// # Errors
    /// As any read.
    pub fn inbox(
        &self,
        filter: &InboxFilter,
        limit: usize,
        after: Option<PageKey>,
    ) -> Result<Vec<ConversationRow>, Error> {
        let (me, now) = (self.engine().identity().member, self.engine().now());
        self.engine().read(|snapshot| Ok(snapshot.inbox(filter, me, now, limit, after)?))
    }

    /// The first `limit` rows of [`Offdesk::inbox`], as they change.
    pub fn observe_inbox(&self, filter: InboxFilter, limit: usize) -> LiveList<ConversationRow> {
        let (me, clock) = (self.engine().identity().member, self.engine().config.clock.clone());
        self.live(move |snapshot| Ok(snapshot.inbox(&filter, me, clock.now(), limit, None)?), |row| row.conversation)
    }

    /// Counts beside the list.
    ///
    /// # Errors
    /// As any read.
    pub fn counts(&self) -> Result<Counts, Error> {
        let (me, now) = (self.engine().identity().member, self.engine().now());
        self.engine().read(|snapshot| Ok(snapshot.counts(me, now)?))
    }

    /// Customers by name and phone, as typed so far (R23); works offline. Messages: [`Offdesk::search_messages`].
    ///
    /// # Errors
    /// As any read.
    pub fn search(&self, typed: &str, limit: usize) -> Result<Vec<SearchHit>, Error> {
        self.engine().read(|snapshot| Ok(snapshot.search(typed, limit)?))
    }

    /// One conversation with everything that is shown of it (R24).
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any read.
    pub fn conversation(&self, id: ConversationId) -> Result<ConversationView, Error> {
        self.engine().read(|snapshot| {
            let row = snapshot.conversation(id)?.ok_or(Error::UnknownConversation(id))?;
            let (conversation, messages) = opened(snapshot, row.document)?.ok_or(Error::UnknownConversation(id))?;
            let card = document(snapshot, row.contact)?;
            let facts = snapshot.facts(row.document)?;
            let pending = snapshot.open_intents_of(row.document)?.into_iter().map(|intent| intent.id).collect();
            Ok(ConversationView {
                contact: card.as_ref().and_then(|card| Contact::read(row.contact, card)),
                messages,
                draft: snapshot.draft(row.document)?,
                timeline: timeline(&conversation, &facts, &pending),
                assignments: conversation.assignments,
                row,
            })
        })
    }

    /// The messages of one conversation, as they change.
    pub fn observe_conversation(&self, id: ConversationId) -> LiveList<MessageView> {
        let messages = move |snapshot: &Snapshot<'_>| {
            let Some(document) = snapshot.document_of(id)? else { return Ok(Vec::new()) };
            Ok(opened(snapshot, document)?.map(|(_, messages)| messages).unwrap_or_default())
        };
        self.live(messages, |message| message.id)
    }

    /// A customer's card.
    ///
    /// # Errors
    /// [`Error::UnknownContact`], or as any read.
    pub fn contact(&self, id: ContactId) -> Result<Contact, Error> {
        self.engine().read(|snapshot| {
            let card = document(snapshot, id)?;
            card.as_ref().and_then(|card| Contact::read(id, card)).ok_or(Error::UnknownContact(id))
        })
    }

    /// This member's draft in a conversation (R27).
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any read.
    pub fn draft(&self, id: ConversationId) -> Result<Option<String>, Error> {
        self.engine().read(|snapshot| {
            let document = snapshot.document_of(id)?.ok_or(Error::UnknownConversation(id))?;
            Ok(snapshot.draft(document)?)
        })
    }

    /// What has not arrived: saved, on its way, held, or in need of attention; the latest first.
    ///
    /// # Errors
    /// As any read.
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, Error> {
        let me = self.engine().identity().member;
        self.engine().read(|snapshot| outbox(snapshot, me))
    }

    /// The outbox, as it changes.
    pub fn observe_outbox(&self) -> LiveList<OutboxItem> {
        let me = self.engine().identity().member;
        self.live(move |snapshot| outbox(snapshot, me), |item| item.intent)
    }

    pub(super) fn live<T, K>(
        &self,
        query: impl Fn(&Snapshot<'_>) -> Result<Vec<T>, Error> + Send + Sync + 'static,
        key: impl Fn(&T) -> K + Send + Sync + 'static,
    ) -> LiveList<T>
    where
        T: Clone + PartialEq + Send + 'static,
        K: Clone + Eq + std::hash::Hash + Ord,
    {
        let engine: Arc<Engine> = self.engine().clone();
        LiveList::new(engine.observe_revision(), move || engine.read(&query), key)
    }
}

/// A document with this device's own open intents in it.
pub(super) fn document(snapshot: &Snapshot<'_>, id: DocumentId) -> Result<Option<Document>, Error> {
    let Some(stored) = snapshot.document(id)? else { return Ok(None) };
    let mut document =
        if stored.saved.is_empty() { Document::new(stored.kind) } else { Document::load(stored.kind, &stored.saved)? };
    document.apply_bytes(&stored.tail)?;
    for intent in lineage(snapshot, id)? {
        // One whose ground was refused waits to be run again: it shows when it has been.
        if let Err(error) = document.apply_bytes(&[&intent.change]) {
            tracing::debug!(intent = %intent.id, %error, "an own change waits to be run again");
        }
    }
    Ok(Some(document))
}

/// The own changes on top of a confirmed document, in order: those of open intents, and those of refused ones that the
/// open ones still build on (as [`crate::sync::workspace`] has it).
fn lineage(snapshot: &Snapshot<'_>, id: DocumentId) -> Result<Vec<IntentRecord>, Error> {
    let mut lineage = snapshot.open_intents_of(id)?;
    if !lineage.is_empty() {
        lineage.extend(snapshot.attention()?.into_iter().filter(|intent| intent.document == id));
        lineage.retain(|intent| !intent.change.is_empty());
        lineage.sort_by_key(|intent| intent.position);
    }
    Ok(lineage)
}

pub(super) fn settings(snapshot: &Snapshot<'_>) -> Result<Settings, Error> {
    let id = snapshot.documents(Some(Kind::Settings))?.first().copied();
    let document = id.map(|id| document(snapshot, id)).transpose()?.flatten();
    Ok(document.as_ref().map(Settings::read).unwrap_or_default())
}

pub(super) fn directory(snapshot: &Snapshot<'_>) -> Result<Directory, Error> {
    let id = snapshot.documents(Some(Kind::Directory))?.first().copied();
    let document = id.map(|id| document(snapshot, id)).transpose()?.flatten();
    Ok(document.as_ref().map(Directory::read).unwrap_or_default())
}

pub(super) fn opened(
    snapshot: &Snapshot<'_>,
    id: DocumentId,
) -> Result<Option<(Conversation, Vec<MessageView>)>, Error> {
    let Some(conversation) = document(snapshot, id)?.as_ref().and_then(Conversation::read) else { return Ok(None) };
    let messages = project::messages(&conversation, &snapshot.facts(id)?);
    Ok(Some((conversation, messages)))
}

fn outbox(snapshot: &Snapshot<'_>, me: MemberId) -> Result<Vec<OutboxItem>, Error> {
    let entries = snapshot.outbox()?;
    let mut items: Vec<OutboxItem> = entries.into_iter().filter_map(outbox_view::of_intent).collect();
    for row in snapshot.waiting()? {
        let Some((_, messages)) = opened(snapshot, row.document)? else { continue };
        for message in messages.iter().filter(|message| message.by == Some(me)) {
            let (conversation, name) = (row.conversation, row.contact_name.clone());
            match message.delivery {
                Some(Delivery::Held(because)) => {
                    items.push(outbox_view::of_held(message, because, conversation, name, &messages));
                }
                Some(Delivery::Scheduled { at }) => {
                    items.push(outbox_view::of_scheduled(message, at, conversation, name));
                }
                _ => {}
            }
        }
    }
    items.sort_by_key(|item| (std::cmp::Reverse(item.created), item.intent));
    Ok(items)
}
