//! What another pact would change: the decisions that acts remember, made again under it.
//!
//! In: a text that may become the pact. Out: how many decisions would come out otherwise, by purpose and institution, with
//! the names of a few acts of each. Nothing is changed by it, and nobody's record is shown.
//!
//! Memory: a few counters for each purpose and institution, and what is at hand of words, evidence and verdicts, all
//! bounded. Cost: an act is read and its decision made again, some 20 microseconds where a like one was made before,
//! otherwise what the new policies take; twice where a rule of the person's closed something.

use super::acts::{Deed, damaged};
use super::replay::{AtHand, Decided};
use super::{Gate, InForce, Refusal, What};
use crate::act::{Act, ActKind};
use crate::{Actor, MemberId, Pact, Purpose};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Acts read at once.
const PAGE: usize = 500;

/// What a simulation found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// Decisions that were made again.
    pub decisions: u64,
    /// Acts without a question to the rules (sign-ins, words heard; and acts of programs that did not remember it).
    pub not_asked: u64,
    /// Decisions whose evidence or word is not kept here any more.
    pub not_kept: u64,
    /// Decisions that would come out otherwise, by purpose, institution and how.
    pub changes: Vec<Changes>,
}

/// Decisions that would change alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// For what they were asked.
    pub purpose: Purpose,
    /// The institution of who asked.
    pub member: MemberId,
    /// How they would change.
    pub how: How,
    /// How many.
    pub count: u64,
    /// Names of the newest acts of them, hex.
    pub examples: Vec<String>,
}

/// How a decision would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Allowed then, refused under the other pact.
    Refused,
    /// Refused then, allowed under the other pact.
    Allowed,
    /// Allowed by both; fewer categories are seen.
    Less,
    /// Allowed by both; more categories are seen.
    More,
    /// Allowed by both; some categories more and some fewer.
    Other,
    /// Allowed by both with the same to be seen; that something may be withheld is no longer said.
    Silent,
    /// Allowed by both with the same to be seen; that something may be withheld is said now.
    Told,
}

/// The pact of the acts that are gone through, of which neighbours have the same.
struct Theirs {
    version: u64,
    pact: Option<InForce>,
    at_hand: AtHand,
}

