//! One interaction: from what is asked to its answer, through the gate. Blocks on the archive.
//!
//! The same code serves a request and an entry of a batch.

mod body;
mod condition;
mod consent;
mod definitions;
mod given;
mod history;
mod lastn;
mod matching;
mod merge;
mod meta;
mod over;
mod parameters;
mod patch;
mod person;
mod pix;
mod read;
mod search;
mod validate;
mod write;

pub(crate) use body::{body_of, curp_of, new_id, rooted};
pub(crate) use condition::{condition, nothing_there, one_of, repeated};
pub(crate) use meta::Change as MetaChange;
pub(crate) use over::{Over, Sought};
pub(crate) use patch::Patch;

use crate::{
    fault::Fault,
    negotiate::{Pairs, Wishes},
    routes::{Interaction, Places},
    session::{Opening, Outcome, Session},
};
use fhir::{IssueCode, ResourceType, Value};
use store::HistoryOf;

/// Which resource a write means.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// By its id.
    Id(String),
    /// The one that these conditions match.
    Where(Pairs),
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Read(ResourceType, String, Pairs),
    Vread(ResourceType, String, u64),
    Create(ResourceType, Value),
    Update(ResourceType, Target, Value),
    Patch(ResourceType, Target, Patch),
    Delete(ResourceType, Target),
    /// `None`: of all types, of all resources of a type.
    Meta(Option<ResourceType>, Option<String>),
    MetaChange(ResourceType, String, MetaChange, Value),
    Validate(ResourceType, Option<String>, Pairs, Option<Value>),
    Search(Over, Pairs),
    History(HistoryOf, Pairs),
    Everything(String, Pairs),
    Lastn(Pairs, Option<Value>),
    Match(Value),
    Pix(Pairs, Option<Value>),
    Person(String, Pairs),
    /// Of two registrations: one person, or two.
    Decide(merge::Decided, Value),
    /// Of a SearchParameter: into use or out of it.
    Activate(String, bool),
    /// How far the index is with a loaded search parameter, or with all.
    Indexing(Option<String>),
}

