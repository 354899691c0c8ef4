//! Erasing one person.
//!
//! In: her number, and how to write the act that proves it. Out: nothing of her is left but acts that nobody can read.
//!
//! The walk: a mark is committed, and from then on she cannot be read or written; her resources go, a hundred at a time,
//! with all their versions and index rows, so that nobody waits long; acts about her are taken off every list; at the end
//! her data key is overwritten, and the act is committed with the mark's being done. Cut off at any instant, it goes on
//! where it was when it is asked for again; [`Store::erasures`] says for whom it must be.
//!
//! What stays: the number, marked as erased; the rows of acts about her, sealed under a key that is no more; their
//! leaves, so that the log still verifies. What a backup holds of her is sealed under the same key. An id of hers answers
//! as one that was never known, and may be given again.
//!
//! Cost: her resources, and one reading of all versions and acts without opening those of others.

use crate::{
    ActRecord, Error, PersonKey, Receipt, Result, Seal, Store,
    codec::{Reader, put_number},
    commit::Making,
    derive::Versions,
    engine::{Direction, Rows, Snapshot},
    keys::{
        ACT, CARD, ERASED, HOUSE, Key, LISTED, LOG, OLD, PEOPLE, SHARED, Tail, VERSION, records,
    },
    permit::NO_PERMIT,
    types,
    vault::{Of, key_row},
    writer::{Work, house_key},
};
use fhir::ResourceType;
use jiff::Timestamp;

/// Resources, versions or acts that one commit takes away.
const STEP: usize = 100;

/// What an erasure took away, for its act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Resources, deleted ones included.
    pub resources: u64,
    /// Their versions.
    pub versions: u64,
    /// Acts about her that can be read no more.
    pub acts: u64,
}

/// Makes the act of an erasure from what it took away; it must not say more of her than that.
pub type MakeErasure = Box<dyn FnOnce(&Erased) -> ActRecord + Send>;

/// The row of an erasure: done or not, and what went so far.
#[derive(Clone, Copy, Default)]
struct Mark {
    done: bool,
    so_far: Erased,
}

pub(crate) fn mark_key(person: PersonKey) -> Vec<u8> {
    Key::new(HOUSE, ERASED).person(person).done()
}

/// The mark of an erasure that is done, with nothing counted: for who is found to be erased.
pub(crate) fn found_erased() -> Vec<u8> {
    let mark = Mark {
        done: true,
        ..Mark::default()
    };
    mark.encode()
}

impl Mark {
    fn read(snapshot: &dyn Snapshot, person: PersonKey) -> Result<Option<Mark>> {
        let row = snapshot.get(&mark_key(person))?;
        row.map(|row| Mark::decode(&row)).transpose()
    }
    fn decode(row: &[u8]) -> Result<Mark> {
        let mut reader = Reader(row);
        Ok(Mark {
            done: reader.byte()? != 0,
            so_far: Erased {
                resources: reader.number()?,
                versions: reader.number()?,
                acts: reader.number()?,
            },
        })
    }
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.done)];
        put_number(&mut out, self.so_far.resources);
        put_number(&mut out, self.so_far.versions);
        put_number(&mut out, self.so_far.acts);
        out
    }
}

/// Type, stamp, resource and version.
type Place = (ResourceType, u64, u64, u64);

/// What one commit takes away.
#[derive(Default)]
struct Step {
    resources: Vec<(ResourceType, String)>,
    /// Versions of hers of what is somebody else's now.
    versions: Vec<(Vec<u8>, Option<Place>)>,
    /// Rows of lists.
    lists: Vec<Vec<u8>>,
    acts: u64,
}

