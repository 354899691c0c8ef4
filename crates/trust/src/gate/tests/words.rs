//! The person's word: what it closes, how it travels, how it is previewed.

use super::*;
use crate::{Rule, SignedWord, Who, Word, word};

fn rule(id: &str, allow: bool, who: Who, what: &[Category]) -> Rule {
    Rule {
        id: id.into(),
        allow,
        who,
        what: what.to_vec(),
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    }
}

fn closed_to_pharmacies() -> Vec<Rule> {
    let who = Who::Kind(MemberKind::Pharmacy);
    vec![rule("sin-diagnosticos", false, who, &[Category::Diagnoses])]
}

/// A word as a member would sign it.
fn word(version: u64, rules: Vec<Rule>, author: &str, seed: u8) -> SignedWord {
    let word = Word {
        person: Tag::of_curp(&SECRET, SHE),
        version,
        rules,
        wishes: Vec::new(),
        represented_by: Vec::new(),
        born: None,
        said: noon(),
        author: id(author),
    };
    SignedWord::sign(word, &key(author, seed))
}

/// The pharmacy's doctor asks IMSS, with a check-in.
fn from_the_pharmacy(word: Option<SignedWord>) -> Request {
    let pharmacy = node("farmacia");
    let check_in = pharmacy
        .check_in(&actor("farmacia", Role::Clerk), SHE, noon())
        .unwrap();
    Request {
        via: Some(id("farmacia")),
        evidence: vec![check_in],
        word,
        ..treat(actor("farmacia", Role::Physician))
    }
}

#[test]
fn what_she_closes_is_gone_at_once_and_comes_back_when_she_opens_it() {
    let node = node_with_her("imss");
    let sees = || {
        let grant = node.decide(from_the_pharmacy(None), noon()).unwrap();
        (node.sees(&grant), grant.grounds)
    };
    assert_eq!(sees().0.len(), 4);
    node.say(&herself("imss"), closed_to_pharmacies(), noon())
        .unwrap();
    let (seen, grounds) = sees();
    assert_eq!(seen, ["Patient", "MedicationRequest", "Observation"]);
    assert_eq!(
        (grounds.word, grounds.rules.as_slice()),
        (1, ["sin-diagnosticos".to_owned()].as_slice())
    );
    node.say(&herself("imss"), vec![], noon()).unwrap();
    assert_eq!((sees().0.len(), sees().1.word), (4, 2));
}

#[test]
fn a_closed_category_vanishes_from_totals_too() {
    let node = node_with_her("imss");
    let total = || {
        let grant = node.decide(from_the_pharmacy(None), noon()).unwrap();
        let query = fhir::query::parse(
            &fhir::search::Catalog::r4(),
            of("Condition"),
            &[("_total".into(), "accurate".into())],
            fhir::query::Handling::Strict,
        )
        .unwrap();
        let held = node.store().search(&grant.permit, &query, None).unwrap();
        let (page, _) = node.open_answer(&grant, held, noon()).unwrap();
        (page.total, page.matches.len())
    };
    assert_eq!(total(), (Some(1), 1));
    node.say(&herself("imss"), closed_to_pharmacies(), noon())
        .unwrap();
    assert_eq!(total(), (Some(0), 0));
}

#[test]
fn a_rule_for_everyone_binds_the_house_itself_when_it_reads_not_when_it_writes() {
    let node = node_with_her("imss");
    let rules = vec![rule("nadie", false, Who::Everyone, &[Category::Laboratory])];
    node.say(&herself("imss"), rules, noon()).unwrap();
    let ask = |person: PersonRef, verbs: Verbs| {
        let request = Request {
            person,
            verbs,
            ..import(&node)
        };
        node.decide(request, noon()).unwrap()
    };
    let everyone = ask(PersonRef::Everyone, Verbs::READING);
    assert_eq!(
        node.sees(&everyone),
        ["Patient", "Condition", "MedicationRequest"]
    );
    let her = ask(PersonRef::Curp(SHE.into()), Verbs::READING);
    assert_eq!(
        node.sees(&her),
        ["Patient", "Condition", "MedicationRequest"]
    );
    assert_eq!(
        ask(PersonRef::Curp(SHE.into()), Verbs::only(Verb::Update))
            .grounds
            .hidden,
        0
    );
    let own = node
        .decide(her_own(herself("imss"), What::Summary), noon())
        .unwrap();
    assert_eq!(node.sees(&own).len(), 4);
}

