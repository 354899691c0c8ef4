//! Who acts for a person: entered, named, told to both, at every member, and decided again from the act.

use super::*;
use crate::represent::Paper;
use crate::{
    ActView, Category, EvidenceKind, Guardianship, Lang, NewRepresentative, Rule, Tie, Who,
};

/// Twelve years old at noon.
const CHILD: &str = "ROPA140603MDFDRNA1";

fn clerk() -> Actor {
    actor("imss", Role::Clerk)
}

fn rosa() -> Actor {
    Actor {
        id: "rosa".into(),
        name: "Rosa Pérez".into(),
        ..herself("imss")
    }
}

fn as_rosa() -> NewRepresentative {
    NewRepresentative {
        curp: SHE.into(),
        name: "Rosa Pérez".into(),
        tie: Tie::Mother,
        sees: Vec::new(),
        speaks: false,
        until: None,
    }
}

fn certificate() -> Guardianship {
    Guardianship {
        curp: CHILD.into(),
        name: "Ana".into(),
        paper: Paper::BirthCertificate,
        number: "12/2014".into(),
    }
}

fn condition(id: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"Patient/child"}},"code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"{code}"}}]}}}}"#
    )
}

/// The child's record: asthma, what comes of violence, and a pregnancy.
fn house() -> Node {
    let node = node("imss");
    node.load(&patient("child", CHILD));
    for (id, code) in [
        ("asthma", "J45"),
        ("violence", "T741"),
        ("pregnancy", "Z321"),
    ] {
        node.load(&condition(id, code));
    }
    node
}

/// Her mother entered at the desk.
fn with_her_mother() -> Node {
    let node = house();
    node.check_in(&clerk(), CHILD, noon()).unwrap();
    node.enter_guardian(&clerk(), certificate(), as_rosa(), noon())
        .unwrap();
    node
}

fn for_her(actor: Actor, what: What) -> Request {
    Request {
        purpose: Purpose::Family,
        person: PersonRef::Curp(CHILD.into()),
        what,
        ..treat(actor)
    }
}

fn shown(node: &Node, request: Request) -> Vec<&'static str> {
    let grant = node.decide(request, noon()).unwrap();
    let ids = ["asthma", "violence", "pregnancy"].into_iter();
    ids.filter(|id| node.reads(&grant, "Condition", id).is_some())
        .collect()
}

fn child() -> Actor {
    Actor {
        id: "ana".into(),
        name: "Ana".into(),
        curp: Some(CHILD.into()),
        ..actor("imss", Role::Patient)
    }
}

fn log(node: &Node, request: Request) -> Vec<ActView> {
    let grant = node.decide(request, noon()).unwrap();
    node.acts(&grant, None, 100, noon()).unwrap()
}

fn her_log(node: &Node) -> Vec<ActView> {
    let own = Request {
        purpose: Purpose::OwnRequest,
        ..for_her(child(), What::Log)
    };
    log(node, own)
}

fn sentences(acts: &[ActView], lang: Lang) -> Vec<String> {
    let names = |member: &MemberId| member.0.to_uppercase();
    acts.iter().map(|act| act.sentence(lang, &names)).collect()
}

