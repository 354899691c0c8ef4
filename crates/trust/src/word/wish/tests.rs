use super::*;
use crate::{MemberKind, Role, SignedWord, Tag};
use proptest::prelude::*;

fn at(hours: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-22T18:00:00Z".parse().unwrap();
    noon.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn word(wishes: Vec<Wish>) -> Word {
    Word {
        person: Tag([7; 32]),
        version: 3,
        rules: Vec::new(),
        wishes,
        represented_by: Vec::new(),
        born: None,
        said: at(0),
        author: MemberId("imss".into()),
    }
}

fn rosa() -> Named {
    Named {
        name: "Rosa".into(),
        at: Some((MemberId("imss".into()), "rosa".into())),
    }
}

fn unwanted_by(
    word: &Word,
    herself: bool,
    purpose: Purpose,
    actor: &str,
    now: Timestamp,
) -> Labels {
    let member = MemberId("imss".into());
    let viewer = Viewer {
        member: &member,
        kind: MemberKind::PublicInstitution,
        role: if herself {
            Role::Patient
        } else {
            Role::Physician
        },
        actor,
        herself,
        acting: None,
    };
    super::super::hidden(Some(word), None, &viewer, purpose, now).labels
}

fn for_her(wishes: &[Wish], now: Timestamp) -> Labels {
    unwanted_by(
        &word(wishes.to_vec()),
        true,
        Purpose::OwnRequest,
        "patient",
        now,
    )
}

#[test]
fn what_she_does_not_wish_to_know_is_hidden_from_her_and_not_from_who_cares_for_her() {
    let wish = Wish {
        told: Some(rosa()),
        ..Wish::plain(Finding::Cancer, at(0))
    };
    let word = word(vec![wish]);
    let (own, care) = (Purpose::OwnRequest, Purpose::Treatment);
    let cancer = Finding::Cancer.bit();
    assert_eq!(unwanted_by(&word, true, own, "patient", at(1)), cancer);
    assert_eq!(unwanted_by(&word, false, care, "ruiz", at(1)), Labels(0));
    // Who asks for her is not shown it either, unless she named that one.
    assert_eq!(unwanted_by(&word, false, own, "hijo", at(1)), cancer);
    assert_eq!(unwanted_by(&word, false, own, "rosa", at(1)), Labels(0));
}

#[test]
fn a_wish_ends_on_its_day() {
    let wish = Wish {
        until: Until::Date(at(10)),
        ..Wish::plain(Finding::LateOnset, at(0))
    };
    assert_eq!(
        for_her(std::slice::from_ref(&wish), at(9)),
        Finding::LateOnset.bit()
    );
    assert_eq!(for_her(&[wish], at(10)), Labels(0));
}

#[test]
fn the_time_to_think_it_over_is_her_own_and_asking_again_does_not_lengthen_it() {
    let wish = Wish {
        cool_off_hours: 24,
        ..Wish::plain(Finding::Cancer, at(0))
    };
    let once = ask(vec![wish], Finding::Cancer, Asking::Alone, at(1)).unwrap();
    assert_eq!(for_her(&once, at(24)), Finding::Cancer.bit());
    assert_eq!(for_her(&once, at(25)), Labels(0));
    let twice = ask(once, Finding::Cancer, Asking::Alone, at(20)).unwrap();
    assert_eq!(for_her(&twice, at(25)), Labels(0));
}

#[test]
fn a_session_can_be_brought_forward_and_the_companion_waived() {
    let wish = Wish {
        until: Until::Accompanied,
        companion: Some(rosa()),
        ..Wish::plain(Finding::GeneticCarrier, at(0))
    };
    let later = ask(
        vec![wish],
        Finding::GeneticCarrier,
        Asking::At(at(100)),
        at(1),
    )
    .unwrap();
    assert_eq!(later[0].asked.unwrap().company, Company::Awaited);
    assert_eq!(for_her(&later, at(99)), Finding::GeneticCarrier.bit());
    assert_eq!(for_her(&later, at(100)), Labels(0));
    let now = ask(later, Finding::GeneticCarrier, Asking::Alone, at(2)).unwrap();
    assert_eq!(now[0].asked.unwrap().company, Company::Waived);
    assert_eq!(for_her(&now, at(2)), Labels(0));
}

#[test]
fn of_all_that_nobody_asked_for_she_may_ask_for_one_and_keep_the_rest() {
    let general = vec![Wish::plain(Finding::Unrequested, at(0))];
    assert_eq!(for_her(&general, at(1)), Finding::Unrequested.covers());
    let after = ask(general, Finding::GeneticSecondary, Asking::Alone, at(1)).unwrap();
    let kept = Finding::Unrequested
        .bit()
        .with(Finding::IncidentalImaging.bit());
    assert_eq!(for_her(&after, at(1)), kept);
    // A new general wish covers it again, and asking wins again.
    let again = choose(after, Wish::plain(Finding::Unrequested, at(5)));
    assert_eq!(for_her(&again, at(5)), Finding::Unrequested.covers());
    let after = ask(again, Finding::GeneticSecondary, Asking::Alone, at(6)).unwrap();
    assert_eq!(for_her(&after, at(6)), kept);
}

#[test]
fn who_wishes_anew_takes_back_what_she_asked_and_has_not_seen() {
    let asked = ask(
        vec![Wish::plain(Finding::Cancer, at(0))],
        Finding::Cancer,
        Asking::At(at(50)),
        at(1),
    )
    .unwrap();
    let anew = choose(asked, Wish::plain(Finding::Cancer, at(2)));
    assert_eq!(for_her(&anew, at(60)), Finding::Cancer.bit());
    assert_eq!(anew.len(), 2, "the wish before is its history");
}

#[test]
fn bounds_are_kept() {
    let good = Wish::plain(Finding::Cancer, at(0));
    let bad = [
        Wish {
            cool_off_hours: 73,
            ..good.clone()
        },
        Wish {
            until: Until::Accompanied,
            ..good.clone()
        },
        Wish {
            companion: Some(Named {
                name: " ".into(),
                at: None,
            }),
            ..good.clone()
        },
        Wish {
            asked: Some(Asked {
                at: at(0),
                from: at(24 * 400),
                company: Company::None,
            }),
            ..good.clone()
        },
    ];
    assert_eq!(check_wishes(std::slice::from_ref(&good)), Ok(()));
    for wish in bad {
        assert!(check_wishes(&[wish]).is_err());
    }
    let mut many = vec![good.clone(); MAX_WISHES];
    assert_eq!(check_wishes(&many), Ok(()));
    many = choose(many, good);
    assert_eq!(many.len(), MAX_WISHES);
}

#[test]
fn a_word_without_wishes_has_the_bytes_that_it_had_before_there_were_any() {
    let bytes = String::from_utf8(word(Vec::new()).canonical()).unwrap();
    assert!(!bytes.contains("wish"), "{bytes}");
    let said: SignedWord =
        serde_json::from_str(&format!(r#"{{"word":{bytes},"signature":""}}"#)).unwrap();
    assert!(said.word.wishes.is_empty());
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let named = || prop::option::of(Just(rosa()));
    let one = (
        0..Finding::ALL.len(),
        prop::option::of(1i64..300),
        (named(), named()),
        prop::option::of(0i64..500),
        0u16..=MAX_COOL_OFF_HOURS,
        0i64..50,
        prop::option::of((0i64..60, 0i64..100, 0u8..4)),
    );
    let wish = one.prop_map(
        |(finding, date, (companion, told), review, hours, since, asked)| {
            let company = [
                Company::None,
                Company::Present,
                Company::Waived,
                Company::Awaited,
            ];
            Wish {
                until: match (date, &companion) {
                    (Some(date), _) => Until::Date(at(date)),
                    (None, Some(_)) => Until::Accompanied,
                    (None, None) => Until::Asked,
                },
                companion,
                told,
                review: review.map(at),
                cool_off_hours: hours,
                asked: asked.map(|(first, more, which)| Asked {
                    at: at(since + first),
                    from: at(since + first + more),
                    company: company[usize::from(which)],
                }),
                ..Wish::plain(Finding::ALL[finding], at(since))
            }
        },
    );
    prop::collection::vec(wish, 0..12)
}

proptest! {
    /// Asking always wins: whatever she wished before, and however she asks, she sees it at the latest when the time that
    /// she set herself, or her session, has come; and asking for one thing shows no other.
    #[test]
    fn whoever_asks_sees(before in wishes(), which in 0..8usize, now in 50i64..400, session in prop::option::of(0i64..300)) {
        let finding = Finding::ALL[which];
        let kept = held(&before, at(now));
        let how = session.map_or(Asking::Alone, |after| Asking::At(at(now + after)));
        let Some(after) = ask(before.clone(), finding, how, at(now)) else {
            prop_assert!(!kept.meets(finding.bit()), "there was nothing to ask for");
            return Ok(());
        };
        let latest = match session {
            Some(hours) => now + hours,
            None => now + i64::from(MAX_COOL_OFF_HOURS),
        };
        prop_assert!(!for_her(&after, at(latest)).meets(finding.bit()));
        let others = Labels(!finding.covers().0);
        let (then, without) = (held(&after, at(latest)), held(&before, at(latest)));
        prop_assert_eq!(then.0 & others.0, without.0 & others.0, "nothing else is shown or hidden");
        prop_assert_eq!(check_wishes(&after), Ok(()));
    }

    /// A further wish never shows more.
    #[test]
    fn a_further_wish_never_shows_more(before in wishes(), which in 0..8usize, now in 50i64..400) {
        let wish = Wish::plain(Finding::ALL[which], at(now));
        let after = choose(before.clone(), wish);
        let (then, now_) = (held(&before, at(now)), held(&after, at(now)));
        prop_assert_eq!(then.0 & !now_.0, 0);
        prop_assert!(now_.meets(Finding::ALL[which].bit()));
    }

    /// The last wish of each finding comes back out of its Consent.
    #[test]
    fn wishes_come_back_out_of_their_consent(all in wishes()) {
        let word = word(all.clone());
        let back = match to_consent(&word, "Patient/17") {
            Some(consent) => from_consent(&consent).unwrap(),
            None => Vec::new(),
        };
        let expected: Vec<Wish> = last(&all).cloned().collect();
        prop_assert_eq!(back, expected);
    }
}
