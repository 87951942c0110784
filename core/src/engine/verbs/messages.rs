//! What is said: to the contact, at once or later; to colleagues; what is done with what waits.

use super::{find, submit};
use crate::{
    engine::{Offdesk, error::Error},
    ids::{ContactId, ConversationId, DocumentId, IntentId, MemberId, MessageId},
    intents::{NewContact, Verb, VerbError},
    model::{Channel, HeldChoice, Settings},
    phone::to_e164,
    sync::{Part, Submission, SubmitError, storage::Storage},
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
        self.verb(conversation, Verb::Note { text: text.to_owned(), mentions: Vec::new() })
    }

    /// Sends a message to the customer at a later time, and assigns its author now (R17). The relay keeps it until then: this
    /// device need not be on. If something was said meanwhile it is held at its time (R33); before, it can be sent at once or
    /// dropped as a held one.
    ///
    /// # Errors
    /// As [`Offdesk::reply`], and [`Error::Verb`] for a time that has passed or lies more than a year ahead.
    pub fn reply_later(&self, conversation: ConversationId, text: &str, at: Timestamp) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::ReplyLater { text: text.to_owned(), at })
    }

    /// Adds an internal note that calls members: those who have the conversation on their dashboard are alerted (R26).
    ///
    /// # Errors
    /// As [`Offdesk::note`], and [`Error::UnknownMember`].
    pub fn note_to(&self, conversation: ConversationId, text: &str, mentions: &[MemberId]) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            let directory = session.directory(disk)?;
            let stranger = mentions.iter().find(|member| !directory.members.contains_key(member));
            if let Some(stranger) = stranger {
                return Err(Error::UnknownMember(*stranger));
            }
            let verb = Verb::Note { text: text.to_owned(), mentions: mentions.to_vec() };
            submit(session, now, rng, disk, conversation, verb)
        })
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
