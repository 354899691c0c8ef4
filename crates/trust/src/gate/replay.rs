//! A decision made again from what its act says, with the pact, the word and the evidence as they were then.
//!
//! In: an act by its name. Out: what was decided, and what the same question gives now under the versions that the act
//! names; the two must be equal, years later too. What is no longer here (the evidence of a person who was erased) or
//! never was asked is said, and nothing is guessed in its place.

use super::acts::{Deed, damaged};
use super::judge::{Case, Opens, Verdict, judge, kind_code, with_representation};
use super::{Gate, InForce, PersonRef, Refusal, RefusalKind, Said, Tag, What, question, rows};
use crate::act::{Act, ActKind, ActView};
use crate::policy::Circumstances;
use crate::word::Used;
use crate::{Actor, Category, Evidence, EvidenceKind, Purpose, Role, SignedWord, Viewer, Word};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use store::Labels;

/// Rows of evidence read at once, and of one person at most.
const PAGE: usize = 64;
const MAX_PIECES: usize = 4_096;

/// An act's decision, with what it stood on, and the same made again.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The act.
    pub act: ActView,
    /// The version of the pact.
    pub pact: u64,
    /// What the rules were asked, by the names of actions; empty where they were not asked.
    pub asked: Vec<&'static str>,
    /// Code of the licence's state then, or `none`.
    pub licence: &'static str,
    /// Versions of the person's words that bound.
    pub words: Vec<u64>,
    /// Names of the evidence that counted, and what it is where it is still here.
    pub evidence: Vec<(String, Option<EvidenceKind>)>,
    /// As it was decided.
    pub then: Decided,
    /// As it is decided again, or what is missing for that.
    pub again: Result<Decided, Gap>,
}

impl Explained {
    /// Whether the decision came out again as it was; `None` when it could not be made again.
    pub fn holds(&self) -> Option<bool> {
        self.again.as_ref().ok().map(|again| *again == self.then)
    }
}

/// A decision as far as an act says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// Why it was refused; empty when it was allowed.
    pub refused: Vec<String>,
    /// The policies that decided.
    pub policies: Vec<String>,
    /// The person's rules that closed something.
    pub rules: Vec<String>,
    /// Categories left out.
    pub hidden: Labels,
    /// Those of them that were left out of the emergency set too.
    pub held: Labels,
    /// The only categories that were opened.
    pub only: Option<Labels>,
}

impl Decided {
    pub(super) fn then(act: &Act) -> Decided {
        Decided {
            refused: act.refused.clone(),
            policies: act.grounds.policies.clone(),
            rules: act.grounds.rules.clone(),
            hidden: Labels(act.grounds.hidden),
            held: Labels(act.grounds.held),
            only: act.grounds.only.map(Labels),
        }
    }
    pub(super) fn again(verdict: &Verdict) -> Decided {
        let refused = verdict.refused.as_ref().map(|(kind, because)| {
            let code = vec![kind.code().to_owned()];
            [code, because.clone()].concat()
        });
        Decided {
            refused: refused.unwrap_or_default(),
            policies: verdict.policies.clone(),
            rules: verdict.rules.clone(),
            hidden: verdict.hidden,
            held: verdict.held,
            only: verdict.only,
        }
    }
    /// The categories left out.
    pub fn left_out(&self) -> Vec<Category> {
        Category::of(self.hidden)
    }
}

/// Why a decision cannot be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// The act holds no question to the rules.
    NotAsked,
    /// This version of the pact is not kept here.
    Pact(u64),
    /// This version of the person's word is not kept here.
    Word(u64),
    /// This piece of evidence is not kept here.
    Evidence(String),
    /// This piece of evidence is kept here, and would not count.
    Unsound(String),
}

/// What was looked up and decided for earlier acts under one pact, so that many can be gone through. Bounded.
#[derive(Default)]
pub(super) struct AtHand {
    pieces: HashMap<String, EvidenceKind>,
    words: HashMap<Said, Word>,
    verdicts: HashMap<Put, Verdict>,
}

