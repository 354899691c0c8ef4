//! The example Consents of IHE Privacy Consent on FHIR 1.1.1, each by its name: read as rules, asked by the viewers and
//! for the purposes that its notes speak of, over its example resources. Says so when they are not there.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use fhir::{ResourceType, Value, json, obj};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use trust::{
    Category, MemberId, MemberKind, Names, Purpose, Role, Tag, Viewer, Who, Word, from_consent,
    hidden, labels, to_consent,
};

const SUITE: &str = "data/suites/ihe-pcf-1.1.1-compiled@3fefea1.tar.zst";

/// The resources of the suite by file name; `None` when it is not there.
fn suite() -> Option<BTreeMap<String, Value>> {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        Into::into,
    );
    let path = shared.join(SUITE);
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some((_, name)) = path.split_once("/resources/") else {
            continue;
        };
        let Some(name) = name.strip_suffix(".json").map(str::to_owned) else {
            continue;
        };
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut text).unwrap();
        found.insert(name, json::parse(&text, &json::Limits::default()).unwrap());
    }
    Some(found)
}

/// The suite's people as this network knows them, and its one purpose that is not HL7's.
struct Example;

fn practitioner() -> Who {
    Who::Actor(MemberId("ex-organization".into()), "ex-practitioner".into())
}

impl Names for Example {
    fn who(&self, reference: &Value) -> Option<Vec<Who>> {
        match reference.text("reference")? {
            // Its one member.
            "Practitioner/ex-practitioner" | "Group/ex-privilegedUsers" => {
                Some(vec![practitioner()])
            }
            "Organization/ex-org-researcher" => {
                Some(vec![Who::Member(MemberId("ex-org-researcher".into()))])
            }
            _ => None,
        }
    }
    fn purpose(&self, system: &str, code: &str) -> Option<Purpose> {
        (system == "http://example.org/policies/purposeOfUse" && code == "FooBar")
            .then_some(Purpose::Research)
    }
    fn is_member(&self, _: &MemberId) -> bool {
        true
    }
    fn kept(&self, reference: &str) -> Option<String> {
        Some(reference.to_owned())
    }
}

/// HL7's break-glass, where this network has such a purpose.
fn break_glass() -> Option<Purpose> {
    serde_json::from_str("\"BTG\"").ok()
}

#[derive(Clone, Copy, Debug)]
enum Eyes {
    /// The suite's Practitioner.
    Practitioner,
    /// Somebody else of the same organisation.
    Another,
    /// Of the research organisation.
    Researcher,
}

/// What is shown: names, or nothing at all, not even that she is known (PCF: no token is issued).
type Shown = Option<BTreeSet<String>>;

struct World {
    consents: BTreeMap<String, Value>,
    /// Her resources, by name.
    hers: BTreeMap<String, Value>,
}

