//! What the rules were asked: all that a decision is made on and that an act does not say anyway (who, where, why, about
//! whom), so that the decision can be made again.

use super::judge::Opens;
use super::words::Heard;
use super::{Refusal, Tag, What};
use crate::delegate::{Delegated, needs_own_cedula};
use crate::glass::Step;
use crate::order::Done;
use crate::policy;
use crate::registry::RegistryDone;
use crate::word::Used;
use crate::{LicenceState, Role, Tie};
use fhir::ResourceType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Verb, Verbs};

/// A question to the rules, beside what its act says anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What was to be done.
    pub verbs: Verbs,
    /// Only on these types.
    pub types: Option<Vec<ResourceType>>,
    /// Of what: `person`, `everyone` or `shared`.
    pub scope: &'static str,
    /// The actor's licence at that moment.
    pub licence: Option<LicenceState>,
    /// The record was the actor's own, proven by her sign-in.
    pub own_record: bool,
    /// For an emergency: a review was late, which closed it.
    pub reviews_overdue: bool,
    /// For an order of the state: the categories that it names.
    pub named: Option<u32>,
    /// For somebody who acts for the person: who she is.
    pub acting: Option<Acting>,
    /// For a delegate: in whose name she worked, and within which bounds.
    pub delegated: Option<Delegated>,
    /// The words of the person that bound; more than one only where a record carries several CURPs.
    pub words: Vec<Said>,
    /// How often grants of hers were used before, by the institution that asks.
    pub used: Vec<Used>,
    /// Her further tags, under which evidence that counted may be kept: registrations that are linked now may be apart later.
    pub also: Vec<Tag>,
    /// When it was decided: up to a moment before its act.
    pub at: Timestamp,
}

/// Somebody who acts for a person, as an act says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Acting {
    /// Her own tag.
    pub tag: Tag,
    /// What she is to the person, as the word says it; `None` for whoever does not act for her.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tie: Option<Tie>,
}

/// One word as it was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Said {
    /// Whose.
    pub person: Tag,
    /// Its version.
    pub version: u64,
    /// The first bytes of the SHA-256 of [`Word::canonical`](crate::Word::canonical): of two words of one version it
    /// says which.
    pub digest: [u8; 8],
}

impl Said {
    pub(crate) fn of(heard: &Heard) -> Said {
        let mut digest = [0; 8];
        digest.copy_from_slice(&heard.digest[..8]);
        Said {
            person: heard.signed.word.person,
            version: heard.signed.word.version,
            digest,
        }
    }
}

/// The three values of [`Question::scope`].
pub(crate) const SCOPES: [&str; 3] = ["person", "everyone", "shared"];

/// A letter for each verb, as acts have them: `rsh` is read, search, history.
const LETTERS: [(char, Verb); 6] = [
    ('r', Verb::Read),
    ('s', Verb::Search),
    ('h', Verb::History),
    ('c', Verb::Create),
    ('u', Verb::Update),
    ('d', Verb::Delete),
];

/// Verbs as letters. Nothing at all is `-`, since FHIR has no empty string.
pub(crate) fn letters(verbs: Verbs) -> String {
    let of = LETTERS.iter().filter(|(_, verb)| verbs.has(*verb));
    match of.map(|(letter, _)| *letter).collect::<String>() {
        none if none.is_empty() => "-".to_owned(),
        some => some,
    }
}

/// Reads what [`letters`] writes.
pub(crate) fn verbs(letters: &str) -> Option<Verbs> {
    let none = Verbs::default();
    if letters == "-" {
        return Some(none);
    }
    letters.chars().try_fold(none, |verbs, letter| {
        let (_, verb) = LETTERS.iter().find(|(known, _)| *known == letter)?;
        Some(verbs.and(*verb))
    })
}

/// Whether a change of these types takes the professional's own cédula. Where no types are named, each change is asked when
/// it is written.
pub(crate) fn takes_own_cedula(verbs: Verbs, types: Option<&[ResourceType]>) -> bool {
    let changes = [Verb::Create, Verb::Update, Verb::Delete];
    let mut types = types.into_iter().flatten();
    changes.into_iter().any(|verb| verbs.has(verb)) && types.any(|of| needs_own_cedula(*of))
}

