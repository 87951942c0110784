//! What a live device costs the relay: memory of its process with up to 10,000 live streams over loopback, each of a device
//! of its own that was greeted after its credential was checked; and how long a message takes to reach all of them.

use futures_util::{StreamExt, stream};
use offdesk_relay::store::StoreError;
use rustix::process::{Resource, getrlimit, setrlimit};

use super::thousands;
use crate::{
    Context,
    child::Child,
    clients::{self, Socket, Writer, accepted},
    measure::{Watch, bytes, time},
    stage::Stage,
    table::Row,
    workload::texts,
};

const STEPS: &[usize] = &[1_000, 2_000, 5_000, 10_000];
/// Connections that are being opened at a time: fewer than the listener's backlog.
const AT_ONCE: usize = 64;

/// Up to 10,000 live devices.
pub(super) async fn live(context: &Context) -> Vec<Row> {
    allow_many_files();
    let stage = Stage::open(&context.cache, 1_000).await;
    let most = STEPS.last().copied().unwrap();
    let mut devices = clients::enrol(&stage, most + 1).await;
    let mut writer = Writer::new(devices.pop().unwrap());
    let mut documents = clients::conversations(&stage, STEPS.len()).await;
    let now = stage.app().now();
    let bodies: Vec<Vec<u8>> = documents
        .iter_mut()
        .map(|document| writer.replies(now, std::slice::from_mut(document), &texts(8, 1)))
        .collect();
    let sql = "SELECT seq FROM workspaces";
    let mut seq: u64 = stage
        .app()
        .store
        .read(move |tx| Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| row.get(0))?))
        .await
        .unwrap();
    let folder = stage.stop().await;
    let (relay, addr) = Child::relay(&folder.path().join("relay.db"));
    let idle = relay.memory().now;
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let mut sockets: Vec<Socket> = Vec::new();
    let mut rows = Vec::new();
    for (count, body) in STEPS.iter().copied().zip(bodies) {
        let opening = stream::iter(&devices[sockets.len()..count]).map(|device| Socket::open(addr, device, seq));
        let opened: Vec<_> = opening.buffer_unordered(AT_ONCE).collect().await;
        sockets.extend(opened.into_iter().map(Result::unwrap));
        let memory = relay.memory().now;
        let (watch, before) = (Watch::start(), relay.cpu());
        let request = client.post(format!("http://{addr}/v1/sync")).bearer_auth(writer.credential()).body(body);
        assert_eq!(accepted(&request.send().await.unwrap().bytes().await.unwrap()), 1);
        // The first bytes that come after the greeting; a heartbeat among them is rare and harmless.
        let told = stream::iter(&mut sockets).map(|socket| async { socket.some().await.unwrap().len() });
        told.buffer_unordered(count).collect::<Vec<_>>().await;
        let cost = watch.stop();
        let line = format!("{} live devices", thousands(count));
        let each = (memory - idle) / (count as u64 / 1_000);
        rows.push(Row::new(&line, "relay, resident for each 1,000", bytes(each)).limit(format!(
            "{} in all, {} when started",
            bytes(memory),
            bytes(idle)
        )));
        rows.push(Row::new(
            &line,
            "a reply has reached every one of them",
            format!("{} ({} CPU of the relay)", time(cost.wall), time(relay.cpu() - before)),
        ));
        // Those that come next have the reply already: change and fact.
        seq += 2;
    }
    rows
}

/// As many open files as the system allows.
fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
