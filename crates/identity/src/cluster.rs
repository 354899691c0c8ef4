//! People out of links: which registrations go together.
//!
//! Links alone would chain: the father's card resembles one with a typing error, which resembles the son's. So groups
//! grow by the strongest bond first, and two groups join only if, over *all* pairs across them, the evidence is for one
//! person (average linkage over log odds, each bounded so that no single pair decides). Pairs that blocking did not
//! propose are compared too. What two confirmed numbers or a person's word keep apart is never joined.

use crate::batch::{DECIDED, Link};
use crate::card::{Card, Map, Register};
use crate::compare::compare;
use crate::model::Model;
use crate::sure::{Apart, Sure, confirmed};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Evidence of one pair counts at most this much (natural logarithm of odds), for or against.
const BOUND: f32 = 6.0;

/// Puts registrations into groups: for each its group's number, which is that of its first member.
pub(crate) fn cluster(
    register: &Register,
    model: &Model,
    apart: &Apart,
    links: &[Link],
) -> Vec<u32> {
    let n = register.cards.len();
    let mut parent: Vec<u32> = (0..n as u32).collect();
    for link in links.iter().filter(|l| l.odds > 0.0) {
        let (a, b) = (root(&mut parent, link.a), root(&mut parent, link.b));
        let (low, high) = (a.min(b), a.max(b));
        parent[high as usize] = low;
    }
    for i in 0..n as u32 {
        parent[i as usize] = root(&mut parent, i);
    }
    let mut inside: Vec<Link> = links.iter().filter(|l| l.odds > 0.0).copied().collect();
    inside.par_sort_unstable_by_key(|l| (parent[l.a as usize], l.a, l.b));
    let parts: Vec<&[Link]> = inside
        .chunk_by(|x, y| parent[x.a as usize] == parent[y.a as usize])
        .collect();
    let groups: Vec<Vec<(u32, u32)>> = parts
        .par_iter()
        .map(|links| solve(register, model, apart, links))
        .collect();
    let mut label: Vec<u32> = (0..n as u32).collect();
    for (member, group) in groups.into_iter().flatten() {
        label[member as usize] = group;
    }
    label
}

/// Groups among registrations that some links connect: each with its group's first member.
pub(crate) fn solve(
    register: &Register,
    model: &Model,
    apart: &Apart,
    links: &[Link],
) -> Vec<(u32, u32)> {
    Component::new(register, model, apart, links).solve()
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        let up = parent[parent[i as usize] as usize];
        parent[i as usize] = up;
        i = up;
    }
    i
}

/// A bond between two groups, by strength; ties by what the members say, so that the order of input does not matter.
struct Bond {
    strength: f32,
    tie: u64,
    a: u32,
    b: u32,
}

impl PartialEq for Bond {
    fn eq(&self, other: &Bond) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Bond {}
impl PartialOrd for Bond {
    fn partial_cmp(&self, other: &Bond) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Bond {
    fn cmp(&self, other: &Bond) -> Ordering {
        self.strength
            .total_cmp(&other.strength)
            .then(self.tie.cmp(&other.tie))
    }
}

/// Registrations that links connect.
struct Component<'a> {
    register: &'a Register,
    model: &'a Model,
    apart: &'a Apart,
    /// The registration behind each local number.
    members: Vec<u32>,
    /// Members of each living group by local number; empty for one that was joined to another.
    groups: Vec<Vec<u32>>,
    /// Evidence across two groups, summed over all pairs; minus infinity if they must stay apart.
    across: Map<(u32, u32), f32>,
    neighbours: Vec<Vec<u32>>,
    heap: BinaryHeap<Bond>,
}

impl<'a> Component<'a> {
    fn new(
        register: &'a Register,
        model: &'a Model,
        apart: &'a Apart,
        links: &[Link],
    ) -> Component<'a> {
        let mut members: Vec<u32> = links.iter().flat_map(|l| [l.a, l.b]).collect();
        members.sort_unstable();
        members.dedup();
        let local = |id: u32| members.binary_search(&id).unwrap_or(0) as u32;
        let ends: Vec<(u32, u32)> = links.iter().map(|l| (local(l.a), local(l.b))).collect();
        let n = members.len() as u32;
        let mut component = Component {
            register,
            model,
            apart,
            groups: (0..n).map(|i| vec![i]).collect(),
            neighbours: vec![Vec::new(); members.len()],
            members,
            across: Map::default(),
            heap: BinaryHeap::new(),
        };
        for (a, b) in ends {
            component.neighbours[a as usize].push(b);
            component.neighbours[b as usize].push(a);
            component.bond(a, b);
        }
        component
    }

