//! Enrolment and HTTP errors, in JSON.

use serde::{Deserialize, Serialize};

use super::Epoch;
use crate::{
    ids::{DeviceId, MemberId, WorkspaceId},
    time::Timestamp,
};

/// Body of the enrolment request (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The one-time code.
    pub code: String,
    /// The device's name, shown to administrators.
    pub device_name: String,
}

/// Answer to the enrolment request (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The member that the code was for.
    pub member: MemberId,
    /// The new device.
    pub device: DeviceId,
    /// The device's credential: the bearer token of every request. Shown once, stored hashed.
    pub credential: String,
    /// The first incarnation.
    pub incarnation: u64,
    /// The relay's epoch.
    pub epoch: Epoch,
}

/// Answer to the request for a further enrolment code (JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentCode {
    /// The code.
    pub code: String,
    /// Until when it can be used.
    pub expires: Timestamp,
}

/// Body of every HTTP error of the relay (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable name of the problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub title: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
