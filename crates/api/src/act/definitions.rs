//! The definitions that a validation needs beyond R4's own: profiles, extensions, value sets, code systems and
//! questionnaires that are stored in this node.
//!
//! They are looked up by their URLs under the caller's own permit (they are nobody's record), so what is stored counts at
//! once and nothing has to be kept in step. What is not here stays unknown, and the validation says so. Cost: a search
//! for each kind in each round, and reading what is found; bounded in rounds and in number.

use crate::{
    fault::Fault,
    session::{Ask, Session, verbs},
};
use fhir::{
    Issue, ResourceType, Value, json,
    query::{self, Handling},
    search::Catalog,
    validate::Validator,
};
use std::{collections::BTreeSet, sync::LazyLock};
use store::Verb;
use trust::{PersonRef, What};

/// R4's own, read once.
static R4: LazyLock<Validator> = LazyLock::new(Validator::r4);

/// What may be looked up.
const PROFILE: &str = "StructureDefinition";
const VALUE_SET: &str = "ValueSet";
const CODE_SYSTEM: &str = "CodeSystem";
const QUESTIONNAIRE: &str = "Questionnaire";
const KINDS: [&str; 4] = [PROFILE, VALUE_SET, CODE_SYSTEM, QUESTIONNAIRE];

/// Definitions lead to definitions: how far that is followed, and how many are asked for at most.
const ROUNDS: usize = 6;
const MOST: usize = 200;

/// Kind and URL of definitions.
type Names = BTreeSet<(&'static str, String)>;

impl Session<'_> {
    /// A validator that knows what a resource and some profiles name, and what was wrong with definitions found.
    pub(super) fn validator(
        &self,
        resource: &Value,
        profiles: &[String],
    ) -> Result<(Validator, Vec<Issue>), Fault> {
        let mut wanted = Names::new();
        for profile in profiles {
            want(&mut wanted, PROFILE, profile);
        }
        named_by(resource, "", &mut wanted);
        if wanted.is_empty() {
            return Ok((R4.clone(), Vec::new()));
        }
        let types = KINDS
            .iter()
            .filter_map(|name| ResourceType::from_name(name));
        let grant = self.decide(Ask {
            person: match self.of_the_house() {
                true => PersonRef::Everyone,
                false => PersonRef::Nobody,
            },
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: Some(types.collect()),
            what: What::Interaction(format!("GET {PROFILE}?url=...")),
        });
        let grant = match grant {
            Ok(grant) => grant,
            // Who may not look is answered as if nothing were here.
            Err(fault) if fault.status == 403 => return Ok((R4.clone(), Vec::new())),
            Err(fault) => return Err(fault),
        };
        let mut asked = Names::new();
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            let mut next = Names::new();
            for kind in KINDS {
                let urls = wanted.iter().filter(|(of, _)| *of == kind);
                let urls: Vec<&str> = urls.map(|(_, url)| url.as_str()).collect();
                for definition in self.stored_definitions(&grant, kind, &urls)? {
                    named_in(&definition, &mut next);
                    found.push(definition);
                }
            }
            asked.append(&mut wanted);
            wanted = next.difference(&asked).take(MOST).cloned().collect();
            if wanted.is_empty() || found.len() >= MOST {
                break;
            }
        }
        Ok(with(&found))
    }

    fn stored_definitions(
        &self,
        grant: &trust::Grant,
        kind: &str,
        urls: &[&str],
    ) -> Result<Vec<Value>, Fault> {
        let Some(of) = ResourceType::from_name(kind).filter(|_| !urls.is_empty()) else {
            return Ok(Vec::new());
        };
        let pairs = [
            ("url".to_owned(), urls.join(",")),
            ("_count".to_owned(), MOST.to_string()),
        ];
        let query = query::parse(&Catalog::r4(), of, &pairs, Handling::Strict)
            .map_err(|issues| Fault::of(400, issues))?;
        let held = self
            .house
            .gate
            .store()
            .search(&grant.permit, &query, None)?;
        let page = self.open(grant, held)?;
        let limits = json::Limits {
            bytes: usize::MAX,
            depth: 256,
        };
        // Of two with the same URL the one stored last counts, which comes first here.
        let found = page.matches.iter().rev();
        Ok(found
            .filter_map(|version| json::parse(&version.body, &limits).ok())
            .collect())
    }
}

