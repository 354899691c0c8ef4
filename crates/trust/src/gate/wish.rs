//! The wish not to know, said here: chosen, and asked away. Like every word of hers it is in force when the call returns,
//! and is carried to the other members by whoever called.

use super::acts::Deed;
use super::words::{Heard, unkept};
use super::{Gate, Grant, Purpose, Refusal, Tag, What, locked};
use crate::word::wish::{self, Asking};
use crate::{ActKind, Actor, Finding, SignedWord, Wish, Word};
use jiff::Timestamp;
use store::{Labels, Seen};

/// What the act of a wish says was written: [`What::Writing`].
pub(crate) const WISHED: &str = "wish";
/// That she asked to know.
pub(crate) const ASKED: &str = "asked-to-know";

impl Gate {
    /// The person, signed in here, chooses what she does not wish to know. Each wish takes the place of the one before
    /// about the same finding; `since` is set to now, and a wish that is new was never asked away.
    pub fn wish(
        &self,
        patient: &Actor,
        wishes: Vec<Wish>,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.say_of_wishes(patient, WISHED, now, |mut word| {
            word.wishes = wishes.into_iter().fold(word.wishes, |all, wish| {
                let new = Wish {
                    since: now,
                    asked: None,
                    speaker: None,
                    ..wish
                };
                wish::choose(all, new)
            });
            Ok(word)
        })
    }

    /// The person, signed in here, asks to know of a finding. It is never refused to her: at once, or after the time or at
    /// the session that she chose, she and whoever asks for her are shown it at every member.
    ///
    /// Refused only when she has no wish that keeps it from her: there is nothing to ask for.
    pub fn ask_to_know(
        &self,
        patient: &Actor,
        finding: Finding,
        how: Asking,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        self.say_of_wishes(patient, ASKED, now, |mut word| {
            word.wishes = wish::ask(word.wishes, finding, how, now).ok_or_else(|| {
                Refusal::bad(
                    "No has pedido no saber de eso: ya lo ves todo.",
                    "You have no wish not to know of that: you see all of it already.",
                )
            })?;
            Ok(word)
        })
    }

    fn say_of_wishes(
        &self,
        patient: &Actor,
        what: &str,
        now: Timestamp,
        change: impl FnOnce(Word) -> Result<Word, Refusal>,
    ) -> Result<SignedWord, Refusal> {
        let person = self.patient_here(patient)?;
        let _one = locked(&self.house.words.taking);
        let word = change(self.next_word(person, now)?)?;
        wish::check_wishes(&word.wishes).map_err(|error| unkept(&error))?;
        let signed = SignedWord::sign(word, &self.house.key);
        let deed = Deed {
            persons: vec![person],
            what: What::Writing(what.to_owned()),
            ..Deed::new(ActKind::Word, patient, Purpose::OwnRequest)
        };
        self.put_word(Heard::new(signed.clone()), deed, None, now)?;
        Ok(signed)
    }

    /// All wishes of a person as this node knows them, those of the past among them, in the order in which she said them.
    pub fn wishes(&self, person: Tag) -> Vec<Wish> {
        self.word(person)
            .map(|said| said.word.wishes)
            .unwrap_or_default()
    }

    /// Of what somebody is shown of a person, the findings that the person asked not to know: for the note to who cares
    /// for her. None for the person herself, to whom they are not shown. Cost: nothing where no finding is shown.
    pub fn unwanted_among(&self, grant: &Grant, shown: &[Seen], now: Timestamp) -> Labels {
        let all = shown
            .iter()
            .fold(Labels(0), |all, one| all.with(one.labels));
        let findings = Finding::among(all);
        if findings.0 == 0 || grant.request.purpose == Purpose::OwnRequest {
            return Labels(0);
        }
        let kept = self.kept_back(grant, now);
        Labels(findings.0 & kept.0)
    }

    /// The findings that a person asked not to know, for who cares for her: what is to be said with care, or not at all.
    pub fn asked_not_to_know(&self, person: Tag, now: Timestamp) -> Labels {
        wish::held(&self.wishes(person), now)
    }
}
