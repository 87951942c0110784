//! Automerge's columns: run-length encoded lists. Most are taken as they are. Those that hold what stands elsewhere too, or what a
//! compressor can't see, are taken apart, run by run, so that they come back byte by byte:
//!
//! - names (keys of maps, messages of changes) text by text;
//! - values, together with the column of their kinds and lengths: a text's length need not be said, and a time is mostly that of
//!   the id which the same change brought;
//! - times of changes: mostly those of the ids in their messages.

use super::{
    Damaged,
    leb::{put_signed, put_unsigned, take_bytes, take_signed, take_unsigned},
    tables::{Reader, Writer},
    times::{Brought, Expected, put_time, take_time},
};

/// The lowest bits of a column's number: what it holds.
mod holds {
    pub(super) const MASK: u64 = 0b1111;
    pub(super) const COUNTS: u64 = 0;
    pub(super) const NUMBERS: u64 = 2;
    pub(super) const DIFFERENCES: u64 = 3;
    pub(super) const NAMES: u64 = 5;
    pub(super) const LENGTHS: u64 = 6;
    pub(super) const VALUES: u64 = 7;
}
/// The column of a document that holds the times of its changes, in seconds. The only names among its columns are the messages.
const CHANGE_TIMES: u64 = 0x23;
/// The lowest bits of an entry in the column of lengths: the value's type.
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
    pub(super) const KINDS: &[u8] = b"kinds";
    pub(super) const NUMBERS: &[u8] = b"numbers";
}
/// One column of a chunk.
pub(super) struct Column<'a> {
    spec: u64,
    content: Content<'a>,
}

enum Content<'a> {
    AsItIs(&'a [u8]),
    Names(Vec<Run<&'a [u8]>>),
    /// Comes with the values.
    Lengths,
    /// The runs of the column of lengths, and the values of those that have any bytes.
    Values(Vec<Run<u64>>, Vec<&'a [u8]>),
    /// Differences.
    Times(Vec<Run<i64>>),
    Numbers(Vec<Run<u64>>),
    Differences(Vec<Run<i64>>),
}

/// Part of a run-length encoded column.
enum Run<T> {
    Repeated(i64, T),
    Each(Vec<T>),
    Nulls(u64),
}

/// Cuts the columns that a list names (number and length of each) off the front. `of_changes`: of a document's changes.
pub(super) fn parse<'a>(list: &[(u64, u64)], of_changes: bool, from: &mut &'a [u8]) -> Option<Vec<Column<'a>>> {
    let mut columns: Vec<Column<'a>> = Vec::with_capacity(list.len());
    for (spec, length) in list {
        let bytes = take_bytes(from, *length)?;
        let content = match spec & holds::MASK {
            holds::NAMES => parse_runs(bytes, parse_name).map(Content::Names),
            holds::VALUES => {
                let before = columns.last_mut().filter(|column| column.spec == lengths_of(*spec));
                before.and_then(|lengths| {
                    let Content::AsItIs(kinds) = lengths.content else { return None };
                    let runs = parse_runs(kinds, take_unsigned)?;
                    let values = parse_values(&runs, bytes)?;
                    lengths.content = Content::Lengths;
                    Some(Content::Values(runs, values))
                })
            }
            _ if of_changes && *spec == CHANGE_TIMES => parse_runs(bytes, take_signed).map(Content::Times),
            holds::DIFFERENCES => parse_runs(bytes, take_signed).map(Content::Differences),
            holds::COUNTS..=holds::NUMBERS => parse_runs(bytes, take_unsigned).map(Content::Numbers),
            _ => None,
        };
        columns.push(Column { spec: *spec, content: content.unwrap_or(Content::AsItIs(bytes)) });
    }
    Some(columns)
}

/// The column that holds the lengths of a column's values.
const fn lengths_of(values: u64) -> u64 {
    values - holds::VALUES + holds::LENGTHS
}

fn parse_runs<'a, T>(mut bytes: &'a [u8], one: impl Fn(&mut &'a [u8]) -> Option<T>) -> Option<Vec<Run<T>>> {
    let mut runs = Vec::new();
    while !bytes.is_empty() {
        let run = match take_signed(&mut bytes)? {
            0 => Run::Nulls(take_unsigned(&mut bytes)?),
            count @ 1.. => Run::Repeated(count, one(&mut bytes)?),
            count => Run::Each((0..count.unsigned_abs()).map(|_| one(&mut bytes)).collect::<Option<_>>()?),
        };
        runs.push(run);
    }
    Some(runs)
}