/// A question as it was put, without its moment.
type Put = (
    Circumstances,
    Vec<&'static str>,
    Opens,
    Vec<Said>,
    Vec<Used>,
);

/// Pieces of evidence and verdicts at hand: a few hundred bytes each.
const MAX_AT_HAND: usize = 16_384;
/// Words at hand: some kilobytes each.
const MAX_WORDS: usize = 1_024;

/// Keeps one more; where there are too many, all are let go first.
fn keep<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, key: K, value: V, most: usize) {
    if map.len() >= most {
        map.clear();
    }
    map.insert(key, value);
}

impl Gate {
    /// Explains an act of this node, by its name (hex), and makes its decision again. For an operator of this house;
    /// that she looked is an act too, which the person it is about can read.
    ///
    /// Refused when there is no such act, and when the person whose record it was about is erased. Cost: reading and
    /// checking one version of the pact, some milliseconds.
    pub fn explain(&self, by: &Actor, act: &str, now: Timestamp) -> Result<Explained, Refusal> {
        self.operator_here(by)?;
        let house = &self.house;
        let none = || {
            Refusal::bad(
                "No hay tal acto aquí, o era de una persona cuyo expediente se borró.",
                "There is no such act here, or it was about a person whose record was erased.",
            )
        };
        let id: [u8; 16] = super::from_hex(act).ok_or_else(none)?;
        let (leaf, body) = house.store.act(&house.seal, &id)?.ok_or_else(none)?;
        let act = Act::from_body(&body).map_err(damaged)?;
        let explained = self.explained(&act, leaf)?;
        let deed = Deed {
            persons: act.person.into_iter().collect(),
            what: What::Log,
            // That an act was explained which she does not read yet, she does not read yet either.
            told: act.told.filter(|told| *told > now),
            ..Deed::new(ActKind::Log, by, Purpose::Operations)
        };
        self.keep(Vec::new(), Vec::new(), Some(deed), now)?;
        Ok(explained)
    }

