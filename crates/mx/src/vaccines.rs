//! Which vaccines the schedule of a birth cohort has, and from which day each dose is due.
//!
//! The table is `data/vaccines.tsv`, dated and sourced row by row; it serves reminders and synthetic people. It is not
//! a substitute for the schedule in force.

use crate::Sex;
use jiff::ToSpan;
use jiff::civil::Date;
use std::sync::LazyLock;

/// One dose of one vaccine for one birth cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dose {
    /// Which vaccine: the same word for all doses of a series.
    pub vaccine: &'static str,
    /// Its name in Spanish.
    pub name: &'static str,
    /// Its CVX code.
    pub cvx: &'static str,
    /// Number in the series, from 1.
    pub number: u8,
    /// First birth day of the cohort.
    pub born_from: Option<Date>,
    /// Last birth day of the cohort.
    pub born_to: Option<Date>,
    /// Only for one sex.
    pub sex: Option<Sex>,
    /// Age at which it is due.
    pub age: Age,
    /// Repeated each so many years until the age.
    pub every: Option<(u8, Age)>,
    /// Day from which the programme gave it.
    pub since: Date,
    /// Where the row comes from.
    pub source: &'static str,
}

/// An age in the units of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Days.
    Days(i32),
    /// Months.
    Months(i32),
    /// Years.
    Years(i32),
}

impl Age {
    /// The day on which somebody born on `birth` reaches this age.
    pub fn day(self, birth: Date) -> Date {
        let span = match self {
            Age::Days(n) => n.days(),
            Age::Months(n) => n.months(),
            Age::Years(n) => n.years(),
        };
        birth.saturating_add(span)
    }
    fn parse(text: &str) -> Option<Age> {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number = number.parse().ok()?;
        match unit {
            "d" => Some(Age::Days(number)),
            "m" => Some(Age::Months(number)),
            "y" => Some(Age::Years(number)),
            _ => None,
        }
    }
}

/// A dose that falls due on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The row of the schedule.
    pub dose: &'static Dose,
    /// From which day it is due.
    pub from: Date,
}

static SCHEDULE: LazyLock<Vec<Dose>> = LazyLock::new(|| {
    include_str!("../data/vaccines.tsv")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(parse_row)
        .collect()
});

/// All rows of the table.
pub fn schedule() -> &'static [Dose] {
    &SCHEDULE
}

/// Every dose that the schedule gave or gives somebody of that birth and sex up to and including `until`, by day.
/// A dose that the programme introduced after the age was reached is due from its introduction, if that happens
/// within a year for children's vaccines; later ones are left out (no general catch-up), except where the row
/// repeats or is for adults.
pub fn due_until(birth: Date, sex: Sex, until: Date) -> Vec<Due> {
    let mut out = Vec::new();
    for dose in schedule() {
        let in_cohort = dose.born_from.is_none_or(|from| birth >= from)
            && dose.born_to.is_none_or(|to| birth <= to)
            && dose.sex.is_none_or(|only| only == sex);
        if !in_cohort {
            continue;
        }
        let mut from = dose.age.day(birth);
        let last = dose.every.map_or(from, |(_, last)| last.day(birth));
        let mut turns = 0;
        while from <= until.min(last) && turns < 120 {
            let introduced = from.max(dose.since);
            let adult = matches!(dose.age, Age::Years(years) if years >= 12);
            let repeats = dose.every.is_some();
            let late = introduced > from.saturating_add(1.year());
            if introduced <= until && !(repeats && introduced > from) && (adult || !late) {
                out.push(Due {
                    dose,
                    from: introduced,
                });
            }
            match dose.every {
                Some((years, _)) => from = from.saturating_add(i32::from(years).years()),
                None => break,
            }
            turns += 1;
        }
    }
    out.sort_by_key(|due| due.from);
    out
}

fn parse_row(line: &'static str) -> Option<Dose> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().map(str::trim);
    let (vaccine, name, cvx) = (next()?, next()?, next()?);
    let number = next()?.parse().ok()?;
    let (born_from, born_to) = (optional(next()?)?, optional(next()?)?);
    let sex = next()?.chars().next().and_then(Sex::from_letter);
    let age = Age::parse(next()?)?;
    let (every, last) = (next()?.parse::<u8>().ok(), Age::parse(next()?));
    Some(Dose {
        vaccine,
        name,
        cvx,
        number,
        born_from,
        born_to,
        sex,
        age,
        every: every.filter(|years| *years > 0).zip(last),
        since: next()?.parse().ok()?,
        source: next()?,
    })
}

/// `-` is no date; anything else must be one.
fn optional(text: &str) -> Option<Option<Date>> {
    if text == "-" {
        return Some(None);
    }
    text.parse().ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("../data/vaccines.tsv")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .count();
        assert_eq!(schedule().len(), rows);
        assert!(schedule().iter().all(|dose| !dose.source.is_empty()));
    }
    #[test]
    fn the_second_measles_dose_follows_the_cohort() {
        let second = |birth: Date| {
            due_until(birth, Sex::Woman, date(2026, 11, 1))
                .into_iter()
                .find(|due| due.dose.vaccine == "srp" && due.dose.number == 2)
                .map(|due| due.from)
        };
        assert_eq!(second(date(2015, 3, 10)), Some(date(2021, 3, 10)));
        assert_eq!(second(date(2022, 3, 10)), Some(date(2023, 9, 10)));
        assert_eq!(second(date(2026, 3, 10)), None);
    }
    #[test]
    fn somebody_born_before_a_vaccine_was_given_has_none_of_it() {
        let born = |year| due_until(date(year, 6, 1), Sex::Man, date(2026, 11, 1));
        assert!(born(1960).iter().all(|due| due.dose.vaccine != "srp"));
        assert!(born(1960).iter().any(|due| due.dose.vaccine == "covid19"));
        assert!(born(1990).iter().any(|due| due.dose.vaccine == "sarampion"));
        assert!(born(1990).iter().all(|due| due.dose.vaccine != "vph"));
    }
    #[test]
    fn yearly_doses_stop_at_their_last_age() {
        let yearly = due_until(date(2010, 6, 1), Sex::Man, date(2026, 11, 1))
            .iter()
            .filter(|due| due.dose.vaccine == "influenza-anual")
            .count();
        assert_eq!(yearly, 5);
    }
    #[test]
    fn doses_come_in_the_order_of_their_days() {
        let all = due_until(date(1957, 6, 1), Sex::Woman, date(2026, 11, 1));
        assert!(all.is_sorted_by_key(|due| due.from));
    }
}
