//! Quiet hours: when a member is not to be disturbed, by the week and in a time zone of theirs (R16). An alert of that time
//! is held until it ends.

use std::collections::BTreeSet;

use jiff::{Zoned, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A member's quiet hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The time zone, by its name in the IANA database, such as `Europe/Berlin`.
    pub zone: String,
    /// When they are.
    pub spans: Vec<QuietSpan>,
}

/// A time of the day, on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietSpan {
    /// On which days it begins: 1 is Monday, 7 Sunday.
    pub days: BTreeSet<i8>,
    /// When it begins.
    pub from: civil::Time,
    /// When it ends: on the next day, if that is no later than it begins.
    pub to: civil::Time,
}

/// These are no quiet hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum InvalidQuietHours {
    #[error("'{0}' is no time zone that is known here")]
    Zone(String),
    #[error("a day of the week is a number from 1 (Monday) to 7 (Sunday)")]
    Day,
    #[error("quiet hours need a time to be quiet")]
    Empty,
    #[error("quiet hours can't be read: {0}")]
    Form(String),
}

/// Spans that follow each other are one quiet time, up to so many: who is quiet all week long is told after that.
const MOST_SPANS: usize = 16;

impl QuietHours {
    /// Reads what is in the register; an empty text is none.
    ///
    /// # Errors
    /// [`InvalidQuietHours`].
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidQuietHours> {
        if text.is_empty() {
            return Ok(None);
        }
        let quiet: Self = serde_json::from_str(text).map_err(|error| InvalidQuietHours::Form(error.to_string()))?;
        quiet.check()?;
        Ok(Some(quiet))
    }

    /// What the register is to hold.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether they mean something.
    ///
    /// # Errors
    /// [`InvalidQuietHours`].
    pub fn check(&self) -> Result<(), InvalidQuietHours> {
        if TimeZone::get(&self.zone).is_err() {
            return Err(InvalidQuietHours::Zone(self.zone.clone()));
        }
        if self.spans.is_empty() || self.spans.iter().any(|span| span.days.is_empty()) {
            return Err(InvalidQuietHours::Empty);
        }
        let days = self.spans.iter().flat_map(|span| &span.days);
        if days.into_iter().all(|day| (1..=7).contains(day)) { Ok(()) } else { Err(InvalidQuietHours::Day) }
    }

    /// The end of the quiet time that `at` lies in; `None` if it lies in none.
    pub fn until(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.zone).ok()?;
        let mut end = self.end_of(at, &zone)?;
        for _ in 1..MOST_SPANS {
            match self.end_of(end, &zone) {
                Some(later) => end = later,
                None => break,
            }
        }
        Some(end)
    }

    fn end_of(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = Zoned::new(jiff::Timestamp::from_millisecond(at.millis()).ok()?, zone.clone());
        let today = local.date();
        let days = [today.yesterday().ok(), Some(today)];
        let ends = days.into_iter().flatten().flat_map(|day| self.spans.iter().filter_map(move |span| span.on(day)));
        let ends = ends.filter_map(|(from, to)| Some((instant(from, zone)?, instant(to, zone)?)));
        ends.filter(|(from, to)| (*from..*to).contains(&at)).map(|(_, to)| to).max()
    }
}

impl QuietSpan {
    /// From when to when it is quiet, if it begins on that day.
    fn on(&self, day: civil::Date) -> Option<(civil::DateTime, civil::DateTime)> {
        if !self.days.contains(&day.weekday().to_monday_one_offset()) {
            return None;
        }
        let ends = if self.to <= self.from { day.tomorrow().ok()? } else { day };
        Some((day.to_datetime(self.from), ends.to_datetime(self.to)))
    }
}

/// Where the clocks are moved, a time that there is not is the one after the gap, and of a time that comes twice it is the
/// first.
fn instant(local: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let at = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Some(Timestamp(at.as_millisecond()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn nights(zone: &str) -> QuietHours {
        let span = |days: &[i8], from, to| QuietSpan {
            days: days.iter().copied().collect(),
            from: civil::time(from, 0, 0, 0),
            to: civil::time(to, 0, 0, 0),
        };
        // Every night from 22 to 7, and the whole of Sunday.
        QuietHours { zone: zone.into(), spans: vec![span(&[1, 2, 3, 4, 5, 6], 22, 7), span(&[7], 0, 0)] }
    }

    /// R16: quiet hours are those of the member's zone, run past midnight, and those that touch are one.
    #[test]
    fn quiet_hours_are_of_the_week_and_of_a_zone() {
        let quiet = nights("America/New_York");
        // 2026-11-18 is a Wednesday; New York is 5 h behind.
        assert_eq!(quiet.until(at("2026-11-18T20:00:00Z")), None);
        assert_eq!(
            quiet.until(at("2026-11-19T03:00:00Z")),
            Some(at("2026-11-19T12:00:00Z")),
            "22:00, the first moment"
        );
        assert_eq!(quiet.until(at("2026-11-19T11:59:59Z")), Some(at("2026-11-19T12:00:00Z")));
        assert_eq!(quiet.until(at("2026-11-19T12:00:00Z")), None, "7:00, the first that is not");
        // Saturday night, then Sunday until midnight; Sunday has no night of its own.
        assert_eq!(quiet.until(at("2026-11-22T03:30:00Z")), Some(at("2026-11-23T05:00:00Z")));
    }

    /// R16: where the clocks are moved, quiet hours still end at the member's 7 o'clock.
    #[test]
    fn quiet_hours_follow_the_clocks() {
        let quiet = nights("Europe/Berlin");
        assert_eq!(quiet.until(at("2026-03-27T23:00:00Z")), Some(at("2026-03-28T06:00:00Z")), "winter");
        assert_eq!(quiet.until(at("2026-03-30T22:00:00Z")), Some(at("2026-03-31T05:00:00Z")), "summer");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        assert_eq!(QuietHours::parse(""), Ok(None));
        assert!(matches!(QuietHours::parse("later"), Err(InvalidQuietHours::Form(_))));
        assert_eq!(nights("Mars/Olympus").check(), Err(InvalidQuietHours::Zone("Mars/Olympus".into())));
        let mut odd = nights("Europe/Berlin");
        odd.spans[0].days.insert(8);
        assert_eq!(odd.check(), Err(InvalidQuietHours::Day));
        odd.spans.clear();
        assert_eq!(odd.check(), Err(InvalidQuietHours::Empty));
        let quiet = nights("Europe/Berlin");
        assert_eq!(QuietHours::parse(&quiet.to_text()), Ok(Some(quiet)));
    }

    /// Somebody who is quiet all week is told at last.
    #[test]
    fn a_quiet_time_without_end_has_one() {
        let mut quiet = nights("UTC");
        quiet.spans[1].days = (1..=7).collect();
        let end = quiet.until(at("2026-11-18T20:00:00Z")).unwrap();
        assert!(end > at("2026-11-25T00:00:00Z") && end < at("2026-12-31T00:00:00Z"));
    }
}
