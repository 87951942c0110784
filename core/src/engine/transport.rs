//! The way to the relay: HTTP with `reqwest`.
//!
//! A sync request is one POST whose body is complete before it leaves (so it has a length and may be retried on a
//! connection that the relay had closed); the response is read as a stream and decoded as it comes. What has been
//! decoded is handed on in batches, so that a cold start is not one disk flush per document, and a cursor always travels
//! in the batch of the frames before it. Dropping the stream cancels the request.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::{
    Stream,
    stream::{self, StreamExt},
};
use reqwest::{
    Certificate, Client, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect,
};
use url::Url;

use super::{config::Config, error::Error, stats::Traffic};
use crate::{
    protocol::{CodecError, Decoder, Encoder, Request, Response, SYNC_PATH},
    sync::session::End,
};

/// How long a connection may take to open. A phone in a tunnel should know soon that it is in one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a small JSON request may take in all.
const POST_TIMEOUT: Duration = Duration::from_secs(30);
/// Windows of a request's compression, as powers of two: as large as what it carries, since making the compressor's tables
/// takes longer than compressing a reply.
const REQUEST_WINDOW_LOGS: std::ops::RangeInclusive<u32> = 12..=17;
/// Frames of one batch: enough to make a disk flush cheap, few enough that a local write never waits long. Verdicts count
/// less: those of a push are about the same few documents, each of which is projected once a batch.
const BATCH_FRAMES: usize = 64;
const VERDICTS_A_FRAME: usize = 4;
/// Bytes of documents and changes after which a batch is full.
const BATCH_BYTES: usize = 256 * 1024;

/// A sync request.
#[derive(Debug)]
pub struct Call {
    /// The device's bearer token.
    pub credential: String,
    /// The frames, the hello first.
    pub frames: Vec<Request>,
}

/// What comes of a sync request, in order: [`Part::Opened`], any number of [`Part::Frames`], one [`Part::Ended`].
#[derive(Debug)]
pub enum Part {
    /// The relay answered with success.
    Opened,
    /// Frames that had arrived together.
    Frames(Vec<Response>),
    /// It is over.
    Ended(End),
}

/// The answer to a sync request. Dropping it cancels the request.
pub type Parts = Pin<Box<dyn Stream<Item = Part> + Send>>;

/// The answer to a small JSON request: status and body, or why there is none.
pub type Posted = Pin<Box<dyn Future<Output = Result<(u16, Vec<u8>), String>> + Send>>;

/// A way to a relay. Devices use HTTP; tests put their own in its place.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends a sync request.
    fn sync(&self, call: Call) -> Parts;
    /// Sends a small JSON request.
    fn post(&self, path: &'static str, credential: Option<String>, body: Vec<u8>) -> Posted;
    /// The network changed: connections of the old one are not to be used again.
    fn reset(&self);
}

/// HTTP/2 where TLS can agree on it, else HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http {
    relay: Url,
    roots: Vec<Certificate>,
    via: Option<SocketAddr>,
    client: RwLock<Client>,
    traffic: Arc<Traffic>,
}

impl Http {
    /// A way to the relay at `relay`, such as `https://relay.example.com`.
    ///
    /// # Errors
    /// [`Error::InvalidRelay`] for anything but an `http` or `https` address; [`Error::Protocol`] if TLS can't be set up.
    pub(super) fn new(relay: &str, config: &Config, traffic: Arc<Traffic>) -> Result<Self, Error> {
        let unusable = |error: reqwest::Error| Error::Protocol(because(&error));
        let relay = address(relay)?;
        let mut roots = Vec::new();
        for pem in &config.root_certificates {
            roots.extend(Certificate::from_pem_bundle(pem).map_err(unusable)?);
        }
        let client = client(&relay, &roots, config.via).map_err(unusable)?;
        Ok(Self { relay, roots, via: config.via, client: RwLock::new(client), traffic })
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn at(&self, path: &str) -> String {
        let mut relay = self.relay.clone();
        if let Some(via) = self.via {
            // The host's name stays, for TLS: only where it leads to is another place. An address leads there itself.
            let _ = relay.set_port(Some(via.port()));
            if relay.domain().is_none() {
                let _ = relay.set_ip_host(via.ip());
            }
        }
        format!("{}{path}", relay.as_str().trim_end_matches('/'))
    }
}

/// Checks a relay's address.
pub(super) fn address(relay: &str) -> Result<Url, Error> {
    let invalid = || Error::InvalidRelay(relay.chars().take(200).collect());
    let url = Url::parse(relay.trim()).map_err(|_| invalid())?;
    let usable = matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.query().is_none();
    if usable && url.username().is_empty() { Ok(url) } else { Err(invalid()) }
}

fn client(relay: &Url, roots: &[Certificate], via: Option<SocketAddr>) -> reqwest::Result<Client> {
    // Another part of the process may have installed one: then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        // A token must not follow a redirect to a stranger, nor pass through a proxy that nobody named.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .default_headers(HeaderMap::new());
    let builder = if relay.scheme() == "http" {
        // Without TLS the system's certificates need not be read.
        builder.tls_certs_only([])
    } else if roots.is_empty() {
        builder
    } else if cfg!(target_os = "android") {
        // Android's own verifier takes no extra roots.
        builder.tls_certs_only(roots.iter().cloned())
    } else {
        builder.tls_certs_merge(roots.iter().cloned())
    };
    match (relay.domain(), via) {
        (Some(name), Some(via)) => builder.resolve(name, via).build(),
        _ => builder.build(),
    }
}

impl Transport for Http {
    fn sync(&self, call: Call) -> Parts {
        let body = match encode(&call.frames) {
            Ok(body) => body,
            Err(error) => return Box::pin(stream::iter([Part::Ended(End::Broken(error.to_string()))])),
        };
        self.traffic.request(body.len());
        let request = self
            .client()
            .post(self.at(SYNC_PATH))
            .header(AUTHORIZATION, format!("Bearer {}", call.credential))
            .header(CONTENT_TYPE, "application/x-offdesk-frames")
            .body(body);
        let traffic = self.traffic.clone();
        let sent = stream::once(async move {
            match request.send().await {
                Ok(response) if response.status() == StatusCode::OK => opened(response, traffic),
                Ok(response) => ended(refused(&response)),
                Err(error) => ended(End::Broken(because(&error))),
            }
        });
        Box::pin(sent.flatten())
    }

