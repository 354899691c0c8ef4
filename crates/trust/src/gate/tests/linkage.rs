//! Comparing registers with another member: who is on the list, how often, what is kept of it and who reads of it.

use super::*;
use crate::registry::RegistryDone;
use crate::{Linkage, Met, Mine, Resemblance, Rule, Stage, Who};

fn clerk() -> Actor {
    actor("imss", Role::Clerk)
}

/// A node with her, somebody without a CURP and another, under a pact that lets registers be compared.
fn node_that_may(terms: Linkage) -> Node {
    let node = node_with_her("imss");
    node.load(r#"{"resourceType":"Patient","id":"dos","name":[{"family":"Pérez"}]}"#);
    node.load(&patient("otra", OTHER));
    let next = Pact {
        linkage: Some(terms),
        ..a_pact(2, node.pact().hash())
    };
    node.adopt(&signed(&next), noon()).unwrap();
    node
}

fn compared(node: &Node) -> Vec<Mine> {
    node.people_to_compare(&id("sanatorio"), noon()).unwrap()
}

/// Ids of the registrations of each person.
fn ids(people: &[Mine]) -> Vec<Vec<&str>> {
    let mut ids: Vec<Vec<&str>> = people
        .iter()
        .map(|one| {
            let mut ids: Vec<&str> = one.patients.iter().map(|p| p.text("id").unwrap()).collect();
            ids.sort_unstable();
            ids
        })
        .collect();
    ids.sort();
    ids
}

fn met(people: &[Mine], which: &str, agreed: &[&str]) -> Met {
    let has = |one: &Mine| one.patients.iter().any(|p| p.text("id") == Some(which));
    Met {
        person: people.iter().position(has).unwrap(),
        probability: 0.9714,
        agreed: agreed.iter().map(|part| (*part).to_owned()).collect(),
        handle: [7; 32],
    }
}

fn run(node: &Node, agreed: &[(&str, &[&str])]) -> u64 {
    let (with, people) = (id("sanatorio"), compared(node));
    node.begin_linkage(&with, &people, noon()).unwrap();
    let met: Vec<Met> = agreed
        .iter()
        .map(|(who, parts)| met(&people, who, parts))
        .collect();
    node.end_linkage(&with, &people, &met, noon()).unwrap()
}

fn listed(node: &Node) -> Vec<String> {
    let all = node.resemblances(10).unwrap();
    all.into_iter().map(|one| one.id).collect()
}

fn her_log(node: &Node) -> Vec<String> {
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let acts = node.acts(&log, None, 100, noon()).unwrap();
    let name = |member: &MemberId| member.0.to_uppercase();
    acts.iter()
        .map(|act| act.sentence(Lang::Es, &name))
        .collect()
}

fn says(node: &Node, part: &str) -> bool {
    her_log(node).iter().any(|sentence| sentence.contains(part))
}

const NAMES: [&str; 3] = ["given", "first", "day"];

#[test]
fn without_terms_in_the_pact_nothing_is_compared_and_witnesses_never() {
    let node = node_with_her("imss");
    let refused = node
        .people_to_compare(&id("sanatorio"), noon())
        .unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Pact);
    let node = node_that_may(Linkage::usual());
    for stranger in ["imss", "nadie"] {
        let refused = node.people_to_compare(&id(stranger), noon()).unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Bad, "{stranger}");
    }
}

#[test]
fn one_person_is_one_entry_and_whoever_closed_herself_to_the_other_is_none() {
    let node = node_that_may(Linkage::usual());
    assert_eq!(
        ids(&compared(&node)),
        [vec!["dos"], vec!["her"], vec!["otra"]]
    );
    node.link(
        &clerk(),
        ("her", "dos"),
        crate::registry::Likeness::default(),
        noon(),
    )
    .unwrap();
    assert_eq!(ids(&compared(&node)), [vec!["dos", "her"], vec!["otra"]]);
    let closed_to = |who: Who| Rule {
        id: "r".into(),
        allow: false,
        who,
        ..Rule::default()
    };
    // Closed to somebody else's clerks, she is still compared with these.
    let to_pharmacy = closed_to(Who::Member(id("farmacia")));
    node.say(&herself("imss"), vec![to_pharmacy], noon())
        .unwrap();
    assert_eq!(ids(&compared(&node)).len(), 2);
    let to_them = closed_to(Who::Member(id("sanatorio")));
    node.say(&herself("imss"), vec![to_them], noon()).unwrap();
    assert_eq!(ids(&compared(&node)), [vec!["otra"]]);
}

