//! Dates, times of day and both, with the precision they were written with.
//!
//! `2015`, `2015-02`, `2015-02-04`, `T14`, `T14:34:28.123`, `2015-02-04T14:34:28.123+10:00`. Compared as FHIRPath says:
//! from the year down; where one has no more to say, the answer is unknown. Seconds and their fraction are one part.

use std::{cmp::Ordering, fmt};

/// A date, down to the day at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    pub(crate) year: i16,
    pub(crate) month: Option<u8>,
    pub(crate) day: Option<u8>,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub(crate) hour: u8,
    pub(crate) minute: Option<u8>,
    pub(crate) second: Option<u8>,
    /// Nanoseconds and how many digits of them were written.
    pub(crate) fraction: Option<(u32, u8)>,
}

/// A date with or without a time of day, with or without an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    pub(crate) date: Date,
    pub(crate) time: Option<Time>,
    /// Minutes that the clock is ahead of UTC.
    pub(crate) offset: Option<i16>,
}

impl Date {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; `None` when there is no such day.
    pub fn read(text: &str) -> Option<Date> {
        let mut rest = text.as_bytes();
        let date = date(&mut rest)?;
        rest.is_empty().then_some(date)
    }
    /// How many digits were written: 4, 6 or 8.
    pub(crate) fn precision(self) -> i64 {
        match (self.month, self.day) {
            (None, _) => 4,
            (_, None) => 6,
            _ => 8,
        }
    }
    fn parts(self) -> [Option<i64>; 3] {
        [
            Some(i64::from(self.year)),
            self.month.map(i64::from),
            self.day.map(i64::from),
        ]
    }
    /// As a date and time without a time.
    pub(crate) fn at(self, time: Option<Time>, offset: Option<i16>) -> DateTime {
        DateTime {
            date: self,
            time,
            offset,
        }
    }
}

impl Time {
    /// Reads `hh`, `hh:mm`, `hh:mm:ss` or with a fraction.
    pub fn read(text: &str) -> Option<Time> {
        let mut rest = text.as_bytes();
        let time = time(&mut rest)?;
        rest.is_empty().then_some(time)
    }
    /// How many digits were written: 2, 4, 6, or 6 and those of the fraction.
    pub(crate) fn precision(self) -> i64 {
        match (self.minute, self.second, self.fraction) {
            (None, ..) => 2,
            (_, None, _) => 4,
            (.., None) => 6,
            (.., Some((_, digits))) => 6 + i64::from(digits),
        }
    }
    fn parts(self) -> [Option<i64>; 3] {
        [
            Some(i64::from(self.hour)),
            self.minute.map(i64::from),
            self.nanos(),
        ]
    }
    /// Nanoseconds of the minute.
    fn nanos(self) -> Option<i64> {
        let fraction = self.fraction.map_or(0, |(nanos, _)| i64::from(nanos));
        Some(i64::from(self.second?) * 1_000_000_000 + fraction)
    }
    /// Earlier, the same, later, or not known.
    pub(crate) fn order(self, other: Time) -> Option<Ordering> {
        order(&self.parts(), &other.parts())
    }
}

