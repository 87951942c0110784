//! What an Administrator sets up from a device (R1): members, roles, settings, queues, canned responses, hours, engagements,
//! automations. It shows at once, leaves when there is a network, and is judged as everybody's changes are.

use std::collections::BTreeMap;

use rand::Rng;

use super::first;
use crate::{
    engine::{Offdesk, error::Error},
    ids::IntentId,
    intents::{Verb, VerbError},
    model::RegisterEdit,
    sync::{Submission, storage::Storage},
};

impl Offdesk {
    /// Edits the directory or the settings, all of it in one change. What to edit follows from what the screen showed and
    /// what its member made of it: `edits(&before.actions(id), &after.actions(id))` with
    /// [`edits`](crate::model::settings::edits); nothing before is a new thing, nothing after a removed one.
    ///
    /// Somebody else's edit of the same is never run over: if it is known here already this fails, and if the relay has it
    /// this needs attention later, with the reason.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a User, and for what doesn't fit together; [`Error::Verb`] if somebody changed it meanwhile,
    /// if there is nothing to do, and for edits of both documents at once.
    pub fn administer(&self, edits: &[RegisterEdit]) -> Result<IntentId, Error> {
        self.engine().local(|session, now, rng, disk| {
            let mut kinds: BTreeMap<_, Vec<RegisterEdit>> = BTreeMap::new();
            for edit in edits {
                kinds.entry(edit.map.kind()).or_default().push(edit.clone());
            }
            let (Some((kind, edits)), true) = (kinds.pop_first(), kinds.is_empty()) else {
                return Err(Error::Verb(if edits.is_empty() {
                    VerbError::NothingToDo
                } else {
                    VerbError::WrongDocument
                }));
            };
            let document = disk.documents(Some(kind))?.first().copied();
            let document = document.ok_or(Error::Verb(VerbError::WrongDocument))?;
            first(&session.submit(now, rng, disk, Submission::one(document, Verb::Administer { edits }))?)
        })
    }

    /// A fresh id for something that is set up: `QueueId(device.fresh_id()?)`.
    ///
    /// # Errors
    /// As any write.
    pub fn fresh_id(&self) -> Result<[u8; 16], Error> {
        self.engine().local(|_, now, rng: &mut dyn Rng, _| Ok(IntentId::generate(now, rng).0))
    }
}
