//! A small network on loopback: real gates, real mutual TLS, throw-away archives.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)] // Each test file uses its part.

use exchange::{Network, Outcome, Part, Setup};
use fhir::json::{Limits, parse};
use jiff::Timestamp;
use ledger::SigningKey;
use store::{Change, Options, Verbs};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use trust::{
    Actor, Gate, Licence, LicenceState, Member, MemberId, MemberKind, Pact, PersonRef, Purpose,
    Request, Role, What,
};

pub const CURP: &str = "EAAF010203MNLSRRA7";
pub const SECRET: [u8; 32] = [9; 32];

/// A member under test.
pub struct Node {
    pub id: MemberId,
    pub seed: [u8; 32],
    pub gate: Gate,
    pub network: Network,
    pub dir: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
}

impl Node {
    pub fn hang_up(&mut self) {
        self.stop.take();
    }
}

pub fn key(name: &str, seed: [u8; 32]) -> SigningKey {
    SigningKey::from_seed(name, seed).unwrap()
}

pub fn seed(place: usize) -> [u8; 32] {
    [u8::try_from(place).unwrap() + 1; 32]
}

pub const KINDS: [(&str, MemberKind); 4] = [
    ("farmacia", MemberKind::Pharmacy),
    ("imss", MemberKind::PublicInstitution),
    ("hospital", MemberKind::PrivateHospital),
    ("issste", MemberKind::PublicInstitution),
];

/// The first pact of these members, at these addresses.
pub fn pact(addresses: &[String]) -> Pact {
    let members = KINDS
        .iter()
        .zip(addresses)
        .enumerate()
        .map(|(i, ((id, kind), address))| Member {
            id: MemberId((*id).into()),
            name: id.to_uppercase(),
            kind: *kind,
            key: key(id, seed(i)).verifier().to_string(),
            address: address.clone(),
            public: format!("https://{id}.example:443"),
            former: vec![],
        });
    Pact {
        network: "prueba".into(),
        version: 1,
        previous: String::new(),
        threshold: 3,
        deadline_ms: 3_000,
        check_in_minutes: 120,
        appointment_minutes: 120,
        code_minutes: 10,
        word_minutes: None,
        members: members.collect(),
        policies: trust::policy::DEFAULT.to_owned(),
        purposes: trust::pact::usual(),
        emergency: Some(trust::Emergency::USUAL),
        orders: Some(trust::Orders::USUAL),
        care: Some(trust::Care::USUAL),
        linkage: None,
        seals: None,
        never: trust::pact::NEVER.to_vec(),
    }
}

/// Signed by the first `n` of its members.
pub fn signed(pact: &Pact, n: usize) -> String {
    let keys: Vec<SigningKey> = pact
        .members
        .iter()
        .take(n)
        .enumerate()
        .map(|(i, m)| key(&m.id.0, seed(i)))
        .collect();
    let first = trust::pact::sign(pact, &keys[0]).unwrap();
    keys[1..].iter().fold(first, |text, key| {
        trust::pact::add_signature(&text, key).unwrap()
    })
}

