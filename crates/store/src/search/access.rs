//! Where the index holds what a condition asks for.
//!
//! A condition whose value is fixed gives a [`Set`]: its rows come in the order of an answer. One that leaves the value
//! open (a prefix of a text, from a number on) gives [`Ranges`], in the order of the value. What gives neither is judged
//! on cards.

use super::{
    asking::{Asking, Needed},
    matches::some,
    near,
    set::Set,
    span::{Candidate, Span},
    stamps::{self, Stamps},
    texts, words,
};
use crate::{
    Result,
    commit::Mark,
    dates,
    engine::{Direction, Rows},
    index::{
        self, CLASSES, Class, TEXT, code_hash, ordered, ordered_f64, system_hash, unit_hash,
        whole_hash,
    },
    keys::{DIRECTORY, Key, Tail, after},
    prepare::target,
    read::Reading,
    store::head_of,
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Prefix, Wanted},
    search::{IDENTIFIER, Indexed, Kind, SearchParameter, fold},
};

/// Systems or units followed under one code or parameter.
const KINDS: usize = 64;
/// Resources that a chain, `_has` or a list gives at most to look from; beyond, each candidate's references are followed.
const TARGETS: usize = 256;
/// The same for `_has`, where what is beyond costs more: each candidate is asked for what refers to it.
const SOURCES: usize = 2_048;
/// Rows of open ranges inside another condition that are read to make a set of them.
const NESTED: usize = 2_000;

/// Where a condition's matches are.
#[derive(Debug)]
pub(crate) enum Access {
    Set(Set),
    Ranges(Vec<Range>),
    Stamps(Stamps),
}

/// Keys between two ends; those of one range share the bytes before the value's rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
    /// Bytes before those that order the keys ([`index::rank`]).
    pub(crate) skip: usize,
    /// Whether a row in it proves the condition.
    pub(crate) proves: bool,
}

/// Where the matches of a condition are; `None` when only cards can tell.
pub(crate) fn of(
    asking: &Asking<'_>,
    of: ResourceType,
    condition: &Condition,
) -> Result<Option<Access>> {
    let set = |set: Option<Set>| Ok(set.map(Access::Set));
    match condition {
        Condition::Is(clause) => of_clause(asking, of, clause),
        Condition::Refers { parameter, targets } => {
            set(asking.deeper(|| of_targets(asking, of, parameter, targets))?)
        }
        Condition::Referred {
            source,
            parameter,
            condition,
        } => set(asking.deeper(|| of_sources(asking, of, *source, parameter, condition))?),
        Condition::Listed(list) => {
            let names = asking.list(list)?;
            let mut found = Vec::new();
            for (named, id) in names.iter().filter_map(|name| target(name)) {
                if named == of {
                    found.extend(candidate(asking.reading, of, id)?);
                }
            }
            set(Some(Set::few(found)))
        }
        Condition::All(parts) => {
            let mut sets = Vec::new();
            for part in parts {
                sets.extend(as_set(asking, of, part)?);
            }
            if sets.is_empty() {
                return Ok(None);
            }
            let whole = sets.len() == parts.len();
            let all = Set::All(sets);
            set(Some(if whole { all } else { all.unproven() }))
        }
        Condition::Any(parts) => {
            let mut sets = Vec::new();
            for part in parts {
                match as_set(asking, of, part)? {
                    Some(set) => sets.push(set),
                    None => return Ok(None),
                }
            }
            set(Some(Set::any(sets)))
        }
        Condition::Not(_) => Ok(None),
    }
}

/// A part of a condition as a set, if it is one or has few rows.
fn as_set(asking: &Asking<'_>, of: ResourceType, part: &Condition) -> Result<Option<Set>> {
    Ok(match self::of(asking, of, part)? {
        Some(Access::Set(set)) => Some(set),
        Some(Access::Ranges(ranges)) => {
            let found = collect(asking.reading, &ranges, NESTED)?;
            (found.len() < NESTED).then(|| Set::few(found))
        }
        Some(Access::Stamps(_)) | None => None,
    })
}