#[test]
fn runs_are_counted_before_they_begin_and_through_a_restart() {
    let terms = Linkage {
        runs: 2,
        days: 1,
        ..Linkage::usual()
    };
    let mut node = node_that_may(terms);
    let with = id("sanatorio");
    let people = compared(&node);
    node.begin_linkage(&with, &people, at("10:00")).unwrap();
    node.begin_linkage(&with, &people, at("11:00")).unwrap();
    // That of another member has a count of its own.
    node.begin_linkage(&id("farmacia"), &people, at("11:00"))
        .unwrap();
    let refused = node.may_compare(&with, noon()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Pact);
    assert!(refused.en.contains("2 times in 1 days"), "{}", refused.en);
    let before = node.all_acts().len();
    assert!(node.begin_linkage(&with, &people, noon()).is_err());
    assert_eq!(node.all_acts().len(), before);
    let Node { gate, dir } = node;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    node = Node { gate, dir };
    assert!(node.may_compare(&with, noon()).is_err());
    // A day after the first.
    let tomorrow = noon() + jiff::SignedDuration::from_hours(22);
    node.may_compare(&with, tomorrow).unwrap();
}

#[test]
fn two_that_begin_at_once_are_counted_once_each() {
    let terms = Linkage {
        runs: 3,
        ..Linkage::usual()
    };
    let node = node_that_may(terms);
    let people = compared(&node);
    let began = std::thread::scope(|scope| {
        let begin = || {
            node.begin_linkage(&id("sanatorio"), &people, noon())
                .is_ok()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|one| one.join().unwrap())
            .filter(|ok| *ok)
            .count()
    });
    let compared = node.all_acts().into_iter().filter(
        |act| matches!(&act.what, What::Registry(step) if step.done == RegistryDone::Compared),
    );
    assert_eq!(compared.count(), began);
    assert!((1..=3).contains(&began), "{began}");
}

#[test]
fn too_many_people_are_not_compared_in_part() {
    let terms = Linkage {
        people: 2,
        ..Linkage::usual()
    };
    let node = node_that_may(terms);
    let refused = node
        .people_to_compare(&id("sanatorio"), noon())
        .unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Bad);
    assert!(
        refused.en.contains("3 people") && refused.en.contains("2 be compared"),
        "{}",
        refused.en
    );
}

#[test]
fn who_resembles_somebody_waits_on_the_list_and_reads_of_it() {
    let node = node_that_may(Linkage::usual());
    assert_eq!(run(&node, &[("her", &NAMES)]), 1);
    let found = node.resemblances(10).unwrap();
    let expected = Resemblance {
        id: "her".into(),
        with: id("sanatorio"),
        at: noon(),
        per_mille: 971,
        agreed: NAMES.map(str::to_owned).to_vec(),
        stage: Stage::Open {
            they_say_one: false,
        },
    };
    assert_eq!(found, [expected]);
    assert!(says(&node, "IMSS y SANATORIO compararon"));
    assert!(says(&node, "alguien de allá se parece a ti"));

    let with = id("sanatorio");
    let (_, patient) = node
        .look_at_resemblance(&clerk(), ("her", &with), noon())
        .unwrap();
    assert_eq!(patient.unwrap().text("id"), Some("her"));
    assert!(says(
        &node,
        "para saber si uno muy parecido de SANATORIO es también tuyo"
    ));
    // Nothing came together: her record is hers alone.
    node.check_in(&clerk(), SHE, noon()).unwrap();
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap();
    assert!(node.reads(&grant, "Patient", "dos").is_none());

    node.settle_resemblance(&clerk(), ("her", &with), false, noon())
        .unwrap();
    assert!(listed(&node).is_empty());
    assert!(says(&node, "es de otra persona"));
    for act in node.all_acts() {
        if act.kind == ActKind::Registry && act.grounds.question.is_some() {
            let operator = actor("imss", Role::Operator);
            let explained = node.explain(&operator, &act.name(), noon()).unwrap();
            assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        }
    }
}

