//! How things are called and written, the same in the inbox and in commands.

use std::time::Duration;

use jiff::{
    Timestamp as Instant,
    civil::{DateTime, Time},
    tz::TimeZone,
};
use offdesk_core::{
    engine::{Colleague, Connection, NetworkState, OutboxState, SyncStatus},
    ids::MemberId,
    model::{MessageKind, Origin, Status},
    protocol::{Deed, Delivery, HeldBecause, Presence},
    sync::storage::Attention,
    time::Timestamp,
    triage::MessageView,
};

/// The ladder of R31, as a mark and a word.
pub(crate) fn ladder(message: &MessageView) -> (&'static str, String) {
    if message.kind == MessageKind::Inbound {
        return ("", String::new());
    }
    match &message.delivery {
        None => ("◌", "saved on this device".into()),
        Some(Delivery::Received | Delivery::Internal) => ("", String::new()),
        Some(Delivery::Accepted) => ("✓", "accepted".into()),
        Some(Delivery::Held(HeldBecause::Newer(_))) => ("⏸", "held: something newer was said".into()),
        Some(Delivery::Held(HeldBecause::Behind(_))) => ("⏸", "held behind an earlier reply".into()),
        Some(Delivery::Dropped) => ("✗", "dropped, never sent".into()),
        Some(Delivery::HandedOver) => ("✓", "handed to the provider".into()),
        Some(Delivery::Sent) => ("✓", "sent".into()),
        Some(Delivery::Delivered) => ("✓✓", "delivered".into()),
        Some(Delivery::Failed { reason }) => ("✗", format!("failed: {reason}")),
        Some(Delivery::Scheduled { .. }) => ("⏲", "waits for its time".into()),
        Some(Delivery::Newer) => ("?", "a state that only a newer version knows".into()),
        Some(Delivery::Unknown) => ("?", "unknown: the provider could not tell".into()),
    }
}

/// A verb of the outbox for people.
pub(crate) fn verb(name: &str) -> String {
    match name {
        "start_conversation" => "start".into(),
        "decide_held" => "decision".into(),
        "edit_held" => "edited reply".into(),
        other => other.replace('_', " "),
    }
}

/// How far something in the outbox is.
pub(crate) fn waiting(state: &OutboxState, now: Timestamp) -> String {
    match state {
        OutboxState::Saved { send_after } if send_after.since(now).as_millis() > 0 => {
            format!("leaves in {} s", send_after.since(now).as_secs() + 1)
        }
        OutboxState::Saved { .. } => "waits for the network".into(),
        OutboxState::Sending => "on its way".into(),
        OutboxState::Waiting => "waits for what the relay has".into(),
        OutboxState::Held { by_text: Some(text), .. } => format!("held: meanwhile “{text}”"),
        OutboxState::Held { because: HeldBecause::Behind(_), .. } => "held behind an earlier reply".into(),
        OutboxState::Held { .. } => "held: something newer was said".into(),
        OutboxState::Scheduled { at } => format!("to be sent {}", clock(*at, now)),
        OutboxState::NeedsAttention(Attention::Rejected(refusal)) => format!("refused: {}", refusal.reason),
        OutboxState::NeedsAttention(Attention::NeedsAccess) => {
            "this conversation exists, and you may not write in it: ask for access".into()
        }
        OutboxState::NeedsAttention(Attention::AccessLost) => "you lost access before it was delivered".into(),
        OutboxState::NeedsAttention(Attention::NoLongerApplies { reason }) => {
            format!("makes no sense any more: {reason}")
        }
    }
}

/// A name for scripts.
pub(crate) fn waiting_name(state: &OutboxState) -> &'static str {
    match state {
        OutboxState::Saved { .. } => "saved",
        OutboxState::Sending => "sending",
        OutboxState::Waiting => "waiting",
        OutboxState::Held { .. } => "held",
        OutboxState::Scheduled { .. } => "scheduled",
        OutboxState::NeedsAttention(_) => "needs_attention",
    }
}

/// The status in a few words.
pub(crate) fn status(status: &SyncStatus) -> String {
    if status.revoked {
        return "access ended".into();
    }
    if status.locked {
        return "locked: connect to unlock".into();
    }
    if status.clone {
        return "a copy: enrol anew".into();
    }
    match &status.connection {
        Connection::Offline if status.network == NetworkState::Offline => "offline".into(),
        Connection::Offline => "not connected".into(),
        Connection::Connecting => "connecting".into(),
        Connection::CatchingUp { done, total: 0 } => format!("catching up {done}"),
        Connection::CatchingUp { done, total } => format!("catching up {done}/{total}"),
        Connection::Live => "live".into(),
        Connection::NotProgressing => "connected, not progressing".into(),
        Connection::Unauthorized => "refused: enrol anew".into(),
    }
}

/// Where a conversation came from.
pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Direct => "direct",
        Origin::Campaign => "campaign",
        Origin::CartRecovery => "cart",
    }
}

/// How long ago, or when, in the viewer's zone (R41).
pub(crate) fn when(at: Timestamp, now: Timestamp) -> String {
    let age = now.since(at).as_secs();
    match age {
        0..60 => "now".into(),
        60..3600 => format!("{}m", age / 60),
        3600..86_400 => format!("{}h", age / 3600),
        86_400..604_800 => format!("{}d", age / 86_400),
        _ => strftime(at, "%d %b"),
    }
}

