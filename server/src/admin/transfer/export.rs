//! Writes a workspace, one document at a time, from one snapshot of the database.

use std::io::Write;

use offdesk_core::{
    ids::{DocumentId, MemberId, WorkspaceId},
    model::{Contact, Conversation, Kind},
    protocol::{Fact, FactBody, RegisterContent, RegisterKey},
};
use rusqlite::params;

use super::{
    Tally,
    record::{ConversationRecord, EventRecord, MarkRecord, MessageRecord, Record, WorkspaceRecord},
};
use crate::{
    accept,
    admin::{AdminError, set_up::Listed},
    store::{Policies, ReadTx, StoreError},
};

/// Writes a workspace as lines of JSON.
///
/// # Errors
/// [`AdminError::Transfer`] if it can't be written.
pub fn export(tx: &ReadTx<'_>, workspace: WorkspaceId, to: &mut dyn Write) -> Result<Tally, AdminError> {
    let mut lines = Lines { to, tally: Tally::new() };
    let policies = accept::read_policies(tx, workspace)?;
    set_up(&mut lines, workspace, policies)?;
    for id in documents(tx, workspace, Kind::Contact)? {
        let id = id?;
        if let Some(contact) = Contact::read(id, &accept::read_document(tx, id, Kind::Contact)?) {
            lines.write(&Record::Contact(contact))?;
            past(tx, &mut lines, id, None)?;
        }
    }
    for id in documents(tx, workspace, Kind::Conversation)? {
        let id = id?;
        if let Some(conversation) = Conversation::read(&accept::read_document(tx, id, Kind::Conversation)?) {
            let peer = accept::document_row(tx, id)?.and_then(|row| row.peer);
            lines.write(&Record::Conversation(described(id, &conversation, peer)))?;
            past(tx, &mut lines, id, Some(&conversation))?;
        }
    }
    marks(tx, &mut lines, workspace)?;
    lines.to.flush().map_err(AdminError::Transfer)?;
    Ok(lines.tally)
}

struct Lines<'a> {
    to: &'a mut dyn Write,
    tally: Tally,
}

impl Lines<'_> {
    fn write(&mut self, record: &Record) -> Result<(), AdminError> {
        serde_json::to_writer(&mut self.to, record).map_err(|error| AdminError::Transfer(error.into()))?;
        self.to.write_all(b"\n").map_err(AdminError::Transfer)?;
        *self.tally.entry(record.kind()).or_default() += 1;
        Ok(())
    }
}

fn set_up(lines: &mut Lines<'_>, workspace: WorkspaceId, policies: Policies) -> Result<(), AdminError> {
    let Policies { directory, settings } = policies;
    lines.write(&Record::Workspace(WorkspaceRecord {
        id: workspace,
        name: settings.name,
        region: settings.region,
        numbers: settings.numbers,
        stale_after: settings.stale_after,
        held_author_only: settings.held_author_only,
        lease: settings.lease,
        reply_within: settings.reply_within,
    }))?;
    let roles = directory.roles.into_values().map(Record::Role);
    let members = directory.members.into_values().map(Record::Member);
    let hours = settings.hours.into_iter().map(|(id, thing)| Record::Hours(Listed { id, thing }));
    let queues = settings.queues.into_iter().map(|(id, thing)| Record::Queue(Listed { id, thing }));
    let canned = settings.canned.into_iter().map(|(id, thing)| Record::Canned(Listed { id, thing }));
    let engagements = settings.engagements.into_iter().map(|(id, thing)| Record::Engagement(Listed { id, thing }));
    let automations = settings.automations.into_iter().map(|(id, thing)| Record::Automation(Listed { id, thing }));
    let all = roles.chain(members).chain(hours).chain(queues).chain(canned).chain(engagements).chain(automations);
    all.into_iter().try_for_each(|record| lines.write(&record))
}

/// The documents of a kind, by id. Their ids alone are held: 16 bytes each.
fn documents(
    tx: &ReadTx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
) -> Result<impl Iterator<Item = Result<DocumentId, StoreError>> + use<>, StoreError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT id FROM documents WHERE workspace = ?1 AND kind = ?2 AND moved_to IS NULL ORDER BY id",
    )?;
    let ids = statement
        .query_map(params![workspace.as_bytes(), kind.code()], |row| row.get::<_, [u8; 16]>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(ids.into_iter().map(|id| Ok(DocumentId(id))))
}

