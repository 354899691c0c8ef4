use super::*;
use crate::delegate::{Delegated, Task};
use crate::{Category, Licence, LicenceState, Question, Said};
use fhir::json::{Limits, parse};
use store::{Verb, Verbs};

fn member(id: &str) -> MemberId {
    MemberId(id.into())
}
fn names(member: &MemberId) -> String {
    match member.0.as_str() {
        "farmacia" => "Farmacia del Centro".into(),
        "imss" => "IMSS".into(),
        other => other.to_string(),
    }
}

/// Dr. Ruiz at the pharmacy saw medicines and allergies at 11:42 of central Mexico; every case below is a change of it.
fn ruiz() -> Act {
    let actor = Actor {
        id: "ruiz".into(),
        name: "Dra. Ana Ruiz".into(),
        member: member("farmacia"),
        role: Role::Physician,
        licence: Some(Licence {
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            state: LicenceState::Active,
            checked: "2026-11-01T00:00:00Z".parse().unwrap(),
            supervisor: None,
        }),
        curp: None,
        helper: None,
        delegator: None,
    };
    let mut act = Act {
        id: [0xab; 16],
        salt: [0xcd; 32],
        at: "2026-11-22T17:42:09.123456789Z".parse().unwrap(),
        kind: ActKind::Read,
        node: member("imss"),
        who: Doer::of(&actor),
        via: Some(member("farmacia")),
        purpose: Purpose::Treatment,
        evidence: Some(EvidenceKind::CheckIn),
        person: Some(Tag([0x11; 32])),
        what: What::Summary,
        seen: Vec::new(),
        resources: 0,
        labels: Labels(0),
        grounds: Grounds {
            pact: 1,
            word: 3,
            question: Some(Question {
                verbs: Verbs::READING,
                types: None,
                scope: "person",
                licence: Some(LicenceState::Active),
                own_record: false,
                reviews_overdue: false,
                named: None,
                acting: None,
                delegated: None,
                words: vec![said(0x11, 3)],
                used: Vec::new(),
                also: Vec::new(),
                at: "2026-11-22T17:42:09.123456789Z".parse().unwrap(),
            }),
            evidence: vec!["e-1".into()],
            policies: vec!["care-reads".into(), "care-sees-all".into()],
            rules: vec!["r-1".into()],
            hidden: Category::MentalHealth.bit().0,
            held: 0,
            only: None,
        },
        refused: Vec::new(),
        opinion: None,
        told: None,
    };
    act.touched([
        (
            seen("MedicationRequest", "m1", 2),
            Category::Medicines.bit(),
        ),
        (
            seen("AllergyIntolerance", "a1", 1),
            Category::Allergies.bit(),
        ),
    ]);
    act
}

fn said(person: u8, version: u64) -> Said {
    Said {
        person: Tag([person; 32]),
        version,
        digest: [0xd1; 8],
    }
}

fn seen(of: &str, id: &str, version: u64) -> Seen {
    Seen {
        of: ResourceType::from_name(of).unwrap(),
        id: id.into(),
        version,
    }
}

fn with(change: impl FnOnce(&mut Act)) -> Act {
    let mut act = ruiz();
    change(&mut act);
    act
}

fn own(act: &mut Act) {
    act.who = Doer::of(&Actor {
        id: "GOMA850101MDFRRN09".into(),
        name: "Ana Gómez".into(),
        member: member("imss"),
        role: Role::Patient,
        licence: None,
        curp: Some("GOMA850101MDFRRN09".into()),
        helper: None,
        delegator: None,
    });
    act.via = None;
    act.purpose = Purpose::OwnRequest;
    act.evidence = Some(EvidenceKind::OwnAccess);
}

fn doer(act: &mut Act, name: &str, role: Role) {
    act.who.name = name.into();
    act.who.role = role;
    act.who.licence = None;
}

fn refused(act: &mut Act, code: &str) {
    act.kind = ActKind::Denied;
    act.refused = vec![code.into()];
    act.seen.clear();
    act.resources = 0;
    act.labels = Labels(0);
}

