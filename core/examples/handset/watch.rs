//! `watch`: the inbox and the alerts as they change.

use std::{future::pending, time::Duration};

use offdesk_core::{
    engine::{Clock, LiveList, Offdesk, SystemClock},
    time::Timestamp,
    triage::{InboxFilter, ListDiff},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    device::Failure,
    output::{self, Output},
    words,
};

pub(crate) async fn watch(
    device: &Offdesk,
    out: Output,
    filter: InboxFilter,
    seconds: Option<Duration>,
    offline: bool,
) -> Result<(), Failure> {
    let (mut inbox, mut alerts) = (device.observe_inbox(filter, 50), device.observe_alerts());
    let mut status = device.observe_status();
    begin(out, "inbox", &inbox, output::row)?;
    begin(out, "alerts", &alerts, output::alert)?;
    if !offline {
        device.start();
    }
    let end = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(seconds).await,
            None => pending().await,
        }
    };
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return Ok(()),
            _ = tokio::signal::ctrl_c() => return Ok(()),
            steps = inbox.next() => match steps {
                Some(steps) => tell(out, "inbox", &steps, output::row)?,
                None => return Ok(()),
            },
            steps = alerts.next() => match steps {
                Some(steps) => tell(out, "alerts", &steps, output::alert)?,
                None => return Ok(()),
            },
            changed = status.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let now = status.borrow_and_update().clone();
                let said = json!({ "status": words::status(&now), "pending": now.pending, "attention": now.attention,
                    "held": now.held, "error": now.last_error });
                out.say(&said, || vec![format!("· {}", words::status(&now))])?;
            }
        }
    }
}

fn begin<T: Serialize + Clone + PartialEq + Send + 'static>(
    out: Output,
    list: &str,
    live: &LiveList<T>,
    line: impl Fn(&T, Timestamp) -> String,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    out.say(&json!({ "list": list, "items": live.items() }), || {
        live.items().iter().map(|item| format!("= {list}  {}", line(item, now))).collect()
    })
}

fn tell<T: Serialize>(
    out: Output,
    list: &str,
    steps: &[ListDiff<T>],
    line: impl Fn(&T, Timestamp) -> String,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    out.say(&json!({ "list": list, "steps": steps }), || {
        steps
            .iter()
            .map(|step| match step {
                ListDiff::Insert { index, item } => format!("+ {list}[{index}]  {}", line(item, now)),
                ListDiff::Update { index, item } => format!("~ {list}[{index}]  {}", line(item, now)),
                ListDiff::Move { from, to, item } => format!("> {list}[{from}→{to}]  {}", line(item, now)),
                ListDiff::Remove { index } => format!("- {list}[{index}]"),
            })
            .collect()
    })
}
