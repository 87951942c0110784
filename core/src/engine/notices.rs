//! What the system is to show of alerts, for the app's push handler and for a puller beside it: each alert is handed out
//! once, to one of the two (R15, ADR 0022).

use std::{collections::BTreeSet, time::Duration};

use super::{Offdesk, alerts::viewer, driver::Engine, error::Error, in_place::in_place};
use crate::{
    alerts::Why,
    ids::{AlertId, MemberId},
    store::{Snapshot, SqliteStorage},
    time::Timestamp,
    triage::{ActiveAlert, Told},
};

/// What a wake-up leads to.
#[derive(Debug)]
pub struct Notices {
    /// Alerts to show, the latest first. Say so with [`Offdesk::alerts_shown`] or [`super::Puller::alerts_shown`]: if nobody
    /// does within [`crate::store::TO_SHOW`], they are handed out again. Reminders are not among them; they are given to the
    /// system's scheduler beforehand ([`Offdesk::next_alerts`]).
    pub show: Vec<ActiveAlert>,
    /// Alerts that were shown or handed out and stand no more: to be taken back.
    pub take_back: Vec<AlertId>,
    /// What the badge is to say.
    pub badge: usize,
    /// Why not everything that the relay has was taken into account; `None` if it was.
    pub incomplete: Option<Error>,
}

impl Offdesk {
    /// Answers a push: one bounded sync, and then the alerts that the system is to show and nobody was handed yet. A push has
    /// no content that counts, so one of any form is answered alike; the texts come from this device's own state.
    ///
    /// # Errors
    /// [`Error::Revoked`], [`Error::Locked`], [`Error::Paused`], [`Error::Closed`], [`Error::Storage`]. That the relay could not be reached, or
    /// not in time, is told in [`Notices::incomplete`], beside what is known without it.
    pub async fn handle_push(&self, payload: &[u8], deadline: Duration) -> Result<Notices, Error> {
        tracing::debug!(bytes = payload.len(), "woken by a push");
        let incomplete = match self.sync_once(deadline).await {
            Ok(_) => None,
            Err(error @ (Error::Revoked | Error::Locked | Error::Paused | Error::Closed | Error::Storage(_))) => {
                return Err(error);
            }
            Err(error) => Some(error),
        };
        let engine = self.engine().clone();
        let notices = in_place(move || engine.hand_out()).await.ok_or_else(|| self.engine().unavailable())??;
        Ok(Notices { incomplete, ..notices })
    }

    /// Says that alerts are shown, by the system or by the app itself: no other process is then handed them.
    ///
    /// # Errors
    /// As any write.
    pub fn alerts_shown(&self, alerts: &[AlertId]) -> Result<(), Error> {
        let now = self.engine().now();
        self.engine().lock().transact(|_, disk, _| Ok(disk.note_shown(alerts, now)?))?;
        Ok(())
    }
}

impl Engine {
    fn hand_out(&self) -> Result<Notices, Error> {
        self.check_access()?;
        let (me, now) = (self.identity().member, self.now());
        let (notices, _) = self.lock().transact(|_, disk, _| {
            let told = told(&disk.reading(), me, now)?;
            hand_out(disk, told, now)
        })?;
        Ok(notices)
    }
}

/// What the member is told now.
pub(super) fn told(snapshot: &Snapshot<'_>, me: MemberId, now: Timestamp) -> Result<Told, Error> {
    Ok(snapshot.told(&viewer(snapshot, me)?, now, now)?)
}

/// Hands out what nobody was handed yet.
pub(super) fn hand_out(disk: &mut SqliteStorage<'_>, told: Told, now: Timestamp) -> Result<Notices, Error> {
    let badge = told.badge();
    let of_relay = |active: &ActiveAlert| active.shows.is_shown() && !matches!(active.alert.why, Why::Reminder(_));
    let mut alerts: Vec<ActiveAlert> = told.alerts.into_iter().filter(of_relay).collect();
    let standing: BTreeSet<AlertId> = alerts.iter().map(|active| active.alert.id).collect();
    let handout = disk.hand_out(&standing, now)?;
    alerts.retain(|active| handout.show.contains(&active.alert.id));
    Ok(Notices { show: alerts, take_back: handout.take_back.into_iter().collect(), badge, incomplete: None })
}
