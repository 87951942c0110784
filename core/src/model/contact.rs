//! A contact as its document holds it.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, MemberId},
    model::{
        Document, Kind,
        contents::scalars,
        genesis::{CUSTOM, FIELDS, PHONES, SHARED},
    },
};

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
    pub shared_with: BTreeSet<MemberId>,
    /// Custom fields.
    pub custom: BTreeMap<String, String>,
}

impl Contact {
    /// Reads a document; `None` if it is of another kind.
    pub fn read(id: ContactId, document: &Document) -> Option<Self> {
        if document.kind() != Kind::Contact {
            return None;
        }
        let doc = document.inner();
        let fields: BTreeMap<String, String> = texts(scalars(doc, FIELDS)).collect();
        Some(Self {
            id,
            name: fields.get("name").cloned().unwrap_or_default(),
            email: fields.get("email").cloned(),
            phones: scalars(doc, PHONES).into_iter().map(|(phone, _)| phone).collect(),
            owner: fields.get("owner").and_then(|owner| owner.parse().ok()),
            shared_with: scalars(doc, SHARED).into_iter().filter_map(|(member, _)| member.parse().ok()).collect(),
            custom: texts(scalars(doc, CUSTOM)).collect(),
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

fn texts(scalars: Vec<(String, ScalarValue)>) -> impl Iterator<Item = (String, String)> {
    scalars.into_iter().filter_map(|(key, value)| match value {
        ScalarValue::Str(text) => Some((key, text.to_string())),
        _ => None,
    })
}
