//! Dates and times as people read them, in Mexico's central time.

use crate::text::Text;
use jiff::{Timestamp, Zoned, tz};

/// Central Mexico has kept UTC-6 all year since 30 October 2022 (Ley de los Husos Horarios, DOF 28 Oct 2022).
fn local(at: Timestamp) -> Zoned {
    at.to_zoned(tz::TimeZone::fixed(tz::offset(-6)))
}

/// `11:42`
pub(crate) fn time(at: Timestamp) -> String {
    local(at).strftime("%H:%M").to_string()
}

/// `2026-11-22`
pub(crate) fn iso_day(at: Timestamp) -> String {
    local(at).strftime("%Y-%m-%d").to_string()
}

/// RFC 3339 with Mexico's offset, for resources.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    local(at).strftime("%Y-%m-%dT%H:%M:%S-06:00").to_string()
}

/// The first moment of a day that a person named.
pub(crate) fn start_of_day(day: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let zoned = date.to_zoned(tz::TimeZone::fixed(tz::offset(-6))).ok()?;
    Some(zoned.timestamp())
}

/// The first moment after it.
pub(crate) fn day_after(day: &str) -> Option<Timestamp> {
    let start = start_of_day(day)?;
    start.checked_add(jiff::SignedDuration::from_hours(24)).ok()
}

/// The end of a day that a person named (`2026-11-22`).
pub(crate) fn end_of_day(day: &str) -> Option<Timestamp> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let zoned = date
        .at(23, 59, 59, 0)
        .to_zoned(tz::TimeZone::fixed(tz::offset(-6)))
        .ok()?;
    Some(zoned.timestamp())
}

/// A day and an hour that a person named (`2026-11-22`, `10:30`).
pub(crate) fn at(day: &str, hour: &str) -> Option<Timestamp> {
    let (date, time): (jiff::civil::Date, jiff::civil::Time) =
        (day.parse().ok()?, hour.parse().ok()?);
    let zoned = date
        .to_datetime(time)
        .to_zoned(tz::TimeZone::fixed(tz::offset(-6)));
    Some(zoned.ok()?.timestamp())
}

/// A FHIR date of any precision in short words: `1 may 2024`, `may 2024`, `2024`. What is no date stays as it is.
pub(crate) fn date(text: Text, fhir: &str) -> String {
    let day = fhir.split('T').next().unwrap_or_default();
    let mut parts = day.split('-');
    let (year, month, number) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let month = month
        .and_then(|m| m.parse::<u8>().ok())
        .filter(|m| (1..=12).contains(m))
        .and_then(|m| text.find(&format!("month.{m}")));
    match (month, number.and_then(|d| d.parse::<u8>().ok())) {
        (Some(month), Some(number)) => format!("{number} {month} {year}"),
        (Some(month), None) => format!("{month} {year}"),
        _ => day.to_owned(),
    }
}

/// A day as a heading: `hoy`, `ayer`, or the date.
pub(crate) fn day_heading(text: Text, day: &str, now: Timestamp) -> String {
    let yesterday = now.checked_sub(jiff::SignedDuration::from_hours(24));
    let said = date(text, day);
    if day == iso_day(now) {
        format!("{} · {said}", text.say("when.today"))
    } else if yesterday.is_ok_and(|y| iso_day(y) == day) {
        format!("{} · {said}", text.say("when.yesterday"))
    } else {
        said
    }
}

/// Whole years between a birth date and a day; `None` when either is not a full date.
pub(crate) fn age(birth: &str, today: &str) -> Option<i16> {
    let birth: jiff::civil::Date = birth.get(..10)?.parse().ok()?;
    let today: jiff::civil::Date = today.get(..10)?.parse().ok()?;
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    let years = today.year() - birth.year() - i16::from(!had_birthday);
    (years >= 0).then_some(years)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::Lang;

    #[test]
    fn dates_of_any_precision_are_read() {
        let es = Text::of(Lang::Es);
        assert_eq!(date(es, "2024-05-01T10:00:00Z"), "1 may 2024");
        assert_eq!(date(es, "2024-05"), "may 2024");
        assert_eq!(date(es, "2024"), "2024");
        assert_eq!(date(es, "2024-13-01"), "2024-13-01");
        assert_eq!(date(es, ""), "");
    }
    #[test]
    fn an_evening_in_mexico_is_still_that_day() {
        let at: Timestamp = "2026-11-23T03:42:00Z".parse().unwrap();
        assert_eq!(iso_day(at), "2026-11-22");
        assert_eq!(time(at), "21:42");
        assert_eq!(rfc3339(at), "2026-11-22T21:42:00-06:00");
        assert_eq!(
            end_of_day("2026-11-22").unwrap().to_string(),
            "2026-11-23T05:59:59Z"
        );
        assert_eq!(
            super::at("2026-11-22", "10:30").unwrap().to_string(),
            "2026-11-22T16:30:00Z"
        );
        assert_eq!(super::at("2026-11-22", ""), None);
    }
    #[test]
    fn age_counts_birthdays() {
        assert_eq!(age("1968-03-12", "2026-03-11"), Some(57));
        assert_eq!(age("1968-03-12", "2026-03-12"), Some(58));
        assert_eq!(age("1968", "2026-03-12"), None);
        assert_eq!(age("2027-01-01", "2026-03-12"), None);
    }
}