/// Every kind of sentence: the act, Spanish, English.
fn sentences() -> Vec<(Act, &'static str, &'static str)> {
    vec![
        (
            ruiz(),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tus medicinas y tus alergias a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, saw your medicines and your allergies at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                doer(a, "Enfra. Luz Cano", Role::Nurse);
                a.who.delegator = Some(Supervisor {
                    login: "ines".into(),
                    name: "Dr. Noé Paz".into(),
                    cedula: "7654321".into(),
                });
            }),
            "La Enfra. Luz Cano, de enfermería de Farmacia del Centro, por encargo del Dr. Noé Paz, vio tus medicinas y tus alergias a las 11:42 porque estabas en consulta.",
            "Enfra. Luz Cano, nurse at Farmacia del Centro, in the name of Dr. Noé Paz, saw your medicines and your allergies at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                a.who.supervisor = Some(Supervisor {
                    login: "ines".into(),
                    name: "Dra. Inés Cob".into(),
                    cedula: "7654321".into(),
                });
            }),
            "La Dra. Ana Ruiz, pasante a cargo de Dra. Inés Cob en Farmacia del Centro, vio tus medicinas y tus alergias a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, trainee under Dra. Inés Cob at Farmacia del Centro, saw your medicines and your allergies at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                doer(a, "Ana Gil", Role::Clerk);
                a.who.delegator = Some(Supervisor {
                    login: "ines".into(),
                    name: "Inés Cob".into(),
                    cedula: String::new(),
                });
                refused(a, "delegation");
                a.refused.push("delegation-over".into());
            }),
            "Ana Gil, de recepción de Farmacia del Centro, por encargo de Inés Cob, quiso ver tu historia a las 11:42 y no se le permitió, porque su encargo ya no valía.",
            "Ana Gil, desk clerk at Farmacia del Centro, in the name of Inés Cob, tried to see your history at 11:42 and was not allowed to, because they no longer worked in that name.",
        ),
        (
            with(|a| {
                a.labels = crate::category::EVERYTHING;
                a.evidence = Some(EvidenceKind::PatientCode);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tu historia completa a las 11:42 porque le diste tu código.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, saw your whole history at 11:42 because you gave them your code.",
        ),
        (
            with(|a| {
                doer(a, "Dr. Luis Paz", Role::Physician);
                a.evidence = Some(EvidenceKind::Appointment);
                a.at = "2026-11-22T19:05:00Z".parse().unwrap();
            }),
            "El Dr. Luis Paz, médico de Farmacia del Centro, vio tus medicinas y tus alergias a las 13:05 porque tenías cita.",
            "Dr. Luis Paz, doctor at Farmacia del Centro, saw your medicines and your allergies at 13:05 because you had an appointment.",
        ),
        (
            with(|a| {
                doer(a, "Rosa Lara", Role::Clerk);
                a.labels = crate::category::IDENTITY;
            }),
            "Rosa Lara, de recepción de Farmacia del Centro, vio tu nombre y tus datos de registro a las 11:42 porque te registraron en la recepción.",
            "Rosa Lara, desk clerk at Farmacia del Centro, saw your name and contact data at 11:42 because you were received at the desk.",
        ),
        (
            with(|a| {
                doer(a, "Rosa Lara", Role::Nurse);
                a.what = What::Find;
                a.evidence = None;
            }),
            "Rosa Lara, de enfermería de Farmacia del Centro, te buscó por tu nombre a las 11:42.",
            "Rosa Lara, nurse at Farmacia del Centro, looked you up by name at 11:42.",
        ),
        (
            with(|a| {
                a.seen.clear();
                a.resources = 0;
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, buscó datos tuyos a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, looked for data of yours at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Writing("prescription".into());
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, te recetó medicinas a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, prescribed you medicines at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Writing("note".into());
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, escribió una nota de tu consulta a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, wrote a note of your visit at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Writing("referral".into());
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, te envió con otro médico a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, referred you to another doctor at 11:42 because you had a consultation.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Interaction("PUT Condition/c1".into());
                a.labels = Category::Diagnoses.bit();
                doer(a, "", Role::System);
                a.evidence = None;
                a.purpose = Purpose::Operations;
            }),
            "Un sistema de Farmacia del Centro cambió datos en tus diagnósticos a las 11:42 para hacer su trabajo.",
            "A system of Farmacia del Centro changed data in your diagnoses at 11:42 to do their work.",
        ),
        (
            with(|a| a.kind = ActKind::Ask),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, pidió tu historia en otros lugares a las 11:42 porque estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, asked other places for your history at 11:42 because you had a consultation.",
        ),
        (
            with(|a| refused(a, "no-evidence")),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, quiso ver tu historia a las 11:42 y no se le permitió, porque no estabas en consulta.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, tried to see your history at 11:42 and was not allowed to, because you were not with them for care.",
        ),
        (
            with(|a| {
                refused(a, "licence-not-active");
                a.labels = Category::MentalHealth.bit();
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, quiso ver tu salud mental a las 11:42 y no se le permitió, porque su cédula no está activa.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, tried to see your mental health at 11:42 and was not allowed to, because their licence is not active.",
        ),
        (
            with(|a| {
                refused(a, "role");
                a.what = What::Writing("prescription".into());
                doer(a, "Rosa Lara", Role::Pharmacist);
            }),
            "Rosa Lara, del mostrador de Farmacia del Centro, quiso guardar algo tuyo a las 11:42 y no se le permitió, porque su trabajo no lo pide.",
            "Rosa Lara, pharmacist at Farmacia del Centro, tried to save something of yours at 11:42 and was not allowed to, because their job does not need it.",
        ),
        (
            with(|a| {
                refused(a, "pact");
                a.what = What::Reception;
                a.evidence = None;
                doer(a, "Rosa Lara", Role::Operator);
            }),
            "Rosa Lara, de sistemas de Farmacia del Centro, quiso recibirte a las 11:42 y no se le permitió, porque el acuerdo no lo deja.",
            "Rosa Lara, system operator at Farmacia del Centro, tried to receive you at 11:42 and was not allowed to, because the pact does not allow it.",
        ),
        (
            with(|a| {
                a.evidence = Some(EvidenceKind::Admission);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tus medicinas y tus alergias a las 11:42 porque estabas en su hospital.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, saw your medicines and your allergies at 11:42 because you were in their hospital.",
        ),
        (
            with(|a| {
                a.evidence = Some(EvidenceKind::Referral);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tus medicinas y tus alergias a las 11:42 porque te enviaron ahí.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, saw your medicines and your allergies at 11:42 because you were referred there.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Evidence;
                a.what = What::Reception;
                a.evidence = Some(EvidenceKind::Admission);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, te internó a las 11:42.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, admitted you at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Evidence;
                a.what = What::Discharge;
                a.evidence = Some(EvidenceKind::Admission);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, te dio de alta a las 11:42.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, discharged you at 11:42.",
        ),
        (
            with(|a| {
                refused(a, "pact");
                a.what = What::Discharge;
                a.evidence = None;
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, quiso darte de alta a las 11:42 y no se le permitió, porque el acuerdo no lo deja.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, tried to discharge you at 11:42 and was not allowed to, because the pact does not allow it.",
        ),
        (
            with(|a| {
                refused(a, "no-evidence");
                a.kind = ActKind::Evidence;
                a.what = What::Reception;
                a.evidence = Some(EvidenceKind::Referral);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, preguntó a las 11:42 si te enviaron ahí, y no hay ninguna referencia.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, asked at 11:42 whether you were referred there, and there is no referral.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Evidence;
                a.what = What::Reception;
                a.node = member("imss");
                a.evidence = Some(EvidenceKind::Referral);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, supo que te enviaron ahí a las 11:42.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, was told that you were referred there at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Log;
                a.evidence = None;
                doer(a, "Raúl Gil", Role::Operator);
            }),
            "Raúl Gil, de sistemas de Farmacia del Centro, vio por qué alguien miró tu historia a las 11:42.",
            "Raúl Gil, system operator at Farmacia del Centro, looked at why somebody saw your history at 11:42.",
        ),
        (
            with(|a| refused(a, "person")),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, quiso ver tu historia a las 11:42 y no se le permitió, porque tú lo cerraste.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, tried to see your history at 11:42 and was not allowed to, because you closed it.",
        ),
        (
            with(|a| {
                refused(a, "forged");
                a.who = Doer::unknown(&member("farmacia"));
            }),
            "Alguien en Farmacia del Centro quiso ver tu historia a las 11:42 y no se le permitió, porque el pedido era falso.",
            "Somebody at Farmacia del Centro tried to see your history at 11:42 and was not allowed to, because the request was forged.",
        ),
        (
            with(|a| {
                a.kind = ActKind::SignIn;
                a.refused = vec!["wrong-secret".into()];
                a.who = Doer::unknown(&member("imss"));
            }),
            "Alguien quiso entrar con tu nombre a las 11:42 y no pudo, porque la clave estaba mal.",
            "Somebody tried to sign in with your name at 11:42 and could not, because the password was wrong.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Import;
                a.what = What::Import("consulta.ndjson".into());
                a.resources = 64;
                doer(a, "Raúl Gil", Role::Operator);
                a.evidence = None;
            }),
            "IMSS guardó 64 registros tuyos a las 11:42.",
            "IMSS saved 64 records of yours at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Evidence;
                doer(a, "Rosa Lara", Role::Clerk);
            }),
            "Rosa Lara, de recepción de Farmacia del Centro, te registró en la recepción a las 11:42.",
            "Rosa Lara, desk clerk at Farmacia del Centro, received you at the desk at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Evidence;
                a.evidence = Some(EvidenceKind::PatientCode);
            }),
            "La Dra. Ana Ruiz, médica general de Farmacia del Centro, usó tu código a las 11:42.",
            "Dra. Ana Ruiz, general practitioner at Farmacia del Centro, used your code at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Word;
                doer(a, "", Role::System);
            }),
            "IMSS recibió tus reglas nuevas a las 11:42.",
            "IMSS received your new rules at 11:42.",
        ),
        (
            with(own),
            "Tú viste tus medicinas y tus alergias a las 11:42.",
            "You saw your medicines and your allergies at 11:42.",
        ),
        (
            with(|a| {
                own(a);
                a.kind = ActKind::Log;
                a.at = "2026-11-22T07:05:00Z".parse().unwrap();
            }),
            "Viste quién miró tu historia a la 1:05.",
            "You looked at who saw your history at 1:05.",
        ),
        (
            with(|a| {
                own(a);
                a.kind = ActKind::Word;
            }),
            "Cambiaste tus reglas a las 11:42.",
            "You changed your rules at 11:42.",
        ),
        (
            with(|a| {
                own(a);
                a.kind = ActKind::SignIn;
            }),
            "Entraste a tu página a las 11:42.",
            "You opened your page at 11:42.",
        ),
        (
            with(|a| {
                a.kind = ActKind::Review;
                doer(a, "Rosa Lara", Role::Privacy);
                a.person = None;
                a.what = What::Glass(crate::glass::Step::Judged {
                    id: "n1".into(),
                    who: "Juan Gil".into(),
                    people: 20,
                    justified: false,
                    words: "Nadie se lo pidió.".into(),
                });
            }),
            "Rosa Lara, de privacidad de Farmacia del Centro, revisó a las 11:42 por qué Juan Gil abrió 20 historias sin señal de atención. La tuya es una de ellas. Dijo que no hubo motivo: «Nadie se lo pidió».",
            "Rosa Lara, privacy officer at Farmacia del Centro, reviewed at 11:42 why Juan Gil opened 20 histories without a sign of care. Yours is one of them. They said that there was no reason for it: «Nadie se lo pidió».",
        ),
        (
            with(|a| {
                own(a);
                a.kind = ActKind::Evidence;
            }),
            "Pediste un código para tu médico a las 11:42.",
            "You asked for a code for your doctor at 11:42.",
        ),
        (
            with(|a| {
                own(a);
                a.kind = ActKind::Opinion;
                a.opinion = Some((Opinion::NotRight, "ab".into()));
            }),
            "Dijiste que una visita no estuvo bien a las 11:42.",
            "You said that a visit was not right at 11:42.",
        ),
    ]
}

