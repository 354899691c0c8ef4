use super::*;
use crate::category::{EVERYTHING, IDENTITY};
use crate::pact::tests::any_seals;
use crate::{Lang, Seals};
use fhir::obj;
use proptest::prelude::*;
use store::Labels;

mod parts;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
fn member(id: &str) -> MemberId {
    MemberId(id.into())
}
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
fn word(rules: Vec<Rule>) -> Word {
    Word {
        person: Tag([7; 32]),
        version: 3,
        rules,
        wishes: Vec::new(),
        represented_by: Vec::new(),
        born: None,
        said: at("2026-11-20T18:00:00Z"),
        author: member("imss"),
    }
}

/// Dr. Ruiz at the pharmacy, for treatment, at noon of 22 November 2026.
fn seen_by_ruiz(rules: &[Rule]) -> Hidden {
    seen_by_ruiz_for(rules, Purpose::Treatment)
}

fn seen_by_ruiz_for(rules: &[Rule], purpose: Purpose) -> Hidden {
    seen_by_ruiz_when(rules, None, purpose, &|_, _| false)
}

fn seen_by_ruiz_under(rules: &[Rule], seals: &Seals) -> Hidden {
    seen_by_ruiz_when(rules, Some(seals), Purpose::Treatment, &|_, _| false)
}

fn seen_by_ruiz_when(
    rules: &[Rule],
    seals: Option<&Seals>,
    purpose: Purpose,
    spent: &dyn Fn(&str, &Frequency) -> bool,
) -> Hidden {
    let pharmacy = member("farmacia");
    let viewer = Viewer {
        member: &pharmacy,
        kind: MemberKind::Pharmacy,
        role: Role::Physician,
        actor: "ruiz",
        herself: false,
        acting: None,
    };
    let now = at("2026-11-22T18:00:00Z");
    let word = word(rules.to_vec());
    hidden_when(Some(&word), seals, &viewer, purpose, now, spent)
}

const MENTAL: &[Category] = &[Category::MentalHealth];

#[test]
fn a_seal_spares_what_could_save_a_life_unless_it_insists() {
    let seal = |insist| Rule {
        insist,
        ..rule("r", false, Who::Everyone, &[])
    };
    let all = EVERYTHING.with(IDENTITY);
    let kinder = seen_by_ruiz(&[seal(false)]);
    assert_eq!((kinder.labels, kinder.held), (all, Labels(0)));
    let harder = seen_by_ruiz(&[seal(true)]);
    assert_eq!((harder.labels, harder.held), (all, all));
    // Not for care: a seal is a seal.
    let studied = seen_by_ruiz_for(&[seal(false)], Purpose::Research);
    assert_eq!((studied.labels, studied.held), (all, all));
    // In an emergency only what insists is a seal.
    let emergency = |insist| seen_by_ruiz_for(&[seal(insist)], Purpose::Emergency);
    assert_eq!(emergency(false), Hidden::default());
    assert_eq!(emergency(true).labels, all);
    // Words that were signed before there was a flag are what they were.
    let canonical = String::from_utf8(word(vec![seal(false)]).canonical()).unwrap();
    assert!(!canonical.contains("insist"), "{canonical}");
}

#[test]
fn without_rules_all_is_open() {
    assert_eq!(seen_by_ruiz(&[]), Hidden::default());
}

#[test]
fn a_topic_closed_to_pharmacies_is_hidden_there_and_nothing_else() {
    let rules = [rule("1", false, Who::Kind(MemberKind::Pharmacy), MENTAL)];
    let seen = seen_by_ruiz(&rules);
    assert_eq!(seen.labels, Category::MentalHealth.bit());
    assert_eq!(seen.rules, ["1"]);
    assert!(!seen.hint);
    let rules = [rule("1", false, Who::Kind(MemberKind::Insurer), MENTAL)];
    assert_eq!(seen_by_ruiz(&rules), Hidden::default());
}

