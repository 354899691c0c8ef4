//! `Patient/$match` (also IHE ITI-119): whom a description resembles, with how sure.
//!
//! The register says whom; the archive shows those of them that the caller may find, as a look-up that each of them reads in
//! her log. Whoever closed everything is not found. Scores are rounded: they follow how common names are in the register.

use super::given::{Given, wrong};
use super::{MAX_PAGE, body_of, new_id, type_of};
use crate::{
    fault::Fault,
    negotiate::Pairs,
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
    shape::BundleText,
};
use fhir::{IssueCode, ResourceType, Value, obj, query::Handling};
use identity::{Explanation, Grade, Registration, Resembling, registration_of};
use store::{Verb, Version};
use trust::{PersonRef, What};

const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";
const REASON: &str = "https://tejido.mx/fhir/StructureDefinition/match-reason";

/// Seconds after which a register that is being filled may be asked.
const FILLING_SECONDS: u32 = 10;

/// What was asked.
struct Match {
    registration: Registration,
    only_certain: bool,
    only_single: bool,
    count: usize,
}

impl Match {
    /// From `Parameters`, or from a bare `Patient`.
    fn of(body: &Value, patient: ResourceType, base: &str) -> Result<Match, Fault> {
        let (described, given) = match body.text("resourceType") {
            Some("Patient") => (Some(body), None),
            _ => {
                let known = ["resource", "onlyCertainMatches", "onlySingleMatch", "count"];
                let given = Given::of(body, &known)?;
                let resource = given.one("resource")?.and_then(|one| one.get("resource"));
                (resource, Some(given))
            }
        };
        let described = described.ok_or_else(|| wrong("resource", "the Patient to be found"))?;
        let described = super::rooted(body_of(patient, described.clone())?, base);
        let registration = registration_of(&described);
        let named = [&registration.given, &registration.first, &registration.full];
        if named.iter().all(|name| name.is_none()) && registration.identifiers.is_empty() {
            return Err(Fault::new(
                422,
                IssueCode::Required,
                "To find somebody takes a name or an identifier; a birth date helps.",
            ));
        }
        let flag = |name: &str| given.as_ref().map_or(Ok(false), |given| given.flag(name));
        let count = match &given {
            Some(given) => given.one("count")?,
            None => None,
        };
        let count = count.map(|count| {
            let number = count.get("valueInteger").and_then(Value::as_number);
            let number = number.and_then(|number| number.parse::<usize>().ok());
            number
                .filter(|number| *number > 0)
                .ok_or_else(|| wrong("count", "a valueInteger from 1"))
        });
        Ok(Match {
            registration,
            only_certain: flag("onlyCertainMatches")?,
            only_single: flag("onlySingleMatch")?,
            count: count.transpose()?.unwrap_or(MAX_PAGE),
        })
    }
}

