//! Opening hours: on which days of the week from when to when, in which time zone, and on which dates not at all (R36).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::model::{
    action::RegisterValue,
    settings::registers::{Fields, Registers},
};

/// Opening hours, to which queues refer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Their name.
    pub name: String,
    /// The time zone, by its name in the IANA database, such as `America/New_York`.
    pub zone: String,
    /// When it is open; on a day that is not here, never.
    #[serde(default)]
    pub week: BTreeMap<Day, Spans>,
    /// Dates on which it is closed all day.
    #[serde(default)]
    pub closed: BTreeSet<Date>,
}

impl Hours {
    pub(super) fn registers(&self) -> Registers {
        let mut registers = Registers::default();
        registers.text("name", &self.name);
        registers.text("zone", &self.zone);
        for (day, spans) in &self.week {
            registers.text(day.name(), &spans.to_string());
        }
        for date in &self.closed {
            registers.set(&format!("closed.{date}"), RegisterValue::Bool(true));
        }
        registers
    }

    pub(super) fn read(fields: &Fields) -> Self {
        let week = Day::ALL.iter().filter_map(|day| Some((*day, fields.text_of(day.name())?.parse().ok()?)));
        Self {
            name: fields.text("name"),
            zone: fields.text("zone"),
            week: week.collect(),
            closed: fields.marked("closed."),
        }
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// The week, from Monday on.
    pub const ALL: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

    /// The name in documents, flags and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Day::Mon => "mon",
            Day::Tue => "tue",
            Day::Wed => "wed",
            Day::Thu => "thu",
            Day::Fri => "fri",
            Day::Sat => "sat",
            Day::Sun => "sun",
        }
    }
}

/// A text is not of the form that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{typed}' is no {wanted}")]
pub struct InvalidTime {
    typed: String,
    wanted: &'static str,
}

/// A stretch of a day, in minutes from midnight: `09:00-17:30`. One that ends before it begins ends on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Span {
    /// Its first minute.
    pub from: u16,
    /// The minute in which it is over; 24:00 is the end of the day.
    pub to: u16,
}

/// The minutes of a day.
const DAY: u16 = 24 * 60;

impl FromStr for Span {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime { typed: text.to_owned(), wanted: "stretch of a day such as 09:00-17:30" };
        let (from, to) = text.split_once('-').ok_or_else(invalid)?;
        let span = Span { from: minute(from).ok_or_else(invalid)?, to: minute(to).ok_or_else(invalid)? };
        if span.from == span.to || span.from == DAY { Err(invalid()) } else { Ok(span) }
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number =
        |text: &str| (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?;
    let (hours, minutes): (u16, u16) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= DAY).then_some(hours * 60 + minutes)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, self.to / 60, self.to % 60)
    }
}

/// Stretches of one day, in order, none of which touches the next: `09:00-12:00 13:00-17:30`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Spans(pub Vec<Span>);

impl FromStr for Spans {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let spans = text.split_whitespace().map(str::parse).collect::<Result<Vec<Span>, _>>()?;
        let forward = spans.iter().all(|span| span.from < span.to);
        if spans.is_empty() || !forward || !spans.is_sorted_by(|earlier, later| earlier.to < later.from) {
            let wanted = "list of stretches of a day, in order, such as 09:00-12:00 13:00-17:30";
            return Err(InvalidTime { typed: text.to_owned(), wanted });
        }
        Ok(Self(spans))
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(Span::to_string).collect::<Vec<_>>().join(" "))
    }
}

/// A date: `2026-12-25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl FromStr for Date {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime { typed: text.to_owned(), wanted: "date such as 2026-12-25" };
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return Err(invalid()) };
        let date = Date {
            year: year.parse().map_err(|_| invalid())?,
            month: month.parse().map_err(|_| invalid())?,
            day: day.parse().map_err(|_| invalid())?,
        };
        let leap = date.year.is_multiple_of(4) && (!date.year.is_multiple_of(100) || date.year.is_multiple_of(400));
        let days = match date.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        // Written in one way only: two spellings of a date would be two registers.
        let fits = (1970..=9999).contains(&date.year) && (1..=days).contains(&date.day) && date.to_string() == text;
        fits.then_some(date).ok_or_else(invalid)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidTime;
            fn try_from(text: String) -> Result<Self, InvalidTime> {
                text.parse()
            }
        }
    )*};
}

as_text!(Span, Spans, Date);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_in_one_way() {
        for fine in ["09:00-17:30", "00:00-24:00", "09:00-12:00 13:00-17:30"] {
            assert_eq!(fine.parse::<Spans>().map(|spans| spans.to_string()), Ok(fine.to_owned()));
        }
        for wrong in [
            "",
            "9-17",
            "09:00",
            "09:00-09:00",
            "24:00-08:00",
            "09:60-10:00",
            "12:00-13:00 09:00-10:00",
            "21:00-08:00",
            "09:00-25:00",
        ] {
            assert!(wrong.parse::<Spans>().is_err(), "{wrong}");
        }
        assert_eq!("21:00-08:00".parse(), Ok(Span { from: 21 * 60, to: 8 * 60 }), "over midnight");
        for fine in ["2026-12-25", "2028-02-29"] {
            assert_eq!(fine.parse::<Date>().map(|date| date.to_string()), Ok(fine.to_owned()));
        }
        for wrong in ["2026-02-29", "2026-13-01", "2026-1-1", "+2026-01-01", "1969-12-31", "christmas"] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }
}