impl Step {
    fn full(&self) -> bool {
        self.resources.len() + self.versions.len() + self.lists.len() / 4 >= STEP
    }
    fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.versions.is_empty() && self.lists.is_empty()
    }
    /// Takes it away, inside a commit.
    fn take(self, making: &mut Making<'_>, person: PersonKey) -> Result<()> {
        let mut mark = Mark::read(&making.view(), person)?.unwrap_or_default();
        for (of, id) in self.resources {
            let versions = making.erase(of, &id)?;
            mark.so_far.resources += u64::from(versions > 0);
            mark.so_far.versions += versions;
        }
        for (key, place) in self.versions {
            if let Some((of, stamp, rid, version)) = place {
                let old = Key::new(records(of), OLD).of(of).newest_first(stamp);
                making.rows.insert(old.done(), None);
                let place = Key::new(records(of), VERSION).rid(rid).long(version);
                making.rows.insert(place.done(), None);
            }
            making.rows.insert(key, None);
            mark.so_far.versions += 1;
        }
        for key in self.lists {
            making.rows.insert(key, None);
        }
        mark.so_far.acts += self.acts;
        making.put(mark_key(person), mark.encode());
        Ok(())
    }
}

impl Store {
    /// Erases a person: her resources with every version, their index rows, her data key, and so her part of every
    /// backup. `rows` are the house's rows that go (or change) with her. Blocks until it is done; others are served
    /// meanwhile. Asked again after a failure it goes on; when it is done already, [`Error::Invalid`].
    ///
    /// The act is committed at the end; its receipt opens nothing.
    pub fn erase(
        &self,
        seal: &Seal,
        person: PersonKey,
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        now: Timestamp,
        act: MakeErasure,
    ) -> Result<(Erased, Receipt)> {
        self.sealed(seal)?;
        self.mark(person, now)?;
        self.erase_cards(person, now)?;
        self.erase_versions(person, now)?;
        self.unlist_acts(person, now)?;
        self.finish(person, rows, now, act)
    }

    /// The people whose erasure was begun and not finished.
    pub fn erasures(&self, seal: &Seal) -> Result<Vec<PersonKey>> {
        self.sealed(seal)?;
        let (from, to) = Key::new(HOUSE, ERASED).range();
        let mut rows = Rows::default();
        self.snapshot()?
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        let mut people = Vec::new();
        for (key, row) in rows.iter() {
            if !Mark::decode(row)?.done {
                let number = key
                    .last_chunk::<6>()
                    .and_then(|six| crate::keys::from_six(six));
                people.extend(number.map(PersonKey));
            }
        }
        Ok(people)
    }

