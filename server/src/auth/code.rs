//! Enrolment codes: how a new device becomes a member's.
//!
//! A code is 20 characters of Crockford's base 32 (no I, L, O, U), so 100 random bits, written in groups of five for
//! people to type: `7GQ2M-0X9TC-WE41K-RB5HD`. Case, dashes, spaces and the usual misreadings (O for 0, I or L for 1)
//! don't matter. The relay stores its SHA-256. A code works once, until it expires; using it and creating the device are
//! one transaction. Whoever tries a wrong, used or expired code is told the same in each case.

use std::time::Duration;

use offdesk_core::{
    ids::{DeviceId, MemberId, WorkspaceId},
    protocol::{EnrolResponse, EnrolmentCode},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use super::{access, hash, new_credential};
use crate::{
    admin::audit,
    store::{StoreError, Tx},
};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 20;
const GROUP: usize = 5;
/// The longest name of a device, in bytes.
const MAX_NAME_BYTES: usize = 100;
/// How long a code that is used or expired stays, so that its use can still be looked up.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// No code can be made.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The member is deactivated or not known.
    #[error("the member is not active, so no device can be enrolled for them")]
    NotActive,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A device can't be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The code is wrong, used, expired, or its member is deactivated: which one is nobody's business.
    #[error("the code is not valid")]
    Code,
    /// The device's name is empty or too long.
    #[error("a device's name has 1 to {MAX_NAME_BYTES} bytes")]
    Name,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for EnrolError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

fn generate(rng: &mut dyn rand::Rng) -> String {
    let mut bits = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
    let mut text = String::with_capacity(LENGTH + LENGTH / GROUP);
    for index in 0..LENGTH {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(bits as u8 & 31)]));
        bits >>= 5;
    }
    text
}

/// The characters that count, as they were made; `None` if it can't be a code.
fn normalise(typed: &str) -> Option<String> {
    let mut code = String::with_capacity(LENGTH);
    for typed in typed.chars().filter(|typed| *typed != '-' && !typed.is_whitespace()) {
        let letter = match typed.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        };
        if code.len() == LENGTH || !letter.is_ascii() || !ALPHABET.contains(&(letter as u8)) {
            return None;
        }
        code.push(letter);
    }
    (code.len() == LENGTH).then_some(code)
}

/// Makes a code for a further device of a member. `lifetime` says how long it can be used; `who` asked for it.
///
/// # Errors
/// [`CodeError::NotActive`] for a deactivated member.
pub fn create(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn rand::Rng,
    (workspace, member): (WorkspaceId, MemberId),
    lifetime: Duration,
    who: &str,
) -> Result<EnrolmentCode, CodeError> {
    if access(&tx.reading(), workspace, member)?.is_none() {
        return Err(CodeError::NotActive);
    }
    let code = generate(rng);
    let expires = now.after(lifetime);
    let normal = normalise(&code).ok_or(StoreError::Missing("code"))?;
    let connection = tx.connection();
    connection
        .execute("DELETE FROM enrolment_codes WHERE expires < ?1", [now.before(KEPT).millis()])
        .and_then(|_| {
            connection.execute(
                "INSERT INTO enrolment_codes (hash, workspace, member, expires) VALUES (?1, ?2, ?3, ?4)",
                params![hash(normal.as_bytes()), workspace.as_bytes(), member.as_bytes(), expires.millis()],
            )
        })
        .map_err(StoreError::from)?;
    audit::record(tx, now, Some(workspace), who, &format!("made an enrolment code for member {member}"))?;
    Ok(EnrolmentCode { code, expires })
}

/// Uses up a code and creates its device.
///
/// # Errors
/// [`EnrolError`]; nothing is stored then.
pub fn enrol(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn rand::Rng,
    code: &str,
    device_name: &str,
) -> Result<EnrolResponse, EnrolError> {
    let name = device_name.trim();
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(EnrolError::Name);
    }
    let code = normalise(code).ok_or(EnrolError::Code)?;
    let (workspace, member) = tx
        .connection()
        .query_row(
            "UPDATE enrolment_codes SET used = ?2 WHERE hash = ?1 AND used IS NULL AND expires > ?2 RETURNING workspace, member",
            params![hash(code.as_bytes()), now.millis()],
            |row| Ok((WorkspaceId(row.get(0)?), MemberId(row.get(1)?))),
        )
        .optional()?
        .ok_or(EnrolError::Code)?;
    if access(&tx.reading(), workspace, member)?.is_none() {
        return Err(EnrolError::Code);
    }
    let device = DeviceId::generate(now, rng);
    let (credential, credential_hash) = new_credential(rng);
    // 53 bits, so that any JSON reader keeps it whole; never 0, which stands for "whichever comes next".
    let incarnation = (rng.next_u64() >> 11).max(1);
    tx.connection().execute(
        "INSERT INTO devices (id, workspace, member, name, credential_hash, incarnation, created, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![device.as_bytes(), workspace.as_bytes(), member.as_bytes(), name, credential_hash, incarnation.cast_signed(), now.millis()],
    )?;
    audit::record(tx, now, Some(workspace), &format!("member {member}"), &format!("enrolled device {device}"))?;
    let epoch: i64 = tx.connection().query_row("SELECT epoch FROM relay", [], |row| row.get(0))?;
    Ok(EnrolResponse { workspace, member, device, credential, incarnation, epoch: epoch.cast_unsigned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = generate(&mut StdRng::seed_from_u64(1));
        let groups: Vec<_> = code.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5]);
        let plain = normalise(&code).unwrap();
        assert_eq!(normalise(&code.to_lowercase()).as_ref(), Some(&plain));
        assert_eq!(normalise(&code.replace('-', " ")).as_ref(), Some(&plain));
        assert_eq!(normalise("oOiIl-LLLLL-00000-00000"), normalise("00111-11111-00000-00000"));
    }

    #[test]
    fn what_cannot_be_a_code_is_none() {
        for typed in ["", "7GQ2M", "UUUUU-UUUUU-UUUUU-UUUUU", "7GQ2M-0X9TC-WE41K-RB5HD-7", "ééééé-ééééé-ééééé-ééééé"]
        {
            assert_eq!(normalise(typed), None, "{typed}");
        }
    }

    #[test]
    fn codes_differ() {
        let mut rng = StdRng::seed_from_u64(2);
        let codes: std::collections::BTreeSet<_> = (0..1000).map(|_| generate(&mut rng)).collect();
        assert_eq!(codes.len(), 1000);
    }
}