#[test]
fn the_more_exact_name_wins_and_equal_names_stay_closed() {
    let ruiz = Who::Actor(member("farmacia"), "ruiz".into());
    let from_broad_to_exact = [
        Who::Everyone,
        Who::Kind(MemberKind::Pharmacy),
        Who::Role(Role::Physician),
        Who::Member(member("farmacia")),
        ruiz,
    ];
    for (c, closing) in from_broad_to_exact.iter().enumerate() {
        for (o, opening) in from_broad_to_exact.iter().enumerate() {
            let rules = [
                rule("open", true, opening.clone(), &[]),
                rule("close", false, closing.clone(), MENTAL),
            ];
            let is_open = seen_by_ruiz(&rules).labels == Labels(0);
            assert_eq!(
                is_open,
                o > c,
                "closed for {closing:?}, opened for {opening:?}"
            );
        }
    }
}

#[test]
fn a_rule_ends_at_its_very_moment() {
    let until = |time: &str| {
        let mut rule = rule("1", false, Who::Everyone, MENTAL);
        rule.until = Some(at(time));
        seen_by_ruiz(&[rule]).labels != Labels(0)
    };
    assert!(until("2026-11-22T18:00:01Z"));
    assert!(!until("2026-11-22T18:00:00Z"));
}

#[test]
fn a_rule_for_a_purpose_says_nothing_of_another() {
    let mut closing = rule("1", false, Who::Everyone, &[]);
    closing.purpose = Some(Purpose::Research);
    assert_eq!(seen_by_ruiz(&[closing.clone()]), Hidden::default());
    closing.purpose = Some(Purpose::Treatment);
    assert_ne!(seen_by_ruiz(&[closing]), Hidden::default());
}

#[test]
fn who_closes_everything_is_not_even_known_there() {
    let all = rule("1", false, Who::Everyone, &[]);
    let seen = seen_by_ruiz(std::slice::from_ref(&all));
    assert_eq!(seen.labels, EVERYTHING.with(IDENTITY));
    let medicines = rule(
        "2",
        true,
        Who::Role(Role::Physician),
        &[Category::Medicines],
    );
    let seen = seen_by_ruiz(&[all, medicines]);
    assert_eq!(seen.labels.0, EVERYTHING.0 & !Category::Medicines.bit().0);
}

#[test]
fn a_hint_is_given_only_if_every_rule_that_hides_allows_it() {
    let mut said = rule("1", false, Who::Everyone, MENTAL);
    said.hint = true;
    let silent = rule("2", false, Who::Everyone, &[Category::Hiv]);
    assert!(seen_by_ruiz(std::slice::from_ref(&said)).hint);
    assert!(!seen_by_ruiz(&[said.clone(), silent]).hint);
    // A silent rule that hides nothing from this doctor keeps nothing silent.
    let elsewhere = rule("3", false, Who::Role(Role::Nurse), MENTAL);
    assert!(seen_by_ruiz(&[said, elsewhere]).hint);
}

#[test]
fn of_what_the_pact_keeps_silent_no_hint_is_given() {
    let seals = Seals {
        silent: vec![Category::Violence],
        ..Seals::usual()
    };
    let said = |id: &str, what: &[Category]| Rule {
        hint: true,
        ..rule(id, false, Who::Everyone, what)
    };
    let hints = |rules: &[Rule]| seen_by_ruiz_under(rules, &seals).hint;
    let violence = said("1", &[Category::Violence]);
    assert!(seen_by_ruiz(std::slice::from_ref(&violence)).hint);
    assert!(!hints(std::slice::from_ref(&violence)));
    // Of the rest it is told, said in one rule or in two.
    assert!(hints(&[violence, said("2", MENTAL)]));
    assert!(hints(&[said(
        "1",
        &[Category::Violence, Category::MentalHealth]
    )]));
    assert!(hints(&[said("1", &[])]));
    // What a rule names by its label alone is that topic too.
    let labelled = |codes: &[&str]| Rule {
        part: Part {
            labels: codes
                .iter()
                .map(|code| Label {
                    system: part::ACT_CODE.into(),
                    code: (*code).into(),
                })
                .collect(),
            ..Part::default()
        },
        ..said("1", &[Category::Visits])
    };
    assert!(!hints(&[labelled(&["SDV"])]));
    assert!(hints(&[labelled(&["SDV", "PSY"])]));
    assert!(seals.lets_tell(&said("1", &[])) && seals.lets_tell(&labelled(&["SDV", "PSY"])));
    assert!(!seals.lets_tell(&labelled(&["SDV"])));
    assert_eq!(seals.kept_silent(&said("1", &[])), [Category::Violence]);
    assert_eq!(seals.kept_silent(&rule("1", false, Who::Everyone, &[])), []);
}

