//! Conditions on several resources, told in a line; what resources and their parts meet; searches over several types.

use super::*;
use crate::search::words;

/// A condition in a line: `subject>Patient(name)`, `<Observation.patient(code)`, `!a`, `(a & b)`, `(a | b)`.
fn told(condition: &Condition) -> String {
    let joined = |parts: &[Condition], sign: &str| {
        let parts: Vec<String> = parts.iter().map(told).collect();
        format!("({})", parts.join(sign))
    };
    match condition {
        Condition::Is(clause) => {
            let modifier = match clause.modifier {
                Modifier::None => String::new(),
                other => format!(":{other:?}"),
            };
            let values = clause.values.iter().map(|wanted| match wanted {
                Wanted::Text(text) | Wanted::Reference(text) | Wanted::Uri(text) => text.clone(),
                Wanted::Token { code, .. } => code.clone().unwrap_or_default(),
                Wanted::Id(id) => id.clone(),
                Wanted::Words(words) => words.join("+"),
                Wanted::Date { prefix, .. } => format!("{prefix:?}"),
                other => format!("{other:?}"),
            });
            let values: Vec<String> = values.collect();
            format!("{}{modifier}={}", clause.parameter.code, values.join(","))
        }
        Condition::Refers { parameter, targets } => {
            let targets = targets.iter();
            let targets: Vec<String> = targets
                .map(|(of, there)| format!("{of}({})", told(there)))
                .collect();
            format!("{}>{}", parameter.code, targets.join("/"))
        }
        Condition::Referred {
            source,
            parameter,
            condition,
        } => format!("<{source}.{}({})", parameter.code, told(condition)),
        Condition::Listed(id) => format!("list {id}"),
        Condition::All(parts) => joined(parts, " & "),
        Condition::Any(parts) => joined(parts, " | "),
        Condition::Not(part) => format!("!{}", told(part)),
    }
}

#[test]
fn chains_lists_filters_and_words_are_trees() {
    for (name, search, wanted) in [
        (
            "Observation",
            "patient.organization.name=imss",
            "patient>Patient(organization>Organization(name=imss))",
        ),
        (
            "Observation",
            "subject.identifier=1",
            "subject>Device(identifier=1)/Group(identifier=1)/Location(identifier=1)/Patient(identifier=1)",
        ),
        (
            "Observation",
            "subject.name:exact=Ana",
            "subject>Location(name:Exact=Ana)/Patient(name:Exact=Ana)",
        ),
        (
            "Observation",
            "subject:Patient.general-practitioner:Organization.name=x",
            "subject>Patient(general-practitioner>Organization(name=x))",
        ),
        (
            "Patient",
            "_has:Observation:patient:code=718-7",
            "<Observation.patient(code=718-7)",
        ),
        (
            "Patient",
            "_has:Observation:patient:_has:AuditEvent:entity:agent=Practitioner/p",
            "<Observation.patient(<AuditEvent.entity(agent=Practitioner/p))",
        ),
        (
            "Patient",
            "_has:Observation:patient:performer:Organization.name=x",
            "<Observation.patient(performer>Organization(name=x))",
        ),
        (
            "Encounter",
            "patient._has:Observation:subject:code=1",
            "patient>Patient(<Observation.subject(code=1))",
        ),
        ("Patient", "_list=42", "list 42"),
        ("Patient", "_list=List/42", "list 42"),
        (
            "Patient",
            r#"_filter=given eq "Peter" and birthdate ge 2014-10-10"#,
            "(given:Whole=peter & birthdate=Ge)",
        ),
        (
            "Observation",
            r#"_filter=patient.name co "Pét" or not (status eq final or code pr false)"#,
            "(patient>Patient(name:Contains=pet) | !(status=final | code:Missing(true)=))",
        ),
        (
            "Observation",
            "_filter=subject:Patient[gender eq male and active eq true].family ew ez",
            "subject>Patient((gender=male & active=true & family:Ends=ez))",
        ),
        (
            "Patient",
            "_filter=gender ne male",
            "(gender:Missing(false)= & !gender=male)",
        ),
        (
            "Encounter",
            "_filter=date po 2024-05 and patient re Patient/1",
            "(date=Ap & patient=Patient/1)",
        ),
        (
            "Condition",
            "_text=(bone OR liver) and metastases",
            "(_text=metastases & (_text=bone | _text=liver))",
        ),
        (
            "Condition",
            "_text=bone,liver",
            "(_text=bone | _text=liver)",
        ),
        (
            "Condition",
            "_content=not \"Ñandú de\" tos",
            "(_content=tos & !_content=ñandu de)",
        ),
        (
            "Location",
            "organization:below=Organization/1",
            "organization:Below=Organization/1",
        ),
        ("Patient", "_id:not=1,2", "_id:Not=1,2"),
    ] {
        assert_eq!(told(&condition(name, search)), wanted, "{search}");
    }
}

