//! Searches and what they are understood as; resources and what they meet.

use super::{Modifier::*, *};
use crate::search::{CANONICAL, Catalog, Entry, extract};
use proptest::prelude::*;

mod trees;

fn of(name: &str) -> ResourceType {
    ResourceType::from_name(name).unwrap()
}

fn pairs(search: &str) -> Vec<(String, String)> {
    let pair = |p: &str| {
        let (name, value) = p.split_once('=').unwrap_or((p, ""));
        (name.to_owned(), value.to_owned())
    };
    search.split('&').map(pair).collect()
}

fn understood(name: &str, search: &str) -> Query {
    r4(of(name), &pairs(search)).unwrap_or_else(|issues| panic!("{search}: {issues:?}"))
}

fn r4(of: ResourceType, pairs: &[(String, String)]) -> Result<Query, Vec<Issue>> {
    parse(&Catalog::r4(), of, pairs, Handling::Strict)
}

fn condition(name: &str, search: &str) -> Condition {
    understood(name, search).conditions.remove(0)
}

fn clause(name: &str, search: &str) -> Clause {
    match condition(name, search) {
        Condition::Is(clause) => clause,
        other => panic!("{search}: {other:?}"),
    }
}

#[track_caller]
fn refused(name: &str, search: &str, code: IssueCode, said: &[&str]) {
    let issues = r4(of(name), &pairs(search)).expect_err(search);
    assert_eq!(issues.len(), 1, "{search}: {issues:?}");
    assert_eq!(issues[0].code, code, "{search}: {issues:?}");
    for said in said {
        assert!(
            issues[0].diagnostics.contains(said),
            "{search}: no `{said}` in {issues:?}"
        );
    }
}

fn token(system: Option<&str>, code: Option<&str>) -> Wanted {
    Wanted::Token {
        system: system.map(str::to_owned),
        code: code.map(str::to_owned),
    }
}

