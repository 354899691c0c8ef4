//! When an answer leaves, so that its time tells nothing of what is kept from whoever asked.
//!
//! What the scan leaves out costs some microseconds more than what is not there, and to be refused what is somebody else's
//! costs less than to be shown nothing of what is hers and sealed. Whoever may ask the same as often as she likes, and can
//! put her questions as she likes, could add that up. So answers leave at beats, [`BEAT`] apart. From when on the beats
//! count is for each question another, drawn under the network's secret: asking the same again gives the same beats, so
//! that nothing adds up, and nobody can choose a question that ends just before or behind one. The first comes not before
//! half a beat: of what is worked on for less, which is most, the time tells nothing at all. What is left is a longer
//! question whose answer takes, by chance, a beat in one world and two in the other: for a difference of ten microseconds
//! about one question in a thousand, and whose it is cannot be seen.
//!
//! Who waits does not hang on what anybody said: a rule that asks for silence would be told by the wait. Everybody waits
//! but the institution's own software and its operator, for whom the node's holdings are no secret. What shows just what it
//! named waits too: it is worked on without looking at any other resource, and still some microseconds faster where her
//! sealed ones were asked for before.
//!
//! A beat is kept to some tens of microseconds (`moment`): a runtime's own timers would pass on when the work ended.
//!
//! Cost: seven and a half milliseconds from question to answer on the average, waited for without a thread.

mod moment;

use super::Gate;
use crate::Role;
use aws_lc_rs::hmac;
use std::future::Future;
use std::time::{Duration, Instant};

/// Between two moments at which answers to one question may leave.
const BEAT: Duration = Duration::from_millis(10);

impl Gate {
    /// Whether answers to somebody of a role leave at beats.
    pub fn waits(role: Role) -> bool {
        match role {
            Role::System | Role::Operator => false,
            Role::Patient
            | Role::Physician
            | Role::Nurse
            | Role::Pharmacist
            | Role::Clerk
            | Role::Privacy => true,
        }
    }

    /// Ends when the answer leaves to a question that `who` asked and that was here at `started`. `question` is what was
    /// asked: an address with its method, or a message of another member and whom it is about.
    pub fn beat(
        &self,
        who: &str,
        question: &str,
        started: Instant,
    ) -> impl Future<Output = ()> + Send + use<> {
        moment::At::new(started + self.leaves(who, question, started.elapsed()))
    }

    fn leaves(&self, who: &str, question: &str, took: Duration) -> Duration {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.house.secret);
        // What else is made under the secret does not begin so.
        let text = format!("pace\n\n{who}\n{question}");
        let drawn = hmac::sign(&key, text.as_bytes());
        let drawn = drawn.as_ref().first_chunk().copied().unwrap_or_default();
        beat_after(u64::from_le_bytes(drawn), took)
    }
}

/// The first beat not before `took`; the first of all comes in the second half of [`BEAT`].
fn beat_after(drawn: u64, took: Duration) -> Duration {
    let (beat, took) = (BEAT.as_nanos(), took.as_nanos());
    let first = beat / 2 + u128::from(drawn) % (beat / 2);
    let more = took.saturating_sub(first).div_ceil(beat);
    let nanos = first + more * beat;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_answer_leaves_at_the_next_beat_of_its_question(drawn: u64, took in 0..100_000_000u64) {
            let took = Duration::from_nanos(took);
            let (first, leaves) = (beat_after(drawn, Duration::ZERO), beat_after(drawn, took));
            prop_assert!(BEAT / 2 <= first && first < BEAT);
            prop_assert!(took <= leaves);
            prop_assert!(leaves == first || leaves - took < BEAT);
            prop_assert_eq!((leaves - first).as_nanos() % BEAT.as_nanos(), 0);
        }
    }

    #[test]
    fn what_takes_less_than_half_a_beat_leaves_as_if_it_took_nothing() {
        for drawn in [0, 1, 4_999_999, 5_000_000, u64::MAX] {
            let at_once = beat_after(drawn, Duration::ZERO);
            for micros in [1, 900, 4_999] {
                assert_eq!(beat_after(drawn, Duration::from_micros(micros)), at_once);
            }
        }
    }
}
