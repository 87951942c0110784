//! Bounds on the bytes of a received change, checked before Automerge parses them.
//!
//! Automerge trusts what it parses: a deflated chunk of 5 kB may inflate to gigabytes, a run of 2^60 operations takes
//! six bytes, and an unknown action panics. So a received change is walked here first, without allocating: it must be
//! one uncompressed change chunk, small, with a bounded number of operations of the actions that we use. Compression
//! is the stream's affair (`protocol`), where it is bounded.
//!
//! Layout of a chunk: magic (4), checksum (4), type (1), length (uLEB128), then for a change: dependencies, actor,
//! seq, start_op, time, message, other actors, column metadata, columns, extra bytes.

use crate::model::{Refusal, RefusalCode};

/// The largest change that is accepted, in bytes: a message of [`crate::model::action::MAX_TEXT_BYTES`] with ample room.
pub const MAX_CHANGE_BYTES: usize = 64 * 1024;
/// The most operations in one change: an entry of five fields needs six, and bulk edits stay far below.
pub const MAX_CHANGE_OPS: u64 = 1024;
/// The most dependencies of one change: the heads that a document can have when many devices write at once.
pub const MAX_CHANGE_DEPS: u64 = 256;
/// The most other actors that one change names.
const MAX_CHANGE_ACTORS: u64 = 1024;
/// Bytes of an actor id. Ours are 16 random bytes.
const ACTOR_BYTES: usize = 16;
/// The times, in seconds since the epoch, that a change may bear: 1970 to 9999. Saved documents hold differences of
/// times, which must not overflow.
const TIMES: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE: u8 = 1;
const COMPRESSED_CHANGE: u8 = 2;
/// Column 4, type integer: the action of each operation.
const ACTION_COLUMN: u64 = (4 << 4) | 2;
/// Actions that our documents use: make a map, put, delete.
const ACTIONS: [u64; 3] = [0, 1, 3];

/// Checks the bytes of one change.
///
/// # Errors
/// A [`Refusal`] of code `too_large` for anything beyond the bounds above (a compressed chunk included), `malformed`
/// for bytes that are not one change, `wrong_action` for an action that our documents don't use.
pub fn inspect(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > MAX_CHANGE_BYTES {
        return Err(too_large("change", &format!("{} bytes; at most {MAX_CHANGE_BYTES}", bytes.len())));
    }
    let mut input = Input(bytes);
    if input.take(4)? != MAGIC {
        return Err(malformed("it doesn't begin with the mark of an Automerge chunk"));
    }
    input.take(4)?;
    match input.take(1)? {
        [CHANGE] => {}
        [COMPRESSED_CHANGE] => {
            return Err(too_large(
                "change",
                "it is deflated; changes travel uncompressed inside the stream's compression",
            ));
        }
        _ => return Err(malformed("it is not a change")),
    }
    let length = input.length()?;
    if length != input.0.len() {
        return Err(malformed("its length does not match"));
    }
    body(input)
}

fn body(mut input: Input<'_>) -> Result<(), Refusal> {
    let deps = bounded("deps", input.unsigned()?, MAX_CHANGE_DEPS)?;
    input.take(deps * 32)?;
    actor(&mut input)?;
    input.unsigned()?; // seq
    input.unsigned()?; // start_op
    if !TIMES.contains(&input.signed()?) {
        return Err(malformed("its time is none"));
    }
    let message = input.length()?;
    input.take(message)?;
    for _ in 0..bounded("actors", input.unsigned()?, MAX_CHANGE_ACTORS)? {
        actor(&mut input)?;
    }
    let columns = bounded("columns", input.unsigned()?, 32)?;
    let mut metadata = Vec::with_capacity(columns);
    for _ in 0..columns {
        metadata.push((input.unsigned()?, input.length()?));
    }
    for (spec, length) in metadata {
        if spec & 0b1000 != 0 {
            return Err(too_large("columns", "a column is deflated"));
        }
        column(spec, Input(input.take(length)?))?;
    }
    if !input.0.is_empty() {
        return Err(malformed("bytes follow its columns"));
    }
    Ok(())
}

fn actor(input: &mut Input<'_>) -> Result<(), Refusal> {
    let length = input.length()?;
    if length != ACTOR_BYTES {
        return Err(malformed("an actor is not 16 bytes long"));
    }
    input.take(length).map(|_| ())
}

