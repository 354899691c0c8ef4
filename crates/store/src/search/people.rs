//! Whose resources can meet a condition on another resource, told by index rows alone: a first sieve for chains to many
//! people and for `_has` with many sources, where looking at each of the others would cost more than the page.
//!
//! Every row says whose resource it is. A resource that lies with somebody refers to her, or it says to whom else in a row
//! under the reference, for only a reference to the person's own Patient has none. So it is enough to know the people of
//! what meets the condition, and the resources with such rows.
//!
//! The sieve lets through more than matches: what it leaves is judged on cards as ever. What the permit hides is not
//! counted among what meets the condition.
//!
//! Cost: the rows of what meets the condition, up to [`ROWS`]; then nothing for each candidate.

use super::{
    access,
    asking::{Asking, Needed},
    matches::candidates,
    plan::{self, Aim},
    rids::Rids,
};
use crate::{
    PersonKey, Result,
    commit::Count,
    engine::{Direction, Rows},
    index,
    keys::Tail,
    prepare::target,
};
use fhir::{
    ResourceType,
    query::Condition,
    search::{Indexed, SearchParameter},
};

/// Rows that are read at most for a sieve.
const ROWS: usize = 20_000;
/// Rows read at once.
const BATCH: usize = 1_024;
/// Resources at most that meet the condition and refer to others than their own person.
const ELSEWHERE: usize = 256;

/// Lets through what may match.
#[derive(Debug, Default)]
pub(crate) struct People {
    people: Rids,
    /// How many people.
    count: usize,
    /// Resources that are let through although they lie with none of these people.
    others: Rids,
}

impl People {
    fn add(&mut self, person: PersonKey) {
        if person.0 != 0 && self.people.insert(person.0) {
            self.count += 1;
        }
    }

    pub(crate) fn may(&self, tail: &Tail) -> bool {
        self.people.contains(tail.person.0) || self.others.contains(tail.rid)
    }
}

/// The sieve of a condition on another resource; `None` where rows do not tell, or where so few people are meant that
/// looking at each one's resources is less work.
pub(crate) fn sieve(
    asking: &Asking<'_>,
    of: ResourceType,
    condition: &Condition,
) -> Result<Option<People>> {
    let found = match condition {
        Condition::Refers { parameter, targets } => {
            asking.deeper(|| of_targets(asking, of, parameter, targets))?
        }
        Condition::Referred {
            source,
            parameter,
            condition,
        } => asking.deeper(|| of_sources(asking, of, *source, parameter, condition))?,
        _ => return Ok(None),
    };
    match (found, ResourceType::from_name("Patient")) {
        (Some(people), Some(patient)) => {
            let all = Count::read(asking.reading.snapshot.as_ref(), patient)?.all;
            Ok((!few(people.count as u64, all)).then_some(people))
        }
        _ => Ok(None),
    }
}

/// Whether so many of all people are few: a page of 20 passes about `20 * all / people` rows, of which some hundred cost as
/// much as looking at one person's resources.
fn few(people: u64, all: u64) -> bool {
    people * people <= all / 4
}

/// What may refer by a parameter to a Patient that meets a condition; `None` when rows do not tell.
fn of_targets(
    asking: &Asking<'_>,
    of: ResourceType,
    parameter: &SearchParameter,
    targets: &[(ResourceType, Condition)],
) -> Result<Option<People>> {
    let mut hers = targets.iter().filter(|(to, _)| to.name() == "Patient");
    let Some((patient, there)) = hers.next().filter(|_| of.is_personal()) else {
        return Ok(None);
    };
    let Some(others) = elsewhere(asking, of, parameter.number)? else {
        return Ok(None);
    };
    let found = who(asking, *patient, there, |_| {})?;
    Ok(found.map(|people| People { others, ..people }))
}

