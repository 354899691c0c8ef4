//! The choice of where to look.
//!
//! What is few is taken as it is and checked on cards. Of what is many, sets are leapt through together, and what ranges
//! find is collected when that is less work than walking (see [`cap`]). The choice is by capped counts, never by a guess,
//! and never changes an answer or its order: only what it costs.

use super::{
    access::{self, Access, Range, collect},
    asking::{Asking, Needed},
    people::{self, People},
    set::Set,
    span::{Candidate, Span},
    stamps::{Changed, Stamps},
};
use crate::{
    PersonKey, Result, Scope,
    commit::Count,
    dates::{self, ALL_DATES, Dates},
    engine::{Direction, Rows},
    index,
    keys::EVERY,
    prepare::target,
    store::head_of,
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Prefix, Wanted},
    search::{Kind, SearchParameter, parameter},
};

/// Rows of a set that are few.
const SMALL: usize = 256;
/// Rows that are collected at most.
const LARGEST: usize = 20_000;

/// Where all matches are, and what must still be asked of each.
pub(crate) struct Plan<'q> {
    pub(crate) of: ResourceType,
    pub(crate) source: Source,
    /// Rows of the source, where it is known to have few.
    pub(crate) few: Option<usize>,
    pub(crate) dates: Dates,
    /// Sieves through which all matches go.
    pub(crate) people: Vec<People>,
    /// Conditions on the main date.
    pub(crate) on_date: Vec<&'q Clause>,
    /// Conditions that a proven row meets.
    pub(crate) proven: Vec<&'q Condition>,
    /// All others.
    pub(crate) open: Vec<&'q Condition>,
    pub(crate) needed: Needed,
}

impl<'q> Plan<'q> {
    /// Over a set that is known to hold all matches: every condition is asked of each.
    pub(crate) fn over(of: ResourceType, conditions: &[&'q Condition], set: Set) -> Plan<'q> {
        let dated: Vec<&Clause> = conditions
            .iter()
            .filter_map(|one| on_date(of, one))
            .collect();
        let undated = conditions.iter().filter(|one| on_date(of, one).is_none());
        Plan {
            of,
            source: Source::Set(set),
            few: None,
            dates: dated
                .iter()
                .fold(ALL_DATES, |all, clause| all.and(Dates::of(clause))),
            open: undated.copied().collect(),
            people: Vec::new(),
            on_date: dated,
            proven: Vec::new(),
            needed: Needed::of(of, conditions.iter().copied()),
        }
    }
    /// Candidates will come from elsewhere: every condition is asked of each.
    pub(crate) fn prove_nothing(&mut self) {
        self.open.append(&mut self.proven);
    }
}

/// Where candidates come from.
#[derive(Debug)]
pub(crate) enum Source {
    Set(Set),
    /// In no useful order, a resource more than once.
    Ranges(Vec<Range>),
    Stamps(Stamps),
}

/// What is wanted of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// The first matches in the natural order.
    First,
    /// A page in another order.
    Sorted,
    /// A page in the order of change.
    Changed,
    /// All matches.
    All,
}

/// Up to how many rows collecting is less work than walking: who walks past `rows` to find a page of `m` matches reads
/// about `page * rows / m`, and that is `m` when `m` is the root of `page * rows`.
fn cap(rows: u64) -> usize {
    let root = (50.0 * rows as f64).sqrt();
    (root as usize).clamp(SMALL, LARGEST)
}

/// All conditions of a search, those inside a conjunction one by one.
pub(crate) fn flat(conditions: &[Condition]) -> Vec<&Condition> {
    let mut out = Vec::with_capacity(conditions.len());
    for condition in conditions {
        match condition {
            Condition::All(parts) => out.extend(flat(parts)),
            other => out.push(other),
        }
    }
    out
}

/// Whether a condition is on the main date alone.
pub(crate) fn on_date(of: ResourceType, condition: &Condition) -> Option<&Clause> {
    match condition {
        Condition::Is(clause)
            if clause.modifier == Modifier::None
                && Some(clause.parameter.number) == dates::main_parameter(of) =>
        {
            Some(clause)
        }
        _ => None,
    }
}

/// What one or several conditions offer.
struct Offer {
    /// Which of the conditions.
    of: Vec<usize>,
    access: Access,
}

/// Chooses where to look for a type under these conditions.
pub(crate) fn choose<'q>(
    asking: &Asking<'_>,
    of: ResourceType,
    conditions: &[&'q Condition],
    aim: Aim,
) -> Result<Plan<'q>> {
    let mut dates = ALL_DATES;
    let mut dated = Vec::new();
    let (mut offers, mut people) = (Vec::new(), Vec::new());
    for (i, condition) in conditions.iter().enumerate() {
        if let Some(clause) = on_date(of, condition) {
            dates = dates.and(Dates::of(clause));
            dated.push(clause);
            continue;
        }
        if let Some(sieve) = people::sieve(asking, of, condition)? {
            people.push(sieve);
        } else if let Some(access) = access::of(asking, of, condition)? {
            offers.push(Offer {
                of: vec![i],
                access,
            });
        }
    }
    if let Some(pair) = paired(asking, of, conditions)? {
        offers.push(pair);
    }
    if let Some(personal) = personal(asking, of, conditions)? {
        offers.push(personal);
    }
    if let Scope::Person { keys, .. } = &asking.reading.grant.scope
        && of.is_personal()
        && patients(conditions).is_none()
    {
        // Nobody's resources of such a type can be open to her too, when hers name them. What names a patient is hardly
        // more than that already.
        let people = keys.iter().chain(&[PersonKey(0)]);
        let cards = people.map(|&person| Set::Span(Span::cards(of, person)));
        offers.push(Offer {
            of: Vec::new(),
            access: Access::Set(Set::any(cards.collect())),
        });
    }
    let (source, few, by) = best(asking, of, offers, dates, aim)?;
    let (mut proven, mut open) = (Vec::new(), Vec::new());
    for (i, condition) in conditions.iter().enumerate() {
        if on_date(of, condition).is_some() {
            continue;
        }
        match by.contains(&i) {
            true => proven.push(*condition),
            false => open.push(*condition),
        }
    }
    Ok(Plan {
        of,
        source,
        few,
        dates,
        people,
        on_date: dated,
        proven,
        open,
        needed: Needed::of(of, conditions.iter().copied()),
    })
}

