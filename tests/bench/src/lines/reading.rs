//! What a screen asks for: opening the store, the first page, filters, counts, search.

use std::{path::Path, time::Duration};

use offdesk_core::{
    engine::{Config, Offdesk},
    model::{Origin, Status},
    triage::{Assignee, InboxFilter, Scope},
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::thousands;
use crate::{
    Context, handset,
    limits::sqlite,
    measure::{Samples, Watch},
    stage::Stage,
    table::Row,
    words::Words,
    workload::{Talk, talks},
};

const TIMES: usize = 60;

/// Opening a device that was closed in order, and one that was not.
pub(super) async fn open(context: &Context) -> Vec<Row> {
    let line = "opening a store with 10,000";
    let stage = Stage::open(&context.cache, 10_000).await;
    let config = stage.synced(0, "phone").await.close().await;
    let (closed, shown) = opened(&config, true).await;
    let (dropped, _) = opened(&config, false).await;
    let limit = plain_open(&config.database);
    vec![
        Row::new(line, "closed in order before", closed.p50_p99())
            .target("required ≤ 50 ms")
            .limit(format!("one row of a plain database: {}", limit.p50_p99())),
        Row::new(line, "closed, with the first 50 rows read", shown.p50_p99()).target("required ≤ 50 ms"),
        Row::new(line, "written to and not closed in order before", dropped.p50_p99()).target("required ≤ 50 ms"),
    ]
}

/// Times to open, and to open and read the first page.
async fn opened(config: &Config, in_order: bool) -> (Samples, Samples) {
    let (mut opening, mut showing) = (Samples::default(), Samples::default());
    for _ in 0..TIMES {
        let watch = Watch::start();
        let device = Offdesk::open(config.clone()).unwrap();
        opening.add(watch.stop());
        device.inbox(&InboxFilter::default(), 50, None).unwrap();
        showing.add(watch.stop());
        if in_order {
            device.close().await;
        } else {
            // As when the process is killed: the log of the last writes stays beside the file.
            let row = device.inbox(&InboxFilter::default(), 1, None).unwrap().remove(0);
            device.set_draft(row.conversation, "half a sen").unwrap();
            drop(device);
        }
    }
    (opening, showing)
}

/// Opening a plain SQLite file and reading one row.
fn plain_open(beside: &Path) -> Samples {
    let path = beside.with_file_name("plain-open.db");
    sqlite(&path, false).execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    let mut samples = Samples::default();
    for _ in 0..TIMES {
        let watch = Watch::start();
        sqlite(&path, false).query_row("SELECT a FROM t", [], |_| Ok(())).unwrap();
        samples.add(watch.stop());
    }
    samples
}

fn times<T>(mut work: impl FnMut() -> T) -> Samples {
    let mut samples = Samples::default();
    for _ in 0..TIMES {
        let watch = Watch::start();
        work();
        samples.add(watch.stop());
    }
    samples
}

/// Lists, counts and search with 100,000 conversations.
pub(super) async fn lists(context: &Context) -> Vec<Row> {
    const CONVERSATIONS: usize = 100_000;
    let line = format!("reading, {}", thousands(CONVERSATIONS));
    let path = handset::database(&context.cache, CONVERSATIONS).await;
    let device = Offdesk::open(handset::config(&path)).unwrap();
    let talks = talks(CONVERSATIONS);
    let plain = plain_list(&context.cache, &talks);
    let all = InboxFilter::default();
    let open = InboxFilter { status: Some(Status::Open), ..all.clone() };
    let filters = [
        ("first page, all", all.clone()),
        ("first page, open", open.clone()),
        ("filter: unread", InboxFilter { unread: true, ..all.clone() }),
        ("filter: open, needs reply", InboxFilter { needs_reply: true, ..open.clone() }),
        ("filter: open, mine", InboxFilter { scope: Scope::AssignedToMe, ..open.clone() }),
        ("filter: open, nobody's", InboxFilter { assignee: Some(Assignee::Nobody), ..open.clone() }),
        ("filter: tag", InboxFilter { tag: Some("vip".into()), ..all.clone() }),
        (
            "filter: open, a rare tag, mine, unread",
            InboxFilter { tag: Some("warranty".into()), scope: Scope::AssignedToMe, unread: true, ..open.clone() },
        ),
        ("filter: origin, open", InboxFilter { origin: Some(Origin::Direct), ..open }),
    ];
    let mut rows = Vec::new();
    for (what, filter) in filters {
        let found = device.inbox(&filter, 50, None).unwrap().len();
        let samples = times(|| device.inbox(&filter, 50, None).unwrap());
        let row = Row::new(&line, format!("{what} ({found} rows)"), samples.p50_p99());
        rows.push(if what.starts_with("first page") {
            row.limit(format!("the same rows in plain SQLite: {}", plain.p50_p99()))
        } else {
            row
        });
    }
    let last = device.inbox(&all, 50_000, None).unwrap().pop().unwrap();
    let after = offdesk_core::store::PageKey::of(&last);
    rows.push(Row::new(
        &line,
        "a page in the middle",
        times(|| device.inbox(&all, 50, Some(after)).unwrap()).p50_p99(),
    ));
    rows.push(Row::new(&line, "counts", times(|| device.counts().unwrap()).p50_p99()));
    let name = &talks[CONVERSATIONS / 2].name;
    let (first, family) = name.split_once(' ').unwrap();
    for (what, typed) in [
        ("search: one letter", first[..1].to_owned()),
        ("search: two letters", first[..2].to_owned()),
        ("search: three letters", first[..3].to_owned()),
        ("search: first name and an initial", format!("{first} {}", &family[..1])),
        ("search: a phone as people write it", "(415) 205-0000".into()),
        ("search: the last four digits", "0123".into()),
        ("search: nobody", "zzyzx".into()),
    ] {
        let found = device.search(&typed, 20).unwrap().len();
        let samples = times(|| device.search(&typed, 20).unwrap());
        rows.push(Row::new(&line, format!("{what} ({found} of 20)"), samples.p50_p99()));
    }
    rows.extend(messages(&device, &line, &path));
    device.close().await;
    rows
}

/// Taking in the texts of messages, and searching in them: another beginning of another word each time, drawn as people
/// write them, so that the frequent ones come as often as they do.
fn messages(device: &Offdesk, line: &str, path: &Path) -> Vec<Row> {
    const QUERIES: usize = 400;
    let bytes = || std::fs::metadata(path).map_or(0, |file| file.len());
    let (before, watch) = (bytes(), Watch::start());
    let waited = !device.search_messages("the", 1).unwrap().complete;
    assert!(device.index_messages(Duration::from_secs(3600)).unwrap());
    let taken = watch.stop();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let words = Words::new(&mut rng);
    let mut rows = Vec::new();
    if waited {
        let what = format!("taking in every message, {} MB", (bytes() - before) / 1_000_000);
        rows.push(Row::new(line, what, format!("{:.1} s", taken.wall.as_secs_f64())));
    }
    for (what, letters, terms) in [
        ("messages: three letters", 3..4, 1),
        ("messages: four to six letters", 4..7, 1),
        ("messages: whole words", 64..65, 1),
        ("messages: two words", 3..9, 2),
    ] {
        let (mut samples, mut found) = (Samples::default(), 0);
        for _ in 0..QUERIES {
            let mut typed = Vec::new();
            while typed.len() < terms {
                let word = words.word(&mut rng).replace('\'', "");
                let length = rng.random_range(letters.clone()).min(word.len());
                if word.len() >= 3 && word.is_char_boundary(length) {
                    typed.push(word[..length].to_owned());
                }
            }
            let typed = typed.join(" ");
            let watch = Watch::start();
            let answer = device.search_messages(&typed, 20).unwrap();
            samples.add(watch.stop());
            found += answer.hits.len();
        }
        let row = Row::new(line, format!("{what} ({} of 20)", found / QUERIES), samples.p50_p99());
        rows.push(row.target("required p99 < 10 ms"));
    }
    rows
}

/// The first page of a plain, unencrypted list with an index.
fn plain_list(folder: &Path, talks: &[Talk]) -> Samples {
    let path = folder.join("plain-list.db");
    let _ = std::fs::remove_file(&path);
    let mut connection = sqlite(&path, false);
    let columns = "id INTEGER PRIMARY KEY, phone TEXT, name TEXT, tag TEXT, closed INTEGER, last INTEGER, body TEXT";
    connection.execute_batch(&format!("CREATE TABLE c ({columns}); CREATE INDEX by_last ON c (last DESC)")).unwrap();
    let tx = connection.transaction().unwrap();
    for talk in talks {
        let last = talk.lines.last().unwrap();
        tx.prepare_cached("INSERT INTO c (phone, name, tag, closed, last, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
            .unwrap()
            .execute(rusqlite::params![
                talk.phone,
                talk.name,
                talk.tag,
                talk.closed_by.is_some(),
                last.at.millis(),
                last.text
            ])
            .unwrap();
    }
    tx.commit().unwrap();
    let mut page = connection.prepare("SELECT * FROM c ORDER BY last DESC LIMIT 50").unwrap();
    times(|| page.query_map([], |row| row.get::<_, String>(6)).unwrap().map(Result::unwrap).collect::<Vec<_>>())
}