#[test]
fn acts_read_as_sentences_in_both_languages() {
    for (act, es, en) in sentences() {
        let view = act.view(0);
        assert_eq!(view.sentence(Lang::Es, &names), es);
        assert_eq!(view.sentence(Lang::En, &names), en);
    }
}

#[test]
fn an_act_comes_back_from_its_body_as_it_was() {
    for (act, ..) in sentences() {
        let body = act.body();
        assert_eq!(Act::from_body(&body), Ok(act.clone()));
        assert_eq!(act.body(), body);
    }
}

fn in_name_of(login: &str, stands: bool) -> Delegated {
    Delegated {
        login: login.into(),
        role: Role::Physician,
        licence: Some(LicenceState::Active),
        purposes: vec![Purpose::Treatment],
        tasks: Task::ALL.to_vec(),
        stands,
    }
}

/// Questions unlike the usual one, and none.
fn questions() -> Vec<Act> {
    let asked =
        |change: &dyn Fn(&mut Question)| with(|act| change(act.grounds.question.as_mut().unwrap()));
    let everyone = with(|act| {
        act.person = None;
        act.grounds.question.as_mut().unwrap().scope = "everyone";
    });
    vec![
        with(|act| act.grounds.question = None),
        everyone,
        asked(&|q| q.verbs = Verbs::default()),
        asked(&|q| q.verbs = Verbs::only(Verb::Create).and(Verb::Delete)),
        asked(&|q| {
            q.types = ["Patient", "Observation"]
                .map(ResourceType::from_name)
                .into_iter()
                .collect()
        }),
        asked(&|q| q.licence = None),
        asked(&|q| q.licence = Some(LicenceState::Unverified)),
        asked(&|q| q.own_record = true),
        asked(&|q| q.delegated = Some(in_name_of("ines", true))),
        asked(&|q| {
            q.delegated = Some(Delegated {
                licence: None,
                purposes: vec![],
                tasks: vec![],
                ..in_name_of("ines de otra casa", false)
            });
        }),
        asked(&|q| q.words = vec![]),
        asked(&|q| q.words = vec![said(0x11, 3), said(0x22, 1)]),
        asked(&|q| q.at = "2026-11-22T17:42:09Z".parse().unwrap()),
    ]
}