fn parse_name<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_unsigned(from)?;
    take_bytes(from, length)
}

/// Cuts values into those that the runs name; `None` if they are not just these.
fn parse_values<'a>(runs: &[Run<u64>], mut bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let mut values = Vec::new();
    let mut one = |entry: u64| {
        let value = take_bytes(&mut bytes, entry >> 4)?;
        let mut number = value;
        let exact = entry & is::MASK != is::TIME || take_signed(&mut number).is_some() && number.is_empty();
        values.push(value);
        exact.then_some(())
    };
    for run in runs {
        match run {
            Run::Nulls(_) => {}
            // Values without bytes: there may be any number.
            Run::Repeated(_, entry) if entry >> 4 == 0 => {}
            Run::Repeated(count, entry) => (0..*count).try_for_each(|_| one(*entry))?,
            Run::Each(entries) => entries.iter().filter(|entry| **entry >> 4 > 0).try_for_each(|entry| one(*entry))?,
        }
    }
    bytes.is_empty().then_some(values)
}

/// Packs columns; `None` if there are too many paths. Names go first: others refer to their ids.
pub(super) fn put(writer: &mut Writer<'_>, path: usize, columns: &[Column<'_>], brought: &mut Brought) -> Option<()> {
    writer.tag(path, columns.len() as u64);
    columns.iter().for_each(|column| writer.unsigned(path, column.spec));
    for names in [true, false] {
        for column in columns.iter().filter(|column| (column.spec & holds::MASK == holds::NAMES) == names) {
            let path = writer.child(path, &column.spec.to_be_bytes())?;
            put_column(writer, path, column, brought)?;
        }
    }
    Some(())
}

fn put_column(writer: &mut Writer<'_>, path: usize, column: &Column<'_>, brought: &mut Brought) -> Option<()> {
    // The lowest bit says whether it is taken apart, the others how many bytes or runs there are.
    match &column.content {
        Content::AsItIs(bytes) => {
            writer.tag(path, (bytes.len() as u64) << 1);
            writer.bytes(path, bytes);
        }
        Content::Lengths => writer.tag(path, 1),
        Content::Names(runs) => {
            writer.tag(path, (runs.len() as u64) << 1 | 1);
            let texts = writer.child(path, below::TEXTS)?;
            for run in runs {
                put_run(writer, path, run, |writer, name| brought.name(writer.text(texts, name)));
                if let Run::Nulls(count) = run {
                    brought.nameless(*count);
                }
            }
        }
        Content::Times(runs) => {
            writer.tag(path, (runs.len() as u64) << 1 | 1);
            let mut expected = Expected::default();
            for run in runs {
                put_run(writer, path, run, |writer, difference| {
                    let by = expected.difference(brought);
                    writer.tag(path, fold(difference.wrapping_sub(by)));
                    expected.is(*difference);
                });
                match run {
                    Run::Repeated(count, difference) => expected.repeated(*count, *difference),
                    Run::Nulls(count) => expected.nulls(*count),
                    Run::Each(_) => {}
                }
            }
        }
        Content::Numbers(runs) => {
            writer.tag(path, (runs.len() as u64) << 1 | 1);
            let numbers = writer.child(path, below::NUMBERS)?;
            runs.iter().for_each(|run| put_run(writer, path, run, |writer, number| writer.unsigned(numbers, *number)));
        }
        Content::Differences(runs) => {
            writer.tag(path, (runs.len() as u64) << 1 | 1);
            let numbers = writer.child(path, below::NUMBERS)?;
            runs.iter().for_each(|run| put_run(writer, path, run, |writer, number| writer.signed(numbers, *number)));
        }
        Content::Values(runs, values) => {
            writer.tag(path, (runs.len() as u64) << 1 | 1);
            put_values(writer, path, runs, values, brought)?;
        }
    }
    Some(())
}

