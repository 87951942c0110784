//! What a member does (R26). Every call is durable when it returns, with or without a network.

use rand::Rng;

use super::{Offdesk, error::Error};
use crate::{
    ids::{AlertId, ContactId, ConversationId, DocumentId, IntentId, MemberId, MessageId},
    intents::{ContactEdit, NewContact, Verb, VerbError},
    model::{Channel, HeldChoice, RefusalCode, Settings},
    phone::to_e164,
    policy::Access,
    store::SqliteStorage,
    sync::{Part, Session, Submission, SubmitError, storage::Storage},
    time::Timestamp,
};

/// A conversation that was started, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The conversation. If a colleague started the same one first, the relay names theirs and this id goes away.
    pub conversation: ConversationId,
    /// With whom.
    pub contact: ContactId,
    /// What waits for the relay; `None` if the conversation was there, open, and no text was given.
    pub intent: Option<IntentId>,
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::NotEnrolled => Error::NotEnrolled,
            SubmitError::Revoked => Error::Revoked,
            SubmitError::Empty | SubmitError::UnknownDocument(_) => Error::Verb(VerbError::WrongDocument),
            SubmitError::UnknownIntent(id) => Error::UnknownIntent(id),
            SubmitError::UnknownAlert(_) => Error::Verb(VerbError::NothingToDo),
            SubmitError::TooLate | SubmitError::NoAttentionNeeded => Error::TooLate,
            SubmitError::Verb(error) => error.into(),
            SubmitError::Refused(refusal) if refusal.code == RefusalCode::NotEligible => {
                Error::NotEligible { name: "this member".into() }
            }
            SubmitError::Refused(refusal) => Error::Forbidden { reason: refusal.reason.into_owned() },
            SubmitError::Storage(error) => error.into(),
            SubmitError::Document(error) => error.into(),
        }
    }
}

impl Offdesk {
    /// Starts a conversation by SMS, with a first message if `text` is given. `phone` is as a person types it; without a
    /// country code the workspace's region is assumed. `name` is for a customer who is new here, `from` one of the
    /// workspace's numbers (the first by default). If this device holds the conversation already, it is reopened and
    /// replied in.
    ///
    /// # Errors
    /// [`Error::InvalidPhone`]; [`Error::Forbidden`] without write access, or if the workspace has no such number.
    pub fn start_conversation(
        &self,
        phone: &str,
        name: Option<&str>,
        from: Option<&str>,
        text: Option<&str>,
    ) -> Result<Started, Error> {
        self.engine().local(|session, now, rng, disk| {
            let settings = session.settings(disk)?;
            let phone = to_e164(phone, &settings.region)?;
            let channel = Channel::Sms(sender(&settings, from)?);
            let text = text.map(str::to_owned).filter(|text| !text.trim().is_empty());
            let known = disk.contact_by_phone(&phone)?;
            if let Some(contact) = known
                && let Some(document) = disk.conversation_with(contact, &channel)?
                && let Some(held) = session.conversation(disk, document)?
            {
                let verb = Verb::StartConversation { conversation: held.id, contact, channel, text };
                let intent = match session.submit(now, rng, disk, Submission::one(document, verb)) {
                    Ok(intents) => intents.last().copied(),
                    // It is there and open, and there is nothing to say.
                    Err(SubmitError::Verb(VerbError::NothingToDo)) => None,
                    Err(error) => return Err(error.into()),
                };
                return Ok(Started { conversation: held.id, contact, intent });
            }
            let contact = known.unwrap_or_else(|| DocumentId::generate(now, rng));
            let conversation = ConversationId::generate(now, rng);
            let mut parts = Vec::new();
            if known.is_none() {
                let name = name.unwrap_or_default().trim().to_owned();
                let verb = Verb::CreateContact(NewContact { name, phones: vec![phone], ..NewContact::default() });
                parts.push(Part { document: contact, verb, natural_key: None });
            }
            let verb = Verb::StartConversation { conversation, contact, channel, text };
            parts.push(Part { document: DocumentId::generate(now, rng), verb, natural_key: None });
            let intents = session.submit(now, rng, disk, Submission { parts })?;
            Ok(Started { conversation, contact, intent: intents.last().copied() })
        })
    }

