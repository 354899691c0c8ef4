//! The wish not to know: what a person asked not to be told, until she asks.
//!
//! The wish is a part of her [`Word`](super::Word): signed where she said it, carried to every member, with one meaning at
//! each. It speaks only of what she herself is shown, and those who ask for her; whoever cares for her sees everything,
//! with a note that she asked not to know.
//!
//! The law ([`unwanted`], [`ask`]):
//! 1. Of each finding the last wish counts; those before it are its history. The wish about all that was not asked for
//!    covers what by its nature is so, until she asks for one of those.
//! 2. It holds until its date, if it has one, and until she asked for it: **asking always wins**. Nothing but a time that
//!    she chose herself beforehand, at most [`MAX_COOL_OFF_HOURS`], or the session that she chooses now, lies between
//!    asking and seeing. To be accompanied is offered, never demanded: she may waive it in the same moment.
//! 3. Somebody whom she named to be told may see it where she asks for her.

mod consent;
mod sentence;

pub use consent::{
    CATEGORY as CONSENT_CATEGORY, POLICY as CONSENT_POLICY, from_consent, to_consent,
};

use super::speak::{self, MAX_SPOKEN};
use super::{Speaker, Viewer, Word, WordError};
use crate::{Finding, MemberId, Purpose, Tag};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::Labels;

/// No word has more wishes, those of the past counted.
pub const MAX_WISHES: usize = 64;
/// The longest time to think it over that a person may set herself.
pub const MAX_COOL_OFF_HOURS: u16 = 72;
/// The farthest session that she may choose.
const MAX_SESSION_DAYS: i64 = 366;
/// Bytes of a name.
const MAX_NAME: usize = 128;

/// One wish not to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Of what.
    pub finding: Finding,
    /// Until when.
    pub until: Until,
    /// With whom she wants to be when she is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion: Option<Named>,
    /// Who may be told in her place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Named>,
    /// When she wants to be asked whether she still wishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Timestamp>,
    /// Hours between asking and seeing that she sets herself; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cool_off_hours: u16,
    /// When she said it.
    pub since: Timestamp,
    /// That she asked to know after all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Who said it for her ([`super::speak`]); `None` for what she said herself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<Speaker>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for it.
fn is_zero(hours: &u16) -> bool {
    *hours == 0
}

/// Until when a wish holds, if she does not ask before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// Until she asks.
    Asked,
    /// Until she asks; she wants her companion to be there.
    Accompanied,
    /// Until a day, when it ends by itself.
    Date(Timestamp),
}

/// A person as she names her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// As people say it.
    pub name: String,
    /// Her institution and login, when she is known to the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(MemberId, String)>,
}

/// That she asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When, first.
    pub at: Timestamp,
    /// From when she sees it.
    pub from: Timestamp,
    /// Whether her companion was there.
    pub company: Company,
}

/// What came of the companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Company {
    /// She named none.
    None,
    /// She was there, as the person says.
    Present,
    /// The person did without her.
    Waived,
    /// She is awaited at the session.
    Awaited,
}

/// How she asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Now; her companion is with her.
    Accompanied,
    /// Now, by herself.
    Alone,
    /// In a session at this time; until then she may still ask for it at once.
    At(Timestamp),
}

impl Wish {
    /// A wish until she asks, and nothing else.
    pub fn plain(finding: Finding, since: Timestamp) -> Wish {
        Wish {
            finding,
            until: Until::Asked,
            companion: None,
            told: None,
            review: None,
            cool_off_hours: 0,
            since,
            asked: None,
            speaker: None,
        }
    }
    /// Whose voice it is.
    fn voice(&self) -> Voice {
        self.speaker.as_ref().map(|speaker| speaker.tag)
    }
    /// Whether it holds at a moment, as far as it is the last one of its finding.
    pub fn holds(&self, now: Timestamp) -> bool {
        let ended = match self.until {
            Until::Date(date) => date <= now,
            Until::Asked | Until::Accompanied => false,
        };
        !ended && self.asked.is_none_or(|asked| now < asked.from)
    }
    /// When it ends by itself, as far as that is known.
    pub(super) fn turns(&self) -> impl Iterator<Item = Timestamp> {
        let date = match self.until {
            Until::Date(date) => Some(date),
            _ => None,
        };
        date.into_iter().chain(self.asked.map(|asked| asked.from))
    }
    fn check(&self) -> Result<(), WordError> {
        let wrong = |why| WordError::Wish {
            finding: self.finding.code(),
            why,
        };
        let named = [&self.companion, &self.told];
        if named.into_iter().flatten().any(|named| !named.is_good()) {
            return Err(wrong("a name must have 1 to 128 letters"));
        }
        if self.cool_off_hours > MAX_COOL_OFF_HOURS {
            return Err(wrong("at most 72 hours may lie between asking and seeing"));
        }
        if self.until == Until::Accompanied && self.companion.is_none() {
            return Err(wrong("it does not name the companion"));
        }
        speak::check_wish(self).map_err(wrong)?;
        if let Some(asked) = self.asked
            && !(asked.at <= asked.from && asked.from <= days_after(asked.at, MAX_SESSION_DAYS))
        {
            return Err(wrong("who asks is shown it within a year"));
        }
        Ok(())
    }
}

