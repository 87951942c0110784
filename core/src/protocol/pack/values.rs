//! MessagePack taken apart value by value, and put together again as `rmp` writes it.

use super::{
    Damaged, chunk,
    leb::take_bytes,
    tables::{RECENT, ROOT, Reader, Writer},
};

/// Deeper than any frame.
const MAX_DEPTH: usize = 64;

/// What a value is.
mod kind {
    use super::RECENT;

    pub(super) const NIL: u64 = 0;
    pub(super) const FALSE: u64 = 1;
    pub(super) const TRUE: u64 = 2;
    pub(super) const UNSIGNED: u64 = 3;
    pub(super) const NEGATIVE: u64 = 4;
    pub(super) const FLOAT: u64 = 5;
    pub(super) const DOUBLE: u64 = 6;
    pub(super) const TEXT: u64 = 7;
    pub(super) const BYTES: u64 = 8;
    pub(super) const ID: u64 = 9;
    pub(super) const HASH: u64 = 10;
    pub(super) const CHUNK: u64 = 11;
    /// Bytes that are a MessagePack value themselves.
    pub(super) const NESTED: u64 = 12;
    pub(super) const ARRAY: u64 = 13;
    pub(super) const MAP: u64 = 14;
    /// The time of an id that came before, the latest first.
    pub(super) const TIME: u64 = 15;
    pub(super) const LAST_TIME: u64 = TIME + RECENT as u64 - 1;
}

/// Keys of paths that are no field's name.
mod below {
    pub(super) const ELEMENT: &[u8] = b"\0element";
    pub(super) const KEY: &[u8] = b"\0key";
    pub(super) const VALUE: &[u8] = b"\0value";
    pub(super) const NESTED: &[u8] = b"\0nested";
}

/// One value, or the head of an array or map.
enum Value<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float([u8; 4]),
    Double([u8; 8]),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Array(u64),
    Map(u64),
}

/// Whether this is one value in its shortest form, as it would be written again.
pub(super) fn check(mut bytes: &[u8]) -> Option<()> {
    check_one(&mut bytes, 0)?;
    bytes.is_empty().then_some(())
}

fn check_one(from: &mut &[u8], depth: usize) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    let inside = match read(from)? {
        Value::Array(length) => length,
        Value::Map(length) => length.checked_mul(2)?,
        _ => 0,
    };
    (0..inside).try_for_each(|_| check_one(from, depth + 1))
}

