//! `Patient/$ihe-pix` (IHE PIXm, ITI-83): by which other numbers a person is known here.
//!
//! What goes together is what the house decided: registrations with one CURP and linked ones. Errors are those of ITI-83:
//! an unknown system of the source 400, an unknown target 403 (both `code-invalid`), nobody with that number 404. Whoever may
//! not find her, because she closed everything, gets the same as if there were nobody.

use super::given::{Given, wrong};
use super::matching::filling;
use super::{nothing_else, type_of};
use crate::{
    fault::Fault,
    negotiate::Pairs,
    reply::Reply,
    session::{Outcome, Session},
};
use fhir::{IssueCode, ResourceType, Value, json, obj};
use mx::systems;
use store::Version;
use trust::PersonRef;

/// Systems that every node knows.
const KNOWN: [&str; 4] = [systems::CURP, systems::NSS, systems::ISSSTE, systems::PEMEX];

/// What was asked.
#[derive(Debug, PartialEq)]
struct Asked {
    system: String,
    value: String,
    targets: Vec<String>,
}

impl Asked {
    fn of(pairs: Pairs, body: Option<&Value>) -> Result<Asked, Fault> {
        let mut sources: Vec<String> = Vec::new();
        let mut targets: Vec<String> = Vec::new();
        let mut rest = Pairs::new();
        for (name, value) in pairs {
            match name.as_str() {
                "sourceIdentifier" => sources.push(value),
                "targetSystem" => targets.push(value),
                _ => rest.push((name, value)),
            }
        }
        nothing_else(&rest, "sourceIdentifier, targetSystem, _format, _pretty")?;
        if let Some(body) = body {
            let given = Given::of(body, &["sourceIdentifier", "targetSystem"])?;
            for one in given.all("sourceIdentifier") {
                let identifier = one.get("valueIdentifier").and_then(|identifier| {
                    Some(format!(
                        "{}|{}",
                        identifier.text("system")?,
                        identifier.text("value")?
                    ))
                });
                let text = one.text("valueString").map(str::to_owned);
                sources.push(identifier.or(text).ok_or_else(source)?);
            }
            for one in given.all("targetSystem") {
                let uri = one.text("valueUri").or_else(|| one.text("valueString"));
                targets.push(
                    uri.ok_or_else(|| wrong("targetSystem", "a valueUri"))?
                        .to_owned(),
                );
            }
        }
        let [source_given] = sources.as_slice() else {
            return Err(source());
        };
        let (system, value) = source_given.split_once('|').ok_or_else(source)?;
        if system.is_empty() || value.trim().is_empty() {
            return Err(source());
        }
        Ok(Asked {
            system: system.to_owned(),
            value: value.trim().to_owned(),
            targets,
        })
    }
}

fn source() -> Fault {
    wrong("sourceIdentifier", "one identifier: system|value")
}

