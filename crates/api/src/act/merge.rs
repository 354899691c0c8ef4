//! `Patient/$merge` (in the form of FHIR R6's operation) and our `Patient/$split`: somebody who looks after the register says
//! that two registrations are of one person, or of two.
//!
//! Which two, `asked` reads: by reference, or by identifiers that exactly one registration carries. What counts is the decision, which the house keeps ([`trust::Gate::link`]). The resources are marked with it (`active`,
//! `link`), so that other software sees it; nothing else of them changes and no reference is rewritten, so that a split
//! gives back exactly what there was. A `result-patient` is more: a new version of the target as the caller wants it, which
//! needs what any update of it needs, and which a split leaves as it is.

mod asked;

use super::type_of;
use crate::{
    fault::Fault,
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
};
use asked::Asked;
use fhir::{Issue, IssueCode, ResourceType, Value, json, obj};
use store::{Change, Current, Verb};
use trust::{
    PersonRef, What,
    registry::{Likeness, RegistryDone, RegistryStep},
};

/// What is decided of two registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// They are of one person.
    One,
    /// They are of two.
    Two,
}

/// A registration as it is, with its version.
struct Read {
    id: String,
    version: u64,
    patient: Value,
}

impl Session<'_> {
    pub(super) fn decide_who(&self, decided: Decided, body: &Value) -> Outcome {
        let of = type_of("Patient")?;
        let asked = Asked::of(decided, body, of, &self.house.base)?;
        let source = self.named(of, &asked.source)?;
        let target = self.named(of, &asked.target)?;
        let mut marked = marked(decided, &source, &target);
        let given = asked.result.is_some();
        if let Some(result) = asked.result {
            asked::fits(&result, &source, &target, &asked.target)?;
            marked.1 = result;
        }
        // Whoever may not change the target so is told before anything is decided.
        let updating = match given {
            true => Some(self.decide(Ask {
                person: self.person_written(of, Some(&target.id), &marked.1),
                verbs: verbs(&[Verb::Update]),
                types: Some(vec![of]),
                what: What::Interaction("POST Patient/$merge".to_owned()),
            })?),
            false => None,
        };
        let why = self.house.people.explain(&source.id, &target.id);
        let said = match (asked.preview, decided) {
            (true, _) => "Nothing was changed: this is what a merge would give.",
            (_, Decided::One) => {
                "The two registrations are of one person from now on. What was written under each stays as it is."
            }
            (_, Decided::Two) => "The two registrations are of two people from now on.",
        };
        let mut issues = vec![Issue {
            severity: "information",
            ..Issue::error(IssueCode::Informational, "", said)
        }];
        issues.extend(
            why.iter()
                .flat_map(|why| &why.conflicts)
                .map(|conflict| Issue::warning(IssueCode::Conflict, "", conflict.english())),
        );
        if !asked.preview {
            let on = why.map_or_else(Likeness::default, |why| {
                let grade = match why.grade {
                    identity::Grade::Certain => "certain",
                    identity::Grade::Probable => "probable",
                    identity::Grade::Possible => "possible",
                    identity::Grade::CertainlyNot => "certainly-not",
                };
                Likeness::weighed(grade, why.probability)
            });
            let pair = (source.id.as_str(), target.id.as_str());
            let gate = &self.house.gate;
            match decided {
                Decided::One => gate.link(&self.actor, pair, on, self.now)?,
                Decided::Two => gate.split(&self.actor, pair, on, self.now)?,
            }
            for (read, now) in [(&source, &marked.0), (&target, &marked.1)] {
                if *now == read.patient {
                    continue;
                }
                let updating = updating.as_ref().filter(|_| read.id == target.id);
                match updating {
                    Some(grant) => self.put(of, grant, read, now.clone())?,
                    None => self.mark(of, read, now.clone())?,
                }
            }
        }
        let answer = obj! {
            "resourceType" => "Parameters",
            "parameter" => [
                obj! { "name" => "input", "resource" => body.clone() },
                obj! { "name" => "outcome", "resource" => fhir::outcome(&issues) },
                obj! { "name" => "result", "resource" => marked.1 },
            ],
        };
        Ok(Reply::made(answer.to_bytes()))
    }

    /// The one registration that is meant.
    fn named(&self, of: ResourceType, named: &asked::Named) -> Result<Read, Fault> {
        let id = match &named.id {
            Some(id) => id.clone(),
            None => self.carrying(of, named)?,
        };
        let read = self.read_for(of, id)?;
        named.carried_by(&read.patient)?;
        Ok(read)
    }

    /// Looks up the one that carries all these identifiers, among those that are open to the caller.
    fn carrying(&self, of: ResourceType, named: &asked::Named) -> Result<String, Fault> {
        let grant = self.look_for(PersonRef::Everyone, of, "POST Patient/$merge")?;
        let found = self.patients_by(&grant, of, named.pairs())?;
        match found.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(named.unresolved(
                IssueCode::NotFound,
                "no Patient with all of these identifiers is open to you",
            )),
            _ => Err(named.unresolved(
                IssueCode::Duplicate,
                "several Patients carry them; name one of them by its reference",
            )),
        }
    }

    fn read_for(&self, of: ResourceType, id: String) -> Result<Read, Fault> {
        let grant = self.decide(Ask {
            person: PersonRef::Patient(id.clone()),
            verbs: verbs(&[Verb::Read]),
            types: Some(vec![of]),
            what: step(RegistryDone::Looked),
        })?;
        let held = self.house.gate.store().read(&grant.permit, of, &id)?;
        let version = self.open(&grant, held)?.filter(|version| !version.deleted);
        let version = version.ok_or_else(|| self.missing(of, &id))?;
        let patient = json::parse(&version.body, &json::Limits::default());
        Ok(Read {
            id,
            version: version.version,
            patient: patient.map_err(|_| Fault::ours())?,
        })
    }

    fn mark(&self, of: ResourceType, read: &Read, resource: Value) -> Result<(), Fault> {
        let grant = self.decide(Ask {
            person: PersonRef::Patient(read.id.clone()),
            verbs: verbs(&[Verb::Update]),
            types: Some(vec![of]),
            what: step(RegistryDone::Marked),
        })?;
        self.put(of, &grant, read, resource)
    }

    fn put(
        &self,
        of: ResourceType,
        grant: &trust::Grant,
        read: &Read,
        resource: Value,
    ) -> Result<(), Fault> {
        let change = Change::Update {
            of,
            id: read.id.clone(),
            resource,
            if_match: Some(Current::Version(read.version)),
        };
        self.write_one(grant, change, Vec::new(), false).map(drop)
    }
}

