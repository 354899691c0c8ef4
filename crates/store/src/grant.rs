//! What a permit opens, asked row by row.

use crate::residual::{Asked, Judged};
use crate::vault::digits;
use crate::{
    Error, Labels, LeftOut, Permit, PermitId, PersonKey, ResidualOf, Result, Scope, Verb, Verbs,
};
use fhir::ResourceType;
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// The terms of a permit as the scans use them.
#[derive(Clone)]
pub(crate) struct Grant {
    /// The permit's name, for traces.
    permit: PermitId,
    pub(crate) scope: Scope,
    verbs: Verbs,
    types: Option<Vec<ResourceType>>,
    /// What is left out of each person met so far.
    known: RefCell<HashMap<u64, LeftOut>>,
    residual: Option<ResidualOf>,
    /// What is asked of each person's resources besides, of those met so far.
    asked: RefCell<HashMap<u64, Option<Asked>>>,
    judged: Arc<Judged>,
}

impl Grant {
    pub(crate) fn new(permit: &Permit, store: u64, judged: &Arc<Judged>) -> Result<Grant> {
        if permit.store != store {
            return Err(Error::NotPermitted("the permit is of another store".into()));
        }
        Ok(Grant {
            permit: permit.id(),
            scope: permit.terms.scope.clone(),
            verbs: permit.terms.verbs,
            types: permit.terms.types.clone(),
            known: RefCell::default(),
            residual: permit.terms.residual.clone(),
            asked: RefCell::default(),
            judged: judged.clone(),
        })
    }
    /// The span of one question in traces: what kind it is, on which type, under which permit; never what it says.
    pub(crate) fn span(&self, kind: &'static str, of: Option<ResourceType>) -> tracing::Span {
        tracing::debug_span!(
            "question",
            kind,
            of = of.map(ResourceType::name),
            permit = %digits(&self.permit)
        )
    }
    /// The permit must name the verb, and the type if one is asked for by name.
    pub(crate) fn must(&self, verb: Verb, of: Option<ResourceType>) -> Result<()> {
        if !self.verbs.has(verb) {
            return Err(Error::NotPermitted(format!("it does not allow {verb:?}")));
        }
        match of {
            Some(of) if !self.covers(of) => {
                Err(Error::NotPermitted(format!("it does not open {of}")))
            }
            _ => Ok(()),
        }
    }
    /// Whether the permit opens a type.
    pub(crate) fn covers(&self, of: ResourceType) -> bool {
        self.types.as_ref().is_none_or(|types| types.contains(&of))
    }
    /// Whether what has these categories is left out of a person's record. The one place where it is decided: every
    /// scan asks here.
    pub(crate) fn withholds(&self, person: PersonKey, labels: Labels) -> bool {
        match &self.scope {
            Scope::Person { left_out, only, .. } => {
                let shared = person.0 == 0 && labels.0 == 0;
                left_out.covers(labels) || !shared && only.is_some_and(|only| !labels.meets(only))
            }
            // What nobody put into a category is asked for nobody.
            Scope::People(_) if labels.0 == 0 => false,
            Scope::People(of) => self
                .known
                .borrow_mut()
                .entry(person.0)
                .or_insert_with(|| of(person))
                .covers(labels),
            Scope::Shared => false,
        }
    }
    /// What is asked of a person's resources besides their categories. Nobody's resources are asked nothing.
    pub(crate) fn residual(&self, person: PersonKey) -> Option<Asked> {
        let residual = self.residual.as_ref().filter(|_| person.0 != 0)?;
        let mut asked = self.asked.borrow_mut();
        let asked = asked
            .entry(person.0)
            .or_insert_with(|| Asked::of(residual, &self.judged, person));
        asked.clone()
    }
    /// Whether a resource of this type, person and labels is opened, as far as labels say; `named` says whether the permit's person refers
    /// to it, and is asked only for shared resources.
    pub(crate) fn opens(
        &self,
        of: ResourceType,
        person: PersonKey,
        labels: Labels,
        named: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        if !self.covers(of) || self.withholds(person, labels) {
            return Ok(false);
        }
        match &self.scope {
            Scope::People(_) => Ok(true),
            Scope::Person { keys, .. } if person.0 != 0 => Ok(keys.contains(&person)),
            Scope::Person { .. } => named(),
            // What can be about a patient but names none here may be about one who is registered elsewhere.
            Scope::Shared => Ok(person.0 == 0 && is_shared(of)),
        }
    }
    /// Text that tells this scope from others, for page links.
    pub(crate) fn told(&self) -> String {
        let scope = match &self.scope {
            Scope::Person {
                keys,
                left_out,
                only,
            } => {
                let residual = keys.iter().filter_map(|key| self.residual(*key));
                let names: Vec<String> = residual.map(|asked| digits(&asked.name())).collect();
                format!("person {keys:?} {left_out:?} {only:?} {}", names.join(" "))
            }
            Scope::People(_) => "people".to_owned(),
            Scope::Shared => "shared".to_owned(),
        };
        format!("{scope} {:?}", self.types)
    }
}

/// Types of which a resource that is nobody's is for all: a timetable, an apparatus that is in nobody.
pub(crate) fn is_shared(of: ResourceType) -> bool {
    !of.is_personal() || matches!(of.name(), "Schedule" | "Device")
}