#[test]
fn values_are_understood_by_kind() {
    let date = |prefix, from, to| Wanted::Date { prefix, from, to };
    let cases: Vec<(&str, &str, Modifier, Vec<Wanted>)> = vec![
        (
            "Patient",
            "name=MUÑOZ Ávila",
            None,
            vec![Wanted::Text("muñoz avila".into())],
        ),
        (
            "Patient",
            "name:exact=Ávila",
            Exact,
            vec![Wanted::Text("Ávila".into())],
        ),
        (
            "Patient",
            r"family:contains=a\,b,C",
            Contains,
            vec![Wanted::Text("a,b".into()), Wanted::Text("c".into())],
        ),
        (
            "Observation",
            r"code=http://loinc.org|718-7,|x,u|,a\|b",
            None,
            vec![
                token(Some("http://loinc.org"), Some("718-7")),
                token(Some(""), Some("x")),
                token(Some("u"), Option::None),
                token(Option::None, Some("a|b")),
            ],
        ),
        (
            "Observation",
            "code:text=Hemoglobína",
            Text,
            vec![Wanted::Text("hemoglobina".into())],
        ),
        (
            "Observation",
            "status:not=final",
            Not,
            vec![token(Option::None, Some("final"))],
        ),
        (
            "Patient",
            "active=true",
            None,
            vec![token(Option::None, Some("true"))],
        ),
        ("Patient", "deceased:missing=true", Missing(true), vec![]),
        (
            "Observation",
            "subject:identifier=urn:x|1",
            Identifier,
            vec![token(Some("urn:x"), Some("1"))],
        ),
        (
            "Observation",
            "subject=Patient/1,https://b/Patient/2/_history/3,urn:uuid:4",
            None,
            vec![
                Wanted::Reference("Patient/1".into()),
                Wanted::Reference("https://b/Patient/2".into()),
                Wanted::Reference("urn:uuid:4".into()),
            ],
        ),
        (
            "Observation",
            "subject:Group=7",
            None,
            vec![Wanted::Reference("Group/7".into())],
        ),
        (
            "Observation",
            "patient=1",
            None,
            vec![Wanted::Reference("Patient/1".into())],
        ),
        (
            "Observation",
            "encounter=1",
            None,
            vec![Wanted::Reference("Encounter/1".into())],
        ),
        (
            "Observation",
            "date=ge1970-01-01T00:00:01Z",
            None,
            vec![date(Prefix::Ge, 1_000_000, 1_999_999)],
        ),
        (
            "Observation",
            "date=ap1970-01-01T00:00:02Z",
            None,
            vec![date(Prefix::Ap, 1_000_000, 3_999_999)],
        ),
        (
            "Observation",
            "_lastUpdated=1970",
            None,
            vec![date(Prefix::Eq, 0, 31_536_000_000_000 - 1)],
        ),
        (
            "RiskAssessment",
            "probability=lt0.8",
            None,
            vec![Wanted::Number {
                prefix: Prefix::Lt,
                value: 0.8,
                low: 0.75,
                high: 0.85,
            }],
        ),
        (
            "Observation",
            "value-quantity=5.4|http://unitsofmeasure.org|mg",
            None,
            vec![Wanted::Quantity {
                prefix: Prefix::Eq,
                value: 0.0054,
                low: 0.00535,
                high: 0.00545,
                system: Some(CANONICAL.into()),
                code: Some("g".into()),
            }],
        ),
        (
            "Observation",
            "value-quantity=7.4|http://unitsofmeasure.org|[pH]",
            None,
            vec![Wanted::Quantity {
                prefix: Prefix::Eq,
                value: 7.4,
                low: 7.35,
                high: 7.45,
                system: Some("http://unitsofmeasure.org".into()),
                code: Some("[pH]".into()),
            }],
        ),
        (
            "Location",
            "near=19.43|-99.13|500|m",
            None,
            vec![Wanted::Near {
                lat: 19.43,
                lon: -99.13,
                km: 0.5,
            }],
        ),
        (
            "Observation",
            "component-code-value-quantity=u|8480-6$gt120",
            None,
            vec![Wanted::Composite(vec![
                token(Some("u"), Some("8480-6")),
                Wanted::Quantity {
                    prefix: Prefix::Gt,
                    value: 120.0,
                    low: 119.5,
                    high: 120.5,
                    system: Option::None,
                    code: Option::None,
                },
            ])],
        ),
        (
            "Patient",
            "identifier:of-type=urn:t|MR|446053",
            OfType,
            vec![Wanted::OfType {
                system: Some("urn:t".into()),
                code: "MR".into(),
                value: "446053".into(),
            }],
        ),
        (
            "ValueSet",
            "url:below=http://x",
            Below,
            vec![Wanted::Uri("http://x".into())],
        ),
        (
            "Patient",
            "_content=Dolor de \"cabeza fuerte\"",
            None,
            vec![Wanted::Words(vec![
                "dolor".into(),
                "de".into(),
                "cabeza fuerte".into(),
            ])],
        ),
        (
            "Observation",
            "value-quantity=gt5||mg",
            None,
            vec![Wanted::Quantity {
                prefix: Prefix::Gt,
                value: 5.0,
                low: 4.5,
                high: 5.5,
                system: Option::None,
                code: Some("mg".into()),
            }],
        ),
        (
            "ValueSet",
            "url=http://x/y",
            None,
            vec![Wanted::Uri("http://x/y".into())],
        ),
        (
            "Patient",
            "_id=a-1.b",
            None,
            vec![Wanted::Id("a-1.b".into())],
        ),
        (
            "Patient",
            "_tag=s|c",
            None,
            vec![token(Some("s"), Some("c"))],
        ),
        (
            "Patient",
            "_source=urn:x",
            None,
            vec![Wanted::Uri("urn:x".into())],
        ),
    ];
    for (name, search, modifier, values) in cases {
        let clause = clause(name, search);
        assert_eq!(
            (clause.modifier, clause.values),
            (modifier, values),
            "{search}"
        );
    }
}

