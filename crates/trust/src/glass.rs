//! Breaking the glass: one emergency from its declaration to its verdict, as a state machine without clock or archive.
//!
//! declared (what could save a life is open) -> confirmed with a second factor (all but what she insists on keeping) ->
//! run out after the pact's hours -> reviewed by somebody outside the unit. A review that is not there by its day takes
//! the right to break the glass from the whole unit. Each step is an act that the person reads ([`Step`]).

pub mod totp;

use crate::{Emergency, Lang, Tag};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The outbox ([`crate::Gate::rows`]) of verdicts for other members: a key is the member's name, a space and the emergency.
pub const OUTBOX: &str = "verdicts-out";

/// Characters that a reason or a verdict has in words.
pub const WORDS: std::ops::RangeInclusive<usize> = 10..=500;

/// Why the glass was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// She cannot speak: unconscious, confused, very young without anybody who knows.
    CannotSpeak,
    /// Her life is in danger and waiting for her leave would harm her.
    LifeInDanger,
    /// She might harm herself or somebody else now.
    HarmToSelfOrOthers,
    /// The system that shows that she is in care does not work.
    SystemsDown,
}

impl Reason {
    /// All, in the order in which they are offered.
    pub const ALL: [Reason; 4] = [
        Reason::CannotSpeak,
        Reason::LifeInDanger,
        Reason::HarmToSelfOrOthers,
        Reason::SystemsDown,
    ];
    /// Its code, as in forms and JSON.
    pub fn code(self) -> &'static str {
        match self {
            Reason::CannotSpeak => "cannot-speak",
            Reason::LifeInDanger => "life-in-danger",
            Reason::HarmToSelfOrOthers => "harm-to-self-or-others",
            Reason::SystemsDown => "systems-down",
        }
    }
    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.code() == code)
    }
    /// For the person, after "porque" and "because".
    pub fn words(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Reason::CannotSpeak) => "no podías hablar",
            (Lang::Es, Reason::LifeInDanger) => "tu vida estaba en peligro",
            (Lang::Es, Reason::HarmToSelfOrOthers) => "alguien podía salir lastimado",
            (Lang::Es, Reason::SystemsDown) => "el sistema no servía",
            (Lang::En, Reason::CannotSpeak) => "you could not speak",
            (Lang::En, Reason::LifeInDanger) => "your life was in danger",
            (Lang::En, Reason::HarmToSelfOrOthers) => "somebody could get hurt",
            (Lang::En, Reason::SystemsDown) => "the system did not work",
        }
    }
}

/// Somebody of this institution, in a unit of it. Nobody's unit is the unit of all who have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    /// Login.
    pub login: String,
    /// Name as people say it.
    pub name: String,
    /// Unit: `urgencias`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// What a reviewer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Who.
    pub by: Colleague,
    /// When.
    pub at: Timestamp,
    /// Whether it was right.
    pub justified: bool,
    /// Why, for the person.
    pub words: String,
}

impl Verdict {
    /// What somebody says of what a colleague did, who is of another unit.
    pub fn of(
        done_by: &Colleague,
        by: Colleague,
        (justified, words): (bool, &str),
        now: Timestamp,
    ) -> Result<Verdict, GlassError> {
        if by.login == done_by.login {
            return Err(GlassError::OwnReview);
        }
        if by.unit == done_by.unit {
            return Err(GlassError::SameUnit);
        }
        Ok(Verdict {
            by,
            at: now,
            justified,
            words: checked(words)?,
        })
    }
}

