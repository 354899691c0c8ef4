//! Two nodes that compare their registers, and members that do not do what was agreed.

use super::*;
use crate::common::*;
use trust::{Lang, PersonRef, Purpose, Resemblance, Rule, What, Who};

/// CURP, given name, surnames, birth date. Empty where a registration does not say it.
type Said = (&'static str, &'static str, [&'static str; 2], &'static str);

const LUPITA: &str = "QUBG841102MDFXZD05";

fn terms(runs: u64) -> Linkage {
    Linkage {
        runs,
        people: 40,
        ..Linkage::usual()
    }
}

/// Four members, of whom imss and issste may compare: Guadalupe has a CURP at the one and none at the other, Juan one at both.
async fn two_registers(runs: u64) -> Vec<Node> {
    let nodes = network_under(|pact| pact.linkage = Some(terms(runs))).await;
    let juan = "IATJ550821HDFBRN09";
    register(
        &nodes[1],
        &[
            (LUPITA, "Guadalupe", ["Quiñones", "Baeza"], "1984-11-02"),
            (juan, "Juan", ["Ibáñez", "Trejo"], "1955-08-21"),
            ("", "Rosa", ["Mijangos", "Cruz"], "1971-01-30"),
        ],
    );
    register(
        &nodes[3],
        &[
            ("", "Lupita", ["Quiñones", "Baesa"], "1984-02-11"),
            (juan, "Juan", ["Ibáñez", "Trejo"], "1955-08-21"),
            ("", "Elena", ["Zepeda", "Nava"], "1990-07-09"),
            ("", "Tomás", ["Olvera", "Rivas"], "2001-12-24"),
        ],
    );
    nodes
}

fn register(node: &Node, people: &[Said]) {
    let texts: Vec<(String, String)> = people
        .iter()
        .map(|(curp, given, [first, second], birth)| {
            let numbers = match curp.is_empty() {
                true => String::new(),
                false => format!(r#""identifier":[{{"system":"{}","value":"{curp}"}}],"#, mx::systems::CURP),
            };
            let id = given.to_lowercase().replace('á', "a");
            let text = format!(
                r#"{{"resourceType":"Patient","id":"{id}",{numbers}"birthDate":"{birth}","name":[{{"given":["{given}"],"family":"{first} {second}",
                "_family":{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/humanname-fathers-family","valueString":"{first}"}},
                {{"url":"http://hl7.org/fhir/StructureDefinition/humanname-mothers-family","valueString":"{second}"}}]}}}}]}}"#
            );
            (id, text)
        })
        .collect();
    for (id, text) in &texts {
        write(node, &[("Patient", id, text)]);
    }
}

/// What waits on a node's list: whose registration, with whom, what agrees.
fn waiting(node: &Node) -> Vec<Resemblance> {
    node.gate.resemblances(10).unwrap()
}

#[test]
fn what_a_pact_may_name_is_what_can_be_compared() {
    let named: Vec<&str> = trust::pact::LINKAGE_PARTS
        .iter()
        .map(|(code, ..)| *code)
        .collect();
    assert_eq!(named, Part::ALL.map(Part::code));
}

#[tokio::test]
async fn two_nodes_find_who_is_one_and_each_keeps_her_on_its_own_list() {
    let nodes = two_registers(2).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    let compared = imss.network.compare_registers(&issste.id).await.unwrap();
    let expected = Compared {
        here: 3,
        there: 4,
        met: 2,
        wait: 1,
    };
    assert_eq!(compared, expected);
    let (here, there) = (waiting(imss), waiting(issste));
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_eq!(
        (here[0].id.as_str(), &here[0].with),
        ("guadalupe", &issste.id)
    );
    assert_eq!((there[0].id.as_str(), &there[0].with), ("lupita", &imss.id));
    assert_eq!(here[0].agreed, ["given", "first", "second", "year", "day"]);
    assert_eq!(
        (here[0].per_mille, &here[0].agreed),
        (there[0].per_mille, &there[0].agreed)
    );
}

