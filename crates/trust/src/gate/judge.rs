//! The decision: a pure function of what is asked, on what ground, and what the person said.
//!
//! Two questions, in this order. Does the pact allow the action in these circumstances? If so, what is left out: the
//! categories that no policy opens to this role, and those that the person closed to this viewer. Hidden is the union;
//! the person's word never opens what the pact does not.
//!
//! Of a delegate both are asked twice, for herself and for whoever she works in the name of ([`crate::delegate`]).

use super::{Purpose, RefusalKind};
use crate::category::{EVERYTHING, IDENTITY, SPARED};
use crate::delegate::{Delegated, PURPOSES, Task};
use crate::pact::Agreed;
use crate::policy::{self, Circumstances, Rulebook};
use crate::word::{self, Frequency, Hidden, Limited, Residual, Used, Viewer, Word};
use crate::{Category, EvidenceKind, MemberKind, Seals, Tag};
use jiff::Timestamp;
use std::sync::Arc;
use store::{Labels, LeftOut};

/// What a decision is made on.
pub(crate) struct Case<'a> {
    /// The pact's policies.
    pub(crate) rulebook: &'a Rulebook,
    /// The purposes that the pact names, with the evidence each needs.
    pub(crate) purposes: &'a [Agreed],
    /// What the pact opens no record for, whatever else it says.
    pub(crate) never: &'a [Purpose],
    /// What the pact says of categories and seals.
    pub(crate) seals: Option<&'a Seals>,
    /// Every action that is asked for; all must be allowed.
    pub(crate) actions: &'a [&'static str],
    /// The circumstances, evidence among them.
    pub(crate) circumstances: &'a Circumstances,
    /// How much of a record the actions open.
    pub(crate) opens: Opens,
    /// Who would look.
    pub(crate) viewer: Viewer<'a>,
    /// The person's words; more than one only where a record carries several CURPs. All bind.
    pub(crate) words: &'a [&'a Word],
    /// How often grants of them were used before.
    pub(crate) used: &'a [Used],
    /// For what.
    pub(crate) purpose: Purpose,
    /// When.
    pub(crate) now: Timestamp,
}

/// The kinds of evidence, with `representation` among them where the words say that whoever asks acts for the person. It
/// counts nowhere else: that a member vouches for a tag makes nobody a representative.
pub(crate) fn with_representation<'w>(
    mut evidence: Vec<&'static str>,
    acting: Option<Tag>,
    words: impl IntoIterator<Item = &'w Word>,
    now: Timestamp,
) -> Vec<&'static str> {
    let code = EvidenceKind::Representation.code();
    evidence.retain(|kind| *kind != code);
    let mut words = words.into_iter();
    if acting.is_some_and(|tag| words.any(|word| word.representative(tag, now).is_some())) {
        evidence.push(code);
    }
    evidence
}

/// How much of a record some actions open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Opens {
    /// What policies and the person leave open.
    Seen,
    /// Only who she is.
    Identity,
    /// All, because nothing is shown: new resources only, or the institution keeping its own books.
    Unseen,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Refused, and why; the rest is then empty.
    pub(crate) refused: Option<(RefusalKind, Vec<String>)>,
    /// The policies that decided.
    pub(crate) policies: Vec<String>,
    /// Left out.
    pub(crate) hidden: Labels,
    /// Left out of the emergency set too.
    pub(crate) held: Labels,
    /// Nothing but this is opened.
    pub(crate) only: Option<Labels>,
    /// What resources are asked besides, of each word one.
    pub(crate) residual: Vec<Arc<Residual>>,
    /// The person's rules that closed something.
    pub(crate) rules: Vec<String>,
    /// Something may be withheld, and the person lets it be said.
    pub(crate) hint: bool,
    /// Of what of it nothing may be said.
    pub(crate) untold: Labels,
    /// The grants with terms that it stands on, and whose word they are in.
    pub(crate) under: Vec<(Tag, Limited)>,
    /// When the first of those that are used up opens something again.
    pub(crate) again: Option<Timestamp>,
}

