//! What a member does. Every verb is durable when it returns, with or without a network, and returns its intent: what can be
//! undone until it leaves, and what the outbox tells of until it has arrived.

use offdesk_core::{
    ids::{AlertId, ConversationId, IntentId, MemberId, QueueId},
    intents,
    model::{Consent, Priority},
    time::Timestamp,
};

use crate::{
    alerts::{Mute, QuietHours},
    conversation::{Field, Started},
    device::Device,
    error::OffdeskError,
    ids::ContactId,
    inbox::InboxFilter,
    set_up::{CannedRef, Expanded},
};

/// A contact to create. Phones are as a person types them.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct NewContact {
    /// The name, empty if unknown.
    #[uniffi(default = "")]
    pub name: String,
    /// The phones.
    #[uniffi(default = [])]
    pub phones: Vec<String>,
    /// The e-mail address.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// The record owner; nobody: who creates it.
    #[uniffi(default = None)]
    pub owner: Option<MemberId>,
}

/// Edits of a contact: what is not given stays. Phones are as a person types them.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct ContactEdit {
    /// A new name.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// A new e-mail address; empty removes it.
    #[uniffi(default = None)]
    pub email: Option<String>,
    /// Phones to add.
    #[uniffi(default = [])]
    pub add_phones: Vec<String>,
    /// Phones to remove.
    #[uniffi(default = [])]
    pub remove_phones: Vec<String>,
    /// Own fields to set; an empty value removes the field.
    #[uniffi(default = [])]
    pub custom: Vec<Field>,
    /// A new record owner.
    #[uniffi(default = None)]
    pub owner: Option<MemberId>,
    /// Members to share the record with.
    #[uniffi(default = [])]
    pub share: Vec<MemberId>,
    /// Members to share it with no more.
    #[uniffi(default = [])]
    pub unshare: Vec<MemberId>,
}

/// A contact that was created.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CreatedContact {
    /// Its id.
    pub contact: ContactId,
    /// What waits for the relay.
    pub intent: IntentId,
}

/// What is done to many conversations at once.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum BulkAction {
    /// Assigns a member.
    Assign {
        /// Whom.
        member: MemberId,
    },
    /// Ends a member's assignments.
    Unassign {
        /// Whose.
        member: MemberId,
    },
    /// Closes them.
    Close,
    /// Opens them again.
    Reopen,
    /// Lets them rest.
    Snooze {
        /// Until when.
        until: Timestamp,
    },
    /// Ends their rest.
    Wake,
    /// Says how urgent they are.
    SetPriority {
        /// How.
        priority: Priority,
    },
    /// Moves them to a queue, or out of any.
    MoveToQueue {
        /// Which.
        queue: Option<QueueId>,
    },
    /// Adds a tag.
    AddTag {
        /// Which.
        tag: String,
    },
    /// Removes a tag.
    RemoveTag {
        /// Which.
        tag: String,
    },
}

impl From<BulkAction> for intents::Verb {
    fn from(action: BulkAction) -> Self {
        match action {
            BulkAction::Assign { member } => Self::Assign { member },
            BulkAction::Unassign { member } => Self::Unassign { member, seen: Vec::new() },
            BulkAction::Close => Self::Close { seen: None },
            BulkAction::Reopen => Self::Reopen { closings: Vec::new() },
            BulkAction::Snooze { until } => Self::Snooze { until, seen: None, replaces: Vec::new() },
            BulkAction::Wake => Self::Wake { snoozes: Vec::new() },
            BulkAction::SetPriority { priority } => Self::SetPriority { priority },
            BulkAction::MoveToQueue { queue } => Self::MoveToQueue { queue },
            BulkAction::AddTag { tag } => Self::AddTag { tag },
            BulkAction::RemoveTag { tag } => Self::RemoveTag { tag },
        }
    }
}

/// What became of one of many.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BulkOutcome {
    /// Which.
    pub conversation: ConversationId,
    /// What waits for the relay, if it was done.
    pub intent: Option<IntentId>,
    /// Why it was not done, in words for people.
    pub failure: Option<String>,
}

