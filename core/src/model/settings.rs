//! Settings of a workspace, as the settings document holds them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{MemberId, QueueId},
    model::{
        Action, Document,
        action::{RegisterMap, RegisterValue},
        contents::scalars,
        directory::{as_text, group, register},
        genesis::{QUEUES, VALUES},
    },
};

/// A queue that conversations are moved to (R36).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Whether nothing is moved to it any more; what is in it stays.
    pub archived: bool,
    /// The members on it; none means that it is everybody's (R12).
    pub members: BTreeSet<MemberId>,
}

impl Queue {
    /// The actions that write this queue into the settings.
    pub fn actions(&self, id: QueueId) -> Vec<Action> {
        let set = |field: &str, value| register(RegisterMap::Queues, &id.to_string(), field, value);
        let members = self.members.iter().map(|member| set(&format!("member.{member}"), RegisterValue::Bool(true)));
        let own =
            [set("name", RegisterValue::Text(self.name.clone())), set("archived", RegisterValue::Bool(self.archived))];
        own.into_iter().chain(members).collect()
    }
}

/// Settings that rules read, each with its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The workspace's name.
    pub name: String,
    /// Region for phone numbers without a country code, an ISO 3166 code such as `US`.
    pub region: String,
    /// R33: how old a reply must be, on its author's device, before something newer holds it. 2 min.
    pub stale_after: Duration,
    /// R33: how long only the author may decide about a held reply; then any assignee may. 30 min.
    pub held_author_only: Duration,
    /// R9: how long a device may be without contact before it locks its data. 30 days.
    pub lease: Duration,
    /// Our SMS numbers in E.164; the first is the default sender.
    pub numbers: Vec<String>,
    /// The queues, archived ones included (R36).
    pub queues: BTreeMap<QueueId, Queue>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            region: "US".into(),
            stale_after: Duration::from_secs(2 * 60),
            held_author_only: Duration::from_secs(30 * 60),
            lease: Duration::from_secs(30 * 24 * 60 * 60),
            numbers: Vec::new(),
            queues: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads a document; what it doesn't hold has its default.
    pub fn read(document: &Document) -> Self {
        let mut settings = Settings::default();
        for (key, value) in scalars(document.inner(), VALUES) {
            match (key.as_str(), value) {
                ("name", ScalarValue::Str(name)) => settings.name = name.to_string(),
                ("region", ScalarValue::Str(region)) => settings.region = region.to_string(),
                ("stale_after_ms", ScalarValue::Int(ms)) => settings.stale_after = millis(ms),
                ("held_author_only_ms", ScalarValue::Int(ms)) => settings.held_author_only = millis(ms),
                ("lease_ms", ScalarValue::Int(ms)) => settings.lease = millis(ms),
                ("numbers", ScalarValue::Str(numbers)) => {
                    settings.numbers = numbers.split_whitespace().map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        for (id, fields) in group(scalars(document.inner(), QUEUES)) {
            let Ok(id) = id.parse() else { continue };
            let is = |value: &ScalarValue| *value == ScalarValue::Boolean(true);
            let member = |field: &str| field.strip_prefix("member.").and_then(|member| member.parse().ok());
            let queue = Queue {
                name: fields.get("name").and_then(as_text).unwrap_or_default().to_owned(),
                archived: fields.get("archived").is_some_and(is),
                members: fields.iter().filter(|(_, on)| is(on)).filter_map(|(field, _)| member(field)).collect(),
            };
            settings.queues.insert(id, queue);
        }
        settings
    }

    /// The actions that write these settings, but for the queues.
    pub fn actions(&self) -> Vec<Action> {
        let set =
            |key: &str, value| Action::SetRegister { map: RegisterMap::Values, key: key.into(), value: Some(value) };
        vec![
            set("name", RegisterValue::Text(self.name.clone())),
            set("region", RegisterValue::Text(self.region.clone())),
            set("stale_after_ms", RegisterValue::Int(as_millis(self.stale_after))),
            set("held_author_only_ms", RegisterValue::Int(as_millis(self.held_author_only))),
            set("lease_ms", RegisterValue::Int(as_millis(self.lease))),
            set("numbers", RegisterValue::Text(self.numbers.join(" "))),
        ]
    }
}

fn millis(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

fn as_millis(value: Duration) -> i64 {
    i64::try_from(value.as_millis()).unwrap_or(i64::MAX)
}
