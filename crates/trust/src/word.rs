//! The person's own word: her rules, signed by the member where she said them, the same at every member.
//!
//! What her rules hide from somebody is decided by [`hidden`], a pure function; its page says the law. They read as
//! sentences ([`Rule::sentence`]) and as a FHIR `Consent` ([`to_consent`]), all of them or one [`Statement`], and a
//! `Consent` of others is read as rules ([`from_consent`]). Of what she does not wish to know herself speaks [`wish`], of
//! those who act for her [`represent`].

pub mod autonomy;
mod consent;
mod decide;
mod from_consent;
mod part;
mod receipt;
pub mod represent;
mod residual;
mod sentence;
pub mod speak;
pub(crate) mod statement;
mod terms;
pub mod wish;

pub use consent::{check_kept, to_consent};
pub use decide::{Hidden, Viewer, hidden, hidden_when};
pub use from_consent::{Names, Unsaid, from_consent};
pub use part::{Author, Label, Part, Period, confidentiality, kept_at, kept_name};
pub use receipt::receipt;
pub use represent::{Representative, Tie};
pub use residual::Residual;
pub use speak::Speaker;
pub use statement::{Statement, stated};
pub use terms::{Frequency, Limited, Per, Terms, USE, Used};
pub use wish::Wish;

use crate::pact::NEVER;
use crate::{Category, MemberId, MemberKind, Pact, Purpose, Role, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::SigningKey;
use represent::is_of_age;
use serde::{Deserialize, Serialize};

/// Whom a rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Everyone but the person herself, the institution that wrote it and those who act for her included.
    #[default]
    Everyone,
    /// Institutions of a kind: pharmacies.
    Kind(MemberKind),
    /// One institution.
    Member(MemberId),
    /// One role anywhere.
    Role(Role),
    /// One professional of one institution.
    Actor(MemberId, String),
    /// All who act for her ([`represent`]).
    Representatives,
    /// One who acts for her.
    Representative(Tag),
}

/// One rule. The default one closes everything to everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Names it.
    pub id: String,
    /// `false` closes, `true` opens again for somebody what a broader rule closed.
    pub allow: bool,
    /// Whom.
    pub who: Who,
    /// What; empty means everything.
    pub what: Vec<Category>,
    /// Only for this purpose; `None` means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Until when; `None` means until she changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For a closing rule: whether the one refused is told that something is withheld.
    pub hint: bool,
    /// From when; `None` means from when she said it. Absent when it says nothing, as all that follows, so that words
    /// from before it was there bear their signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Of what the categories are left with: a time, an author, a visit...
    #[serde(default, skip_serializing_if = "Part::is_all")]
    pub part: Part,
    /// For a closing rule: what it leaves open. Each can only take from this one rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<Unless>,
    /// For a closing rule: it closes also what could save her life ([`crate::category::EMERGENCY`]), and also in an
    /// emergency. Said only after a warning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insist: bool,
    /// For a closing rule: it closes also to all who act for her, whomever it names, and they do not see that it is there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quiet: bool,
    /// For an allowing rule: how often, and by when what was received is erased.
    #[serde(default, skip_serializing_if = "Terms::is_none")]
    pub terms: Terms,
    /// Who said it for her ([`speak`]); `None` for what she said herself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<Speaker>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// An exception of a closing rule: "nobody, unless Dr. Ruiz, for treatment, what she wrote".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unless {
    /// For whom.
    #[serde(default)]
    pub who: Who,
    /// Only for these purposes; none means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Purpose>,
    /// Only these categories; none means all that the rule closes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<Category>,
    /// Only this part.
    #[serde(default, skip_serializing_if = "Part::is_all")]
    pub part: Part,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How often, and by when what was received is erased.
    #[serde(default, skip_serializing_if = "Terms::is_none")]
    pub terms: Terms,
}

/// All rules of a person at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Whose.
    pub person: Tag,
    /// From 1; each change is one more.
    pub version: u64,
    /// Her rules.
    pub rules: Vec<Rule>,
    /// What she does not wish to know. Absent when there is nothing, so that words from before bear their signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<Wish>,
    /// Who acts for her, and who did of late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub represented_by: Vec<Representative>,
    /// When she was born, of whoever has or had a guardian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<Date>,
    /// When she said it.
    pub said: Timestamp,
    /// The member where she said it.
    pub author: MemberId,
}

