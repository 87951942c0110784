//! Engagements: when and where the web chat greets (R38).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    ids::QueueId,
    model::{
        action::RegisterValue,
        settings::registers::{Fields, Registers},
    },
    time::as_millis,
};

/// One way in which the web chat greets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engagement {
    /// Its name.
    pub name: String,
    /// Whether it greets at all.
    #[serde(default)]
    pub enabled: bool,
    /// On which pages: an address in which `*` stands for anything.
    pub page: String,
    /// How long a visitor is there before they are greeted.
    #[serde(default, rename = "delay_ms", with = "as_millis")]
    pub delay: Duration,
    /// What it says ([`crate::template::GREETING`]).
    pub greeting: String,
    /// The queue that conversations from here enter; its hours are the engagement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueId>,
    /// What it does outside the queue's hours.
    #[serde(default)]
    pub outside_hours: OutsideHours,
    /// What it says then, if it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<String>,
}

/// What an engagement does outside its queue's hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideHours {
    /// It shows nothing.
    #[default]
    Hide,
    /// It greets as always.
    Greet,
    /// It says that nobody is there, and takes messages.
    Away,
}

impl OutsideHours {
    /// The name in documents, flags and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            OutsideHours::Hide => "hide",
            OutsideHours::Greet => "greet",
            OutsideHours::Away => "away",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [OutsideHours::Hide, OutsideHours::Greet, OutsideHours::Away].into_iter().find(|known| known.name() == name)
    }
}

impl Engagement {
    pub(super) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        registers.text("name", &self.name);
        registers.set("enabled", RegisterValue::Bool(self.enabled));
        registers.text("page", &self.page);
        registers.span("delay_ms", Some(self.delay));
        registers.text("greeting", &self.greeting);
        registers.id("queue", self.queue);
        registers.text("outside_hours", self.outside_hours.name());
        if let Some(away) = &self.away {
            registers.text("away", away);
        }
        registers
    }

    pub(super) fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            enabled: fields.flag("enabled"),
            page: fields.text("page"),
            delay: fields.span("delay_ms").unwrap_or_default(),
            greeting: fields.text("greeting"),
            queue: fields.id("queue"),
            outside_hours: fields.text_of("outside_hours").and_then(OutsideHours::from_name).unwrap_or_default(),
            away: fields.text_of("away").map(str::to_owned),
        }
    }
}