    fn post(&self, path: &'static str, credential: Option<String>, body: Vec<u8>) -> Posted {
        self.traffic.request(body.len());
        let mut request =
            self.client().post(self.at(path)).timeout(POST_TIMEOUT).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(credential) = credential {
            request = request.header(AUTHORIZATION, format!("Bearer {credential}"));
        }
        let traffic = self.traffic.clone();
        Box::pin(async move {
            let response = request.send().await.map_err(|error| because(&error))?;
            let status = response.status().as_u16();
            let body = response.bytes().await.map_err(|error| because(&error))?;
            traffic.received(body.len());
            Ok((status, body.to_vec()))
        })
    }

    fn reset(&self) {
        if let Ok(fresh) = client(&self.relay, &self.roots, self.via) {
            *self.client.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn encode(frames: &[Request]) -> Result<Vec<u8>, CodecError> {
    let weight = frames.iter().map(burden).sum::<usize>().max(1);
    let window = (weight.ilog2() + 1).clamp(*REQUEST_WINDOW_LOGS.start(), *REQUEST_WINDOW_LOGS.end());
    let mut encoder = Encoder::new(window)?;
    frames.iter().try_for_each(|frame| encoder.push(frame))?;
    encoder.finish()
}

/// About how many bytes a frame of a request has.
fn burden(frame: &Request) -> usize {
    match frame {
        Request::Group { intents } => intents.iter().map(|intent| 160 + intent.change.len()).sum(),
        Request::Registers { writes } => writes.len() * 96,
        Request::Fetch { documents, records } => (documents.len() + records.len()) * 20,
        Request::Presence { states } => states.len() * 32,
        Request::Hello(_) | Request::Push { .. } | Request::Unknown => 256,
    }
}

fn ended(end: End) -> Parts {
    Box::pin(stream::iter([Part::Ended(end)]))
}

fn refused(response: &reqwest::Response) -> End {
    match response.status() {
        StatusCode::UNAUTHORIZED => End::Unauthorized,
        status => {
            let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            End::Refused { status: status.as_u16(), retry_after: seconds.map(Duration::from_secs) }
        }
    }
}

fn opened(response: reqwest::Response, traffic: Arc<Traffic>) -> Parts {
    // A live stream has no end, so its bytes in all have no limit; a frame's do.
    match Decoder::new(usize::MAX) {
        Ok(decoder) => {
            let body = Box::pin(response.bytes_stream().map(move |chunk| {
                let chunk = chunk.map_err(|error| because(&error))?;
                traffic.received(chunk.len());
                Ok(chunk)
            }));
            let batches = Batches { body, decoder, carried: None, ending: false };
            Box::pin(stream::iter([Part::Opened]).chain(stream::unfold(Some(batches), Batches::step)))
        }
        Err(error) => ended(End::Broken(error.to_string())),
    }
}

/// A response's body on its way to batches of frames.
struct Batches<B> {
    body: B,
    decoder: Decoder,
    /// A frame that no longer fitted into the batch before.
    carried: Option<Response>,
    ending: bool,
}

impl<B: Stream<Item = Result<bytes::Bytes, String>> + Unpin> Batches<B> {
    async fn step(this: Option<Self>) -> Option<(Part, Option<Self>)> {
        let mut this = this?;
        loop {
            match this.decoded() {
                Ok(batch) if !batch.is_empty() => return Some((Part::Frames(batch), Some(this))),
                Ok(_) if this.ending => {
                    let end =
                        this.decoder.finish().map_or_else(|error| End::Broken(error.to_string()), |()| End::Finished);
                    return Some((Part::Ended(end), None));
                }
                Ok(_) => {}
                Err(error) => return Some((Part::Ended(unreadable(&error)), None)),
            }
            match this.body.next().await {
                Some(Ok(chunk)) => this.decoder.feed(&chunk),
                Some(Err(why)) => return Some((Part::Ended(End::Broken(why)), None)),
                None => this.ending = true,
            }
        }
    }

    /// What can be decoded now, up to one batch. A cursor still joins a batch that is full: it must be stored with the
    /// page that it closes.
    fn decoded(&mut self) -> Result<Vec<Response>, CodecError> {
        let mut batch: VecDeque<Response> = self.carried.take().into_iter().collect();
        let mut bytes: usize = batch.iter().map(weight).sum();
        let mut verdicts = batch.iter().filter(|frame| is_verdict(frame)).count();
        while let Some(frame) = self.decoder.read::<Response>()? {
            let full = batch.len() - verdicts + verdicts / VERDICTS_A_FRAME >= BATCH_FRAMES || bytes >= BATCH_BYTES;
            let cursor = matches!(frame, Response::Cursor { .. });
            if full && !cursor {
                self.carried = Some(frame);
                break;
            }
            bytes += weight(&frame);
            verdicts += usize::from(is_verdict(&frame));
            batch.push_back(frame);
            if full {
                break;
            }
        }
        Ok(batch.into())
    }
}

fn unreadable(error: &CodecError) -> End {
    End::Broken(format!("its answer can't be read: {error}"))
}

fn is_verdict(frame: &Response) -> bool {
    matches!(frame, Response::Verdict { .. })
}

/// About how much work a frame is, in bytes.
fn weight(frame: &Response) -> usize {
    match frame {
        Response::Snapshot { saved, changes, .. } => {
            saved.len() + changes.iter().map(|change| change.len()).sum::<usize>()
        }
        Response::Delta { changes, .. } => changes.iter().map(|change| change.len()).sum(),
        _ => 64,
    }
}

/// The innermost reason of an HTTP error: "connection refused" says more than "error sending request".
fn because(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    if error.is_timeout() { "the connection took too long".into() } else { source.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::protocol::Cursor;

    fn progress(done: u64) -> Response {
        Response::Progress { done, total: 200 }
    }

    fn cursor() -> Response {
        Response::Cursor { cursor: Cursor::default(), up_to_date: true }
    }

    fn stream(frames: &[Response]) -> Vec<u8> {
        let mut encoder = Encoder::new(*REQUEST_WINDOW_LOGS.end()).unwrap();
        frames.iter().for_each(|frame| encoder.push(frame).unwrap());
        encoder.finish().unwrap()
    }

    async fn batches(body: Vec<Result<bytes::Bytes, String>>) -> Vec<Part> {
        let start = Batches {
            body: Box::pin(stream::iter(body)),
            decoder: Decoder::new(usize::MAX).unwrap(),
            carried: None,
            ending: false,
        };
        stream::unfold(Some(start), Batches::step).collect().await
    }

    /// A page's cursor is stored with the page's last frames, however the batches fall.
    #[tokio::test]
    async fn a_cursor_joins_the_full_batch_before_it() {
        let mut frames: Vec<Response> = (0..BATCH_FRAMES as u64).map(progress).collect();
        frames.push(cursor());
        frames.push(progress(200));
        let parts = batches(vec![Ok(stream(&frames).into())]).await;
        let [Part::Frames(first), Part::Frames(second), Part::Ended(End::Finished)] = &parts[..] else {
            panic!("{parts:?}")
        };
        assert_eq!(first.len(), BATCH_FRAMES + 1);
        assert_eq!(first.last(), Some(&cursor()));
        assert_eq!(second, &[progress(200)]);
    }

    #[tokio::test]
    async fn every_frame_arrives_in_order_however_the_body_is_cut() {
        let frames: Vec<Response> = (0..200).map(progress).collect();
        let bytes = stream(&frames);
        for size in [1, 13, 4096] {
            let chunks = bytes.chunks(size).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
            let mut read = Vec::new();
            for part in batches(chunks).await {
                match part {
                    Part::Frames(batch) => read.extend(batch),
                    Part::Ended(end) => assert_eq!(end, End::Finished),
                    Part::Opened => panic!("opened before"),
                }
            }
            assert_eq!(read, frames);
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_broken_and_what_came_before_is_kept() {
        let bytes = stream(&[progress(1), cursor()]);
        let cut = bytes.len() - 3;
        let parts =
            batches(vec![Ok(bytes::Bytes::copy_from_slice(&bytes[..cut])), Err("connection reset".into())]).await;
        assert!(matches!(parts.last(), Some(Part::Ended(End::Broken(why))) if why == "connection reset"), "{parts:?}");
    }

    #[test]
    fn only_addresses_of_relays_are_taken() {
        for good in ["https://relay.example.com", "http://127.0.0.1:8080/", " https://relay.example.com/offdesk "] {
            address(good).unwrap();
        }
        for bad in ["relay.example.com", "ftp://relay.example.com", "https://user@relay.example.com", "", "https://"] {
            assert!(matches!(address(bad), Err(Error::InvalidRelay(_))), "{bad}");
        }
    }
}