#[test]
fn what_the_rules_were_asked_comes_back_from_the_act() {
    for act in questions() {
        assert_eq!(Act::from_body(&act.body()), Ok(act));
    }
}

#[test]
fn a_question_that_was_tampered_with_is_no_act() {
    let body = String::from_utf8(ruiz().body()).unwrap();
    for (whole, broken) in [
        ("\"rsh\"", "\"rxh\""),
        ("\"3 d1d1", "\"three d1d1"),
        ("\"3 d1d1", "\"3 d1"),
        (
            "\"licence\",\"valueString\":\"active\"",
            "\"licence\",\"valueString\":\"lively\"",
        ),
    ] {
        assert!(body.contains(whole), "{whole}");
        assert!(
            Act::from_body(body.replace(whole, broken).as_bytes()).is_err(),
            "{broken}"
        );
    }
}

#[test]
fn every_event_is_an_audit_event_that_r4_takes() {
    let unusual = questions().into_iter().map(|act| (act, "", ""));
    for (act, es, _) in sentences().into_iter().chain(unusual) {
        let body = parse(&act.body(), &Limits::default()).unwrap();
        let event = body.get("event").unwrap();
        let checked = fhir::check(event).map(|of| of.name());
        assert_eq!(checked, Ok("AuditEvent"), "{es}\n{event}");
    }
}