impl Session<'_> {
    pub(super) fn matching(&self, body: &Value) -> Outcome {
        let patient = type_of("Patient")?;
        let asked = Match::of(body, patient, &self.house.base)?;
        let grant = self.look_for(PersonRef::Everyone, patient, "POST Patient/$match")?;
        let people = &self.house.people;
        let found = people.resembling(&asked.registration).ok_or_else(filling)?;
        let likely: Vec<Resembling> = found
            .into_iter()
            .filter(|one| one.grade > Grade::CertainlyNot)
            .collect();
        let shown = self.patients_of(&grant, patient, likely.iter().map(|one| one.id.as_str()))?;
        let mut open = likely
            .iter()
            .filter_map(|one| Some((one, shown.iter().find(|version| version.id == one.id)?)))
            .collect::<Vec<_>>();
        if asked.only_certain {
            open.retain(|(one, _)| one.grade == Grade::Certain);
            let several = open.split_first().is_some_and(|((first, _), rest)| {
                rest.iter().any(|(other, _)| !self.is_one(first, other))
            });
            if several {
                open.clear();
            }
        }
        if asked.only_single {
            open = self.single(open);
        }
        let mut bundle = BundleText::new("searchset", Some(open.len() as u64), &[]);
        open.truncate(asked.count);
        let ids: Vec<&str> = open.iter().map(|(one, _)| one.id.as_str()).collect();
        let why = people.explain_to(&asked.registration, &ids);
        for ((one, version), why) in open.into_iter().zip(why) {
            let address = self.address(patient, &version.id);
            bundle.entry(&address, &version.body, &search_of(one, why.as_ref()));
        }
        Ok(Reply::made(bundle.done()))
    }

    /// The decision of a look-up of people: for the desk it is finding somebody, with its rate; the institution's own
    /// software searches what the institution holds.
    pub(super) fn look_for(
        &self,
        person: PersonRef,
        patient: ResourceType,
        line: &str,
    ) -> Result<trust::Grant, Fault> {
        self.decide(Ask {
            person,
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: Some(vec![patient]),
            what: match self.of_the_house() {
                true => What::Interaction(line.to_owned()),
                false => What::Find,
            },
        })
    }

    /// The `Patient`s of these ids that a grant opens. That nobody was found is an act as well.
    pub(super) fn patients_of<'i>(
        &self,
        grant: &trust::Grant,
        patient: ResourceType,
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<Vec<Version>, Fault> {
        let mut ids = ids.collect::<Vec<_>>().join(",");
        if ids.is_empty() {
            ids = new_id()?;
        }
        self.patients_by(grant, patient, vec![("_id".to_owned(), ids)])
    }

    /// The `Patient`s on the first page, as long as it may be, of a search that a grant opens.
    pub(super) fn patients_by(
        &self,
        grant: &trust::Grant,
        patient: ResourceType,
        mut pairs: Pairs,
    ) -> Result<Vec<Version>, Fault> {
        pairs.push(("_count".to_owned(), MAX_PAGE.to_string()));
        let query = self.words().query(patient, &pairs, Handling::Strict)?;
        let store = self.house.gate.store();
        let held = store.search(&grant.permit, &query, None)?;
        Ok(self.open(grant, held)?.matches)
    }

    fn is_one(&self, one: &Resembling, other: &Resembling) -> bool {
        self.house.gate.are_one(&one.id, &other.id)
    }

    /// The one that stands out, if one does.
    fn single<'f>(
        &self,
        found: Vec<(&'f Resembling, &'f Version)>,
    ) -> Vec<(&'f Resembling, &'f Version)> {
        let Some((first, rest)) = found.split_first() else {
            return Vec::new();
        };
        let mut others = rest
            .iter()
            .filter(|(other, _)| !self.is_one(first.0, other));
        let stands_out = first.0.grade >= Grade::Probable;
        match stands_out && others.all(|(other, _)| other.grade < first.0.grade) {
            true => vec![*first],
            false => Vec::new(),
        }
    }
}

/// The register is not filled yet.
pub(super) fn filling() -> Fault {
    Fault {
        retry: Some(FILLING_SECONDS),
        ..Fault::new(
            503,
            IssueCode::Incomplete,
            "This node's register of people is being filled since it started; an answer now would lack people. Try again in a moment.",
        )
    }
}

/// How sure, and why in both languages: only of who is shown, and without any value.
fn search_of(one: &Resembling, why: Option<&Explanation>) -> String {
    let grade = match one.grade {
        Grade::Certain => "certain",
        Grade::Probable => "probable",
        Grade::Possible => "possible",
        Grade::CertainlyNot => "certainly-not",
    };
    // Only a number is sure.
    let score = match one.decided && one.grade == Grade::Certain {
        true => "1".to_owned(),
        false => format!("{:.2}", one.score.min(0.99)),
    };
    let reason = |why: &Explanation| {
        let in_words =
            |language: &str, text: &str| obj! { "url" => language, "valueString" => text };
        let both = [in_words("es", &why.sentence), in_words("en", &why.english)];
        format!(",{}", obj! { "extension" => both, "url" => REASON })
    };
    let reason = why.map(reason).unwrap_or_default();
    format!(
        "\"search\":{{\"extension\":[{{\"url\":\"{GRADE}\",\"valueCode\":\"{grade}\"}}{reason}],\"mode\":\"match\",\"score\":{score}}}"
    )
}
