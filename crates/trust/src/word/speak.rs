//! What was said for a person by whoever acts for her: rules and wishes that name who said them ([`Speaker`]).
//!
//! The law ([`hidden`](super::hidden) takes it up):
//! 1. A guardian speaks for her, and a proxy whom she gave that power. Of what the table of [`autonomy`](super::autonomy)
//!    gives to herself at her age a guardian does not speak, of violence at no age; nor anybody of what was not granted.
//! 2. A closing rule said for her does not reach what bears a topic that is hers to decide by then, unless the rule names
//!    that topic, from when it was not hers yet. It binds nobody who acts for her, never insists and is never quiet.
//! 3. An opening rule said for her holds while whoever said it acts for her, for what that one decides at the moment. It
//!    opens again only what the same one closed: nothing that she closed herself.
//! 4. What closes, and a wish not to know, protects her: it outlasts the power of who said it, until she takes it back. She
//!    sees it at any age; she takes back what is hers to decide, all of it once she is of age.
//! 5. Whoever speaks for her sees what she said herself for her, and nothing else that is said.

use super::autonomy;
use super::represent::Kind;
use super::{Representative, Rule, Tie, Who, Wish, Word, is_of_age};
use crate::{Category, Finding, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nobody says more rules for a person.
pub const MAX_SPOKEN: usize = 20;
/// Nor does a person have rules of more speakers, those of the past counted.
pub const MAX_SPEAKERS: usize = 16;

/// Who said something for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// Who: the tag of her CURP.
    pub tag: Tag,
    /// Her name as people say it.
    pub name: String,
    /// What she is to the person.
    pub tie: Tie,
    /// By what she acted for her then.
    pub kind: Kind,
}

impl Speaker {
    /// Whoever acts, as who speaks.
    pub fn of(one: &Representative) -> Speaker {
        Speaker {
            tag: one.tag,
            name: one.name.clone(),
            tie: one.tie,
            kind: one.kind,
        }
    }
}

impl Word {
    /// Of what somebody speaks for her at a moment; nothing for whoever does not act for her, or may only see.
    pub fn decides(&self, tag: Tag, now: Timestamp) -> Vec<Category> {
        let speaks = |one: &Representative| one.kind.is_guardian() || one.speaks;
        if !self.representative(tag, now).is_some_and(speaks) {
            return Vec::new();
        }
        let (never, hers) = self.kept_from(tag, now);
        let all = Category::ALL.into_iter();
        all.filter(|one| !never.contains(one) && !hers.contains(one))
            .collect()
    }
    /// What is hers to decide at a moment, so that she takes back what was said of it for her.
    pub fn decides_herself(&self, now: Timestamp) -> Vec<Category> {
        match self.born.filter(|born| !is_of_age(*born, now)) {
            Some(born) => autonomy::closed_to_guardians(Some(born), now),
            None => Category::ALL.to_vec(),
        }
    }
    /// The topics that a closing rule said for her does not reach.
    pub(super) fn beyond(&self, rule: &Rule, speaker: &Speaker, now: Timestamp) -> Vec<Category> {
        let hers = match speaker.kind {
            Kind::GuardianOfMinor => autonomy::closed_to_guardians(self.born, now),
            Kind::GuardianOfAdult => autonomy::closed_to_guardians(None, now),
            Kind::Proxy => Vec::new(),
        };
        let named = |one: &Category| rule.what.contains(one);
        hers.into_iter().filter(|one| !named(one)).collect()
    }
    /// Her rules after she said these: of what was said for her stays what she names, and what she cannot take back yet.
    /// It can neither be added to nor changed by her: what was said for her bears the name of who said it.
    pub(crate) fn say_over(&self, said: Vec<Rule>, now: Timestamp) -> Vec<Rule> {
        let hers = self.decides_herself(now);
        let spoken = self.rules.iter().filter(|rule| rule.speaker.is_some());
        let left = |rule: &Rule| {
            if said.iter().any(|one| one.id == rule.id) {
                return Some(rule.clone());
            }
            let what = rule.what.iter().copied().filter(|one| !hers.contains(one));
            let what: Vec<Category> = what.collect();
            (!what.is_empty()).then(|| Rule {
                what,
                ..rule.clone()
            })
        };
        let spoken: Vec<Rule> = spoken.filter_map(left).collect();
        let own = said.into_iter().filter(|rule| rule.speaker.is_none());
        own.chain(spoken).collect()
    }
    /// Her rules after somebody said these for her. What that one said before and names again stays as it is; a new rule
    /// without categories closes or opens the kinds of data that are the speaker's to decide.
    ///
    /// `None` when a new rule goes beyond what is.
    pub(crate) fn speak(&self, by: &Speaker, said: Vec<Rule>, now: Timestamp) -> Option<Vec<Rule>> {
        let decides = self.decides(by.tag, now);
        let theirs = |rule: &&Rule| rule.speaker.as_ref().is_some_and(|one| one.tag == by.tag);
        let mut rules: Vec<Rule> = self.rules.clone();
        rules.retain(|rule| !theirs(&rule));
        for rule in said {
            let mut before = self.rules.iter().filter(theirs);
            if let Some(before) = before.find(|before| before.id == rule.id) {
                rules.push(before.clone());
                continue;
            }
            let kinds = decides.iter().copied().filter(|one| !one.is_topic());
            let what = match rule.what.is_empty() {
                true => kinds.collect(),
                false => rule.what,
            };
            if what.is_empty() || !what.iter().all(|one| decides.contains(one)) {
                return None;
            }
            rules.push(Rule {
                what,
                speaker: Some(by.clone()),
                ..rule
            });
        }
        Some(rules)
    }
    /// Whether somebody may say for her that she shall not be told of a finding.
    pub fn may_wish(&self, tag: Tag, finding: Finding, now: Timestamp) -> bool {
        let decides = self.decides(tag, now);
        !decides.is_empty() && of_topics(finding).iter().all(|one| decides.contains(one))
    }
}

