//! Named crash points, a testing aid: a process that is told to dies at one of them as if it had been killed, so that
//! tests can look at what survives.
//!
//! A point costs one relaxed load when nothing is armed. To arm one, start the process with `OFFDESK_FAILPOINT=name`, or
//! `OFFDESK_FAILPOINT=name:3` to die the third time that it is reached. Rejected: a cargo feature, which would need a
//! second build of everything, of a binary that is not the one shipped.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, AtomicU32, Ordering::Relaxed},
};

/// The environment variable that arms a point. It is read once, when the first point is reached.
pub const VARIABLE: &str = "OFFDESK_FAILPOINT";

const UNREAD: u8 = 0;
const OFF: u8 = 1;
const ARMED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNREAD);
static POINT: OnceLock<Option<Point>> = OnceLock::new();

struct Point {
    name: String,
    remaining: AtomicU32,
}

/// Dies here, without destructors or a flush, if this point is the one that is armed and its count is used up.
#[inline]
pub fn hit(name: &str) {
    if STATE.load(Relaxed) != OFF {
        reached(name);
    }
}

#[cold]
fn reached(name: &str) {
    let point = POINT.get_or_init(|| {
        let point = std::env::var(VARIABLE).ok().as_deref().and_then(parse);
        STATE.store(if point.is_some() { ARMED } else { OFF }, Relaxed);
        point
    });
    if let Some(point) = point
        && point.name == name
        && point.remaining.fetch_sub(1, Relaxed) == 1
    {
        std::process::abort();
    }
}

fn parse(text: &str) -> Option<Point> {
    let (name, count) = match text.rsplit_once(':') {
        Some((name, count)) => (name, count.parse().ok().filter(|count| *count > 0)?),
        None => (text, 1),
    };
    (!name.is_empty()).then(|| Point { name: name.to_owned(), remaining: AtomicU32::new(count) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Run by the tests below in a process of its own; passes two points, the second one twice.
    #[test]
    #[ignore = "the child of the other tests"]
    fn child() {
        hit("test.first");
        hit("test.second");
        hit("test.second");
    }

    fn run(armed: &str) -> std::process::ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failpoint::tests::child", "--ignored", "--test-threads=1"])
            .env(VARIABLE, armed)
            .output()
            .unwrap()
            .status
    }

    #[test]
    fn only_the_armed_point_kills_and_only_at_its_count() {
        assert!(run("").success());
        assert!(run("test.third").success());
        assert!(run("test.first:2").success());
        assert!(run("test.second:0").success(), "a count of none arms nothing");
        // Killed by a signal, not an exit: no code.
        assert_eq!(run("test.first").code(), None);
        assert_eq!(run("test.second:2").code(), None);
    }
}