/// One emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Its name, hex; that of its evidence too.
    pub id: String,
    /// Whose record.
    pub person: Tag,
    /// Who broke the glass.
    pub by: Colleague,
    /// Why, coded.
    pub reason: Reason,
    /// Why, in words that the person reads.
    pub words: String,
    /// When.
    pub declared: Timestamp,
    /// The record closes at this moment.
    pub until: Timestamp,
    /// It is to be reviewed before this moment.
    pub due: Timestamp,
    /// When it was confirmed with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Timestamp>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Where an emergency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Open: what could save a life.
    Declared,
    /// Open: all but what the person insists on keeping.
    Confirmed,
    /// Run out, to be reviewed.
    Waiting,
    /// Run out, and its review is late: its unit cannot break the glass.
    Overdue,
    /// Reviewed.
    Reviewed,
}

/// A step that the machine does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlassError {
    /// Too few words, or too many.
    #[error("say why in 10 to 500 characters")]
    Words,
    /// Run out.
    #[error("this emergency has run out; declare it again if there is one")]
    Expired,
    /// Somebody else's.
    #[error("somebody else declared this emergency")]
    NotYours,
    /// Confirmed before.
    #[error("this emergency is confirmed already")]
    Confirmed,
    /// Not run out yet: what is still to come would not be reviewed.
    #[error("this is not over yet; it is reviewed when it is")]
    StillOpen,
    /// Reviewed before.
    #[error("this was reviewed already")]
    Reviewed,
    /// Who broke the glass does not review it.
    #[error("nobody reviews what she did herself")]
    OwnReview,
    /// Nor does somebody of the same unit.
    #[error("somebody of another unit reviews it")]
    SameUnit,
}

impl GlassError {
    /// For people, Spanish.
    pub fn spanish(self) -> &'static str {
        match self {
            GlassError::Words => "Di por qué, con 10 a 500 letras.",
            GlassError::Expired => "Esta emergencia ya venció; declárala de nuevo si la hay.",
            GlassError::NotYours => "Otra persona declaró esta emergencia.",
            GlassError::Confirmed => "Esta emergencia ya está confirmada.",
            GlassError::StillOpen => "Esto sigue abierto; se revisa cuando termine.",
            GlassError::Reviewed => "Esto ya se revisó.",
            GlassError::OwnReview => "Nadie revisa lo que hizo.",
            GlassError::SameUnit => "Lo revisa alguien de otra área.",
        }
    }
}

impl Break {
    /// Somebody declares an emergency. `id` is random.
    pub fn declare(
        id: String,
        (person, by): (Tag, Colleague),
        (reason, words): (Reason, &str),
        terms: &Emergency,
        now: Timestamp,
    ) -> Result<Break, GlassError> {
        Ok(Break {
            id,
            person,
            by,
            reason,
            words: checked(words)?,
            declared: now,
            until: later(now, terms.hours),
            due: later(now, terms.review_days.saturating_mul(24)),
            confirmed: None,
            verdict: None,
        })
    }

    /// Who declared it has shown a second factor.
    pub fn confirm(mut self, login: &str, now: Timestamp) -> Result<Break, GlassError> {
        if self.by.login != login {
            return Err(GlassError::NotYours);
        }
        match self.stage(now) {
            Stage::Declared => {
                self.confirmed = Some(now);
                Ok(self)
            }
            Stage::Confirmed => Err(GlassError::Confirmed),
            Stage::Waiting | Stage::Overdue | Stage::Reviewed => Err(GlassError::Expired),
        }
    }

    /// Somebody outside the unit says whether it was right. A review that is late is still one.
    pub fn review(
        mut self,
        by: Colleague,
        said: (bool, &str),
        now: Timestamp,
    ) -> Result<Break, GlassError> {
        match self.stage(now) {
            Stage::Declared | Stage::Confirmed => return Err(GlassError::StillOpen),
            Stage::Reviewed => return Err(GlassError::Reviewed),
            Stage::Waiting | Stage::Overdue => {}
        }
        self.verdict = Some(Verdict::of(&self.by, by, said, now)?);
        Ok(self)
    }

