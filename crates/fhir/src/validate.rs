//! Is a resource what R4 says it must be, and what the profiles say that it claims or is asked for?
//!
//! In comes a resource; out come issues, each with its severity, its place and a sentence. [`crate::check`] runs first:
//! it is the fast gate of every write, and its errors are part of the answer. On top of it come
//!
//! - invariants, bindings of every kind, extensions and their contexts, narratives, bundles, contained resources;
//! - answers against their questionnaire, when it is known;
//! - profiles: cardinality, types, fixed values and patterns, slices, bindings, invariants, targets of references.
//!
//! What must hold: a rule that cannot be judged here (an external code system, a profile that is not known, an
//! expression that is not understood) gives a remark, never an error. Depth, steps and issues are bounded, and the last
//! issue says so when a bound was met.
//!
//! Cost, a release build on a busy shared machine of two cores: 11 us for the Patients of the official examples, 16 us
//! for their Observations, 7 us for those of Synthea (19 us with a profile of US Core), 24 us for an AuditEvent with its
//! BALP profiles, 8.4 ms for a transaction of 323 entries (1 MB). The first call of a process also reads the tables.
//!
//! R4's own facts come from the tables of `cargo xtask rules` (package hl7.fhir.r4.core 4.0.1, CC0); they are read on
//! first use.

mod absolute;
mod answers;
mod attachment;
mod base;
mod bundle;
mod coded;
mod conform;
mod equal;
mod extension;
mod invariant;
mod item;
mod limits;
mod narrative;
mod path;
mod r4;
mod scope;
mod shape;
mod slice;
mod terminology;
#[cfg(test)]
mod tests;
mod walk;

use crate::{Issue, IssueCode, Value, check::place::Place};
use item::Item;
use scope::Scope;
use shape::Profile;
use std::{collections::HashMap, sync::Arc};
use terminology::Terminology;
pub(crate) use terminology::{Enumerated, codes_of};
use walk::Walk;

/// Definitions to validate by: R4's own, and what was loaded. Immutable; a clone costs a pointer.
#[derive(Clone)]
pub struct Validator(Arc<Known>);

#[derive(Clone, Default)]
struct Known {
    /// By URL, and by URL and version.
    profiles: HashMap<String, Arc<Profile>>,
    terminology: Terminology,
    questionnaires: HashMap<String, Arc<Value>>,
}

/// What becomes of an extension that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownExtension {
    /// A remark; a modifier extension is an error all the same.
    Remark,
    /// An error.
    Error,
}

/// Finds what a reference leads to, by its text.
pub type Resolve<'v> = dyn Fn(&str) -> Option<&'v Value> + 'v;

/// How to validate.
#[derive(Clone, Copy)]
pub struct Options<'v> {
    /// Whether the profiles that resources claim in `meta.profile` count.
    pub meta_profiles: bool,
    /// Whether recommendations (as dom-6, a narrative) are told, as warnings.
    pub best_practice: bool,
    /// What becomes of an extension that is not known.
    pub unknown_extensions: UnknownExtension,
    /// The time that an invariant may ask for; without it, such an invariant is not checked.
    pub now: Option<jiff::Timestamp>,
    /// Finds what a reference leads to, when it is neither contained nor in the same bundle.
    pub resolve: Option<&'v Resolve<'v>>,
}

impl Default for Options<'_> {
    /// Claimed profiles count; recommendations are told; unknown extensions are remarked on; nothing is looked up.
    fn default() -> Self {
        Options {
            meta_profiles: true,
            best_practice: true,
            unknown_extensions: UnknownExtension::Remark,
            now: None,
            resolve: None,
        }
    }
}

/// Whether a value follows a profile, asked from inside an invariant.
fn conforms(known: &Known, item: Item<'_>, profile: &Profile) -> bool {
    let Some(value) = item.value else {
        return false;
    };
    let mut walk = Walk::new(known, Options::default(), r4::rules());
    let scope = Scope {
        resource: value,
        root: value,
        outer: None,
        url: None,
        depth: 0,
    };
    walk.against(item, profile, &Place::root(item.of), &scope);
    !walk.issues.iter().any(Issue::is_error)
}

impl Known {
    /// The profile of a canonical URL, with or without a version.
    fn find(&self, url: &str) -> Option<&Profile> {
        let bare = || url.split('|').next().unwrap_or(url);
        let loaded = self.profiles.get(url).or_else(|| self.profiles.get(bare()));
        match loaded {
            Some(profile) => Some(profile.as_ref()),
            None => r4::profile(bare()),
        }
    }
}

impl Validator {
    /// R4's own definitions, with the profiles and extensions of its package.
    pub fn r4() -> Validator {
        Validator(Arc::new(Known::default()))
    }