impl World {
    /// The suite's, and three of its weights again: by the Practitioner, and under labels that no example bears.
    fn new() -> Option<World> {
        let all = suite()?;
        let of = |start: &str| -> BTreeMap<String, Value> {
            let matching = all.iter().filter(|(name, _)| name.starts_with(start));
            matching
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let mut hers = BTreeMap::new();
        for start in [
            "Observation-",
            "Encounter-",
            "DocumentReference-ex-documentreference",
        ] {
            for (_, resource) in of(start) {
                let of = resource.text("resourceType").unwrap();
                let name = format!("{of}/{}", resource.text("id").unwrap());
                hers.insert(name, resource);
            }
        }
        let weight = hers.get("Observation/ex-weight").unwrap().clone();
        let mut by = weight.clone();
        let author = obj! { "reference" => "Practitioner/ex-practitioner" };
        by.set("performer", Value::Array(vec![author]));
        hers.insert("Observation/by-practitioner".into(), by);
        for code in ["PSY", "SDV"] {
            let sensitivity = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
            let confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
            let labels = [
                obj! { "system" => sensitivity, "code" => code },
                obj! { "system" => confidentiality, "code" => "R" },
            ];
            let mut labelled = weight.clone();
            labelled.set("meta", obj! { "security" => labels });
            hers.insert(format!("Observation/{}", code.to_lowercase()), labelled);
        }
        let consents = of("Consent-ex-");
        Some(World { consents, hers })
    }

    fn shown(&self, consent: &str, eyes: Eyes, purpose: Purpose, now: &str) -> Shown {
        let consent = self.consents.get(&format!("Consent-ex-{consent}")).unwrap();
        let rules = from_consent(consent, &Example).unwrap();
        let now: Timestamp = format!("{now}T12:00:00Z").parse().unwrap();
        let word = Word {
            person: Tag([7; 32]),
            version: 1,
            rules,
            wishes: Vec::new(),
            represented_by: Vec::new(),
            born: None,
            said: now,
            author: MemberId("ex-organization".into()),
        };
        // What is written again must read as the same.
        let again = from_consent(
            &to_consent(&word, obj! { "reference" => "Patient/ex-patient" }),
            &Example,
        )
        .unwrap();
        let (org, actor) = match eyes {
            Eyes::Practitioner => ("ex-organization", "ex-practitioner"),
            Eyes::Another => ("ex-organization", "ex-another"),
            Eyes::Researcher => ("ex-org-researcher", "ex-researcher"),
        };
        let (member, holder) = (MemberId(org.into()), MemberId("ex-organization".into()));
        let viewer = Viewer {
            member: &member,
            kind: MemberKind::PrivateHospital,
            role: Role::Physician,
            actor,
            herself: false,
            acting: None,
        };
        let look = |word: &Word| {
            let seen = hidden(Some(word), None, &viewer, purpose, now);
            let everything = Category::set(&Category::ALL);
            if seen.labels.0 & everything.0 == everything.0 {
                return None;
            }
            let shown = self.hers.iter().filter(|(name, resource)| {
                let (of, id) = name.split_once('/').unwrap();
                let of = ResourceType::from_name(of).unwrap();
                let residual = seen.residual.as_ref();
                !labels(of, resource).meets(seen.labels)
                    && !residual.is_some_and(|one| one.hides(&holder, of, id, resource))
            });
            Some(shown.map(|(name, _)| name.clone()).collect())
        };
        let shown = look(&word);
        assert_eq!(
            look(&Word {
                rules: again,
                ..word
            }),
            shown,
            "written again"
        );
        shown
    }

    fn check(&self, consent: &str, asked: (Eyes, Purpose, &str), expected: &[&str]) {
        let (eyes, purpose, now) = asked;
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        let shown = self.shown(consent, eyes, purpose, now);
        assert_eq!(
            shown,
            Some(expected),
            "{consent} to {eyes:?} for {purpose:?}"
        );
    }

    fn refuses(&self, consent: &str, asked: (Eyes, Purpose, &str)) {
        let (eyes, purpose, now) = asked;
        let shown = self.shown(consent, eyes, purpose, now);
        assert_eq!(shown, None, "{consent} to {eyes:?} for {purpose:?}");
    }
}

const ALL: [&str; 10] = [
    "DocumentReference/ex-documentreference",
    "Encounter/ex-encounter",
    "Observation/by-practitioner",
    "Observation/ex-alcoholUse",
    "Observation/ex-bloodPressure",
    "Observation/ex-bloodSugar",
    "Observation/ex-weight",
    "Observation/ex-weight-2",
    "Observation/psy",
    "Observation/sdv",
];

fn without(left_out: &[&str]) -> Vec<&'static str> {
    let mut all = ALL.to_vec();
    all.retain(|name| !left_out.contains(name));
    all
}

/// All three under the label R.
const RESTRICTED: [&str; 3] = [
    "Observation/ex-alcoholUse",
    "Observation/psy",
    "Observation/sdv",
];

const DAY: &str = "2022-07-01";
const TREAT: (Eyes, Purpose, &str) = (Eyes::Another, Purpose::Treatment, DAY);
const FOCUSED: (Eyes, Purpose, &str) = (Eyes::Practitioner, Purpose::Treatment, DAY);
const RESEARCH: (Eyes, Purpose, &str) = (Eyes::Researcher, Purpose::Research, DAY);

