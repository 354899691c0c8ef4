//! Why something about a person was decided as it was, for herself.
//!
//! In: an act of her log, of this node by its name, of another member by what its receipt opens. Out: the same as
//! [`Gate::explain`] gives an operator, as far as it is hers to read: her rules as they were then, what counted as evidence,
//! what the pact says of such a request, what was left out, and whether the decision comes out again.
//!
//! It opens no act that a receipt would not open: what is kept back, told later or another person's is refused as an act
//! that is not there, and so is everything to somebody who acts for her. Of what it names nothing tells of a finding, nor of
//! what she is too young for.

use super::acts::{acting, is_told, not_there};
use super::replay::{AtHand, words_of};
use super::{Gap, Gate, Grant, InForce, Purpose, Refusal, RefusalKind};
use crate::act::{Act, ActView};
use crate::pact::{Concern, Sentence, concerning};
use crate::{Actor, Category, EvidenceKind, Role, Rule, Seals};
use jiff::Timestamp;
use store::Labels;

/// Why something was decided as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The act.
    pub act: ActView,
    /// The version of the pact.
    pub pact: u64,
    /// What the pact says of such a request; nothing where no rule was asked, or where that version is not here.
    pub says: Vec<Sentence>,
    /// That version's terms of seals, by which her rules meant what they did.
    pub seals: Option<Seals>,
    /// The policies that decided, by name.
    pub policies: Vec<String>,
    /// Code of the licence's state then, of who works under one.
    pub licence: Option<&'static str>,
    /// The evidence that counted and until when it held, where it is still here.
    pub evidence: Vec<(EvidenceKind, Option<Timestamp>)>,
    /// Her rules that closed something, as they were then. `None`: one that is not kept here any more.
    pub rules: Vec<Option<Rule>>,
    /// The categories that were left out.
    pub left_out: Vec<Category>,
    /// What could save her life was shown of them.
    pub spared: bool,
    /// Nothing was opened but what could save her life.
    pub narrowed: bool,
    /// Whether the decision came out again.
    pub again: Again,
}

impl Why {
    /// Whether rules were asked at all.
    pub fn was_asked(&self) -> bool {
        self.again != Again::Missing(Gap::NotAsked)
    }
}

/// What came of making a decision again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// It came out as it was.
    Same,
    /// It came out otherwise.
    Differs,
    /// It cannot be made again.
    Missing(Gap),
    /// It was made at another member, which keeps what it stood on.
    Elsewhere,
}

impl Gate {
    /// Why an act of this node was decided as it was, for its person (under a grant of [`What::Log`](super::What::Log)).
    ///
    /// Refused as an act that is not there: whatever has no receipt for her. It keeps no act, as a receipt keeps none. Cost:
    /// as [`Gate::explain`].
    pub fn why(&self, grant: &Grant, act: &str, now: Timestamp) -> Result<Why, Refusal> {
        let (leaf, _, act) = self.act_of(grant, act, now)?;
        let explained = self.explained(&act, leaf)?;
        let mut evidence = Vec::new();
        for id in &act.grounds.evidence {
            evidence.extend(self.piece(&act, id)?.map(|one| (one.kind, Some(one.until))));
        }
        let again = match explained.again {
            Ok(again) if again == explained.then => Again::Same,
            Ok(_) => Again::Differs,
            Err(gap) => Again::Missing(gap),
        };
        let mut why = self.told_why(grant, &act, explained.act, now)?;
        if !evidence.is_empty() {
            why.evidence = evidence;
        }
        why.again = again;
        Ok(why)
    }

    /// The same of an act of another member, from the bytes that its receipt opens; that it is in that member's log is for
    /// the caller to verify. `leaf` is its place there.
    ///
    /// Refused as an act that is not there: what is not of another member, and what her log keeps back here.
    pub fn why_elsewhere(
        &self,
        grant: &Grant,
        (leaf, body): (u64, &[u8]),
        now: Timestamp,
    ) -> Result<Why, Refusal> {
        let act = Act::from_body(body).map_err(|error| Refusal::forged(&error.to_string()))?;
        let hers = is_told(&act, self.kept_back(grant, now), now)
            && !act.labels.meets(self.unnamed(grant, now));
        if act.node == self.house.member || !hers || acting(grant).is_some() {
            return Err(not_there());
        }
        let view = act.view(leaf);
        self.told_why(grant, &act, view, now)
    }

