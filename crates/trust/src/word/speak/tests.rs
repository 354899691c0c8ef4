use super::*;
use crate::represent::{Entered, Paper};
use crate::{Author, MemberId, MemberKind, Part, Period, Purpose, Role, Viewer, hidden, wish};
use proptest::prelude::*;

const ROSA: Tag = Tag([1; 32]);
const AUNT: Tag = Tag([2; 32]);

/// Noon of a day in 2026, in years after it.
fn noon(years: i16) -> Timestamp {
    format!("{}-11-22T18:00:00Z", 2026 + years).parse().unwrap()
}

fn line(tag: Tag, kind: Kind) -> Representative {
    let entered = Entered {
        paper: Paper::CourtDecision,
        number: "12/2026".into(),
        member: MemberId("imss".into()),
        by: "caja".into(),
    };
    Representative {
        tag,
        name: "Rosa Pérez".into(),
        whose: "Ana".into(),
        tie: Tie::Mother,
        kind,
        entered: kind.is_guardian().then_some(entered),
        sees: Vec::new(),
        speaks: false,
        from: noon(-1),
        until: None,
        ended: None,
    }
}

/// Somebody so old in 2026 (her birthday is in June), for whom these act.
fn person(age: i16, represented_by: Vec<Representative>) -> Word {
    Word {
        person: Tag([7; 32]),
        version: 1,
        rules: Vec::new(),
        wishes: Vec::new(),
        represented_by,
        born: format!("{}-06-03", 2026 - age).parse().ok(),
        said: noon(0),
        author: MemberId("imss".into()),
    }
}

fn rule(id: &str, allow: bool, who: Who, what: &[Category]) -> Rule {
    Rule {
        id: id.into(),
        allow,
        who,
        what: what.to_vec(),
        ..Rule::default()
    }
}

fn clinic() -> Who {
    Who::Member(MemberId("clinica".into()))
}