impl DateTime {
    /// Reads a date, or a date with `T` and a time and an offset; `2015T` too, as FHIRPath writes it.
    pub fn read(text: &str) -> Option<DateTime> {
        let mut rest = text.as_bytes();
        let date = date(&mut rest)?;
        if rest.is_empty() || rest == b"T" {
            return Some(date.at(None, None));
        }
        date.day?;
        take(&mut rest, b'T')?;
        let time = time(&mut rest)?;
        let offset = offset(&mut rest)?;
        rest.is_empty().then(|| date.at(Some(time), offset))
    }
    /// How many digits were written: 4 to 17.
    pub(crate) fn precision(self) -> i64 {
        self.date.precision() + self.time.map_or(0, Time::precision)
    }
    /// Earlier, the same, later, or not known. Where only one has an offset, the other's may be anything from -14 to
    /// +14 hours, so the answer is known only when they are that far apart.
    pub(crate) fn order(self, other: DateTime) -> Option<Ordering> {
        if self.offset.is_some() == other.offset.is_some() {
            return order(&self.in_utc().parts(), &other.in_utc().parts());
        }
        let ((from, to), (other_from, other_to)) = (self.reach()?, other.reach()?);
        if to < other_from {
            return Some(Ordering::Less);
        }
        (from > other_to).then_some(Ordering::Greater)
    }
    fn parts(self) -> [Option<i64>; 6] {
        let [year, month, day] = self.date.parts();
        let [hour, minute, nanos] = self.time.map_or([None; 3], Time::parts);
        [year, month, day, hour, minute, nanos]
    }
    /// The same moment with its offset taken off; what has no minutes or no offset stays as it is.
    fn in_utc(self) -> DateTime {
        let moved = self.offset.and_then(|offset| {
            let (date, time) = (self.date, self.time?);
            let civil = civil(date)?.at(
                i8::try_from(time.hour).ok()?,
                i8::try_from(time.minute?).ok()?,
                0,
                0,
            );
            let span = jiff::Span::new().minutes(-i64::from(offset));
            let utc = civil.checked_add(span).ok()?;
            Some(DateTime {
                date: from_civil(utc.date()),
                time: Some(Time {
                    hour: u8::try_from(utc.hour()).ok()?,
                    minute: u8::try_from(utc.minute()).ok(),
                    ..time
                }),
                offset: Some(0),
            })
        });
        moved.unwrap_or(self)
    }
    /// The first and the last second since 1970 UTC that it can be.
    fn reach(self) -> Option<(i64, i64)> {
        let first = civil(self.date)?;
        let last = match self.date {
            Date { month: None, .. } => first.last_of_year(),
            Date { day: None, .. } => first.last_of_month(),
            _ => first,
        };
        let seconds = |date: jiff::civil::Date, clock: i64| {
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some(zoned.timestamp().as_second() + clock)
        };
        let part = |part: Option<u8>, most: i64| match part {
            Some(part) => (i64::from(part), i64::from(part)),
            None => (0, most),
        };
        let time = self.time;
        let hour = part(time.map(|t| t.hour), 23);
        let minute = part(time.and_then(|t| t.minute), 59);
        let second = part(time.and_then(|t| t.second), 59);
        let from = seconds(first, (hour.0 * 60 + minute.0) * 60 + second.0)?;
        let to = seconds(last, (hour.1 * 60 + minute.1) * 60 + second.1)?;
        Some(match self.offset {
            Some(offset) => (from - i64::from(offset) * 60, to - i64::from(offset) * 60),
            None => (from - 14 * 3600, to + 14 * 3600),
        })
    }
}

/// The day, or the first day of the month or year.
pub(crate) fn civil(date: Date) -> Option<jiff::civil::Date> {
    let part = |part: Option<u8>| i8::try_from(part.unwrap_or(1)).ok();
    jiff::civil::Date::new(date.year, part(date.month)?, part(date.day)?).ok()
}

/// A date of the calendar, to the day.
pub(crate) fn from_civil(date: jiff::civil::Date) -> Date {
    Date {
        year: date.year(),
        month: u8::try_from(date.month()).ok(),
        day: u8::try_from(date.day()).ok(),
    }
}

/// From the largest part down; unknown where only one has the part.
fn order(a: &[Option<i64>], b: &[Option<i64>]) -> Option<Ordering> {
    for (a, b) in a.iter().zip(b) {
        match (a, b) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => return Some(a.cmp(b)),
            (None, None) => return Some(Ordering::Equal),
            _ => return None,
        }
    }
    Some(Ordering::Equal)
}

fn take(rest: &mut &[u8], wanted: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    (*first == wanted).then_some(())
}

fn digits(rest: &mut &[u8], count: usize) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(count)?;
    *rest = after;
    digits.iter().try_fold(0u16, |sum, d| {
        d.is_ascii_digit().then(|| sum * 10 + u16::from(d - b'0'))
    })
}

/// Two digits in a range, after a separator when one is wanted.
fn pair(rest: &mut &[u8], range: std::ops::RangeInclusive<u16>) -> Option<u8> {
    let number = digits(rest, 2).filter(|n| range.contains(n))?;
    u8::try_from(number).ok()
}

fn date(rest: &mut &[u8]) -> Option<Date> {
    let year = i16::try_from(digits(rest, 4)?).ok().filter(|y| *y > 0)?;
    let mut date = Date {
        year,
        month: None,
        day: None,
    };
    if rest.first() == Some(&b'-') {
        take(rest, b'-')?;
        date.month = Some(pair(rest, 1..=12)?);
        if rest.first() == Some(&b'-') {
            take(rest, b'-')?;
            date.day = Some(pair(rest, 1..=31)?);
            civil(date)?;
        }
    }
    Some(date)
}

