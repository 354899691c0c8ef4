//! Our `Patient/{id}/$person`: a person's registrations at this node and how each counts as hers, as a FHIR `Person`.
//!
//! It is made of what the house decided, when it is asked for. A stored `Patient` is read as it was written: who is who is
//! undone by a decision, and no version of a resource would follow. For the same reason nobody links by storing a `Person`
//! ([`one_at_most`]).

use super::{nothing_else, type_of};
use crate::{
    fault::Fault,
    negotiate::Pairs,
    reply::Reply,
    session::{Outcome, Session, verbs},
};
use fhir::{Issue, IssueCode, Value, obj};
use store::Verb;
use trust::{What, registry::Hers};

impl Session<'_> {
    /// The `Person` of a registration, with the registrations that are open to the caller.
    pub(super) fn person(&self, id: &str, pairs: &Pairs) -> Outcome {
        nothing_else(pairs, "_format, _pretty")?;
        let of = type_of("Patient")?;
        let what = What::Interaction("GET Patient/$person".to_owned());
        let grant = self.decide_about(of, id, verbs(&[Verb::Search, Verb::Read]), what)?;
        let open = self.patients_by(&grant, of, Vec::new())?;
        let hers = self.house.gate.registrations(&grant)?;
        let links: Vec<Value> = hers
            .iter()
            .filter(|one| open.iter().any(|version| version.id == one.id))
            .map(|one| {
                obj! {
                    "target" => obj! { "reference" => self.address(of, &one.id) },
                    "assurance" => assurance(&one.how),
                }
            })
            .collect();
        if links.is_empty() {
            return Err(self.missing(of, id));
        }
        let person = obj! { "resourceType" => "Person", "active" => true, "link" => links };
        Ok(Reply::made(person.to_bytes()))
    }
}

/// How sure a link is, in the four levels of R4 (identity-assuranceLevel, after NIST SP 800-63): a confirmed number is very
/// high, a number or somebody's word high, somebody's word against what was weighed some.
fn assurance(how: &Hers) -> &'static str {
    let Hers::Linked(decision) = how else {
        return "level3";
    };
    match (decision.on.number, decision.on.per_mille) {
        (true, _) => "level4",
        (false, Some(per_mille)) if per_mille < 500 => "level2",
        (false, _) => "level3",
    }
}

/// Refuses a `Person` that says of several `Patient`s that they are of one ([`identity::is_of_several`]).
pub(super) fn one_at_most(person: &Value) -> Result<(), Fault> {
    if !identity::is_of_several(person) {
        return Ok(());
    }
    let issue = Issue::error(IssueCode::BusinessRule, "Person.link", identity::OF_SEVERAL);
    Err(Fault::of(422, vec![issue]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::{
        Role,
        registry::{Decision, Likeness},
    };

    #[test]
    fn assurance_follows_what_a_link_stands_on() {
        let linked = |on: Likeness| {
            Hers::Linked(Decision {
                by: "ana".into(),
                name: "Ana".into(),
                role: Role::Clerk,
                at: jiff::Timestamp::UNIX_EPOCH,
                on,
            })
        };
        assert_eq!(assurance(&Hers::Curp), "level3");
        assert_eq!(assurance(&linked(Likeness::number())), "level4");
        assert_eq!(assurance(&linked(Likeness::default())), "level3");
        assert_eq!(
            assurance(&linked(Likeness::weighed("probable", 0.9))),
            "level3"
        );
        assert_eq!(
            assurance(&linked(Likeness::weighed("possible", 0.2))),
            "level2"
        );
    }
}
