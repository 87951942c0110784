//! Automations: what is sent when something happened in another system (R39), and who is then assigned (R19).

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    model::{
        Origin,
        action::RegisterValue,
        settings::{
            hours::Span,
            registers::{Fields, Registers},
        },
    },
    time::as_millis,
};

/// One automation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    /// Its name.
    pub name: String,
    /// Whether it does anything.
    #[serde(default)]
    pub enabled: bool,
    /// The event that sets it off, such as `abandoned_checkout`.
    pub event: String,
    /// What it sends, with variables ([`crate::template::AUTOMATION`]).
    pub template: String,
    /// How long after the event it is sent.
    #[serde(default, rename = "delay_ms", with = "as_millis")]
    pub delay: Duration,
    /// Members whom it assigns (R19).
    #[serde(default)]
    pub members: BTreeSet<MemberId>,
    /// Whether it assigns the contact's record owner (R19).
    #[serde(default)]
    pub record_owner: bool,
    /// Whether those whom it assigns are alerted of that (R14).
    #[serde(default)]
    pub alert: bool,
    /// Where the conversation then comes from (R22).
    pub origin: Origin,
    /// Who answers.
    #[serde(default)]
    pub handler: Handler,
    /// When nothing is sent, by the recipient's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Span>,
}

impl Default for Automation {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: false,
            event: String::new(),
            template: String::new(),
            delay: Duration::ZERO,
            members: BTreeSet::new(),
            record_owner: false,
            alert: false,
            origin: Origin::Campaign,
            handler: Handler::Human,
            quiet: None,
        }
    }
}

/// Who answers what the contact says then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handler {
    /// The members.
    #[default]
    Human,
    /// The AI.
    Ai,
}

impl Handler {
    /// The name in documents, flags and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Handler::Human => "human",
            Handler::Ai => "ai",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Handler::Human, Handler::Ai].into_iter().find(|known| known.name() == name)
    }
}

/// Whether a text can name an event: lower-case letters, digits, `_`, `.` and `-`, at most 64.
pub fn is_event(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

impl Automation {
    pub(super) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        registers.text("name", &self.name);
        registers.set("enabled", RegisterValue::Bool(self.enabled));
        registers.text("event", &self.event);
        registers.text("template", &self.template);
        registers.span("delay_ms", Some(self.delay));
        registers.members(&self.members);
        registers.set("record_owner", RegisterValue::Bool(self.record_owner));
        registers.set("alert", RegisterValue::Bool(self.alert));
        registers.text("origin", self.origin.name());
        registers.text("handler", self.handler.name());
        if let Some(quiet) = self.quiet {
            registers.text("quiet", &quiet.to_string());
        }
        registers
    }

    pub(super) fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            enabled: fields.flag("enabled"),
            event: fields.text("event"),
            template: fields.text("template"),
            delay: fields.span("delay_ms").unwrap_or_default(),
            members: fields.members(),
            record_owner: fields.flag("record_owner"),
            alert: fields.flag("alert"),
            origin: fields.text_of("origin").and_then(Origin::from_name).unwrap_or(Origin::Campaign),
            handler: fields.text_of("handler").and_then(Handler::from_name).unwrap_or_default(),
            quiet: fields.text_of("quiet").and_then(|quiet| quiet.parse().ok()),
        }
    }
}
