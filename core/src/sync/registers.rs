//! Personal registers: how far a member has read, what they marked unread, their drafts, the alerts they dismissed, what
//! they chose (follow-ups, mutes, quiet hours, saved filters, canned responses of their own). Each write is durable at once and counted, so that the answer to an older write doesn't hide a newer one.

use std::time::Duration;

use crate::{
    ids::{AlertId, DocumentId},
    intents::VerbError,
    protocol::{RegisterContent, RegisterKey},
    sync::{
        outbox::SubmitError,
        session::{Session, SessionError},
        storage::{Storage, StoredRegister},
    },
    time::Timestamp,
    triage::{
        Peace, Viewer,
        told::{reminders, shortest_wait},
    },
};

/// How long a draft rests before it is synced: it is saved with every keystroke, but a colleague's phone need not follow
/// each one.
pub const DRAFT_PAUSE: Duration = Duration::from_secs(2);

/// The longest text of a saved filter, of quiet hours, of a canned response of a member's own.
pub const MAX_CHOSEN_BYTES: usize = 4 * 1024;

impl Session {
    /// Marks a conversation read, up to what this device knows of it (R25).
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn mark_read(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
    ) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            known(disk, document)?;
            let last = disk.facts(document)?.iter().map(|fact| fact.seq).max().unwrap_or(0);
            let key = RegisterKey::ReadMark(document);
            let read = match disk.register(key)?.map(|register| register.content) {
                Some(RegisterContent::Order(read)) => read,
                _ => 0,
            };
            if last > read {
                write(disk, key, RegisterContent::Order(last), now)?;
            }
            let unread = RegisterKey::MarkedUnread(document);
            if disk.register(unread)?.is_some_and(|register| register.content == RegisterContent::Flag(true)) {
                write(disk, unread, RegisterContent::Flag(false), now)?;
            }
            // R15: reading retracts what came due here as it retracts any alert.
            let viewer = session.viewer(disk)?;
            let rows = disk.row(document)?;
            let due = rows.iter().flat_map(|row| reminders(row, &viewer)).map(|active| active.alert.at);
            if let Some(last) = due.filter(|at| *at <= now).max() {
                deal_with(disk, document, last, now)?;
            }
            session.workspace.touch(document);
            Ok(())
        })
    }

    /// Marks a conversation unread, until it is next read (R25).
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn mark_unread(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
    ) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            known(disk, document)?;
            write(disk, RegisterKey::MarkedUnread(document), RegisterContent::Flag(true), now)?;
            session.workspace.touch(document);
            Ok(())
        })
    }

    /// Saves a draft (R27); an empty text removes it. It is synced once nothing was typed for [`DRAFT_PAUSE`].
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`].
    pub fn set_draft(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        document: DocumentId,
        text: &str,
    ) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            known(disk, document)?;
            write(disk, RegisterKey::Draft(document), RegisterContent::Text(text.to_owned()), now.after(DRAFT_PAUSE))?;
            session.workspace.touch(document);
            session.typed(now, document, !text.is_empty());
            Ok(())
        })
    }

    /// Keeps what the member chose: a follow-up, a mute, quiet hours, a saved filter, a canned response of their own. Other
    /// registers have calls of their own.
    ///
    /// # Errors
    /// [`SubmitError::UnknownDocument`] for a conversation that is not here, [`SubmitError::Verb`] for a register that is not
    /// chosen or a value that it can't hold.
    pub fn choose(
        &mut self,
        now: Timestamp,
        disk: &mut dyn Storage,
        key: RegisterKey,
        value: RegisterContent,
    ) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            let fits = match (&key, &value) {
                (RegisterKey::FollowUp(_) | RegisterKey::Muted(_), RegisterContent::Time(_)) => true,
                (
                    RegisterKey::QuietHours | RegisterKey::SavedFilter(_) | RegisterKey::Canned(_),
                    RegisterContent::Text(text),
                ) => text.len() <= MAX_CHOSEN_BYTES,
                _ => false,
            };
            if !fits {
                return Err(VerbError::WrongDocument.into());
            }
            if let Some(document) = key.document() {
                known(disk, document)?;
                session.workspace.touch(document);
            }
            write(disk, key, value, now)
        })
    }

    /// Dismisses an alert (R15). With a reminder goes what came due before it in the same conversation.
    ///
    /// # Errors
    /// [`SubmitError::UnknownAlert`] for one that is not here, or a reminder that is not due.
    pub fn dismiss(&mut self, now: Timestamp, disk: &mut dyn Storage, alert: AlertId) -> Result<(), SubmitError> {
        self.command(disk, |session, disk, _| {
            let document = match disk.document_of_alert(alert)? {
                Some(document) => {
                    write(disk, RegisterKey::Dismissed(alert), RegisterContent::Flag(true), now)?;
                    document
                }
                None => {
                    let (document, at) = session.reminder(disk, alert, now)?.ok_or(SubmitError::UnknownAlert(alert))?;
                    deal_with(disk, document, at, now)?;
                    document
                }
            };
            session.workspace.touch(document);
            Ok(())
        })
    }

    /// Where a reminder is that is due, and since when.
    fn reminder(
        &mut self,
        disk: &dyn Storage,
        alert: AlertId,
        now: Timestamp,
    ) -> Result<Option<(DocumentId, Timestamp)>, SessionError> {
        let viewer = self.viewer(disk)?;
        let waiting = shortest_wait(&viewer.settings).map(|within| now.before(within));
        let rows = disk.reminding(now, waiting)?;
        let mut due = rows.iter().flat_map(|row| reminders(row, &viewer)).filter(|active| active.alert.at <= now);
        Ok(due.find(|active| active.alert.id == alert).map(|active| (active.document, active.alert.at)))
    }

    /// Whose device this is, and by what it decides what they are told.
    ///
    /// # Errors
    /// [`SessionError`] of the disk, or [`SessionError::NotEnrolled`].
    pub fn viewer(&mut self, disk: &dyn Storage) -> Result<Viewer, SessionError> {
        let me = disk.identity()?.ok_or(SessionError::NotEnrolled)?.member;
        let settings = self.workspace.settings(disk)?.unwrap_or_default();
        let chosen = disk.chosen()?.into_iter().map(|(key, register)| (key, register.content));
        Ok(Viewer { me, directory: self.workspace.directory(disk)?, settings, peace: Peace::of(chosen) })
    }
}

/// What came due in a conversation up to `at` has been dealt with (R16). Not up to now: a clock that is ahead would deal with
/// what is to come.
fn deal_with(disk: &mut dyn Storage, document: DocumentId, at: Timestamp, now: Timestamp) -> Result<(), SubmitError> {
    let key = RegisterKey::Reminded(document);
    match disk.register(key)?.map(|register| register.content) {
        Some(RegisterContent::Time(known)) if known >= at => Ok(()),
        _ => write(disk, key, RegisterContent::Time(at), now),
    }
}

fn known(disk: &dyn Storage, document: DocumentId) -> Result<(), SubmitError> {
    disk.document_kind(document)?.map(|_| ()).ok_or(SubmitError::UnknownDocument(document))
}

fn write(
    disk: &mut dyn Storage,
    key: RegisterKey,
    content: RegisterContent,
    send_after: Timestamp,
) -> Result<(), SubmitError> {
    let (version, stored_version) =
        disk.register(key)?.map_or((0, 0), |stored| (stored.version, stored.stored_version));
    disk.put_register(key, &StoredRegister { content, version: version + 1, stored_version, send_after })?;
    Ok(())
}
