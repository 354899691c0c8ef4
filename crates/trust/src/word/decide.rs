//! What a person's rules hide from somebody.

use super::part::ACT_CODE;
use super::residual::{Closing, Opening, Residual, Scope};
use super::terms::{Frequency, Limited};
use super::{Label, Part, Rule, Unless, Who, Word, wish};
use crate::category::{EVERYTHING, IDENTITY};
use crate::{Category, MemberId, MemberKind, Purpose, Role, Seals, Tag};
use jiff::Timestamp;
use std::sync::Arc;
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
    /// She acts for the person, and this is her own tag.
    pub acting: Option<Tag>,
}

/// What is hidden from a viewer, and what may be said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The categories to leave out. A resource that has any of them is left out.
    pub labels: Labels,
    /// Those of them that are left out also of the emergency set ([`crate::category::SPARED`]).
    pub held: Labels,
    /// What a resource must be asked besides; `None` where categories say all.
    pub residual: Option<Arc<Residual>>,
    /// The closing rules that hide something, in the word's order.
    pub rules: Vec<String>,
    /// Whether the viewer may be told that something may be withheld: something is closed of which the pact lets be told, and
    /// every rule that closes it allows the hint. It says nothing of whether there is anything.
    pub hint: bool,
    /// The grants with terms that open something here which nothing else opens. Of several that open the same the first.
    pub under: Vec<Limited>,
    /// Those that are used up and would open more, alone or together.
    pub spent: Vec<Limited>,
}

/// Decides what a word hides from a viewer, for a purpose, at a moment. Pure: the same inputs give the same answer
/// years later. Cost: rules times categories, some 1,400 comparisons.
///
/// The law:
/// 1. The person herself sees all but what she does not wish to know ([`super::wish`]), which is left out for whoever asks
///    for her as well, and what she is too young for ([`Word::too_young_for`]). Who has no word (`None`) hides nothing: the
///    pact and evidence decide alone.
/// 2. A rule **applies** when it names the viewer, it has begun, its `until` has not passed (at that very moment it has),
///    and its purpose, if it has one, is the purpose of the request.
/// 3. Each category of each resource is decided by itself. A closing rule that applies closes it when it covers the
///    category, the resource is in its [`Part`](super::Part), and no exception of the rule applies that covers the
///    category and has the resource in its part. An allowing rule that applies, covers it and has the resource in its
///    part opens it again if it names the viewer **more exactly** than every rule does that closes it:
///    this actor > this member > this role > this kind of member > everyone. Equally exact: closed.
/// 4. An allowing rule, or an exception, that reopens nothing grants nothing: it is no leave by itself.
/// 5. Since a resource is left out when *any* of its categories is hidden, to reopen a topic for somebody from whom
///    everything is closed, the kinds must be reopened as well.
/// 6. Where every category is hidden wholly, that the person is known here is hidden too ([`IDENTITY`]).
/// 7. Whether a resource is in a part, where it does not say enough to tell, is decided so that less is shown.
/// 8. In an **emergency** only those closing rules count that insist.
/// 9. For care, a closing rule that does not insist leaves the emergency set open, and whose it is: it hides what has a
///    closed category unless that is of the set. For every other purpose a seal holds for the set as well, and for care where
///    the pact says so ([`Seals::emergency`]).
/// 10. A grant (an allowing rule, or an exception) that says how often opens nothing to an institution that used it so
///     often; one whose receipts are to be erased by a moment opens nothing from that moment on ([`super::terms`]).
/// 11. Whoever acts for her is named by no rule about institutions, roles and professionals; for her the law of
///     [`represent`](super::represent) comes on top, and no hint is ever given.
/// 12. What was said for her by whoever acts for her holds as far as the law of [`speak`](super::speak) lets it.
/// 13. Of what the pact keeps silent ([`Seals::silent`]) no hint is given: there is none where nothing else is hidden.
///
/// So a further closing rule never shows more, and taking an allowing rule or an exception away never shows more; nor
/// does a further use. A pact's terms of seals never show nor tell more than none.
///
/// What holds for all of a category comes out as labels, which the archive's index knows; the rest as a [`Residual`].
///
/// `seals` are the pact's terms; what a rule closes it closes whether it could be said anew under them or not. Here no grant
/// was used before; see [`hidden_when`].
pub fn hidden(
    word: Option<&Word>,
    seals: Option<&Seals>,
    viewer: &Viewer<'_>,
    purpose: Purpose,
    now: Timestamp,
) -> Hidden {
    hidden_when(word, seals, viewer, purpose, now, &|_, _| false)
}

