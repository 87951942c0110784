//! Canned responses on the device (R37): everybody's from the settings, the member's own from their registers; found by
//! shortcut or text, expanded for a conversation, inserted into its draft.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Offdesk, error::Error};
use crate::{
    ids::{CannedId, ConversationId, IntentId},
    intents::VerbError,
    model::{Canned, RefusalCode, settings::canned::is_shortcut},
    protocol::{RegisterContent, RegisterKey},
    sync::SubmitError,
    template::{self, Expanded},
};

/// Which canned response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CannedRef {
    /// One that everybody has.
    Shared(CannedId),
    /// One of the member's own.
    Own(IntentId),
}

/// A canned response, to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CannedChoice {
    /// Which.
    pub id: CannedRef,
    /// What it says.
    #[serde(flatten)]
    pub canned: Canned,
}

impl Offdesk {
    /// The canned responses whose shortcut or text holds `typed`, capitals aside; those whose shortcut begins so come first.
    /// A member's own comes before everybody's of the same shortcut.
    ///
    /// # Errors
    /// As any read.
    pub fn canned(&self, typed: &str) -> Result<Vec<CannedChoice>, Error> {
        let shared = self.settings()?.canned.into_iter().map(|(id, canned)| (CannedRef::Shared(id), canned));
        let own = self.engine().read(|snapshot| Ok(snapshot.chosen()?))?;
        let own = own.into_iter().filter_map(|(key, register)| match (key, register.content) {
            (RegisterKey::Canned(id), RegisterContent::Text(text)) => {
                Some((CannedRef::Own(id), serde_json::from_str(&text).ok()?))
            }
            _ => None,
        });
        let typed = typed.trim().to_lowercase();
        let mut found: Vec<(u8, CannedChoice)> = Vec::new();
        for (id, canned) in own.chain(shared) {
            let canned: Canned = canned;
            let shortcut = canned.shortcut.to_lowercase();
            let rank = if shortcut.starts_with(&typed) {
                0
            } else if shortcut.contains(&typed) {
                1
            } else if canned.text.to_lowercase().contains(&typed) {
                2
            } else {
                continue;
            };
            found.push((rank, CannedChoice { id, canned }));
        }
        // Stable: the member's own were put in first.
        found.sort_by(|(a, one), (b, other)| (a, &one.canned.shortcut).cmp(&(b, &other.canned.shortcut)));
        Ok(found.into_iter().map(|(_, choice)| choice).collect())
    }

    /// What a text with variables becomes in this conversation; it names those without a value, and those that there are
    /// none of.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`]; [`Error::Forbidden`] for a text that is no template, with what is wrong.
    pub fn preview_canned(&self, conversation: ConversationId, text: &str) -> Result<Expanded, Error> {
        let view = self.conversation(conversation)?;
        let mut values = BTreeMap::from([("workspace.name".to_owned(), self.settings()?.name)]);
        if let Some(contact) = &view.contact {
            template::name_values(&mut values, "contact", &contact.name);
            values.insert("contact.phone".into(), contact.phones.first().cloned().unwrap_or_default());
            values.insert("contact.email".into(), contact.email.clone().unwrap_or_default());
        }
        template::name_values(&mut values, "member", &self.me()?.name);
        template::expand(text, template::CANNED, &values)
            .map_err(|error| Error::Forbidden { reason: error.to_string() })
    }

    /// Inserts a canned response at the end of the draft in this conversation, its variables filled in; what has no value is
    /// named in the answer, for the member to complete.
    ///
    /// # Errors
    /// As [`Offdesk::preview_canned`]; [`Error::Verb`] for one that is not there any more.
    pub fn insert_canned(&self, conversation: ConversationId, id: CannedRef) -> Result<Expanded, Error> {
        let chosen = self.canned("")?.into_iter().find(|choice| choice.id == id);
        let chosen = chosen.ok_or(Error::Verb(VerbError::WrongDocument))?;
        let expanded = self.preview_canned(conversation, &chosen.canned.text)?;
        let draft = self.draft(conversation)?.unwrap_or_default();
        let gap = if draft.is_empty() || draft.ends_with(char::is_whitespace) { "" } else { " " };
        self.set_draft(conversation, &format!("{draft}{gap}{}", expanded.text))?;
        Ok(expanded)
    }

    /// Keeps a canned response of the member's own, on all their devices; without an id, a new one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a shortcut that is no word or is taken by another one of theirs, and for a text that is
    /// empty, too long, or names variables that there are none of.
    pub fn keep_canned(&self, id: Option<IntentId>, canned: &Canned) -> Result<IntentId, Error> {
        let forbid = |reason: String| Err(Error::Forbidden { reason });
        if !is_shortcut(&canned.shortcut) {
            return forbid("a shortcut is one word of at most 64 bytes".into());
        }
        let unknown = template::unknown(&canned.text, template::CANNED);
        match unknown {
            Err(error) => return forbid(error.to_string()),
            Ok(unknown) if !unknown.is_empty() => {
                return forbid(format!("there is no variable {}", unknown.join(", ")));
            }
            Ok(_) if canned.text.trim().is_empty() => return forbid("write a text first".into()),
            Ok(_) => {}
        }
        let same = |choice: &CannedChoice| {
            matches!(choice.id, CannedRef::Own(own) if Some(own) != id)
                && choice.canned.shortcut.to_lowercase() == canned.shortcut.to_lowercase()
        };
        if self.canned(&canned.shortcut)?.iter().any(same) {
            return forbid("you have a canned response of this shortcut".into());
        }
        // A structure of two texts can always be written.
        let text = serde_json::to_string(canned).unwrap_or_default();
        self.engine().local(|session, now, rng, disk| {
            let id = id.unwrap_or_else(|| IntentId::generate(now, rng));
            session.choose(now, disk, RegisterKey::Canned(id), RegisterContent::Text(text.clone())).map_err(
                |error| match error {
                    SubmitError::Verb(VerbError::WrongDocument) => {
                        Error::Forbidden { reason: format!("the text is too long ({})", RefusalCode::TooLarge.name()) }
                    }
                    error => error.into(),
                },
            )?;
            Ok(id)
        })
    }

    /// Removes one of the member's own.
    ///
    /// # Errors
    /// As any write.
    pub fn remove_canned(&self, id: IntentId) -> Result<(), Error> {
        let none = RegisterContent::Text(String::new());
        self.engine()
            .local(|session, now, _, disk| Ok(session.choose(now, disk, RegisterKey::Canned(id), none.clone())?))
    }
}
