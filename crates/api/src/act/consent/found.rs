//! Her own word in a search: her statements stand on the first pages, what institutions keep as `Consent` on those after.

use super::super::Sought;
use crate::{fault::Fault, seek, session::Session};
use fhir::{
    Issue, IssueCode, ResourceType, obj,
    query::{Condition, Query, matches},
    search::{self, Entry, Indexed},
};
use store::{Page, Version};
use trust::{PersonRef, Statement, to_consent};

/// What of a search her own word answers.
#[derive(Default)]
pub(in crate::act) struct Hers {
    /// Statements on this page; none where the archive's begin.
    shown: Vec<Version>,
    /// How many the search finds.
    found: usize,
    /// Behind which this page begins.
    from: usize,
    /// The word they are of.
    version: u64,
    /// What is to be said of it.
    pub(in crate::act) remarks: Vec<Issue>,
}

impl Hers {
    /// Whether this page shows her statements, so that of the archive only the number is asked.
    pub(in crate::act) fn is_shown(&self) -> bool {
        !self.shown.is_empty()
    }
    /// The page with hers on it.
    pub(in crate::act) fn put_into(&mut self, page: &mut Page) {
        let kept = page.total.unwrap_or(0);
        page.total = page.total.map(|total| total + self.found as u64);
        if !self.is_shown() {
            return;
        }
        let until = self.from + self.shown.len();
        page.matches = std::mem::take(&mut self.shown);
        page.next = (until < self.found || kept > 0).then(|| self.token(until));
    }
    fn token(&self, from: usize) -> String {
        format!("{OWN}{}-{from}", self.version)
    }
}

/// Begins the page links of her own word; the version of the word and a place follow. The archive's own are longer.
const OWN: &str = "own-";

/// The word's version and the place that a page link of ours names.
fn place_of(page: &str) -> Option<(u64, usize)> {
    let (version, from) = page.strip_prefix(OWN)?.split_once('-')?;
    Some((version.parse().ok()?, from.parse().ok()?))
}

impl Session<'_> {
    /// What of a search her own word answers; nothing for anybody else. Of a page link of ours the archive hears nothing.
    pub(in crate::act) fn hers(
        &self,
        sought: &Sought,
        page: &mut Option<String>,
    ) -> Result<Hers, Fault> {
        let [query] = sought.queries.as_slice() else {
            return Ok(Hers::default());
        };
        if !self.is_her_word(query.of) {
            return Ok(Hers::default());
        }
        let curp = self.actor.curp.as_deref().unwrap_or_default();
        let word = self.house.gate.word(self.house.gate.tag(curp));
        let version = word.map_or(0, |signed| signed.word.version);
        let all = self.found(query)?;
        let place = page.as_deref().map(place_of);
        let from = match place {
            None => 0,
            Some(Some((of, _))) if of != version => return Err(store::Error::BadPage.into()),
            Some(Some((_, from))) => from,
            Some(None) => all.len(),
        };
        if let Some(Some(_)) = place {
            *page = None;
        }
        let mut hers = Hers {
            found: all.len(),
            from,
            version,
            remarks: remarks(query, all.len()),
            shown: Vec::new(),
        };
        if !query.only_count {
            hers.shown = all.into_iter().skip(from).take(query.count).collect();
        }
        Ok(hers)
    }

    /// Her statements that a search finds, those said last first.
    fn found(&self, query: &Query) -> Result<Vec<Version>, Fault> {
        let mut latest: Vec<Statement> = Vec::new();
        for one in self.house.gate.statements(&self.actor)? {
            latest.retain(|other| other.id != one.id);
            latest.extend((!one.is_over()).then_some(one));
        }
        latest.sort_by_key(|one| std::cmp::Reverse(one.word.version));
        let ids = self.house.gate.own_registrations(&self.actor)?;
        let curp = self.actor.curp.as_deref().unwrap_or_default();
        let herself = |person: PersonRef| match person {
            PersonRef::Patient(id) => ids.contains(&id),
            PersonRef::Curp(other) => self.house.gate.tag(&other) == self.house.gate.tag(curp),
            _ => false,
        };
        let words = self.words();
        let mut found = Vec::new();
        for one in latest {
            let version = self.pictured(query.of, &one)?;
            // She is every registration of hers.
            let as_whom = ids
                .iter()
                .map(|id| obj! { "reference" => format!("Patient/{id}") });
            let finds = as_whom.chain([self.herself()]).any(|herself_as| {
                let mut entries = own_entries(query.of, &version);
                let picture = to_consent(&one.word, herself_as);
                entries.extend(words.catalog().extract(query.of, &picture));
                entries.extend(search::words(query.of, &picture));
                let mut conditions = query.conditions.iter();
                conditions.all(|condition| holds(condition, &entries, &herself))
            });
            found.extend(finds.then_some(version));
        }
        Ok(found)
    }
}

/// What is known of a version beside its text.
fn own_entries(of: ResourceType, version: &Version) -> Vec<Entry> {
    let updated = version.updated.as_microsecond();
    let id = Indexed::Token {
        system: String::new(),
        code: version.id.clone(),
        text: String::new(),
    };
    let date = Indexed::Date {
        from: updated,
        to: updated,
    };
    [("_id", id), ("_lastUpdated", date)]
        .into_iter()
        .filter_map(|(code, value)| {
            let number = search::parameter(of, code)?.number;
            Some(Entry { number, value })
        })
        .collect()
}

/// Whether a condition holds of one of her statements. Of what stands elsewhere only herself is known here.
fn holds(condition: &Condition, entries: &[Entry], herself: &dyn Fn(PersonRef) -> bool) -> bool {
    let inner = |condition: &Condition| holds(condition, entries, herself);
    match condition {
        Condition::Is(clause) => matches(clause, entries),
        Condition::Refers { .. } => seek::subject_named(condition).is_some_and(herself),
        Condition::Referred { .. } | Condition::Listed(_) => false,
        Condition::All(parts) => parts.iter().all(inner),
        Condition::Any(parts) => parts.iter().any(inner),
        Condition::Not(part) => !inner(part),
    }
}

/// Whether a condition looks at other resources than her statements.
fn looks_elsewhere(condition: &Condition) -> bool {
    match condition {
        Condition::Is(_) => false,
        Condition::Refers { .. } => seek::subject_named(condition).is_none(),
        Condition::Referred { .. } | Condition::Listed(_) => true,
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(looks_elsewhere),
        Condition::Not(part) => looks_elsewhere(part),
    }
}

/// What a search asks that her own word has no answer for.
fn remarks(query: &Query, found: usize) -> Vec<Issue> {
    let includes = !query.include.is_empty() || !query.revinclude.is_empty();
    let mut remarks = Vec::new();
    if found > 0 && (includes || !query.sort.is_empty()) {
        remarks.push("What you say yourself stands first, what you said last at the head, and nothing is included with it; the order and the includes are of what institutions keep.");
    }
    if query.conditions.iter().any(looks_elsewhere) {
        remarks.push("What you say yourself is not looked for by what other resources say; ask for it without that condition.");
    }
    let said = |said: &str| Issue {
        severity: "information",
        code: IssueCode::Informational,
        diagnostics: said.to_owned(),
        expression: String::new(),
    };
    remarks.into_iter().map(said).collect()
}
