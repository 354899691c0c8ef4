//! The proof of an act: the receipt is verified here, and can be taken away and verified by anybody.

use super::frame::Frame;
use crate::text::Text;
use crate::threads::Thread;
use askama::Template;
use ledger::{Receipt, VerifierKey};
use trust::Pact;

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// It holds.
    pub holds: bool,
    /// In words.
    pub sentence: String,
}

/// What came of verifying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Everything holds.
    pub holds: bool,
    /// Step by step.
    pub checked: Vec<Checked>,
}

/// Verifies a receipt of a member under the keys of the pact, and says in words what was checked. Pure.
pub fn verify(t: Text, receipt: &str, member: &str, pact: &Pact) -> Verdict {
    match steps(t, receipt, member, pact) {
        Ok(checked) => Verdict {
            holds: true,
            checked,
        },
        Err(sentence) => Verdict {
            holds: false,
            checked: vec![Checked {
                holds: false,
                sentence,
            }],
        },
    }
}

/// The place and the act that a member's receipt opens, where all of it holds. Pure.
pub(crate) fn opened(receipt: &str, member: &str, pact: &Pact) -> Option<(u64, Vec<u8>)> {
    let good = Receipt::parse(receipt).ok()?.verify(&keys(pact)).ok()?;
    let own = own_key(member, pact)?;
    (good.head.origin == own.name()).then_some((good.index, good.act?))
}

/// The keys of the pact, as signers of logs and as witnesses.
fn keys(pact: &Pact) -> Vec<VerifierKey> {
    pact.members
        .iter()
        .filter_map(|m| m.key.parse::<VerifierKey>().ok())
        .flat_map(|key| [key.cosigner(), key])
        .collect()
}

fn own_key(member: &str, pact: &Pact) -> Option<VerifierKey> {
    let member = pact.members.iter().find(|m| m.id.0 == member)?;
    member.key.parse().ok()
}

fn steps(t: Text, receipt: &str, member: &str, pact: &Pact) -> Result<Vec<Checked>, String> {
    let own = own_key(member, pact).ok_or_else(|| t.say("proof.no_key").to_owned())?;
    let broken = |why: String| t.fill("proof.broken", &[("why", &why)]);
    let receipt = Receipt::parse(receipt).map_err(|e| broken(e.to_string()))?;
    let good = receipt
        .verify(&keys(pact))
        .map_err(|e| broken(e.to_string()))?;
    if good.head.origin != own.name() {
        return Err(t.fill("proof.other_log", &[("origin", &good.head.origin)]));
    }
    let yes = |sentence: String| Checked {
        holds: true,
        sentence,
    };
    let name = pact
        .members
        .iter()
        .find(|m| m.id.0 == member)
        .map_or(member, |m| &m.name);
    let mut out = Vec::new();
    if good.act.is_some() {
        out.push(yes(t.say("proof.step_act").to_owned()));
    }
    let place = (good.index + 1).to_string();
    let size = good.head.size.to_string();
    out.push(yes(
        t.fill("proof.step_place", &[("place", &place), ("size", &size)])
    ));
    out.push(yes(t.fill("proof.step_signed", &[("name", name)])));
    let others = good.signers.len().saturating_sub(1);
    if others > 0 {
        out.push(yes(t.count("proof.step_witnesses", others)));
    }
    Ok(out)
}

#[derive(Template)]
#[template(path = "proof.html")]
struct Page<'a> {
    frame: Frame,
    thread: Thread,
    act: &'a str,
    key: &'a str,
    verdict: &'a Verdict,
    headline: &'a str,
}

/// The page. `key` is the verifier key of the node that logged the act: with it anyone checks the receipt offline.
pub fn page(frame: Frame, member: &str, act: &str, key: &str, verdict: &Verdict) -> String {
    let t = frame.t;
    let thread = frame.threads.thread(member);
    let headline = if verdict.holds {
        t.say("proof.holds")
    } else {
        t.say("proof.fails")
    };
    super::render(&Page {
        frame: frame.titled(t.say("proof.title")),
        thread,
        act,
        key,
        verdict,
        headline,
    })
}
