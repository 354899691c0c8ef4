//! From the pairs of a URL to a [`Query`]: conditions, and the parameters that shape the answer.

use super::{
    Condition, Context, Handling, Include, Query, Sort, Summary, clause::truth, include, refusal,
    shown, values::bad_value,
};
use crate::{
    Issue, IssueCode, ResourceType,
    search::{Catalog, Kind},
};
use std::cell::Cell;

/// Conditions in one search.
const MAX_CLAUSES: usize = 64;
/// Pairs in one search.
const MAX_PAIRS: usize = 256;
/// Characters of one value.
const MAX_VALUE: usize = 100_000;
/// Includes, sort keys and elements in one search.
const MAX_NAMES: usize = 64;
/// Resources on a page, when nothing is asked.
const DEFAULT_COUNT: usize = 50;
/// Resources on a page at most; who asks for more gets as many.
const MAX_COUNT: usize = 1_000;
/// Issues told at once.
const MAX_ISSUES: usize = 50;

/// Understands a search on a type. `pairs` are decoded names and values in the order of the URL; page tokens and
/// `_format` are the caller's and must be taken out before. Anything unknown or unsupported is an issue that names it
/// and says what is possible; all are reported at once (at most 50). Lenient handling leaves out what is unknown or not
/// supported and says it in [`Query::dropped`]; a known parameter with a bad value stays an error.
pub fn parse(
    catalog: &Catalog,
    of: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<Query, Vec<Issue>> {
    let mut queries = parse_over(catalog, &[of], pairs, handling)?;
    queries.pop().ok_or_else(Vec::new)
}

/// Understands a search on the whole server, as one query for each type: those of `_type`, or all. What it names must be
/// known to each of these types, as R4 asks. The queries differ in their type, conditions and sort keys alone; `told` is
/// that of the whole.
pub fn parse_system(
    catalog: &Catalog,
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<Vec<Query>, Vec<Issue>> {
    let mut types = Vec::new();
    let (named, rest): (Vec<_>, Vec<_>) = pairs.iter().cloned().partition(|(n, _)| n == "_type");
    for (name, value) in &named {
        for text in value.split(',') {
            let Some(of) = ResourceType::from_name(text) else {
                let expected = format!("types of FHIR R4; `{}` is none", shown(text));
                return Err(vec![bad_value(name, value, &expected)]);
            };
            if !types.contains(&of) {
                types.push(of);
            }
        }
    }
    if types.is_empty() {
        types.extend(ResourceType::all());
    }
    let mut queries = parse_over(catalog, &types, &rest, handling)?;
    for query in &mut queries {
        query.told.splice(0..0, named.iter().cloned());
    }
    Ok(queries)
}

fn parse_over(
    catalog: &Catalog,
    among: &[ResourceType],
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<Vec<Query>, Vec<Issue>> {
    let mut search = Search {
        context: Context {
            catalog,
            conditions: Cell::new(0),
        },
        among,
        queries: among.iter().map(|of| Query::of(*of)).collect(),
        shape: Shape::default(),
    };
    if pairs.len() > MAX_PAIRS {
        let said = format!("A search takes at most {MAX_PAIRS} parameters.");
        return Err(vec![Issue::error(IssueCode::TooLong, "", said)]);
    }
    let (mut issues, mut dropped, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (name, value)) in pairs.iter().enumerate() {
        let twice = ONCE.contains(&name.as_str())
            && pairs.iter().take(at).any(|(before, _)| before == name);
        let taken = match twice {
            true => Err(Issue::error(
                IssueCode::Duplicate,
                "",
                format!("`{name}` stands twice; once is enough."),
            )),
            false => search.take(name, value),
        };
        let lenient = handling == Handling::Lenient;
        match taken {
            Ok(value) => told.push((name.clone(), value)),
            Err(issue) if lenient && issue.code == IssueCode::NotSupported => dropped.push(issue),
            Err(issue) => issues.push(issue),
        }
        if issues.len() == MAX_ISSUES {
            break;
        }
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let shape = search.shape;
    let mut queries = search.queries;
    for query in &mut queries {
        query.count = shape.count.unwrap_or(DEFAULT_COUNT);
        query.include = shape.include.clone();
        query.revinclude = shape.revinclude.clone();
        query.only_count = shape.count == Some(0) || shape.summary == Summary::Count;
        query.total = shape.total;
        query.elements = shape.elements.clone();
        query.summary = shape.summary;
        query.pretty = shape.pretty;
        query.told = told.clone();
        query.dropped = dropped.clone();
    }
    Ok(queries)
}

/// Parameters that may stand only once.
const ONCE: [&str; 8] = [
    "_count",
    "_sort",
    "_summary",
    "_total",
    "_elements",
    "_pretty",
    "_contained",
    "_containedType",
];

/// A search as it is read.
struct Search<'c> {
    context: Context<'c>,
    among: &'c [ResourceType],
    /// One for each type, with its conditions and sort keys.
    queries: Vec<Query>,
    shape: Shape,
}

/// What all types of a search share.
#[derive(Default)]
struct Shape {
    count: Option<usize>,
    include: Vec<Include>,
    revinclude: Vec<Include>,
    total: bool,
    elements: Vec<String>,
    summary: Summary,
    pretty: bool,
}

impl Query {
    /// A search for everything of a type.
    pub fn of(of: ResourceType) -> Query {
        Query {
            of,
            conditions: Vec::new(),
            sort: Vec::new(),
            count: DEFAULT_COUNT,
            include: Vec::new(),
            revinclude: Vec::new(),
            only_count: false,
            total: false,
            elements: Vec::new(),
            summary: Summary::False,
            pretty: false,
            told: Vec::new(),
            dropped: Vec::new(),
        }
    }
}

impl Search<'_> {
    /// Takes one pair in and gives its value as the self link tells it.
    fn take(&mut self, name: &str, value: &str) -> Result<String, Issue> {
        let bad = |expected: &str| bad_value(name, value, expected);
        if value.is_empty() {
            return Err(bad("a value; a parameter without one asks for nothing"));
        }
        if value.len() > MAX_VALUE {
            let said = format!("The value of `{}` is too long.", shown(name));
            return Err(Issue::error(IssueCode::TooLong, "", said));
        }
        if let Some(direction) = include::direction(name) {
            self.included(name, value, direction?)?;
            return Ok(value.to_owned());
        }
        match name {
            "_count" => {
                let count = number(value).ok_or_else(|| bad("a whole number from 0"))?;
                self.shape.count = Some(count);
                return Ok(count.to_string());
            }
            "_sort" => {
                let sorts = self.queries.iter().map(|q| self.context.sort(q.of, value));
                let sorts: Vec<_> = sorts.collect::<Result<_, _>>()?;
                for (query, sort) in self.queries.iter_mut().zip(sorts) {
                    query.sort = sort;
                }
            }
            "_summary" => {
                self.shape.summary = match value {
                    "count" => Summary::Count,
                    "false" => Summary::False,
                    "true" => Summary::True,
                    "text" => Summary::Text,
                    "data" => Summary::Data,
                    _ => return Err(bad("true, text, data, count or false")),
                }
            }
            "_total" => match value {
                "none" => {}
                // A true count serves whoever would be content with an estimate.
                "accurate" | "estimate" => self.shape.total = true,
                _ => return Err(bad("none, estimate or accurate")),
            },
            "_elements" => self.shape.elements = elements(self.among, value)?,
            "_pretty" => {
                self.shape.pretty = truth(value).ok_or_else(|| bad("true or false"))?;
            }
            // What is contained is searched as part of what contains it, which is what `false` says.
            "_contained" if value == "false" => {}
            "_contained" | "_containedType" => {
                return Err(refusal(format!(
                    "`{name}={}`: contained resources are not found by themselves here. Possible: `_contained=false`.",
                    shown(value)
                )));
            }
            _ => self.condition(name, value)?,
        }
        Ok(value.to_owned())
    }

    fn condition(&mut self, name: &str, value: &str) -> Result<(), Issue> {
        let full = |query: &Query| query.conditions.len() == MAX_CLAUSES;
        if self.queries.iter().any(full) {
            let said = format!("A search takes at most {MAX_CLAUSES} conditions.");
            return Err(Issue::error(IssueCode::TooLong, "", said));
        }
        let mut read: Vec<Condition> = Vec::with_capacity(self.queries.len());
        for query in &self.queries {
            // Each type counts by itself.
            let before = self.context.conditions.get();
            read.push(self.context.condition(query.of, name, value)?);
            if self.queries.len() > 1 {
                self.context.conditions.set(before);
            }
        }
        for (query, condition) in self.queries.iter_mut().zip(read) {
            query.conditions.push(condition);
        }
        Ok(())
    }

    fn included(
        &mut self,
        name: &str,
        value: &str,
        (forward, iterate): (bool, bool),
    ) -> Result<(), Issue> {
        if self.shape.include.len() + self.shape.revinclude.len() == MAX_NAMES {
            let said = format!("A search takes at most {MAX_NAMES} of _include and _revinclude.");
            return Err(Issue::error(IssueCode::TooLong, "", said));
        }
        let include = self
            .context
            .include(self.among, name, value, (forward, iterate))?;
        match forward {
            true => self.shape.include.push(include),
            false => self.shape.revinclude.push(include),
        }
        Ok(())
    }
}

/// A page size, cut to the largest.
fn number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse::<usize>().ok())??;
    Some(number.min(MAX_COUNT))
}