#[test]
fn basic_permits_its_purposes_and_no_other() {
    let Some(world) = World::new() else { return };
    for consent in [
        "consent-basic-treat",
        "consent-basic-ink",
        "consent-basic-treat-infant",
    ] {
        world.check(consent, TREAT, &ALL);
        world.check(consent, (Eyes::Another, Purpose::Payment, DAY), &ALL);
        world.check(consent, (Eyes::Another, Purpose::Operations, DAY), &ALL);
        world.refuses(consent, RESEARCH);
    }
    world.check("consent-basic-research", RESEARCH, &ALL);
    world.refuses("consent-basic-research", TREAT);
    world.refuses("consent-basic-reject", TREAT);
    world.refuses(
        "consent-basic-reject",
        (Eyes::Another, Purpose::Payment, DAY),
    );
}

#[test]
fn what_has_expired_permits_no_more() {
    let Some(world) = World::new() else { return };
    let on = |day| (Eyes::Another, Purpose::Treatment, day);
    world.check("consent-expired-treat", on("2022-12-31"), &ALL);
    world.refuses("consent-expired-treat", on("2023-01-01"));
}

#[test]
fn intermediate_names_data_authors_visits_and_times() {
    let Some(world) = World::new() else { return };
    let by = "Observation/by-practitioner";
    world.check("consent-intermediate-authoredby", TREAT, &[by]);
    world.check(
        "consent-intermediate-not-authoredby",
        TREAT,
        &without(&[by]),
    );
    let named = without(&[
        "DocumentReference/ex-documentreference",
        by,
        "Observation/psy",
        "Observation/sdv",
    ]);
    world.check("consent-intermediate-data", TREAT, &named);
    let alcohol = "Observation/ex-alcoholUse";
    world.check("consent-intermediate-not-data", TREAT, &without(&[alcohol]));
    let document = "DocumentReference/ex-documentreference";
    world.check(
        "consent-intermediate-encounter",
        TREAT,
        &without(&[document]),
    );
    world.check("consent-intermediate-not-encounter", TREAT, &[document]);
    // Visit and document say no date: they are in no period that is permitted, and may be in one that is denied.
    world.check("consent-intermediate-timeframe", TREAT, &[alcohol]);
    let undated = [alcohol, document, "Encounter/ex-encounter"];
    world.check(
        "consent-intermediate-not-timeframe",
        TREAT,
        &without(&undated),
    );
}

#[test]
fn intermediate_names_an_organisation_and_a_purpose() {
    let Some(world) = World::new() else { return };
    world.check("consent-intermediate-purpose", RESEARCH, &ALL);
    world.refuses(
        "consent-intermediate-purpose",
        (Eyes::Researcher, Purpose::Treatment, DAY),
    );
    world.refuses(
        "consent-intermediate-purpose",
        (Eyes::Another, Purpose::Research, DAY),
    );
}

#[test]
fn advanced_names_labels() {
    let Some(world) = World::new() else { return };
    let normal = without(&RESTRICTED);
    world.check("consent-advanced-normal", TREAT, &normal);
    world.check("consent-advanced-normal-not-restricted", TREAT, &normal);
    world.check("consent-advanced-normal-restricted", TREAT, &ALL);
    world.refuses("consent-advanced-normal", RESEARCH);
}

#[test]
fn advanced_opens_more_to_the_practitioner_it_names() {
    let Some(world) = World::new() else { return };
    let normal = without(&RESTRICTED);
    for consent in [
        "consent-advanced-normal-focused-restricted",
        "consent-advanced-normal-focused-psy",
        "consent-advanced-normal-focused-psy-or-sdv",
    ] {
        world.check(consent, TREAT, &normal);
    }
    world.check("consent-advanced-normal-focused-restricted", FOCUSED, &ALL);
    let alcohol = "Observation/ex-alcoholUse";
    world.check(
        "consent-advanced-normal-focused-psy",
        FOCUSED,
        &without(&[alcohol, "Observation/sdv"]),
    );
    world.check(
        "consent-advanced-normal-focused-psy-or-sdv",
        FOCUSED,
        &without(&[alcohol]),
    );
}

