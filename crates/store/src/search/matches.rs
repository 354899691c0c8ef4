//! Candidates of a plan that the permit opens and that meet the conditions.
//!
//! Of each row it is asked in this order: whose it is and whether it is hidden; what it says of the main date; only then
//! the card is read, several at once, and the conditions that the row does not prove are judged on it.

use super::{
    asking::{Asked, Asking, Needed},
    order::Keys,
    plan::{self, Aim, Plan, Source},
    rids::Rids,
    set::Stream,
    span::Candidate,
    stamps::Changed,
};
use crate::{
    Result, Scope,
    card::Card,
    dates::{self, Main},
    engine::{Direction, Rows},
    keys::Tail,
};
use fhir::{ResourceType, query::Condition};
use std::collections::VecDeque;

/// Cards read at once, at first and at most.
const FIRST: usize = 16;
const MOST: usize = 256;
/// Candidates looked at for each resource that [`some`] may give, before it gives up; and in all, where it may give fewer.
const EXAMINED: usize = 16;
const EXAMINED_AT_MOST: usize = 4_096;

/// A match.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) tail: Tail,
    pub(crate) card: Card,
}

/// Candidates one after the other.
pub(crate) trait Candidates {
    fn next(&mut self) -> Result<Option<Candidate>>;
}

impl Candidates for Stream<'_> {
    fn next(&mut self) -> Result<Option<Candidate>> {
        Stream::next(self)
    }
}

impl Candidates for Changed<'_> {
    fn next(&mut self) -> Result<Option<Candidate>> {
        Changed::next(self)
    }
}

/// Rows of ranges in no useful order, each resource once.
struct Loose<'a> {
    asking: &'a Asking<'a>,
    ranges: VecDeque<super::access::Range>,
    rows: Rows,
    at: usize,
    seen: Rids,
}

const BATCH: usize = 2048;

impl Candidates for Loose<'_> {
    fn next(&mut self) -> Result<Option<Candidate>> {
        loop {
            if let Some((key, value)) = self.rows.get(self.at) {
                self.at += 1;
                let proves = self.ranges.front().is_some_and(|range| range.proves);
                if let Some(candidate) = super::access::row(key, value, proves)?
                    && self.seen.insert(candidate.tail.rid)
                {
                    return Ok(Some(candidate));
                }
                continue;
            }
            let full = self.rows.len() == BATCH;
            let last = self.rows.get(self.rows.len().wrapping_sub(1));
            if let Some((key, _)) = last.filter(|_| full)
                && let Some(range) = self.ranges.front_mut()
            {
                range.from = key.to_vec();
                range.from.push(0);
            } else if self.at > 0 {
                self.ranges.pop_front();
            }
            let Some(range) = self.ranges.front() else {
                return Ok(None);
            };
            self.rows.clear();
            self.at = 0;
            let snapshot = self.asking.reading.snapshot.as_ref();
            snapshot.scan(&range.from, &range.to, Direction::Up, BATCH, &mut self.rows)?;
            if self.rows.is_empty() {
                self.ranges.pop_front();
            }
        }
    }
}

/// Everything that a plan's source holds.
pub(crate) fn candidates<'a>(
    asking: &'a Asking<'a>,
    plan: &Plan<'_>,
    position: Option<Tail>,
) -> Result<Box<dyn Candidates + 'a>> {
    let snapshot = asking.reading.snapshot.as_ref();
    Ok(match &plan.source {
        Source::Set(set) => Box::new(Stream::new(snapshot, set, plan.dates, position)),
        Source::Ranges(ranges) => Box::new(Loose {
            asking,
            ranges: ranges.clone().into(),
            rows: Rows::default(),
            at: 0,
            seen: Rids::default(),
        }),
        Source::Stamps(stamps) => Box::new(Changed::all(asking.reading, plan.of, *stamps)?),
    })
}

/// What of a candidate is known before its card is read.
enum Row {
    /// It is not open or not a match.
    Out,
    /// It is a match.
    In,
    /// The card must tell.
    Asks,
}