#[test]
fn what_names_too_much_is_refused() {
    let deep = format!(
        "{}name=x",
        "part-of.".repeat(9).replace("part-of", "partof")
    );
    refused("Organization", &deep, IssueCode::TooLong, &["more than 8"]);
    refused(
        "Observation",
        "focus.focus.focus.focus.focus._id=1",
        IssueCode::TooLong,
        &["too many types", "say which"],
    );
    let long = format!("{}=x", "a".repeat(1_001));
    refused("Patient", &long, IssueCode::TooLong, &["too long a name"]);
    let long = format!("name={}", "a".repeat(100_001));
    refused("Patient", &long, IssueCode::TooLong, &["value of `name`"]);
    let many = vec!["_pretty=true"; 257].join("&");
    refused("Patient", &many, IssueCode::TooLong, &["256"]);
}

#[test]
fn a_filter_says_what_it_cannot_ask() {
    let unsupported = IssueCode::NotSupported;
    for (filter, said) in [
        ("code in http://x", "terminology"),
        ("code sb 1", "terminology"),
        ("code gt 1", "eq, ne, pr"),
        ("status co fin", "eq, ne, pr"),
        ("date co 2020", "po"),
        ("name eq x", "no search parameter `name`"),
        ("code.name eq x", "token parameter"),
        ("_text eq x", "co"),
    ] {
        refused(
            "Observation",
            &format!("_filter={filter}"),
            unsupported,
            &[said],
        );
    }
    for (filter, said) in [
        ("date eq yesterday", "a date"),
        ("date pr maybe", "true or false"),
        ("code:text co x", "no modifier"),
    ] {
        refused(
            "Observation",
            &format!("_filter={filter}"),
            IssueCode::Value,
            &[said],
        );
    }
}

#[test]
fn lenient_handling_leaves_out_what_is_unknown_and_tells() {
    let of = of("Patient");
    let search =
        pairs("foto=1&name:below=x&gender=male&_sort=colour&_include:recurse=Patient:link");
    let query = parse(&Catalog::r4(), of, &search, Handling::Lenient).unwrap();
    assert_eq!(query.conditions.len(), 1);
    assert_eq!(query.told, [("gender".to_owned(), "male".to_owned())]);
    assert_eq!(query.dropped.len(), 4);
    let bad = parse(
        &Catalog::r4(),
        of,
        &pairs("birthdate=x&foto=1"),
        Handling::Lenient,
    );
    assert_eq!(bad.unwrap_err().len(), 1, "a bad value is never left out");
}

