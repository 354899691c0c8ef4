//! Delegates: what they may, in whose name, how it ends, and what they never do.

use super::*;
use crate::delegate::{LONGEST, MAX_DELEGATES};
use crate::glass::Reason;
use crate::{Delegation, Delegator, EvidenceKind, NewDelegate, NewLicence, Rule, Task, Who};
use jiff::SignedDuration;

fn account(login: &str, role: Role) -> NewAccount {
    let licensed = [Role::Physician, Role::Nurse].contains(&role);
    NewAccount {
        login: login.into(),
        secret: "correcta".into(),
        name: match role {
            Role::Physician => format!("Dra. {login}"),
            _ => login.to_owned(),
        },
        role,
        licence: licensed.then(|| licence(LicenceState::Active)),
        curp: None,
        unit: None,
    }
}

/// A doctor (`ines`), a nurse (`luz`), the desk (`eva`); the person is received.
fn house() -> Node {
    let node = node_with_her("imss");
    for (login, role) in [
        ("ines", Role::Physician),
        ("luz", Role::Nurse),
        ("eva", Role::Clerk),
    ] {
        node.account(account(login, role), noon()).unwrap();
    }
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    node
}

fn who(node: &Gate, login: &str) -> Actor {
    node.token(login, 1, noon()).unwrap().actor
}

fn to(login: &str, tasks: &[Task]) -> NewDelegate {
    NewDelegate {
        login: login.into(),
        purposes: vec![Purpose::Treatment],
        tasks: tasks.to_vec(),
        from: None,
        until: at("18:00"),
    }
}

fn name(node: &Gate, login: &str, tasks: &[Task]) -> Delegation {
    node.name_delegate(&who(node, "ines"), to(login, tasks), noon())
        .unwrap()
}

/// A session of somebody in the doctor's name.
fn session(node: &Gate, login: &str) -> SignedIn {
    let own = node.token(login, 10, noon()).unwrap();
    node.work_for(&own.token, Some("ines"), noon()).unwrap()
}

fn for_ines(node: &Gate, login: &str) -> Actor {
    session(node, login).actor
}

fn writes(actor: Actor, of_type: &str) -> Request {
    Request {
        verbs: Verbs::only(Verb::Create),
        types: Some(vec![of(of_type)]),
        what: What::Writing("note".into()),
        ..treat(actor)
    }
}

fn closing(who: &str) -> Rule {
    Rule {
        id: "r1".into(),
        who: Who::Actor(id("imss"), who.into()),
        what: vec![crate::Category::Laboratory],
        ..Rule::default()
    }
}

#[track_caller]
fn is_refused(node: &Gate, request: Request, code: &str) {
    let refusal = refused(node, request);
    assert_eq!(refusal.kind, RefusalKind::Delegation, "{refusal:?}");
    assert_eq!(refusal.because.first().map(String::as_str), Some(code));
}

#[test]
fn a_delegate_acts_as_herself_and_the_person_reads_both_names() {
    let node = house();
    name(&node, "luz", &[Task::Read]);
    let own = node.token("luz", 1, noon()).unwrap();
    let session = node.work_for(&own.token, Some("ines"), noon()).unwrap();
    let before = node.authenticate(Some(&own.token), noon()).unwrap_err();
    assert_eq!(
        before.kind,
        RefusalKind::NotSignedIn,
        "the old token is worth nothing"
    );
    assert_eq!(session.until, own.until);
    let she = node.authenticate(Some(&session.token), noon()).unwrap();
    assert_eq!(she, session.actor);

    let grant = node.decide(treat(she), noon()).unwrap();
    assert_eq!(node.sees(&grant).len(), 4);
    let act = &node.all_acts()[0];
    assert_eq!(act.who.id, "luz");
    let by = act.who.delegator.as_ref().unwrap();
    assert_eq!((by.login.as_str(), by.cedula.as_str()), ("ines", "1234567"));
    let say = |lang| {
        act.view(0)
            .sentence(lang, &|member| member.0.to_uppercase())
    };
    let said = say(Lang::Es);
    assert!(
        said.starts_with("luz, de enfermería de IMSS, por encargo de la Dra. ines, vio "),
        "{said}"
    );
    let said = say(Lang::En);
    assert!(
        said.starts_with("luz, nurse at IMSS, in the name of Dra. ines, saw "),
        "{said}"
    );

    // She lays it down, and works in her own name again.
    let again = node.work_for(&session.token, None, noon()).unwrap();
    assert_eq!(again.actor.delegator, None);
    let grant = node.decide(treat(again.actor), noon()).unwrap();
    node.sees(&grant);
    assert_eq!(node.all_acts()[0].who.delegator, None);
}