#[tokio::test]
async fn what_the_answerer_says_names_nobody_and_no_run_repeats_another() {
    let nodes = two_registers(2).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let mut run = ByHand::begin(imss, issste).await.unwrap();
        let theirs = run.theirs().await;
        let answered: Vec<u8> = [run.said.clone(), theirs].concat();
        let text = String::from_utf8_lossy(&answered).to_lowercase();
        for word in [
            "quiñones",
            "baesa",
            "lupita",
            "1984",
            "iatj55",
            "elena",
            "patient",
        ] {
            assert!(!text.contains(word), "{word}");
        }
        let tag = issste.gate.tag("IATJ550821HDFBRN09");
        assert!(!answered.windows(32).any(|bytes| bytes == tag.0));
        for point in run.points.chunks(32) {
            assert!(seen.insert(point.to_vec()), "a point came twice");
        }
    }
    assert!(seen.len() > 100, "{}", seen.len());
}

#[tokio::test]
async fn both_sides_count_and_neither_runs_more_often_than_the_pact_lets_them() {
    let nodes = two_registers(1).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    imss.network.compare_registers(&issste.id).await.unwrap();
    for (asks, other) in [(imss, issste), (issste, imss)] {
        let refused = asks.network.compare_registers(&other.id).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Pact, "{refused:?}");
    }
    // Whoever forgets its own count is told by the other.
    let refused = ByHand::begin(imss, issste).await.err().unwrap();
    assert_eq!(refused.kind, RefusalKind::Pact);
    // What was found stays.
    assert_eq!(waiting(imss).len(), 1);
}

#[tokio::test]
async fn without_terms_nothing_is_compared() {
    let nodes = network().await;
    let refused = nodes[1]
        .network
        .compare_registers(&nodes[3].id)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Pact);
    let refused = ByHand::begin(&nodes[1], &nodes[3]).await.err().unwrap();
    assert_eq!(refused.kind, RefusalKind::Pact);
}

#[tokio::test]
async fn whoever_closed_herself_to_the_other_member_is_left_off() {
    let nodes = two_registers(2).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    let lupita = trust::Actor {
        curp: Some(LUPITA.to_owned()),
        ..patient(&imss.id)
    };
    let closed = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Member(issste.id.clone()),
        ..Rule::default()
    };
    imss.gate
        .say(&lupita, vec![closed], Timestamp::now())
        .unwrap();
    let compared = issste.network.compare_registers(&imss.id).await.unwrap();
    assert_eq!((compared.here, compared.there, compared.met), (4, 2, 1));
    assert!(waiting(imss).is_empty() && waiting(issste).is_empty());
}

#[tokio::test]
async fn what_was_not_agreed_ends_the_run_and_costs_one() {
    let nodes = two_registers(9).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    // An offer of what is not agreed costs none, nor a look at the register.
    let before = leaves(issste);
    for change in [
        r#"{"people":41}"#,
        r#"{"parts":["phone"]}"#,
        r#"{"parts":[]}"#,
        r#"{"forms":"tejido/keyed/0"}"#,
    ] {
        let refused = ByHand::begin_with(imss, issste, change)
            .await
            .err()
            .unwrap();
        assert_eq!(refused.kind, RefusalKind::Bad, "{change}");
    }
    // Only the exchanges themselves are kept, which are no acts.
    assert_eq!(leaves(issste), before);
    let lies: [(&'static str, Lie); 6] = [
        (path::LINKAGE_PIECE, |run| {
            numbered(1, &run.piece(0)).unwrap()
        }),
        (path::LINKAGE_PIECE, |run| {
            numbered(0, &run.piece(0)[32..]).unwrap()
        }),
        (path::LINKAGE_PIECE, |run| {
            numbered(0, &vec![0xff; run.piece(0).len()]).unwrap()
        }),
        (path::LINKAGE_PIECE, |_| b"nothing".to_vec()),
        (path::LINKAGE_OWN, |_| b"0".to_vec()),
        (path::LINKAGE_TOLD, |_| {
            br#"{"pairs":[],"last":true}"#.to_vec()
        }),
    ];
    for (path, lie) in lies {
        let run = ByHand::begin(imss, issste).await.unwrap();
        let refused = run.say(path, lie(&run)).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Bad, "{path}");
        // There is no second try under the same numbers.
        let again = run
            .say(path::LINKAGE_PIECE, numbered(0, &run.piece(0)).unwrap())
            .await;
        assert_eq!(again.unwrap_err().kind, RefusalKind::Bad);
    }
    assert!(issste.gate.may_compare(&imss.id, Timestamp::now()).is_ok());
    for _ in 0..3 {
        ByHand::begin(imss, issste).await.unwrap();
    }
    assert!(issste.gate.may_compare(&imss.id, Timestamp::now()).is_err());
}

