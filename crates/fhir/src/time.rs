//! Dates and times of FHIR as spans of microseconds since 1970 UTC.
//!
//! `2020` is its whole year, `2020-05-01T10:00:00Z` its whole second. Integers only; no calendar library is asked.

/// A span of time, both ends included, in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First microsecond.
    pub from: i64,
    /// Last microsecond.
    pub to: i64,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Reads a FHIR `date`, `dateTime` or `instant`: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or with `Thh:mm[:ss[.fraction]]` and
/// `Z` or `+hh:mm`. A time without a zone is read as UTC. `None` when it is no such thing (30 February included).
///
/// A leap second (`:60`) is read as the first second of the next minute; a fraction finer than a microsecond is cut.
pub fn span(text: &str) -> Option<Span> {
    let mut rest = Reader(text.as_bytes());
    let year = rest.digits(4).filter(|y| *y > 0)?;
    if rest.done() {
        return between(days(year, 1, 1), days(year + 1, 1, 1));
    }
    rest.take(b'-')?;
    let month = rest.digits(2).filter(|m| (1..=12).contains(m))?;
    if rest.done() {
        let (next_year, next) = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month + 1)
        };
        return between(days(year, month, 1), days(next_year, next, 1));
    }
    rest.take(b'-')?;
    let day = rest.digits(2)?;
    if day < 1 || day > days_in(year, month) {
        return None;
    }
    let day = days(year, month, day);
    if rest.done() {
        return between(day, day + 1);
    }
    rest.take(b'T')?;
    let (offset, length) = rest.time()?;
    let from = day * DAY + offset;
    Some(Span {
        from,
        to: from + length - 1,
    })
}

/// The span of whole days from one day to before another.
fn between(first: i64, next: i64) -> Option<Span> {
    Some(Span {
        from: first * DAY,
        to: next * DAY - 1,
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn done(&self) -> bool {
        self.0.is_empty()
    }
    fn take(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == wanted).then_some(())
    }
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0, |sum, d| {
            d.is_ascii_digit().then(|| sum * 10 + i64::from(d - b'0'))
        })
    }
    /// `hh:mm[:ss[.fraction]][zone]`: microseconds from midnight UTC, and how long the precision given lasts.
    fn time(&mut self) -> Option<(i64, i64)> {
        let hour = self.digits(2).filter(|h| *h < 24)?;
        self.take(b':')?;
        let minute = self.digits(2).filter(|m| *m < 60)?;
        let mut at = (hour * 60 + minute) * 60 * SECOND;
        let mut length = 60 * SECOND;
        if self.0.first() == Some(&b':') {
            self.take(b':')?;
            at += self.digits(2).filter(|s| *s <= 60)? * SECOND;
            length = SECOND;
            if self.0.first() == Some(&b'.') {
                self.take(b'.')?;
                let (micros, unit) = self.fraction()?;
                at += micros;
                length = unit;
            }
        }
        Some((at - self.zone()?, length))
    }
    /// The digits of a fraction: its microseconds and the unit of its last digit.
    fn fraction(&mut self) -> Option<(i64, i64)> {
        let count = self.0.iter().take_while(|d| d.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let (mut micros, mut unit) = (0, SECOND);
        for digit in digits.iter().take(6) {
            unit /= 10;
            micros += i64::from(digit - b'0') * unit;
        }
        (count > 0).then_some((micros, unit))
    }
    /// What the zone adds to UTC, in microseconds.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.0.split_first() {
            None => return Some(0),
            Some((b'Z', [])) => return Some(0),
            Some((b'+', rest)) => {
                self.0 = rest;
                1
            }
            Some((b'-', rest)) => {
                self.0 = rest;
                -1
            }
            Some(_) => return None,
        };
        let hours = self.digits(2)?;
        self.take(b':')?;
        let minutes = self.digits(2).filter(|m| *m < 60)?;
        let minutes = Some(hours * 60 + minutes).filter(|m| *m <= 14 * 60)?;
        self.done().then_some(sign * minutes * 60 * SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, from: &str, to: &str) {
        let micros = |t: &str| t.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let span = span(text).unwrap_or_else(|| panic!("{text} is not read"));
        assert_eq!((span.from, span.to), (micros(from), micros(to)), "{text}");
    }

    #[test]
    fn the_digits_given_say_how_long_it_lasts() {
        check(
            "2020",
            "2020-01-01T00:00:00Z",
            "2020-12-31T23:59:59.999999Z",
        );
        check(
            "2020-02",
            "2020-02-01T00:00:00Z",
            "2020-02-29T23:59:59.999999Z",
        );
        check(
            "1999-12",
            "1999-12-01T00:00:00Z",
            "1999-12-31T23:59:59.999999Z",
        );
        check(
            "1969-12-31",
            "1969-12-31T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
        );
        check(
            "2020-05-01T10:00",
            "2020-05-01T10:00:00Z",
            "2020-05-01T10:00:59.999999Z",
        );
        check(
            "2020-05-01T10:00:00-06:00",
            "2020-05-01T16:00:00Z",
            "2020-05-01T16:00:00.999999Z",
        );
        check(
            "2020-05-01T00:30:00.12+05:30",
            "2020-04-30T19:00:00.12Z",
            "2020-04-30T19:00:00.129999Z",
        );
        check(
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:00:00Z",
            "2017-01-01T00:00:00.999999Z",
        );
        check(
            "2020-05-01T10:00:00.1234567Z",
            "2020-05-01T10:00:00.123456Z",
            "2020-05-01T10:00:00.123456Z",
        );
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "20",
            "0000",
            "2020-",
            "2020-13",
            "2021-02-29",
            "2020-04-31",
            "2020-1-1",
            "2020-01-01T",
            "2020-01-01T24:00:00Z",
            "2020-01-01T10:00:61Z",
            "2020-01-01T10:00:00.Z",
            "2020-01-01T10:00:00+6:00",
            "2020-01-01T10:00:00+14:01",
            "2020-01-01T10:00:00Zx",
            "2020-01-01 10:00",
            "hoy",
            "２０２０",
        ] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_is_where_jiff_puts_it() {
        let mut day = jiff::civil::date(1, 1, 1);
        while day.year() < 9990 {
            let micros = day
                .to_zoned(jiff::tz::TimeZone::UTC)
                .unwrap()
                .timestamp()
                .as_microsecond();
            assert_eq!(
                span(&day.to_string()).map(|s| s.from),
                Some(micros),
                "{day}"
            );
            day = day.checked_add(jiff::Span::new().days(101)).unwrap();
        }
    }

    proptest::proptest! {
        #[test]
        fn a_moment_is_where_jiff_puts_it(second in -62_000_000_000i64..250_000_000_000, minutes in -840i32..=840) {
            let offset = jiff::tz::Offset::from_seconds(minutes * 60).unwrap();
            let at = jiff::Timestamp::from_second(second).unwrap();
            let text = at.display_with_offset(offset).to_string();
            proptest::prop_assert_eq!(span(&text).unwrap().from, second * 1_000_000, "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:.+\\-]{0,30}|.{0,20}") {
            if let Some(span) = span(&text) {
                proptest::prop_assert!(span.from <= span.to);
            }
        }
    }
}
