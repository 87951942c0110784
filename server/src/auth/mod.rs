//! Who speaks: a device, by its credential.
//!
//! A device enrols once with a one-time code and gets a credential of 32 random bytes. The relay stores only its SHA-256
//! and finds the device by that hash: nothing is compared byte by byte, so nothing leaks by time. A credential lives
//! until its device is revoked; it is never refreshed, so a device that was offline for a month still speaks.
//!
//! There is no cache in front: [`authenticate`] runs inside the caller's snapshot and costs two lookups by primary key,
//! while a cache that is told of changes by a broadcast could let a revoked device in for a moment (R10: at once).

pub(crate) mod address;
pub mod code;
mod limit;

use axum::http::{HeaderMap, header};
use base64::Engine;
use offdesk_core::{
    ids::{DeviceId, MemberId, WorkspaceId},
    model::{ContactAccess, DashboardAccess, MessageAccess},
    policy::Access,
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

pub use limit::EnrolLimit;

use crate::store::{ReadTx, StoreError, Tx};

/// A device that proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The device.
    pub device: DeviceId,
    /// Whose it is.
    pub member: MemberId,
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// What that member may see and do now.
    pub access: Access,
    /// The store incarnation that counts as current; 0: whichever comes next is taken (after a restored backup, which
    /// can't know how far honest devices went on).
    pub incarnation: u64,
    /// The number of the last push.
    pub push_number: u64,
}

/// A credential is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No device has it, or there was none.
    #[error("the credential is not known here")]
    Unknown,
    /// Its device was revoked: it is to wipe itself (R10).
    #[error("the device was revoked")]
    Revoked,
    /// Its member was deactivated: it is to wipe itself (R10).
    #[error("the member was deactivated")]
    Deactivated,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for AuthError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What the database holds of a code or credential.
pub(crate) fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A credential as text, and the hash that is stored.
pub(crate) fn new_credential(rng: &mut dyn rand::Rng) -> (String, [u8; 32]) {
    let mut bytes = [0u8; 32];
    rng.fill_bytes(&mut bytes);
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(text.as_bytes());
    (text, hash)
}

/// The credential of a request: `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, credential) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// Finds the device that bears this credential.
///
/// # Errors
/// [`AuthError`]; a device of a deactivated member or a revoked one is told apart, since it must wipe itself.
pub fn authenticate(tx: &ReadTx<'_>, credential: &str) -> Result<Authenticated, AuthError> {
    let device = tx
        .connection()
        .prepare_cached(
            "SELECT id, workspace, member, incarnation, push_number, revoked FROM devices WHERE credential_hash = ?1",
        )?
        .query_row([hash(credential.as_bytes())], |row| {
            Ok((
                row.get::<_, [u8; 16]>(0)?,
                row.get::<_, [u8; 16]>(1)?,
                row.get::<_, [u8; 16]>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, Option<i64>>(5)?,
            ))
        })
        .optional()?;
    let (device, workspace, member, incarnation, push_number, revoked) = device.ok_or(AuthError::Unknown)?;
    if revoked.is_some() {
        return Err(AuthError::Revoked);
    }
    let access = access(tx, WorkspaceId(workspace), MemberId(member))?.ok_or(AuthError::Deactivated)?;
    Ok(Authenticated {
        device: DeviceId(device),
        member: MemberId(member),
        workspace: WorkspaceId(workspace),
        access,
        incarnation: incarnation.cast_unsigned(),
        push_number: push_number.cast_unsigned(),
    })
}

/// A member's access as last projected; `None` if they are deactivated or not known.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub fn access(tx: &ReadTx<'_>, workspace: WorkspaceId, member: MemberId) -> Result<Option<Access>, StoreError> {
    let row = tx
        .connection()
        .prepare_cached(
            "SELECT active, administrator, dashboard, contacts, messages FROM members WHERE workspace = ?1 AND id = ?2",
        )?
        .query_row(params![workspace.as_bytes(), member.as_bytes()], |row| {
            Ok((
                row.get::<_, bool>(0)?,
                row.get::<_, bool>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        })
        .optional()?;
    // A level that this build doesn't know grants nothing.
    Ok(row.filter(|row| row.0).map(|(_, administrator, dashboard, contacts, messages)| Access {
        member,
        administrator,
        dashboard: DashboardAccess::from_name(&dashboard).unwrap_or(DashboardAccess::None),
        contacts: ContactAccess::from_name(&contacts).unwrap_or(ContactAccess::None),
        messages: MessageAccess::from_name(&messages).unwrap_or(MessageAccess::None),
    }))
}

/// Notes that a device was in contact.
///
/// # Errors
/// [`StoreError`] if it can't be written.
pub fn seen(tx: &Tx<'_>, device: DeviceId, now: Timestamp) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached("UPDATE devices SET last_seen = ?2 WHERE id = ?1")?
        .execute(params![device.as_bytes(), now.millis()])?;
    Ok(())
}
