//! Versions of the pact at a node: purposes, keys that change, and what another pact would change.

use super::*;
use crate::pact::{Agreed, FormerKey};
use crate::{Category, How, Rule, SignedWord, Who, Word};

/// The next version after ours, changed, signed by all keys that it takes, and in force.
fn adopt(node: &Gate, change: impl FnOnce(&mut Pact), keys: &[SigningKey]) -> Result<(), Refusal> {
    node.adopt(&next(node, change, keys), noon())
}

fn next(node: &Gate, change: impl FnOnce(&mut Pact), keys: &[SigningKey]) -> String {
    let ours = node.pact();
    let mut next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        ..(*ours).clone()
    };
    change(&mut next);
    let first = pact::sign(&next, &keys[0]).unwrap();
    keys[1..]
        .iter()
        .fold(first, |text, key| pact::add_signature(&text, key).unwrap())
}

fn all_keys() -> Vec<SigningKey> {
    MEMBERS.iter().map(|(id, seed, _)| key(id, *seed)).collect()
}

/// A member's key becomes another; what the old one signed counts up to a time, or not at all.
fn rekey(pact: &mut Pact, member: &str, seed: u8, until: Option<Timestamp>) {
    let member = pact.members.iter_mut().find(|m| m.id.0 == member).unwrap();
    let old = std::mem::replace(
        &mut member.key,
        key(&member.id.0, seed).verifier().to_string(),
    );
    member.former = until
        .into_iter()
        .map(|until| FormerKey {
            key: old.clone(),
            until,
        })
        .collect();
}

fn check_in(node: &Node) {
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
}

#[test]
fn a_purpose_opens_a_record_only_on_the_evidence_that_the_pact_names() {
    let node = node_with_her("imss");
    let open_to_all = |pact: &mut Pact| {
        pact.policies = "@id(\"all\") permit (principal, action, resource);\n".into();
    };
    adopt(&node, open_to_all, &all_keys()).unwrap();
    let doctor = || treat(actor("imss", Role::Physician));
    let refusal = refused(&node, doctor());
    assert_eq!(refusal.kind, RefusalKind::NoEvidence);
    assert_eq!(refusal.because, ["purpose-needs-evidence"]);
    // Finding her opens nothing of her record.
    let find = Request {
        what: What::Find,
        ..doctor()
    };
    assert!(node.decide(find, noon()).is_ok());
    let research = Request {
        purpose: Purpose::Research,
        ..doctor()
    };
    let refusal = refused(&node, research.clone());
    assert_eq!(
        (refusal.kind, refusal.because),
        (RefusalKind::Pact, vec!["purpose-not-agreed".into()])
    );
    let shared = Request {
        purpose: Purpose::Treatment,
        person: PersonRef::Nobody,
        ..research.clone()
    };
    assert!(node.decide(shared, noon()).is_ok());

    check_in(&node);
    assert!(node.decide(doctor(), noon()).is_ok());
    assert!(
        node.decide(her_own(herself("imss"), What::Summary), noon())
            .is_ok()
    );
    // The members agree on research, and that a check-in is not enough for care.
    let agree = |pact: &mut Pact| {
        pact.purposes = vec![
            Agreed {
                purpose: Purpose::Treatment,
                evidence: vec![crate::EvidenceKind::PatientCode],
            },
            Agreed {
                purpose: Purpose::Research,
                evidence: vec![],
            },
        ];
    };
    adopt(&node, agree, &all_keys()).unwrap();
    assert_eq!(refused(&node, doctor()).kind, RefusalKind::NoEvidence);
    assert!(node.decide(research, noon()).is_ok());
    assert_eq!(
        refused(&node, her_own(herself("imss"), What::Summary)).because,
        ["purpose-not-agreed"]
    );
}