/// The source, its rows if they are few, and the conditions that its proven rows meet.
fn best(
    asking: &Asking<'_>,
    of: ResourceType,
    mut offers: Vec<Offer>,
    dates: Dates,
    aim: Aim,
) -> Result<(Source, Option<usize>, Vec<usize>)> {
    let snapshot = asking.reading.snapshot.as_ref();
    let every = || Set::Span(Span::index(index::start(of, EVERY).done(), true));
    if offers.is_empty() {
        let all = Count::read(snapshot, of)?.all as usize;
        let few = (all < SMALL).then_some(all);
        return Ok((Source::Set(every()), few, Vec::new()));
    }
    let one_set = matches!(
        offers.as_slice(),
        [Offer {
            access: Access::Set(_),
            ..
        }]
    );
    let sorted = matches!(aim, Aim::Sorted | Aim::Changed);
    let changes_only = offers
        .iter()
        .all(|offer| matches!(offer.access, Access::Stamps(_)));
    if one_set && !sorted || changes_only && aim == Aim::Changed {
        return Ok(many(offers, aim, every));
    }
    let cap = cap(Count::read(snapshot, of)?.all);
    let small = if sorted { cap } else { SMALL };
    let mut least: Option<(usize, usize)> = None;
    // What several conditions offer together comes last and is mostly the smallest: then the others are read no further.
    for (i, offer) in offers.iter().enumerate().rev() {
        let Access::Set(set) = &offer.access else {
            continue;
        };
        let most = least.map_or(small, |(rows, _)| rows);
        let rows = set.probe(snapshot, dates, most)?;
        if rows < most {
            least = Some((rows, i));
        }
    }
    if least.is_none_or(|(rows, _)| rows >= SMALL) {
        for (i, offer) in offers.iter().enumerate() {
            let most = least.map_or(cap, |(rows, _)| rows);
            let rows = match &offer.access {
                Access::Set(_) => continue,
                Access::Ranges(ranges) => rows_of(asking, ranges, most)?,
                Access::Stamps(stamps) => changes(asking, of, *stamps, most)?.len(),
            };
            if rows < most {
                least = Some((rows, i));
            }
        }
    }
    if let Some((rows, i)) = least {
        let offer = offers.swap_remove(i);
        let set = match offer.access {
            Access::Set(set) => set,
            Access::Ranges(ranges) => Set::few(collect(asking.reading, &ranges, usize::MAX)?),
            Access::Stamps(stamps) => Set::few(changes(asking, of, stamps, usize::MAX)?),
        };
        return Ok((Source::Set(set), Some(rows), offer.of));
    }
    Ok(many(offers, aim, every))
}

