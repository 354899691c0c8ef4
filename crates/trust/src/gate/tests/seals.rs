//! Categories and seals as terms of the pact: held in each decision, and with the same meaning at every member.

use super::*;
use crate::category::{self, edition};
use crate::{Category, How, Rule, Seals, SignedWord, Who, Word};
use std::sync::Arc;
use store::{Labels, Rules, engine::Memory};

/// Of no program that there is.
const OTHER: &str = "abababababababababababababababababababababababababababababababab";

fn closing(id: &str, what: &[Category]) -> Rule {
    Rule {
        id: id.into(),
        who: Who::Role(Role::Physician),
        what: what.to_vec(),
        hint: true,
        ..Rule::default()
    }
}

/// The next version after ours, with these terms of seals.
fn next(node: &Gate, change: impl FnOnce(&mut Seals)) -> Pact {
    let ours = node.pact();
    let mut seals = Seals::usual();
    change(&mut seals);
    Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        seals: Some(seals),
        ..(*ours).clone()
    }
}

fn adopt(node: &Gate, change: impl FnOnce(&mut Seals)) {
    node.adopt(&signed(&next(node, change)), noon()).unwrap();
}

fn doctor(node: &Node) -> Grant {
    let asked = treat(actor("imss", Role::Physician));
    node.decide(asked, noon()).unwrap()
}

/// A node with her record, an allergy of hers, and herself in care.
fn in_care() -> Node {
    let node = node_with_her("imss");
    node.load("{\"resourceType\":\"AllergyIntolerance\",\"id\":\"a1\",\"patient\":{\"reference\":\"Patient/her\"}}");
    let desk = actor("imss", Role::Clerk);
    node.check_in(&desk, SHE, noon()).unwrap();
    node
}

fn sees_allergy(node: &Node) -> bool {
    let grant = doctor(node);
    node.reads(&grant, "AllergyIntolerance", "a1").is_some()
}