/// What is asked of the policies, and how much of a record that opens.
pub(crate) fn actions(
    verbs: Verbs,
    types: Option<&[ResourceType]>,
    what: &What,
    role: Role,
) -> Result<(Vec<&'static str>, Opens), Refusal> {
    let any = |some: &[Verb]| some.iter().any(|verb| verbs.has(*verb));
    let reading = any(&[Verb::Read, Verb::Search, Verb::History]);
    let changing = any(&[Verb::Update, Verb::Delete]);
    let writing = changing || verbs.has(Verb::Create);
    let special = match what {
        What::Log => Some(policy::LOG),
        What::Find => Some(policy::FIND),
        What::Registry(step) => Some(match step.done {
            RegistryDone::NotMe => policy::DISOWN,
            _ => policy::LINK,
        }),
        // She is received, and nothing at all is done to her record.
        What::Reception | What::Discharge if verbs == Verbs::default() => {
            return Ok((vec![policy::RECEIVE], Opens::Unseen));
        }
        // Nor is it by a step of an emergency: the evidence that it makes opens it.
        What::Glass(step) if verbs == Verbs::default() => {
            let action = match step {
                Step::Reviewed { .. } | Step::Judged { .. } => policy::REVIEW,
                Step::Declared { .. } | Step::Confirmed { .. } | Step::Tried => policy::BREAK,
            };
            return Ok((vec![action], Opens::Unseen));
        }
        // An order is brought and released without anything being opened; to read under it is to read.
        What::Order(step) if step.done != Done::Read => {
            return match verbs == Verbs::default() {
                true => Ok((vec![policy::RELEASE], Opens::Unseen)),
                false => Err(Refusal::bad(
                    "Traer o autorizar una orden no abre nada por sí mismo.",
                    "To bring or release an order opens nothing by itself.",
                )),
            };
        }
        What::Glass(_) => {
            return Err(Refusal::bad(
                "Declarar o revisar una emergencia no abre nada por sí mismo.",
                "To declare or review an emergency opens nothing by itself.",
            ));
        }
        What::Reception | What::Discharge => {
            return Err(Refusal::bad(
                "Recibir a alguien no abre su historia.",
                "To receive somebody opens no record.",
            ));
        }
        _ => None,
    };
    if let Some(action) = special {
        // A registration may be marked with what was decided of it, and nothing else be changed so.
        let patient = matches!(types, Some([of]) if of.name() == "Patient");
        let marks = matches!(what, What::Registry(_)) && verbs == Verbs::only(Verb::Update);
        return match writing && !(marks && patient) {
            true => Err(Refusal::bad(
                "Buscar y leer el registro no cambian nada.",
                "To find somebody or to read a log changes nothing.",
            )),
            false => Ok((vec![action], Opens::Identity)),
        };
    }
    let write = match types {
        Some([of]) if of.name() == "Patient" && !verbs.has(Verb::Delete) => policy::REGISTER,
        Some([of]) if of.name() == "MedicationDispense" => policy::DISPENSE,
        _ => policy::WRITE,
    };
    let mut asked = Vec::new();
    if reading || !writing {
        asked.push(policy::READ);
    }
    if writing {
        asked.push(write);
    }
    let house_itself = matches!(role, Role::System | Role::Operator);
    let opens = match (reading || !writing, changing) {
        (true, _) => Opens::Seen,
        // Nothing that is there is shown by storing something new, nor to an institution that keeps its own books.
        (false, false) => Opens::Unseen,
        (false, true) if house_itself => Opens::Unseen,
        (false, true) if write == policy::REGISTER => Opens::Identity,
        (false, true) => Opens::Seen,
    };
    Ok((asked, opens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_come_back_from_their_letters() {
        for one in 0..64u8 {
            let some = LETTERS
                .iter()
                .enumerate()
                .filter(|(at, _)| one & (1 << at) != 0)
                .fold(Verbs::default(), |some, (_, (_, verb))| some.and(*verb));
            assert_eq!(verbs(&letters(some)), Some(some));
        }
        assert_eq!(letters(Verbs::READING), "rsh");
        assert_eq!(verbs("rx"), None);
    }
}
