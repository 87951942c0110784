//! R32, the hard way: the relay runs in a process of its own, which dies at a named point as if killed; another one goes
//! on with its database. What customers received, and what they said, is there exactly once.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use super::*;
use crate::failpoints;

const DATABASE: &str = "KILLED_DATABASE";
const PROVIDER: &str = "KILLED_PROVIDER";
const LISTENING: &str = "LISTENING ";

/// The relay's process, run by the tests below: it says where it listens and works until its standard input ends.
#[tokio::test]
#[ignore = "the child of the other tests"]
#[allow(clippy::print_stdout)]
async fn child() {
    let (Ok(database), Ok(provider)) = (std::env::var(DATABASE), std::env::var(PROVIDER)) else { return };
    let (app, listener) = relay(Path::new(&database), &provider);
    println!("{LISTENING}{}", inbound_url(&app));
    let relay = tokio::spawn(serve::serve(app.clone(), listener));
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    ended.await.unwrap().unwrap();
    app.shutdown.cancel();
    relay.await.unwrap().unwrap();
}

impl Shop {
    /// Starts a relay in a process of its own that dies at `point`, if one is named, and tells the provider where it is.
    async fn start_process(&self, point: &str) -> Child {
        assert!(self.relay.is_none(), "stop the relay first");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dispatch::tests::killed::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DATABASE, self.database_file())
            .env(PROVIDER, self.provider.url())
            .env(offdesk_core::failpoint::VARIABLE, point)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let address = lines.find_map(|line| line.split_once(LISTENING).map(|(_, address)| address.to_owned()));
            // The rest is read too, or the process would fail to write it.
            std::thread::spawn(move || lines.for_each(drop));
            address
        });
        // A process may die before it says anything, if its point comes early.
        if let Some(address) = patiently(address).await.unwrap() {
            self.provider.set_inbound_url(Url::parse(&address).unwrap());
        }
        child
    }
}

/// Waits for a process that is to die at its point.
async fn dies(mut child: Child, point: &str) {
    // Waiting would close it, and the process would end in order.
    let stdin = child.stdin.take();
    let status = patiently(tokio::task::spawn_blocking(move || child.wait())).await.unwrap().unwrap();
    drop(stdin);
    assert_eq!(status.code(), None, "{point}: it was to be killed, and ended with {status}");
}

/// Ends a process in order.
async fn ends(mut child: Child) {
    drop(child.stdin.take());
    let status = patiently(tokio::task::spawn_blocking(move || child.wait())).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn every_reply_is_sent_exactly_once_wherever_the_relay_dies() {
    for point in [
        failpoints::DISPATCH_CLAIMED,
        failpoints::DISPATCH_BEFORE_PROVIDER,
        failpoints::DISPATCH_AFTER_PROVIDER,
        failpoints::DISPATCH_BEFORE_OUTCOME,
        "dispatch.after_provider:2",
        "dispatch.before_outcome:2",
        failpoints::WRITER_BEFORE_COMMIT,
        failpoints::WRITER_AFTER_COMMIT,
        "writer.before_commit:2",
        "writer.after_commit:2",
        "writer.before_commit:3",
    ] {
        let mut shop = Shop::open().await;
        let ana = shop.conversation(ANA).await;
        // Without reports the relay has to find out by itself.
        shop.provider.faults(|faults| faults.no_callbacks = true);
        shop.pause().await;
        let replies = [shop.reply(ana, "one").await, shop.reply(ana, "two").await];
        shop.stop().await;
        shop.database(|db| db.execute("UPDATE relay SET recovering = 0", []).unwrap());

        dies(shop.start_process(point).await, point).await;
        // The first is out of the way before the second is sent: once that has arrived, all is said.
        let second = shop.start_process("").await;
        patiently(shop.provider.until(|texts| texts.iter().any(|text| text.body == "two"))).await;
        ends(second).await;

        assert_eq!(shop.provider.handset(ANA), ["one", "two"], "{point}");
        shop.start();
        for reply in replies {
            let mut changed = shop.app.store.changed();
            patiently(async {
                while shop.entry(reply).await.provider_id.is_none() {
                    let _ = changed.recv().await;
                }
            })
            .await;
        }
        assert_eq!(shop.provider.handset(ANA), ["one", "two"], "{point}");
        shop.close().await;
    }
}

#[tokio::test]
async fn what_a_customer_says_is_there_exactly_once_wherever_the_relay_dies() {
    for point in [failpoints::INBOUND_IN_TRANSACTION, failpoints::WRITER_BEFORE_COMMIT, failpoints::WRITER_AFTER_COMMIT]
    {
        let mut shop = Shop::open().await;
        shop.stop().await;
        let first = shop.start_process(point).await;
        let provider = shop.provider.clone();
        let writing = tokio::spawn(async move { provider.inbound(ANA, OUR_NUMBER, "Can I come by?").await });
        dies(first, point).await;
        let second = shop.start_process("").await;
        patiently(writing).await.unwrap().unwrap();
        ends(second).await;
        shop.start();
        let ana = shop.document(ANA).await.unwrap();
        assert_eq!(shop.texts(ana).await, ["Can I come by?"], "{point}");
        shop.close().await;
    }
}
