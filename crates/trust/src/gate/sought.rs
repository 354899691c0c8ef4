//! Looking people up, one after the other: a desk finds who stands before it, nobody tries CURPs until one answers.
//!
//! Laying registrations side by side counts as well, each for one. Each actor, at home and from another member, may look up [`BURST`] people at once and one more each [`EACH`] seconds:
//! more than a busy desk needs, far less than guessing takes (a name and a birth date leave some hundred thousand CURPs).
//! Found or not counts alike, so that the limit itself tells nothing. In memory: a start forgets it.
//!
//! The rule is the generic cell rate algorithm (ITU-T I.371): one moment an actor says how far ahead of her rate she is.

use super::{Gate, Refusal, RefusalKind, Request, What, locked};
use crate::MemberId;
use crate::registry::RegistryDone;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Mutex;

/// Look-ups at once.
const BURST: i64 = 120;
/// Seconds for one more.
const EACH: i64 = 30;
/// Actors remembered; beyond, those go whose rate is met.
const MOST: usize = 10_000;

/// When each actor's look-ups so far are paid for, in seconds.
#[derive(Default)]
pub(crate) struct Sought(Mutex<HashMap<(MemberId, String), i64>>);

/// The new moment, or how many seconds to wait.
fn next(paid: i64, now: i64) -> Result<i64, i64> {
    let paid = paid.max(now) + EACH;
    match paid - now - BURST * EACH {
        early if early > 0 => Err(early),
        _ => Ok(paid),
    }
}

impl Gate {
    /// Takes it that somebody is looked up.
    ///
    /// Errors: [`RefusalKind::SlowDown`], with the seconds to wait.
    pub(super) fn seek(&self, request: &Request, now: Timestamp) -> Result<(), Refusal> {
        let looks =
            matches!(&request.what, What::Registry(step) if step.done == RegistryDone::Looked);
        if request.what != What::Find && !looks {
            return Ok(());
        }
        let now = now.as_second();
        let mut sought = locked(&self.house.sought.0);
        if sought.len() >= MOST {
            sought.retain(|_, paid| *paid > now);
        }
        let actor = &request.actor;
        let key = (actor.member.clone(), actor.id.clone());
        let paid = sought.get(&key).copied().unwrap_or(i64::MIN);
        match next(paid, now) {
            Ok(paid) => {
                sought.insert(key, paid);
                Ok(())
            }
            Err(seconds) => Err(Refusal {
                es: format!(
                    "Buscaste a muchas personas seguidas. Espera {seconds} s y vuelve a intentar."
                ),
                en: format!("You looked up many people in a row. Wait {seconds} s and try again."),
                ..Refusal::new(RefusalKind::SlowDown, Vec::new())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_is_not_slowed_and_a_list_of_guesses_is() {
        // One a minute all day.
        let mut paid = i64::MIN;
        for minute in 0..600 {
            paid = next(paid, minute * 60).unwrap();
        }
        // As fast as it goes: the burst, then two a minute.
        let (mut paid, mut found) = (i64::MIN, 0);
        for second in 0..3_600 {
            if let Ok(next) = next(paid, second) {
                (paid, found) = (next, found + 1);
            }
        }
        assert_eq!(found, BURST + 3_600 / EACH - 1);
        assert_eq!(next(1_000 + BURST * EACH, 1_000), Err(EACH));
    }
}
