//! The program that suites in other languages use: each of its requests does what it says, seen by a device in Rust.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use offdesk_core::{
    engine::{Config, Connection, Offdesk},
    store::DatabaseKey,
    triage::InboxFilter,
};
use offdesk_tests::{eventually, in_time};
use serde_json::{Value, json};

const MARIA: &str = "+14155550123";

/// The program, and a client of it.
struct Program {
    child: Child,
    control: String,
    http: reqwest::Client,
}

impl Program {
    fn start() -> Self {
        let mut child =
            Command::new(env!("CARGO_BIN_EXE_stage")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, control: first["control"].as_str().unwrap().into(), http }
    }

    async fn asks(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = in_time("the stage answers", request.send()).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.asks(self.http.post(format!("{}{path}", self.control)).json(&body)).await;
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.asks(self.http.get(format!("{}{path}", self.control))).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_does_what_it_says() {
    let stage = Program::start();
    let opened = stage.post("/worlds", json!({"stale_after_ms": 0})).await;
    assert_eq!(opened["world"], "1");
    stage.post("/worlds/1/fill", json!({"conversations": 40})).await;
    let ana = stage.post("/worlds/1/people", json!({"name": "Ana", "level": "agent"})).await["member"].clone();
    let code = stage.post("/worlds/1/codes", json!({"member": ana})).await["code"].as_str().unwrap().to_owned();

    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path().join("ana.db"), DatabaseKey::new([7; 32]));
    config.undo_window = Duration::ZERO;
    let phone = Offdesk::enrol(config, opened["relay"].as_str().unwrap(), &code, "Ana's phone").await.unwrap();
    phone.start();
    eventually("the filled rows are there", || phone.status().connection == Connection::Live).await;
    let rows = phone.inbox(&InboxFilter::default(), 100, None).unwrap();
    assert_eq!(rows.len(), 40);
    assert!(rows[0].contact_name.contains(' '), "customers have names: {}", rows[0].contact_name);
    assert!(phone.alerts().unwrap().is_empty(), "who came later isn't alerted");

    stage.post("/worlds/1/inbound", json!({"from": MARIA, "text": "Hello?"})).await;
    let first = || phone.inbox(&InboxFilter::default(), 1, None).unwrap().remove(0);
    eventually("Maria's SMS is on top", || first().contact_name == MARIA).await;
    let maria = first().conversation;

    stage.post("/worlds/1/network", json!({"up": false})).await;
    eventually("the phone is cut off", || phone.status().connection != Connection::Live).await;
    phone.reply(maria, "Hello Maria!").unwrap();
    assert_eq!(stage.get("/worlds/1/sent").await, json!([]));
    stage.post("/worlds/1/network", json!({"up": true})).await;
    let mut sent = Value::Null;
    for _ in 0..12_000 {
        sent = stage.get("/worlds/1/sent").await;
        if sent != json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(sent, json!([{"to": MARIA, "text": "Hello Maria!"}]));

    stage.post("/worlds/1/levels", json!({"member": ana, "level": "reader"})).await;
    eventually("Ana may look only", || phone.reply(maria, "More").is_err()).await;
    stage.post("/worlds/1/revoke", json!({"device": "Ana's phone"})).await;
    eventually("the phone is empty", || {
        phone.inbox(&InboxFilter::default(), 100, None).map_or(true, |rows| rows.is_empty())
    })
    .await;
    let ben = stage.post("/worlds/1/people", json!({"name": "Ben", "level": "rep"})).await["member"].clone();
    stage.post("/worlds/1/deactivate", json!({"member": ben})).await;
    let again = stage.http.post(format!("{}/worlds/1/deactivate", stage.control)).json(&json!({"member": ben}));
    let (status, answer) = stage.asks(again).await;
    assert_eq!((status, answer["error"].is_string()), (400, true), "{answer}");

    let (status, _) = stage.asks(stage.http.delete(format!("{}/worlds/1", stage.control))).await;
    assert_eq!(status, 200);
    let (status, answer) = stage.asks(stage.http.get(format!("{}/worlds/1/sent", stage.control))).await;
    assert_eq!((status, answer["error"].is_string()), (404, true), "{answer}");
    phone.close().await;
}
