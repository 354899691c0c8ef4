//! Who looked, and why: one plain sentence for each act, grouped by day.
//!
//! One look of a professional touches several nodes: her own, which asked, and each that answered. They are told as one
//! line with a proof for each node. Acts of two people, or two looks of one, are never told as one. The person's own
//! acts and those of machines are folded into one line a day, which opens.

use super::emergency::Told;
use super::frame::Frame;
use crate::text::Text;
use crate::threads::{Thread, Threads};
use crate::when;
use askama::Template;
use exchange::LogPart;
use jiff::Timestamp;
use std::collections::BTreeMap;
use trust::{ActKind, ActView, Opinion, Role};

/// How far apart, in seconds, an ask and the reads that answer it can be in the clocks of two nodes.
const ONE_LOOK_SECONDS: i64 = 30;

/// An act at one node, for its proof.
#[derive(Clone, Debug)]
pub struct Witnessed {
    /// The node that logged it.
    pub thread: Thread,
    /// Name of the act there.
    pub act: String,
    /// What it was there, in words: asked, showed 12 entries.
    pub what: String,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Look {
    /// The sentence.
    pub sentence: String,
    /// The institution of who acted.
    pub thread: Thread,
    /// Time of day.
    pub time: String,
    /// Refused, with the reasons by name.
    pub refused: bool,
    /// Why refused.
    pub because: Vec<String>,
    /// Drawn sign.
    pub icon: &'static str,
    /// Where it is logged; the first is the node that answers for it.
    pub logged: Vec<Witnessed>,
    /// What the person said: empty, `right` or `not-right`.
    pub opinion: &'static str,
    /// Sealed name of who acted, to make a rule about her; empty for the person herself and machines.
    pub actor: String,
    /// Whether an opinion can be given.
    pub asks_opinion: bool,
    at: Timestamp,
}

impl Look {
    /// The act that an opinion is about: the node of who acted answers for it.
    pub(crate) fn answering(&self) -> &[Witnessed] {
        self.logged.get(..1).unwrap_or_default()
    }
}

/// One day.
#[derive(Clone, Debug)]
pub struct Day {
    /// Heading.
    pub heading: String,
    /// `2026-11-22`.
    pub iso: String,
    /// Of people, each alone, newest first.
    pub people: Vec<Look>,
    /// The person's own.
    pub own: Vec<Look>,
    /// `You opened your record 3 times`.
    pub own_words: String,
    /// Of machines.
    pub machines: Vec<Look>,
    /// In words.
    pub machine_words: String,
}

/// What makes the lines.
pub struct Input<'a> {
    /// Each member's part of the log.
    pub parts: &'a [LogPart],
    /// The sentence of an act.
    pub sentence: &'a dyn Fn(&ActView) -> String,
    /// Seals the name of an actor (institution, login, name).
    pub seal: &'a dyn Fn(&ActView) -> String,
    /// Now.
    pub now: Timestamp,
}

/// One look with the acts that make it up; the first answers for it.
struct Group<'a> {
    acts: Vec<&'a ActView>,
}

/// Whether the person did it herself. Acts do not name her login; somebody else who tried as a patient was refused.
fn is_own(act: &ActView) -> bool {
    act.role == Role::Patient && act.acting.is_none() && act.refused.is_empty()
}

/// Brings each read that answers another node's ask (or the asker's own node's part of it) to that ask.
fn group<'a>(acts: &[&'a ActView]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = acts
        .iter()
        .filter(|a| a.kind == ActKind::Ask)
        .map(|a| Group { acts: vec![a] })
        .collect();
    let asks = groups.len();
    for act in acts.iter().filter(|a| a.kind != ActKind::Ask) {
        let distance = |g: &Group<'_>| {
            let ask = g.acts.first()?;
            let same = act.kind == ActKind::Read
                && ask.actor == act.actor
                && ask.institution == act.institution
                && ask.acting == act.acting
                && ask.purpose == act.purpose
                && ask.refused.is_empty()
                && act.refused.is_empty()
                && !g.acts.iter().skip(1).any(|a| a.node == act.node);
            let apart = (act.at.as_second() - ask.at.as_second()).abs();
            (same && apart <= ONE_LOOK_SECONDS).then_some(apart)
        };
        let nearest = (0..asks)
            .filter_map(|i| Some((distance(groups.get(i)?)?, i)))
            .min()
            .map(|(_, i)| i);
        match nearest.and_then(|i| groups.get_mut(i)) {
            Some(group) => group.acts.push(act),
            None => groups.push(Group { acts: vec![act] }),
        }
    }
    groups
}

