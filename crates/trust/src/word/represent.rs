//! Who acts for a person: whoever has parental authority or guardianship by a document, and whom she named herself.
//!
//! It is a part of her [`Word`](super::Word): signed where it was said, carried to every member, with one meaning at each.
//!
//! The law ([`Word::representative`], and [`hidden`](super::hidden) for a viewer who acts for her):
//! 1. Somebody acts for her while the last line about that one holds: it has begun, has not ended and was not ended. Of a
//!    minor a guardianship ends by itself when she is of age, and nobody whom she names acts for her before that; of an
//!    adult a guardianship always has an end. Nothing is renewed by silence.
//! 2. Whoever acts for her sees what was granted (all, where no category is named), but for what the table of
//!    [`autonomy`](super::autonomy) keeps from guardians unless she lets them, what her rules close to everyone, to all who
//!    act for her or to that one, and **what she does not wish to know herself**.
//! 3. A rule that is **quiet** hides from whoever acts for her what it closes, whomever it names, and no other rule opens
//!    that again. That it is there they do not see either, nor are they told that anything is withheld.
//! 4. A rule that opens something for whoever acts for her can lift the table's line and a broader closing rule. It opens
//!    nothing beyond what was granted, and nothing that is quiet.

use super::autonomy::{self, OF_AGE};
use super::{Word, WordError, is_twice};
use crate::{Category, Lang, MemberId, Tag};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// No word has more of them, those that ended counted.
pub const MAX_REPRESENTATIVES: usize = 16;
/// For how long both sides are told of a change on their first page, and one that ended stays in the word.
pub const NOTICE: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The longest that a guardianship of an adult holds without a new document.
const LONGEST_OF_ADULT: SignedDuration = SignedDuration::from_hours(24 * 366 * 2);
/// Bytes of a name or of a document's number.
const MAX_TEXT: usize = 128;

/// Somebody who acts for the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Representative {
    /// Who: the tag of her CURP.
    pub tag: Tag,
    /// Her name as people say it.
    pub name: String,
    /// The person's name, for whoever acts for her.
    pub whose: String,
    /// What she is to the person.
    pub tie: Tie,
    /// By what she acts for her.
    pub kind: Kind,
    /// For a guardian: on what document, and who entered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Entered>,
    /// What she sees; empty means all that the law above allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sees: Vec<Category>,
    /// Whether a proxy may say rules and wishes for her ([`speak`](super::speak)); a guardian may by being that.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub speaks: bool,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` means until it is ended, for a minor until she is of age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When somebody ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// By what somebody acts for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Patria potestad or tutela of a minor.
    GuardianOfMinor,
    /// Tutela of an adult, by a court.
    GuardianOfAdult,
    /// The person named her.
    Proxy,
}

impl Kind {
    /// Whether it stands on a document and not on the person's own word.
    pub fn is_guardian(self) -> bool {
        self != Kind::Proxy
    }
}

/// What somebody is to the person whom she acts for: codes of HL7 v3 RoleCode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tie {
    /// MTH
    #[serde(rename = "MTH")]
    Mother,
    /// FTH
    #[serde(rename = "FTH")]
    Father,
    /// GRPRN
    #[serde(rename = "GRPRN")]
    Grandparent,
    /// SPS
    #[serde(rename = "SPS")]
    Spouse,
    /// CHILD
    #[serde(rename = "CHILD")]
    Child,
    /// SIB
    #[serde(rename = "SIB")]
    Sibling,
    /// GUARD: a guardian who is not of the family.
    #[serde(rename = "GUARD")]
    Guardian,
    /// FRND
    #[serde(rename = "FRND")]
    Friend,
}

