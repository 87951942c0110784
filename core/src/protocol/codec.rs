//! Frames to bytes and back: length, MessagePack, one zstd stream. No I/O: bytes in, frames out.
//!
//! Frames that go out together are packed together (`pack`): a batch is one length whose highest bit is set, and that
//! many bytes. A few small frames are sent as they are.
//!
//! Decoding is bounded: a frame is at most [`MAX_FRAME_BYTES`], the window at most 2^[`WINDOW_LOG`], and no more than
//! one batch and one output block is held at a time, whatever the stream claims.

use std::{collections::VecDeque, io};

use serde::{Serialize, de::DeserializeOwned};
use zstd::stream::raw::{self, InBuffer, Operation, OutBuffer};

use super::pack::{Dictionary, pack, unpack};

/// The largest frame, in bytes of MessagePack: a long conversation's snapshot with ample room.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;
/// The largest window that is decoded, as a power of two: 8 MiB of names and texts to refer back to.
pub const WINDOW_LOG: u32 = 23;
/// Compression level: beyond 3 the time grows faster than the size falls.
const LEVEL: i32 = 3;
/// That of streams with a large window, which carry megabytes: 3 % fewer of them for a fiftieth of their time.
const LARGE_LEVEL: i32 = 6;
/// The compressor's tables at that level, as powers of two of 4-byte entries.
const HASH_LOG: u32 = 17;
const CHAIN_LOG: u32 = 16;
/// Set in the length of a packed batch.
const PACKED: u32 = 1 << 31;
/// Set in the length of a packed batch that begins with an empty dictionary.
const PACKED_ALONE: u32 = PACKED | 1 << 30;
/// From this window on, as a power of two, a stream is large: its dictionary outlives a batch, since what both sides keep is
/// of the same order as the window.
const LARGE_FROM: u32 = 20;
/// Frames of fewer bytes than this are not packed: there is too little that is alike, and a single message, which people
/// wait for, is sooner there.
const PACKED_FROM: usize = 2048;
/// A batch ends with the frame that makes it as large as this.
const BATCH_BYTES: usize = 256 * 1024;
/// The largest batch, unpacked.
const MAX_BATCH_BYTES: usize = BATCH_BYTES + MAX_FRAME_BYTES;
/// Bytes decompressed at a time.
const BLOCK_BYTES: usize = 64 * 1024;

/// A stream of frames can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The compressed stream is damaged or asks for too large a window.
    #[error("the compressed stream can't be read: {0}")]
    Compression(#[from] io::Error),
    /// A frame claims more than is allowed.
    #[error("a frame claims {0} bytes; at most {MAX_FRAME_BYTES} are read")]
    FrameTooLarge(usize),
    /// The whole stream is larger than the reader allows.
    #[error("the stream is larger than {0} bytes")]
    StreamTooLarge(usize),
    /// A frame is not MessagePack of a known form.
    #[error("a frame can't be read: {0}")]
    Frame(String),
    /// The stream was cut off.
    #[error("the stream ends before its end")]
    Truncated,
}

/// Writes frames into one zstd stream.
pub struct Encoder {
    zstd: raw::Encoder<'static>,
    /// Frames that wait to be packed together.
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
    dictionary: Dictionary,
    out: Vec<u8>,
    window_log: u32,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("waiting", &self.out.len()).finish()
    }
}

impl Encoder {
    /// A new stream. `window_log` bounds its memory on both sides: 17 for requests and small answers, up to
    /// [`WINDOW_LOG`] for a cold start.
    ///
    /// # Errors
    /// [`CodecError::Compression`] if the compressor can't be set up.
    pub fn new(window_log: u32) -> Result<Self, CodecError> {
        let window_log = window_log.min(WINDOW_LOG);
        let mut zstd = raw::Encoder::new(if window_log < LARGE_FROM { LEVEL } else { LARGE_LEVEL })?;
        zstd.set_parameter(zstd::zstd_safe::CParameter::WindowLog(window_log))?;
        // Tables no larger than what there is to look up: for a stream of unknown length zstd takes its level's, 0.8 MB.
        zstd.set_parameter(zstd::zstd_safe::CParameter::HashLog(window_log.min(HASH_LOG)))?;
        zstd.set_parameter(zstd::zstd_safe::CParameter::ChainLog(window_log.min(CHAIN_LOG)))?;
        zstd.set_parameter(zstd::zstd_safe::CParameter::ContentSizeFlag(false))?;
        Ok(Self {
            zstd,
            batch: Vec::new(),
            batch_bytes: 0,
            dictionary: Dictionary::default(),
            out: Vec::new(),
            window_log,
        })
    }

