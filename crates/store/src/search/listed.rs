//! `_list`: what a List names.

use crate::{Error, Result, prepare::target, read::Reading};
use fhir::{
    ResourceType, Value,
    json::{self, Limits},
};
use std::collections::HashSet;

/// `Type/id` of the entries that are not marked deleted; none when there is no such List or the permit hides it.
pub(crate) fn names(reading: &Reading<'_>, id: &str) -> Result<HashSet<String>> {
    let Some(of) = ResourceType::from_name("List") else {
        return Ok(HashSet::new());
    };
    let shown = reading.current(of, id)?;
    let Some(list) = shown.filter(|shown| !shown.version.deleted) else {
        return Ok(HashSet::new());
    };
    let list = json::parse(&list.version.body, &Limits::default())
        .map_err(|error| Error::Damaged(format!("List/{id}: {error}")))?;
    let entries = list.list("entry").iter();
    let named = entries
        .filter(|entry| entry.get("deleted") != Some(&Value::Bool(true)))
        .filter_map(|entry| entry.path("item.reference")?.as_str())
        .filter_map(target)
        .map(|(of, id)| format!("{of}/{id}"));
    Ok(named.collect())
}