#[test]
fn a_chain_finds_its_target() {
    for (name, search, target, code) in [
        ("Observation", "subject:Patient.name=ana", "Patient", "name"),
        (
            "Observation",
            "patient.identifier:not=u|1",
            "Patient",
            "identifier",
        ),
        ("Observation", "encounter._id=1", "Encounter", "_id"),
        (
            "Observation",
            "subject.birthdate=2000",
            "Patient",
            "birthdate",
        ),
    ] {
        let Condition::Refers { targets, .. } = condition(name, search) else {
            panic!("{search} is no chain")
        };
        let [(of, Condition::Is(clause))] = targets.as_slice() else {
            panic!("{search}: {targets:?}")
        };
        assert_eq!(
            (of.name(), clause.parameter.code),
            (target, code),
            "{search}"
        );
        assert_eq!(clause.values.len(), 1, "{search}");
    }
    let unsupported = IssueCode::NotSupported;
    refused(
        "Observation",
        "subject.nombre=1",
        unsupported,
        &["None of the types"],
    );
    refused(
        "Observation",
        "patient.nombre=1",
        unsupported,
        &["Patient has no search parameter `nombre`"],
    );
    refused(
        "Observation",
        "subject:Practitioner.name=1",
        unsupported,
        &["does not point to `Practitioner`", "Patient"],
    );
    refused(
        "Observation",
        "code.text=1",
        unsupported,
        &["token parameter"],
    );
    for search in ["_has:Observation=1", "_has:Observation:patient=1", "_has=1"] {
        refused("Patient", search, unsupported, &["is written `_has:"]);
    }
    refused(
        "Patient",
        "_has:Observation:encounter:code=1",
        unsupported,
        &["does not point to Patient", "Encounter"],
    );
    refused(
        "Patient",
        "_has:Observation:code:code=1",
        unsupported,
        &["token parameter"],
    );
    refused(
        "Patient",
        "_has:Nothing:patient:code=1",
        unsupported,
        &["no type `Nothing`"],
    );
}

#[test]
fn a_value_set_that_r4_lists_stands_for_its_codes() {
    let of_set = |search: &str| clause("Observation", search);
    let system = "http://hl7.org/fhir/observation-status";
    let among = of_set("status:in=http://hl7.org/fhir/ValueSet/observation-status");
    assert_eq!(among.modifier, None);
    assert_eq!(among.values.len(), 8);
    assert!(among.values.contains(&token(Some(system), Some("final"))));
    let outside = of_set("status:not-in=http://hl7.org/fhir/ValueSet/observation-status|4.0.1");
    assert_eq!((outside.modifier, outside.values), (Not, among.values));
}

#[test]
fn versions_of_a_canonical_stand_above_and_below_one_another() {
    let answer = |version: &str| {
        format!(
            r#"{{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://x/q{version}"}}"#
        )
    };
    met(
        &answer("|1.2.3"),
        "QuestionnaireResponse",
        &[
            "questionnaire:below=http://x/q",
            "questionnaire:below=http://x/q|1",
            "questionnaire:below=http://x/q|1.2",
            "questionnaire:below=http://x/q|1.2.3",
            "questionnaire:above=http://x/q|1.2.3",
            "questionnaire:above=http://x/q|1.2.3-draft",
        ],
        &[
            "questionnaire:below=http://x/q|2",
            "questionnaire:below=http://x/q|1.2.30",
            "questionnaire:below=http://x",
            "questionnaire:above=http://x/q|1.2",
            "questionnaire:above=http://x/q|1.2.30",
        ],
    );
    met(
        &answer(""),
        "QuestionnaireResponse",
        &[
            "questionnaire:below=http://x/q",
            "questionnaire:above=http://x/q",
        ],
        &[
            "questionnaire:below=http://x/q|1",
            "questionnaire:above=http://x/q|1",
        ],
    );
}