#[test]
fn the_evidence_is_that_of_whoever_named_her() {
    let node = node_with_her("imss");
    for (login, role) in [("ines", Role::Physician), ("luz", Role::Nurse)] {
        node.account(account(login, role), noon()).unwrap();
    }
    name(&node, "luz", &Task::ALL);
    let she = for_ines(&node, "luz");
    let patient = herself("imss");
    let code = |who: &str| {
        let shown = node.show_code(&patient, noon()).unwrap();
        node.redeem(&shown.code, &id("imss"), who, noon()).unwrap()
    };
    // What is hers alone opens nothing in the doctor's name, though it does in her own.
    code("luz");
    assert_eq!(
        refused(&node, treat(she.clone())).kind,
        RefusalKind::NoEvidence
    );
    assert!(node.decide(treat(who(&node, "luz")), noon()).is_ok());
    // What is the doctor's alone opens to her in that name, and to nobody else.
    code("ines");
    assert!(node.decide(treat(she.clone()), noon()).is_ok());
    let evidence = node.evidence(&she, node.tag_of_her(), noon());
    assert_eq!(evidence[0].actor.as_deref(), Some("ines"));
    assert_eq!(evidence[0].kind, EvidenceKind::PatientCode);
}

#[test]
fn a_rule_that_closes_for_the_one_or_for_the_other_closes() {
    let node = house();
    name(&node, "luz", &[Task::Read]);
    let sees = |login: &str| {
        let actor = match login {
            "delegate" => for_ines(&node, "luz"),
            login => who(&node, login),
        };
        node.sees(&node.decide(treat(actor), noon()).unwrap())
            .join(" ")
    };
    let all = "Patient Condition MedicationRequest Observation";
    let less = "Patient Condition MedicationRequest";
    let say = |rules| node.say(&herself("imss"), rules, noon()).unwrap();
    assert_eq!(sees("delegate"), all);
    say(vec![closing("ines")]);
    assert_eq!(
        (sees("luz"), sees("ines"), sees("delegate")),
        (all.into(), less.into(), less.into())
    );
    say(vec![closing("luz")]);
    assert_eq!(
        (sees("luz"), sees("ines"), sees("delegate")),
        (less.into(), all.into(), less.into())
    );
    // What she opened to the doctor by name she did not open to her delegate.
    let everyone = Rule {
        who: Who::Everyone,
        ..closing("")
    };
    let opening = Rule {
        id: "r2".into(),
        allow: true,
        ..closing("ines")
    };
    say(vec![everyone, opening]);
    assert_eq!(
        (sees("luz"), sees("ines"), sees("delegate")),
        (less.into(), all.into(), less.into())
    );
}

#[test]
fn who_closed_all_to_the_doctor_is_not_found_in_her_name() {
    let node = house();
    name(&node, "eva", &[Task::Desk]);
    let find = |actor: Actor| {
        let request = Request {
            person: PersonRef::Everyone,
            what: What::Find,
            ..treat(actor)
        };
        node.sees(&node.decide(request, noon()).unwrap())
    };
    let rule = Rule {
        what: Vec::new(),
        ..closing("ines")
    };
    node.say(&herself("imss"), vec![rule], noon()).unwrap();
    assert_eq!(find(who(&node, "eva")), ["Patient"]);
    assert!(find(for_ines(&node, "eva")).is_empty());
}

