//! What an Administrator sets up (R1), from any device, offline too.
//!
//! Each edit says what its author saw. If somebody has changed that meanwhile, the verb is not run over it: it goes back to
//! its author, who looks at it again. The relay asks the same of the change itself (`stale`).

use crate::{
    intents::VerbError,
    model::{Action, Document, RegisterEdit},
};

pub(super) fn administer(edits: &[RegisterEdit], on: &Document) -> Result<Vec<Action>, VerbError> {
    let mut actions = Vec::with_capacity(edits.len());
    for edit in edits {
        if edit.map.kind() != on.kind() {
            return Err(VerbError::WrongDocument);
        }
        let stands = on.register(edit.map, &edit.key);
        if stands == edit.value {
            continue;
        }
        if stands != edit.seen {
            return Err(VerbError::ChangedMeanwhile);
        }
        actions.push(edit.action());
    }
    if actions.is_empty() { Err(VerbError::NothingToDo) } else { Ok(actions) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use automerge::ActorId;

    use super::*;
    use crate::{
        ids::{CannedId, IntentId},
        model::{Canned, Kind, settings::edits},
        time::Timestamp,
    };

    const ID: CannedId = CannedId([7; 16]);

    fn canned(text: &str) -> Vec<Action> {
        Canned { shortcut: "thanks".into(), text: text.into() }.actions(ID)
    }

    /// R1: an edit is of what its author saw, and never of what somebody made of it meanwhile.
    #[test]
    fn an_edit_is_not_run_over_a_newer_one() {
        let mut document = Document::new(Kind::Settings);
        let write = |document: &mut Document, actions: &[Action]| {
            let intent = IntentId([document.heads()[0].0[0]; 16]);
            document.author(ActorId::from([9; 16]), intent, Timestamp(1), actions).unwrap();
        };
        write(&mut document, &canned("Thanks"));
        let edit = edits(&canned("Thanks"), &canned("Thank you"));
        assert_eq!(administer(&edit, &document).unwrap().len(), 1, "only what differs");
        let mut newer = document.clone();
        write(&mut newer, &canned("Cheers"));
        assert_eq!(administer(&edit, &newer), Err(VerbError::ChangedMeanwhile));
        assert_eq!(administer(&edits(&canned("Thanks"), &[]), &newer), Err(VerbError::ChangedMeanwhile));
        write(&mut document, &canned("Thank you"));
        assert_eq!(administer(&edit, &document), Err(VerbError::NothingToDo));
        assert_eq!(administer(&edit, &Document::new(Kind::Directory)), Err(VerbError::WrongDocument));
    }
}