    fn own(
        &self,
        now: Timestamp,
        work: impl FnOnce(&mut Making<'_>) -> Result<Option<ActRecord>> + Send + 'static,
    ) -> Result<Receipt> {
        let done = self
            .queue()?
            .ask(NO_PERMIT, now, Work::Own(Box::new(work)))?;
        Ok(done.receipt)
    }

    fn mark(&self, person: PersonKey, now: Timestamp) -> Result<()> {
        let marked = self.own(now, move |making| {
            let known = making.view().get(&key_row(person))?.is_some();
            if person.0 == 0 || !known {
                return Err(Error::Invalid {
                    expression: String::new(),
                    diagnostics: format!("person {} is not known here, or erased", person.0),
                });
            }
            if Mark::read(&making.view(), person)?.is_none() {
                making.put(mark_key(person), Mark::default().encode());
            }
            making.vault.forget(person);
            Ok(None)
        });
        if let Err(error) = marked {
            self.inner.vault.remember(person, &self.erasures_now());
            return Err(error);
        }
        Ok(())
    }

    /// People marked, as far as can be read; for undoing a mark whose commit failed.
    fn erasures_now(&self) -> Vec<PersonKey> {
        let seal = Seal {
            store: self.inner.number,
        };
        self.erasures(&seal).unwrap_or_default()
    }

    fn step(&self, person: PersonKey, now: Timestamp, step: Step) -> Result<()> {
        if step.is_empty() {
            return Ok(());
        }
        self.own(now, move |making| {
            making.erasing = true;
            step.take(making, person)?;
            Ok(None)
        })?;
        Ok(())
    }

    /// Her current resources.
    fn erase_cards(&self, person: PersonKey, now: Timestamp) -> Result<()> {
        for partition in [PEOPLE, SHARED] {
            let (mut from, to) = Key::new(partition, CARD).person(person).range();
            loop {
                let mut rows = Rows::default();
                self.snapshot()?
                    .scan(&from, &to, Direction::Up, STEP, &mut rows)?;
                let mut step = Step::default();
                for (key, row) in rows.iter() {
                    let of = Tail::of_card(key).and_then(|(code, _)| types::named(code));
                    let card = self
                        .inner
                        .vault
                        .card_of(key, row, Some(&|_| false), Of::Anyone)?;
                    if let (Some(of), Some(card)) = (of, card) {
                        step.resources.push((of, card.id));
                    }
                    from = key.to_vec();
                    from.push(0);
                }
                self.step(person, now, step)?;
                if rows.len() < STEP {
                    break;
                }
            }
        }
        Ok(())
    }

    /// What else is hers: resources that were deleted, and versions of resources that are somebody else's now.
    fn erase_versions(&self, person: PersonKey, now: Timestamp) -> Result<()> {
        let vault = &self.inner.vault;
        let mut versions = Versions::new();
        let snapshot = self.snapshot()?;
        let mut step = Step::default();
        while let Some((stamp, key, row)) = versions.next(snapshot.as_ref())? {
            if Reader(&row).number()? != person.0 {
                continue;
            }
            let stored = vault.body_of(&key, &row, Of::Anyone)?;
            let Some(stored) = stored else {
                // Of a backup from before an erasure: no key opens it any more.
                step.versions.push((key, None));
                continue;
            };
            let secret = &self.inner.secrets.index;
            let head = crate::store::head_of(secret, snapshot.as_ref(), stored.of, &stored.id)?;
            if head.is_some_and(|head| head.tail.person == person) {
                let resource = (stored.of, stored.id);
                if !step.resources.contains(&resource) {
                    step.resources.push(resource);
                }
            } else {
                let place = (stored.of, stamp, stored.rid, stored.version);
                step.versions.push((key, Some(place)));
            }
            if step.full() {
                self.step(person, now, std::mem::take(&mut step))?;
            }
        }
        self.step(person, now, step)
    }

    /// Acts about her go off all lists.
    fn unlist_acts(&self, person: PersonKey, now: Timestamp) -> Result<()> {
        let (mut from, to) = Key::new(LOG, ACT).range();
        let snapshot = self.snapshot()?;
        let mut rows = Rows::default();
        loop {
            rows.clear();
            snapshot.scan(&from, &to, Direction::Up, 512, &mut rows)?;
            let mut step = Step::default();
            for (key, row) in rows.iter() {
                from = key.to_vec();
                if Reader(row).number()? != person.0 {
                    continue;
                }
                let place = key.last_chunk().map(|place| u64::from_be_bytes(*place));
                if let Some(kept) = self.inner.vault.act_of(key, row, Of::Anyone)? {
                    step.acts += 1;
                    let lists = kept.listed.iter().map(|listed| {
                        Key::new(LOG, LISTED)
                            .sized(listed)
                            .newest_first(place.unwrap_or_default())
                            .done()
                    });
                    step.lists.extend(lists);
                }
            }
            self.step(person, now, step)?;
            if rows.len() < 512 {
                return Ok(());
            }
            from.push(0);
        }
    }

    fn finish(
        &self,
        person: PersonKey,
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        now: Timestamp,
        act: MakeErasure,
    ) -> Result<(Erased, Receipt)> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let receipt = self.own(now, move |making| {
            making.erasing = true;
            let mut mark = Mark::read(&making.view(), person)?.unwrap_or_default();
            let key = key_row(person);
            let row = making.view().get(&key)?.ok_or_else(|| {
                Error::Damaged(format!("the key row of person {} is gone", person.0))
            })?;
            // A Patient that others named and that never arrived has a head and nothing else.
            if let (Some(of), Some((_, id))) = (
                ResourceType::from_name("Patient"),
                making.vault.person(&key, &row)?,
            ) {
                making.erase(of, &id)?;
            }
            // Durable before the act that says so.
            making.vault.destroy(&row)?;
            making.rows.insert(key, None);
            for (key, value) in rows {
                let key = house_key(&key);
                let row = value
                    .map(|value| making.vault.close_house(&key, &value))
                    .transpose()?;
                making.rows.insert(key, row);
            }
            mark.done = true;
            making.put(mark_key(person), mark.encode());
            let act = act(&mark.so_far);
            let _ = tell.send(mark.so_far);
            Ok(Some(act))
        })?;
        Ok((told.try_recv().unwrap_or_default(), receipt))
    }
}
