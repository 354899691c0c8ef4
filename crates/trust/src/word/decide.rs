//! What a person's rules hide from somebody.

use super::{Rule, Who, Word};
use crate::category::{EVERYTHING, IDENTITY};
use crate::{Category, MemberId, MemberKind, Purpose, Role};
use jiff::Timestamp;
use store::Labels;

/// Who would look.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    /// Her institution.
    pub member: &'a MemberId,
    /// What that institution is.
    pub kind: MemberKind,
    /// What she is there.
    pub role: Role,
    /// Her login there.
    pub actor: &'a str,
    /// She is the person whose word it is.
    pub herself: bool,
}

/// What is hidden from a viewer, and what may be said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The categories to leave out. A resource that has any of them is left out.
    pub labels: Labels,
    /// The closing rules that hide something, in the word's order.
    pub rules: Vec<String>,
    /// Whether the viewer may be told that something may be withheld: something is closed, and every rule that
    /// closes it allows the hint. It says nothing of whether there is anything.
    pub hint: bool,
}

/// Decides what a word hides from a viewer, for a purpose, at a moment. Pure: the same inputs give the same answer
/// years later. Cost: rules times categories, at most 1,400 comparisons.
///
/// The law:
/// 1. The person herself sees all. Who has no word (`None`) hides nothing: the pact and evidence decide alone.
/// 2. A rule **applies** when it names the viewer, its `until` has not passed (at that very moment it has), and its
///    purpose, if it has one, is the purpose of the request.
/// 3. Each category is decided by itself. A closing rule that applies and covers it closes it. An allowing rule that
///    applies and covers it opens it again if it names the viewer **more exactly** than every closing rule does:
///    this actor > this member > this role > this kind of member > everyone. Equally exact: closed.
/// 4. An allowing rule that reopens nothing grants nothing: it is no leave by itself.
/// 5. Since a resource is left out when *any* of its categories is hidden, to reopen a topic for somebody from whom
///    everything is closed, the kinds must be reopened as well.
/// 6. Where every category is hidden, that the person is known here is hidden too ([`IDENTITY`]).
///
/// So a further closing rule never shows more, and taking an allowing rule away never shows more.
pub fn hidden(
    word: Option<&Word>,
    viewer: &Viewer<'_>,
    purpose: Purpose,
    now: Timestamp,
) -> Hidden {
    let rules = match word {
        Some(word) if !viewer.herself => word.rules.as_slice(),
        _ => return Hidden::default(),
    };
    let applying: Vec<(&Rule, u8)> = rules
        .iter()
        .filter(|rule| in_force(rule, purpose, now))
        .filter_map(|rule| exactness(&rule.who, viewer).map(|exact| (rule, exact)))
        .collect();
    let closed: Vec<Category> = Category::ALL
        .into_iter()
        .filter(|category| is_closed(*category, &applying))
        .collect();
    let closing: Vec<&Rule> = applying
        .iter()
        .map(|(rule, _)| *rule)
        .filter(|rule| !rule.allow && closed.iter().any(|category| rule.covers(*category)))
        .collect();
    Hidden {
        labels: with_identity(Category::set(&closed)),
        hint: !closing.is_empty() && closing.iter().all(|rule| rule.hint),
        rules: closing.iter().map(|rule| rule.id.clone()).collect(),
    }
}

fn in_force(rule: &Rule, purpose: Purpose, now: Timestamp) -> bool {
    rule.purpose.is_none_or(|only| only == purpose) && rule.until.is_none_or(|until| now < until)
}

/// How exactly a rule names the viewer; `None` when it does not.
fn exactness(who: &Who, viewer: &Viewer<'_>) -> Option<u8> {
    let (exact, named) = match who {
        Who::Everyone => (0, true),
        Who::Kind(kind) => (1, *kind == viewer.kind),
        Who::Role(role) => (2, *role == viewer.role),
        Who::Member(member) => (3, member == viewer.member),
        Who::Actor(member, actor) => (4, member == viewer.member && actor == viewer.actor),
    };
    named.then_some(exact)
}

fn is_closed(category: Category, applying: &[(&Rule, u8)]) -> bool {
    let most_exact = |allow: bool| {
        applying
            .iter()
            .filter(|(rule, _)| rule.allow == allow && rule.covers(category))
            .map(|(_, exact)| *exact)
            .max()
    };
    match (most_exact(false), most_exact(true)) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(closing), Some(opening)) => opening <= closing,
    }
}

fn with_identity(labels: Labels) -> Labels {
    if labels == EVERYTHING {
        labels.with(IDENTITY)
    } else {
        labels
    }
}