    /// Appends one frame.
    ///
    /// # Errors
    /// [`CodecError::FrameTooLarge`], or [`CodecError::Frame`] if it can't be expressed.
    pub fn push<F: Serialize>(&mut self, frame: &F) -> Result<(), CodecError> {
        let body = rmp_serde::to_vec_named(frame).map_err(|error| CodecError::Frame(error.to_string()))?;
        if body.len() > MAX_FRAME_BYTES {
            return Err(CodecError::FrameTooLarge(body.len()));
        }
        self.batch_bytes += body.len();
        self.batch.push(body);
        if self.batch_bytes >= BATCH_BYTES { self.close_batch() } else { Ok(()) }
    }

    fn close_batch(&mut self) -> Result<(), CodecError> {
        let batch = std::mem::take(&mut self.batch);
        let bytes = std::mem::take(&mut self.batch_bytes);
        let flag = if self.window_log < LARGE_FROM { PACKED_ALONE } else { PACKED };
        if flag == PACKED_ALONE {
            self.dictionary = Dictionary::default();
        }
        let packed =
            if bytes < PACKED_FROM { None } else { pack(batch.iter().map(Vec::as_slice), &mut self.dictionary) };
        match packed {
            Some(packed) => self.write(flag, &packed),
            None => batch.iter().try_for_each(|frame| self.write(0, frame)),
        }
    }

    fn write(&mut self, flag: u32, body: &[u8]) -> Result<(), CodecError> {
        // Neither a frame nor a batch is longer than 31 bits say.
        let length = u32::try_from(body.len()).map_err(|_| CodecError::FrameTooLarge(body.len()))? | flag;
        self.compress(&length.to_be_bytes())?;
        self.compress(body)
    }

    fn compress(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut input = InBuffer::around(bytes);
        while input.pos() < bytes.len() {
            self.step(|zstd, out| zstd.run(&mut input, out))?;
        }
        Ok(())
    }

    fn step(
        &mut self,
        run: impl FnOnce(&mut raw::Encoder<'static>, &mut OutBuffer<'_, [u8]>) -> io::Result<usize>,
    ) -> Result<usize, CodecError> {
        let mut block = [0u8; 16 * 1024];
        let mut out = OutBuffer::around(&mut block[..]);
        let left = run(&mut self.zstd, &mut out)?;
        let written = out.pos();
        self.out.extend_from_slice(&block[..written]);
        Ok(left)
    }

    /// Everything so far, flushed so that the reader can decode it all.
    ///
    /// # Errors
    /// [`CodecError::Compression`] if the compressor fails.
    pub fn flush(&mut self) -> Result<Vec<u8>, CodecError> {
        self.close_batch()?;
        while self.step(|zstd, out| zstd.flush(out))? > 0 {}
        Ok(std::mem::take(&mut self.out))
    }

    /// Ends the stream and returns what was not taken yet.
    ///
    /// # Errors
    /// [`CodecError::Compression`] if the compressor fails.
    pub fn finish(mut self) -> Result<Vec<u8>, CodecError> {
        self.close_batch()?;
        while self.step(|zstd, out| zstd.finish(out, true))? > 0 {}
        Ok(self.out)
    }

    /// The window that it was made with, as a power of two.
    pub fn window_log(&self) -> u32 {
        self.window_log
    }
}

/// Reads frames from one zstd stream.
pub struct Decoder {
    zstd: raw::Decoder<'static>,
    input: Vec<u8>,
    /// Bytes of `input` that are decompressed already.
    taken: usize,
    /// Whether what was decompressed so far ends a zstd frame. A block that is stored as it is can be read up to where it
    /// was cut, which may be between two of our frames.
    ended: bool,
    plain: Vec<u8>,
    at: usize,
    /// Frames of the last batch that were not read yet.
    unpacked: VecDeque<Vec<u8>>,
    dictionary: Dictionary,
    total: usize,
    limit: usize,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("waiting", &(self.plain.len() - self.at)).finish()
    }
}

