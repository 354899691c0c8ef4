//! Search of a type, of a compartment or of everything, and a person's whole record (`$everything`).

use super::{Over, consent::Hers, count_of, nothing_else, since_of};
use crate::{
    fault::Fault,
    negotiate::{Pairs, Wishes, take},
    reply::Reply,
    session::{Ask, Outcome, Sealed, Session, address, verbs},
    shape::{BundleText, PAGE, cut, link},
};
use fhir::{
    Issue, IssueCode, ResourceType,
    query::{Query, Summary},
};
use store::{Asked, Page, Verb, Version};
use trust::{PersonRef, What};

/// Resources on a page of `$everything`, when nothing is asked.
const EVERYTHING_PAGE: usize = 200;

/// How a page is told once it is open.
struct Telling {
    path: String,
    /// Where the page was asked to begin.
    asked: Option<String>,
    first: Query,
    hint: bool,
    hers: Hers,
}

impl Session<'_> {
    pub(super) fn search(
        &self,
        over: &Over,
        mut pairs: Pairs,
        wishes: &Wishes,
    ) -> Result<Sealed<Page, impl FnOnce(Page) -> Outcome + Send + use<>>, Fault> {
        let mut page = take(&mut pairs, PAGE);
        let asked = page.clone();
        let mut sought = over.read(&self.words(), &pairs, wishes.handling)?;
        let Some(first) = sought.queries.first() else {
            return Err(Fault::ours());
        };
        let includes = !first.include.is_empty() || !first.revinclude.is_empty();
        if includes && first.summary == Summary::Text {
            return Err(Fault::bad(
                IssueCode::Invalid,
                "`_summary=text` does not go with _include and _revinclude.",
            ));
        }
        let ask = self.ask_to_search(&sought)?;
        let grant = self
            .decide(ask)
            .map_err(|fault| self.explain_search(&sought, fault))?;
        let hers = self.hers(&sought, &mut page)?;
        let first = first.clone();
        for query in &mut sought.queries {
            query.only_count |= hers.is_shown();
        }
        let store = self.house.gate.store();
        let held = store.search_all(&grant.permit, &sought.queries, page.as_ref())?;
        let telling = Telling {
            path: over.path(),
            asked,
            first,
            hint: grant.hint,
            hers,
        };
        let base = self.house.base.clone();
        let tell = move |page| Ok(telling.told(&base, page));
        Ok(Sealed { grant, held, tell })
    }

    pub(super) fn everything(
        &self,
        id: String,
        mut pairs: Pairs,
    ) -> Result<Sealed<Page, impl FnOnce(Page) -> Outcome + Send + use<>>, Fault> {
        let Some(patient) = ResourceType::from_name("Patient") else {
            return Err(Fault::ours());
        };
        let told = pairs.clone();
        let asked = Asked {
            page: take(&mut pairs, PAGE),
            since: since_of(take(&mut pairs, "_since"))?,
            count: count_of(take(&mut pairs, "_count"), EVERYTHING_PAGE)?,
            types: types_of(take(&mut pairs, "_type"))?,
        };
        nothing_else(&pairs, "_since, _type, _count, _format, _pretty")?;
        let grant = self.decide(Ask {
            person: PersonRef::Patient(id.clone()),
            verbs: verbs(&[Verb::Read, Verb::Search]),
            types: None,
            what: What::Interaction("GET Patient/$everything".into()),
        });
        let grant = grant.map_err(|fault| self.concealed(patient, fault))?;
        let held = self
            .house
            .gate
            .store()
            .everything(&grant.permit, &asked)
            .map_err(|error| match error {
                // The permit opens no one person: there is none of that id.
                store::Error::NotPermitted(_) => self.missing(patient, &id),
                other => other.into(),
            })?;
        let whole = asked.page.is_none() && asked.since.is_none() && asked.types.is_empty();
        let missing = self.missing(patient, &id);
        let hints: Vec<_> = grant.hint.then(hint).into_iter().collect();
        let base = self.house.base.clone();
        let tell = move |answer: Page| {
            if whole && answer.matches.is_empty() {
                return Err(missing);
            }
            let path = format!("Patient/{id}/$everything");
            let mut links = vec![("self", link(&base, &path, &told, None))];
            if let Some(next) = &answer.next {
                let told: Pairs = told.into_iter().filter(|(name, _)| name != PAGE).collect();
                links.push(("next", link(&base, &path, &told, Some(next))));
            }
            let mut bundle = BundleText::new("searchset", answer.total, &links);
            add(&base, &mut bundle, &answer, &[], Summary::False);
            add_remarks(&mut bundle, &hints);
            Ok(Reply::made(bundle.done()))
        };
        Ok(Sealed { grant, held, tell })
    }

    /// A refusal about a resource that the caller may not know of.
    pub(crate) fn concealed(&self, of: ResourceType, fault: Fault) -> Fault {
        let licence = |fault: &Fault| fault.refusal.as_ref().is_some_and(|r| r.1 == "licence");
        match fault.status == 403 && self.is_kept_from(of) && !licence(&fault) {
            true => Fault::not_open(),
            false => fault,
        }
    }
}

