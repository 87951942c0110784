//! The alerts that stand, and what comes due by itself: the badge is how many of them show (R15, R16).

use rusqlite::params;

use super::Snapshot;
use crate::{
    ids::QueueId,
    store::rows::{CONVERSATION, WITH_CONTACT, name_of},
    sync::storage::StorageError,
    time::Timestamp,
    triage::{ActiveAlert, ConversationRow, Peace, Told, Viewer, told::shortest_wait},
};

impl Snapshot<'_> {
    /// The relay's alerts of conversations on the dashboard, the latest first; whether they show is not asked.
    pub fn alerts(&self) -> Result<Vec<ActiveAlert>, StorageError> {
        Ok(self.standing()?.into_iter().map(|(alert, _)| alert).collect())
    }

    /// Those, each with the queue of its conversation.
    pub fn standing(&self) -> Result<Vec<(ActiveAlert, Option<QueueId>)>, StorageError> {
        // CROSS JOIN: from the few alerts to their rows, not the other way round.
        let mut statement = self.connection.prepare_cached(
            "SELECT a.body, c.display_name, r.body FROM alerts a
             CROSS JOIN conversation_rows r ON r.id = a.conversation AND r.dashboard = 1
             LEFT JOIN contact_rows c ON c.contact = r.contact ORDER BY a.at DESC, a.alert",
        )?;
        let mut rows = statement.query([])?;
        let mut alerts = Vec::new();
        while let Some(row) = rows.next()? {
            let mut alert: ActiveAlert = self.unpack_row(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            alert.contact_name = name_of(row, 1)?;
            let of: ConversationRow = self.unpack_row(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)?;
            alerts.push((alert, of.queue));
        }
        Ok(alerts)
    }

    /// The conversations on the dashboard in which something comes due up to `until`: at a time that is known, or because
    /// their contact waits since `waiting` or longer.
    pub fn reminding(
        &self,
        until: Timestamp,
        waiting: Option<Timestamp>,
    ) -> Result<Vec<ConversationRow>, StorageError> {
        // Each half walks an index of its own: an OR over both would look at every row of the dashboard.
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r {WITH_CONTACT}
             WHERE r.id IN (
                 SELECT id FROM conversation_rows WHERE dashboard = 1 AND reminds_at IS NOT NULL AND reminds_at <= ?1
                 UNION
                 SELECT id FROM conversation_rows WHERE dashboard = 1 AND waits_since IS NOT NULL AND waits_since <= ?2
             ) ORDER BY r.document"
        ))?;
        let mut rows = statement.query(params![until.millis(), waiting.map(Timestamp::millis)])?;
        let mut reminding = Vec::new();
        while let Some(row) = rows.next()? {
            reminding.push(self.conversation_of(row, 0)?);
        }
        Ok(reminding)
    }

    /// What the member is told at `now`, and what they will be told up to `until`.
    pub fn told(&self, viewer: &Viewer, now: Timestamp, until: Timestamp) -> Result<Told, StorageError> {
        let until = until.max(now);
        let waiting = shortest_wait(&viewer.settings).map(|within| until.before(within));
        let mut told = Told::new(self.standing()?, &self.reminding(until, waiting)?, viewer, now);
        told.coming.retain(|(at, _)| *at <= until);
        told.next = told.next.filter(|next| *next <= until);
        Ok(told)
    }

    /// What the member chose not to be disturbed by.
    pub fn peace(&self) -> Result<Peace, StorageError> {
        Ok(Peace::of(self.chosen()?.into_iter().map(|(key, register)| (key, register.content))))
    }
}
