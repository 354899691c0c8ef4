//! Visits that stand alone: acute illness, pregnancy and birth, vaccines, surgery, screening.

use crate::chart::{Chart, Opening};
use crate::cover::Institution;
use crate::day::Moment;
use crate::dice::Dice;
use crate::measure::{Signs, Taken};
use crate::plan::Pregnancy;
use crate::resources::{Visit, cie10};
use crate::tables::Episode;
use crate::tell::{Teller, clinic, finding};

impl<'a> Teller<'a> {
    pub(crate) fn episode(&self, chart: &mut Chart<'a>, at: Moment, row: usize, dice: &mut Dice) {
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
    pub(crate) fn acute_signs(
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
    pub(crate) fn prenatal(
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
    pub(crate) fn birth(&self, chart: &mut Chart<'a>, at: Moment, number: usize, dice: &mut Dice) {
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
    pub(crate) fn vaccines(
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
    pub(crate) fn surgery(&self, chart: &mut Chart<'a>, at: Moment, row: usize, dice: &mut Dice) {
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
    pub(crate) fn cytology(&self, chart: &mut Chart<'a>, at: Moment, dice: &mut Dice) {
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
    pub(crate) fn mammography(&self, chart: &mut Chart<'a>, at: Moment, dice: &mut Dice) {
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
    pub(crate) fn simple(
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
