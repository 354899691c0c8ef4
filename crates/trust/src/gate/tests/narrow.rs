//! Laws for random pacts, words and people who ask: one more prohibition never opens anything, nor does one permission
//! less, and a pact's terms of seals only ever show and tell less.

use super::super::judge::{Case, Opens, Verdict, judge, kind_code};
use super::*;
use crate::delegate::{Delegated, Task};
use crate::pact::{Agreed, NEVER, tests::any_seals, usual};
use crate::policy::{self, Circumstances, Rulebook};
use crate::{Category, EvidenceKind, Rule, Seals, Viewer, Who, Word};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use store::Labels;

const ACTIONS: [&str; 5] = [
    "action",
    "action == Action::\"read\"",
    "action in Action::\"see\"",
    "action == Action::\"see:hiv\"",
    "action in [Action::\"read\", Action::\"see:medicines\", Action::\"see:diagnoses\"]",
];

/// The last two fail when they are evaluated: the sum is too large.
const CONDITIONS: [&str; 12] = [
    "",
    "context.role == \"physician\"",
    "[\"nurse\", \"pharmacist\"].contains(context.role)",
    "context.licence_state == \"active\"",
    "context.purpose == \"TREAT\"",
    "context.purpose != \"TREAT\"",
    "context.evidence.contains(\"check-in\")",
    "context.institution_kind == \"pharmacy\" && resource.scope == \"person\"",
    "context.same_institution || context.own_record",
    "context.delegated_by == \"physician\"",
    "9223372036854775807 + 1 == 0",
    "context.role == \"nurse\" && 9223372036854775807 + 1 == 0",
];

/// Effect, what of, and on which condition.
type Line = (bool, &'static str, &'static str);

fn a_line() -> impl Strategy<Value = Line> {
    (any::<bool>(), select(&ACTIONS[..]), select(&CONDITIONS[..]))
}

fn rulebook(lines: &[Line]) -> Rulebook {
    let text = lines
        .iter()
        .enumerate()
        .map(|(at, (permit, action, when))| {
            let effect = if *permit { "permit" } else { "forbid" };
            let when = match when.is_empty() {
                true => String::new(),
                false => format!("when {{ {when} }}"),
            };
            format!("@id(\"p{at}\") {effect} (principal, {action}, resource) {when};\n")
        });
    Rulebook::parse(&text.collect::<String>()).unwrap()
}

prop_compose! {
    fn a_rule()(
        name in any::<u32>(),
        allow: bool,
        who in select(vec![
            Who::Everyone,
            Who::Kind(MemberKind::Pharmacy),
            Who::Role(Role::Physician),
            Who::Member(id("farmacia")),
            Who::Actor(id("farmacia"), "ana".into()),
            Who::Actor(id("farmacia"), "ines".into()),
        ]),
        what in subsequence(Category::ALL.to_vec(), 0..4),
        hint: bool,
        insist: bool,
    ) -> Rule {
        Rule { id: format!("r{name}"), allow, who, what, hint, insist, ..Rule::default() }
    }
}

/// Who asks, and on what evidence.
#[derive(Clone, Debug)]
struct Asker {
    login: &'static str,
    role: Role,
    purpose: Purpose,
    licence: &'static str,
    evidence: Vec<&'static str>,
    home: bool,
    /// In whose name: her role.
    delegated: Option<Role>,
}

prop_compose! {
    fn an_asker()(
        role in select(vec![Role::Physician, Role::Nurse, Role::Pharmacist, Role::Patient]),
        purpose in select(vec![
            Purpose::Treatment, Purpose::OwnRequest, Purpose::Family, Purpose::Research,
            Purpose::Employment,
        ]),
        licence in select(vec!["active", "suspended", "none"]),
        evidence in subsequence(
            vec!["check-in", "appointment", "patient-code", "own-access", "representation"],
            0..5,
        ),
        home: bool,
        delegated in proptest::option::of(select(vec![Role::Physician, Role::Nurse])),
    ) -> Asker {
        Asker { login: "ana", role, purpose, licence, evidence, home, delegated }
    }
}

fn decide(rulebook: &Rulebook, purposes: &[Agreed], rules: &[Rule], asker: &Asker) -> Verdict {
    decide_under(None, rulebook, purposes, rules, asker)
}

