//! A part of a record, as a rule names it beside the categories: a time, who wrote it, a visit, one resource, a kind of
//! resource, a label.

use crate::act::systems;
use crate::{Category, MemberId, labels};
use fhir::time::Span;
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which part of a record. A resource is in it when each dimension that says anything fits it; within one dimension any
/// of the things it names will do. One that says nothing is the whole record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What happened in this time: the resource's main clinical date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// What one of these wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// What belongs to one of these visits, and the visits: `Encounter/17`, by their names where they are kept, or by their
    /// names in the network ([`kept_name`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<String>,
    /// These resources themselves: `Observation/17`, as visits are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// These FHIR types: `Immunization`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// What bears one of these codes as its security label. A topic's HL7 code also fits what has the topic by its
    /// codes; a confidentiality fits what has that one ([`confidentiality`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

/// A time: from a moment on, up to before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The first moment that is no longer in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Who wrote something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Author {
    /// An institution: what it keeps and says to be of no other one, and what others keep and say to be of it.
    Institution(MemberId),
    /// A professional, by an identifier: system and value.
    Identifier(String, String),
    /// A professional or an organisation by its name where the resource is kept, or in the network: `Practitioner/17`.
    Reference(String),
}

/// A code of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// URI.
    pub system: String,
    /// Code.
    pub code: String,
}

/// What a resource is called in the network: its name where it is kept, after whose that is. By its name alone it would be
/// another one's as well, wherever one of that name is.
pub fn kept_name(member: &MemberId, name: &str) -> String {
    format!("{}{member}/{name}", systems::KEPT)
}

/// At which member a name means something, `None` for all, and the resource's name there.
pub fn kept_at(name: &str) -> (Option<&str>, &str) {
    let kept = name.strip_prefix(systems::KEPT);
    match kept.and_then(|rest| rest.split_once('/')) {
        Some((member, name)) => (Some(member), name),
        None => (None, name),
    }
}

/// Things that one dimension names, at most.
pub(super) const MAX_NAMED: usize = 50;
/// Characters of a name.
const MAX_NAME: usize = 256;

/// HL7's codes for sensitivities and for confidentiality.
pub(super) const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
pub(super) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Confidentialities, least first.
const LEVELS: [&str; 6] = ["U", "L", "M", "N", "R", "V"];

/// How a part is to be read where a resource does not say enough to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// What may be in it is in it: for what closes.
    In,
    /// Only what surely is in it is in it: for what opens.
    Out,
}

/// A resource as parts look at it. Everything is found out when it is asked for.
pub(super) struct Facts<'a> {
    pub(super) holder: &'a MemberId,
    pub(super) of: ResourceType,
    pub(super) id: &'a str,
    pub(super) resource: &'a Value,
}

impl Part {
    /// Whether it is the whole record.
    pub fn is_all(&self) -> bool {
        *self == Part::default()
    }

    /// What it does not say itself, it takes from another. Authors, visits and resources are one thing.
    pub(super) fn within(&self, outer: &Part) -> Part {
        fn own<T: Clone>(own: &[T], outer: &[T]) -> Vec<T> {
            if own.is_empty() {
                outer.to_vec()
            } else {
                own.to_vec()
            }
        }
        let named =
            !(self.authors.is_empty() && self.visits.is_empty() && self.resources.is_empty());
        let data = if named { self } else { outer };
        Part {
            period: self.period.or(outer.period),
            authors: data.authors.clone(),
            visits: data.visits.clone(),
            resources: data.resources.clone(),
            types: own(&self.types, &outer.types),
            labels: own(&self.labels, &outer.labels),
        }
    }

    /// Whether a resource is in it.
    ///
    /// Where that cannot be told (nothing says when it was, or it lasted beyond the period) it is decided so that less
    /// is shown: it is in what is closed and not in what is opened.
    pub(super) fn fits(&self, facts: &Facts<'_>, doubt: Doubt) -> bool {
        let any = |names: &[String], fits: &dyn Fn(&str) -> bool| {
            names.is_empty() || names.iter().any(|name| fits(name))
        };
        self.period.is_none_or(|period| period.fits(facts, doubt))
            && (self.authors.is_empty() || self.authors.iter().any(|one| one.wrote(facts)))
            && any(&self.visits, &|visit| facts.is_of_visit(visit))
            && any(&self.resources, &|name| facts.is_named(name))
            && any(&self.types, &|name| facts.of.name() == name)
            && (self.labels.is_empty() || self.labels.iter().any(|one| facts.bears(one)))
    }

    /// Whether it keeps its bounds; else why not.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let lists = [&self.visits, &self.resources, &self.types];
        let most = lists.iter().map(|list| list.len()).max().unwrap_or(0);
        if most.max(self.authors.len()).max(self.labels.len()) > MAX_NAMED {
            return Err("it names too many things at once");
        }
        let mut names: Vec<&str> = lists.into_iter().flatten().map(String::as_str).collect();
        for author in &self.authors {
            match author {
                Author::Institution(member) => names.push(&member.0),
                Author::Identifier(system, value) => names.extend([system.as_str(), value]),
                Author::Reference(name) => names.push(name),
            }
        }
        for label in &self.labels {
            names.extend([label.system.as_str(), &label.code]);
        }
        if names
            .iter()
            .any(|name| name.is_empty() || name.len() > MAX_NAME)
        {
            return Err("a name in it is empty or too long");
        }
        let known = |of: &String| ResourceType::from_name(of).is_some();
        if !self.types.iter().all(known) {
            return Err("it names a type that FHIR R4 does not have");
        }
        match self.period {
            Some(Period {
                from: None,
                until: None,
            }) => Err("its period has no end at all"),
            Some(Period {
                from: Some(from),
                until: Some(until),
            }) if until <= from => Err("its period ends before it begins"),
            _ => Ok(()),
        }
    }
}

