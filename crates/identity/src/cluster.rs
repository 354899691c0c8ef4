//! People out of links: which registrations go together.
//!
//! Links alone would chain: the father's card resembles one with a typing error, which resembles the son's. So groups
//! grow by the strongest bond first, and two groups join only if, over *all* pairs across them, the evidence is for one
//! person (average linkage over log odds, each bounded so that no single pair decides). Pairs that blocking did not
//! propose are compared too. What two confirmed numbers or a person's word keep apart is never joined. Groups know one
//! thing more than their pairs: which given name, birth date and sex were written more than once (`clash`).

use crate::batch::{DECIDED, Link};
use crate::card::{Card, Map, Register};
use crate::compare::compare;
use crate::date::Written;
use crate::field::{Field, are_two};
use crate::model::Model;
use crate::sure::{Apart, Sure, confirmed};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Evidence of one pair counts at most this much (natural logarithm of odds) for one person, and against: of one
/// person's pairs about one in twenty is so badly written that its weights say nothing, and no pair can say more
/// against than that it is not one of those.
const FOR: f32 = 6.0;
const AGAINST: f32 = -3.0;

/// Evidence is summed in whole parts of this size, so that a sum does not depend on its order.
const PARTS: f32 = 65_536.0;

/// How much it speaks against a slip that the same wrong value was written once more: about one in twenty is copied.
const AGAIN: f64 = 3.0;

/// Puts registrations into groups: for each its group's number, which is that of its first member.
pub(crate) fn cluster(
    register: &Register,
    model: &Model,
    apart: &Apart,
    links: &[Link],
) -> Vec<u32> {
    let n = register.cards.len();
    let mut parent: Vec<u32> = (0..n as u32).collect();
    for link in links.iter().filter(|l| l.odds > model.join) {
        let (a, b) = (root(&mut parent, link.a), root(&mut parent, link.b));
        let (low, high) = (a.min(b), a.max(b));
        parent[high as usize] = low;
    }
    for i in 0..n as u32 {
        parent[i as usize] = root(&mut parent, i);
    }
    // Also those that join nobody: what they say need not be weighed again.
    let mut inside: Vec<Link> = links
        .iter()
        .filter(|l| parent[l.a as usize] == parent[l.b as usize])
        .copied()
        .collect();
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

/// Groups among registrations that some links connect: each with its group's first member. Links that are too weak to
/// join two say what is known of their pairs.
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
    strength: f64,
    tie: u64,
    a: u32,
    b: u32,
    /// How large the two were.
    sizes: [u32; 2],
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
    /// The least print of each group.
    prints: Vec<u64>,
    /// Evidence across two groups, summed over all pairs; none if they must stay apart.
    across: Table,
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
            prints: members
                .iter()
                .map(|m| register.cards[*m as usize].print)
                .collect(),
            neighbours: vec![Vec::new(); members.len()],
            members,
            across: Table::of(n),
            heap: BinaryHeap::new(),
        };
        for ((a, b), link) in ends.into_iter().zip(links) {
            let sum = (!apart.holds(link.a, link.b)).then(|| counted(link.odds));
            component.across.insert(a, b, sum);
            if link.odds > model.join {
                component.neighbours[a as usize].push(b);
                component.neighbours[b as usize].push(a);
                component.bond(a, b);
            }
        }
        component
    }

    fn solve(mut self) -> Vec<(u32, u32)> {
        while let Some(bond) = self.heap.pop() {
            let (a, b) = (bond.a, bond.b);
            let sizes = [self.size(a), self.size(b)];
            // A group that has grown since is another, unless it is bound as strongly; one that is empty has no bonds.
            let is_new = bond.sizes == sizes;
            if !is_new && (sizes.contains(&0) || bond.strength != self.strength(a, b)) {
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
            let sums = (self.sum(a, x), self.sum_of(&moved, b, x));
            let sum = sums.0.zip(sums.1).map(|(s, t)| s + t);
            self.across.insert(a, x, sum);
            self.neighbours[x as usize].push(a);
        }
        self.prints[a as usize] = self.prints[a as usize].min(self.prints[b as usize]);
        // What was summed for a group that is no neighbour is no longer right.
        self.groups[a as usize].extend(moved);
        for &x in &around {
            self.bond(a, x);
        }
        self.neighbours[a as usize] = around;
    }

    fn bond(&mut self, a: u32, b: u32) {
        let strength = self.strength(a, b);
        if strength > f64::from(self.model.join) {
            let tie = [a, b].map(|g| self.prints[g as usize]);
            let tie = tie[0].min(tie[1]) ^ tie[0].max(tie[1]).rotate_left(17);
            self.heap.push(Bond {
                strength,
                tie,
                a,
                b,
                sizes: [self.size(a), self.size(b)],
            });
        }
    }

    fn size(&self, group: u32) -> u32 {
        self.groups[group as usize].len() as u32
    }

    fn strength(&mut self, a: u32, b: u32) -> f64 {
        let pairs = self.groups[a as usize].len() * self.groups[b as usize].len();
        match self.sum(a, b) {
            None => f64::NEG_INFINITY,
            Some(sum) => sum as f64 / (pairs as f64 * f64::from(PARTS)) - self.clash(a, b),
        }
    }

    /// What speaks for relatives beyond the single pairs: a given name, birth date or sex that several registrations of one
    /// group have, and another that several of the other have. Once it may be a slip; a slip is seldom made again.
    /// Counts only where relatives are what the two would be if not one person: strangers who are so much alike that
    /// they are weighed at all are told apart by their pairs.
    fn clash(&self, a: u32, b: u32) -> f64 {
        let (these, those) = (&self.groups[a as usize], &self.groups[b as usize]);
        if these.len() < 2 || those.len() < 2 {
            return 0.0;
        }
        let of_field = |field: Field, value: fn(&Card) -> u32| {
            let (x, n) = self.usual(these, value)?;
            let (y, m) = self.usual(those, value)?;
            let written_in = |group: &[u32], one| group.iter().any(|g| value(self.card(*g)) == one);
            if n.min(m) < 2 || written_in(those, value(x)) || written_in(these, value(y)) {
                return None;
            }
            let pair = compare(self.register, x, y);
            let shares = self.model.shares(&pair);
            let relatives: f32 = shares.kin.iter().sum();
            (are_two(field, pair.level[field as usize]) && relatives > 1.0 - shares.one - relatives)
                .then(|| AGAIN * (n.min(m) - 1).min(2) as f64)
        };
        let given = of_field(Field::Given, |c| c.whole);
        let birth = of_field(Field::Birth, |c| {
            Written::unpack(c.birth).map_or(0, Written::either_way)
        });
        let sex = of_field(Field::Sex, |c| u32::from(c.sex));
        given.unwrap_or(0.0) + birth.unwrap_or(0.0) + sex.unwrap_or(0.0)
    }

    /// A card with the value that more of a group have than any other, and how many have it. Of those cards it is the
    /// one that says the least number, whatever their order.
    fn usual(&self, group: &[u32], value: fn(&Card) -> u32) -> Option<(&'a Card, usize)> {
        let mut cards: Vec<&Card> = group.iter().map(|m| self.card(*m)).collect();
        cards.retain(|c| value(c) != 0);
        cards.sort_unstable_by_key(|c| (value(c), c.print));
        let runs = || cards.chunk_by(|x, y| value(x) == value(y));
        let most = runs().map(<[_]>::len).max()?;
        let mut longest = runs().filter(|run| run.len() == most);
        let card = *longest.next()?.first()?;
        longest.next().is_none().then_some((card, most))
    }

    fn card(&self, member: u32) -> &'a Card {
        &self.register.cards[self.members[member as usize] as usize]
    }

    fn sum(&mut self, a: u32, b: u32) -> Option<i64> {
        if let Some(sum) = self.across.get(a, b) {
            return sum;
        }
        let sum = self.evidence(&self.groups[a as usize], &self.groups[b as usize]);
        self.across.insert(a, b, sum);
        sum
    }

    /// The sum of a group that has just been emptied into another.
    fn sum_of(&self, moved: &[u32], b: u32, x: u32) -> Option<i64> {
        match self.across.get(b, x) {
            Some(sum) => sum,
            None => self.evidence(moved, &self.groups[x as usize]),
        }
    }

    fn evidence(&self, these: &[u32], those: &[u32]) -> Option<i64> {
        let mut sum = 0;
        for &x in these {
            for &y in those {
                if self
                    .apart
                    .holds(self.members[x as usize], self.members[y as usize])
                {
                    return None;
                }
                let (x, y) = (self.card(x), self.card(y));
                let odds = match confirmed(self.register, x, y) {
                    Some(Sure::Two) => return None,
                    Some(Sure::One) => DECIDED,
                    None => self.model.log_odds(&compare(self.register, x, y)),
                };
                sum += counted(odds);
            }
        }
        Some(sum)
    }
}

