//! What conversations are sorted by, one or many at once (R26).

use super::{find, submit};
use crate::{
    engine::{Offdesk, error::Error},
    ids::{ConversationId, IntentId, MemberId, QueueId},
    intents::{Verb, VerbError},
    model::{Kind, Priority},
    policy::Access,
    sync::{SubmitError, storage::Storage},
    time::Timestamp,
};

/// What came of a verb on each of many conversations: the intent, or why not.
pub type Outcomes = Vec<(ConversationId, Result<IntentId, Error>)>;

impl Offdesk {
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

    /// Lets a conversation rest until a time, or until the customer writes (R20). A new snooze takes the place of those that
    /// this device knows of.
    ///
    /// # Errors
    /// [`Error::Verb`] for a time that has passed or lies more than a year ahead, [`Error::Forbidden`],
    /// [`Error::UnknownConversation`].
    pub fn snooze(&self, conversation: ConversationId, until: Timestamp) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Snooze { until, seen: None, replaces: Vec::new() })
    }

    /// Ends a rest before its time.
    ///
    /// # Errors
    /// [`Error::Verb`] if it doesn't rest, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn wake(&self, conversation: ConversationId) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::Wake { snoozes: Vec::new() })
    }

    /// Says how urgent a conversation is.
    ///
    /// # Errors
    /// [`Error::Verb`] if it is so already, [`Error::Forbidden`], [`Error::UnknownConversation`].
    pub fn set_priority(&self, conversation: ConversationId, priority: Priority) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::SetPriority { priority })
    }

    /// Moves a conversation to a queue, or out of any.
    ///
    /// # Errors
    /// [`Error::Verb`] if it is there already, [`Error::Forbidden`] also for a queue that is not there or archived,
    /// [`Error::UnknownConversation`].
    pub fn move_to_queue(&self, conversation: ConversationId, queue: Option<QueueId>) -> Result<IntentId, Error> {
        self.verb(conversation, Verb::MoveToQueue { queue })
    }

    /// Runs a verb on many conversations. What can't be done on one hinders none of the others: for each there is the intent,
    /// which can be undone by itself until it is in flight, or why not.
    ///
    /// # Errors
    /// [`Error::Verb`] for a verb that is none of conversations that are there; [`Error::Storage`]. Nothing is then changed.
    pub fn on_each(&self, conversations: &[ConversationId], verb: &Verb) -> Result<Outcomes, Error> {
        if verb.kind() != Kind::Conversation || matches!(verb, Verb::StartConversation { .. }) {
            return Err(Error::Verb(VerbError::WrongDocument));
        }
        self.engine().local(|session, now, rng, disk| {
            let mut documents = Vec::with_capacity(conversations.len());
            for conversation in conversations {
                documents.push(disk.document_of(*conversation)?);
            }
            let known: Vec<_> = documents.iter().flatten().copied().collect();
            let mut outcomes = session.submit_each(now, rng, disk, &known, verb)?.into_iter();
            let outcome = |(conversation, document): (&ConversationId, Option<_>)| {
                let found = document.and_then(|_| outcomes.next());
                let outcome = found.map(|outcome: Result<IntentId, SubmitError>| outcome.map_err(Error::from));
                (*conversation, outcome.unwrap_or(Err(Error::UnknownConversation(*conversation))))
            };
            Ok(conversations.iter().zip(documents).map(outcome).collect())
        })
    }

    /// Takes back what has not left yet of many, such as all that [`Offdesk::on_each`] did.
    ///
    /// # Errors
    /// Inside, as [`Offdesk::undo`]; outside, as any write.
    pub fn undo_each(&self, intents: &[IntentId]) -> Result<Vec<Result<(), Error>>, Error> {
        let mut outcomes = Vec::with_capacity(intents.len());
        for intent in intents {
            match self.undo(*intent) {
                Err(error @ Error::Storage(_)) => return Err(error),
                outcome => outcomes.push(outcome),
            }
        }
        Ok(outcomes)
    }

    /// Marks many conversations read, as [`Offdesk::mark_read`].
    ///
    /// # Errors
    /// [`Error::UnknownConversation`]; nothing is then changed.
    pub fn mark_each_read(&self, conversations: &[ConversationId]) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            for conversation in conversations {
                let document = find(disk, *conversation)?;
                session.mark_read(now, disk, document)?;
            }
            Ok(())
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
}
