//! `SearchParameter/[id]/$activate`, `$deactivate` and `$indexing`: search parameters beyond those of R4.
//!
//! To store a SearchParameter is to keep a definition, as of any other resource; packages bring hundreds, R4's own among
//! them. To activate one changes the index of the whole node and costs a walk through what it holds, so it is asked for
//! by itself, and whoever may change the resource may do it. A later change of the resource counts when it is activated
//! again; its deletion takes it out.

use super::type_of;
use crate::{
    fault::Fault,
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
};
use fhir::{Value, obj};
use store::{Change, Indexing, Phase, Verb};
use trust::{PersonRef, What};

const DEFINITION: &str = "SearchParameter";

impl Session<'_> {
    pub(super) fn activate(&self, id: String, active: bool) -> Outcome {
        let of = type_of(DEFINITION)?;
        let name = if active { "activate" } else { "deactivate" };
        let grant = self.decide(Ask {
            person: PersonRef::Everyone,
            verbs: verbs(&[Verb::Update, Verb::Read]),
            types: Some(vec![of]),
            what: What::Interaction(format!("POST {DEFINITION}/${name}")),
        })?;
        let change = match active {
            true => Change::Activate { id: id.clone() },
            false => Change::Deactivate { id: id.clone() },
        };
        let gate = &self.house.gate;
        let committed = gate.write(&grant, vec![change], self.now)?;
        let written = committed.written.first().ok_or_else(Fault::ours)?;
        if written.version.version == 0 {
            return Err(self.missing(of, &id));
        }
        if written.version.deleted {
            return Err(super::read::was_deleted(&written.version));
        }
        self.indexing(Some(&id))
    }

    /// How far the index is, with the parameter that a resource defines or with all that are loaded.
    pub(super) fn indexing(&self, id: Option<&str>) -> Outcome {
        let of = type_of(DEFINITION)?;
        let grant = self.decide(Ask {
            person: PersonRef::Everyone,
            verbs: verbs(&[Verb::Read]),
            types: Some(vec![of]),
            what: What::Interaction(format!("GET {DEFINITION}/$indexing")),
        })?;
        let store = self.house.gate.store();
        let mut all = self.open(&grant, store.indexing(&grant.permit)?)?;
        if let Some(id) = id {
            all.retain(|at| at.id == id);
            if all.is_empty() {
                let held = store.read(&grant.permit, of, id)?;
                if self.open(&grant, held)?.is_none() {
                    return Err(self.missing(of, id));
                }
            }
        }
        let parameters: Vec<Value> = all.iter().map(told).collect();
        let answer = match parameters.is_empty() {
            true => obj! { "resourceType" => "Parameters" },
            false => obj! { "resourceType" => "Parameters", "parameter" => parameters },
        };
        Ok(Reply::made(answer.to_bytes()))
    }
}

fn told(at: &Indexing) -> Value {
    let phase = match at.phase {
        Phase::Coming => "indexing",
        Phase::Ready => "ready",
        Phase::Leaving => "removing",
    };
    let count = |number: u64| Value::decimal(number.to_string());
    let reference = format!("{DEFINITION}/{}/_history/{}", at.id, at.version);
    obj! {
        "name" => "searchParameter",
        "part" => [
            obj! { "name" => "definition", "valueReference" => obj! { "reference" => reference } },
            obj! { "name" => "url", "valueUri" => at.url.as_str() },
            obj! { "name" => "code", "valueCode" => at.code.as_str() },
            obj! { "name" => "phase", "valueCode" => phase },
            obj! { "name" => "done", "valueDecimal" => count(at.done) },
            obj! { "name" => "total", "valueDecimal" => count(at.total) },
        ],
    }
}
