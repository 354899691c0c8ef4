//! Autonomy that grows with age and differs by topic: the table `data/autonomy.tsv`, asked at a moment.
//!
//! Ages are reached at midnight of central Mexico (UTC-6) on the birthday; of who was born on 29 February, in other years
//! on the 28th: where a calendar leaves a doubt, the guardian sees less.

use crate::Category;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use jiff::{Span, Timestamp};
use std::sync::LazyLock;

/// Years from which somebody is of age (Código Civil Federal, arts. 443 and 646).
pub const OF_AGE: u8 = 18;

/// What the table says of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autonomy {
    /// Of what.
    pub category: Category,
    /// Years from which her own sign-in shows it.
    pub own_from: u8,
    /// Years from which a guardian no longer sees it unless she lets her; 0: at no age.
    pub guardian_until: u8,
}

static TABLE: LazyLock<Vec<Autonomy>> = LazyLock::new(|| {
    let lines = include_str!("../../data/autonomy.tsv").lines();
    lines.filter(is_row).filter_map(read).collect()
});

#[allow(clippy::trivially_copy_pass_by_ref)] // As `filter` asks for it.
fn is_row(line: &&str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn read(line: &str) -> Option<Autonomy> {
    let mut cells = line.split('\t');
    Some(Autonomy {
        category: Category::from_code(cells.next()?)?,
        own_from: cells.next()?.parse().ok()?,
        guardian_until: cells.next()?.parse().ok()?,
    })
}

/// The table, in its order.
pub fn table() -> &'static [Autonomy] {
    &TABLE
}

/// When somebody reaches an age; `None` beyond the calendar.
pub(super) fn birthday(born: Date, years: u8) -> Option<Timestamp> {
    let day = born.checked_add(Span::new().years(i32::from(years))).ok()?;
    let midnight = day.to_zoned(TimeZone::fixed(offset(-6))).ok()?;
    Some(midnight.timestamp())
}

/// Whether somebody has reached an age.
pub(super) fn has_reached(born: Date, years: u8, now: Timestamp) -> bool {
    birthday(born, years).is_none_or(|day| day <= now)
}

/// What a guardian does not see unless the person lets her. `minor` is the birth date of a minor; `None` for an adult.
pub(super) fn closed_to_guardians(minor: Option<Date>, now: Timestamp) -> Vec<Category> {
    let closed = |row: &&Autonomy| match (row.guardian_until, minor) {
        (0, _) => true,
        (_, None) => false,
        (years, Some(born)) => has_reached(born, years, now),
    };
    table()
        .iter()
        .filter(closed)
        .map(|row| row.category)
        .collect()
}

/// What her own sign-in does not show yet.
pub(super) fn closed_to_herself(born: Date, now: Timestamp) -> Vec<Category> {
    let closed = |row: &&Autonomy| !has_reached(born, row.own_from, now);
    table()
        .iter()
        .filter(closed)
        .map(|row| row.category)
        .collect()
}

/// The birthdays at which the table says something else.
pub(super) fn turns(born: Date) -> impl Iterator<Item = Timestamp> {
    let years = table()
        .iter()
        .flat_map(|row| [row.own_from, row.guardian_until]);
    years
        .chain([OF_AGE])
        .filter_map(move |years| birthday(born, years))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_line_of_the_table_is_read_and_says_how_sure_it_is_and_why() {
        let lines: Vec<&str> = include_str!("../../data/autonomy.tsv")
            .lines()
            .filter(is_row)
            .collect();
        assert_eq!(lines.len(), table().len());
        for (line, row) in lines.iter().zip(table()) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), 5, "{line}");
            assert!(["norm", "reading"].contains(&cells[3]), "{line}");
            assert!(cells[4].len() > 20, "{line}");
            assert!(
                row.category.is_topic() && row.guardian_until < OF_AGE,
                "{line}"
            );
        }
        let violence = table()
            .iter()
            .find(|row| row.category == Category::Violence);
        assert_eq!(violence.map(|row| row.guardian_until), Some(0));
    }

    #[test]
    fn an_age_is_reached_at_midnight_of_central_mexico() {
        let born: Date = "2014-06-03".parse().unwrap();
        assert!(!has_reached(born, 12, at("2026-06-03T05:59:59Z")));
        assert!(has_reached(born, 12, at("2026-06-03T06:00:00Z")));
        // Born on a day that most years lack: the day before.
        let born: Date = "2012-02-29".parse().unwrap();
        assert!(has_reached(born, 13, at("2025-02-28T06:00:00Z")));
        assert!(!has_reached(born, 13, at("2025-02-28T05:00:00Z")));
    }

    #[test]
    fn of_a_child_a_guardian_sees_all_but_violence_and_less_with_each_age() {
        let born: Date = "2014-06-03".parse().unwrap();
        let closed =
            |year: i32| closed_to_guardians(Some(born), at(&format!("{year}-12-01T00:00:00Z")));
        use Category::*;
        assert_eq!(closed(2020), [Violence]);
        assert_eq!(closed(2026), [Violence, Reproductive, Hiv]);
        assert_eq!(
            closed(2030),
            [
                Violence,
                Reproductive,
                Hiv,
                Addictions,
                MentalHealth,
                Genetics
            ]
        );
        assert_eq!(
            closed_to_guardians(None, at("2026-12-01T00:00:00Z")),
            [Violence]
        );
        assert_eq!(
            closed_to_herself(born, at("2026-06-02T00:00:00Z")),
            [Violence]
        );
        assert_eq!(closed_to_herself(born, at("2026-06-04T00:00:00Z")), []);
    }
}
