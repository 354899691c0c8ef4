//! The decision against a model that a person can check by eye, for random roles, evidence and words.

use super::super::judge::{Case, Opens, judge, kind_code};
use super::*;
use crate::category::{EVERYTHING, IDENTITY};
use crate::pact::tests::any_seals;
use crate::policy::{self, Circumstances, Rulebook};
use crate::{Rule, Seals, Viewer, Who, Word};
use proptest::prelude::*;
use store::Labels;

const ROLES: [Role; 5] = [
    Role::Physician,
    Role::Nurse,
    Role::Pharmacist,
    Role::Clerk,
    Role::Patient,
];
const STATES: [&str; 6] = [
    "active",
    "pasante",
    "suspended",
    "unsupervised",
    "unverified",
    "none",
];

fn a_rule() -> impl Strategy<Value = Rule> {
    let who = prop_oneof![
        Just(Who::Everyone),
        Just(Who::Kind(MemberKind::Pharmacy)),
        Just(Who::Member(id("farmacia"))),
        Just(Who::Role(Role::Physician)),
        Just(Who::Actor(id("farmacia"), "ana".into())),
    ];
    let what = proptest::sample::subsequence(Category::ALL.to_vec(), 0..4);
    (
        any::<u32>(),
        any::<bool>(),
        who,
        what,
        proptest::option::of(0..3i64),
        any::<bool>(),
    )
        .prop_map(|(name, allow, who, what, until, hint)| Rule {
            id: format!("r{name}"),
            allow,
            who,
            what,
            purpose: None,
            until: until.map(|hours| noon() + jiff::SignedDuration::from_hours(hours - 1)),
            hint,
            ..Rule::default()
        })
}

/// Whether a pharmacy's actor with a check-in may read at all, in one line each.
fn may_read(role: Role, evidence: bool, state: &str) -> bool {
    let care = [Role::Physician, Role::Nurse, Role::Pharmacist].contains(&role);
    care && evidence && ["active", "pasante"].contains(&state)
}

/// Whether the policies open a category.
fn is_open_by_pact(role: Role, category: Category) -> bool {
    role != Role::Pharmacist
        || category.is_topic()
        || [Category::Medicines, Category::Allergies].contains(&category)
}

/// Whether a category is open by the law of words, said naively.
fn is_open_by_word(role: Role, category: Category, rules: &[Rule]) -> bool {
    let exact = |who: &Who| match who {
        Who::Everyone => Some(0),
        Who::Kind(_) => Some(1),
        Who::Role(of) => (*of == role).then_some(2),
        Who::Member(_) => Some(3),
        Who::Actor(..) => Some(4),
        Who::Representatives | Who::Representative(_) => None,
    };
    let strongest = |allow: bool| {
        rules
            .iter()
            .filter(|rule| rule.allow == allow)
            .filter(|rule| rule.what.is_empty() || rule.what.contains(&category))
            .filter(|rule| rule.until.is_none_or(|until| until > noon()))
            .filter_map(|rule| exact(&rule.who))
            .max()
    };
    strongest(false).is_none() || strongest(true) > strongest(false)
}

/// Whether it may be told that something is withheld: of a closed category that the pact does not keep silent, and if no rule
/// that closes one of those that are closed wants silence.
fn may_be_told(role: Role, rules: &[Rule], seals: Option<&Seals>) -> bool {
    let mut closed = Category::ALL.to_vec();
    closed.retain(|category| !is_open_by_word(role, *category, rules));
    let mut silences = rules.iter().filter(|rule| !rule.allow && !rule.hint);
    let silenced = silences.any(|rule| {
        let alone = std::slice::from_ref(rule);
        let mut closed = closed.iter();
        closed.any(|category| !is_open_by_word(role, *category, alone))
    });
    let silent = seals.map_or(&[][..], |seals| &seals.silent);
    !silenced && closed.iter().any(|category| !silent.contains(category))
}

proptest! {
    #[test]
    fn the_decision_is_what_the_model_says(
        role in 0..ROLES.len(),
        state in 0..STATES.len(),
        evidence in any::<bool>(),
        rules in proptest::collection::vec(a_rule(), 0..6),
        seals in proptest::option::of(any_seals()),
    ) {
        let (role, state) = (ROLES[role], STATES[state]);
        thread_local! {
            static RULEBOOK: Rulebook = Rulebook::parse(policy::DEFAULT).unwrap();
        }
        let circumstances = Circumstances {
            actor: "ana".into(),
            institution: id("farmacia"),
            holder: id("imss"),
            scope: "person",
            purpose: "TREAT",
            evidence: if evidence { vec!["check-in"] } else { vec![] },
            role: role.code(),
            licence_state: state,
            institution_kind: kind_code(MemberKind::Pharmacy),
            via_other_member: true,
            own_record: false,
            helped: false, reviews_overdue: false,
            named: None,
            acting: None,
            delegated: None,
            own_cedula: false,
        };
        let word = Word {
            person: Tag([1; 32]),
            version: 1,
            rules: rules.clone(),
            wishes: Vec::new(),
            represented_by: Vec::new(),
            born: None,
            said: noon(),
            author: id("imss"),
        };
        let pharmacy = id("farmacia");
        let verdict = RULEBOOK.with(|rulebook| judge(&Case {
            rulebook,
            purposes: &crate::pact::usual(),
            never: &crate::pact::NEVER,
            seals: seals.as_ref(),
            actions: &[policy::READ],
            circumstances: &circumstances,
            opens: Opens::Seen,
            viewer: Viewer {
                member: &pharmacy,
                kind: MemberKind::Pharmacy,
                role,
                actor: "ana",
                herself: false,
                acting: None,
            },
            words: &[&word],
            used: &[],
            purpose: Purpose::Treatment,
            now: noon(),
        }));
        prop_assert_eq!(verdict.refused.is_none(), may_read(role, evidence, state));
        if verdict.refused.is_none() {
            for category in Category::ALL {
                let by_pact = is_open_by_pact(role, category);
                let by_word = is_open_by_word(role, category, &rules);
                let open = !verdict.hidden.meets(category.bit());
                prop_assert_eq!(open, by_pact && by_word, "{:?}", category);
                // No rule insists: what could save a life is closed by the pact alone, or where that spares nothing.
                let spares = seals.as_ref().is_none_or(|seals| seals.emergency);
                let open = !verdict.held.meets(category.bit());
                prop_assert_eq!(open, by_pact && (spares || by_word), "{:?}", category);
            }
            prop_assert_eq!(verdict.hint, may_be_told(role, &rules, seals.as_ref()));
            prop_assert_eq!(verdict.untold, seals.map_or(Labels(0), |seals| Category::set(&seals.silent)));
            prop_assert_eq!(verdict.hidden.0 & !(EVERYTHING.0 | IDENTITY.0), 0);
        } else {
            prop_assert_eq!(verdict.hidden, Labels(EVERYTHING.0));
        }
    }
}
