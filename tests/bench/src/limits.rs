//! What no design could beat on this machine: the payload alone through the compressor, the same rows in plain SQLite, one
//! durable insert, one round trip over loopback.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
};

use offdesk_core::store::CIPHER;
use rusqlite::{Connection, params};

use crate::{
    measure::{Cost, Samples, Watch},
    workload::{Speaker, Talk},
};

/// The payload of conversations and nothing else: no ids, no history.
pub fn payload(talks: &[Talk]) -> Vec<u8> {
    let rows: Vec<_> = talks
        .iter()
        .map(|talk| {
            let lines: Vec<_> = talk
                .lines
                .iter()
                .map(|line| {
                    let by = match line.by {
                        Speaker::Customer => 0,
                        Speaker::Member(of) => 1 + of,
                        Speaker::Note(of) => 100 + of,
                    };
                    (line.at, by, &line.text)
                })
                .collect();
            (&talk.phone, &talk.name, &talk.email, talk.tag, talk.closed_by, lines)
        })
        .collect();
    rmp_serde::to_vec(&rows).unwrap()
}

/// Compresses with a long window and decompresses again: the size, and what both took together.
pub fn through_zstd(payload: &[u8]) -> (usize, Cost) {
    let watch = Watch::start();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(23).unwrap();
    encoder.write_all(payload).unwrap();
    let small = encoder.finish().unwrap();
    let mut decoder = zstd::stream::read::Decoder::new(&small[..]).unwrap();
    decoder.window_log_max(23).unwrap();
    let mut again = Vec::with_capacity(payload.len());
    decoder.read_to_end(&mut again).unwrap();
    assert_eq!(again.len(), payload.len());
    (small.len(), watch.stop())
}

/// Opens a database with the product's settings, encrypted or not.
pub fn sqlite(path: &Path, encrypted: bool) -> Connection {
    let connection = Connection::open(path).unwrap();
    if encrypted {
        connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"; {CIPHER}", "07".repeat(32))).unwrap();
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;",
        )
        .unwrap();
    connection
}

/// The same rows in plain SQLite, with the indexes that a list needs, in one transaction.
pub fn rows_in_sqlite(folder: &Path, talks: &[Talk]) -> Cost {
    let mut connection = sqlite(&folder.join("rows.db"), false);
    connection
        .execute_batch(
            "CREATE TABLE conversations (id INTEGER PRIMARY KEY, phone TEXT, name TEXT, email TEXT, tag TEXT, closed INTEGER, last INTEGER);
             CREATE INDEX by_last ON conversations (closed, last);
             CREATE UNIQUE INDEX by_phone ON conversations (phone);
             CREATE INDEX by_tag ON conversations (tag, last);
             CREATE TABLE messages (id INTEGER PRIMARY KEY, key BLOB UNIQUE, conversation INTEGER, at INTEGER, author INTEGER, body TEXT);
             CREATE INDEX of_conversation ON messages (conversation, at);",
        )
        .unwrap();
    let watch = Watch::start();
    let tx = connection.transaction().unwrap();
    {
        let mut conversation = tx.prepare("INSERT INTO conversations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").unwrap();
        let mut message = tx.prepare("INSERT INTO messages VALUES (NULL, randomblob(16), ?1, ?2, ?3, ?4)").unwrap();
        for (id, talk) in talks.iter().enumerate() {
            let last = talk.lines.last().map_or(0, |line| line.at.millis());
            let closed = talk.closed_by.is_some();
            conversation.execute(params![id, talk.phone, talk.name, talk.email, talk.tag, closed, last]).unwrap();
            for line in &talk.lines {
                message.execute(params![id, line.at.millis(), line.by == Speaker::Customer, line.text]).unwrap();
            }
        }
    }
    tx.commit().unwrap();
    watch.stop()
}

/// One row, durable: as many times as asked.
pub fn durable_inserts(folder: &Path, encrypted: bool, times: usize) -> Samples {
    let connection = sqlite(&folder.join(format!("insert-{encrypted}.db")), encrypted);
    connection.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)").unwrap();
    let mut insert = connection.prepare("INSERT INTO rows (body) VALUES (randomblob(300))").unwrap();
    let mut samples = Samples::default();
    for _ in 0..times {
        let watch = Watch::start();
        insert.execute([]).unwrap();
        samples.add(watch.stop());
    }
    samples
}

/// A round trip over loopback: `up` bytes there, `down` bytes back, on one connection or on a fresh one each.
pub fn tcp_round_trips(up: usize, down: usize, fresh: bool, times: usize) -> Samples {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut request, answer) = (vec![0; up], vec![1; down]);
            // The one before it is closed when the next one comes.
            while stream.read_exact(&mut request).is_ok() && stream.write_all(&answer).is_ok() {}
        }
    });
    let connect = |addr: SocketAddr| {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    };
    let (request, mut answer) = (vec![1; up], vec![0; down]);
    let mut stream = connect(addr);
    let mut samples = Samples::default();
    for _ in 0..times {
        let watch = Watch::start();
        if fresh {
            stream = connect(addr);
        }
        stream.write_all(&request).unwrap();
        stream.read_exact(&mut answer).unwrap();
        samples.add(watch.stop());
    }
    samples
}

/// A round trip over HTTP that asks the relay for nothing, on a fresh connection each.
pub async fn http_round_trips(addr: SocketAddr, times: usize) -> Samples {
    let url = format!("http://{addr}/healthz");
    let mut samples = Samples::default();
    for _ in 0..times {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let watch = Watch::start();
        client.get(&url).send().await.unwrap().bytes().await.unwrap();
        samples.add(watch.stop());
    }
    samples
}
