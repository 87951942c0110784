//! A device comes back: nothing is new, or a hundred conversations have a message more.

use offdesk_core::engine::NetworkState;

use super::thousands;
use crate::{
    Context,
    limits::{http_round_trips, sqlite, tcp_round_trips, through_zstd},
    measure::{Samples, Watch, bytes},
    peer,
    stage::{Device, Stage},
    table::Row,
    workload::texts,
};

const TIMES: usize = 200;
const CHANGED: usize = 100;
const ROUNDS: usize = 6;

/// As after a tunnel: whatever was connected is not used again.
fn new_network(device: &Device) {
    device.set_network(NetworkState::Offline);
    device.set_network(NetworkState::Online);
}

/// Nothing is new.
pub(super) async fn unchanged(context: &Context, conversations: usize) -> Vec<Row> {
    let line = format!("unchanged reconnect, {}", thousands(conversations));
    let stage = Stage::open(&context.cache, conversations).await;
    let device = stage.synced(0, "phone").await;
    // Bytes, through a proxy; the first one may still tell the relay of something.
    let proxy = stage.proxy().await;
    let device = device.reopen(proxy.addr()).await;
    device.sync().await;
    new_network(&device);
    let before = proxy.traffic();
    let report = device.sync().await;
    let traffic = proxy.traffic().since(before);
    assert_eq!((traffic.turns, traffic.connections, report.round_trips), (1, 1, 1));
    // Time, without it.
    let device = device.reopen(stage.addr()).await;
    let (mut fresh, mut kept) = (Samples::default(), Samples::default());
    for _ in 0..TIMES {
        new_network(&device);
        let watch = Watch::start();
        device.sync().await;
        fresh.add(watch.stop());
        let watch = Watch::start();
        device.sync().await;
        kept.add(watch.stop());
    }
    let (up, down) = (traffic.up, traffic.down);
    let size = |bytes| usize::try_from(bytes).unwrap();
    let raw = tcp_round_trips(size(up), size(down), true, TIMES);
    let http = http_round_trips(stage.addr(), TIMES).await;
    let other = if conversations == 1_000 { peer::reconnect(&stage, 0).await } else { peer::Figures::default() };
    vec![
        Row::new(&line, "bytes, HTTP included", format!("{} B ({up} up, {down} down)", up + down))
            .target("≤ 400 B (required ≤ 600)")
            .peer(other.bytes()),
        Row::new(
            &line,
            "bytes of the bodies",
            format!("{} B ({} up, {} down)", report.bytes_up + report.bytes_down, report.bytes_up, report.bytes_down),
        ),
        Row::new(&line, "round trips", "1").target("1"),
        Row::new(&line, "time, new connection", fresh.p50_p99())
            .target("≤ 5 ms")
            .limit(format!("TCP alone {}; HTTP alone {}", raw.p50_p99(), http.p50_p99()))
            .peer(other.time()),
        Row::new(&line, "time, connection kept", kept.p50_p99()).target("≤ 5 ms"),
    ]
}

/// A hundred conversations have a message more.
pub(super) async fn changed(context: &Context) -> Vec<Row> {
    let line = "100 of 1,000 changed";
    let stage = Stage::open(&context.cache, 1_000).await;
    let proxy = stage.proxy().await;
    let mut device = stage.synced(0, "phone").await;
    let rows = device.first(1_000);
    let (mut traffic, mut samples) = (Vec::new(), Samples::default());
    for round in 0..ROUNDS {
        // Every other round counts bytes, the others time; each changes others, spread over the whole list.
        let some: Vec<_> = rows.iter().skip(round).step_by(rows.len() / CHANGED).take(CHANGED).cloned().collect();
        stage.inbound(&some, texts(round as u64, CHANGED)).await;
        device = device.reopen(if round % 2 == 0 { proxy.addr() } else { stage.addr() }).await;
        let (before, watch) = (proxy.traffic(), Watch::start());
        let report = device.sync().await;
        let cost = watch.stop();
        assert_eq!(report.documents, CHANGED as u64);
        if round % 2 == 0 {
            traffic.push(proxy.traffic().since(before));
        } else {
            samples.add(cost);
        }
    }
    let all: u64 = traffic.iter().map(|traffic| traffic.up + traffic.down).sum();
    let payload = texts(0, CHANGED).join("\n");
    let (small, _) = through_zstd(payload.as_bytes());
    let other = peer::reconnect(&stage, CHANGED).await;
    let plain = plain_inserts(&stage);
    vec![
        Row::new(line, "bytes, HTTP included", bytes(all / traffic.len() as u64))
            .target("≤ 15 kB")
            .limit(format!("{} (texts in zstd)", bytes(small as u64)))
            .peer(other.bytes()),
        Row::new(line, "time", samples.best().to_string())
            .target("≤ 20 ms")
            .limit(format!("{plain} (100 rows in SQLite)"))
            .peer(other.time()),
    ]
}

/// A hundred rows into plain SQLite, in one durable transaction.
fn plain_inserts(stage: &Stage) -> crate::measure::Cost {
    let mut connection = sqlite(&stage.path("plain.db"), false);
    connection
        .execute_batch("CREATE TABLE m (id INTEGER PRIMARY KEY, c INTEGER, body TEXT); CREATE INDEX i ON m (c)")
        .unwrap();
    let watch = Watch::start();
    let tx = connection.transaction().unwrap();
    for (number, text) in texts(0, CHANGED).iter().enumerate() {
        tx.execute("INSERT INTO m (c, body) VALUES (?1, ?2)", rusqlite::params![number, text]).unwrap();
    }
    tx.commit().unwrap();
    watch.stop()
}
