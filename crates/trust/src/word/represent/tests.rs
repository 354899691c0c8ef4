use super::*;
use crate::category::{EVERYTHING, IDENTITY};
use crate::{
    Finding, Hidden, MemberKind, Purpose, Role, Rule, SignedWord, Viewer, Who, Wish, hidden,
};
use proptest::prelude::*;
use store::Labels;

const HER: Tag = Tag([7; 32]);
const ROSA: Tag = Tag([1; 32]);
const AUNT: Tag = Tag([2; 32]);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Noon of a day in 2026, in years after it.
fn noon(years: i16) -> Timestamp {
    at(&format!("{}-11-22T18:00:00Z", 2026 + years))
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
        until: (kind == Kind::GuardianOfAdult).then(|| noon(1)),
        ended: None,
    }
}

fn word(born: Option<&str>, represented_by: Vec<Representative>, rules: Vec<Rule>) -> Word {
    Word {
        person: HER,
        version: 1,
        rules,
        wishes: Vec::new(),
        represented_by,
        born: born.map(|born| born.parse().unwrap()),
        said: noon(0),
        author: MemberId("imss".into()),
    }
}

fn seen_by(word: &Word, tag: Tag, now: Timestamp) -> Hidden {
    let member = MemberId("issste".into());
    let viewer = Viewer {
        member: &member,
        kind: MemberKind::Pharmacy,
        role: Role::Patient,
        actor: "patient",
        herself: false,
        acting: Some(tag),
    };
    hidden(Some(word), None, &viewer, Purpose::Family, now)
}

fn closes(id: &str, who: Who, what: &[Category]) -> Rule {
    Rule {
        id: id.into(),
        who,
        what: what.to_vec(),
        hint: true,
        ..Rule::default()
    }
}

fn opens(id: &str, who: Who, what: &[Category]) -> Rule {
    Rule {
        allow: true,
        ..closes(id, who, what)
    }
}

#[test]
fn a_mother_sees_less_with_the_years_and_nothing_from_the_day_her_daughter_is_of_age() {
    let daughter = word(
        Some("2014-06-03"),
        vec![line(ROSA, Kind::GuardianOfMinor)],
        vec![],
    );
    let hidden = |years| Category::of(seen_by(&daughter, ROSA, noon(years)).labels);
    use Category::*;
    assert_eq!(hidden(0), [Reproductive, Hiv, Violence]);
    assert_eq!(
        hidden(4),
        [
            MentalHealth,
            Reproductive,
            Hiv,
            Addictions,
            Violence,
            Genetics
        ]
    );
    assert_eq!(hidden(6), Category::ALL);
    assert!(
        daughter
            .representative(ROSA, at("2032-06-03T05:59:59Z"))
            .is_some()
    );
    assert!(
        daughter
            .representative(ROSA, at("2032-06-03T06:00:00Z"))
            .is_none()
    );
}

#[test]
fn a_daughter_lets_her_mother_see_what_the_table_keeps_from_her() {
    let rules = vec![opens("1", Who::Representative(ROSA), &[Category::Hiv])];
    let daughter = word(
        Some("2013-06-03"),
        vec![line(ROSA, Kind::GuardianOfMinor)],
        rules,
    );
    let seen = seen_by(&daughter, ROSA, noon(0));
    assert_eq!(
        Category::of(seen.labels),
        [Category::Reproductive, Category::Violence]
    );
}

#[test]
fn nobody_acts_by_a_line_that_has_ended_or_by_the_wrong_age() {
    let proxy = line(ROSA, Kind::Proxy);
    let adult = |one: &Representative| word(Some("1990-01-01"), vec![one.clone()], vec![]);
    let acts = |word: &Word, now| word.representative(ROSA, now).is_some();
    assert!(acts(&adult(&proxy), noon(0)));
    assert!(!acts(&adult(&proxy), noon(-2)), "not before it begins");
    let ended = Representative {
        ended: Some(noon(0)),
        ..proxy.clone()
    };
    assert!(!acts(&adult(&ended), noon(0)));
    let over = Representative {
        until: Some(noon(0)),
        ..proxy.clone()
    };
    assert!(!acts(&adult(&over), noon(0)));
    // Whom a minor names is nobody yet; a minor's guardian is none of an adult.
    assert!(!acts(
        &word(Some("2012-01-01"), vec![proxy], vec![]),
        noon(0)
    ));
    assert!(!acts(&adult(&line(ROSA, Kind::GuardianOfMinor)), noon(0)));
    // Of one the last line counts, and it does not bring an older one back.
    let again = vec![line(ROSA, Kind::Proxy), ended];
    assert!(!acts(&word(None, again, vec![]), noon(0)));
}

