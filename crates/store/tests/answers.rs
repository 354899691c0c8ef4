//! Answers: pages, includes, histories, and what the permit hides from each.
#![allow(clippy::unwrap_used)]

mod common;
use common::{places::Place, *};
use fhir::query::{self, Query};
use std::sync::Arc;
use store::*;

fn observation(id: &str, person: &str, date: &str, label: Option<u8>) -> String {
    let tag = label.map_or(String::new(), |label| {
        format!(r#"{{"system":"label","code":"{label}"}}"#)
    });
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","meta":{{"tag":[{tag}]}},"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"subject":{{"reference":"Patient/{person}"}},"performer":[{{"reference":"Organization/lab"}}],"effectiveDateTime":"{date}"}}"#
    )
}

fn patient(id: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{id}"}}]}}"#)
}

const LAB: &str = r#"{"resourceType":"Organization","id":"lab","name":"Laboratorio"}"#;

/// Ana has three observations, the middle one under category 1; Bea has one.
fn house(place: &Place) -> House {
    let house = place.open();
    house.put(&[
        LAB,
        &patient("ana"),
        &patient("bea"),
        &observation("o1", "ana", "2024-01-01", None),
        &observation("o2", "ana", "2024-02-01", Some(1)),
        &observation("o3", "ana", "2024-03-01", None),
        &observation("b1", "bea", "2024-02-15", None),
    ]);
    house
}

fn ask(kind: &str, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    query::parse(
        &fhir::search::Catalog::r4(),
        of(kind),
        &pairs,
        query::Handling::Strict,
    )
    .unwrap()
}

fn ids(versions: &[Version]) -> Vec<&str> {
    versions.iter().map(|version| version.id.as_str()).collect()
}

fn search(
    house: &House,
    permit: &Permit,
    kind: &str,
    text: &str,
    page: Option<&PageToken>,
) -> Page {
    let held = house.store.search(permit, &ask(kind, text), page).unwrap();
    house.open(permit, held)
}

#[test]
fn a_closed_category_vanishes_from_totals_pages_and_counts_too() {
    for place in Place::all() {
        let house = house(&place);
        let open = house.person("ana", 0);
        let closed = house.person("ana", 2);
        let all = search(
            &house,
            &open,
            "Observation",
            "code=718-7&_total=accurate",
            None,
        );
        assert_eq!(
            (ids(&all.matches), all.total),
            (vec!["o3", "o2", "o1"], Some(3))
        );
        let page = search(
            &house,
            &closed,
            "Observation",
            "code=718-7&_total=accurate&_count=2",
            None,
        );
        assert_eq!(
            (ids(&page.matches), page.total),
            (vec!["o3", "o1"], Some(2))
        );
        assert!(page.next.is_none());
        let count = search(&house, &closed, "Observation", "_summary=count", None);
        assert_eq!((count.matches.len(), count.total), (0, Some(2)));
        let many = house.permit(Scope::People(Arc::new(|_| Labels(2).into())));
        let count = search(&house, &many, "Observation", "_summary=count", None);
        assert_eq!(count.total, Some(3));
        let held = house.store.counts(&closed).unwrap();
        assert_eq!(
            house.open(&closed, held),
            [(of("Observation"), 2), (of("Patient"), 1)]
        );
        assert!(house.store.withholds(&closed, Labels(0)).unwrap());
        assert!(
            !house
                .store
                .withholds(&house.person("ana", 4), Labels(0))
                .unwrap()
        );
    }
}

#[test]
fn hidden_resources_are_not_included_and_lead_nowhere() {
    for place in Place::all() {
        let house = house(&place);
        house.put(&[&observation("o4", "ana", "2024-04-01", None).replace(
        r#""subject""#,
        r#""hasMember":[{"reference":"Observation/o2"},{"reference":"Observation/o1"}],"subject""#,
    )]);
        let closed = house.person("ana", 2);
        let question = "_id=o4&_include=Observation:has-member&_include=Observation:performer";
        let page = search(&house, &closed, "Observation", question, None);
        assert_eq!(ids(&page.included), ["o1", "lab"]);
        let page = search(
            &house,
            &house.person("ana", 0),
            "Observation",
            question,
            None,
        );
        assert_eq!(ids(&page.included), ["o1", "o2", "lab"]);
        let back = search(
            &house,
            &closed,
            "Patient",
            "_id=ana&_revinclude=Observation:subject",
            None,
        );
        assert_eq!(ids(&back.included), ["o4", "o3", "o1"]);
        let all = search(
            &house,
            &house.all(),
            "Observation",
            "subject:Patient.family=ana&_count=9",
            None,
        );
        assert_eq!(ids(&all.matches), ["o4", "o3", "o2", "o1"]);
    }
}