    /// Sends a message to the customer, and assigns its author (R17). Waits the undo window before it leaves.
    ///
    /// # Errors
    /// [`Error::Verb`] for an empty or too long text, [`Error::Forbidden`] without write access,
    /// [`Error::UnknownConversation`].
    pub fn reply(&self, conversation: ConversationId, text: &str) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Reply { text: text.to_owned() })
    }

    /// Adds an internal note, which is never sent.
    ///
    /// # Errors
    /// As [`Offdesk::reply`].
    pub fn note(&self, conversation: ConversationId, text: &str) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Note { text: text.to_owned() })
    }

    /// Assigns a member (R18).
    ///
    /// # Errors
    /// [`Error::UnknownMember`], [`Error::NotEligible`] (R8), [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn assign(&self, conversation: ConversationId, member: MemberId) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            let directory = session.directory(disk)?;
            let known =
                directory.members.get(&member).filter(|member| member.active).ok_or(Error::UnknownMember(member))?;
            if !Access::of(&directory, member).is_some_and(|access| access.assignable()) {
                return Err(Error::NotEligible { name: known.name.clone() });
            }
            submit(session, now, rng, disk, conversation, Verb::Assign { member })
        })
    }

    /// Ends the assignments of a member that this device knows of: one that a colleague adds meanwhile stays (R20).
    ///
    /// # Errors
    /// [`Error::Verb`] if the member isn't assigned, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn unassign(&self, conversation: ConversationId, member: MemberId) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Unassign { member, seen: Vec::new() })
    }

    /// Closes the conversation. An inbound message that this device doesn't know of yet opens it again (R20).
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn close_conversation(&self, conversation: ConversationId) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Close { seen: None })
    }

    /// Opens a closed conversation again.
    ///
    /// # Errors
    /// [`Error::Verb`] if it is open, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn reopen(&self, conversation: ConversationId) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Reopen { closings: Vec::new() })
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// [`Error::Verb`] if it has it or it is none, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn add_tag(&self, conversation: ConversationId, tag: &str) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::AddTag { tag: tag.trim().to_owned() })
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// [`Error::Verb`] if it hasn't it, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn remove_tag(&self, conversation: ConversationId, tag: &str) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::RemoveTag { tag: tag.trim().to_owned() })
    }

    /// Sends a held reply as it stands (R33).
    ///
    /// # Errors
    /// [`Error::UnknownMessage`]; [`Error::Verb`] if it is not held any more; [`Error::Forbidden`].
    pub fn send_held(&self, conversation: ConversationId, message: MessageId) -> Result<IntentId, Error> {
        self.held(conversation, message, Verb::DecideHeld { message, choice: HeldChoice::Send })
    }

    /// Drops a held reply: it is never sent (R33).
    ///
    /// # Errors
    /// As [`Offdesk::send_held`].
    pub fn drop_held(&self, conversation: ConversationId, message: MessageId) -> Result<IntentId, Error> {
        self.held(conversation, message, Verb::DecideHeld { message, choice: HeldChoice::Drop })
    }

    /// Sends another text in a held reply's place, in one step (R33).
    ///
    /// # Errors
    /// As [`Offdesk::send_held`] and [`Offdesk::reply`].
    pub fn edit_held(&self, conversation: ConversationId, message: MessageId, text: &str) -> Result<IntentId, Error> {
        self.held(conversation, message, Verb::EditHeld { message, text: text.to_owned() })
    }

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

    /// Marks a conversation read, up to what this device knows of it, on all of the member's devices (R25).
    ///
    /// # Errors
    /// [`Error::UnknownConversation`].
    pub fn mark_read(&self, conversation: ConversationId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            let document = find(disk, conversation)?;
            Ok(session.mark_read(now, disk, document)?)
        })
    }

    /// Marks a conversation unread until it is next read (R25).
    ///
    /// # Errors
    /// [`Error::UnknownConversation`].
    pub fn mark_unread(&self, conversation: ConversationId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            let document = find(disk, conversation)?;
            Ok(session.mark_unread(now, disk, document)?)
        })
    }

    /// Keeps a draft, from the first keystroke on; an empty text removes it (R27). Reaches the member's other devices
    /// after a pause.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`].
    pub fn set_draft(&self, conversation: ConversationId, text: &str) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            let document = find(disk, conversation)?;
            Ok(session.set_draft(now, disk, document, text)?)
        })
    }

    /// Dismisses an alert, on all of the member's devices (R15). One that is gone already is no error.
    ///
    /// # Errors
    /// As any write.
    pub fn dismiss_alert(&self, alert: AlertId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| match session.dismiss(now, disk, alert) {
            Ok(()) | Err(SubmitError::UnknownAlert(_)) => Ok(()),
            Err(error) => Err(error.into()),
        })
    }

    /// Takes back something that has not left yet.
    ///
    /// # Errors
    /// [`Error::TooLate`] once it is on its way, [`Error::UnknownIntent`].
    pub fn undo(&self, intent: IntentId) -> Result<(), Error> {
        self.engine().local(|session, now, rng, disk| Ok(session.undo(now, rng, disk, intent)?))
    }

    /// Drops an intent that needs attention, its text with it.
    ///
    /// # Errors
    /// [`Error::TooLate`] if it doesn't need attention, [`Error::UnknownIntent`].
    pub fn discard(&self, intent: IntentId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| Ok(session.discard(now, disk, intent)?))
    }

    /// Runs an intent that needs attention again, as a new one.
    ///
    /// # Errors
    /// As the verb itself; [`Error::TooLate`] if it doesn't need attention, [`Error::UnknownIntent`].
    pub fn retry(&self, intent: IntentId) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| Ok(session.retry(now, rng, disk, intent)?))
    }

    fn verb(&self, conversation: ConversationId, verb: Verb) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| submit(session, now, rng, disk, conversation, verb))
    }

    fn held(&self, conversation: ConversationId, message: MessageId, verb: Verb) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            let document = find(disk, conversation)?;
            let known = session.conversation(disk, document)?;
            if !known.is_some_and(|known| known.messages.contains_key(&message)) {
                return Err(Error::UnknownMessage(message));
            }
            submit(session, now, rng, disk, conversation, verb)
        })
    }
}

