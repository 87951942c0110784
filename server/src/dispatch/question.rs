//! What the provider's list says of a message whose fate is open: the process died between calling and writing down the
//! answer, the answer was lost, or the relay was restored from a backup.
//!
//! A message is recognised by sender, recipient and text, among those that the provider took since shortly before the
//! attempt and that no other ledger entry has claimed. Anything but one candidate for one message, or none at all, is
//! ambiguous, and an ambiguous message is never sent again.

use std::collections::HashSet;

use crate::channels::Listed;

/// What the list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The provider has it, as this.
    Found(Listed),
    /// The provider doesn't have it.
    Absent,
    /// There is no telling.
    Ambiguous,
}

/// Looks for `body` in what the provider listed. `claimed` are the provider's ids that other messages have; `rivals`
/// counts other messages of the same text between the same numbers whose fate is open too.
pub fn look_for(body: &str, listed: &[Listed], claimed: &HashSet<String>, rivals: usize) -> Answer {
    let mut candidates = listed.iter().filter(|one| !claimed.contains(&one.provider_id) && same_text(&one.body, body));
    match (candidates.next(), candidates.next(), rivals) {
        (None, _, _) => Answer::Absent,
        (Some(found), None, 0) => Answer::Found(found.clone()),
        _ => Answer::Ambiguous,
    }
}

/// What trial accounts put before every text.
const TRIAL: &str = "Sent from your Twilio trial account - ";

/// Whether the provider's text is ours: it may have trimmed it or changed its line ends.
fn same_text(theirs: &str, ours: &str) -> bool {
    let normal = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let theirs = normal(theirs);
    let ours = normal(ours);
    theirs == ours || theirs.strip_prefix(TRIAL) == Some(ours.as_str())
}

#[cfg(test)]
mod tests {
    use offdesk_core::time::Timestamp;

    use super::*;
    use crate::channels::Progress;

    fn listed(provider_id: &str, body: &str) -> Listed {
        Listed { provider_id: provider_id.into(), body: body.into(), at: Timestamp(0), progress: Progress::HandedOver }
    }

    /// R32: one candidate for one message is it; nothing else is believed.
    #[test]
    fn only_one_candidate_for_one_message_counts() {
        let list = [listed("SM1", "On my way"), listed("SM2", "Thanks!"), listed("SM3", "Thanks!")];
        let none = HashSet::new();
        assert_eq!(look_for("On my way", &list, &none, 0), Answer::Found(list[0].clone()));
        assert_eq!(look_for("See you", &list, &none, 0), Answer::Absent);
        assert_eq!(look_for("Thanks!", &list, &none, 0), Answer::Ambiguous, "two candidates");
        let second_is_claimed = HashSet::from(["SM2".to_owned()]);
        assert_eq!(look_for("Thanks!", &list, &second_is_claimed, 0), Answer::Found(list[2].clone()));
        assert_eq!(look_for("On my way", &list, &none, 1), Answer::Ambiguous, "one candidate, two messages");
        assert_eq!(look_for("See you", &list, &none, 1), Answer::Absent, "none of the two was taken");
    }

    #[test]
    fn a_text_is_known_however_the_provider_writes_it() {
        let none = HashSet::new();
        for theirs in ["One\nTwo", "One\r\nTwo ", "Sent from your Twilio trial account - One\nTwo"] {
            assert!(matches!(look_for("One\nTwo\n", &[listed("SM1", theirs)], &none, 0), Answer::Found(_)), "{theirs}");
        }
    }
}
