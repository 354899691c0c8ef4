//! The bounds of a pact.

use super::{Member, Pact, PactError, former, linkage, policies, purpose, seals, terms};
use ledger::note::{KeyKind, VerifierKey};
use std::collections::HashSet;
use std::ops::RangeInclusive;

/// What the numbers of a pact may be.
pub mod bounds {
    use std::ops::RangeInclusive;

    /// Members: a note has at most 100 signatures.
    pub const MEMBERS: RangeInclusive<usize> = 1..=100;
    /// Milliseconds a member has to answer: less and a slow line never answers, more and a consultation waits.
    pub const DEADLINE_MS: RangeInclusive<u64> = 50..=60_000;
    /// Minutes that a check-in is good for: at most a week in hospital, after which it is renewed.
    pub const CHECK_IN_MINUTES: RangeInclusive<u64> = 5..=7 * 24 * 60;
    /// Minutes that an appointment is good for after its hour.
    pub const APPOINTMENT_MINUTES: RangeInclusive<u64> = 5..=7 * 24 * 60;
    /// Minutes that a patient's code is good for.
    pub const CODE_MINUTES: RangeInclusive<u64> = 1..=60;
    /// Minutes that a word is good for when its author cannot be heard: less than members need to say that all is said, and
    /// everything closes; more than a month is no bound.
    pub const WORD_MINUTES: RangeInclusive<u64> = 5..=31 * 24 * 60;
    /// Hours that broken glass stays open: less and it closes on an operation, more and it is an ordinary access.
    pub const EMERGENCY_HOURS: RangeInclusive<u64> = 1..=72;
    /// Days within which it is reviewed.
    pub const REVIEW_DAYS: RangeInclusive<u64> = 1..=30;
    /// Hours that a released order stays open.
    pub const ORDER_HOURS: RangeInclusive<u64> = 1..=168;
    /// Days until the person is told of an order.
    pub const NOTICE_DAYS: RangeInclusive<u64> = 0..=365;
    /// Days that an admission holds before it is said anew: more, and who was forgotten to be discharged stays open.
    pub const ADMISSION_DAYS: RangeInclusive<u64> = 1..=60;
    /// Days that a referral opens: a specialist's first appointment may take half a year.
    pub const REFERRAL_DAYS: RangeInclusive<u64> = 1..=180;
    /// Runs of a linkage in its period.
    pub const LINKAGE_RUNS: RangeInclusive<u64> = 1..=52;
    /// The period, in days.
    pub const LINKAGE_DAYS: RangeInclusive<u64> = 1..=3_650;
    /// People whom a member may bring into a run: a sheet of more would not fit into a small node's memory (about four times
    /// two kilobytes each).
    pub const LINKAGE_PEOPLE: RangeInclusive<u64> = 1..=500_000;
    /// Bytes of Cedar policies.
    pub const POLICIES: usize = 200_000;
}

/// Checks all that does not need signatures.
pub(super) fn check(pact: &Pact) -> Result<(), PactError> {
    words("network", &pact.network)?;
    if pact.version == 0 {
        return Err(invalid("version", "versions start at 1"));
    }
    previous(pact)?;
    threshold(pact)?;
    within("deadline_ms", pact.deadline_ms, bounds::DEADLINE_MS)?;
    let minutes = [
        (
            "check_in_minutes",
            pact.check_in_minutes,
            bounds::CHECK_IN_MINUTES,
        ),
        (
            "appointment_minutes",
            pact.appointment_minutes,
            bounds::APPOINTMENT_MINUTES,
        ),
        ("code_minutes", pact.code_minutes, bounds::CODE_MINUTES),
    ];
    for (name, value, range) in minutes {
        within(name, value, range)?;
    }
    if let Some(minutes) = pact.word_minutes {
        within("word_minutes", minutes, bounds::WORD_MINUTES)?;
    }
    members(pact)?;
    purpose::check(&pact.purposes, &pact.never)?;
    purpose::check_terms(pact)?;
    terms::check(
        pact.emergency.as_ref(),
        pact.orders.as_ref(),
        pact.care.as_ref(),
    )?;
    linkage::check(pact.linkage.as_ref())?;
    seals::check(pact.seals.as_ref())?;
    if pact.policies.len() > bounds::POLICIES {
        return Err(PactError::Policies(format!(
            "{} bytes; at most {} are read",
            pact.policies.len(),
            bounds::POLICIES
        )));
    }
    if pact.policies.chars().any(|c| c.is_control() && c != '\n') {
        return Err(PactError::Policies(
            "they hold a tab or another control character; use spaces and newlines".into(),
        ));
    }
    policies::check(&pact.policies)
}