/// A word with its author's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedWord {
    /// The word.
    pub word: Word,
    /// Base64 of the author's Ed25519 signature over [`Word::canonical`], for the use `tejido/word/v1`.
    pub signature: String,
}

/// The outbox ([`crate::Gate::rows`]) of words for other members: a key is the member's name, a space and the person's tag, so
/// that a newer word takes the place of an older one.
pub const OUTBOX: &str = "words-out";
/// No word has more rules, quiet ones not counted: to reach it must not tell that there are any.
pub const MAX_RULES: usize = 100;
/// No word has more quiet rules.
pub const MAX_QUIET: usize = 50;
/// No rule has more exceptions.
pub const MAX_UNLESS: usize = 20;

/// What a word's signature is for.
const CONTEXT: &str = "tejido/word/v1";

/// Why a word is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordError {
    /// Too many rules.
    #[error(
        "{0} rules; a word has at most {MAX_RULES}, and {MAX_QUIET} quiet ones: join rules or take some away"
    )]
    TooMany(usize),
    /// A rule is not well formed.
    #[error("rule {rule:?}: {why}")]
    Rule {
        /// Its name.
        rule: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Too many wishes.
    #[error("{0} wishes; a word has at most 64")]
    TooManyWishes(usize),
    /// A wish is not well formed.
    #[error("the wish about {finding}: {why}")]
    Wish {
        /// Of what it is.
        finding: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// Who acts for her is not well formed.
    #[error("whoever acts for her: {0}")]
    Representative(&'static str),
    /// Versions start at 1.
    #[error("a word's version starts at 1")]
    Version,
    /// Its author is not a member.
    #[error(
        "its author {0} is no member of the pact: get the pact in force, or ask the person to say it again"
    )]
    Stranger(MemberId),
    /// The signature is not its author's.
    #[error("the signature is not that of {0}: ask that member for the word again")]
    Signature(MemberId),
}

