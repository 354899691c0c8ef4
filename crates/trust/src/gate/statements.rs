//! What a person said, statement by statement, for herself: the door for programs shows her rules as `Consent`s of her own,
//! and takes what she says there.

use super::acts::Deed;
use super::words::{Heard, unfit};
use super::{Gate, Purpose, Refusal, locked};
use crate::word::{self, Statement, statement};
use crate::{ActKind, Actor, Rule, SignedWord, Word};
use jiff::Timestamp;

impl Gate {
    /// What became of every statement of hers, as far as this node heard it, oldest first. Reads every word of hers.
    pub fn statements(&self, patient: &Actor) -> Result<Vec<Statement>, Refusal> {
        let mut heard = self.words_heard(self.patient_here(patient)?)?;
        // Of two of one version the first holds: its digest is the smaller one.
        heard.dedup_by_key(|one| one.word.version);
        Ok(statement::statements(heard.iter().map(|one| &one.word)))
    }

    /// The `Patient`s here that are hers, by their ids.
    pub fn own_registrations(&self, patient: &Actor) -> Result<Vec<String>, Refusal> {
        let house = &self.house;
        let mut ids = Vec::new();
        for key in self.people_of(self.patient_here(patient)?)? {
            ids.extend(house.store.named(&house.seal, key)?.map(|(id, _)| id));
        }
        Ok(ids)
    }

    /// The person, signed in here, says new rules that follow from what she said before: the word that she would say now
    /// is given to `change`, and no other word of hers comes between. In force here when this returns, and in the log.
    ///
    /// Errors: what `change` says; rules that break the bounds of a word; one that closes anew what the pact does not let
    /// anybody close.
    pub fn say_after<E: From<Refusal>>(
        &self,
        patient: &Actor,
        now: Timestamp,
        change: impl FnOnce(&Word) -> Result<Vec<Rule>, E>,
    ) -> Result<SignedWord, E> {
        let person = self.patient_here(patient)?;
        let _one = locked(&self.house.words.taking);
        let next = self.next_word(person, now)?;
        let rules = change(&next)?;
        word::check_rules(&rules).map_err(|error| unfit(&error))?;
        self.agreed(&next.rules, &rules)?;
        let word = Word {
            rules: next.say_over(rules, now),
            ..next
        };
        word.check().map_err(|error| unfit(&error))?;
        let heard = Heard::new(SignedWord::sign(word, &self.house.key));
        let signed = heard.signed.clone();
        let deed = Deed {
            persons: vec![person],
            ..Deed::new(ActKind::Word, patient, Purpose::OwnRequest)
        };
        self.put_word(heard, deed, None, now)?;
        Ok(signed)
    }
}
