//! Erasing a person: who may, what goes, what stays, and that the log holds afterwards.

use super::*;
use crate::gate::erasure::Begun;
use crate::{Opinion, Rule, Who};
use store::PersonKey;

const REASON: &str = "Resolución ARCO 113/2026";

fn operator() -> Actor {
    actor("imss", Role::Operator)
}

fn account(login: &str, role: Role, curp: Option<&str>) -> NewAccount {
    NewAccount {
        login: login.into(),
        secret: "secreto largo".into(),
        name: login.into(),
        role,
        licence: None,
        curp: curp.map(str::to_owned),
        unit: None,
    }
}

fn closes_all() -> Rule {
    Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Kind(MemberKind::Pharmacy),
        what: vec![],
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    }
}

/// Somebody reads a resource for treatment; the name of the act.
fn visit(node: &Node, curp: &str, observation: &str) -> String {
    node.check_in(&actor("imss", Role::Clerk), curp, noon())
        .unwrap();
    let request = Request {
        person: PersonRef::Curp(curp.into()),
        ..treat(actor("imss", Role::Physician))
    };
    let grant = node.decide(request, noon()).unwrap();
    let held = node
        .store()
        .read(&grant.permit, of("Observation"), observation)
        .unwrap();
    let (seen, act) = node.open_answer(&grant, held, noon()).unwrap();
    assert!(seen.is_some());
    act
}

/// Her record with all that the house keeps beside it, and another person's.
fn a_house_with_two() -> Node {
    let node = node_with_her("imss");
    node.load(&patient("other", OTHER));
    node.load("{\"resourceType\":\"Observation\",\"id\":\"o2\",\"status\":\"final\",\"subject\":{\"reference\":\"Patient/other\"}}");
    for new in [
        account("ella", Role::Patient, Some(SHE)),
        account("otra", Role::Patient, Some(OTHER)),
        // She works here as well: that account is not hers as a patient.
        account("trabaja", Role::Clerk, Some(SHE)),
    ] {
        node.account(new, noon()).unwrap();
    }
    node
}

fn others_log(node: &Node) -> Grant {
    let other = Actor {
        curp: Some(OTHER.into()),
        ..herself("imss")
    };
    let request = Request {
        person: PersonRef::Curp(OTHER.into()),
        ..her_own(other, What::Log)
    };
    node.decide(request, noon()).unwrap()
}

fn her_acts(node: &Node) -> Vec<crate::ActView> {
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    node.acts(&log, None, 50, noon()).unwrap()
}

fn sound(node: &Node) -> bool {
    let mut told = Vec::new();
    let checked = node.fsck(false, &mut |one| told.push(one)).unwrap();
    assert_eq!(checked.left(), 0, "{told:?}");
    assert!(checked.found.acts > 0);
    true
}

#[test]
fn an_erased_person_is_unknown_and_the_log_holds() {
    let mut node = a_house_with_two();
    let signed_in = node.sign_in("ella", "secreto largo", noon()).unwrap();
    let old = node
        .say(&signed_in.actor, vec![closes_all()], noon())
        .unwrap();
    let word = node.say(&signed_in.actor, vec![], noon()).unwrap();
    node.show_code(&signed_in.actor, noon()).unwrap();
    let (hers, others) = (visit(&node, SHE, "o1"), visit(&node, OTHER, "o2"));
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    node.opine(&log, &hers, Opinion::NotRight, noon()).unwrap();
    let before = node.receipt(&others_log(&node), &others, noon()).unwrap();

    let erased = node
        .erase(&operator(), PersonRef::Curp(SHE.into()), REASON, noon())
        .unwrap();
    assert_eq!(
        (erased.records, erased.resources, erased.versions),
        (1, 4, 4)
    );
    // Four loads, each of hers alone, a reading and an opinion.
    assert_eq!(erased.acts, 6);
    // Account, session, evidence, the code's two rows, three of words, the opinion.
    assert_eq!(erased.rows, 9);

    let unknown = |node: &Node| {
        let own = Request {
            verbs: Verbs::READING,
            ..import(&node.gate)
        };
        let grant = node.decide(own, noon()).unwrap();
        assert!(node.sees(&grant).is_empty());
        assert!(node.reads(&grant, "Observation", "o2").is_some());
        let wrong = node.sign_in("ella", "secreto largo", noon()).unwrap_err();
        assert_eq!(wrong.kind, RefusalKind::WrongSecret);
        assert!(node.authenticate(Some(&signed_in.token), noon()).is_err());
        assert!(node.sign_in("otra", "secreto largo", noon()).is_ok());
        assert!(node.sign_in("trabaja", "secreto largo", noon()).is_ok());
        assert_eq!(node.word(node.tag_of_her()), None);
        let doctor = actor("imss", Role::Physician);
        assert!(node.evidence(&doctor, node.tag_of_her(), noon()).is_empty());
        assert_eq!(refused(node, treat(doctor)).kind, RefusalKind::NoEvidence);
        sound(node)
    };
    assert!(unknown(&node));

    // What remains on her page: the erasure, how others answered for what they did, and no reading of her record.
    let acts = her_acts(&node);
    let erasure = acts
        .iter()
        .find(|act| act.kind == ActKind::Erasure)
        .unwrap();
    assert_eq!(
        (&erasure.what, erasure.resources),
        (
            &What::Erasure(format!("{REASON} (4 resources, 4 versions, 6 acts)")),
            4
        )
    );
    let said = erasure.sentence(crate::Lang::Es, &|_| "IMSS".into());
    assert!(
        said.contains("borró para siempre 4 registros tuyos"),
        "{said}"
    );
    assert!(acts.iter().all(|act| act.id != hers));
    let remain = [ActKind::Evidence, ActKind::SignIn, ActKind::Word];
    assert!(
        remain
            .iter()
            .all(|kind| acts.iter().any(|act| act.kind == *kind))
    );
    assert!(
        !acts
            .iter()
            .any(|act| matches!(act.kind, ActKind::Read | ActKind::Opinion))
    );

    // The other person's receipt from before holds, and so does a new one.
    let known = [key("imss", 1).verifier().clone()];
    let after = node.receipt(&others_log(&node), &others, noon()).unwrap();
    for text in [before, after] {
        let verified = ledger::receipt::verify(&text, &known).unwrap();
        let act = crate::Act::from_body(&verified.act.unwrap()).unwrap();
        assert_eq!(act.name(), others);
    }

    // After a restart too. Her next word is newer than the one that other members still keep.
    drop(node.gate);
    node.gate = Gate::open(node.dir.path(), config("imss")).unwrap();
    assert!(unknown(&node));
    assert!(!node.hear(&old, &id("imss"), noon()).unwrap());
    node.account(account("ella", Role::Patient, Some(SHE)), noon())
        .unwrap();
    let again = node.sign_in("ella", "secreto largo", noon()).unwrap();
    let next = node.say(&again.actor, vec![], noon()).unwrap();
    assert_eq!(next.word.version, word.word.version + 1);

    let nothing = node.erase(
        &operator(),
        PersonRef::Patient("her".into()),
        REASON,
        noon(),
    );
    assert_eq!(nothing.unwrap_err().kind, RefusalKind::Bad);
}

