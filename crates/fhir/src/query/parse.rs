//! From the pairs of a URL to a [`Query`]: conditions, and the parameters that shape the answer.

use super::{
    Handling, Include, Query, Sort, Summary,
    clause::{bad_value, condition, known, truth},
    refusal, shown,
};
use crate::{
    Issue, IssueCode, ResourceType,
    search::{Catalog, Kind},
};

/// Conditions in one search.
const MAX_CLAUSES: usize = 64;
/// Includes, sort keys and elements in one search.
const MAX_NAMES: usize = 64;
/// Resources on a page, when nothing is asked.
const DEFAULT_COUNT: usize = 50;
/// Resources on a page at most; who asks for more gets as many.
const MAX_COUNT: usize = 1_000;

/// Understands a search on a type. `pairs` are decoded names and values in the order of the URL; page tokens and
/// `_format` are the caller's and must be taken out before. Anything unknown or unsupported is an issue that names it
/// and says what is possible; all are reported at once (at most 50). Lenient handling leaves out what is unknown or not
/// supported and says it in [`Query::dropped`]; a known parameter with a bad value stays an error.
pub fn parse(
    _catalog: &Catalog,
    of: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<Query, Vec<Issue>> {
    let mut query = Query {
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
    };
    let mut issues = Vec::new();
    for (at, (name, value)) in pairs.iter().enumerate() {
        let twice = ONCE.contains(&name.as_str())
            && pairs.iter().take(at).any(|(before, _)| before == name);
        let taken = match twice {
            true => Err(Issue::error(
                IssueCode::Duplicate,
                "",
                format!("`{name}` stands twice; once is enough."),
            )),
            false => query.take(name, value),
        };
        match taken {
            Ok(told) => query.told.push((name.clone(), told)),
            Err(issue)
                if handling == Handling::Lenient && issue.code == IssueCode::NotSupported =>
            {
                query.dropped.push(issue);
            }
            Err(issue) => issues.push(issue),
        }
        if issues.len() + query.dropped.len() == 50 {
            break;
        }
    }
    match issues.is_empty() {
        true => Ok(query),
        false => Err(issues),
    }
}

/// Parameters that may stand only once.
const ONCE: [&str; 6] = [
    "_count",
    "_sort",
    "_summary",
    "_total",
    "_elements",
    "_pretty",
];

impl Query {
    /// Takes one pair in and gives its value as the self link tells it.
    fn take(&mut self, name: &str, value: &str) -> Result<String, Issue> {
        if value.is_empty() {
            return Err(bad_value(
                name,
                value,
                "a value; a parameter without one asks for nothing",
            ));
        }
        match name {
            "_count" => {
                self.count =
                    number(value).ok_or_else(|| bad_value(name, value, "a whole number from 0"))?;
                self.only_count |= self.count == 0;
                return Ok(self.count.to_string());
            }
            "_sort" => self.sort = sort(self.of, value)?,
            "_include" => {
                let include = self.included(name, value, true)?;
                self.include.push(include);
            }
            "_revinclude" => {
                let include = self.included(name, value, false)?;
                self.revinclude.push(include);
            }
            "_summary" => match value {
                "count" => {
                    self.only_count = true;
                    self.summary = Summary::Count;
                }
                "false" => {}
                "true" | "text" | "data" => {
                    return Err(refusal(format!(
                        "`_summary={value}` is not supported yet. Possible: count, false."
                    )));
                }
                _ => return Err(bad_value(name, value, "count or false")),
            },
            "_total" => match value {
                "none" => {}
                // A true count serves whoever would be content with an estimate.
                "accurate" | "estimate" => self.total = true,
                _ => return Err(bad_value(name, value, "none, estimate or accurate")),
            },
            "_elements" => self.elements = elements(self.of, value)?,
            "_pretty" => {
                self.pretty =
                    truth(value).ok_or_else(|| bad_value(name, value, "true or false"))?;
            }
            _ if name.starts_with("_include:") || name.starts_with("_revinclude:") => {
                let said = shown(name);
                return Err(refusal(format!(
                    "`{said}`: no modifier (`:iterate`, `:recurse`) is supported here yet."
                )));
            }
            _ => {
                if self.conditions.len() == MAX_CLAUSES {
                    let said = format!("A search takes at most {MAX_CLAUSES} conditions.");
                    return Err(Issue::error(IssueCode::TooLong, "", said));
                }
                let condition = condition(self.of, name, value)?;
                self.conditions.push(condition);
            }
        }
        Ok(value.to_owned())
    }

    /// `Observation:subject` or `Observation:subject:Patient`.
    fn included(&self, name: &str, value: &str, forward: bool) -> Result<Include, Issue> {
        const FORM: &str =
            "Type:parameter or Type:parameter:TargetType, as in Observation:subject:Patient";
        if self.include.len() + self.revinclude.len() == MAX_NAMES {
            let said = format!("A search takes at most {MAX_NAMES} of _include and _revinclude.");
            return Err(Issue::error(IssueCode::TooLong, "", said));
        }
        let parts: Vec<&str> = value.split(':').collect();
        if parts.contains(&"*") {
            return Err(refusal(format!(
                "`{name}={}`: the wildcard `*` is not supported yet; name the parameter.",
                shown(value)
            )));
        }
        let (source, code, target) = match *parts.as_slice() {
            [source, code] => (source, code, None),
            [source, code, target] => (source, code, Some(target)),
            _ => return Err(bad_value(name, value, FORM)),
        };
        let a_type =
            |text: &str| ResourceType::from_name(text).ok_or_else(|| bad_value(name, value, FORM));
        let source = a_type(source)?;
        let target = target.map(a_type).transpose()?;
        let parameter = known(source, code)?;
        if parameter.kind != Kind::Reference {
            return Err(bad_value(name, value, "a reference parameter"));
        }
        let points_to = |of: ResourceType| parameter.targets.contains(&of.name());
        if forward && source != self.of {
            return Err(bad_value(
                name,
                value,
                &format!("a parameter of {}, the type searched", self.of),
            ));
        }
        if let Some(to) = target.filter(|to| !points_to(*to)) {
            return Err(bad_value(
                name,
                value,
                &format!("a type that the parameter points to, which {to} is not"),
            ));
        }
        if !forward && (!points_to(self.of) || target.is_some_and(|to| to != self.of)) {
            return Err(bad_value(
                name,
                value,
                &format!("a parameter that points to {}", self.of),
            ));
        }
        Ok(Include {
            source: Some(source),
            parameter: Some(parameter),
            target,
            iterate: false,
        })
    }
}

/// A page size, cut to the largest.
fn number(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse::<usize>().ok())??;
    Some(number.min(MAX_COUNT))
}