/// Decides. Same inputs, same decision, years later.
pub(crate) fn judge(case: &Case<'_>) -> Verdict {
    if case.never.contains(&case.purpose) {
        return Verdict::refused(RefusalKind::Pact, vec!["purpose-never".to_owned()]);
    }
    let verdict = match &case.circumstances.delegated {
        None => alone(case),
        Some(delegated) => match known(case, delegated) {
            Err((kind, because)) => return Verdict::refused(kind, because),
            Ok(policies) => in_her_name(case, delegated).and(alone(case)).by(policies),
        },
    };
    // Where a grant that is used up leaves nothing else open, it is said; else the rest is shown.
    match verdict.again {
        Some(again) if verdict.refused.is_none() && verdict.shows_nothing() => Verdict {
            again: Some(again),
            ..Verdict::refused(RefusalKind::UsedUp, vec!["used-up".to_owned()])
        },
        _ => verdict,
    }
}

/// The policies by which the pact knows this delegation, or why she may not do this in the other's name.
fn known(
    case: &Case<'_>,
    delegated: &Delegated,
) -> Result<Vec<String>, (RefusalKind, Vec<String>)> {
    let no = |why: &str| Err((RefusalKind::Delegation, vec![why.to_owned()]));
    if !delegated.stands {
        return no("delegation-over");
    }
    let tasks: Option<Vec<Task>> = case.actions.iter().map(|action| Task::of(action)).collect();
    let Some(tasks) = tasks.filter(|_| PURPOSES.contains(&case.purpose)) else {
        return no("own-cedula");
    };
    if case.circumstances.own_cedula {
        return no("own-cedula");
    }
    let given = tasks.iter().all(|task| delegated.tasks.contains(task));
    if !given || !delegated.purposes.contains(&case.purpose) {
        return no("delegation-not-given");
    }
    let ruling = case.rulebook.ask(policy::DELEGATE, case.circumstances);
    match (ruling.allowed, ruling.refusal.as_deref()) {
        (true, _) => Ok(ruling.because),
        (false, Some("licence")) => Err((RefusalKind::Licence, ruling.because)),
        (false, _) => {
            let unknown = vec!["delegation-unknown".to_owned()];
            Err((RefusalKind::Delegation, [unknown, ruling.because].concat()))
        }
    }
}

/// What whoever named her would get at this moment, on the same evidence.
fn in_her_name(case: &Case<'_>, delegated: &Delegated) -> Verdict {
    let circumstances = Circumstances {
        actor: delegated.login.clone(),
        role: delegated.role.code(),
        licence_state: delegated.licence.map_or("none", |state| state.code()),
        delegated: None,
        ..case.circumstances.clone()
    };
    alone(&Case {
        circumstances: &circumstances,
        viewer: Viewer {
            role: delegated.role,
            actor: &delegated.login,
            ..case.viewer
        },
        ..*case
    })
}

/// What one actor gets by policies and words.
fn alone(case: &Case<'_>) -> Verdict {
    let mut policies = Vec::new();
    for action in case.actions {
        let ruling = case.rulebook.ask(action, case.circumstances);
        if !ruling.allowed {
            let kind = why(case, action, ruling.refusal.as_deref(), &ruling.because);
            return Verdict::refused(kind, ruling.because);
        }
        if let Some((kind, because)) = by_purpose(case, action) {
            return Verdict::refused(kind, vec![because.to_owned()]);
        }
        policies.extend(ruling.because);
    }
    let (closed, sees) = by_policy(case);
    let closed = closed.with(unnamed(case));
    policies.extend(sees);
    policies.sort();
    policies.dedup();
    let mut verdict = Verdict {
        refused: None,
        policies,
        hidden: closed,
        held: closed,
        only: narrowed(case),
        residual: Vec::new(),
        rules: Vec::new(),
        hint: false,
        untold: case.seals.map_or(Labels(0), Seals::untold),
        under: Vec::new(),
        again: None,
    };
    // What an order names the person's word does not close.
    if case.opens != Opens::Unseen && case.purpose != Purpose::State {
        by_word(case, &mut verdict);
    }
    verdict
}

/// In an emergency the first that opens is what could save a life; all, after the second factor.
fn narrowed(case: &Case<'_>) -> Option<Labels> {
    let confirmed = EvidenceKind::EmergencyConfirmed.code();
    let first =
        case.purpose == Purpose::Emergency && !case.circumstances.evidence.contains(&confirmed);
    first.then_some(SPARED)
}