impl Named {
    fn is_good(&self) -> bool {
        let good = |text: &str| !text.trim().is_empty() && text.len() <= MAX_NAME;
        good(&self.name)
            && self
                .at
                .as_ref()
                .is_none_or(|(m, id)| good(&m.0) && good(id))
    }
    fn is(&self, viewer: &Viewer<'_>) -> bool {
        self.at
            .as_ref()
            .is_some_and(|(member, id)| member == viewer.member && id == viewer.actor)
    }
}

/// Whether wishes keep their bounds.
pub fn check_wishes(wishes: &[Wish]) -> Result<(), WordError> {
    for voice in voices(wishes) {
        let said = wishes.iter().filter(|wish| wish.voice() == voice).count();
        if said > most(voice) {
            return Err(WordError::TooManyWishes(said));
        }
    }
    wishes.iter().try_for_each(Wish::check)
}

/// Who speaks in a wish: she, or somebody for her.
type Voice = Option<Tag>;

/// How many wishes of one voice a word has at most.
fn most(voice: Voice) -> usize {
    match voice {
        None => MAX_WISHES,
        Some(_) => MAX_SPOKEN,
    }
}

/// Those who speak in wishes, she herself first.
fn voices(wishes: &[Wish]) -> BTreeSet<Voice> {
    wishes.iter().map(Wish::voice).collect()
}

/// The last wish of each finding by each who spoke of it, whether it holds or not.
pub fn last(wishes: &[Wish]) -> impl Iterator<Item = &Wish> {
    let voices = voices(wishes);
    Finding::ALL.into_iter().flat_map(move |finding| {
        let voices = voices.clone().into_iter();
        voices.filter_map(move |voice| last_of(wishes, voice, finding))
    })
}

fn last_of(wishes: &[Wish], voice: Voice, finding: Finding) -> Option<&Wish> {
    let mut wishes = wishes.iter().rev();
    wishes.find(|wish| wish.finding == finding && wish.voice() == voice)
}

/// The wish of one voice that keeps a finding from her: the last one about it; or the one about all that was not asked
/// for, if that covers it and she did not ask for this finding since.
fn keeping(wishes: &[Wish], voice: Voice, finding: Finding, now: Timestamp) -> Option<&Wish> {
    let own = last_of(wishes, voice, finding);
    if let Some(own) = own.filter(|wish| wish.holds(now)) {
        return Some(own);
    }
    let general = last_of(wishes, voice, Finding::Unrequested)
        .filter(|wish| wish.finding.covers().meets(finding.bit()) && wish.holds(now))?;
    let asked = own.and_then(|own| own.asked);
    match asked.is_some_and(|asked| asked.from >= general.since) {
        true => None,
        false => Some(general),
    }
}

/// The findings that are kept from her at a moment: what her log keeps back, and what whoever cares for her is told that
/// she asked not to know.
pub fn held(wishes: &[Wish], now: Timestamp) -> Labels {
    kept(wishes, now, |_| true)
}

fn kept(wishes: &[Wish], now: Timestamp, counts: impl Fn(&Wish) -> bool) -> Labels {
    if wishes.is_empty() {
        return Labels(0);
    }
    let voices = voices(wishes);
    let keeps = |finding: &Finding| {
        let mut voices = voices.iter();
        voices.any(|voice| keeping(wishes, *voice, *finding, now).is_some_and(&counts))
    };
    Finding::ALL
        .into_iter()
        .filter(keeps)
        .fold(Labels(0), |all, finding| all.with(finding.bit()))
}

