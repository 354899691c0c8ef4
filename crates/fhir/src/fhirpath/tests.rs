//! Stories of what the official suite does not ask, and that nothing panics or runs away. For minutes of it:
//! `PROPTEST_CASES=1000000 cargo test -p fhir --lib fhirpath::tests::no_`.

use super::*;
use crate::{Value, json};
use proptest::prelude::*;
use std::cell::RefCell;

const ANA: &str = r##"{
  "resourceType": "Patient", "id": "ana",
  "contained": [{"resourceType": "Organization", "id": "imss", "name": "IMSS"}],
  "name": [
    {"use": "official", "family": "López", "given": ["Ana", "María"]},
    {"use": "nickname", "given": [null], "_given": [{"extension": [{"url": "http://x", "valueCode": "masked"}]}]}
  ],
  "birthDate": "1980-02-29", "deceasedBoolean": false, "multipleBirthInteger": 2,
  "managingOrganization": {"reference": "#imss"},
  "generalPractitioner": [{"reference": "Practitioner/luz"}],
  "extension": [{"url": "http://y", "valueQuantity": {"value": 70.50, "system": "http://unitsofmeasure.org", "code": "kg"}}]
}"##;

fn ana() -> Value {
    json::parse(ANA.as_bytes(), &json::Limits::default()).unwrap()
}

/// What an expression finds on Ana, as texts.
fn found(text: &str) -> Result<Vec<String>, PathError> {
    let ana = ana();
    let context = Context::new(&ana).now("2026-01-15T10:20:30.5Z".parse().unwrap());
    let expression = Expression::parse(text)?;
    let found = expression.evaluate(Item::resource(&ana), &context)?;
    Ok(found
        .iter()
        .map(|item| item.text().map_or("?".into(), |t| t.into_owned()))
        .collect())
}

