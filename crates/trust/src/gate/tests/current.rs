//! A word whose author cannot be heard: closed to others within the pact's bound, open again when it is heard.

use super::*;
use crate::Rule;

/// A node whose pact takes words for an hour, with her in care, and a word that she said at the pharmacy.
fn cut_off() -> Node {
    let node = node_with_her("imss");
    node.check_in(&actor("imss", Role::Clerk), SHE, at("12:30"))
        .unwrap();
    let next = Pact {
        word_minutes: Some(60),
        ..a_pact(2, node.pact().hash())
    };
    node.adopt(&signed(&next), noon()).unwrap();
    node.hear(&word_of_the_pharmacy(1, vec![]), &id("farmacia"), noon())
        .unwrap();
    node
}

fn word_of_the_pharmacy(version: u64, rules: Vec<Rule>) -> crate::SignedWord {
    let word = crate::Word {
        person: Tag::of_curp(&SECRET, SHE),
        version,
        rules,
        wishes: Vec::new(),
        represented_by: Vec::new(),
        born: None,
        said: noon(),
        author: id("farmacia"),
    };
    crate::SignedWord::sign(word, &key("farmacia", 2))
}

fn doctor() -> Request {
    treat(actor("imss", Role::Physician))
}

#[test]
fn nothing_is_opened_to_others_when_her_word_may_be_old() {
    let node = cut_off();
    node.decide(doctor(), at("12:59")).unwrap();
    // The evidence holds until half past one; the word does not.
    let refusal = node.decide(doctor(), at("13:00")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::OldWord);
    assert!(node.decided_before(doctor(), at("13:00")).is_none());
    // She herself sees what is hers, and the house keeps its books.
    node.decide(her_own(herself("imss"), What::Summary), at("13:00"))
        .unwrap();
    node.decide(import(&node), at("13:00")).unwrap();
    // Somebody of whom there is no word is as open as before.
    node.check_in(&actor("imss", Role::Clerk), OTHER, at("13:00"))
        .unwrap();
    let other = Request {
        person: PersonRef::Curp(OTHER.into()),
        ..doctor()
    };
    node.decide(other, at("13:00")).unwrap();
    // It is an act that she can read.
    let acts = node.all_acts();
    assert!(acts.iter().any(|act| act.refused == ["old-word"]));
}

#[test]
fn it_opens_when_her_member_says_that_all_is_said_and_that_outlives_a_start() {
    let node = cut_off();
    let clerk = actor("imss", Role::Clerk);
    node.check_in(&clerk, SHE, at("12:59")).unwrap();
    node.all_said(&id("sanatorio"), at("12:59"), at("12:59"))
        .unwrap();
    let refusal = node.decide(doctor(), at("13:10")).unwrap_err();
    assert_eq!(
        refusal.kind,
        RefusalKind::OldWord,
        "another member's say-so"
    );
    node.all_said(&id("farmacia"), at("12:55"), at("13:10"))
        .unwrap();
    // What is older says nothing new.
    node.all_said(&id("farmacia"), at("12:30"), at("13:10"))
        .unwrap();
    node.decide(doctor(), at("13:54")).unwrap();
    let Node { gate, dir } = node;
    drop(gate);
    let again = Node {
        gate: Gate::open(dir.path(), config("imss")).unwrap(),
        dir,
    };
    again.decide(doctor(), at("13:54")).unwrap();
    let refusal = again.decide(doctor(), at("13:55")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::OldWord);
}

#[test]
fn a_clock_ahead_of_ours_buys_no_time_and_our_own_word_needs_none() {
    let node = cut_off();
    node.all_said(&id("farmacia"), at("20:00"), at("12:10"))
        .unwrap();
    let refusal = node.decide(doctor(), at("13:10")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::OldWord);
    // She says it again here.
    node.say(&herself("imss"), vec![], at("13:10")).unwrap();
    node.check_in(&actor("imss", Role::Clerk), SHE, at("13:10"))
        .unwrap();
    node.decide(doctor(), at("14:09")).unwrap();
}
