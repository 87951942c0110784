//! The relay behind a real socket: TLS, and an orderly end.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use axum::http::StatusCode;
use offdesk_core::protocol::{
    Cursor, EnrolResponse, Goodbye, Hello, Incarnation, Request, Response, SYNC_PATH, VERSION,
    codec::{Decoder, Encoder},
};
use serde_json::json;

use super::{App, Running, ServeError, start_app};
use crate::{
    admin::tests::Company,
    config::{Config, Tls},
    store::{Store, StoreError},
};

/// Starts the company's relay on a port that is free.
async fn start(company: &Company) -> Running {
    start_app(company.app.clone()).await.unwrap()
}

fn anywhere() -> Config {
    Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() }
}

/// A certificate of our own for `localhost`, in PEM.
fn certificate(folder: &std::path::Path) -> (Tls, String) {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let tls = Tls { certificate: folder.join("relay.pem"), key: folder.join("relay.key") };
    std::fs::write(&tls.certificate, own.cert.pem()).unwrap();
    std::fs::write(&tls.key, own.signing_key.serialize_pem()).unwrap();
    (tls, own.cert.pem())
}

fn client(trusted: Option<&str>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    if let Some(pem) = trusted {
        builder = builder.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]);
    }
    builder.build().unwrap()
}

#[tokio::test]
async fn tls_is_spoken_with_http_2_to_those_who_trust_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, pem) = certificate(folder.path());
    let company = Company::with(Config { tls: Some(tls), ..anywhere() }).await;
    let running = start(&company).await;
    let url = format!("https://localhost:{}/healthz", running.addr().port());
    let answer = client(Some(&pem)).get(&url).send().await.unwrap();
    assert_eq!((answer.status(), answer.version()), (reqwest::StatusCode::OK, reqwest::Version::HTTP_2));
    let (_, stranger) = certificate(tempfile::tempdir().unwrap().path());
    assert!(client(Some(&stranger)).get(&url).send().await.is_err());
    let plain = format!("http://localhost:{}/healthz", running.addr().port());
    assert!(client(None).get(&plain).send().await.is_err());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (mut tls, _) = certificate(folder.path());
    std::fs::write(&tls.certificate, "no certificate").unwrap();
    let company = Company::with(Config { tls: Some(tls.clone()), ..anywhere() }).await;
    let told = start(&company).await.wait().await.unwrap_err().to_string();
    assert!(told.contains("relay.pem") && told.contains("holds no certificate"), "{told}");
    let (other, _) = certificate(tempfile::tempdir().unwrap().keep().as_path());
    tls.certificate = other.certificate;
    let company = Company::with(Config { tls: Some(tls), ..anywhere() }).await;
    let mismatch = start(&company).await.wait().await;
    assert!(matches!(mismatch, Err(ServeError::Tls { .. })), "{mismatch:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let company = Company::with(anywhere()).await;
    let running = start(&company).await;
    let second = Company::with(Config { listen: running.addr(), ..Config::default() }).await;
    let told = start_app(second.app.clone()).await.unwrap_err().to_string();
    assert!(told.contains(&running.addr().to_string()) && told.contains("choose another"), "{told}");
    running.stop().await.unwrap();
}