/// The rows of ranges, at most so many.
pub(crate) fn collect(
    reading: &Reading<'_>,
    ranges: &[Range],
    limit: usize,
) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    let mut rows = Rows::default();
    for range in ranges {
        rows.clear();
        let room = limit - found.len();
        reading
            .snapshot
            .scan(&range.from, &range.to, Direction::Up, room, &mut rows)?;
        for (key, value) in rows.iter() {
            found.extend(row(key, value, range.proves)?);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The candidate of an index row.
pub(crate) fn row(key: &[u8], value: &[u8], proven: bool) -> Result<Option<Candidate>> {
    let mark = Mark::decode(value)?;
    Ok(Tail::of_key(key).map(|tail| Candidate {
        tail,
        labels: mark.labels,
        length: Some(mark.length),
        proven,
        card: None,
        place: None,
    }))
}

/// A current resource by its id; whether the permit opens it is asked later.
pub(crate) fn candidate(
    reading: &Reading<'_>,
    of: ResourceType,
    id: &str,
) -> Result<Option<Candidate>> {
    let head = head_of(&reading.secret, reading.snapshot.as_ref(), of, id)?;
    Ok(head.filter(|head| head.exists()).map(|head| Candidate {
        tail: head.tail,
        labels: head.labels,
        length: None,
        proven: true,
        card: None,
        place: None,
    }))
}

/// What points to the few resources that meet the far side of a chain.
fn of_targets(
    asking: &Asking<'_>,
    of: ResourceType,
    parameter: &SearchParameter,
    targets: &[(ResourceType, Condition)],
) -> Result<Option<Set>> {
    let mut sets = Vec::new();
    let mut room = TARGETS;
    for (target, there) in targets {
        let needed = Needed::of(*target, std::iter::once(there));
        let Some(found) = some(asking, *target, &[there], needed, room)? else {
            return Ok(None);
        };
        room -= found.len();
        for found in found {
            let name = format!("{target}/{}", found.card.id);
            sets.extend(pointing(asking.reading, of, parameter.number, &name)?);
        }
    }
    Ok(Some(Set::any(sets)))
}

/// Where the resources of a type stand that point to a name.
fn pointing(reading: &Reading<'_>, of: ResourceType, number: u16, name: &str) -> Result<Vec<Set>> {
    let mut sets = Vec::new();
    // A person's resources do not stand under the reference to her own Patient; her cards do.
    if let Some((patient, id)) = target(name).filter(|(of, _)| of.name() == "Patient")
        && let Some(head) = head_of(&reading.secret, reading.snapshot.as_ref(), patient, id)?
        && of.is_personal()
    {
        sets.push(Set::Span(Span::cards(of, head.tail.person)));
    }
    sets.extend(named(reading, of, number, name));
    Ok(sets)
}

/// Where the resources of a type stand that point to a name and do not lie in its compartment.
pub(crate) fn named(
    reading: &Reading<'_>,
    of: ResourceType,
    number: u16,
    name: &str,
) -> impl Iterator<Item = Set> {
    let hash = whole_hash(name, &reading.secret);
    let to = target(name).map(|(to, _)| to);
    index::places(of, number).into_iter().map(move |place| {
        let start = index::start(of, place.number).bytes(&hash);
        // What a reference says of its target, if its text does not, is on the card.
        let proves = place.target.is_none() || place.target == to;
        Set::Span(Span::index(start.done(), proves))
    })
}

/// What the few resources point to that meet a condition.
fn of_sources(
    asking: &Asking<'_>,
    of: ResourceType,
    source: ResourceType,
    parameter: &SearchParameter,
    condition: &Condition,
) -> Result<Option<Set>> {
    if !asking.reading.grant.covers(source) {
        return Ok(Some(Set::Few(Vec::new())));
    }
    let needed = Needed::of(source, std::iter::once(condition));
    let needed = needed.also(std::iter::once(parameter.number));
    let Some(sources) = some(asking, source, &[condition], needed, SOURCES)? else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for entry in sources.iter().flat_map(|source| &source.card.entries) {
        if let Indexed::Reference(name) = &entry.value
            && entry.number == parameter.number
            && let Some((_, id)) = target(name).filter(|(target, _)| *target == of)
        {
            found.extend(candidate(asking.reading, of, id)?);
        }
    }
    Ok(Some(Set::few(found)))
}

fn of_clause(asking: &Asking<'_>, of: ResourceType, clause: &Clause) -> Result<Option<Access>> {
    let reading = asking.reading;
    let parameter = clause.parameter;
    match (parameter.code, clause.modifier) {
        ("_id", Modifier::None) => {
            let mut found = Vec::new();
            for wanted in &clause.values {
                if let Wanted::Id(id) | Wanted::Token { code: Some(id), .. } = wanted {
                    found.extend(candidate(reading, of, id)?);
                }
            }
            return Ok(Some(Access::Set(Set::few(found))));
        }
        ("_id", _) => return Ok(None),
        ("_lastUpdated", _) => return Ok(stamps::between(clause).map(Access::Stamps)),
        _ if words::asks(clause) => return Ok(words::set(asking, of, clause).map(Access::Set)),
        _ => {}
    }
    if Some(parameter.number) == dates::main_parameter(of) && dates::is_pure(of) {
        return Ok(None);
    }
    let number = match clause.modifier {
        Modifier::Identifier | Modifier::OfType => parameter.number | IDENTIFIER,
        Modifier::None
        | Modifier::Exact
        | Modifier::Above
        | Modifier::Below
        | Modifier::Text
        | Modifier::Contains
        | Modifier::Ends => parameter.number,
        Modifier::Whole | Modifier::Not | Modifier::Missing(_) => return Ok(None),
    };
    let mut sets = Vec::new();
    let mut ranges = Vec::new();
    for wanted in &clause.values {
        if let Some(name) = plainly_named(clause, wanted) {
            sets.extend(pointing(reading, of, number, name)?);
            continue;
        }
        for place in index::places(of, number) {
            if let Some(pieces) = texts::pieces(reading, of, place.number, clause, wanted) {
                sets.push(pieces);
                continue;
            }
            let start = index::start(of, place.number);
            // The directory may be of another moment than the cards; and others' rows hold more than what is asked for.
            let apart = start.0.starts_with(&DIRECTORY.to_be_bytes()) || place.target.is_some();
            match where_is(reading, &start, clause, wanted)? {
                Some(Access::Set(set)) if apart => sets.push(set.unproven()),
                Some(Access::Set(set)) => sets.push(set),
                Some(Access::Ranges(more)) => ranges.extend(more),
                Some(Access::Stamps(_)) | None => return Ok(None),
            }
        }
    }
    Ok(Some(match ranges.is_empty() {
        true => Access::Set(Set::any(sets)),
        false if sets.is_empty() => Access::Ranges(ranges),
        false => return Ok(None),
    }))
}

/// The reference that is asked for as it stands.
fn plainly_named<'w>(clause: &Clause, wanted: &'w Wanted) -> Option<&'w str> {
    match (wanted, clause.modifier) {
        (Wanted::Reference(name), Modifier::Above | Modifier::Below) if name.contains(':') => None,
        (Wanted::Reference(name), _) => Some(name),
        _ => None,
    }
}