impl Op {
    /// What a route, the parts of its address and the body ask for. `None` for routes that are no interaction with one
    /// resource or type (a bundle, the log).
    pub(crate) fn new(
        interaction: Interaction,
        places: &Places,
        pairs: Pairs,
        mut body: Option<Value>,
    ) -> Result<Option<Op>, Fault> {
        let of = || type_of(&places.of);
        let id = || id_of(&places.id);
        let mut resource = || {
            body.take().ok_or_else(|| {
                Fault::bad(IssueCode::Required, "There is no resource to be stored.")
            })
        };
        Ok(Some(match interaction {
            Interaction::Read => Op::Read(of()?, id()?, pairs),
            Interaction::Vread => {
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Vread(of()?, id()?, version_of(&places.version)?)
            }
            Interaction::Create => {
                let of = of()?;
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Create(of, resource()?)
            }
            Interaction::Update => {
                let (of, id) = (of()?, id()?);
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Update(of, Target::Id(id), resource()?)
            }
            Interaction::UpdateWhere => Op::Update(of()?, Target::Where(pairs), resource()?),
            Interaction::Patch => {
                let (of, id) = (of()?, id()?);
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Patch(of, Target::Id(id), Patch::of(resource()?)?)
            }
            Interaction::PatchWhere => {
                Op::Patch(of()?, Target::Where(pairs), Patch::of(resource()?)?)
            }
            Interaction::Meta | Interaction::MetaOfType | Interaction::MetaOfSystem => {
                nothing_else(&pairs, "_format, _pretty")?;
                match interaction {
                    Interaction::Meta => Op::Meta(Some(of()?), Some(id()?)),
                    Interaction::MetaOfType => Op::Meta(Some(of()?), None),
                    _ => Op::Meta(None, None),
                }
            }
            Interaction::MetaAdd | Interaction::MetaDelete => {
                let (of, id) = (of()?, id()?);
                nothing_else(&pairs, "_format, _pretty")?;
                let change = match interaction {
                    Interaction::MetaAdd => MetaChange::Add,
                    _ => MetaChange::Delete,
                };
                Op::MetaChange(of, id, change, resource()?)
            }
            Interaction::Validate => Op::Validate(of()?, None, pairs, body),
            Interaction::ValidateInstance | Interaction::ValidateStored => {
                Op::Validate(of()?, Some(id()?), pairs, body)
            }
            Interaction::Delete => {
                let (of, id) = (of()?, id()?);
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Delete(of, Target::Id(id))
            }
            Interaction::DeleteWhere => Op::Delete(of()?, Target::Where(pairs)),
            Interaction::Search | Interaction::SearchPosted => Op::Search(Over::Type(of()?), pairs),
            Interaction::SearchSystem | Interaction::SearchSystemPosted => {
                Op::Search(Over::System, pairs)
            }
            Interaction::SearchCompartment => {
                Op::Search(Over::compartment(of()?, id()?, &places.within)?, pairs)
            }
            Interaction::HistoryInstance => Op::History(HistoryOf::Instance(of()?, id()?), pairs),
            Interaction::HistoryType => Op::History(HistoryOf::Type(of()?), pairs),
            Interaction::HistorySystem => Op::History(HistoryOf::System, pairs),
            Interaction::Everything => Op::Everything(id()?, pairs),
            Interaction::Lastn | Interaction::LastnPosted => Op::Lastn(pairs, body),
            Interaction::Match => {
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Match(resource()?)
            }
            Interaction::Pix | Interaction::PixPosted => Op::Pix(pairs, body),
            Interaction::Person => Op::Person(id()?, pairs),
            Interaction::Merge | Interaction::Split => {
                nothing_else(&pairs, "_format, _pretty")?;
                let decided = match interaction {
                    Interaction::Merge => merge::Decided::One,
                    _ => merge::Decided::Two,
                };
                Op::Decide(decided, resource()?)
            }
            Interaction::Activate | Interaction::Deactivate => {
                nothing_else(&pairs, "_format, _pretty")?;
                Op::Activate(id()?, interaction == Interaction::Activate)
            }
            Interaction::Indexing | Interaction::IndexingOfAll => {
                nothing_else(&pairs, "_format, _pretty")?;
                let one = interaction == Interaction::Indexing;
                Op::Indexing(one.then(id).transpose()?)
            }
            Interaction::Metadata
            | Interaction::Bundle
            | Interaction::LogFile
            | Interaction::Live
            | Interaction::Ready => return Ok(None),
        }))
    }
}

impl Session<'_> {
    /// Looks for what [`Interaction::only_looks`] up to where the act is handed in; what is awaited then blocks nothing.
    pub(crate) fn looking(&self, op: Op, wishes: &Wishes) -> Result<Opening, Fault> {
        match self.of_her_word(op, wishes) {
            Ok(outcome) => Ok(Box::pin(std::future::ready(self.noted(outcome)))),
            Err(Op::Read(of, id, pairs)) => self.read(of, &id, pairs, wishes)?.opening(self),
            Err(Op::Vread(of, id, version)) => self.vread(of, &id, version, wishes)?.opening(self),
            Err(Op::Search(over, pairs)) => self.search(&over, pairs, wishes)?.opening(self),
            Err(Op::History(of, pairs)) => self.history(&of, pairs)?.opening(self),
            Err(Op::Everything(id, pairs)) => self.everything(id, pairs)?.opening(self),
            Err(_) => Err(Fault::ours()),
        }
    }

    /// Does it.
    pub(crate) fn act(&self, op: Op, wishes: &Wishes) -> Outcome {
        let op = match self.of_her_word(op, wishes) {
            Ok(outcome) => return outcome,
            Err(op) => op,
        };
        match op {
            Op::Read(of, id, pairs) => self.read(of, &id, pairs, wishes)?.open(self),
            Op::Vread(of, id, version) => self.vread(of, &id, version, wishes)?.open(self),
            Op::Create(of, resource) => self.create(of, resource, wishes),
            Op::Update(of, Target::Id(id), resource) => {
                let expected = self.chosen(of, wishes.expected(true)?)?;
                self.update(of, id, resource, expected, Vec::new())
            }
            Op::Update(of, Target::Where(pairs), resource) => {
                self.update_where(of, &pairs, resource, wishes)
            }
            Op::Patch(of, target, patch) => self.patch(of, target, &patch, wishes),
            Op::Meta(of, id) => self.meta(of, id.as_deref()),
            Op::MetaChange(of, id, change, parameters) => {
                self.change_meta(of, &id, change, &parameters, wishes)
            }
            Op::Validate(of, id, pairs, body) => self.validate(of, id, pairs, body),
            Op::Delete(of, Target::Id(id)) => self.delete(of, id, wishes, Vec::new()),
            Op::Delete(of, Target::Where(pairs)) => self.delete_where(of, &pairs, wishes),
            Op::Search(over, pairs) => self.search(&over, pairs, wishes)?.open(self),
            Op::History(of, pairs) => self.history(&of, pairs)?.open(self),
            Op::Everything(id, pairs) => self.everything(id, pairs)?.open(self),
            Op::Lastn(pairs, body) => self.lastn(pairs, body.as_ref(), wishes),
            Op::Match(body) => self.matching(&body),
            Op::Pix(pairs, body) => self.pix(pairs, body.as_ref()),
            Op::Person(id, pairs) => self.person(&id, &pairs),
            Op::Decide(decided, body) => self.decide_who(decided, &body),
            Op::Activate(id, active) => self.activate(id, active),
            Op::Indexing(id) => self.indexing(id.as_deref()),
        }
    }
}