/// A member's key as a verifier.
pub(super) fn key(member: &Member) -> Result<VerifierKey, PactError> {
    verifier(&member.key, &format!("member {}: key", member.id))
}

/// A key as text, in its one form.
pub(super) fn verifier(text: &str, place: &str) -> Result<VerifierKey, PactError> {
    let key: VerifierKey = text.parse().map_err(|e: ledger::Error| {
        invalid(
            place,
            &format!("{e}; copy it from `tejido init` at that member"),
        )
    })?;
    if key.kind() != KeyKind::Ed25519 || key.to_string() != text {
        return Err(invalid(place, "it must be an Ed25519 key that signs texts"));
    }
    Ok(key)
}

/// Whether a text is a SHA-256 as pacts write it.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn previous(pact: &Pact) -> Result<(), PactError> {
    match (pact.version, is_sha256(&pact.previous)) {
        (1, false) if pact.previous.is_empty() => Ok(()),
        (1, _) => Err(invalid(
            "previous",
            "the first version has none: leave it empty",
        )),
        (_, true) => Ok(()),
        _ => Err(invalid(
            "previous",
            "it must be the SHA-256 of the version before, 64 small hexadecimal digits",
        )),
    }
}

fn threshold(pact: &Pact) -> Result<(), PactError> {
    let members = pact.members.len();
    if !bounds::MEMBERS.contains(&members) {
        return Err(invalid(
            "members",
            &format!("{members}; a pact has 1 to 100"),
        ));
    }
    let least = members / 2 + 1;
    if !(least..=members).contains(&pact.threshold) {
        let why = format!(
            "{}; with {members} members it must be {least} (more than half) to {members}",
            pact.threshold
        );
        return Err(invalid("threshold", &why));
    }
    Ok(())
}

fn members(pact: &Pact) -> Result<(), PactError> {
    let mut taken: HashSet<(&str, String)> = HashSet::new();
    for member in &pact.members {
        id(member)?;
        words(&format!("member {}: name", member.id), &member.name)?;
        let key = key(member)?;
        host_and_port(member)?;
        public(member)?;
        former::check(member)?;
        let once = [
            ("id", member.id.0.clone()),
            ("key", crate::act::hex(key.public())),
            ("key name", key.name().to_owned()),
            ("address", member.address.to_lowercase()),
            ("public", member.public.to_lowercase()),
        ];
        let former = member
            .former
            .iter()
            .map(|former| Ok(("key", crate::act::hex(former.verifier(member)?.public()))))
            .collect::<Result<Vec<_>, PactError>>()?;
        for (field, value) in once.into_iter().chain(former) {
            if !taken.insert((field, value)) {
                let place = format!("member {}: {field}", member.id);
                return Err(invalid(
                    &place,
                    "another member has the same; each needs its own",
                ));
            }
        }
    }
    Ok(())
}

fn id(member: &Member) -> Result<(), PactError> {
    let id = member.id.0.as_str();
    let plain = id
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let edges = id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.ends_with('-');
    if !plain || !edges || id.len() > 32 {
        return Err(invalid(
            &format!("member {id:?}: id"),
            "1 to 32 small letters, digits and hyphens, a letter first",
        ));
    }
    Ok(())
}

fn host_and_port(member: &Member) -> Result<(), PactError> {
    let good = is_host_and_port(&member.address);
    good.then_some(()).ok_or_else(|| {
        invalid(
            &format!("member {}: address", member.id),
            "it must be host:port, as in nodo.imss.example:7443",
        )
    })
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    !host.is_empty()
        && host.len() <= 253
        && host.chars().all(plain)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn public(member: &Member) -> Result<(), PactError> {
    let rest = member.public.strip_prefix("https://");
    let good = rest.is_some_and(|rest| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '[' | ']');
        is_host_and_port(rest) || (!rest.is_empty() && rest.len() <= 253 && rest.chars().all(plain))
    });
    good.then_some(()).ok_or_else(|| {
        invalid(
            &format!("member {}: public", member.id),
            "it must be https://host or https://host:port, without a path",
        )
    })
}

/// A name for people: 1 to 100 characters, none of control, none that turns the direction of writing.
fn words(place: &str, text: &str) -> Result<(), PactError> {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let bad = text.chars().any(|c| c.is_control() || turns(c));
    if bad || text.trim() != text || text.is_empty() || text.chars().count() > 100 {
        return Err(invalid(
            place,
            "1 to 100 visible characters, no space at the ends",
        ));
    }
    Ok(())
}

pub(super) fn within(place: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), PactError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(invalid(
        place,
        &format!("{value}; it must be {least} to {most}"),
    ))
}

pub(super) fn invalid(place: &str, why: &str) -> PactError {
    PactError::Invalid {
        place: place.to_owned(),
        why: why.to_owned(),
    }
}