/// What BALP 1.1 asks of its patient patterns: three agents, one patient entity with type 1 and role 1, one of data or
/// query, the user as requestor, the profile named.
#[test]
fn an_event_follows_the_patterns_of_balp() {
    let cases = [
        (ruiz(), "PatientQuery", "E", "24"),
        (
            with(|a| a.what = What::Interaction("GET Observation/o1".into())),
            "PatientRead",
            "R",
            "4",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Writing("note".into());
            }),
            "PatientCreate",
            "C",
            "4",
        ),
        (
            with(|a| {
                a.kind = ActKind::Write;
                a.what = What::Interaction("DELETE Observation/o1".into());
            }),
            "PatientDelete",
            "D",
            "4",
        ),
    ];
    for (act, profile, action, role) in cases {
        let body: serde_json::Value = serde_json::from_slice(&act.body()).unwrap();
        let event = &body["event"];
        let named = event["meta"]["profile"][0].as_str().unwrap();
        assert!(
            named.ends_with(&format!("/IHE.BasicAudit.{profile}")),
            "{named}"
        );
        assert_eq!(event["action"], action);
        assert_eq!(event["outcome"], "0");
        assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "TREAT");
        assert_eq!(event["agent"].as_array().unwrap().len(), 3);
        assert_eq!(event["agent"][0]["requestor"], true);
        let entities = event["entity"].as_array().unwrap();
        let patients = entities.iter().filter(|e| e["role"]["code"] == "1");
        assert_eq!(patients.count(), 1);
        assert!(entities.iter().any(|e| e["role"]["code"] == role));
    }
}

#[test]
fn no_act_says_a_curp() {
    let body = String::from_utf8(with(own).body()).unwrap();
    assert!(!body.contains("GOMA850101"), "{body}");
}

