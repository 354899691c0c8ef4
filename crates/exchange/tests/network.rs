//! Stories of members that ask each other: the good days and the bad ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use exchange::Wanted;
use jiff::Timestamp;
use trust::{Opinion, Pact, Purpose, RefusalKind, Request, Rule, What, Who, word::SignedWord};

fn now() -> Timestamp {
    Timestamp::now()
}

#[tokio::test]
async fn a_record_comes_together_from_members_that_share_only_a_pact() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    remember(&nodes[2], "Depresión");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    let expected = [
        ("farmacia", ""),
        ("imss", "Diabetes"),
        ("hospital", "Depresión"),
        ("issste", ""),
    ];
    assert_eq!(told(&parts), pairs(&expected));
}

#[tokio::test]
async fn who_has_no_evidence_does_not_even_ask() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    let refused = nodes[0]
        .network
        .gather(summary(doctor(&nodes[0].id), Purpose::Treatment), now())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, trust::RefusalKind::NoEvidence);
}

#[tokio::test]
async fn a_member_that_is_down_is_named_and_the_others_answer() {
    let (listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &pact)).collect();
    for (i, listener) in listeners.into_iter().enumerate() {
        // The hospital's socket is closed.
        if i != 2 {
            listen(&mut nodes[i], listener);
        }
    }
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    let expected = [
        ("farmacia", ""),
        ("imss", "Diabetes"),
        ("hospital", "unreachable"),
        ("issste", ""),
    ];
    assert_eq!(told(&parts), pairs(&expected));
}

#[tokio::test]
async fn a_member_that_never_answers_is_late_and_delays_nobody_past_the_deadline() {
    let (listeners, addresses) = listeners().await;
    let first = Pact {
        deadline_ms: 700,
        ..pact(&addresses)
    };
    let pact = signed(&first, 4);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &pact)).collect();
    let mut silent = None;
    for (i, listener) in listeners.into_iter().enumerate() {
        if i == 3 {
            silent = Some(listener); // Open, and nobody picks up.
        } else {
            listen(&mut nodes[i], listener);
        }
    }
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(told(&parts)[3], ("issste".into(), "late".into()));
    assert_eq!(told(&parts)[1], ("imss".into(), "Diabetes".into()));
    drop(silent);
}

#[tokio::test]
async fn an_answer_with_another_members_hand_is_thrown_away() {
    // The one who answers at the hospital's address holds another key: TLS does not even open.
    let (mut listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &pact)).collect();
    let at_the_hospitals_address = listeners.remove(2);
    let issste = listeners.remove(2);
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    listen(&mut nodes[3], at_the_hospitals_address);
    drop(issste);
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(told(&parts)[2], ("hospital".into(), "unreachable".into()));
}

#[tokio::test]
async fn a_member_on_an_older_pact_takes_the_newer_one_and_answers() {
    let (listeners, addresses) = listeners().await;
    let first = pact(&addresses);
    let second = Pact {
        version: 2,
        previous: first.hash(),
        deadline_ms: 2_500,
        ..first.clone()
    };
    let (old, new) = (signed(&first, 4), signed(&second, 3));
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &old)).collect();
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    nodes[0].gate.adopt(&new, now()).unwrap();
    nodes[3].gate.adopt(&new, now()).unwrap();
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor.clone(), Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(
        told(&parts)[1],
        ("imss".into(), "Diabetes".into()),
        "the asker brought the pact along"
    );
    assert_eq!(nodes[1].gate.pact().version, 2);
}

#[tokio::test]
async fn an_asker_on_an_older_pact_learns_the_newer_one_from_the_answer() {
    let (listeners, addresses) = listeners().await;
    let first = pact(&addresses);
    let second = Pact {
        version: 2,
        previous: first.hash(),
        ..first.clone()
    };
    let (old, new) = (signed(&first, 4), signed(&second, 3));
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &old)).collect();
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    nodes[1].gate.adopt(&new, now()).unwrap();
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(told(&parts)[1], ("imss".into(), "Diabetes".into()));
    assert_eq!(nodes[0].gate.pact().version, 2);
}

