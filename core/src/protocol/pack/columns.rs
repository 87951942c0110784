//! Automerge's columns. Most are taken as they are. Columns of names (keys of maps) are taken text by text, and values are
//! taken one by one, with the lengths that stand in the column before: texts and ids go to where their like is, and a time
//! is written as its difference to the time of the id that the same change brought.

use std::collections::BTreeMap;

use super::{
    Damaged,
    leb::{put_signed, put_unsigned, take_bytes, take_signed, take_unsigned},
    tables::{Reader, Writer, time_of},
};

/// The lowest bits of a column's number: what it holds.
mod holds {
    pub(super) const MASK: u64 = 0b1111;
    pub(super) const NAMES: u64 = 5;
    pub(super) const LENGTHS: u64 = 6;
    pub(super) const VALUES: u64 = 7;
}
/// The lowest bits of a value's entry in the column of lengths: its type.
mod is {
    pub(super) const MASK: u64 = 0b1111;
    pub(super) const TEXT: u64 = 6;
    pub(super) const TIME: u64 = 9;
}
/// Keys of the paths below a column's.
mod below {
    pub(super) const TEXTS: &[u8] = b"texts";
    pub(super) const TIMES: &[u8] = b"times";
    pub(super) const OTHERS: &[u8] = b"others";
}

/// One column of a chunk.
pub(super) struct Column<'a> {
    spec: u64,
    bytes: &'a [u8],
    content: Content<'a>,
}

enum Content<'a> {
    AsItIs,
    Names(Vec<Run<'a>>),
    /// Each with its type.
    Values(Vec<(u64, &'a [u8])>),
}

/// Part of a run-length encoded column.
enum Run<'a> {
    Repeated(i64, &'a [u8]),
    Each(Vec<&'a [u8]>),
    Nulls(u64),
}

/// Times of ids and values that a chunk has brought so far.
#[derive(Debug, Default)]
pub(super) struct Times {
    ids: Vec<i64>,
    next: usize,
    last: i64,
}

impl Times {
    fn add(&mut self, id: Option<[u8; 16]>) {
        self.ids.extend(id.map(|id| time_of(&id).cast_signed()));
    }

    fn of_next_id(&self) -> Option<i64> {
        self.ids.get(self.next).copied()
    }
}

/// Cuts the columns that a list names (number and length of each) off the front.
pub(super) fn parse<'a>(list: &[(u64, u64)], from: &mut &'a [u8]) -> Option<Vec<Column<'a>>> {
    let mut columns: Vec<Column<'a>> = Vec::with_capacity(list.len());
    for (spec, length) in list {
        let bytes = take_bytes(from, *length)?;
        let content = match spec & holds::MASK {
            holds::NAMES => parse_names(bytes).map(Content::Names),
            holds::VALUES => {
                columns.last().filter(|column| lengths_of(column.spec, *spec)).and_then(|column| {
                    let mut lengths = Vec::new();
                    value_lengths(column.bytes, |kind, length| lengths.push((kind, length)), bytes.len())?;
                    parse_values(&lengths, bytes).map(Content::Values)
                })
            }
            _ => None,
        };
        columns.push(Column { spec: *spec, bytes, content: content.unwrap_or(Content::AsItIs) });
    }
    Some(columns)
}

/// Whether the first column holds the lengths of the second one's values.
fn lengths_of(lengths: u64, values: u64) -> bool {
    lengths == values - holds::VALUES + holds::LENGTHS
}

fn parse_names(mut bytes: &[u8]) -> Option<Vec<Run<'_>>> {
    let mut runs = Vec::new();
    while !bytes.is_empty() {
        let run = match take_signed(&mut bytes)? {
            0 => Run::Nulls(take_unsigned(&mut bytes)?),
            count @ 1.. => Run::Repeated(count, parse_name(&mut bytes)?),
            count => {
                let names: Option<Vec<_>> = (0..count.unsigned_abs()).map(|_| parse_name(&mut bytes)).collect();
                Run::Each(names?)
            }
        };
        runs.push(run);
    }
    Some(runs)
}

