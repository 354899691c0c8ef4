use super::*;
use crate::{Category, Lang};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// A member's key, from a seed of one byte repeated.
pub(crate) fn key(id: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(&format!("{id}.example/tejido"), [seed; 32]).unwrap()
}

fn member(id: &str, seed: u8) -> Member {
    Member {
        id: MemberId(id.into()),
        name: format!("Institución {id}"),
        kind: MemberKind::Clinic,
        key: key(id, seed).verifier().to_string(),
        address: format!("{id}.example:7443"),
        public: format!("https://{id}.example"),
        former: vec![],
    }
}

/// A first pact of these members, with the least threshold.
pub(crate) fn pact(members: &[(&str, u8)]) -> Pact {
    Pact {
        network: "Tejido de prueba".into(),
        version: 1,
        previous: String::new(),
        threshold: members.len() / 2 + 1,
        deadline_ms: 2000,
        check_in_minutes: 720,
        appointment_minutes: 240,
        code_minutes: 10,
        word_minutes: None,
        members: members.iter().map(|(id, seed)| member(id, *seed)).collect(),
        policies: "@id(\"nobody-yet\")\nforbid (principal, action, resource);\n".into(),
        purposes: vec![],
        emergency: Some(crate::Emergency::USUAL),
        orders: Some(crate::Orders::USUAL),
        care: Some(crate::Care::USUAL),
        linkage: None,
        seals: None,
        never: vec![],
    }
}

fn signed_by(pact: &Pact, keys: &[SigningKey]) -> String {
    let mut signed = sign(pact, &keys[0]).unwrap();
    for key in &keys[1..] {
        signed = add_signature(&signed, key).unwrap();
    }
    signed
}

const THREE: &[(&str, u8)] = &[("imss", 1), ("issste", 2), ("farmacia", 3)];

fn three() -> Pact {
    pact(THREE)
}
fn keys(of: &[(&str, u8)]) -> Vec<SigningKey> {
    of.iter().map(|(id, seed)| key(id, *seed)).collect()
}
/// A second version after the three.
fn next(members: &[(&str, u8)]) -> Pact {
    Pact {
        version: 2,
        previous: three().hash(),
        deadline_ms: 1500,
        ..pact(members)
    }
}

