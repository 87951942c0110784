//! How an event is signed: HMAC-SHA256, keyed with the workspace's secret, over the time in seconds, a dot and the body as it
//! is sent; the header is `offdesk-signature: t=1700000000,v1=HEX`. The time is part of it so that a request that somebody
//! copied is worth nothing after five minutes.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use offdesk_core::time::Timestamp;
use sha2::Sha256;

/// The header that carries it.
pub const HEADER: &str = "offdesk-signature";
/// How far its time may be from the relay's.
pub const TOLERANCE: Duration = Duration::from_secs(300);

fn mac(secret: &[u8], seconds: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// Signs a body.
pub fn sign(secret: &[u8], now: Timestamp, body: &[u8]) -> String {
    let seconds = now.millis() / 1000;
    // HMAC takes keys of any length, so that there always is a signature.
    let code = mac(secret, seconds, body).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// Whether the signature is of this body, by this secret, and of now; compared in constant time.
pub fn verify(secret: &[u8], now: Timestamp, body: &[u8], signature: &str) -> bool {
    let part = |name: &str| signature.split(',').find_map(|part| part.trim().strip_prefix(name));
    let (Some(seconds), Some(hex)) = (part("t="), part("v1=")) else { return false };
    let Ok(seconds) = seconds.parse::<i64>() else { return false };
    let at = Timestamp(seconds.saturating_mul(1000));
    let Some(code) = decode(hex) else { return false };
    let fresh = at.since(now).max(now.since(at)) <= TOLERANCE;
    fresh && mac(secret, seconds, body).is_some_and(|mac| mac.verify_slice(&code).is_ok())
}

fn decode(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if digits.len() != 64 || !hex.is_ascii() {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn a_signature_is_of_its_body_its_secret_and_its_time() {
        let signature = sign(b"secret", NOW, b"{}");
        assert!(verify(b"secret", NOW, b"{}", &signature));
        assert!(verify(b"secret", NOW.after(TOLERANCE), b"{}", &signature));
        assert!(!verify(b"secret", NOW.after(TOLERANCE + Duration::from_secs(1)), b"{}", &signature));
        assert!(!verify(b"secret", NOW.before(TOLERANCE + Duration::from_secs(1)), b"{}", &signature));
        assert!(!verify(b"other", NOW, b"{}", &signature));
        assert!(!verify(b"secret", NOW, b"{ }", &signature));
        let moved = signature.replace("t=1700000000", "t=1700000100");
        assert!(!verify(b"secret", NOW, b"{}", &moved));
        for none in ["", "t=1700000000", "v1=00", "t=x,v1=00", "t=1700000000,v1=é"] {
            assert!(!verify(b"secret", NOW, b"{}", none), "{none}");
        }
    }

    /// What another implementation gives: `printf '1700000000.{}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn the_signature_is_pinned() {
        let expected = "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
        assert_eq!(sign(b"secret", NOW, b"{}"), expected);
    }
}