/// As [`hidden`], where some grants are used up: `spent` says it of a grant's name and what it lets.
///
/// Cost: as [`hidden`] up to twice for each grant with terms, and three times more.
pub fn hidden_when(
    word: Option<&Word>,
    seals: Option<&Seals>,
    viewer: &Viewer<'_>,
    purpose: Purpose,
    now: Timestamp,
    spent: &dyn Fn(&str, &Frequency) -> bool,
) -> Hidden {
    let Some(word) = word else {
        return Hidden::default();
    };
    let asked = Asked {
        seals,
        viewer,
        purpose,
        now,
    };
    let hides = |counts: &dyn Fn(&str) -> bool| hides(word, &asked, counts);
    let grants: Vec<Limited> = match viewer.herself {
        true => Vec::new(),
        false => word.limited().collect(),
    };
    if grants.is_empty() {
        return hides(&|_| true);
    }
    let is_spent = |grant: &Limited| {
        let frequency = grant.terms.frequency.as_ref();
        frequency.is_some_and(|frequency| spent(&grant.name, frequency))
    };
    let with = |grants: &[Limited]| hides(&|name| grants.iter().any(|grant| grant.name == name));
    // Those without which less is open: one after the other is let go of, as long as nothing closes by that.
    let needed = |mut grants: Vec<Limited>| -> Vec<Limited> {
        let all = with(&grants);
        for place in (0..grants.len()).rev() {
            let grant = grants.remove(place);
            if !with(&grants).hides_as(&all) {
                grants.insert(place, grant);
            }
        }
        grants
    };
    let (spent, left): (Vec<Limited>, Vec<Limited>) = grants.into_iter().partition(is_spent);
    let under = needed(left);
    let seen = with(&under);
    let both: Vec<Limited> = under.iter().chain(&spent).cloned().collect();
    let missed = needed(both);
    let opens_more = |grant: &Limited| {
        let more: Vec<Limited> = under.iter().chain([grant]).cloned().collect();
        missed.contains(grant) || !with(&more).hides_as(&seen)
    };
    let spent = spent.into_iter().filter(opens_more).collect();
    Hidden {
        under,
        spent,
        ..seen
    }
}

impl Hidden {
    fn hides_as(&self, other: &Hidden) -> bool {
        (self.labels, self.held, &self.residual) == (other.labels, other.held, &other.residual)
    }
}

/// What a word hides when, of the grants with terms, those count whose names are said to.
fn hides(word: &Word, asked: &Asked<'_>, counts: &dyn Fn(&str) -> bool) -> Hidden {
    let Asked {
        seals,
        viewer,
        purpose,
        now,
    } = *asked;
    let mut unwanted = wish::unwanted(word, viewer, purpose, now);
    if viewer.herself {
        unwanted = unwanted.with(Category::set(&word.too_young_for(now)));
    }
    let rules = match viewer.herself {
        true => &[],
        false => word.rules.as_slice(),
    };
    let (mut closing, mut residual) = (Vec::new(), Residual::default());
    for rule in rules {
        // In an emergency only what insists is a seal.
        if !rule.allow && !rule.insist && purpose == Purpose::Emergency {
            continue;
        }
        let counted = rule.terms.is_none() || counts(&rule.id);
        let by = rule.speaker.as_ref().map(|speaker| speaker.tag);
        match asked.applies(rule).filter(|_| counted) {
            Some(exact) if rule.allow => residual
                .opening
                .extend(still_open(word, rule, now).map(|scope| Opening { exact, scope, by })),
            Some(exact) => {
                let exceptions = rule.excepting(counts).filter(|one| asked.excepts(one));
                let exceptions = exceptions.map(Scope::from);
                residual.closing.push(Closing {
                    exact,
                    scope: rule.into(),
                    unless: exceptions.chain(hers(word, rule, now)).collect(),
                    insist: rule.insist,
                    by,
                });
                closing.push(rule);
            }
            None => {}
        }
    }
    if let Some(tag) = viewer.acting {
        let (never, unless_let) = word.kept_from(tag, now);
        let closings = [(never, SEALED), (unless_let, BY_AGE)];
        let some = closings.into_iter().filter(|(what, _)| !what.is_empty());
        residual.closing.extend(some.map(|(what, exact)| Closing {
            exact,
            scope: Scope {
                what,
                part: Part::default(),
            },
            unless: Vec::new(),
            insist: false,
            by: None,
        }));
    }
    residual.drop_idle();
    // For care what could save her life is left out by those that insist alone, unless the pact says otherwise.
    residual.spares = purpose == Purpose::Treatment && seals.is_none_or(|seals| seals.emergency);
    let whole = |category: &Category| residual.hides_all(*category);
    let closed: Vec<Category> = Category::ALL.into_iter().filter(whole).collect();
    let holding = residual.spares.then(|| residual.insisting());
    let held: Vec<Category> = match &holding {
        Some(holding) => {
            let all = Category::ALL.into_iter();
            all.filter(|category| holding.hides_all(*category))
                .collect()
        }
        None => closed.clone(),
    };
    // What is closed wholly, and spared, may still be closed in part by a rule that insists.
    let mut partly = holding.is_some_and(|holding| {
        let mut open = Category::ALL.into_iter().filter(|one| !held.contains(one));
        open.any(|category| holding.touches(category))
    });
    let mut places = Vec::new();
    let mut may_tell = false;
    for category in Category::ALL {
        let before = places.len();
        match closed.contains(&category) {
            true => places.extend(residual.closing_at_all(category)),
            false => {
                let hiding = places.len();
                places.extend(residual.hiding(category));
                partly |= places.len() > hiding;
            }
        }
        let hiding = places.iter().skip(before);
        may_tell |= hiding
            .filter_map(|place| closing.get(*place))
            .any(|rule| seals.is_none_or(|seals| !seals.silences(category, &rule.part.labels)));
    }
    let hiding = closing.iter().enumerate();
    let hiding: Vec<&Rule> = hiding
        .filter(|(place, _)| places.contains(place))
        .map(|(_, rule)| *rule)
        .collect();
    Hidden {
        labels: with_identity(Category::set(&closed)).with(unwanted),
        held: with_identity(Category::set(&held)).with(unwanted),
        residual: partly.then(|| Arc::new(residual)),
        hint: viewer.acting.is_none() && may_tell && hiding.iter().all(|rule| rule.hint),
        rules: hiding.iter().map(|rule| rule.id.clone()).collect(),
        under: Vec::new(),
        spent: Vec::new(),
    }
}

