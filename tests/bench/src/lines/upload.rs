//! A day offline goes up at once.

use super::thousands;
use crate::{
    Context,
    limits::{sqlite, through_zstd},
    measure::{Cost, Samples, Watch, bytes},
    peer,
    stage::{Device, Stage},
    table::Row,
    workload::texts,
};

/// Messages written offline.
pub const MESSAGES: usize = 1_000;
/// In how many conversations.
pub const CONVERSATIONS: usize = 200;
const ROUNDS: usize = 4;

fn write_offline(device: &Device, round: usize) {
    let conversations: Vec<_> =
        device.conversations(1_000).into_iter().skip(round).step_by(5).take(CONVERSATIONS).collect();
    assert_eq!(conversations.len(), CONVERSATIONS);
    for (number, text) in texts(round as u64, MESSAGES).iter().enumerate() {
        device.reply(conversations[number % CONVERSATIONS], text).unwrap();
    }
}

/// 1,000 replies in 200 conversations.
pub(super) async fn offline(context: &Context) -> Vec<Row> {
    let line = format!("upload of {} offline messages", thousands(MESSAGES));
    let stage = Stage::open(&context.cache, 1_000).await;
    let proxy = stage.proxy().await;
    let mut device = stage.synced(0, "phone").await;
    let (mut traffic, mut samples, mut trips) = (Vec::new(), Samples::default(), 0);
    for round in 0..ROUNDS {
        write_offline(&device, round);
        device = device.reopen(if round % 2 == 0 { proxy.addr() } else { stage.addr() }).await;
        assert_eq!(device.stats().unwrap().pending, MESSAGES as u64);
        let (before, watch) = (proxy.traffic(), Watch::start());
        let report = device.sync().await;
        let cost = watch.stop();
        assert!(device.outbox().unwrap().is_empty(), "everything was accepted");
        trips = report.round_trips;
        if round % 2 == 0 {
            traffic.push(proxy.traffic().since(before));
        } else {
            samples.add(cost);
        }
    }
    let count = traffic.len() as u64;
    let up = traffic.iter().map(|traffic| traffic.up).sum::<u64>() / count;
    let down = traffic.iter().map(|traffic| traffic.down).sum::<u64>() / count;
    let (small, _) = through_zstd(texts(0, MESSAGES).join("\n").as_bytes());
    let plain = plain_inserts(&stage);
    let other = peer::upload(&stage).await;
    vec![
        Row::new(
            &line,
            "bytes both ways, HTTP included",
            format!("{} ({} up, {} down)", bytes(up + down), bytes(up), bytes(down)),
        )
        .target("≤ 150 kB")
        .limit(format!("{} (texts in zstd)", bytes(small as u64)))
        .peer(other.bytes()),
        Row::new(&line, "time until all verdicts are stored", samples.best().to_string())
            .target("≤ 0.2 s")
            .limit(format!("{plain} (rows in plain SQLite)"))
            .peer(other.time()),
        Row::new(&line, "requests", trips.to_string()),
    ]
}

fn plain_inserts(stage: &Stage) -> Cost {
    let mut connection = sqlite(&stage.path("plain.db"), false);
    connection
        .execute_batch("CREATE TABLE m (id BLOB PRIMARY KEY, c INTEGER, body TEXT); CREATE INDEX i ON m (c)")
        .unwrap();
    let watch = Watch::start();
    let tx = connection.transaction().unwrap();
    for (number, text) in texts(0, MESSAGES).iter().enumerate() {
        let of = number % CONVERSATIONS;
        tx.execute("INSERT INTO m VALUES (randomblob(16), ?1, ?2)", rusqlite::params![of, text]).unwrap();
    }
    tx.commit().unwrap();
    watch.stop()
}