    /// With one more StructureDefinition, ValueSet, CodeSystem or Questionnaire. A later one takes the place of an earlier one of the
    /// same URL. A profile without a snapshot needs its base loaded before.
    pub fn with(&self, resource: &Value) -> Result<Validator, Vec<Issue>> {
        self.with_all([resource])
    }

    /// With more definitions; the base of a profile may come after it. All of them, or the issues of those that cannot
    /// be taken. Cost: linear in their elements.
    pub fn with_all<'a>(
        &self,
        resources: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Validator, Vec<Issue>> {
        let mut known = Known::clone(&self.0);
        let mut waiting: Vec<&Value> = resources.into_iter().collect();
        loop {
            let count = waiting.len();
            let (mut left, mut why) = (Vec::new(), Vec::new());
            for resource in waiting {
                if let Err(issues) = known.add(resource) {
                    left.push(resource);
                    why.extend(issues);
                }
            }
            // What waits for a base that came after it is tried again, as long as that helps.
            match left.len() {
                0 => return Ok(Validator(Arc::new(known))),
                some if some == count => return Err(why),
                _ => waiting = left,
            }
        }
    }

    /// The URLs of the profiles loaded, in order; R4's own are not among them.
    pub fn profiles(&self) -> Vec<&str> {
        let mut urls: Vec<&str> = self.0.profiles.values().map(|p| p.url.as_str()).collect();
        urls.sort_unstable();
        urls.dedup();
        urls
    }

    /// Whether a profile of that canonical URL is known, R4's own included.
    pub fn knows(&self, url: &str) -> bool {
        self.0.find(url).is_some() || r4::is_type(url)
    }

    /// Validates a resource against R4 and these profiles (and those it claims, see [`Options`]); every issue found, in
    /// the order of the walk, at most 200 errors and 200 others.
    pub fn validate<'v>(
        &'v self,
        resource: &'v Value,
        profiles: &[&str],
        options: Options<'v>,
    ) -> Vec<Issue> {
        let mut walk = Walk::new(&self.0, options, r4::rules());
        if let Err(issues) = crate::check(resource) {
            for issue in issues {
                walk.tell(issue);
            }
        }
        let Some(item) = Item::resource(resource, walk.tables) else {
            return walk.issues;
        };
        let place = Place::root(item.of);
        walk.resource(resource, &place, None, None, None);
        let scope = Scope {
            resource,
            root: resource,
            outer: None,
            url: None,
            depth: 0,
        };
        for url in profiles {
            match self.0.find(url) {
                Some(profile) => walk.against(item, profile, &place, &scope),
                None if r4::is_type(url) => {}
                None => walk.wrong(
                    IssueCode::NotFound,
                    &place,
                    format!("the profile {url} is not known here: load its StructureDefinition"),
                ),
            }
        }
        if walk.cut {
            walk.issues.push(Issue::warning(
                IssueCode::Incomplete,
                "",
                format!(
                    "not all was looked at: an answer tells at most {} errors and as many warnings and remarks, and looks at so many elements and no deeper than {} levels",
                    walk::MOST_ISSUES,
                    walk::DEEPEST
                ),
            ));
        }
        walk.issues
    }
}

impl Known {
    fn add(&mut self, resource: &Value) -> Result<(), Vec<Issue>> {
        match resource.text("resourceType") {
            Some("StructureDefinition") => {
                if resource.text("url").is_some_and(r4::is_type) {
                    // R4's own types are known already.
                    return Ok(());
                }
                if !resource.text("type").is_some_and(r4::type_name) {
                    return Err(vec![Issue::error(
                        IssueCode::NotSupported,
                        "StructureDefinition.type",
                        "only profiles of R4's types can be loaded, not new types or logical models",
                    )]);
                }
                let profile = Profile::compile(resource, |base| {
                    if r4::is_type(base) {
                        return Some(None);
                    }
                    self.find(base).map(Some)
                })?;
                let profile = Arc::new(profile);
                if let Some(version) = &profile.version {
                    let named = format!("{}|{version}", profile.url);
                    self.profiles.insert(named, profile.clone());
                }
                self.profiles.insert(profile.url.clone(), profile);
            }
            Some("Questionnaire") => {
                if let Some(url) = resource.text("url") {
                    let resource = Arc::new(resource.clone());
                    self.questionnaires.insert(url.to_owned(), resource);
                }
            }
            Some("ValueSet") => self.terminology.add_set(resource),
            Some("CodeSystem") => self.terminology.add_system(resource),
            other => {
                return Err(vec![Issue::error(
                    IssueCode::NotSupported,
                    "",
                    format!(
                        "found {}; expected a StructureDefinition, ValueSet, CodeSystem or Questionnaire",
                        other.unwrap_or("no resourceType")
                    ),
                )]);
            }
        }
        Ok(())
    }
}
