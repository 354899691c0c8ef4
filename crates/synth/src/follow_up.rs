//! Visits for illnesses that last: the family doctor's round of everything, and a specialty's visits for one.

use crate::chart::{Chart, Opening};
use crate::cover::Institution;
use crate::day::{Day, Moment};
use crate::dice::Dice;
use crate::disease::Health;
use crate::measure::{Signs, Taken};
use crate::resources::{Visit, cie10};
use crate::tables::Lasting;
use crate::tell::{Teller, clinic};

/// Which treatments each illness gets, decided once: (illness number, medicine, from which day on).
pub(crate) struct Lines<'c>(pub(crate) Vec<(usize, &'c str, Day)>);

impl<'c> Lines<'c> {
    pub(crate) fn draw(table: &'c [Lasting], health: &Health, dice: &mut Dice) -> Lines<'c> {
        let mut lines = Vec::new();
        for (number, illness) in health.illnesses.iter().enumerate() {
            let Some(row) = table.get(illness.row) else {
                continue;
            };
            for line in &row.treatment {
                if dice.chance(line.p) {
                    let from = illness.onset.plus_years(line.after * dice.range(0.7, 1.3));
                    lines.push((number, line.medicine.as_str(), from));
                }
            }
        }
        Lines(lines)
    }
}

impl<'a> Teller<'a> {
    /// Follow-up of the illnesses that a family doctor sees; gives the tests taken.
    pub(crate) fn follow_up(
        &self,
        chart: &mut Chart<'a>,
        at: Moment,
        dice: &mut Dice,
    ) -> Vec<&'a str> {
        let active: Vec<(usize, &Lasting)> = self
            .health
            .illnesses
            .iter()
            .enumerate()
            .filter(|(_, illness)| illness.active(at.day))
            .filter_map(|(number, _)| Some((number, self.row(number)?)))
            .filter(|(_, row)| row.specialty.is_none() && row.lasts.is_none())
            .collect();
        let reasons = active
            .iter()
            .take(3)
            .map(|(_, row)| cie10(&row.cie10, &row.text))
            .collect();
        let visit = chart.visit(clinic(at, "Consulta de control", 20), reasons, dice);
        let pharmacy = chart.institution == Institution::Farmacia;
        self.ask_allergies(chart, &visit, 0.35, dice);
        let diabetic = active.iter().any(|(_, row)| row.key == "diabetes");
        let wanted = Signs {
            weight: dice.chance(0.8),
            pressure: true,
            strip: diabetic && (pharmacy || dice.chance(0.3)),
            ..Signs::default()
        };
        let signs = chart.vitals(&visit, self.body, wanted, dice);
        for (number, _) in &active {
            if let Some(illness) = self.health.illnesses.get(*number) {
                chart.list(&visit, illness.row, illness.onset, illness.end, dice);
            }
            self.treat(chart, &visit, *number, dice);
        }
        let mut taken = Vec::new();
        if !pharmacy {
            let due = active
                .iter()
                .flat_map(|(_, row)| row.tests.iter().map(|t| (t.as_str(), row.test_months)));
            taken = chart.tests_due(&visit, self.body, due, dice);
        }
        if dice.chance(self.note_share())
            && let Some((_, row)) = dice.pick(&active)
            && let Some(note) = dice.pick(self.notes(row, at.day, &signs))
        {
            chart.note(&visit, &signs.after(note), dice);
        }
        taken
    }
    /// The notes that fit how the illness goes that day: those of control, or those of being off it.
    pub(crate) fn notes<'r>(&self, row: &'r Lasting, day: Day, signs: &Taken) -> &'r [String] {
        let off = match row.key.as_str() {
            "hypertension" => signs.systolic.is_some_and(|systolic| systolic >= 140.0),
            "diabetes" => self.body.hba1c(day) >= 8.0,
            _ => false,
        };
        if off { &row.notes_off } else { &row.notes }
    }
    pub(crate) fn note_share(&self) -> f64 {
        self.country.tables().conditions.habits.note_share
    }
    /// The medicines of an illness at this place. Doses step up with the years, and places disagree now and then.
    pub(crate) fn treat(
        &self,
        chart: &mut Chart<'a>,
        visit: &Visit,
        number: usize,
        dice: &mut Dice,
    ) {
        let Some(illness) = self.health.illnesses.get(number) else {
            return;
        };
        for (of, medicine, from) in &self.lines.0 {
            if *of != number || *from > visit.at.day {
                continue;
            }
            let years = visit.at.day.age(*from).max(0.0);
            // A fixed quirk of the place, so that its own dose does not flicker from visit to visit.
            let quirk =
                (chart.institution.number() * 7 + number * 3 + medicine.len()).is_multiple_of(6);
            let dose = self
                .fixed_doses
                .iter()
                .find(|(place, key, _)| *place == chart.institution && key == medicine)
                .map_or((years / 3.0) as usize + usize::from(quirk), |fixed| fixed.2);
            chart.treat(visit, illness.row, medicine, dose, dice);
        }
    }
    /// A visit for one illness that goes its own way: mental health, HIV, cancer, addictions, violence.
    pub(crate) fn specialty(
        &self,
        chart: &mut Chart<'a>,
        at: Moment,
        number: usize,
        dice: &mut Dice,
    ) {
        let (Some(row), Some(illness)) = (self.row(number), self.health.illnesses.get(number))
        else {
            return;
        };
        let reason = cie10(&row.cie10, &row.text);
        let opening = Opening {
            hospital: true,
            specialty: row.specialty.as_deref(),
            ..clinic(at, row.specialty.as_deref().unwrap_or("Consulta"), 40)
        };
        let visit = chart.visit(opening, vec![reason], dice);
        self.ask_allergies(chart, &visit, 0.5, dice);
        chart.list(&visit, illness.row, illness.onset, illness.end, dice);
        let signs = Signs {
            weight: dice.chance(0.5),
            pressure: true,
            ..Signs::default()
        };
        chart.vitals(&visit, self.body, signs, dice);
        self.treat(chart, &visit, number, dice);
        if chart.institution != Institution::Farmacia {
            let due = row.tests.iter().map(|t| (t.as_str(), row.test_months));
            chart.tests_due(&visit, self.body, due, dice);
        }
        let note = match illness.end {
            // Notes of an illness that ends tell its course in their order.
            Some(end) => {
                let course =
                    f64::from(at.day - illness.onset) / f64::from((end - illness.onset).max(1));
                let last = row.notes.len().saturating_sub(1);
                row.notes
                    .get(((course * row.notes.len() as f64) as usize).min(last))
            }
            None => dice.pick(&row.notes),
        };
        if dice.chance(0.8)
            && let Some(note) = note
        {
            chart.note(&visit, note, dice);
        }
    }
}