#[tokio::test]
async fn rows_that_cannot_have_met_are_kept_nowhere() {
    let nodes = two_registers(9).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    for told in [
        r#"{"pairs":[{"a":0,"b":4,"probability":0.9,"agreed":["given"]}],"last":true}"#,
        r#"{"pairs":[{"a":3,"b":0,"probability":0.9,"agreed":["given"]}],"last":true}"#,
        r#"{"pairs":[{"a":0,"b":0,"probability":0.9,"agreed":["phone"]}],"last":true}"#,
        r#"{"pairs":[{"a":0,"b":0,"probability":0.4,"agreed":["given"]}],"last":true}"#,
        r#"{"pairs":[{"a":0,"b":0,"probability":0.9,"agreed":["given"]},{"a":1,"b":0,"probability":0.9,"agreed":["given"]}],"last":true}"#,
    ] {
        let mut run = ByHand::begin(imss, issste).await.unwrap();
        run.theirs().await;
        let refused = run.say(path::LINKAGE_TOLD, told.into()).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Bad, "{told}");
        assert!(waiting(issste).is_empty());
    }
}

#[tokio::test]
async fn a_run_is_its_askers_alone_and_there_are_few_at_once() {
    let nodes = two_registers(9).await;
    let (farmacia, imss, hospital, issste) = (&nodes[0], &nodes[1], &nodes[2], &nodes[3]);
    let run = ByHand::begin(imss, issste).await.unwrap();
    let piece = numbered(0, &run.piece(0)).unwrap();
    let stolen =
        hospital
            .network
            .one_within(&issste.id, path::LINKAGE_PIECE, piece.clone(), PATIENCE);
    assert_eq!(stolen.await.unwrap_err().kind, RefusalKind::Bad);
    ByHand::begin(hospital, issste).await.unwrap();
    let refused = ByHand::begin(farmacia, issste).await.err().unwrap();
    assert_eq!(refused.kind, RefusalKind::Unavailable);
    // A new offer of the same member takes the place of its old run: nothing of that is left to go on with.
    run.say(path::LINKAGE_PIECE, piece).await.unwrap();
    ByHand::begin(imss, issste).await.unwrap();
    let refused = run.say(path::LINKAGE_OWN, b"0".to_vec()).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn she_reads_at_both_that_she_was_compared_and_that_somebody_is_like_her() {
    let nodes = two_registers(2).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    imss.network.compare_registers(&issste.id).await.unwrap();
    let lupita = trust::Actor {
        curp: Some(LUPITA.to_owned()),
        ..patient(&imss.id)
    };
    let request = trust::Request {
        person: PersonRef::Curp(LUPITA.to_owned()),
        what: What::Log,
        ..summary(lupita, Purpose::OwnRequest)
    };
    let now = Timestamp::now();
    let grant = imss.gate.decide(request, now).unwrap();
    let name = |member: &MemberId| member.0.to_uppercase();
    let acts = imss.gate.acts(&grant, None, 10, now).unwrap();
    let said: Vec<String> = acts
        .iter()
        .map(|act| act.sentence(Lang::Es, &name))
        .collect();
    assert!(
        said.iter()
            .any(|one| one.starts_with("IMSS y ISSSTE compararon")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|one| one.contains("alguien de allá se parece a ti")),
        "{said:?}"
    );
}

#[tokio::test]
async fn once_both_have_said_so_what_was_written_without_a_curp_is_found_over_the_network() {
    let nodes = two_registers(2).await;
    let (farmacia, imss, issste) = (&nodes[0], &nodes[1], &nodes[3]);
    let asthma = r#"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/lupita"},"code":{"text":"Asma"},"recordedDate":"2026-01-01"}"#;
    write(issste, &[("Condition", "c", asthma)]);
    imss.network.compare_registers(&issste.id).await.unwrap();
    let lupita = || trust::Actor {
        curp: Some(LUPITA.to_owned()),
        ..patient(&farmacia.id)
    };
    let hers = || async {
        let request = trust::Request {
            person: PersonRef::Curp(LUPITA.to_owned()),
            ..summary(lupita(), Purpose::OwnRequest)
        };
        let parts = farmacia
            .network
            .gather(request, Timestamp::now())
            .await
            .unwrap();
        told(&parts)
            .into_iter()
            .any(|(_, conditions)| conditions == "Asma")
    };
    assert!(!hers().await);
    let clerk = |node: &Node| trust::Actor {
        id: "carmen".into(),
        role: trust::Role::Clerk,
        curp: None,
        ..patient(&node.id)
    };
    let say = |node: &Node, id: &str, with: &Node, one: bool| {
        let now = Timestamp::now();
        node.gate
            .settle_resemblance(&clerk(node), (id, &with.id), one, now)
            .unwrap();
    };
    say(issste, "lupita", imss, true);
    issste.network.carry_settled().await;
    assert!(!hers().await, "on one member's word");
    say(imss, "guadalupe", issste, true);
    imss.network.carry_settled().await;
    assert!(hers().await);
    // A member that cannot be heard hears of it later.
    say(imss, "guadalupe", issste, false);
    assert!(hers().await);
    imss.network.carry_settled().await;
    assert!(!hers().await);
}

/// What is sent in the place of what was agreed.
type Lie = fn(&ByHand<'_>) -> Vec<u8>;

/// How many acts a node's log holds.
fn leaves(node: &Node) -> u64 {
    let checkpoint = String::from_utf8(node.gate.log_file("checkpoint").unwrap()).unwrap();
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

/// An asker that does as it likes: it counts nothing, and sends what it is told to.
struct ByHand<'n> {
    from: &'n Node,
    to: &'n Node,
    asked: identity::keyed::Asked,
    /// What the other answered to the offer.
    said: Vec<u8>,
    /// Every point that the other sent.
    points: Vec<u8>,
}

impl<'n> ByHand<'n> {
    async fn begin(from: &'n Node, to: &'n Node) -> Result<ByHand<'n>, Refusal> {
        ByHand::begin_with(from, to, "{}").await
    }
    /// With an offer in which something is changed.
    async fn begin_with(from: &'n Node, to: &'n Node, change: &str) -> Result<ByHand<'n>, Refusal> {
        let one = |given: &str, first: &str, second: &str, birth: &str| {
            vec![Registration {
                given: Some(given.to_owned()),
                first: Some(first.to_owned()),
                second: Some(second.to_owned()),
                birth: Some(birth.to_owned()),
                ..Registration::default()
            }]
        };
        let people = vec![
            one("Guadalupe", "Quiñones", "Baeza", "1984-11-02"),
            one("Elena", "Zepeda", "Nava", "1990-07-09"),
            one("Inventada", "Nadie", "Alguna", "1999-09-09"),
        ];
        let parts = parts(&terms(1))?;
        let names = [from.id.0.as_str(), to.id.0.as_str()];
        let (asking, offer) = Asking::start(names, people, &parts, &random()?);
        let mut body = serde_json::to_value(&offer).unwrap();
        let change: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(change).unwrap();
        body.as_object_mut().unwrap().extend(change);
        let body = serde_json::to_vec(&body).unwrap();
        let said = from
            .network
            .one_within(&to.id, path::LINKAGE_OFFER, body, PATIENCE)
            .await?;
        let limits = Limits {
            people: 40,
            parts: &parts,
        };
        let asked = asking.agreed(&read(&said)?, &limits).unwrap();
        Ok(ByHand {
            from,
            to,
            asked,
            said,
            points: Vec::new(),
        })
    }
    async fn say(&self, path: &'static str, body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        self.from
            .network
            .one_within(&self.to.id, path, body, PATIENCE)
            .await
    }
    fn piece(&self, n: usize) -> Vec<u8> {
        self.asked.piece(n).unwrap()
    }
    /// Sends one's own pieces as is agreed, and gives the other's.
    async fn theirs(&mut self) -> Vec<u8> {
        for n in 0..self.asked.pieces() {
            let body = numbered(n, &self.piece(n)).unwrap();
            let back = self.say(path::LINKAGE_PIECE, body).await.unwrap();
            self.points.extend(&back);
        }
        let mut theirs = Vec::new();
        for n in 0..self.asked.their_pieces() {
            let body = json(&n).unwrap();
            theirs.extend(self.say(path::LINKAGE_OWN, body).await.unwrap());
        }
        self.points.extend(&theirs);
        theirs
    }
}