impl Period {
    fn fits(&self, facts: &Facts<'_>, doubt: Doubt) -> bool {
        let low = self.from.map_or(i64::MIN, Timestamp::as_microsecond);
        let high = self
            .until
            .map_or(i64::MAX, |until| until.as_microsecond() - 1);
        let date = store::clinical_date(facts.of, facts.resource).map(in_mexico);
        match (date, doubt) {
            (None, doubt) => doubt == Doubt::In,
            (Some(Span { from, to }), Doubt::In) => from <= high && to >= low,
            (Some(Span { from, to }), Doubt::Out) => from >= low && to <= high,
        }
    }
}

/// Days without a zone, which are read as days of UTC, as the days they are in Mexico: -06:00, as everywhere here.
pub(super) fn in_mexico(span: Span) -> Span {
    const HOUR: i64 = 3_600_000_000;
    let Span { from, to } = span;
    let is_days = |end: i64| end.rem_euclid(24 * HOUR) == 0;
    match is_days(from) && is_days(to.saturating_add(1)) && from < to {
        true => Span {
            from: from.saturating_add(6 * HOUR),
            to: to.saturating_add(6 * HOUR),
        },
        false => span,
    }
}

/// Elements that say who made a resource or stands for it, in any R4 type.
const AUTHORS: [&str; 15] = [
    "author",
    "recorder",
    "asserter",
    "performer",
    "requester",
    "participant",
    "informationSource",
    "source",
    "sender",
    "enterer",
    "provider",
    "custodian",
    "serviceProvider",
    "resultsInterpreter",
    "prescriber",
];
/// Where such an element holds its reference, when it is not one itself.
const HOLDERS: [&str; 4] = ["actor", "individual", "party", "onBehalfOf"];

impl Author {
    fn wrote(&self, facts: &Facts<'_>) -> bool {
        let mut named = facts.authors();
        match self {
            Author::Reference(name) => {
                let name = facts.here(name);
                name.is_some() && named.any(|one| one.text("reference") == name)
            }
            Author::Identifier(system, value) => named.any(|one| {
                one.text("identifier.system") == Some(system)
                    && one.text("identifier.value") == Some(value)
            }),
            Author::Institution(member) => {
                let of: Vec<&str> = named
                    .filter(|one| one.text("identifier.system") == Some(systems::MEMBER))
                    .filter_map(|one| one.text("identifier.value"))
                    .collect();
                match of.is_empty() {
                    true => member == facts.holder,
                    false => of.contains(&member.0.as_str()),
                }
            }
        }
    }
}

impl<'a> Facts<'a> {
    /// The references by which it names who made it.
    fn authors(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let resource = self.resource;
        AUTHORS
            .into_iter()
            .filter_map(move |element| resource.get(element))
            .flat_map(each)
            .flat_map(|one| {
                let inner = HOLDERS.into_iter().filter_map(|holder| one.get(holder));
                std::iter::once(one).chain(inner)
            })
    }

    /// What a name means where the resource is kept.
    fn here<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (member, name) = kept_at(name);
        let here = member.is_none_or(|member| member == self.holder.0);
        here.then_some(name)
    }

    fn is_named(&self, name: &str) -> bool {
        let named = self.here(name).and_then(|name| name.split_once('/'));
        named == Some((self.of.name(), self.id))
    }

    fn is_of_visit(&self, visit: &str) -> bool {
        let resource = self.resource;
        let Some(visit) = self.here(visit) else {
            return false;
        };
        self.is_named(visit)
            || ["encounter", "context", "partOf"]
                .into_iter()
                .any(|element| {
                    let named = resource.get(element).into_iter().flat_map(each);
                    named
                        .flat_map(|one| {
                            let inner = one.get("encounter").into_iter().flat_map(each);
                            std::iter::once(one).chain(inner)
                        })
                        .any(|one| one.text("reference") == Some(visit))
                })
    }

    /// The categories of the resource.
    pub(super) fn categories(&self) -> Vec<Category> {
        Category::of(labels(self.of, self.resource))
    }

    fn bears(&self, label: &Label) -> bool {
        if label.system == CONFIDENTIALITY {
            return confidentiality(self.of, self.resource) == label.code;
        }
        let own = self.security().any(|coding| {
            coding.text("system") == Some(&label.system) && coding.text("code") == Some(&label.code)
        });
        own || label.system == ACT_CODE
            && self
                .categories()
                .into_iter()
                .any(|category| category.sensitivity() == Some(&label.code))
    }

    fn security(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let meta = self.resource.get("meta");
        meta.map_or(&[][..], |meta| meta.list("security")).iter()
    }
}

/// How confidential a resource is, by HL7's code: the highest that its labels say; without one, restricted (`R`) when
/// its codes put it under a sensitive topic, else normal (`N`).
pub fn confidentiality(of: ResourceType, resource: &Value) -> &'static str {
    let meta = resource.get("meta");
    let security = meta.map_or(&[][..], |meta| meta.list("security"));
    let said = security
        .iter()
        .filter(|coding| coding.text("system") == Some(CONFIDENTIALITY))
        .filter_map(|coding| {
            LEVELS
                .iter()
                .position(|level| coding.text("code") == Some(level))
        })
        .max();
    let mut categories = Category::of(labels(of, resource)).into_iter();
    let sensitive = categories.any(Category::is_topic);
    let level = said.unwrap_or(if sensitive { 4 } else { 3 });
    LEVELS.get(level).copied().unwrap_or("V")
}

/// The items of a list, or the one thing itself.
fn each(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(items) => items.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}