/// Where one value stands among the rows that start so.
fn where_is(
    reading: &Reading<'_>,
    start: &Key,
    clause: &Clause,
    wanted: &Wanted,
) -> Result<Option<Access>> {
    let spans =
        |spans: Vec<Span>| Access::Set(Set::any(spans.into_iter().map(Set::Span).collect()));
    Ok(match (wanted, clause.modifier) {
        (Wanted::Text(text), Modifier::Contains | Modifier::Ends) => {
            let found = texts::holding(reading, start, text, clause.modifier)?;
            found.map(|found| Access::Set(Set::few(found)))
        }
        (_, Modifier::Contains | Modifier::Ends) => None,
        (Wanted::Reference(name), _) => versions(start, name, clause.modifier, reading).map(spans),
        (Wanted::Text(text), Modifier::Text) => {
            let hash = index::words_hash(text, &reading.secret);
            let span = |hash: [u8; 8]| Span::index(start.clone().bytes(&hash).done(), false);
            hash.map(|hash| spans(vec![span(hash)]))
        }
        (
            Wanted::OfType {
                system,
                code,
                value,
            },
            _,
        ) => {
            let code = fhir::search::of_type(code, value);
            tokens(reading, start, system.as_deref(), &code)?.map(spans)
        }
        (Wanted::Uri(_), Modifier::Below) => None,
        (Wanted::Uri(uri), Modifier::Above) => {
            let above = uri.match_indices('/').flat_map(|(at, _)| [at, at + 1]);
            let above = above.filter(|end| *end < uri.len()).chain([uri.len()]);
            let above = above.filter_map(|end| uri.get(..end));
            Some(spans(
                above.map(|uri| exactly(start, uri, reading)).collect(),
            ))
        }
        (Wanted::Uri(uri), _) => Some(spans(vec![exactly(start, uri, reading)])),
        (
            Wanted::Token {
                code: Some(code),
                system,
            },
            _,
        ) => tokens(reading, start, system.as_deref(), code)?.map(spans),
        (Wanted::Text(text), Modifier::Exact) => {
            let value = Indexed::Text {
                folded: fold(text),
                exact: String::new(),
            };
            let bytes = index::value(&value, &reading.secret);
            Some(spans(vec![Span::index(
                start.clone().bytes(&bytes).done(),
                false,
            )]))
        }
        (Wanted::Near { lat, lon, km }, _) => {
            Some(Access::Ranges(near::ranges(start, *lat, *lon, *km)))
        }
        (Wanted::Composite(parts), Modifier::None) => composite(reading, start, parts)?,
        (other, Modifier::None) => ranges(reading, start, other)?.map(Access::Ranges),
        _ => None,
    })
}

