//! The prescription of one medicine, after the rules of its group (General Health Law, art. 226) and of its content
//! (RIS, arts. 29 to 31).

use crate::{Context, Wrong, check_texts, concept};
use fhir::{Value, obj, search::fold};
use mx::medicine::{Fills, MedicineGroup, last_day};

/// A prescription as entered.
#[derive(Clone, Debug, Default)]
pub struct Prescription {
    /// Generic name (art. 31 RIS).
    pub medicine: String,
    /// ATC code, may be empty.
    pub atc: String,
    /// Dose and presentation: `850 mg, tableta`.
    pub dose: String,
    /// Route: `oral`.
    pub route: String,
    /// Frequency: `cada 12 horas`.
    pub frequency: String,
    /// Days.
    pub days: u32,
    /// Group of art. 226; when the prescriber did not say, IV: on prescription, as often as she says.
    pub group: Option<MedicineGroup>,
    /// Diagnosis, needed where the group asks for it (I).
    pub diagnosis: String,
}

/// Names that mean the same family to somebody allergic: an allergy to the first is one to each.
const FAMILIES: [(&str, &[&str]); 4] = [
    (
        "penicilina",
        &[
            "amoxicilina",
            "ampicilina",
            "bencilpenicilina",
            "dicloxacilina",
            "penicilina",
        ],
    ),
    (
        "sulfa",
        &[
            "sulfametoxazol",
            "trimetoprima con sulfametoxazol",
            "sulfadiazina",
        ],
    ),
    (
        "aines",
        &[
            "ibuprofeno",
            "naproxeno",
            "diclofenaco",
            "ketorolaco",
            "acido acetilsalicilico",
            "metamizol",
        ],
    ),
    ("aspirina", &["acido acetilsalicilico"]),
];

/// The MedicationRequest of a prescription. `allergies` are the texts of known allergies, from wherever they are known: a match is a
/// [`Wrong`] on `medicine` unless the prescriber decided `despite` it, and then the resource says so. Wrong too: missing
/// contents, a group that is none, more days than the group allows, group I without a diagnosis.
pub fn prescribe(
    context: &Context,
    entered: &Prescription,
    allergies: &[String],
    despite: bool,
    id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    let wrong = check(context, entered, allergies, despite);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let group = entered.group.unwrap_or(MedicineGroup::IV);
    let rule = group.rule();
    let dosage = format!(
        "{}, {}, {}, por {} días",
        entered.dose.trim(),
        entered.route.trim(),
        entered.frequency.trim(),
        entered.days
    );
    let start = context.now.get(..10).unwrap_or(&context.now);
    let until = start
        .parse()
        .ok()
        .and_then(|day| last_day(rule.validity, day))
        .map(|day| day.to_string());
    let repeats = match rule.fills {
        Fills::Law(fills) => Some(fills.saturating_sub(1)),
        Fills::Prescriber | Fills::Free => None,
    };
    let warned = allergies.iter().find(|a| clash(&entered.medicine, a));
    Ok(vec![obj! {
        "resourceType" => "MedicationRequest",
        "id" => id(),
        "extension" => [obj! { "url" => mx::systems::EXT_MEDICINE_GROUP, "valueCode" => group.numeral() }],
        "status" => "active",
        "intent" => "order",
        "medicationCodeableConcept" => concept("http://www.whocc.no/atc", entered.atc.trim(), &entered.medicine),
        "subject" => context.subject(),
        "authoredOn" => context.now.as_str(),
        "requester" => context.by(),
        "reasonCode" => (!entered.diagnosis.trim().is_empty()).then(|| vec![obj! { "text" => entered.diagnosis.trim() }]),
        "note" => warned.map(|a| vec![obj! { "text" => format!("Recetado a sabiendas de la alergia registrada: {a}.") }]),
        "dosageInstruction" => [obj! {
            "text" => dosage,
            "route" => obj! { "text" => entered.route.trim() },
        }],
        "dispenseRequest" => obj! {
            "validityPeriod" => obj! { "start" => start, "end" => until },
            "numberOfRepeatsAllowed" => repeats,
            "expectedSupplyDuration" => obj! {
                "value" => entered.days, "unit" => "d", "system" => "http://unitsofmeasure.org", "code" => "d",
            },
        },
    }])
}

