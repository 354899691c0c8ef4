//! Parameters loaded at run time: what they find, where they may be used, and which are refused.

use super::*;
use crate::{
    json,
    query::{Condition, Handling, parse},
    search::Indexed,
};

fn read(text: &str) -> Value {
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
}

fn of(name: &str) -> ResourceType {
    ResourceType::from_name(name).unwrap()
}

fn definition(base: &str, code: &str, kind: &str, expression: &str) -> Value {
    read(&format!(
        r#"{{"resourceType":"SearchParameter","url":"urn:{code}","status":"active","code":"{code}","type":"{kind}","base":["{base}"],"expression":"{expression}"}}"#
    ))
}

fn with(base: &str, code: &str, kind: &str, expression: &str) -> Catalog {
    let definition = definition(base, code, kind, expression);
    let loaded = Catalog::r4().with(&definition, LOADED);
    loaded.unwrap_or_else(|issues| panic!("{expression}: {issues:?}"))
}

#[track_caller]
fn finds(catalog: &Catalog, resource: &str, search: &str, wanted: bool) {
    let resource = read(resource);
    let of = of(resource.text("resourceType").unwrap());
    let entries = catalog.extract(of, &resource);
    let (name, value) = search.split_once('=').unwrap();
    let pairs = [(name.to_owned(), value.to_owned())];
    let query = parse(catalog, of, &pairs, Handling::Strict).unwrap();
    let met = query.conditions[0].holds::<()>(&entries, &mut |_| Err(()));
    assert_eq!(met, Ok(wanted), "{search}: {entries:?}");
}

const ANA: &str = r#"{"resourceType":"Patient","birthDate":"1980-05-17","active":true,
    "name":[{"use":"official","family":"Ruiz","given":["Ana","María"]},{"use":"nickname","given":["Nena"]}],
    "managingOrganization":{"reference":"Organization/1"},
    "extension":[{"url":"urn:tribe","valueCode":"maya"},{"url":"urn:height","valueQuantity":{"value":1.6,"system":"http://unitsofmeasure.org","code":"m"}}]}"#;

#[test]
fn a_loaded_parameter_finds_what_its_expression_says() {
    for (kind, expression, yes, no) in [
        (
            "string",
            "Patient.name.where(use='nickname').given",
            "nen",
            "ana",
        ),
        // Beyond the compiled part.
        ("string", "Patient.name.first().given.last()", "mar", "ana"),
        (
            "string",
            "Patient.name.given.first().upper()",
            "ana",
            "nena",
        ),
        (
            "token",
            "Patient.name.exists(family.startsWith('R'))",
            "true",
            "false",
        ),
        (
            "token",
            "Patient.extension.where(url='urn:tribe').value",
            "maya",
            "urn:tribe",
        ),
        (
            "token",
            "Patient.extension('urn:tribe').value as code",
            "maya",
            "x",
        ),
        ("number", "Patient.name.given.count()", "3", "2"),
        ("date", "Patient.birthDate", "1980-05", "1981"),
        (
            "quantity",
            "Patient.extension('urn:height').value",
            "160|http://unitsofmeasure.org|cm",
            "1.6|http://unitsofmeasure.org|cm",
        ),
        (
            "reference",
            "Patient.managingOrganization.where(resolve() is Organization)",
            "Organization/1",
            "Organization/2",
        ),
        (
            "reference",
            "Patient.managingOrganization.select($this).where(resolve() is Organization)",
            "Organization/1",
            "Patient/2",
        ),
        ("uri", "Patient.extension.url", "urn:tribe", "urn:x"),
    ] {
        let catalog = with("Patient", "odd-one", kind, expression);
        finds(&catalog, ANA, &format!("odd-one={yes}"), true);
        finds(&catalog, ANA, &format!("odd-one={no}"), false);
        finds(&catalog, ANA, "odd-one:missing=false", true);
    }
}

#[test]
fn a_loaded_composite_pairs_values_of_one_element() {
    let composite = |base: &str| {
        read(&format!(
            r#"{{"resourceType":"SearchParameter","url":"urn:pair","status":"draft","code":"use-given","type":"composite","base":["Patient"],
            "expression":"{base}","component":[{{"definition":"urn:use","expression":"use"}},
            {{"definition":"http://hl7.org/fhir/SearchParameter/individual-given","expression":"given"}}]}}"#
        ))
    };
    for base in ["Patient.name", "Patient.name.skip(0)"] {
        let using = with("Patient", "use", "token", "Patient.name.use");
        let catalog = using.with(&composite(base), LOADED + 1).unwrap();
        finds(&catalog, ANA, "use-given=nickname$nena", true);
        finds(&catalog, ANA, "use-given=official$maria", true);
        finds(&catalog, ANA, "use-given=nickname$maria", false);
    }
    let unknown = Catalog::r4().with(&composite("Patient.name"), LOADED);
    assert!(unknown.unwrap_err()[0].diagnostics.contains("`urn:use`"));
}

