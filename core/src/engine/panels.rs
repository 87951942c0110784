//! The information panel beside a conversation, in its two sections (R24): the customer, and the conversation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Offdesk,
    conversation_view::{TimelineEntry, timeline},
    error::Error,
    live::LiveList,
    reading::{document, opened, settings},
};
use crate::{
    ids::{ConversationId, MemberId, QueueId},
    model::{Assignment, Channel, Contact, Origin, Priority, Snooze, Status},
    protocol::{Delivery, FactBody},
    store::Snapshot,
    time::Timestamp,
    triage::ConversationRow,
};

/// Both sections of the panel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panels {
    /// Who it is.
    pub customer: CustomerPanel,
    /// What it is about.
    pub conversation: ConversationPanel,
}

/// The customer's details. Name, phones, e-mail, owner, whom the record is shared with, custom fields, consent and blocking
/// are the card's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerPanel {
    /// What lists call them.
    pub name: String,
    /// The card; `None` while it is not on this device.
    pub card: Option<Contact>,
    /// The other conversations with them on this device, the latest first. After [`Offdesk::open_record`] those of the
    /// record are among them (R7).
    pub others: Vec<ConversationRow>,
    /// What was closed of this conversation: each episode's end, the latest first.
    pub past: Vec<Episode>,
}

/// An episode of a conversation that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// When it was closed, by whom told.
    pub closed: Timestamp,
    /// Who closed it.
    pub by: Option<MemberId>,
}

/// The conversation's details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationPanel {
    /// Over what.
    pub channel: Channel,
    /// Whether an episode runs.
    pub status: Status,
    /// Where it came from, the latest first (R22).
    pub origins: Vec<Origin>,
    /// Of the campaign or checkout that it comes from, such as `campaign.name`.
    pub details: BTreeMap<String, String>,
    /// Every assignment that stands, with who assigned, when and why.
    pub assignments: Vec<Assignment>,
    /// The snooze that counts, if one does. Whether its time has come is for the viewer's clock.
    pub snooze: Option<Snooze>,
    /// How urgent it is.
    pub priority: Priority,
    /// The queue that it is in, and its name.
    pub queue: Option<(QueueId, String)>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Who did what, in the relay's order; what this device has pending comes last (R41).
    pub timeline: Vec<TimelineEntry>,
}

impl Offdesk {
    /// The panel beside a conversation (R24).
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any read.
    pub fn panels(&self, id: ConversationId) -> Result<Panels, Error> {
        self.engine().read(|snapshot| panels(snapshot, id)?.ok_or(Error::UnknownConversation(id)))
    }

    /// The panel as it changes: one item, none while the conversation is not on this device.
    pub fn observe_panels(&self, id: ConversationId) -> LiveList<Panels> {
        self.live(move |snapshot| Ok(panels(snapshot, id)?.into_iter().collect()), move |_| id)
    }
}

fn panels(snapshot: &Snapshot<'_>, id: ConversationId) -> Result<Option<Panels>, Error> {
    let Some(row) = snapshot.conversation(id)? else { return Ok(None) };
    let Some((conversation, messages)) = opened(snapshot, row.document)? else { return Ok(None) };
    let facts = snapshot.facts(row.document)?;
    let pending = snapshot.open_intents_of(row.document)?.into_iter().map(|intent| intent.id).collect();
    let timeline = timeline(&conversation, &facts, &pending);
    let received = |delivery: &Option<Delivery>| *delivery == Some(Delivery::Received);
    let last_inbound = messages.iter().rev().find(|message| received(&message.delivery)).map(|message| message.id);
    let card = document(snapshot, row.contact)?.and_then(|card| Contact::read(row.contact, &card));
    let others = snapshot.record_of(row.contact)?.into_iter().filter(|other| other.document != row.document).collect();
    let mut past: Vec<Episode> = facts
        .iter()
        .filter_map(|fact| match &fact.body {
            FactBody::Event(event) if event.what.contains(&crate::protocol::Deed::Closed) => {
                Some(Episode { closed: event.at, by: event.by })
            }
            _ => None,
        })
        .collect();
    past.sort_by_key(|episode| std::cmp::Reverse(episode.closed));
    let settings = settings(snapshot)?;
    let queue = conversation.sorting.queue.map(|queue| {
        let name = settings.queues.get(&queue).map(|known| known.name.clone()).unwrap_or_default();
        (queue, name)
    });
    Ok(Some(Panels {
        customer: CustomerPanel { name: row.contact_name.clone(), card, others, past },
        conversation: ConversationPanel {
            channel: row.channel.clone(),
            status: row.status,
            origins: row.origins.clone(),
            details: conversation.sorting.details.clone(),
            snooze: conversation.snooze(last_inbound).cloned(),
            priority: conversation.sorting.priority,
            queue,
            tags: row.tags.clone(),
            timeline,
            assignments: conversation.assignments,
        },
    }))
}
