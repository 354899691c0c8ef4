//! Draws every page to a folder from made-up people, to be looked at: `cargo run -p web --example preview -- OUT`.

#[path = "preview/delegates.rs"]
mod delegates;
#[path = "preview/emergency.rs"]
mod emergency;
#[path = "preview/kin.rs"]
mod kin;
#[path = "preview/registry.rs"]
mod registry;
#[path = "preview/why.rs"]
mod why;

use exchange::{Answer, Candidate, LogPart, Outcome, Part};
use fhir::{Value, obj};
use jiff::Timestamp;
use living::{Disagreement, Event, Identity, Line, Origin, Point, Summary, Trend, Visit};
use std::path::Path;
use trust::{
    ActKind, ActView, Actor, Categories, Category, EvidenceKind, Lang, MemberId, MemberKind,
    Opinion, Previewed, Purpose, Role, Rule, What, Who,
};
use web::views::find::{Made, StayView};
use web::views::{self, Frame, errand::Errand};
use web::{DemoAccount, FieldError, Fields, Text, Threads};

const MEMBERS: [(&str, &str); 5] = [
    ("imss", "IMSS"),
    ("issste", "ISSSTE"),
    ("imss-bienestar", "IMSS-Bienestar"),
    ("hospital", "Hospital San Rafael"),
    ("farmacia", "Farmacia del Centro"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = std::env::args().nth(1).ok_or("usage: preview OUT")?;
    let out = Path::new(&out);
    std::fs::create_dir_all(out)?;
    for lang in [Lang::Es, Lang::En] {
        for (name, html) in pages(lang) {
            let code = if lang == Lang::Es { "es" } else { "en" };
            let html = html.replace("\"/estilo.css\"", "\"estilo.css\"");
            std::fs::write(out.join(format!("{name}.{code}.html")), html)?;
        }
    }
    std::fs::write(out.join("estilo.css"), web::STYLE)?;
    Ok(())
}

fn now() -> Timestamp {
    "2026-11-22T18:05:00Z".parse().unwrap_or_default()
}

fn actor(role: Role) -> Actor {
    let (id, name) = match role {
        Role::Patient => ("lupita", "Guadalupe Hernández Ríos"),
        Role::Clerk => ("recepcion", "Beto Salas"),
        _ => ("aruiz", "Dra. Ana Ruiz"),
    };
    Actor {
        id: id.into(),
        name: name.into(),
        member: MemberId("farmacia".into()),
        role,
        licence: None,
        curp: None,
        helper: None,
        delegator: None,
    }
}

fn frame(lang: Lang, path: &str, role: Option<Role>) -> Frame {
    let actor = role.map(actor);
    let threads = Threads::new(MEMBERS);
    let mut frame = Frame::new(
        Text::of(lang),
        threads,
        "Farmacia del Centro".into(),
        path,
        actor.as_ref(),
    )
    .with_csrf("token".into());
    frame.refers = true;
    frame
}

fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let staff = |path| frame(lang, path, Some(Role::Physician));
    let person = |path| frame(lang, path, Some(Role::Patient));
    let none = Fields::default();
    let to: Vec<(String, String)> = MEMBERS
        .iter()
        .take(4)
        .map(|(i, n)| ((*i).into(), (*n).into()))
        .collect();
    let mut out = vec![
        (
            "entrar",
            views::entry::page(frame(lang, "/entrar", None), &none, "", &demo()),
        ),
        ("buscar", views::find::page(staff("/"), &none, &[])),
    ];
    let typed = Fields(vec![
        ("por".into(), "curp".into()),
        ("curp".into(), "HERG68".into()),
    ]);
    let wrong = [FieldError {
        field: "curp".into(),
        sentence: Text::of(lang).fill("find.curp_wrong", &[("n", "6")]),
    }];
    out.push(("buscar-mal", views::find::page(staff("/"), &typed, &wrong)));
    let found = Candidate {
        name: "Guadalupe Hernández Ríos".into(),
        birth_date: "1968-03-12".into(),
        gender: "female".into(),
        curp: "HERG680312MDFRSD09".into(),
        members: vec![MemberId("imss".into()), MemberId("hospital".into())],
    };
    let f = staff("/");
    let view = views::find::candidate(&f, &found, "sealed".into(), "2026-11-22");
    out.push(("resultados", views::find::results(f, &[view], true)));
    let clerk = || frame(lang, "/", Some(Role::Clerk));
    let stay = |until| Some(StayView::of(Text::of(lang), until));
    out.push((
        "recibida",
        views::find::received(clerk(), "sealed", (Made::Received, now()), stay(None)),
    ));
    out.push((
        "internada",
        views::find::received(
            clerk(),
            "sealed",
            (Made::Admitted, now()),
            stay(Some(now())),
        ),
    ));
    out.push((
        "referida",
        views::find::received(clerk(), "sealed", (Made::Referred, now()), None),
    ));
    let (summary, parts) = (summary(), parts());
    let input = |all| views::person::Input {
        summary: &summary,
        parts: &parts,
        reference: "sealed",
        errand: "sealed",
        today: "2026-11-22",
        all,
        writes: views::person::Writes::All,
        absent: false,
        breaks: true,
        stay: Some(StayView::of(Text::of(lang), None)),
        emergency: None,
        destinations: &to,
        not_to_know: (&[trust::Finding::LateOnset], 1),
    };
    out.push((
        "persona",
        views::person::page(staff("/persona/sealed"), &input(false)),
    ));
    let empty = Summary::default();
    let bare = views::person::Input {
        summary: &empty,
        parts: &[],
        writes: views::person::Writes::Nothing,
        ..input(false)
    };
    out.push((
        "persona-vacia",
        views::person::page(staff("/persona/sealed"), &bare),
    ));
    let sent = views::person::Input {
        absent: true,
        stay: None,
        ..input(false)
    };
    out.push((
        "persona-referida",
        views::person::page(staff("/persona/sealed"), &sent),
    ));
    let wishes = wishes();
    let asking = views::wish::Input {
        wishes: &wishes,
        told: &[],
        typed: &none,
        errors: &[],
        now: now(),
    };
    out.push(("saber", views::wish::page(person("/saber"), &asking)));
    out.push((
        "saber-preguntar",
        views::wish::ask(person("/saber"), &wishes[0], &none, &[]),
    ));
    let broken = views::person::Input {
        writes: views::person::Writes::Nothing,
        breaks: false,
        stay: None,
        emergency: Some(emergency::banner(lang)),
        ..input(false)
    };
    out.push((
        "persona-emergencia",
        views::person::page(staff("/persona/sealed"), &broken),
    ));
    out.extend(emergency::pages(lang, &frame));
    out.extend(registry::pages(lang, &frame));
    let allergy = [FieldError {
        field: "medicine".into(),
        sentence: "Tiene anotada alergia a la penicilina. Elige otro o marca que lo sabes.".into(),
    }];
    let typed = Fields(vec![
        ("medicine".into(), "Amoxicilina".into()),
        ("dose".into(), "500 mg, cápsula".into()),
        ("errand".into(), "sealed".into()),
    ]);
    out.push((
        "receta-mal",
        views::errand::page(
            staff("/persona/sealed"),
            Errand::Prescription,
            "sealed",
            &to,
            &typed,
            &allergy,
        ),
    ));
    out.push((
        "sin-evidencia",
        views::fault::page(
            staff("/persona/sealed"),
            Text::of(lang).say("refusal.evidence"),
            "Para abrir el expediente hace falta que la persona esté contigo. Recíbela o pídele su código.",
            views::fault::Because {
                names: &["no-evidence".into()],
                says: &why::says(lang),
            },
            &[],
            ("sealed", true),
        ),
    ));
    out.push((
        "inicio",
        views::home::page(person("/"), "Guadalupe Hernández Ríos", &[], &[]),
    ));
    out.push((
        "codigo",
        views::home::code(person("/codigo"), Some(("IMSS-4821-7730", now()))),
    ));
    out.push((
        "historia",
        views::history::page(
            person("/historia"),
            &timeline(),
            &parts,
            &views::history::Asked::default(),
            &views::history::Whose::Own,
        ),
    ));
    out.extend(kin::pages(lang, &timeline(), &parts));
    out.extend(delegates::pages(lang));
    out.push(("accesos", looks(person("/accesos"), lang)));
    let verdict = views::proof::Verdict {
        holds: true,
        checked: ["step_act", "step_place", "step_signed"]
            .iter()
            .map(|k| views::proof::Checked {
                holds: true,
                sentence: Text::of(lang).fill(
                    &format!("proof.{k}"),
                    &[("place", "4182"), ("size", "4197"), ("name", "IMSS")],
                ),
            })
            .collect(),
    };
    out.push((
        "prueba",
        views::proof::page(
            person("/accesos"),
            "imss",
            "9f3c1d",
            "example.org/imss+0a1b2c3d+AQID",
            &verdict,
        ),
    ));
    out.extend(why::pages(lang));
    out.push(("reglas", rules(person("/reglas"))));
    out
}

