//! Operators make, sign and change a pact with files, and a node explains and tries decisions under it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

mod common;

use common::{good, tejido, text, told};
use std::path::{Path, PathBuf};
use tejido::{Config, house, node};

fn bad(args: &[&str], code: i32, expected: &str) -> String {
    let output = tejido(args);
    assert_eq!(output.status.code(), Some(code), "{}", told(&output));
    let said = told(&output);
    assert!(said.contains(expected), "{said}");
    said
}

/// Three members' folders, and a pact that nobody signed yet.
fn founded(root: &Path) -> (PathBuf, [PathBuf; 3]) {
    let folders = ["imss", "clinica", "farmacia"].map(|name| {
        let dir = root.join(name);
        let kind = match name {
            "imss" => "public-institution",
            "clinica" => "clinic",
            _ => "pharmacy",
        };
        let (address, public) = (
            format!("{name}.example:7443"),
            format!("https://{name}.example"),
        );
        good(&[
            "init",
            text(&dir),
            "--member",
            name,
            "--name",
            name,
            "--kind",
            kind,
            "--address",
            &address,
            "--public",
            &public,
        ]);
        dir
    });
    let pact = root.join("pact");
    let members: Vec<PathBuf> = folders.iter().map(|dir| dir.join("member.toml")).collect();
    let mut found = vec![
        "pact",
        "found",
        "--network",
        "Red de prueba",
        "--threshold",
        "2",
    ];
    let (out, secret) = (text(&pact), root.join("network.secret"));
    found.extend([
        "--out",
        out,
        "--secret",
        text(&secret),
        "--purpose",
        "HRESCH=",
    ]);
    found.extend(members.iter().map(|path| text(path)));
    good(&found);
    (pact, folders)
}

fn sign(pact: &Path, dir: &Path) -> String {
    good(&[
        "pact",
        "sign",
        "--pact",
        text(pact),
        "--key",
        text(&dir.join("node.key")),
    ])
}

/// Of a program that there is not.
const OTHER_TABLES: &str = "abababababababababababababababababababababababababababababababab";

