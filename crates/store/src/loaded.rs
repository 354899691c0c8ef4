//! Search parameters loaded at run time: which there are, and how far the index holds them.
//!
//! A parameter is *coming* from its activation until every current resource was gone through, then *ready*; one that is
//! taken out, or replaced by a new definition, is *leaving* until the last row of it is gone. Its number stays taken as
//! long, so a number never stands for two things. Whatever is written after an activation is indexed by it at once: the
//! set belongs to the writer, changes inside commits (`commit/loading.rs`), and is published when they are durable.
//!
//! How far it is stands in one row for each parameter: for each type a stamp from which on all current versions are done,
//! going down. So of any version of any snapshot it is known whether the index holds what a coming parameter finds in it
//! ([`Loaded::entries`]), which is how `fsck` judges the middle of an indexing.
//!
//! What must hold: a search asks only for parameters that are ready in the snapshot it reads ([`Loaded::answers`]).
//!
//! | row | value |
//! |---|---|
//! | `LOADED`, number | id, version and text of the SearchParameter as it was activated; sealed under the house's key |
//! | `PROGRESS`, number | state, stamp of the activation, done, of how many, types with their stamps |

mod shelf;

pub(crate) use shelf::Shelf;

use crate::{
    Error, Result,
    codec::{Reader, put_bytes, put_number},
    commit::{Count, State},
    engine::{Batch, Direction, Rows, Snapshot},
    keys::{HOUSE, Key, LOADED, PROGRESS},
    types,
    vault::Vault,
};
use fhir::{
    Issue, IssueCode, ResourceType, Value, json,
    query::Query,
    search::{self, Catalog, Entry, IDENTIFIER, Kind, MAX_LOADED, SearchParameter},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// How far a loaded parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Being indexed; it cannot be asked for yet.
    Coming,
    /// It can be asked for.
    Ready,
    /// Being taken out of the index.
    Leaving,
}

/// How far the index is with one loaded parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indexing {
    /// Its number in the index.
    pub number: u16,
    /// Id of its SearchParameter resource.
    pub id: String,
    /// The version of that resource which was activated.
    pub version: u64,
    /// Its canonical URL.
    pub url: String,
    /// The name used in a query.
    pub code: String,
    /// How far it is.
    pub phase: Phase,
    /// Resources gone through.
    pub done: u64,
    /// About how many there are to go through: those that were current when it began.
    pub total: u64,
}

/// A loaded parameter.
#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) at: Indexing,
    definition: Arc<Value>,
    /// The first stamp that was not given out when it was activated: tells it from others of its number.
    since: u64,
    /// By type: current versions from this stamp on are done. Types that are done are not there.
    open: BTreeMap<u8, u64>,
}

/// All of them; never changes.
pub(crate) struct Loaded {
    /// Another one for each set of parameters that what is written is indexed by.
    pub(crate) generation: u64,
    /// What is written is indexed by these.
    pub(crate) catalog: Catalog,
    /// These can be asked for.
    pub(crate) ready: Catalog,
    all: BTreeMap<u16, Arc<Param>>,
}

/// Where the walk goes on: current versions of a type below a stamp.
pub(crate) type Walk = (ResourceType, u64);

static GENERATION: AtomicU64 = AtomicU64::new(1);

/// The number of a parameter, as it stands in keys and entries, without the mark of identifiers.
pub(crate) fn bare(number: u16) -> u16 {
    number & !IDENTIFIER
}

fn of_progress(number: u16) -> Vec<u8> {
    Key::new(HOUSE, PROGRESS).short(number).done()
}

fn of_definition(number: u16) -> Vec<u8> {
    Key::new(HOUSE, LOADED).short(number).done()
}

impl Param {
    fn encode_progress(&self) -> Vec<u8> {
        let mut out = vec![match self.at.phase {
            Phase::Coming => 0,
            Phase::Ready => 1,
            Phase::Leaving => 2,
        }];
        for number in [self.since, self.at.done, self.at.total] {
            put_number(&mut out, number);
        }
        for (of, stamp) in &self.open {
            out.push(*of);
            put_number(&mut out, *stamp);
        }
        out
    }