#[test]
fn a_pact_signed_by_all_its_founders_is_in_force() {
    let signed = signed_by(&three(), &keys(THREE));
    assert_eq!(Pact::founding(&signed), Ok(three()));
    let (opened, signers) = Pact::open(&signed).unwrap();
    assert_eq!(opened, three());
    assert_eq!(
        signers,
        three()
            .members
            .into_iter()
            .map(|m| m.id)
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_founder_that_did_not_sign_is_named() {
    let signed = signed_by(&three(), &keys(&THREE[..2]));
    assert_eq!(
        Pact::founding(&signed),
        Err(PactError::Founders("farmacia".into()))
    );
    assert!(Pact::open(&signed).is_ok());
}

#[test]
fn one_letter_changed_spoils_the_pact() {
    let signed = signed_by(&three(), &keys(THREE));
    let changed = signed.replace("deadline_ms = 2000", "deadline_ms = 2001");
    assert!(matches!(Pact::open(&changed), Err(PactError::Note(_))));
}

#[test]
fn a_pact_nobody_of_its_own_signed_is_nothing() {
    let signed = sign(&three(), &key("extraño", 9)).unwrap();
    assert_eq!(Pact::open(&signed), Err(PactError::Unsigned));
}

#[test]
fn the_same_pact_in_other_bytes_is_refused() {
    let text = three().text().replace("version = 1\n", "version = 1 \n");
    let signed = note::sign(&text, &[&key("imss", 1)]).unwrap();
    assert_eq!(Pact::open(&signed), Err(PactError::Form));
    let text = format!("moreover = 1\n{}", three().text());
    let signed = note::sign(&text, &[&key("imss", 1)]).unwrap();
    assert!(matches!(Pact::open(&signed), Err(PactError::Text(_))));
}

#[test]
fn a_text_is_read_back_as_it_was_whatever_its_quotes() {
    let mut odd = three();
    odd.network = r#"La "red" de \ prueba"#.into();
    for policies in [
        "@id(\"a\")\nforbid (principal, action, resource);\n",
        "// \\ \"\"\" \"\"\"\" \"\n@id(\"a\")\nforbid (principal, action, resource); // \"",
        "\n\n@id(\"a\") forbid (principal, action, resource);\n\n\n",
    ] {
        odd.policies = policies.into();
        assert_eq!(text::read(&odd.text()).unwrap(), odd, "{}", odd.text());
        let signed = sign(&odd, &key("imss", 1)).unwrap();
        assert_eq!(Pact::open(&signed).unwrap().0, odd);
    }
}

#[test]
fn terms_of_comparing_registers_are_read_back_said_and_bounded() {
    let with = |change: &dyn Fn(&mut Linkage)| {
        let mut terms = Linkage::usual();
        change(&mut terms);
        Pact {
            linkage: Some(terms),
            ..three()
        }
    };
    let usual = with(&|_| {});
    assert_eq!(text::read(&usual.text()).unwrap(), usual);
    assert!(!three().text().contains("linkage"));
    let changes = diff(&three(), &usual);
    assert_eq!(changes.len(), 1);
    assert!(
        changes[0].es.contains("2 veces en 365 días"),
        "{}",
        changes[0].es
    );
    assert!(
        changes[0].es.contains("primer apellido"),
        "{}",
        changes[0].es
    );
    let said = |pact: &Pact| {
        describe(pact)
            .iter()
            .any(|one| one.en.contains("compare their registers"))
    };
    assert!(said(&usual) && said(&three()));
    type Change = fn(&mut Linkage);
    let wrong: [(Change, &str); 7] = [
        (|terms| terms.runs = 0, "linkage: runs"),
        (|terms| terms.days = 0, "linkage: days"),
        (|terms| terms.people = 500_001, "linkage: people"),
        (|terms| terms.parts.clear(), "linkage: parts"),
        (|terms| terms.parts.push("face".into()), "linkage: parts"),
        (|terms| terms.parts.push("given".into()), "linkage: parts"),
        (
            |terms| terms.parts = vec!["given\"]".into()],
            "linkage: parts",
        ),
    ];
    for (change, place) in wrong {
        let refused = sign(&with(&change), &key("imss", 1))
            .unwrap_err()
            .to_string();
        assert!(refused.contains(place), "{refused}");
    }
}

prop_compose! {
    /// Random terms of seals, within their bounds.
    pub(crate) fn any_seals()(
        topics in subsequence(Category::ALL[8..].to_vec(), 0..=6),
        silent in subsequence(Category::ALL.to_vec(), 0..5),
        emergency: bool,
    ) -> Seals {
        Seals {
            categories: [Category::ALL[..8].to_vec(), topics].concat(),
            silent,
            emergency,
            ..Seals::usual()
        }
    }
}

proptest! {
    #[test]
    fn terms_of_seals_are_read_back(seals in any_seals()) {
        let pact = Pact { seals: Some(seals), ..three() };
        prop_assert_eq!(text::read(&pact.text()).unwrap(), pact.clone());
        prop_assert_eq!(Pact::draft(&pact.text()), Ok((pact, vec![])));
    }
}

#[test]
fn terms_of_seals_are_said_and_bounded() {
    let with = |change: &dyn Fn(&mut Seals)| {
        let mut terms = Seals::usual();
        change(&mut terms);
        Pact {
            seals: Some(terms),
            ..three()
        }
    };
    let usual = with(&|_| {});
    assert!(!three().text().contains("seals"));
    assert!(
        usual.text().contains("\n[seals]\ntables = [\""),
        "{}",
        usual.text()
    );
    assert!(
        usual
            .text()
            .contains("silent = [\"violence\"]\nemergency = true\n")
    );
    let said = |old: &Pact, new: &Pact| -> Vec<String> {
        let changes = diff(old, new).into_iter();
        changes.map(|one| one.es).collect()
    };
    let first = said(&three(), &usual);
    assert_eq!(first.len(), 4);
    let edition = crate::category::edition();
    assert!(first[0].contains(edition), "{first:?}");
    assert!(
        first[2].ends_with("y nunca de esto: Violencia."),
        "{first:?}"
    );
    // Only what changes is said of a change.
    let stricter = with(&|terms| terms.emergency = false);
    let changes = said(&usual, &stricter);
    assert_eq!(changes.len(), 1);
    assert!(
        changes[0].contains("sólo una emergencia lo abre"),
        "{changes:?}"
    );
    let fewer = with(&|terms| terms.categories.retain(|one| *one != Category::Genetics));
    let changes = said(&usual, &fewer);
    assert!(
        changes[0].contains("Violencia") && !changes[0].contains("Genes"),
        "{changes:?}"
    );
    assert!(said(&usual, &three())[0].contains("no nombra las tablas"));
    let described = describe(&stricter);
    assert!(
        described
            .iter()
            .any(|one| one.en.contains("only an emergency opens it"))
    );

    type Change = fn(&mut Seals);
    let wrong: [(Change, &str); 8] = [
        (|terms| terms.tables.clear(), "seals: tables"),
        (|terms| terms.tables.push("ab".repeat(31)), "seals: tables"),
        (|terms| terms.tables.push("AB".repeat(32)), "seals: tables"),
        (
            |terms| terms.tables = vec!["ab".repeat(32); 2],
            "seals: tables",
        ),
        (
            |terms| terms.tables = (10..19).map(|n| n.to_string().repeat(32)).collect(),
            "seals: tables",
        ),
        (
            |terms| terms.categories.retain(|one| *one != Category::Laboratory),
            "laboratory is missing",
        ),
        (
            |terms| terms.categories.push(Category::Hiv),
            "seals: categories",
        ),
        (
            |terms| terms.silent = vec![Category::Hiv; 2],
            "seals: silent",
        ),
    ];
    for (change, place) in wrong {
        let refused = sign(&with(&change), &key("imss", 1)).unwrap_err();
        assert!(refused.to_string().contains(place), "{refused}");
    }
    // A category that this program does not know is signed by nobody here.
    let unknown = usual
        .text()
        .replace("\"violence\"]\nemergency", "\"dreams\"]\nemergency");
    assert!(Pact::draft(&unknown).is_err());
}

#[test]
fn a_threshold_of_the_members_in_force_makes_the_next_version() {
    let signed = signed_by(&next(THREE), &keys(&THREE[1..]));
    assert_eq!(three().accept(&signed), Ok(next(THREE)));
}

#[test]
fn one_member_alone_can_propose_and_not_impose() {
    let signed = signed_by(&next(THREE), &keys(&THREE[..1]));
    let refused = three().accept(&signed).unwrap_err();
    assert_eq!(
        refused,
        PactError::Threshold {
            have: 1,
            need: 2,
            version: 1,
            missing: "issste, farmacia".into(),
        }
    );
    assert!(
        refused
            .to_string()
            .contains("collect the missing signatures")
    );
}

#[test]
fn signing_twice_counts_once() {
    let once = signed_by(&next(THREE), &keys(&THREE[..1]));
    let line = once.lines().last().unwrap();
    let twice = format!("{once}{line}\n");
    assert!(matches!(
        three().accept(&twice),
        Err(PactError::Threshold { have: 1, .. })
    ));
}

#[test]
fn new_members_cannot_vote_themselves_in() {
    let five = &[
        ("imss", 1),
        ("issste", 2),
        ("farmacia", 3),
        ("uno", 4),
        ("dos", 5),
    ];
    let by_the_new = signed_by(&next(five), &keys(&[("imss", 1), ("uno", 4), ("dos", 5)]));
    assert!(matches!(
        three().accept(&by_the_new),
        Err(PactError::Threshold { have: 1, .. })
    ));
}

#[test]
fn who_joins_must_agree() {
    let four = &[("imss", 1), ("issste", 2), ("farmacia", 3), ("angeles", 4)];
    let without = signed_by(&next(four), &keys(&four[..3]));
    assert_eq!(
        three().accept(&without),
        Err(PactError::Newcomers("angeles".into()))
    );
    let with = signed_by(&next(four), &keys(four));
    assert_eq!(three().accept(&with), Ok(next(four)));
}

#[test]
fn a_new_key_must_sign_for_itself_and_does_not_count_as_the_old_one() {
    let rotated = &[("imss", 1), ("issste", 2), ("farmacia", 8)];
    let with_old = signed_by(&next(rotated), &keys(THREE));
    assert_eq!(
        three().accept(&with_old),
        Err(PactError::Newcomers("farmacia".into()))
    );
    let with_new = signed_by(&next(rotated), &keys(&rotated[1..]));
    assert!(matches!(
        three().accept(&with_new),
        Err(PactError::Threshold { have: 1, .. })
    ));
    let all = signed_by(&next(rotated), &keys(rotated));
    assert_eq!(three().accept(&all), Ok(next(rotated)));
}

#[test]
fn a_member_can_be_put_out_by_the_others() {
    let two = &THREE[..2];
    let signed = signed_by(&next(two), &keys(two));
    assert_eq!(three().accept(&signed), Ok(next(two)));
}

#[test]
fn a_version_that_follows_another_text_is_refused() {
    let mut other = next(THREE);
    other.previous = "0".repeat(64);
    let signed = signed_by(&other, &keys(THREE));
    assert_eq!(three().accept(&signed), Err(PactError::OtherPast(1)));
    let mut far = next(THREE);
    far.version = 3;
    let signed = signed_by(&far, &keys(THREE));
    assert_eq!(
        three().accept(&signed),
        Err(PactError::Version { ours: 1, theirs: 3 })
    );
    let mut elsewhere = next(THREE);
    elsewhere.network = "Otra red".into();
    let signed = signed_by(&elsewhere, &keys(THREE));
    assert_eq!(
        three().accept(&signed),
        Err(PactError::OtherNetwork("Otra red".into()))
    );
}

#[test]
fn a_node_that_was_away_follows_step_by_step() {
    let second = next(THREE);
    let third = Pact {
        version: 3,
        previous: second.hash(),
        code_minutes: 5,
        ..second.clone()
    };
    let first = signed_by(&three(), &keys(THREE));
    let second = signed_by(&second, &keys(THREE));
    let signed_third = signed_by(&third, &keys(THREE));
    let all = [first.as_str(), &second, &signed_third];
    assert_eq!(three().follow(all), Ok(third.clone()));
    assert_eq!(three().follow([]), Ok(three()));
    assert!(three().follow([signed_third.as_str()]).is_err());
}

#[track_caller]
fn invalid(change: impl FnOnce(&mut Pact), place: &str) {
    let mut pact = three();
    change(&mut pact);
    match sign(&pact, &key("imss", 1)) {
        Err(PactError::Invalid { place: at, why }) => {
            assert_eq!(at, place);
            assert!(!why.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pact_out_of_bounds_is_not_signed_and_says_where() {
    invalid(|p| p.threshold = 1, "threshold");
    invalid(|p| p.threshold = 4, "threshold");
    invalid(|p| p.version = 0, "version");
    invalid(|p| p.previous = "0".repeat(64), "previous");
    invalid(|p| p.version = 2, "previous");
    invalid(|p| p.deadline_ms = 0, "deadline_ms");
    invalid(|p| p.deadline_ms = 3_600_000, "deadline_ms");
    invalid(|p| p.check_in_minutes = 0, "check_in_minutes");
    invalid(|p| p.appointment_minutes = u64::MAX, "appointment_minutes");
    invalid(|p| p.code_minutes = 61, "code_minutes");
    invalid(|p| p.network = " ".into(), "network");
    invalid(|p| p.members.clear(), "members");
    invalid(
        |p| p.members[1].id = p.members[0].id.clone(),
        "member imss: id",
    );
    invalid(
        |p| p.members[1].key = p.members[0].key.clone(),
        "member issste: key",
    );
    invalid(
        |p| p.members[1].address = p.members[0].address.to_uppercase(),
        "member issste: address",
    );
    invalid(
        |p| p.members[0].public = "http://imss.example".into(),
        "member imss: public",
    );
    invalid(
        |p| p.members[0].address = "imss.example".into(),
        "member imss: address",
    );
    invalid(
        |p| p.members[0].id = MemberId("IMSS".into()),
        "member \"IMSS\": id",
    );
    invalid(
        |p| p.members[0].key = "imss+0+AAAA".into(),
        "member imss: key",
    );
    invalid(
        |p| p.members[0].name = "IMSS\u{202e}".into(),
        "member imss: name",
    );
}

#[test]
fn a_key_under_two_names_is_still_one_key() {
    invalid(
        |p| p.members[1].key = key("otro", 1).verifier().to_string(),
        "member issste: key",
    );
}

#[test]
fn policies_that_cannot_be_decided_on_are_not_signed() {
    for policies in [
        "",
        "permit (",
        "@id(\"a\")\tpermit (principal, action, resource);",
    ] {
        let mut pact = three();
        pact.policies = policies.into();
        let refused = sign(&pact, &key("imss", 1));
        assert!(
            matches!(refused, Err(PactError::Policies(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn what_a_new_version_changes_is_said_in_words() {
    let mut new = next(&[("imss", 1), ("issste", 7), ("angeles", 4)]);
    new.policies
        .push_str("@id(\"b\")\nforbid (principal, action, resource);\n");
    let changes = diff(&three(), &new);
    let spanish: Vec<&str> = changes.iter().map(|c| c.text(Lang::Es)).collect();
    let [
        key_change,
        dropped,
        joins,
        leaves,
        deadline,
        added,
        again @ ..,
    ] = spanish.as_slice()
    else {
        panic!("{spanish:?}");
    };
    assert!(
        key_change.starts_with("Institución issste cambia de llave: de issste.example/tejido+")
    );
    assert!(dropped.starts_with(
        "Institución issste: nada de lo que firmó con la llave issste.example/tejido+"
    ));
    assert_eq!(*joins, "Entra Institución angeles (angeles).");
    assert_eq!(*leaves, "Sale Institución farmacia (farmacia).");
    assert_eq!(
        *deadline,
        "Milisegundos para contestar: antes 2000, ahora 1500."
    );
    assert_eq!(*added, "Regla que se agrega: @id(\"b\")");
    assert_eq!(
        again,
        ["Regla que se agrega: forbid (principal, action, resource);"]
    );
    assert_eq!(
        changes[2].text(Lang::En),
        "Institución angeles (angeles) joins."
    );
    assert!(diff(&three(), &three()).is_empty());
}

fn former(id: &str, seed: u8, until: &str) -> FormerKey {
    FormerKey {
        key: key(id, seed).verifier().to_string(),
        until: until.parse().unwrap(),
    }
}

/// A second version in which a member has a new key, and names these as its former ones.
fn rekeyed(formers: Vec<FormerKey>) -> Result<Pact, PactError> {
    let members = &[("imss", 1), ("issste", 2), ("farmacia", 8)];
    let mut second = next(members);
    second.members[2].former = formers;
    sign(&second, &key("imss", 1))?;
    let mut all = keys(members);
    all.push(key("farmacia", 3));
    three().accept(&signed_by(&second, &all))
}

#[test]
fn a_member_names_its_former_key_and_no_other() {
    let time = "2026-11-30T00:00:00Z";
    let taken = rekeyed(vec![former("farmacia", 3, time)]).unwrap();
    let at = |time: &str| taken.members[2].keys_at(time.parse().unwrap()).count();
    assert_eq!((at(time), at("2026-11-30T00:00:01Z")), (2, 1));
    assert!(rekeyed(vec![]).is_ok());
    let refused = |formers: Vec<FormerKey>, says: &str| {
        let error = rekeyed(formers).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    refused(
        vec![former("farmacia", 7, time)],
        "does not have it as this member's key",
    );
    refused(vec![former("imss", 3, time)], "another name");
    refused(
        vec![former("farmacia", 8, time)],
        "stands twice, or is the present key",
    );
    refused(
        vec![former("farmacia", 3, time), former("farmacia", 3, time)],
        "stands twice",
    );

    // A third version may shorten what a former key is good for, and drop it, but not lengthen it.
    let third = |until: Option<&str>| {
        let mut third = Pact {
            version: 3,
            previous: taken.hash(),
            ..taken.clone()
        };
        third.members[2].former = until
            .into_iter()
            .map(|t| former("farmacia", 3, t))
            .collect();
        taken.accept(&signed_by(&third, &keys(&THREE[..2]))).is_ok()
    };
    assert!(third(None) && third(Some(time)) && third(Some("2026-11-29T00:00:00Z")));
    assert!(!third(Some("2026-12-01T00:00:00Z")));

    let mut founding = three();
    founding.members[0].former = vec![former("imss", 9, time)];
    let signed = signed_by(&founding, &keys(THREE));
    assert!(
        Pact::founding(&signed)
            .unwrap_err()
            .to_string()
            .contains("has none")
    );
}

#[test]
fn nobody_takes_a_former_key_of_another_for_its_own() {
    let mut pact = three();
    pact.members[0].former = vec![former("imss", 2, "2026-11-30T00:00:00Z")];
    let refused = sign(&pact, &key("imss", 1)).unwrap_err().to_string();
    assert!(refused.contains("another member has the same"), "{refused}");
}

#[test]
fn purposes_and_former_keys_come_back_from_the_text() {
    let mut pact = next(THREE);
    pact.purposes = usual();
    pact.members[1].former = vec![former("issste", 7, "2026-11-30T06:00:00.5Z")];
    assert_eq!(text::read(&pact.text()).unwrap(), pact, "{}", pact.text());
    assert!(
        pact.text()
            .contains("\n[[purposes]]\npurpose = \"HOPERAT\"\nevidence = []\n")
    );
    // A pact without them is written as it was before there were any.
    assert!(!three().text().contains("purposes") && !three().text().contains("former"));
    invalid(
        |p| p.purposes = [usual(), usual()].concat(),
        "purpose TREAT",
    );
    invalid(
        |p| {
            p.purposes = usual();
            let first = p.purposes[0].evidence[0];
            p.purposes[0].evidence.push(first);
        },
        "purpose TREAT",
    );
}

#[test]
fn what_is_never_opened_stands_in_every_pact_named_or_not() {
    let mut pact = three();
    assert_eq!(pact.never(), NEVER);
    assert!(!pact.text().contains("never"));
    pact.purposes = usual();
    pact.never = vec![Purpose::Employment, Purpose::Underwriting, Purpose::Payment];
    let text = pact.text();
    assert!(
        text.contains("\nnever = [\"EMPLOYMENT\", \"UNDERWRITING\", \"HPAYMT\"]\n"),
        "{text}"
    );
    assert_eq!(text::read(&text).unwrap(), pact);
    let said: Vec<String> = describe(&pact)
        .iter()
        .map(|one| one.text(Lang::En).to_owned())
        .collect();
    let payment = "For payment (HPAYMT) nothing is ever opened, not even with the person's leave.";
    assert!(said.iter().any(|one| one == payment), "{said:?}");
    let added = diff(&three(), &pact);
    assert!(added.iter().any(|one| one.text(Lang::En) == payment));
    // Neither can be left out, and nothing of it agreed on.
    invalid(|p| p.never = vec![Purpose::Employment], "never");
    let agreed = |purpose| Agreed {
        purpose,
        evidence: vec![],
    };
    invalid(
        |p| p.purposes = vec![agreed(Purpose::Underwriting)],
        "purposes",
    );
    invalid(
        |p| {
            p.purposes = vec![agreed(Purpose::Payment)];
            p.never = [NEVER.to_vec(), vec![Purpose::Payment]].concat();
        },
        "purposes",
    );
}

#[test]
fn a_pact_says_who_may_work_in_whose_name() {
    let says = |policies: &str| {
        let pact = Pact {
            policies: policies.into(),
            ..three()
        };
        let said = describe(&pact).into_iter();
        let mut said = said.filter(|one| one.es.contains("trabaja"));
        said.next().unwrap()
    };
    let known = says(crate::policy::DEFAULT);
    assert_eq!(
        (known.es.as_str(), known.en.as_str()),
        (
            "En nombre de una médica pueden trabajar una médica, una enfermera y la recepción.",
            "In the name of a physician may work a physician, a nurse and the desk."
        )
    );
    let none = says("@id(\"none\") forbid (principal, action, resource);");
    assert_eq!(none.en, "Nobody works in another one's name.");
}

#[test]
fn a_draft_is_read_with_and_without_signatures() {
    let text = three().text();
    assert_eq!(Pact::draft(&text), Ok((three(), vec![])));
    let signed = signed_by(&three(), &keys(&THREE[..1]));
    assert_eq!(
        Pact::draft(&signed),
        Ok((three(), vec![MemberId("imss".into())]))
    );
    let stranger = sign(&three(), &key("otro", 9)).unwrap();
    assert_eq!(Pact::draft(&stranger), Ok((three(), vec![])));
    assert_eq!(
        Pact::draft(&text.replace(" = ", "  = ")),
        Err(PactError::Form)
    );
    let forged = signed.replace("deadline_ms = 2000", "deadline_ms = 2001");
    assert!(matches!(Pact::draft(&forged), Err(PactError::Note(_))));
    assert!(matches!(Pact::draft("no pact"), Err(PactError::Note(_))));
}

#[test]
fn a_pact_is_described_by_what_its_policies_answer() {
    let said = |pact: &Pact, lang: Lang| {
        let sentences = describe(pact);
        let texts: Vec<&str> = sentences.iter().map(|one| one.text(lang)).collect();
        texts.join("\n")
    };
    let mut usual_pact = three();
    usual_pact.policies = crate::policy::DEFAULT.into();
    usual_pact.purposes = usual();
    let english = said(&usual_pact, Lang::En);
    for line in [
        "A change needs 2 signatures of 3.",
        "For care (TREAT) it needs: a check-in or an appointment or a patient's code or an admission or a referral.",
        "An admission is good until the discharge, and 14 days at most unless it is renewed; a referral is good for the institution that it goes to, 60 days from when it was written.",
        "For the institution's own work (HOPERAT) no evidence is needed.",
        "A physician: reads, writes, dispenses, registers, receives and finds; sees everything.",
        "The desk: registers, receives and finds.",
        "Institución imss (imss), clinic: node imss.example:7443, pages https://imss.example.",
    ] {
        assert!(
            english.lines().any(|said| said == line),
            "{line}\n{english}"
        );
    }
    let spanish = said(&usual_pact, Lang::Es);
    assert!(
        spanish.contains(
            "Una farmacéutica: lee, surte, registra, recibe y busca; ve Medicinas, Alergias,"
        ),
        "{spanish}"
    );
    let closed = said(&three(), Lang::En);
    assert!(closed.contains("A nurse: does nothing."), "{closed}");
    assert!(closed.contains("names no purposes"), "{closed}");
}

#[test]
fn terms_of_stays_and_referrals_are_read_back_said_and_bounded() {
    let with = |care: Option<crate::Care>| Pact { care, ..three() };
    let (none, usual_terms) = (with(None), with(Some(crate::Care::USUAL)));
    assert!(!none.text().contains("care"), "{}", none.text());
    assert_eq!(text::read(&usual_terms.text()).unwrap(), usual_terms);
    assert_eq!(text::read(&none.text()).unwrap(), none);
    let said = |old: &Pact, new: &Pact| -> Vec<String> {
        diff(old, new).into_iter().map(|one| one.es).collect()
    };
    let added = said(&none, &usual_terms);
    assert!(
        added.len() == 1 && added[0].contains("14 días"),
        "{added:?}"
    );
    let gone = said(&usual_terms, &none);
    assert!(gone[0].contains("abren nada"), "{gone:?}");
    type Change = fn(&mut Pact);
    let wrong: [(Change, &str); 4] = [
        (
            |p| p.care.as_mut().unwrap().admission_days = 0,
            "care: admission_days",
        ),
        (
            |p| p.care.as_mut().unwrap().admission_days = 61,
            "care: admission_days",
        ),
        (
            |p| p.care.as_mut().unwrap().referral_days = 181,
            "care: referral_days",
        ),
        (
            |p| {
                p.care = None;
                p.purposes = usual();
            },
            "purpose TREAT",
        ),
    ];
    for (change, place) in wrong {
        invalid(change, place);
    }
}

#[test]
fn a_change_of_purposes_and_keys_is_said_in_words() {
    let mut old = three();
    old.purposes = usual();
    let mut new = old.clone();
    new.purposes.remove(1);
    new.purposes[0].evidence.pop();
    new.members[0].key = key("imss", 9).verifier().to_string();
    new.members[0].former = vec![former("imss", 1, "2026-11-30T00:00:00Z")];
    let changes = diff(&old, &new);
    let english: Vec<&str> = changes.iter().map(|one| one.text(Lang::En)).collect();
    assert!(english[0].starts_with("Institución imss changes its key:"));
    assert_eq!(
        english[1..],
        [
            "Institución imss: what it signed with its former key up to 2026-11-30T00:00:00Z still counts.",
            "For care (TREAT) it needs: a check-in or an appointment or a patient's code or an admission.",
            "Nothing is opened any more for what the person herself asks (PATRQT).",
        ]
    );
    assert!(
        diff(&old, &three())[0]
            .text(Lang::Es)
            .contains("ya no nombra motivos")
    );
}