fn demo() -> Vec<DemoAccount> {
    [
        (
            "aruiz",
            "doctora-2026",
            "Dra. Ana Ruiz, médica general",
            "Dr. Ana Ruiz, general practitioner",
        ),
        (
            "lupita",
            "lupita-2026",
            "Guadalupe Hernández, paciente",
            "Guadalupe Hernández, patient",
        ),
    ]
    .map(|(login, secret, es, en)| DemoAccount {
        login: login.into(),
        secret: secret.into(),
        es: es.into(),
        en: en.into(),
    })
    .into()
}

fn origin(member: &str, date: &str) -> Origin {
    Origin {
        member: member.into(),
        date: date.into(),
        reference: String::new(),
    }
}

fn line(title: &str, detail: &str, status: &str, origins: &[(&str, &str)]) -> Line {
    Line {
        title: title.into(),
        code: String::new(),
        detail: detail.into(),
        status: status.into(),
        origins: origins.iter().map(|(m, d)| origin(m, d)).collect(),
        disagreement: None,
    }
}

fn says(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter()
        .map(|(m, s)| ((*m).into(), (*s).into()))
        .collect()
}

fn trend(
    title: &str,
    unit: &str,
    range: (Option<f64>, Option<f64>),
    points: &[(&str, &str, f64)],
) -> Trend {
    Trend {
        title: title.into(),
        code: String::new(),
        unit: unit.into(),
        low: range.0,
        high: range.1,
        points: points
            .iter()
            .map(|(member, date, value)| Point {
                date: (*date).into(),
                value: Some(*value),
                text: format!("{value} {unit}"),
                flag: if range.1.is_some_and(|h| *value > h) {
                    "H".into()
                } else {
                    String::new()
                },
                origin: origin(member, date),
                duplicate_of: (*date == "2026-06-20").then(|| origin("imss", "2026-06-02")),
            })
            .collect(),
    }
}

