//! What of a person's record is left out by what a resource says, where labels cannot say it.
//!
//! A label is a bit that every resource of a kind or topic has, for everyone. A person's rules also name a time, an
//! author, one visit, one resource: as many questions as there are people. So such a rule is not labelled at all: the
//! permit carries it as a question ([`Residual`]), and a version of hers answers it. What a version says never changes,
//! so an answer is remembered under the question's name for as long as there is room; a new rule is a new question, and
//! holds at the very next request with nothing written.
//!
//! A scan knows rows, not texts: the first one that meets a person with a residual goes through her cards in its own
//! snapshot once, and has the numbers of what is left out. Cost: her cards in the open (no key), and, of each version
//! that was not judged before, its text. Where nobody has a residual: nothing.

use crate::{
    Error, Labels, PersonKey, ResidualOf, Result,
    body::Stored,
    card,
    codec::Reader,
    engine::{Direction, Rows, Snapshot},
    grant::Grant,
    keys::{BODY, CARD, Key, PEOPLE, SHARED, Tail, VERSION, records},
    read::Reading,
    recent::Recent,
    types,
    vault::Vault,
};
use fhir::{ResourceType, Value};
use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

/// A question that each version of a person's resources answers: whether it is left out.
pub trait Residual: Send + Sync {
    /// Names the question. Two of one name must ask the same: what was answered is remembered under it.
    fn name(&self) -> [u8; 32];
    /// Whether a version is left out. Pure, and the same for ever.
    fn hides(&self, of: ResourceType, id: &str, resource: &Value) -> bool;
}

/// Cards read at once.
const AT_ONCE: usize = 1024;
/// Questions, each about one person, of which answers are remembered: some 24 bytes for each of her versions.
const QUESTIONS: usize = 1024;

/// Answers by the stamp of the version.
type Answers = Arc<Mutex<HashMap<u64, bool>>>;

/// What was answered of late.
pub(crate) struct Judged(Recent<(u64, [u8; 32]), Answers>);

impl Default for Judged {
    fn default() -> Self {
        Judged(Recent::new(QUESTIONS))
    }
}

impl Judged {
    fn of(&self, person: PersonKey, name: [u8; 32]) -> Answers {
        let key = (person.0, name);
        self.0.get(&key).unwrap_or_else(|| {
            let answers = Answers::default();
            self.0.put(key, answers.clone());
            answers
        })
    }
}

fn known(answers: &Answers, stamp: u64) -> Option<bool> {
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    answers.get(&stamp).copied()
}

fn remember(answers: &Answers, stamp: u64, hides: bool) {
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    answers.insert(stamp, hides);
}

/// The question a permit carries for a person, with what was answered.
#[derive(Clone)]
pub(crate) struct Asked {
    residual: Arc<dyn Residual>,
    answers: Answers,
}

impl Asked {
    pub(crate) fn of(residual: &ResidualOf, judged: &Judged, person: PersonKey) -> Option<Asked> {
        let residual = residual(person)?;
        let answers = judged.of(person, residual.name());
        Some(Asked { residual, answers })
    }
    pub(crate) fn name(&self) -> [u8; 32] {
        self.residual.name()
    }
    /// What cannot be read as a resource is left out.
    fn text(&self, stamp: u64, stored: &Stored) -> Option<bool> {
        let text = stored.text.as_ref()?;
        let hides = text.read().map_or(true, |resource| {
            self.residual.hides(stored.of, &stored.id, &resource)
        });
        remember(&self.answers, stamp, hides);
        Some(hides)
    }
}

/// One version, by its rows.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) of: ResourceType,
    pub(crate) rid: u64,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
}

