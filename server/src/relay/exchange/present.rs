//! Presence in an exchange (R27): what a device says of its member is looked at when it comes, and what is told to a device
//! when it goes, each with the access of that moment (R5, R9).

use std::collections::BTreeMap;

use offdesk_core::{
    ids::DocumentId,
    protocol::{Presence, Response},
};

use super::{Exchange, Members, Stage, catch_up};
use crate::{auth::AuthError, store::ReadTx};

impl Exchange {
    /// Of the conversations that the member says to be in, those that they may see.
    pub(super) fn seen_among(&mut self, tx: &ReadTx<'_>) -> Result<BTreeMap<DocumentId, Presence>, AuthError> {
        let mut seen = BTreeMap::new();
        for (document, presence) in self.request.presence.take().unwrap_or_default() {
            if presence != Presence::Unknown && catch_up::shows(tx, &self.device, document)? {
                seen.insert(document, presence);
            }
        }
        Ok(seen)
    }

    /// Where the member is, as far as they may see it, if the device said so: for whoever tells others.
    pub fn take_presence(&mut self) -> Option<BTreeMap<DocumentId, Presence>> {
        self.present.take()
    }

    /// Who else is in some conversations now. Nothing, unless the exchange waits: it is said again soon.
    pub fn noticed(&mut self, told: Vec<(DocumentId, Members)>) {
        if matches!(self.stage, Stage::Wait) && !told.is_empty() {
            self.stage = Stage::Tell(told);
        }
    }

    /// Whether the member may see a conversation is looked at when they are told of it (R5, R9).
    pub(super) fn tell(&mut self, tx: &ReadTx<'_>, told: Vec<(DocumentId, Members)>) -> Result<Stage, AuthError> {
        self.check_access(tx)?;
        let mut frames = Vec::new();
        for (document, members) in told {
            // That the last one left is told to whom it was told that they came.
            let known = self.peopled.contains(&document);
            if (members.is_empty() && !known) || !catch_up::shows(tx, &self.device, document)? {
                self.peopled.remove(&document);
                continue;
            }
            if members.is_empty() {
                self.peopled.remove(&document);
            } else {
                self.peopled.insert(document);
            }
            frames.push(Response::Presence { document, members });
        }
        let then = Box::new(Stage::Wait);
        Ok(if frames.is_empty() { Stage::Wait } else { Stage::Send { frames, flush: true, then } })
    }
}