#[test]
fn a_quiet_seal_gives_no_hint_and_nothing_opens_it_again() {
    let quiet = Rule {
        quiet: true,
        ..closes("q", Who::Kind(MemberKind::Clinic), &[Category::Visits])
    };
    let open = opens("o", Who::Representative(ROSA), &[]);
    let said = closes("c", Who::Representatives, &[Category::Vaccines]);
    let lines = vec![line(ROSA, Kind::Proxy)];
    let seen = seen_by(
        &word(None, lines.clone(), vec![quiet, open, said]),
        ROSA,
        noon(0),
    );
    assert_eq!(Category::of(seen.labels), [Category::Visits]);
    let said = closes("c", Who::Everyone, &[Category::Vaccines]);
    let seen = seen_by(&word(None, lines, vec![said]), ROSA, noon(0));
    assert_eq!(Category::of(seen.labels), [Category::Vaccines]);
    assert!(!seen.hint, "whoever acts for her is told nothing");
}

#[test]
fn a_child_is_not_shown_violence_on_a_telephone_that_another_may_hold() {
    let herself = |word: &Word, now| {
        let member = MemberId("imss".into());
        let viewer = Viewer {
            member: &member,
            kind: MemberKind::PublicInstitution,
            role: Role::Patient,
            actor: "patient",
            herself: true,
            acting: None,
        };
        Category::of(hidden(Some(word), None, &viewer, Purpose::OwnRequest, now).labels)
    };
    let child = word(
        Some("2016-06-03"),
        vec![line(ROSA, Kind::GuardianOfMinor)],
        vec![],
    );
    assert_eq!(herself(&child, noon(0)), [Category::Violence]);
    assert_eq!(herself(&child, noon(2)), []);
}

#[test]
fn lines_keep_their_bounds() {
    let born = Some("2014-06-03");
    let good = |word: Word| word.check().is_ok();
    assert!(good(word(
        born,
        vec![line(ROSA, Kind::GuardianOfMinor)],
        vec![]
    )));
    assert!(good(word(None, vec![line(ROSA, Kind::Proxy)], vec![])));
    assert!(good(word(
        None,
        vec![line(ROSA, Kind::GuardianOfAdult)],
        vec![]
    )));
    let minor = line(ROSA, Kind::GuardianOfMinor);
    let adult = line(ROSA, Kind::GuardianOfAdult);
    let bad = [
        Representative {
            tag: HER,
            ..minor.clone()
        },
        Representative {
            name: " ".into(),
            ..minor.clone()
        },
        Representative {
            entered: None,
            ..minor.clone()
        },
        Representative {
            until: Some(noon(-2)),
            ..minor.clone()
        },
        Representative {
            until: None,
            ..adult.clone()
        },
        Representative {
            until: Some(noon(2)),
            ..adult.clone()
        },
        Representative {
            kind: Kind::Proxy,
            ..adult.clone()
        },
        Representative {
            sees: vec![Category::Hiv, Category::Hiv],
            ..minor.clone()
        },
    ];
    for one in bad {
        assert!(!good(word(born, vec![one.clone()], vec![])), "{one:?}");
    }
    assert!(
        !good(word(None, vec![minor.clone()], vec![])),
        "without her birth date"
    );
    assert!(!good(word(born, vec![minor; 17], vec![])));
    let quiet = |allow| Rule {
        quiet: true,
        allow,
        ..closes("1", Who::Everyone, &[])
    };
    assert!(good(word(None, vec![], vec![quiet(false)])));
    assert!(!good(word(None, vec![], vec![quiet(true)])));
}

#[test]
fn a_word_that_names_nobody_is_signed_as_before() {
    let json = String::from_utf8(word(None, vec![], vec![Rule::default()]).canonical()).unwrap();
    for new in ["represented_by", "born", "quiet"] {
        assert!(!json.contains(new), "{json}");
    }
    let key = ledger::SigningKey::from_seed("imss", [3; 32]).unwrap();
    let signed = SignedWord::sign(word(None, vec![line(ROSA, Kind::Proxy)], vec![]), &key);
    let back: SignedWord = serde_json::from_slice(&serde_json::to_vec(&signed).unwrap()).unwrap();
    assert_eq!(back, signed);
}

#[test]
fn what_ended_stays_while_both_are_told() {
    let lines = name(vec![], line(ROSA, Kind::Proxy), noon(0));
    let lines = end(lines, ROSA, noon(0));
    assert_eq!(lines[0].ended, Some(noon(0)));
    let later = noon(0) + NOTICE;
    let lines = name(lines, line(AUNT, Kind::Proxy), later);
    let tags: Vec<Tag> = lines.iter().map(|one| one.tag).collect();
    assert_eq!(tags, [AUNT]);
}

