//! A run of some thousands lies near the tables, and every resource stands on its own feet.
#![allow(clippy::unwrap_used)]

use fhir::Value;
use jiff::civil::Date;
use mx::{Curp, CurpState, Sex};
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;
use synth::{Country, Institution, Life};

const PEOPLE: u64 = 3000;

static COUNTRY: LazyLock<Country> = LazyLock::new(|| Country::mexico().unwrap());
static LIVES: LazyLock<Vec<Life>> =
    LazyLock::new(|| (0..PEOPLE).map(|index| COUNTRY.life(2026, index)).collect());

fn age(life: &Life) -> i32 {
    let (today, birth) = (COUNTRY.today(), life.person.birth);
    let before = (today.month(), today.day()) < (birth.month(), birth.day());
    i32::from(today.year() - birth.year()) - i32::from(before)
}
fn share(of: impl Iterator<Item = bool>) -> f64 {
    let (mut yes, mut all) = (0, 0);
    for truth in of {
        all += 1;
        yes += i32::from(truth);
    }
    f64::from(yes) / f64::from(all)
}
#[track_caller]
fn near(found: f64, wanted: f64, within: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= within,
        "{what}: {found:.4}, wanted {wanted} ± {within}"
    );
}
fn entries(life: &Life) -> impl Iterator<Item = &Value> {
    life.records.iter().flat_map(|record| &record.entries)
}
fn has_condition(life: &Life, code: &str) -> bool {
    entries(life).any(|e| {
        e.text("resourceType") == Some("Condition") && e.text("code.coding.0.code") == Some(code)
    })
}

#[test]
fn ages_sexes_and_states_are_those_of_the_census() {
    let lives = &*LIVES;
    near(
        share(lives.iter().map(|l| l.person.sex == Sex::Woman)),
        0.512,
        0.03,
        "women",
    );
    near(
        share(lives.iter().map(|l| age(l) < 15)),
        0.252,
        0.025,
        "children",
    );
    near(
        share(lives.iter().map(|l| age(l) >= 60)),
        0.119,
        0.02,
        "60 and more",
    );
    near(
        share(lives.iter().map(|l| l.person.lives_in.letters() == "MC")),
        0.135,
        0.02,
        "State of Mexico",
    );
    near(
        share(lives.iter().map(|l| l.person.born_in.letters() == "NE")),
        0.010,
        0.006,
        "born abroad",
    );
}

#[test]
fn todays_covers_have_the_shares_of_the_table() {
    let covered =
        |by: Option<Institution>| share(LIVES.iter().map(|l| l.covers.last().unwrap().by == by));
    near(covered(Some(Institution::Imss)), 0.375, 0.03, "IMSS");
    near(
        covered(Some(Institution::ImssBienestar)),
        0.265,
        0.03,
        "IMSS-Bienestar",
    );
    near(covered(Some(Institution::Issste)), 0.070, 0.015, "ISSSTE");
    near(covered(Some(Institution::Pemex)), 0.012, 0.007, "PEMEX");
    near(covered(None), 0.258, 0.03, "nobody");
    let changed = share(
        LIVES
            .iter()
            .filter(|l| age(l) >= 50)
            .map(|l| l.covers.len() > 1),
    );
    assert!(changed > 0.5, "{changed}");
}

#[test]
fn diabetes_and_hypertension_follow_age_as_in_the_survey() {
    let prevalence = |code: &str, from: i32, to: i32| {
        share(
            LIVES
                .iter()
                .filter(|l| (from..to).contains(&age(l)))
                .map(|l| has_condition(l, code)),
        )
    };
    // Somebody may be ill and not yet on any record: the shares recorded lie a little below those told.
    near(
        prevalence("E119", 20, 40),
        0.022,
        0.015,
        "diabetes 20 to 39",
    );
    near(
        prevalence("E119", 40, 60),
        0.145,
        0.035,
        "diabetes 40 to 59",
    );
    near(
        prevalence("E119", 60, 120),
        0.275,
        0.055,
        "diabetes 60 and more",
    );
    near(
        prevalence("I10X", 20, 120),
        0.160,
        0.03,
        "hypertension of adults",
    );
    assert_eq!(prevalence("E119", 0, 15), 0.0);
    let both = LIVES.iter().filter(|l| has_condition(l, "E119"));
    let with = share(both.map(|l| has_condition(l, "I10X")));
    assert!(with > 0.35, "diabetes and hypertension meet: {with}");
}

#[test]
fn curps_are_wrong_as_often_as_the_table_says() {
    let at = |place: Institution| -> Vec<&Option<String>> {
        LIVES
            .iter()
            .filter_map(|l| l.at(place))
            .map(|r| &r.recorded_curp)
            .collect()
    };
    let pharmacy = at(Institution::Farmacia);
    near(
        share(pharmacy.iter().map(|c| c.is_none())),
        0.45,
        0.03,
        "pharmacy without",
    );
    let imss = at(Institution::Imss);
    near(
        share(imss.iter().map(|c| c.is_none())),
        0.02,
        0.012,
        "IMSS without",
    );
    let generic = share(at(Institution::ImssBienestar).iter().map(|c| {
        c.as_deref()
            .is_some_and(|c| Curp::parse(c).is_ok_and(|c| c.is_generic()))
    }));
    near(generic, 0.06, 0.02, "generic at IMSS-Bienestar");
    for life in &*LIVES {
        assert_eq!(life.person.curp.state(), CurpState::DigitOk);
        let p = &life.person;
        assert_eq!(
            p.curp
                .plausible(Some(p.names()), Some(p.birth), Some(p.sex), Some(p.born_in)),
            []
        );
        for record in &life.records {
            let right = record.recorded_curp.as_deref() == Some(p.curp.as_str());
            let told = record.faults.iter().any(|f| f.starts_with("curp-"));
            assert_eq!(right, !told, "{:?}", record.faults);
        }
    }
}

