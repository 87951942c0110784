//! An enrolled device as a credential, a counter of pushes, and a place in the log. Nothing is checked on this side.

use std::collections::BTreeMap;

use offdesk_core::{
    ids::{ContactId, DeviceId, DocumentId, IntentId, MemberId, WorkspaceId},
    model::{Kind, RefusalCode},
    policy::held::Seen,
    protocol::{
        Cursor, Decoder, Encoder, EnrolResponse, Hello, Incarnation, PushedIntent, RegisterWrite, Request, Response,
        SYNC_PATH, VERSION, Verdict,
    },
};
use serde_bytes::ByteBuf;

use crate::in_time;

/// The most that an answer may inflate to.
const INFLATED: usize = 256 * 1024 * 1024;

/// What became of a group of intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Accepted.
    Accepted,
    /// Refused, with why.
    Refused(RefusalCode),
    /// It needs access, and nothing else is told.
    NeedsAccess,
    /// Another document stands for it.
    Resolved,
    /// Something else: known before, or built on what is not there.
    Other,
}

impl From<&Verdict> for Fate {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Accepted(_) => Fate::Accepted,
            Verdict::Rejected(refusal) => Fate::Refused(refusal.code),
            Verdict::NeedsAccess => Fate::NeedsAccess,
            Verdict::Resolved(_) => Fate::Resolved,
            _ => Fate::Other,
        }
    }
}

/// What a request asks for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// What it misses.
    pub pull: bool,
    /// Documents by name.
    pub fetch: Vec<DocumentId>,
    /// Contacts whose conversations are asked for (R7).
    pub records: Vec<ContactId>,
    /// Groups to judge.
    pub push: Vec<Vec<PushedIntent>>,
    /// Personal registers to write.
    pub registers: Vec<RegisterWrite>,
    /// What it claims to hold.
    pub digest: Option<Vec<u64>>,
}

/// A device.
#[derive(Clone, Debug)]
pub struct Device {
    http: reqwest::Client,
    relay: String,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub member: MemberId,
    /// Its id.
    pub device: DeviceId,
    /// Its credential.
    pub credential: String,
    /// How far it has got.
    pub cursor: Cursor,
    incarnation: u64,
    pushes: u64,
}

/// A live stream that is being read.
#[derive(Debug)]
pub struct LiveStream {
    response: reqwest::Response,
    decoder: Decoder,
}

impl Device {
    pub(super) fn new(http: reqwest::Client, relay: String, enrolled: &EnrolResponse) -> Self {
        Self {
            http,
            relay,
            workspace: enrolled.workspace,
            member: enrolled.member,
            device: enrolled.device,
            credential: enrolled.credential.clone(),
            cursor: Cursor { epoch: enrolled.epoch, seq: 0, backfill: None },
            incarnation: enrolled.incarnation,
            pushes: 0,
        }
    }

    fn hello(&self, pull: bool, live: bool) -> Hello {
        let incarnation = Incarnation { previous: self.incarnation, next: self.incarnation };
        Hello { version: VERSION, incarnation, cursor: self.cursor, pull, live, digest: None }
    }

    async fn send(&self, frames: &[Request]) -> reqwest::Response {
        let mut encoder = Encoder::new(17).unwrap();
        frames.iter().for_each(|frame| encoder.push(frame).unwrap());
        let body = encoder.finish().unwrap();
        let request = self.http.post(format!("{}{SYNC_PATH}", self.relay)).bearer_auth(&self.credential).body(body);
        let response = in_time("the relay answers", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        response
    }

    /// One request, and all that comes back.
    pub async fn ask(&mut self, ask: Ask) -> Vec<Response> {
        let mut hello = self.hello(ask.pull, false);
        hello.digest = ask.digest;
        let mut frames = Vec::new();
        if !ask.push.is_empty() || !ask.registers.is_empty() {
            self.pushes += 1;
            hello.incarnation.next = self.incarnation + 1;
            self.incarnation += 1;
            frames.push(Request::Push { number: self.pushes });
            frames.extend(ask.push.into_iter().map(|intents| Request::Group { intents }));
            frames.push(Request::Registers { writes: ask.registers });
        }
        if !(ask.fetch.is_empty() && ask.records.is_empty()) {
            frames.push(Request::Fetch { documents: ask.fetch, records: ask.records });
        }
        frames.insert(0, Request::Hello(hello));
        let bytes = in_time("the answer ends", self.send(&frames).await.bytes()).await.unwrap();
        let mut decoder = Decoder::new(INFLATED).unwrap();
        decoder.feed(&bytes);
        let mut answer = Vec::new();
        while let Some(frame) = decoder.read::<Response>().unwrap() {
            if let Response::Cursor { cursor, .. } = &frame {
                self.cursor = *cursor;
            }
            answer.push(frame);
        }
        decoder.finish().unwrap();
        answer
    }

    /// What it misses.
    pub async fn pull(&mut self) -> Vec<Response> {
        self.ask(Ask { pull: true, ..Ask::default() }).await
    }

    /// Documents by name.
    pub async fn fetch(&mut self, documents: &[DocumentId]) -> Vec<Response> {
        self.ask(Ask { fetch: documents.to_vec(), ..Ask::default() }).await
    }

    /// Pushes groups; their verdicts in order, and whatever else came.
    pub async fn push(&mut self, groups: Vec<Vec<PushedIntent>>) -> (Vec<Verdict>, Vec<Response>) {
        let many = groups.len();
        let answer = self.ask(Ask { push: groups, ..Ask::default() }).await;
        let mut verdicts = Vec::with_capacity(many);
        let rest = answer.into_iter().filter_map(|frame| match frame {
            Response::Verdict { verdict, .. } => {
                verdicts.push(verdict);
                None
            }
            other => Some(other),
        });
        let rest = rest.collect();
        assert_eq!(verdicts.len(), many, "every group has a verdict: {rest:?}");
        (verdicts, rest)
    }

    /// A stream that stays open.
    pub async fn live(&self) -> LiveStream {
        let response = self.send(&[Request::Hello(self.hello(true, true))]).await;
        LiveStream { response, decoder: Decoder::new(INFLATED).unwrap() }
    }
}

impl LiveStream {
    /// Reads on until a frame is `last`; all that came, that one included.
    pub async fn until(&mut self, what: &str, last: impl Fn(&Response) -> bool) -> Vec<Response> {
        let mut frames = Vec::new();
        loop {
            while let Some(frame) = self.decoder.read::<Response>().unwrap() {
                let done = last(&frame);
                frames.push(frame);
                if done {
                    return frames;
                }
            }
            match in_time(what, self.response.chunk()).await.unwrap() {
                Some(chunk) => self.decoder.feed(&chunk),
                None => panic!("the stream ended before {what}: {frames:?}"),
            }
        }
    }
}

/// A change of one intent as it is pushed, by an author who has seen everything.
pub fn pushed(id: IntentId, document: DocumentId, kind: Kind, change: &automerge::Change) -> PushedIntent {
    let seen = Some(Seen { order: u64::MAX, age_ms: 0 });
    let change = ByteBuf::from(change.raw_bytes().to_vec());
    PushedIntent { id, document, kind, change, seen, reoffered: false }
}

/// The documents that an answer holds something of.
pub fn told_of(frames: &[Response]) -> BTreeMap<DocumentId, Vec<&Response>> {
    let mut told: BTreeMap<DocumentId, Vec<&Response>> = BTreeMap::new();
    for frame in frames {
        if let Response::Snapshot { document, .. } | Response::Delta { document, .. } = frame {
            told.entry(*document).or_default().push(frame);
        }
    }
    told
}
