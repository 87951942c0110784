//! How many messages the relay accepts, every check on, each durable before it is answered. Its clients run on the same
//! CPUs: their bodies are made beforehand, what is left is HTTP.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use offdesk_core::{ids::DocumentId, model::Document};

use crate::{
    Context,
    clients::{self, Writer, accepted},
    limits::durable_inserts,
    measure::{Cost, Watch, time},
    stage::Stage,
    table::Row,
    workload::texts,
};

/// Who pushes how much how often.
pub(super) struct Load {
    pub(super) what: &'static str,
    devices: usize,
    pushes: usize,
    messages: usize,
}

pub(super) const LOADS: &[Load] = &[
    Load { what: "1 device, a message a push", devices: 1, pushes: 400, messages: 1 },
    Load { what: "64 devices, a message a push", devices: 64, pushes: 40, messages: 1 },
    Load { what: "8 devices, 100 messages a push", devices: 8, pushes: 4, messages: 100 },
];

/// Accepted messages a second.
pub(super) async fn accepting(context: &Context) -> Vec<Row> {
    let line = "accepted messages a second";
    let mut rows = Vec::new();
    for load in LOADS {
        let stage = Stage::open(&context.cache, 1_000).await;
        let (count, cost) = run(&stage, load).await;
        let rate = count as f64 / cost.wall.as_secs_f64();
        let each = cost.cpu / u32::try_from(count).unwrap();
        let row = Row::new(line, load.what, format!("{rate:.0}/s ({} CPU each, clients included)", time(each)));
        rows.push(if load.devices == 1 {
            let bare = durable_inserts(stage.path("").as_path(), false, 400);
            row.limit(format!("{:.0}/s (durable inserts of one row)", 1.0 / bare.median().wall.as_secs_f64()))
        } else {
            row
        });
        stage.stop().await;
    }
    rows
}

pub(super) async fn run(stage: &Stage, load: &Load) -> (usize, Cost) {
    let enrolled = clients::enrol(stage, load.devices).await;
    let mut documents = clients::conversations(stage, 1_000).await;
    let now = stage.app().now();
    // Each device has conversations of its own, so that no change builds on one that is not accepted yet.
    let each = documents.len() / load.devices;
    let texts = texts(7, load.messages * load.pushes);
    let mut clients: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for (number, device) in enrolled.into_iter().enumerate() {
        let own: &mut [(DocumentId, Document)] = &mut documents[number * each..(number + 1) * each];
        let mut writer = Writer::new(device);
        let bodies = (0..load.pushes)
            .map(|push| {
                let first = push * load.messages % each;
                let last = (first + load.messages).min(each);
                writer.replies(now, &mut own[first..last], &texts[push * load.messages..])
            })
            .collect();
        clients.push((writer.credential().to_owned(), bodies));
    }
    let addr = stage.addr();
    let watch = Watch::start();
    let counts =
        join_all(clients.into_iter().map(|(credential, bodies)| tokio::spawn(push_all(addr, credential, bodies))))
            .await;
    let cost = watch.stop();
    (counts.into_iter().map(Result::unwrap).sum(), cost)
}

/// Pushes one body after the other, as a device does.
async fn push_all(addr: SocketAddr, credential: String, bodies: Vec<Vec<u8>>) -> usize {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .tcp_nodelay(true)
        .timeout(Duration::from_secs(120))
        .build()
        .unwrap();
    let mut count = 0;
    for body in bodies {
        let request = client.post(format!("http://{addr}/v1/sync")).bearer_auth(&credential).body(body);
        count += accepted(&request.send().await.unwrap().bytes().await.unwrap());
    }
    count
}