impl Plan<'_> {
    /// Whether a candidate is open and may be a match.
    pub(crate) fn may(&self, asking: &Asking<'_>, candidate: &Candidate) -> Result<bool> {
        Ok(!matches!(self.judge(asking, candidate)?, Row::Out))
    }

    fn judge(&self, asking: &Asking<'_>, candidate: &Candidate) -> Result<Row> {
        if !self.people.iter().all(|people| people.may(&candidate.tail)) {
            return Ok(Row::Out);
        }
        let grant = asking.reading.grant;
        let (tail, labels) = (&candidate.tail, candidate.labels);
        if !(asking.reading).opens_row(self.of, tail, labels, || Ok(true))? {
            return Ok(Row::Out);
        }
        let mut sure = self.open.is_empty() && (candidate.proven || self.proven.is_empty());
        for clause in &self.on_date {
            let main = candidate.length.map(|length| Main {
                second: candidate.tail.date,
                length,
            });
            match main.and_then(|main| dates::meets(main, clause)) {
                Some(true) => {}
                Some(false) => return Ok(Row::Out),
                None => sure = false,
            }
        }
        // Whether a person's resources name it can be asked by its id only.
        let by_name = matches!(grant.scope, Scope::Person { .. }) && candidate.tail.person.0 == 0;
        Ok(if sure && !by_name { Row::In } else { Row::Asks })
    }
}

/// Matches of a plan in the order of its candidates.
pub(crate) struct Matches<'a, 'q> {
    asking: &'a Asking<'a>,
    pub(crate) plan: Plan<'q>,
    source: Box<dyn Candidates + 'a>,
    /// Versions after this stamp are left out.
    limit: u64,
    batch: usize,
    ready: VecDeque<Found>,
    done: bool,
    /// Cards read so far.
    pub(crate) examined: usize,
    /// Where each match must have been found, when it stands in several places.
    pub(crate) placed: Option<&'q Keys>,
}

impl<'a, 'q> Matches<'a, 'q> {
    /// Over the plan's own candidates, after a position in the natural order.
    pub(crate) fn new(
        asking: &'a Asking<'a>,
        plan: Plan<'q>,
        position: Option<Tail>,
        limit: u64,
    ) -> Result<Matches<'a, 'q>> {
        let source = candidates(asking, &plan, position)?;
        Ok(Matches::over(asking, plan, source, limit))
    }

    /// Over other candidates, which hold all that can match.
    pub(crate) fn over(
        asking: &'a Asking<'a>,
        plan: Plan<'q>,
        source: Box<dyn Candidates + 'a>,
        limit: u64,
    ) -> Matches<'a, 'q> {
        Matches {
            asking,
            plan,
            source,
            limit,
            batch: FIRST,
            ready: VecDeque::new(),
            done: false,
            examined: 0,
            placed: None,
        }
    }

    /// The first ones are wanted, so many and one more.
    pub(crate) fn first_of(&mut self, count: usize) {
        self.batch = (count + 1).clamp(FIRST, MOST);
    }

    /// Hardly more than so many are wanted.
    pub(crate) fn only(&mut self, count: usize) {
        self.batch = (count + 1).min(MOST);
    }

