//! A reply on its way from one phone to another, both live.

use offdesk_core::triage::InboxFilter;
use offdesk_tests::eventually;

use crate::{
    Context,
    limits::{durable_inserts, tcp_round_trips},
    measure::{Cost, Samples, Watch},
    peer,
    stage::{Device, Stage},
    table::Row,
    workload::texts,
};

const REPLIES: usize = 400;

async fn live(device: &Device) {
    device.start();
    eventually("it is live", || device.status().connection == offdesk_core::engine::Connection::Live).await;
}

/// From the call of `reply` on Ana's phone until Ben's phone shows it, and the parts of it.
pub(super) async fn device_to_device(context: &Context) -> Vec<Row> {
    let line = "live, device to device";
    let stage = Stage::open(&context.cache, 1_000).await;
    let (ana, ben) = (stage.synced(0, "ana").await, stage.synced(1, "ben").await);
    live(&ana).await;
    live(&ben).await;
    let some = ana.conversations(50);
    let mut shown = ben.observe_inbox(InboxFilter::default(), 1);
    let (mut whole, mut beyond) = (Samples::default(), Samples::default());
    for (number, text) in texts(2, REPLIES).iter().enumerate() {
        let conversation = some[number % some.len()];
        let watch = Watch::start();
        ana.reply(conversation, text).unwrap();
        let saved = watch.stop();
        while shown.items().first().is_none_or(|row| row.conversation != conversation) {
            shown.next().await.unwrap();
        }
        let cost = watch.stop();
        whole.add(cost);
        beyond.add(Cost { wall: cost.wall - saved.wall, cpu: cost.cpu.saturating_sub(saved.cpu) });
        // The verdict is home before the next one is written, so that each travels alone.
        eventually("it is accepted", || ana.status().pending == 0).await;
    }
    let relay = durable_inserts(stage.path("").as_path(), false, REPLIES);
    let device = durable_inserts(stage.path("").as_path(), true, REPLIES);
    let hop = tcp_round_trips(800, 400, false, REPLIES);
    let other = peer::live(&stage).await;
    vec![
        Row::new(line, "saved on Ana's phone until Ben's list shows it, durable at relay and Ben's", beyond.p50_p99())
            .target("p50 ≤ 1, p99 ≤ 4 ms (required p50 ≤ 2)")
            .limit(format!(
                "durable inserts: relay {}, device {}; loopback round trip {}",
                relay.p50_p99(),
                device.p50_p99(),
                hop.p50_p99()
            ))
            .peer(other.latency),
        Row::new(line, "the same from the call of `reply` on", whole.p50_p99()),
    ]
}