fn look(t: Text, threads: &Threads, g: &Group<'_>, input: &Input<'_>) -> Option<Look> {
    let first = *g.acts.first()?;
    let mut told = first.clone();
    if g.acts.len() > 1 {
        // The ask itself touches nothing; what was seen is what the answers showed.
        told.kind = ActKind::Read;
        for act in g.acts.iter().skip(1) {
            told.categories = told.categories.with(act.categories);
            told.resources += act.resources;
        }
    }
    let own = is_own(first);
    Some(Look {
        sentence: (input.sentence)(&told),
        thread: threads.thread(&first.institution.0),
        time: when::time(first.at),
        refused: !first.refused.is_empty(),
        because: first.refused.clone(),
        icon: match first.kind {
            _ if !first.refused.is_empty() => "cross",
            _ if first.machine => "gear",
            ActKind::Emergency => "warn",
            ActKind::Write | ActKind::Review => "check",
            ActKind::Word => "lock",
            _ => "eye",
        },
        logged: g.acts.iter().map(|a| logged(t, threads, a)).collect(),
        opinion: match g.acts.iter().find_map(|a| a.opinion) {
            Some(Opinion::Right) => "right",
            Some(Opinion::NotRight) => "not-right",
            None => "",
        },
        actor: if own || first.machine {
            String::new()
        } else {
            (input.seal)(first)
        },
        asks_opinion: !own && !first.machine,
        at: first.at,
    })
}

fn logged(t: Text, threads: &Threads, act: &ActView) -> Witnessed {
    let n = usize::try_from(act.resources).unwrap_or(usize::MAX);
    let what = match act.kind {
        _ if !act.refused.is_empty() => t.say("looks.it_refused").to_owned(),
        ActKind::Ask => t.say("looks.it_asked").to_owned(),
        ActKind::Read if n == 0 => t.say("looks.it_showed_nothing").to_owned(),
        ActKind::Read => t.count("looks.it_showed", n),
        ActKind::Write | ActKind::Import => t.count("looks.it_stored", n),
        _ => t.say("looks.it_noted").to_owned(),
    };
    Witnessed {
        thread: threads.thread(&act.node.0),
        act: act.id.clone(),
        what,
    }
}

/// One day's looks by who acted.
#[derive(Default)]
struct Sorted {
    people: Vec<Look>,
    own: Vec<Look>,
    machines: Vec<Look>,
}

/// Days, newest first.
pub(crate) fn days(t: Text, threads: &Threads, input: &Input<'_>) -> Vec<Day> {
    let acts: Vec<&ActView> = input
        .parts
        .iter()
        .filter_map(|p| p.acts.as_ref().ok())
        .flatten()
        .collect();
    let mut days: BTreeMap<String, Sorted> = BTreeMap::new();
    for g in group(&acts) {
        let (Some(first), Some(look)) = (g.acts.first(), look(t, threads, &g, input)) else {
            continue;
        };
        let day = days.entry(when::iso_day(first.at)).or_default();
        if is_own(first) {
            day.own.push(look);
        } else if first.machine {
            day.machines.push(look);
        } else {
            day.people.push(look);
        }
    }
    days.into_iter()
        .rev()
        .map(
            |(
                iso,
                Sorted {
                    people,
                    own,
                    machines,
                },
            )| Day {
                heading: when::day_heading(t, &iso, input.now),
                iso,
                own_words: t.count("looks.own", own.len()),
                machine_words: t.count("looks.machines", machines.len()),
                people: newest_first(people),
                own: newest_first(own),
                machines: newest_first(machines),
            },
        )
        .collect()
}

fn newest_first(mut looks: Vec<Look>) -> Vec<Look> {
    looks.sort_by_key(|l| std::cmp::Reverse(l.at));
    looks
}

#[derive(Template)]
#[template(path = "looks.html")]
struct Page {
    frame: Frame,
    days: Vec<Day>,
    missing: Vec<(Thread, String)>,
    total: String,
    emergencies: Vec<Told>,
}