/// R4 and these; those that cannot be used are left out and told.
fn with(definitions: &[Value]) -> (Validator, Vec<Issue>) {
    let why = match R4.with_all(definitions) {
        Ok(validator) => return (validator, Vec::new()),
        Err(why) => why,
    };
    let mut validator = R4.clone();
    // The base of a profile may stand behind it.
    for definition in definitions.iter().chain(definitions) {
        if let Ok(more) = validator.with(definition) {
            validator = more;
        }
    }
    let told = why.into_iter().take(10).map(|issue| {
        let said = format!(
            "A definition stored here cannot be used: {}",
            issue.diagnostics
        );
        Issue::warning(issue.code, "", said)
    });
    (validator, told.collect())
}

/// What is not R4's own is looked for. What stands in a list of a search is no URL.
fn want(into: &mut Names, kind: &'static str, url: &str) {
    let url = url.split('|').next().unwrap_or_default();
    let own = [
        "http://hl7.org/fhir/ValueSet/",
        "http://hl7.org/fhir/CodeSystem/",
        "http://terminology.hl7.org/",
    ];
    let known = match kind {
        PROFILE => R4.knows(url),
        _ => own.iter().any(|own| url.starts_with(own)),
    };
    let plain = (1..=500).contains(&url.len())
        && url.contains(':')
        && !url.contains([',', '\\', '$'])
        && !url.contains(char::is_whitespace);
    if plain && !known && into.len() < MOST {
        into.insert((kind, url.to_owned()));
    }
}

/// Profiles that a resource or a part of it claims, its extensions, its questionnaire.
fn named_by(value: &Value, parent: &str, into: &mut Names) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named_by(item, parent, into)),
        Value::Object(members) => {
            for (name, member) in members.iter() {
                let kind = match (parent, name) {
                    ("meta", "profile") | ("extension" | "modifierExtension", "url") => PROFILE,
                    (_, "questionnaire") => QUESTIONNAIRE,
                    _ => {
                        named_by(member, name, into);
                        continue;
                    }
                };
                each_text(member, &mut |url| want(into, kind, url));
            }
        }
        _ => {}
    }
}

/// What a definition rests on.
fn named_in(value: &Value, into: &mut Names) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named_in(item, into)),
        Value::Object(members) => {
            for (name, member) in members.iter() {
                let kind = match name {
                    "baseDefinition" | "profile" | "targetProfile" => PROFILE,
                    "valueSet" | "answerValueSet" => VALUE_SET,
                    "system" => CODE_SYSTEM,
                    // Examples and narratives define nothing.
                    "text" | "contact" | "identifier" | "example" => continue,
                    _ => {
                        named_in(member, into);
                        continue;
                    }
                };
                each_text(member, &mut |url| want(into, kind, url));
            }
        }
        _ => {}
    }
}

fn each_text(value: &Value, with: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => with(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, with)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_resource_and_a_definition_rest_on_is_found_but_r4_itself() {
        let read = |text: &str| json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
        let mut names = Names::new();
        let patient = r#"{"resourceType":"Patient","meta":{"profile":["https://x/p|2","http://hl7.org/fhir/StructureDefinition/Patient"]},"extension":[{"url":"https://x/e","valueString":"a"}]}"#;
        named_by(&read(patient), "", &mut names);
        let profile = r#"{"baseDefinition":"https://x/base","differential":{"element":[{"type":[{"code":"Reference","targetProfile":["https://x/t"]}],"binding":{"valueSet":"https://x/vs|1"}},{"binding":{"valueSet":"http://hl7.org/fhir/ValueSet/c80"}}]}}"#;
        named_in(&read(profile), &mut names);
        let names: Vec<&str> = names.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(
            names,
            [
                "https://x/base",
                "https://x/e",
                "https://x/p",
                "https://x/t",
                "https://x/vs"
            ]
        );
    }
}