/// The topics whose findings they are: whoever does not decide of them does not wish for her.
fn of_topics(finding: Finding) -> &'static [Category] {
    match finding {
        Finding::GeneticSecondary | Finding::GeneticCarrier | Finding::LateOnset => {
            &[Category::Genetics]
        }
        Finding::PregnancyAnomaly => &[Category::Reproductive],
        Finding::Unrequested => &[Category::Genetics, Category::Reproductive],
        Finding::Cancer | Finding::IncidentalImaging | Finding::AiRisk => &[],
    }
}

/// Why a rule cannot be said for somebody; `None` for one that she said herself.
pub(super) fn check_rule(rule: &Rule) -> Result<(), &'static str> {
    if rule.speaker.is_none() {
        return Ok(());
    }
    if rule.what.is_empty() {
        return Err("what is said for somebody names what it is about");
    }
    if rule.insist || rule.quiet || !rule.unless.is_empty() {
        return Err("for somebody else nothing insists, is quiet or has exceptions");
    }
    if !rule.part.is_all() {
        return Err(
            "what is said for somebody is about kinds of data and topics, not about a part of her record",
        );
    }
    if !rule.terms.is_none() {
        return Err("for somebody else nothing is opened on terms: say until when instead");
    }
    match rule.who {
        Who::Representatives | Who::Representative(_) => {
            Err("what is said for somebody is not about those who act for her")
        }
        _ => Ok(()),
    }
}

/// Why a wish cannot be said for somebody.
pub(super) fn check_wish(wish: &Wish) -> Result<(), &'static str> {
    let plain = wish.companion.is_none() && wish.told.is_none() && wish.cool_off_hours == 0;
    match wish.speaker.is_none() || plain {
        true => Ok(()),
        false => Err("said for somebody it names nobody, and asking is answered at once"),
    }
}

/// Whether the rules said for a person keep their bounds. Each speaker has hers, so that to reach one tells nothing of
/// what others said.
pub(super) fn is_bounded(rules: &[Rule]) -> bool {
    let spoken = rules.iter().filter_map(|rule| rule.speaker.as_ref());
    let mut counts = std::collections::BTreeMap::<Tag, usize>::new();
    for speaker in spoken {
        *counts.entry(speaker.tag).or_default() += 1;
    }
    counts.len() <= MAX_SPEAKERS && counts.values().all(|count| *count <= MAX_SPOKEN)
}

#[cfg(test)]
mod tests;