#[test]
fn what_is_hidden_now_is_hidden_in_all_its_versions() {
    for place in Place::all() {
        let house = house(&place);
        house.put(&[&observation("o1", "ana", "2024-01-02", Some(1))]);
        let closed = house.person("ana", 2);
        let history = |permit: &Permit, of: HistoryOf| {
            let held = house
                .store
                .history(permit, &of, &When::default(), 0, None)
                .unwrap();
            let page = house.open(permit, held);
            let name = |v: &Version| format!("{}.{}", v.id, v.version);
            page.matches.iter().map(name).collect::<Vec<_>>()
        };
        let one = || HistoryOf::Instance(of("Observation"), "o1".into());
        assert_eq!(history(&house.all(), one()), ["o1.2", "o1.1"]);
        assert!(history(&closed, one()).is_empty());
        assert_eq!(
            history(&closed, HistoryOf::Type(of("Observation"))),
            ["o3.1"]
        );
        assert_eq!(
            history(&closed, HistoryOf::System),
            ["o3.1", "ana.1", "lab.1"]
        );
        let held = house
            .store
            .vread(&closed, of("Observation"), "o1", 1)
            .unwrap();
        assert!(house.open(&closed, held).is_none());
        // Opened again, its first version, which never had the category, shows as well.
        house.put(&[&observation("o1", "ana", "2024-01-03", None)]);
        assert_eq!(history(&closed, one()), ["o1.3", "o1.1"]);
    }
}