impl Telling {
    /// Cost: the page's bytes, copied once.
    fn told(mut self, base: &str, mut page: Page) -> Reply {
        self.hers.put_into(&mut page);
        let told = &self.first.told;
        let mut links = vec![("self", link(base, &self.path, told, self.asked.as_deref()))];
        if let Some(next) = &page.next {
            links.push(("next", link(base, &self.path, told, Some(next))));
        }
        let mut bundle = BundleText::new("searchset", page.total, &links);
        fill(base, &mut bundle, &self.first, &page, self.hint);
        add_remarks(&mut bundle, &self.hers.remarks);
        Reply::made(bundle.done())
    }
}

/// The entries of an answer, and what is to be said of it.
pub(super) fn fill(base: &str, bundle: &mut BundleText, query: &Query, page: &Page, hinted: bool) {
    if !query.only_count {
        add(base, bundle, page, &query.elements, query.summary);
    }
    let mut remarks = remarks_of(query, page.cut);
    remarks.extend(hinted.then(hint));
    add_remarks(bundle, &remarks);
}

fn add(base: &str, bundle: &mut BundleText, page: &Page, elements: &[String], summary: Summary) {
    let mut add = |version: &Version, elements: &[String], mode: &str| {
        let address = address(base, version.of, &version.id);
        match cut(version, elements, summary) {
            Some(part) => bundle.entry(&address, &part, mode),
            None => bundle.entry(&address, &version.body, mode),
        }
    };
    for version in &page.matches {
        add(version, elements, "\"search\":{\"mode\":\"match\"}");
    }
    for version in &page.included {
        add(version, &[], "\"search\":{\"mode\":\"include\"}");
    }
}

/// What a search leaves out of its answer, said in it.
fn remarks_of(query: &Query, cut: bool) -> Vec<Issue> {
    let dropped = query.dropped.iter().map(|issue| Issue {
        severity: "warning",
        ..issue.clone()
    });
    let mut remarks: Vec<Issue> = dropped.collect();
    if cut {
        remarks.push(Issue::warning(
            IssueCode::Incomplete,
            "",
            "More is included than one page takes: not all of it is here. Ask for smaller pages (`_count`), or search for what is pointed to.",
        ));
    }
    remarks
}

/// Where the person lets it be said, an answer says that something may be left out. It stands there whether or not
/// anything is: what is withheld does not change the answer.
fn hint() -> Issue {
    Issue {
        severity: "information",
        code: IssueCode::Suppressed,
        diagnostics: "The person keeps part of her record to herself; something may be left out here. / La persona reserva parte de su expediente; aquí puede faltar algo.".into(),
        expression: String::new(),
    }
}

fn add_remarks(bundle: &mut BundleText, remarks: &[Issue]) {
    if !remarks.is_empty() {
        let outcome = fhir::outcome(remarks).to_bytes();
        bundle.entry("", &outcome, "\"search\":{\"mode\":\"outcome\"}");
    }
}

/// `_type=Observation,Condition`.
fn types_of(text: Option<String>) -> Result<Vec<ResourceType>, Fault> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|name| {
            ResourceType::from_name(name).ok_or_else(|| {
                let name: String = name.chars().take(80).collect();
                Fault::bad(
                    IssueCode::Value,
                    format!("`_type={name}`: this is not a resource type of FHIR R4."),
                )
            })
        })
        .collect()
}