/// The source when everything is many.
fn many(
    mut offers: Vec<Offer>,
    aim: Aim,
    every: impl Fn() -> Set,
) -> (Source, Option<usize>, Vec<usize>) {
    if aim != Aim::First
        && let Some(at) = offers.iter().position(|offer| {
            offer.of.len() > 1
                && matches!(&offer.access, Access::Ranges(ranges) if ranges.iter().all(|range| range.proves))
        })
    {
        let offer = offers.swap_remove(at);
        if let Access::Ranges(ranges) = offer.access {
            return (Source::Ranges(ranges), None, offer.of);
        }
    }
    let (mut sets, mut by, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for offer in offers {
        match offer.access {
            Access::Set(set) => {
                sets.push(set);
                by.extend(offer.of);
            }
            access => others.push(Offer {
                of: offer.of,
                access,
            }),
        }
    }
    match (sets.len(), sets.pop()) {
        (1, Some(only)) => return (Source::Set(only), None, by),
        (_, Some(last)) => {
            sets.push(last);
            return (Source::Set(Set::All(sets)), None, by);
        }
        (_, None) => {}
    }
    match others.into_iter().next() {
        Some(offer) if aim != Aim::First => match offer.access {
            Access::Ranges(ranges) => (Source::Ranges(ranges), None, offer.of),
            Access::Stamps(stamps) => (Source::Stamps(stamps), None, offer.of),
            Access::Set(set) => (Source::Set(set), None, offer.of),
        },
        _ => (Source::Set(every()), None, Vec::new()),
    }
}

/// Counts the rows of ranges up to a number.
fn rows_of(asking: &Asking<'_>, ranges: &[Range], most: usize) -> Result<usize> {
    let mut rows = Rows::default();
    let mut counted = 0;
    for range in ranges {
        rows.clear();
        asking.reading.snapshot.scan(
            &range.from,
            &range.to,
            Direction::Up,
            most - counted,
            &mut rows,
        )?;
        counted += rows.len();
        if counted >= most {
            break;
        }
    }
    Ok(counted)
}

/// What was changed between two stamps, up to a number.
fn changes(
    asking: &Asking<'_>,
    of: ResourceType,
    stamps: Stamps,
    most: usize,
) -> Result<Vec<Candidate>> {
    let mut walk = Changed::all(asking.reading, of, stamps)?;
    let mut found = Vec::new();
    while found.len() < most
        && let Some(candidate) = walk.next()?
    {
        found.push(candidate);
    }
    Ok(found)
}

/// Whose records a condition or the permit names, with the condition's place.
fn people(
    asking: &Asking<'_>,
    conditions: &[&Condition],
) -> Result<Option<(Option<usize>, Vec<PersonKey>)>> {
    if let Scope::Person { keys, .. } = &asking.reading.grant.scope {
        return Ok(Some((None, [keys.as_slice(), &[PersonKey(0)]].concat())));
    }
    let Some((i, named)) = patients(conditions) else {
        return Ok(None);
    };
    let mut people = Vec::new();
    for (of, id) in named {
        let head = head_of(
            &asking.reading.secret,
            asking.reading.snapshot.as_ref(),
            of,
            id,
        )?;
        people.extend(head.map(|head| head.tail.person));
    }
    Ok(Some((Some(i), people)))
}

/// The first condition that names patients and nothing else, and whom.
fn patients<'q>(conditions: &[&'q Condition]) -> Option<(usize, Vec<(ResourceType, &'q str)>)> {
    let patient = |wanted: &'q Wanted| match wanted {
        Wanted::Reference(name) => target(name).filter(|(of, _)| of.name() == "Patient"),
        _ => None,
    };
    conditions
        .iter()
        .enumerate()
        .find_map(|(i, &condition)| match condition {
            Condition::Is(clause)
                if clause.modifier == Modifier::None
                    && clause.parameter.kind == Kind::Reference =>
            {
                let named: Option<Vec<_>> = clause.values.iter().map(patient).collect();
                Some((i, named.filter(|named| !named.is_empty())?))
            }
            _ => None,
        })
}