fn described(document: DocumentId, conversation: &Conversation, peer: Option<String>) -> ConversationRecord {
    let sorting = conversation.sorting.clone();
    ConversationRecord {
        document,
        id: conversation.id,
        contact: conversation.contact,
        channel: conversation.channel.to_string(),
        peer,
        origins: conversation.origins.clone(),
        tags: conversation.tags.clone(),
        priority: sorting.priority,
        queue: sorting.queue,
        details: sorting.details,
        assignments: conversation.assignments.clone(),
        closings: conversation.closings.clone(),
        reopenings: conversation.reopenings.clone(),
        decisions: conversation.decisions.clone(),
        snoozes: sorting.snoozes,
        wakings: sorting.wakings,
    }
}

/// What was said and done in a document, in the relay's order.
fn past(
    tx: &ReadTx<'_>,
    lines: &mut Lines<'_>,
    document: DocumentId,
    conversation: Option<&Conversation>,
) -> Result<(), AdminError> {
    let order = |fact: &Fact| match &fact.body {
        FactBody::Message(message) => message.order,
        FactBody::Event(event) => event.order,
        FactBody::Alert(_) => 0,
    };
    let mut facts = tx.facts(document, 0, None)?;
    // Of one change its message comes before what it did beside: in the order of their ids' kinds, which never varies.
    facts.sort_by_key(|fact| (order(fact), matches!(fact.body, FactBody::Event(_))));
    for fact in facts {
        match fact.body {
            FactBody::Message(fact) => {
                let Some(message) = conversation.and_then(|conversation| conversation.messages.get(&fact.id)) else {
                    continue;
                };
                lines.write(&Record::Message(MessageRecord {
                    document,
                    id: fact.id,
                    way: message.kind,
                    by: message.by,
                    text: message.text.clone(),
                    at: fact.at,
                    written: (message.at != fact.at).then_some(message.at),
                    delivery: fact.delivery,
                    mentions: message.mentions.clone(),
                    later: message.later,
                }))?;
            }
            FactBody::Event(event) => {
                let (id, at, by, what) = (event.id, event.at, event.by, event.what);
                lines.write(&Record::Event(EventRecord { document, id, at, by, what }))?;
            }
            // Whom to tell of what comes is the other relay's to say.
            FactBody::Alert(_) => {}
        }
    }
    Ok(())
}

fn marks(tx: &ReadTx<'_>, lines: &mut Lines<'_>, workspace: WorkspaceId) -> Result<(), AdminError> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT members.id, registers.key, registers.content FROM members JOIN registers ON registers.member = members.id
         WHERE members.workspace = ?1 ORDER BY members.id, registers.key",
    )?;
    let mut rows = statement.query([workspace.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let member = MemberId(row.get(0)?);
        let key: RegisterKey = accept::unpack(&row.get::<_, Vec<u8>>(1)?, "register key")?;
        let value: RegisterContent = accept::unpack(&row.get::<_, Vec<u8>>(2)?, "register")?;
        let mark = match (key, value) {
            // Alerts stay here, and so does what was dismissed of them.
            (RegisterKey::Dismissed(_), _) => continue,
            (RegisterKey::ReadMark(document), RegisterContent::Order(read)) => {
                // Orders are of this relay: the other one needs the message.
                let Some(read_to) = last_read(tx, document, read)? else { continue };
                MarkRecord { member, key, read_to: Some(read_to), value: None }
            }
            (key, value) => MarkRecord { member, key, read_to: None, value: Some(value) },
        };
        lines.write(&Record::Mark(mark))?;
    }
    Ok(())
}

fn last_read(
    tx: &ReadTx<'_>,
    document: DocumentId,
    read: u64,
) -> Result<Option<offdesk_core::ids::MessageId>, StoreError> {
    let facts = tx.facts(document, 0, None)?;
    let messages = facts.iter().filter_map(|fact| match &fact.body {
        FactBody::Message(message) if message.order <= read => Some((message.order, message.id)),
        _ => None,
    });
    Ok(messages.max().map(|(_, id)| id))
}