fn parse_name<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_unsigned(from)?;
    take_bytes(from, length)
}

/// Type and length of each value that has bytes, off a column of lengths; `None` if they are not `total` in all.
fn value_lengths(mut bytes: &[u8], mut each: impl FnMut(u64, u64), total: usize) -> Option<()> {
    let mut left = total as u64;
    let mut value = |entry: u64, count: u64| -> Option<()> {
        let length = entry >> 4;
        if length == 0 {
            return Some(());
        }
        left = left.checked_sub(length.checked_mul(count)?)?;
        (0..count).for_each(|_| each(entry & is::MASK, length));
        Some(())
    };
    while !bytes.is_empty() {
        match take_signed(&mut bytes)? {
            0 => {
                take_unsigned(&mut bytes)?;
            }
            count @ 1.. => value(take_unsigned(&mut bytes)?, count.unsigned_abs())?,
            count => (0..count.unsigned_abs()).try_for_each(|_| value(take_unsigned(&mut bytes)?, 1))?,
        }
    }
    (left == 0).then_some(())
}

fn parse_values<'a>(lengths: &[(u64, u64)], mut bytes: &'a [u8]) -> Option<Vec<(u64, &'a [u8])>> {
    let value = |(kind, length): &(u64, u64)| {
        let value = take_bytes(&mut bytes, *length)?;
        let mut number = value;
        let exact = *kind != is::TIME || take_signed(&mut number).is_some() && number.is_empty();
        exact.then_some((*kind, value))
    };
    lengths.iter().map(value).collect()
}

