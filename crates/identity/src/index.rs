//! A register that people arrive at: each is matched against all that is there, and may be taken apart again.

use crate::batch::{self, Link};
use crate::block::{KINDS, Traits};
use crate::card::{Card, Map, Register};
use crate::cluster;
use crate::compare::compare;
use crate::explain::{Explanation, Grade, explain};
use crate::model::{Model, probability};
use crate::postings::Postings;
use crate::registration::Registration;
use crate::sure::{Apart, Sure, confirmed};
use rayon::prelude::*;
use serde::Serialize;

/// One arrival is compared with at most so many others, those of its rarest keys.
const MOST_COMPARED: usize = 500;

/// A group larger than this is not taken apart and put together anew when somebody joins it.
const LARGEST_GROUP: usize = 60;

/// What a search shows at most.
const MOST_SHOWN: usize = 50;

/// A registration that may be of the person asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its number in the register.
    pub registration: u32,
    /// The person it belongs to: the number of the first of her registrations.
    pub person: u32,
    /// Probability that it is the same person, 0 to 1.
    pub score: f64,
    /// How sure, confirmed numbers included.
    pub grade: Grade,
    /// Whether a confirmed number decided.
    pub decided: bool,
    /// Whether confirmed numbers say one thing and the rest another: for somebody to look at, whatever the grade.
    pub conflict: bool,
}

/// What came of an arrival.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Arrival {
    /// The number it got.
    pub registration: u32,
    /// The person it was put to: the number of the first of her registrations, its own for a new person.
    pub person: u32,
    /// Whom it resembles, best first, for somebody to look at.
    pub candidates: Vec<Candidate>,
}

/// A register with its weights, keys and people.
pub struct Index {
    register: Register,
    model: Model,
    apart: Apart,
    postings: Vec<Postings>,
    /// The person of each registration: the number of one of hers.
    person: Vec<u32>,
    /// The registrations of people who have several.
    groups: Map<u32, Vec<u32>>,
    /// Registrations that left; their numbers stay taken, and their keys stand in the postings.
    gone: Map<u32, ()>,
}

impl Index {
    /// Of a register and the people that were found in it; see [`crate::link`]. Cost: some forty keys of eight bytes a
    /// registration, sorted.
    pub fn new(register: Register, model: Model, person: Vec<u32>, apart: Apart) -> Index {
        let cards = &register.cards;
        let postings = (0..KINDS)
            .map(|kind| {
                let rows = cards
                    .par_iter()
                    .enumerate()
                    .flat_map_iter(|(i, card)| Traits::of(&register, card).keys(kind).rows(i));
                Postings::of(rows.collect())
            })
            .collect();
        let mut groups: Map<u32, Vec<u32>> = Map::default();
        for (i, p) in (0u32..).zip(&person) {
            if i != *p {
                groups.entry(*p).or_insert_with(|| vec![*p]).push(i);
            }
        }
        Index {
            register,
            model,
            apart,
            postings,
            person,
            groups,
            gone: Map::default(),
        }
    }

    /// How many registrations there are, those that left included.
    pub fn len(&self) -> usize {
        self.register.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.register.is_empty()
    }
    /// The person of a registration: the number of one of her registrations, the same for all of hers. `None` for a
    /// number that nobody has.
    pub fn person(&self, registration: u32) -> Option<u32> {
        self.person.get(registration as usize).copied()
    }
    /// All registrations of the person that this one belongs to, in their order.
    pub fn together(&self, registration: u32) -> Vec<u32> {
        match self.person(registration) {
            None => Vec::new(),
            Some(person) => self
                .groups
                .get(&person)
                .cloned()
                .unwrap_or_else(|| vec![registration]),
        }
    }
    /// Why two registrations are or are not of one person. `None` if one of them does not exist.
    pub fn explain(&self, a: u32, b: u32) -> Option<Explanation> {
        let card = |i: u32| self.register.cards.get(i as usize);
        Some(explain(&self.register, &self.model, card(a)?, card(b)?))
    }

