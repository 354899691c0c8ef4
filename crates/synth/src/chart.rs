//! One institution's chart of one person: what it registered, what it knows so far, what it writes at a visit.

use crate::country::Country;
use crate::cover::Institution;
use crate::day::{Day, Moment};
use crate::dice::Dice;
use crate::life::InstitutionRecord;
use crate::person::Person;
use crate::registration::{self, Card};
use crate::resources::{Visit, cie10};
use crate::tables::{Allergy, Medicine};
use fhir::Value;
use std::collections::BTreeMap;

/// A chart that grows visit by visit, in the order of time.
pub(crate) struct Chart<'c> {
    pub(crate) country: &'c Country,
    pub(crate) institution: Institution,
    pub(crate) person: &'c Person,
    pub(crate) card: Card,
    pub(crate) entries: Vec<Value>,
    /// Illnesses on the problem list, by row and onset.
    known: Vec<(usize, Day)>,
    /// Last day of each test.
    pub(crate) last_test: BTreeMap<&'c str, Day>,
    /// What is being taken, by illness and medicine.
    prescribed: BTreeMap<(usize, &'c str), Prescribed>,
    pub(crate) height_on: Option<Day>,
    pub(crate) asked_allergies: bool,
    /// ATC groups that this institution knows she must not get.
    avoided: Vec<&'c str>,
}

/// A prescription in force.
#[derive(Clone, Copy, Debug)]
struct Prescribed {
    entry: usize,
    on: Day,
    dose: usize,
}

/// How a visit is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) at: Moment,
    /// AMB, EMER, IMP, VR.
    pub(crate) class: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) minutes: i32,
    pub(crate) hospital: bool,
    pub(crate) specialty: Option<&'a str>,
    /// A nurse sees the person.
    pub(crate) nurse: bool,
}

