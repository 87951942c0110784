//! Create and edit a contact.

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    intents::{Author, VerbError},
    model::{
        Action, Consent, Contact,
        action::{ContactField, MAX_FIELD_BYTES},
    },
    phone::{InvalidPhone, is_e164},
};

/// A contact to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewContact {
    /// The name, empty if unknown.
    pub name: String,
    /// The phones, in E.164.
    pub phones: Vec<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The record owner; `None`: who creates it.
    pub owner: Option<MemberId>,
}

/// Edits of a contact: what is `None` or empty stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactEdit {
    /// A new name.
    pub name: Option<String>,
    /// A new e-mail address; empty removes it.
    pub email: Option<String>,
    /// Phones to add, in E.164.
    pub add_phones: Vec<String>,
    /// Phones to remove, in E.164.
    pub remove_phones: Vec<String>,
    /// Custom fields to set; an empty value removes the field.
    pub custom: Vec<(String, String)>,
    /// A new record owner.
    pub owner: Option<MemberId>,
    /// Members to share the record with.
    pub share: Vec<MemberId>,
    /// Members to share it with no more.
    pub unshare: Vec<MemberId>,
    /// What the contact said about being written to (R34).
    #[serde(default)]
    pub consent: Vec<ConsentEdit>,
    /// Whether they are blocked as spam.
    #[serde(default)]
    pub blocked: Option<bool>,
}

/// What a contact said about being written to at one of their phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEdit {
    /// In E.164.
    pub phone: String,
    /// What they said; `None`: nothing is known any more.
    pub consent: Option<Consent>,
    /// What was known when the author wrote this down: an opt-out that came since is not overlooked.
    pub seen: Option<Consent>,
}

/// Who creates a contact owns its record, unless they say otherwise: a member who sees only their own records would lose it
/// again at once.
pub(super) fn create(author: &Author, new: &NewContact) -> Result<Vec<Action>, VerbError> {
    let mut actions = Vec::new();
    if !new.name.trim().is_empty() {
        actions.push(field(ContactField::Name, "name", &new.name)?);
    }
    for phone in &new.phones {
        actions.push(Action::AddPhone { phone: e164(phone)? });
    }
    if let Some(email) = &new.email {
        actions.push(field(ContactField::Email, "email", email)?);
    }
    if actions.is_empty() {
        return Err(VerbError::NothingToDo);
    }
    let owner = new.owner.unwrap_or(author.member);
    actions.push(Action::SetContactField { field: ContactField::Owner, value: Some(owner.to_string()) });
    Ok(actions)
}

/// Somebody else created the contact meanwhile, perhaps a customer by writing: what it lacks is added, nothing replaced.
pub(super) fn complete(new: &NewContact, on: &Contact) -> Result<Vec<Action>, VerbError> {
    let missing = ContactEdit {
        name: Some(new.name.clone()).filter(|name| on.name.is_empty() && !name.trim().is_empty()),
        email: new.email.clone().filter(|_| on.email.is_none()),
        add_phones: new.phones.clone(),
        ..ContactEdit::default()
    };
    edit(&missing, on)
}

pub(super) fn edit(edit: &ContactEdit, on: &Contact) -> Result<Vec<Action>, VerbError> {
    let mut actions = Vec::new();
    if let Some(name) = edit.name.as_ref().filter(|name| name.trim() != on.name) {
        actions.push(field(ContactField::Name, "name", name)?);
    }
    if let Some(email) = edit.email.as_ref().filter(|email| email.trim() != on.email.as_deref().unwrap_or_default()) {
        actions.push(field(ContactField::Email, "email", email)?);
    }
    if let Some(owner) = edit.owner.filter(|owner| Some(*owner) != on.owner) {
        actions.push(Action::SetContactField { field: ContactField::Owner, value: Some(owner.to_string()) });
    }
    for phone in edit.add_phones.iter().filter(|phone| !on.phones.contains(*phone)) {
        actions.push(Action::AddPhone { phone: e164(phone)? });
    }
    for phone in edit.remove_phones.iter().filter(|phone| on.phones.contains(*phone)) {
        actions.push(Action::RemovePhone { phone: phone.clone() });
    }
    for (name, value) in &edit.custom {
        let name = name.trim();
        if name.is_empty() || name.len() > MAX_FIELD_BYTES || value.len() > MAX_FIELD_BYTES {
            return Err(VerbError::FieldTooLong { field: "custom field" });
        }
        if on.custom.get(name).map(String::as_str).unwrap_or_default() != value {
            actions.push(Action::SetCustomField {
                name: name.into(),
                value: Some(value.clone()).filter(|value| !value.is_empty()),
            });
        }
    }
    actions.extend(
        edit.share
            .iter()
            .filter(|member| !on.shared_with.contains(member))
            .map(|member| Action::ShareContact { member: *member }),
    );
    actions.extend(
        edit.unshare
            .iter()
            .filter(|member| on.shared_with.contains(member))
            .map(|member| Action::UnshareContact { member: *member }),
    );
    for said in &edit.consent {
        actions.extend(consent(said, on)?);
    }
    if let Some(blocked) = edit.blocked.filter(|blocked| *blocked != on.reach.blocked) {
        actions.push(Action::SetBlocked { blocked });
    }
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}

fn consent(said: &ConsentEdit, on: &Contact) -> Result<Option<Action>, VerbError> {
    let (phone, known) = (e164(&said.phone)?, on.reach.consent.get(&said.phone).copied());
    if known == said.consent {
        return Ok(None);
    }
    if known != said.seen && said.consent != Some(Consent::Revoked) {
        return Err(VerbError::ChangedMeanwhile);
    }
    Ok(Some(Action::SetConsent { phone, consent: said.consent }))
}

fn field(field: ContactField, name: &'static str, value: &str) -> Result<Action, VerbError> {
    let value = value.trim();
    if value.len() > MAX_FIELD_BYTES {
        return Err(VerbError::FieldTooLong { field: name });
    }
    Ok(Action::SetContactField { field, value: Some(value.to_owned()).filter(|value| !value.is_empty()) })
}

fn e164(phone: &str) -> Result<String, VerbError> {
    if is_e164(phone) { Ok(phone.to_owned()) } else { Err(InvalidPhone(phone.chars().take(64).collect()).into()) }
}
