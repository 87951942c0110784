//! Priority and queue: plain values, of which the last accepted counts.

use crate::{
    ids::QueueId,
    intents::VerbError,
    model::{Action, Conversation, Priority},
};

pub(super) fn priority(priority: Priority, on: &Conversation) -> Result<Vec<Action>, VerbError> {
    if on.sorting.priority == priority {
        return Err(VerbError::NothingToDo);
    }
    Ok(vec![Action::SetPriority { priority }])
}

pub(super) fn queue(queue: Option<QueueId>, on: &Conversation) -> Result<Vec<Action>, VerbError> {
    if on.sorting.queue == queue {
        return Err(VerbError::NothingToDo);
    }
    Ok(vec![Action::SetQueue { queue }])
}