/// The page.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let threads = frame.threads.clone();
    let days = days(t, &threads, input);
    let people: usize = days.iter().map(|d| d.people.len()).sum();
    let missing = input
        .parts
        .iter()
        .filter_map(|p| {
            let why = p.acts.as_ref().err()?;
            Some((
                threads.thread(&p.member.0),
                super::person::outcome(t, why).2,
            ))
        })
        .collect();
    super::render(&Page {
        days,
        missing,
        emergencies: super::emergency::told(t, input.parts, input.sentence, input.now),
        total: t.count("looks.total", people),
        frame: frame.titled(t.say("nav.looks")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::{Categories, Category, Lang, MemberId, Purpose};

    fn act(id: &str, at: &str, kind: ActKind, node: &str, actor: &str) -> ActView {
        ActView {
            acting: None,
            id: id.into(),
            at: at.parse().unwrap(),
            kind,
            node: MemberId(node.into()),
            who: actor.into(),
            actor: actor.into(),
            role: if actor == "me" {
                Role::Patient
            } else {
                Role::Physician
            },
            institution: MemberId(if actor == "me" { node } else { "farmacia" }.into()),
            specialty: None,
            supervisor: None,
            helper: None,
            delegator: None,
            purpose: Purpose::Treatment,
            evidence: None,
            what: trust::What::Summary,
            categories: Categories::default(),
            resources: 0,
            machine: false,
            refused: vec![],
            leaf: 0,
            opinion: None,
        }
    }
    fn part(member: &str, acts: Vec<ActView>) -> LogPart {
        LogPart {
            member: MemberId(member.into()),
            name: member.into(),
            acts: Ok(acts),
        }
    }
    fn days_of(parts: &[LogPart]) -> Vec<Day> {
        let input = Input {
            parts,
            sentence: &|a| format!("{} {:?} {}", a.who, a.kind, a.resources),
            seal: &|_| "sealed".into(),
            now: "2026-11-22T18:00:00Z".parse().unwrap(),
        };
        let threads = Threads::new([
            ("farmacia", "Farmacia"),
            ("imss", "IMSS"),
            ("issste", "ISSSTE"),
        ]);
        days(Text::of(Lang::Es), &threads, &input)
    }

    #[test]
    fn one_look_over_three_nodes_is_one_line_with_three_proofs() {
        let mut imss = act("b", "2026-11-22T17:42:01Z", ActKind::Read, "imss", "ruiz");
        imss.resources = 12;
        imss.categories = Category::Medicines.bit();
        let mut issste = act("c", "2026-11-22T17:42:02Z", ActKind::Read, "issste", "ruiz");
        issste.resources = 3;
        let days = days_of(&[
            part(
                "farmacia",
                vec![act(
                    "a",
                    "2026-11-22T17:42:00Z",
                    ActKind::Ask,
                    "farmacia",
                    "ruiz",
                )],
            ),
            part("imss", vec![imss]),
            part("issste", vec![issste]),
        ]);
        assert_eq!(days.len(), 1);
        assert_eq!(days[0].people.len(), 1);
        assert_eq!(days[0].people[0].sentence, "ruiz Read 15");
        let acts: Vec<_> = days[0].people[0]
            .logged
            .iter()
            .map(|l| l.act.as_str())
            .collect();
        assert_eq!(acts, ["a", "b", "c"]);
    }

    #[test]
    fn two_looks_and_two_people_stay_apart() {
        let days = days_of(&[
            part(
                "farmacia",
                vec![
                    act(
                        "a",
                        "2026-11-22T17:42:00Z",
                        ActKind::Ask,
                        "farmacia",
                        "ruiz",
                    ),
                    act(
                        "d",
                        "2026-11-22T17:42:10Z",
                        ActKind::Ask,
                        "farmacia",
                        "ruiz",
                    ),
                    act(
                        "e",
                        "2026-11-22T17:42:05Z",
                        ActKind::Ask,
                        "farmacia",
                        "soto",
                    ),
                ],
            ),
            part(
                "imss",
                vec![
                    act("b", "2026-11-22T17:42:01Z", ActKind::Read, "imss", "ruiz"),
                    act("c", "2026-11-22T17:42:11Z", ActKind::Read, "imss", "ruiz"),
                    act("f", "2026-11-22T17:42:01Z", ActKind::Read, "imss", "soto"),
                    act("g", "2026-11-22T17:52:01Z", ActKind::Read, "imss", "ruiz"),
                ],
            ),
        ]);
        let mut told: Vec<Vec<&str>> = days[0]
            .people
            .iter()
            .map(|l| l.logged.iter().map(|w| w.act.as_str()).collect())
            .collect();
        told.sort();
        assert_eq!(
            told,
            [vec!["a", "b"], vec!["d", "c"], vec!["e", "f"], vec!["g"]]
        );
    }

    #[test]
    fn ten_thousand_machine_acts_and_three_of_people_are_three_lines_and_a_fold() {
        let mut acts: Vec<ActView> = (0..10_000)
            .map(|i| {
                let mut a = act(
                    &format!("m{i}"),
                    "2026-11-22T17:42:00Z",
                    ActKind::Read,
                    "imss",
                    "robot",
                );
                a.machine = true;
                a
            })
            .collect();
        for (i, actor) in ["ruiz", "soto", "vera"].iter().enumerate() {
            acts.push(act(
                &format!("p{i}"),
                "2026-11-22T17:42:00Z",
                ActKind::Read,
                "imss",
                actor,
            ));
        }
        acts.push(act(
            "own",
            "2026-11-22T17:42:00Z",
            ActKind::Log,
            "imss",
            "me",
        ));
        let days = days_of(&[part("imss", acts)]);
        assert_eq!(days[0].people.len(), 3);
        assert_eq!(days[0].machines.len(), 10_000);
        assert_eq!(days[0].own.len(), 1);
    }

    #[test]
    fn a_refusal_is_shown_and_never_joined_to_a_look() {
        let mut no = act("b", "2026-11-22T17:42:01Z", ActKind::Denied, "imss", "ruiz");
        no.refused = vec!["no-evidence".into()];
        let days = days_of(&[
            part(
                "farmacia",
                vec![act(
                    "a",
                    "2026-11-22T17:42:00Z",
                    ActKind::Ask,
                    "farmacia",
                    "ruiz",
                )],
            ),
            part("imss", vec![no]),
        ]);
        assert_eq!(days[0].people.len(), 2);
        assert!(
            days[0]
                .people
                .iter()
                .any(|l| l.refused && l.because == ["no-evidence"])
        );
    }
}