/// The Patients to whom something that meets a condition may refer by a parameter; `None` when rows do not tell.
fn of_sources(
    asking: &Asking<'_>,
    of: ResourceType,
    source: ResourceType,
    parameter: &SearchParameter,
    condition: &Condition,
) -> Result<Option<People>> {
    if of.name() != "Patient" || !source.is_personal() {
        return Ok(None);
    }
    let Some(elsewhere) = elsewhere(asking, source, parameter.number)? else {
        return Ok(None);
    };
    let mut tails = Vec::new();
    let found = who(asking, source, condition, |tail| {
        if elsewhere.contains(tail.rid) {
            tails.push(*tail);
        }
    })?;
    let Some(mut people) = found.filter(|_| tails.len() <= ELSEWHERE) else {
        return Ok(None);
    };
    let reading = asking.reading;
    let needed = Needed::of(source, std::iter::empty()).also(std::iter::once(parameter.number));
    let keys: Vec<Vec<u8>> = tails.iter().map(|tail| tail.card_key(source)).collect();
    let rows = reading.snapshot.get_many(&keys)?;
    for (tail, row) in tails.iter().zip(rows) {
        let Some(row) = row else {
            reading.torn.set(true);
            continue;
        };
        let card = needed.card(reading, source, tail, &row, false)?;
        for entry in card.iter().flat_map(|card| &card.entries) {
            if let Indexed::Reference(name) = &entry.value
                && let Some((_, id)) = target(name).filter(|(to, _)| *to == of)
                && let Some(there) = access::candidate(reading, of, id)?
            {
                people.add(there.tail.person);
            }
        }
    }
    Ok(Some(people))
}

/// The people with a resource of a type that may meet a condition, as far as rows tell; each resource is told.
fn who(
    asking: &Asking<'_>,
    of: ResourceType,
    condition: &Condition,
    mut tell: impl FnMut(&Tail),
) -> Result<Option<People>> {
    if !asking.reading.grant.covers(of) {
        return Ok(Some(People::default()));
    }
    let conditions = plan::flat(std::slice::from_ref(condition));
    let plan = plan::choose(asking, of, &conditions, Aim::All)?;
    if plan.proven.is_empty() && plan.on_date.is_empty() && plan.people.is_empty() {
        return Ok(None);
    }
    let (mut people, mut unproven) = (People::default(), Vec::new());
    let mut source = candidates(asking, &plan, None)?;
    let mut read = 0;
    while let Some(candidate) = source.next()? {
        read += 1;
        if read > ROWS {
            return Ok(None);
        }
        if plan.may(asking, &candidate)? {
            people.add(candidate.tail.person);
            tell(&candidate.tail);
            unproven.extend((!candidate.proven).then(|| candidate.tail.card_key(of)));
        }
    }
    // A row of the directory may be of another moment than the cards, and then says whose it was.
    let there = asking.reading.snapshot.get_many(&unproven)?;
    if there.iter().any(Option::is_none) {
        asking.reading.torn.set(true);
    }
    Ok(Some(people))
}

/// The resources of a type that refer by a parameter to something else than the Patient whose they are; `None` when they
/// are too many.
fn elsewhere(asking: &Asking<'_>, of: ResourceType, number: u16) -> Result<Option<Rids>> {
    let (mut found, mut read) = (Rids::default(), 0);
    for place in index::places(of, number) {
        let (mut from, to) = index::start(of, place.number).range();
        let mut rows = Rows::default();
        loop {
            rows.clear();
            let snapshot = asking.reading.snapshot.as_ref();
            snapshot.scan(&from, &to, Direction::Up, BATCH, &mut rows)?;
            read += rows.len();
            if read > ROWS {
                return Ok(None);
            }
            for (key, _) in rows.iter() {
                if let Some(tail) = Tail::of_key(key) {
                    found.insert(tail.rid);
                }
                from = key.to_vec();
            }
            from.push(0);
            if rows.len() < BATCH {
                break;
            }
        }
    }
    Ok(Some(found))
}