/// A resource of a kind that bears topics.
fn resource(of: &str, topics: &[Category]) -> (fhir::ResourceType, fhir::Value) {
    let code = |topic: &Category| topic.sensitivity().unwrap();
    let label = |topic: &Category| {
        let system = crate::word::part::ACT_CODE;
        format!(r#"{{"system":"{system}","code":"{}"}}"#, code(topic))
    };
    let labels: Vec<String> = topics.iter().map(label).collect();
    let text = format!(
        r#"{{"resourceType":"{of}","meta":{{"security":[{}]}}}}"#,
        labels.join(",")
    );
    let text = text.replace(r#","meta":{"security":[]}"#, "");
    (
        fhir::ResourceType::from_name(of).unwrap(),
        fhir::json::parse(text.as_bytes(), &fhir::json::Limits::default()).unwrap(),
    )
}

/// Whether a doctor of the clinic is shown a resource.
fn shown(word: &Word, of: &str, topics: &[Category], now: Timestamp) -> bool {
    let (of, resource) = resource(of, topics);
    let member = MemberId("clinica".into());
    let viewer = Viewer {
        member: &member,
        kind: MemberKind::Clinic,
        role: Role::Physician,
        actor: "ana",
        herself: false,
        acting: None,
    };
    // A purpose for which no seal spares anything.
    let hidden = hidden(Some(word), None, &viewer, Purpose::Research, now);
    let mut residual = hidden.residual.iter();
    let asked = residual.any(|one| one.hides(&MemberId("imss".into()), of, "1", &resource));
    !crate::labels(of, &resource).meets(hidden.labels) && !asked
}

fn says(mut word: Word, tag: Tag, rules: Vec<Rule>, years: i16) -> Word {
    let by = Speaker::of(word.representative(tag, noon(years)).unwrap());
    word.rules = word.speak(&by, rules, noon(years)).unwrap();
    assert_eq!(word.check(), Ok(()));
    word
}

use Category::{Diagnoses, Genetics, Hiv, Medicines, MentalHealth, Reproductive, Violence};

#[test]
fn a_mother_closes_for_a_child_and_what_becomes_the_childs_own_is_no_longer_reached() {
    let child = person(10, vec![line(ROSA, Kind::GuardianOfMinor)]);
    let child = says(child, ROSA, vec![rule("m", false, clinic(), &[])], 0);
    assert!(!child.rules[0].what.contains(&Hiv), "kinds of data alone");
    assert!(!shown(&child, "Condition", &[], noon(0)));
    assert!(!shown(&child, "Condition", &[Hiv], noon(0)));
    assert!(shown(&child, "Condition", &[Violence], noon(0)));
    // At twelve, at sixteen; and what is closed stays so when she is of age, until she takes it back.
    assert!(shown(&child, "Condition", &[Hiv], noon(2)));
    assert!(!shown(&child, "Condition", &[Genetics], noon(2)));
    assert!(shown(&child, "Condition", &[Genetics], noon(6)));
    assert!(!shown(&child, "Condition", &[], noon(9)));
    // What was named while it was not hers yet stays closed.
    let named = says(child, ROSA, vec![rule("n", false, clinic(), &[Hiv])], 0);
    assert!(!shown(&named, "Condition", &[Hiv], noon(2)));
}

#[test]
fn nobody_says_more_than_is_hers_to_decide() {
    let child = person(
        10,
        vec![line(ROSA, Kind::GuardianOfMinor), line(AUNT, Kind::Proxy)],
    );
    let mother = Speaker::of(&child.represented_by[0]);
    let may = |what: &[Category], years| {
        let said = vec![rule("1", false, clinic(), what)];
        child.speak(&mother, said, noon(years)).is_some()
    };
    assert!(may(&[Medicines, Hiv, MentalHealth], 0));
    assert!(!may(&[Violence], 0) && !may(&[Hiv], 2) && !may(&[MentalHealth], 6));
    assert!(may(&[Medicines], 7) && !may(&[Medicines], 8) && !may(&[], 8));
    assert!(child.may_wish(ROSA, Finding::LateOnset, noon(0)));
    assert!(!child.may_wish(ROSA, Finding::LateOnset, noon(6)));
    assert!(!child.may_wish(ROSA, Finding::Unrequested, noon(2)));
    assert!(child.may_wish(ROSA, Finding::AiRisk, noon(7)));
    assert!(!child.may_wish(ROSA, Finding::AiRisk, noon(8)));
    // Whom a grown-up names speaks only when she was given that too, and of what was granted.
    let speaks = |speaks| Representative {
        speaks,
        sees: vec![Medicines, Violence],
        ..line(AUNT, Kind::Proxy)
    };
    assert_eq!(person(40, vec![speaks(false)]).decides(AUNT, noon(0)), []);
    let decides = person(40, vec![speaks(true)]).decides(AUNT, noon(0));
    assert_eq!(decides, [Medicines, Violence]);
}

#[test]
fn an_opening_lifts_what_the_same_one_closed_and_ends_with_her_power() {
    let mut child = person(
        15,
        vec![
            line(ROSA, Kind::GuardianOfMinor),
            line(AUNT, Kind::GuardianOfMinor),
        ],
    );
    let open = |id: &str| rule(id, true, clinic(), &[Diagnoses]);
    let close = |id: &str| rule(id, false, Who::Everyone, &[Diagnoses]);
    child.rules = vec![close("hers")];
    let opened = says(child.clone(), ROSA, vec![open("o")], 0);
    assert!(
        !shown(&opened, "Condition", &[], noon(0)),
        "she closed it herself"
    );
    child.rules.clear();
    let both = says(child, ROSA, vec![open("o"), close("c")], 0);
    assert!(shown(&both, "Condition", &[], noon(0)));
    assert!(
        !shown(&both, "Condition", &[], noon(3)),
        "of age, it is closed until she speaks"
    );
    let aunt = says(both, AUNT, vec![close("a")], 0);
    assert!(
        !shown(&aunt, "Condition", &[], noon(0)),
        "her aunt closed it too"
    );
    let mut hers = aunt;
    hers.rules.push(open("mine"));
    assert!(
        shown(&hers, "Condition", &[], noon(0)),
        "she has the last word"
    );
}

#[test]
fn she_takes_back_what_is_hers_and_cannot_put_words_in_their_mouths() {
    let child = person(10, vec![line(ROSA, Kind::GuardianOfMinor)]);
    let said = rule("m", false, clinic(), &[Medicines, Hiv, Genetics]);
    let child = says(child, ROSA, vec![said], 0);
    let what = |rules: &[Rule]| -> Vec<Vec<Category>> {
        rules.iter().map(|rule| rule.what.clone()).collect()
    };
    let left = |years| what(&child.say_over(Vec::new(), noon(years)));
    assert_eq!(left(0), [vec![Medicines, Hiv, Genetics]]);
    assert_eq!(left(2), [vec![Medicines, Genetics]]);
    assert_eq!(left(6), [vec![Medicines]]);
    assert!(left(8).is_empty());
    let changed = Rule {
        what: vec![Reproductive],
        ..child.rules[0].clone()
    };
    assert_eq!(child.say_over(vec![changed], noon(0)), child.rules);
    let forged = Rule {
        id: "x".into(),
        ..child.rules[0].clone()
    };
    assert_eq!(child.say_over(vec![forged], noon(8)), []);
}

#[test]
fn what_is_said_for_somebody_keeps_its_bounds_and_old_words_their_bytes() {
    let child = person(10, vec![line(ROSA, Kind::GuardianOfMinor)]);
    let json = String::from_utf8(child.canonical()).unwrap();
    assert!(!json.contains("speak"), "{json}");
    let good = says(child, ROSA, vec![rule("m", false, clinic(), &[Hiv])], 0);
    let spoil = |change: &dyn Fn(&mut Rule)| {
        let mut word = good.clone();
        change(&mut word.rules[0]);
        word.check().is_err()
    };
    assert!(spoil(&|rule| rule.insist = true) && spoil(&|rule| rule.quiet = true));
    assert!(spoil(&|rule| rule.who = Who::Representative(AUNT)));
    assert!(spoil(&|rule| rule.what.clear()));
    // A form that was forged may name a part of the record, in any of its ways.
    let part = |part: Part| spoil(&|rule| rule.part = part.clone());
    assert!(part(Part {
        resources: vec!["Observation/1".into()],
        ..Part::default()
    }));
    assert!(part(Part {
        authors: vec![Author::Institution(MemberId("clinica".into()))],
        ..Part::default()
    }));
    assert!(part(Part {
        period: Some(Period {
            from: Some(noon(0)),
            until: None,
        }),
        ..Part::default()
    }));
    // Opened it may be, but not on terms; she herself may open on them.
    let opens = |rule: &mut Rule| rule.allow = true;
    let on_terms = |rule: &mut Rule| {
        opens(rule);
        rule.terms.erase_at = Some(noon(1));
    };
    assert!(!spoil(&opens) && spoil(&on_terms));
    assert!(!spoil(&|rule| {
        on_terms(rule);
        rule.speaker = None;
    }));
    let mut many = good.clone();
    many.rules = (0..=MAX_SPOKEN)
        .map(|at| Rule {
            id: format!("r{at}"),
            ..good.rules[0].clone()
        })
        .collect();
    assert!(many.check().is_err());
    many.rules.pop();
    assert!(many.check().is_ok());
    // Those of others take no place of hers.
    many.rules.extend(
        (0..crate::word::MAX_RULES).map(|at| rule(&format!("own{at}"), false, clinic(), &[])),
    );
    assert!(many.check().is_ok());
}

#[test]
fn a_wish_said_for_a_child_holds_until_one_of_the_two_asks_and_each_has_a_voice() {
    let mut child = person(10, vec![line(ROSA, Kind::GuardianOfMinor)]);
    let said = |speaker: Option<&Speaker>| Wish {
        speaker: speaker.cloned(),
        ..Wish::plain(Finding::LateOnset, noon(0))
    };
    let mother = Speaker::of(&child.represented_by[0]);
    child.wishes = wish::choose(vec![said(None)], said(Some(&mother)));
    assert_eq!(child.check(), Ok(()));
    let held = |wishes: &[Wish]| wish::held(wishes, noon(1)).meets(Finding::LateOnset.bit());
    assert!(held(&child.wishes));
    let ask = |wishes: Vec<Wish>, voice| {
        wish::ask_of(
            wishes,
            voice,
            Finding::LateOnset,
            wish::Asking::Alone,
            noon(0),
        )
    };
    // Her mother's asking leaves the child's own wish as it is, and nobody asks for whom there is nothing to.
    let mothers = ask(child.wishes.clone(), Some(ROSA)).unwrap();
    assert!(held(&mothers) && ask(mothers.clone(), Some(AUNT)).is_none());
    assert!(!held(&ask(mothers, None).unwrap()));
    // When she asks herself, whatever keeps it from her ends.
    let asked = wish::ask(
        child.wishes.clone(),
        Finding::LateOnset,
        wish::Asking::Alone,
        noon(0),
    );
    assert!(!held(&asked.unwrap()));
    let named = Wish {
        cool_off_hours: 72,
        ..said(Some(&mother))
    };
    assert!(
        wish::check_wishes(&[named]).is_err(),
        "asking is answered at once"
    );
}

fn a_rule() -> impl Strategy<Value = (u8, Rule)> {
    let who = prop_oneof![
        Just(Who::Everyone),
        Just(clinic()),
        Just(Who::Role(Role::Physician)),
        Just(Who::Kind(MemberKind::Pharmacy)),
    ];
    let what = proptest::sample::subsequence(
        vec![Diagnoses, Medicines, Hiv, Genetics, MentalHealth, Violence],
        1..4,
    );
    (0..3u8, any::<u32>(), any::<bool>(), who, what).prop_map(|(voice, id, allow, who, what)| {
        (voice, rule(&format!("r{id}"), allow, who, &what))
    })
}

prop_compose! {
    /// What she and two guardians said while she was a child, as far as they might.
    fn a_word()(
        age in 1..17i16,
        rules in proptest::collection::vec(a_rule(), 0..8),
        ended in any::<bool>(),
    ) -> Word {
        let mut word = person(age, vec![line(ROSA, Kind::GuardianOfMinor), line(AUNT, Kind::GuardianOfMinor)]);
        for (voice, rule) in rules {
            let speaker = match voice {
                0 => None,
                1 => Some(Speaker::of(&word.represented_by[0])),
                _ => Some(Speaker::of(&word.represented_by[1])),
            };
            let may = |by: &Speaker| {
                let decides = word.decides(by.tag, noon(0));
                rule.what.iter().all(|one| decides.contains(one))
            };
            if speaker.as_ref().is_none_or(may) {
                word.rules.push(Rule { speaker, ..rule });
            }
        }
        word.represented_by[1].ended = ended.then(|| noon(0));
        word
    }
}

/// The law, said naively: whether the clinic's doctor is shown what has these categories, so many years later.
fn is_shown(word: &Word, categories: &[Category], years: i16) -> bool {
    let age = 2026 + years - word.born.unwrap().year();
    let is_hers = |topic: &Category| {
        let mut rows = autonomy::table().iter();
        rows.any(|row| row.category == *topic && i16::from(row.guardian_until) <= age)
    };
    let exact = |rule: &Rule| match &rule.who {
        Who::Everyone => Some(0),
        Who::Role(Role::Physician) => Some(2),
        Who::Member(_) => Some(3),
        _ => None,
    };
    let acts = |tag: Tag| {
        let line = word
            .represented_by
            .iter()
            .find(|one| one.tag == tag)
            .unwrap();
        age < 18 && line.ended.is_none()
    };
    let opens = |rule: &&Rule, category: Category, closing: &Rule| {
        let by_power = rule.speaker.as_ref().is_none_or(|by| {
            let same = closing
                .speaker
                .as_ref()
                .is_some_and(|other| other.tag == by.tag);
            same && acts(by.tag) && !is_hers(&category)
        });
        rule.allow && by_power && rule.what.contains(&category) && exact(rule) > exact(closing)
    };
    let closes = |rule: &&Rule, category: Category| {
        let beyond = |one: &Category| is_hers(one) && !rule.what.contains(one);
        let spared = rule.speaker.is_some() && categories.iter().any(beyond);
        let covers = rule.what.contains(&category) && exact(rule).is_some();
        let opened = || word.rules.iter().any(|other| opens(&other, category, rule));
        !rule.allow && covers && !spared && !opened()
    };
    let hides = |category: &Category| word.rules.iter().any(|rule| closes(&rule, *category));
    !categories.iter().any(hides)
}

proptest! {
    #[test]
    fn what_is_said_for_her_hides_what_the_model_says(
        word in a_word(),
        years in 0..20i16,
        topics in proptest::sample::subsequence(vec![Hiv, Genetics, MentalHealth, Violence], 0..3),
    ) {
        for (of, kind) in [("Condition", Diagnoses), ("MedicationRequest", Medicines)] {
            let categories: Vec<Category> = std::iter::once(kind).chain(topics.iter().copied()).collect();
            let seen = shown(&word, of, &topics, noon(years));
            prop_assert_eq!(seen, is_shown(&word, &categories, years), "{:?}", categories);
        }
    }

    #[test]
    fn nothing_that_is_said_for_her_shows_more_than_what_she_said_herself(
        word in a_word(),
        years in 0..20i16,
        topics in proptest::sample::subsequence(vec![Hiv, Genetics, MentalHealth, Violence], 0..3),
    ) {
        let mut own = word.clone();
        own.rules.retain(|rule| rule.speaker.is_none());
        for of in ["Condition", "MedicationRequest"] {
            let seen = |word: &Word| shown(word, of, &topics, noon(years));
            prop_assert!(seen(&own) || !seen(&word));
        }
    }

    #[test]
    fn whoever_acts_for_her_and_she_herself_are_bound_by_nothing_said_for_her(word in a_word(), years in 0..7i16) {
        let mut own = word.clone();
        own.rules.retain(|rule| rule.speaker.is_none());
        let member = MemberId("imss".into());
        for acting in [None, Some(ROSA)] {
            let viewer = Viewer {
                member: &member,
                kind: MemberKind::Clinic,
                role: Role::Patient,
                actor: "patient",
                herself: acting.is_none(),
                acting,
            };
            let seen = |word: &Word| hidden(Some(word), None, &viewer, Purpose::Family, noon(years));
            prop_assert_eq!(seen(&own), seen(&word));
        }
    }

    #[test]
    fn nothing_changes_between_the_turns_that_a_word_tells(word in a_word(), years in 0..19i16) {
        let (from, to) = (noon(years), noon(years + 1));
        let turns = word.turns().any(|turn| from < turn && turn <= to);
        for topics in [&[][..], &[Hiv], &[Genetics, Violence]] {
            let seen = |now| shown(&word, "Condition", topics, now);
            prop_assert!(turns || seen(from) == seen(to));
        }
    }
}