#[test]
fn a_mother_entered_on_a_document_reads_what_the_age_and_the_topic_leave_her() {
    let node = with_her_mother();
    assert_eq!(shown(&node, for_her(rosa(), What::Summary)), ["asthma"]);
    // Nobody else does so by saying it, nor she for another purpose or about others.
    let stranger = Actor {
        curp: Some(OTHER.into()),
        ..rosa()
    };
    assert_eq!(
        refused(&node, for_her(stranger, What::Summary)).kind,
        RefusalKind::NoEvidence
    );
    let doctor = actor("imss", Role::Physician);
    assert!(node.decide(for_her(doctor, What::Summary), noon()).is_err());
    for purpose in [Purpose::OwnRequest, Purpose::Treatment, Purpose::Operations] {
        let request = Request {
            purpose,
            ..for_her(rosa(), What::Summary)
        };
        assert!(node.decide(request, noon()).is_err(), "{purpose:?}");
    }
    for (verbs, person) in [
        (Verbs::READING, PersonRef::Everyone),
        (Verbs::READING, PersonRef::Curp(OTHER.into())),
        (Verbs::only(Verb::Update), PersonRef::Curp(CHILD.into())),
    ] {
        let request = Request {
            verbs,
            person,
            ..for_her(rosa(), What::Summary)
        };
        assert!(node.decide(request, noon()).is_err());
    }
    // The child herself sees all, and a quiet seal of hers takes more away.
    let quiet = Rule {
        id: "q".into(),
        quiet: true,
        who: Who::Representatives,
        what: vec![Category::Diagnoses],
        ..Rule::default()
    };
    node.say(&child(), vec![quiet], noon()).unwrap();
    assert_eq!(
        shown(&node, for_her(rosa(), What::Summary)),
        Vec::<&str>::new()
    );
    let own = Request {
        purpose: Purpose::OwnRequest,
        ..for_her(child(), What::Summary)
    };
    assert_eq!(shown(&node, own), ["asthma", "violence", "pregnancy"]);
}

#[test]
fn who_looked_a_child_reads_at_any_age_and_the_topic_from_twelve_on() {
    const SMALL: &str = "ROPA200603MDFDRNA1";
    let small = |text: &str| text.replace("child", "small");
    let node = node("imss");
    node.load(&small(&patient("child", SMALL)));
    node.load(&small(&condition("violence", "T741")));
    node.check_in(&clerk(), SMALL, noon()).unwrap();
    let of = Guardianship {
        curp: SMALL.into(),
        ..certificate()
    };
    node.enter_guardian(&clerk(), of, as_rosa(), noon())
        .unwrap();
    let about = |request: Request| Request {
        person: PersonRef::Curp(SMALL.into()),
        ..request
    };
    let doctor = about(treat(actor("imss", Role::Physician)));
    assert_eq!(shown(&node, doctor), ["violence"]);
    let she = Actor {
        curp: Some(SMALL.into()),
        ..child()
    };
    let own = |what| {
        about(Request {
            purpose: Purpose::OwnRequest,
            ..for_her(she.clone(), what)
        })
    };
    assert_eq!(shown(&node, own(What::Summary)), Vec::<&str>::new());
    let saw = |act: &&ActView| act.role == Role::Physician && act.resources > 0;
    let grant = node.decide(own(What::Log), noon()).unwrap();
    let acts = node.acts(&grant, None, 100, noon()).unwrap();
    let doctors = acts.iter().find(saw).unwrap();
    assert_eq!(Category::of(doctors.categories), [Category::Diagnoses]);
    assert!(node.receipt(&grant, &doctors.id, noon()).is_err());
    let twelve: Timestamp = "2032-06-04T12:00:00Z".parse().unwrap();
    let grant = node.decide(own(What::Log), twelve).unwrap();
    let acts = node.acts(&grant, None, 100, twelve).unwrap();
    let doctors = acts.iter().find(saw).unwrap();
    assert!(doctors.categories.meets(Category::Violence.bit()));
    node.receipt(&grant, &doctors.id, twelve).unwrap();
}

