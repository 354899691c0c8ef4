//! One institution with two people in its archive, and somebody of each role at its door.

use axum::{Router, body::Body};
use fhir::{ResourceType, Value, json};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use std::sync::Arc;
use store::{Change, Verb, Verbs};
use tower::ServiceExt;
use trust::{
    Actor, Config, Gate, Licence, LicenceState, Member, MemberId, MemberKind, NewAccount,
    NewDelegate, NewRepresentative, Pact, PersonRef, Purpose, Role, Task, Tie, What, pact,
};

pub(crate) const SHE: &str = "HEGG560427MVZRRL04";
pub(crate) const OTHER: &str = "BADD110313HCMLNS09";
/// Whom she names to act for her.
pub(crate) const ROSA: &str = "ROPA900603MDFDRN01";
/// What says that somebody acts for somebody.
pub(crate) const AS_FAMILY: (&str, &str) = ("tejido-purpose", "FAMRQT");
pub(crate) const BASE: &str = "https://imss.example";

pub(crate) fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn parse(text: &str) -> Value {
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
}

pub(crate) fn patient(id: &str, curp: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"{}","value":"{curp}"}}],"name":[{{"family":"Pérez"}}]}}"#,
        mx::systems::CURP
    )
}

pub(crate) fn observation(id: &str, of: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},"subject":{{"reference":"Patient/{of}"}},"valueQuantity":{{"value":7.10,"unit":"%"}}}}"#
    )
}

/// The institution.
pub(crate) struct House {
    pub(crate) gate: Gate,
    pub(crate) router: Router,
    _dir: tempfile::TempDir,
}

/// An answer.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        json::parse(&self.body, &json::Limits::default()).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Said {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        self
    }
    /// Ids of a bundle's matches, sorted.
    pub(crate) fn ids(&self) -> Vec<String> {
        let bundle = self.json();
        let mut ids: Vec<String> = bundle
            .list("entry")
            .iter()
            .filter_map(|entry| Some(entry.text("resource.id")?.to_owned()))
            .collect();
        ids.sort();
        ids
    }
    /// First issue: code, place, sentence.
    pub(crate) fn issue(&self) -> (String, String, String) {
        let outcome = self.json();
        assert_eq!(outcome.text("resourceType"), Some("OperationOutcome"));
        let text = |path: &str| outcome.text(path).unwrap_or_default().to_owned();
        (
            text("issue.0.code"),
            text("issue.0.expression.0"),
            text("issue.0.diagnostics"),
        )
    }
}

/// The pact of this house, and of a pharmacy that nobody reaches if there is a neighbour.
fn signed_pact(neighbour: bool) -> String {
    let key = key();
    let member = Member {
        id: MemberId("imss".into()),
        name: "Institución".into(),
        kind: MemberKind::PublicInstitution,
        key: key.verifier().to_string(),
        address: "imss.example:7443".into(),
        public: BASE.into(),
        former: vec![],
    };
    let other = ledger::SigningKey::from_seed("farmacia.example/tejido", [2; 32]).unwrap();
    let pharmacy = Member {
        id: MemberId("farmacia".into()),
        name: "Farmacia".into(),
        kind: MemberKind::Pharmacy,
        key: other.verifier().to_string(),
        address: "127.0.0.1:1".into(),
        public: "https://farmacia.example".into(),
        former: vec![],
    };
    let members = match neighbour {
        true => vec![member, pharmacy],
        false => vec![member],
    };
    let pact = Pact {
        network: "Tejido de prueba".into(),
        version: 1,
        previous: String::new(),
        threshold: members.len(),
        deadline_ms: 2000,
        check_in_minutes: 60,
        appointment_minutes: 120,
        code_minutes: 10,
        word_minutes: None,
        members,
        policies: trust::policy::DEFAULT.into(),
        purposes: trust::pact::usual(),
        emergency: Some(trust::Emergency::USUAL),
        orders: Some(trust::Orders::USUAL),
        care: Some(trust::Care::USUAL),
        linkage: None,
        seals: None,
        never: trust::pact::NEVER.to_vec(),
    };
    let signed = pact::sign(&pact, &key).unwrap();
    match neighbour {
        true => pact::add_signature(&signed, &other).unwrap(),
        false => signed,
    }
}

/// The network as the institution's node sees it.
pub(crate) fn network(gate: &Gate) -> exchange::Network {
    let setup = exchange::Setup {
        gate: gate.clone(),
        key: [1; 32],
    };
    exchange::Network::new(setup).unwrap()
}