/// Packs columns; `None` if there are too many paths.
pub(super) fn put(writer: &mut Writer, path: usize, columns: &[Column<'_>], times: &mut Times) -> Option<()> {
    writer.tag(path, columns.len() as u64);
    for column in columns {
        writer.unsigned(path, column.spec);
        let path = writer.child(path, &column.spec.to_be_bytes())?;
        let taken_apart = !matches!(column.content, Content::AsItIs);
        writer.tag(path, (column.bytes.len() as u64) << 1 | u64::from(taken_apart));
        match &column.content {
            Content::AsItIs => writer.bytes(path, column.bytes),
            Content::Names(runs) => put_names(writer, path, runs, times)?,
            Content::Values(values) => put_values(writer, path, values, times)?,
        }
    }
    Some(())
}

fn put_names(writer: &mut Writer, path: usize, runs: &[Run<'_>], times: &mut Times) -> Option<()> {
    let texts = writer.child(path, below::TEXTS)?;
    for run in runs {
        match run {
            Run::Nulls(count) => {
                writer.signed(path, 0);
                writer.unsigned(path, *count);
            }
            Run::Repeated(count, name) => {
                writer.signed(path, *count);
                times.add(writer.text(texts, name, false));
            }
            Run::Each(names) => {
                writer.signed(path, -(names.len() as i64));
                names.iter().for_each(|name| times.add(writer.text(texts, name, false)));
            }
        }
    }
    Some(())
}

fn put_values(writer: &mut Writer, path: usize, values: &[(u64, &[u8])], times: &mut Times) -> Option<()> {
    let [texts, at, others] = [below::TEXTS, below::TIMES, below::OTHERS].map(|key| writer.child(path, key));
    let (texts, at, others) = (texts?, at?, others?);
    for (kind, value) in values {
        match *kind {
            is::TEXT => {
                writer.text(texts, value, true);
            }
            is::TIME => put_time(writer, at, take_signed(&mut &**value)?, times),
            _ => writer.bytes(others, value),
        }
    }
    Some(())
}

/// A time: the lowest bit says whether the difference is to the last one or to that of the next id.
fn put_time(writer: &mut Writer, path: usize, time: i64, times: &mut Times) {
    let from_last = i128::from(time) - i128::from(times.last);
    let from_id = times.of_next_id().map(|id| i128::from(time) - i128::from(id));
    match from_id {
        Some(difference) if difference.abs() < from_last.abs() => {
            writer.tag(path, 1);
            writer.signed(path, difference as i64);
            times.next += 1;
        }
        _ => {
            writer.tag(path, 0);
            writer.signed(path, from_last as i64);
        }
    }
    times.last = time;
}

/// Unpacks columns behind what `to` holds. Returns number and length of each.
pub(super) fn take(
    reader: &mut Reader<'_>,
    path: usize,
    to: &mut Vec<u8>,
    times: &mut Times,
    most: usize,
) -> Result<Vec<(u64, u64)>, Damaged> {
    let mut list = Vec::new();
    let mut starts = BTreeMap::new();
    for _ in 0..reader.tag(path)? {
        let spec = reader.unsigned(path)?;
        let path = reader.child(path, &spec.to_be_bytes())?;
        let head = reader.tag(path)?;
        let (length, taken_apart) = (head >> 1, head & 1 == 1);
        let start = to.len();
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).ok_or(Damaged)?;
        if end > most {
            return Err(Damaged);
        }
        match (taken_apart, spec & holds::MASK) {
            (false, _) => to.extend_from_slice(reader.bytes(path, length)?),
            (true, holds::NAMES) => take_names(reader, path, to, end, times)?,
            (true, holds::VALUES) => {
                let lengths = starts.get(&(spec - 1)).cloned().and_then(|range| to.get::<std::ops::Range<usize>>(range));
                let mut all = Vec::new();
                let total = end - start;
                value_lengths(lengths.ok_or(Damaged)?, |kind, length| all.push((kind, length)), total).ok_or(Damaged)?;
                take_values(reader, path, &all, to, times)?;
            }
            _ => return Err(Damaged),
        }
        if to.len() != end {
            return Err(Damaged);
        }
        starts.insert(spec, start..end);
        list.push((spec, length));
    }
    Ok(list)
}

fn take_names(
    reader: &mut Reader<'_>,
    path: usize,
    to: &mut Vec<u8>,
    end: usize,
    times: &mut Times,
) -> Result<(), Damaged> {
    let texts = reader.child(path, below::TEXTS)?;
    while to.len() < end {
        let count = reader.signed(path)?;
        put_signed(to, count);
        if count == 0 {
            put_unsigned(to, reader.unsigned(path)?);
        }
        let names = if count > 0 { 1 } else { count.unsigned_abs() };
        for _ in 0..names {
            let mut name = Vec::new();
            times.add(reader.text(texts, None, &mut name)?);
            put_unsigned(to, name.len() as u64);
            to.extend_from_slice(&name);
            if to.len() > end {
                return Err(Damaged);
            }
        }
    }
    Ok(())
}

fn take_values(
    reader: &mut Reader<'_>,
    path: usize,
    values: &[(u64, u64)],
    to: &mut Vec<u8>,
    times: &mut Times,
) -> Result<(), Damaged> {
    let [texts, at, others] = [below::TEXTS, below::TIMES, below::OTHERS].map(|key| reader.child(path, key));
    let (texts, at, others) = (texts?, at?, others?);
    for (kind, length) in values {
        match *kind {
            is::TEXT => {
                reader.text(texts, Some(*length), to)?;
            }
            is::TIME => {
                let difference = reader.tag(at).and_then(|from_id| Ok((from_id, reader.signed(at)?)))?;
                let from = match difference.0 {
                    0 => times.last,
                    _ => {
                        times.next += 1;
                        times.ids.get(times.next - 1).copied().ok_or(Damaged)?
                    }
                };
                times.last = from.wrapping_add(difference.1);
                put_signed(to, times.last);
            }
            _ => to.extend_from_slice(reader.bytes(others, *length)?),
        }
    }
    Ok(())
}
