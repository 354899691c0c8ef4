//! What the members agreed on for comparing their registers with each other, by tokens that name nobody
//! (`identity::keyed`, `docs/identity.md`).

use super::valid::{bounds, invalid, within};
use super::words::Sentence;
use super::{Pact, PactError};
use serde::{Deserialize, Serialize};

/// How two members may compare their people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linkage {
    /// Runs of the same two members at most in [`Linkage::days`], whichever of them asks: each is a chance to try people out.
    pub runs: u64,
    /// The period, in days.
    pub days: u64,
    /// People whom a member may bring into a run: nobody can try out more than that.
    pub people: u64,
    /// Codes of what may be compared ([`PARTS`]); a run compares all of it.
    pub parts: Vec<String>,
}

impl Linkage {
    /// What a pact that allows it starts from: twice a year, and what a register has of most people. Of numbers the CURP, which
    /// tells of a pair that both find each other by it already.
    pub fn usual() -> Linkage {
        let parts = [
            "given", "first", "second", "year", "day", "postcode", "curp",
        ];
        Linkage {
            runs: 2,
            days: 365,
            people: 50_000,
            parts: parts.map(str::to_owned).to_vec(),
        }
    }
}

/// What may be compared: its code (that of `identity::keyed::Part`), Spanish, English.
pub const PARTS: [(&str, &str, &str); 14] = [
    ("given", "nombre de pila", "given name"),
    ("first", "primer apellido", "first surname"),
    ("second", "segundo apellido", "second surname"),
    ("year", "año de nacimiento", "year of birth"),
    ("day", "día y mes de nacimiento", "day and month of birth"),
    ("postcode", "código postal", "postcode"),
    ("locality", "localidad", "town"),
    ("street", "calle", "street"),
    ("birth-place", "lugar de nacimiento", "place of birth"),
    ("phone", "teléfono", "telephone"),
    ("curp", "CURP", "CURP"),
    ("number", "otro número", "another number"),
    ("mother", "nombre de la madre", "mother's name"),
    ("trait", "otro rasgo", "another trait"),
];

/// The words for some parts, in Spanish and English, in the order of [`PARTS`]. A code that is none of them is left out.
pub fn parts_in_words(codes: &[String]) -> (String, String) {
    let known = PARTS
        .iter()
        .filter(|(code, _, _)| codes.iter().any(|one| one == code));
    let (es, en): (Vec<&str>, Vec<&str>) = known.map(|(_, es, en)| (*es, *en)).unzip();
    (es.join(", "), en.join(", "))
}

/// The table of a pact's text.
pub(super) fn table(linkage: Option<&Linkage>) -> String {
    let one = |terms: &Linkage| {
        let parts: Vec<String> = terms
            .parts
            .iter()
            .map(|part| format!("\"{part}\""))
            .collect();
        format!(
            "\n[linkage]\nruns = {}\ndays = {}\npeople = {}\nparts = [{}]\n",
            terms.runs,
            terms.days,
            terms.people,
            parts.join(", ")
        )
    };
    linkage.map(one).unwrap_or_default()
}

/// Its bounds.
pub(super) fn check(linkage: Option<&Linkage>) -> Result<(), PactError> {
    let Some(terms) = linkage else {
        return Ok(());
    };
    within("linkage: runs", terms.runs, bounds::LINKAGE_RUNS)?;
    within("linkage: days", terms.days, bounds::LINKAGE_DAYS)?;
    within("linkage: people", terms.people, bounds::LINKAGE_PEOPLE)?;
    let known = |part: &String| PARTS.iter().any(|(code, _, _)| code == part);
    let twice = |(at, part): (usize, &String)| terms.parts.iter().take(at).any(|one| one == part);
    if terms.parts.is_empty()
        || !terms.parts.iter().all(known)
        || terms.parts.iter().enumerate().any(twice)
    {
        let codes: Vec<&str> = PARTS.iter().map(|(code, _, _)| *code).collect();
        let why = format!("name at least one, each once, of {}", codes.join(", "));
        return Err(invalid("linkage: parts", &why));
    }
    Ok(())
}

/// What the pact says of it.
pub(super) fn said(pact: &Pact) -> Sentence {
    let Some(terms) = &pact.linkage else {
        return Sentence::new(
            "Las instituciones no comparan entre sí sus registros de personas.",
            "The institutions do not compare their registers of people with each other.",
        );
    };
    let (es, en) = parts_in_words(&terms.parts);
    let (runs, days, people) = (terms.runs, terms.days, terms.people);
    Sentence::new(
        format!(
            "Dos instituciones pueden comparar sus registros con claves que no nombran a nadie: {runs} veces en {days} días a lo más, de {people} personas a lo más, por {es}."
        ),
        format!(
            "Two institutions may compare their registers by tokens that name nobody: {runs} times in {days} days at most, of {people} people at most, by {en}."
        ),
    )
}
