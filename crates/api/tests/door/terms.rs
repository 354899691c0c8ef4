//! On what terms she lets something be seen: the headers that say it, and the refusal when it is used up.

use crate::house::{House, SHE, noon};
use jiff::SignedDuration;
use trust::{Frequency, Per, Role, Rule, Terms, Who};

#[tokio::test]
async fn an_answer_says_by_when_it_is_erased_and_when_more_is_open_again() {
    let house = House::new();
    house.check_in(SHE);
    let hers = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&hers), noon()).unwrap();
    let erase_at = noon() + SignedDuration::from_hours(48);
    let closed = Rule {
        id: "nadie".into(),
        what: vec![trust::Category::Laboratory],
        ..Rule::default()
    };
    let open = |terms| Rule {
        id: "medicos".into(),
        allow: true,
        who: Who::Role(Role::Physician),
        terms,
        ..closed.clone()
    };
    let until = Terms {
        frequency: None,
        erase_at: Some(erase_at),
    };
    let rules = vec![closed.clone(), open(until)];
    house.gate.say(&she, rules, noon()).unwrap();
    let doctor = house.token(Role::Physician);
    for round in 0..2 {
        for line in [
            "GET /fhir/Observation/o1",
            "GET /fhir/Observation?patient=her",
            "GET /fhir/Patient/her/$everything",
        ] {
            let answer = house.call(line, &doctor, "").await.is(200);
            assert_eq!(
                answer.header("erase-by"),
                erase_at.to_string(),
                "{line} {round}"
            );
            assert!(!answer.headers.contains_key("open-again"), "{line}");
        }
    }
    // Who reads her own, and who is shown nothing by that rule, is told nothing.
    let nurse = house.token(Role::Nurse);
    for (line, token) in [
        ("GET /fhir/Observation/o1", &hers),
        ("GET /fhir/Observation?patient=her", &nurse),
        ("GET /fhir/Patient/her", &nurse),
    ] {
        let answer = house.call(line, token, "").await;
        assert!(!answer.headers.contains_key("erase-by"), "{line}");
    }

    // Once a day, and another of the institution has used it.
    let once = Terms {
        frequency: Some(Frequency {
            times: 1,
            per: Per::Day,
        }),
        erase_at: None,
    };
    house
        .gate
        .say(&she, vec![closed.clone(), open(once)], noon())
        .unwrap();
    let first = house
        .call("GET /fhir/Observation?patient=her", &doctor, "")
        .await;
    assert!(first.ids().contains(&"o1".to_owned()));
    let colleague = house.token_with(Role::Physician, trust::LicenceState::Active, "");
    let later = house
        .call("GET /fhir/Observation?patient=her", &colleague, "")
        .await
        .is(200);
    assert!(!later.ids().contains(&"o1".to_owned()));
    let again = noon() + SignedDuration::from_hours(24);
    assert_eq!(later.header("open-again"), again.to_string());
    assert!(!later.headers.contains_key("erase-by"));
}