#[tokio::test]
async fn a_pact_that_too_few_signed_is_not_taken_and_the_member_is_named() {
    let (listeners, addresses) = listeners().await;
    let first = pact(&addresses);
    let mine = Pact {
        version: 2,
        previous: first.hash(),
        deadline_ms: 2_900,
        ..first.clone()
    };
    let (old, forced) = (signed(&first, 4), signed(&mine, 4));
    // Two of four sign for the others: below the threshold of three.
    let weak = signed(&mine, 2);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &old)).collect();
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    assert!(nodes[1].gate.adopt(&weak, now()).is_err());
    assert!(nodes[1].gate.adopt(&forced, now()).is_ok());
}

#[tokio::test]
async fn a_code_from_the_patients_phone_is_evidence_at_another_member_once() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    let code = nodes[1]
        .gate
        .show_code(&patient(&nodes[1].id), now())
        .unwrap()
        .code;
    let doctor = doctor(&nodes[0].id);
    nodes[0]
        .network
        .redeem(&doctor, &code, now())
        .await
        .unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor.clone(), Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(told(&parts)[1].1, "Diabetes");
    assert!(
        nodes[0]
            .network
            .redeem(&doctor, &code, now())
            .await
            .is_err(),
        "a code is good once"
    );
    assert!(
        nodes[0]
            .network
            .redeem(&doctor, "NADIE-1234-5678", now())
            .await
            .is_err()
    );
}

/// A referral of hers, as a page of that institution writes it.
fn referral(id: &str, to: &str) -> String {
    format!(
        r#"{{"resourceType":"ServiceRequest","id":"{id}","status":"active","intent":"order","code":{{"text":"Cardiología"}},"subject":{{"reference":"Patient/p-imss"}},"authoredOn":"{}","performer":[{{"identifier":{{"system":"{}","value":"{to}"}}}}]}}"#,
        now(),
        mx::systems::MEMBER
    )
}

#[tokio::test]
async fn who_was_referred_is_known_where_she_was_sent_to_and_nowhere_else() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    write(
        &nodes[1],
        &[("ServiceRequest", "s1", &referral("s1", "hospital"))],
    );
    let asks = |place: usize| {
        let (network, doctor) = (nodes[place].network.clone(), doctor(&nodes[place].id));
        async move { network.referred(&doctor, CURP, now()).await }
    };
    let refused = asks(3).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NoEvidence);
    let evidence = asks(2).await.unwrap();
    assert_eq!(
        (evidence.issuer.0.as_str(), evidence.institution.0.as_str()),
        ("imss", "hospital")
    );
    let parts = nodes[2]
        .network
        .gather(summary(doctor(&nodes[2].id), Purpose::Treatment), now())
        .await
        .unwrap();
    assert!(told(&parts).contains(&("imss".into(), "Diabetes".into())));
    // She reads of both questions where they were asked, and of what was told.
    let she = patient(&nodes[1].id);
    let log = Request {
        what: What::Log,
        ..summary(she, Purpose::OwnRequest)
    };
    let acts = nodes[1].network.log(log, now()).await.unwrap();
    let said: Vec<String> = acts
        .into_iter()
        .flat_map(|part| part.acts.unwrap())
        .map(|act| act.sentence(trust::Lang::Es, &|id| id.0.to_uppercase()))
        .collect();
    for wanted in [
        "ISSSTE, preguntó",
        "HOSPITAL, supo que te enviaron ahí",
        "HOSPITAL, vio que te enviaron ahí",
    ] {
        assert!(
            said.iter().any(|one| one.contains(wanted)),
            "{wanted}: {said:#?}"
        );
    }
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_named_when_nobody_else_referred_her() {
    let (listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &pact)).collect();
    for (i, listener) in listeners.into_iter().enumerate() {
        if i != 1 {
            listen(&mut nodes[i], listener);
        }
    }
    let who = doctor(&nodes[2].id);
    let asked = nodes[2].network.referred(&who, CURP, now());
    let refused = asked.await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NoEvidence);
    assert!(
        refused.es.contains("No contestaron: IMSS."),
        "{}",
        refused.es
    );
}

