//! Devices without a store, for load: real credentials, real hellos, real changes; bodies are made before anything is
//! measured.

use std::{collections::BTreeMap, net::SocketAddr};

use automerge::ActorId;
use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId},
    intents::{Author, State, Verb},
    model::{Conversation, Document, Kind},
    protocol::{Cursor, Decoder, Encoder, EnrolResponse, Hello, Incarnation, Request, Response, VERSION, Verdict},
    time::Timestamp,
};
use offdesk_relay::{
    auth::code,
    store::{StoreError, Tx},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{office::pushed, stage::Stage};

/// Enrols this many devices, spread over the members.
pub async fn enrol(stage: &Stage, count: usize) -> Vec<EnrolResponse> {
    let (app, office) = (stage.app(), stage.office.clone());
    let mut enrolled = Vec::with_capacity(count);
    for first in (0..count).step_by(1_000) {
        let (now, mut rng, office) = (app.now(), app.rng(), office.clone());
        let some = app.store.write(move |tx: &mut Tx<'_>| {
            let mut some = Vec::new();
            for number in first..count.min(first + 1_000) {
                let of = (office.workspace, office.members[number % office.members.len()]);
                let refused = |error: &dyn std::fmt::Display| StoreError::Refused(error.to_string());
                let hour = std::time::Duration::from_secs(3_600);
                let code = code::create(tx, now, &mut rng, of, hour, "bench").map_err(|error| refused(&error))?;
                some.push(code::enrol(tx, now, &mut rng, &code.code, "load").map_err(|error| refused(&error))?);
            }
            Ok::<_, StoreError>(some)
        });
        enrolled.extend(some.await.unwrap());
    }
    enrolled
}

/// The relay's conversations, as a device has loaded them; at most this many.
pub async fn conversations(stage: &Stage, most: usize) -> Vec<(DocumentId, Document)> {
    let read = stage.app().store.read(move |tx| {
        let sql = "SELECT d.id, s.saved, s.seq FROM documents d JOIN snapshots s ON s.document = d.id WHERE d.kind = 1 ORDER BY d.id LIMIT ?1";
        let mut statement = tx.connection().prepare(sql)?;
        let rows = statement
            .query_map([most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<Vec<(Vec<u8>, Vec<u8>, u64)>, _>>()?;
        let sql = "SELECT bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq";
        let mut changes = tx.connection().prepare(sql)?;
        let mut documents = Vec::new();
        for (id, saved, since) in rows {
            let kind = Kind::Conversation;
            let mut document =
                if saved.is_empty() { Document::new(kind) } else { Document::load(kind, &saved).unwrap() };
            let later = changes.query_map((&id, since), |row| row.get(0))?.collect::<Result<Vec<Vec<u8>>, _>>()?;
            document.apply_bytes(&later).unwrap();
            documents.push((DocumentId::from_slice(&id).unwrap(), document));
        }
        Ok::<_, StoreError>(documents)
    });
    read.await.unwrap()
}

/// A device that writes replies.
#[derive(Debug)]
pub struct Writer {
    enrolled: EnrolResponse,
    member: MemberId,
    rng: ChaCha8Rng,
    actors: BTreeMap<DocumentId, ActorId>,
    pushes: u64,
}

impl Writer {
    /// A writer whose actors and intents are its device's own.
    pub fn new(enrolled: EnrolResponse) -> Self {
        let (member, mut seed) = (enrolled.member, [0; 32]);
        seed[..16].copy_from_slice(enrolled.device.as_bytes());
        Self { enrolled, member, rng: ChaCha8Rng::from_seed(seed), actors: BTreeMap::new(), pushes: 0 }
    }

    /// The body of a push with one reply in each of these conversations.
    pub fn replies(&mut self, now: Timestamp, into: &mut [(DocumentId, Document)], texts: &[String]) -> Vec<u8> {
        let incarnation = Incarnation {
            previous: self.enrolled.incarnation + self.pushes,
            next: self.enrolled.incarnation + self.pushes + 1,
        };
        self.pushes += 1;
        let cursor = Cursor { epoch: self.enrolled.epoch, ..Cursor::default() };
        let mut frames = vec![
            Request::Hello(Hello { version: VERSION, incarnation, cursor, pull: false, live: false, digest: None }),
            Request::Push { number: self.pushes },
        ];
        for ((id, document), text) in into.iter_mut().zip(texts) {
            let mut fresh = [0; 16];
            self.rng.fill_bytes(&mut fresh);
            let actor = self.actors.entry(*id).or_insert_with(|| ActorId::from(fresh)).clone();
            let intent = IntentId::generate(now, &mut self.rng);
            let author = Author { member: self.member, intent, at: now, assignable: true };
            let state = Conversation::read(document).unwrap();
            let verb = Verb::Reply { text: text.clone() };
            let actions = verb.actions(&author, State::Conversation(Some(&state))).unwrap();
            let change = document.author(actor, intent, now, &actions).unwrap();
            frames.push(Request::Group { intents: vec![pushed(intent, *id, change.raw_bytes())] });
        }
        body(&frames)
    }

    /// Its credential.
    pub fn credential(&self) -> &str {
        &self.enrolled.credential
    }
}

/// How many groups an answer says are accepted; anything else in it is an error.
pub fn accepted(answer: &[u8]) -> usize {
    let mut decoder = Decoder::new(usize::MAX).unwrap();
    decoder.feed(answer);
    let mut accepted = 0;
    while let Some(frame) = decoder.read::<Response>().unwrap() {
        match frame {
            Response::Verdict { verdict: Verdict::Accepted(_), .. } => accepted += 1,
            Response::Welcome(_) | Response::PushDone { .. } => {}
            other => panic!("a push was answered {other:?}"),
        }
    }
    accepted
}

fn body(frames: &[Request]) -> Vec<u8> {
    let mut encoder = Encoder::new(17).unwrap();
    frames.iter().for_each(|frame| encoder.push(frame).unwrap());
    encoder.finish().unwrap()
}

/// A live stream on a bare socket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Opens a live stream of a device that has everything up to `seq`, and waits for the relay's greeting.
    pub async fn open(addr: SocketAddr, device: &EnrolResponse, seq: u64) -> std::io::Result<Self> {
        let incarnation = Incarnation { previous: device.incarnation, next: device.incarnation };
        let cursor = Cursor { epoch: device.epoch, seq, backfill: None };
        let hello = Hello { version: VERSION, incarnation, cursor, pull: true, live: true, digest: None };
        let body = body(&[Request::Hello(hello)]);
        let head = format!(
            "POST /v1/sync HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            device.credential,
            body.len()
        );
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        let mut socket = Self { stream };
        // Head and first frames may come apart; the head alone is shorter than this.
        let mut greeting = Vec::new();
        while !greeting.windows(4).any(|end| end == b"\r\n\r\n") || greeting.ends_with(b"\r\n\r\n") {
            greeting.extend(socket.some().await?);
        }
        assert!(greeting.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&greeting));
        Ok(socket)
    }

    /// Waits for the next bytes.
    pub async fn some(&mut self) -> std::io::Result<Vec<u8>> {
        let mut block = [0; 4096];
        let read = self.stream.read(&mut block).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(block[..read].to_vec())
    }
}
