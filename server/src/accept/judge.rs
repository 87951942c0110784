//! Steps 1 to 6 for one change. It reads only: what it lets through is applied by its caller.

use std::collections::{BTreeMap, BTreeSet};

use automerge::Change;
use offdesk_core::{
    ids::{DeviceId, DocumentId, MemberId, MessageId},
    model::{
        Action, Consent, Contact, Directory, Document, Kind, MessageKind, Refusal, RefusalCode, Settings, decode,
        document, genesis, inspect,
    },
    policy::{
        Access, After, ConversationFacts, judge_contact, judge_conversation, judge_registers, set_up::looks_like_a_zone,
    },
    protocol::{PushedIntent, Seq, Verdict},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{DocumentRow, Pusher, document_row, id, policies, unpack},
    store::{StoreError, Tx},
};

/// The most branches of a document. A change names every branch that it joins and may name 256 dependencies: with more
/// branches nobody could write any more.
const MAX_HEADS: usize = 128;

/// A change that passed.
pub(super) struct Passed {
    pub(super) change: Change,
    pub(super) actions: Vec<Action>,
    /// Whether the document comes into being with it.
    pub(super) creates: bool,
}

/// A change that didn't, or needs nothing done.
pub(super) enum Stopped {
    Verdict(Verdict),
    Failed(StoreError),
}

impl<E: Into<StoreError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Stopped::Failed(error.into())
    }
}

fn refuse<T>(code: RefusalCode, path: &str, reason: &str) -> Result<T, Stopped> {
    Err(refused(Refusal::new(code, path, reason)))
}

fn refused(refusal: Refusal) -> Stopped {
    Stopped::Verdict(Verdict::Rejected(refusal))
}

/// What a group has found out so far.
#[derive(Default)]
pub(super) struct GroupState {
    /// Documents that stand for others by their natural keys: (from, to).
    pub(super) resolved: Vec<(DocumentId, DocumentId)>,
    /// Documents that this group created.
    pub(super) created: BTreeSet<DocumentId>,
    /// Documents that it wrote in.
    pub(super) written: BTreeSet<(DocumentId, Kind)>,
}

impl GroupState {
    fn resolve(&self, document: DocumentId) -> DocumentId {
        self.resolved.iter().find(|(from, _)| *from == document).map_or(document, |(_, to)| *to)
    }
}

pub(super) fn judge(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    intent: &PushedIntent,
    group: &GroupState,
) -> Result<Passed, Stopped> {
    if intent.change.is_empty() {
        // A question: was it accepted? Its author may have lost sight of the document since.
        consumed(tx, pusher, intent)?;
        return Err(Stopped::Verdict(Verdict::MissingDeps(Vec::new())));
    }
    // 1. Bytes.
    inspect::inspect(&intent.change).map_err(refused)?;
    let change = document::parse_change(&intent.change)
        .map_err(|error| refused(Refusal::new(RefusalCode::Malformed, "change", &error.to_string())))?;
    if document::intent_of(&change) != Some(intent.id) {
        return refuse(RefusalCode::Malformed, "change", "the change doesn't carry its intent's id");
    }
    if !document::is_canonical(&change) {
        return refuse(RefusalCode::Malformed, "change", "the change is not encoded as Automerge encodes it");
    }
    // 2. Known?
    known(tx, pusher, intent, &change)?;
    let row = document_row(&tx.reading(), intent.document)?;
    let access = access(tx, pusher)?;
    if let Some(row) = &row {
        may_address(tx, pusher, &access, intent, row, group)?;
    } else if !matches!(intent.kind, Kind::Conversation | Kind::Contact) {
        return refuse(RefusalCode::WrongDocument, "document", "there is no such document");
    }
    if matches!(intent.kind, Kind::Directory | Kind::Settings) && !access.administrator {
        return refuse(RefusalCode::Forbidden, "settings", "only an Administrator may change this (R1)");
    }
    // 3. Dependencies.
    dependencies(tx, intent, &change, row.is_some())?;
    // 4. Actor, 5. Meaning.
    let creates = row.is_none();
    let fresh = creates.then(|| Document::new(intent.kind));
    actor(tx, pusher, intent, &change, fresh.as_ref())?;
    let actions = {
        let document = match &fresh {
            Some(fresh) => fresh,
            None => tx.load(intent.document, intent.kind)?,
        };
        // A panic of the decoder is a refusal like any other.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            decode::decode(document, &change, intent.id, Some(pusher.member))
        }))
        .unwrap_or_else(|_| Err(Refusal::new(RefusalCode::Malformed, "ops", "its operations can't be read")))
        .map_err(refused)?
    };
    // 6. Policy and natural keys.
    match intent.kind {
        Kind::Conversation => conversation(tx, now, pusher, &access, intent, &actions, creates, group)?,
        Kind::Contact => contact(tx, pusher, &access, intent, &change, &actions, creates, group)?,
        Kind::Directory | Kind::Settings => registers(tx, pusher, &access, intent, &change, &actions)?,
    }
    Ok(Passed { change, actions, creates })
}