/// Under what somebody looks.
#[derive(Clone, Copy)]
struct Asked<'a> {
    seals: Option<&'a Seals>,
    viewer: &'a Viewer<'a>,
    purpose: Purpose,
    now: Timestamp,
}

impl Asked<'_> {
    /// How exactly a rule that applies names the viewer; `None` when it does not apply.
    fn applies(&self, rule: &Rule) -> Option<u8> {
        if rule.speaker.is_some() && self.viewer.acting.is_some() {
            return None;
        }
        if rule.quiet && self.viewer.acting.is_some() {
            return self.is_now(rule.from, rule.until).then_some(SEALED);
        }
        let meant = rule.purpose.is_none_or(|only| only == self.purpose);
        let applies = meant && self.is_now(rule.from, rule.terms.end(rule.until));
        exactness(&rule.who, self.viewer).filter(|_| applies)
    }
    fn excepts(&self, unless: &Unless) -> bool {
        let meant = unless.purposes.is_empty() || unless.purposes.contains(&self.purpose);
        meant
            && self.is_now(unless.from, unless.terms.end(unless.until))
            && exactness(&unless.who, self.viewer).is_some()
    }
    fn is_now(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        from.is_none_or(|from| from <= self.now) && until.is_none_or(|until| self.now < until)
    }
}

/// What an allowing rule opens: one said for her, what is still its speaker's to decide.
fn still_open(word: &Word, rule: &Rule, now: Timestamp) -> Option<Scope> {
    let Some(speaker) = &rule.speaker else {
        return Some(rule.into());
    };
    let decides = word.decides(speaker.tag, now);
    let what = rule
        .what
        .iter()
        .copied()
        .filter(|one| decides.contains(one));
    let what: Vec<Category> = what.collect();
    // No categories would be all of them.
    (!what.is_empty()).then(|| Scope {
        what,
        part: rule.part.clone(),
    })
}

/// What a closing rule said for her does not reach: what bears a topic that is hers to decide.
fn hers(word: &Word, rule: &Rule, now: Timestamp) -> Option<Scope> {
    let topics = word.beyond(rule, rule.speaker.as_ref()?, now);
    let codes = topics.into_iter().filter_map(Category::sensitivity);
    let labels: Vec<Label> = codes
        .map(|code| Label {
            system: ACT_CODE.to_owned(),
            code: code.to_owned(),
        })
        .collect();
    // No labels would be the whole record.
    (!labels.is_empty()).then(|| Scope {
        what: Vec::new(),
        part: Part {
            labels,
            ..Part::default()
        },
    })
}

impl From<&Rule> for Scope {
    fn from(rule: &Rule) -> Scope {
        Scope {
            what: rule.what.clone(),
            part: rule.part.clone(),
        }
    }
}

impl From<&Unless> for Scope {
    fn from(unless: &Unless) -> Scope {
        Scope {
            what: unless.what.clone(),
            part: unless.part.clone(),
        }
    }
}

/// What is closed by age to whoever acts for her: what names her opens it again.
const BY_AGE: u8 = 2;
/// What nothing opens again.
const SEALED: u8 = u8::MAX;

/// How exactly a rule names the viewer; `None` when it does not.
fn exactness(who: &Who, viewer: &Viewer<'_>) -> Option<u8> {
    if let Some(tag) = viewer.acting {
        return match who {
            Who::Everyone => Some(0),
            Who::Representatives => Some(BY_AGE + 1),
            Who::Representative(named) => (*named == tag).then_some(BY_AGE + 2),
            _ => None,
        };
    }
    let (exact, named) = match who {
        Who::Everyone => (0, true),
        Who::Representatives | Who::Representative(_) => (0, false),
        Who::Kind(kind) => (1, *kind == viewer.kind),
        Who::Role(role) => (2, *role == viewer.role),
        Who::Member(member) => (3, member == viewer.member),
        Who::Actor(member, actor) => (4, member == viewer.member && actor == viewer.actor),
    };
    named.then_some(exact)
}

fn with_identity(labels: Labels) -> Labels {
    if labels == EVERYTHING {
        labels.with(IDENTITY)
    } else {
        labels
    }
}
