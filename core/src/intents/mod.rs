//! What members ask for, one file a verb: what it checks, what it changes, its tests.
//!
//! A verb holds its arguments and *what its author had seen* when that matters (the assignments that an unassign removes,
//! the last inbound message that a closing knows of), so that running it again on other heads still means the same.
//! [`Verb::actions`] is pure: the same verb on the same state gives the same actions.

mod administer;
mod assign;
mod close;
mod contact;
mod held;
mod message;
mod snooze;
mod sort;
mod start;
mod tag;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContactId, ConversationId, IntentId, MemberId, MessageId, QueueId},
    model::{Action, Channel, Contact, Conversation, Document, HeldChoice, Kind, Priority, RegisterEdit},
    time::Timestamp,
};

pub use contact::{ConsentEdit, ContactEdit, NewContact};

/// What a member asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Starts a conversation, with a first message if there is a text. On a conversation that exists it reopens and
    /// replies.
    StartConversation {
        /// Its id, if it turns out to be new.
        conversation: ConversationId,
        /// With whom.
        contact: ContactId,
        /// Over what.
        channel: Channel,
        /// The first message.
        text: Option<String>,
    },
    /// Sends a message to the contact, and assigns its author (R17).
    Reply {
        /// The text.
        text: String,
    },
    /// Sends a message to the contact at a later time, which the relay keeps; assigns its author now (R17).
    ReplyLater {
        /// The text.
        text: String,
        /// When.
        at: Timestamp,
    },
    /// Adds an internal note.
    Note {
        /// The text.
        text: String,
        /// Members whom it calls (R26).
        #[serde(default)]
        mentions: Vec<MemberId>,
    },
    /// Assigns a member (R18).
    Assign {
        /// Whom.
        member: MemberId,
    },
    /// Removes the assignments of a member that the author saw (R20).
    Unassign {
        /// Whose.
        member: MemberId,
        /// Which, as seen by the author; filled when the verb is first run.
        seen: Vec<IntentId>,
    },
    /// Closes the episode.
    Close {
        /// The last inbound message that the author knew of.
        seen: Option<MessageId>,
    },
    /// Undoes the closings that the author saw.
    Reopen {
        /// Which.
        closings: Vec<IntentId>,
    },
    /// Lets the conversation rest (R20).
    Snooze {
        /// Until when.
        until: Timestamp,
        /// The last inbound message that the author knew of; filled when the verb is first run.
        seen: Option<MessageId>,
        /// The snoozes that it takes the place of, as seen by the author; filled when the verb is first run.
        replaces: Vec<IntentId>,
    },
    /// Ends the snoozes that the author saw.
    Wake {
        /// Which; filled when the verb is first run.
        snoozes: Vec<IntentId>,
    },
    /// Says how urgent the conversation is.
    SetPriority {
        /// How.
        priority: Priority,
    },
    /// Moves the conversation to a queue.
    MoveToQueue {
        /// Which; `None` takes it out of any.
        queue: Option<QueueId>,
    },
    /// Adds a tag.
    AddTag {
        /// The tag.
        tag: String,
    },
    /// Removes a tag.
    RemoveTag {
        /// The tag.
        tag: String,
    },
    /// Sends or drops a held reply as it stands (R33).
    DecideHeld {
        /// The held message.
        message: MessageId,
        /// What is done.
        choice: HeldChoice,
    },
    /// Drops a held reply and sends this text in its place, in one change (R33).
    EditHeld {
        /// The held message.
        message: MessageId,
        /// The new text.
        text: String,
    },
    /// Creates a contact.
    CreateContact(NewContact),
    /// Edits a contact.
    EditContact(ContactEdit),
    /// Edits the directory or the settings (R1).
    Administer {
        /// The edits, all of one of the two documents, each with what its author saw.
        edits: Vec<RegisterEdit>,
    },
}

/// A verb can't be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerbError {
    /// A text is needed.
    #[error("write a text first: a message can't be empty")]
    EmptyText,
    /// The text is too long.
    #[error("the text has {0} bytes; at most {max} can be sent at once: shorten it or send it in parts", max = crate::model::action::MAX_TEXT_BYTES)]
    TextTooLong(usize),
    /// Not a tag.
    #[error("a tag needs 1 to {max} bytes", max = crate::model::action::MAX_FIELD_BYTES)]
    InvalidTag,
    /// Not a phone number.
    #[error(transparent)]
    InvalidPhone(#[from] crate::phone::InvalidPhone),
    /// The verb would change nothing: it is so already.
    #[error("nothing to do: it is so already")]
    NothingToDo,
    /// The verb does not fit the document.
    #[error("this can't be done here")]
    WrongDocument,
    /// A field's value is too long.
    #[error("{field} is longer than {max} bytes", max = crate::model::action::MAX_FIELD_BYTES)]
    FieldTooLong {
        /// Which field.
        field: &'static str,
    },
    /// The message is not held any more.
    #[error("this message is not held any more")]
    NotHeld,
    /// The time lies in the past.
    #[error("this time has passed: choose a later one")]
    TimePassed,
    /// The time lies too far ahead.
    #[error("this lies more than a year ahead: choose an earlier time")]
    TooFarAhead,
    /// Too many members are mentioned.
    #[error("a note mentions at most {max} members", max = crate::model::action::MAX_MENTIONS)]
    TooManyMentions,
    /// What the author had seen is so no more.
    #[error("somebody changed this meanwhile: look at it and try again")]
    ChangedMeanwhile,
}