#[test]
fn who_closes_everything_is_not_even_found() {
    let node = node_with_her("imss");
    let rules = vec![rule("todo", false, Who::Role(Role::Clerk), &[])];
    node.say(&herself("imss"), rules, noon()).unwrap();
    for person in [PersonRef::Everyone, PersonRef::Curp(SHE.into())] {
        let request = Request {
            what: What::Find,
            person,
            ..treat(actor("imss", Role::Clerk))
        };
        let grant = node.decide(request, noon()).unwrap();
        assert_eq!(node.sees(&grant), [] as [&str; 0]);
    }
}

#[test]
fn a_rule_ends_at_its_moment_though_the_decision_was_remembered() {
    let node = node_with_her("imss");
    let rules = vec![Rule {
        until: Some(at("12:10")),
        ..closed_to_pharmacies().remove(0)
    }];
    node.say(&herself("imss"), rules, noon()).unwrap();
    let hidden = |time| {
        node.decide(from_the_pharmacy(None), time)
            .unwrap()
            .grounds
            .hidden
    };
    assert_eq!(hidden(at("12:09")), Category::Diagnoses.bit().0);
    assert_eq!(hidden(at("12:10")), 0);
}

#[test]
fn a_newer_word_that_comes_with_a_request_is_heard_before_the_decision() {
    let node = node_with_her("imss");
    let newer = word(5, closed_to_pharmacies(), "sanatorio", 3);
    let grant = node
        .decide(from_the_pharmacy(Some(newer.clone())), noon())
        .unwrap();
    assert_eq!(grant.grounds.word, 5);
    assert_eq!(node.word(node.tag_of_her()), Some(newer));
    // An older one that comes later changes nothing, even signed.
    let older = word(4, vec![], "sanatorio", 3);
    let grant = node.decide(from_the_pharmacy(Some(older)), noon()).unwrap();
    assert_eq!((grant.grounds.word, grant.grounds.hidden), (5, 1));
}

#[test]
fn a_newer_word_that_is_not_signed_by_its_author_is_forged() {
    let node = node_with_her("imss");
    let check = |word: SignedWord| {
        let refusal = refused(&node, from_the_pharmacy(Some(word)));
        assert_eq!(refusal.kind, RefusalKind::Forged);
    };
    check(SignedWord {
        signature: String::new(),
        ..word(1, vec![], "imss", 1)
    });
    check(word(1, vec![], "imss", 2));
    check(word(1, vec![], "nadie", 4));
    check(word(1_000_000, vec![], "farmacia", 2));
    let mut elses = word(1, vec![], "farmacia", 2);
    elses.word.person = Tag::of_curp(&SECRET, OTHER);
    check(SignedWord::sign(elses.word, &key("farmacia", 2)));
    assert_eq!(node.word(node.tag_of_her()), None);
}

#[test]
fn two_words_of_one_version_end_the_same_whichever_came_first() {
    let one = word(3, closed_to_pharmacies(), "imss", 1);
    let two = word(3, vec![], "sanatorio", 3);
    let after = |words: [&SignedWord; 2]| {
        let node = node("farmacia");
        for word in words {
            node.hear(word, &id("imss"), noon()).unwrap();
        }
        assert!(!node.hear(words[1], &id("imss"), noon()).unwrap() || words[0] == words[1]);
        node.word(node.tag_of_her()).unwrap()
    };
    assert_eq!(after([&one, &two]), after([&two, &one]));
}

#[test]
fn a_word_outlives_the_gate_and_the_next_one_counts_on() {
    let Node { gate, dir } = node("imss");
    gate.hear(&word(7, vec![], "farmacia", 2), &id("farmacia"), noon())
        .unwrap();
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    let next = gate
        .say(&herself("imss"), closed_to_pharmacies(), noon())
        .unwrap();
    assert_eq!(
        (next.word.version, next.word.author.0.as_str()),
        (8, "imss")
    );
    assert!(next.verify(&gate.pact()).is_ok());
}

#[test]
fn only_the_person_herself_says_her_word_and_only_at_her_own_node() {
    let node = node("imss");
    assert!(
        node.say(&actor("imss", Role::Physician), vec![], noon())
            .is_err()
    );
    assert!(node.say(&herself("farmacia"), vec![], noon()).is_err());
    let twice = vec![
        closed_to_pharmacies().remove(0),
        closed_to_pharmacies().remove(0),
    ];
    assert_eq!(
        node.say(&herself("imss"), twice, noon()).unwrap_err().kind,
        RefusalKind::Bad
    );
}

