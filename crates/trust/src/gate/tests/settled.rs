//! Two members say whether two who were found alike are of one person: both, or nothing comes together.

use super::*;
use crate::registry::Hers;
use crate::{Linkage, Met, Resemblance, SETTLED_OUT, Settled, Stage, Together};

const HANDLE: [u8; 32] = [7; 32];

/// Two members that compared their registers: at one a registration, at the other another, which were found alike.
struct Two {
    imss: Node,
    sanatorio: Node,
}

/// The registration at imss is `dos`, with a condition; that at the other is `alla`. Each carries the CURP it is given.
fn two(here: &str, there: &str) -> Two {
    let of = |member: &str, id: &str, curp: &str| {
        let node = node(member);
        let text = match curp.is_empty() {
            true => format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#),
            false => patient(id, curp),
        };
        node.load(&text);
        node.load(&format!(
            r#"{{"resourceType":"Condition","id":"c-{id}","subject":{{"reference":"Patient/{id}"}}}}"#
        ));
        let next = Pact {
            linkage: Some(Linkage::usual()),
            ..a_pact(2, node.pact().hash())
        };
        node.adopt(&signed(&next), noon()).unwrap();
        node
    };
    let two = Two {
        imss: of("imss", "dos", here),
        sanatorio: of("sanatorio", "alla", there),
    };
    compare(&two.imss, "sanatorio", HANDLE);
    compare(&two.sanatorio, "imss", HANDLE);
    two
}

fn compare(node: &Node, with: &str, handle: [u8; 32]) -> u64 {
    let with = id(with);
    let people = node.people_to_compare(&with, noon()).unwrap();
    node.begin_linkage(&with, &people, noon()).unwrap();
    let met = Met {
        person: 0,
        probability: 0.97,
        agreed: vec!["given".into()],
        handle,
    };
    node.end_linkage(&with, &people, &[met], noon()).unwrap()
}

fn clerk(member: &str) -> Actor {
    actor(member, Role::Clerk)
}

impl Two {
    fn here_say(&self, one: bool) {
        let (with, by) = (id("sanatorio"), clerk("imss"));
        self.imss
            .settle_resemblance(&by, ("dos", &with), one, noon())
            .unwrap();
    }
    fn there_say(&self, one: bool) {
        let (with, by) = (id("imss"), clerk("sanatorio"));
        self.sanatorio
            .settle_resemblance(&by, ("alla", &with), one, noon())
            .unwrap();
    }
    /// Carries what waits, until nothing does.
    fn carry(&self) {
        for _ in 0..4 {
            bring(&self.imss, &self.sanatorio);
            bring(&self.sanatorio, &self.imss);
        }
        assert!(self.imss.rows(SETTLED_OUT, 9).unwrap().is_empty());
        assert!(self.sanatorio.rows(SETTLED_OUT, 9).unwrap().is_empty());
    }
    /// Whether whoever cares for her at imss, under her CURP, reads what is written there of `dos`.
    fn is_found(&self) -> bool {
        reads_by(&self.imss, SHE)
    }
    fn stage(&self) -> Option<Stage> {
        let all: Vec<Resemblance> = self.imss.resemblances(9).unwrap();
        all.first().map(|one| one.stage)
    }
}

fn bring(from: &Node, to: &Node) {
    for (key, body) in from.rows(SETTLED_OUT, 9).unwrap() {
        let settled: Settled = serde_json::from_slice(&body).unwrap();
        to.hear_settled(&from.member(), &settled, noon()).unwrap();
        from.keep_row(SETTLED_OUT, &key, None, noon()).unwrap();
    }
}

fn reads_by(node: &Node, curp: &str) -> bool {
    node.check_in(&clerk("imss"), curp, noon()).unwrap();
    let request = Request {
        person: PersonRef::Curp(curp.into()),
        ..treat(actor("imss", Role::Physician))
    };
    let grant = node.decide(request, noon()).unwrap();
    node.reads(&grant, "Condition", "c-dos").is_some()
}

const JOINED: Option<Stage> = Some(Stage::Both(Together::Here));

#[test]
fn once_both_say_one_person_she_is_found_by_the_curp_that_one_of_them_has() {
    for there_first in [false, true] {
        let two = two("", SHE);
        assert!(!two.is_found());
        match there_first {
            true => two.there_say(true),
            false => two.here_say(true),
        }
        two.carry();
        assert!(!two.is_found(), "on one member's word alone");
        match there_first {
            true => {
                assert_eq!(two.stage(), Some(Stage::Open { they_say_one: true }));
                two.here_say(true);
            }
            false => {
                assert_eq!(two.stage(), Some(Stage::Said));
                two.there_say(true);
            }
        }
        assert!(!two.is_found(), "before the other has heard of it");
        two.carry();
        assert!(two.is_found());
        assert_eq!(two.stage(), JOINED);
        // The other way round nothing changes: there she carries it.
        let of = two.sanatorio.resemblances(9).unwrap();
        assert_eq!(of[0].stage, Stage::Both(Together::There));
    }
}

#[test]
fn it_is_the_same_whichever_side_has_the_curp() {
    let node = two("", SHE);
    node.here_say(true);
    node.there_say(true);
    node.carry();
    assert!(node.is_found());
    let turned = two(SHE, "");
    turned.here_say(true);
    turned.there_say(true);
    turned.carry();
    let of = turned.sanatorio.resemblances(9).unwrap();
    assert_eq!(of[0].stage, Stage::Both(Together::Here));
    assert!(
        turned
            .sanatorio
            .people_of(turned.imss.tag_of_her())
            .unwrap()
            .len()
            == 1
    );
}

