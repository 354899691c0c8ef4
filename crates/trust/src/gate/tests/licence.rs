//! Licences change, are remembered, and a pasante's hangs on who answers for her.

use super::*;
use crate::{LicenceTurn, NewLicence, Supervisor};

fn professional(login: &str, licence: Licence) -> NewAccount {
    NewAccount {
        login: login.into(),
        secret: "correcta".into(),
        name: format!("Dra. {login}"),
        role: Role::Physician,
        licence: Some(licence),
        curp: None,
        unit: None,
    }
}

fn under(login: &str) -> Licence {
    Licence {
        supervisor: Some(Supervisor {
            login: login.into(),
            name: "lo que diga quien pregunta".into(),
            cedula: String::new(),
        }),
        ..licence(LicenceState::Pasante)
    }
}

fn change(login: &str, state: LicenceState, supervisor: Option<&str>) -> NewLicence {
    NewLicence {
        login: login.into(),
        state,
        supervisor: supervisor.map(str::to_owned),
        reason: "resolución 14/2026".into(),
    }
}

/// A node with a doctor, a pasante under her, and the person received.
fn house() -> Node {
    let node = node("imss");
    let doctor = professional("ines", licence(LicenceState::Active));
    node.account(doctor, noon()).unwrap();
    node.account(professional("ivan", under("ines")), noon())
        .unwrap();
    let clerk = actor("imss", Role::Clerk);
    node.check_in(&clerk, SHE, noon()).unwrap();
    node
}

fn who(node: &Gate, login: &str) -> Actor {
    node.token(login, 1, noon()).unwrap().actor
}

#[test]
fn a_pasante_works_while_who_answers_for_her_does_and_her_acts_say_under_whom() {
    let node = house();
    let grant = node.decide(treat(who(&node, "ivan")), noon()).unwrap();
    let found = node
        .store()
        .everything(&grant.permit, &store::Asked::default());
    node.open_answer(&grant, found.unwrap(), noon()).unwrap();
    let act = &node.all_acts()[0];
    let answers = act.who.supervisor.as_ref().unwrap();
    assert_eq!(
        (
            answers.login.as_str(),
            answers.name.as_str(),
            answers.cedula.as_str()
        ),
        ("ines", "Dra. ines", "1234567"),
        "as her account says, not as whoever made his"
    );
    let said = act
        .view(0)
        .sentence(Lang::Es, &|member| member.0.to_uppercase());
    assert!(
        said.starts_with("La Dra. ivan, pasante a cargo de Dra. ines en IMSS,"),
        "{said}"
    );

    // Hers is suspended: his counts no more, in a session that he has already.
    let session = node.token("ivan", 1, noon()).unwrap();
    node.set_licence(change("ines", LicenceState::Suspended, None), noon())
        .unwrap();
    let he = node.authenticate(Some(&session.token), noon()).unwrap();
    assert_eq!(he.licence_state(), "unsupervised");
    let refusal = refused(&node, treat(he));
    assert_eq!(refusal.kind, RefusalKind::Licence);
    assert_eq!(
        refused(&node, treat(who(&node, "ines"))).kind,
        RefusalKind::Licence
    );

    // It is given back, and all is as before.
    node.set_licence(change("ines", LicenceState::Active, None), noon())
        .unwrap();
    let he = node.authenticate(Some(&session.token), noon()).unwrap();
    assert!(node.decide(treat(he), noon()).is_ok());
}

#[test]
fn what_a_licence_was_stays_known_and_each_change_is_an_act() {
    let node = house();
    node.set_licence(change("ivan", LicenceState::Active, None), at("13:00"))
        .unwrap();
    // An account that is made again keeps its history; the same state is no new turn.
    let again = professional("ivan", licence(LicenceState::Active));
    node.account(again, at("14:00")).unwrap();
    node.set_licence(change("ivan", LicenceState::Expired, None), at("15:00"))
        .unwrap();
    let turns = node.licence_turns("ivan").unwrap();
    let told = |turn: &LicenceTurn| (turn.state, turn.from, turn.supervisor.is_some());
    assert_eq!(
        turns.iter().map(told).collect::<Vec<_>>(),
        [
            (LicenceState::Pasante, noon(), true),
            (LicenceState::Active, at("13:00"), false),
            (LicenceState::Expired, at("15:00"), false),
        ]
    );
    assert_eq!(turns[2].reason, "resolución 14/2026");
    let acts = node.all_acts();
    let changes = acts.iter().filter(|act| act.kind == ActKind::Licence);
    let lines: Vec<String> = changes.map(|act| format!("{:?}", act.what)).collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains("ivan: active -> expired, resolución 14/2026"),
        "{lines:?}"
    );
}

#[test]
fn nobody_answers_for_a_pasante_who_could_not() {
    let node = house();
    let say = |result: Result<(), Refusal>| result.unwrap_err().en;
    let nobody = Licence {
        supervisor: None,
        ..under("")
    };
    let made = |licence| say(node.account(professional("eva", licence), noon()));
    assert!(made(nobody).contains("say who"));
    for login in ["nadie", "ivan"] {
        assert!(made(under(login)).contains("an active licence"), "{login}");
    }
    let not_one = Licence {
        state: LicenceState::Active,
        ..under("ines")
    };
    assert!(made(not_one).contains("Only a pasante"));
    assert!(made(licence(LicenceState::Unsupervised)).contains("Nobody is said"));
    let change = |to| say(node.set_licence(to, noon()));
    let unsaid = NewLicence {
        reason: " ".into(),
        ..change_to("ines")
    };
    assert!(change(unsaid).contains("Say why"));
    assert!(change(change_to("nadie")).contains("no account"));
    assert_eq!(
        node.licence_turns("ines").unwrap().len(),
        1,
        "nothing changed"
    );
}

fn change_to(login: &str) -> NewLicence {
    change(login, LicenceState::Suspended, None)
}