impl Decoder {
    /// A new stream that may hold at most `limit` bytes of frames in all.
    ///
    /// # Errors
    /// [`CodecError::Compression`] if the decompressor can't be set up.
    pub fn new(limit: usize) -> Result<Self, CodecError> {
        let mut zstd = raw::Decoder::new()?;
        zstd.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self {
            zstd,
            input: Vec::new(),
            taken: 0,
            ended: true,
            plain: Vec::new(),
            at: 0,
            unpacked: VecDeque::new(),
            dictionary: Dictionary::default(),
            total: 0,
            limit,
        })
    }

    /// Takes in received bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.taken);
        self.taken = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next whole frame, if one has arrived.
    ///
    /// # Errors
    /// Any [`CodecError`]; the stream is then useless.
    pub fn read<F: DeserializeOwned>(&mut self) -> Result<Option<F>, CodecError> {
        loop {
            if let Some(frame) = self.unpacked.pop_front() {
                return decode(&frame).map(Some);
            }
            let waiting = &self.plain[self.at..];
            if let Some((length, rest)) = waiting.split_first_chunk::<4>() {
                let head = u32::from_be_bytes(*length);
                let packed = head & PACKED != 0;
                let length = usize::try_from(head & !PACKED_ALONE).unwrap_or(usize::MAX);
                if head & PACKED_ALONE == PACKED_ALONE {
                    self.dictionary = Dictionary::default();
                }
                if length > if packed { MAX_BATCH_BYTES } else { MAX_FRAME_BYTES } {
                    return Err(CodecError::FrameTooLarge(length));
                }
                if let Some(body) = rest.get(..length) {
                    self.at += 4 + length;
                    if !packed {
                        return decode(body).map(Some);
                    }
                    let (unpacked, mut bytes) = (&mut self.unpacked, 0);
                    let most = MAX_BATCH_BYTES.min(self.limit.saturating_sub(self.total).saturating_add(length));
                    unpack(body, &mut self.dictionary, most, |frame| {
                        bytes += frame.len();
                        unpacked.push_back(frame.to_vec());
                    })
                    .map_err(|damaged| CodecError::Frame(damaged.to_string()))?;
                    self.total = self.total.saturating_add(bytes.saturating_sub(length));
                    continue;
                }
            }
            if !self.inflate()? {
                return Ok(None);
            }
        }
    }

    /// Decompresses one more block; `false` if more input is needed.
    fn inflate(&mut self) -> Result<bool, CodecError> {
        if self.at > 0 {
            self.plain.drain(..self.at);
            self.at = 0;
        }
        let before = self.plain.len();
        let mut input = InBuffer::around(&self.input[self.taken..]);
        let mut block = vec![0u8; BLOCK_BYTES];
        let mut out = OutBuffer::around(&mut block[..]);
        let left = self.zstd.run(&mut input, &mut out)?;
        let (consumed, written) = (input.pos(), out.pos());
        self.plain.extend_from_slice(&block[..written]);
        self.taken += consumed;
        if consumed > 0 || written > 0 {
            self.ended = left == 0;
        }
        self.total = self.total.saturating_add(written);
        if self.total > self.limit {
            return Err(CodecError::StreamTooLarge(self.limit));
        }
        Ok(self.plain.len() > before || consumed > 0)
    }

    /// Checks that the stream came to its end.
    ///
    /// # Errors
    /// [`CodecError::Truncated`] if bytes of a frame are left, or the stream was cut between frames.
    pub fn finish(&self) -> Result<(), CodecError> {
        let read = self.at == self.plain.len() && self.unpacked.is_empty();
        if read && self.ended && self.taken == self.input.len() { Ok(()) } else { Err(CodecError::Truncated) }
    }
}