#[test]
fn a_search_over_types_takes_what_they_share() {
    let all = |search: &str| parse_system(&Catalog::r4(), &pairs(search), Handling::Strict);
    let some = all("_type=Patient,Practitioner&name=ana&_sort=-_lastUpdated&_count=3&_include=Patient:organization").unwrap();
    let types: Vec<&str> = some.iter().map(|query| query.of.name()).collect();
    assert_eq!(types, ["Patient", "Practitioner"]);
    for query in &some {
        assert_eq!(
            (query.conditions.len(), query.sort.len(), query.count),
            (1, 1, 3)
        );
        assert_eq!(query.told.len(), 5);
        assert_eq!(query.include.len(), 1);
    }
    assert_eq!(all("_lastUpdated=gt2020").unwrap().len(), 146);
    let said = |search: &str| all(search).unwrap_err().remove(0).diagnostics;
    assert!(said("_type=Patient,Observation&gender=male").contains("Observation has no"));
    assert!(said("name=x").contains("has no search parameter `name`"));
    assert!(said("_type=Pateint").contains("`Pateint` is none"));
}

#[test]
fn includes_may_be_wild_and_repeated() {
    let query = understood(
        "Patient",
        "_include=*&_include=Patient:*&_include:iterate=Organization:partof&_revinclude=*&_revinclude=Observation:*&_revinclude:iterate=Provenance:target:Observation",
    );
    let told = |include: &Include| {
        let name = |of: Option<ResourceType>| of.map_or("*", ResourceType::name);
        let parameter = include.parameter.map_or("*", |parameter| parameter.code);
        let again = if include.iterate { " again" } else { "" };
        format!(
            "{}:{parameter}:{}{again}",
            name(include.source),
            name(include.target)
        )
    };
    let forward: Vec<String> = query.include.iter().map(told).collect();
    assert_eq!(
        forward,
        ["*:*:*", "Patient:*:*", "Organization:partof:* again"]
    );
    let back: Vec<String> = query.revinclude.iter().map(told).collect();
    assert_eq!(
        back,
        [
            "*:*:*",
            "Observation:*:*",
            "Provenance:target:Observation again"
        ]
    );
    let sorts = understood(
        "Patient",
        "_sort=family,-given,organization,deceased&_summary=data",
    );
    assert_eq!((sorts.sort.len(), sorts.summary), (4, Summary::Data));
}

#[test]
fn compartments_are_conditions() {
    let within = |name: &str, compartment_of: &str| {
        compartment(of(name), of(compartment_of), "1").map(|condition| told(&condition))
    };
    assert_eq!(
        within("Observation", "Patient").as_deref(),
        Some("(subject=Patient/1 | performer=Patient/1)")
    );
    assert_eq!(
        within("Patient", "Patient").as_deref(),
        Some("(_id=1 | link=Patient/1)")
    );
    assert_eq!(within("Encounter", "Encounter").as_deref(), Some("_id=1"));
    assert_eq!(
        within("Procedure", "Encounter").as_deref(),
        Some("encounter=Encounter/1")
    );
    assert_eq!(within("Organization", "Patient"), Option::None);
    assert_eq!(within("Observation", "Organization"), Option::None);
}

#[test]
fn amounts_are_found_in_every_unit_of_their_kind() {
    met(
        r#"{"resourceType":"Observation","valueQuantity":{"value":5000,"unit":"miligramos","system":"http://unitsofmeasure.org","code":"mg"}}"#,
        "Observation",
        &[
            "value-quantity=5|http://unitsofmeasure.org|g",
            "value-quantity=5000|http://unitsofmeasure.org|mg",
            "value-quantity=5.0e6|http://unitsofmeasure.org|ug",
            "value-quantity=ge5|http://unitsofmeasure.org|g",
            "value-quantity=lt0.006|http://unitsofmeasure.org|kg",
            "value-quantity=5000",
            "value-quantity=5000||mg",
            "value-quantity=5000||miligramos",
        ],
        &[
            "value-quantity=5",
            "value-quantity=5||g",
            "value-quantity=6|http://unitsofmeasure.org|g",
            "value-quantity=5|http://unitsofmeasure.org|L",
            "value-quantity=gt5|http://unitsofmeasure.org|g",
            "value-quantity=5|http://other|g",
        ],
    );
    met(
        r#"{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<","unit":"mg"}}"#,
        "Observation",
        &[
            "value-quantity=lt5",
            "value-quantity=le5",
            "value-quantity=5||mg",
        ],
        &["value-quantity=ge5", "value-quantity=gt5"],
    );
    met(
        r#"{"resourceType":"Observation","valueSampledData":{"origin":{"value":10,"unit":"mV"},"period":10,"factor":2,"lowerLimit":-3,"dimensions":1,"data":"E 1 5 L 2"}}"#,
        "Observation",
        &["value-quantity=20||mV", "value-quantity=4"],
        &["value-quantity=10", "value-quantity=gt20"],
    );
}