#[test]
fn where_the_pact_spares_nothing_a_seal_holds_for_what_could_save_a_life_too() {
    let seals = Seals {
        emergency: false,
        ..Seals::usual()
    };
    let all = [rule("r", false, Who::Everyone, &[])];
    let seen = seen_by_ruiz_under(&all, &seals);
    assert_eq!(seen.held, EVERYTHING.with(IDENTITY));
    // Broken glass opens it as ever.
    let emergency = seen_by_ruiz_when(&all, Some(&seals), Purpose::Emergency, &|_, _| false);
    assert_eq!(emergency, Hidden::default());
}

#[test]
fn the_person_herself_sees_all() {
    let imss = member("imss");
    let herself = Viewer {
        member: &imss,
        kind: MemberKind::PublicInstitution,
        role: Role::Patient,
        actor: "ana",
        herself: true,
        acting: None,
    };
    let word = word(vec![rule("1", false, Who::Everyone, &[])]);
    let now = at("2026-11-22T18:00:00Z");
    let seen = hidden(Some(&word), None, &herself, Purpose::OwnRequest, now);
    assert_eq!(seen, Hidden::default());
}

fn any_who() -> impl Strategy<Value = Who> {
    prop_oneof![
        Just(Who::Everyone),
        Just(Who::Kind(MemberKind::Pharmacy)),
        Just(Who::Kind(MemberKind::Insurer)),
        Just(Who::Role(Role::Physician)),
        Just(Who::Role(Role::Nurse)),
        Just(Who::Member(member("farmacia"))),
        Just(Who::Member(member("imss"))),
        Just(Who::Actor(member("farmacia"), "ruiz".into())),
        Just(Who::Actor(member("imss"), "ruiz".into())),
    ]
}

prop_compose! {
    fn any_rule()(
        id in 0u32..1000,
        allow: bool,
        who in any_who(),
        what in proptest::sample::subsequence(Category::ALL.to_vec(), 0..4),
        purpose in prop_oneof![
            Just(None), Just(Some(Purpose::Treatment)), Just(Some(Purpose::Research))
        ],
        until in prop_oneof![
            Just(None),
            Just(Some("2026-11-22T18:00:00Z")),
            Just(Some("2026-11-23T00:00:00Z"))
        ],
        hint: bool,
        insist: bool,
    ) -> Rule {
        Rule { id: id.to_string(), allow, who, what, purpose, until: until.map(at), hint, insist, ..Rule::default() }
    }
}

/// How exactly a rule names Dr. Ruiz.
fn rank(rule: &Rule) -> Option<u8> {
    match &rule.who {
        Who::Actor(m, a) if m.0 == "farmacia" && a == "ruiz" => Some(5),
        Who::Member(m) if m.0 == "farmacia" => Some(4),
        Who::Role(Role::Physician) => Some(3),
        Who::Kind(MemberKind::Pharmacy) => Some(2),
        Who::Everyone => Some(1),
        _ => None,
    }
}

/// Whether a rule says anything of a category to Dr. Ruiz now.
fn is_live(rule: &Rule, category: Category) -> bool {
    (rule.what.is_empty() || rule.what.contains(&category))
        && rank(rule).is_some()
        && rule.purpose != Some(Purpose::Research)
        && rule.until != Some(at("2026-11-22T18:00:00Z"))
}

/// The law once more, as slowly and plainly as it can be said: for every closing rule, is there an allowing rule that
/// beats it?
fn is_closed_by_the_book(rules: &[Rule], category: Category) -> bool {
    let live = |rule: &&Rule| is_live(rule, category);
    rules
        .iter()
        .filter(live)
        .filter(|r| !r.allow)
        .any(|closing| {
            !rules
                .iter()
                .filter(live)
                .any(|opening| opening.allow && rank(opening) > rank(closing))
        })
}

