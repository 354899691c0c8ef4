//! What can be computed of a change before it is its turn: in the caller's thread, outside the writer.

use crate::{
    Change, Current, Error, Labels, Result, Rules,
    body::Text,
    card,
    dates::{self, Main},
    hash::siphash,
    index::{self, Secret},
    vault::Vault,
    words,
};
use fhir::{ResourceType, Value, query::Query, search};

/// A resource ready to be stored.
pub(crate) struct Prepared {
    pub(crate) text: Text,
    pub(crate) packed: Vec<u8>,
    pub(crate) hash: u64,
    pub(crate) labels: Labels,
    /// The card's part that the commit does not change.
    pub(crate) card: Vec<u8>,
    /// Index keys without their tails.
    pub(crate) index: Vec<Vec<u8>>,
    pub(crate) directory: Vec<Vec<u8>>,
    pub(crate) refers: Vec<String>,
    /// Values under which it stands among its person's resources.
    pub(crate) matters: Vec<Vec<u8>>,
    /// Its main date.
    pub(crate) date: Option<Main>,
    /// The id of the Patient whose it is.
    pub(crate) patient: Option<String>,
}

/// What a change does, ready for the writer.
pub(crate) enum Deed {
    Create {
        prepared: Box<Prepared>,
        if_none_exist: Option<Query>,
    },
    Update {
        prepared: Box<Prepared>,
        if_match: Option<Current>,
    },
    Delete {
        if_match: Option<Current>,
    },
}

impl Deed {
    /// Index entries that it brings.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Deed::Create { prepared, .. } | Deed::Update { prepared, .. } => prepared.index.len(),
            Deed::Delete { .. } => 0,
        }
    }
}

/// A change, ready for the writer.
pub(crate) struct Ready {
    pub(crate) of: ResourceType,
    pub(crate) id: String,
    pub(crate) deed: Deed,
}

pub(crate) fn prepare(
    change: Change,
    rules: &dyn Rules,
    secret: &Secret,
    vault: &Vault,
) -> Result<Ready> {
    let ready = |of, id: &String, resource: &Value| {
        check_id(of, id)?;
        resource_ready(of, id, resource, rules, secret, vault).map(Box::new)
    };
    Ok(match change {
        Change::Create {
            of,
            id,
            resource,
            if_none_exist,
        } => Ready {
            deed: Deed::Create {
                prepared: ready(of, &id, &resource)?,
                if_none_exist,
            },
            of,
            id,
        },
        Change::Update {
            of,
            id,
            resource,
            if_match,
        } => Ready {
            deed: Deed::Update {
                prepared: ready(of, &id, &resource)?,
                if_match,
            },
            of,
            id,
        },
        Change::Delete { of, id, if_match } => Ready {
            deed: Deed::Delete { if_match },
            of,
            id,
        },
    })
}

/// What follows from a resource.
pub(crate) fn resource_ready(
    of: ResourceType,
    id: &str,
    resource: &Value,
    rules: &dyn Rules,
    secret: &Secret,
    vault: &Vault,
) -> Result<Prepared> {
    let text = Text::new(of, id, resource)?;
    let entries = search::extract(of, resource);
    let patient = match of.name() {
        "Patient" => Some(id.to_owned()),
        _ => search::patients(of, resource).into_iter().next(),
    };
    let own = patient.as_ref().map(|patient| format!("Patient/{patient}"));
    let directory = rules.directory(of, resource);
    let refers = shared_references(resource);
    let date = dates::main_date(of, &entries);
    Ok(Prepared {
        packed: vault.pack_text(of, &text, patient.as_deref().unwrap_or_default()),
        hash: siphash(secret, &text.json),
        labels: rules.labels(of, resource),
        card: vault.pack_card(&card::write_part(
            &entries,
            &refers,
            &directory,
            patient.as_deref().unwrap_or_default(),
        )),
        index: index::keys(
            of,
            &entries,
            words::keys(of, resource, secret),
            date,
            own.as_deref(),
            secret,
        ),
        matters: index::matters(of, &entries, secret),
        date,
        directory,
        refers,
        patient,
        text,
    })
}

/// The resources outside of patient compartments that a resource names, each once.
fn shared_references(resource: &Value) -> Vec<String> {
    let mut names: Vec<String> = search::references(resource)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| target(name).is_some_and(|(of, _)| !of.in_patient_compartment()))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The type and id that a relative reference names.
pub(crate) fn target(reference: &str) -> Option<(ResourceType, &str)> {
    let (of, id) = reference.split_once('/')?;
    let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
    Some((ResourceType::from_name(of)?, id)).filter(|(_, id)| check_id_form(id))
}

fn check_id_form(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn check_id(of: ResourceType, id: &str) -> Result<()> {
    if check_id_form(id) {
        return Ok(());
    }
    Err(Error::Invalid {
        expression: format!("{of}.id"),
        diagnostics: "an id has 1 to 64 letters, digits, `-` and `.`".into(),
    })
}
