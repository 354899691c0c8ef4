//! The person's word: said here, heard from elsewhere, kept, and previewed.
//!
//! Of two words of one person the one with the higher version holds. Two that have the same version (she spoke at two
//! members that did not know of one another) are settled the same way everywhere: the one whose canonical bytes have
//! the smaller SHA-256 holds. Whatever way they travel, all members end with the same word.

use super::accounts::json;
use super::acts::Deed;
use super::person::Target;
use super::question::Said;
use super::{Gate, Purpose, Refusal, Request, Tag, locked, rows};
use crate::act::Doer;
use crate::policy::Circumstances;
use crate::{
    ActKind, Actor, Category, EvidenceKind, Lang, MemberId, MemberKind, Role, Rule, SignedWord,
    Viewer, Who, Word, word,
};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use store::PersonKey;

/// One category in a preview: what somebody would see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// The category.
    pub category: Category,
    /// Open under the rules shown.
    pub open: bool,
    /// Open under the rules of today.
    pub open_today: bool,
    /// Open under the rules shown, but for a part of it: a time, an author, a visit.
    pub partly: bool,
    /// The same of today.
    pub partly_today: bool,
    /// Closed under the rules shown, but for what of it could save her life.
    pub saving: bool,
    /// The rule that closes it or a part of it, if one does.
    pub rule: Option<String>,
}

/// How far ahead of ours a word's version may be: further is a lie that would leave the person no next one.
const MAX_AHEAD: u64 = 10_000;
/// Rows read at once when the gate opens.
const PAGE: usize = 1_000;

/// A word that is in force here.
pub(crate) struct Heard {
    pub(crate) signed: SignedWord,
    /// SHA-256 of its canonical bytes.
    pub(crate) digest: [u8; 32],
}

type ByPerson = HashMap<PersonKey, Vec<Arc<Heard>>>;

/// All words in force, at hand: about a kilobyte for each person who said anything.
#[derive(Default)]
pub(crate) struct Words {
    held: RwLock<HashMap<Tag, Arc<Heard>>>,
    /// By whoever acts for somebody, for whom: as some word said it once, which may no longer be so.
    wards: RwLock<HashMap<Tag, BTreeSet<Tag>>>,
    generation: AtomicU64,
    /// The same by number, for requests about everyone; made anew when a word or a `Patient` changed.
    by_person: Mutex<Option<(u64, u64, Arc<ByPerson>)>>,
    /// One word is taken at a time.
    pub(crate) taking: Mutex<()>,
}