    fn read_progress(&mut self, row: &[u8]) -> Result<()> {
        let mut reader = Reader(row);
        (self.at.phase, self.since) = head(&mut reader)?;
        (self.at.done, self.at.total) = (reader.number()?, reader.number()?);
        while !reader.0.is_empty() {
            let of = reader.byte()?;
            self.open.insert(of, reader.number()?);
        }
        Ok(())
    }

    fn encode_definition(&self, vault: &Vault, key: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_bytes(&mut out, self.at.id.as_bytes());
        put_number(&mut out, self.at.version);
        out.extend_from_slice(&self.definition.to_bytes());
        vault.close_house(key, &out)
    }

    fn read(number: u16, definition: &[u8]) -> Result<Param> {
        let mut reader = Reader(definition);
        let id = String::from_utf8_lossy(reader.bytes()?).into_owned();
        let version = reader.number()?;
        let limits = json::Limits {
            bytes: usize::MAX,
            depth: 256,
        };
        let definition = json::parse(reader.0, &limits)
            .map_err(|error| Error::Damaged(format!("a loaded search parameter: {error}")))?;
        Ok(Param::new(number, id, version, definition))
    }

    fn new(number: u16, id: String, version: u64, definition: Value) -> Param {
        let text = |name: &str| definition.text(name).unwrap_or_default().to_owned();
        Param {
            at: Indexing {
                number,
                id,
                version,
                url: text("url"),
                code: text("code"),
                phase: Phase::Coming,
                done: 0,
                total: 0,
            },
            definition: Arc::new(definition),
            since: 0,
            open: BTreeMap::new(),
        }
    }

    /// Begins to go through all current resources of these types.
    fn begin(
        &mut self,
        phase: Phase,
        types: impl Iterator<Item = ResourceType>,
        view: &dyn Snapshot,
        next_stamp: u64,
    ) -> Result<()> {
        (self.at.phase, self.at.done, self.at.total) = (phase, 0, 0);
        self.open.clear();
        for of in types {
            let there = Count::read(view, of)?.all;
            if there > 0 {
                self.at.total += there;
                self.open.insert(types::code(of), next_stamp);
            }
        }
        Ok(())
    }

    /// Whether the index holds what it finds in a current version.
    fn covers(&self, of: ResourceType, stamp: u64) -> bool {
        let from = self.open.get(&types::code(of)).copied().unwrap_or(0);
        self.at.phase != Phase::Coming || stamp >= from
    }
}

/// Phase and first stamp of a progress row.
fn head(reader: &mut Reader<'_>) -> Result<(Phase, u64)> {
    let phase = match reader.byte()? {
        0 => Phase::Coming,
        1 => Phase::Ready,
        2 => Phase::Leaving,
        other => {
            return Err(Error::Damaged(format!(
                "a loaded search parameter is in the unknown phase {other}"
            )));
        }
    };
    Ok((phase, reader.number()?))
}

/// What says what a definition finds: two that agree in these are the same parameter.
const MEANING: [&str; 7] = [
    "url",
    "code",
    "base",
    "type",
    "expression",
    "target",
    "component",
];

impl Loaded {
    /// R4's own and nothing more.
    pub(crate) fn none() -> Loaded {
        Loaded::of(BTreeMap::new(), Catalog::r4())
    }

    fn of(all: BTreeMap<u16, Arc<Param>>, catalog: Catalog) -> Loaded {
        let mut loaded = Loaded {
            generation: GENERATION.fetch_add(1, Relaxed),
            ready: catalog.clone(),
            catalog,
            all,
        };
        loaded.sort_out();
        loaded
    }

    /// Those that are ready, from all.
    fn sort_out(&mut self) {
        let mut ready = self.catalog.clone();
        for param in self.all.values() {
            if param.at.phase == Phase::Coming {
                ready = ready.without(&param.at.url);
            }
        }
        self.ready = ready;
    }

