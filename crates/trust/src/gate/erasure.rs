//! Erasing a person: what an operator of this house does when the law or the person asks for it.
//!
//! In: who asks for it, whom, why. Out: nothing of her record, and an act that says how much there was. Allowed to an
//! operator of this very house to whom the pact allows to write; a refusal is an act, as everywhere.
//!
//! What goes, with the archive's part ([`store::Store::erase`]): her resources with all versions, acts that were about
//! her record alone, her own account with its sessions, evidence of care relations, the living code, her word in every
//! version, and her opinions.
//!
//! What stays, and why:
//! - acts of others that touched several people, and acts that name her by tag only (refusals, check-ins, sign-ins, words
//!   heard): they are how those who acted answer for it, and hold nothing of her record. She can still read them;
//! - that the glass was broken over her record, by whom and with what verdict; the words about it go;
//! - that a case was opened about an act, and when: it is the other side's as well;
//! - the number of her last word, so that her next one is newer than what other members keep of her;
//! - the account of somebody who works here, which is not hers as a patient;
//! - a word on its way to other members: she said it to them;
//! - what other members hold: this is one house.
//!
//! It is begun by a row that stands until it is done, so that one which is cut off goes on when the archive is opened.

use super::accounts::json;
use super::acts::{Deed, Rows};
use super::person::Target;
use super::words::Words;
use super::{Gate, PersonRef, Purpose, Refusal, RefusalKind, Request, Tag, What, locked, rows};
use crate::{Act, ActKind, Actor, Role};
use jiff::Timestamp;
use mx::Curp;
use serde::{Deserialize, Serialize};
use store::{Erased, PersonKey, Verb, Verbs};

/// Characters of a reason.
const MAX_REASON: usize = 300;
/// Acts read at once.
const PAGE: usize = 500;

/// What an erasure took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Records of hers here, as many as she was registered times.
    pub records: u64,
    /// Resources, deleted ones included.
    pub resources: u64,
    /// Their versions.
    pub versions: u64,
    /// Acts that can be read no more.
    pub acts: u64,
    /// Rows of the house: account, evidence, word.
    pub rows: u64,
}

/// An erasure that is under way.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) tags: Vec<Tag>,
    pub(crate) by: Actor,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

impl Gate {
    /// Erases a person from this house, for good. The reason stands in the act: the number of a resolution or of her
    /// request, and nothing that says who she is. Blocks until it is done; others are served meanwhile.
    ///
    /// Refused for anybody but an operator of this house, and when nothing is known here of her.
    pub fn erase(
        &self,
        by: &Actor,
        person: PersonRef,
        reason: &str,
        now: Timestamp,
    ) -> Result<Erasure, Refusal> {
        let reason = check_reason(reason)?;
        let (tags, keys) = self.may_erase(by, person, reason, now)?;
        let _one = locked(&self.house.erasing);
        let begun = Begun {
            tags,
            by: by.clone(),
            reason: reason.to_owned(),
            at: now,
        };
        // One that was cut off is still known by her tags, if by nothing else.
        let mut done = self.go_on(&begun.tags)?;
        let gone = self.take_rows(&begun, &keys)?;
        done.rows += gone;
        if keys.is_empty() && done == Erasure::default() {
            return Err(unknown());
        }
        for key in &keys {
            done.add(self.erase_record(*key, begun.clone())?);
        }
        done.rows += self.take_rows(&begun, &[])?;
        if keys.is_empty() && done.records == 0 {
            let deed = begun.deed(&Erased::default());
            self.keep(Vec::new(), Vec::new(), Some(deed), now)?;
        }
        Ok(done)
    }

    /// Goes on with what was cut off, at the opening of the archive. One that fails again is tried at the next opening.
    pub(crate) fn resume_erasures(&self) -> Result<(), Refusal> {
        let _one = locked(&self.house.erasing);
        for (key, begun) in self.begun()? {
            let (tags, number) = (begun.tags.clone(), key.0);
            let done = self
                .erase_record(key, begun.clone())
                .and_then(|_| self.take_rows(&begun, &[]));
            match done {
                Ok(_) => tracing::info!(number, tags = tags.len(), "an erasure is done"),
                Err(error) => tracing::error!(%error, number, "an erasure could not be finished"),
            }
        }
        Ok(())
    }