/// The law of hints: of something closed the pact lets be told, and nobody who closes what is closed wants silence.
fn is_told_by_the_book(rules: &[Rule], seals: &Seals) -> bool {
    let mut closed = Category::ALL.to_vec();
    closed.retain(|one| is_closed_by_the_book(rules, *one));
    let wants_silence = |rule: &Rule| {
        let closes = closed.iter().any(|category| is_live(rule, *category));
        !rule.allow && !rule.hint && closes
    };
    !rules.iter().any(wants_silence) && closed.iter().any(|one| !seals.silent.contains(one))
}

fn within(narrow: Labels, wide: Labels) -> bool {
    narrow.0 & !wide.0 == 0
}

proptest! {
    #[test]
    fn what_is_hidden_is_what_the_book_says(rules in proptest::collection::vec(any_rule(), 0..8)) {
        let seen = seen_by_ruiz(&rules);
        for category in Category::ALL {
            prop_assert_eq!(
                seen.labels.meets(category.bit()),
                is_closed_by_the_book(&rules, category),
                "{:?} under {:?}", category, rules
            );
        }
    }

    #[test]
    fn one_more_closing_rule_never_shows_more(
        rules in proptest::collection::vec(any_rule(), 0..8),
        mut closing in any_rule(),
        place in 0usize..8,
    ) {
        closing.allow = false;
        let mut more = rules.clone();
        more.insert(place.min(rules.len()), closing);
        let (before, after) = (seen_by_ruiz(&rules), seen_by_ruiz(&more));
        prop_assert!(within(before.labels, after.labels));
        prop_assert!(within(before.held, after.held));
        prop_assert!(within(after.held, after.labels));
    }

    #[test]
    fn what_is_held_is_what_those_that_insist_close(rules in proptest::collection::vec(any_rule(), 0..8)) {
        let insisting: Vec<Rule> = rules.iter().filter(|rule| rule.allow || rule.insist).cloned().collect();
        let held = seen_by_ruiz(&rules).held;
        for category in Category::ALL {
            prop_assert_eq!(
                held.meets(category.bit()),
                is_closed_by_the_book(&insisting, category),
                "{:?} under {:?}", category, rules
            );
        }
        // In an emergency nothing else closes.
        let rules: Vec<Rule> = rules.into_iter().filter(|rule| rule.purpose.is_none()).collect();
        let emergency = seen_by_ruiz_for(&rules, Purpose::Emergency);
        prop_assert_eq!(emergency.labels, emergency.held);
        prop_assert_eq!(emergency.held, seen_by_ruiz(&rules).held);
    }

    #[test]
    fn under_a_pact_with_seals_the_book_is_followed_and_nobody_is_shown_or_told_more(
        rules in proptest::collection::vec(any_rule(), 0..8),
        seals in any_seals(),
        silent in proptest::sample::subsequence(Category::ALL.to_vec(), 0..4),
    ) {
        let (without, under) = (seen_by_ruiz(&rules), seen_by_ruiz_under(&rules, &seals));
        prop_assert_eq!(under.labels, without.labels);
        let held = if seals.emergency { without.held } else { without.labels };
        prop_assert_eq!(under.held, held);
        prop_assert_eq!(under.hint, is_told_by_the_book(&rules, &seals), "{:?}", rules);
        prop_assert!(without.hint || !under.hint);
        // Nor does a pact that keeps more silent, or spares nothing.
        let narrower = Seals {
            silent: [seals.silent.clone(), silent].concat(),
            emergency: false,
            ..seals
        };
        let narrow = seen_by_ruiz_under(&rules, &narrower);
        prop_assert!(under.hint || !narrow.hint);
        prop_assert!(within(under.held, narrow.held));
    }

    #[test]
    fn under_any_seals_one_more_closing_rule_never_shows_more(
        rules in proptest::collection::vec(any_rule(), 0..8),
        closing in any_rule(),
        seals in any_seals(),
    ) {
        let more = [rules.clone(), vec![Rule { allow: false, ..closing }]].concat();
        let (before, after) = (seen_by_ruiz_under(&rules, &seals), seen_by_ruiz_under(&more, &seals));
        prop_assert!(within(before.labels, after.labels));
        prop_assert!(within(before.held, after.held));
    }

    #[test]
    fn one_allowing_rule_less_never_shows_more(
        rules in proptest::collection::vec(any_rule(), 1..8),
        place in 0usize..8,
    ) {
        let place = place % rules.len();
        prop_assume!(rules[place].allow);
        let mut fewer = rules.clone();
        fewer.remove(place);
        let (before, after) = (seen_by_ruiz(&rules), seen_by_ruiz(&fewer));
        prop_assert!(within(before.labels, after.labels));
        prop_assert!(within(before.held, after.held));
    }

    #[test]
    fn the_order_of_rules_means_nothing(rules in proptest::collection::vec(any_rule(), 0..8)) {
        let mut turned = rules.clone();
        turned.reverse();
        let (one, other) = (seen_by_ruiz(&rules), seen_by_ruiz(&turned));
        prop_assert_eq!(one.labels, other.labels);
        prop_assert_eq!(one.hint, other.hint);
    }
}