#[tokio::test]
async fn what_she_closes_at_one_member_is_closed_at_every_member() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    remember(&nodes[2], "Depresión");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Kind(trust::MemberKind::Pharmacy),
        what: vec![trust::Category::Diagnoses],
        purpose: None,
        until: None,
        hint: true,
        ..Rule::default()
    };
    let word: SignedWord = nodes[1]
        .gate
        .say(&patient(&nodes[1].id), vec![rule], now())
        .unwrap();
    let told_to = nodes[1].network.spread(word, now()).await;
    assert!(told_to.iter().all(|(_, arrived)| *arrived), "{told_to:?}");
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    assert!(
        told(&parts).iter().all(|(_, said)| said.is_empty()),
        "{:?}",
        told(&parts)
    );
    let hints: Vec<bool> = parts
        .iter()
        .map(|p| matches!(&p.outcome, exchange::Outcome::Answered(a) if a.withheld))
        .collect();
    assert_eq!(
        hints,
        [false, true, true, false],
        "she allowed the hint where something is withheld"
    );
}

#[tokio::test]
async fn of_what_the_pact_keeps_silent_no_member_tells_that_it_is_withheld() {
    let nodes = network_under(|pact| pact.seals = Some(trust::Seals::usual())).await;
    let holders = &nodes[1..3];
    for node in holders {
        remember(node, "Esguince");
    }
    let violence = |id: &str, node: &Node| {
        let of = format!("p-{}", node.id);
        let text = format!(
            r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"Patient/{of}"}},"code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"T74.1"}}]}}}}"#
        );
        write(node, &[("Condition", id, &text)]);
    };
    // At one member violence is all that there is, at the other there is a sprain as well.
    violence("c", &nodes[1]);
    violence("v", &nodes[2]);
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let told = async |what: Vec<trust::Category>| -> Vec<bool> {
        let rule = Rule {
            id: "r1".into(),
            what,
            hint: true,
            ..Rule::default()
        };
        let she = patient(&nodes[1].id);
        let word = nodes[1].gate.say(&she, vec![rule], now()).unwrap();
        nodes[1].network.spread(word, now()).await;
        let asked = summary(doctor.clone(), Purpose::Treatment);
        let parts = nodes[0].network.gather(asked, now()).await.unwrap();
        let withheld = |part: &exchange::Part| match &part.outcome {
            exchange::Outcome::Answered(answer) => answer.withheld,
            other => panic!("{other:?}"),
        };
        parts.iter().map(withheld).collect()
    };
    assert_eq!(told(vec![]).await, [false, false, true, false]);
    assert_eq!(told(vec![trust::Category::Violence]).await, [false; 4]);
}