#[test]
fn nobody_is_entered_without_the_person_there_or_by_whoever_does_not_receive() {
    let node = house();
    let enter = |by: Actor, of: Guardianship| node.enter_guardian(&by, of, as_rosa(), noon());
    let refusal = enter(clerk(), certificate()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NoEvidence);
    node.check_in(&clerk(), CHILD, noon()).unwrap();
    assert!(enter(rosa(), certificate()).is_err());
    assert!(enter(actor("farmacia", Role::Clerk), certificate()).is_err());
    let no_number = Guardianship {
        number: " ".into(),
        ..certificate()
    };
    assert!(enter(clerk(), no_number).is_err());
    // An adult's guardian needs a court, and an end.
    node.check_in(&clerk(), OTHER, noon()).unwrap();
    let court = Guardianship {
        curp: OTHER.into(),
        paper: Paper::CourtDecision,
        ..certificate()
    };
    assert!(enter(clerk(), court.clone()).is_err());
    let year = noon() + jiff::SignedDuration::from_hours(24 * 365);
    let bounded = NewRepresentative {
        until: Some(year),
        ..as_rosa()
    };
    node.enter_guardian(&clerk(), court, bounded, noon())
        .unwrap();
    let there = node.guardians(&clerk(), OTHER, noon()).unwrap();
    assert_eq!(there.len(), 1);
    assert!(
        node.guardians(&clerk(), SHE, noon()).is_err(),
        "she is not there"
    );
    // A minor names nobody herself.
    let named = node.name_representative(&child(), as_rosa(), noon());
    assert_eq!(named.unwrap_err().kind, RefusalKind::Bad);
}

#[test]
fn a_change_is_told_to_both_and_whoever_acts_reads_what_she_did_and_nothing_else() {
    let node = with_her_mother();
    assert_eq!(shown(&node, for_her(rosa(), What::Summary)), ["asthma"]);
    let hers = sentences(&her_log(&node), Lang::Es);
    for said in [
        "Una Persona, de recepción de IMSS, anotó a las 6:00 que Rosa Pérez actúa por ti.",
        "Rosa Pérez, tu madre, vio tus diagnósticos a las 6:00 porque actúa por ti.",
    ] {
        assert!(hers.iter().any(|one| one == said), "{hers:#?}");
    }
    let mothers = log(&node, her_own(rosa(), What::Log));
    let said = "Tú actúas por Ana desde hoy a las 6:00.";
    assert!(
        sentences(&mothers, Lang::Es).iter().any(|one| one == said),
        "{mothers:#?}"
    );
    // Of what she looked for by name and is hidden, nothing: as of what is not there. One line for what she saw.
    let read = |acts: &[ActView]| acts.iter().filter(|act| act.kind == ActKind::Read).count();
    let by_her = log(&node, for_her(rosa(), What::Log));
    assert_eq!(read(&by_her), 1, "{by_her:#?}");
    assert!(by_her.iter().all(|act| act.who == "Rosa Pérez"));
    assert_eq!(read(&her_log(&node)), 3, "the child reads all three");
    // No receipt, and no opinion: both are the person's.
    let grant = node.decide(for_her(rosa(), What::Log), noon()).unwrap();
    assert!(node.receipt(&grant, &by_her[0].id, noon()).is_err());
    let opinion = crate::Opinion::Right;
    assert!(node.opine(&grant, &by_her[0].id, opinion, noon()).is_err());

    // She resigns; both are told, and it is over at once.
    assert_eq!(node.acts_for(&rosa(), noon()).len(), 1);
    node.resign(&rosa(), node.tag(CHILD), noon()).unwrap();
    assert!(node.decide(for_her(rosa(), What::Summary), noon()).is_err());
    let hers = sentences(&her_log(&node), Lang::En);
    let over = "Rosa Pérez ceased to act for you at 6:00.";
    assert!(hers.iter().any(|one| one == over), "{hers:#?}");
    let mothers = sentences(&log(&node, her_own(rosa(), What::Log)), Lang::En);
    let over = "You no longer act for Ana from today at 6:00.";
    assert!(mothers.iter().any(|one| one == over), "{mothers:#?}");
    // Both see for a month that it ended.
    assert!(node.acts_for(&rosa(), noon())[0].1.ended.is_some());
    assert_eq!(node.represented_by(&child(), noon()).len(), 1);
    let later = noon() + crate::represent::NOTICE;
    assert_eq!(node.acts_for(&rosa(), later).len(), 0);
    assert_eq!(node.represented_by(&child(), later).len(), 0);
}

