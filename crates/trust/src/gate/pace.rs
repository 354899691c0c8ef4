//! When an answer to a person leaves, so that its time tells nothing of what is kept from her.
//!
//! What the scan leaves out costs some microseconds more than what is not there. Whoever may ask the same as often as she
//! likes, and can put her questions as she likes, could add those up. So answers to people leave at beats, [`BEAT`]
//! apart. From when on the beats count is for each question another, drawn under the network's secret: asking the same
//! again gives the same beats, so that nothing adds up, and nobody can choose a question that ends just before or behind
//! one. What is left is a question whose answer takes, by chance, a beat in one world and two in the other: for a
//! difference of ten microseconds about one question in a thousand, and whose it is cannot be seen.
//!
//! Cost: five milliseconds an answer on the average, waited for without a thread.

use super::Gate;
use aws_lc_rs::hmac;
use std::time::Duration;

/// Between two moments at which answers to one question may leave.
const BEAT: Duration = Duration::from_millis(10);

impl Gate {
    /// How long the answer to a question waits that `who` asked and that took so long already. `question` is what was
    /// asked, its address with the method.
    pub fn pace(&self, who: &str, question: &str, took: Duration) -> Duration {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.house.secret);
        // No login and no address holds a newline, so this meets no other use of the secret.
        let text = format!("pace\n\n{who}\n{question}");
        let drawn = hmac::sign(&key, text.as_bytes());
        let drawn = drawn.as_ref().first_chunk().copied().unwrap_or_default();
        wait(u64::from_le_bytes(drawn), took)
    }
}

/// Until the next beat, the first of which comes after `drawn` nanoseconds, whole beats left out.
fn wait(drawn: u64, took: Duration) -> Duration {
    let beat = BEAT.as_nanos();
    let behind = (took.as_nanos() + beat - u128::from(drawn) % beat) % beat;
    let nanos = (beat - behind) % beat;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_answer_leaves_at_the_next_beat_of_its_question(drawn: u64, took in 0..100_000_000u64) {
            let took = Duration::from_nanos(took);
            let wait = wait(drawn, took);
            prop_assert!(wait < BEAT);
            let left = (took + wait).as_nanos();
            prop_assert_eq!(left % BEAT.as_nanos(), u128::from(drawn) % BEAT.as_nanos());
        }
    }
}
