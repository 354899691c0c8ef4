//! `$lastn` of R4: of one person's Observations the newest of each code.
//!
//! In: a search that names a patient, and how many of each code are wanted. Out: these, newest first; those of the same
//! second as the last of them too, unless they have no date. Observations are of one group when they share a coding, or
//! are led to one another by others that match as well; those without any coding when they share a text.
//!
//! What the permit hides neither counts nor joins groups.
//!
//! **Cost**: the person's rows stand in the order of code and date (`PERSONAL`). Of each code some rows and cards are
//! read, of each pair of codes that say the same thing (`LINKED`) one that shows it, however many observations there are.
//! What there is of a person with up to [`AT_ONCE`] rows is read in four steps.
//! Where the other conditions leave nothing of a code, its rows are all gone through. A patient who is not named by her id
//! (`patient.identifier=...`) is found by a search of all that match, up to [`ALL`].

use super::{
    access::{self, Access},
    asking::Asking,
    include,
    matches::{Found, Matches},
    plan::{Aim, Plan, choose, flat},
    set::Set,
    shown,
    span::{Candidate, Span},
    within,
};
use crate::{
    Error, Held, Page, Permit, PersonKey, Result, Scope, Store, Verb,
    dates::ALL_DATES,
    engine::{Direction, Rows},
    index::{self, MATTER_BYTES},
    keys::{Key, Tail, UNDATED},
    prepare::target,
    store::head_of,
};
use fhir::{
    query::{Condition, Modifier, Query, Wanted},
    search::Kind,
};
use std::collections::{BTreeMap, HashMap};

/// Codes of a person that are followed at most, and pairs of codes.
const CODES: usize = 4096;
/// Rows of a person that are read at once.
const AT_ONCE: usize = 256;
/// Observations gone through one by one at most.
const ALL: usize = 20_000;
/// Observations in an answer at most.
const ANSWER: usize = 10_000;

impl Store {
    /// The newest Observations of each code, at most `max` of each and more only where several are of the same second. The
    /// query names a patient; its other conditions hold of all that is given and counted. All of it is one page.
    pub fn lastn(&self, permit: &Permit, query: &Query, max: usize) -> Result<Held<Page>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, Some(query.of))?;
        if query.of.name() != "Observation" {
            return Err(refused(
                "`$lastn` gives Observations; ask for it on that type.".into(),
            ));
        }
        if !flat(&query.conditions).into_iter().any(names_subject) {
            return Err(refused(
                "`$lastn` gives the newest observations of one patient; name her with `patient` or `subject`.".into(),
            ));
        }
        self.asked("lastn", Some(query.of), &grant, |reading| {
            reading.answers(std::slice::from_ref(query))?;
            let asking = Asking::new(reading);
            let query = &*within::widened(&asking, query)?;
            let newest = Newest {
                asking: &asking,
                query,
                conditions: flat(&query.conditions),
                max: max.max(1),
            };
            let mut found = newest.find()?;
            let total = Some(found.len() as u64);
            if query.only_count {
                found.clear();
            }
            shown(&asking, permit, vec![(query, found)], total, None)
        })
    }
}

fn refused(diagnostics: String) -> Error {
    Error::Invalid {
        expression: "$lastn".into(),
        diagnostics,
    }
}

fn names_subject(condition: &Condition) -> bool {
    let parameter = match condition {
        Condition::Is(clause)
            if !matches!(clause.modifier, Modifier::Missing(_) | Modifier::Not) =>
        {
            clause.parameter
        }
        Condition::Refers { parameter, .. } => parameter,
        _ => return false,
    };
    parameter.kind == Kind::Reference && matches!(parameter.code, "patient" | "subject")
}

struct Newest<'a> {
    asking: &'a Asking<'a>,
    query: &'a Query,
    conditions: Vec<&'a Condition>,
    max: usize,
}

impl<'a> Newest<'a> {
    fn find(&self) -> Result<Vec<Found>> {
        let mut groups = Groups::default();
        let found = match self.people()? {
            Some(people) => {
                let mut found = Vec::new();
                for person in people {
                    found.extend(self.of_person(person, &mut groups)?);
                }
                found
            }
            None => self.all()?,
        };
        let secret = &self.asking.reading.secret;
        let mut of_group: BTreeMap<Vec<u8>, Vec<Found>> = BTreeMap::new();
        let mut at = Vec::with_capacity(found.len());
        for one in found {
            let matters = index::matters(self.query.of, &one.card.entries, secret);
            matters.windows(2).for_each(|pair| {
                if let [a, b] = pair {
                    groups.join(a, b);
                }
            });
            at.extend(matters.into_iter().next().map(|matter| (matter, one)));
        }
        for (matter, one) in at {
            of_group.entry(groups.of(&matter)).or_default().push(one);
        }
        let mut answer = Vec::new();
        for mut group in of_group.into_values() {
            group.sort_by_key(|one| one.tail.bytes());
            group.dedup_by_key(|one| one.tail);
            let last = group.get(self.max - 1).map(|one| one.tail.date);
            let tied = |one: &Found| last == Some(one.tail.date) && last != Some(UNDATED);
            let kept = group.into_iter().enumerate();
            let kept = kept.filter(|(at, one)| *at < self.max || tied(one));
            answer.extend(kept.map(|(_, one)| one));
            if answer.len() > ANSWER {
                return Err(refused(format!(
                    "This gives more than {ANSWER} observations; ask for fewer of each code with `max`, or for a category."
                )));
            }
        }
        answer.sort_by_key(|one| one.tail.bytes());
        Ok(answer)
    }