/// A run's count, and what it repeats or lists.
fn put_run<T>(writer: &mut Writer<'_>, path: usize, run: &Run<T>, mut one: impl FnMut(&mut Writer<'_>, &T)) {
    match run {
        Run::Nulls(count) => {
            writer.signed(path, 0);
            writer.unsigned(path, *count);
        }
        Run::Repeated(count, item) => {
            writer.signed(path, *count);
            one(writer, item);
        }
        Run::Each(items) => {
            writer.signed(path, -(items.len() as i64));
            items.iter().for_each(|item| one(writer, item));
        }
    }
}

fn put_values(
    writer: &mut Writer<'_>,
    path: usize,
    runs: &[Run<u64>],
    values: &[&[u8]],
    brought: &mut Brought,
) -> Option<()> {
    let paths = [below::KINDS, below::TEXTS, below::TIMES, below::OTHERS].map(|key| writer.child(path, key));
    let (kinds, texts, times, others) = (paths[0]?, paths[1]?, paths[2]?, paths[3]?);
    let mut values = values.iter();
    for run in runs {
        let copies = match run {
            Run::Repeated(count, _) => *count,
            _ => 1,
        };
        put_run(writer, path, run, |writer, entry| {
            let text = entry & is::MASK == is::TEXT && entry >> 4 > 0;
            writer.unsigned(kinds, if text { 0 } else { *entry + 1 });
            let count = if entry >> 4 > 0 { copies } else { 0 };
            for value in values.by_ref().take(count as usize) {
                match entry & is::MASK {
                    is::TEXT => {
                        writer.text(texts, value);
                    }
                    is::TIME => put_time(writer, times, take_signed(&mut &**value).unwrap_or_default(), brought),
                    _ => writer.bytes(others, value),
                }
            }
        });
    }
    Some(())
}

/// Unpacks columns behind what `to` holds. `of_changes`: of a document's changes. Returns number and length of each.
pub(super) fn take(
    reader: &mut Reader<'_, '_>,
    path: usize,
    of_changes: bool,
    to: &mut Vec<u8>,
    brought: &mut Brought,
    most: usize,
) -> Result<Vec<(u64, u64)>, Damaged> {
    let specs: Vec<u64> = (0..reader.count(path)?).map(|_| reader.unsigned(path)).collect::<Result<_, _>>()?;
    let mut columns: Vec<Vec<u8>> = vec![Vec::new(); specs.len()];
    let mut left = most;
    for names in [true, false] {
        for (place, spec) in specs.iter().enumerate() {
            if (spec & holds::MASK == holds::NAMES) != names {
                continue;
            }
            let path = reader.child(path, &spec.to_be_bytes())?;
            let (before, from) = columns.split_at_mut(place);
            let lengths = before.last_mut().filter(|_| place > 0 && specs[place - 1] + 1 == *spec);
            take_column(reader, path, (*spec, of_changes), lengths, &mut from[0], (brought, left))?;
            left = left.checked_sub(from[0].len()).ok_or(Damaged)?;
        }
    }
    columns.iter().for_each(|column| to.extend_from_slice(column));
    Ok(specs.into_iter().zip(columns.iter().map(|column| column.len() as u64)).collect())
}

