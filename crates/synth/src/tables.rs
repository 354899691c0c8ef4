//! The tables of `data/`, as their readers need them. What each figure means and where it comes from stands in the
//! files themselves.

use crate::Error;
use crate::dice::Dice;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A curve through points, straight between them and flat outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve(Vec<(f64, f64)>);

impl Curve {
    pub(crate) fn new(at: &[f64], value: &[f64]) -> Curve {
        Curve(at.iter().copied().zip(value.iter().copied()).collect())
    }
    pub(crate) fn at(&self, x: f64) -> f64 {
        let mut before = None;
        for &(px, py) in &self.0 {
            if x <= px {
                return match before {
                    Some((bx, by)) if px > bx => by + (py - by) * (x - bx) / (px - bx),
                    _ => py,
                };
            }
            before = Some((px, py));
        }
        before.map_or(0.0, |(_, y)| y)
    }
    /// The first x at which the curve reaches y; `None` if it never does.
    pub(crate) fn reaches(&self, y: f64) -> Option<f64> {
        let mut before: Option<(f64, f64)> = None;
        for &(px, py) in &self.0 {
            if py >= y && py > 0.0 {
                return Some(match before {
                    Some((bx, by)) if py > by => bx + (px - bx) * (y - by).max(0.0) / (py - by),
                    _ => px,
                });
            }
            before = Some((px, py));
        }
        None
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct People {
    pub(crate) ages: Ages,
    pub(crate) states: States,
    pub(crate) blood: Blood,
    pub(crate) surnames: Surnames,
    pub(crate) regional: Vec<Regional>,
    pub(crate) given: Vec<Given>,
    pub(crate) fertility: Fertility,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Ages {
    pub(crate) from: Vec<i32>,
    pub(crate) share: Vec<f64>,
    pub(crate) women: Vec<f64>,
    pub(crate) last: i32,
}
#[derive(Debug, Deserialize)]
pub(crate) struct States {
    pub(crate) born_abroad: f64,
    pub(crate) live_where_born: f64,
    pub(crate) millions: Weighted,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Blood {
    pub(crate) groups: Vec<String>,
    pub(crate) share: Vec<f64>,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Surnames {
    pub(crate) no_second: f64,
    pub(crate) names: Weighted,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Regional {
    pub(crate) states: Vec<String>,
    pub(crate) share: f64,
    pub(crate) names: Vec<String>,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Given {
    pub(crate) until: i32,
    pub(crate) compound: f64,
    pub(crate) women: Weighted,
    pub(crate) men: Weighted,
    pub(crate) second_women: Vec<String>,
    pub(crate) second_men: Vec<String>,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Fertility {
    pub(crate) from: Vec<f64>,
    pub(crate) rate: Vec<f64>,
    pub(crate) caesarean: f64,
    pub(crate) gestational_diabetes: f64,
    pub(crate) preeclampsia: f64,
}

/// Words with weights.
#[derive(Debug, Deserialize)]
#[serde(from = "BTreeMap<String, f64>")]
pub(crate) struct Weighted {
    pub(crate) items: Vec<String>,
    pub(crate) weights: Vec<f64>,
}
impl From<BTreeMap<String, f64>> for Weighted {
    fn from(map: BTreeMap<String, f64>) -> Weighted {
        let (items, weights) = map.into_iter().unzip();
        Weighted { items, weights }
    }
}
impl Weighted {
    pub(crate) fn pick(&self, dice: &mut Dice) -> &str {
        let at = dice.weighted(&self.weights);
        self.items.get(at).map_or("", String::as_str)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Affiliation {
    pub(crate) now: CoverShares,
    pub(crate) change: Change,
    pub(crate) places: Places,
    pub(crate) registration: RegistrationTable,
}
/// Shares by cover.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct CoverShares {
    pub(crate) imss: f64,
    pub(crate) issste: f64,
    pub(crate) imss_bienestar: f64,
    pub(crate) pemex: f64,
    pub(crate) privado: f64,
    pub(crate) none: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) yearly: f64,
    pub(crate) from_age: f64,
    pub(crate) to_age: f64,
    pub(crate) before: CoverShares,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Places {
    pub(crate) chronic: PlaceRows,
    pub(crate) acute: PlaceRows,
    pub(crate) hospital: PlaceRows,
    pub(crate) public: PlaceRows,
}
/// By cover, the weights of the six institutions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PlaceRows {
    pub(crate) imss: [f64; 6],
    pub(crate) issste: [f64; 6],
    pub(crate) imss_bienestar: [f64; 6],
    pub(crate) pemex: [f64; 6],
    pub(crate) privado: [f64; 6],
    pub(crate) none: [f64; 6],
}
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RegistrationTable {
    pub(crate) imss: RegistrationRow,
    pub(crate) issste: RegistrationRow,
    pub(crate) imss_bienestar: RegistrationRow,
    pub(crate) pemex: RegistrationRow,
    pub(crate) privado: RegistrationRow,
    pub(crate) farmacia: RegistrationRow,
}
/// How an institution writes people down.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RegistrationRow {
    pub(crate) upper: bool,
    pub(crate) no_curp: f64,
    pub(crate) generic: f64,
    pub(crate) wrong_digit: f64,
    pub(crate) typed_wrong: f64,
    pub(crate) name_typo: f64,
    pub(crate) no_second: f64,
    pub(crate) day_month: f64,
    pub(crate) short_maria: f64,
}

/// How registers are made.
#[derive(Debug, Deserialize)]
pub(crate) struct Registry {
    pub(crate) family: Family,
    pub(crate) registrations: Registrations,
    pub(crate) contact: Contact,
    pub(crate) slips: Slips,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Family {
    pub(crate) children: Vec<f64>,
    pub(crate) lone_parent: f64,
    pub(crate) twins: f64,
    pub(crate) namesake: f64,
    pub(crate) renamed: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Registrations {
    pub(crate) institutions: [f64; 5],
    pub(crate) twice: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Contact {
    pub(crate) phone: f64,
    pub(crate) family_phone: f64,
    pub(crate) new_phone: f64,
    pub(crate) no_address: f64,
    pub(crate) moved: f64,
    pub(crate) mother: f64,
    pub(crate) nss: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Slips {
    pub(crate) digit_of_birth: f64,
    pub(crate) sex: f64,
    pub(crate) surnames_exchanged: f64,
    pub(crate) one_given_only: f64,
    pub(crate) pet_name: f64,
    pub(crate) married_name: f64,
    pub(crate) newborn: f64,
    pub(crate) address_typo: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Conditions {
    pub(crate) lasting: Vec<Lasting>,
    pub(crate) episode: Vec<Episode>,
    pub(crate) surgery: Vec<Surgery>,
    pub(crate) allergy: Vec<Allergy>,
    pub(crate) screening: Screening,
    pub(crate) body: BodyTable,
    pub(crate) habits: Habits,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Lasting {
    pub(crate) key: String,
    pub(crate) cie10: String,
    pub(crate) text: String,
    pub(crate) shared: f64,
    at: Vec<f64>,
    men: Vec<f64>,
    women: Vec<f64>,
    pub(crate) visits: f64,
    pub(crate) lasts: Option<f64>,
    pub(crate) specialty: Option<String>,
    pub(crate) notes: Vec<String>,
    /// Notes of a day on which a measured value is off its goal.
    #[serde(default)]
    pub(crate) notes_off: Vec<String>,
    #[serde(default)]
    pub(crate) tests: Vec<String>,
    #[serde(default)]
    pub(crate) test_months: i32,
    #[serde(default)]
    pub(crate) treatment: Vec<Treatment>,
    #[serde(skip)]
    pub(crate) men_curve: Curve,
    #[serde(skip)]
    pub(crate) women_curve: Curve,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Treatment {
    pub(crate) medicine: String,
    pub(crate) after: f64,
    pub(crate) p: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Episode {
    pub(crate) cie10: String,
    pub(crate) text: String,
    pub(crate) key: String,
    at: Vec<f64>,
    rate: Option<Vec<f64>>,
    men: Option<Vec<f64>>,
    women: Option<Vec<f64>>,
    pub(crate) years: Option<[i32; 2]>,
    #[serde(default)]
    pub(crate) fever: f64,
    #[serde(default)]
    pub(crate) hospital: bool,
    pub(crate) medicines: Vec<(String, f64)>,
    pub(crate) notes: Vec<String>,
    #[serde(skip)]
    pub(crate) men_curve: Curve,
    #[serde(skip)]
    pub(crate) women_curve: Curve,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Surgery {
    pub(crate) key: String,
    pub(crate) cie10: String,
    pub(crate) text: String,
    pub(crate) procedure: String,
    pub(crate) procedure_text: String,
    at: Vec<f64>,
    men: Vec<f64>,
    women: Vec<f64>,
    #[serde(skip)]
    pub(crate) men_curve: Curve,
    #[serde(skip)]
    pub(crate) women_curve: Curve,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Allergy {
    pub(crate) name: String,
    pub(crate) atc: Option<String>,
    pub(crate) category: String,
    pub(crate) criticality: String,
    pub(crate) reaction: String,
    pub(crate) p: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Screening {
    pub(crate) pap_yearly: f64,
    pub(crate) mammography_yearly: f64,
    pub(crate) psa_yearly: f64,
    pub(crate) checkup_yearly: f64,
}
#[derive(Debug, Deserialize)]
pub(crate) struct BodyTable {
    pub(crate) height_men: [f64; 2],
    pub(crate) height_women: [f64; 2],
}
#[derive(Debug, Deserialize)]
pub(crate) struct Habits {
    pub(crate) recorded_from: i32,
    pub(crate) duplicate_tests: f64,
    pub(crate) note_share: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Medicines {
    pub(crate) medicine: BTreeMap<String, Medicine>,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Medicine {
    pub(crate) name: String,
    pub(crate) atc: String,
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) antibiotic: bool,
    pub(crate) doses: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Laboratory {
    pub(crate) test: BTreeMap<String, Test>,
}
#[derive(Debug, Deserialize)]
pub(crate) struct Test {
    pub(crate) loinc: String,
    pub(crate) text: String,
    pub(crate) unit: String,
    pub(crate) ucum: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) decimals: usize,
}

/// All of them.
pub(crate) struct Tables {
    pub(crate) people: People,
    pub(crate) affiliation: Affiliation,
    pub(crate) registry: Registry,
    pub(crate) conditions: Conditions,
    pub(crate) medicines: Medicines,
    pub(crate) laboratory: Laboratory,
}

fn read<T: serde::de::DeserializeOwned>(table: &'static str, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|e| Error::Table {
        table,
        reason: e.to_string(),
    })
}

impl Tables {
    /// Reads the tables built into the program and checks that they fit each other.
    pub(crate) fn load() -> Result<Tables, Error> {
        let mut conditions: Conditions =
            read("conditions.toml", include_str!("../data/conditions.toml"))?;
        for row in &mut conditions.lasting {
            row.men_curve = Curve::new(&row.at, &row.men);
            row.women_curve = Curve::new(&row.at, &row.women);
        }
        for row in &mut conditions.surgery {
            row.men_curve = Curve::new(&row.at, &row.men);
            row.women_curve = Curve::new(&row.at, &row.women);
        }
        for row in &mut conditions.episode {
            let both = row.rate.clone().unwrap_or_default();
            row.men_curve = Curve::new(&row.at, row.men.as_ref().unwrap_or(&both));
            row.women_curve = Curve::new(&row.at, row.women.as_ref().unwrap_or(&both));
        }
        let tables = Tables {
            people: read("people.toml", include_str!("../data/people.toml"))?,
            affiliation: read("affiliation.toml", include_str!("../data/affiliation.toml"))?,
            registry: read("registry.toml", include_str!("../data/registry.toml"))?,
            conditions,
            medicines: read("medicines.toml", include_str!("../data/medicines.toml"))?,
            laboratory: read("laboratory.toml", include_str!("../data/laboratory.toml"))?,
        };
        tables.check()?;
        Ok(tables)
    }
    /// Every medicine and test that a condition names must exist.
    fn check(&self) -> Result<(), Error> {
        let lasting = &self.conditions.lasting;
        let medicines = lasting
            .iter()
            .flat_map(|row| row.treatment.iter().map(|line| &line.medicine))
            .chain(
                self.conditions
                    .episode
                    .iter()
                    .flat_map(|row| row.medicines.iter().map(|(medicine, _)| medicine)),
            );
        let missing = medicines
            .filter(|key| !self.medicines.medicine.contains_key(*key))
            .chain(
                lasting
                    .iter()
                    .flat_map(|row| &row.tests)
                    .filter(|key| !self.laboratory.test.contains_key(*key)),
            )
            .next();
        match missing {
            Some(key) => Err(Error::Table {
                table: "conditions.toml",
                reason: format!("it names `{key}`, which medicines.toml and laboratory.toml lack"),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_straight_between_its_points() {
        let curve = Curve::new(&[20.0, 40.0, 60.0], &[0.0, 0.1, 0.1]);
        assert_eq!(curve.at(10.0), 0.0);
        assert!((curve.at(30.0) - 0.05).abs() < 1e-9);
        assert_eq!(curve.at(90.0), 0.1);
        assert!((curve.reaches(0.05).unwrap() - 30.0).abs() < 1e-9);
        assert_eq!(curve.reaches(0.2), None);
    }
    #[test]
    fn every_figure_has_a_source() {
        for (name, text) in [
            ("people", include_str!("../data/people.toml")),
            ("affiliation", include_str!("../data/affiliation.toml")),
            ("registry", include_str!("../data/registry.toml")),
            ("conditions", include_str!("../data/conditions.toml")),
        ] {
            let table: toml::Table = text.parse().unwrap();
            for (section, value) in &table {
                let rows = match value {
                    toml::Value::Array(rows) => rows.iter().collect(),
                    other => vec![other],
                };
                for row in rows {
                    for word in ["source", "quality"] {
                        assert!(row.get(word).is_some(), "{name}: {section} lacks {word}");
                    }
                }
            }
        }
    }
    #[test]
    fn the_tables_are_read_and_fit_each_other() {
        let tables = Tables::load().unwrap();
        assert!(tables.conditions.lasting.len() > 20);
        let share: f64 = tables.people.ages.share.iter().sum();
        assert!((share - 100.0).abs() < 1.5, "{share}");
    }
}
