//! The network as this node sees it. (Skeleton of the public shapes.)

use fhir::Value;
use jiff::Timestamp;
use trust::{ActView, Actor, Evidence, Gate, MemberId, Opinion, Refusal, Request, SignedWord};

/// What one member said.
#[derive(Clone, Debug)]
pub struct Part {
    /// Who.
    pub member: MemberId,
    /// Its name as people say it.
    pub name: String,
    /// What came of asking it.
    pub outcome: Outcome,
    /// Milliseconds it took.
    pub took_ms: u64,
}

/// What came of asking one member.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It answered; the answer may be empty.
    Answered(Answer),
    /// It refused to decide (its pact does not let us ask this), with its sentence.
    Refused(Refusal),
    /// It did not answer before the deadline.
    Late,
    /// It could not be reached.
    Unreachable(String),
    /// Its answer was not signed as the pact says: thrown away.
    Forged,
    /// It stands on another version of the pact that could not be brought together with ours.
    OtherPact(u64),
}

/// What a member shows of a person.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Her resources there, the Patient first.
    pub resources: Vec<Value>,
    /// "Something may be withheld": only where the person chose a hint.
    pub withheld: bool,
    /// The name of the act there.
    pub act: String,
    /// The person's word there was not known to be current: the cautious answer was given.
    pub cautious: bool,
}

/// Somebody who may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Full name.
    pub name: String,
    /// `1968-03-12`.
    pub birth_date: String,
    /// `female`, `male`...
    pub gender: String,
    /// Her CURP as held there; empty when it holds none.
    pub curp: String,
    /// Who knows her.
    pub members: Vec<MemberId>,
}

/// One member's part of a person's log.
#[derive(Clone, Debug)]
pub struct LogPart {
    /// Who.
    pub member: MemberId,
    /// Its name.
    pub name: String,
    /// Its acts about her, or why they are missing.
    pub acts: Result<Vec<ActView>, String>,
}

/// What a node needs to join the network.
pub struct Setup {
    /// Its gate.
    pub gate: Gate,
    /// Its Ed25519 seed, root of its own TLS certificates.
    pub key: [u8; 32],
}

/// The network as this node sees it. Cheap to clone.
#[derive(Clone)]
pub struct Network {}

#[allow(unused_variables)]
impl Network {
    /// Prepares keys, certificates and connections; nothing is sent yet.
    pub fn new(setup: Setup) -> Result<Network, String> {
        unimplemented!()
    }
    /// Serves other nodes on this socket until the future `stop` completes. Also carries what waits in the outbox.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        unimplemented!()
    }
    /// Asks every member (this node first, without a network) for the person's record, in parallel, each with the
    /// pact's deadline. Refused when the gate at home refuses. Every part is there, in the order of the pact.
    pub async fn gather(&self, request: Request, now: Timestamp) -> Result<Vec<Part>, Refusal> {
        unimplemented!()
    }
    /// The person's log from every member.
    pub async fn log(&self, request: Request, now: Timestamp) -> Result<Vec<LogPart>, Refusal> {
        unimplemented!()
    }
    /// The receipt of an act at a member, for its person.
    pub async fn receipt(
        &self,
        request: Request,
        member: &MemberId,
        act: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        unimplemented!()
    }
    /// Brings the person's opinion on an act to the node that logged it.
    pub async fn opine(
        &self,
        request: Request,
        member: &MemberId,
        act: &str,
        opinion: Opinion,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// Looks somebody up: by CURP, or by exact full name and birth date; here and at the members.
    pub async fn find(
        &self,
        actor: &Actor,
        who: Wanted,
        now: Timestamp,
    ) -> Result<Vec<Candidate>, Refusal> {
        unimplemented!()
    }
    /// Turns a code read out by the patient into evidence for this actor, asking the member that showed it.
    pub async fn redeem(
        &self,
        actor: &Actor,
        code: &str,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        unimplemented!()
    }
    /// Carries a person's new word to every member; what does not arrive waits in a durable outbox and is tried again.
    /// Says which members have it.
    pub async fn spread(&self, word: SignedWord, now: Timestamp) -> Vec<(MemberId, bool)> {
        unimplemented!()
    }
}

/// Whom to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By CURP.
    Curp(String),
    /// By full name and birth date.
    Name {
        /// Given names.
        given: String,
        /// Surnames.
        family: String,
        /// `1968-03-12`.
        birth_date: String,
    },
}