#[test]
fn only_who_looks_after_the_register_looks_and_decides() {
    let node = node_that_may(Linkage::usual());
    run(&node, &[("her", &NAMES)]);
    let with = id("sanatorio");
    for role in [Role::Physician, Role::Nurse, Role::Pharmacist] {
        let by = actor("imss", role);
        let refused = node
            .look_at_resemblance(&by, ("her", &with), noon())
            .unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Pact, "{role:?}");
        let refused = node
            .settle_resemblance(&by, ("her", &with), true, noon())
            .unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Pact, "{role:?}");
    }
    assert_eq!(listed(&node), ["her"]);
    let other = id("farmacia");
    assert!(
        node.settle_resemblance(&clerk(), ("her", &other), true, noon())
            .is_err()
    );
    assert!(
        node.settle_resemblance(&clerk(), ("otra", &with), true, noon())
            .is_err()
    );
}

#[test]
fn a_later_run_replaces_what_nobody_decided_and_leaves_what_somebody_did() {
    let terms = Linkage {
        runs: 9,
        ..Linkage::usual()
    };
    let node = node_that_may(terms);
    let with = id("sanatorio");
    run(&node, &[("her", &NAMES), ("otra", &NAMES)]);
    assert_eq!(listed(&node), ["her", "otra"]);
    node.settle_resemblance(&clerk(), ("otra", &with), false, noon())
        .unwrap();
    run(&node, &[("otra", &NAMES), ("dos", &NAMES)]);
    assert_eq!(listed(&node), ["dos"]);
    node.settle_resemblance(&clerk(), ("dos", &with), true, noon())
        .unwrap();
    // What both find by one CURP already is no news.
    let again: [(&str, &[&str]); 2] = [("her", &["given", "curp"]), ("dos", &NAMES)];
    assert_eq!(run(&node, &again), 0);
    let left = node.resemblances(10).unwrap();
    assert_eq!((left.len(), left[0].stage), (1, Stage::Said));
}

#[test]
fn whoever_closes_herself_afterwards_is_not_shown_and_whoever_is_erased_is_gone() {
    let node = node_that_may(Linkage::usual());
    run(&node, &[("her", &NAMES)]);
    let closed = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Everyone,
        ..Rule::default()
    };
    node.say(&herself("imss"), vec![closed], noon()).unwrap();
    let with = id("sanatorio");
    let (_, patient) = node
        .look_at_resemblance(&clerk(), ("her", &with), noon())
        .unwrap();
    assert!(patient.is_none());
    let rows = |node: &Node| {
        let mut rows = 0;
        node.each_row(super::super::rows::ALIKE, &mut |_, _| rows += 1)
            .unwrap();
        rows
    };
    assert_eq!(rows(&node), 1);
    let operator = actor("imss", Role::Operator);
    let she = PersonRef::Curp(SHE.into());
    node.erase(&operator, she, "SISI 330031826000002", noon())
        .unwrap();
    assert_eq!(rows(&node), 0);
    assert!(listed(&node).is_empty());
}

#[test]
fn somebody_erased_while_registers_were_compared_is_not_kept() {
    let node = node_that_may(Linkage::usual());
    let (with, people) = (id("sanatorio"), compared(&node));
    node.begin_linkage(&with, &people, noon()).unwrap();
    let met = [met(&people, "her", &NAMES)];
    let operator = actor("imss", Role::Operator);
    let she = PersonRef::Curp(SHE.into());
    node.erase(&operator, she, "SISI 330031826000002", noon())
        .unwrap();
    assert_eq!(node.end_linkage(&with, &people, &met, noon()).unwrap(), 0);
    assert!(listed(&node).is_empty());
}
