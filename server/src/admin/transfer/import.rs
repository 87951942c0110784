//! Reads a workspace, a few hundred lines in each transaction.
//!
//! Every record has an id: one that is here already is passed over, so that an import that was interrupted is simply begun
//! again, and further records can be added later. Nothing imported is ever sent to customers: it does not enter the ledger, and
//! what had not left where it comes from is marked unknown here.

use offdesk_core::{
    ids::{DocumentId, WorkspaceId},
    model::{
        Action, Channel, Contact, Kind, MessageKind, NewMessage, Settings,
        action::{ContactField, MAX_TEXT_BYTES},
    },
    phone,
    policy::set_up::check_form,
    protocol::{Delivery, FactKey, MessageFact, RegisterContent, RegisterKey},
};
use rusqlite::{OptionalExtension, params};

use super::{
    Tally,
    record::{ConversationRecord, EventRecord, MarkRecord, MessageRecord, Record, WorkspaceRecord},
};
use crate::{
    accept::{self, Past},
    admin::{Actor, AdminError, audit, workspace},
    store::{StoreError, Tx},
};

/// How many lines one transaction takes: enough that committing costs little, few enough that a relay that runs beside
/// waits for a moment only.
pub const LINES_AT_ONCE: usize = 500;
/// How many messages one change holds at most, and how many bytes of text.
const MESSAGES_AT_ONCE: usize = 100;
const BYTES_AT_ONCE: usize = 32 * 1024;

/// An import under way.
#[derive(Debug, Default)]
pub struct Importer {
    /// Into which workspace; that of the first line, if it says so.
    workspace: Option<WorkspaceId>,
    /// How many lines were read.
    line: u64,
    added: Tally,
    known: u64,
    /// What was said and done in one document, to be written at once.
    past: Vec<Past>,
    of: Option<(DocumentId, Kind)>,
    bytes: usize,
}

impl Importer {
    /// An import into a workspace that is there, or into that of the file.
    pub fn new(into: Option<WorkspaceId>) -> Self {
        Self { workspace: into, ..Self::default() }
    }

    /// What was added, by kind, and how many records were here already.
    pub fn tally(&self) -> (&Tally, u64) {
        (&self.added, self.known)
    }

    /// The workspace, once known.
    pub fn workspace(&self) -> Option<WorkspaceId> {
        self.workspace
    }

    /// Takes some lines, in one transaction.
    ///
    /// # Errors
    /// [`AdminError::Line`], saying which line and why; nothing of these lines is then kept.
    pub fn take(&mut self, tx: &mut Tx<'_>, actor: &mut Actor<'_>, lines: &[String]) -> Result<(), AdminError> {
        for line in lines {
            self.line += 1;
            if line.trim().is_empty() {
                continue;
            }
            let result = serde_json::from_str::<Record>(line)
                .map_err(|error| AdminError::Name(error.to_string()))
                .and_then(|record| self.record(tx, actor, record));
            result.map_err(|error| self.at_line(error))?;
        }
        self.flush(tx, actor).map_err(|error| self.at_line(error))
    }

    fn at_line(&self, error: AdminError) -> AdminError {
        match error {
            AdminError::Store(error) => AdminError::Store(error),
            error => AdminError::Line { line: self.line, why: error.to_string() },
        }
    }