#[test]
fn a_proxy_sees_what_was_granted_and_is_ended_by_the_person_alone() {
    let node = node_with_her("imss");
    let daughter = Actor {
        id: "hija".into(),
        name: "Luz Pérez".into(),
        curp: Some(OTHER.into()),
        ..actor("imss", Role::Patient)
    };
    let new = NewRepresentative {
        curp: OTHER.into(),
        name: "Luz Pérez".into(),
        tie: Tie::Child,
        sees: vec![Category::Medicines],
        speaks: true,
        until: None,
    };
    node.name_representative(&rosa(), new, noon()).unwrap();
    let family = Request {
        purpose: Purpose::Family,
        ..treat(daughter)
    };
    let grant = node.decide(family.clone(), noon()).unwrap();
    assert_eq!(node.sees(&grant), ["Patient", "MedicationRequest"]);
    let tag = node.tag(OTHER);
    // The desk ends it only while she is there.
    assert!(node.end_guardian(&clerk(), SHE, tag, noon()).is_err());
    node.end_representative(&rosa(), tag, noon()).unwrap();
    assert_eq!(refused(&node, family).kind, RefusalKind::NoEvidence);
    assert!(
        node.end_representative(&rosa(), tag, noon()).is_err(),
        "once"
    );
    // A guardian is not ended by whoever has one.
    let node = with_her_mother();
    assert!(
        node.end_representative(&child(), node.tag(SHE), noon())
            .is_err()
    );
    node.end_guardian(&clerk(), CHILD, node.tag(SHE), noon())
        .unwrap();
    assert!(node.decide(for_her(rosa(), What::Summary), noon()).is_err());
}

#[test]
fn another_member_believes_who_she_is_and_not_that_she_acts() {
    let (home, far) = (with_her_mother(), node("farmacia"));
    far.load(&patient("child", CHILD));
    far.load(&condition("asthma", "J45"));
    let tag = home.tag(CHILD);
    let request = Request {
        actor: Actor {
            curp: None,
            ..rosa()
        },
        person: PersonRef::Tag(tag),
        via: Some(id("imss")),
        evidence: home.evidence(&rosa(), tag, noon()),
        ..for_her(rosa(), What::Summary)
    };
    assert_eq!(
        request
            .evidence
            .iter()
            .map(|one| one.kind)
            .collect::<Vec<_>>(),
        [EvidenceKind::CheckIn, EvidenceKind::Representation]
    );
    // The word says that she does; without it nobody's vouching does.
    assert_eq!(refused(&far, request.clone()).kind, RefusalKind::NoEvidence);
    let with_word = Request {
        word: home.word(tag),
        ..request.clone()
    };
    assert_eq!(shown(&far, with_word), ["asthma"]);
    // Not another actor of that member, not a professional, not on a piece that names nobody.
    let another = Request {
        actor: Actor {
            id: "otra".into(),
            ..request.actor.clone()
        },
        ..request.clone()
    };
    assert_eq!(refused(&far, another).kind, RefusalKind::Forged);
    let nurse = Request {
        actor: Actor {
            role: Role::Nurse,
            ..request.actor.clone()
        },
        ..request.clone()
    };
    assert!(far.decide(nurse, noon()).is_err());
    let unnamed = request.evidence.iter().map(|piece| {
        let piece = Evidence {
            acting: None,
            ..piece.clone()
        };
        piece.sign(&key("imss", 1))
    });
    let unnamed = Request {
        evidence: unnamed.collect(),
        ..request
    };
    assert_eq!(refused(&far, unnamed).kind, RefusalKind::Forged);
    let explained = far.all_acts();
    let read = explained
        .iter()
        .find(|act| act.kind == ActKind::Read)
        .unwrap();
    let again = far
        .explain(&actor("farmacia", Role::Operator), &read.name(), noon())
        .unwrap();
    assert_eq!(again.holds(), Some(true), "{again:#?}");
}