#[test]
fn what_is_unknown_or_unsupported_is_named() {
    let unsupported = IssueCode::NotSupported;
    refused(
        "Patient",
        "birthdat=2000",
        unsupported,
        &[
            "Patient has no search parameter `birthdat`",
            "Did you mean birthdate?",
        ],
    );
    refused(
        "Patient",
        "zzzzzz=1",
        unsupported,
        &["Possible: _content, _id, _lastUpdated", "active", "telecom"],
    );
    refused("Patient", "_query=x", unsupported, &["`_query`"]);
    refused("Patient", "_filter:not=x", unsupported, &["`_filter`"]);
    refused("Patient", "_text:exact=x", unsupported, &["no modifier"]);
    refused("Patient", "_type=Patient", unsupported, &["`_type`"]);
    refused(
        "Patient",
        "_list=$current-allergies",
        unsupported,
        &["a function"],
    );
    refused(
        "Patient",
        "_contained=true",
        unsupported,
        &["_contained=false"],
    );
    refused("Observation", "code:below=x", unsupported, &["terminology"]);
    refused(
        "Observation",
        "code:not-in=x",
        unsupported,
        &["terminology"],
    );
    refused(
        "Observation",
        "code:in=http://hl7.org/fhir/ValueSet/observation-codes",
        unsupported,
        &["does not list all codes"],
    );
    refused(
        "Observation",
        "patient:below=Patient/1",
        unsupported,
        &["no meaning", "parts"],
    );
    refused(
        "Patient",
        "name:above=x",
        unsupported,
        &["`:above`", ":exact, :contains, :missing"],
    );
    refused(
        "Observation",
        "code:in=x",
        unsupported,
        &["code:in=x", "terminology"],
    );
    refused(
        "Observation",
        "date:exact=2020",
        unsupported,
        &["`:exact`", "Possible: :missing"],
    );
    refused(
        "Patient",
        "_id:missing=true",
        unsupported,
        &["Possible: :not"],
    );
    refused(
        "Patient",
        "_include:recurse=Patient:organization",
        unsupported,
        &["`_include:iterate`"],
    );
    refused("Location", "_sort=near", unsupported, &["no order"]);
    refused("Patient", "_sort=_text", unsupported, &["no order"]);
    refused("Patient", "_sort=nam", unsupported, &["Did you mean"]);
}

#[test]
fn a_bad_value_names_the_parameter_and_what_is_expected() {
    let value = IssueCode::Value;
    refused(
        "Patient",
        "birthdate=17/05/2000",
        value,
        &["`birthdate=17/05/2000`", "2024-05-17"],
    );
    refused("Patient", "birthdate=2021-02-29", value, &["a date"]);
    refused(
        "Patient",
        "active=si",
        value,
        &["`active=si`", "true or false"],
    );
    refused("Patient", "name=", value, &["a value"]);
    refused("Patient", "name=a,,b", value, &["after each comma"]);
    refused("Patient", "name:missing=1", value, &["true or false"]);
    refused("RiskAssessment", "probability=high", value, &["a number"]);
    refused("Observation", "value-quantity=5|mg", value, &["a quantity"]);
    refused("Observation", "code=a|b|c", value, &["system|code"]);
    refused("Observation", "code=|", value, &["system|code"]);
    refused(
        "Observation",
        "subject=1",
        value,
        &["type with the id", "4 types"],
    );
    refused("Observation", "subject=Organization/1", value, &["Patient"]);
    refused("Observation", "subject=Patient/a b", value, &["an id"]);
    refused(
        "Observation",
        "subject:Patient=Group/1",
        value,
        &["Patient"],
    );
    refused(
        "Observation",
        "subject:below=Patient/1",
        value,
        &["of one of: Location"],
    );
    refused("Location", "near=91|0", value, &["latitude|longitude"]);
    refused("Location", "near=19.4|-99|5|kg", value, &["kilometres"]);
    refused(
        "Observation",
        "code-value-quantity=1",
        value,
        &["a value for each of code, value-quantity"],
    );
    refused(
        "Observation",
        "code-value-quantity=1$high",
        value,
        &["for `value-quantity` a quantity"],
    );
    refused(
        "Patient",
        "identifier:of-type=MR|1",
        value,
        &["system|code|value"],
    );
    refused("Patient", "_text=(a", value, &["brackets"]);
    refused("Patient", "_text=\"a", value, &["quote"]);
    refused("Patient", "_filter=name", value, &["an operator"]);
    refused(
        "Patient",
        "_filter=name co \"a\" x",
        value,
        &["`and`", "before"],
    );
    refused("Patient", "_list=a/b/c", value, &["id of a List"]);
    refused("Patient", "_summary=all", value, &["true, text"]);
    refused("Patient", "_id=a/b", value, &["an id"]);
    refused("Patient", "_count=-1", value, &["whole number"]);
    refused("Patient", "_total=some", value, &["accurate"]);
    refused("Patient", "_elements=name,colour", value, &["`colour`"]);
    refused(
        "Patient",
        "_include=Observation:subject",
        value,
        &["parameter of Patient"],
    );
    refused(
        "Patient",
        "_revinclude=Observation:encounter",
        value,
        &["points to Patient"],
    );
    refused(
        "Patient",
        "_include=Patient:organization:Group",
        value,
        &["Group"],
    );
    refused(
        "Patient",
        "_count=5&_count=6",
        IssueCode::Duplicate,
        &["`_count` stands twice"],
    );
    let many = vec!["a"; 1001].join(",");
    refused(
        "Patient",
        &format!("name={many}"),
        IssueCode::TooLong,
        &["1000"],
    );
    let many = vec!["name=a"; 65].join("&");
    refused("Patient", &many, IssueCode::TooLong, &["64"]);
    assert_eq!(
        r4(of("Patient"), &pairs("a=1&b=2&name=x"))
            .unwrap_err()
            .len(),
        2
    );
}

