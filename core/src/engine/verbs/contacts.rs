//! What is done to contacts.

use super::first;
use crate::{
    engine::{Offdesk, error::Error},
    ids::{ContactId, DocumentId, IntentId},
    intents::{ConsentEdit, ContactEdit, NewContact, Verb},
    model::Consent,
    phone::to_e164,
    sync::Submission,
};

impl Offdesk {
    /// Creates a contact. Phones are as a person types them.
    ///
    /// # Errors
    /// [`Error::InvalidPhone`], [`Error::Verb`] for an empty or too long field, [`Error::Forbidden`].
    pub fn create_contact(&self, new: NewContact) -> Result<(ContactId, IntentId), Error> {
        self.engine().local(|session, now, rng, disk| {
            let region = session.settings(disk)?.region.clone();
            let phones = normalised(&new.phones, &region)?;
            let contact = DocumentId::generate(now, rng);
            let verb = Verb::CreateContact(NewContact { phones, ..new });
            let intents = session.submit(now, rng, disk, Submission::one(contact, verb))?;
            Ok((contact, first(&intents)?))
        })
    }

    /// Edits a contact. Phones are as a person types them.
    ///
    /// # Errors
    /// As [`Offdesk::create_contact`], and [`Error::UnknownContact`].
    pub fn edit_contact(&self, contact: ContactId, edit: ContactEdit) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            if session.contact(disk, contact)?.is_none() {
                return Err(Error::UnknownContact(contact));
            }
            let region = session.settings(disk)?.region.clone();
            let add_phones = normalised(&edit.add_phones, &region)?;
            let remove_phones = normalised(&edit.remove_phones, &region)?;
            let verb = Verb::EditContact(ContactEdit { add_phones, remove_phones, ..edit });
            first(&session.submit(now, rng, disk, Submission::one(contact, verb))?)
        })
    }

    /// Says whether one of a contact's phones may be written to (R34); `None`: nothing is known any more. An opt-out that
    /// came meanwhile is not overlooked: then this needs attention.
    ///
    /// # Errors
    /// As [`Offdesk::edit_contact`].
    pub fn set_consent(&self, contact: ContactId, phone: &str, consent: Option<Consent>) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            let Some(card) = session.contact(disk, contact)? else { return Err(Error::UnknownContact(contact)) };
            let phone = to_e164(phone, &session.settings(disk)?.region)?;
            let seen = card.reach.consent.get(&phone).copied();
            let consent = vec![ConsentEdit { phone, consent, seen }];
            let verb = Verb::EditContact(ContactEdit { consent, ..ContactEdit::default() });
            first(&session.submit(now, rng, disk, Submission::one(contact, verb))?)
        })
    }

    /// Blocks a contact as spam, or no more: what they write is kept, nobody is told of it, and their conversations are off
    /// every list but that of the blocked.
    ///
    /// # Errors
    /// As [`Offdesk::edit_contact`].
    pub fn block_contact(&self, contact: ContactId, blocked: bool) -> Result<IntentId, Error> {
        self.edit_contact(contact, ContactEdit { blocked: Some(blocked), ..ContactEdit::default() })
    }
}

fn normalised(phones: &[String], region: &str) -> Result<Vec<String>, Error> {
    phones.iter().map(|phone| Ok(to_e164(phone, region)?)).collect()
}
