//! One-time codes by time: RFC 6238 with HMAC-SHA-1, six digits, steps of 30 seconds.
//!
//! Why these: every authenticator application has them, on any telephone, without a network, a message or a server; a
//! clinic with one doctor at night has nobody else to ask. Of the hashes of the RFC the applications agree on SHA-1 alone;
//! what is known against it does not touch HMAC.

use aws_lc_rs::hmac;
use jiff::Timestamp;

/// Bytes of a secret: the length of the hash (RFC 4226, section 4, R6).
pub const SECRET: usize = 20;
/// Seconds of a step.
const STEP: i64 = 30;
/// Steps that a telephone's clock may be off, and the time it takes to type.
const DRIFT: u64 = 1;
const DIGITS: usize = 6;

/// The code of a step: RFC 4226, section 5.3.
fn code_at(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac.last().copied().unwrap_or_default() & 15);
    let four: [u8; 4] = mac
        .get(at..at + 4)
        .and_then(|four| four.try_into().ok())
        .unwrap_or_default();
    (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
}

/// Whether a code is right at a moment, and later than the last one that was used; gives its step, which is then the last.
/// A code is good once. Spaces in it do not count.
pub fn accept(secret: &[u8], code: &str, last: Option<u64>, now: Timestamp) -> Option<u64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let code: u32 = digits.parse().ok()?;
    let present = u64::try_from(now.as_second() / STEP).ok()?;
    (present.saturating_sub(DRIFT)..=present + DRIFT)
        .filter(|step| last.is_none_or(|last| *step > last))
        .find(|step| code_at(secret, *step) == code)
}

/// A secret as applications take it: RFC 4648 base32 in groups of four.
pub fn base32(secret: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |at: usize| {
        let byte = secret.get(at / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let mut text = String::new();
    for (place, at) in (0..secret.len() * 8).step_by(5).enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push(' ');
        }
        let letter = (at..at + 5).fold(0, |all, at| all << 1 | bit(at));
        text.push(char::from(LETTERS.get(letter).copied().unwrap_or(b'A')));
    }
    text
}

/// What makes an application's code right now, for tests of other rooms and for the demonstration's telephone.
pub fn present(secret: &[u8], now: Timestamp) -> String {
    let step = u64::try_from(now.as_second() / STEP).unwrap_or(0);
    format!("{:06}", code_at(secret, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B, the rows of SHA-1: the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(present(SECRET, at(second)), code, "at {second}");
            assert!(
                accept(SECRET, code, None, at(second)).is_some(),
                "at {second}"
            );
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_and_once() {
        let code = present(SECRET, at(3_000));
        for (second, good) in [(2_939, false), (2_970, true), (3_059, true), (3_060, false)] {
            let accepted = accept(SECRET, &code, None, at(second));
            assert_eq!(accepted.is_some(), good, "at {second}");
        }
        let last = accept(SECRET, &code, None, at(3_000));
        assert_eq!(last, Some(100));
        assert_eq!(accept(SECRET, &code, last, at(3_000)), None);
        // Nor is an older one good after a newer.
        let before = present(SECRET, at(2_970));
        assert_eq!(accept(SECRET, &before, last, at(3_000)), None);
        assert!(accept(SECRET, &present(SECRET, at(3_030)), last, at(3_030)).is_some());
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "",
            "12345",
            "1234567",
            "12345a",
            "-12345",
            "+12345",
            "١٢٣٤٥٦",
        ] {
            assert_eq!(accept(SECRET, text, None, at(59)), None, "{text:?}");
        }
        assert!(accept(SECRET, " 287 082 ", None, at(59)).is_some());
    }

    /// RFC 4648, section 10.
    #[test]
    fn a_secret_is_written_as_applications_take_it() {
        assert_eq!(base32(b"foobar"), "MZXW 6YTB OI");
        assert_eq!(
            base32(SECRET).replace(' ', ""),
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        );
    }
}