/// What is left out for a viewer: for the person herself, whoever acts for her ([`super::represent`]) and whoever asks for
/// her what she does not wish to know, for the last unless she named that one to be told; for everybody else nothing.
pub fn unwanted(word: &Word, viewer: &Viewer<'_>, purpose: Purpose, now: Timestamp) -> Labels {
    // Whoever acts for her lives with her secrets nearby: she is told no more than the person.
    let as_herself = viewer.herself || viewer.acting.is_some();
    if !as_herself && purpose != Purpose::OwnRequest {
        return Labels(0);
    }
    kept(&word.wishes, now, |wish| {
        as_herself || !wish.told.as_ref().is_some_and(|told| told.is(viewer))
    })
}

/// The wishes with one more, which takes the place of the one before about the same finding. What she had asked for and
/// not seen yet, she takes back by it. What is oldest of the past is let go where there are too many.
pub fn choose(mut wishes: Vec<Wish>, wish: Wish) -> Vec<Wish> {
    let voice = wish.voice();
    for before in wishes.iter_mut().filter(|one| one.voice() == voice) {
        let pending = before.asked.is_some_and(|asked| wish.since < asked.from);
        if pending && wish.finding.covers().meets(before.finding.bit()) {
            before.asked = None;
        }
    }
    wishes.push(wish);
    while wishes.iter().filter(|one| one.voice() == voice).count() > most(voice) {
        let past = |at: &usize| {
            let of = wishes.get(*at).filter(|wish| wish.voice() == voice);
            let of = of.map(|wish| wish.finding);
            let mut later = wishes.iter().skip(at + 1);
            later.any(|later| Some(later.finding) == of && later.voice() == voice)
        };
        match (0..wishes.len()).find(past) {
            Some(oldest) => drop(wishes.remove(oldest)),
            None => break,
        }
    }
    wishes
}

/// The wishes after she asked to know of a finding: whatever keeps it from her ends, whoever said it, now or when she
/// chose, and nothing else does. `None` when nothing keeps it from her.
pub fn ask(wishes: Vec<Wish>, finding: Finding, how: Asking, now: Timestamp) -> Option<Vec<Wish>> {
    let voices = voices(&wishes);
    let asked = |(wishes, any): (Vec<Wish>, bool), voice: Voice| match ask_of(
        wishes.clone(),
        voice,
        finding,
        how,
        now,
    ) {
        Some(asked) => (asked, true),
        None => (wishes, any),
    };
    let (wishes, any) = voices.into_iter().fold((wishes, false), asked);
    any.then_some(wishes)
}

/// The same of what one voice said.
pub(crate) fn ask_of(
    mut wishes: Vec<Wish>,
    voice: Option<Tag>,
    finding: Finding,
    how: Asking,
    now: Timestamp,
) -> Option<Vec<Wish>> {
    let keeps = keeping(&wishes, voice, finding, now)?.clone();
    if keeps.finding == finding {
        let mut wishes_of = wishes.iter_mut().rev();
        let own = wishes_of.find(|wish| wish.finding == finding && wish.voice() == voice);
        if let Some(own) = own {
            own.asked = Some(asked(own, how, now));
        }
        return Some(wishes);
    }
    // The wish about all that was not asked for stays; of this finding alone she wants to know.
    let mut only = Wish {
        finding,
        since: now,
        asked: None,
        ..keeps
    };
    only.asked = Some(asked(&only, how, now));
    Some(choose(wishes, only))
}

fn asked(wish: &Wish, how: Asking, now: Timestamp) -> Asked {
    // Another member's clock may be ahead; nobody waits longer for that.
    let first = wish.asked.map_or(now, |asked| asked.at.min(now));
    let thought_over = first
        .checked_add(SignedDuration::from_hours(wish.cool_off_hours.into()))
        .unwrap_or(now);
    let from = match how {
        Asking::Accompanied | Asking::Alone => thought_over.max(now),
        Asking::At(session) => session.max(now).min(days_after(first, MAX_SESSION_DAYS)),
    };
    Asked {
        at: first,
        from,
        company: match (how, &wish.companion) {
            (_, None) => Company::None,
            (Asking::Accompanied, _) => Company::Present,
            (Asking::Alone, _) => Company::Waived,
            (Asking::At(_), _) => Company::Awaited,
        },
    }
}

fn days_after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