/// Whether a person's residual leaves a version out; a deletion is judged as the version before it. What cannot be
/// judged, its rows being gone, is left out.
pub(crate) fn leaves_out(
    grant: &Grant,
    vault: &Vault,
    snapshot: &dyn Snapshot,
    person: PersonKey,
    place: Place,
) -> Result<bool> {
    let Some(asked) = grant.residual(person) else {
        return Ok(false);
    };
    let Place { of, rid, .. } = place;
    let (mut version, mut stamp) = (place.version, place.stamp);
    loop {
        if let Some(hides) = known(&asked.answers, stamp) {
            return Ok(hides);
        }
        let key = Key::new(records(of), BODY).long(stamp).done();
        let Some(row) = snapshot.get(&key)? else {
            return Ok(true);
        };
        let Some(stored) = vault.body(&key, &row)? else {
            return Ok(true);
        };
        if let Some(hides) = asked.text(stamp, &stored) {
            return Ok(hides);
        }
        version = version.saturating_sub(1);
        let before = Key::new(records(of), VERSION).rid(rid).long(version);
        match snapshot.get(&before.done())? {
            Some(row) => stamp = Reader(&row).number()?,
            None => return Ok(true),
        }
    }
}

impl Reading<'_> {
    /// Whether a person's residual leaves a current resource out, by its number.
    pub(crate) fn leaves_out(&self, person: PersonKey, rid: u64) -> Result<bool> {
        match self.left_out(person)? {
            Some(left_out) => Ok(left_out.contains(&rid)),
            None => Ok(false),
        }
    }

    /// As [`leaves_out`](Reading::leaves_out), of one version, without going through all that is hers.
    pub(crate) fn version_left_out(&self, person: PersonKey, place: Place) -> Result<bool> {
        leaves_out(
            self.grant,
            &self.vault,
            self.snapshot.as_ref(),
            person,
            place,
        )
    }

    /// The numbers of her current resources that are left out; `None` when she has no residual.
    fn left_out(&self, person: PersonKey) -> Result<Option<Rc<HashSet<u64>>>> {
        if person.0 == 0 {
            return Ok(None);
        }
        let Some(asked) = self.grant.residual(person) else {
            return Ok(None);
        };
        if let Some(found) = self.left_out.borrow().get(&person.0) {
            return Ok(Some(found.clone()));
        }
        let mut found = HashSet::new();
        for partition in [PEOPLE, SHARED] {
            self.go_through(partition, person, &asked, &mut found)?;
        }
        let found = Rc::new(found);
        let mut all = self.left_out.borrow_mut();
        all.insert(person.0, found.clone());
        Ok(Some(found))
    }

    fn go_through(
        &self,
        partition: u16,
        person: PersonKey,
        asked: &Asked,
        found: &mut HashSet<u64>,
    ) -> Result<()> {
        let (mut from, to) = Key::new(partition, CARD).person(person).range();
        let mut rows = Rows::default();
        loop {
            rows.clear();
            self.snapshot
                .scan(&from, &to, Direction::Up, AT_ONCE, &mut rows)?;
            let mut new = Vec::new();
            for (key, row) in rows.iter() {
                let (code, tail) = Tail::of_card(key).ok_or_else(broken)?;
                let of = types::named(code).ok_or_else(broken)?;
                let stamp = card::mark(row)?.1;
                match known(&asked.answers, stamp) {
                    Some(true) => {
                        found.insert(tail.rid);
                    }
                    Some(false) => {}
                    None => new.push((of, tail.rid, stamp)),
                }
                from = key.to_vec();
            }
            let stamps: Vec<_> = new.iter().map(|&(of, _, stamp)| (of, stamp)).collect();
            let stored = self.stored_many(&stamps)?;
            for ((_, rid, stamp), stored) in new.into_iter().zip(stored) {
                let answer = stored.and_then(|stored| asked.text(stamp, &stored));
                if answer.unwrap_or(true) {
                    found.insert(rid);
                }
            }
            if rows.len() < AT_ONCE {
                return Ok(());
            }
            from.push(0);
        }
    }
}

/// The labels of a row and, besides, its person's residual.
impl Reading<'_> {
    /// Whether the permit opens what a row says. `named` as for [`Grant::opens`].
    pub(crate) fn opens_row(
        &self,
        of: ResourceType,
        tail: &Tail,
        labels: Labels,
        named: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        Ok(self.grant.opens(of, tail.person, labels, named)?
            && !self.leaves_out(tail.person, tail.rid)?)
    }
}

fn broken() -> Error {
    Error::Damaged("the key of a card cannot be read".into())
}
