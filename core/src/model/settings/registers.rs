//! Groups of registers `{id}.{field}`: from and to the structures that the settings are read into, and the edits that lead
//! from one to the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
    time::Duration,
};

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    model::{
        Action,
        action::{RegisterMap, RegisterValue},
        directory::as_text,
    },
};

/// The fields of one thing, as they are written.
#[derive(Debug, Default)]
pub(super) struct Registers(Vec<(String, RegisterValue)>);

impl Registers {
    pub(super) fn set(&mut self, field: &str, value: RegisterValue) {
        self.0.push((field.to_owned(), value));
    }

    pub(super) fn text(&mut self, field: &str, value: &str) {
        self.set(field, RegisterValue::Text(value.to_owned()));
    }

    pub(super) fn id(&mut self, field: &str, id: Option<impl Display>) {
        if let Some(id) = id {
            self.text(field, &id.to_string());
        }
    }

    pub(super) fn span(&mut self, field: &str, span: Option<Duration>) {
        if let Some(span) = span {
            self.set(field, RegisterValue::Int(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
        }
    }

    /// One register a member, so that adding and removing different ones never conflict.
    pub(super) fn members(&mut self, members: &BTreeSet<MemberId>) {
        for member in members {
            self.set(&format!("member.{member}"), RegisterValue::Bool(true));
        }
    }

    pub(super) fn actions(self, map: RegisterMap, id: impl Display) -> Vec<Action> {
        let set = |(field, value)| Action::SetRegister { map, key: format!("{id}.{field}"), value: Some(value) };
        self.0.into_iter().map(set).collect()
    }
}

/// The fields of one thing, as a document holds them.
#[derive(Debug)]
pub(super) struct Fields(pub(super) BTreeMap<String, ScalarValue>);

impl Fields {
    pub(super) fn text_of(&self, field: &str) -> Option<&str> {
        self.0.get(field).and_then(as_text)
    }

    pub(super) fn text(&self, field: &str) -> String {
        self.text_of(field).unwrap_or_default().to_owned()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.0.get(field) == Some(&ScalarValue::Boolean(true))
    }

    pub(super) fn id<T: FromStr>(&self, field: &str) -> Option<T> {
        self.text_of(field)?.parse().ok()
    }

    pub(super) fn span(&self, field: &str) -> Option<Duration> {
        match self.0.get(field) {
            Some(ScalarValue::Int(ms)) => Some(Duration::from_millis(u64::try_from(*ms).unwrap_or(0))),
            _ => None,
        }
    }

    /// What is marked by registers `{prefix}{name}` that are true.
    pub(super) fn marked<T: FromStr + Ord>(&self, prefix: &str) -> BTreeSet<T> {
        let on = self.0.iter().filter(|(_, value)| **value == ScalarValue::Boolean(true));
        on.filter_map(|(field, _)| field.strip_prefix(prefix)?.parse().ok()).collect()
    }

    pub(super) fn members(&self) -> BTreeSet<MemberId> {
        self.marked("member.")
    }
}

/// What one register is to become, and what its author saw there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterEdit {
    /// Which map of the directory or the settings.
    pub map: RegisterMap,
    /// Which key of it.
    pub key: String,
    /// What stood there, as its author saw it.
    pub seen: Option<RegisterValue>,
    /// What is to stand there; `None` removes it.
    pub value: Option<RegisterValue>,
}

impl RegisterEdit {
    /// The action that carries it out.
    pub fn action(&self) -> Action {
        Action::SetRegister { map: self.map, key: self.key.clone(), value: self.value.clone() }
    }
}

/// The edits that lead from one state of a thing to another: those of its registers that differ. Both are given by the
/// actions that would write them anew, as `actions` of [`super::Queue`] or [`crate::model::Member`] gives them; none at all is a
/// thing that isn't there.
pub fn edits(before: &[Action], after: &[Action]) -> Vec<RegisterEdit> {
    let registers = |actions: &[Action]| -> BTreeMap<(RegisterMap, String), RegisterValue> {
        let register = |action: &Action| match action {
            Action::SetRegister { map, key, value: Some(value) } => Some(((*map, key.clone()), value.clone())),
            _ => None,
        };
        actions.iter().filter_map(register).collect()
    };
    let (mut before, after) = (registers(before), registers(after));
    let mut edits = Vec::new();
    for ((map, key), value) in after {
        let seen = before.remove(&(map, key.clone()));
        if seen.as_ref() != Some(&value) {
            edits.push(RegisterEdit { map, key, seen, value: Some(value) });
        }
    }
    edits.extend(before.into_iter().map(|((map, key), seen)| RegisterEdit { map, key, seen: Some(seen), value: None }));
    edits
}
