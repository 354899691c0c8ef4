//! Who tells a life: events in the order of time, each to the chart of the place where it happened.

use crate::body::Body;
use crate::chart::{Chart, Opening};
use crate::country::Country;
use crate::cover::Institution;
use crate::day::Moment;
use crate::dice::Dice;
use crate::disease::Health;
use crate::follow_up::Lines;
use crate::life::InstitutionRecord;
use crate::person::Person;
use crate::plan::{Event, Pregnancy, Why};
use crate::resources::Visit;
use crate::tables::{Allergy, Lasting};
use fhir::obj;

/// Tells events to the charts of the institutions where they happen.
pub(crate) struct Teller<'a> {
    pub(crate) country: &'a Country,
    pub(crate) person: &'a Person,
    pub(crate) health: &'a Health,
    pub(crate) body: &'a Body,
    pub(crate) pregnancies: &'a [Pregnancy],
    pub(crate) allergies: Vec<&'a Allergy>,
    pub(crate) lines: Lines<'a>,
    /// Doses of a story written by hand, by place and medicine; they go before the rule.
    pub(crate) fixed_doses: &'a [(Institution, &'a str, usize)],
    pub(crate) charts: [Option<Chart<'a>>; 6],
}

impl<'a> Teller<'a> {
    /// Runs `write` with the chart of a place, opened if this is the first contact.
    pub(crate) fn with<R>(
        &mut self,
        place: Institution,
        dice: &mut Dice,
        write: impl FnOnce(&mut Chart<'a>, &Teller<'a>, &mut Dice) -> R,
    ) -> Option<R> {
        let slot = self.charts.get_mut(place.number())?;
        let mut chart = match slot.take() {
            Some(chart) => chart,
            None => Chart::open(self.country, place, self.person, dice),
        };
        let result = write(&mut chart, self, dice);
        if let Some(slot) = self.charts.get_mut(place.number()) {
            *slot = Some(chart);
        }
        Some(result)
    }
    /// Everybody is registered at least where she is covered today.
    pub(crate) fn somewhere(&mut self, cover: Option<Institution>, dice: &mut Dice) {
        if self.charts.iter().all(Option::is_none) {
            let place = cover.unwrap_or(Institution::ImssBienestar);
            self.with(place, dice, |_, _, _| ());
        }
    }
    /// What each institution has in the end.
    pub(crate) fn finish(self) -> Vec<InstitutionRecord> {
        self.charts
            .into_iter()
            .flatten()
            .map(Chart::finish)
            .collect()
    }
    /// Tells an event; now and then its tests are taken again elsewhere.
    pub(crate) fn tell(&mut self, event: &Event, dice: &mut Dice) {
        let tests = self.tell_plainly(event, dice);
        let share = self.country.tables().conditions.habits.duplicate_tests;
        if !tests.is_empty() && dice.chance(share) {
            self.again_elsewhere(event, &tests, dice);
        }
    }
    /// Tells an event and nothing else; gives the tests that a follow-up took.
    pub(crate) fn tell_plainly(&mut self, event: &Event, dice: &mut Dice) -> Vec<&'a str> {
        let at = Moment {
            day: event.day,
            minute: event.minute,
        };
        let taken = self.with(event.place, dice, |chart, life, dice| {
            if let Why::FollowUp = event.why {
                return life.follow_up(chart, at, dice);
            }
            life.once(chart, at, &event.why, dice);
            Vec::new()
        });
        taken.unwrap_or_default()
    }
    pub(crate) fn once(&self, chart: &mut Chart<'a>, at: Moment, why: &Why, dice: &mut Dice) {
        match why {
            Why::FollowUp => {
                self.follow_up(chart, at, dice);
            }
            Why::Specialty(number) => self.specialty(chart, at, *number, dice),
            Why::Episode(row) => self.episode(chart, at, *row, dice),
            Why::Prenatal(number, week) => self.prenatal(chart, at, *number, *week, dice),
            Why::Birth(number) => self.birth(chart, at, *number, dice),
            Why::Vaccines(doses) => {
                let doses: Vec<(&str, &str, u8)> = doses
                    .iter()
                    .map(|due| (due.dose.cvx, due.dose.name, due.dose.number))
                    .collect();
                self.vaccines(chart, at, &doses, dice);
            }
            Why::Tdap => self.vaccines(chart, at, &[("115", "Tdpa (embarazo)", 1)], dice),
            Why::Surgery(row) => self.surgery(chart, at, *row, dice),
            Why::Cytology => self.cytology(chart, at, dice),
            Why::Mammography => self.mammography(chart, at, dice),
            Why::ProstateTest => {
                let kind = "Detección de cáncer de próstata";
                self.simple(chart, at, kind, &["psa"], dice);
            }
            Why::CheckUp => {
                let blood =
                    chart.institution != Institution::Farmacia && self.body.age(at.day) >= 20.0;
                let tests: &[&'static str] = if blood {
                    &["glucose", "cholesterol", "triglycerides"]
                } else {
                    &[]
                };
                self.simple(chart, at, "Chequeo preventivo", tests, dice);
            }
        }
    }
    /// The complaint of every patient: another institution takes the same tests days later, since it cannot see them.
    pub(crate) fn again_elsewhere(&mut self, event: &Event, tests: &[&'a str], dice: &mut Dice) {
        let other = if event.place == Institution::Privado {
            Institution::Farmacia
        } else {
            Institution::Privado
        };
        let day = (event.day + dice.between(1, 9)).working();
        if day > self.country.today_number() {
            return;
        }
        let at = Moment {
            day,
            minute: event.minute,
        };
        self.with(other, dice, |chart, life, dice| {
            let visit = chart.visit(clinic(at, "Segunda opinión", 25), Vec::new(), dice);
            life.ask_allergies(chart, &visit, 0.4, dice);
            for test in tests.iter().take(4) {
                chart.test(&visit, life.body, test, dice);
            }
            chart.note(
                &visit,
                "No trae estudios previos. Se solicitan de nuevo para valorar el caso.",
                dice,
            );
        });
    }
    pub(crate) fn row(&self, number: usize) -> Option<&'a Lasting> {
        let illness = self.health.illnesses.get(number)?;
        self.country.tables().conditions.lasting.get(illness.row)
    }
    pub(crate) fn ask_allergies(
        &self,
        chart: &mut Chart<'a>,
        visit: &Visit,
        asked: f64,
        dice: &mut Dice,
    ) {
        if chart.asked_allergies || !dice.chance(asked) {
            return;
        }
        chart.asked_allergies = true;
        for allergy in &self.allergies {
            chart.allergy(visit, allergy, dice);
        }
        // The blood group is asked with it, and now and then written down wrong.
        if dice.chance(0.3) {
            let groups = &self.country.tables().people.blood.groups;
            let wrong = dice.chance(0.03).then(|| dice.pick(groups)).flatten();
            let group = wrong.unwrap_or(&self.person.blood);
            blood_group(chart, visit, group, dice);
        }
    }
}

/// A visit to a consulting room.
pub(crate) fn clinic(at: Moment, kind: &str, minutes: i32) -> Opening<'_> {
    Opening {
        at,
        class: "AMB",
        kind,
        minutes,
        hospital: false,
        specialty: None,
        nurse: false,
    }
}

/// A result in words.
pub(crate) fn finding(
    chart: &mut Chart<'_>,
    visit: &Visit,
    loinc: &str,
    text: &str,
    result: &str,
    dice: &mut Dice,
) {
    let mut resource = visit.observation(&dice.uuid(), "laboratory", loinc, text);
    resource.set("valueString", result);
    chart.entries.push(resource);
}

/// ABO and Rh group as one Observation.
pub(crate) fn blood_group(chart: &mut Chart<'_>, visit: &Visit, group: &str, dice: &mut Dice) {
    let mut resource = visit.observation(
        &dice.uuid(),
        "laboratory",
        "882-1",
        "Grupo sanguíneo ABO y Rh",
    );
    resource.set("valueCodeableConcept", obj! { "text" => group });
    chart.entries.push(resource);
}