fn summary() -> Summary {
    let mut metformin = line(
        "Metformina",
        "850 mg cada 12 horas",
        "active",
        &[
            ("imss", "2026-10-02"),
            ("farmacia", "2026-08-14"),
            ("imss", "2025-10-01"),
        ],
    );
    metformin.disagreement = Some(Disagreement::Dose(says(&[
        ("imss", "850 mg cada 12 horas"),
        ("farmacia", "500 mg cada 24 horas"),
    ])));
    let mut penicillin = line(
        "Penicilina",
        "Ronchas, dificultad para respirar",
        "active",
        &[("issste", "2011-05-20")],
    );
    penicillin.disagreement = Some(Disagreement::Allergy(says(&[
        ("issste", "active"),
        ("farmacia", "Sin alergias conocidas"),
    ])));
    Summary {
        identity: Identity {
            name: "Guadalupe Hernández Ríos".into(),
            birth_date: "1968-03-12".into(),
            gender: "female".into(),
            curp: "HERG680312MDFRSD09".into(),
            disagreements: vec![(
                "birthDate".into(),
                Disagreement::Demographic(says(&[("imss", "1968-03-12"), ("farmacia", "1968-12-03")])),
            )],
        },
        problems: vec![
            line("Diabetes mellitus tipo 2", "2009-04-11", "active", &[("imss", "2009-04-11"), ("hospital", "2023-02-01")]),
            line("Hipertensión esencial (primaria)", "2014-09-30", "active", &[("imss", "2014-09-30")]),
            line("Enfermedad renal crónica, estadio 3", "2024-07-18", "active", &[("hospital", "2024-07-18")]),
            line("Infección de vías urinarias", "2021-01-05", "resolved", &[("imss-bienestar", "2021-01-05")]),
        ],
        medicines: vec![
            metformin,
            line("Losartán", "50 mg cada 12 horas", "active", &[("imss", "2026-10-02")]),
            line("Atorvastatina", "20 mg por la noche", "active", &[("hospital", "2026-03-11")]),
            line("Nitrofurantoína", "100 mg cada 6 horas", "completed", &[("imss-bienestar", "2021-01-05")]),
        ],
        allergies: vec![penicillin],
        vaccines: vec![
            line("Influenza", "Lote A221", "completed", &[("imss", "2025-10-21"), ("imss", "2024-10-15")]),
            line("Neumococo 23", "", "completed", &[("issste", "2019-11-02")]),
        ],
        laboratory: vec![
            trend("Hemoglobina glucosilada", "%", (Some(4.0), Some(5.6)), &[
                ("imss", "2021-03-04", 9.1),
                ("imss", "2022-02-18", 8.4),
                ("hospital", "2023-02-01", 7.9),
                ("imss", "2024-03-12", 7.2),
                ("imss", "2025-05-20", 7.6),
                ("imss", "2026-06-02", 7.4),
                ("hospital", "2026-06-20", 7.5),
            ]),
            trend("Creatinina en suero", "mg/dL", (Some(0.5), Some(0.9)), &[
                ("imss", "2022-02-18", 0.8),
                ("hospital", "2023-02-01", 0.9),
                ("imss", "2024-03-12", 1.1),
                ("hospital", "2024-07-18", 1.3),
                ("imss", "2026-06-02", 1.4),
            ]),
            trend("Colesterol LDL", "mg/dL", (None, Some(100.0)), &[
                ("imss", "2022-02-18", 148.0),
                ("imss", "2024-03-12", 121.0),
                ("hospital", "2026-03-11", 96.0),
            ]),
            trend("Potasio", "mmol/L", (Some(3.5), Some(5.1)), &[("hospital", "2026-03-11", 4.4)]),
        ],
        vitals: vec![
            trend("Presión sistólica", "mm[Hg]", (None, Some(140.0)), &[
                ("imss", "2025-05-20", 151.0),
                ("farmacia", "2025-09-03", 146.0),
                ("imss", "2026-10-02", 138.0),
            ]),
            trend("Peso", "kg", (None, None), &[
                ("imss", "2024-03-12", 81.5),
                ("farmacia", "2025-09-03", 79.2),
                ("imss", "2026-10-02", 77.8),
            ]),
        ],
        visits: vec![
            Visit {
                title: "Consulta externa".into(),
                detail: "Control de diabetes e hipertensión".into(),
                note: "Refiere cansancio. Sin edema. TA 138/84.\nPlan: seguir igual, laboratorio en tres meses.".into(),
                origin: origin("imss", "2026-10-02"),
            },
            Visit {
                title: "Consulta en farmacia".into(),
                detail: "Tos y dolor de garganta".into(),
                note: String::new(),
                origin: origin("farmacia", "2026-08-14"),
            },
            Visit {
                title: "Consulta de nefrología".into(),
                detail: "Enfermedad renal crónica".into(),
                note: String::new(),
                origin: origin("hospital", "2026-06-20"),
            },
        ],
        orders: vec![line("Envío a Oftalmología", "Revisión de fondo de ojo", "active", &[("imss", "2026-10-02")])],
        duplicates: 1,
    }
}

