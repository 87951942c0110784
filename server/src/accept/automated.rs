//! What an automation does about an event (R19): it finds or starts the conversation with the contact by their natural
//! keys, as an inbound message does, and writes into it, in one change of the relay, its message, where that comes from (R22),
//! and whom it assigns (R19). Those are told only if the automation says so (R14).
//!
//! A contact who is blocked or opted out is left alone, and so is one whom the text would reach with a hole in it: nothing is
//! written then, and the caller is told why.

use std::collections::BTreeMap;

use offdesk_core::{
    ids::{AutomationId, ConversationId, DocumentId, IntentId, MemberId, MessageId, WorkspaceId},
    model::{
        Action, AssignmentKey, Automation, Channel, Consent, Contact, Conversation, Directory, Kind, MessageKind,
        NewMessage, Origin,
        action::{ContactField, MAX_TEXT_BYTES},
        conversation::AssignmentReason,
    },
    policy::Access,
    template,
    time::Timestamp,
};
use rand::Rng;

use crate::{
    accept::{document_row, policies, relay_changes::author_as},
    store::{StoreError, Tx},
};

/// An automation's event, as far as it concerns one automation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automated {
    /// Where.
    pub workspace: WorkspaceId,
    /// Which automation.
    pub id: AutomationId,
    /// What it is.
    pub automation: Automation,
    /// The channel with our number.
    pub channel: Channel,
    /// Whom it concerns, in E.164.
    pub phone: String,
    /// Their name, for a contact that is new.
    pub name: Option<String>,
    /// Their e-mail address, for a contact that is new.
    pub email: Option<String>,
    /// What the event brings.
    pub data: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutomatedOutcome {
    /// The message was accepted.
    Sent {
        /// The conversation's document.
        document: DocumentId,
        /// The message.
        message: MessageId,
    },
    /// Nothing was written.
    LeftAlone {
        /// Why.
        because: String,
    },
}

/// Carries it out.
///
/// # Errors
/// As the store's.
pub fn automated(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    automated: &Automated,
) -> Result<AutomatedOutcome, StoreError> {
    let policies = policies(tx, automated.workspace)?;
    let known = match tx.contact_of_phone(automated.workspace, &automated.phone)? {
        Some(id) => Contact::read(id, tx.load(id, Kind::Contact)?),
        None => None,
    };
    let existing = match &known {
        Some(contact) => tx.conversation_of_key(automated.workspace, &automated.channel, contact.id)?,
        None => None,
    };
    let peer = match existing {
        Some(document) => document_row(&tx.reading(), document)?.and_then(|row| row.peer),
        None => None,
    };
    if let Some(because) = known.as_ref().and_then(|contact| unwelcome(contact, peer.as_deref())) {
        return Ok(AutomatedOutcome::LeftAlone { because });
    }
    let text = match text(automated, known.as_ref(), &policies.directory, &policies.settings.name) {
        Ok(text) => text,
        Err(because) => return Ok(AutomatedOutcome::LeftAlone { because }),
    };
    let owner = known.as_ref().and_then(|contact| contact.owner);
    let contact = match known {
        Some(contact) => contact.id,
        None => new_contact(tx, now, rng, automated)?,
    };
    let message = IntentId::generate(now, rng);
    let mut actions = Vec::new();
    let (document, before) = match existing {
        Some(document) => (document, tx.conversation(document)?),
        None => {
            let document = DocumentId::generate(now, rng);
            let seq = tx.next_seq(automated.workspace)?;
            tx.create_document(automated.workspace, document, Kind::Conversation, seq)?;
            let (conversation, channel) = (ConversationId::generate(now, rng), automated.channel.clone());
            actions.push(Action::OpenConversation { conversation, contact, channel });
            (document, None)
        }
    };
    let said = said(automated, before.as_deref(), message, text, now);
    let assigned = assigned(&automated.automation, owner, before.as_deref(), &policies.directory, message, now);
    actions.extend(said.into_iter().chain(assigned));
    let tells = automated.automation.alert.then_some(automated.id);
    author_as(tx, now, automated.workspace, document, message, &actions, tells)?;
    Ok(AutomatedOutcome::Sent { document, message })
}

fn unwelcome(contact: &Contact, peer: Option<&str>) -> Option<String> {
    if contact.reach.blocked {
        return Some("the contact is blocked".into());
    }
    let to = peer.or(contact.phones.first().map(String::as_str))?;
    (contact.reach.consent.get(to) == Some(&Consent::Revoked)).then(|| format!("{to} opted out"))
}

