//! Ways to reach a contact. A provider is called through [`SmsProvider`]; what it answers is sorted here by the one
//! question that matters for R32: can the message have left?

pub mod twilio;

use std::{fmt::Debug, time::Duration};

use futures_util::future::BoxFuture;
use offdesk_core::{
    ids::{IntentId, MessageId},
    time::Timestamp,
};

/// One call of the provider for one message. A message that is tried again has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptId(pub IntentId);

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub message: MessageId,
    /// This attempt at it.
    pub attempt: AttemptId,
    /// Our number, in E.164.
    pub sender: String,
    /// The contact's number, in E.164.
    pub recipient: String,
    /// The text.
    pub body: String,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    HandedOver {
        /// The provider's id of it.
        provider_id: String,
        /// How far it already got.
        progress: Progress,
    },
    /// The provider refused it: it was not sent.
    Refused {
        /// Why, in plain words.
        reason: String,
        /// Whether trying the same again is pointless. If not, somebody has to act first (a wrong password, an account
        /// out of money), after which it may be tried again.
        permanent: bool,
    },
    /// The provider surely has not taken it and may do so later.
    TryLater {
        /// The pause that the provider asks for.
        after: Option<Duration>,
        /// Why, in plain words.
        why: String,
    },
    /// It may or may not have been taken. Never tried again before the provider has been asked.
    Unclear {
        /// Why, in plain words.
        why: String,
    },
}

/// How far a message got at the provider, in the order of R31's ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The provider has it.
    HandedOver,
    /// It left the provider.
    Sent,
    /// It arrived.
    Delivered,
    /// It did not.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
}

/// An outbound message that the provider says to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The provider's id of it.
    pub provider_id: String,
    /// The text.
    pub body: String,
    /// When the provider took it, by its own clock.
    pub at: Timestamp,
    /// How far it got.
    pub progress: Progress,
}

/// An inbound message as the provider holds or delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The provider's id of it.
    pub provider_id: String,
    /// Who wrote.
    pub from: String,
    /// To which of our numbers.
    pub to: String,
    /// What.
    pub body: String,
    /// How many pictures or other files came with it.
    pub attachments: u32,
}

impl Received {
    /// The text for the conversation. Attachments are not fetched yet; that there were some must not be lost.
    pub fn text(&self) -> String {
        let note = match self.attachments {
            0 => return self.body.clone(),
            1 => "[1 attachment, not shown here]".to_owned(),
            several => format!("[{several} attachments, not shown here]"),
        };
        if self.body.is_empty() { note } else { format!("{}\n{note}", self.body) }
    }
}

/// The provider's list can't be had: nothing may be concluded from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It did not answer, or not in a way that can be read.
    #[error("the provider's list of messages can't be had now: {0}")]
    Unavailable(String),
    /// There are more messages than we are ready to read.
    #[error("the provider lists more than {0} messages")]
    TooMany(usize),
}

/// A provider that sends and receives SMS for our numbers.
pub trait SmsProvider: Debug + Send + Sync {
    /// Hands one message over. The answer says whether it may be tried again.
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Outcome>;

    /// The outbound messages from `sender` to `recipient` that the provider took at or after `since`, by its own clock.
    ///
    /// # Errors
    /// [`ListError`]; an incomplete list is an error, never a shorter list.
    fn find<'a>(
        &'a self,
        recipient: &'a str,
        sender: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Listed>, ListError>>;

    /// The inbound messages to `number` that the provider received at or after `since`, the oldest first.
    ///
    /// # Errors
    /// As [`SmsProvider::find`].
    fn list_inbound<'a>(&'a self, number: &'a str, since: Timestamp)
    -> BoxFuture<'a, Result<Vec<Received>, ListError>>;
}
