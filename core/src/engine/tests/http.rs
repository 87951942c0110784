//! HTTP as it is on the wire, against a socket that answers what a test tells it to.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    engine::{stats::Traffic, transport::Http},
    protocol::{Encoder, Hello, Incarnation, Request, VERSION},
    sync::session::End,
};

/// Answers one request with `answer`; returns its address and what it was asked.
async fn once(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/base/", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let asked = request(&mut socket).await;
        socket.write_all(&answer).await.unwrap();
        socket.shutdown().await.unwrap();
        asked
    });
    (address, asked)
}

/// Reads a whole request with its body.
async fn request(socket: &mut TcpStream) -> Vec<u8> {
    let mut asked = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = socket.read(&mut chunk).await.unwrap();
        asked.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&asked);
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length: usize =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().trim().parse().unwrap();
        if asked.len() >= head + 4 + length {
            return asked;
        }
    }
}

async fn ask(answer: Vec<u8>) -> (Vec<Part>, Vec<u8>, Arc<Traffic>) {
    let (address, asked) = once(answer).await;
    let traffic = Arc::new(Traffic::default());
    let config = Config::new("unused.db", DatabaseKey::new([0; 32]));
    let http = Http::new(&address, &config, traffic.clone()).unwrap();
    let hello = Request::Hello(Hello {
        version: VERSION,
        incarnation: Incarnation { previous: 1, next: 1 },
        cursor: Cursor::default(),
        pull: true,
        live: false,
        digest: None,
    });
    let call = Call { credential: "token".into(), frames: vec![hello] };
    let parts = http.sync(call).collect().await;
    (parts, asked.await.unwrap(), traffic)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

#[tokio::test]
async fn a_request_is_small_and_carries_the_token() {
    let mut encoder = Encoder::new(17).unwrap();
    encoder.push(&Response::Heartbeat).unwrap();
    let body = encoder.finish().unwrap();
    let (parts, asked, traffic) = ask(answer("200 OK", &body)).await;
    let [Part::Opened, Part::Frames(frames), Part::Ended(End::Finished)] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!(frames, &[Response::Heartbeat]);
    let head = String::from_utf8_lossy(&asked).into_owned();
    assert!(head.starts_with("POST /base/v1/sync HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer token\r\n"), "{head}");
    // What a phone says when nothing has changed: the whole round trip stays within 1 kB.
    assert!(asked.len() < 400, "{} bytes", asked.len());
    let read = traffic.read();
    assert_eq!((read.round_trips, read.bytes_down), (1, body.len() as u64));
    assert!(read.bytes_up > 0 && read.bytes_up < asked.len() as u64);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (parts, ..) = ask(answer("401 Unauthorized", b"")).await;
    assert!(matches!(parts[..], [Part::Ended(End::Unauthorized)]), "{parts:?}");
    let (parts, ..) = ask(answer("503 Service Unavailable\r\nretry-after: 7", b"")).await;
    let expected = End::Refused { status: 503, retry_after: Some(Duration::from_secs(7)) };
    assert!(matches!(&parts[..], [Part::Ended(end)] if *end == expected), "{parts:?}");
}

/// A token follows no redirect.
#[tokio::test]
async fn a_redirect_is_a_refusal() {
    let (parts, ..) = ask(answer("307 Temporary Redirect\r\nlocation: http://elsewhere.test/", b"")).await;
    assert!(matches!(&parts[..], [Part::Ended(End::Refused { status: 307, .. })]), "{parts:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_of_frames_is_said_to_be_so() {
    let (parts, ..) = ask(answer("200 OK", b"<html>captive portal</html>")).await;
    assert!(matches!(parts.last(), Some(Part::Ended(End::Broken(why))) if why.contains("can't be read")), "{parts:?}");
}

#[tokio::test]
async fn nobody_there_is_said_in_few_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = Config::new("unused.db", DatabaseKey::new([0; 32]));
    let http = Http::new(&address, &config, Arc::default()).unwrap();
    let parts: Vec<Part> = http.sync(Call { credential: "token".into(), frames: Vec::new() }).collect().await;
    assert!(matches!(&parts[..], [Part::Ended(End::Broken(why))] if why.contains("refused")), "{parts:?}");
}
