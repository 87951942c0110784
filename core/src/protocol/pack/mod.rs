//! Frames repacked column by column before they are compressed.
//!
//! A page of a cold start is hundreds of frames of the same form. Row by row they are a mixture of names, texts, times, random
//! ids and Automerge columns of a few bytes each, of which a general compressor makes little: it finds repetitions, but it codes
//! all that is left with one table. Here the values of many frames are put together by the *path* at which they stand (a
//! field's name, an Automerge column), so that like stands beside like, and what a compressor can't see is taken out:
//!
//! - **ids** ([`tables`]): the first time an id comes its 10 random bytes are written, and its time as a difference; later a
//!   number stands for it, mostly "the one after the last", be it 16 bytes in one place and a ULID's 26 letters in another;
//! - **hashes**: the same, with 32 bytes;
//! - **names** (keys, kinds, reasons): a number from the second time on;
//! - **texts** ([`texts`]): taken apart into words, a number each;
//! - **numbers**: the difference to the last one at the same path;
//! - **Automerge chunks** ([`chunk`]): cut into their parts; the checksum is left out and made again.
//!
//! None of it knows frames: [`values`] walks any MessagePack, so that a new frame or field is packed without being named here.
//! The result is exact: [`unpack`] gives back the very bytes. What can't be packed so (another program's MessagePack may
//! write a number longer than needed) is sent as it is.
//!
//! Packing is pure and bounded: tables live as long as one batch, and [`unpack`] stops at the size that it is told.

mod chunk;
mod columns;
mod leb;
mod tables;
mod texts;
mod times;
mod values;

use tables::{Reader, Writer};
pub(super) use texts::Dictionary;

/// A batch that no [`pack`] wrote, or one that was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packed batch of frames is damaged")]
pub(super) struct Damaged;

/// Packs a batch of MessagePack values; `None` if one of them can't be given back byte by byte. The dictionary is what the
/// batches before have left in it.
pub(super) fn pack<'a>(frames: impl IntoIterator<Item = &'a [u8]>, dictionary: &mut Dictionary) -> Option<Vec<u8>> {
    let before = dictionary.length();
    let packed = pack_all(frames, dictionary);
    if packed.is_none() {
        dictionary.truncate(before);
    }
    packed
}

fn pack_all<'a>(frames: impl IntoIterator<Item = &'a [u8]>, dictionary: &mut Dictionary) -> Option<Vec<u8>> {
    let mut writer = Writer::new(dictionary);
    let mut count = 0;
    for frame in frames {
        values::check(frame)?;
        values::put(&mut writer, frame)?;
        count += 1;
    }
    Some(writer.finish(count))
}

/// Hands each value of a packed batch to `each`. The dictionary is what the batches before have left in it.
///
/// # Errors
/// [`Damaged`] if [`pack`] did not write it, or if it holds more than `most` bytes.
pub(super) fn unpack(
    batch: &[u8],
    dictionary: &mut Dictionary,
    most: usize,
    mut each: impl FnMut(&[u8]),
) -> Result<(), Damaged> {
    let (mut reader, count) = Reader::new(batch, dictionary, most)?;
    let (mut frame, mut total) = (Vec::new(), 0usize);
    for _ in 0..count {
        frame.clear();
        values::take(&mut reader, &mut frame, most.saturating_sub(total))?;
        total += frame.len();
        each(&frame);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