fn parts() -> Vec<Part> {
    let answered = |n: usize, withheld| {
        Outcome::Answered(Answer {
            resources: (0..n)
                .map(|_| obj! { "resourceType" => "Observation" })
                .collect::<Vec<Value>>(),
            withheld,
            act: "a1".into(),
            cautious: false,
            ..Answer::default()
        })
    };
    let outcomes = [
        answered(214, false),
        answered(12, false),
        Outcome::Late,
        answered(61, true),
        answered(4, false),
    ];
    MEMBERS
        .iter()
        .zip(outcomes)
        .map(|((id, name), outcome)| Part {
            member: MemberId((*id).into()),
            name: (*name).into(),
            outcome,
            took_ms: 40,
        })
        .collect()
}

fn timeline() -> Vec<Event> {
    [
        (
            "2026-10-02",
            "Encounter",
            "Consulta externa",
            "Control de diabetes e hipertensión",
            "imss",
        ),
        (
            "2026-10-02",
            "MedicationRequest",
            "Metformina",
            "850 mg cada 12 horas",
            "imss",
        ),
        (
            "2026-08-14",
            "Encounter",
            "Consulta en farmacia",
            "Tos y dolor de garganta",
            "farmacia",
        ),
        (
            "2026-06-20",
            "Observation",
            "Hemoglobina glucosilada",
            "Hemoglobina glucosilada: 7.5 %",
            "hospital",
        ),
        (
            "2026-06-02",
            "Observation",
            "Hemoglobina glucosilada",
            "Hemoglobina glucosilada: 7.4 % · Creatinina: 1.4 mg/dL",
            "imss",
        ),
        ("2025-10-21", "Immunization", "Influenza", "", "imss"),
        (
            "2024-07-18",
            "Condition",
            "Enfermedad renal crónica, estadio 3",
            "",
            "hospital",
        ),
        (
            "2021-01-05",
            "Encounter",
            "Consulta externa",
            "Infección de vías urinarias",
            "imss-bienestar",
        ),
        ("2019-11-02", "Immunization", "Neumococo 23", "", "issste"),
        (
            "2011-05-20",
            "AllergyIntolerance",
            "Alergia a penicilina",
            "",
            "issste",
        ),
    ]
    .map(|(date, kind, title, detail, member)| Event {
        date: date.into(),
        kind: kind.into(),
        title: title.into(),
        detail: detail.into(),
        origin: origin(member, date),
    })
    .into()
}