    /// Those of a snapshot. What cannot be read as a search parameter any more (by another version of this program) is
    /// leaving; the rows that say so are given as well.
    pub(crate) fn read(snapshot: &dyn Snapshot, vault: &Vault) -> Result<(Loaded, Batch)> {
        let mut rows = Rows::default();
        let (from, to) = Key::new(HOUSE, LOADED).range();
        snapshot.scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        let mut params = Vec::with_capacity(rows.len());
        for (key, row) in rows.iter() {
            let number = key.last_chunk().map(|number| u16::from_be_bytes(*number));
            let number = number.unwrap_or_default();
            let mut param = Param::read(number, &vault.house(key, row)?)?;
            let progress = snapshot.get(&of_progress(number))?.ok_or_else(|| {
                Error::Damaged(format!(
                    "how far search parameter {number} is, is not known"
                ))
            })?;
            param.read_progress(&progress)?;
            params.push(param);
        }
        // Those that others rest on were there before.
        params.sort_by_key(|param| (param.since, param.at.number));
        let (mut catalog, mut all, mut lost) = (Catalog::r4(), BTreeMap::new(), Batch::new());
        for mut param in params {
            if param.at.phase != Phase::Leaving {
                match catalog.with(&param.definition, param.at.number) {
                    Ok(more) => catalog = more,
                    Err(issues) => {
                        let why = issues.first().map_or("", |issue| &issue.diagnostics);
                        tracing::error!(
                            url = param.at.url,
                            why,
                            "a loaded search parameter cannot be run any more; it is taken out of the index"
                        );
                        let next = State::read(snapshot)?.next_stamp;
                        param.begin(Phase::Leaving, ResourceType::all(), snapshot, next)?;
                        let key = of_progress(param.at.number);
                        if param.open.is_empty() {
                            lost.insert(key, None);
                            lost.insert(of_definition(param.at.number), None);
                            continue;
                        }
                        lost.insert(key, Some(param.encode_progress()));
                    }
                }
            }
            all.insert(param.at.number, Arc::new(param));
        }
        Ok((Loaded::of(all, catalog), lost))
    }

    /// How far each is, by number.
    pub(crate) fn indexing(&self) -> Vec<Indexing> {
        self.all.values().map(|param| param.at.clone()).collect()
    }

    /// Whether anything is to be indexed or taken out.
    pub(crate) fn pending(&self) -> bool {
        self.walk().is_some()
    }

    /// Where the walk goes on.
    pub(crate) fn walk(&self) -> Option<Walk> {
        let open = || self.all.values().flat_map(|param| &param.open);
        let of = open().map(|(of, _)| *of).min()?;
        let stamp = open().filter(|(other, _)| **other == of).map(|(_, s)| *s);
        Some((types::named(of)?, stamp.max()?))
    }

    /// What the index holds for a resource. `stamp` is that of its current version: what a coming parameter finds is
    /// left out if the walk has not come to it. Without one, all is given.
    pub(crate) fn entries(
        &self,
        of: ResourceType,
        resource: &Value,
        stamp: Option<u64>,
    ) -> Vec<Entry> {
        let mut entries = self.catalog.extract(of, resource);
        if let Some(stamp) = stamp {
            let covered = |number| match self.all.get(&bare(number)) {
                Some(param) => param.covers(of, stamp),
                None => true,
            };
            entries.retain(|entry| covered(entry.number));
        }
        entries
    }

    /// Whether rows of a number may still be there although nothing calls for them.
    pub(crate) fn leaves(&self, number: u16) -> bool {
        let param = self.all.get(&bare(number));
        param.is_some_and(|param| param.at.phase == Phase::Leaving)
    }

    /// Refuses what the index of a snapshot cannot answer: a parameter that is not ready there, or not the one that the
    /// question means.
    ///
    /// Errors: [`Error::Indexing`], [`Error::Outdated`]. Cost: a row for each loaded parameter that is asked for.
    pub(crate) fn answers(&self, snapshot: &dyn Snapshot, queries: &[Query]) -> Result<()> {
        for parameter in queries.iter().flat_map(Query::parameters) {
            if bare(parameter.number) >= search::LOADED {
                self.is_ready(snapshot, parameter)?;
            }
        }
        Ok(())
    }