fn time(rest: &mut &[u8]) -> Option<Time> {
    let mut time = Time {
        hour: pair(rest, 0..=23)?,
        minute: None,
        second: None,
        fraction: None,
    };
    if rest.first() == Some(&b':') {
        take(rest, b':')?;
        time.minute = Some(pair(rest, 0..=59)?);
        if rest.first() == Some(&b':') {
            take(rest, b':')?;
            time.second = Some(pair(rest, 0..=60)?);
            if rest.first() == Some(&b'.') {
                take(rest, b'.')?;
                time.fraction = Some(fraction(rest)?);
            }
        }
    }
    Some(time)
}

/// Nanoseconds and the digits written; what is finer is cut.
fn fraction(rest: &mut &[u8]) -> Option<(u32, u8)> {
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, after) = rest.split_at_checked(count)?;
    *rest = after;
    let nanos = (0..9).fold(0u32, |sum, at| {
        sum * 10 + digits.get(at).map_or(0, |d| u32::from(d - b'0'))
    });
    (count > 0).then_some((nanos, u8::try_from(count.min(9)).ok()?))
}

/// `Z`, `+hh:mm`, `-hh:mm`, or nothing.
fn offset(rest: &mut &[u8]) -> Option<Option<i16>> {
    let sign = match rest.first() {
        None => return Some(None),
        Some(b'Z') => {
            take(rest, b'Z')?;
            return Some(Some(0));
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    *rest = rest.get(1..)?;
    let hours = pair(rest, 0..=14)?;
    take(rest, b':')?;
    let minutes = pair(rest, 0..=59)?;
    Some(Some(sign * (i16::from(hours) * 60 + i16::from(minutes))))
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        match self.day {
            Some(day) => write!(f, "-{day:02}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        if let Some(minute) = self.minute {
            write!(f, ":{minute:02}")?;
        }
        if let Some(second) = self.second {
            write!(f, ":{second:02}")?;
        }
        if let Some((nanos, digits)) = self.fraction {
            let all = format!("{nanos:09}");
            write!(f, ".{}", all.get(..usize::from(digits)).unwrap_or(&all))?;
        }
        Ok(())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        if let Some(time) = self.time {
            write!(f, "T{time}")?;
        }
        match self.offset {
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(a: &str, b: &str) -> Option<Ordering> {
        DateTime::read(a).unwrap().order(DateTime::read(b).unwrap())
    }

    #[test]
    fn what_is_read_is_printed_the_same() {
        for text in [
            "2015",
            "2015-02",
            "2015-02-04",
            "2015-02-04T14",
            "2015-02-04T14:34:28.123",
            "2015-02-04T14:34Z",
            "2015-02-04T14:34:28-05:30",
        ] {
            assert_eq!(DateTime::read(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "15",
            "2015-13",
            "2015-02-29",
            "2015-02T10",
            "2015-02-04T24",
            "2015-02-04T10:00:00+6",
        ] {
            assert_eq!(DateTime::read(text), None, "{text}");
        }
        assert_eq!(Time::read("14:34:28Z"), None);
        assert_eq!(Time::read("T14"), None);
    }
    #[test]
    fn what_one_does_not_say_is_unknown() {
        assert_eq!(order("2018-03", "2018-03-01"), None);
        assert_eq!(order("2018-03", "2018-04-01"), Some(Ordering::Less));
        assert_eq!(order("2018-03-01T10:30", "2018-03-01T10:30:00"), None);
        let seconds = order("2018-03-01T10:30:00", "2018-03-01T10:30:00.0");
        assert_eq!(seconds, Some(Ordering::Equal));
    }
    #[test]
    fn offsets_are_taken_off_and_a_missing_one_may_be_any() {
        let same = order("2017-11-05T01:30:00-04:00", "2017-11-05T00:30:00-05:00");
        assert_eq!(same, Some(Ordering::Equal));
        assert_eq!(order("2012-04-15T15:00:00Z", "2012-04-15T10:00:00"), None);
        let far = order("2012-04-15T15:00:00Z", "2012-04-14T10:00:00");
        assert_eq!(
            far,
            Some(Ordering::Greater),
            "14 hours behind UTC that is midnight of the 15th"
        );
        assert_eq!(
            order("2012-04-15T15:00:00Z", "1974"),
            Some(Ordering::Greater)
        );
    }
}