#[test]
fn three_members_found_a_pact_change_a_key_and_are_told_who_has_not_signed() {
    let root = tempfile::tempdir().unwrap();
    let (pact, [imss, clinica, farmacia]) = founded(root.path());
    let said = good(&["pact", "show", text(&pact), "--lang", "es"]);
    assert!(
        said.contains("No han firmado: imss, clinica, farmacia"),
        "{said}"
    );
    assert!(
        said.contains("Para la investigación (HRESCH) no se pide prueba."),
        "{said}"
    );
    assert!(sign(&pact, &imss).contains("is signed by: imss"));
    bad(
        &["pact", "check", text(&pact)],
        1,
        "still to sign: clinica, farmacia",
    );
    sign(&pact, &clinica);
    sign(&pact, &farmacia);
    good(&["pact", "check", text(&pact)]);

    // The pharmacy makes a new key; until when the old one counts must be said.
    let entry = farmacia.join("member.toml");
    let key = farmacia.join("node.key");
    good(&[
        "pact",
        "rekey",
        "--key",
        text(&key),
        "--member",
        text(&entry),
    ]);
    bad(
        &[
            "pact",
            "rekey",
            "--key",
            text(&key),
            "--member",
            text(&entry),
        ],
        1,
        "it is there already",
    );
    let (second, new_entry) = (root.path().join("pact-2"), farmacia.join("member.toml.new"));
    let signing = imss.join("node.key");
    let propose = [
        "pact",
        "propose",
        "--from",
        text(&pact),
        "--out",
        text(&second),
        "--key",
        text(&signing),
        "--add",
        text(&new_entry),
        "--code-minutes",
        "5",
        "--no-purpose",
        "HRESCH",
        "--linkage-runs",
        "4",
        "--linkage-parts",
        "given,first,day",
        "--seals-add-tables",
        OTHER_TABLES,
        "--seals-topics",
        "mental-health,hiv",
        "--seals-silent",
        "none",
        "--seals-emergency",
        "false",
    ];
    bad(&propose, 1, "farmacia changes its key: say until when");
    let until = ["--old-key-until", "2026-12-01T00:00:00Z"];
    good(&[propose.as_slice(), &until].concat());
    let said = good(&["pact", "diff", text(&pact), text(&second), "--lang", "es"]);
    for line in [
        "farmacia: lo que firmó con su llave anterior hasta 2026-12-01T00:00:00Z sigue valiendo.",
        "Minutos que vale un código del paciente: antes 10, ahora 5.",
        "Ya no se abre nada para la investigación (HRESCH).",
        "Una persona puede cerrar todo, o esto: Diagnósticos, Medicinas, Alergias, Estudios, Signos vitales, Vacunas, Consultas y notas, Otros datos, Salud mental y VIH y otras infecciones sexuales. Lo demás que ya cerró sigue cerrado.",
        "Que hay algo reservado se dice como quiera la persona.",
        "Lo que una persona cierra queda cerrado también si puede salvarle la vida; sólo una emergencia lo abre.",
        "Dos instituciones pueden comparar sus registros con claves que no nombran a nadie: 4 veces en 365 días a lo más, de 50000 personas a lo más, por nombre de pila, primer apellido, día y mes de nacimiento.",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let own = good(&["pact", "tables"]);
    assert!(
        said.contains(&format!("{} o {OTHER_TABLES}", own.trim())),
        "{said}"
    );
    let check = ["pact", "check", "--after", text(&pact), text(&second)];
    bad(&check, 1, "not signed by: clinica, farmacia");
    sign(&second, &clinica);
    bad(
        &check,
        1,
        "must sign with that key; still to sign: farmacia",
    );
    std::fs::rename(farmacia.join("node.key.new"), &key).unwrap();
    sign(&second, &farmacia);
    good(&check);
    let said = good(&["pact", "show", text(&second)]);
    assert!(said.contains("Not signed by: -"), "{said}");

    // A version that goes by other tables only is signed with a remark, since a node with this program does not take it.
    let third = root.path().join("pact-3");
    let seals = |flag, value| {
        [
            "pact",
            "propose",
            "--from",
            text(&second),
            "--out",
            text(&third),
            "--key",
            text(&signing),
            flag,
            value,
        ]
    };
    for (flag, value, why) in [
        ("--seals-topics", "diagnoses", "those can always be closed"),
        ("--seals-silent", "dreams", "a category is none or one of"),
        ("--seals-tables", "ABAB", "64 small hexadecimal digits"),
    ] {
        bad(&seals(flag, value), 2, why);
    }
    good(&seals("--seals-tables", OTHER_TABLES));
    let signed = tejido(&[
        "pact",
        "sign",
        "--pact",
        text(&third),
        "--key",
        text(&signing),
    ]);
    assert!(
        told(&signed).contains("goes by other tables of categories"),
        "{}",
        told(&signed)
    );

    // A letter changed afterwards is seen, and where.
    let changed = std::fs::read_to_string(&second)
        .unwrap()
        .replace("code_minutes = 5", "code_minutes = 6");
    std::fs::write(&second, changed).unwrap();
    bad(
        &["pact", "show", text(&second)],
        1,
        "byte for byte as it was signed",
    );
    bad(
        &[
            "pact",
            "propose",
            "--from",
            text(&pact),
            "--out",
            text(&second),
            "--key",
            text(&signing),
            "--code-minutes",
            "600",
        ],
        1,
        "code_minutes: 600; it must be 1 to 60",
    );
}

/// A node that is a network by itself, with two people loaded: its configuration.
fn loaded(root: &Path) -> PathBuf {
    let person = |id: &str, curp: &str| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"identifier\":[{{\"system\":\"urn:oid:2.16.840.1.113883.4.629\",\"value\":\"{curp}\"}}]}}\n"
        )
    };
    let people = [
        person("her", "HEGG560427MVZRRL04"),
        person("other", "BADD110313HCMLNS09"),
    ]
    .concat();
    let file = root.join("Patient.ndjson");
    std::fs::write(&file, people).unwrap();
    let node = root.join("node");
    good(&["import", text(&file), "--data", text(&node)]);
    node.join("node.toml")
}

