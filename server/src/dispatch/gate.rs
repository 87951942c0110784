//! Whether a queued message may leave now: the one place where R34 is rechecked right before dispatch.

use offdesk_core::{phone, time::Timestamp};

use crate::dispatch::entry::Entry;

/// What the relay knows at the moment of dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The relay was restored and no administrator has confirmed yet.
    pub recovering: bool,
    /// When the backup was taken that the relay runs on, if it was restored.
    pub backup_at: Option<Timestamp>,
    /// The sender still is one of the workspace's numbers.
    pub number_is_ours: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Hand it over.
    Go,
    /// Not now; it stays queued.
    Wait,
    /// What we know of it is older than the backup that was restored: it may have been sent since. Ask the provider.
    AskFirst {
        /// From when on the provider may have it.
        since: Timestamp,
    },
    /// Never; it has failed.
    Refuse {
        /// Why, in plain words.
        reason: &'static str,
    },
}

/// Decides.
pub fn may_dispatch(entry: &Entry, circumstances: &Circumstances) -> Gate {
    if circumstances.recovering {
        return Gate::Wait;
    }
    if let Some(since) = circumstances.backup_at.filter(|backup_at| known_only_from_before(entry, *backup_at)) {
        return Gate::AskFirst { since };
    }
    if !circumstances.number_is_ours {
        return Gate::Refuse { reason: "The number it was to be sent from no longer belongs to this workspace." };
    }
    if !phone::is_e164(&entry.recipient) {
        return Gate::Refuse { reason: "The contact has no phone number that SMS can be sent to." };
    }
    Gate::Go
}

/// Whether this row was in the backup as it stands; or was held in it, decided about since, and never asked about.
fn known_only_from_before(entry: &Entry, backup_at: Timestamp) -> bool {
    let held_then = entry.held_since.is_some_and(|held| held <= backup_at);
    entry.updated <= backup_at || (held_then && entry.attempt.is_none())
}

#[cfg(test)]
mod tests {
    use offdesk_core::ids::{DocumentId, MessageId, WorkspaceId};

    use super::*;
    use crate::dispatch::entry::State;

    fn entry() -> Entry {
        Entry {
            message: MessageId::from_slice(&[1; 16]).unwrap_or(offdesk_core::ids::IntentId([1; 16])),
            workspace: WorkspaceId([2; 16]),
            document: DocumentId([3; 16]),
            sender: "+15550100".into(),
            recipient: "+14155552671".into(),
            body: "Your table is ready".into(),
            state: State::Queued,
            held_since: None,
            attempt: None,
            attempted_at: None,
            attempts: 0,
            provider_id: None,
            updated: Timestamp(1_000),
        }
    }

    const NORMAL: Circumstances = Circumstances { recovering: false, backup_at: None, number_is_ours: true };

    #[test]
    fn in_normal_times_it_goes() {
        assert_eq!(may_dispatch(&entry(), &NORMAL), Gate::Go);
    }

    #[test]
    fn nothing_leaves_a_restored_relay_before_an_administrator_confirms() {
        assert_eq!(may_dispatch(&entry(), &Circumstances { recovering: true, ..NORMAL }), Gate::Wait);
    }

    /// R32: what waited in the backup may have left before the crash.
    #[test]
    fn what_a_backup_held_is_asked_about_first() {
        let restored = Circumstances { backup_at: Some(Timestamp(5_000)), ..NORMAL };
        let ask = Gate::AskFirst { since: Timestamp(5_000) };
        assert_eq!(may_dispatch(&entry(), &restored), ask);
        let fresh = Entry { updated: Timestamp(6_000), ..entry() };
        assert_eq!(may_dispatch(&fresh, &restored), Gate::Go);
        let held_then_released_now = Entry { held_since: Some(Timestamp(4_000)), ..fresh };
        assert_eq!(may_dispatch(&held_then_released_now, &restored), ask);
    }

    #[test]
    fn a_number_that_was_given_up_sends_nothing() {
        let gate = may_dispatch(&entry(), &Circumstances { number_is_ours: false, ..NORMAL });
        assert!(matches!(gate, Gate::Refuse { reason } if reason.contains("no longer belongs")));
    }
}