fn decide_under(
    seals: Option<&Seals>,
    rulebook: &Rulebook,
    purposes: &[Agreed],
    rules: &[Rule],
    asker: &Asker,
) -> Verdict {
    let member = id("farmacia");
    let circumstances = Circumstances {
        actor: asker.login.into(),
        institution: member.clone(),
        holder: if asker.home {
            member.clone()
        } else {
            id("imss")
        },
        scope: "person",
        purpose: asker.purpose.code(),
        evidence: asker.evidence.clone(),
        role: asker.role.code(),
        licence_state: asker.licence,
        institution_kind: kind_code(MemberKind::Pharmacy),
        via_other_member: !asker.home,
        own_record: asker.role == Role::Patient && asker.home,
        helped: false,
        reviews_overdue: false,
        named: None,
        acting: None,
        delegated: asker.delegated.map(|role| Delegated {
            login: "ines".into(),
            role,
            licence: Some(LicenceState::Active),
            purposes: vec![Purpose::Treatment],
            tasks: Task::ALL.to_vec(),
            stands: true,
        }),
        own_cedula: false,
    };
    let word = Word {
        person: Tag([1; 32]),
        version: 1,
        rules: rules.to_vec(),
        wishes: Vec::new(),
        represented_by: Vec::new(),
        born: None,
        said: noon(),
        author: id("imss"),
    };
    judge(&Case {
        rulebook,
        purposes,
        never: &NEVER,
        seals,
        actions: &[policy::READ],
        circumstances: &circumstances,
        opens: Opens::Seen,
        viewer: Viewer {
            member: &member,
            kind: MemberKind::Pharmacy,
            role: asker.role,
            actor: asker.login,
            herself: circumstances.own_record,
            acting: None,
        },
        words: &[&word],
        used: &[],
        purpose: asker.purpose,
        now: noon(),
    })
}

/// The categories that a verdict opens: as they are, and what of them could save a life.
fn open(verdict: &Verdict) -> Vec<(Category, bool)> {
    let open = |hidden: Labels, saving: bool| {
        let all = Category::ALL.into_iter();
        all.filter(move |category| !hidden.meets(category.bit()))
            .map(move |category| (category, saving))
    };
    match verdict.refused {
        Some(_) => Vec::new(),
        None => open(verdict.hidden, false)
            .chain(open(verdict.held, true))
            .collect(),
    }
}