    fn record(&mut self, tx: &mut Tx<'_>, actor: &mut Actor<'_>, record: Record) -> Result<(), AdminError> {
        let kind = record.kind();
        if let Record::Workspace(workspace) = record {
            let new = self.workspace_of(tx, actor, &workspace)?;
            return self.count(kind, new);
        }
        let workspace = self.workspace.ok_or_else(|| {
            AdminError::Name("the first line names no workspace; say into which one (`--workspace`)".into())
        })?;
        let new = match record {
            Record::Workspace(_) => false,
            Record::Role(role) => directory(tx, actor, workspace, &role.actions())?,
            Record::Member(member) => directory(tx, actor, workspace, &member.actions())?,
            Record::Hours(hours) => settings(tx, actor, workspace, &hours.thing.actions(hours.id))?,
            Record::Queue(queue) => settings(tx, actor, workspace, &queue.thing.actions(queue.id))?,
            Record::Canned(canned) => settings(tx, actor, workspace, &canned.thing.actions(canned.id))?,
            Record::Engagement(one) => settings(tx, actor, workspace, &one.thing.actions(one.id))?,
            Record::Automation(one) => settings(tx, actor, workspace, &one.thing.actions(one.id))?,
            Record::Contact(contact) => {
                self.flush(tx, actor)?;
                add_contact(tx, actor, workspace, &contact)?
            }
            Record::Conversation(conversation) => {
                self.flush(tx, actor)?;
                add_conversation(tx, actor, workspace, conversation)?
            }
            Record::Message(message) => self.message(tx, actor, workspace, message)?,
            Record::Event(event) => self.event(tx, actor, workspace, event)?,
            Record::Mark(mark) => {
                self.flush(tx, actor)?;
                add_mark(tx, workspace, mark)?
            }
        };
        self.count(kind, new)
    }

    fn count(&mut self, kind: &'static str, new: bool) -> Result<(), AdminError> {
        if new {
            *self.added.entry(kind).or_default() += 1;
        } else {
            self.known += 1;
        }
        Ok(())
    }

    fn workspace_of(
        &mut self,
        tx: &mut Tx<'_>,
        actor: &mut Actor<'_>,
        record: &WorkspaceRecord,
    ) -> Result<bool, AdminError> {
        if let Some(into) = self.workspace.filter(|into| *into != record.id) {
            return Err(AdminError::Name(format!("the file is of workspace {}, not of {into}", record.id)));
        }
        self.workspace = Some(record.id);
        let listed = workspace::list(&tx.reading())?;
        if listed.iter().any(|listed| listed.id == record.id) {
            return Ok(false);
        }
        if listed.iter().any(|listed| listed.name.eq_ignore_ascii_case(&record.name)) {
            return Err(AdminError::Name(format!("another workspace is called '{}': rename it first", record.name)));
        }
        let region = workspace::check_region(&record.region)?;
        let numbers = workspace::check_numbers(&tx.reading(), &record.numbers, &region, None)?;
        let settings = Settings {
            name: record.name.clone(),
            region,
            numbers,
            stale_after: record.stale_after,
            held_author_only: record.held_author_only,
            lease: record.lease,
            reply_within: record.reply_within,
            ..Settings::default()
        };
        accept::create_workspace_as(tx, actor.now, actor.rng, record.id, &settings)?;
        let act = format!("imported workspace '{}'", record.name);
        audit::record(tx, actor.now, Some(record.id), actor.who, &act)?;
        Ok(true)
    }

    fn message(
        &mut self,
        tx: &mut Tx<'_>,
        actor: &mut Actor<'_>,
        workspace: WorkspaceId,
        record: MessageRecord,
    ) -> Result<bool, AdminError> {
        self.go_to(tx, actor, workspace, record.document, &[Kind::Conversation])?;
        if record.text.is_empty() || record.text.len() > MAX_TEXT_BYTES {
            return Err(AdminError::Name(format!("a message has 1 to {MAX_TEXT_BYTES} bytes of text")));
        }
        if self.is_known(tx, record.document, FactKey::Message(record.id))? {
            return Ok(false);
        }
        let delivery = match (record.way, record.delivery) {
            (MessageKind::Inbound, _) => Delivery::Received,
            (MessageKind::Note, _) => Delivery::Internal,
            // Whether it left there, nobody here can tell; from here it never will.
            (MessageKind::Outbound, Delivery::Accepted | Delivery::Held(_) | Delivery::Scheduled { .. }) => {
                Delivery::Unknown
            }
            (MessageKind::Outbound, Delivery::Newer | Delivery::Received | Delivery::Internal) => Delivery::Unknown,
            (MessageKind::Outbound, delivery) => delivery,
        };
        let mut new = NewMessage::new(record.way, record.by, record.text, record.written.unwrap_or(record.at));
        (new.mentions, new.later) = (record.mentions, record.later);
        self.bytes += new.text.len();
        self.past.push(Past::Message { id: record.id, new, at: record.at, delivery });
        self.flush_if_full(tx, actor)?;
        Ok(true)
    }

