//! Add and remove a tag.

use crate::{
    intents::VerbError,
    model::{Action, Conversation, action::MAX_FIELD_BYTES},
};

pub(super) fn add(tag: &str, on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let tag = tag.trim();
    if tag.is_empty() || tag.len() > MAX_FIELD_BYTES {
        return Err(VerbError::InvalidTag);
    }
    if on.tags.contains(tag) {
        return Err(VerbError::NothingToDo);
    }
    Ok(vec![Action::AddTag { tag: tag.to_owned() }])
}

pub(super) fn remove(tag: &str, on: &Conversation) -> Result<Vec<Action>, VerbError> {
    let tag = tag.trim();
    if on.tags.contains(tag) {
        Ok(vec![Action::RemoveTag { tag: tag.to_owned() }])
    } else {
        Err(VerbError::NothingToDo)
    }
}