/// Everybody's password.
const SECRET: &str = "una frase larga y secreta";

fn key() -> ledger::SigningKey {
    ledger::SigningKey::from_seed("imss.example/tejido", [1; 32]).unwrap()
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

impl House {
    /// With her (`her`, observations `o1` and `o2`), somebody else (`other`, `x1`) and a practitioner (`pr`).
    pub(crate) fn new() -> House {
        House::with(api::Limits::default())
    }

    pub(crate) fn with(limits: api::Limits) -> House {
        House::over(limits, store::Options::default())
    }

    /// Where the index comes after loaded search parameters only when it is told to, three resources at a time.
    pub(crate) fn by_hand() -> House {
        let options = store::Options {
            indexes: false,
            index_batch: 3,
            ..store::Options::default()
        };
        House::over(api::Limits::default(), options)
    }

    /// In a network with another member, that is never reached.
    pub(crate) fn with_neighbour() -> House {
        House::under(true, api::Limits::default(), store::Options::default())
    }

    pub(crate) fn over(limits: api::Limits, options: store::Options) -> House {
        House::under(false, limits, options)
    }

    fn under(neighbour: bool, limits: api::Limits, options: store::Options) -> House {
        let dir = tempfile::tempdir().unwrap();
        let has_time = !options.question_time.is_zero();
        let config = Config {
            member: MemberId("imss".into()),
            key: [1; 32],
            network_secret: [7; 32],
            pact: signed_pact(neighbour),
            now: noon(),
            store: store::Options {
                durable: false,
                ..options
            },
        };
        let gate = Gate::open(dir.path(), config).unwrap();
        let people = Arc::new(identity::Desk::default());
        let filled = api::keep_register(&gate, &people, noon());
        // Where no question may take any time there is no register either.
        assert_eq!(filled.is_ok(), has_time);
        let router = api::router(api::State {
            gate: gate.clone(),
            network: network(&gate),
            people,
            limits,
            clock: Arc::new(noon),
            base: BASE.into(),
        });
        let house = House {
            gate,
            router,
            _dir: dir,
        };
        house.load(&[
            &patient("her", SHE),
            &patient("other", OTHER),
            r#"{"resourceType":"Practitioner","id":"pr","identifier":[{"system":"urn:cedula","value":"77"}]}"#,
            &observation("o1", "her", "4548-4"),
            &observation("o2", "her", "718-7"),
            &observation("x1", "other", "4548-4"),
        ]);
        house
    }

    fn actor(&self, login: &str, role: Role) -> Actor {
        Actor {
            id: login.into(),
            name: "Una Persona".into(),
            member: self.gate.member(),
            role,
            licence: None,
            curp: None,
            helper: None,
            delegator: None,
        }
    }

    /// The operator loads resources.
    pub(crate) fn load(&self, texts: &[&str]) {
        let request = trust::Request {
            actor: self.actor("op", Role::Operator),
            purpose: Purpose::Operations,
            person: PersonRef::Everyone,
            verbs: Verbs::only(Verb::Create).and(Verb::Update),
            types: None,
            evidence: vec![],
            via: None,
            word: None,
            what: What::Import("prueba".into()),
        };
        let grant = self.gate.decide(request, noon()).unwrap();
        let changes = texts.iter().map(|text| {
            let resource = parse(text);
            Change::Update {
                of: ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap(),
                id: resource.text("id").unwrap().into(),
                resource,
                if_match: None,
            }
        });
        self.gate.write(&grant, changes.collect(), noon()).unwrap();
    }

    /// A token for somebody new of a role.
    pub(crate) fn token(&self, role: Role) -> String {
        self.token_with(role, LicenceState::Active, SHE)
    }

    pub(crate) fn token_with(&self, role: Role, state: LicenceState, curp: &str) -> String {
        let login = format!("{}-{state:?}-{curp}", role.code());
        let licensed = matches!(role, Role::Physician | Role::Nurse | Role::Pharmacist);
        let account = NewAccount {
            login: login.clone(),
            secret: SECRET.into(),
            name: "Una Persona".into(),
            role,
            licence: licensed.then(|| licence(state)),
            curp: (role == Role::Patient).then(|| curp.to_owned()),
            unit: None,
        };
        self.gate.account(account, noon()).unwrap();
        self.gate.token(&login, 1, noon()).unwrap().token
    }

    /// She is received at the desk.
    pub(crate) fn check_in(&self, curp: &str) {
        let clerk = self.actor("clerk", Role::Clerk);
        self.gate.check_in(&clerk, curp, noon()).unwrap();
    }

    /// A next version of the pact, in force.
    pub(crate) fn adopt(&self, change: impl FnOnce(&mut Pact)) {
        let ours = self.gate.pact();
        let mut next = Pact {
            version: ours.version + 1,
            previous: ours.hash(),
            ..(*ours).clone()
        };
        change(&mut next);
        let signed = pact::sign(&next, &key()).unwrap();
        self.gate.adopt(&signed, noon()).unwrap();
    }

    /// The neighbour sent her here.
    pub(crate) fn refer(&self, curp: &str) {
        let other = MemberId("farmacia".into());
        let evidence = trust::Evidence {
            id: "r1".into(),
            kind: trust::EvidenceKind::Referral,
            person: self.gate.tag(curp),
            institution: self.gate.member(),
            actor: None,
            by: None,
            acting: None,
            from: noon(),
            until: noon() + jiff::SignedDuration::from_hours(24),
            issuer: other,
            signature: String::new(),
        };
        let key = ledger::SigningKey::from_seed("farmacia.example/tejido", [2; 32]).unwrap();
        self.gate.accept(evidence.sign(&key), noon()).unwrap();
    }

    /// A token of somebody whom she names to act for her.
    pub(crate) fn represented(&self) -> String {
        let hers = self.token(Role::Patient);
        let she = self.gate.authenticate(Some(&hers), noon()).unwrap();
        let new = NewRepresentative {
            curp: ROSA.into(),
            name: "Rosa Pérez".into(),
            tie: Tie::Child,
            sees: vec![],
            speaks: false,
            until: None,
        };
        self.gate.name_representative(&she, new, noon()).unwrap();
        self.token_with(Role::Patient, LicenceState::Active, ROSA)
    }

    /// A token of a nurse who works in a physician's name, and the login of that one.
    pub(crate) fn delegate(&self, tasks: &[Task]) -> (String, String) {
        let hers = self.token(Role::Physician);
        let she = self.gate.authenticate(Some(&hers), noon()).unwrap();
        let nurse = self.token(Role::Nurse);
        let new = NewDelegate {
            login: self.gate.authenticate(Some(&nurse), noon()).unwrap().id,
            purposes: vec![Purpose::Treatment],
            tasks: tasks.to_vec(),
            from: None,
            until: "2026-11-24T12:00:00Z".parse().unwrap(),
        };
        self.gate.name_delegate(&she, new, noon()).unwrap();
        let taken = self.gate.work_for(&nurse, Some(&she.id), noon()).unwrap();
        (taken.token, she.id)
    }

    /// Whoever has this token declares an emergency of somebody.
    pub(crate) fn declare(&self, token: &str, curp: &str) -> trust::glass::Break {
        let by = self.gate.authenticate(Some(token), noon()).unwrap();
        let why = (trust::glass::Reason::CannotSpeak, "Llegó inconsciente.");
        self.gate.declare(&by, curp, why, noon()).unwrap()
    }

    /// And confirms it with her second factor.
    pub(crate) fn confirm(&self, token: &str, curp: &str) {
        let one = self.declare(token, curp);
        let by = self.gate.authenticate(Some(token), noon()).unwrap();
        let begun = self.gate.begin_factor(&by, SECRET, noon()).unwrap();
        let letters = begun.secret.chars().filter(|c| !c.is_whitespace());
        let five = letters.map(|c| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap());
        let bits: Vec<bool> = five
            .flat_map(|n| (0..5).rev().map(move |bit| n >> bit & 1 == 1))
            .collect();
        let byte = |bits: &[bool]| bits.iter().fold(0, |all, bit| all << 1 | u8::from(*bit));
        let secret: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
        let before = noon()
            .checked_sub(jiff::SignedDuration::from_secs(30))
            .unwrap();
        let code = |at| trust::glass::totp::present(&secret, at);
        self.gate.prove_factor(&by, &code(before), noon()).unwrap();
        self.gate
            .confirm(&by, &one.id, &code(noon()), noon())
            .unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Said {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        assert_ne!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
        Said {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    /// Method and path (`GET /fhir/Patient`), token, further headers, body.
    pub(crate) async fn call_with(
        &self,
        line: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Said {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let kind = match path.contains("_search") {
            true => "application/x-www-form-urlencoded",
            false => "application/fhir+json",
        };
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn call(&self, line: &str, token: &str, body: &str) -> Said {
        self.call_with(line, token, &[], body).await
    }
}