/// The node stops between what she said and its way out: after its restart every member hears it.
#[tokio::test]
async fn what_she_said_goes_out_also_when_the_node_stopped_before_it_did() {
    let (listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let mut nodes: Vec<Node> = (0..4).map(|place| node(place, &pact)).collect();
    let mut listeners = listeners.into_iter();
    let rule = Rule {
        id: "r1".into(),
        who: Who::Kind(trust::MemberKind::Pharmacy),
        what: vec![trust::Category::Diagnoses],
        ..Rule::default()
    };
    let said = nodes[0]
        .gate
        .say(&patient(&nodes[0].id), vec![rule], now())
        .unwrap();
    let stopped = nodes.remove(0);
    for (node, listener) in nodes.iter_mut().zip(listeners.by_ref().skip(1)) {
        listen(node, listener);
    }
    let again = reopened(stopped, 0, &pact);
    assert!(again.network.carry_words().await.is_empty());
    for node in &nodes {
        assert_eq!(
            node.gate.word(said.word.person),
            Some(said.clone()),
            "{}",
            node.id
        );
    }
    assert_eq!(again.gate.rows(trust::word::OUTBOX, 10).unwrap(), []);
}

/// Diagnoses are closed to pharmacies, and open to one of them on terms.
fn diagnoses_on(terms: trust::Terms) -> Vec<Rule> {
    let closed = Rule {
        id: "todas".into(),
        who: Who::Kind(trust::MemberKind::Pharmacy),
        what: vec![trust::Category::Diagnoses],
        ..Rule::default()
    };
    let open = Rule {
        id: "esta".into(),
        allow: true,
        who: Who::Member(trust::MemberId("farmacia".into())),
        terms,
        ..closed.clone()
    };
    vec![closed, open]
}

#[tokio::test]
async fn on_what_terms_she_lets_see_comes_with_the_answer_and_nothing_of_it_is_kept() {
    let nodes = network().await;
    remember(&nodes[2], "Depresión");
    let ana = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&ana, CURP, now()).unwrap();
    let erase_at = now() + jiff::SignedDuration::from_hours(24 * 30);
    let terms = trust::Terms {
        frequency: Some(trust::Frequency {
            times: 1,
            per: trust::Per::Day,
        }),
        erase_at: Some(erase_at),
    };
    let word = nodes[2]
        .gate
        .say(&patient(&nodes[2].id), diagnoses_on(terms), now())
        .unwrap();
    let told_to = nodes[2].network.spread(word, now()).await;
    assert!(told_to.iter().all(|(_, arrived)| *arrived), "{told_to:?}");
    let began = now();
    let ask = |node: &Node, actor| {
        let network = node.network.clone();
        async move {
            let parts = network
                .gather(summary(actor, Purpose::Treatment), now())
                .await;
            let parts = parts.unwrap();
            let hospital = parts[2].outcome.clone();
            (told(&parts)[2].1.clone(), hospital)
        }
    };
    let (said, outcome) = ask(&nodes[0], ana.clone()).await;
    let exchange::Outcome::Answered(answer) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (said.as_str(), answer.erase_at),
        ("Depresión", Some(erase_at))
    );
    assert_eq!(answer.again, None);
    // A colleague of hers asks for the second time that day: it is closed, and she learns when it opens again.
    let eva = trust::Actor {
        id: "eva".into(),
        ..ana.clone()
    };
    let (said, outcome) = ask(&nodes[0], eva).await;
    let exchange::Outcome::Answered(answer) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((said.as_str(), answer.erase_at), ("", None));
    let day = trust::Per::Day.span();
    let again = answer.again.unwrap();
    assert!(began + day <= again && again <= now() + day, "{again}");
    // The look of the first goes on. Nothing that came from there is here.
    let parts = nodes[0]
        .network
        .gather(summary(ana, Purpose::Treatment), now())
        .await
        .unwrap();
    let shown = told(&parts);
    assert_eq!(
        (shown[0].1.as_str(), shown[2].1.as_str()),
        ("", "Depresión")
    );
    let exchange::Outcome::Answered(home) = &parts[0].outcome else {
        panic!("{parts:?}")
    };
    assert!(home.resources.is_empty(), "{:?}", home.resources);
    // What is kept of an exchange are digests and signatures.
    let kept = nodes[0].gate.rows("exchanged", 1_000).unwrap();
    assert!(kept.len() >= 3, "{}", kept.len());
    for (_, row) in kept {
        let row: serde_json::Value = serde_json::from_slice(&row).unwrap();
        let names = row[0].as_object().unwrap().keys();
        let texts: Vec<&String> = names.collect();
        assert!(
            texts.iter().all(|name| {
                let rest = ["member", "asked", "path", "pact", "status"];
                let proof = ["digest", "input", "signature"];
                rest.contains(&name.as_str()) || proof.iter().any(|end| name.ends_with(end))
            }),
            "{texts:?}"
        );
        assert!(!row.to_string().contains("Depresi"));
    }
}

