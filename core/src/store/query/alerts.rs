//! The alerts that stand: the badge is how many there are (R15).

use super::Snapshot;
use crate::{store::rows::name_of, sync::storage::StorageError, triage::ActiveAlert};

impl Snapshot<'_> {
    /// The alerts of conversations on the dashboard, the latest first.
    pub fn alerts(&self) -> Result<Vec<ActiveAlert>, StorageError> {
        // CROSS JOIN: from the few alerts to their rows, not the other way round.
        let mut statement = self.connection.prepare_cached(
            "SELECT a.body, c.display_name FROM alerts a
             CROSS JOIN conversation_rows r ON r.id = a.conversation AND r.dashboard = 1
             LEFT JOIN contact_rows c ON c.contact = r.contact ORDER BY a.at DESC, a.alert",
        )?;
        let mut rows = statement.query([])?;
        let mut alerts = Vec::new();
        while let Some(row) = rows.next()? {
            let mut alert: ActiveAlert = self.unpack_row(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            alert.contact_name = name_of(row, 1)?;
            alerts.push(alert);
        }
        Ok(alerts)
    }
}