    fn event(
        &mut self,
        tx: &mut Tx<'_>,
        actor: &mut Actor<'_>,
        workspace: WorkspaceId,
        record: EventRecord,
    ) -> Result<bool, AdminError> {
        self.go_to(tx, actor, workspace, record.document, &[Kind::Conversation, Kind::Contact])?;
        if self.is_known(tx, record.document, FactKey::Event(record.id))? {
            return Ok(false);
        }
        self.past.push(Past::Event { id: record.id, at: record.at, by: record.by, what: record.what });
        self.flush_if_full(tx, actor)?;
        Ok(true)
    }

    /// Whether something of this id is in the document already, or is about to be.
    fn is_known(&self, tx: &Tx<'_>, document: DocumentId, key: FactKey) -> Result<bool, AdminError> {
        let waits = self.past.iter().any(|past| match (past, key) {
            (Past::Message { id, .. }, FactKey::Message(other)) => *id == other,
            (Past::Event { id, .. }, FactKey::Event(other)) => *id == other,
            _ => false,
        });
        Ok(waits
            || tx
                .connection()
                .prepare_cached("SELECT 1 FROM facts WHERE document = ?1 AND key = ?2")?
                .exists(params![document.as_bytes(), accept::pack(&key)?])
                .map_err(StoreError::from)?)
    }

    /// What follows is of this document.
    fn go_to(
        &mut self,
        tx: &mut Tx<'_>,
        actor: &mut Actor<'_>,
        workspace: WorkspaceId,
        document: DocumentId,
        kinds: &[Kind],
    ) -> Result<(), AdminError> {
        if self.of.is_some_and(|(of, kind)| of == document && kinds.contains(&kind)) {
            return Ok(());
        }
        self.flush(tx, actor)?;
        let row = accept::document_row(&tx.reading(), document)?;
        let row = row.filter(|row| row.workspace == workspace && kinds.contains(&row.kind));
        let row = row.ok_or_else(|| AdminError::Name(format!("there is no document {document} here before it")))?;
        self.of = Some((document, row.kind));
        Ok(())
    }

    fn flush_if_full(&mut self, tx: &mut Tx<'_>, actor: &mut Actor<'_>) -> Result<(), AdminError> {
        let full = self.past.len() >= MESSAGES_AT_ONCE || self.bytes >= BYTES_AT_ONCE;
        if full { self.write(tx, actor) } else { Ok(()) }
    }

    fn flush(&mut self, tx: &mut Tx<'_>, actor: &mut Actor<'_>) -> Result<(), AdminError> {
        self.write(tx, actor)?;
        self.of = None;
        Ok(())
    }

    fn write(&mut self, tx: &mut Tx<'_>, actor: &mut Actor<'_>) -> Result<(), AdminError> {
        let past = std::mem::take(&mut self.past);
        self.bytes = 0;
        if let (Some(of), Some(workspace), false) = (self.of, self.workspace, past.is_empty()) {
            accept::import_past(tx, actor.now, actor.rng, workspace, of, &past)?;
        }
        Ok(())
    }
}

/// Writes a part of the directory, unless something of that id is there.
fn directory(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    actions: &[Action],
) -> Result<bool, AdminError> {
    let (directory, _) = accept::registers_of(&tx.reading(), workspace)?;
    registers(tx, actor, workspace, (directory, Kind::Directory), actions)
}