/// Reads a value off the front, if it is in its shortest form.
fn read<'a>(from: &mut &'a [u8]) -> Option<Value<'a>> {
    let before = *from;
    let (marker, rest) = from.split_first()?;
    *from = rest;
    let mut number = |bytes: u64| -> Option<u64> {
        Some(take_bytes(from, bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let value = match *marker {
        0x00..=0x7f => Value::Unsigned(u64::from(*marker)),
        0x80..=0x8f => Value::Map(u64::from(marker & 0x0f)),
        0x90..=0x9f => Value::Array(u64::from(marker & 0x0f)),
        0xa0..=0xbf => Value::Text(take_bytes(from, u64::from(marker & 0x1f))?),
        0xc0 => Value::Nil,
        0xc2 => Value::Bool(false),
        0xc3 => Value::Bool(true),
        0xc4..=0xc6 => {
            let length = number(1 << (marker - 0xc4))?;
            Value::Bytes(take_bytes(from, length)?)
        }
        0xca => Value::Float(take_bytes(from, 4)?.try_into().ok()?),
        0xcb => Value::Double(take_bytes(from, 8)?.try_into().ok()?),
        0xcc..=0xcf => Value::Unsigned(number(1 << (marker - 0xcc))?),
        0xd0..=0xd3 => {
            let unused = 64 - (8 << (marker - 0xd0));
            let negative = (number(1 << (marker - 0xd0))? << unused).cast_signed() >> unused;
            Value::Negative(negative)
        }
        0xd9..=0xdb => {
            let length = number(1 << (marker - 0xd9))?;
            Value::Text(take_bytes(from, length)?)
        }
        0xdc | 0xdd => Value::Array(number(2 << (marker - 0xdc))?),
        0xde | 0xdf => Value::Map(number(2 << (marker - 0xde))?),
        0xe0..=0xff => Value::Negative(i64::from(marker.cast_signed())),
        _ => return None,
    };
    // Written again, its head must be as long as it was.
    let inside = match &value {
        Value::Text(bytes) | Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    (head_length(&value)? == before.len() - from.len() - inside).then_some(value)
}

fn head_length(value: &Value<'_>) -> Option<usize> {
    let length = |most: &[u64], number: u64| most.iter().position(|most| number <= *most);
    const BYTE: u64 = u8::MAX as u64;
    const TWO: u64 = u16::MAX as u64;
    const FOUR: u64 = u32::MAX as u64;
    Some(match value {
        Value::Nil | Value::Bool(_) => 1,
        Value::Unsigned(number) => [1, 2, 3, 5, 9][length(&[0x7f, BYTE, TWO, FOUR, u64::MAX], *number)?],
        Value::Negative(number) if *number >= 0 => return None,
        Value::Negative(number) => {
            [1, 2, 3, 5, 9][length(&[31, BYTE >> 1, TWO >> 1, FOUR >> 1, u64::MAX], (!number).cast_unsigned())?]
        }
        Value::Float(_) => 5,
        Value::Double(_) => 9,
        Value::Text(text) => [1, 2, 3, 5][length(&[31, BYTE, TWO, FOUR], text.len() as u64)?],
        Value::Bytes(bytes) => [2, 3, 5][length(&[BYTE, TWO, FOUR], bytes.len() as u64)?],
        Value::Array(number) | Value::Map(number) => [1, 3, 5][length(&[15, TWO, FOUR], *number)?],
    })
}

fn write(to: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Damaged> {
    let length = head_length(value).ok_or(Damaged)?;
    let mut sized = |first: u8, number: u64| {
        to.push(first);
        to.extend_from_slice(&number.to_be_bytes()[8 - (length - 1)..]);
    };
    // The markers of one kind follow each other, from the shortest to the longest.
    let nth = |lengths: &[usize]| lengths.iter().position(|other| *other == length).unwrap_or(0) as u8;
    match value {
        Value::Nil => to.push(0xc0),
        Value::Bool(yes) => to.push(0xc2 + u8::from(*yes)),
        Value::Unsigned(number) if length == 1 => to.push(*number as u8),
        Value::Unsigned(number) => sized(0xcc + nth(&[2, 3, 5, 9]), *number),
        Value::Negative(number) if length == 1 => to.push(number.cast_unsigned() as u8),
        Value::Negative(number) => sized(0xd0 + nth(&[2, 3, 5, 9]), number.cast_unsigned()),
        Value::Float(bytes) => {
            to.push(0xca);
            to.extend_from_slice(bytes);
        }
        Value::Double(bytes) => {
            to.push(0xcb);
            to.extend_from_slice(bytes);
        }
        Value::Text(text) => {
            match length {
                1 => to.push(0xa0 | text.len() as u8),
                _ => sized(0xd9 + nth(&[2, 3, 5]), text.len() as u64),
            }
            to.extend_from_slice(text);
        }
        Value::Bytes(bytes) => {
            sized(0xc4 + nth(&[2, 3, 5]), bytes.len() as u64);
            to.extend_from_slice(bytes);
        }
        Value::Array(number) if length == 1 => to.push(0x90 | *number as u8),
        Value::Array(number) => sized(0xdc + nth(&[3, 5]), *number),
        Value::Map(number) if length == 1 => to.push(0x80 | *number as u8),
        Value::Map(number) => sized(0xde + nth(&[3, 5]), *number),
    }
    Ok(())
}

/// Packs one value that was checked; `None` if it has too many fields.
pub(super) fn put(writer: &mut Writer<'_>, mut frame: &[u8]) -> Option<()> {
    put_one(writer, ROOT, &mut frame, false)
}

fn put_one(writer: &mut Writer<'_>, path: usize, from: &mut &[u8], nested: bool) -> Option<()> {
    match read(from)? {
        Value::Nil => writer.tag(path, kind::NIL),
        Value::Bool(yes) => writer.tag(path, if yes { kind::TRUE } else { kind::FALSE }),
        Value::Unsigned(number) => match writer.recent(number) {
            Some(place) => writer.tag(path, kind::TIME + place),
            None => {
                writer.tag(path, kind::UNSIGNED);
                writer.near(path, number);
            }
        },
        Value::Negative(number) => {
            writer.tag(path, kind::NEGATIVE);
            writer.signed(path, number);
        }
        Value::Float(bytes) => {
            writer.tag(path, kind::FLOAT);
            writer.bytes(path, &bytes);
        }
        Value::Double(bytes) => {
            writer.tag(path, kind::DOUBLE);
            writer.bytes(path, &bytes);
        }
        Value::Text(text) => {
            writer.tag(path, kind::TEXT);
            writer.text(path, text);
        }
        Value::Bytes(bytes) => put_bytes(writer, path, bytes, nested)?,
        Value::Array(length) => {
            writer.tag(path, kind::ARRAY);
            writer.unsigned(path, length);
            let element = writer.child(path, below::ELEMENT)?;
            (0..length).try_for_each(|_| put_one(writer, element, from, nested))?;
        }
        Value::Map(length) => {
            writer.tag(path, kind::MAP);
            writer.unsigned(path, length);
            for _ in 0..length {
                put_entry(writer, path, from, nested)?;
            }
        }
    }
    Some(())
}

/// A key and its value. A text's value is found at the path of its name.
fn put_entry(writer: &mut Writer<'_>, path: usize, from: &mut &[u8], nested: bool) -> Option<()> {
    let mut ahead = *from;
    if let Value::Text(name) = read(&mut ahead)? {
        *from = ahead;
        writer.tag(path, kind::TEXT);
        writer.text(path, name);
        let value = writer.child(path, name)?;
        return put_one(writer, value, from, nested);
    }
    writer.tag(path, kind::NIL);
    let (key, value) = (writer.child(path, below::KEY)?, writer.child(path, below::VALUE)?);
    put_one(writer, key, from, nested)?;
    put_one(writer, value, from, nested)
}

/// Bytes inside bytes are looked into once, so that no content makes this deep.
fn put_bytes(writer: &mut Writer<'_>, path: usize, bytes: &[u8], nested: bool) -> Option<()> {
    if let Ok(id) = bytes.try_into() {
        writer.tag(path, kind::ID);
        writer.id(path, id);
    } else if let Ok(hash) = bytes.try_into() {
        writer.tag(path, kind::HASH);
        writer.hash(path, hash);
    } else if let Some(chunk) = chunk::parse(bytes) {
        writer.tag(path, kind::CHUNK);
        chunk::put(writer, path, &chunk)?;
    } else if !nested && matches!(bytes.first(), Some(0x80..=0x9f | 0xdc..=0xdf)) && check(bytes).is_some() {
        writer.tag(path, kind::NESTED);
        let inside = writer.child(path, below::NESTED)?;
        put_one(writer, inside, &mut &*bytes, true)?;
    } else {
        writer.tag(path, kind::BYTES);
        writer.unsigned(path, bytes.len() as u64);
        writer.bytes(path, bytes);
    }
    Some(())
}

/// Unpacks one value of at most `most` bytes.
pub(super) fn take(reader: &mut Reader<'_, '_>, to: &mut Vec<u8>, most: usize) -> Result<(), Damaged> {
    take_one(reader, ROOT, to, most, 0)
}

fn take_one(
    reader: &mut Reader<'_, '_>,
    path: usize,
    to: &mut Vec<u8>,
    most: usize,
    depth: usize,
) -> Result<(), Damaged> {
    if depth > 2 * MAX_DEPTH {
        return Err(Damaged);
    }
    match reader.tag(path)? {
        kind::NIL => write(to, &Value::Nil)?,
        kind::FALSE => write(to, &Value::Bool(false))?,
        kind::TRUE => write(to, &Value::Bool(true))?,
        kind::UNSIGNED => write(to, &Value::Unsigned(reader.near(path)?))?,
        place @ kind::TIME..=kind::LAST_TIME => write(to, &Value::Unsigned(reader.recent(place - kind::TIME)?))?,
        kind::NEGATIVE => write(to, &Value::Negative(reader.signed(path)?))?,
        kind::FLOAT => write(to, &Value::Float(reader.bytes(path, 4)?.try_into().map_err(|_| Damaged)?))?,
        kind::DOUBLE => write(to, &Value::Double(reader.bytes(path, 8)?.try_into().map_err(|_| Damaged)?))?,
        kind::TEXT => {
            let mut text = Vec::new();
            reader.text(path, &mut text)?;
            write(to, &Value::Text(&text))?;
        }
        kind::BYTES => {
            let length = reader.unsigned(path)?;
            write(to, &Value::Bytes(reader.bytes(path, length)?))?;
        }
        kind::ID => write(to, &Value::Bytes(&reader.id(path)?))?,
        kind::HASH => write(to, &Value::Bytes(&reader.hash(path)?))?,
        kind::CHUNK => {
            let mut chunk = Vec::new();
            chunk::take(reader, path, &mut chunk, most)?;
            write(to, &Value::Bytes(&chunk))?;
        }
        kind::NESTED => {
            let nested = reader.child(path, below::NESTED)?;
            let mut value = Vec::new();
            take_one(reader, nested, &mut value, most, depth + 1)?;
            write(to, &Value::Bytes(&value))?;
        }
        kind::ARRAY => {
            let length = reader.unsigned(path)?;
            write(to, &Value::Array(length))?;
            let element = reader.child(path, below::ELEMENT)?;
            for _ in 0..length {
                take_one(reader, element, to, most, depth + 1)?;
            }
        }
        kind::MAP => {
            let length = reader.unsigned(path)?;
            write(to, &Value::Map(length))?;
            for _ in 0..length {
                take_entry(reader, path, to, most, depth)?;
            }
        }
        _ => return Err(Damaged),
    }
    if to.len() > most { Err(Damaged) } else { Ok(()) }
}

fn take_entry(
    reader: &mut Reader<'_, '_>,
    path: usize,
    to: &mut Vec<u8>,
    most: usize,
    depth: usize,
) -> Result<(), Damaged> {
    match reader.tag(path)? {
        kind::TEXT => {
            let mut name = Vec::new();
            reader.text(path, &mut name)?;
            write(to, &Value::Text(&name))?;
            let value = reader.child(path, &name)?;
            take_one(reader, value, to, most, depth + 1)
        }
        kind::NIL => {
            let (key, value) = (reader.child(path, below::KEY)?, reader.child(path, below::VALUE)?);
            take_one(reader, key, to, most, depth + 1)?;
            take_one(reader, value, to, most, depth + 1)
        }
        _ => Err(Damaged),
    }
}