#[track_caller]
fn gives(text: &str, wanted: &[&str]) {
    match found(text) {
        Ok(found) => assert_eq!(found, wanted, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

#[track_caller]
fn fails(text: &str, fault: Fault, said: &str) {
    let error = found(text).expect_err(text);
    assert_eq!(error.fault, fault, "{text}: {error}");
    assert!(error.to_string().contains(said), "{text}: {error}");
}

#[test]
fn a_choice_is_found_by_its_stem_and_keeps_its_type() {
    gives("multipleBirth", &["2"]);
    gives("multipleBirth is integer", &["true"]);
    gives("multipleBirthInteger", &[]);
    gives("deceased.type().name", &["boolean"]);
    gives("extension('http://y').value > 70 'kg'", &["true"]);
    gives("extension('http://y').value = 70500 'g'", &["true"]);
    gives("extension('http://y').value.value", &["70.50"]);
}

#[test]
fn a_primitive_may_have_nothing_but_extensions() {
    gives("name.given.count()", &["3"]);
    gives("name.given.where(hasValue())", &["Ana", "María"]);
    gives("name[1].given.extension('http://x').value", &["masked"]);
    gives("name[1].given = 'x'", &["false"]);
    gives("name[1].given & 'x'", &["x"]);
}

#[test]
fn a_variable_is_seen_after_its_definition_and_nowhere_else() {
    gives(
        "defineVariable('n', name.first()).select(%n.family)",
        &["López"],
    );
    fails(
        "name.select(defineVariable('f', family).given.first() & %f)",
        Fault::Semantic,
        "no variable `%f`",
    );
    gives(
        "name.where(family.exists()).defineVariable('f', family).given.select($this & ' ' & %f)",
        &["Ana López", "María López"],
    );
    fails(
        "defineVariable('a', 1) | %a",
        Fault::Semantic,
        "no variable `%a`",
    );
    fails(
        "defineVariable('ucum', 1)",
        Fault::Semantic,
        "defined already",
    );
    fails("%nobody", Fault::Semantic, "no variable");
}

#[test]
fn references_lead_into_the_resource_and_to_where_the_context_looks() {
    gives("managingOrganization.resolve().name", &["IMSS"]);
    gives("generalPractitioner.resolve()", &[]);
    let ana = ana();
    let luz = |reference: &str| {
        let of = (reference == "Practitioner/luz").then_some("Practitioner")?;
        Some(crate::obj! { "resourceType" => of, "id" => "luz" })
    };
    let context = Context::new(&ana).resolve(&luz);
    let expression = Expression::parse("generalPractitioner.resolve() is Practitioner").unwrap();
    assert!(expression.holds(Item::resource(&ana), &context).unwrap());
    assert!(expression.holds(Item::resource(&ana), &context).unwrap());
}

#[test]
fn what_only_the_world_knows_is_asked_of_it_or_said_to_be_missing() {
    fails(
        "name.use.memberOf('http://vs')",
        Fault::Execution,
        "must be a single item",
    );
    fails(
        "name[0].use.memberOf('http://vs')",
        Fault::Execution,
        "no terminology",
    );
    let ana = ana();
    let traced = RefCell::new(Vec::new());
    let member =
        |item: &Item<'_>, set: &str| Some(set == "http://vs" && item.text()? == "official");
    let hears =
        |name: &str, items: &[Item<'_>]| traced.borrow_mut().push((name.to_owned(), items.len()));
    let context = Context::new(&ana).member_of(&member).trace(&hears);
    let text = "name[0].trace('names', given).use.memberOf('http://vs')";
    let expression = Expression::parse(text).unwrap();
    assert!(expression.holds(Item::resource(&ana), &context).unwrap());
    assert_eq!(*traced.borrow(), [("names".to_owned(), 2)]);
    let now = Expression::parse("now()").unwrap();
    let error = now.evaluate(Item::resource(&ana), &context).unwrap_err();
    assert!(error.to_string().contains("no time was given"), "{error}");
}

#[test]
fn a_quantity_that_is_not_known_exactly_cannot_be_compared_but_is_no_error() {
    let text = r#"{"resourceType": "Observation", "valueQuantity": {"value": 5, "comparator": "<", "system": "http://unitsofmeasure.org", "code": "mg"}}"#;
    let less = json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
    let context = Context::new(&less);
    for question in ["value > 3 'mg'", "value + 1 'mg'"] {
        let expression = Expression::parse(question).unwrap();
        let found = expression
            .evaluate(Item::resource(&less), &context)
            .unwrap();
        assert!(found.is_empty(), "{question}");
    }
}

#[test]
fn dates_move_by_the_calendar() {
    gives("birthDate + 1 year", &["1981-02-28"]);
    gives("birthDate + 4 years", &["1984-02-29"]);
    gives("@2024-01-31 + 1 month", &["2024-02-29"]);
    gives("@2024-01 - 13 months", &["2022-12"]);
    gives("@2024 + 800 days", &["2026"]);
    gives("@T23:30 + 45 minutes", &["00:15"]);
    gives(
        "@2024-02-28T23:30:00Z + 3600 seconds",
        &["2024-02-29T00:30:00Z"],
    );
    gives("@9999-12-31 + 1 day", &[]);
    gives("today() - 46 years < birthDate", &["true"]);
    gives("@2014-02.highBoundary()", &["2014-02-28"]);
    gives("@2014.lowBoundary(17)", &[]);
    gives("@2014T.lowBoundary(17)", &["2014-01-01T00:00:00.000+14:00"]);
    gives("@T10.highBoundary()", &["10:59:59.999"]);
}

#[test]
fn numbers_are_exact_and_what_does_not_fit_is_nothing() {
    gives("0.1 + 0.2 = 0.3", &["true"]);
    gives("1.10.toString()", &["1.10"]);
    gives("9223372036854775807 + 1", &[]);
    gives("12345678901234567890.5 * 2", &["24691357802469135781.0"]);
    gives(
        "99999999999999999999999999999999999999 * 99999999999999999999999999999999999999",
        &[],
    );
    gives("7 'mg' / 2", &["3.5 'mg'"]);
    gives("1 week + 1 day", &["8 days"]);
    gives("1 year + 1 month", &["13 months"]);
    gives("1 'cm' + 1 's'", &[]);
    gives("1 year = 12 months", &["true"]);
    gives("1 year = 365 days", &[]);
    gives("1 'a' ~ 1 year", &["true"]);
}

#[test]
fn patterns_are_as_large_as_r4_needs_and_cost_steps() {
    // eld-19, the largest of R4.
    let eld_19 = r#"'Patient.name'.matches('[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*')"#;
    gives(eld_19, &["true"]);
    gives("'a1'.matches('a' & '[0-9]')", &["true"]);
    gives("'FHIR'.matches('^f', 'i')", &["true"]);
    let worked_out =
        "%resource.descendants()".to_owned() + &".select(%resource.descendants())".repeat(2);
    fails(
        &(worked_out + ".where('a'.matches('a' & 'b'))"),
        Fault::Limit,
        "steps",
    );
}

#[test]
fn an_expression_read_once_serves_all_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let expression = Expression::parse("name.given.matches('^A').first()").unwrap();
    shared(&expression);
    let ana = ana();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let context = Context::new(&ana);
                let wrong = expression.evaluate(Item::resource(&ana), &context);
                assert!(wrong.is_err(), "three names, one wanted");
            });
        }
    });
}