fn check(
    context: &Context,
    entered: &Prescription,
    allergies: &[String],
    despite: bool,
) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let rule = entered.group.map(MedicineGroup::rule);
    check_texts(
        &mut wrong,
        &[
            ("medicine", &entered.medicine, true),
            ("dose", &entered.dose, true),
            ("route", &entered.route, true),
            ("frequency", &entered.frequency, true),
            (
                "diagnosis",
                &entered.diagnosis,
                rule.is_some_and(|r| r.diagnosis),
            ),
        ],
    );
    if context.cedula.is_empty() {
        wrong.push(Wrong::new(
            "medicine",
            "Para recetar hace falta una cédula profesional.",
            "Prescribing needs a professional licence.",
        ));
    }
    // A year bounds what the law leaves open.
    let most = u32::from(rule.and_then(|r| r.treatment_days).unwrap_or(365));
    if !(1..=most).contains(&entered.days) {
        wrong.push(Wrong::new(
            "days",
            format!("Los días van de 1 a {most}."),
            format!("Days go from 1 to {most}."),
        ));
    }
    if let Some(allergy) = allergies
        .iter()
        .find(|a| !despite && clash(&entered.medicine, a))
    {
        wrong.push(Wrong::new(
            "medicine",
            format!("Alergia registrada: {allergy}. Cambia el medicamento o confirma que lo recetas a sabiendas."),
            format!("Recorded allergy: {allergy}. Change the medicine or confirm that you prescribe it knowingly."),
        ));
    }
    wrong
}

/// Whether a medicine is what an allergy is about, by name or by family.
fn clash(medicine: &str, allergy: &str) -> bool {
    let (medicine, allergy) = (fold(medicine), fold(allergy));
    let named = medicine
        .split_whitespace()
        .next()
        .filter(|word| word.len() > 3);
    named.is_some_and(|word| allergy.contains(word))
        || FAMILIES.iter().any(|(family, names)| {
            allergy.contains(family) && names.iter().any(|n| medicine.contains(n))
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn context() -> Context {
        Context {
            patient: "p1".into(),
            author: "Dra. Ana Ruiz".into(),
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            institution: "Farmacia del Centro".into(),
            member: "farmacia".into(),
            now: "2026-11-22T11:42:00-06:00".into(),
        }
    }
    pub(crate) fn ids() -> impl FnMut() -> String {
        let mut n = 0;
        move || {
            n += 1;
            format!("id-{n}")
        }
    }
    fn entered(medicine: &str, group: MedicineGroup) -> Prescription {
        Prescription {
            medicine: medicine.into(),
            dose: "500 mg, tableta".into(),
            route: "oral".into(),
            frequency: "cada 8 horas".into(),
            days: 7,
            group: Some(group),
            ..Prescription::default()
        }
    }
    fn wrong_fields(entered: &Prescription, allergies: &[&str]) -> Vec<&'static str> {
        let allergies: Vec<String> = allergies.iter().map(|a| (*a).to_owned()).collect();
        prescribe(&context(), entered, &allergies, false, &mut ids())
            .map_or_else(|w| w.iter().map(|w| w.field).collect(), |_| vec![])
    }

    #[test]
    fn a_prescription_says_dose_route_frequency_duration_and_how_long_it_is_good() {
        let made = prescribe(
            &context(),
            &entered("Paracetamol", MedicineGroup::II),
            &[],
            false,
            &mut ids(),
        )
        .unwrap();
        assert_eq!(
            made[0].text("dosageInstruction.0.text"),
            Some("500 mg, tableta, oral, cada 8 horas, por 7 días")
        );
        assert_eq!(
            made[0].text("dispenseRequest.validityPeriod.end"),
            Some("2026-12-22")
        );
        assert_eq!(made[0].text("requester.identifier.value"), Some("1234567"));
        assert_eq!(made[0].text("extension.0.valueCode"), Some("II"));
    }
    #[test]
    fn an_allergy_stops_the_family_until_the_prescriber_decides() {
        assert_eq!(
            wrong_fields(
                &entered("Amoxicilina", MedicineGroup::IV),
                &["Alergia a la penicilina"]
            ),
            ["medicine"]
        );
        assert_eq!(
            wrong_fields(
                &entered("Ibuprofeno", MedicineGroup::VI),
                &["Alergia a la penicilina"]
            ),
            [""; 0]
        );
        let despite = prescribe(
            &context(),
            &entered("Amoxicilina", MedicineGroup::IV),
            &["Penicilina".into()],
            true,
            &mut ids(),
        )
        .unwrap();
        assert!(
            despite[0]
                .text("note.0.text")
                .unwrap()
                .contains("Penicilina")
        );
    }
    #[test]
    fn narcotics_need_a_diagnosis_and_at_most_thirty_days() {
        let morphine = Prescription {
            days: 31,
            ..entered("Morfina", MedicineGroup::I)
        };
        assert_eq!(wrong_fields(&morphine, &[]), ["diagnosis", "days"]);
    }
    #[test]
    fn nobody_prescribes_without_a_cedula() {
        let nobody = Context {
            cedula: String::new(),
            ..context()
        };
        assert!(
            prescribe(
                &nobody,
                &entered("Paracetamol", MedicineGroup::VI),
                &[],
                false,
                &mut ids()
            )
            .is_err()
        );
    }
}