    pub(crate) fn next(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Ok(Some(found));
            }
            if self.done {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<()> {
        let mut taken = Vec::with_capacity(self.batch);
        while taken.len() < self.batch {
            let Some(candidate) = self.source.next()? else {
                self.done = true;
                break;
            };
            match self.plan.judge(self.asking, &candidate)? {
                Row::Out => {}
                Row::In => taken.push((candidate, true)),
                Row::Asks => taken.push((candidate, false)),
            }
        }
        self.batch = (self.batch * 4).min(MOST);
        self.examined += taken.len();
        let rows = cards(self.asking, self.plan.of, &mut taken)?;
        for ((candidate, sure), row) in taken.into_iter().zip(rows) {
            if let Some(row) = row
                && let Some(found) = self.check(&candidate, sure, &row)?
            {
                self.ready.push_back(found);
            }
        }
        Ok(())
    }

    fn check(&self, candidate: &Candidate, sure: bool, row: &[u8]) -> Result<Option<Found>> {
        let plan = &self.plan;
        let (of, tail) = (plan.of, candidate.tail);
        let reading = self.asking.reading;
        let Some(card) = plan.needed.card(reading, of, &tail, row, sure)? else {
            return Ok(None);
        };
        if card.stamp > self.limit || !reading.opens(of, &card.id, &tail, card.labels)? {
            return Ok(None);
        }
        let found = Found { tail, card };
        if let (Some(keys), Some(place)) = (self.placed, &candidate.place)
            && keys.place(&found).as_deref() != Some(place)
        {
            return Ok(None);
        }
        if sure {
            return Ok(Some(found));
        }
        let card = &found.card;
        let asked = Asked { of, card };
        let dated = |clause| fhir::query::matches(clause, &card.entries);
        let proven = plan.proven.iter().filter(|_| !candidate.proven);
        let met = plan.on_date.iter().all(|clause| dated(clause))
            && self
                .asking
                .all_met(&asked, proven.chain(&plan.open).copied())?;
        Ok(met.then_some(found))
    }

    /// How many there are. Rows that prove all are counted without their cards.
    pub(crate) fn count(mut self) -> Result<u64> {
        let mut counted = 0;
        let mut asking = Vec::with_capacity(MOST);
        loop {
            let candidate = self.source.next()?;
            let last = candidate.is_none();
            if let Some(candidate) = candidate {
                match self.plan.judge(self.asking, &candidate)? {
                    Row::Out => {}
                    Row::In if self.limit == u64::MAX => counted += 1,
                    Row::In => asking.push((candidate, true)),
                    Row::Asks => asking.push((candidate, false)),
                }
            }
            if asking.len() == MOST || last {
                let rows = cards(self.asking, self.plan.of, &mut asking)?;
                for ((candidate, sure), row) in asking.drain(..).zip(rows) {
                    if let Some(row) = row {
                        counted += u64::from(self.check(&candidate, sure, &row)?.is_some());
                    }
                }
            }
            if last {
                return Ok(counted);
            }
        }
    }
}

/// The rows of the candidates' cards.
fn cards(
    asking: &Asking<'_>,
    of: ResourceType,
    candidates: &mut [(Candidate, bool)],
) -> Result<Vec<Option<Vec<u8>>>> {
    let missing = candidates.iter().filter(|(one, _)| one.card.is_none());
    let keys: Vec<Vec<u8>> = missing.map(|(one, _)| one.tail.card_key(of)).collect();
    let read = match keys.is_empty() {
        true => Vec::new(),
        false => asking.reading.snapshot.get_many(&keys)?,
    };
    let mut read = read.into_iter();
    let row = |(candidate, _): &mut (Candidate, bool)| match candidate.card.take() {
        Some(row) => Some(row),
        None => {
            let row = read.next().flatten();
            asking
                .reading
                .torn
                .set(asking.reading.torn.get() || row.is_none());
            row
        }
    };
    Ok(candidates.iter_mut().map(row).collect())
}

/// All resources that meet some conditions, if they are few and soon found; otherwise `None`.
pub(crate) fn some(
    asking: &Asking<'_>,
    of: ResourceType,
    conditions: &[&Condition],
    needed: Needed,
    most: usize,
) -> Result<Option<Vec<Found>>> {
    if !asking.reading.grant.covers(of) {
        return Ok(Some(Vec::new()));
    }
    let mut plan = plan::choose(asking, of, conditions, Aim::All)?;
    plan.needed = needed;
    let mut matches = Matches::new(asking, plan, None, u64::MAX)?;
    let mut found = Vec::new();
    while let Some(one) = matches.next()? {
        found.push(one);
        if found.len() > most {
            return Ok(None);
        }
        let most = most.max(SMALLEST);
        if matches.examined > (most * EXAMINED).min(EXAMINED_AT_MOST.max(most)) {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Even when hardly any more are wanted, so many are looked for.
const SMALLEST: usize = 64;