/// The type of that name, or 404.
pub(crate) fn type_of(name: &str) -> Result<ResourceType, Fault> {
    ResourceType::from_name(name).ok_or_else(|| {
        let name: String = name.chars().take(64).collect();
        Fault::new(
            404,
            IssueCode::NotSupported,
            format!("`{name}` is not a resource type of FHIR R4."),
        )
    })
}

/// An id of the right form, or 400.
pub(crate) fn id_of(text: &str) -> Result<String, Fault> {
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    match fits {
        true => Ok(text.to_owned()),
        false => Err(Fault::bad(
            IssueCode::Value,
            "An id has 1 to 64 letters, digits, `-` and `.`.",
        )),
    }
}

/// A version number, or 404: no other version was ever given out.
pub(crate) fn version_of(text: &str) -> Result<u64, Fault> {
    text.parse()
        .map_err(|_| Fault::not_found("There is no such version; versions are whole numbers."))
}

/// Refuses the parameters that are left.
pub(crate) fn nothing_else(pairs: &Pairs, possible: &str) -> Result<(), Fault> {
    let issues: Vec<_> = pairs
        .iter()
        .take(50)
        .map(|(name, _)| {
            let name: String = name.chars().take(80).collect();
            fhir::Issue::error(
                IssueCode::NotSupported,
                "",
                format!("The parameter `{name}` is not supported here. Possible: {possible}."),
            )
        })
        .collect();
    match issues.is_empty() {
        true => Ok(()),
        false => Err(Fault::of(400, issues)),
    }
}

/// The number of a `_count`, cut to the largest page.
pub(crate) fn count_of(text: Option<String>, default: usize) -> Result<usize, Fault> {
    let Some(text) = text else {
        return Ok(default);
    };
    match text.parse::<usize>() {
        Ok(count) if count > 0 => Ok(count.min(MAX_PAGE)),
        _ => Err(Fault::bad(
            IssueCode::Value,
            "`_count` is a whole number from 1.",
        )),
    }
}

/// Resources on a page, when nothing is asked, and at most.
pub(crate) const PAGE_SIZE: usize = 50;
pub(crate) const MAX_PAGE: usize = 1_000;

/// The instant of a `_since`.
pub(crate) fn since_of(text: Option<String>) -> Result<Option<jiff::Timestamp>, Fault> {
    text.map(|text| {
        text.parse().map_err(|_| {
            Fault::bad(
                IssueCode::Value,
                "`_since` is an instant with its zone, as in 2026-01-31T12:00:00Z (write a `+` as %2B).",
            )
        })
    })
    .transpose()
}