impl Tie {
    /// All, in the order in which pages offer them.
    pub const ALL: [Tie; 8] = [
        Tie::Mother,
        Tie::Father,
        Tie::Grandparent,
        Tie::Spouse,
        Tie::Child,
        Tie::Sibling,
        Tie::Guardian,
        Tie::Friend,
    ];
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Tie::Mother => "MTH",
            Tie::Father => "FTH",
            Tie::Grandparent => "GRPRN",
            Tie::Spouse => "SPS",
            Tie::Child => "CHILD",
            Tie::Sibling => "SIB",
            Tie::Guardian => "GUARD",
            Tie::Friend => "FRND",
        }
    }
    /// The tie of a code.
    pub fn from_code(code: &str) -> Option<Tie> {
        Tie::ALL.into_iter().find(|tie| tie.code() == code)
    }
    /// As the person says it, after a name: "tu madre".
    pub fn yours(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Tie::Mother) => "tu madre",
            (Lang::Es, Tie::Father) => "tu padre",
            (Lang::Es, Tie::Grandparent) => "tu abuela o abuelo",
            (Lang::Es, Tie::Spouse) => "tu pareja",
            (Lang::Es, Tie::Child) => "tu hija o hijo",
            (Lang::Es, Tie::Sibling) => "tu hermana o hermano",
            (Lang::Es, Tie::Guardian) => "tu tutora o tutor",
            (Lang::Es, Tie::Friend) => "de tu confianza",
            (Lang::En, Tie::Mother) => "your mother",
            (Lang::En, Tie::Father) => "your father",
            (Lang::En, Tie::Grandparent) => "your grandparent",
            (Lang::En, Tie::Spouse) => "your partner",
            (Lang::En, Tie::Child) => "your child",
            (Lang::En, Tie::Sibling) => "your brother or sister",
            (Lang::En, Tie::Guardian) => "your guardian",
            (Lang::En, Tie::Friend) => "whom you trust",
        }
    }
}

/// On what document a guardian was entered, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// What was shown.
    pub paper: Paper,
    /// Its number, as printed.
    pub number: String,
    /// The member where it was shown.
    pub member: MemberId,
    /// The login of who saw it there.
    pub by: String,
}

/// A document that shows a guardianship.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paper {
    /// Acta de nacimiento, with the parents' names: of a minor.
    BirthCertificate,
    /// What a judge decided: tutela, adoption, custody.
    CourtDecision,
}

impl Paper {
    /// Its code, as in words.
    pub fn code(self) -> &'static str {
        match self {
            Paper::BirthCertificate => "birth-certificate",
            Paper::CourtDecision => "court-decision",
        }
    }
    /// The document of a code.
    pub fn from_code(code: &str) -> Option<Paper> {
        [Paper::BirthCertificate, Paper::CourtDecision]
            .into_iter()
            .find(|paper| paper.code() == code)
    }
}

impl Representative {
    /// Whether it holds at a moment, for a person born then; the line alone, not whether a later one took its place.
    fn holds(&self, born: Option<Date>, now: Timestamp) -> bool {
        let of_age = |born| autonomy::has_reached(born, OF_AGE, now);
        let suits = match self.kind {
            Kind::GuardianOfMinor => born.is_some_and(|born| !of_age(born)),
            Kind::GuardianOfAdult | Kind::Proxy => born.is_none_or(of_age),
        };
        suits
            && self.from <= now
            && self.until.is_none_or(|until| now < until)
            && self.ended.is_none()
    }
    /// When it changed last before a moment: named, or ended by somebody or by itself.
    pub fn changed(&self, now: Timestamp) -> Timestamp {
        let over = self.ended.or(self.until.filter(|until| *until <= now));
        over.unwrap_or(self.from)
    }
    fn check(&self, person: Tag, born: Option<Date>) -> Result<(), WordError> {
        let wrong = |why| Err(WordError::Representative(why));
        let good = |text: &str| !text.trim().is_empty() && text.len() <= MAX_TEXT;
        if self.tag == person {
            return wrong("nobody acts for herself");
        }
        if !good(&self.name) || !good(&self.whose) {
            return wrong("a name must have 1 to 128 letters");
        }
        if is_twice(&self.sees) {
            return wrong("it names a category twice");
        }
        if self.until.is_some_and(|until| until <= self.from) {
            return wrong("it ends before it begins");
        }
        let longest = self.from.checked_add(LONGEST_OF_ADULT).ok();
        let bounded = self
            .until
            .zip(longest)
            .is_some_and(|(end, most)| end <= most);
        let court = |one: &Entered| one.paper == Paper::CourtDecision;
        match (self.kind, &self.entered) {
            (Kind::Proxy, Some(_)) => wrong("a document is for guardians"),
            (Kind::GuardianOfMinor | Kind::GuardianOfAdult, None) => {
                wrong("a guardian needs a document")
            }
            (_, Some(one)) if !good(&one.number) || one.by.is_empty() => {
                wrong("its document has no number, or nobody saw it")
            }
            (Kind::GuardianOfMinor, _) if born.is_none() => {
                wrong("a minor's guardian needs the minor's birth date")
            }
            (Kind::GuardianOfAdult, Some(one)) if !court(one) || !bounded => {
                wrong("an adult's guardian needs a court's decision and an end within two years")
            }
            _ => Ok(()),
        }
    }
}