/// One column, and the column of its lengths if it has one.
fn take_column(
    reader: &mut Reader<'_, '_>,
    path: usize,
    (spec, of_changes): (u64, bool),
    lengths: Option<&mut Vec<u8>>,
    to: &mut Vec<u8>,
    (brought, most): (&mut Brought, usize),
) -> Result<(), Damaged> {
    let head = reader.tag(path)?;
    let count = head >> 1;
    if head & 1 == 0 {
        to.extend_from_slice(reader.bytes(path, count)?);
        return Ok(());
    }
    match spec & holds::MASK {
        // Comes with the values.
        holds::LENGTHS => Ok(()),
        holds::NAMES => {
            let texts = reader.child(path, below::TEXTS)?;
            for _ in 0..count {
                let run = take_run(reader, path, to, |reader, to| {
                    let mut name = Vec::new();
                    brought.name(reader.text(texts, &mut name)?);
                    put_unsigned(to, name.len() as u64);
                    to.extend_from_slice(&name);
                    if to.len() > most { Err(Damaged) } else { Ok(()) }
                })?;
                if let Run::Nulls(count) = run {
                    brought.nameless(count);
                }
            }
            Ok(())
        }
        holds::VALUES => {
            let lengths = lengths.filter(|lengths| lengths.is_empty()).ok_or(Damaged)?;
            take_values(reader, path, count, lengths, to, (brought, most))
        }
        _ if of_changes && spec == CHANGE_TIMES => {
            let mut expected = Expected::default();
            for _ in 0..count {
                let mut difference = 0;
                let run = take_run(reader, path, to, |reader, to| {
                    difference = unfold(reader.tag(path)?).wrapping_add(expected.difference(brought));
                    expected.is(difference);
                    put_signed(to, difference);
                    Ok(())
                })?;
                match run {
                    Run::Repeated(count, ()) => expected.repeated(count, difference),
                    Run::Nulls(count) => expected.nulls(count),
                    Run::Each(_) => {}
                }
            }
            Ok(())
        }
        kind @ holds::COUNTS..=holds::DIFFERENCES => {
            let numbers = reader.child(path, below::NUMBERS)?;
            (0..count).try_for_each(|_| {
                let one = |reader: &mut Reader<'_, '_>, to: &mut Vec<u8>| {
                    match kind {
                        holds::DIFFERENCES => put_signed(to, reader.signed(numbers)?),
                        _ => put_unsigned(to, reader.unsigned(numbers)?),
                    }
                    Ok(())
                };
                take_run(reader, path, to, one).map(|_| ())
            })
        }
        _ => Err(Damaged),
    }
}

/// Reads a run's count, writes it, and has each of its items read and written.
fn take_run(
    reader: &mut Reader<'_, '_>,
    path: usize,
    to: &mut Vec<u8>,
    mut one: impl FnMut(&mut Reader<'_, '_>, &mut Vec<u8>) -> Result<(), Damaged>,
) -> Result<Run<()>, Damaged> {
    let count = reader.signed(path)?;
    put_signed(to, count);
    match count {
        0 => {
            let nulls = reader.unsigned(path)?;
            put_unsigned(to, nulls);
            Ok(Run::Nulls(nulls))
        }
        1.. => one(reader, to).map(|()| Run::Repeated(count, ())),
        _ => (0..count.unsigned_abs()).try_for_each(|_| one(reader, to)).map(|()| Run::Each(Vec::new())),
    }
}

fn take_values(
    reader: &mut Reader<'_, '_>,
    path: usize,
    runs: u64,
    lengths: &mut Vec<u8>,
    to: &mut Vec<u8>,
    (brought, most): (&mut Brought, usize),
) -> Result<(), Damaged> {
    let paths = [below::KINDS, below::TEXTS, below::TIMES, below::OTHERS].map(|key| reader.child(path, key));
    let [kinds, texts, times, others] = paths;
    let (kinds, texts, times, others) = (kinds?, texts?, times?, others?);
    for _ in 0..runs {
        let count = reader.signed(path)?;
        put_signed(lengths, count);
        if count == 0 {
            put_unsigned(lengths, reader.unsigned(path)?);
            continue;
        }
        let (entries, copies) = if count > 0 { (1, count.unsigned_abs()) } else { (count.unsigned_abs(), 1) };
        for _ in 0..entries {
            let kind = reader.unsigned(kinds)?;
            let entry = if kind == 0 {
                let start = to.len();
                reader.text(texts, to)?;
                ((to.len() - start) as u64) << 4 | is::TEXT
            } else {
                kind.checked_sub(1).ok_or(Damaged)?
            };
            put_unsigned(lengths, entry);
            if to.len() > most {
                return Err(Damaged);
            }
            // The text that said how long each is has been read.
            let left = if entry >> 4 == 0 { 0 } else { copies - u64::from(kind == 0) };
            for _ in 0..left {
                match entry & is::MASK {
                    is::TEXT => {
                        reader.text(texts, to)?;
                    }
                    is::TIME => put_signed(to, take_time(reader, times, brought)?),
                    _ => to.extend_from_slice(reader.bytes(others, entry >> 4)?),
                }
                if to.len() > most {
                    return Err(Damaged);
                }
            }
        }
    }
    Ok(())
}

/// Numbers near zero on either side as small ones.
fn fold(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unfold(folded: u64) -> i64 {
    ((folded >> 1) ^ (folded & 1).wrapping_neg()).cast_signed()
}
