//! Queues (R36).

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    ids::{HoursId, MemberId},
    model::{
        action::RegisterValue,
        settings::registers::{Fields, Registers},
    },
};

/// A queue that conversations are moved to (R36).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Whether nothing is moved to it any more; what is in it stays.
    #[serde(default)]
    pub archived: bool,
    /// The members on it; none means that it is everybody's (R12).
    #[serde(default)]
    pub members: BTreeSet<MemberId>,
    /// When somebody is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursId>,
    /// How long a customer may wait for a reply before the assigned are reminded (R16), if not as in all the workspace;
    /// zero is never.
    #[serde(default, rename = "reply_within_ms", skip_serializing_if = "Option::is_none", with = "reply_within")]
    pub reply_within: Option<Duration>,
}

impl Queue {
    pub(super) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        registers.text("name", &self.name);
        registers.set("archived", RegisterValue::Bool(self.archived));
        registers.members(&self.members);
        registers.id("hours", self.hours);
        registers.span("reply_within_ms", self.reply_within);
        registers
    }

    pub(super) fn read(fields: &Fields) -> Self {
        Self {
            name: fields.text("name"),
            archived: fields.flag("archived"),
            members: fields.members(),
            hours: fields.id("hours"),
            reply_within: fields.span("reply_within_ms"),
        }
    }
}

mod reply_within {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::as_millis;

    pub(super) fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => as_millis::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}