#[test]
fn a_history_has_pages_and_deletions_and_a_since() {
    for place in Place::all() {
        let house = house(&place);
        house.delete("Observation/o3");
        let permit = house.all();
        let mut seen = Vec::new();
        let mut next = None;
        loop {
            let kind = HistoryOf::Type(of("Observation"));
            let held = house
                .store
                .history(&permit, &kind, &When::default(), 2, next.as_ref())
                .unwrap();
            let page = house.open(&permit, held);
            seen.extend(page.matches.iter().map(|v| (v.id.clone(), v.deleted)));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let expected = [
            ("o3", true),
            ("b1", false),
            ("o3", false),
            ("o2", false),
            ("o1", false),
        ];
        assert_eq!(seen, expected.map(|(id, gone)| (id.to_owned(), gone)));
        let held = house
            .store
            .history(
                &permit,
                &HistoryOf::System,
                &When {
                    since: Some(at(9)),
                    at: None,
                },
                0,
                None,
            )
            .unwrap();
        assert!(house.open(&permit, held).matches.is_empty());
    }
}

#[test]
fn later_pages_leave_out_what_changed_since_the_first() {
    for place in Place::all() {
        let house = house(&place);
        let permit = house.all();
        let text = "code=718-7&_count=2&_total=accurate";
        let first = search(&house, &permit, "Observation", text, None);
        assert_eq!(
            (ids(&first.matches), first.total),
            (vec!["o3", "b1"], Some(4))
        );
        house.put(&[
            &observation("new", "ana", "2023-01-01", None),
            &observation("o2", "ana", "2023-06-01", None),
        ]);
        let second = search(&house, &permit, "Observation", text, first.next.as_ref());
        assert_eq!((ids(&second.matches), second.total), (vec!["o1"], Some(4)));
        assert!(second.next.is_none());
    }
}

#[test]
fn a_page_link_is_good_for_its_question_and_scope_only() {
    for place in Place::all() {
        let house = house(&place);
        let permit = house.all();
        let first = search(&house, &permit, "Observation", "_count=1", None);
        let next = first.next.unwrap();
        let with = |permit: &Permit, text: &str, token: &str| {
            let token = token.to_owned();
            house
                .store
                .search(permit, &ask("Observation", text), Some(&token))
                .err()
        };
        assert!(with(&permit, "_count=1", &next).is_none());
        let bad = |error: Option<Error>| matches!(error, Some(Error::BadPage));
        assert!(bad(with(&permit, "_count=1&status=final", &next)));
        assert!(bad(with(&house.person("ana", 0), "_count=1", &next)));
        let other = if &next[4..5] == "_" { "-" } else { "_" };
        let changed = next.replace(&next[4..5], other);
        assert!(bad(with(&permit, "_count=1", &changed)));
        assert!(bad(with(&permit, "_count=1", "")));
    }
}

#[test]
fn everything_is_the_patient_first_with_the_shared_resources_named() {
    for place in Place::all() {
        let house = house(&place);
        let permit = house.person("ana", 2);
        let mut asked = Asked {
            count: 2,
            ..Asked::default()
        };
        let held = house.store.everything(&permit, &asked).unwrap();
        assert_eq!(held.seen().len(), 3);
        let first = house.open(&permit, held);
        assert_eq!(
            (ids(&first.matches), ids(&first.included)),
            (vec!["ana", "o3"], vec!["lab"])
        );
        asked.page = first.next;
        let held = house.store.everything(&permit, &asked).unwrap();
        let second = house.open(&permit, held);
        assert_eq!((ids(&second.matches), second.next), (vec!["o1"], None));
        let only = Asked {
            types: vec![of("Observation")],
            ..Asked::default()
        };
        let held = house.store.everything(&permit, &only).unwrap();
        assert_eq!(ids(&house.open(&permit, held).matches), ["o3", "o1"]);
        assert!(house.store.everything(&house.all(), &only).is_err());
    }
}

#[test]
fn a_permit_for_some_types_and_verbs_opens_no_others() {
    for place in Place::all() {
        let house = house(&place);
        let permit = house.seal.permit(Terms {
            id: [5; 16],
            scope: Scope::People(Arc::new(|_| Labels(0).into())),
            verbs: Verbs::only(Verb::Search),
            types: Some(vec![of("Observation")]),
            residual: None,
        });
        assert!(house.store.read(&permit, of("Observation"), "o1").is_err());
        assert!(
            house
                .store
                .search(&permit, &ask("Patient", ""), None)
                .is_err()
        );
        let page = search(
            &house,
            &permit,
            "Observation",
            "_id=o1&_include=Observation:subject",
            None,
        );
        assert_eq!((ids(&page.matches), page.included.len()), (vec!["o1"], 0));
        let held = house.store.counts(&permit).unwrap();
        assert_eq!(house.open(&permit, held), [(of("Observation"), 4)]);
    }
}

#[test]
fn a_conditional_create_sees_what_the_same_call_made() {
    for place in Place::all() {
        let house = house(&place);
        let create = |id: &str| Change::Create {
            of: of("Patient"),
            id: id.into(),
            resource: read(&patient(id).replace(
                r#""name""#,
                r#""identifier":[{"system":"curp","value":"X"}],"name""#,
            )),
            if_none_exist: Some(ask("Patient", "identifier=curp|X")),
        };
        let done = house.change(vec![create("n1"), create("n2")]).unwrap();
        assert_eq!(
            (done.written[0].created, done.written[1].created),
            (true, false)
        );
        assert_eq!(done.written[1].version.id, "n1");
        let ambiguous = Change::Create {
            of: of("Observation"),
            id: "n".into(),
            resource: read(&observation("n", "ana", "2024", None)),
            if_none_exist: Some(ask("Observation", "code=718-7")),
        };
        assert!(matches!(
            house.change(vec![ambiguous]),
            Err(Error::Ambiguous(_))
        ));
    }
}

#[test]
fn sorts_order_as_asked_with_the_undated_last() {
    for place in Place::all() {
        let house = place.open();
        house.put(&[
            &observation("new", "ana", "2024-05-01", None),
            &observation("old", "ana", "2020-05-01", None),
            &observation("mid", "ana", "2022-05-01", None),
            &observation("none", "ana", "2022", None).replace(r#","effectiveDateTime":"2022""#, ""),
        ]);
        house.put(&[&observation("old", "ana", "2020-05-02", None)]);
        let order = |text: &str| {
            let page = search(&house, &house.all(), "Observation", text, None);
            ids(&page.matches).join(" ")
        };
        assert_eq!(order("_sort=date"), "old mid new none");
        assert_eq!(order("_sort=-date,_id"), "new mid old none");
        assert_eq!(order("_sort=_id"), "mid new none old");
        assert_eq!(order("_sort=-_id"), "old none new mid");
        assert_eq!(order("_sort=_lastUpdated"), "new mid none old");
        assert_eq!(order("_sort=-_lastUpdated"), "old none mid new");
        assert_eq!(
            order("_sort=-_lastUpdated&status=final"),
            "old none mid new"
        );
    }
}

#[test]
fn among_many_every_way_of_looking_finds_the_same() {
    for place in Place::all() {
        let house = place.open();
        let texts: Vec<String> = (0..2500)
            .map(|n| {
                let date = format!("20{:02}-{:02}-{:02}", n % 20, 1 + n % 12, 1 + n % 28);
                let label = (n % 5 == 0).then_some(1);
                observation(&format!("o{n}"), &format!("p{}", n % 3), &date, label)
                    .replace("718-7", if n % 2 == 0 { "718-7" } else { "2339-0" })
            })
            .collect();
        house.put(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let permit = house.permit(Scope::People(Arc::new(|_| Labels(2).into())));
        // In pages of any order, without and with a total: another plan each, one set of answers.
        for question in ["date=ge2003", "code=718-7", "code=718-7&date=2004-05"] {
            let mut answers = Vec::new();
            for way in [
                "",
                "&_total=accurate",
                "&_sort=date",
                "&_sort=-_lastUpdated",
                "&_sort=_lastUpdated",
            ] {
                let text = format!("{question}{way}&_count=400");
                let mut found = Vec::new();
                let mut next = None;
                loop {
                    let page = search(&house, &permit, "Observation", &text, next.as_ref());
                    found.extend(page.matches.into_iter().map(|version| version.id));
                    next = page.next;
                    if next.is_none() {
                        break;
                    }
                }
                found.sort_unstable();
                answers.push(found);
            }
            assert!(!answers[0].is_empty() && answers[0].iter().all(|id| !id.ends_with('5')));
            assert!(
                answers.iter().all(|found| *found == answers[0]),
                "{question}"
            );
        }
    }
}

#[test]
fn what_is_part_of_a_place_is_found_below_it_and_not_through_what_is_hidden() {
    for place in Place::all() {
        let house = place.open();
        let at = |id: &str, part_of: &str, label: Option<u8>| {
            let tag = label.map_or(String::new(), |label| {
                format!(r#"{{"system":"label","code":"{label}"}}"#)
            });
            let part_of = match part_of {
                "" => String::new(),
                part_of => format!(r#","partOf":{{"reference":"Location/{part_of}"}}"#),
            };
            format!(
                r#"{{"resourceType":"Location","id":"{id}","meta":{{"tag":[{tag}]}},"name":"{id}"{part_of}}}"#
            )
        };
        let visit = |id: &str, place: &str| {
            format!(
                r#"{{"resourceType":"Encounter","id":"{id}","status":"finished","class":{{"code":"AMB"}},"subject":{{"reference":"Patient/ana"}},"location":[{{"location":{{"reference":"Location/{place}"}}}}]}}"#
            )
        };
        house.put(&[
            &patient("ana"),
            &at("house", "", None),
            &at("wing", "house", None),
            &at("ward", "wing", Some(1)),
            &at("bed", "ward", None),
            &visit("e1", "house"),
            &visit("e2", "ward"),
            &visit("e3", "bed"),
        ]);
        let (all, hiding) = (
            house.all(),
            house.permit(Scope::People(Arc::new(|_| Labels(2).into()))),
        );
        let found = |permit: &Permit, kind: &str, text: &str| {
            let page = search(&house, permit, kind, text, None);
            let mut ids: Vec<String> = page.matches.into_iter().map(|one| one.id).collect();
            ids.sort_unstable();
            ids
        };
        for (kind, text, open, closed) in [
            (
                "Encounter",
                "location:below=Location/house",
                "e1 e2 e3",
                "e1",
            ),
            ("Encounter", "location:below=Location/bed", "e3", "e3"),
            (
                "Encounter",
                "location:above=Location/bed",
                "e1 e2 e3",
                "e2 e3",
            ),
            (
                "Location",
                "partof:below=Location/house",
                "bed ward wing",
                "wing",
            ),
            (
                "Location",
                "partof:above=Location/wing",
                "ward wing",
                "wing",
            ),
            (
                "Patient",
                "_has:Encounter:patient:location:below=Location/wing",
                "ana",
                "",
            ),
        ] {
            assert_eq!(found(&all, kind, text).join(" "), open, "{text}");
            assert_eq!(
                found(&hiding, kind, text).join(" "),
                closed,
                "{text} hidden"
            );
        }
    }
}

#[test]
fn versions_of_a_questionnaire_are_found_by_rows_and_cards() {
    for place in Place::all() {
        let house = place.open();
        let answer = |id: &str, version: &str| {
            format!(
                r#"{{"resourceType":"QuestionnaireResponse","id":"{id}","status":"completed","questionnaire":"http://x/q{version}"}}"#
            )
        };
        house.put(&[
            &answer("none", ""),
            &answer("one", "|1"),
            &answer("two", "|1.2"),
            &answer("ten", "|10"),
        ]);
        let permit = house.all();
        for (text, ids) in [
            ("questionnaire=http://x/q", "none one ten two"),
            ("questionnaire:below=http://x/q", "none one ten two"),
            ("questionnaire:below=http://x/q|1", "one two"),
            ("questionnaire:above=http://x/q|1.2", "one two"),
            ("questionnaire:above=http://x/q|1", "one"),
        ] {
            let page = search(&house, &permit, "QuestionnaireResponse", text, None);
            let mut found = self::ids(&page.matches);
            found.sort_unstable();
            assert_eq!(found.join(" "), ids, "{text}");
        }
    }
}