    fn solve(mut self) -> Vec<(u32, u32)> {
        while let Some(bond) = self.heap.pop() {
            let (a, b) = (bond.a, bond.b);
            let alive = !self.groups[a as usize].is_empty() && !self.groups[b as usize].is_empty();
            if !alive || bond.strength <= 0.0 || bond.strength != self.strength(a, b) {
                continue;
            }
            self.join(a, b);
        }
        let members = &self.members;
        self.groups
            .iter()
            .filter_map(|group| {
                let first = members[*group.iter().min()? as usize];
                Some(group.iter().map(move |m| (members[*m as usize], first)))
            })
            .flatten()
            .collect()
    }

    fn join(&mut self, a: u32, b: u32) {
        let moved = std::mem::take(&mut self.groups[b as usize]);
        let mut around = std::mem::take(&mut self.neighbours[b as usize]);
        around.extend(std::mem::take(&mut self.neighbours[a as usize]));
        around.sort_unstable();
        around.dedup();
        around.retain(|x| *x != a && *x != b && !self.groups[*x as usize].is_empty());
        for &x in &around {
            let sum = self.sum(a, x) + self.sum_of(&moved, b, x);
            self.across.insert(ordered(a, x), sum);
            self.neighbours[x as usize].push(a);
        }
        // What was summed for a group that is no neighbour is no longer right.
        self.groups[a as usize].extend(moved);
        for &x in &around {
            self.bond(a, x);
        }
        self.neighbours[a as usize] = around;
    }

    fn bond(&mut self, a: u32, b: u32) {
        let strength = self.strength(a, b);
        if strength > 0.0 {
            let tie = [a, b].map(|g| {
                let prints = self.groups[g as usize].iter().map(|m| self.card(*m).print);
                prints.min().unwrap_or(0)
            });
            let tie = tie[0].min(tie[1]) ^ tie[0].max(tie[1]).rotate_left(17);
            self.heap.push(Bond {
                strength,
                tie,
                a,
                b,
            });
        }
    }

    fn strength(&mut self, a: u32, b: u32) -> f32 {
        let pairs = self.groups[a as usize].len() * self.groups[b as usize].len();
        self.sum(a, b) / pairs as f32
    }

    fn card(&self, member: u32) -> &'a Card {
        &self.register.cards[self.members[member as usize] as usize]
    }

    fn sum(&mut self, a: u32, b: u32) -> f32 {
        if let Some(sum) = self.across.get(&ordered(a, b)) {
            return *sum;
        }
        let sum = self.evidence(&self.groups[a as usize], &self.groups[b as usize]);
        self.across.insert(ordered(a, b), sum);
        sum
    }

    /// The sum of a group that has just been emptied into another.
    fn sum_of(&mut self, moved: &[u32], b: u32, x: u32) -> f32 {
        match self.across.remove(&ordered(b, x)) {
            Some(sum) => sum,
            None => self.evidence(moved, &self.groups[x as usize]),
        }
    }

    fn evidence(&self, these: &[u32], those: &[u32]) -> f32 {
        let mut sum = 0.0;
        for &x in these {
            for &y in those {
                if self
                    .apart
                    .holds(self.members[x as usize], self.members[y as usize])
                {
                    return f32::NEG_INFINITY;
                }
                let (x, y) = (self.card(x), self.card(y));
                sum += match confirmed(self.register, x, y) {
                    Some(Sure::Two) => return f32::NEG_INFINITY,
                    Some(Sure::One) => DECIDED,
                    None => {
                        let odds = self.model.log_odds(&compare(self.register, x, y));
                        odds.clamp(-BOUND, BOUND)
                    }
                };
            }
        }
        sum
    }
}

fn ordered(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}
