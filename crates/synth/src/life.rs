//! A life told by the institutions that saw it.

use crate::body::Body;
use crate::chart::{Chart, Opening};
use crate::country::Country;
use crate::cover::{Cover, Institution, cover_on};
use crate::day::{Day, Moment};
use crate::dice::Dice;
use crate::disease::Health;
use crate::measure::{Signs, Taken};
use crate::person::Person;
use crate::plan::{self, Event, Pregnancy, Why};
use crate::resources::{Visit, cie10};
use crate::tables::{Allergy, Episode, Lasting};
use fhir::{Value, obj};

/// A person and everything that is written of her.
#[derive(Clone, Debug)]
pub struct Life {
    /// Number of the life in its seed.
    pub index: u64,
    /// Who she is, without any clerk's mistake.
    pub person: Person,
    /// Who covered her when, oldest first.
    pub covers: Vec<Cover>,
    /// What each institution has, in the order of [`Institution::ALL`]; never empty.
    pub records: Vec<InstitutionRecord>,
}

/// What one institution has of one person.
#[derive(Clone, Debug)]
pub struct InstitutionRecord {
    /// Which institution.
    pub institution: Institution,
    /// Id of its Patient, the first entry.
    pub patient_id: String,
    /// Its own number for the person.
    pub folio: String,
    /// The CURP as it wrote it, if it did.
    pub recorded_curp: Option<String>,
    /// What is wrong or lacking on its card: `curp-missing`, `curp-generic`, `curp-wrong-digit`, `curp-typed-wrong`,
    /// `second-surname-missing`, `name-typo`, `day-and-month-exchanged`.
    pub faults: Vec<&'static str>,
    /// Resources; references stay among them and the institution's [`Country::shared`].
    pub entries: Vec<Value>,
}

impl Life {
    /// Number of resources at all institutions.
    pub fn resources(&self) -> usize {
        self.records.iter().map(|record| record.entries.len()).sum()
    }
    /// What one institution has.
    pub fn at(&self, institution: Institution) -> Option<&InstitutionRecord> {
        self.records
            .iter()
            .find(|record| record.institution == institution)
    }
}

/// A transaction Bundle that puts each resource at its id: sent twice, it changes nothing the second time.
pub fn transaction(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources
        .iter()
        .filter_map(|resource| {
            let kind = resource.text("resourceType")?;
            let id = resource.text("id")?;
            Some(obj! {
                "fullUrl" => format!("urn:uuid:{id}"),
                "resource" => resource,
                "request" => obj! { "method" => "PUT", "url" => format!("{kind}/{id}") },
            })
        })
        .collect();
    obj! { "resourceType" => "Bundle", "type" => "transaction", "entry" => entries }
}

/// Plans a life and lets each institution write its part.
pub(crate) fn live(
    country: &Country,
    index: u64,
    person: Person,
    covers: Vec<Cover>,
    health: &Health,
    dice: &mut Dice,
) -> Life {
    let tables = country.tables();
    let body = Body::new(&tables.conditions, &person, health, dice);
    let plan = plan::plan(country, &person, &covers, health, dice);
    let allergies: Vec<&Allergy> = tables
        .conditions
        .allergy
        .iter()
        .filter(|allergy| dice.chance(allergy.p))
        .collect();
    let mut teller = Teller {
        country,
        person: &person,
        health,
        body: &body,
        pregnancies: &plan.pregnancies,
        allergies,
        lines: Lines::draw(&tables.conditions.lasting, health, dice),
        fixed_doses: &[],
        charts: [None, None, None, None, None, None],
    };
    for event in &plan.events {
        teller.tell(event, dice);
    }
    teller.somewhere(cover_on(&covers, country.today_number()), dice);
    let records = teller.finish();
    Life {
        index,
        person,
        covers,
        records,
    }
}

/// Which treatments each illness gets, decided once: (illness number, medicine, from which day on).
pub(crate) struct Lines<'c>(pub(crate) Vec<(usize, &'c str, Day)>);

