//! Secrets, tokens, and what a flood of strangers leaves behind.

use super::*;

fn account(login: &str, role: Role) -> NewAccount {
    NewAccount {
        login: login.into(),
        secret: "correcta".into(),
        name: "Ana Ruiz".into(),
        role,
        licence: None,
        curp: (role == Role::Patient).then(|| SHE.into()),
        unit: None,
    }
}

#[test]
fn a_token_lives_from_sign_in_to_sign_out_or_to_its_hour() {
    let node = node("imss");
    node.account(account("ana", Role::Physician), noon())
        .unwrap();
    node.account(account("ella", Role::Patient), noon())
        .unwrap();
    let staff = node.sign_in("ana", "correcta", noon()).unwrap();
    assert_eq!(staff.until, "2026-11-23T00:00:00Z".parse().unwrap());
    assert_eq!(
        node.authenticate(Some(&staff.token), at("23:59"))
            .unwrap()
            .id,
        "ana"
    );
    let late = node.authenticate(Some(&staff.token), staff.until);
    assert_eq!(late.unwrap_err().kind, RefusalKind::Expired);
    let patient = node.sign_in("ella", "correcta", noon()).unwrap();
    assert_eq!(patient.until, at("13:00"));
    node.sign_out(&patient.token, at("12:30")).unwrap();
    let gone = node.authenticate(Some(&patient.token), at("12:31"));
    assert_eq!(gone.unwrap_err().kind, RefusalKind::NotSignedIn);
    let program = node.token("ana", 48, noon()).unwrap();
    assert!(
        node.authenticate(
            Some(&program.token),
            "2026-11-24T11:00:00Z".parse().unwrap()
        )
        .is_ok()
    );
}

#[test]
fn a_session_outlives_the_gate_and_shows_the_account_as_it_is_now() {
    let first = node("imss");
    first
        .account(account("ana", Role::Physician), noon())
        .unwrap();
    let session = first.sign_in("ana", "correcta", noon()).unwrap();
    let suspended = NewAccount {
        licence: Some(licence(LicenceState::Suspended)),
        ..account("ana", Role::Physician)
    };
    first.account(suspended, noon()).unwrap();
    let state = |gate: &Gate| {
        gate.authenticate(Some(&session.token), noon())
            .unwrap()
            .licence_state()
    };
    assert_eq!(state(&first), "suspended");
    let Node { gate, dir } = first;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    assert_eq!(state(&gate), "suspended");
}

#[test]
fn neither_tokens_nor_secrets_are_stored_or_printed() {
    let node = node("imss");
    node.account(account("ana", Role::Physician), noon())
        .unwrap();
    let session = node.sign_in("ana", "correcta", noon()).unwrap();
    let code = node.show_code(&herself("imss"), noon()).unwrap();
    let rows = node
        .house
        .store
        .scan(&node.house.seal, b"", None, 1_000)
        .unwrap();
    for (key, value) in rows {
        for secret in [&session.token, "correcta", &code.code[5..]] {
            let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!holds(&key) && !holds(&value));
        }
    }
    let printed = format!(
        "{session:?} {code:?} {:?} {:?} {:?} {:?}",
        account("ana", Role::Physician),
        herself("imss"),
        config("imss"),
        treat(herself("imss")),
    );
    for secret in [&session.token, "correcta", &code.code[5..], SHE, "Ana Ruiz"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn wrong_secrets_slow_down_and_are_acts_of_that_account() {
    let node = node("imss");
    node.account(account("ella", Role::Patient), noon())
        .unwrap();
    for _ in 0..5 {
        let refusal = node.sign_in("ella", "otra cosa", noon()).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::WrongSecret);
    }
    // Even the right one waits; and waits again after a restart.
    let wait = |gate: &Gate, seconds: i64| {
        let now = later(noon(), seconds);
        gate.sign_in("ella", "correcta", now)
            .map(drop)
            .map_err(|r| r.kind)
    };
    assert_eq!(wait(&node, 1), Err(RefusalKind::SlowDown));
    let Node { gate, dir } = node;
    drop(gate);
    let node = Node {
        gate: Gate::open(dir.path(), config("imss")).unwrap(),
        dir,
    };
    assert_eq!(wait(&node, 1), Err(RefusalKind::SlowDown));
    assert_eq!(wait(&node, 2), Ok(()));
    // The patient reads in her log that somebody tried.
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let acts = node.acts(&log, None, 50, noon()).unwrap();
    let wrong = acts
        .iter()
        .filter(|act| act.refused == ["wrong-secret"])
        .count();
    assert_eq!(
        (wrong, acts[0].kind, acts[0].refused.len()),
        (5, ActKind::SignIn, 0)
    );
}

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    from + jiff::SignedDuration::from_secs(seconds)
}

#[test]
fn an_unknown_login_is_refused_as_a_wrong_secret() {
    let node = node("imss");
    node.account(account("ana", Role::Physician), noon())
        .unwrap();
    let wrong = node.sign_in("ana", "no", noon()).unwrap_err();
    assert_eq!(node.sign_in("nadie", "no", noon()).unwrap_err(), wrong);
}

#[test]
fn a_flood_without_tokens_is_counted_and_does_not_fill_the_log() {
    let node = node("imss");
    let knock = |token: Option<&str>, time| node.authenticate(token, time).unwrap_err().kind;
    for _ in 0..100 {
        assert_eq!(knock(None, noon()), RefusalKind::NotSignedIn);
    }
    let kept = sample::PER_MINUTE;
    assert_eq!(node.all_acts().len() as u64, kept);
    assert_eq!(knock(Some("forged"), at("12:01")), RefusalKind::NotSignedIn);
    let acts = node.all_acts();
    assert_eq!(acts.len() as u64, kept + 2);
    assert_eq!(
        (acts[1].resources, acts[1].refused.as_slice()),
        (100 - kept, ["not-signed-in".to_owned()].as_slice())
    );
    assert!(acts.iter().all(|act| act.kind == ActKind::SignIn));
}

#[test]
fn accounts_that_cannot_be_are_refused() {
    let node = node("imss");
    let check = |account: NewAccount| {
        assert_eq!(
            node.account(account, noon()).unwrap_err().kind,
            RefusalKind::Bad
        );
    };
    check(account("", Role::Clerk));
    check(account("con espacio", Role::Clerk));
    check(NewAccount {
        secret: "123".into(),
        ..account("ana", Role::Clerk)
    });
    check(NewAccount {
        curp: Some("no es".into()),
        ..account("ana", Role::Patient)
    });
    check(NewAccount {
        curp: None,
        ..account("ana", Role::Patient)
    });
}