fn settings(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    actions: &[Action],
) -> Result<bool, AdminError> {
    let (_, settings) = accept::registers_of(&tx.reading(), workspace)?;
    registers(tx, actor, workspace, (settings, Kind::Settings), actions)
}

fn registers(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    (document, kind): (DocumentId, Kind),
    actions: &[Action],
) -> Result<bool, AdminError> {
    check_form(actions).map_err(AdminError::Setting)?;
    let held = tx.load(document, kind)?;
    let there = actions.iter().any(|action| match action {
        Action::SetRegister { map, key, .. } => held.register(*map, key).is_some(),
        _ => false,
    });
    if !there {
        accept::author(tx, actor.now, actor.rng, workspace, document, actions)?;
    }
    Ok(!there)
}

fn add_contact(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    contact: &Contact,
) -> Result<bool, AdminError> {
    if is_there(tx, workspace, contact.id, Kind::Contact)? {
        return Ok(false);
    }
    for phone in &contact.phones {
        if !phone::is_e164(phone) {
            return Err(AdminError::Name(format!("'{phone}' is not a phone in E.164, such as +14155550123")));
        }
        if let Some(other) = tx.contact_of_phone(workspace, phone)? {
            return Err(AdminError::Name(format!("contact {other} has the phone {phone}")));
        }
    }
    let field = |field, value: Option<String>| {
        value.filter(|value| !value.is_empty()).map(|value| Action::SetContactField { field, value: Some(value) })
    };
    let fields = [
        field(ContactField::Name, Some(contact.name.clone())),
        field(ContactField::Email, contact.email.clone()),
        field(ContactField::Owner, contact.owner.map(|owner| owner.to_string())),
    ];
    let mut actions: Vec<Action> = fields.into_iter().flatten().collect();
    actions.extend(contact.phones.iter().map(|phone| Action::AddPhone { phone: phone.clone() }));
    actions.extend(contact.shared_with.iter().map(|member| Action::ShareContact { member: *member }));
    let consent = contact.reach.consent.iter();
    actions
        .extend(consent.map(|(phone, consent)| Action::SetConsent { phone: phone.clone(), consent: Some(*consent) }));
    actions.extend(contact.reach.blocked.then_some(Action::SetBlocked { blocked: true }));
    let custom = contact.custom.iter();
    actions
        .extend(custom.map(|(name, value)| Action::SetCustomField { name: name.clone(), value: Some(value.clone()) }));
    accept::import_contact(tx, actor.now, actor.rng, workspace, contact, &actions)?;
    Ok(true)
}

/// Whether a document is here; an error if its id is something else's.
fn is_there(tx: &Tx<'_>, workspace: WorkspaceId, document: DocumentId, kind: Kind) -> Result<bool, AdminError> {
    match accept::document_row(&tx.reading(), document)? {
        None => Ok(false),
        Some(row) if row.workspace == workspace && row.kind == kind => Ok(true),
        Some(_) => Err(AdminError::Name(format!("the id {document} is taken by something else"))),
    }
}

fn add_conversation(
    tx: &mut Tx<'_>,
    actor: &mut Actor<'_>,
    workspace: WorkspaceId,
    record: ConversationRecord,
) -> Result<bool, AdminError> {
    if is_there(tx, workspace, record.document, Kind::Conversation)? {
        return Ok(false);
    }
    let wrong = |why: String| AdminError::Name(why);
    let channel: Channel = record
        .channel
        .parse()
        .map_err(|_| wrong(format!("'{}' is no channel, such as sms:+14155550100", record.channel)))?;
    if !is_there(tx, workspace, record.contact, Kind::Contact)? {
        return Err(wrong(format!("there is no contact {} here before it", record.contact)));
    }
    if let Some(other) = tx.conversation_of_key(workspace, &channel, record.contact)? {
        return Err(wrong(format!("{other} is the conversation with this contact over {channel}")));
    }
    let taken: Option<i64> = tx
        .connection()
        .query_row("SELECT 1 FROM documents WHERE conversation = ?1", [record.id.as_bytes()], |row| row.get(0))
        .optional()?;
    if taken.is_some() {
        return Err(wrong(format!("the id {} is taken by another conversation", record.id)));
    }
    let ConversationRecord { document, contact, peer, .. } = record.clone();
    let actions = actions(record, channel.clone());
    let key = (contact, &channel);
    accept::import_conversation(tx, actor.now, actor.rng, workspace, document, key, peer.as_deref(), &actions)?;
    Ok(true)
}

