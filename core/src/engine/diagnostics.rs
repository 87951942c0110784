//! What support needs to know of a device: versions, counts, states and times. Nothing that anybody wrote, and nobody's
//! name, phone or address.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Offdesk,
    outbox_view::OutboxState,
    stats::Stats,
    status::{Connection, NetworkState, SyncStatus},
};
use crate::{
    ids::{DeviceId, MemberId, WorkspaceId},
    protocol,
    sync::storage::Attention,
    time::Timestamp,
};

/// A report on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    /// The version of this library.
    pub version: &'static str,
    /// The version of the sync protocol.
    pub protocol: u16,
    /// The device's clock.
    pub now: Timestamp,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The member.
    pub member: MemberId,
    /// The device.
    pub device: DeviceId,
    /// What the device does about sync, by name.
    pub connection: &'static str,
    /// What the host said of the network, by name.
    pub network: &'static str,
    /// When the relay last answered.
    pub last_contact: Timestamp,
    /// Whether the database is a copy of another device's.
    pub copied: bool,
    /// Whether the device's access was ended (R10).
    pub revoked: bool,
    /// Whether the data is locked (R9).
    pub locked: bool,
    /// What is held and what went over the network; `None` if it can't be read: `unreadable` says why.
    pub stats: Option<Stats>,
    /// What has not arrived: how many of each verb in each state, and the codes of refusals.
    pub outbox: BTreeMap<String, u64>,
    /// How many alerts show.
    pub badge: Option<usize>,
    /// Why some of this can't be read: the kind of error, without its words.
    pub unreadable: Option<&'static str>,
}

impl Diagnostics {
    /// The report as JSON, to be sent along with a bug report.
    pub fn to_json(&self) -> String {
        // There is nothing in it that JSON can't hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Offdesk {
    /// A report on this device. It never fails: what can't be read is left out.
    pub fn diagnostics(&self) -> Diagnostics {
        let identity = self.engine().identity();
        let SyncStatus { network, connection, last_contact, clone, revoked, locked, .. } = self.status();
        let (stats, waiting) = (self.stats(), self.outbox());
        let unreadable = stats.as_ref().err().map(super::error::Error::name);
        let mut outbox = BTreeMap::new();
        for item in waiting.unwrap_or_default() {
            *outbox.entry(format!("{} {}", item.verb, state(&item.state))).or_default() += 1;
        }
        Diagnostics {
            version: env!("CARGO_PKG_VERSION"),
            protocol: protocol::VERSION,
            now: self.engine().now(),
            workspace: identity.workspace,
            member: identity.member,
            device: identity.device,
            connection: connection_name(&connection),
            network: match network {
                NetworkState::Online => "online",
                NetworkState::Metered => "metered",
                NetworkState::Offline => "offline",
            },
            last_contact,
            copied: clone,
            revoked,
            locked,
            stats: stats.ok(),
            outbox,
            badge: self.badge().ok(),
            unreadable,
        }
    }
}

const fn connection_name(connection: &Connection) -> &'static str {
    match connection {
        Connection::Offline => "offline",
        Connection::Connecting => "connecting",
        Connection::CatchingUp { .. } => "catching_up",
        Connection::Live => "live",
        Connection::NotProgressing => "not_progressing",
        Connection::Unauthorized => "unauthorized",
    }
}

const fn state(state: &OutboxState) -> &'static str {
    match state {
        OutboxState::Saved { .. } => "saved",
        OutboxState::Sending => "sending",
        OutboxState::Waiting => "waiting",
        OutboxState::Held { .. } => "held",
        OutboxState::Scheduled { .. } => "scheduled",
        OutboxState::NeedsAttention(Attention::Rejected(refusal)) => refusal.code.name(),
        OutboxState::NeedsAttention(Attention::NeedsAccess) => "needs_access",
        OutboxState::NeedsAttention(Attention::AccessLost) => "access_lost",
        OutboxState::NeedsAttention(Attention::NoLongerApplies { .. }) => "no_longer_applies",
    }
}