#[test]
fn what_is_the_same_on_every_turn_is_worked_out_once() {
    let contained = r#"{"resourceType": "Organization", "id": "o"}"#;
    let text = format!(
        r##"{{"resourceType": "Patient", "contained": [{}], "managingOrganization": {{"reference": "#o"}}}}"##,
        vec![contained; 2_000].join(",")
    );
    let patient = json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
    let context = Context::new(&patient);
    let holds = |text: &str| {
        let expression = Expression::parse(text).unwrap();
        expression.holds(Item::resource(&patient), &context)
    };
    // 2,000 contained times 6,000 elements would be twelve million steps.
    let referred =
        "contained.where(('#' + id in (%resource.descendants().reference | 'x')).not()).empty()";
    assert_eq!(holds(referred), Ok(true));
    // Here `$this` is that of the loop outside: nothing may be kept.
    assert_eq!(
        holds("(1 | 2).select(%resource.where(id.empty()).select($this).count())"),
        Ok(true)
    );
    gives(
        "('a' | 'b').select(%resource.name.first().given.first() & $this)",
        &["Anaa", "Anab"],
    );
    gives(
        "(1 | 2).select(%resource.name.take($this).count())",
        &["1", "2"],
    );
    gives(
        "(0 | 1).select(%resource.name[$this].use)",
        &["official", "nickname"],
    );
    gives(
        "(0 | 1).select(%resource.name[$index].use)",
        &["official", "nickname"],
    );
}

