//! A life told by the institutions that saw it.

use crate::body::Body;
use crate::country::Country;
use crate::cover::{Cover, Institution, cover_on};
use crate::dice::Dice;
use crate::disease::Health;
use crate::follow_up::Lines;
use crate::person::Person;
use crate::plan;
use crate::tables::Allergy;
use crate::tell::Teller;
use fhir::{Value, obj};

/// A person and everything that is written of her.
#[derive(Clone, Debug)]
pub struct Life {
    /// Number of the life in its seed.
    pub index: u64,
    /// Who she is, without any clerk's mistake.
    pub person: Person,
    /// Who covered her when, oldest first.
    pub covers: Vec<Cover>,
    /// What each institution has, in the order of [`Institution::ALL`]; never empty.
    pub records: Vec<InstitutionRecord>,
}

/// What one institution has of one person.
#[derive(Clone, Debug)]
pub struct InstitutionRecord {
    /// Which institution.
    pub institution: Institution,
    /// Id of its Patient, the first entry.
    pub patient_id: String,
    /// Its own number for the person.
    pub folio: String,
    /// The CURP as it wrote it, if it did.
    pub recorded_curp: Option<String>,
    /// What is wrong or lacking on its card: `curp-missing`, `curp-generic`, `curp-wrong-digit`, `curp-typed-wrong`,
    /// `second-surname-missing`, `name-typo`, `day-and-month-exchanged`.
    pub faults: Vec<&'static str>,
    /// Resources; references stay among them and the institution's [`Country::shared`].
    pub entries: Vec<Value>,
}

impl Life {
    /// Number of resources at all institutions.
    pub fn resources(&self) -> usize {
        self.records.iter().map(|record| record.entries.len()).sum()
    }
    /// What one institution has.
    pub fn at(&self, institution: Institution) -> Option<&InstitutionRecord> {
        self.records
            .iter()
            .find(|record| record.institution == institution)
    }
}

/// A transaction Bundle that puts each resource at its id: sent twice, it changes nothing the second time.
pub fn transaction(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources
        .iter()
        .filter_map(|resource| {
            let kind = resource.text("resourceType")?;
            let id = resource.text("id")?;
            Some(obj! {
                "fullUrl" => format!("urn:uuid:{id}"),
                "resource" => resource,
                "request" => obj! { "method" => "PUT", "url" => format!("{kind}/{id}") },
            })
        })
        .collect();
    obj! { "resourceType" => "Bundle", "type" => "transaction", "entry" => entries }
}

/// Plans a life and lets each institution write its part.
pub(crate) fn live(
    country: &Country,
    index: u64,
    person: Person,
    covers: Vec<Cover>,
    health: &Health,
    dice: &mut Dice,
) -> Life {
    let tables = country.tables();
    let body = Body::new(&tables.conditions, &person, health, dice);
    let plan = plan::plan(country, &person, &covers, health, dice);
    let allergies: Vec<&Allergy> = tables
        .conditions
        .allergy
        .iter()
        .filter(|allergy| dice.chance(allergy.p))
        .collect();
    let mut teller = Teller {
        country,
        person: &person,
        health,
        body: &body,
        pregnancies: &plan.pregnancies,
        allergies,
        lines: Lines::draw(&tables.conditions.lasting, health, dice),
        fixed_doses: &[],
        charts: [None, None, None, None, None, None],
    };
    for event in &plan.events {
        teller.tell(event, dice);
    }
    teller.somewhere(cover_on(&covers, country.today_number()), dice);
    let records = teller.finish();
    Life {
        index,
        person,
        covers,
        records,
    }
}