impl Context<'_> {
    fn sort(&self, of: ResourceType, value: &str) -> Result<Vec<Sort>, Issue> {
        let mut keys = Vec::<Sort>::new();
        for part in value.split(',') {
            let (code, descending) = match part.strip_prefix('-') {
                Some(code) => (code, true),
                None => (part, false),
            };
            let parameter = self.known(of, code)?;
            let in_order = !matches!(parameter.kind, Kind::Composite | Kind::Special);
            if !in_order || parameter.of_words() {
                return Err(refusal(format!(
                    "`_sort={}`: what `{code}` finds has no order.",
                    shown(value)
                )));
            }
            let number = parameter.number;
            if keys.len() == MAX_NAMES || keys.iter().any(|k| k.parameter.number == number) {
                return Err(bad_value("_sort", value, "each key once"));
            }
            keys.push(Sort {
                parameter,
                descending,
            });
        }
        Ok(keys)
    }
}

fn elements(among: &[ResourceType], value: &str) -> Result<Vec<String>, Issue> {
    let mut names = Vec::<String>::new();
    for name in value.split(',') {
        let choice = format!("{name}[x]");
        let there = |of: &ResourceType| {
            of.node().is_some_and(|node| {
                let choices =
                    (0..).map_while(|slot| Some(node.slot(slot)).filter(|s| !s.is_empty()));
                node.element(name).is_some() || choices.into_iter().any(|slot| slot == choice)
            })
        };
        if !among.iter().any(there) {
            let of = among.first().map_or("", |of| of.name());
            let expected = format!(
                "names of elements at the root of {of}, with commas; `{}` is none",
                shown(name)
            );
            return Err(bad_value("_elements", value, &expected));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