/// The member's access now; nothing at all for one who was deactivated since the request began.
fn access(tx: &mut Tx<'_>, pusher: &Pusher) -> Result<Access, Stopped> {
    let policies = policies(tx, pusher.workspace)?;
    match Access::of(&policies.directory, pusher.member) {
        Some(access) => Ok(access),
        None => refuse(RefusalCode::Forbidden, "member", "your access has ended"),
    }
}

fn known(tx: &mut Tx<'_>, pusher: &Pusher, intent: &PushedIntent, change: &Change) -> Result<(), Stopped> {
    if let Some(verdict) = stored_verdict(tx, pusher.device, intent.document, &change.hash().0)? {
        return Err(Stopped::Verdict(verdict));
    }
    let accepted: Option<(Seq, Option<Vec<u8>>)> = tx
        .connection()
        .prepare_cached("SELECT seq, device FROM changes WHERE document = ?1 AND hash = ?2")?
        .query_row(params![intent.document.as_bytes(), change.hash().0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match accepted {
        Some((seq, device)) if device.as_deref() == Some(pusher.device.as_bytes()) => {
            return Err(Stopped::Verdict(Verdict::Accepted(seq)));
        }
        Some(_) => return refuse(RefusalCode::ForeignActor, "actor", "this change is another device's"),
        None => {}
    }
    consumed(tx, pusher, intent)
}

/// An intent counts once in a document. Its id is also the id of the message that it sends, so that nobody may take
/// another's anywhere.
fn consumed(tx: &Tx<'_>, pusher: &Pusher, intent: &PushedIntent) -> Result<(), Stopped> {
    let mut statement = tx.connection().prepare_cached(
        "SELECT intents.document, intents.seq, devices.member FROM intents
         JOIN changes ON changes.document = intents.document AND changes.seq = intents.seq
         LEFT JOIN devices ON devices.id = changes.device
         WHERE intents.intent = ?1",
    )?;
    let mut rows = statement.query([intent.id.as_bytes()])?;
    let mut duplicate = None;
    while let Some(row) = rows.next()? {
        let (document, seq, member): (Vec<u8>, Seq, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if member.as_deref() != Some(pusher.member.as_bytes()) {
            return refuse(RefusalCode::IntentReused, "intent", "this intent's id was used before");
        }
        if document == intent.document.as_bytes() {
            duplicate = Some(seq);
        }
    }
    duplicate.map_or(Ok(()), |seq| Err(Stopped::Verdict(Verdict::Duplicate(seq))))
}

/// The final verdict of a change, for its owner only.
pub(super) fn stored_verdict(
    tx: &Tx<'_>,
    device: DeviceId,
    document: DocumentId,
    hash: &[u8],
) -> Result<Option<Verdict>, StoreError> {
    let stored: Option<Vec<u8>> = tx
        .connection()
        .prepare_cached("SELECT verdict FROM verdicts WHERE document = ?1 AND hash = ?2 AND device = ?3")?
        .query_row(params![document.as_bytes(), hash, device.as_bytes()], |row| row.get(0))
        .optional()?;
    stored.map(|verdict| unpack(&verdict, "verdict")).transpose()
}

/// Whether the member may know that this document exists.
fn may_address(
    tx: &Tx<'_>,
    pusher: &Pusher,
    access: &Access,
    intent: &PushedIntent,
    row: &DocumentRow,
    group: &GroupState,
) -> Result<(), Stopped> {
    if row.workspace != pusher.workspace {
        return Err(Stopped::Verdict(Verdict::NeedsAccess));
    }
    if group.created.contains(&intent.document) {
        return Ok(());
    }
    if !tx.reading().visibility(access, intent.document, row)?.any() {
        return Err(Stopped::Verdict(Verdict::NeedsAccess));
    }
    if row.kind != intent.kind {
        return refuse(RefusalCode::WrongDocument, "document", "it is of another kind");
    }
    if let Some(to) = row.moved_to {
        return Err(Stopped::Verdict(Verdict::MovedTo(vec![(intent.document, to)])));
    }
    Ok(())
}

fn dependencies(tx: &Tx<'_>, intent: &PushedIntent, change: &Change, exists: bool) -> Result<(), Stopped> {
    let mut missing = Vec::new();
    for dep in change.deps() {
        let here =
            if exists { tx.holds(intent.document, intent.kind, dep)? } else { *dep == genesis::hash(intent.kind) };
        if here {
            continue;
        }
        let refused = tx
            .connection()
            .prepare_cached("SELECT 1 FROM verdicts WHERE document = ?1 AND hash = ?2")?
            .exists(params![intent.document.as_bytes(), dep.0])?;
        if refused {
            return Err(Stopped::Verdict(Verdict::BlockedBy(dep.0.into())));
        }
        missing.push(dep.0.into());
    }
    if change.deps().is_empty() {
        // Every document descends from its genesis: a second root would fork it.
        missing.push(genesis::hash(intent.kind).0.into());
    }
    if missing.is_empty() { Ok(()) } else { Err(Stopped::Verdict(Verdict::MissingDeps(missing))) }
}

/// A squatted or reused (actor, seq) would brick every replica.
fn actor(
    tx: &mut Tx<'_>,
    pusher: &Pusher,
    intent: &PushedIntent,
    change: &Change,
    fresh: Option<&Document>,
) -> Result<(), Stopped> {
    let actor = change.actor_id();
    if genesis::is_reserved(actor) {
        return refuse(RefusalCode::ForeignActor, "actor", "this actor is not a device's");
    }
    let bound: Option<(Option<Vec<u8>>, u64, Vec<u8>)> = tx
        .connection()
        .prepare_cached("SELECT device, seq, hash FROM actors WHERE document = ?1 AND actor = ?2")?
        .query_row(params![intent.document.as_bytes(), actor.to_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let document = match fresh {
        Some(fresh) => fresh,
        None => tx.load(intent.document, intent.kind)?,
    };
    match bound {
        None if change.seq() != 1 => return refuse(RefusalCode::ActorSequence, "seq", "an actor begins with 1"),
        None => {}
        Some((device, _, _)) if device.as_deref() != Some(pusher.device.as_bytes()) => {
            return refuse(RefusalCode::ForeignActor, "actor", "this actor is another device's");
        }
        Some((_, seq, _)) if change.seq() != seq + 1 => {
            return refuse(RefusalCode::ActorSequence, "seq", &format!("the actor's next is {}", seq + 1));
        }
        Some((_, _, hash)) => {
            let last = <[u8; 32]>::try_from(hash.as_slice()).map(automerge::ChangeHash);
            let follows = last.is_ok_and(|last| document.descends(change.deps(), &last));
            if !follows {
                return refuse(RefusalCode::ActorSequence, "deps", "a change follows its actor's last one");
            }
        }
    }
    if change.start_op().get() != document.start_op(change.deps()) {
        return refuse(RefusalCode::OperationCounter, "start_op", "the operation counter jumps or runs backwards");
    }
    let heads = document.heads();
    if heads.len() >= MAX_HEADS && !change.deps().iter().any(|dep| heads.contains(dep)) {
        // Run again on what is here now, it joins the branches instead of adding one.
        return Err(Stopped::Verdict(Verdict::MissingDeps(heads.iter().map(|head| head.0.into()).collect())));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one judgement of all that a conversation's change depends on")]
fn conversation(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    access: &Access,
    intent: &PushedIntent,
    actions: &[Action],
    creates: bool,
    group: &GroupState,
) -> Result<(), Stopped> {
    let policies = policies(tx, pusher.workspace)?;
    let held = held_in(tx, intent.document)?;
    if intent.seen.is_none() && sends(actions) {
        // Without it the stale-reply guard would be its author's to switch off.
        return refuse(RefusalCode::Malformed, "seen", "a reply says what its author had seen (R33)");
    }
    let before = if creates { None } else { tx.conversation(intent.document)? };
    let opens = actions.iter().find_map(|action| match action {
        Action::OpenConversation { contact, channel, .. } => Some((*contact, channel)),
        _ => None,
    });
    if opens.is_none() && before.is_none() {
        return refuse(RefusalCode::WrongDocument, "conversation", "it was never opened");
    }
    let facts = ConversationFacts {
        conversation: before.as_deref(),
        held,
        directory: &policies.directory,
        numbers: &policies.settings.numbers,
        queues: &policies.settings.queues,
        held_author_only: policies.settings.held_author_only,
        now,
    };
    judge_conversation(access, actions, &facts).map_err(refused)?;
    sends_once(tx, intent, actions)?;
    let Some((contact, channel)) = opens else { return Ok(()) };
    if taken_conversation(tx, actions)? {
        return refuse(RefusalCode::WrongDocument, "conversation", "this conversation's id is another one's");
    }
    let contact = group.resolve(contact);
    if !group.created.contains(&contact) {
        let row = document_row(&tx.reading(), contact)?;
        let Some(row) = row.filter(|row| row.workspace == pusher.workspace && row.kind == Kind::Contact) else {
            return refuse(RefusalCode::WrongDocument, "contact", "there is no such contact");
        };
        if !may_start_with(tx, access, contact, &row)? {
            return Err(Stopped::Verdict(Verdict::NeedsAccess));
        }
    }
    if let Some(existing) = tx.conversation_of_key(pusher.workspace, channel, contact)? {
        if group.created.contains(&existing) {
            return refuse(RefusalCode::WrongDocument, "conversation", "the group starts one conversation twice");
        }
        // R17: texting a number is no way into its history.
        let row = document_row(&tx.reading(), existing)?.ok_or(StoreError::Missing("conversation"))?;
        let may = access.writes() && tx.reading().visibility(access, existing, &row)?.any();
        return Err(Stopped::Verdict(if may {
            Verdict::Resolved(vec![(intent.document, existing)])
        } else {
            Verdict::NeedsAccess
        }));
    }
    Ok(())
}

fn sends(actions: &[Action]) -> bool {
    let outbound =
        |action: &Action| matches!(action, Action::AddMessage { message, .. } if message.kind == MessageKind::Outbound);
    actions.iter().any(outbound)
}

/// A message is dispatched by its id, which counts once, whatever the document (R32).
fn sends_once(tx: &Tx<'_>, intent: &PushedIntent, actions: &[Action]) -> Result<(), Stopped> {
    let sends = actions.iter().any(|action| matches!(action, Action::AddMessage { .. }));
    if sends
        && tx.connection().prepare_cached("SELECT 1 FROM ledger WHERE message = ?1")?.exists([intent.id.as_bytes()])?
    {
        return refuse(RefusalCode::IntentReused, "intent", "a message of this id was sent before");
    }
    Ok(())
}

/// Whether the conversation that the actions open has the id of another document's.
fn taken_conversation(tx: &Tx<'_>, actions: &[Action]) -> Result<bool, StoreError> {
    for action in actions {
        if let Action::OpenConversation { conversation, .. } = action
            && tx
                .connection()
                .prepare_cached("SELECT 1 FROM documents WHERE conversation = ?1")?
                .exists([conversation.as_bytes()])?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn may_start_with(tx: &Tx<'_>, access: &Access, contact: DocumentId, row: &DocumentRow) -> Result<bool, StoreError> {
    Ok(access.starts_with(tx.reading().visibility(access, contact, row)?.any()))
}

fn held_in(tx: &Tx<'_>, document: DocumentId) -> Result<BTreeMap<MessageId, (MemberId, Timestamp)>, StoreError> {
    let mut statement = tx
        .connection()
        .prepare_cached("SELECT message, author, coalesce(held_since, updated) FROM ledger WHERE document = ?1 AND (state = 'held' OR (state = 'queued' AND due IS NOT NULL)) AND author IS NOT NULL")?;
    let rows = statement
        .query_map([document.as_bytes()], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    rows.iter()
        .map(|(message, author, since)| {
            Ok((
                id(message, MessageId::from_slice, "message id")?,
                (id(author, MemberId::from_slice, "member id")?, Timestamp(*since)),
            ))
        })
        .collect()
}

#[allow(clippy::too_many_arguments, reason = "one judgement of all that a contact's change depends on")]
fn contact(
    tx: &mut Tx<'_>,
    pusher: &Pusher,
    access: &Access,
    intent: &PushedIntent,
    change: &Change,
    actions: &[Action],
    creates: bool,
    group: &GroupState,
) -> Result<(), Stopped> {
    let policies = policies(tx, pusher.workspace)?;
    let before = if creates { None } else { Contact::read(intent.document, tx.load(intent.document, Kind::Contact)?) };
    judge_contact(access, actions, before.as_ref(), &policies.directory).map_err(refused)?;
    // R34: who says that a phone may be written to must know what was said of it last: an opt-out is not overlooked.
    for action in actions {
        if let Action::SetConsent { phone, consent } = action
            && !creates
            && *consent != Some(Consent::Revoked)
            && !tx.load(intent.document, intent.kind)?.is_current("consent", phone, change.deps())
        {
            return refuse(RefusalCode::Stale, phone, "somebody changed this meanwhile: look at it and try again");
        }
    }
    let mut taken = BTreeSet::new();
    for action in actions {
        if let Action::AddPhone { phone } = action {
            taken.extend(tx.contact_of_phone(pusher.workspace, phone)?.filter(|owner| *owner != intent.document));
        }
    }
    let Some(existing) = taken.first().copied() else { return Ok(()) };
    if !creates || taken.len() > 1 || group.created.contains(&existing) {
        return refuse(RefusalCode::PhoneTaken, "phones", "another contact has this phone");
    }
    let row = document_row(&tx.reading(), existing)?.ok_or(StoreError::Missing("contact"))?;
    let may = may_start_with(tx, access, existing, &row)?;
    Err(Stopped::Verdict(if may { Verdict::Resolved(vec![(intent.document, existing)]) } else { Verdict::NeedsAccess }))
}

fn registers(
    tx: &mut Tx<'_>,
    pusher: &Pusher,
    access: &Access,
    intent: &PushedIntent,
    change: &Change,
    actions: &[Action],
) -> Result<(), Stopped> {
    let mut after = tx.load(intent.document, intent.kind)?.clone();
    // A concurrent offline edit must not give back what was taken: every key's present value must have been seen.
    for action in actions {
        if let Action::SetRegister { map, key, .. } = action
            && !after.is_current(map.name(), key, change.deps())
        {
            return refuse(RefusalCode::Stale, key, "somebody changed this meanwhile: look at it and try again");
        }
    }
    after
        .apply(vec![change.clone()])
        .map_err(|error| refused(Refusal::new(RefusalCode::Malformed, "change", &error.to_string())))?;
    let policies = policies(tx, pusher.workspace)?;
    let read;
    let (directory, settings) = if intent.kind == Kind::Directory {
        read = (Directory::read(&after), Settings::default());
        (&read.0, &policies.settings)
    } else {
        read = (Directory::default(), Settings::read(&after));
        (&policies.directory, &read.1)
    };
    judge_registers(access, actions, &After { directory, settings, known_zone: &is_zone }).map_err(refused)
}

/// Whether there is a time zone of this name.
pub(crate) fn is_zone(name: &str) -> bool {
    looks_like_a_zone(name) && jiff::tz::TimeZone::get(name).is_ok()
}
