//! Peak memory of a device that starts cold, and of the relay that serves it, each a process of its own; and a plot of it
//! against the number of conversations.

use super::thousands;
use crate::{
    Context,
    child::Child,
    measure::{bytes, time},
    plot::{Curve, plot},
    stage::Stage,
    table::Row,
};

const SIZES: &[usize] = &[100, 1_000, 3_000, 10_000];

/// Cold starts of several sizes.
pub(super) async fn cold(context: &Context) -> Vec<Row> {
    let mut rows = Vec::new();
    let curves = [Curve::new("device", "#2563eb"), Curve::new("relay", "#d97706")];
    let [mut of_device, mut of_relay] = curves;
    for conversations in SIZES.iter().copied() {
        // Enrolled with a relay that is then stopped: the measured one has done nothing before.
        let stage = Stage::open(&context.cache, conversations).await;
        let config = stage.enrol(0, "phone").await.close().await;
        let folder = stage.stop().await;
        let (relay, addr) = Child::relay(&folder.path().join("relay.db"));
        let mut device = Child::device(&config.database, addr);
        let before = (device.memory(), relay.memory());
        device.sync();
        let (device_after, relay_after) = (device.memory(), relay.memory());
        of_device.point(conversations, device_after.peak);
        of_relay.point(conversations, relay_after.peak);
        let line = format!("memory of a cold start, {}", thousands(conversations));
        let row = Row::new(&line, "device, peak resident", bytes(device_after.peak))
            .limit(format!("{} when it is opened", bytes(before.0.now)));
        rows.push(match conversations {
            1_000 => row.target("≤ 40 MB"),
            10_000 => row.target("≤ 40 MB (required ≤ 60)"),
            _ => row,
        });
        let row = Row::new(&line, "relay, peak resident", bytes(relay_after.peak));
        rows.push(row.limit(format!("{} when it is started", bytes(before.1.now))));
        rows.push(Row::new(
            &line,
            "CPU time of device and relay apart",
            format!("{} and {}", time(device.cpu()), time(relay.cpu())),
        ));
    }
    let path = context.docs.join("memory.svg");
    let svg = plot("Peak resident memory of a cold start", "conversations", "MB", &[of_device, of_relay]);
    std::fs::write(&path, svg).unwrap();
    eprintln!("    plotted to {}", path.display());
    rows
}