/// Where a canonical stands, and those with a version above or below its own. What is above is known by name; what is
/// below, by the URL alone, among others.
fn versions(
    start: &Key,
    name: &str,
    modifier: Modifier,
    reading: &Reading<'_>,
) -> Option<Vec<Span>> {
    let Some((url, version)) = name.split_once('|') else {
        return Some(vec![exactly(start, name, reading)]);
    };
    if modifier == Modifier::Below {
        return Some(vec![exactly(start, url, reading).unproven()]);
    }
    let ends = version.match_indices(['.', '-']).map(|(at, _)| at);
    let shorter = ends.filter_map(|at| Some(format!("{url}|{}", version.get(..at)?)));
    let names = shorter.chain([name.to_owned()]);
    let names: Vec<String> = names.collect();
    (names.len() <= KINDS).then(|| {
        names
            .iter()
            .map(|name| exactly(start, name, reading))
            .collect()
    })
}

fn exactly(start: &Key, text: &str, reading: &Reading<'_>) -> Span {
    let key = start.clone().bytes(&whole_hash(text, &reading.secret));
    Span::index(key.done(), true)
}

/// The spans of a token; a code in any system follows the few systems that it stands with.
fn tokens(
    reading: &Reading<'_>,
    start: &Key,
    system: Option<&str>,
    code: &str,
) -> Result<Option<Vec<Span>>> {
    let start = start.clone().bytes(&code_hash(code, &reading.secret));
    if let Some(system) = system {
        let key = start.bytes(&system_hash(system, &reading.secret)).done();
        return Ok(Some(vec![Span::index(key, true)]));
    }
    let found = kinds(reading, &start, 3)?;
    Ok(found.map(|found| {
        let span = |prefix| Span::index(prefix, true);
        found.into_iter().map(span).collect()
    }))
}

/// What stands next in the keys that start so, in so many bytes, each once; `None` when it is too much.
fn kinds(reading: &Reading<'_>, start: &Key, width: usize) -> Result<Option<Vec<Vec<u8>>>> {
    up_to(reading, start, width, KINDS)
}

/// What stands next in the keys that start so, in so many bytes, each once; `None` when it is not less than so many.
/// Cost: one row each.
pub(crate) fn up_to(
    reading: &Reading<'_>,
    start: &Key,
    width: usize,
    most: usize,
) -> Result<Option<Vec<Vec<u8>>>> {
    let (mut from, to) = start.clone().range();
    let width = start.0.len() + width;
    let mut found = Vec::new();
    while found.len() < most {
        let mut rows = Rows::default();
        reading
            .snapshot
            .scan(&from, &to, Direction::Up, 1, &mut rows)?;
        let Some(prefix) = rows.get(0).and_then(|(key, _)| key.get(..width)) else {
            return Ok(Some(found));
        };
        from = after(prefix);
        found.push(prefix.to_vec());
    }
    Ok(None)
}