fn step(done: RegistryDone) -> What {
    What::Registry(RegistryStep {
        done,
        on: Likeness::default(),
        with: None,
    })
}

/// Source and target as they are marked with the decision.
fn marked(decided: Decided, source: &Read, target: &Read) -> (Value, Value) {
    let (mut one, mut other) = (source.patient.clone(), target.patient.clone());
    let was_replaced = points_to(&one, "replaced-by", &target.id);
    unlink(&mut one, &target.id);
    unlink(&mut other, &source.id);
    match decided {
        Decided::One => {
            one.set("active", Value::Bool(false));
            link(&mut one, "replaced-by", &target.id);
            link(&mut other, "replaces", &source.id);
        }
        Decided::Two if was_replaced => one.set("active", Value::Bool(true)),
        Decided::Two => {}
    }
    (one, other)
}

fn points_to(patient: &Value, kind: &str, id: &str) -> bool {
    let name = format!("Patient/{id}");
    patient.list("link").iter().any(|link| {
        link.text("type") == Some(kind) && link.text("other.reference") == Some(name.as_str())
    })
}

fn unlink(patient: &mut Value, id: &str) {
    let name = format!("Patient/{id}");
    let links = patient.list("link").to_vec();
    let stay: Vec<Value> = links
        .iter()
        .filter(|link| link.text("other.reference") != Some(name.as_str()))
        .cloned()
        .collect();
    if stay.len() == links.len() {
        return;
    }
    match stay.is_empty() {
        true => {
            patient
                .as_object_mut()
                .and_then(|members| members.remove("link"));
        }
        false => patient.set("link", stay),
    }
}

fn link(patient: &mut Value, kind: &str, id: &str) {
    let mut links = patient.list("link").to_vec();
    let reference = format!("Patient/{id}");
    links.push(obj! { "other" => obj! { "reference" => reference }, "type" => kind });
    patient.set("link", links);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(id: &str, text: &str) -> Read {
        Read {
            id: id.into(),
            version: 1,
            patient: json::parse(text.as_bytes(), &json::Limits::default()).unwrap(),
        }
    }

    #[test]
    fn a_split_gives_back_what_a_merge_changed() {
        let source = read("a", r#"{"resourceType":"Patient","id":"a","active":true}"#);
        let target = read(
            "b",
            r#"{"resourceType":"Patient","id":"b","link":[{"other":{"reference":"Patient/c"},"type":"seealso"}]}"#,
        );
        let (one, other) = marked(Decided::One, &source, &target);
        assert_eq!(
            one.to_string(),
            r#"{"resourceType":"Patient","id":"a","active":false,"link":[{"other":{"reference":"Patient/b"},"type":"replaced-by"}]}"#
        );
        assert!(points_to(&other, "replaces", "a") && points_to(&other, "seealso", "c"));
        let again = marked(
            Decided::One,
            &read("a", &one.to_string()),
            &read("b", &other.to_string()),
        );
        assert_eq!(again, (one.clone(), other.clone()), "twice is once");
        let back = marked(
            Decided::Two,
            &read("a", &one.to_string()),
            &read("b", &other.to_string()),
        );
        assert_eq!(back, (source.patient, target.patient));
    }
}