pub async fn listeners() -> (Vec<TcpListener>, Vec<String>) {
    let mut listeners = Vec::new();
    for _ in KINDS {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let addresses = listeners
        .iter()
        .map(|l| l.local_addr().unwrap().to_string())
        .collect();
    (listeners, addresses)
}

/// A node that is not yet listening.
pub fn node(place: usize, pact: &str) -> Node {
    open(tempfile::tempdir().unwrap(), place, pact)
}

/// The same node after it stopped.
pub fn reopened(node: Node, place: usize, pact: &str) -> Node {
    let Node {
        gate, network, dir, ..
    } = node;
    drop((gate, network));
    open(dir, place, pact)
}

fn open(dir: tempfile::TempDir, place: usize, pact: &str) -> Node {
    let id = MemberId(KINDS[place].0.into());
    let config = trust::Config {
        member: id.clone(),
        key: seed(place),
        network_secret: SECRET,
        pact: pact.to_owned(),
        now: jiff::Timestamp::now(),
        store: Options {
            durable: false,
            ..Options::default()
        },
    };
    let gate = Gate::open(dir.path(), config).unwrap();
    let network = Network::new(Setup {
        gate: gate.clone(),
        key: seed(place),
    })
    .unwrap();
    Node {
        id,
        seed: seed(place),
        gate,
        network,
        dir,
        stop: None,
    }
}

pub fn listen(node: &mut Node, listener: TcpListener) {
    let (stop, stopped) = oneshot::channel::<()>();
    node.stop = Some(stop);
    tokio::spawn(node.network.clone().serve(listener, async move {
        let _ = stopped.await;
    }));
}

/// All four members, listening.
pub async fn network() -> Vec<Node> {
    network_under(|_| {}).await
}

/// The same under a pact that says something else.
pub async fn network_under(change: impl FnOnce(&mut Pact)) -> Vec<Node> {
    let (listeners, addresses) = listeners().await;
    let mut pact = pact(&addresses);
    change(&mut pact);
    let pact = signed(&pact, 4);
    let mut nodes: Vec<Node> = (0..KINDS.len()).map(|i| node(i, &pact)).collect();
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    nodes
}

pub fn doctor(member: &MemberId) -> Actor {
    Actor {
        id: "ana".into(),
        name: "Dra. Ana Ruiz".into(),
        member: member.clone(),
        role: Role::Physician,
        licence: Some(Licence {
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            state: LicenceState::Active,
            checked: Timestamp::now(),
            supervisor: None,
        }),
        curp: None,
        helper: None,
        delegator: None,
    }
}

pub fn patient(member: &MemberId) -> Actor {
    let curp = Some(CURP.to_owned());
    Actor {
        id: "lupita".into(),
        name: "Lupita".into(),
        member: member.clone(),
        role: Role::Patient,
        licence: None,
        curp,
        helper: None,
        delegator: None,
    }
}

pub fn summary(actor: Actor, purpose: Purpose) -> Request {
    Request {
        actor,
        purpose,
        person: PersonRef::Curp(CURP.into()),
        verbs: Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Summary,
    }
}

/// Writes the person and one condition with this text into a node.
pub fn remember(node: &Node, condition: &str) {
    let id = format!("p-{}", node.id);
    let patient = format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"{}","value":"{CURP}"}}],
        "name":[{{"family":"Escamilla Arroyo","given":["María","Fernanda"]}}],"birthDate":"2001-02-03","gender":"female"}}"#,
        mx::systems::CURP
    );
    let problem = format!(
        r#"{{"resourceType":"Condition","id":"c","subject":{{"reference":"Patient/{id}"}},"code":{{"text":"{condition}"}},"recordedDate":"2026-01-01"}}"#
    );
    write(
        node,
        &[("Patient", &id, &patient), ("Condition", "c", &problem)],
    );
}

/// Somebody else's CURP.
pub const OTHER: &str = "BADD110313HCMLNS09";

/// Writes somebody else into a node: `Patient/otro`.
pub fn remember_another(node: &Node) {
    let other = format!(
        r#"{{"resourceType":"Patient","id":"otro","identifier":[{{"system":"{}","value":"{OTHER}"}}]}}"#,
        mx::systems::CURP
    );
    write(node, &[("Patient", "otro", &other)]);
}

/// Writes resources as the node's operator: (type, id, text).
pub fn write(node: &Node, resources: &[(&str, &str, &str)]) {
    write_at(node, resources, Timestamp::now());
}

/// The same at a time.
pub fn write_at(node: &Node, resources: &[(&str, &str, &str)], now: Timestamp) {
    let operator = Actor {
        id: "op".into(),
        name: "Operación".into(),
        role: Role::Operator,
        curp: None,
        ..patient(&node.id)
    };
    let request = Request {
        verbs: Verbs::only(store::Verb::Create).and(store::Verb::Update),
        person: PersonRef::Everyone,
        what: What::Import("prueba".into()),
        ..summary(operator, Purpose::Operations)
    };
    let grant = node.gate.decide(request, now).unwrap();
    let put = |(kind, id, text): &(&str, &str, &str)| Change::Update {
        of: fhir::ResourceType::from_name(kind).unwrap(),
        id: (*id).to_owned(),
        resource: parse(text.as_bytes(), &Limits::default()).unwrap(),
        if_match: None,
    };
    node.gate
        .write(&grant, resources.iter().map(put).collect(), now)
        .unwrap();
}

/// The conditions in the answers, by member; what failed by its kind.
pub fn told(parts: &[Part]) -> Vec<(String, String)> {
    let say = |outcome: &Outcome| match outcome {
        Outcome::Answered(answer) => {
            let conditions = answer
                .resources
                .iter()
                .filter(|r| r.text("resourceType") == Some("Condition"));
            conditions
                .filter_map(|c| c.text("code.text"))
                .collect::<Vec<_>>()
                .join(",")
        }
        Outcome::Refused(refusal) => format!("refused {}", refusal.en),
        Outcome::Late => "late".into(),
        Outcome::Unreachable(_) => "unreachable".into(),
        Outcome::Forged => "forged".into(),
        Outcome::OtherPact(version) => format!("pact {version}"),
    };
    parts
        .iter()
        .map(|p| (p.member.0.clone(), say(&p.outcome)))
        .collect()
}

pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(m, s)| ((*m).to_owned(), (*s).to_owned()))
        .collect()
}