impl Gate {
    /// Makes the decisions of the newest acts here (`last` of them, or all) again under another pact, signed or not.
    /// `examples` acts are named of each change. For an operator of this house; it is an act.
    pub fn simulate(
        &self,
        by: &Actor,
        pact: Pact,
        (last, examples): (u64, usize),
        now: Timestamp,
    ) -> Result<Simulated, Refusal> {
        self.operator_here(by)?;
        let under = InForce::of(pact, String::new())?;
        let (mut found, mut at_hand) = (Simulated::default(), AtHand::default());
        let mut changes: BTreeMap<(&'static str, MemberId, How), Changes> = BTreeMap::new();
        let mut theirs = Theirs {
            version: 0,
            pact: None,
            at_hand: AtHand::default(),
        };
        let (mut before, mut left) = (None, last);
        let house = &self.house;
        while left > 0 {
            let page = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
            let acts = house.store.latest_acts(&house.seal, before, page)?;
            let Some((leaf, _)) = acts.last() else { break };
            before = Some(*leaf);
            left -= acts.len() as u64;
            for (_, body) in &acts {
                let act = Act::from_body(body).map_err(damaged)?;
                let at_hand = (&mut at_hand, &mut theirs);
                let Some(how) = self.changes(&act, &under, at_hand, &mut found)? else {
                    continue;
                };
                let key = (act.purpose.code(), act.who.member.clone(), how);
                let one = changes.entry(key).or_insert_with(|| Changes {
                    purpose: act.purpose,
                    member: act.who.member.clone(),
                    how,
                    count: 0,
                    examples: Vec::new(),
                });
                one.count += 1;
                if one.examples.len() < examples {
                    one.examples.push(act.name());
                }
            }
        }
        found.changes = changes.into_values().collect();
        let deed = Deed {
            what: What::Log,
            resources: found.decisions,
            ..Deed::new(ActKind::Log, by, Purpose::Operations)
        };
        self.keep(Vec::new(), Vec::new(), Some(deed), now)?;
        Ok(found)
    }

    /// Whether and how the decision of an act would change; counts it.
    fn changes(
        &self,
        act: &Act,
        under: &InForce,
        (at_hand, theirs): (&mut AtHand, &mut Theirs),
        found: &mut Simulated,
    ) -> Result<Option<How>, Refusal> {
        if act.grounds.question.is_none() {
            found.not_asked += 1;
            return Ok(None);
        }
        let Ok(verdict) = self.again(act, under, at_hand)? else {
            found.not_kept += 1;
            return Ok(None);
        };
        found.decisions += 1;
        match how(&Decided::then(act), &Decided::again(&verdict)) {
            // Where no rule of hers closes anything there is no hint under any pact.
            None if act.refused.is_empty() && !act.grounds.rules.is_empty() => {
                self.hints(act, verdict.hint, theirs)
            }
            how => Ok(how),
        }
    }

    /// Whether the hint of an act would change. An act does not say whether there was one: it is decided again under its own
    /// pact, where that is kept here.
    fn hints(&self, act: &Act, hint: bool, theirs: &mut Theirs) -> Result<Option<How>, Refusal> {
        let version = act.grounds.pact;
        if theirs.version != version {
            *theirs = Theirs {
                version,
                pact: self.pact_at(version)?,
                at_hand: AtHand::default(),
            };
        }
        let Some(pact) = &theirs.pact else {
            return Ok(None);
        };
        let then = self.again(act, pact, &mut theirs.at_hand)?;
        Ok(match (then.map(|then| then.hint), hint) {
            (Ok(true), false) => Some(How::Silent),
            (Ok(false), true) => Some(How::Told),
            _ => None,
        })
    }
}

/// All that a decision closes: what is hidden, of the emergency set too, and what is not among the only opened.
fn closed(decided: &Decided) -> u128 {
    let masks = [
        decided.hidden.0,
        decided.held.0,
        decided.only.map_or(0, |only| !only.0),
    ];
    masks
        .into_iter()
        .fold(0, |all, mask| all << 32 | u128::from(mask))
}

/// How one decision differs from another: names of policies and reasons do not count, only what is open.
fn how(then: &Decided, again: &Decided) -> Option<How> {
    match (then.refused.is_empty(), again.refused.is_empty()) {
        (false, false) => None,
        (true, false) => Some(How::Refused),
        (false, true) => Some(How::Allowed),
        (true, true) => {
            let (before, after) = (closed(then), closed(again));
            match (after & !before != 0, before & !after != 0) {
                (false, false) => None,
                (true, false) => Some(How::Less),
                (false, true) => Some(How::More),
                (true, true) => Some(How::Other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Labels;

    #[test]
    fn only_what_is_open_makes_a_change() {
        let decided = |refused: &str, hidden: u32, policy: &str| Decided {
            refused: refused.split_whitespace().map(str::to_owned).collect(),
            policies: vec![policy.to_owned()],
            rules: Vec::new(),
            hidden: Labels(hidden),
            held: Labels(hidden),
            only: None,
        };
        let table = [
            (("", 0b01, "a"), ("", 0b01, "b"), None),
            (("pact", 0b11, ""), ("licence", 0b11, ""), None),
            (("", 0, "a"), ("pact", 0b11, ""), Some(How::Refused)),
            (("pact", 0b11, ""), ("", 0, "a"), Some(How::Allowed)),
            (("", 0b01, "a"), ("", 0b11, "a"), Some(How::Less)),
            (("", 0b11, "a"), ("", 0b01, "a"), Some(How::More)),
            (("", 0b01, "a"), ("", 0b10, "a"), Some(How::Other)),
        ];
        for ((r, h, p), (r2, h2, p2), expected) in table {
            assert_eq!(how(&decided(r, h, p), &decided(r2, h2, p2)), expected);
        }
    }
}