/// The state that a verb runs on.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// A conversation, `None` before it is opened.
    Conversation(Option<&'a Conversation>),
    /// A contact, `None` before it is created.
    Contact(Option<&'a Contact>),
    /// The directory or the settings.
    SetUp(&'a Document),
}

/// Who runs a verb, when, under which intent.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// The member.
    pub member: MemberId,
    /// The intent.
    pub intent: IntentId,
    /// The device's clock.
    pub at: Timestamp,
    /// Whether they can be assigned (R8), as far as this device knows.
    pub assignable: bool,
}

impl Verb {
    /// The kind of document that it changes.
    pub fn kind(&self) -> Kind {
        match self {
            Verb::Administer { edits } => edits.first().map_or(Kind::Settings, |edit| edit.map.kind()),
            Verb::CreateContact(_) | Verb::EditContact(_) => Kind::Contact,
            _ => Kind::Conversation,
        }
    }

    /// Its name in JSON, logs and the outbox.
    pub const fn name(&self) -> &'static str {
        match self {
            Verb::StartConversation { .. } => "start_conversation",
            Verb::Reply { .. } => "reply",
            Verb::ReplyLater { .. } => "reply_later",
            Verb::Note { .. } => "note",
            Verb::Assign { .. } => "assign",
            Verb::Unassign { .. } => "unassign",
            Verb::Close { .. } => "close",
            Verb::Reopen { .. } => "reopen",
            Verb::Snooze { .. } => "snooze",
            Verb::Wake { .. } => "wake",
            Verb::SetPriority { .. } => "set_priority",
            Verb::MoveToQueue { .. } => "move_to_queue",
            Verb::AddTag { .. } => "add_tag",
            Verb::RemoveTag { .. } => "remove_tag",
            Verb::DecideHeld { .. } => "decide_held",
            Verb::EditHeld { .. } => "edit_held",
            Verb::CreateContact(_) => "create_contact",
            Verb::EditContact(_) => "edit_contact",
            Verb::Administer { .. } => "administer",
        }
    }

    /// The text that would be lost with it, for its author to keep when it is refused.
    pub fn text(&self) -> Option<&str> {
        match self {
            Verb::StartConversation { text, .. } => text.as_deref(),
            Verb::Reply { text }
            | Verb::ReplyLater { text, .. }
            | Verb::Note { text, .. }
            | Verb::EditHeld { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it sends something to the contact: such intents wait the undo window and carry what was seen (R33).
    pub fn sends(&self) -> bool {
        match self {
            Verb::Reply { .. } | Verb::ReplyLater { .. } | Verb::EditHeld { .. } => true,
            Verb::StartConversation { text, .. } => text.is_some(),
            _ => false,
        }
    }

    /// The actions that carry it out on `state`.
    ///
    /// # Errors
    /// A [`VerbError`]; [`VerbError::NothingToDo`] means that the state is already as asked, which a re-run may take as
    /// done.
    pub fn actions(&self, author: &Author, state: State<'_>) -> Result<Vec<Action>, VerbError> {
        match (self, state) {
            (Verb::StartConversation { conversation, contact, channel, text }, State::Conversation(on)) => {
                start::actions(author, *conversation, *contact, channel, text.as_deref(), on)
            }
            (Verb::Reply { text }, State::Conversation(Some(_))) => message::reply(author, text),
            (Verb::ReplyLater { text, at }, State::Conversation(Some(_))) => message::reply_later(author, text, *at),
            (Verb::Note { text, mentions }, State::Conversation(Some(_))) => message::note(author, text, mentions),
            (Verb::Assign { member }, State::Conversation(Some(_))) => Ok(assign::assign(author, *member)),
            (Verb::Unassign { member, seen }, State::Conversation(Some(on))) => assign::unassign(*member, seen, on),
            (Verb::Close { seen }, State::Conversation(Some(_))) => Ok(close::close(author, *seen)),
            (Verb::Reopen { closings }, State::Conversation(Some(on))) => close::reopen(author, closings, on),
            (Verb::Snooze { until, seen, replaces }, State::Conversation(Some(on))) => {
                snooze::snooze(author, *until, *seen, replaces, on)
            }
            (Verb::Wake { snoozes }, State::Conversation(Some(on))) => snooze::wake(author, snoozes, on),
            (Verb::SetPriority { priority }, State::Conversation(Some(on))) => sort::priority(*priority, on),
            (Verb::MoveToQueue { queue }, State::Conversation(Some(on))) => sort::queue(*queue, on),
            (Verb::AddTag { tag }, State::Conversation(Some(on))) => tag::add(tag, on),
            (Verb::RemoveTag { tag }, State::Conversation(Some(on))) => tag::remove(tag, on),
            (Verb::DecideHeld { message, choice }, State::Conversation(Some(on))) => {
                held::decide(author, *message, *choice, on)
            }
            (Verb::EditHeld { message, text }, State::Conversation(Some(on))) => held::edit(author, *message, text, on),
            (Verb::CreateContact(new), State::Contact(None)) => contact::create(author, new),
            (Verb::EditContact(edit), State::Contact(Some(on))) => contact::edit(edit, on),
            (Verb::CreateContact(new), State::Contact(Some(on))) => contact::complete(new, on),
            (Verb::Administer { edits }, State::SetUp(on)) => administer::administer(edits, on),
            _ => Err(VerbError::WrongDocument),
        }
    }
}