fn a_line() -> impl Strategy<Value = Representative> {
    let kinds = prop_oneof![
        3 => Just(Kind::GuardianOfMinor),
        1 => Just(Kind::GuardianOfAdult),
        2 => Just(Kind::Proxy)
    ];
    let sees = proptest::sample::subsequence(Category::ALL.to_vec(), 0..=6);
    (kinds, sees, any::<bool>(), 0..4u8).prop_map(|(kind, sees, rosa, over)| Representative {
        sees,
        ended: (over == 0).then(|| noon(0)),
        ..line(if rosa { ROSA } else { AUNT }, kind)
    })
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let who = prop_oneof![
        Just(Who::Everyone),
        Just(Who::Representatives),
        Just(Who::Representative(ROSA)),
        Just(Who::Representative(AUNT)),
        Just(Who::Kind(MemberKind::Pharmacy)),
        Just(Who::Member(MemberId("issste".into()))),
    ];
    let what = proptest::sample::subsequence(Category::ALL.to_vec(), 0..4);
    let purpose = prop_oneof![
        Just(None),
        Just(Some(Purpose::Family)),
        Just(Some(Purpose::Treatment))
    ];
    (any::<u32>(), 0..3u8, who, what, purpose).prop_map(|(id, how, who, what, purpose)| Rule {
        allow: how == 0,
        quiet: how == 1,
        purpose,
        ..closes(&format!("r{id}"), who, &what)
    })
}

prop_compose! {
    fn a_word()(
        years in 0..40i16,
        lines in proptest::collection::vec(a_line(), 1..4),
        rules in proptest::collection::vec(a_rule(), 0..6),
        findings in proptest::sample::subsequence(Finding::ALL.to_vec(), 0..4),
    ) -> Word {
        let mut word = word(Some(&format!("{}-06-03", 2026 - years)), lines, rules);
        word.wishes = findings.into_iter().map(|one| Wish::plain(one, noon(0))).collect();
        word
    }
}

/// The law, said naively.
fn is_open(word: &Word, category: Category) -> bool {
    let age = 2026 - word.born.unwrap().year();
    let Some(one) = word.represented_by.iter().rev().find(|one| one.tag == ROSA) else {
        return false;
    };
    let of_age = age >= 18;
    if one.ended.is_some() || of_age == (one.kind == Kind::GuardianOfMinor) {
        return false;
    }
    if !one.sees.is_empty() && !one.sees.contains(&category) {
        return false;
    }
    let covering = |rule: &&Rule| rule.what.is_empty() || rule.what.contains(&category);
    if word.rules.iter().filter(covering).any(|rule| rule.quiet) {
        return false;
    }
    let by_age = autonomy::table().iter().any(|row| {
        let minor = one.kind == Kind::GuardianOfMinor;
        let years = i16::from(row.guardian_until);
        let closed = years == 0 && one.kind.is_guardian() || minor && years <= age;
        row.category == category && closed
    });
    let exact = |rule: &Rule| match rule.who {
        Who::Everyone => Some(1),
        Who::Representatives => Some(3),
        Who::Representative(ROSA) => Some(4),
        _ => None,
    };
    let strongest = |allow: bool| {
        let rules = word.rules.iter().filter(covering);
        let meant = |rule: &&Rule| rule.purpose.is_none_or(|one| one == Purpose::Family);
        rules
            .filter(meant)
            .filter(|rule| rule.allow == allow)
            .filter_map(exact)
            .max()
    };
    let closed = strongest(false).max(by_age.then_some(2));
    closed.is_none() || strongest(true) > closed
}

proptest! {
    #[test]
    fn whoever_acts_for_her_sees_what_the_model_says(word in a_word()) {
        let seen = seen_by(&word, ROSA, noon(0));
        for category in Category::ALL {
            prop_assert_eq!(!seen.labels.meets(category.bit()), is_open(&word, category), "{:?}", category);
        }
        prop_assert!(!seen.hint);
        prop_assert_eq!(seen.held, seen.labels, "no seal spares anything for her");
        // Whatever she wishes not to know is kept from them.
        let kept = crate::wish::held(&word.wishes, noon(0));
        prop_assert_eq!(Finding::among(seen.labels), kept);
        let categories = Labels(seen.labels.0 & EVERYTHING.0);
        prop_assert_eq!(categories == EVERYTHING, seen.labels.meets(IDENTITY));
    }

    #[test]
    fn a_quiet_seal_never_widens(word in a_word(), rule in a_rule()) {
        let before = seen_by(&word, ROSA, noon(0)).labels;
        let mut more = word;
        more.rules.push(Rule { allow: false, quiet: true, ..rule });
        let after = seen_by(&more, ROSA, noon(0)).labels;
        prop_assert_eq!(before.0 & !after.0, 0);
    }

    #[test]
    fn a_birthday_never_widens_what_a_guardian_sees(word in a_word(), years in 0..20i16) {
        let mut word = word;
        word.represented_by.retain(|one| one.kind == Kind::GuardianOfMinor);
        let hidden = |years| Labels(seen_by(&word, ROSA, noon(years)).labels.0 & EVERYTHING.0);
        prop_assert_eq!(hidden(years).0 & !hidden(years + 1).0, 0);
    }

    #[test]
    fn nothing_changes_between_the_turns_that_a_word_tells(word in a_word(), years in 0..19i16) {
        let (from, to) = (noon(years), noon(years + 1));
        let turns = word.turns().any(|turn| from < turn && turn <= to);
        let hidden = |now| seen_by(&word, ROSA, now);
        prop_assert!(turns || hidden(from) == hidden(to));
    }
}