    /// What an act says itself, and what is here of what it names.
    fn told_why(
        &self,
        grant: &Grant,
        act: &Act,
        view: ActView,
        now: Timestamp,
    ) -> Result<Why, Refusal> {
        let (grounds, asked) = (&act.grounds, act.grounds.question.as_ref());
        let in_force = self.pact_at(grounds.pact)?;
        let says = match (asked, &in_force) {
            (Some(asked), Some(pact)) => pact.says(&Concern {
                purpose: act.purpose,
                role: act.who.role,
                delegated: asked.delegated.is_some(),
                refused: &act.refused,
            }),
            _ => Vec::new(),
        };
        let closed = Labels(grounds.hidden & !self.unnamed(grant, now).0);
        let (held, left_out) = (Labels(grounds.held), Category::of(closed));
        let again = match asked {
            Some(_) => Again::Elsewhere,
            None => Again::Missing(Gap::NotAsked),
        };
        Ok(Why {
            pact: grounds.pact,
            says,
            seals: in_force.and_then(|in_force| in_force.pact.seals.clone()),
            policies: grounds.policies.clone(),
            licence: asked
                .and_then(|asked| asked.licence)
                .map(|state| state.code()),
            evidence: act.evidence.map(|kind| (kind, None)).into_iter().collect(),
            rules: self.rules_then(grant, act)?,
            spared: act.refused.is_empty() && left_out.iter().any(|one| !held.meets(one.bit())),
            narrowed: grounds.only.is_some(),
            left_out,
            again,
            act: view,
        })
    }

    /// Her rules that an act names, as she had said them by then.
    fn rules_then(&self, grant: &Grant, act: &Act) -> Result<Vec<Option<Rule>>, Refusal> {
        let (mut at_hand, mut hers, mut others) = (AtHand::default(), Vec::new(), false);
        for said in words_of(act) {
            match grant.tags.contains(&said.person) {
                true => hers.extend(self.word_at(said, &mut at_hand)?),
                false => others = true,
            }
        }
        let mut rules = Vec::new();
        for id in &act.grounds.rules {
            let mut all = hers.iter().flat_map(|word| &word.rules);
            match all.find(|rule| rule.id == *id) {
                Some(rule) => rules.push(Some(rule.clone())),
                // Whose word bound as well is not for her to read.
                None if others => {}
                None => rules.push(None),
            }
        }
        Ok(rules)
    }

    /// What the pact in force says of what somebody here was refused. It follows from who she is and what she was told, and
    /// so tells nothing of the person.
    pub fn says_of(&self, actor: &Actor, refusal: &Refusal) -> Vec<Sentence> {
        let explains = matches!(
            refusal.kind,
            RefusalKind::NoEvidence
                | RefusalKind::Pact
                | RefusalKind::Reviews
                | RefusalKind::Delegation
                | RefusalKind::OldWord
        );
        if !explains {
            return Vec::new();
        }
        let because = |why: &str| refusal.because.iter().any(|one| one == why);
        let purpose = match actor.role {
            Role::Patient => Purpose::OwnRequest,
            Role::System | Role::Operator => Purpose::Operations,
            Role::Privacy => Purpose::State,
            _ if because("reviews-overdue") || because("emergency-not-declared") => {
                Purpose::Emergency
            }
            _ => Purpose::Treatment,
        };
        self.in_force().says(&Concern {
            purpose,
            role: actor.role,
            delegated: actor.delegator.is_some(),
            refused: &[refusal.kind.code().to_owned()],
        })
    }
}

impl InForce {
    fn says(&self, concern: &Concern<'_>) -> Vec<Sentence> {
        concerning(&self.pact, &self.rulebook, concern)
    }
}
