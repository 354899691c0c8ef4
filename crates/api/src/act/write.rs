//! `create`, `update`, `delete`.
//!
//! References to resources that are not here are taken: the parts of a record arrive in any order and from several
//! places. Their form and the type they point to are checked; a conditional reference outside a transaction is not.

use super::{
    Op,
    body::{body_of, curp_of, new_id, refuse_conditional, rooted, same_id},
    condition::condition,
    type_of,
};
use crate::{
    fault::Fault,
    negotiate::{Wishes, pairs},
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
};
use fhir::{ResourceType, Value, search};
use store::{Change, Current, Matched, Verb};
use trust::{PersonRef, What};

impl Session<'_> {
    pub(super) fn create(&self, of: ResourceType, resource: Value, wishes: &Wishes) -> Outcome {
        let resource = rooted(body_of(of, resource)?, &self.house.base);
        refuse_conditional(&resource)?;
        let if_none_exist = wishes
            .if_none_exist
            .as_deref()
            .map(|text| {
                let asked = pairs(text.strip_prefix('?').unwrap_or(text))?;
                condition(&self.words(), of, &asked)
            })
            .transpose()?;
        wishes.expected(false)?;
        let mut what = vec![Verb::Create];
        // What is found is shown, so it must be open to the caller.
        if if_none_exist.is_some() {
            what.extend([Verb::Search, Verb::Read]);
        }
        let grant = self.decide(Ask {
            person: self.person_written(of, None, &resource),
            verbs: verbs(&what),
            types: Some(vec![of]),
            what: What::Interaction(format!("POST {of}")),
        })?;
        let change = Change::Create {
            of,
            id: new_id()?,
            resource,
            if_none_exist,
        };
        self.write_one(&grant, change, Vec::new(), false)
    }

    pub(super) fn update(
        &self,
        of: ResourceType,
        id: String,
        resource: Value,
        if_match: Option<Current>,
        matched: Vec<Matched>,
    ) -> Outcome {
        let resource = rooted(body_of(of, resource)?, &self.house.base);
        same_id(of, &id, &resource)?;
        refuse_conditional(&resource)?;
        let grant = self
            .decide(Ask {
                person: self.person_written(of, Some(&id), &resource),
                verbs: verbs(&[Verb::Create, Verb::Update]),
                types: Some(vec![of]),
                what: What::Interaction(format!("PUT {of}")),
            })
            .map_err(|fault| match of.name() {
                "Patient" => self.concealed(of, fault),
                _ => fault,
            })?;
        let change = Change::Update {
            of,
            id,
            resource,
            if_match,
        };
        self.write_one(&grant, change, matched, if_match.is_some())
    }

    /// What an update of an id that the caller chose expects. Whoever may not know which resources of a type are here
    /// would hear by it whether the id is taken; so for her it must be there, and open.
    pub(crate) fn chosen(
        &self,
        of: ResourceType,
        expected: Option<Current>,
    ) -> Result<Option<Current>, Fault> {
        match expected {
            expected if !self.is_kept_from(of) => Ok(expected),
            None => Ok(Some(Current::Any)),
            Some(Current::Absent) => Err(Fault::not_open()),
            expected => Ok(expected),
        }
    }

    pub(super) fn delete(
        &self,
        of: ResourceType,
        id: String,
        wishes: &Wishes,
        matched: Vec<Matched>,
    ) -> Outcome {
        let if_match = wishes.expected(false)?;
        let what = What::Interaction(format!("DELETE {of}"));
        let deleting = verbs(&[Verb::Delete]);
        let grant = match self.of_the_house() {
            true => self.decide(Ask {
                person: PersonRef::Everyone,
                verbs: deleting,
                types: Some(vec![of]),
                what,
            })?,
            false => self.decide_about(of, &id, deleting, what)?,
        };
        let change = Change::Delete { of, id, if_match };
        self.write_one(&grant, change, matched, if_match.is_some())
    }

    pub(super) fn write_one(
        &self,
        grant: &trust::Grant,
        change: Change,
        matched: Vec<Matched>,
        conditional: bool,
    ) -> Outcome {
        let (of, id) = match &change {
            Change::Create { of, id, .. }
            | Change::Update { of, id, .. }
            | Change::Delete { of, id, .. } => (*of, id.clone()),
            Change::Activate { id } | Change::Deactivate { id } => {
                (type_of("SearchParameter")?, id.clone())
            }
        };
        let committed = self
            .house
            .gate
            .write_if(grant, vec![change], matched, self.now)
            .map_err(|error| self.write_fault(error, conditional.then_some((of, id))))?;
        let written = committed.written.first().ok_or_else(Fault::ours)?;
        Ok(Reply::written(written))
    }

    /// A failed precondition is the caller's (412); a version that changed under an unconditional write is a conflict
    /// (409). That a version is another one is told only to whoever may see all the resources that the conditions were
    /// on; to others it would say that they are there.
    pub(crate) fn write_fault(
        &self,
        error: store::Error,
        conditions: impl IntoIterator<Item = (ResourceType, String)>,
    ) -> Fault {
        let stale = matches!(error, store::Error::VersionConflict { .. });
        let fault = Fault::from(error);
        if !stale {
            return fault;
        }
        let mut conditional = false;
        for (of, id) in conditions {
            conditional = true;
            if self.is_kept_from(of)
                && let Err(hidden) = self.act(Op::Read(of, id, Vec::new()), &Wishes::default())
                && hidden.status != 410
            {
                return hidden;
            }
        }
        match conditional {
            true => Fault {
                status: 412,
                ..fault
            },
            false => fault,
        }
    }

    /// Whose record a write is about. The institution's own software writes whatever the institution holds, also what
    /// arrives before its patient.
    pub(crate) fn person_written(
        &self,
        of: ResourceType,
        id: Option<&str>,
        resource: &Value,
    ) -> PersonRef {
        if self.of_the_house() {
            return PersonRef::Everyone;
        }
        if of.name() == "Patient" {
            return match (id, curp_of(resource)) {
                (Some(id), _) => PersonRef::Patient(id.to_owned()),
                (None, Some(curp)) => PersonRef::Curp(curp),
                (None, None) => PersonRef::Patient(String::new()),
            };
        }
        match search::patients(of, resource).into_iter().next() {
            Some(patient) => PersonRef::Patient(patient),
            None => match id {
                Some(id) => PersonRef::Resource(of, id.to_owned()),
                None => PersonRef::Nobody,
            },
        }
    }
}