#[test]
fn many_resources_are_counted_and_the_first_are_named() {
    let mut act = ruiz();
    act.touched((0..1000).map(|n| {
        (
            seen("Observation", &format!("o{n}"), 1),
            Category::Laboratory.bit(),
        )
    }));
    assert_eq!(act.resources, 1002);
    assert_eq!(act.seen.len(), MAX_SEEN);
    assert_eq!(Act::from_body(&act.body()), Ok(act));
}

#[test]
fn the_leaf_commits_to_the_body_and_hides_it() {
    let act = ruiz();
    let body = act.body();
    assert_eq!(act.leaf(&body), ledger::commit(&[0xcd; 32], &body));
    assert_ne!(act.leaf(&body), with(|a| a.salt = [0xce; 32]).leaf(&body));
    assert_ne!(act.leaf(&body), act.leaf(&with(|a| a.resources = 3).body()));
}

#[test]
fn what_is_no_act_is_refused_without_a_panic() {
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"event":{"resourceType":"AuditEvent"}}"#,
    ] {
        assert!(Act::from_body(body.as_bytes()).is_err(), "{body}");
    }
    let whole = ruiz().body();
    for end in (0..whole.len()).step_by(7) {
        assert!(Act::from_body(&whole[..end]).is_err());
    }
}

#[test]
fn a_view_says_what_the_page_needs() {
    let view = ruiz().view(41);
    assert_eq!(view.id, "ab".repeat(16));
    assert_eq!(view.leaf, 41);
    assert_eq!(
        (view.institution, view.node),
        (member("farmacia"), member("imss"))
    );
    assert!(!view.machine);
    assert_eq!(view.resources, 2);
}

/// Fernández-Huerta readability, its last term taken as words per sentence: 206.84 - 60 syllables per
/// word - 1.02 words per sentence. 70 and more is "fairly easy" to "very easy".
pub(crate) fn fernandez_huerta(text: &str) -> f64 {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphabetic() && !c.is_ascii_digit() && c != ':')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let ends =
        text.matches(". ").count() - text.matches("Dra. ").count() - text.matches("Dr. ").count();
    let sentences = (ends + 1) as f64;
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    let count = words.len() as f64;
    206.84 - 60.0 * syllables as f64 / count - 1.02 * count / sentences
}

/// Groups of vowels, parted where two strong ones meet or a weak one is stressed. A number counts as two.
fn syllables(word: &str) -> usize {
    if word.chars().any(|c| c.is_ascii_digit()) {
        return 2;
    }
    let letters: Vec<char> = word
        .to_lowercase()
        .replace("qu", "k")
        .replace("gue", "ge")
        .replace("gui", "gi")
        .chars()
        .collect();
    let strong = |c: char| "aeoáéóíú".contains(c);
    let vowel = |c: char| strong(c) || "iuü".contains(c);
    let mut count = 0;
    let mut before: Option<char> = None;
    for (place, &letter) in letters.iter().enumerate() {
        let last_y = letter == 'y' && (place + 1 == letters.len());
        let is_vowel = vowel(letter) || (last_y && before.is_none());
        if is_vowel && before.is_none_or(|b| strong(b) && strong(letter)) {
            count += 1;
        }
        before = is_vowel.then_some(letter);
    }
    count.max(1)
}

#[test]
fn syllables_are_counted_as_they_are_spoken() {
    let cases = [
        ("medicinas", 4),
        ("historia", 3),
        ("vio", 1),
        ("tú", 1),
        ("quiso", 2),
        ("recepción", 3),
        ("tenías", 3),
        ("guardó", 2),
        ("código", 3),
        ("y", 1),
        ("alergias", 3),
        ("Ruiz", 1),
        ("cerraste", 3),
    ];
    for (word, expected) in cases {
        assert_eq!(syllables(word), expected, "{word}");
    }
}

#[test]
fn every_spanish_sentence_is_easy_to_read() {
    // The length of an institution's name is not ours: a short one stands for it.
    let short = |_: &MemberId| "Sol".to_string();
    let mut texts: Vec<String> = sentences()
        .iter()
        .map(|(act, ..)| act.view(0).sentence(Lang::Es, &short))
        .collect();
    texts.extend(
        Category::ALL
            .iter()
            .map(|c| c.explanation(Lang::Es).to_string()),
    );
    let mut hard = Vec::new();
    for text in &texts {
        let index = fernandez_huerta(text);
        if index < 70.0 {
            hard.push(format!("{index:.0}: {text}"));
        }
    }
    assert!(hard.is_empty(), "{}", hard.join("\n"));
}