fn act(id: &str, at: &str, kind: ActKind, node: &str, who: Role) -> ActView {
    let actor = actor(who);
    ActView {
        acting: None,
        id: id.into(),
        at: at.parse().unwrap_or_default(),
        kind,
        node: MemberId(node.into()),
        who: actor.name,
        actor: actor.id,
        role: who,
        specialty: (who == Role::Physician).then(|| "Medicina general".into()),
        supervisor: None,
        helper: None,
        delegator: None,
        institution: MemberId(
            if who == Role::Patient {
                node
            } else {
                "farmacia"
            }
            .into(),
        ),
        purpose: if who == Role::Patient {
            Purpose::OwnRequest
        } else {
            Purpose::Treatment
        },
        evidence: Some(EvidenceKind::CheckIn),
        what: if kind == ActKind::Log {
            What::Log
        } else {
            What::Summary
        },
        categories: Categories::default(),
        resources: 0,
        machine: false,
        refused: vec![],
        leaf: 0,
        opinion: None,
    }
}

fn looks(frame: Frame, lang: Lang) -> String {
    let mut read = act(
        "b1",
        "2026-11-22T17:42:01Z",
        ActKind::Read,
        "imss",
        Role::Physician,
    );
    read.categories = Category::Medicines.bit().with(Category::Allergies.bit());
    read.resources = 214;
    let mut read2 = act(
        "b2",
        "2026-11-22T17:42:02Z",
        ActKind::Read,
        "hospital",
        Role::Physician,
    );
    read2.resources = 61;
    let mut wrote = act(
        "b3",
        "2026-11-22T17:51:00Z",
        ActKind::Write,
        "farmacia",
        Role::Physician,
    );
    wrote.what = What::Writing("note".into());
    wrote.resources = 3;
    wrote.opinion = Some(Opinion::Right);
    let mut denied = act(
        "b4",
        "2026-11-21T22:10:00Z",
        ActKind::Denied,
        "farmacia",
        Role::Physician,
    );
    denied.refused = vec!["treatment-needs-evidence".into()];
    let mut broke = act(
        "b7",
        "2026-11-20T09:10:00Z",
        ActKind::Emergency,
        "hospital",
        Role::Physician,
    );
    let due = "2026-11-27T09:10:00Z".parse().unwrap_or_default();
    broke.what = What::Glass(trust::glass::Step::Declared {
        id: "e1".into(),
        reason: trust::glass::Reason::CannotSpeak,
        words: "Llegó inconsciente en ambulancia.".into(),
        until: due,
        due,
    });
    let mut verdict = act(
        "b8",
        "2026-11-21T16:00:00Z",
        ActKind::Review,
        "hospital",
        Role::Privacy,
    );
    verdict.what = What::Glass(trust::glass::Step::Reviewed {
        id: "e1".into(),
        justified: true,
        words: "Consta en la hoja de urgencias.".into(),
    });
    let mut robot = act(
        "b5",
        "2026-11-21T08:00:00Z",
        ActKind::Read,
        "imss",
        Role::System,
    );
    robot.machine = true;
    let ok = |member: &str, name: &str, acts| LogPart {
        member: MemberId(member.into()),
        name: name.into(),
        acts: Ok(acts),
    };
    let parts = [
        ok(
            "imss",
            "IMSS",
            vec![
                read,
                robot,
                act(
                    "b6",
                    "2026-11-22T18:00:00Z",
                    ActKind::Log,
                    "imss",
                    Role::Patient,
                ),
            ],
        ),
        ok(
            "hospital",
            "Hospital San Rafael",
            vec![read2, broke, verdict],
        ),
        ok(
            "farmacia",
            "Farmacia del Centro",
            vec![
                act(
                    "a1",
                    "2026-11-22T17:42:00Z",
                    ActKind::Ask,
                    "farmacia",
                    Role::Physician,
                ),
                wrote,
                denied,
            ],
        ),
        LogPart {
            member: MemberId("imss-bienestar".into()),
            name: "IMSS-Bienestar".into(),
            acts: Err(Outcome::Late),
        },
    ];
    let threads = Threads::new(MEMBERS);
    let names = |id: &MemberId| threads.name(id);
    let input = views::looks::Input {
        parts: &parts,
        sentence: &|act| act.sentence(lang, &names),
        seal: &|_| "sealed".into(),
        now: now(),
    };
    views::looks::page(frame, &input)
}