#[tokio::test]
async fn a_word_that_did_not_arrive_rides_along_with_the_ask() {
    let (listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let mut nodes: Vec<Node> = (0..4).map(|i| node(i, &pact)).collect();
    remember(&nodes[2], "Depresión");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![],
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    };
    // The hospital was away when she spoke; the pharmacy heard her.
    let word = nodes[1]
        .gate
        .say(&patient(&nodes[1].id), vec![rule], now())
        .unwrap();
    nodes[0].gate.hear(&word, &nodes[1].id, now()).unwrap();
    for (node, listener) in nodes.iter_mut().zip(listeners) {
        listen(node, listener);
    }
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    assert_eq!(told(&parts)[2], ("hospital".into(), String::new()));
    assert_eq!(
        nodes[2]
            .gate
            .word(nodes[2].gate.tag(CURP))
            .unwrap()
            .word
            .version,
        1
    );
}

#[tokio::test]
async fn she_reads_who_looked_at_every_member_checks_the_proof_and_says_what_she_thinks() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();

    let own = trust::Request {
        what: What::Log,
        ..summary(patient(&nodes[3].id), Purpose::OwnRequest)
    };
    let parts = nodes[3].network.log(own.clone(), now()).await.unwrap();
    let imss = parts
        .iter()
        .find(|p| p.member.0 == "imss")
        .unwrap()
        .acts
        .as_ref()
        .unwrap();
    let look = imss.iter().find(|a| a.who == "Dra. Ana Ruiz").unwrap();
    assert_eq!(look.institution.0, "farmacia");
    assert_eq!(look.evidence, Some(trust::EvidenceKind::CheckIn));

    let receipt = nodes[3]
        .network
        .receipt(own.clone(), &nodes[1].id, &look.id, now())
        .await
        .unwrap();
    let imss_key = nodes[1]
        .gate
        .pact()
        .member(&nodes[1].id)
        .unwrap()
        .key
        .parse()
        .unwrap();
    ledger::receipt::verify(&receipt, &[imss_key]).unwrap();

    nodes[3]
        .network
        .opine(
            own.clone(),
            &nodes[1].id,
            &look.id,
            Opinion::NotRight,
            now(),
        )
        .await
        .unwrap();
    let again = nodes[3].network.log(own, now()).await.unwrap();
    let imss = again
        .iter()
        .find(|p| p.member.0 == "imss")
        .unwrap()
        .acts
        .as_ref()
        .unwrap();
    assert_eq!(
        imss.iter().find(|a| a.id == look.id).unwrap().opinion,
        Some(Opinion::NotRight)
    );
}

#[tokio::test]
async fn nobody_elses_log_is_given_out() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    let stranger = trust::Actor {
        curp: Some("XAPL991231HJCXXS07".into()),
        ..patient(&nodes[3].id)
    };
    let other = trust::Request {
        what: What::Log,
        ..summary(stranger, Purpose::OwnRequest)
    };
    assert!(nodes[3].network.log(other, now()).await.is_err());
}