#[test]
fn the_answer_is_shaped() {
    let query = understood(
        "Observation",
        "_count=5000&_sort=-date,_id&_include=Observation:subject:Patient&_revinclude=Provenance:target&_total=accurate&_elements=status,value&_pretty=true&_summary=false&code=1",
    );
    assert_eq!(
        (query.count, query.total, query.pretty, query.only_count),
        (1000, true, true, false)
    );
    let sort: Vec<_> = query
        .sort
        .iter()
        .map(|s| (s.parameter.code, s.descending))
        .collect();
    assert_eq!(sort, [("date", true), ("_id", false)]);
    assert_eq!(query.elements, ["status", "value"]);
    assert_eq!(query.include[0].target, Some(of("Patient")));
    assert_eq!(query.revinclude[0].source, Some(of("Provenance")));
    assert_eq!(query.told[0], ("_count".into(), "1000".into()));
    assert_eq!(query.told.len(), 9);
    assert!(understood("Patient", "_count=0").only_count);
    assert!(understood("Patient", "_summary=count").only_count);
    assert_eq!(r4(of("Patient"), &[]).unwrap().count, 50);
}

fn entries(resource: &str) -> Vec<Entry> {
    let value = crate::json::parse(resource.as_bytes(), &crate::json::Limits::default()).unwrap();
    extract(of(value.text("resourceType").unwrap()), &value)
}

#[track_caller]
fn met(resource: &str, name: &str, yes: &[&str], no: &[&str]) {
    let entries = entries(resource);
    for search in yes {
        assert!(
            matches(&clause(name, search), &entries),
            "{search} is not met by {entries:#?}"
        );
    }
    for search in no {
        assert!(
            !matches(&clause(name, search), &entries),
            "{search} is met by {entries:#?}"
        );
    }
}

#[test]
fn a_person_is_found_by_name_and_sex() {
    met(
        r#"{"resourceType":"Patient","id":"1","active":true,"gender":"female","birthDate":"1980-05-17",
            "name":[{"family":"Muñoz Ávila","given":["María  José"]}],"telecom":[{"system":"phone","value":"55 1234"}],
            "identifier":[{"system":"urn:curp","value":"MUAM800517","type":{"text":"Clave única"}}]}"#,
        "Patient",
        &[
            "name=muñoz",
            "name=maria jose",
            "family:exact=Muñoz Ávila",
            "family:contains=avila",
            "name=zz,mar",
            "gender=female",
            "gender=http://hl7.org/fhir/administrative-gender|female",
            "gender:not=male",
            "birthdate=1980",
            "birthdate=ge1980-05-17",
            "birthdate=lt1980-05-18",
            "birthdate=ne1981",
            "identifier=urn:curp|MUAM800517",
            "identifier=urn:curp|",
            "identifier=MUAM800517",
            "identifier:text=clave",
            "phone=55 1234",
            "telecom=phone|55 1234",
            "email:missing=true",
            "name:missing=false",
            "deceased=false",
            "active=true",
        ],
        &[
            "name=munoz",
            "name=jose",
            "family:exact=muñoz ávila",
            "gender=male",
            "gender=|female",
            "gender:not=female",
            "birthdate=gt1980-05-17",
            "birthdate=1981",
            "birthdate=sa1980",
            "identifier=|MUAM800517",
            "identifier=urn:x|MUAM800517",
            "identifier=muam800517",
            "email=a",
            "email:missing=false",
            "deceased=true",
        ],
    );
}

