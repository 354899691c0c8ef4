//! Somebody at a desk is helped with her own page, and her record is not opened there.

use super::*;
use crate::{Document, NewPage, Rule};

fn page(secret: &str) -> NewPage {
    NewPage {
        curp: SHE.to_lowercase(),
        name: "Lupita Hernández".into(),
        document: Document::Ine,
        number: "IDMEX1234".into(),
        secret: secret.into(),
    }
}

/// A node with her record, and a clerk who received her and made her a page.
fn house() -> (Node, Actor) {
    let node = node_with_her("imss");
    let clerk = actor("imss", Role::Clerk);
    let early = node.make_page(&clerk, page("secreta"), noon());
    assert_eq!(
        early.unwrap_err().kind,
        RefusalKind::NoEvidence,
        "she is not here"
    );
    node.check_in(&clerk, SHE, noon()).unwrap();
    node.make_page(&clerk, page("secreta"), noon()).unwrap();
    (node, clerk)
}

#[test]
fn a_page_is_made_once_for_who_is_here_and_its_making_is_in_her_log() {
    let (node, clerk) = house();
    let say = |made: NewPage| node.make_page(&clerk, made, noon()).unwrap_err().en;
    assert!(say(page("otra-más")).contains("already"));
    assert!(say(page("corta")).contains("six letters"));
    let no_paper = NewPage {
        number: " ".into(),
        ..page("secreta")
    };
    assert!(say(no_paper).contains("document"));
    let she = node.sign_in(SHE, "secreta", noon()).unwrap();
    assert_eq!(she.actor.role, Role::Patient);
    let grant = node.decide(her_own(she.actor, What::Log), noon()).unwrap();
    let acts = node.acts(&grant, None, 50, noon()).unwrap();
    let names = |member: &MemberId| member.0.to_uppercase();
    let said: Vec<String> = acts
        .iter()
        .map(|act| act.sentence(Lang::Es, &names))
        .collect();
    let made = said
        .iter()
        .find(|line| line.contains("abrió tu página propia"));
    assert!(
        made.unwrap()
            .starts_with("Una Persona, de recepción de IMSS,"),
        "{said:?}"
    );
    // Nobody but the desk makes pages.
    let pharmacy = actor("farmacia", Role::Clerk);
    let refused = node.make_page(&pharmacy, page("secreta"), noon());
    assert_eq!(refused.unwrap_err().kind, RefusalKind::Forged);
}

#[test]
fn helped_at_a_desk_she_rules_and_reads_who_looked_and_opens_no_record() {
    let (node, clerk) = house();
    let session = node
        .sign_in_at_desk(&clerk, &SHE.to_lowercase(), "secreta", noon())
        .unwrap();
    assert_eq!(session.until, at("12:15"));
    let she = node
        .authenticate(Some(&session.token), at("12:14"))
        .unwrap();
    assert_eq!(she.helper.as_ref().unwrap().login, clerk.id);
    let refusal = node
        .decide(her_own(she.clone(), What::Summary), noon())
        .unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.because[0].as_str()),
        (RefusalKind::Pact, "desk-opens-no-record")
    );
    let closed = Rule {
        id: "r1".into(),
        what: vec![Category::Laboratory],
        ..Rule::default()
    };
    node.say(&she, vec![closed], noon()).unwrap();
    let grant = node
        .decide(her_own(she.clone(), What::Log), noon())
        .unwrap();
    let acts = node.acts(&grant, None, 50, noon()).unwrap();
    let names = |member: &MemberId| member.0.to_uppercase();
    let said: Vec<String> = acts
        .iter()
        .map(|act| act.sentence(Lang::Es, &names))
        .collect();
    for wanted in [
        "Con ayuda de Una Persona, en el mostrador: cambiaste tus reglas",
        "Con ayuda de Una Persona, en el mostrador: entraste a tu página",
        "porque en el mostrador no se abre la historia",
    ] {
        assert!(
            said.iter().any(|line| line.contains(wanted)),
            "{wanted}: {said:#?}"
        );
    }
    let word = acts.iter().find(|act| act.kind == ActKind::Word).unwrap();
    assert_eq!(
        word.sentence(Lang::En, &names).split(':').next(),
        Some("With the help of Una Persona, at the desk")
    );
    // The refusal is made again as it was.
    let denied = acts.iter().find(|act| act.kind == ActKind::Denied).unwrap();
    let by = actor("imss", Role::Operator);
    let explained = node.explain(&by, &denied.id, noon()).unwrap();
    assert_eq!(explained.holds(), Some(true));
    // Signed in by herself, her record is hers again.
    let alone = node.sign_in(SHE, "secreta", noon()).unwrap().actor;
    assert!(node.decide(her_own(alone, What::Summary), noon()).is_ok());
}

#[test]
fn only_the_desk_helps_and_only_people_with_their_own_secret() {
    let (node, clerk) = house();
    let doctor = NewAccount {
        login: "ana".into(),
        secret: "correcta".into(),
        name: "Dra. Ana".into(),
        role: Role::Physician,
        licence: Some(licence(LicenceState::Active)),
        curp: None,
        unit: None,
    };
    node.account(doctor, noon()).unwrap();
    let wrong = node.sign_in_at_desk(&clerk, SHE, "adivinada", noon());
    assert_eq!(wrong.unwrap_err().kind, RefusalKind::WrongSecret);
    let staff = node.sign_in_at_desk(&clerk, "ana", "correcta", noon());
    assert_eq!(staff.unwrap_err().kind, RefusalKind::Bad);
    let later = at("13:00");
    for role in [Role::Patient, Role::Operator, Role::Privacy] {
        let by = Actor {
            curp: None,
            ..actor("imss", role)
        };
        let refused = node.sign_in_at_desk(&by, SHE, "secreta", later);
        assert_eq!(refused.unwrap_err().kind, RefusalKind::Pact, "{role:?}");
    }
    // Nobody who is helped helps another one.
    let she = node
        .sign_in_at_desk(&clerk, SHE, "secreta", later)
        .unwrap()
        .actor;
    let chained = node.sign_in_at_desk(&she, SHE, "secreta", later);
    assert_eq!(chained.unwrap_err().kind, RefusalKind::Pact);
}