#[test]
fn a_preview_shows_what_would_be_open_beside_what_is() {
    let node = node_with_her("imss");
    let preview = |who: Who, rules: &[Rule]| {
        let shown = node.preview(&herself("imss"), &who, rules, noon()).unwrap();
        let of = shown
            .into_iter()
            .find(|p| p.category == Category::Diagnoses)
            .unwrap();
        (of.open, of.open_today, of.rule)
    };
    let rules = closed_to_pharmacies();
    let closed = (false, true, Some("sin-diagnosticos".to_owned()));
    assert_eq!(preview(Who::Kind(MemberKind::Pharmacy), &rules), closed);
    assert_eq!(preview(Who::Member(id("farmacia")), &rules), closed);
    assert_eq!(
        preview(Who::Member(id("sanatorio")), &rules),
        (true, true, None)
    );
    assert_eq!(
        preview(Who::Role(Role::Pharmacist), &rules),
        (false, false, None)
    );
    node.say(&herself("imss"), rules, noon()).unwrap();
    assert_eq!(
        preview(Who::Member(id("farmacia")), &[]),
        (true, false, None)
    );
}

#[test]
fn a_hint_is_given_only_where_every_rule_that_closes_allows_it() {
    let node = node_with_her("imss");
    let mut rules = closed_to_pharmacies();
    rules[0].hint = true;
    node.say(&herself("imss"), rules.clone(), noon()).unwrap();
    assert!(node.decide(from_the_pharmacy(None), noon()).unwrap().hint);
    rules.push(rule(
        "y-laboratorio",
        false,
        Who::Everyone,
        &[Category::Laboratory],
    ));
    node.say(&herself("imss"), rules, noon()).unwrap();
    assert!(!node.decide(from_the_pharmacy(None), noon()).unwrap().hint);
}