/// The time of day, with the day if it is another one.
pub(crate) fn clock(at: Timestamp, now: Timestamp) -> String {
    let (day, today) = (strftime(at, "%Y-%m-%d"), strftime(now, "%Y-%m-%d"));
    if day == today { strftime(at, "%H:%M") } else { strftime(at, "%d %b %H:%M") }
}

fn strftime(at: Timestamp, format: &str) -> String {
    let instant = Instant::from_millisecond(at.millis()).unwrap_or(Instant::UNIX_EPOCH);
    instant.to_zoned(TimeZone::system()).strftime(format).to_string()
}

/// Bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// What somebody did, in a few words.
pub(crate) fn deed(deed: &Deed, by: &str, name: &dyn Fn(MemberId) -> String) -> String {
    match deed {
        Deed::Opened => format!("{by} opened it"),
        Deed::Marked(marked) => format!("came up: {}", origin(*marked)),
        Deed::Assigned { member, reason } => format!("{by} assigned {} ({})", name(*member), reason.name()),
        Deed::Unassigned { member } => format!("{by} unassigned {}", name(*member)),
        Deed::Closed => format!("{by} closed it"),
        Deed::Reopened => format!("{by} reopened it"),
        Deed::Snoozed { .. } => format!("{by} snoozed it"),
        Deed::Woken => format!("{by} ended the snooze"),
        Deed::Tagged(tag) => format!("{by} tagged it {tag}"),
        Deed::Untagged(tag) => format!("{by} removed the tag {tag}"),
        Deed::Prioritised(priority) => format!("{by} made its priority {}", priority.name()),
        Deed::Moved { queue: Some(_) } => format!("{by} moved it to another queue"),
        Deed::Moved { queue: None } => format!("{by} took it out of its queue"),
        Deed::Released(_) => format!("{by} sent a reply that waited"),
        Deed::Dropped(_) => format!("{by} dropped a reply that waited"),
        Deed::Consent { phone, consent } => {
            format!("{by} set the consent of {phone}: {}", consent.map_or("none", |consent| consent.name()))
        }
        Deed::Blocked(true) => format!("{by} blocked the contact as spam"),
        Deed::Blocked(false) => format!("{by} unblocked the contact"),
    }
}

/// Whether an episode runs.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Closed => "closed",
    }
}

/// A time as people type it: `30m`, `3h`, `2d`, `tomorrow` (at nine), `17:30` (the next time it is so late),
/// `2026-11-22 09:00`; in the viewer's zone.
pub(crate) fn time_of(typed: &str, now: Timestamp) -> Option<Timestamp> {
    let typed = typed.trim();
    if let Some((count, unit)) = typed.split_at_checked(typed.len().checked_sub(1)?)
        && let (Ok(count), Some(seconds)) =
            (count.parse::<u64>(), [("m", 60), ("h", 3600), ("d", 86_400)].iter().find(|(name, _)| *name == unit))
    {
        return Some(now.after(Duration::from_secs(count.checked_mul(seconds.1)?)));
    }
    let here = Instant::from_millisecond(now.millis()).ok()?.to_zoned(TimeZone::system());
    let at = if typed == "tomorrow" {
        here.tomorrow().ok()?.with().hour(9).minute(0).second(0).subsec_nanosecond(0).build().ok()?
    } else if let Ok(time) = Time::strptime("%H:%M", typed) {
        let today = here.with().time(time).build().ok()?;
        if today > here { today } else { today.tomorrow().ok()? }
    } else {
        DateTime::strptime("%Y-%m-%d %H:%M", typed).ok()?.to_zoned(TimeZone::system()).ok()?
    };
    Some(Timestamp(at.timestamp().as_millisecond()))
}

/// The phones of a field in which several may stand, apart by blanks if each begins with a plus.
pub(crate) fn phones_in(text: &str) -> Vec<String> {
    let text = text.trim();
    let each: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    match text {
        "" => Vec::new(),
        _ if each.iter().all(|phone| phone.starts_with('+') && phone.len() > 6) => each,
        _ => vec![text.to_owned()],
    }
}

/// Colleagues who are in a conversation, in words (R27).
pub(crate) fn colleagues(colleagues: &[Colleague], name: &dyn Fn(MemberId) -> String) -> String {
    let doing = |what: Presence| {
        let who = colleagues.iter().filter(|colleague| colleague.doing == what);
        who.map(|colleague| name(colleague.member)).collect::<Vec<_>>().join(", ")
    };
    let (drafting, viewing) = (doing(Presence::Drafting), doing(Presence::Viewing));
    match (drafting.is_empty(), viewing.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("{drafting}: drafting"),
        (true, false) => format!("{viewing}: looking"),
        (false, false) => format!("{drafting}: drafting · {viewing}: looking"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn a_time_is_read_as_people_type_it() {
        let hours = |typed| time_of(typed, NOW).map(|at| at.since(NOW).as_secs() / 3600);
        assert_eq!((hours("3h"), hours("90m"), hours("2d")), (Some(3), Some(1), Some(48)));
        assert!(hours("tomorrow").unwrap() <= 34 && hours("17:30").unwrap() <= 24);
        assert_eq!(
            time_of("2099-01-02 03:04", NOW).map(|at| strftime(at, "%d.%m.%Y %H:%M")).unwrap(),
            "02.01.2099 03:04"
        );
        for nonsense in ["", "h", "soon", "25:00", "-1h", "99999999999999999999d"] {
            assert_eq!(time_of(nonsense, NOW), None, "{nonsense}");
        }
    }
}
