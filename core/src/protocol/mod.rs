//! What device and relay say to each other.
//!
//! A device posts to `/v1/sync`. The request's body is a stream of [`Request`] frames: one `hello`, then what it pushes.
//! The response's body is a stream of [`Response`] frames: `welcome`, verdicts, then pages of what the device misses, each
//! closed by a `cursor` that covers it. With `live`, the response goes on as things happen, with heartbeats in between.
//!
//! A frame is a length (4 bytes, big endian) and that many bytes of MessagePack with named fields; frames that go out together
//! are packed together (`pack`); all of a body is one zstd stream ([`codec`]). An unknown frame, and an unknown field of a known frame, are passed over.

pub mod abridged;
pub mod codec;
pub mod digest;
mod event_columns;
mod fact_columns;
pub mod frame;
mod pack;

pub use codec::{CodecError, Decoder, Encoder};
pub use frame::*;

/// The protocol version that this build speaks. `hello` carries it; the relay answers with the one it uses.
/// Version 2 packs batches of frames; version 3 tells events, and reads what a newer version adds to facts.
pub const VERSION: u16 = 3;
/// The oldest version that this build still understands.
pub const OLDEST_VERSION: u16 = 3;
/// The path of the sync request.
pub const SYNC_PATH: &str = "/v1/sync";
/// The path of enrolment.
pub const ENROL_PATH: &str = "/v1/enrol";
/// The path of a new enrolment code for a further device of the same member.
pub const ENROLMENT_CODE_PATH: &str = "/v1/enrolment-codes";
