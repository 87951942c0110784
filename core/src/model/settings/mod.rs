//! Settings of a workspace, as the settings document holds them: plain values, and things that have an id, each a group of
//! registers `{id}.{field}`. Which of them may be written, by whom and with what, is [`crate::policy::set_up`]'s.

pub mod automations;
pub mod canned;
pub mod engagements;
pub mod hours;
pub mod queues;
pub mod registers;

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AutomationId, CannedId, EngagementId, HoursId, QueueId},
    model::{
        Action, Document,
        action::{RegisterMap, RegisterValue},
        contents::scalars,
        directory::group,
        genesis::{AUTOMATIONS, CANNED, ENGAGEMENTS, HOURS, QUEUES, VALUES},
        settings::registers::Fields,
    },
};

pub use automations::{Automation, Handler};
pub use canned::Canned;
pub use engagements::{Engagement, OutsideHours};
pub use hours::Hours;
pub use queues::Queue;
pub use registers::{RegisterEdit, edits};

/// How each thing that has an id is written.
macro_rules! groups {
    ($($type:ident of $id:ident in $map:ident),* $(,)?) => {$(
        impl $type {
            /// The actions that write all of it into the settings.
            pub fn actions(&self, id: $id) -> Vec<Action> {
                self.registers().actions(RegisterMap::$map, id)
            }
        }
    )*};
}

groups! {
    Queue of QueueId in Queues,
    Canned of CannedId in Canned,
    Hours of HoursId in Hours,
    Engagement of EngagementId in Engagements,
    Automation of AutomationId in Automations,
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
    /// How long a customer may wait for a reply before the assigned are reminded (R16), in queues that don't say
    /// otherwise; zero is never, and the default.
    pub reply_within: Duration,
    /// The queues, archived ones included (R36).
    pub queues: BTreeMap<QueueId, Queue>,
    /// The canned responses that everybody has (R37).
    pub canned: BTreeMap<CannedId, Canned>,
    /// Opening hours.
    pub hours: BTreeMap<HoursId, Hours>,
    /// How the web chat greets (R38).
    pub engagements: BTreeMap<EngagementId, Engagement>,
    /// What is sent by itself (R39).
    pub automations: BTreeMap<AutomationId, Automation>,
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
            reply_within: Duration::ZERO,
            queues: BTreeMap::new(),
            canned: BTreeMap::new(),
            hours: BTreeMap::new(),
            engagements: BTreeMap::new(),
            automations: BTreeMap::new(),
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
                ("reply_within_ms", ScalarValue::Int(ms)) => settings.reply_within = millis(ms),
                ("numbers", ScalarValue::Str(numbers)) => {
                    settings.numbers = numbers.split_whitespace().map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        settings.queues = things(document, QUEUES, Queue::read);
        settings.canned = things(document, CANNED, Canned::read);
        settings.hours = things(document, HOURS, Hours::read);
        settings.engagements = things(document, ENGAGEMENTS, Engagement::read);
        settings.automations = things(document, AUTOMATIONS, Automation::read);
        settings
    }

    /// The actions that write the plain values.
    pub fn actions(&self) -> Vec<Action> {
        let set =
            |key: &str, value| Action::SetRegister { map: RegisterMap::Values, key: key.into(), value: Some(value) };
        vec![
            set("name", RegisterValue::Text(self.name.clone())),
            set("region", RegisterValue::Text(self.region.clone())),
            set("stale_after_ms", RegisterValue::Int(as_millis(self.stale_after))),
            set("held_author_only_ms", RegisterValue::Int(as_millis(self.held_author_only))),
            set("lease_ms", RegisterValue::Int(as_millis(self.lease))),
            set("reply_within_ms", RegisterValue::Int(as_millis(self.reply_within))),
            set("numbers", RegisterValue::Text(self.numbers.join(" "))),
        ]
    }

    /// How long a customer may wait in this queue, or in none; zero is for ever (R16).
    pub fn reply_within(&self, queue: Option<QueueId>) -> Duration {
        let of_queue = queue.and_then(|queue| self.queues.get(&queue)).and_then(|queue| queue.reply_within);
        of_queue.unwrap_or(self.reply_within)
    }
}

/// The things of one map, by their ids.
fn things<I: FromStr + Ord, T>(document: &Document, map: &'static str, read: impl Fn(&Fields) -> T) -> BTreeMap<I, T> {
    let groups = group(scalars(document.inner(), map)).into_iter();
    groups.filter_map(|(id, fields)| Some((id.parse().ok()?, read(&Fields(fields))))).collect()
}

fn millis(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

fn as_millis(value: Duration) -> i64 {
    i64::try_from(value.as_millis()).unwrap_or(i64::MAX)
}
