//! Saved filters (R21): a member's own, by name, on all of their devices.
//!
//! A filter is kept as a register under an id of its own, as the JSON of [`Saved`]; an empty text is one that was deleted.
//! One that a newer version wrote, with conditions that are not known here, is not listed: it would take other
//! conversations than it says.

use serde::{Deserialize, Serialize};

use super::{Offdesk, error::Error};
use crate::{
    ids::IntentId,
    protocol::{RegisterContent, RegisterKey},
    sync::{registers::MAX_CHOSEN_BYTES, storage::Storage},
    triage::InboxFilter,
};

/// The most filters of a member; the relay keeps no more.
const MOST: usize = 200;
/// The longest name, in characters.
const LONGEST_NAME: usize = 60;

/// A filter that a member saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFilter {
    /// Its id.
    pub id: IntentId,
    /// Its name.
    pub name: String,
    /// Which conversations it takes.
    pub filter: InboxFilter,
}

/// What the register holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    name: String,
    filter: InboxFilter,
}

impl Offdesk {
    /// The member's saved filters, by name.
    ///
    /// # Errors
    /// As any read.
    pub fn saved_filters(&self) -> Result<Vec<SavedFilter>, Error> {
        self.engine().read(|snapshot| Ok(listed(snapshot.chosen()?)))
    }

    /// Saves a filter under a name, and returns its id.
    ///
    /// # Errors
    /// [`Error::FilterName`], [`Error::TooManyFilters`], or as any write.
    pub fn save_filter(&self, name: &str, filter: &InboxFilter) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            if listed(disk.chosen()?).len() >= MOST {
                return Err(Error::TooManyFilters);
            }
            let id = IntentId::generate(now, rng);
            let value = packed(name, filter)?;
            session.choose(now, disk, RegisterKey::SavedFilter(id), value)?;
            Ok(id)
        })
    }

    /// Gives a saved filter another name, or other conditions, or both.
    ///
    /// # Errors
    /// As [`Offdesk::save_filter`]; [`Error::UnknownFilter`].
    pub fn change_filter(&self, id: IntentId, name: Option<&str>, filter: Option<&InboxFilter>) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            let known = listed(disk.chosen()?).into_iter().find(|known| known.id == id);
            let known = known.ok_or(Error::UnknownFilter(id))?;
            let value = packed(name.unwrap_or(&known.name), filter.unwrap_or(&known.filter))?;
            Ok(session.choose(now, disk, RegisterKey::SavedFilter(id), value)?)
        })
    }

    /// Deletes a saved filter. One that is gone already is no error.
    ///
    /// # Errors
    /// As any write.
    pub fn delete_filter(&self, id: IntentId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            if !listed(disk.chosen()?).iter().any(|known| known.id == id) {
                return Ok(());
            }
            Ok(session.choose(now, disk, RegisterKey::SavedFilter(id), RegisterContent::Text(String::new()))?)
        })
    }
}

fn packed(name: &str, filter: &InboxFilter) -> Result<RegisterContent, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::FilterName);
    }
    let saved = Saved { name: name.to_owned(), filter: filter.clone() };
    let text = serde_json::to_string(&saved).map_err(|error| Error::Protocol(error.to_string()))?;
    if name.chars().count() > LONGEST_NAME || text.len() > MAX_CHOSEN_BYTES {
        return Err(Error::FilterName);
    }
    Ok(RegisterContent::Text(text))
}

fn listed(chosen: Vec<(RegisterKey, crate::sync::storage::StoredRegister)>) -> Vec<SavedFilter> {
    let mut filters: Vec<SavedFilter> = chosen
        .into_iter()
        .filter_map(|(key, register)| match (key, register.content) {
            (RegisterKey::SavedFilter(id), RegisterContent::Text(text)) => {
                let Saved { name, filter } = serde_json::from_str(&text).ok()?;
                Some(SavedFilter { id, name, filter })
            }
            _ => None,
        })
        .collect();
    filters.sort_by_key(|saved| (saved.name.to_lowercase(), saved.id));
    filters
}