/// Half a request is under way when the relay is told to stop: nobody else is let in, it is answered, and what it did is in
/// the database.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished() {
    let company = Company::with(anywhere()).await;
    let code = company.code(company.ben).await;
    let running = start(&company).await;
    let (addr, shutdown, database) =
        (running.addr(), running.app().shutdown.clone(), company.app.store.path().to_owned());
    let body = json!({ "code": code, "device_name": "Ben's phone" }).to_string();
    let request = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST /v1/enrol HTTP/1.1\r\nhost: relay\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        // The relay asks for the body: its handler is at work.
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), "HTTP/1.1 100 Continue");
        reader.read_line(&mut line).unwrap();
        shutdown.cancel();
        while TcpStream::connect(addr).is_ok() {
            std::thread::yield_now();
        }
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        reader.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = request.await.unwrap();
    assert!(answer.starts_with(&format!("HTTP/1.1 {}", StatusCode::CREATED.as_u16())), "{answer}");
    running.wait().await.unwrap();
    let closed = company.app.store.write(|_| Ok::<_, StoreError>(())).await;
    assert!(matches!(closed, Err(StoreError::Closed)));
    let again = Store::open(&database).unwrap();
    let devices: i64 = again
        .read(|tx| {
            Ok::<_, StoreError>(tx.connection().query_row("SELECT count(*) FROM devices", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(devices, 1);
}

/// Reads the frames of a sync as they come.
struct Frames {
    answer: reqwest::Response,
    decoder: Decoder,
}

impl Frames {
    /// Opens a live stream of a device.
    async fn open(client: &reqwest::Client, running: &Running, device: &EnrolResponse) -> Self {
        let incarnation = Incarnation { previous: device.incarnation, next: device.incarnation };
        let cursor = Cursor { epoch: device.epoch, ..Cursor::default() };
        let hello = Hello { version: VERSION, incarnation, cursor, pull: true, live: true, digest: None };
        let mut encoder = Encoder::new(17).unwrap();
        encoder.push(&Request::Hello(hello)).unwrap();
        let request = client.post(format!("{}{SYNC_PATH}", running.url())).bearer_auth(&device.credential);
        let answer = request.body(encoder.finish().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), reqwest::StatusCode::OK);
        Self { answer, decoder: Decoder::new(1 << 24).unwrap() }
    }

    /// The next frame; `None` at the stream's end.
    async fn next(&mut self) -> Option<Response> {
        loop {
            if let Some(frame) = self.decoder.read::<Response>().unwrap() {
                return Some(frame);
            }
            self.decoder.feed(&self.answer.chunk().await.unwrap()?);
        }
    }

    /// Reads until the device has everything.
    async fn caught_up(&mut self) {
        while !matches!(self.next().await.unwrap(), Response::Cursor { up_to_date: true, .. }) {}
    }
}

/// A live stream would stay open for ever: the relay says goodbye, ends it, and needs none of its grace.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_is_told_goodbye() {
    let company = Company::with(Config { shutdown_grace: Duration::from_secs(600), ..anywhere() }).await;
    let device = company.enrol(company.ben, "Ben's phone").await;
    let running = start(&company).await;
    let client = client(None);
    let mut frames = Frames::open(&client, &running, &device).await;
    frames.caught_up().await;
    let stopped = tokio::spawn(running.stop());
    loop {
        match frames.next().await.expect("a goodbye comes before the end") {
            Response::Goodbye { reason } => break assert_eq!(reason, Goodbye::ShuttingDown),
            Response::Heartbeat => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(frames.next().await, None);
    stopped.await.unwrap().unwrap();
}

/// R10: deactivating a member from another process ends their live streams at once, with the word to wipe.
#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_members_live_stream_ends() {
    let company = Company::with(anywhere()).await;
    let device = company.enrol(company.ben, "Ben's phone").await;
    let running = start(&company).await;
    let client = client(None);
    let mut frames = Frames::open(&client, &running, &device).await;
    frames.caught_up().await;
    let (database, workspace, ben, now) =
        (company.app.store.path().to_owned(), company.workspace, company.ben, company.app.now());
    tokio::task::spawn_blocking(move || {
        let mut rng = crate::random::Random::seeded(9).generator();
        Store::open(&database).unwrap().write_blocking(move |tx| {
            let mut actor = crate::admin::Actor { now, rng: &mut rng, who: "Olga" };
            crate::admin::member::deactivate(tx, &mut actor, workspace, ben)
        })
    })
    .await
    .unwrap()
    .unwrap();
    let mut last = None;
    while let Some(frame) = frames.next().await {
        last = Some(frame);
    }
    assert_eq!(last, Some(Response::Goodbye { reason: Goodbye::Revoked }));
    running.stop().await.unwrap();
}

/// Two relays in one process don't share state but for the counters.
#[tokio::test]
async fn relays_stand_beside_each_other() {
    let (one, two) = (Company::with(anywhere()).await, Company::with(anywhere()).await);
    let (first, second) = (start(&one).await, start(&two).await);
    assert_ne!(first.addr(), second.addr());
    first.stop().await.unwrap();
    let app: &App = second.app();
    assert!(!app.shutdown.is_cancelled() && Arc::strong_count(&app.config) > 0);
    let healthy = client(None).get(format!("{}/healthz", second.url())).send().await.unwrap();
    assert_eq!(healthy.status(), reqwest::StatusCode::OK);
    second.stop().await.unwrap();
}
