//! Days as numbers: a life has thousands of them, and only those that are written need a calendar.

use jiff::civil::Date;
use std::fmt;
use std::ops::{Add, Sub};

/// Days since 1970-01-01 of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) i32);

/// Mean length of a year, to turn days into ages.
const YEAR: f64 = 365.2425;

impl Day {
    /// The day of a calendar date (Howard Hinnant's civil calendar).
    pub(crate) fn of(date: Date) -> Day {
        Day::ymd(
            i32::from(date.year()),
            i32::from(date.month()),
            i32::from(date.day()),
        )
    }
    pub(crate) fn ymd(year: i32, month: i32, day: i32) -> Day {
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        Day(era * 146_097 + doe - 719_468)
    }
    /// Year, month, day.
    pub(crate) fn civil(self) -> (i32, i32, i32) {
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i32::from(month <= 2);
        (year, month, doy - (153 * mp + 2) / 5 + 1)
    }
    /// As a calendar date; the last day of the calendar if it lies beyond.
    pub(crate) fn date(self) -> Date {
        let (year, month, day) = self.civil();
        let narrow = |n: i32| i8::try_from(n).unwrap_or(1);
        i16::try_from(year)
            .ok()
            .and_then(|year| Date::new(year, narrow(month), narrow(day)).ok())
            .unwrap_or(Date::MAX)
    }
    pub(crate) fn year(self) -> i32 {
        self.civil().0
    }
    /// Years from `birth` to this day.
    pub(crate) fn age(self, birth: Day) -> f64 {
        f64::from(self.0 - birth.0) / YEAR
    }
    /// The day so many years later.
    pub(crate) fn plus_years(self, years: f64) -> Day {
        // Years are bounded by a life; the cast cannot overflow.
        Day(self.0 + (years * YEAR) as i32)
    }
    /// Consultations are rare on Sundays: the Monday after one.
    pub(crate) fn working(self) -> Day {
        if (self.0 + 4).rem_euclid(7) == 0 {
            Day(self.0 + 1)
        } else {
            self
        }
    }
}

impl Add<i32> for Day {
    type Output = Day;
    fn add(self, days: i32) -> Day {
        Day(self.0 + days)
    }
}
impl Sub for Day {
    type Output = i32;
    fn sub(self, other: Day) -> i32 {
        self.0 - other.0
    }
}
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A moment of a day at the time of central Mexico, which has had no summer time since 2022; earlier moments are
/// written with the same offset, which is a moment too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) day: Day,
    pub(crate) minute: i32,
}

impl Moment {
    pub(crate) fn later(self, minutes: i32) -> Moment {
        let minute = self.minute + minutes;
        Moment {
            day: self.day + minute.div_euclid(1440),
            minute: minute.rem_euclid(1440),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute) = (self.minute / 60, self.minute % 60);
        write!(f, "{}T{hour:02}:{minute:02}:00-06:00", self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_the_same_both_ways() {
        assert_eq!(Day::ymd(1970, 1, 1), Day(0));
        assert_eq!(Day::ymd(2000, 2, 29).to_string(), "2000-02-29");
        for n in (-30_000..30_000).step_by(17) {
            let day = Day(n);
            assert_eq!(Day::of(day.date()), day);
            assert_eq!(day.date().to_string(), day.to_string());
        }
        // 1 November 2026 is a Sunday.
        assert_eq!(Day::ymd(2026, 11, 1).working(), Day::ymd(2026, 11, 2));
        assert_eq!(Day::ymd(2026, 11, 3).working(), Day::ymd(2026, 11, 3));
    }
    #[test]
    fn a_moment_may_pass_midnight() {
        let late = Moment {
            day: Day::ymd(2026, 12, 31),
            minute: 1430,
        };
        assert_eq!(late.later(20).to_string(), "2027-01-01T00:10:00-06:00");
    }
}