    /// Whether somebody runs this house.
    pub(super) fn operator_here(&self, by: &Actor) -> Result<(), Refusal> {
        match by.role == Role::Operator && by.member == self.house.member {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::Pact, Vec::new())),
        }
    }

    pub(super) fn explained(&self, act: &Act, leaf: u64) -> Result<Explained, Refusal> {
        let asked = act.grounds.question.as_ref().and_then(|asked| {
            let types = asked.types.as_deref();
            question::actions(asked.verbs, types, &act.what, act.who.role).ok()
        });
        let mut at_hand = AtHand::default();
        let mut evidence = Vec::new();
        for id in &act.grounds.evidence {
            let kind = self.piece(act, id)?.map(|piece| piece.kind);
            evidence.push((id.clone(), kind));
        }
        Ok(Explained {
            act: act.view(leaf),
            pact: act.grounds.pact,
            asked: asked.map(|(actions, _)| actions).unwrap_or_default(),
            licence: licence(act),
            words: words_of(act).map(|said| said.version).collect(),
            evidence,
            then: Decided::then(act),
            again: match self.pact_at(act.grounds.pact)? {
                None => Err(Gap::Pact(act.grounds.pact)),
                Some(pact) => match self.unsound(act, &pact)? {
                    Some(id) => Err(Gap::Unsound(id)),
                    None => self
                        .again(act, &pact, &mut at_hand)?
                        .map(|verdict| Decided::again(&verdict)),
                },
            },
        })
    }

    /// A version of the pact that was in force here.
    pub(super) fn pact_at(&self, version: u64) -> Result<Option<InForce>, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::pact_at(version))?;
        row.map(|row| InForce::open(&String::from_utf8_lossy(&row)))
            .transpose()
    }

    /// Makes the decision of an act again under a pact: the one that the act names, or another.
    pub(super) fn again(
        &self,
        act: &Act,
        pact: &InForce,
        at_hand: &mut AtHand,
    ) -> Result<Result<Verdict, Gap>, Refusal> {
        let Some(asked) = &act.grounds.question else {
            return Ok(Err(Gap::NotAsked));
        };
        let types = asked.types.as_deref();
        let Ok((actions, opens)) = question::actions(asked.verbs, types, &act.what, act.who.role)
        else {
            return Ok(Err(Gap::NotAsked));
        };
        let kinds = match self.kinds(act, at_hand)? {
            Ok(kinds) => kinds,
            Err(gap) => return Ok(Err(gap)),
        };
        let mut words = Vec::new();
        for said in words_of(act) {
            match self.word_at(said, at_hand)? {
                Some(word) => words.push(word),
                None => return Ok(Err(Gap::Word(said.version))),
            }
        }
        let who = &act.who;
        let Some(kind) = pact.kind(&who.member) else {
            let outside = vec!["an institution outside of the pact".to_owned()];
            return Ok(Ok(Verdict::refused(RefusalKind::Forged, outside)));
        };
        let circumstances = Circumstances {
            actor: who.id.clone(),
            institution: who.member.clone(),
            holder: act.node.clone(),
            scope: asked.scope,
            purpose: act.purpose.code(),
            evidence: with_representation(
                kinds,
                asked.acting.map(|acting| acting.tag),
                &words,
                asked.at,
            ),
            role: who.role.code(),
            licence_state: licence(act),
            institution_kind: kind_code(kind),
            via_other_member: act.via.is_some(),
            own_record: asked.own_record,
            helped: who.helper.is_some(),
            reviews_overdue: asked.reviews_overdue,
            named: asked.named,
            acting: asked.acting.map(|acting| acting.tag),
            delegated: asked.delegated.clone(),
            own_cedula: asked.delegated.is_some() && question::takes_own_cedula(asked.verbs, types),
        };
        let (said, used) = (asked.words.clone(), asked.used.clone());
        let put = (circumstances, actions, opens, said, used);
        if let Some(known) = at_hand.verdicts.get(&put) {
            return Ok(Ok(known.clone()));
        }
        let (circumstances, actions, ..) = &put;
        let verdict = judge(&Case {
            rulebook: &pact.rulebook,
            purposes: &pact.pact.purposes,
            never: pact.pact.never(),
            seals: pact.pact.seals.as_ref(),
            actions,
            opens,
            viewer: Viewer {
                member: &who.member,
                kind,
                role: who.role,
                actor: &who.id,
                herself: asked.own_record,
                acting: circumstances.acting,
            },
            circumstances,
            words: &words.iter().collect::<Vec<_>>(),
            used: &asked.used,
            purpose: act.purpose,
            now: asked.at,
        });
        if words.iter().all(|word| word.turns().next().is_none()) {
            keep(&mut at_hand.verdicts, put, verdict.clone(), MAX_AT_HAND);
        }
        Ok(Ok(verdict))
    }

    /// Codes of the kinds of evidence that an act names, as a decision takes them.
    fn kinds(
        &self,
        act: &Act,
        at_hand: &mut AtHand,
    ) -> Result<Result<Vec<&'static str>, Gap>, Refusal> {
        let mut kinds = Vec::new();
        for id in &act.grounds.evidence {
            if let Some(kind) = at_hand.pieces.get(id) {
                kinds.push(*kind);
                continue;
            }
            let Some(piece) = self.piece(act, id)? else {
                return Ok(Err(Gap::Evidence(id.clone())));
            };
            keep(&mut at_hand.pieces, id.clone(), piece.kind, MAX_AT_HAND);
            kinds.push(piece.kind);
        }
        kinds.sort_unstable();
        kinds.dedup();
        Ok(Ok(kinds.into_iter().map(EvidenceKind::code).collect()))
    }

    /// A piece of evidence by its name, among what is kept about the people of an act.
    pub(super) fn piece(&self, act: &Act, id: &str) -> Result<Option<Evidence>, Refusal> {
        let from = act.grounds.question.as_ref().map_or(act.at, |q| q.at);
        let mut tags: Vec<Tag> = act.person.into_iter().collect();
        if let Some(person) = act.person {
            tags.extend(self.resolve(&PersonRef::Tag(person))?.tags());
        }
        tags.extend(words_of(act).map(|said| said.person));
        let asked = act.grounds.question.iter();
        tags.extend(asked.flat_map(|asked| asked.also.iter().copied()));
        let house = &self.house;
        for (place, tag) in tags.iter().enumerate() {
            if tags.iter().take(place).any(|before| before == tag) {
                continue;
            }
            // In the order of its end: what ran out before the decision did not count for it.
            let (prefix, mut after) = (rows::evidence_of(*tag), rows::evidence_until(*tag, from));
            for _ in 0..MAX_PIECES / PAGE {
                let page = house.store.scan(&house.seal, &prefix, Some(&after), PAGE)?;
                let named = page.iter().find(|(key, _)| key.ends_with(id.as_bytes()));
                let piece = named.and_then(|(_, row)| serde_json::from_slice::<Evidence>(row).ok());
                if let Some(piece) = piece.filter(|piece| piece.id == id) {
                    return Ok(Some(piece));
                }
                match page.last() {
                    Some((key, _)) if page.len() == PAGE => after = key.clone(),
                    _ => break,
                }
            }
        }
        Ok(None)
    }

    /// The first piece of evidence of an act that would not count at that moment, under the pact that
    /// it names.
    fn unsound(&self, act: &Act, pact: &InForce) -> Result<Option<String>, Refusal> {
        let Some(asked) = &act.grounds.question else {
            return Ok(None);
        };
        for id in &act.grounds.evidence {
            let Some(piece) = self.piece(act, id)? else {
                continue;
            };
            // Of a patient the act does not say by what login she came.
            let login = asked.delegated.as_ref().map_or(&act.who.id, |by| &by.login);
            let only = |actor: &String| act.who.role == Role::Patient || actor == login;
            // Its issuer may have signed it anew since then, with the key of now.
            let (now, house) = (self.in_force(), &self.house.member);
            let mut pacts = [pact, now.as_ref()].into_iter();
            let counts = pacts.any(|pact| super::evidence::sound(&piece, pact, house).is_ok())
                && piece.is_good_at(asked.at)
                && piece.institution == act.who.member
                && piece.actor.as_ref().is_none_or(only);
            if !counts {
                return Ok(Some(id.clone()));
            }
        }
        Ok(None)
    }

    /// A word as it was in force here.
    pub(super) fn word_at(
        &self,
        said: &Said,
        at_hand: &mut AtHand,
    ) -> Result<Option<Word>, Refusal> {
        if let Some(word) = at_hand.words.get(said) {
            return Ok(Some(word.clone()));
        }
        let house = &self.house;
        // Rows of earlier programs end before the digest.
        let prefix = rows::words_at(said.person, said.version);
        let rows = house.store.scan(&house.seal, &prefix, None, PAGE)?;
        let words = rows
            .iter()
            .filter_map(|(_, row)| serde_json::from_slice::<SignedWord>(row).ok());
        let found = words
            .map(|signed| signed.word)
            .find(|word| ledger::sha256(&word.canonical()).starts_with(&said.digest));
        if let Some(word) = &found {
            keep(&mut at_hand.words, *said, word.clone(), MAX_WORDS);
        }
        Ok(found)
    }
}

pub(super) fn words_of(act: &Act) -> impl Iterator<Item = &Said> {
    act.grounds.question.iter().flat_map(|asked| &asked.words)
}

fn licence(act: &Act) -> &'static str {
    let asked = act.grounds.question.as_ref();
    asked
        .and_then(|asked| asked.licence)
        .map_or("none", |state| state.code())
}
