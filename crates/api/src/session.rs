//! Somebody at work: her requests to the gate, phrased as narrowly as the interaction allows.

use crate::{fault::Fault, reply::Reply};
use fhir::ResourceType;
use jiff::Timestamp;
use std::{cell::Cell, pin::Pin};
use store::{Held, Labels, Verb, Verbs};
use trust::{Actor, Gate, Grant, PersonRef, Purpose, RefusalKind, Request, Role, SignedWord, What};

/// What all requests share.
pub(crate) struct House {
    pub(crate) gate: Gate,
    pub(crate) people: std::sync::Arc<identity::Desk>,
    pub(crate) limits: crate::Limits,
    /// `https://node.example/fhir`.
    pub(crate) base: String,
}

/// One request of somebody who is signed in.
pub(crate) struct Session<'a> {
    pub(crate) house: &'a House,
    pub(crate) actor: Actor,
    pub(crate) purpose: Purpose,
    pub(crate) now: Timestamp,
    /// Of what was shown so far, the findings that the person asked not to know.
    pub(crate) unwanted: Cell<Labels>,
    /// The terms on which it was let be seen.
    pub(crate) terms: Cell<OnTerms>,
    /// What the person said, to be carried to the other members.
    pub(crate) said: Cell<Option<SignedWord>>,
}

/// On what terms a person let be seen what an answer shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnTerms {
    /// By when it is to be erased.
    pub(crate) erase_at: Option<Timestamp>,
    /// When more is open again, where what may be seen so many times was.
    pub(crate) again: Option<Timestamp>,
}

impl OnTerms {
    fn with(self, other: OnTerms) -> OnTerms {
        let first = |a: Option<Timestamp>, b| a.into_iter().chain(b).min();
        OnTerms {
            erase_at: first(self.erase_at, other.erase_at),
            again: first(self.again, other.again),
        }
    }
}

/// What the reader of an answer must know: findings that the person asked not to know, and her terms.
pub(crate) type With = (Labels, OnTerms);

/// A question to the gate.
pub(crate) struct Ask {
    pub(crate) person: PersonRef,
    pub(crate) verbs: Verbs,
    pub(crate) types: Option<Vec<ResourceType>>,
    pub(crate) what: What,
}