    /// Where it is. It is open up to its end, not at it; it is late from its day on.
    pub fn stage(&self, now: Timestamp) -> Stage {
        match (&self.verdict, self.confirmed) {
            (Some(_), _) => Stage::Reviewed,
            (None, Some(_)) if now < self.until => Stage::Confirmed,
            (None, None) if now < self.until => Stage::Declared,
            (None, _) if now < self.due => Stage::Waiting,
            (None, _) => Stage::Overdue,
        }
    }

    /// Whether its late review takes the right from this colleague: her own, or of somebody of her unit.
    pub fn suspends(&self, login: &str, unit: Option<&str>, now: Timestamp) -> bool {
        let theirs = self.by.login == login || self.by.unit.as_deref() == unit;
        theirs && self.stage(now) == Stage::Overdue
    }

    /// The name of the evidence that its confirmation gives.
    pub fn confirmation(&self) -> String {
        format!("{}{CONFIRMED}", self.id)
    }
}

/// What follows an emergency's name in that of its confirmed evidence.
const CONFIRMED: &str = "-c";

/// The emergency that a piece of evidence is of.
pub(crate) fn break_of(evidence: &str) -> &str {
    evidence.strip_suffix(CONFIRMED).unwrap_or(evidence)
}

/// A step as its act tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// The glass was broken.
    Declared {
        /// Which emergency.
        id: String,
        /// Why, coded.
        reason: Reason,
        /// Why, in words.
        words: String,
        /// Until when the record is open.
        until: Timestamp,
        /// Before when it is reviewed.
        due: Timestamp,
    },
    /// All was opened with a second factor.
    Confirmed {
        /// Which emergency.
        id: String,
    },
    /// It was reviewed.
    Reviewed {
        /// Which emergency.
        id: String,
        /// Whether it was right.
        justified: bool,
        /// Why; empty at the other members, which are told the verdict alone.
        words: String,
    },
    /// It was reviewed how somebody opened many records without a sign of care ([`crate::Unusual`]).
    Judged {
        /// Which time.
        id: String,
        /// Her name.
        who: String,
        /// How many people without a sign of care she had opened when it was noticed.
        people: u64,
        /// Whether it was right.
        justified: bool,
        /// Why.
        words: String,
    },
    /// Somebody wanted to take a step; why not, the act says.
    Tried,
}

impl Step {
    /// Of what it is; empty for one that was not taken.
    pub fn id(&self) -> &str {
        match self {
            Step::Declared { id, .. }
            | Step::Confirmed { id }
            | Step::Reviewed { id, .. }
            | Step::Judged { id, .. } => id,
            Step::Tried => "",
        }
    }
}

/// How many emergencies there were at a member, and what became of them: nobody is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// All.
    pub declared: u64,
    /// Those of them that were confirmed with a second factor.
    pub confirmed: u64,
    /// Reviewed and right.
    pub justified: u64,
    /// Reviewed and not right.
    pub not_justified: u64,
    /// Not reviewed yet, in time.
    pub waiting: u64,
    /// Not reviewed, and late.
    pub overdue: u64,
}

impl Figures {
    /// Counts one more.
    pub fn count(&mut self, one: &Break, now: Timestamp) {
        self.declared += 1;
        self.confirmed += u64::from(one.confirmed.is_some());
        match (&one.verdict, one.stage(now)) {
            (Some(verdict), _) if verdict.justified => self.justified += 1,
            (Some(_), _) => self.not_justified += 1,
            (None, Stage::Overdue) => self.overdue += 1,
            (None, _) => self.waiting += 1,
        }
    }
}

fn checked(words: &str) -> Result<String, GlassError> {
    let words = words.trim();
    let plain = !words.chars().any(|c| c.is_control() && c != '\n');
    match plain && WORDS.contains(&words.chars().count()) {
        true => Ok(words.to_owned()),
        false => Err(GlassError::Words),
    }
}

fn later(at: Timestamp, hours: u64) -> Timestamp {
    let hours = i64::try_from(hours.min(1 << 20)).unwrap_or(0);
    at.checked_add(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
