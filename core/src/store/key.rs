//! The key of the database.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// What is set on each connection after its key, and is part of the file's format. Phones' processors compute SHA-256 in
/// hardware, SQLCipher's default of SHA-512 mostly not: it was two thirds of what enciphering a page cost.
pub const CIPHER: &str = "PRAGMA cipher_hmac_algorithm = HMAC_SHA256";

/// The 32 bytes that open a device's database, from the host's keystore. They are the cipher's key itself: nothing is
/// derived from them. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct DatabaseKey(Zeroizing<[u8; 32]>);

impl DatabaseKey {
    /// Takes the key, and wipes what it was taken from.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// Reads a key; `None` unless it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0u8; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The statements that open a database with this key.
    pub(super) fn pragma(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // With the whole capacity from the start no reallocation leaves a copy behind.
        let mut sql = Zeroizing::new(String::with_capacity(160));
        sql.push_str("PRAGMA key = \"x'");
        for byte in self.0.iter() {
            sql.push(char::from(DIGITS[usize::from(byte >> 4)]));
            sql.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        sql.push_str("'\"; ");
        sql.push_str(CIPHER);
        sql
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_shows_itself() {
        let key = DatabaseKey::new([0xab; 32]);
        assert_eq!(format!("{key:?}"), "DatabaseKey(..)");
        assert_eq!(key.pragma().as_str(), format!("PRAGMA key = \"x'{}'\"; {CIPHER}", "ab".repeat(32)));
        assert!(DatabaseKey::from_slice(&[1; 31]).is_none());
        assert!(DatabaseKey::from_slice(&[1; 32]).is_some());
    }
}
