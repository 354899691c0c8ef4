//! A pattern of care: whoever opens many records that nothing but her own word ties to care is noticed, and slowed.
//!
//! Evidence keeps strangers out. It does not stop somebody who may receive people from receiving whom she is curious
//! about. What tells the two apart is what goes with care: somebody else received the person, or made the appointment; the
//! person showed her code; something was written into her record. Of each professional the people whose record she opened
//! in the last [`WINDOW`] hours are kept, each with a [`weight`]; what she writes about a person takes that person out. From
//! [`NOTICED`] on it is an act, listed for review (`noticed`), and each further such person takes a wait that grows ([`wait`]).
//! People whom she opened before, people with a code, an appointment or something written: never slowed. So a doctor
//! alone at her desk who receives, reads and writes is never noticed, and who only reads is after twenty.
//!
//! **What it does not see**: who writes a false note for each person (the note is there for the person to read, with a
//! name), and a desk that receives people for a colleague (a tenth of the weight: noticed from two hundred).
//!
//! The truth is the log: what is at hand here is made from the professional's acts when she is first seen after a start.
//! Cost: of somebody new to a professional one look into a small table; the first time after a start her acts of the
//! window, at most [`MOST_ACTS`].

use super::decide::Asked;
use super::judge::Opens;
use super::{Gate, Refusal, RefusalKind, Tag, locked, rows};
use crate::{Act, ActKind, Actor, Evidence, EvidenceKind, MemberId, Purpose, Role};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use store::{Verb, Verbs};

/// For how long somebody opened counts, hours.
const WINDOW: i64 = 24;
/// Weight from which it is noticed: twenty people on her own word alone.
const NOTICED: u32 = 200;
/// Of a person whom she received herself.
const OWN_WORD: u32 = 10;
/// Of a person whom somebody else at the desk received.
const COLLEAGUE: u32 = 1;
/// The first wait in seconds, and the longest: a real emergency at the desk is never shut out for good.
const FIRST_WAIT: i64 = 60;
const LONGEST_WAIT: i64 = 900;
/// Acts of a professional that are read when she is first seen.
const MOST_ACTS: usize = 4_000;
const PAGE: usize = 500;
/// Professionals at hand.
const MOST: usize = 10_000;

/// Professionals of whom is known whom they opened.
#[derive(Default)]
pub(crate) struct Patterns(Mutex<HashMap<MemberId, HashMap<String, Pattern>>>);

/// Whom one professional opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    people: HashMap<Tag, Opened>,
    /// When it was noticed last.
    noticed: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opened {
    first: Timestamp,
    weight: u32,
}

/// What meeting a person comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// She was met before, or nothing is unusual.
    Usual,
    /// With her it is to be noticed: people without a sign of care in the window.
    Noticed(usize),
    /// Not before so many seconds.
    Wait(i64),
}

impl Pattern {
    /// A person is to be opened.
    pub(crate) fn meet(&mut self, person: Tag, weight: u32, now: Timestamp) -> Meeting {
        if let Some(known) = self.people.get_mut(&person) {
            known.weight = known.weight.min(weight);
            return Meeting::Usual;
        }
        let from = start(now);
        self.people.retain(|_, opened| opened.first > from);
        let sum: u32 = self.people.values().map(|opened| opened.weight).sum();
        if weight > 0
            && let Some(over) = sum.checked_sub(NOTICED)
        {
            let counted = self.people.values().filter(|opened| opened.weight > 0);
            let last = counted.map(|opened| opened.first).max();
            let waited = last.map_or(i64::MAX, |last| {
                now.as_second().saturating_sub(last.as_second())
            });
            let wait = wait(over);
            if waited < wait {
                return Meeting::Wait(wait - waited.max(0));
            }
        }
        let opened = Opened { first: now, weight };
        self.people.insert(person, opened);
        let known = self.noticed.is_some_and(|noticed| noticed > from);
        if sum + weight >= NOTICED && !known {
            self.noticed = Some(now);
            return Meeting::Noticed(self.people.values().filter(|one| one.weight > 0).count());
        }
        Meeting::Usual
    }
    /// Something was written about a person: that is care.
    pub(crate) fn cared(&mut self, person: Tag, now: Timestamp) {
        let opened = Opened {
            first: now,
            weight: 0,
        };
        self.people.entry(person).or_insert(opened).weight = 0;
    }
    /// Made from her acts, newest first.
    fn of_acts(acts: &[Act]) -> Pattern {
        let mut pattern = Pattern::default();
        let received: HashSet<Tag> = acts
            .iter()
            .filter(|act| act.kind == ActKind::Evidence && act.evidence.is_some_and(is_word))
            .filter_map(|act| act.person)
            .collect();
        for act in acts.iter().rev() {
            match (act.kind, act.person) {
                (ActKind::Unusual, _) => pattern.noticed = Some(act.at),
                (ActKind::Write, Some(person)) => pattern.cared(person, act.at),
                (ActKind::Read | ActKind::Ask, Some(person))
                    if act.purpose == Purpose::Treatment =>
                {
                    let weight = match act.evidence {
                        Some(kind) if is_word(kind) && received.contains(&person) => OWN_WORD,
                        Some(EvidenceKind::CheckIn | EvidenceKind::Admission) => COLLEAGUE,
                        _ => 0,
                    };
                    let opened = Opened {
                        first: act.at,
                        weight,
                    };
                    let known = pattern.people.entry(person).or_insert(opened);
                    known.weight = known.weight.min(weight);
                }
                _ => {}
            }
        }
        pattern
    }
}