#[test]
fn break_glass_is_its_own_purpose_or_is_refused_by_its_place() {
    let Some(world) = World::new() else { return };
    let (restricted, dissent) = (
        "consent-advanced-normal-break-glass-restricted",
        "dissent-intermediate-break-glass",
    );
    match break_glass() {
        Some(glass) => {
            world.check(restricted, TREAT, &without(&RESTRICTED));
            world.check(restricted, (Eyes::Practitioner, glass, DAY), &ALL);
            world.refuses(dissent, TREAT);
            world.check(dissent, (Eyes::Practitioner, glass, DAY), &ALL);
        }
        None => {
            for name in [restricted, dissent] {
                let consent = world.consents.get(&format!("Consent-ex-{name}")).unwrap();
                let unsaid = from_consent(consent, &Example).unwrap_err();
                assert_eq!(unsaid.place, "Consent.provision.provision[0].purpose[0]");
            }
        }
    }
}

#[test]
fn every_example_is_among_these() {
    let Some(world) = World::new() else { return };
    let told = include_str!("pcf.rs");
    for name in world.consents.keys() {
        let name = name.strip_prefix("Consent-ex-").unwrap();
        assert!(told.contains(&format!("\"{name}\"")), "{name} is not asked");
    }
    assert_eq!(world.consents.len(), 23);
}

#[test]
fn what_no_rule_says_is_refused_by_its_place() {
    let Some(world) = World::new() else { return };
    let base = world
        .consents
        .get("Consent-ex-consent-intermediate-not-data")
        .unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut consent = base.clone();
        change(&mut consent);
        from_consent(&consent, &Example).unwrap_err().place
    };
    let inside = |consent: &mut Value, element: &str, value: Value| {
        let mut root = consent.get("provision").unwrap().clone();
        let mut inner = root.list("provision")[0].clone();
        inner.set(element, value);
        root.set("provision", Value::Array(vec![inner]));
        consent.set("provision", root);
    };
    let place = "Consent.provision.provision[0]";
    let coding = || obj! { "system" => "s", "code" => "c" };
    let receives = || obj! { "system" => "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code" => "IRCP" };
    let some = |value: Value| Value::Array(vec![value]);
    let elements = [
        ("action", some(obj! { "coding" => [coding()] }), ""),
        ("code", some(obj! { "coding" => [coding()] }), ""),
        ("modifierExtension", some(obj! { "url" => "u" }), ""),
        ("extension", some(obj! { "url" => "u" }), "[0]"),
        ("class", some(coding()), "[0]"),
        ("purpose", some(coding()), "[0]"),
        ("type", "perhaps".into(), ""),
        ("dataPeriod", obj! { "start" => "soon" }, ".start"),
        (
            "data",
            some(
                obj! { "meaning" => "dependents", "reference" => obj! { "reference" => "Encounter/1" } },
            ),
            "[0].meaning",
        ),
        (
            "actor",
            some(
                obj! { "role" => obj! { "coding" => [receives()] }, "reference" => obj! { "reference" => "Practitioner/nobody" } },
            ),
            "[0].reference",
        ),
        (
            "actor",
            some(obj! { "reference" => obj! { "reference" => "Practitioner/ex-practitioner" } }),
            "[0].role",
        ),
        (
            "period",
            obj! { "start" => "2026-01-01", "extension" => [obj! { "url" => "u" }] },
            ".extension",
        ),
    ];
    for (element, value, at) in elements {
        let found = refused(&|consent| inside(consent, element, value.clone()));
        assert_eq!(found, format!("{place}.{element}{at}"));
    }
    assert_eq!(refused(&|c| c.set("status", "inactive")), "Consent.status");
    assert_eq!(
        refused(&|c| c.set("modifierExtension", "x")),
        "Consent.modifierExtension"
    );
    assert_eq!(refused(&|c| c.set("scope", obj! {})), "Consent.scope");
}
