//! Rules about a part of the record, as the archive keeps them: at the very next request, in every way to ask.

use super::*;
use crate::word::{Author, Part, Period, Unless};
use crate::{Category, Rule, Who};
use fhir::query;
use store::{Asked, HistoryOf, Labels};

/// An observation of hers, of a year, written by somebody.
fn observation(id: &str, year: i32, cedula: &str) -> String {
    let cedula = format!(
        r#"{{"identifier":{{"system":"{}","value":"{cedula}"}}}}"#,
        mx::systems::CEDULA
    );
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","effectiveDateTime":"{year}-05-03","performer":[{cedula},{{"reference":"Organization/lab"}}],"category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"subject":{{"reference":"Patient/her"}}}}"#
    )
}

/// Her record at IMSS, with three observations more.
fn house() -> Node {
    let node = node_with_her("imss");
    node.load(r#"{"resourceType":"Organization","id":"lab","name":"Laboratorio"}"#);
    node.load(&observation("of-2021", 2021, "111"));
    node.load(&observation("of-2022", 2022, "222"));
    node
}

/// Closed to everyone: what happened in 2022.
fn of_2022(id: &str) -> Rule {
    let moment = |text: &str| text.parse().unwrap();
    Rule {
        id: id.into(),
        what: vec![Category::Laboratory],
        part: Part {
            period: Some(Period {
                from: Some(moment("2022-01-01T00:00:00Z")),
                until: Some(moment("2023-01-01T00:00:00Z")),
            }),
            ..Part::default()
        },
        ..Rule::default()
    }
}

fn say(node: &Node, rules: Vec<Rule>, now: Timestamp) {
    node.say(&herself("imss"), rules, now).unwrap();
}

/// A grant to her record for Dr. Una, who received her.
fn doctor(node: &Node, now: Timestamp) -> Grant {
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    node.decide(treat(actor("imss", Role::Physician)), now)
        .unwrap()
}

/// What a search for observations shows: ids, and the total.
fn found(node: &Node, grant: &Grant) -> (Vec<String>, Option<u64>) {
    let asked = [("_total".into(), "accurate".into())];
    let catalog = fhir::search::Catalog::r4();
    let query = query::parse(&catalog, of("Observation"), &asked, query::Handling::Strict).unwrap();
    let held = node.store().search(&grant.permit, &query, None).unwrap();
    let (page, _) = node.open_answer(grant, held, noon()).unwrap();
    let mut ids: Vec<String> = page.matches.into_iter().map(|one| one.id).collect();
    ids.sort();
    (ids, page.total)
}

/// The versions of observations in all her history.
fn past(node: &Node, grant: &Grant) -> Vec<(String, u64)> {
    let of = HistoryOf::Type(of("Observation"));
    let when = store::When::default();
    let held = node.store().history(&grant.permit, &of, &when, 0, None);
    let (page, _) = node.open_answer(grant, held.unwrap(), noon()).unwrap();
    let mut seen: Vec<(String, u64)> = page
        .matches
        .into_iter()
        .map(|one| (one.id, one.version))
        .collect();
    seen.sort();
    seen
}

#[test]
fn a_year_that_she_closes_is_gone_from_every_answer_at_the_next_request_and_comes_back() {
    let node = house();
    let all = ["o1", "of-2021", "of-2022"].map(String::from).to_vec();
    assert_eq!(found(&node, &doctor(&node, noon())), (all.clone(), Some(3)));
    say(&node, vec![of_2022("mi-2022")], noon());
    let grant = doctor(&node, noon());
    assert_eq!(grant.grounds.rules, ["mi-2022"]);
    // What says no date may be of that year.
    assert_eq!(found(&node, &grant), (vec!["of-2021".into()], Some(1)));
    assert!(node.reads(&grant, "Observation", "of-2022").is_none());
    assert!(node.reads(&grant, "Observation", "of-2021").is_some());
    assert!(node.store().withholds(&grant.permit, Labels(0)).unwrap());
    let held = node.store().everything(&grant.permit, &Asked::default());
    let (page, _) = node.open_answer(&grant, held.unwrap(), noon()).unwrap();
    assert!(page.matches.iter().all(|one| one.id != "of-2022"));
    assert_eq!(page.total, Some(4));
    assert_eq!(past(&node, &grant), [("of-2021".to_owned(), 1)]);
    let held = node
        .store()
        .vread(&grant.permit, of("Observation"), "of-2022", 1);
    let (version, _) = node.open_answer(&grant, held.unwrap(), noon()).unwrap();
    assert!(version.is_none());
    let own = node.decide(her_own(herself("imss"), What::Summary), noon());
    assert_eq!(found(&node, &own.unwrap()).1, Some(3));
    say(&node, vec![], noon());
    assert_eq!(found(&node, &doctor(&node, noon())), (all, Some(3)));
}

#[test]
fn a_resource_that_comes_into_the_part_is_hidden_with_all_its_versions_and_one_that_was_in_it_in_those()
 {
    let node = house();
    say(&node, vec![of_2022("mi-2022")], noon());
    // Corrected: it was of 2022 after all, and the other one was not.
    node.load(&observation("of-2021", 2022, "111"));
    node.load(&observation("of-2022", 2021, "222"));
    let grant = doctor(&node, noon());
    assert_eq!(found(&node, &grant).0, ["of-2022"]);
    assert_eq!(past(&node, &grant), [("of-2022".to_owned(), 2)]);
    // Written while the rule is in force: hidden from the start.
    node.load(&observation("new", 2022, "333"));
    assert_eq!(found(&node, &doctor(&node, noon())).0, ["of-2022"]);
}

#[test]
fn what_was_deleted_stays_as_hidden_as_it_was() {
    let node = house();
    say(&node, vec![of_2022("mi-2022")], noon());
    let request = Request {
        verbs: Verbs::only(Verb::Delete),
        ..import(&node)
    };
    let grant = node.decide(request, noon()).unwrap();
    let changes = ["of-2021", "of-2022"].map(|id| Change::Delete {
        of: of("Observation"),
        id: id.into(),
        if_match: None,
    });
    node.write(&grant, changes.into(), noon()).unwrap();
    let seen = past(&node, &doctor(&node, noon()));
    assert_eq!(seen, [("of-2021".to_owned(), 1), ("of-2021".to_owned(), 2)]);
}

#[test]
fn a_rule_with_a_beginning_and_an_end_holds_from_the_one_up_to_the_other() {
    let node = house();
    let rule = Rule {
        from: Some(at("12:20")),
        until: Some(at("12:40")),
        ..of_2022("por-un-rato")
    };
    say(&node, vec![rule], noon());
    let seen = |now| found(&node, &doctor(&node, now)).1.unwrap();
    assert_eq!(
        [noon(), at("12:20"), at("12:39"), at("12:40")].map(seen),
        [3, 1, 1, 3]
    );
}

#[test]
fn nobody_unless_for_treatment_what_one_professional_wrote() {
    let node = house();
    let part = Part {
        authors: vec![Author::Identifier(mx::systems::CEDULA.into(), "111".into())],
        ..Part::default()
    };
    let unless = Unless {
        who: Who::Role(Role::Physician),
        purposes: vec![Purpose::Treatment],
        part,
        ..Unless::default()
    };
    let rule = Rule {
        id: "solo-lo-suyo".into(),
        unless: vec![unless],
        // Without it, who she is and what could save her life would stay open to care.
        insist: true,
        ..Rule::default()
    };
    say(&node, vec![rule], noon());
    let grant = doctor(&node, noon());
    assert_eq!(found(&node, &grant), (vec!["of-2021".into()], Some(1)));
    // What is nobody's shows with what names it, and only then.
    assert!(node.reads(&grant, "Organization", "lab").is_some());
    assert!(node.reads(&grant, "Condition", "c1").is_none());
    let nurse = node
        .decide(treat(actor("imss", Role::Nurse)), noon())
        .unwrap();
    assert_eq!(found(&node, &nurse), (vec![], Some(0)));
    assert!(node.reads(&nurse, "Patient", "her").is_none());
    assert!(node.reads(&nurse, "Organization", "lab").is_none());
}

#[test]
fn who_asks_about_everyone_is_shown_no_more_of_her() {
    let node = house();
    say(&node, vec![of_2022("mi-2022")], noon());
    let request = Request {
        verbs: Verbs::READING,
        ..import(&node)
    };
    let grant = node.decide(request, noon()).unwrap();
    assert_eq!(found(&node, &grant), (vec!["of-2021".into()], Some(1)));
    let held = node.store().counts(&grant.permit).unwrap();
    let (counts, _) = node.open_answer(&grant, held, noon()).unwrap();
    assert!(counts.contains(&(of("Observation"), 1)), "{counts:?}");
}

#[test]
fn what_is_hidden_by_its_part_cannot_be_written_over_by_who_may_not_see_it() {
    let node = house();
    say(&node, vec![of_2022("mi-2022")], noon());
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let request = Request {
        verbs: Verbs::READING.and(Verb::Update),
        ..treat(actor("imss", Role::Physician))
    };
    let grant = node.decide(request, noon()).unwrap();
    let update = |id: &str| {
        let resource = parse(&observation(id, 2021, "111"));
        let change = Change::Update {
            of: of("Observation"),
            id: id.into(),
            resource,
            if_match: None,
        };
        node.write(&grant, vec![change], noon())
    };
    let refused = update("of-2022").unwrap_err();
    assert!(
        matches!(refused, store::Error::NotPermitted(_)),
        "{refused}"
    );
    update("of-2021").unwrap();
}

#[test]
fn a_decision_on_parts_comes_out_again_after_she_changed_her_word() {
    let node = house();
    say(&node, vec![of_2022("mi-2022")], noon());
    let grant = doctor(&node, noon());
    found(&node, &grant);
    say(&node, vec![], noon());
    let acts = node.all_acts();
    let act = acts.iter().find(|act| act.kind == ActKind::Read).unwrap();
    let operator = actor("imss", Role::Operator);
    let explained = node.explain(&operator, &act.name(), noon()).unwrap();
    assert_eq!(explained.holds(), Some(true), "{explained:#?}");
    assert_eq!(explained.then.rules, ["mi-2022"]);
}

#[test]
fn a_rule_that_begins_later_is_tried_at_each_acts_own_moment() {
    let node = house();
    let rule = Rule {
        from: Some(at("12:20")),
        part: Part::default(),
        ..of_2022("desde-las-doce-y-veinte")
    };
    say(&node, vec![rule], noon());
    for (now, total) in [(noon(), 3), (at("12:30"), 0), (at("12:10"), 3)] {
        assert_eq!(found(&node, &doctor(&node, now)).1, Some(total));
    }
    let operator = actor("imss", Role::Operator);
    let same = (*node.pact()).clone();
    let tried = node.simulate(&operator, same, (u64::MAX, 5), noon());
    assert_eq!(tried.unwrap().changes, []);
}