fn decode<F: DeserializeOwned>(frame: &[u8]) -> Result<F, CodecError> {
    rmp_serde::from_slice(frame).map_err(|error| CodecError::Frame(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::protocol::{Outlined, Response};

    fn stream(frames: &[Response]) -> Vec<u8> {
        let mut encoder = Encoder::new(17).unwrap();
        frames.iter().for_each(|frame| encoder.push(frame).unwrap());
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_survive_any_cut_of_the_stream() {
        let frames: Vec<_> = (0..50).map(|n| Response::Progress { done: n, total: 50 }).collect();
        let bytes = stream(&frames);
        for step in [1, 2, 3, 7, bytes.len()] {
            let mut decoder = Decoder::new(1 << 20).unwrap();
            let mut read = Vec::new();
            for chunk in bytes.chunks(step) {
                decoder.feed(chunk);
                while let Some(frame) = decoder.read::<Response>().unwrap() {
                    read.push(frame);
                }
            }
            assert_eq!(read, frames);
            decoder.finish().unwrap();
        }
    }

    /// Wherever a stream is cut, also between two frames of a block that is not compressed: it is not taken for a whole one.
    #[test]
    fn a_cut_stream_is_not_a_whole_one() {
        let random = |seed: u8| (0..40).map(|n: u8| n.wrapping_mul(97).wrapping_add(seed).rotate_left(3)).collect();
        let frames: [Vec<u8>; 2] = [random(1), random(77)];
        let mut encoder = Encoder::new(12).unwrap();
        frames.iter().for_each(|frame| encoder.push(&serde_bytes::ByteBuf::from(frame.clone())).unwrap());
        let bytes = encoder.finish().unwrap();
        for end in 0..=bytes.len() {
            let mut decoder = Decoder::new(1 << 20).unwrap();
            decoder.feed(&bytes[..end]);
            while decoder.read::<serde_bytes::ByteBuf>().unwrap().is_some() {}
            assert_eq!(decoder.finish().is_ok(), end == 0 || end == bytes.len(), "cut at {end} of {}", bytes.len());
        }
    }

    #[test]
    fn a_flush_makes_everything_readable() {
        let mut encoder = Encoder::new(17).unwrap();
        encoder.push(&Response::Heartbeat).unwrap();
        let mut decoder = Decoder::new(1 << 20).unwrap();
        decoder.feed(&encoder.flush().unwrap());
        assert_eq!(decoder.read::<Response>().unwrap(), Some(Response::Heartbeat));
        assert_eq!(decoder.read::<Response>().unwrap(), None);
    }

    /// Ids and bytes inside a tagged frame come back as they were sent.
    #[test]
    fn every_field_of_a_frame_survives() {
        use crate::{
            alerts::{Alert, Why},
            ids::{AlertId, DocumentId, IntentId},
            model::{Kind, Refusal, RefusalCode},
            policy::Visibility,
            protocol::{Delivery, Fact, FactBody, HeldBecause, MessageFact, RegisterContent, RegisterKey, Verdict},
            time::Timestamp,
        };
        use serde_bytes::ByteBuf;
        let (document, intent) = (DocumentId([7; 16]), IntentId([8; 16]));
        let delivery = Delivery::Held(HeldBecause::Newer(intent));
        let message = FactBody::Message(MessageFact { id: intent, order: 3, at: Timestamp(4), delivery });
        let why = Why::Assigned { message: intent, order: 3 };
        let alert = FactBody::Alert(Alert { id: AlertId([9; 16]), member: None, at: Timestamp(5), why });
        let frames = [
            Response::Snapshot {
                document,
                kind: Kind::Conversation,
                visibility: Visibility::DASHBOARD,
                saved: ByteBuf::from(vec![1, 2, 3]),
                changes: vec![ByteBuf::from(vec![4])],
                facts: vec![Fact { seq: 1, body: message }, Fact { seq: 2, body: alert }],
                outline: Some(Outlined {
                    heads: vec![serde_bytes::ByteArray::new([7; 32])],
                    outline: ByteBuf::from(vec![5]),
                }),
            },
            Response::Verdict { intents: vec![intent], verdict: Verdict::Resolved(vec![(document, document)]) },
            Response::Verdict { intents: vec![intent], verdict: Verdict::MissingDeps(vec![[6; 32].into()]) },
            Response::Verdict {
                intents: vec![intent],
                verdict: Verdict::Rejected(Refusal::new(RefusalCode::PhoneTaken, "phones", "taken")),
            },
            Response::Registers { values: vec![(RegisterKey::ReadMark(document), RegisterContent::Order(9))] },
            Response::Bucket { bucket: 7, documents: vec![document] },
        ];
        let mut decoder = Decoder::new(1 << 20).unwrap();
        decoder.feed(&stream(&frames));
        let read: Vec<Response> = std::iter::from_fn(|| decoder.read().unwrap()).collect();
        assert_eq!(read, frames);
    }

    #[test]
    fn a_stream_may_follow_another() {
        let mut bytes = stream(&[Response::Heartbeat]);
        bytes.extend(stream(&[Response::Progress { done: 1, total: 2 }]));
        for step in [1, 5, bytes.len()] {
            let mut decoder = Decoder::new(1 << 20).unwrap();
            let mut read = Vec::new();
            for chunk in bytes.chunks(step) {
                decoder.feed(chunk);
                while let Some(frame) = decoder.read::<Response>().unwrap() {
                    read.push(frame);
                }
            }
            assert_eq!(read, [Response::Heartbeat, Response::Progress { done: 1, total: 2 }]);
        }
    }

    #[test]
    fn an_unknown_frame_is_passed_over() {
        #[derive(serde::Serialize)]
        struct Newer {
            t: &'static str,
            field: u8,
        }
        let mut encoder = Encoder::new(17).unwrap();
        encoder.push(&Newer { t: "weather", field: 1 }).unwrap();
        let mut decoder = Decoder::new(1 << 20).unwrap();
        decoder.feed(&encoder.finish().unwrap());
        assert_eq!(decoder.read::<Response>().unwrap(), Some(Response::Unknown));
    }

    #[test]
    fn a_bomb_stays_bounded() {
        let mut encoder = Encoder::new(23).unwrap();
        for _ in 0..1000 {
            encoder.push(&serde_bytes::ByteBuf::from(vec![0u8; 100_000])).unwrap();
        }
        let bytes = encoder.finish().unwrap();
        assert!(bytes.len() < 200_000);
        let mut decoder = Decoder::new(1 << 20).unwrap();
        decoder.feed(&bytes);
        let error = loop {
            match decoder.read::<serde_bytes::ByteBuf>() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("not refused"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, CodecError::StreamTooLarge(_)), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let mut decoder = Decoder::new(1 << 20).unwrap();
            decoder.feed(&bytes);
            while let Ok(Some(_)) = decoder.read::<Response>() {}
        }
    }
}
