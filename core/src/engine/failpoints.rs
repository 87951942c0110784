//! The device's crash points, for the kill tests: see [`crate::failpoint`].

pub(super) use crate::failpoint::hit;
use crate::{
    protocol::{Request, Response},
    sync::session::Event,
};

/// A local command has written everything, inside its transaction.
pub const DEVICE_BEFORE_COMMIT: &str = "device.before_commit";
/// A local command is durable; its caller doesn't know yet.
pub const DEVICE_AFTER_COMMIT: &str = "device.after_commit";
/// A page is applied with its cursor, inside its transaction.
pub const PAGE_BEFORE_COMMIT: &str = "sync.page_before_commit";
/// A verdict is applied, inside its transaction.
pub const VERDICT_BEFORE_COMMIT: &str = "sync.verdict_before_commit";
/// A push is durably in flight; nothing of it has been sent.
pub const PUSH_IN_FLIGHT: &str = "sync.push_in_flight";

/// Every point, for tests that try each.
pub const ALL: [&str; 5] =
    [DEVICE_BEFORE_COMMIT, DEVICE_AFTER_COMMIT, PAGE_BEFORE_COMMIT, VERDICT_BEFORE_COMMIT, PUSH_IN_FLIGHT];

/// The points inside the transaction that takes these events.
pub(super) fn inside(events: &[Event]) -> impl Iterator<Item = &'static str> + use<> {
    let has = |wanted: fn(&Response) -> bool| {
        events.iter().any(|event| matches!(event, Event::Frame { frame, .. } if wanted(frame)))
    };
    let page = has(|frame| matches!(frame, Response::Cursor { .. }));
    let verdict = has(|frame| matches!(frame, Response::Verdict { .. }));
    [(page, PAGE_BEFORE_COMMIT), (verdict, VERDICT_BEFORE_COMMIT)]
        .into_iter()
        .filter_map(|(passed, name)| passed.then_some(name))
}

/// The point before a request is sent.
pub(super) fn sending(frames: &[Request]) {
    if frames.iter().any(|frame| matches!(frame, Request::Group { .. })) {
        hit(PUSH_IN_FLIGHT);
    }
}