#[uniffi::export]
impl Device {
    /// Starts a conversation by SMS, with a first message if a text is given. The phone is as a person types it; `name` is
    /// for a customer who is new here, `from` one of the workspace's numbers. One that is here already is opened again.
    ///
    /// # Errors
    /// `InvalidPhone`, `Forbidden`, `TextTooLong`, or as any write.
    #[uniffi::method(default(name = None, from = None, text = None))]
    pub fn start_conversation(
        &self,
        phone: String,
        name: Option<String>,
        from: Option<String>,
        text: Option<String>,
    ) -> Result<Started, OffdeskError> {
        let started = self.offdesk.start_conversation(&phone, name.as_deref(), from.as_deref(), text.as_deref())?;
        Ok(started.into())
    }

    /// Sends a message to the customer, and assigns its author (R17). Waits the undo window before it leaves.
    ///
    /// # Errors
    /// `EmptyText`, `TextTooLong`, `Forbidden`, `NotFound`, or as any write.
    pub fn reply(&self, conversation: ConversationId, text: String) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.reply(conversation, &text)?)
    }

    /// Sends a message to the customer at a later time, and assigns its author now. The relay keeps it until then.
    ///
    /// # Errors
    /// As `reply`, and `InvalidTime`.
    pub fn reply_later(
        &self,
        conversation: ConversationId,
        text: String,
        at: Timestamp,
    ) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.reply_later(conversation, &text, at)?)
    }

    /// Adds an internal note, which is never sent. Members whom it mentions are alerted (R26).
    ///
    /// # Errors
    /// As `reply`; `NotFound` also for a member.
    #[uniffi::method(default(mentions = []))]
    pub fn note(
        &self,
        conversation: ConversationId,
        text: String,
        mentions: Vec<MemberId>,
    ) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.note_to(conversation, &text, &mentions)?)
    }

    /// Sends a held or scheduled reply as it stands (R33).
    ///
    /// # Errors
    /// `NotFound`, `NotPossible` if it is not held any more, `Forbidden`, or as any write.
    pub fn send_held(&self, conversation: ConversationId, message: IntentId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.send_held(conversation, message)?)
    }

    /// Drops a held or scheduled reply: it is never sent (R33).
    ///
    /// # Errors
    /// As `send_held`.
    pub fn drop_held(&self, conversation: ConversationId, message: IntentId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.drop_held(conversation, message)?)
    }

    /// Sends another text in a held reply's place (R33).
    ///
    /// # Errors
    /// As `send_held` and `reply`.
    pub fn edit_held(
        &self,
        conversation: ConversationId,
        message: IntentId,
        text: String,
    ) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.edit_held(conversation, message, &text)?)
    }

    /// Keeps a draft, from the first keystroke on; an empty text removes it (R27).
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn set_draft(&self, conversation: ConversationId, text: String) -> Result<(), OffdeskError> {
        Ok(self.offdesk.set_draft(conversation, &text)?)
    }

    /// Puts a canned response into the draft, its variables filled in (R37).
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, or as any write.
    pub fn insert_canned(&self, conversation: ConversationId, canned: CannedRef) -> Result<Expanded, OffdeskError> {
        Ok(self.offdesk.insert_canned(conversation, canned.into())?.into())
    }

    /// Says that the member has this conversation open, or none: colleagues are shown that while it lasts (R27).
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn look_at(&self, conversation: Option<ConversationId>) -> Result<(), OffdeskError> {
        Ok(self.offdesk.look_at(conversation)?)
    }

    /// Marks a conversation read on all of the member's devices (R25).
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn mark_read(&self, conversation: ConversationId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.mark_read(conversation)?)
    }

    /// Marks many conversations read.
    ///
    /// # Errors
    /// `NotFound`, and nothing is then changed; or as any write.
    pub fn mark_each_read(&self, conversations: Vec<ConversationId>) -> Result<(), OffdeskError> {
        Ok(self.offdesk.mark_each_read(&conversations)?)
    }

    /// Marks a conversation unread until it is next read (R25).
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn mark_unread(&self, conversation: ConversationId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.mark_unread(conversation)?)
    }

    /// Assigns a member (R18).
    ///
    /// # Errors
    /// `NotEligible`, `Forbidden`, `NotFound`, or as any write.
    pub fn assign(&self, conversation: ConversationId, member: MemberId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.assign(conversation, member)?)
    }

    /// Ends a member's assignments (R20).
    ///
    /// # Errors
    /// `NothingToDo` if they are not assigned, `Forbidden`, `NotFound`, or as any write.
    pub fn unassign(&self, conversation: ConversationId, member: MemberId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.unassign(conversation, member)?)
    }

    /// Closes a conversation; it opens again when the contact writes (R20).
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, or as any write.
    pub fn close_conversation(&self, conversation: ConversationId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.close_conversation(conversation)?)
    }

    /// Opens a closed conversation again.
    ///
    /// # Errors
    /// `NothingToDo` if it is open, `Forbidden`, `NotFound`, or as any write.
    pub fn reopen(&self, conversation: ConversationId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.reopen(conversation)?)
    }

    /// Lets a conversation rest until a time, or until the contact writes (R20).
    ///
    /// # Errors
    /// `InvalidTime`, `Forbidden`, `NotFound`, or as any write.
    pub fn snooze(&self, conversation: ConversationId, until: Timestamp) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.snooze(conversation, until)?)
    }

    /// Ends a conversation's rest.
    ///
    /// # Errors
    /// `NothingToDo`, `Forbidden`, `NotFound`, or as any write.
    pub fn wake(&self, conversation: ConversationId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.wake(conversation)?)
    }

    /// Says how urgent a conversation is.
    ///
    /// # Errors
    /// `NothingToDo`, `Forbidden`, `NotFound`, or as any write.
    pub fn set_priority(&self, conversation: ConversationId, priority: Priority) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.set_priority(conversation, priority)?)
    }

    /// Moves a conversation to a queue, or out of any.
    ///
    /// # Errors
    /// `NothingToDo`, `Forbidden`, `NotFound`, or as any write.
    pub fn move_to_queue(
        &self,
        conversation: ConversationId,
        queue: Option<QueueId>,
    ) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.move_to_queue(conversation, queue)?)
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// `InvalidValue`, `NothingToDo`, `Forbidden`, `NotFound`, or as any write.
    pub fn add_tag(&self, conversation: ConversationId, tag: String) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.add_tag(conversation, &tag)?)
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// As `add_tag`.
    pub fn remove_tag(&self, conversation: ConversationId, tag: String) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.remove_tag(conversation, &tag)?)
    }

    /// Does something to many conversations in one write. What can't be done to one hinders none of the others.
    ///
    /// # Errors
    /// As any write; nothing is then changed.
    pub fn on_each(
        &self,
        conversations: Vec<ConversationId>,
        action: BulkAction,
    ) -> Result<Vec<BulkOutcome>, OffdeskError> {
        let outcomes = self.offdesk.on_each(&conversations, &action.into())?.into_iter();
        let outcome = |(conversation, outcome): (_, Result<IntentId, offdesk_core::engine::Error>)| {
            let failure = outcome.as_ref().err().map(ToString::to_string);
            BulkOutcome { conversation, intent: outcome.ok(), failure }
        };
        Ok(outcomes.map(outcome).collect())
    }

    /// Takes back something that has not left yet.
    ///
    /// # Errors
    /// `TooLate` once it is on its way, `NotFound`, or as any write.
    pub fn undo(&self, intent: IntentId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.undo(intent)?)
    }

    /// Runs what needs attention again, as a new intent.
    ///
    /// # Errors
    /// As the verb itself; `TooLate` if it doesn't need attention, `NotFound`.
    pub fn retry(&self, intent: IntentId) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.retry(intent)?)
    }

    /// Drops what needs attention, its text with it.
    ///
    /// # Errors
    /// `TooLate` if it doesn't need attention, `NotFound`, or as any write.
    pub fn discard(&self, intent: IntentId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.discard(intent)?)
    }

    /// Creates a contact.
    ///
    /// # Errors
    /// `InvalidPhone`, `InvalidValue`, `NothingToDo` for one without anything, `Forbidden`, or as any write.
    pub fn create_contact(&self, contact: NewContact) -> Result<CreatedContact, OffdeskError> {
        let NewContact { name, phones, email, owner } = contact;
        let (contact, intent) = self.offdesk.create_contact(intents::NewContact { name, phones, email, owner })?;
        Ok(CreatedContact { contact, intent })
    }

    /// Edits a contact.
    ///
    /// # Errors
    /// As `create_contact`, and `NotFound`.
    pub fn edit_contact(&self, contact: ContactId, edit: ContactEdit) -> Result<IntentId, OffdeskError> {
        let ContactEdit { name, email, add_phones, remove_phones, custom, owner, share, unshare } = edit;
        let custom = custom.into_iter().map(|field| (field.name, field.value)).collect();
        let edit = intents::ContactEdit {
            name,
            email,
            add_phones,
            remove_phones,
            custom,
            owner,
            share,
            unshare,
            ..intents::ContactEdit::default()
        };
        Ok(self.offdesk.edit_contact(contact, edit)?)
    }

    /// Says whether one of a contact's phones may be written to (R34); nothing: it is not known any more.
    ///
    /// # Errors
    /// As `edit_contact`.
    pub fn set_consent(
        &self,
        contact: ContactId,
        phone: String,
        consent: Option<Consent>,
    ) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.set_consent(contact, &phone, consent)?)
    }

    /// Blocks a contact as spam, or no more.
    ///
    /// # Errors
    /// As `edit_contact`.
    pub fn block_contact(&self, contact: ContactId, blocked: bool) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.block_contact(contact, blocked)?)
    }

    /// Dismisses an alert or a due reminder, on all of the member's devices (R15). One that is gone is no error.
    ///
    /// # Errors
    /// As any write.
    pub fn dismiss_alert(&self, alert: AlertId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.dismiss_alert(alert)?)
    }

    /// Reminds this member of a conversation at a time, in place of one that was set before; nothing: not at all.
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn follow_up(&self, conversation: ConversationId, at: Option<Timestamp>) -> Result<(), OffdeskError> {
        Ok(self.offdesk.follow_up(conversation, at)?)
    }

    /// Keeps alerts from being shown and counted until a time, or for good if none is given.
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    #[uniffi::method(default(until = None))]
    pub fn mute(&self, what: Mute, until: Option<Timestamp>) -> Result<(), OffdeskError> {
        Ok(self.offdesk.mute(what.into(), Some(until.unwrap_or(offdesk_core::engine::FOR_GOOD)))?)
    }

    /// Ends a mute. What was raised meanwhile shows, if it stands.
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn unmute(&self, what: Mute) -> Result<(), OffdeskError> {
        Ok(self.offdesk.mute(what.into(), None)?)
    }

    /// Sets this member's quiet hours (R16); nothing: they have none.
    ///
    /// # Errors
    /// `InvalidValue` for what is none, or as any write.
    pub fn set_quiet_hours(&self, hours: Option<QuietHours>) -> Result<(), OffdeskError> {
        let hours = hours.map(TryInto::try_into).transpose()?;
        Ok(self.offdesk.set_quiet_hours(hours.as_ref())?)
    }

    /// This member's quiet hours, if they have any.
    ///
    /// # Errors
    /// As any read.
    pub fn quiet_hours(&self) -> Result<Option<QuietHours>, OffdeskError> {
        Ok(self.offdesk.peace()?.quiet.map(Into::into))
    }

    /// Saves a filter under a name of 1 to 60 characters, and returns its id.
    ///
    /// # Errors
    /// `InvalidValue`, `NotPossible` if there are 200, or as any write.
    pub fn save_filter(&self, name: String, filter: InboxFilter) -> Result<IntentId, OffdeskError> {
        Ok(self.offdesk.save_filter(&name, &filter.into())?)
    }

    /// Deletes a saved filter. One that is gone is no error.
    ///
    /// # Errors
    /// As any write.
    pub fn delete_filter(&self, id: IntentId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.delete_filter(id)?)
    }
}