#[test]
fn the_decision_comes_out_again_from_its_act() {
    let node = with_her_mother();
    let request = for_her(rosa(), What::Summary);
    assert_eq!(shown(&node, request.clone()), ["asthma"]);
    node.resign(&rosa(), node.tag(CHILD), noon()).unwrap();
    assert!(node.decide(request, noon()).is_err());
    let operator = actor("imss", Role::Operator);
    let of_hers: Vec<_> = node
        .all_acts()
        .into_iter()
        .filter(|act| act.purpose == Purpose::Family && act.kind != ActKind::Word)
        .collect();
    assert_eq!(of_hers.len(), 4, "three reads and a refusal");
    for act in of_hers {
        let tie = act.acting().unwrap().tie;
        assert_eq!(tie.is_some(), act.refused.is_empty());
        let explained = node.explain(&operator, &act.name(), noon()).unwrap();
        assert_eq!(explained.holds(), Some(true), "{explained:#?}");
    }
}

/// Which of the child's conditions a doctor is shown.
fn clinic_sees(node: &Node, now: Timestamp) -> Vec<&'static str> {
    let doctor = actor("imss", Role::Physician);
    let request = Request {
        person: PersonRef::Curp(CHILD.into()),
        ..treat(doctor)
    };
    let grant = node.decide(request, now).unwrap();
    let ids = ["asthma", "violence", "pregnancy"].into_iter();
    ids.filter(|id| node.reads(&grant, "Condition", id).is_some())
        .collect()
}

fn closes_diagnoses(id: &str) -> Rule {
    Rule {
        id: id.into(),
        who: Who::Role(Role::Physician),
        what: vec![Category::Diagnoses],
        ..Rule::default()
    }
}

#[test]
fn what_the_pact_lets_nobody_close_nobody_closes_for_another_either() {
    let node = with_her_mother();
    let tag = node.tag(CHILD);
    node.say_for(&rosa(), tag, vec![closes_diagnoses("m")], noon())
        .unwrap();
    let ours = node.pact();
    let mut seals = crate::Seals::usual();
    seals.categories.retain(|one| *one != Category::Addictions);
    let next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        seals: Some(seals),
        ..(*ours).clone()
    };
    node.adopt(&signed(&next), noon()).unwrap();
    let rule = |what| Rule {
        what: vec![what],
        ..closes_diagnoses("n")
    };
    let say = |what| {
        node.say_for(
            &rosa(),
            tag,
            vec![closes_diagnoses("m"), rule(what)],
            noon(),
        )
    };
    let refusal = say(Category::Addictions).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Bad);
    assert!(refusal.es.contains("no acordaron"), "{}", refusal.es);
    say(Category::Medicines).unwrap();
}

#[test]
fn a_mother_says_rules_for_her_child_told_to_both_and_the_child_has_what_is_her_own() {
    let node = with_her_mother();
    let tag = node.tag(CHILD);
    let all = ["asthma", "violence", "pregnancy"];
    assert_eq!(clinic_sees(&node, noon()), all);
    let said = node
        .say_for(&rosa(), tag, vec![closes_diagnoses("m")], noon())
        .unwrap();
    // At twelve she decides of reproductive health herself; of violence no guardian speaks.
    assert_eq!(clinic_sees(&node, noon()), ["violence", "pregnancy"]);
    let hers = sentences(&her_log(&node), Lang::Es);
    let told = "Rosa Pérez, que actúa por ti, cambió a las 6:00 lo que dijo por ti.";
    assert!(hers.iter().any(|one| one == told), "{hers:?}");
    let own = Request {
        purpose: Purpose::OwnRequest,
        person: PersonRef::Curp(SHE.into()),
        ..for_her(rosa(), What::Log)
    };
    let mothers = sentences(&log(&node, own), Lang::En);
    let told = "You changed at 6:00 what you say for Ana.";
    assert!(mothers.iter().any(|one| one == told), "{mothers:?}");
    // It means the same at another member, which heard it.
    let other = super::node("farmacia");
    other.load(&patient("child", CHILD));
    other.load(&condition("asthma", "J45"));
    other.hear(&said, &MemberId("imss".into()), noon()).unwrap();
    assert_eq!(other.word(tag).unwrap(), said);
    // What is not hers to decide she cannot say, nor can who does not act for the child.
    let hiv = Rule {
        what: vec![Category::Hiv],
        ..closes_diagnoses("h")
    };
    assert!(node.say_for(&rosa(), tag, vec![hiv], noon()).is_err());
    let stranger = Actor {
        curp: Some(OTHER.into()),
        ..rosa()
    };
    assert!(
        node.say_for(&stranger, tag, vec![closes_diagnoses("s")], noon())
            .is_err()
    );
    // The child says a rule of her own: her mother is shown hers alone, and changes nothing else.
    let own = Rule {
        quiet: true,
        what: vec![Category::Vaccines],
        ..closes_diagnoses("own")
    };
    let kept = node.word(tag).unwrap().word.rules;
    node.say(&child(), [vec![own], kept].concat(), noon())
        .unwrap();
    let spoken = node.spoken(&rosa(), tag, noon()).unwrap();
    let ids: Vec<&str> = spoken.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!((ids, spoken.whose.as_str()), (vec!["m"], "Ana"));
    node.say_for(&rosa(), tag, vec![], noon()).unwrap();
    let rules = node.word(tag).unwrap().word.rules;
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(clinic_sees(&node, noon()), all);
}