/// Under an order of the state: all that it does not name.
fn unnamed(case: &Case<'_>) -> Labels {
    match case.purpose {
        Purpose::State => Labels(EVERYTHING.0 & !case.circumstances.named.unwrap_or(0)),
        _ => Labels(0),
    }
}

/// What is refused whatever a policy allows: a record opened at a desk, where another one sees the screen; an emergency that is not declared, or of those who do not review theirs; a
/// purpose that nobody agreed on, and a record that is opened or changed without the evidence that its purpose needs. Of
/// nobody's record there is no evidence.
fn by_purpose(case: &Case<'_>, action: &str) -> Option<(RefusalKind, &'static str)> {
    let circumstances = case.circumstances;
    if circumstances.helped && action == policy::READ {
        return Some((RefusalKind::Pact, "desk-opens-no-record"));
    }
    if case.purpose == Purpose::Emergency {
        let declared = |kind: &&str| ["emergency", "emergency-confirmed"].contains(kind);
        if circumstances.reviews_overdue {
            return Some((RefusalKind::Reviews, "reviews-overdue"));
        }
        if action == policy::READ && !circumstances.evidence.iter().any(declared) {
            return Some((RefusalKind::NoEvidence, "emergency-not-declared"));
        }
    }
    let ordered = circumstances.evidence.contains(&"order");
    if case.purpose == Purpose::State && action == policy::READ && !ordered {
        return Some((RefusalKind::NoEvidence, "order-not-released"));
    }
    if case.purposes.is_empty() || circumstances.scope == "shared" {
        return None;
    }
    let Some(evidence) = needed(case) else {
        return Some((RefusalKind::Pact, "purpose-not-agreed"));
    };
    let opens = [
        policy::READ,
        policy::WRITE,
        policy::REGISTER,
        policy::DISPENSE,
    ]
    .contains(&action);
    let holds = |kind: &EvidenceKind| match kind {
        EvidenceKind::OwnAccess if circumstances.own_record => true,
        kind => circumstances.evidence.contains(&kind.code()),
    };
    let lacks = opens && !evidence.is_empty() && !evidence.iter().any(holds);
    lacks.then_some((RefusalKind::NoEvidence, "purpose-needs-evidence"))
}

/// The kinds of evidence of which the purpose needs one; `None` when the pact does not name it.
fn needed<'a>(case: &Case<'a>) -> Option<&'a [EvidenceKind]> {
    let code = case.circumstances.purpose;
    let mut purposes = case.purposes.iter();
    let agreed = purposes.find(|agreed| agreed.purpose.code() == code)?;
    Some(&agreed.evidence)
}

/// The categories that no policy opens, and the policies that open the others.
fn by_policy(case: &Case<'_>) -> (Labels, Vec<String>) {
    match case.opens {
        Opens::Unseen => (Labels(0), Vec::new()),
        Opens::Identity => (EVERYTHING, Vec::new()),
        Opens::Seen => {
            let (open, because) = case.rulebook.sees(case.circumstances);
            let open = Category::set(&open);
            (Labels(EVERYTHING.0 & !open.0), because)
        }
    }
}

fn by_word(case: &Case<'_>, verdict: &mut Verdict) {
    let hidden = case.words.iter().map(|said| {
        let of = |grant: &str| {
            let mut used = case.used.iter();
            used.find(|one| one.person == said.person && one.grant == grant)
        };
        let spent = |grant: &str, frequency: &Frequency| {
            of(grant).is_some_and(|used| used.times >= frequency.times)
        };
        let (seals, viewer) = (case.seals, &case.viewer);
        let hidden = word::hidden_when(Some(said), seals, viewer, case.purpose, case.now, &spent);
        let again = hidden
            .spent
            .iter()
            .filter_map(|grant| of(&grant.name)?.again);
        (said.person, again.min(), hidden)
    });
    // Where several words bind, one that wants silence silences all.
    let mut hints = Vec::new();
    for (person, again, one) in hidden {
        verdict.again = verdict.again.into_iter().chain(again).min();
        verdict
            .under
            .extend(one.under.iter().map(|grant| (person, grant.clone())));
        verdict.hidden = verdict.hidden.with(one.labels);
        verdict.held = verdict.held.with(held(&one, case.opens));
        verdict.residual.extend(one.residual);
        if !one.rules.is_empty() {
            hints.push(one.hint);
        }
        verdict.rules.extend(one.rules);
    }
    verdict.hint = !hints.is_empty() && hints.iter().all(|hint| *hint);
}