/// Counts the items of a column without expanding its runs.
fn column(spec: u64, mut input: Input<'_>) -> Result<(), Refusal> {
    // An operation may supersede several: those columns hold more than one item for each.
    let most = if spec == ACTION_COLUMN { MAX_CHANGE_OPS } else { MAX_CHANGE_OPS * 4 };
    let mut items = 0u64;
    let mut add = |count: u64| {
        items = items.saturating_add(count);
        if items > most { Err(too_large("ops", "more operations than one change may hold")) } else { Ok(()) }
    };
    match spec & 0b111 {
        4 => {
            while !input.0.is_empty() {
                add(input.unsigned()?)?;
            }
        }
        7 => {}
        kind => {
            while !input.0.is_empty() {
                let run = input.signed()?;
                if run > 0 {
                    add(run.unsigned_abs())?;
                    item(spec, kind, &mut input)?;
                } else if run < 0 {
                    add(run.unsigned_abs())?;
                    for _ in 0..run.unsigned_abs() {
                        item(spec, kind, &mut input)?;
                    }
                } else {
                    add(input.unsigned()?)?;
                    if spec == ACTION_COLUMN {
                        return Err(malformed("an operation has no action"));
                    }
                }
            }
        }
    }
    Ok(())
}

fn item(spec: u64, kind: u64, input: &mut Input<'_>) -> Result<(), Refusal> {
    match kind {
        3 => input.signed().map(|_| ()),
        5 => {
            let length = input.length()?;
            input.take(length).map(|_| ())
        }
        _ => {
            let value = input.unsigned()?;
            if spec == ACTION_COLUMN && !ACTIONS.contains(&value) {
                return Err(Refusal::new(
                    RefusalCode::WrongAction,
                    "ops",
                    "an operation is neither a map, a value nor a deletion",
                ));
            }
            Ok(())
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        if count > self.0.len() {
            return Err(malformed("it ends too early"));
        }
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        Ok(self.take(1)?[0])
    }

    fn unsigned(&mut self) -> Result<u64, Refusal> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number is too long"))
    }

    fn signed(&mut self) -> Result<i64, Refusal> {
        let mut value = 0i64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte & 0x40 != 0 && shift + 7 < 64 {
                    value |= -1i64 << (shift + 7);
                }
                return Ok(value);
            }
        }
        Err(malformed("a number is too long"))
    }

    fn length(&mut self) -> Result<usize, Refusal> {
        usize::try_from(self.unsigned()?).map_err(|_| malformed("a length is too large"))
    }
}

fn bounded(path: &str, count: u64, most: u64) -> Result<usize, Refusal> {
    if count > most {
        return Err(too_large(path, &format!("{count}; at most {most}")));
    }
    usize::try_from(count).map_err(|_| too_large(path, "too many"))
}

fn malformed(reason: &str) -> Refusal {
    Refusal::new(RefusalCode::Malformed, "change", reason)
}

fn too_large(path: &str, reason: &str) -> Refusal {
    Refusal::new(RefusalCode::TooLarge, path, reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use automerge::{Automerge, ROOT, transaction::Transactable};

    fn change(text: &str) -> automerge::Change {
        let mut document = Automerge::new().with_actor(automerge::ActorId::from([7; 16]));
        let mut tx = document.transaction();
        tx.put(ROOT, "text", text).unwrap();
        tx.delete(ROOT, "text").unwrap();
        tx.commit();
        document.get_last_local_change().unwrap()
    }

    #[test]
    fn a_plain_change_passes() {
        assert_eq!(inspect(change("hello").raw_bytes()), Ok(()));
    }

    /// Trap: Automerge inflates without bound.
    #[test]
    fn a_deflated_change_is_refused_before_parsing() {
        let mut bomb = change(&"a".repeat(5_000_000));
        let bytes = bomb.bytes().to_vec();
        assert!(bytes.len() < 10_000, "{} bytes", bytes.len());
        assert_eq!(inspect(&bytes).unwrap_err().code, RefusalCode::TooLarge);
    }

    /// Trap: a run of operations needs no bytes of its own.
    #[test]
    fn a_run_of_endless_operations_is_refused() {
        let mut action = Vec::new();
        // +2^40 operations of action 1 as one run: signed LEB128 of the count, then the value.
        let mut count: i64 = 1 << 40;
        while count > 63 {
            action.push((count & 0x7f) as u8 | 0x80);
            count >>= 7;
        }
        action.push(count as u8);
        action.push(1);
        assert_eq!(column(ACTION_COLUMN, Input(&action)).unwrap_err().code, RefusalCode::TooLarge);
    }

    #[test]
    fn an_unknown_action_is_refused() {
        for action in [2u8, 4, 5, 6, 7, 99] {
            assert_eq!(column(ACTION_COLUMN, Input(&[1, action])).unwrap_err().code, RefusalCode::WrongAction);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = inspect(&bytes);
        }

        #[test]
        fn a_damaged_change_never_panics(at in 8usize..60, value in 0u8..=255) {
            let mut bytes = change("hello").raw_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = value;
            if inspect(&bytes).is_ok() {
                let _ = crate::model::document::parse_change(&bytes).map(|change| change.decode());
            }
        }
    }
}