/// The beginning of the window that ends now.
fn start(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(WINDOW))
        .unwrap_or(Timestamp::MIN)
}

/// The end of the window that begins then: from it on another one is noticed anew.
pub(super) fn end(noticed: Timestamp) -> Timestamp {
    noticed
        .checked_add(SignedDuration::from_hours(WINDOW))
        .unwrap_or(Timestamp::MAX)
}

/// What somebody of the house says by herself.
fn is_word(kind: EvidenceKind) -> bool {
    matches!(
        kind,
        EvidenceKind::CheckIn | EvidenceKind::Appointment | EvidenceKind::Admission
    )
}

/// How much a person counts, by the best of the evidence there is: 0 what the person, another institution or an appointment of
/// somebody else's making says, [`COLLEAGUE`] the desk, [`OWN_WORD`] what the professional says herself. Tenths of a person.
pub(crate) fn weight(evidence: &[Evidence], actor: &Actor) -> u32 {
    let of = |evidence: &Evidence| {
        // What whoever named her says weighs no less than what she says herself.
        let by = evidence.by.as_deref();
        let own = by.is_some_and(|by| by == actor.id || by == actor.evidence_login());
        match evidence.kind {
            kind if own && is_word(kind) => OWN_WORD,
            EvidenceKind::CheckIn | EvidenceKind::Admission => COLLEAGUE,
            EvidenceKind::Appointment
            | EvidenceKind::PatientCode
            | EvidenceKind::Referral
            | EvidenceKind::OwnAccess => 0,
            // Each is reviewed by itself, and neither is evidence of care.
            EvidenceKind::Emergency
            | EvidenceKind::EmergencyConfirmed
            | EvidenceKind::Order
            | EvidenceKind::Representation => 0,
        }
    };
    evidence.iter().map(of).min().unwrap_or(OWN_WORD)
}

/// How long to wait since the last one, in seconds: a minute, and twice as long for each further whole person, to a
/// quarter of an hour.
fn wait(over: u32) -> i64 {
    let doubled = (over / OWN_WORD).min(4);
    (FIRST_WAIT << doubled).min(LONGEST_WAIT)
}

impl Gate {
    /// Whether a request opens a record to a professional, so that it counts.
    fn counts(request: &super::Request) -> bool {
        let care = [Role::Physician, Role::Nurse, Role::Pharmacist, Role::Clerk];
        let reads = |verbs: &Verbs| {
            [Verb::Read, Verb::Search, Verb::History]
                .into_iter()
                .any(|verb| verbs.has(verb))
        };
        request.purpose == Purpose::Treatment
            && care.contains(&request.actor.role)
            && reads(&request.verbs)
    }

    /// Whether this person was opened by this professional before, so that nothing is to be asked.
    pub(super) fn met_before(&self, asked: &Asked<'_>) -> bool {
        let Some(person) = asked.target.tags().first() else {
            return true;
        };
        if !Gate::counts(asked.request) || matches!(asked.key.opens, Opens::Identity) {
            return true;
        }
        let actor = &asked.request.actor;
        let patterns = locked(&self.house.patterns.0);
        let pattern = patterns
            .get(&actor.member)
            .and_then(|all| all.get(&actor.id));
        pattern.is_some_and(|pattern| pattern.people.contains_key(person))
    }