    /// Matches a registration against the whole register and adds it: FHIR's `$match` and a feed in one. It joins the
    /// person whom the evidence over all of her registrations favours most, and whoever it shows to be one with her;
    /// otherwise it is a new person. Cost: under a millisecond for most, whatever the size of the register.
    pub fn arrive(&mut self, registration: &Registration) -> Arrival {
        let own = self.register.len() as u32;
        self.register.extend(std::slice::from_ref(registration));
        self.person.push(own);
        let card = self.register.cards[own as usize];
        let traits = Traits::of(&self.register, &card);
        let near = self.near(&traits);
        let links = self.weigh(&card, own, &near);
        for (kind, postings) in self.postings.iter_mut().enumerate() {
            for key in traits.keys(kind).as_slice() {
                postings.add(*key, own);
            }
        }
        let mut around: Vec<u32> = vec![own];
        for link in links.iter().filter(|l| l.odds > self.model.join) {
            if !around.contains(&link.a) && around.len() < LARGEST_GROUP {
                around.extend(self.together(link.a));
            }
        }
        self.regroup(around);
        Arrival {
            registration: own,
            person: self.person[own as usize],
            candidates: self.candidates(&card, &near, &links),
        }
    }

    /// Whom a registration resembles, best first, without adding it: nothing of it stays. Cost: as an arrival.
    pub fn resembling(&mut self, registration: &Registration) -> Vec<Candidate> {
        let end = self.register.end();
        let own = self.register.len() as u32;
        self.register.extend(std::slice::from_ref(registration));
        let card = self.register.cards[own as usize];
        let near = self.near(&Traits::of(&self.register, &card));
        let links = self.weigh(&card, own, &near);
        let found = self.candidates(&card, &near, &links);
        self.register.back_to(&end);
        found
    }

    /// Why a registration that is not here is, may be or is not of the person of each of these; nothing of it stays.
    pub fn explain_to(
        &mut self,
        registration: &Registration,
        others: &[u32],
    ) -> Vec<Option<Explanation>> {
        let end = self.register.end();
        let own = self.register.len() as u32;
        self.register.extend(std::slice::from_ref(registration));
        let why = others
            .iter()
            .map(|other| self.explain(own, *other))
            .collect();
        self.register.back_to(&end);
        why
    }

    /// Takes a registration out, because it was deleted or written anew: nobody is found by it and its texts count no
    /// more. What is left of it is its number, some two hundred bytes of keys, and the words themselves.
    pub fn leave(&mut self, registration: u32) {
        if registration as usize >= self.register.len()
            || self.gone.insert(registration, ()).is_some()
        {
            return;
        }
        let mut others = self.together(registration);
        others.retain(|other| *other != registration);
        self.register.empty(registration);
        self.regroup(vec![registration]);
        self.regroup(others);
    }

    /// Whom a registration that is here resembles, best first.
    pub fn like(&self, registration: u32) -> Vec<Candidate> {
        let Some(card) = self.register.cards.get(registration as usize) else {
            return Vec::new();
        };
        let mut near = self.near(&Traits::of(&self.register, card));
        near.retain(|other| *other != registration);
        let links = self.weigh(card, registration, &near);
        self.candidates(card, &near, &links)
    }

    /// Whether a registration has a confirmed number.
    pub fn is_confirmed(&self, registration: u32) -> bool {
        let card = self.register.cards.get(registration as usize);
        card.is_some_and(|card| {
            card.curp_state == Some(mx::IdentifierState::Confirmed)
                || card.confirmed.contains(&true)
        })
    }

    /// A pair of registrations as candidates for one person; `None` if one of them does not exist.
    pub fn pair(&self, a: u32, b: u32) -> Option<Candidate> {
        let card = self.register.cards.get(b as usize)?;
        self.register.cards.get(a as usize)?;
        Some(self.candidate(card, a))
    }

    /// Undoes a link: remembers that two registrations are of two people, for good, and puts the person's other
    /// registrations to whichever of the two they belong.
    pub fn split(&mut self, a: u32, b: u32) {
        self.apart.keep_apart(a, b);
        if let (Some(x), Some(y)) = (self.person(a), self.person(b))
            && x == y
        {
            self.regroup(self.together(a));
        }
    }
    /// Takes a split back, and joins the two again if the evidence is for it.
    pub fn unsplit(&mut self, a: u32, b: u32) {
        self.apart.forget(a, b);
        let mut around = self.together(a);
        if !around.contains(&b) {
            around.extend(self.together(b));
        }
        self.regroup(around);
    }
    /// Which registrations somebody found to be of two people.
    pub fn apart(&self) -> &Apart {
        &self.apart
    }