fn sort(of: ResourceType, value: &str) -> Result<Vec<Sort>, Issue> {
    let mut keys = Vec::<Sort>::new();
    for part in value.split(',') {
        let (code, descending) = match part.strip_prefix('-') {
            Some(code) => (code, true),
            None => (part, false),
        };
        let parameter = known(of, code)?;
        if parameter.kind != Kind::Date && parameter.code != "_id" {
            return Err(refusal(format!(
                "`_sort={}`: sorting by `{code}`, a {} parameter, is not supported yet. Possible: _id, _lastUpdated and date parameters.",
                shown(value),
                parameter.kind.name()
            )));
        }
        if keys.len() == MAX_NAMES || keys.iter().any(|k| k.parameter.number == parameter.number) {
            return Err(bad_value("_sort", value, "each key once"));
        }
        keys.push(Sort {
            parameter,
            descending,
        });
    }
    Ok(keys)
}

fn elements(of: ResourceType, value: &str) -> Result<Vec<String>, Issue> {
    let mut names = Vec::<String>::new();
    for name in value.split(',') {
        let choice = format!("{name}[x]");
        let there = of.node().is_some_and(|node| {
            let choices = (0..).map_while(|slot| Some(node.slot(slot)).filter(|s| !s.is_empty()));
            node.element(name).is_some() || choices.into_iter().any(|slot| slot == choice)
        });
        if !there {
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