#[test]
fn what_a_member_signed_before_it_changed_its_key_stays_good_up_to_its_time() {
    let home = node("farmacia");
    let clerk = actor("farmacia", Role::Clerk);
    let evidence = home.check_in(&clerk, SHE, noon()).unwrap();
    let word = |said: Timestamp, version: u64, seed: u8| {
        let word = Word {
            person: home.tag_of_her(),
            version,
            rules: vec![],
            wishes: vec![],
            represented_by: Vec::new(),
            born: None,
            said,
            author: id("farmacia"),
        };
        SignedWord::sign(word, &key("farmacia", seed))
    };
    let with = [all_keys(), vec![key("farmacia", 9)]].concat();
    let ask = |node: &Node| {
        let request = Request {
            evidence: vec![evidence.clone()],
            via: Some(id("farmacia")),
            ..treat(actor("farmacia", Role::Physician))
        };
        node.decide(request, at("12:30"))
            .map(drop)
            .map_err(|r| r.kind)
    };

    let node = node_with_her("imss");
    adopt(&node, |p| rekey(p, "farmacia", 9, Some(noon())), &with).unwrap();
    assert_eq!(ask(&node), Ok(()));
    assert_eq!(
        node.hear(&word(at("11:00"), 1, 2), &id("farmacia"), noon()),
        Ok(true)
    );
    assert_eq!(
        node.hear(&word(at("13:00"), 2, 9), &id("farmacia"), noon()),
        Ok(true)
    );
    // Dated later than the old key was laid down, or signed by a key that never was the member's.
    for forged in [word(at("13:00"), 3, 2), word(at("11:00"), 3, 8)] {
        let refusal = node.hear(&forged, &id("farmacia"), noon()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Forged);
    }
    // A message of now takes the key of now.
    let message = |seed: u8| {
        let signed = key("farmacia", seed).sign_bytes(MESSAGE, b"asks").bytes;
        node.verify(&id("farmacia"), b"asks", &signed)
    };
    assert!(message(9) && !message(2));

    let lost = node_with_her("imss");
    adopt(&lost, |p| rekey(p, "farmacia", 9, None), &with).unwrap();
    assert_eq!(ask(&lost), Err(RefusalKind::Forged));
    let refusal = lost.hear(&word(at("11:00"), 1, 2), &id("farmacia"), noon());
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Forged);
}

#[test]
fn a_node_goes_on_with_its_log_under_a_new_key_and_old_decisions_come_out_again() {
    let node = node_with_her("imss");
    check_in(&node);
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap();
    let act = node.note(&grant, noon()).unwrap();
    let doctor = crate::NewAccount {
        login: "ana".into(),
        secret: "hilo-rojo-7".into(),
        name: "Ana".into(),
        role: Role::Physician,
        licence: Some(licence(LicenceState::Active)),
        curp: None,
        unit: None,
    };
    node.account(doctor, noon()).unwrap();
    node.appoint(&actor("imss", Role::Clerk), SHE, "ana", at("20:00"), noon())
        .unwrap();
    let with = [all_keys(), vec![key("imss", 9)]].concat();
    let second = next(&node, |p| rekey(p, "imss", 9, Some(noon())), &with);
    let elsewhere = node_with_her("sanatorio");
    elsewhere.adopt(&second, noon()).unwrap();
    // A running node cannot change its own key.
    assert!(
        node.adopt(&second, noon())
            .unwrap_err()
            .en
            .contains("another key")
    );

    let Node { gate, dir } = node;
    drop(gate);
    let anew = Config {
        key: [9; 32],
        pact: second,
        ..config("imss")
    };
    let gate = Gate::open(dir.path(), anew).unwrap();
    let head = gate
        .store()
        .witnessed(ledger::tile::CHECKPOINT)
        .unwrap()
        .unwrap();
    let (old, new) = (key("imss", 1), key("imss", 9));
    let opens = |by: &SigningKey| {
        ledger::checkpoint::Checkpoint::open(&head, by.name(), by.verifier(), &[]).is_ok()
    };
    assert!(opens(&new) && !opens(&old));
    let checked = gate.fsck(false, &mut |_| {}).unwrap();
    assert_eq!(checked.found.findings, 0);
    let node = Node { gate, dir };
    assert_eq!(node.all_acts()[0].kind, ActKind::Pact);
    let explained = node
        .explain(&actor("imss", Role::Operator), &act, noon())
        .unwrap();
    assert_eq!((explained.pact, explained.holds()), (1, Some(true)));
    // Her check-in of this morning still counts.
    assert!(
        node.decide(treat(actor("imss", Role::Physician)), noon())
            .is_ok()
    );

    // So does the appointment of this evening, here and where it is sent to.
    let ana = Actor {
        id: "ana".into(),
        ..actor("imss", Role::Physician)
    };
    let evening = |node: &Gate, via: Option<MemberId>, evidence: Vec<Evidence>| {
        let request = Request {
            via,
            evidence,
            ..treat(ana.clone())
        };
        node.decide(request, at("19:00"))
            .map(drop)
            .map_err(|r| r.kind)
    };
    assert_eq!(evening(&node, None, vec![]), Ok(()));
    let sent = node.evidence(&ana, node.tag_of_her(), at("19:00"));
    assert_eq!(sent.len(), 1);
    let with_the_old_key = sent[0].clone().sign(&old);
    let by = Some(id("imss"));
    assert_eq!(
        evening(&elsewhere, by.clone(), vec![with_the_old_key]),
        Err(RefusalKind::Forged)
    );
    assert_eq!(evening(&elsewhere, by, sent), Ok(()));

    // With the old key and the old pact it does not start: the archive knows better.
    let Node { gate, dir } = node;
    drop(gate);
    let refusal = Gate::open(dir.path(), config("imss")).unwrap_err();
    assert!(refusal.en.contains("another key"), "{refusal:?}");
}

