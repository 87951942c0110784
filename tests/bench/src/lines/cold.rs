//! A new device gets everything.

use super::thousands;
use crate::{
    Context,
    limits::{payload, rows_in_sqlite, through_zstd},
    measure::{Samples, Watch, bytes, time},
    peer,
    stage::Stage,
    table::Row,
    workload::talks,
};

/// A cold start.
pub(super) async fn start(context: &Context, conversations: usize) -> Vec<Row> {
    let line = format!("cold start, {}", thousands(conversations));
    let (target_bytes, target_time, target_first, rounds) = match conversations {
        1_000 => ("≤ 1.6 MB", "≤ 0.4 s", "≤ 50 ms (required ≤ 100)", 5),
        _ => ("≤ 16 MB", "≤ 4 s", "≤ 100 ms", 3),
    };
    let stage = Stage::open(&context.cache, conversations).await;
    // Bytes, through a proxy.
    let proxy = stage.proxy().await;
    let counted = stage.enrol(0, "counted").await.reopen(proxy.addr()).await;
    let before = proxy.traffic();
    counted.sync().await;
    let traffic = proxy.traffic().since(before);
    let size = counted.stats().unwrap().database_bytes;
    counted.close().await;
    // Time, without it.
    let (mut all, mut first) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        let device = stage.enrol(0, &format!("phone-{round}")).await;
        let watch = Watch::start();
        let report = device.sync().await;
        all.add(watch.stop());
        first.add(crate::measure::Cost { wall: report.first_page.unwrap(), ..Default::default() });
        assert_eq!(device.stats().unwrap().conversations, conversations as u64);
        device.close().await;
    }
    let talks = talks(conversations);
    let payload = payload(&talks);
    let (small, squeezed) = through_zstd(&payload);
    let plain = rows_in_sqlite(stage.path("").as_path(), &talks);
    let other = if conversations == 1_000 { peer::cold(&stage).await } else { peer::Figures::default() };
    let ratio = other.wall.map(|wall| wall.as_secs_f64() / all.median().wall.as_secs_f64());
    let mut rows = vec![
        Row::new(&line, "bytes, HTTP included", bytes(traffic.up + traffic.down))
            .target(target_bytes)
            .limit(format!("{} (the payload's {} in zstd)", bytes(small as u64), bytes(payload.len() as u64)))
            .peer(other.bytes()),
        Row::new(&line, "time, median", all.median().to_string())
            .target(target_time)
            .limit(format!("{squeezed} (zstd), {plain} (rows in plain SQLite)"))
            .peer(other.time()),
        Row::new(&line, "time, best", all.best().to_string()).target(target_time),
        Row::new(
            &line,
            "first page",
            format!("median {}, best {}", time(first.median().wall), time(first.best().wall)),
        )
        .target(target_first),
        Row::new(&line, "database on the device", bytes(size)),
    ];
    if let Some(ratio) = ratio {
        rows.push(Row::new(&line, "faster than samod", format!("{ratio:.1} times")).target("required ≥ 6 times"));
    }
    rows
}