/// A person's resources about one matter: `patient=...&code=...`.
fn personal(
    asking: &Asking<'_>,
    of: ResourceType,
    conditions: &[&Condition],
) -> Result<Option<Offer>> {
    let Some(number) = index::subject_matter(of).filter(|_| of.is_personal()) else {
        return Ok(None);
    };
    let about = conditions
        .iter()
        .enumerate()
        .find_map(|(i, condition)| match condition {
            Condition::Is(clause)
                if clause.parameter.number == number && clause.modifier == Modifier::None =>
            {
                Some((i, clause))
            }
            _ => None,
        });
    let Some((matter, clause)) = about else {
        return Ok(None);
    };
    let Some((by, people)) = people(asking, conditions)? else {
        return Ok(None);
    };
    let mut sets = Vec::new();
    for &person in &people {
        let start = index::personal(of, person);
        for wanted in &clause.values {
            match access::composite(asking.reading, &start, std::slice::from_ref(wanted))? {
                Some(Access::Set(set)) => sets.push(set),
                _ => return Ok(None),
            }
        }
    }
    // What names her and is another person's stands under the reference.
    if let Some(Condition::Is(reference)) = by.and_then(|by| conditions.get(by))
        && let Some(Access::Set(about)) = access::of(asking, of, &Condition::Is(clause.clone()))?
    {
        for wanted in &reference.values {
            if let Wanted::Reference(name) = wanted {
                let number = reference.parameter.number;
                let named = access::named(asking.reading, of, number, name);
                sets.push(Set::All(vec![Set::any(named.collect()), about.clone()]));
            }
        }
    }
    Ok(Some(Offer {
        of: vec![matter],
        access: Access::Set(Set::any(sets)),
    }))
}

/// Composites of R4 whose components stand at the root of the resource: both conditions together are one on it.
const PAIRS: &[(&str, &str, &str, &str)] = &[
    ("Observation", "code", "value-concept", "code-value-concept"),
    ("Observation", "code", "value-date", "code-value-date"),
    (
        "Observation",
        "code",
        "value-quantity",
        "code-value-quantity",
    ),
    ("Observation", "code", "value-string", "code-value-string"),
];
/// Pairs of values followed at most.
const PAIRED: usize = 64;

/// Conditions that are one on a composite: codes, and what is asked of the value under them.
pub(crate) struct Pair<'c> {
    /// The conditions that it covers.
    pub(crate) parts: Vec<&'c Clause>,
    codes: &'c [Wanted],
    values: Vec<Wanted>,
    both: &'static SearchParameter,
}

impl Pair<'_> {
    /// The same as a condition on the composite, if that orders its answers.
    pub(crate) fn ordered(&self) -> Option<Clause> {
        let open = self.values.iter().all(|wanted| match wanted {
            Wanted::Quantity { code, .. } => code.is_some(),
            Wanted::Text(_) | Wanted::Date { .. } => true,
            _ => false,
        });
        let pairs = self.codes.iter().flat_map(|code| {
            let pair = move |value: &Wanted| Wanted::Composite(vec![code.clone(), value.clone()]);
            self.values.iter().map(pair)
        });
        open.then(|| Clause {
            parameter: self.both,
            modifier: Modifier::None,
            values: pairs.collect(),
        })
    }
}

