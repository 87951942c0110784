//! An event, what it must be, and what is done about it.

use std::collections::BTreeMap;

use offdesk_core::{
    ids::{AutomationId, DocumentId, MessageId, WorkspaceId},
    model::{Automation, Channel, action::MAX_FIELD_BYTES, settings::automations::is_event},
    phone::{self, InvalidPhone},
    time::Timestamp,
};
use rand::Rng;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::{
    accept,
    automations::runs::{self, Brings, Occurrence},
    store::{StoreError, Tx},
};

/// The most data that one event brings.
const MAX_DATA: usize = 32;

/// Something happened in another system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its id there: a second one of the same changes nothing.
    pub id: String,
    /// What happened, such as `abandoned_checkout`.
    pub event: String,
    /// To whom.
    pub contact: EventContact,
    /// From which of our numbers to write; the first if it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What else there is to say, for the text and for the conversation's details: texts, numbers, yes or no.
    #[serde(default)]
    pub data: BTreeMap<String, serde_json::Value>,
}

/// Whom an event concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventContact {
    /// Their phone.
    pub phone: String,
    /// Their name, for a contact that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their e-mail address, for a contact that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What came of an event. The same again if it comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Whether it had come before.
    #[serde(default)]
    pub duplicate: bool,
    /// What each automation did.
    pub done: Vec<Done>,
}

/// What an automation did about an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub automation: AutomationId,
    /// The conversation's document, if it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
    /// Its message, if it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Why it left the contact alone, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_alone: Option<String>,
    /// When it will act, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// An event can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// A part of it is not what it must be.
    #[error("{0}")]
    Malformed(String),
    /// The phone is none.
    #[error(transparent)]
    Phone(#[from] InvalidPhone),
    /// The workspace doesn't have the number that it is to write from.
    #[error("{0}")]
    Number(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for EventError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Has every enabled automation of the event act, once.
///
/// # Errors
/// [`EventError`]; nothing is then done.
pub fn handle(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    event: &Event,
) -> Result<Handled, EventError> {
    let automations = accept::policies(tx, workspace)?.settings.automations.clone();
    let asked = automations.into_iter().filter(|(_, automation)| automation.enabled && automation.event == event.event);
    act(tx, now, rng, workspace, event, asked.collect(), When::AfterItsDelay)
}

/// Has one automation act now, enabled or not and whatever its event and its delay, once.
///
/// # Errors
/// As [`handle`].
pub fn run(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    automation: AutomationId,
    event: &Event,
) -> Result<Handled, EventError> {
    let settings = &accept::policies(tx, workspace)?.settings;
    let one = settings.automations.get(&automation).ok_or(StoreError::Missing("automation"))?.clone();
    act(tx, now, rng, workspace, event, vec![(automation, one)], When::Now)
}

/// When automations act.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    AfterItsDelay,
    Now,
}

fn act(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    workspace: WorkspaceId,
    event: &Event,
    automations: Vec<(AutomationId, Automation)>,
    when: When,
) -> Result<Handled, EventError> {
    let brings = check(tx, workspace, event)?;
    if let Some(known) = known(tx, workspace, &event.id)? {
        return Ok(Handled { duplicate: true, ..known });
    }
    let mut handled = Handled { duplicate: false, done: Vec::with_capacity(automations.len()) };
    // An event that nothing waits for yet may come again once something does.
    if automations.is_empty() {
        return Ok(handled);
    }
    note(tx, now, workspace, event, &handled)?;
    let occurrence = Occurrence { workspace, event: &event.id, brings };
    for (id, automation) in automations {
        let waits = when == When::AfterItsDelay && !automation.delay.is_zero();
        handled.done.push(if waits {
            runs::later(tx, now, &occurrence, id, automation.delay)?
        } else {
            runs::at_once(tx, now, rng, &occurrence, (id, automation))?
        });
    }
    note(tx, now, workspace, event, &handled)?;
    Ok(handled)
}

fn note(
    tx: &Tx<'_>,
    now: Timestamp,
    workspace: WorkspaceId,
    event: &Event,
    handled: &Handled,
) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO events (workspace, id, received, handled) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (workspace, id) DO UPDATE SET handled = excluded.handled",
        )?
        .execute(params![workspace.as_bytes(), event.id, now.millis(), accept::pack(handled)?])?;
    Ok(())
}

fn known(tx: &Tx<'_>, workspace: WorkspaceId, event: &str) -> Result<Option<Handled>, StoreError> {
    let packed: Option<Vec<u8>> = tx
        .connection()
        .prepare_cached("SELECT handled FROM events WHERE workspace = ?1 AND id = ?2")?
        .query_row(params![workspace.as_bytes(), event], |row| row.get(0))
        .optional()?;
    packed.map(|packed| accept::unpack(&packed, "event")).transpose()
}

fn check(tx: &mut Tx<'_>, workspace: WorkspaceId, event: &Event) -> Result<Brings, EventError> {
    let malformed = |what: &str| EventError::Malformed(what.to_owned());
    if event.id.is_empty() || event.id.len() > 128 || event.id.contains(char::is_control) {
        return Err(malformed("id must have 1 to 128 bytes and no control characters"));
    }
    if !is_event(&event.event) {
        return Err(malformed("event must have 1 to 64 lower-case letters, digits, '_', '.' or '-'"));
    }
    if event.data.len() > MAX_DATA {
        return Err(EventError::Malformed(format!("data holds at most {MAX_DATA} values")));
    }
    let data = event.data.iter().map(|(name, value)| datum(name, value)).collect::<Result<_, _>>()?;
    let field = |what: &str, value: &Option<String>| match value.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(value) if value.len() > MAX_FIELD_BYTES || value.contains(char::is_control) => {
            Err(EventError::Malformed(format!("{what} must have at most {MAX_FIELD_BYTES} bytes in one line")))
        }
        Some(value) => Ok(Some(value.to_owned())),
    };
    let (name, email) = (field("name", &event.contact.name)?, field("email", &event.contact.email)?);
    let settings = &accept::policies(tx, workspace)?.settings;
    let phone = phone::to_e164(&event.contact.phone, &settings.region)?;
    let number = match &event.from {
        Some(from) => {
            let from = phone::to_e164(from, &settings.region)?;
            if !settings.numbers.contains(&from) {
                return Err(EventError::Number(format!("{from} is none of the workspace's numbers")));
            }
            from
        }
        None => {
            let first = settings.numbers.first();
            first.cloned().ok_or_else(|| EventError::Number("the workspace has no number to write from".into()))?
        }
    };
    Ok(Brings { channel: Channel::Sms(number), phone, name, email, data })
}

fn datum(name: &str, value: &serde_json::Value) -> Result<(String, String), EventError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err(EventError::Malformed(
            "the names in data must have 1 to 64 lower-case letters, digits or '_'".into(),
        ));
    }
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Bool(value) => value.to_string(),
        _ => return Err(EventError::Malformed(format!("data.{name} must be a text, a number, or yes or no"))),
    };
    if text.len() > MAX_FIELD_BYTES {
        return Err(EventError::Malformed(format!("data.{name} is longer than {MAX_FIELD_BYTES} bytes")));
    }
    Ok((name.to_owned(), text))
}
