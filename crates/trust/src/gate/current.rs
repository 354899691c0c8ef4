//! Whether a person's word is as new as the pact asks: what she may have taken back at a member that cannot be heard.
//!
//! A new word goes to every member at once, and comes with whoever asks. A member that is cut off from the one where she
//! speaks would go on deciding by the old word. So every member says, when nothing of it waits for another, until when the
//! other has all its words ([`Gate::all_said`]). Of a word whose author was not heard for longer than the pact's
//! `word_minutes`, nobody can say that it is still hers: to others than herself nothing is opened then, and they are told
//! why. It holds for people who said something; a first word is heard with the next push or ask.
//!
//! Cost: one look into a small table for each word of a decision.

use super::decide::Asked;
use super::evidence::minutes_of;
use super::judge::Opens;
use super::words::Heard;
use super::{Gate, Purpose, Refusal, RefusalKind, locked, rows};
use crate::{MemberId, Word};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Until when all words of each other member are here.
#[derive(Default)]
pub(crate) struct AllSaid(Mutex<HashMap<MemberId, Timestamp>>);

impl Gate {
    /// A member says that nothing of it waits for this node: all its words up to a moment were brought. What lies ahead of
    /// our clock counts as now.
    pub fn all_said(
        &self,
        member: &MemberId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let until = until.min(now);
        let known = locked(&self.house.all_said.0).get(member).copied();
        if known.is_some_and(|known| known >= until) {
            return Ok(());
        }
        let row = (rows::all_said(member), Some(until.to_string().into_bytes()));
        self.keep(vec![row], Vec::new(), None, now)?;
        locked(&self.house.all_said.0).insert(member.clone(), until);
        Ok(())
    }

    /// Takes up what rows kept.
    pub(super) fn load_all_said(&self) -> Result<(), Refusal> {
        let house = &self.house;
        let found = house
            .store
            .scan(&house.seal, rows::ALL_SAID, None, super::rows::MEMBERS)?;
        let mut all_said = locked(&house.all_said.0);
        for (key, value) in found {
            let member = key.get(rows::ALL_SAID.len()..).unwrap_or_default();
            let until = String::from_utf8_lossy(&value).parse();
            if let (Ok(member), Ok(until)) = (std::str::from_utf8(member), until) {
                all_said.insert(MemberId(member.to_owned()), until);
            }
        }
        Ok(())
    }

    /// Whether a word can still be taken as hers.
    fn is_current(&self, word: &Word, now: Timestamp) -> bool {
        let Some(minutes) = self.in_force().pact.word_minutes else {
            return true;
        };
        if word.author == self.house.member {
            return true;
        }
        let all_said = locked(&self.house.all_said.0).get(&word.author).copied();
        let known = all_said.map_or(word.said, |until| until.max(word.said));
        super::accounts::later(known, minutes_of(minutes)) > now
    }

    /// Whether the words that a request is decided on are current, where that matters: for whoever would be shown something
    /// of her and is neither she herself nor this house at its own books.
    ///
    /// Errors: [`RefusalKind::OldWord`].
    pub(super) fn words_are_current(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        let shown = matches!(asked.key.opens, Opens::Seen);
        // An order is not decided on her word; in an emergency the last one known holds, for not to open could cost her life.
        let apart = [Purpose::Operations, Purpose::State, Purpose::Emergency];
        let others = !apart.contains(&asked.request.purpose) && !asked.is_herself();
        match shown && others {
            true => self.are_current(&asked.words, asked.now),
            false => Ok(()),
        }
    }

    /// Whether all these words can still be taken as hers.
    ///
    /// Errors: [`RefusalKind::OldWord`].
    pub(super) fn are_current(&self, words: &[Arc<Heard>], now: Timestamp) -> Result<(), Refusal> {
        let mut words = words.iter().map(|heard| &heard.signed.word);
        match words.all(|word| self.is_current(word, now)) {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::OldWord, Vec::new())),
        }
    }
}