impl<'c> Chart<'c> {
    /// Registers the person; the first entry is her Patient.
    pub(crate) fn open(
        country: &'c Country,
        institution: Institution,
        person: &'c Person,
        dice: &mut Dice,
    ) -> Chart<'c> {
        let row = institution.registration(&country.tables().affiliation);
        let card = registration::card(row, person, dice);
        Chart::with_card(country, institution, person, card, dice)
    }
    /// The same with a card filled in by the caller.
    pub(crate) fn with_card(
        country: &'c Country,
        institution: Institution,
        person: &'c Person,
        card: Card,
        dice: &mut Dice,
    ) -> Chart<'c> {
        let unit = country.house(institution).unit(person.lives_in, false);
        let (clues, unit) = unit.map_or(("", ""), |unit| (&unit.clues, &unit.id));
        let patient = card.patient(person, institution, clues, unit, dice);
        Chart {
            country,
            institution,
            person,
            card,
            entries: vec![patient],
            known: Vec::new(),
            last_test: BTreeMap::new(),
            prescribed: BTreeMap::new(),
            height_on: None,
            asked_allergies: false,
            avoided: Vec::new(),
        }
    }
    /// Opens a visit: writes its Encounter and gives what the other resources point to.
    pub(crate) fn visit(
        &mut self,
        opening: Opening<'_>,
        reasons: Vec<Value>,
        dice: &mut Dice,
    ) -> Visit {
        let house = self.country.house(self.institution);
        let unit = house.unit(self.person.lives_in, opening.hospital);
        let doctor = unit.and_then(|unit| {
            if opening.nurse {
                unit.nurse()
            } else {
                unit.doctor(opening.specialty, dice)
            }
        });
        let visit = Visit {
            id: dice.uuid(),
            patient: self.card.id.clone(),
            doctor: doctor.map_or_else(String::new, |d| d.id.clone()),
            doctor_name: doctor.map_or_else(String::new, |d| d.name.clone()),
            unit: unit.map_or_else(String::new, |u| u.id.clone()),
            unit_name: unit.map_or_else(String::new, |u| u.name.clone()),
            at: opening.at,
        };
        // A stay that would reach past today ends today.
        let left = (self.country.today_number() - opening.at.day) * 1440 + 1439;
        let minutes = opening.minutes.min(left - opening.at.minute).max(1);
        self.entries
            .push(visit.resource(opening.class, opening.kind, minutes, reasons));
        visit
    }
    /// Puts a lasting illness on the problem list, once.
    pub(crate) fn list(
        &mut self,
        visit: &Visit,
        row: usize,
        onset: Day,
        end: Option<Day>,
        dice: &mut Dice,
    ) {
        if self.known.contains(&(row, onset)) {
            return;
        }
        let Some(condition) = self.country.tables().conditions.lasting.get(row) else {
            return;
        };
        self.known.push((row, onset));
        let end = end.filter(|end| *end <= self.country.today_number());
        let code = cie10(&condition.cie10, &condition.text);
        let onset = onset.min(visit.at.day);
        let resource = visit.condition(&dice.uuid(), code, onset, end, true);
        self.entries.push(resource);
    }
    /// A diagnosis of this visit alone, over after some days.
    pub(crate) fn diagnose(&mut self, visit: &Visit, code: Value, days: i32, dice: &mut Dice) {
        let onset = visit.at.day + -dice.between(1, 4);
        let end = Some(visit.at.day + days).filter(|end| *end <= self.country.today_number());
        let resource = visit.condition(
            &dice.uuid(),
            code,
            onset.max(Day::of(self.person.birth)),
            end,
            false,
        );
        self.entries.push(resource);
    }
    /// Prescribes or renews a medicine of a lasting illness: written when new, when the dose changes, and once a year.
    pub(crate) fn treat(
        &mut self,
        visit: &Visit,
        row: usize,
        key: &'c str,
        dose: usize,
        dice: &mut Dice,
    ) {
        let Some(medicine) = self.country.tables().medicines.medicine.get(key) else {
            return;
        };
        let dose = dose.min(medicine.doses.len().saturating_sub(1));
        let slot = (row, key);
        if let Some(old) = self.prescribed.get(&slot).copied() {
            if old.dose == dose && visit.at.day - old.on < 330 {
                return;
            }
            self.close(
                old,
                if old.dose == dose {
                    "completed"
                } else {
                    "stopped"
                },
            );
        }
        let reason = self
            .country
            .tables()
            .conditions
            .lasting
            .get(row)
            .map(|condition| cie10(&condition.cie10, &condition.text));
        let repeats = repeats(medicine, 5);
        let text = medicine.doses.get(dose).map_or("", String::as_str);
        let resource = visit.prescription(&dice.uuid(), medicine, text, repeats, reason, "active");
        let entry = self.entries.len();
        let on = visit.at.day;
        self.prescribed.insert(slot, Prescribed { entry, on, dose });
        self.entries.push(resource);
    }
    /// Prescribes a course that ends by itself, unless the institution knows of an allergy to it. One that does not
    /// know prescribes it all the same.
    pub(crate) fn prescribe_course(
        &mut self,
        visit: &Visit,
        key: &str,
        reason: Value,
        dice: &mut Dice,
    ) {
        let Some(medicine) = self.country.tables().medicines.medicine.get(key) else {
            return;
        };
        let Some(dose) = dice.pick(&medicine.doses) else {
            return;
        };
        if self
            .avoided
            .iter()
            .any(|group| medicine.atc.starts_with(group))
        {
            return;
        }
        let over = self.country.today_number() - visit.at.day > 14;
        let status = if over { "completed" } else { "active" };
        let resource = visit.prescription(&dice.uuid(), medicine, dose, 0, Some(reason), status);
        self.entries.push(resource);
    }
    fn close(&mut self, old: Prescribed, status: &str) {
        if let Some(entry) = self.entries.get_mut(old.entry) {
            entry.set("status", status);
        }
    }
    /// Writes down an allergy, once per chart and allergy (the caller asks once).
    pub(crate) fn allergy(&mut self, visit: &Visit, allergy: &'c Allergy, dice: &mut Dice) {
        self.avoided.extend(allergy.atc.as_deref());
        let resource = visit.allergy(&dice.uuid(), allergy);
        self.entries.push(resource);
    }
    pub(crate) fn note(&mut self, visit: &Visit, summary: &str, dice: &mut Dice) {
        let resource = visit.note(&dice.uuid(), summary);
        self.entries.push(resource);
    }
    /// The chart as it stands today: prescriptions that nobody renewed are over.
    pub(crate) fn finish(mut self) -> InstitutionRecord {
        let today = self.country.today_number();
        let stale: Vec<Prescribed> = self
            .prescribed
            .values()
            .copied()
            .filter(|p| today - p.on > 430)
            .collect();
        for old in stale {
            self.close(old, "completed");
        }
        InstitutionRecord {
            institution: self.institution,
            patient_id: self.card.id,
            folio: self.card.folio,
            recorded_curp: self.card.curp,
            faults: self.card.faults,
            entries: self.entries,
        }
    }
}

/// Refills that the group of the medicine lets a doctor allow, at most `wish`.
fn repeats(medicine: &Medicine, wish: u32) -> u32 {
    if medicine.antibiotic {
        return 0;
    }
    let Some(group) = mx::medicine::MedicineGroup::from_numeral(&medicine.group) else {
        return wish;
    };
    match group.rule().fills {
        mx::medicine::Fills::Law(fills) => wish.min(fills.saturating_sub(1)),
        mx::medicine::Fills::Prescriber | mx::medicine::Fills::Free => wish,
    }
}