fn submit(
    session: &mut Session,
    now: Timestamp,
    rng: &mut dyn Rng,
    disk: &mut SqliteStorage<'_>,
    conversation: ConversationId,
    verb: Verb,
) -> Result<IntentId, Error> {
    let document = find(disk, conversation)?;
    first(&session.submit(now, rng, disk, Submission::one(document, verb))?)
}

fn find(disk: &SqliteStorage<'_>, conversation: ConversationId) -> Result<DocumentId, Error> {
    disk.document_of(conversation)?.ok_or(Error::UnknownConversation(conversation))
}

fn first(intents: &[IntentId]) -> Result<IntentId, Error> {
    intents.first().copied().ok_or(Error::Verb(VerbError::NothingToDo))
}

fn normalised(phones: &[String], region: &str) -> Result<Vec<String>, Error> {
    phones.iter().map(|phone| Ok(to_e164(phone, region)?)).collect()
}

/// The number to write from: one of the workspace's.
fn sender(settings: &Settings, from: Option<&str>) -> Result<String, Error> {
    let forbidden = |reason: &str| Error::Forbidden { reason: reason.into() };
    match from {
        None => settings.numbers.first().cloned().ok_or_else(|| {
            forbidden("the workspace has no number to write from yet: an Administrator adds one in the settings")
        }),
        Some(from) => {
            let from = to_e164(from, &settings.region)?;
            let known = settings.numbers.contains(&from);
            if known { Ok(from) } else { Err(forbidden("this is not one of the workspace's numbers")) }
        }
    }
}
