//! What a call across the border costs: a page, a verb, a change that a list tells, from the core, through the types that
//! UniFFI exports, and from Kotlin, on one database, without a network.

use std::{path::Path, process::Command, sync::Arc};

use offdesk_core::{engine::Offdesk, triage::InboxFilter};
use offdesk_ffi::{Config, Device};

use crate::{
    Context,
    measure::{Samples, Watch},
    stage::Stage,
    table::Row,
};

const CONVERSATIONS: usize = 1_000;
const ROWS: u32 = 50;
const PAGES: usize = 2_000;
const NOTES: usize = 500;

/// What was measured, in this order.
const LINES: [&str; 3] = ["a page of 50 rows", "a verb (a note), durable", "the step that a list tells of it"];

/// On a device with 1,000 conversations.
pub(super) async fn calls(context: &Context) -> Vec<Row> {
    let stage = Stage::open(&context.cache, CONVERSATIONS).await;
    let device = stage.synced(0, "phone").await;
    let config = device.close().await;
    let core = core(&config).await;
    let exported = exported(&config.database).await;
    let kotlin = kotlin(&config.database);
    let rows = LINES.iter().enumerate().map(|(at, what)| {
        let line = if at == 0 { "a call across the border" } else { "" };
        let through = format!("through the exported types {}", exported[at].p50_p99());
        Row::new(line, *what, format!("Kotlin {}", kotlin[at])).limit(format!("core {}; {through}", core[at].p50_p99()))
    });
    rows.collect()
}

async fn core(config: &offdesk_core::engine::Config) -> [Samples; 3] {
    let device = Offdesk::open(config.clone()).unwrap();
    let [mut page, mut verb, mut step] = <[Samples; 3]>::default();
    let limit = usize::try_from(ROWS).unwrap();
    let rows = device.inbox(&InboxFilter::default(), limit, None).unwrap();
    for _ in 0..PAGES {
        let watch = Watch::start();
        assert_eq!(device.inbox(&InboxFilter::default(), limit, None).unwrap().len(), limit);
        page.add(watch.stop());
    }
    let mut list = device.observe_inbox(InboxFilter::default(), limit);
    for number in 0..NOTES {
        let watch = Watch::start();
        device.note(rows[number % rows.len()].conversation, "called back").unwrap();
        verb.add(watch.stop());
        let watch = Watch::start();
        assert!(list.next().await.is_some());
        step.add(watch.stop());
    }
    device.close().await;
    [page, verb, step]
}

async fn exported(database: &Path) -> [Samples; 3] {
    let database = database.to_str().unwrap().to_owned();
    let config = Config { database, key: vec![7; 32], undo_window: None, root_certificates: Vec::new() };
    let device: Arc<Device> = Device::open(config).unwrap();
    let [mut page, mut verb, mut step] = <[Samples; 3]>::default();
    let inbox = || device.inbox(offdesk_ffi::InboxFilter::default(), Some(ROWS), None).unwrap();
    let rows = inbox().rows;
    for _ in 0..PAGES {
        let watch = Watch::start();
        assert_eq!(inbox().rows.len(), rows.len());
        page.add(watch.stop());
    }
    let list = device.observe_inbox(offdesk_ffi::InboxFilter::default(), Some(ROWS)).unwrap();
    list.clone().next().await.unwrap().unwrap();
    for number in 0..NOTES {
        let watch = Watch::start();
        device.note(rows[number % rows.len()].id, "called back".into(), Vec::new()).unwrap();
        verb.add(watch.stop());
        let watch = Watch::start();
        list.clone().next().await.unwrap().unwrap();
        step.add(watch.stop());
    }
    device.close().await.unwrap();
    [page, verb, step]
}

/// The same from Kotlin, in a process of its own, as it prints it: one line for each.
fn kotlin(database: &Path) -> [String; 3] {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kotlin/bench");
    let counts = [PAGES.to_string(), NOTES.to_string()];
    let ran = Command::new(&program).arg(database).arg("07".repeat(32)).args(counts).output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let complete: Result<[String; 3], _> = lines.try_into();
    complete.unwrap_or_else(|lines| {
        panic!("{} said {lines:?}: {}", program.display(), String::from_utf8_lossy(&ran.stderr))
    })
}
