//! What a person falls ill with, and when.

use crate::day::Day;
use crate::dice::{Dice, below};
use crate::person::Person;
use crate::tables::Conditions;

/// One illness of one person.
#[derive(Clone, Debug)]
pub(crate) struct Illness {
    /// Row of `conditions.lasting`.
    pub(crate) row: usize,
    pub(crate) onset: Day,
    pub(crate) end: Option<Day>,
}

/// What somebody's health is made of.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) illnesses: Vec<Illness>,
    /// Metabolic liability, standard normal: ties weight, glucose, pressure and lipids.
    pub(crate) liability: f64,
    /// How well treatment is followed, 0 to 1.
    pub(crate) adherence: f64,
    /// How readily a doctor is seen; 1 in the mean, long-tailed.
    pub(crate) seeks_care: f64,
}

impl Illness {
    pub(crate) fn active(&self, day: Day) -> bool {
        self.onset <= day && self.end.is_none_or(|end| day <= end)
    }
}

/// Draws the illnesses of a life until today, by onset.
pub(crate) fn draw(table: &Conditions, person: &Person, today: Day, dice: &mut Dice) -> Health {
    let birth = Day::of(person.birth);
    let liability = dice.normal();
    let mut illnesses = Vec::new();
    for (row, condition) in table.lasting.iter().enumerate() {
        let own = dice.normal();
        let load = condition.shared * liability + (1.0 - condition.shared.powi(2)).sqrt() * own;
        let quantile = 1.0 - below(load);
        let curve = if person.is_woman() {
            &condition.women_curve
        } else {
            &condition.men_curve
        };
        let spread = dice.range(0.5, 2.0);
        let mut onset = curve.reaches(quantile).map(|age| birth.plus_years(age));
        if condition.key == "ckd" {
            let after_diabetes = after_diabetes(table, &illnesses, dice);
            onset = match (onset, after_diabetes) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        let Some(onset) = onset.filter(|onset| *onset <= today) else {
            continue;
        };
        let end = condition
            .lasts
            .map(|years| onset.plus_years(years * spread));
        illnesses.push(Illness { row, onset, end });
        // An episode that ended may come back once.
        if let (Some(end), Some(years)) = (end, condition.lasts)
            && dice.chance(0.3)
        {
            let again = end.plus_years(dice.range(1.0, 6.0));
            if again <= today {
                let end = Some(again.plus_years(years * dice.range(0.5, 1.5)));
                illnesses.push(Illness {
                    row,
                    onset: again,
                    end,
                });
            }
        }
    }
    illnesses.sort_by_key(|illness| illness.onset);
    Health {
        illnesses,
        liability,
        adherence: (0.6 + 0.25 * dice.normal()).clamp(0.05, 0.98),
        seeks_care: (0.55 * dice.normal() - 0.15).exp(),
    }
}

/// Three in ten people with diabetes lose kidney function, six to eighteen years after its onset.
fn after_diabetes(table: &Conditions, so_far: &[Illness], dice: &mut Dice) -> Option<Day> {
    let (falls, years) = (dice.chance(0.3), dice.range(6.0, 18.0));
    let diabetes = so_far.iter().find(|illness| {
        table
            .lasting
            .get(illness.row)
            .is_some_and(|row| row.key == "diabetes")
    })?;
    falls.then(|| diabetes.onset.plus_years(years))
}