#[test]
fn another_pact_is_tried_on_the_decisions_that_were_made() {
    let node = node_with_her("imss");
    let read = |request: Request| {
        let grant = node.decide(request, noon())?;
        node.note(&grant, noon())
    };
    // Refused for want of evidence, twice; then read by a doctor, a nurse and a pharmacist.
    for _ in 0..2 {
        read(treat(actor("imss", Role::Physician))).unwrap_err();
    }
    check_in(&node);
    let rules = vec![Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Role(Role::Nurse),
        what: vec![Category::Hiv],
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    }];
    node.say(&herself("imss"), rules, noon()).unwrap();
    let [doctor, nurse, pharmacist] = [Role::Physician, Role::Nurse, Role::Pharmacist]
        .map(|role| read(treat(actor("imss", role))).unwrap());
    read(her_own(herself("imss"), What::Summary)).unwrap();

    let by = actor("imss", Role::Operator);
    let under = |change: &dyn Fn(&mut Pact)| {
        let mut pact = (*node.pact()).clone();
        change(&mut pact);
        node.simulate(&by, pact, (u64::MAX, 5), noon()).unwrap()
    };
    let same = under(&|_| ());
    // Four things were loaded: each is a decision too. The word, and the operator's look before, are not.
    assert_eq!((same.decisions, same.changes.len()), (4 + 2 + 1 + 4, 0));

    let stricter = under(&|pact| {
        pact.policies = pact
            .policies
            .replace(
                "[\"physician\", \"nurse\", \"pharmacist\"].contains(context.role) && [\"active\"",
                "[\"physician\", \"pharmacist\"].contains(context.role) && [\"active\"",
            )
            .replace(
                "Action::\"see:medicines\", Action::\"see:allergies\"",
                "Action::\"see:medicines\", Action::\"see:laboratory\"",
            );
    });
    let found = |how: How| {
        let mut all = stricter.changes.iter().filter(|one| one.how == how);
        let one = all.next().unwrap();
        assert!(all.next().is_none());
        assert_eq!(
            (one.purpose, &one.member),
            (Purpose::Treatment, &id("imss"))
        );
        (one.count, one.examples.clone())
    };
    assert_eq!(found(How::Refused), (1, vec![nurse.clone()]));
    assert_eq!(found(How::Other), (1, vec![pharmacist.clone()]));
    assert_eq!(stricter.changes.len(), 2);

    let wider = under(&|pact| {
        pact.policies = pact
            .policies
            .replace(" &&\n  context.evidence.containsAny([\"admission\", \"appointment\", \"check-in\", \"patient-code\", \"referral\"])", "");
        pact.purposes.clear();
    });
    let count = |how: How| {
        let of = wider.changes.iter().filter(|one| one.how == how);
        of.map(|one| one.count).sum::<u64>()
    };
    assert_eq!((count(How::Allowed), wider.changes.len()), (2, 1));

    // A member that is put out asks no more; only the newest acts are looked at when that is wanted.
    let out = under(&|pact| pact.members.retain(|member| member.id.0 != "imss"));
    assert_eq!(
        out.changes.iter().map(|one| one.count).sum::<u64>(),
        4 + 1 + 4
    );
    let last = node
        .simulate(&by, (*node.pact()).clone(), (1, 5), noon())
        .unwrap();
    assert_eq!((last.decisions, last.not_asked), (0, 1));
    assert_ne!(doctor, nurse);
    assert_eq!(
        node.simulate(
            &actor("imss", Role::Physician),
            (*node.pact()).clone(),
            (1, 1),
            noon()
        )
        .unwrap_err()
        .kind,
        RefusalKind::Pact
    );
}