fn actions(record: ConversationRecord, channel: Channel) -> Vec<Action> {
    let mut actions = vec![Action::OpenConversation { conversation: record.id, contact: record.contact, channel }];
    actions.extend(record.origins.into_iter().map(|(origin, at)| Action::AddOrigin { origin, at }));
    actions.extend(record.tags.into_iter().map(|tag| Action::AddTag { tag }));
    let plain = record.priority == offdesk_core::model::Priority::default();
    actions.extend((!plain).then_some(Action::SetPriority { priority: record.priority }));
    actions.extend(record.queue.map(|queue| Action::SetQueue { queue: Some(queue) }));
    let details = record.details.into_iter();
    actions.extend(details.map(|(name, value)| Action::SetDetail { name, value: Some(value) }));
    let assigned = record.assignments.into_iter();
    actions.extend(assigned.map(|one| Action::Assign { key: one.key, by: one.by, reason: one.reason, at: one.at }));
    let closings = record.closings.into_iter();
    actions.extend(closings.map(|one| Action::Close { id: one.id, by: one.by, at: one.at, seen: one.seen }));
    let reopenings = record.reopenings.into_iter();
    actions.extend(reopenings.map(|one| Action::Reopen { closing: one.closing, id: one.id, by: one.by, at: one.at }));
    let decisions = record.decisions.into_iter();
    actions.extend(decisions.map(|one| Action::DecideHeld {
        message: one.message,
        id: one.id,
        by: one.by,
        choice: one.choice,
    }));
    let snoozes = record.snoozes.into_iter();
    actions.extend(snoozes.map(|one| Action::Snooze {
        id: one.id,
        by: one.by,
        at: one.at,
        until: one.until,
        seen: one.seen,
    }));
    let wakings = record.wakings.into_iter();
    actions.extend(wakings.map(|one| Action::Wake { snooze: one.snooze, id: one.id, by: one.by, at: one.at }));
    actions
}

fn add_mark(tx: &mut Tx<'_>, workspace: WorkspaceId, record: MarkRecord) -> Result<bool, AdminError> {
    if !accept::policies(tx, workspace)?.directory.members.contains_key(&record.member) {
        return Err(AdminError::Name(format!("there is no member {} here before it", record.member)));
    }
    let content = match (record.key, record.read_to, record.value) {
        (RegisterKey::ReadMark(document), Some(message), _) => {
            let fact: Option<MessageFact> = tx.reading().message_fact(document, message)?;
            let fact = fact.ok_or_else(|| AdminError::Name(format!("there is no message {message} here before it")))?;
            RegisterContent::Order(fact.order)
        }
        (_, _, Some(value)) => value,
        (_, _, None) => return Err(AdminError::Name("a mark holds a value".into())),
    };
    if let Some(document) = record.key.document()
        && !is_there(tx, workspace, document, Kind::Conversation)?
    {
        return Err(AdminError::Name(format!("there is no conversation {document} here before it")));
    }
    let key = accept::pack(&record.key)?;
    let known = tx
        .connection()
        .prepare_cached("SELECT 1 FROM registers WHERE member = ?1 AND key = ?2")?
        .exists(params![record.member.as_bytes(), key])?;
    if !known {
        let seq = tx.next_seq(workspace)?;
        tx.connection()
            .prepare_cached("INSERT INTO registers (member, key, seq, content) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![record.member.as_bytes(), key, seq, accept::pack(&content)?])?;
    }
    Ok(!known)
}