#[test]
fn it_ends_with_its_time_with_her_word_with_the_operators_and_by_itself() {
    let ends = |how: &dyn Fn(&Node)| {
        let node = house();
        name(&node, "luz", &[Task::Read]);
        let session = session(&node, "luz");
        let she = || node.authenticate(Some(&session.token), noon()).unwrap();
        assert!(node.decide(treat(she()), noon()).is_ok());
        how(&node);
        is_refused(&node, treat(she()), "delegation-over");
        // She cannot take it up again either; in her own name she works on.
        let own = node.token("luz", 1, noon()).unwrap();
        let kind = |refused: Result<SignedIn, Refusal>| refused.unwrap_err().kind;
        assert_eq!(
            kind(node.work_for(&own.token, Some("ines"), noon())),
            RefusalKind::Delegation
        );
        assert!(node.decide(treat(own.actor), noon()).is_ok());
        let listed = node.delegators_of("luz", noon()).unwrap();
        assert!(listed.iter().all(|(_, stands)| !stands));
        node
    };
    ends(&|node| {
        node.end_delegate(&who(node, "ines"), "luz", noon())
            .unwrap()
    });
    let node = ends(&|node| {
        node.end_delegation("ines", "luz", "se fue de la clínica", noon())
            .unwrap();
    });
    let acts = node.all_acts();
    let told = |act: &crate::Act| format!("{:?}", act.what);
    let lines: Vec<String> = acts
        .iter()
        .filter(|act| act.kind == ActKind::Delegation)
        .map(told)
        .collect();
    assert_eq!(lines.len(), 2, "named, and ended: {lines:?}");
    assert!(
        lines[0].contains("delegate luz of ines: ended, se fue"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("delegate luz: TREAT; read; 2026-11-22T12:00:00Z"),
        "{lines:?}"
    );
    ends(&|node| {
        let suspended = NewLicence {
            login: "ines".into(),
            state: LicenceState::Suspended,
            supervisor: None,
            reason: "resolución 14/2026".into(),
        };
        node.set_licence(suspended, noon()).unwrap();
    });
    ends(&|node| node.account(account("ines", Role::Nurse), noon()).unwrap());

    // Its time: not at that very moment any more, in a decision that was made before too.
    let node = house();
    name(&node, "luz", &[Task::Read]);
    let she = for_ines(&node, "luz");
    let later = |time: &str, expected: Result<(), RefusalKind>| {
        node.check_in(&actor("imss", Role::Clerk), SHE, at(time))
            .unwrap();
        let found = node.decide(treat(she.clone()), at(time));
        assert_eq!(
            found.map(drop).map_err(|refused| refused.kind),
            expected,
            "{time}"
        );
    };
    later("17:59", Ok(()));
    later("18:00", Err(RefusalKind::Delegation));
    // The delegate's own role counts as well.
    let node = house();
    name(&node, "luz", &[Task::Read]);
    let session = session(&node, "luz");
    node.account(account("luz", Role::Clerk), noon()).unwrap();
    let she = node.authenticate(Some(&session.token), noon()).unwrap();
    is_refused(&node, treat(she), "delegation-over");
}

#[test]
fn only_what_was_named_and_only_what_both_may() {
    let node = house();
    name(&node, "luz", &[Task::Read, Task::Write]);
    name(&node, "eva", &[Task::Read]);
    let (luz, eva) = (for_ines(&node, "luz"), for_ines(&node, "eva"));
    // A nurse writes no notes in her own name; in the doctor's the pact lets her.
    assert_eq!(
        refused(&node, writes(who(&node, "luz"), "Condition")).kind,
        RefusalKind::Pact
    );
    let grant = node
        .decide(writes(luz.clone(), "Condition"), noon())
        .unwrap();
    assert!(
        grant
            .grounds
            .policies
            .contains(&"delegate-writes".to_owned())
    );
    assert!(
        grant
            .grounds
            .policies
            .contains(&"physician-writes".to_owned())
    );
    assert!(
        grant
            .grounds
            .policies
            .contains(&"delegation-is-known".to_owned())
    );
    // The desk reads in her name what the pact lets it, and writes nothing.
    let desk = node.decide(treat(eva.clone()), noon()).unwrap();
    assert!(desk.grounds.hidden & crate::Category::MentalHealth.bit().0 != 0);
    assert_eq!(node.sees(&desk).len(), 4);
    is_refused(
        &node,
        writes(eva.clone(), "Condition"),
        "delegation-not-given",
    );
    let find = Request {
        what: What::Find,
        ..treat(eva)
    };
    is_refused(&node, find, "delegation-not-given");
    // Named anew for less, less is what she may, in the session that she has.
    let before = session(&node, "luz");
    name(&node, "luz", &[Task::Write]);
    let she = node.authenticate(Some(&before.token), noon()).unwrap();
    is_refused(&node, treat(she), "delegation-not-given");
    // A day that has not come does not count yet.
    let ahead = NewDelegate {
        from: Some(at("15:00")),
        ..to("luz", &[Task::Read])
    };
    node.name_delegate(&who(&node, "ines"), ahead, noon())
        .unwrap();
    let own = node.token("luz", 10, noon()).unwrap();
    assert!(node.work_for(&own.token, Some("ines"), noon()).is_err());
    let still = node.authenticate(Some(&before.token), noon()).unwrap();
    is_refused(&node, treat(still), "delegation-over");
    assert!(node.work_for(&own.token, Some("ines"), at("15:00")).is_ok());
}

#[test]
fn what_takes_the_cedula_itself_no_delegate_does() {
    let node = house();
    let doctor = account("ivan", Role::Physician);
    node.account(doctor, noon()).unwrap();
    name(&node, "ivan", &Task::ALL);
    let she = for_ines(&node, "ivan");
    let own = who(&node, "ivan");
    for of_type in ["MedicationRequest", "ServiceRequest", "MedicationDispense"] {
        assert!(
            node.decide(writes(own.clone(), of_type), noon()).is_ok(),
            "{of_type}"
        );
        is_refused(&node, writes(she.clone(), of_type), "own-cedula");
    }
    // Where no types were named, each change is asked.
    let any = |actor: Actor| Request {
        types: None,
        ..writes(actor, "Condition")
    };
    let change = |name: &str, id: &str| Change::Create {
        of: of(name),
        id: id.into(),
        resource: parse(&format!(
            "{{\"resourceType\":\"{name}\",\"status\":\"active\",\"intent\":\"order\",\"subject\":{{\"reference\":\"Patient/her\"}}}}"
        )),
        if_none_exist: None,
    };
    let grant = node.decide(any(she.clone()), noon()).unwrap();
    let both = vec![change("Condition", "c9"), change("MedicationRequest", "m9")];
    assert!(matches!(
        node.write(&grant, both, noon()),
        Err(store::Error::NotPermitted(_))
    ));
    let delete = Change::Delete {
        of: of("MedicationRequest"),
        id: "m1".into(),
        if_match: None,
    };
    assert!(node.write(&grant, vec![delete], noon()).is_err());
    node.write(&grant, vec![change("Condition", "c9")], noon())
        .unwrap();
    let grant = node.decide(any(own.clone()), noon()).unwrap();
    node.write(&grant, vec![change("MedicationRequest", "m9")], noon())
        .unwrap();
    // Emergencies, and all that is not care.
    let glass = |actor: &Actor| {
        node.declare(
            actor,
            SHE,
            (Reason::CannotSpeak, "Llegó inconsciente."),
            noon(),
        )
    };
    assert_eq!(glass(&she).unwrap_err().kind, RefusalKind::Delegation);
    assert!(glass(&own).is_ok());
    for purpose in [
        Purpose::Operations,
        Purpose::OwnRequest,
        Purpose::Family,
        Purpose::State,
        Purpose::Emergency,
    ] {
        let request = Request {
            purpose,
            ..treat(she.clone())
        };
        assert!(node.decide(request, noon()).is_err(), "{purpose:?}");
    }
}

#[test]
fn two_people_stand_for_a_telling_each_herself() {
    let node = house();
    node.account(account("ivan", Role::Physician), noon())
        .unwrap();
    name(&node, "ivan", &[Task::Read]);
    let waits = |actor: Actor| {
        let grant = node.decide(treat(actor), noon()).unwrap();
        node.tellings_that_wait(&grant, noon()).map(drop)
    };
    assert_eq!(waits(who(&node, "ivan")), Ok(()));
    assert_eq!(
        waits(for_ines(&node, "ivan")).unwrap_err().kind,
        RefusalKind::NoEvidence
    );
}

#[test]
fn it_is_not_passed_on_and_only_for_some_days_to_somebody_here() {
    let node = house();
    node.account(account("ivan", Role::Physician), noon())
        .unwrap();
    name(&node, "ivan", &Task::ALL);
    let ines = who(&node, "ines");
    let say = |by: &Actor, new: NewDelegate| node.name_delegate(by, new, noon()).unwrap_err();
    let passed_on = say(&for_ines(&node, "ivan"), to("luz", &[Task::Read]));
    assert!(passed_on.en.contains("own name"), "{passed_on:?}");
    assert!(
        node.end_delegate(&for_ines(&node, "ivan"), "ivan", noon())
            .is_err()
    );
    for login in ["ines", "nadie"] {
        assert!(
            say(&ines, to(login, &[Task::Read]))
                .en
                .contains("nobody here")
        );
    }
    for role in [Role::Operator, Role::Privacy, Role::System] {
        node.account(account("otra", role), noon()).unwrap();
        assert!(
            say(&ines, to("otra", &[Task::Read]))
                .en
                .contains("nobody here")
        );
    }
    let when = |from: Option<Timestamp>, until: Timestamp| NewDelegate {
        from,
        until,
        ..to("luz", &[Task::Read])
    };
    let far = noon() + LONGEST;
    let second = SignedDuration::from_secs(1);
    for bad in [
        when(None, noon()),
        when(None, far + second),
        when(Some(far + second), far + second + second),
        when(Some(at("15:00")), at("15:00")),
    ] {
        assert!(say(&ines, bad).en.contains("30 at most"));
    }
    for bad in [
        to("luz", &[]),
        NewDelegate {
            purposes: vec![],
            ..to("luz", &[Task::Read])
        },
        NewDelegate {
            purposes: vec![Purpose::Treatment, Purpose::Emergency],
            ..to("luz", &[Task::Read])
        },
    ] {
        assert!(say(&ines, bad).en.contains("Say for what"));
    }
    // Whoever has no active licence names nobody, nor does another house's.
    assert_eq!(
        say(&who(&node, "eva"), to("luz", &[Task::Read])).kind,
        RefusalKind::Licence
    );
    let pasante = Actor {
        id: "otra".into(),
        ..ines.clone()
    };
    assert_eq!(
        say(&pasante, to("luz", &[Task::Read])).kind,
        RefusalKind::Licence
    );
    let stranger = Actor {
        member: id("farmacia"),
        ..ines.clone()
    };
    assert!(
        say(&stranger, to("luz", &[Task::Read]))
            .en
            .contains("own name")
    );
    // The pact knows a doctor's delegates, not a nurse's.
    let unknown = say(&who(&node, "luz"), to("eva", &[Task::Read]));
    assert_eq!(unknown.because, ["delegation-unknown"]);
    // And she has not everybody at once; who is named anew is no further one.
    for one in 1..MAX_DELEGATES {
        let login = format!("enfermera{one}");
        node.account(account(&login, Role::Nurse), noon()).unwrap();
        name(&node, &login, &[Task::Read]);
    }
    assert!(
        say(&ines, to("luz", &[Task::Read]))
            .en
            .contains("20 people")
    );
    name(&node, "ivan", &[Task::Read]);
    node.end_delegate(&ines, "ivan", noon()).unwrap();
    name(&node, "luz", &[Task::Read]);
    assert_eq!(
        node.delegates_of("ines", noon()).unwrap().len(),
        MAX_DELEGATES + 1
    );
    // What was over long ago is forgotten when somebody is named.
    let late = noon() + LONGEST + LONGEST;
    let new = NewDelegate {
        until: late + LONGEST,
        ..to("luz", &[Task::Read])
    };
    node.name_delegate(&ines, new, late).unwrap();
    let listed = node.delegates_of("ines", late).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(node.delegators_of("enfermera1", late).unwrap(), []);
}

#[test]
fn a_pact_that_does_not_say_so_knows_no_delegates() {
    let node = house();
    name(&node, "luz", &[Task::Read]);
    let she = for_ines(&node, "luz");
    assert!(node.decide(treat(she.clone()), noon()).is_ok());
    let before = crate::policy::DEFAULT;
    let (head, rest) = before.split_once("@id(\"delegation-is-known\")").unwrap();
    let (_, tail) = rest.split_once("@id(\"delegate-reads\")").unwrap();
    let ours = node.pact();
    let next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        policies: format!("{head}@id(\"delegate-reads\"){tail}"),
        ..(*ours).clone()
    };
    node.adopt(&signed(&next), noon()).unwrap();
    is_refused(&node, treat(she), "delegation-unknown");
    let new = to("eva", &[Task::Read]);
    let refusal = node
        .name_delegate(&who(&node, "ines"), new, noon())
        .unwrap_err();
    assert_eq!(refusal.because, ["delegation-unknown"]);
    // In her own name nothing changed.
    assert!(node.decide(treat(who(&node, "luz")), noon()).is_ok());
}