    /// Whose rows hold all that can match; `None` when that is not known.
    fn people(&self) -> Result<Option<Vec<PersonKey>>> {
        let reading = self.asking.reading;
        let snapshot = reading.snapshot.as_ref();
        let clause = self
            .conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::Is(clause)
                    if names_subject(condition) && clause.modifier == Modifier::None =>
                {
                    Some(clause)
                }
                _ => None,
            });
        let Some(clause) = clause else {
            return Ok(None);
        };
        let mut people = Vec::new();
        for wanted in &clause.values {
            let Wanted::Reference(name) = wanted else {
                return Ok(None);
            };
            let Some((of, id)) = target(name).filter(|(of, _)| of.name() == "Patient") else {
                return Ok(None);
            };
            // What names her and is not hers stands under the reference.
            let number = clause.parameter.number;
            let named = access::named(reading, self.query.of, number, name).collect();
            if Set::any(named).probe(snapshot, ALL_DATES, 1)? > 0 {
                return Ok(None);
            }
            people.extend(head_of(&reading.secret, snapshot, of, id)?.map(|head| head.tail.person));
        }
        if let Scope::Person { keys, .. } = &reading.grant.scope {
            people.retain(|person| keys.contains(person));
        }
        people.sort_unstable_by_key(|person| person.0);
        people.dedup();
        Ok(Some(people))
    }

    /// The newest of each code of a person, and which of her codes say the same.
    fn of_person(&self, person: PersonKey, groups: &mut Groups) -> Result<Vec<Found>> {
        let of = self.query.of;
        let mut found = Vec::new();
        let own = index::personal(of, person);
        let mut cards = HashMap::new();
        let sets = match self.asked(&own)? {
            Some(asked) => asked.into_iter().map(whole).collect(),
            None => self.by_code(own, MATTER_BYTES, self.max, &mut cards)?,
        };
        for (_, set) in sets {
            let mut matches = self.under(set, self.max)?;
            let mut given = 0;
            let mut last = None;
            while let Some(one) = matches.next()? {
                let date = one.tail.date;
                if given >= self.max && (last != Some(date) || date == UNDATED) {
                    break;
                }
                given += 1;
                last = Some(date);
                found.push(one);
                if found.len() > ANSWER + ALL {
                    return Err(refused(format!(
                        "This goes through more than {ALL} observations; ask for fewer of each code with `max`."
                    )));
                }
            }
        }
        let start = index::linked(of, person);
        let before = start.0.len();
        for (prefix, set) in self.by_code(start, 2 * MATTER_BYTES, 1, &mut cards)? {
            let pair = prefix
                .get(before..)
                .and_then(|pair| pair.split_at_checked(MATTER_BYTES));
            let (a, b) = pair.unwrap_or_default();
            let (a, b) = (a.to_vec(), b.to_vec());
            if groups.of(&a) != groups.of(&b) && self.under(set, 1)?.next()?.is_some() {
                groups.join(&a, &b);
            }
        }
        Ok(found)
    }

    /// Where the codes stand that are asked for, if the search names them.
    fn asked(&self, own: &Key) -> Result<Option<Vec<Vec<u8>>>> {
        let number = index::subject_matter(self.query.of);
        let clause = self
            .conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::Is(clause)
                    if Some(clause.parameter.number) == number
                        && clause.modifier == Modifier::None =>
                {
                    Some(clause)
                }
                _ => None,
            });
        let Some(clause) = clause else {
            return Ok(None);
        };
        let mut prefixes = Vec::new();
        for wanted in &clause.values {
            let only = std::slice::from_ref(wanted);
            let Some(Access::Set(set)) = access::composite(self.asking.reading, own, only)? else {
                return Ok(None);
            };
            let Some(spans) = set.spans() else {
                return Ok(None);
            };
            prefixes.extend(spans.iter().map(|span| span.prefix.clone()));
        }
        Ok(Some(prefixes))
    }

    /// What stands in the keys that start so, each once, and its rows. Those of a person with few are read at once, and
    /// then the cards of the first ones of each.
    fn by_code(
        &self,
        start: Key,
        width: usize,
        first: usize,
        cards: &mut HashMap<Tail, Vec<u8>>,
    ) -> Result<Vec<(Vec<u8>, Set)>> {
        let width_in_key = start.0.len() + width;
        let (from, to) = start.clone().range();
        let mut rows = Rows::default();
        let snapshot = self.asking.reading.snapshot.as_ref();
        snapshot.scan(&from, &to, Direction::Up, AT_ONCE + 1, &mut rows)?;
        if rows.len() > AT_ONCE {
            let prefixes = self.codes(start, width)?.into_iter();
            return Ok(prefixes.map(whole).collect());
        }
        let mut groups: Vec<(Vec<u8>, Vec<Candidate>)> = Vec::new();
        for (key, row) in rows.iter() {
            let prefix = key.get(..width_in_key).unwrap_or_default();
            if groups.last().is_none_or(|(last, _)| last != prefix) {
                groups.push((prefix.to_vec(), Vec::new()));
            }
            if let Some((_, group)) = groups.last_mut() {
                group.extend(access::row(key, row, false)?);
            }
        }
        self.with_cards(&mut groups, first, cards)?;
        let few = |(prefix, group)| (prefix, Set::Few(group));
        Ok(groups.into_iter().map(few).collect())
    }

    /// Reads the cards of the first ones of each that the permit opens, if they are not known already.
    fn with_cards(
        &self,
        groups: &mut [(Vec<u8>, Vec<Candidate>)],
        first: usize,
        cards: &mut HashMap<Tail, Vec<u8>>,
    ) -> Result<()> {
        let of = self.query.of;
        let reading = self.asking.reading;
        let mut missing = Vec::new();
        for (_, group) in groups.iter() {
            // One more tells that there are no more of the same moment.
            for one in group.iter().take(first + 1) {
                let open = reading.opens_row(of, &one.tail, one.labels, || Ok(false))?;
                if open && !cards.contains_key(&one.tail) {
                    missing.push(one.tail);
                }
            }
        }
        missing.sort_unstable_by_key(Tail::bytes);
        missing.dedup();
        let keys: Vec<Vec<u8>> = missing.iter().map(|tail| tail.card_key(of)).collect();
        let read = reading.snapshot.get_many(&keys)?;
        let read = missing.into_iter().zip(read);
        cards.extend(read.filter_map(|(tail, row)| Some((tail, row?))));
        for one in groups.iter_mut().flat_map(|(_, group)| group) {
            one.card = cards.get(&one.tail).cloned();
        }
        Ok(())
    }

    /// What stands in the keys that start so, each once.
    fn codes(&self, start: Key, width: usize) -> Result<Vec<Vec<u8>>> {
        access::up_to(self.asking.reading, &start, width, CODES)?.ok_or_else(|| {
            refused(format!(
                "This patient has observations of more than {CODES} codes; search for the codes that you need."
            ))
        })
    }

    /// The matches of a set, newest first.
    fn under(&self, set: Set, count: usize) -> Result<Matches<'a, 'a>> {
        let mut plan = Plan::over(self.query.of, &self.conditions, set);
        plan.needed = plan.needed.also(self.numbers()?.into_iter());
        let mut matches = Matches::new(self.asking, plan, None, u64::MAX)?;
        matches.only(count);
        Ok(matches)
    }

    /// All matches, however they are found.
    fn all(&self) -> Result<Vec<Found>> {
        let mut plan = choose(self.asking, self.query.of, &self.conditions, Aim::All)?;
        plan.needed = plan.needed.also(self.numbers()?.into_iter());
        let mut matches = Matches::new(self.asking, plan, None, u64::MAX)?;
        let mut found = Vec::new();
        while let Some(one) = matches.next()? {
            if found.len() == ALL {
                return Err(refused(format!(
                    "More than {ALL} observations match; name the patient by her id, or add a condition that leaves fewer."
                )));
            }
            found.push(one);
        }
        Ok(found)
    }

    /// What a card must say besides what the conditions ask.
    fn numbers(&self) -> Result<Vec<u16>> {
        let mut numbers = include::numbers(self.asking, self.query)?;
        numbers.extend(index::subject_matter(self.query.of));
        Ok(numbers)
    }
}

/// All that stands under a prefix.
fn whole(prefix: Vec<u8>) -> (Vec<u8>, Set) {
    let span = Span::index(prefix.clone(), false);
    (prefix, Set::Span(span))
}

/// Which codes say the same: a forest in which each code leads to another one of its group (Galler and Fischer 1964).
#[derive(Default)]
struct Groups {
    leads: HashMap<Vec<u8>, Vec<u8>>,
}

impl Groups {
    /// The code that stands for a code's group.
    fn of(&self, code: &[u8]) -> Vec<u8> {
        let mut code = code;
        while let Some(next) = self.leads.get(code) {
            code = next;
        }
        code.to_vec()
    }
    fn join(&mut self, a: &[u8], b: &[u8]) {
        let (a, b) = (self.of(a), self.of(b));
        if a != b {
            self.leads.insert(a, b);
        }
    }
}