impl<'c> Lines<'c> {
    fn draw(table: &'c [Lasting], health: &Health, dice: &mut Dice) -> Lines<'c> {
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
    fn somewhere(&mut self, cover: Option<Institution>, dice: &mut Dice) {
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
    fn tell(&mut self, event: &Event, dice: &mut Dice) {
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
    fn once(&self, chart: &mut Chart<'a>, at: Moment, why: &Why, dice: &mut Dice) {
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

    fn row(&self, number: usize) -> Option<&'a Lasting> {
        let illness = self.health.illnesses.get(number)?;
        self.country.tables().conditions.lasting.get(illness.row)
    }
    fn ask_allergies(&self, chart: &mut Chart<'a>, visit: &Visit, asked: f64, dice: &mut Dice) {
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

    /// Follow-up of the illnesses that a family doctor sees; gives the tests taken.
    fn follow_up(&self, chart: &mut Chart<'a>, at: Moment, dice: &mut Dice) -> Vec<&'a str> {
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
    fn notes<'r>(&self, row: &'r Lasting, day: Day, signs: &Taken) -> &'r [String] {
        let off = match row.key.as_str() {
            "hypertension" => signs.systolic.is_some_and(|systolic| systolic >= 140.0),
            "diabetes" => self.body.hba1c(day) >= 8.0,
            _ => false,
        };
        if off { &row.notes_off } else { &row.notes }
    }
    fn note_share(&self) -> f64 {
        self.country.tables().conditions.habits.note_share
    }
    /// The medicines of an illness at this place. Doses step up with the years, and places disagree now and then.
    fn treat(&self, chart: &mut Chart<'a>, visit: &Visit, number: usize, dice: &mut Dice) {
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
    fn specialty(&self, chart: &mut Chart<'a>, at: Moment, number: usize, dice: &mut Dice) {
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
    fn episode(&self, chart: &mut Chart<'a>, at: Moment, row: usize, dice: &mut Dice) {
        let Some(episode) = self.country.tables().conditions.episode.get(row) else {
            return;
        };
        let reason = cie10(&episode.cie10, &episode.text);
        let opening = if episode.hospital {
            Opening {
                class: "IMP",
                hospital: true,
                specialty: Some("Medicina interna"),
                ..clinic(at, "Hospitalización", 1440 * dice.between(2, 7))
            }
        } else {
            clinic(at, "Consulta general", 15)
        };
        let visit = chart.visit(opening, vec![reason.clone()], dice);
        self.ask_allergies(
            chart,
            &visit,
            if episode.hospital { 0.9 } else { 0.15 },
            dice,
        );
        let feverish = dice.chance(episode.fever);
        let signs = self.acute_signs(chart, &visit, episode, feverish, dice);
        chart.diagnose(&visit, reason.clone(), dice.between(4, 14), dice);
        let child = self.body.age(at.day) < 12.0;
        for (medicine, p) in &episode.medicines {
            if !dice.chance(*p) {
                continue;
            }
            let key = match (medicine.as_str(), child) {
                ("paracetamol" | "ibuprofeno", true) => "paracetamol_nino",
                (key, _) => key,
            };
            chart.prescribe_course(&visit, key, reason.clone(), dice);
        }
        let fitting: Vec<&String> = episode
            .notes
            .iter()
            .filter(|note| feverish || !note.to_lowercase().contains("fiebre"))
            .collect();
        if dice.chance(self.note_share())
            && let Some(note) = dice.pick(&fitting)
        {
            chart.note(&visit, &signs.after(note), dice);
        }
        if chart.institution != Institution::Farmacia && dice.chance(0.03) {
            let resource = visit.referral(&dice.uuid(), "Medicina interna", reason);
            chart.entries.push(resource);
        }
    }
    fn acute_signs(
        &self,
        chart: &mut Chart<'a>,
        visit: &Visit,
        episode: &Episode,
        feverish: bool,
        dice: &mut Dice,
    ) -> Taken {
        let lungs = matches!(episode.key.as_str(), "bronchitis" | "pneumonia" | "covid");
        let signs = Signs {
            weight: dice.chance(0.4),
            pressure: dice.chance(0.7),
            temperature: (episode.fever > 0.0)
                .then(|| if feverish { dice.range(0.9, 2.6) } else { 0.0 }),
            oxygen: lungs || dice.chance(0.1),
            strip: false,
        };
        chart.vitals(visit, self.body, signs, dice)
    }
    fn prenatal(
        &self,
        chart: &mut Chart<'a>,
        at: Moment,
        number: usize,
        week: i32,
        dice: &mut Dice,
    ) {
        let Some(pregnancy) = self.pregnancies.get(number) else {
            return;
        };
        let reason = cie10("Z349", "Supervisión de embarazo normal, no especificado");
        let visit = chart.visit(clinic(at, "Control prenatal", 25), vec![reason], dice);
        self.ask_allergies(chart, &visit, 0.7, dice);
        let wanted = Signs {
            weight: true,
            pressure: true,
            ..Signs::default()
        };
        let signs = chart.vitals(&visit, self.body, wanted, dice);
        if chart.institution != Institution::Farmacia {
            let tests = [("hemoglobin", 3), ("glucose", 3)];
            chart.tests_due(&visit, self.body, tests.into_iter(), dice);
        }
        if week < 20 {
            let reason = cie10("Z349", "Supervisión de embarazo normal, no especificado");
            chart.prescribe_course(&visit, "folico", reason, dice);
        }
        if (24..32).contains(&week) && pregnancy.gestational_diabetes {
            let code = cie10("O244", "Diabetes mellitus que se origina con el embarazo");
            chart.diagnose(&visit, code, 90, dice);
        }
        let note = format!(
            "Embarazo de {week} semanas. Movimientos fetales {}, sin datos de alarma.",
            if week < 20 {
                "aún no referidos"
            } else {
                "presentes"
            }
        );
        chart.note(&visit, &signs.after(&note), dice);
    }
    fn birth(&self, chart: &mut Chart<'a>, at: Moment, number: usize, dice: &mut Dice) {
        let Some(pregnancy) = self.pregnancies.get(number) else {
            return;
        };
        let Pregnancy {
            caesarean,
            preeclampsia,
            ..
        } = *pregnancy;
        let (code, text, procedure, procedure_text) = if caesarean {
            (
                "O829",
                "Parto por cesárea, sin otra especificación",
                "741",
                "Cesárea clásica baja",
            )
        } else {
            (
                "O809",
                "Parto único espontáneo, sin otra especificación",
                "7359",
                "Parto asistido manualmente",
            )
        };
        let reason = cie10(code, text);
        let opening = Opening {
            class: "IMP",
            hospital: true,
            specialty: Some("Ginecología y obstetricia"),
            ..clinic(at, "Atención del parto", 1440 * dice.between(1, 3))
        };
        let visit = chart.visit(opening, vec![reason.clone()], dice);
        self.ask_allergies(chart, &visit, 0.9, dice);
        chart.diagnose(&visit, reason.clone(), 2, dice);
        if preeclampsia {
            let code = cie10("O149", "Preeclampsia, no especificada");
            chart.diagnose(&visit, code, 20, dice);
        }
        let resource = visit.procedure(&dice.uuid(), procedure, procedure_text, reason);
        chart.entries.push(resource);
        chart.test(&visit, self.body, "hemoglobin", dice);
    }
    fn vaccines(
        &self,
        chart: &mut Chart<'a>,
        at: Moment,
        doses: &[(&str, &str, u8)],
        dice: &mut Dice,
    ) {
        let opening = Opening {
            nurse: true,
            ..clinic(at, "Vacunación", 10)
        };
        let visit = chart.visit(opening, Vec::new(), dice);
        if self.body.age(at.day) < 6.0 {
            let signs = Signs {
                weight: true,
                ..Signs::default()
            };
            chart.vitals(&visit, self.body, signs, dice);
        }
        for (cvx, name, number) in doses {
            let lot = format!(
                "{}{:05}",
                char::from(b'A' + dice.between(0, 25) as u8),
                dice.between(0, 99_999)
            );
            let resource = visit.immunization(&dice.uuid(), cvx, name, *number, &lot);
            chart.entries.push(resource);
        }
    }
    fn surgery(&self, chart: &mut Chart<'a>, at: Moment, row: usize, dice: &mut Dice) {
        let Some(surgery) = self.country.tables().conditions.surgery.get(row) else {
            return;
        };
        let reason = cie10(&surgery.cie10, &surgery.text);
        let opening = Opening {
            class: "IMP",
            hospital: true,
            specialty: Some("Cirugía general"),
            ..clinic(at, "Hospitalización", 1440 * dice.between(1, 4))
        };
        let visit = chart.visit(opening, vec![reason.clone()], dice);
        self.ask_allergies(chart, &visit, 0.95, dice);
        let signs = Signs {
            weight: true,
            pressure: true,
            temperature: Some(0.3),
            oxygen: true,
            strip: false,
        };
        chart.vitals(&visit, self.body, signs, dice);
        chart.diagnose(&visit, reason.clone(), 15, dice);
        for test in ["glucose", "creatinine", "hemoglobin"] {
            chart.test(&visit, self.body, test, dice);
        }
        let resource = visit.procedure(
            &dice.uuid(),
            &surgery.procedure,
            &surgery.procedure_text,
            reason.clone(),
        );
        chart.entries.push(resource);
        chart.prescribe_course(&visit, "paracetamol", reason, dice);
        let note = format!(
            "{} sin complicaciones. Egreso por mejoría.",
            surgery.procedure_text
        );
        chart.note(&visit, &note, dice);
    }
    fn cytology(&self, chart: &mut Chart<'a>, at: Moment, dice: &mut Dice) {
        let visit = chart.visit(
            clinic(at, "Detección de cáncer cervicouterino", 15),
            vec![cie10(
                "Z124",
                "Examen de pesquisa especial para tumor del cuello uterino",
            )],
            dice,
        );
        let result = if dice.chance(0.96) {
            "Negativo a lesión intraepitelial o malignidad"
        } else {
            "Lesión intraepitelial de bajo grado"
        };
        finding(chart, &visit, "10524-7", "Citología cervical", result, dice);
    }
    fn mammography(&self, chart: &mut Chart<'a>, at: Moment, dice: &mut Dice) {
        let visit = chart.visit(
            clinic(at, "Mastografía de detección", 20),
            vec![cie10(
                "Z123",
                "Examen de pesquisa especial para tumor de la mama",
            )],
            dice,
        );
        let result = match dice.weighted(&[0.35, 0.55, 0.08, 0.02]) {
            0 => "BI-RADS 1: negativa",
            1 => "BI-RADS 2: hallazgos benignos",
            2 => "BI-RADS 0: requiere estudio adicional",
            _ => "BI-RADS 4: sospechosa",
        };
        finding(
            chart,
            &visit,
            "24606-6",
            "Mastografía de detección",
            result,
            dice,
        );
    }
    /// A visit that takes signs and some tests.
    fn simple(
        &self,
        chart: &mut Chart<'a>,
        at: Moment,
        kind: &str,
        tests: &[&'static str],
        dice: &mut Dice,
    ) {
        let visit = chart.visit(clinic(at, kind, 20), Vec::new(), dice);
        self.ask_allergies(chart, &visit, 0.3, dice);
        let signs = Signs {
            weight: true,
            pressure: true,
            ..Signs::default()
        };
        chart.vitals(&visit, self.body, signs, dice);
        for test in tests {
            chart.test(&visit, self.body, test, dice);
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
fn finding(
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
