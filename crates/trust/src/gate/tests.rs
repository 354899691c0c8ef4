//! A network of three institutions, each with its own archive in a folder that goes away, and one person.

mod current;
mod delegate;
mod desk;
mod erasure;
mod evidence;
mod glass;
mod licence;
mod linkage;
mod links;
mod log;
mod matrix;
mod model;
mod narrow;
mod order;
mod pacts;
mod parts;
mod pattern;
mod referral;
mod replay;
mod represent;
mod seals;
mod settled;
mod sign_in;
mod stay;
mod upkeep;
mod uses;
mod why;
mod wish;
mod words;

use super::*;
use crate::pact;
use crate::{ActKind, Actor, Evidence, Licence, LicenceState, Member, MemberKind, Role};
use fhir::{ResourceType, Value, json::Limits};
use store::{Change, Permit, Verb, Verbs, Version};

/// The person, and somebody else.
const SHE: &str = "HEGG560427MVZRRL04";
const OTHER: &str = "BADD110313HCMLNS09";
const SECRET: [u8; 32] = [7; 32];

fn at(time: &str) -> Timestamp {
    format!("2026-11-22T{time}:00Z").parse().unwrap()
}
fn noon() -> Timestamp {
    at("12:00")
}
fn id(member: &str) -> MemberId {
    MemberId(member.into())
}
fn of(name: &str) -> ResourceType {
    ResourceType::from_name(name).unwrap()
}

const MEMBERS: [(&str, u8, MemberKind); 3] = [
    ("imss", 1, MemberKind::PublicInstitution),
    ("farmacia", 2, MemberKind::Pharmacy),
    ("sanatorio", 3, MemberKind::PrivateHospital),
];

fn key(member: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(&format!("{member}.example/tejido"), [seed; 32]).unwrap()
}

fn a_pact(version: u64, previous: String) -> Pact {
    let member = |(id, seed, kind): (&str, u8, MemberKind)| Member {
        id: MemberId(id.into()),
        name: format!("Institución {id}"),
        kind,
        key: key(id, seed).verifier().to_string(),
        address: format!("{id}.example:7443"),
        public: format!("https://{id}.example"),
        former: vec![],
    };
    Pact {
        network: "Tejido de prueba".into(),
        version,
        previous,
        threshold: 2,
        deadline_ms: 2000,
        check_in_minutes: 60,
        appointment_minutes: 120,
        code_minutes: 10,
        word_minutes: None,
        members: MEMBERS.into_iter().map(member).collect(),
        policies: crate::policy::DEFAULT.into(),
        purposes: pact::usual(),
        emergency: Some(crate::Emergency::USUAL),
        orders: Some(crate::Orders::USUAL),
        care: Some(crate::Care::USUAL),
        linkage: None,
        seals: None,
        never: pact::NEVER.to_vec(),
    }
}

fn signed(pact: &Pact) -> String {
    let mut keys = MEMBERS.iter().map(|(id, seed, _)| key(id, *seed));
    let first = pact::sign(pact, &keys.next().unwrap()).unwrap();
    keys.fold(first, |text, key| pact::add_signature(&text, &key).unwrap())
}

/// One node, and the folder that it lives in.
struct Node {
    gate: Gate,
    dir: tempfile::TempDir,
}

impl std::ops::Deref for Node {
    type Target = Gate;
    fn deref(&self) -> &Gate {
        &self.gate
    }
}

fn config(member: &str) -> Config {
    let (_, seed, _) = MEMBERS.iter().find(|(id, ..)| *id == member).unwrap();
    Config {
        member: id(member),
        key: [*seed; 32],
        network_secret: SECRET,
        pact: signed(&a_pact(1, String::new())),
        now: noon(),
        store: store::Options {
            durable: false,
            ..store::Options::default()
        },
    }
}

fn node(member: &str) -> Node {
    let dir = tempfile::tempdir().unwrap();
    let gate = Gate::open(dir.path(), config(member)).unwrap();
    Node { gate, dir }
}

