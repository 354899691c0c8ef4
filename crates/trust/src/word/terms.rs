//! The terms of what she opens: how often, and by when what was received is erased. (ABDM's `frequency` and `dataEraseAt`.)
//!
//! A **use** is what one professional opens by a grant within a [`USE`] from its first moment: a page asks a node many
//! times, and nobody counts that. Uses are counted for the professional's institution, over the last hours or days, by
//! each member for what it keeps itself.

use super::{Rule, Unless, Word};
use crate::{Lang, Tag};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long one use lasts.
pub const USE: SignedDuration = SignedDuration::from_mins(15);

/// On what terms an allowing rule, or an exception, opens something. None that is said: for as long as it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// How often an institution may use it; then it opens nothing until a use is long enough ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// What was received by it is to be erased by this moment, from which on it opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_at: Option<Timestamp>,
}

/// So many uses in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frequency {
    /// Uses, from 1.
    pub times: u32,
    /// In how long.
    pub per: Per,
}

/// A span of time that moves along: a month is the last 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Per {
    Hour,
    Day,
    Week,
    Month,
}

/// Uses that a frequency may let at most.
const MAX_TIMES: u32 = 1_000;

/// How often a grant was used by the institution that asks, when it was asked; what was never used is not said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Used {
    /// Whose word it is in.
    pub person: Tag,
    /// The grant ([`Limited::name`]).
    pub grant: String,
    /// Uses in its span, the one under way not counted.
    pub times: u32,
    /// When it opens again, where it is used up.
    pub again: Option<Timestamp>,
}

/// A grant with terms: an allowing rule, or an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The rule's name; of an exception with its place, `rule/0`.
    pub name: String,
    /// Its terms.
    pub terms: Terms,
}

impl Per {
    /// All, shortest first.
    pub const ALL: [Per; 4] = [Per::Hour, Per::Day, Per::Week, Per::Month];
    /// How long it is.
    pub fn span(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Per::Hour => 1,
            Per::Day => 24,
            Per::Week => 7 * 24,
            Per::Month => 30 * 24,
        })
    }
    /// Its code, as forms send it.
    pub fn code(self) -> &'static str {
        match self {
            Per::Hour => "hour",
            Per::Day => "day",
            Per::Week => "week",
            Per::Month => "month",
        }
    }
    /// As FHIR's `Timing.repeat` has it: how many of which unit of UCUM.
    pub(super) fn ucum(self) -> (u32, &'static str) {
        match self {
            Per::Hour => (1, "h"),
            Per::Day => (1, "d"),
            Per::Week => (1, "wk"),
            Per::Month => (1, "mo"),
        }
    }
    fn words(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Per::Hour, Lang::Es) => "por hora",
            (Per::Day, Lang::Es) => "al día",
            (Per::Week, Lang::Es) => "a la semana",
            (Per::Month, Lang::Es) => "al mes",
            (Per::Hour, Lang::En) => "an hour",
            (Per::Day, Lang::En) => "a day",
            (Per::Week, Lang::En) => "a week",
            (Per::Month, Lang::En) => "a month",
        }
    }
}

impl Frequency {
    /// Whether it lets at least one use, and at most a thousand.
    pub fn is_within_bounds(self) -> bool {
        (1..=MAX_TIMES).contains(&self.times)
    }
    /// How often it was used before a moment, given when uses began (oldest first, the one under way left out), and when
    /// it opens again if that is as often as it lets.
    pub(crate) fn spent(self, began: &[Timestamp], now: Timestamp) -> (u32, Option<Timestamp>) {
        let counted: Vec<Timestamp> = began
            .iter()
            .copied()
            .filter(|at| now.duration_since(*at) < self.per.span())
            .collect();
        let times = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        // The first of the last so many must be past.
        let first = times.checked_sub(self.times).map(|place| place as usize);
        let first = first.and_then(|place| counted.get(place));
        let again = first.map(|at| at.checked_add(self.per.span()).unwrap_or(Timestamp::MAX));
        (times, again)
    }
}