    fn is_ready(&self, snapshot: &dyn Snapshot, parameter: &'static SearchParameter) -> Result<()> {
        let gone = || Error::Outdated(format!("`{}`", parameter.code));
        let known = self.all.get(&bare(parameter.number)).ok_or_else(gone)?;
        let row = snapshot.get(&of_progress(known.at.number))?;
        let (phase, since) = head(&mut Reader(&row.ok_or_else(gone)?))?;
        match phase {
            _ if since != known.since || !self.catalog.holds(parameter) => Err(gone()),
            Phase::Leaving => Err(gone()),
            Phase::Ready => Ok(()),
            Phase::Coming => Err(Error::Indexing(Box::new(known.at.clone()))),
        }
    }

    /// The loaded references of a type that a snapshot can answer for; for includes by `*`.
    pub(crate) fn references(
        &self,
        snapshot: &dyn Snapshot,
        of: ResourceType,
    ) -> Result<Vec<&'static SearchParameter>> {
        let mut found = Vec::new();
        for parameter in self.ready.parameters(of) {
            if parameter.kind == Kind::Reference && bare(parameter.number) >= search::LOADED {
                match self.is_ready(snapshot, parameter) {
                    Ok(()) => found.push(parameter),
                    Err(Error::Indexing(_) | Error::Outdated(_)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(found)
    }

    /// Those of which the coming ones are among these parameters.
    pub(crate) fn coming(&self, asked: &[&'static SearchParameter]) -> Vec<Indexing> {
        let is = |at: &Indexing| asked.iter().any(|p| bare(p.number) == at.number);
        let coming = self.all.values().map(|param| &param.at);
        let coming = coming.filter(|at| at.phase == Phase::Coming && is(at));
        coming.cloned().collect()
    }

    /// The one that a SearchParameter resource defines, leaving ones apart.
    pub(crate) fn active(&self, id: &str) -> Option<&Arc<Param>> {
        let mut all = self.all.values();
        all.find(|param| param.at.id == id && param.at.phase != Phase::Leaving)
    }

    /// These and one more, from a SearchParameter; one that this resource defined before leaves. `None` when it is
    /// active as it is.
    pub(crate) fn activated(
        &self,
        (id, version): (&str, u64),
        definition: Value,
        view: &dyn Snapshot,
        next_stamp: u64,
    ) -> Result<Option<Loaded>> {
        let before = self.active(id);
        let means = |name: &&str| {
            before.is_some_and(|before| before.definition.get(name) == definition.get(name))
        };
        if MEANING.iter().all(means) {
            return Ok(None);
        }
        let (mut all, mut catalog) = (self.all.clone(), self.catalog.clone());
        if let Some(before) = before {
            self.is_not_needed(&before.at)?;
            catalog = catalog.without(&before.at.url);
            all.remove(&before.at.number);
            self.leaving(before, view, next_stamp)?.ends(&mut all);
        }
        let url = definition.text("url").unwrap_or_default();
        if let Some(other) = all.values().find(|p| p.at.url == url && p.at.id != id)
            && other.at.phase != Phase::Leaving
        {
            let said = format!(
                "`{url}` is active by SearchParameter/{} already; deactivate that first.",
                other.at.id
            );
            return Err(refused(IssueCode::Duplicate, "SearchParameter.url", said));
        }
        let active = all.values().filter(|p| p.at.phase != Phase::Leaving);
        let number = (search::LOADED..IDENTIFIER).find(|number| !all.contains_key(number));
        let Some(number) = number.filter(|_| active.count() < MAX_LOADED) else {
            let said = format!(
                "At most {MAX_LOADED} search parameters are active at a time; deactivate one, and wait until it is out of the index."
            );
            return Err(refused(IssueCode::TooLong, "SearchParameter", said));
        };
        let catalog = catalog
            .with(&definition, number)
            .map_err(Error::Unloadable)?;
        let mut param = Param::new(number, id.to_owned(), version, definition);
        param.since = next_stamp;
        let types = types_of(&catalog, number);
        param.begin(Phase::Coming, types.into_iter(), view, next_stamp)?;
        param.ends(&mut all);
        Ok(Some(Loaded::of(all, catalog)))
    }

    /// These without the one that a resource defines; `None` when there is none.
    pub(crate) fn deactivated(
        &self,
        id: &str,
        view: &dyn Snapshot,
        next_stamp: u64,
    ) -> Result<Option<Loaded>> {
        let Some(before) = self.active(id) else {
            return Ok(None);
        };
        self.is_not_needed(&before.at)?;
        let catalog = self.catalog.without(&before.at.url);
        let mut all = self.all.clone();
        all.remove(&before.at.number);
        self.leaving(before, view, next_stamp)?.ends(&mut all);
        Ok(Some(Loaded::of(all, catalog)))
    }

    fn leaving(&self, before: &Param, view: &dyn Snapshot, next_stamp: u64) -> Result<Param> {
        let mut leaving = before.clone();
        let types = types_of(&self.catalog, before.at.number);
        leaving.begin(Phase::Leaving, types.into_iter(), view, next_stamp)?;
        Ok(leaving)
    }

    fn is_not_needed(&self, at: &Indexing) -> Result<()> {
        let Some(composite) = self.catalog.needing(&at.url) else {
            return Ok(());
        };
        let said = format!(
            "`{}` is a component of the active `{composite}`; deactivate that first.",
            at.code
        );
        Err(refused(IssueCode::Conflict, "SearchParameter.url", said))
    }

    /// These after a part of the walk: current versions of a type with these stamps, all that there are from the lowest
    /// of them up; nothing is below them when it was the last part.
    pub(crate) fn walked(&self, of: ResourceType, stamps: &[u64], last: bool) -> Loaded {
        let of = types::code(of);
        let low = stamps.iter().min().copied().filter(|_| !last).unwrap_or(0);
        let mut all = BTreeMap::new();
        for (number, param) in &self.all {
            let Some(before) = param.open.get(&of).filter(|before| **before > low) else {
                all.insert(*number, param.clone());
                continue;
            };
            let mut param = Param::clone(param);
            let passed = stamps.iter().filter(|stamp| *stamp < before).count();
            param.at.done = (param.at.done + passed as u64).min(param.at.total);
            match last {
                true => param.open.remove(&of),
                false => param.open.insert(of, low),
            };
            param.ends(&mut all);
        }
        let mut loaded = Loaded {
            generation: self.generation,
            catalog: self.catalog.clone(),
            ready: self.ready.clone(),
            all,
        };
        loaded.sort_out();
        loaded
    }

    /// These when everything was made again: all that came is ready, all that left is gone.
    pub(crate) fn all_done(&self) -> Loaded {
        let mut all = BTreeMap::new();
        for param in self.all.values() {
            let mut param = Param::clone(param);
            param.open.clear();
            param.ends(&mut all);
        }
        Loaded::of(all, self.catalog.clone())
    }

    /// The rows by which these differ from what was before.
    pub(crate) fn rows(&self, before: &Loaded, vault: &Vault) -> Result<Batch> {
        let mut rows = Batch::new();
        for (number, param) in &self.all {
            let old = before.all.get(number);
            if old.is_some_and(|old| Arc::ptr_eq(old, param)) {
                continue;
            }
            rows.insert(of_progress(*number), Some(param.encode_progress()));
            if old.is_none_or(|old| !Arc::ptr_eq(&old.definition, &param.definition)) {
                let key = of_definition(*number);
                let row = param.encode_definition(vault, &key)?;
                rows.insert(key, Some(row));
            }
        }
        for number in before.all.keys().filter(|n| !self.all.contains_key(n)) {
            rows.insert(of_progress(*number), None);
            rows.insert(of_definition(*number), None);
        }
        Ok(rows)
    }
}

impl Param {
    /// Puts it among others, if anything is left of it.
    fn ends(mut self, all: &mut BTreeMap<u16, Arc<Param>>) {
        if self.open.is_empty() {
            match self.at.phase {
                Phase::Leaving => return,
                Phase::Coming => {
                    (self.at.phase, self.at.done) = (Phase::Ready, self.at.total);
                }
                Phase::Ready => {}
            }
        }
        all.insert(self.at.number, Arc::new(self));
    }
}

fn types_of(catalog: &Catalog, number: u16) -> Vec<ResourceType> {
    let mut all = catalog.loaded();
    let found = all.find(|(other, ..)| *other == number);
    found.map(|(.., types)| types).unwrap_or_default()
}

fn refused(code: IssueCode, place: &str, said: String) -> Error {
    Error::Unloadable(vec![Issue::error(code, place, said)])
}

#[cfg(test)]
mod tests;
