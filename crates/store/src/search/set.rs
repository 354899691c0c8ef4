//! Sets of candidates, and how they are read in the order of an answer: one span, a few known ones, what several have
//! together, or what all of them share.
//!
//! What is shared is found by leaping: each one jumps to where the furthest stands. So it costs about twice the rows of
//! the smallest, however large the others are, and no card.

use super::span::{Candidate, Cursor, Span};
use crate::{
    Result,
    dates::Dates,
    engine::{Direction, Rows, Snapshot},
    keys::{TAIL, Tail},
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// A set of candidates.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    Span(Span),
    /// These and no others, in order, each once.
    Few(Vec<Candidate>),
    Any(Vec<Set>),
    All(Vec<Set>),
}

impl Set {
    /// A few, put in order.
    pub(crate) fn few(mut list: Vec<Candidate>) -> Set {
        // A proven one first, so that it is kept.
        list.sort_by_key(|candidate| (candidate.tail.bytes(), !candidate.proven));
        list.dedup_by_key(|candidate| candidate.tail);
        Set::Few(list)
    }
    pub(crate) fn any(mut sets: Vec<Set>) -> Set {
        match (sets.len(), sets.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                sets.extend(last);
                Set::Any(sets)
            }
        }
    }

    pub(crate) fn all(mut sets: Vec<Set>) -> Set {
        match (sets.len(), sets.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                sets.extend(last);
                Set::All(sets)
            }
        }
    }

    /// The same without proof: something else must hold as well.
    pub(crate) fn unproven(self) -> Set {
        let each = |sets: Vec<Set>| sets.into_iter().map(Set::unproven).collect();
        match self {
            Set::Span(span) => Set::Span(span.unproven()),
            Set::Few(list) => {
                let list = list.into_iter().map(|candidate| Candidate {
                    proven: false,
                    ..candidate
                });
                Set::Few(list.collect())
            }
            Set::Any(sets) => Set::Any(each(sets)),
            Set::All(sets) => Set::All(each(sets)),
        }
    }

    /// Its spans of index rows, if it has no other parts.
    pub(crate) fn spans(&self) -> Option<Vec<&Span>> {
        match self {
            Set::Span(span) if !span.is_cards() => Some(vec![span]),
            Set::Any(sets) => {
                let spans: Option<Vec<_>> = sets.iter().map(Set::spans).collect();
                Some(spans?.concat())
            }
            _ => None,
        }
    }

    /// Counts rows up to a cap; of what several share, those of the smallest.
    pub(crate) fn probe(&self, snapshot: &dyn Snapshot, dates: Dates, cap: usize) -> Result<usize> {
        match self {
            Set::Few(list) => Ok(list.len().min(cap)),
            Set::Span(span) => {
                let mut rows = Rows::default();
                let mut counted = 0;
                for (from, to) in span.ranges(dates, None) {
                    rows.clear();
                    snapshot.scan(&from, &to, Direction::Up, cap - counted, &mut rows)?;
                    counted += rows.len();
                    if counted >= cap {
                        break;
                    }
                }
                Ok(counted)
            }
            Set::Any(sets) => {
                let mut counted = 0;
                for set in sets {
                    counted += set.probe(snapshot, dates, cap - counted)?;
                    if counted >= cap {
                        break;
                    }
                }
                Ok(counted)
            }
            Set::All(sets) => {
                let mut least = cap;
                for set in sets {
                    least = set.probe(snapshot, dates, least)?;
                }
                Ok(least)
            }
        }
    }
}

/// A set being read.
pub(crate) struct Stream<'a> {
    snapshot: &'a dyn Snapshot,
    node: Node,
    /// Where an earlier page ended.
    position: Option<[u8; TAIL]>,
    begun: bool,
}

impl<'a> Stream<'a> {
    /// Starts after a position.
    pub(crate) fn new(
        snapshot: &'a dyn Snapshot,
        set: &Set,
        dates: Dates,
        position: Option<Tail>,
    ) -> Stream<'a> {
        Stream {
            snapshot,
            node: Node::new(set, dates, position.as_ref()),
            position: position.map(|tail| tail.bytes()),
            begun: false,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Candidate>> {
        self.node.advance(self.snapshot)?;
        if !self.begun {
            self.begun = true;
            if let Some(mut position) = self.position {
                // The first tail after it.
                for byte in position.iter_mut().rev() {
                    let (next, carried) = byte.overflowing_add(1);
                    *byte = next;
                    if !carried {
                        break;
                    }
                }
                self.node.seek(self.snapshot, &position)?;
            }
        }
        Ok(self.node.take())
    }
}

enum Node {
    Span(Box<Cursor>),
    Few {
        list: std::vec::IntoIter<Candidate>,
        head: Option<([u8; TAIL], Candidate)>,
    },
    Any {
        parts: Vec<Node>,
        /// Heads of the parts, lowest first; filled at the first step.
        heads: BinaryHeap<Reverse<([u8; TAIL], usize)>>,
        head: Option<([u8; TAIL], Candidate)>,
        begun: bool,
    },
    All {
        parts: Vec<Node>,
        head: Option<([u8; TAIL], Candidate)>,
        begun: bool,
    },
}

impl Node {
    fn new(set: &Set, dates: Dates, position: Option<&Tail>) -> Node {
        let nodes = |sets: &[Set]| {
            let nodes = sets.iter().map(|set| Node::new(set, dates, position));
            nodes.collect()
        };
        match set {
            Set::Span(span) => Node::Span(Box::new(Cursor::new(span, dates, position))),
            Set::Few(list) => Node::Few {
                list: list.clone().into_iter(),
                head: None,
            },
            Set::Any(sets) => Node::Any {
                parts: nodes(sets),
                heads: BinaryHeap::new(),
                head: None,
                begun: false,
            },
            Set::All(sets) => Node::All {
                parts: nodes(sets),
                head: None,
                begun: false,
            },
        }
    }