/// What a word hides of the emergency set too. Where nothing but who she is would show, nothing is spared: who looks
/// people up saves no life, and does not find one who closed everything.
pub(crate) fn held(hidden: &Hidden, opens: Opens) -> Labels {
    match opens {
        Opens::Identity => hidden.labels,
        Opens::Seen | Opens::Unseen => hidden.held,
    }
}

/// The kind of a refusal. Evidence is what lacks if with it the same request would be allowed; this does not depend
/// on whether the person is known here.
fn why(case: &Case<'_>, action: &str, refusal: Option<&str>, because: &[String]) -> RefusalKind {
    if refusal == Some("licence") {
        return RefusalKind::Licence;
    }
    if !because.is_empty() {
        return RefusalKind::Pact;
    }
    let with_evidence = Circumstances {
        evidence: needed(case)
            .unwrap_or(&EvidenceKind::CARE)
            .iter()
            .map(|kind| kind.code())
            .collect(),
        ..case.circumstances.clone()
    };
    match case.rulebook.ask(action, &with_evidence).allowed {
        true => RefusalKind::NoEvidence,
        false => RefusalKind::Pact,
    }
}

impl Verdict {
    /// What a permit leaves out of the person's record.
    pub(crate) fn left_out(&self) -> LeftOut {
        LeftOut {
            hidden: self.hidden,
            held: self.held,
            spared: SPARED,
        }
    }
    /// What both open. A refusal of either refuses, this one's first.
    fn and(self, other: Verdict) -> Verdict {
        let (one, mut other) = match (&self.refused, &other.refused) {
            (Some(_), _) => return self,
            (None, Some(_)) => return other,
            (None, None) => (self, other),
        };
        let closes = |verdict: &Verdict| !verdict.rules.is_empty();
        let hint = match (closes(&one), closes(&other)) {
            (true, true) => one.hint && other.hint,
            (true, false) => one.hint,
            (false, _) => other.hint,
        };
        other.residual.retain(|asked| !one.residual.contains(asked));
        other.rules.retain(|rule| !one.rules.contains(rule));
        other.under.retain(|grant| !one.under.contains(grant));
        Verdict {
            refused: None,
            policies: [one.policies, other.policies].concat(),
            hidden: one.hidden.with(other.hidden),
            held: one.held.with(other.held),
            only: match (one.only, other.only) {
                (Some(one), Some(other)) => Some(Labels(one.0 & other.0)),
                (one, other) => one.or(other),
            },
            residual: [one.residual, other.residual].concat(),
            rules: [one.rules, other.rules].concat(),
            hint,
            untold: one.untold.with(other.untold),
            under: [one.under, other.under].concat(),
            again: one.again.into_iter().chain(other.again).min(),
        }
    }
    /// With the policies by which it was asked at all.
    fn by(mut self, policies: Vec<String>) -> Verdict {
        if self.refused.is_none() {
            self.policies.extend(policies);
            self.policies.sort();
            self.policies.dedup();
        }
        self
    }
    /// Whether it opens nothing of a record, not even whose it is.
    fn shows_nothing(&self) -> bool {
        let all = EVERYTHING.with(IDENTITY).0;
        self.hidden.0 & all == all && self.held.0 & all == all
    }
    pub(crate) fn refused(kind: RefusalKind, because: Vec<String>) -> Verdict {
        Verdict {
            refused: Some((kind, because)),
            policies: Vec::new(),
            hidden: EVERYTHING,
            held: EVERYTHING,
            only: None,
            residual: Vec::new(),
            rules: Vec::new(),
            hint: false,
            untold: Labels(0),
            under: Vec::new(),
            again: None,
        }
    }
}

/// The code of a kind of member, as policies have it.
pub(crate) fn kind_code(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::PublicInstitution => "public-institution",
        MemberKind::PrivateHospital => "private-hospital",
        MemberKind::Clinic => "clinic",
        MemberKind::Pharmacy => "pharmacy",
        MemberKind::Laboratory => "laboratory",
        MemberKind::Insurer => "insurer",
        MemberKind::University => "university",
        MemberKind::Witness => "witness",
        MemberKind::Authority => "authority",
    }
}
