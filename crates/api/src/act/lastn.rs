//! `Observation/$lastn`: the newest observations of each code of one person, found by any parameters of a search.

use super::{Sought, search::fill};
use crate::{
    fault::Fault,
    negotiate::{Pairs, Wishes, take},
    reply::Reply,
    session::{Outcome, Session},
    shape::{BundleText, link},
};
use fhir::{IssueCode, ResourceType, Value};

/// Observations of one code at most.
const MOST: usize = 1_000;

impl Session<'_> {
    pub(super) fn lastn(&self, mut pairs: Pairs, body: Option<&Value>, wishes: &Wishes) -> Outcome {
        if let Some(parameters) = body {
            pairs.extend(pairs_of(parameters)?);
        }
        let max = most(take(&mut pairs, "max"))?;
        // The answer is one page in an order of its own.
        if let Some((name, _)) = pairs
            .iter()
            .find(|(name, _)| SHAPING.contains(&name.as_str()))
        {
            return Err(Fault::bad(
                IssueCode::NotSupported,
                format!(
                    "`{name}` has no meaning for $lastn; its answer is one page, newest first."
                ),
            ));
        }
        let Some(of) = ResourceType::from_name("Observation") else {
            return Err(Fault::ours());
        };
        let query = self.words().query(of, &pairs, wishes.handling)?;
        let path = "Observation/$lastn";
        let sought = Sought::at(path, query.clone());
        let grant = self
            .decide(self.ask_to_search(&sought)?)
            .map_err(|fault| self.explain_search(&sought, fault))?;
        let held = self.house.gate.store().lastn(&grant.permit, &query, max)?;
        let answer = self.open(&grant, held)?;
        let mut told = query.told.clone();
        told.push(("max".to_owned(), max.to_string()));
        let links = [("self", link(&self.house.base, path, &told, None))];
        let mut bundle = BundleText::new("searchset", answer.total, &links);
        fill(&self.house.base, &mut bundle, &query, &answer, grant.hint);
        Ok(Reply::made(bundle.done()))
    }
}

/// Parameters that do not go with it.
const SHAPING: [&str; 2] = ["_sort", "_count"];

fn most(text: Option<String>) -> Result<usize, Fault> {
    let Some(text) = text else {
        return Ok(1);
    };
    match text.parse::<usize>() {
        Ok(max) if (1..=MOST).contains(&max) => Ok(max),
        _ => Err(Fault::bad(
            IssueCode::Value,
            format!("`max` is a whole number from 1 to {MOST}."),
        )),
    }
}

/// A Parameters resource as the parameters of a search.
fn pairs_of(parameters: &Value) -> Result<Pairs, Fault> {
    fhir::check(parameters).map_err(|issues| Fault::of(422, issues))?;
    let wrong = || {
        Fault::bad(
            IssueCode::Invalid,
            "$lastn takes Parameters, each with a name and a plain value.",
        )
    };
    if parameters.text("resourceType") != Some("Parameters") {
        return Err(wrong());
    }
    let mut pairs = Pairs::new();
    for parameter in parameters.list("parameter") {
        let name = parameter.text("name").ok_or_else(wrong)?;
        let Value::Object(members) = parameter else {
            return Err(wrong());
        };
        let value = members
            .iter()
            .find(|(key, _)| key.starts_with("value"))
            .map(|(_, value)| value);
        let value = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(_) | Value::Array(_)) | None => return Err(wrong()),
            Some(plain) => plain.to_string(),
        };
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}