impl Words {
    fn get(&self, person: Tag) -> Option<Arc<Heard>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&person).cloned()
    }
    /// Whom somebody acts for, or acted for once.
    pub(crate) fn wards_of(&self, tag: Tag) -> BTreeSet<Tag> {
        let wards = self.wards.read().unwrap_or_else(PoisonError::into_inner);
        wards.get(&tag).cloned().unwrap_or_default()
    }
    fn put(&self, heard: Heard) {
        let word = &heard.signed.word;
        if !word.represented_by.is_empty() {
            let mut wards = self.wards.write().unwrap_or_else(PoisonError::into_inner);
            for one in &word.represented_by {
                wards.entry(one.tag).or_default().insert(word.person);
            }
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(heard.signed.word.person, Arc::new(heard));
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
    /// Lets go of the word of somebody who is erased.
    pub(crate) fn forget(&self, person: Tag) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.remove(&person);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl Heard {
    pub(crate) fn new(signed: SignedWord) -> Heard {
        Heard {
            digest: ledger::sha256(&signed.word.canonical()),
            signed,
        }
    }
    /// Whether this word takes the place of the other.
    fn replaces(&self, other: Option<&Heard>) -> bool {
        let Some(other) = other else {
            return true;
        };
        let (ours, theirs) = (&self.signed.word, &other.signed.word);
        ours.version > theirs.version
            || (ours.version == theirs.version && self.digest < other.digest)
    }
}

/// Why rules that break their bounds are not kept.
pub(super) fn unfit(error: &word::WordError) -> Refusal {
    Refusal::bad(
        format!("Esas reglas no se pueden guardar: {error}."),
        format!("These rules cannot be kept: {error}."),
    )
}

/// Why a word that goes beyond its bounds is not kept.
pub(super) fn unkept(error: &word::WordError) -> Refusal {
    Refusal::bad(
        format!("Eso no se puede guardar: {error}."),
        format!("This cannot be kept: {error}."),
    )
}

impl Gate {
    /// A word within its bounds, signed here; else why it is not kept.
    pub(super) fn signed(&self, word: Word) -> Result<Heard, Refusal> {
        word.check().map_err(|error| unkept(&error))?;
        Ok(Heard::new(SignedWord::sign(word, &self.house.key)))
    }

    /// The person's word as this node knows it.
    pub fn word(&self, person: Tag) -> Option<SignedWord> {
        self.house
            .words
            .get(person)
            .map(|heard| heard.signed.clone())
    }

    /// The person says new rules (all of them), signed in at this node. In force here when this returns. What others said
    /// for her and she does not name is taken back, as far as it is hers to decide; what she names of it stays as it was.
    pub fn say(
        &self,
        patient: &Actor,
        rules: Vec<Rule>,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.say_after(patient, now, |_| Ok(rules))
    }

    /// What she would say next here, if she said again what she said before. To be called with the turn to take words.
    pub(crate) fn next_word(&self, person: Tag, now: Timestamp) -> Result<Word, Refusal> {
        let before = self.house.words.get(person);
        let before = before.as_deref().map(|heard| &heard.signed.word);
        let version = before.map_or(0, |word| word.version);
        Ok(Word {
            person,
            version: version.max(self.last_word(person)?) + 1,
            rules: before.map(|word| word.rules.clone()).unwrap_or_default(),
            wishes: before.map(|word| word.wishes.clone()).unwrap_or_default(),
            represented_by: before
                .map(|word| word.represented_by.clone())
                .unwrap_or_default(),
            born: before.and_then(|word| word.born),
            said: now,
            author: self.house.member.clone(),
        })
    }

    /// Refuses rules of which one closes anew what the pact does not let anybody close. What a rule of that name closed
    /// before it goes on closing, and so does what was said elsewhere: no pact opens what a person closed.
    pub(super) fn agreed(&self, before: &[Rule], rules: &[Rule]) -> Result<(), Refusal> {
        let pact = self.pact();
        let closed = |rule: &Rule, category: &Category| {
            let mut before = before.iter().filter(|one| one.id == rule.id && !one.allow);
            before.any(|one| one.what.contains(category))
        };
        for rule in rules.iter().filter(|rule| !rule.allow) {
            let mut new = rule.what.iter().filter(|one| !closed(rule, one));
            let beyond = new.find(|one| !crate::pact::may_close(pact.seals.as_ref(), **one));
            if let Some(category) = beyond {
                let (es, en) = (category.name(Lang::Es), category.name(Lang::En));
                return Err(Refusal::bad(
                    format!(
                        "«{es}» no se puede cerrar por separado: las instituciones no acordaron cómo reconocerlo. Cierra todo, o una de las demás cosas."
                    ),
                    format!(
                        "\"{en}\" cannot be closed by itself: the institutions have not agreed on how to recognise it. Close everything, or one of the other things."
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Takes a word from another member, if it is signed and newer. `true` if it was news.
    pub fn hear(
        &self,
        word: &SignedWord,
        from: &MemberId,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let _one = locked(&self.house.words.taking);
        let heard = Heard::new(word.clone());
        let before = self.house.words.get(word.word.person);
        let erased = self.last_word(word.word.person)?;
        if !heard.replaces(before.as_deref()) || word.word.version < erased {
            return Ok(false);
        }
        let in_force = self.in_force();
        word.verify(&in_force.pact)
            .map_err(|e| Refusal::forged(&e.to_string()))?;
        let ours = before.map_or(erased, |heard| heard.signed.word.version);
        if word.word.version.saturating_sub(ours) > MAX_AHEAD {
            return Err(Refusal::forged("a word's version too far ahead"));
        }
        // It was said, and signed for, at its author's node: who brings it is only the messenger.
        let who = Doer {
            id: "patient".to_owned(),
            name: String::new(),
            member: word.word.author.clone(),
            role: Role::Patient,
            licence: None,
            supervisor: None,
            helper: None,
            delegator: None,
        };
        let deed = Deed {
            via: (*from != self.house.member).then(|| from.clone()),
            persons: vec![word.word.person],
            ..Deed::by(ActKind::Word, who, Purpose::OwnRequest)
        };
        self.put_word(heard, deed, None, now)?;
        Ok(true)
    }

    /// A word that came with a request: of the person asked about, and heard before anything is decided.
    pub(crate) fn hear_along(
        &self,
        word: &SignedWord,
        request: &Request,
        target: &Target,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match target {
            Target::Person(person) if person.tags.contains(&word.word.person) => {
                let from = request.via.as_ref().unwrap_or(&self.house.member);
                self.hear(word, from, now).map(drop)
            }
            Target::Person(_) | Target::Unknown => Err(Refusal::forged("a word of somebody else")),
            _ => Ok(()),
        }
    }

    /// What somebody (with evidence, purpose treatment) would see under these rules, beside what she sees today; of all who
    /// act for her the first one.
    ///
    /// Who is named by kind, institution or "everyone" is taken as a physician there with an active licence, since
    /// nobody sees more; of an institution that is not named, no rule but those for everyone or the role speaks.
    pub fn preview(
        &self,
        patient: &Actor,
        who: &Who,
        rules: &[Rule],
        now: Timestamp,
    ) -> Result<Vec<Previewed>, Refusal> {
        let person = self.patient_here(patient)?;
        word::check_rules(rules)
            .map_err(|e| Refusal::bad(format!("Reglas no válidas: {e}."), e.to_string()))?;
        let held = self.house.words.get(person);
        let said = held.as_deref().map(|heard| &heard.signed.word);
        self.agreed(said.map_or(&[], |word| &word.rules), rules)?;
        let shown = Word {
            person,
            version: 1,
            rules: rules.to_vec(),
            wishes: Vec::new(),
            represented_by: said
                .map(|word| word.represented_by.clone())
                .unwrap_or_default(),
            born: said.and_then(|word| word.born),
            said: now,
            author: self.house.member.clone(),
        };
        let (viewer, kind) = self.somebody(who)?;
        let acting = match who {
            Who::Representatives => shown.representatives(now).next().map(|one| one.tag),
            Who::Representative(tag) => Some(*tag),
            _ => None,
        };
        let (purpose, evidence) = match who {
            Who::Representatives | Who::Representative(_) => {
                (Purpose::Family, EvidenceKind::Representation)
            }
            _ => (Purpose::Treatment, EvidenceKind::CheckIn),
        };
        let in_force = self.in_force();
        let circumstances = Circumstances {
            evidence: vec![evidence.code()],
            licence_state: "active",
            institution_kind: super::judge::kind_code(kind),
            ..self.circumstances(&in_force, &viewer, purpose, "person", false)
        };
        let (open, _) = in_force.rulebook.sees(&circumstances);
        let viewer = Viewer {
            member: &viewer.member,
            kind,
            role: viewer.role,
            actor: &viewer.id,
            herself: false,
            acting,
        };
        let seals = in_force.pact.seals.as_ref();
        let hidden = |word: Option<&Word>| word::hidden(word, seals, &viewer, purpose, now);
        let then = hidden(Some(&shown));
        let today = hidden(said);
        let partly = |hidden: &word::Hidden, category| {
            let residual = hidden.residual.as_ref();
            residual.is_some_and(|residual| residual.touches(category))
        };
        let closing = |category: Category| {
            let closes = |rule: &&Rule| then.rules.contains(&rule.id) && rule.covers(category);
            rules.iter().find(closes).map(|rule| rule.id.clone())
        };
        Ok(Category::ALL
            .into_iter()
            .map(|category| {
                let closed = then.labels.meets(category.bit());
                let seen = open.contains(&category) && !closed;
                let today_seen = open.contains(&category) && !today.labels.meets(category.bit());
                let partly_then = partly(&then, category);
                Previewed {
                    category,
                    open: seen,
                    open_today: today_seen,
                    partly: seen && partly_then,
                    partly_today: today_seen && partly(&today, category),
                    saving: open.contains(&category) && closed && !then.held.meets(category.bit()),
                    rule: (closed || partly_then).then(|| closing(category)).flatten(),
                }
            })
            .collect())
    }

    /// Somebody as a preview imagines her.
    fn somebody(&self, who: &Who) -> Result<(Actor, MemberKind), Refusal> {
        let pact = self.in_force().pact.clone();
        let kind_of = |member: &MemberId| pact.member(member).map(|m| m.kind);
        let nowhere = MemberId(String::new());
        let plain = MemberKind::PublicInstitution;
        let (member, id, kind, role) = match who {
            Who::Everyone => (nowhere, String::new(), plain, Role::Physician),
            Who::Role(role) => (nowhere, String::new(), plain, *role),
            Who::Representatives | Who::Representative(_) => {
                (nowhere, String::new(), plain, Role::Patient)
            }
            Who::Kind(kind) => (nowhere, String::new(), *kind, Role::Physician),
            Who::Member(member) => (
                member.clone(),
                String::new(),
                kind_of(member).unwrap_or(plain),
                Role::Physician,
            ),
            Who::Actor(member, id) => {
                let here = (*member == self.house.member)
                    .then(|| self.colleague(id))
                    .transpose()?
                    .flatten();
                (
                    member.clone(),
                    id.clone(),
                    kind_of(member).unwrap_or(plain),
                    here.map_or(Role::Physician, |actor| actor.role),
                )
            }
        };
        let actor = Actor {
            id,
            name: String::new(),
            member,
            role,
            licence: None,
            curp: None,
            helper: None,
            delegator: None,
        };
        Ok((actor, kind))
    }

    /// What she said, newest first, as far as this node heard it: version and moment. For herself.
    pub fn words_said(&self, patient: &Actor) -> Result<Vec<(u64, Timestamp)>, Refusal> {
        let mut said: Vec<(u64, Timestamp)> = self
            .words_heard(self.patient_here(patient)?)?
            .into_iter()
            .map(|signed| (signed.word.version, signed.word.said))
            .collect();
        said.reverse();
        Ok(said)
    }

    /// The receipt of a word of hers ([`word::receipt`]), for herself; refused when this node heard none of that version.
    pub fn receipt_of_word(
        &self,
        patient: &Actor,
        version: u64,
        lang: Lang,
    ) -> Result<String, Refusal> {
        let heard = self.words_heard(self.patient_here(patient)?)?;
        let place = heard.iter().rposition(|one| one.word.version == version);
        let found = place.and_then(|place| Some((place, heard.get(place)?)));
        let Some((place, now)) = found else {
            return Err(Refusal::bad(
                "Aquí no hay reglas tuyas con ese número.",
                "There are no rules of yours with that number here.",
            ));
        };
        let before = place.checked_sub(1).and_then(|place| heard.get(place));
        let receipt = word::receipt(before, now, &self.pact(), lang);
        Ok(format!("{receipt:#}\n"))
    }

    /// Every word that was in force here of a person, oldest first.
    pub(super) fn words_heard(&self, person: Tag) -> Result<Vec<SignedWord>, Refusal> {
        let (house, prefix) = (&self.house, rows::words_of(person));
        let mut all = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = house
                .store
                .scan(&house.seal, &prefix, after.as_deref(), PAGE)?;
            let words = page.iter().map(|(_, row)| serde_json::from_slice(row));
            all.extend(words.filter_map(Result::ok));
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(all),
            }
        }
    }

    /// Puts a word in force, with its act in her log and, where somebody else is told as well, one beside it. One that was
    /// said here goes into the outbox in the same commit.
    pub(crate) fn put_word<'a>(
        &self,
        heard: Heard,
        deed: Deed<'a>,
        beside: Option<Deed<'a>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let word = &heard.signed.word;
        let row = json(&heard.signed);
        let mut changes = vec![
            (rows::word(word.person), Some(row.clone())),
            (rows::word_at(&Said::of(&heard)), Some(row.clone())),
        ];
        // What was said here goes out: should the node stop now, it is carried after its restart.
        if word.author == self.house.member {
            changes.extend(self.to_carry(word::OUTBOX, &word.person.0, &row));
        }
        let act = self.blank()?.fill_all(deed, beside.into_iter(), now);
        self.keep_rows(changes, Vec::new(), Some(act), now)?;
        self.house.words.put(heard);
        Ok(())
    }

    /// The version of the last word of somebody who was erased here, 0 of all others. The word itself is gone; without
    /// its number her next one would be older, for the other members, than the one that they keep.
    fn last_word(&self, person: Tag) -> Result<u64, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::last_word(person))?;
        let version = row.and_then(|row| <[u8; 8]>::try_from(row).ok());
        Ok(version.map_or(0, u64::from_be_bytes))
    }

    /// The words in force for these tags.
    pub(crate) fn words_of(&self, tags: &[Tag]) -> Vec<Arc<Heard>> {
        tags.iter()
            .filter_map(|tag| self.house.words.get(*tag))
            .collect()
    }

    /// All words by the person's number here. Linear in the words when something changed, else free.
    pub(crate) fn words_by_person(&self) -> Result<Arc<ByPerson>, Refusal> {
        let words = &self.house.words;
        let at = (
            words.generation.load(Ordering::SeqCst),
            self.house.people.generation(),
        );
        let mut kept = locked(&words.by_person);
        if let Some((word, people, known)) = kept.as_ref()
            && (*word, *people) == at
        {
            return Ok(known.clone());
        }
        let all: Vec<Arc<Heard>> = {
            let held = words.held.read().unwrap_or_else(PoisonError::into_inner);
            held.values().cloned().collect()
        };
        let mut by_person = ByPerson::new();
        for heard in all {
            let tag = heard.signed.word.person;
            for person in self.people_of(tag)? {
                by_person.entry(person).or_default().push(heard.clone());
            }
        }
        let by_person = Arc::new(by_person);
        *kept = Some((at.0, at.1, by_person.clone()));
        Ok(by_person)
    }

    /// Takes up the words that rows kept.
    pub(crate) fn load_words(&self) -> Result<(), Refusal> {
        let house = &self.house;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = house
                .store
                .scan(&house.seal, rows::WORDS, after.as_deref(), PAGE)?;
            for (_, value) in &page {
                if let Ok(signed) = serde_json::from_slice::<SignedWord>(value) {
                    house.words.put(Heard::new(signed));
                }
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(()),
            }
        }
    }
}
