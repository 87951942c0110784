//! A reply, durable on the device when the call returns.

use super::thousands;
use crate::{
    Context,
    limits::durable_inserts,
    measure::{Samples, Watch},
    stage::Stage,
    table::Row,
    workload::texts,
};

const REPLIES: usize = 500;

/// With 1,000 and with 10,000 conversations on the device.
pub(super) async fn reply(context: &Context) -> Vec<Row> {
    let mut rows = Vec::new();
    for conversations in [1_000, 10_000] {
        let stage = Stage::open(&context.cache, conversations).await;
        let device = stage.synced(0, "phone").await;
        let some = device.conversations(100);
        let mut samples = Samples::default();
        for (number, text) in texts(1, REPLIES).iter().enumerate() {
            let watch = Watch::start();
            device.reply(some[number % some.len()], text).unwrap();
            samples.add(watch.stop());
        }
        let encrypted = durable_inserts(stage.path("").as_path(), true, REPLIES);
        let plain = durable_inserts(stage.path("").as_path(), false, REPLIES);
        let line = format!("durable local reply, {}", thousands(conversations));
        let limit = format!("one row: {} (encrypted), {} (plain)", encrypted.p50_p99(), plain.p50_p99());
        rows.push(Row::new(line, "the call", samples.p50_p99()).target("p50 ≤ 1 ms").limit(limit));
        device.close().await;
    }
    rows
}