#[test]
fn a_composite_asks_for_values_of_the_same_part() {
    met(
        r#"{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"component":[
            {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":120,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
            {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":80,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"#,
        "Observation",
        &[
            "component-code-value-quantity=http://loinc.org|8480-6$120",
            "component-code-value-quantity=8462-4$lt90",
            "component-code-value-quantity=8480-6$16|http://unitsofmeasure.org|kPa",
            "combo-code-value-quantity=8480-6$gt110",
            "code-value-quantity:missing=true",
        ],
        &[
            "component-code-value-quantity=8480-6$80",
            "component-code-value-quantity=8462-4$gt90",
            "component-code-value-quantity=85354-9$120",
            "code-value-quantity=85354-9$120",
        ],
    );
}

#[test]
fn identifiers_urls_and_places_are_found() {
    met(
        r#"{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"urn:t","code":"MR"}]},"system":"urn:h","value":"446053"},{"system":"urn:h","value":"7"}]}"#,
        "Patient",
        &[
            "identifier:of-type=urn:t|MR|446053",
            "identifier:of-type=|MR|446053",
        ],
        &[
            "identifier:of-type=urn:t|MR|7",
            "identifier:of-type=urn:t|DL|446053",
        ],
    );
    met(
        r#"{"resourceType":"ValueSet","url":"http://acme.org/fhir/ValueSet/123"}"#,
        "ValueSet",
        &[
            "url:below=http://acme.org/fhir/",
            "url:below=http://acme.org/fhir",
            "url:below=http://acme.org/fhir/ValueSet/123",
            "url:above=http://acme.org/fhir/ValueSet/123/_history/5",
        ],
        &[
            "url:below=http://acme.org/fh",
            "url:above=http://acme.org/fhir",
            "url=http://acme.org/fhir",
        ],
    );
    met(
        r#"{"resourceType":"Location","position":{"latitude":19.4326,"longitude":-99.1332}}"#,
        "Location",
        &[
            "near=19.43|-99.13",
            "near=19.43|-99.13|1|km",
            "near=20.67|-103.35|470|km",
        ],
        &[
            "near=19.43|-99.13|100|m",
            "near=20.67|-103.35|450|km",
            "near=19.43|99.13|9000",
        ],
    );
}

#[test]
fn words_are_found_whole() {
    let resource = r#"{"resourceType":"Condition","text":{"status":"generated","div":"<div>Metástasis en el <b>hígado</b></div>"},"note":[{"text":"Dolor óseo"}]}"#;
    let value = crate::json::parse(resource.as_bytes(), &crate::json::Limits::default()).unwrap();
    let entries = words(of("Condition"), &value);
    for (search, wanted) in [
        ("_text=metastasis", true),
        ("_text=higado metastasis", true),
        ("_text=\"el hígado\"", true),
        ("_text=\"metastasis hígado\"", false),
        ("_text=meta", false),
        ("_text=dolor", false),
        ("_content=dolor higado", true),
        ("_content=(hueso or oseo) not fractura", true),
        ("_content=not oseo", false),
    ] {
        let met = condition("Condition", search).holds::<()>(&entries, &mut |_| Err(()));
        assert_eq!(met, Ok(wanted), "{search}");
    }
}