/// The conditions that are one on a composite.
pub(crate) fn pair_of<'c>(of: ResourceType, conditions: &[&'c Condition]) -> Option<Pair<'c>> {
    let clauses = |code: &str| {
        let of_code = |condition: &&'c Condition| match condition {
            Condition::Is(clause)
                if clause.parameter.code == code && clause.modifier == Modifier::None =>
            {
                Some(clause)
            }
            _ => None,
        };
        conditions.iter().filter_map(of_code).collect::<Vec<_>>()
    };
    let pairs = PAIRS.iter().filter(|(name, ..)| *name == of.name());
    pairs.into_iter().find_map(|(_, first, second, both)| {
        let (first, seconds) = (*clauses(first).first()?, clauses(second));
        let second = *seconds.first()?;
        let (values, seconds) = match narrowed(&seconds) {
            Some(within) => (vec![within], seconds),
            None => (second.values.clone(), vec![second]),
        };
        let few = first.values.len() * values.len() <= PAIRED;
        let both = parameter(of, both).filter(|both| few && both.supported())?;
        Some(Pair {
            parts: std::iter::once(first).chain(seconds).collect(),
            codes: &first.values,
            values,
            both,
        })
    })
}

/// Several conditions on a quantity of which a resource has one, as a range: `ge81` and `le99`. They must be in one unit.
fn narrowed(clauses: &[&Clause]) -> Option<Wanted> {
    let mut within: Option<(f64, f64, &Option<String>, &Option<String>)> = None;
    for clause in clauses {
        let [
            Wanted::Quantity {
                prefix,
                value,
                low,
                high,
                system,
                code,
            },
        ] = clause.values.as_slice()
        else {
            return None;
        };
        let (from, to) = match prefix {
            Prefix::Eq | Prefix::Ap => (*low, *high),
            Prefix::Ne => return None,
            Prefix::Gt | Prefix::Sa => (value.next_up(), f64::INFINITY),
            Prefix::Ge => (*value, f64::INFINITY),
            Prefix::Lt | Prefix::Eb => (f64::NEG_INFINITY, *value),
            Prefix::Le => (f64::NEG_INFINITY, value.next_up()),
        };
        within = Some(match within {
            None => (from, to, system, code),
            Some((low, high, of, unit)) if (of, unit) == (system, code) => {
                (low.max(from), high.min(to), of, unit)
            }
            Some(_) => return None,
        });
    }
    let (low, high, system, code) = within.filter(|_| clauses.len() > 1)?;
    Some(Wanted::Quantity {
        prefix: Prefix::Eq,
        value: low,
        low,
        high,
        system: system.clone(),
        code: code.clone(),
    })
}

fn paired(
    asking: &Asking<'_>,
    of: ResourceType,
    conditions: &[&Condition],
) -> Result<Option<Offer>> {
    let Some(pair) = pair_of(of, conditions) else {
        return Ok(None);
    };
    let (mut sets, mut ranges) = (Vec::new(), Vec::new());
    for place in index::places(of, pair.both.number) {
        let start = index::start(of, place.number);
        for a in pair.codes {
            for b in &pair.values {
                match access::composite(asking.reading, &start, &[a.clone(), b.clone()])? {
                    Some(Access::Set(set)) => sets.push(set),
                    Some(Access::Ranges(found)) => ranges.extend(found),
                    _ => return Ok(None),
                }
            }
        }
    }
    let access = match (sets.is_empty(), ranges.is_empty()) {
        (_, true) => Access::Set(Set::any(sets)),
        (true, false) => Access::Ranges(ranges),
        _ => return Ok(None),
    };
    let is = |clause: &Clause| {
        let same =
            |condition: &&&Condition| matches!(condition, Condition::Is(own) if own == clause);
        conditions.iter().position(|condition| same(&condition))
    };
    let of = pair.parts.iter().filter_map(|part| is(part)).collect();
    Ok(Some(Offer { of, access }))
}