#[tokio::test]
async fn somebody_is_found_by_curp_and_by_exact_name_wherever_she_is_known() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    remember(&nodes[2], "Asma");
    let doctor = doctor(&nodes[0].id);
    let by_curp = nodes[0]
        .network
        .find(&doctor, Wanted::Curp(CURP.into()), now())
        .await
        .unwrap();
    assert_eq!(by_curp.len(), 1);
    assert_eq!(
        by_curp[0]
            .members
            .iter()
            .map(|m| m.0.as_str())
            .collect::<Vec<_>>(),
        ["imss", "hospital"]
    );
    let name = |given: &str, born: &str| Wanted::Name {
        given: given.into(),
        family: "ESCAMILLA ARROYO".into(),
        birth_date: born.into(),
    };
    let by_name = nodes[0]
        .network
        .find(&doctor, name("maria fernanda", "2001-02-03"), now())
        .await
        .unwrap();
    assert_eq!(by_name[0].curp, CURP);
    assert!(
        nodes[0]
            .network
            .find(&doctor, name("Maria", "2001-02-03"), now())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        nodes[0]
            .network
            .find(&doctor, name("maria fernanda", "2001-02-04"), now())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_note_of_a_visit_is_closed_with_the_topic_of_its_diagnosis() {
    let nodes = network().await;
    let visit = r#"{"resourceType":"Encounter","id":"v","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p-imss"}}"#;
    let note = r#"{"resourceType":"ClinicalImpression","id":"n","status":"completed","subject":{"reference":"Patient/p-imss"},"encounter":{"reference":"Encounter/v"},"summary":"Llora a diario."}"#;
    let depression = r#"{"resourceType":"Condition","id":"d","subject":{"reference":"Patient/p-imss"},"encounter":{"reference":"Encounter/v"},
        "code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"F329"}],"text":"Depresión"}}"#;
    remember(&nodes[1], "Asma");
    write(
        &nodes[1],
        &[
            ("Encounter", "v", visit),
            ("ClinicalImpression", "n", note),
            ("Condition", "d", depression),
        ],
    );
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![trust::Category::MentalHealth],
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    };
    nodes[1]
        .gate
        .say(&patient(&nodes[1].id), vec![rule], now())
        .unwrap();
    let doctor = doctor(&nodes[0].id);
    nodes[0].gate.check_in(&doctor, CURP, now()).unwrap();
    let parts = nodes[0]
        .network
        .gather(summary(doctor, Purpose::Treatment), now())
        .await
        .unwrap();
    let exchange::Outcome::Answered(imss) = &parts[1].outcome else {
        panic!("{:?}", told(&parts))
    };
    let kinds: Vec<&str> = imss
        .resources
        .iter()
        .filter_map(|r| r.text("resourceType"))
        .collect();
    assert_eq!(kinds, ["Patient", "Condition"], "only the asthma is left");
    assert!(!imss.withheld, "she chose silence");
}

#[tokio::test]
async fn who_opens_records_without_a_sign_of_care_is_slowed_by_the_holders_too() {
    let nodes = network().await;
    let (pharmacy, imss) = (&nodes[0], &nodes[1]);
    let doctor = doctor(&pharmacy.id);
    let now = jiff::Timestamp::now();
    let mut answers = Vec::new();
    for n in 0..25 {
        let curp = format!("EAAF{:02}0203MNLSRR0{}", 10 + n, n % 10);
        pharmacy.gate.check_in(&doctor, &curp, now).unwrap();
        let request = trust::Request {
            person: trust::PersonRef::Curp(curp),
            ..summary(doctor.clone(), Purpose::Treatment)
        };
        // Her own house is not asked: a member that does not slow her down may lie.
        let tag = match &request.person {
            trust::PersonRef::Curp(curp) => pharmacy.gate.tag(curp),
            _ => unreachable!(),
        };
        let asked = trust::Request {
            person: trust::PersonRef::Tag(tag),
            evidence: pharmacy.gate.evidence(&doctor, tag, now),
            via: Some(pharmacy.id.clone()),
            ..request
        };
        answers.push(imss.gate.decide(asked, now).map(drop).map_err(|r| r.kind));
    }
    assert_eq!(answers.iter().position(Result::is_err), Some(20));
    assert_eq!(answers[24], Err(trust::RefusalKind::Unusual));
    assert_eq!(imss.gate.unusual(9).unwrap()[0].member, pharmacy.id);
}