#[test]
fn what_a_mother_said_outlasts_her_power_only_where_it_protects() {
    let node = with_her_mother();
    let tag = node.tag(CHILD);
    let open = Rule {
        allow: true,
        who: Who::Actor(MemberId("imss".into()), actor("imss", Role::Physician).id),
        ..closes_diagnoses("o")
    };
    node.say_for(&rosa(), tag, vec![closes_diagnoses("c"), open], noon())
        .unwrap();
    let all = ["asthma", "violence", "pregnancy"];
    assert_eq!(clinic_sees(&node, noon()), all);
    // Her mother acts no more: what she opened is closed, and the child takes back the rest when she is of age.
    node.resign(&rosa(), tag, noon()).unwrap();
    assert_eq!(clinic_sees(&node, noon()), ["violence", "pregnancy"]);
    assert!(node.say_for(&rosa(), tag, vec![], noon()).is_err());
    assert!(node.spoken(&rosa(), tag, noon()).is_err());
    node.say(&child(), vec![], noon()).unwrap();
    assert_eq!(clinic_sees(&node, noon()), ["violence", "pregnancy"]);
    let of_age: Timestamp = "2032-06-04T18:00:00Z".parse().unwrap();
    node.say(&child(), vec![], of_age).unwrap();
    assert!(node.word(tag).unwrap().word.rules.is_empty());
}

#[test]
fn a_mother_wishes_for_her_child_and_cannot_tell_the_childs_own_wish() {
    let node = with_her_mother();
    let tag = node.tag(CHILD);
    let wish = || vec![crate::Wish::plain(crate::Finding::Cancer, noon())];
    node.wish_for(&rosa(), tag, wish(), noon()).unwrap();
    let held = |node: &Node| crate::wish::held(&node.wishes(tag), noon());
    assert!(held(&node).meets(crate::Finding::Cancer.bit()));
    node.wish(&child(), wish(), noon()).unwrap();
    node.ask_for(&rosa(), tag, crate::Finding::Cancer, noon())
        .unwrap();
    assert!(held(&node).meets(crate::Finding::Cancer.bit()));
    let spoken = node.spoken(&rosa(), tag, noon()).unwrap();
    assert_eq!(spoken.wishes.len(), 1);
    assert!(
        node.ask_for(&rosa(), tag, crate::Finding::Cancer, noon())
            .is_err()
    );
    let how = crate::wish::Asking::Alone;
    node.ask_to_know(&child(), crate::Finding::Cancer, how, noon())
        .unwrap();
    assert!(!held(&node).meets(crate::Finding::Cancer.bit()));
}