    /// The registrations that share a key with it, those of the rarest keys first, each once.
    fn near(&self, traits: &Traits) -> Vec<u32> {
        let mut blocks: Vec<(usize, usize, u32)> = Vec::new();
        for (kind, postings) in self.postings.iter().enumerate() {
            for key in traits.keys(kind).as_slice() {
                match postings.find(*key).0 {
                    0 => {}
                    count => blocks.push((count, kind, *key)),
                }
            }
        }
        blocks.sort_unstable();
        let mut out: Vec<u32> = Vec::new();
        for (count, kind, key) in blocks {
            if out.len() + count > MOST_COMPARED {
                break;
            }
            out.extend(self.postings[kind].find(key).1);
        }
        out.sort_unstable();
        out.dedup();
        out.retain(|one| !self.gone.contains_key(one));
        out
    }

    /// The links of a card to others that may be of the same person, the strongest first.
    fn weigh(&self, card: &Card, own: u32, near: &[u32]) -> Vec<Link> {
        let mut links: Vec<Link> = near
            .iter()
            .filter_map(|&other| {
                let theirs = &self.register.cards[other as usize];
                let odds = batch::odds(&self.register, &self.model, theirs, card)?;
                Some(Link {
                    a: other,
                    b: own,
                    odds,
                })
            })
            .collect();
        links.sort_by(|x, y| y.odds.total_cmp(&x.odds).then(x.a.cmp(&y.a)));
        links
    }

    /// Those of the links that are worth showing, and those near whom only a confirmed number keeps apart.
    fn candidates(&self, card: &Card, near: &[u32], links: &[Link]) -> Vec<Candidate> {
        let shown = links.iter().take(MOST_SHOWN);
        let linked = shown.map(|link| self.candidate(card, link.a));
        let kept_apart = near.iter().filter(|other| {
            let theirs = &self.register.cards[**other as usize];
            confirmed(&self.register, theirs, card) == Some(Sure::Two)
        });
        linked
            .chain(kept_apart.map(|other| self.candidate(card, *other)))
            .filter(|c| c.grade > Grade::CertainlyNot || c.conflict)
            .collect()
    }

    fn candidate(&self, card: &Card, other: u32) -> Candidate {
        let theirs = &self.register.cards[other as usize];
        let score = probability(self.model.log_odds(&compare(&self.register, theirs, card)));
        let sure = confirmed(&self.register, theirs, card);
        let (grade, conflict) = match sure {
            Some(Sure::One) => (Grade::Certain, score < 0.5),
            Some(Sure::Two) => (Grade::CertainlyNot, score >= 0.5),
            None => (Grade::of(score), false),
        };
        Candidate {
            registration: other,
            person: self.person[other as usize],
            score,
            grade,
            decided: sure.is_some(),
            conflict,
        }
    }

    /// Puts these registrations together anew, all pairs compared.
    fn regroup(&mut self, mut around: Vec<u32>) {
        around.sort_unstable();
        let mut links = Vec::new();
        for (i, &a) in around.iter().enumerate() {
            for &b in &around[i + 1..] {
                let cards = &self.register.cards;
                let odds = batch::odds(
                    &self.register,
                    &self.model,
                    &cards[a as usize],
                    &cards[b as usize],
                );
                if let Some(odds) = odds.filter(|o| *o > self.model.join && !self.apart.holds(a, b))
                {
                    links.push(Link { a, b, odds });
                }
            }
        }
        for &i in &around {
            self.groups.remove(&self.person[i as usize]);
            self.person[i as usize] = i;
        }
        for (member, person) in cluster::solve(&self.register, &self.model, &self.apart, &links) {
            self.person[member as usize] = person;
        }
        for &i in &around {
            let person = self.person[i as usize];
            if person != i {
                self.groups
                    .entry(person)
                    .or_insert_with(|| vec![person])
                    .push(i);
            }
        }
    }
}