/// A doctor of the house who is refused for want of evidence: the name of that act.
fn refused(gate: &trust::Gate) -> String {
    let now = jiff::Timestamp::now();
    let doctor = trust::Actor {
        helper: None,
        delegator: None,
        id: "ana".into(),
        name: "Dra. Ana Ruiz".into(),
        member: gate.member(),
        role: trust::Role::Physician,
        licence: Some(trust::Licence {
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            state: trust::LicenceState::Active,
            checked: now,
            supervisor: None,
        }),
        curp: None,
    };
    let request = |actor, person, what| trust::Request {
        actor,
        purpose: trust::Purpose::Treatment,
        person,
        verbs: store::Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what,
    };
    let person = || trust::PersonRef::Patient("her".into());
    let asked = request(doctor, person(), trust::What::Summary);
    gate.decide(asked, now).unwrap_err();
    let she = trust::Actor {
        helper: None,
        delegator: None,
        id: "ella".into(),
        name: "Ella".into(),
        member: gate.member(),
        role: trust::Role::Patient,
        licence: None,
        curp: Some("HEGG560427MVZRRL04".into()),
    };
    let log = trust::Request {
        purpose: trust::Purpose::OwnRequest,
        ..request(she, person(), trust::What::Log)
    };
    let log = gate.decide(log, now).unwrap();
    let acts = gate.acts(&log, None, 50, now).unwrap();
    let denied = acts.iter().find(|act| act.kind == trust::ActKind::Denied);
    denied.unwrap().id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_explains_its_decisions_and_tries_another_pact_on_them() {
    let root = tempfile::tempdir().unwrap();
    let toml = loaded(root.path());
    let act = refused(&house::open(&Config::read(&toml).unwrap()).unwrap().gate);
    let dir = toml.parent().unwrap().to_owned();
    let open = root.path().join("open.cedar");
    std::fs::write(
        &open,
        "@id(\"all\") permit (principal, action, resource);\n",
    )
    .unwrap();
    let (pact, key) = (dir.join("pact"), dir.join("node.key"));
    let wider = root.path().join("wider");
    good(&[
        "pact",
        "propose",
        "--from",
        text(&pact),
        "--out",
        text(&wider),
        "--key",
        text(&key),
        "--policies",
        text(&open),
        "--purpose",
        "TREAT=",
    ]);
    let look = {
        let toml = toml.clone();
        move |running: bool| {
            let explain = ["explain", &act, "--config", text(&toml)];
            let said = good(&explain);
            for part in [
                "quiso ver tu historia",
                "no (no-evidence).",
                "la decisión sale igual",
            ] {
                assert!(said.contains(part), "{running} {part}\n{said}");
            }
            let json: serde_json::Value =
                serde_json::from_str(&good(&[explain.as_slice(), &["--json"]].concat())).unwrap();
            assert_eq!(json["licence"], "active");
            assert_eq!(json["then"], json["again"]["Ok"]);
            bad(
                &["explain", &"0".repeat(32), "--config", text(&toml)],
                1,
                "No hay tal acto aquí",
            );

            let simulate = ["pact", "simulate", text(&wider), "--config", text(&toml)];
            let said = good(&simulate);
            assert!(said.contains("would change: 1."), "{said}");
            let line = said
                .lines()
                .find(|line| line.contains("would be allowed"))
                .unwrap();
            assert!(
                line.contains("TREAT") && line.contains("local") && line.contains(&act),
                "{line}"
            );
            let same = [
                "pact",
                "simulate",
                text(&pact),
                "--config",
                text(&toml),
                "--json",
            ];
            let json: serde_json::Value = serde_json::from_str(&good(&same)).unwrap();
            assert_eq!(json["changes"], serde_json::json!([]));
            assert!(json["decisions"].as_u64().unwrap() >= 3, "{json}");
        }
    };
    let stopped = look.clone();
    tokio::task::spawn_blocking(move || stopped(false))
        .await
        .unwrap();
    let mut config = Config::read(&toml).unwrap();
    config.public.listen = "127.0.0.1:0".into();
    config.node.listen = "127.0.0.1:0".into();
    let running = node::start(config, vec![]).await.unwrap();
    tokio::task::spawn_blocking(move || look(true))
        .await
        .unwrap();
    running.stop().await;
}