#[test]
fn a_loaded_parameter_may_be_used_wherever_one_of_r4_may() {
    let catalog = with(
        "Patient",
        "tribe",
        "token",
        "Patient.extension('urn:tribe').value",
    );
    let ask = |name: &str, search: &str| {
        let (code, value) = search.split_once('=').unwrap();
        let pairs = [(code.to_owned(), value.to_owned())];
        parse(&catalog, of(name), &pairs, Handling::Strict)
    };
    for (name, search) in [
        ("Patient", "tribe=maya"),
        ("Patient", "tribe:not=maya"),
        ("Patient", "_sort=-tribe"),
        ("Patient", "_filter=tribe eq maya"),
        ("Observation", "patient.tribe=maya"),
        ("Organization", "_has:Patient:organization:tribe=maya"),
    ] {
        assert!(ask(name, search).is_ok(), "{name}?{search}");
    }
    assert!(ask("Group", "tribe=maya").is_err());
    assert!(
        catalog
            .parameters(of("Patient"))
            .is_sorted_by_key(|p| p.code)
    );
    let loaded: Vec<_> = catalog.loaded().collect();
    assert_eq!(loaded, [(LOADED, "urn:tribe", vec![of("Patient")])]);
    let Condition::Is(clause) = &ask("Patient", "tribe=maya").unwrap().conditions[0] else {
        panic!()
    };
    assert_eq!(clause.parameter.number, LOADED);
}

#[test]
fn one_of_the_same_url_takes_the_place_of_the_other() {
    let first = with("Patient", "nick", "string", "Patient.name.family");
    let second = definition(
        "Patient",
        "nick",
        "string",
        "Patient.name.where(use='nickname').given",
    );
    let second = first.with(&second, LOADED).unwrap();
    finds(&first, ANA, "nick=ruiz", true);
    finds(&second, ANA, "nick=ruiz", false);
    finds(&second, ANA, "nick=nena", true);
    assert_eq!(second.loaded().count(), 1);
    assert_eq!(second.without("urn:nick").loaded().count(), 0);
    assert_eq!(second.loaded().count(), 1, "catalogues do not change");
}

#[test]
fn a_union_is_divided_among_its_types() {
    let definition = read(
        r#"{"resourceType":"SearchParameter","url":"urn:born","status":"active","code":"born","type":"date","base":["Patient","Practitioner"],
        "expression":"Patient.birthDate | (Practitioner.birthDate)"}"#,
    );
    let catalog = Catalog::r4().with(&definition, LOADED).unwrap();
    finds(&catalog, ANA, "born=1980", true);
    finds(
        &catalog,
        r#"{"resourceType":"Practitioner","birthDate":"1970"}"#,
        "born=1970",
        true,
    );
    let everywhere = with("Resource", "lang", "token", "Resource.language");
    let resource = read(r#"{"resourceType":"Basic","language":"es"}"#);
    let found = everywhere.extract(of("Basic"), &resource);
    assert!(
        found
            .iter()
            .any(|entry| matches!(&entry.value, Indexed::Token { code, .. } if code == "es"))
    );
}

#[test]
fn what_cannot_be_loaded_is_told_why() {
    let said = |definition: &Value| -> String {
        let issues = Catalog::r4().with(definition, LOADED).unwrap_err();
        let told = issues
            .iter()
            .map(|i| format!("{}: {}", i.expression, i.diagnostics));
        told.collect::<Vec<_>>().join("\n")
    };
    for (base, code, kind, expression, wanted) in [
        (
            "Patient",
            "gender",
            "token",
            "Patient.gender",
            "has a search parameter `gender` already",
        ),
        (
            "Patient",
            "_x",
            "token",
            "Patient.gender",
            "SearchParameter.code",
        ),
        (
            "Patient",
            "a b",
            "token",
            "Patient.gender",
            "SearchParameter.code",
        ),
        ("Patient", "x", "tocken", "Patient.gender", "no kind"),
        (
            "Pacient",
            "x",
            "token",
            "Patient.gender",
            "`Pacient` is no type",
        ),
        ("Patient", "x", "token", "", "SearchParameter.expression"),
        ("Patient", "x", "token", "Patient.where(", "cannot be run"),
        ("Patient", "x", "token", "Patient.colour.first()", "colour"),
        (
            "Patient",
            "x",
            "composite",
            "Patient.name",
            "2 to 8 components",
        ),
    ] {
        let said = said(&definition(base, code, kind, expression));
        assert!(said.contains(wanted), "{code} {expression}: {said}");
    }
    assert!(said(&read(r#"{"resourceType":"Patient"}"#)).contains("no SearchParameter"));
    let fine = definition("Patient", "x", "token", "Patient.gender");
    for number in [0, LOADED - 1, 0x8000] {
        assert!(Catalog::r4().with(&fine, number).is_err(), "{number}");
    }
}