#[test]
fn an_invariant_may_take_as_for_a_filter() {
    let text = "descendants().as(string) contains 'López'";
    fails(text, Fault::Execution, "must be a single item");
    let ana = ana();
    let expression = Expression::parse(text).unwrap();
    let plain = Context::new(&ana);
    assert_eq!(expression.holds(Item::resource(&ana), &plain), Ok(true));
    let filters = Context::new(&ana).as_filters();
    let found = expression.evaluate(Item::resource(&ana), &filters).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn errors_say_what_and_where() {
    fails("name.where(", Fault::Syntax, "at the end of the expression");
    fails(
        "name.nofunction()",
        Fault::Semantic,
        "at character 6 of the expression: `nofunction()`",
    );
    fails("name.first(1)", Fault::Semantic, "takes 0 arguments");
    fails("'abc", Fault::Syntax, "closing '");
    fails("name + 1", Fault::Execution, "there are 2");
    fails(
        "name[0] + 1",
        Fault::Execution,
        "FHIR.HumanName and System.Integer",
    );
    fails(
        "true > 1",
        Fault::Execution,
        "System.Boolean and System.Integer have no order",
    );
    fails(
        "'a'.matches('(')",
        Fault::Execution,
        "no regular expression",
    );
    fails("1 +/ 2", Fault::Syntax, "at character 4");
    fails("@2024-13-01", Fault::Syntax, "no date");
}

#[test]
fn misspelt_elements_are_told_from_the_definitions() {
    let check = |text: &str, of: &str| Expression::parse(text).unwrap().check(of);
    for fine in [
        "name.given.first()",
        "Patient.contact.where(name.exists() or telecom.exists())",
        "(deceased as boolean) or deceased.ofType(dateTime).exists()",
        "contained.name",
        "extension.value.coding.code",
        "%resource.whatever",
        "generalPractitioner.resolve().whatever",
        "descendants().whatever",
    ] {
        assert_eq!(check(fine, "Patient"), Ok(()), "{fine}");
    }
    for (wrong, said) in [
        ("name.givn", "no element `givn` in HumanName"),
        ("name.where(givn = 'a')", "no element `givn` in HumanName"),
        ("contact.nam", "no element `nam` in Patient.contact"),
        ("deceasedBoolean", "no element `deceasedBoolean`"),
        ("Observation.value", "no element `Observation`"),
        ("children().first()", "asks for an order"),
    ] {
        let error = check(wrong, "Patient").unwrap_err().to_string();
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn depth_steps_items_and_texts_are_bounded() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for deep in [
        nested("(", "1", ")", 10_000),
        nested("select(", "1", ")", 5_000),
        nested("name.where(name.where(1 = ", "1", "))", 2_000),
        nested("-", "1", "", 10_000),
        nested("", "1", ".defineVariable('a')", 1_000),
        nested("a[", "0", "]", 10_000),
        nested("", "1", " is Integer", 5_000),
    ] {
        fails(&deep, Fault::Limit, "nested deeper");
    }
    gives(&nested("(", "1", ")", 60), &["1"]);
    gives(&nested("select(", "1", ")", 60), &["1"]);
    gives(&nested("iif(true, ", "1", ")", 60), &["1"]);
    gives(&format!("1{}", " + 1".repeat(5_000)), &["5001"]);
    gives(&format!("true{}", ".not()".repeat(5_000)), &["true"]);
    fails(&" ".repeat(70_000), Fault::Limit, "70000 bytes");
    let doubled = ".select($this | $this + $this + 1)".repeat(40);
    fails(&format!("(1 | 2 | 3){doubled}"), Fault::Limit, "steps");
    fails(
        &format!(
            "(1 | 2).select(1{})",
            ".select($this.combine($this))".repeat(30)
        ),
        Fault::Limit,
        "steps",
    );
    let text = format!("'aaaaaaaaaa'{}", ".select($this & $this)".repeat(20));
    fails(&text, Fault::Limit, "1000000 bytes");
    fails("'aaaaaaaaaa'.repeat($this & $this)", Fault::Limit, "bytes");
    let grown = format!(
        "'aaaaaaaaaaaaaaaa'{}",
        ".select(replace('a', $this))".repeat(6)
    );
    fails(&grown, Fault::Limit, "bytes");
    fails(
        "'a'.matches('(((a{1000}){1000}){1000})')",
        Fault::Execution,
        "regular expression",
    );
}

/// Texts that are nearly expressions.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            "1",
            "-2",
            "0",
            "2.50",
            "'a'",
            "'1'",
            "''",
            "true",
            "{}",
            "$this",
            "$index",
            "$total",
            "name",
            "Patient",
            "birthDate",
            "name.given",
            "deceased",
            "%resource",
            "%ucum",
            "@2024",
            "@2024-02-29",
            "@2024-02-29T10:00:00.5+14:00",
            "@T10:30",
            "4 days",
            "1 'mg'",
            "2 'km'",
            "1 month",
            "now()",
            "extension.value",
            "99999999999999999999999999999999999999",
            "9223372036854775807",
            "0.0000000000000000000000000000000000001",
            "-9223372036854775807",
            "10000000 years",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let function = proptest::sample::select(tree::Function::NAMES.to_vec());
        let operator = proptest::sample::select(vec![
            "+", "-", "*", "/", "div", "mod", "&", "|", "=", "~", "!=", "!~", "<", "<=", ">", ">=",
            "and", "or", "xor", "implies", "in", "contains",
        ]);
        let named = proptest::sample::select(vec![
            "Quantity",
            "FHIR.string",
            "System.Any",
            "Integer",
            "code",
        ]);
        prop_oneof![
            (
                inner.clone(),
                function,
                proptest::collection::vec(inner.clone(), 0..3)
            )
                .prop_map(|(on, function, arguments)| format!(
                    "({on}).{function}({})",
                    arguments.join(", ")
                )),
            (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), named.clone()).prop_map(|(a, t)| format!("(({a}) as {t})")),
            (inner, named).prop_map(|(a, t)| format!("({a}).ofType({t})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_expression_panics(text in expression()) {
        if let Ok(parsed) = Expression::parse(&text) {
            let ana = ana();
            let limits = Limits { steps: 20_000, items: 1_000, text: 10_000 };
            let now = "2026-01-15T10:20:30.5Z".parse().unwrap();
            let context = Context::new(&ana).now(now).limits(limits);
            let _ = parsed.check("Patient");
            if let Ok(found) = parsed.evaluate(Item::resource(&ana), &context) {
                prop_assert!(found.len() <= limits.items);
                for item in found {
                    let _ = (item.text(), item.type_name());
                }
            }
        }
    }
    #[test]
    fn no_text_panics(text in "[a-z0-9 .,()\\[\\]{}'`@$%|+*/<>=~!&:TZé-]{0,40}") {
        let _ = Expression::parse(&text);
    }
    #[test]
    fn an_item_equals_itself_and_its_kind_of_order_is_whole(a in expression(), b in expression()) {
        let compare = |operator: &str| found(&format!("({a}).first() {operator} ({b}).first()"));
        if let (Ok(less), Ok(more)) = (compare("<"), compare(">=")) {
            let turned = |t: &String| if t == "true" { "false".to_owned() } else { "true".to_owned() };
            prop_assert_eq!(less.iter().map(turned).collect::<Vec<_>>(), more);
        }
        if let (Ok(same), Ok(other)) = (compare("~"), compare("!~")) {
            prop_assert_ne!(same, other);
        }
    }
}