impl Session<'_> {
    /// Whether the institution's own software or operator asks: for them the node's holdings are no secret.
    pub(crate) fn of_the_house(&self) -> bool {
        matches!(self.actor.role, Role::System | Role::Operator)
    }

    /// Asks the gate. A refusal is an act already.
    pub(crate) fn decide(&self, ask: Ask) -> Result<Grant, Fault> {
        Ok(self.house.gate.decide(self.request(ask), self.now)?)
    }

    /// Asks about one named resource. Whoever may not know whether it is there gets [`Fault::not_open`] for whatever
    /// reason; only the state of her own licence is told, since that says nothing of the resource.
    pub(crate) fn decide_about(
        &self,
        of: ResourceType,
        id: &str,
        verbs: Verbs,
        what: What,
    ) -> Result<Grant, Fault> {
        self.house
            .gate
            .decide(self.about(of, id, verbs, what), self.now)
            .map_err(|refusal| match refusal.kind {
                // Of a resource by its name it would say that it is there, and hers.
                RefusalKind::UsedUp if of.name() != "Patient" => Fault::not_open(),
                RefusalKind::NoEvidence
                | RefusalKind::Pact
                | RefusalKind::Person
                | RefusalKind::Forged
                    if self.is_kept_from(of) =>
                {
                    Fault::not_open()
                }
                _ => refusal.into(),
            })
    }

    /// The request to the gate about one named resource.
    pub(crate) fn about(&self, of: ResourceType, id: &str, verbs: Verbs, what: What) -> Request {
        let person = match of.name() {
            "Patient" => PersonRef::Patient(id.to_owned()),
            _ => PersonRef::Resource(of, id.to_owned()),
        };
        self.request(Ask {
            person,
            verbs,
            types: Some(vec![of]),
            what,
        })
    }

    fn request(&self, ask: Ask) -> Request {
        Request {
            actor: self.actor.clone(),
            purpose: self.purpose,
            person: ask.person,
            verbs: ask.verbs,
            types: ask.types,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: ask.what,
        }
    }

    /// Whether this somebody may not know which resources of a type are here.
    pub(crate) fn is_kept_from(&self, of: ResourceType) -> bool {
        !self.of_the_house() && (of.name() == "Patient" || of.is_personal())
    }

    /// The fault for a resource that the archive did not show.
    pub(crate) fn missing(&self, of: ResourceType, id: &str) -> Fault {
        match self.is_kept_from(of) {
            true => Fault::not_open(),
            false => Fault::not_found(format!("{of}/{id} is not here.")),
        }
    }

    /// Makes the act durable and opens the answer.
    pub(crate) fn open<T>(&self, grant: &Grant, held: Held<T>) -> Result<T, Fault> {
        let (unwanted, terms) = self.with(grant, &held);
        let (answer, _act) = self.house.gate.open_answer(grant, held, self.now)?;
        self.unwanted.set(self.unwanted.get().with(unwanted));
        self.terms.set(self.terms.get().with(terms));
        Ok(answer)
    }

    /// An outcome with what its reader must know before she speaks of it.
    pub(crate) fn noted(&self, outcome: Outcome) -> Outcome {
        let mut reply = outcome?;
        reply.unwanted = self.unwanted.get();
        reply.terms = self.terms.get();
        reply.said = self.said.take().map(Box::new);
        Ok(reply)
    }

    fn with<T>(&self, grant: &Grant, held: &Held<T>) -> With {
        let terms = OnTerms {
            // Who was shown nothing has nothing to erase.
            erase_at: grant.erase_at.filter(|_| !held.seen().is_empty()),
            again: grant.again,
        };
        let unwanted = self.house.gate.unwanted_among(grant, held.seen(), self.now);
        (unwanted, terms)
    }

    /// Absolute address of a resource.
    pub(crate) fn address(&self, of: ResourceType, id: &str) -> String {
        address(&self.house.base, of, id)
    }
}

/// Absolute address of a resource under a FHIR base.
pub(crate) fn address(base: &str, of: ResourceType, id: &str) -> String {
    format!("{base}/{of}/{id}")
}

/// An answer that stays closed until its act is durable, and how it is told then.
pub(crate) struct Sealed<T, F> {
    pub(crate) grant: Grant,
    pub(crate) held: Held<T>,
    pub(crate) tell: F,
}

impl<T, F> Sealed<T, F>
where
    T: Send + 'static,
    F: FnOnce(T) -> Outcome + Send + 'static,
{
    /// Tells it; blocks until the act is durable.
    pub(crate) fn open(self, session: &Session<'_>) -> Outcome {
        (self.tell)(session.open(&self.grant, self.held)?)
    }

    /// The same without blocking: the act is handed in when this returns. What its reader must know comes with the answer,
    /// since the session need not last so long.
    pub(crate) fn opening(self, session: &Session<'_>) -> Result<Opening, Fault> {
        let Sealed { grant, held, tell } = self;
        let with = session.with(&grant, &held);
        let opening = session.house.gate.opening(&grant, held, session.now)?;
        Ok(Box::pin(async move {
            let (answer, _act) = opening.await?;
            let mut reply = tell(answer)?;
            (reply.unwanted, reply.terms) = with;
            Ok(reply)
        }))
    }
}

/// What is told when an act is durable.
pub(crate) type Opening = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A set of one or two verbs.
pub(crate) fn verbs(all: &[Verb]) -> Verbs {
    all.iter()
        .fold(Verbs::default(), |set, verb| set.and(*verb))
}

/// What an interaction gives.
pub(crate) type Outcome = Result<Reply, Fault>;