/// The ranges of a value that the index orders.
pub(crate) fn ranges(
    reading: &Reading<'_>,
    start: &Key,
    wanted: &Wanted,
) -> Result<Option<Vec<Range>>> {
    Ok(match wanted {
        Wanted::Text(text) => {
            let folded = fold(text);
            let bytes = folded.as_bytes();
            let cut = bytes.get(..TEXT).unwrap_or(bytes);
            let (from, to) = start.clone().bytes(cut).range();
            Some(vec![Range {
                from,
                to,
                skip: start.0.len(),
                proves: bytes.len() <= TEXT,
            }])
        }
        Wanted::Date {
            prefix: Prefix::Ne, ..
        } => None,
        Wanted::Date { prefix, from, to } => {
            let classes = (0u8..).zip(CLASSES);
            let range = |(code, class)| {
                let (low, high, proves) = anchors(*prefix, (*from, *to), class)?;
                let start = start.clone().bytes(&[code]);
                Some(between(&start, ordered(low), ordered(high), proves))
            };
            Some(classes.filter_map(range).collect())
        }
        Wanted::Number {
            prefix,
            value,
            low,
            high,
        } => numbers(*prefix, *value, *low, *high).map(|ends| vec![numbered(start, ends, true)]),
        Wanted::Quantity {
            prefix,
            value,
            low,
            high,
            system,
            code,
        } => {
            let Some(ends) = numbers(*prefix, *value, *low, *high) else {
                return Ok(None);
            };
            let units = match code {
                Some(code) => {
                    let unit = start.clone().bytes(&unit_hash(code, &reading.secret));
                    Some(vec![unit.done()])
                }
                None => kinds(reading, start, 4)?,
            };
            // A key does not hold the system of a unit.
            let proves = system.is_none();
            let range = |unit| numbered(&Key(unit), ends, proves);
            units.map(|units| units.into_iter().map(range).collect())
        }
        _ => None,
    })
}

/// All values of a parameter, in ranges that are in their order; `None` where the index is not.
pub(crate) fn whole(
    reading: &Reading<'_>,
    of: ResourceType,
    number: u16,
    kind: Kind,
) -> Result<Option<Vec<Range>>> {
    let starts = index::places(of, number).into_iter();
    let starts = starts.map(|place| index::start(of, place.number));
    let range = |start: Key| {
        let skip = start.0.len();
        let (from, to) = start.range();
        Range {
            from,
            to,
            skip,
            proves: false,
        }
    };
    let mut ranges = Vec::new();
    for start in starts {
        match kind {
            Kind::String | Kind::Number => ranges.push(range(start)),
            Kind::Date => {
                let classes = (0u8..).zip(CLASSES);
                ranges.extend(classes.map(|(code, _)| range(start.clone().bytes(&[code]))));
            }
            Kind::Quantity => match kinds(reading, &start, 4)? {
                Some(units) => ranges.extend(units.into_iter().map(|unit| range(Key(unit)))),
                None => return Ok(None),
            },
            _ => return Ok(None),
        }
    }
    Ok(Some(ranges))
}

fn between(start: &Key, low: [u8; 8], high: [u8; 8], proves: bool) -> Range {
    Range {
        from: start.clone().bytes(&low).done(),
        to: after(&start.clone().bytes(&high).done()),
        skip: start.0.len(),
        proves,
    }
}

/// An end of a range of numbers: the number, and whether it lies inside.
type End = (f64, bool);

fn numbers(prefix: Prefix, value: f64, low: f64, high: f64) -> Option<(End, End)> {
    const LOWEST: End = (f64::NEG_INFINITY, true);
    const HIGHEST: End = (f64::INFINITY, true);
    Some(match prefix {
        Prefix::Eq | Prefix::Ap => ((low, true), (high, false)),
        Prefix::Ne => return None,
        Prefix::Gt | Prefix::Sa => ((value, false), HIGHEST),
        Prefix::Ge => ((value, true), HIGHEST),
        Prefix::Lt | Prefix::Eb => (LOWEST, (value, false)),
        Prefix::Le => (LOWEST, (value, true)),
    })
}