#[test]
fn decisions_in_somebodys_name_come_out_again() {
    let node = house();
    name(&node, "luz", &[Task::Read, Task::Write]);
    let she = for_ines(&node, "luz");
    let explain = |kind: ActKind| {
        let acts = node.all_acts();
        let act = acts.iter().find(|act| act.kind == kind).unwrap();
        let explained = node
            .explain(&actor("imss", Role::Operator), &act.name(), noon())
            .unwrap();
        assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        explained
    };
    // Evidence of the doctor alone, and a rule against each.
    let shown = node.show_code(&herself("imss"), noon()).unwrap();
    node.redeem(&shown.code, &id("imss"), "ines", noon())
        .unwrap();
    node.say(&herself("imss"), vec![closing("ines")], noon())
        .unwrap();
    node.sees(&node.decide(treat(she.clone()), noon()).unwrap());
    refused(&node, writes(she.clone(), "MedicationRequest"));
    explain(ActKind::Denied);
    // Then all of it is over.
    node.end_delegate(&who(&node, "ines"), "luz", noon())
        .unwrap();
    node.say(&herself("imss"), vec![], noon()).unwrap();
    let explained = explain(ActKind::Read);
    assert_eq!(explained.then.rules, ["r1"]);
    assert_eq!(explained.evidence.len(), 2);
    let later = Actor {
        delegator: she.delegator.clone().map(|by| Delegator {
            stands: false,
            ..by
        }),
        ..she
    };
    refused(&node, treat(later));
    let explained = explain(ActKind::Denied);
    assert_eq!(explained.then.refused, ["delegation", "delegation-over"]);
}

