//! What a wake-up leads to, in the app and in a process beside it.

use std::{sync::Arc, time::Duration};

use offdesk_core::{engine, ids::AlertId};

use crate::{
    alerts::Alert,
    device::{Config, Device},
    error::{OffdeskError, narrow},
    runtime::on_runtime,
};

/// What a wake-up leads to.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Notices {
    /// Alerts to show, the latest first. Say so with `alerts_shown`: if nobody does, they are handed out again a little later.
    /// Reminders are not among them; they are given to the system's scheduler beforehand (`next_alerts`).
    pub show: Vec<Alert>,
    /// Alerts that were shown or handed out and stand no more: to be taken back.
    pub take_back: Vec<AlertId>,
    /// What the badge is to say.
    pub badge: u32,
    /// Why not everything that the relay has was taken into account, in words for people; nothing if it was.
    pub incomplete: Option<String>,
}

impl From<engine::Notices> for Notices {
    fn from(notices: engine::Notices) -> Self {
        Self {
            show: notices.show.into_iter().map(Into::into).collect(),
            take_back: notices.take_back,
            badge: narrow(notices.badge),
            incomplete: notices.incomplete.map(|why| why.to_string()),
        }
    }
}

#[uniffi::export]
impl Device {
    /// Answers a push: one bounded sync, and then the alerts that the system is to show and nobody was handed yet. The push's
    /// content doesn't matter; the texts come from this device's own state.
    ///
    /// # Errors
    /// `Revoked`, `Locked`, `Paused`, `Closed`, or of the disk. That the relay could not be reached, or not in time, is told in
    /// the notices, beside what is known without it.
    pub async fn handle_push(self: Arc<Self>, payload: Vec<u8>, deadline: Duration) -> Result<Notices, OffdeskError> {
        on_runtime(async move { Ok(self.offdesk.handle_push(&payload, deadline).await?.into()) }).await
    }

    /// Says that alerts are shown, by the system or by the app itself: no other process is then handed them.
    ///
    /// # Errors
    /// As any write.
    pub fn alerts_shown(&self, alerts: Vec<AlertId>) -> Result<(), OffdeskError> {
        Ok(self.offdesk.alerts_shown(&alerts)?)
    }
}

/// A process beside the app on the same database, such as an iOS notification extension: it only pulls. Files are open during a
/// call and not between calls; it needs a few megabytes, however much the device holds.
#[derive(Debug, uniffi::Object)]
pub struct Puller {
    puller: engine::Puller,
}

#[uniffi::export]
impl Puller {
    /// A puller beside the app whose database this is.
    ///
    /// # Errors
    /// `NotEnrolled` if there is no device, `Revoked`, `WrongKey`, `InvalidKey`, `NotPossible` if another version of the app wrote
    /// the database last, or of the disk.
    #[uniffi::constructor]
    pub fn open(config: Config) -> Result<Arc<Self>, OffdeskError> {
        Ok(Arc::new(Self { puller: engine::Puller::open(config.try_into()?)? }))
    }

    /// Answers a push: unless the app syncs by itself, pulls what is new, up to the deadline; then says what the system is to
    /// show that nobody was handed yet.
    ///
    /// # Errors
    /// `NotEnrolled`, `Revoked`, `Locked`, `NotPossible` if another version of the app wrote the database last, or of the disk.
    /// That the relay could not be reached, or not in time, is told in the notices.
    pub async fn pull(self: Arc<Self>, deadline: Duration) -> Result<Notices, OffdeskError> {
        on_runtime(async move { Ok(self.puller.pull(deadline).await?.into()) }).await
    }

    /// Says that alerts are shown: no other process is then handed them.
    ///
    /// # Errors
    /// As `pull`.
    pub fn alerts_shown(&self, alerts: Vec<AlertId>) -> Result<(), OffdeskError> {
        Ok(self.puller.alerts_shown(&alerts)?)
    }
}