impl Word {
    /// The bytes that are signed: JSON without spaces, members in the order of these fields, absent ones left out.
    pub fn canonical(&self) -> Vec<u8> {
        // These types have no map with foreign keys and no float: nothing in them can fail to become JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
    /// Whether it keeps its bounds: 1 to [`MAX_RULES`] rules, each with a name of its own, each category once.
    pub fn check(&self) -> Result<(), WordError> {
        if self.version == 0 {
            return Err(WordError::Version);
        }
        wish::check_wishes(&self.wishes)?;
        self.check_representatives()?;
        check_rules(&self.rules)
    }
    /// The moments at which it may come to mean something else by itself: turns of rules, ends of wishes, ends of those who
    /// act for her, birthdays.
    pub fn turns(&self) -> impl Iterator<Item = Timestamp> {
        let rules = self.rules.iter().flat_map(Rule::turns);
        let wishes = self.wishes.iter().flat_map(Wish::turns);
        rules.chain(wishes).chain(self.represented_turns())
    }
}

/// Whether rules keep their bounds; what the pages send is checked with this before it is signed.
pub fn check_rules(rules: &[Rule]) -> Result<(), WordError> {
    let own = rules.iter().filter(|rule| rule.speaker.is_none());
    let (quiet, own) = (own.clone().filter(|rule| rule.quiet).count(), own.count());
    if own - quiet > MAX_RULES || quiet > MAX_QUIET || !speak::is_bounded(rules) {
        return Err(WordError::TooMany(rules.len()));
    }
    for (place, rule) in rules.iter().enumerate() {
        rule.check()?;
        if rules.iter().take(place).any(|other| other.id == rule.id) {
            return Err(rule.wrong("another rule has the same name"));
        }
    }
    Ok(())
}

impl Rule {
    /// Whether it covers a category.
    pub fn covers(&self, category: Category) -> bool {
        self.what.is_empty() || self.what.contains(&category)
    }
    /// The moments at which it begins or ceases to say something, its exceptions' among them.
    pub fn turns(&self) -> impl Iterator<Item = Timestamp> {
        let exceptions = self
            .unless
            .iter()
            .flat_map(|unless| [unless.from, unless.until, unless.terms.erase_at]);
        [self.from, self.until, self.terms.erase_at]
            .into_iter()
            .chain(exceptions)
            .flatten()
    }
    fn check(&self) -> Result<(), WordError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(plain) {
            return Err(self.wrong("its name must be 1 to 64 letters, digits and hyphens"));
        }
        let exceptions = self.unless.iter();
        let whats = exceptions.clone().map(|unless| unless.what.as_slice());
        if is_twice(&self.what) || whats.into_iter().any(is_twice) {
            return Err(self.wrong("it names a category twice"));
        }
        let whos = exceptions.clone().map(|unless| &unless.who);
        if std::iter::once(&self.who).chain(whos).any(Who::is_unnamed) {
            return Err(self.wrong("it does not name whom it is about"));
        }
        let parts = exceptions.clone().map(|unless| &unless.part);
        for part in std::iter::once(&self.part).chain(parts) {
            part.check().map_err(|why| self.wrong(why))?;
        }
        let times = exceptions.map(|unless| (unless.from, unless.terms.end(unless.until)));
        let backwards = |(from, until): (Option<Timestamp>, Option<Timestamp>)| {
            from.zip(until).is_some_and(|(from, until)| until <= from)
        };
        if std::iter::once((self.from, self.terms.end(self.until)))
            .chain(times)
            .any(backwards)
        {
            return Err(self.wrong("it ends before it begins"));
        }
        let never = |purpose: &Purpose| NEVER.contains(purpose);
        let lifts = self.allow && self.purpose.as_ref().is_some_and(never);
        if lifts
            || self
                .unless
                .iter()
                .any(|unless| unless.purposes.iter().any(never))
        {
            return Err(self.wrong("no consent opens anything for this purpose"));
        }
        if self.allow && !self.unless.is_empty() {
            return Err(self.wrong("only what closes has exceptions"));
        }
        if !self.allow && !self.terms.is_none() {
            return Err(self.wrong("only what opens says how often, and when it is erased"));
        }
        let terms = self.unless.iter().map(|unless| &unless.terms);
        for terms in std::iter::once(&self.terms).chain(terms) {
            terms.check().map_err(|why| self.wrong(why))?;
        }
        if self.allow && self.quiet {
            return Err(self.wrong("only what closes can be quiet"));
        }
        speak::check_rule(self).map_err(|why| self.wrong(why))?;
        if self.unless.len() > MAX_UNLESS {
            return Err(self.wrong("it has too many exceptions"));
        }
        Ok(())
    }
    fn wrong(&self, why: &'static str) -> WordError {
        WordError::Rule {
            rule: self.id.chars().take(64).collect(),
            why,
        }
    }
}

fn is_twice(categories: &[Category]) -> bool {
    let mut seen = categories.iter().enumerate();
    seen.any(|(place, category)| categories.iter().take(place).any(|other| other == category))
}

impl Who {
    fn is_unnamed(&self) -> bool {
        let long = |text: &str| text.is_empty() || text.len() > 64;
        match self {
            Who::Member(member) => long(&member.0),
            Who::Actor(member, actor) => long(&member.0) || actor.is_empty() || actor.len() > 128,
            _ => false,
        }
    }
}

impl SignedWord {
    /// Signs a word with its author's key. Cost: one Ed25519 signature.
    pub fn sign(word: Word, key: &SigningKey) -> SignedWord {
        let signature = key.sign_bytes(CONTEXT, &word.canonical());
        SignedWord {
            word,
            signature: STANDARD.encode(signature.bytes),
        }
    }
    /// Whether it keeps its bounds and is signed by its author, under a key that this pact has of the author for the time
    /// when it was said.
    pub fn verify(&self, pact: &Pact) -> Result<(), WordError> {
        let author = &self.word.author;
        let member = pact
            .member(author)
            .ok_or_else(|| WordError::Stranger(author.clone()))?;
        self.word.check()?;
        let wrong = || WordError::Signature(author.clone());
        let bytes = STANDARD.decode(&self.signature).map_err(|_| wrong())?;
        let bytes = bytes.try_into().map_err(|_| wrong())?;
        let said = self.word.canonical();
        let signed = member.keys_at(self.word.said).any(|key| {
            let signature = ledger::note::Signature {
                key: key.id(),
                bytes,
            };
            key.verify_bytes(CONTEXT, &said, &signature)
        });
        signed.then_some(()).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests;