fn signed_by_imss(rules: Vec<Rule>) -> (SignedWord, Pact) {
    let key = crate::pact::tests::key("imss", 1);
    let pact = crate::pact::tests::pact(&[("imss", 1), ("farmacia", 2)]);
    (SignedWord::sign(word(rules), &key), pact)
}

#[test]
fn a_word_is_good_under_its_authors_key_and_no_other() {
    let (signed, pact) = signed_by_imss(vec![rule("1", false, Who::Everyone, MENTAL)]);
    assert_eq!(signed.verify(&pact), Ok(()));

    let mut changed = signed.clone();
    changed.word.rules.clear();
    assert_eq!(
        changed.verify(&pact),
        Err(WordError::Signature(member("imss")))
    );

    let mut claimed = signed.clone();
    claimed.word.author = member("farmacia");
    assert_eq!(
        claimed.verify(&pact),
        Err(WordError::Signature(member("farmacia")))
    );

    let mut stranger = signed.clone();
    stranger.word.author = member("nadie");
    assert_eq!(
        stranger.verify(&pact),
        Err(WordError::Stranger(member("nadie")))
    );

    let mut broken = signed;
    broken.signature = "no es base64".into();
    assert_eq!(
        broken.verify(&pact),
        Err(WordError::Signature(member("imss")))
    );
}

#[test]
fn a_word_survives_the_way_to_another_member() {
    let mut closing = rule(
        "1",
        false,
        Who::Actor(member("farmacia"), "ruiz".into()),
        MENTAL,
    );
    closing.until = Some(at("2027-03-03T06:00:00.5Z"));
    closing.purpose = Some(Purpose::Treatment);
    let (signed, pact) = signed_by_imss(vec![closing]);
    let sent = serde_json::to_string(&signed).unwrap();
    let heard: SignedWord = serde_json::from_str(&sent).unwrap();
    assert_eq!(heard, signed);
    assert_eq!(heard.verify(&pact), Ok(()));
}

#[test]
fn rules_keep_their_bounds() {
    let many: Vec<Rule> = (0..101)
        .map(|n| rule(&n.to_string(), false, Who::Everyone, &[]))
        .collect();
    assert_eq!(check_rules(&many), Err(WordError::TooMany(101)));
    assert_eq!(check_rules(&many[..100]), Ok(()));
    let same = [many[0].clone(), many[0].clone()];
    assert!(
        check_rules(&same)
            .unwrap_err()
            .to_string()
            .contains("same name")
    );
    let nameless = rule("", false, Who::Everyone, &[]);
    assert!(check_rules(&[nameless]).is_err());
    let twice = rule("1", false, Who::Everyone, &[Category::Hiv, Category::Hiv]);
    assert!(check_rules(&[twice]).is_err());
    let nobody = rule("1", false, Who::Member(member("")), &[]);
    assert!(check_rules(&[nobody]).is_err());
}

fn names(member: &MemberId, actor: Option<&str>) -> String {
    match (member.0.as_str(), actor) {
        ("farmacia", None) => "Farmacia del Centro".into(),
        ("farmacia", Some("ruiz")) => "la Dra. Ana Ruiz".into(),
        (other, _) => other.to_uppercase(),
    }
}