    /// Goes on with what was cut off of a person with one of these tags.
    fn go_on(&self, tags: &[Tag]) -> Result<Erasure, Refusal> {
        let mut done = Erasure::default();
        for (key, begun) in self.begun()? {
            if begun.tags.iter().any(|tag| tags.contains(tag)) {
                done.add(self.erase_record(key, begun)?);
            }
        }
        Ok(done)
    }

    fn begun(&self) -> Result<Vec<(PersonKey, Begun)>, Refusal> {
        let mut begun = Vec::new();
        self.each_row(rows::ERASING, &mut |key, value| {
            let number = key.last_chunk().map(|number| u64::from_be_bytes(*number));
            if let (Some(number), Ok(one)) = (number, serde_json::from_slice(value)) {
                begun.push((PersonKey(number), one));
            }
        })?;
        Ok(begun)
    }

    /// Her tags that are nobody else's, and her numbers here.
    fn may_erase(
        &self,
        by: &Actor,
        person: PersonRef,
        reason: &str,
        now: Timestamp,
    ) -> Result<(Vec<Tag>, Vec<PersonKey>), Refusal> {
        if let PersonRef::Patient(id) = &person
            && words(reason).any(|word| word == id)
        {
            return Err(named());
        }
        let request = Request {
            actor: by.clone(),
            purpose: Purpose::Operations,
            person,
            verbs: Verbs::only(Verb::Delete),
            types: None,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: What::Erasure(reason.to_owned()),
        };
        let target = self.resolve(&request.person)?;
        if by.role != Role::Operator || by.member != self.house.member {
            let refusal = Refusal::new(RefusalKind::Pact, Vec::new());
            self.deny(&request, &target, &refusal, None, now)?;
            return Err(refusal);
        }
        // The grant itself is not used: the archive erases for whoever holds its seal.
        self.decide(request, now)?;
        let Target::Person(person) = target else {
            return Err(unknown());
        };
        let mut tags = Vec::new();
        for tag in person.tags {
            let people = self.people_of(tag)?;
            if people.iter().all(|other| person.keys.contains(other)) {
                tags.push(tag);
            }
        }
        Ok((tags, person.keys))
    }

    /// Takes the house's rows about her away and, in the same commit, marks her records as being erased. Gives how many
    /// rows went.
    pub(crate) fn take_rows(&self, begun: &Begun, keys: &[PersonKey]) -> Result<u64, Refusal> {
        // No word is heard between the look and the commit.
        let _one = locked(&self.house.words.taking);
        let mut changes = self.accounts_of(&begun.tags)?;
        let logins = changes
            .iter()
            .filter_map(|(key, _)| String::from_utf8(key.get(1..)?.to_vec()).ok())
            .collect::<Vec<_>>();
        for tag in &begun.tags {
            self.rows_of(*tag, &mut changes)?;
        }
        self.opinions_of(&begun.tags, keys, &mut changes)?;
        let mut links = Rows::new();
        self.links_of(keys, &mut links);
        self.alike_rows_of(keys, &mut links)?;
        changes.extend(links.iter().cloned());
        let gone = changes.iter().filter(|(_, value)| value.is_none()).count() as u64;
        for tag in &begun.tags {
            changes.extend(self.silenced(*tag)?);
        }
        let row = json(begun);
        changes.extend(
            keys.iter()
                .map(|key| (rows::erasing(*key), Some(row.clone()))),
        );
        if !changes.is_empty() {
            self.keep(changes, Vec::new(), None, begun.at)?;
        }
        self.forget_accounts(&logins);
        self.forget_links(&links);
        let held: &Words = &self.house.words;
        begun.tags.iter().for_each(|tag| held.forget(*tag));
        Ok(gone)
    }