#[track_caller]
fn within(narrow: &Verdict, wide: &Verdict) -> Result<(), TestCaseError> {
    let (narrow, wide) = (open(narrow), open(wide));
    prop_assert!(
        narrow.iter().all(|c| wide.contains(c)),
        "{:?} of {:?}",
        narrow,
        wide
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn one_more_prohibition_never_opens_anything(
        lines in proptest::collection::vec(a_line(), 1..8),
        (_, action, when) in a_line(),
        place in 0..8usize,
        rules in proptest::collection::vec(a_rule(), 0..6),
        closing in a_rule(),
        askers in proptest::collection::vec(an_asker(), 8),
        seals in proptest::option::of(any_seals()),
    ) {
        let decide = |rulebook: &Rulebook, purposes: &[Agreed], rules: &[Rule], asker: &Asker| {
            decide_under(seals.as_ref(), rulebook, purposes, rules, asker)
        };
        let mut more = lines.clone();
        more.insert(place.min(lines.len()), (false, action, when));
        let closing = Rule { allow: false, ..closing };
        let closed = [rules.clone(), vec![closing]].concat();
        let (before, after) = (rulebook(&lines), rulebook(&more));
        for asker in &askers {
            let wide = decide(&before, &usual(), &rules, asker);
            within(&decide(&after, &usual(), &rules, asker), &wide)?;
            within(&decide(&before, &usual(), &closed, asker), &wide)?;
        }
    }

    #[test]
    fn one_permission_less_never_opens_anything(
        lines in proptest::collection::vec(a_line(), 1..8),
        place in 0..8usize,
        rules in proptest::collection::vec(a_rule(), 1..6),
        askers in proptest::collection::vec(an_asker(), 8),
        seals in proptest::option::of(any_seals()),
    ) {
        let decide = |rulebook: &Rulebook, purposes: &[Agreed], rules: &[Rule], asker: &Asker| {
            decide_under(seals.as_ref(), rulebook, purposes, rules, asker)
        };
        let mut fewer = lines.clone();
        let (permits, _): (Vec<usize>, Vec<usize>) = (0..lines.len()).partition(|at| lines[*at].0);
        if !permits.is_empty() {
            fewer.remove(permits[place % permits.len()]);
        }
        let mut closed = rules.clone();
        let place = place % rules.len();
        if rules[place].allow {
            closed.remove(place);
        }
        let (before, after) = (rulebook(&lines), rulebook(&fewer));
        for asker in &askers {
            let wide = decide(&before, &usual(), &rules, asker);
            within(&decide(&after, &usual(), &rules, asker), &wide)?;
            within(&decide(&before, &usual(), &closed, asker), &wide)?;
        }
    }

    #[test]
    fn terms_of_seals_only_ever_show_and_tell_less(
        lines in proptest::collection::vec(a_line(), 1..8),
        rules in proptest::collection::vec(a_rule(), 0..6),
        seals in any_seals(),
        silent in subsequence(Category::ALL.to_vec(), 0..4),
        askers in proptest::collection::vec(an_asker(), 8),
    ) {
        let rulebook = rulebook(&lines);
        let narrower = Seals {
            silent: [seals.silent.clone(), silent].concat(),
            emergency: false,
            ..seals.clone()
        };
        for asker in &askers {
            let terms = [None, Some(&seals), Some(&narrower)];
            let verdicts = terms.map(|seals| decide_under(seals, &rulebook, &usual(), &rules, asker));
            for pair in verdicts.windows(2) {
                let (wide, narrow) = (&pair[0], &pair[1]);
                within(narrow, wide)?;
                prop_assert_eq!(&narrow.refused, &wide.refused);
                prop_assert_eq!((narrow.hidden, &narrow.rules), (wide.hidden, &wide.rules));
                prop_assert!(wide.hint || !narrow.hint);
                prop_assert!(narrow.untold.0 & wide.untold.0 == wide.untold.0);
            }
        }
    }

    #[test]
    fn a_delegate_never_sees_more_than_the_one_who_named_her(
        lines in proptest::collection::vec(a_line(), 1..8),
        rules in proptest::collection::vec(a_rule(), 0..6),
        by in select(vec![Role::Physician, Role::Nurse]),
        askers in proptest::collection::vec(an_asker(), 8),
    ) {
        let rulebook = rulebook(&lines);
        for asker in &askers {
            let delegate = Asker { delegated: Some(by), ..asker.clone() };
            let delegator = Asker { login: "ines", role: by, licence: "active", delegated: None, ..asker.clone() };
            // Of whoever is a patient the record may be hers.
            if asker.role == Role::Patient {
                continue;
            }
            let verdict = decide(&rulebook, &usual(), &rules, &delegate);
            within(&verdict, &decide(&rulebook, &usual(), &rules, &delegator))?;
            // What the person closed to herself holds as well.
            let closing: Vec<Rule> = rules.iter().filter(|rule| !rule.allow).cloned().collect();
            let closed = decide(&rulebook, &usual(), &closing, &Asker { delegated: None, ..asker.clone() });
            let hers = closing.iter().filter(|rule| closed.rules.contains(&rule.id));
            let own = decide(&rulebook, &usual(), &closing, &delegate);
            if own.refused.is_none() {
                for rule in hers {
                    prop_assert!(own.rules.contains(&rule.id), "{} of {:?}", rule.id, own);
                }
            }
        }
    }

    #[test]
    fn no_pact_and_no_word_open_anything_for_what_is_never_opened(
        lines in proptest::collection::vec(a_line(), 1..8),
        rules in proptest::collection::vec(a_rule(), 0..6),
        purpose in select(&NEVER[..]),
        asker in an_asker(),
    ) {
        let asker = Asker { purpose, ..asker };
        // A list of purposes that names it cannot be signed; and if it could, it would not help.
        let agreed = vec![Agreed { purpose, evidence: vec![] }];
        for purposes in [vec![], usual(), agreed] {
            let verdict = decide(&rulebook(&lines), &purposes, &rules, &asker);
            let because = vec!["purpose-never".to_owned()];
            prop_assert_eq!(verdict.refused, Some((RefusalKind::Pact, because)));
        }
    }

    #[test]
    fn purposes_only_close_and_less_evidence_that_counts_closes_more(
        lines in proptest::collection::vec(a_line(), 1..8),
        kinds in subsequence(vec![EvidenceKind::CheckIn, EvidenceKind::Appointment, EvidenceKind::OwnAccess], 2..4),
        purpose in select(vec![Purpose::Treatment, Purpose::OwnRequest]),
        rules in proptest::collection::vec(a_rule(), 0..4),
        askers in proptest::collection::vec(an_asker(), 8),
    ) {
        let rulebook = rulebook(&lines);
        let agreed = |kinds: &[EvidenceKind]| vec![Agreed { purpose, evidence: kinds.to_vec() }];
        for asker in &askers {
            let all = decide(&rulebook, &[], &rules, asker);
            let named = decide(&rulebook, &agreed(&kinds), &rules, asker);
            let fewer = decide(&rulebook, &agreed(&kinds[1..]), &rules, asker);
            within(&named, &all)?;
            within(&fewer, &named)?;
            let held = |kind: &EvidenceKind| {
                asker.evidence.contains(&kind.code())
                    || *kind == EvidenceKind::OwnAccess && asker.home && asker.role == Role::Patient
            };
            let good = asker.purpose == purpose && kinds.iter().any(held);
            prop_assert_eq!(open(&named), if good { open(&all) } else { vec![] });
        }
    }
}
