//! What can be computed of a change before it is its turn: in the caller's thread, outside the writer.

use crate::{
    Change, Current, Error, Labels, Result, Rules,
    body::Text,
    card,
    dates::{self, Main},
    grant::is_shared,
    hash::siphash,
    index::{self, Secret},
    loaded::Loaded,
    vault::Vault,
    words,
};
use fhir::{
    ResourceType, Value,
    query::Query,
    search::{self, Entry},
};

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
    /// By which set of loaded search parameters it is indexed.
    pub(crate) generation: u64,
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
    /// The search parameter that it defines is activated, or taken out of use.
    Load {
        active: bool,
    },
}

impl Deed {
    /// Index entries that it brings.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Deed::Create { prepared, .. } | Deed::Update { prepared, .. } => prepared.index.len(),
            Deed::Delete { .. } | Deed::Load { .. } => 0,
        }
    }
}

/// A change, ready for the writer.
pub(crate) struct Ready {
    pub(crate) of: ResourceType,
    pub(crate) id: String,
    pub(crate) deed: Deed,
}

/// With what a resource is prepared.
#[derive(Clone, Copy)]
pub(crate) struct Preparing<'a> {
    pub(crate) rules: &'a dyn Rules,
    pub(crate) secret: &'a Secret,
    pub(crate) vault: &'a Vault,
    pub(crate) loaded: &'a Loaded,
}

pub(crate) fn prepare(change: Change, with: Preparing<'_>) -> Result<Ready> {
    let ready = |of, id: &String, resource: &Value| {
        check_id(of, id)?;
        resource_ready(of, id, resource, with, None).map(Box::new)
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
        Change::Activate { id } => load(id, true)?,
        Change::Deactivate { id } => load(id, false)?,
    })
}

fn load(id: String, active: bool) -> Result<Ready> {
    let of = ResourceType::from_name("SearchParameter");
    let of = of.ok_or_else(|| Error::Damaged("R4 has no SearchParameter".into()))?;
    check_id(of, &id)?;
    Ok(Ready {
        deed: Deed::Load { active },
        of,
        id,
    })
}

/// What follows from a resource. `stamp` is that of its current version where the index is judged as it is
/// ([`Loaded::entries`]).
pub(crate) fn resource_ready(
    of: ResourceType,
    id: &str,
    resource: &Value,
    with: Preparing<'_>,
    stamp: Option<u64>,
) -> Result<Prepared> {
    let Preparing {
        rules,
        secret,
        vault,
        loaded,
    } = with;
    let text = Text::new(of, id, resource)?;
    let patient = match of.name() {
        "Patient" => Some(id.to_owned()),
        _ => search::patients(of, resource).into_iter().next(),
    };
    let mut prepared = Prepared {
        packed: vault.pack_text(of, &text, patient.as_deref().unwrap_or_default()),
        hash: siphash(secret, &text.json),
        labels: rules.labels(of, resource),
        card: Vec::new(),
        index: Vec::new(),
        matters: Vec::new(),
        date: None,
        directory: rules.directory(of, resource),
        refers: shared_references(resource),
        patient,
        generation: loaded.generation,
        text,
    };
    let entries = loaded.entries(of, resource, stamp);
    prepared.indexed(of, resource, &entries, secret, vault);
    Ok(prepared)
}

impl Prepared {
    /// As it is indexed by these parameters, if it was prepared by others.
    pub(crate) fn by(
        &mut self,
        of: ResourceType,
        loaded: &Loaded,
        secret: &Secret,
        vault: &Vault,
    ) -> Result<()> {
        if self.generation != loaded.generation {
            let resource = self.text.read()?;
            let entries = loaded.entries(of, &resource, None);
            self.indexed(of, &resource, &entries, secret, vault);
            self.generation = loaded.generation;
        }
        Ok(())
    }

    /// Takes what was found in it into card and index.
    fn indexed(
        &mut self,
        of: ResourceType,
        resource: &Value,
        entries: &[Entry],
        secret: &Secret,
        vault: &Vault,
    ) {
        let own = self.patient.as_deref().unwrap_or_default();
        let part = card::write_part(of, entries, &self.refers, &self.directory, own);
        self.card = vault.pack_card(&part);
        self.date = dates::main_date(of, entries);
        let own = self
            .patient
            .as_ref()
            .map(|patient| format!("Patient/{patient}"));
        let words = words::keys(of, resource, secret);
        self.index = index::keys(of, entries, words, self.date, own.as_deref(), secret);
        self.matters = index::matters(of, entries, secret);
    }
}

/// The resources that a resource names and that are for all where they are nobody's, each once.
fn shared_references(resource: &Value) -> Vec<String> {
    let mut names: Vec<String> = search::references(resource)
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| target(name).is_some_and(|(of, _)| is_shared(of)))
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
