//! A contact as its document holds it.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, ReadDoc, ScalarValue, Value};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, MemberId},
    model::{
        Document, Kind,
        contents::scalars,
        document::map,
        genesis::{CONSENT, CUSTOM, FIELDS, PHONES, SHARED},
    },
};

/// What a contact said about being written to at a phone (R34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Yes.
    Granted,
    /// No: they opted out.
    Revoked,
}

impl Consent {
    /// The name in documents and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Consent::Granted => "granted",
            Consent::Revoked => "revoked",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Consent> {
        [Consent::Granted, Consent::Revoked].into_iter().find(|consent| consent.name() == name)
    }
}

/// Whether a contact may be written to, and is listened to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What they said, by phone. Of what members wrote apart from each other a refusal counts.
    pub consent: BTreeMap<String, Consent>,
    /// Whether they are blocked as spam: what they write is kept, and nobody is told.
    pub blocked: bool,
}

impl Reach {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// A customer's card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// The name, empty if nobody gave one yet.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The phones in E.164.
    pub phones: BTreeSet<String>,
    /// The record owner: its salesperson.
    pub owner: Option<MemberId>,
    /// Members that the record is shared with.
    #[serde(default)]
    pub shared_with: BTreeSet<MemberId>,
    /// Custom fields.
    #[serde(default)]
    pub custom: BTreeMap<String, String>,
    /// Whether they may be written to. Last, since outlines are written without names and leave it out if it says nothing.
    #[serde(default, skip_serializing_if = "Reach::is_plain")]
    pub reach: Reach,
}

impl Contact {
    /// Reads a document; `None` if it is of another kind.
    pub fn read(id: ContactId, document: &Document) -> Option<Self> {
        if document.kind() != Kind::Contact {
            return None;
        }
        let doc = document.inner();
        let fields = scalars(doc, FIELDS);
        let blocked = fields.iter().any(|(key, value)| key == "blocked" && *value == ScalarValue::Boolean(true));
        let fields: BTreeMap<String, String> = texts(fields).collect();
        Some(Self {
            id,
            name: fields.get("name").cloned().unwrap_or_default(),
            email: fields.get("email").cloned(),
            phones: scalars(doc, PHONES).into_iter().map(|(phone, _)| phone).collect(),
            owner: fields.get("owner").and_then(|owner| owner.parse().ok()),
            shared_with: scalars(doc, SHARED).into_iter().filter_map(|(member, _)| member.parse().ok()).collect(),
            custom: texts(scalars(doc, CUSTOM)).collect(),
            reach: Reach { consent: consent(doc), blocked },
        })
    }

    /// What a list shows: the name, else the first phone, else the e-mail address.
    pub fn display_name(&self) -> &str {
        if !self.name.is_empty() {
            return &self.name;
        }
        self.phones.first().map(String::as_str).or(self.email.as_deref()).unwrap_or("Unknown contact")
    }
}

/// An opt-out is never lost to a consent that was written without knowing of it.
fn consent(doc: &Automerge) -> BTreeMap<String, Consent> {
    let Ok(object) = map(doc, CONSENT) else { return BTreeMap::new() };
    let said = |phone: &str| {
        let values = doc.get_all(&object, phone).unwrap_or_default();
        let named = values.iter().filter_map(|(value, _)| match value {
            Value::Scalar(value) => value.as_str().and_then(Consent::from_name),
            Value::Object(_) => None,
        });
        named.max()
    };
    scalars(doc, CONSENT)
        .into_iter()
        .filter_map(|(phone, _)| Some((said(&phone)?, phone)))
        .map(|(c, p)| (p, c))
        .collect()
}

fn texts(scalars: Vec<(String, ScalarValue)>) -> impl Iterator<Item = (String, String)> {
    scalars.into_iter().filter_map(|(key, value)| match value {
        ScalarValue::Str(text) => Some((key, text.to_string())),
        _ => None,
    })
}