#[test]
fn two_curps_or_none_join_nothing() {
    for (here, there) in [("", ""), (OTHER, SHE), (SHE, SHE)] {
        let two = two(here, there);
        two.here_say(true);
        two.there_say(true);
        two.carry();
        assert_eq!(
            two.stage(),
            Some(Stage::Both(Together::Not)),
            "{here} {there}"
        );
        assert_eq!(two.is_found(), here == SHE);
    }
}

#[test]
fn either_side_takes_it_back_at_once() {
    for here in [true, false] {
        let two = two("", SHE);
        two.here_say(true);
        two.there_say(true);
        two.carry();
        assert!(two.is_found());
        match here {
            true => two.here_say(false),
            false => {
                two.there_say(false);
                two.carry();
            }
        }
        assert!(!two.is_found());
        two.carry();
        assert_eq!(two.stage(), None);
        assert!(two.sanatorio.resemblances(9).unwrap().is_empty());
    }
}

#[test]
fn she_sees_why_it_is_hers_and_takes_out_what_is_not() {
    let two = two("", SHE);
    two.here_say(true);
    two.there_say(true);
    two.carry();
    let request = her_own(herself("imss"), What::Interaction("GET Patient".into()));
    let grant = two.imss.decide(request.clone(), noon()).unwrap();
    let hers = two.imss.registrations(&grant).unwrap();
    assert_eq!(hers.len(), 1);
    let Hers::Elsewhere { decision, with } = &hers[0].how else {
        panic!("{:?}", hers[0].how);
    };
    assert_eq!((with, decision.role), (&id("sanatorio"), Role::Clerk));
    let name = |member: &MemberId| member.0.to_uppercase();
    let log = two
        .imss
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let acts = two.imss.acts(&log, None, 50, noon()).unwrap();
    let said: Vec<String> = acts
        .iter()
        .map(|act| act.sentence(Lang::Es, &name))
        .collect();
    assert!(
        said.iter()
            .any(|one| one.starts_with("IMSS y SANATORIO dijeron")),
        "{said:#?}"
    );

    two.imss.not_me(&herself("imss"), "dos", noon()).unwrap();
    assert!(!two.is_found());
    assert_eq!(two.stage(), None);
    two.carry();
    assert!(two.sanatorio.resemblances(9).unwrap().is_empty());
    assert!(two.imss.not_me(&herself("imss"), "dos", noon()).is_err());
}

#[test]
fn what_the_house_keeps_apart_no_other_member_joins() {
    let two = two("", SHE);
    two.imss.load(&patient("her", SHE));
    two.imss
        .split(
            &clerk("imss"),
            ("dos", "her"),
            crate::registry::Likeness::default(),
            noon(),
        )
        .unwrap();
    two.here_say(true);
    two.there_say(true);
    two.carry();
    assert!(!two.is_found());
    assert_eq!(two.stage(), Some(Stage::Both(Together::Not)));
}

#[test]
fn what_was_joined_is_taken_out_inside_the_house_too() {
    let two = two("", SHE);
    two.imss.load(&patient("her", SHE));
    two.here_say(true);
    two.there_say(true);
    two.carry();
    assert!(two.is_found());
    let nothing = crate::registry::Likeness::default();
    two.imss
        .split(&clerk("imss"), ("dos", "her"), nothing, noon())
        .unwrap();
    assert!(!two.is_found());
}

#[test]
fn a_member_that_tells_a_curp_unasked_joins_nothing() {
    let two = two("", SHE);
    let tag = two.imss.tag_of_her();
    let handle = "07".repeat(32);
    let told = |handle: &str| -> Settled {
        let text = format!(
            r#"{{"handle":"{handle}","one":true,"tag":"{}"}}"#,
            tag.hex()
        );
        serde_json::from_str(&text).unwrap()
    };
    let from = id("sanatorio");
    two.imss
        .hear_settled(&from, &told(&handle), noon())
        .unwrap();
    assert!(!two.is_found());
    // Nor one that was not compared, nor of another's pair, nor of a pair that there is not.
    two.here_say(true);
    two.imss
        .hear_settled(&id("farmacia"), &told(&handle), noon())
        .unwrap();
    two.imss
        .hear_settled(&from, &told(&"08".repeat(32)), noon())
        .unwrap();
    assert!(!two.is_found());
    two.imss
        .hear_settled(&from, &told(&handle), noon())
        .unwrap();
    assert!(two.is_found());
}

#[test]
fn it_outlives_a_restart_and_a_later_run_and_ends_with_a_curp_of_her_own_or_her_erasure() {
    let mut two = two("", SHE);
    two.here_say(true);
    two.there_say(true);
    two.carry();
    let Node { gate, dir } = two.imss;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    two.imss = Node { gate, dir };
    assert!(two.is_found());
    assert_eq!(compare(&two.imss, "sanatorio", [8; 32]), 0);
    assert!(two.is_found());
    for act in two.imss.all_acts() {
        if act.kind == ActKind::Registry && act.grounds.question.is_some() {
            let operator = actor("imss", Role::Operator);
            let explained = two.imss.explain(&operator, &act.name(), noon()).unwrap();
            assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        }
    }
    // She turns out to be somebody else: her own CURP goes before what was said.
    two.imss.load(&patient("dos", OTHER));
    assert!(!two.is_found());
    assert!(reads_by(&two.imss, OTHER));
    two.imss.load(r#"{"resourceType":"Patient","id":"dos"}"#);
    assert!(two.is_found());
    let operator = actor("imss", Role::Operator);
    let dos = PersonRef::Patient("dos".into());
    two.imss
        .erase(&operator, dos, "SISI 330031826000002", noon())
        .unwrap();
    assert!(
        two.imss
            .people_of(two.imss.tag_of_her())
            .unwrap()
            .is_empty()
    );
}