impl Session<'_> {
    pub(super) fn pix(&self, pairs: Pairs, body: Option<&Value>) -> Outcome {
        let asked = Asked::of(pairs, body)?;
        let patient = type_of("Patient")?;
        let found = self.known_by(&asked, patient)?;
        let limits = json::Limits::default();
        let mut parameters = Vec::new();
        for version in &found {
            let Ok(hers) = json::parse(&version.body, &limits) else {
                continue;
            };
            let chosen: Vec<&Value> = hers
                .list("identifier")
                .iter()
                .filter(|one| is_asked_for(&asked, one))
                .collect();
            if chosen.is_empty() && !asked.targets.is_empty() {
                continue;
            }
            for identifier in chosen {
                let parameter =
                    obj! { "name" => "targetIdentifier", "valueIdentifier" => identifier.clone() };
                if !parameters.contains(&parameter) {
                    parameters.push(parameter);
                }
            }
            let reference = self.address(patient, &version.id);
            parameters.push(obj! { "name" => "targetId", "valueReference" => obj! { "reference" => reference } });
        }
        let answer = match parameters.is_empty() {
            true => obj! { "resourceType" => "Parameters" },
            false => obj! { "resourceType" => "Parameters", "parameter" => parameters },
        };
        Ok(Reply::made(answer.to_bytes()))
    }

    /// The registrations of the person with a number.
    fn known_by(&self, asked: &Asked, patient: ResourceType) -> Result<Vec<Version>, Fault> {
        let curp = systems::is_curp(&asked.system)
            && mx::Curp::parse(&asked.value.to_uppercase()).is_ok_and(|curp| !curp.is_generic());
        if curp {
            self.check_systems(asked)?;
            let all = self.all_of(PersonRef::Curp(asked.value.clone()), patient)?;
            return match all.is_empty() {
                true => Err(nobody()),
                false => Ok(all),
            };
        }
        let grant = self.look_for(PersonRef::Everyone, patient, "GET Patient/$ihe-pix")?;
        self.check_systems(asked)?;
        let pairs = vec![carries(&asked.system, &asked.value)];
        let with_it = self.patients_by(&grant, patient, pairs)?;
        let first = with_it.first().ok_or_else(nobody)?;
        let one = with_it
            .iter()
            .all(|other| self.house.gate.are_one(&first.id, &other.id));
        if !one {
            return Err(Fault::new(
                409,
                IssueCode::Duplicate,
                "Several people have this number; it tells nobody apart.",
            ));
        }
        let all = self.all_of(PersonRef::Patient(first.id.clone()), patient)?;
        match all.is_empty() {
            true => Err(nobody()),
            false => Ok(all),
        }
    }

    /// Every registration of a person that is open to the caller.
    fn all_of(&self, person: PersonRef, patient: ResourceType) -> Result<Vec<Version>, Fault> {
        let grant = self.look_for(person, patient, "GET Patient/$ihe-pix")?;
        self.patients_by(&grant, patient, Vec::new())
    }

    fn check_systems(&self, asked: &Asked) -> Result<(), Fault> {
        let knows = |system: &str| -> Result<bool, Fault> {
            let here = self.house.people.knows(system).ok_or_else(filling)?;
            Ok(here || KNOWN.contains(&system) || systems::is_curp(system))
        };
        if !knows(&asked.system)? {
            return Err(Fault::new(
                400,
                IssueCode::CodeInvalid,
                "sourceIdentifier Assigning Authority not found",
            ));
        }
        for target in &asked.targets {
            if !knows(target)? {
                return Err(Fault::new(
                    403,
                    IssueCode::CodeInvalid,
                    "targetSystem not found",
                ));
            }
        }
        Ok(())
    }
}

/// Another number than the one that was given, of a system that was asked for.
fn is_asked_for(asked: &Asked, identifier: &Value) -> bool {
    let (system, value) = (identifier.text("system"), identifier.text("value"));
    let given = system == Some(asked.system.as_str()) && value == Some(asked.value.as_str());
    let wanted =
        asked.targets.is_empty() || asked.targets.iter().any(|t| Some(t.as_str()) == system);
    !given && wanted && value.is_some()
}

fn nobody() -> Fault {
    Fault::new(
        404,
        IssueCode::NotFound,
        "sourceIdentifier Patient Identifier not found",
    )
}

/// The search for those that carry an identifier.
pub(super) fn carries(system: &str, value: &str) -> (String, String) {
    let token = format!("{}|{}", escaped(system), escaped(value));
    ("identifier".to_owned(), token)
}

/// A comma, bar, dollar sign or backslash in a value is part of it, not of the search language.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '|' | '$' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_one_identifier_with_its_system() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let asked = |pairs: &[(String, String)]| Asked::of(pairs.to_vec(), None);
        let good = asked(&[
            pair("sourceIdentifier", "urn:a|1"),
            pair("targetSystem", "urn:b"),
            pair("targetSystem", "urn:c"),
        ]);
        let wanted = Asked {
            system: "urn:a".into(),
            value: "1".into(),
            targets: vec!["urn:b".into(), "urn:c".into()],
        };
        assert_eq!(good.unwrap(), wanted);
        for bad in ["1", "|1", "urn:a|", "urn:a| "] {
            assert_eq!(
                asked(&[pair("sourceIdentifier", bad)]).unwrap_err().status,
                400
            );
        }
        assert_eq!(asked(&[]).unwrap_err().status, 400);
        let twice = [
            pair("sourceIdentifier", "a|1"),
            pair("sourceIdentifier", "a|2"),
        ];
        assert_eq!(asked(&twice).unwrap_err().status, 400);
        let other = [pair("sourceIdentifier", "a|1"), pair("target", "b")];
        assert_eq!(asked(&other).unwrap_err().status, 400);
    }
}