#[test]
fn a_pact_that_goes_by_other_tables_is_not_taken_until_it_names_ours_too() {
    let node = node("imss");
    let strange = next(&node, |seals| seals.tables = vec![OTHER.into()]);
    let refusal = node.adopt(&signed(&strange), noon()).unwrap_err();
    for said in [&refusal.es, &refusal.en] {
        for part in [OTHER, edition(), "--seals-add-tables"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert_eq!((node.pact().version, &node.pact().seals), (1, &None));
    adopt(&node, |seals| {
        seals.tables = vec![OTHER.into(), edition().into()]
    });
    assert_eq!(node.pact().version, 2);
}

#[test]
fn a_node_whose_pact_in_force_names_other_tables_does_not_start() {
    let node = node_with_her("imss");
    // Taken by a program that had those tables.
    let second = next(&node, |seals| seals.tables = vec![OTHER.into()]);
    let row = Some(signed(&second).into_bytes());
    node.keep_rows(vec![(rows::PACT.to_vec(), row)], vec![], None, noon())
        .unwrap();
    let Node { gate, dir } = node;
    drop(gate);
    let refusal = Gate::open(dir.path(), config("imss")).unwrap_err();
    for part in [OTHER, edition(), "Nothing was changed"] {
        assert!(refusal.en.contains(part), "{part}: {}", refusal.en);
    }
    // The operator gives it a version that follows, and names both.
    let third = Pact {
        version: 3,
        previous: second.hash(),
        seals: Some(Seals {
            tables: vec![OTHER.into(), edition().into()],
            ..Seals::usual()
        }),
        ..second
    };
    let with = Config {
        pact: signed(&third),
        ..config("imss")
    };
    let gate = Gate::open(dir.path(), with).unwrap();
    assert_eq!(gate.pact().version, 3);
    drop(gate);
    // The pact of the configuration is older than the one that was kept: that one counts.
    assert_eq!(
        Gate::open(dir.path(), config("imss"))
            .unwrap()
            .pact()
            .version,
        3
    );
}

#[test]
fn a_new_node_is_not_made_under_a_pact_that_names_other_tables() {
    let first = Pact {
        seals: Some(Seals {
            tables: vec![OTHER.into()],
            ..Seals::usual()
        }),
        ..a_pact(1, String::new())
    };
    let dir = tempfile::tempdir().unwrap();
    let with = Config {
        pact: signed(&first),
        ..config("imss")
    };
    let refusal = Gate::open(dir.path(), with).unwrap_err();
    assert!(refusal.en.contains(edition()), "{}", refusal.en);
}

#[test]
fn what_the_pact_lets_nobody_close_is_not_said_anew_and_what_was_said_goes_on_binding() {
    let node = in_care();
    let she = herself("imss");
    let genes = closing("genes", &[Category::Genetics]);
    node.say(&she, vec![genes.clone()], noon()).unwrap();
    adopt(&node, |seals| {
        seals.categories.retain(|one| *one != Category::Genetics);
    });
    let hidden = || Labels(doctor(&node).grounds.hidden);
    assert!(hidden().meets(Category::Genetics.bit()));
    // She goes on with it, and says what is agreed beside it.
    let longer = Rule {
        until: Some(at("23:00")),
        ..genes.clone()
    };
    let rules = vec![longer, closing("sin-hiv", &[Category::Hiv])];
    node.say(&she, rules, noon()).unwrap();
    assert!(hidden().meets(Category::Genetics.bit()));
    let new = closing("otra", &[Category::Hiv, Category::Genetics]);
    let refusals = [
        node.say(&she, vec![new.clone()], noon()).unwrap_err(),
        node.preview(&she, &Who::Everyone, &[new], noon())
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.kind, RefusalKind::Bad);
        assert!(refusal.es.contains("«Genes»"), "{}", refusal.es);
    }
    // What opens is said as ever, and everything can be closed.
    let opening = Rule {
        allow: true,
        hint: false,
        who: Who::Actor(id("imss"), "una-physician".into()),
        ..genes.clone()
    };
    let all = closing("todo", &[]);
    node.say(&she, vec![opening, all], noon()).unwrap();

    // Said at a member that is under another version, and heard here.
    let elsewhere = Word {
        person: node.tag_of_her(),
        version: 9,
        rules: vec![genes],
        wishes: Vec::new(),
        represented_by: Vec::new(),
        born: None,
        said: noon(),
        author: id("farmacia"),
    };
    let heard = SignedWord::sign(elsewhere, &key("farmacia", 2));
    assert!(node.hear(&heard, &id("farmacia"), noon()).unwrap());
    assert_eq!(hidden(), Category::Genetics.bit());
}

#[test]
fn of_what_the_pact_keeps_silent_nothing_is_told_whatever_the_rule_says() {
    let node = in_care();
    let she = herself("imss");
    let told = |what: &[Category]| {
        node.say(&she, vec![closing("r", what)], noon()).unwrap();
        let grant = doctor(&node);
        (grant.hint, grant.untold)
    };
    assert_eq!(told(&[Category::Violence]), (true, Labels(0)));
    // What it would change is known before, and the other way round.
    node.note(&doctor(&node), noon()).unwrap();
    let by = actor("imss", Role::Operator);
    let changes = |pact: Pact| {
        let found = node.simulate(&by, pact, (1, 5), noon()).unwrap();
        assert_eq!(found.decisions, 1);
        found.changes.iter().map(|one| one.how).collect::<Vec<_>>()
    };
    assert_eq!(changes(next(&node, |_| ())), [How::Silent]);
    adopt(&node, |_| ());
    node.note(&doctor(&node), noon()).unwrap();
    let open = next(&node, |seals| seals.silent.clear());
    assert_eq!(changes(open), [How::Told]);
    let violence = Category::Violence.bit();
    assert_eq!(told(&[Category::Violence]), (false, violence));
    assert_eq!(told(&[Category::Violence, Category::Hiv]), (true, violence));
    assert_eq!(told(&[]), (true, violence));
}

#[test]
fn where_the_pact_spares_nothing_a_seal_closes_what_could_save_her_life_to_all_who_care() {
    let node = in_care();
    let she = herself("imss");
    let rules = vec![closing("r", &[Category::Allergies])];
    node.say(&she, rules.clone(), noon()).unwrap();
    let saving = |node: &Node| {
        let who = Who::Role(Role::Physician);
        let seen = node.preview(&she, &who, &rules, noon()).unwrap();
        let allergies = seen.iter().find(|one| one.category == Category::Allergies);
        allergies.unwrap().saving
    };
    assert!(sees_allergy(&node) && saving(&node));
    let spared = node.note(&doctor(&node), noon()).unwrap();

    // What it would change is known before.
    let by = actor("imss", Role::Operator);
    let strict = next(&node, |seals| seals.emergency = false);
    let simulated = node.simulate(&by, strict, (1, 5), noon()).unwrap();
    assert_eq!((simulated.decisions, simulated.changes.len()), (1, 1));
    assert_eq!(simulated.changes[0].how, How::Less);

    adopt(&node, |seals| seals.emergency = false);
    assert!(!sees_allergy(&node) && !saving(&node));
    let closed = node.note(&doctor(&node), noon()).unwrap();
    // Under a later pact each decision comes out as under its own.
    adopt(&node, |_| ());
    assert!(sees_allergy(&node));
    for (act, held) in [(spared, false), (closed, true)] {
        let explained = node.explain(&by, &act, noon()).unwrap();
        assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        assert_eq!(explained.then.held.meets(Category::Allergies.bit()), held);
    }
}

#[test]
fn whoever_asks_about_everybody_is_spared_what_the_pact_spares_and_no_more() {
    let node = in_care();
    let rules = vec![closing("r", &[Category::Allergies])];
    node.say(&herself("imss"), rules, noon()).unwrap();
    let sees = |emergency: bool| {
        let open = Pact {
            policies: "@id(\"all\") permit (principal, action, resource);\n".into(),
            purposes: Vec::new(),
            ..next(&node, |seals| seals.emergency = emergency)
        };
        node.adopt(&signed(&open), noon()).unwrap();
        let everyone = Request {
            person: PersonRef::Everyone,
            ..treat(actor("imss", Role::Physician))
        };
        let grant = node.decide(everyone, noon()).unwrap();
        node.reads(&grant, "AllergyIntolerance", "a1").is_some()
    };
    assert!(sees(true));
    assert!(!sees(false));
}

/// A program whose tables know no topic.
struct Blind(witness::About);

impl Rules for Blind {
    fn labels(&self, of: ResourceType, resource: &Value) -> Labels {
        let topics = Category::ALL.into_iter().filter(|one| one.is_topic());
        let topics = Category::set(&topics.collect::<Vec<_>>());
        Labels(category::labels(of, resource).0 & !topics.0)
    }
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>> {
        self.0.directory(of, resource)
    }
    fn edition(&self) -> [u8; 8] {
        *b"no topic"
    }
}

#[test]
fn an_archive_that_other_tables_labelled_is_labelled_anew_and_her_seal_holds_for_it() {
    let (keys, engine) = (tempfile::tempdir().unwrap(), Arc::<Memory>::default());
    let options = || store::Options {
        keyring: Some(keys.path().to_owned()),
        durable: false,
        ..store::Options::default()
    };
    let open = || {
        let config = Config {
            store: options(),
            ..config("imss")
        };
        Node {
            gate: Gate::over(engine.clone(), config).unwrap(),
            dir: tempfile::tempdir().unwrap(),
        }
    };
    let node = open();
    node.load(&patient("her", SHE));
    node.load("{\"resourceType\":\"Condition\",\"id\":\"c1\",\"subject\":{\"reference\":\"Patient/her\"},\"code\":{\"coding\":[{\"system\":\"http://hl7.org/fhir/sid/icd-10\",\"code\":\"F32.1\"}]}}");
    let desk = actor("imss", Role::Clerk);
    node.check_in(&desk, SHE, noon()).unwrap();
    let rules = vec![closing("r", &[Category::MentalHealth])];
    node.say(&herself("imss"), rules, noon()).unwrap();
    drop(node);

    let about = witness::About {
        secret: SECRET,
        given: Arc::new(a_pact(1, String::new())),
    };
    let log = witness::Leaves(ledger::Log::new(key("imss", 1)));
    let (blind, log) = (Box::new(Blind(about)), Box::new(log));
    let (store, seal) = Store::over(engine.clone(), options(), blind, log).unwrap();
    let labels = store.labels_of(&seal, of("Condition"), "c1").unwrap();
    assert_eq!(labels, Some(Category::Diagnoses.bit()));
    drop((store, seal));

    let node = open();
    let grant = doctor(&node);
    assert!(node.reads(&grant, "Patient", "her").is_some());
    assert!(node.reads(&grant, "Condition", "c1").is_none());
}
