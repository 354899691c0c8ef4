//! Whoever acts for a person says rules and wishes for her, as far as the law of [`crate::word::speak`] lets her.
//!
//! Like every change of who acts, what is said for a person is told to both: an act in her log and one in that of who
//! said it, in the commit of the word.

use super::acts::Deed;
use super::{Gate, Purpose, Refusal, Tag, What, locked};
use crate::word::wish::{self, Asking};
use crate::{ActKind, Actor, Category, Finding, Rule, SignedWord, Speaker, Wish, Word};
use jiff::Timestamp;

/// What the act in her log says was written, before the name of who acts for her: [`What::Writing`].
pub(crate) const SPOKE: &str = "said-for-her";
/// The same for the log of who said it, before the person's name.
pub(crate) const SPOKEN: &str = "said-for-somebody";

/// What somebody said for a person, and of what she may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The person's name.
    pub whose: String,
    /// The rules that she said.
    pub rules: Vec<Rule>,
    /// Her wishes for the person, those of the past among them.
    pub wishes: Vec<Wish>,
    /// Of what she may speak now.
    pub decides: Vec<Category>,
    /// What she may wish that the person shall not be told.
    pub findings: Vec<Finding>,
}

impl Gate {
    /// What somebody signed in here said for a person, and nothing that others said. Refused to whoever may not speak for
    /// her.
    pub fn spoken(
        &self,
        representative: &Actor,
        person: Tag,
        now: Timestamp,
    ) -> Result<Spoken, Refusal> {
        let tag = self.patient_here(representative)?;
        let word = self.word(person).ok_or_else(silent)?.word;
        let decides = word.decides(tag, now);
        let line = word
            .representative(tag, now)
            .filter(|_| !decides.is_empty());
        let whose = line.ok_or_else(silent)?.whose.clone();
        let theirs = |speaker: &Option<Speaker>| speaker.as_ref().is_some_and(|one| one.tag == tag);
        let findings = Finding::ALL.into_iter();
        let findings = findings
            .filter(|one| word.may_wish(tag, *one, now))
            .collect();
        let (mut rules, mut wishes) = (word.rules, word.wishes);
        rules.retain(|rule| theirs(&rule.speaker));
        wishes.retain(|wish| theirs(&wish.speaker));
        Ok(Spoken {
            whose,
            rules,
            wishes,
            decides,
            findings,
        })
    }

    /// Somebody signed in here says rules (all that she says) for a person whom she acts for. In force when this returns.
    ///
    /// Refused to whoever may not speak for her, and when a rule goes beyond what is hers to decide for the person.
    pub fn say_for(
        &self,
        representative: &Actor,
        person: Tag,
        rules: Vec<Rule>,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.speak(representative, person, now, |word, by| {
            let rules = word.speak(by, rules, now).ok_or_else(beyond)?;
            self.agreed(&word.rules, &rules)?;
            Ok(Word { rules, ..word })
        })
    }

    /// Somebody signed in here asks that a person whom she acts for, and with her whoever acts for her, shall not be told
    /// of findings.
    pub fn wish_for(
        &self,
        representative: &Actor,
        person: Tag,
        wishes: Vec<Wish>,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.speak(representative, person, now, |mut word, by| {
            for wish in wishes {
                if !word.may_wish(by.tag, wish.finding, now) {
                    return Err(beyond());
                }
                let new = Wish {
                    since: now,
                    asked: None,
                    speaker: Some(by.clone()),
                    ..wish
                };
                word.wishes = wish::choose(word.wishes, new);
            }
            Ok(word)
        })
    }

    /// Somebody signed in here takes back what she wished for a person. What the person herself or somebody else wishes
    /// stays as it is, and she is not told whether there is such a wish.
    pub fn ask_for(
        &self,
        representative: &Actor,
        person: Tag,
        finding: Finding,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.speak(representative, person, now, |mut word, by| {
            let voice = Some(by.tag);
            let asked = wish::ask_of(word.wishes, voice, finding, Asking::Alone, now);
            word.wishes = asked.ok_or_else(|| {
                Refusal::bad(
                    "No has pedido que no se sepa de eso.",
                    "You have not asked that nobody be told of that.",
                )
            })?;
            Ok(word)
        })
    }

    /// Says a person's next word with something said for her, told to both.
    fn speak(
        &self,
        representative: &Actor,
        person: Tag,
        now: Timestamp,
        change: impl FnOnce(Word, &Speaker) -> Result<Word, Refusal>,
    ) -> Result<SignedWord, Refusal> {
        let tag = self.patient_here(representative)?;
        let _one = locked(&self.house.words.taking);
        let word = self.next_word(person, now)?;
        let line = word.representative(tag, now).cloned();
        let line = line.filter(|_| !word.decides(tag, now).is_empty());
        let line = line.ok_or_else(silent)?;
        let word = change(word, &Speaker::of(&line))?;
        let heard = self.signed(word)?;
        let told = |persons: Tag, what: &str, name: &str| Deed {
            persons: vec![persons],
            what: What::Writing(format!("{what}\n{name}")),
            ..Deed::new(ActKind::Word, representative, Purpose::Family)
        };
        let hers = told(person, SPOKE, &line.name);
        let theirs = told(tag, SPOKEN, &line.whose);
        let signed = heard.signed.clone();
        self.put_word(heard, hers, Some(theirs), now)?;
        Ok(signed)
    }
}

fn silent() -> Refusal {
    Refusal::bad(
        "No puedes decir reglas por esa persona.",
        "You cannot say rules for that person.",
    )
}

fn beyond() -> Refusal {
    Refusal::bad(
        "De eso no decides tú por ella.",
        "That is not yours to decide for her.",
    )
}