#[test]
fn a_measurement_is_found_by_what_when_and_how_much() {
    met(
        r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin"}],"text":"Hb en sangre"},
            "subject":{"reference":"Patient/1/_history/3","identifier":{"system":"urn:curp","value":"X"}},"effectivePeriod":{"start":"2020-03"},
            "valueQuantity":{"value":13.42,"unit":"g/dl","system":"http://unitsofmeasure.org","code":"g/dL"}}"#,
        "Observation",
        &[
            "code=718-7",
            "code=http://loinc.org|718-7",
            "code:text=hb",
            "code:text=hemo",
            "subject=Patient/1",
            "patient=1",
            "subject:identifier=urn:curp|X",
            "date=ge2020",
            "date=gt2030",
            "date=lt2020-04",
            "date=ap2020-06",
            "date=ne2020",
            "value-quantity=13.4",
            "value-quantity=13.42|http://unitsofmeasure.org|g/dL",
            "value-quantity=gt13.4||g/dl",
            "value-quantity=le13.42",
            "value-quantity=ap14",
            "encounter:missing=true",
            "subject:missing=false",
        ],
        &[
            "code=|718-7",
            "code:text=sangre",
            "subject=Patient/2",
            "subject:identifier=urn:x|X",
            "date=2020",
            "date=eb2030",
            "date=sa2020-03",
            "date=lt2020",
            "value-quantity=12",
            "value-quantity=13.40",
            "value-quantity=13.4|http://unitsofmeasure.org|mg/dL",
            "value-quantity=lt13.42",
            "subject:missing=true",
        ],
    );
}

#[test]
fn a_reference_by_identifier_alone_is_not_missing() {
    met(
        r#"{"resourceType":"Observation","subject":{"identifier":{"value":"X"}}}"#,
        "Observation",
        &[
            "subject:missing=false",
            "subject:identifier=X",
            "subject:identifier=|X",
        ],
        &["subject:missing=true", "subject=Patient/X"],
    );
}

proptest! {
    #[test]
    fn no_search_makes_it_panic(
        pairs in proptest::collection::vec((
            "(name|date|code|subject|patient|value-quantity|probability|_sort|_include|_count|.{0,8})(:[a-zA-Z]{0,8})?(\\.[a-z:.]{0,8})?",
            "(ge|ap|eq)?[0-9TZ:.,|\\\\$-]{0,12}|.{0,12}|[A-Za-z]{1,9}(:[a-z*]{1,8}){0,3}",
        ), 0..6)
    ) {
        for name in ["Patient", "Observation", "RiskAssessment"] {
            if let Ok(query) = r4(of(name), &pairs) {
                prop_assert_eq!(query.told.len(), pairs.len());
                let entries = entries(r#"{"resourceType":"Observation","status":"final","effectiveDateTime":"2020"}"#);
                for condition in &query.conditions {
                    if let Condition::Is(clause) = condition {
                        matches(clause, &entries);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_told_is_understood_the_same(value in "[0-9a-zA-Z|,.\\\\ ñÁ-]{1,20}") {
        let pairs = vec![("code".to_owned(), value.clone()), ("value-string".to_owned(), value)];
        if let Ok(query) = r4(of("Observation"), &pairs) {
            let again = r4(of("Observation"), &query.told).unwrap();
            prop_assert_eq!(again.conditions, query.conditions);
        }
    }
}