#[test]
fn a_life_has_some_dozens_of_resources_and_the_ill_have_hundreds() {
    let sizes: Vec<usize> = LIVES.iter().map(Life::resources).collect();
    let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
    near(mean, 72.0, 14.0, "mean size");
    assert!(sizes.iter().any(|n| *n > 350));
    assert!(sizes.iter().all(|n| *n >= 1 && *n < 3000));
    let ill: Vec<usize> = LIVES
        .iter()
        .filter(|l| has_condition(l, "E119"))
        .map(Life::resources)
        .collect();
    let mean = ill.iter().sum::<usize>() as f64 / ill.len() as f64;
    assert!((150.0..450.0).contains(&mean), "{mean}");
}

#[test]
fn glucose_tells_the_ill_from_the_well() {
    let mean = |ill: bool| {
        let values: Vec<f64> = LIVES
            .iter()
            .filter(|l| has_condition(l, "E119") == ill)
            .flat_map(entries)
            .filter(|e| e.text("code.coding.0.code") == Some("2345-7"))
            .map(|e| e.path("valueQuantity.value").unwrap().as_f64().unwrap())
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let (ill, well) = (mean(true), mean(false));
    assert!(
        (135.0..190.0).contains(&ill) && (82.0..102.0).contains(&well),
        "{ill} {well}"
    );
}

#[test]
fn sensitive_episodes_and_duplicate_tests_are_there() {
    for code in ["F329", "F411", "B24X", "T741", "F102"] {
        assert!(LIVES.iter().any(|l| has_condition(l, code)), "{code}");
    }
    let repeated = share(
        LIVES
            .iter()
            .filter(|l| has_condition(l, "E119"))
            .map(|l| entries(l).any(|e| e.text("type.0.text") == Some("Segunda opinión"))),
    );
    assert!(repeated > 0.1, "{repeated}");
}

/// Collects `Type/id` that a value refers to.
fn references<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        Value::Object(object) => {
            for (key, member) in object.iter() {
                match member.as_str() {
                    Some(text) if key == "reference" => out.push(text),
                    _ => references(member, out),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn references_stay_inside_the_institution_and_ids_are_unique() {
    let mut ids = HashSet::new();
    for institution in Institution::ALL {
        let shared = COUNTRY.shared(institution);
        let name = |e: &Value| {
            format!(
                "{}/{}",
                e.text("resourceType").unwrap(),
                e.text("id").unwrap()
            )
        };
        let known: HashSet<String> = shared.iter().map(name).collect();
        for life in LIVES.iter().take(400) {
            let Some(record) = life.at(institution) else {
                continue;
            };
            let own: HashSet<String> = record.entries.iter().map(name).collect();
            assert_eq!(own.len(), record.entries.len());
            let mut to = Vec::new();
            record.entries.iter().for_each(|e| references(e, &mut to));
            for reference in to {
                assert!(
                    own.contains(reference) || known.contains(reference),
                    "{reference}"
                );
            }
            for id in own {
                assert!(ids.insert(id));
            }
        }
        for id in known {
            assert!(ids.insert(id));
        }
    }
}

#[test]
fn nothing_happens_before_birth_or_after_today() {
    for life in LIVES.iter().take(800) {
        for entry in entries(life) {
            for path in [
                "effectiveDateTime",
                "authoredOn",
                "recordedDate",
                "onsetDateTime",
                "abatementDateTime",
                "occurrenceDateTime",
                "performedDateTime",
                "period.start",
                "date",
            ] {
                let Some(text) = entry.text(path) else {
                    continue;
                };
                let day: Date = text[..10].parse().unwrap();
                assert!(
                    day >= life.person.birth && day <= COUNTRY.today(),
                    "{path} {text} {}",
                    life.person.birth
                );
            }
        }
    }
}

#[test]
fn prescriptions_of_children_and_adults_carry_their_group() {
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for life in &*LIVES {
        for entry in entries(life).filter(|e| e.text("resourceType") == Some("MedicationRequest")) {
            *groups
                .entry(entry.text("extension.0.valueCode").unwrap().to_owned())
                .or_default() += 1;
        }
    }
    assert!(
        groups["IV"] > groups["II"] && groups["VI"] > 0,
        "{groups:?}"
    );
}

#[test]
fn an_institution_that_knows_an_allergy_does_not_prescribe_against_it() {
    let (mut knowing, mut unaware) = (0, 0);
    for life in &*LIVES {
        let mut told: Vec<&str> = Vec::new();
        for record in &life.records {
            let mut here: Vec<&str> = Vec::new();
            for entry in &record.entries {
                match entry.text("resourceType") {
                    Some("AllergyIntolerance") => here.extend(entry.text("code.coding.0.code")),
                    Some("MedicationRequest") => {
                        let atc = entry
                            .text("medicationCodeableConcept.coding.0.code")
                            .unwrap();
                        let course = entry
                            .text("dosageInstruction.0.text")
                            .unwrap()
                            .contains(" por ");
                        let against =
                            |known: &[&str]| known.iter().any(|group| atc.starts_with(group));
                        knowing += i32::from(course && against(&here));
                        unaware += i32::from(course && against(&told));
                    }
                    _ => {}
                }
            }
            told.extend(here);
        }
    }
    assert_eq!(knowing, 0);
    assert!(
        unaware > 0,
        "what one institution knows, another prescribes against"
    );
}