    fn head(&self) -> Option<&[u8; TAIL]> {
        let head = match self {
            Node::Span(cursor) => &cursor.head,
            Node::Few { head, .. } | Node::Any { head, .. } | Node::All { head, .. } => head,
        };
        head.as_ref().map(|(tail, _)| tail)
    }

    fn take(&mut self) -> Option<Candidate> {
        let head = match self {
            Node::Span(cursor) => &mut cursor.head,
            Node::Few { head, .. } | Node::Any { head, .. } | Node::All { head, .. } => head,
        };
        head.take().map(|(_, candidate)| candidate)
    }

    fn advance(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        match self {
            Node::Span(cursor) => cursor.advance(snapshot),
            Node::Few { list, head } => {
                *head = list.next().map(with_tail);
                Ok(())
            }
            Node::Any {
                parts,
                heads,
                head,
                begun,
            } => {
                if !*begun {
                    *begun = true;
                    for (i, part) in parts.iter_mut().enumerate() {
                        part.advance(snapshot)?;
                        heads.extend(part.head().map(|tail| Reverse((*tail, i))));
                    }
                }
                lowest(parts, heads, head, snapshot)
            }
            Node::All { parts, head, begun } => {
                // All parts stand at the head that was given last.
                let stepping = if *begun { 1 } else { parts.len() };
                *begun = true;
                for part in parts.iter_mut().take(stepping) {
                    part.advance(snapshot)?;
                }
                shared(parts, head, snapshot)
            }
        }
    }

    fn seek(&mut self, snapshot: &dyn Snapshot, to: &[u8; TAIL]) -> Result<()> {
        if self.head().is_none_or(|head| head >= to) {
            return Ok(());
        }
        match self {
            Node::Span(cursor) => cursor.seek(snapshot, to),
            Node::Few { list, head } => {
                let at = list
                    .as_slice()
                    .partition_point(|candidate| candidate.tail.bytes() < *to);
                *head = list.nth(at).map(with_tail);
                Ok(())
            }
            Node::Any {
                parts, heads, head, ..
            } => {
                while let Some(&Reverse((tail, i))) = heads.peek()
                    && tail < *to
                {
                    heads.pop();
                    if let Some(part) = parts.get_mut(i) {
                        part.seek(snapshot, to)?;
                        heads.extend(part.head().map(|tail| Reverse((*tail, i))));
                    }
                }
                lowest(parts, heads, head, snapshot)
            }
            Node::All { parts, head, .. } => {
                if let Some(first) = parts.first_mut() {
                    // It may have been given away, and then stands where the whole stands.
                    first.seek(snapshot, to)?;
                }
                shared(parts, head, snapshot)
            }
        }
    }
}

fn with_tail(candidate: Candidate) -> ([u8; TAIL], Candidate) {
    (candidate.tail.bytes(), candidate)
}

/// The lowest head of the parts, which go on beyond it.
fn lowest(
    parts: &mut [Node],
    heads: &mut BinaryHeap<Reverse<([u8; TAIL], usize)>>,
    head: &mut Option<([u8; TAIL], Candidate)>,
    snapshot: &dyn Snapshot,
) -> Result<()> {
    *head = None;
    while let Some(&Reverse((tail, i))) = heads.peek() {
        if head.as_ref().is_some_and(|(at, _)| *at != tail) {
            return Ok(());
        }
        heads.pop();
        let Some(part) = parts.get_mut(i) else {
            return Ok(());
        };
        let taken = part.take();
        part.advance(snapshot)?;
        heads.extend(part.head().map(|tail| Reverse((*tail, i))));
        if let Some(taken) = taken {
            match head {
                Some((_, known)) => known.join(taken),
                None => *head = Some((tail, taken)),
            }
        }
    }
    Ok(())
}

/// The first tail at which all parts stand.
fn shared(
    parts: &mut [Node],
    head: &mut Option<([u8; TAIL], Candidate)>,
    snapshot: &dyn Snapshot,
) -> Result<()> {
    *head = None;
    let Some(mut furthest) = parts.first().and_then(Node::head).copied() else {
        return Ok(());
    };
    loop {
        let mut met = true;
        for part in parts.iter_mut() {
            part.seek(snapshot, &furthest)?;
            match part.head() {
                None => return Ok(()),
                Some(at) if *at > furthest => {
                    furthest = *at;
                    met = false;
                }
                Some(_) => {}
            }
        }
        if met {
            break;
        }
    }
    let mut found: Option<Candidate> = None;
    for part in parts.iter() {
        if let Some(candidate) = part.peek() {
            match &mut found {
                Some(known) => known.meet(candidate),
                None => found = Some(candidate.clone()),
            }
        }
    }
    *head = found.map(with_tail);
    Ok(())
}

impl Node {
    fn peek(&self) -> Option<&Candidate> {
        let head = match self {
            Node::Span(cursor) => &cursor.head,
            Node::Few { head, .. } | Node::Any { head, .. } | Node::All { head, .. } => head,
        };
        head.as_ref().map(|(_, candidate)| candidate)
    }
}

impl Candidate {
    /// The same resource, found by another way as well.
    fn join(&mut self, other: Candidate) {
        self.length = self.length.or(other.length);
        self.proven |= other.proven;
        self.card = self.card.take().or(other.card);
    }
    /// The same resource, found by both ways.
    fn meet(&mut self, other: &Candidate) {
        self.length = self.length.or(other.length);
        self.proven &= other.proven;
        if self.card.is_none() {
            self.card.clone_from(&other.card);
        }
    }
}
