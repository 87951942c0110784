//! The lease of R9: a device that was not in contact for too long locks its data until it has been.

use std::time::Duration;

use crate::time::Timestamp;

/// Whether the device's data is locked: more than `lease` has passed, by its own clock, since the relay last answered.
/// A clock that was set back locks nothing, since it proves nothing.
pub fn locked(now: Timestamp, last_contact: Timestamp, lease: Duration) -> bool {
    now.since(last_contact) > lease
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9.
    #[test]
    fn a_device_locks_after_the_lease_and_not_before() {
        let day = Duration::from_secs(24 * 60 * 60);
        let contact = Timestamp(1_700_000_000_000);
        assert!(!locked(contact.after(day * 30), contact, day * 30));
        assert!(locked(contact.after(day * 30 + Duration::from_millis(1)), contact, day * 30));
        assert!(!locked(contact.before(day), contact, day * 30));
    }
}