#[test]
fn each_change_has_a_receipt_that_says_what_changed_and_can_be_checked_without_us() {
    let node = node_with_her("imss");
    let she = herself("imss");
    node.say(&she, closed_to_pharmacies(), noon()).unwrap();
    let more = rule("nada-de-vih", false, Who::Everyone, &[Category::Hiv]);
    node.say(&she, vec![more], at("12:30")).unwrap();
    node.say(&she, vec![], at("12:40")).unwrap();
    let said = node.words_said(&she).unwrap();
    assert_eq!(said, [(3, at("12:40")), (2, at("12:30")), (1, noon())]);
    let receipt = |version| -> serde_json::Value {
        let text = node.receipt_of_word(&she, version, Lang::Es).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let first = receipt(1);
    assert_eq!(first["@type"], "dpv:ConsentReceipt");
    assert_eq!(
        first["dct:conformsTo"],
        "https://w3id.org/dpv/schema/dpv-27560#receipt"
    );
    // What TS 27560 asks of a record: header, processing, parties, events.
    let record = &first["tejido:record"];
    for field in [
        "dct:conformsTo",
        "dct:identifier",
        "dct:language",
        "dpv:hasDataSubject",
        "dpv:hasNotice",
        "dpv:hasProcess",
        "dpv:hasDataController",
        "dpv:hasStorageCondition",
        "dpv:hasJurisdiction",
        "dpv:hasConsentControl",
        "dpv:hasConsentStatus",
    ] {
        assert!(!record[field].is_null(), "{field}: {record:#}");
    }
    let process = &record["dpv:hasProcess"][0];
    assert_eq!(process["dpv:hasPersonalData"][0], "diagnoses");
    assert_eq!(process["dpv:hasPurpose"][0], "TREAT");
    assert_eq!(process["dpv:hasConsentStatus"], "dpv:ConsentRefused");
    let pharmacies = "Las farmacias no pueden ver tus diagnósticos.";
    assert_eq!(first["tejido:added"][0], pharmacies);
    let second = receipt(2);
    assert_eq!(second["tejido:removed"][0], pharmacies);
    assert_eq!(
        second["tejido:added"][0],
        "Nadie puede ver tus datos de VIH."
    );
    let status = &receipt(3)["tejido:record"]["dpv:hasConsentStatus"]["@type"];
    assert_eq!(status, "dpv:ConsentWithdrawn");
    // The word in it bears its author's signature; one that was altered does not.
    let word = |receipt: &serde_json::Value| -> SignedWord {
        serde_json::from_value(receipt["tejido:signedWord"].clone()).unwrap()
    };
    word(&second).verify(&node.pact()).unwrap();
    let mut altered = second;
    altered["tejido:signedWord"]["word"]["rules"] = serde_json::json!([]);
    assert!(word(&altered).verify(&node.pact()).is_err());
    assert!(node.receipt_of_word(&she, 4, Lang::Es).is_err());
    let nurse = actor("imss", Role::Nurse);
    assert!(node.receipt_of_word(&nurse, 1, Lang::Es).is_err());
}

#[test]
fn a_preview_says_what_is_seen_in_part() {
    let node = node_with_her("imss");
    let who = Who::Role(Role::Physician);
    let part = crate::Part {
        types: vec!["Condition".into()],
        ..crate::Part::default()
    };
    let rules = vec![Rule {
        part,
        ..rule("parte", false, Who::Everyone, &[Category::Diagnoses])
    }];
    let rows = |rules: &[Rule]| {
        let rows = node.preview(&herself("imss"), &who, rules, noon()).unwrap();
        let found = rows
            .into_iter()
            .find(|row| row.category == Category::Diagnoses);
        found.unwrap()
    };
    let tried = rows(&rules);
    assert_eq!(
        (tried.open, tried.partly, tried.partly_today),
        (true, true, false)
    );
    assert_eq!(tried.rule.as_deref(), Some("parte"));
    node.say(&herself("imss"), rules, noon()).unwrap();
    let today = rows(&[]);
    assert_eq!((today.partly, today.partly_today), (false, true));
}

/// Whatever says a word of hers here, a member that is not reached before the node stops hears it after its restart: it waits
/// in the commit of the word, in the place of the one before.
#[test]
fn what_was_said_waits_for_the_members_also_when_the_node_stops_at_once() {
    let mut node = node_with_her("imss");
    let she = herself("imss");
    let wish = crate::Wish::plain(crate::Finding::LateOnset, noon());
    let says: [&dyn Fn(&Gate) -> SignedWord; 3] = [
        &|gate| gate.say(&she, closed_to_pharmacies(), noon()).unwrap(),
        &|gate| gate.wish(&she, vec![wish.clone()], noon()).unwrap(),
        &|gate| gate.say(&she, Vec::new(), noon()).unwrap(),
    ];
    for say in says {
        let said = say(&node.gate);
        // Nobody carried it; the node stops.
        let Node { gate, dir } = node;
        drop(gate);
        let gate = Gate::open(dir.path(), config("imss")).unwrap();
        node = Node { gate, dir };
        let waiting = node.rows(word::OUTBOX, 10).unwrap();
        let members = ["farmacia", "sanatorio"];
        for (place, member) in members.into_iter().enumerate() {
            let (key, body) = &waiting[place];
            assert_eq!(
                *key,
                [member.as_bytes(), b" ", &said.word.person.0].concat()
            );
            let carried: SignedWord = serde_json::from_slice(body).unwrap();
            assert_eq!(carried, said);
        }
        assert_eq!(waiting.len(), members.len());
    }
    // A word of another member's is carried by that one.
    let other = word(9, Vec::new(), "farmacia", 2);
    assert!(node.hear(&other, &id("farmacia"), noon()).unwrap());
    let carried = node.rows(word::OUTBOX, 10).unwrap();
    assert!(
        carried
            .iter()
            .all(|(_, body)| *body != serde_json::to_vec(&other).unwrap())
    );
}

#[test]
fn a_word_that_arrived_does_not_take_a_newer_one_out_of_the_outbox() {
    let node = node_with_her("imss");
    let waiting = || node.rows(word::OUTBOX, 10).unwrap();
    node.say(&herself("imss"), closed_to_pharmacies(), noon())
        .unwrap();
    let old = waiting();
    node.say(&herself("imss"), Vec::new(), noon()).unwrap();
    let new = waiting();
    for (key, body) in &old {
        node.carried(word::OUTBOX, key, body, noon()).unwrap();
    }
    assert_eq!(waiting(), new);
    let (key, body) = &new[0];
    node.carried(word::OUTBOX, key, body, noon()).unwrap();
    assert_eq!(waiting(), new[1..]);
    // Once more is nothing new.
    node.carried(word::OUTBOX, key, body, noon()).unwrap();
    assert_eq!(waiting(), new[1..]);
}
