//! Wake-ups: what the system is to show, for the app's push handler, and for a process beside the app that only pulls, such as
//! an iOS notification extension (ADR 0022).

use std::{sync::Arc, time::Duration};

use offdesk_core::{engine, ids::AlertId};

use crate::{
    alerts::Alert,
    device::{Config, Device},
    error::{OffdeskError, narrow},
    lists::follow,
    runtime::on_runtime,
};

/// What a wake-up leads to.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Notices {
    /// Alerts to show, the latest first. Call `alertsShown` with them once they are: else they are handed out again. Reminders
    /// are not among them; `nextAlerts` gives those to the system's scheduler beforehand.
    pub show: Vec<Alert>,
    /// Alerts that were shown and stand no more: to be taken back.
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
            incomplete: notices.incomplete.map(|error| error.to_string()),
        }
    }
}

#[uniffi::export]
impl Device {
    /// Answers a push: one bounded sync, and then what the system is to show that nobody was handed yet. What the push holds
    /// doesn't count; the texts come from this device.
    ///
    /// # Errors
    /// `Revoked`, `Locked`, `Paused`, `Closed`, or of the disk. That the relay could not be reached is told in the notices.
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

/// A process beside the app, on the same database, that only pulls: it sends nothing, works in a few megabytes, and has files
/// open during a call only.
#[derive(Debug, uniffi::Object)]
pub struct Puller {
    puller: engine::Puller,
}

#[uniffi::export]
impl Puller {
    /// Opens the database of an enrolled device beside its app.
    ///
    /// # Errors
    /// `NotEnrolled` if there is no device, `Revoked`, `WrongKey`, `InvalidKey`, `NotPossible` if another version of the app
    /// wrote the database last, or of the disk.
    #[uniffi::constructor]
    pub fn open(config: Config) -> Result<Arc<Self>, OffdeskError> {
        let config = config.try_into()?;
        Ok(Arc::new(Self { puller: follow(|| engine::Puller::open(config))?? }))
    }

    /// Answers a push: unless the app syncs by itself, pulls what is new, up to the deadline; then says what the system is to
    /// show that nobody was handed yet.
    ///
    /// # Errors
    /// `NotEnrolled`, `Revoked`, `Locked`, `NotPossible` if another version of the app wrote the database last, or of the disk.
    /// That the relay could not be reached is told in the notices.
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