/// A node that holds the person's `Patient` and three resources of hers: a condition, a medicine, a laboratory result.
fn node_with_her(member: &str) -> Node {
    let node = node(member);
    for resource in [
        patient("her", SHE),
        "{\"resourceType\":\"Condition\",\"id\":\"c1\",\"subject\":{\"reference\":\"Patient/her\"}}".into(),
        "{\"resourceType\":\"MedicationRequest\",\"id\":\"m1\",\"status\":\"active\",\"intent\":\"order\",\"subject\":{\"reference\":\"Patient/her\"}}".into(),
        "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"laboratory\"}]}],\"subject\":{\"reference\":\"Patient/her\"}}".into(),
    ] {
        node.load(&resource);
    }
    node
}

fn patient(id: &str, curp: &str) -> String {
    format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"identifier\":[{{\"system\":\"{}\",\"value\":\"{curp}\"}}]}}",
        mx::systems::CURP
    )
}

fn parse(text: &str) -> Value {
    fhir::json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

impl Node {
    /// The operator loads a resource.
    fn load(&self, text: &str) {
        let resource = parse(text);
        let change = Change::Update {
            of: of(resource.text("resourceType").unwrap()),
            id: resource.text("id").unwrap().into(),
            resource,
            if_match: None,
        };
        let grant = self.decide(import(&self.gate), noon()).unwrap();
        self.write(&grant, vec![change], noon()).unwrap();
    }
    fn tag_of_her(&self) -> Tag {
        self.tag(SHE)
    }
    /// What a grant shows of the person, by reading each of her resources.
    fn sees(&self, grant: &Grant) -> Vec<&'static str> {
        [
            ("Patient", "her"),
            ("Condition", "c1"),
            ("MedicationRequest", "m1"),
            ("Observation", "o1"),
        ]
        .into_iter()
        .filter(|(name, id)| self.reads(grant, name, id).is_some())
        .map(|(name, _)| name)
        .collect()
    }
    fn reads(&self, grant: &Grant, name: &str, id: &str) -> Option<Version> {
        let permit: &Permit = &grant.permit;
        let held = self.store().read(permit, of(name), id).ok()?;
        self.open_answer(grant, held, noon()).unwrap().0
    }
    /// Every act of this node, newest first.
    fn all_acts(&self) -> Vec<crate::Act> {
        let house = &self.house;
        house
            .store
            .latest_acts(&house.seal, None, 1_000)
            .unwrap()
            .iter()
            .map(|(_, body)| crate::Act::from_body(body).unwrap())
            .collect()
    }
}

fn actor(member: &str, role: Role) -> Actor {
    let licensed = [Role::Physician, Role::Nurse, Role::Pharmacist].contains(&role);
    Actor {
        id: format!("una-{}", role.code()),
        name: "Una Persona".into(),
        member: id(member),
        role,
        licence: licensed.then(|| licence(LicenceState::Active)),
        curp: None,
        helper: None,
        delegator: None,
    }
}

fn licence(state: LicenceState) -> Licence {
    Licence {
        cedula: "1234567".into(),
        specialty: "Medicina general".into(),
        state,
        checked: noon(),
        supervisor: None,
    }
}

fn herself(member: &str) -> Actor {
    Actor {
        curp: Some(SHE.into()),
        ..actor(member, Role::Patient)
    }
}

fn import(gate: &Gate) -> Request {
    Request {
        actor: actor(&gate.member().0, Role::Operator),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: Verbs::only(Verb::Create).and(Verb::Update),
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Import("prueba".into()),
    }
}

/// Somebody wants to read the person's summary, for treatment.
fn treat(actor: Actor) -> Request {
    Request {
        actor,
        purpose: Purpose::Treatment,
        person: PersonRef::Curp(SHE.into()),
        verbs: Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Summary,
    }
}

fn her_own(actor: Actor, what: What) -> Request {
    Request {
        purpose: Purpose::OwnRequest,
        what,
        ..treat(actor)
    }
}

fn refused(gate: &Gate, request: Request) -> Refusal {
    gate.decide(request, noon()).unwrap_err()
}