fn rules(frame: Frame) -> String {
    let t = frame.t;
    let rule = |id: &str, allow, who, what: &[Category], hint| Rule {
        id: id.into(),
        allow,
        who,
        what: what.to_vec(),
        purpose: None,
        until: None,
        hint,
        ..Rule::default()
    };
    let year = |year: i32| format!("{year}-01-01T06:00:00Z").parse().ok();
    let of_2022 = Rule {
        part: trust::Part {
            period: Some(trust::Period {
                from: year(2022),
                until: year(2023),
            }),
            ..trust::Part::default()
        },
        ..rule(
            "4",
            false,
            Who::Role(trust::Role::Nurse),
            &[Category::Visits],
            true,
        )
    };
    let mut rules = [
        of_2022,
        rule(
            "1",
            false,
            Who::Kind(MemberKind::Pharmacy),
            &[Category::MentalHealth],
            true,
        ),
        rule("2", false, Who::Kind(MemberKind::Insurer), &[], false),
        rule(
            "3",
            true,
            Who::Member(MemberId("hospital".into())),
            &[Category::Laboratory, Category::Medicines],
            true,
        ),
    ];
    rules[3].terms = trust::Terms {
        frequency: Some(trust::Frequency {
            times: 2,
            per: trust::Per::Week,
        }),
        erase_at: Some(now() + jiff::SignedDuration::from_hours(24 * 90)),
    };
    let pharmacies = Who::Kind(MemberKind::Pharmacy);
    let rows: Vec<Previewed> = Category::ALL
        .into_iter()
        .map(|category| Previewed {
            category,
            open: !matches!(category, Category::MentalHealth | Category::Medicines),
            open_today: category != Category::MentalHealth,
            partly: category == Category::Laboratory,
            partly_today: false,
            saving: category == Category::Allergies,
            rule: None,
        })
        .collect();
    let typed = Fields(vec![
        ("who".into(), "kind:pharmacy".into()),
        ("what".into(), "medicines".into()),
        ("hint".into(), "hint".into()),
    ]);
    let threads = Threads::new(MEMBERS);
    let seals = trust::Seals::usual();
    let input = views::rules::Input {
        rules: &rules,
        seals: Some(&seals),
        said: &[(2, Timestamp::UNIX_EPOCH), (1, Timestamp::UNIX_EPOCH)],
        actor: None,
        typed: &typed,
        errors: &[],
        preview: Some(views::rules::preview(
            t,
            &threads,
            Some(&seals),
            (&pharmacies, &rows),
            &rules[1],
        )),
    };
    views::rules::page(frame, input)
}

fn wishes() -> [trust::Wish; 2] {
    use trust::wish::{Asking, Named, Until};
    let rosa = Named {
        name: "Rosa Hernández".into(),
        at: None,
    };
    let late = trust::Wish {
        until: Until::Accompanied,
        companion: Some(rosa),
        review: Some(now()),
        ..trust::Wish::plain(trust::Finding::LateOnset, now())
    };
    let cancer = vec![trust::Wish::plain(trust::Finding::Cancer, now())];
    let asked = trust::wish::ask(cancer, trust::Finding::Cancer, Asking::Alone, now());
    let asked = asked.unwrap_or_default().remove(0);
    [late, asked]
}