    /// Evidence, code and word of a tag.
    fn rows_of(&self, tag: Tag, changes: &mut Rows) -> Result<(), Refusal> {
        let house = &self.house;
        for prefix in [
            rows::evidence_of(tag),
            rows::words_of(tag),
            rows::limits_of(tag),
            rows::used_of(tag),
        ] {
            self.each_row(&prefix, &mut |key, _| changes.push((key.to_vec(), None)))?;
        }
        if let Some(mac) = house.store.get(&house.seal, &rows::code_of(tag))? {
            changes.push((rows::code(&mac), None));
            changes.push((rows::code_of(tag), None));
        }
        if let Some(signed) = self.word(tag) {
            changes.push((rows::word(tag), None));
            let version = signed.word.version.to_be_bytes().to_vec();
            changes.push((rows::last_word(tag), Some(version)));
        }
        Ok(())
    }

    /// What she said of acts, while the lists still tell which they are.
    fn opinions_of(
        &self,
        tags: &[Tag],
        keys: &[PersonKey],
        changes: &mut Rows,
    ) -> Result<(), Refusal> {
        let house = &self.house;
        let tags = tags.iter().map(|tag| rows::listed_person(*tag));
        let locals = keys.iter().map(|key| rows::listed_local(*key));
        for list in tags.chain(locals) {
            let mut before = None;
            loop {
                let page = house.store.acts(&house.seal, &list, before, PAGE)?;
                for (_, body) in &page {
                    let Ok(act) = Act::from_body(body) else {
                        continue;
                    };
                    let key = rows::opinion(&act.id);
                    if house.store.get(&house.seal, &key)?.is_some() {
                        changes.push((key, None));
                    }
                }
                match page.last() {
                    Some((place, _)) if page.len() == PAGE => before = Some(*place),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// Her record under one number, with the act of it.
    fn erase_record(&self, key: PersonKey, begun: Begun) -> Result<Erasure, Refusal> {
        let house = &self.house;
        let (blank, now) = (self.blank()?, begun.at);
        let done = vec![(rows::erasing(key), None)];
        let act = Box::new(move |erased: &Erased| blank.fill(begun.deed(erased), now));
        let named = house.store.named(&house.seal, key)?;
        let erased = house.store.erase(&house.seal, key, done, now, act);
        house.people.changed();
        if let (Ok(_), Some((id, _))) = (&erased, named) {
            self.unregistered(&id);
        }
        let (erased, _) = erased?;
        Ok(Erasure {
            records: 1,
            resources: erased.resources,
            versions: erased.versions,
            acts: erased.acts,
            rows: 0,
        })
    }
}

impl Begun {
    /// The act: her tag, so that she finds it, and figures.
    fn deed(&self, erased: &Erased) -> Deed<'_> {
        let Erased {
            resources,
            versions,
            acts,
        } = erased;
        let figures = format!("{resources} resources, {versions} versions, {acts} acts");
        Deed {
            persons: self.tags.clone(),
            what: What::Erasure(format!("{} ({figures})", self.reason)),
            resources: *resources,
            ..Deed::new(ActKind::Erasure, &self.by, Purpose::Operations)
        }
    }
}

impl Erasure {
    fn add(&mut self, other: Erasure) {
        self.records += other.records;
        self.resources += other.resources;
        self.versions += other.versions;
        self.acts += other.acts;
        self.rows += other.rows;
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
}

/// A reason that may stand in an act for ever.
fn check_reason(reason: &str) -> Result<&str, Refusal> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if length == 0 || length > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(Refusal::bad(
            "Di el motivo en una línea de 1 a 300 letras: el número de la resolución o de la solicitud.",
            "Give the reason in one line of 1 to 300 characters: the number of the resolution or of the request.",
        ));
    }
    match words(reason).any(|word| Curp::parse(&word.to_uppercase()).is_ok()) {
        true => Err(named()),
        false => Ok(reason),
    }
}

fn named() -> Refusal {
    Refusal::bad(
        "El motivo se guarda para siempre y no debe decir quién es ella: quita la CURP o el número de expediente.",
        "The reason is kept for ever and must not say who she is: take out the CURP or record number.",
    )
}

fn unknown() -> Refusal {
    Refusal::bad(
        "Aquí no hay nada de esa persona.",
        "Nothing is known here of that person.",
    )
}
