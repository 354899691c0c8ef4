//! Short and pet forms of given names.

use crate::card::Map;
use std::sync::LazyLock;

/// How many formal names one form may stand for; `Bob` needs one, `Beto` five.
pub(crate) const FORMS: usize = 6;

type Table = Map<&'static str, [u16; FORMS]>;

/// Each form, the formal ones included, with the numbers of its formal names; zeros fill up.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    let lines = include_str!("../data/nicknames.txt").lines();
    let rows = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    for (row, number) in rows.zip(1u16..) {
        for form in row.split(' ') {
            let names = table.entry(form).or_default();
            if !names.contains(&number)
                && let Some(free) = names.iter_mut().find(|n| **n == 0)
            {
                *free = number;
            }
        }
    }
    table
});

/// The formal names that a folded word may stand for, by number; zeros where there are none.
pub(crate) fn formal(word: &str) -> [u16; FORMS] {
    TABLE.get(word).copied().unwrap_or_default()
}

/// Whether two words may stand for one formal name.
pub(crate) fn meet(a: &[u16; FORMS], b: &[u16; FORMS]) -> bool {
    a.iter().any(|n| *n != 0 && b.contains(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pet_forms_meet_their_names() {
        for (a, b) in [
            ("pepe", "jose"),
            ("lupita", "guadalupe"),
            ("beto", "roberto"),
            ("beto", "humberto"),
            ("chuy", "jesus"),
            ("tom", "thomas"),
        ] {
            assert!(meet(&formal(a), &formal(b)), "{a} {b}");
        }
        assert!(!meet(&formal("roberto"), &formal("humberto")));
        assert!(!meet(&formal("itzel"), &formal("itzel")));
    }
    #[test]
    fn no_form_stands_for_more_names_than_there_is_room_for() {
        let mut count: Map<&str, usize> = Map::default();
        for row in include_str!("../data/nicknames.txt")
            .lines()
            .filter(|l| !l.starts_with('#'))
        {
            for form in row.split(' ') {
                assert_eq!(crate::text::fold(form), form);
                *count.entry(form).or_default() += 1;
            }
        }
        for (form, times) in count {
            assert!(times <= FORMS, "{form} stands in {times} rows");
        }
    }
}