#[test]
fn rules_read_as_sentences() {
    let mut pharmacies = rule("1", false, Who::Kind(MemberKind::Pharmacy), MENTAL);
    pharmacies.until = Some(at("2027-03-03T18:00:00Z"));
    pharmacies.hint = true;
    let cases = [
        (
            pharmacies,
            "Las farmacias no pueden ver tu salud mental hasta el 3 de marzo de 2027. Sabrán que guardas algo.",
            "Pharmacies cannot see your mental health until 3 March 2027. They will know that you keep something back.",
        ),
        (
            rule(
                "2",
                false,
                Who::Everyone,
                &[Category::Hiv, Category::Violence],
            ),
            "Nadie puede ver tus datos de VIH ni tus datos de violencia.",
            "No one can see your HIV data or your violence data.",
        ),
        (
            rule("3", false, Who::Everyone, &[]),
            "Nadie puede ver nada de tu historia.",
            "No one can see anything of your history.",
        ),
        (
            rule(
                "4",
                true,
                Who::Actor(member("farmacia"), "ruiz".into()),
                &[],
            ),
            "La Dra. Ana Ruiz, de Farmacia del Centro, sí puede ver toda tu historia.",
            "La Dra. Ana Ruiz, of Farmacia del Centro, can see all of your history.",
        ),
        (
            rule(
                "5",
                false,
                Who::Member(member("imss")),
                &[Category::Medicines],
            ),
            "IMSS no puede ver tus medicinas.",
            "IMSS cannot see your medicines.",
        ),
        (
            rule("6", true, Who::Everyone, &[Category::Allergies]),
            "Todos sí pueden ver tus alergias.",
            "Everyone can see your allergies.",
        ),
    ];
    for (rule, es, en) in cases {
        assert_eq!(rule.sentence(Lang::Es, &names), es);
        assert_eq!(rule.sentence(Lang::En, &names), en);
    }
}

#[test]
fn a_word_is_a_consent_that_r4_takes() {
    let mut exact = rule(
        "r-2",
        true,
        Who::Actor(member("farmacia"), "ruiz".into()),
        MENTAL,
    );
    exact.purpose = Some(Purpose::Treatment);
    exact.until = Some(at("2027-03-03T18:00:00Z"));
    let rules = vec![
        rule("r-1", false, Who::Everyone, &[]),
        exact,
        rule("r-3", false, Who::Role(Role::Nurse), &[Category::Medicines]),
        rule("r-4", false, Who::Kind(MemberKind::Pharmacy), MENTAL),
        rule("r-5", false, Who::Member(member("imss")), MENTAL),
    ];
    for rules in [rules, vec![]] {
        let consent = to_consent(&word(rules.clone()), obj! { "reference" => "Patient/17" });
        let checked = fhir::check(&consent).map(|of| of.name());
        assert_eq!(checked, Ok("Consent"), "{consent}");
        let nested = consent.path("provision.provision");
        assert_eq!(nested.map_or(0, |n| n.items().len()), rules.len());
    }
}

/// Who opens everything to the pharmacy's doctors twice a week, and wants it erased by December.
fn on_terms() -> Rule {
    let terms = Terms {
        frequency: Some(Frequency {
            times: 2,
            per: Per::Week,
        }),
        erase_at: Some(at("2026-12-01T06:00:00Z")),
    };
    Rule {
        terms,
        ..rule("twice", true, Who::Member(member("farmacia")), &[])
    }
}

#[test]
fn a_grant_that_is_used_up_opens_nothing_and_says_which_it_is() {
    let closed = rule("all", false, Who::Everyone, &[]);
    let rules = [closed.clone(), on_terms()];
    let open = seen_by_ruiz(&rules);
    assert_eq!((open.labels, open.under.len()), (Labels(0), 1));
    assert_eq!(open.under[0].name, "twice");
    let spent = |name: &str, often: &Frequency| name == "twice" && often.times == 2;
    let closed_again = seen_by_ruiz_when(&rules, None, Purpose::Treatment, &spent);
    assert_eq!(closed_again.labels, EVERYTHING.with(IDENTITY));
    assert_eq!((closed_again.under.len(), closed_again.spent.len()), (0, 1));
    // What is open without it is no use of it.
    let plain = rule("plain", true, Who::Member(member("farmacia")), &[]);
    let seen = seen_by_ruiz(&[closed, on_terms(), plain]);
    assert!(seen.under.is_empty());
}