    /// Takes it that a professional opens a person's record. Noticing is an act of its own.
    ///
    /// Errors: [`RefusalKind::Unusual`], with the seconds to wait.
    pub(super) fn meet(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        if self.met_before(asked) {
            return Ok(());
        }
        let Some(person) = asked.target.tags().first() else {
            return Ok(());
        };
        let (actor, now) = (&asked.request.actor, asked.now);
        let weight = weight(&asked.evidence, actor);
        match self.with_pattern(actor, now, |pattern| pattern.meet(*person, weight, now))? {
            Meeting::Usual => Ok(()),
            Meeting::Noticed(people) => self.notice(actor, people as u64, now),
            Meeting::Wait(seconds) => Err(Refusal {
                es: format!(
                    "Abriste muchos expedientes sin nota, sin cita y sin código de la persona. Espera {seconds} s para abrir uno nuevo, o pídele su código. La institución lo va a revisar."
                ),
                en: format!(
                    "You opened many records without a note, an appointment or the person's code. Wait {seconds} s to open another one, or ask for her code. The institution will look into it."
                ),
                ..Refusal::new(RefusalKind::Unusual, Vec::new())
            }),
        }
    }

    /// Something was written about these people by a professional.
    pub(super) fn cared_for(&self, member: &MemberId, login: &str, people: &[Tag], now: Timestamp) {
        let mut patterns = locked(&self.house.patterns.0);
        // Of whom nothing is at hand the log will tell.
        let all = patterns.get_mut(member);
        if let Some(pattern) = all.and_then(|all| all.get_mut(login)) {
            people.iter().for_each(|person| pattern.cared(*person, now));
        }
    }

    fn with_pattern<T>(
        &self,
        actor: &Actor,
        now: Timestamp,
        work: impl FnOnce(&mut Pattern) -> T,
    ) -> Result<T, Refusal> {
        let patterns = || locked(&self.house.patterns.0);
        let known = patterns()
            .get(&actor.member)
            .is_some_and(|all| all.contains_key(&actor.id));
        // The log is read without holding up everybody else.
        let made = match known {
            true => Pattern::default(),
            false => self.pattern_in_the_log(actor, now)?,
        };
        let mut patterns = patterns();
        if !known && patterns.values().map(HashMap::len).sum::<usize>() >= MOST {
            patterns.clear();
        }
        let all = patterns.entry(actor.member.clone()).or_default();
        Ok(work(all.entry(actor.id.clone()).or_insert(made)))
    }

    fn pattern_in_the_log(&self, actor: &Actor, now: Timestamp) -> Result<Pattern, Refusal> {
        let list = rows::listed_actor(&actor.member, &actor.id);
        let acts = self.acts_since(&list, start(now), MOST_ACTS)?;
        Ok(Pattern::of_acts(&acts))
    }

    /// The people whom a professional opened without a sign of care, by her acts of the time around a moment: of the window
    /// that ended then, and of the one that began.
    pub(super) fn opened_without_care(
        &self,
        list: &[u8],
        noticed: Timestamp,
    ) -> Result<Vec<Tag>, Refusal> {
        let mut acts = self.acts_since(list, start(noticed), usize::MAX)?;
        acts.retain(|act| act.at < end(noticed));
        let opened = Pattern::of_acts(&acts).people.into_iter();
        let mut people: Vec<Tag> = opened
            .filter_map(|(person, opened)| (opened.weight > 0).then_some(person))
            .collect();
        people.sort_unstable();
        Ok(people)
    }

    /// Acts listed under a key since a moment, newest first: so many, and what is left of their page.
    fn acts_since(&self, list: &[u8], from: Timestamp, most: usize) -> Result<Vec<Act>, Refusal> {
        let house = &self.house;
        let (mut acts, mut before) = (Vec::new(), None);
        while acts.len() < most {
            let page = house.store.acts(&house.seal, list, before, PAGE)?;
            before = page.last().map(|(leaf, _)| *leaf);
            let read = page
                .iter()
                .filter_map(|(_, body)| Act::from_body(body).ok());
            let within = acts.len();
            acts.extend(read.take_while(|act| act.at > from));
            if page.len() < PAGE || acts.len() - within < page.len() {
                break;
            }
        }
        Ok(acts)
    }
}