#[test]
fn somebody_of_whom_only_the_house_knows_is_erased_with_an_act() {
    let node = node("imss");
    node.account(account("ella", Role::Patient, Some(SHE)), noon())
        .unwrap();
    let she = || PersonRef::Curp(SHE.into());
    let erased = node.erase(&operator(), she(), REASON, noon()).unwrap();
    assert_eq!((erased.records, erased.rows), (0, 1));
    assert_eq!(node.all_acts()[0].kind, ActKind::Erasure);
    let again = node.erase(&operator(), she(), REASON, noon());
    assert_eq!(again.unwrap_err().kind, RefusalKind::Bad);
}

#[test]
fn nobody_but_an_operator_of_the_house_erases_and_who_tried_is_in_her_log() {
    let node = node_with_her("imss");
    let others = [
        actor("imss", Role::Physician),
        actor("imss", Role::System),
        actor("farmacia", Role::Operator),
        herself("imss"),
    ];
    for by in &others {
        let tried = node.erase(by, PersonRef::Curp(SHE.into()), REASON, noon());
        assert_eq!(tried.unwrap_err().kind, RefusalKind::Pact, "{by:?}");
        let act = &node.all_acts()[0];
        assert_eq!(
            (act.kind, act.person),
            (ActKind::Denied, Some(node.tag_of_her()))
        );
    }
    assert_eq!(
        node.sees(&node.decide(import_reading(&node), noon()).unwrap())
            .len(),
        4
    );
    for reason in ["", "a\nb", &format!("de {SHE}"), &"x".repeat(301)] {
        let tried = node.erase(&operator(), PersonRef::Curp(SHE.into()), reason, noon());
        assert_eq!(tried.unwrap_err().kind, RefusalKind::Bad, "{reason:?}");
    }
    let named = node.erase(
        &operator(),
        PersonRef::Patient("her".into()),
        "de her",
        noon(),
    );
    assert_eq!(named.unwrap_err().kind, RefusalKind::Bad);
}

fn import_reading(node: &Node) -> Request {
    Request {
        verbs: Verbs::READING,
        ..import(&node.gate)
    }
}

#[test]
fn an_erasure_that_was_cut_off_goes_on_at_the_next_opening() {
    let mut node = a_house_with_two();
    let tag = node.tag_of_her();
    let keys: Vec<PersonKey> = node.house.store.people(&node.house.seal, &tag.0).unwrap();
    let begun = Begun {
        tags: vec![tag],
        by: operator(),
        reason: REASON.into(),
        at: noon(),
    };
    node.take_rows(&begun, &keys).unwrap();
    assert_eq!(
        node.sees(&node.decide(import_reading(&node), noon()).unwrap())
            .len(),
        4
    );

    drop(node.gate);
    node.gate = Gate::open(node.dir.path(), config("imss")).unwrap();
    let grant = node.decide(import_reading(&node), noon()).unwrap();
    assert!(node.sees(&grant).is_empty());
    let acts = node.all_acts();
    let mut erasures = acts.iter().filter(|act| act.kind == ActKind::Erasure);
    let erasure = erasures.next().unwrap();
    assert_eq!((erasure.resources, erasures.next()), (4, None));
    assert!(sound(&node));
    // It is over: nothing is begun any more, and nothing more to erase.
    let again = node.erase(&operator(), PersonRef::Curp(SHE.into()), REASON, noon());
    assert_eq!(again.unwrap_err().kind, RefusalKind::Bad);
}