#[test]
fn terms_read_as_sentences_and_come_back_from_a_consent() {
    let said = on_terms().sentence(Lang::Es, &names);
    assert_eq!(
        said,
        "Farmacia del Centro sí puede ver toda tu historia. Cada institución, 2 veces a la semana. \
         Lo que reciban se borra a más tardar el 1 de diciembre de 2026; desde entonces no abre nada."
    );
    let closing = Rule {
        unless: vec![Unless {
            terms: on_terms().terms,
            ..Unless::default()
        }],
        ..rule("all", false, Who::Everyone, &[])
    };
    let rules = vec![closing, on_terms()];
    let consent = to_consent(&word(rules.clone()), obj! { "reference" => "Patient/17" });
    assert_eq!(fhir::check(&consent).map(|of| of.name()), Ok("Consent"));
    struct Nobody;
    impl Names for Nobody {
        fn who(&self, _: &fhir::Value) -> Option<Vec<Who>> {
            None
        }
        fn purpose(&self, _: &str, _: &str) -> Option<Purpose> {
            None
        }
        fn is_member(&self, _: &MemberId) -> bool {
            true
        }
        fn kept(&self, _: &str) -> Option<String> {
            None
        }
    }
    assert_eq!(from_consent(&consent, &Nobody), Ok(rules));
    // What is counted by other spans, or apart for several people, is refused with its place.
    let text = consent.to_string();
    for (from, to, place) in [
        (
            r#""periodUnit":"wk""#,
            r#""periodUnit":"a""#,
            "provision[1].extension[1]",
        ),
        (
            r#""periodUnit":"wk""#,
            r#""periodUnit":"wk","count":3"#,
            "provision[1].extension[1]",
        ),
        (
            r#""type":"permit","actor""#,
            r#""type":"deny","actor""#,
            "provision[1].extension",
        ),
    ] {
        let place = format!("Consent.provision.{place}");
        // The last is the rule's own; the exception's stands before it.
        let (before, after) = text.rsplit_once(from).unwrap();
        let other = format!("{before}{to}{after}");
        let other = fhir::json::parse(other.as_bytes(), &fhir::json::Limits::default()).unwrap();
        assert_eq!(from_consent(&other, &Nobody).unwrap_err().place, place);
    }
}

#[test]
fn terms_are_of_what_opens_and_keep_their_bounds() {
    let refused = |rule: Rule| check_rules(&[rule]).unwrap_err().to_string();
    let closing = Rule {
        allow: false,
        ..on_terms()
    };
    assert!(refused(closing).contains("only what opens"));
    let mut never = on_terms();
    never.terms.frequency = Some(Frequency {
        times: 0,
        per: Per::Day,
    });
    assert!(refused(never).contains("1 to 1000"));
    let mut late = on_terms();
    late.from = late.terms.erase_at;
    assert!(refused(late).contains("ends before it begins"));
    // Words that were signed before there were terms are what they were.
    let plain = word(vec![rule("1", true, Who::Everyone, &[])]).canonical();
    assert!(!String::from_utf8(plain).unwrap().contains("terms"));
}

#[test]
fn every_spanish_rule_is_easy_to_read() {
    let kinds = [
        MemberKind::PublicInstitution,
        MemberKind::PrivateHospital,
        MemberKind::Clinic,
        MemberKind::Pharmacy,
        MemberKind::Laboratory,
        MemberKind::Insurer,
        MemberKind::University,
        MemberKind::Witness,
        MemberKind::Authority,
    ];
    let roles = [
        Role::Physician,
        Role::Nurse,
        Role::Pharmacist,
        Role::Clerk,
        Role::Patient,
        Role::System,
        Role::Operator,
    ];
    let mut whom: Vec<Who> = kinds.into_iter().map(Who::Kind).collect();
    whom.extend(roles.into_iter().map(Who::Role));
    whom.extend([Who::Everyone, Who::Member(member("imss"))]);
    for who in whom {
        for (allow, what) in [(true, MENTAL), (false, MENTAL), (true, &[]), (false, &[])] {
            let mut rule = rule("1", allow, who.clone(), what);
            rule.hint = true;
            rule.until = Some(at("2027-03-03T18:00:00Z"));
            let sentence = rule.sentence(Lang::Es, &names);
            let index = crate::act::tests::fernandez_huerta(&sentence);
            assert!(index >= 70.0, "{index:.0}: {sentence}");
        }
    }
}
