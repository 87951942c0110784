//! Alerts that were handed out to be shown by the system: each to one process only, unless that one died before it showed
//! them (R15).

use std::{collections::BTreeSet, time::Duration};

use rusqlite::params;

use super::SqliteStorage;
use crate::{ids::AlertId, sync::storage::StorageError, time::Timestamp};

/// How long whoever was handed an alert has to say that it is shown; then it is handed out again.
pub const TO_SHOW: Duration = Duration::from_secs(30);
/// How long it is remembered that an alert was shown, once it stands no more: it may stand again (R13).
const REMEMBERED: Duration = Duration::from_secs(60 * 24 * 60 * 60);

const HANDED_OUT: u8 = 0;
const SHOWN: u8 = 1;
const TAKEN_BACK: u8 = 2;

/// What is to be done about alerts that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handout {
    /// Those that are to be shown now.
    pub show: BTreeSet<AlertId>,
    /// Those that were shown or handed out, and are to be taken back.
    pub take_back: BTreeSet<AlertId>,
}

impl SqliteStorage<'_> {
    /// Hands out what of `standing` nobody was handed yet, or nobody has shown in time, and what is to be taken back.
    pub fn hand_out(&mut self, standing: &BTreeSet<AlertId>, now: Timestamp) -> Result<Handout, StorageError> {
        let mut handout = Handout::default();
        let (mut known, mut forgotten) = (BTreeSet::new(), Vec::new());
        {
            let mut statement = self.connection().prepare_cached("SELECT alert, state, at FROM handed_out")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (alert, state, at): (AlertId, u8, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                let at = Timestamp(at);
                // A clock that was set back proves nothing.
                let late = state == HANDED_OUT && (now.since(at) >= TO_SHOW || at > now);
                match state {
                    _ if standing.contains(&alert) => drop((!late).then(|| known.insert(alert))),
                    // Whether it was shown is not known: to be taken back, and to be shown should it stand again.
                    HANDED_OUT if late => {
                        handout.take_back.insert(alert);
                        forgotten.push(alert);
                    }
                    SHOWN => drop(handout.take_back.insert(alert)),
                    // Whoever was handed it will say whether it is shown.
                    _ => {}
                }
            }
        }
        handout.show = standing.difference(&known).copied().collect();
        let marked = [(&handout.show, HANDED_OUT), (&handout.take_back, TAKEN_BACK)];
        for (alerts, state) in marked {
            for alert in alerts {
                self.mark(*alert, state, now)?;
            }
        }
        for alert in forgotten {
            self.connection().prepare_cached("DELETE FROM handed_out WHERE alert = ?1")?.execute([alert])?;
        }
        self.connection()
            .prepare_cached("DELETE FROM handed_out WHERE state = ?1 AND at < ?2")?
            .execute(params![TAKEN_BACK, now.before(REMEMBERED).millis()])?;
        Ok(handout)
    }

    /// Notes that alerts are shown.
    pub fn note_shown(&mut self, alerts: &[AlertId], now: Timestamp) -> Result<(), StorageError> {
        alerts.iter().try_for_each(|alert| self.mark(*alert, SHOWN, now))
    }

    fn mark(&self, alert: AlertId, state: u8, at: Timestamp) -> Result<(), StorageError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO handed_out (alert, state, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET state = ?2, at = ?3",
            )?
            .execute(params![alert, state, at.millis()])?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::Database;

    const NOW: Timestamp = Timestamp(1_760_000_000_000);
    const ONE: AlertId = AlertId([1; 16]);
    const TWO: AlertId = AlertId([2; 16]);

    fn hand_out(database: &mut Database, standing: &[AlertId], now: Timestamp) -> (Vec<AlertId>, Vec<AlertId>) {
        let standing = standing.iter().copied().collect();
        let handout = database.write(|disk| disk.hand_out(&standing, now)).unwrap();
        (handout.show.into_iter().collect(), handout.take_back.into_iter().collect())
    }

    /// R15.
    #[test]
    fn an_alert_is_handed_out_once_and_again_only_to_whoever_comes_after_one_that_died() {
        let mut database = Database::in_memory().unwrap();
        assert_eq!(hand_out(&mut database, &[ONE], NOW), (vec![ONE], vec![]));
        assert_eq!(hand_out(&mut database, &[ONE, TWO], NOW), (vec![TWO], vec![]));
        database.write(|disk| disk.note_shown(&[TWO], NOW)).unwrap();
        let later = NOW.after(TO_SHOW);
        assert_eq!(hand_out(&mut database, &[ONE, TWO], later), (vec![ONE], vec![]));
    }

    /// R15, R13.
    #[test]
    fn what_stands_no_more_is_taken_back_once_and_not_shown_again_when_it_stands_again() {
        let mut database = Database::in_memory().unwrap();
        hand_out(&mut database, &[ONE], NOW);
        database.write(|disk| disk.note_shown(&[ONE], NOW)).unwrap();
        assert_eq!(hand_out(&mut database, &[], NOW), (vec![], vec![ONE]));
        assert_eq!(hand_out(&mut database, &[], NOW), (vec![], vec![]));
        assert_eq!(hand_out(&mut database, &[ONE], NOW.after(TO_SHOW)), (vec![], vec![]));
    }

    /// R15: whoever was handed it died, and it stood no more for a while.
    #[test]
    fn what_nobody_showed_is_handed_out_when_it_stands_again() {
        let mut database = Database::in_memory().unwrap();
        hand_out(&mut database, &[ONE], NOW);
        assert_eq!(hand_out(&mut database, &[], NOW), (vec![], vec![]));
        assert_eq!(hand_out(&mut database, &[], NOW.after(TO_SHOW)), (vec![], vec![ONE]));
        assert_eq!(hand_out(&mut database, &[ONE], NOW.after(TO_SHOW)), (vec![ONE], vec![]));
    }
}