impl Word {
    /// Who acts for her by this tag at a moment, if that one does.
    pub fn representative(&self, tag: Tag, now: Timestamp) -> Option<&Representative> {
        let last = self.represented_by.iter().rev().find(|one| one.tag == tag);
        last.filter(|one| one.holds(self.born, now))
    }
    /// All who act for her at a moment.
    pub fn representatives(&self, now: Timestamp) -> impl Iterator<Item = &Representative> {
        let tags: BTreeSet<Tag> = self.represented_by.iter().map(|one| one.tag).collect();
        tags.into_iter()
            .filter_map(move |tag| self.representative(tag, now))
    }
    /// What whoever acts for her by this tag is not shown, whatever her rules say; and what not unless a rule lets her.
    pub(super) fn kept_from(&self, tag: Tag, now: Timestamp) -> (Vec<Category>, Vec<Category>) {
        let Some(one) = self.representative(tag, now) else {
            return (Category::ALL.to_vec(), Vec::new());
        };
        let granted = |category: &Category| one.sees.is_empty() || one.sees.contains(category);
        let never = Category::ALL.into_iter().filter(|one| !granted(one));
        let unless_let = match one.kind {
            Kind::GuardianOfMinor => autonomy::closed_to_guardians(self.born, now),
            Kind::GuardianOfAdult => autonomy::closed_to_guardians(None, now),
            Kind::Proxy => Vec::new(),
        };
        (never.collect(), unless_let)
    }
    /// What her own sign-in does not show while she is too young for it. It is known of whoever has a guardian: before
    /// that age it may be the guardian who holds her telephone.
    pub fn too_young_for(&self, now: Timestamp) -> Vec<Category> {
        let born = self.born.into_iter();
        born.flat_map(|born| autonomy::closed_to_herself(born, now))
            .collect()
    }
    /// The moments at which somebody begins or ceases to act for her, or sees less.
    pub(super) fn represented_turns(&self) -> impl Iterator<Item = Timestamp> {
        let lines = self.represented_by.iter();
        let ends = lines.flat_map(|one| [Some(one.from), one.until]).flatten();
        ends.chain(self.born.into_iter().flat_map(autonomy::turns))
    }
    /// Whether those who act for her keep their bounds.
    pub(super) fn check_representatives(&self) -> Result<(), WordError> {
        if self.represented_by.len() > MAX_REPRESENTATIVES {
            return Err(WordError::Representative("they are more than 16"));
        }
        self.represented_by
            .iter()
            .try_for_each(|one| one.check(self.person, self.born))
    }
}

/// When somebody born on a day is of age; `None` beyond the calendar.
pub fn of_age(born: Date) -> Option<Timestamp> {
    autonomy::birthday(born, OF_AGE)
}

/// Whether somebody born on a day is of age.
pub fn is_of_age(born: Date, now: Timestamp) -> bool {
    autonomy::has_reached(born, OF_AGE, now)
}

/// The lines with one more, which ends those before it about the same one. What ended longer ago than both sides are told
/// is let go.
pub fn name(
    mut lines: Vec<Representative>,
    new: Representative,
    now: Timestamp,
) -> Vec<Representative> {
    lines = end(lines, new.tag, now);
    lines.push(new);
    lines
}

/// The lines with those about one ended.
pub fn end(mut lines: Vec<Representative>, tag: Tag, now: Timestamp) -> Vec<Representative> {
    for line in lines.iter_mut().filter(|line| line.tag == tag) {
        let over = line.until.filter(|until| *until <= now);
        line.ended = line.ended.or(over).or(Some(now));
    }
    let told = |line: &Representative| match line.ended.or(line.until) {
        Some(over) => over.checked_add(NOTICE).is_ok_and(|told| told > now),
        None => true,
    };
    lines.retain(told);
    lines
}

#[cfg(test)]
mod tests;