#[test]
fn another_member_asks_in_somebodys_name_on_that_ones_evidence() {
    let pharmacy = node("farmacia");
    for (login, role) in [("ines", Role::Physician), ("luz", Role::Nurse)] {
        pharmacy.account(account(login, role), noon()).unwrap();
    }
    name(&pharmacy, "luz", &[Task::Read]);
    let she = for_ines(&pharmacy, "luz");
    let imss = node_with_her("imss");
    let shown = imss.show_code(&herself("imss"), noon()).unwrap();
    let code = imss
        .redeem(&shown.code, &id("farmacia"), "ines", noon())
        .unwrap();
    let ask = |actor: Actor| Request {
        via: Some(id("farmacia")),
        evidence: vec![code.clone()],
        ..treat(actor)
    };
    let grant = imss.decide(ask(she.clone()), noon()).unwrap();
    assert_eq!(imss.sees(&grant).len(), 4);
    let act = &imss.all_acts()[0];
    let by = act.who.delegator.as_ref().map(|by| by.name.as_str());
    assert_eq!((act.who.name.as_str(), by), ("luz", Some("Dra. ines")));
    // In her own name it is evidence for somebody else.
    let own = refused(&imss, ask(who(&pharmacy, "luz")));
    assert_eq!(own.kind, RefusalKind::Forged);
    let rule = Rule {
        who: Who::Actor(id("farmacia"), "ines".into()),
        ..closing("")
    };
    imss.say(&herself("imss"), vec![rule], noon()).unwrap();
    let grant = imss.decide(ask(she.clone()), noon()).unwrap();
    assert_eq!(
        imss.sees(&grant),
        ["Patient", "Condition", "MedicationRequest"]
    );
    // What another member vouches for is over here at its time as well.
    let over = Actor {
        delegator: she.delegator.clone().map(|by| Delegator {
            until: noon(),
            ..by
        }),
        ..she
    };
    is_refused(&imss, ask(over), "delegation-over");
}