impl Terms {
    /// Whether they say nothing.
    pub fn is_none(&self) -> bool {
        *self == Terms::default()
    }
    /// What they do not say themselves, they take from others.
    pub(super) fn or(&self, outer: &Terms) -> Terms {
        Terms {
            frequency: self.frequency.or(outer.frequency),
            erase_at: self.erase_at.or(outer.erase_at),
        }
    }
    /// When a grant ends that has an end of its own.
    pub(super) fn end(&self, until: Option<Timestamp>) -> Option<Timestamp> {
        [until, self.erase_at].into_iter().flatten().min()
    }
    /// Whether they keep their bounds; else why not.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.frequency {
            Some(frequency) if !frequency.is_within_bounds() => {
                Err("it may be used 1 to 1000 times in its span")
            }
            _ => Ok(()),
        }
    }
    /// In words, a sentence for each.
    pub fn sentences(&self, lang: Lang) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(Frequency { times, per }) = self.frequency {
            let per = per.words(lang);
            said.push(match (lang, times) {
                (Lang::Es, 1) => format!("Cada institución, 1 vez {per}."),
                (Lang::Es, _) => format!("Cada institución, {times} veces {per}."),
                (Lang::En, 1) => format!("Each institution, once {per}."),
                (Lang::En, _) => format!("Each institution, {times} times {per}."),
            });
        }
        if let Some(at) = self.erase_at {
            let day = crate::act::day(at, lang);
            said.push(match lang {
                Lang::Es => format!(
                    "Lo que reciban se borra a más tardar el {day}; desde entonces no abre nada."
                ),
                Lang::En => {
                    format!("What they receive is erased by {day}; from then on it opens nothing.")
                }
            });
        }
        said
    }
}

impl Rule {
    /// The grants with terms that are in it.
    pub(super) fn limited(&self) -> impl Iterator<Item = Limited> {
        let own = (self.allow && !self.terms.is_none()).then(|| Limited {
            name: self.id.clone(),
            terms: self.terms,
        });
        let unless = self.unless.iter().enumerate();
        let exceptions = unless.filter(|(_, one)| !one.terms.is_none());
        own.into_iter()
            .chain(exceptions.map(|(place, one)| Limited {
                name: exception_name(self, place),
                terms: one.terms,
            }))
    }
    /// Whether an exception, by its place, is one of those that count.
    pub(super) fn excepting<'r>(
        &'r self,
        counts: &'r dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = &'r Unless> {
        let unless = self.unless.iter().enumerate();
        unless
            .filter(move |(place, one)| {
                one.terms.is_none() || counts(&exception_name(self, *place))
            })
            .map(|(_, one)| one)
    }
}

fn exception_name(rule: &Rule, place: usize) -> String {
    format!("{}/{place}", rule.id)
}

impl Word {
    /// All grants with terms.
    pub(crate) fn limited(&self) -> impl Iterator<Item = Limited> {
        self.rules.iter().flat_map(Rule::limited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_opens_again_when_its_first_use_of_the_last_so_many_is_long_enough_ago() {
        let at = |text: &str| -> Timestamp { format!("2026-11-{text}:00Z").parse().unwrap() };
        let twice_a_day = Frequency {
            times: 2,
            per: Per::Day,
        };
        let table = [
            (&["20T09:00"][..], "21T07:00", 1, None),
            (&["20T09:00", "21T08:00"], "21T08:59", 2, Some("21T09:00")),
            (&["20T09:00", "21T08:00"], "21T09:00", 1, None),
            (
                &["21T08:00", "21T09:00", "21T10:00"],
                "21T12:00",
                3,
                Some("22T09:00"),
            ),
            (&["21T08:00"], "23T00:00", 0, None),
        ];
        for (began, now, times, again) in table {
            let began: Vec<Timestamp> = began.iter().map(|one| at(one)).collect();
            let spent = twice_a_day.spent(&began, at(now));
            assert_eq!(spent, (times, again.map(at)), "{now}");
        }
    }
}