fn numbered(start: &Key, (low, high): (End, End), proves: bool) -> Range {
    let key = |number| start.clone().bytes(&ordered_f64(number)).done();
    Range {
        from: match low {
            (number, true) => key(number),
            (number, false) => after(&key(number)),
        },
        to: match high {
            (number, true) => after(&key(number)),
            (number, false) => key(number),
        },
        skip: start.0.len(),
        proves,
    }
}

/// Between which anchors the dates of a class lie that stand so to the asked one, and whether all of those do.
fn anchors(prefix: Prefix, (from, to): (i64, i64), class: Class) -> Option<(i64, i64, bool)> {
    const LOW: i64 = i64::MIN;
    const HIGH: i64 = i64::MAX;
    let (low, high, proves) = match class {
        Class::Lasting(least, most) => {
            let fixed = least == most;
            let gone_on = to.saturating_sub(most).saturating_add(1);
            match prefix {
                Prefix::Eq => (from, to.saturating_sub(least), fixed),
                Prefix::Ne => return None,
                Prefix::Gt => (gone_on, HIGH, fixed),
                Prefix::Ge => (from.min(gone_on), HIGH, fixed),
                Prefix::Lt => (LOW, from.saturating_sub(1), true),
                Prefix::Le => (
                    LOW,
                    from.saturating_sub(1).max(to.saturating_sub(least)),
                    fixed,
                ),
                Prefix::Sa => (to.saturating_add(1), HIGH, true),
                Prefix::Eb => (LOW, from.saturating_sub(1).saturating_sub(least), fixed),
                Prefix::Ap => (from.saturating_sub(most), to, fixed),
            }
        }
        Class::NoEnd => match prefix {
            Prefix::Gt | Prefix::Ge => (LOW, HIGH, true),
            Prefix::Lt | Prefix::Le => (LOW, from.saturating_sub(1), true),
            Prefix::Sa => (to.saturating_add(1), HIGH, true),
            Prefix::Ap => (LOW, to, true),
            Prefix::Eq | Prefix::Ne | Prefix::Eb => return None,
        },
        Class::NoStart => match prefix {
            Prefix::Lt | Prefix::Le => (LOW, HIGH, true),
            Prefix::Gt | Prefix::Ge => (to.saturating_add(1), HIGH, true),
            Prefix::Eb => (LOW, from.saturating_sub(1), true),
            Prefix::Ap => (from, HIGH, true),
            Prefix::Eq | Prefix::Ne | Prefix::Sa => return None,
        },
    };
    (low <= high).then_some((low, high, proves))
}

/// Where a composite stands: components with a fixed value, then one that may be open.
pub(crate) fn composite(
    reading: &Reading<'_>,
    start: &Key,
    parts: &[Wanted],
) -> Result<Option<Access>> {
    let Some((last, before)) = parts.split_last() else {
        return Ok(None);
    };
    let mut starts = vec![start.clone()];
    for wanted in before {
        let mut longer = Vec::new();
        for start in &starts {
            match fixed(reading, start, wanted)? {
                Some(found) => longer.extend(found),
                None => return Ok(None),
            }
        }
        starts = longer;
    }
    let mut sets = Vec::new();
    let mut open = Vec::new();
    for start in &starts {
        if let Some(found) = fixed(reading, start, last)? {
            let set = |key: Key| Set::Span(Span::index(key.0, true));
            sets.extend(found.into_iter().map(set));
        } else if let Some(found) = ranges(reading, start, last)? {
            open.extend(found);
        } else {
            return Ok(None);
        }
    }
    Ok(Some(match open.is_empty() {
        true => Access::Set(Set::any(sets)),
        false => Access::Ranges(open),
    }))
}

/// The keys that go on with a fixed value.
fn fixed(reading: &Reading<'_>, start: &Key, wanted: &Wanted) -> Result<Option<Vec<Key>>> {
    Ok(match wanted {
        Wanted::Token {
            code: Some(code),
            system,
        } => {
            let spans = tokens(reading, start, system.as_deref(), code)?;
            spans.map(|spans| spans.into_iter().map(|span| Key(span.prefix)).collect())
        }
        Wanted::Reference(text) | Wanted::Uri(text) => Some(vec![
            start.clone().bytes(&whole_hash(text, &reading.secret)),
        ]),
        _ => None,
    })
}
