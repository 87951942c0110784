//! Ids and instants as the hosts know them: ids are texts, instants their own type.

use std::time::{Duration, SystemTime};

use offdesk_core::{
    ids::{AlertId, CannedId, ConversationId, DeviceId, IntentId, MemberId, QueueId, WorkspaceId},
    time::Timestamp,
};

use crate::error::OffdeskError;

pub(crate) use offdesk_core::ids::DocumentId as ContactId;

macro_rules! ids {
    ($($name:ident),* $(,)?) => {$(
        uniffi::custom_type!($name, String, {
            remote,
            lower: |id| id.to_string(),
            try_lift: |text| text.parse().map_err(|_| OffdeskError::invalid_id(&text).into()),
        });
    )*};
}

ids!(AlertId, CannedId, ContactId, ConversationId, DeviceId, IntentId, MemberId, QueueId, WorkspaceId);

uniffi::custom_type!(Timestamp, SystemTime, {
    remote,
    lower: |at| instant(at),
    try_lift: |at| Ok(timestamp(at)),
});

fn instant(at: Timestamp) -> SystemTime {
    let span = Duration::from_millis(at.millis().unsigned_abs());
    let moved = if at.millis() < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    };
    moved.unwrap_or(SystemTime::UNIX_EPOCH)
}

// Rounded, not cut: Swift's `Date` counts in binary fractions of a second, so that what went out as .123 comes back as
// .122999…, and a page key would point a millisecond before its row.
fn timestamp(at: SystemTime) -> Timestamp {
    let millis = |span: Duration| i64::try_from((span.as_nanos() + 500_000) / 1_000_000).unwrap_or(i64::MAX);
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Timestamp(millis(since)),
        Err(before) => Timestamp(-millis(before.duration())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_milliseconds() {
        for millis in [0, 1, -1, 1_763_640_000_123, i64::MAX, -86_400_001] {
            assert_eq!(timestamp(instant(Timestamp(millis))), Timestamp(millis));
        }
    }

    /// As Swift's `Date` hands it back: .123 s as .122999907 s.
    #[test]
    fn instants_survive_a_clock_of_binary_fractions() {
        let at = SystemTime::UNIX_EPOCH + Duration::new(1_763_640_000, 122_999_907);
        assert_eq!(timestamp(at), Timestamp(1_763_640_000_123));
    }
}