/// What it says to this contact, or why nothing can be said.
fn text(
    automated: &Automated,
    contact: Option<&Contact>,
    directory: &Directory,
    workspace: &str,
) -> Result<String, String> {
    let mut values = BTreeMap::from([
        ("contact.phone".to_owned(), automated.phone.clone()),
        ("workspace.name".to_owned(), workspace.to_owned()),
    ]);
    let name = contact.map(|contact| contact.name.as_str()).filter(|name| !name.is_empty());
    template::name_values(&mut values, "contact", name.or(automated.name.as_deref()).unwrap_or_default());
    let email = contact.and_then(|contact| contact.email.clone()).or(automated.email.clone());
    values.insert("contact.email".into(), email.unwrap_or_default());
    if let Some(owner) = contact.and_then(|contact| contact.owner) {
        template::name_values(&mut values, "owner", directory.name_of(owner));
    }
    values.extend(automated.data.iter().map(|(name, value)| (format!("data.{name}"), value.clone())));
    let expanded = template::expand(&automated.automation.template, template::AUTOMATION, &values)
        .map_err(|error| error.to_string())?;
    let holes: Vec<String> = expanded.missing.into_iter().chain(expanded.unknown).collect();
    if !holes.is_empty() {
        return Err(format!("no value for {}", holes.join(", ")));
    }
    match expanded.text.len() {
        0 => Err("the text is empty".into()),
        bytes if bytes > MAX_TEXT_BYTES => {
            Err(format!("the text has {bytes} bytes; at most {MAX_TEXT_BYTES} can be sent"))
        }
        _ => Ok(expanded.text),
    }
}

fn new_contact(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    automated: &Automated,
) -> Result<DocumentId, StoreError> {
    let fields = [(ContactField::Name, &automated.name), (ContactField::Email, &automated.email)];
    let fields = fields
        .into_iter()
        .filter_map(|(field, value)| value.clone().map(|value| Action::SetContactField { field, value: Some(value) }));
    let actions: Vec<Action> = fields.chain([Action::AddPhone { phone: automated.phone.clone() }]).collect();
    let document = DocumentId::generate(now, rng);
    let seq = tx.next_seq(automated.workspace)?;
    tx.create_document(automated.workspace, document, Kind::Contact, seq)?;
    author_as(tx, now, automated.workspace, document, IntentId::generate(now, rng), &actions, None)?;
    Ok(document)
}

/// The message, where it comes from, and what its event says of that.
fn said(
    automated: &Automated,
    before: Option<&Conversation>,
    message: MessageId,
    text: String,
    now: Timestamp,
) -> Vec<Action> {
    let origin = automated.automation.origin;
    let mut actions = vec![Action::AddOrigin { origin, at: now }];
    let family = match origin {
        Origin::Campaign => Some("campaign"),
        Origin::CartRecovery => Some("cart"),
        Origin::Direct => None,
    };
    for (name, value) in family
        .into_iter()
        .flat_map(|family| automated.data.iter().map(move |data| (family, data)))
        .map(|(family, (name, value))| (format!("{family}.{name}"), value))
    {
        if before.and_then(|before| before.sorting.details.get(&name)) != Some(value) {
            actions.push(Action::SetDetail { name, value: Some(value.clone()) });
        }
    }
    let new = NewMessage::new(MessageKind::Outbound, None, text, now);
    actions.push(Action::AddMessage { id: message, message: new });
    actions
}

/// The automation's members and the record owner, as it says; but nobody who can't be assigned (R8), and nobody whom it, or
/// another automation, has assigned before.
fn assigned(
    automation: &Automation,
    owner: Option<MemberId>,
    before: Option<&Conversation>,
    directory: &Directory,
    intent: IntentId,
    now: Timestamp,
) -> Vec<Action> {
    let mut members = automation.members.clone();
    members.extend(owner.filter(|_| automation.record_owner));
    let eligible = |member: &MemberId| Access::of(directory, *member).is_some_and(|access| access.assignable());
    let has = |member: &MemberId| {
        let automated =
            |assignment: &offdesk_core::model::Assignment| assignment.reason == AssignmentReason::Automation;
        before.is_some_and(|before| before.assignments_of(*member).any(automated))
    };
    let new = members.into_iter().filter(|member| eligible(member) && !has(member));
    let assign = |member| Action::Assign {
        key: AssignmentKey { member, intent },
        by: None,
        reason: AssignmentReason::Automation,
        at: now,
    };
    new.map(assign).collect()
}
