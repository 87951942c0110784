//! Pages that another process received for this device (ADR 0022).
//!
//! A notification extension pulls while the app is away: it stages the pages as they came, lets go of what is to go
//! ([`Session::purge`]), and looks what its member is to be told ([`Session::rehearse`], which is undone). The app applies
//! the staged pages when it comes back, in the way in which it applies pages from the network, each in the transaction that
//! removes it. A page counts only at the cursor that it was received from: if the device has moved on by itself, the relay
//! has told it the same, and what is staged is dropped.

use std::collections::BTreeSet;

use crate::{
    ids::DocumentId,
    model::Kind,
    protocol::{FactBody, RegisterKey, Response},
    sync::{
        session::{Outgoing, Session, SessionError},
        storage::{StagedPage, Storage, StorageError},
    },
    time::Timestamp,
};

/// Loads the first staged page after a number.
type Load<'a> = &'a dyn Fn(u64) -> Result<Option<StagedPage>, StorageError>;

impl Session {
    /// Another process has written to the database: what is loaded may be of the past.
    pub fn written_elsewhere(&mut self) {
        self.workspace.clear();
        (self.unsettled, self.outgoing, self.searching) = (true, Outgoing::Unknown, true);
        self.changed = true;
    }

    /// Applies the first staged page.
    pub(super) fn take_staged(&mut self, now: Timestamp, disk: &mut dyn Storage) -> Result<(), SessionError> {
        let page = match disk.first_staged() {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(()),
            Err(StorageError::Corrupt(why)) => {
                tracing::warn!(why, "what another process received can't be read and is asked for anew");
                disk.remove_staged(None)?;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut state = disk.state()?.ok_or(SessionError::NotEnrolled)?;
        if state.cursor != page.from {
            disk.remove_staged(None)?;
            return Ok(());
        }
        // What comes on an open stream builds on where the device was.
        if self.stream.is_some() {
            self.cancel_stream();
            self.retry_now();
        }
        for frame in page.frames {
            self.page(now, disk, frame)?;
        }
        state.cursor = page.to;
        state.last_contact = state.last_contact.max(page.received);
        disk.set_state(&state)?;
        disk.remove_staged(Some(page.number))?;
        (self.unsettled, self.outgoing, self.searching) = (true, Outgoing::Unknown, true);
        Ok(())
    }

    /// Lets go at once of what a page that is about to be staged takes away (R9). Other frames do nothing here.
    ///
    /// # Errors
    /// The disk failed.
    pub fn purge(&mut self, now: Timestamp, disk: &mut dyn Storage, frame: &Response) -> Result<(), SessionError> {
        if matches!(frame, Response::Evict { .. } | Response::Retain { .. }) {
            self.page(now, disk, frame.clone())?;
            self.project_touched(disk)?;
            self.effects.clear();
        }
        Ok(())
    }

    /// Applies, of the staged pages that `load` gives, what bears on alerts: what the member is told can then be read from
    /// `disk`, and is to be undone. Documents are loaded one at a time, and only those of which the member is or was alerted.
    ///
    /// # Errors
    /// The disk failed, or the store was never enrolled.
    pub fn rehearse(&mut self, now: Timestamp, disk: &mut dyn Storage, load: Load<'_>) -> Result<(), SessionError> {
        let mut alerted = disk.documents_with_alerts()?;
        each(load, |frame| {
            alerted.extend(alerted_by(frame));
            Ok(())
        })?;
        let mut settings = BTreeSet::new();
        for kind in [Kind::Directory, Kind::Settings] {
            settings.extend(disk.documents(Some(kind))?);
        }
        let mut contacts = BTreeSet::new();
        each(load, |frame| {
            let of = document(frame);
            let bears = match frame {
                Response::Registers { values } => {
                    of.is_none_or(|of| alerted.contains(&of)) || values.iter().any(|(key, _)| is_of_alerts(key))
                }
                Response::Snapshot { kind: Kind::Directory | Kind::Settings, .. } => true,
                _ => of.is_some_and(|of| alerted.contains(&of) || settings.contains(&of)),
            };
            if bears {
                self.page(now, disk, frame.clone())?;
                // Who was ever alerted elsewhere is not looked at anew for a change of members.
                self.workspace.pass_over_the_rest();
                self.project_touched(disk)?;
                let row = of.map(|of| disk.row(of)).transpose()?.flatten();
                contacts.extend(row.map(|row| row.contact));
            }
            Ok(())
        })?;
        each(load, |frame| {
            if document(frame).is_some_and(|of| contacts.contains(&of)) {
                self.page(now, disk, frame.clone())?;
                self.project_touched(disk)?;
            }
            Ok(())
        })?;
        self.effects.clear();
        Ok(())
    }
}

/// The document that a frame is about.
pub(crate) fn document(frame: &Response) -> Option<DocumentId> {
    match frame {
        Response::Snapshot { document, .. } | Response::Delta { document, .. } => Some(*document),
        Response::Registers { values } => values.first().and_then(|(key, _)| key.document()),
        _ => None,
    }
}

fn is_of_alerts(key: &RegisterKey) -> bool {
    matches!(key, RegisterKey::Dismissed(_) | RegisterKey::Muted(_) | RegisterKey::QuietHours)
}

fn alerted_by(frame: &Response) -> Option<DocumentId> {
    let (Response::Snapshot { document, facts, .. } | Response::Delta { document, facts, .. }) = frame else {
        return None;
    };
    facts.iter().any(|fact| matches!(fact.body, FactBody::Alert(_))).then_some(*document)
}

fn each(load: Load<'_>, mut take: impl FnMut(&Response) -> Result<(), SessionError>) -> Result<(), SessionError> {
    let mut after = 0;
    while let Some(page) = load(after)? {
        after = page.number;
        page.frames.iter().try_for_each(&mut take)?;
    }
    Ok(())
}
