//! The archive against the plainest model there is: a list of resources, filtered by what each condition means.
//!
//! Random histories of writes and deletes, then random questions: trees of conditions, orders, pages, totals, under
//! permits that hide different things. `run` takes any engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;
#[path = "model/loaded.rs"]
mod loaded;

use common::*;
use fhir::{
    ResourceType, Value,
    query::{self, Clause, Condition, Query, Sort, matches},
    search::{Catalog, Entry, Indexed, parameter, patients},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};
use store::{
    engine::{Embedded, Engine, Memory, Postgres, Tuning},
    *,
};

#[derive(Clone, Debug)]
enum Step {
    Put(Value),
    Delete(&'static str, String),
    Reopen,
}

/// The labels 0 to 2; 3 and 4 are pairs.
fn tag(label: Option<u8>) -> String {
    let labels: &[u8] = match label {
        None => &[],
        Some(3) => &[0, 2],
        Some(4) => &[1, 2],
        Some(one) => &[one],
    };
    let tags = labels
        .iter()
        .map(|label| format!(r#"{{"system":"label","code":"{label}"}}"#));
    tags.collect::<Vec<_>>().join(",")
}

fn patient() -> impl Strategy<Value = Step> {
    (
        1..4u8,
        0..5usize,
        0..3u8,
        prop::option::of(0..5u8),
        prop::option::of(1..3u8),
    )
        .prop_map(|(id, name, year, label, doctor)| {
            let long = "Fernández de Córdoba y Álvarez de las Asturias";
            let family = ["Muñoz", "Munoz", "García López", "gar", long][name];
            let tag = tag(label);
            let doctor = doctor.map_or(String::new(), |doctor| {
                format!(r#","generalPractitioner":[{{"reference":"Organization/org{doctor}"}}]"#)
            });
            Step::Put(read(&format!(
                r#"{{"resourceType":"Patient","id":"p{id}","meta":{{"tag":[{tag}]}},"identifier":[{{"system":"curp","value":"C{id}","type":{{"coding":[{{"system":"urn:t","code":"MR"}}],"text":"Registro {id}"}}}}],"name":[{{"family":"{family}","given":["Ana","Zoe"]}}],"birthDate":"198{year}-03-0{id}","gender":"female"{doctor}}}"#
            )))
        })
}

fn observation() -> impl Strategy<Value = Step> {
    (
        0..8u8,
        prop::option::weighted(0.8, 1..5u8),
        (0..3usize, 0..2usize, prop::option::of((0..3usize, 0..40i32))),
        prop::option::weighted(0.8, (0..3u8, 1..4u8, 0..4u8)),
        prop::option::weighted(0.7, (0..40i32, any::<bool>())),
        prop::option::weighted(0.3, 0..5u8),
        prop::option::of(1..6u8),
    )
        .prop_map(|(id, subject, (code, system, part), date, value, label, who)| {
            let mut text = format!(
                r#"{{"resourceType":"Observation","id":"o{id}","meta":{{"tag":[{}]}},"status":"final","code":{{"coding":[{{"system":"{}","code":"{}"{}}}]{}}}"#,
                tag(label),
                ["http://loinc.org", "urn:local"][system],
                ["718-7", "2339-0", "x"][code],
                [r#","display":"Hemoglobina""#, r#","display":"GLUCOSA en sangre""#, ""][code],
                ["", r#","text":"Glucosa total""#][system],
            );
            if let Some(subject) = subject {
                let subject = ["Patient/p1", "Patient/p2", "Patient/p3", "Group/g"][usize::from(subject) - 1];
                text += &format!(r#","subject":{{"reference":"{subject}"}}"#);
            }
            if let Some((code, value)) = part {
                let code = ["718-7", "2339-0", "x"][code];
                text += &format!(
                    r#","component":[{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},"valueQuantity":{{"value":{value}.5,"code":"mg"}}}}]"#
                );
            }
            match date {
                Some((year, month, 0)) => {
                    text += &format!(r#","effectiveDateTime":"202{year}-0{month}""#);
                }
                Some((year, month, 1)) => {
                    text += &format!(
                        r#","effectivePeriod":{{"start":"202{year}-0{month}-05","end":"202{year}-0{}-07"}}"#,
                        month * 2
                    );
                }
                Some((year, month, 2)) => {
                    text += &format!(r#","effectivePeriod":{{"start":"202{year}-0{month}-05"}}"#);
                }
                Some((year, month, _)) => {
                    text += &format!(r#","effectiveDateTime":"202{year}-0{month}-06T10:30:00Z""#);
                }
                None => {}
            }
            if let Some((value, grams)) = value {
                let unit = if grams { "g" } else { "mg" };
                text += &format!(
                    r#","valueQuantity":{{"value":{value}.5,"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}"#
                );
            }
            if let Some(who) = who {
                let who = match who {
                    4 => "Patient/p1".to_owned(),
                    5 => "Patient/p2".to_owned(),
                    org => format!("Organization/org{org}"),
                };
                text += &format!(r#","performer":[{{"reference":"{who}"}}]"#);
            }
            Step::Put(read(&(text + "}")))
        })
}

fn organization() -> impl Strategy<Value = Step> {
    (
        1..4u8,
        0..2usize,
        prop::option::of(1..4u8),
        prop::option::weighted(0.2, 0..5u8),
    )
        .prop_map(|(id, name, above, label)| {
        let tag = tag(label);
        let name = ["Laboratorio Norte", "Sur"][name];
        let above = above.map_or(String::new(), |above| {
            format!(r#","partOf":{{"reference":"Organization/org{above}"}}"#)
        });
        let kind = ["Hospital general", "Hosp"][usize::from(id) % 2];
        Step::Put(read(&format!(
            r#"{{"resourceType":"Organization","id":"org{id}","meta":{{"tag":[{tag}]}},"type":[{{"text":"{kind}"}}],"name":"{name}"{above}}}"#
        )))
    })
}

fn list() -> impl Strategy<Value = Step> {
    (
        prop::collection::vec((0..8u8, any::<bool>()), 0..5),
        prop::option::weighted(0.3, 0..5u8),
    )
        .prop_map(|(entries, label)| {
            let entries: Vec<String> = entries
                .into_iter()
                .map(|(id, deleted)| {
                    format!(
                        r#"{{"deleted":{deleted},"item":{{"reference":"Observation/o{id}"}}}}"#
                    )
                })
                .collect();
            Step::Put(read(&format!(
                r#"{{"resourceType":"List","id":"l1","meta":{{"tag":[{}]}},"status":"current","mode":"working","entry":[{}]}}"#,
                tag(label),
                entries.join(",")
            )))
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delete = prop_oneof![
        (1..4u8).prop_map(|id| Step::Delete("Patient", format!("p{id}"))),
        (0..8u8).prop_map(|id| Step::Delete("Observation", format!("o{id}"))),
        (1..4u8).prop_map(|id| Step::Delete("Organization", format!("org{id}"))),
    ];
    prop::collection::vec(
        prop_oneof![
            4 => patient(),
            9 => observation(),
            2 => delete,
            2 => organization(),
            1 => list(),
            1 => Just(Step::Reopen),
        ],
        1..40,
    )
}

/// Conditions that a search string can say, by type.
const OBSERVATION: &[&str] = &[
    "code=718-7",
    "code=http://loinc.org|718-7",
    "code=urn:local|",
    "code=|x",
    "code=718-7,2339-0",
    "code:not=718-7",
    "code:missing=false",
    "date=ge2021",
    "date=lt2021-03",
    "date=2021",
    "date=gt2021-02-20",
    "date=le2021-02-06T10:30:00Z",
    "date=sa2020-02",
    "date=eb2021-03-06",
    "date=ap2021-02-06",
    "date=ne2021",
    "date=2020,2022-02",
    "date:missing=true",
    "subject=Patient/p1",
    "patient=Patient/p2,Patient/p3",
    "subject:missing=true",
    "value-quantity=gt20",
    "value-quantity=le10.5||mg",
    "value-quantity=7.5|http://unitsofmeasure.org|mg",
    "value-quantity=ge5||g,lt3||mg",
    "performer=Organization/org1",
    "performer:below=Organization/org1",
    "performer:above=Organization/org2",
    "code:text=gluc",
    "code:text=Glucosa en s",
    "code:text=hem",
    "code:text=hemoglobina,glucosa total",
    "code:in=http://hl7.org/fhir/ValueSet/observation-status",
    "status:in=http://hl7.org/fhir/ValueSet/observation-status",
    "status:not-in=http://hl7.org/fhir/ValueSet/observation-status",
    "combo-code=718-7",
    "combo-code=|x,http://loinc.org|2339-0",
    "combo-code:text=gluc",
    "component-code=718-7",
    "combo-value-quantity=gt20",
    "combo-value-quantity=le10.5||mg",
    "combo-code-value-quantity=718-7$gt10",
    "performer=Patient/p1",
    "_id=o1,o3,zz",
    "_tag=label|1",
    "status=final",
    "_lastUpdated=gt2020",
    "_lastUpdated=lt2020",
];
const PATIENT: &[&str] = &[
    "name=gar",
    "family=muñ",
    "family:exact=Munoz",
    "family:contains=pez",
    "name:contains=n",
    "name:contains=de las astu",
    "name:contains=zoe,z d",
    "phonetic=gar",
    "identifier=curp|C2",
    "identifier=C2",
    "identifier:of-type=urn:t|MR|C1",
    "identifier:of-type=|MR|C2",
    "identifier:text=registro",
    "birthdate=1981-03-02",
    "birthdate=ge1981",
    "birthdate=lt1982",
    "gender=female",
    "_id=p1",
    "general-practitioner=Organization/org1",
];
const ORGANIZATION: &[&str] = &[
    "name=lab",
    "name:exact=Sur",
    "_id=org1,org2",
    "partof:below=Organization/org1",
    "partof:above=Organization/org2,Organization/org3",
    "type:text=hosp",
    "type:text=hospital gen",
];
const LIST: &[&str] = &["_id=l1", "status=current"];

const SORTS: &[(&str, &[&str])] = &[
    (
        "Observation",
        &[
            "",
            "",
            "date",
            "-date",
            "-date,_id",
            "_id",
            "-_id",
            "_lastUpdated",
            "-_lastUpdated",
            "combo-value-quantity",
            "-combo-value-quantity",
        ],
    ),
    (
        "Patient",
        &["", "birthdate", "-birthdate", "birthdate,-_id", "_id"],
    ),
    ("Organization", &["", "-_id"]),
    ("List", &[""]),
];

/// Numbers that decide what is asked.
struct Dice<'d>(std::slice::Iter<'d, u16>);

impl Dice<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % sides
    }
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.roll(from.len())]
    }
    /// A tree of conditions on a type.
    fn condition(&mut self, kind: &str, depth: usize) -> Condition {
        let parts = |dice: &mut Self| {
            let count = dice.roll(3);
            (0..=count)
                .map(|_| dice.condition(kind, depth - 1))
                .collect::<Vec<_>>()
        };
        let roll = if depth == 0 { 0 } else { self.roll(12) };
        match (roll, kind) {
            (6, _) => Condition::All(parts(self)),
            (7, _) => Condition::Any(parts(self)),
            (8, _) => Condition::Not(Box::new(self.condition(kind, depth - 1))),
            (9, "Observation") => self.refers(
                kind,
                &[("subject", "Patient"), ("patient", "Patient")],
                depth,
            ),
            (10, "Observation") => {
                let ways = [("performer", "Organization"), ("performer", "Patient")];
                self.refers(kind, &ways, depth)
            }
            (11, "Observation") => Condition::Listed("l1".into()),
            (9, "Patient") => self.refers(kind, &[("general-practitioner", "Organization")], depth),
            (10, "Patient") => self.referred("Observation", "subject", depth),
            (11, "Patient") => {
                let by = *self.pick(&["patient", "performer"]);
                self.referred("Observation", by, depth)
            }
            (9, "Organization") => self.referred("Observation", "performer", depth),
            (10, "Organization") => self.referred("Patient", "general-practitioner", depth),
            (11, "Organization") => self.refers(kind, &[("partof", "Organization")], depth),
            _ => {
                let said = *self.pick(match kind {
                    "Observation" => OBSERVATION,
                    "Patient" => PATIENT,
                    "Organization" => ORGANIZATION,
                    _ => LIST,
                });
                ask(kind, said).conditions.remove(0)
            }
        }
    }
    fn refers(&mut self, kind: &str, ways: &[(&str, &str)], depth: usize) -> Condition {
        let (by, to) = *self.pick(ways);
        Condition::Refers {
            parameter: parameter(of(kind), by).unwrap(),
            targets: vec![(of(to), self.condition(to, depth - 1))],
        }
    }
    fn referred(&mut self, from: &str, by: &str, depth: usize) -> Condition {
        Condition::Referred {
            source: of(from),
            parameter: parameter(of(from), by).unwrap(),
            condition: Box::new(self.condition(from, depth - 1)),
        }
    }
    fn query(&mut self) -> Query {
        let kinds = [
            "Observation",
            "Observation",
            "Patient",
            "Organization",
            "List",
        ];
        let kind = *self.pick(&kinds);
        let sorts = SORTS.iter().find(|(of, _)| *of == kind).unwrap().1;
        let sort = *self.pick(sorts);
        let mut query = match sort {
            "" => ask(kind, ""),
            sort => ask(kind, &format!("_sort={sort}")),
        };
        let count = self.roll(4);
        query.conditions = (0..count).map(|_| self.condition(kind, 3)).collect();
        query.count = 1 + self.roll(4);
        query.total = self.roll(3) > 0;
        query
    }
}

fn ask(kind: &str, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    query::parse(&Catalog::r4(), of(kind), &pairs, query::Handling::Strict).unwrap()
}

/// Type and id.
type Name = (String, String);

#[derive(Default)]
struct Model {
    /// Current resources, and at which step each was last changed.
    current: BTreeMap<Name, (Value, usize)>,
    /// Versions ever written.
    written: usize,
    /// By what resources are asked about, when it is not R4's own parameters alone.
    catalog: Option<Catalog>,
}

fn text(name: &Name) -> String {
    format!("{}/{}", name.0, name.1)
}

fn person(kind: &str, resource: &Value) -> Option<String> {
    patients(of(kind), resource).into_iter().next()
}

fn own(catalog: &Catalog, kind: &str, id: &str, resource: &Value) -> Vec<Entry> {
    let kind = of(kind);
    let mut entries = catalog.extract(kind, resource);
    entries.push(Entry {
        number: parameter(kind, "_id").unwrap().number,
        value: Indexed::Token {
            system: String::new(),
            code: id.to_owned(),
            text: String::new(),
        },
    });
    let now = at(0).as_microsecond();
    entries.push(Entry {
        number: parameter(kind, "_lastUpdated").unwrap().number,
        value: Indexed::Date { from: now, to: now },
    });
    entries
}

fn names(entries: &[Entry], number: u16) -> impl Iterator<Item = &str> {
    entries.iter().filter_map(move |entry| match &entry.value {
        Indexed::Reference(name) if entry.number == number => Some(name.as_str()),
        _ => None,
    })
}

impl Model {
    fn own(&self, kind: &str, id: &str, resource: &Value) -> Vec<Entry> {
        let catalog = self.catalog.clone().unwrap_or_else(Catalog::r4);
        own(&catalog, kind, id, resource)
    }
    fn open(&self, name: &Name, resource: &Value, eyes: &Eyes) -> bool {
        if eyes.hides(&name.0, resource) {
            return false;
        }
        match (eyes, person(&name.0, resource)) {
            (Eyes::Person(own, ..) | Eyes::Narrow(own, ..), Some(person)) => *own == person,
            (Eyes::Person(..) | Eyes::Narrow(..), None) => {
                self.current.iter().any(|(other, (referring, _))| {
                    person(&other.0, referring).is_some()
                        && self.open(other, referring, eyes)
                        && fhir::search::references(referring)
                            .iter()
                            .any(|(to, _)| *to == text(name))
                        && !of(&name.0).is_personal()
                })
            }
            _ => true,
        }
    }
    fn visible<'m>(
        &'m self,
        kind: &'m str,
        eyes: &'m Eyes,
    ) -> impl Iterator<Item = (&'m Name, &'m Value)> {
        self.current
            .iter()
            .filter(move |(name, (resource, _))| name.0 == kind && self.open(name, resource, eyes))
            .map(|(name, (resource, _))| (name, resource))
    }
    fn holds(&self, name: &Name, resource: &Value, condition: &Condition, eyes: &Eyes) -> bool {
        let entries = || self.own(&name.0, &name.1, resource);
        match condition {
            Condition::Is(clause) => matches(&self.around(clause, eyes), &entries()),
            Condition::Refers { parameter, targets } => {
                let entries = entries();
                names(&entries, parameter.number).any(|to| {
                    targets.iter().any(|(kind, there)| {
                        self.visible(kind.name(), eyes).any(|(name, found)| {
                            text(name) == to && self.holds(name, found, there, eyes)
                        })
                    })
                })
            }
            Condition::Referred {
                source,
                parameter,
                condition,
            } => self.visible(source.name(), eyes).any(|(from, found)| {
                let entries = self.own(&from.0, &from.1, found);
                names(&entries, parameter.number).any(|to| to == text(name))
                    && self.holds(from, found, condition, eyes)
            }),
            Condition::Listed(list) => self.visible("List", eyes).any(|(found, resource)| {
                found.1 == *list
                    && resource.list("entry").iter().any(|entry| {
                        entry.get("deleted") != Some(&Value::Bool(true))
                            && entry.path("item.reference").and_then(Value::as_str)
                                == Some(text(name).as_str())
                    })
            }),
            Condition::All(parts) => parts.iter().all(|p| self.holds(name, resource, p, eyes)),
            Condition::Any(parts) => parts.iter().any(|p| self.holds(name, resource, p, eyes)),
            Condition::Not(part) => !self.holds(name, resource, part, eyes),
        }
    }
    /// What stands above or below the resources that a clause names, as far as it is seen.
    fn around(&self, clause: &Clause, eyes: &Eyes) -> Clause {
        let mut clause = clause.clone();
        let (above, below) = (query::Modifier::Above, query::Modifier::Below);
        if ![above, below].contains(&clause.modifier) {
            return clause;
        }
        let part_of = parameter(of("Organization"), "partof").unwrap().number;
        loop {
            let known = clause.values.len();
            for (name, resource) in self.visible("Organization", eyes) {
                let entries = Catalog::r4().extract(of("Organization"), resource);
                for parent in names(&entries, part_of) {
                    let (from, to) = match clause.modifier == above {
                        true => (text(name), parent.to_owned()),
                        false => (parent.to_owned(), text(name)),
                    };
                    let to = query::Wanted::Reference(to);
                    if clause.values.contains(&query::Wanted::Reference(from))
                        && !clause.values.contains(&to)
                    {
                        clause.values.push(to);
                    }
                }
            }
            if clause.values.len() == known {
                return clause;
            }
        }
    }
    fn answer(&self, query: &Query, eyes: &Eyes) -> BTreeSet<String> {
        self.visible(query.of.name(), eyes)
            .filter(|(name, resource)| {
                let mut all = query.conditions.iter();
                all.all(|condition| self.holds(name, resource, condition, eyes))
            })
            .map(|(name, _)| name.1.clone())
            .collect()
    }
    /// The value of a sort key, as text that compares; `None` when there is none.
    fn sort_value(&self, of: ResourceType, id: &str, sort: &Sort) -> Option<String> {
        let (resource, changed) = &self.current[&(of.name().to_owned(), id.to_owned())];
        match sort.parameter.code {
            "_id" => return Some(id.to_owned()),
            "_lastUpdated" => return Some(format!("{changed:09}")),
            _ => {}
        }
        let entries = self.own(of.name(), id, resource);
        let starts = entries.iter().filter_map(|entry| match entry.value {
            Indexed::Date { from, to } if entry.number == sort.parameter.number => {
                Some(if from == i64::MIN { to } else { from })
            }
            _ => None,
        });
        let start = match sort.descending {
            true => starts.max(),
            false => starts.min(),
        };
        start.map(|start| format!("{:020}", i128::from(start) + (1 << 70)))
    }
    /// Whether the ids stand in the order asked for.
    fn in_order(&self, query: &Query, ids: &[String]) -> bool {
        let before_or_equal = |a: &String, b: &String| {
            for sort in &query.sort {
                let value = |id: &String| self.sort_value(query.of, id, sort);
                let order = match (value(a), value(b)) {
                    (Some(a), Some(b)) if sort.descending => b.cmp(&a),
                    (Some(a), Some(b)) => a.cmp(&b),
                    (a, b) => a.is_none().cmp(&b.is_none()),
                };
                if order.is_ne() {
                    return order.is_lt();
                }
            }
            true
        };
        ids.is_sorted_by(before_or_equal)
    }
}

#[derive(Clone, Debug)]
enum Eyes {
    All,
    Hiding(u32, By),
    Person(String, u32, By),
    /// Something is left out, something spared, and only something opened.
    Narrow(String, LeftOut, u32),
}

/// How something is hidden: by the labels of rows, or by a question that each version answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Label,
    Residual,
}

impl By {
    /// A residual is asked of what is somebody's.
    fn hides(self, kind: &str, resource: &Value, hidden: u32) -> bool {
        TestRules.labels(of(kind), resource).0 & hidden != 0
            && (self == By::Label || person(kind, resource).is_some())
    }
}

/// Hides what has one of these labels, without looking at rows.
struct Labelled(u32);

impl Residual for Labelled {
    fn name(&self) -> [u8; 32] {
        [self.0 as u8; 32]
    }
    fn hides(&self, of: ResourceType, _: &str, resource: &Value) -> bool {
        TestRules.labels(of, resource).0 & self.0 != 0
    }
}

impl Eyes {
    fn hidden(&self) -> (u32, By) {
        match self {
            Eyes::All | Eyes::Narrow(..) => (0, By::Label),
            Eyes::Hiding(hidden, by) | Eyes::Person(_, hidden, by) => (*hidden, *by),
        }
    }
    /// Whether something was closed; the hint speaks of it.
    fn withholds(&self, kind: &str, resource: &Value) -> bool {
        let (hidden, by) = self.hidden();
        match self {
            Eyes::Narrow(_, but, _) => {
                let labels = TestRules.labels(of(kind), resource).0;
                let spared = labels & but.spared.0 != 0;
                labels & if spared { but.held.0 } else { but.hidden.0 } != 0
            }
            _ => by.hides(kind, resource, hidden),
        }
    }
    /// The same, or not opened.
    fn hides(&self, kind: &str, resource: &Value) -> bool {
        let opened = match self {
            Eyes::Narrow(_, _, only) => {
                let labels = TestRules.labels(of(kind), resource).0;
                labels & only != 0 || person(kind, resource).is_none() && labels == 0
            }
            _ => true,
        };
        !opened || self.withholds(kind, resource)
    }
    fn permit(&self, house: &House) -> Permit {
        let (hidden, by) = self.hidden();
        let labels = match by {
            By::Label => Labels(hidden),
            By::Residual => Labels(0),
        };
        let scope = match self {
            Eyes::All | Eyes::Hiding(..) => Scope::People(Arc::new(move |_| labels.into())),
            Eyes::Person(id, ..) => Scope::Person {
                keys: vec![house.key(id)],
                left_out: labels.into(),
                only: None,
            },
            Eyes::Narrow(id, left_out, only) => Scope::Person {
                keys: vec![house.key(id)],
                left_out: *left_out,
                only: Some(Labels(*only)),
            },
        };
        let residual: ResidualOf = Arc::new(move |_| Some(Arc::new(Labelled(hidden))));
        house.seal.permit(Terms {
            id: [7; 16],
            scope,
            verbs: Verbs::ALL,
            types: None,
            residual: (by == By::Residual).then_some(residual),
        })
    }
}

/// All pages, and what the first one gave as total.
fn pages(house: &House, permit: &Permit, query: &Query) -> (Vec<String>, Option<u64>) {
    let mut ids = Vec::new();
    let mut total = None;
    let mut next = None;
    loop {
        let held = house.store.search(permit, query, next.as_ref()).unwrap();
        let page = house.open(permit, held);
        if next.is_none() {
            total = page.total;
        }
        assert_eq!(total, page.total, "the total stays that of the first page");
        assert!(page.matches.len() <= query.count);
        ids.extend(page.matches.into_iter().map(|version| version.id));
        next = page.next;
        if next.is_none() {
            return (ids, total);
        }
    }
}

fn compare(house: &House, model: &Model, questions: &[Query]) {
    let mut eyes = vec![Eyes::All];
    eyes.extend([By::Label, By::Residual].map(|by| Eyes::Hiding(0b011, by)));
    for id in ["p1", "p2"] {
        let known = house
            .store
            .person_of(&house.seal, of("Patient"), id)
            .unwrap();
        if known.is_some() {
            let eye = |hidden, by| Eyes::Person(id.to_owned(), hidden, by);
            eyes.push(eye(0, By::Label));
            eyes.extend([By::Label, By::Residual].map(|by| eye(0b101, by)));
            let left_out = LeftOut {
                hidden: Labels(0b011),
                held: Labels(0b001),
                spared: Labels(0b100),
            };
            eyes.push(Eyes::Narrow(id.to_owned(), left_out, 0b110));
        }
    }
    for eyes in &eyes {
        let permit = eyes.permit(house);
        for query in questions {
            let told = || {
                format!(
                    "{} {:?} {:?} {eyes:?}",
                    query.of, query.conditions, query.sort
                )
            };
            let (ids, total) = pages(house, &permit, query);
            let once: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(once.len(), ids.len(), "no double: {ids:?} {}", told());
            assert_eq!(once, model.answer(query, eyes), "{}", told());
            assert!(model.in_order(query, &ids), "{ids:?} {}", told());
            match query.total {
                true => assert_eq!(total, Some(ids.len() as u64), "{}", told()),
                false => assert!(total.is_none_or(|total| total == ids.len() as u64)),
            }
            let counted = Query {
                only_count: true,
                ..query.clone()
            };
            let (none, total) = pages(house, &permit, &counted);
            assert_eq!(
                (none.len(), total),
                (0, Some(ids.len() as u64)),
                "{}",
                told()
            );
            let whole = Query {
                count: 1000,
                ..query.clone()
            };
            assert_eq!(pages(house, &permit, &whole).0, ids, "{}", told());
        }
        compare_records(house, model, eyes, &permit);
    }
    let permit = house.all();
    let held = house
        .store
        .history(&permit, &HistoryOf::System, &When::default(), 0, None)
        .unwrap();
    assert_eq!(house.open(&permit, held).matches.len(), model.written);
}

/// Counts, `$everything` and the hint that something is withheld.
fn compare_records(house: &House, model: &Model, eyes: &Eyes, permit: &Permit) {
    let (Eyes::Person(own, ..) | Eyes::Narrow(own, ..)) = eyes else {
        let held = house.store.counts(permit).unwrap();
        for (kind, count) in house.open(permit, held) {
            let expected = model.visible(kind.name(), eyes).count();
            assert_eq!(count, expected as u64, "{kind} {eyes:?}");
        }
        return;
    };
    let held = house.store.everything(permit, &Asked::default()).unwrap();
    let page = house.open(permit, held);
    let all: BTreeSet<String> = page.matches.iter().map(|v| v.id.clone()).collect();
    let hers = |name: &Name, resource: &Value| person(&name.0, resource).as_ref() == Some(own);
    let current = || model.current.iter().map(|(name, (found, _))| (name, found));
    let expected: BTreeSet<String> = current()
        .filter(|(name, found)| hers(name, found) && model.open(name, found, eyes))
        .map(|(name, _)| name.1.clone())
        .collect();
    assert_eq!(all, expected, "{eyes:?}");
    let withheld =
        current().any(|(name, found)| hers(name, found) && eyes.withholds(&name.0, found));
    assert_eq!(
        house.store.withholds(permit, Labels(0)).unwrap(),
        withheld,
        "{eyes:?}"
    );
}

/// A place where an archive lives on when it is closed.
pub trait Place {
    /// Its engine.
    fn engine(&self) -> Arc<dyn Engine>;
    /// The folder of its keys.
    fn keys(&self) -> &Path;
    /// The archive.
    fn open(&self) -> House {
        over(self.engine(), self.keys())
    }
}

struct InMemory(Arc<Memory>, tempfile::TempDir);

impl Place for InMemory {
    fn engine(&self) -> Arc<dyn Engine> {
        self.0.clone()
    }
    fn keys(&self) -> &Path {
        self.1.path()
    }
}

struct OnDisk(tempfile::TempDir);

impl Place for OnDisk {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(Embedded::open(&self.0.path().join("rows"), Tuning::default()).unwrap())
    }
    fn keys(&self) -> &Path {
        self.0.path()
    }
}

/// A database on the server that all tests share.
struct OnServer(server::Database);

impl Place for OnServer {
    fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(Postgres::open(places::settings(&self.0.address)).unwrap())
    }
    fn keys(&self) -> &Path {
        self.0.keys.path()
    }
}

impl Model {
    fn step(&mut self, house: &House, step: Step) {
        let at = self.written + 1;
        match step {
            Step::Put(resource) => {
                let name = (
                    resource.text("resourceType").unwrap().to_owned(),
                    resource.text("id").unwrap().to_owned(),
                );
                let written = house.put(&[&resource.to_string()]);
                let changed = self.current.get(&name).map(|(old, _)| old) != Some(&resource);
                assert_eq!(written.written[0].changed, changed);
                if changed {
                    self.written += 1;
                    self.current.insert(name, (resource, at));
                }
            }
            Step::Delete(kind, id) => {
                let written = house.delete(&format!("{kind}/{id}"));
                let gone = self.current.remove(&(kind.to_owned(), id)).is_some();
                assert_eq!(written.written[0].changed, gone);
                self.written += usize::from(gone);
            }
            Step::Reopen => {}
        }
    }
}

fn run(place: &dyn Place, steps: Vec<Step>, rolls: &[u16]) {
    let mut house = place.open();
    let mut model = Model::default();
    for step in steps {
        if matches!(step, Step::Reopen) {
            drop(house);
            house = place.open();
        }
        model.step(&house, step);
    }
    let mut dice = Dice(rolls.iter());
    let mut questions: Vec<Query> = (0..8).map(|_| dice.query()).collect();
    for (kind, all) in [("Observation", OBSERVATION), ("Patient", PATIENT)] {
        let said: &&str = dice.pick(all);
        let mut single = ask(kind, said);
        single.total = true;
        single.count = 2;
        questions.push(single);
    }
    compare(&house, &model, &questions);
}

/// What comes after the first page when the archive changes meanwhile: what was there, without what changed.
fn run_pages(place: &dyn Place, by: By, before: Vec<Step>, between: Vec<Step>, rolls: &[u16]) {
    let house = place.open();
    let mut model = Model::default();
    for step in before {
        model.step(&house, step);
    }
    let mut dice = Dice(rolls.iter());
    let permit = Eyes::Hiding(0b010, by).permit(&house);
    let mut asked = Vec::new();
    for _ in 0..6 {
        let mut query = dice.query();
        // What other resources say may change under a page; what a resource says of itself may not.
        query
            .conditions
            .retain(|condition| matches!(condition, Condition::Is(Clause { modifier, .. }) if !matches!(modifier, query::Modifier::Above | query::Modifier::Below)));
        query.total = true;
        let (all, total) = pages(&house, &permit, &query);
        let held = house.store.search(&permit, &query, None).unwrap();
        let first = house.open(&permit, held);
        asked.push((query, all, total, first));
    }
    let known = model.current.clone();
    for step in between {
        model.step(&house, step);
    }
    for (query, all, total, first) in asked {
        let mut next = first.next;
        let mut rest = Vec::new();
        while let Some(token) = next {
            let held = house.store.search(&permit, &query, Some(&token)).unwrap();
            let page = house.open(&permit, held);
            assert_eq!(page.total, total);
            rest.extend(page.matches.into_iter().map(|version| version.id));
            next = page.next;
        }
        let same = |id: &&String| {
            let name = (query.of.name().to_owned(), (*id).clone());
            known.get(&name) == model.current.get(&name)
        };
        let later = all.iter().skip(first.matches.len());
        let expected: Vec<String> = later.filter(same).cloned().collect();
        assert_eq!(rest, expected, "{:?} {:?}", query.conditions, query.sort);
    }
}

/// Everything a permit shows is as if what it hides were not there: matches in their order, totals, pages, includes.
fn run_twin(one: &dyn Place, other: &dyn Place, by: By, steps: Vec<Step>, rolls: &[u16]) {
    let hidden = |value: &Value| by.hides(value.text("resourceType").unwrap(), value, 0b110);
    let mut labels = BTreeMap::new();
    let (full, bare) = (one.open(), other.open());
    // The people first: who is registered when must not differ.
    for id in 1..4 {
        let text =
            format!(r#"{{"resourceType":"Patient","id":"p{id}","name":[{{"family":"Gar"}}]}}"#);
        full.put(&[&text]);
        bare.put(&[&text]);
    }
    for step in steps {
        match step {
            Step::Put(value) if value.text("resourceType") != Some("Patient") => {
                let id = value.text("id").unwrap().to_owned();
                // What is hidden once is hidden always.
                if *labels.entry(id).or_insert(hidden(&value)) != hidden(&value) {
                    continue;
                }
                full.put(&[&value.to_string()]);
                if !hidden(&value) {
                    bare.put(&[&value.to_string()]);
                }
            }
            Step::Delete(kind, id) if kind != "Patient" => {
                full.delete(&format!("{kind}/{id}"));
                bare.delete(&format!("{kind}/{id}"));
            }
            _ => {}
        }
    }
    let mut dice = Dice(rolls.iter());
    for _ in 0..10 {
        let mut query = dice.query();
        let including = match query.of.name() {
            "Observation" => "_include=Observation:subject&_include=Observation:performer",
            "Patient" => "_revinclude=Observation:subject&_revinclude=Observation:performer",
            _ => "",
        };
        if query.of.name() == "Observation" {
            query.include = ask("Observation", including).include;
        }
        if query.of.name() == "Patient" {
            query.revinclude = ask("Patient", "_revinclude=Observation:subject").revinclude;
        }
        for eyes in [
            Eyes::Hiding(0b110, by),
            Eyes::Person("p1".into(), 0b110, by),
        ] {
            let shown = |house: &House| {
                let permit = eyes.permit(house);
                let mut out = Vec::new();
                let mut next = None;
                loop {
                    let held = house.store.search(&permit, &query, next.as_ref()).unwrap();
                    let page = house.open(&permit, held);
                    let ids = |versions: &[Version]| -> Vec<String> {
                        versions
                            .iter()
                            .map(|v| format!("{}/{}", v.of, v.id))
                            .collect()
                    };
                    out.push((ids(&page.matches), ids(&page.included), page.total));
                    next = page.next;
                    if next.is_none() {
                        return out;
                    }
                }
            };
            assert_eq!(
                shown(&full),
                shown(&bare),
                "{:?} {eyes:?}",
                query.conditions
            );
        }
    }
}

fn rolls() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 400)
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![Just(By::Label), Just(By::Residual)]
}

fn memory() -> InMemory {
    InMemory(Arc::default(), tempfile::tempdir().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn in_memory_every_question_is_answered_as_the_model_answers_it(steps in steps(), rolls in rolls()) {
        run(&memory(), steps, &rolls);
    }
    #[test]
    fn later_pages_are_as_they_were_without_what_changed(before in steps(), between in steps(), rolls in rolls(), by in by()) {
        run_pages(&memory(), by, before, between, &rolls);
    }
    #[test]
    fn what_a_permit_hides_shows_in_nothing(steps in steps(), rolls in rolls(), by in by()) {
        run_twin(&memory(), &memory(), by, steps, &rolls);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn on_disk_and_across_reopening_as_well(steps in steps(), rolls in rolls()) {
        let place = OnDisk(tempfile::tempdir().unwrap());
        run(&place, steps, &rolls);
    }
}

/// A new database, or `None` without a server, which was said.
fn on_server() -> Option<OnServer> {
    server::Database::new().map(OnServer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]
    #[test]
    fn in_postgres_and_across_reopening_as_well(steps in steps(), rolls in rolls()) {
        if let Some(place) = on_server() {
            run(&place, steps, &rolls);
        }
    }
    #[test]
    fn in_postgres_later_pages_are_as_they_were_without_what_changed(before in steps(), between in steps(), rolls in rolls()) {
        if let Some(place) = on_server() {
            run_pages(&place, By::Label, before, between, &rolls);
        }
    }
    #[test]
    fn in_postgres_what_a_permit_hides_shows_in_nothing(steps in steps(), rolls in rolls()) {
        if let Some((one, other)) = on_server().zip(on_server()) {
            run_twin(&one, &other, By::Residual, steps, &rolls);
        }
    }
}