/// What the odds of one pair count.
fn counted(odds: f32) -> i64 {
    let odds = if odds == DECIDED {
        DECIDED
    } else {
        odds.clamp(AGAINST, FOR)
    };
    (odds * PARTS) as i64
}

/// Sums of pairs of groups. Most components are small, and a square of numbers is looked up several times as fast as a
/// hash; a large one has mostly groups that are no neighbours.
enum Table {
    Square { side: usize, sums: Vec<i64> },
    Sparse(Map<(u32, u32), i64>),
}

impl Table {
    /// Of components up to this size, a square of half a megabyte.
    const SQUARE: u32 = 256;
    /// Not summed yet, and groups that must stay apart: no sum comes near.
    const NOT_YET: i64 = i64::MIN;
    const APART: i64 = i64::MIN + 1;

    fn of(groups: u32) -> Table {
        let side = groups as usize;
        match groups {
            0..=Table::SQUARE => Table::Square {
                side,
                sums: vec![Table::NOT_YET; side * side],
            },
            _ => Table::Sparse(Map::default()),
        }
    }
    fn get(&self, a: u32, b: u32) -> Option<Option<i64>> {
        let (low, high) = (a.min(b), a.max(b));
        let sum = match self {
            Table::Square { side, sums } => sums[low as usize * side + high as usize],
            Table::Sparse(sums) => sums.get(&(low, high)).copied().unwrap_or(Table::NOT_YET),
        };
        (sum != Table::NOT_YET).then_some((sum != Table::APART).then_some(sum))
    }
    fn insert(&mut self, a: u32, b: u32, sum: Option<i64>) {
        let (low, high) = (a.min(b), a.max(b));
        let sum = sum.unwrap_or(Table::APART);
        match self {
            Table::Square { side, sums } => sums[low as usize * *side + high as usize] = sum,
            Table::Sparse(sums) => drop(sums.insert((low, high), sum)),
        }
    }
}
