//! Times in a chunk: they are mostly those of the ids that it brought, of a change's message or of an entry's key, so that only
//! which one is said.

use super::{
    Damaged,
    tables::{Id, Reader, Writer, time_of},
};

/// How a time is said: like the last one, or as that of an id, so many further on; or as a difference.
mod time {
    pub(super) const LAST: u64 = 0;
    pub(super) const FROM_LAST: u64 = 1;
    pub(super) const FROM_NEXT: u64 = 2;
    pub(super) const IDS: u64 = 3;
    /// As far as it is looked for.
    pub(super) const AHEAD: usize = 16;
}
/// From so many rows on, those without a name are not remembered: a few bytes may claim any number of them.
const MAX_NAMELESS: u64 = 1 << 16;

/// What the columns of a chunk have brought so far.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// Times of ids, in milliseconds, in the order in which they came.
    ids: Vec<i64>,
    next: usize,
    last: i64,
    /// The time of the id in each change's message.
    changes: Vec<Option<i64>>,
}

impl Brought {
    pub(super) fn name(&mut self, id: Option<Id>) {
        let time = id.map(|id| time_of(&id).cast_signed());
        self.ids.extend(time);
        self.changes.push(time);
    }

    pub(super) fn nameless(&mut self, count: u64) {
        let room = MAX_NAMELESS.saturating_sub(self.changes.len() as u64);
        self.changes.extend((0..count.min(room)).map(|_| None));
    }
}

pub(super) fn put_time(writer: &mut Writer<'_>, path: usize, time: i64, brought: &mut Brought) {
    let ahead = brought.ids[brought.next..].iter().take(time::AHEAD).position(|id| *id == time);
    if time == brought.last {
        writer.tag(path, time::LAST);
    } else if let Some(ahead) = ahead {
        writer.tag(path, time::IDS + ahead as u64);
        brought.next += ahead + 1;
    } else {
        let next = brought.ids.get(brought.next);
        match next.filter(|next| time.abs_diff(**next) < time.abs_diff(brought.last)) {
            Some(next) => {
                writer.tag(path, time::FROM_NEXT);
                writer.signed(path, time.wrapping_sub(*next));
                brought.next += 1;
            }
            None => {
                writer.tag(path, time::FROM_LAST);
                writer.signed(path, time.wrapping_sub(brought.last));
            }
        }
    }
    brought.last = time;
}

pub(super) fn take_time(reader: &mut Reader<'_, '_>, path: usize, brought: &mut Brought) -> Result<i64, Damaged> {
    let time = match reader.tag(path)? {
        time::LAST => brought.last,
        time::FROM_LAST => brought.last.wrapping_add(reader.signed(path)?),
        time::FROM_NEXT => {
            brought.next += 1;
            let next = brought.ids.get(brought.next - 1).copied().ok_or(Damaged)?;
            next.wrapping_add(reader.signed(path)?)
        }
        ahead => {
            let ahead = usize::try_from(ahead - time::IDS).ok().filter(|ahead| *ahead < time::AHEAD).ok_or(Damaged)?;
            brought.next += ahead + 1;
            brought.ids.get(brought.next - 1).copied().ok_or(Damaged)?
        }
    };
    brought.last = time;
    Ok(time)
}

/// The times of changes, as the ids in their messages let one expect them.
#[derive(Default)]
pub(super) struct Expected {
    row: usize,
    last: i64,
}

impl Expected {
    pub(super) fn difference(&self, brought: &Brought) -> i64 {
        match brought.changes.get(self.row) {
            Some(Some(time)) => time.div_euclid(1000).wrapping_sub(self.last),
            _ => 0,
        }
    }

    pub(super) fn is(&mut self, difference: i64) {
        self.row += 1;
        self.last = self.last.wrapping_add(difference);
    }

    /// Goes past changes without a time.
    pub(super) fn nulls(&mut self, count: u64) {
        self.row = self.row.saturating_add(count as usize);
    }

    /// Goes past what a run repeats, but for the first.
    pub(super) fn repeated(&mut self, count: i64, difference: i64) {
        self.row = self.row.saturating_add(count as usize - 1);
        self.last = self.last.wrapping_add(difference.wrapping_mul(count - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few bytes may claim any number of rows, again and again: what is kept of them is bounded.
    #[test]
    fn claimed_rows_take_no_more_memory_than_allowed() {
        let mut brought = Brought::default();
        for _ in 0..100 {
            brought.nameless(u64::MAX);
        }
        assert_eq!(brought.changes.len() as u64, MAX_NAMELESS);
    }
}
